"""What no set of sites can surpass, told without HiGHS where a search of its own does, and the set found on the way."""

from dataclasses import replace
from typing import Any

import numpy as np

from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.demands import Demands
from siteplan.siting.exact import at_most, solve
from siteplan.siting.heuristic import LITTLE, Opening, allowed, fits, grow, objective_of
from siteplan.siting.median import median_within
from siteplan.siting.possible import or_start
from siteplan.siting.problem import Flags, Floats, Problem
from siteplan.siting.search import Conditions, Effort, MedianResult
from siteplan.siting.swaps import swap
from siteplan.siting.work import Work

__all__ = ["ITERATIONS", "bounded", "conditioned", "median_of", "most_served", "most_sites", "plainly", "settled"]

ITERATIONS = 300  # of bounding without branching


def bounded(problem: Problem) -> bool:
    """Whether the question without its side conditions has a search of its own."""
    return bool(problem.count) and problem.objective.search == "most" and problem.times == 1 and len(problem.site) > 0


def plainly(problem: Problem, work: Work, gap: float, *, branching: bool = True) -> tuple[Flags, float]:
    """Return the best set for a number of sites alone, by the searches that are made for it, and the most worth.

    Without branching, what bounding finds on its way.
    """
    penalty, demands = _demands(problem)
    if problem.alike and branching:
        asked: dict[str, Any] = {"fixed": problem.fixed, "barred": problem.barred, "work": work, "gap": gap}
        found = cover_exactly(demands, problem.count or 0, **asked)
        opened = np.isin(np.arange(len(problem.sites)), found.chosen)
    else:
        effort = Effort(gap=gap) if branching else Effort(gap=gap, iterations=ITERATIONS, nodes=0)
        found, opened = median_of(problem, demands, work, effort)
    return opened, penalty * float(problem.weight.sum()) - found.bound


def median_of(
    problem: Problem, demands: Demands, work: Work, effort: Effort, *, under: Conditions | None = None
) -> tuple[MedianResult, Flags]:
    """Return what `median_within` finds for the number of sites of a question, and which sites that opens."""
    flags: dict[str, Any] = {"fixed": problem.fixed, "barred": problem.barred}
    found = median_within(work, demands, problem.count or 0, **flags, effort=effort, under=under)
    return found, np.isin(np.arange(len(problem.sites)), found.chosen)


def _demands(problem: Problem) -> tuple[float, Demands]:
    """Return the question as a median of what is lost of each person, and the most that is lost of one."""
    many = len(problem.sites)
    if problem.alike:
        return 1.0, Demands.covered(problem.ptr, problem.site, problem.weight, many)
    penalty = problem.penalty if problem.objective.remaining else float(problem.worth.max(initial=1.0))
    return penalty, Demands(problem.ptr, problem.site, penalty - problem.worth, problem.weight, many, penalty)


def conditioned(problem: Problem, aside: Flags, start: Flags, work: Work) -> tuple[Flags, float]:
    """Return the best set under conditions, and the most worth: bounded first, then by HiGHS of what is left.

    The conditions are rows of the relaxation. Floors are none of them: they bind HiGHS alone.
    """
    gap, (penalty, demands) = problem.question.gap, _demands(problem)
    tried: set[bytes] = set()

    def polish(likely: Floats) -> Flags | None:
        opened = problem.fixed.copy()
        for site in sorted(np.flatnonzero((likely > 0.05) & ~opened), key=lambda one: -likely[one]):
            opened[site] = True
            opened[site] = allowed(problem, opened, complete=False)
        for _ in grow(Opening(problem, opened), problem.budget is not None):
            pass
        new = opened.tobytes() not in tried
        tried.add(opened.tobytes())
        return swap(problem, opened) if new and fits(problem, opened) else None

    barred = problem.barred | aside
    count = min(problem.count or most_sites(problem), int((~barred).sum()))
    under = Conditions(at_most(problem), problem.count is None, start, polish)
    asked = replace(problem, count=count, barred=barred)
    found, opened = median_of(asked, demands, work, Effort(gap=gap, nodes=0), under=under)
    most = penalty * float(problem.weight.sum()) - found.bound
    value = objective_of(problem, opened)
    if value >= most * (1 - max(gap, LITTLE)):
        return opened, most
    left = settled(problem, found)  # sites are settled for better sets: the one found stays possible, to start from
    left = replace(left, barred=left.barred & ~opened, fixed=left.fixed & opened)
    best = or_start(problem, solve(left, start=opened, work=work, gap=gap), opened, work)
    return best.opened, min(most, best.bound)


def settled(problem: Problem, found: MedianResult) -> Problem:
    """Return what is left of a question for sets better than the one found."""
    return replace(problem, fixed=problem.fixed | (found.settled == 1), barred=problem.barred | (found.settled == -1))


def most_sites(problem: Problem) -> int:
    """Return how many sites the budget pays for at most."""
    cost = np.where(problem.fixed, problem.cost, np.where(problem.barred, np.inf, problem.cost))
    cheapest = np.r_[cost[problem.fixed], np.sort(cost[~problem.fixed & ~problem.barred])]
    return int((np.cumsum(cheapest) <= (problem.budget or 0.0) * (1 + LITTLE)).sum())


def most_served(problem: Problem) -> Floats:
    """Return what no site, one, two and so on are worth at most, fixed ones first: each is full of all whom it reaches.

    As backups, a person takes a place at each of several sites.
    """
    able = np.where(problem.covering(~problem.barred) >= problem.times, problem.weight / problem.times, 0.0)
    worth = np.bincount(problem.site, weights=able[problem.point] * problem.worth, minlength=len(problem.sites))
    if problem.capacity is not None:
        dearest = np.zeros(len(worth))
        np.maximum.at(dearest, problem.site, problem.worth)
        worth = np.minimum(worth, np.minimum(problem.capacity, float(problem.weight.sum())) * dearest)
    order = np.r_[0.0, worth[problem.fixed], np.sort(worth[~problem.fixed & ~problem.barred])[::-1]]
    most: Floats = np.minimum(np.cumsum(order), objective_of(problem, ~problem.barred))
    return most
