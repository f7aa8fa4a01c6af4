"""Tables of minutes that somebody else computed, and the check that every table of minutes passes."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.catalogue import PEOPLE, check_groups
from siteplan.config.fields import LONGEST
from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.files import existing_file, listed, read_rows, text_layout

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
SUSPECT = 180.0  # minutes; where half of all times are longer, they may be seconds

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

# Columns under which other tools write the same thing; the first one present is taken.
_SITE = ("site", "site_id", "facility", "facility_id")
_POINT = ("point", "point_id", "demand", "demand_id")
_FROM = ("from_id", "from", "origin_id", "origin")
_TO = ("to_id", "to", "destination_id", "destination")
_MINUTES = ("minutes", "travel_time", "travel_time_p50", "travel_time_minutes", "duration_minutes")
_SECONDS = ("seconds", "travel_time_seconds", "duration_seconds")
_HOURS = ("hours", "travel_time_hours", "duration_hours")


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
    counted = list(_group_columns(people) if groups is None else groups)
    check_groups([name for name in counted if name != PEOPLE], "people")
    order = slice(None) if people.index.is_monotonic_increasing else people.index.argsort()
    return people.index[order].rename("point"), {name: _amounts(people, name)[order] for name in (PEOPLE, *counted)}


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
        `to_id` and `travel_time` or `travel_time_p50` (minutes), or `seconds` or `hours`; `mode` if several. Others are
        left. Or, with `sites`, in wide form: a row for each point, named by the first column (in Parquet also by the
        index), and a column of minutes for each site, headed by its id; or the other way about.
    sites
        Sites table (index `site`). It decides whether the `from` or the `to` side is the site (`to` when both fit)
        and makes sites with nobody in reach appear; rows of sites with the status excluded are left out. Without it
        trips run from the people to the site.
    mode
        The mode of a table that has no such column.

    Returns
    -------
    Columns `site` (categorical), `point`, `mode` (categorical), `minutes`. Rows without a time are out of reach:
    left out, and counted in a warning.

    Raises
    ------
    InputError
        For a file that is missing or unreadable, lacks a column, holds no times, or fails `check_times`.

    Warns
    -----
    SiteplanWarning
        Rows without a time; sites without a row; times so long that they may be seconds.
    """
    path = existing_file(path, (".csv", ".tsv", ".gz", ".parquet"), "a table of travel times")
    raw, first = _read_table(path)
    if sites is not None:
        raw = _long_form(raw, sites, path)
    site, point = _sides(raw, sites, path)
    nameless = raw[site].isna() | raw[point].isna()
    if nameless.any():
        row = raw.index[int(nameless.argmax())]
        raise InputError(f"{path}: {_row_name(row, first)} has no {site} or no {point}. Every row needs both")
    if sites is not None:
        raw = _of_sites(raw, site, sites, path)
    time, factor = _time_column(raw, path)
    minutes = pd.to_numeric(raw[time], errors="coerce") * factor
    unreadable = minutes.isna() & raw[time].notna()
    if unreadable.any():
        at = int(unreadable.argmax())
        found = str(raw[time].iloc[at])
        remedy = ". Write 3.5, or put ; between the columns" if re.fullmatch(r"-?\d+,\d+", found) else ""
        raise InputError(
            f"{path}: {_row_name(raw.index[at], first)}, column {time}: found '{found}', expected a number{remedy}"
        )
    labels = _text_labels(raw[site])
    modes = _first(raw, ("mode",))
    table = pd.DataFrame(
        {
            "site": labels if sites is None else labels.cat.set_categories(_used(sites)),
            "point": _whole_numbers(raw[point]),
            "mode": _text_labels(pd.Series(mode, index=raw.index) if modes is None else raw[modes]),
            "minutes": minutes.astype(np.float64),
        }
    )
    lost = int(table["minutes"].isna().sum())
    if lost == len(table):
        raise InputError(f"{path}: holds no times. Expected a row for every site and every point within its reach")
    if lost:
        text = f"{path}: {lost:,} of {len(table):,} rows have no time: taken as out of reach"
        warnings.warn(SiteplanWarning(text), stacklevel=2)
    table = table[table["minutes"].notna()]
    rows = table.index
    table = table.reset_index(drop=True)
    try:
        check_times(table)
    except InputError as error:
        raise InputError(_of_file(str(error), path, rows, first)) from None
    for text in _odd(table, factor):
        warnings.warn(SiteplanWarning(f"{path}: {text}"), stacklevel=2)
    return table


def _odd(table: pd.DataFrame, factor: float) -> Iterator[str]:
    """Say which sites nobody reaches, and what may be seconds."""
    there = list(table["site"].cat.categories)
    reached = set(table["site"].unique())
    absent = [site for site in there if site not in reached]
    if absent:
        yield f"{len(absent):,} of {len(there):,} sites have no row: in reach of nobody ({listed(absent, most=10)})"
    middle = float(table["minutes"].median())
    if middle > SUSPECT and factor == 1:
        yield (
            f"half of its times are longer than {middle:g} minutes. If these are seconds, name the column seconds, "
            "or divide by 60"
        )


def _long_form(raw: pd.DataFrame, sites: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Turn a table with a column a site, or a row a site, into one with a row a pair; others are left as they are."""
    timed = any(_first(raw, names) for names in (_MINUTES, _SECONDS, _HOURS))
    paired = _first(raw, (*_SITE, *_FROM)) and _first(raw, (*_POINT, *_TO))
    if timed or paired or len(raw.columns) < 2:
        return raw
    ids = set(sites.index.astype(str))
    label, *columns = raw.columns
    headed = [name for name in columns if str(name) in ids]
    named = set(raw[label].dropna().astype(str)) & ids
    if not headed and not named:
        return raw
    across = len(headed) >= len(named)
    strange = [name for name in columns if name not in headed] if across else []
    if strange:
        text = f"{path}: {len(strange):,} columns are headed by no site and left out: {listed(strange, most=5)}"
        warnings.warn(SiteplanWarning(text), stacklevel=3)
    values = headed if across else columns
    kinds = ("point", "site") if across else ("site", "point")
    rows = np.tile(raw.index, len(values))
    long = raw.melt(id_vars=[label], value_vars=values, var_name=kinds[1], value_name="minutes")
    return long.rename(columns={label: kinds[0]}).set_axis(rows)


def _used(sites: pd.DataFrame) -> list[str]:
    """Name the sites that are not excluded."""
    used = sites["status"] != "excluded" if "status" in sites.columns else np.ones(len(sites), dtype=bool)
    return [str(site) for site in sites.index[used]]


def _of_sites(raw: pd.DataFrame, site: str, sites: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Refuse times to sites that are not there, and leave out those to excluded ones."""
    known, used = set(sites.index.astype(str)), set(_used(sites))
    named = raw[site].unique()
    unknown = sorted({str(label) for label in named} - known)
    if unknown:
        raise InputError(
            f"{path}: column {site} names {len(unknown):,} sites that the sites table does not have, "
            f"first '{unknown[0]}'. Use the sites for which the times were computed"
        )
    left_out = [label for label in named if str(label) not in used]
    return raw[~raw[site].isin(left_out)] if left_out else raw


def _row_name(row: Any, first: int | None) -> str:
    """Name a row as the user sees it: by its line where the first row stands on line `first`."""
    return f"row {row}" if first is None else f"line {row + first}"


def _of_file(message: str, path: Path, rows: pd.Index, first: int | None) -> str:
    """Name the file, and its lines instead of the table's rows."""
    message = message.replace("times:", f"{path}:", 1)
    return re.sub(r"\brow (\d+)", lambda found: _row_name(rows[int(found[1])], first), message)


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


def _read_table(path: Path) -> tuple[pd.DataFrame, int | None]:
    """Read CSV or Parquet, and say on which line of a text the first row stands; identifiers in text keep zeros."""
    if path.suffix == ".parquet":
        try:
            return _labelled(pd.read_parquet(path)), None
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as a table ({error}). Expected CSV or Parquet") from error
    layout = text_layout(path)
    columns = list(read_rows(path, layout, nrows=0, skipinitialspace=True).columns)
    times = [name for name in columns if str(name).strip().lower() in (*_MINUTES, *_SECONDS, *_HOURS)]
    # In a wide table all columns but the first are times.
    ids = [name for name in columns if name not in times] if times else columns[:1]
    # Blank lines are kept until here, so that rows can be named by their lines.
    raw = read_rows(
        path,
        layout,
        dtype=dict.fromkeys(ids, "str"),
        skipinitialspace=True,
        skip_blank_lines=False,
        decimal="." if layout["sep"] == "," else ",",
    ).dropna(how="all")
    for name in ids:
        raw[name] = raw[name].str.strip()
    return raw.set_axis([str(name).strip() for name in columns], axis=1), layout["skiprows"] + 2


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Make columns of what stands in the index, but for rows that are merely numbered."""
    numbered = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    return table if numbered else table.reset_index()


def _first(raw: pd.DataFrame, names: Sequence[str]) -> str | None:
    there = {str(column).lower(): column for column in reversed(raw.columns)}
    return next((there[name] for name in names if name in there), None)


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
    return site, point


_EXPECTED = (
    "site and point, or from_id and to_id; or, with the sites given, a row for each point and a column for each site, "
    "headed by its id, or the other way about"
)


def _all_known(column: pd.Series, sites: pd.DataFrame) -> bool:
    return bool(pd.Series(column.unique()).astype(str).isin(sites.index.astype(str)).all())


def _time_column(raw: pd.DataFrame, path: Path) -> tuple[str, float]:
    """Return the column of times and what turns it into minutes."""
    for names, factor in ((_MINUTES, 1.0), (_SECONDS, 1.0 / 60.0), (_HOURS, 60.0)):
        column = _first(raw, names)
        if column is not None:
            return column, factor
    known = ", ".join(_MINUTES + _SECONDS + _HOURS)
    raise InputError(f"{path}: no column of times (found: {listed(raw.columns)}). Expected one of {known}")


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
