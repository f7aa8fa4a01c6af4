"""From a name to a study that runs: each kind of input from the best source that covers the place.

What one source cannot give is missing, and told with what to do by hand; the rest is fetched all the same. All files
appear at once at the end. What stands in the folder already and was changed since it was fetched is kept.
"""

import dataclasses
import importlib
import inspect
import json
import shutil
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import geopandas as gpd

from siteplan.analysis.commuting import read_factors
from siteplan.config import TRANSIT, Study, Travel
from siteplan.doors import door
from siteplan.errors import FetchError, InputError, StudyError, listed, warn
from siteplan.geo import LONLAT
from siteplan.output.files import digest, results_folder
from siteplan.sources.area import MARGIN, Area
from siteplan.sources.communes import COMMUNES, write_communes
from siteplan.sources.downloads import Downloads
from siteplan.sources.places import find_places, with_country
from siteplan.sources.source import Got, Kind, Source, Used, best_sources
from siteplan.sources.source import sources as sources_of
from siteplan.study.arrival import look_over
from siteplan.study.reading import read_study
from siteplan.study.template import init_study

__all__ = ["PARTS", "Fetched", "Planned", "fetch", "fetch_study", "plan"]

SOURCES_FILE = "sources.json"
STUDY_FILE = "study.yaml"


@dataclass(frozen=True)
class Part:
    """One kind of input: its name for `--only`, its kind of source, the function that gets it, the same by hand."""

    name: str
    kind: str
    module: str
    function: str
    by_hand: str

    def getter(self) -> Callable[..., Got]:
        """Return the function."""
        found: Callable[..., Got] = getattr(importlib.import_module(f"siteplan.sources.{self.module}"), self.function)
        return found


PARTS = (
    Part("communes", "communes", "communes", "get_communes", "polygons with names as communes.gpkg (area.communes)"),
    Part("streets", "extract", "extracts", "get_extract", "an OpenStreetMap extract (.osm.pbf) as inputs.streets"),
    Part("sites", "extract", "extracts", "get_candidates", "a table of sites (name, lon, lat, status) as inputs.sites"),
    Part("population", "population", "population", "get_population", "a grid or table of people as inputs.population"),
    Part("transit", "timetables", "timetables", "get_timetables", "a GTFS feed and a date as inputs.transit"),
    Part("terrain", "terrain", "terrain", "get_terrain", "a terrain model (.tif) as inputs.elevation"),
    Part("flows", "flows", "flows", "get_flows", "a table of commuters as commuting.flows"),
    Part("workplaces", "workplaces", "workplaces", "get_workplaces", "coworking places as rows of inputs.sites"),
    Part("broadband", "broadband", "broadband", "get_broadband", "a column of inputs.sites"),
)
ALSO = types.MappingProxyType({"extract": "streets", "timetables": "transit", "elevation": "terrain"})
# How modules call the keys of a study, and the study itself.
KEYS = types.MappingProxyType(
    {"communes": "area.communes", "area.communes": "area.communes", "feeds": "inputs.transit.feeds"}
)


# The input of the study that a part is, or adds to.
INPUTS = types.MappingProxyType({"terrain": "elevation", "workplaces": "sites", "broadband": "sites"})
# What a part takes that another made before it, of the same fetch or of an earlier one.
MADE = types.MappingProxyType({"communes": COMMUNES, "streets": "streets.osm.pbf", "sites": "sites.csv"})
FILLED = ("streets", "population", "sites", "transit", "elevation")
TABLES = (("inputs", "population"), ("inputs", "sites"), ("area", "communes"))


@dataclass(frozen=True)
class Planned:
    """What would be fetched: a part, from where (and its licence), and how large (bytes; None where not known)."""

    part: str
    source: Source
    files: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Fetched:
    """What was fetched: the study, what each part gave, what is missing and why, what is odd and what holds."""

    area: Area
    study: Study
    path: Path
    got: Mapping[str, Got]
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    held: Sequence[str] = ()

    @property
    def used(self) -> list[Used]:
        """Every file that was taken, once."""
        return list({(each.source, each.url): each for got in self.got.values() for each in got.used}.values())


@dataclass(frozen=True)
class Wishes:
    """How to fetch.

    Attributes
    ----------
    only
        Names of parts; empty = all.
    source
        By kind, the name of the source to take it from.
    files
        Further files of sources.
    margin
        Metres around the area.
    year
        Of the data, where a source has several.
    """

    only: Sequence[str] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Path] = ()
    margin: float = MARGIN
    year: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant before anything is asked for.

        Raises
        ------
        StudyError
            An unknown part, kind of source or source.
        """
        self.parts()
        kinds = {part.name: part.kind for part in PARTS} | {kind: kind for kind in get_args(Kind)}
        for kind, name in self.source.items():
            if kind not in kinds:
                raise StudyError(
                    f"--source: found '{kind}={name}'; expected any of {listed(sorted(kinds), 20)} before ="
                )
            best_sources(kinds[kind], "", name, self.files)

    def parts(self) -> list[Part]:
        """Return the parts that are asked for."""
        wanted = {ALSO.get(name, name) for name in self.only}
        known = {part.name for part in PARTS}
        if unknown := sorted(wanted - known):
            raise StudyError(f"--only: found {listed(unknown)}; expected any of {listed(part.name for part in PARTS)}")
        return [part for part in PARTS if not wanted or part.name in wanted]

    def sources_of(self, part: Part, area: Area) -> list[Source]:
        """Return the sources of a part that cover the area, the best first."""
        named = self.source.get(part.kind) or self.source.get(part.name) or ""
        return best_sources(part.kind, area.country, named, self.files)


@door()
def fetch(
    place: str | Area,
    folder: str | Path,
    *,
    only: Sequence[str] = (),
    source: Mapping[str, str] = types.MappingProxyType({}),
    sources: Sequence[Path] = (),
    margin: float = MARGIN,
    year: int | None = None,
    downloads: Downloads | None = None,
) -> Study:
    """Fetch everything that a study of a place needs into a folder, and return the study.

    Parameters
    ----------
    place
        A name, with what it lies in after commas ("Moulins, Allier, France"), or an area of your own.
    folder
        Where the files and `study.yaml` are written; all of them appear at the end, at once.
    only
        Which parts: communes, streets, sites, population, transit, terrain, flows, workplaces, broadband. All if empty.
    source
        The source to take by kind, such as {"population": "worldpop"}; the best that covers the place otherwise.
    sources
        Files of sources of your own.
    margin
        Metres around the place that streets, people and timetables are taken of.
    year
        Of the data, where a source has several years.
    downloads
        The cache and how to load; by default the user's own.

    Returns
    -------
    Study
        As `read_study` reads it from `study.yaml`; `run` takes it.

    Raises
    ------
    FetchError
        The place is not found, or nothing could be fetched.
    StudyError
        Several places have the name (they are listed); an option that is wrong; the folder cannot be written.

    Warns
    -----
    SiteplanWarning
        For each part that is missing, and what to do by hand.

    Examples
    --------
    >>> study = sp.fetch("Moulins, Allier, France", "moulins")  # doctest: +SKIP
    """
    loading = Downloads() if downloads is None else downloads
    wishes = Wishes(only, source, sources, margin, year)
    area = place if isinstance(place, Area) else one_place(find_places(place, loading, files=sources), place)
    fetched = fetch_study(area, Path(folder), loading, wishes)
    for name, why in fetched.missing.items():
        warn(f"{name} is missing: {why}")
    for note in fetched.notes:
        warn(note)
    return fetched.study


def one_place(found: Sequence[Area], text: str) -> Area:
    """Return the one place that was found.

    Raises
    ------
    FetchError
        None was found.
    StudyError
        Several were: which, and how each of them is told.
    """
    if not found:
        raise FetchError(
            f"'{text}': no place of this name was found; write it as it is written there, with what it lies in "
            "('Moulins, Allier, France'), or give an outline (--area) or four numbers (--bbox)"
        )
    if len(found) > 1:
        raise StudyError(f"'{text}': {len(found)} places have this name: {'; '.join(map(told_place, found))}")
    return found[0]


def told_place(area: Area, option: str = "", before: str = "") -> str:
    """Tell a place from others of its name: what it is, and what means it alone to a command, with its option.

    What stood before its name, such as "near ", stands there again.
    """
    people = "" if area.population is None else f", {area.population:,} people"
    west, south, east, north = area.bounds
    place = area.code or f"{west:.4f},{south:.4f},{east:.4f},{north:.4f}"
    flag = option or ("--insee" if area.code else "--bbox")
    typed = f'"{before}{place}"' if before else place
    return f"{area.name}{people} ({flag} {typed})"


def plan(area: Area, downloads: Downloads, wishes: Wishes) -> list[Planned]:
    """Say what would be fetched from where, without fetching it."""
    planned = []
    area = with_country(area, downloads, files=wishes.files)
    for part in wishes.parts():
        every = wishes.sources_of(part, area)
        if not every or part.name == "sites":
            continue
        planner = getattr(inspect.getmodule(part.getter()), f"plan_{part.kind}", None)
        source = every[0]
        files: list[tuple[str, int | None]] = [(next(iter(source.urls.values())).partition("{")[0], None)]
        if planner is not None:
            try:
                extras = _extras(planner, wishes, every)
                files = list(planner(area, source, downloads, **extras))
            except FetchError as error:
                files = [(str(error), None)]
        planned.append(Planned(part.name, source, tuple(files)))
    return planned


def fetch_study(area: Area, folder: Path, downloads: Downloads, wishes: Wishes) -> Fetched:
    """Fetch what is wished for into a folder, and tell of it.

    Raises
    ------
    FetchError
        Nothing could be fetched.
    StudyError
        The folder cannot be written.
    """
    got: dict[str, Got] = {}
    missing: dict[str, str] = {}
    notes: list[str] = []
    before = _told(folder)
    area = with_country(area, downloads, files=wishes.files)
    with results_folder(folder) as aside:
        lent = _lend(folder, aside, wishes)
        territory: Got | None = None
        for part in wishes.parts():
            _get(part, area, downloads, aside, wishes=wishes, got=got, missing=missing)
            if part.name == "communes" and part.name not in got:  # the parts after it may need one
                got[part.name] = territory = _territory(area, aside)
        if not any(each.inputs or each.settings for each in got.values() if each is not territory):
            raise FetchError(f"{area.name}: nothing could be fetched. {' '.join(missing.values())}")
        for name, as_it_was in lent.items():
            if digest(aside / name) == as_it_was:
                (aside / name).unlink()
        # What is told travels with the folder: no places of this machine in it.
        plain = {
            name: dataclasses.replace(each, notes=[_told_here(n, aside, downloads) for n in each.notes])
            for name, each in got.items()
        }
        got, missing = plain, {name: _told_here(why, aside, downloads) for name, why in missing.items()}
        notes += [note for each in got.values() for note in each.notes]
        flat = {**(before.get("keys", {}) if wishes.only else {}), **_keys(area, got)}
        flat |= _origins(got, wishes.files, before=before if wishes.only else {})
        files = {path.name: digest(path) for path in sorted(aside.iterdir()) if path.is_file()}
        kept = _kept(folder, aside, files, before)
        init_study(aside, _nested(flat))
        own = {STUDY_FILE: digest(aside / STUDY_FILE)}
        kept += _kept(folder, aside, own, before)
        notes += kept
        written = {**before.get("files", {}), **files, **own}
        told = _sources(area, got, missing, before=before if wishes.only else {})
        told |= {"files": dict(sorted(written.items())), "keys": flat}
        if not wishes.only and not kept:
            read_study(aside / STUDY_FILE, needs=())  # nothing appears that cannot be read
        text = json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (aside / SOURCES_FILE).write_text(text, encoding="utf-8")
    study = read_study(folder / STUDY_FILE, needs=())
    held, odd = look_over(study, area, wishes.margin)
    return Fetched(area, study, folder / STUDY_FILE, got, missing=missing, notes=(*notes, *odd), held=tuple(held))


def _told_here(text: str, aside: Path, downloads: Downloads) -> str:
    """Write a text without the places where files are written aside and kept."""
    return text.replace(f"{aside}/", "").replace(f"the cache {downloads.folder}", "the cache")


def _get(
    part: Part,
    area: Area,
    downloads: Downloads,
    folder: Path,
    *,
    wishes: Wishes,
    got: dict[str, Got],
    missing: dict[str, str],
) -> None:
    """Get one part from the first source that gives it; what failed leaves no file behind."""
    every = wishes.sources_of(part, area)
    country = area.country or "a country that is not known"
    failed = [] if every else [f"no source of it covers {country}"]
    progress = downloads.progress
    for number, source in enumerate(every):
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        if progress is not None:
            progress(f"{part.name}: {source.title}", 0, 0)
        try:
            getter = part.getter()
            got[part.name] = getter(area, source, downloads, folder, **_extras(getter, wishes, every[number:]))
        except (FetchError, InputError) as error:
            failed.append(str(error))
            for path in folder.iterdir():
                if path.is_file() and path.name not in before:
                    path.unlink()
            continue
        if failed:
            told = got[part.name]
            notes = [f"{part.name}: from {source.title}, as better sources failed: {' '.join(failed)}", *told.notes]
            got[part.name] = dataclasses.replace(told, notes=notes)
        return
    missing[part.name] = f"{'; '.join(failed)}. By hand: {part.by_hand}."


def _extras(function: Callable[..., Any], wishes: Wishes, every: Sequence[Source]) -> dict[str, Any]:
    """Give a function those of the wishes that it takes."""
    detour = read_factors()["detour"].value
    offered = {"margin": wishes.margin, "year": wishes.year, "also": list(every[1:]), "detour": detour}
    taken = inspect.signature(function).parameters
    return {name: value for name, value in offered.items() if name in taken and value is not None}


def _lend(folder: Path, aside: Path, wishes: Wishes) -> dict[str, str]:
    """Put what an earlier fetch made where parts that are asked for alone look for it; returns names and digests."""
    asked = {part.name for part in wishes.parts()}
    names = [name for part, name in MADE.items() if wishes.only and part not in asked and (folder / name).is_file()]
    for name in names:
        shutil.copyfile(folder / name, aside / name)
    return {name: digest(aside / name) for name in names}


def _territory(area: Area, folder: Path) -> Got:
    """Write the area itself as the one territory to report by, where there are no communes."""
    table = gpd.GeoDataFrame({"code": [area.code or "1"], "name": [area.name]}, geometry=[area.geometry], crs=LONLAT)
    write_communes(table, folder / COMMUNES)
    return Got(inputs={"communes": COMMUNES})


def _keys(area: Area, got: Mapping[str, Got]) -> dict[str, Any]:
    """Return the keys of the study, dotted, that what was got fills."""
    flat: dict[str, Any] = {"name": area.name}
    for part in got.values():
        for key, value in part.inputs.items():
            flat[KEYS.get(key, f"inputs.{key}")] = value
    for part in got.values():
        flat |= part.settings
    if "inputs.transit.feeds" in flat:
        flat["travel.modes"] = [*Travel.model_fields["modes"].default, TRANSIT.name]
    else:  # a date alone is no timetable
        flat.pop("inputs.transit.date", None)
    return flat


def _origins(got: Mapping[str, Got], files: Sequence[Path], *, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return, by input, what must be said of where it is from; of several files and parts each thing once."""
    titles = {source.name: source.title for source in sources_of(None, *files)}
    used = {name: [Used(**each) for each in told] for name, told in before.get("parts", {}).items()}
    used |= {name: part.used for name, part in got.items()}
    origins: dict[str, Any] = {}
    for asked in dict.fromkeys(INPUTS.get(name, name) for name in used):
        parts = [each for name, told in used.items() if INPUTS.get(name, name) == asked for each in told]
        said = {
            "source": [titles.get(each.source, each.source) for each in parts],
            "licence": [each.licence for each in parts],
            "attribution": [each.attribution for each in parts],
            "vintage": [each.vintage for each in parts],
        }
        plain = {key: "; ".join(dict.fromkeys(filter(None, values))) for key, values in said.items()}
        if parts:
            origins[f"sources.{asked}"] = {key: text for key, text in plain.items() if text}
    return origins


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Nest keys as in the study file; inputs that nothing fills are left empty, not filled with examples."""
    keys: dict[str, Any] = {"inputs": dict.fromkeys(FILLED)}
    for key, value in flat.items():
        *sections, last = key.split(".")
        place = keys
        for section in sections:
            inner = place.get(section)
            place[section] = {"file": inner} if isinstance(inner, str) else dict(inner or {})
            place = place[section]
        place[last] = {**place[last], "file": value} if isinstance(place.get(last), dict) else value
    for section, key in TABLES:
        value = keys.get(section, {}).get(key)
        if isinstance(value, str):
            keys[section][key] = {"file": value}
    return keys


def _told(folder: Path) -> dict[str, Any]:
    """Return what an earlier fetch told of the folder."""
    try:
        told = json.loads((folder / SOURCES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and isinstance(told.get("files", {}), dict) else {}


def _kept(folder: Path, aside: Path, files: dict[str, str], before: Mapping[str, Any]) -> list[str]:
    """Leave alone what stands in the folder and is not as it was fetched."""
    notes = []
    for name in list(files):
        there = folder / name
        if there.is_file() and digest(there) not in (before.get("files", {}).get(name), files[name]):
            (aside / name).unlink()
            del files[name]
            notes.append(f"{there} was changed since it was fetched, and is kept; move it away to fetch it anew")
    return notes


def _sources(
    area: Area, got: Mapping[str, Got], missing: Mapping[str, str], *, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Tell where the files are from; without a time of day, so that the same data give the same bytes."""
    parts = {name: [dataclasses.asdict(each) for each in part.used] for name, part in got.items()}
    return {
        "area": {"name": area.name, "country": area.country, "code": area.code, "population": area.population},
        "bounds": [round(value, 6) for value in area.bounds],
        "missing": {**{name: why for name, why in before.get("missing", {}).items() if name not in got}, **missing},
        "notes": [note for part in got.values() for note in part.notes],
        "parts": {**before.get("parts", {}), **parts},
    }
