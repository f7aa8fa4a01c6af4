"""Isochrones: polygons cut from one surface of minutes, for the eye. People are counted from the times, not from these.

The surface holds, at the centres of a grid, the least time by the streets plus the walk from them, less than 50 m and
in whole deciseconds, taken out of the budget (the line-based buffer of Oliver et al. 2007, as a surface). Each limit is
a contour of it. Beyond a limit the surface is cut off at the limit plus the time to walk one cell: so a contour depends
on nothing but what is within its own limit, is the same alone or in a list, and a larger limit always contains a
smaller.

By public transport the surface starts from places along the streets, and their minutes are found by the search that
counts people: so it has its islands around stops. What is reached without a ride is drawn as without a timetable.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import Profile, Rides
from siteplan.doors import as_limits, asked_limits, door
from siteplan.errors import warn
from siteplan.inputs.sites import Places
from siteplan.network.along import distinct
from siteplan.network.graph import ModeGraph, Positions, footing, mode_graph
from siteplan.network.ordering import ordered
from siteplan.network.snapping import HARD_LIMIT, Modes, as_modes, link, measured, metric_points, positions
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, timetable_on
from siteplan.parallel import PARTS, cut, each, lent
from siteplan.routing.nearest import NearestSurface, Surface
from siteplan.routing.query import RideQuery
from siteplan.routing.rides import RideTimes, Window, plan_rides, ride_costs, some_rides
from siteplan.routing.search import MINUTE, Search, costs, prepare_along, room_for, runs_backwards
from siteplan.routing.surfaces import outlines, prepare_places, search_surface, spread_places
from siteplan.units import Unit

__all__ = ["Drawing", "isochrones"]

Floats = npt.NDArray[np.float64]

CELL = 25.0  # metres between the values of the surface
REACH = 2 * CELL  # metres off the streets, less than which count as reached
STEP_SECONDS = 10.0  # at most this far apart in time, and a cell in space, stand the places that carry a time
STEP_RIDES = 50.0  # metres between those whose journeys by public transport are searched
NEXT_TO_NOTHING = 1e-6  # minutes
BLOCK = 32  # sites whose journeys are held at once, at most

Drawn = tuple[list[list[Any]], NearestSurface | None]  # the shapes of some sites, one a limit, and the least surface


@door()
def isochrones(
    streets: StreetNetwork,
    sites: Places,
    *,
    mode: Modes = "walk",
    minutes: float | Sequence[float] | None = None,
    metres: float | Sequence[float] | None = None,
    direction: Literal["to", "from"] = "to",
    transit: Timetable | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Draw the area from which each site is reached within each limit.

    Parameters
    ----------
    sites
        Points with a CRS; the index is the site.
    mode
        "walk", "slow_walk", "bike", "calm", "pedelec", "transit", a Profile, or Rides; or several of them.
    minutes
        Limits, 15 and 20 unless said; the areas of one site are nested.
    metres
        In place of minutes, limits to the length of the way, as in `travel_times`.
    direction
        "to" the site (default) or "from" it.
    transit
        The timetable of a day (`read_transit`), for the mode "transit" or Rides.
    executor
        Any `concurrent.futures.Executor`; threads on all cores by default.
    progress
        Called with (sites done, sites in all).

    Returns
    -------
    GeoDataFrame
        `site`, `mode`, `minutes` and `speed_kmh` (or `metres`), geometry (MultiPolygon in `streets.crs`, with holes;
        empty for a site without a street); one row a mode, site and limit, in this order. By public transport the speed
        is that on foot, the minutes those at the percentile of the window, and both ways count where there is a window
        for the way back.

    Raises
    ------
    StudyError, InputError, NetworkError
        As in `travel_times`.

    Examples
    --------
    >>> rings = sp.isochrones(streets, sites.loc[["S01"]], mode="walk", minutes=[15, 20])
    >>> rings.assign(km2=(rings.area / 1e6).round(1))[["site", "mode", "minutes", "km2"]]
      site  mode  minutes  km2
    0  S01  walk     15.0  2.9
    1  S01  walk     20.0  5.0
    """
    unit, given = asked_limits(minutes, metres)
    how: dict[str, Any] = {"direction": direction, "transit": transit}
    drawings = [Drawing(one, unit, as_limits(given), **how) for one in measured(as_modes(mode), unit)]
    tables = [drawing.of(streets, sites, executor=executor, progress=progress) for drawing in drawings]
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=streets.crs)


@dataclass
class Drawing:
    """How the areas of sites are drawn by one mode, and the surface of all sites that were drawn so far.

    Attributes
    ----------
    profile, unit, limits, direction, transit
        As `isochrones` is given them.
    dissolving
        Whether the surfaces of all sites are put together, for `dissolved`.
    """

    profile: Profile | Rides
    unit: Unit
    limits: Sequence[float]
    direction: Literal["to", "from"] = "to"
    transit: Timetable | None = None
    dissolving: bool = False
    nearest: NearestSurface | None = field(default=None, init=False)
    cutoffs: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.limits = sorted(self.limits)

    def of(
        self,
        streets: StreetNetwork,
        sites: gpd.GeoDataFrame,
        *,
        executor: Executor | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> gpd.GeoDataFrame:
        """Draw some sites, as `isochrones` does."""
        backwards, profile = runs_backwards(self.direction), self.profile
        work: dict[str, Any] = {"executor": executor, "progress": progress, "total": len(sites), "take": self._take}
        if isinstance(profile, Rides):
            timetable = timetable_on(streets, self.transit)
            self.cutoffs = ride_costs(self.limits, profile, timetable)
            ridden, calls = _by_transit(timetable, sites, profile, self.cutoffs, backwards=backwards)
            parts = each(_Ridden.some, calls, shared=(ridden, self.dissolving), **work)
        else:
            self.cutoffs = costs(self.limits, self.unit)
            surfaces = _surfaces(streets, sites, profile, self.cutoffs, backwards=backwards)
            calls = [(surfaces.rows[first:stop],) for first, stop in cut(len(surfaces.rows))]
            parts = each(_Surfaces.some, calls, shared=(surfaces, self.cutoffs, self.dissolving), **work)
        shapes = np.full((len(sites), len(self.limits)), shapely.MultiPolygon(), dtype=object)
        for (rows, *_), drawn in zip(calls, parts, strict=True):
            for row, of_site in zip(rows, drawn, strict=True):
                shapes[row] = of_site
        named = np.repeat(sites.index.astype(str).to_numpy(), len(self.limits))
        return self._table(named, shapes.ravel(), streets.crs)

    def _take(self, _: int, part: Drawn) -> list[list[Any]]:
        """Put the surface of some sites to that of all, in whatever order they come, and give their shapes."""
        drawn, nearest = part
        if self.nearest is None:
            self.nearest = nearest
        elif nearest is not None:
            self.nearest.join(nearest)
        return drawn

    def dissolved(self, crs: Any) -> gpd.GeoDataFrame:
        """Draw what lies within each limit of any of the sites that were drawn, as one area: the contour of the least.

        It holds the area of every site and, between two that meet, up to a cell more than these. Columns as those of
        `isochrones`, but `site` is missing.
        """
        shapes = np.full(len(self.limits), shapely.MultiPolygon(), dtype=object)
        if self.nearest is not None:
            parts: list[list[Any]] = [[] for _ in self.limits]
            pace = _pace(self.profile.access if isinstance(self.profile, Rides) else self.profile)
            for bands in self.nearest.pieces():
                drawn = [_contours(band, self.cutoffs, pace) for band in bands]
                for at, areas in enumerate(zip(*drawn, strict=True)):
                    parts[at] += shapely.get_parts(areas[0] if len(areas) == 1 else shapely.union_all(areas)).tolist()
            shapes[:] = [shapely.MultiPolygon(each) for each in parts]
        return self._table(np.full(len(shapes), None, dtype=object), shapes, crs)

    def _table(self, site: npt.NDArray[np.object_], shapes: npt.NDArray[np.object_], crs: Any) -> gpd.GeoDataFrame:
        """Lay out areas, all limits of a site below each other."""
        columns = {"site": site, "mode": self.profile.name}
        columns[self.unit] = np.tile(np.array(self.limits, float), len(shapes) // len(self.limits))
        if self.unit == "minutes":
            columns["speed_kmh"] = self.profile.speed_kmh
        return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def _pace(profile: Profile) -> float:
    """Return the deciseconds a metre off the streets."""
    return 36 / profile.access_kmh


def _margin(pace: float) -> int:
    """Return how far beyond a limit the surface goes on, in deciseconds."""
    return int(np.ceil(CELL * pace))


def _beyond(profile: Profile, cutoffs: npt.NDArray[np.int64]) -> int:
    """Return how far the surface goes that the limits are cut from, in deciseconds."""
    return int(cutoffs[-1]) + _margin(_pace(profile))


def _extent(profile: Profile, cutoff: float) -> float:
    """Return the metres to anything that shapes a contour: downhill by bicycle up to 1.7 times as fast, rounding."""
    return cutoff / 36 * profile.speed_kmh * (2.0 if profile.slope else 1.1) + REACH


@dataclass(frozen=True)
class _Surfaces:
    """What it takes to compute the surface of each site without rides.

    `rows` are the sites that have a street, in the order in which they are best searched, and `rank` tells where each
    stands there; `ends` is where they are and where they meet the street, `places` are the cells around the targets.
    """

    rows: npt.NDArray[np.int64]
    rank: dict[int, int]
    ends: Floats
    places: tuple[Any, Any]
    beyond: int
    pace: float
    search: Search
    rooms: list[Any]

    def of(self, row: int) -> Surface:
        """Return the surface of a site."""
        work, k = self.search, self.rank[int(row)]
        grain = (CELL, self.pace, self.beyond)
        kernel = (work.graph, work.hanging, work.mates, work.sources, work.targets)
        met = (2, len(work.targets[0]))
        with lent(self.rooms, lambda: (*room_for(work, self.beyond), *np.empty(met, np.int32))) as room:
            found: Surface = search_surface(k, self.beyond, self.ends[k], self.places, grain, kernel, room)
        return found

    def some(self, cutoffs: npt.NDArray[np.int64], dissolving: bool, rows: npt.NDArray[np.int64]) -> Drawn:
        """Draw some sites."""
        return _drawn((self.of(row) for row in rows), cutoffs, self.pace, self.beyond if dissolving else None)


def _surfaces(
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    profile: Profile,
    cutoffs: npt.NDArray[np.int64],
    *,
    backwards: bool,
) -> _Surfaces:
    """Prepare the surfaces of the sites."""
    graph = mode_graph(streets, profile, backwards=backwards)
    links = link(streets, sites, mode=profile, link_m=HARD_LIMIT)
    rows, sources = positions(links, graph, profile)
    pace, beyond = _pace(profile), _beyond(profile, cutoffs)
    true = metric_points(sites, streets)[rows]
    street = links["edge"].to_numpy()[rows]
    met = streets.at(street, links["offset_m"].to_numpy()[rows] / np.maximum(streets.length[street], 1e-9))
    near = _near(streets, graph, shapely.get_coordinates(true), _extent(profile, cutoffs[-1] + CELL * pace))
    edge, share = streets.spaced(min(CELL, STEP_SECONDS / 3.6 * profile.speed_kmh), near)
    targets = graph.positions(edge, share * streets.length[edge], np.zeros(len(edge), np.int64))
    kept = _kept(streets, graph, edge, share, targets=targets)
    edge, share, targets = edge[kept], share[kept], targets.some(kept)  # what is not kept is not held any longer
    work = prepare_along(graph, sources, targets)
    del targets
    ends = np.column_stack([shapely.get_coordinates(true), met])[work.order]
    rows = rows[work.order]
    places = prepare_places(streets.at(edge, share), CELL, pace)
    return _Surfaces(rows, {int(row): k for k, row in enumerate(rows)}, ends, places, beyond, pace, work, [])


def _near(streets: StreetNetwork, graph: ModeGraph, centres: Floats, extent: float) -> npt.NDArray[np.int64]:
    """Return the edges that a search may reach around some centres, as it meets them."""
    near = np.flatnonzero(streets.reaching(centres, extent))
    near = near[(graph.edge_chain[near] >= 0) & ~streets.passages[near]]  # nobody works on the water
    chain = graph.edge_chain[near]
    return near[ordered(graph.leave[chain, 0], chain)]


def _kept(
    streets: StreetNetwork, graph: ModeGraph, edge: npt.NDArray[np.int64], share: Floats, *, targets: Positions
) -> npt.NDArray[np.int64]:
    """Return which places along edges to search, of those at a node that cost what the node does the first alone.

    So does an end of an edge inside of a chain, and one where every trip that comes to the node may go on into the
    chain: no other end there costs less, whoever comes.
    """
    end = np.flatnonzero((share == 0) | (share == 1))
    at_u, chain = share[end] == 0, targets.chain[end]
    node = np.where(at_u, streets.u[edge[end]], streets.v[edge[end]])
    side = (at_u == graph.edge_flip[edge[end]]).astype(np.int64)
    leads_on = np.where(side, targets.backward[end], targets.forward[end]) >= 0
    leads_on &= graph.leave[chain, side] == graph.arrive[chain, side]
    same = leads_on | (graph.first_copy[node] < 0)
    end, node = end[same], node[same]
    first = np.empty(streets.node_count, np.int64)
    first[node[::-1]] = end[::-1]
    return np.delete(np.arange(len(edge)), end[first[node] != end])


# By public transport --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ridden:
    """What it takes to draw each site with rides: of each way its surfaces and the search of its journeys to `xy`.

    There is one way or, where a way back is asked for, what is within both is drawn.
    """

    surfaces: list[_Surfaces]
    windows: list[Window]
    xy: Floats
    rides: Rides
    cutoffs: npt.NDArray[np.int64]

    def some(self, dissolving: bool, rows: npt.NDArray[np.int64], own: list[tuple[Any, Any, Any]]) -> Drawn:
        """Draw some sites; `own` is what they have of their own, by way."""
        found = [some_rides(window, *sites) for window, sites in zip(self.windows, own, strict=True)]
        pace, beyond = _pace(self.rides.access), _beyond(self.rides.access, self.cutoffs)
        surfaces = (self._of(int(row), [way[k] for way in found]) for k, row in enumerate(rows))
        return _drawn(surfaces, self.cutoffs, pace, beyond if dissolving else None)

    def _of(self, row: int, found: list[RideTimes]) -> Surface | None:
        """Return the surface of a site; None of one that has no way from anywhere."""
        pace, beyond, both = _pace(self.rides.access), _beyond(self.rides.access, self.cutoffs), []
        for surface, one in zip(self.surfaces, found, strict=True):
            alone = self.rides.direct_walk_minutes
            there = [_no_longer(surface.of(row), alone, beyond)] if row in surface.rank else []
            if len(one.point):
                there.append(spread_places(self.xy[one.point], np.ascontiguousarray(one.cost), CELL, pace, beyond))
            if not there:
                return None
            both.append(_joined(there, np.minimum, beyond))
        return _joined(both, np.maximum, beyond)


def _by_transit(
    transit: Timetable,
    sites: gpd.GeoDataFrame,
    rides: Rides,
    cutoffs: npt.NDArray[np.int64],
    *,
    backwards: bool,
) -> tuple[_Ridden, list[tuple[Any, ...]]]:
    """Return what draws some sites, and what each call of it has of its own."""
    beyond = _beyond(rides.access, cutoffs)
    # Whoever goes all the way without a ride is on the surface of that way, which ends where it does.
    if transit.feed.on_demand.rides.size and rides.on_demand_wait_minutes is not None:
        warn("isochrones: rides on demand (GTFS-Flex) are not drawn; the tables of minutes have them")
        rides = rides.with_(on_demand_wait_minutes=None)
    ridden = rides.with_(direct_walk_minutes=NEXT_TO_NOTHING)
    ways = [(ridden, backwards)]
    if rides.back is not None:
        ways.append((ridden.with_(window=rides.back), not backwards))
    places = _stop_places(transit, rides)
    xy = np.ascontiguousarray(shapely.get_coordinates(places.geometry.to_numpy()))
    surfaces = [_surfaces(transit.streets, sites, rides.access, cutoffs, backwards=way) for _, way in ways]
    plans = [plan_rides(RideQuery(transit, sites, places, mode, beyond, way)) for mode, way in ways]
    calls = [
        (np.arange(first, stop), [plan.of(first, stop) for plan in plans])
        for first, stop in cut(len(sites), max(PARTS, -(-len(sites) // BLOCK)))
    ]
    return _Ridden(surfaces, [plan.window for plan in plans], xy, rides, cutoffs), calls


def _no_longer(surface: Surface, minutes: float | None, beyond: int) -> Surface:
    """Leave out what takes longer than the longest way without a ride, if there is one."""
    if minutes is None:
        return surface
    grid, west, south = surface
    return np.where(grid > minutes * MINUTE, np.float32(beyond), grid), west, south


def _stop_places(transit: Timetable, rides: Rides) -> gpd.GeoDataFrame:
    """Return the places along the streets from which a stop in use may be within the longest way to it."""
    return transit.remember(("places", rides.access, rides.home_minutes), lambda: _make_stop_places(transit, rides))


def _make_stop_places(transit: Timetable, rides: Rides) -> gpd.GeoDataFrame:
    streets, profile, doors = transit.streets, rides.access, transit.doors
    spots = shapely.get_coordinates(doors.geometry.to_numpy()[(doors["status"] == "placed").to_numpy()])
    # Only on streets that people are linked to: the search links these places as it does homes.
    near = streets.reaching(spots, _extent(profile, rides.home_minutes * MINUTE), finer=2)
    near &= footing(streets, profile).trusted & ~streets.areas
    xy = np.round(streets.at(*streets.spaced(STEP_RIDES, np.flatnonzero(near))), 2)
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*distinct(xy).T), crs=streets.crs)


def _joined(surfaces: list[Surface], choose: np.ufunc, beyond: int) -> Surface:
    """Lay surfaces over each other in one frame and choose between their values, `beyond` where one has none."""
    west, south = min(s[1] for s in surfaces), min(s[2] for s in surfaces)
    corners = [(round((w - west) / CELL), round((s - south) / CELL)) for _, w, s in surfaces]
    columns = max(column + grid.shape[1] for (column, _), (grid, _, _) in zip(corners, surfaces, strict=True))
    rows = max(row + grid.shape[0] for (_, row), (grid, _, _) in zip(corners, surfaces, strict=True))
    layers = np.full((len(surfaces), rows, columns), np.float32(beyond), np.float32)
    for layer, (column, row), (grid, _, _) in zip(layers, corners, surfaces, strict=True):
        layer[row : row + grid.shape[0], column : column + grid.shape[1]] = grid
    return choose.reduce(layers), west, south


# Contours -------------------------------------------------------------------------------------------------------------


def _drawn(
    surfaces: Iterable[Surface | None], cutoffs: npt.NDArray[np.int64], pace: float, beyond: int | None
) -> Drawn:
    """Draw the contours of some surfaces, and put the surfaces together where it is told what is `beyond` them."""
    nearest, shapes = None if beyond is None else NearestSurface(CELL, beyond), []
    for surface in surfaces:
        if surface is None:
            shapes.append([shapely.MultiPolygon()] * len(cutoffs))
            continue
        shapes.append(_contours(surface, cutoffs, pace))
        if nearest is not None:
            nearest.add(surface)
    return shapes, nearest


def _contours(surface: Surface, cutoffs: npt.NDArray[np.int64], pace: float) -> list[Any]:
    """Return one MultiPolygon per limit."""
    margin = _margin(pace)
    return [_contour(surface, cutoff + 0.5, float(cutoff + margin)) for cutoff in cutoffs]


def _contour(surface: Surface, level: float, most: float) -> Any:
    """Return where the surface, cut off at `most`, is below `level`, as a MultiPolygon with its holes.

    The surface holds whole numbers and the level lies between two, so no contour passes through a centre or touches
    another, and the polygons are valid without mending.
    """
    xy, rings, polygons = outlines(*surface, CELL, level, most)
    parts = np.array([0, len(polygons) - 1])
    return shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy, (rings, polygons, parts))[0]
