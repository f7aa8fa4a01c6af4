"""The figures of a report, with captions and legends."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siteplan.catalogue import BEST, by_mode, mode_order
from siteplan.output.report.figures import (
    LABELLED,
    TALLEST,
    Frame,
    Ground,
    Mark,
    area_key,
    area_map,
    classes_of,
    crowded,
    curve_plot,
    dot_key,
    focus,
    minutes_key,
    minutes_map,
    patterns,
    shares_of,
    site_map,
    status_key,
)
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.material import Material

__all__ = ["curve_section", "map_sections", "patterns"]

AXES = (
    0.0,
    0.5,
    0.8,
    0.9,
)  # where the axis of a curve may begin: most of a tall one would stay empty above a high start
MOST_MAPS = 4
BESIDE = 0.95  # height over width of maps that stand side by side
SMALL = 1.7  # how much larger their words are, to be read at half the width


def map_sections(material: Material) -> Markup:
    """Give the maps: sites, the crowded middle, minutes of each mode, areas within reach."""
    frame = Frame.around(focus(material.sites, material.cells))
    ground = Ground(
        green=None if material.green is None else material.green.geometry,
        water=None if material.water is None else material.water.geometry,
        streets=material.streets,
        railways=None if material.railways is None else material.railways.geometry,
        communes=material.communes,
        places=material.places,
    )
    marks = _marks(material)
    if not marks:
        return Markup("")
    figures = [
        *_site_maps(material, frame, ground, marks),
        *_minutes_maps(material, ground, marks),
        *_area_maps(material, frame, ground, marks),
    ]
    numbered = [_numbered(material, at, *figure) for at, figure in enumerate(figures, start=1)]
    return join(*numbered)


Figure = tuple[str, Sequence[Markup], Sequence[tuple[Markup, str]]]  # caption, drawings side by side, legend


def _numbered(
    material: Material, at: int, caption: str, drawings: Sequence[Markup], legend: Sequence[tuple[Markup, str]]
) -> Markup:
    key = tag("ul", *(tag("li", swatch, text) for swatch, text in legend), class_="legend")
    number, credit = tag("strong", material.say("figure", number=at)), tag("small", material.words["credit"])
    said = tag("figcaption", number, " ", caption, " ", credit)
    if len(drawings) % 2 and len(drawings) > 1:  # the legend takes the place that is left
        return tag("figure", tag("div", *drawings, key, class_="beside"), said)
    return tag("figure", tag("div", *drawings, class_="beside" if len(drawings) > 1 else None), key, said)


def _marks(material: Material) -> list[Mark]:
    """Give the sites as marks with their labels; of very many, the first and those that are open or chosen."""
    ranked = pd.Series(dtype=float) if material.ranked is None else material.ranked.get("rank", pd.Series(dtype=float))
    ranks = {str(site): int(rank) for site, rank in ranked.dropna().items()}
    places = zip(
        map(str, material.sites.index), material.sites["status"].astype(str), material.sites.geometry, strict=True
    )
    marks, new = [], set(material.new)
    for site, status, at in places:
        kept = status in ("existing", "required") or site in material.chosen
        if len(material.sites) > LABELLED and not kept and ranks.get(site, LABELLED + 1) > LABELLED:
            continue
        marks.append(Mark(at.x, at.y, status, material.labels[site], site in new))
    return marks


def _site_maps(material: Material, frame: Frame, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    words = material.words
    key = status_key([mark.status for mark in marks], bool(material.new), words)
    alt = "figure_sites_alt_plain" if material.communes is None else "figure_sites_alt"
    communes = 0 if material.communes is None else len(material.communes)
    about = material.say(alt, sites=len(marks), communes=communes)
    drawn = site_map(frame, ground, marks, words, title=words["figure_sites"], about=about)
    figures: list[Figure] = [(words["figure_sites"], [drawn], key)]
    middle = crowded(marks, frame)
    if middle is not None:
        closer = Frame.around(middle, margin=0.12)
        title, about = words["figure_close"], words["figure_close_alt"]
        figures.append((title, [site_map(closer, ground, marks, words, title=title, about=about, fine=True)], key))
    return figures


def _minutes_maps(material: Material, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    cells, words = material.cells, material.words
    if cells is None:
        return []
    timed = by_mode(cells, "minutes")
    if len(timed) == 2:  # the best of one mode is that mode
        timed.pop(BEST, None)
    modes = list(timed)[:MOST_MAPS]
    columns = [timed[mode] for mode in modes]
    if not columns or not cells[columns].notna().to_numpy().any():
        return []
    minutes = cells[columns].to_numpy(dtype=float)
    ends = classes_of(float(np.nanmax(minutes)))
    people = cells["people"].to_numpy(dtype=float)
    away = bool((np.isnan(minutes).any(axis=1) & (people > 0)).any())
    unknown = bool((np.isnan(minutes).any(axis=1) & np.isnan(people)).any())
    beside = len(columns) > 1
    frame = Frame.around(focus(material.sites, cells), tallest=BESIDE if beside else TALLEST)
    drawings = []
    for mode in modes:
        title = material.say("figure_minutes", mode=material.by(mode))
        # Classes end at round minutes, the search at the largest limit.
        last = max(material.asked.get("travel", {}).get("minutes") or [ends[-1]])
        near = int((cells[timed[mode]] <= last).sum())
        told = {"near": near, "all": len(cells), "minutes": last, "mode": material.by(mode)}
        about = material.say("figure_minutes_alt", **told)
        size = SMALL if beside else 1.0
        drawing = minutes_map(frame, ground, cells, mode, ends, marks, words, title=title, about=about, size=size)
        drawings.append(tag("div", tag("p", material.by(mode), class_="over"), drawing))
    caption = material.say("figure_minutes", mode=material.listed(material.by(mode) for mode in modes))
    key = minutes_key(ends, words, away=away, unknown=unknown)
    return [(caption, drawings, [*key, *_small_key(material)])]


def _small_key(material: Material) -> list[tuple[Markup, str]]:
    return dot_key(material.words, opened=bool(material.opened), considered=bool(material.candidates))


def _area_maps(material: Material, frame: Frame, ground: Ground, marks: Sequence[Mark]) -> list[Figure]:
    """Draw what is within reach today and what could be, by the mode of the report or else the slowest."""
    rings, words, measure = material.rings, material.words, material.measure
    if rings is None:
        return []
    modes = rings["mode"].astype(str)
    mode = measure.mode if measure is not None and (modes == measure.mode).any() else min(modes, key=mode_order)
    minutes = float(rings.loc[modes == mode, "minutes"].max())
    within = rings[(modes == mode) & (rings["minutes"] == minutes)]
    site = within["site"].astype(str)
    planned = [*material.opened, *material.chosen] if material.chosen else material.used
    which = words["area_chosen" if material.chosen else "area_all"]
    travel = {"minutes": minutes, "mode": material.by(mode)}
    title = material.say("figure_area", **travel)
    drawn = area_map(
        frame,
        ground,
        within.geometry.to_numpy()[site.isin(material.opened).to_numpy()],
        within.geometry.to_numpy()[site.isin(planned).to_numpy()],
        marks,
        words,
        title=title,
        about=material.say("figure_area_alt", planned=which, **travel),
    )
    return [(title, [drawn], [*area_key(words, which), *_small_key(material)])]


def curve_section(material: Material) -> Markup:
    """Draw how coverage grows when sites open one after the other, and where the chosen ones stand."""
    if material.curve is None:
        return Markup("")
    counts, shares, bounds = shares_of(material.curve, material.everybody)
    if len(counts) < 2:
        return Markup("")
    words, goal = material.words, material.goal
    chosen = _chosen_share(material)
    known = [*shares, *([chosen[1]] if chosen else [])]
    lowest = max(start for start in AXES if start == 0 or start < min(known))
    begins = material.say("curve_from", share=material.share(lowest)) if lowest else ""
    title = material.word_of_goal("figure_curve", who=material.who, **{"from": begins})
    told = {
        "few": counts[0],
        "many": counts[-1],
        "first": material.share(shares[0]),
        "last": material.share(shares[-1]),
    }
    about = material.say("figure_curve_alt", **told)
    look: dict[str, Any] = {"bounds": bounds, "chosen": chosen, "lowest": lowest}
    drawn = curve_plot(counts, shares, words, title=title, about=about, **look)
    said = [title, words["curve_bound"] if bounds else ""]
    said += [material.say("curve_chosen", sites=len(material.chosen))] if chosen else []
    said += [_knee(material, material.curve)]
    if goal.conditions:
        conditions = material.listed(words[f"condition_{name}"] for name in goal.conditions)
        said.append(material.say("curve_free", conditions=conditions))
    return tag("figure", drawn, tag("figcaption", " ".join(text for text in said if text)))


def _chosen_share(material: Material) -> tuple[float, float] | None:
    """Give the number of chosen sites and the share that they cover, where the curve counts in the same way."""
    goal, everybody = material.goal, material.everybody
    value = goal.figure("value")
    if not goal.objective.heads:
        covered = value
    else:
        covered = math.nan if material.coverage is None else material.coverage.chosen or math.nan
    if not material.chosen or not everybody > 0 or not math.isfinite(covered) or goal.shared_out:
        return None
    return float(len({*material.opened, *material.chosen})), covered / everybody


def _knee(material: Material, curve: pd.DataFrame) -> str:
    """Say after how many sites each further one adds little, and how little that is."""
    flat = curve.reset_index() if "sites" not in curve else curve
    if not {"sites", "gain", "knee"} <= set(flat) or not flat["knee"].astype(bool).any():
        return ""
    knee = int(flat.loc[flat["knee"].astype(bool), "sites"].iloc[0])
    later = flat.loc[flat["sites"] > knee, "gain"].astype(float)
    if later.empty:
        return ""
    told = {"gain": material.people(later.max()), "share": material.share(later.max(), material.everybody)}
    return material.word_of_goal("curve_knee", count=knee, who=material.who, **told)
