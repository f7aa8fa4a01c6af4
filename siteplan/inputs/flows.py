"""Who lives where and works where: tables of home-work pairs by commune."""

from os import PathLike

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.doors import door
from siteplan.errors import InputError, listed, reads, warn
from siteplan.formats import TABLES
from siteplan.inputs.files import existing_file
from siteplan.inputs.packed import plain_file
from siteplan.inputs.tables import read_table
from siteplan.inputs.values import numbers, refuse_lists, row_name, same_codes

__all__ = ["read_flows"]

HOME = ("home", "origin", "from", "residence", "codgeo", "home_commune")
WORK = ("work", "destination", "to", "workplace", "dclt", "work_commune")
PEOPLE = ("people", "workers", "commuters", "flow", "count")
INSEE_PEOPLE = "nbflux_"  # Insee's table of commuters: NBFLUX_C21_ACTOCC15P
KM = ("km", "distance_km")
MODE = ("mode",)


@door()
@reads("a table of flows")
def read_flows(path: str | PathLike[str], *, communes: gpd.GeoDataFrame | pd.DataFrame | None = None) -> pd.DataFrame:
    """Read a table of home-work pairs.

    Parameters
    ----------
    path
        CSV, Parquet or the first sheet of an .xlsx, also in a .zip or as .gz. Columns `home`, `work`, `people` (or as
        Insee names them: CODGEO, DCLT, NBFLUX_...), and if known `km` (one way) and `mode`.
    communes
        Index `territory`; both ends of every pair must be in it, except the workplaces of pairs whose `km` is given.
        A code of digits may differ in zeros in front (1234 for 01234), which is counted in a warning.

    Returns
    -------
    Columns `home`, `work` (text), `people`, `km` (missing where not given) and, if the file has it, `mode`; the rows as
    in the file. Rows without people are left out, and counted in a warning.

    Raises
    ------
    InputError
        Naming the file, the row and what is wrong with it: no home or work, an unknown commune, a number that is none
        or below 0, a pair that stands twice.

    Examples
    --------
    >>> sp.read_flows("flows.csv", communes=communes)
        home   work  people  km
    0  99003  99001   320.0 NaN
    1  99006  99001   150.0 NaN
    """
    file = existing_file(path, TABLES, "a table of home-work flows")
    with plain_file(file) as plain:
        raw = read_table(plain)
    lower = {str(column).lower(): str(column) for column in reversed(raw.columns)}
    people_names = (*PEOPLE, *(name for name in lower if name.startswith(INSEE_PEOPLE)))
    found = {
        what: next((lower[name] for name in names if name in lower), None)
        for what, names in (("home", HOME), ("work", WORK), ("people", people_names), ("km", KM), ("mode", MODE))
    }
    lacking = [what for what in ("home", "work", "people") if found[what] is None]
    if lacking:
        raise InputError(
            f"{file}: no column {', '.join(lacking)} (found: {listed(raw.columns)}). Expected home, work and people"
        )
    table = pd.DataFrame(index=raw.index)
    for what in ("home", "work", "mode"):
        if found[what] is not None:
            refuse_lists(raw[found[what]], file, what)
    for what in ("home", "work"):
        table[what] = [_text(value) for value in raw[found[what]]]
        blank = np.flatnonzero(table[what] == "")
        if blank.size:
            raise InputError(f"{file}: {row_name(int(blank[0]), file)} has no {what}; expected a commune")
    for what in ("people", "km"):
        column = found[what]
        table[what] = np.nan if column is None else numbers(raw[column], str(file))
        below = np.flatnonzero(table[what] < 0)
        if below.size:
            value = table[what].iloc[below[0]]
            raise InputError(f"{file}: {row_name(int(below[0]), file)} has {value:g} {what}; expected 0 or more")
    if communes is not None:
        ends = pd.concat([table["home"], table["work"]])
        same = same_codes(ends, communes.index.astype(str), f"{file}: communes")
        table[["home", "work"]] = table[["home", "work"]].replace(same) if same else table[["home", "work"]]
    pair = ["home", "work"]
    if found["mode"] is not None:
        table["mode"] = [_text(value) for value in raw[found["mode"]]]
        pair.append("mode")
    twice = np.flatnonzero(table.duplicated(pair))
    if twice.size:
        row = table.iloc[twice[0]]
        raise InputError(
            f"{file}: {row_name(int(twice[0]), file)} repeats the pair {', '.join(str(row[key]) for key in pair)}; "
            "expected each once: add up its people"
        )
    if communes is not None:
        _check_communes(table, set(communes.index.astype(str)), str(file))
    without = int(table["people"].isna().sum())
    if without:
        text = f"{file}: {without:,} of {len(table):,} flows have no number of people: left out"
        warn(text)
    return table[table["people"].notna()].reset_index(drop=True)


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    # What has no value in some rows of its column comes as decimals.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def _check_communes(table: pd.DataFrame, known: set[str], file: str) -> None:
    unknown = ~table["home"].isin(known)
    names = set(table["home"][unknown])
    far = ~table["work"].isin(known) & table["km"].isna()
    names |= set(table["work"][far])
    if names:
        raise InputError(
            f"{file}: {int((unknown | far).sum()):,} of {len(table):,} flows name communes that the table of communes "
            f"does not have: {listed(sorted(names), most=5)}. Give communes that cover them, or a column km"
        )
