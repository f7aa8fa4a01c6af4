"""Recompute a choice from the chosen ids and the tables alone, in another way than it was made."""

from collections.abc import Collection, Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.errors import SiteplanError
from siteplan.reachable import by_point
from siteplan.siting.choice import Choice
from siteplan.siting.problem import USUAL, counted_by, pair_weights, site_metres

__all__ = ["check_choice"]

CLOSE = 1e-5  # of what is compared


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
    assignment = choice.assignment.rename(columns={unit: "minutes"})
    amount = by_point(people)[question.group].fillna(0.0).astype(float)
    table = sites.set_index("site") if "site" in sites.columns else sites
    table = pd.DataFrame(table).set_axis(table.index.astype(str))
    chosen = list(choice.sites.index)
    status = table["status"] if "status" in table.columns else pd.Series("candidate", index=table.index)
    goal = question.goal
    shut = status == "excluded"
    if question.budget is not None or question.least == "cost":  # what a candidate costs must be known
        shut |= (table["cost"].isna() if "cost" in table.columns else True) & (status == "candidate")
    if question.capacities:
        shut |= table["capacity"].isna()
    if question.spacing_m is not None:
        shut |= _beside(sites, table, status, question.spacing_m)
    near = (_near(each.rename(columns={unit: "minutes"}), chosen, table.index[shut], question) for each in tables)
    limits, points, pairs = zip(*near, strict=True)
    limit, possible, mine = max(limits), np.concatenate(points), pd.concat(pairs)
    _same("sites twice", len(set(chosen)), len(chosen))
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
        counted, (least, most) = counted_by(quota, table.loc[chosen, quota.column]), quota.limits
        little = CLOSE * float(np.abs(counted).max(initial=1))
        _true(f"quota {quota.name}", least - little <= float(counted.sum()) <= most + little)
    if question.spacing_m is not None:
        _spaced(sites, chosen, status, question.spacing_m)
    went = assignment.merge(mine, on=["site", "point"], how="left", suffixes=("", "_table"))
    _true("everybody goes to an open site within the limit", bool(went["minutes_table"].notna().all()))
    _same("minutes of the assignment", float(went["minutes"].sum()), float(went["minutes_table"].sum()))
    taken = went.groupby("point")["people"].sum()
    _true("nobody is served twice", bool((taken <= amount.reindex(taken.index) * (1 + CLOSE) + CLOSE).all()))
    if question.capacities:
        load = went.groupby("site")["people"].sum()
        room = table["capacity"].reindex(load.index)
        _true("capacities", bool((load <= room * (1 + CLOSE) + CLOSE).all()))
    reached = amount[amount.index.isin(mine["point"])]
    served = taken.reindex(amount.index).fillna(0.0)
    if not question.capacities:
        _same("people covered", float(served.sum()), float(reached.sum()))
    _same("people covered", choice.summary["covered"], float(served.sum()))
    if question.floors is not None:
        belongs = by_point(people)[territory] if isinstance(territory, str) else territory
        _floored(choice, served, amount, belongs=belongs, floors=question.floors)
    out = 2 * limit if question.penalty is None else question.penalty
    if goal.search == "fewest":
        value = spent if question.least == "cost" else float(len(chosen))
        all_in_reach = float(amount[amount.index.isin(possible)].sum())
        _true("the share covered", served.sum() >= question.share * all_in_reach * (1 - CLOSE) - CLOSE)
    elif goal.search == "farthest":
        least_minutes = mine.groupby("point")["minutes"].min()
        asked = amount.index[(amount > 0) & amount.index.isin(possible)]
        value = float(least_minutes.reindex(asked).fillna(out).max()) if len(asked) else 0.0
    elif "backup" in goal.keys:
        often = mine.groupby("point").size()
        value = float(amount.reindex(often.index[often >= question.backup]).sum())
    else:
        counts = went["people"] * goal.worth(went["minutes_table"], out, went["weight"])
        value = goal.told(float(counts.sum()), out, float(amount.sum()))
    _same(f"the value of objective {question.objective}", choice.value, value)
    _true("a bound", not np.isinf(choice.bound))
    if not np.isnan(choice.bound):
        better = goal.better * (choice.bound - choice.value)
        _true("the bound", better >= -CLOSE * max(1.0, abs(choice.value)))


def _near(
    times: pd.DataFrame, chosen: list[str], shut: Collection[str], question: Question
) -> tuple[float, Any, pd.DataFrame]:
    """Return the limit, the points within it of sites that are not shut, and of the chosen sites each pair once.

    Pairs with their least minutes and the weight of these. Where there is no limit, it is the longest way, each pair by
    its quickest mode.
    """
    limit, mode = question.limit(USUAL), question.mode
    near = times[times["minutes"] <= limit]
    if mode and mode != "best":
        near = near[near["mode"].isin([mode] if isinstance(mode, str) else mode)]
    if not np.isfinite(limit):
        limit = max(near.groupby(["site", "point"], observed=True)["minutes"].min(), default=0.0)
    possible = near.loc[~_named(near["site"], shut), "point"].unique()
    mine = near[_named(near["site"], chosen)]
    mine = mine.assign(site=mine["site"].astype(str), weight=pair_weights(mine, question))
    mine = mine[["site", "point", "minutes", "weight"]]
    mine = mine.sort_values(["minutes", "weight"], ascending=[True, False], kind="stable")
    return float(limit), possible, mine.drop_duplicates(["site", "point"])


def _named(column: pd.Series, names: Collection[str]) -> Any:
    """Return which sites of a column are among those named, whatever their labels are."""
    known = set(names)
    codes, labels = pd.factorize(column)
    return np.array([str(label) in known for label in labels] or [False])[codes]


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
    assert belongs is not None  # noqa: S101  - floors without territories were refused before
    belongs = belongs.reindex(amount.index)
    there = amount.groupby(belongs, observed=True).sum().to_dict()
    got = served.groupby(belongs, observed=True).sum().to_dict()
    for name, everybody in there.items():
        asked = floors.get(name, 0.0) if isinstance(floors, dict) else 0.0 if isinstance(floors, str) else floors
        _true(f"the floor of {name}", got[name] >= asked * everybody * (1 - CLOSE) - CLOSE)
        if everybody > 0:
            _same(f"the share of {name}", choice.summary["territories"][name], got[name] / everybody)


def _same(what: str, said: float, found: float) -> None:
    if not abs(said - found) <= CLOSE * max(1.0, abs(found)):
        raise SiteplanError(f"siting: {what}: {said:,.6f} was said, {found:,.6f} recomputed from the tables")


def _true(what: str, holds: bool) -> None:
    if not holds:
        raise SiteplanError(f"siting: {what}: does not hold when recomputed from the tables")
