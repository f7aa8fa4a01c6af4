"""The timetables of a place: the feeds that catalogues list there, each once, with a date that all of them serve."""

import dataclasses
import datetime as dt
import hashlib
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, InputError, listed
from siteplan.inputs.gtfs.archive import Archive, open_feed, read_table
from siteplan.inputs.gtfs.service import read_services
from siteplan.inputs.gtfs.tables import read_stops
from siteplan.inputs.gtfs.weekday import common_weekday
from siteplan.sources.area import MARGIN, Area
from siteplan.sources.catalogues import Listing, Offer, list_feeds
from siteplan.sources.cutting import cut_feed, trips_at, zipped
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, Used

__all__ = ["get_timetables", "plan_timetables"]

# Feeds of one operator are kept as published. Larger ones (a country's, 20 to 500 MB) are cut where most of their trips
# come nowhere near.
LARGE, MOST_TRIPS = 10 * 2**20, 0.5
ALIKE = 0.9  # of the stops and of the routes of two feeds: one feed of two dates
HANDY = 40  # characters of a name in the name of a file


@dataclass(frozen=True)
class _Read:
    """A feed that comes to the place."""

    offer: Offer
    path: Path  # where it is written for now
    mark: frozenset[tuple[str, int]]
    stops: frozenset[tuple[str, float, float]]
    routes: frozenset[str]
    trips: int  # that call there
    ends: dt.date
    used: Used


def get_timetables(
    area: Area,
    source: Source,
    downloads: Downloads,
    folder: Path,
    *,
    also: Sequence[Source] = (),
    margin: float = MARGIN,
    today: dt.date | None = None,
) -> Got:
    """Fetch the feeds that have stops in an area and some metres around it.

    Large feeds of which most trips come nowhere near are cut to those that do; all others stay as published. Of feeds
    alike, those that ended and those that share no weekday with the larger ones, one is told of each that is left out.

    Parameters
    ----------
    area
        Where.
    source
        The catalogue of feeds that is looked into.
    downloads
        The cache.
    folder
        Where `gtfs-NAME.zip` are written, a file for each feed.
    also
        Further catalogues; a feed that several list is taken once, from the first that can give it.
    margin
        Metres around the area.
    today
        A feed whose last date is before it has ended; by default the day it is.

    Returns
    -------
    `transit.feeds` names the files, `inputs.transit.date` is a weekday that all of them serve.

    Raises
    ------
    FetchError
        No catalogue can be read, or none has a feed for the place that can be had.
    """
    place = area.around(margin)
    listing = _listed([source, *also], downloads, place, area.country)
    notes = list(listing.notes)
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".timetables-", dir=folder))
    try:
        feeds = []
        for number, offer in enumerate(listing.offers):
            try:
                feeds.append(_looked_at(offer, downloads, place, aside=aside / str(number), notes=notes))
            except (FetchError, InputError) as error:
                notes.append(f"{_called(offer)} is missing: {error}. By hand: {offer.page or 'ask who runs it'}.")
        found = [feed for feed in feeds if feed is not None]
        found = _current(_distinct(found, notes), today or dt.date.today(), notes)
        served, date = _with_common_day(found, notes)
        if date is None:
            raise FetchError(
                f"no timetable for {area.name}: {' '.join(notes) or 'no catalogue lists a feed here.'} Ask who runs "
                "the buses for a GTFS feed, or go on without timetables"
            )
        names = _file_names([feed.offer for feed in served])
        for feed, name in zip(served, names, strict=True):
            feed.path.replace(folder / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Got(
        inputs={"transit.feeds": names},
        settings={"inputs.transit.date": date.isoformat()},
        used=[*listing.used, *(feed.used for feed in served)],
        notes=notes,
    )


def plan_timetables(
    area: Area, source: Source, downloads: Downloads, *, also: Sequence[Source] = (), margin: float = MARGIN
) -> list[tuple[str, int | None]]:
    """Return the feeds that `get_timetables` asks for, and their bytes where they are known."""
    listing = _listed([source, *also], downloads, area.around(margin), area.country)
    links = [offer.links[0] for offer in listing.offers if offer.links and not offer.hindrance]
    return [(link, downloads.size(where, link)) for where, link in links]


def _listed(catalogues: Sequence[Source], downloads: Downloads, place: BaseGeometry, country: str) -> Listing:
    """Return what all catalogues list, feeds that several list once."""
    offers: dict[str, Offer] = {}
    notes: list[str] = []
    used: list[Used] = []
    twice = 0
    failed: list[FetchError] = []
    for source in catalogues:
        try:
            listing = list_feeds(source, downloads, place, country=country)
        except FetchError as error:
            failed.append(error)
            notes.append(f"{error}; what is listed there is missing")
            continue
        notes += listing.notes
        used += listing.used
        by_link = {link: offer.id for offer in offers.values() for _, link in offer.links}
        for offer in listing.offers:
            same = offer.id if offer.id in offers else next((by_link[k] for _, k in offer.links if k in by_link), "")
            if not same:
                offers[offer.id] = offer
                continue
            twice += 1
            first = offers[same]
            links = (*first.links, *(link for link in offer.links if link not in first.links))
            offers[same] = dataclasses.replace(
                first,
                links=links,
                licence=first.licence or offer.licence,
                hindrance=first.hindrance and offer.hindrance,
            )
    if len(failed) == len(catalogues):
        raise failed[0]
    if twice:
        notes.append(f"{twice:,} feeds are listed more than once, and were taken once")
    return Listing(list(offers.values()), notes, used)


def _looked_at(
    offer: Offer, downloads: Downloads, place: BaseGeometry, *, aside: Path, notes: list[str]
) -> _Read | None:
    """Fetch a feed, see whether it comes to the place, and put aside what of it is kept."""
    if offer.hindrance or not offer.links:
        raise FetchError(offer.hindrance or "the catalogue has no address of it")
    source, link, feed = _fetched(offer, downloads)
    # Entrances and stops without a place of their own stand where their station does.
    stops = read_stops(feed, offer.id)
    at = _places(stops)
    here = pd.Index(stops["id"][at.notna() & shapely.intersects(place, at.to_numpy())])
    trips = trips_at(feed, here) if len(here) else pd.Index([], dtype="str")
    if not len(trips):
        notes.append(f"{_called(offer)} is listed here, but none of its trips comes here; left out")
        return None
    aside.mkdir()
    kept = aside / "feed.zip"
    every = len(read_table(feed, "trips", ("trip_id",)))
    if feed.path.stat().st_size > LARGE and len(trips) < MOST_TRIPS * every:
        cut = cut_feed(feed, trips)
        kept.write_bytes(zipped(cut.tables))
        spoilt = f"; {cut.bad_rows:,} rows that could not be read were left out" if cut.bad_rows else ""
        notes.append(f"{_called(offer)} was cut to the {cut.trips:,} of {cut.of:,} trips that come here{spoilt}")
    else:
        shutil.copyfile(feed.path, kept)
    return _Read(
        offer=offer,
        path=kept,
        mark=feed.mark,
        stops=frozenset(zip(stops["id"], stops["lon"].round(3), stops["lat"].round(3), strict=True)),
        routes=frozenset(read_table(feed, "routes", ("route_id",))["route_id"]),
        trips=len(trips),
        ends=_last_day(feed),
        used=_used(offer, source, link, downloads),
    )


def _fetched(offer: Offer, downloads: Downloads) -> tuple[Source, str, Archive]:
    """Return a feed from the first of its addresses that gives it."""
    problems = []
    for source, link in offer.links:
        try:
            return source, link, open_feed(downloads.get(source, link))
        except (FetchError, InputError) as error:
            problems.append(str(error))
    raise FetchError("; ".join(problems))


def _places(stops: pd.DataFrame) -> pd.Series:
    """Return the points of stops; those without a place are where the station is that they are in."""
    lonlat = np.column_stack([stops["lon"], stops["lat"]])
    above = stops["parent"].to_numpy()
    blank = stops["lon"].isna().to_numpy() & (above >= 0)
    lonlat[blank] = lonlat[above[blank]]
    points = pd.Series(shapely.points(lonlat), index=stops.index)
    return points.where(~np.isnan(lonlat).any(axis=1), None)


def _last_day(feed: Archive) -> dt.date:
    """Return the last day on which a feed runs."""
    services = read_services(feed, dt.date.today())
    if not len(services.day):
        raise InputError(f"{feed.path}: none of its services runs on any day; ask its publisher")
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(services.day.max()))


def _used(offer: Offer, source: Source, link: str, downloads: Downloads) -> Used:
    """Tell of a feed under the licence that its own publisher gives, not the catalogue's."""
    told = downloads.used(source, link)
    return dataclasses.replace(told, licence=offer.licence or "not told", attribution=offer.name)


def _distinct(feeds: list[_Read], notes: list[str]) -> list[_Read]:
    """Leave out feeds that are there already, under another name or of an earlier date."""
    kept: list[_Read] = []
    for feed in feeds:
        twin = next((other for other in kept if _same(feed, other)), None)
        if twin is None:
            kept.append(feed)
            continue
        first, second = (twin, feed) if twin.ends >= feed.ends else (feed, twin)
        kept[kept.index(twin)] = first
        how = "holds the same" if first.mark == second.mark else f"holds the same lines until {second.ends}"
        notes.append(f"{_called(second.offer)} {how} as {_called(first.offer)}; left out")
    return kept


def _same(one: _Read, other: _Read) -> bool:
    if one.mark == other.mark:
        return True
    pairs = ((one.stops, other.stops), (one.routes, other.routes))
    return all(len(a & b) >= ALIKE * len(a | b) for a, b in pairs)


def _current(feeds: list[_Read], today: dt.date, notes: list[str]) -> list[_Read]:
    """Leave out feeds that ended; where all have, old ones are better than none."""
    ended = [feed for feed in feeds if feed.ends < today]
    if len(ended) == len(feeds):
        notes += [
            f"{_called(feed.offer)} ended on {feed.ends}; a day on which it ran is taken for want of a newer one"
            for feed in ended
        ]
        return feeds
    notes += [f"{_called(feed.offer)} ended on {feed.ends}; left out. By hand: {feed.offer.page}." for feed in ended]
    return [feed for feed in feeds if feed.ends >= today]


def _with_common_day(feeds: list[_Read], notes: list[str]) -> tuple[list[_Read], dt.date | None]:
    """Return the feeds that share a weekday and that day: those with most trips here first, others if they fit."""
    kept: list[_Read] = []
    date = None
    for feed in sorted(feeds, key=lambda feed: (-feed.trips, feed.offer.id)):
        day = common_weekday([each.path for each in (*kept, feed)])
        if day is not None:
            kept.append(feed)
            date = day
            continue
        others = f" that {listed([each.offer.name for each in kept], 3)} serve too" if kept else ""
        notes.append(f"{_called(feed.offer)} has no weekday{others} (its last day is {feed.ends}); left out")
    return [feed for feed in feeds if feed in kept], date


def _called(offer: Offer) -> str:
    return f"timetable of {offer.name} ({offer.id})"


def _file_names(offers: Sequence[Offer]) -> list[str]:
    """Name the file of each feed by who runs it; where two would be alike, by its id as well."""
    names: list[str] = []
    for offer in offers:
        name = _slug(offer.name) or _slug(offer.id)
        if f"gtfs-{name}.zip" in names:
            name = f"{name}-{_slug(offer.id)}"
        if f"gtfs-{name}.zip" in names:
            name = f"{name}-{hashlib.sha256(offer.id.encode()).hexdigest()[:6]}"
        names.append(f"gtfs-{name}.zip")
    return names


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:HANDY].strip("-")
