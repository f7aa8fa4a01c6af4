"""The sample's streets, water, woods, places and addresses of note as one `.osm.pbf`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from tools.sample import valley
from tools.sample.joined import Joined
from tools.sample.places import PLACES
from tools.sample.plane import Floats, at, to_lonlat

if TYPE_CHECKING:
    import osmium

__all__ = ["write_osm"]

Tags = Mapping[str, str]
DATE = "2026-01-01T00:00:00Z"
Shape = tuple[Floats, Tags]  # positions in metres of the plane (closed: first = last), and tags


def write_osm(path: Path, streets: Joined, places: Sequence[Point]) -> None:
    """Write nodes, ways and one relation, each sorted by id, without editing history.

    ``places`` says where each of PLACES stands, in metres of the plane.
    """
    import osmium

    shapes = [*_scenery(), *_footprints(places)]
    ways = [(part + 1, way.tags) for way, part in streets.ways]
    positions, nodes = [streets.nodes], len(streets.nodes)
    for coords, tags in shapes:
        closed = bool((coords[0] == coords[-1]).all())
        new = coords[:-1] if closed else coords
        refs = np.arange(nodes + 1, nodes + 1 + len(new))
        ways.append((np.append(refs, refs[0]) if closed else refs, tags))
        positions.append(new)
        nodes += len(new)
    points = list(_points(places))
    located = np.vstack([*positions, np.array([[point.x, point.y] for point, _ in points])])
    node_tags: list[Tags] = [{}] * nodes + [tags for _, tags in points]
    writer = osmium.SimpleWriter(osmium.io.File(str(path), "pbf,add_metadata=false"), header=_header())
    try:
        for i, (position, tags) in enumerate(zip(to_lonlat(located).tolist(), node_tags, strict=True)):
            writer.add_node(osmium.osm.mutable.Node(id=i + 1, location=tuple(position), tags=tags))
        for i, (refs, tags) in enumerate(ways):
            writer.add_way(osmium.osm.mutable.Way(id=i + 1, nodes=refs.tolist(), tags=dict(tags)))
        members = [("w", i + 1, way.role) for i, (way, _) in enumerate(streets.ways) if way.role]
        square = {"type": "multipolygon", "highway": "pedestrian", "name": "Place de la Gare"}
        writer.add_relation(osmium.osm.mutable.Relation(id=1, members=members, tags=square))
    finally:
        writer.close()


def _header() -> osmium.io.Header:
    import osmium

    header = osmium.io.Header()
    header.set("generator", "siteplan")
    header.set("osmosis_replication_timestamp", DATE)
    corners = to_lonlat(shapely.get_coordinates(valley.BOX))
    low, high = (osmium.osm.Location(*map(float, corner)) for corner in (corners.min(axis=0), corners.max(axis=0)))
    header.add_box(osmium.osm.Box(low, high))
    return header


def _scenery() -> Iterator[Shape]:
    """Yield what is on the map besides streets: water, railway, woods, parks, built-up land."""
    yield _shape(valley.RIVER, {"waterway": "river", "name": "L'Orvelle"})
    yield _shape(valley.RIVER.buffer(26), {"natural": "water", "water": "river"})
    yield _shape(valley.LAKE, {"natural": "water", "water": "lake", "name": "Lac des Loges"})
    yield _shape(valley.RAILWAY, {"railway": "rail", "usage": "main", "gauge": "1435"})
    for kind, areas in (({"natural": "wood"}, valley.WOODS), ({"leisure": "park"}, valley.PARKS)):
        yield from (_shape(area, {**kind, "name": name}) for name, area in areas.items())
    yield _shape(valley.TOWN, {"landuse": "residential"})
    yield _shape(valley.QUARTERS["industry"], {"landuse": "industrial", "name": "Le Pré-Rond"})
    for village in (*valley.VILLAGES, valley.HAMLET):
        yield _shape(valley.disc(village), {"landuse": "residential"})


def _shape(geometry: BaseGeometry, tags: Tags) -> Shape:
    """Return a line or an area's outline, cut at the edge of the extract."""
    kept = geometry.simplify(2.0).intersection(valley.BOX)
    line = kept.exterior if isinstance(kept, Polygon) else kept
    return np.asarray(np.round(shapely.get_coordinates(line), 1), dtype=np.float64), tags


def _footprints(places: Sequence[Point]) -> Iterator[Shape]:
    for place, point in zip(PLACES, places, strict=True):
        if place.footprint:
            corners = shapely.box(point.x - 11, point.y - 7, point.x + 11, point.y + 7)
            yield _shape(corners, {"building": "yes", "name": place.name, **place.tags})


def _points(places: Sequence[Point]) -> Iterator[tuple[Point, Tags]]:
    """Yield addresses drawn as nodes, then the names on the map."""
    for place, point in zip(PLACES, places, strict=True):
        if not place.footprint:
            yield point, {"name": place.name, **place.tags}
    yield at((0, 0)), {"place": "town", "name": "Saint-Aubry", "population": "39400"}
    for village in valley.VILLAGES:
        yield at(village.place), {"place": "village", "name": village.name, "population": str(village.people)}
    yield at(valley.HAMLET.place), {"place": "hamlet", "name": valley.HAMLET.name}
