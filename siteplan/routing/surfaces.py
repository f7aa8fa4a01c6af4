"""Time surfaces: the least time to every cell of a grid around a site; compiled kernels and nothing else."""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.routing.streets import FAR, UNSEEN, U, ascend, explore, own_chain

__all__ = ["outlines", "prepare_places", "search_surface", "spread_places"]

WIDE = 4  # cells a side that may lie less than two cells from a place


@kernel
def prepare_places(xy, cell, pace):  # type: ignore[no-untyped-def]
    """Return which cells lie around places and how far away, which is the same for every search that meets them.

    Parameters
    ----------
    xy
        Where the places are, (places, 2), metres.
    cell, pace
        Cell size (metres), and deciseconds a metre off the streets.

    Returns
    -------
    corner, walk
        The `WIDE` x `WIDE` cells around each place: column and row of the first, int32 (places, 2), counted from the
        origin of the coordinates; and the walk to the centre of each in whole deciseconds, row by row, float32
        (places, `WIDE` squared): infinite where it is two cells or more.
    """
    corner, walk = np.empty((len(xy), 2), np.int32), np.empty((len(xy), WIDE * WIDE), np.float32)
    for place in range(len(xy)):
        x, y = xy[place, 0], xy[place, 1]
        column, row = np.ceil(x / cell) - 2, np.ceil(y / cell) - 2
        corner[place, 0], corner[place, 1] = np.int32(column), np.int32(row)
        for k in range(WIDE * WIDE):
            dx, dy = (column + k % WIDE) * cell - x, (row + k // WIDE) * cell - y
            square = dx * dx + dy * dy
            walk[place, k] = np.float32(np.rint(pace * np.sqrt(square)) if square < 4 * cell * cell else np.inf)
    return corner, walk


@inner_kernel
def _widened(box, corner, met, count):  # type: ignore[no-untyped-def]
    """Return the least and greatest columns and rows where cells begin, those of `count` places met included."""
    west, south, east, north = box
    for k in range(count):
        column, row = np.int64(corner[U(met[k]), 0]), np.int64(corner[U(met[k]), 1])
        west, east, south, north = min(west, column), max(east, column), min(south, row), max(north, row)
    return west, south, east, north


@inner_kernel
def _spread(grid, west, south, places, met, cost, count):  # type: ignore[no-untyped-def]
    """Lower the cells around `count` places met to what each costs plus the walk.

    The four of a row are read before any is written: so compiled code takes them at once.
    """
    corner, walk = places
    columns = grid.shape[1]
    flat = grid.ravel()
    for k in range(count):
        place, time = U(met[k]), np.float32(cost[k])
        first = (corner[place, 1] - south) * columns + corner[place, 0] - west
        for row in range(WIDE):
            at, w = U(first + row * columns), U(row * WIDE)
            a, b, c, d = flat[at], flat[at + U(1)], flat[at + U(2)], flat[at + U(3)]
            e, f = time + walk[place, w], time + walk[place, w + U(1)]
            g, h = time + walk[place, w + U(2)], time + walk[place, w + U(3)]
            flat[at], flat[at + U(1)] = e if e < a else a, f if f < b else b
            flat[at + U(2)], flat[at + U(3)] = g if g < c else c, h if h < d else d


@inner_kernel
def _frame(box, far):  # type: ignore[no-untyped-def]
    """Return a grid of `far` for the cells that begin in a box, with a rim of one around; its first column and row."""
    west, south, east, north = box
    return np.full((north - south + WIDE + 2, east - west + WIDE + 2), np.float32(far), np.float32), west - 1, south - 1


@inner_kernel
def _by_chain(target, from_a, from_b, targets):  # type: ignore[no-untyped-def]
    """Return the cost of a target of what its chain's two ends cost."""
    _, forward, backward, _, _ = targets
    total = from_a + forward[target] if forward[target] >= 0 else np.int64(FAR)
    return min(total, from_b + backward[target]) if backward[target] >= 0 else total


@inner_kernel
def _meet_chains(s, cutoff, graph, hanging, mates, sources, targets, room):  # type: ignore[no-untyped-def]
    """Search from source `s`; return how many targets were met, whose numbers and costs are the last two of `room`.

    The chains met are taken in their order, and not as the search came to them: so memory is near.
    """
    ends_ptr, ends = hanging
    ptr, arrive = mates
    state, heads, pool, seen, marks, chains, blocks, wide, met, cost = room
    count = explore(s, cutoff, graph, sources, state, heads, pool, seen)
    home, reached, found = sources[2][s], U(0), U(0)
    if home >= 0:
        marks[home], chains[0] = 0, home
        reached += U(1)
    for i in range(count):
        node = U(seen[i])
        for k in range(U(ends_ptr[node]), U(ends_ptr[node + U(1)])):
            chain = ends[k]
            if marks[U(chain)] == FAR:
                marks[U(chain)], chains[reached] = 0, chain
                reached += U(1)
    ascend(marks, FAR, chains, np.int64(reached), blocks, wide)
    for i in range(reached):
        chain = U(chains[i])
        marks[chain] = FAR
        from_a, from_b = state[U(arrive[chain, 0])] >> 1, state[U(arrive[chain, 1])] >> 1
        for target in range(U(ptr[chain]), U(ptr[chain + U(1)])):
            total = _by_chain(target, from_a, from_b, targets)
            if chain == home:
                total = min(total, own_chain(s, target, sources, targets))
            if total <= cutoff:
                met[found], cost[found] = target, total
                found += U(1)
    for i in range(count):
        state[U(seen[i])] = UNSEEN
    return np.int64(found)


@kernel
def search_surface(s, cutoff, ends, places, grain, search, room):  # type: ignore[no-untyped-def]
    """Search from source `s` and return the time surface around it.

    Parameters
    ----------
    ends
        Where the source truly is and where it meets the street: x, y, x, y in metres.
    places
        What `prepare_places` returns of the targets.
    grain
        Cell size (metres), the pace off the streets (deciseconds a metre), and the value of cells that are not reached.
    search
        Graph, hanging chains, mates, sources and targets, as `prepare_along` lays them out.
    room
        The working arrays (`make_room`), and one for the targets met and one for their costs, int32.

    Returns
    -------
    grid, west, south
        float32 at cell centres, whole deciseconds, rows from south to north; the centre of the first cell, whose
        coordinates are whole multiples of `cell` wherever the source is.
    """
    cell, pace, far = grain
    graph, hanging, mates, sources, targets = search
    met, cost = room[-2:]
    count = _meet_chains(s, cutoff, graph, hanging, mates, sources, targets, room)
    way = np.hypot(ends[2] - ends[0], ends[3] - ends[1])
    steps = int(np.ceil(way / cell)) * 2
    own, took, on_the_way = np.empty(steps + 1, np.int32), np.empty(steps + 1, np.int32), np.empty((steps + 1, 2))
    for k in range(steps + 1):
        share = k / max(steps, 1)
        own[k], took[k] = k, np.int32(np.rint(pace * way / max(steps, 1) * k))
        on_the_way[k, 0] = ends[0] + share * (ends[2] - ends[0])
        on_the_way[k, 1] = ends[1] + share * (ends[3] - ends[1])
    off = prepare_places(on_the_way, cell, pace)
    first, row = np.int64(off[0][0, 0]), np.int64(off[0][0, 1])
    box = _widened((first, row, first, row), off[0], own, steps + 1)
    grid, west, south = _frame(_widened(box, places[0], met, count), far)
    _spread(grid, west, south, off, own, took, steps + 1)
    _spread(grid, west, south, places, met, cost, count)
    return grid, west * cell, south * cell


@kernel
def spread_places(xy, cost, cell, pace, far):  # type: ignore[no-untyped-def]
    """Return the surface around places, (places, 2) in metres, that are reached at a `cost` each (deciseconds).

    `cell`, `pace`, `far` are the grain of `search_surface`, and what is returned is as there; at least one place is
    needed.
    """
    places = prepare_places(xy, cell, pace)
    every = np.arange(len(xy)).astype(np.int32)
    column, row = np.int64(places[0][0, 0]), np.int64(places[0][0, 1])
    grid, west, south = _frame(_widened((column, row, column, row), places[0], every, len(xy)), far)
    _spread(grid, west, south, places, every, cost, len(xy))
    return grid, west * cell, south * cell


@inner_kernel
def _trace(grid, edge, frame, number, ring, xy, length):  # type: ignore[no-untyped-def]
    """Follow one ring from an edge between two cells, (row, column inside, column outside); return where it ends."""
    row, column, outside = edge
    west, south, cell, level, most = frame
    ahead, aside = outside - column, 0  # from the cell inside to the one outside: columns and rows
    first = length
    i, j = row, column
    while True:
        inner, outer = np.float64(grid[U(i), U(j)]), np.float64(grid[U(i + aside), U(j + ahead)])
        share = (level - inner) / (min(outer, most) - inner)
        # From a centre, which is a whole number: so it is the same in a wider frame.
        xy[length, 0] = west + j * cell + share * ahead * cell
        xy[length, 1] = south + i * cell + share * aside * cell
        length += U(1)
        if aside == 0:
            ring[U(i), U(min(j, j + ahead))] = number
        # On to the next two cells, with what is below to the left.
        up, right = ahead, -aside
        left_side = np.float64(grid[U(i + up), U(j + right)])
        right_side = np.float64(grid[U(i + aside + up), U(j + ahead + right)])
        joined = right_side < level
        if joined and left_side >= level:  # two cells across from each other: what their middle is decides
            joined = inner + right_side + min(outer, most) + min(left_side, most) <= 4 * level
        if joined:
            i, j = i + aside + up, j + ahead + right
            ahead, aside = -right, -up
        elif left_side < level:
            i, j = i + up, j + right
        else:
            ahead, aside = right, up
        if i == row and j == column and aside == 0 and ahead == outside - column:
            break
    xy[length, 0], xy[length, 1] = xy[first, 0], xy[first, 1]
    return length + U(1)


@inner_kernel
def _by_polygon(traced, start, around, count):  # type: ignore[no-untyped-def]
    """Put `count` rings in the order of the outer ones that they are `around`, which come before their holes."""
    follows = np.zeros(count + 1, np.int64)  # how many rings each polygon has; then where its next one stands
    for ring in range(count):
        follows[around[ring]] += 1
    rings, polygons, order = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    found, place = 0, 0
    for ring in range(count):
        if around[ring] == ring:
            polygons[found] = place
            place, follows[ring] = place + follows[ring], place
            found += 1
        order[follows[around[ring]]] = ring
        follows[around[ring]] += 1
    polygons[found] = count
    xy, length = np.empty((start[count], 2)), U(0)
    for k in range(count):
        for vertex in range(U(start[order[k]]), U(start[order[k] + 1])):
            xy[length, 0], xy[length, 1] = traced[vertex, 0], traced[vertex, 1]
            length += U(1)
        rings[k + 1] = length
    return xy, rings, polygons[: found + 1]


@kernel
def outlines(grid, west, south, cell, level, most):  # type: ignore[no-untyped-def]
    """Return the rings around where a surface is below a level: marching squares (Lorensen and Cline 1987), traced.

    Parameters
    ----------
    grid
        float32, (rows, columns); whole numbers, of which none on the rim is below the level.
    west, south, cell
        Where the centre of the first cell is, and from centre to centre (metres).
    level
        Between two whole numbers.
    most
        What counts for values above it.

    Returns
    -------
    xy, rings, polygons
        Vertices, (vertices, 2); where each ring begins among them, and the last ends; where each polygon begins among
        the rings, its outer one first, and the last ends. What is below the level is to the left all along.
    """
    rows, columns = grid.shape
    length = U(0)
    for i in range(rows - 1):
        for j in range(columns - 1):
            below = grid[U(i), U(j)] < level
            length += U(below != (grid[U(i), U(j + 1)] < level)) + U(below != (grid[U(i + 1), U(j)] < level))
    # An edge of the grid has a vertex where a ring crosses it; a ring crosses four at least, and ends where it began.
    traced = np.empty((length + length // U(4), 2))
    ring = np.full((rows, columns), np.int32(-1))  # that crosses the edge from here to the east
    start, around = np.zeros(length // U(4) + U(1), np.int64), np.zeros(length // U(4) + U(1), np.int32)
    count, length = 0, U(0)
    for i in range(rows):
        last = np.int32(-1)
        for j in range(columns - 1):
            enters = grid[U(i), U(j + 1)] < level
            if enters == (grid[U(i), U(j)] < level):
                continue
            if ring[U(i), U(j)] < 0:
                # The first edge of a ring, by row and column, leads into what it is around; else into a hole of the
                # polygon that the ring before is of, as all between the two is below the level.
                around[count] = count if enters else around[last]
                edge = (i, j + 1, j) if enters else (i, j, j + 1)
                length = _trace(grid, edge, (west, south, cell, level, most), count, ring, traced, length)
                count += 1
                start[count] = length
            last = ring[U(i), U(j)]
    return _by_polygon(traced, start, around, count)
