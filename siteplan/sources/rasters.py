"""Rectangles of rasters put together as one, and written whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.errors import FetchError
from siteplan.sources.windows import Pixels, moved, no_data, placed
from siteplan.sources.writing import place_file

__all__ = ["mosaic", "write_raster"]

MOST_PIXELS = 100_000_000  # of one file: 300 km by 300 km at 30 m
NEAR = 1e-6  # of a pixel: rasters that lie together to that are on one grid


def mosaic(
    parts: Sequence[Pixels], what: str, nodata: float, *, bounds: tuple[float, float, float, float] | None = None
) -> Pixels:
    """Put rectangles of one CRS together; where they overlap, the first that has a value counts.

    What lies on the grid of the finest (the first of several) is copied; what does not, as terrain tiles of another
    width, is drawn between its own pixels.

    Parameters
    ----------
    parts
        At least one.
    what
        What to call them in messages.
    nodata
        What stands for no value in the result.
    bounds
        What the result holds at least (west, south, east, north in the CRS of the parts), with values or without.

    Raises
    ------
    FetchError
        They are of several CRS, or far from each other.
    """
    first = min(parts, key=lambda part: abs(part.transform.a))
    if any(part.crs != first.crs for part in parts):
        raise FetchError(f"{what} has parts in several CRS; it is not the file that this source is known by")
    edges = np.array([_edges(part, first.transform) for part in parts])
    corners = edges.reshape(-1, 2)
    if bounds is not None:
        west, south, east, north = bounds
        more = [placed(~first.transform, *corner) for corner in ((west, north), (east, south))]
        corners = np.concatenate([corners, more])
    left, top = np.floor(corners.min(axis=0) + NEAR).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) - NEAR).astype(int)
    if (right - left) * (bottom - top) > MOST_PIXELS:
        raise FetchError(
            f"{what}: the place is {right - left:,} by {bottom - top:,} pixels wide; expected at most {MOST_PIXELS:,} "
            "of them, on one side of the 180th meridian: fetch parts of it, with --bbox"
        )
    transform = moved(first.transform, int(left), int(top))
    values = np.full((bottom - top, right - left), nodata, np.float32)
    for part, (at, row, stop, end) in zip(parts, edges, strict=True):
        on_grid = np.abs(np.array([at, row, stop, end]) - np.rint([at, row, stop, end])).max() < NEAR
        same = on_grid and round(stop - at) == part.data.shape[1] and round(end - row) == part.data.shape[0]
        if same:
            rows, columns = (slice(round(a - o), round(b - o)) for a, b, o in ((row, end, top), (at, stop, left)))
            found = np.where(no_data(part), nodata, part.data.astype(np.float32))
            into = values[rows, columns]
        else:
            found, into = _drawn(part, transform, values.shape, nodata), values
        into[into == nodata] = found[into == nodata]
    return Pixels(values, transform, first.crs, nodata)


def _edges(part: Pixels, grid: Any) -> tuple[float, float, float, float]:
    """Return where a rectangle lies on a grid: first column and row, and those behind its last."""
    high, wide = part.data.shape
    west, north = placed(~grid, *placed(part.transform, 0, 0))
    east, south = placed(~grid, *placed(part.transform, wide, high))
    return west, north, east, south


def _drawn(part: Pixels, transform: Any, shape: tuple[int, ...], nodata: float) -> npt.NDArray[np.float32]:
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    values = np.full(shape, nodata, np.float32)
    reproject(
        np.where(no_data(part), nodata, part.data.astype(np.float32)),
        values,
        src_transform=part.transform,
        src_crs=part.crs,
        src_nodata=nodata,
        dst_transform=transform,
        dst_crs=part.crs,
        dst_nodata=nodata,
        resampling=Resampling.bilinear,
    )
    return values


def write_raster(pixels: Pixels, path: Path) -> None:
    """Write a GeoTIFF, whole or not at all; the same pixels give the same bytes.

    Raises
    ------
    FetchError
        The folder cannot be written.
    """
    from rasterio.io import MemoryFile

    high, wide = pixels.data.shape
    options = {"compress": "deflate", "zlevel": 9, "tiled": True, "blockxsize": 256, "blockysize": 256}
    if pixels.data.dtype.kind == "f":
        options["predictor"] = 3
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=wide,
            height=high,
            count=1,
            dtype=pixels.data.dtype,
            crs=pixels.crs,
            transform=pixels.transform,
            nodata=pixels.nodata,
            **options,
        ) as raster:
            raster.write(pixels.data, 1)
        place_file(path, memory.read())
