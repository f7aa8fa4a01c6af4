"""The graph one mode searches: chains of streets contracted, nodes numbered along a space-filling curve.

Costs are whole deciseconds, so that sums do not depend on their order. Contraction is exact: a position keeps its
place along the chain, and what is left out are only nodes at which nobody has a choice.

Ways of restricted access (private, destination, ...) may be used at the ends of a trip, never through. A node that
such ways touch stands three times in the graph: as the trip starts (0), on the way (1) and as the trip ends (2);
restricted edges link copies 0 to 0 and 2 to 2, all others 1 to 1, and one may pass from 0 to 1 and from 1 to 2.
Open streets that only restricted ones link to the rest are restricted themselves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from siteplan.config import Profile
from siteplan.errors import NetworkError
from siteplan.network.streets import StreetNetwork
from siteplan.network.tags import Access

__all__ = ["ModeGraph", "Positions", "mode_graph"]

Ints = npt.NDArray[np.signedinteger[Any]]  # int32 where large places would fill the memory
Bools = npt.NDArray[np.bool_]

ISLAND_EDGES = 40  # R5 prunes street islands below this size; the largest component is never one


@dataclass(frozen=True)
class Positions:
    """Places along chains: from the chain's start forward, and from its end backward, in deciseconds; -1 = closed.

    `metres` orders positions on one chain; `access` is the way between the true position and the street.
    """

    chain: Ints
    forward: Ints
    backward: Ints
    metres: npt.NDArray[np.float64]
    access: Ints

    def __len__(self) -> int:
        return len(self.chain)


@dataclass(frozen=True)
class ModeGraph:
    """A directed graph in CSR form and the chains it is made of.

    `arcs[indptr[n]:indptr[n + 1]]` are (head, cost) of the arcs that leave node n, cheapest first; the head of a dead
    end, from which one can only return, stands as ~head. Chain c runs from node `ends[c, 0]`
    to `ends[c, 1]` in `total[c, 0]` deciseconds, and back in `total[c, 1]` (-1: not that way). `leave[c]` are the nodes
    where a trip that starts on the chain enters the graph, `arrive[c]` those from which a trip ends on it.
    """

    indptr: Ints
    arcs: npt.NDArray[np.int32]
    total: Ints
    leave: Ints
    arrive: Ints
    edge_chain: Ints  # per edge of the streets; -1 = not usable
    edge_flip: Bools
    edge_cost: Ints  # (edges, 2): along and against the edge; -1 = closed
    before: Ints  # (edges, 2): along the chain to the edge's first end; back along the chain to its second
    before_metres: npt.NDArray[np.float64]
    length: npt.NDArray[np.float64]
    usable: Bools  # in a component one may be linked to
    island: Bools  # usable, but in a component too small to be trusted
    backwards: bool

    def positions(self, edge: Ints, metres: npt.NDArray[np.float64], access: Ints) -> Positions:
        """Return the place along its chain of each position: metres from the edge's first node."""
        along, against = self.edge_cost[edge].T
        share = np.clip(metres / np.maximum(self.length[edge], 1e-9), 0, 1)
        # The canonical roundings are those of true travel, whichever way the search runs.
        if self.backwards:
            ahead, back = along - np.round((1 - share) * along), against - np.round(share * against)
        else:
            ahead, back = np.round(share * along), np.round((1 - share) * against)
        flip = self.edge_flip[edge]
        first, second = np.where(flip, back, ahead).astype(np.int64), np.where(flip, ahead, back).astype(np.int64)
        open_first, open_second = np.where(flip, against, along) >= 0, np.where(flip, along, against) >= 0
        before = self.before[edge]
        return Positions(
            chain=self.edge_chain[edge],
            forward=np.where(open_first, before[:, 0] + first, -1),
            backward=np.where(open_second, before[:, 1] + second, -1),
            metres=self.before_metres[edge] + np.where(flip, self.length[edge] - metres, metres),
            access=np.asarray(access, np.int64),
        )


def mode_graph(streets: StreetNetwork, profile: Profile, *, backwards: bool = False) -> ModeGraph:
    """Return the graph of a profile; `backwards` turns every street round, to search towards a site."""
    return streets.remember((profile, backwards), lambda: _build(streets, profile, backwards))  # type: ignore[no-any-return]


def _build(streets: StreetNetwork, profile: Profile, backwards: bool) -> ModeGraph:
    forward, backward = streets.costs(profile)
    if backwards:
        forward, backward = backward, forward
    cost = np.column_stack([forward, backward]).astype(np.int32)
    del forward, backward
    usable = (cost >= 0).any(axis=1)
    if not usable.any():
        raise NetworkError(f"{streets.source}: no street may be used by profile {profile.name!r} ({profile.rules})")
    ends_only = np.maximum(*streets.uses(profile.rules, push=profile.push)[:2]) == Access.ENDS
    edges = np.flatnonzero(usable)
    u, v = streets.u[edges], streets.v[edges]
    component = connected_components(
        coo_array((np.ones(len(edges), np.int8), (u, v)), shape=(streets.node_count,) * 2), directed=False
    )[1]
    ends_only[edges] |= _behind_gates(u, v, ends_only[edges], component)
    size = np.bincount(component[u])
    trusted = (size >= ISLAND_EDGES) | (np.arange(len(size)) == size.argmax())
    chains = _contract(u, v, cost[edges], streets.length[edges], ends_only[edges], component)
    return _assemble(streets, edges, cost, trusted[component[u]], chains, backwards)


def _behind_gates(u: Ints, v: Ints, ends_only: Bools, component: Ints) -> Bools:
    """Tell which open edges only restricted ones link to the rest: they are restricted themselves.

    Often only the gate of a compound is tagged as private. Of the open pieces of a component, the one with most edges
    is the rest.
    """
    behind = np.zeros(len(u), bool)
    open_ = np.flatnonzero(~ends_only)
    if 0 < len(open_) < len(u):
        links = coo_array((np.ones(len(open_), np.int8), (u[open_], v[open_])), shape=(len(component),) * 2)
        piece = connected_components(links, directed=False)[1][u[open_]]
        whole = component[u[open_]]
        by_size = np.lexsort((piece, -np.bincount(piece)[piece], whole))
        wholes, first = np.unique(whole[by_size], return_index=True)
        rest = np.zeros(int(wholes.max()) + 1, np.int64)
        rest[wholes] = piece[by_size[first]]
        behind[open_] = piece != rest[whole]
    return behind


@dataclass(frozen=True)
class _Chains:
    """Edges in order along chains: which chain, turned round or not, what lies before, and the chains' ends."""

    chain: Ints
    flip: Bools
    before: Ints
    before_metres: npt.NDArray[np.float64]
    ends: Ints
    total: Ints
    ends_only: Bools


def _contract(
    u: Ints, v: Ints, cost: Ints, length: npt.NDArray[np.float64], ends_only: Bools, component: Ints
) -> _Chains:
    """Join edges at nodes without a choice, by pointer doubling over half-edges.

    Half-edge 2e runs along edge e, 2e + 1 against it; d ^ 1 turns d round.
    """
    m = len(u)
    head = np.column_stack([v, u]).astype(np.int32).ravel()
    along = np.maximum(cost, 0).astype(np.int32).ravel()
    open_ = (cost >= 0).ravel()
    follow = _followers(head, open_, ends_only, component)
    metres = np.repeat(length, 2)
    has = follow >= 0
    last = np.where(has, follow, np.arange(2 * m, dtype=np.int32))
    # What lies after each half-edge up to its chain's end: travelled its way, travelled back, and in metres.
    ahead = np.where(has, along[last], 0)
    back = np.where(has, along[last ^ 1], 0)
    far = np.where(has, metres[last], 0.0)
    while True:
        beyond = last[last]
        if (beyond == last).all():
            break
        ahead, back, far, last = ahead + ahead[last], back + back[last], far + far[last], beyond
    one, other = last[0::2], last[1::2]  # the half-edges that end the chain on either side
    flip = one > other
    key, first_edge, chain = np.unique(np.minimum(one, other), return_index=True, return_inverse=True)
    # Along the chain to the edge's first end is what lies after its reverse, travelled back; and the reverse of that.
    before = np.where(
        flip[:, None], np.column_stack([back[0::2], back[1::2]]), np.column_stack([back[1::2], back[0::2]])
    )
    before_metres = np.where(flip, far[0::2], far[1::2])
    e = first_edge
    end, begin = head[key], head[np.maximum(one, other)[e]]
    total_ahead = np.where(
        flip[e], ahead[2 * e + 1] + back[2 * e] + along[2 * e + 1], ahead[2 * e] + back[2 * e + 1] + along[2 * e]
    )
    total_back = np.where(
        flip[e], ahead[2 * e] + back[2 * e + 1] + along[2 * e], ahead[2 * e + 1] + back[2 * e] + along[2 * e + 1]
    )
    open_ahead = np.where(flip[e], open_[2 * e + 1], open_[2 * e])
    open_back = np.where(flip[e], open_[2 * e], open_[2 * e + 1])
    total = np.column_stack([np.where(open_ahead, total_ahead, -1), np.where(open_back, total_back, -1)])
    ends = np.column_stack([begin, end])
    return _Chains(chain, flip, before, before_metres, ends, total, ends_only[e])


def _followers(head: Ints, open_: Bools, ends_only: Bools, component: Ints) -> Ints:
    """Return for each half-edge the one that must follow it, -1 where there is a choice or an end.

    A node is passed through when exactly two edges meet there, both open to all and usable in the same directions.
    """
    count = len(head)
    n = int(head.max()) + 1
    degree = np.bincount(head, minlength=n)
    arriving = np.argsort(head, kind="stable")
    start = np.concatenate([[0], np.cumsum(degree)])
    node = np.flatnonzero(degree == 2)
    first, second = arriving[start[node]], arriving[start[node] + 1]
    plain = (first >> 1 != second >> 1) & ~ends_only[first >> 1] & ~ends_only[second >> 1]
    plain &= (open_[first] == open_[second ^ 1]) & (open_[first ^ 1] == open_[second])
    node, first, second = node[plain], first[plain], second[plain]
    # A ring without any junction must be cut somewhere: at its first node.
    inner = np.zeros(n, bool)
    inner[node] = True
    present = np.flatnonzero(degree > 0)
    junctions = np.bincount(component[present], ~inner[present], int(component.max()) + 1)
    ring = np.flatnonzero(junctions[component[node]] == 0)
    cut = ring[np.unique(component[node[ring]], return_index=True)[1]]
    keep = np.ones(len(node), bool)
    keep[cut] = False
    follow = np.full(count, -1, np.int32)
    follow[first[keep]] = second[keep] ^ 1
    follow[second[keep]] = first[keep] ^ 1
    return follow


def _assemble(
    streets: StreetNetwork, edges: Ints, cost: Ints, trusted: Bools, chains: _Chains, backwards: bool
) -> ModeGraph:
    """Give the remaining nodes numbers along a Hilbert curve and lay the arcs out in CSR form."""
    restricted = np.zeros(streets.node_count, bool)
    restricted[chains.ends[chains.ends_only]] = True
    present = np.unique(chains.ends)
    x, y = _node_places(streets)
    present = present[np.argsort(_hilbert(x[present], y[present]), kind="stable")]
    copies = np.where(restricted[present], 3, 1)
    base = np.full(streets.node_count, -1, np.int32)
    base[present] = np.cumsum(copies) - copies
    middle = base + restricted  # copy 1 where there are three
    a, b = chains.ends.T
    leave = np.where(chains.ends_only[:, None], base[chains.ends], middle[chains.ends])
    arrive = np.where(chains.ends_only[:, None], base[chains.ends] + 2, middle[chains.ends])
    passes = base[restricted]
    tails, heads, costs = [passes, passes + 1], [passes + 1, passes + 2], [np.zeros(2 * len(passes), np.int32)]
    for tail, head, total in ((a, b, chains.total[:, 0]), (b, a, chains.total[:, 1])):
        through = (total >= 0) & ~chains.ends_only
        private = (total >= 0) & chains.ends_only
        tails += [middle[tail[through]], base[tail[private]], base[tail[private]] + 2]
        heads += [middle[head[through]], base[head[private]], base[head[private]] + 2]
        costs += [total[through], total[private], total[private]]
    tail, head, weight = (np.concatenate(part) for part in (tails, heads, costs))
    count = int(copies.sum())
    order = np.lexsort((head, weight, tail))
    named = np.where(_dead_ends(tail, head, count)[head], ~head, head)
    m = len(streets.u)
    edge_chain, edge_flip = np.full(m, -1, np.int64), np.zeros(m, bool)
    before, before_metres = np.zeros((m, 2), np.int32), np.zeros(m)
    usable, island = np.zeros(m, bool), np.zeros(m, bool)
    edge_chain[edges], edge_flip[edges] = chains.chain, chains.flip
    before[edges], before_metres[edges] = chains.before, chains.before_metres
    usable[edges], island[edges] = trusted, ~trusted
    return ModeGraph(
        indptr=np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=count))]),
        arcs=np.column_stack([named, weight])[order].astype(np.int32),
        total=chains.total,
        leave=leave,
        arrive=arrive,
        edge_chain=edge_chain,
        edge_flip=edge_flip,
        edge_cost=cost,
        before=before,
        before_metres=before_metres,
        length=streets.length,
        usable=usable,
        island=island,
        backwards=backwards,
    )


def _dead_ends(tail: Ints, head: Ints, count: int) -> Bools:
    """Return the nodes from which one can only return: a single arc leaves, and all that arrive come from its head."""
    onward = np.full(count, -1, np.int64)
    onward[tail] = head
    dead = np.bincount(tail, minlength=count) <= 1
    dead[head[onward[head] != tail]] = False
    return dead


def _node_places(streets: StreetNetwork) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    x, y = np.zeros(streets.node_count), np.zeros(streets.node_count)
    for node, vertex in ((streets.u, streets.start[:-1]), (streets.v, streets.start[1:] - 1)):
        x[node], y[node] = streets.x[vertex], streets.y[vertex]
    return x, y


def _hilbert(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Ints:
    """Return the rank of points along a Hilbert curve of 2^16 steps a side, so that neighbours share memory."""
    size = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    px, py = (((values - values.min()) / size * 65535).astype(np.int64) for values in (x, y))
    rank = np.zeros(len(x), np.int64)
    side = 32768
    while side:
        right, upper = (px & side) > 0, (py & side) > 0
        rank += side * side * ((3 * right) ^ upper)
        mirror = ~upper & right
        px, py = np.where(mirror, 65535 - px, px), np.where(mirror, 65535 - py, py)
        px, py = np.where(upper, px, py), np.where(upper, py, px)
        side >>= 1
    return rank
