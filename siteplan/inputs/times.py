"""Tables of minutes that somebody else computed, and the check that every table of minutes passes."""

import gzip
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.files import existing_file, listed

__all__ = [
    "GIVEN",
    "POINTS_KEY",
    "TimeRows",
    "check_times",
    "made_points",
    "people_amounts",
    "read_times",
    "time_rows",
]

POINTS_KEY = "siteplan_points"  # in the metadata of a Parquet file: which points siteplan made for its times
GIVEN = "given"  # the mode of a table that does not say how people travel
LONGEST = 600.0  # minutes; nobody asks for a ten-hour catchment, so more than that is seconds

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

# Columns under which other tools write the same thing; the first one present is taken.
_SITE = ("site", "site_id", "facility", "facility_id")
_POINT = ("point", "point_id", "demand", "demand_id")
_FROM = ("from_id", "from", "origin_id", "origin")
_TO = ("to_id", "to", "destination_id", "destination")
_MINUTES = ("minutes", "travel_time", "travel_time_p50", "travel_time_minutes", "duration_minutes")
_SECONDS = ("seconds", "travel_time_seconds", "duration_seconds")


@dataclass(frozen=True)
class TimeRows:
    """A checked times table as arrays, its rows sorted by mode, site and point.

    `site` and `point` are positions in `sites` and `points`; the rows of `modes[m]` are `starts[m]:starts[m + 1]`.
    Because the rows are sorted, a sum over them has the same bits whatever the order of the table was.
    """

    sites: pd.Index
    modes: tuple[str, ...]
    points: pd.Index
    site: Ints
    point: Ints
    minutes: Floats
    starts: Ints

    def mode_rows(self, mode: str) -> slice:
        """Return where the rows of one mode lie."""
        position = self.modes.index(mode)
        return slice(int(self.starts[position]), int(self.starts[position + 1]))


def check_times(times: pd.DataFrame, people: pd.DataFrame | None = None) -> None:
    """Check a table of minutes: columns, values, units, one row per site, point and mode, points that exist.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` and, for several modes, `mode`. An absent row is out of reach.
    people
        Table indexed by `point`; every point of `times` must be in it.

    Raises
    ------
    InputError
        Naming the first offending row, or the unit that the values seem to have.

    Warns
    -----
    SiteplanWarning
        If every time is below one minute, as in a table of hours.
    """
    rows = time_rows(times, None if people is None else people_amounts(people, ())[0])
    longest = float(rows.minutes.max(initial=0.0))
    if 0.0 < longest < 1.0:
        text = f"times: the longest of {len(times):,} times is {longest:g} minutes. If these are hours, multiply by 60"
        warnings.warn(SiteplanWarning(text), stacklevel=2)


def people_amounts(people: pd.DataFrame, groups: Sequence[str] | None = None) -> tuple[pd.Index, dict[str, Floats]]:
    """Return the sorted points of a people table and, by name, its people and groups in that order.

    `point` may be the index or a column. What is withheld (missing) counts as nothing. `groups` None takes every
    numeric column that does not describe where the point is.
    """
    if "people" not in people.columns:
        raise InputError(
            f"people: no column people (found: {listed(people.columns)}). Expected a table with people by point"
        )
    if "point" in people.columns:
        people = people.set_index("point")
    if not people.index.is_unique:
        first = people.index[people.index.duplicated()][0]
        raise InputError(f"people: point '{first}' stands in more than one row. Give every point one row")
    order = slice(None) if people.index.is_monotonic_increasing else people.index.argsort()
    names = ["people", *(_group_columns(people) if groups is None else groups)]
    return people.index[order].rename("point"), {name: _amounts(people, name)[order] for name in names}


# Numbers of a points table that are not numbers of people.
_PLACE = {"people", "cell", "edge", "offset_m", "access_m", "x", "y", "lon", "lat", "longitude", "latitude", "share"}


def _group_columns(people: pd.DataFrame) -> list[str]:
    numbers = people.drop(columns="geometry", errors="ignore").select_dtypes("number").columns
    return [str(name) for name in numbers if name not in _PLACE]


def _amounts(people: pd.DataFrame, name: str) -> Floats:
    """Return one column of a people table, nothing where it is withheld."""
    if name not in people.columns:
        raise InputError(f"people: no column {name!r} (found: {listed(people.columns)})")
    try:
        amounts: Floats = people[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"people: column {name} holds {people[name].dtype}, expected numbers") from error
    wrong = (amounts < 0) | np.isinf(amounts)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(f"people: point '{people.index[first]}' has {amounts[first]:g} {name}, expected 0 or more")
    return np.where(np.isnan(amounts), 0.0, amounts)


def time_rows(times: pd.DataFrame, points: pd.Index | None = None) -> TimeRows:
    """Check a times table and turn it into sorted arrays; `points` (sorted, unique) gives the points that exist."""
    _require_columns(times)
    minutes = _checked_minutes(times)
    site, sites = _codes(times["site"], "site")
    mode, modes = _codes(times["mode"], "mode") if "mode" in times.columns else (np.zeros(len(times), int), None)
    names = (GIVEN,) if modes is None or len(modes) == 0 else tuple(str(name) for name in modes)
    if points is None:
        points = pd.Index(times["point"].unique(), name="point").sort_values()
    point = _point_positions(times["point"], points)
    key = (mode * max(len(sites), 1) + site) * max(len(points), 1) + point
    if not bool((key[1:] > key[:-1]).all()):
        order = np.argsort(key, kind="stable")
        _refuse_duplicates(times, key, order)
        mode, site, point, minutes = mode[order], site[order], point[order], minutes[order]
    starts = np.searchsorted(mode, np.arange(len(names) + 1))
    return TimeRows(sites, names, points, site, point, minutes, starts)


def _require_columns(times: pd.DataFrame) -> None:
    missing = [column for column in ("site", "point", "minutes") if column not in times.columns]
    if missing:
        raise InputError(
            f"times: no column {', '.join(missing)} (found: {listed(times.columns)}). "
            "Expected site, point, minutes and, for several modes, mode"
        )


def _checked_minutes(times: pd.DataFrame) -> Floats:
    """Return the minutes as an array after checking that they are numbers, not negative, and look like minutes."""
    try:
        minutes: Floats = times["minutes"].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"times: column minutes holds {times['minutes'].dtype}, expected numbers") from error
    wrong = ~((minutes >= 0) & (minutes < np.inf))
    if wrong.any():
        first = int(wrong.argmax())
        where = f"site '{times['site'].iloc[first]}', point '{times['point'].iloc[first]}'"
        raise InputError(
            f"times: {int(wrong.sum()):,} rows have no valid time; the first is row {first} ({where}): "
            f"{minutes[first]:g} minutes. Expected 0 or more; leave out what is out of reach"
        )
    longest = float(minutes.max(initial=0.0))
    if longest > LONGEST:
        raise InputError(
            f"times: the longest time is {longest:g} minutes, more than {LONGEST:g}. "
            "If the table is in seconds, divide by 60; if not, leave out what is out of reach"
        )
    return minutes


def _codes(column: pd.Series, what: str) -> tuple[Ints, pd.Index]:
    """Return each value's position among the labels: a categorical's own (unused ones too), else the sorted values."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")  # sorted, so the order of the rows plays no part
    codes = column.cat.codes.to_numpy().astype(np.int64)
    if (codes < 0).any():
        raise InputError(f"times: row {int((codes < 0).argmax())} has no {what}. Every row needs one")
    return codes, pd.Index(column.cat.categories.rename(what))


def _point_positions(column: pd.Series, points: pd.Index) -> Ints:
    """Return each row's position in `points`."""
    values = column.to_numpy()
    if values.dtype.kind in "iu" and isinstance(points, pd.RangeIndex) and points.start == 0 and points.step == 1:
        positions: Ints = np.where((values >= 0) & (values < len(points)), values, -1).astype(np.int64)
    else:
        labels, uniques = pd.factorize(column)
        known: Ints = np.append(points.get_indexer(pd.Index(uniques)), -1).astype(np.int64)  # label -1 is missing
        positions = known[labels]
    unknown = positions < 0
    if unknown.any():
        first = int(unknown.argmax())
        raise InputError(
            f"times: {int(unknown.sum()):,} rows name a point that the people table does not have; the first is "
            f"row {first}: '{column.iloc[first]}' ({column.dtype}; points of the people are {points.dtype}). "
            "Use the people table for which the times were computed"
        )
    return positions


def _refuse_duplicates(times: pd.DataFrame, key: Ints, order: Ints) -> None:
    ordered = key[order]
    twice = order[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        row = times.iloc[twice[0]]
        raise InputError(
            f"times: {len(twice):,} rows repeat a site, point and mode; the first is row {twice[0]} "
            f"(site '{row['site']}', point '{row['point']}'). Keep one row each"
        )


def read_times(
    path: str | PathLike[str], *, sites: gpd.GeoDataFrame | pd.DataFrame | None = None, mode: str = GIVEN
) -> pd.DataFrame:
    """Read a travel-time table as R5 (r5r, r5py), Valhalla scripts or a survey leave it.

    Parameters
    ----------
    path
        CSV (comma, semicolon or tab; may be `.gz`) or Parquet. Columns: `site`, `point`, `minutes`; or `from_id`,
        `to_id` and `travel_time` or `travel_time_p50` (minutes), or `seconds`; `mode` if several. Others are left. Or,
        with `sites`, in wide form: one row a point, named by the first column, and a column of minutes for each site,
        headed by its id.
    sites
        Sites table (index `site`). It decides whether the `from` or the `to` side is the site (`to` when both fit)
        and makes sites with nobody in reach appear. Without it trips run from the people to the site.
    mode
        The mode of a table that has no such column.

    Returns
    -------
    Columns `site` (categorical), `point`, `mode` (categorical), `minutes`. Rows without a time are out of reach:
    left out, and counted in a warning.

    Raises
    ------
    InputError
        For a file that is missing or unreadable, lacks a column, or fails `check_times`.
    """
    path = existing_file(path, (".csv", ".tsv", ".gz", ".parquet"), "a table of travel times")
    raw = _long_form(_read_table(path), sites)
    site, point = _sides(raw, sites, path)
    nameless = raw[site].isna() | raw[point].isna()
    if nameless.any():
        raise InputError(
            f"{path}: {_row_name(int(nameless.argmax()), path)} has no {site} or no {point}. Every row needs both"
        )
    time, factor = _time_column(raw, path)
    minutes = pd.to_numeric(raw[time], errors="coerce") * factor
    unreadable = minutes.isna() & raw[time].notna()
    if unreadable.any():
        first = int(unreadable.argmax())
        raise InputError(
            f"{path}: {_row_name(first, path)}, column {time}: found '{raw[time].iloc[first]}', expected a number"
        )
    labels = _text_labels(raw[site])
    table = pd.DataFrame(
        {
            "site": labels if sites is None else labels.cat.set_categories(sites.index.astype(str)),
            "point": _whole_numbers(raw[point]),
            "mode": _text_labels(raw["mode"] if "mode" in raw.columns else pd.Series(mode, index=raw.index)),
            "minutes": minutes.astype(np.float64),
        }
    )
    lost = int(table["minutes"].isna().sum())
    if lost:
        text = f"{path}: {lost:,} of {len(table):,} rows have no time: taken as out of reach"
        warnings.warn(SiteplanWarning(text), stacklevel=2)
    kept = np.flatnonzero(table["minutes"].notna())
    table = table.iloc[kept].reset_index(drop=True)
    try:
        check_times(table)
    except InputError as error:
        raise InputError(_of_file(str(error), path, kept)) from None
    return table


def _long_form(raw: pd.DataFrame, sites: pd.DataFrame | None) -> pd.DataFrame:
    """Turn a table with a column a site into one with a row a pair; any other is left as it is."""
    if sites is None or any(name in raw for name in (*_MINUTES, *_SECONDS)):
        return raw
    ids = set(sites.index.astype(str))
    columns = [name for name in raw.columns[1:] if str(name) in ids]
    if not columns:
        return raw
    long = raw.melt(id_vars=[raw.columns[0]], value_vars=columns, var_name="site", value_name="minutes")
    return long.rename(columns={raw.columns[0]: "point"})


def _row_name(row: int, path: Path) -> str:
    return f"row {row}" if path.suffix == ".parquet" else f"line {row + 2}"


def _of_file(message: str, path: Path, rows: npt.NDArray[np.intp]) -> str:
    """Name the file, and its lines instead of the table's rows; line 1 of a text is the header."""
    message = message.replace("times:", f"{path}:", 1)
    return re.sub(r"\brow (\d+)", lambda found: _row_name(int(rows[int(found[1])]), path), message)


def made_points(path: str | PathLike[str]) -> str | None:
    """Return what stands for the points of a table that siteplan itself wrote; None of any other file."""
    import pyarrow
    import pyarrow.parquet

    if Path(path).suffix != ".parquet":
        return None
    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
    except (pyarrow.ArrowException, OSError):  # read_times says what is wrong with it
        return None
    mark = metadata.get(POINTS_KEY.encode())
    return None if mark is None else mark.decode()


def _read_table(path: Path) -> pd.DataFrame:
    """Read CSV or Parquet; identifiers in text keep their zeros."""
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            head = file.readline()
        separator = max(",;\t", key=head.count)
        ids = dict.fromkeys((*_SITE, *_POINT, *_FROM, *_TO, "mode"), "str")
        return pd.read_csv(path, sep=separator, dtype=ids)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}). Expected CSV or Parquet") from error


def _first(raw: pd.DataFrame, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in raw.columns), None)


def _sides(raw: pd.DataFrame, sites: pd.DataFrame | None, path: Path) -> tuple[str, str]:
    """Return the columns that hold the site and the point."""
    site, point = _first(raw, _SITE), _first(raw, _POINT)
    start, end = _first(raw, _FROM), _first(raw, _TO)
    if site is None and point is None:
        site, point = end, start
        if sites is not None and start and end and not _all_known(raw[end], sites) and _all_known(raw[start], sites):
            site, point = start, end
    if site is None or point is None:
        raise InputError(
            f"{path}: no columns for the site and the point (found: {listed(raw.columns)}). Expected {_EXPECTED}"
        )
    if sites is not None and not _all_known(raw[site], sites):
        unknown = sorted(set(raw[site].astype(str)) - set(sites.index.astype(str)))
        raise InputError(
            f"{path}: column {site} names {len(unknown):,} sites that the sites table does not have, "
            f"first '{unknown[0]}'. Use the sites for which the times were computed"
        )
    return site, point


_EXPECTED = "site and point, or from_id and to_id"


def _all_known(column: pd.Series, sites: pd.DataFrame) -> bool:
    return bool(pd.Series(column.unique()).astype(str).isin(sites.index.astype(str)).all())


def _time_column(raw: pd.DataFrame, path: Path) -> tuple[str, float]:
    """Return the column of times and what turns it into minutes."""
    minutes, seconds = _first(raw, _MINUTES), _first(raw, _SECONDS)
    if minutes:
        return minutes, 1.0
    if seconds:
        return seconds, 1.0 / 60.0
    raise InputError(
        f"{path}: no column of times (found: {listed(raw.columns)}). Expected one of {', '.join(_MINUTES + _SECONDS)}"
    )


def _text_labels(column: pd.Series) -> pd.Series:
    """Return identifiers as a categorical of text, its categories sorted."""
    labels = column.astype("category")
    texts = labels.cat.rename_categories(list(labels.cat.categories.astype(str)))
    return texts.cat.reorder_categories(sorted(texts.cat.categories))


def _whole_numbers(column: pd.Series) -> Any:
    """Return identifiers as integers where every one is written as a whole number, else as text."""
    texts = _text_labels(column)
    numbers = pd.to_numeric(pd.Series(texts.cat.categories), errors="coerce")
    if numbers.dtype.kind == "i" and (numbers.astype(str) == texts.cat.categories).all():
        return numbers.to_numpy()[texts.cat.codes] if len(numbers) else column.astype(np.int64)
    return texts.astype(str)
