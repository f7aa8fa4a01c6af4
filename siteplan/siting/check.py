"""Recompute a choice from the chosen ids and the tables alone, in another way than it was made."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Question
from siteplan.errors import SiteplanError
from siteplan.reachable import by_point
from siteplan.siting.choice import Choice
from siteplan.siting.problem import USUAL, counted_by, grain_of, pair_weights, site_metres

__all__ = ["check_choice"]

CLOSE = 1e-5  # of what is compared; of people, of no less than the grain to which they are told


def check_choice(
    choice: Choice,
    times: pd.DataFrame | Iterable[pd.DataFrame],
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    question: Question,
    territory: str | pd.Series | None = None,
) -> None:
    """Check a choice against the question it answers and its tables, which are as for `choose_sites`.

    The times may be several tables that have no site in common.

    Raises
    ------
    SiteplanError
        Naming the first figure or condition that does not agree.
    """
    unit = "metres" if "metres" in choice.summary else "minutes"
    tables = (times,) if isinstance(times, pd.DataFrame) else times
    amount = by_point(people)[question.group].fillna(0.0).astype(float)
    grain = grain_of(amount)
    table = sites.set_index("site") if "site" in sites.columns else sites
    table = pd.DataFrame(table).set_axis(table.index.astype(str))
    chosen = list(choice.sites.index)
    _same("sites twice", len(set(chosen)), len(chosen))
    status = table["status"] if "status" in table.columns else pd.Series("candidate", index=table.index)
    goal = question.goal
    shut = status == "excluded"
    if question.budget is not None or question.least == "cost":  # what a candidate costs must be known
        shut |= (table["cost"].isna() if "cost" in table.columns else True) & (status == "candidate")
    if question.capacities:
        shut |= table["capacity"].isna()
    if question.spacing_m is not None:
        shut |= _beside(sites, table, status, question.spacing_m)
    near = [_near(each, unit, (chosen, table.index[shut]), amount.index, question=question) for each in tables]
    limit, possible = max(one.limit for one in near), np.logical_or.reduce([one.possible for one in near])
    mine = _Pairs(*(np.concatenate(column) for column in zip(*(one.pairs for one in near), strict=True)))
    _true(
        "existing and required sites are open", set(table.index[status.isin(["existing", "required"])]) <= set(chosen)
    )
    _true("excluded sites are closed", not set(table.index[status == "excluded"]) & set(chosen))
    if question.sites is not None:
        _same("the number of sites", len(chosen), question.sites)
    cost = table["cost"].reindex(chosen) if "cost" in table.columns else pd.Series(0.0, index=chosen)
    spent = float(cost[(status.reindex(chosen) != "existing").to_numpy()].sum())
    _true("the budget", question.budget is None or spent <= question.budget * (1 + 1e-9))
    for quota in question.quotas:
        counted, (least, most) = counted_by(quota, table[quota.column]), quota.limits
        there, little = float(counted[table.index.isin(chosen)].sum()), CLOSE * float(np.abs(counted).max(initial=0.0))
        _true(f"quota {quota.name}", least - little <= there <= most + little)
    if question.spacing_m is not None:
        _spaced(sites, chosen, status, question.spacing_m)
    weight, assignment = amount.to_numpy(), choice.assignment
    went, at = _Pairs.numbers(assignment["site"], chosen), _Pairs.numbers(assignment["point"], amount.index)
    pair, there = mine.rows(went, at, len(amount))
    _true("everybody goes to an open site within the limit", bool(there.all()))
    moved, took = assignment["people"].to_numpy(float), mine.minutes[pair]
    _same(f"{unit} of the assignment", float(assignment[unit].sum()), float(took.sum()))
    taken = np.bincount(at, moved, len(amount))
    _true("nobody is served twice", bool((taken <= weight + CLOSE * np.maximum(weight, grain)).all()))
    if question.capacities:
        load, room = np.bincount(went, moved, len(chosen)), table["capacity"].reindex(chosen).to_numpy(float)
        _true("capacities", bool((load <= room + CLOSE * np.maximum(room, grain))[load > 0].all()))
    often = np.bincount(mine.point, minlength=len(amount))
    served = float(taken.sum())
    if not question.capacities:
        _same("people covered", served, float(weight[often > 0].sum()), grain)
    _same("people covered", choice.summary["covered"], served, grain)
    if question.floors is not None:
        belongs = by_point(people)[territory] if isinstance(territory, str) else territory
        by_territory = pd.Series(taken, amount.index)
        _floored(choice, by_territory, amount, belongs=belongs, floors=question.floors)
    out = 2 * limit if question.penalty is None else question.penalty
    if goal.search == "fewest":
        value = spent if question.least == "cost" else float(len(chosen))
        wanted = question.share * float(weight[possible].sum())
        _true("the share covered", served >= wanted - CLOSE * max(grain, wanted))
    elif goal.search == "farthest":
        nearest = np.full(len(amount), np.inf)
        np.minimum.at(nearest, mine.point, mine.minutes)
        value = float(np.where(np.isinf(nearest), out, nearest)[(weight > 0) & possible].max(initial=0.0))
    elif "backup" in goal.keys:
        value = float(weight[often >= question.backup].sum())
    else:
        counts = moved * np.asarray(goal.worth(took, out, mine.weight[pair]), float)
        value = goal.told(float(counts.sum()), out, float(weight.sum()))
    grain = grain if goal.search == "most" else 0.0  # else it is minutes, sites or their cost
    _same(f"the value of objective {question.objective}", choice.value, value, grain)
    _true("a bound", not np.isinf(choice.bound))
    if not np.isnan(choice.bound):
        better = goal.better * (choice.bound - choice.value)
        _true("the bound", better >= -CLOSE * max(grain, abs(choice.value)))


class _Pairs(NamedTuple):
    """Pairs of a chosen site and a point, by their numbers: the least minutes, and the weight of these."""

    site: npt.NDArray[Any]
    point: npt.NDArray[Any]
    minutes: npt.NDArray[Any]
    weight: npt.NDArray[Any]

    @staticmethod
    def numbers(labels: Any, known: Sequence[Any] | pd.Index) -> npt.NDArray[np.int64]:
        """Return the number of each label among those known, -1 of others."""
        return np.asarray(pd.Index(known).get_indexer(pd.Index(labels)), np.int64)

    def rows(self, site: npt.NDArray[np.int64], point: npt.NDArray[np.int64], points: int) -> tuple[Any, Any]:
        """Return which of these pairs each site and point is, and whether it is any."""
        key, asked = self.site * points + self.point, site * points + point
        order = np.argsort(key)
        row = np.append(order, -1)[np.searchsorted(key[order], asked)]
        there = np.append(key, -1)[row] == asked
        return row, there & (site >= 0) & (point >= 0)


class _Near(NamedTuple):
    """The limit, which points are within it of sites that are not shut, and of the chosen sites each pair once."""

    limit: float
    possible: npt.NDArray[np.bool_]
    pairs: _Pairs


def _near(
    times: pd.DataFrame, unit: str, named: tuple[Sequence[Any] | pd.Index, ...], points: pd.Index, *, question: Question
) -> _Near:
    """Return what is near by a table, of the sites that are named chosen and shut.

    Where there is no limit, it is the longest way, each pair by its quickest mode.
    """
    limit, mode = question.limit(USUAL), question.mode
    rows = (times[unit] <= limit).to_numpy()
    if mode and mode != "best":
        rows = rows & times["mode"].isin([mode] if isinstance(mode, str) else mode).to_numpy()
    near = times if rows.all() else times[rows]
    if not np.isfinite(limit):
        limit = max(near.groupby(["site", "point"], observed=True)[unit].min(), default=0.0)
    code, labels = pd.factorize(near["site"])
    chosen, shut = (_Pairs.numbers(labels.astype(str), names)[code] for names in named)
    point, minutes = _Pairs.numbers(near["point"], points), near[unit].to_numpy(float)
    weight = pair_weights(near.rename(columns={unit: "minutes"}), question)
    possible = np.zeros(len(points), bool)
    possible[point[(shut < 0) & (point >= 0)]] = True
    mine = np.flatnonzero((chosen >= 0) & (point >= 0))
    mine = mine[np.lexsort((-weight[mine], minutes[mine], point[mine], chosen[mine]))]
    first = np.diff(chosen[mine] * len(points) + point[mine], prepend=-1) > 0
    return _Near(float(limit), possible, _Pairs(*(column[mine[first]] for column in (chosen, point, minutes, weight))))


def _beside(
    sites: gpd.GeoDataFrame | pd.DataFrame, table: pd.DataFrame, status: pd.Series, spacing: float
) -> pd.Series:
    """Say which sites stand too near to one that exists or is required to open at all."""
    metres = site_metres(sites).loc[table.index].to_numpy()
    kept = status.isin(["existing", "required"]).to_numpy()
    apart = np.hypot(*(metres[:, None] - metres[kept][None]).transpose(2, 0, 1))
    return pd.Series((apart < spacing).any(axis=1) & ~kept, index=table.index)


def _spaced(sites: gpd.GeoDataFrame | pd.DataFrame, chosen: list[str], status: pd.Series, spacing: float) -> None:
    """Measure the distance of every two chosen sites of which one is new."""
    metres = site_metres(sites).loc[chosen]
    kept = status.reindex(chosen).isin(["existing", "required"]).to_numpy()
    apart = np.hypot(*(metres.to_numpy()[:, None] - metres.to_numpy()[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    apart[np.ix_(kept, kept)] = np.inf
    _true("the distance between sites", bool(apart.min(initial=np.inf) >= spacing * (1 - CLOSE)))


def _floored(
    choice: Choice,
    served: pd.Series,
    amount: pd.Series,
    *,
    belongs: pd.Series | None,
    floors: float | dict[Any, float] | str,
) -> None:
    """Sum the people covered over each territory."""
    grain = grain_of(amount)
    assert belongs is not None  # noqa: S101  - floors without territories were refused before
    belongs = belongs.reindex(amount.index)
    there = amount.groupby(belongs, observed=True).sum().to_dict()
    got = served.groupby(belongs, observed=True).sum().to_dict()
    for name, everybody in there.items():
        asked = floors.get(name, 0.0) if isinstance(floors, dict) else 0.0 if isinstance(floors, str) else floors
        _true(f"the floor of {name}", got[name] >= asked * everybody - CLOSE * max(grain, asked * everybody))
        if everybody > 0:
            _same(f"the share of {name}", choice.summary["territories"][name], got[name] / everybody, grain / everybody)


def _same(what: str, said: float, found: float, grain: float = 0.0) -> None:
    if not abs(said - found) <= CLOSE * max(grain, abs(found)):
        raise SiteplanError(f"siting: {what}: {said:,.10g} was said, {found:,.10g} recomputed from the tables")


def _true(what: str, holds: bool) -> None:
    if not holds:
        raise SiteplanError(f"siting: {what}: does not hold when recomputed from the tables")
