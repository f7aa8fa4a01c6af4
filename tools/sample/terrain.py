"""The ground of the sample: a valley with a flat floor, rolling plateaus and a steep hill in the town."""

from pathlib import Path

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt

from tools.sample import valley
from tools.sample.plane import ORIGIN, PLANE_CRS, Floats

__all__ = ["heights", "write_terrain"]

CELL = 50.0  # metres
FLOOR, FALL = 226.0, 0.00105  # metres above the sea at the town, and how much the river falls per metre eastwards


def heights() -> Floats:
    """Return metres above the sea on the 50 m grid, northernmost row first."""
    west, south, east, north = valley.BOX.bounds
    x = west + (np.arange(int((east - west) / CELL)) + 0.5) * CELL
    y = north - (np.arange(int((north - south) / CELL)) + 0.5) * CELL
    x, y = np.meshgrid(x, y)
    rise = np.clip((_from_river(x, y) - 180) / 5200, 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    rolling = np.zeros_like(x)
    for height, a, b, phase in ((17, 0.9, 0.5, 0), (13, -0.6, 1.3, 1), (7, 2.1, -1.4, 2), (4, 3.1, 3.7, 4)):
        rolling += height * np.sin((a * x + b * y) / 1000 + phase)
    near = np.hypot(x - valley.HILL.x, y - valley.HILL.y) / (0.62 * valley.HILL_RADIUS)
    ground = FLOOR - FALL * (x + 0.35 * y) + 105 * rise + rolling * np.sqrt(rise)
    return np.asarray(np.round((ground + 55 * np.exp(-(near**2))) * 5) / 5)  # 20 cm is as fine as such surveys are


def _from_river(x: Floats, y: Floats) -> Floats:
    """Return the distance (m) of every cell of the grid from the nearest cell with river in it."""
    river = shapely.get_coordinates(shapely.segmentize(valley.RIVER.intersection(valley.BOX), CELL / 2))
    dry = np.ones(x.shape, dtype=bool)
    row, column = (y[0, 0] - river[:, 1]) / CELL, (river[:, 0] - x[0, 0]) / CELL
    row, column = (np.clip(np.rint(i).astype(int), 0, n - 1) for i, n in zip((row, column), x.shape, strict=True))
    dry[row, column] = False
    return np.asarray(distance_transform_edt(dry, sampling=CELL))


def write_terrain(path: Path) -> None:
    """Write the ground as a GeoTIFF: float32 metres on a 50 m grid in EPSG:32631."""
    import rasterio

    ground = heights().astype(np.float32)
    west, _, _, north = valley.BOX.bounds
    with rasterio.open(
        path, "w", driver="GTiff", width=ground.shape[1], height=ground.shape[0], count=1, dtype="float32",
        crs=PLANE_CRS, transform=rasterio.Affine(CELL, 0, west + ORIGIN[0], 0, -CELL, north + ORIGIN[1]),
        nodata=-9999.0, compress="deflate", predictor=3, zlevel=6, tiled=True,
    ) as out:  # fmt: skip
        out.write(ground, 1)
