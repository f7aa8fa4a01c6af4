"""Tables of minutes that somebody else computed."""

import re
import warnings
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config.fields import LONG
from siteplan.doors import door
from siteplan.errors import InputError, SiteplanWarning, listed, reads, warn
from siteplan.formats import PARQUETS, SHEETS, TABLES
from siteplan.inputs.files import existing_file
from siteplan.inputs.packed import plain_file
from siteplan.inputs.tables import read_parquet
from siteplan.inputs.texts import read_rows, text_layout
from siteplan.inputs.values import refuse_lists, same_codes
from siteplan.inputs.workbook import read_sheet
from siteplan.reachable import GIVEN, SUSPECT, check_times
from siteplan.units import Unit

__all__ = ["POINTS_KEY", "Exactness", "made_points", "read_times"]

Exactness: TypeAlias = Literal["exact", "rounded", "truncated"]

POINTS_KEY = "siteplan_points"  # in the metadata of a Parquet file: which points siteplan made for its times
FEW = 20  # times; fewer may be whole by chance, or were written by hand

# Columns under which other tools write the same thing; the first one present is taken.
_SITE = ("site", "site_id", "facility", "facility_id")
_POINT = ("point", "point_id", "demand", "demand_id")
_FROM = ("from_id", "from", "origin_id", "origin")
_TO = ("to_id", "to", "destination_id", "destination")
_MINUTES = ("minutes", "travel_time", "travel_time_p50", "travel_time_minutes", "duration_minutes")
_SECONDS = ("seconds", "travel_time_seconds", "duration_seconds")
_METRES = ("metres", "meters", "distance_m", "length_m")
_HOURS = ("hours", "travel_time_hours", "duration_hours")


@door()
@reads("a table of times")
def read_times(
    path: str | PathLike[str],
    *,
    sites: gpd.GeoDataFrame | pd.DataFrame | None = None,
    mode: str = GIVEN,
    minutes: Exactness | None = None,
) -> pd.DataFrame:
    """Read a travel-time table as R5 (r5r, r5py), Valhalla scripts or a survey leave it.

    Parameters
    ----------
    path
        CSV (comma, semicolon or tab), Parquet or the first sheet of an .xlsx, also in a .zip or as .gz. Columns:
        `site`, `point`, `minutes`; or `from_id`, `to_id` and `travel_time` or `travel_time_p50` (minutes), or
        `seconds`, `hours` or `metres`; `mode` if several. Others are left. Or, with `sites`, in wide form: a row for
        each point, named by the first column (in Parquet also by the index), and a column of minutes for each site,
        headed by its id; or the other way about.
    sites
        Sites table (index `site`). It decides whether the `from` or the `to` side is the site (`to` when both fit)
        and makes sites with nobody in reach appear; an id of digits may differ in zeros in front (1 for 01), with a
        warning; rows of sites with the status excluded are left out. Without it trips run from the people to the
        site.
    mode
        The mode of a table that has no such column.
    minutes
        What a written minute m stands for: `exact`, the time itself; `rounded`, a time from m - 0.5 to m + 0.5; or
        `truncated`, a time from m to below m + 1, as R5 (r5r, r5py) writes it. Half a minute is added to truncated
        ones, the middle of what they stand for: a limit of 15 minutes then counts up to a written 14, as R5 itself
        does. Unless said, they are taken as exact, with a warning where 20 or more are all whole.

    Returns
    -------
    Columns `site` (categorical), `point`, `mode` (categorical), `minutes` (of metres `metres`). Rows without
    a time are out of reach: left out, and counted in a warning.

    Raises
    ------
    InputError
        For `minutes` of another name; for a file that is missing or unreadable, lacks a column, holds no times, or
        fails `check_times`; for times that are said to be rounded or truncated and are not whole minutes.

    Warns
    -----
    SiteplanWarning
        Rows without a time; sites without a row; times so long that they may be seconds; whole minutes of which
        nothing is said.

    Examples
    --------
    >>> sp.read_times("matrix.csv", sites=sites)
      site point   mode  minutes
    0  S01     a  given      4.5
    1  S01     b  given     12.0
    2  S02     b  given      7.5
    """
    if minutes is not None and minutes not in get_args(Exactness):
        raise InputError(f"minutes={minutes!r}: expected {', '.join(get_args(Exactness))}, or None")
    path = existing_file(path, TABLES, "a table of travel times")
    with plain_file(path) as plain:
        raw, first = _read_table(plain)
    if sites is not None:
        raw = _long_form(raw, sites, path)
    site, point = _sides(raw, sites, path)
    for column in (site, point, _first(raw, ("mode",))):
        if column is not None:
            refuse_lists(raw[column], path, str(column))
    nameless = raw[site].isna() | raw[point].isna()
    if nameless.any():
        row = raw.index[int(nameless.argmax())]
        raise InputError(f"{path}: {_row_name(row, first)} has no {site} or no {point}. Every row needs both")
    if sites is not None:
        raw = _of_sites(_renamed(raw, site, sites, path), site, sites, path)
    time, factor = _time_column(raw, path)
    unit: Unit = "metres" if time.lower() in _METRES else "minutes"
    if unit == "metres" and minutes is not None:
        raise InputError(f"{path}: holds metres ({time}), and minutes={minutes} is for minutes. Leave it out")
    written = pd.to_numeric(raw[time], errors="coerce")
    unreadable = written.isna() & raw[time].notna()
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
            unit: written.astype(np.float64) * factor,
        }
    )
    lost = int(table[unit].isna().sum())
    if lost == len(table):
        raise InputError(f"{path}: holds no times. Expected a row for every site and every point within its reach")
    if lost:
        text = f"{path}: {lost:,} of {len(table):,} rows have no time: taken as out of reach"
        warn(text)
    table = table[table[unit].notna()]
    rows = table.index
    table = table.reset_index(drop=True)
    try:
        check_times(table)
    except InputError as error:
        raise InputError(_of_file(str(error), path, rows, first)) from None
    for text in _inexact(table, minutes, time, path):
        warn(f"{path}: {text}")
    for text in _odd(table, factor, unit):
        warn(f"{path}: {text}")
    if minutes == "truncated":
        table["minutes"] += 0.5
    return table


def _inexact(table: pd.DataFrame, said: Exactness | None, column: str, path: Path) -> Iterator[str]:
    """Say what whole minutes may mean where nothing is said of them; refuse what is said where it cannot be so."""
    if (
        said == "exact"
        or column.lower() in _METRES
        or (said is None and (column.lower() not in _MINUTES or made_points(path) is not None))
    ):
        return
    times = table["minutes"]
    broken = times != np.floor(times)
    if said is not None and broken.any():
        raise InputError(
            f"{path}: its minutes are said to be {said}, but column {column} holds times that are no whole minutes, "
            f"such as {times[broken].iloc[0]:g}. Leave minutes={said} out {_in_study('exact')}"
        )
    if said is None and len(times) >= FEW and not broken.any():
        yield (
            "all its minutes are whole and taken as exact, so a limit of 15 counts a written 15; where they were "
            "truncated, as R5 (r5r, r5py) does, that counts up to 15.99 and a limit of 15 should end at a written 14. "
            f"Say minutes='truncated', 'rounded' or 'exact' {_in_study('truncated')}"
        )


def _in_study(said: str) -> str:
    """Say how the exactness of times is given in a study."""
    return f"(in a study: inputs.times_minutes: {said})"


def _odd(table: pd.DataFrame, factor: float, unit: Unit) -> Iterator[str]:
    """Say which sites nobody reaches, and what may be seconds."""
    there = list(table["site"].cat.categories)
    reached = set(table["site"].unique())
    absent = [site for site in there if site not in reached]
    if absent:
        yield f"{len(absent):,} of {len(there):,} sites have no row: in reach of nobody ({listed(absent, most=10)})"
    if unit == "metres":
        return
    middle = float(table["minutes"].median())
    # Of times above ten hours the check has said it.
    if middle > SUSPECT and factor == 1 and table["minutes"].max() <= LONG:
        yield (
            f"half of its times are longer than {middle:g} minutes. If these are seconds, name the column seconds, "
            "or divide by 60"
        )


def _long_form(raw: pd.DataFrame, sites: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Turn a table with a column a site, or a row a site, into one with a row a pair; others are left as they are."""
    timed = any(_first(raw, names) for names in (_MINUTES, _SECONDS, _HOURS, _METRES))
    paired = _first(raw, (*_SITE, *_FROM)) and _first(raw, (*_POINT, *_TO))
    if timed or paired or len(raw.columns) < 2:
        return raw
    ids = set(sites.index.astype(str))
    label, *columns = raw.columns
    same = same_codes(map(str, columns), ids, f"{path}: sites")
    same = {code: site for code, site in same.items() if site not in set(columns)}
    raw = raw.rename(columns={name: same[str(name)] for name in columns if str(name) in same})
    columns = list(raw.columns[1:])
    headed = [name for name in columns if str(name) in ids]
    named = set(raw[label].dropna().astype(str)) & ids
    if not headed and not named:
        return raw
    across = len(headed) >= len(named)
    strange = [name for name in columns if name not in headed] if across else []
    if strange:
        text = f"{path}: {len(strange):,} columns are headed by no site and left out: {listed(strange, most=5)}"
        warn(text)
    values = headed if across else columns
    kinds = ("point", "site") if across else ("site", "point")
    rows = np.tile(raw.index, len(values))
    long = raw.melt(id_vars=[label], value_vars=values, var_name=kinds[1], value_name="minutes")
    return long.rename(columns={label: kinds[0]}).set_axis(rows)


def _renamed(raw: pd.DataFrame, site: str, sites: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Name sites as their table does, where a program has taken their ids for numbers."""
    named = raw[site].astype(str)
    same = same_codes(named.unique(), sites.index.astype(str), f"{path}: sites")
    return raw.assign(**{site: named.replace(same)}) if same else raw


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

    if Path(path).suffix.lower() not in PARQUETS:
        return None
    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
    except (pyarrow.ArrowException, OSError):  # read_times says what is wrong with it
        return None
    mark = metadata.get(POINTS_KEY.encode())
    return None if mark is None else mark.decode()


def _read_table(path: Path) -> tuple[pd.DataFrame, int | None]:
    """Read a table, and say on which line of a text the first row stands; identifiers in text keep zeros."""
    if path.suffix.lower() in PARQUETS:
        return _labelled(read_parquet(path)), None
    if path.suffix.lower() in SHEETS:
        return read_sheet(path), 2
    layout = text_layout(path)
    columns = list(read_rows(path, layout, nrows=0, skipinitialspace=True).columns)
    times = [name for name in columns if str(name).strip().lower() in (*_MINUTES, *_SECONDS, *_HOURS, *_METRES)]
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
        if sites is not None and start and end and not _all_known(raw[end], sites):
            ends_there = not _all_known(raw[start], sites) and _nearly_known(raw[end], sites)
            if not ends_there and _nearly_known(raw[start], sites):
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


def _nearly_known(column: pd.Series, sites: pd.DataFrame) -> bool:
    """Return whether all are known but for zeros in front."""
    codes = column.astype(str).unique()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)  # said of the side that is taken
        same = same_codes(codes, sites.index.astype(str), "")
    return _all_known(pd.Series([same.get(code, code) for code in codes]), sites)


def _time_column(raw: pd.DataFrame, path: Path) -> tuple[str, float]:
    """Return the column of times and what turns it into minutes."""
    for names, factor in ((_MINUTES, 1.0), (_SECONDS, 1.0 / 60.0), (_HOURS, 60.0), (_METRES, 1.0)):
        column = _first(raw, names)
        if column is not None:
            return column, factor
    known = ", ".join(_MINUTES + _SECONDS + _HOURS + _METRES)
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
