"""The drawing plane of the sample: kilometres as drawn, metres as laid out, lon/lat as written."""

from collections.abc import Sequence

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

__all__ = ["PLANE_CRS", "around", "at", "curve", "lonlat", "moved", "offset", "outline", "stretch", "to_lonlat"]

PLANE_CRS = "EPSG:32631"
ORIGIN = np.array([527_000.0, 5_144_000.0])  # the town's market square, in PLANE_CRS
STEP = 40.0  # metres between points of a curve before it is simplified
GRAIN = 1  # decimals of a metre: everything drawn stands on a 0.1 m lattice

Floats = NDArray[np.float64]
Km = tuple[float, float]


def _warp(p: Floats) -> Floats:
    """Bend the whole plane a little, so that nothing drawn with a ruler looks it."""
    x, y = p[:, 0] / 1000, p[:, 1] / 1000
    dx = 110 * np.sin(1.7 * y + 0.6 * x) + 26 * np.sin(6.1 * y - 2.3 * x + 1.0)
    dy = 110 * np.sin(1.5 * x - 0.7 * y + 2.0) + 26 * np.sin(5.7 * x + 2.9 * y)
    return np.asarray(p + np.column_stack([dx, dy]))


def at(place: Km) -> Point:
    """Return where a place drawn in kilometres lies, in metres of the plane."""
    x, y = np.round(_warp(np.array([place]) * 1000.0), GRAIN)[0]
    return Point(x, y)


def curve(places: Sequence[Km], *, wiggle: float = 0.0, closed: bool = False) -> LineString:
    """Draw a smooth line through places given in kilometres.

    The line passes exactly through ``at(place)`` of each of them, so lines that share a place meet there.
    ``wiggle`` (m) lets it sway between them, as an old road does. A cubic Hermite spline by chord length.
    """
    ring = [*places, places[0]] if closed else list(places)
    p = np.array(ring, dtype=np.float64) * 1000
    t = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(p, axis=0).T))])
    tangent = np.gradient(p, t, axis=0)
    if closed:
        tangent[0] = tangent[-1] = (p[1] - p[-2]) / (t[1] + t[-1] - t[-2])
    parts = [_span(p[i : i + 2], tangent[i : i + 2], t[i + 1] - t[i], wiggle) for i in range(len(p) - 1)]
    return LineString(np.vstack([*(part[:-1] for part in parts), parts[-1][-1:]]))


def _span(p: Floats, tangent: Floats, length: float, wiggle: float) -> Floats:
    u = np.linspace(0, 1, max(2, int(np.ceil(length / STEP))) + 1)[:, None]
    bend = (2 * u**3 - 3 * u**2 + 1) * p[0] + (3 * u**2 - 2 * u**3) * p[1]
    bend += length * ((u**3 - 2 * u**2 + u) * tangent[0] + (u**3 - u**2) * tangent[1])
    sway = wiggle * np.sin(np.pi * u) * np.sin(np.arange(1, 3) * u * length / 130 + p[0] / 997)
    sway[[0, -1]] = 0
    drawn = np.round(_warp(bend + sway), GRAIN)
    # simplified between places only: a place that another line meets must stay
    return np.asarray(LineString(drawn).simplify(1.0).coords)


def around(geometry: BaseGeometry, metres: float) -> BaseGeometry:
    """Return what lies within so many metres of a geometry."""
    return shapely.set_precision(geometry.buffer(metres), 0.1)


def offset(line: LineString, metres: float) -> LineString:
    """Return a line alongside: to the left, or to the right where metres are negative."""
    return LineString(shapely.set_precision(line.offset_curve(metres).simplify(0.5), 0.1).coords)


def stretch(line: LineString, start: float, end: float) -> LineString:
    """Return the part of a line between two distances (m) from its beginning."""
    return LineString(substring(line, start, end).coords)


def outline(places: Sequence[Km]) -> Polygon:
    """Return the area inside a smooth closed curve through places given in kilometres."""
    return Polygon(curve(places, closed=True))


def moved(area: Polygon, crs: str) -> Polygon:
    """Return an area of the plane in another CRS, rounded to 0.1 m."""
    change = pyproj.Transformer.from_crs(PLANE_CRS, crs, always_xy=True)

    def reproject(p: Floats) -> Floats:
        return np.round(np.column_stack(change.transform(*(p + ORIGIN).T)), GRAIN)

    return Polygon(reproject(shapely.get_coordinates(area)))


def to_lonlat(p: Floats) -> Floats:
    """Return plane metres, shape (n, 2), as degrees rounded to 7 decimals (OpenStreetMap's own precision)."""
    change = pyproj.Transformer.from_crs(PLANE_CRS, "EPSG:4326", always_xy=True)
    return np.round(np.column_stack(change.transform(*(p + ORIGIN).T)), 7)


def lonlat(point: Point) -> Km:
    """Return one point of the plane in degrees."""
    lon, lat = to_lonlat(np.array([[point.x, point.y]]))[0]
    return float(lon), float(lat)
