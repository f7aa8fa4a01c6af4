"""Streets added, closed, and used otherwise than before.

A change is made where an OpenStreetMap editor would make it: in the ways and their nodes. The ways are then cut into
edges like those of a file. So the result is, bit for bit, what reading the changed file would give: junctions that a
closed street leaves without a choice are joined, squares are crossed from their new entries, and so on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from siteplan.config.changes import StreetAdded, StreetChange, StreetClosed, StreetTagged, target_of, verb_of
from siteplan.errors import StudyError
from siteplan.formats import is_graph
from siteplan.inputs.osm import KEYS, RawWays, Tags, read_osm
from siteplan.network.kept import kept_edges
from siteplan.network.slope import read_climb
from siteplan.network.streets import StreetNetwork, _anyone, build_streets

__all__ = ["check_streets", "edit_streets", "source_ways"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SNAP = 50.0  # metres within which a place names the nearest street
NODE = 0.5  # metres within which a node that is there already serves as the place to join
PLACES = 7  # decimals of a degree: what an OpenStreetMap file holds, a centimetre

# What closes or opens a street to one mode: its own tags, which beat all others.
SHUT: dict[str, dict[str, str | None]] = {
    "walk": {"foot": "no", "foot:forward": None, "foot:backward": None},
    "bike": {"bicycle": "no"},
}


def source_ways(streets: StreetNetwork) -> RawWays:
    """Return the ways that streets were made of, read again from their file, once.

    Raises
    ------
    StudyError
        The streets do not come from an OpenStreetMap file that is still there.
    """
    if not Path(streets.source).is_file() or is_graph(streets.source):
        raise StudyError(
            f"streets: {streets.source} is no OpenStreetMap file that can be read again; changes of streets need one "
            "(.osm.pbf or .osm), or its ways given as ways="
        )
    return streets.remember("ways", lambda: read_osm(streets.source, when=streets.when))  # type: ignore[no-any-return]


def edit_streets(
    streets: StreetNetwork,
    changes: Sequence[StreetChange],
    *,
    ways: RawWays | None = None,
    elevation: str | Path | None = None,
) -> StreetNetwork:
    """Return streets as they are after some changes, made one after the other.

    Parameters
    ----------
    streets
        As `read_streets` gives them; left as they are.
    changes
        `StreetAdded`, `StreetClosed`, `StreetTagged`. New ways have the ids -1, -2, ...
    ways
        The ways that `streets` were built of; by default read again from their file, and kept with `streets`.
    elevation
        The terrain model, where the streets were read with one.

    Returns
    -------
    StreetNetwork
        What `read_streets` gives for a file with the same changes, to the bit, as long as the file's bounds stay in
        the same UTM zone. Positions of new nodes are rounded to 1e-7 degrees, as such a file does.

    Raises
    ------
    StudyError
        A change that `check_streets` refuses, a new street with no other within reach, or streets with slopes and no
        `elevation`.
    """
    raw = source_ways(streets) if ways is None else ways
    targets = check_streets(streets, changes, ways=raw)
    if streets.climb is not None and elevation is None:
        raise StudyError("streets: they were read with slopes; give the terrain model again, as elevation=")
    draft = _Draft(streets, raw)
    for number, (change, way) in enumerate(zip(changes, targets, strict=True), 1):
        if isinstance(change, StreetAdded):
            draft.add(change, number)
        elif isinstance(change, StreetTagged):
            draft.tag(way, change.tags)
        elif change.mode is None:
            draft.close(way)
        else:
            draft.tag(way, SHUT[change.mode])
    edited = build_streets(draft.raw)
    edited = replace(edited, origin=kept_edges(streets, edited))
    return edited if elevation is None else replace(edited, climb=read_climb(edited, elevation))


def check_streets(streets: StreetNetwork, changes: Sequence[StreetChange], *, ways: RawWays | None = None) -> list[int]:
    """Find the way that each change means (0 for a new one), and refuse what cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown way, no street near a place, a line or tags that make no street, a square, the
        same way both closed and changed, or closed or changed in the same tag twice.
    """
    raw = source_ways(streets) if ways is None else ways
    found = [
        _new(change, number) if isinstance(change, StreetAdded) else _named(change, number, streets, raw)
        for number, change in enumerate(changes, 1)
    ]
    said: dict[tuple[int, str], int] = {}
    for number, (change, way) in enumerate(zip(changes, found, strict=True), 1):
        if isinstance(change, StreetAdded):
            continue
        keys = ["*"] if isinstance(change, StreetClosed) and change.mode is None else sorted(_tags_of(change))
        for (other, key), earlier in said.items():
            if other == way and ("*" in (key, *keys) or key in keys):
                raise StudyError(
                    f"changes {earlier} and {number}: both change way {way}"
                    + (f" in its tag {key!r}" if "*" not in (key, *keys) else ", and one of them closes it")
                    + "; keep one of them"
                )
        said |= {(way, key): number for key in keys}
    return found


def _tags_of(change: StreetClosed | StreetTagged) -> Mapping[str, str | None]:
    if isinstance(change, StreetTagged):
        return change.tags
    return SHUT[change.mode] if change.mode else {}


def _new(change: StreetAdded, number: int) -> int:
    """Check a new street."""
    what = f"change {number} (add {change.name!r})"
    if len(set(change.add)) < 2:
        raise StudyError(f"{what}: expected a line of some length")
    _known_tags(change.tags, what)
    if change.tags.get("area") == "yes" or not _anyone(tuple(sorted(change.tags.items()))):
        raise StudyError(
            f"{what}: its tags {dict(change.tags)} make no street for walking or cycling; "
            "give a highway, such as {'highway': 'cycleway', 'foot': 'yes'}"
        )
    return 0


def _named(change: StreetClosed | StreetTagged, number: int, streets: StreetNetwork, raw: RawWays) -> int:
    """Return the id of the way that a change names."""
    what = f"change {number} ({verb_of(change)} a street)"
    if isinstance(change, StreetTagged):
        _known_tags(change.tags, what)
        if not change.tags or not change.tags.get("highway", "kept"):
            raise StudyError(f"{what}: its tags are {dict(change.tags)}; expected some, and a highway among the rest")
    street: int | tuple[float, float] = target_of(change)
    way = street if isinstance(street, int) else _way_near(streets, street, what)
    rows = np.flatnonzero(raw.way_id == way)
    if way == 0 or not len(rows):
        raise StudyError(f"{what}: {raw.source} has no street with the id {way}; look it up on openstreetmap.org")
    if any(dict(raw.kinds[kind]).get("area") == "yes" for kind in raw.kind[rows]):
        raise StudyError(f"{what}: way {way} is the rim of a square, which cannot be changed; change ways that meet it")
    return way


def _known_tags(tags: Mapping[str, str | None], what: str) -> None:
    unknown = sorted(set(tags) - KEYS)
    if unknown:
        raise StudyError(
            f"{what}: the tag {unknown[0]!r} changes nothing here; expected any of {', '.join(sorted(KEYS))}"
        )


def _way_near(streets: StreetNetwork, near: tuple[float, float], what: str) -> int:
    there = shapely.Point(_to_plane(streets).transform(*near))
    edges, tree = _joinable(streets)
    edge, distance = tree.query_nearest(there, return_distance=True)
    if not distance[0] <= SNAP:
        raise StudyError(
            f"{what}: no street within {SNAP:.0f} m of {near[0]:.5f}, {near[1]:.5f}; the nearest is "
            f"{distance[0]:,.0f} m away"
        )
    return int(streets.way_id[edges[edge.min()]])


def _to_plane(streets: StreetNetwork) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4326, streets.crs, always_xy=True)


def _joinable(streets: StreetNetwork) -> tuple[Ints, shapely.STRtree]:
    """Return the edges that a new street may join, all but those of squares, and a tree of them."""

    def make() -> tuple[Ints, shapely.STRtree]:
        edges = np.flatnonzero(~streets.areas)
        return edges, shapely.STRtree(streets.lines[edges])

    return streets.remember("joinable", make)  # type: ignore[no-any-return]


def _off_ground(tags: Mapping[str, str]) -> bool:
    return tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") != "no"


@dataclass
class _Draft:
    """The ways while they are being changed."""

    streets: StreetNetwork
    raw: RawWays
    gone: set[int] = field(default_factory=set)
    own: list[int] = field(default_factory=list)  # ways that were added
    last: int = 0  # the least node id that was given out

    def close(self, way: int) -> None:
        """Take a way out."""
        self.gone.add(way)
        self.raw = self.raw.only(self.raw.way_id != way)

    def tag(self, way: int, tags: Mapping[str, str | None]) -> None:
        """Put tags in place of a way's own."""
        kind = self.raw.kind.copy()
        for row in np.flatnonzero(self.raw.way_id == way):
            changed = {**dict(self.raw.kinds[kind[row]]), **tags}
            kind[row] = self._kind({key: value for key, value in changed.items() if value is not None})
        self.raw = replace(self.raw, kind=kind)

    def _kind(self, tags: Mapping[str, str]) -> int:
        """Return the row of some tags among the kinds, which get longer where they are new."""
        wanted: Tags = tuple(sorted(tags.items()))
        if wanted not in self.raw.kinds:
            self.raw = replace(self.raw, kinds=[*self.raw.kinds, wanted])
        return self.raw.kinds.index(wanted)

    def add(self, change: StreetAdded, number: int) -> None:
        """Put a way in, joined to those that are there."""
        degrees, plane = np.round(np.array(change.add), PLACES), _to_plane(self.streets)
        xy = np.column_stack(plane.transform(*degrees.T))
        nodes: list[tuple[int, float, float] | None] = [None] * len(xy)
        for end in (0, -1):
            nodes[end] = self._join(xy[end], change.snap_m)
        if nodes[0] is None and nodes[-1] is None:
            raise StudyError(
                f"change {number} (add {change.name!r}): neither of its ends has a street within {change.snap_m:g} m; "
                "draw it as far as the streets, or raise snap_m"
            )
        if nodes[0] is not None and nodes[-1] is not None and nodes[0][0] == nodes[-1][0] and len(xy) == 2:
            raise StudyError(
                f"change {number} (add {change.name!r}): both of its ends join the same place; draw it longer"
            )
        crossed = self._crossings(xy) if change.crossings and not _off_ground(change.tags) else []
        way: list[tuple[int, float, float]] = []
        for k, node in enumerate(nodes):
            own = node or (self._fresh(), float(degrees[k, 0]), float(degrees[k, 1]))
            way += [own, *(other for segment, _, other in crossed if segment == k)]
        way = [node for k, node in enumerate(way) if k == 0 or node[0] != way[k - 1][0]]
        refs, lon, lat = zip(*way, strict=True)
        kind = self._kind(change.tags)
        raw, new = self.raw, min(-1, int(self.raw.way_id.min()) - 1)
        self.own.append(new)
        self.raw = replace(
            raw,
            refs=np.append(raw.refs, np.array(refs, np.int64)),
            lon=np.append(raw.lon, lon),
            lat=np.append(raw.lat, lat),
            start=np.append(raw.start, raw.start[-1] + len(way)),
            way_id=np.append(raw.way_id, new),
            kind=np.append(raw.kind, kind),
        )

    def _fresh(self) -> int:
        """Return a node id that nobody has, and keep it from being given out again."""
        self.last = min(self.last, int(self.raw.refs.min()), 0) - 1
        return self.last

    def _join(self, at: Floats, within: float) -> tuple[int, float, float] | None:
        """Return a node on the nearest street (id, lon, lat), put in where there is none; None if all are too far."""
        edges, tree = _joinable(self.streets)
        point = shapely.Point(at)
        near = np.sort(tree.query(point, predicate="dwithin", distance=within))
        distances = shapely.distance(self.streets.lines[edges[near]], point)
        found = [
            (float(distance), place, int(way))
            for place, (distance, way) in enumerate(zip(distances, self.streets.way_id[edges[near]], strict=True))
            if int(way) not in self.gone
        ]
        for place, way in enumerate(self.own):
            distance = float(shapely.distance(self._line(way), point))
            if distance <= within:
                found.append((distance, len(near) + place, way))
        return None if not found else self._node_on(min(found)[2], at)

    def _rows(self, way: int) -> list[tuple[int, int]]:
        """Return where the pieces of a way begin and end among the nodes."""
        return [(int(self.raw.start[r]), int(self.raw.start[r + 1])) for r in np.flatnonzero(self.raw.way_id == way)]

    def _plane(self, first: int, stop: int) -> Floats:
        return np.column_stack(_to_plane(self.streets).transform(self.raw.lon[first:stop], self.raw.lat[first:stop]))

    def _line(self, way: int) -> Any:
        return shapely.MultiLineString([self._plane(*row) for row in self._rows(way)])

    def _node_on(self, way: int, at: Floats) -> tuple[int, float, float]:
        """Return the node of a way nearest to a place on it; a new one where none lies within half a metre."""
        best = (np.inf, 0, at)
        for first, stop in self._rows(way):
            xy = self._plane(first, stop)
            step = np.diff(xy, axis=0)
            square = np.maximum((step**2).sum(axis=1), 1e-12)
            share = np.clip(((at - xy[:-1]) * step).sum(axis=1) / square, 0, 1)
            foot = xy[:-1] + share[:, None] * step
            distance = np.hypot(*(foot - at).T)
            k = int(distance.argmin())
            best = min(best, (float(distance[k]), first + k, foot[k]), key=lambda found: found[0])
        _, row, foot = best
        for node in (row, row + 1):
            if np.hypot(*(self._plane(node, node + 1)[0] - foot)) <= NODE:
                return int(self.raw.refs[node]), float(self.raw.lon[node]), float(self.raw.lat[node])
        degrees = _to_plane(self.streets).transform(foot[0], foot[1], direction="INVERSE")
        lon, lat = (round(float(degree), PLACES) for degree in degrees)
        node = self._fresh()
        owner = int(np.searchsorted(self.raw.start, row, side="right"))
        start = self.raw.start.copy()
        start[owner:] += 1
        self.raw = replace(
            self.raw,
            start=start,
            refs=np.insert(self.raw.refs, row + 1, node),
            lon=np.insert(self.raw.lon, row + 1, lon),
            lat=np.insert(self.raw.lat, row + 1, lat),
        )
        return node, lon, lat

    def _crossings(self, xy: Floats) -> list[tuple[int, float, tuple[int, float, float]]]:
        """Return the nodes where a line crosses streets on the ground: its segment, how far along, and the node."""
        line = shapely.LineString(xy)
        edges, tree = _joinable(self.streets)
        met = edges[np.sort(tree.query(line, predicate="intersects"))]
        ways = dict.fromkeys(int(way) for way in self.streets.way_id[met] if int(way) not in self.gone)
        ways |= dict.fromkeys(self.own)
        ends = np.cumsum(np.hypot(*np.diff(xy, axis=0).T))
        found: list[tuple[int, float, tuple[int, float, float]]] = []
        for way in ways:
            row = np.flatnonzero(self.raw.way_id == way)[0]
            if _off_ground(dict(self.raw.kinds[self.raw.kind[row]])):
                continue
            shared = shapely.intersection(self._line(way), line)
            for place in () if shared.is_empty else shapely.get_parts(shared):
                spot = shapely.get_coordinates(place)[0]
                along = float(shapely.line_locate_point(line, shapely.Point(spot)))
                if NODE < along < ends[-1] - NODE:
                    segment = min(int(np.searchsorted(ends, along)), len(ends) - 1)
                    found.append((segment, along, self._node_on(way, spot)))
        return sorted(found)
