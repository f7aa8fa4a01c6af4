"""The layers of a map as plain data: what the page draws, and the legend entries that belong to each."""

import math
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.catalogue import Measure, mode_order
from siteplan.errors import warn
from siteplan.inputs.basemap import place_ranks
from siteplan.inputs.sites import OPEN
from siteplan.output.areas import EYE_M, as_one
from siteplan.output.maps.shapes import (
    by_ring,
    fewest_merged,
    lines_of_class,
    metric,
    pack,
    pack_within,
    simplified,
    to_degrees,
)
from siteplan.output.palette import CHOSEN, GREEN, OUTLINE, PAPER, RAILWAY, STATUS, STRESS, WATER, mode_colour
from siteplan.words import Said, Tongues, Words, half_up, say, word

__all__ = [
    "STRESS_BUDGET",
    "area_layer",
    "line_layer",
    "mark_labels",
    "named_places",
    "place_layer",
    "plain_layer",
    "rail_layer",
    "ring_layers",
    "site_cards",
    "site_layer",
    "stop_layer",
    "street_layer",
    "stress_layer",
    "territory_layer",
]

Layer = dict[str, Any]

MOST_OWN = 500  # sites whose own areas are drawn
MANY_STOPS = 300
LABEL_LONG = 4  # characters that a mark has room for
GROUNDS = {"water": WATER, "green": GREEN}
STREET_BUDGET = 500_000
STRESS_BUDGET = 700_000
STRESS_WIDTHS = (1.4, 1.4, 1.8, 2.2)
DASHES = ("", "6 4", "2 4")  # of the first, second and further limits
HATCHES = ("/", "\\")  # of the first mode, the second, the third again: what lies below stays to be seen
STREETS = {
    "motorway": 2.2,
    "trunk": 2.2,
    "primary": 1.8,
    "secondary": 1.4,
    "tertiary": 1.0,
    "unclassified": 0.8,
    "residential": 0.6,
}


def key(
    shape: str,
    text: Said,
    fill: str = "none",
    stroke: str = "none",
    *,
    dash: str = "",
    opacity: float = 1.0,
    hatch: str = "",
) -> dict[str, Any]:
    """Describe one legend entry: a small drawing and its words; `hatch` is one stroke of its stripes, or a dot."""
    look: dict[str, Any] = {"shape": shape, "fill": fill, "stroke": stroke, "dash": dash, "text": text}
    return look | {"opacity": opacity, "hatch": hatch}


def plain_layer(
    name: str,
    kind: str,
    legend: list[dict[str, Any]],
    tongues: Tongues,
    *,
    label: Said | None = None,
    group: str | None = "background",
    on: bool = True,
    **drawn: object,
) -> Layer:
    """Describe a layer: its words (those of its name, if no others are given), its group, and what is drawn of it."""
    said = word(tongues, name) if label is None else label
    above = None if group is None else word(tongues, group)
    return {"id": name, "kind": kind, "label": said, "group": above, "on": on, "legend": legend, **drawn}


def site_cards(
    sites: gpd.GeoDataFrame,
    scores: pd.DataFrame | None,
    counted: Sequence[Measure],
    choice: Sequence[str],
    *,
    opening: Mapping[str, int],
    only: Collection[str] = (),
) -> list[dict[str, Any]]:
    """List what the page says of each site: its columns, its place and the counted columns in the order given.

    `opening` is the order of those that are to open, `only` are those that no more than a scenario has.
    """
    place = to_degrees(sites.geometry).to_numpy()
    north, east = shapely.get_y(place).tolist(), shapely.get_x(place).tolist()
    known = pd.DataFrame(index=sites.index) if scores is None else scores.reindex(sites.index)
    counts = known[[measure.column for measure in counted]].to_numpy(dtype=float)
    order = {site: at for at, site in enumerate(map(str, choice), start=1)}
    names, status = list(map(str, sites["name"])), list(map(str, sites["status"]))
    figures = {name: list(map(_plain, known.get(name, [np.nan] * len(sites)))) for name in ("rank", "score")}
    figures |= {name: list(map(_plain, sites[name])) for name in ("cost", "capacity")}
    labels = mark_labels([str(site) for site in sites.index], opening)
    return [
        {
            "id": str(site),
            "label": labels[at],
            "name": names[at],
            "status": status[at],
            "at": [round(north[at], 6), round(east[at], 6)],
            **{name: column[at] for name, column in figures.items()},
            "chosen": order.get(str(site)),
            "order": opening.get(str(site)),
            **({"only": True} if str(site) in only else {}),
            "counted": [half_up(value) if math.isfinite(value) else None for value in counts[at]],
        }
        for at, site in enumerate(sites.index)
    ]


def mark_labels(ids: Sequence[str], opening: Mapping[str, int]) -> list[str]:
    """Write in each mark the order of opening or, where a site is not to open, what tells it apart: never a number."""
    return [str(opening[site]) if site in opening else label for site, label in zip(ids, _apart(ids), strict=True)]


def _apart(ids: Sequence[str]) -> list[str]:
    """Write the ids as a mark has room for them: whole, or without the beginning that all share, else by letters."""
    shortest = min(map(len, ids), default=0)
    shared = next((at for at in range(shortest) if len({site[at] for site in ids}) > 1), shortest)
    cut = [site[shared:] for site in ids]
    for labels in (list(ids), cut):
        # A number in a mark is the order of opening, so that no other may be one.
        if all(0 < len(label) <= LABEL_LONG and not label.isdecimal() for label in labels):
            return labels
    return [_letters(at) for at in range(1, len(ids) + 1)]


def _letters(number: int) -> str:
    """Count in letters: A to Z, then AA."""
    rest, last = divmod(number - 1, 26)
    return (_letters(rest) if rest else "") + chr(ord("A") + last)


def site_layer(cards: list[dict[str, Any]], tongues: Tongues) -> Layer:
    """Give the layer of the sites, with a legend entry for each status that occurs."""
    statuses = {"candidate" if card.get("only") else card["status"] for card in cards}
    legend = [key(*_mark(status, tongues)) for status in STATUS if status in statuses]
    if any(card["chosen"] and card["status"] not in OPEN for card in cards):  # what exists is known by its own shape
        legend.append(key("halo", word(tongues, "chosen_new"), stroke=CHOSEN))
    return plain_layer("sites", "sites", legend, tongues, group=None)


def ring_layers(
    rings: gpd.GeoDataFrame,
    cards: list[dict[str, Any]],
    tongues: Tongues,
    *,
    areas: gpd.GeoDataFrame | None = None,
    shown: bool,
    room: int,
) -> list[Layer]:
    """Give one layer for each mode and limit: the area of any site but the excluded, and each site's own.

    The areas of any, where they were drawn already, are taken as they are.
    The layers of the first mode are the `first` to be seen: at once when `shown`, else when a site is picked.
    All of them together take about `room` characters, at the price of corners and of the areas of lesser sites.
    """
    rings = rings.assign(mode=rings["mode"].astype(str), site=rings["site"].astype(str))
    rings = rings.set_geometry(metric(rings.geometry))
    limits = {mode: sorted(rows.unique()) for mode, rows in rings.groupby("mode", sort=False)["minutes"]}
    groups = [(mode, minutes) for mode in sorted(limits, key=mode_order) for minutes in limits[mode]]
    rows = [rings[(rings["mode"] == mode) & (rings["minutes"] == minutes)] for mode, minutes in groups]
    budget = room // len(groups)
    drawn = _by_importance(cards)
    made = {} if areas is None else areas.set_index(["mode", "minutes"]).geometry
    whole = [made.get(each) for each in groups]
    with ThreadPoolExecutor() as threads:  # GEOS works outside Python's lock
        packed = list(threads.map(lambda of, area: _union_and_own(of, area, cards, drawn, budget=budget), rows, whole))
    known = set(rings["site"])
    bare = sum(card["id"] in known and any(each["own"][at] is None for each in packed) for at, card in enumerate(cards))
    if bare:
        warn(f"map: the areas of {bare:,} of {len(cards):,} sites are left out of the page, or it would grow too large")
    modes = sorted(limits, key=mode_order)
    looks = [
        (mode_colour(mode, list(limits)), DASHES[min(limits[mode].index(at), 2)], HATCHES[modes.index(mode) % 2])
        for mode, at in groups
    ]
    return [
        _ring_layer(table, look, tongues)
        | shapes
        | {"first": mode == groups[0][0], "on": shown and mode == groups[0][0]}
        for (mode, _), table, look, shapes in zip(groups, rows, looks, packed, strict=True)
    ]


def _ring_layer(rings: gpd.GeoDataFrame, look: tuple[str, str, str], tongues: Tongues) -> Layer:
    """Describe the layer of one mode and limit."""
    mode, minutes, speed = rings["mode"].iloc[0], float(rings["minutes"].iloc[0]), float(rings["speed_kmh"].iloc[0])
    colour, dash, hatch = look
    speed_text = say(tongues, lambda words: f"{words.number(speed)} {words['kmh']}" if math.isfinite(speed) else "")
    return {
        "id": f"rings {mode} {minutes:g}",
        "kind": "rings",
        "label": say(tongues, lambda words: f"{words.mode(mode)}, {words.number(minutes)} {words['minute']}"),
        "group": word(tongues, "rings"),
        "legend": [key("area", speed_text, colour, colour, dash=dash, hatch=hatch)],
        "colour": colour,
        "dash": dash,
        "hatch": hatch,
        "minutes": minutes,
    }


def _union_and_own(
    rings: gpd.GeoDataFrame,
    area: shapely.MultiPolygon | None,
    cards: list[dict[str, Any]],
    drawn: Sequence[str],
    *,
    budget: int,
) -> dict[str, Any]:
    """Pack what any of the sites reaches (without its holes below a hectare), and what each of those drawn does.

    Of a site that is not drawn, or for whose area there is no room, stands null.
    """
    excluded = {card["id"] for card in cards if card["status"] == "excluded"}
    if area is None:
        area = as_one(rings.geometry[~rings["site"].isin(excluded)].to_numpy())
    union = gpd.GeoSeries([area], crs=rings.crs)
    own = rings.geometry.set_axis(rings["site"])
    own = own[~own.index.duplicated(keep="last")]
    own = own[[site for site in drawn if site in own.index]]
    whole, *packed = pack_within(by_ring(pd.concat([union, own], ignore_index=True), EYE_M), EYE_M, budget)
    fits = len(whole) + np.cumsum([len(text) for text in packed]) <= budget
    there = {site: text for site, text, fit in zip(own.index, packed, fits, strict=True) if fit}
    bare = {card["id"] for card in cards if card["id"] in excluded or card.get("only")} - set(rings["site"])
    return {"union": whole, "own": [there.get(card["id"], "" if card["id"] in bare else None) for card in cards]}


def _by_importance(cards: list[dict[str, Any]]) -> list[str]:
    """List the sites whose own areas a page draws: those open, those chosen in their order, then the best ranked."""

    def place(card: dict[str, Any]) -> tuple[bool, float, float]:
        chosen, rank = (math.inf if card[name] is None else card[name] for name in ("chosen", "rank"))
        return card["status"] not in OPEN, chosen, rank

    return [card["id"] for card in sorted(cards, key=place)[:MOST_OWN]]


def territory_layer(territories: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the territories' borders, each drawn once, and their names."""
    areas = metric(territories.geometry)
    simple = shapely.coverage_simplify(areas.to_numpy(), EYE_M)
    borders = shapely.line_merge(shapely.union_all(shapely.boundary(simple)))
    places = to_degrees(areas.representative_point())
    return plain_layer(
        "territories",
        "territories",
        [key("line", "", stroke=OUTLINE, dash="8 3 2 3")],
        tongues,
        borders=pack(to_degrees(gpd.GeoSeries([borders], crs=areas.crs)))[0],
        names=[
            [round(place.y, 5), round(place.x, 5), str(name)]
            for place, name in zip(places, territories["name"], strict=True)
            if not place.is_empty
        ],
    )


def street_layer(streets: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the main streets: as many classes, from the largest down, as the budget holds."""
    place = streets.set_geometry(metric(streets.geometry))
    items: list[tuple[str, float]] = []
    room = STREET_BUDGET
    for name, wide in STREETS.items():
        lines = lines_of_class(place, name)
        if 3 * fewest_merged(lines) > room:  # a line takes three characters at the least
            break
        merged = gpd.GeoSeries([shapely.line_merge(shapely.multilinestrings(lines))], crs=place.crs)
        (text,) = pack(to_degrees(simplified(merged, 2 * EYE_M)))
        room -= len(text)
        if room < 0:
            break
        items += [(text, wide)] if len(lines) else []
    return plain_layer("streets", "streets", [key("street", "", stroke=PAPER)], tongues, lines=items)


def stress_layer(streets: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the streets by traffic stress: as many levels, from the highest down, as the budget holds."""
    levels = streets.sort_values("level", ascending=False)
    place = metric(levels.geometry)
    packed = pack_within(simplified(place, EYE_M), EYE_M, STRESS_BUDGET)
    fits = np.cumsum([len(text) for text in packed]) <= STRESS_BUDGET
    items: list[list[Any]] = []
    legend: list[dict[str, Any]] = []
    for text, level, there in zip(packed, levels["level"].astype(int), fits, strict=True):
        if there:
            items.append([text, STRESS_WIDTHS[level - 1], STRESS[level - 1]])
            legend.insert(0, key("line", word(tongues, f"stress_{level}"), stroke=STRESS[level - 1]))
            continue
        warn(f"map: streets of traffic stress {level} are left out, or the page would grow too large")
        legend.insert(0, key("line", say(tongues, partial(_left_out, level))))
    return plain_layer("stress", "streets", legend, tongues, on=False, lines=items)


def _left_out(level: int, words: Words) -> str:
    return words.text("stress_left_out", level=level)


def area_layer(name: str, shapes: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of `water` or `green`: polygons filled, lines drawn."""
    shown = metric(shapes.geometry)
    lines = shown.geom_type.str.endswith("LineString")
    return plain_layer(
        name,
        "areas",
        [key("cell", "", GROUNDS[name])],
        tongues,
        colour=GROUNDS[name],
        areas=_packed(shown[~lines]),
        lines=_packed(shown[lines]),
    )


def rail_layer(railways: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the railways."""
    return plain_layer(
        "railways",
        "lines",
        [key("rail", "", stroke=RAILWAY)],
        tongues,
        colour=RAILWAY,
        weight=1.2,
        dash="7 3",
        lines=_packed(_merged(railways)),
    )


def line_layer(lines: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the lines of public transport, each with its name."""
    colour = mode_colour("transit", [])
    shapes = pack(to_degrees(simplified(metric(lines.geometry), EYE_M)))
    names = lines["name"].astype(str) if "name" in lines else pd.Series("", index=lines.index)
    return plain_layer(
        "lines",
        "transit",
        [key("line", "", stroke=colour)],
        tongues,
        group="transit",
        colour=colour,
        lines=[[text, name] for text, name in zip(shapes, names, strict=True) if text],
    )


def stop_layer(stops: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of the stops of public transport, each with its name."""
    colour = mode_colour("transit", [])
    return plain_layer(
        "stops",
        "stops",
        [key("stop", "", PAPER, colour)],
        tongues,
        group="transit",
        on=len(stops) <= MANY_STOPS,
        colour=colour,
        stops=named_places(stops),
    )


def place_layer(places: gpd.GeoDataFrame, tongues: Tongues) -> Layer:
    """Give the layer of place names, the most important kind first."""
    kinds = places["kind" if "kind" in places else "place"].astype(str) if {"kind", "place"} & set(places) else None
    rank = pd.Series(0, index=places.index) if kinds is None else place_ranks(kinds)
    order = np.argsort(rank.to_numpy(), kind="stable")
    sorted_places = places.iloc[order]
    return plain_layer(
        "places",
        "places",
        [key("name", "")],
        tongues,
        places=[[*place, int(at)] for place, at in zip(named_places(sorted_places), rank.iloc[order], strict=True)],
    )


def named_places(places: gpd.GeoDataFrame) -> list[list[Any]]:
    """List latitude, longitude and name of places that have both."""
    points = to_degrees(metric(places.geometry).representative_point()).to_numpy()
    names = places["name"].where(places["name"].notna(), "").astype(str) if "name" in places else [""] * len(places)
    north, east = shapely.get_y(points).tolist(), shapely.get_x(points).tolist()
    return [[round(y, 5), round(x, 5), name] for y, x, name in zip(north, east, names, strict=True) if math.isfinite(y)]


def _merged(lines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    shapes = metric(lines.geometry)
    return gpd.GeoSeries([shapely.line_merge(shapely.union_all(shapes.to_numpy()))], crs=shapes.crs)


def _packed(shapes: gpd.GeoSeries) -> list[str]:
    """Pack what is left of shapes after simplifying."""
    return [text for text in pack(to_degrees(simplified(shapes, 2 * EYE_M))) if text]


def _mark(status: str, tongues: Tongues) -> tuple[str, Said, str, str]:
    shape, fill, stroke, _ = STATUS[status]
    return shape, word(tongues, status), fill, stroke


def _plain(value: float) -> float | None:
    """Give a number as JSON knows it: whole ones whole, missing as null."""
    if pd.isna(value) or not np.isfinite(value):
        return None
    value = float(value)
    return int(value) if value == int(value) else round(value, 3)
