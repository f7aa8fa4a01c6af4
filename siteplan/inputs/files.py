"""Any table of places, whatever its format, as one GeoDataFrame."""

import re
import warnings
from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.errors import InputError, absence, listed, warn
from siteplan.formats import PACKED, PLACES, RASTERS, VECTORS, refuse_disguised
from siteplan.geo import LONLAT, as_crs, boxes_around, lonlat_bounds
from siteplan.inputs.codes import code_shapes, find_codes
from siteplan.inputs.declared import texts_among_numbers
from siteplan.inputs.packed import ending_of, plain_file
from siteplan.inputs.tables import read_table
from siteplan.inputs.values import EXACT, numbers, row_name

__all__ = [
    "Within",
    "existing_file",
    "read_places",
]

Within: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | None

SHEETLIKE = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")

# Column names that mean a position; tried in this order, capitals or not.
POSITIONS = (("lon", "lat"), ("long", "lat"), ("lng", "lat"), ("longitude", "latitude"))
WKT = re.compile(r"\s*(MULTI)?(POINT|POLYGON)", re.IGNORECASE)
SHAPES = ("wkt", "geometry", "geom", "the_geom")
PLANE_POSITIONS = (("x", "y"), ("easting", "northing"), ("x_coord", "y_coord"))


def existing_file(path: str | PathLike[str], endings: Collection[str], what: str) -> Path:
    """Return the path of a file that exists, holds something and has one of the endings.

    Raises
    ------
    InputError
        Otherwise, naming what was expected.
    """
    file = Path(path)
    if file.is_dir():
        raise InputError(f"{file}: is a folder; expected a file with {what}")
    if not file.exists():
        raise InputError(f"{file}: {absence(file)}; expected {what}")
    if file.stat().st_size == 0 and file.suffix.lower() in (*endings, *PACKED):
        raise InputError(f"{file}: is empty; expected {what}")
    packed = any(ending in (*PLACES, *RASTERS) for ending in endings)
    ending = ending_of(file) if packed else file.suffix.lower()
    if ending not in endings:
        also = ", or one of these in a .zip or .gz" if packed else ""
        if ending in SHEETLIKE and ".xlsx" in endings:
            also += "; save it as .xlsx or .csv"
        raise InputError(f"{file}: cannot read '{ending}' as {what}; expected one of {' '.join(endings)}{also}")
    return file


def read_places(
    path: Path,
    *,
    layer: str | None = None,
    crs: Any = None,
    prefer: Literal["codes", "coordinates"] = "coordinates",
    within: Within = None,
    located: bool = True,
) -> gpd.GeoDataFrame:
    """Read vector files, GeoParquet, and tables with coordinates or cell codes (H3, INSPIRE grid).

    Parameters
    ----------
    path
        An existing file with one of the endings `PLACES`, or one of these in a zip or packed by gzip.
    layer
        Which layer or sheet, where a file has several.
    crs
        The CRS of the coordinates, where the file does not say it.
    prefer
        What to make the geometry of, when a plain table has both coordinates and cell codes.
    within
        Only what touches the rectangle around this is read; any CRS.
    located
        Whether the table must say where things are; else one that does not is read, too, without a place for any.

    Returns
    -------
    GeoDataFrame
        Rows as in the file, numbered from 0, with a CRS; geometry None where a row has no place. CSV columns are text.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, no CRS, or coordinates that do not fit in its CRS.
    """
    given = None if crs is None else as_crs(crs)
    with plain_file(path) as plain:
        return _read_plain(plain, layer, given, prefer=prefer, within=within, located=located)


def _read_plain(
    path: Path,
    layer: str | None,
    given: Any,
    *,
    prefer: str,
    within: Within,
    located: bool,
) -> gpd.GeoDataFrame:
    ending = path.suffix.lower()
    if ending in VECTORS:
        table = _read_vector(path, layer, within)
        implied = ending in (".geojson", ".json")
    else:
        table = read_table(path, layer)
        implied = False
        if not isinstance(table, gpd.GeoDataFrame):
            if located or _is_located(table, given):
                table = _located(table, path, given, prefer)
            else:
                table = gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=LONLAT)
            given = None if table.crs is not None else given
    if table.empty:
        raise InputError(f"{path}: has no rows" + ("" if within is None else " within the study area"))
    if not located and table.geometry.isna().all():
        return table
    table = _with_crs(table, path, given, implied)
    _check_degrees(table, path)
    lonlat_bounds(table, str(path))
    return table if within is None else _cropped(table, path, within)


def _say_blurred(table: pd.DataFrame, path: Path) -> None:
    """Warn of ids that lost digits: GDAL's reader makes floats of whole numbers that have blanks among them."""
    floats = table.select_dtypes("float64")
    inside = (floats.abs() >= EXACT) & (floats.abs() < 2.0**63)
    if names := list(floats.columns[inside.any()]):
        text = f"{path}: {listed(names)}: numbers above {EXACT:,} were read as floats, without their last digits"
        warn(f"{text}; if these are ids, save them as text")


def _read_vector(path: Path, layer: str | None, within: Within) -> gpd.GeoDataFrame:
    from pyogrio.errors import DataLayerError, DataSourceError

    refuse_disguised(path)
    # Its schema is not asked for where the file says that it lies.
    options = {"DOWNLOAD_SCHEMA": "NO"} if path.suffix.lower() == ".gml" else {}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            name = _only_layer(path, layer)
            table = gpd.read_file(path, layer=name, bbox=within, fid_as_index=True, **options)
    except (DataLayerError, DataSourceError, UnicodeDecodeError, shapely.errors.GEOSException) as error:
        said_once = "; ".join(dict.fromkeys(" ".join(str(error).split()).split("; ")))
        raise InputError(
            f"{path}: cannot be read as {path.suffix}; is it whole? Copy or export it again ({said_once})"
        ) from None
    said = [remark for remark in said if issubclass(remark.category, RuntimeWarning | UserWarning)]
    if said:
        text = f"{path}: read with {len(said)} remark(s), the first: {said[0].message}"
        warn(text)
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(f"{path}: layer {layer or ''} has no geometry; expected polygons or points".replace("  ", " "))
    for column, texts in texts_among_numbers(path, name).items():
        table[column] = table[column].astype(object).where(~table.index.isin(list(texts)), table.index.map(texts.get))
    _say_blurred(table, path)
    return table.reset_index(drop=True)


def _only_layer(path: Path, layer: str | None) -> str:
    import pyogrio

    spatial = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
    if layer in spatial:
        return str(layer)
    if layer is None and len(spatial) == 1:
        return spatial[0]
    if layer is None and not spatial:
        raise InputError(f"{path}: has no layer with geometry; expected polygons or points")
    found = "has several layers" if layer is None else f"has no layer '{layer}'"
    raise InputError(f"{path}: {found}; name one with layer=: {listed(spatial)} {_in_study('layer', spatial[0])}")


def _in_study(key: str, value: object) -> str:
    """Say how an option of a reader is given in a study and on the command line."""
    others = f"inputs.population.{key} for people, area.communes.{key} for communes"
    return f"(in a study: {key} beside the file, as --set inputs.sites.{key}={value} for sites, {others})"


def _located(table: pd.DataFrame, path: Path, crs: Any, prefer: str) -> gpd.GeoDataFrame:
    """Give a plain table its geometry: from cell codes or from coordinates."""
    codes = find_codes(table)
    pair = _find_pair(table, crs)
    if codes is not None and (pair is None or prefer == "codes"):
        shapes, code_crs = code_shapes(table[codes.column], codes.kind, str(path))
        return gpd.GeoDataFrame(table, geometry=shapes, crs=code_crs)
    if pair is None and (column := _find_wkt(table)) is not None:
        return gpd.GeoDataFrame(table.drop(columns=column), geometry=_shapes(table[column], path), crs=crs)
    if pair is None:
        raise InputError(
            f"{path}: no coordinates found among the columns {listed(table.columns)}; expected lon and lat, "
            f"x and y with crs= {_in_study('crs', 'EPSG:2154')}, a column WKT, or a column of H3 or INSPIRE grid codes"
        )
    x_name, y_name, pair_crs = pair
    if pair_crs is None:
        raise InputError(
            f"{path}: the columns {x_name}, {y_name} have no CRS; name it, e.g. crs='EPSG:2154' "
            f"{_in_study('crs', 'EPSG:2154')}"
        )
    x, y = (numbers(table[name], str(path), in_doubt="decimals") for name in (x_name, y_name))
    points = np.full(len(table), None, dtype=object)
    here = ~(np.isnan(x) | np.isnan(y))
    points[here] = shapely.points(x[here], y[here])
    return gpd.GeoDataFrame(table.assign(**{x_name: x, y_name: y}), geometry=points, crs=pair_crs)


def _is_located(table: pd.DataFrame, crs: Any) -> bool:
    found = (find_codes(table), _find_pair(table, crs), _find_wkt(table))
    return any(each is not None for each in found)


def _find_wkt(table: pd.DataFrame) -> str | None:
    """Find a column of geometries as text, as QGIS and databases write them."""
    for column in table.columns:
        if str(column).lower() in SHAPES and table[column].astype(str).str.match(WKT).any():
            return str(column)
    return None


def _shapes(texts: pd.Series, path: Path) -> npt.NDArray[np.object_]:
    there = (texts.notna() & (texts.astype(str).str.strip() != "")).to_numpy()
    held = [text if full else None for text, full in zip(texts, there, strict=True)]
    shapes: npt.NDArray[np.object_] = shapely.from_wkt(np.array(held, dtype=object), on_invalid="ignore")
    broken = np.flatnonzero(there & shapely.is_missing(shapes))
    if broken.size:
        raise InputError(
            f"{path}: {broken.size:,} of {len(texts):,} geometries in column '{texts.name}' are no WKT, the first: "
            f"{row_name(int(broken[0]), path)}: {str(texts.iloc[broken[0]])[:40]!r}"
        )
    return shapes


def _find_pair(table: pd.DataFrame, crs: Any) -> tuple[str, str, Any] | None:
    lower = {str(column).lower(): str(column) for column in table.columns}
    for pairs, pair_crs in ((POSITIONS, LONLAT), (PLANE_POSITIONS, crs)):
        for x_name, y_name in pairs:
            if x_name in lower and y_name in lower:
                return lower[x_name], lower[y_name], pair_crs
    return None


def _with_crs(table: gpd.GeoDataFrame, path: Path, given: Any, implied: bool) -> gpd.GeoDataFrame:
    """Set the CRS the user gave, unless the file states another; GeoJSON merely implies lon/lat."""
    if table.crs is None and given is None:
        told = f"e.g. crs='EPSG:3035' {_in_study('crs', 'EPSG:3035')}"
        raise InputError(f"{path}: has no CRS; name the one its coordinates are in, {told}")
    if given is None or table.crs == given:
        return table
    if table.crs is None or implied:
        return table.set_crs(given, allow_override=True)
    raise InputError(f"{path}: its CRS is {table.crs.name}, but crs={given.to_string()} was given; leave crs out")


def _check_degrees(table: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse longitudes and latitudes that are none."""
    if not table.crs.is_geographic:
        return
    bounds = table.geometry.bounds.to_numpy()
    outside = (np.abs(bounds[:, [0, 2]]) > 180.001).any(axis=1) | (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1)
    if not outside.any():
        return
    first = int(np.flatnonzero(outside)[0])
    x, y = bounds[first, :2]
    swapped = np.nanmax(np.abs(bounds[:, [0, 2]])) <= 90 and np.nanmax(np.abs(bounds[:, [1, 3]])) <= 180.001
    hint = (
        "longitude and latitude look swapped"
        if swapped
        else f"if they are in another CRS, name it with crs= {_in_study('crs', 'EPSG:3035')}"
    )
    raise InputError(
        f"{path}: {row_name(first, path)} lies at lon {x:.6g}, lat {y:.6g}, outside -180..180 and -90..90; {hint}"
    )


def _cropped(table: gpd.GeoDataFrame, path: Path, within: gpd.GeoDataFrame | gpd.GeoSeries) -> gpd.GeoDataFrame:
    box = shapely.union_all([shapely.box(*box) for box in boxes_around(within, table.crs)])
    # Rows without a place stay: they are counted by whoever reads them.
    kept = table[table.geometry.isna() | table.geometry.is_empty | table.geometry.intersects(box)]
    if kept.empty:
        raise InputError(f"{path}: has no rows within the study area; is it the file of another place?")
    return kept
