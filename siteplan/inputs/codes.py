"""Cell codes that carry their own place: H3 indexes and the codes of the European (INSPIRE) grid."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from siteplan.errors import InputError
from siteplan.geo import LONLAT

__all__ = ["Codes", "code_shapes", "find_codes"]

# As in CRS3035RES200mN2029800E4252400: the CRS, the side in metres, the lower left corner.
GRID_CODE = r"CRS(?P<crs>\d+)RES(?P<side>\d+)mN(?P<north>-?\d+)E(?P<east>-?\d+)"


@dataclass(frozen=True)
class Codes:
    """A column that holds cell codes, and which kind."""

    column: str
    kind: Literal["h3", "grid"]


def find_codes(table: pd.DataFrame) -> Codes | None:
    """Find the first column whose values are H3 indexes (text or 64-bit number) or INSPIRE grid codes."""
    for column in table.columns:
        values = table[column]
        if pd.api.types.is_float_dtype(values):
            continue
        first = next((text for text in map(str, values.dropna()) if text), "").strip()
        if pd.Series([first]).str.fullmatch(GRID_CODE).all():
            return Codes(str(column), "grid")
        if _is_h3(first):
            return Codes(str(column), "h3")
    return None


def code_shapes(codes: pd.Series, kind: str, file: str) -> tuple[npt.NDArray[np.object_], CRS]:
    """Make the polygon of every code, and say in which CRS.

    Raises
    ------
    InputError
        Naming the first value that is not a code.
    """
    text = codes.astype(str).str.strip()
    return _grid_squares(text, file) if kind == "grid" else _h3_hexagons(text, file)


def _grid_squares(codes: pd.Series, file: str) -> tuple[npt.NDArray[np.object_], CRS]:
    parts = codes.str.extract(GRID_CODE)
    # A code that does not match has no CRS, which is not the first one's either.
    bad = parts["crs"] != parts["crs"].iloc[0]
    if bad.any():
        text = f"'{codes[bad].iloc[0]}' is not a code of the same grid as the first row"
        raise InputError(f"{file}: column '{codes.name}': {text}")
    side, north, east = (parts[name].astype("float64").to_numpy() for name in ("side", "north", "east"))
    squares: npt.NDArray[np.object_] = shapely.box(east, north, east + side, north + side)
    return squares, CRS.from_epsg(int(parts["crs"].iloc[0]))


def _is_h3(text: str) -> bool:
    # Importing h3 costs 30 ms; H3 indexes have 15 hexadecimal digits, or 18 to 19 decimal ones.
    if not 15 <= len(text) <= 19:
        return False
    import h3

    return bool(h3.is_valid_cell(_h3_text(text)))


def _h3_text(text: str) -> str:
    import h3

    return str(h3.int_to_str(int(text))) if text.isdecimal() and len(text) > 16 else text


def _h3_hexagons(codes: pd.Series, file: str) -> tuple[npt.NDArray[np.object_], CRS]:
    import h3

    indexes = [_h3_text(text) for text in codes]
    bad = next((text for text in indexes if not h3.is_valid_cell(text)), None)
    if bad is not None:
        raise InputError(f"{file}: column '{codes.name}': '{bad}' is not an H3 index as in the first row")
    rings: list[Any] = [[(lon, lat) for lat, lon in h3.cell_to_boundary(index)] for index in indexes]
    corners = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    hexagons = shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=corners))
    return _cut_at_date_line(np.asarray(hexagons, dtype=object)), LONLAT


def _cut_at_date_line(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Make two parts of a polygon whose corners are on both sides of the 180th meridian, as RFC 7946 has it."""
    bounds = shapely.bounds(shapes)
    for at in np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180):
        whole = shapely.transform(shapes[at], lambda xy: np.column_stack([xy[:, 0] % 360, xy[:, 1]]))
        west, east = (shapely.intersection(whole, shapely.box(left, -90, left + 180, 90)) for left in (0, 180))
        shapes[at] = shapely.union_all([west, shapely.transform(east, lambda xy: xy - [360, 0])])
    return shapes
