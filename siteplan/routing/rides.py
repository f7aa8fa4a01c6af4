"""Minutes by public transport over a window of time: journeys with rides beside going all the way by oneself."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from siteplan.config import Rides
from siteplan.network.transit import Timetable
from siteplan.routing import search
from siteplan.routing.budget import search_limited
from siteplan.routing.layout import lay_out
from siteplan.routing.transit import FAR, search_rides

__all__ = ["RideTimes", "rank_of", "ride_times"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]


@dataclass(frozen=True)
class RideTimes:
    """Minutes of one site's journeys that are within the limit: rows of the points and, for each, deciseconds.

    `cost` is at the percentile asked for, `quartiles` at 25 and 75 % (FAR: not reached so often), `share` the part of
    the window's minutes within the limit.
    """

    point: Ints
    cost: Costs
    quartiles: Costs
    share: npt.NDArray[np.float64]


def ride_times(
    timetable: Timetable,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    mode: Rides,
    cutoff: int,
    backwards: bool,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[RideTimes]:
    """Search the journeys between every site and every point over a window; going all the way by oneself competes.

    `backwards` means towards the sites. A limit of the walks in all concerns journeys with rides; a bicycle to the stop
    is no walk. One result a site, in order.
    """
    layout = lay_out(timetable, sites, people, mode=mode, cutoff=cutoff, backwards=backwards)
    moments = np.array(mode.moments) * 10
    clock = (-moments if backwards else moments[::-1]).astype(np.int32)
    ranks = tuple(rank_of(share, len(clock)) for share in (mode.percentile, 25, 75))
    feet: tuple[Any, ...] = layout.laid.feet
    out: tuple[Any, ...] = layout.exits
    budget = None
    if mode.max_total_walk_minutes is not None:  # the way between home and stop is a walk unless it is ridden, too
        budget = round(mode.max_total_walk_minutes * search.MINUTE)
        feet, out = (*feet, layout.laid.foot_walk), (*out, int((mode.home or mode.walk).rules == "walk"))
    query = (clock, cutoff, mode.max_rides, layout.laid.kernel, feet, out)
    calls = [
        ((*query, access, len(people)), direct, ranks, budget)
        for access, direct in zip(layout.access, layout.by_oneself, strict=True)
    ]
    return search.each(_one_site, calls, executor=executor, progress=progress)


def _one_site(
    query: tuple[Any, ...], direct: tuple[Ints, Costs], ranks: tuple[int, ...], budget: int | None
) -> RideTimes:
    """Search from one site and sort what the minutes of the window give."""
    cutoff, points = query[1], query[-1]
    ridden, costs = search_rides(*query) if budget is None else search_limited(*query, budget)  # type: ignore[call-arg]
    by_itself = np.full(points, FAR, np.int32)
    by_itself[direct[0]] = direct[1]
    np.minimum(costs, by_itself[ridden, None], out=costs)
    costs.sort(axis=1)
    within = costs[:, ranks[0]] <= cutoff
    # Who is near enough without any ride, and reached by none, takes as long at any minute.
    by_itself[ridden] = FAR
    near = np.flatnonzero(by_itself != FAR)
    point = np.concatenate([ridden[within], near])
    order = np.argsort(point, kind="stable")
    figures = costs[within][:, ranks]
    figures = np.concatenate([figures, np.repeat(by_itself[near, None], len(ranks), axis=1)])[order].T
    share = np.concatenate([(costs[within] <= cutoff).mean(axis=1), np.ones(len(near))])[order]
    return RideTimes(point[order], figures[0], figures[1:], share)


def rank_of(percent: float, count: int) -> int:
    """Return which of `count` sorted values is the least that `percent` of them do not exceed (nearest rank)."""
    return max(0, int(np.ceil(percent / 100 * count - 1e-9)) - 1)
