"""The segments of streets in square cells of the ground: what lies nearest to a place is found in the cells around it.

Distances are those that GEOS finds, to the last bit, and so are the places along a street.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel

__all__ = ["Segments", "shares_along"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger[Any]]

FAR = 2.0**31  # cells: nothing is so far away
SURE = 1e-3  # metres: far above what coordinates are rounded by


@dataclass(frozen=True, repr=False)
class Segments:
    """Some of the segments of edges, cell by cell.

    Segment `k` runs from vertex k to vertex k + 1 of `x`, `y`. Cell (row, column) is a square of `step` metres, counted
    from the corner `west`, `south`; `vertex[first[n]:first[n + 1]]` are the segments that pass cell n = row x columns
    + column, in order.
    """

    x: Floats
    y: Floats
    west: float
    south: float
    step: float
    columns: int
    rows: int
    first: Ints
    vertex: Ints

    @classmethod
    def of(cls, x: Floats, y: Floats, start: Ints, edges: Ints) -> "Segments":
        """Lay the segments of some edges into cells, about as many as there are segments.

        Parameters
        ----------
        x, y
            Metres, of all vertices.
        start
            Vertices of edge e are `start[e]:start[e + 1]`.
        edges
            Rows of the edges, in order.
        """
        if not len(edges):
            return cls(x, y, 0.0, 0.0, 1.0, 0, 0, np.zeros(1, np.int32), np.zeros(0, np.int32))
        west, south, east, north, count = extent(x, y, start, edges)
        wide, high = east - west, north - south
        step = max((wide * high / count) ** 0.5, max(wide, high) / count, 1.0)
        columns, rows = int(wide / step) + 1, int(high / step) + 1
        first, vertex = lay(x, y, start, edges, west, south, step, columns, rows)
        return cls(x, y, west, south, step, columns, rows, first, vertex)

    def nearest(self, places: Floats, within: Floats) -> tuple[Ints, Floats]:
        """Return the segment nearest to each place and how far it is; of several as near, the first.

        Parameters
        ----------
        places
            Metres, shape (places, 2).
        within
            Metres, shape (places,): farther away there is nothing (-1, at an infinite distance).
        """
        grid = (self.west, self.south, self.step, self.columns, self.rows)
        found: tuple[Ints, Floats] = find_nearest(places, within, self.x, self.y, grid, self.first, self.vertex)
        return found


def shares_along(x: Floats, y: Floats, start: Ints, edge: Ints, *, vertex: Ints, places: Floats) -> Floats:
    """Return where on their edges places lie that are nearest to a segment of them: 0 = first end, 1 = last.

    Places on a line of no length, and those without an edge (-1), lie at its start.
    """
    found: Floats = measure_along(x, y, start, edge, vertex, places)
    return found


@kernel
def extent(x, y, start, edges):  # type: ignore[no-untyped-def]
    """Return west, south, east, north of some edges, and the number of their segments."""
    west, south, east, north, count = np.inf, np.inf, -np.inf, -np.inf, 0
    for e in edges:
        count += start[e + 1] - start[e] - 1
        for v in range(start[e], start[e + 1]):
            west, east = min(west, x[v]), max(east, x[v])
            south, north = min(south, y[v]), max(north, y[v])
    return west, south, east, north, count


@inner_kernel
def _span(low, high, origin, step, most):  # type: ignore[no-untyped-def]
    """Return the first and the last column (or row) of cells that a stretch touches."""
    return max(int((low - origin) / step), 0), min(int((high - origin) / step), most - 1)


@kernel
def lay(x, y, start, edges, west, south, step, columns, rows):  # type: ignore[no-untyped-def]
    """Return the segments that pass each cell: where each cell's begin, and the segments."""
    first = np.zeros(columns * rows + 1, np.int32)
    vertex = np.empty(0, np.int32)
    for again in range(2):
        for e in edges:
            for v in range(start[e], start[e + 1] - 1):
                ax, ay, bx, by = x[v], y[v], x[v + 1], y[v + 1]
                if ax > bx:
                    ax, ay, bx, by = bx, by, ax, ay
                low, high = min(ay, by), max(ay, by)
                left, right = _span(ax - SURE, bx + SURE, west, step, columns)
                for column in range(left, right + 1):
                    bottom, top = low, high
                    if right > left and bx > ax:
                        # The stretch of the segment within the column.
                        slope = (by - ay) / (bx - ax)
                        one = ay + slope * (max(west + column * step, ax) - ax)
                        other = ay + slope * (min(west + (column + 1) * step, bx) - ax)
                        bottom, top = max(min(one, other), low), min(max(one, other), high)
                    lower, upper = _span(bottom - SURE, top + SURE, south, step, rows)
                    for row in range(lower, upper + 1):
                        cell = row * columns + column
                        if again:
                            vertex[first[cell]] = v
                            first[cell] += 1
                        else:
                            first[cell + 1] += 1
        if not again:
            for place in range(1, len(first)):  # not by NumPy: what that needs in a kernel takes long to load
                first[place] += first[place - 1]
            vertex = np.empty(first[-1], np.int32)
    # Each cell's first was moved to where the next begins.
    for place in range(len(first) - 1, 0, -1):
        first[place] = first[place - 1]
    first[0] = 0
    return first, vertex


@inner_kernel
def _apart(px, py, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """Return how far a place is from a segment, as GEOS reckons it."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    if square == 0.0:
        return np.sqrt((px - ax) * (px - ax) + (py - ay) * (py - ay))
    along = ((px - ax) * dx + (py - ay) * dy) / square
    if along <= 0.0:
        return np.sqrt((px - ax) * (px - ax) + (py - ay) * (py - ay))
    if along >= 1.0:
        return np.sqrt((px - bx) * (px - bx) + (py - by) * (py - by))
    aside = ((ay - py) * dx - (ax - px) * dy) / square
    return abs(aside) * np.sqrt(square)


@kernel
def find_nearest(places, within, x, y, grid, first, vertex):  # type: ignore[no-untyped-def]
    """Look into the cells around each place, ring by ring, until none that is left can hold anything as near."""
    west, south, step, columns, rows = grid
    nearest, distance = np.full(len(places), -1, np.int64), np.full(len(places), np.inf)
    for k in range(len(places)):
        px, py = places[k, 0], places[k, 1]
        if columns == 0 or not (np.isfinite(px) and np.isfinite(py)):
            continue
        column = int(np.floor(min(max((px - west) / step, -FAR), FAR)))
        row = int(np.floor(min(max((py - south) / step, -FAR), FAR)))
        best, which = np.inf, -1
        ring = max(0, -column, column - columns + 1, -row, row - rows + 1)
        while True:
            # How far out all was seen.
            seen = min(
                px - (west + (column - ring + 1) * step),
                west + (column + ring) * step - px,
                py - (south + (row - ring + 1) * step),
                south + (row + ring) * step - py,
            )
            if seen > min(best, within[k]) + SURE:
                break
            left, right = max(column - ring, 0), min(column + ring, columns - 1)
            bottom, top = max(row - ring, 0), min(row + ring, rows - 1)
            for r in range(bottom, top + 1):
                whole = r == row - ring or r == row + ring
                for side in range(1 if whole else 2):
                    c, last = left, right
                    if not whole:
                        c = last = column + ring if side else column - ring
                        if c < 0 or c >= columns:
                            continue
                    for n in range(first[r * columns + c], first[r * columns + last + 1]):
                        v = vertex[n]
                        far = _apart(px, py, x[v], y[v], x[v + 1], y[v + 1])
                        if far < best or (far == best and v < which):
                            best, which = far, v
            if column - ring <= 0 and column + ring >= columns - 1 and row - ring <= 0 and row + ring >= rows - 1:
                break
            ring += 1
        if which >= 0 and best <= within[k]:
            nearest[k], distance[k] = which, best
    return nearest, distance


@kernel
def measure_along(x, y, start, edge, vertex, places):  # type: ignore[no-untyped-def]
    """Return how far along its edge, as a share of its length, each place lies that is nearest to a segment of it."""
    share = np.zeros(len(places))
    for k in range(len(places)):
        if edge[k] < 0:
            continue
        total = along = 0.0
        for v in range(start[edge[k]], start[edge[k] + 1] - 1):
            dx, dy = x[v + 1] - x[v], y[v + 1] - y[v]
            square = dx * dx + dy * dy
            long = np.sqrt(square)
            if v == vertex[k]:
                part = ((places[k, 0] - x[v]) * dx + (places[k, 1] - y[v]) * dy) / square if square > 0 else 0.0
                along = total if part <= 0 else total + part * long if part <= 1 else total + long
            total += long
        if total > 0:
            share[k] = along / total
    return share
