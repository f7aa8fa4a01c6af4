"""Which vehicles run on the date: services of the days around it, and trips laid out by frequencies.txt."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteplan.errors import InputError
from siteplan.inputs.gtfs.archive import Archive, read_table
from siteplan.inputs.gtfs.calls import DAY, Ints, Mask, seconds, whole

__all__ = ["AROUND", "clock_shifts", "lay_out", "read_frequencies", "runs_on"]

# Service days that can reach into the date: trips of up to three nights, and tomorrow's in a zone further east.
AROUND = (-3, -2, -1, 0, 1)
MOST_RUNS = 500_000  # by frequency; a metropolis has some 50,000 a day


def clock_shifts(date: dt.date, zone: str, reference: str) -> dict[int, int]:
    """Return, for each service day around the date, the seconds that bring its times on the date's clock.

    GTFS counts from noon less 12 hours, so that a change to summer time moves no trip of the day; the clock here is
    that of the date in the reference zone.
    """
    noon = dt.datetime.combine(date, dt.time(12))
    origin = noon.replace(tzinfo=ZoneInfo(reference))
    days = {day: (noon + dt.timedelta(days=day)).replace(tzinfo=ZoneInfo(zone)) for day in AROUND}
    return {day: round(there.timestamp() - origin.timestamp()) for day, there in days.items()}


def read_frequencies(feed: Archive, trips: pd.DataFrame) -> pd.DataFrame:
    """Read every departure that frequencies.txt lays out: `trip` (row), `start` (seconds), `headway` (0 if exact).

    A vehicle leaves the first stop at start_time and every headway_secs after it, before end_time. With exact_times=1
    that is the timetable. With exact_times=0 it stands for one: a regular timetable of this headway, on which the wait
    averages half of it over a window of time.

    Raises
    ------
    InputError
        If more vehicles would run than any place has.
    """
    needed = ("trip_id", "start_time", "end_time", "headway_secs")
    table = read_table(feed, "frequencies", needed, ("exact_times",))
    trip = pd.Index(trips["id"]).get_indexer(table["trip_id"])
    start, end, headway = seconds(table["start_time"]), seconds(table["end_time"]), whole(table["headway_secs"])
    good = (trip >= 0) & (headway > 0) & (end > start)
    feed.counts["bad_frequencies"] += int((~good).sum())
    twice = table.duplicated().to_numpy() & good
    feed.counts["duplicate_frequencies"] += int(twice.sum())
    good &= ~twice
    times = np.ceil((end[good] - start[good]) / headway[good]).astype(np.int64)
    if times.sum() > MOST_RUNS:
        raise InputError(
            f"{feed.path}: frequencies.txt lays out {times.sum():,} trips, more than {MOST_RUNS:,}; "
            "look at its headway_secs: they are seconds"
        )
    row = np.repeat(np.flatnonzero(good), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    exact = (table["exact_times"] == "1").to_numpy()
    departures = pd.DataFrame(
        {
            "trip": trip[row].astype(np.int64),
            "start": start[row] + nth * headway[row],
            "headway": np.where(exact[row], 0, headway[row]).astype(np.int32),
        }
    )
    return departures.drop_duplicates(["trip", "start"]).reset_index(drop=True)


def runs_on(
    spans: pd.DataFrame,
    active: dict[int, Mask],
    often: pd.DataFrame,
    shifts: dict[int, int],
    *,
    between: tuple[int, int] = (0, DAY),
) -> pd.DataFrame:
    """Return the runs that touch the date: `trip` (row), `day`, `shift` (seconds to add to its times), `headway`.

    Every run of the date itself, and those of days around it that are under way between two times of its clock.

    Parameters
    ----------
    spans
        First and last known time of each trip, index trip, columns `first`, `last`; trips without one do not run.
    active
        For each service day (0 the date) which trips it has.
    often
        As `read_frequencies` returns it; a trip that is in it runs only as it says.
    shifts
        As `clock_shifts` returns them.
    between
        Seconds since midnight of the date; from midnight to midnight by default.
    """
    first, last = between
    by_trip = pd.DataFrame({"trip": np.setdiff1d(spans.index, often["trip"]), "headway": 0})
    by_trip["start"] = spans["first"].reindex(by_trip["trip"]).to_numpy()
    planned = pd.concat([by_trip, often[often["trip"].isin(spans.index)]], ignore_index=True).join(spans, on="trip")
    found = []
    for day, shift in shifts.items():
        runs = planned[active[day][planned["trip"]]].assign(day=day)
        runs["shift"] = runs["start"] - runs["first"] + shift
        under_way = (runs["last"] + runs["shift"] > first) & (runs["first"] + runs["shift"] < last)
        found.append(runs[under_way | (day == 0)])
    every = pd.concat(found).sort_values(["trip", "day", "start"], kind="stable", ignore_index=True)
    return every[["trip", "day", "shift", "headway"]]


def lay_out(calls: pd.DataFrame, runs: pd.DataFrame, trips: int) -> pd.DataFrame:
    """Repeat the calls of each trip for each of its runs, on the date's clock; `trip` becomes the number of the run.

    Parameters
    ----------
    calls
        Sorted by `trip`; `arrival` and `departure` in seconds.
    trips
        How many trips the feed has.
    """
    length = np.bincount(calls["trip"], minlength=trips)
    begin = np.cumsum(length) - length
    trip: Ints = runs["trip"].to_numpy()
    times = length[trip]
    run = np.repeat(np.arange(len(runs)), times)
    row = np.arange(len(run)) - np.repeat(np.cumsum(times) - times, times) + begin[trip][run]
    shift = runs["shift"].to_numpy()[run]
    laid = calls.iloc[row].reset_index(drop=True)
    return laid.assign(trip=run, arrival=laid["arrival"] + shift, departure=laid["departure"] + shift)
