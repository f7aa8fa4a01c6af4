"""Minutes as a raster: what other programs lay under their own maps."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from siteplan.catalogue import by_mode
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.geo import as_crs, require_metric
from siteplan.output.files import whole_file

__all__ = ["write_minutes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PIXEL_M = 100.0
MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class _Grid:
    """A raster's upper left corner, the side of its pixels and its shape, in the unit of its CRS."""

    west: float
    north: float
    side: float
    rows: int
    columns: int


@door()
def write_minutes(
    cells: gpd.GeoDataFrame, path: str | Path, *, crs: Any = None, pixel_m: float = PIXEL_M
) -> dict[str, int]:
    """Write the minutes of each cell as a GeoTIFF: one band a mode, the best of all last.

    Square cells that lie on one grid become one pixel each. Other cells are drawn on a new grid: a pixel has the
    minutes of the cell that its middle lies in, or of the nearest to it of the points that it holds.

    Parameters
    ----------
    cells
        Columns `minutes_<mode>` (missing = out of reach); polygons or points.
    path
        The GeoTIFF to write, whole or not at all; the same bytes for the same cells.
    crs
        The CRS of the raster: that of the population's grid, where the cells were brought into another one. None takes
        that of the cells.
    pixel_m
        The side of the pixels of a new grid, in metres.

    Returns
    -------
    dict
        The number of each band by its name, such as `{"minutes_walk": 1, "minutes_best": 2}`; the bands bear these
        names, too. Float32; NaN is no data: out of reach, or no cell.

    Raises
    ------
    InputError
        Cells without minutes, without a CRS, or in one that is not in metres.
    StudyError
        A raster of more than 50 million pixels, or a folder that cannot be written.

    Examples
    --------
    >>> sp.write_minutes(cells.join(sp.cell_access(times, people)), "minutes.tif")
    {'minutes_walk': 1, 'minutes_best': 2}
    """
    import rasterio

    names = list(by_mode(cells, "minutes").values())
    if not names or cells.geometry.isna().all():
        raise InputError(f"{path}: the cells hold no minutes to write; expected columns such as minutes_walk")
    if crs is None:
        require_metric(cells.crs, "cells")
    placed = cells if crs is None else cells.to_crs(require_metric(as_crs(crs), "crs"))
    placed = placed[~(placed.geometry.isna() | placed.geometry.is_empty)]
    shapes = placed.geometry.to_numpy()
    grid, cell = _own_grid(shapes) or _new_grid(shapes, pixel_m, path)
    bands = [_band(placed[name].to_numpy(dtype=np.float64), cell) for name in names]
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": grid.columns,
        "height": grid.rows,
        "count": len(bands),
        "dtype": "float32",
        "nodata": math.nan,
        "crs": placed.crs.to_wkt(),
        "transform": _transform(grid),
        "compress": "deflate",
        "predictor": 3,
    }
    with whole_file(path) as aside, rasterio.open(aside, "w", **profile) as file:
        for number, (name, band) in enumerate(zip(names, bands, strict=True), start=1):
            file.write(band, number)
            file.set_band_description(number, name)
            file.set_band_unit(number, "minutes")
    return {name: number for number, name in enumerate(names, start=1)}


def _own_grid(shapes: npt.NDArray[np.object_]) -> tuple[_Grid, Ints] | None:
    """Find the grid that squares lie on, and which cell each of its pixels is; None where there is no such grid."""
    bounds = shapely.bounds(shapes)
    low, high = bounds[:, :2], bounds[:, 2:]
    side = float(np.median(high - low))
    # Bringing cells from one CRS into another and back moves their corners by less than a hundredth of a cell.
    if side <= 0 or np.abs(high - low - side).max() > side / 100 or shapely.area(shapes).min() < 0.98 * side**2:
        return None
    west, north = float(low[:, 0].min()), float(high[:, 1].max())
    column, row = (low[:, 0] - west) / side, (north - high[:, 1]) / side
    if max(np.abs(column - column.round()).max(), np.abs(row - row.round()).max()) > 0.01:
        return None
    grid = _Grid(round(west, 3), round(north, 3), round(side, 3), round(row.max()) + 1, round(column.max()) + 1)
    if grid.rows * grid.columns > MOST_PIXELS:
        return None
    cell = np.full((grid.rows, grid.columns), -1, dtype=np.int64)
    cell[row.round().astype(int), column.round().astype(int)] = np.arange(len(shapes))
    return grid, cell


def _new_grid(shapes: npt.NDArray[np.object_], side: float, path: str | Path) -> tuple[_Grid, Ints]:
    """Lay a grid over the cells, and say which cell lies in the middle of each of its pixels."""
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    west, north = math.floor(west / side) * side, math.ceil(north / side) * side
    grid = _Grid(west, north, side, max(1, math.ceil((north - south) / side)), max(1, math.ceil((east - west) / side)))
    if grid.rows * grid.columns > MOST_PIXELS:
        raise StudyError(
            f"{path}: a raster of {grid.rows:,} x {grid.columns:,} pixels of {side:g} m is too large (at most "
            f"{MOST_PIXELS:,}); give larger ones with pixel_m="
        )
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        return grid, _points_on(grid, shapes)
    return grid, _polygons_on(grid, shapes)


def _polygons_on(grid: _Grid, shapes: npt.NDArray[np.object_]) -> Ints:
    from rasterio.features import rasterize

    numbered = ((shape, number) for number, shape in enumerate(shapes))
    drawn = rasterize(numbered, (grid.rows, grid.columns), fill=-1, transform=_transform(grid), dtype="int32")
    cell: Ints = drawn.astype(np.int64)
    return cell


def _points_on(grid: _Grid, shapes: npt.NDArray[np.object_]) -> Ints:
    """Give each pixel the point nearest to its middle, of equals the first."""
    x, y = (shapely.get_x(shapes) - grid.west) / grid.side, (grid.north - shapely.get_y(shapes)) / grid.side
    row = np.clip(np.floor(y).astype(np.int64), 0, grid.rows - 1)
    column = np.clip(np.floor(x).astype(np.int64), 0, grid.columns - 1)
    distance = np.hypot(x - column - 0.5, y - row - 0.5)
    farthest_first = np.argsort(distance, kind="stable")[::-1]
    cell = np.full((grid.rows, grid.columns), -1, dtype=np.int64)
    cell[row[farthest_first], column[farthest_first]] = farthest_first
    return cell


def _band(minutes: Floats, cell: Ints) -> npt.NDArray[np.float32]:
    return np.append(minutes, np.nan)[cell].astype(np.float32)


def _transform(grid: _Grid) -> Any:
    from rasterio import Affine

    return Affine(grid.side, 0, grid.west, 0, -grid.side, grid.north)
