"""Streets of a place: the smallest published OpenStreetMap extracts that cover it, cut to what lies around it.

The index of Geofabrik lists its extracts with an outline each and where they are; beside each lies its MD5. What is cut
keeps ways whole, and of relations those that name something kept, so that streets, restrictions and outlines are read
as from the whole extract.
"""

import json
import math
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, InputError, SiteplanWarning
from siteplan.geo import LONLAT
from siteplan.inputs.candidates import propose_sites
from siteplan.inputs.extract import DATE, data_date
from siteplan.sources.answers import as_expected, read_json
from siteplan.sources.area import MARGIN, Area
from siteplan.sources.clip import cut_area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, Used, url
from siteplan.sources.writing import place_table

__all__ = [
    "clip_extract",
    "country_by_index",
    "cut_extracts",
    "extracts_of",
    "get_candidates",
    "get_extract",
    "plan_extract",
]

STREETS, SITES = "streets.osm.pbf", "sites.csv"
OVERPASS = "overpass"  # as an entry writes its format
MOST_DEGREES = 0.1  # square degrees, some 25 by 30 km: above that an extract is loaded sooner, and the server spared
SLIVER = 1e-4  # square degrees that may be left of a place: outlines of extracts do not quite meet
END = 2_000  # bytes of an answer among which Overpass says that it gave up
# A piece of street that comes in between two nodes outside, this far away, is twice as long: it is not seen.
SPARE = 1_000.0  # metres
OPEN = "coworking"  # candidates of this kind are telecentres already


class NothingThereError(FetchError):
    """An extract holds nothing of a place."""


@dataclass(frozen=True)
class _Extract:
    """One extract that is published."""

    name: str
    address: str
    outline: BaseGeometry
    continent: bool
    countries: tuple[str, ...]  # alpha-2


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
    files, used, notes = extracts_of(area, area.around(margin), source, downloads)
    cut_extracts(files, folder / STREETS, area.around(margin + SPARE).bounds)
    return Got(inputs={"streets": STREETS}, used=used, notes=notes)


def plan_extract(
    area: Area, source: Source, downloads: Downloads, *, margin: float = MARGIN
) -> list[tuple[str, int | None]]:
    """Say which extract would be loaded, and its size in bytes. Errors as of `get_extract`."""
    if source.format == OVERPASS:
        _check_small(area, area.around(margin), source)
        return [(url(source, "query"), None)]
    chosen, _ = _covering(area, area.around(margin), source, downloads)
    return [(each.address, downloads.size(source, each.address)) for each in chosen]


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
        The extract, by default that of the folder, and how far it goes around the area, as `get_extract` wrote it.

    Raises
    ------
    FetchError
        There is no extract, or no place in it fits.
    """
    streets = folder / STREETS if streets is None else streets
    if not streets.is_file():
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
    place_table(folder / SITES, table.reset_index())
    notes = [str(each.message) for each in odd if issubclass(each.category, SiteplanWarning)]
    notes.append(f"{SITES}: {len(found):,} places of OpenStreetMap are proposed; strike out what is no candidate")
    _, used, _ = extracts_of(area, area.around(margin), source, downloads)
    return Got(inputs={"sites": SITES}, used=used, notes=notes)


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
        raise NothingThereError(f"{whole}: holds nothing there; is it the extract of another place?")
    return clip.data_date or ""


def cut_extracts(files: Sequence[Path], out: Path, bounds: tuple[float, float, float, float]) -> None:
    """Write what of some extracts lies in a box, as one, each thing once. Errors as of `clip_extract`."""
    parts: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="siteplan-", dir=out.parent) as aside:
        for number, file in enumerate(files):
            part = Path(aside) / f"{number}.osm.pbf"
            whole = file if file.suffix else shutil.copyfile(file, part.with_suffix(".osm"))  # osmium goes by endings
            try:
                clip_extract(whole, part, bounds)
            except NothingThereError:
                if not parts and number == len(files) - 1:
                    raise
            else:
                parts.append(part)
        if len(parts) == 1:
            parts[0].replace(out)
        else:
            _join(parts, out, bounds)


def _join(parts: Sequence[Path], out: Path, bounds: tuple[float, float, float, float]) -> None:
    """Write what several extracts hold as one, each thing once; of as old data as the oldest of them."""
    head = osmium.io.Header()
    head.add_box(osmium.osm.Box(*bounds))
    merged, dates = osmium.MergeInputReader(), []
    for part in parts:
        merged.add_file(str(part))
        dates.append(_date(part))
    if all(dates):
        head.set(DATE, min(dates))
    written = osmium.io.File(str(out), "pbf,add_metadata=none")
    with osmium.SimpleWriter(written, header=head, overwrite=True) as writer:
        merged.apply(writer, simplify=True)


def _date(file: Path) -> str:
    try:
        with osmium.io.Reader(str(file), osmium.osm.NOTHING) as reader:
            return data_date(reader.header()) or ""
    except RuntimeError:  # whoever reads it says why
        return ""


# ---- which extract ----


def extracts_of(
    area: Area, place: BaseGeometry, source: Source, downloads: Downloads
) -> tuple[list[Path], list[Used], list[str]]:
    """Load the extracts that cover a place (in degrees) around an area; return them, what they are, and what is odd.

    Raises
    ------
    FetchError
        No extract covers the area, it cannot be had, or is not what its publisher says it is.
    """
    if source.format == OVERPASS:
        _check_small(area, place, source)
        link, asked = url(source, "query"), _question(place.bounds)
        answer = downloads.get(source, link, post=asked)
        with answer.open("rb") as raw:
            raw.seek(max(0, answer.stat().st_size - END))
            if b"<remark>" in raw.read():  # said in place of what there was no time or memory for
                raise FetchError(f"{source.name}: gave up before all was told; take an extract (--source extract=...)")
        return [answer], [downloads.used(source, link, post=asked)], []
    chosen, notes = _covering(area, place, source, downloads)
    files, used = [], []
    for each in chosen:
        digest = _published(source, each, downloads)
        if digest is None:
            notes.append(f"{source.name}: publishes no digest of {each.name}; the extract is not verified")
        files.append(downloads.get(source, each.address, digest=digest))
        used.append(downloads.used(source, each.address, vintage=_date(files[-1])[:10]))
    return files, used, notes


def _covering(
    area: Area, place: BaseGeometry, source: Source, downloads: Downloads
) -> tuple[list[_Extract], list[str]]:
    """Choose the extracts that cover a place with the least land: one, or several beside each other, as at a border.

    A continent is none of them. What none covers is told, as of the open sea.
    """
    every = [each for each in _index(source, downloads) if each.outline.intersects(place) and not each.continent]
    every.sort(key=lambda each: (each.outline.area, each.name))
    left, lost, several = place, 0.0, list[_Extract]()
    while left.area > SLIVER:
        point = left.representative_point()
        smallest = next((each for each in every if each.outline.covers(point)), None)
        if smallest is None:
            piece = next(each for each in shapely.get_parts(left) if each.covers(point))
            # Of a piece of which a part is covered, that part stays.
            there = shapely.union_all([each.outline for each in every])
            lost += piece.difference(there).area
            left = left.difference(piece.difference(there))
        else:
            several.append(smallest)
            left = left.difference(smallest.outline)
    if not several or _share(shapely.union_all([each.outline for each in several]), area.geometry) < 1 / 2:
        raise FetchError(
            f"{source.name}: no extract below a continent covers {area.name}; give one of your own (inputs.streets)"
        )
    one = next((each for each in every if each.outline.covers(place)), None)
    if one is not None and one.outline.area <= sum(each.outline.area for each in several):
        return [one], []
    note = f"{source.name}: {lost / place.area:.1%} of the area and its margin lie in no extract, as the open sea does"
    return several, [note] if lost > SLIVER else []


def _check_small(area: Area, place: BaseGeometry, source: Source) -> None:
    west, south, east, north = place.bounds
    if (size := (east - west) * (north - south)) > MOST_DEGREES:
        raise FetchError(
            f"{source.name}: {area.name} and its margin are {size:.2f} square degrees; to spare its server it is asked "
            f"for {MOST_DEGREES:g} at most. Take an extract (--source extract=geofabrik)"
        )


def _question(bounds: tuple[float, float, float, float]) -> bytes:
    """Ask Overpass for all in a rectangle: ways whole, and multipolygons and turn restrictions with their ways."""
    west, south, east, north = bounds
    sides = math.floor(south * 1e4), math.floor(west * 1e4), math.ceil(north * 1e4), math.ceil(east * 1e4)
    box = ",".join(f"{side / 1e4:.4f}" for side in sides)
    text = (
        f"[out:xml][timeout:300];(node({box});way({box}););"
        '(._;rel(bw)["type"="multipolygon"];way(r););'
        f'(._;rel({box})["type"="restriction"];);(._;>;);out body;'
    )
    return f"data={quote(text)}".encode()


def _share(outline: BaseGeometry, area: BaseGeometry) -> float:
    return float(outline.intersection(area).area / area.area) if area.area else 0.0


def _index(source: Source, downloads: Downloads) -> list[_Extract]:
    asked = url(source, "index")
    answer = read_json(source, downloads, asked)
    with as_expected(source, asked):
        return [
            _Extract(
                str(each["properties"].get("name") or each["properties"]["id"]),
                each["properties"]["urls"]["pbf"],
                shapely.make_valid(shapely.from_geojson(json.dumps(each["geometry"]))),
                "parent" not in each["properties"],
                tuple(map(str, each["properties"].get("iso3166-1:alpha2", ()))),
            )
            for each in answer["features"]
            if each.get("geometry") and "pbf" in each["properties"].get("urls", {})
        ]


def country_by_index(point: BaseGeometry, source: Source, downloads: Downloads) -> str:
    """Return the country of a point in degrees (alpha-2), by the extract of one country; "" where there is none.

    Raises
    ------
    FetchError
        The index cannot be had, or is not what it was.
    """
    if source.format == OVERPASS:
        return ""
    there = [each for each in _index(source, downloads) if len(each.countries) == 1 and each.outline.covers(point)]
    return min(there, key=lambda each: each.outline.area).countries[0] if there else ""


def _published(source: Source, chosen: _Extract, downloads: Downloads) -> str | None:
    """Return the digest that lies beside an extract."""
    try:
        words: Any = downloads.read(source, f"{chosen.address}.md5").decode("ascii", "replace").split()
    except FetchError:
        return None
    return f"md5:{words[0].lower()}" if words and len(words[0]) == 32 else None
