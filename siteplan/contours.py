"""Isochrones: polygons cut from one surface of minutes, for the eye. People are counted from the times, not from these.

The surface holds, at the centres of a grid, the least time by the streets plus the walk from them, at most 50 m, taken
out of the budget (the line-based buffer of Oliver et al. 2007, as a surface). Each limit is a contour of it. Beyond a
limit the surface is cut off at the limit plus the time to walk one cell: so a contour depends on nothing but what is
within its own limit, is the same alone or in a list, and a larger limit always contains a smaller.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from siteplan.config import Profile
from siteplan.network.graph import ModeGraph, mode_graph
from siteplan.network.snapping import HARD_LIMIT, as_profile, link, metric_points, positions
from siteplan.network.streets import StreetNetwork
from siteplan.routing.search import Search, deciseconds, each, prepare, runs_backwards
from siteplan.routing.surfaces import search_surface

__all__ = ["isochrones"]

Floats = npt.NDArray[np.float64]

CELL = 25.0  # metres between the values of the surface
REACH = 50.0  # metres off the streets that count as reached
STEP_SECONDS = 10.0  # at most this far apart in time, and a cell in space, stand the places that carry a time


def isochrones(
    streets: StreetNetwork,
    sites: gpd.GeoDataFrame,
    *,
    mode: str | Profile = "walk",
    minutes: Sequence[float] = (15, 20),
    direction: Literal["to", "from"] = "to",
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Draw the area from which each site is reached within each limit.

    Parameters
    ----------
    sites
        Points with a CRS; the index is the site.
    mode
        "walk", "slow_walk", "bike", "pedelec", or a Profile.
    minutes
        Limits; the areas of one site are nested.
    direction
        "to" the site (default) or "from" it.

    Returns
    -------
    GeoDataFrame
        `site`, `mode`, `minutes`, `speed_kmh`, geometry (MultiPolygon in `streets.crs`, with holes; empty for a site
        without a street); one row a site and limit, in this order.

    Raises
    ------
    StudyError, InputError, NetworkError
        As in `travel_times`.
    """
    profile = as_profile(mode)
    limits = deciseconds(sorted(minutes))
    graph = mode_graph(streets, profile, backwards=runs_backwards(direction))
    links = link(streets, sites, mode=profile, limit=HARD_LIMIT)
    rows, sources = positions(links, graph, profile)
    shapes = np.full((len(sites), len(limits)), shapely.MultiPolygon(), dtype=object)
    if len(rows):
        pace = 36 / profile.access_kmh
        # As far as anything that shapes a contour: downhill (by bicycle up to 1.7 times as fast), costs rounded down.
        extent = (limits[-1] + CELL * pace) / 36 * profile.speed_kmh * (2.0 if profile.slope else 1.1) + REACH
        true = metric_points(sites, streets)[rows]
        street = links["edge"].to_numpy()[rows]
        met = streets.at(street, links["offset_m"].to_numpy()[rows] / np.maximum(streets.length[street], 1e-9))
        edge, metres, xy = _places(streets, graph, true, extent, min(CELL, STEP_SECONDS / 3.6 * profile.speed_kmh))
        work = prepare(graph, sources, graph.positions(edge, metres, np.zeros(len(edge), np.int64)))
        ends = np.column_stack([shapely.get_coordinates(true), met])[work.order]

        def draw(k: int) -> list[Any]:
            return _contours(work, k, ends[k], xy, limits, pace)

        for row, drawn in zip(
            rows[work.order], each(draw, [(k,) for k in range(len(rows))], progress=progress), strict=True
        ):
            shapes[row] = drawn
    count = len(limits)
    return gpd.GeoDataFrame(
        {
            "site": np.repeat(sites.index.astype(str).to_numpy(), count),
            "mode": profile.name,
            "minutes": np.tile(np.array(sorted(minutes), float), len(sites)),
            "speed_kmh": profile.speed_kmh,
        },
        geometry=shapes.ravel(),
        crs=streets.crs,
    )


def _places(
    streets: StreetNetwork, graph: ModeGraph, sites: npt.NDArray[np.object_], extent: float, step: float
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return places along the streets that a search may reach: edge, metres along it, and x, y."""
    x, y = shapely.get_coordinates(sites).T
    boxes = shapely.box(x - extent, y - extent, x + extent, y + extent)
    near = np.unique(shapely.STRtree(streets.lines).query(shapely.union_all(boxes)))
    near = near[graph.edge_chain[near] >= 0]
    near = near[np.argsort(graph.leave[graph.edge_chain[near], 0], kind="stable")]  # as the search meets them
    edge, share = streets.spaced(step, near)
    return edge, share * streets.length[edge], streets.at(edge, share)


def _contours(work: Search, k: int, ends: Floats, xy: Floats, limits: npt.NDArray[np.int64], pace: float) -> list[Any]:
    """Return one MultiPolygon per limit around the k-th source."""
    margin = int(np.ceil(CELL * pace))
    beyond = int(limits[-1]) + margin
    grid, west, south = search_surface(
        k, beyond, ends, xy, CELL, REACH, pace, beyond,
        work.graph, work.hanging, work.mates, work.sources, work.targets,
    )  # fmt: skip
    grid = np.round(grid)
    return [_contour(np.minimum(grid, limit + margin), west, south, limit + 0.5) for limit in limits]


def _contour(grid: npt.NDArray[np.float32], west: float, south: float, level: float) -> Any:
    """Return where the surface is below `level`, as a MultiPolygon with its holes.

    The surface holds whole numbers and the level lies between two, so no contour passes through a centre or touches
    another, and the polygons are valid without mending.
    """
    from contourpy import FillType, contour_generator

    rows, columns = grid.shape
    x, y = west + CELL * np.arange(columns), south + CELL * np.arange(rows)
    filled: Any = contour_generator(x, y, grid, fill_type=FillType.OuterOffset).filled(-1.0, level)
    outlines, offsets = filled
    if not outlines:
        return shapely.MultiPolygon()
    coords = np.concatenate(outlines)
    rings = np.cumsum(np.concatenate([[0], *(np.diff(offset) for offset in offsets)]))
    polygons = np.cumsum([0, *(len(offset) - 1 for offset in offsets)])
    parts = np.array([0, len(offsets)])
    return shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, coords, (rings, polygons, parts))[0]
