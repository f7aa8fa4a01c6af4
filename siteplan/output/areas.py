"""The area within reach of any of several sites, united once for whatever shows it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

__all__ = ["EYE_M", "areas_of", "simplified", "united"]

EYE_M = 5.0  # nobody sees five metres on a town's map
HOLE_M2 = 10_000.0


def areas_of(rings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Dissolve isochrones into one area for each mode and limit, as `united` does.

    Parameters
    ----------
    rings
        As `isochrones` gives them, in a metric CRS.

    Returns
    -------
    GeoDataFrame
        `mode`, `minutes`, `speed_kmh` and `sites`, how many an area is of; MultiPolygon, empty where nothing is in
        reach. Modes and limits as they first occur.
    """
    told = ["mode", "minutes", "speed_kmh"]
    kinds = rings.groupby(told[:2], sort=False, observed=True)
    rows: Sequence[NDArray[np.int64]] = [kinds.indices[key] for key in kinds.groups]
    shapes = rings.geometry
    with ThreadPoolExecutor() as threads:  # GEOS works outside Python's lock
        areas = list(threads.map(lambda at: united(simplified(shapes.iloc[at], EYE_M).to_numpy()), rows))
    about = pd.DataFrame(rings[told].iloc[[at[0] for at in rows]]).reset_index(drop=True)
    sites = [rings["site"].iloc[at].nunique() for at in rows]
    return gpd.GeoDataFrame(about.assign(mode=about["mode"].astype(str), sites=sites), geometry=areas, crs=rings.crs)


def simplified(shapes: gpd.GeoSeries, tolerance_m: float) -> gpd.GeoSeries:
    """Simplify shapes of a metric CRS by at most `tolerance_m` metres; what is narrower may vanish.

    Method: Douglas and Peucker (1973). GEOS' slower topology-preserving kind takes ten times as long on isochrones;
    this kind, too, gives valid polygons.
    """
    return shapes.simplify(tolerance_m, preserve_topology=False)


def united(areas: NDArray[np.object_]) -> shapely.MultiPolygon:
    """Unite areas that are simplified already, without their holes below a hectare."""
    parts = shapely.get_parts(shapely.union_all(_filled(areas, HOLE_M2)))
    return shapely.MultiPolygon(list(parts[shapely.get_dimensions(parts) == 2]))


def _filled(areas: NDArray[np.object_], hole_m2: float) -> NDArray[np.object_]:
    """Give the parts of polygons without their holes smaller than `hole_m2`."""
    parts = shapely.get_parts(areas)
    rings, of = shapely.get_rings(parts, return_index=True)
    outer = np.diff(of, prepend=-1) > 0  # a polygon's first ring is its outer one
    keep = outer | (shapely.area(shapely.polygons(rings)) >= hole_m2)
    starts = np.flatnonzero(outer[keep])
    rings = rings[keep]
    ends = np.append(starts[1:], len(rings))[: len(starts)]  # none where nothing is within reach
    return np.array(
        [shapely.Polygon(rings[a], list(rings[a + 1 : b])) for a, b in zip(starts, ends, strict=True)], dtype=object
    )
