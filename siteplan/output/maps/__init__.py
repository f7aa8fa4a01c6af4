"""Maps that a council can open: one file, no network, every layer with its legend."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer

from siteplan.errors import InputError
from siteplan.output.columns import Measure, measures, mode_order, speeds
from siteplan.output.files import whole_file
from siteplan.output.maps.cells import cell_data, cell_layers
from siteplan.output.maps.layers import (
    Layer,
    area_layer,
    ring_layers,
    site_cards,
    site_layer,
    street_layer,
    territory_layer,
)
from siteplan.output.maps.words import Words, half_up, load_words, mode_name, number
from siteplan.output.palette import CHOSEN, OUTLINE, STATUS, WATER

__all__ = ["SiteMap", "site_map"]


@dataclass(frozen=True)
class SiteMap:
    """A finished map: one HTML page."""

    html: str

    def save(self, path: str | Path) -> None:
        """Write the page to `path`, whole or not at all."""
        with whole_file(path) as aside:
            aside.write_text(self.html, encoding="utf-8", newline="\n")

    def _repr_html_(self) -> str:
        style = "width:100%;height:640px;border:1px solid #c5ccd3"
        return f'<iframe srcdoc="{escape(self.html)}" style="{style}" title="siteplan"></iframe>'


def site_map(
    sites: gpd.GeoDataFrame,
    *,
    rings: gpd.GeoDataFrame | None = None,
    cells: gpd.GeoDataFrame | None = None,
    scores: pd.DataFrame | None = None,
    choice: Sequence[str] | None = None,
    territories: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    water: gpd.GeoDataFrame | None = None,
    totals: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    title: str = "",
    language: str = "en",
) -> SiteMap:
    """Draw sites, and whatever else is given, as one page that opens without a network.

    Shapes are simplified for the eye (5 m; rings more when the page would grow beyond 5 MB), never counted from.

    Parameters
    ----------
    sites
        Index `site`; `name`, `status`, `cost`, `capacity`; points in any CRS.
    rings
        Isochrones: `site`, `mode`, `minutes`, `speed_kmh`; polygons in any CRS.
    cells
        Index `cell`, `people`; polygons or points in any CRS. Shown as well when there: `minutes_<mode>`,
        `minutes_best`, `site_best`, `covered_<mode>_<minutes>` (shares, 0 to 1).
    scores
        Index `site`; counted columns, `score`, `rank` and speeds, for the cards and the list of sites.
    choice
        The chosen sites, in the order of opening.
    territories
        Index `territory`, `name`; polygons in any CRS.
    streets
        Lines with their class in `highway`; the main ones are drawn as far as the page's size allows.
    water
        Polygons or lines, as a background.
    totals
        What became of the people: `in`, `placed`, `too_far`, `island` (people) and `missing_cells`, as far as known;
        said beside the notes.
    notes
        Sentences for the box that is always in sight, such as the date of the data. Speeds, limits and the total of
        people are said there without asking.
    title
        The page's title.
    language
        `en` or `fr`.

    Returns
    -------
    SiteMap
        The page; the same bytes for the same input.

    Raises
    ------
    InputError
        A table without CRS.
    StudyError
        An unknown language.
    """
    from siteplan.output.maps.page import render_page

    words = load_words(language)
    tables = {
        "sites": sites,
        "rings": rings,
        "cells": cells,
        "territories": territories,
        "streets": streets,
        "water": water,
    }
    for name, table in tables.items():
        if table is not None and table.crs is None:
            raise InputError(f"{name}: no coordinate reference system; set it with .set_crs() before drawing the map")
    ids = [str(site) for site in sites.index]
    counted = _in_order(scores)
    cards = site_cards(sites, scores, counted, [] if choice is None else list(choice))
    given = {name: table for name, table in tables.items() if table is not None and _has_shapes(table)}
    title = title or words["title"]
    data = {
        "title": title,
        "language": language,
        "words": words,
        "bounds": _bounds(given),
        "notes": [*_own_notes(rings, cells, scores, totals or {}, words), *map(str, notes)],
        "measures": [asdict(measure) for measure in counted],
        "status": {
            name: dict(zip(("shape", "fill", "stroke", "text"), look, strict=True)) for name, look in STATUS.items()
        },
        "halo": CHOSEN,
        "outline": OUTLINE,
        "water": WATER,
        "sites": cards,
        "cells": None if "cells" not in given else cell_data(given["cells"], ids),
        "layers": _layers(given, cards, words),
    }
    return SiteMap(render_page(data, title=title))


def _has_shapes(table: gpd.GeoDataFrame) -> bool:
    return not bool((table.geometry.is_empty | table.geometry.isna()).all())


def _in_order(scores: pd.DataFrame | None) -> list[Measure]:
    """List the counted columns as a card shows them: by mode, then by limit."""
    found = [] if scores is None else measures(scores)
    return sorted(found, key=lambda each: (mode_order(each.mode), each.minutes))


def _layers(given: dict[str, gpd.GeoDataFrame], cards: list[dict[str, Any]], words: Words) -> list[Layer]:
    layers = [site_layer(cards, words)] if cards else []
    if "rings" in given:
        by_minutes = "cells" in given and "minutes_best" in given["cells"]  # which says at a glance what rings say
        layers += ring_layers(given["rings"], cards, words, shown=not by_minutes)
    if "cells" in given:
        layers += cell_layers(given["cells"], words)
    if "territories" in given:
        layers.append(territory_layer(given["territories"], words))
    if "streets" in given:
        layers.append(street_layer(given["streets"], words))
    if "water" in given:
        drawn = area_layer(given["water"], words)
        layers += [drawn] if drawn["areas"] or drawn["lines"] else []
    online = {"id": "tiles", "kind": "tiles", "label": words["tiles"], "group": words["background"], "on": False}
    return [*layers, {**online, "legend": []}]


def _bounds(given: dict[str, gpd.GeoDataFrame]) -> list[float]:
    """Give south, west, north, east of what is seen first: sites but the excluded, and the cells or area they reach."""
    about = [table for table in (_open_sites(given), _reached(given)) if table is not None and len(table)]
    about = about or list(given.values())[:1]
    boxes = [_degrees(table) for table in about if np.isfinite(table.total_bounds).all()]
    if not boxes:
        return [-60.0, -170.0, 75.0, 170.0]
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return [round(float(value), 5) for value in (min(souths), min(wests), max(norths), max(easts))]


def _open_sites(given: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    sites = given.get("sites")
    return None if sites is None else sites[sites["status"] != "excluded"]


def _reached(given: dict[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    """Give the cells that have minutes; without such columns the rings of the first mode."""
    cells, rings, sites = given.get("cells"), given.get("rings"), _open_sites(given)
    timed = [] if cells is None else [name for name in map(str, cells) if name.startswith("minutes_")]
    if cells is not None and timed:
        return cells[cells[timed].notna().any(axis=1)]
    if rings is None or sites is None:
        return rings
    modes = rings["mode"].astype(str)
    first = modes == min(modes, key=mode_order)
    return rings[first & rings["site"].astype(str).isin(set(map(str, sites.index)))]


def _degrees(table: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    to_degrees = Transformer.from_crs(table.crs, 4326, always_xy=True)
    west, south, east, north = map(float, table.total_bounds)
    return to_degrees.transform_bounds(west, south, east, north)


def _own_notes(
    rings: gpd.GeoDataFrame | None,
    cells: gpd.GeoDataFrame | None,
    scores: pd.DataFrame | None,
    totals: Mapping[str, float],
    words: Words,
) -> list[str]:
    notes = []
    speed, limits = _travel(rings, scores)
    if speed:
        spoken = words["semicolon"].join(
            f"{mode_name(mode, words)} {number(kmh, words)} {words['kmh']}" for mode, kmh in speed.items()
        )
        notes.append(words["speeds"].format(speeds=spoken))
    if limits:
        spoken = f" {words['and']} ".join(number(limit, words) for limit in limits)
        notes.append(words["limits"].format(limits=spoken))
    people = _people_note(cells, totals, words)
    if people:
        notes.append(people)
    if rings is not None and len(rings):
        notes.append(words["eye"])
    return notes


def _people_note(cells: gpd.GeoDataFrame | None, totals: Mapping[str, float], words: Words) -> str:
    """Say how many people came in, what became of them, and how many cells tell nothing."""
    said, missing = [], totals.get("missing_cells", 0)
    if cells is not None:
        missing = int(cells["people"].isna().sum())
        people = number(half_up(float(totals.get("in", cells["people"].sum()))), words)
        said.append(words["people_in_cells"].format(people=people, cells=number(len(cells), words)))
    elif "in" in totals:
        said.append(words["people_in"].format(people=number(half_up(totals["in"]), words)))
    fates = [name for name in ("placed", "too_far", "island") if half_up(totals.get(name, 0)) or name == "placed"]
    parts = [words[name].format(people=number(half_up(totals[name]), words)) for name in fates if name in totals]
    if parts:
        said.append(", ".join(parts) + ".")
    if missing:
        said.append(words["people_missing"].format(cells=number(missing, words)))
    return " ".join(said)


def _travel(rings: gpd.GeoDataFrame | None, scores: pd.DataFrame | None) -> tuple[dict[str, float], list[float]]:
    """Find the speed of each mode and all limits in what was given."""
    speed: dict[str, float] = {}
    limits: set[float] = set()
    if scores is not None:
        speed |= speeds(scores)
        limits |= {measure.minutes for measure in measures(scores)}
    if rings is not None and len(rings):
        speed |= {str(mode): float(kmh) for mode, kmh in zip(rings["mode"], rings["speed_kmh"], strict=True)}
        limits |= set(rings["minutes"].astype(float))
    known = sorted((mode for mode, kmh in speed.items() if math.isfinite(kmh)), key=mode_order)
    return {mode: speed[mode] for mode in known}, sorted(limits)
