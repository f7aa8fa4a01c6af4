"""Why these sites: whom each adds and shares; and why not the others."""

from dataclasses import replace

import numpy as np
import pandas as pd

from siteplan.siting.exact import serve
from siteplan.siting.heuristic import Opening, objective_of
from siteplan.siting.kernels import most_shared
from siteplan.siting.problem import Flags, Floats, Ints, Problem
from siteplan.siting.swaps import swap_changes

__all__ = ["assigned", "chosen_table", "given", "opening_order", "rejected_table"]


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
        problem.unit: problem.minutes[pair],
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
    away = problem.weight[problem.point[nearest]] / problem.grain * (1.0 - parts[nearest])
    weights = np.round(away, 6) * problem.grain
    return np.bincount(problem.site[nearest], weights=weights, minlength=many).astype(np.float64)


def opening_order(problem: Problem, opened: Flags, statuses: pd.Series, phase: Ints | None = None) -> Ints:
    """Return the chosen sites: existing, required, then each time the one that adds most; a phase before the next."""
    rank, problem = {"existing": 0, "required": 1}, replace(problem, floors=None)
    when = np.zeros(len(opened), np.int64) if phase is None else phase
    first = [int(j) for j in np.flatnonzero(opened & problem.fixed)]
    first.sort(key=lambda j: (rank.get(statuses.iloc[j], 2), j))
    order, opening = first, Opening(problem, problem.fixed & opened)
    while len(order) < int(opened.sum()):
        left = opened & ~opening.opened
        left &= when == when[left].min()
        best = int(np.argmax(np.where(left, opening.pull(), -1.0)))
        opening.open(best)
        order.append(best)
    return np.array(order, dtype=np.int64)


def chosen_table(
    problem: Problem,
    opened: Flags,
    parts: Floats | None,
    table: pd.DataFrame,
    *,
    assignment: pd.DataFrame,
    phase: Ints | None = None,
) -> pd.DataFrame:
    """Return the chosen sites in order, with whom they reach, add, have alone, serve and turn away."""
    order = opening_order(problem, opened, table["status"], phase)
    point, weight, many = problem.point, problem.weight, len(problem.sites)
    opening, covered, worth = Opening(problem, np.zeros(many, dtype=bool)), [0.0], [0.0]
    for site in order:
        opening.open(site)
        served, gives = _given(problem, opening)
        covered.append(served)
        worth.append(gives)
    once = np.where(problem.covering(opened) == 1, weight, 0.0)
    went = assignment.groupby("site")["people"].sum()
    opens = np.cumsum(table["status"].to_numpy()[order] != "existing")  # nothing opens that exists: it stands first
    columns = {
        "order": opens.astype(np.int64),
        "name": table["name"].to_numpy()[order],
        "status": table["status"].to_numpy()[order],
        "people": np.bincount(problem.site, weights=weight[point], minlength=many)[order],
        "added": np.diff(covered),
        "gain": np.diff(worth),
        "alone": np.bincount(problem.site, weights=once[point], minlength=many)[order],
        "served": went.reindex(problem.sites[order]).fillna(0.0).to_numpy(),
        "turned_away": turned_away(problem, opened, parts)[order],
        "cost": problem.cost[order],
    }
    chosen = pd.DataFrame(columns, index=problem.sites[order])
    chosen["gain_per_cost"] = (chosen["gain"] / chosen["cost"]).where(chosen["cost"] > 0)
    return chosen if phase is None else chosen.assign(phase=phase[order])


def given(problem: Problem, opened: Flags) -> tuple[float, float]:
    """Return how many people a set serves, and its objective; with capacities, for the best way to share people out."""
    if problem.capacity is None:
        return float(problem.weight[problem.reached(opened)].sum()), objective_of(problem, opened)
    return _given_at_most(problem, opened)


def _given(problem: Problem, opening: Opening) -> tuple[float, float]:
    """Return the same of a set that is opening."""
    if problem.capacity is None:
        return float(problem.weight[opening.reached].sum()), opening.value
    return _given_at_most(problem, opening.opened)


def _given_at_most(problem: Problem, opened: Flags) -> tuple[float, float]:
    best = serve(replace(problem, floors=None), opened)
    if best is None or best.share is None:
        return 0.0, 0.0
    served = float((problem.weight[problem.point] * best.share).sum())
    return round(served / problem.grain, 6) * problem.grain, round(best.value / problem.grain, 6) * problem.grain


def rejected_table(problem: Problem, opened: Flags, table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates not chosen: made redundant by which chosen site, and what the best swap would change."""
    many, point, weight = len(problem.sites), problem.point, problem.weight
    total = np.bincount(problem.site, weights=weight[point], minlength=many)
    new = np.bincount(problem.site, weights=np.where(problem.reached(opened), 0.0, weight)[point], minlength=many)
    chosen = np.flatnonzero(opened)
    most, by = most_shared(problem.ptr, problem.site, weight, problem.by_site, chosen)
    change, replaced = _swaps(problem, opened)
    left = np.flatnonzero(~opened & (table["status"] != "excluded").to_numpy())
    columns = {
        "name": table["name"].to_numpy()[left],
        "people": total[left],
        "new": new[left],
        "redundant_by": [
            problem.sites[chosen[by[j]]] if most[j] > 0 and not problem.unknown[j] else None for j in left
        ],
        "shared": most[left],
        "swap_for": [problem.sites[replaced[j]] if replaced[j] >= 0 else None for j in left],
        "change": change[left],
        "left_out": problem.unknown[left],
    }
    return pd.DataFrame(columns, index=problem.sites[left])


def _swaps(problem: Problem, opened: Flags) -> tuple[Floats, Ints]:
    """Return the change of the objective by the best swap for each site, and for which; NaN where none is possible.

    Of people-minutes, less is better: a change above 0 makes them more. Not computed for center and share, nor with
    capacities.
    """
    change, replaced = np.full(len(opened), np.nan), np.full(len(opened), -1, np.int64)
    held, changes = swap_changes(problem, opened)
    if problem.capacity is None and problem.objective.search == "most" and len(held):
        best = changes[:, :-1].argmax(axis=1)
        most = changes[np.arange(len(opened)), best]
        possible = np.isfinite(most)
        change[possible], replaced[possible] = most[possible], held[best[possible]]
    return (-change if problem.objective.remaining else change), replaced
