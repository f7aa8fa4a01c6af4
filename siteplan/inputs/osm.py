"""OpenStreetMap files -> ways as flat arrays, nothing interpreted yet."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.errors import InputError
from siteplan.geo import ground_lengths
from siteplan.inputs.conditions import MORNING, SUFFIX, judged
from siteplan.inputs.extract import NODES_TOO, Layer, Scan, read_layers
from siteplan.inputs.opl import LocatedWays, PlacedNodes, Tags, Text, read_nodes, read_relations, read_ways, tag_reader
from siteplan.inputs.turns import TURN_KEYS, Turn, read_turns

__all__ = ["KEYS", "LIMITS", "RawWays", "Tags", "read_osm", "speed_limit", "streets_layer"]

# The keys that say who may use a way, and how: all others are left in the file.
KEYS = frozenset(
    "highway area access foot bicycle vehicle oneway oneway:foot oneway:bicycle junction motorroad cycleway"
    " cycleway:left cycleway:right cycleway:both cycleway:oneway cycleway:left:oneway cycleway:right:oneway"
    " cycleway:both:oneway sidewalk sidewalk:both sidewalk:left sidewalk:right bridge tunnel service conveying"
    " maxspeed lanes level layer".split()
) | {
    f"{key}:{more}"
    for key in ("access", "foot", "bicycle", "vehicle")
    for more in ("forward", "backward", "conditional")
}
# And those that say it of what stands at a node.
POST_KEYS = frozenset(
    "highway barrier locked access foot bicycle vehicle"
    " access:conditional foot:conditional bicycle:conditional vehicle:conditional".split()
)
# And those that say what a way is that stands for a street, and how fast a ferry is.
WAY_KEYS = KEYS | {"route", "railway", "public_transport", "duration"}
BY_HOUR = SUFFIX.encode()
HOURLY = re.compile(rb"(?:^|,)(?:access|foot|bicycle|vehicle)" + BY_HOUR + b"=")
POSTS = ("barrier=", "highway=elevator")
# What people move along: streets, and ways of other kinds that stand for one.
STREETS = ("highway=", "route=ferry", "railway=platform", "public_transport=platform")
SPEED = re.compile(r"(\d+(?:\.\d+)?)((?: ?(?:km/h|mph|knots))?)")
UNITS = {"": 1.0, "km/h": 1.0, "mph": 1.609344, "knots": 1.852}
ZONE = re.compile(r"[A-Z]{2}:(?:(urban|rural|living_street|bicycle_road)|zone:?(\d{2}))")
ZONES = {"urban": 50.0, "rural": 90.0, "living_street": 20.0, "bicycle_road": 30.0}
LIMITS = (40.5, 50.5)  # km/h, on which traffic stress hangs: 25 and 30 mph, and what is written 40 and 50
TRAFFIC = frozenset(
    "residential unclassified road tertiary tertiary_link secondary secondary_link primary primary_link trunk"
    " trunk_link busway".split()
)
ISO = re.compile(r"P?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
SQUARES = ("pedestrian", "footway")  # walked across as well, where they are areas


@dataclass(frozen=True)
class RawWays:
    """Ways of one source as flat arrays.

    `refs`, `lon`, `lat` (degrees, WGS84) hold the nodes of all ways one after the other; way `w` is the slice
    `start[w]:start[w + 1]`. `kind[w]` is the row of `kinds` with its tags. `squares` are rings (node ids) of pedestrian
    areas: an outer ring first, then its holes. At the nodes `post_id` stand barriers and lifts; `post_kind` are the
    rows of `kinds` with their tags. `turns` are the restrictions that bind bicycles at `when`.
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
    post_id: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    post_kind: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    turns: list[Turn] = field(default_factory=list)
    data_date: str | None = None
    when: datetime = MORNING
    counts: dict[str, int] = field(default_factory=dict)

    def only(self, some: npt.NDArray[np.bool_]) -> "RawWays":
        """Return the same with some of the ways alone."""
        inside, start = np.repeat(some, np.diff(self.start)), np.cumsum(np.diff(self.start)[some])
        return replace(
            self,
            refs=self.refs[inside],
            lon=self.lon[inside],
            lat=self.lat[inside],
            start=np.concatenate([[0], start]),
            way_id=self.way_id[some],
            kind=self.kind[some],
        )


def read_osm(path: str | Path, *, when: datetime = MORNING) -> RawWays:
    """Read streets, ferries, platforms and walkable squares from `.osm.pbf` or `.osm`.

    Extracts clipped with missing nodes are accepted: a way is cut where its nodes are missing, and counted in
    `counts` (`missing_nodes`, `ways_cut`). Access that hangs on the hour is judged for the moment `when`, local time;
    `by_hour` counts the pieces of ways, the nodes and the turn restrictions that have some.

    Raises
    ------
    InputError
        The file is missing, unreadable or truncated, or holds no streets.
    """
    (found,) = read_layers(path, streets_layer(when))
    return found  # type: ignore[no-any-return]


def streets_layer(when: datetime = MORNING) -> Layer[RawWays]:
    """Return what `read_osm` looks for in an extract, to be read together with other layers."""
    return Layer(
        lambda found: _ways(found, when),
        nodes=frozenset(start.partition("=")[0] for start in POSTS),
        others=frozenset(start.partition("=")[0] for start in STREETS) | TURN_KEYS,
        squares=tuple(("highway", kind) for kind in SQUARES),
    )


def _ways(found: Scan, when: datetime) -> RawWays:
    reader = _Collector(when)
    reader.add(read_ways(found.text, *STREETS, keys=WAY_KEYS))
    reader.add_posts(read_nodes(found.text, *POSTS))
    _add_squares(found, reader)
    if not reader.parts and len(reader.known):
        raise InputError(
            f"{found.source}: of none of its {len(reader.known):,} streets there are two nodes, which say where it is; "
            f"in Overpass, {NODES_TOO}"
        )
    if not reader.parts:
        raise InputError(f"{found.source}: holds no way with a highway tag; siteplan needs the streets of the place")
    reader.add_turns(found.text)
    return reader.result(found.source, found.data_date)


def _add_squares(found: Scan, reader: "_Collector") -> None:
    """Join the member ways of multipolygon squares into rings, and add the untagged rims as ways."""
    if not found.rims.stat().st_size:
        return
    read = tag_reader(KEYS | {"type"})
    squares = [(members, dict(read(tags))) for _, tags, members in read_relations(found.text, "highway=")]
    squares = [
        (members, tags)
        for members, tags in squares
        if tags.pop("type", "") == "multipolygon" and tags["highway"] in SQUARES
    ]
    tags_of = {
        way: (*(tag for tag in tags.items() if tag[0] != "area"), ("area", "yes"))
        for members, tags in squares
        for way, _ in members
    }
    rims = read_ways(found.rims)
    reader.add(rims, tags_of)
    nodes = {
        way: rims.refs[first:stop].tolist()
        for way, first, stop in zip(rims.way_id.tolist(), rims.start[:-1], rims.start[1:], strict=True)
    }
    for members, _ in squares:
        outer = _join([nodes[way] for way, role in members if role != "inner" and way in nodes])
        inner = _join([nodes[way] for way, role in members if role == "inner" and way in nodes])
        # A square with several outer rings is as many squares; which hole lies in which is seen on the ground.
        for ring in outer:
            reader.add_square([ring, *inner], tags_of[members[0][0]])


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


_way_tags = tag_reader(KEYS)
_post_tags = tag_reader(POST_KEYS)
_ferry_tags = tag_reader(frozenset(("duration", "maxspeed")))


def _by_hour(text: bytes) -> bool:
    """Tell whether tags hold access that hangs on the hour."""
    return BY_HOUR in text and HOURLY.search(text) is not None  # nearly none do, which is soon seen


def _street_tags(text: bytes, when: datetime) -> Tags:
    """Return the tags that matter of a way, which all have a kind in `highway`, with access as it is then."""
    tags = dict(_way_tags(text))
    if BY_HOUR in text:  # of few
        tags = judged(tags, when)
    if "highway" not in tags:
        found = next(start for start in STREETS[1:] if b",%s," % start.encode() in b",%s," % text)
        kind, _, value = found.partition("=")
        tags = {"highway": value, kind: value, **tags}
    _round_traffic(tags)
    return tuple(tags.items())


def _round_traffic(tags: dict[str, str]) -> None:
    """Keep of speeds and lanes what traffic stress hangs on, so that not every number makes a kind of its own."""
    speed, lanes = tags.pop("maxspeed", ""), tags.pop("lanes", "")
    if tags["highway"] not in TRAFFIC:
        return
    kmh = speed_limit(speed)
    if kmh:
        tags["maxspeed"] = next((f"{most:g}" for most in LIMITS if kmh <= most), "90")
    if lanes.isdigit() and int(lanes) > 3:
        tags["lanes"] = "4"


def speed_limit(speed: str) -> float:
    """Read a speed limit in km/h, also one by its zone (FR:urban); 0 for anything else."""
    if (said := SPEED.fullmatch(speed)) is not None:
        return float(said[1]) * UNITS[said[2].strip()]
    zone = ZONE.fullmatch(speed)
    return 0.0 if zone is None else float(zone[2] or ZONES[zone[1]])


def _pace(text: bytes, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> Tags:
    """Return how fast a ferry is, in km/h: from its duration and the length of its way, or as it says itself."""
    said = dict(_ferry_tags(text))
    minutes = _minutes(said.get("duration", ""))
    if minutes:
        metres = float(ground_lengths(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum())
        return (("kmh", f"{metres * 0.06 / minutes:.3f}"),) if metres else ()
    speed = SPEED.fullmatch(said.get("maxspeed", ""))
    return () if speed is None else (("kmh", f"{float(speed[1]) * UNITS[speed[2].strip()]:.3f}"),)


def _minutes(duration: str) -> float:
    """Read a duration as OpenStreetMap has it: minutes, hh:mm, hh:mm:ss or ISO 8601 (PT20M); 0 for anything else."""
    if (iso := ISO.fullmatch(duration)) is not None:
        hours, minutes, seconds = (float(part or 0) for part in iso.groups())
        return 60 * hours + minutes + seconds / 60
    parts = duration.split(":")
    if not all(part.strip().isdigit() for part in parts) or len(parts) > 3:
        return 0.0
    numbers = [0, *map(int, parts)] if len(parts) == 1 else [*map(int, parts)]
    return 60 * numbers[0] + numbers[1] + (numbers[2] / 60 if len(numbers) > 2 else 0)


class _Collector:
    """Gathers ways, cut where nodes are missing, and squares."""

    def __init__(self, when: datetime) -> None:
        self.when = when
        self.parts: list[tuple[npt.NDArray[Any], ...]] = []
        self.known = np.zeros(0, np.int64)
        self.kinds: dict[Tags, int] = {}
        self.squares: list[list[list[int]]] = []
        self.square_kind: list[int] = []
        self.posts: dict[int, int] = {}
        self.turns: list[Turn] = []
        self.counts = {"missing_nodes": 0, "ways_cut": 0, "by_hour": 0}

    def add(self, ways: LocatedWays, tags_of: dict[int, Tags] | None = None) -> None:
        """Take ways in; with the tags of the squares whose rims they are, those that are not in yet."""
        unknown = ~np.isin(ways.way_id, self.known)
        self.known = np.append(self.known, ways.way_id[unknown])
        new = unknown & (np.diff(ways.start) > 1)
        lon, lat = ways.lon, ways.lat
        way = np.repeat(np.arange(len(new)), np.diff(ways.start))
        missing = np.isnan(lon)
        lost = np.bincount(way[missing & new[way]], minlength=len(new))
        self.counts["missing_nodes"] += int(lost.sum())
        self.counts["ways_cut"] += int((lost > 0).sum())
        row, first, stop = _pieces(way, ~missing & new[way])
        if not len(row):
            return
        if tags_of is None:
            kind = self._kinds_of(ways, row, first, stop, lost=lost)
        else:
            kind = np.array([self._kind(tags_of[way]) for way in ways.way_id[row].tolist()], np.int64)
        inside = np.repeat(first - np.concatenate([[0], np.cumsum(stop - first)[:-1]]), stop - first)
        node = inside + np.arange(len(inside))
        self.parts.append((ways.refs[node], lon[node], lat[node], stop - first, ways.way_id[row], kind))

    def _kinds_of(
        self,
        ways: LocatedWays,
        row: npt.NDArray[np.int64],
        first: npt.NDArray[np.int64],
        stop: npt.NDArray[np.int64],
        *,
        lost: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return the kinds of some pieces of ways, and take in those that are squares."""
        text = ways.text[row]
        kind_of, by_hour = np.full(len(ways.texts), -1, np.int64), np.zeros(len(ways.texts), np.int64)
        special: dict[int, Tags] = {}
        distinct, begins = np.unique(text, return_index=True)
        for each in distinct[np.argsort(begins)].tolist():
            kind_of[each], by_hour[each], special[each] = self._judged(ways.texts[each])
        self.counts["by_hour"] += int(by_hour[text].sum())
        kind = kind_of[text]
        for piece in np.flatnonzero(np.isin(text, [each for each, tags in special.items() if tags])).tolist():
            r, f, s = int(row[piece]), int(first[piece]), int(stop[piece])
            tags = special[int(text[piece])]
            if ("highway", "ferry") in tags:
                pace = _pace(ways.texts[text[piece]], ways.lon[f:s], ways.lat[f:s])
                kind[piece] = self._kind((*tags, *pace))
            elif ways.refs[f] == ways.refs[s - 1] and s - f > 3 and not lost[r]:
                self.add_square([ways.refs[f:s].tolist()], tags)
        return kind

    def _judged(self, text: bytes) -> tuple[int, bool, Tags]:
        """Return the kind that tags are of, whether they hang on the hour, and themselves if more must be seen."""
        tags = _street_tags(text, self.when)
        if ("highway", "ferry") in tags:
            return -1, _by_hour(text), tags  # each ferry has a pace, and so a kind, of its own
        return self._kind(tags), _by_hour(text), tags if _is_square(tags) else ()

    def add_posts(self, nodes: PlacedNodes) -> None:
        """Take in what stands at nodes: barriers and lifts."""
        for node, text in zip(nodes.node_id.tolist(), nodes.tags, strict=True):
            tags = judged(dict(_post_tags(text)), self.when)
            self.counts["by_hour"] += _by_hour(text)
            if tags.get("highway") == "elevator":
                tags = {"node": "yes", **{key: value for key, value in tags.items() if key != "barrier"}}
            else:
                tags = {**tags, "highway": "barrier"}
            self.posts[node] = self._kind(tuple(sorted(tags.items())))

    def add_turns(self, text: Text) -> None:
        """Take in the restrictions of turns that bind bicycles."""
        self.turns, counts = read_turns(text, self.when)
        self.counts |= {key: count + self.counts.get(key, 0) for key, count in counts.items()}

    def add_square(self, rings: list[list[int]], tags: Tags) -> None:
        """Take a square in: its outer ring, then its holes."""
        self.squares.append(rings)
        self.square_kind.append(self._kind(tags))

    def _kind(self, tags: Tags) -> int:
        return self.kinds.setdefault(tags, len(self.kinds))

    def result(self, source: str, data_date: str | None) -> RawWays:
        whole = self.parts[0] if len(self.parts) == 1 else map(np.concatenate, zip(*self.parts, strict=True))
        refs, lon, lat, lengths, way_id, kind = whole
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
            post_id=np.array(list(self.posts), np.int64),
            post_kind=np.array(list(self.posts.values()), np.int64),
            turns=self.turns,
            data_date=data_date,
            when=self.when,
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
    return found.get("area") == "yes" and found.get("highway") in SQUARES
