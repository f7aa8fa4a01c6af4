"""Shapes for the eye: simplified, in degrees, and packed into short strings."""

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from siteplan.geo import lon_alike

__all__ = [
    "Packed",
    "by_ring",
    "encode",
    "fewest_merged",
    "in_a_grid",
    "lines_of_class",
    "metric",
    "pack",
    "pack_within",
    "simplified",
    "to_degrees",
]

Packed = list[str]

# 32 values a character; the upper half of the alphabet says that the number goes on
ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
DECIMALS = 5


def to_degrees(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Give shapes of any CRS in longitude and latitude (EPSG:4326).

    Of a CRS in metres, longitudes go beyond 180 or below -180 where the shapes lie on both sides of that meridian, so
    that a page draws them together.
    """
    degrees, crs = shapes.to_crs(4326), CRS(shapes.crs)
    ends = degrees.total_bounds[[0, 2]]
    if np.array_equal(lon_alike(ends, crs), ends, equal_nan=True):  # as nearly everywhere
        return degrees
    turned = shapely.transform(degrees.to_numpy(), lambda at: np.column_stack([lon_alike(at[:, 0], crs), at[:, 1]]))
    return gpd.GeoSeries(turned, index=degrees.index, crs=degrees.crs)


def simplified(shapes: gpd.GeoSeries, tolerance_m: float) -> gpd.GeoSeries:
    """Simplify shapes of a metric CRS by at most `tolerance_m` metres; what is narrower may vanish.

    Method: Douglas and Peucker (1973). GEOS' slower topology-preserving kind takes ten times as long on isochrones;
    this kind, too, gives valid polygons.
    """
    return shapes.simplify(tolerance_m, preserve_topology=False)


def pack(shapes: gpd.GeoSeries) -> Packed:
    """Pack polygons, lines or points in degrees into one string each: rings joined by `.`, parts by `!`.

    A ring is a run of numbers x, y, x, y ... in 1e-5 degrees (about a metre), each the step from the one
    before it, zigzag-coded and written in base 32 with 64 characters (cf. Google's encoded polylines).
    A polygon's ring lacks its last corner, which is its first. A shape without a corner is an empty string.
    """
    packed = np.full(len(shapes), "", dtype=object)
    full = ~(shapes.is_empty | shapes.isna()).to_numpy()
    geometry = shapes.to_numpy()[full]
    if len(geometry):
        packed[full] = _joined(geometry)
    return [str(text) for text in packed]


def pack_within(shapes: gpd.GeoSeries, tolerance_m: float, budget: int) -> Packed:
    """Pack metric shapes; when they need more than `budget` characters, simplify them further until they do not.

    The tolerance doubles up to 16 times itself; no shape vanishes by it.
    """
    for factor in (2, 4, 8, 16):
        # A corner takes two characters at the least: what has too many needs no packing to tell.
        if shapely.get_num_coordinates(shapes.to_numpy()).sum() * 2 <= budget:
            packed = pack(to_degrees(shapes))
            if sum(map(len, packed)) <= budget:
                return packed
        shapes = by_ring(shapes, tolerance_m * factor)  # of fewer corners each time
    return pack(to_degrees(shapes))


def by_ring(shapes: gpd.GeoSeries, tolerance_m: float) -> gpd.GeoSeries:
    """Simplify lines, or areas ring by ring; rings narrower than that vanish, but for those of an area without others.

    Rings may cross then by less than `tolerance_m`: nothing is computed of them any more, and a page draws them alike.
    To keep all areas valid takes GEOS eight times as long.
    """
    areas = shapes.to_numpy()
    if (shapely.get_dimensions(areas) < 2).any():
        return shapes.simplify(tolerance_m, preserve_topology=False)
    parts, shape = shapely.get_parts(areas[~shapely.is_empty(areas)], return_index=True)
    shape = np.flatnonzero(~shapely.is_empty(areas))[shape]
    rings, part = shapely.get_rings(parts, return_index=True)
    plain = shapely.simplify(rings, tolerance_m, preserve_topology=False)
    there = shapely.get_num_coordinates(plain) > 3
    there &= there[np.diff(part, prepend=-1) > 0][part]  # no hole without its outer ring, which is a part's first
    whole = np.bincount(shape[part], there, len(areas))[shape[part]] == 0
    plain, part = np.where(whole, rings, plain)[there | whole], part[there | whole]
    corners, ring = shapely.get_coordinates(plain, return_index=True)
    kept, part = np.unique(part, return_inverse=True)
    levels = (ring, len(plain)), (part, len(kept)), (shape[kept], len(areas))
    offsets = tuple(np.append(0, np.cumsum(np.bincount(of, minlength=count))) for of, count in levels)
    made = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, corners, offsets)
    return gpd.GeoSeries(made, index=shapes.index, crs=shapes.crs)


def metric(frame: gpd.GeoSeries) -> gpd.GeoSeries:
    """Give shapes in metres: as they are when projected, else in the UTM zone of their middle."""
    crs = CRS(frame.crs)
    return frame if crs.is_projected else frame.to_crs(frame.estimate_utm_crs())


def _joined(geometry: NDArray[np.object_]) -> list[str]:
    kind, corners, levels = shapely.to_ragged_array(geometry)
    offsets: tuple[NDArray[Any], ...] = levels or ()
    name = shapely.GeometryType(kind).name
    if name == "POINT":
        return _strings(corners, np.arange(len(corners) + 1), closed=False)
    if name in ("LINESTRING", "POLYGON"):  # a shape has one part; give it the level that Multi shapes have
        offsets = (*offsets, np.arange(len(geometry) + 1))
    if name.endswith("LINESTRING"):
        rings = _strings(corners, offsets[0], closed=False)
        return _join(rings, offsets[1], "!")
    rings = _strings(corners, offsets[0], closed=True)
    return _join(_join(rings, offsets[1], "."), offsets[2], "!")


def _join(texts: list[str], offsets: NDArray[Any], by: str) -> list[str]:
    return [by.join(texts[start:stop]) for start, stop in pairwise(offsets)]


def _strings(corners: NDArray[np.float64], offsets: NDArray[Any], *, closed: bool) -> list[str]:
    """Encode every ring at once: the rings are rows `offsets[k]:offsets[k + 1]` of the corners."""
    whole = np.rint(corners * 10**DECIMALS).astype(np.int64)
    step = np.diff(whole, axis=0, prepend=0)
    step[offsets[:-1]] = whole[offsets[:-1]]  # each ring starts from zero
    keep = np.ones(len(whole), dtype=bool)
    keep[1:] = (step[1:] != 0).any(axis=1)  # corners that fell together
    keep[offsets[:-1]] = True
    if closed:
        keep[offsets[1:] - 1] = False
    return encode(step[keep].ravel(), 2 * np.append(0, np.cumsum(keep))[offsets])


def encode(numbers: NDArray[np.int64], cuts: NDArray[np.int64]) -> list[str]:
    """Write integers in base 32 after zigzag, lowest digits first: one text of each `numbers[cuts[k]:cuts[k + 1]]`."""
    left = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    width, rest = np.ones(len(left), dtype=np.int64), left >> np.uint64(5)
    while rest.any():
        width += rest > 0
        rest >>= np.uint64(5)
    ends = np.append(0, np.cumsum(width))
    code, at = np.empty(ends[-1], dtype=np.uint8), ends[:-1]
    while len(at):
        more = left > 31
        code[at] = (left & np.uint64(31)).astype(np.uint8) + np.uint8(32) * more
        left, at = left[more] >> np.uint64(5), at[more] + 1
    text = ALPHABET[code].tobytes().decode("ascii")
    return [text[start:stop] for start, stop in pairwise(ends[cuts].tolist())]


def lines_of_class(streets: gpd.GeoDataFrame, name: str) -> NDArray[np.object_]:
    """Give the lines of a class of `highway`, each apart, with those of its links."""
    of_class = streets.geometry[streets["highway"].isin([name, f"{name}_link"])].to_numpy()
    lines: NDArray[np.object_] = shapely.get_parts(of_class)
    return lines


def fewest_merged(lines: NDArray[np.object_]) -> int:
    """Tell how many lines at the least are left of some when those are merged that meet where no third one does."""
    corners, line = shapely.get_coordinates(lines, return_index=True)
    change = np.diff(line, prepend=-1, append=-1) != 0
    ends = np.concatenate([corners[change[:-1]], corners[change[1:]]])
    meeting = np.unique(ends.view(np.complex128), return_counts=True)[1]
    return int(meeting[meeting != 2].sum()) // 2


def in_a_grid(shapes: NDArray[np.object_]) -> bool:
    """Tell whether all shapes are fields of one grid, whose lines need not be evenly apart, each but once.

    So they meet in whole sides and nowhere else, as a coverage does, which takes GEOS ten times as long to find.
    """
    if not ((shapely.get_num_coordinates(shapes) == 5) & (shapely.get_dimensions(shapes) == 2)).all():
        return False
    corners = shapely.get_coordinates(shapes).reshape(-1, 5, 2)
    along = np.diff(corners, axis=1) != 0
    if (along.sum(axis=2) != 1).any() or (along[:, 1:] == along[:, :-1]).any():  # sides along x and y by turns
        return False
    low, high = corners.min(axis=1), corners.max(axis=1)
    fields = np.empty((len(shapes), 2), np.int64)
    for axis in (0, 1):
        lines = np.unique(np.concatenate([low[:, axis], high[:, axis]]))
        fields[:, axis] = np.searchsorted(lines, low[:, axis])
        if (lines[fields[:, axis] + 1] != high[:, axis]).any():
            return False
    return bool(np.diff(np.sort(fields @ (2**32, 1))).all())
