"""Time surfaces: the least time to every cell of a grid around a site; compiled kernels and nothing else."""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.network.laying import bounds
from siteplan.routing.streets import FAR, UNSEEN, U, explore, own_chain

__all__ = ["outlines", "search_surface", "spread_places"]


@inner_kernel
def _spread(grid, west, south, cell, x, y, time, reach, pace):  # type: ignore[no-untyped-def]
    """Lower the grid around one place to `time` plus the walk to each cell centre within `reach` metres."""
    first_column = max(0, int(np.ceil((x - reach - west) / cell)))
    last_column = min(grid.shape[1] - 1, int(np.floor((x + reach - west) / cell)))
    first_row = max(0, int(np.ceil((y - reach - south) / cell)))
    last_row = min(grid.shape[0] - 1, int(np.floor((y + reach - south) / cell)))
    for row in range(first_row, last_row + 1):
        dy = south + row * cell - y
        rest = reach * reach - dy * dy
        for column in range(first_column, last_column + 1):
            dx = west + column * cell - x
            worse = grid[U(row), U(column)] - time
            square = pace * pace * (dx * dx + dy * dy)
            if dx * dx <= rest and worse > 0 and square < worse * worse:
                grid[U(row), U(column)] = np.float32(time + np.sqrt(square))


@inner_kernel
def _by_chain(target, from_a, from_b, targets):  # type: ignore[no-untyped-def]
    """Return the cost of a target of what its chain's two ends cost."""
    _, forward, backward, _, _ = targets
    total = from_a + forward[target] if forward[target] >= 0 else np.int64(FAR)
    return min(total, from_b + backward[target]) if backward[target] >= 0 else total


@inner_kernel
def _meet_chains(s, cutoff, graph, hanging, mates, sources, targets, room):  # type: ignore[no-untyped-def]
    """Search from source `s`; return how many targets were met: their numbers stand in `met`, beside it their costs."""
    ends_ptr, ends = hanging
    ptr, arrive = mates
    state, heads, pool, seen, cost, met = room[:6]
    count = explore(s, cutoff, graph, sources, state, heads, pool, seen)
    found = U(0)
    home = sources[2][s]
    if home >= 0:
        from_a, from_b = state[U(arrive[home, 0])] >> 1, state[U(arrive[home, 1])] >> 1
        for target in range(ptr[home], ptr[home + 1]):
            total = min(own_chain(s, target, sources, targets), _by_chain(target, from_a, from_b, targets))
            if total <= cutoff:
                met[found], cost[found] = target, total
                found += U(1)
    for i in range(count):
        node = U(seen[i])
        for k in range(U(ends_ptr[node]), U(ends_ptr[node + U(1)])):
            chain = ends[k]
            a, b = U(arrive[chain, 0]), U(arrive[chain, 1])
            if chain == home or (node != a and state[a] != UNSEEN):  # the other end speaks for both
                continue
            from_a, from_b = state[a] >> 1, state[b] >> 1
            for target in range(U(ptr[chain]), U(ptr[chain + 1])):
                total = _by_chain(target, from_a, from_b, targets)
                if total <= cutoff:
                    met[found], cost[found] = target, total
                    found += U(1)
    for i in range(count):
        state[U(seen[i])] = UNSEEN
    return found


@kernel
def search_surface(s, cutoff, place, xy, grain, search, room):  # type: ignore[no-untyped-def]
    """Search from source `s` and return the time surface around it.

    Parameters
    ----------
    place
        Where the source truly is and where it meets the street: x, y, x, y in metres.
    xy
        Where the targets are, (targets, 2), metres.
    grain
        Cell size and the widest way off the streets (metres), its pace (deciseconds a metre), and the value of cells
        that are not reached.
    search
        Graph, hanging chains, mates, sources and targets, as `prepare_along` lays them out.
    room
        The working arrays (`make_room`).

    Returns
    -------
    grid, west, south
        float32 deciseconds at cell centres, rows from south to north; the centre of the first cell, whose coordinates
        are whole multiples of `cell` wherever the source is.
    """
    cell, reach, pace, far = grain
    graph, hanging, mates, sources, targets = search
    cost, met = room[4], room[5]
    count = _meet_chains(s, cutoff, graph, hanging, mates, sources, targets, room)
    west, east = min(place[0], place[2]), max(place[0], place[2])
    south, north = min(place[1], place[3]), max(place[1], place[3])
    for k in range(count):
        x, y = xy[met[k], 0], xy[met[k], 1]
        west, east, south, north = min(west, x), max(east, x), min(south, y), max(north, y)
    first_column, first_row = np.floor((west - reach) / cell) - 1, np.floor((south - reach) / cell) - 1
    columns = int(np.ceil((east + reach) / cell) + 1 - first_column) + 1
    rows = int(np.ceil((north + reach) / cell) + 1 - first_row) + 1
    grid = np.full((rows, columns), np.float32(far), np.float32)
    west, south = first_column * cell, first_row * cell
    way = np.hypot(place[2] - place[0], place[3] - place[1])
    steps = int(np.ceil(way / cell)) * 2
    for k in range(steps + 1):
        share = k / max(steps, 1)
        x, y = place[0] + share * (place[2] - place[0]), place[1] + share * (place[3] - place[1])
        _spread(grid, west, south, cell, x, y, pace * share * way, reach, pace)
    for k in range(count):
        _spread(grid, west, south, cell, xy[met[k], 0], xy[met[k], 1], cost[k], reach, pace)
    return grid, west, south


@kernel
def spread_places(xy, cost, cell, reach, pace, far):  # type: ignore[no-untyped-def]
    """Return the surface around places, (places, 2) in metres, that are reached at a `cost` each (deciseconds).

    `cell`, `reach`, `pace`, `far` are the grain of `search_surface`, and what is returned is as there; at least one
    place is needed.
    """
    west, south, east, north = bounds(xy[:, 0], xy[:, 1])
    first_column, first_row = np.floor((west - reach) / cell) - 1, np.floor((south - reach) / cell) - 1
    columns = int(np.ceil((east + reach) / cell) + 1 - first_column) + 1
    rows = int(np.ceil((north + reach) / cell) + 1 - first_row) + 1
    grid = np.full((rows, columns), np.float32(far), np.float32)
    west, south = first_column * cell, first_row * cell
    for k in range(len(xy)):
        _spread(grid, west, south, cell, xy[k, 0], xy[k, 1], cost[k], reach, pace)
    return grid, west, south


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
    xy, start, outer
        Vertices, (vertices, 2); where each ring begins among them, and the last ends; of each ring the outer one of its
        polygon: itself or an earlier one. What is below the level is to the left all along.
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
    return traced[:length], start[: count + 1], around[:count]
