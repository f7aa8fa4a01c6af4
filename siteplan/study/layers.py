"""What of a study has a place: the layers of its GeoPackage and its map, all in the CRS that is measured in."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.network.streets import StreetNetwork
from siteplan.output.later import Later
from siteplan.study.load import StudyData
from siteplan.study.riding import line_layer, stop_layer
from siteplan.study.stress import stress_lines

__all__ = ["layers_of"]

PLAIN = 2.0  # metres: less than a tenth of the grid that isochrones are drawn on


def layers_of(
    data: StudyData,
    access: pd.DataFrame,
    rings: gpd.GeoDataFrame | None,
    left_out: gpd.GeoDataFrame | None,
    *,
    calm: bool,
    base: tuple[StudyData, Mapping[str, gpd.GeoDataFrame]] | None = None,
) -> Later[gpd.GeoDataFrame]:
    """Name what has a place, all in the CRS that is measured in; streets are drawn when they are asked for.

    What a scenario draws from the very things of its `base` (data and layers) is the table of that.
    """
    crs = data.points.crs
    known, layers_of_base = ({}, {}) if base is None else (_ground(base[0], None), base[1])
    layers: dict[str, Any] = {} if rings is None else {"isochrones": _plain(rings.to_crs(crs))}
    layers |= {"cells": data.cells.join(access).to_crs(crs), "points": data.points}
    for name, (source, draw) in _ground(data, left_out).items():
        if source is None or (name == "stress" and not calm):
            continue
        same = name in layers_of_base and source is known[name][0]
        made = (
            functools.partial(layers_of_base.__getitem__, name) if same else functools.partial(_in, crs, draw, source)
        )
        layers[name] = made if name == "streets" else made()
    return Later(layers)


def _ground(data: StudyData, left_out: gpd.GeoDataFrame | None) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
    """Return by layer what it is drawn from, and how."""
    found: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "communes": (data.communes, _as_it_is),
        "streets": (data.streets, _by_class),
        "stress": (data.streets, stress_lines),
        "water": (data.basemap.get("water"), _as_it_is),
        "places_without_access": (left_out, _as_it_is),
        "transit_lines": (data.timetable, line_layer),
        "stops": (data.timetable, stop_layer),
    }
    return found | {name: (table, _as_it_is) for name, table in data.basemap.items()}


def _in(crs: Any, draw: Callable[[Any], gpd.GeoDataFrame], source: Any) -> gpd.GeoDataFrame:
    return draw(source).to_crs(crs)


def _as_it_is(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table


def _plain(rings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Simplify isochrones once for whatever shows them, by less than they are exact: to `PLAIN` metres.

    Method: Douglas and Peucker (1973). Of what crosses itself then, GEOS keeps one side. An area that loses more so
    than that many metres along its outline, or vanishes, is simplified by GEOS' slower kind, which keeps rings apart.
    """
    shapes = rings.geometry.to_numpy()
    plain = shapely.simplify(shapes, PLAIN, preserve_topology=False)
    lost = np.abs(shapely.area(plain) - shapely.area(shapes)) > PLAIN * shapely.length(shapes)
    spoilt = lost | (shapely.is_empty(plain) & ~shapely.is_empty(shapes))
    plain[spoilt] = shapely.simplify(shapes[spoilt], PLAIN, preserve_topology=True)
    return rings.set_geometry(gpd.GeoSeries(plain, index=rings.index, crs=rings.crs))


def _by_class(streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Gather the streets of each class of `highway` into one shape, as a background of the map."""
    highway, known = pd.factorize(streets.highway, sort=True)
    lines = [shapely.multilinestrings(streets.drawn(np.flatnonzero(highway == at))) for at in range(len(known))]
    return gpd.GeoDataFrame({"highway": known}, geometry=lines, crs=streets.crs)
