"""The changes that a study names, made to what was read from its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from siteplan.config import Study, minutes_of
from siteplan.config import changes as asked
from siteplan.errors import StudyError
from siteplan.geo import metric_crs
from siteplan.inputs import edits
from siteplan.network import edits as network
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable

__all__ = ["edited_cells", "edited_sites", "edited_streets", "edited_timetable"]

HOMES = 50.0  # metres from the middle of new homes to the sides of their square, where no outline is given


def edited_streets(study: Study, streets: StreetNetwork) -> StreetNetwork:
    """Build, close and tag the streets that a study says; the same network where it says none.

    Raises
    ------
    StudyError
        Naming the change that cannot be made.
    """
    changes = [_street(change) for change in study.changes.streets]
    if not changes:
        return streets
    with _naming("changes.streets"):
        return network.edit_streets(streets, changes, elevation=study.inputs.elevation)


def edited_timetable(study: Study, timetable: Timetable, streets: StreetNetwork | None = None) -> Timetable:
    """Cut, shift and add the lines that a study says; on other streets, if some are given.

    Raises
    ------
    StudyError
        Naming the change that cannot be made.
    """
    changes = [_line(change) for change in study.changes.lines]
    if not changes and (streets is None or streets is timetable.streets):
        return timetable
    with _naming("changes.lines"):
        return network.edit_timetable(timetable, changes, streets=streets)


def edited_cells(study: Study, cells: gpd.GeoDataFrame, communes: pd.Series | None) -> gpd.GeoDataFrame:
    """Grow communes and house the newcomers that a study says; `communes` names the commune of each cell.

    Raises
    ------
    StudyError
        Naming the change that cannot be made.
    """
    points = bool((cells.geom_type == "Point").all())
    changes = [_people(change, points) for change in study.changes.people]
    if not changes:
        return cells
    with _naming("changes.people"):
        return edits.edit_people(cells, changes, communes=communes)[0]


def edited_sites(study: Study, sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Open, close, move and resize the sites that a study says.

    Raises
    ------
    StudyError
        Naming the change that cannot be made.
    """
    changes = [_site(change) for change in study.changes.sites]
    if not changes:
        return sites
    with _naming("changes.sites"):
        return edits.edit_sites(sites, changes)


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Say which key of the study a change stands under."""
    try:
        yield
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None


def _street(change: Any) -> network.StreetChange:
    match change:
        case asked.StreetAdded():
            line = shapely.LineString(change.add)
            return network.AddStreet(line, change.tags, 4326, change.snap_m, change.crossings, change.name)
        case asked.StreetClosed():
            return network.CloseStreet(**_which(change.close), mode=change.mode)
        case _:
            return network.TagStreet(change.tags, **_which(change.tag))


def _which(street: int | tuple[float, float]) -> dict[str, Any]:
    return {"way": street} if isinstance(street, int) else {"near": street}


def _line(change: Any) -> network.LineChange:
    match change:
        case asked.LineCut():
            return network.CutLine(change.cut)
        case asked.LineShifted():
            return network.ShiftLine(change.shift, change.minutes)
        case asked.LineEvery():
            return network.RunEvery(change.every, change.minutes, *minutes_of(change.hours))
        case asked.LineAdded():
            start, end = minutes_of(change.hours)
            return network.AddLine(change.add, change.stops, change.minutes, change.every, start, end, change.both_ways)
        case _:
            return network.MoveStop(change.move, *change.place)


def _people(change: Any, points: bool) -> edits.PeopleChange:
    """Return a change of people; new homes are drawn as the other cells are, as points or as areas."""
    if isinstance(change, asked.CommuneGrown):
        return edits.GrowPeople(change.grow, change.factor, change.plus)
    drawn = isinstance(change.place[0], tuple)
    place = gpd.GeoSeries([shapely.Polygon(change.place) if drawn else shapely.Point(change.place)], crs=4326)
    if drawn == points:
        metric = place.to_crs(metric_crs(place))
        place = metric.centroid if drawn else metric.buffer(HOMES, cap_style="square")
    return edits.NewHomes(change.build, change.people, place.iloc[0], change.groups, crs=place.crs)


def _site(change: Any) -> edits.SiteChange:
    match change:
        case asked.SiteOpened():
            return edits.OpenSite(change.open, change.place, 4326, change.name, change.capacity, change.cost)
        case asked.SiteClosed():
            return edits.CloseSite(change.close)
        case asked.SiteMoved():
            return edits.MoveSite(change.move, change.place)
        case _:
            return edits.ResizeSite(change.resize, change.capacity, change.cost)
