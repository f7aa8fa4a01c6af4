"""Journeys by public transport: worlds known by head, and a slow twin on hundreds of generated timetables."""

import warnings
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.config import BIKE, Profile, Rides
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.gtfs import Feed
from siteplan.network.snapping import HARD_LIMIT, link
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, build_timetable
from siteplan.times import travel_times
from timetables import Direction, every, hamlets, hm, journeys, nearest_rank, timetable, timetables
from worlds import METRE_A_SECOND, STREET, World, made, places, put

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


# The slow twin --------------------------------------------------------------------------------------------------------


def slowly(
    transit: Timetable, sites: gpd.GeoDataFrame, people: gpd.GeoDataFrame, rides: Rides, limit: float, way: Direction
) -> list[tuple[Any, ...]]:
    """Return the rows of the table of minutes, in tenths of seconds, by the slow twin."""
    site_links = link(transit.streets, sites, mode=rides.walk, limit=HARD_LIMIT)
    links = link(transit.streets, people, mode=rides.walk)
    costs = journeys(transit.feed, transit.streets, site_links, links, rides, limit=limit, direction=way)
    rows = []
    for (site, point), every_minute in sorted(costs.items()):
        at = [nearest_rank(every_minute, percent) for percent in (rides.percentile, 25, 75)]
        if at[0] < float("inf"):
            rows.append((site, point, *at, sum(cost < float("inf") for cost in every_minute) / len(every_minute)))
    return rows


def as_rows(times: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the table in the form of `slowly`."""
    in_tenths = (times[["minutes", "minutes_p25", "minutes_p75"]] * 600).round().fillna(float("inf"))
    columns = (times["site"].astype(int), times["point"], *(in_tenths[c] for c in in_tenths), times["share"])
    return list(zip(*(column.tolist() for column in columns), strict=True))


WINDOWS = [("00:00", "00:04"), ("08:00", "08:07"), ("24:10", "24:12"), ("12:30", "12:31")]
rules = st.builds(
    lambda window, percentile, most, walk, slack: Rides(
        window=window,
        percentile=percentile,
        max_rides=most,
        max_walk_minutes=walk,
        board_slack_minutes=slack,
        walk=METRE_A_SECOND,
    ),
    st.sampled_from(WINDOWS),
    st.sampled_from([50, 1, 25, 90, 100]),
    st.integers(1, 3),
    st.sampled_from([20, 10, 5.5]),
    st.sampled_from([1, 0, 2.5]),
)


@dataclass(frozen=True)
class Case:
    """Streets and a timetable on them, places to travel between, and the way to travel."""

    transit: Timetable
    sites: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    rides: Rides


@st.composite
def cases(draw: Any) -> Case:
    """Draw hamlets with stops on their streets, a timetable around the window, a few sites and points."""
    rides, stops = draw(rules), draw(st.integers(2, 8))
    edges, parts = draw(hamlets())
    streets = made(edges)

    def spots(hamlet: int, most: int) -> Any:
        spot = st.tuples(st.sampled_from(parts[hamlet]), st.floats(0.001, 0.999), st.sampled_from([0.0, 0.0, 40.0]))
        return draw(st.lists(spot, min_size=1, max_size=most))

    drawn = draw(timetables(stops, 60 * rides.window_minutes[0]))
    at = put(streets, [spot for k in range(stops + 1) for spot in spots(k % len(parts), 1)])
    feed = timetable(at, drawn.trips, transfers=drawn.transfers, kind=[*[0] * stops, 1], parent=drawn.parent)
    sites, people = put(streets, spots(0, 2)), put(streets, [*spots(-1, 2), *spots(-2, 1)])
    return Case(laid(feed, streets), sites, people, rides)


@given(case=cases(), limit=st.sampled_from([60, 20, 45.5, 90]), way=st.sampled_from(["to", "from"]))
@settings(max_examples=400)
def test_the_minutes_are_those_of_a_search_event_by_event(case: Case, limit: float, way: Direction) -> None:
    how = (case.transit, case.sites, case.people)
    times = ridden(*how, mode=case.rides, limit=limit, direction=way)
    assert as_rows(times) == slowly(*how, case.rides, limit, way)
