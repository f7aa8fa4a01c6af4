"""Who came where in which month: tables of visits or members."""

import re
from collections.abc import Collection
from os import PathLike

import numpy as np
import pandas as pd

from siteplan.errors import InputError, listed, reads, warn
from siteplan.formats import TABLES
from siteplan.inputs.files import existing_file
from siteplan.inputs.packed import plain_file
from siteplan.inputs.tables import read_table
from siteplan.inputs.values import numbers, row_name

__all__ = ["read_visits"]

COUNTS = ("visits", "members")
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(-\d{2})?( .*)?")  # a workbook may give a day of it


@reads("a table of visits")
def read_visits(path: str | PathLike[str], *, sites: Collection[str]) -> tuple[pd.DataFrame, str]:
    """Read a table of visits or members by site and month.

    Parameters
    ----------
    path
        CSV, .xlsx or Parquet. Columns `site`, `month` (such as 2026-03) and `visits` or `members`.
    sites
        The sites of the study.

    Returns
    -------
    table, what
        Columns `site`, `month` (text), `seen`, sorted by both; and whether `visits` or `members` are counted. Rows
        without a count are left out, and counted in a warning.

    Raises
    ------
    InputError
        Naming the file, the row and what is wrong with it: an unknown site, no month, a number that is none or below 0,
        a month of a site that stands twice.
    """
    file = existing_file(path, TABLES, "a table of visits")
    with plain_file(file) as plain:
        raw = read_table(plain)
    lower = {str(column).strip().lower(): column for column in reversed(raw.columns)}
    counted = [name for name in COUNTS if name in lower]
    if not {"site", "month"} <= set(lower) or len(counted) != 1:
        raise InputError(
            f"{file}: columns {listed(map(str, raw.columns))}; expected site, month, and either visits or members"
        )
    table = pd.DataFrame(
        {
            "site": raw[lower["site"]].astype(str).str.strip(),
            "month": raw[lower["month"]].astype(str).str.strip(),
            "seen": numbers(raw[lower[counted[0]]], str(file)),
        }
    )
    for column, wrong, expected in (
        ("site", ~table["site"].isin([str(site) for site in sites]), "a site of the study"),
        ("month", ~table["month"].str.fullmatch(MONTH), "a month such as 2026-03"),
        ("seen", ~(table["seen"].isna() | ((table["seen"] >= 0) & (table["seen"] < np.inf))), "0 or more"),
    ):
        rows = np.flatnonzero(wrong)
        if rows.size:
            value = table[column].iloc[rows[0]]
            name = counted[0] if column == "seen" else column
            raise InputError(f"{file}: {row_name(int(rows[0]), file)} has '{value}' as {name}; expected {expected}")
    table["month"] = table["month"].str[:7]
    twice = np.flatnonzero(table.duplicated(["site", "month"]))
    if twice.size:
        row = table.iloc[twice[0]]
        raise InputError(
            f"{file}: {row_name(int(twice[0]), file)} repeats {row['site']} in {row['month']}; expected each once"
        )
    without = int(table["seen"].isna().sum())
    if without:
        text = f"{file}: {without:,} of {len(table):,} rows have no number of {counted[0]}: left out"
        warn(text)
    table = table[table["seen"].notna()].sort_values(["site", "month"], ignore_index=True)
    if table.empty:
        raise InputError(f"{file}: no row has a number of {counted[0]}; expected one at least")
    return table, counted[0]
