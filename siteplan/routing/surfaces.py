"""Time surfaces: the least time to every cell of a grid around a site; compiled kernels and nothing else."""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.routing.streets import FAR, U, meet

__all__ = ["search_surface", "spread_places"]


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
        Graph, hanging targets, mates, sources and targets, as `prepare` lays them out.
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
    best, met = room[4], room[5]
    count = meet(s, cutoff, graph, hanging, mates, sources, targets, room)
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
        _spread(grid, west, south, cell, xy[met[k], 0], xy[met[k], 1], best[met[k]], reach, pace)
        best[met[k]] = FAR
    return grid, west, south


@kernel
def spread_places(xy, cost, cell, reach, pace, far):  # type: ignore[no-untyped-def]
    """Return the surface around places, (places, 2) in metres, that are reached at a `cost` each (deciseconds).

    `cell`, `reach`, `pace`, `far` are the grain of `search_surface`, and what is returned is as there; at least one
    place is needed.
    """
    first_column = np.floor((xy[:, 0].min() - reach) / cell) - 1
    first_row = np.floor((xy[:, 1].min() - reach) / cell) - 1
    columns = int(np.ceil((xy[:, 0].max() + reach) / cell) + 1 - first_column) + 1
    rows = int(np.ceil((xy[:, 1].max() + reach) / cell) + 1 - first_row) + 1
    grid = np.full((rows, columns), np.float32(far), np.float32)
    west, south = first_column * cell, first_row * cell
    for k in range(len(xy)):
        _spread(grid, west, south, cell, xy[k, 0], xy[k, 1], cost[k], reach, pace)
    return grid, west, south
