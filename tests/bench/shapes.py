"""Isochrones of sites, against the polygons of OSMnx's isochrone example."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from siteplan.config import BIKE, WALK, Profile
from siteplan.contours import isochrones
from tests.bench.engines import Networkx, Scipy
from tests.bench.measure import Row, in_turns
from tests.bench.reach import LIMIT, LIMITS, sample
from tests.bench.worlds import Common, common, people_at, porto_alegre

__all__ = ["polygons"]

ALIKE = 0.6  # least area in common, of the area of either: the recipe fills holes and walks its buffers for nothing
INSIDE = 0.97  # least share of the nodes within the limit that lie in siteplan's polygon


def polygons(rounds: int, *, count: int = 100) -> list[Row]:
    """Measure the polygons of `count` sites in Porto Alegre at 15 and 20 minutes."""
    streets, rows = porto_alegre(), []
    for profile, goal in ((WALK, "3 ms a site"), (BIKE, "10 ms a site")):
        rows += polygons_of(common(streets, profile), profile, rounds, count, goal)
    return rows


def polygons_of(place: Common, profile: Profile, rounds: int, count: int, goal: str) -> list[Row]:
    """Measure the polygons of some nodes of a place."""
    chosen = sample(place, count)
    at = place.nodes[chosen]
    sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy(place.x[at], place.y[at]), crs=place.streets.crs)
    few = chosen[:: max(1, count // 4)]
    recipe = Networkx(place, people_at(place))

    def ours() -> gpd.GeoDataFrame:
        return isochrones(place.streets, sites, mode=profile, minutes=(15, 20), direction="from")

    drawn = ours().geometry.to_numpy().reshape(count, 2)
    alike = _alike(place, drawn, chosen, recipe.ego_polygons(few, LIMITS), few)
    task = f"polygons of {count} sites at 15, 20 min, {profile.name} (a site)"
    name = f"OSMnx recipe ({alike:.0%} of the area in common)"
    return in_turns(
        task,
        ours,
        {name: lambda: recipe.ego_polygons(few, LIMITS)},
        rounds=rounds,
        scale={name: count / len(few)},
        per=(count, ""),
        goals={name: f"80-120; {goal}"},
    )


def _alike(place: Common, drawn: Any, chosen: Any, theirs: Sequence[Any], few: Any) -> float:
    """Check that the polygons hold the nodes within the limit and are much the same; return the area in common."""
    costs = next(iter(Scipy(place.csr, place.nodes[few], np.arange(len(place.x))).costs(LIMIT)))[1]
    common_area = []
    for row, site in enumerate(np.searchsorted(chosen, few)):
        for column, limit in enumerate(LIMITS):
            polygon, other = drawn[site, column], theirs[2 * row + column]
            node = np.flatnonzero(costs[row] <= limit)
            inside = shapely.contains_xy(polygon, place.x[node], place.y[node]).mean()
            if inside < INSIDE:
                raise AssertionError(f"only {inside:.1%} of the nodes within the limit lie in the polygon")
            common_area.append(polygon.intersection(other).area / polygon.union(other).area)
    if min(common_area) < ALIKE:
        raise AssertionError(f"a polygon has only {min(common_area):.1%} of its area in common with the recipe's")
    return float(np.median(common_area))
