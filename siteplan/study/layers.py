"""What of a study has a place: the layers of its GeoPackage and its map, all in the CRS that is measured in."""

import functools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Study
from siteplan.network.streets import StreetNetwork
from siteplan.network.tags import Access
from siteplan.output.areas import plainer
from siteplan.output.later import Later
from siteplan.study.load import StudyData
from siteplan.study.riding import line_layer, stop_layer

__all__ = ["layers_of", "stress_lines"]

PLAIN = 2.0  # metres: less than a tenth of the grid that isochrones are drawn on


def layers_of(
    study: Study,
    data: StudyData,
    access: pd.DataFrame,
    *,
    rings: gpd.GeoDataFrame | None,
    left_out: gpd.GeoDataFrame | None,
) -> Later[gpd.GeoDataFrame]:
    """Name what has a place, all in the CRS that is measured in; streets are drawn when they are asked for."""
    crs, streets, timetable = data.points.crs, data.streets, data.timetable
    calm = any(profile.at_home.stress is not None for profile in study.profiles())
    layers = {
        **({} if rings is None else _with_areas(rings.to_crs(crs))),
        "cells": data.cells.join(access),
        "points": data.points,
        "communes": data.communes,
        "streets": None if streets is None else functools.partial(_by_class, streets, crs),
        "stress": None if streets is None or not calm else stress_lines(streets),
        "water": data.basemap.get("water"),
        "places_without_access": left_out,
        "transit_lines": None if timetable is None else line_layer(timetable),
        "stops": None if timetable is None else stop_layer(timetable),
        **data.basemap,
    }
    there = {name: layer for name, layer in layers.items() if layer is not None}
    made = {name: layer if callable(layer) or name == "points" else layer.to_crs(crs) for name, layer in there.items()}
    return Later(made)


def _with_areas(drawn: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Tell the isochrones of sites, simplified, from the areas of any of them."""
    of_any = drawn["site"].isna()
    rings = drawn[~of_any].assign(site=drawn["site"][~of_any].to_numpy(object))  # text, as none is missing
    areas = drawn[of_any].reset_index(drop=True).drop(columns="site")
    areas.insert(areas.columns.get_loc("geometry"), "sites", rings["site"].nunique())
    shapes = [plainer(shape) for shape in areas.geometry]
    return {"isochrones": _plain(rings), "areas": areas.set_geometry(gpd.GeoSeries(shapes, crs=drawn.crs))}


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


def _by_class(streets: StreetNetwork, crs: Any) -> gpd.GeoDataFrame:
    """Gather the streets of each class of `highway` into one shape, as a background of the map."""
    highway, known = pd.factorize(streets.highway, sort=True)
    lines = [shapely.multilinestrings(streets.drawn(np.flatnonzero(highway == at))) for at in range(len(known))]
    return gpd.GeoDataFrame({"highway": known}, geometry=lines, crs=streets.crs).to_crs(crs)


def stress_lines(streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Gather the streets that may be cycled by their level of traffic stress.

    Returns
    -------
    GeoDataFrame
        `level` (1 to 4, those that occur; of a street with one level along it and another against it the higher, of one
        that is one-way for bicycles its own) and lines in the streets' CRS.
    """
    ridden = np.isin(np.stack(streets.uses("bike")[:2]), (Access.ENDS, Access.YES))  # pushing is walking
    levels = np.where(ridden, np.stack(streets.stress), 0)
    level = np.where(streets.passages, 0, levels.max(axis=0))
    known = [int(each) for each in np.unique(level) if each > 0]
    shapes = streets.edges.geometry.to_numpy()
    lines = [shapely.line_merge(shapely.multilinestrings(shapes[level == each])) for each in known]
    return gpd.GeoDataFrame({"level": known}, geometry=lines, crs=streets.crs)
