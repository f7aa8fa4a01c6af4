"""The area within reach of any of several sites, as maps and layers show it."""

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["EYE_M", "as_one", "plainer"]

EYE_M = 5.0  # nobody sees five metres on a town's map
HOLE_M2 = 10_000.0


def as_one(areas: NDArray[np.object_]) -> shapely.MultiPolygon:
    """Unite areas of a metric CRS for the eye: simplified to `EYE_M` metres, without holes below a hectare."""
    filled = _filled(shapely.simplify(areas, EYE_M, preserve_topology=False))
    parts = shapely.get_parts(shapely.union_all(filled))
    return shapely.MultiPolygon(parts[shapely.get_dimensions(parts) == 2].tolist())


def plainer(area: shapely.MultiPolygon) -> shapely.MultiPolygon:
    """Give an area as `as_one` would, of which nothing needs to be united."""
    parts = _filled(np.array([area]))
    corners = shapely.get_point(shapely.get_exterior_ring(parts), 0)
    inside, _ = shapely.STRtree(parts).query(corners, predicate="within")  # of a hole that was filled
    whole = shapely.MultiPolygon(np.delete(parts, inside).tolist())
    plain = shapely.get_parts(shapely.simplify(whole, EYE_M, preserve_topology=False))
    return shapely.MultiPolygon(plain.tolist())


def _filled(areas: NDArray[np.object_]) -> NDArray[np.object_]:
    """Give the parts of polygons without their holes below `HOLE_M2`."""
    parts = shapely.get_parts(areas)
    rings, of = shapely.get_rings(parts, return_index=True)
    outer = np.diff(of, prepend=-1) > 0  # a polygon's first ring is its outer one
    keep = outer | (shapely.area(shapely.polygons(rings)) >= HOLE_M2)
    starts = np.flatnonzero(outer[keep])
    rings = rings[keep]
    ends = np.append(starts[1:], len(rings))[: len(starts)]  # none where nothing is within reach
    return np.array(
        [shapely.Polygon(rings[a], list(rings[a + 1 : b])) for a, b in zip(starts, ends, strict=True)], dtype=object
    )
