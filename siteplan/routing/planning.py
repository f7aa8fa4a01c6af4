"""When to set out if one looks at the timetable first: the departures from which the quickest journey is among.

At a moment one may set out at once or up to so many minutes later, on the clock of the search (towards a site: be
there so much earlier). How long the journey takes falls, second by second, until the last moment for some vehicle, and
jumps after it. So the least is found where one sets out just in time for a vehicle, or at the very end.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import kernel
from siteplan.routing.search import MINUTE

__all__ = ["Query", "asked_at", "departures_of"]

# Departures, and the plan of them for `siteplan.routing.transit`: the departures, the minute that each lies in (-1: in
# none), how many minutes and moments there are, whose last departure each is (-1: no moment's), the minutes to choose.
Query = tuple[npt.NDArray[np.int32], tuple[Any, ...] | None]


def asked_at(moments: range, *, backwards: bool) -> npt.NDArray[np.int32]:
    """Return the moments of a window (seconds since midnight) on the clock of a search, the last of it first."""
    clock = 10 * np.array(moments, np.int32)
    return -clock if backwards else clock[::-1].copy()


def departures_of(
    clock: npt.NDArray[np.int32], wait: int | None, access: npt.NDArray[Any], timetable: tuple[Any, ...]
) -> Query:
    """Return when to set out for the stops near a place, given the moments asked about, as `asked_at` gives them.

    `wait` are the minutes from each moment on among which one chooses; None: one sets out at the moment itself.
    """
    if wait is None:
        return clock, None
    first, count = int(clock[-1]), len(clock)
    minutes = count - 1 + wait
    latest = first + MINUTE * (np.arange(count) + wait)
    just_in_time = _just_in_time(access, timetable, first, latest[-1])
    departures = np.unique(np.concatenate([just_in_time, latest]))[::-1].astype(np.int32)
    minute = (departures - first) // MINUTE
    minute = np.where(minute < minutes, minute, -1).astype(np.int32)
    last = np.where(np.isin(departures, latest), (departures - first) // MINUTE - wait, -1).astype(np.int32)
    return departures, (departures, minute, minutes, count, last, wait)


@kernel
def _just_in_time(access, timetable, first, last):  # type: ignore[no-untyped-def]
    """Return from `first` to `last` when to set out just in time for a vehicle at a stop near the place."""
    pattern_ptr, _, board, _, time_ptr, on, _, call_ptr, calls = timetable
    found, count = np.empty(256, np.int64), 0
    for a in range(len(access)):
        stop, walk = access[a, 0], access[a, 1]
        for c in range(call_ptr[stop], call_ptr[stop + 1]):
            pattern, place = calls[c, 0], calls[c, 1]
            width = pattern_ptr[pattern + 1] - pattern_ptr[pattern]
            if not board[pattern_ptr[pattern] + place]:
                continue
            for at in range(time_ptr[pattern] + place, time_ptr[pattern + 1], width):
                time = on[at] - walk
                if first <= time <= last:
                    if count == len(found):
                        wider = np.empty(2 * count, np.int64)
                        for k in range(count):
                            wider[k] = found[k]
                        found = wider
                    found[count] = time
                    count += 1
    return found[:count]
