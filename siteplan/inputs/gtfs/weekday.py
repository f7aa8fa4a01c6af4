"""A weekday that all of some feeds serve, for a study that has no date yet."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from siteplan.inputs.gtfs.archive import open_feed, read_table
from siteplan.inputs.gtfs.service import read_services

__all__ = ["common_weekday"]

ORDINARY = (1, 3)  # Tuesday and Thursday: schools and offices are open on them in most places


def common_weekday(feeds: Sequence[Path]) -> dt.date | None:
    """Return the weekday, Monday to Friday, on which every feed runs most like on its busiest one; None without one.

    Of days alike, Tuesdays and Thursdays come first, then the earliest. Trips by headway count once.

    Parameters
    ----------
    feeds
        Zips or folders, each one GTFS feed; at least one.

    Raises
    ------
    InputError
        A feed cannot be read (see `open_feed`).
    """
    shares = pd.concat([_shares(feed) for feed in feeds], axis=1, join="inner").min(axis=1)
    days = pd.DatetimeIndex(shares.index)
    common = shares[(days.day_of_week < 5) & (shares > 0).to_numpy()]
    if common.empty:
        return None
    best = pd.DatetimeIndex(common.index[common == common.max()]).sort_values()
    ordinary = best[best.day_of_week.isin(ORDINARY)]
    chosen: dt.date = (ordinary if len(ordinary) else best)[0].date()
    return chosen


def _shares(path: Path) -> pd.Series:
    """Return the trips on each date, as a share of those on the feed's busiest weekday."""
    feed = open_feed(path)
    services = read_services(feed, dt.date.today())
    rows = services.ids.get_indexer(pd.Index(read_table(feed, "trips", ("service_id",))["service_id"]))
    trips = services.trips_by_date(np.bincount(rows[rows >= 0], minlength=len(services.ids)))
    weekdays = trips[pd.DatetimeIndex(trips.index).day_of_week < 5]
    return trips / max(weekdays.max() if len(weekdays) else 0, 1)
