"""When journeys arrive at targets, departure by departure: what is met is kept, what is not costs nothing.

Departures descend, so that an arrival found at one of them is known to those after it, which are earlier.
"""

from typing import Any

import numpy as np

from siteplan.compiled import inner_kernel
from siteplan.routing.streets import U, ascend

__all__ = ["FAR", "arrive", "make_room", "per_departure", "widen"]

FAR = np.int32(2**31 - 1)


def make_room(targets: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread for so many targets; they are the same after a search as before.

    The best arrival at each target so far and its row among those met; the targets met; marks of blocks of targets.
    """
    blocks = np.zeros((targets >> 6) + 1, np.bool_), np.zeros((targets >> 12) + 1, np.bool_)
    return np.full(targets, FAR, np.int32), np.empty(targets, np.int32), np.empty(targets, np.int32), *blocks


@inner_kernel
def widen(found, count, more):  # type: ignore[no-untyped-def]
    """Return the arrivals of the `count` targets met, with room for `more`."""
    wider = np.empty((max(2 * len(found), count + more), found.shape[1]), np.int32)
    wider[:count] = found[:count]
    return wider


@inner_kernel
def arrive(target, there, m, found, count, room):  # type: ignore[no-untyped-def]
    """Note an arrival `there` at departure `m` if it is the best so far; return how many targets are met."""
    best, row, met = room[0], room[1], room[2]
    if there < best[target]:
        if best[target] == FAR:
            met[U(count)] = target
            row[target] = count
            for column in range(found.shape[1]):
                found[U(count), U(column)] = FAR
            count += 1
        best[target] = there
        found[U(row[target]), U(m)] = there
    return count


@inner_kernel
def per_departure(departures, cutoff, found, count, room):  # type: ignore[no-untyped-def]
    """Return the targets met, ascending, and their costs at each departure (FAR: above the limit); empty the room."""
    best, row, met, blocks, wide = room
    ascend(best, FAR, met, count, blocks, wide)
    costs = np.empty((count, len(departures)), np.int32)
    for i in range(count):
        target = U(met[U(i)])
        line, least = U(row[target]), FAR
        for m in range(len(departures)):
            least = min(least, found[line, U(m)])
            costs[U(i), U(m)] = least - departures[m] if least <= departures[m] + cutoff else FAR
        best[target] = FAR
    return met[:count].astype(np.int64), costs
