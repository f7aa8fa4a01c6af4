"""What a report says of sites chosen together: the question, the set, its proof, its phases, and why not the others."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from siteplan.output.report.account import Account
from siteplan.output.report.answers import plain_table
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.tables import Column, table
from siteplan.words import NONE, capital

__all__ = [
    "aim",
    "chosen_answer",
    "chosen_section",
    "communes_chosen",
    "phases_section",
    "rejected_section",
]

MOST_REJECTED = 12


# ---- what was asked ----


def aim(account: Account) -> str:
    """Say what the chosen set was to do, and for whom."""
    words, goal, summary = account.words, account.goal, account.goal.summary
    told = {
        "people": words.count(account.everybody),
        "share": words.share(float(goal.asked.get("share") or 1)),
        "penalty": summary.get("penalty") or goal.asked.get("penalty") or 2 * _limit(account),
        "backup": goal.asked.get("backup"),
        **account.within,
        "minutes": _limit(account),
    }
    return account.word_of_goal("aim", **told)


# ---- what comes out ----


def chosen_answer(account: Account) -> Iterator[str]:
    """Say which sites open, whom the set covers then, what it is worth, what it costs, and how sure it is the best."""
    words, found = account.words, account.coverage
    if found is None or found.chosen is None:
        return
    told = {
        "covered": words.count(found.chosen),
        "people": words.count(found.people),
        "share": words.share(found.chosen, found.people),
        **account.within,
    }
    fixed = set(account.opened)
    first = [site for site in account.chosen if site not in fixed]
    yield words.text("answer_chosen", count=len(first), names=_names(account, first), **told)
    for status in ("existing", "required"):
        these = [site for site in account.chosen if site in fixed and account.sites["status"].get(site) == status]
        if these:
            yield words.text(f"answer_{status}", count=len(these), names=_names(account, these))
    every = account.of_people
    if every is not None:
        part = {"covered": words.count(every.planned), "share": words.share(every.planned, every.people)}
        yield words.text("answer_people", people=words.count(every.people), **part)
    yield from _worth(account)
    yield from _cost(account)
    gap = account.goal.figure("gap")
    if _beyond(account):
        return
    if gap == 0:
        yield words["answer_proven"]
    elif gap > 0:
        yield words.text("answer_gap", gap=words.at_most(gap))


def _names(account: Account, sites: list[str]) -> str:
    return account.words.listed(account.name(site) for site in sites)


def _worth(account: Account) -> Iterator[str]:
    """Say what the set is worth where that is not the people it covers."""
    words, goal, summary = account.words, account.goal, account.goal.summary
    value = goal.figure("value")
    if goal.shared_out and "covered" in summary:
        yield words.text("worth_served", people=words.count(summary["covered"]), who=account.who)
    if not math.isfinite(value):
        return
    told = {**account.within, "minutes": _limit(account), "backup": goal.asked.get("backup")}
    told |= {"penalty": summary.get("penalty"), "mean": words.number(value / (summary.get("people") or math.nan), 1)}
    told["value"] = value if goal.objective.search == "farthest" else words.count(value)
    if _beyond(account):
        yield words.text("worth_center_beyond", **told)
    elif said := account.word_of_goal("worth", **told):
        yield said


def _beyond(account: Account) -> bool:
    """Tell whether the farthest are beyond the limit: their minutes are then a penalty, and nobody's way."""
    goal = account.goal
    return goal.objective.search == "farthest" and goal.figure("value") > _limit(account)


def _limit(account: Account) -> float:
    """Give the minutes within which a site counts: where there was no limit, the longest that were found."""
    return float(account.goal.summary.get("minutes") or account.within["minutes"])


def _cost(account: Account) -> Iterator[str]:
    """Say what the new sites cost together, and for each person whom they add."""
    words, new = account.words, [site for site in account.chosen if account.costs.get(site) != 0]
    if not account.costs or not new:
        return
    yield account.money(new, "answer_cost")
    found, total = account.coverage, sum(account.costs[site] for site in new)
    more = 0.0 if found is None or found.chosen is None else found.chosen - found.today
    if math.isfinite(total) and more >= 1 and account.goal.objective.heads:
        yield words.text("answer_cost_each", cost=total / more, more=words.count(more), who=account.who)


def _amount(account: Account, value: float) -> str:
    """Write a value of the objective in its unit."""
    words = account.words
    return account.word_of_goal("unit", value=words.count(value), who=account.who)


def _proof(account: Account) -> Iterator[str]:
    """Say in plain words how far the set is from the best possible, and what opening always the best next one gives."""
    words, goal = account.words, account.goal
    value, bound, gap, greedy = map(goal.figure, ("value", "bound", "gap", "greedy"))
    if not math.isfinite(value):
        return
    if _beyond(account):
        yield words.text("proof_beyond", minutes=_limit(account))
        return
    if gap == 0:
        key = "proof_best_less" if goal.less_is_better else "proof_best"
        yield words.text(key, value=_amount(account, value))
    elif math.isfinite(gap) and math.isfinite(bound):
        key = "proof_gap_less" if goal.less_is_better else "proof_gap"
        told = {"bound": _amount(account, bound), "value": _amount(account, value)}
        yield words.text(key, gap=words.at_most(gap), **told)
    else:
        yield words["proof_none"]
    better = greedy - value if goal.less_is_better else value - greedy
    if better >= 0.5:
        told = {"greedy": _amount(account, greedy), "better": _amount(account, better)}
        yield words.text("proof_greedy", **told)
    elif better > -0.5:
        yield words["proof_greedy_same"]


def chosen_section(account: Account) -> Markup:
    """List the chosen sites in the order of opening: what each adds, who is covered then, what is spent by then."""
    if not account.chosen or account.choice is None:
        return Markup("")
    known = account.choice.assign(site=account.choice["site"].astype(str)).set_index("site").loc[account.chosen]
    words, who = account.words, account.who
    status = account.sites["status"].astype(str)
    small = {site: words[status[site]] for site in account.chosen if status.get(site) in ("existing", "required")}
    names = [
        join(account.name(site), *([" ", tag("small", small[site])] if site in small else []))
        for site in account.chosen
    ]
    columns = [Column(capital(words["order"])), Column(capital(words["site"]), text=True)]
    cells: list[list[str]] = [[str(at) for at in range(1, len(names) + 1)], list(names)]
    for heading, texts in _figures(account, known):
        columns.append(Column(heading))
        cells.append(texts)
    rows = [list(row) for row in zip(*cells, strict=True)]
    key = "chosen_note_room" if account.goal.shared_out else "chosen_note"
    note = [words.text(key, **account.within)] if account.steps else []
    note += [words["cost_note"]] if any(map(math.isnan, account.costs.values())) else []
    note += [words.text("served_note", who=who)] if _turned_away(known) else []
    proof = list(_proof(account))
    return join(
        tag("p", " ".join(proof)) if proof else Markup(""),
        table(columns, rows, header=2),
        tag("p", " ".join(note), class_="note") if note else Markup(""),
    )


def _figures(account: Account, known: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Give the headings and texts of what is known of each chosen site."""
    words, chosen, gained = account.words, account.chosen, account.word_of_goal("gain")
    if "phase" in known:
        yield words["phase"], [words.spoken(phase) for phase in known["phase"]]
    added = account.added or (list(known["added"].astype(float)) if "added" in known else [])
    if added:
        yield words.text("added_people", who=account.who), [words.count(each) for each in added]
    if "gain" in known and gained:
        yield gained, [words.count(float(each)) for each in known["gain"]]
    if account.steps:
        yield words["covered_after"], [words.count(covered) for covered in account.steps]
        yield words["share_after"], [words.share(covered, account.everybody) for covered in account.steps]
    if _turned_away(known):
        for name in ("served", "turned_away"):
            yield words[name], [words.count(float(each)) for each in known[name]]
    if account.costs:
        yield capital(words["cost"]), [words.spoken(account.costs[site]) for site in chosen]
        yield words["cost_so_far"], [account.money(chosen[: at + 1]) for at in range(len(chosen))]


def _turned_away(known: pd.DataFrame) -> bool:
    """Tell whether a full site sends anybody elsewhere."""
    return {"served", "turned_away"} <= set(known) and bool((known["turned_away"] >= 0.5).any())


# ---- in which phases ----


def phases_section(account: Account) -> Markup:
    """Show what each phase opens, gives and costs, and what it falls short of the best set of its own size."""
    phases, words, goal = account.table("phases"), account.words, account.goal
    if phases is None:
        return Markup("")
    if not {"phase", "count", "value", "alone", "loss", "loss_share", "opens"} <= set(phases):
        return plain_table(account, phases)
    everybody = account.everybody
    counted = everybody > 0 and goal.objective.heads
    columns = [Column(words["phase"]), Column(words["opens"], text=True), Column(words["open_in_all"])]
    columns += [Column(words["phase_budget"])] if "budget" in phases else []
    columns += [Column(words["cost_so_far"])] if account.costs else []
    columns += [Column(account.word_of_goal("value", who=account.who))]
    columns += [Column(words["share_after"])] if counted else []
    columns += [Column(words["best_alone"]), Column(words["short_of_it"])]
    rows: list[list[str]] = []
    spent: list[str] = []
    for row in phases.to_dict("records"):
        opens = [site for site in str(row["opens"] if pd.notna(row["opens"]) else "").split(", ") if site]
        spent += [site for site in opens if site in account.costs]
        cells = [words.spoken(row["phase"]), _opening(account, opens), words.spoken(row["count"])]
        cells += [words.spoken(row["budget"])] if "budget" in phases else []
        cells += [account.money(spent)] if account.costs else []
        cells += [words.count(row["value"])]
        cells += [words.share(row["value"], everybody)] if counted else []
        rows.append([*cells, _alone(account, row), _short(account, row)])
    return join(table(columns, rows, header=1), tag("p", words["phases_note"], class_="note"))


def _opening(account: Account, sites: list[str]) -> Markup:
    """Name the sites that a phase opens; those that exist stand there smaller."""
    words, status = account.words, account.sites["status"].astype(str)
    named = [
        tag("small", f"{account.name(site)} ({words['existing']})")
        if status.get(site) == "existing"
        else account.name(site)
        for site in sites
    ]
    return join(*named, by=", ") if named else join(NONE)


def _alone(account: Account, row: Mapping[Any, Any]) -> str:
    """Write what the best set of a phase's own size gives, and its bound where that is not proven."""
    words, alone, bound = account.words, float(row["alone"]), float(row.get("bound", math.nan))
    proven = not math.isfinite(bound) or abs(bound - alone) <= 1e-6 * max(1.0, abs(alone))
    key = "alone_at_least" if account.goal.less_is_better else "alone_at_most"
    text = words.count(alone)
    return text if proven else words.text(key, value=text, bound=words.count(bound))


def _short(account: Account, row: Mapping[Any, Any]) -> str:
    words, loss = account.words, float(row["loss"])
    if loss < 0.5:
        return words.count(0.0)
    return f"{words.count(loss)} ({words.share(float(row['loss_share']))})"


# ---- why not the others ----


def rejected_section(account: Account) -> Markup:
    """Show the candidates that come nearest to being chosen: whom they share with which site, what a swap changes."""
    found, words, goal = account.table("rejected"), account.words, account.goal
    if found is None or not account.chosen:
        return Markup("")
    if not {"site", "people", "new", "redundant_by", "shared"} <= set(found):
        return plain_table(account, found)
    shown = _nearest(found, goal.less_is_better)
    swaps = "change" in shown and bool(shown["change"].notna().any())
    columns = [
        Column(capital(words["site"]), text=True),
        Column(words.text("reaches", who=account.who)),
        Column(capital(words["would_add"])),
        Column(words["shares_with"], text=True),
    ]
    if swaps:
        over = words["swapped"]
        columns.append(Column(words["instead_of"], over=over, text=True))
        columns.append(Column(account.word_of_goal("value", who=account.who), over=over))
        columns += [Column(capital(words["cost"]), over=over)] if account.costs else []
    rows = []
    for row in shown.head(MOST_REJECTED).to_dict("records"):
        cells = [account.name(str(row["site"])), words.count(row["people"]), words.count(row["new"])]
        cells.append(_shared(account, row))
        rows.append([*cells, *(_swapped(account, row) if swaps else [])])
    notes = [words["rejected_note"]]
    notes += [words["swaps_note"]] if swaps else [words["swaps_none"]]
    notes += [text for text in [_left_out(account)] if text]
    hidden = len(shown) - len(rows)
    notes += [words.text("rejected_hidden", count=hidden)] if hidden else []
    return join(table(columns, rows, header=1), tag("p", " ".join(notes), class_="note"))


def _nearest(flat: pd.DataFrame, less_is_better: bool) -> pd.DataFrame:
    """Sort the candidates: those first whose swap costs least, then those that would add most."""
    change = flat["change"].astype(float) if "change" in flat else pd.Series(math.nan, index=flat.index)
    worse = change if less_is_better else -change
    order = pd.DataFrame({"worse": worse, "less": -flat["new"].astype(float), "site": flat["site"].astype(str)})
    return flat.loc[order.sort_values(["worse", "less", "site"], kind="stable").index]


def _shared(account: Account, row: Mapping[Any, Any]) -> str:
    """Say with which chosen site a candidate shares most, and how many people."""
    words = account.words
    if pd.isna(row["redundant_by"]) or not float(row["shared"]) > 0:
        return NONE
    return f"{account.name(str(row['redundant_by']))} ({words.count(float(row['shared']))})"


def _swapped(account: Account, row: Mapping[Any, Any]) -> list[str]:
    """Say which chosen site a candidate would best replace, and what that changes."""
    words = account.words
    if pd.isna(row["swap_for"]) or pd.isna(row["change"]):
        return [NONE] * (3 if account.costs else 2)
    out = str(row["swap_for"])
    cells = [account.name(out), words.signed(float(row["change"]))]
    if not account.costs:
        return cells
    dearer = float(account.sites["cost"].get(str(row["site"]), math.nan)) - account.costs.get(out, math.nan)
    return [*cells, words.signed(dearer) if math.isfinite(dearer) else NONE]


def _left_out(account: Account) -> str:
    """Say how many candidates could not be chosen, as their cost or capacity is not known."""
    words, left = account.words, account.goal.summary.get("left_out") or 0
    count = left if isinstance(left, int | float) else len(left)
    return words.text("rejected_left_out", count=int(count)) if count else ""


# ---- where ----


def communes_chosen(account: Account) -> Markup:
    """Show by commune who is covered today, with the chosen sites and with all, and the floor that was asked."""
    planned = account.by_commune([*account.opened, *account.chosen])
    if not account.chosen or planned is None:
        return Markup("")
    words, floors = account.words, _floors(account)
    openings = {"open_today": account.by_commune(account.opened)} if account.opened else {}
    openings |= {"open_chosen": planned, "open_all": account.by_commune(account.used)}
    known = {name: found.set_index("territory") for name, found in openings.items() if found is not None}
    people = known["open_chosen"]["people"]
    covered = pd.DataFrame({name: found["covered"] for name, found in known.items()})
    covered = covered.assign(open_chosen=_served(account, people, covered["open_chosen"]))
    shares = covered.div(people.where(people > 0), axis=0)
    order = sorted(
        people.index, key=lambda each: (str(each) == "", _last_if_nan(shares["open_chosen"][each]), str(each))
    )
    columns = [Column(words["commune"], text=True), Column(capital(account.who))]
    columns += [Column(words[name], bar=True) for name in known]
    columns += [Column(words["floor"])] if floors else []
    whole = [words.share(covered[name].sum(), people.sum()) for name in known]
    rows = [[words["all_communes"], words.count(people.sum()), *whole, *([NONE] if floors else [])]]
    bars = [[float(covered[name].sum() / people.sum()) if people.sum() else 0.0 for name in known]]
    for each in order:
        name = account.commune(each)
        cells = [name, words.count(people[each])]
        cells += [words.share(covered[opening][each], people[each]) for opening in known]
        cells += [words.share(floors[name]) if name in floors else NONE] if floors else []
        rows.append(cells)
        bars.append([0.0 if math.isnan(share) else float(share) for share in shares.loc[each, list(known)]])
    note = [words.text("communes_chosen_note", **account.within)]
    note += [words["floor_note"]] if floors else []
    note += [words["served_commune_note"]] if account.goal.shared_out else []
    return join(tag("p", " ".join(note), class_="note"), table(columns, rows, header=1, bars=bars, total=True))


def _last_if_nan(share: float) -> float:
    return 2.0 if math.isnan(share) else float(share)


def _floors(account: Account) -> Mapping[str, float]:
    """Give the share that was asked of each commune, by its name; nothing where none was."""
    told = account.goal.summary.get("floors")
    if isinstance(told, Mapping):
        return {str(name): float(share) for name, share in told.items() if share is not None}
    asked = account.goal.asked.get("floors")
    if isinstance(asked, Mapping):
        return {str(name): float(share) for name, share in asked.items()}
    if isinstance(asked, int | float) and account.communes is not None and "name" in account.communes:
        return dict.fromkeys(account.communes["name"].astype(str), float(asked))
    return {}


def _served(account: Account, people: pd.Series, covered: pd.Series) -> pd.Series:
    """Give who is covered with the chosen sites: where sites may be full, only those who find a place."""
    shares = account.goal.summary.get("territories")
    if not account.goal.shared_out or not isinstance(shares, Mapping):
        return covered
    told = pd.Series([shares.get(account.commune(each)) for each in people.index], index=people.index, dtype=float)
    return (told * people).fillna(covered)
