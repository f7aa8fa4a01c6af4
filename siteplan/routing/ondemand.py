"""Rides on demand from door to door: a wait, the drive along the streets, and walks where one gets on or off at stops.

They are not joined to scheduled rides. On the clock of a search (`siteplan.routing.layout`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.network.snapping import metric_points
from siteplan.network.transit import Timetable
from siteplan.routing import search
from siteplan.routing.alone import by_oneself
from siteplan.routing.arrivals import FAR
from siteplan.routing.query import RideQuery

__all__ = ["costs_at", "lay_rides", "lower_costs"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Sides:
    """What is the same for all sites.

    The places to drive from, at the side of the sites: these, then the stops; the places to drive to: the points, then
    the stops. `near` and `far` (places of the feed, of a side) tell which of them lie in which place of the feed.
    """

    rides: pd.DataFrame
    stops: Ints
    near: Bools
    far: Bools
    points: int
    exits: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    wait: int
    cutoff: int
    backwards: bool


def lay_rides(
    query: RideQuery, access: Sequence[npt.NDArray[Any]], exits: tuple[npt.NDArray[Any], npt.NDArray[Any]]
) -> list[pd.DataFrame] | None:
    """Return the rides on demand of each site; None where there are none at all.

    Parameters
    ----------
    access, exits
        As `Layout` has them.

    Returns
    -------
    list of DataFrame or None
        `point` (row), `cost` (deciseconds from door to door), `opens`, `closes`: who sets out sooner on the clock of
        the search waits until it opens, later there is no such ride; of which `walk_site`, `drive`, `walk_point`
        (deciseconds); `stop_site`, `stop_point` (-1: none), `ride` (row of the feed's rides).
    """
    timetable, mode, sites = query.timetable, query.mode, query.sites
    found = timetable.feed.on_demand
    if mode.on_demand_wait_minutes is None or found.rides.empty:
        return None
    stops = np.unique(found.stops["stop"].to_numpy(np.int64))
    at_stops = shapely.points(timetable.spots[stops])
    ends = [np.concatenate([metric_points(some, timetable.streets), at_stops]) for some in (sites, query.people)]
    near, far = (_inside(timetable, points, stops) for points in ends)
    wait = round(mode.on_demand_wait_minutes * search.MINUTE)
    sides = _Sides(found.rides, stops, near, far, len(query.people), exits, wait, query.cutoff, query.backwards)
    least = min(1.0, float(found.rides["factor"].min()))
    here, there = (gpd.GeoDataFrame(geometry=points, crs=timetable.streets.crs) for points in ends)
    longest = min(int((query.cutoff - wait) / least), round(timetable.minutes * search.MINUTE))
    driven: list[tuple[Ints, Costs]] = [(np.zeros(0, np.int64), np.zeros(0, np.int32))] * len(here)
    if longest > 0:
        driven = by_oneself(timetable.streets, here, there, mode.drive, cutoff=longest, backwards=query.backwards)
    return [_of_site(sides, site, access[site], driven) for site in range(len(sites))]


def _inside(timetable: Timetable, points: npt.NDArray[Any], stops: Ints) -> Bools:
    """Tell which places (the last of them are the stops) lie in which place of the feed: zones, or groups of stops."""
    found = timetable.feed.on_demand
    inside = np.zeros((len(found.zones), len(points)), np.bool_)
    at = shapely.get_coordinates(points)
    for place, zone in enumerate(_zones(timetable)):
        if zone is not None:
            inside[place, : len(points) - len(stops)] = shapely.contains_xy(zone, at[: len(points) - len(stops)])
    rows = len(points) - len(stops) + np.searchsorted(stops, found.stops["stop"])
    inside[found.stops["place"], rows] = True
    return inside


def _zones(timetable: Timetable) -> list[Any]:
    """Return the zones of the feed in the streets' CRS."""

    def make() -> list[Any]:
        zones = gpd.GeoSeries(list(timetable.feed.on_demand.zones), crs=4326).to_crs(timetable.streets.crs)
        shapely.prepare(zones.to_numpy())
        return list(zones)

    return timetable.remember("zones", make)  # type: ignore[no-any-return]


def _of_site(sides: _Sides, site: int, access: npt.NDArray[Any], driven: Sequence[tuple[Ints, Costs]]) -> pd.DataFrame:
    """Return the rides on demand of one site."""
    near, far = ("off", "on") if sides.backwards else ("on", "off")
    on_foot = access[np.isin(access[:, 0], sides.stops)]
    rows = len(driven) - len(sides.stops) + np.searchsorted(sides.stops, on_foot[:, 0])
    starts = [(site, 0, -1), *zip(rows.tolist(), on_foot[:, 1].tolist(), on_foot[:, 0].tolist(), strict=True)]
    ends = sides.rides[[near, far]].to_numpy(np.int64)
    said = sides.rides[["factor", "more"]].to_numpy(float)
    parts = []
    for start, walk, stop in starts:
        target, drive = driven[start]
        for ride in np.flatnonzero(sides.near[ends[:, 0], start]).tolist():
            there = sides.far[ends[ride, 1], target]
            driving = np.round(drive[there] * said[ride, 0] + said[ride, 1] * 10).astype(np.int64)
            parts.append((target[there], driving, walk, stop, ride))
    lengths = [len(target) for target, *_ in parts]
    none = np.zeros(0, np.int64)
    target, drive = (np.concatenate([none, *(part[k] for part in parts)]) for k in (0, 1))
    walk, stop, ride_row = (np.repeat(np.array([part[k] for part in parts], np.int64), lengths) for k in (2, 3, 4))
    # From a stop on, to all points in reach of it.
    ptr, out = sides.exits
    at_stop = target >= sides.points
    there = sides.stops[target[at_stop] - sides.points]
    counts = np.ones(len(target), np.int64)
    counts[at_stop] = ptr[there + 1] - ptr[there]
    row = np.repeat(np.arange(len(target)), counts)
    which = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    point, walk_point, stop_point = target[row], np.zeros(len(row), np.int64), np.full(len(row), -1)
    onward = at_stop[row]
    stop_point[onward] = sides.stops[point[onward] - sides.points]
    point[onward], walk_point[onward] = out[ptr[stop_point[onward]] + which[onward]].T
    walk, drive = walk[row], drive[row]
    opens, closes = _open(sides, ride_row[row], walk, drive)
    columns = {"walk_site": walk, "drive": drive, "walk_point": walk_point, "stop_site": stop[row]}
    cost = walk + sides.wait + drive + walk_point
    table = pd.DataFrame({"point": point, "cost": cost, "opens": opens, "closes": closes, **columns})
    table = table.assign(stop_point=stop_point, ride=ride_row[row])
    usable: pd.DataFrame = table[(cost <= sides.cutoff) & (opens <= closes)]
    return usable.sort_values(["point", "cost", "ride"], kind="stable", ignore_index=True)


def _open(sides: _Sides, row: Ints, walk: Ints, drive: Ints) -> tuple[Ints, Ints]:
    """Return between which moments on the clock of the search one sets out so that both ends are in their windows."""
    on_first, on_last, off_first, off_last = (
        10 * sides.rides[name].to_numpy(np.int64)[row] for name in ("on_first", "on_last", "off_first", "off_last")
    )
    if sides.backwards:  # dropped off, one walks to the site
        first, last = np.maximum(off_first, on_first + drive) + walk, np.minimum(off_last, on_last + drive) + walk
        return -last, -first
    aside = walk + sides.wait
    return np.maximum(on_first, off_first - drive) - aside, np.minimum(on_last, off_last - drive) - aside


def costs_at(rides: pd.DataFrame, clock: Costs, plan: int | None) -> tuple[Costs, Costs]:
    """Return the deciseconds of rides on demand at some moments, FAR where there is none, and when one sets out.

    `plan` are the minutes from each moment on among which one chooses when to set out; None: one sets out at once.
    Both are (rides, moments).
    """
    latest = clock.astype(np.int64) + (plan or 0) * search.MINUTE
    opens, closes, cost = (rides[name].to_numpy(np.int64)[:, None] for name in ("opens", "closes", "cost"))
    early = np.maximum(0, opens - latest)
    set_out = np.minimum(np.maximum(clock, opens), latest)
    there = np.where(clock <= closes, cost + early, FAR)
    return np.minimum(there, FAR).astype(np.int32), set_out.astype(np.int32)


def lower_costs(
    found: tuple[npt.NDArray[Any], Costs], rides: pd.DataFrame, clock: Costs, plan: int | None
) -> tuple[npt.NDArray[Any], Costs]:
    """Return points, ascending, and their costs by moment, of a search and of rides on demand: the least of both."""
    point, first = np.unique(rides["point"].to_numpy(np.int64), return_index=True)
    if not len(point):
        return found
    least = np.minimum.reduceat(costs_at(rides, clock, plan)[0], first, axis=0)
    every = np.union1d(found[0], point)
    costs = np.full((len(every), len(clock)), FAR, np.int32)
    for some, at in ((found[0], found[1]), (point, least)):
        rows = np.searchsorted(every, some)
        costs[rows] = np.minimum(costs[rows], at)
    return every, costs
