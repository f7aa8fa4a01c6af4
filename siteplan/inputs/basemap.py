"""What lies around streets: water, parks and woods, railways, and the names of places."""

from os import PathLike
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.geo import LONLAT
from siteplan.inputs.extract import Layer, Scan, read_layers
from siteplan.inputs.opl import LocatedWays, Text, read_nodes, read_ways, tag_reader

__all__ = ["BACKGROUND", "WATERS", "Background", "place_ranks", "read_basemap"]

WATER = (("natural", "water"), ("waterway", "riverbank"))
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


Background: TypeAlias = dict[str, gpd.GeoDataFrame]  # by name: water, green, railways, places


def read_basemap(path: str | PathLike[str]) -> Background:
    """Read water, green areas, railways and names of places from an OpenStreetMap extract.

    Parameters
    ----------
    path
        `.osm.pbf` or `.osm`; may be clipped or hold highways only.

    Returns
    -------
    dict
        Tables in EPSG:4326, without rows where the extract holds none:

        - `water`: `name` ("" = none), valid polygons;
        - `green`: `name` ("" = none), `kind` (park, cemetery or wood), valid polygons;
        - `railways`: `kind` (rail, tram, ...), lines, cut where nodes are missing; no sidings and no tunnels;
        - `places`: `name`, `place` (city, town, village, suburb or hamlet), `population` (NaN = not said), points,
          the greatest first.

    Raises
    ------
    InputError
        For a file that is missing, cut short or not OpenStreetMap.
    """
    (found,) = read_layers(Path(path), BACKGROUND)
    return found  # type: ignore[no-any-return]


def _background(found: Scan) -> Background:
    return {
        "water": _water(found),
        "green": _green(found),
        "railways": _railways(found.text),
        "places": _places(found.text),
    }


def _water(found: Scan) -> gpd.GeoDataFrame:
    tags, shapes = found.outlines(WATER)
    return gpd.GeoDataFrame({"name": [each.get("name", "") for each in tags]}, geometry=shapes)


def _green(found: Scan) -> gpd.GeoDataFrame:
    kinds = {tag: kind for kind, tags in GREEN.items() for tag in tags}
    tags, shapes = found.outlines(kinds)
    kind = [next(kinds[tag] for tag in kinds if each.get(tag[0]) == tag[1]) for each in tags]
    return gpd.GeoDataFrame({"name": [each.get("name", "") for each in tags], "kind": kind}, geometry=shapes)


def _railways(text: Text) -> gpd.GeoDataFrame:
    ways = read_ways(text, "railway=")
    tags = [dict(tag_reader(frozenset(("railway", *SERVICE)))(each)) for each in ways.tags]
    shown = [each["railway"] in RAILS and not any(each.get(key, "no") != "no" for key in SERVICE) for each in tags]
    lines, way = _lines(ways, np.array(shown, dtype=bool))
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


def place_ranks(kinds: pd.Series) -> pd.Series:
    """Return the rank of places by their kind: 0 for a city, the highest for a kind of no rank."""
    return kinds.map({kind: rank for rank, kind in enumerate(PLACE_RANKS)}).fillna(len(PLACE_RANKS)).astype(int)


def _places(text: Text) -> gpd.GeoDataFrame:
    nodes = read_nodes(text, "place=")
    read = tag_reader(frozenset(("name", "place", "population")))
    tags = pd.DataFrame([dict(read(each)) for each in nodes.tags], columns=["name", "place", "population"])
    tags["name"] = tags["name"].fillna("").str.strip()
    tags["population"] = pd.to_numeric(tags["population"], errors="coerce").astype(float)
    points = gpd.GeoDataFrame(tags, geometry=gpd.points_from_xy(nodes.lon, nodes.lat), crs=LONLAT)
    points = points[points["place"].isin(PLACE_RANKS) & (points["name"] != "")]
    points = points.assign(rank=place_ranks(points["place"]), less=-points["population"].fillna(0.0))
    return points.sort_values(["rank", "less", "name"], ignore_index=True).drop(columns=["rank", "less"])


BACKGROUND: Layer[Background] = Layer(
    _background,
    nodes=frozenset(("place",)),
    others=frozenset(("railway",)),
    areas=(*WATER, *(tag for tags in GREEN.values() for tag in tags)),
)
WATERS: Layer[Background] = Layer(
    lambda found: {"water": _water(found)}, areas=WATER
)  # where nobody can live, without what else is drawn
