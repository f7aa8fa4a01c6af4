"""What a report says in numbers, taken from the tables of a study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.equity import OUTSIDE, cell_territories
from siteplan.catalogue import BEST, PEOPLE, Measure, measures, mode_order
from siteplan.inputs.sites import OPEN
from siteplan.reachable import GIVEN, Bools, Reach, sums

__all__ = [
    "BEST",
    "OPEN",
    "Coverage",
    "access_table",
    "communes_of",
    "covered_count",
    "covered_people",
    "headline",
    "one_split",
    "opening_counts",
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


def covered_by(reach: Reach, sites: Iterable[str], *, mode: str, minutes: float) -> Bools:
    """Tell for each point whether one of the sites is within a limit; a site or mode without times reaches nobody."""
    named = set(sites)
    if reach.modes == (GIVEN,):
        mode = BEST
    if mode not in (*reach.modes, BEST):
        return np.zeros(len(reach.points), dtype=bool)
    return reach.covered(mode, minutes, reach.sites.astype(str).isin(named))


def covered_count(reach: Reach, measure: Measure, sites: Iterable[str], *, minutes: float | None = None) -> float:
    """Count whom a measure counts: who has one of the sites within its limit (or another one), each once."""
    limit = measure.limit if minutes is None else minutes
    covered = covered_by(reach, sites, mode=measure.mode, minutes=limit)
    return float(reach.people.amount(measure.group)[covered].sum())


def opening_counts(reach: Reach, measure: Measure, before: Sequence[str], then: Sequence[str]) -> list[float]:
    """Count as `covered_count` does with the sites open before, and after each one that opens then, in that order."""
    turn = dict.fromkeys(before, 0) | {site: at for at, site in enumerate(then, start=1)}
    order = reach.sites.astype(str).map(turn).to_numpy(dtype=float, na_value=np.inf)
    first = np.full(len(reach.points), np.inf)
    mode = BEST if reach.modes == (GIVEN,) else measure.mode
    for part in reach.parts() if mode in (*reach.modes, BEST) else ():
        pairs = part.within(mode, measure.limit)
        np.minimum.at(first, pairs.point, order[pairs.site])
    people = reach.people.amount(measure.group)
    return [float(people[first <= at].sum()) for at in range(len(then) + 1)]


def covered_people(
    reach: Reach, measure: Measure, *, open_sites: Sequence[str], all_sites: Sequence[str], chosen: Sequence[str] = ()
) -> Coverage:
    """Count who is covered by the open sites, by all, by the open and the chosen ones, and by slower travel."""
    planned = [*open_sites, *chosen]
    return Coverage(
        people=float(reach.people.amount(measure.group).sum()),
        today=covered_count(reach, measure, open_sites),
        all_sites=covered_count(reach, measure, all_sites),
        slower=covered_count(reach, measure, planned if chosen else all_sites, minutes=measure.limit / SLOWER),
        chosen=covered_count(reach, measure, planned) if chosen else None,
    )


def access_table(
    reach: Reach,
    where: pd.Series,
    *,
    sites: Sequence[str],
    pairs: Sequence[tuple[str, float]],
    group: str = "people",
) -> pd.DataFrame:
    """Count by commune the people, or those of a group, who have one of the sites within a limit.

    `where` is the commune of each point, as `communes_of` gives it: its categories are the communes, in order.

    Returns
    -------
    `territory`, `group`, `mode`, `minutes`, `people`, `covered`, `share`: one row a commune and pair of mode
    and limit; the territory "" is the people outside every commune.
    """
    position, order = where.cat.codes.to_numpy().astype(np.int64), where.cat.categories
    people = reach.people.amount(group)
    everybody = sums(position, people, len(order))
    parts = []
    for mode, minutes in pairs:
        near = np.where(covered_by(reach, sites, mode=mode, minutes=minutes), people, 0.0)
        row = {"territory": list(order), "group": group, "mode": mode, "minutes": minutes, "people": everybody}
        parts.append(pd.DataFrame(row | {"covered": sums(position, near, len(order))}))
    table = pd.concat(parts, ignore_index=True)
    table["share"] = table["covered"] / table["people"].where(table["people"] > 0)
    return table[(table["territory"] != "") | (table["people"] > 0)]


def communes_of(
    points: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None = None
) -> pd.Series:
    """Return the commune of each point, "" for none: that of its cell, as in `territories.csv`; without cells, its own.

    The categories are all communes in their order, then "".
    """
    by_cell = cells is not None and "cell" in points
    found = cell_territories(cells if by_cell else points, communes).replace({OUTSIDE: ""})
    named: pd.Series = points["cell"].map(found).fillna("") if by_cell else found
    return named.astype(object).astype(pd.CategoricalDtype([*dict.fromkeys(map(str, communes.index)), ""]))


def one_split(access: pd.DataFrame) -> pd.DataFrame:
    """Give a table of coverage by territory alone: with the chosen sites or else of the first opening, by one split."""
    if "open" in access:
        opening = "chosen" if (access["open"] == "chosen").any() else access["open"].iloc[0]
        access = access[access["open"] == opening]
    if "split" not in access:
        return access
    splits = [split for split in access["split"].unique() if split != "total"]
    part = access[access["split"] == splits[0]] if splits else access
    return part.assign(territory=part["territory"].astype(str).replace({"outside": ""}))
