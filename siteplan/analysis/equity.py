"""Who is left out: shares by place and by group, sites in choice, places without access, and how unequal it all is.

The tables by group come first, the indices after: one index hides who the people behind it are. Every function takes
a times table and a table with `people` and groups by `point`, or a `Reach` of both, as `reach` does; `opened` names
the sites that count (None: all of the table), so that candidates do not pass for telecentres that exist.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from siteplan.analysis.reach import check_limits
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.geo import require_metric
from siteplan.reachable import Floats, Ints, Pairs, People, Reach, ratio, site_positions, sums

__all__ = [
    "OUTSIDE",
    "TOTAL",
    "access_shares",
    "cell_territories",
    "concentration",
    "fgt",
    "gini",
    "inequality",
    "palma",
    "shortfall",
    "sites_in_reach",
    "theil",
    "without_access",
]

TOTAL = "total"  # the split with one territory, everybody
OUTSIDE = "outside"  # the territory of cells that lie in none


@door()
def cell_territories(cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> pd.Series:
    """Tell in which territory each cell lies.

    Parameters
    ----------
    cells
        Index `cell`; polygons or points, with a CRS.
    communes
        Index `territory`; polygons, with a CRS.

    Returns
    -------
    Series `territory`, index `cell`: for a polygon the territory with which it shares most area, for a point the one
    around it; of equals the first by name; `outside` where there is none.

    Raises
    ------
    InputError
        If a table has no CRS or a territory stands twice.

    Examples
    --------
    >>> sp.cell_territories(cells, communes).map(communes["name"]).value_counts().head(2).to_dict()
    {'Saint-Aubry': 734, 'Chênevières': 142}
    """
    for name, table in (("cells", cells), ("communes", communes)):
        if table.crs is None:
            raise InputError(f"{name}: no CRS; set the one the coordinates are in")
    if not communes.index.is_unique:
        first = communes.index[communes.index.duplicated()][0]
        raise InputError(f"communes: territory '{first}' stands twice; merge its rows (dissolve)")
    ordered = communes.to_crs(cells.crs).sort_index(key=lambda index: index.astype(str))
    labels = ordered.index.astype(str).to_numpy(dtype=object)
    shapes = cells.geometry.to_numpy()
    cell, territory = shapely.STRtree(ordered.geometry.to_numpy()).query(shapes, predicate="intersects")
    area = shapely.area(shapely.intersection(shapes[cell], ordered.geometry.to_numpy()[territory]))
    order = np.lexsort((territory, -np.round(area, 6), cell))
    first_of, where = np.unique(cell[order], return_index=True)
    result = np.full(len(cells), OUTSIDE, dtype=object)
    result[first_of] = labels[territory[order][where]]
    return pd.Series(result, index=cells.index, name="territory")


@door()
def access_shares(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    territories: pd.Series | Mapping[str, pd.Series] | None = None,
    *,
    minutes: float | Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
    opened: Collection[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups who have at least one site within the limits, by territory.

    Parameters
    ----------
    times, people, minutes, groups
        As for `reach`.
    territories
        The territory of each cell (index `cell`), or several such splits by name, such as
        `{"commune": ..., "degree": ...}`. A point without one counts under `outside`.
    opened
        The sites that count; None takes all of the table.

    Returns
    -------
    One row each: columns `split` ("total" first), `territory`, `group` (groups first, then people), `mode` (and
    `best`), `minutes`, `people` (of the group, in the territory), `covered`, `share` (missing where nobody lives).

    Raises
    ------
    InputError
        As for `reach`; for sites or cells that do not exist.
    StudyError
        For limits that are not more than 0.

    Examples
    --------
    >>> shares = sp.access_shares(times, people, minutes=[15], opened=["S01", "S02"])
    >>> shares[["group", "people", "covered"]]
         group   people  covered
    0  workers  21514.0   6664.0
    1   age_65  11274.0   3446.0
    2   people  49742.0  14966.0
    """
    limits = check_limits(minutes)
    asked = Reach.of(times, people)
    least = {mode: asked.least(mode, opened) for mode in asked.names}
    tables = []
    for keys, amount, total in places_and_groups(asked.people, territories, groups, modes=least, limits=limits):
        covered = total(np.where(least[keys["mode"]] <= keys["minutes"], amount, 0.0))
        tables.append(pd.DataFrame(keys | {"covered": covered, "share": ratio(covered, keys["people"])}))
    table = pd.concat(tables)  # its index is the place of the territory in its split
    return table.iloc[np.lexsort((table.index, pd.factorize(table["split"])[0]))].reset_index(drop=True)


@door()
def sites_in_reach(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: float | Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
    opened: Collection[str] | None = None,
    most: int = 3,
) -> pd.DataFrame:
    """Count people by the number of sites among which they can choose.

    Parameters
    ----------
    times, people, minutes, groups, opened
        As for `access_shares`.
    most
        The last class: this many sites or more.

    Returns
    -------
    Columns `group` (groups first), `mode`, `minutes`, `sites` ("0", "1", "2", "3+"), `people`, `share`.

    Raises
    ------
    InputError, StudyError
        As for `access_shares`.

    Examples
    --------
    >>> found = sp.sites_in_reach(times, people, minutes=[15])
    >>> found.query("group == 'people'")[["sites", "people"]]
       sites   people
    8      0   3895.0
    9      1  18420.0
    10     2  10927.0
    11    3+  16500.0
    """
    if most < 1:
        raise StudyError(f"most: {most}, expected 1 or more sites")
    limits = check_limits(minutes)
    asked = Reach.of(times, people)
    counts = {
        (mode, limit): np.minimum(asked.choices(mode, limit, opened), most) for mode in asked.names for limit in limits
    }
    records = []
    for group, amount in groups_first(asked.people.amounts(groups)):
        total = float(amount.sum())
        for (mode, limit), count in counts.items():
            for sites, number in enumerate(sums(count, amount, most + 1)):
                label = f"{sites}+" if sites == most else str(sites)
                share = number / total if total else np.nan
                records.append((group, mode, limit, label, number, share))
    return pd.DataFrame(records, columns=["group", "mode", "minutes", "sites", "people", "share"])


@door(sites=("status",))
def without_access(
    cells: gpd.GeoDataFrame,
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    territories: pd.Series | None = None,
    names: Mapping[str, str] | pd.Series | None = None,
    minutes: float = 15,
    mode: str | None = None,
    groups: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Find the places whose people no existing or required site serves, and the nearest candidate that would.

    Parameters
    ----------
    cells
        Index `cell`; polygons, or points in a metric CRS. Neighbours are joined to one place: polygons that touch, be
        it at a corner; points not farther apart than 1.5 times the usual distance to the nearest other.
    times, people, groups
        As for `reach`; people need the column `cell`.
    sites
        Index `site`, column `status`.
    territories
        The territory of each cell, which names the places: the one where most of the people without access live.
    names
        The name of each territory; None takes the key.
    minutes, mode
        The limit; a mode of the table, or `best`, which None takes of several.

    Returns
    -------
    Index `place` (1 is the largest). Columns `name`, `cells`, `people` and groups without access, `candidate` (nearest
    of those that bring somebody here within the limit; of equals the one with more people here, then the first by
    name; missing where none does), `candidate_minutes` (to the nearest point here), `candidate_people` (of this place,
    within the limit of it); geometry, the cells as one.

    Raises
    ------
    InputError
        As for `reach`, for people without `cell`, and for cells or sites that do not exist.
    StudyError
        For a limit of 0 or less or a mode that the table does not have.

    Examples
    --------
    >>> found = sp.without_access(cells, times, people, sites, minutes=15)
    >>> found[["people", "candidate", "candidate_people"]].head(2)
            people candidate  candidate_people
    place
    1      26326.0       S08            4319.0
    2       2463.0       S27            2450.0
    """
    (limit,) = check_limits([minutes])
    asked = Reach.of(times, people)
    chosen = asked.chosen_mode(mode, "without_access")
    amounts = asked.people.amounts(groups)
    status = sites["status"].to_numpy(dtype=object)[site_positions(asked.sites, sites.index)]
    is_open, is_candidate = np.isin(status, ["existing", "required"]), status == "candidate"
    left = ~asked.covered(chosen, limit, is_open) & (amounts["people"] > 0)
    cell = _cell_positions(asked.people.cell, cells)
    lacking = np.unique(cell[left])
    place_of_cell = np.full(len(cells), -1, dtype=np.int64)
    place_of_cell[lacking] = _joined(cells, lacking)
    place = np.where(left, place_of_cell[cell], -1)
    count = int(place_of_cell.max(initial=-1)) + 1
    inside_of = {name: sums(place[left], amount[left], count) for name, amount in amounts.items()}
    helper = _nearest_helper(asked, asked.within(chosen, limit, is_candidate), place, count)
    labels = _place_names(
        cells, place_of_cell, cell, amounts["people"], place=place, territories=territories, names=names
    )
    shapes = cells.geometry.to_numpy()
    inside = [np.flatnonzero(place_of_cell == number) for number in range(count)]
    table = gpd.GeoDataFrame(
        {"name": labels, "cells": [len(part) for part in inside], **inside_of, **helper},
        geometry=[shapely.union_all(shapes[part]) for part in inside],
        crs=cells.crs,
    )
    # Equals keep the order of their first cell.
    order = np.argsort(-np.round(inside_of["people"], 9), kind="stable")
    table = table.iloc[order]
    table.index = pd.RangeIndex(1, count + 1, name="place")
    return table


@door()
def inequality(
    access: pd.Series,
    people: pd.DataFrame | Reach,
    *,
    groups: Sequence[str] | None = None,
    income: pd.Series | None = None,
) -> pd.DataFrame:
    """Tell how unequally something is shared among people: sites in reach, desks per person, minutes.

    Parameters
    ----------
    access
        What one person at each point has, 0 or more (index `point`); people where it is missing are left out.
    people, groups
        As for `reach`.
    income
        Income of a person at each point (index `point`): Palma and concentration then rank by it. Points without one
        are left out of these two.

    Returns
    -------
    Index `group` (groups first, people last). Columns `people`, `mean`, `gini`, `theil`, `palma`, `concentration`
    (missing without income), each weighted by the people of the group.

    Raises
    ------
    InputError
        For values below 0 and points that are not in `people`.

    Examples
    --------
    >>> nearest = times.groupby("point")["minutes"].min().reindex(people.index).fillna(20)
    >>> sp.inequality(20 - nearest, people)[["mean", "gini", "theil", "palma"]].round(3)
               mean   gini  theil  palma
    group
    workers  12.573  0.196  0.089  0.562
    age_65   12.446  0.204  0.097  0.581
    people   12.523  0.198  0.092  0.569
    """
    asked = People.of(people.people if isinstance(people, Reach) else people)
    points = asked.points
    unknown = access.index.difference(points)
    if len(unknown):
        raise InputError(f"access: {len(unknown):,} points are not in the people table, first '{unknown[0]}'")
    values = access.reindex(points).to_numpy(dtype=np.float64)
    rank = None if income is None else income.reindex(points).to_numpy(dtype=np.float64)
    here = ~np.isnan(values)
    records = {}
    for group, amount in groups_first(asked.amounts(groups)):
        x, w = values[here], amount[here]
        ranked = here if rank is None else here & ~np.isnan(rank)
        by = None if rank is None else rank[ranked]
        total = float(w.sum())
        records[group] = {
            "people": total,
            "mean": float((x * w).sum()) / total if total else np.nan,
            "gini": gini(x, w),
            "theil": theil(x, w),
            "palma": palma(values[ranked], amount[ranked], by),
            "concentration": np.nan if by is None else concentration(values[ranked], amount[ranked], by),
        }
    return pd.DataFrame.from_dict(records, orient="index").rename_axis("group")


@door()
def shortfall(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: float | Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
    opened: Collection[str] | None = None,
) -> pd.DataFrame:
    """Tell how many people are beyond the limit, and by how much, after Foster, Greer & Thorbecke (1984).

    Somebody `t` minutes from the nearest site, beyond the limit `z`, lacks (t - z) / z, at most 1. Whom no site of
    the table reaches lacks 1, so compute the times up to twice the limit, else who is just beyond counts as far away.

    Parameters
    ----------
    times, people, minutes, groups, opened
        As for `access_shares`.

    Returns
    -------
    Columns `group` (groups first), `mode`, `minutes`, `fgt0` (share beyond), `fgt1` (mean lack of all), `fgt2` (mean
    squared lack, in which the farthest weigh most).

    Raises
    ------
    InputError, StudyError
        As for `access_shares`.

    Examples
    --------
    >>> sp.shortfall(times, people, minutes=[15]).round(3)
         group  mode  minutes   fgt0   fgt1   fgt2
    0  workers  walk     15.0  0.075  0.041  0.037
    1   age_65  walk     15.0  0.084  0.048  0.044
    2   people  walk     15.0  0.078  0.044  0.040
    """
    limits = check_limits(minutes)
    asked = Reach.of(times, people)
    least = {mode: asked.least(mode, opened) for mode in asked.names}
    records = []
    for group, amount in groups_first(asked.people.amounts(groups)):
        for mode, nearest in least.items():
            for limit in limits:
                lacks = [fgt(nearest, amount, limit, alpha, more_is_worse=True) for alpha in (0, 1, 2)]
                records.append((group, mode, limit, *lacks))
    return pd.DataFrame(records, columns=["group", "mode", "minutes", "fgt0", "fgt1", "fgt2"])


@door()
def gini(values: Floats, people: Floats) -> float:
    """Return Gini's coefficient: half the mean difference of two people over the mean; 0 is equal.

    Parameters
    ----------
    values, people
        What each has, 0 or more, and how many have it; arrays of one length.

    Returns
    -------
    0 to 1; missing where nobody has anything.

    Examples
    --------
    >>> round(sp.gini(np.array([1.0, 1.0, 4.0]), people=np.array([100, 100, 50])), 3)
    0.3
    """
    return concentration(values, people, np.asarray(values, dtype=np.float64))


@door()
def concentration(values: Floats, people: Floats, rank: Floats) -> float:
    """Return the concentration index of what people have along their rank (Kakwani, Wagstaff & van Doorslaer 1997).

    Parameters
    ----------
    values, people, rank
        What each has, 0 or more; how many have it; by what they are ranked, such as income. Arrays of one length.

    Returns
    -------
    -1 (all with the lowest rank) to 1 (all with the highest); those of equal rank count as one. Missing where nobody
    has anything.

    Examples
    --------
    >>> round(sp.concentration(np.array([1.0, 2.0, 4.0]), people=np.ones(3), rank=np.array([10.0, 20.0, 30.0])), 3)
    0.286
    """
    x, w = _checked(values, people)
    count, held = _by_rank(x, w, rank)
    total, have = count.sum(), held.sum()
    if total == 0 or have == 0:
        return float("nan")
    middle = (np.cumsum(count) - count / 2) / total  # the mean rank of a class, from 0 to 1
    return float(2 * (held * middle).sum() / have - 1)


@door()
def theil(values: Floats, people: Floats) -> float:
    """Return Theil's T: the mean of (x / mean) ln(x / mean); 0 is equal, ln(people) is one has all.

    Parameters
    ----------
    values, people
        As for `gini`.

    Examples
    --------
    >>> round(sp.theil(np.array([1.0, 1.0, 4.0]), people=np.array([100, 100, 50])), 3)
    0.223
    """
    x, w = _checked(values, people)
    total, have = w.sum(), (x * w).sum()
    if total == 0 or have == 0:
        return float("nan")
    relative = x / (have / total)
    logs = np.log(relative, out=np.zeros_like(relative), where=relative > 0)
    return float((w * relative * logs).sum() / total)


@door()
def palma(values: Floats, people: Floats, rank: Floats | None = None) -> float:
    """Return what the top tenth has over what the bottom four tenths have (Palma 2011).

    Parameters
    ----------
    values, people
        As for `gini`.
    rank
        By what people are ranked, such as income; None ranks by the values. Who lies across a border counts in part.

    Returns
    -------
    0.25 where all have the same; infinite where the bottom has nothing; missing where nobody has anything.

    Examples
    --------
    >>> round(sp.palma(np.array([1.0, 2.0, 3.0, 6.0]), people=np.array([40, 30, 20, 10])), 2)
    1.5
    """
    x, w = _checked(values, people)
    count, held = _by_rank(x, w, x if rank is None else rank)
    total, have = count.sum(), held.sum()
    if total == 0 or have == 0:
        return float("nan")
    ends = np.append(0.0, np.cumsum(count)) / total
    up_to = np.append(0.0, np.cumsum(held))
    bottom = float(np.interp(0.4, ends, up_to))
    top = float(up_to[-1] - np.interp(0.9, ends, up_to))
    return top / bottom if bottom > 0 else float("inf")


@door()
def fgt(values: Floats, people: Floats, line: float, alpha: float, *, more_is_worse: bool = False) -> float:
    """Return the index of Foster, Greer & Thorbecke (1984): the mean of the lack to the power of alpha.

    Parameters
    ----------
    values, people
        As for `gini`; infinite values are allowed where more is worse.
    line
        Who has less than this is poor, and lacks (line - value) / line.
    alpha
        0 counts the poor, 1 weighs them by what they lack, 2 by its square.
    more_is_worse
        For minutes: who has more than the line is poor, and lacks (value - line) / line, at most 1.

    Returns
    -------
    0 to 1; missing where there is nobody.

    Raises
    ------
    StudyError
        For a line that is not more than 0 or an alpha below 0.

    Examples
    --------
    >>> sp.fgt(np.array([10.0, 25.0, 30.0]), people=np.array([50, 30, 20]), line=20, alpha=0, more_is_worse=True)
    0.5
    """
    if not 0 < line < np.inf or not alpha >= 0:
        raise StudyError(f"fgt: line is {line}, alpha {alpha}; expected a line above 0 and an alpha of 0 or more")
    x, w = _checked(values, people, finite=not more_is_worse)
    lack = np.minimum((x - line) / line if more_is_worse else (line - x) / line, 1.0)
    poor = lack > 0
    total = w.sum()
    return float((w[poor] * lack[poor] ** alpha).sum() / total) if total else float("nan")


def groups_first(amounts: Mapping[str, Floats]) -> list[tuple[str, Floats]]:
    """Return the groups, then people: who they are before how many there are."""
    return [*((name, amount) for name, amount in amounts.items() if name != "people"), ("people", amounts["people"])]


def places_and_groups(
    people: People,
    territories: pd.Series | Mapping[str, pd.Series] | None,
    groups: Sequence[str] | None,
    *,
    modes: Collection[str],
    limits: Sequence[float],
) -> Iterator[tuple[dict[str, Any], Floats, Callable[[Floats], Floats]]]:
    """Yield, for each split, group, mode and limit, what a table by territory begins with.

    Its columns `split`, `territory`, `group`, `mode`, `minutes`, `people`; the group by point; and what sums an amount
    by point over each territory.
    """
    for split, code, labels in splits(people, territories):

        def total(amount: Floats, code: Ints = code, count: int = len(labels)) -> Floats:
            return sums(code, amount, count)

        for group, amount in groups_first(people.amounts(groups)):
            place = {"split": split, "territory": labels, "group": group}
            everybody = total(amount)
            for mode, limit in itertools.product(modes, limits):
                yield place | {"mode": mode, "minutes": limit, "people": everybody}, amount, total


def splits(
    people: People, territories: pd.Series | Mapping[str, pd.Series] | None
) -> list[tuple[str, Ints, list[str]]]:
    """Return per split, the total first: its name, each point's position among its territories, and these."""
    result: list[tuple[str, Ints, list[str]]] = [(TOTAL, np.zeros(len(people.points), dtype=np.int64), [TOTAL])]
    if territories is None:
        return result
    named = {str(territories.name or "territory"): territories} if isinstance(territories, pd.Series) else territories
    cell = people.cell
    for split, of_cell in named.items():
        if not of_cell.index.is_unique:
            raise InputError(f"territories: a cell stands twice in '{split}'. Give every cell one territory")
        missing = ~cell.isin(of_cell.index)
        if missing.any():
            first = cell[missing].iloc[0]
            raise InputError(
                f"territories: '{split}' lacks {cell[missing].nunique():,} cells of the people, first '{first}'. "
                "Use cell_territories on the cells that the people stand in"
            )
        of_point = of_cell.reindex(cell).to_numpy(dtype=object)
        texts = np.array([OUTSIDE if pd.isna(label) else str(label) for label in of_point], dtype=object)
        labels = sorted(
            {str(label) for label in of_cell.dropna().unique()} | set(texts), key=lambda t: (t == OUTSIDE, t)
        )
        place = {label: position for position, label in enumerate(labels)}
        result.append((str(split), np.array([place[text] for text in texts], dtype=np.int64), labels))
    return result


def _checked(values: Floats, people: Floats, finite: bool = True) -> tuple[Floats, Floats]:
    x, w = np.asarray(values, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if x.shape != w.shape or x.ndim != 1:
        raise InputError(f"values and people: {x.shape} and {w.shape}, expected two lists of one length")
    for name, array in (("values", x), ("people", w)):
        wrong = ~((array >= 0) & ((array < np.inf) | (not finite and name == "values")))
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(f"{name}: number {first} is {array[first]:g}, expected 0 or more")
    return x, w


def _by_rank(x: Floats, w: Floats, rank: Floats) -> tuple[Floats, Floats]:
    """Return how many people each rank has and what they have together; ties are one rank, so order plays no part."""
    if np.isnan(rank).any():
        raise InputError("rank: is missing for some people; leave these out")
    ranks, position = np.unique(rank, return_inverse=True)
    return sums(position, w, len(ranks)), sums(position, x * w, len(ranks))


def _cell_positions(cell: pd.Series, cells: pd.DataFrame) -> Ints:
    positions: Ints = cells.index.get_indexer(pd.Index(cell)).astype(np.int64)
    if (positions < 0).any():
        first = cell.iloc[int((positions < 0).argmax())]
        raise InputError(f"people: cell '{first}' is not in the table of cells. Use the cells the people stand in")
    return positions


def _joined(cells: gpd.GeoDataFrame, chosen: Ints) -> Ints:
    """Return for each chosen cell the number of the place it is part of, numbered by first cell."""
    if len(chosen) == 0:
        return np.empty(0, dtype=np.int64)
    every = cells.geometry.to_numpy()
    shapes = every[chosen]
    tree = shapely.STRtree(shapes)
    if (shapely.area(shapes) > 0).all():
        # Outlines that went through another CRS meet within the hundredth of a millimetre: a thousandth of a side does.
        apart = float(np.median(np.sqrt(shapely.area(shapes)))) / 1000
    else:
        require_metric(cells.crs, "cells")
        # The spacing of all cells: the few without access may lie far from each other.
        nearest = shapely.STRtree(every).query_nearest(every, exclusive=True, all_matches=False, return_distance=True)[
            1
        ]
        apart = 1.5 * float(np.median(nearest)) if len(nearest) else 0.0
    left, right = tree.query(shapes, predicate="dwithin", distance=apart)
    touching = sparse.csr_array((np.ones(len(left), dtype=bool), (left, right)), shape=(len(shapes), len(shapes)))
    _, label = csgraph.connected_components(touching, directed=False)
    numbers, first = np.unique(label, return_index=True)
    position = np.empty(len(numbers), dtype=np.int64)
    position[np.argsort(first, kind="stable")] = np.arange(len(numbers))
    result: Ints = position[label]
    return result


def _nearest_helper(asked: Reach, pairs: Pairs, place: Ints, count: int) -> dict[str, npt.NDArray[np.generic]]:
    """Return for each place the nearest candidate that brings somebody of it within the limit."""
    people = asked.people.amount("people")
    frame = pd.DataFrame(vars(pairs.where(place[pairs.point] >= 0)))
    frame["place"], frame["people"] = place[frame["point"]], people[frame["point"]]
    best = frame.groupby(["place", "site"], as_index=False).agg(minutes=("minutes", "min"), people=("people", "sum"))
    best["name"] = asked.sites.astype(str).to_numpy(dtype=object)[best["site"]]
    best = best.sort_values(["place", "minutes", "people", "name"], ascending=[True, True, False, True])
    best = best.drop_duplicates("place").set_index("place").reindex(range(count))
    names = np.array([None if pd.isna(name) else name for name in best["name"]], dtype=object)
    return {
        "candidate": names,
        "candidate_minutes": best["minutes"].to_numpy(dtype=np.float64),
        "candidate_people": best["people"].fillna(0.0).to_numpy(dtype=np.float64),
    }


def _place_names(
    cells: gpd.GeoDataFrame,
    place_of_cell: Ints,
    cell: Ints,
    people: Floats,
    *,
    place: Ints,
    territories: pd.Series | None,
    names: Mapping[str, str] | pd.Series | None,
) -> list[str]:
    """Return the name of the territory where most people of each place live, or of its first cell without any."""
    count = int(place_of_cell.max(initial=-1)) + 1
    if territories is None:
        return [str(cells.index[int((place_of_cell == number).argmax())]) for number in range(count)]
    label = territories.reindex(cells.index).fillna(OUTSIDE).astype(str).to_numpy(dtype=object)
    left = place >= 0
    table = pd.DataFrame({"place": place[left], "label": label[cell[left]], "people": people[left]})
    sums = table.groupby(["place", "label"]).sum().reset_index()
    first = sums.sort_values(["place", "people", "label"], ascending=[True, False, True]).drop_duplicates("place")
    known = {} if names is None else {str(key): str(value) for key, value in dict(names).items()}
    return [known.get(text, text) for text in first["label"]]
