"""GTFS feeds -> one `Feed`: each is read for the date, then they are put one after the other."""

import datetime as dt
from collections.abc import Sequence
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from siteplan.errors import InputError, listed, warn
from siteplan.inputs.gtfs.archive import Archive, open_feed
from siteplan.inputs.gtfs.feed import Feed, OnDemand
from siteplan.inputs.gtfs.part import Part, read_part
from siteplan.inputs.gtfs.report import ODDITIES, oddities
from siteplan.inputs.gtfs.runs import clock_shifts
from siteplan.inputs.gtfs.tables import read_agencies

__all__ = ["read_gtfs"]

TABLES = ("stops", "routes", "trips", "calls", "transfers", "special", "stays")
Paths = str | PathLike[str] | Sequence[str | PathLike[str]]

# Under this share of the busiest day's trips, a date is most likely a holiday or at the edge of the feed's validity.
THIN_DAY = 0.2
NEAREST = 3  # dates to name in an error


def read_gtfs(paths: Paths, *, date: str | dt.date, hours: tuple[float, float] = (0, 24)) -> Feed:
    """Read the timetable of one date from one or several GTFS feeds.

    What runs is what calendar.txt and calendar_dates.txt say together, yesterday's trips that pass midnight included;
    blank times are filled in, trips by headway are laid out (see `read_frequencies`, `interpolated`, `repaired`), times
    of feeds in another time zone are brought to the first feed's. All that is odd is counted in `Feed.counts`.

    Parameters
    ----------
    paths
        Zips or folders, each one feed. With several, ids become 'feed:id', where the feed's name is its file's.
    date
        The service date, as a date or as text like 2026-03-10.
    hours
        The trips of the days before and after that are under way between these hours of the date's clock are read, too:
        (-4, 28) adds what runs in the four hours before its midnight and after the next one.

    Raises
    ------
    InputError
        A feed cannot be read (see `open_feed`), is given twice, or has no service or no usable trip on the date; the
        message names the feed's first and last date and the nearest dates that have service.

    Warns
    -----
    SiteplanWarning
        Once a feed if less than a fifth of its busiest day's trips run on the date, and once if something in it could
        not be used.
    """
    day = _as_date(date)
    feeds = _open_all(paths)
    agencies = {name: read_agencies(feed) for name, feed in feeds.items()}
    zones = {name: _known_zone(feed, agencies[name]) for name, feed in feeds.items()}
    reference = next((zone for zone in zones.values() if zone), "UTC")
    shifts = {name: clock_shifts(day, zone or reference, reference) for name, zone in zones.items()}
    between = (round(hours[0] * 3600), round(hours[1] * 3600))
    parts = [
        read_part(feed, name, agencies[name], day, shifts=shifts[name], between=between) for name, feed in feeds.items()
    ]
    _check_service(parts, day)
    for part in parts:
        _say_odd(part, day)
    sources = tuple(str(feed.path) for feed in feeds.values())
    if not any(len(part.calls) or len(part.on_demand.rides) for part in parts):
        odd = "; ".join(sentence for part in parts for sentence in oddities(part.counts))
        raise InputError(
            f"{listed(sources)}: none of the trips on {day} can be used: {odd or 'it has too few stop times'}"
        )
    prefixes = [f"{name}:" for name in feeds] if len(feeds) > 1 else [""]
    return _merged(parts, prefixes, day, reference, sources=sources)


def _as_date(date: str | dt.date) -> dt.date:
    if isinstance(date, dt.datetime):
        return date.date()
    if isinstance(date, dt.date):
        return date
    try:
        return dt.date.fromisoformat(str(date).strip())
    except ValueError:
        raise InputError(f"'{date}' is not a date; expected one like 2026-03-10") from None


def _open_all(paths: Paths) -> dict[str, Archive]:
    """Open the feeds by name: that of the file, with a number where two are alike."""
    files = [Path(paths)] if isinstance(paths, str | PathLike) else [Path(path) for path in paths]
    if not files:
        raise InputError("no GTFS feed given; expected at least one zip or folder")
    feeds: dict[str, Archive] = {}
    seen: dict[Any, Path] = {}
    for file in files:
        feed = open_feed(file)
        if feed.mark in seen:
            raise InputError(f"{file}: is the same feed as {seen[feed.mark]}; give it once, or its trips count twice")
        seen[feed.mark] = file
        stem = file.name if file.is_dir() else file.stem
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        feeds[next(name for name in names if name not in feeds)] = feed
    return feeds


def _known_zone(feed: Archive, agencies: pd.DataFrame) -> str:
    """Return the time zone of the feed's first agency; '' if it has none that is known, counted."""
    zone = str(agencies["timezone"].iloc[0]) if len(agencies) else ""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        feed.counts["unknown_timezones"] += 1
        return ""
    return zone


def _check_service(parts: Sequence[Part], date: dt.date) -> None:
    """Refuse a date on which nothing runs, or that a feed does not reach: half a timetable looks like a whole one."""
    for part in parts:
        days = part.service
        if days.empty:
            raise InputError(
                f"{part.path}: no date has service: none of its trips has both stop times and a service that runs; "
                "look at service_id in trips.txt, calendar.txt and calendar_dates.txt"
            )
        if not days.index[0].date() <= date <= days.index[-1].date():
            raise InputError(f"{part.path}: {date} is outside the feed; {_dates_with_service(days, date)}")
    if not any(part.planned(date) for part in parts):
        which = ", ".join(str(part.path) for part in parts)
        raise InputError(f"{which}: no trip runs on {date:%A} {date}; {_dates_with_service(_service(parts), date)}")


def _dates_with_service(days: pd.Series, date: dt.date) -> str:
    """Tell the first and last date with service and the nearest ones: weekdays, if there are any."""
    some = pd.DatetimeIndex(days.index[days > 0])
    weekdays = some[np.is_busday(some.to_numpy().astype("datetime64[D]"))]
    kind, known = ("weekdays", weekdays) if len(weekdays) else ("dates", some)
    distance = np.abs(known.to_numpy() - np.datetime64(date))
    nearest = sorted(known[np.argsort(distance, kind="stable")[:NEAREST]])
    return (
        f"there is service from {days.index[0].date()} to {days.index[-1].date()}; the nearest {kind} with service: "
        + ", ".join(f"{day:%a %Y-%m-%d}" for day in nearest)
    )


def _say_odd(part: Part, date: dt.date) -> None:
    """Warn once of a thin day, and once of what could not be used."""
    planned, busiest = part.planned(date), int(part.service.max())
    if planned < THIN_DAY * busiest:
        text = (
            f"{part.path}: only {planned:,} trips run on {date:%A} {date}, {planned / busiest:.0%} of the {busiest:,} "
            f"on the busiest day, {part.service.idxmax():%A %Y-%m-%d}; is it a holiday, or the edge of the feed?"
        )
        warn(text)
    lost = oddities(part.counts, lost=True)
    if lost:
        warn(f"{part.path}: " + "; ".join(lost))


def _service(parts: Sequence[Part]) -> pd.Series:
    """Add up the trips by date over the feeds, from the first date with service to the last."""
    days: pd.Series = pd.concat([part.service for part in parts]).groupby(level=0).sum()
    return days.asfreq("D", fill_value=0)


def _merged(
    parts: Sequence[Part], prefixes: Sequence[str], date: dt.date, zone: str, *, sources: tuple[str, ...]
) -> Feed:
    """Put the parts one after the other, with numbers and ids that stay apart."""
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for part, prefix in zip(parts, prefixes, strict=True):
        stop, route, trip = (sum(map(len, tables[name])) for name in ("stops", "routes", "trips"))
        ids = {name: {"id": prefix + getattr(part, name)["id"]} for name in ("stops", "routes", "trips")}
        parent = part.stops["parent"]
        tables["stops"].append(part.stops.assign(parent=parent.where(parent < 0, parent + stop), **ids["stops"]))
        tables["routes"].append(part.routes.assign(**ids["routes"]))
        tables["trips"].append(part.trips.assign(route=part.trips["route"] + route, **ids["trips"]))
        tables["calls"].append(part.calls.assign(trip=part.calls["trip"] + trip, stop=part.calls["stop"] + stop))
        for rules in ("transfers", "special"):
            between = {side: getattr(part, rules)[side] + stop for side in ("from_stop", "to_stop")}
            tables[rules].append(getattr(part, rules).assign(**between))
        lines = {side: part.special[side] for side in ("from_route", "to_route")}
        runs = {side: part.special[side] for side in ("from_trip", "to_trip")}
        tables["special"][-1] = tables["special"][-1].assign(
            **{side: number.where(number < 0, number + route) for side, number in lines.items()},
            **{side: name.where(name == "", prefix + name) for side, name in runs.items()},
        )
        tables["stays"].append(
            part.stays.assign(**{side: prefix + part.stays[side] for side in ("from_trip", "to_trip")})
        )
    whole = {name: pd.concat(found, ignore_index=True) for name, found in tables.items()}
    for name in ("stops", "routes", "trips"):
        whole[name].index.name = name.removesuffix("s")
    counts = {key: sum(part.counts[key] for part in parts) for key in ODDITIES}
    service, on_demand = _service(parts), _on_demand(parts)
    return Feed(date, zone, sources, **whole, service=service, counts=counts, on_demand=on_demand)


def _on_demand(parts: Sequence[Part]) -> OnDemand:
    """Put the rides on demand of the parts one after the other."""
    rides, stops, zones, route, stop = [], [], list[Any](), 0, 0
    for part in parts:
        found, place = part.on_demand, len(zones)
        ends = {side: found.rides[side] + place for side in ("on", "off")}
        rides.append(found.rides.assign(route=found.rides["route"] + route, **ends))
        stops.append(found.stops + {"place": place, "stop": stop})
        zones += found.zones
        route, stop = route + len(part.routes), stop + len(part.stops)
    return OnDemand(pd.concat(rides, ignore_index=True), tuple(zones), pd.concat(stops, ignore_index=True))
