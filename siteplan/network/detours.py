"""Turns that are forbidden on the way over certain streets, laid into the graph of a mode.

Whoever comes from a street onto another, and may not go on from there to a third, rides on a copy of the one between,
from which one gets everywhere else. Trips that end on the street between, end on the street itself.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["apart", "lay_detours"]

Ints = npt.NDArray[np.signedinteger[Any]]
Arcs = tuple[Ints, Ints, Ints]
Halves = tuple[int, ...]


def apart(ways: Iterable[Halves]) -> list[Halves]:
    """Return those of some forbidden ways (half-edges, three or more) that can be told from each other as one rides.

    Of two that begin with the same two half-edges, or end with them, and differ between, the first is kept; and no
    way's further part begins another.
    """
    kept: list[Halves] = []
    for way in dict.fromkeys(ways):
        if all(_told(way, other) and _told(_turned(way), _turned(other)) for other in kept):
            kept.append(way)
    return kept


def _turned(way: Halves) -> Halves:
    return tuple(half ^ 1 for half in reversed(way))


def _told(one: Halves, other: Halves) -> bool:
    if one[:2] == other[:2]:
        return one[:-1] == other[:-1]
    further = [{*itertools.pairwise(way[1:])} for way in (one, other)]
    return one[:2] not in further[1] and other[:2] not in further[0]


def lay_detours(
    arcs: Arcs, count: int, ways: Sequence[Sequence[int]], nodes: tuple[Ints, Ints, Ints], *, total: Ints
) -> tuple[Arcs, int]:
    """Change the arcs of a graph so that nobody rides any of some ways; return them, and how many nodes there are.

    Parameters
    ----------
    arcs, count
        Tails, heads and costs; nodes so far.
    ways
        Ends of chains, one comes out of and into in turn: out of the first, into and out of those between, into the
        last. All of them open streets that meet at hubs.
    nodes
        `leave`, `enter` and `arrive` of each chain's ends; `arrive` is changed.
    total
        What each chain costs along and against it.
    """
    tail, head, weight = arcs
    leave, enter, arrive = (each.reshape(-1) for each in nodes)  # views
    ruled_out: dict[tuple[int, ...], set[int]] = {}
    for way in ways:
        ruled_out.setdefault(tuple(way[:-1]), set()).add(int(way[-1]))
    starts = leave[[out for way in ways for out in way[:-1:2]]]
    of_starts = np.isin(tail, starts)
    onward: dict[int, list[int]] = {int(start): [] for start in starts}
    for start, to in zip(tail[of_starts].tolist(), head[of_starts].tolist(), strict=True):
        onward[start].append(to)
    goals: dict[int, int] = {}
    more: list[tuple[int, int, int]] = []

    def fresh() -> int:
        nonlocal count
        count += 1
        return count - 1

    def goal(end: int) -> int:
        """Return where trips that end on a chain come to, now apart from where one rides on along it."""
        if end not in goals:
            goals[end] = int(fresh())
            more.append((int(enter[end]), goals[end], 0))
            arrive[end] = goals[end]
        return goals[end]

    def instead(heads: list[int], end: int) -> tuple[list[int], int]:
        """Lead into a copy of the chain; return the heads then, and the copy (-1 where one does not get there)."""
        if int(enter[end]) not in heads:
            return heads, -1
        copy = fresh()
        return [*(each for each in heads if each != enter[end]), copy, goal(end)], copy

    first: dict[tuple[int, ...], int] = {}
    for way in ruled_out:
        start = int(leave[way[0]])
        onward[start], first[way] = instead(onward[start], way[1])
    for way, last in ruled_out.items():
        copy = first[way]
        for place in range(1, len(way), 2):
            if copy < 0:
                break
            into, out = way[place], way[place + 1]
            there = fresh()
            more.append((copy, there, int(total.reshape(-1)[into])))
            heads = list(onward[int(leave[out])])
            if place + 2 < len(way):
                heads, copy = instead(heads, way[place + 2])
            else:
                gone = {int(node[end]) for end in last for node in (enter, arrive)}
                heads = [each for each in heads if each not in gone]
            more += [(there, each, 0) for each in heads]
    more += [(start, each, 0) for start, heads in onward.items() for each in heads]
    tails, ends, costs = np.array(more, np.int64).reshape(-1, 3).T
    kept = (tail[~of_starts], head[~of_starts], weight[~of_starts])
    return tuple(np.concatenate(pair) for pair in zip(kept, (tails, ends, costs), strict=True)), count  # type: ignore[return-value]
