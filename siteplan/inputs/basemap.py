"""What a map shows beneath its subject: parks and woods, railways, and the names of places."""

from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import osmium
import pandas as pd
import shapely

from siteplan.geo import LONLAT
from siteplan.inputs.opl import LocatedWays, read_ways, tag_reader
from siteplan.inputs.osm import open_osm, unreadable

__all__ = ["PLACE_RANKS", "read_basemap"]

GREEN = {
    "park": (
        ("leisure", "park"),
        ("leisure", "garden"),
        ("landuse", "village_green"),
        ("landuse", "recreation_ground"),
    ),
    "cemetery": (("landuse", "cemetery"),),
    "wood": (("natural", "wood"), ("landuse", "forest"), ("natural", "scrub"), ("natural", "heath")),
}
RAILS = ("rail", "light_rail", "subway", "tram", "narrow_gauge")
SERVICE = ("service", "tunnel")  # sidings, yards and what runs below the ground tell a reader nothing
PLACE_RANKS = ("city", "town", "village", "suburb", "hamlet")  # from the name to keep to the name to drop


def read_basemap(path: str | PathLike[str]) -> dict[str, gpd.GeoDataFrame]:
    """Read green areas, railways and names of places from an OpenStreetMap extract.

    Parameters
    ----------
    path
        `.osm.pbf` or `.osm`; may be clipped or hold highways only.

    Returns
    -------
    dict
        Tables in EPSG:4326, without rows where the extract holds none:

        - `green`: `name` ("" = none), `kind` (park, cemetery or wood), valid polygons;
        - `railways`: `kind` (rail, tram, ...), lines, cut where nodes are missing; no sidings and no tunnels;
        - `places`: `name`, `place` (city, town, village, suburb or hamlet), `population` (NaN = not said), points,
          the greatest first.

    Raises
    ------
    InputError
        For a file that is missing, cut short or not OpenStreetMap.
    """
    file = open_osm(Path(path))
    try:
        return {"green": _green(file), "railways": _railways(file), "places": _places(file)}
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise unreadable(file, error) from error


def _green(file: Path) -> gpd.GeoDataFrame:
    kinds = {tag: kind for kind, tags in GREEN.items() for tag in tags}
    green = osmium.filter.TagFilter(*kinds)
    outlines = osmium.FileProcessor(file).with_areas(green)
    outlines = outlines.with_filter(osmium.filter.EntityFilter(osmium.osm.AREA)).with_filter(green)
    shaped = osmium.geom.WKBFactory()
    found: list[tuple[str, str, str]] = []
    area: Any  # the filter lets nothing else through
    for area in outlines:
        kind = next(kind for (key, value), kind in kinds.items() if area.tags.get(key) == value)
        found.append((area.tags.get("name", ""), kind, shaped.create_multipolygon(area)))
    shapes = shapely.make_valid(shapely.from_wkb(np.array([wkb for _, _, wkb in found], dtype=object)))
    columns = {"name": [name for name, _, _ in found], "kind": [kind for _, kind, _ in found]}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=LONLAT)


def _railways(file: Path) -> gpd.GeoDataFrame:
    ways = read_ways(file, osmium.filter.TagFilter(*(("railway", kind) for kind in RAILS)))
    tags = [dict(tag_reader(frozenset(("railway", *SERVICE)))(text)) for text in ways.tags]
    shown = np.array([not any(each.get(key, "no") != "no" for key in SERVICE) for each in tags], dtype=bool)
    lines, way = _lines(ways, shown)
    return gpd.GeoDataFrame({"kind": [tags[each]["railway"] for each in way]}, geometry=lines, crs=LONLAT)


def _lines(ways: LocatedWays, shown: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Return every run of two or more nodes that have a place, and the way that each is of."""
    way = np.repeat(np.arange(len(shown)), np.diff(ways.start))
    there = ~np.isnan(ways.lon) & shown[way]
    # A run ends where the way does, and before and after every missing node.
    run = np.cumsum((np.diff(way, prepend=-1) != 0) | ~there)
    kept = there & (np.bincount(run, weights=there, minlength=run.max(initial=0) + 1)[run] > 1)
    if not kept.any():
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    _, first, number = np.unique(run[kept], return_index=True, return_inverse=True)
    lines = shapely.linestrings(np.column_stack([ways.lon[kept], ways.lat[kept]]), indices=number)
    return np.asarray(lines, dtype=object), way[kept][first]


def _places(file: Path) -> gpd.GeoDataFrame:
    named = osmium.FileProcessor(file, osmium.osm.NODE)
    named = named.with_filter(osmium.filter.TagFilter(*(("place", kind) for kind in PLACE_RANKS)))
    found: list[tuple[str, str, float, float, float]] = []
    node: Any  # the reader gives nodes only
    for node in named:
        name = node.tags.get("name", "").strip()
        if name and node.location.valid():
            people = pd.to_numeric(node.tags.get("population", ""), errors="coerce")
            found.append((name, node.tags["place"], float(people), node.lon, node.lat))
    found.sort(key=lambda each: (PLACE_RANKS.index(each[1]), -each[2] if each[2] == each[2] else 0.0, each[0]))
    columns = {
        "name": [each[0] for each in found],
        "place": [each[1] for each in found],
        "population": np.array([each[2] for each in found], dtype=float),
    }
    points = shapely.points(np.array([each[3:] for each in found], dtype=float).reshape(-1, 2))
    return gpd.GeoDataFrame(columns, geometry=points, crs=LONLAT)
