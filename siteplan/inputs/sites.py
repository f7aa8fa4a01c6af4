"""Where telecentres are or could be."""

import re
from collections.abc import Callable, Mapping
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.doors import door
from siteplan.errors import InputError, listed, reads, warn
from siteplan.formats import PLACES
from siteplan.inputs.files import existing_file, read_places
from siteplan.inputs.numerals import MISSING_TEXT
from siteplan.inputs.values import EXACT, find_column, keys, numbers, refuse_lists, repaired, row_name

__all__ = ["OPEN", "STATUSES", "Places", "as_sites", "read_sites"]

STATUSES = ("existing", "candidate", "required", "excluded")
OPEN = ("existing", "required")  # in any case
Read = TypeVar("Read")
SITE = ("site", "id", "site_id")
MISSING = -1  # what shapely calls the type of no geometry
CODE = re.compile(r"[-+]?0\d|\+|\D*(\d\D*){16}")  # zeros in front, a telephone's plus, more digits than a number holds


@door()
@reads("sites")
def read_sites(
    path: str | PathLike[str], *, layer: str | None = None, crs: Any = None, places: bool = True
) -> gpd.GeoDataFrame:
    """Read existing and candidate sites from CSV, .xlsx, GeoJSON, GeoPackage, Shapefile or Parquet.

    Parameters
    ----------
    path
        A file of points, also the one in a .zip, or packed as .gz. Columns, all optional: `site` or `id` (else rows
        are numbered from 1), `name`, `status` (existing, candidate, required or excluded; blank = candidate), `cost`,
        `capacity`.
    layer
        Which layer or sheet, where a file has several; of a workbook, by default the first sheet.
    crs
        The CRS of the coordinates, where the file does not say it; columns named lon, lat are in degrees.
    places
        Whether each site must have a place; a table of times knows where they are without it.

    Returns
    -------
    GeoDataFrame
        Index `site` (text, as it stands in the file); columns `name`, `status`, `cost`, `capacity` (NaN = not known),
        then the file's other columns (numbers where they hold nothing else, but for codes with zeros in front); points
        in the CRS of the file, None for a site without a place.

    Raises
    ------
    InputError
        Naming the site or row without a place, with an id used before, an unknown status, or a number that is none.

    Warns
    -----
    SiteplanWarning
        If outlines stand for sites: a point inside each is taken.

    Examples
    --------
    >>> sp.read_sites("sites.csv")[["name", "status", "capacity"]].head(2)
                                         name    status  capacity
    site
    S01                Télécentre de la Halle  existing      40.0
    S02   Espace Orvelle, quartier de la gare  existing      24.0
    """
    file = existing_file(path, PLACES, "a file of sites")
    table = read_places(file, layer=layer, crs=crs, prefer="coordinates", located=places)
    site_column = find_column(table, file, "sites", None, known=SITE)
    problems: list[str] = []
    plain = pd.Index(table.index if site_column is None else table[site_column].astype(str), name="site")
    index = _tried(problems, lambda: _site_keys(table, file, site_column), plain)
    name_column = find_column(table, file, "names", None, known=("name",))
    own = {
        "name": _tried(problems, lambda: _names(table, file, name_column, index), None),
        "status": _tried(problems, lambda: _statuses(table, file, index), None),
        "cost": _tried(problems, lambda: _amounts(table, file, "cost", index), None),
        "capacity": _tried(problems, lambda: _amounts(table, file, "capacity", index), None),
    }
    used = {
        site_column,
        name_column,
        table.geometry.name,
        *(find_column(table, file, "", None, known=(key,)) for key in own),
    }
    others = {
        str(column): _numbered(_alike(table[column]), file).to_numpy() for column in table.columns if column not in used
    }
    points = _tried(problems, lambda: _points(table, file, index, places), None)
    if problems:
        raise InputError("; also: ".join([problems[0], *(text.removeprefix(f"{file}: ") for text in problems[1:])]))
    return gpd.GeoDataFrame(own | others, index=index, geometry=points, crs=table.crs)


def as_sites(given: Any, what: str = "sites") -> Any:
    """Return sites given as degrees, ``(lon, lat)``, as a table; what is none of these is returned as it is.

    Parameters
    ----------
    given
        One pair, a list of pairs (S1, S2, ...) or a dictionary of pairs by name.

    Returns
    -------
    GeoDataFrame
        As `read_sites` gives it; points in EPSG:4326.

    Raises
    ------
    InputError
        Numbers that are no place on the Earth.
    """
    pair = isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(value, Real) for value in given)
    named = dict(given) if isinstance(given, Mapping) else None
    if named is None and isinstance(given, tuple | list) and len(given):
        named = {f"S{number}": place for number, place in enumerate([given] if pair else given, 1)}
    if not named or not all(isinstance(place, tuple | list) and len(place) == 2 for place in named.values()):
        return given
    for name, place in named.items():
        lon, lat = place
        if not (isinstance(lon, Real) and isinstance(lat, Real) and abs(float(lon)) <= 180 and abs(float(lat)) <= 90):
            raise InputError(
                f"{what}: {name} is at {place!r}; expected (lon, lat) in degrees, from -180 to 180 and from -90 to 90"
            )
    index = pd.Index([str(name) for name in named], name="site", dtype=object)
    columns = {"name": index, "status": "candidate", "cost": np.nan, "capacity": np.nan}
    return gpd.GeoDataFrame(
        columns, index=index, geometry=gpd.points_from_xy(*zip(*named.values(), strict=True)), crs=4326
    )


Places: TypeAlias = Annotated[gpd.GeoDataFrame, as_sites]
"""A table of places, or `(lon, lat)`, a list of these or a dictionary of them by name."""


def _tried(problems: list[str], read: Callable[[], Read], instead: Read) -> Read:
    """Read one thing; what is wrong with it is kept, to be said with all the rest."""
    try:
        return read()
    except InputError as error:
        problems.append(str(error))
        return instead


def _alike(values: pd.Series) -> pd.Series:
    """Make texts of what not every format can hold: numbers among texts, whole numbers beside blanks beyond floats."""
    if pd.api.types.is_integer_dtype(values) and values.isna().any() and (values.abs() >= EXACT).any():
        return values.astype(str).where(values.notna(), None).astype(object)
    if values.dtype != object or pd.api.types.infer_dtype(values, skipna=True) not in ("mixed", "mixed-integer"):
        return values
    return values.where(values.isna(), values.astype(str))


def _numbered(values: pd.Series, file: Path) -> pd.Series:
    """Read a column of texts as numbers where it holds nothing else; codes with zeros in front stay texts."""
    if values.dtype.kind != "O" and not pd.api.types.is_string_dtype(values):
        return values
    told = [str(value).strip() for value in values if pd.api.types.is_scalar(value) and not pd.isna(value)]
    filled = [text for text in told if text.lower() not in MISSING_TEXT]
    if len(told) + int(values.isna().sum()) < len(values) or not filled or any(map(CODE.match, filled)):
        return values
    try:
        read = pd.Series(numbers(values, str(file)), index=values.index)
    except InputError:  # no numbers, or in two ways: said where they are asked for as numbers
        return values
    whole = len(filled) == len(values) and bool((read % 1 == 0).all())
    return read.astype("int64") if whole else read


def _site_keys(table: gpd.GeoDataFrame, file: Path, column: str | None) -> pd.Index:
    if column is None:
        return pd.Index([str(row + 1) for row in range(len(table))], name="site", dtype=object)
    return keys(table[column], file, "site").astype(str).astype(object)


def _names(table: gpd.GeoDataFrame, file: Path, column: str | None, index: pd.Index) -> pd.Series:
    if column is None:
        return pd.Series(index, index=index, dtype=object)
    refuse_lists(table[column], file, "name")
    values = table[column].to_list()
    names = [
        key if pd.isna(name) or str(name).strip() == "" else str(name) for name, key in zip(values, index, strict=True)
    ]
    return pd.Series(names, index=index, dtype=object)


def _statuses(table: gpd.GeoDataFrame, file: Path, index: pd.Index) -> pd.Series:
    column = find_column(table, file, "status", None, known=("status",))
    if column is None:
        return pd.Series("candidate", index=index, dtype=object)
    refuse_lists(table[column], file, "status")
    values = ["" if pd.isna(value) else str(value).strip().lower() for value in table[column]]
    status = pd.Series(values, index=index, dtype=object).replace("", "candidate")
    unknown = status[~status.isin(STATUSES)]
    if not unknown.empty:
        raise InputError(
            f"{file}: site {unknown.index[0]} has the status '{unknown.iloc[0]}'; expected one of {', '.join(STATUSES)}"
            + (f" ({len(unknown)} sites have another)" if len(unknown) > 1 else "")
        )
    return status


def _amounts(table: gpd.GeoDataFrame, file: Path, what: str, index: pd.Index) -> pd.Series:
    column = find_column(table, file, what, None, known=(what,))
    if column is None:
        return pd.Series(np.nan, index=index)
    amounts = pd.Series(numbers(table[column], str(file)), index=index)
    below = amounts[amounts < 0]
    if not below.empty:
        raise InputError(
            f"{file}: site {below.index[0]} has a {what} of {below.iloc[0]:g}; expected 0 or more, or a blank"
        )
    return amounts


def _points(
    table: gpd.GeoDataFrame, file: Path, index: pd.Index, places: bool
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Give every site one point; a site without a place cannot be compared with others."""
    nowhere = np.flatnonzero(table.geometry.isna() | table.geometry.is_empty)
    if nowhere.size and places:
        named = listed((f"{index[row]} ({row_name(row, file)})" for row in nowhere.tolist()), most=5)
        raise InputError(f"{file}: {nowhere.size} site(s) have no coordinates: {named}; expected a place for each")
    shapes: np.ndarray[Any, np.dtype[np.object_]] = repaired(table, file, "sites").geometry.to_numpy().copy()
    outlines = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (shapely.GeometryType.POINT, MISSING)))
    if outlines.size:
        shapes[outlines] = shapely.point_on_surface(shapes[outlines])
        text = f"{file}: {outlines.size:,} of {len(shapes):,} sites are not points; a point inside each is taken"
        warn(text)
    return shapes
