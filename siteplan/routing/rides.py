"""Minutes by public transport over a window of time: journeys with rides beside going all the way by oneself."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Rides
from siteplan.errors import StudyError
from siteplan.network.transit import Timetable
from siteplan.parallel import cut, each, lent
from siteplan.routing import search
from siteplan.routing.arrivals import FAR
from siteplan.routing.budget import make_limited_room, search_limited
from siteplan.routing.layout import Layout, lay_out
from siteplan.routing.ondemand import lower_costs
from siteplan.routing.planning import asked_at, departures_of
from siteplan.routing.query import RideQuery
from siteplan.routing.transit import make_ride_room, search_rides

__all__ = ["RidePlan", "RideTimes", "Window", "plan_rides", "rank_of", "ride_costs", "ride_times", "some_rides"]

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


def ride_costs(limits: Sequence[float], mode: Rides, timetable: Timetable) -> Ints:
    """Return limits of journeys in deciseconds.

    Raises
    ------
    StudyError
        No limit, or one beyond what the timetable was read for.
    """
    aside = mode.planned_minutes or 0
    most, asked = timetable.minutes - aside, max(limits, default=0)
    if asked > most:
        raise StudyError(
            f"limit of {asked:g} minutes: expected more than 0 and at most {most:g}, as far as is searched by this "
            f"timetable; read_transit(..., minutes={asked + aside:g}) reads it for longer journeys, up to 600"
        )
    return search.deciseconds(limits, longest=most)


def ride_times(
    query: RideQuery,
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[RideTimes]:
    """Search the journeys asked for over a window: one result a site, in order.

    A limit of the walks in all concerns journeys with rides; a bicycle to the stop is no walk.
    """
    plan, sites = plan_rides(query), query.sites
    calls = [plan.of(first, stop) for first, stop in cut(len(sites))]
    parts = each(some_rides, calls, shared=(plan.window,), executor=executor, progress=progress, total=len(sites))
    return list(itertools.chain.from_iterable(parts))


def plan_rides(asked: RideQuery) -> "RidePlan":
    """Prepare the search of the journeys of sites, of which each can then be searched alone."""
    layout, mode = lay_out(asked), asked.mode
    clock = asked_at(mode.moments, backwards=asked.backwards)
    ranks = tuple(rank_of(share, len(clock)) for share in (mode.percentile, 25, 75))
    feet: tuple[Any, ...] = layout.laid.feet
    out: tuple[Any, ...] = layout.exits
    budget = None
    if mode.max_total_walk_minutes is not None:  # the way between home and stop is a walk unless it is ridden, too
        budget = round(mode.max_total_walk_minutes * search.MINUTE)
        feet, out = (*feet, layout.laid.foot_walk), (*out, int((mode.home or mode.walk).rules == "walk"))
    query = (asked.cutoff, mode.max_rides, layout.laid.kernel, feet, out)
    on_demand = _on_demand(layout, budget, walks=(mode.home or mode.walk).rules == "walk")
    window = Window(clock, mode.planned_minutes, query, budget, ranks, len(asked.people), [])
    return RidePlan(window, layout.access, layout.by_oneself, on_demand)


@dataclass(frozen=True)
class Window:
    """What is the same for all sites.

    The moments, the minutes among which one chooses when to set out, the query, the budget of walks, the ranks asked
    for, points, and free rooms.
    """

    clock: Costs
    wait: int | None
    query: tuple[Any, ...]
    budget: int | None
    ranks: tuple[int, ...]
    points: int
    rooms: list[Any]

    def room(self) -> tuple[Any, ...]:
        """Return working arrays for one thread."""
        rides, timetable = self.query[1], self.query[2]
        if self.budget is None:
            return make_ride_room(timetable, rides, self.points)
        return make_limited_room(timetable, self.points)


def _on_demand(layout: Layout, budget: int | None, *, walks: bool) -> list[pd.DataFrame | None]:
    """Return the rides on demand of each site, without those of longer walks than asked; `walks` to the stop counts."""
    if layout.on_demand is None:
        return [None] * len(layout.access)
    if budget is None:
        return list(layout.on_demand)
    every = ((rides, rides["walk_site"] + rides["walk_point"] * walks) for rides in layout.on_demand)
    return [rides[walked <= budget].reset_index(drop=True) for rides, walked in every]


@dataclass(frozen=True)
class RidePlan:
    """What the journeys of some sites are searched with: what is the same for all, and what each site has of its own.

    `access` has the stops near each site, `by_oneself` who gets there without any ride, `on_demand` who is
    driven.
    """

    window: Window
    access: list[npt.NDArray[Any]]
    by_oneself: list[tuple[Ints, Costs]]
    on_demand: list[pd.DataFrame | None]

    def of(
        self, first: int, stop: int
    ) -> tuple[list[npt.NDArray[Any]], list[tuple[Ints, Costs]], list[pd.DataFrame | None]]:
        """Return what the sites from `first` up to `stop` have of their own."""
        return self.access[first:stop], self.by_oneself[first:stop], self.on_demand[first:stop]


def some_rides(
    window: Window,
    access: list[npt.NDArray[Any]],
    by_oneself: list[tuple[Ints, Costs]],
    on_demand: list[pd.DataFrame | None],
) -> list[RideTimes]:
    """Search from some sites, given the stops near each, who gets there without any ride, and who on demand."""
    with lent(window.rooms, window.room) as room:
        of_sites = zip(access, by_oneself, on_demand, strict=True)
        return [_one_site(window, near, direct, room, called=called) for near, direct, called in of_sites]


def _one_site(
    window: Window,
    near: npt.NDArray[Any],
    direct: tuple[Ints, Costs],
    room: tuple[Any, ...],
    *,
    called: pd.DataFrame | None,
) -> RideTimes:
    """Search from one site and sort what the minutes of the window give."""
    cutoff, ranks = window.query[0], window.ranks
    departures, plan = departures_of(window.clock, window.wait, near, window.query[2])
    query = (departures, *window.query, near, room, plan)
    if window.budget is None:
        ridden, costs = search_rides(*query)[:2]
    else:
        ridden, costs = search_limited(*query, window.budget)[:2]
    if called is not None:
        clock = window.clock if plan is None else window.clock[::-1]  # as the costs of a plan stand
        ridden, costs = lower_costs((ridden, costs), called, clock, window.wait)
    point, alone = direct
    # Both are in ascending order of the points.
    if len(point):
        at = np.minimum(np.searchsorted(point, ridden), len(point) - 1)
        by_itself = np.where(point[at] == ridden, alone[at], FAR)
        np.minimum(costs, by_itself[:, None], out=costs)
    costs.sort(axis=1)
    within = costs[:, ranks[0]] <= cutoff
    # Who is near enough without any ride, and reached by none, takes as long at any minute.
    if len(ridden):
        at = np.minimum(np.searchsorted(ridden, point), len(ridden) - 1)
        unridden = ridden[at] != point
        point, alone = point[unridden], alone[unridden]
    found = np.concatenate([ridden[within], point])
    order = np.argsort(found, kind="stable")
    figures = costs[within][:, ranks]
    figures = np.concatenate([figures, np.repeat(alone[:, None], len(ranks), axis=1)])[order].T
    share = np.concatenate([(costs[within] <= cutoff).mean(axis=1), np.ones(len(point))])[order]
    return RideTimes(found[order], figures[0], figures[1:], share)


def rank_of(percent: float, count: int) -> int:
    """Return which of `count` sorted values is the least that `percent` of them do not exceed (nearest rank)."""
    return max(0, int(np.ceil(percent / 100 * count - 1e-9)) - 1)
