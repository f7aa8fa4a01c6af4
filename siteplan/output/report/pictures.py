"""The figures of a report, with captions and legends."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.access import cell_access
from siteplan.catalogue import BEST, by_mode, mode_order
from siteplan.output.palette import minute_classes
from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief, Stairs
from siteplan.output.report.figures import (
    LABELLED,
    TALLEST,
    Frame,
    Ground,
    Mark,
    area_key,
    area_map,
    crowded,
    dot_key,
    focus,
    minutes_key,
    minutes_map,
    site_map,
    status_key,
)
from siteplan.output.report.markup import Markup, figure, join, note, tag
from siteplan.output.report.plots import curve_plot, shares_of, stairs_figure
from siteplan.output.report.tables import Column, table

__all__ = ["curve_section", "frontier_brief", "frontier_section", "map_sections"]

# Where the axis of a curve may begin: most of a tall one would stay empty above a high start.
AXES = (0.0, 0.5, 0.8, 0.9)
MOST_MODES = 4
MOST_MARKS = 500  # sites on a map; more would be one blot
BESIDE = 0.95  # height over width of maps that stand side by side
SMALL = 1.7  # how much larger their words are, to be read at half the width


def map_sections(account: Account) -> Markup:
    """Give the maps: sites, the crowded middle, minutes of each mode, areas within reach."""
    frame = Frame.around(focus(account.sites, account.cells))
    ground = Ground(**{each.name: account.layer(each.name) for each in fields(Ground) if each.init})
    marks = _marks(account)
    if not marks:
        return Markup("")
    figures = [
        *_site_maps(account, frame, ground, marks),
        *_minutes_maps(account, ground, marks),
        *_area_maps(account, frame, ground, marks),
    ]
    numbered = [_numbered(account, *figure, at=at) for at, figure in enumerate(figures, start=1)]
    return join(*numbered)


Figure = tuple[str, Sequence[Markup], Sequence[tuple[Markup, str]]]  # caption, drawings side by side, legend


def _numbered(
    account: Account, caption: str, drawings: Sequence[Markup], legend: Sequence[tuple[Markup, str]], *, at: int
) -> Markup:
    words = account.words
    key = tag("ul", *(tag("li", swatch, text) for swatch, text in legend), class_="legend")
    number, credit = tag("strong", words.text("figure", number=at)), tag("small", words["credit"])
    said = tag("figcaption", number, " ", caption, " ", credit)
    if len(drawings) % 2 and len(drawings) > 1:  # the legend takes the place that is left
        return tag("figure", tag("div", *drawings, key, class_="beside"), said)
    look = "beside views" if len(drawings) > 2 else "beside" if len(drawings) == 2 else None
    return tag("figure", tag("div", *drawings, class_=look), key, said)


def _marks(account: Account) -> list[Mark]:
    """Give the sites as marks with their labels; of very many, those that are chosen or open, then the first."""
    ranked = pd.Series(dtype=float) if account.ranked is None else account.ranked.get("rank", pd.Series(dtype=float))
    ranks = {str(site): int(rank) for site, rank in ranked.dropna().items()}
    places = zip(
        map(str, account.sites.index), account.sites["status"].astype(str), account.sites.geometry, strict=True
    )
    marks, new, chosen = [], set(account.new), set(account.chosen)
    for site, status, at in places:
        kept = status in ("existing", "required") or site in chosen
        rank = ranks.get(site, math.inf)
        if len(account.sites) > LABELLED and not kept and rank > LABELLED:
            continue
        marks.append((site not in new, not kept, rank, Mark(at.x, at.y, status, account.labels[site], site in new)))
    first = sorted(range(len(marks)), key=lambda each: (*marks[each][:3], each))[:MOST_MARKS]
    return [marks[each][-1] for each in sorted(first)]


def _site_maps(account: Account, frame: Frame, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    words = account.words
    key = status_key([mark.status for mark in marks], bool(account.new), words)
    alt = "figure_sites_alt_plain" if account.communes is None else "figure_sites_alt"
    communes = 0 if account.communes is None else len(account.communes)
    about = words.text(alt, sites=len(marks), communes=communes)
    drawn = site_map(frame, ground, marks, words, title=words["figure_sites"], about=about)
    told = {"shown": len(marks), "all": len(account.sites)}
    said = words.text("marks_more", **told) if len(marks) < len(account.sites) else ""
    figures: list[Figure] = [(f"{words['figure_sites']} {said}".strip(), [drawn], key)]
    middle = crowded(marks, frame)
    if middle is not None:
        closer = Frame.around(middle, margin=0.12)
        title, about = words["figure_close"], words["figure_close_alt"]
        figures.append((title, [site_map(closer, ground, marks, words, title=title, about=about, fine=True)], key))
    return figures


def _minutes_maps(account: Account, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    """Draw the minutes to the nearest site by each mode, on foot first: with what is open today and as planned."""
    words, views = account.words, _minute_views(account)
    modes = _drawn_modes([cells for _, cells in views])
    if not modes:
        return []
    minutes = np.concatenate([cells[[column for _, column in modes]].to_numpy(dtype=float) for _, cells in views])
    people = np.concatenate([cells["people"].to_numpy(dtype=float) for _, cells in views])
    away = np.isnan(minutes).any(axis=1)
    ends = minute_classes(float(np.nanmax(minutes)))
    beside = len(views) * len(modes) > 1
    frame = Frame.around(focus(account.sites, account.cells), tallest=BESIDE if beside else TALLEST)
    # Classes end at round minutes, the search at the largest limit.
    drawings = []
    for mode, column in modes:
        last = account.result.longest(mode) if account.result.minutes else ends[-1]
        for which, cells in views:
            said = {"mode": words.mode(mode), "which": words[which]}
            near = int((cells[column] <= last).sum())
            look: dict[str, Any] = {"ends": ends, "words": words, "size": SMALL if beside else 1.0}
            look |= {"marks": [replace(each, chosen=False) for each in marks] if which == "open_today_then" else marks}
            look |= {"title": words.text("figure_minutes", **said)}
            look |= {"about": words.text("figure_minutes_alt", near=near, all=len(cells), minutes=last, **said)}
            over = words.text("figure_minutes_over", **said | {"which": words[which.removesuffix("_then")]})
            drawings.append(tag("div", tag("p", over, class_="over"), minutes_map(frame, ground, cells, mode, **look)))
    named, told = words.listed(words.mode(mode) for mode, _ in modes), words.listed(words[which] for which, _ in views)
    key = minutes_key(
        ends, words, away=bool((away & (people > 0)).any()), unknown=bool((away & np.isnan(people)).any())
    )
    return [(words.text("figure_minutes", mode=named, which=told), drawings, [*key, *_small_key(account)])]


def _minute_views(account: Account) -> list[tuple[str, gpd.GeoDataFrame]]:
    """Give the cells with their minutes: to what is open today and to the chosen sites too or, if none is, to all."""
    cells, reach = account.cells, account.reach
    if cells is None:
        return []
    sets = {"open_today_then": account.opened}
    sets |= {"open_chosen_then": [*account.opened, *account.chosen]} if account.chosen else {"open_all_then": []}
    if reach is None or "cell" not in reach.people.table:
        return [("open_all_then", cells)]
    bare = cells.drop(columns=[each for each in cells if each.startswith("minutes_")])
    views = []
    for which, sites in sets.items():
        if which == "open_all_then":
            views.append((which, cells))
        elif sites:
            near = cell_access(reach, opened=reach.sites.astype(str).isin(set(sites))).filter(like="minutes_")
            views.append((which, gpd.GeoDataFrame(bare.join(near))))
    return views


def _drawn_modes(views: Sequence[gpd.GeoDataFrame]) -> list[tuple[str, str]]:
    """List modes with their columns of minutes; of several modes, the best of them is what the others show."""
    timed: dict[str, str] = {}
    for cells in views:
        timed |= by_mode(cells, "minutes")
    if not any(cells[column].notna().any() for cells in views for column in timed.values() if column in cells):
        return []
    if len(timed) > 1:
        timed.pop(BEST, None)
    return sorted(timed.items(), key=lambda each: mode_order(each[0]))[:MOST_MODES]


def _small_key(account: Account) -> list[tuple[Markup, str]]:
    words = account.words
    return dot_key(words, opened=bool(account.opened), considered=bool(account.candidates), chosen=bool(account.new))


def _area_maps(account: Account, frame: Frame, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    """Draw what is within reach today and what could be, by the mode of the report or else the slowest."""
    rings, words, measure = account.layer("isochrones"), account.words, account.measure
    if rings is None:
        return []
    modes = rings["mode"].astype(str)
    mode = measure.mode if measure is not None and (modes == measure.mode).any() else min(modes, key=mode_order)
    minutes = float(rings.loc[modes == mode, "minutes"].max())
    within = rings[(modes == mode) & (rings["minutes"] == minutes)]
    site = within["site"].astype(str)
    planned = [*account.opened, *account.chosen] if account.chosen else account.used
    which = words["area_chosen" if account.chosen else "area_all"]
    travel = {"minutes": minutes, "mode": words.mode(mode)}
    title = words.text("figure_area", **travel)
    drawn = area_map(
        frame,
        ground,
        within.geometry.to_numpy()[site.isin(account.opened).to_numpy()],
        within.geometry.to_numpy()[site.isin(planned).to_numpy()],
        marks=marks,
        words=words,
        title=title,
        about=words.text("figure_area_alt", planned=which, **travel),
    )
    return [(title, [drawn], [*area_key(words, which), *_small_key(account)])]


def curve_section(account: Account) -> Markup:
    """Draw how coverage grows when sites open one after the other, and where the chosen ones stand."""
    curve = account.table("curve")
    counts, shares, bounds = ([], [], []) if curve is None else shares_of(curve, account.everybody)
    if curve is None or len(counts) < 2:
        return Markup("")
    words, goal = account.words, account.goal
    chosen = _chosen_share(account)
    known = [*shares, *([chosen[1]] if chosen else [])]
    lowest = max(start for start in AXES if start == 0 or start < min(known))
    begins = words.text("curve_from", share=words.share(lowest)) if lowest else ""
    title = account.word_of_goal("figure_curve", who=account.who, **{"from": begins})
    told = {
        "few": counts[0],
        "many": counts[-1],
        "first": words.share(shares[0]),
        "last": words.share(shares[-1]),
    }
    about = words.text("figure_curve_alt", **told)
    look: dict[str, Any] = {"bounds": bounds, "chosen": chosen, "lowest": lowest}
    drawn = curve_plot(counts, shares, words, title=title, about=about, **look)
    said = [title, words["curve_bound"] if bounds else ""]
    said += [words.text("curve_chosen", sites=len(account.chosen))] if chosen else []
    said += [_knee(account, curve)]
    if goal.conditions:
        conditions = words.listed(words[f"condition_{name}"] for name in goal.conditions)
        said.append(words.text("curve_free", conditions=conditions))
    return figure(drawn, " ".join(text for text in said if text))


def frontier_section(account: Account) -> Markup:
    """Draw and list what so much money buys at best, however many sites."""
    brief, words = frontier_brief(account), account.words
    if brief is None or not isinstance(brief.picture, Stairs):
        return Markup("")
    cells = list(zip(*brief.rows, strict=True))
    columns = [
        Column(heading, list(column), text=at == len(cells) - 1)
        for at, (heading, column) in enumerate(zip(brief.headings, cells, strict=True))
    ]
    about = words.text("figure_frontier_alt", count=len(brief.rows))
    return join(stairs_figure(brief.picture, words, about), table(columns, words, "frontier"), note(*brief.texts))


def frontier_brief(account: Account) -> Brief | None:
    """Give what so much money buys at best, however many sites; None where the study does not ask."""
    found, words = account.table("frontier"), account.words
    if found is None or len(found) < 2:
        return None
    found = found.sort_values("cost", kind="stable")
    costs, values = (tuple(found[name].astype(float)) for name in ("cost", "value"))
    value, axis = account.word_of_goal("value", who=account.who), account.priced("cost")
    rows = zip(
        map(words.number, costs),
        map(words.spoken, found["sites"]),
        map(words.count, values),
        account.sets(found["opens"]),
        strict=True,
    )
    left = account.goal.summary.get("cost_unknown") or 0
    said = [words["frontier_note"], *([words.text("frontier_unknown", count=int(left))] if left else [])]
    picture = Stairs(words.text("figure_frontier", value=value), axis, costs, values)
    return Brief("frontier", tuple(said), picture, (axis, words["open_in_all"], value, words["opens"]), tuple(rows))


def _chosen_share(account: Account) -> tuple[float, float] | None:
    """Give the number of chosen sites and the share that they cover, where the curve counts in the same way."""
    goal, everybody = account.goal, account.everybody
    value = goal.figure("value")
    if not goal.objective.heads:
        covered = value
    else:
        covered = math.nan if account.coverage is None else account.coverage.chosen or math.nan
    if not account.chosen or not everybody > 0 or not math.isfinite(covered) or goal.shared_out:
        return None
    return float(len({*account.opened, *account.chosen})), covered / everybody


def _knee(account: Account, curve: pd.DataFrame) -> str:
    """Say after how many sites each further one adds little, and how little that is."""
    words = account.words
    if not {"sites", "gain", "knee"} <= set(curve) or not curve["knee"].astype(bool).any():
        return ""
    knee = int(curve.loc[curve["knee"].astype(bool), "sites"].iloc[0])
    later = curve.loc[curve["sites"] > knee, "gain"].astype(float)
    if later.empty:
        return ""
    told = {"gain": words.count(later.max()), "share": words.share(later.max(), account.everybody)}
    return account.word_of_goal("curve_knee", count=knee, who=account.who, **told)
