"""Any table of places, whatever its format, as one GeoDataFrame; and the checks that every reader shares."""

import codecs
import gzip
import re
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.errors import InputError, absence, listed, warn
from siteplan.formats import refuse_disguised
from siteplan.geo import LONLAT, as_crs, lonlat_bounds
from siteplan.inputs.codes import code_shapes, find_codes
from siteplan.inputs.declared import texts_among_numbers
from siteplan.inputs.numerals import MISSING_TEXT, THOUSANDS, clean, decimal_mark, known_mark, plain

__all__ = [
    "PLACES",
    "Within",
    "existing_file",
    "find_column",
    "in_study",
    "keys",
    "listed",
    "numbers",
    "read_places",
    "read_rows",
    "refuse_negative",
    "repaired",
    "row_name",
    "text_layout",
]

Within: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | None

VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".gml", ".kml")
PARQUETS = (".parquet", ".geoparquet")
TEXTS = (".csv", ".tsv")
PLACES = (*VECTORS, *PARQUETS, *TEXTS)

# Column names that mean a position; tried in this order, capitals or not.
POSITIONS = (("lon", "lat"), ("long", "lat"), ("lng", "lat"), ("longitude", "latitude"))
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
    if file.suffix.lower() not in endings:
        raise InputError(f"{file}: cannot read '{file.suffix}' as {what}; expected one of {' '.join(endings)}")
    if file.stat().st_size == 0:
        raise InputError(f"{file}: is empty; expected {what}")
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
    """Read vector files, GeoParquet, and CSV or Parquet with coordinates or cell codes (H3, INSPIRE grid).

    Parameters
    ----------
    path
        An existing file with one of the endings `PLACES`.
    layer
        Which layer, where a file has several.
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
    ending = path.suffix.lower()
    if ending in VECTORS:
        table = _read_vector(path, layer, within)
        implied = ending in (".geojson", ".json")
    else:
        table = _read_text(path) if ending in TEXTS else _read_parquet(path)
        implied = False
        if not isinstance(table, gpd.GeoDataFrame):
            if located or find_codes(table) is not None or _find_pair(table, given) is not None:
                table = _located(table, path, given, prefer)
            else:
                table = gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=LONLAT)
            given = None
    if table.empty:
        raise InputError(f"{path}: has no rows" + ("" if within is None else " within the study area"))
    if not located and table.geometry.isna().all():
        return table
    table = _with_crs(table, path, given, implied)
    _check_degrees(table, path)
    lonlat_bounds(table, str(path))
    return table if within is None else _cropped(table, path, within)


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
    raise InputError(f"{path}: {found}; name one with layer=: {listed(spatial)} {in_study('layer', spatial[0])}")


def in_study(key: str, value: object) -> str:
    """Say how an option of a reader is given in a study and on the command line."""
    return f"(in a study: {key} beside the file, as --set inputs.sites.{key}={value})"


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        return gpd.read_parquet(path) if b"geo" in metadata else pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from None


def _read_text(path: Path) -> pd.DataFrame:
    """Read a CSV as text, so that '001' stays '001'."""
    layout = text_layout(path)
    table = read_rows(path, layout, dtype=str, keep_default_na=False)
    _refuse_twins(path, layout)
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    table = table.fillna("")  # what a short row lacks at its end
    table.attrs["decimal"] = known_mark(table[column].head(1000) for column in table)
    return table


def _refuse_twins(path: Path, layout: Mapping[str, Any]) -> None:
    """Refuse a header that names two columns alike: nobody could tell which is meant."""
    header = read_rows(path, layout, dtype=str, keep_default_na=False, header=None, nrows=1).iloc[0]
    names = header.str.strip()
    twice = names[names.duplicated() & (names != "")]
    if len(twice):
        raise InputError(f"{path}: {(names == twice.iloc[0]).sum()} columns are called '{twice.iloc[0]}'; rename them")


def text_layout(path: Path) -> dict[str, Any]:
    """Say how a text is laid out, as options of `pandas.read_csv`: its encoding, and what stands between its values.

    That is what `sep=` in a line of its own says, as Excel writes it, else what the first line has most of.
    """
    encoding = _encoding(path)
    with _opened(path, encoding) as file:
        first = file.readline()
    told = re.fullmatch(r'"?sep=(.)"?\s*', first)
    return {
        "encoding": encoding,
        "sep": told[1] if told else max(",;\t", key=first.count),
        "skiprows": 1 if told else 0,
    }


def read_rows(path: Path, layout: Mapping[str, Any], **options: Any) -> pd.DataFrame:
    """Read a text of a known layout; a row that is longer than the header is named, not cut.

    Raises
    ------
    InputError
        If it is no table.
    """
    try:
        with warnings.catch_warnings():
            # A row longer than the header would lose its last values with no more than this warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(path, **layout, **options, index_col=False)
            return table
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError, OSError) as error:
        said = " ".join(str(error).split())
    ragged = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said)
    if ragged:
        said = f"line {ragged[2]} has {ragged[3]} values, the header {ragged[1]}; put texts that hold "
        said += f"'{layout['sep']}' in double quotes"
    elif "Length of header" in said:
        said = "its rows have more values than its header; give every column a name"
    raise InputError(f"{path}: cannot be read as a table: {said}")


def _opened(path: Path, encoding: str) -> TextIO:
    """Open a text, packed or not."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=encoding)
    return path.open(encoding=encoding)


def _encoding(path: Path) -> str:
    """UTF-8, or what spreadsheets write when it is not: UTF-16, or what Western Europe used before."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as raw:
        if raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        with _opened(path, "utf-8-sig") as file:
            for _ in file:
                pass
    except UnicodeDecodeError:
        encoding, known_as = _old_encoding(path)
        warn(f"{path}: is not UTF-8; read as {known_as}")
        return encoding
    return "utf-8-sig"


def _old_encoding(path: Path) -> tuple[str, str]:
    """Tell the code page of Windows from that of DOS, whose letters with accents are where Windows has quotes."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as raw:
        high = [byte for byte in raw.read() if byte > 127]
    if sum(byte < 0xA0 for byte in high) > len(high) / 2:
        return "cp850", "DOS code page 850"
    return "cp1252", "Windows-1252"


def _located(table: pd.DataFrame, path: Path, crs: Any, prefer: str) -> gpd.GeoDataFrame:
    """Give a plain table its geometry: from cell codes or from coordinates."""
    codes = find_codes(table)
    pair = _find_pair(table, crs)
    if codes is not None and (pair is None or prefer == "codes"):
        shapes, code_crs = code_shapes(table[codes.column], codes.kind, str(path))
        return gpd.GeoDataFrame(table, geometry=shapes, crs=code_crs)
    if pair is None:
        raise InputError(
            f"{path}: no coordinates found among the columns {listed(table.columns)}; expected lon and lat, "
            f"x and y with crs= {in_study('crs', 'EPSG:2154')}, or a column of H3 or INSPIRE grid codes"
        )
    x_name, y_name, pair_crs = pair
    if pair_crs is None:
        raise InputError(
            f"{path}: the columns {x_name}, {y_name} have no CRS; name it, e.g. crs='EPSG:2154' "
            f"{in_study('crs', 'EPSG:2154')}"
        )
    x, y = (numbers(table[name], str(path), in_doubt="decimals") for name in (x_name, y_name))
    points = np.full(len(table), None, dtype=object)
    here = ~(np.isnan(x) | np.isnan(y))
    points[here] = shapely.points(x[here], y[here])
    return gpd.GeoDataFrame(table, geometry=points, crs=pair_crs)


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
        told = f"e.g. crs='EPSG:3035' {in_study('crs', 'EPSG:3035')}"
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
        else f"if they are in another CRS, name it with crs= {in_study('crs', 'EPSG:3035')}"
    )
    raise InputError(
        f"{path}: {row_name(first, path)} lies at lon {x:.6g}, lat {y:.6g}, outside -180..180 and -90..90; {hint}"
    )


def _cropped(table: gpd.GeoDataFrame, path: Path, within: gpd.GeoDataFrame | gpd.GeoSeries) -> gpd.GeoDataFrame:
    box = shapely.box(*within.to_crs(table.crs).total_bounds)
    # Rows without a place stay: they are counted by whoever reads them.
    kept = table[table.geometry.isna() | table.geometry.is_empty | table.geometry.intersects(box)]
    if kept.empty:
        raise InputError(f"{path}: has no rows within the study area; is it the file of another place?")
    return kept


def find_column(table: pd.DataFrame, path: Path, what: str, given: str | None, *, known: Iterable[str]) -> str | None:
    """Return the column the user named, else the first that has one of the known names, else None.

    Raises
    ------
    InputError
        If the table has no column of the name given.
    """
    columns = [str(column) for column in table.columns if column != table.geometry.name]
    if given is not None:
        if given not in columns:
            raise InputError(f"{path}: has no column '{given}' for {what}; its columns are {listed(columns)}")
        return given
    lower = {column.lower(): column for column in reversed(columns)}
    return next((lower[name] for name in known if name in lower), None)


def keys(values: pd.Series, path: Path, what: str) -> pd.Index:
    """Make the index of a table: whole numbers stay so, all else is text; each key is there and is there once.

    Raises
    ------
    InputError
        Naming the first duplicates, or the first row without a key.
    """
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all() and values.notna().all():
        values = values.astype("int64")
    if not pd.api.types.is_integer_dtype(values):
        lists = np.flatnonzero([not pd.api.types.is_scalar(value) for value in values])
        if lists.size:
            raise InputError(
                f"{path}: {row_name(values.index[lists[0]], path)} has a list as {what} in column '{values.name}'; "
                "expected a number or a text"
            )
        text = values.astype(object).map(lambda value: "" if pd.isna(value) else str(value).strip())
        blank = np.flatnonzero(text == "")
        if blank.size:
            raise InputError(
                f"{path}: {row_name(values.index[blank[0]], path)} has no {what} in column '{values.name}'"
            )
        values = text
    repeated = values[values.duplicated()]
    if not repeated.empty:
        first = listed(dict.fromkeys(repeated), most=5)
        raise InputError(
            f"{path}: {repeated.nunique()} {what} id(s) in column '{values.name}' stand twice: {first}; "
            f"expected each {what} once: rename them, or make one row of the rows of one {what}"
        )
    index: pd.Index = pd.Index(values.to_list(), name=what, dtype="int64" if values.dtype.kind in "iu" else object)
    return index


def numbers(
    values: pd.Series,
    file: str,
    marks: Sequence[float | str] = (),
    *,
    in_doubt: Literal["refuse", "decimals"] = "refuse",
) -> npt.NDArray[np.float64]:
    """Read a column as numbers; blanks, NA and the marks given become NaN.

    Texts are read as people write numbers, with a decimal point or comma and marks between thousands: which is which
    is decided for the column as a whole.

    Raises
    ------
    InputError
        Naming the row and the value that is no number, or the column that can be read in two ways.

    Warns
    -----
    SiteplanWarning
        Where marks stand between thousands.
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        result = values.to_numpy(dtype=np.float64, na_value=np.nan)
        blank = np.isnan(result)
    else:
        text = values.astype(object).map(lambda value: "" if _is_missing(value) else clean(str(value)))
        blank = text.isin(MISSING_TEXT | {str(mark).lower() for mark in marks}).to_numpy()
        result = np.array(pd.to_numeric(text.where(~blank, "nan"), errors="coerce"), dtype=np.float64)
        told = ~blank & np.array([isinstance(value, str) for value in values], bool)  # what is a number already, is one
        result[told] = _read_numbers(text[told], file, values.attrs.get("decimal"), in_doubt)
    bad = np.flatnonzero(~np.isfinite(result) & ~blank)
    if bad.size:
        value = values.iloc[bad[0]]
        where = row_name(values.index[bad[0]], Path(file))
        raise InputError(f"{file}: {where}, column '{values.name}': found {value!r}, expected a number or a blank")
    for mark in marks:
        if not isinstance(mark, str):
            result = np.where(np.isclose(result, mark, rtol=1e-6, atol=0), np.nan, result)
    return result


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _read_numbers(text: pd.Series, file: str, told: str | None, in_doubt: str) -> npt.NDArray[np.float64]:
    mark = decimal_mark(text, told)
    if mark is None:
        example = next(each for each in text if plain(each, ".") != plain(each, ","))
        mark = "." if "." in example else ","
        if in_doubt == "refuse":
            one, other = (float(plain(example, each)) for each in (mark, THOUSANDS[mark]))
            raise InputError(
                f"{file}: column '{text.name}' can be read in two ways: '{example}' is {one:g} or {other:,.15g}; "
                "write its numbers without marks between thousands"
            )
    odd = text[text.str.contains(",", regex=False) if mark == "." else text.str.contains("[.,]")]
    written = odd.map(lambda each: plain(each, mark))
    thousands = odd[odd.str.contains(THOUSANDS[mark], regex=False) & (written != odd)]
    if len(thousands):
        first = thousands.iloc[0]
        said = f"'{THOUSANDS[mark]}' between thousands: '{first}' is {float(plain(first, mark)):,.15g}"
        warn(f"{file}: column '{text.name}' has {said}")
    result: npt.NDArray[np.float64] = pd.to_numeric(
        text.where(~text.index.isin(odd.index), written), errors="coerce"
    ).to_numpy(dtype=np.float64)
    return result


def refuse_negative(below: npt.NDArray[np.float64], file: str, column: str, first: str) -> None:
    """Raise the error for negative values: few distinct ones are marks for "no value", many are a wrong column.

    Parameters
    ----------
    below
        The negative values, the first of them at the place that `first` names.
    """
    distinct = np.unique(below)
    marks = [f"{value:.15g}" for value in distinct]
    if distinct.size <= 3:
        remedy = f"if that means 'no value' or 'withheld', declare it: missing=[{', '.join(marks)}]"
        remedy += f" (in a study: inputs.population.missing: [{', '.join(marks)}])"
    else:
        remedy = "is it the right column or band?"
    raise InputError(
        f"{file}: {below.size:,} value(s) of {column} are negative, the first {below[0]:.15g} ({first}); "
        f"expected counts of 0 or more; {remedy}"
    )


def repaired(table: gpd.GeoDataFrame, path: Path, what: str) -> gpd.GeoDataFrame:
    """Repair what is not a valid polygon, counted; other kinds of geometry pass untouched."""
    shapes = shapely.force_2d(table.geometry.to_numpy())
    bad = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if bad.any():
        shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
        text = f"{path}: {bad.sum():,} {what} of {len(table):,} cross themselves; their outlines were repaired"
        warn(text)
    return table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))


def row_name(position: int | np.integer[Any], path: Path) -> str:
    """Name a row as the user sees it: a line of a CSV (the header is line 1), a feature of anything else."""
    return f"line {position + 2}" if path.suffix.lower() in TEXTS else f"feature {position + 1}"
