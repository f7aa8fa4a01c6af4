"""One way along the streets, edge by edge: what is behind the minutes between two places."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from siteplan.config import Profile
from siteplan.network.graph import Footing, footing, passed
from siteplan.network.streets import StreetNetwork

__all__ = ["Piece", "Spot", "Way", "find_way"]

Ints = npt.NDArray[np.int64]

PRIVATE, OPEN, LAST = 0, 1, 2  # parts of a trip: on restricted streets where it begins, on open ones, where it ends


class Spot(NamedTuple):
    """Where a place meets a street: the share of its edge, and the deciseconds between the place and the street."""

    edge: int
    share: float
    cost: int


class Piece(NamedTuple):
    """A part of an edge, from one share of it to another, and the deciseconds on it."""

    edge: int
    first: float
    last: float
    cost: int


@dataclass(frozen=True)
class Way:
    """The quickest way from one of some spots to one of others (`start`, `end`: which), off the streets included."""

    cost: int
    start: int
    end: int
    pieces: tuple[Piece, ...]


def find_way(
    streets: StreetNetwork, profile: Profile, starts: Sequence[Spot], ends: Sequence[Spot], *, most: int
) -> Way | None:
    """Return the quickest way within `most` deciseconds, None where there is none.

    The costs are those that the searches of many places add up: the same whole deciseconds an edge, restricted streets
    at the ends of the trip only, no forbidden turns. This one goes edge by edge and remembers where it came from.
    """
    use = footing(streets, profile)
    found = [way for way in _on_one_edge(use, starts, ends) if way.cost <= most]
    ptr, half = streets.remember("half-edges", lambda: _half_edges(streets))
    goals = _goals(streets, use, ends)
    forbidden = _forbidden(use)
    begun = {way[:place] for way in use.detours for place in range(1, len(way))}
    middle = streets.remember(("passed", profile), lambda: passed(streets, use))

    def kept(ridden: tuple[int, ...], node: int) -> tuple[int, ...]:
        """Return the last half-edges that what may follow hangs on: in the middle of a street one goes on."""
        return _kept(ridden, forbidden, begun) or (ridden[-1:] if node in middle else ())

    # Entries: cost, node, part of the trip, the spot set out from, the half-edge that led here, the state before, and
    # the last half-edges once more, as far as it hangs on them what may follow.
    heap = [
        (cost, node, part, s, h, -1, kept((h,), node))
        for s, spot in enumerate(starts)
        for cost, node, part, h in _out(streets, use, spot)
    ]
    heapq.heapify(heap)
    done: set[tuple[int, int, tuple[int, ...]]] = set()
    states: list[tuple[int, int, int, int]] = []  # cost, spot, half-edge, state before
    best: tuple[int, int, int, int] | None = None  # cost, state, half-edge, end
    bound = min([most, *(way.cost for way in found)])
    while heap and heap[0][0] <= bound:
        cost, node, part, start, led, before, bound_by = heapq.heappop(heap)
        if (node, part, bound_by) in done:
            continue
        done.add((node, part, bound_by))
        here, closed = len(states), _closed(bound_by, forbidden, use.detours)
        if node in middle and bound_by:
            closed = {*closed, bound_by[-1] ^ 1}
        states.append((cost, start, led, before))
        for more, asked, last, end in goals.get(node, ()):
            if last in closed:
                continue
            if part == asked and cost + more <= bound and (best is None or cost + more < best[0]):
                best = (cost + more, here, last, end)
                bound = cost + more
        if part < LAST and (node, part + 1, bound_by) not in done:
            heapq.heappush(heap, (cost, node, part + 1, start, -1, here, bound_by))
        for h in half[ptr[node] : ptr[node + 1]].tolist():
            step = int(use.cost[h >> 1, h & 1])
            if step < 0 or bool(use.ends_only[h >> 1]) != (part != OPEN) or h in closed:
                continue
            head = int(streets.u[h >> 1] if h & 1 else streets.v[h >> 1])
            by = kept((*bound_by, h), head)
            if (head, part, by) not in done:
                heapq.heappush(heap, (cost + step, head, part, start, h, here, by))
    if best is not None and (not found or best[0] < min(way.cost for way in found)):
        found = [_traced(use, states, best, (starts, ends))]
    return min(found, key=lambda way: way.cost, default=None)


def _kept(ridden: tuple[int, ...], forbidden: dict[int, set[int]], begun: set[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the last of the half-edges ridden, as many as it hangs on them what may follow."""
    while ridden and ridden not in begun and not (len(ridden) == 1 and ridden[0] in forbidden):
        ridden = ridden[1:]
    return ridden


def _closed(
    ridden: tuple[int, ...], forbidden: dict[int, set[int]], detours: Sequence[tuple[int, ...]]
) -> Collection[int]:
    """Return the half-edges that may not follow those ridden."""
    if not ridden:
        return ()
    ways = {way[-1] for way in detours if ridden[1 - len(way) :] == way[:-1]}
    return ways | forbidden.get(ridden[-1], set())


def _forbidden(use: Footing) -> dict[int, set[int]]:
    """Return by half-edge those that may not follow it."""
    forbidden: dict[int, set[int]] = {}
    for one, other in use.turns.tolist():
        forbidden.setdefault(one, set()).add(other)
    return forbidden


def _half_edges(streets: StreetNetwork) -> tuple[Ints, Ints]:
    """Return the half-edges that leave each node in CSR form: 2e along edge e, 2e + 1 against it."""
    tail = np.column_stack([streets.u, streets.v]).ravel()
    count = np.bincount(tail, minlength=streets.node_count)
    return np.concatenate([[0], np.cumsum(count)]), np.argsort(tail, kind="stable")


def _to(use: Footing, spot: Spot) -> tuple[int, int]:
    """Return the deciseconds on an edge up to a spot, along and against it; -1 where that way is closed."""
    along, against = (int(cost) for cost in use.cost[spot.edge])
    ahead = int(np.round(spot.share * along)) if along >= 0 else -1
    return ahead, int(np.round((1 - spot.share) * against)) if against >= 0 else -1


def _out(streets: StreetNetwork, use: Footing, spot: Spot) -> Iterator[tuple[int, int, int, int]]:
    """Give cost, node, part of the trip and half-edge of setting out from a spot either way."""
    part = PRIVATE if use.ends_only[spot.edge] else OPEN
    for side, (to, node) in enumerate(zip(_to(use, spot), (streets.v, streets.u), strict=True)):
        if to >= 0:
            cost = spot.cost + int(use.cost[spot.edge, side]) - to
            yield cost, int(node[spot.edge]), part, 2 * spot.edge + side


def _goals(streets: StreetNetwork, use: Footing, ends: Sequence[Spot]) -> dict[int, list[tuple[int, int, int, int]]]:
    """Return by node the cost, the part of the trip, the half-edge and the end of the ways that lead to ends."""
    goals: dict[int, list[tuple[int, int, int, int]]] = {}
    for end, spot in enumerate(ends):
        part = LAST if use.ends_only[spot.edge] else OPEN
        for side, (to, node) in enumerate(zip(_to(use, spot), (streets.u, streets.v), strict=True)):
            if to >= 0:
                goals.setdefault(int(node[spot.edge]), []).append((to + spot.cost, part, 2 * spot.edge + side, end))
    return goals


def _on_one_edge(use: Footing, starts: Sequence[Spot], ends: Sequence[Spot]) -> Iterator[Way]:
    """Give the ways between spots that do not leave their edge."""
    for s, start in enumerate(starts):
        for e, end in enumerate(ends):
            if start.edge != end.edge:
                continue
            for from_, to, onward in zip(
                _to(use, start), _to(use, end), (end.share >= start.share, end.share <= start.share), strict=True
            ):
                if from_ >= 0 and onward:
                    piece = Piece(start.edge, start.share, end.share, to - from_)
                    yield Way(start.cost + piece.cost + end.cost, s, e, (piece,))


def _traced(
    use: Footing,
    states: list[tuple[int, int, int, int]],
    best: tuple[int, int, int, int],
    spots: tuple[Sequence[Spot], Sequence[Spot]],
) -> Way:
    """Follow a way back to where it sets out, given where ways may begin and end."""
    starts, ends = spots
    total, state, last, e = best
    to = _to(use, ends[e])[last & 1]
    pieces = [Piece(last >> 1, float(last & 1), ends[e].share, to)]
    while state >= 0:
        _, s, half, before = states[state]
        if half >= 0:
            edge, side = half >> 1, half & 1
            first, cost = float(side), int(use.cost[edge, side])
            if before < 0:
                first, cost = starts[s].share, cost - _to(use, starts[s])[side]
            pieces.append(Piece(edge, first, float(1 - side), cost))
        state = before
    return Way(total, s, e, tuple(pieces[::-1]))
