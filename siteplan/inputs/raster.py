"""Population rasters: every pixel with people becomes a cell."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.errors import InputError, listed
from siteplan.formats import DRIVERS
from siteplan.geo import as_crs, boxes_around
from siteplan.inputs.files import Within
from siteplan.inputs.values import refuse_negative

__all__ = ["read_pixels", "windows_around"]


def read_pixels(
    path: Path,
    people: str | None,
    groups: Sequence[str],
    *,
    crs: Any = None,
    missing: Sequence[Sequence[float]] = (),
    within: Within = None,
) -> tuple[gpd.GeoDataFrame, str]:
    """Read the pixels of a GeoTIFF that hold anything but nodata and zero, as square cells.

    Parameters
    ----------
    path
        An existing GeoTIFF.
    people, groups
        The bands by their description; `people` may be None where there is one band only.
    crs
        The CRS, where the file has none.
    missing
        For people and each group the values that mean nodata, besides the file's own; with the file's scale and
        offset, as a map shows them.
    within
        Only the pixels in the rectangle around this are read; any CRS.

    Returns
    -------
    GeoDataFrame
        Index `cell` such as 'r12c34' (row and column from the upper left, from 0), columns `people` and the groups,
        NaN where a group is nodata; square polygons in the CRS of the file.
    str
        What the file says of its values: descriptions, units and tags, in small letters.

    Raises
    ------
    InputError
        If it cannot be read, has no CRS, no such band, a negative value, or is nodata all over.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    try:
        with rasterio.open(path, driver=DRIVERS[path.suffix.lower()]) as source:
            located = _crs(source, path, crs)
            windows = windows_around(source, path, located, within)
            bands = [_band(source, path, name) for name in (people, *groups)]
            values = [[source.read(band, window=window, masked=True) for band in bands] for window in windows]
            scales = [(source.scales[band - 1], source.offsets[band - 1]) for band in bands]
            told = _told(source, bands[0])
            transform = source.transform
    except RasterioIOError as error:
        raise InputError(f"{path}: cannot be read as GeoTIFF: {' '.join(str(error).split())}") from None
    marks = missing or [()] * len(bands)
    parts = []
    for window, read in zip(windows, values, strict=True):
        corner = int(window.row_off), int(window.col_off)
        layers = {}
        for name, band, gone, scale in zip(("people", *groups), read, marks, scales, strict=True):
            layers[name] = _floats(band, gone, scale)
            _refuse_largest(layers[name], band.dtype, scale, path, corner=corner)
            _refuse_negative(layers[name], path, name, corner)
        parts.append((layers, corner))
    if all(np.isnan(layers["people"]).all() for layers, _ in parts):
        size = sum(layers["people"].size for layers, _ in parts)
        raise InputError(f"{path}: all of its {size:,} pixels are nodata; expected counts of people")
    cells = [_cells(layers, located, transform, corner=corner) for layers, corner in parts]
    return cells[0] if len(cells) == 1 else pd.concat(cells), told


def _crs(source: Any, path: Path, given: Any) -> Any:
    if source.crs is None and given is None:
        raise InputError(
            f"{path}: has no CRS; name the one its pixels are in, e.g. crs='EPSG:3035' "
            "(in a study: --set inputs.population.crs=EPSG:3035)"
        )
    if source.crs is None:
        return as_crs(given)
    own = as_crs(source.crs.to_wkt())
    if given is not None and as_crs(given) != own:
        raise InputError(f"{path}: its CRS is {own.name}, but crs={given!r} was given; leave crs out")
    return own


def windows_around(source: Any, path: Path, crs: Any, within: Within) -> list[Any]:
    """Find the pixels around a place, once for each side of the 180th meridian.

    Parameters
    ----------
    source, path
        The raster as rasterio opens it, and what to call it in messages.
    crs
        That its pixels are in.
    within
        The place, in any CRS; None stands for the whole raster.

    Raises
    ------
    InputError
        If the raster does not say where it lies, or not around the place.
    """
    from rasterio.windows import Window

    if source.transform.is_identity:
        raise InputError(f"{path}: does not say where its pixels are (no geotransform); expected a GeoTIFF with one")
    if within is None:
        return [Window(0, 0, source.width, source.height)]
    found = []
    # Longitudes go from -180 to 180 in some files, from 0 to 360 in others.
    turns = (0, 360, -360) if crs.is_geographic else (0,)
    for (west, south, east, north), turn in product(boxes_around(within, crs), turns):
        x = np.array([west, east, east, west]) + turn
        y, back = np.array([south, south, north, north]), ~source.transform
        column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
        left, top = max(0, int(np.floor(column.min()))), max(0, int(np.floor(row.min())))
        right, bottom = min(source.width, int(np.ceil(column.max()))), min(source.height, int(np.ceil(row.max())))
        if left < right and top < bottom:
            found.append(Window(left, top, right - left, bottom - top))
    if not found:
        raise InputError(f"{path}: has no pixel within the study area; is it the file of another place?")
    return found


def _band(source: Any, path: Path, column: str | None) -> int:
    names = [name or f"band {number}" for number, name in enumerate(source.descriptions, 1)]
    if column is None and source.count == 1:
        return 1
    if names.count(column or "") == 1:
        return names.index(column) + 1
    asked = "which band holds people?" if column is None else f"no band is described as '{column}';"
    if column in names:
        asked = f"{names.count(column)} bands are described as '{column}'; describe them differently:"
    told = " (--people NAME; in a study: inputs.population.people)" if column is None else ""
    raise InputError(f"{path}: {asked} its bands are {listed(names)}{told}")


def _told(source: Any, band: int) -> str:
    parts = [
        source.descriptions[band - 1],
        source.units[band - 1],
        *source.tags().values(),
        *source.tags(band).values(),
    ]
    return " ".join(str(part) for part in parts if part).lower()


def _floats(band: Any, marks: Sequence[float], scale: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Nodata as NaN, whichever way the file or the user declares it; the user's marks as a map shows them, scaled."""
    values: npt.NDArray[np.float64] = band.filled(0).astype(np.float64) * scale[0] + scale[1]
    values[np.ma.getmaskarray(band)] = np.nan
    for mark in marks:
        values[np.isclose(values, mark, rtol=1e-6, atol=0)] = np.nan
    return values


def _refuse_largest(
    layer: npt.NDArray[np.float64],
    dtype: np.dtype[Any],
    scale: tuple[float, float],
    path: Path,
    *,
    corner: tuple[int, int],
) -> None:
    """Refuse the largest value of the file's type: it stands for "no value" where the file does not say what does."""
    most = np.iinfo(dtype).max if dtype.kind in "iu" else np.finfo(dtype).max
    largest, next_to_it = (float(value) * scale[0] + scale[1] for value in (most, most - 1))
    found = np.flatnonzero(layer.ravel() >= 0.999 * largest if dtype.kind == "f" else layer.ravel() == largest)
    # A pixel of a byte may well have 255 people; they are not the most frequent of all large values then.
    if dtype.itemsize == 1 and found.size <= max(1, 10 * int((layer == next_to_it).sum())):
        return
    if found.size:
        row, column = divmod(int(found[0]), layer.shape[1])
        value = f"{layer.ravel()[found[0]]:.15g}"
        raise InputError(
            f"{path}: {found.size:,} of its {layer.size:,} pixels hold {value}, the largest value of {dtype} (the "
            f"first at row {row + corner[0]}, column {column + corner[1]}): it looks like 'no value' that the "
            f"file does not declare; say missing=[{value}] (in a study: inputs.population.missing: [{value}])"
        )


def _refuse_negative(layer: npt.NDArray[np.float64], path: Path, name: str, corner: tuple[int, int]) -> None:
    below = np.flatnonzero(layer.ravel() < 0)
    if below.size:
        row, column = divmod(int(below[0]), layer.shape[1])
        where = f"pixel at row {row + corner[0]}, column {column + corner[1]}"
        refuse_negative(layer.ravel()[below], str(path), name, where)


def _cells(
    layers: dict[str, npt.NDArray[np.float64]], crs: Any, transform: Any, *, corner: tuple[int, int]
) -> gpd.GeoDataFrame:
    people = layers["people"]
    # A pixel without people stays a cell if a group has somebody there: jobs stand where nobody lives.
    filled = ~np.isnan(people) & np.any([np.nan_to_num(layer) != 0 for layer in layers.values()], axis=0)
    rows, columns = np.nonzero(filled)
    data = {name: layer[rows, columns] for name, layer in layers.items()}
    rows, columns = rows + corner[0], columns + corner[1]
    names = [f"r{row}c{column}" for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    index = pd.Index(names, name="cell", dtype=object)
    return gpd.GeoDataFrame(data, index=index, geometry=_squares(rows, columns, transform), crs=crs)


def _squares(rows: npt.NDArray[Any], columns: npt.NDArray[Any], transform: Any) -> npt.NDArray[np.object_]:
    across = columns[:, None] + np.array([0, 1, 1, 0, 0])
    down = rows[:, None] + np.array([0, 0, 1, 1, 0])
    x = transform.a * across + transform.b * down + transform.c
    y = transform.d * across + transform.e * down + transform.f
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=object)
