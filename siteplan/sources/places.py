"""Places by name, by code, by four numbers or from a file: the territory to fetch for.

Communes of France are asked of geo.api.gouv.fr, all other places of Nominatim. A name that several places have gives
all of them: which is meant, only whoever asks knows.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from siteplan.errors import FetchError, InputError, StudyError
from siteplan.formats import PLACES
from siteplan.geo import LONLAT
from siteplan.inputs.area import read_area
from siteplan.sources.answers import as_expected, read_json, read_records
from siteplan.sources.area import MARGIN, Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source, best_sources, url

__all__ = [
    "AROUND",
    "area_in_bounds",
    "area_of_file",
    "commune_by_code",
    "find_places",
    "names_file",
    "places_meant",
    "plain_name",
    "with_country",
]

FRANCE = ("france", "fr")
CODE = re.compile(r"\d[\dabAB]\d{3}")  # of a commune of France
AROUND = re.compile(r"(?:near|(?P<km>\d+(?:[.,]\d+)?) ?km (?:around|of|from)) (?P<place>.+)", re.IGNORECASE)
SAME = 0.95  # share of two outlines' union that both hold, from which on they are one place


def find_places(text: str, downloads: Downloads, *, source: str = "", files: Iterable[Path] = ()) -> list[Area]:
    """Find the places that a text may mean.

    Parameters
    ----------
    text
        A name, and after commas what it lies in: "Moulins, Allier, France", "Marburg, Germany". A commune of France
        is looked for where the last part is France.
    downloads
        Where answers are kept.
    source
        The name of the one source to ask.
    files
        Further files of sources.

    Returns
    -------
    One area if there is one place of the name; several if there are several, the largest first; none if there is none.

    Raises
    ------
    FetchError
        No source could be asked.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise StudyError("place: is empty; expected a name such as 'Moulins, Allier, France'")
    french = len(parts) > 1 and plain_name(parts[-1]) in FRANCE
    wanted = best_sources("place", "FR" if french else "", source, files)
    failed: FetchError | None = None
    for each in wanted:
        try:
            found = _communes(parts, each, downloads) if each.name == "geo_api" else _anywhere(parts, each, downloads)
        except FetchError as error:
            failed = failed or error
            continue
        if found:
            return sorted(found, key=lambda area: (-(area.population or 0), area.name, area.code))
    if failed is not None:
        raise failed
    return []


def places_meant(text: str, downloads: Downloads, *, files: Iterable[Path] = ()) -> list[Area]:
    """Find the places that a text may mean where a file of polygons could stand as well.

    Parameters
    ----------
    text
        A file of polygons; `west,south,east,north` in degrees; the code of a commune of France, such as 03190; a name,
        as for `find_places`; or "near" one of these (within 5 km) and "10 km around" one. Only for a code and a name is
        anything asked for.
    downloads, files
        As for `find_places`.

    Returns
    -------
    One area if there is one such place; several if a name has several (those themselves, where what lies around one is
    meant); none if there is none.

    Raises
    ------
    FetchError
        No source could be asked.
    InputError
        A file that is not there, or holds no polygons.

    Examples
    --------
    >>> (area,) = places_meant("3.25,46.40,3.42,46.50", Downloads(offline=True))
    >>> area.bounds
    (3.25, 46.4, 3.42, 46.5)
    """
    if found := AROUND.fullmatch(text.strip()):
        metres = MARGIN if found["km"] is None else 1000 * float(found["km"].replace(",", "."))
        inner = places_meant(found["place"], downloads, files=files)
        if len(inner) > 1:
            return inner
        before = text.strip()[: found.start("place")]
        return [
            replace(area, name=f"{before}{area.name}", geometry=area.around(metres), code="", population=None)
            for area in inner
        ]
    if names_file(text):
        return [area_of_file(Path(text))]
    if text.count(",") == 3 and not any(char.isalpha() for char in text):
        return [area_in_bounds(text)]
    if CODE.fullmatch(text.strip()):
        return [commune_by_code(text.strip().upper(), downloads, files=files)]
    return find_places(text, downloads, files=files)


def names_file(text: str) -> bool:
    """Tell whether a text names a file of places, there or not, and no place."""
    return Path(text).is_file() or Path(text).suffix.lower() in PLACES or "/" in text or "\\" in text


def commune_by_code(code: str, downloads: Downloads, *, files: Iterable[Path] = ()) -> Area:
    """Return a commune of France by its INSEE code, such as 03190.

    Raises
    ------
    FetchError
        There is none, or it cannot be asked for.
    """
    source = best_sources("place", "FR", "geo_api", files)[0]
    asked = url(source, "commune", code=code)
    if not (len(code) == 5 and code.isalnum()):
        raise StudyError(f"--insee: found '{code}'; expected the five characters of a commune's code, such as 03190")
    try:
        found = read_json(source, downloads, asked)
    except FetchError as error:
        if "(404)" in str(error):
            raise FetchError(f"--insee {code}: no commune of France has this code; postal codes are others") from error
        raise
    return _commune(found, source, asked)


def area_in_bounds(text: str) -> Area:
    """Return the area between four numbers, `west,south,east,north` in degrees.

    Examples
    --------
    >>> area_in_bounds("3.25,46.40,3.42,46.50").bounds
    (3.25, 46.4, 3.42, 46.5)
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
        right = -180 <= west < east <= 180 and -90 <= south < north <= 90
    except ValueError:
        right = False
    if not right:
        raise StudyError(
            f"--bbox: found '{text}'; expected west,south,east,north in degrees, such as 3.2,46.4,3.5,46.6"
        )
    outline = box(west, south, east, north)
    return Area(f"{west:g},{south:g},{east:g},{north:g}", outline)


def area_of_file(path: Path) -> Area:
    """Return the area that the polygons of a file cover together.

    Raises
    ------
    InputError
        The file holds none, or they have no CRS.
    """
    places = read_area(path)
    if places.crs is None:
        raise InputError(f"{path}: has no CRS; save it with one, such as EPSG:4326")
    outline = shapely.force_2d(places.to_crs(LONLAT).union_all())
    name = str(places["name"].iloc[0]) if len(places) == 1 and not str(places["name"].iloc[0]).isdigit() else path.stem
    return Area(name, outline)


def with_country(area: Area, downloads: Downloads, *, files: Iterable[Path] = ()) -> Area:
    """Return an area with its country, where that is not known yet and can be found."""
    return area if area.country else replace(area, country=_country_at(area.geometry, downloads, files))


def _country_at(outline: Polygon | MultiPolygon, downloads: Downloads, files: Iterable[Path]) -> str:
    """Return the country of an outline (alpha-2), of a point in it: by Nominatim, else by the index of extracts.

    "" where neither can be asked: sources of the world serve then.
    """
    inside = outline.representative_point()
    source = best_sources("place", "", "nominatim", files)[0]
    asked = url(source, "country", lat=f"{inside.y:.4f}", lon=f"{inside.x:.4f}")
    try:
        found = read_json(source, downloads, asked)
        with as_expected(source, asked):
            return str(found["address"]["country_code"]).upper()
    except FetchError:
        pass  # the sea, or a host that cannot be reached
    from siteplan.sources.extracts import country_by_index

    for each in best_sources("extract", "", files=files):
        try:
            if found := country_by_index(inside, each, downloads):
                return found
        except FetchError:
            continue
    return ""


# ---- communes of France ----


def _communes(parts: list[str], source: Source, downloads: Downloads) -> list[Area]:
    """Return the communes of exactly this name, of the department that is named if one is."""
    inside = [plain_name(part) for part in parts[1:] if plain_name(part) not in FRANCE]
    asked = url(source, "search", text=parts[0])
    entries = read_records(source, downloads, asked)
    named = [entry for entry in entries if plain_name(entry.get("nom", "")) == plain_name(parts[0])]
    department = [entry.get("departement") or {} for entry in named]
    kept = [
        entry
        for entry, where in zip(named, department, strict=True)
        if all(part in (plain_name(where.get("nom", "")), plain_name(where.get("code", ""))) for part in inside)
    ]
    return [_commune(entry, source, asked) for entry in kept]


def _commune(entry: Any, source: Source, asked: str) -> Area:
    with as_expected(source, asked):
        outline = _outline(entry["contour"])
        where = (entry.get("departement") or {}).get("nom", "")
        name = ", ".join(part for part in (entry["nom"], where, "France") if part)
        return Area(name, outline, country="FR", code=str(entry["code"]), population=_count(entry.get("population")))


# ---- anywhere ----


def _anywhere(parts: list[str], source: Source, downloads: Downloads) -> list[Area]:
    """Return the places with an outline; those of exactly the name, if there are any."""
    entries = read_records(source, downloads, url(source, "search", text=", ".join(parts)))
    exact = [entry for entry in entries if plain_name(_name(entry)) == plain_name(parts[0])]
    areas: list[Area] = []
    for entry in exact or entries:
        try:
            area = _place(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # a point: a shop, a stop, a village without an outline
        if not any(_same(area, other) for other in areas):
            areas.append(area)
    if entries and not areas:
        raise FetchError(
            f"{source.name}: knows '{', '.join(parts)}' as a point without an outline; give --bbox "
            "west,south,east,north or --area outline.geojson"
        )
    return areas


def _place(entry: Mapping[str, Any]) -> Area:
    outline = _outline(entry["geojson"])
    tags, address = entry.get("extratags") or {}, entry.get("address") or {}
    code = str(tags.get("ref:INSEE", ""))
    return Area(
        str(entry["display_name"]),
        outline,
        country=str(address.get("country_code", "")).upper(),
        code=code if CODE.fullmatch(code) else "",  # departments and regions have one as well
        population=_count(tags.get("population")),
    )


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or str(entry.get("display_name", "")).partition(",")[0])


def _same(one: Area, other: Area) -> bool:
    """Tell whether two are one place, such as a city that is a county as well."""
    union = one.geometry.union(other.geometry).area
    return bool(union and one.geometry.intersection(other.geometry).area / union > SAME)


def _outline(geojson: Any) -> Polygon | MultiPolygon:
    shape: Any = shapely.make_valid(shapely.from_geojson(json.dumps(geojson)))
    shape = shapely.union_all(
        [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    )
    if shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise ValueError("an outline")
    outline: Polygon | MultiPolygon = shape
    return outline


def _count(value: Any) -> int | None:
    text = str(value).replace(" ", "").replace(",", "")
    return int(text) if text.isdigit() else None


def plain_name(text: str) -> str:
    """Write a name without what people leave out: capitals, accents, hyphens."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() else " " for char in bare).split()).casefold()
