"""What laying a graph does edge by edge, compiled: time in proportion to the edges, however large the place."""

from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel

__all__ = ["components", "hilbert", "mark_dead_ends", "rows", "walked"]

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]


@kernel
def components(u: Ints, v: Ints, count: int) -> Ints:
    """Return the component of every node, numbered in the order of their first nodes, by union and find."""
    parent = np.arange(count).astype(np.int32)  # none larger than the node itself
    for edge in range(len(u)):
        one, other = u[edge], v[edge]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        parent[max(one, other)] = min(one, other)
    found = 0
    for node in range(count):
        if parent[node] == node:
            parent[node] = found
            found += 1
        else:
            parent[node] = parent[parent[node]]
    return parent


@kernel
def walked(follow: Ints, along: Ints, length: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Walk each chain of half-edges from its end back to its start.

    Return for each half-edge the last of its chain, and what lies between the two: travelled its way, travelled back,
    and in metres. `follow` has what comes after each half-edge (-1: its chain ends), and none in a circle.
    """
    count = len(follow)
    last, ahead, back = np.empty(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int32)
    far = np.zeros(count)
    for end in range(count):
        if follow[end] >= 0:
            continue
        last[end] = here = end
        while follow[here ^ 1] >= 0:
            before = follow[here ^ 1] ^ 1
            last[before] = end
            ahead[before] = ahead[here] + along[here]
            back[before] = back[here] + along[here ^ 1]
            far[before] = far[here] + length[here >> 1]
            here = before
    return last, ahead, back, far


@kernel
def rows(tail: Ints, head: Ints, weight: Ints, count: int) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Sort arcs by tail, the cheapest first, then by head; return where each tail's begin, and (head, cost) of all."""
    indptr = np.zeros(count + 1, np.int64)
    for node in tail:
        indptr[node + 1] += 1
    for node in range(count):
        indptr[node + 1] += indptr[node]
    arcs = np.empty((len(tail), 2), np.int32)
    filled = np.zeros(count, np.int32)
    for arc in range(len(tail)):
        node = tail[arc]
        first, place = indptr[node], indptr[node] + filled[node]
        filled[node] += 1
        # A node has few arcs, so that each is put in its place among those before it.
        while place > first and (
            arcs[place - 1, 1] > weight[arc] or (arcs[place - 1, 1] == weight[arc] and arcs[place - 1, 0] > head[arc])
        ):
            arcs[place, 0], arcs[place, 1] = arcs[place - 1, 0], arcs[place - 1, 1]
            place -= 1
        arcs[place, 0], arcs[place, 1] = head[arc], weight[arc]
    return indptr, arcs


@kernel
def mark_dead_ends(indptr: Ints, arcs: npt.NDArray[np.int32]) -> None:
    """Write ~head where the head of an arc is a dead end: one arc at most leaves it, to where all come from."""
    count = len(indptr) - 1
    dead = indptr[1:] - indptr[:-1] <= 1
    for tail in range(count):
        for arc in range(indptr[tail], indptr[tail + 1]):
            head = arcs[arc, 0]
            if indptr[head] == indptr[head + 1] or arcs[indptr[head], 0] != tail:
                dead[head] = False
    for arc in range(len(arcs)):
        if dead[arcs[arc, 0]]:
            arcs[arc, 0] = ~arcs[arc, 0]


@inner_kernel
def bounds(x: Floats, y: Floats) -> tuple[float, float, float, float]:
    """Return west, south, east, north of some points, one at least.

    Not by NumPy's `min`: a kernel that has it loads SciPy's linear algebra.
    """
    west, south, east, north = x[0], y[0], x[0], y[0]
    for point in range(1, len(x)):
        west, east = min(west, x[point]), max(east, x[point])
        south, north = min(south, y[point]), max(north, y[point])
    return west, south, east, north


@kernel
def hilbert(x: Floats, y: Floats) -> Ints:
    """Return the rank of points along a Hilbert curve of 2^16 steps a side, so that neighbours share memory."""
    west, south, east, north = bounds(x, y)
    size = max(east - west, north - south, 1.0)
    found = np.empty(len(x), np.int64)
    for point in range(len(x)):
        px, py = int((x[point] - west) / size * 65535), int((y[point] - south) / size * 65535)
        rank, side = 0, 32768
        while side:
            right, upper = (px & side) > 0, (py & side) > 0
            rank += side * side * ((3 * right) ^ upper)
            if not upper:
                if right:
                    px, py = 65535 - px, 65535 - py
                px, py = py, px
            side >>= 1
        found[point] = rank
    return found
