"""Maps that a council can open: one file, no network, every layer with its legend."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS, Transformer

from siteplan.analysis.equity import cell_territories
from siteplan.catalogue import BEST, Measure, by_mode, measures, mode_order
from siteplan.config import TRANSIT
from siteplan.doors import door
from siteplan.errors import InputError, StudyError, warn
from siteplan.geo import alike, lon_alike
from siteplan.objectives import objective_names
from siteplan.output.coverage import public_name
from siteplan.output.maps.answers import answer_data, left_out_data, spaces_data
from siteplan.output.maps.cells import cell_data, cell_layers, of_one_kind
from siteplan.output.maps.large import MOST_CELLS, MOST_SITES, coarser, fewer_columns, fewer_sites, in_blocks
from siteplan.output.maps.layers import (
    STRESS_BUDGET,
    Layer,
    area_layer,
    line_layer,
    named_places,
    place_layer,
    plain_layer,
    rail_layer,
    ring_layers,
    site_cards,
    site_layer,
    stop_layer,
    street_layer,
    stress_layer,
    territory_layer,
)
from siteplan.output.maps.notes import all_notes, threshold_of, travel_of
from siteplan.output.maps.page import SiteMap
from siteplan.output.maps.plan import all_points, plan_data
from siteplan.output.maps.private import join_small, spread_people
from siteplan.output.maps.scenarios import site_changes, whole_sites
from siteplan.output.maps.topics import doubt_data, topic_data
from siteplan.output.maps.trials import MOST_TRIALS, trial_data, why_none
from siteplan.output.outcome import Outcome
from siteplan.output.palette import CHANGE, CHOSEN, INKS, OUTLINE, SEQUENCES, STATUS, TINTS, mode_colour
from siteplan.output.tradeoffs import tradeoffs_told
from siteplan.publics import aligned_publics
from siteplan.reachable import by_point
from siteplan.siting.choice import Choice
from siteplan.words import Tongues, all_words, half_up, load_words, say

__all__ = ["SiteMap", "site_map"]


LARGEST = 5_000_000  # bytes of a page
RING_ROOM = 2_400_000  # characters; what the page's other parts leave, and at most this
FIXED_ROOM = 900_000  # for scripts, streets, water and names
COLUMN_ROOM = 2_600_000  # for cells and cards: what is left lets most pages count by themselves
PARTS = (1, 2, 4, 8, 16)  # of the sites and cells that a page has room for, where nothing less is enough
LESSER = ("green", "railways", "stops", "lines", "places", "water", "stress", "streets", "territories")
DRAWN = (
    *("sites", "isochrones", "areas", "cells", "communes", "stops", "transit_lines", "places", "railways", "streets"),
    *("stress", "water", "green"),
)


@door(sites=("name", "status", "cost", "capacity"))
def site_map(
    sites: gpd.GeoDataFrame | Outcome,
    *,
    rings: gpd.GeoDataFrame | None = None,
    cells: gpd.GeoDataFrame | None = None,
    choice: Choice | Sequence[str] | None = None,
    scores: pd.DataFrame | None = None,
    times: pd.DataFrame | None = None,
    points: pd.DataFrame | None = None,
    communes: gpd.GeoDataFrame | None = None,
    title: str = "",
    language: str = "",
) -> SiteMap:
    """Draw a result, or sites and whatever else is given, as one page that opens without a network.

    With `times` and `points` the page counts by itself: the reader chooses mode and limit, opens and closes sites,
    and sees whom the open ones reach, in all and by commune, to the person as `reach` and `coverage` count.

    Shapes are simplified for the eye (5 m; rings more when the page would grow beyond 5 MB), never counted from.

    Parameters
    ----------
    sites
        A `Result`, which has all that follows and more; or sites: index `site`; `name`, `status`, `cost`, `capacity`;
        points in any CRS.
    rings
        Isochrones: `site`, `mode`, `minutes`, `speed_kmh`; polygons in any CRS.
    cells
        Index `cell`, `people`; polygons or points in any CRS. Shown as well when there: `minutes_<mode>`,
        `minutes_best`, `site_best`, `covered_<mode>_<minutes>` (shares, 0 to 1).
    choice
        A choice, or the ids of the chosen sites in the order of opening. The page starts with them and the existing
        ones open, or with all.
    scores
        Index `site`; counted columns, `score`, `rank` and speeds, for the cards and the list of sites.
    times, points
        Minutes (`site`, `point`, `mode`, `minutes`) and people (index `point`, `cell`, `people`, groups).
    communes
        Index `territory`, `name`; polygons in any CRS.
    title
        The page's title; "" takes the result's.
    language
        `en` or `fr`; the reader may switch. "" takes the result's, or else English.

    Returns
    -------
    SiteMap
        The page; the same bytes for the same input. To its `map` any layer or plugin of Folium can be added.

    Raises
    ------
    InputError
        A layer without CRS, times without points, or times to sites that are not in `sites`.
    StudyError
        An unknown language, a choice of a site that is not in `sites`, or tables beside a result.

    Warns
    -----
    SiteplanWarning
        When the page had to leave out sites, columns, counting, rings or layers, or is larger than 5 MB nevertheless.

    Examples
    --------
    >>> page = sp.site_map(sites, cells=cells)
    >>> page.save("map.html")
    """
    tables = {"scores": scores, "times": times}
    layers = {"isochrones": rings, "cells": cells, "points": points, "communes": communes}
    if not isinstance(sites, Outcome):
        result = _made(sites, tables, layers, choice)
    elif choice is None and all(each is None for each in (*tables.values(), *layers.values())):
        result = sites
    else:
        raise StudyError("site_map: was given a result and tables beside it; give either, or a Result made of both")
    result.refuse_metres()
    for part in PARTS:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            page = _fitted(result, title, language or result.language, part)
        beyond = _beyond(page)
        if beyond <= 0:
            break
    for each in said:  # of the page that is given, not of those that were too large
        warn(each.message if isinstance(each.message, Warning) else str(each.message))
    if beyond > 0:
        size = (LARGEST + beyond) / 1e6
        warn(f"map: the page has {size:.1f} MB, more than 5; give fewer sites, modes or cells to make it quick")
    return page


def _fitted(result: Outcome, title: str, language: str, part: int) -> SiteMap:
    """Make a page with a part of the sites and cells that one has room for, and leave out layers until it fits."""
    cells = max(MOST_CELLS // part, 1)
    data = _data(fewer_sites(result, max(MOST_SITES // part, 1)), title, language, cells)
    if part > 1 and data["cells"] is not None and len(result.layers["cells"]) > cells:
        warn(f"map: cells are joined into {len(data['cells']['names']):,}, or the page would exceed 5 MB")
    page = SiteMap(data)
    beyond = _beyond(page)
    for name in LESSER:
        if beyond > 0 and any(layer["id"] == name for layer in data["layers"]):
            warn(f"map: the layer {name} is left out, or the page would exceed 5 MB; results.gpkg has it")
            data = {**data, "layers": [layer for layer in data["layers"] if layer["id"] != name]}
            beyond = _beyond(page := SiteMap(data))
    return page


def _beyond(page: SiteMap) -> int:
    """Say by how many bytes a page is too large."""
    return len(page.html.encode("utf-8")) - LARGEST


def _made(
    sites: gpd.GeoDataFrame,
    tables: Mapping[str, pd.DataFrame | None],
    layers: Mapping[str, gpd.GeoDataFrame | None],
    choice: Choice | Sequence[str] | None,
) -> Outcome:
    """Make an outcome of what was given."""
    known = {name: table for name, table in tables.items() if table is not None}
    if isinstance(choice, Choice):
        known |= {"choice": choice.sites} | ({} if choice.phases is None else {"phases": choice.phases})
    elif choice is not None:
        known["choice"] = pd.DataFrame({"site": [str(site) for site in choice]})
    return Outcome(sites, known, {name: table for name, table in layers.items() if table is not None})


def _data(result: Outcome, title: str, language: str, most_cells: int) -> dict[str, Any]:
    """Give all that the page shows."""
    load_words(language)
    tongues = {name: words.with_modes(result.mode_titles) for name, words in all_words("map").items()}
    scores, times, points = result.tables.get("scores"), result.tables.get("times"), result.layers.get("points")
    for name, table in {"sites": result.sites, **result.layers}.items():
        if name != "points" and table.crs is None:
            raise InputError(f"{name}: no coordinate reference system; set it with .set_crs() before drawing the map")
    if (times is None) != (points is None):
        raise InputError("times and points belong together; give both, or neither")
    views = result.scenarios
    sites, only = whole_sites(result.sites, views)
    layers = {**result.layers, "sites": sites} | _all_cells(result)
    layers = alike(layers)
    sites = layers["sites"]
    said = all_notes(result, result.layers.get("cells"), tongues)  # without the homes of scenarios
    people, communes = points, layers.get("communes")
    every = [] if points is None else [points, *(view.layers["points"] for view in views.values())]
    homes = None if points is None else _homes(layers.get("cells"), communes, every)
    threshold = threshold_of(result)
    if "cells" in layers:
        layers["cells"] = of_one_kind(layers["cells"])
    if threshold > 0 and "cells" in layers:
        layers["cells"], joined = join_small(layers["cells"], threshold)
        if points is not None:
            people, *others = spread_people(every, layers["cells"], joined, threshold)
            views = {
                name: replace(view, layers={**view.layers, "points": each})
                for (name, view), each in zip(views.items(), others, strict=True)
            }
    if "cells" in layers and len(layers["cells"]) > most_cells:
        layers["cells"], blocks = coarser(layers["cells"], most_cells)
        people = None if people is None else in_blocks(people, blocks)
        views = {
            name: replace(view, layers={**view.layers, "points": in_blocks(view.layers["points"], blocks)})
            for name, view in views.items()
        }
    ids = [str(site) for site in sites.index]
    unknown = [site for site in result.chosen if site not in ids]
    if unknown:
        raise StudyError(f"choice: site {unknown[0]!r} is not on the map; expected one of the sites' ids")
    given = {name: table for name, table in layers.items() if name in DRAWN and _has_shapes(table)}
    shapes = None if "cells" not in given else cell_data(given["cells"], ids)
    cards_of = partial(site_cards, sites, scores, choice=result.chosen, opening=result.opening, only=only)
    counted, cards, shapes, taken = _columns(_in_order(scores), cards_of, shapes)
    fixed = FIXED_ROOM + STRESS_BUDGET * ("stress" in given)
    room = LARGEST - fixed - taken
    plan = None
    if times is not None and people is not None and len(times) > room:  # each takes a character at least
        _say_no_plan(len(times))
    elif times is not None and people is not None:
        plan = plan_data(
            times,
            people,
            sites=ids,
            cells=given["cells"].index if "cells" in given else None,
            limits=travel_of(result)[1] or [float(times["minutes"].max())],
            territories=communes,
            homes=homes,
            scenarios=views,
            publics=result.publics,
        )
        plan["own"] = result.own_limits
        plan["rides"] = [mode for mode in plan["modes"] if mode in {TRANSIT.name, *result.rides}]
        who, *_ = aligned_publics(result.publics, *(view.publics for view in views.values()))
        plan["who"] = [say(tongues, partial(public_name, each.name, each.title)) for each in who]
        for packed, view in zip(plan["scenarios"], views.values(), strict=True):
            about = view.manifest.get("scenario", {}).get("about", "")
            packed |= {"about": about, **site_changes(sites, result.chosen, view)}
        if _size(plan) > room:
            _say_no_plan(len(times))
            plan = None
    room -= _size(plan)
    trials = None if plan is None else _trials(result, every, room, tongues)
    room = min(RING_ROOM, room - _size(trials))
    if "isochrones" in given and room < RING_ROOM / 20:
        text = "map: the outlines of what each site reaches are left out, or the page would exceed 5 MB"
        warn(text)
        del given["isochrones"]
    asked = result.study.get("choose") or {}
    goal = objective_names()[asked.get("objective", "coverage")]
    return {
        "title": title or result.title or tongues[language]["title"],
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
        "colours": {**SEQUENCES, **INKS, "tints": TINTS, "modes": _mode_colours(plan)},
        "threshold": threshold,
        "sites": cards,
        "served": _served(result.table("lines")),
        "answers": answer_data(*map(result.table, ("desks", "commuting", "robustness", "competition")))
        | spaces_data(*map(result.table, ("spaces", "week")))
        | {"places": left_out_data(result.left_out)},
        "territories": [] if communes is None else [str(name) for name in communes["name"]],
        "cells": shapes,
        "plan": plan,
        "trials": trials,
        "currency": result.currency,
        "topics": topic_data(result, tongues),
        "doubts": doubt_data(result.table("doubts")),
        "tradeoffs": {name: list(tradeoffs_told(result, name)) for name in tongues},
        "phases": _phases(result, ids),
        "curve": _curve(result.table("curve")),
        "curveOf": {"group": asked.get("group", "people"), "decayed": not goal.heads},
        "found": _found(given),
        "layers": _layers(given, cards, tongues, max(room, 1)),
    }


def _columns(
    counted: list[Measure], cards_of: Callable[..., list[dict[str, Any]]], shapes: dict[str, Any] | None
) -> tuple[list[Measure], list[dict[str, Any]], dict[str, Any] | None, int]:
    """Give the columns of the cards, the cards and the cells, no more than there is room for, and what these take."""
    left: list[str] = []
    cards = cards_of(counted=counted)
    of_cards, of_cells = _size(cards), _size(shapes)
    if shapes is not None and shapes["covered"] and of_cards + of_cells > COLUMN_ROOM:
        shapes = {**shapes, "covered": []}
        of_cells = _size(shapes)
        left.append("shares covered of each cell")
    for said, fewer in fewer_columns(counted):
        if of_cards + of_cells <= COLUMN_ROOM:
            break
        counted, cards = fewer, cards_of(counted=fewer)
        of_cards = _size(cards)
        left.append(said)
    if left:
        told = "; ".join(left)
        warn(f"map: its cards leave out {told}, or the page would exceed 5 MB; scores.csv and results.gpkg have all")
    return counted, cards, shapes, of_cards + of_cells


def _say_no_plan(pairs: int) -> None:
    warn(
        f"map: the page does not count whom open sites reach, as there is no room in it for {pairs:,} times; the "
        "tables tell it of the study's own sites"
    )


def _trials(result: Outcome, points: Sequence[pd.DataFrame], room: int, tongues: Tongues) -> dict[str, Any] | None:
    """Give the places where a site can be tried, or why none can; None where nobody asked for them."""
    if result.study.get("inputs", {}).get("times"):
        return why_none("try_times", tongues)
    trials = result.tables.get("trials")
    if trials is None or trials.empty:
        return None
    packed = trial_data(trials, all_points(list(points)))
    if _size(packed) > min(MOST_TRIALS, room - RING_ROOM // 2 * ("isochrones" in result.layers)):
        return why_none("try_large", tongues)
    return packed


def _all_cells(result: Outcome) -> dict[str, gpd.GeoDataFrame]:
    """Give the cells, with the new homes of scenarios, where nobody lives yet."""
    if "cells" not in result.layers:
        return {}
    cells = result.cells
    for other in result.scenarios.values():
        there = other.layers.get("cells", cells)
        new = there[~there.index.isin(cells.index)]
        if len(new):
            empty = new[["geometry"]].assign(**dict.fromkeys(("people", *result.groups), 0.0))
            cells = gpd.GeoDataFrame(pd.concat([cells, empty]), crs=cells.crs).rename_axis("cell")
    return {"cells": cells}


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


def _phases(result: Outcome, ids: list[str]) -> list[list[Any]]:
    """Give what opens when, by position: the phases of a deployment, or one chosen site after the other."""
    choice, phases = result.table("choice"), result.table("phases")
    if choice is None or "status" not in choice:
        return []
    new = choice[choice["status"] == "candidate"].astype({"site": str})
    if "phase" not in new or phases is None:
        return [["", [ids.index(site)]] for site in new["site"]]
    opening = [new.loc[new["phase"] == phase, "site"] for phase in phases["phase"]]
    return [
        [str(phase), [ids.index(site) for site in opens]] for phase, opens in zip(phases["phase"], opening, strict=True)
    ]


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
    if "isochrones" in given:
        # The minutes of cells say at a glance what rings say.
        by_minutes = "cells" in given and BEST in by_mode(given["cells"], "minutes")
        layers += ring_layers(
            given["isochrones"], cards, tongues, areas=given.get("areas"), shown=not by_minutes, room=room
        )
    if "cells" in given:
        layers += cell_layers(given["cells"], tongues)
    makers = {
        "stops": stop_layer,
        "transit_lines": line_layer,
        "communes": territory_layer,
        "places": place_layer,
        "stress": stress_layer,
        "streets": street_layer,
        "railways": rail_layer,
    }
    layers += [make(given[name], tongues) for name, make in makers.items() if name in given]
    for name in ("water", "green"):
        if name in given:
            drawn = area_layer(name, given[name], tongues)
            layers += [drawn] if drawn["areas"] or drawn["lines"] else []
    return [*layers, plain_layer("tiles", "tiles", [], tongues, on=False)]


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
    cells, rings, sites = given.get("cells"), given.get("isochrones"), _open_sites(given)
    timed = [] if cells is None else list(by_mode(cells, "minutes").values())
    if cells is not None and timed:
        return cells[cells[timed].notna().any(axis=1)]
    if rings is None or sites is None:
        return rings
    modes = rings["mode"].astype(str)
    first = modes == min(modes, key=mode_order)
    return rings[first & rings["site"].astype(str).isin(set(map(str, sites.index)))]


def _degrees(table: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    to_degrees, crs = Transformer.from_crs(table.crs, 4326, always_xy=True), CRS(table.crs)
    west, south, east, north = map(float, table.total_bounds)
    west, south, east, north = to_degrees.transform_bounds(west, south, east, north)
    west, east = map(float, lon_alike(np.array([west, east]), crs))
    return west, south, east, north
