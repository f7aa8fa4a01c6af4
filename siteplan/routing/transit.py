"""Range RAPTOR: earliest arrivals by timetable for every minute of a window; a compiled kernel and nothing else.

Rounds of rides (Delling, Pajor and Werneck 2015), for the departures of a window from the last to the first, so that
each minute only improves what later minutes found (their rRAPTOR). Times are deciseconds on one clock; a search towards
a site runs on the mirrored timetable, where every time is its negative and every ride runs backwards.

What a round finds holds for all rounds after it, too: nobody has to use up the rides. So each place of a pattern
remembers the earliest trip that anyone was on there, by a round and over the departures, and only an earlier one is
ever ridden on from there.

What is written is noted and put back, so that a search costs what it meets and not what there is: a country's feed and
points beside a town change nothing.

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

from siteplan.compiled import inner_kernel, kernel
from siteplan.routing.arrivals import FAR, arrive, make_found, make_room, per_departure, per_moment, take_stock, widen
from siteplan.routing.streets import U

__all__ = ["make_ride_room", "search_rides"]


@inner_kernel
def _put(list_, listed, count, stop):  # type: ignore[no-untyped-def]
    """Put a stop into a list, once; return how many are in it.

    One that is in it is written behind the last: of arrays in a branch, Numba counts references at every call.
    """
    list_[U(count)] = stop
    count += not listed[stop]
    listed[stop] = True
    return count


@inner_kernel
def _improve(table, row, k, value):  # type: ignore[no-untyped-def]
    """Note what holds for round `k` and all after it."""
    for j in range(k, table.shape[1]):
        if table[row, U(j)] <= value:
            break
        table[row, U(j)] = value


@inner_kernel
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


@inner_kernel
def _meet(table, row, seen, count):  # type: ignore[no-untyped-def]
    """List a row of a table of rounds that is about to be written for the first time; return how many are listed."""
    seen[U(count)] = row
    return count + (table[row, U(table.shape[1] - 1)] == FAR)  # what holds for any round holds for the last


@inner_kernel
def _catch(k, stop, ready, latest, timetable, caught, useful, span, queue, counts):  # type: ignore[no-untyped-def]
    """Catch earlier trips at a stop, for round `k`; queue their patterns and return how many are in the queue.

    `useful` is until when one must be at the stop to catch, as far as is known, an earlier trip than anyone did.
    `counts` are the patterns in the queue and those ever in it, which are listed behind each other in `queue[1]`.
    """
    pattern_ptr, _, board, _, time_ptr, on, _, call_ptr, calls = timetable
    queued, known = counts
    for c in range(call_ptr[stop], call_ptr[stop + U(1)]):
        if ready > useful[U(c), k]:
            continue
        pattern, place = U(calls[U(c), 0]), calls[U(c), 1]
        start = pattern_ptr[pattern]
        slot = U(start + place)
        width, at, before = pattern_ptr[pattern + U(1)] - start, time_ptr[pattern] + place, caught[slot, k]
        trip = _first_trip(on, at, width, ready, before) if board[slot] else np.int64(0)
        useful[U(c), k] = on[U(at + (trip - 1) * width)] if trip > 0 else -FAR
        if not board[slot] or trip == before or on[U(at + trip * width)] > latest:
            continue
        _improve(caught, slot, k, trip)
        if span[pattern, 1] < 0:
            if span[pattern, 0] < 0:
                queue[1, U(known)] = pattern
                known += 1
            queue[0, U(queued)] = pattern
            queued += 1
            span[pattern, 0] = span[pattern, 1] = place
        else:
            span[pattern, 0] = min(span[pattern, 0], place)
            span[pattern, 1] = max(span[pattern, 1], place)
    return queued, known


@inner_kernel
def _ride(k, latest, timetable, caught, span, queue, queued, ride, off, met):  # type: ignore[no-untyped-def]
    """Ride what was caught for round `k`; list the stops that are reached sooner; return how many, and how many ever.

    `off` are the list and its marks, `met` the list of those ever reached and how many are in it.
    """
    pattern_ptr, stops, _, alight, time_ptr, _, off_time, _, _ = timetable
    (off_at, listed), (seen, rode) = off, met
    count = 0
    for q in range(queued):
        pattern = U(queue[0, U(q)])
        start, last = pattern_ptr[pattern], span[pattern, 1]
        width = pattern_ptr[pattern + U(1)] - start
        trip = FAR
        for place in range(span[pattern, 0], width):
            slot = U(start + place)
            if trip != FAR:
                arrival = off_time[U(time_ptr[pattern] + trip * width + place)]
                if arrival > latest:
                    if place > last:
                        break
                elif alight[slot]:
                    stop = U(stops[slot])
                    if arrival < ride[stop, k]:
                        rode = _meet(ride, stop, seen, rode)
                        _improve(ride, stop, k, arrival)
                        count = _put(off_at, listed, count, stop)
            if caught[slot, k] > trip:
                _improve(caught, slot, k, trip)
            elif place > last:
                break  # an earlier trip, or this one, has been ridden on from here
            else:
                trip = caught[slot, k]
        span[pattern, 1] = -1
    return count, rode


@inner_kernel
def _put_back(timetable, tables, lists, counts):  # type: ignore[no-untyped-def]
    """Make the working arrays as they were before the search."""
    pattern_ptr, time_ptr, call_ptr = timetable[0], timetable[4], timetable[7]
    ready, ride, caught, useful, span = tables
    ready_seen, ride_seen, queue = lists
    ready_count, ride_count, known = counts
    for i in range(ready_count):
        stop = U(ready_seen[U(i)])
        ready[stop] = FAR
        for c in range(call_ptr[stop], call_ptr[stop + U(1)]):
            useful[U(c)] = FAR
    for i in range(ride_count):
        ride[U(ride_seen[U(i)])] = FAR
    for i in range(known):
        pattern = U(queue[1, U(i)])
        first, last = pattern_ptr[pattern], pattern_ptr[pattern + U(1)]
        trips = (time_ptr[pattern + U(1)] - time_ptr[pattern]) // (last - first)
        span[pattern] = -1
        for slot in range(first, last):
            caught[U(slot)] = trips


def make_ride_room(timetable: tuple[Any, ...], rides: int, targets: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread; they are the same after a search as before.

    They are those by stop and round, by place and round, by call and round, and by pattern; lists of stops, with room
    for one that is not in them, and of patterns, with marks; and the room for targets.
    """
    pattern_ptr, time_ptr, call_ptr = timetable[0], timetable[4], timetable[7]
    width, count, patterns = np.diff(pattern_ptr), len(call_ptr) - 1, len(pattern_ptr) - 1
    trips = np.diff(time_ptr) // np.maximum(width, 1)
    # By rides before (0 to rides - 1): when one can be at a stop; by rides (1 to rides): when one gets off there.
    tables = (
        np.full((count, rides), FAR, np.int32),
        np.full((count, rides), FAR, np.int32),
        np.repeat(np.repeat(trips, width).astype(np.int32)[:, None], rides, axis=1),
        np.full((call_ptr[-1], rides), FAR, np.int32),
        np.full((patterns, 2), -1, np.int32),
    )
    waiting = tuple(
        make(count + 1, kind) for _ in range(2) for make, kind in ((np.empty, np.int32), (np.zeros, np.bool_))
    )
    seen = (np.empty(count + 1, np.int32), np.empty(count + 1, np.int32), np.empty((2, patterns), np.int32))
    return tables, waiting, seen, make_room(targets)


@kernel
def search_rides(departures, cutoff, rides, timetable, feet, exits, access, room, plan):  # type: ignore[no-untyped-def]
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
    room
        As `make_ride_room` makes it for these.
    plan
        None; or what `siteplan.routing.planning` makes of departures that one looks up before one sets out.

    Returns
    -------
    The targets reached within the limit on any departure, ascending, and the costs, shape (targets reached,
    departures); FAR where it takes too long. With a plan, by its moments. And with it, when one sets out, likewise.
    """
    foot_ptr, foot = feet
    exit_ptr, exit_ = exits
    tables, (on_at, on_listed, off_at, off_listed), lists, targets = room
    ready, ride, caught, useful, span = tables
    ready_seen, ride_seen, queue = lists
    best = targets[0]
    starts, rode, known, count = 0, 0, 0, 0
    found = make_found(departures, plan)
    for m in range(len(departures)):
        departure = departures[m]
        latest, waiting = departure + cutoff, 0
        for a in range(len(access)):
            stop, there = U(access[a, 0]), departure + access[a, 1]
            if there < ready[stop, 0]:
                starts = _meet(ready, stop, ready_seen, starts)
                _improve(ready, stop, 0, there)
                waiting = _put(on_at, on_listed, waiting, stop)
        for k in range(rides):
            queued = 0
            for w in range(waiting):
                stop = U(on_at[U(w)])
                on_listed[stop] = False
                queued, known = _catch(
                    k, stop, ready[stop, k], latest, timetable, caught, useful, span, queue, (queued, known)
                )
            off, met = (off_at, off_listed), (ride_seen, rode)
            out, rode = _ride(k, latest, timetable, caught, span, queue, queued, ride, off, met)
            waiting = 0
            for w in range(out):
                stop = U(off_at[U(w)])
                off_listed[stop] = False
                time = ride[stop, k]
                near = exit_ptr[stop + U(1)] - exit_ptr[stop]
                if count + near > found.shape[1]:
                    found = widen(found, count, near)
                for e in range(exit_ptr[stop], exit_ptr[stop + U(1)]):
                    target, there = U(exit_[U(e), 0]), time + exit_[U(e), 1]
                    if there > latest:
                        break
                    if there < best[target]:
                        count = arrive(target, there, m, found, count, targets, plan)
                if k + 1 < rides:
                    for f in range(foot_ptr[stop], foot_ptr[stop + U(1)]):
                        other, there = U(foot[U(f), 0]), time + foot[U(f), 1]
                        if there > latest:
                            break
                        if there < ready[other, k + 1]:
                            starts = _meet(ready, other, ready_seen, starts)
                            _improve(ready, other, k + 1, there)
                            waiting = _put(on_at, on_listed, waiting, other)
        take_stock(m, found, count, targets, plan)
    _put_back(timetable, tables, lists, (starts, rode, known))
    if plan is None:
        return *per_departure(departures, cutoff, found, count, targets), np.empty((0, 0), np.int32)
    return per_moment(cutoff, found, count, targets, plan)
