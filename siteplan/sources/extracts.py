"""Streets of a place: the smallest published OpenStreetMap extract that covers it, cut to what lies around it.

The index of Geofabrik lists its extracts with an outline each and where they are; beside each lies its MD5. What is cut
keeps ways whole, and of relations those that name something kept, so that streets, restrictions and outlines are read
as from the whole extract.
"""

import json
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, InputError, SiteplanWarning
from siteplan.geo import LONLAT
from siteplan.inputs.candidates import propose_sites
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, url

__all__ = ["clip_extract", "get_candidates", "get_extract", "plan_extract"]

STREETS, SITES = "streets.osm.pbf", "sites.csv"
MARGIN = 5_000.0  # metres
DATES = ("osmosis_replication_timestamp", "timestamp")  # where the head of a file says of when it is


@dataclass(frozen=True)
class _Extract:
    """One extract that is published."""

    name: str
    address: str
    outline: BaseGeometry
    continent: bool


def get_extract(area: Area, source: Source, downloads: Downloads, folder: Path, *, margin: float = MARGIN) -> Got:
    """Write the streets around an area as `streets.osm.pbf`.

    Parameters
    ----------
    area, source, downloads
        Where, from whom, and the cache.
    folder
        Where the file is written.
    margin
        Metres around the area that are kept, up to the box around them.

    Raises
    ------
    FetchError
        No extract covers the area, or it cannot be had.
    """
    chosen, notes = _chosen(area, source, downloads, margin)
    digest = _published(source, chosen, downloads)
    if digest is None:
        notes.append(f"{source.name}: publishes no digest of {chosen.name}; the extract is not verified")
    whole = downloads.get(source, chosen.address, digest=digest)
    date = clip_extract(whole, folder / STREETS, area.around(margin).bounds)
    used = downloads.used(source, chosen.address, vintage=date[:10])
    return Got(inputs={"streets": STREETS}, used=[used], notes=notes)


def plan_extract(
    area: Area, source: Source, downloads: Downloads, *, margin: float = MARGIN
) -> list[tuple[str, int | None]]:
    """Say which extract would be loaded, and its size in bytes. Errors as of `get_extract`."""
    chosen, _ = _chosen(area, source, downloads, margin)
    return [(chosen.address, downloads.size(source, chosen.address))]


def get_candidates(
    area: Area,
    source: Source,
    downloads: Downloads,
    folder: Path,
    *,
    streets: Path | None = None,
    margin: float = MARGIN,
) -> Got:
    """Write the places of an extract that could house a telecentre as `sites.csv`, to be chosen from and edited.

    Parameters
    ----------
    area
        Only places in it are proposed.
    source, downloads
        Whose data it is.
    folder
        Where the file is written.
    streets, margin
        The extract, and how far it goes around the area, as `get_extract` wrote it.

    Raises
    ------
    FetchError
        There is no extract, or no place in it fits.
    """
    if streets is None:
        raise FetchError("there are no streets to propose sites from")
    inside = gpd.GeoDataFrame(geometry=[area.geometry], crs=LONLAT)
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always", SiteplanWarning)
        try:
            found = propose_sites(streets, area=inside)
        except InputError as error:
            raise FetchError(f"no sites can be proposed: {error}") from error
    if found.empty:
        raise FetchError(f"no place of OpenStreetMap in {area.name} could house a telecentre by its tags")
    at = found.geometry.to_crs(LONLAT)
    table = pd.DataFrame(found.drop(columns="geometry")).assign(lon=at.x.round(7), lat=at.y.round(7))
    table.reset_index().to_csv(folder / SITES, index=False, lineterminator="\n")
    notes = [str(each.message) for each in odd if issubclass(each.category, SiteplanWarning)]
    notes.append(f"{SITES}: {len(found):,} places of OpenStreetMap are proposed; strike out what is no candidate")
    chosen, _ = _chosen(area, source, downloads, margin)
    return Got(inputs={"sites": SITES}, used=[downloads.used(source, chosen.address)], notes=notes)


def clip_extract(whole: Path, out: Path, bounds: tuple[float, float, float, float]) -> str:
    """Write what of an extract lies in a box, with ways whole; return of when it is ("" where it does not say).

    Parameters
    ----------
    whole
        An OpenStreetMap file, sorted.
    out
        Where to write; the ending says how.
    bounds
        West, south, east and north in degrees.

    Raises
    ------
    FetchError
        Nothing lies in the box, the file cannot be read, or there is no room to write.
    """
    if shutil.disk_usage(out.parent).free < whole.stat().st_size:  # a writer that finds no room ends the process
        raise FetchError(f"{out.parent}: has no room for a part of {whole.name}; make room and try again")
    box = osmium.osm.Box(*bounds)
    kept = osmium.IdTracker()
    try:
        with osmium.io.Reader(str(whole), osmium.osm.osm_entity_bits.NOTHING) as reader:
            told = reader.header()
        found = 0
        node: Any
        for node in osmium.FileProcessor(str(whole), osmium.osm.NODE):
            if box.contains(node.location):
                kept.add_node(node.id)
                found += 1
        if not found:
            raise FetchError(f"{whole}: holds nothing there; is it the extract of another place?")
        relations: list[int] = []
        thing: Any
        for thing in osmium.FileProcessor(str(whole), osmium.osm.WAY | osmium.osm.RELATION):
            if not kept.contains_any_references(thing):
                continue
            if thing.is_way():
                kept.add_way(thing.id)
                continue
            relations.append(thing.id)
            if thing.tags.get("type") == "multipolygon":  # of which a part is no outline
                kept.add_references(thing)
        kept.complete_backward_references(str(whole), relation_depth=0)
        for number in relations:
            kept.add_relation(number)
        header = osmium.io.Header()
        header.add_box(box)
        date = next((told.get(name) for name in DATES if told.get(name)), "")
        if date:
            header.set(DATES[0], date)
        out.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(out), header=header) as writer:
            for thing in osmium.FileProcessor(str(whole)).with_filter(kept.id_filter()):
                writer.add(thing)
    except (RuntimeError, ValueError) as error:
        raise FetchError(f"{whole}: is no OpenStreetMap data ({error}); fetch again with --update") from error
    return str(date)


# ---- which extract ----


def _chosen(area: Area, source: Source, downloads: Downloads, margin: float) -> tuple[_Extract, list[str]]:
    """Choose the smallest extract that covers area and margin, or else the area; never a continent."""
    wide = area.around(margin)
    every = [each for each in _index(source, downloads) if each.outline.intersects(area.geometry)]
    ways = (
        [each for each in every if each.outline.covers(wide) and not each.continent],
        [each for each in every if _share(each.outline, area.geometry) > 0.98 and not each.continent],
    )
    for covering, whole in zip(ways, (True, False), strict=True):
        if covering:
            best = min(covering, key=lambda each: (each.outline.area, each.name))
            note = f"{source.name}: {best.name} ends within {margin / 1000:g} km of the area; beyond it are no streets"
            return best, [] if whole else [note]
    raise FetchError(
        f"{source.name}: no extract below a continent covers {area.name}; join two by hand, with osmium merge"
    )


def _share(outline: BaseGeometry, area: BaseGeometry) -> float:
    return float(outline.intersection(area).area / area.area) if area.area else 0.0


def _index(source: Source, downloads: Downloads) -> list[_Extract]:
    try:
        features = json.loads(downloads.read(source, url(source, "index")))["features"]
        return [
            _Extract(
                str(each["properties"].get("name") or each["properties"]["id"]),
                each["properties"]["urls"]["pbf"],
                shapely.make_valid(shapely.from_geojson(json.dumps(each["geometry"]))),
                "parent" not in each["properties"],
            )
            for each in features
            if each.get("geometry") and "pbf" in each["properties"].get("urls", {})
        ]
    except (ValueError, KeyError, TypeError, shapely.errors.GEOSException) as error:
        raise FetchError(
            f"{source.name}: its index of extracts is not what it was ({error}); download an extract by hand"
        ) from error


def _published(source: Source, chosen: _Extract, downloads: Downloads) -> str | None:
    """Return the digest that lies beside an extract."""
    try:
        words: Any = downloads.read(source, f"{chosen.address}.md5").decode("ascii", "replace").split()
    except FetchError:
        return None
    return f"md5:{words[0].lower()}" if words and len(words[0]) == 32 else None
