"""What a study names, read and checked: streets, people, sites and territories that fit together."""

import hashlib
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.analysis.equity import cell_territories
from siteplan.catalogue import BEST, LAYERS, PEOPLE, Measure, uptake_column
from siteplan.config import Rides, Study, seconds_of
from siteplan.errors import InputError, listed, reads, warn
from siteplan.formats import is_graph
from siteplan.geo import box_area, lonlat_bounds, metric_crs
from siteplan.inputs.area import read_area, shortfall, study_area
from siteplan.inputs.basemap import BACKGROUND, Background
from siteplan.inputs.conditions import MORNING
from siteplan.inputs.extract import Layer, read_layers
from siteplan.inputs.osm import streets_layer
from siteplan.inputs.population import read_population
from siteplan.inputs.sites import read_sites
from siteplan.inputs.times import made_points
from siteplan.memory import give_back, reused
from siteplan.network.graph import stuck
from siteplan.network.kept import linked, placed
from siteplan.network.people import place_people
from siteplan.network.snapping import HARD_LIMIT, LIMIT, distances
from siteplan.network.streets import StreetNetwork, build_streets, read_streets, with_terrain
from siteplan.network.transit import Timetable, read_transit
from siteplan.study.editing import edited_cells, edited_sites, edited_streets, edited_timetable

__all__ = [
    "Inputs",
    "StudyData",
    "asked_file",
    "check_streets",
    "commune_names",
    "linked_by_mode",
    "load",
    "load_cells",
    "load_communes",
    "load_ground",
    "load_inputs",
    "load_sites",
    "load_streets",
    "load_timetable",
    "moment",
    "points_mark",
    "points_of",
    "read_original",
    "refuse_in_water",
    "same_place",
    "settled",
    "stuck_by_mode",
    "used_sites",
]

T = TypeVar("T")
ON_WATER = 15.0  # metres from a street within which a site may be in water
RIDE_KMH = 100.0  # as fast as a regional train with its stops, in a straight line
LARGE_FILE = 2**26  # bytes of an extract, as the streets of a country have: of smaller ones it would cost memory
REMEDY = "correct the place, or its status to excluded"  # of a site that nobody can come to
ENOUGH = 0.99  # of the area that the limits need: streets rarely fill their own rectangle to the last metre


@dataclass(frozen=True)
class StudyData:
    """All that a study stands on: `streets` is None when times were given without them.

    `original` are the streets as they were read, before the changes of the study: on them people are placed, for nobody
    moves because a street is built or closed. `timetable` is None where nobody rides; `linked` says per mode which
    points have a street that the mode may use.
    """

    original: StreetNetwork | None
    streets: StreetNetwork | None
    timetable: Timetable | None
    cells: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    linked: dict[str, pd.Series]
    all_sites: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame | None
    basemap: Background
    frame: gpd.GeoSeries | None = None
    """How far streets and what lies around them are drawn; None: all of them."""

    @cached_property
    def sites(self) -> gpd.GeoDataFrame:
        """The sites to analyse: all but the excluded."""
        return used_sites(self.all_sites)

    @cached_property
    def cell_communes(self) -> pd.Series | None:
        """The name of the commune of each cell, `outside` beyond them all; None without communes."""
        return None if self.communes is None else commune_names(self.cells, self.communes)


@dataclass(frozen=True)
class Inputs:
    """What a study's files hold, before people and sites are put on the streets.

    Streets as the study changes them, and timetables on them, are there only where several territories share them.
    """

    sites: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame | None
    cells: gpd.GeoDataFrame
    original: StreetNetwork | None
    basemap: Background
    streets: StreetNetwork | None = None
    timetable: Timetable | None = None


def load(study: Study, *, places: bool = True, around: Layer[Background] = BACKGROUND) -> StudyData:
    """Read all inputs of a study, make its changes, and check that all are of the same place.

    Parameters
    ----------
    study
        What is read.
    places
        Whether the sites must have coordinates.
    around
        What of the surroundings of the streets is wanted: `BACKGROUND`, or `WATERS` alone where nothing is drawn.

    Raises
    ------
    InputError
        A file that cannot be used; sites, people and streets that lie apart; a site far from any street.
    StudyError
        A change that cannot be made.
    """
    return settled(study, load_inputs(study, places=places, around=around))


def load_inputs(study: Study, *, places: bool = True, around: Layer[Background] = BACKGROUND) -> Inputs:
    """Read the files of a study, as `load` does."""
    sites = load_sites(study, places=places)
    communes = load_communes(study)
    cells = load_cells(study, used_sites(sites), communes)
    original, basemap = load_ground(study, around)
    return Inputs(sites, communes, cells, original, basemap)


def settled(study: Study, inputs: Inputs) -> StudyData:
    """Put sites and people on the streets, and check that all are of the same place, as `load` does."""
    sites, communes, cells, original = inputs.sites, inputs.communes, inputs.cells, inputs.original
    streets, basemap = inputs.streets, inputs.basemap
    if streets is None and original is not None:
        streets = load_streets(study, sites, original)
    elif streets is not None:
        check_streets(study, streets, sites)
    if streets is not None:
        same_place(streets, cells, f"{asked_file(study, 'population')}: its cells")
    # A travel-time table of the user's own speaks of cells, whatever streets there are to draw isochrones on; one that
    # siteplan wrote, of the points that it made.
    searched = streets if study.inputs.times is None else None
    points = (
        _points_of_times(study, cells, streets) if searched is None else points_of(cells, original, study.travel.link_m)
    )
    linked = {} if searched is None else linked_by_mode(study, searched, points)
    if streets is not None:
        refuse_in_water(study, streets, sites, basemap)
    timetable = inputs.timetable
    if timetable is None and streets is not None:
        timetable = load_timetable(study, streets)
    give_back()
    return StudyData(original, streets, timetable, cells, points, linked, sites, communes, basemap)


def load_sites(study: Study, *, places: bool = True) -> gpd.GeoDataFrame:
    """Read the sites; one at least must be there to be analysed. Without `places` they need no coordinates."""
    asked = study.inputs.sites
    if asked is None:
        raise InputError("inputs.sites: missing; expected a file of sites")
    sites = read_sites(asked.file, layer=asked.layer, crs=asked.crs, places=places)
    results = [name for name in map(str, sites) if _is_result(study, name)]
    if results:
        text = (
            f"{asked.file}: {listed(results)}: called like results of siteplan, which take their place; rename what "
            "shall be kept beside them"
        )
        warn(text)
    sites = in_order(edited_sites(study, sites.drop(columns=results)))
    if used_sites(sites).empty:
        raise InputError(f"{asked.file}: all {len(sites)} sites are excluded; expected one at least that is not")
    return sites


def in_order(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return rows by their names, numbers within these by size: how a file is sorted is not seen in any result."""
    names = table.index
    if not pd.api.types.is_numeric_dtype(names):
        # Beside the name itself, of which "1" and "01" are two.
        names = pd.MultiIndex.from_arrays(
            [names.astype(str).str.replace(r"\d+", _padded, regex=True), names.astype(str)]
        )
    return table if names.is_monotonic_increasing else table.iloc[names.argsort(kind="stable")]


def _padded(number: re.Match[str]) -> str:
    return number[0].lstrip("0").zfill(20)


def _is_result(study: Study, name: str) -> bool:
    """Tell whether a column of the user's sites is called like one that the study adds, or like it but for case."""
    columns = LAYERS["sites"].columns
    own = next(at for at, column in enumerate(columns) if column.kind == "own")
    known = [column for column in columns[own + 1 :] if column.unit != "shape"]
    uptakes = () if study.demand is None else study.demand.uptake
    measure = Measure.read(name.lower())
    if measure is None or measure.kind not in {column.kind for column in known}:
        return name.lower() in {*(column.name for column in known), *map(uptake_column, uptakes)}
    modes = (*study.travel.modes, BEST) if study.inputs.times is None else (measure.mode,)
    return (
        measure.group in (PEOPLE, *map(str.lower, study.groups))
        and measure.mode in map(str.lower, modes)
        and measure.minutes in (None, *study.travel.limits)
    )


def load_communes(study: Study) -> gpd.GeoDataFrame | None:
    """Read the territories, if the study names any."""
    asked = study.area.communes
    if asked is None:
        return None
    return in_order(read_area(asked.file, name=study.area.name, layer=asked.layer, crs=asked.crs))


def read_original(study: Study) -> StreetNetwork:
    """Read the streets as they are in the file, at the study's moment."""
    return read_streets(study.inputs.streets, elevation=study.inputs.elevation, when=moment(study))


def load_ground(study: Study, around: Layer[Background]) -> tuple[StreetNetwork | None, Background]:
    """Read the streets as they are and what lies around them, where their file has it, in one go through the file."""
    file = study.inputs.streets
    if file is None or is_graph(file):
        return None if file is None else read_original(study), {}
    return _ground(file, study, around)


@reads("streets")
def _ground(file: Path, study: Study, around: Layer[Background]) -> tuple[StreetNetwork, Background]:
    changed = any(each.streets for each in (study.changes, *study.variants().values()))
    with reused(file.stat().st_size > LARGE_FILE):
        found = read_layers(file, streets_layer(moment(study)), around)
        basemap = found.pop()
        kept = found[:1] if changed else []  # else nobody asks for the ways again, of which a large place has many
        streets = with_terrain(build_streets(found.pop()), study.inputs.elevation)
    if changed:
        streets.remember("ways", kept.pop)
    return streets, basemap


def moment(study: Study) -> datetime:
    """Return when people travel: on the timetables' day, in the middle of the first window; else a Tuesday morning."""
    if study.inputs.transit is None:
        return MORNING
    windows = [seconds_of(mode.window) for mode in study.rides]
    day = datetime.fromisoformat(study.inputs.transit.date)
    return day + (timedelta(seconds=sum(windows[0]) / 2) if windows else MORNING - datetime.combine(MORNING, time()))


def load_streets(study: Study, sites: gpd.GeoDataFrame, original: StreetNetwork | None = None) -> StreetNetwork:
    """Read the streets, if they are not read yet, make the study's changes, and check the result.

    The streets must be where the sites are and reach as far as the limits carry.
    """
    streets = edited_streets(study, read_original(study) if original is None else original)
    check_streets(study, streets, sites)
    return streets


def check_streets(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame) -> None:
    """Refuse streets that are not where the sites are; say where they do not reach as far as the limits carry."""
    used = used_sites(sites)
    same_place(streets, used, f"{asked_file(study, 'sites')}: its sites")
    _check_links(study, streets, used)
    _say_shortfall(study, streets, used)


def load_timetable(study: Study, streets: StreetNetwork) -> Timetable | None:
    """Read the timetables and put them on the streets, if the study asks for rides."""
    asked = study.inputs.transit
    if asked is None or not study.rides:
        return None
    return edited_timetable(study, read_transit(asked.feeds, streets, date=asked.date, minutes=study.ride_minutes))


def refuse_in_water(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame, basemap: Background) -> None:
    """Refuse sites that stand in water, as far as the extract knows of any."""
    if "water" not in basemap:
        return
    water = basemap["water"].to_crs(streets.crs)
    wet = used_sites(sites)[["geometry"]].to_crs(streets.crs).sjoin(water, predicate="within")
    wet = wet[~wet.index.duplicated()]
    if len(wet):
        # Bridges, quays and pontoons are streets in or beside the water, where a site may well be.
        wet = wet[distances(streets, wet) > ON_WATER]
    if len(wet):
        where = f"in water, more than {ON_WATER:.0f} m from any street"
        told = _sites_lie(where, [f"'{site}' ({name or 'no name'})" for site, name in wet["name"].items()])
        raise InputError(f"{asked_file(study, 'sites')}: {told}; {REMEDY}")


def used_sites(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out the excluded sites."""
    return sites[sites["status"] != "excluded"]


def points_of(cells: gpd.GeoDataFrame, streets: StreetNetwork | None, link_m: float = LIMIT) -> gpd.GeoDataFrame:
    """Place people on the streets; without streets, each cell is a point of its own, named as the cell is."""
    if streets is not None:
        return place_people(cells, streets, link_m=link_m)
    points = cells.to_crs(metric_crs(cells))
    points = points.set_geometry(points.geometry.centroid)
    points.insert(0, "cell", points.index)
    points["status"] = np.where(points["people"].isna(), "missing", "placed")
    return points.rename_axis("point")


def points_mark(points: gpd.GeoDataFrame) -> str:
    """Return what is the same for the same points only."""
    cells = "\n".join(map(str, points["cell"]))
    return hashlib.sha256(cells.encode() + b"".join(shapely.to_wkb(points.geometry.to_numpy()))).hexdigest()[:32]


def _points_of_times(study: Study, cells: gpd.GeoDataFrame, streets: StreetNetwork | None) -> gpd.GeoDataFrame:
    file = study.inputs.times
    mark = None if file is None else made_points(file)
    if mark is None:
        return points_of(cells, None)
    if streets is None:
        raise InputError(
            f"{file}: was written by siteplan, for points that it made from streets and people; give the same streets "
            "as well (inputs.streets, --streets)"
        )
    points = points_of(cells, streets, study.travel.link_m)
    if points_mark(points) != mark:
        raise InputError(
            f"{file}: was written by siteplan for other streets or people than {streets.source} and "
            f"{asked_file(study, 'population')}; give those it was computed with, or leave inputs.times out"
        )
    return points


def load_cells(study: Study, sites: gpd.GeoDataFrame | None, communes: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Read where people are, as far out as the study asks."""
    asked = study.inputs.population
    if asked is None:
        raise InputError("inputs.population: missing; expected a file that says where people are")
    options = asked.model_dump(exclude={"file"})
    around = {"all": None, "sites": sites, "communes": communes}[study.area.extent]
    within = None if around is None else needed_area(study, around)
    cells = in_order(read_population(asked.file, **options, within=within))
    if not study.changes.people:
        return cells
    return edited_cells(study, cells, None if communes is None else commune_names(cells, communes))


def commune_names(cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> pd.Series:
    """Return the name of the commune of each cell, `outside` beyond them all."""
    names = communes["name"].astype(str)
    twice = names.duplicated(keep=False)
    named = names.where(~twice, names + " (" + names.index.astype(str) + ")").to_dict()
    return cell_territories(cells, communes).map(lambda key: named.get(key, key)).astype(str)


def stuck_by_mode(
    study: Study, streets: StreetNetwork, places: gpd.GeoDataFrame, *, sites: bool
) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell, mode by mode, which homes or sites are linked to a street that one-way rules make useless.

    Nobody can leave it where trips start there, or come to it where they end there.
    """
    column = int(sites == (study.travel.direction == "to"))
    found = {}
    for mode in study.profiles():
        profile, link_m = (mode.at_site, HARD_LIMIT) if sites else (mode.at_home, study.travel.link_m)
        edge = linked(streets, places, profile, link_m)["edge"].to_numpy()
        found[mode.name] = (edge >= 0) & stuck(streets, profile)[edge, column]
    return found


def linked_by_mode(study: Study, streets: StreetNetwork, points: gpd.GeoDataFrame) -> dict[str, pd.Series]:
    """Link points by every mode, and say how many people have no street."""
    found = {mode.name: placed(streets, points, mode.at_home, study.travel.link_m) for mode in study.profiles()}
    people = points["people"].fillna(0.0)
    total = float(people.sum())
    for lost, modes in _alike({mode: float(people[~met].sum()) for mode, met in found.items()}):
        if lost > 0:
            text = (
                f"{asked_file(study, 'population')}: {lost:,.0f} of {total:,.0f} people ({lost / total:.2%}) live more "
                f"than {study.travel.link_m:.0f} m from any street for {modes}, or on a street island: out of reach"
            )
            warn(text)
    return found


def _alike(found: Mapping[str, T]) -> list[tuple[T, str]]:
    """Return what was found by mode, each once, with its modes as they are spoken of."""
    return [(one, " or ".join(mode for mode in found if found[mode] == one)) for one in dict.fromkeys(found.values())]


def needed_area(study: Study, places: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Draw the area whose people may reach the places within the limits, by the mode that carries farthest."""
    ends = [
        (RIDE_KMH if isinstance(mode, Rides) else mode.speed_kmh, study.ground_minutes_of(mode.name))
        for mode in study.profiles()
    ]
    fastest, minutes = max(ends, key=lambda end: end[0] * end[1])
    return study_area(places, minutes=minutes, speed_kmh=fastest)


def same_place(streets: StreetNetwork, places: gpd.GeoDataFrame, what: str) -> None:
    """Refuse streets of another place, showing both boxes."""
    around = shapely.buffer(shapely.box(*streets.bounds), HARD_LIMIT)
    if shapely.intersects(places.geometry.to_crs(streets.crs).to_numpy(), around).any():
        return
    hint = _swapped(streets, places) if (places.geom_type == "Point").all() else ""
    streets_box = lonlat_bounds(box_area(streets.bounds, streets.crs), streets.source)
    raise InputError(
        f"{streets.source}: its streets lie in {_spoken(streets_box)}, but {what} lie in "
        f"{_spoken(lonlat_bounds(places, what))}{hint}; expected an extract of the same place"
    )


def _spoken(box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    return f"lon {west:.3f} to {east:.3f}, lat {south:.3f} to {north:.3f}"


def _check_links(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame) -> None:
    """Refuse sites beyond the hard limit from any street, and name those that are merely far from one."""
    file = asked_file(study, "sites")
    found = {mode.name: linked(streets, sites, mode.at_site, HARD_LIMIT) for mode in study.profiles()}
    lost = _alike({m: tuple(sites.index[(links["status"] != "placed").to_numpy()]) for m, links in found.items()})
    if told := [_too_far(streets, sites.loc[list(ids)], modes) for ids, modes in lost if ids]:
        raise InputError(f"{file}: {'; '.join(told)}; {REMEDY}")
    far = {mode: links["access_m"][links["access_m"] > LIMIT] for mode, links in found.items()}
    for metres, modes in _alike({mode: tuple(lengths.items()) for mode, lengths in far.items()}):
        if metres:
            warn(f"{file}: {_far(metres, LIMIT, modes)}; the way to the street is counted at walking speed")


def _too_far(streets: StreetNetwork, lost: gpd.GeoDataFrame, modes: str) -> str:
    return _far(zip(lost.index, distances(streets, lost), strict=True), HARD_LIMIT, modes) + _swapped(streets, lost)


def _far(metres: Iterable[tuple[Hashable, float]], limit: float, modes: str) -> str:
    named = [f"'{site}' ({length:,.0f} m)" for site, length in metres]
    return _sites_lie(f"more than {limit:,.0f} m from any street for {modes}", named)


def _sites_lie(where: str, named: list[str]) -> str:
    sites = "1 site lies" if len(named) == 1 else f"{len(named):,} sites lie"
    return f"{sites} {where}: {', '.join(named[:5])}{' ...' if len(named) > 5 else ''}"


def _swapped(streets: StreetNetwork, sites: gpd.GeoDataFrame) -> str:
    """Say so if the sites were where the streets are, were lon and lat the other way about."""
    turned = sites.to_crs(4326).geometry
    turned = gpd.GeoSeries(gpd.points_from_xy(turned.y, turned.x), crs=4326)
    turned = turned[turned.x.abs().le(180) & turned.y.abs().le(90)]
    around = box_area(streets.bounds, streets.crs).buffer(HARD_LIMIT).iloc[0]
    if len(turned) and turned.to_crs(streets.crs).within(around).any():
        return " (lon and lat look swapped)"
    return ""


def _say_shortfall(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame) -> None:
    """Say when the streets end before the limits do: sites at the border are then understated."""
    # Where buses go that the streets do not is said of their stops.
    ends = [(profile.at_home, study.ground_minutes_of(profile.name)) for profile in study.profiles()]
    fastest, minutes = max(ends, key=lambda end: end[0].speed_kmh * end[1])
    needed = study_area(sites, minutes=minutes, speed_kmh=fastest.speed_kmh)
    missing = shortfall(needed, box_area(streets.bounds, streets.crs))
    if missing <= 1 - ENOUGH:
        return
    kilometres = minutes * fastest.speed_kmh / 60
    limit = minutes if study.travel.unit == "minutes" else minutes * 60
    text = (
        f"{asked_file(study, 'streets')}: its streets cover {1 - missing:.0%} of the {kilometres:.1f} km around the "
        f"sites that {limit:g} {study.travel.unit} by {fastest.name} need; sites near its border are understated"
    )
    warn(text)


def asked_file(study: Study, name: str) -> str:
    """Return the file that a study names for an input."""
    asked = getattr(study.inputs, name)
    return str(getattr(asked, "file", asked))
