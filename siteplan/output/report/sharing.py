"""What a report says of spaces that several uses share: how many, what that saves, the week, and the conflicts."""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from siteplan.config.sharing import TELEWORK
from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief
from siteplan.output.report.markup import Markup, bullets, figure, join, note, paragraph
from siteplan.output.report.plots import week_plot
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import Words, capital

__all__ = ["spaces_brief", "spaces_section"]

ALL = "all"
COUNTS = ("alone", "needed", "m2", "there")
MOST_CONFLICTS = 8
MOST_PANELS = 8
MOST_TOLD = 3
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spaces_section(account: Account) -> Markup:
    """Show what sharing saves, the spaces of each site, the week of each use, and the hours that want too many."""
    found, words = account.table("spaces"), account.words
    if found is None or found.empty:
        return Markup("")
    adds_up = bool((found["basis"] == "nearest").all())
    return join(
        paragraph(*(_saved_texts(account, found) if adds_up else ())),
        _by_site(account, found),
        note(
            words["desks_nearest" if adds_up else "desks_alone"],
            words["spaces_telework"] if TELEWORK in set(found["use"]) else "",
            words["spaces_note"],
            _sure(account, found),
        ),
        _picture(account, found),
        bullets(_conflict_texts(account)),
        note(words["uses_note"]),
    )


def spaces_brief(account: Account) -> Brief | None:
    """Say in short what sharing saves, and which uses want too much at the same hours."""
    found = account.table("spaces")
    if found is None or found.empty or not (found["basis"] == "nearest").all():
        return None
    return Brief("spaces", (*_saved_texts(account, found), *islice(_conflict_texts(account), MOST_TOLD)))


def _saved_texts(account: Account, found: pd.DataFrame) -> Iterator[str]:
    """Say what sharing saves in all, then which kinds of spaces are shared."""
    words, whole = account.words, found[(found["site"] == ALL) & (found["use"] == ALL)]
    row = whole[whole["space"] == ALL].iloc[0]
    told = {name: words.count(float(row[name])) for name in ("needed", "alone", "saved", "m2", "m2_saved")}
    yield words.text("spaces_saved" if row["saved"] > 0 else "spaces_not_saved", **told)
    for each in whole[(whole["space"] != ALL) & (whole["saved"] > 0)].to_dict("records"):
        kind = capital(_space(words, str(each["space"])))
        yield words.text("spaces_kind", kind=kind, needed=int(each["needed"]), alone=int(each["alone"]))


def _by_site(account: Account, found: pd.DataFrame) -> Markup:
    words = account.words
    rows = found[(found["use"] == ALL) & (found["space"] != ALL)]
    rows = pd.concat([rows[rows["site"] == ALL], rows[rows["site"] != ALL]])
    # Who finds none most often: of the uses, the one that fares worst.
    single = found[found["use"] != ALL]
    worst = single.groupby(["site", "space"])["finds_none"].max()
    keys = pd.MultiIndex.from_frame(rows[["site", "space"]])
    names = [
        words["all_sites"] if site == ALL else str(name) for site, name in zip(rows["site"], rows["name"], strict=True)
    ]
    columns = [
        Column(capital(words["site"]), names, text=True),
        Column(words["space"], [_space(words, str(space)) for space in rows["space"]], text=True),
        *(Column(words[f"col_spaces_{key}"], [words.count(value) for value in rows[key]]) for key in COUNTS),
        Column(words["col_spaces_none"], [_share(words, value) for value in worst.reindex(keys)]),
        Column(words["col_spaces_used"], [_share(words, value) for value in rows["occupancy"]]),
    ]
    needed = rows["needed"].where(rows["site"] != ALL, math.inf)  # the sums are kept in any case
    return table(columns, words, "spaces", header=2, by=Most("rows_spaces", needed.to_list()))


def _share(words: Words, value: float) -> str:
    return "" if np.isnan(value) else words.share(float(value))


def _sure(account: Account, found: pd.DataFrame) -> str:
    """Say how sure the shares are that find none: the widest interval of all sites together."""
    error = found[(found["site"] == ALL) & (found["use"] != ALL)]["error"]
    return account.words.text("spaces_sure", error=account.words.share(float(error.max()))) if len(error) else ""


def _picture(account: Account, found: pd.DataFrame) -> Markup:
    """Draw the week of each use, hour by day, at all sites together."""
    week, words = account.table("week"), account.words
    if week is None:
        return Markup("")
    uses = [use for use in dict.fromkeys(found["use"]) if use != ALL][:MOST_PANELS]
    panels = []
    for use in uses:
        mine = week[week["use"] == use]
        grid = np.zeros((len(DAYS), 24))
        at = mine["day"].map({day: number for number, day in enumerate(DAYS)}).to_numpy(), mine["hour"].to_numpy()
        np.add.at(grid, at, mine["wanted"].to_numpy())
        space = _space(words, str(mine["space"].iloc[0])) if len(mine) else ""
        panels.append(
            (
                words.text(
                    "week_panel", use=capital(_use(words, use)), most=words.number(float(grid.max()), 1), space=space
                ),
                grid,
            )
        )
    days = [words[f"day_{day}"][:2].capitalize() for day in DAYS]
    title = words["week_caption"]
    drawn = week_plot(panels, days, title=title, about=words["week_alt"])
    return figure(drawn, title, ". ", words["week_alt"], class_="tall")


def _conflict_texts(account: Account) -> Iterator[str]:
    """Name the hours in which several uses want more than there is, the fullest first; then the uses that do alone."""
    found, words = account.table("conflicts"), account.words
    if found is None:
        return
    found = found.assign(there=found["there"].astype(int), most=found["most"].astype(int))
    several = found["uses"].str.contains(", ")
    met = found[several].sort_values("refused", ascending=False, kind="stable")
    for row in met.head(MOST_CONFLICTS).to_dict("records"):
        uses = words.listed(_use(words, use) for use in str(row["uses"]).split(", "))
        when = words.text("week_hours", day=words[f"day_{row['day']}"], begins=row["begins"], ends=row["ends"])
        site = account.name(str(row["site"]))
        yield words.text("conflict", site=site, when=when, uses=uses, **_wanted(words, row))
    if len(met) > MOST_CONFLICTS:
        yield words.text("conflicts_more", count=len(met) - MOST_CONFLICTS)
    alone = found[~several].assign(hours=found["ends"] - found["begins"])
    by_use = alone.groupby(["site", "space", "uses"], sort=False).agg(
        most=("most", "max"), there=("there", "first"), hours=("hours", "sum"), refused=("refused", "sum")
    )
    rows = by_use[by_use["refused"] > 0].reset_index().sort_values("refused", ascending=False, kind="stable")
    for row in rows.head(MOST_CONFLICTS).to_dict("records"):
        site, use = account.name(str(row["site"])), _use(words, str(row["uses"]))
        yield words.text("too_few", site=site, use=use, hours=int(row["hours"]), **_wanted(words, row))


def _wanted(words: Words, row: Mapping[Any, Any]) -> dict[str, object]:
    return {"most": row["most"], "there": row["there"], "space": _space(words, str(row["space"]))}


def _use(words: Words, name: str) -> str:
    return words.get(f"use_{name}", name.replace("_", " "))


def _space(words: Words, name: str) -> str:
    return words.get(f"space_{name}", name.replace("_", " "))
