"""OpenStreetMap files -> ways as flat arrays, nothing interpreted yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium

from siteplan.errors import InputError
from siteplan.inputs.opl import LocatedWays, Tags, read_ways, tag_reader

__all__ = ["KEYS", "RawWays", "Tags", "open_osm", "read_osm", "unreadable"]

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
        places = {} if file.name.endswith(".pbf") else _places(file)
        squares = list(_square_members(file))
        reader = _Collector(places)
        reader.add(read_ways(file, osmium.filter.KeyFilter("highway")))
        _add_squares(file, squares, reader)
        data_date = _data_date(file)
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise unreadable(file, error) from error
    if not reader.parts:
        raise InputError(f"{file}: holds no way with a highway tag; siteplan needs the streets of the place")
    return reader.result(str(file), data_date)


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
    rims = read_ways(file, osmium.filter.IdFilter(sorted(wanted)))
    reader.add(rims, tags_of)
    nodes = {
        way: rims.refs[first:stop].tolist()
        for way, first, stop in zip(rims.way_id.tolist(), rims.start[:-1], rims.start[1:], strict=True)
    }
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
    """Gathers ways, cut where nodes are missing, and squares."""

    def __init__(self, places: dict[int, tuple[float, float]]) -> None:
        self.places = places
        self.parts: list[tuple[npt.NDArray[Any], ...]] = []
        self.known: set[int] = set()
        self.kinds: dict[Tags, int] = {}
        self.squares: list[list[list[int]]] = []
        self.square_kind: list[int] = []
        self.counts = {"missing_nodes": 0, "ways_cut": 0}

    def add(self, ways: LocatedWays, tags_of: dict[int, Tags] | None = None) -> None:
        """Take ways in; with the tags of the squares whose rims they are, those that are not in yet."""
        new = np.array([way not in self.known for way in ways.way_id.tolist()], bool) & (np.diff(ways.start) > 1)
        self.known.update(ways.way_id.tolist())
        lon, lat = self._located(ways)
        way = np.repeat(np.arange(len(new)), np.diff(ways.start))
        missing = np.isnan(lon)
        lost = np.bincount(way[missing & new[way]], minlength=len(new))
        self.counts["missing_nodes"] += int(lost.sum())
        self.counts["ways_cut"] += int((lost > 0).sum())
        row, first, stop = _pieces(way, ~missing & new[way])
        if not len(row):
            return
        texts: dict[bytes, Tags] = {}
        read = tag_reader(KEYS)
        kind = np.empty(len(row), np.int64)
        for piece, (r, f, s) in enumerate(zip(row.tolist(), first.tolist(), stop.tolist(), strict=True)):
            if tags_of is None:
                text = ways.tags[r]
                tags = texts[text] if text in texts else texts.setdefault(text, read(text))
            else:
                tags = tags_of[int(ways.way_id[r])]
            kind[piece] = self._kind(tags)
            if tags_of is None and ways.refs[f] == ways.refs[s - 1] and s - f > 3 and not lost[r] and _is_square(tags):
                self.add_square([ways.refs[f:s].tolist()], tags)
        inside = np.repeat(first - np.concatenate([[0], np.cumsum(stop - first)[:-1]]), stop - first)
        node = inside + np.arange(len(inside))
        self.parts.append((ways.refs[node], lon[node], lat[node], stop - first, ways.way_id[row], kind))

    def _located(self, ways: LocatedWays) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return where the nodes are, as the file says elsewhere where osmium did not know."""
        lon, lat = ways.lon.copy(), ways.lat.copy()
        for k in np.flatnonzero(np.isnan(lon)) if self.places else ():
            lon[k], lat[k] = self.places.get(int(ways.refs[k]), (np.nan, np.nan))
        return lon, lat

    def add_square(self, rings: list[list[int]], tags: Tags) -> None:
        """Take a square in: its outer ring, then its holes."""
        self.squares.append(rings)
        self.square_kind.append(self._kind(tags))

    def _kind(self, tags: Tags) -> int:
        return self.kinds.setdefault(tags, len(self.kinds))

    def result(self, source: str, data_date: str | None) -> RawWays:
        refs, lon, lat, lengths, way_id, kind = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return RawWays(
            source=source,
            refs=refs,
            lon=lon,
            lat=lat,
            start=np.concatenate([[0], np.cumsum(lengths)]),
            way_id=way_id,
            kind=kind,
            kinds=list(self.kinds),
            squares=self.squares,
            square_kind=self.square_kind,
            data_date=data_date,
            counts=self.counts,
        )


def _pieces(
    way: npt.NDArray[np.int64], there: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the way, the first node and the end of every run of two or more nodes that are there."""
    breaks = np.ones(len(way) + 1, bool)
    breaks[1:-1] = (way[1:] != way[:-1]) | (there[1:] != there[:-1])
    bounds = np.flatnonzero(breaks)
    first, stop = bounds[:-1], bounds[1:]
    kept = there[first] & (stop - first > 1) if len(way) else np.zeros(0, bool)
    return way[first[kept]], first[kept], stop[kept]


def _is_square(tags: Tags) -> bool:
    found = dict(tags)
    return found.get("area") == "yes" and found.get("highway") in ("pedestrian", "footway")
