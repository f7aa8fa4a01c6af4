"""Where the people of a cell meet the streets: cells become points of demand."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.doors import door
from siteplan.errors import InputError
from siteplan.geo import lonlat_bounds, require_metric
from siteplan.network.snapping import LIMIT, link
from siteplan.network.streets import StreetNetwork

__all__ = ["LARGE_M2", "place_people", "totals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Up to 0.2 km2 (250 m grids, H3 resolution 9) one point stands for all: nobody in a square of that size is more than
# 320 m, four minutes on foot, from its middle. In a 1 km cell it is up to 710 m, nine of fifteen minutes.
LARGE_M2 = 200_000.0
GRAIN = 100.0  # metres: how finely the outline of the streets is drawn


@door()
def place_people(
    cells: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    spacing: float = 100.0,
    large_m2: float = LARGE_M2,
    link_m: float = 300.0,
) -> gpd.GeoDataFrame:
    """Turn cells into points: a small cell has one, the people of a large one are spread along the streets inside it.

    Along the streets people live on (else any that may be walked) positions follow each other at even distances, each
    standing for the same length of street and so for the same number of people: systematic sampling, dasymetric
    mapping along streets (Reibel & Bufalino 2005). Where a cell reaches beyond the outline of the streets, the part
    of its people that the part of its area says has one point out there.

    Parameters
    ----------
    cells
        Unique index `cell`; columns `people` (NaN = missing) and groups (all other numbers); polygons or points in any
        CRS.
    streets
        The network whose edges they meet.
    spacing
        Metres of street from one position to the next.
    large_m2
        Cells above this area are spread.
    link_m
        Metres from a point to the nearest street, beyond which its people are "too far"; it moves no point.

    Returns
    -------
    GeoDataFrame
        Index `point` (0, 1, ... in the order of the cells); columns `cell`, `people`, the groups (shared out: they sum
        to the cell's), `status` ("placed", "too far" from any street, on an "island", "missing" people); points in the
        CRS of the streets. Every cell is there.

    Raises
    ------
    InputError
        If the table lacks people or a CRS, an id stands twice, or a length is not positive.

    Examples
    --------
    >>> people = sp.place_people(cells, streets)
    >>> int(people["people"].sum()), sorted(people["status"].unique())
    (49742, ['island', 'missing', 'placed'])
    """
    for name, value in {"spacing": spacing, "large_m2": large_m2, "link_m": link_m}.items():
        if not value > 0:
            raise InputError(f"{name}={value:g}: expected a number of metres above 0")
    if "people" not in cells.columns or not cells.index.is_unique:
        lack = "an id stands twice in the index" if "people" in cells.columns else "no column 'people'"
        raise InputError(f"cells: {lack}; expected a table as read_population gives it")
    require_metric(streets.crs, "the streets")
    lonlat_bounds(cells, "cells")
    shapes = cells.geometry.to_crs(streets.crs).to_numpy()
    groups = [column for column in cells.select_dtypes("number").columns if column != "people"]
    spread = _spread(cells, shapes, groups, large_m2)
    row, spots = _along_streets(shapes, spread, streets, spacing)
    points = np.bincount(row, minlength=len(cells))
    share = 1.0 / points[row]
    border, beyond, part = _beyond_streets(shapes, np.unique(row), streets)
    share *= 1.0 - np.bincount(border, part, len(cells))[row]
    # A large cell without any street has one point, like a small one.
    lone = np.flatnonzero(points == 0)
    row = np.concatenate([row, border, lone])
    spots = np.concatenate([spots, beyond, _middles(shapes[lone])])
    share = np.concatenate([share, part, np.ones(len(lone))])
    # A stable sort keeps the order along the streets within each cell.
    order = np.argsort(row, kind="stable")
    return _points(cells, streets, row[order], spots[order], share=share[order], groups=groups, link_m=link_m)


def totals(points: gpd.GeoDataFrame) -> dict[str, float]:
    """Count people in, placed, too far from any street and on islands, and the cells whose people are missing.

    ``in`` is the sum over all points, so ``in = placed + too_far + island``.
    """
    people = points["people"].fillna(0.0)
    by_status = {status: float(people[points["status"] == status].sum()) for status in ("placed", "too far", "island")}
    return {
        "in": float(people.sum()),
        "placed": by_status["placed"],
        "too_far": by_status["too far"],
        "island": by_status["island"],
        "missing_cells": int(points.loc[points["status"] == "missing", "cell"].nunique()),
    }


def _spread(
    cells: gpd.GeoDataFrame, shapes: npt.NDArray[np.object_], groups: Sequence[str], large_m2: float
) -> npt.NDArray[np.intp]:
    """Say which rows are large cells with somebody to spread."""
    anybody = (cells[["people", *groups]].to_numpy(dtype=np.float64, na_value=0.0) > 0).any(axis=1)
    return np.flatnonzero((shapely.area(shapes) > large_m2) & anybody)


def _along_streets(
    shapes: npt.NDArray[np.object_], spread: npt.NDArray[np.intp], streets: StreetNetwork, spacing: float
) -> tuple[Ints, npt.NDArray[np.object_]]:
    """Find the positions along the streets inside each large cell: the row of the cell and the point."""
    if not spread.size:
        return np.empty(0, np.int64), np.empty(0, object)
    edges = streets.edges
    lines = edges.geometry.to_numpy()
    homes, walk = (np.flatnonzero(edges[use].to_numpy()) for use in ("homes", "walk"))
    row, pieces = _inside(shapes, spread, lines[homes])
    without = np.setdiff1d(spread, row)
    if without.size:
        more_rows, more_pieces = _inside(shapes, without, lines[walk])
        row, pieces = np.concatenate([row, more_rows]), np.concatenate([pieces, more_pieces])
    return _positions(row, pieces, spacing)


def _beyond_streets(
    shapes: npt.NDArray[np.object_], rows: npt.NDArray[np.intp], streets: StreetNetwork
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_], Floats]:
    """Find the cells that reach beyond the streets of the extract: row, a point out there, and the part of the area.

    Streets end at the border of an extract, people do not: those of the part of a cell beyond the streets' outline (a
    concave hull) must not be crowded onto the part within. How far people may be from a street moves nobody.
    """
    if not rows.size:  # the outline takes longer than all else
        return rows, np.empty(0, object), np.empty(0)
    places = np.unique(np.round(streets.at(*streets.spaced(GRAIN)) / GRAIN) * GRAIN, axis=0)
    everywhere: Any = shapely.multipoints(places)
    known = shapely.buffer(shapely.union_all([shapely.concave_hull(everywhere, ratio=0.1), everywhere]), LIMIT)
    outside = shapely.difference(shapes[rows], known)
    part = shapely.area(outside) / shapely.area(shapes[rows])
    some = part > 1e-9
    return rows[some], np.asarray(shapely.point_on_surface(outside[some]), dtype=object), part[some]


def _inside(
    shapes: npt.NDArray[np.object_], rows: npt.NDArray[np.intp], lines: npt.NDArray[np.object_]
) -> tuple[Ints, npt.NDArray[np.object_]]:
    """Cut lines at the outlines of cells: for each piece inside, the row of its cell, sorted by row and line."""
    cells = shapes[rows]
    shapely.prepare(cells)
    tree = shapely.STRtree(lines)
    cell, line = tree.query(cells, predicate="intersects")
    order = np.lexsort((line, cell))
    cell, line = cell[order], line[order]
    pieces = lines[line]
    # Most lines lie inside as they are; only the others need cutting, which costs a hundred times more.
    crossing = np.flatnonzero(~shapely.covers(cells[cell], pieces))
    pieces[crossing] = shapely.intersection(pieces[crossing], cells[cell[crossing]])
    parts, owner = shapely.get_parts(pieces, return_index=True)
    real = shapely.length(parts) > 0
    return rows[cell[owner[real]]].astype(np.int64), parts[real]


def _positions(row: Ints, pieces: npt.NDArray[np.object_], spacing: float) -> tuple[Ints, npt.NDArray[np.object_]]:
    """Lay the pieces of each cell end to end and take the middles of equal stretches of about `spacing` metres."""
    if not row.size:
        return row, np.empty(0, object)
    lengths = shapely.length(pieces)
    owners, first, inverse = np.unique(row, return_index=True, return_inverse=True)
    street = np.bincount(inverse, lengths)
    count = np.maximum(1, np.round(street / spacing)).astype(np.int64)
    owner = np.repeat(np.arange(len(owners)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    ends = np.cumsum(lengths)
    before = ends[first] - lengths[first]
    along = before[owner] + (nth + 0.5) * street[owner] / count[owner]
    last = np.append(first[1:], len(row)) - 1
    # Rounding in the running sum must not push a position into the next cell's streets.
    piece = np.clip(np.searchsorted(ends, along), first[owner], last[owner])
    return owners[owner], shapely.line_interpolate_point(pieces[piece], along - (ends[piece] - lengths[piece]))


def _middles(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Take the centroid, or where that lies outside (a crescent, a ring) a point inside."""
    middles = np.asarray(shapely.centroid(shapes), dtype=object)
    outside = np.flatnonzero(~shapely.intersects(shapes, middles))
    middles[outside] = shapely.point_on_surface(shapes[outside])
    return middles


def _points(
    cells: gpd.GeoDataFrame,
    streets: StreetNetwork,
    row: Ints,
    spots: npt.NDArray[np.object_],
    *,
    share: Floats,
    groups: Sequence[str],
    link_m: float,
) -> gpd.GeoDataFrame:
    data = {"cell": cells.index.to_numpy()[row]}
    for column in ("people", *groups):
        data[column] = cells[column].to_numpy(dtype=np.float64, na_value=np.nan)[row] * share
    index = pd.RangeIndex(len(row), name="point")
    points = gpd.GeoDataFrame(data, index=index, geometry=spots, crs=streets.crs)
    found = link(streets, points, mode="walk", link_m=link_m)
    status = found["status"].to_numpy(dtype=object).copy()
    status[np.isnan(points["people"].to_numpy())] = "missing"
    points.insert(points.columns.get_loc("geometry"), "status", status)
    return points
