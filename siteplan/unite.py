"""Many areas as one: the outline of their union, traced over all of them at once.

GEOS unites two areas, then two of what it has, and so on: where each overlaps ten others, it cuts again and again what
is not in the outline in the end. Here all crossings are found in one pass; whoever follows a ring knows at each how
many other areas he is in; where that is none, he is on the outline, and where he enters an area, he turns into the ring
of that (Weiler and Atherton 1977, for any number of areas).

Corners are rounded to a millimetre, so that the side of a line on which a corner is can be told exactly. Where corners
or lines fall together, each area counts as moved by next to nothing, the second more than the first, and so on
(Edelsbrunner and Muecke 1990).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from siteplan.compiled import inner_kernel, kernel

__all__ = ["unite_areas"]

GRAIN = 1024.0  # places a metre
MANY = 50_000  # corners: with fewer GEOS is done in a third of a second, and nothing needs to be compiled

Areas = npt.NDArray[np.object_]


def unite_areas(polygons: Areas) -> Any:
    """Return the union of valid polygons in metres, of many corners to a millimetre, as areas.

    Of what only touches it may be told apart or together. Where rounding leaves a doubt, GEOS unites.
    """
    if shapely.get_num_coordinates(polygons).sum() >= MANY:
        united = _outline(shapely.orient_polygons(polygons))  # the inside to the left
        if united is not None:
            return united
    return shapely.union_all(polygons)


def _outline(polygons: Areas) -> Any:
    """Trace the outline of all; None where that led nowhere."""
    rings, of = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = np.rint(xy * GRAIN) / GRAIN
    ends = np.append(0, np.cumsum(np.bincount(ring)))
    room = len(xy)
    depth, count, *crossings = cross(xy, ends, of, room)
    if count > room:
        depth, count, *crossings = cross(xy, ends, of, count)
    pairs, places, enters = (each[:count] for each in crossings)
    segment, (share, drift, less) = np.concatenate(pairs.T), np.concatenate(places.transpose(1, 2, 0), axis=1)
    order = np.lexsort((less, drift, share, segment))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    mate = np.append(rank[count:], rank[:count])[order]
    step = np.append(enters, -enters)[order]
    segment, share = segment[order], share[order]
    outline, found = follow(xy, ends, depth, np.searchsorted(segment, ends), segment, share, step, mate)
    return _put_together(outline, found) if len(found) else None


def _put_together(xy: npt.NDArray[np.float64], ends: npt.NDArray[np.int64]) -> Any:
    """Make areas of closed rings, each hole in the smallest ring around it; None where a hole has none around it."""
    rings: Areas = np.asarray(shapely.linearrings(xy, indices=np.repeat(np.arange(len(ends) - 1), np.diff(ends))))
    filled, outer = np.asarray(shapely.polygons(rings)), shapely.is_ccw(rings)
    size = np.asarray(shapely.area(filled))
    shells, holes = np.flatnonzero(outer & (size > 0)), np.flatnonzero(~outer & (size > 0))
    places = shapely.STRtree(shapely.get_point(rings[holes], 0))
    around, hole = places.query(filled[shells], predicate="contains")
    order = np.lexsort((size[shells[around]], hole))
    first = order[np.diff(hole[order], prepend=-1) > 0]
    if len(first) < len(holes):
        return None
    of = np.append(np.arange(len(shells)), around[first])
    every = rings[np.append(shells, holes)][np.argsort(of, kind="stable")]
    parts = np.split(every, np.cumsum(np.bincount(of))[:-1])
    return shapely.multipolygons([shapely.Polygon(shell, inside) for shell, *inside in parts])


@inner_kernel
def _fields(xy, ends):  # type: ignore[no-untyped-def]
    """Sort segments, by the boxes around them, into the fields of a grid.

    Returns where the first field is, how wide a field is, how many are in a row, and the segments, by field.
    """
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    along = 0.0
    for ring in range(len(ends) - 1):
        for k in range(ends[ring], ends[ring + 1]):
            west, east = min(west, xy[k, 0]), max(east, xy[k, 0])
            south, north = min(south, xy[k, 1]), max(north, xy[k, 1])
            if k + 1 < ends[ring + 1]:
                along += max(abs(xy[k + 1, 0] - xy[k, 0]), abs(xy[k + 1, 1] - xy[k, 1]))
    total = ends[-1]
    wide = max(along / total, 1.0)
    while ((east - west) / wide + 1.0) * ((north - south) / wide + 1.0) > 4.0 * total + 16.0:
        wide *= 1.25
    columns, rows = int((east - west) / wide) + 1, int((north - south) / wide) + 1
    first = np.zeros(columns * rows + 1, np.int64)
    inside = np.empty(0, np.int64)
    for turn in range(2):  # how many there are in each, then which
        for ring in range(len(ends) - 1):
            for k in range(ends[ring], ends[ring + 1] - 1):
                left = int((min(xy[k, 0], xy[k + 1, 0]) - west) / wide)
                right = int((max(xy[k, 0], xy[k + 1, 0]) - west) / wide)
                low = int((min(xy[k, 1], xy[k + 1, 1]) - south) / wide)
                high = int((max(xy[k, 1], xy[k + 1, 1]) - south) / wide)
                for row in range(low, high + 1):
                    for column in range(left, right + 1):
                        field = row * columns + column
                        if turn == 0:
                            first[field + 1] += 1
                        else:
                            inside[first[field]] = k
                            first[field] += 1
        if turn == 0:
            for field in range(columns * rows):
                first[field + 1] += first[field]
            inside = np.empty(first[-1], np.int64)
    for field in range(columns * rows, 0, -1):
        first[field] = first[field - 1]
    first[0] = 0
    return west, south, wide, columns, first, inside


@inner_kernel
def _turn(xy, s, k, later):  # type: ignore[no-untyped-def]
    """Return twice the area that a segment and a corner span, and 1 where the corner is to the left of it, else -1.

    `later`: whether the corner is of an area that is moved more than that of the segment.
    """
    dx, dy = xy[s + 1, 0] - xy[s, 0], xy[s + 1, 1] - xy[s, 1]
    area = dx * (xy[k, 1] - xy[s, 1]) - dy * (xy[k, 0] - xy[s, 0])
    if area != 0.0:
        return area, 1 if area > 0.0 else -1
    left = dy < 0.0 or (dy == 0.0 and dx > 0.0)
    return 0.0, 1 if left == later else -1


@inner_kernel
def _place(xy, s, t, one, other, begins, stops):  # type: ignore[no-untyped-def]
    """Return where along a segment of area `one` another crosses it: how far, and how far that moves with the areas.

    The places are exact, so of what falls together they are equal, and the moves put it in order: those along x or, of
    a segment along x, those along y, which are smaller by far.
    """
    dx, dy = xy[s + 1, 0] - xy[s, 0], xy[s + 1, 1] - xy[s, 1]
    tx, ty = xy[t + 1, 0] - xy[t, 0], xy[t + 1, 1] - xy[t, 1]
    slope = ty * dx - tx * dy
    share = abs(begins) / (abs(begins) + abs(stops))
    return share, (other - one) * ty / slope, -(other * other - one * one) * tx / slope


@kernel
def cross(xy, ends, of, room):  # type: ignore[no-untyped-def]
    """Find where rings of different areas cross, and in how many other areas each ring begins.

    Returns
    -------
    depth, count, pairs, places, enters
        In how many; how many crossings there are, of which the first `room` are told: the two segments, called by their
        first corner; the `_place` along each; and 1 where the first enters the area of the second, which leaves the
        area of the first there, -1 where it is the other way.
    """
    west, south, wide, columns, first, inside = _fields(xy, ends)
    ring_of = np.empty(len(xy), np.int64)
    for ring in range(len(ends) - 1):
        for k in range(ends[ring], ends[ring + 1]):
            ring_of[k] = ring
    pairs, places, enters = np.empty((room, 2), np.int64), np.empty((room, 2, 3)), np.empty(room, np.int64)
    count = 0
    for field in range(len(first) - 1):
        for i in range(first[field], first[field + 1]):
            s = inside[i]
            one = of[ring_of[s]]
            low_x, high_x = min(xy[s, 0], xy[s + 1, 0]), max(xy[s, 0], xy[s + 1, 0])
            low_y, high_y = min(xy[s, 1], xy[s + 1, 1]), max(xy[s, 1], xy[s + 1, 1])
            for j in range(i + 1, first[field + 1]):
                t = inside[j]
                other = of[ring_of[t]]
                left, low = min(xy[t, 0], xy[t + 1, 0]), min(xy[t, 1], xy[t + 1, 1])
                if one == other or left > high_x or low > high_y:
                    continue
                if max(xy[t, 0], xy[t + 1, 0]) < low_x or max(xy[t, 1], xy[t + 1, 1]) < low_y:
                    continue
                # Of the fields that both are in only the first, where their boxes begin to overlap.
                row, column = int((max(low, low_y) - south) / wide), int((max(left, low_x) - west) / wide)
                if field != row * columns + column:
                    continue
                a, begins = _turn(xy, t, s, one > other)
                b, stops = _turn(xy, t, s + 1, one > other)
                if begins == stops:
                    continue
                c, side = _turn(xy, s, t, other > one)
                d, beyond = _turn(xy, s, t + 1, other > one)
                if side == beyond:
                    continue
                count += 1
                if count > room:
                    continue
                k = count - 1
                pairs[k, 0], pairs[k, 1] = s, t
                here, there = _place(xy, s, t, one, other, a, b), _place(xy, t, s, other, one, c, d)
                places[k, 0, 0], places[k, 0, 1], places[k, 0, 2] = here
                places[k, 1, 0], places[k, 1, 1], places[k, 1, 2] = there
                enters[k] = stops
    depth = np.zeros(len(ends) - 1, np.int64)
    for ring in range(len(ends) - 1):
        k = ends[ring]
        row = int((xy[k, 1] - south) / wide)
        for column in range(int((xy[k, 0] - west) / wide) + 1):  # what a ray to the west crosses, counted from within
            field = row * columns + column
            for i in range(first[field], first[field + 1]):
                s = inside[i]
                one, other = of[ring], of[ring_of[s]]
                if one == other or int((min(xy[s, 0], xy[s + 1, 0]) - west) / wide) != column:
                    continue
                above, ends_above = _above(xy, s, k, other > one), _above(xy, s + 1, k, other > one)
                if above != ends_above:
                    _, side = _turn(xy, s, k, one > other)
                    if side == (1 if above else -1):  # the segment is to the west of the corner
                        depth[ring] += 1 if above else -1
    return depth, count, pairs, places, enters


@inner_kernel
def _above(xy, k, than, later):  # type: ignore[no-untyped-def]
    """Tell whether a corner is farther north than another; `later`: it is of an area that is moved more."""
    return xy[k, 1] > xy[than, 1] or (xy[k, 1] == xy[than, 1] and later)


@kernel
def follow(xy, ends, depth, begins, segment, share, step, mate):  # type: ignore[no-untyped-def]
    """Follow rings where they are in no other area, from crossing to crossing.

    Parameters
    ----------
    depth
        As `cross` gives it.
    begins, segment, share, step, mate
        Crossings in order along each ring, and where those of each ring begin: the segment and how far along it; 1
        where another area is entered, -1 where it is left; and which of them is the same crossing on the other ring.

    Returns
    -------
    xy, ends
        The closed rings of the outline; none where rounding put crossings into an order that cannot be.
    """
    nothing = np.empty((0, 2)), np.empty(0, np.int64)
    after, done = np.empty(len(segment), np.int64), np.zeros(len(segment), np.bool_)
    ring_of = np.empty(len(segment), np.int64)
    for ring in range(len(ends) - 1):
        now = depth[ring]
        for event in range(begins[ring], begins[ring + 1]):
            now += step[event]
            after[event], ring_of[event] = now, ring
            if now < 0:
                return nothing
        if now != depth[ring] or now < 0:
            return nothing
    outline, found = np.empty((len(xy) + 2 * len(segment), 2)), np.zeros(len(ends) + len(segment), np.int64)
    at = count = 0
    for ring in range(len(ends) - 1):
        if begins[ring] == begins[ring + 1] and depth[ring] == 0:
            for k in range(ends[ring], ends[ring + 1]):
                outline[at, 0], outline[at, 1] = xy[k, 0], xy[k, 1]
                at += 1
            count += 1
            found[count] = at
        for start in range(begins[ring], begins[ring + 1]):
            if after[start] != 0 or done[start]:
                continue
            event, head = start, at
            while True:
                if done[event] or after[event] != 0 or step[event] != -1:
                    return nothing
                done[event] = True
                k, along = segment[event], share[event]
                for axis in range(2):
                    outline[at, axis] = xy[k, axis] + along * (xy[k + 1, axis] - xy[k, axis])
                at += 1
                here = ring_of[event]
                onward = event + 1
                if onward == begins[here + 1]:
                    onward = begins[here]
                    for k in range(segment[event] + 1, ends[here + 1]):
                        outline[at, 0], outline[at, 1] = xy[k, 0], xy[k, 1]
                        at += 1
                    k = ends[here] + 1
                else:
                    k = segment[event] + 1
                while k <= segment[onward]:
                    outline[at, 0], outline[at, 1] = xy[k, 0], xy[k, 1]
                    at += 1
                    k += 1
                if step[onward] != 1:
                    return nothing
                event = mate[onward]
                if event == start:
                    break
            outline[at, 0], outline[at, 1] = outline[head, 0], outline[head, 1]
            at += 1
            count += 1
            found[count] = at
    return outline[:at].copy(), found[: count + 1].copy()
