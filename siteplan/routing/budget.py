"""Earliest arrivals by timetable when the walks of a journey, added up, have a limit: a compiled kernel, nothing else.

The rounds of `siteplan.routing.transit`, with labels in place of single times (McRAPTOR: Delling, Pajor and Werneck
2015): whoever is somewhere later may have walked less, and so get further. A label is dropped only where another, with
no more rides, is no later and has walked no more; those of later departures count, too. Several times slower, and for
this question only. Arrays as there, and `foot_walk` (k): how much of each change is walked, the rest being time that
the timetable asks for.
"""

from typing import Any

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.routing.arrivals import arrive, make_found, make_room, per_departure, per_moment, take_stock, widen
from siteplan.routing.streets import U

__all__ = ["make_limited_room", "search_limited"]

READY, OFF, ABOARD = (
    0,
    1,
    2,
)  # at a stop, from when on; off a ride, at what time; on which trip, at a place of a pattern
KIND, OWNER, ROUND, VALUE, WALK, NEXT = 0, 1, 2, 3, 4, 5  # columns of a label; the owner is a stop or a place


@inner_kernel
def _add(heads, pool, used, kind, owner, k, value, walk):  # type: ignore[no-untyped-def]
    """Add a label unless another is as good, and take out those it beats; return the labels and how many there are."""
    before, label = -1, heads[owner]
    while label >= 0:
        after = pool[label, NEXT]
        if pool[label, ROUND] <= k and pool[label, VALUE] <= value and pool[label, WALK] <= walk:
            return pool, used
        if pool[label, ROUND] >= k and pool[label, VALUE] >= value and pool[label, WALK] >= walk:
            if before < 0:
                heads[owner] = after
            else:
                pool[before, NEXT] = after
        else:
            before = label
        label = after
    if used == len(pool):
        larger = np.empty((2 * len(pool), 6), np.int32)
        for row in range(used):
            for column in range(6):
                larger[row, column] = pool[row, column]
        pool = larger
    pool[used, KIND], pool[used, OWNER], pool[used, ROUND] = kind, owner, k
    pool[used, VALUE], pool[used, WALK], pool[used, NEXT] = value, walk, heads[owner]
    heads[owner] = used
    return pool, used + 1


@inner_kernel
def _ride_on(label, latest, timetable, aboard, off_at, pool, used):  # type: ignore[no-untyped-def]
    """Get on the first vehicle of every pattern at the stop of a label, and off again wherever one may."""
    pattern_ptr, stops, board, alight, time_ptr, on, off, call_ptr, calls = timetable
    stop, k, ready, walk = pool[label, OWNER], pool[label, ROUND], pool[label, VALUE], pool[label, WALK]
    for c in range(call_ptr[stop], call_ptr[stop + 1]):
        pattern, place = calls[c, 0], calls[c, 1]
        start, begin = pattern_ptr[pattern], time_ptr[pattern]
        width = pattern_ptr[pattern + 1] - start
        low, high = 0, (time_ptr[pattern + 1] - begin) // width
        while low < high:
            middle = (low + high) // 2
            if on[begin + middle * width + place] >= ready:
                high = middle
            else:
                low = middle + 1
        row = begin + low * width
        if not board[start + place] or row == time_ptr[pattern + 1] or on[row + place] > latest:
            continue
        for there in range(place, width):
            if there > place:
                if off[row + there] > latest:
                    break
                if alight[start + there]:
                    pool, used = _add(off_at, pool, used, OFF, stops[start + there], k + 1, off[row + there], walk)
            count = used
            pool, used = _add(aboard, pool, used, ABOARD, start + there, k, low, walk)
            if used == count:
                break  # who is on that trip, or on one before it, has ridden on from here
    return pool, used


def make_limited_room(timetable: tuple[Any, ...], targets: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread; they are the same after a search as before.

    The first label of each stop, of those who wait and of those who get off, and of each place of a pattern; labels
    fill room as they come. And the room for targets.
    """
    stops = len(timetable[7]) - 1
    heads = (np.full(stops, -1, np.int32), np.full(stops, -1, np.int32), np.full(len(timetable[1]), -1, np.int32))
    return *heads, make_room(targets)


@kernel
def search_limited(departures, cutoff, rides, timetable, feet, exits, access, room, plan, budget):  # type: ignore[no-untyped-def]
    """Return what `search_rides` returns, of journeys on which one walks `budget` deciseconds at most.

    Parameters as there, but `feet` are (foot_ptr, foot, foot_walk), and `exits` (exit_ptr, exits, counts): whether the
    ways between stops and targets count as walks; `room` is as `make_limited_room` makes it.
    """
    foot_ptr, foot, foot_walk = feet
    exit_ptr, exit_, counts = exits
    heads, off_at, aboard, targets = room
    pool, used, count = np.empty((4096, 6), np.int32), 0, 0
    found = make_found(departures, plan)
    for m in range(len(departures)):
        departure = departures[m]
        latest, first = departure + cutoff, used
        for a in range(len(access)):
            if access[a, 1] <= budget:
                there = departure + access[a, 1]
                pool, used = _add(heads, pool, used, READY, access[a, 0], 0, there, access[a, 1])
        for k in range(1, rides + 1):
            last = used
            for label in range(first, last):
                if pool[label, KIND] == READY:
                    pool, used = _ride_on(label, latest, timetable, aboard, off_at, pool, used)
            first, last = last, used
            for label in range(first, last):
                if pool[label, KIND] != OFF:
                    continue
                stop, time, walk = pool[label, OWNER], pool[label, VALUE], pool[label, WALK]
                near = exit_ptr[stop + 1] - exit_ptr[stop]
                if count + near > found.shape[1]:
                    found = widen(found, count, near)
                for e in range(exit_ptr[stop], exit_ptr[stop + 1]):
                    target, there = U(exit_[e, 0]), time + exit_[e, 1]
                    if there <= latest and walk + counts * exit_[e, 1] <= budget and there < targets[0][target]:
                        count = arrive(target, there, m, found, count, targets, plan)
                if k < rides:
                    for f in range(foot_ptr[stop], foot_ptr[stop + 1]):
                        there, walked = time + foot[f, 1], walk + foot_walk[f]
                        if there <= latest and walked <= budget:
                            pool, used = _add(heads, pool, used, READY, foot[f, 0], k, there, walked)
            first = last
        first = used
        take_stock(m, found, count, targets, plan)
    for label in range(used):
        if pool[label, KIND] == ABOARD:
            aboard[pool[label, OWNER]] = -1
        else:
            heads[pool[label, OWNER]] = off_at[pool[label, OWNER]] = -1
    if plan is None:
        return *per_departure(departures, cutoff, found, count, targets), np.empty((0, 0), np.int32)
    return per_moment(cutoff, found, count, targets, plan)
