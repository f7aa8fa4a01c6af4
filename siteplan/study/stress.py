"""The streets by traffic stress, as a layer of the map, where a study asks who rides where it is calm."""

import geopandas as gpd
import numpy as np
import shapely

from siteplan.config import Study
from siteplan.network.streets import StreetNetwork
from siteplan.network.tags import Access

__all__ = ["asks_for_calm", "stress_lines"]


def asks_for_calm(study: Study) -> bool:
    """Tell whether a mode, or the way to its stops, keeps to streets of little traffic stress."""
    return any(profile.at_home.stress is not None for profile in study.profiles())


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
