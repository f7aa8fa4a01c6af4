"""Places along streets: where they are, what it costs to get there from the ends of their chain; the different ones."""

from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import kernel

__all__ = ["costs_along", "distinct", "evenly", "points_along"]

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]


def distinct(places: Floats) -> Floats:
    """Return places, (places, 2), once each, by x and then y; sorted first, a fifth of what NumPy's `unique` takes."""
    xy = np.sort(np.ascontiguousarray(places).view(np.complex128).ravel())
    new = np.ones(len(xy), bool)
    new[1:] = xy[1:] != xy[:-1]
    return xy[new].view(np.float64).reshape(-1, 2)


@kernel
def evenly(edges: Ints, length: Floats, step: float) -> tuple[Ints, Floats]:
    """Return places at even distances of at most `step` metres along edges, both ends included: edge and share."""
    count = 0
    for edge in edges:
        count += max(1, int(np.ceil(length[edge] / step))) + 1
    found, share, at = np.empty(count, np.int64), np.empty(count), 0
    for edge in edges:
        pieces = max(1, int(np.ceil(length[edge] / step)))
        for piece in range(pieces + 1):
            found[at], share[at] = edge, piece / pieces
            at += 1
    return found, share


@kernel
def points_along(edge: Ints, share: Floats, start: Ints, lines: tuple[Floats, Floats, Floats]) -> Floats:
    """Return x, y of places on edges, (places, 2), each by its share of the edge's line.

    `lines` are x and y of all vertices and the metres to each along all edges put end to end; those of edge `e` begin
    at `start[e]`.
    """
    x, y, far = lines
    found = np.empty((len(edge), 2))
    for place in range(len(edge)):
        left, last = start[edge[place]], start[edge[place] + 1] - 1
        along, right = far[left] + share[place] * (far[last] - far[left]), last - 1
        while left < right:  # to the last vertex, but for the end, that is not beyond the place
            middle = (left + right + 1) // 2
            if far[middle] <= along:
                left = middle
            else:
                right = middle - 1
        step = far[left + 1] - far[left]
        part = min(max((along - far[left]) / step, 0.0), 1.0) if step > 0 else 0.0
        found[place, 0] = x[left] + part * (x[left + 1] - x[left])
        found[place, 1] = y[left] + part * (y[left + 1] - y[left])
    return found


@kernel
def costs_along(edge: Ints, metres: Floats, laid: tuple[Any, ...], backwards: bool) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the chain of each place on an edge, the costs from its start and from its end (-1: closed), and metres.

    `laid` are `edge_chain`, `edge_flip`, `edge_cost`, `before`, `before_metres` and `length` of a `ModeGraph`. The
    roundings are those of true travel, whichever way the search runs.
    """
    edge_chain, edge_flip, edge_cost, before, before_metres, length = laid
    count = len(edge)
    chain, forward, backward = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    far = np.empty(count)
    for place in range(count):
        here, onward = edge[place], metres[place]
        along, against, long = edge_cost[here, 0], edge_cost[here, 1], length[here]
        share = min(max(onward / max(long, 1e-9), 0.0), 1.0)
        if backwards:
            ahead, back = along - np.rint((1 - share) * along), against - np.rint(share * against)
        else:
            ahead, back = np.rint(share * along), np.rint((1 - share) * against)
        if edge_flip[here]:
            along, against, ahead, back, onward = against, along, back, ahead, long - onward
        chain[place], far[place] = edge_chain[here], before_metres[here] + onward
        forward[place] = before[here, 0] + np.int64(ahead) if along >= 0 else -1
        backward[place] = before[here, 1] + np.int64(back) if against >= 0 else -1
    return chain, forward, backward, far
