"""What journeys are searched on: a timetable laid out for the kernel, walks to, from and between stops.

All of it in the direction of a search, which begins at a site, and on its clock: deciseconds, negative where the search
runs backwards, towards the site.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Profile, Rides
from siteplan.network.berths import rules_between
from siteplan.network.graph import mode_graph
from siteplan.network.kept import linked
from siteplan.network.ordering import least_rows, ordered
from siteplan.network.snapping import HARD_LIMIT, LIMIT, positions
from siteplan.network.transit import Patterns, Timetable
from siteplan.routing import search
from siteplan.routing.alone import by_oneself
from siteplan.routing.ondemand import lay_rides
from siteplan.routing.query import RideQuery

__all__ = ["Laid", "Layout", "lay_out", "lay_patterns", "lay_timetable", "walks_to_stops"]

Ints = npt.NDArray[np.int64]
Costs = npt.NDArray[np.int32]
SAME_STATION = 200.0  # metres straight between platforms of one station that are walked whatever the streets say


@dataclass(frozen=True)
class Laid:
    """A timetable laid out for the kernel in one direction, the changes between its stops, what of them is walked.

    `slack` is how long (deciseconds) before a departure one must be at a stop.
    """

    kernel: tuple[Any, ...]
    feet: tuple[Any, Any]
    foot_walk: npt.NDArray[Any]
    slack: int


@dataclass(frozen=True)
class Layout:
    """What the journeys of some sites and points are searched on.

        `access` has for each site the stops in reach of it and their cost; `exits` the points in reach of each stop and
    theirs, in CSR form; `by_oneself`, for each site, the points within the limit, and within that of ways
        without any ride, and theirs; `on_demand`, for each site, the rides of `lay_rides`.
    """

    laid: Laid
    access: list[npt.NDArray[Any]]
    exits: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    by_oneself: list[tuple[Ints, Costs]]
    on_demand: list[pd.DataFrame] | None


def lay_out(query: RideQuery) -> Layout:
    """Lay out what journeys are searched on."""
    timetable, sites, mode, backwards = query.timetable, query.sites, query.mode, query.backwards
    streets, home = timetable.streets, mode.home or mode.walk
    site_links = linked(streets, sites, mode.walk, HARD_LIMIT)
    point_links = linked(streets, query.people, home, home.link_m)
    access = walks_to_stops(timetable, site_links, mode, backwards, outward=True)
    access = _at_berths(access, timetable.patterns).sort_values(["place", "stop"])
    alone = query.cutoff if mode.direct_walk_minutes is None else min(query.cutoff, _ds(mode.direct_walk_minutes))
    ways_in, bounds = _plain(access[["stop", "cost"]].to_numpy()), _ptr(access["place"], len(sites))
    near, out = [ways_in[a:b] for a, b in itertools.pairwise(bounds)], _exits(timetable, point_links, mode, backwards)
    return Layout(
        laid=lay_timetable(timetable, mode, backwards),
        access=near,
        exits=out,
        by_oneself=by_oneself(streets, sites, query.people, home, cutoff=alone, backwards=backwards),
        on_demand=lay_rides(query, near, out),
    )


def _exits(
    timetable: Timetable, links: pd.DataFrame, mode: Rides, backwards: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the points in reach of each stop and their cost, in CSR form: laid once for all sites asked in parts."""

    def make() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        exits = walks_to_stops(timetable, links, mode, backwards, outward=False)
        exits = _at_berths(exits, timetable.patterns)
        stop, place, cost = (exits[name].to_numpy() for name in ("stop", "place", "cost"))
        order = ordered(stop, cost, place)  # of millions of rows
        laid = np.column_stack([column.astype(np.int32)[order] for column in (place, cost)])
        return _ptr(exits["stop"], len(timetable.patterns.berth_stops)), laid

    key = ("exits", backwards, mode.access, mode.home_minutes, _spots(links))
    return timetable.remember(key, make)  # type: ignore[no-any-return]


def _spots(links: pd.DataFrame) -> bytes:
    """Return where places meet the streets, as what is remembered of them is found by."""
    return links[["edge", "offset_m", "access_m"]].to_numpy(float).tobytes()


def lay_timetable(timetable: Timetable, mode: Rides, backwards: bool) -> Laid:
    """Lay a timetable out for searches from the sites (`backwards`: towards them), or return what was laid before."""
    walk, slack, longest = mode.walk, _ds(mode.board_slack_minutes), _ds(mode.max_walk_minutes)
    key = (backwards, walk, slack, longest)
    laid: Laid = timetable.remember(key, lambda: _laid(timetable, backwards, walk, slack, longest=longest))
    return laid


def _laid(timetable: Timetable, backwards: bool, walk: Profile, slack: int, *, longest: int) -> Laid:
    """Lay a timetable out. `slack` is how long before a departure one must be at a stop, `longest` the longest walk."""
    *feet, foot_walk = _feet(timetable, backwards, walk, slack, longest=longest)
    kernel = lay_patterns(timetable.patterns, slack, backwards=backwards)
    return Laid(kernel, (feet[0], feet[1]), foot_walk, slack)


def lay_patterns(p: Patterns, slack: int, *, backwards: bool) -> tuple[Any, ...]:
    """Lay the patterns of a feed out for the kernel, whose stops are the feed's berths."""
    on, off = p.departure * 10 - slack, p.arrival * 10
    arrays: list[npt.NDArray[Any]] = [p.ptr, p.berths, p.board, p.alight, p.time_ptr, on, off]
    if backwards:
        # Read from the end, with every time turned into its negative, a timetable is the timetable of the way back.
        turned = (p.ptr[-1] - p.ptr[::-1], p.time_ptr[-1] - p.time_ptr[::-1])
        arrays = [turned[0], p.berths[::-1], p.alight[::-1], p.board[::-1], turned[1], -off[::-1], -on[::-1]]
    ptr, stops = arrays[0], arrays[1]
    pattern = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    calls = np.column_stack([pattern, np.arange(len(stops)) - ptr[pattern]])
    order = ordered(stops)
    call_ptr = np.concatenate([[0], np.cumsum(np.bincount(stops, minlength=len(p.berth_stops)))])
    return (*(_plain(array) for array in arrays), _plain(call_ptr), _plain(calls[order]))


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array.astype(np.uint8 if array.dtype == bool else np.int32))


def _feet(
    timetable: Timetable, backwards: bool, walk: Profile, slack: int, *, longest: int
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
    columns = ("stop", "to", "cost")
    stop, to, cost = (np.concatenate([part[name].to_numpy(np.int64) for part in parts]) for name in columns)
    rows = least_rows(stop, to, cost)
    every = pd.DataFrame({"stop": stop[rows], "to": to[rows], "cost": cost[rows]})
    every = _at_berths(_at_berths(every, timetable.patterns), timetable.patterns, "to")
    every = _with_rules(timetable, every, backwards, walk, slack=slack, longest=longest)
    every = every.iloc[ordered(*(every[name].to_numpy(np.int64) for name in ("stop", "cost", "to")))]
    ptr = _ptr(every["stop"], len(timetable.patterns.berth_stops))
    return ptr, _plain(every[["to", "cost"]].to_numpy()), _plain(every["walk"].to_numpy())


def _at_berths(table: pd.DataFrame, p: Patterns, column: str = "stop") -> pd.DataFrame:
    """Lay what holds for a stop on each of its berths."""
    if len(p.berth_stops) == p.berth_stops.max(initial=-1) + 1:  # no berths but the stops themselves
        return table
    apart = pd.DataFrame({column: p.berth_stops, "berth": np.arange(len(p.berth_stops))})
    return table.merge(apart, on=column).assign(**{column: lambda at: at["berth"]}).drop(columns="berth")


def _across_stations(timetable: Timetable, used: Ints, walk: Profile, longest: int) -> pd.DataFrame:
    """Return the walks between platforms of one station that lie near each other."""
    table = pd.DataFrame({"stop": used, "station": timetable.feed.stops["parent"].to_numpy()[used]})
    table = table[table["station"] >= 0].merge(table, on="station", suffixes=("", "_to"))
    metres = _straight(timetable, table["stop"].to_numpy(), table["stop_to"].to_numpy())
    near = pd.DataFrame({"stop": table["stop"], "to": table["stop_to"], "cost": _walked(metres, walk)})
    return near[(metres <= SAME_STATION) & (near["cost"] <= longest)]


def _straight(timetable: Timetable, first: Ints, second: Ints) -> npt.NDArray[np.float64]:
    """Return the metres between stops as the crow flies."""
    apart: npt.NDArray[np.float64] = timetable.spots[first] - timetable.spots[second]
    metres: npt.NDArray[np.float64] = np.hypot(apart[:, 0], apart[:, 1])
    return metres


def _walked(metres: npt.NDArray[np.float64], walk: Profile) -> npt.NDArray[np.float64]:
    return np.round(metres * 36 / walk.access_kmh)


def _with_rules(
    timetable: Timetable, every: pd.DataFrame, backwards: bool, walk: Profile, *, slack: int, longest: int
) -> pd.DataFrame:
    """Apply transfers.txt: a least time (2) holds, slack included; a forbidden change (3) is taken out.

    A least time also makes a change possible that the streets do not show, where the straight way is within the longest
    walk; it is never shorter than that way. The other types (0, 1) say nothing about time. Stops are berths here, so
    that what is said of certain routes or trips holds for these.
    """
    rules, of = rules_between(timetable.feed), timetable.patterns.berth_stops
    if rules.empty:
        return every.assign(walk=every["cost"])
    ends = ["to_stop", "from_stop"] if backwards else ["from_stop", "to_stop"]
    rules = rules.rename(columns={ends[0]: "stop", ends[1]: "to"}).drop_duplicates(["stop", "to"], keep="last")
    rules = rules[rules["type"].isin([2, 3])]
    joined = every.merge(rules[["stop", "to", "type", "seconds"]], on=["stop", "to"], how="outer")
    straight = _walked(_straight(timetable, of[joined["stop"]], of[joined["to"]]), walk)
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
        rows, doors = positions(_door_links(timetable, walk), graph, walk)
        return _between(
            timetable, walk, rows, search.times(search.prepare(graph, doors, doors), longest), longest=longest
        )

    return timetable.remember(_between_key(backwards, walk, longest), make)  # type: ignore[no-any-return]


def _between_key(backwards: bool, walk: Profile, longest: int) -> tuple[Any, ...]:
    return "walks", backwards, walk, longest


def _between(
    timetable: Timetable, walk: Profile, rows: Ints, found: tuple[npt.NDArray[Any], ...], *, longest: int
) -> pd.DataFrame:
    """Return `stop`, `to`, `cost` of what was found between doors (`rows`), with the walks inside of stations."""
    source, target, cost = found
    stop, inside = timetable.doors["stop"].to_numpy()[rows], _inside(timetable, walk)[rows]
    table = pd.DataFrame({"stop": stop[source], "to": stop[target], "cost": cost + inside[source] + inside[target]})
    return table[table["cost"] <= longest]


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


def walks_to_stops(
    timetable: Timetable, links: pd.DataFrame, mode: Rides, backwards: bool, *, outward: bool
) -> pd.DataFrame:
    """Return `place` (row of `links`), `stop`, `cost` of the ways between places and stops, one a pair.

    `outward`: of sites, from the place to the stop, on foot, ordered by both; otherwise of people, from the stop to the
    place, as they come to it, ordered by stop and place.
    """
    origin, kept = timetable.origin, _kept_doors(timetable)
    if origin is not None and kept is not None:
        near = walks_to_stops(origin, links, mode, backwards, outward=outward)
        return near[near["stop"].isin(origin.doors["stop"][kept])]
    profile, limit = (mode.walk, mode.max_walk_minutes) if outward else (mode.access, mode.home_minutes)
    longest, between = _ds(limit), _between_key(backwards, mode.walk, _ds(mode.max_walk_minutes))

    def make() -> pd.DataFrame:
        graph = mode_graph(timetable.streets, profile, backwards=backwards)
        rows, places = positions(links, graph, profile)
        door_rows, doors = positions(_door_links(timetable, profile), graph, profile)
        # Who walks home from a stop as from stop to stop is searched in one with that, from the same doors.
        both = not outward and between == _between_key(backwards, profile, longest) and not timetable.remembers(between)
        ends = (places, doors) if outward else (doors, places.followed_by(doors) if both else places)
        source, target, cost = search.times(search.prepare(graph, *ends), longest)
        if both:
            home = target < len(places)
            others = source[~home], target[~home] - len(places), cost[~home]
            timetable.remember(between, lambda: _between(timetable, profile, door_rows, others, longest=longest))
            source, target, cost = source[home], target[home], cost[home]
        place, door = (source, target) if outward else (target, source)
        stop_of, inside = timetable.doors["stop"].to_numpy()[door_rows], _inside(timetable, profile)[door_rows]
        if inside.any():  # as in stations with doors of their own
            total = cost + inside[door]
            near = total <= longest
            place, door, cost = place[near], door[near], total[near]
        place, stop, total = rows[place], stop_of[door], cost
        if (np.diff(stop_of) == 0).any():  # else they stand in order, as the search found them
            through = least_rows(*((place, stop) if outward else (stop, place)), total)  # the door that is quickest
            place, stop, total = place[through], stop[through], total[through]
        return pd.DataFrame({"place": place, "stop": stop, "cost": total}, copy=False)

    key = ("to stops", backwards, profile, longest, outward, _spots(links))
    return timetable.remember(key, make)  # type: ignore[no-any-return]


def _ds(minutes: float) -> int:
    return round(minutes * search.MINUTE)


def _ptr(group: pd.Series, groups: int) -> npt.NDArray[Any]:
    return _plain(np.concatenate([[0], np.cumsum(np.bincount(group.to_numpy(np.int64), minlength=groups))]))
