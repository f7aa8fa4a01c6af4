"""OpenStreetMap files -> ways as flat arrays, nothing interpreted yet."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium
import shapely

from siteplan.errors import InputError

__all__ = ["KEYS", "RawWays", "Tags", "open_osm", "read_osm", "unreadable"]

Tags = tuple[tuple[str, str], ...]

# The keys that say who may use a way, and how: all others are left in the file.
KEYS = frozenset(
    "highway area access foot bicycle vehicle oneway oneway:foot oneway:bicycle foot:backward foot:forward junction"
    " motorroad cycleway cycleway:left cycleway:right cycleway:both cycleway:left:oneway cycleway:right:oneway"
    " sidewalk sidewalk:both sidewalk:left sidewalk:right bridge tunnel service".split()
)


@dataclass(frozen=True)
class RawWays:
    """Ways of one source as flat arrays.

    `refs`, `lon`, `lat` (degrees, WGS84) hold the nodes of all ways one after the other; way `w` is the slice
    `start[w]:start[w + 1]`. `kind[w]` is the row of `kinds` with its tags. `squares` are rings (node ids) of pedestrian
    areas: an outer ring first, then its holes.
    """

    source: str
    refs: npt.NDArray[np.int64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]
    way_id: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    kinds: list[Tags]
    squares: list[list[list[int]]] = field(default_factory=list)
    square_kind: list[int] = field(default_factory=list)
    data_date: str | None = None
    counts: dict[str, int] = field(default_factory=dict)


def open_osm(path: str | Path) -> Path:
    """Check that an OSM file is there and is not something else; return its path.

    Raises
    ------
    InputError
        No such file, a folder, an empty file, or an ending osmium does not read.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file; give an OpenStreetMap extract (.osm.pbf or .osm)")
    if not file.name.endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2", ".xml")):
        raise InputError(
            f"{file}: not an OpenStreetMap extract by its name; expected .osm.pbf, .osm, .osm.gz or .osm.bz2"
        )
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty; download or export the extract again")
    return file


def unreadable(file: Path, error: Exception) -> InputError:
    """Return the error for a file that osmium gave up on."""
    return InputError(
        f"{file}: cannot be read as OpenStreetMap data ({error}); it may be cut short or of another format: "
        "download or export it again"
    )


def read_osm(path: str | Path) -> RawWays:
    """Read the ways with a highway tag, and walkable squares, from `.osm.pbf` or `.osm`.

    Extracts clipped with missing nodes are accepted: a way is cut where its nodes are missing, and counted in
    `counts` (`missing_nodes`, `ways_cut`).

    Raises
    ------
    InputError
        The file is missing, unreadable or truncated, or holds no streets.
    """
    file = open_osm(path)
    try:
        reader = _Collector({} if file.name.endswith(".pbf") else _places(file))
        squares = list(_square_members(file))
        for way in _ways(file):
            reader.add(way)
        _add_squares(file, squares, reader)
        data_date = _data_date(file)
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise unreadable(file, error) from error
    if not reader.way_id:
        raise InputError(f"{file}: holds no way with a highway tag; siteplan needs the streets of the place")
    return reader.result(str(file), data_date)


def _ways(file: Path) -> Iterator[Any]:
    """Yield the street ways with locations on their nodes."""
    return iter(
        osmium.FileProcessor(file, osmium.osm.NODE | osmium.osm.WAY)
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.KeyFilter("highway"))
    )


def _places(file: Path) -> dict[int, tuple[float, float]]:
    """Read where the nodes of an XML file are: editors write new nodes with negative ids, and ways before nodes."""
    nodes: Any = osmium.FileProcessor(file, osmium.osm.NODE)
    return {node.id: (node.lon, node.lat) for node in nodes if node.location.valid()}


def _data_date(file: Path) -> str | None:
    with osmium.io.Reader(str(file)) as reader:
        header = reader.header()
    return header.get("osmosis_replication_timestamp") or header.get("timestamp") or None


def _square_members(file: Path) -> Iterator[tuple[int, list[tuple[int, str]], Tags]]:
    """Yield the multipolygon relations that are pedestrian squares: id, member ways with roles, tags."""
    relations: Any = osmium.FileProcessor(file, osmium.osm.RELATION).with_filter(
        osmium.filter.TagFilter(("highway", "pedestrian"), ("highway", "footway"))
    )
    for relation in relations:
        if relation.tags.get("type") == "multipolygon":
            members = [(m.ref, m.role) for m in relation.members if m.type == "w"]
            yield relation.id, members, (*(tag for tag in _tags(relation) if tag[0] != "area"), ("area", "yes"))


def _add_squares(file: Path, squares: list[tuple[int, list[tuple[int, str]], Tags]], reader: "_Collector") -> None:
    """Join the member ways of multipolygon squares into rings, and add the untagged rims as ways."""
    if not squares:
        return
    wanted = {ref for _, members, _ in squares for ref, _ in members}
    tags_of = {ref: tags for _, members, tags in squares for ref, _ in members}
    known = set(reader.way_id)
    nodes: dict[int, list[int]] = {}
    ways: Any = (
        osmium.FileProcessor(file, osmium.osm.NODE | osmium.osm.WAY)
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.IdFilter(sorted(wanted)))
    )
    for way in ways:
        nodes[way.id] = [n.ref for n in way.nodes]
        if way.id not in known:
            reader.add(way, tags_of[way.id])
    for _, members, tags in squares:
        outer = _join([nodes[ref] for ref, role in members if role != "inner" and ref in nodes])
        inner = _join([nodes[ref] for ref, role in members if role == "inner" and ref in nodes])
        # A square with several outer rings is as many squares; which hole lies in which is seen on the ground.
        for ring in outer:
            reader.add_square([ring, *inner], tags)


def _join(pieces: list[list[int]]) -> list[list[int]]:
    """Join ways end to end into closed rings; what does not close is left out."""
    rings, rest = [], [list(piece) for piece in pieces if len(piece) > 1]
    while rest:
        ring = rest.pop(0)
        while ring[0] != ring[-1]:
            match = next((p for p in rest if ring[-1] in (p[0], p[-1])), None)
            if match is None:
                break
            rest.remove(match)
            ring += match[1:] if match[0] == ring[-1] else match[-2::-1]
        if ring[0] == ring[-1] and len(ring) > 3:
            rings.append(ring)
    return rings


def _tags(thing: Any) -> Tags:
    return tuple((tag.k, tag.v) for tag in thing.tags if tag.k in KEYS)


class _Collector:
    """Gathers ways in lists while the file streams by; the one place where Python loops over ways."""

    def __init__(self, places: dict[int, tuple[float, float]]) -> None:
        self.places = places
        self.refs: list[list[int]] = []
        self.wkb: list[str | bytes] = []
        self.way_id: list[int] = []
        self.kind: list[int] = []
        self.kinds: dict[Tags, int] = {}
        self.squares: list[list[list[int]]] = []
        self.square_kind: list[int] = []
        self.counts = {"missing_nodes": 0, "ways_cut": 0}
        self._make = osmium.geom.WKBFactory().create_linestring
        self._all = osmium.geom.use_nodes.ALL

    def add(self, way: Any, tags: Tags | None = None) -> None:
        """Take one way in (with the tags of a square whose rim it is); where nodes are missing, what is there."""
        rim, tags = tags is not None, _tags(way) if tags is None else tags
        refs = [node.ref for node in way.nodes]
        if len(refs) < 2:
            return
        try:
            self._keep(way.id, tags, refs, self._make(way, self._all))
        except (RuntimeError, osmium.InvalidLocationError):
            self._keep_pieces(way, tags)
            return
        if refs[0] == refs[-1] and len(refs) > 3 and _is_square(tags) and not rim:
            self.add_square([refs], tags)

    def add_square(self, rings: list[list[int]], tags: Tags) -> None:
        """Take a square in: its outer ring, then its holes."""
        self.squares.append(rings)
        self.square_kind.append(self._kind(tags))

    def _kind(self, tags: Tags) -> int:
        return self.kinds.setdefault(tags, len(self.kinds))

    def _keep(self, way_id: int, tags: Tags, refs: list[int], wkb: str | bytes) -> None:
        self.way_id.append(way_id)
        self.kind.append(self._kind(tags))
        self.refs.append(refs)
        self.wkb.append(wkb)

    def _keep_pieces(self, way: Any, tags: Tags) -> None:
        places = [self._place(node) for node in way.nodes]
        missing = sum(place is None for place in places)
        self.counts["missing_nodes"] += missing
        self.counts["ways_cut"] += missing > 0
        refs = [node.ref for node in way.nodes]
        for known, group in itertools.groupby(range(len(refs)), key=lambda k: places[k] is not None):
            piece = list(group)
            if known and len(piece) > 1:
                line = shapely.LineString([place for k in piece if (place := places[k]) is not None])
                self._keep(way.id, tags, [refs[k] for k in piece], shapely.to_wkb(line))

    def _place(self, node: Any) -> tuple[float, float] | None:
        return (node.lon, node.lat) if node.location.valid() else self.places.get(node.ref)

    def result(self, source: str, data_date: str | None) -> RawWays:
        lengths = np.fromiter(map(len, self.refs), np.int64, len(self.refs))
        coords = shapely.get_coordinates(shapely.from_wkb(self.wkb))
        return RawWays(
            source=source,
            refs=np.fromiter((ref for refs in self.refs for ref in refs), np.int64, lengths.sum()),
            lon=np.ascontiguousarray(coords[:, 0]),
            lat=np.ascontiguousarray(coords[:, 1]),
            start=np.concatenate([[0], np.cumsum(lengths)]),
            way_id=np.array(self.way_id, np.int64),
            kind=np.array(self.kind, np.int64),
            kinds=list(self.kinds),
            squares=self.squares,
            square_kind=self.square_kind,
            data_date=data_date,
            counts=self.counts,
        )


def _is_square(tags: Tags) -> bool:
    found = dict(tags)
    return found.get("area") == "yes" and found.get("highway") in ("pedestrian", "footway")
