"""Lakes and rivers as OpenStreetMap outlines them: where no site can stand, and a background for the eye."""

from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import shapely

from siteplan.geo import LONLAT
from siteplan.inputs.osm import open_osm, unreadable

__all__ = ["read_water"]

WATER = (("natural", "water"), ("waterway", "riverbank"))


def read_water(path: str | PathLike[str]) -> gpd.GeoDataFrame:
    """Read the outlines of water from an OpenStreetMap extract.

    Parameters
    ----------
    path
        `.osm.pbf` or `.osm`; may be clipped or hold highways only.

    Returns
    -------
    GeoDataFrame
        Column `name` ("" where water has none), valid polygons in EPSG:4326; no rows where the extract outlines none.

    Raises
    ------
    InputError
        For a file that is missing, cut short or not OpenStreetMap.
    """
    file = open_osm(Path(path))
    wet = osmium.filter.TagFilter(*WATER)
    outlines = osmium.FileProcessor(file).with_areas(wet)
    outlines = outlines.with_filter(osmium.filter.EntityFilter(osmium.osm.AREA)).with_filter(wet)
    shaped = osmium.geom.WKBFactory()
    found: list[tuple[str, str]] = []
    area: Any  # the filter lets nothing else through
    try:
        for area in outlines:
            found.append((area.tags.get("name", ""), shaped.create_multipolygon(area)))
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise unreadable(file, error) from error
    shapes = shapely.make_valid(shapely.from_wkb(np.array([wkb for _, wkb in found], dtype=object)))
    return gpd.GeoDataFrame({"name": [name for name, _ in found]}, geometry=shapes, crs=LONLAT)
