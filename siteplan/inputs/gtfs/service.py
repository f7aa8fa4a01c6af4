"""calendar.txt and calendar_dates.txt -> which service runs on which date, and what the dates of a feed look like."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.inputs.gtfs.archive import Archive, read_table

__all__ = ["Services", "read_services"]

Ints = npt.NDArray[np.int64]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Calendars "for ever" (to 2099) of very many services are looked at three years around the date only.
MOST_SERVICE_DAYS, AROUND = 30_000_000, 1_100
FOR_EVER = 47_846  # 2100-12-31


@dataclass(frozen=True)
class Services:
    """Which service runs when: pairs of a service (row of `ids`) and a day (days since 1970-01-01), by day."""

    ids: pd.Index
    service: Ints
    day: Ints

    def on(self, date: dt.date) -> npt.NDArray[np.bool_]:
        """Return whether each service runs on a date."""
        running = np.zeros(len(self.ids), dtype=np.bool_)
        running[self.service[self.day == day_number(date)]] = True
        return running

    def trips_by_date(self, trips: Ints) -> pd.Series:
        """Return the number of trips on every date from the first with service to the last.

        Parameters
        ----------
        trips
            How many trips each service has.
        """
        some = trips[self.service] > 0
        if not some.any():
            return pd.Series([], index=pd.DatetimeIndex([], name="date"), dtype="int64", name="trips")
        first = int(self.day[some].min())
        found = np.bincount(self.day[some] - first, weights=trips[self.service[some]]).astype(np.int64)
        dates = pd.date_range(np.datetime64(first, "D"), periods=len(found), name="date")
        return pd.Series(found, index=dates, name="trips")


def day_number(date: dt.date) -> int:
    """Return the days since 1970-01-01."""
    return (date - dt.date(1970, 1, 1)).days


def read_services(feed: Archive, date: dt.date) -> Services:
    """Read which service runs on which day: the weekdays of calendar.txt, with the exceptions of calendar_dates.txt.

    A service that stands twice runs when any of its rows says so; of several exceptions for one service and day the
    last counts. Both are counted (`duplicate_services`), as are rows with bad dates (`bad_service_rows`).
    """
    weekly = read_table(feed, "calendar", ("service_id", *WEEKDAYS, "start_date", "end_date"))
    single = read_table(feed, "calendar_dates", ("service_id", "date", "exception_type"))
    ids = pd.Index(pd.concat([weekly["service_id"], single["service_id"]]).unique(), dtype="str")
    regular = _regular(weekly, ids, feed.counts, day_number(date))
    added, removed = _exceptions(single, ids, feed.counts)
    running = np.union1d(np.setdiff1d(regular, removed, assume_unique=True), added)
    day, service = np.divmod(running, max(len(ids), 1))
    return Services(ids, service, day)


def _regular(weekly: pd.DataFrame, ids: pd.Index, counts: Counter[str], today: int) -> Ints:
    """Return day x services + service, ascending, for every day that calendar.txt gives a service."""
    counts["duplicate_services"] += int(weekly["service_id"].duplicated().sum())
    start, end = _days(weekly["start_date"]), _days(weekly["end_date"])
    flags = weekly[list(WEEKDAYS)]
    bad = (start < 0) | (end < start) | ~flags.isin(["0", "1"]).all(axis=1).to_numpy()
    counts["bad_service_rows"] += int(bad.sum())
    start, end, runs = start[~bad], end[~bad], (flags[~bad] == "1").to_numpy()
    end = np.minimum(end, FOR_EVER)
    if (end - start).sum() > MOST_SERVICE_DAYS:
        start, end = np.maximum(start, today - AROUND), np.minimum(end, today + AROUND)
    length = np.maximum(end - start + 1, 0)
    row = np.repeat(np.arange(len(start)), length)
    day = start[row] + np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    here = runs[row, (day + 3) % 7]  # 1970-01-01 was a Thursday
    service = ids.get_indexer(pd.Index(weekly["service_id"][~bad]))[row[here]]
    return np.unique(day[here] * len(ids) + service)


def _exceptions(single: pd.DataFrame, ids: pd.Index, counts: Counter[str]) -> tuple[Ints, Ints]:
    day = _days(single["date"])
    good = (day >= 0) & single["exception_type"].isin(["1", "2"]).to_numpy()
    counts["bad_service_rows"] += int((~good).sum())
    pair = (day * len(ids) + ids.get_indexer(pd.Index(single["service_id"])))[good]
    adds = (single["exception_type"] == "1").to_numpy()[good]
    last = ~pd.Series(pair).duplicated(keep="last").to_numpy()
    counts["duplicate_services"] += int((~last).sum())
    return np.unique(pair[last & adds]), np.unique(pair[last & ~adds])


def _days(dates: pd.Series) -> Ints:
    """Read YYYYMMDD as days since 1970-01-01; -1 or less where it is no date since then."""
    codes, distinct = pd.factorize(dates)
    return np.array([_day(text) for text in distinct], dtype=np.int64)[codes]


def _day(text: str) -> int:
    if len(text) != 8:  # strptime takes one digit for a month or a day, too
        return -1
    try:
        return day_number(dt.datetime.strptime(text, "%Y%m%d").date())
    except ValueError:
        return -1
