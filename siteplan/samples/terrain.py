"""The ground of the sample: a valley with a flat floor, rolling plateaus and a steep hill in the town."""

from pathlib import Path

import numpy as np
import shapely
from scipy.spatial import KDTree

from siteplan.samples import valley
from siteplan.samples.plane import ORIGIN, PLANE_CRS, Floats

__all__ = ["heights", "write_terrain"]

CELL = 50.0  # metres
FLOOR, FALL = 226.0, 0.00105  # metres above the sea at the town, and how much the river falls per metre eastwards


def heights(x: Floats, y: Floats) -> Floats:
    """Return metres above the sea at places of the plane (m)."""
    river = np.asarray(shapely.segmentize(valley.RIVER, 100.0).coords)
    far, _ = KDTree(river).query(np.column_stack([x.ravel(), y.ravel()]))
    rise = np.clip((far.reshape(x.shape) - 180) / 5200, 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    km_x, km_y = x / 1000, y / 1000
    rolling = sum(
        height * np.sin(a * km_x + b * km_y + phase)
        for height, a, b, phase in ((17, 0.9, 0.5, 0), (13, -0.6, 1.3, 1), (7, 2.1, -1.4, 2), (4, 3.1, 3.7, 4))
    )
    near = np.hypot(x - valley.HILL.x, y - valley.HILL.y) / (0.62 * valley.HILL_RADIUS)
    ground = FLOOR - FALL * (x + 0.35 * y) + 105 * rise + rolling * np.sqrt(rise)
    return np.asarray(ground + 55 * np.exp(-(near**2)))


def write_terrain(path: Path) -> None:
    """Write the ground as a GeoTIFF: float32 metres on a 50 m grid in EPSG:32631."""
    import rasterio

    west, south, east, north = valley.BOX.bounds
    columns, rows = int((east - west) / CELL), int((north - south) / CELL)
    x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * CELL, north - (np.arange(rows) + 0.5) * CELL)
    ground = np.round(heights(x, y) * 5).astype(np.float32) / 5  # 20 cm: finer than any survey of such a valley
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=PLANE_CRS,
        transform=rasterio.Affine(CELL, 0, west + ORIGIN[0], 0, -CELL, north + ORIGIN[1]),
        nodata=-9999.0, compress="deflate", predictor=3, zlevel=9, tiled=True,
    ) as out:  # fmt: skip
        out.write(ground, 1)
