"""Why these sites: whom each adds and shares; and why not the others."""

import numpy as np
import pandas as pd

from siteplan.siting.heuristic import allowed, gains, objective_of
from siteplan.siting.problem import Flags, Floats, Ints, Problem

__all__ = ["assigned", "chosen_table", "opening_order", "rejected_table"]


def assigned(problem: Problem, opened: Flags, parts: Floats | None) -> pd.DataFrame:
    """Return who goes where: to the open site that counts most, then the nearest, unless sites may be full."""
    point = problem.point
    if parts is None:
        pair = np.flatnonzero(opened[problem.site] & (problem.weight[point] > 0))
        order = pair[np.lexsort((problem.site[pair], problem.minutes[pair], -problem.worth[pair], point[pair]))]
        pair = order[np.r_[True, np.diff(point[order]) != 0]] if len(order) else order
        amount = problem.weight[point[pair]]
    else:
        pair = np.flatnonzero(parts > 1e-9)
        amount = parts[pair] * problem.weight[point[pair]]
    columns = {
        "point": problem.points[point[pair]],
        "site": problem.sites[problem.site[pair]],
        "minutes": problem.minutes[pair],
        "people": amount,
    }
    return pd.DataFrame(columns)


def turned_away(problem: Problem, opened: Flags, parts: Floats | None) -> Floats:
    """Return by site the people to whom it is the nearest open one and who, as it is full, go elsewhere or nowhere."""
    many = len(problem.sites)
    if parts is None:
        return np.zeros(many)
    pair = np.flatnonzero(opened[problem.site])
    order = pair[np.lexsort((problem.site[pair], problem.minutes[pair], problem.point[pair]))]
    nearest = order[np.r_[True, np.diff(problem.point[order]) != 0]] if len(order) else order
    away = problem.weight[problem.point[nearest]] * (1.0 - parts[nearest])
    return np.bincount(problem.site[nearest], weights=np.round(away, 6), minlength=many).astype(np.float64)


def opening_order(problem: Problem, opened: Flags, statuses: pd.Series) -> Ints:
    """Return the chosen sites: existing, required, then each time the one that adds most to the objective."""
    rank = {"existing": 0, "required": 1}
    first = [int(j) for j in np.flatnonzero(opened & problem.fixed)]
    first.sort(key=lambda j: (rank.get(statuses.iloc[j], 2), j))
    order, here = first, problem.fixed & opened
    while len(order) < int(opened.sum()):
        gain = np.where(opened & ~here, gains(problem, here), -1.0)
        best = int(np.argmax(gain))
        here[best] = True
        order.append(best)
    return np.array(order, dtype=np.int64)


def chosen_table(problem: Problem, opened: Flags, parts: Floats | None, table: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen sites in order, with whom they reach, add, have alone, serve and turn away."""
    order = opening_order(problem, opened, table["status"])
    seen = np.zeros(len(problem.points), dtype=bool)
    once = problem.covering(opened) == 1
    went = assigned(problem, opened, parts).groupby("site")["people"].sum()
    away = turned_away(problem, opened, parts)
    rows = []
    for position, site in enumerate(order, 1):
        reached = np.zeros(len(problem.points), dtype=bool)
        reached[problem.point[problem.site == site]] = True
        label = problem.sites[site]
        rows.append(
            {
                "site": label,
                "order": position,
                "name": table.loc[label, "name"],
                "status": table.loc[label, "status"],
                "people": float(problem.weight[reached].sum()),
                "added": float(problem.weight[reached & ~seen].sum()),
                "alone": float(problem.weight[reached & once].sum()),
                "served": float(went.get(label, 0.0)),
                "turned_away": float(away[site]),
                "cost": float(problem.cost[site]),
            }
        )
        seen |= reached
    names = ["site", "order", "name", "status", "people", "added", "alone", "served", "turned_away", "cost"]
    return pd.DataFrame(rows, columns=names).set_index("site")


def rejected_table(problem: Problem, opened: Flags, table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates not chosen: made redundant by which chosen site, and what the best swap would change."""
    many, point, weight = len(problem.sites), problem.point, problem.weight
    total = np.bincount(problem.site, weights=weight[point], minlength=many)
    new = np.bincount(problem.site, weights=np.where(problem.reached(opened), 0.0, weight)[point], minlength=many)
    chosen = np.flatnonzero(opened)
    shared = np.zeros((len(chosen), many))
    for row, site in enumerate(chosen):
        here = np.zeros(len(weight))
        here[point[problem.site == site]] = 1.0
        shared[row] = np.bincount(problem.site, weights=(here * weight)[point], minlength=many)
    change, replaced = _swaps(problem, opened)
    by = shared.argmax(axis=0) if len(chosen) else np.zeros(many, np.int64)
    most = shared.max(axis=0) if len(chosen) else np.zeros(many)
    left = np.flatnonzero(~opened & (table["status"] != "excluded").to_numpy())
    columns = {
        "name": table["name"].to_numpy()[left],
        "people": total[left],
        "new": new[left],
        "redundant_by": [problem.sites[chosen[by[j]]] if most[j] > 0 else None for j in left],
        "shared": most[left],
        "swap_for": [problem.sites[replaced[j]] if replaced[j] >= 0 else None for j in left],
        "change": change[left],
    }
    return pd.DataFrame(columns, index=problem.sites[left])


def _swaps(problem: Problem, opened: Flags) -> tuple[Floats, Ints]:
    """Return the change of the objective by the best swap for each site, and for which; NaN where none is possible.

    Of people-minutes, less is better: a change above 0 makes them more. Not computed for center and share, nor with
    capacities or floors.
    """
    change, replaced = np.full(len(opened), -np.inf), np.full(len(opened), -1, np.int64)
    usable = problem.capacity is None and problem.floors is None and problem.objective not in ("center", "share")
    value = objective_of(problem, opened)
    bare = problem.budget is None and len(problem.apart) == 0 and not problem.quotas
    for out in np.flatnonzero(opened & ~problem.fixed) if usable else ():
        without = opened.copy()
        without[out] = False
        after = objective_of(problem, without) + gains(problem, without) - value
        for into in np.flatnonzero(~opened & ~problem.barred & (after > change)):
            there = without.copy()
            there[into] = True
            if bare or allowed(problem, there):
                change[into], replaced[into] = after[into], out
    change[replaced < 0] = np.nan
    return (-change if problem.objective == "median" else change), replaced
