"""Which candidates need not be looked at, because others do all that they do.

Site k dominates site j if it counts at least as much for everybody whom j reaches, costs no more, stands too near to no
other site, and counts in the same quotas. A set that holds j is no worse with a dominating site in its place; where all
these are open already, j adds nothing and may close or make way for any other (compare the reductions of Toregas &
ReVelle 1972).
"""

import numpy as np

from siteplan.siting.kernels import dominators
from siteplan.siting.problem import Flags, Floats, Ints, Problem

__all__ = ["dominated"]


def dominated(problem: Problem) -> Flags:
    """Return the candidates without which the best set is as good; none where that cannot be known.

    Of sites that do the same, the fixed ones and then the first by id stay. Nothing is set aside with capacities, as a
    second site beside a full one is of use, and for objective center.
    """
    many = len(problem.sites)
    nothing = np.zeros(many, dtype=bool)
    at_least = any(least > float(np.minimum(counted, 0).sum()) for _, counted, least, _ in problem.quotas)
    if problem.capacity is not None or problem.objective.search == "farthest" or (at_least and problem.count is None):
        return nothing
    number = problem.times
    if problem.count is None:
        return _dominators(problem, number) >= number
    # A site that closes must make way for another, and what that costs or breaks is not known: with so many dominating
    # sites that a set cannot hold them all, there is always one to take its place.
    only_count = problem.budget is None and len(problem.apart) == 0 and not problem.quotas
    if only_count and problem.count > number:
        aside = _dominators(problem, number) >= number
        if int((~aside & ~problem.barred).sum()) >= problem.count:
            return aside
    enough = max(problem.count, 1)
    return _dominators(problem, enough) >= enough


def _dominators(problem: Problem, enough: int) -> Ints:
    """Count the sites that dominate each, up to `enough`; fixed and barred sites have none."""
    able = ~problem.barred & ~np.isin(np.arange(len(problem.sites)), problem.apart)
    pairs = problem.ptr, problem.site, problem.worth
    about = problem.barred, problem.fixed, able
    found: Ints = dominators(pairs, problem.by_site, problem.weight, about, _costs(problem), _kinds(problem), enough)
    return found


def _costs(problem: Problem) -> Floats:
    """Return what opening costs where that is asked: nothing for sites that are open in any case."""
    if problem.budget is None and problem.question.least != "cost":
        return np.zeros(len(problem.sites))
    return np.where(problem.fixed, 0.0, np.nan_to_num(problem.cost, nan=np.inf))


def _kinds(problem: Problem) -> Ints:
    """Return a number for each site: the same for sites that count alike in all quotas."""
    if not problem.quotas:
        return np.zeros(len(problem.sites), np.int64)
    counted = np.column_stack([counted for _, counted, _, _ in problem.quotas])
    return np.unique(counted, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
