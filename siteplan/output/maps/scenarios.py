"""Scenarios for the page: what each reaches, and which sites open, close, move or are new in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from siteplan.inputs.sites import OPEN
from siteplan.output.maps.shapes import to_degrees
from siteplan.words import Said

__all__ = ["Scenario", "ScenarioView", "site_changes", "views_of", "whole_sites"]


@dataclass(frozen=True)
class ScenarioView:
    """What a scenario looks like: its times and points, and where they differ its sites, the chosen ones, in words.

    `sites` are as in the base, perhaps more or elsewhere (None: the same); `choice` are the ids chosen in it;
    `about` says what changes.
    """

    times: pd.DataFrame
    points: pd.DataFrame
    sites: gpd.GeoDataFrame | None = None
    choice: Sequence[str] = ()
    about: Said = ""


Scenario = ScenarioView | tuple[pd.DataFrame, pd.DataFrame]


def views_of(scenarios: Mapping[str, Scenario]) -> dict[str, ScenarioView]:
    """Let times and points alone stand for a scenario."""
    return {
        str(name): each if isinstance(each, ScenarioView) else ScenarioView(*each) for name, each in scenarios.items()
    }


def whole_sites(sites: gpd.GeoDataFrame, views: Mapping[str, ScenarioView]) -> tuple[gpd.GeoDataFrame, set[str]]:
    """Add the sites that only a scenario has, and name them; in the base they are excluded."""
    whole = sites
    for view in views.values():
        if view.sites is None:
            continue
        new = view.sites[~view.sites.index.isin(whole.index)].to_crs(sites.crs)
        if len(new):
            whole = pd.concat([whole, new.assign(status="excluded")[[*whole.columns.intersection(new.columns)]]])
            whole = gpd.GeoDataFrame(whole, crs=sites.crs)
    return whole, {str(site) for site in whole.index if site not in sites.index}


def site_changes(
    sites: gpd.GeoDataFrame, choice: Sequence[str] | None, view: ScenarioView
) -> dict[str, list[int] | dict[int, list[float]]]:
    """Return the positions of the sites that `opens` and `closes` a scenario, and where those stand that `moved`."""
    here = view.sites if view.sites is not None else sites
    given = (choice or ()) if view.sites is None else view.choice
    before, after = _fixed(sites, choice or ()), _fixed(here, given)
    used, used_there = ({str(site) for site in table.index[table["status"] != "excluded"]} for table in (sites, here))
    if not before and not after:
        after = used_there - used  # where nobody is open, all are, the new ones as well
    ids = [str(site) for site in sites.index]
    there = here.to_crs(sites.crs).geometry.reindex(sites.index)
    moved = ~there.isna() & ~there.geom_equals(sites.geometry, align=False)
    degrees = to_degrees(there[moved])
    return {
        "opens": [at for at, site in enumerate(ids) if site in after and site not in before],
        "closes": [at for at, site in enumerate(ids) if site in (before - after) | (used - used_there)],
        "moved": {ids.index(str(site)): [round(place.y, 6), round(place.x, 6)] for site, place in degrees.items()},
    }


def _fixed(sites: gpd.GeoDataFrame, choice: Sequence[str]) -> set[str]:
    """Return who is open whatever the reader does: existing, required and chosen sites."""
    return {str(site) for site in choice} | set(sites.index[sites["status"].isin(OPEN)].astype(str))
