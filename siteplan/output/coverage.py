"""Coverage by every mode, side by side, as terminal and report tell it."""

import math
from collections.abc import Collection, Mapping

import pandas as pd

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import BEST, PEOPLE, mode_order
from siteplan.units import Unit
from siteplan.words import Words

__all__ = ["at_limit", "counted", "limits_of", "public_name", "way_name"]


def at_limit(table: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Keep of a table, as `by_way` gives it, the rows of one limit a mode: the largest up to a limit, if there is one.

    The modes are as a reader expects them, the best of them last.
    """
    limits = limits_of(table, limit)
    unit = _unit(table)
    kept = table[table[unit] == table["mode"].astype(str).map(limits)]
    at = {mode: position for position, mode in enumerate(limits)}
    return kept.sort_values("mode", key=lambda modes: modes.astype(str).map(at), kind="stable")


def limits_of(table: pd.DataFrame, limit: float) -> dict[str, float]:
    """Give the limit of each mode that `at_limit` keeps."""
    found = {}
    for mode in sorted(dict.fromkeys(table["mode"].astype(str)), key=mode_order):
        known = sorted(table.loc[table["mode"].astype(str) == mode, _unit(table)].astype(float).unique())
        found[mode] = max((each for each in known if each <= limit), default=known[0])
    return found


def counted(
    table: pd.DataFrame, opening: str, mode: str, *, group: str = PEOPLE, public: str = TOTAL
) -> tuple[float, float]:
    """Give who is covered, of how many, from a table of one limit a mode; missing where the table does not tell."""
    keys = {"open": opening, "mode": mode, "group": group, "public": public}
    rows = table
    for name, value in keys.items():
        rows = rows[rows[name].astype(str) == value]
    return (float(rows["covered"].iloc[0]), float(rows["people"].iloc[0])) if len(rows) else (math.nan, math.nan)


def way_name(mode: str, words: Words, rides: Collection[str]) -> str:
    """Say by which way: rides with the walks that belong to them, and the best of all as together."""
    if mode == BEST:
        return words["together"]
    return words.text("with_walking", mode=words.mode(mode)) if mode in rides else words.mode(mode)


def public_name(name: str, titles: Mapping[str, str], words: Words) -> str:
    """Say who a public is."""
    return titles.get(words.language) or words.get(f"public_{name}", name)


def _unit(table: pd.DataFrame) -> Unit:
    return "metres" if "metres" in table and "minutes" not in table else "minutes"
