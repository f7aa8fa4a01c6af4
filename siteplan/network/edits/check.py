"""All changes of a scenario looked at together, before anything is computed."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.errors import StudyError
from siteplan.inputs.edits import PeopleChange, SiteChange, check_people, check_sites
from siteplan.inputs.osm import RawWays
from siteplan.network.edits.lines import LineChange, check_lines
from siteplan.network.edits.streets import StreetChange, check_streets
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable

__all__ = ["check_changes"]


def check_changes(
    *,
    streets: Sequence[StreetChange] = (),
    lines: Sequence[LineChange] = (),
    people: Sequence[PeopleChange] = (),
    sites: Sequence[SiteChange] = (),
    network: StreetNetwork | None = None,
    ways: RawWays | None = None,
    timetable: Timetable | None = None,
    cells: gpd.GeoDataFrame | None = None,
    communes: pd.Series | None = None,
    site_table: gpd.GeoDataFrame | None = None,
) -> None:
    """Refuse a scenario that names what is not there or contradicts itself: one error, and nothing is computed.

    Parameters
    ----------
    streets, lines, people, sites
        The changes of each kind, in order.
    network, ways, timetable, cells, communes, site_table
        What they are to be made to; `ways` and `communes` as for `edit_streets` and `edit_people`.

    Raises
    ------
    StudyError
        Naming the kind of change and its number; also where changes concern what the study does not have.
    """
    for kind, changes, given, what in (
        ("streets", streets, network, "streets"),
        ("lines", lines, timetable, "timetables"),
        ("people", people, cells, "population"),
        ("sites", sites, site_table, "sites"),
    ):
        asked: Sequence[Any] = changes
        if asked and given is None:
            raise StudyError(f"{kind}: {len(asked)} changes, but the study has no {what}; name their file in inputs")
    if site_table is not None:
        check_sites(site_table, sites)
    if cells is not None:
        check_people(cells, people, communes=communes)
    if timetable is not None:
        check_lines(timetable.feed, lines)
    if network is not None and streets:
        check_streets(network, streets, ways=ways)
