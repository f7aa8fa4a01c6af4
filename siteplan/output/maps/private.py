"""Cells with few people are joined with their neighbours before anything is drawn or sent."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely
from numpy.typing import NDArray

from siteplan.catalogue import measures
from siteplan.output.maps.shapes import in_a_grid, metric
from siteplan.reachable import People, by_point

__all__ = ["centres", "join_small", "joined", "spread_people"]

NEAR = 64  # neighbours to look at; a cell without any company among them stays out of sight


def join_small(cells: gpd.GeoDataFrame, threshold: float) -> "tuple[gpd.GeoDataFrame, pd.Series[str]]":
    """Join each cell of fewer than `threshold` people (but not of none) with the nearest ones until there are enough.

    Returns
    -------
    tuple
        The cells, joined: people and groups summed, minutes and shares averaged over people, everything else that of
        the part with the most people; and the name of the joined cell by cell. Where all cells together hold
        fewer people, their number is withheld.
    """
    people = np.nan_to_num(cells["people"].to_numpy(dtype=float))
    table, names = joined(cells, _groups(centres(cells), people, threshold))
    if len(table) < len(cells):
        table.loc[table["people"].between(0, threshold, inclusive="neither"), "people"] = np.nan
    return table, names


def joined(cells: gpd.GeoDataFrame, group: NDArray[np.int64]) -> "tuple[gpd.GeoDataFrame, pd.Series[str]]":
    """Join the cells of each group, which is called by the place of one of them; return them as `join_small` does."""
    people = np.nan_to_num(cells["people"].to_numpy(dtype=float))
    called = cells.index.astype(str)
    names = pd.Series(called[group], index=cells.index)
    if len(np.unique(group)) == len(cells):
        return cells.set_axis(called), names
    order = np.lexsort((-people, group))
    first = order[np.r_[True, np.diff(group[order]) > 0]]  # the part with the most people speaks for all
    table = cells.iloc[first].copy()
    _, code = np.unique(group, return_inverse=True)
    shared = {each.column for each in measures(cells, ["minutes", "covered"])}
    for name in map(str, cells.columns.drop(cells.geometry.name)):
        if name in shared:
            table[name] = _mean(cells[name].to_numpy(dtype=float), people, code)
        elif pd.api.types.is_numeric_dtype(cells[name]):
            sums = pd.Series(cells[name].to_numpy(dtype=float)).groupby(code).sum(min_count=1)
            table[name] = sums.to_numpy()
    shapes = cells.geometry.to_numpy()
    by_code, count = np.argsort(code, kind="stable"), np.bincount(code)
    members = np.full((len(count), count.max()), None, dtype=object)
    members[code[by_code], np.arange(len(code)) - np.repeat(np.cumsum(count) - count, count)] = shapes[by_code]
    unite = shapely.coverage_union_all if in_a_grid(shapes) else shapely.union_all  # the same, a fourth of the time
    united = gpd.GeoSeries(unite(members, axis=1), crs=cells.crs)
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():  # and so are those joined: in their middle
        united = gpd.GeoSeries(shapely.centroid(united.to_numpy()), crs=cells.crs)
    table = table.set_geometry(united.set_axis(table.index))
    table.index = called[np.unique(group)].rename(cells.index.name)
    return table, names


def spread_people(
    tables: Sequence[pd.DataFrame], cells: gpd.GeoDataFrame, names: "pd.Series[str]", threshold: float
) -> list[pd.DataFrame]:
    """Spread people over the points so that none tells of fewer than `threshold` people, or members of a group, alone.

    Parameters
    ----------
    tables
        Points with `cell`, people and groups; what is small is found in the first and spread alike in all.
    cells, names
        As `join_small` gives them.

    Returns
    -------
    list
        The tables with the joined cells. The people of a joined cell stand evenly on its points. Where a cell has
        fewer than `threshold` of a group, it shares with its neighbours until they have enough: each has the group's
        mean share of its people. What has no company stands nowhere.
    """
    hidden = cells.index[cells["people"].isna()]
    spread = [_even(table, names, hidden) for table in tables]
    groups = set.intersection(*(set(People.of(table).groups) for table in spread))
    apart = names[names.duplicated(keep=False)].unique()
    for group in sorted(groups):
        sums = spread[0].groupby("cell")[group].sum().reindex(cells.index).fillna(0.0).to_numpy()
        circle = pd.Series(_groups(centres(cells), sums, threshold), index=cells.index)
        total = pd.Series(sums, index=cells.index).groupby(circle).transform("sum")
        touched = circle.duplicated(keep=False) | cells.index.isin(apart)
        few = cells.index[total.between(0, threshold, inclusive="neither")]
        for table in spread:
            shared = _shared(table[group], table["people"], table["cell"].map(circle))
            table[group] = table[group].where(~table["cell"].map(touched).eq(other=True), shared)
            table.loc[table["cell"].isin(few), group] = 0.0
    return spread


def _even(points: pd.DataFrame, names: "pd.Series[str]", hidden: pd.Index) -> pd.DataFrame:
    """Give points their joined cells, the same people to all points of one that was joined, nobody to a hidden one."""
    spread = by_point(points).copy()
    joined = spread["cell"].map(names)
    for name in People.of(spread).amounts():
        spread[name] = spread[name].astype(float).fillna(0.0).where(~joined.isin(hidden), 0.0)
    touched = spread["cell"].map(names.duplicated(keep=False)).eq(other=True)
    mean = spread["people"].groupby(joined).transform("mean")
    return spread.assign(cell=joined, people=spread["people"].where(~touched, mean))


def _shared(amounts: "pd.Series[float]", weights: "pd.Series[float]", code: "pd.Series[float]") -> "pd.Series[float]":
    """Share out the sum of each code by weight, evenly where there is none."""
    some = weights.groupby(code).transform("sum") > 0
    weights = weights.where(some, 1.0)
    return weights * amounts.groupby(code).transform("sum") / weights.groupby(code).transform("sum")


def _groups(centres: NDArray[np.float64], people: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Give each cell the first member of its group: small ones join their nearest neighbours, in order."""
    group = np.arange(len(people))
    total = people.copy()
    inhabited = np.flatnonzero(people > 0)
    if not len(inhabited):
        return group
    tree = scipy.spatial.KDTree(centres[inhabited])
    near = min(NEAR, len(inhabited))
    for cell in inhabited[people[inhabited] < threshold]:
        _, found = tree.query(centres[cell], k=np.arange(1, near + 1))
        for other in inhabited[found]:
            if total[group[cell]] >= threshold:
                break
            low, high = sorted((int(group[cell]), int(group[other])))
            if low == high:
                continue
            total[low] += total[high]
            group[group == high] = low
    return group


def centres(cells: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Give the middles of cells, in metres, shape (cells, 2)."""
    centres = metric(cells.geometry).centroid
    return np.column_stack([centres.x.fillna(0.0), centres.y.fillna(0.0)])


def _mean(values: NDArray[np.float64], people: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.float64]:
    weight = np.where(np.isfinite(values), np.maximum(people, 1e-9), 0.0)
    above = np.bincount(code, weights=weight * np.nan_to_num(values))
    below = np.bincount(code, weights=weight)
    means: NDArray[np.float64] = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return means
