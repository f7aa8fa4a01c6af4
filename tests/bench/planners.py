"""OpenTripPlanner and R5, each in a process of its own, from the extract and a timetable on: public transport.

All are given the same places, which lie on streets, and the trips of the day with the times of siteplan; 4.8 km/h on
foot, at most 10 minutes to, between and from stops, two rides, no way without a ride, and no time at stops; beside R5,
which has a minute there before each departure, siteplan has one, too. What cannot be made equal:
- OpenTripPlanner has no table of minutes. Its driver puts one together of parts of its planner: walks to stops, Raptor
  to all stops, and walks from stops, which are searched once, when it starts.
- Its Raptor finds one departure at a time, in whole seconds.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.network.streets import read_streets
from siteplan.network.transit import Timetable, read_transit
from siteplan.times import travel_times
from tests.bench.measure import Row, Told, in_turns, seconds
from tests.bench.programs import opentripplanner, r5
from tests.bench.routers import R5, STREETS, Minutes, differences, write_places
from tests.bench.transit import DATE, EQUAL, HOUR, MINUTES, ONCE, filled, timetable
from tests.bench.worlds import MissingError, data

__all__ = ["planners"]

SETTINGS = (
    '{"transitServiceStart": "2019-05-12", "transitServiceEnd": "2019-05-15", "maxTransferDuration": "10m", '
    '"osmDefaults": {"timeZone": "America/Sao_Paulo"}}'
)
ORIGINS, LIMIT = 20, 60
RIDDEN = {"direct_walk_minutes": 1e-6}  # as good as no way without a ride
EXTRACT, FEED, WHERE = "streets.osm.pbf", "day-gtfs.zip", "Porto Alegre by public transport"


@dataclass(frozen=True)
class Planner:
    """Another engine: how its driver is run, what in the folder it is given, its minutes before each departure."""

    name: str
    command: Callable[[], list[str | Path]]
    given: Callable[[Path], list[str | Path]]
    slack: int = 0


def planners(rounds: int) -> list[Row]:
    """Measure build, memory and minutes of Porto Alegre, one departure and the median of an hour's."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tempfile.TemporaryDirectory() as tables:
            filled(timetable().feed, Path(tables))
            shutil.make_archive(str((folder / FEED).with_suffix("")), "zip", tables)
        shutil.copy(data(STREETS), folder / EXTRACT)
        (folder / "build-config.json").write_text(SETTINGS)
        began = time.process_time()
        transit = read_transit([folder / FEED], read_streets(data(STREETS)), date=DATE)
        start = time.process_time() - began
        write_places(transit.streets, "walk", folder)
        for planner in PLANNERS:
            try:
                command = planner.command()
            except MissingError as missing:
                print(f"left out: {missing}")
                continue
            with Told([*command, *planner.given(folder)]) as theirs:
                read = f"{WHERE}: all read (ours in this process)"
                rows.append(Row(read, seconds(start), planner.name, seconds(theirs.start)))
                rows += beside(transit, theirs, planner, folder, min(rounds, 3))
    return rows


def beside(transit: Timetable, theirs: Told, planner: Planner, folder: Path, rounds: int) -> list[Row]:
    """Compare the minutes of one engine with ours, and measure both where they are alike."""
    rows = []
    for what, rides, departures in (("one departure", ONCE, 1), ("median of 60 departures", EQUAL, MINUTES)):
        file = folder / "minutes"
        ask = f"{ORIGINS} {60 * HOUR} {departures} {file}"
        theirs.tell(ask)
        found = np.fromfile(file, "<f4").reshape(ORIGINS, -1) / 60.0
        how = rides.model_copy(update={**RIDDEN, "board_slack_minutes": planner.slack})
        task = f"{WHERE}, {ORIGINS} origins, {what}, {LIMIT} min"
        try:
            near, told = differences(minutes(transit, folder, how), np.where(found <= LIMIT, found, np.nan))
        except AssertionError as apart:
            rows.append(Row(f"{task}: the minutes", str(apart), planner.name))
            continue
        name = f"{planner.name} ({near:.0%} within 1 min)"
        rows += in_turns(
            task,
            lambda how=how: minutes(transit, folder, how),  # type: ignore[misc]
            {name: lambda ask=ask: theirs.tell(ask)},  # type: ignore[misc]
            rounds=rounds,
            per=(ORIGINS, " a site"),
        )
        rows.append(Row(f"{task}: the minutes", told, planner.name))
    rows.append(Row(f"{WHERE}: peak memory", "", planner.name, f"{theirs.peak:,.0f} MB"))
    return rows


def minutes(transit: Timetable, folder: Path, rides: object) -> Minutes:
    """Return minutes from the first places to all by siteplan; NaN = out of reach."""
    table = pd.read_csv(folder / "places_walk.csv", names=["lat", "lon"])
    spots = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    how = {"mode": rides, "minutes": LIMIT, "direction": "from", "transit": transit}
    told = travel_times(transit.streets, spots.iloc[:ORIGINS], spots, **how)  # type: ignore[arg-type]
    found = np.full((ORIGINS, len(spots)), np.nan)
    found[told["site"].cat.codes, told["point"]] = told["minutes"]
    return found


PLANNERS = (
    Planner("OpenTripPlanner 2.6", opentripplanner, lambda folder: [folder, folder / "places_walk.csv", DATE]),
    Planner(R5, r5, lambda folder: [folder / EXTRACT, folder / "r5", folder, folder / FEED, DATE], slack=1),
)
