"""What a report says of sites chosen together: the question, the set, its proof, its phases, and why not the others."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import Any

import pandas as pd

from siteplan.output.report.account import MOST_TOGETHER, Account
from siteplan.output.report.answers import plain_table
from siteplan.output.report.markup import Markup, join, note, paragraph, tag
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import NONE, capital

__all__ = [
    "aim",
    "chosen_answer",
    "chosen_section",
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
    yield words.text("answer_chosen", count=len(first), names=account.names(first), **told)
    for status in ("existing", "required"):
        these = [site for site in account.chosen if site in fixed and account.sites["status"].get(site) == status]
        if these:
            yield words.text(f"answer_{status}", count=len(these), names=account.names(these))
    every = account.of_people
    if every is not None:
        part = {"covered": words.count(every.planned), "share": words.share(every.planned, every.people)}
        yield words.text("answer_people", people=words.count(every.people), **part)
    yield from _worth(account)
    yield from _cost(account)
    gap = account.goal.figure("gap")
    if account.goal.summary.get("ended") == "clock":
        yield words["answer_clock"]
    if _beyond(account):
        return
    if gap == 0:
        yield words["answer_proven"]
    elif gap > 0:
        yield words.text("answer_gap", gap=words.at_most(gap))


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
        each = account.result.money(total / more, words)
        yield words.text("answer_cost_each", cost=each, more=words.count(more), who=account.who)


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
    order = account.result.opening
    columns = [
        Column(capital(words["order"]), [words.spoken(order.get(site)) for site in account.chosen]),
        Column(capital(words["site"]), names, text=True),
        *(Column(heading, texts) for heading, texts in _figures(account, known)),
    ]
    key = "chosen_note_room" if account.goal.shared_out else "chosen_note"
    said = [words.text(key, **account.within)] if account.steps else []
    said += [words["cost_note"]] if any(map(math.isnan, account.costs.values())) else []
    said += [words.text("served_note", who=who)] if _turned_away(known) else []
    new = set(account.new)  # what exists stands before them, and may be more than a table shows
    by = Most("rows_opened", [float(site in new) for site in account.chosen])
    return join(paragraph(*_proof(account)), table(columns, words, "choice", header=2, by=by), note(*said))


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
        yield account.priced("cost"), [words.spoken(account.costs[site]) for site in chosen]
        yield account.priced("cost_so_far"), [account.money(chosen[: at + 1]) for at in range(len(chosen))]


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
        return plain_table(account, "phases")
    everybody = account.everybody
    rows = phases.to_dict("records")
    opens = [[site for site in str(row["opens"] if pd.notna(row["opens"]) else "").split(", ") if site] for row in rows]
    values = [words.count(row["value"]) for row in rows]
    columns = [
        Column(words["phase"], [words.spoken(row["phase"]) for row in rows]),
        Column(words["opens"], [_opening(account, sites) for sites in opens], text=True),
        Column(words["open_in_all"], [words.spoken(row["count"]) for row in rows]),
    ]
    if "budget" in phases:
        columns.append(Column(account.priced("phase_budget"), [words.spoken(row["budget"]) for row in rows]))
    if account.costs:
        spent = accumulate([site for site in sites if site in account.costs] for sites in opens)
        columns.append(Column(account.priced("cost_so_far"), [account.money(sites) for sites in spent]))
    columns.append(Column(account.word_of_goal("value", who=account.who), values))
    if everybody > 0 and goal.objective.heads:
        columns.append(Column(words["share_after"], [words.share(row["value"], everybody) for row in rows]))
    columns.append(Column(words["best_alone"], [_alone(account, row) for row in rows]))
    columns.append(Column(words["short_of_it"], [_short(account, row) for row in rows]))
    return join(table(columns, words, "phases"), note(words["phases_note"]))


def _opening(account: Account, sites: list[str]) -> Markup:
    """Name the first sites that a phase opens; those that exist stand there smaller."""
    words, status = account.words, account.sites["status"].astype(str)
    named = [
        tag("small", f"{words.set_off(account.name(site))} ({words['existing']})")
        if status.get(site) == "existing"
        else words.set_off(account.name(site))
        for site in sites[:MOST_TOGETHER]
    ]
    named += [words.text("more", count=len(sites) - MOST_TOGETHER)] if len(sites) > MOST_TOGETHER else []
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
        return plain_table(account, "rejected")
    shown = _nearest(found, goal.less_is_better)
    swaps = "change" in shown and bool(shown["change"].notna().any())
    rows = shown.to_dict("records")
    columns = [
        Column(capital(words["site"]), rows, text=True, write=lambda row: account.name(str(row["site"]))),
        Column(words.text("reaches", who=account.who), rows, write=lambda row: words.count(row["people"])),
        Column(capital(words["would_add"]), rows, write=lambda row: words.count(row["new"])),
        Column(words["shares_with"], rows, text=True, write=lambda row: _shared(account, row)),
    ]
    if swaps:
        headings = [words["instead_of"], account.word_of_goal("value", who=account.who)]
        headings += [account.priced("cost")] if account.costs else []
        for at, heading in enumerate(headings):
            write = partial(_swapped, account, at)
            columns.append(Column(heading, rows, over=words["swapped"], text=at == 0, write=write))
    said = [words["rejected_note"], words["swaps_note" if swaps else "swaps_none"], _left_out(account)]
    return join(table(columns, words, "rejected", most=MOST_REJECTED), note(*said))


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


def _swapped(account: Account, what: int, row: Mapping[Any, Any]) -> str:
    """Say which chosen site a candidate would best replace (0), what that changes (1), or how much dearer it is (2)."""
    words = account.words
    if pd.isna(row["swap_for"]) or pd.isna(row["change"]):
        return NONE
    out = str(row["swap_for"])
    if what < 2:
        return words.signed(float(row["change"])) if what else account.name(out)
    dearer = float(account.sites["cost"].get(str(row["site"]), math.nan)) - account.costs.get(out, math.nan)
    return words.signed(dearer) if math.isfinite(dearer) else NONE


def _left_out(account: Account) -> str:
    """Say how many candidates could not be chosen, as their cost or capacity is not known."""
    words, left = account.words, account.goal.summary.get("left_out") or 0
    count = left if isinstance(left, int | float) else len(left)
    return words.text("rejected_left_out", count=int(count)) if count else ""
