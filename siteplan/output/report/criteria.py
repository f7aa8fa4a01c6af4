"""What a report says of sites judged by more than whom they reach, and of other places to work."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief, Pairs, Stairs
from siteplan.output.report.markup import Markup, bullets, join, note, paragraph
from siteplan.output.report.plots import pairs_figure, stairs_figure
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import NONE, capital

__all__ = ["competition_brief", "competition_section", "criteria_brief", "criteria_section"]

MOST_SITES = 12
MOST_PLACES = 10
MOST_TOLD = 4
NEW = ("chosen", "required")


def criteria_section(account: Account) -> Markup:
    """Show which site is first by the criteria, how much of that is in the weights, and people against criteria."""
    found, weights, words = account.table("criteria"), account.table("weights"), account.words
    if found is None or weights is None:
        return Markup("")
    judged = found[found["weighted_rank"].notna()]
    if judged.empty:
        return paragraph(words["criteria_none"])
    firsts = judged["first"].astype(float).to_list()
    columns = [
        Column(capital(words["rank"]), list(judged["weighted_rank"]), write=words.spoken),
        Column(capital(words["site"]), list(judged["name"]), text=True, write=str),
        Column(words["col_weighted"], list(judged["weighted"]), write=lambda value: words.number(float(value), 1)),
        Column(words["col_topsis_rank"], list(judged["topsis_rank"]), write=words.spoken),
        Column(words["col_first"], firsts, shares=firsts, write=words.share),
    ]
    return join(
        paragraph(*_first_texts(account, judged)),
        bullets([*_weight_texts(account, weights), *_scenario_texts(account, judged)]),
        table(columns, words, "criteria", header=2, most=MOST_SITES),
        note(words["criteria_note"], *_left_out(account, found)),
        _by_criterion(account, weights),
        _traded(account),
    )


def _first_texts(account: Account, judged: pd.DataFrame) -> Iterator[str]:
    words, first = account.words, judged.iloc[0]
    yield words.text("criteria_first", site=str(first["name"]), points=words.number(float(first["weighted"]), 1))
    by_topsis = judged.iloc[int(judged["topsis_rank"].astype(float).to_numpy().argmin())]
    key = "criteria_topsis_same" if by_topsis["site"] == first["site"] else "criteria_topsis_other"
    yield words.text(key, site=str(by_topsis["name"]))
    most = judged.iloc[int(judged["first"].astype(float).to_numpy().argmax())]
    told = {"site": str(first["name"]), "share": words.share(float(first["first"]))}
    yield words.text("criteria_all", **told)
    if most["site"] != first["site"]:
        yield words.text("criteria_all_other", site=str(most["name"]), share=words.share(float(most["first"])))


def _weight_texts(account: Account, weights: pd.DataFrame) -> Iterator[str]:
    """Say which site is first if a criterion counts twice, and which weight is the first to change who is first."""
    words, first = account.words, str(weights["first"].iloc[0])
    turned = weights[~weights["doubled"].fillna("").astype(str).isin(["", first])]
    for row in turned.head(MOST_TOLD).to_dict("records"):
        yield words.text("criteria_doubled", what=_called(account, row), site=account.name(str(row["doubled"])))
    if turned.empty:
        yield words.text("criteria_doubled_none", site=account.name(first))
    rows = [(how, row) for row in weights.to_dict("records") for how in _moves(row)]
    if rows:
        # Of the weights that decide, the one that has to move least.
        (end, other), row = min(rows, key=lambda each: abs(float(each[0][0]) - float(each[1]["weight"])))
        told = {"weight": words.share(float(row["weight"])), "end": words.share(end), "site": account.name(other)}
        key = "criteria_rise" if end > float(row["weight"]) else "criteria_fall"
        yield words.text(key, what=_called(account, row), **told)
    else:
        yield words.text("criteria_sure", site=account.name(first))


def _scenario_texts(account: Account, judged: pd.DataFrame) -> Iterator[str]:
    """Say which site is first by the criteria in each scenario in which it is another one, or that it is the same."""
    words, own = account.words, judged.iloc[0]
    firsts = {}
    for name, other in account.result.scenarios.items():
        found = other.table("criteria")
        ranked = None if found is None else found[found["weighted_rank"] == 1]
        if ranked is not None and len(ranked):
            firsts[name] = ranked.iloc[0]
    others = {name: first for name, first in firsts.items() if first["site"] != own["site"]}
    for name, first in list(others.items())[:MOST_TOLD]:
        yield words.text("criteria_scenario", scenario=name, site=str(first["name"]))
    if len(others) > MOST_TOLD:
        yield words.text("criteria_scenarios_more", count=len(others) - MOST_TOLD)
    if firsts and not others:
        yield words.text("criteria_scenarios", site=str(own["name"]))


def _moves(row: dict[Any, Any]) -> Iterator[tuple[float, str]]:
    for end, other in (("least", "below"), ("most", "above")):
        if isinstance(row[other], str) and row[other]:
            yield float(row[end]), row[other]


def _called(account: Account, row: dict[Any, Any]) -> str:
    """Say what a criterion is: a count in words, what is measured by its words, any other column by its name."""
    name = str(row["criterion"])
    told = account.column(name)
    return account.words.get(f"col_{name}", name.replace("_", " ")) if told == name else told


def _left_out(account: Account, found: pd.DataFrame) -> Iterator[str]:
    words = account.words
    unmet = found["unmet"].fillna("").astype(str) != ""
    unknown = (found["unknown"].fillna("").astype(str) != "") & ~unmet
    for some, key in ((unmet, "criteria_unmet"), (unknown, "criteria_unknown")):
        if some.any():
            names = words.listed(words.set_off(str(name)) for name in found["name"][some].head(MOST_TOLD))
            yield words.text(key, count=int(some.sum()), names=names)


def _by_criterion(account: Account, weights: pd.DataFrame) -> Markup:
    words, rows = account.words, weights.to_dict("records")

    def named(site: object) -> str:
        return account.name(site) if isinstance(site, str) and site else NONE

    between = [f"{words.share(float(row['least']))} – {words.share(float(row['most']))}" for row in rows]
    asked = (account.asked.get("criteria") or {}).get("columns", {})
    scale = []
    for row in rows:
        order = asked.get(row["criterion"], {}).get("order") or ()
        ends = (order[0], order[-1]) if order else (words.digits(float(row[end])) for end in ("worst", "best"))
        scale.append(" → ".join(ends))
    columns = [
        Column(capital(words["col_criterion"]), [_called(account, row) for row in rows], text=True),
        Column(words["col_scale"], scale),
        Column(words["col_weight"], [words.share(float(row["weight"])) for row in rows]),
        Column(words["col_between"], between),
        Column(words["col_below"], [named(row["below"]) for row in rows], text=True),
        Column(words["col_above"], [named(row["above"]) for row in rows], text=True),
        Column(words["col_doubled"], [named(row["doubled"]) for row in rows], text=True),
    ]
    return join(table(columns, words, "weights"), note(words["criteria_weights_note"]))


def _traded(account: Account) -> Markup:
    """Draw and list the sets that serve most at each mean of their criteria."""
    found, words = account.table("criteria_frontier"), account.words
    if found is None or len(found) < 2:
        return Markup("")
    means, values = found["mean"].astype(float).to_list(), found["value"].astype(float).to_list()
    value, about = account.word_of_goal("value", who=account.who), words.text("figure_traded_alt", count=len(found))
    ours = ["✓" if str(chosen).lower() in ("true", "1", "yes") else "" for chosen in found["chosen"]]
    columns = [
        Column(words["col_mean"], [words.number(mean, 1) for mean in means]),
        Column(value, [words.count(each) for each in values]),
        Column(account.priced("cost"), [words.number(float(cost)) for cost in found["cost"]]),
        Column(words["opens"], account.sets(found["opens"]), text=True),
        Column(words["col_chosen"], ours),
    ]
    drawing = stairs_figure(_stairs(account, found), words, about)
    return join(drawing, table(columns, words, "criteria_frontier"), note(words["traded_note"]))


def _stairs(account: Account, found: pd.DataFrame) -> Stairs:
    """Put the people whom the best sets serve over the mean of their criteria."""
    words, value = account.words, account.word_of_goal("value", who=account.who)
    means, values = (tuple(found[name].astype(float)) for name in ("mean", "value"))
    return Stairs(words.text("figure_traded", value=value), words["col_mean"], means, values, falls=True)


def criteria_brief(account: Account) -> Brief | None:
    """Say in short which site is first by the criteria, and what would change that; people against criteria."""
    found, weights, words = account.table("criteria"), account.table("weights"), account.words
    if found is None or weights is None:
        return None
    judged, traded = found[found["weighted_rank"].notna()], account.table("criteria_frontier")
    if judged.empty:
        return Brief("criteria", (words["criteria_none"],))
    texts = (next(_first_texts(account, judged)), *list(_weight_texts(account, weights))[-1:])
    return Brief("criteria", texts, None if traded is None or len(traded) < 2 else _stairs(account, traded))


def competition_section(account: Account) -> Markup:
    """Show what the new sites gain net, whom they take from, and, where none is chosen, what each would gain alone."""
    found, words = account.table("competition"), account.words
    if found is None:
        return Markup("")
    asked = account.asked.get("competition") or {}
    who = words.group(str(asked.get("group", "people")))
    new = found[found["status"].isin(NEW)]
    rows = new if len(new) else found[found["status"] == "candidate"].nlargest(MOST_PLACES, "net_alone")
    columns = [
        Column(capital(words["site"]), [str(name) for name in rows["name"]], text=True),
        *(Column(words[f"col_{key}"], [words.count(float(each)) for each in rows[key]]) for key in _gains(new)),
    ]
    said = [capital(words.text("competition_note", who=who))] if len(rows) else []
    return join(
        paragraph(*_net_texts(account, found, new, who)),
        table(columns, words, "competition", by=Most("rows_gained", rows["net_alone"].to_list()))
        if len(rows)
        else Markup(""),
        note(*said),
        pairs_figure(_losers(account, found), words, words["competition_alt"]),
    )


def competition_brief(account: Account) -> Brief | None:
    """Say in short what the new sites gain net, and from whom; nothing where none is new."""
    found = account.table("competition")
    if found is None or not found["status"].isin(NEW).any():
        return None
    who = account.words.group(str((account.asked.get("competition") or {}).get("group", "people")))
    texts = _net_texts(account, found, found[found["status"].isin(NEW)], who)
    return Brief("competition", tuple(texts), _losers(account, found))


def _gains(new: pd.DataFrame) -> tuple[str, ...]:
    return ("after", "net_alone", "taken_alone") if len(new) else ("alone", "net_alone", "taken_alone")


def _net_texts(account: Account, found: pd.DataFrame, new: pd.DataFrame, who: str) -> Iterator[str]:
    words = account.words
    others = int((found["status"] == "other").sum())
    yield words.text("competition_places", count=others)
    if new.empty:
        return
    gross, old = float(new["after"].sum()), found[~found.index.isin(new.index)]
    taken = -old.groupby(old["status"] == "other")["change"].sum().reindex([False, True]).fillna(0.0)
    told = {"gross": words.count(gross), "net": words.count(gross - float(taken.sum())), "who": who}
    yield words.text(
        "competition_net", sites=words.count(float(taken[False])), places=words.count(float(taken[True])), **told
    )


def _losers(account: Account, found: pd.DataFrame) -> Pairs | None:
    """Put what the places that lose most have after the new sites open beside what they have before."""
    words = account.words
    rows = found[found["change"].astype(float) < -0.5].nsmallest(MOST_PLACES, "change")
    if rows.empty:
        return None
    bars = zip(rows["name"].astype(str), rows["before"].astype(float), rows["after"].astype(float), strict=True)
    return Pairs(words["competition_caption"], (words["col_before"], words["col_after"]), tuple(bars))
