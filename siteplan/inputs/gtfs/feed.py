"""The timetable of one day as plain tables: what `read_gtfs` returns."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["RIDES", "SPECIAL", "Feed", "OnDemand"]

# The columns of `Feed.special`.
SPECIAL: dict[str, Any] = {
    **dict.fromkeys(("from_stop", "to_stop"), np.int32),
    "type": np.int8,
    "seconds": np.int32,
    **dict.fromkeys(("from_route", "to_route"), np.int32),
    **dict.fromkeys(("from_trip", "to_trip"), "str"),
}

# The columns of `OnDemand.rides`.
RIDES: dict[str, Any] = {
    **dict.fromkeys(("route", "on", "off"), np.int32),
    **dict.fromkeys(("on_first", "on_last", "off_first", "off_last"), np.int64),
    **dict.fromkeys(("factor", "more"), np.float64),
}


@dataclass(frozen=True, eq=False)
class OnDemand:
    """The rides on demand of one service date (GTFS-Flex): from a place to another, each within a window of time.

    Attributes
    ----------
    rides
        `route` (number), `on`, `off` (places where one is picked up, dropped off), the windows `on_first`, `on_last`,
        `off_first`, `off_last` (seconds since midnight of the date), and what a ride takes: `factor` times the direct
        drive and `more` seconds.
    zones
        By place, from 0 on: a polygon in degrees, None where it is stops.
    stops
        The stops of places that are: `place`, `stop` (numbers).
    """

    rides: pd.DataFrame = field(
        repr=False, default_factory=lambda: pd.DataFrame({name: [] for name in RIDES}).astype(RIDES)
    )
    zones: tuple[Any, ...] = field(repr=False, default=())
    stops: pd.DataFrame = field(
        repr=False, default_factory=lambda: pd.DataFrame({"place": [], "stop": []}, dtype=np.int32)
    )


@dataclass(frozen=True, eq=False)
class Feed:
    """The scheduled vehicles of one service date, from one or several GTFS feeds.

    Rows are joined by number, not by the feeds' own ids. Times are int32 seconds since midnight of the date (noon less
    12 hours, as GTFS counts) in `timezone`: below 0 on yesterday's night trips, above 86,400 after the next midnight.

    Attributes
    ----------
    stops
        Index `stop` 0..; columns `id` (with several feeds 'feed:id'), `name`, `lon`, `lat` (degrees, WGS84), `kind`
        (GTFS location_type: 0 stop or platform, 1 station, 2 entrance, 3 node, 4 boarding area), `parent` (stop number
        or -1), `feed`. All stops that have a place, whether anything calls there that day or not.
    routes
        Index `route` 0..; `id`, `name` (the short name, else the long one, else the id), `long_name`, `type` (basic
        GTFS route_type: 0 tram, 1 metro, 2 rail, 3 bus, 4 ferry, 5 cable tram, 6 aerial lift, 7 funicular,
        11 trolleybus, 12 monorail), `agency` (its name), `feed`.
    trips
        Index `trip` 0..; `id` (as in the feed; the runs of a trip by frequency share it), `route` (number),
        `headsign`, `block`, `feed`, `day` (0 the date, -1 the day before, ...), `headway` (seconds; 0 where the feed
        gives the exact times).
    calls
        Sorted by `trip`, then as the trip runs: `trip`, `stop` (numbers, int32), `arrival`, `departure` (seconds,
        never falling along a trip), `board`, `alight` (whether one may get on, off). At least two a trip.
    transfers
        `from_stop`, `to_stop`, `type` (0 recommended, 1 timed, 2 takes `seconds`, 3 forbidden), `seconds`. One row a
        pair; what a feed says of stations stands here for each of their platforms.
    special
        The same for certain routes or trips only, with `from_route`, `to_route` (numbers; -1 any), `from_trip`,
        `to_trip` (ids as in `trips`; '' any): the first row that holds for two vehicles is theirs, and comes before
        `transfers`.
    stays
        What transfers.txt says of staying seated: `from_trip`, `to_trip` (ids as in `trips`), `type` (4 one may, 5 one
        may not).
    on_demand
        The rides on demand beside the trips.
    service
        Trips by date for all dates of the feeds: index `date`, from the first date with service to the last.
    counts
        How many of everything odd was met, by the keys of `siteplan.inputs.gtfs.report.ODDITIES`.
    """

    date: dt.date
    timezone: str
    sources: tuple[str, ...]
    stops: pd.DataFrame = field(repr=False)
    routes: pd.DataFrame = field(repr=False)
    trips: pd.DataFrame = field(repr=False)
    calls: pd.DataFrame = field(repr=False)
    transfers: pd.DataFrame = field(repr=False)
    service: pd.Series = field(repr=False)
    counts: dict[str, int] = field(repr=False)
    stays: pd.DataFrame = field(
        repr=False, default_factory=lambda: pd.DataFrame({"from_trip": [], "to_trip": [], "type": []}, dtype="str")
    )
    special: pd.DataFrame = field(
        repr=False, default_factory=lambda: pd.DataFrame({name: [] for name in SPECIAL}).astype(SPECIAL)
    )
    on_demand: OnDemand = field(repr=False, default_factory=OnDemand)
