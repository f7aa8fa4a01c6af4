"""Which timetables are published for a place: what catalogues of feeds list there."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, listed
from siteplan.sources.answers import read_columns, read_records, read_there, records
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source, Used, url

__all__ = ["Listing", "Offer", "list_feeds"]

BOX = tuple(f"location.bounding_box.{end}" for end in ("minimum_longitude", "minimum_latitude",
                                                       "maximum_longitude", "maximum_latitude"))  # fmt: skip
MDB_COLUMNS = (
    "id", "data_type", "location.country_code", "provider", "name", "urls.direct_download", "urls.authentication_type",
    "urls.latest", "urls.license", *BOX, "status",
)  # fmt: skip
NO_KEY = ("", "0")  # urls.authentication_type; 1 is a key in the address, 2 one in a header
WIDEST = 180.0  # degrees; a box wider than half the world holds stops at places that are none
# How transport.data.gouv.fr writes licences, where that is not plain.
LICENCES = {
    "fr-lo": "Licence Ouverte 1.0",
    "lov2": "Licence Ouverte 2.0",
    "odc-odbl": "ODbL-1.0",
    "mobility-licence": "Licence Mobilités",
    "notspecified": "",
}


@dataclass(frozen=True)
class Offer:
    """A feed as a catalogue lists it.

    Attributes
    ----------
    id
        In the catalogue; one feed that two catalogues list has one id.
    name
        Who runs what is in it.
    links
        Where it is to be had, the best first, each with the source whose hosts it leads to.
    page
        Where a person gets it.
    licence
        As the catalogue tells it; "" where it does not.
    hindrance
        Why it cannot be fetched; "" if nothing is in the way.
    """

    id: str
    name: str
    links: tuple[tuple[Source, str], ...]
    page: str
    licence: str
    hindrance: str = ""


@dataclass(frozen=True)
class Listing:
    """What a catalogue has for a place: feeds, what it cannot tell, and the files that it was read from."""

    offers: list[Offer]
    notes: list[str] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)


def list_feeds(source: Source, downloads: Downloads, place: BaseGeometry, *, country: str = "") -> Listing:
    """List the feeds of a catalogue that may have stops in a place.

    Parameters
    ----------
    source
        Of kind timetables; its `format` says how the catalogue is written.
    place
        In degrees (EPSG:4326).
    country
        ISO 3166-1 alpha-2; "" where it is not known.

    Raises
    ------
    FetchError
        The catalogue cannot be had, or is not what it was when this was written.
    """
    readers: dict[str, Callable[[Source, Downloads, BaseGeometry, str], Listing]] = {
        "mobility-database": _mobility_database,
        "transport-data-gouv-fr": _access_point,
    }
    if source.format not in readers:
        raise FetchError(
            f"{source.name}: its format is '{source.format}'; expected a catalogue of feeds: {listed(readers)}"
        )
    return readers[source.format](source, downloads, place, country)


# ---- the Mobility Database ----


def _mobility_database(source: Source, downloads: Downloads, place: BaseGeometry, country: str) -> Listing:
    """Read `feeds_v2.csv`: one row per feed, with the box around its stops."""
    address = url(source, "index")
    table = read_columns(source, downloads, address, MDB_COLUMNS, what="list of feeds")
    feeds = table[table["data_type"] == "gtfs"]
    west, south, east, north = (pd.to_numeric(feeds[name], errors="coerce").to_numpy(np.float64) for name in BOX)
    boxed = (east >= west) & (north >= south) & (east - west <= WIDEST)
    meets = np.zeros(len(feeds), dtype=np.bool_)
    meets[boxed] = shapely.intersects(place, shapely.box(*(end[boxed] for end in (west, south, east, north))))
    active = feeds["status"].isin(["active", ""]).to_numpy()
    here = feeds["location.country_code"].str.upper() == country if country else pd.Series(True, index=feeds.index)
    notes = []
    unplaced = feeds[~boxed & active & here.to_numpy()]
    if len(unplaced):
        where = f"in {country}" if country else "in the world"
        notes.append(
            f"{source.name}: {len(unplaced):,} feeds {where} are listed without a place, so whether they come here is "
            f"not known: {listed(_names(unplaced), 3)}"
        )
    stale = int((meets & ~active).sum())
    if stale:
        notes.append(f"{source.name}: {stale:,} feeds here are listed as no longer kept up, and were left out")
    offers = [_mdb_offer(source, row) for row in feeds[meets & active].to_dict("records")]
    return Listing(offers, notes, [downloads.used(source, address)])


def _names(feeds: pd.DataFrame) -> list[str]:
    return [_mdb_name(row) for row in feeds[["provider", "name"]].to_dict("records")]


def _mdb_name(row: dict[Any, str]) -> str:
    return " - ".join(text for text in (row["provider"].strip(), row["name"].strip()) if text) or "a feed without name"


def _mdb_offer(source: Source, row: dict[Any, str]) -> Offer:
    latest, direct = row["urls.latest"].strip(), row["urls.direct_download"].strip()
    hindrance = ""
    if row["urls.authentication_type"].strip() not in NO_KEY:
        hindrance = "its publisher gives it with a key only"
    elif not latest:
        hindrance = "the catalogue keeps no copy of it"
    return Offer(
        id=row["id"].strip(),
        name=_mdb_name(row),
        links=((source, latest),) if latest and not hindrance else (),
        page=direct or latest,
        licence=row["urls.license"].strip(),
        hindrance=hindrance,
    )


# ---- transport.data.gouv.fr ----


def _access_point(source: Source, downloads: Downloads, place: BaseGeometry, _: str) -> Listing:
    """Read the datasets of the French national access point: which communes, EPCI, regions each covers, by code."""
    codes = _codes(source, downloads, place)
    address = url(source, "index")
    datasets = read_records(source, downloads, address)
    offers, unplaced, copies = [], [], 0
    for dataset in datasets:
        if dataset.get("type") != "public-transit":
            continue
        feeds = [each for each in _records(dataset.get("resources")) if str(each.get("format")).upper() == "GTFS"]
        told = [each for each in _records(dataset.get("covered_area")) if each.get("insee")]
        if feeds and not told:
            unplaced.append(str(dataset.get("title", "")))
        if not any(str(each["insee"]) in codes.get(str(each.get("type")), ()) for each in told):
            continue
        copies += sum(bool(each.get("community_resource_publisher")) for each in feeds)
        own = [each for each in feeds if not each.get("community_resource_publisher")]
        offers += [_resource(source, dataset, each, several=len(own) > 1) for each in own]
    notes = []
    if unplaced:
        notes.append(
            f"{source.name}: {len(unplaced):,} datasets are listed without the area that they cover, so whether they "
            f"come here is not known: {listed(unplaced, 3)}"
        )
    if copies:
        notes.append(f"{source.name}: {copies:,} files here were made by others of what is listed, and were left out")
    return Listing(offers, notes, [downloads.used(source, address)])


def _records(value: Any) -> list[dict[str, Any]]:
    """Return the records of a list, whatever stands in its place."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _codes(source: Source, downloads: Downloads, place: BaseGeometry) -> dict[str, set[str]]:
    """Return what a place is in, by kind of territory: asked of a point in it and one in each of its quarters."""
    keys = {"code": "commune", "codeEpci": "epci", "codeDepartement": "departement", "codeRegion": "region"}
    found: dict[str, set[str]] = {"pays": {"FR"}} | {kind: set() for kind in keys.values()}
    for asked, communes in read_there(place, source, downloads, "commune"):
        for commune in records(source, asked, communes):
            for key, kind in keys.items():
                found[kind] |= {str(commune[key])} if commune.get(key) else set()
    return found


def _resource(source: Source, dataset: dict[str, Any], resource: dict[str, Any], *, several: bool) -> Offer:
    title = str(dataset.get("title") or dataset.get("slug") or "")
    file = re.sub(r"(?i)[-_. ]*(gtfs|zip)\b", "", str(resource.get("title") or "")).strip()
    licence = str(dataset.get("licence") or "")
    return Offer(
        id=f"tdg-{resource.get('id')}",  # as the Mobility Database calls it, too
        name=f"{title} - {file}" if several and file else title,
        links=((source, str(resource["url"])),) if resource.get("url") else (),
        page=str(resource.get("page_url") or dataset.get("page_url") or resource.get("original_url") or ""),
        licence=LICENCES.get(licence, licence),
        hindrance="" if resource.get("is_available", True) else "the catalogue says that it cannot be had now",
    )
