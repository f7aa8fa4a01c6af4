"""Public transport in Porto Alegre: every cell to every cell, at every minute of an hour, against other engines.

Journeys leave each cell from 14:00 to 14:59, with at most two rides, on foot at 4.8 km/h for at most 10 minutes to,
between and from stops, and without time at the stop before a departure, which the others do not have. Of the feed's
times, 96 % are blank: ferrobus refuses that, and cafein fills them in differently, so both are given the trips of the
day with siteplan's times. What cannot be made equal:
- cafein and ferrobus have no limit for the whole journey. siteplan is measured with 60 minutes and with 240, the most
  it takes.
- cafein walks on from stop to stop, so that a change on foot may take longer than 10 minutes: more is reached.
- ferrobus finds one departure at a time and walks at a speed of its own.
"""

import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Profile, Rides
from siteplan.errors import SiteplanWarning
from siteplan.inputs.gtfs import Feed
from siteplan.network.streets import read_streets
from siteplan.network.transit import Timetable, read_transit
from siteplan.times import travel_times
from tests.bench.engines import needed
from tests.bench.measure import Row, in_turns
from tests.bench.worlds import MissingError, data

__all__ = ["transit"]

DATE, HOUR, MINUTES = "2019-05-13", 14, 60
FEEDS = ("porto_alegre/poa_eptc.zip", "porto_alegre/poa_trensurb.zip")
STREETS, CELLS = "porto_alegre/poa_osm.pbf", "porto_alegre/poa_hexgrid.csv"
WALK_KMH, LONGEST_WALK = 4.8, 10
EQUAL = Rides(window=("14:00", "15:00"), percentile=50, max_rides=2, max_walk_minutes=10, board_slack_minutes=0)
ONCE = EQUAL.model_copy(update={"window": ("14:00", "14:01")})
SAMPLE = 30  # of so many cells one, where an engine takes long
ALIKE = 0.6  # the engines' walks differ: so many of the times both know must be within a minute of each other

UNREACHED = 2**31  # what cafein gives in place of seconds where there is no way

Minutes = npt.NDArray[np.float64]


def transit(rounds: int) -> list[Row]:
    """Measure siteplan against cafein (a window of an hour, median) and ferrobus (a single departure)."""
    rows, rounds = [], min(rounds, 3)
    for measured in (against_cafein, against_cafein_as_it_comes, against_ferrobus):
        try:
            rows += measured(rounds)
        except MissingError as missing:
            print(f"left out: {missing}")
    return rows


def against_cafein(rounds: int) -> list[Row]:
    """Measure all cells at settings as equal as can be."""
    cells = places()
    theirs = cafein_minutes(cells, cells, max_rides=2, walking_speed_kmph=WALK_KMH, max_walking_time=LONGEST_WALK)
    rows = []
    for limit in (60, 240):
        near = alike(minutes(cells, EQUAL, limit), theirs())
        task = f"Porto Alegre, {len(cells):,} cells, median of 60 departures, {limit} min"
        name = f"cafein, same settings, no limit ({near:.0%} within 1 min)"
        rows += in_turns(
            task,
            lambda limit=limit: minutes(cells, EQUAL, limit),  # type: ignore[misc]
            {name: theirs},
            rounds=rounds,
            per=(len(cells), " a site"),
            goals={name: "20"},
        )
    return rows


def against_cafein_as_it_comes(rounds: int) -> list[Row]:
    """Measure some cells at cafein's own settings, 8 rides and 20 minutes on foot at 3.6 km/h."""
    cells = places()
    some = cells.iloc[::SAMPLE]
    walk = Profile(name="as_cafein", rules="walk", speed_kmh=3.6, stairs_factor=1)
    same = EQUAL.model_copy(update={"max_rides": 8, "max_walk_minutes": 20, "walk": walk})
    theirs = cafein_minutes(some, cells)
    rows = []
    for limit in (60, 240):
        near = alike(minutes(some, same, limit), theirs())
        name = f"cafein, its own settings ({near:.0%} within 1 min)"
        rows += in_turns(
            f"Porto Alegre, {len(some)} of the cells, at cafein's own settings, {limit} min",
            lambda limit=limit: minutes(some, same, limit),  # type: ignore[misc]
            {name: theirs},
            rounds=rounds,
            per=(len(some), " a site"),
            goals={name: "20"},
        )
    return rows


def against_ferrobus(rounds: int) -> list[Row]:
    """Measure single departures; and the hour of siteplan, by the departure."""
    ferrobus = needed("ferrobus")
    cells = places()
    with tempfile.TemporaryDirectory() as folder:
        filled(timetable().feed, Path(folder))
        model = ferrobus.create_transit_model(
            str(data(STREETS)), [folder], pd.Timestamp(DATE).date(), max_transfer_time=60 * LONGEST_WALK
        )

    def linked() -> dict[int, Any]:
        found = {}
        for row, place in enumerate(cells.geometry):
            try:
                found[row] = ferrobus.create_transit_point(
                    place.y, place.x, model, 60 * LONGEST_WALK, 1000
                )  # all stops
            except ValueError:  # no street near
                continue
        return found

    def theirs() -> Minutes:
        points = [*linked().values()]
        found = [
            ferrobus.find_routes_one_to_many(model, start, points, HOUR * 3600, max_transfers=1) for start in points
        ]
        seconds = [[np.nan if one is None else one["travel_time_seconds"] for one in row] for row in found]
        return np.array(seconds, float) / 60

    some = cells.iloc[[*linked()]]
    reached = np.isfinite(theirs()).sum() / np.isfinite(minutes(some, ONCE, 240)).sum()
    name = f"ferrobus, one departure ({reached:.0%} of the pairs that siteplan reaches)"
    measured = {"one departure": (ONCE, 1), "one of 60 departures": (EQUAL, MINUTES)}
    rows = []
    for what, (rides, departures) in measured.items():
        rows += in_turns(
            f"Porto Alegre, {len(some):,} cells, {what}, 240 min",
            lambda rides=rides: minutes(some, rides, 240),  # type: ignore[misc]
            {name: theirs},
            rounds=rounds,
            per=(len(some) * departures, " a departure"),
            scale={name: float(departures)},
            goals={name: "1"},
        )
    return rows


@cache
def timetable() -> Timetable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        return read_transit([data(name) for name in FEEDS], read_streets(data(STREETS)), date=DATE)


def places() -> gpd.GeoDataFrame:
    """Return the middles of the cells."""
    table = pd.read_csv(data(CELLS))
    points = gpd.points_from_xy(table["lon"], table["lat"])
    return gpd.GeoDataFrame({"id": table["id"]}, geometry=points, crs=4326)


def minutes(sites: gpd.GeoDataFrame, rides: Rides, limit: int) -> Minutes:
    """Return minutes from sites to all cells by siteplan; NaN = out of reach."""
    cells, transit = places(), timetable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        table = travel_times(
            transit.streets, sites, cells, mode=rides, minutes=limit, direction="from", transit=transit
        )
    found = np.full((len(sites), len(cells)), np.nan)
    found[table["site"].cat.codes, table["point"]] = table["minutes"]
    return found


def cafein_minutes(some: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, **how: Any) -> Any:
    """Return a function that gives the minutes by cafein."""
    network = cafein_network(how.get("walking_speed_kmph", 3.6), how.get("max_walking_time", 20))

    def run() -> Minutes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = network.travel_time_matrix(
                some,
                destinations=cells,
                departure=f"{DATE} {HOUR}:00",
                departure_time_window=MINUTES,
                percentiles=[50],
                **how,
            )
        seconds = np.asarray(found, float).reshape(len(some), len(cells))
        return np.where(seconds < UNREACHED, seconds / 60, np.nan)

    return run


@cache
def cafein_network(kmh: float, longest: float) -> Any:
    """Return the network of cafein, which has its walks between stops at one speed, within one limit."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        filled(timetable().feed, Path(folder))
        return needed("cafein").TransportNetwork.from_gtfs(
            folder, osm_pbf=str(data(STREETS)), walking_speed_kmph=kmh, max_walking_time=longest
        )


def alike(ours: Minutes, theirs: Minutes) -> float:
    """Return the share of times that are within a minute, of those both know."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    share = float((np.abs(ours - theirs)[both] <= 1).mean())
    if share < ALIKE:
        raise AssertionError(f"only {share:.0%} of the engines' times are within a minute; nothing is measured")
    return share


def filled(feed: Feed, folder: Path) -> None:
    """Write what runs on the date as a plain feed without blank times."""
    trips, calls = feed.trips, feed.calls[feed.calls["trip"].isin(feed.trips.index[feed.trips["day"] == 0])]
    whole = feed.stops[feed.stops["kind"] == 0]
    tables = {
        "agency": pd.DataFrame(
            {"agency_id": ["a"], "agency_name": ["a"], "agency_url": ["http://a"], "agency_timezone": [feed.timezone]}
        ),
        "stops": pd.DataFrame(
            {"stop_id": whole.index, "stop_name": whole["name"], "stop_lat": whole["lat"], "stop_lon": whole["lon"]}
        ),
        "routes": pd.DataFrame(
            {
                "route_id": feed.routes.index,
                "agency_id": "a",
                "route_short_name": feed.routes["name"],
                "route_long_name": feed.routes["long_name"],
                "route_type": feed.routes["type"],
            }
        ),
        "trips": pd.DataFrame({"route_id": trips["route"], "service_id": "s", "trip_id": trips.index}),
        "stop_times": pd.DataFrame(
            {
                "trip_id": calls["trip"],
                "arrival_time": calls["arrival"].map(clock),
                "departure_time": calls["departure"].map(clock),
                "stop_id": calls["stop"],
                "stop_sequence": calls.groupby("trip").cumcount(),
            }
        ),
        "calendar_dates": pd.DataFrame({"service_id": ["s"], "date": [DATE.replace("-", "")], "exception_type": [1]}),
        "calendar": pd.DataFrame(
            {
                "service_id": ["s"],
                **{f"{day}day": [1] for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")},
                "start_date": [DATE.replace("-", "")],
                "end_date": [DATE.replace("-", "")],
            }
        ),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.txt", index=False)


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
