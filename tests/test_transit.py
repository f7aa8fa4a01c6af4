"""Journeys by public transport: worlds known by head, and a slow twin on hundreds of generated timetables."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import feed, lines, times, write_zip
from siteplan.config import BIKE, Rides, clock_of
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.gtfs import Feed
from siteplan.inputs.gtfs.feed import RIDES, SPECIAL, OnDemand
from siteplan.inputs.population import read_population
from siteplan.inputs.sites import read_sites
from siteplan.network.people import place_people
from siteplan.network.snapping import HARD_LIMIT, link
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.network.transit import Timetable, build_timetable, read_transit
from siteplan.routing.arrivals import FAR
from siteplan.routing.budget import make_limited_room, search_limited
from siteplan.routing.layout import lay_out, lay_timetable
from siteplan.routing.query import RideQuery
from siteplan.routing.transit import make_ride_room, search_rides
from siteplan.samples import write_sample
from siteplan.times import travel_times
from timetables import Direction, every, hamlets, hm, journeys, nearest_rank, on_demand, timetable, timetables
from worlds import KINDS, METRE_A_SECOND, STREET, TO_LONLAT, Tags, World, made, places, put

BY_BUS = Rides(walk=METRE_A_SECOND)


def laid(feed: Feed, streets: StreetNetwork) -> Timetable:
    """Return the timetable on the streets; stops far from them are looked at elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        return build_timetable(feed, streets)


def ridden(transit: Timetable, sites: gpd.GeoDataFrame, people: gpd.GeoDataFrame, **how: Any) -> pd.DataFrame:
    """Return the table of minutes; places that are not linked are looked at elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        return travel_times(transit.streets, sites, people, transit=transit, **how)


# Known by head --------------------------------------------------------------------------------------------------------


def road() -> StreetNetwork:
    """Return a straight road of 10 km eastwards with a node every 100 m: 10 km are 167 minutes on foot."""
    return World({n: (100.0 * n, 0.0) for n in range(101)}, [(STREET, list(range(101)))]).streets()


def along(*metres: float) -> gpd.GeoDataFrame:
    """Return places on the road."""
    return places([(x, 0.0) for x in metres])


def bus(first: str, times: int = 4, headway: int = 30) -> list[Any]:
    """Return a bus from stop 0 to stop 1 in 10 minutes."""
    return every(first, headway, times, [(0, 0), (1, 10)])


def journey(feed: Feed, home: float = 40, site: float = 5060, **how: Any) -> list[float]:
    """Return minutes, quartiles and share between a site and a home on the road, on foot at a metre a second."""
    rides = BY_BUS.with_(**{key: how.pop(key) for key in list(how) if key in Rides.model_fields})
    times = ridden(build_timetable(feed, road()), along(site), along(home), **{"mode": rides, "limit": 60, **how})
    if times.empty:
        return []
    return [round(value, 2) for value in times.iloc[0][["minutes", "minutes_p25", "minutes_p75", "share"]].tolist()]


# A minute on foot to the stop, a minute at it; the bus from 7:30 arrives at 7:40, one is there at 7:41, having left at
# 7:28. So at 8:00 the journey has taken 32 minutes, at 8:10 42; from 8:11 the next bus takes 13 to 42, and so on. The
# minutes of the hour are 13 to 42, each twice.
HALF_HOURLY = timetable(along(100, 5000), bus("7:00", 6))


def test_a_bus_every_half_hour() -> None:
    assert journey(HALF_HOURLY) == [27, 20, 35, 1]


def test_journeys_as_long_as_is_searched_are_exact_and_longer_ones_refused() -> None:
    # A minute to the stop and one at it; the bus of 4:02 arrives at 7:59, and one is there at 8:00, after 240 minutes.
    bus_of_4 = timetable(along(100, 5000), every("4:02", 30, 1, [(0, 0), (1, 237)]))
    ridden_at_8: dict[str, Any] = {"window": ("8:00", "8:01"), "direct_walk_minutes": 1}
    assert journey(bus_of_4, limit=240, **ridden_at_8) == [240, 240, 240, 1]
    assert journey(bus_of_4, limit=239, **ridden_at_8) == []
    with pytest.raises(StudyError, match="limit of 241 minutes: expected more than 0 and at most 240, as far as is"):
        journey(bus_of_4, limit=241, **ridden_at_8)
    # Read for more, it is searched for more: 600 minutes reach back to ten in the evening before.
    before = timetable(along(100, 5000), every("-2:02", 30, 1, [(0, 0), (1, 597)]))
    long = build_timetable(before, road(), minutes=600)
    at_8 = BY_BUS.with_(**ridden_at_8)
    assert ridden(long, along(5060), along(40), mode=at_8, limit=600)["minutes"].tolist() == [600]
    assert ridden(long, along(5060), along(40), mode=at_8, limit=599).empty
    how: dict[str, Any] = {"first_wait": "planned", "plan_minutes": 30}
    with pytest.raises(StudyError, match=r"at most 210, .* read_transit\(..., minutes=241\) reads it"):
        journey(bus_of_4, limit=211, **how)


def test_the_share_counts_the_minutes_within_the_limit() -> None:
    assert journey(HALF_HOURLY, limit=30) == [27, 20, pytest.approx(np.nan, nan_ok=True), 0.6]


def test_the_percentile_is_that_of_the_nearest_rank() -> None:
    found = [journey(HALF_HOURLY, percentile=percent)[0] for percent in (1, 3, 4, 50, 51, 100)]
    assert found == [13, 13, 14, 27, 28, 42]


def test_a_site_reached_in_fewer_minutes_than_the_percentile_asks_is_out_of_reach() -> None:
    assert journey(HALF_HOURLY, limit=30, percentile=61) == []


def test_a_planned_journey_has_no_wait_at_its_first_stop() -> None:
    """A minute to the stop, one at it, ten in the bus, one to the site: 13, whichever the moment within half an hour.

    Buses are there at 7:41, 8:11 and 8:41. Of those ten minutes before, only the moments 8:11 to 8:21 and 8:41 to 8:51
    know one; at 8:00, being there at 7:50, one has left at 7:28 for the bus of 7:30: 22 minutes.
    """
    planned: dict[str, Any] = {"first_wait": "planned"}
    assert journey(HALF_HOURLY, **planned) == [13, 13, 13, 1]
    assert journey(HALF_HOURLY, plan_minutes=29, **planned) == [13, 13, 13, 1]
    assert journey(HALF_HOURLY, plan_minutes=10, window="08:21", **planned) == [13, 13, 13, 1]
    assert journey(HALF_HOURLY, plan_minutes=10, window="08:00", **planned) == [22, 22, 22, 1]
    assert journey(HALF_HOURLY, plan_minutes=10, **planned) == [17, 13, 25, 1]
    # From the site's side, one sets out later: at 8:28 for the bus of 8:30.
    back: dict[str, Any] = {"home": 5060, "site": 40, "direction": "from", **planned}
    assert journey(HALF_HOURLY, window="08:00", **back) == [13, 13, 13, 1]
    assert journey(HALF_HOURLY, window="08:00", plan_minutes=10, **back) == [31, 31, 31, 1]


def test_a_planned_journey_is_the_quickest_not_the_first() -> None:
    """At 9:00 the slow bus of 8:15 leaves latest; who plans takes the fast one of 8:10, whatever the limit is."""
    feed = timetable(
        along(100, 5000), [*every("8:10", 1, 1, [(0, 0), (1, 10)]), *every("8:15", 1, 1, [(0, 0), (1, 40)])]
    )
    assert journey(feed, window="09:00") == [47, 47, 47, 1]
    for limit in (13, 47, 180):
        assert journey(feed, window="09:00", first_wait="planned", limit=limit) == [13, 13, 13, 1]


def test_a_planned_journey_knows_changes_waits_between_rides_and_walks_all_the_way() -> None:
    """The wait at the first stop is not counted, the five minutes at the second are; who walks needs no plan."""
    feed = timetable(
        along(100, 5000, 9000),
        [*every("8:00", 30, 3, [(0, 0), (1, 10)]), *every("8:16", 30, 3, [(1, 0), (2, 10)])],
    )
    assert journey(feed, site=9060, first_wait="planned", window="09:00") == [29, 29, 29, 1]
    assert journey(feed, site=340, first_wait="planned", window="09:00") == [5, 5, 5, 1]


def test_from_the_site_one_waits_at_the_start() -> None:
    # Left at 8:00, the bus of 8:30 brings one there at 8:41; left at 8:28, too; left at 8:29, that of 9:00 at 9:11.
    assert journey(HALF_HOURLY, home=5060, site=40, direction="from") == [27, 20, 35, 1]


def test_a_moment_is_asked_about_alone() -> None:
    """The bus of 8:00 is there at 8:10, the site a minute on: whoever must be there at 8:11 left at 7:58."""
    feed = timetable(along(100, 5000), bus("8:00", 1))
    assert journey(feed, window="08:11") == journey(feed, window=("08:11", "08:12")) == [13, 13, 13, 1]
    assert journey(feed, window="08:11:30") == [13.5, 13.5, 13.5, 1]
    assert journey(feed, window="08:10:59", limit=30) == []  # the site is a minute from the stop
    # From the site's side, where one leaves at that moment: a minute to the stop, a minute there.
    assert journey(feed, site=40, home=5060, window="07:57:30", direction="from") == [13.5, 13.5, 13.5, 1]
    assert journey(feed, site=40, home=5060, window="07:58:01", direction="from") == []


def test_minutes_are_counted_from_the_seconds_that_a_window_begins_with() -> None:
    feed = timetable(along(100, 5000), bus("8:00", 1))
    assert journey(feed, window=("08:11:30", "08:13:30")) == [13.5, 13.5, 14.5, 1]
    # 8:10:30 is too early, 8:11:30 is not.
    assert journey(feed, window=("08:10:30", "08:12:00"), percentile=100) == []
    assert journey(feed, window=("08:10:30", "08:12:00"), percentile=50)[3] == 0.5


def test_against_the_bus_nobody_rides() -> None:
    assert journey(HALF_HOURLY, home=5060, site=40, direction="to") == []
    assert journey(HALF_HOURLY, direction="from") == []


def test_the_window_ends_before_its_last_minute() -> None:
    assert journey(HALF_HOURLY, window=("08:11", "08:12")) == [13, 13, 13, 1]
    assert journey(HALF_HOURLY, window=("08:10", "08:11")) == [42, 42, 42, 1]


@pytest.mark.parametrize("slack", [0, 1, 5])
def test_one_is_at_the_stop_before_the_departure(slack: float) -> None:
    assert journey(HALF_HOURLY, window=("08:11", "08:12"), board_slack_minutes=slack)[0] == 12 + slack


def test_walking_all_the_way_competes_beyond_the_longest_walk_to_a_stop() -> None:
    # 1,520 m on foot are 25.33 minutes at any time: more than the bus takes in 13 pairs of minutes.
    feed = timetable(along(100, 1500), bus("7:00", 6))
    assert journey(feed, site=1560) == [25.33, 20, 25.33, 1]


@pytest.mark.parametrize(("home", "found"), [(701, []), (699, [13 + 9 - 0.02])])
def test_a_walk_to_a_stop_is_at_most_as_long_as_asked(home: float, found: list[float]) -> None:
    assert journey(HALF_HOURLY, home=home, window=("08:11", "08:12"))[:1] == found


def test_a_walk_from_a_stop_is_at_most_as_long_as_asked() -> None:
    at = {"window": ("08:21", "08:22"), "limit": 25}
    assert journey(HALF_HOURLY, site=5599, **at)[0] == pytest.approx(23, abs=0.02)
    assert journey(HALF_HOURLY, site=5601, **at) == []


def change(second: str, *, transfers: Any = (), special: Any = (), apart: float = 0, **how: Any) -> list[float]:
    """Return the journey by a bus at 8:00 to the stop 1 at 8:10, then from stop 2, some metres on, to stop 3."""
    stops = along(100, 5000, 5000 + apart, 9000)
    onwards = every(second, 60, 1, [(2 if apart else 1, 0), (3, 10)])
    feed = timetable(stops, [*bus("8:00", 1), *onwards], transfers=transfers, route=[0, 1], special=special)
    return journey(feed, site=9060, **{"window": ("08:40", "08:41"), **how})[:1]


def through(second: str, block: tuple[str, str], *, start: int = 1, **how: Any) -> list[float]:
    """Return the journey by a bus to stop 1 at 8:10 that may go on as another, with one ride and a minute's slack."""
    stops = along(100, 5000, 5300, 9000)
    feed = timetable(stops, [*bus("8:00", 1), *every(second, 60, 1, [(start, 0), (3, 10)])], block=block)
    return journey(feed, site=9060, **{"window": ("08:40", "08:41"), "max_rides": 1, **how})[:1]


@pytest.mark.parametrize("second", ["8:10", "8:15"])
def test_who_stays_seated_needs_neither_a_second_ride_nor_the_minute_before_it(second: str) -> None:
    assert through(second, ("v", "v")) == change("8:11")
    assert through(second, ("v", "w")) == through(second, ("", "")) == []


def test_no_vehicle_goes_on_before_it_is_there_or_from_elsewhere() -> None:
    assert through("8:09", ("v", "v"), max_rides=2) == []
    assert through("8:15", ("v", "v"), start=2) == []


# Left at 7:58 and there at 8:40 whatever the change; no journey at all where the second bus is missed.
@pytest.mark.parametrize(("second", "made"), [("8:10", False), ("8:11", True), ("8:12", True)])
def test_a_change_at_a_stop_takes_the_minute_before_the_departure(second: str, made: bool) -> None:
    assert change(second) == [42] * made


@pytest.mark.parametrize(("second", "made"), [("8:13:50", False), ("8:14:10", True)])
def test_a_change_between_stops_takes_the_walk(second: str, made: bool) -> None:
    assert change(second, apart=180) == [42] * made


def test_a_change_is_a_walk_no_longer_than_asked() -> None:
    assert change("8:25", apart=610) == []
    assert change("8:25", apart=590) == [42]
    assert change("8:25", apart=610, max_walk_minutes=11) == [42]


def test_a_change_needs_a_second_ride() -> None:
    assert change("8:12", max_rides=1) == []
    assert change("8:12", max_rides=2) == [42]


def test_walks_are_no_longer_in_all_than_asked() -> None:
    # A minute to the stop, three between stops, one to the site; the straight metres are a little less than the road's.
    assert change("8:20", apart=180, max_total_walk_minutes=5.1) == [42]
    assert change("8:20", apart=180, max_total_walk_minutes=4.9) == []
    assert change("8:20", max_total_walk_minutes=2.1) == [42]


def test_time_that_a_change_asks_for_is_no_walk() -> None:
    least = [(1, 2, 2, 900)]
    assert change("8:25", apart=180, transfers=least, max_total_walk_minutes=5.1) == [42]
    assert change("8:24", apart=180, transfers=least, max_total_walk_minutes=5.1) == []


def test_who_walked_less_may_be_later_at_a_stop_and_get_further() -> None:
    # A fast bus from a stop that is eight minutes away and a slow one from next door, both to where another leaves.
    stops = along(100, 520, 5000, 9000)
    slow, fast = every("8:00", 60, 1, [(0, 0), (2, 20)]), every("8:10", 60, 1, [(1, 0), (2, 5)])
    feed = timetable(stops, [*slow, *fast, *every("8:30", 60, 1, [(2, 0), (3, 10)])])
    at = {"site": 9180, "window": ("08:50", "08:51")}
    assert journey(feed, **at)[0] == 50 - 1  # by the fast one, left at 8:01
    assert journey(feed, **at, max_total_walk_minutes=9)[0] == 52  # by the slow one, left at 7:58


@pytest.mark.parametrize("near", [0, 1])
def test_who_walked_less_and_came_later_has_walks_left(near: int) -> None:
    # From the site: a slow bus from next door and a fast one from eight minutes away meet where another leaves.
    stops, far = along(*((100, 520) if near == 0 else (520, 100)), 5000, 9000), 1 - near
    slow, fast = every("8:00", 60, 1, [(near, 0), (2, 20)]), every("8:10", 60, 1, [(far, 0), (2, 5)])
    feed = timetable(stops, [*slow, *fast, *every("8:30", 60, 1, [(2, 0), (3, 10)])])
    at = {"home": 9180, "site": 40, "window": ("07:58", "07:59"), "direction": "from"}
    assert journey(feed, **at, max_total_walk_minutes=9)[0] == 45


@pytest.mark.parametrize("in_all", [None, 60])
def test_who_is_later_by_fewer_rides_may_get_further(in_all: float | None) -> None:
    # At 8:05 one gets to stop 2 sooner by two buses, at 8:00 by one: then there is a ride left for the last bus.
    stops = along(100, 3000, 5000, 9000)
    direct, onwards = every("8:02", 60, 1, [(0, 0), (2, 23)]), every("8:30", 60, 1, [(2, 0), (3, 10)])
    by_two = [*every("8:07", 60, 1, [(0, 0), (1, 5)]), *every("8:14", 60, 1, [(1, 0), (2, 6)])]
    feed = timetable(stops, [*direct, *by_two, *onwards])
    at = {"home": 9060, "site": 40, "window": ("08:00", "08:06"), "direction": "from", "percentile": 1}
    found = journey(feed, **at, max_total_walk_minutes=in_all)
    assert (found[0], found[3]) == (41, pytest.approx(1 / 6, abs=0.01))


@pytest.mark.parametrize(("alone", "found"), [(15.9, []), (16, [16, 16, 16, 1]), (None, [16, 16, 16, 1])])
def test_a_walk_all_the_way_has_a_limit_of_its_own(alone: float | None, found: list[float]) -> None:
    # 960 m at a metre a second; no bus stops near the site.
    assert journey(HALF_HOURLY, site=1000, direct_walk_minutes=alone) == found


def test_the_limit_of_walks_all_the_way_leaves_the_bus() -> None:
    # As where walking competes, without it: 1,460 m after the bus, 20 minutes at the median, and the slower ones.
    feed = timetable(along(100, 1500), bus("7:00", 6))
    with_walks, without = journey(feed, site=1560), journey(feed, site=1560, direct_walk_minutes=25)
    assert with_walks == [25.33, 20, 25.33, 1]
    assert without == [27, 20, 35, 1]


@pytest.mark.parametrize(("most", "home", "found"), [(5, 399, [17]), (5, 401, []), (None, 701, []), (15, 701, [22.02])])
def test_the_way_between_home_and_stop_has_a_limit_of_its_own(most: Any, home: float, found: list[float]) -> None:
    # The bus at 8:00 is there at 8:10, one is at the site at 8:11, having left home so many seconds before 7:59.
    how = {"max_home_minutes": most, "window": ("08:11", "08:12"), "direct_walk_minutes": 1}
    feed = timetable(along(100, 5000), bus("8:00", 1))
    assert journey(feed, home=home, **how)[:1] == [pytest.approx(minutes, abs=0.02) for minutes in found]


def test_a_walk_all_the_way_has_no_limit_in_all() -> None:
    assert journey(HALF_HOURLY, site=1000, max_total_walk_minutes=1)[0] == 16


@pytest.mark.parametrize("least", [0, 60, 240, 300])
def test_a_change_takes_at_least_what_the_timetable_says(least: int) -> None:
    departures = [f"8:{minute:02}" for minute in range(10, 17)]
    found = [minute for minute in departures if change(minute, transfers=[(1, 1, 2, least)])]
    assert found[0] == f"8:{10 + max(1, least // 60):02}"


def test_a_least_time_does_not_shorten_a_walk() -> None:
    assert change("8:13:50", apart=180, transfers=[(1, 2, 2, 60)]) == []
    assert change("8:14:10", apart=180, transfers=[(1, 2, 2, 60)]) == [42]


# The change is from trip t0 of route 0 to t1 of route 1, at stop 1.
@pytest.mark.parametrize(
    ("said", "made"),
    [
        ([(3, 0, -1, 1, "", "")], False),
        ([(3, 0, 1, -1, "", "")], True),  # from the other line
        ([(3, 0, -1, -1, "t0", "t1")], False),
        ([(3, 0, -1, -1, "t1", "t0")], True),
        ([(3, 0, 0, -1, "", "t1")], False),
        ([(3, 0, 1, -1, "t0", "")], False),  # what names a trip is of that trip, whatever it says of its route
        ([(3, 0, -1, -1, "", "t9")], True),  # a trip that does not run
        ([(2, 301, 0, 1, "", "")], False),
        ([(2, 300, 0, 1, "", "")], True),
        ([(0, 0, -1, -1, "t0", ""), (3, 0, 0, 1, "", "")], True),  # the first that holds
        ([(3, 0, 0, 1, "", ""), (0, 0, -1, -1, "t0", "")], False),
        ([(0, 0, 1, 1, "", ""), (3, 0, 0, 1, "", "")], False),
    ],
)
def test_a_rule_for_certain_lines_or_trips_is_theirs_alone(said: Any, made: bool) -> None:
    assert change("8:15", special=[(1, 1, *rule) for rule in said]) == ([42] if made else [])
    assert change("8:15", special=[(2, 1, *rule) for rule in said]) == [42]  # between other stops


def test_a_rule_for_certain_lines_or_trips_comes_before_that_of_the_stops() -> None:
    assert change("8:15", transfers=[(1, 1, 3, 0)], special=[(1, 1, 1, 0, 0, 1, "", "")]) == [42]
    assert change("8:15", transfers=[(1, 1, 3, 0)], special=[(1, 1, 1, 0, 1, 0, "", "")]) == []
    assert change("8:15", transfers=[(1, 1, 2, 600)], special=[(1, 1, 2, 120, -1, -1, "", "t1")]) == [42]


def test_a_forbidden_change_is_not_made() -> None:
    assert change("8:20", apart=180, transfers=[(1, 2, 3, 0)]) == []
    assert change("8:20", transfers=[(1, 1, 3, 0)]) == []
    assert change("8:20", apart=180, transfers=[(2, 1, 3, 0)]) == [42]


@pytest.mark.parametrize("rules", [(), [(1, 2, 2, 0)]])
def test_a_change_within_a_station_is_a_walk_no_longer_than_asked(rules: Any) -> None:
    assert station(180, (), "8:20", rules, max_walk_minutes=3.1) == [42]
    assert station(180, (), "8:20", rules, max_walk_minutes=2.9) == []


@pytest.mark.parametrize("kind", [0, 1])
def test_a_recommended_change_is_no_faster_than_the_walk(kind: int) -> None:
    assert change("8:12", apart=2000, transfers=[(1, 2, kind, 0)]) == []
    assert change("8:13:50", apart=180, transfers=[(1, 2, kind, 0)]) == []
    assert change("8:14:10", apart=180, transfers=[(1, 2, kind, 0)]) == [42]


def test_a_change_of_no_time_between_far_stops_takes_the_way_all_the_same() -> None:
    assert change("8:12", apart=2000, transfers=[(1, 2, 2, 0)]) == []


def station(metres: float, entrances: Any, second: str, rules: Any = (), **how: Any) -> list[float]:
    """Return the journey with a change between two platforms of a station, 5,000 m on; entrances are in metres too."""
    stops = along(100, 5000, 5000 + metres, 9000, 5000, *entrances)
    kind, parent = [0, 0, 0, 0, 1, *[2] * len(entrances)], [-1, 4, 4, -1, -1, *[4] * len(entrances)]
    onwards = every(second, 60, 1, [(2, 0), (3, 10)])
    feed = timetable(stops, [*bus("8:00", 1), *onwards], kind=kind, parent=parent, transfers=rules)
    return journey(feed, site=9060, window=("08:40", "08:41"), **how)[:1]


@pytest.mark.parametrize("entrances", [(), (5000,), (5050, 5090), (4900,)])
@pytest.mark.parametrize(("second", "made"), [("8:13:50", False), ("8:14:10", True)])
def test_platforms_of_a_station_are_as_far_apart_as_they_are(entrances: Any, second: str, made: bool) -> None:
    assert station(180, entrances, second) == [42] * made


def test_platforms_too_far_apart_are_no_shorter_through_the_station() -> None:
    assert station(1200, (5600,), "8:25") == []


def test_one_enters_a_station_through_its_entrances() -> None:
    stops = along(100, 5000, 100, 160)
    feed = timetable(stops, bus("8:00", 1), kind=[0, 0, 1, 2], parent=[2, -1, -1, 2])
    # From home to the entrance at 160 m and back to the platform at 100 m.
    assert journey(feed, window=("08:11", "08:12"))[0] == pytest.approx(15, abs=0.01)


@pytest.mark.parametrize(
    ("entrance", "said"),
    [
        # Two kilometres off no station goes on; 900 m off in a field without a street nobody walks there.
        ((2100, 0), "entrances more than 1,000 m from a platform of their station, which are not used for it: 1 .s3."),
        ((100, 900), "stops whose station has no entrance near them and near a street, entered where they are: 1 .s0."),
    ],
)
def test_who_finds_no_entrance_enters_where_the_platform_is(entrance: Any, said: str) -> None:
    stops = places([(100, 0), (5000, 0), (100, 0), entrance])
    feed = timetable(stops, bus("8:00", 1), kind=[0, 0, 1, 2], parent=[2, -1, -1, 2])
    with pytest.warns(SiteplanWarning, match=said):
        assert journey(feed, window=("08:11", "08:12"))[0] == 13


def test_a_far_entrance_leaves_those_nearby() -> None:
    stops = along(100, 5000, 100, 160, 2100)
    feed = timetable(stops, bus("8:00", 1), kind=[0, 0, 1, 2, 2], parent=[2, -1, -1, 2, 2])
    with pytest.warns(SiteplanWarning, match=r"not used for it: 1 \(s4\)$"):
        assert journey(feed, window=("08:11", "08:12"))[0] == pytest.approx(15, abs=0.01)


def test_a_trip_of_the_night_before() -> None:
    feed = timetable(along(100, 5000), [[(0, hm("0:00") - 300, hm("0:00") - 300), (1, 300, 300)]])
    assert journey(feed, window=("00:06", "00:07")) == [13, 13, 13, 1]


def test_a_trip_after_midnight() -> None:
    feed = timetable(along(100, 5000), bus("24:55", 1))
    assert journey(feed, window=("25:06", "25:07")) == [13, 13, 13, 1]


def read_from(folder: Path, date: str, *rows: str) -> Timetable:
    """Return the timetable of a date, read from a feed of a bus on weekdays between stops at 100 m (A) and 5,000 m."""
    lon, lat = TO_LONLAT.transform(*along(100, 5000).get_coordinates().to_numpy().T)
    places = [f"{name},{name},{y:.9f},{x:.9f}" for name, x, y in zip("AB", lon, lat, strict=True)]
    tables = feed(stops=lines("stop_id,stop_name,stop_lat,stop_lon", *places), stop_times=times(*rows))
    return read_transit(write_zip(folder / "bus.zip", tables), road(), date=date)


def read_journey(transit: Timetable, at: str, **how: Any) -> list[float]:
    """Return the minutes between homes at 40 m and a site at 5,060 m, at one minute."""
    rides = BY_BUS.model_copy(update={"window": (at, f"{at[:-1]}{int(at[-1]) + 1}")})
    ends = (along(5060), along(40)) if how.get("direction") != "from" else (along(40), along(5060))
    return ridden(transit, *ends, mode=rides, limit=60, **how)["minutes"].round(2).tolist()


@pytest.mark.parametrize(("date", "at"), [("2026-03-12", "25:16"), ("2026-03-13", "01:16")])
def test_a_trip_at_25_05_is_found_that_night_and_on_the_day_after(tmp_path: Path, date: str, at: str) -> None:
    assert read_journey(read_from(tmp_path, date, "T1 A 25:05", "T1 B 25:15"), at) == [13]


@pytest.mark.parametrize(("date", "found"), [("2026-03-11", [22]), ("2026-03-09", [])])
def test_just_after_midnight_one_came_by_yesterdays_bus(tmp_path: Path, date: str, found: list[float]) -> None:
    # Left at 23:48, at the site at 23:59. There is no bus on the Sunday before Monday the 9th.
    assert read_journey(read_from(tmp_path, date, "T1 A 23:50", "T1 B 23:58"), "00:10") == found


@pytest.mark.parametrize(("date", "found"), [("2026-03-10", [31]), ("2026-03-13", [])])
@pytest.mark.parametrize("at", ["23:50", "24:00"])
def test_late_at_night_one_goes_on_by_tomorrows_bus(tmp_path: Path, date: str, found: list[float], at: str) -> None:
    # Left at 23:50 for the bus at 0:10, there at 0:21; on Friday the 13th there is none any more.
    late = 10 if at == "24:00" else 0
    transit = read_from(tmp_path, date, "T1 A 0:10", "T1 B 0:20")
    assert read_journey(transit, at, direction="from") == [minutes - late for minutes in found]


@pytest.mark.parametrize(
    ("on", "off", "made"), [((True, False), (False, True), True), ((False, True), (True, True), False)]
)
def test_where_one_may_not_get_on_or_off_one_does_not(on: Any, off: Any, made: bool) -> None:
    feed = timetable(along(100, 5000), [[(0, hm("8:00"), hm("8:00"), *on), (1, hm("8:10"), hm("8:10"), *off)]])
    assert bool(journey(feed, window=("08:11", "08:12"))) == made


def test_a_faster_trip_that_overtakes_is_taken() -> None:
    slow, fast = every("8:00", 60, 1, [(0, 0), (1, 30)]), every("8:05", 60, 1, [(0, 0), (1, 10)])
    assert journey(timetable(along(100, 5000), [*slow, *fast]), window=("08:31", "08:32"))[0] == 28
    assert journey(timetable(along(100, 5000), [*slow, *fast]), window=("08:16", "08:17"))[0] == 13


def test_a_loop_calls_twice_at_its_first_stop() -> None:
    ring_line = every("8:00", 60, 1, [(0, 0), (1, 10), (0, 20), (1, 30)])
    found = [journey(timetable(along(100, 5000), ring_line), window=(at, f"{at[:-1]}2")) for at in ("08:11", "08:31")]
    assert [one[0] for one in found] == [13, 13]


# Around the search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sites", "homes"), [((), (40,)), ((5060,), ()), ((), ())])
def test_nothing_asked_is_an_empty_table(sites: Any, homes: Any) -> None:
    transit = build_timetable(HALF_HOURLY, road())
    times = ridden(transit, along(*sites), along(*homes), mode="transit")
    assert len(times) == 0
    assert list(times) == ["site", "point", "mode", "minutes", "minutes_p25", "minutes_p75", "share"]


def test_without_a_timetable_there_are_no_rides() -> None:
    with pytest.raises(StudyError, match="no timetable"):
        travel_times(road(), along(5060), along(40), mode="transit")


def test_a_timetable_on_other_streets_is_refused() -> None:
    with pytest.raises(StudyError, match="streets"):
        travel_times(road(), along(5060), along(40), mode="transit", transit=build_timetable(HALF_HOURLY, road()))


def test_a_feed_far_from_the_streets_is_refused() -> None:
    with pytest.raises(InputError, match="no stop lies within 300 m"):
        build_timetable(timetable(places([(0, 9000), (100, 9000)]), bus("8:00")), road())


def test_stops_far_from_the_streets_are_counted() -> None:
    with pytest.warns(SiteplanWarning, match=r"1 of 2 stops, with 50.0% of the stop times"):
        transit = build_timetable(timetable(places([(0, 0), (100, 9000)]), bus("8:00")), road())
    assert transit.counts["stop_times_without_street"] == 4


def by_bicycle(streets: StreetNetwork, stop: float, home: float, site: float) -> list[float]:
    """Return the minutes from home, by bicycle to the stop, to be at the site at 8:11; the bus leaves at 8:00."""
    rides = BY_BUS.model_copy(update={"home": BIKE, "max_walk_minutes": 15, "window": ("08:11", "08:12")})
    transit = build_timetable(timetable(along(stop, 9000), bus("8:00", 1)), streets)
    return ridden(transit, along(site), along(home), mode=rides, limit=60)["minutes"].round(2).tolist()


def test_home_by_bicycle() -> None:
    # 2,900 m to the stop at 15 km/h are 11.6 minutes, then one at it; all the way it is 24.24.
    assert by_bicycle(road(), stop=100, home=3000, site=9060) == [23.6]


def paved_half() -> StreetNetwork:
    """Return the road with a footway in place of its second half."""
    kinds: list[Any] = [(STREET, list(range(51))), ({"highway": "footway"}, list(range(50, 101)))]
    return World({n: (100.0 * n, 0.0) for n in range(101)}, kinds).streets()


def test_a_bicycle_reaches_a_stop_on_a_footway() -> None:
    # 2,000 m by bicycle are 8 minutes; the last 48 m to the stop, at 4.8 km/h, 0.6.
    assert by_bicycle(paved_half(), stop=5048, home=3000, site=9060) == [pytest.approx(8 + 0.6 + 12, abs=0.02)]


def test_a_bicycle_reaches_a_site_on_a_footway() -> None:
    assert by_bicycle(paved_half(), stop=100, home=3000, site=5048) == [pytest.approx(8.6, abs=0.02)]


# The slow twin --------------------------------------------------------------------------------------------------------


def slowly(
    transit: Timetable, sites: gpd.GeoDataFrame, people: gpd.GeoDataFrame, rides: Rides, limit: float, way: Direction
) -> list[tuple[Any, ...]]:
    """Return the rows of the table of minutes, in tenths of seconds, by the slow twin."""
    site_links = link(transit.streets, sites, mode=rides.walk, link_m=HARD_LIMIT)
    links = link(transit.streets, people, mode=rides.walk)
    costs = journeys(transit.feed, transit.streets, site_links, links, rides, limit=limit, direction=way)
    called = on_demand(transit.feed, transit.streets, sites, people, rides, limit=limit, direction=way)
    rows = []
    for (site, point), scheduled in sorted(costs.items()):
        every_minute = [*map(min, scheduled, called(site, point))]
        at = [nearest_rank(every_minute, percent) for percent in (rides.percentile, 25, 75)]
        if at[0] < float("inf"):
            rows.append((site, point, *at, sum(cost < float("inf") for cost in every_minute) / len(every_minute)))
    return rows


def as_rows(times: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the table in the form of `slowly`."""
    in_tenths = (times[["minutes", "minutes_p25", "minutes_p75"]] * 600).round().fillna(float("inf"))
    columns = (times["site"].astype(int), times["point"], *(in_tenths[c] for c in in_tenths), times["share"])
    return list(zip(*(column.tolist() for column in columns), strict=True))


WINDOWS = [
    ("00:00", "00:04"),
    ("08:00", "08:07"),
    ("24:10", "24:12"),
    ("12:30", "12:31"),
    ("08:59:17", "09:01:17"),
    "12:30:45",
]
rules = st.builds(
    lambda window, percentile, most, walk, slack, in_all, home, alone, aside, wait: Rides(
        window=window,
        percentile=percentile,
        max_rides=most,
        max_walk_minutes=walk,
        board_slack_minutes=slack,
        max_total_walk_minutes=in_all,
        max_home_minutes=home,
        direct_walk_minutes=alone,
        first_wait="planned" if aside else "counted",
        plan_minutes=aside or 60,
        on_demand_wait_minutes=wait,
        on_demand_kmh=20,
        walk=METRE_A_SECOND,
    ),
    st.sampled_from(WINDOWS),
    st.sampled_from([50, 1, 25, 90, 100]),
    st.integers(1, 3),
    st.sampled_from([20, 10, 5.5, 2]),
    st.sampled_from([1, 0, 2.5]),
    st.sampled_from([None, None, 3, 6, 12]),
    st.sampled_from([None, None, 1, 15]),
    st.sampled_from([None, None, 2, 30]),
    st.sampled_from([None, None, 1, 3, 20]),
    st.sampled_from([5, 0, 7.5]),
)


@dataclass(frozen=True)
class Case:
    """Streets and a timetable on them, places to travel between, and the way to travel."""

    transit: Timetable
    sites: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    rides: Rides


@st.composite
def calls(draw: Any, spots: gpd.GeoSeries, stops: int, start: int) -> OnDemand:
    """Draw zones around some of the places and groups of stops, and rides on demand between them at about a time."""
    places = []
    for _ in range(draw(st.integers(1, 3))):
        some = draw(st.lists(st.integers(0, len(spots) - 1), min_size=1, unique=True))
        places.append((spots.iloc[some].buffer(1).union_all(), []))
    for _ in range(draw(st.integers(0, 2))):
        places.append((None, draw(st.lists(st.integers(0, stops - 1), min_size=1, unique=True))))
    window = st.tuples(st.integers(-30, 10), st.integers(0, 60)).map(
        lambda minutes: (start + 60 * minutes[0], start + 60 * sum(minutes))
    )
    place, more = st.integers(0, len(places) - 1), st.sampled_from([(1.0, 0.0), (1.5, 60.0), (0.5, 12.5)])
    ride = st.builds(
        lambda on, off, first, last, long: (0, on, off, *first, *last, *long), place, place, window, window, more
    )
    rides = pd.DataFrame(draw(st.lists(ride, min_size=1, max_size=4)), columns=list(RIDES)).astype(RIDES)
    zones = tuple(gpd.GeoSeries([zone for zone, _ in places], crs=spots.crs).to_crs(4326))
    members = [(place, stop) for place, (_, some) in enumerate(places) for stop in some]
    return OnDemand(rides, zones, pd.DataFrame(members, columns=["place", "stop"], dtype=np.int32))


@st.composite
def cases(draw: Any, *, tenths: bool = False, called: bool = False) -> Case:
    """Draw hamlets with stops on their streets, a timetable around the window, a few sites and points.

    With four hamlets or more, each is linked only to the next, and the people live two hamlets away or three. With
    `tenths`, places lie at whole tenths of their street, so that every walk takes whole deciseconds either way;
    `called`, some ride on demand.
    """
    share = st.integers(1, 9).map(lambda tenth: tenth / 10) if tenths else st.floats(0.001, 0.999)
    rides, count = draw(rules), draw(st.sampled_from([2, 3, 4, 4, 6]))
    stops = draw(st.integers(count, 8))
    edges, parts = draw(hamlets(count))
    streets = made(edges)

    def spots(hamlet: int, most: int) -> Any:
        spot = st.tuples(st.sampled_from(parts[hamlet]), share, st.sampled_from([0.0, 0.0, 40.0]))
        return draw(st.lists(spot, min_size=1, max_size=most))

    drawn = draw(timetables(stops, hm(rides.window[0]), chained=count > 3))
    entrances = spots(stops % count, 2) if draw(st.booleans()) else []
    at = put(streets, [spot for k in range(stops + 1) for spot in spots(k % count, 1)] + entrances)
    kind, parent = [*[0] * stops, 1, *[2] * len(entrances)], [*drawn.parent, *[stops] * len(entrances)]
    feed = timetable(
        at,
        drawn.trips,
        transfers=drawn.transfers,
        kind=kind,
        parent=parent,
        block=drawn.block,
        route=drawn.route,
        special=drawn.special,
    )
    sites, people = put(streets, spots(0, 2)), put(streets, [*spots(count // 2, 2), *spots(-1, 1)])
    if called and draw(st.integers(0, 3)) == 3:
        spots_of_all = pd.concat([sites.geometry, people.geometry])
        feed = replace(feed, on_demand=draw(calls(spots_of_all, stops, hm(rides.window[0]))))
    return Case(laid(feed, streets), sites, people, rides)


@given(case=cases(called=True), limit=st.sampled_from([90, 60, 45.5, 20]), way=st.sampled_from(["to", "from"]))
@settings(max_examples=400)
def test_the_minutes_are_those_of_a_search_event_by_event(case: Case, limit: float, way: Direction) -> None:
    how = (case.transit, case.sites, case.people)
    times = ridden(*how, mode=case.rides, limit=limit, direction=way)
    assert as_rows(times) == slowly(*how, case.rides, limit, way)


@st.composite
def junctions(draw: Any) -> Feed:
    """Draw buses of two lines to the stops 1 and 2, buses on from there to stop 3, and rules for certain changes."""
    to = st.sampled_from([1, 1, 1, 2])
    trips = [
        [(0, hm(at), hm(at)), (stop, hm(at) + 600, hm(at) + 600)] for at in ("8:00", "8:05") for stop in [draw(to)]
    ]
    for minute in draw(st.lists(st.integers(0, 25), min_size=2, max_size=3)):
        leave = hm("8:10") + 60 * minute
        trips.append([(draw(to), leave, leave), (3, leave + 600, leave + 600)])
    numbers = range(len(trips))
    lines = [draw(st.sampled_from([0, 1])) + 2 * (number > 1) for number in numbers]
    what = st.sampled_from([(3, 0), (3, 0), (2, 600), (2, 0), (0, 0)])

    def side(numbers: Sequence[int]) -> Any:
        trip = st.sampled_from(numbers).map(lambda number: (-1, f"t{number}"))
        return trip | st.sampled_from(numbers).map(lambda number: (lines[number], "")) | st.just((-1, ""))

    special = []
    for _ in range(draw(st.integers(1, 6))):
        (line, trip), (other, other_trip) = draw(side(numbers[:2])), draw(side(numbers[2:]))
        special.append((draw(to), draw(to), *draw(what), line, other, trip, other_trip))
    transfers = [(*pair, *draw(what)) for pair in draw(st.lists(st.tuples(to, to), max_size=2, unique=True))]
    return timetable(along(100, 5000, 5120, 9000), trips, transfers=transfers, route=lines, special=special)


@given(feed=junctions(), way=st.sampled_from(["to", "from"]), most=st.sampled_from([None, 3, 5]))
@settings(max_examples=60)
def test_rules_for_certain_lines_and_trips_are_those_of_a_search_event_by_event(
    feed: Feed, way: Direction, most: float | None
) -> None:
    window = ("08:10", "08:50") if way == "to" else ("07:50", "08:10")
    rides = BY_BUS.model_copy(update={"window": window, "max_total_walk_minutes": most, "percentile": 5})
    far, near = along(9060), along(40)
    sites, people = (far, near) if way == "to" else (near, far)
    how = (laid(feed, road()), sites, people)
    assert as_rows(ridden(*how, mode=rides, limit=80, direction=way)) == slowly(*how, rides, 80, way)


def turn(tags: Tags) -> Tags:
    """Return the tags of the same street drawn the other way round."""
    other = {"yes": "-1", "-1": "yes"}
    return {key: other[value] if key.startswith("oneway") else value for key, value in tags.items()}


def turned(case: Case) -> Case:
    """Return the case in a mirror of time: streets, rides, changes and the window run the other way."""
    feed, rides, noon = case.transit.feed, case.rides, hm("12:00")
    streets = replace(case.transit.streets, kinds=[tuple(turn(tags).items()) for tags in KINDS])
    # One is at the stop before a departure, not after an arrival: so the mirror lies that much later.
    mirror = 2 * noon + round(60 * rides.board_slack_minutes)
    calls = feed.calls.iloc[::-1].sort_values("trip", kind="stable")
    calls = calls.assign(
        arrival=mirror - calls["departure"],
        departure=mirror - calls["arrival"],
        board=calls["alight"],
        alight=calls["board"],
    )
    transfers = feed.transfers.rename(columns={"from_stop": "to_stop", "to_stop": "from_stop"})
    sides = [("from", "to"), ("to", "from")]
    swap = {f"{one}_{of}": f"{other}_{of}" for of in ("stop", "route", "trip") for one, other in sides}
    special = feed.special.rename(columns=swap)[list(SPECIAL)]
    window = tuple(clock_of(2 * noon + 60 - hm(end)) for end in reversed(rides.window))
    transit = laid(replace(feed, calls=calls, transfers=transfers, special=special), streets)
    # The mirror of an hour past midnight lies before the day, where no study can ask for it.
    return replace(case, transit=transit, rides=Rides.model_construct(**{**dict(rides), "window": window}))


@given(case=cases(tenths=True), limit=st.sampled_from([90, 60, 45.5, 20]))
@settings(max_examples=150)
def test_towards_a_site_is_away_from_it_in_the_mirror_of_time(case: Case, limit: float) -> None:
    mirror = turned(case)
    there = ridden(case.transit, case.sites, case.people, mode=case.rides, limit=limit, direction="to")
    back = ridden(mirror.transit, case.sites, case.people, mode=mirror.rides, limit=limit, direction="from")
    assert as_rows(there) == as_rows(back)


@pytest.mark.parametrize("way", ["to", "from"])
def test_the_sample_territory_is_that_of_a_search_event_by_event(sample: Any, way: Direction) -> None:
    transit, sites, people = sample
    rides = Rides()
    times = ridden(transit, sites, people, mode=rides, limit=60, direction=way)
    found = as_rows(times.assign(site=times["site"].cat.codes))
    assert found == slowly(transit, sites, people.reset_index(drop=True), rides, 60, way)
    assert sum(row[2] < 36000 for row in found) > 60


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Timetable, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the sample territory's timetable, three of its sites and sixty places of people."""
    folder = write_sample(tmp_path_factory.mktemp("sample"))
    with warnings.catch_warnings():  # it has a few oddities on purpose
        warnings.simplefilter("ignore", SiteplanWarning)
        streets = read_streets(folder / "streets.osm.pbf")
        transit = read_transit(folder / "gtfs.zip", streets, date="2026-03-10")
        people = place_people(read_population(folder / "population_200m.gpkg"), streets)
        sites = read_sites(folder / "sites.csv").iloc[:3]
    people = people[people["status"] == "placed"].sample(60, random_state=1)
    return transit, sites, people.reset_index(drop=True)


@given(case=cases(), way=st.booleans())
@settings(max_examples=100)
def test_homes_and_stops_searched_in_one_are_as_each_by_itself(case: Case, way: bool) -> None:
    together, apart = replace(case.transit), replace(case.transit)  # which remember nothing
    lay_timetable(apart, case.rides, way)  # so that only the homes are left to search
    one, other = (
        lay_out(RideQuery(each, case.sites, case.people, case.rides, 36_000, way)) for each in (together, apart)
    )
    for here, there in zip((*one.laid.feet, *one.exits), (*other.laid.feet, *other.exits), strict=True):
        np.testing.assert_array_equal(here, there)
        assert here.dtype == there.dtype


@given(case=cases(), way=st.booleans())
@settings(max_examples=100)
def test_a_search_leaves_the_working_arrays_as_they_were(case: Case, way: bool) -> None:
    found = lay_out(RideQuery(case.transit, case.sites, case.people, case.rides, 36_000, way))
    walks, exits = (*found.laid.feet, found.laid.foot_walk), (*found.exits, 1)
    clock = np.array([36_000, 35_400, 34_800, 30_000, 29_400], np.int32) * (-1 if way else 1)
    query = (np.sort(clock)[::-1].copy(), 18_000, case.rides.max_rides, found.laid.kernel)
    ride = make_ride_room(found.laid.kernel, case.rides.max_rides, len(case.people))
    limited = make_limited_room(found.laid.kernel, len(case.people))
    for near in found.access:
        freely = search_rides(*query, found.laid.feet, found.exits, near, ride, None)
        tightly = search_limited(*query, walks, exits, near, limited, None, 10**6)
        for one, other in zip(freely, tightly, strict=True):  # a budget that nobody uses up
            np.testing.assert_array_equal(one, other)
    (ready, rode, caught, useful, span), (_, on, _, off), _, (best, _, _, *marks) = ride
    trips = np.diff(found.laid.kernel[4]) // np.maximum(np.diff(found.laid.kernel[0]), 1)
    assert (caught == np.repeat(trips, np.diff(found.laid.kernel[0]))[:, None]).all()
    assert all((table == FAR).all() for table in (ready, rode, useful, best, limited[3][0]))
    assert all((table == -1).all() for table in (span, *limited[:3]))
    assert not any(mark.any() for mark in (on, off, *marks, *limited[3][3:]))


def test_points_out_of_reach_change_nothing() -> None:
    streets, near = road(), [40.0, 90.0, 4900.0]
    far = [(5000.0 + k / 10, 3000.0) for k in range(6000)]  # more than a block of blocks of points, none near a street
    few, many = along(*near), places([(x, 0.0) for x in near[:1]] + far + [(x, 0.0) for x in near[1:]])
    transit, mode = build_timetable(HALF_HOURLY, streets), BY_BUS
    one, other = (ridden(transit, along(5060), people, mode=mode, minutes=60) for people in (few, many))
    assert one["point"].tolist() == [0, 1, 2]
    assert other["point"].tolist() == [0, 6001, 6002]
    pd.testing.assert_frame_equal(one.drop(columns="point"), other.drop(columns="point"), check_exact=True)
