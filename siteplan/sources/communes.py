"""The territories to report by: the communes that an area is made of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely

from siteplan.errors import FetchError
from siteplan.geo import LONLAT
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, Used, url

__all__ = ["COMMUNES", "get_communes", "write_communes"]

COMMUNES = "area.gpkg"
LEAST = 0.02  # share of a commune, or of the area, that both must have in common: outlines of two publishers differ
STAMP = "2000-01-01T00:00:00.000Z"  # GeoPackage wants a time of change; a real one would differ each time


def get_communes(area: Area, source: Source, downloads: Downloads, folder: Path) -> Got:
    """Write the communes of France that an area is made of as `area.gpkg`.

    All communes of the departments are asked for; those are kept of which, or of the area, a fiftieth is in common.

    Parameters
    ----------
    area, source, downloads
        Where, from whom, and the cache.
    folder
        Where the file is written.

    Raises
    ------
    FetchError
        The area is in no department, or what comes is not what it was.
    """
    used: list[Used] = []
    rows: dict[str, dict[str, Any]] = {}
    for department in dict.fromkeys(_departments(area, source, downloads)):
        asked = url(source, "communes", code=department)
        for entry in _answer(source, downloads, asked):
            outline = shapely.make_valid(shapely.from_geojson(json.dumps(entry["contour"])))
            common = outline.intersection(area.geometry).area
            if common > LEAST * min(outline.area, area.geometry.area):
                people = entry.get("population")
                rows[str(entry["code"])] = {"name": entry["nom"], "population": people, "geometry": outline}
        used.append(downloads.used(source, asked))
    if not rows:
        raise FetchError(f"{source.name}: no commune of France is in {area.name}; give polygons by hand")
    codes = sorted(rows)
    table = gpd.GeoDataFrame({"code": codes}, geometry=[rows[code]["geometry"] for code in codes], crs=LONLAT)
    for column in ("name", "population"):
        table[column] = [rows[code][column] for code in codes]
    write_communes(table, folder / COMMUNES)
    return Got(inputs={"communes": COMMUNES}, used=used)


def write_communes(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write territories as a GeoPackage of one layer, the same bytes each time."""
    path.unlink(missing_ok=True)
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": STAMP})
    try:
        pyogrio.write_dataframe(
            table, path, layer="communes", driver="GPKG", geometry_type="MultiPolygon", promote_to_multi=True
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _departments(area: Area, source: Source, downloads: Downloads) -> Iterator[str]:
    """Tell the departments of an area: of its code, else of points in it and along its outline."""
    if area.code:
        yield area.code[: 3 if area.code.startswith("97") else 2]
        return
    outline = shapely.get_parts(area.geometry.boundary)
    along = [line.interpolate(share, normalized=True) for line in outline[:2] for share in (0, 0.25, 0.5, 0.75)]
    for place in (area.geometry.representative_point(), *along):
        asked = url(source, "commune", lat=f"{place.y:.5f}", lon=f"{place.x:.5f}")
        for entry in _answer(source, downloads, asked):
            yield str(entry["codeDepartement"])


def _answer(source: Source, downloads: Downloads, asked: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(downloads.read(source, asked))
    except ValueError:
        found = None
    keys = {"contour", "nom", "code"} if "contour" in asked else {"codeDepartement"}
    if not isinstance(found, list) or not all(isinstance(entry, dict) and keys <= set(entry) for entry in found):
        raise FetchError(f"{source.name}: gave communes otherwise than it did; give polygons by hand (area.communes)")
    return found
