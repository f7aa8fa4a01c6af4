"""Range RAPTOR: earliest arrivals by timetable for every minute of a window; a compiled kernel and nothing else.

Rounds of rides (Delling, Pajor and Werneck 2015), for the departures of a window from the last to the first, so that
each minute only improves what later minutes found (their rRAPTOR). Times are deciseconds on one clock; a search towards
a site runs on the mirrored timetable, where every time is its negative and every ride runs backwards.

Arrays, int32 unless said otherwise
-----------------------------------
pattern_ptr (patterns + 1), stops           the stops of each pattern of trips, one after the other
board, alight (as stops), uint8             whether one may get on or off there
time_ptr (patterns + 1), on, off            per pattern trips x stops: until when one must be there, when one gets off;
                                            the trips of a pattern never overtake each other
call_ptr (stops + 1), calls (k, 2)          pattern and place in it of every call at a stop
foot_ptr (stops + 1), foot (k, 2)           changes between rides: stop and cost; staying at a stop is one of them
exit_ptr (stops + 1), exits (k, 2)          targets near each stop: target and cost of the walk
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from siteplan.routing.streets import INNER

__all__ = ["FAR", "search_rides"]

FAR = np.int32(2**31 - 1)

Array = npt.NDArray[Any]


@njit(**INNER)
def _first_trip(on, begin, count, width, place, ready, before):  # type: ignore[no-untyped-def]
    """Return the first trip of a pattern that one can still get on, looking only at those earlier than `before`."""
    low, high = 0, before
    while low < high:
        middle = (low + high) // 2
        if on[begin + middle * width + place] >= ready:
            high = middle
        else:
            low = middle + 1
    return low if low < count else count


@njit(**INNER)
def _ride(k, latest, timetable, ready, ride, marked, first, queue):  # type: ignore[no-untyped-def]
    """Ride once from every stop marked in `marked[0]`; mark the stops that are reached sooner in `marked[1]`."""
    pattern_ptr, stops, board, alight, time_ptr, on, off, call_ptr, calls = timetable
    queued = 0
    for s in range(len(ready[0])):
        if marked[0, s]:
            marked[0, s] = False
            for c in range(call_ptr[s], call_ptr[s + 1]):
                pattern, place = calls[c, 0], calls[c, 1]
                if first[pattern] == FAR:
                    queue[queued] = pattern
                    queued += 1
                    first[pattern] = place
                elif place < first[pattern]:
                    first[pattern] = place
    for q in range(queued):
        pattern = queue[q]
        start, begin = pattern_ptr[pattern], time_ptr[pattern]
        width = pattern_ptr[pattern + 1] - start
        count = (time_ptr[pattern + 1] - begin) // width
        trip = count
        for place in range(first[pattern], width):
            stop = stops[start + place]
            if trip < count and alight[start + place]:
                arrival = off[begin + trip * width + place]
                if arrival <= latest and arrival < ride[k, stop]:
                    better = True
                    for j in range(1, k):
                        if ride[j, stop] <= arrival:
                            better = False
                    if better:
                        ride[k, stop] = arrival
                        marked[1, stop] = True
            if board[start + place] and ready[k - 1, stop] != FAR:
                trip = _first_trip(on, begin, count, width, place, ready[k - 1, stop], trip)
        first[pattern] = FAR


@njit(cache=True, nogil=True)
def search_rides(departures, limit, rides, timetable, feet, exits, access, targets):  # type: ignore[no-untyped-def]
    """Return the deciseconds from one source to every target by at least one ride, shape (departures, targets).

    Parameters
    ----------
    departures
        On the clock of the timetable, descending.
    limit
        The longest journey that counts.
    rides
        At most so many.
    timetable, feet, exits
        As above: (pattern_ptr, ..., calls), (foot_ptr, foot), (exit_ptr, exits).
    access
        (k, 2): stops near the source and the cost of the walk.
    targets
        How many there are.
    """
    foot_ptr, foot = feet
    exit_ptr, exit_ = exits
    count = len(foot_ptr) - 1
    patterns = len(timetable[0]) - 1
    ready, ride = np.full((rides + 1, count), FAR, np.int32), np.full((rides + 1, count), FAR, np.int32)
    marked = np.zeros((2, count), np.bool_)
    first, queue = np.full(patterns, FAR, np.int32), np.empty(patterns, np.int32)
    arrival = np.full(targets, FAR, np.int32)
    found = np.full((len(departures), targets), FAR, np.int32)
    for m in range(len(departures)):
        departure = departures[m]
        latest = departure + limit
        for a in range(len(access)):
            stop, there = access[a, 0], departure + access[a, 1]
            if there < ready[0, stop]:
                ready[0, stop] = there
                marked[0, stop] = True
        for k in range(1, rides + 1):
            _ride(k, latest, timetable, ready, ride, marked, first, queue)
            for stop in range(count):
                if marked[1, stop]:
                    marked[1, stop] = False
                    time = ride[k, stop]
                    for e in range(exit_ptr[stop], exit_ptr[stop + 1]):
                        if time + exit_[e, 1] < arrival[exit_[e, 0]]:
                            arrival[exit_[e, 0]] = time + exit_[e, 1]
                    if k < rides:
                        for f in range(foot_ptr[stop], foot_ptr[stop + 1]):
                            other, there = foot[f, 0], time + foot[f, 1]
                            if there < ready[k, other]:
                                ready[k, other] = there
                                marked[0, other] = True
        for target in range(targets):
            if arrival[target] <= latest:
                found[m, target] = arrival[target] - departure
    return found
