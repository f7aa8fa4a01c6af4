"""The layers of a map as plain data: what the page draws, and the legend entries that belong to each."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.output.columns import measures
from siteplan.output.maps.shapes import lines_by_class, metric, pack, pack_within, simplified, to_degrees
from siteplan.output.maps.words import Words, number
from siteplan.output.palette import CHOSEN, STATUS, mode_colour

__all__ = ["area_layer", "ring_layers", "site_cards", "site_layer", "street_layer", "territory_layer"]

Layer = dict[str, Any]

EYE_M = 5.0  # nobody sees five metres on a town's map
RING_BUDGET = 2_400_000  # characters; with all else the page then stays below 5 MB
STREET_BUDGET = 500_000
STREETS = {
    "motorway": 2.2,
    "trunk": 2.2,
    "primary": 1.8,
    "secondary": 1.4,
    "tertiary": 1.0,
    "unclassified": 0.8,
    "residential": 0.6,
}


def key(shape: str, text: str, fill: str = "none", stroke: str = "none", dash: str = "") -> dict[str, str]:
    """Describe one legend entry: a small drawing and its words."""
    return {"shape": shape, "fill": fill, "stroke": stroke, "dash": dash, "text": text}


def site_cards(sites: gpd.GeoDataFrame, scores: pd.DataFrame | None, choice: Sequence[str]) -> list[dict[str, Any]]:
    """List what the page says of each site: its columns, its place and the counted columns in their order."""
    place = to_degrees(sites.geometry)
    known = pd.DataFrame(index=sites.index) if scores is None else scores.reindex(sites.index)
    counted = known[[measure.column for measure in measures(known)]].to_numpy(dtype=float)
    order = {site: at for at, site in enumerate(map(str, choice), start=1)}
    return [
        {
            "id": str(site),
            "name": str(sites["name"].iloc[at]),
            "status": str(sites["status"].iloc[at]),
            "at": [round(place.iloc[at].y, 6), round(place.iloc[at].x, 6)],
            "rank": _plain(known["rank"].iloc[at]) if "rank" in known else None,
            "score": _plain(known["score"].iloc[at]) if "score" in known else None,
            "cost": _plain(sites["cost"].iloc[at]),
            "capacity": _plain(sites["capacity"].iloc[at]),
            "chosen": order.get(str(site)),
            "counted": [_plain(value) for value in counted[at]],
        }
        for at, site in enumerate(sites.index)
    ]


def site_layer(cards: list[dict[str, Any]], words: Words) -> Layer:
    """Give the layer of the sites, with a legend entry for each status that occurs."""
    statuses = {card["status"] for card in cards}
    legend = [key(*_mark(status, words)) for status in STATUS if status in statuses]
    if any(card["chosen"] for card in cards):
        legend.append(key("halo", words["chosen"], stroke=CHOSEN))
    return {"id": "sites", "kind": "sites", "label": words["sites"], "group": "", "on": True, "legend": legend}


def ring_layers(rings: gpd.GeoDataFrame, sites: list[str], words: Words) -> list[Layer]:
    """Give one layer for each mode and limit: the area of any site, and each site's own by its place in `sites`."""
    modes = list(dict.fromkeys(rings["mode"].astype(str)))
    place = metric(rings.geometry).simplify(EYE_M, preserve_topology=True)
    groups = list(rings.groupby([rings["mode"].astype(str), "minutes"], sort=False, observed=True))
    budget = RING_BUDGET // max(len(groups), 1)
    layers = []
    for (mode, minutes), rows in groups:
        shown = place.loc[rows.index]
        union = gpd.GeoSeries([shapely.union_all(shown.to_numpy())], crs=shown.crs)
        packed = pack_within(pd.concat([union, shown], ignore_index=True), EYE_M, budget)
        own = dict(zip(rows["site"].astype(str), packed[1:], strict=True))
        rank = sorted(rings["minutes"][rings["mode"].astype(str) == mode].unique()).index(minutes)
        colour, dash = mode_colour(str(mode), modes), "" if rank == 0 else "6 4" if rank == 1 else "2 4"
        spoken = f"{number(float(rows['speed_kmh'].iloc[0]), words)} {words['kmh']}"
        label = f"{words.get(str(mode), str(mode))}, {number(float(minutes), words)} {words['minute']}"
        layers.append(
            {
                "id": f"rings {mode} {minutes:g}",
                "kind": "rings",
                "label": label,
                "group": words["rings"],
                "on": mode == modes[0],
                "legend": [key("area", spoken, colour, colour, dash)],
                "colour": colour,
                "dash": dash,
                "minutes": float(minutes),
                "union": packed[0],
                "own": [own.get(site, "") for site in sites],
            }
        )
    return layers


def territory_layer(territories: gpd.GeoDataFrame, words: Words) -> Layer:
    """Give the layer of the territories' outlines and names."""
    shown = to_degrees(simplified(metric(territories.geometry), EYE_M))
    return {
        "id": "territories",
        "kind": "territories",
        "label": words["territories"],
        "group": words["background"],
        "on": True,
        "legend": [key("line", words["territories"], stroke="#3c4650", dash="8 3 2 3")],
        "shapes": pack(shown),
        "names": [str(name) for name in territories["name"]],
    }


def street_layer(streets: gpd.GeoDataFrame, words: Words) -> Layer:
    """Give the layer of the main streets: as many classes, from the largest down, as the budget holds."""
    merged = lines_by_class(streets, tuple(STREETS))
    place = metric(gpd.GeoSeries(merged, crs=streets.crs))
    packed = pack(to_degrees(simplified(place, 2 * EYE_M)))
    room = np.cumsum([len(text) for text in packed]) <= STREET_BUDGET
    items = [[text, STREETS[name]] for text, name, fits in zip(packed, merged.index, room, strict=True) if fits]
    return {
        "id": "streets",
        "kind": "streets",
        "label": words["streets"],
        "group": words["background"],
        "on": True,
        "legend": [key("line", words["streets"], stroke="#9aa3ab")],
        "lines": items,
    }


def area_layer(water: gpd.GeoDataFrame, words: Words) -> Layer:
    """Give the layer of water: polygons filled, lines drawn."""
    shown = metric(water.geometry)
    lines = shown.geom_type.str.endswith("LineString")
    return {
        "id": "water",
        "kind": "water",
        "label": words["water"],
        "group": words["background"],
        "on": True,
        "legend": [key("area", words["water"], "#d3e3ee", "#a9c6da")],
        "areas": pack(to_degrees(simplified(shown[~lines], 2 * EYE_M))),
        "lines": pack(to_degrees(simplified(shown[lines], 2 * EYE_M))),
    }


def _mark(status: str, words: Words) -> tuple[str, str, str, str]:
    shape, fill, stroke, _ = STATUS[status]
    return shape, words[status], fill, stroke


def _plain(value: float) -> float | None:
    """Give a number as JSON knows it: whole ones whole, missing as null."""
    value = float(value)
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) else round(value, 3)
