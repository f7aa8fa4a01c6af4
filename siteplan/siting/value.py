"""What a set of sites gives, in the unit of its objective, and whether it meets every condition."""

from collections.abc import Sequence

import numpy as np

from siteplan.siting.exact import serve
from siteplan.siting.heuristic import LITTLE, fits, objective_of
from siteplan.siting.problem import Flags, Floats, Problem

__all__ = ["better", "least_minutes", "meets", "published", "serves_enough", "shares", "without_idle"]


def published(problem: Problem, opened: Flags, parts: Floats | None) -> float:
    """Return what a set gives in the unit of its objective; `parts` as `shares` gives them."""
    search = problem.objective.search
    if search == "fewest":
        return float(problem.cost[opened].sum()) if problem.question.least == "cost" else float(opened.sum())
    if search == "farthest":
        worst = least_minutes(problem, opened)[problem.reachable & (problem.weight > 0)]
        return float(worst.max(initial=0.0))
    if parts is None:
        return problem.told(objective_of(problem, opened))
    return problem.told(float((problem.weight[problem.point] * problem.worth * parts).sum()))


def least_minutes(problem: Problem, opened: Flags) -> Floats:
    """Return each point's minutes to the nearest open site, the penalty where it reaches none."""
    least = np.full(len(problem.points), problem.penalty)
    inside = opened[problem.site]
    np.minimum.at(least, problem.point[inside], problem.minutes[inside])
    return least


def better(problem: Problem, one: Flags, other: Flags) -> bool:
    """Whether one set is better than another, of two that give the same the one that serves more."""
    gives = [problem.objective.better * published(problem, each, shares(problem, each)) for each in (one, other)]
    return (gives[0], objective_of(problem, one)) > (gives[1], objective_of(problem, other))


def meets(problem: Problem, opened: Flags) -> bool:
    """Whether a set meets every condition, capacities aside."""
    return objective_of(problem, opened) >= (problem.wanted or 0.0) * (1 - LITTLE) and fits(problem, opened)


def serves_enough(problem: Problem, parts: Floats | None) -> bool:
    """Whether a set still serves as many as objective share wants once its sites are full."""
    if problem.capacity is None or parts is None:
        return problem.capacity is None
    return float((problem.weight[problem.point] * parts).sum()) >= (problem.wanted or 0.0) * (1 - 1e-6)


def shares(problem: Problem, opened: Flags) -> Floats | None:
    """Return the share of its point's people on each pair, where sites may be full."""
    if problem.capacity is None:
        return None
    found = serve(problem, opened)
    if found is None or found.share is None:
        return None
    # What the solver leaves beyond a millionth of a person is its tolerance.
    weight = problem.weight[problem.point]
    people = np.round(found.share * weight / problem.grain, 6) * problem.grain
    rounded: Floats = np.divide(people, weight, out=found.share.copy(), where=weight > 0)
    return rounded


def without_idle(phases: Sequence[Problem], sets: list[Flags]) -> list[Flags]:
    """Close, last id first, sites that change nothing in any phase, where the number of sites is free.

    Each set is a part of the next; one question alone is one phase.
    """
    first = phases[0]
    if first.count is not None or first.capacity is not None or first.objective.search == "farthest":
        return sets
    fewest = first.objective.search == "fewest"
    least = [-np.inf if fewest else objective_of(one, opened) for one, opened in zip(phases, sets, strict=True)]
    for site in np.flatnonzero(sets[-1] & ~first.fixed)[::-1]:
        without = [opened & (np.arange(len(opened)) != site) for opened in sets]
        cases = zip(phases, without, least, strict=True)
        if all(objective_of(one, less) >= worth and meets(one, less) for one, less, worth in cases):
            sets = without
    return sets
