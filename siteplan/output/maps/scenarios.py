"""Scenarios for the page: which sites open, close, move or are new in each."""

from collections.abc import Mapping, Sequence

import geopandas as gpd
import pandas as pd

from siteplan.inputs.sites import OPEN
from siteplan.output.maps.shapes import to_degrees
from siteplan.output.outcome import Outcome

__all__ = ["site_changes", "whole_sites"]


def whole_sites(sites: gpd.GeoDataFrame, others: Mapping[str, Outcome]) -> tuple[gpd.GeoDataFrame, set[str]]:
    """Add the sites that only a scenario has, and name them; in the base they are excluded."""
    whole = sites
    for other in others.values():
        new = other.sites[~other.sites.index.isin(whole.index)].to_crs(sites.crs)
        if len(new):
            whole = pd.concat([whole, new.assign(status="excluded")[[*whole.columns.intersection(new.columns)]]])
            whole = gpd.GeoDataFrame(whole, crs=sites.crs)
    return whole, {str(site) for site in whole.index if site not in sites.index}


def site_changes(
    sites: gpd.GeoDataFrame, choice: Sequence[str], other: Outcome
) -> dict[str, list[int] | dict[int, list[float]]]:
    """Return the positions of the sites that `opens` and `closes` a scenario, and where those stand that `moved`."""
    here = other.sites
    before, after = _fixed(sites, choice), _fixed(here, other.chosen)
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
