"""What the terrain does to the speed on foot and by bicycle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from siteplan.errors import InputError, reads, warn
from siteplan.formats import DRIVERS

__all__ = ["STEEP", "Climb", "bike_time_factor", "read_climb", "walk_time_factor"]

Floats = npt.NDArray[np.float64]

MOST_PIXELS = 400_000_000  # of a terrain model, all of which is held in memory: 20,000 by 20,000
STEP = 20.0  # metres between heights along a street: finer than the terrain models in use (25-30 m)
BRIDGE = 0.03  # on bridges and in tunnels the terrain is not the road
LOWEST, HIGHEST = -500.0, 9_000.0  # metres; no street is lower than the Dead Sea, or higher than the Everest
STEEP = 0.05  # rise over run from which most push or do not come
BIKE_SLOPE = (-0.05, -0.03, 0.0, 0.03, 0.05, 0.10)
BIKE_SPEED = (1.7, 1.4, 1.0, 0.85, 0.75, 0.5)  # Valhalla's bicycle costing; held beyond the ends


class Lines(Protocol):
    """What is asked of streets: a `StreetNetwork` has it."""

    @property
    def source(self) -> str: ...
    @property
    def crs(self) -> Any: ...
    @property
    def length(self) -> Floats: ...
    @property
    def kind(self) -> npt.NDArray[np.int64]: ...
    @property
    def kinds(self) -> Sequence[Any]: ...
    def spaced(self, step: float) -> tuple[npt.NDArray[np.int64], Floats]: ...
    def at(self, edge: npt.NDArray[np.int64], share: Floats) -> Floats: ...


@dataclass(frozen=True)
class Climb:
    """Time factors per edge, shape (edges, 2): along the edge and against it; 1 on the flat."""

    walk: Floats
    bike: Floats

    def steep(self, length: Floats) -> float:
        """Return the share of the length of all edges that climbs, one way or the other, as steeply as `STEEP`."""
        climbs = self.bike.max(axis=1) >= bike_time_factor(np.array(STEEP)) - 1e-9
        total = float(length.sum())
        return float(length[climbs].sum()) / total if total else 0.0

    def factor(self, rules: str) -> Floats:
        """Return the factors of one mode."""
        return self.walk if rules == "walk" else self.bike


def walk_time_factor(slope: Floats) -> Floats:
    """Return the time on a slope (rise over run) relative to the flat: Tobler's hiking function (1993), scaled."""
    return np.exp(3.5 * (np.abs(slope + 0.05) - 0.05))


def bike_time_factor(slope: Floats) -> Floats:
    """Return the time by bicycle on a slope relative to the flat, between the values Valhalla publishes."""
    return 1 / np.interp(slope, BIKE_SLOPE, BIKE_SPEED)


def read_climb(streets: Lines, path: str | Path) -> Climb:
    """Read a terrain model (GeoTIFF, metres) and return what it does to every edge.

    Streets outside the model or on its nodata are taken as flat, with one warning that gives their share.

    Raises
    ------
    InputError
        No such file, not a raster, no CRS, or no height anywhere near the streets.
    """
    edge, share = streets.spaced(STEP)
    height = _heights(Path(path), streets, streets.at(edge, share))
    pieces = edge[1:] == edge[:-1]
    owner = edge[:-1][pieces]
    count = np.bincount(owner, minlength=len(streets.length))
    run = np.maximum(streets.length[owner] / count[owner], 1e-9)
    slope = np.diff(height)[pieces] / run
    unknown = np.isnan(slope)
    if unknown.all():
        raise InputError(f"{path}: has no height anywhere on the streets of {streets.source}; wrong place or CRS?")
    if unknown.any():
        text = f"{path}: {unknown.mean():.1%} of the street length has no height and is taken as flat"
        warn(text)
    slope = np.where(unknown, 0.0, slope)
    covered = np.array([_off_ground(dict(tags)) for tags in streets.kinds], bool)[streets.kind][owner]
    slope = np.where(covered, np.clip(slope, -BRIDGE, BRIDGE), slope)

    def mean(values: Floats) -> Floats:
        return np.bincount(owner, values, len(count)) / count

    walk, bike = (
        np.column_stack([mean(factor(slope)), mean(factor(-slope))]) for factor in (walk_time_factor, bike_time_factor)
    )
    return Climb(walk, bike)


def _off_ground(tags: dict[str, str]) -> bool:
    return tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") != "no"


@reads("a terrain model")
def _heights(file: Path, streets: Lines, xy: Floats) -> Floats:
    """Return the heights at points in the streets' CRS, between the centres of the model's cells; NaN where unknown."""
    import rasterio
    from pyproj import Transformer

    if not file.is_file():
        raise InputError(f"{file}: no such file; give a terrain model as GeoTIFF")
    driver = DRIVERS.get(file.suffix.lower())
    if driver is None:
        raise InputError(
            f"{file}: cannot read '{file.suffix}' as a terrain model; expected a GeoTIFF (or {' '.join(DRIVERS)})"
        )
    try:
        with rasterio.open(file, driver=driver) as model:
            if model.crs is None:
                raise InputError(f"{file}: names no CRS; assign one (gdal_edit.py -a_srs)")
            if model.width * model.height > MOST_PIXELS:
                raise InputError(
                    f"{file}: has {model.width:,} by {model.height:,} pixels; expected at most {MOST_PIXELS:,}: "
                    "cut out the place (gdalwarp -te)"
                )
            there = Transformer.from_crs(streets.crs, model.crs.to_wkt(), always_xy=True)
            east, north = there.transform(xy[:, 0], xy[:, 1])
            if model.count > 1:
                raise InputError(f"{file}: has {model.count} bands; expected one, of heights in metres")
            band = model.read(1, masked=True).astype(float).filled(np.nan) * model.scales[0] + model.offsets[0]
            heights = _between(band, ~model.transform, np.asarray(east), np.asarray(north))
    except rasterio.errors.RasterioIOError as error:
        raise InputError(f"{file}: not a raster ({error})") from error
    wrong = heights[(heights < LOWEST) | (heights > HIGHEST)]
    if wrong.size:
        raise InputError(
            f"{file}: holds {wrong[0]:.15g} where there are streets, no height in metres of any street; if that means "
            "'no value', declare it (gdal_edit.py -a_nodata)"
        )
    return heights


def _between(band: Floats, to_pixel: Any, east: Floats, north: Floats) -> Floats:
    a, b, c, d, e, f = tuple(to_pixel)[:6]
    column, row = a * east + b * north + c - 0.5, d * east + e * north + f - 0.5
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    inside = (left >= -1) & (top >= -1) & (left < band.shape[1]) & (top < band.shape[0])
    fc, fr = column - left, row - top
    value = np.zeros(len(east))
    for dr, dc, weight in ((0, 0, (1 - fr) * (1 - fc)), (0, 1, (1 - fr) * fc), (1, 0, fr * (1 - fc)), (1, 1, fr * fc)):
        rows, columns = np.clip(top + dr, 0, band.shape[0] - 1), np.clip(left + dc, 0, band.shape[1] - 1)
        value += weight * band[rows, columns]
    return np.where(inside, value, np.nan)
