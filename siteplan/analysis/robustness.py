"""How sure a ranking is: the same question under other speeds, hours, days and placements of people.

A variant is one full set of such assumptions. `variants_of` draws them; whoever runs them gives their score tables to
`rank_stability`, and the people that each set of sites covers to `regret`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.errors import InputError, StudyError

__all__ = ["PLACEMENTS", "chosen_sets", "rank_stability", "regret", "variants_of"]

Floats = npt.NDArray[np.float64]

WALK_KMH = (3.6, 5.1)  # r5r, r5py to Valhalla
BIKE_KMH = (12.0, 18.0)  # r5r to OpenTripPlanner, Valhalla and ORS
SHIFTS = (-30, -15, 0, 15, 30)  # minutes by which the window of departures moves
LIMITS = (150.0, 300.0, 450.0)  # metres from a home to its street
MOST = 10_000

# How the people of a cell are placed: parameters of `place_people`. "as is" are its defaults.
PLACEMENTS: dict[str, dict[str, float]] = {
    "as is": {"spacing": 100.0, "large_m2": 200_000.0},
    "spread": {"spacing": 50.0, "large_m2": 40_000.0},  # 200 m cells stay whole
    "middle": {"spacing": 100.0, "large_m2": 1e12},  # every cell at its middle
}


def variants_of(
    seed: int,
    count: int,
    *,
    walk_kmh: tuple[float, float] = WALK_KMH,
    bike_kmh: tuple[float, float] = BIKE_KMH,
    shifts: Sequence[float] = SHIFTS,
    dates: Sequence[str] = (),
    limits: Sequence[float] = LIMITS,
    placements: Sequence[str] = tuple(PLACEMENTS),
    populations: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Draw variants of a study: the same for the same seed and count, on any machine.

    Each range of speeds is cut into `count` equal parts, and each part is drawn from once (Latin hypercube sampling:
    McKay, Beckman and Conover 1979); each list is dealt out as evenly as it can be.

    Parameters
    ----------
    seed, count
        Any whole number; how many variants.
    walk_kmh, bike_kmh
        Least and greatest speed.
    shifts
        Minutes by which the window of departures is moved.
    dates
        Days of service, such as the five weekdays of a week; none leaves the date as it is.
    limits
        Metres within which people are linked to a street.
    placements
        Keys of `PLACEMENTS`.
    populations
        Names of vintages of the population; none leaves it as it is.

    Returns
    -------
    list of dict
        `variant` (1, 2, ...), `walk_kmh`, `bike_kmh`, `shift_minutes`, `limit_m`, `placement` (its name), and `date`
        and `population` where there are any.

    Raises
    ------
    StudyError
        A range that is none, an empty list, a date that is none, an unknown placement, a count below 1.
    """
    if not 1 <= count <= MOST:
        raise StudyError(f"variants: count is {count}; expected 1 to {MOST:,}")
    if seed < 0:
        raise StudyError(f"variants: seed is {seed}; expected 0 or more")
    ranges = {"walk_kmh": walk_kmh, "bike_kmh": bike_kmh}
    for name, (low, high) in ranges.items():
        if not 0 < low <= high < np.inf:
            raise StudyError(
                f"variants: {name} runs from {low} to {high}; expected two speeds above 0, the lower first"
            )
    unknown = [name for name in placements if name not in PLACEMENTS]
    if unknown:
        raise StudyError(f"variants: no placement {unknown[0]!r}; expected any of {', '.join(PLACEMENTS)}")
    lists: dict[str, Sequence[Any]] = {"shift_minutes": shifts, "limit_m": limits, "placement": placements}
    lists |= {"date": [_day(date) for date in dates]} if dates else {}
    lists |= {"population": populations} if populations else {}
    for name, values in lists.items():
        if not len(values):
            raise StudyError(f"variants: {name} has no value to draw from; give one or more")
    random = np.random.Generator(np.random.PCG64(seed))
    drawn: dict[str, list[Any]] = {"variant": list(range(1, count + 1))}
    for name, (low, high) in ranges.items():
        share = (random.permutation(count) + random.random(count)) / count
        drawn[name] = np.round(low + share * (high - low), 3).tolist()
    for name, values in lists.items():
        drawn[name] = [values[k % len(values)] for k in random.permutation(count).tolist()]
    return [dict(zip(drawn, row, strict=True)) for row in zip(*drawn.values(), strict=True)]


def _day(date: str) -> str:
    try:
        return dt.date.fromisoformat(str(date)).isoformat()
    except ValueError:
        raise StudyError(f"variants: {date!r} is no date; expected one such as 2026-03-10") from None


def rank_stability(variants: Mapping[Any, pd.DataFrame], *, first: int = 5, column: str | None = None) -> pd.DataFrame:
    """Tell how each site fares over the variants.

    Parameters
    ----------
    variants
        Score tables by variant, each with the same sites as its index, in any order.
    first
        How many places count as first.
    column
        What sites are compared by, more being better, such as people_best_20; None takes `score`.

    Returns
    -------
    Index `site`, in the order of the first table. `in_first`: share of variants in which the site is among the first
    (of equal sites at the border, all are); `mean_rank`, `best_rank`, `worst_rank`; `p5`, `p50`, `p95`: the values that
    so many of a hundred variants do not exceed (nearest rank). A missing value ranks last, and counts as no value.

    Raises
    ------
    InputError
        No variant, tables of other sites, or without the column.
    StudyError
        `first` is below 1.
    """
    if first < 1:
        raise StudyError(f"first: {first}, expected 1 or more places")
    values = _side_by_side(variants, "score" if column is None else column)
    ranks = values.rank(axis=0, method="min", ascending=False, na_option="bottom")
    table = pd.DataFrame(
        {
            "in_first": ((ranks <= first) & values.notna()).mean(axis=1),
            "mean_rank": ranks.mean(axis=1),
            "best_rank": ranks.min(axis=1).astype(np.int64),
            "worst_rank": ranks.max(axis=1).astype(np.int64),
        }
    )
    for percent, found in zip((5, 50, 95), _nearest_ranks(values.to_numpy(float), (5, 50, 95)), strict=True):
        table[f"p{percent}"] = found
    return table


def _side_by_side(variants: Mapping[Any, pd.DataFrame], column: str) -> pd.DataFrame:
    """Return one column per variant, sites below each other."""
    if not variants:
        raise InputError("robustness: no variant; give the score tables of one or more")
    sites = next(iter(variants.values())).index
    for name, table in variants.items():
        if column not in table.columns:
            raise InputError(
                f"robustness: variant {name} has no column {column}; its columns are {list(table.columns)}"
            )
        if len(table) != len(sites) or not table.index.is_unique or not table.index.isin(sites).all():
            raise InputError(f"robustness: variant {name} is about other sites than the first; score the same sites")
    values = {name: table[column].reindex(sites).astype(float) for name, table in variants.items()}
    whole = pd.DataFrame(values)
    whole.index.name = "site"
    return whole


def _nearest_ranks(values: Floats, percents: Sequence[float]) -> list[Floats]:
    """Return percentiles by rows: the least value that so many percent do not exceed; missing values left out."""
    known = (~np.isnan(values)).sum(axis=1)
    ordered = np.sort(values, axis=1)  # missing values last
    found = []
    for percent in percents:
        rank = np.maximum(np.ceil(percent / 100 * known - 1e-9).astype(np.int64) - 1, 0)
        found.append(ordered[np.arange(len(values)), rank])
    return found


def chosen_sets(choices: Mapping[Any, Sequence[str]]) -> pd.DataFrame:
    """Count how often each set of sites is chosen.

    Parameters
    ----------
    choices
        The sites chosen, in any order, by variant.

    Returns
    -------
    Columns `sites` (names joined by ', ', sorted), `count` and `share` of variants; the most frequent first.

    Raises
    ------
    InputError
        No variant.
    """
    if not choices:
        raise InputError("robustness: no variant; give the choice of one or more")
    sets = pd.Series([", ".join(sorted(map(str, sites))) for sites in choices.values()])
    table = sets.value_counts(sort=False).rename_axis("sites").reset_index(name="count")
    table["share"] = table["count"] / len(sets)
    return table.sort_values(["count", "sites"], ascending=[False, True], ignore_index=True)


def regret(values: pd.DataFrame) -> pd.DataFrame:
    """Tell what each set of sites forgoes against the best of them, variant by variant (Savage 1951).

    Parameters
    ----------
    values
        What each set is worth, more being better: index variant, one column a set, such as people covered.

    Returns
    -------
    Index `set`; `best_in`: share of variants in which no other is worth more; `mean_regret`, `max_regret` in the unit
    of the values; `max_regret_share` of the best in its variant (0 where that is 0). Least `max_regret` first, then
    least `mean_regret`, then by name.

    Raises
    ------
    InputError
        No variant, no set, or values that are missing.
    """
    if values.empty:
        raise InputError("regret: no values; give one row a variant and one column a set")
    worth = values.to_numpy(np.float64, na_value=np.nan)
    if np.isnan(worth).any():
        row, column = np.argwhere(np.isnan(worth))[0]
        raise InputError(f"regret: the value of {values.columns[column]} in variant {values.index[row]} is missing")
    best = worth.max(axis=1, keepdims=True)
    lost = best - worth
    share = np.divide(lost, best, out=np.zeros_like(lost), where=best > 0)
    table = pd.DataFrame(
        {
            "best_in": (lost == 0).mean(axis=0),
            "mean_regret": lost.mean(axis=0),
            "max_regret": lost.max(axis=0),
            "max_regret_share": share.max(axis=0),
        },
        index=pd.Index(values.columns.astype(str), name="set"),
    )
    order = np.lexsort((table.index.to_numpy(dtype=str), table["mean_regret"], table["max_regret"]))
    return table.iloc[order]
