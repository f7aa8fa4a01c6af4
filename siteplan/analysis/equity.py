"""Who is left out: shares by place and by group, sites in choice, and how unequal it all is.

The tables by group come first, the indices after: one index hides who the people behind it are. Every function takes
a times table and a table with `people` and groups by `point`, or a `Reach` of both, as `reach` does; `opened` names
the sites that count (None: all of the table), so that candidates do not pass for telecentres that exist.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.analysis.indices import concentration, fgt, gini, palma, theil
from siteplan.analysis.reach import check_limits, each_limit, within_limits
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, Ints, People, Reach, ratio, sums
from siteplan.units import Limits

__all__ = [
    "OUTSIDE",
    "TOTAL",
    "access_shares",
    "cell_territories",
    "inequality",
    "shortfall",
    "sites_in_reach",
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
    # Only of a cell that meets several territories must it be known how much lies in which.
    several = np.bincount(cell, minlength=len(cells))[cell] > 1
    area = np.zeros(len(cell))
    area[several] = shapely.area(
        shapely.intersection(shapes[cell[several]], ordered.geometry.to_numpy()[territory[several]])
    )
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
    minutes: Limits = (15, 20),
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
    asked, by_name = within_limits(Reach.of(times, people), minutes)
    least = asked.least_by_mode(opened)
    tables = []
    for keys, amount, total in places_and_groups(asked.people, territories, groups, limits=by_name):
        covered = total(np.where(least[keys["mode"]] <= keys["minutes"], amount, 0.0))
        tables.append(keys | {"covered": covered, "share": ratio(covered, keys["people"])})
    place = np.concatenate([np.arange(len(table["territory"])) for table in tables])  # of the territory in its split
    whole = below_each_other(tables)
    return whole.iloc[np.lexsort((place, pd.factorize(whole["split"])[0]))].reset_index(drop=True)


@door()
def sites_in_reach(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: Limits = (15, 20),
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
    asked, by_name = within_limits(Reach.of(times, people), minutes)
    counts = {key: np.minimum(number, most) for key, number in asked.choices_by_limit(by_name, opened).items()}
    records = []
    for group, amount in groups_first(asked.people.amounts(groups)):
        total = float(amount.sum())
        for (mode, limit), count in counts.items():
            for sites, number in enumerate(sums(count, amount, most + 1)):
                label = f"{sites}+" if sites == most else str(sites)
                share = number / total if total else np.nan
                records.append((group, mode, limit, label, number, share))
    return pd.DataFrame(records, columns=["group", "mode", "minutes", "sites", "people", "share"])


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
    times, people, groups, opened
        As for `access_shares`.
    minutes
        The limits, for all modes the same.

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
    least = asked.least_by_mode(opened)
    records = []
    for group, amount in groups_first(asked.people.amounts(groups)):
        for mode, nearest in least.items():
            for limit in limits:
                lacks = [fgt(nearest, amount, limit, alpha, more_is_worse=True) for alpha in (0, 1, 2)]
                records.append((group, mode, limit, *lacks))
    return pd.DataFrame(records, columns=["group", "mode", "minutes", "fgt0", "fgt1", "fgt2"])


def groups_first(amounts: Mapping[str, Floats]) -> list[tuple[str, Floats]]:
    """Return the groups, then people: who they are before how many there are."""
    return [*((name, amount) for name, amount in amounts.items() if name != "people"), ("people", amounts["people"])]


def places_and_groups(
    people: People,
    territories: pd.Series | Mapping[str, pd.Series] | None,
    groups: Sequence[str] | None,
    *,
    limits: Mapping[str, Sequence[float]],
) -> Iterator[tuple[dict[str, Any], Floats, Callable[[Floats], Floats]]]:
    """Yield, for each split, group, mode and each of its limits, what a table by territory begins with.

    Its columns `split`, `territory`, `group`, `mode`, `minutes`, `people`; the group by point; and what sums an amount
    by point over each territory.
    """
    for split, code, labels in splits(people, territories):

        def total(amount: Floats, code: Ints = code, count: int = len(labels)) -> Floats:
            return sums(code, amount, count)

        for group, amount in groups_first(people.amounts(groups)):
            place = {"split": split, "territory": labels, "group": group}
            everybody = total(amount)
            for mode, limit in each_limit(limits):
                yield place | {"mode": mode, "minutes": limit, "people": everybody}, amount, total


def below_each_other(tables: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Put tables of the same columns below each other; a column of one of them may be one value for all its rows."""
    parts = zip(*(np.broadcast_arrays(*table.values()) for table in tables), strict=True)
    return pd.DataFrame({name: np.concatenate(part) for name, part in zip(tables[0], parts, strict=True)})


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
        at = of_cell.index.get_indexer(pd.Index(cell))
        if (at < 0).any():
            missing = cell[at < 0]
            raise InputError(
                f"territories: '{split}' lacks {missing.nunique():,} cells of the people, first '{missing.iloc[0]}'. "
                "Use cell_territories on the cells that the people stand in"
            )
        code, found = pd.factorize(of_cell)
        text = np.array([*map(str, found), OUTSIDE], dtype=object)[code]  # -1, the last one, is missing
        lived_in = {*text[at], *map(str, found)}
        labels = sorted(lived_in, key=lambda label: (label == OUTSIDE, label))
        result.append((str(split), pd.Index(labels).get_indexer(text)[at].astype(np.int64), labels))
    return result
