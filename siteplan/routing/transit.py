"""Range RAPTOR: earliest arrivals by timetable for every minute of a window; a compiled kernel and nothing else.

Rounds of rides (Delling, Pajor and Werneck 2015), for the departures of a window from the last to the first, so that
each minute only improves what later minutes found (their rRAPTOR). Times are deciseconds on one clock; a search towards
a site runs on the mirrored timetable, where every time is its negative and every ride runs backwards.

What a round finds holds for all rounds after it, too: nobody has to use up the rides. So each place of a pattern
remembers the earliest trip that anyone was on there, by a round and over the departures, and only an earlier one is
ever ridden on from there.

Arrays, int32 unless said otherwise
-----------------------------------
pattern_ptr (patterns + 1), stops           the stops of each pattern of trips, one after the other
board, alight (as stops), uint8             whether one may get on or off there
time_ptr (patterns + 1), on, off            per pattern trips x stops: until when one must be there, when one gets off;
                                            the trips of a pattern never overtake each other
call_ptr (stops + 1), calls (k, 2)          pattern and place in it of every call at a stop
foot_ptr (stops + 1), foot (k, 2)           changes between rides: stop and cost, cheapest first; staying at a stop is
                                            one of them
exit_ptr (stops + 1), exits (k, 2)          targets near each stop: target and cost of the walk, cheapest first

Indices are turned into `uintp`: numba then leaves out its test for negative ones.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from siteplan.routing.streets import INNER

__all__ = ["FAR", "search_rides"]

FAR = np.int32(2**31 - 1)
U = np.uintp

Array = npt.NDArray[Any]


@njit(**INNER)
def _put(list_, listed, count, stop):  # type: ignore[no-untyped-def]
    """Put a stop into a list, once; return how many are in it."""
    if not listed[stop]:
        listed[stop] = True
        list_[U(count)] = stop
        count += 1
    return count


@njit(**INNER)
def _improve(table, row, k, value):  # type: ignore[no-untyped-def]
    """Note what holds for round `k` and all after it."""
    for j in range(k, table.shape[1]):
        if table[row, U(j)] <= value:
            break
        table[row, U(j)] = value


@njit(**INNER)
def _first_trip(on, at, width, ready, before):  # type: ignore[no-untyped-def]
    """Return the first trip that one can still get on, looking only at those earlier than `before`."""
    low, high, step = 0, before, 1
    # From the last backwards in steps that double: it is most often one of the last.
    while high > 0:
        low = max(0, high - step)
        if on[U(at + low * width)] < ready:
            low += 1
            break
        high = low
        step += step
    while low < high:
        middle = (low + high) >> 1
        if on[U(at + middle * width)] >= ready:
            high = middle
        else:
            low = middle + 1
    return high


@njit(**INNER)
def _catch(k, stop, ready, latest, timetable, caught, useful, span, queue, queued):  # type: ignore[no-untyped-def]
    """Catch earlier trips at a stop, for round `k`; queue their patterns and return how many are in the queue.

    `useful` is until when one must be at the stop to catch, as far as is known, an earlier trip than anyone did.
    """
    pattern_ptr, _, board, _, time_ptr, on, _, call_ptr, calls = timetable
    for c in range(call_ptr[stop], call_ptr[stop + U(1)]):
        if ready > useful[U(c)]:
            continue
        pattern, place = U(calls[U(c), 0]), calls[U(c), 1]
        start = pattern_ptr[pattern]
        slot = U(start + place)
        width, at, before = pattern_ptr[pattern + U(1)] - start, time_ptr[pattern] + place, caught[slot, k]
        trip = _first_trip(on, at, width, ready, before) if board[slot] else np.int64(0)
        useful[U(c)] = on[U(at + (trip - 1) * width)] if trip > 0 else -FAR
        if not board[slot] or trip == before or on[U(at + trip * width)] > latest:
            continue
        _improve(caught, slot, k, trip)
        if span[pattern, 1] < 0:
            queue[U(queued)] = pattern
            queued += 1
            span[pattern, 0] = span[pattern, 1] = place
        else:
            span[pattern, 0] = min(span[pattern, 0], place)
            span[pattern, 1] = max(span[pattern, 1], place)
    return queued


@njit(**INNER)
def _ride(k, latest, timetable, caught, span, queue, queued, ride, off_at, listed):  # type: ignore[no-untyped-def]
    """Ride what was caught for round `k`; list the stops that are reached sooner and return how many they are."""
    pattern_ptr, stops, _, alight, time_ptr, _, off, _, _ = timetable
    count = 0
    for q in range(queued):
        pattern = U(queue[U(q)])
        start, last = pattern_ptr[pattern], span[pattern, 1]
        width = pattern_ptr[pattern + U(1)] - start
        trip = FAR
        for place in range(span[pattern, 0], width):
            slot = U(start + place)
            if trip != FAR:
                arrival = off[U(time_ptr[pattern] + trip * width + place)]
                if arrival > latest:
                    if place > last:
                        break
                elif alight[slot]:
                    stop = U(stops[slot])
                    if arrival < ride[stop, k]:
                        _improve(ride, stop, k, arrival)
                        count = _put(off_at, listed, count, stop)
            if caught[slot, k] > trip:
                _improve(caught, slot, k, trip)
            elif place > last:
                break  # an earlier trip, or this one, has been ridden on from here
            else:
                trip = caught[slot, k]
        span[pattern, 1] = -1
    return count


@njit(cache=True, nogil=True)
def search_rides(departures, cutoff, rides, timetable, feet, exits, access, targets):  # type: ignore[no-untyped-def]
    """Return which targets are reached from one source by at least one ride, and in how many deciseconds.

    Parameters
    ----------
    departures
        On the clock of the timetable, descending.
    cutoff
        The longest journey that counts.
    rides
        At most so many.
    timetable, feet, exits
        As above: (pattern_ptr, ..., calls), (foot_ptr, foot), (exit_ptr, exits).
    access
        (k, 2): stops near the source and the cost of the walk.
    targets
        How many there are.

    Returns
    -------
    The targets reached within the limit on any departure, ascending, and the costs, shape (targets reached,
    departures); FAR where it takes too long.
    """
    pattern_ptr, time_ptr, call_ptr = timetable[0], timetable[4], timetable[7]
    foot_ptr, foot = feet
    exit_ptr, exit_ = exits
    count, patterns = len(call_ptr) - 1, len(pattern_ptr) - 1
    # By rides before (0 to rides - 1): when one can be at a stop; by rides (1 to rides): when one gets off there.
    ready, ride = np.full((count, rides), FAR, np.int32), np.full((count, rides), FAR, np.int32)
    caught = np.empty((pattern_ptr[-1], rides), np.int32)
    for p in range(patterns):
        width = pattern_ptr[p + 1] - pattern_ptr[p]
        if width > 0:
            caught[pattern_ptr[p] : pattern_ptr[p + 1]] = (time_ptr[p + 1] - time_ptr[p]) // width
    span, queue = np.full((patterns, 2), -1, np.int32), np.empty(patterns, np.int32)
    useful = np.full((rides, call_ptr[-1]), FAR, np.int32)
    on_at, off_at = np.empty(count, np.int32), np.empty(count, np.int32)
    on_listed, off_listed = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    arrival = np.full(targets, FAR, np.int32)
    found = np.full((len(departures), targets), FAR, np.int32)
    for m in range(len(departures)):
        departure = departures[m]
        latest, waiting = departure + cutoff, 0
        for a in range(len(access)):
            stop, there = U(access[a, 0]), departure + access[a, 1]
            if there < ready[stop, 0]:
                _improve(ready, stop, 0, there)
                waiting = _put(on_at, on_listed, waiting, stop)
        for k in range(rides):
            queued = 0
            for w in range(waiting):
                stop = U(on_at[U(w)])
                on_listed[stop] = False
                queued = _catch(k, stop, ready[stop, k], latest, timetable, caught, useful[k], span, queue, queued)
            out = _ride(k, latest, timetable, caught, span, queue, queued, ride, off_at, off_listed)
            waiting = 0
            for w in range(out):
                stop = U(off_at[U(w)])
                off_listed[stop] = False
                time = ride[stop, k]
                for e in range(exit_ptr[stop], exit_ptr[stop + U(1)]):
                    target, there = U(exit_[U(e), 0]), time + exit_[U(e), 1]
                    if there > latest:
                        break
                    arrival[target] = min(arrival[target], there)
                if k + 1 < rides:
                    for f in range(foot_ptr[stop], foot_ptr[stop + U(1)]):
                        other, there = U(foot[U(f), 0]), time + foot[U(f), 1]
                        if there > latest:
                            break
                        if there < ready[other, k + 1]:
                            _improve(ready, other, k + 1, there)
                            waiting = _put(on_at, on_listed, waiting, other)
        for t in range(targets):
            if arrival[t] <= latest:
                found[m, t] = arrival[t] - departure
    reached = np.flatnonzero(arrival != FAR)
    costs = np.empty((len(reached), len(departures)), np.int32)
    for r in range(len(reached)):
        costs[r] = found[:, reached[r]]
    return reached, costs
