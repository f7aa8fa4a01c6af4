"""Minutes after a change, made of those before it: only what the change can matter to is searched again."""

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Profile
from siteplan.errors import warn
from siteplan.inputs.edits import patched_times
from siteplan.network.edits.touched import touch
from siteplan.network.graph import mode_graph
from siteplan.network.snapping import as_profile, measured, positions
from siteplan.network.streets import StreetNetwork
from siteplan.routing import search
from siteplan.times import Direction

__all__ = ["changed_times"]


def changed_times(
    streets: StreetNetwork,
    edited: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    times: pd.DataFrame,
    mode: str | Profile = "walk",
    minutes: float = 20,
    direction: Direction = "to",
) -> tuple[pd.DataFrame, pd.Index]:
    """Return the minutes on edited streets, to the bit those of `travel_times`, and the sites that were searched.

    Parameters
    ----------
    streets, edited
        Before and after the change (`edit_streets`).
    sites, people, mode, minutes, direction
        As for `travel_times`; the same before and after.
    times
        What `travel_times` gave before.

    Returns
    -------
    DataFrame, Index
        The times of all sites, and those of the sites that were searched again.

    Raises
    ------
    StudyError, InputError, NetworkError
        As for `travel_times`.
    """
    profile, most = as_profile(mode), int(search.deciseconds([minutes])[0])
    measured([profile], "minutes")
    backwards = search.runs_backwards(direction)
    if edited is streets:
        return times, sites.index[:0]
    found = touch(streets, edited, sites, people, profile=profile, cutoff=most, backwards=backwards)
    for what, (before, after) in (("sites", found.site_links), ("points", found.point_links)):
        lost = (before["status"] == "placed") & (after["status"] != "placed")
        if lost.any():
            named = ", ".join(map(str, lost.index[lost][:5])) + (", ..." if lost.sum() > 5 else "")
            text = f"{int(lost.sum())} {what} have no street for {profile.name} after the change: {named}"
            warn(text)
    searched = sites.index[found.sites]
    graph = mode_graph(edited, profile, backwards=backwards)
    site_rows, ends = positions(found.site_links[1][found.sites], graph, profile)
    point_rows, points = positions(found.point_links[1], graph, profile)
    site, point, cost = search.times(search.prepare(graph, ends, points), most)
    fresh = pd.DataFrame(
        {
            "site": pd.Categorical.from_codes(site_rows[site], pd.Index(searched.astype(str))),
            "point": people.index.to_numpy()[point_rows[point]],
            "mode": pd.Categorical.from_codes(np.zeros(len(cost), int), pd.Index([profile.name])),
            "minutes": cost / search.MINUTE,
        }
    )
    return patched_times(times, fresh, searched, people.index), searched
