"""The graph one mode searches: chains of streets contracted, nodes numbered along a space-filling curve.

Costs are whole deciseconds, so that sums do not depend on their order. Contraction is exact: a position keeps its
place along the chain, and what is left out are only nodes at which nobody has a choice.

Ways of restricted access (private, destination, ...) may be used at the ends of a trip, never through. A node that
such ways touch stands three times in the graph: as the trip starts (0), on the way (1) and as the trip ends (2);
restricted edges link copies 0 to 0 and 2 to 2, all others 1 to 1, and one may pass from 0 to 1 and from 1 to 2.
Open streets that only restricted ones link to the rest are restricted themselves.

Where one may not turn (bicycles only), a node stands in the graph once for every chain that leads to it and once for
every one that leaves it, and arcs that cost nothing link those between which one may turn.

The graph of edited streets is that of the streets they come from, in which only the chains are laid anew that a changed
edge, or one that meets a changed edge, is part of. What replaces them stands behind the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.config import Profile
from siteplan.errors import NetworkError
from siteplan.memory import reused
from siteplan.network.along import costs_along
from siteplan.network.detours import lay_detours
from siteplan.network.hubs import Hubs
from siteplan.network.laying import components, hilbert, mark_dead_ends, rows, walked
from siteplan.network.oneways import onward, round_trips
from siteplan.network.ordering import ordered
from siteplan.network.streets import Origin, StreetNetwork
from siteplan.network.tags import Access

__all__ = ["LARGE", "Footing", "ModeGraph", "Positions", "footing", "mode_graph", "passed", "stuck"]

Ints = npt.NDArray[np.signedinteger[Any]]  # int32 where large places would fill the memory
Bools = npt.NDArray[np.bool_]

LARGE = 500_000  # edges, as of a region
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

    def some(self, rows: Ints) -> "Positions":
        """Return some of them."""
        return Positions(*(getattr(self, each.name)[rows] for each in fields(self)))

    def followed_by(self, other: "Positions") -> "Positions":
        """Return these and then the others."""
        columns = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return Positions(*map(np.concatenate, columns))


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
    first_copy: Ints  # per node of the streets: its (first) node in the graph; -1 = inside a chain, or not usable
    restricted: Bools  # per node of the streets: it stands three times in the graph

    def positions(self, edge: Ints, metres: npt.NDArray[np.float64], access: Ints) -> Positions:
        """Return the place along its chain of each position: metres from the edge's first node."""
        laid = self.edge_chain, self.edge_flip, self.edge_cost, self.before, self.before_metres, self.length
        chain, forward, backward, along = costs_along(edge, metres, laid, self.backwards)
        return Positions(chain, forward, backward, along, np.asarray(access, np.int64))


@dataclass(frozen=True)
class Footing:
    """What a profile may do with each edge of some streets, whichever way it is searched.

    `cost` (edges, 2) are deciseconds along and against the edge (-1: closed), `ends_only` says that it may be used at
    the ends of a trip only, `trusted` that its component may be linked to; `component` is that of each street node;
    `turns` and `detours` are those that the profile may not make, as in `StreetNetwork`. On edges that are `pushed`
    bicycles are pushed the closed way. No speed changes anything but costs.
    """

    cost: Ints
    usable: Bools
    ends_only: Bools
    trusted: Bools
    component: Ints
    turns: Ints
    detours: tuple[tuple[int, ...], ...]
    pushed: Bools

    def alike(self, other: "Footing", here: Ints, there: Ints) -> Bools:
        """Tell which edges (rows here and there) are used alike in two networks."""
        same: Bools = self.ends_only[here] == other.ends_only[there]
        for side in (0, 1):
            same &= self.cost[here, side] == other.cost[there, side]
        return same


def footing(streets: StreetNetwork, profile: Profile) -> Footing:
    """Return what a profile may do with each edge."""

    def make() -> Footing:
        with reused(len(streets.u) > LARGE):
            return _footing(streets, profile)

    found: Footing = streets.remember(("footing", profile), make)
    return found


def stuck(streets: StreetNetwork, profile: Profile) -> Bools:
    """Tell of each edge whether one-way rules let nobody leave it, and whether they let nobody come to it.

    Shape (edges, 2). Leave it, that is, towards a larger piece of the network, and come from one: a piece in which one
    gets from everywhere to everywhere, and which is no island: of 40 edges, or as large as any. Barred ways that may be
    used at the ends of a trip only are ways out and in here; so is pushing a bicycle, where no other way is left.
    """
    return streets.remember(("stuck", profile), lambda: _stuck(streets, footing(streets, profile).cost))  # type: ignore[no-any-return]


def _stuck(streets: StreetNetwork, cost: Ints) -> Bools:
    found = np.zeros(cost.shape, bool)
    edges = np.flatnonzero(cost.max(axis=1) >= 0)
    u, v, count = streets.u[edges], streets.v[edges], streets.node_count
    along, against = (cost[edges] >= 0).T
    if (along == against).all():
        return found
    tail, head = (np.concatenate(parts).astype(np.int32) for parts in ((u[along], v[against]), (v[along], u[against])))
    piece = round_trips(tail, head, count)
    size = np.bincount(piece[u[(piece[u] == piece[v]) & (streets.length[edges] > 0)]], minlength=int(piece.max()) + 1)
    inside = np.flatnonzero((size >= max(1, min(ISLAND_EDGES, size.max())))[piece]).astype(np.int32)
    into, out = onward(tail, head, inside, count), onward(head, tail, inside, count)
    found[edges, 0] = ~((along & out[v]) | (against & out[u]))
    found[edges, 1] = ~((along & into[u]) | (against & into[v]))
    return found


def _pushed(streets: StreetNetwork, profile: Profile, cost: Ints) -> Bools:
    """Tell on which edges bicycles are pushed because one-way rules leave no other way.

    Who lives in a one-way street that leads nowhere, as at the edge of an extract, gets off there: the street serves
    the ends of trips, at pushing speed the closed way, where one may walk it.
    """
    if profile.rules != "bike" or profile.push:
        return np.zeros(len(cost), bool)
    return np.asarray(np.logical_or(*_stuck(streets, cost).T))


def _with_pushing(streets: StreetNetwork, profile: Profile, cost: Ints, pushed: Bools) -> Ints:
    """Return costs with those of pushing where bicycles are."""
    if not pushed.any():
        return cost
    on_foot = np.column_stack(streets.costs(profile.with_(push=True)))
    return np.where(pushed[:, None] & (cost < 0), on_foot, cost).astype(cost.dtype)


def mode_graph(streets: StreetNetwork, profile: Profile, *, backwards: bool = False) -> ModeGraph:
    """Return the graph of a profile; `backwards` turns every street round, to search towards a site."""
    return streets.remember((profile, backwards), lambda: _graph(streets, profile, backwards))  # type: ignore[no-any-return]


def _graph(streets: StreetNetwork, profile: Profile, backwards: bool) -> ModeGraph:
    use = footing(streets, profile)
    if streets.origin is not None:
        edited = _edited(streets, profile, use, backwards)
        if edited is not None:
            return edited
    with reused(len(streets.u) > LARGE):  # what it is built of is as much again as what is searched
        return _build(streets, use, backwards)


def _footing(streets: StreetNetwork, profile: Profile) -> Footing:
    cost, key = np.column_stack(streets.costs(profile)).astype(np.int32), ("footing", profile.ways)
    known: Footing | None = streets.lasting.get(key)
    if known is None:
        known = streets.lasting[key] = _first_footing(streets, profile, cost)
        return known
    return replace(known, cost=_with_pushing(streets, profile, cost, known.pushed))


def _first_footing(streets: StreetNetwork, profile: Profile, cost: Ints) -> Footing:
    """Work out what a profile may do, where none of the same ways has done so yet."""
    usable: Bools = np.maximum(cost[:, 0], cost[:, 1]) >= 0
    pushed = _pushed(streets, profile, cost)
    cost = _with_pushing(streets, profile, cost, pushed)
    if not usable.any():
        raise NetworkError(f"{streets.source}: no street may be used by profile {profile.name!r} ({profile.rules})")
    ends_only = np.maximum(*streets.uses(profile.rules, push=profile.push, calm=profile.stress)[:2]) == Access.ENDS
    edges = np.flatnonzero(usable)
    u, v = streets.u[edges].astype(np.int32), streets.v[edges].astype(np.int32)
    component = components(u, v, streets.node_count)
    ends_only[edges] |= _behind_gates(u, v, ends_only[edges], component)
    ends_only |= pushed
    size = np.bincount(component[u], streets.length[edges] > 0)
    trusted = usable.copy()
    trusted[edges] = ((size >= ISLAND_EDGES) | (np.arange(len(size)) == size.argmax()))[component[u]]
    trusted &= ~streets.passages  # nobody boards midway
    # Who pushes a bicycle through footways turns on foot as well.
    rides = profile.rules == "bike" and not profile.push
    turns = streets.turns if rides else streets.turns[:0]
    # Ways that cannot be ridden need no rule; nor do those on streets for the ends of trips, which lead nowhere.
    ways = (np.array(way) for way in streets.detours if rides)
    detours = [way for way in ways if (cost[way >> 1, way & 1] >= 0).all() and not ends_only[way >> 1].any()]
    turns = turns[usable[turns >> 1].all(axis=1)]
    long = tuple(tuple(way.tolist()) for way in detours)
    return Footing(cost, usable, ends_only, trusted, component, turns, long, pushed)


def _build(streets: StreetNetwork, use: Footing, backwards: bool) -> ModeGraph:
    edges = np.flatnonzero(use.usable)
    cost = use.cost[:, ::-1] if backwards else use.cost
    chains = _contract(
        streets.u[edges],
        streets.v[edges],
        cost[edges],
        streets.length[edges],
        ends_only=use.ends_only[edges],
        component=use.component,
        stops=_stops(streets, use),
    )
    return _assemble(streets, edges, cost, use, chains=chains, backwards=backwards)


def _stops(streets: StreetNetwork, use: Footing) -> Ints:
    """Return the nodes where turns are ruled."""
    return _tails(streets, [*use.turns[:, 1].tolist(), *(way[place] for way in use.detours for place in (1, -1))])


def _tails(streets: StreetNetwork, halves: Sequence[int]) -> Ints:
    """Return the nodes that half-edges leave."""
    half = np.array(halves, np.int64)
    tails: Ints = np.where(half & 1, streets.v[half >> 1], streets.u[half >> 1])
    return tails


def _behind_gates(u: Ints, v: Ints, ends_only: Bools, component: Ints) -> Bools:
    """Tell which open edges only restricted ones link to the rest: they are restricted themselves.

    Often only the gate of a compound is tagged as private. Of the open pieces of a component, the one with most edges
    is the rest.
    """
    behind = np.zeros(len(u), bool)
    open_ = np.flatnonzero(~ends_only)
    if 0 < len(open_) < len(u):
        piece = components(u[open_], v[open_], len(component))[u[open_]]
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
    u: Ints,
    v: Ints,
    cost: Ints,
    length: npt.NDArray[np.float64],
    *,
    ends_only: Bools,
    component: Ints,
    stops: Ints | None = None,
) -> _Chains:
    """Join edges at nodes without a choice, by walking over half-edges; never at the nodes `stops`.

    Half-edge 2e runs along edge e, 2e + 1 against it; d ^ 1 turns d round.
    """
    m = len(u)
    head = np.column_stack([v, u]).astype(np.int32).ravel()
    along = np.maximum(cost, 0).astype(np.int32).ravel()
    open_ = (cost >= 0).ravel()
    follow = _followers(head, open_, ends_only, component, stops=np.empty(0, int) if stops is None else stops)
    last, ahead, back, far = walked(follow, along, length)
    one, other = last[0::2], last[1::2]  # the half-edges that end the chain on either side
    flip = one > other
    del follow
    first_half, edge = np.minimum(one, other), np.arange(m, dtype=np.int32)
    starts = _those(first_half, 2 * m)
    key, chain = np.flatnonzero(starts), (np.cumsum(starts, dtype=np.int32) - 1)[first_half]
    first_edge = np.empty(len(key), np.int32)
    first_edge[chain[::-1]] = edge[::-1]  # the last that is written stays
    # Along the chain to the edge's first end is what lies after its reverse, travelled back; and the reverse of that.
    both = back.reshape(-1, 2)
    before = np.where(flip[:, None], both, both[:, ::-1])
    before_metres = np.where(flip, far[0::2], far[1::2])
    e = first_edge
    end, begin = head[key], head[np.maximum(one, other)[e]]
    halves = 2 * e[:, None] + (flip[e, None] ^ [False, True])  # along the chain, and against it
    total = np.where(open_[halves], ahead[halves] + back[halves ^ 1] + along[halves], -1)
    ends = np.column_stack([begin, end])
    return _Chains(chain, flip, before, before_metres, ends, total, ends_only[e])


def _passed(head: Ints, open_: Bools, ends_only: Bools, stops: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the nodes without a choice, and the two half-edges that arrive at each.

    A node is passed through when exactly two edges meet there, both open to all and usable in the same directions.
    """
    degree = np.bincount(head, minlength=1)
    passable = degree == 2
    passable[stops[stops < len(passable)]] = False
    node = np.flatnonzero(passable)
    half, first, second = np.arange(len(head), dtype=np.int32), *np.empty((2, len(degree)), np.int32)
    first[head[::-1]], second[head] = half[::-1], half  # the last that is written stays
    first, second = first[node], second[node]
    plain = (first >> 1 != second >> 1) & ~ends_only[first >> 1] & ~ends_only[second >> 1]
    plain &= (open_[first] == open_[second ^ 1]) & (open_[first ^ 1] == open_[second])
    return node[plain], first[plain], second[plain]


def passed(streets: StreetNetwork, use: Footing) -> frozenset[int]:
    """Return the nodes in the middle of streets, where nobody turns round to take a turn that is forbidden.

    None where no turn is forbidden: then nobody gains by turning round.
    """
    if not len(use.turns) and not use.detours:
        return frozenset()
    edges = np.flatnonzero(use.usable)
    head = np.column_stack([streets.v[edges], streets.u[edges]]).ravel()
    found = _passed(head, (use.cost[edges] >= 0).ravel(), use.ends_only[edges], _stops(streets, use))
    return frozenset(found[0].tolist())


def _followers(head: Ints, open_: Bools, ends_only: Bools, component: Ints, *, stops: Ints) -> Ints:
    """Return for each half-edge the one that must follow it, -1 where there is a choice or an end.

    Nodes are passed as `_passed` has it.
    """
    count = len(head)
    n = int(head.max(initial=-1)) + 1
    degree = np.bincount(head, minlength=n)
    node, first, second = _passed(head, open_, ends_only, stops)
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
    streets: StreetNetwork, edges: Ints, cost: Ints, use: Footing, *, chains: _Chains, backwards: bool
) -> ModeGraph:
    """Give the remaining nodes numbers along a Hilbert curve and lay the arcs out in CSR form."""
    restricted = np.zeros(streets.node_count, bool)
    restricted[chains.ends[chains.ends_only]] = True
    present = np.flatnonzero(_those(chains.ends, streets.node_count))
    x, y = _node_places(streets)
    present = present[ordered(hilbert(x[present], y[present]))]
    m = len(streets.u)
    edge_chain, edge_flip = np.full(m, -1, np.int32), np.zeros(m, bool)
    edge_chain[edges], edge_flip[edges] = chains.chain, chains.flip
    halves = use.turns[:, ::-1] ^ 1 if backwards else use.turns
    ways = [np.array(way)[::-1] ^ 1 if backwards else np.array(way) for way in use.detours]
    detours = [_met_ends(streets, way, present, edge_chain, edge_flip=edge_flip) for way in ways]
    forks = np.array([out for way in detours for out in way[::2]], np.int64)
    hubs = Hubs.of(chains.ends, chains.ends_only, _turning(halves, edge_chain, edge_flip), forks)
    copies = np.where(restricted[present], 3, 1)
    copies = np.where(np.isin(present, hubs.nodes), hubs.sizes(present), copies)
    base = np.full(streets.node_count, -1, np.int32)
    base[present] = np.cumsum(copies) - copies
    leave, arrive = _gates(chains.ends, chains.ends_only, base, restricted)
    enter, emerge = hubs.take_apart(base, leave, arrive)
    restricted[hubs.nodes] = False
    count = int(copies.sum())
    tail, head, weight = _arcs(leave, arrive, chains.total, base[restricted], enter=enter, emerge=emerge)
    if len(hubs.nodes):
        both = zip((tail, head, weight), hubs.arcs(leave, arrive, enter=enter, emerge=emerge), strict=True)
        tail, head, weight = (np.concatenate(parts) for parts in both)
    if detours:
        (tail, head, weight), count = lay_detours(
            (tail, head, weight), count, detours, (leave, enter, arrive), total=chains.total
        )
    indptr, arcs = rows(tail, head, weight, count)
    mark_dead_ends(indptr, arcs)
    before, before_metres = np.zeros((m, 2), np.int32), np.zeros(m)
    before[edges], before_metres[edges] = chains.before, chains.before_metres
    return ModeGraph(
        indptr=indptr,
        arcs=arcs,
        total=chains.total,
        leave=leave,
        arrive=arrive,
        edge_chain=edge_chain,
        edge_flip=edge_flip,
        edge_cost=cost,
        before=before,
        before_metres=before_metres,
        length=streets.length,
        usable=use.trusted,
        island=use.usable & ~use.trusted & ~streets.passages,
        backwards=backwards,
        first_copy=base,
        restricted=restricted,
    )


def _turning(halves: Ints, edge_chain: Ints, edge_flip: Bools) -> Ints:
    """Return turns between half-edges as turns between the ends of chains: 2c + 1 is the last end of chain c."""
    edge = halves >> 1
    along = (halves & 1) == edge_flip[edge]
    side = np.column_stack([along[:, 0], ~along[:, 1]])  # one comes out of a chain at its end, and goes in at its start
    ends: Ints = 2 * edge_chain[edge].astype(np.int64) + side
    return ends


def _met_ends(streets: StreetNetwork, halves: Ints, present: Ints, edge_chain: Ints, *, edge_flip: Bools) -> list[int]:
    """Return the ends of chains that a way comes out of and goes into, in turn."""
    node = _tails(streets, halves[1:].tolist())
    pairs = np.column_stack([halves[:-1], halves[1:]])[np.isin(node, present)]
    return [int(end) for end in _turning(pairs, edge_chain, edge_flip).ravel()]


def _those(nodes: Ints, count: int) -> Bools:
    """Tell of each of so many nodes whether it is among some: without sorting these."""
    found = np.zeros(count, bool)
    found[nodes] = True
    return found


def _gates(ends: Ints, ends_only: Bools, base: Ints, restricted: Bools) -> tuple[Ints, Ints]:
    """Return the graph nodes where trips that start on chains enter the graph, and from which they end on them."""
    middle = base[ends] + restricted[ends]  # copy 1 where there are three
    private = ends_only[:, None]
    return np.where(private, base[ends], middle), np.where(private, base[ends] + 2, middle)


def _arcs(
    leave: Ints, arrive: Ints, total: Ints, passes: Ints, *, enter: Ints | None = None, emerge: Ints | None = None
) -> tuple[Ints, Ints, Ints]:
    """Return tails, heads and costs of the arcs that chains make, and between the copies of nodes (the first of each).

    A chain that links copies 0 to 0 links 2 to 2 as well. One goes into a chain at `enter` (by default `leave`) and
    comes out of it, as the trip ends, at `emerge` (`arrive`).
    """
    enter, emerge = leave if enter is None else enter, arrive if emerge is None else emerge
    private = np.flatnonzero((enter[:, 0] != arrive[:, 0]) | (enter[:, 1] != arrive[:, 1]))
    tails, heads, costs = [passes, passes + 1], [passes + 1, passes + 2], [np.zeros(2 * len(passes), np.int32)]
    for side, other in ((0, 1), (1, 0)):
        for at, to, some in (
            (enter, leave, np.flatnonzero(total[:, side] >= 0)),
            (arrive, emerge, private[total[private, side] >= 0]),
        ):
            tails.append(at[some, side])
            heads.append(to[some, other])
            costs.append(total[some, side])
    return np.concatenate(tails), np.concatenate(heads), np.concatenate(costs)


def _edited(streets: StreetNetwork, profile: Profile, use: Footing, backwards: bool) -> ModeGraph | None:
    """Return the graph of edited streets, made of that of the streets before; None where their nodes do not match.

    A chain is laid anew if one of its edges is changed or meets a changed edge. Nodes that no changed edge meets stay
    what they are: ends of chains, or inside them.
    """
    origin = streets.origin
    assert origin is not None  # noqa: S101 - asked only of edited streets
    node, old_use = _nodes_before(streets, origin), footing(origin.base, profile)
    if node is None or any(len(each.turns) or each.detours for each in (use, old_use)):
        return None  # nodes taken apart for turns are not put together again
    old = mode_graph(origin.base, profile, backwards=backwards)
    alike = use.alike(old_use, origin.after, origin.before)
    here, there = origin.after[alike], origin.before[alike]
    known = np.flatnonzero(node >= 0)
    met = _met(streets, use, here)
    met[known] |= _met(origin.base, old_use, there)[node[known]]
    chain = old.edge_chain[there]
    gone = np.zeros(len(old.total) + 1, bool)  # the last is that of edges without a chain
    gone[-1] = True
    gone[np.delete(old.edge_chain, there)] = True
    gone[chain[met[streets.u[here]] | met[streets.v[here]]]] = True
    stays = ~gone[chain]
    here, there, gone = here[stays], there[stays], gone[:-1]
    fresh = use.usable.copy()
    fresh[here] = False
    edges = np.flatnonzero(fresh)
    same = known[~met[known]]
    first, restricted = np.full(streets.node_count, -1, np.int32), np.zeros(streets.node_count, bool)
    first[same], restricted[same] = old.first_copy[node[same]], old.restricted[node[same]]
    cost = use.cost[:, ::-1] if backwards else use.cost
    pieces = (streets.u[edges], streets.v[edges], cost[edges], streets.length[edges], use.ends_only[edges])
    chains = _contract(*pieces[:4], ends_only=pieces[4], component=use.component, stops=np.flatnonzero(first >= 0))
    restricted[chains.ends[chains.ends_only]] = True
    ends = np.unique(chains.ends)
    new = ends[first[ends] < 0]
    copies = np.where(restricted[new], 3, 1)
    before = len(old.indptr) - 1
    first[new] = before + np.cumsum(copies) - copies
    leave, arrive = _gates(chains.ends, chains.ends_only, first, restricted)
    # The arcs of every node are laid anew at which a chain goes or comes.
    anew = np.zeros(before + int(copies.sum()), bool)
    anew[before:] = True
    for nodes in (old.leave[gone], old.arrive[gone], leave, arrive):
        anew[nodes] = True
    total = np.concatenate([np.where(gone[:, None], -1, old.total), chains.total])
    leave, arrive = np.concatenate([old.leave, leave]), np.concatenate([old.arrive, arrive])
    indptr, arcs = _with_rows(old, anew, _arcs(leave, arrive, total, first[restricted & (first >= 0)]))
    m = len(streets.u)
    edge_chain, edge_flip = np.full(m, -1, np.int32), np.zeros(m, bool)
    along, along_metres = np.zeros((m, 2), np.int32), np.zeros(m)
    for column, kept, laid in (
        (edge_chain, old.edge_chain, chains.chain + len(gone)),
        (edge_flip, old.edge_flip, chains.flip),
        (along, old.before, chains.before),
        (along_metres, old.before_metres, chains.before_metres),
    ):
        column[here], column[edges] = kept[there], laid
    return ModeGraph(
        indptr=indptr,
        arcs=arcs,
        total=total,
        leave=leave,
        arrive=arrive,
        edge_chain=edge_chain,
        edge_flip=edge_flip,
        edge_cost=cost,
        before=along,
        before_metres=along_metres,
        length=streets.length,
        usable=use.trusted,
        island=use.usable & ~use.trusted & ~streets.passages,
        backwards=backwards,
        first_copy=first,
        restricted=restricted,
    )


def _nodes_before(streets: StreetNetwork, origin: Origin) -> Ints | None:
    """Return what each node was called before (-1: new), by the edges that stay; None if they do not say it clearly."""
    node = np.full(streets.node_count, -1, np.int64)
    ends = [(streets.u[origin.after], origin.base.u[origin.before])]
    ends.append((streets.v[origin.after], origin.base.v[origin.before]))
    for now, then in ends:
        node[now] = then
    clear = all((node[now] == then).all() for now, then in ends)
    named = node[node >= 0]
    return node if clear and len(named) and np.bincount(named).max() == 1 else None


def _met(streets: StreetNetwork, use: Footing, alike: Ints) -> Bools:
    """Return the nodes that usable edges meet which are not among those alike in both networks."""
    other = use.usable.copy()
    other[alike] = False
    met = np.zeros(streets.node_count, bool)
    met[streets.u[other]] = met[streets.v[other]] = True
    return met


def _with_rows(old: ModeGraph, anew: Bools, arcs: tuple[Ints, Ints, Ints]) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Return the arcs of a graph, those of some nodes laid anew; as `rows`, dead ends marked."""
    tail = np.repeat(np.arange(len(old.indptr) - 1, dtype=np.int32), np.diff(old.indptr))
    kept = np.flatnonzero(~anew[tail])
    head = old.arcs[kept, 0]
    some = anew[arcs[0]]
    before = (tail[kept], np.where(head < 0, ~head, head), old.arcs[kept, 1])
    indptr, laid = rows(
        *(np.concatenate([part, more[some]]) for part, more in zip(before, arcs, strict=True)), len(anew)
    )
    mark_dead_ends(indptr, laid)
    return indptr, laid


def _node_places(streets: StreetNetwork) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    x, y = np.zeros(streets.node_count), np.zeros(streets.node_count)
    for node, vertex in ((streets.u, streets.start[:-1]), (streets.v, streets.start[1:] - 1)):
        x[node], y[node] = streets.x[vertex], streets.y[vertex]
    return x, y
