"""Whom each site reaches, whom it alone reaches, and what one more site would add.

Every function takes a times table (`site`, `point`, `minutes` and, for several modes, `mode`) and a table with `people`
and groups by `point`. A table without `mode` has the one mode "given". With several modes, "best" stands beside them:
reached by any mode, each person once. Withheld people (missing) count as nothing. The order of rows and of sites
changes no bit of any figure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from siteplan.catalogue import BEST, Measure
from siteplan.errors import InputError, StudyError
from siteplan.inputs.times import Floats, Ints, TimeRows, people_amounts, time_rows

__all__ = ["BEST", "Decay", "added", "coverage", "decayed_reach", "overlap", "reach"]


@dataclass(frozen=True)
class Decay:
    """How much a person counts who is `t` minutes away, from 1 at the door to 0.

    step      1 up to `minutes`, then 0: the cumulative count (Kwan 1998, rectangular)
    linear    1 - t / minutes, 0 from `minutes` on (Kwan 1998, negative linear)
    logistic  (1 + exp(-m k)) / (1 + exp((t - m) k)) with m = `minutes` and k = pi / (`deviation` sqrt 3): close to
              one half at `minutes`, steeper the smaller the `deviation`, in minutes (Bauer & Groneberg 2016)
    """

    kind: Literal["step", "linear", "logistic"]
    minutes: float
    deviation: float = 5.0

    def __post_init__(self) -> None:
        if self.kind not in ("step", "linear", "logistic"):
            raise StudyError(f"decay: no kind {self.kind!r}. Expected step, linear or logistic")
        for name, value in (("minutes", self.minutes), ("deviation", self.deviation)):
            if not 0 < value < np.inf:
                raise StudyError(f"decay: {name} is {value}, expected more than 0")

    def weights(self, minutes: Floats) -> Floats:
        """Return the weight of each travel time, both as arrays of one shape; times in minutes."""
        if self.kind == "step":
            return np.where(minutes <= self.minutes, 1.0, 0.0)
        if self.kind == "linear":
            return np.maximum(0.0, 1.0 - minutes / self.minutes)
        steepness = np.pi / (self.deviation * np.sqrt(3.0))
        # exp stops at 700 so that a tiny deviation gives a step and not an overflow
        beyond = np.exp(np.minimum((minutes - self.minutes) * steepness, 700.0))
        weights: Floats = (1.0 + np.exp(-self.minutes * steepness)) / (1.0 + beyond)
        return weights


@dataclass(frozen=True)
class _Pairs:
    """Sites and points within reach of each other by one mode, sorted by site and point."""

    site: Ints
    point: Ints
    minutes: Floats

    def where(self, keep: npt.NDArray[np.bool_]) -> "_Pairs":
        return _Pairs(self.site[keep], self.point[keep], self.minutes[keep])


def reach(
    times: pd.DataFrame,
    people: pd.DataFrame,
    *,
    minutes: Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups that each site reaches, and those that no other site of the table reaches.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` and, for several modes, `mode`.
    people
        Columns `people` and groups, by `point` (index or column).
    minutes
        The limits; a person exactly at the limit is reached.
    groups
        Columns to count beside people; None takes every numeric column that does not say where the point is.

    Returns
    -------
    Index `site` (every category of `times.site`, so a site that reaches nobody has zeros). Columns
    `people_<mode>_<limit>`, `unique_<mode>_<limit>`, and for a group `workers_<mode>_<limit>`,
    `unique_workers_<mode>_<limit>` (see `catalogue.Measure`); also for the mode `best` where there are several.

    Raises
    ------
    InputError
        For a table that `check_times` refuses or people that are not numbers of 0 or more.
    StudyError
        For limits that are not more than 0.
    """
    points, amounts = people_amounts(people, groups)
    rows = time_rows(times, points)
    columns: dict[str, Floats] = {}
    for mode, limit, pairs in _within(rows, minutes):
        alone = pairs.where(np.bincount(pairs.point, minlength=len(points))[pairs.point] == 1)
        for name, amount in amounts.items():
            columns[Measure("reached", name, mode, limit).column] = _site_sums(pairs, amount, rows)
            columns[Measure("unique", name, mode, limit).column] = _site_sums(alone, amount, rows)
    return pd.DataFrame(columns, index=rows.sites)


def added(
    times: pd.DataFrame,
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    minutes: Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people whom each site reaches and no other existing or required site does.

    For a candidate that is what opening it adds; for an existing or required site, what is lost if it closes.

    Parameters
    ----------
    times, people, minutes, groups
        As for `reach`.
    sites
        Index `site`, column `status` (existing, candidate, required or excluded). Excluded sites play no part.

    Returns
    -------
    Index `site` (all but the excluded), columns `added_<mode>_<limit>` and `added_workers_<mode>_<limit>`.

    Raises
    ------
    InputError
        As for `reach`, and for sites of `times` that are not in `sites`.
    """
    points, amounts = people_amounts(people, groups)
    rows = time_rows(times, points)
    fixed = np.isin(_status_of(rows.sites, sites), ["existing", "required"])
    columns: dict[str, Floats] = {}
    for mode, limit, pairs in _within(rows, minutes):
        by_fixed = np.bincount(pairs.point[fixed[pairs.site]], minlength=len(points))
        new = pairs.where(by_fixed[pairs.point] == fixed[pairs.site])  # the site itself may be the one
        for name, amount in amounts.items():
            columns[Measure("added", name, mode, limit).column] = _site_sums(new, amount, rows)
    table = pd.DataFrame(columns, index=rows.sites)
    return table.reindex(sites.index[sites["status"] != "excluded"].rename("site"), fill_value=0.0)


def overlap(times: pd.DataFrame, people: pd.DataFrame, *, minutes: float = 15, mode: str | None = None) -> pd.DataFrame:
    """Count the people whom both of two sites reach, for every pair of sites.

    Parameters
    ----------
    times, people
        As for `reach`.
    minutes
        One limit.
    mode
        The mode, or `best`; None takes the only mode, or `best` of several.

    Returns
    -------
    Square table, index and columns `site`; the diagonal is each site's reach.

    Raises
    ------
    InputError
        As for `reach`.
    StudyError
        For a limit of 0 or less or a mode that the table does not have.
    """
    points, amounts = people_amounts(people, ())
    rows = time_rows(times, points)
    by_mode = _by_mode(rows)
    chosen = list(by_mode)[-1] if mode is None else mode
    if chosen not in by_mode:
        raise StudyError(f"overlap: no mode {chosen!r} in the times. Expected one of {', '.join(by_mode)}")
    (limit,) = check_limits([minutes])
    pairs = by_mode[chosen]
    pairs = pairs.where(pairs.minutes <= limit)
    ones = np.ones(len(pairs.site))
    reached = sparse.csr_array((ones, (pairs.site, pairs.point)), shape=(len(rows.sites), len(points)))
    both = (reached * amounts["people"]) @ reached.T
    return pd.DataFrame(both.toarray(), index=rows.sites, columns=rows.sites)


def coverage(
    times: pd.DataFrame,
    people: pd.DataFrame,
    *,
    minutes: Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups that at least one site reaches, each person once.

    Parameters
    ----------
    times, people, minutes, groups
        As for `reach`. No rows at all cover nobody.

    Returns
    -------
    One row per mode (and `best`) and limit: columns `mode`, `minutes`, `people`, `people_share` and the same for
    groups; shares of everybody in `people`, missing where that is nobody.

    Raises
    ------
    InputError, StudyError
        As for `reach`.
    """
    points, amounts = people_amounts(people, groups)
    rows = time_rows(times, points)
    records: list[dict[str, object]] = []
    for mode, limit, pairs in _within(rows, minutes):
        covered = np.zeros(len(points), dtype=bool)
        covered[pairs.point] = True
        record: dict[str, object] = {"mode": mode, "minutes": limit}
        for name, amount in amounts.items():
            total, reached = float(amount.sum()), float(np.where(covered, amount, 0.0).sum())
            record |= {name: reached, f"{name}_share": reached / total if total else np.nan}
        records.append(record)
    return pd.DataFrame(records)


def decayed_reach(
    times: pd.DataFrame, people: pd.DataFrame, *, decay: Decay, groups: Sequence[str] | None = None
) -> pd.DataFrame:
    """Count the people whom each site reaches, each weighted by how near they are.

    Who is beyond the limit of `times` counts nothing, so compute the times as far as the weights matter.

    Parameters
    ----------
    times, people, groups
        As for `reach`.
    decay
        The weight of a travel time.

    Returns
    -------
    Index `site`, columns `decayed_<mode>` and `decayed_workers_<mode>`, also for `best` where there are several modes.

    Raises
    ------
    InputError
        As for `reach`.
    """
    points, amounts = people_amounts(people, groups)
    rows = time_rows(times, points)
    columns: dict[str, Floats] = {}
    for mode, pairs in _by_mode(rows).items():
        weights = decay.weights(pairs.minutes)
        for name, amount in amounts.items():
            columns[Measure("decayed", name, mode).column] = _site_sums(pairs, amount, rows, weights)
    return pd.DataFrame(columns, index=rows.sites)


def check_limits(minutes: Sequence[float]) -> list[float]:
    """Return the limits as numbers, each once, after checking that they are more than 0."""
    limits = list(dict.fromkeys(float(limit) for limit in minutes))
    if not limits or not all(0 < limit < np.inf for limit in limits):
        raise StudyError(f"minutes: {list(minutes)}, expected one or more limits above 0, such as 15, 20")
    return limits


def _within(rows: TimeRows, minutes: Sequence[float]) -> Iterator[tuple[str, float, _Pairs]]:
    """Yield mode, limit, and the pairs within it."""
    limits = check_limits(minutes)
    for mode, pairs in _by_mode(rows).items():
        for limit in limits:
            yield mode, limit, pairs.where(pairs.minutes <= limit)


def _by_mode(rows: TimeRows) -> dict[str, _Pairs]:
    """Return the pairs of each mode and, where there are several, of the best of them."""
    if BEST in rows.modes:
        raise InputError(f"times: a mode is called {BEST!r}, which stands for the least of all modes. Rename it")
    by_mode = {}
    for mode in rows.modes:
        part = rows.mode_rows(mode)
        by_mode[mode] = _Pairs(rows.site[part], rows.point[part], rows.minutes[part])
    if len(rows.modes) > 1:
        by_mode[BEST] = _best_pairs(rows)
    return by_mode


def _best_pairs(rows: TimeRows) -> _Pairs:
    """Return every pair that any mode connects, once, with its least minutes."""
    if len(rows.site) == 0:
        return _Pairs(rows.site, rows.point, rows.minutes)
    key = rows.site * len(rows.points) + rows.point
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    one = order[first]
    return _Pairs(rows.site[one], rows.point[one], np.minimum.reduceat(rows.minutes[order], first))


def _site_sums(pairs: _Pairs, amount: Floats, rows: TimeRows, weights: Floats | float = 1.0) -> Floats:
    """Return the amount at each site's points; pairs are sorted, so the order of the sum is always the same."""
    sums = np.bincount(pairs.site, weights=amount[pairs.point] * weights, minlength=len(rows.sites))
    return sums.astype(np.float64)


def _status_of(labels: pd.Index, sites: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return the status of each site of the times."""
    unknown = labels.difference(sites.index)
    if len(unknown):
        raise InputError(
            f"times: {len(unknown):,} sites are not in the sites table, first '{unknown[0]}'. "
            "Use the sites for which the times were computed"
        )
    return sites["status"].reindex(labels).to_numpy(dtype=object)
