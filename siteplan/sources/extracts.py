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
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, InputError, SiteplanWarning
from siteplan.geo import LONLAT
from siteplan.inputs.candidates import propose_sites
from siteplan.sources.area import Area
from siteplan.sources.clip import cut_area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, url

__all__ = ["clip_extract", "get_candidates", "get_extract", "plan_extract"]

STREETS, SITES = "streets.osm.pbf", "sites.csv"
MARGIN = 5_000.0  # metres
# A piece of street that comes in between two nodes outside, this far away, is twice as long: it is not seen.
SPARE = 1_000.0  # metres
OPEN = "coworking"  # candidates of this kind are telecentres already


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
        Metres around the area that are kept, up to the box around them; a kilometre more is taken.

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
    date = clip_extract(whole, folder / STREETS, area.around(margin + SPARE).bounds)
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
    found.loc[found["kind"] == OPEN, "status"] = "existing"
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
    try:
        clip = cut_area(whole, out, shapely.box(*bounds))
    except (InputError, ValueError) as error:
        raise FetchError(f"{whole}: is no OpenStreetMap data ({error}); fetch again with --update") from error
    if not clip.nodes:
        out.unlink(missing_ok=True)
        raise FetchError(f"{whole}: holds nothing there; is it the extract of another place?")
    return clip.data_date or ""


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
