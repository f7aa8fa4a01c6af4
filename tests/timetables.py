"""Tiny timetables, a strategy for random ones, and the slow, obvious twin of the search by public transport."""

import datetime as dt
import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import strategies as st

from oracles import street_times
from siteplan.config import Profile, Rides
from siteplan.inputs.gtfs import Feed
from siteplan.inputs.gtfs.feed import SPECIAL
from siteplan.network.snapping import HARD_LIMIT, LIMIT, link
from siteplan.network.streets import StreetNetwork
from worlds import TO_LONLAT, Edge

Direction = Literal["to", "from"]
Call = tuple[int, float, float, bool, bool]  # stop, arrival, departure (seconds), whether one may get on, off
Trip = Sequence[tuple[Any, ...]]  # calls; the last two of a call may be left out
Costs = dict[tuple[int, int], int]
Rule = tuple[int, int, int, int, int, int, str, str]  # a row of `Feed.special`

ANY = frozenset([-1])  # of the trips
SAME_STATION = 200.0  # metres straight between platforms of one station


# Made by hand ---------------------------------------------------------------------------------------------------------


def hm(clock: str) -> int:
    """Return "8:05" or "8:05:30" as seconds."""
    parts = [int(part) for part in clock.split(":")]
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def timetable(
    stops: gpd.GeoDataFrame,
    trips: Iterable[Trip],
    *,
    transfers: Iterable[tuple[int, int, int, int]] = (),
    kind: Sequence[int] | None = None,
    parent: Sequence[int] | None = None,
    block: Sequence[str] | None = None,
    route: Sequence[int] | None = None,
    special: Iterable[Rule] = (),
) -> Feed:
    """Return a feed of stops at points, and trips as lists of calls (stop, arrival, departure[, board, alight]).

    `transfers` are (from, to, type, seconds); `kind` and `parent` are as in `Feed.stops`, `block` and `route` as in
    `Feed.trips`, `special` rows of `Feed.special`.
    """
    rows = [(number, *call, *(True, True)[len(call) - 3 :]) for number, trip in enumerate(trips) for call in trip]
    calls = pd.DataFrame(rows, columns=["trip", "stop", "arrival", "departure", "board", "alight"])
    calls = calls.astype(dict.fromkeys(calls.columns[:4], "int32") | {"board": bool, "alight": bool})
    lon, lat = TO_LONLAT.transform(stops.geometry.x.to_numpy(), stops.geometry.y.to_numpy())
    numbers = range(len(stops))
    count = 1 + int(calls["trip"].max())
    return Feed(
        date=dt.date(2026, 3, 10),
        timezone="Europe/Paris",
        sources=("a made feed",),
        stops=pd.DataFrame(
            {
                "id": [f"s{n}" for n in numbers],
                "name": [f"Stop {n}" for n in numbers],
                "lon": lon,
                "lat": lat,
                "kind": np.zeros(len(stops), np.int8) if kind is None else np.array(kind, np.int8),
                "parent": np.full(len(stops), -1, np.int32) if parent is None else np.array(parent, np.int32),
                "feed": "made",
            }
        ),
        routes=pd.DataFrame(
            {
                "id": [f"r{n or ''}" for n in range(1 + max(route or [0]))],
                "name": [f"{n + 1}" for n in range(1 + max(route or [0]))],
                "long_name": "",
                "type": 3,
                "agency": "",
                "feed": "made",
            }
        ),
        trips=pd.DataFrame(
            {
                "id": [f"t{n}" for n in range(count)],
                "route": [0] * count if route is None else list(route),
                "headsign": "",
                "block": [""] * count if block is None else list(block),
                "feed": "made",
                "day": 0,
                "headway": 0,
            }
        ),
        calls=calls,
        transfers=pd.DataFrame(transfers, columns=["from_stop", "to_stop", "type", "seconds"]).astype("int32"),
        service=pd.Series([count], index=pd.DatetimeIndex(["2026-03-10"], name="date"), name="trips"),
        counts={},
        special=pd.DataFrame(special, columns=list(SPECIAL)).astype(SPECIAL),
    )


def every(first: str, headway: int, times: int, ride: Sequence[tuple[int, int]]) -> list[Trip]:
    """Return trips from a first departure on, `headway` minutes apart, calling at (stop, minutes after departure)."""
    start = hm(first)
    return [
        [(stop, start + 60 * (k * headway + after), start + 60 * (k * headway + after)) for stop, after in ride]
        for k in range(times)
    ]


# Random ones ----------------------------------------------------------------------------------------------------------

SPAN = 30 * 60  # seconds before and after the start of the window in which vehicles leave


@st.composite
def hamlets(draw: Any, count: int) -> tuple[list[Edge], list[list[int]]]:
    """Draw hamlets of one to three streets between two nodes, a road too long to walk from each to the next.

    Returns the edges for `made`, and which of them are in each hamlet.
    """
    metres = st.sampled_from([1, 50, 300]) | st.integers(1, 500)
    kind = st.sampled_from([0, 0, 1, 2, 3, 4, 6])
    inside = [
        (2 * n, 2 * n + 1, draw(kind) if street else 0, float(draw(metres)))
        for n in range(count)
        for street in range(draw(st.integers(1, 3)))
    ]
    roads = [(2 * n + 1, 2 * n + 2, 0, float(draw(st.sampled_from([1700, 6000])))) for n in range(count - 1)]
    return [*inside, *roads], [[k for k, edge in enumerate(inside) if edge[0] == 2 * n] for n in range(count)]


@st.composite
def a_line(draw: Any, ride: list[int], start: int) -> list[list[Call]]:
    """Draw the trips of a line: overtaking, hops of no time, stops where one may not get on or off."""
    flags = [draw(st.sampled_from([(True, True)] * 6 + [(True, False), (False, True)])) for _ in ride]
    gap = st.sampled_from([0, 1, 60, 60]) | st.integers(0, 400)
    hops = [(draw(gap), draw(st.sampled_from([0, 0, 20, 60]))) for _ in ride]
    trips = []
    leaving = st.lists(st.integers(-SPAN, SPAN), min_size=2, max_size=6)
    headway = st.builds(lambda first, step: list(range(first - SPAN, SPAN, step)), *[st.integers(240, 900)] * 2)
    for begin in draw(leaving | headway):
        if draw(st.integers(0, 3)) == 0:
            hops = [(draw(gap), draw(st.sampled_from([0, 0, 20, 60]))) for _ in ride]
        clock, trip = start + begin, []
        for stop, (run, dwell), (board, alight) in zip(ride, hops, flags, strict=True):
            clock += run
            trip.append((stop, clock, clock + dwell, board, alight))
            clock += dwell
        trips.append(trip)
    return trips


@dataclass(frozen=True)
class Drawn:
    """A random timetable: its stops are still to be put somewhere, the last of them is a station."""

    trips: list[list[Call]]
    transfers: list[tuple[int, int, int, int]]
    parent: list[int]
    block: list[str]
    route: list[int]
    special: list[Rule]


@st.composite
def timetables(draw: Any, stops: int, start: int, *, chained: bool) -> Drawn:
    """Draw lines between stops (`chained`: from each to the next, or back), rules for changes, and platforms.

    Unless chained, a line may call at any stops in any order, at one of them again and again too.
    """
    one = st.integers(0, stops - 1)
    if chained:
        back = draw(st.sampled_from([1, -1]))
        rides = [[k, (k + 1) % stops][::back] for k in range(stops) if draw(st.integers(0, 5))]
    else:
        rides = draw(st.lists(st.lists(one, min_size=2, max_size=4), min_size=1, max_size=5))
    trips = [trip for ride in rides or [[0, 1]] for trip in draw(a_line(ride, start))]
    block = [""] * len(trips)
    for number in draw(st.lists(st.integers(0, len(trips) - 1), max_size=6, unique=True)):
        end, clock = trips[number][-1][0], trips[number][-1][1] + draw(st.sampled_from([-1, 0, 0, 30, 300]))
        back = end if draw(st.integers(0, 3)) else draw(one)  # where it is another stop, the vehicle runs there empty
        there = clock + draw(st.sampled_from([1, 60, 300]))
        stop = (back + draw(st.sampled_from([1, stops - 1]))) % stops
        trips.append([(back, clock, clock, True, True), (stop, there, there, True, True)])
        block[number] = f"b{number}"
        block.append(f"b{number}")
    pairs = draw(st.lists(st.tuples(one, one) | one.map(lambda stop: (stop, stop)), max_size=6, unique=True))
    rules = [(2, draw(st.sampled_from([0, 30, 60, 200, 600]))), (3, 0), (0, 0), (1, 0)]
    transfers = [(a, b, *draw(st.sampled_from([rules[0], *rules]))) for a, b in pairs]
    parent = [draw(st.sampled_from([-1, -1, stops])) for _ in range(stops)]
    route = [draw(st.integers(0, 2)) for _ in trips]
    some, trip = st.integers(-1, 2), st.just("") | st.integers(0, len(trips)).map("t{}".format)  # the last runs not
    pair = st.tuples(one, one) | one.map(lambda stop: (stop, stop))
    rule = st.builds(lambda *parts: sum(parts, ()), pair, st.sampled_from(rules), st.tuples(some, some, trip, trip))
    special = draw(st.just([]) | st.lists(rule, min_size=1, max_size=8))
    return Drawn(trips, transfers, [*parent, -1], block, route, special)


# The slow twin --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walks:
    """Deciseconds on foot, from each (row) to each: places to stops, stops to places, between stops, all the way.

    `straight` are those between stops as the crow flies.
    """

    to_stop: dict[int, dict[int, int]]
    from_stop: dict[int, dict[int, int]]
    changes: dict[int, dict[int, int]]
    direct: Costs
    straight: Costs


def _doors(feed: Feed, streets: StreetNetwork, walk: Profile) -> list[tuple[int, Any, int]]:
    """Return (stop, its place on the streets, deciseconds inside).

    By the entrances of its station that have a street and are no more than a kilometre away, else where it stands.
    """
    spots = gpd.GeoSeries(gpd.points_from_xy(feed.stops["lon"], feed.stops["lat"]), crs=4326).to_crs(streets.crs)
    links = link(streets, gpd.GeoDataFrame(geometry=spots), mode="walk")
    doors = []
    for stop in sorted({*feed.calls["stop"], *feed.on_demand.stops["stop"]}):
        parent = feed.stops["parent"][stop]
        entrance = (feed.stops["kind"] == 2) & (feed.stops["parent"] == parent) & (parent >= 0)
        every = feed.stops.index[entrance].tolist()
        near = [door for door in every if spots[stop].distance(spots[door]) <= 1000]
        ways_in = [door for door in near if links["status"][door] == "placed"]
        for door in ways_in or [stop]:
            if links["status"][door] == "placed":
                doors.append((stop, door, round(spots[stop].distance(spots[door]) * 36 / walk.access_kmh)))
    return doors


def walks(
    feed: Feed,
    streets: StreetNetwork,
    starts: pd.DataFrame,
    ends: pd.DataFrame,
    rides: Rides,
    *,
    limit: float,
    direction: Direction,
) -> Walks:
    """Return all walks of journeys from `starts` to `ends` (links), by the slow search along the streets."""
    longest = rides.max_walk_minutes
    at_home = longest if rides.max_home_minutes is None else rides.max_home_minutes
    first, last = (at_home, longest) if direction == "to" else (longest, at_home)
    alone = min(limit, math.inf if rides.direct_walk_minutes is None else rides.direct_walk_minutes)
    spots = gpd.GeoSeries(gpd.points_from_xy(feed.stops["lon"], feed.stops["lat"]), crs=4326).to_crs(streets.crs)
    at_stops = link(streets, gpd.GeoDataFrame(geometry=spots), mode="walk")
    doors = _doors(feed, streets, rides.walk)

    def legs(one: pd.DataFrame, other: pd.DataFrame, most: float = longest) -> Costs:
        back = street_times(streets, rides.walk, other, one, limit=most)
        return {(a, b): cost for (b, a), cost in back.items()}

    to_stop: dict[int, dict[int, int]] = defaultdict(dict)
    from_stop: dict[int, dict[int, int]] = defaultdict(dict)
    changes: dict[int, dict[int, int]] = defaultdict(dict)
    into, out, across = legs(starts, at_stops, first), legs(at_stops, ends, last), legs(at_stops, at_stops)
    for stop, door, inside in doors:
        for (a, b), cost in into.items():
            if b == door and cost + inside <= first * 600:
                to_stop[a][stop] = min(cost + inside, to_stop[a].get(stop, cost + inside))
        for (a, b), cost in out.items():
            if a == door and cost + inside <= last * 600:
                from_stop[stop][b] = min(cost + inside, from_stop[stop].get(b, cost + inside))
        for other, far_door, inside_too in doors:
            total = across.get((door, far_door), math.inf) + inside + inside_too
            if total <= longest * 600:
                changes[stop][other] = min(int(total), changes[stop].get(other, int(total)))
    pace = 36 / rides.walk.access_kmh
    straight = {(a, b): round(spots[a].distance(spots[b]) * pace) for a in spots.index for b in spots.index}
    _within_stations(feed, straight, min(pace * SAME_STATION, longest * 600), changes)
    return Walks(to_stop, from_stop, changes, legs(starts, ends, alone), straight)


def _within_stations(feed: Feed, straight: Costs, most: float, changes: dict[int, dict[int, int]]) -> None:
    used, parent = sorted(set(feed.calls["stop"])), feed.stops["parent"]
    for stop in used:
        for other in used:
            cost = straight[stop, other]
            if stop == other:
                changes[stop][other] = 0
            elif parent[stop] >= 0 and parent[stop] == parent[other] and cost <= most:
                changes[stop][other] = min(cost, changes[stop].get(other, cost))


def vehicles(feed: Feed) -> list[list[tuple[int, int, int, bool, bool, int]]]:
    """Return the calls (in deciseconds, with their trip) of each vehicle.

    From the first of its trips to the last that one stays on.
    """
    runs = {
        trip: [(c.stop, c.arrival * 10, c.departure * 10, c.board, c.alight, trip) for c in calls.itertuples()]
        for trip, calls in feed.calls.groupby("trip", sort=True)
    }
    place = [own if parent < 0 else parent for own, parent in enumerate(feed.stops["parent"])]
    block = feed.trips["block"]
    in_order = sorted(runs, key=lambda trip: (runs[trip][0][2], runs[trip][-1][1], trip))
    goes_on: dict[Any, Any] = {}
    for k, one in enumerate(in_order):
        same = [trip for trip in in_order[k + 1 :] if block[one] and block[trip] == block[one]]
        later = [trip for trip in same if runs[trip][0][2] >= runs[one][-1][1]][:1]
        for other in later:
            if place[runs[one][-1][0]] == place[runs[other][0][0]] and other not in goes_on.values():
                goes_on[one] = other
    found = []
    for trip in (trip for trip in runs if trip not in goes_on.values()):
        calls, last = list(runs[trip]), trip
        while last in goes_on:
            last = goes_on[last]
            stop, arrival, departure, board, _, trip = runs[last][0]
            calls[-1] = (*calls[-1][:3], False, *calls[-1][4:])
            calls += [(stop, arrival, departure, board, False, trip), *runs[last][1:]]
        found.append(calls)
    return found


@dataclass(frozen=True)
class Events:
    """Every call of every trip, and from where to where one may change, in how long."""

    at_stop: dict[int, list[tuple[int, int, int]]]  # departure (deciseconds), trip, place in it
    trips: list[list[tuple[int, int, int, bool, bool, int]]]
    # By stop and trip that one gets off: stop, deciseconds, how many of them are walked, and the trips to get on.
    changes: dict[tuple[int, int], list[tuple[int, int, int, frozenset[int]]]]
    slack: int
    most: int
    budget: float  # deciseconds of walks in all


def _rule(
    called: list[tuple[str, int]], rules: list[Any], stops: tuple[int, int], trips: tuple[int, int]
) -> tuple[int, int] | None:
    """Return type and seconds of the first rule for certain routes or trips that holds between two trips.

    `called` are the id and the route of each trip.
    """
    for a, b, kind, seconds, line, other_line, one, other in rules:
        held = (a, b) == stops
        for trip, route, name in zip(trips, (line, other_line), (one, other), strict=True):
            own, of = called[trip]
            held = held and (own == name if name else route in (-1, of))
        if held:
            return kind, seconds
    return None


def events(feed: Feed, changes: dict[int, dict[int, int]], straight: Costs, rides: Rides) -> Events:
    """Lay a feed out as it stands, with its rules for changes; `straight` is what the straight way takes on foot."""
    slack = round(rides.board_slack_minutes * 600)
    allowed: dict[tuple[int, int], list[tuple[int, int, int, frozenset[int]]]] = defaultdict(list)
    said = {(a, b): (kind, seconds) for a, b, kind, seconds in feed.transfers.itertuples(index=False)}
    rules = list(feed.special.itertuples(index=False, name=None))
    called = list(zip(feed.trips["id"], feed.trips["route"], strict=True))
    calling: dict[int, set[int]] = defaultdict(set)
    for call in feed.calls.itertuples():
        calling[call.stop].add(call.trip)
    for a, b in itertools.product(calling, repeat=2):
        for off in calling[a]:
            together: dict[tuple[int, int], set[int]] = defaultdict(set)
            for on in calling[b] if rules else ANY:
                kind, seconds = _rule(called, rules, (a, b), (off, on)) or said.get((a, b), (0, 0))
                walked = changes[a].get(b, math.inf)
                if kind == 2 and walked == math.inf and straight[a, b] <= rides.max_walk_minutes * 600:
                    walked = straight[a, b]
                # From arrival to departure; the time at the stop before the departure is part of it.
                cost = max(walked, seconds * 10 - slack) if kind == 2 else walked
                if kind != 3 and cost < math.inf:
                    together[int(cost), int(walked)].add(on)
            allowed[a, off] += [(b, cost, walked, frozenset(on)) for (cost, walked), on in together.items()]
    trips = vehicles(feed)
    at_stop = defaultdict(list)
    for number, trip in enumerate(trips):
        for place, (stop, _, departure, board, _, _) in enumerate(trip):
            if board:
                at_stop[stop].append((departure, number, place))
    budget = math.inf if rides.max_total_walk_minutes is None else rides.max_total_walk_minutes * 600
    return Events(at_stop, trips, allowed, slack, rides.max_rides, budget)


def earliest(
    found: Events, start: int, reach: dict[int, int], horizon: float = math.inf
) -> Iterator[tuple[int, int, int]]:
    """Yield (stop, deciseconds, those walked) whenever one gets off: a search event by event (Dijkstra 1959).

    In the order of time, leaving at `start`, with `reach` the stops one can walk to and how long it takes. What was
    walked is told apart only where it has a limit.
    """
    counted = int(found.budget < math.inf)
    order = itertools.count()  # sets of trips are in no order
    heap = [
        (start + cost, 0, counted * cost, stop, next(order), ANY)
        for stop, cost in reach.items()
        if cost <= found.budget
    ]
    heapq.heapify(heap)
    settled, got_off = set(), set()
    while heap:
        time, rides, walked, stop, _, trips = heapq.heappop(heap)
        if (stop, rides, walked, trips) in settled or rides == found.most:
            continue
        settled.add((stop, rides, walked, trips))
        for departure, number, place in found.at_stop[stop]:
            if not time + found.slack <= departure <= horizon:
                continue
            if trips != ANY and found.trips[number][place][5] not in trips:
                continue
            for there, arrival, _, _, alight, off in found.trips[number][place + 1 :]:
                if alight and (there, arrival, rides, walked, off) not in got_off:
                    got_off.add((there, arrival, rides, walked, off))
                    yield there, arrival, walked
                    for other, cost, more, on in found.changes[there, off]:
                        if walked + more <= found.budget:
                            entry = (arrival + cost, rides + 1, walked + counted * more, other, next(order), on)
                            heapq.heappush(heap, entry)


def arrivals(found: Events, on_foot: Walks, row: int, start: int, horizon: float = math.inf) -> dict[int, int]:
    """Return the earliest arrival at every end (row) by at least one ride, leaving a start (row) at a time."""
    best: dict[int, int] = {}
    for stop, time, walked in earliest(found, start, on_foot.to_stop.get(row, {}), horizon):
        for end, cost in on_foot.from_stop.get(stop, {}).items():
            if walked + cost <= found.budget:
                best[end] = min(time + cost, best.get(end, time + cost))
    return best


def journeys(
    feed: Feed,
    streets: StreetNetwork,
    sites: pd.DataFrame,
    points: pd.DataFrame,
    rides: Rides,
    *,
    limit: float,
    direction: Direction,
) -> dict[tuple[int, int], list[float]]:
    """Return for each (site, point) the deciseconds of every minute of the window; inf where it takes too long.

    `sites` and `points` as `link` gives them. Leaving home, one tries every vehicle that can be caught, one by one. Of
    planned journeys the quickest is that which begins just in time for a vehicle (towards the site: which is there by
    the moment that it ends), or at the end of the minutes among which one chooses.
    """
    starts, ends = (points, sites) if direction == "to" else (sites, points)
    on_foot = walks(feed, streets, starts, ends, rides, limit=limit, direction=direction)
    found = events(feed, on_foot.changes, on_foot.straight, rides)
    minutes = [10 * second for second in range(*map(hm, rides.window), 60)]
    search = _latest_departures if direction == "to" else _earliest_arrivals
    result = {}
    for row in range(len(starts)):
        times = search(found, on_foot, row, minutes, round(limit * 600), 600 * (rides.planned_minutes or 0))
        for end in range(len(ends)):
            walk = on_foot.direct.get((row, end), math.inf)
            costs = [min(walk, time) for time in times(end)]
            pair = (end, row) if direction == "to" else (row, end)
            result[pair] = [cost if cost <= limit * 600 else math.inf for cost in costs]
    return result


def on_demand(
    feed: Feed,
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    rides: Rides,
    *,
    limit: float,
    direction: Direction,
) -> Callable[[int, int], list[float]]:
    """Return, of a site and a point (rows), the deciseconds of every minute of the window by rides on demand.

    Each way to get on is tried with each to get off, and of each minute the moment to get on that wastes the least.
    """
    minutes = [10 * second for second in range(*map(hm, rides.window), 60)]
    if rides.on_demand_wait_minutes is None or feed.on_demand.rides.empty:
        return lambda _site, _point: [math.inf] * len(minutes)
    wait, aside = round(600 * rides.on_demand_wait_minutes), 600 * (rides.planned_minutes or 0)
    most = math.inf if rides.max_total_walk_minutes is None else rides.max_total_walk_minutes * 600
    links = [link(streets, sites, mode=rides.walk, link_m=HARD_LIMIT), link(streets, points, mode=rides.walk)]
    to_site = direction == "to"
    on_foot = walks(feed, streets, *(links[::-1] if to_site else links), rides, limit=limit, direction=direction)
    stops = gpd.GeoDataFrame(geometry=gpd.points_from_xy(feed.stops["lon"], feed.stops["lat"]), crs=4326)
    at_site, at_point = (
        link(streets, pd.concat([some[["geometry"]], stops.to_crs(streets.crs)]), mode=rides.drive, link_m=most_m)
        for some, most_m in ((sites, HARD_LIMIT), (points, LIMIT))
    )
    ends = (at_site, at_point) if to_site else (at_point, at_site)
    driven = street_times(streets, rides.drive, *ends, limit=240)
    zones = gpd.GeoSeries(list(feed.on_demand.zones), crs=4326).to_crs(streets.crs)

    def doors(places: gpd.GeoDataFrame, row: int, place: int, near: dict[int, int]) -> Iterator[tuple[int, int]]:
        """Yield the rows of places, or of stops behind them, from which one is driven, and the way there on foot."""
        if zones[place] is not None and zones[place].contains(places.geometry.iloc[row]):
            yield row, 0
        for stop in feed.on_demand.stops.query("place == @place")["stop"]:
            if stop in near:
                yield len(places) + stop, near[stop]

    def times(site: int, point: int) -> list[float]:
        best = [math.inf] * len(minutes)
        start, end = ((points, point), (sites, site))[:: 1 if to_site else -1]
        near = on_foot.to_stop.get(start[1], {}), {s: e[end[1]] for s, e in on_foot.from_stop.items() if end[1] in e}
        for ride in feed.on_demand.rides.itertuples():
            ways = itertools.product(doors(*start, ride.on, near[0]), doors(*end, ride.off, near[1]))
            for (a, first), (b, last) in ways:
                if (b, a) not in driven or first + last > most:
                    continue
                drive = round(driven[b, a] * ride.factor + ride.more * 10)
                soonest = max(10 * ride.on_first, 10 * ride.off_first - drive)
                latest = min(10 * ride.on_last, 10 * ride.off_last - drive)
                for k, minute in enumerate(minutes):
                    asked = minute - last - drive if to_site else minute + first + wait
                    got_on = min(asked, latest) if to_site else max(asked, soonest)
                    if soonest <= got_on <= latest and first + wait + drive + last <= limit * 600:
                        wasted = max(0, abs(got_on - asked) - aside)
                        best[k] = min(best[k], first + wait + drive + last + wasted)
        return [cost if cost <= limit * 600 else math.inf for cost in best]

    return times


def _earliest_arrivals(
    found: Events, on_foot: Walks, row: int, minutes: Sequence[int], limit: int, aside: int
) -> Callable[[int], list[float]]:
    leave = {*_just_in_time(found, on_foot, row), *(minute + aside for minute in minutes)}
    by_time = {
        time: arrivals(found, on_foot, row, time, time + limit)
        for time in leave
        if aside or time in minutes
        if minutes[0] <= time <= minutes[-1] + aside
    }

    def times(end: int) -> list[float]:
        return [
            min(by.get(end, math.inf) - time for time, by in by_time.items() if minute <= time <= minute + aside)
            for minute in minutes
        ]

    return times


def _latest_departures(
    found: Events, on_foot: Walks, row: int, minutes: Sequence[int], limit: int, aside: int
) -> Callable[[int], list[float]]:
    leave = _just_in_time(found, on_foot, row)
    tries = sorted(time for time in leave if minutes[0] - limit - aside <= time <= minutes[-1])
    by_time = [(time, arrivals(found, on_foot, row, time, minutes[-1])) for time in reversed(tries)]

    def times(end: int) -> list[float]:
        def until(moment: float) -> float:
            return next((moment - time for time, by in by_time if by.get(end, math.inf) <= moment), math.inf)

        there = [by[end] for _, by in by_time if end in by]
        return [
            min(until(at) for at in [minute - aside, *(at for at in there if minute - aside <= at <= minute)])
            for minute in minutes
        ]

    return times


def _just_in_time(found: Events, on_foot: Walks, row: int) -> set[int]:
    """Return when to leave a start (row) for each vehicle that calls near it."""
    return {
        departure - found.slack - cost
        for stop, cost in on_foot.to_stop.get(row, {}).items()
        for departure, _, _ in found.at_stop[stop]
    }


def nearest_rank(costs: Sequence[float], percent: float) -> float:
    """Return the cost that so many percent of the window's minutes do not exceed: the nearest rank, minutes counted."""
    ordered = sorted(costs)
    return next(cost for cost in ordered if 100 * sum(other <= cost for other in ordered) >= percent * len(ordered))
