"""What a report says of sites chosen together: the question, the set, its proof, its phases, and why not the others."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from siteplan.output.report.answers import plain_table
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.material import Material
from siteplan.output.report.tables import Column, table
from siteplan.words import NONE, capital

__all__ = [
    "chosen_answer",
    "chosen_section",
    "communes_chosen",
    "phases_section",
    "question_chosen",
    "rejected_section",
]

MOST_REJECTED = 12


# ---- what was asked ----


def question_chosen(material: Material) -> Markup:
    """Say what the chosen set was to do, for whom, and under which conditions."""
    goal, summary = material.goal, material.goal.summary
    told = {
        "people": material.people(material.everybody),
        "share": material.share(float(goal.asked.get("share") or 1)),
        "penalty": summary.get("penalty") or goal.asked.get("penalty") or 2 * _limit(material),
        "backup": goal.asked.get("backup"),
        **material.within,
        "minutes": _limit(material),
    }
    aim = material.word_of_goal("aim", **told)
    asked = material.say("question_chosen", candidates=len(material.candidates), aim=aim)
    return join(tag("p", asked), tag("ul", *(tag("li", text) for text in _conditions(material))))


def _conditions(material: Material) -> Iterator[str]:
    """Say what the set had to keep to."""
    asked, who = material.goal.asked, material.who
    if (material.sites["status"] == "existing").any():
        yield material.words["asked_existing"]
    if asked.get("phases"):
        yield material.say("asked_phases", counts=material.listed(map(material.spoken, asked["phases"])))
    elif asked.get("phase_budgets"):
        yield material.say("asked_phase_budgets", budgets=material.listed(map(material.spoken, asked["phase_budgets"])))
    elif asked.get("sites"):
        yield material.say("asked_sites", count=asked["sites"])
    if asked.get("budget") is not None:
        yield material.say("asked_budget", budget=asked["budget"])
    if asked.get("capacities"):
        yield material.say("asked_desks" if asked["capacities"] == "desks" else "asked_capacities", who=who)
    if asked.get("spacing_m"):
        yield material.say("asked_spacing", metres=asked["spacing_m"])
    yield from _asked_floors(material, asked.get("floors"))
    for quota in asked.get("quotas") or ():
        which = {"column": quota["column"], "value": str(quota["value"])}
        if quota.get("at_least"):
            yield material.say("asked_quota_least", count=quota["at_least"], **which)
        if quota.get("at_most") is not None:
            yield material.say("asked_quota_most", count=quota["at_most"], **which)


def _asked_floors(material: Material, floors: Any) -> Iterator[str]:
    if isinstance(floors, Mapping):
        each = (material.say("floor_of", name=name, share=material.share(share)) for name, share in floors.items())
        yield material.say("asked_floor_of", who=material.who, names=material.listed(each))
    elif floors == "most":
        yield material.words["asked_floor_most"]
    elif floors:
        yield material.say("asked_floor", share=material.share(float(floors)), who=material.who)


# ---- what comes out ----


def chosen_answer(material: Material) -> Iterator[str]:
    """Say which sites open, whom the set covers then, what it is worth, what it costs, and how sure it is the best."""
    found = material.coverage
    if found is None or found.chosen is None:
        return
    told = {
        "covered": material.people(found.chosen),
        "people": material.people(found.people),
        "share": material.share(found.chosen, found.people),
        **material.within,
    }
    fixed = set(material.opened)
    first = [site for site in material.chosen if site not in fixed]
    yield material.say("answer_chosen", count=len(first), names=_names(material, first), **told)
    for status in ("existing", "required"):
        these = [site for site in material.chosen if site in fixed and material.sites["status"].get(site) == status]
        if these:
            yield material.say(f"answer_{status}", count=len(these), names=_names(material, these))
    every = material.of_people
    if every is not None:
        part = {"covered": material.people(every.planned), "share": material.share(every.planned, every.people)}
        yield material.say("answer_people", people=material.people(every.people), **part)
    yield from _worth(material)
    yield from _cost(material)
    gap = material.goal.figure("gap")
    if _beyond(material):
        return
    if gap == 0:
        yield material.words["answer_proven"]
    elif gap > 0:
        yield material.say("answer_gap", gap=material.at_most(gap))


def _names(material: Material, sites: list[str]) -> str:
    return material.listed(material.name(site) for site in sites)


def _worth(material: Material) -> Iterator[str]:
    """Say what the set is worth where that is not the people it covers."""
    goal, summary = material.goal, material.goal.summary
    value = goal.figure("value")
    if goal.shared_out and "covered" in summary:
        yield material.say("worth_served", people=material.people(summary["covered"]), who=material.who)
    if not math.isfinite(value):
        return
    told = {**material.within, "minutes": _limit(material), "backup": goal.asked.get("backup")}
    told |= {"penalty": summary.get("penalty"), "mean": material.decimal(value / (summary.get("people") or math.nan))}
    told["value"] = value if goal.objective.search == "farthest" else material.people(value)
    if _beyond(material):
        yield material.say("worth_center_beyond", **told)
    elif said := material.word_of_goal("worth", **told):
        yield said


def _beyond(material: Material) -> bool:
    """Tell whether the farthest are beyond the limit: their minutes are then a penalty, and nobody's way."""
    goal = material.goal
    return goal.objective.search == "farthest" and goal.figure("value") > _limit(material)


def _limit(material: Material) -> float:
    """Give the minutes within which a site counts: where there was no limit, the longest that were found."""
    return float(material.goal.summary.get("minutes") or material.within["minutes"])


def _cost(material: Material) -> Iterator[str]:
    """Say what the new sites cost together, and for each person whom they add."""
    new = [site for site in material.chosen if material.costs.get(site) != 0]
    if not material.costs or not new:
        return
    yield material.money(new, "answer_cost")
    found, total = material.coverage, sum(material.costs[site] for site in new)
    more = 0.0 if found is None or found.chosen is None else found.chosen - found.today
    if math.isfinite(total) and more >= 1 and material.goal.objective.heads:
        yield material.say("answer_cost_each", cost=total / more, more=material.people(more), who=material.who)


def _amount(material: Material, value: float) -> str:
    """Write a value of the objective in its unit."""
    return material.word_of_goal("unit", value=material.people(value), who=material.who)


def _proof(material: Material) -> Iterator[str]:
    """Say in plain words how far the set is from the best possible, and what opening always the best next one gives."""
    goal = material.goal
    value, bound, gap, greedy = map(goal.figure, ("value", "bound", "gap", "greedy"))
    if not math.isfinite(value):
        return
    if _beyond(material):
        yield material.say("proof_beyond", minutes=_limit(material))
        return
    if gap == 0:
        key = "proof_best_less" if goal.less_is_better else "proof_best"
        yield material.say(key, value=_amount(material, value))
    elif math.isfinite(gap) and math.isfinite(bound):
        key = "proof_gap_less" if goal.less_is_better else "proof_gap"
        told = {"bound": _amount(material, bound), "value": _amount(material, value)}
        yield material.say(key, gap=material.at_most(gap), **told)
    else:
        yield material.words["proof_none"]
    better = greedy - value if goal.less_is_better else value - greedy
    if better >= 0.5:
        told = {"greedy": _amount(material, greedy), "better": _amount(material, better)}
        yield material.say("proof_greedy", **told)
    elif better > -0.5:
        yield material.words["proof_greedy_same"]


def chosen_section(material: Material) -> Markup:
    """List the chosen sites in the order of opening: what each adds, who is covered then, what is spent by then."""
    if not material.chosen or material.choice is None:
        return Markup("")
    flat = material.choice.reset_index() if "site" not in material.choice else material.choice
    known = flat.assign(site=flat["site"].astype(str)).set_index("site").loc[material.chosen]
    words, who = material.words, material.who
    status = material.sites["status"].astype(str)
    small = {site: words[status[site]] for site in material.chosen if status.get(site) in ("existing", "required")}
    names = [
        join(material.name(site), *([" ", tag("small", small[site])] if site in small else []))
        for site in material.chosen
    ]
    columns = [Column(capital(words["order"])), Column(capital(words["site"]), text=True)]
    cells: list[list[str]] = [[str(at) for at in range(1, len(names) + 1)], list(names)]
    for heading, texts in _figures(material, known):
        columns.append(Column(heading))
        cells.append(texts)
    rows = [list(row) for row in zip(*cells, strict=True)]
    key = "chosen_note_room" if material.goal.shared_out else "chosen_note"
    note = [material.say(key, **material.within)] if material.steps else []
    note += [words["cost_note"]] if any(map(math.isnan, material.costs.values())) else []
    note += [material.say("served_note", who=who)] if _turned_away(known) else []
    proof = list(_proof(material))
    return join(
        tag("p", " ".join(proof)) if proof else Markup(""),
        table(columns, rows, header=2),
        tag("p", " ".join(note), class_="note") if note else Markup(""),
    )


def _figures(material: Material, known: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Give the headings and texts of what is known of each chosen site."""
    words, chosen, gained = material.words, material.chosen, material.word_of_goal("gain")
    if "phase" in known:
        yield words["phase"], [material.spoken(phase) for phase in known["phase"]]
    added = material.added or (list(known["added"].astype(float)) if "added" in known else [])
    if added:
        yield material.say("added_people", who=material.who), [material.people(each) for each in added]
    if "gain" in known and gained:
        yield gained, [material.people(float(each)) for each in known["gain"]]
    if material.steps:
        yield words["covered_after"], [material.people(covered) for covered in material.steps]
        yield words["share_after"], [material.share(covered, material.everybody) for covered in material.steps]
    if _turned_away(known):
        for name in ("served", "turned_away"):
            yield words[name], [material.people(float(each)) for each in known[name]]
    if material.costs:
        yield words["cost"], [material.spoken(material.costs[site]) for site in chosen]
        yield words["cost_so_far"], [material.money(chosen[: at + 1]) for at in range(len(chosen))]


def _turned_away(known: pd.DataFrame) -> bool:
    """Tell whether a full site sends anybody elsewhere."""
    return {"served", "turned_away"} <= set(known) and bool((known["turned_away"] >= 0.5).any())


# ---- in which phases ----


def phases_section(material: Material) -> Markup:
    """Show what each phase opens, gives and costs, and what it falls short of the best set of its own size."""
    phases, words, goal = material.phases, material.words, material.goal
    if phases is None:
        return Markup("")
    flat = phases.reset_index() if "phase" not in phases else phases
    if not {"phase", "count", "value", "alone", "loss", "loss_share", "opens"} <= set(flat):
        return plain_table(material, phases)
    everybody = material.everybody
    counted = everybody > 0 and goal.objective.heads
    columns = [Column(words["phase"]), Column(words["opens"], text=True), Column(words["open_in_all"])]
    columns += [Column(words["phase_budget"])] if "budget" in flat else []
    columns += [Column(words["cost_so_far"])] if material.costs else []
    columns += [Column(material.word_of_goal("value", who=material.who))]
    columns += [Column(words["share_after"])] if counted else []
    columns += [Column(words["best_alone"]), Column(words["short_of_it"])]
    rows: list[list[str]] = []
    spent: list[str] = []
    for row in flat.to_dict("records"):
        opens = [site for site in str(row["opens"] if pd.notna(row["opens"]) else "").split(", ") if site]
        spent += [site for site in opens if site in material.costs]
        cells = [material.spoken(row["phase"]), _opening(material, opens), material.spoken(row["count"])]
        cells += [material.spoken(row["budget"])] if "budget" in flat else []
        cells += [material.money(spent)] if material.costs else []
        cells += [material.people(row["value"])]
        cells += [material.share(row["value"], everybody)] if counted else []
        rows.append([*cells, _alone(material, row), _short(material, row)])
    return join(table(columns, rows, header=1), tag("p", words["phases_note"], class_="note"))


def _opening(material: Material, sites: list[str]) -> Markup:
    """Name the sites that a phase opens; those that exist stand there smaller."""
    status = material.sites["status"].astype(str)
    named = [
        tag("small", f"{material.name(site)} ({material.words['existing']})")
        if status.get(site) == "existing"
        else material.name(site)
        for site in sites
    ]
    return join(*named, by=", ") if named else join(NONE)


def _alone(material: Material, row: Mapping[Any, Any]) -> str:
    """Write what the best set of a phase's own size gives, and its bound where that is not proven."""
    alone, bound = float(row["alone"]), float(row.get("bound", math.nan))
    proven = not math.isfinite(bound) or abs(bound - alone) <= 1e-6 * max(1.0, abs(alone))
    key = "alone_at_least" if material.goal.less_is_better else "alone_at_most"
    text = material.people(alone)
    return text if proven else material.say(key, value=text, bound=material.people(bound))


def _short(material: Material, row: Mapping[Any, Any]) -> str:
    loss = float(row["loss"])
    if loss < 0.5:
        return material.people(0.0)
    return f"{material.people(loss)} ({material.share(float(row['loss_share']))})"


# ---- why not the others ----


def rejected_section(material: Material) -> Markup:
    """Show the candidates that come nearest to being chosen: whom they share with which site, what a swap changes."""
    found, words, goal = material.rejected, material.words, material.goal
    if found is None or not material.chosen:
        return Markup("")
    flat = found.reset_index() if "site" not in found else found
    if not {"site", "people", "new", "redundant_by", "shared"} <= set(flat):
        return plain_table(material, found)
    shown = _nearest(flat, goal.less_is_better)
    swaps = "change" in shown and bool(shown["change"].notna().any())
    columns = [
        Column(capital(words["site"]), text=True),
        Column(material.say("reaches", who=material.who)),
        Column(capital(words["would_add"])),
        Column(words["shares_with"], text=True),
    ]
    if swaps:
        over = words["swapped"]
        columns.append(Column(words["instead_of"], over=over, text=True))
        columns.append(Column(material.word_of_goal("value", who=material.who), over=over))
        columns += [Column(capital(words["cost"]), over=over)] if material.costs else []
    rows = []
    for row in shown.head(MOST_REJECTED).to_dict("records"):
        cells = [material.name(str(row["site"])), material.people(row["people"]), material.people(row["new"])]
        cells.append(_shared(material, row))
        rows.append([*cells, *(_swapped(material, row) if swaps else [])])
    notes = [words["rejected_note"]]
    notes += [words["swaps_note"]] if swaps else [words["swaps_none"]]
    notes += [text for text in [_left_out(material)] if text]
    hidden = len(shown) - len(rows)
    notes += [material.say("rejected_hidden", count=hidden)] if hidden else []
    return join(table(columns, rows, header=1), tag("p", " ".join(notes), class_="note"))


def _nearest(flat: pd.DataFrame, less_is_better: bool) -> pd.DataFrame:
    """Sort the candidates: those first whose swap costs least, then those that would add most."""
    change = flat["change"].astype(float) if "change" in flat else pd.Series(math.nan, index=flat.index)
    worse = change if less_is_better else -change
    order = pd.DataFrame({"worse": worse, "less": -flat["new"].astype(float), "site": flat["site"].astype(str)})
    return flat.loc[order.sort_values(["worse", "less", "site"], kind="stable").index]


def _shared(material: Material, row: Mapping[Any, Any]) -> str:
    """Say with which chosen site a candidate shares most, and how many people."""
    if pd.isna(row["redundant_by"]) or not float(row["shared"]) > 0:
        return NONE
    return f"{material.name(str(row['redundant_by']))} ({material.people(float(row['shared']))})"


def _swapped(material: Material, row: Mapping[Any, Any]) -> list[str]:
    """Say which chosen site a candidate would best replace, and what that changes."""
    none = NONE
    if pd.isna(row["swap_for"]) or pd.isna(row["change"]):
        return [none] * (3 if material.costs else 2)
    out = str(row["swap_for"])
    cells = [material.name(out), material.signed(float(row["change"]))]
    if not material.costs:
        return cells
    dearer = float(material.sites["cost"].get(str(row["site"]), math.nan)) - material.costs.get(out, math.nan)
    return [*cells, material.signed(dearer) if math.isfinite(dearer) else none]


def _left_out(material: Material) -> str:
    """Say how many candidates could not be chosen, as their cost or capacity is not known."""
    left = material.goal.summary.get("left_out") or 0
    count = left if isinstance(left, int | float) else len(left)
    return material.say("rejected_left_out", count=int(count)) if count else ""


# ---- where ----


def communes_chosen(material: Material) -> Markup:
    """Show by commune who is covered today, with the chosen sites and with all, and the floor that was asked."""
    planned = material.by_commune([*material.opened, *material.chosen])
    if not material.chosen or planned is None:
        return Markup("")
    words, floors = material.words, _floors(material)
    openings = {"open_today": material.by_commune(material.opened)} if material.opened else {}
    openings |= {"open_chosen": planned, "open_all": material.by_commune(material.used)}
    known = {name: found.set_index("territory") for name, found in openings.items() if found is not None}
    people = known["open_chosen"]["people"]
    covered = pd.DataFrame({name: found["covered"] for name, found in known.items()})
    covered = covered.assign(open_chosen=_served(material, people, covered["open_chosen"]))
    shares = covered.div(people.where(people > 0), axis=0)
    order = sorted(
        people.index, key=lambda each: (str(each) == "", _last_if_nan(shares["open_chosen"][each]), str(each))
    )
    columns = [Column(words["commune"], text=True), Column(capital(material.who))]
    columns += [Column(words[name], bar=True) for name in known]
    columns += [Column(words["floor"])] if floors else []
    whole = [material.share(covered[name].sum(), people.sum()) for name in known]
    rows = [[words["all_communes"], material.people(people.sum()), *whole, *([NONE] if floors else [])]]
    bars = [[float(covered[name].sum() / people.sum()) if people.sum() else 0.0 for name in known]]
    for each in order:
        name = material.commune(each)
        cells = [name, material.people(people[each])]
        cells += [material.share(covered[opening][each], people[each]) for opening in known]
        cells += [material.share(floors[name]) if name in floors else NONE] if floors else []
        rows.append(cells)
        bars.append([0.0 if math.isnan(share) else float(share) for share in shares.loc[each, list(known)]])
    note = [material.say("communes_chosen_note", **material.within)]
    note += [words["floor_note"]] if floors else []
    note += [words["served_commune_note"]] if material.goal.shared_out else []
    return join(tag("p", " ".join(note), class_="note"), table(columns, rows, header=1, bars=bars, total=True))


def _last_if_nan(share: float) -> float:
    return 2.0 if math.isnan(share) else float(share)


def _floors(material: Material) -> Mapping[str, float]:
    """Give the share that was asked of each commune, by its name; nothing where none was."""
    told = material.goal.summary.get("floors")
    if isinstance(told, Mapping):
        return {str(name): float(share) for name, share in told.items() if share is not None}
    asked = material.goal.asked.get("floors")
    if isinstance(asked, Mapping):
        return {str(name): float(share) for name, share in asked.items()}
    if isinstance(asked, int | float) and material.communes is not None and "name" in material.communes:
        return dict.fromkeys(material.communes["name"].astype(str), float(asked))
    return {}


def _served(material: Material, people: pd.Series, covered: pd.Series) -> pd.Series:
    """Give who is covered with the chosen sites: where sites may be full, only those who find a place."""
    shares = material.goal.summary.get("territories")
    if not material.goal.shared_out or not isinstance(shares, Mapping):
        return covered
    told = pd.Series([shares.get(material.commune(each)) for each in people.index], index=people.index, dtype=float)
    return (told * people).fillna(covered)
