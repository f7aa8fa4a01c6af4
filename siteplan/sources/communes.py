"""The territories to report by: the communes that an area is made of."""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import shapely

from siteplan.errors import FetchError
from siteplan.geo import LONLAT
from siteplan.sources.answers import as_expected, read_records
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.extracts import cut_extracts, extracts_of
from siteplan.sources.source import Got, Source, Used, best_sources, url

__all__ = ["COMMUNES", "get_communes", "write_communes"]

COMMUNES = "area.gpkg"
LEAST = 0.02  # share of a commune, or of the area, that both must have in common: outlines of two publishers differ
LAU, BORDERS = "lau", "osm-borders"  # as entries write their format; any other is France's register
LEVELS = ("8", "7", "9", "10")  # of borders, as most countries write communes, the usual first
NEEDED = ("contour", "nom", "code")  # of a commune in France's register
COVERED = 0.9  # of an area, by the borders of one level
STAMP = "2000-01-01T00:00:00.000Z"  # GeoPackage wants a time of change; a real one would differ each time


def get_communes(area: Area, source: Source, downloads: Downloads, folder: Path) -> Got:
    """Write the communes that an area is made of, whole, as `area.gpkg`: code, name, population where it is known.

    Those are kept of which, or of the area, a fiftieth is in common.

    Parameters
    ----------
    area, source, downloads
        Where, from whom, and the cache.
    folder
        Where the file is written.

    Raises
    ------
    FetchError
        The source has no commune there, or what comes is not what it was.
    """
    read = {LAU: _of_europe, BORDERS: _of_borders}.get(source.format, _of_france)
    table, used = read(area, source, downloads)
    outlines = shapely.make_valid(table.geometry.to_numpy())
    common = shapely.area(shapely.intersection(outlines, area.geometry))
    ours = table[common > LEAST * np.minimum(shapely.area(outlines), area.geometry.area)]
    if ours.empty:
        raise FetchError(f"{source.name}: no commune is in {area.name}; give polygons by hand")
    ours = ours.sort_values("code", ignore_index=True)
    left = area.geometry.difference(ours.union_all()).area / area.geometry.area
    notes = [f"{source.name}: {left:.0%} of {area.name} lie in no commune"] if left > LEAST else []
    write_communes(ours, folder / COMMUNES)
    return Got(inputs={"communes": COMMUNES}, used=used, notes=notes)


def _of_france(area: Area, source: Source, downloads: Downloads) -> tuple[gpd.GeoDataFrame, list[Used]]:
    """Read the communes of the departments of France that an area lies in: of what is left over, one asks in which."""
    used, rows, seen = [], dict[str, dict[str, Any]](), set[str]()
    left, outlines = [area.geometry], list[Any]()
    while left:
        piece = left.pop()
        department = area.code[: 3 if area.code.startswith("97") else 2]
        if not department or seen:
            at = piece.representative_point()
            asked = url(source, "commune", lat=f"{at.y:.5f}", lon=f"{at.x:.5f}")
            here = read_records(source, downloads, asked, ("codeDepartement",))
            department = next((str(entry["codeDepartement"]) for entry in here), "")
        if not department or department in seen:  # the sea, or another country
            continue
        seen.add(department)
        asked = url(source, "communes", code=department)
        rows |= {str(entry["code"]): entry for entry in read_records(source, downloads, asked, NEEDED)}
        used.append(downloads.used(source, asked))
        with as_expected(source, asked):
            outlines = [shapely.from_geojson(json.dumps(entry["contour"])) for entry in rows.values()]
            rest = area.geometry.difference(shapely.union_all(shapely.make_valid(np.array(outlines, dtype=object))))
        left = [part for part in shapely.get_parts(rest) if part.area > LEAST * area.geometry.area]
    columns = {
        "code": list(rows),
        "name": [entry["nom"] for entry in rows.values()],
        "population": [entry.get("population") for entry in rows.values()],
    }
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=LONLAT), used


def _of_europe(area: Area, source: Source, downloads: Downloads) -> tuple[gpd.GeoDataFrame, list[Used]]:
    """Read the local administrative units of Eurostat that meet an area."""
    link = url(source, "file")
    path = downloads.get(source, link)
    try:
        found = pyogrio.read_dataframe(path, bbox=area.bounds)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise FetchError(f"{source.name}: {link} cannot be read ({error}); try --update") from error
    names = {str(column).lower(): column for column in found.columns}
    code = names.get("lau_id", names.get("gisco_id"))
    if code is None or "lau_name" not in names or found.crs is None or found.crs.to_epsg() != 4326:
        raise FetchError(f"{source.name}: {link} has no columns lau_id and lau_name in degrees; it was changed")
    people = next((column for lower, column in sorted(names.items()) if lower.startswith("pop_2")), None)
    table = gpd.GeoDataFrame(
        {
            "code": found[code].astype(str),
            "name": found[names["lau_name"]].astype(str),
            "population": 0 if people is None else pd.to_numeric(found[people]).fillna(0).clip(lower=0).astype(int),
        },
        geometry=shapely.make_valid(found.geometry.to_numpy()),
        crs=LONLAT,
    )
    return table, [downloads.used(source, link)]


def _of_borders(area: Area, source: Source, downloads: Downloads) -> tuple[gpd.GeoDataFrame, list[Used]]:
    """Put together the borders of communes in OpenStreetMap: those of the level that covers the area."""
    where = next(iter(best_sources("extract", area.country)), None)
    if where is None:
        raise FetchError(f"{source.name}: no source of extracts covers {area.name}")
    files, used, _ = extracts_of(area, area.geometry, where, downloads)
    rows = []
    with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
        cut = Path(folder) / "area.osm.pbf"
        cut_extracts(files, cut, area.bounds)
        borders = osmium.filter.TagFilter(("boundary", "administrative"))
        shapes = osmium.geom.WKBFactory()
        for thing in osmium.FileProcessor(str(cut)).with_areas(borders).with_filter(borders):
            tags = dict(thing.tags)
            if isinstance(thing, osmium.osm.Area) and tags.get("admin_level") in LEVELS:
                code = tags.get("ref:INSEE") or tags.get("ref") or f"r{thing.orig_id()}"
                outline = shapely.from_wkb(shapes.create_multipolygon(thing))
                people = tags.get("population", "")
                rows.append(
                    (tags["admin_level"], code, tags.get("name", code), int(people) if people.isdigit() else 0, outline)
                )
    for level in LEVELS:
        ours = [row[1:] for row in rows if row[0] == level]
        codes = Counter(row[0] for row in ours)
        table = gpd.GeoDataFrame(
            {
                "code": [code if codes[code] == 1 else f"{code} {name}" for code, name, _, _ in ours],
                "name": [row[1] for row in ours],
                "population": [row[2] for row in ours],
            },
            geometry=shapely.make_valid(np.array([row[3] for row in ours], dtype=object)),
            crs=LONLAT,
        )
        if len(table) and area.geometry.intersection(table.union_all()).area >= COVERED * area.geometry.area:
            return table, used
    raise FetchError(f"{source.name}: no level of borders ({', '.join(LEVELS)}) covers {area.name}")


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
