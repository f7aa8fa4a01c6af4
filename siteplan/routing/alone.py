"""Ways along the streets without any scheduled ride."""

import itertools

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from siteplan.config import Profile
from siteplan.network.graph import mode_graph
from siteplan.network.kept import linked
from siteplan.network.snapping import HARD_LIMIT, positions
from siteplan.network.streets import StreetNetwork
from siteplan.routing import search

__all__ = ["by_oneself"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]


def by_oneself(
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    home: Profile,
    *,
    cutoff: int,
    backwards: bool,
) -> list[tuple[Ints, Costs]]:
    """Return for each site the points within the limit without any ride, and what they cost."""
    graph = mode_graph(streets, home, backwards=backwards)
    site_rows, ends = positions(linked(streets, sites, home, HARD_LIMIT), graph, home)
    point_rows, points = positions(linked(streets, people, home, home.link_m), graph, home)
    source, target, cost = search.times(search.prepare(graph, ends, points), cutoff)
    site, point = site_rows[source], point_rows[target]
    bounds = np.searchsorted(site, np.arange(len(sites) + 1))
    return [(point[a:b], cost[a:b]) for a, b in itertools.pairwise(bounds)]
