"""Walks to stops, rides and walks from stops put together: minutes by public transport over a window of time."""

import itertools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Profile, Rides
from siteplan.network.graph import mode_graph
from siteplan.network.kept import linked
from siteplan.network.snapping import HARD_LIMIT, LIMIT, positions
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.routing import search
from siteplan.routing.budget import search_limited
from siteplan.routing.transit import FAR, search_rides

__all__ = ["RideTimes", "ride_times"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]
SAME_STATION = 200.0  # metres straight between platforms of one station that are walked whatever the streets say


@dataclass(frozen=True)
class _Laid:
    """A timetable laid out for the kernel in one direction, the changes between its stops, what of them is walked."""

    kernel: tuple[Any, ...]
    feet: tuple[Any, Any]
    foot_walk: npt.NDArray[Any]


def _lay_out(timetable: Timetable, backwards: bool, walk: Profile, slack: int, longest_walk: int) -> _Laid:
    """Lay a timetable out for searches from the sites (`backwards`: towards them); costs in deciseconds.

    `slack` is the time one must be at a stop before a departure, `longest_walk` the longest walk between rides.
    """
    p = timetable.patterns
    on, off = p.departure * 10 - slack, p.arrival * 10
    arrays: list[npt.NDArray[Any]] = [p.ptr, p.stops, p.board, p.alight, p.time_ptr, on, off]
    if backwards:
        # Read from the end, with every time turned into its negative, a timetable is the timetable of the way back.
        turned = (p.ptr[-1] - p.ptr[::-1], p.time_ptr[-1] - p.time_ptr[::-1])
        arrays = [turned[0], p.stops[::-1], p.alight[::-1], p.board[::-1], turned[1], -off[::-1], -on[::-1]]
    ptr, stops = arrays[0], arrays[1]
    count = len(timetable.feed.stops)
    pattern = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    calls = np.column_stack([pattern, np.arange(len(stops)) - ptr[pattern]])
    order = np.argsort(stops, kind="stable")
    call_ptr = np.concatenate([[0], np.cumsum(np.bincount(stops, minlength=count))])
    kernel = (*(_plain(array) for array in arrays), _plain(call_ptr), _plain(calls[order]))
    *feet, foot_walk = _feet(timetable, backwards, walk, slack, longest_walk)
    return _Laid(kernel, (feet[0], feet[1]), foot_walk)


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array.astype(np.uint8 if array.dtype == bool else np.int32))


def _feet(
    timetable: Timetable, backwards: bool, walk: Profile, slack: int, longest: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the changes between stops in CSR form: along the streets, inside a station, and as transfers.txt says.

    And, one a change, the deciseconds of it that are walked.
    """
    used = np.unique(timetable.patterns.stops)
    stay = pd.DataFrame({"stop": used, "to": used, "cost": 0})
    parts = [
        _walks_between(timetable, backwards, walk, longest),
        _across_stations(timetable, used, walk, longest),
        stay,
    ]
    every: pd.DataFrame = pd.concat(parts).groupby(["stop", "to"], as_index=False).min()
    every = _with_rules(timetable, every, backwards, walk, slack, longest).sort_values(["stop", "cost", "to"])
    ptr = _ptr(every["stop"], len(timetable.feed.stops))
    return ptr, _plain(every[["to", "cost"]].to_numpy()), _plain(every["walk"].to_numpy())


def _across_stations(timetable: Timetable, used: Ints, walk: Profile, longest: int) -> pd.DataFrame:
    """Return the walks between platforms of one station that lie near each other."""
    table = pd.DataFrame({"stop": used, "station": timetable.feed.stops["parent"].to_numpy()[used]})
    table = table[table["station"] >= 0].merge(table, on="station", suffixes=("", "_to"))
    metres = _straight(timetable, table["stop"], table["stop_to"])
    near = pd.DataFrame({"stop": table["stop"], "to": table["stop_to"], "cost": _walked(metres, walk)})
    return near[(metres <= SAME_STATION) & (near["cost"] <= longest)]


def _straight(timetable: Timetable, first: pd.Series, second: pd.Series) -> npt.NDArray[np.float64]:
    """Return the metres between stops as the crow flies."""
    apart: npt.NDArray[np.float64] = timetable.spots[first.to_numpy()] - timetable.spots[second.to_numpy()]
    metres: npt.NDArray[np.float64] = np.hypot(apart[:, 0], apart[:, 1])
    return metres


def _walked(metres: npt.NDArray[np.float64], walk: Profile) -> npt.NDArray[np.float64]:
    return np.round(metres * 36 / walk.access_kmh)


def _with_rules(
    timetable: Timetable, every: pd.DataFrame, backwards: bool, walk: Profile, slack: int, longest: int
) -> pd.DataFrame:
    """Apply transfers.txt: a least time (2) holds, slack included; a forbidden change (3) is taken out.

    A least time also makes a change possible that the streets do not show, where the straight way is within the longest
    walk; it is never shorter than that way. The other types (0, 1) say nothing about time.
    """
    rules = timetable.feed.transfers
    if rules.empty:
        return every.assign(walk=every["cost"])
    ends = ["to_stop", "from_stop"] if backwards else ["from_stop", "to_stop"]
    rules = rules.rename(columns={ends[0]: "stop", ends[1]: "to"}).drop_duplicates(["stop", "to"], keep="last")
    rules = rules[rules["type"].isin([2, 3])]
    joined = every.merge(rules[["stop", "to", "type", "seconds"]], on=["stop", "to"], how="outer")
    straight = _walked(_straight(timetable, joined["stop"], joined["to"]), walk)
    known = joined["cost"].notna() | (straight <= longest)
    least = np.where(joined["type"] == 2, joined["seconds"].fillna(0) * 10 - slack, 0)
    joined["walk"] = joined["cost"].fillna(pd.Series(straight, joined.index)).astype(float)
    joined["cost"] = np.maximum(np.maximum(joined["walk"], least), 0.0)
    kept: pd.DataFrame = joined.loc[known & (joined["type"] != 3), ["stop", "to", "cost", "walk"]]
    return kept


def _walks_between(timetable: Timetable, backwards: bool, walk: Profile, longest: int) -> pd.DataFrame:
    """Return `stop`, `to`, `cost` of the walks along the streets between stops, those of before where none moved."""
    origin, kept = timetable.origin, _kept_doors(timetable)
    if origin is not None and kept is not None:
        table, used = _walks_between(origin, backwards, walk, longest), origin.doors["stop"][kept]
        return table[table["stop"].isin(used) & table["to"].isin(used)]

    def make() -> pd.DataFrame:
        graph = mode_graph(timetable.streets, walk, backwards=backwards)
        rows, places = positions(_door_links(timetable, walk), graph, walk)
        source, target, cost = search.times(search.prepare(graph, places, places), longest)
        stop, inside = timetable.doors["stop"].to_numpy()[rows], _inside(timetable, walk)[rows]
        table = pd.DataFrame({"stop": stop[source], "to": stop[target], "cost": cost + inside[source] + inside[target]})
        return table[table["cost"] <= longest]

    return timetable.remember(("walks", backwards, walk, longest), make)  # type: ignore[no-any-return]


def _door_links(timetable: Timetable, profile: Profile) -> pd.DataFrame:
    """Link the doors of stops to the streets that a profile may use."""
    origin, kept = timetable.origin, _kept_doors(timetable)
    if origin is not None and kept is not None:
        return _door_links(origin, profile)[kept].reset_index(drop=True)
    return timetable.remember(  # type: ignore[no-any-return]
        ("doors", profile), lambda: linked(timetable.streets, timetable.doors, profile, LIMIT)
    )


def _kept_doors(timetable: Timetable) -> npt.NDArray[np.bool_] | None:
    """Tell which doors of the timetable that this one is a change of are all of its own; None if it has others."""

    def make() -> npt.NDArray[np.bool_] | None:
        if timetable.origin is None:
            return None
        before = timetable.origin.doors
        stays: npt.NDArray[np.bool_] = before["stop"].isin(timetable.doors["stop"]).to_numpy()
        return stays if before[stays].reset_index(drop=True).equals(timetable.doors) else None

    return timetable.remember("kept doors", make)  # type: ignore[no-any-return]


def _inside(timetable: Timetable, walk: Profile) -> Ints:
    """Return the deciseconds from each door to its platform."""
    metres: npt.NDArray[np.float64] = timetable.doors["inside_m"].to_numpy(float)
    return np.round(metres * 36 / walk.access_kmh).astype(np.int64)


def _walks_to_stops(
    timetable: Timetable, links: pd.DataFrame, backwards: bool, profile: Profile, longest: int, *, outward: bool
) -> pd.DataFrame:
    """Return `place` (row of `links`), `stop`, `cost` of the ways between places and stops, on the clock of the search.

    `outward`: from the place to the stop; otherwise from the stop to the place.
    """
    origin, kept = timetable.origin, _kept_doors(timetable)
    if origin is not None and kept is not None:
        near = _walks_to_stops(origin, links, backwards, profile, longest, outward=outward)
        return near[near["stop"].isin(origin.doors["stop"][kept])]

    def make() -> pd.DataFrame:
        graph = mode_graph(timetable.streets, profile, backwards=backwards)
        rows, places = positions(links, graph, profile)
        door_rows, doors = positions(_door_links(timetable, profile), graph, profile)
        ends = (places, doors) if outward else (doors, places)
        source, target, cost = search.times(search.prepare(graph, *ends), longest)
        place, door = (source, target) if outward else (target, source)
        total = cost + _inside(timetable, profile)[door_rows[door]]
        table = pd.DataFrame(
            {"place": rows[place], "stop": timetable.doors["stop"].to_numpy()[door_rows[door]], "cost": total}
        )
        near: pd.DataFrame = table[total <= longest].groupby(["place", "stop"], as_index=False)["cost"].min()
        return near

    spots = links[["edge", "offset_m", "access_m"]].to_numpy(float).tobytes()
    key = ("to stops", backwards, profile, longest, outward, spots)
    return timetable.remember(key, make)  # type: ignore[no-any-return]


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
    limit: int,
    backwards: bool,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[RideTimes]:
    """Search the journeys between every site and every point over a window; going all the way by oneself competes.

    `backwards` means towards the sites. A limit of the walks in all concerns journeys with rides; a bicycle to the stop
    is no walk. One result a site, in order.
    """
    streets, home = timetable.streets, mode.home or mode.walk
    longest, slack = _ds(mode.max_walk_minutes), _ds(mode.board_slack_minutes)
    key = (backwards, mode.walk, slack, longest)
    laid = timetable.remember(key, lambda: _lay_out(timetable, backwards, mode.walk, slack, longest))
    site_links = linked(streets, sites, mode.walk, HARD_LIMIT)
    point_links = linked(streets, people, home, LIMIT)
    access = _walks_to_stops(timetable, site_links, backwards, mode.walk, longest, outward=True)
    access = access.sort_values(["place", "stop"])
    exits = _walks_to_stops(timetable, point_links, backwards, home, longest, outward=False)
    exits = exits.sort_values(["stop", "cost", "place"])
    ways_out = (_ptr(exits["stop"], len(timetable.feed.stops)), _plain(exits[["place", "cost"]].to_numpy()))
    ways_in, bounds = _plain(access[["stop", "cost"]].to_numpy()), _ptr(access["place"], len(sites))
    direct = _direct(streets, linked(streets, sites, home, HARD_LIMIT), point_links, home, limit, backwards)
    first, last = mode.window_minutes
    minutes = np.arange(first, last) * search.MINUTE
    clock = (-minutes if backwards else minutes[::-1]).astype(np.int32)
    ranks = tuple(_rank(share, len(clock)) for share in (mode.percentile, 25, 75))
    feet: tuple[Any, ...] = laid.feet
    out: tuple[Any, ...] = ways_out
    budget = None if mode.max_total_walk_minutes is None else _ds(mode.max_total_walk_minutes)
    if budget is not None:  # the way between home and stop is a walk unless it is ridden, too
        feet, out = (*feet, laid.foot_walk), (*out, int(home.rules == "walk"))
    query = (clock, limit, mode.max_rides, laid.kernel, feet, out)
    calls = [
        (query, ways_in[bounds[site] : bounds[site + 1]], len(people), direct[site], ranks, budget)
        for site in range(len(sites))
    ]
    return search.each(_one_site, calls, executor=executor, progress=progress)


def _one_site(
    query: tuple[Any, ...],
    access: npt.NDArray[Any],
    points: int,
    direct: tuple[Ints, Costs],
    ranks: tuple[int, ...],
    budget: int | None = None,
) -> RideTimes:
    """Search from one site and sort what the minutes of the window give."""
    clock, limit, rides, kernel, feet, exits = query
    if budget is None:
        ridden, costs = search_rides(clock, limit, rides, kernel, feet, exits, access, points)
    else:
        ridden, costs = search_limited(clock, limit, rides, kernel, feet, exits, access, points, budget)
    by_itself = np.full(points, FAR, np.int32)
    by_itself[direct[0]] = direct[1]
    np.minimum(costs, by_itself[ridden, None], out=costs)
    costs.sort(axis=1)
    within = costs[:, ranks[0]] <= limit
    # Who is near enough without any ride, and reached by none, takes as long at any minute.
    by_itself[ridden] = FAR
    near = np.flatnonzero(by_itself != FAR)
    point = np.concatenate([ridden[within], near])
    order = np.argsort(point, kind="stable")
    figures = costs[within][:, ranks]
    figures = np.concatenate([figures, np.repeat(by_itself[near, None], len(ranks), axis=1)])[order].T
    share = np.concatenate([(costs[within] <= limit).mean(axis=1), np.ones(len(near))])[order]
    return RideTimes(point[order], figures[0], figures[1:], share)


def _direct(
    streets: StreetNetwork,
    site_links: pd.DataFrame,
    point_links: pd.DataFrame,
    home: Profile,
    limit: int,
    backwards: bool,
) -> list[tuple[Ints, Costs]]:
    """Return for each site the points within the limit without any ride, and what they cost."""
    graph = mode_graph(streets, home, backwards=backwards)
    site_rows, sites = positions(site_links, graph, home)
    point_rows, points = positions(point_links, graph, home)
    source, target, cost = search.times(search.prepare(graph, sites, points), limit)
    site, point = site_rows[source], point_rows[target]
    bounds = np.searchsorted(site, np.arange(len(site_links) + 1))
    return [(point[a:b], cost[a:b]) for a, b in itertools.pairwise(bounds)]


def _rank(percent: float, count: int) -> int:
    """Return which of `count` sorted values is the least that `percent` of them do not exceed (nearest rank)."""
    return max(0, int(np.ceil(percent / 100 * count - 1e-9)) - 1)


def _ds(minutes: float) -> int:
    return round(minutes * search.MINUTE)


def _ptr(group: pd.Series, groups: int) -> npt.NDArray[Any]:
    return _plain(np.concatenate([[0], np.cumsum(np.bincount(group.to_numpy(np.int64), minlength=groups))]))
