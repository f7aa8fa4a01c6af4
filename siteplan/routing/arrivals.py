"""When journeys arrive at targets, departure by departure: what is met is kept, what is not costs nothing.

Departures descend, so that an arrival found at one of them is known to those after it, which are earlier.

With a plan (`siteplan.routing.planning`), what is kept is not when one arrives but how long it took since setting out,
the least of each minute's departures; and, beside it, when one set out.
"""

from typing import Any

import numpy as np

from siteplan.compiled import inner_kernel
from siteplan.routing.streets import U, ascend

__all__ = ["FAR", "arrive", "make_found", "make_room", "per_departure", "per_moment", "take_stock", "widen"]

FAR = np.int32(2**31 - 1)


def make_room(targets: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread for so many targets; they are the same after a search as before.

    The best arrival at each target so far and its place among those met; the targets met, and room for one that is
    not; marks of blocks of targets.
    """
    blocks = np.zeros((targets >> 6) + 1, np.bool_), np.zeros((targets >> 12) + 1, np.bool_)
    return np.full(targets, FAR, np.int32), np.empty(targets, np.int32), np.empty(targets + 1, np.int32), *blocks


@inner_kernel
def widen(found, count, more):  # type: ignore[no-untyped-def]
    """Return the arrivals at the `count` targets met, with room for `more`."""
    wider = np.full((len(found), max(2 * found.shape[1], count + more)), FAR, np.int32)
    for row in range(len(found)):
        for column in range(count):
            wider[row, column] = found[row, column]
    return wider


@inner_kernel
def make_found(departures, plan):  # type: ignore[no-untyped-def]
    """Return room for the first targets met: a row a departure or, with a plan, one a minute and moment, twice."""
    if plan is None:
        return np.full((len(departures), 64), FAR, np.int32)
    return np.full((2 * (plan[2] + plan[3]), 64), FAR, np.int32)


@inner_kernel
def arrive(target, there, m, found, count, room, plan):  # type: ignore[no-untyped-def]
    """Note an arrival `there` at departure `m`, the best so far; return how many targets are met.

    One that is not new is written behind the last: of arrays in a branch, Numba counts references at every call.
    """
    best, place, met = room[0], room[1], room[2]
    new = best[target] == FAR
    met[U(count)] = target
    place[target] = count if new else place[target]
    best[target] = there
    if plan is not None:
        departures, minute = plan[0], plan[1]
        if minute[m] >= 0:
            _keep(found, minute[m], place[target], there - departures[m], departures[m])
    return count + new


@inner_kernel
def _keep(found, row, place, cost, departure):  # type: ignore[no-untyped-def]
    """Keep the least cost of a row and when one set out; of equal ones the last that is given."""
    if cost <= found[row, place]:
        found[row, place], found[len(found) // 2 + row, place] = cost, departure


@inner_kernel
def take_stock(m, found, count, room, plan):  # type: ignore[no-untyped-def]
    """Note for all targets met when one arrives at departure `m`; with a plan what it takes, if a moment's last."""
    best, met = room[0], room[2]
    if plan is None:
        for i in range(count):
            found[U(m), U(i)] = best[U(met[U(i)])]
        return
    departures, minutes, last = plan[0], plan[2], plan[4]
    if last[m] >= 0:
        for i in range(count):
            _keep(found, minutes + last[m], i, best[met[i]] - departures[m], departures[m])


@inner_kernel
def per_departure(departures, cutoff, found, count, room):  # type: ignore[no-untyped-def]
    """Return the targets met, ascending, and their costs at each departure (FAR: above the limit); empty the room."""
    best, place, met, blocks, wide = room
    ascend(best, FAR, met, count, blocks, wide)
    costs = np.empty((count, len(departures)), np.int32)
    for i in range(count):
        target = U(met[U(i)])
        own = U(place[target])
        for m in range(len(departures)):
            there = found[U(m), own]
            costs[U(i), U(m)] = there - departures[U(m)] if there <= departures[U(m)] + cutoff else FAR
        best[target] = FAR
    return met[:count].astype(np.int64), costs


@inner_kernel
def per_moment(cutoff, found, count, room, plan):  # type: ignore[no-untyped-def]
    """Return the targets met, ascending; their costs at each moment of a plan (FAR: above the limit); when to set out.

    Of journeys as quick, that whose departure is nearest to the moment. The room is emptied.
    """
    minutes, moments, wait = plan[2], plan[3], plan[5]
    half = minutes + moments
    best, place, met, blocks, wide = room
    ascend(best, FAR, met, count, blocks, wide)
    costs, at = np.empty((count, moments), np.int32), np.empty((count, moments), np.int32)
    for i in range(count):
        target = U(met[U(i)])
        own, least = place[target], -1
        for m in range(moments):
            if least < m:  # what was the least has passed: look again
                least = m
                for minute in range(m + 1, m + wait):
                    if found[minute, own] < found[least, own]:
                        least = minute
            elif found[m + wait - 1, own] < found[least, own]:
                least = m + wait - 1
            row = minutes + m if found[minutes + m, own] < found[least, own] else least
            cost = found[row, own]
            costs[i, m] = cost if cost <= cutoff else FAR
            at[i, m] = found[half + row, own]
        best[target] = FAR
    return met[:count].astype(np.int64), costs, at
