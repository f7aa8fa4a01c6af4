"""The places that are measured, and one graph of each that every engine can hold."""

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siteplan.config import Profile
from siteplan.inputs.osm import RawWays
from siteplan.network.graph import ModeGraph, Positions, footing, mode_graph
from siteplan.network.streets import StreetNetwork, read_streets

Ints = npt.NDArray[np.int64]

DEGREE = 111_195.0  # metres of one degree of latitude, near enough for a made grid


class MissingError(Exception):
    """A file or an engine that a measurement needs is not here."""


def data(name: str) -> Path:
    """Return a file of the real places.

    Raises
    ------
    MissingError
        It is not there.
    """
    folder = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (folder / name).exists():
        raise MissingError(f"no {name} in {folder}; set SITEPLAN_DATA")
    return folder / name


@dataclass(frozen=True)
class Common:
    """One directed graph of junctions for all engines, and where siteplan keeps the same nodes along its chains.

    `tail`, `head`, `cost` (whole deciseconds) are its arcs: one a pair of nodes, none from a node to itself. `x, y` are
    metres. `nodes` are the nodes used as origins and destinations; `sources` and `targets` are their places on `graph`.
    """

    streets: StreetNetwork
    graph: ModeGraph
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    tail: Ints
    head: Ints
    cost: Ints
    nodes: Ints
    sources: Positions
    targets: Positions

    @property
    def csr(self) -> csr_array:
        """The graph as read, as scipy holds it."""
        return csr_array((self.cost.astype(float), (self.tail, self.head)), shape=(len(self.x),) * 2)

    @property
    def size(self) -> str:
        """Say how large the graph is, as read and as siteplan searches it."""
        arcs = f"{len(self.x):,} nodes, {len(self.tail):,} arcs"
        return f"{arcs}; contracted {len(self.graph.indptr) - 1:,} nodes, {len(self.graph.arcs):,} arcs"


def common(streets: StreetNetwork, profile: Profile, *, backwards: bool = False) -> Common:
    """Lay out the streets that a profile may use all along, for every engine; `backwards` turns every street round.

    Ways for the ends of a trip only are left out: no other engine has such a rule.
    """
    streets = _through_streets(streets, profile)
    graph = mode_graph(streets, profile, backwards=backwards)
    ahead, back = streets.costs(profile)[:: -1 if backwards else 1]
    edge = np.arange(len(streets.u))
    way = np.concatenate([ahead >= 0, back >= 0])
    tail, head = np.concatenate([streets.u, streets.v])[way], np.concatenate([streets.v, streets.u])[way]
    cost, edge = np.concatenate([ahead, back])[way], np.concatenate([edge, edge])[way]
    at_start = np.arange(2 * len(streets.u))[way] < len(streets.u)  # the arc leaves the first end of its edge
    x, y = np.zeros(streets.node_count), np.zeros(streets.node_count)
    x[streets.u], y[streets.u] = streets.x[streets.start[:-1]], streets.y[streets.start[:-1]]
    x[streets.v], y[streets.v] = streets.x[streets.start[1:] - 1], streets.y[streets.start[1:] - 1]
    metres = streets.length[edge]
    # Either end of what has no length, such as a lift, is the same place: none stands for a node.
    nodes, leaving, arriving = _one_of_each(tail, head, np.where(metres > 0, edge, -1), streets.node_count)
    access = np.zeros(len(nodes), np.int64)
    sources = graph.positions(edge[arriving], np.where(at_start[arriving], metres[arriving], 0.0), access)
    inside = graph.edge_chain[edge[leaving]] == graph.edge_chain[edge[arriving]]
    place = np.where(at_start[leaving], 0.0, metres[leaving])
    targets = graph.positions(
        np.where(inside, edge[arriving], edge[leaving]),
        np.where(inside, np.where(at_start[arriving], metres[arriving], 0.0), place),
        access,
    )
    return Common(streets, graph, x, y, *single(tail, head, cost), nodes, sources, targets)


def _through_streets(streets: StreetNetwork, profile: Profile) -> StreetNetwork:
    use = footing(streets, profile)
    kept = np.flatnonzero(use.usable & ~use.ends_only)
    lengths = np.diff(streets.start)[kept]
    start = np.concatenate([[0], np.cumsum(lengths)])
    vertex = np.repeat(streets.start[kept] - start[:-1], lengths) + np.arange(start[-1])
    used, ends = np.unique(np.concatenate([streets.u[kept], streets.v[kept]]), return_inverse=True)
    through = replace(
        streets,
        u=ends[: len(kept)],
        v=ends[len(kept) :],
        node_count=len(used),
        x=streets.x[vertex],
        y=streets.y[vertex],
        start=start,
        length=streets.length[kept],
        kind=streets.kind[kept],
        way_id=streets.way_id[kept],
    )
    # Without them one-way rules may cut off others.
    return _through_streets(through, profile) if footing(through, profile).ends_only.any() else through


def _one_of_each(tail: Ints, head: Ints, edge: Ints, count: int) -> tuple[Ints, Ints, Ints]:
    """Return nodes with one arc that leaves and one that arrives; of a two-way edge if there is one, none of edge -1.

    A place on a one-way edge can only go on along it: to stand for a node, an origin stands at the end of an arc that
    arrives there, a destination at the start of one that leaves.
    """
    leaving, arriving = np.full(count, -1), np.full(count, -1)
    two_way = np.bincount(edge + 1)[edge + 1] == 2
    known = (tail != head) & (edge >= 0)
    for arcs in (np.flatnonzero(known), np.flatnonzero(known & two_way)):
        leaving[tail[arcs]], arriving[head[arcs]] = arcs, arcs
    nodes = np.flatnonzero((leaving >= 0) & (arriving >= 0))
    return nodes, leaving[nodes], arriving[nodes]


def single(tail: Ints, head: Ints, cost: Ints) -> tuple[Ints, Ints, Ints]:
    """Keep the cheapest arc of each pair of nodes and none from a node to itself."""
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    first = np.ones(len(tail), bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    first &= tail != head
    return tail[first], head[first], cost[first]


def only(places: Positions, rows: Ints) -> Positions:
    """Return some of the places."""
    return Positions(*(getattr(places, column.name)[rows] for column in fields(Positions)))


def porto_alegre() -> StreetNetwork:
    """Return the streets of Porto Alegre."""
    return read_streets(data("porto_alegre/poa_osm.pbf"))


def people_at(common: Common) -> npt.NDArray[np.float64]:
    """Return made people at every node of `nodes`: whole numbers, so that any order of adding gives the same."""
    return np.random.default_rng(1).integers(1, 200, len(common.nodes)).astype(float)


def grid(side: int, *, seed: int = 0) -> RawWays:
    """Make a town of side x side crossings some 100 m apart, jittered, with a tenth of the links missing.

    Half the links bend at a node of their own; a seventh are one-way.
    """
    random = np.random.default_rng(seed)
    count = side * side
    number = np.arange(count).reshape(side, side)
    x, y = np.tile(np.arange(side) * 100.0, side), np.repeat(np.arange(side) * 100.0, side)
    x, y = x + random.uniform(-30, 30, count), y + random.uniform(-30, 30, count)
    tail = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    head = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = random.random(len(tail)) > 0.1
    tail, head = tail[kept], head[kept]
    bends = random.random(len(tail)) < 0.5
    middle = np.flatnonzero(bends)
    mx = (x[tail[middle]] + x[head[middle]]) / 2 + random.uniform(-15, 15, len(middle))
    my = (y[tail[middle]] + y[head[middle]]) / 2 + random.uniform(-15, 15, len(middle))
    start = np.concatenate([[0], np.cumsum(2 + bends)])
    refs = np.empty(start[-1], np.int64)
    refs[start[:-1]], refs[start[1:] - 1] = tail, head
    refs[start[middle] + 1] = count + np.arange(len(middle))
    x, y = np.concatenate([x, mx]), np.concatenate([y, my])
    return RawWays(
        source="a made grid",
        refs=refs,
        lon=(3 + x / DEGREE / np.cos(np.radians(45)))[refs],
        lat=(45 + y / DEGREE)[refs],
        start=start,
        way_id=np.arange(len(tail)),
        kind=(random.random(len(tail)) < 1 / 7).astype(np.int64),
        kinds=[(("highway", "residential"),), (("highway", "residential"), ("oneway", "yes"))],
    )
