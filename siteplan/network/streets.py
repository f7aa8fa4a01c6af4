"""The streets of a place as arrays: junctions, edges between them, and who may use each."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from siteplan.config import Profile
from siteplan.display import Shown
from siteplan.doors import door
from siteplan.errors import InputError, NetworkError, reads
from siteplan.formats import is_graph
from siteplan.geo import ground_lengths, metric_crs
from siteplan.inputs.conditions import MORNING
from siteplan.inputs.graphs import ways_from_graph
from siteplan.inputs.osm import RawWays, Tags, read_osm
from siteplan.inputs.turns import Turn
from siteplan.memory import blocks, give_back
from siteplan.network.along import evenly, points_along
from siteplan.network.detours import apart
from siteplan.network.slope import Climb, read_climb
from siteplan.network.squares import square_chords
from siteplan.network.tags import HOMES, Access, Use, bike_use, storey, stress, walk_use
from siteplan.network.turns import forbidden_turns, forbidden_ways

__all__ = ["Origin", "StreetNetwork", "read_streets"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Origin:
    """What a network was made of by changing a few streets: the edges that are in both, in order, as rows of each."""

    base: "StreetNetwork"
    before: Ints
    after: Ints


@dataclass(frozen=True, repr=False)
class StreetNetwork(Shown):
    """Streets between junctions.

    An edge is a piece of one OpenStreetMap way between two nodes where ways meet or end. Edge `e` runs from node
    `u[e]` to `v[e]`; its line is `x, y[start[e]:start[e + 1]]` in `crs` (metres); `length[e]` are metres on the ground;
    `kinds[kind[e]]` are its tags. `counts` says what was odd in the source; access that hangs on
    the hour was judged for `when`. `turns` (turns, 2) are those that may not be ridden: the half-edge towards a node
    and that which leads on, 2e along edge e, 2e + 1 against it; `detours` are ways of three such halves and more that
    may not be ridden as a whole. What was worked out for the network that
    an edited one comes from (`origin`) is not worked out again.
    """

    source: str
    crs: pyproj.CRS
    u: Ints
    v: Ints
    node_count: int
    x: Floats
    y: Floats
    start: Ints
    length: Floats
    kind: Ints
    kinds: list[Tags]
    way_id: Ints
    data_date: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    when: datetime = MORNING
    turns: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    detours: tuple[tuple[int, ...], ...] = ()
    climb: Climb | None = None
    origin: Origin | None = field(default=None, repr=False, compare=False)
    _memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def facts(self) -> dict[str, object]:
        """Say where they are and how many."""
        return {
            "source": self.source,
            "edges": f"{len(self.u):,}",
            "nodes": f"{self.node_count:,}",
            "length": f"{self.length.sum() / 1000:,.0f} km",
            "crs": self.crs.to_string(),
            "of": self.data_date or "no date",
            "elevation": "no" if self.climb is None else "yes",
        }

    def to_gdf(self) -> gpd.GeoDataFrame:
        """Return a copy of the edges as a table, one's own to change."""
        return self.edges.copy()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return min x, min y, max x, max y in `crs` (metres)."""
        return float(self.x.min()), float(self.y.min()), float(self.x.max()), float(self.y.max())

    @cached_property
    def lines(self) -> npt.NDArray[np.object_]:
        """The edges as shapely LineStrings in `crs`."""
        if self.origin is None:
            return self.drawn(np.arange(len(self.u)))
        lines = np.empty(len(self.u), object)
        lines[self.origin.after] = self.origin.base.lines[self.origin.before]
        fresh = np.setdiff1d(np.arange(len(self.u)), self.origin.after)
        lines[fresh] = self.drawn(fresh)
        return lines

    @cached_property
    def lasting(self) -> dict[Any, Any]:
        """What was worked out that no speed changes: what is nearest on these lines, who may use which of them."""
        return {}

    def varied(self) -> "StreetNetwork":
        """Return the same streets for other speeds: without graphs of their own, and with all that no speed changes."""
        copy, shared = replace(self, origin=None), {"lasting": self.lasting, **vars(self)}
        vars(copy).update({name: made for name, made in shared.items() if name not in vars(copy)})
        return copy

    def drawn(self, edges: Ints) -> npt.NDArray[np.object_]:
        """Return some edges as shapely LineStrings in `crs`, drawn anew."""
        ptr, coords = self.corners(edges)
        return shapely.from_ragged_array(shapely.GeometryType.LINESTRING, coords, (ptr,))

    def corners(self, edges: Ints) -> tuple[Ints, Floats]:
        """Return where the vertices of each of some edges begin (edges + 1), and x, y of all of them."""
        count = self.start[edges + 1] - self.start[edges]
        ptr = np.concatenate([[0], np.cumsum(count)])
        vertex = np.arange(ptr[-1]) + np.repeat(self.start[edges] - ptr[:-1], count)
        return ptr, np.column_stack([self.x[vertex], self.y[vertex]])

    @property
    def highway(self) -> npt.NDArray[np.object_]:
        """The value of `highway` of each edge."""
        return np.array([dict(tags)["highway"] for tags in self.kinds], dtype=object)[self.kind]

    @property
    def homes(self) -> npt.NDArray[np.bool_]:
        """Tell of each edge whether people live along it: it may be walked, and is of such a class."""
        along = np.array([dict(tags)["highway"] in HOMES for tags in self.kinds], bool)[self.kind]
        homes: npt.NDArray[np.bool_] = along & (np.maximum(*self.uses("walk")[:2]) > Access.NO)
        return homes

    @cached_property
    def edges(self) -> gpd.GeoDataFrame:
        """The edges as a table: `highway`, `length` (m), `walk`, `bike`, `homes` (people live along it), `way`."""
        walk, bike = (np.maximum(*self.uses(rules)[:2]) > Access.NO for rules in ("walk", "bike"))
        columns = {
            "highway": self.highway,
            "length": self.length,
            "walk": walk,
            "bike": bike,
            "homes": self.homes,
            "way": self.way_id,
        }
        table = gpd.GeoDataFrame(columns, geometry=self.lines, crs=self.crs)
        table.index.name = "edge"
        return table

    def at(self, edge: Ints, share: Floats) -> Floats:
        """Return x, y of places on edges, shape (places, 2); `share` of the edge's line from its first end."""
        at: Floats = points_along(edge, share, self.start, (self.x, self.y, self._far))
        return at

    def reaching(self, places: Floats, around: float, finer: int = 1) -> npt.NDArray[np.bool_]:
        """Tell which edges may lie within so many metres (above 0) of any place (places, 2): all that do, few others.

        Those whose box meets a square of a grid in which a place stands, or at most `finer` from it; `finer` squares
        are as wide as these metres.
        """
        if not len(places):
            return np.zeros(len(self.u), bool)
        corner = places.min(axis=0) - 2 * around

        def square(xy: Floats) -> Ints:
            squares: Ints = np.floor((xy - corner) / (around / finer)).astype(np.int64)
            return squares

        own = square(places)
        marked = np.zeros(own.max(axis=0) + finer + 1, bool)
        for step in np.ndindex(2 * finer + 1, 2 * finer + 1):
            marked[tuple((own + step - finer).T)] = True
        count = np.zeros(np.add(marked.shape, 1), np.int64)
        count[1:, 1:] = marked.cumsum(axis=0).cumsum(axis=1)
        low, high = (
            square(np.column_stack([least.reduceat(c, self.start[:-1]) for c in (self.x, self.y)]))
            for least in (np.minimum, np.maximum)
        )
        west, south = np.clip(low, 0, marked.shape).T
        east, north = np.clip(high + 1, 0, marked.shape).T
        met: npt.NDArray[np.bool_] = (count[east, north] - count[west, north]) > (
            count[east, south] - count[west, south]
        )
        return met

    def spaced(self, step: float, edges: Ints | None = None) -> tuple[Ints, Floats]:
        """Return places at even distances of at most `step` metres along edges, both ends included: edge and share."""
        chosen = np.arange(len(self.u)) if edges is None else edges
        edge, share = evenly(chosen, self.length, step)
        return edge, share

    @cached_property
    def _far(self) -> Floats:
        """Metres in the plane along all edges put end to end, at every vertex."""
        steps = np.hypot(np.diff(self.x), np.diff(self.y))
        steps[self.start[1:-1] - 1] = 0
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def areas(self) -> npt.NDArray[np.bool_]:
        """Tell of each edge whether it is the rim of an area or a way across it."""
        return np.array([("area", "yes") in tags for tags in self.kinds], bool)[self.kind]

    @cached_property
    def across(self) -> npt.NDArray[np.bool_]:
        """Tell of each edge whether it is a straight way across an area, which no way of the extract is."""
        across: npt.NDArray[np.bool_] = self.areas & (self.way_id == 0)
        return across

    def uses(
        self, rules: Literal["walk", "bike"], *, push: bool = False, calm: int | None = None
    ) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
        """Return per edge how it may be used forward and backward (`Access` values), and whether it is stairs."""
        found = self._uses(rules, push, calm)
        forward = np.array([use.forward for use in found], np.int64)[self.kind]
        backward = np.array([use.backward for use in found], np.int64)[self.kind]
        return forward, backward, np.array([use.stairs for use in found], bool)[self.kind]

    def _uses(self, rules: Literal["walk", "bike"], push: bool, calm: int | None) -> list[Use]:
        return [_use(tags, rules, push, calm) for tags in self.kinds]

    @cached_property
    def stress(self) -> tuple[Ints, Ints]:
        """Return the level of traffic stress (1 to 4) of cycling each edge forward and backward."""
        levels = np.array([stress(dict(tags)) for tags in self.kinds], np.int64).reshape(-1, 2)[self.kind]
        return levels[:, 0], levels[:, 1]

    @cached_property
    def passages(self) -> npt.NDArray[np.bool_]:
        """Tell of each edge whether it leads somewhere only: nobody lives along it, nor boards on the way.

        So are ferries, and what stands at a node: barriers and lifts.
        """
        only = {("highway", "ferry"), ("highway", "barrier"), ("node", "yes")}
        return np.array([not only.isdisjoint(tags) for tags in self.kinds], bool)[self.kind]

    def costs(self, profile: Profile) -> tuple[Ints, Ints]:
        """Return deciseconds to travel each edge forward and backward; -1 where the profile may not.

        Of a profile by length they are decimetres: of stairs, slopes, ferries, lifts and barriers as of all else.
        """
        forward, backward, stairs = self.uses(profile.rules, push=profile.push, calm=profile.stress)
        if profile.squares == "around":
            forward, backward = (np.where(self.across, Access.NO, use) for use in (forward, backward))
        if profile.unit == "metres":
            long = np.round(10 * self.length)
            ahead, back = (np.where(use == Access.NO, -1, long).astype(np.int64) for use in (forward, backward))
            return ahead, back
        if profile.slope and self.climb is None:
            raise NetworkError(
                f"{self.source}: profile {profile.name!r} asks for slopes but no elevation was read; "
                "give elevation= (a terrain model) or set slope to false"
            )
        found = self._uses(profile.rules, profile.push, profile.stress)
        carried = np.array([use.kmh for use in found])[self.kind]
        pause = np.array([use.pause for use in found])[self.kind]
        both = []
        for side, use in enumerate((forward, backward)):
            kmh = np.where(use == Access.PUSH, profile.push_kmh, profile.speed_kmh)
            seconds = self.length * 3.6 / kmh * np.where(stairs, profile.stairs_factor, 1.0)
            if profile.slope and self.climb is not None:
                seconds = seconds * self.climb.factor(profile.rules)[:, side]
            np.divide(self.length * 3.6, carried, out=seconds, where=carried > 0)
            both.append(np.where(use == Access.NO, -1, np.round(10 * (seconds + pause))).astype(np.int64))
        return both[0], both[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to another process: the arrays, and nothing that was worked out from them."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _memo={})

    def remember(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for `key` before on these same streets, or make it now."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]

    def forget(self, kind: type = object) -> None:
        """Forget what was worked out from the arrays, or of it what is of a kind; whoever asks has it done again."""
        for memo in (self._memo, self.lasting):
            for key in [key for key, made in memo.items() if isinstance(made, kind)]:
                del memo[key]
        if kind is not object:
            return
        for name in {*vars(self)} - {each.name for each in fields(self)}:
            del vars(self)[name]


@lru_cache(maxsize=100_000)  # a city has a thousand kinds of streets
def _use(tags: Tags, rules: Literal["walk", "bike"], push: bool, calm: int | None = None) -> Use:
    return walk_use(dict(tags)) if rules == "walk" else bike_use(dict(tags), push=push, calm=calm)


@door()
@reads("streets")
def read_streets(
    path: Any = None,
    *,
    place: str | None = None,
    graph: Any = None,
    elevation: str | Path | None = None,
    when: datetime = MORNING,
) -> StreetNetwork:
    """Read streets from an OpenStreetMap file, a GraphML file, a place name (online) or an OSMnx graph.

    Parameters
    ----------
    path
        `.osm.pbf`, `.osm` (also `.gz`, `.bz2`), or `.graphml` as OSMnx saves it; or an OSMnx graph.
    place
        A place name for OSMnx to look up and download, such as "Montreuil, France".
    graph
        An OSMnx graph (`networkx.MultiDiGraph`), which may as well stand first.
    elevation
        A terrain model (GeoTIFF, metres), for profiles with `slope`.
    when
        The moment, in local time, for which access is judged that hangs on the hour (`foot:conditional=no @
        (22:00-07:00)`); by default a Tuesday at half past eight in the morning. Graphs say nothing of hours.

    Returns
    -------
    StreetNetwork
        In the projected CRS of the place, in metres.

    Raises
    ------
    InputError
        Nothing or several things given; a file that is missing, unreadable, or without streets.

    Examples
    --------
    >>> streets = sp.read_streets("streets.osm.pbf", elevation="terrain.tif")
    >>> streets.node_count, f"{streets.length.sum() / 1000:,.0f} km"
    (5513, '2,076 km')
    """
    if hasattr(path, "nodes") and hasattr(path, "edges") and graph is None:
        path, graph = None, path
    if not isinstance(path, str | Path | None):
        raise InputError(f"path: found a {type(path).__name__}, expected a file of streets or an OSMnx graph")
    if sum(given is not None for given in (path, place, graph)) != 1:
        raise InputError("read_streets: give exactly one of a file, place= or graph=")
    if place is not None:
        graph, source = _download(place), place
    elif path is not None and is_graph(path):
        graph, source = _load_graphml(Path(path)), str(path)
    else:
        source = "OSMnx graph"
    streets = build_streets(
        read_osm(path, when=when) if graph is None and path is not None else ways_from_graph(graph, source)
    )
    return with_terrain(streets, elevation)


def with_terrain(streets: StreetNetwork, elevation: str | Path | None) -> StreetNetwork:
    """Let streets climb as a terrain model says, if one is given."""
    return streets if elevation is None else replace(streets, climb=read_climb(streets, elevation))


def _download(place: str) -> Any:
    import osmnx

    try:
        return osmnx.graph_from_place(place, network_type="all", retain_all=True)
    except Exception as error:  # OSMnx lets errors of requests, its own and the servers' through
        raise InputError(
            f"place {place!r}: OSMnx could not fetch its streets ({error}); give a file instead"
        ) from error


def _load_graphml(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"{file}: no such file; give a GraphML file saved by OSMnx")
    import osmnx

    try:
        return osmnx.load_graphml(file)
    except Exception as error:  # XML and attribute errors of several libraries
        raise InputError(f"{file}: not a GraphML file as OSMnx saves it ({error})") from error


def build_streets(raw: RawWays) -> StreetNetwork:
    """Cut ways at the nodes where they meet, so that each piece is an edge."""
    kept = _usable_ways(raw)
    del raw  # on a large place every copy counts
    ids, first, node = np.unique(kept.refs, return_index=True, return_inverse=True)
    node = node.astype(np.int32)
    lon, lat = kept.lon[first], kept.lat[first]
    post_of = _posts(kept, ids, node)
    kept = replace(kept, refs=np.empty(0, np.int64), lon=np.empty(0), lat=np.empty(0))
    crs = metric_crs((float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())))
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    way_of = np.repeat(np.arange(len(kept.way_id), dtype=np.int32), np.diff(kept.start))
    chords, square, large = square_chords(kept.squares, ids, node, np.asarray(x), y=np.asarray(y))
    if chords.size:
        across = len(kept.way_id) + np.repeat(np.arange(len(chords), dtype=np.int32), 2)
        way_of = np.concatenate([way_of, across])
        node = np.concatenate([node, chords.ravel().astype(np.int32)])
        kept = replace(
            kept,
            way_id=np.concatenate([kept.way_id, np.zeros(len(chords), np.int64)]),
            kind=np.concatenate([kept.kind, np.array(kept.square_kind, np.int64)[square]]),
        )
    counts = {**kept.counts, "square_chords": len(chords), "squares_not_crossed": large}
    counts |= {"squares_crossed": len(np.unique(square))}
    turns = _placed(kept.turns, ids)
    kept = replace(kept, counts=counts, turns=[])
    del ids, first
    streets, used = _cut(kept, node, way_of, post_of, lon=lon, lat=lat, x=np.asarray(x), y=np.asarray(y), crs=crs)
    del kept, node, lon, lat, x, y, way_of
    give_back()  # what the streets were cut from, before they are laid anew
    streets = _with_turns(_with_posts(streets, post_of[used]), turns, used)
    give_back()
    return streets


def _usable_ways(raw: RawWays) -> RawWays:
    """Leave out the ways that nobody may use on foot or by bicycle; count them."""
    usable = np.array([_anyone(tags) for tags in raw.kinds], bool)[raw.kind]
    if not usable.any():
        raise InputError(f"{raw.source}: none of its {len(usable)} ways may be used on foot or by bicycle")
    told = {"ways": int(usable.sum()), "ways_closed_to_walk_and_bike": int((~usable).sum())}
    return replace(raw.only(usable), counts={**raw.counts, **told})


@lru_cache(maxsize=100_000)
def _anyone(tags: Tags) -> bool:
    uses = (_use(tags, "walk", False), _use(tags, "bike", True))
    return any(side is not Access.NO for use in uses for side in (use.forward, use.backward))


def _cut(
    raw: RawWays,
    node: npt.NDArray[np.signedinteger[Any]],
    way_of: npt.NDArray[np.signedinteger[Any]],
    post_of: Ints,
    *,
    lon: Floats,
    lat: Floats,
    x: Floats,
    y: Floats,
    crs: pyproj.CRS,
) -> tuple[StreetNetwork, Ints]:
    """Cut the node sequences into edges at every node used twice or at a way's end; return which nodes are left."""
    step = way_of[1:] == way_of[:-1]
    step &= node[1:] != node[:-1]  # a node named twice in a row is a slip of the mapper
    if not step.any():
        raise InputError(f"{raw.source}: none of its {len(raw.way_id)} streets has any length")
    tail, head = node[:-1][step], node[1:][step]
    ends = np.bincount(np.concatenate([tail, head]), minlength=len(post_of))
    here = np.flatnonzero(step)
    last = np.ones(len(here), bool)
    last[:-1] = (way_of[here[1:]] != way_of[here[:-1]]) | (head[:-1] != tail[1:])
    junction = (ends != 2) | (post_of >= 0)
    junction[head[last]] = True
    junction[tail[np.concatenate([[True], last[:-1]])]] = True
    closes = last | junction[head]
    opens = np.concatenate([[True], closes[:-1]])
    piece = np.cumsum(opens) - 1
    length = np.bincount(piece, _steps(lon, lat, tail, head)).astype(float)
    order, start = _vertices(tail, head, opens, closes)
    u, v = tail[opens], head[closes]
    is_end = np.zeros(len(post_of), bool)
    is_end[u] = is_end[v] = True
    number, used = np.cumsum(is_end) - 1, np.flatnonzero(is_end)
    way = way_of[here[opens]]
    del step, tail, head, ends, here, last, junction, closes, piece, lon, lat
    streets = StreetNetwork(
        source=raw.source,
        crs=crs,
        u=number[u],
        v=number[v],
        node_count=len(used),
        x=x[order],
        y=y[order],
        start=start,
        length=length,
        kind=raw.kind[way],
        kinds=raw.kinds,
        way_id=raw.way_id[way],
        data_date=raw.data_date,
        when=raw.when,
        counts=raw.counts,
    )
    return streets, used


def _with_turns(streets: StreetNetwork, ruled: list[Turn], used: Ints) -> StreetNetwork:
    """Lay restrictions of turns, whose nodes are places among those before the cut, on the edges; count them."""
    if not ruled:
        return streets
    where = (streets.u, streets.v, streets.way_id)
    turns, bound = forbidden_turns(_placed(ruled, used), *where)
    ways, over = forbidden_ways(ruled, *where)
    pairs = [way for way in ways if len(way) == 2]  # turns like others
    turns = np.unique(np.concatenate([turns, np.array(pairs, np.int64).reshape(-1, 2)]), axis=0)
    long = [way for way in ways if len(way) > 2]
    detours = tuple(apart(long))
    lost = len(set(long)) - len(detours)
    counts = {
        **streets.counts,
        "turns": bound + over - lost,
        "turns_unmatched": streets.counts.get("turns_unmatched", 0) + len(ruled) - bound - over,
        "turns_via_ways": lost,
    }
    return replace(streets, turns=turns, detours=detours, counts=counts)


def _steps(lon: Floats, lat: Floats, tail: Ints, head: Ints) -> Floats:
    """Return metres on the ground from nodes to nodes, some at a time: on the way there are many tables of them."""
    parts = [(tail[some], head[some]) for some in blocks(len(tail))]
    return np.concatenate([ground_lengths(lon[a], lat[a], lon[b], lat[b]) for a, b in parts])


def _placed(turns: list[Turn], nodes: Ints) -> list[Turn]:
    """Return restrictions of turns by the place that their node has among some in order; -1 where it is none."""
    via = np.array([turn.via for turn in turns], np.int64)
    place = np.minimum(np.searchsorted(nodes, via), len(nodes) - 1)
    place = np.where(nodes[place] == via, place, -1)
    return [replace(turn, via=int(row)) for turn, row in zip(turns, place, strict=True)]


def _posts(raw: RawWays, ids: Ints, node: Ints) -> Ints:
    """Return the kind of what stands at each node and hinders somebody: -1 = nothing does.

    A lift that a way of its own stands for is no lift once more at its ends.
    """
    found = np.full(len(ids), -1, np.int64)
    if not len(raw.post_id):
        return found
    place = np.minimum(np.searchsorted(ids, raw.post_id), len(ids) - 1)
    met = ids[place] == raw.post_id
    found[place[met]] = raw.post_kind[met]
    lift = np.array([("highway", "elevator") in tags for tags in raw.kinds], bool)
    drawn = np.zeros(len(ids), bool)
    drawn[node[np.repeat(lift[raw.kind], np.diff(raw.start))]] = True
    plain = ~lift & np.array([_hinders_nobody(tags) for tags in raw.kinds], bool)
    return np.where((found >= 0) & (plain[found] | (lift[found] & drawn)), -1, found)


def _hinders_nobody(tags: Tags) -> bool:
    uses = (_use(tags, "walk", False), _use(tags, "bike", False))
    return all(use.forward is use.backward is Access.YES for use in uses)


def _with_posts(streets: StreetNetwork, post_of: Ints) -> StreetNetwork:
    """Take nodes at which something stands apart: each edge ends at a node of its own there.

    From each of these an edge without length, as the barrier or lift permits, leads to the node in the middle. Where
    nobody gets through there is none. Ways on one storey share their node at a lift: nobody takes it between them, nor
    going on along a way that others meet there.
    """
    ends = np.concatenate([streets.u, streets.v])
    at = np.flatnonzero(post_of[ends] >= 0)
    at = at[(np.bincount(ends[at], minlength=len(post_of)) > 1)[ends[at]]]  # at the end of a way there is no beyond
    middle = ends[at]
    stands = np.unique(middle)
    counts = {**streets.counts, **_counted([streets.kinds[kind] for kind in post_of[stands]])}
    if not len(at):
        return replace(streets, counts=counts)
    open_ = np.array([_anyone(tags) for tags in streets.kinds], bool)[post_of[middle]]
    # Of the edges at a node that nobody passes, one may keep it.
    first = np.zeros(len(at), bool)
    first[np.unique(middle, return_index=True)[1]] = True
    moved = open_ | ~first
    at, middle, open_ = at[moved], middle[moved], open_[moved]
    edge, side = at % len(streets.u), at // len(streets.u)
    door = _doors_of(streets, post_of[middle], middle, edge)
    leads = open_ & (door == np.arange(len(at)))
    doors, own = np.unique(door, return_inverse=True)
    own += streets.node_count
    ends[at] = own
    vertex = np.where(side, streets.start[edge + 1] - 1, streets.start[edge])[leads]
    return replace(
        streets,
        u=np.concatenate([ends[: len(streets.u)], own[leads]]),
        v=np.concatenate([ends[len(streets.u) :], middle[leads]]),
        node_count=streets.node_count + len(doors),
        x=np.concatenate([streets.x, np.repeat(streets.x[vertex], 2)]),
        y=np.concatenate([streets.y, np.repeat(streets.y[vertex], 2)]),
        start=np.concatenate([streets.start, streets.start[-1] + 2 * np.arange(1, len(vertex) + 1)]),
        length=np.concatenate([streets.length, np.zeros(len(vertex))]),
        kind=np.concatenate([streets.kind, post_of[middle[leads]]]),
        way_id=np.concatenate([streets.way_id, streets.way_id[edge[leads]]]),
        counts=counts,
    )


def _doors_of(streets: StreetNetwork, post: Ints, middle: Ints, edge: Ints) -> Ints:
    """Return for each end of an edge at a node where something stands the first end that shares its door.

    At a lift, ends of ways that name the same level have one, so have those that name no level and the same layer, and
    those of one way that names neither and goes on past others there: a way by itself leads to the lift and away from
    it. All others have their own.
    """
    lift = np.array([("highway", "elevator") in tags for tags in streets.kinds], bool)[post]
    named, number = np.array([storey(dict(tags)) for tags in streets.kinds])[streets.kind[edge]].T
    way = streets.way_id[edge]
    ways_there = np.bincount(np.unique(np.column_stack([middle, way]), axis=0)[:, 0])
    door = np.arange(len(middle))
    known = np.flatnonzero(lift & ((named > 0) | (ways_there[middle] > 1)))
    shared = np.column_stack([middle, named, np.where(named > 0, number, way)])[known]
    _, first, same = np.unique(shared, axis=0, return_index=True, return_inverse=True)
    door[known] = known[first[same.ravel()]]
    return door


def _counted(posts: list[Tags]) -> dict[str, int]:
    """Count the barriers that hinder somebody, by whom they hinder, and the lifts at nodes."""
    barriers = [tags for tags in posts if ("highway", "barrier") in tags]
    walk, bike = ([_use(tags, rules, False).forward for tags in barriers] for rules in ("walk", "bike"))
    return {
        "barriers_closed_to_walk": walk.count(Access.NO),
        "barriers_closed_to_bike": bike.count(Access.NO),
        "barriers_at_ends_of_trips": sum(Access.ENDS in uses for uses in zip(walk, bike, strict=True)),
        "lifts_at_nodes": len(posts) - len(barriers),
    }


def _vertices(tail: Ints, head: Ints, opens: npt.NDArray[np.bool_], closes: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the nodes along every edge, one edge after the other, and where each edge starts among them."""
    steps = np.diff(np.append(np.flatnonzero(opens), len(tail)))
    start = np.concatenate([[0], np.cumsum(steps + 1)])
    order = np.empty(start[-1], np.int64)
    is_last = np.zeros(start[-1], bool)
    is_last[start[1:] - 1] = True
    order[~is_last] = tail
    order[is_last] = head[closes]
    return order, start
