"""The metric rule: distances and areas are measured in a CRS whose metre is a metre on the ground there."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from siteplan.errors import InputError

__all__ = [
    "LONLAT",
    "alike",
    "as_crs",
    "box_area",
    "boxes_around",
    "cell_sizes",
    "ground_lengths",
    "lon_alike",
    "lonlat_bounds",
    "metric_crs",
    "require_metric",
]

LONLAT = CRS.from_epsg(4326)

Floats = npt.NDArray[np.float64]

# Ellipsoid WGS84: lengths are measured on it, so that 1,000 m are 1,000 m on the ground in any projection.
SEMI_MAJOR = 6_378_137.0
ECCENTRICITY2 = 0.006_694_379_990_14

# Degrees of arc from the central meridian at which UTM's scale error reaches 0.1 %:
# 0.9996 * (1 + x^2 / 2) = 1.001 gives x = 0.0529 rad (Snyder 1987). At the equator that is one zone's half width.
UTM_REACH = 3.03

EQUAL_AREA = "Lambert Azimuthal Equal Area"

# Projections of the whole world: drawn in metres, but a metre on the page is a metre on the ground only here and there.
WORLD_METHODS = (
    "Popular Visualisation Pseudo Mercator",
    "Mercator",
    "Equidistant Cylindrical",
    "Lambert Cylindrical Equal Area",
    "Mollweide",
    "Robinson",
    "Sinusoidal",
    "Eckert",
    "Natural Earth",
    "Equal Earth",
    "Plate Carree",
    "Miller",
)


def as_crs(crs: Any) -> CRS:
    """Read a CRS given as text, number or object.

    Raises
    ------
    InputError
        If PROJ knows no such CRS.
    """
    try:
        return CRS.from_user_input(crs)
    except CRSError:
        raise InputError(f"crs={crs!r}: no such CRS; expected a code such as 'EPSG:3035' or 'EPSG:4326'") from None


def metric_crs(place: gpd.GeoDataFrame | gpd.GeoSeries | Sequence[float]) -> CRS:
    """Choose the CRS to measure in: a place's UTM zone, or a LAEA centred there if it is wider than one zone serves.

    Parameters
    ----------
    place
        A table or series with a CRS, or bounds ``(west, south, east, north)`` in degrees.

    Returns
    -------
    CRS
        In metres. With UTM lengths are true within 0.1 %, with Lambert's azimuthal equal-area projection areas are
        true and lengths within 0.1 % up to 500 km from the centre (Snyder 1987).

    Raises
    ------
    InputError
        If the place is empty, has no CRS, or its coordinates do not fit in its CRS.
    """
    if isinstance(place, gpd.GeoDataFrame | gpd.GeoSeries):
        west, south, east, north = lonlat_bounds(place, "the place")
    else:
        west, south, east, north = (float(degrees) for degrees in place)
    west, east = _over_date_line(west, east)
    lon, lat = (west + east) / 2, (south + north) / 2
    zone = int((lon + 180) // 6) % 60
    meridian = -177 + 6 * zone
    nearest_equator = 0.0 if south <= 0 <= north else min(abs(south), abs(north))
    offset = max(abs(west - meridian), abs(east - meridian)) % 360
    if offset * np.cos(np.radians(nearest_equator)) <= UTM_REACH and south >= -80 and north <= 84:
        return CRS.from_epsg((32601 if lat >= 0 else 32701) + zone)
    lon = (lon + 180) % 360 - 180
    return CRS.from_proj4(f"+proj=laea +lat_0={lat:.2f} +lon_0={lon:.2f} +datum=WGS84 +units=m +type=crs")


def _over_date_line(west: float, east: float) -> tuple[float, float]:
    """Return the ends of a place in degrees, the eastern one beyond 180 where it lies on both sides of that meridian.

    PROJ gives the bounds of such a place the wrong way about; a table of degrees has it at both ends of the world, and
    the gap between is not part of it.
    """
    if east < west:
        return west, east + 360
    return (east, west + 360) if east - west > 180 else (west, east)


def lon_alike(lon: Floats, crs: CRS) -> Floats:
    """Return longitudes of places of a CRS in metres on one count: no more than 180 degrees from its middle meridian.

    So what lies on both sides of the 180th meridian stays together, beyond 180 or below -180.
    """
    operation = crs.coordinate_operation
    middle = (
        [float(each.value) for each in operation.params if each.name.startswith("Longitude of")] if operation else []
    )
    if crs.is_geographic or not middle:
        return lon
    return np.where(lon - middle[0] > 180, lon - 360, np.where(lon - middle[0] < -180, lon + 360, lon))


def alike(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Give layers as they are or, if they lie on both sides of the 180th meridian, all in one CRS in metres there."""
    known = {name: table for name, table in layers.items() if table.crs is not None and _bounded(table)}
    boxes = [lonlat_bounds(table, name) for name, table in known.items()]
    ends = [_over_date_line(west, east) for west, _, east, _ in boxes]
    if not ends or (max(east for _, east in ends) <= 180 and max(e for _, e in ends) - min(w for w, _ in ends) <= 180):
        return dict(layers)
    wests, easts = ([lon % 360 for lon in side] for side in zip(*ends, strict=True))
    crs = metric_crs((min(wests), min(box[1] for box in boxes), max(easts), max(box[3] for box in boxes)))
    return {name: table.to_crs(crs) if name in known else table for name, table in layers.items()}


def _bounded(table: gpd.GeoDataFrame) -> bool:
    return bool(np.isfinite(table.total_bounds).all())


def lonlat_bounds(place: gpd.GeoDataFrame | gpd.GeoSeries, what: str) -> tuple[float, float, float, float]:
    """Give the bounds (west, south, east, north) of a table in degrees.

    Of a table in metres on both sides of the 180th meridian, west is larger than east.

    Raises
    ------
    InputError
        If it is empty, has no CRS, or its coordinates do not fit in its CRS.
    """
    if place.crs is None:
        raise InputError(f"{what}: has no CRS; name it, e.g. crs='EPSG:4326' for longitudes and latitudes")
    bounds = place.total_bounds
    if not np.isfinite(bounds).all():
        raise InputError(f"{what}: holds no geometry at all; expected at least one place")
    degrees = bounds
    if not place.crs.is_geographic:
        degrees = np.array(_to_lonlat(place.crs).transform_bounds(*bounds))
    if not np.isfinite(degrees).all() or np.abs(degrees[[0, 2]]).max() > 360 or np.abs(degrees[[1, 3]]).max() > 90:
        found = ", ".join(f"{value:.6g}" for value in bounds)
        raise InputError(f"{what}: coordinates ({found}) do not fit in {place.crs.name}; name the right CRS with crs=")
    west, south, east, north = (float(value) for value in degrees)
    return west, south, east, north


@functools.lru_cache(maxsize=8)
def _to_lonlat(crs: CRS) -> Transformer:
    """Look up the way from a CRS to degrees, which in PROJ's tables takes a tenth of a second, once."""
    return Transformer.from_crs(crs, LONLAT, always_xy=True)


def require_metric(crs: Any, what: str) -> CRS:
    """Return a CRS that may be measured in, refuse any other.

    Parameters
    ----------
    crs
        Anything PROJ reads, or None.
    what
        Named in the message.

    Raises
    ------
    InputError
        If there is none, if it is in degrees or feet, or if it draws the whole world: EPSG:3857 calls 708 m on the
        ground 1,000 m at 45 degrees.
    """
    if crs is None:
        raise InputError(f"{what}: has no CRS; expected one in metres, such as metric_crs() chooses")
    checked = as_crs(crs)
    flat = _flat(checked)
    if not flat.is_projected:
        raise InputError(
            f"{what}: {checked.name} is in degrees; expected a CRS in metres, such as metric_crs() chooses"
        )
    unit = flat.axis_info[0].unit_name if flat.axis_info else "unknown unit"
    if unit not in ("metre", "meter"):
        raise InputError(f"{what}: {checked.name} is in {unit}; expected a CRS in metres, such as metric_crs() chooses")
    method = flat.coordinate_operation.method_name if flat.coordinate_operation else ""
    if method.startswith(WORLD_METHODS):
        raise InputError(
            f"{what}: {checked.name} does not keep lengths (its metre is not a metre on the ground); "
            "reproject to a CRS that metric_crs() chooses"
        )
    return checked


def _flat(crs: CRS) -> CRS:
    """Unwrap bound and compound CRSs down to the horizontal one."""
    while crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    return _flat(crs.sub_crs_list[0]) if crs.is_compound else crs


def cell_sizes(cells: gpd.GeoDataFrame | gpd.GeoSeries) -> npt.NDArray[np.float64]:
    """Measure the area of each cell on the ground, in square metres, whatever the CRS of the table.

    Areas are taken in Lambert's azimuthal equal-area projection centred on the table (Snyder 1987), or in the table's
    CRS where that is such a one, as of the European grids; points have none.
    """
    west, south, east, north = lonlat_bounds(cells, "cells")
    flat = _flat(cells.crs)
    drawn = flat.coordinate_operation
    if drawn and drawn.method_name == EQUAL_AREA and flat.axis_info[0].unit_name == "metre":
        return np.asarray(shapely.area(cells.geometry.to_numpy()))
    lon = (sum(_over_date_line(west, east)) / 2 + 180) % 360 - 180
    equal_area = CRS.from_proj4(
        f"+proj=laea +lat_0={(south + north) / 2:.2f} +lon_0={lon:.2f} +datum=WGS84 +units=m +type=crs"
    )
    sizes: npt.NDArray[np.float64] = shapely.area(cells.geometry.to_crs(equal_area).to_numpy())
    return sizes


def box_area(bounds: Sequence[float], crs: Any) -> gpd.GeoSeries:
    """Make the rectangle of given bounds (minx, miny, maxx, maxy) in a CRS, as a series of one polygon."""
    west, south, east, north = bounds
    return gpd.GeoSeries([shapely.box(west, south, east, north)], crs=as_crs(crs))


def boxes_around(place: gpd.GeoDataFrame | gpd.GeoSeries, crs: Any) -> list[tuple[float, float, float, float]]:
    """Return the rectangle (minx, miny, maxx, maxy) around a place in a CRS.

    In degrees it is two where the place lies on both sides of the 180th meridian: one would go around the world.
    """
    there = place.geometry.to_crs(crs)
    west, south, east, north = (float(value) for value in there.total_bounds)
    if not as_crs(crs).is_geographic or east - west <= 180:
        return [(west, south, east, north)]
    lon = shapely.get_coordinates(there.to_numpy())[:, 0] % 360
    if lon.max() - lon.min() > 180:  # half the world
        return [(west, south, east, north)]
    return [(float(lon.min()), south, 180.0, north), (-180.0, south, float(lon.max()) - 360, north)]


def ground_lengths(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Return metres between neighbouring points on the ellipsoid, from its curvature at the middle latitude.

    Within a millionth of the geodesic for steps under 10 km (Snyder 1987, eq. 4-18 to 4-20).
    """
    middle = np.radians((lat1 + lat2) / 2)
    w2 = 1 - ECCENTRICITY2 * np.sin(middle) ** 2
    step = lon2 - lon1
    step = np.where(np.abs(step) > 180, step - np.copysign(360, step), step)  # over the date line it is short, too
    east = np.radians(step) * np.cos(middle) * SEMI_MAJOR / np.sqrt(w2)
    north = np.radians(lat2 - lat1) * SEMI_MAJOR * (1 - ECCENTRICITY2) / w2**1.5
    return np.hypot(east, north)
