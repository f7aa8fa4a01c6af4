"""Whom each site reaches, whom it alone reaches, and what one more site would add.

Every function takes a times table (`site`, `point`, `minutes` and, for several modes, `mode`) and a table with `people`
and groups by `point`; or in place of both a `Reach`, in which they are checked and sorted once for all functions. A
table without `mode` has the one mode "given". With several modes, "best" stands beside them: reached by any mode, each
person once. Withheld people (missing) count as nothing. The order of rows and of sites changes no bit of any figure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.catalogue import BEST, Measure
from siteplan.config import Decay
from siteplan.doors import as_limits, asked_limits, door
from siteplan.errors import StudyError, listed
from siteplan.reachable import Floats, Pairs, Reach, site_positions
from siteplan.units import Limits

__all__ = ["added", "coverage", "decayed_reach", "overlap", "reach"]


@door()
def reach(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: Limits | None = None,
    metres: Limits | None = None,
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups that each site reaches, and those that no other site of the table reaches.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` (or `metres`) and, for several modes, `mode`; or a `Reach`, which has its own
        people.
    people
        Columns `people` and groups, by `point` (index or column); None counts every point once.
    minutes, metres
        The limits, the one or the other as the times are; a person exactly at the limit is reached. 15 and 20 minutes
        unless said. Limits by mode, such as `{"walk": [15, 20], "transit": [20, 30, 45]}`, name every mode of the
        times: each is counted at its own limits and travelled for no longer than the longest of them, and `best` is
        counted at all of them.
    groups
        Columns to count beside people; None takes every numeric column that does not say where the point is.

    Returns
    -------
    Index `site` (every category of `times.site`, so a site that reaches nobody has zeros). Columns
    `people_<mode>_<limit>`, `unique_<mode>_<limit>`, and for a group `workers_<mode>_<limit>`,
    `unique_workers_<mode>_<limit>` (see `catalogue.Measure`; a limit in metres is written `800m`);
    also for the mode `best` where there are several.

    Raises
    ------
    InputError
        For a table that `check_times` refuses or people that are not numbers of 0 or more.
    StudyError
        For limits that are not more than 0.

    Examples
    --------
    >>> table = sp.reach(times, people, minutes=[15])
    >>> table.loc["S01", ["people_walk_15", "workers_walk_15", "unique_walk_15"]].to_dict()
    {'people_walk_15': 9437.0, 'workers_walk_15': 4172.0, 'unique_walk_15': 0.0}
    """
    unit, limits = asked_limits(minutes, metres)
    asked, by_name = within_limits(Reach.of(times, people, unit), limits)
    amounts = asked.people.amounts(groups)
    choices = asked.choices_by_limit(by_name)
    columns: dict[str, Floats] = {}
    for part, mode, limit, pairs in _within(asked, by_name):
        alone = pairs.where(choices[mode, limit][pairs.point] == 1)
        for name, amount in amounts.items():
            for kind, counted in (("reached", pairs), ("unique", alone)):
                column = Measure(kind, name, mode, limit, unit).column
                columns[column] = columns.get(column, 0.0) + part.by_site(counted, amount)
    return pd.DataFrame(columns, index=asked.sites)


@door(sites=("status",))
def added(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    minutes: Limits | None = None,
    metres: Limits | None = None,
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people whom each site reaches and no other existing or required site does.

    For a candidate that is what opening it adds; for an existing or required site, what is lost if it closes.

    Parameters
    ----------
    times, people, minutes, metres, groups
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

    Examples
    --------
    >>> sp.added(times, people, sites, minutes=[15])["added_walk_15"].nlargest(3).to_dict()
    {'S01': 9423.0, 'S02': 5529.0, 'S10': 4985.0}
    """
    unit, limits = asked_limits(minutes, metres)
    asked, by_name = within_limits(Reach.of(times, people, unit), limits)
    fixed = np.isin(sites["status"].to_numpy(), ["existing", "required"])[site_positions(asked.sites, sites.index)]
    amounts = asked.people.amounts(groups)
    by_fixed = asked.choices_by_limit(by_name, fixed)
    columns: dict[str, Floats] = {}
    for part, mode, limit, pairs in _within(asked, by_name):
        new = pairs.where(by_fixed[mode, limit][pairs.point] == fixed[pairs.site])  # the site itself may be the one
        for name, amount in amounts.items():
            column = Measure("added", name, mode, limit, unit).column
            columns[column] = columns.get(column, 0.0) + part.by_site(new, amount)
    table = pd.DataFrame(columns, index=asked.sites)
    return table.reindex(sites.index[sites["status"] != "excluded"].rename("site"), fill_value=0.0)


@door()
def overlap(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: float | None = None,
    metres: float | None = None,
    mode: str | None = None,
) -> pd.DataFrame:
    """Count the people whom both of two sites reach, for every two sites that share any.

    Parameters
    ----------
    times, people
        As for `reach`.
    minutes, metres
        One limit; 15 minutes unless said.
    mode
        The mode, or `best`; None takes the only mode, or `best` of several.

    Returns
    -------
    Columns `site`, `other` and `people`: each site, in their order, with every other that reaches some of the same
    people, first the one that shares most. So two sites stand in two rows; those that share nobody in none.

    Raises
    ------
    InputError
        As for `reach`.
    StudyError
        For a limit of 0 or less or a mode that the table does not have.

    Examples
    --------
    >>> sp.overlap(times, people, minutes=15).query("site == 'S01'").head(2)
      site other  people
    0  S01   S05  8941.0
    1  S01   S03  8919.0
    """
    unit, limits = asked_limits(minutes, metres, 15)
    asked = Reach.of(times, people, unit)
    chosen = asked.chosen_mode(mode, "overlap")
    (limit,) = check_limits(as_limits(limits))
    site, other, both = asked.shared(chosen, limit)
    return pd.DataFrame({"site": asked.sites.take(site), "other": asked.sites.take(other), "people": both})


@door()
def coverage(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: Limits | None = None,
    metres: Limits | None = None,
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups that at least one site reaches, each person once.

    Parameters
    ----------
    times, people, minutes, metres, groups
        As for `reach`. No rows at all cover nobody.

    Returns
    -------
    One row per mode (and `best`) and limit: columns `mode`, `minutes` (or `metres`), `people`, `people_share` and the
    same for groups; shares of everybody in `people`, missing where that is nobody.

    Raises
    ------
    InputError, StudyError
        As for `reach`.

    Examples
    --------
    >>> sp.coverage(times, people, minutes=[15, 20])[["mode", "minutes", "people", "people_share"]].round(3)
       mode  minutes   people  people_share
    0  walk     15.0  45847.0         0.922
    1  walk     20.0  47817.0         0.961
    """
    unit, limits = asked_limits(minutes, metres)
    asked, by_name = within_limits(Reach.of(times, people, unit), limits)
    amounts, least = asked.people.amounts(groups), asked.least_by_mode()
    records: list[dict[str, object]] = []
    for mode, limit in each_limit(by_name):
        record: dict[str, object] = {"mode": mode, unit: limit}
        for name, amount in amounts.items():
            everybody, reached = float(amount.sum()), float(np.where(least[mode] <= limit, amount, 0.0).sum())
            record |= {name: reached, f"{name}_share": reached / everybody if everybody else np.nan}
        records.append(record)
    return pd.DataFrame(records)


@door()
def decayed_reach(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    decay: Decay,
    groups: Sequence[str] | None = None,
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

    Examples
    --------
    >>> sp.decayed_reach(times, people, decay=sp.Decay("linear", 20))["decayed_walk"].round().head(2)
    site
    S01    6077.0
    S02    3568.0
    Name: decayed_walk, dtype: float64
    """
    asked = Reach.of(times, people)
    amounts = asked.people.amounts(groups)
    columns: dict[str, Floats] = {}
    for part in asked.parts():
        for mode in asked.names:
            pairs = part.pairs(mode)
            weights = decay.weights(pairs.minutes)
            for name, amount in amounts.items():
                column = Measure("decayed", name, mode).column
                columns[column] = columns.get(column, 0.0) + part.by_site(pairs, amount, weights)
    return pd.DataFrame(columns, index=asked.sites)


def within_limits(asked: Reach, minutes: Limits) -> tuple[Reach, dict[str, list[float]]]:
    """Return whom each mode reaches within its limits, and the limits of each mode and of the best of them.

    A list holds for all modes, and whoever is beyond it may still count elsewhere. Limits by mode bound every mode by
    the longest of its own, and the best of them is counted at all of them.

    Raises
    ------
    StudyError
        For limits that are not more than 0, and for modes without limits or limits without a mode.
    """
    by_name = limits_by_name(minutes, asked.names)
    if not isinstance(minutes, Mapping):
        return asked, by_name
    return asked.no_longer({mode: max(by_name[mode]) for mode in asked.modes}), by_name


def limits_by_name(minutes: Limits, names: Sequence[str]) -> dict[str, list[float]]:
    """Return the limits of each mode and of `best`, after checking them as `within_limits` says."""
    if not isinstance(minutes, Mapping):
        return dict.fromkeys(names, check_limits(minutes))
    own = {str(mode): sorted(check_limits(limits)) for mode, limits in minutes.items()}
    modes = [mode for mode in names if mode != BEST]
    if lacking := [mode for mode in modes if mode not in own]:
        raise StudyError(f"minutes: no limits for {listed(lacking)}; expected some for each mode of the times")
    if unknown := [mode for mode in own if mode not in modes]:
        raise StudyError(f"minutes: no mode {unknown[0]!r} in the times; expected limits for {listed(modes)}")
    every = sorted({limit for limits in own.values() for limit in limits})
    return {name: own.get(name, every) for name in names}


def each_limit(by_name: Mapping[str, Iterable[float]]) -> Iterator[tuple[str, float]]:
    """Yield every mode with each of its limits."""
    return ((mode, limit) for mode, limits in by_name.items() for limit in limits)


def check_limits(minutes: float | Sequence[float]) -> list[float]:
    """Return the limits as numbers, each once, after checking that they are more than 0."""
    limits = list(dict.fromkeys(float(limit) for limit in as_limits(minutes)))
    if not limits or not all(0 < limit < np.inf for limit in limits):
        raise StudyError(f"minutes: {as_limits(minutes)}, expected one or more limits above 0, such as 15, 20")
    return limits


def _within(asked: Reach, by_name: Mapping[str, Iterable[float]]) -> Iterator[tuple[Reach, str, float, Pairs]]:
    """Yield each part of the times, every mode with each of its limits, and the pairs of the part within it."""
    for part in asked.parts():
        for mode, limit in each_limit(by_name):
            yield part, mode, limit, part.within(mode, limit)
