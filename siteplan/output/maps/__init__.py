"""Maps that a council can open: one file, no network, every layer with its legend."""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer

from siteplan.analysis.equity import cell_territories
from siteplan.catalogue import BEST, Measure, by_mode, measures, mode_order, speeds
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.output.files import whole_file
from siteplan.output.maps.answers import answer_data, left_out_data
from siteplan.output.maps.cells import cell_data, cell_layers
from siteplan.output.maps.layers import (
    Layer,
    area_layer,
    line_layer,
    named_places,
    place_layer,
    rail_layer,
    ring_layers,
    site_cards,
    site_layer,
    stop_layer,
    street_layer,
    territory_layer,
)
from siteplan.output.maps.plan import plan_data
from siteplan.output.maps.private import join_small, spread_people
from siteplan.output.maps.scenarios import Scenario, ScenarioView, site_changes, views_of, whole_sites
from siteplan.output.palette import CHANGE, CHOSEN, OUTLINE, SEQUENCES, STATUS, mode_colour
from siteplan.reachable import by_point
from siteplan.words import Tongues, Words, all_words, half_up, load_words, word

__all__ = ["ScenarioView", "SiteMap", "site_map"]


LARGEST = 5_000_000  # bytes of a page
RING_ROOM = 2_400_000  # characters; what the page's other parts leave, and at most this
FIXED_ROOM = 900_000  # for scripts, streets, water and names


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
    notes: Sequence[str] | Mapping[str, Sequence[str]] = (),
    title: str = "",
    language: str = "en",
    times: pd.DataFrame | None = None,
    points: pd.DataFrame | None = None,
    phases: Sequence[tuple[str, Sequence[str]]] = (),
    scenarios: Mapping[str, Scenario] | None = None,
    curve: pd.DataFrame | None = None,
    curve_group: str = "people",
    curve_decayed: bool = False,
    lines: pd.DataFrame | None = None,
    desks: pd.DataFrame | None = None,
    commuting: pd.DataFrame | None = None,
    robustness: pd.DataFrame | None = None,
    left_out: gpd.GeoDataFrame | None = None,
    green: gpd.GeoDataFrame | None = None,
    railways: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    stops: gpd.GeoDataFrame | None = None,
    transit_lines: gpd.GeoDataFrame | None = None,
    threshold: float = 0.0,
) -> SiteMap:
    """Draw sites, and whatever else is given, as one page that opens without a network.

    With `times` and `points` the page counts by itself: the reader chooses mode and limit, opens and closes sites,
    and sees whom the open ones reach, in all and by territory, to the person as `reach` and `coverage` count.

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
        The chosen sites, in the order of opening. The page starts with them and the existing ones open, or with all.
    territories
        Index `territory`, `name`; polygons in any CRS.
    streets
        Lines with their class in `highway`; the main ones are drawn as far as the page's size allows.
    water, green, railways
        Polygons or lines, as a background.
    places
        Points with `name` and, in `kind` or `place`, city, town, village, suburb or hamlet: labels, and what the search
        finds beside sites and territories.
    totals
        What became of the people: `in`, `placed`, `too_far`, `island` (people) and `missing_cells`, as far as known;
        said beside the notes.
    notes
        Sentences for the box that is always in sight, such as the date of the data; or such sentences by language.
        Speeds, limits and the total of people are said there without asking.
    title
        The page's title.
    language
        `en` or `fr`; the reader may switch.
    times, points
        Minutes (`site`, `point`, `mode`, `minutes`) and people (index `point`, `cell`, `people`, groups).
    phases
        What opens when: a name and the sites that open then, in order. Steps without names are numbered.
    scenarios
        By name, what to compare with: a `ScenarioView`, or other times and points.
    curve
        `sites`, `covered` and, if known, `bound`: whom that many sites reach when they open one after the other.
    curve_group, curve_decayed
        Whom the curve counts, and whether by nearness.
    lines
        `site`, `line`, `people`, `lost`: the lines that serve a site, for its card.
    desks, commuting, robustness
        The tables of the same names that a study writes: how big each site must be, what commuting all of them replace,
        and how often each is among the first when the assumptions vary.
    left_out
        The places that no open site serves, as `places_without_access` gives them: listed, and shown at a click.
    stops, transit_lines
        Points and lines of public transport with `name`.
    threshold
        Cells of fewer people are not shown alone: they are joined with their neighbours, and what the page counts
        differs from the tables by as much. Cells of fewer members of a group share them with their neighbours.
        Smaller counts are shown as less than the threshold.

    Returns
    -------
    SiteMap
        The page; the same bytes for the same input.

    Raises
    ------
    InputError
        A table without CRS, times without points, or times to sites that are not in `sites`.
    StudyError
        An unknown language, or a phase with a site that is not in `sites`.

    Warns
    -----
    SiteplanWarning
        When the page had to leave out the rings, or is larger than 5 MB nevertheless.
    """
    from siteplan.output.maps.page import render_page

    load_words(language)
    tongues = all_words("map")
    tables = {
        "sites": sites,
        "rings": rings,
        "cells": cells,
        "territories": territories,
        "stops": stops,
        "transit_lines": transit_lines,
        "places": places,
        "railways": railways,
        "streets": streets,
        "water": water,
        "green": green,
    }
    for name, table in tables.items():
        if table is not None and table.crs is None:
            raise InputError(f"{name}: no coordinate reference system; set it with .set_crs() before drawing the map")
    if (times is None) != (points is None):
        raise InputError("times and points belong together; give both, or neither")
    views = views_of(scenarios or {})
    sites, only = whole_sites(sites, views)
    tables["sites"] = sites
    said = _notes(rings, cells, scores, totals or {}, notes, tongues, threshold)
    people = points
    homes = None if points is None else _homes(cells, territories, [points, *(view.points for view in views.values())])
    if threshold > 0 and cells is not None:
        cells, joined = join_small(cells, threshold)
        if points is not None:
            every = [points, *(view.points for view in views.values())]
            people, *others = spread_people(every, cells, joined, threshold)
            views = {name: replace(view, points=each) for (name, view), each in zip(views.items(), others, strict=True)}
        tables["cells"] = cells
    ids = [str(site) for site in sites.index]
    counted = _in_order(scores)
    cards = site_cards(sites, scores, counted, [] if choice is None else list(choice), only)
    given = {name: table for name, table in tables.items() if table is not None and _has_shapes(table)}
    plan = None
    if times is not None and people is not None:
        limits = _travel(rings, scores)[1] or [float(times["minutes"].max())]
        plan = plan_data(
            times,
            people,
            sites=ids,
            cells=given["cells"].index if "cells" in given else None,
            limits=limits,
            territories=territories,
            homes=homes,
            scenarios=views,
        )
        for packed, view in zip(plan["scenarios"], views.values(), strict=True):
            packed |= {"about": view.about, **site_changes(sites, choice, view)}
    shapes = None if "cells" not in given else cell_data(given["cells"], ids)
    room = min(RING_ROOM, LARGEST - FIXED_ROOM - _size(plan) - _size(shapes))
    if "rings" in given and room < RING_ROOM / 20:
        text = "map: the outlines of what each site reaches are left out, or the page would exceed 5 MB"
        warnings.warn(SiteplanWarning(text), stacklevel=2)
        del given["rings"]
    heading = title or tongues[language]["title"]
    data = {
        "title": heading,
        "language": language,
        "words": {name: words.as_data() for name, words in tongues.items()},
        "bounds": _bounds(given),
        "notes": said,
        "measures": [asdict(measure) for measure in counted],
        "status": {
            name: dict(zip(("shape", "fill", "stroke", "text"), look, strict=True)) for name, look in STATUS.items()
        },
        "halo": CHOSEN,
        "outline": OUTLINE,
        "change": CHANGE,
        "colours": {**SEQUENCES, "modes": _mode_colours(plan)},
        "threshold": threshold,
        "sites": cards,
        "served": _served(lines),
        "answers": answer_data(desks, commuting, robustness) | {"places": left_out_data(left_out)},
        "territories": [] if territories is None else [str(name) for name in territories["name"]],
        "cells": shapes,
        "plan": plan,
        "phases": _phases(phases, ids),
        "curve": _curve(curve),
        "curveOf": {"group": curve_group, "decayed": curve_decayed},
        "found": _found(given),
        "layers": _layers(given, cards, tongues, max(room, 1)),
    }
    page = SiteMap(render_page(data, title=heading))
    size = len(page.html.encode("utf-8"))
    if size > LARGEST:
        text = f"map: the page has {size / 1e6:.1f} MB, more than 5; give fewer sites, modes or cells to make it quick"
        warnings.warn(SiteplanWarning(text), stacklevel=2)
    return page


def _homes(
    cells: gpd.GeoDataFrame | None, territories: gpd.GeoDataFrame | None, points: Sequence[pd.DataFrame]
) -> pd.Series | None:
    """Give the position of the territory of each point as the tables have it: that of its cell."""
    if cells is None or territories is None or any("cell" not in table for table in points):
        return None
    of_cell = cell_territories(cells, territories)
    cell = pd.concat([by_point(table)["cell"] for table in points])
    cell = cell[~cell.index.duplicated()]
    position = {str(label): at for at, label in enumerate(territories.index)}
    homes: pd.Series = cell.map(of_cell.map(position)).fillna(-1).astype(np.int64)
    return homes


def _size(data: object) -> int:
    """Say about how many characters data will take in the page."""
    return len(json.dumps(data, separators=(",", ":"))) if data is not None else 0


def _mode_colours(plan: dict[str, Any] | None) -> dict[str, str]:
    modes = [] if plan is None else list(plan["modes"])
    return {mode: mode_colour(mode, modes) for mode in modes}


def _phases(phases: Sequence[tuple[str, Sequence[str]]], ids: list[str]) -> list[list[Any]]:
    """Give each phase's name and the positions of the sites that open in it."""
    for name, opened in phases:
        unknown = [site for site in map(str, opened) if site not in ids]
        if unknown:
            raise StudyError(f"phase {name!r}: site {unknown[0]!r} is not on the map; expected one of the sites' ids")
    return [[str(name), [ids.index(str(site)) for site in opened]] for name, opened in phases]


def _curve(curve: pd.DataFrame | None) -> list[list[float | None]]:
    """Give sites, covered and bound of each step."""
    if curve is None:
        return []
    bound = curve["bound"] if "bound" in curve else pd.Series(np.nan, index=curve.index)
    rows = zip(curve["sites"], curve["covered"], bound, strict=True)
    return [
        [int(sites), *(round(float(each), 3) if np.isfinite(each) else None for each in rest)] for sites, *rest in rows
    ]


def _served(lines: pd.DataFrame | None) -> dict[str, list[list[Any]]]:
    """Give the lines that serve each site: name, people, and people lost without it."""
    served: dict[str, list[list[Any]]] = {}
    if lines is not None:
        for site, line, people, lost in zip(lines["site"], lines["line"], lines["people"], lines["lost"], strict=True):
            counts = [half_up(float(each)) if np.isfinite(each) else None for each in (people, lost)]
            served.setdefault(str(site), []).append([str(line), *counts])
    return served


def _found(given: dict[str, gpd.GeoDataFrame]) -> list[list[Any]]:
    """List what the search finds that no layer shows by itself: stops have no labels."""
    return [] if "stops" not in given else _once(named_places(given["stops"]))


def _once(places: list[list[Any]]) -> list[list[Any]]:
    return list({place[2]: place for place in reversed(places) if place[2]}.values())[::-1]


def _has_shapes(table: gpd.GeoDataFrame) -> bool:
    return not bool((table.geometry.is_empty | table.geometry.isna()).all())


def _in_order(scores: pd.DataFrame | None) -> list[Measure]:
    """List the counted columns as a card shows them: by mode, then by limit."""
    found = [] if scores is None else measures(scores)
    return sorted(found, key=lambda each: (mode_order(each.mode), each.limit))


def _layers(
    given: dict[str, gpd.GeoDataFrame], cards: list[dict[str, Any]], tongues: Tongues, room: int
) -> list[Layer]:
    layers = [site_layer(cards, tongues)] if cards else []
    if "rings" in given:
        # The minutes of cells say at a glance what rings say.
        by_minutes = "cells" in given and BEST in by_mode(given["cells"], "minutes")
        layers += ring_layers(given["rings"], cards, tongues, shown=not by_minutes, room=room)
    if "cells" in given:
        layers += cell_layers(given["cells"], tongues)
    if "stops" in given:
        layers.append(stop_layer(given["stops"], tongues))
    if "transit_lines" in given:
        layers.append(line_layer(given["transit_lines"], tongues))
    if "territories" in given:
        layers.append(territory_layer(given["territories"], tongues))
    if "places" in given:
        layers.append(place_layer(given["places"], tongues))
    if "streets" in given:
        layers.append(street_layer(given["streets"], tongues))
    if "railways" in given:
        layers.append(rail_layer(given["railways"], tongues))
    for name in ("water", "green"):
        if name in given:
            drawn = area_layer(name, given[name], tongues)
            layers += [drawn] if drawn["areas"] or drawn["lines"] else []
    online = {"label": word(tongues, "tiles"), "group": word(tongues, "background")}
    return [*layers, {"id": "tiles", "kind": "tiles", **online, "on": False, "legend": []}]


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
    timed = [] if cells is None else list(by_mode(cells, "minutes").values())
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


def _notes(
    rings: gpd.GeoDataFrame | None,
    cells: gpd.GeoDataFrame | None,
    scores: pd.DataFrame | None,
    totals: Mapping[str, float],
    notes: Sequence[str] | Mapping[str, Sequence[str]],
    tongues: Tongues,
    threshold: float,
) -> dict[str, list[str]]:
    """Give the sentences that are always in sight, by language."""
    said = {}
    for language, words in tongues.items():
        own = _own_notes(rings, cells, scores, totals, words)
        if threshold > 0:
            own.append(words.text("joined", people=threshold))
        given = notes.get(language, next(iter(notes.values()), ())) if isinstance(notes, Mapping) else notes
        said[language] = [*own, *map(str, given)]
    return said


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
        each = (f"{words.mode(mode)} {words.number(kmh)} {words['kmh']}" for mode, kmh in speed.items())
        notes.append(words.text("speeds", speeds=words["semicolon"].join(each)))
    if limits:
        notes.append(words.text("limits", count=len(limits), limits=words.listed(map(words.number, limits))))
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
        people = words.count(float(totals.get("in", cells["people"].sum())))
        said.append(words.text("people_in_cells", people=people, count=len(cells)))
    elif "in" in totals:
        said.append(words.text("people_in", people=words.count(totals["in"])))
    fates = [name for name in ("placed", "too_far", "island") if half_up(totals.get(name, 0)) or name == "placed"]
    parts = [words.text(name, people=words.count(totals[name])) for name in fates if name in totals]
    if parts:
        said.append(", ".join(parts) + ".")
    if missing:
        said.append(words.text("people_missing", count=missing))
    return " ".join(said)


def _travel(rings: gpd.GeoDataFrame | None, scores: pd.DataFrame | None) -> tuple[dict[str, float], list[float]]:
    """Find the speed of each mode and all limits in what was given."""
    speed: dict[str, float] = {}
    limits: set[float] = set()
    if scores is not None:
        speed |= speeds(scores)
        limits |= {measure.limit for measure in measures(scores)}
    if rings is not None and len(rings):
        speed |= {str(mode): float(kmh) for mode, kmh in zip(rings["mode"], rings["speed_kmh"], strict=True)}
        limits |= set(rings["minutes"].astype(float))
    known = sorted((mode for mode, kmh in speed.items() if math.isfinite(kmh) and mode != "transit"), key=mode_order)
    return {mode: speed[mode] for mode in known}, sorted(limits)
