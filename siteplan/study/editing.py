"""The changes that a study names, made to what was read from its files."""

from collections.abc import Iterator
from contextlib import contextmanager

import geopandas as gpd
import pandas as pd

from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.inputs.edits import edit_people, edit_sites
from siteplan.network.edits import edit_streets, edit_timetable
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable

__all__ = ["edited_cells", "edited_sites", "edited_streets", "edited_timetable"]


def edited_streets(study: Study, streets: StreetNetwork) -> StreetNetwork:
    """Build, close and tag the streets that a study says; the same network where it says none.

    Raises
    ------
    StudyError
        Naming the change that cannot be made, here and below.
    """
    with _naming("changes.streets"):
        changes = study.changes.streets
        return edit_streets(streets, changes, elevation=study.inputs.elevation) if changes else streets


def edited_timetable(study: Study, timetable: Timetable, streets: StreetNetwork | None = None) -> Timetable:
    """Cut, shift and add the lines that a study says; on other streets, if some are given."""
    changes = study.changes.lines
    if not changes and (streets is None or streets is timetable.streets):
        return timetable
    with _naming("changes.lines"):
        return edit_timetable(timetable, changes, streets=streets)


def edited_cells(study: Study, cells: gpd.GeoDataFrame, communes: pd.Series | None) -> gpd.GeoDataFrame:
    """Grow communes and house the newcomers that a study says; `communes` names the commune of each cell."""
    with _naming("changes.people"):
        return edit_people(cells, study.changes.people, communes=communes)[0] if study.changes.people else cells


def edited_sites(study: Study, sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Open, close, move and resize the sites that a study says."""
    with _naming("changes.sites"):
        return edit_sites(sites, study.changes.sites) if study.changes.sites else sites


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Say which key of the study a change stands under."""
    try:
        yield
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None
