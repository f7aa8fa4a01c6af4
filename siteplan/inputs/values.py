"""The columns of a table that was read: found by name, keyed, read as numbers, repaired where they are shapes."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.errors import CONTROL, InputError, listed, warn
from siteplan.formats import SHEETS, TEXTS
from siteplan.inputs.numerals import MISSING_TEXT, THOUSANDS, clean, decimal_mark, plain
from siteplan.inputs.packed import ending_of

__all__ = [
    "EXACT",
    "find_column",
    "keys",
    "numbers",
    "refuse_lists",
    "refuse_negative",
    "repaired",
    "row_name",
    "same_codes",
]

UNSEEN = re.compile(rf"\n|{CONTROL.pattern}")  # in an id nobody could write it in a study, or find it in a message
EXACT = 2**53  # up to here a float holds every whole number
LARGEST = 2**63 - 1  # a whole number of 64 bits
# A code of digits, perhaps as a program writes it that took it for a number: without zeros in front, with .0 behind.
NUMBER = re.compile(r"0*(\d+)(?:\.0+)?")


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
    """Make the index of a table: whole numbers of 64 bits stay so, all else is text; each is there, and there once.

    Raises
    ------
    InputError
        Naming the first duplicates, or the first row without a key or with one that has signs of control.
    """
    if pd.api.types.is_float_dtype(values) and (values % 1 == 0).all() and (abs(values) < LARGEST).all():
        values = values.astype("int64")
    if not pd.api.types.is_integer_dtype(values) or (values > LARGEST).any():
        refuse_lists(values, path, what)
        text = values.astype(object).map(lambda value: "" if pd.isna(value) else str(value).strip())
        blank = np.flatnonzero(text == "")
        if blank.size:
            raise InputError(
                f"{path}: {row_name(values.index[blank[0]], path)} has no {what} in column '{values.name}'"
            )
        if UNSEEN.search("".join(text)):
            odd = next(row for row, key in enumerate(text) if UNSEEN.search(key))
            raise InputError(
                f"{path}: {row_name(values.index[odd], path)} has the {what} {text.iloc[odd]!a} in column "
                f"'{values.name}'; expected an id without line breaks and signs that cannot be seen"
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


def refuse_lists(values: pd.Series, path: Path, what: str) -> None:
    """Refuse a column of which a value is several, as Parquet may hold them: nobody could tell which is meant."""
    if values.dtype != object or pd.api.types.infer_dtype(values, skipna=True) == "string":
        return
    lists = np.flatnonzero([not pd.api.types.is_scalar(value) for value in values])
    if lists.size:
        raise InputError(
            f"{path}: {row_name(values.index[lists[0]], path)} has a list as {what} in column '{values.name}'; "
            "expected a number or a text"
        )


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


def same_codes(codes: Iterable[str], known: Iterable[str], what: str) -> dict[str, str]:
    """Tell what codes that are not known stand for, where a program has taken codes of digits for numbers.

    A code of digits stands for the only known one that is the same number: 1234 and 1234.0 for 01234, and 01234 for
    1234. Where two known ones are the same number, or none, it stands for nothing.

    Parameters
    ----------
    codes, known
        Codes of a table, and those that there are.
    what
        Begins the warning: the file, and what its codes are of.

    Returns
    -------
    dict
        The known code by the one in the table, of those that differ.

    Warns
    -----
    SiteplanWarning
        Of how many codes differ so.
    """
    there = set(known)
    strange = [code for code in dict.fromkeys(codes) if code not in there]
    numbers_of: dict[str, list[str]] = {}
    for code in there if strange else ():
        if number := NUMBER.fullmatch(code):
            numbers_of.setdefault(number[1], []).append(code)
    found = {}
    for code in strange:
        number = NUMBER.fullmatch(code)
        same = numbers_of.get(number[1], []) if number else []
        if len(same) == 1:
            found[code] = same[0]
    if found:
        one, other = next(iter(found.items()))
        warn(
            f"{what}: {len(found):,} code(s) differ from the known ones in zeros in front, or .0 behind: '{one}' is "
            f"taken as '{other}'"
        )
    return found


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
    """Name a row as the user sees it: a line of a CSV or a row of a sheet (the header is 1), or a feature."""
    ending = ending_of(path)
    if ending in TEXTS:
        return f"line {position + 2}"
    return f"row {position + 2}" if ending in SHEETS else f"feature {position + 1}"
