"""Where one gets along arcs that are open one way, compiled: each takes time in proportion to the arcs."""

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel

__all__ = ["onward", "round_trips"]

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@inner_kernel
def _by_tail(tail, head, count):  # type: ignore[no-untyped-def]
    """Return where the arcs of each tail begin, and the heads in this order."""
    first = np.zeros(count + 2, np.int64)
    for node in tail:
        first[node + 2] += 1
    for place in range(1, len(first)):  # not by NumPy: what that needs in a kernel takes long to load
        first[place] += first[place - 1]
    heads = np.empty(len(head), np.int32)
    for arc in range(len(head)):
        heads[first[tail[arc] + 1]] = head[arc]
        first[tail[arc] + 1] += 1
    return first, heads


@kernel
def onward(tail: Ints, head: Ints, origins: Ints, count: int) -> Bools:
    """Tell which of so many nodes one gets to along arcs from any of the origins, these among them."""
    first, heads = _by_tail(tail, head, count)
    found = np.zeros(count, np.bool_)
    waiting, left = np.empty(count, np.int32), 0
    for node in origins:
        if not found[node]:
            found[node] = True
            waiting[left] = node
            left += 1
    while left:
        left -= 1
        node = waiting[left]
        for arc in range(first[node], first[node + 1]):
            other = heads[arc]
            if not found[other]:
                found[other] = True
                waiting[left] = other
                left += 1
    return found


@kernel
def round_trips(tail: Ints, head: Ints, count: int) -> Ints:
    """Return the piece of each of so many nodes, in which one gets from everywhere to everywhere along arcs.

    The pieces are numbered from 0, in no order that means anything (Tarjan 1972, with a list in place of recursion).
    """
    first, heads = _by_tail(tail, head, count)
    piece = np.full(count, -1, np.int32)
    met = np.full(count, -1, np.int32)  # the how manieth to be met
    low = np.empty(count, np.int32)  # the earliest met that one gets back to
    arc = first[:-1].copy()  # the next to follow
    open_, path = np.empty(count, np.int32), np.empty(count, np.int32)
    opened = pieces = time = 0
    for start in range(count):
        if met[start] >= 0:
            continue
        path[0], depth = start, 1
        while depth:
            node = path[depth - 1]
            if met[node] < 0:
                met[node] = low[node] = time
                time += 1
                open_[opened] = node
                opened += 1
            if arc[node] < first[node + 1]:
                other = heads[arc[node]]
                arc[node] += 1
                if met[other] < 0:
                    path[depth] = other
                    depth += 1
                elif piece[other] < 0:
                    low[node] = min(low[node], met[other])
                continue
            depth -= 1
            if depth:
                low[path[depth - 1]] = min(low[path[depth - 1]], low[node])
            if low[node] == met[node]:
                while piece[node] < 0:
                    opened -= 1
                    piece[open_[opened]] = pieces
                pieces += 1
    return piece
