"""One journey by public transport, leg by leg: a search of every round in full that remembers how it came about.

How long journeys take comes from `siteplan.routing.transit`; how, from a search of the minutes that are shown, without
its short cuts, on the same layout of the timetable and on the same clock: deciseconds, negative towards a site.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.compiled import kernel
from siteplan.network.transit import patterns_without
from siteplan.parallel import each
from siteplan.routing.arrivals import FAR
from siteplan.routing.layout import lay_out, lay_patterns
from siteplan.routing.ondemand import costs_at
from siteplan.routing.planning import asked_at, departures_of
from siteplan.routing.query import RideQuery
from siteplan.routing.rides import rank_of
from siteplan.routing.transit import make_ride_room, search_rides

__all__ = ["Call", "Journeys", "Ride", "Trace", "search_journeys", "without"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Ride:
    """A ride in true travel: pattern, trips, places in the pattern; deciseconds since midnight.

    The trips are rows of the feed: the parts of one vehicle's run.
    """

    pattern: int
    trips: tuple[int, ...]
    on: int
    off: int
    departure: int
    arrival: int


@dataclass(frozen=True)
class Call:
    """A ride on demand in true travel: row of the feed's rides, stops (-1: a door), deciseconds of wait and drive."""

    ride: int
    on: int
    off: int
    wait: int
    drive: int


@dataclass(frozen=True)
class Trace:
    """Rides in the order of travel, and the walks (deciseconds) before, between and after them.

    A ride on demand has none beside it.
    """

    walks: tuple[int, ...]
    rides: tuple[Ride, ...]
    called: Call | None = None

    @property
    def ridden(self) -> bool:
        """Whether there is any ride."""
        return bool(self.rides) or self.called is not None


@kernel
def _rounds(departure, latest, rides, timetable, feet, access):  # type: ignore[no-untyped-def]
    """Search one departure.

    Returns
    -------
    ready_by (stops, rides)
        The stop that one comes from to be at a stop as soon as possible before the k-th ride (-1: from the source).
    off_at, off_by (stops, rides), (stops, rides, 4)
        When one gets off the k-th ride, and how: pattern, trip in it, places where one got on and off.
    """
    pattern_ptr, stops, board, alight, time_ptr, on, off = timetable[:7]
    foot_ptr, foot = feet
    count = len(foot_ptr) - 1
    ready, ready_by = np.full((count, rides), FAR, np.int32), np.full((count, rides), -1, np.int32)
    off_at, off_by = np.full((count, rides), FAR, np.int32), np.full((count, rides, 4), -1, np.int32)
    for a in range(len(access)):
        ready[access[a, 0], 0] = min(ready[access[a, 0], 0], departure + access[a, 1])
    for k in range(rides):
        for p in range(len(pattern_ptr) - 1):
            start, width = pattern_ptr[p], pattern_ptr[p + 1] - pattern_ptr[p]
            if width == 0:
                continue
            trips = (time_ptr[p + 1] - time_ptr[p]) // width
            trip, since = trips, -1
            for place in range(width):
                stop = stops[start + place]
                if trip < trips and alight[start + place]:
                    time = off[time_ptr[p] + trip * width + place]
                    if time <= latest and time < off_at[stop, k]:
                        off_at[stop, k] = time
                        off_by[stop, k, 0], off_by[stop, k, 1] = p, trip
                        off_by[stop, k, 2], off_by[stop, k, 3] = since, place
                if board[start + place] and ready[stop, k] <= latest:
                    low, high = 0, trip
                    while low < high:
                        middle = (low + high) // 2
                        if on[time_ptr[p] + middle * width + place] >= ready[stop, k]:
                            high = middle
                        else:
                            low = middle + 1
                    if low < trip:
                        trip, since = low, place
        if k + 1 < rides:
            for stop in range(count):
                if off_at[stop, k] == FAR:
                    continue
                for f in range(foot_ptr[stop], foot_ptr[stop + 1]):
                    other, there = foot[f, 0], off_at[stop, k] + foot[f, 1]
                    if there < ready[other, k + 1]:
                        ready[other, k + 1], ready_by[other, k + 1] = there, stop
    return ready_by, off_at, off_by


@dataclass(frozen=True)
class Journeys:
    """The journeys between one site and the points around it, at every minute of the window.

    `moments` are the minutes in seconds since midnight. `costs` (minutes, points) are deciseconds, FAR beyond the
    limit; `set_out` (minutes, points) when one sets out on the clock of the search; `chosen` (points) is the first
    minute whose journey is that of the percentile, -1 where that one is beyond the limit; `ranked` (3, points) are the
    deciseconds at the percentile and at 25 and 75 %; `by_itself` (points) are those without any ride.
    """

    asked: RideQuery
    moments: Ints
    clock: Costs
    costs: Costs
    set_out: Costs
    chosen: Ints
    ranked: Costs
    by_itself: Costs
    _rank: int
    _laid: Any
    _access: npt.NDArray[Any]
    _exits: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    _by_point: tuple[Ints, Ints]  # the rows of the exits in the order of the points, and these
    _called: "_Called | None" = None

    def traces(self, points: Ints) -> list[Trace]:
        """Return the journeys chosen for some points; without rides where going all the way by oneself is as quick."""
        found: dict[int, Trace] = {}
        starts = self.set_out[self.chosen[points], points]
        for start in np.unique(starts).tolist():
            rounds = None
            for point in points[starts == start].tolist():
                minute = self.chosen[point]
                if minute < 0 or self.by_itself[point] <= self.costs[minute, point]:
                    found[point] = Trace((int(self.by_itself[point]),), ())
                    continue
                if self._called is not None and self.costs[minute, point] == self._called.costs[minute, point]:
                    found[point] = self._called.trace(minute, point, self.asked.backwards)
                    continue
                if rounds is None:
                    rounds = self._rounds(start)
                found[point] = self._trace(start + int(self.costs[minute, point]), point, rounds)
        return [found[point] for point in points.tolist()]

    def within(self, kernel: tuple[Any, ...]) -> npt.NDArray[np.bool_]:
        """Return which points are within the limit, at the percentile, by another timetable (`without`)."""
        mode, cutoff = self.asked.mode, self.asked.cutoff
        query = (cutoff, mode.max_rides, kernel, self._laid.feet, self._exits, self._access)
        later, _, (point, ridden, _) = _ridden(self.clock, mode.planned_minutes, query, len(self.by_itself))
        soon = ridden <= cutoff
        within: npt.NDArray[np.bool_] = self.by_itself <= cutoff
        if self._called is not None:
            called = self._called.costs <= cutoff
            within |= np.count_nonzero(called, axis=0) > self._rank
            soon |= called[np.ix_(later, point)].T
        # So is the value of a rank if more values than come before it are.
        within[point] |= np.count_nonzero(soon, axis=1) > self._rank
        return within

    def _rounds(self, start: int) -> Any:
        latest, rides = start + self.asked.cutoff, self.asked.mode.max_rides
        return _rounds(start, latest, rides, self._laid.kernel, self._laid.feet, self._access)

    def _trace(self, goal: int, point: int, rounds: tuple[Any, Any, Any]) -> Trace:
        """Follow a journey that ends at `goal` back from the point to the site; turn it round if it runs towards it."""
        ready_by, off_at, off_by = rounds
        ptr, exits = self._exits
        order, points = self._by_point
        rows = order[slice(*np.searchsorted(points, (point, point + 1)))]
        stops = np.searchsorted(ptr, rows, side="right") - 1
        hits = off_at[stops].astype(np.int64) + exits[rows, 1:2] == goal
        k = int(np.argmax(hits.any(axis=0)))  # with as few rides as it takes
        first = int(np.argmax(hits[:, k]))
        walks, rides, stop = [int(exits[rows[first], 1])], [], int(stops[first])
        while True:
            pattern, trip, on, off = (int(value) for value in off_by[stop, k])
            rides.append(self._ride(pattern, trip, on, off))
            boarded = int(self._laid.kernel[1][self._laid.kernel[0][pattern] + on])
            if k == 0:
                break
            stop = int(ready_by[boarded, k])
            walks.append(self._between(stop, boarded))
            k -= 1
        start = self._access[self._access[:, 0] == boarded, 1].min()
        walks.append(int(start))
        if not self.asked.backwards:
            walks, rides = walks[::-1], rides[::-1]
        return Trace(tuple(walks), tuple(rides))

    def _between(self, stop: int, other: int) -> int:
        """Return what is walked between two rides."""
        ptr, foot = self._laid.feet
        rows = slice(ptr[stop], ptr[stop + 1])
        return int(self._laid.foot_walk[rows][foot[rows, 0] == other][0])

    def _ride(self, pattern: int, trip: int, on: int, off: int) -> Ride:
        """Return a ride of the search in terms of the timetable."""
        p = self.asked.timetable.patterns
        if self.asked.backwards:
            pattern = len(p.ptr) - 2 - pattern
            last = int(p.ptr[pattern + 1] - p.ptr[pattern]) - 1
            trip = int(p.trip_ptr[pattern + 1] - p.trip_ptr[pattern]) - 1 - trip
            on, off = last - off, last - on
        width = int(p.ptr[pattern + 1] - p.ptr[pattern])
        at = int(p.time_ptr[pattern]) + trip * width
        row = int(p.trips[p.trip_ptr[pattern] + trip])
        return Ride(
            pattern,
            tuple(p.parts(row, on, off)),
            on,
            off,
            int(p.departure[at + on]) * 10,
            int(p.arrival[at + off]) * 10,
        )


@dataclass(frozen=True)
class _Called:
    """The rides on demand of a site: as `lay_rides` has them, and of each minute and point the best (row), its cost.

    `set_out` is as in `Journeys`; FAR where there is none.
    """

    rides: pd.DataFrame
    best: Ints
    costs: Costs
    set_out: Costs

    @classmethod
    def of(cls, rides: pd.DataFrame, clock: Costs, plan: int | None, points: int) -> "_Called":
        """Find the best at each minute."""
        shape = (len(clock), points)
        best, costs, set_out = np.full(shape, -1), np.full(shape, FAR, np.int32), np.full(shape, FAR, np.int32)
        every, starts = costs_at(rides, clock, plan)
        point, first, of_point = np.unique(rides["point"], return_index=True, return_inverse=True)
        if len(point):  # they are in the order of points
            least = np.minimum.reduceat(every, first, axis=0)
            rows = np.where(every == least[of_point], np.arange(len(rides))[:, None], len(rides))
            row = np.minimum.reduceat(rows, first, axis=0)
            best[:, point], costs[:, point] = row.T, least.T
            set_out[:, point] = np.take_along_axis(starts, row, axis=0).T
        return cls(rides, best, costs, set_out)

    def trace(self, minute: int, point: int, backwards: bool) -> Trace:
        """Return the best ride of a minute in true travel."""
        row = self.rides.iloc[int(self.best[minute, point])]
        sides = ("point", "site") if backwards else ("site", "point")
        walks = tuple(int(row[f"walk_{side}"]) for side in sides)
        on, off = (int(row[f"stop_{side}"]) for side in sides)
        drive = int(row["drive"])
        return Trace(walks, (), Call(int(row["ride"]), on, off, int(row["cost"]) - sum(walks) - drive, drive))


def without(journeys: Journeys, routes: Ints) -> tuple[Any, ...]:
    """Return the timetable that journeys were searched on, as laid out for searches, without the trips of some routes.

    It is that of all journeys of the same `search_journeys`.
    """
    timetable, backwards = journeys.asked.timetable, journeys.asked.backwards
    p, feed = timetable.patterns, timetable.feed
    gone = np.isin(feed.trips["route"], routes)
    joined = (gone & (p.after >= 0)).any() or gone[p.after[p.after >= 0]].any()
    if joined and not gone.all():  # what is left of a vehicle's run is another pattern
        rest = patterns_without(timetable, routes)
        return lay_patterns(rest, journeys._laid.slack, backwards=backwards)
    trips = p.trips[:: -1 if backwards else 1]
    stays = ~gone[trips]
    ptr, *rules, time_ptr, on, off, call_ptr, calls = journeys._laid.kernel
    width = np.diff(ptr)
    pattern = np.repeat(np.arange(len(width)), np.diff(time_ptr) // np.maximum(width, 1))
    times = np.repeat(stays, width[pattern])
    left = np.cumsum(np.bincount(pattern[stays], minlength=len(width)) * width)
    ends = np.concatenate([[0], left]).astype(np.int32)
    return (ptr, *rules, ends, on[times], off[times], call_ptr, calls)


def _minute_by_minute(clock: Costs, wait: int | None, query: tuple[Any, ...], by_itself: Costs) -> tuple[Costs, Costs]:
    """Return the deciseconds to every point at every minute of the clock, and when one sets out: (minutes, points)."""
    later, planned, (point, ridden, at) = _ridden(clock, wait, query, len(by_itself))
    costs = np.repeat(by_itself[None], len(clock), axis=0)
    set_out = np.broadcast_to(clock[:, None], costs.shape)
    if planned:
        set_out = set_out.copy()
        set_out[np.ix_(later, point)] = at.T
    costs[np.ix_(later, point)] = np.minimum(ridden.T, by_itself[point])
    return costs, set_out


def _ridden(clock: Costs, wait: int | None, query: tuple[Any, ...], points: int) -> tuple[Ints, bool, tuple[Any, ...]]:
    """Search every minute of the clock.

    Return the minutes in the order of what was found, whether that is by moments of a plan, and what the search gives.
    """
    later = np.argsort(-clock)  # the kernel takes the last departure first
    departures, plan = departures_of(clock[later], wait, query[5], query[2])
    found = search_rides(departures, *query, make_ride_room(query[2], query[1], points), plan)
    return later if plan is None else later[::-1], plan is not None, found  # of a plan, the first of the clock first


def search_journeys(asked: RideQuery) -> list[Journeys]:
    """Search the journeys asked for; one result a site.

    A limit of the walks in all is not kept to: refuse it before.
    """
    layout, mode = lay_out(asked), asked.mode
    laid = layout.laid
    moments = np.array(mode.moments)
    clock = asked_at(mode.moments, backwards=asked.backwards)
    clock = clock if asked.backwards else clock[::-1]  # as the moments are
    ranks = [rank_of(share, len(clock)) for share in (mode.percentile, 25, 75)]
    order = np.argsort(layout.exits[1][:, 0], kind="stable")
    by_point = order, layout.exits[1][order, 0].astype(np.int64)

    def search(site: int) -> Journeys:
        by_itself = np.full(len(asked.people), FAR, np.int32)
        by_itself[layout.by_oneself[site][0]] = layout.by_oneself[site][1]
        near = layout.access[site]
        query = (asked.cutoff, mode.max_rides, laid.kernel, laid.feet, layout.exits, near)
        costs, set_out = _minute_by_minute(clock, mode.planned_minutes, query, by_itself)
        called = None
        if layout.on_demand is not None:
            called = _Called.of(layout.on_demand[site], clock, mode.planned_minutes, len(asked.people))
            sooner = called.costs < costs
            costs, set_out = np.where(sooner, called.costs, costs), np.where(sooner, called.set_out, set_out)
        ranked = np.sort(costs, axis=0)[ranks]
        chosen = np.where(ranked[0] <= asked.cutoff, np.argmax(costs == ranked[0], axis=0), -1)
        found = (moments, clock, costs, set_out, chosen, ranked, by_itself)
        return Journeys(asked, *found, ranks[0], laid, near, layout.exits, by_point, called)

    return each(search, [(site,) for site in range(len(asked.sites))])
