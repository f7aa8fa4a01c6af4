"""What a report says in numbers, taken from the tables of a study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.analysis.equity import OUTSIDE, cell_territories
from siteplan.catalogue import BEST, PEOPLE, Measure, measures, mode_order
from siteplan.inputs.sites import OPEN
from siteplan.reachable import by_point

__all__ = [
    "BEST",
    "OPEN",
    "Coverage",
    "access_table",
    "covered_count",
    "covered_people",
    "headline",
    "one_split",
    "reach_columns",
]

SLOWER = 1.1  # times a tenth longer


@dataclass(frozen=True)
class Coverage:
    """How many of the people, or of a group, have a site within the limit: of those open, of all, of slower trips."""

    people: float
    today: float
    all_sites: float
    slower: float
    chosen: float | None = None
    """Open sites and the chosen ones together; None where none are chosen."""

    @property
    def planned(self) -> float:
        """With the chosen sites or, where none are chosen, with all."""
        return self.all_sites if self.chosen is None else self.chosen


def headline(scores: pd.DataFrame, weights: dict[str, float]) -> Measure | None:
    """Choose the one figure that the report speaks of: what weighs most in the score, else any mode, longest limit."""
    reached = [each for each in measures(scores) if each.kind == "reached" and each.group == PEOPLE]
    weighed = [each for each in reached if weights.get(each.column, 0) > 0]
    if weighed:
        return max(weighed, key=lambda each: weights[each.column])
    return max(reached, key=lambda each: (each.mode == BEST, each.limit), default=None)


def reach_columns(scores: pd.DataFrame, most: int) -> list[Measure]:
    """List the counted columns of a table for paper: people by mode and limit, the shorter limits dropped first."""
    found = [each for each in measures(scores) if each.kind == "reached" and each.group == PEOPLE]
    found.sort(key=lambda each: (mode_order(each.mode), each.limit))
    if len({each.mode for each in found}) == 2:  # the best of one mode is that mode
        found = [each for each in found if each.mode != BEST]
    longest = {each.mode: each.limit for each in found}
    for dropped in sorted(found, key=lambda each: (each.limit == longest[each.mode], each.mode != BEST)):
        if len(found) <= most:
            break
        found.remove(dropped)
    return found


def covered_count(
    times: pd.DataFrame, points: pd.DataFrame, measure: Measure, sites: Iterable[str], *, minutes: float | None = None
) -> float:
    """Count whom a measure counts: who has one of the sites within its limit (or another one), each once.

    Withheld people count as nothing.
    """
    people = by_point(points)[measure.group].fillna(0.0)
    limit = measure.limit if minutes is None else minutes
    return float(people[_reached(times, people.index, sites, mode=measure.mode, minutes=limit)].sum())


def covered_people(
    times: pd.DataFrame,
    points: pd.DataFrame,
    measure: Measure,
    *,
    open_sites: Sequence[str],
    all_sites: Sequence[str],
    chosen: Sequence[str] = (),
) -> Coverage:
    """Count who is covered by the open sites, by all, by the open and the chosen ones, and by slower travel."""
    planned = [*open_sites, *chosen]
    return Coverage(
        people=float(points[measure.group].sum()),
        today=covered_count(times, points, measure, open_sites),
        all_sites=covered_count(times, points, measure, all_sites),
        slower=covered_count(times, points, measure, planned if chosen else all_sites, minutes=measure.limit / SLOWER),
        chosen=covered_count(times, points, measure, planned) if chosen else None,
    )


def access_table(
    times: pd.DataFrame,
    points: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    *,
    sites: Sequence[str],
    pairs: Sequence[tuple[str, float]],
    cells: gpd.GeoDataFrame | None = None,
    group: str = "people",
) -> pd.DataFrame:
    """Count by commune the people, or those of a group, who have one of the sites within a limit.

    A person counts in the commune of their cell, as in `territories.csv`; without cells, in that of their point.

    Returns
    -------
    `territory`, `group`, `mode`, `minutes`, `people`, `covered`, `share`: one row a commune and pair of mode
    and limit; the territory "" is the people outside every commune.
    """
    placed = by_point(points)
    people = placed[group].fillna(0.0)
    where = _territories(placed, communes, cells)
    order = [*map(str, communes.index), ""]
    everybody = people.groupby(where).sum().reindex(order, fill_value=0.0)
    parts = []
    for mode, minutes in pairs:
        near = people.where(_reached(times, people.index, sites, mode=mode, minutes=minutes), 0.0)
        covered = near.groupby(where).sum().reindex(order, fill_value=0.0)
        row = {"territory": order, "group": group, "mode": mode, "minutes": minutes, "people": everybody.to_numpy()}
        parts.append(pd.DataFrame(row | {"covered": covered.to_numpy()}))
    table = pd.concat(parts, ignore_index=True)
    table["share"] = table["covered"] / table["people"].where(table["people"] > 0)
    return table[(table["territory"] != "") | (table["people"] > 0)]


def one_split(access: pd.DataFrame) -> pd.DataFrame:
    """Give a table of coverage by territory alone: of the first opening, by the first split that is not the whole."""
    if "open" in access:
        access = access[access["open"] == access["open"].iloc[0]]
    if "split" not in access:
        return access
    splits = [split for split in access["split"].unique() if split != "total"]
    part = access[access["split"] == splits[0]] if splits else access
    return part.assign(territory=part["territory"].astype(str).replace({"outside": ""}))


def _reached(
    times: pd.DataFrame, points: pd.Index, sites: Iterable[str], *, mode: str, minutes: float
) -> npt.NDArray[np.bool_]:
    """Tell for each point whether one of the sites is within the limit."""
    near = (times["minutes"] <= minutes) & times["site"].astype(str).isin(set(sites))
    if mode != BEST and "mode" in times:
        near &= times["mode"].astype(str) == mode
    reached: npt.NDArray[np.bool_] = points.isin(times.loc[near, "point"].unique())
    return reached


def _territories(points: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None) -> pd.Series:
    """Return the commune of each point; "" for none."""
    by_cell = cells is not None and "cell" in points
    found = cell_territories(cells if by_cell else points, communes).replace({OUTSIDE: ""})
    named: pd.Series = points["cell"].map(found).fillna("") if by_cell else found
    return named.astype(object)
