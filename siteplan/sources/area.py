"""The territory that a study is about, as place search, a file or four numbers give it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from siteplan.geo import LONLAT, metric_crs
from siteplan.inputs.area import read_area

__all__ = ["MARGIN", "Area", "communes_of", "spread_points"]

MARGIN = 5_000.0  # metres around an area; as far as the fastest of the usual modes gets in the usual limit (15 km/h)


@dataclass(frozen=True)
class Area:
    """A territory.

    Attributes
    ----------
    name
        As its inhabitants write it.
    geometry
        Its outline in degrees (EPSG:4326).
    country
        ISO 3166-1 alpha-2, in capitals; "" where it is not known.
    code
        Its INSEE code, if it is a commune of France; else "".
    population
        The published count of its inhabitants; None where there is none.
    """

    name: str
    geometry: Polygon | MultiPolygon
    country: str = ""
    code: str = ""
    population: int | None = None

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees."""
        west, south, east, north = self.geometry.bounds
        return float(west), float(south), float(east), float(north)

    def around(self, metres: float) -> Polygon | MultiPolygon:
        """Return the area and all within some metres of it, in degrees (EPSG:4326).

        Examples
        --------
        >>> from shapely.geometry import box
        >>> area = Area("a square", box(3.0, 46.0, 3.1, 46.1))
        >>> round(area.around(1000).bounds[0], 3)
        2.987
        """
        outline = gpd.GeoSeries([self.geometry], crs=LONLAT)
        wide = outline.to_crs(metric_crs(outline)).buffer(metres).to_crs(LONLAT)
        around: Polygon | MultiPolygon = shapely.make_valid(wide.iloc[0])
        return around


def spread_points(place: BaseGeometry) -> list[tuple[float, float]]:
    """Return a point in a place and one in each of its quarters, to ask others what it lies in: longitude, latitude.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> spread_points(box(0, 0, 4, 4))
    [(2.0, 2.0), (1.0, 1.0), (3.0, 1.0), (1.0, 3.0), (3.0, 3.0)]
    """
    west, south, east, north = place.bounds
    x, y = (west + east) / 2, (south + north) / 2
    corners = ((west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north))
    parts = [place, *(place.intersection(shapely.box(*each)) for each in corners)]
    points = [part.representative_point() for part in parts if not part.is_empty]
    return [(float(point.x), float(point.y)) for point in points]


def communes_of(area: Area, folder: Path) -> gpd.GeoDataFrame:
    """Return the communes that were fetched into a folder (`area.gpkg`), or the area as the one of its code.

    Returns
    -------
    Index `territory` (text), column `name`, polygons.

    Raises
    ------
    InputError
        The file is none of polygons.
    """
    file = folder / "area.gpkg"
    if file.is_file():
        return read_area(file, layer="communes")
    index = pd.Index([area.code or "1"], name="territory", dtype=object)
    return gpd.GeoDataFrame({"name": [area.name]}, index=index, geometry=[area.geometry], crs=LONLAT)
