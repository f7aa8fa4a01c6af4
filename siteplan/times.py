"""The waist: from where the people are, to which site, in how many minutes, by which mode."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.catalogue import Measure
from siteplan.config import Profile, Rides
from siteplan.doors import as_limits, asked_limits, door, renamed
from siteplan.errors import warn
from siteplan.inputs.sites import Places
from siteplan.network.graph import mode_graph
from siteplan.network.kept import linked
from siteplan.network.ordering import ordered
from siteplan.network.snapping import HARD_LIMIT, Modes, as_modes, as_profile, measured, positions
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, timetable_on
from siteplan.routing import search
from siteplan.routing.query import RideQuery
from siteplan.routing.rides import RideTimes, ride_costs, ride_times
from siteplan.units import Unit

__all__ = ["reach_totals", "times_by_tile", "travel_times"]

Direction = Literal["to", "from"]


@renamed(limit="minutes")
@door()
def travel_times(
    streets: StreetNetwork,
    sites: Places,
    people: Places,
    *,
    mode: Modes = "walk",
    minutes: float | Sequence[float] | None = None,
    metres: float | Sequence[float] | None = None,
    direction: Direction = "to",
    transit: Timetable | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the minutes (or metres) between every site and every point within a limit, along the streets.

    The time is that of the fastest way: from the point to its street at walking speed, along the streets by the
    profile, and from the street to the site at walking speed. It is exact to the decisecond on whole-decisecond street
    costs (Dijkstra 1959), and the same from whichever side it is searched: sites or points, whichever are fewer.

    Parameters
    ----------
    sites, people
        Points with a CRS; index of `sites` is the site, index of `people` the point. People are linked to streets
        within 300 m, or what the mode says (`link_m`), sites (put where they are on purpose) within 1,600 m.
    mode
        "walk", "slow_walk", "bike", "calm", "pedelec", "transit", a Profile, or Rides; or several of them.
    minutes
        The limit, at most 240 (of a mode that rides, as far as `read_transit` was told); of several the longest. It is
        20 where there are no `metres`; `limit` is an older name.
    metres
        In place of minutes, a limit to the length of the way, at most 50,000: the ways that the mode may use, each as
        long as it is, be it stairs, a slope, a ferry or a lift, and the way between door and street. Not by transit.
    direction
        "to" the site (the default: people come) or "from" it.
    transit
        The timetable of a day (`read_transit`), for the mode "transit" or Rides.
    executor
        Any `concurrent.futures.Executor`; threads on all cores by default.
    progress
        Called with (searches done, searches in all).

    Returns
    -------
    DataFrame
        `site` (categorical), `point`, `mode` (categorical), `minutes` (or `metres`, exact to the decimetre along
        whole-decimetre streets); ordered by site and point. An absent row is out of reach.
        By public transport `minutes` are those at the percentile of the window, and `minutes_p25`, `minutes_p75`
        (missing where the site is reached more rarely) and `share`, the part of the window's minutes within the limit,
        stand beside them. With a window for the way back, a row stands for both ways within the limit, and each figure
        is that of the worse of the two.

    Raises
    ------
    StudyError, InputError, NetworkError
        An unknown mode, a limit out of range, places without CRS, streets closed to the mode.

    Examples
    --------
    >>> times = sp.travel_times(streets, sites, people, mode="walk", minutes=20)
    >>> times.head(2).round(1)
      site  point  mode  minutes
    0  S01    559  walk     19.0
    1  S01    562  walk     17.5
    """
    how: dict[str, Any] = {"direction": direction, "executor": executor, "progress": progress}
    unit, asked = asked_limits(minutes, metres, 20)
    limits = as_limits(asked)
    profile, *others = measured(as_modes(mode), unit)
    if others:
        how |= {unit: limits, "transit": transit}
        tables = (travel_times(streets, sites, people, mode=one, **how) for one in (profile, *others))
        return _joined(list(tables))
    if isinstance(profile, Rides):
        timetable = _timetable(streets, transit, (sites, people), profile)
        return _by_transit(timetable, sites, people, profile, limits=limits, **how)
    cutoff = search.costs(limits, unit).max()
    work, from_points, site_rows, point_rows = _prepared(streets, sites, people, profile, direction=direction)
    start, end, cost = search.times(work, cutoff, executor=executor, progress=progress)
    site, point = start, end
    if from_points:
        order = ordered(end)
        site, point, cost = end[order], start[order], cost[order]
    del work, start, end  # of a country, hundreds of megabytes each
    return _table(sites, people, profile, unit, rows=(site_rows[site], point_rows[point], cost))


def times_by_tile(
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    profile: Profile | Rides,
    *,
    limit: tuple[Unit, float],
    tile: npt.NDArray[np.int64],
    take: Callable[[int, pd.DataFrame], object],
    direction: Direction = "to",
    transit: Timetable | None = None,
    means: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Give the table that `travel_times` returns tile by tile, as soon as all sites of a tile were searched.

    Parameters
    ----------
    tile
        The tile of each site, from 0 up; -1 of the sites that are not searched.
    take
        Is called once for each tile, with its number and its table.
    means
        What a search is told of how to do it: `progress`, `executor`.
    """
    unit, longest = limit
    if isinstance(profile, Rides):
        timetable, total, done = _timetable(streets, transit, (sites, people), profile), int((tile >= 0).sum()), 0

        def tell(here: int, _: int) -> None:
            if means.get("progress") is not None:
                means["progress"](done + here, total)

        how: dict[str, Any] = {"direction": direction, "executor": means.get("executor"), "progress": tell}
        people = people.to_crs(timetable.streets.crs)  # once, not for every tile
        for number in np.unique(tile[tile >= 0]).tolist():
            some = sites[tile == number]
            take(number, _by_transit(timetable, some, people, profile, limits=[longest], **how))
            done += len(some)
        return
    work, _, site_rows, point_rows = _prepared(streets, sites, people, profile, direction=direction, from_points=False)

    def found(number: int, rows: npt.NDArray[Any]) -> None:
        take(number, _table(sites, people, profile, unit, rows=(site_rows[rows[0]], point_rows[rows[1]], rows[2])))

    of_source = tile[site_rows]
    for number in sorted({*tile[tile >= 0].tolist()} - {*of_source.tolist()}):  # no site of which has a street
        found(number, np.empty((3, 0), np.int32))
    cutoff = int(search.costs([longest], unit).max())
    search.times_by_tile(work, cutoff, of_source, found, **means)


def _table(
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    profile: Profile,
    unit: Unit,
    *,
    rows: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]],
) -> pd.DataFrame:
    """Name the sites and points of what was found, which are rows of their tables, and give the costs as times."""
    site, point, cost = rows
    columns = {
        "site": pd.Categorical.from_codes(site.astype(np.int32), pd.Index(sites.index.astype(str))),
        "point": people.index.to_numpy()[point],
        "mode": pd.Categorical.from_codes(np.zeros(len(cost), np.int8), pd.Index([profile.name])),
        unit: cost / search.COST[unit],
    }
    return pd.DataFrame(columns, copy=False)


def _timetable(
    streets: StreetNetwork,
    transit: Timetable | None,
    ends: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
    rides: Rides,
) -> Timetable:
    """Return the timetable that is ridden, after saying which places have no street to its stops."""
    timetable = timetable_on(streets, transit)
    for places, walk, what in zip(ends, (rides.walk, rides.access), ("sites", "points"), strict=True):
        _linked(timetable.streets, places, walk, what)
    return timetable


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the minutes of several modes below each other, the modes in the order asked."""
    modes = [str(name) for table in tables for name in table["mode"].cat.categories]
    plain = [table.astype({"mode": object}) for table in tables]
    return pd.concat(plain, ignore_index=True).astype({"mode": pd.CategoricalDtype(modes)})


def _by_transit(
    transit: Timetable,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    rides: Rides,
    *,
    limits: Sequence[float],
    direction: Direction,
    executor: Executor | None,
    progress: Callable[[int, int], None] | None,
) -> pd.DataFrame:
    """Lay the journeys of every site out as one table."""
    cutoff, backwards = int(ride_costs(limits, rides, transit).max()), search.runs_backwards(direction)

    def searched(mode: Rides, backwards: bool) -> pd.DataFrame:
        query = RideQuery(transit, sites, people, mode, cutoff, backwards)
        found = ride_times(query, executor=executor, progress=progress)
        return _journeys(found, cutoff / search.MINUTE)

    table = searched(rides, backwards)
    if rides.back is not None:
        table = _both_ways(table, searched(rides.with_(window=rides.back), not backwards))
    names = pd.Index(sites.index.astype(str))
    return table.assign(
        site=pd.Categorical.from_codes(table["site"].to_numpy(), names),
        point=people.index.to_numpy()[table["point"]],
        mode=pd.Categorical.from_codes(np.zeros(len(table), int), pd.Index([rides.name])),
    )[["site", "point", "mode", "minutes", "minutes_p25", "minutes_p75", "share"]]


def _journeys(found: Sequence[RideTimes], minutes: float) -> pd.DataFrame:
    """Return the journeys of all sites below each other: rows of sites and points, minutes and shares."""
    if not found:
        found = [RideTimes(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((2, 0), np.int32), np.zeros(0))]
    quartiles = np.concatenate([one.quartiles for one in found], axis=1) / search.MINUTE
    return pd.DataFrame(
        {
            "site": np.repeat(np.arange(len(found)), [len(one.point) for one in found]),
            "point": np.concatenate([one.point for one in found]),
            "minutes": np.concatenate([one.cost for one in found]) / search.MINUTE,
            "minutes_p25": np.where(quartiles[0] <= minutes, quartiles[0], np.nan),
            "minutes_p75": np.where(quartiles[1] <= minutes, quartiles[1], np.nan),
            "share": np.concatenate([one.share for one in found]),
        }
    )


def _both_ways(there: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """Keep who gets there and home again, with the worse of the two ways in each figure."""
    both = there.merge(back, on=["site", "point"], suffixes=("", "_back"))
    minutes = ["minutes", "minutes_p25", "minutes_p75"]
    worse = {name: np.maximum(both[name], both[f"{name}_back"]) for name in minutes}
    return both.assign(**worse, share=np.minimum(both["share"], both["share_back"]))[there.columns]


@door()
def reach_totals(
    streets: StreetNetwork,
    sites: Places,
    people: gpd.GeoDataFrame,
    *,
    mode: str | Profile = "walk",
    minutes: float | Sequence[float] | None = None,
    metres: float | Sequence[float] | None = None,
    direction: Direction = "to",
    columns: Sequence[str] = ("people",),
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the people within each limit of each site, without the table of minutes: for very many sites.

    Parameters as in `travel_times`; `columns` are the columns of `people` to add up, missing values counting nothing.

    Returns
    -------
    DataFrame
        Index as `sites`; columns `<column>_<mode>_<minutes>`, or `<column>_<mode>_<metres>m`. Sites
        without a street reach nobody.

    Examples
    --------
    >>> sp.reach_totals(streets, sites.loc[["S01", "S02"]], people, mode="walk", minutes=[15])
          people_walk_15
    site
    S01           9437.0
    S02           5543.0
    """
    unit, asked_for = asked_limits(minutes, metres)
    limits = as_limits(asked_for)
    (profile,) = measured([as_profile(mode)], unit)
    assert isinstance(profile, Profile)  # noqa: S101 - as_profile gives no rides
    cutoffs = search.costs(sorted(limits), unit)
    work, from_points, site_rows, point_rows = _prepared(streets, sites, people, profile, direction=direction)
    weights = np.nan_to_num(people[list(columns)].to_numpy(float)[point_rows])
    found = np.zeros((len(sites), len(cutoffs), len(columns)))
    add = search.sums_around if from_points else search.sums
    found[site_rows] = add(work, cutoffs, weights, executor=executor, progress=progress)
    asked = [Measure("reached", column, profile.name, limit, unit) for limit in sorted(limits) for column in columns]
    names = [each.column for each in asked]
    return pd.DataFrame(found.reshape(len(sites), len(cutoffs) * len(columns)), index=sites.index, columns=names)


def _prepared(
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    profile: Profile,
    *,
    direction: Direction,
    from_points: bool | None = None,
) -> tuple[search.Search, bool, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Prepare a search from sites or points, whichever are fewer; say whether from points, and the rows linked."""
    from_points = len(people) < len(sites) if from_points is None else from_points
    graph = mode_graph(streets, profile, backwards=search.runs_backwards(direction) != from_points)
    site_rows, site_places = positions(_linked(streets, sites, profile, "sites"), graph, profile)
    point_rows, point_places = positions(_linked(streets, people, profile, "points"), graph, profile)
    ends = (point_places, site_places) if from_points else (site_places, point_places)
    return search.prepare(graph, *ends), from_points, site_rows, point_rows


def _linked(streets: StreetNetwork, places: gpd.GeoDataFrame, profile: Profile, what: str) -> pd.DataFrame:
    """Link places to the streets and say once how many could not be."""
    link_m = HARD_LIMIT if what == "sites" else profile.link_m
    links = linked(streets, places, profile, link_m)
    lost = links["status"] != "placed"
    if lost.any():
        named = ", ".join(map(str, links.index[lost][:5])) + (", ..." if lost.sum() > 5 else "")
        text = (
            f"{int(lost.sum())} of {len(links)} {what} have no street for {profile.name} within {link_m:.0f} m and "
            f"stand in no row of the times ({named}): see link()"
        )
        warn(text)
    return links
