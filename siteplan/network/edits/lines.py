"""Lines cut, re-timed, run more often or added, and stops moved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import minutes_of
from siteplan.config.changes import (
    LineAdded,
    LineChange,
    LineCut,
    LineEvery,
    LineShifted,
    StopMoved,
    target_of,
    verb_of,
)
from siteplan.config.fields import LONG
from siteplan.errors import StudyError, suggested, warn
from siteplan.inputs.gtfs import Feed
from siteplan.inputs.gtfs.feed import OnDemand
from siteplan.network.streets import StreetNetwork
from siteplan.network.through import followers
from siteplan.network.transit import (
    Timetable,
    _counted,
    _doors,
    _patterns,
    _spots,
    build_timetable,
    hours_for,
    used_stops,
)

__all__ = ["check_lines", "edit_timetable"]

Ints = npt.NDArray[np.int64]

DAY_MINUTES = 1440
DAY = 86_400  # seconds
BUS = 3
MOST_TRIPS = 2000  # of one line and direction in a day: one every 43 s


def edit_timetable(
    timetable: Timetable, changes: Sequence[LineChange], *, streets: StreetNetwork | None = None
) -> Timetable:
    """Return a timetable as it is after some changes, made one after the other; the old one is left as it is.

    Stops that stay keep their places on the streets: only new and moved ones are linked.

    Parameters
    ----------
    timetable
        As `read_transit` gives it.
    changes
        `LineCut`, `LineShifted`, `LineEvery`, `LineAdded`, `StopMoved`.
    streets
        The streets to stand on, where they changed as well; all stops are then linked again.

    Raises
    ------
    StudyError
        A change that `check_lines` refuses; nothing that runs any more, or no stop left near any street.
    """
    check_lines(timetable.feed, changes)
    feed = _edit_feed(timetable.feed, changes)
    if not len(feed.calls) and not len(feed.on_demand.rides):
        raise StudyError(f"changes 1 to {len(changes)}: no line runs any more; leave transit out of the modes instead")
    if streets is not None and streets is not timetable.streets:
        same = feed is timetable.feed and streets.crs == timetable.streets.crs
        return build_timetable(feed, streets, known=timetable if same else None, minutes=timetable.minutes)
    moved = _elsewhere(timetable.feed.stops, feed.stops)
    return _relinked(timetable, feed, moved)


def check_lines(feed: Feed, changes: Sequence[LineChange]) -> None:
    """Refuse changes that cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown line or stop, times that make no sense, the same line both cut and changed, the
        same line changed twice in one respect, a stop moved twice, a new line with the name of another.
    """
    said: dict[tuple[str, object], int] = {}
    for number, change in enumerate(changes, 1):
        what = f"change {number} ({_verb(change)})"
        _check_figures(change, what)
        topics: list[tuple[str, object]]
        if isinstance(change, StopMoved):
            _stop_number(feed, change.move, what)
            topics = [("stop", change.move)]
        elif isinstance(change, LineAdded):
            for stop in change.stops:
                if isinstance(stop, str):
                    _stop_number(feed, stop, what)
            if change.add in set(feed.routes["id"]) | set(feed.routes["name"]):
                raise StudyError(f"{what}: a line {change.add!r} runs already; give the new one another name")
            topics = [("new", change.add)]
        else:
            routes = line_routes(feed, target_of(change), what)
            if (
                isinstance(change, LineEvery)
                and not (np.isin(feed.trips["route"], routes) & (feed.trips["day"] == 0)).any()
            ):
                raise StudyError(f"{what}: it does not run on {feed.date}, so there is no trip to copy; add a line")
            topics = [(type(change).__name__, int(route)) for route in routes]
        for kind, key in topics:
            for (other, same), earlier in said.items():
                if same == key and (other == kind or "LineCut" in (other, kind)):
                    if kind == other == "LineEvery" and _apart(changes[earlier - 1], change):
                        continue
                    raise StudyError(
                        f"changes {earlier} and {number}: {_verb(changes[earlier - 1])} and {_verb(change)} contradict "
                        "each other; keep one of them"
                    )
        said |= dict.fromkeys(topics, number)


def _apart(one: LineChange, other: LineChange) -> bool:
    """Tell whether two headways of a line are for different times."""
    assert isinstance(one, LineEvery)  # noqa: S101 - asked only of two of them
    assert isinstance(other, LineEvery)  # noqa: S101
    (start, end), (first, last) = minutes_of(one.hours), minutes_of(other.hours)
    return end <= first or last <= start


def _verb(change: LineChange) -> str:
    """Say a change in a few words."""
    verb = "headway of" if isinstance(change, LineEvery) else verb_of(change)
    return f"{verb} {'stop' if isinstance(change, StopMoved) else 'line'} {target_of(change)!r}"


def _check_figures(change: LineChange, what: str) -> None:
    if isinstance(change, LineShifted) and not -DAY_MINUTES < change.minutes < DAY_MINUTES:
        raise StudyError(f"{what}: by {change.minutes:g} minutes; expected less than a day")
    if isinstance(change, LineEvery | LineAdded):
        headway, (start, end) = _headway(change), minutes_of(change.hours)
        if (end - start) / headway > MOST_TRIPS:
            raise StudyError(f"{what}: every {headway:g} minutes; expected at most {MOST_TRIPS} departures in all")
    if isinstance(change, LineAdded):
        if len(change.minutes) != len(change.stops):
            raise StudyError(
                f"{what}: {len(change.stops)} stops and {len(change.minutes)} times; expected two stops or more, "
                "and for each the minutes from the first, such as 0, 4, 9"
            )
        if change.minutes[0] != 0 or any(b < a for a, b in zip(change.minutes, change.minutes[1:], strict=False)):
            raise StudyError(f"{what}: its minutes are {list(change.minutes)}; expected 0 first, and never falling")


def _headway(change: LineEvery | LineAdded) -> float:
    return change.minutes if isinstance(change, LineEvery) else change.every


def line_routes(feed: Feed, line: str, what: str = "line") -> Ints:
    """Return the routes of that id or, where none has it, of that name.

    Raises
    ------
    StudyError
        No line is called so.
    """
    for column in ("id", "name", "long_name"):
        found = np.flatnonzero((feed.routes[column] == line).to_numpy())
        if len(found):
            return found
    names = sorted({*feed.routes["id"], *feed.routes["name"], *feed.routes["long_name"]} - {""})
    raise StudyError(f"{what}: no line is called {line!r} in {', '.join(feed.sources)}.{_close(line, names)}")


def _stop_number(feed: Feed, stop: str, what: str) -> int:
    found = np.flatnonzero((feed.stops["id"] == stop).to_numpy())
    if not len(found):
        raise StudyError(
            f"{what}: no stop has the id {stop!r} in {', '.join(feed.sources)}.{_close(stop, sorted(feed.stops['id']))}"
        )
    return int(found[0])


def _close(text: str, known: list[str]) -> str:
    return f" Expected {suggested(text, known)}"


def _edit_feed(feed: Feed, changes: Sequence[LineChange]) -> Feed:
    """Return the day's tables after some changes, made one after the other."""
    for number, change in enumerate(changes, 1):
        what = f"change {number}"
        if isinstance(change, StopMoved):
            stops = feed.stops.copy()
            stops.loc[_stop_number(feed, change.move, what), ["lon", "lat"]] = change.place
            feed = replace(feed, stops=stops)
        elif isinstance(change, LineAdded):
            feed = _added(feed, change)
        elif isinstance(change, LineEvery):
            for route in line_routes(feed, change.every, what):
                feed = _every(feed, int(route), change)
        else:
            routes = line_routes(feed, target_of(change), what)
            mine = np.isin(feed.trips["route"], routes)
            feed = _without(feed, mine) if isinstance(change, LineCut) else _later(feed, mine, change.minutes)
            feed = replace(feed, on_demand=_on_demand(feed.on_demand, routes, change))
    return feed


def _on_demand(found: OnDemand, routes: Ints, change: LineCut | LineShifted) -> OnDemand:
    """Leave out the rides on demand of some routes, or let them run later."""
    rides, mine = found.rides, found.rides["route"].isin(routes).to_numpy()
    if isinstance(change, LineCut):
        return replace(found, rides=rides[~mine].reset_index(drop=True))
    later = np.where(mine, round(change.minutes * 60), 0)
    times = [f"{side}_{end}" for side in ("on", "off") for end in ("first", "last")]
    return replace(found, rides=rides.assign(**{name: rides[name] + later for name in times}))


def _later(feed: Feed, some: npt.NDArray[np.bool_], minutes: float) -> Feed:
    """Let some trips run later by so many minutes."""
    later = np.where(some[feed.calls["trip"]], round(minutes * 60), 0).astype(np.int32)
    times = {name: (feed.calls[name] + later).astype(np.int32) for name in ("arrival", "departure")}
    return replace(feed, calls=feed.calls.assign(**times))


def _without(feed: Feed, gone: npt.NDArray[np.bool_]) -> Feed:
    """Leave trips out, and number the others anew."""
    number = np.cumsum(~gone) - 1
    calls = feed.calls[~gone[feed.calls["trip"]]].reset_index(drop=True)
    trips = feed.trips[~gone].reset_index(drop=True)
    trips.index.name = feed.trips.index.name
    return replace(feed, trips=trips, calls=calls.assign(trip=number[calls["trip"]].astype(np.int32)))


def _with(feed: Feed, trips: list[dict[str, Any]], calls: list[pd.DataFrame]) -> Feed:
    """Put trips after those that are there; their calls name them 0, 1, ..."""
    laid = pd.concat(calls, ignore_index=True)
    laid = laid.assign(trip=laid["trip"] + len(feed.trips))[list(feed.calls.columns)].astype(feed.calls.dtypes)
    more = pd.DataFrame(trips)[list(feed.trips.columns)].astype(feed.trips.dtypes)
    every = pd.concat([feed.trips, more], ignore_index=True)
    every.index.name = feed.trips.index.name
    return replace(feed, trips=every, calls=pd.concat([feed.calls, laid], ignore_index=True))


def _departures(change: LineEvery | LineAdded) -> Ints:
    """Return seconds since midnight from the start of its hours to before their end."""
    headway, (start, end) = _headway(change), minutes_of(change.hours)
    count = int(np.ceil(round((end - start) / headway, 9)))
    return np.round((start + np.arange(count) * headway) * 60).astype(np.int64)


def _every(feed: Feed, route: int, change: LineEvery) -> Feed:
    """Let one route run at a headway for a while.

    In each direction the trips that leave their first stop in that time give way to copies of one of them: the first on
    the course most of them take (of two as frequent, the one that leaves first), with its stops and run times, the
    first copy leaving at the start. Where none leaves in that time, the trip that leaves nearest to it is copied. Trips
    run in the same direction if their ways from first to last stop do not point against each other. Where the line also
    runs the night before or the day after, it does so there, too.
    """
    of_route = (feed.trips["route"] == route).to_numpy()
    day = feed.trips["day"].to_numpy(np.int64)
    mine = np.flatnonzero(of_route & (day == 0))
    if not len(mine):
        return feed
    ptr = np.searchsorted(feed.calls["trip"], np.arange(len(feed.trips) + 1))
    stop, leaves = feed.calls["stop"].to_numpy(), feed.calls["departure"].to_numpy()
    leave = leaves[ptr[:-1]].astype(np.int64)
    courses = [tuple(stop[ptr[trip] : ptr[trip + 1]].tolist()) for trip in mine]
    start, end = (60 * minute for minute in minutes_of(change.hours))
    models = [
        _model(mine[some], leave[mine[some]], [courses[k] for k in some], start, end=end)
        for some in _directions(feed, courses)
    ]
    clock = leave - DAY * day
    gone = of_route & (clock >= start) & (clock < end)
    departures = _departures(change)
    trips: list[dict[str, Any]] = []
    calls: list[pd.DataFrame] = []
    for model in models:
        ride = feed.calls.iloc[ptr[model] : ptr[model + 1]]
        named = {str(key): value for key, value in feed.trips.loc[model].items()} | {"headway": 0, "block": ""}
        _run(trips, calls, ride, named, departures=departures, days=sorted(set(day[of_route].tolist())))
    return _with(_without(feed, gone), trips, calls)


def _run(
    trips: list[dict[str, Any]],
    calls: list[pd.DataFrame],
    ride: pd.DataFrame,
    named: dict[str, Any],
    *,
    departures: Ints,
    days: Sequence[int],
) -> None:
    """Add copies of a ride that leave at some times (seconds) of each day; those under way when a journey may be."""
    first = int(ride["departure"].iloc[0])
    length = int(ride["arrival"].iloc[-1]) - first
    earliest, latest = (3600 * hour for hour in hours_for(LONG))
    days_of, leave = np.repeat(np.asarray(days, np.int64), len(departures)), np.tile(departures, len(days))
    leave = leave + DAY * days_of
    runs = (days_of == 0) | ((leave + length > earliest) & (leave < latest))
    leave, days_of = leave[runs], days_of[runs]
    if not len(leave):
        return
    copies, later = ride.iloc[np.tile(np.arange(len(ride)), len(leave))], np.repeat(leave - first, len(ride))
    times = {name: copies[name].to_numpy(np.int64) + later for name in ("arrival", "departure")}
    calls.append(copies.assign(trip=np.repeat(len(trips) + np.arange(len(leave)), len(ride)), **times))
    for day in days_of.tolist():
        trips.append({**named, "id": f"{named['id']}+{len(trips)}", "day": day})


def _directions(feed: Feed, courses: list[tuple[int, ...]]) -> list[Ints]:
    """Sort the trips of a line by direction: those whose way points along that of the most frequent course, and not."""
    lon, lat = feed.stops["lon"].to_numpy(), feed.stops["lat"].to_numpy()
    most = max(set(courses), key=lambda course: (courses.count(course), course))
    shrink = np.cos(np.radians(lat[most[0]]))

    def way(course: tuple[int, ...]) -> npt.NDArray[np.float64]:
        return np.array([(lon[course[-1]] - lon[course[0]]) * shrink, lat[course[-1]] - lat[course[0]]])

    against = np.array([way(course) @ way(most) < 0 for course in courses])
    return [some for some in (np.flatnonzero(~against), np.flatnonzero(against)) if len(some)]


def _model(trips: Ints, leave: Ints, courses: list[tuple[int, ...]], start: float, *, end: float) -> int:
    """Return the trip to copy, of those of one direction."""
    inside = np.flatnonzero((leave >= start) & (leave < end))
    if not len(inside):
        away = np.where(leave < start, start - leave, leave - end)
        return int(trips[np.lexsort((trips, leave, away))[0]])
    taken = [courses[k] for k in inside]
    first = {course: min(int(leave[k]) for k in inside if courses[k] == course) for course in set(taken)}
    best = max(first, key=lambda course: (taken.count(course), -first[course], course))
    some = np.array([k for k in inside if courses[k] == best])
    return int(trips[some[np.lexsort((trips[some], leave[some]))[0]]])


def _added(feed: Feed, change: LineAdded) -> Feed:
    """Add a line, and the stops that are new; it runs on the days around the date as well."""
    source = feed.routes["feed"].iloc[0]
    fresh = [stop for stop in change.stops if not isinstance(stop, str)]
    new = pd.DataFrame(
        {
            "id": [f"{change.add}+{k}" for k in range(len(fresh))],
            "name": [f"{change.add} {k + 1}" for k in range(len(fresh))],
            "lon": [float(place[0]) for place in fresh],
            "lat": [float(place[1]) for place in fresh],
            "kind": 0,
            "parent": -1,
            "feed": source,
        }
    )
    stops = _below(feed.stops, new)
    numbers = iter(range(len(feed.stops), len(stops)))
    row = [_stop_number(feed, s, "stop") if isinstance(s, str) else next(numbers) for s in change.stops]
    line = {"id": change.add, "name": change.add, "long_name": "", "type": BUS, "agency": "", "feed": source}
    routes = _below(feed.routes, pd.DataFrame([line]))
    after = np.round(np.array(change.minutes, float) * 60).astype(np.int64)
    ways = [(row, after), (row[::-1], after[-1] - after[::-1])][: 1 + change.both_ways]
    leave = _departures(change)
    trips: list[dict[str, Any]] = []
    calls: list[pd.DataFrame] = []
    named = {"id": change.add, "route": len(feed.routes), "feed": source, "headway": 0, "headsign": "", "block": ""}
    for places, run in ways:
        ride = pd.DataFrame({"stop": places, "arrival": run, "departure": run, "board": True, "alight": True})
        _run(trips, calls, ride, named, departures=leave, days=(-1, 0, 1))
    return _with(replace(feed, stops=stops, routes=routes), trips, calls)


def _below(table: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Put rows below a table, of the same columns and types; what they do not say is missing."""
    if not len(new):
        return table
    rows = new.reindex(columns=table.columns)
    known = {name: kind for name, kind in table.dtypes.items() if not rows[name].isna().any()}
    whole = pd.concat([table, rows.astype(known)], ignore_index=True)
    whole.index.name = table.index.name
    return whole


def _elsewhere(before: pd.DataFrame, after: pd.DataFrame) -> Ints:
    """Return the stops that stand, or whose station has an entrance, elsewhere than before; new ones, too."""
    places = [table.loc[: len(before) - 1, ["lon", "lat"]].to_numpy() for table in (before, after)]
    moved = np.flatnonzero((places[0] != places[1]).any(axis=1) & ~np.isnan(places[1]).any(axis=1))
    parent = after["parent"].to_numpy()
    stations = parent[moved[parent[moved] >= 0]]
    return np.unique(np.concatenate([moved, np.flatnonzero(np.isin(parent, stations)), range(len(before), len(after))]))


def _relinked(timetable: Timetable, feed: Feed, moved: Ints) -> Timetable:
    """Put changed tables on the same streets, linking only the stops that are not linked yet or stand elsewhere."""
    patterns, spots = _patterns(feed, followers(feed)), _spots(feed, timetable.streets)
    used = used_stops(feed, patterns)
    known = timetable.doors[~timetable.doors["stop"].isin(moved)]
    fresh = np.setdiff1d(used, known["stop"])
    parts = [known[known["stop"].isin(used)]]
    if len(fresh):
        parts.append(_doors(feed.stops, fresh, spots, timetable.streets))
    doors = pd.concat(parts).sort_values("stop", kind="stable", ignore_index=True)
    linked = doors.loc[doors["status"] == "placed", "stop"].unique()
    away = np.setdiff1d(np.intersect1d(fresh, moved), linked)
    if len(away):
        names = ", ".join(feed.stops["id"].iloc[away].astype(str))
        text = f"stops {names}: new or moved, and more than 300 m from any street; nobody gets on or off there"
        warn(text)
    counts = _counted(patterns, doors)
    if 0 < counts["stops"] == counts["stops_without_street"]:
        raise StudyError(f"{', '.join(feed.sources)}: after the changes no stop lies within 300 m of any street")
    return Timetable(timetable.streets, feed, patterns, spots, doors, counts, timetable, timetable.minutes)
