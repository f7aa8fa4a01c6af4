"""Greedy by marginal gain: a good set in any case, in an order in which one may open the sites.

Greedy reaches at least 1 - 1/e of the most that can be covered by so many sites (Nemhauser, Wolsey & Fisher 1978). Of
capacities, it knows about whom the open sites leave; what a set serves is computed when it is complete.
"""

from collections.abc import Iterator

import numpy as np

from siteplan.siting.kernels import best_worth, gains_by_worth, open_site
from siteplan.siting.problem import LITTLE, Flags, Floats, Problem, beside, little_of

__all__ = ["LITTLE", "Opening", "allowed", "fits", "gains", "grow", "objective_of", "values_without"]


def objective_of(problem: Problem, opened: Flags) -> float:
    """Return the people (weighted by what they count) whom a set serves, as if no site were ever full."""
    if problem.times > 1:
        return float(problem.weight[problem.covering(opened) >= problem.times].sum())
    # A sum, not a product of vectors: what that gives may differ with the number of threads.
    return float((problem.weight * best_worth(problem.ptr, problem.site, problem.worth, opened)).sum())


def values_without(problem: Problem, opened: Flags) -> Floats:
    """Return `objective_of` a set without each of its sites in turn; only who reaches the site is asked anew."""
    held = np.flatnonzero(opened)
    best, values = best_worth(problem.ptr, problem.site, problem.worth, opened), np.empty(len(held))
    for at, closed in enumerate(held):
        mine, left = problem.points_of(int(closed)), opened.copy()
        left[closed] = False
        if problem.times > 1:
            values[at] = objective_of(problem, left)
            continue
        count = problem.ptr[mine + 1] - problem.ptr[mine]
        ptr = np.append(0, np.cumsum(count))
        pair = np.arange(ptr[-1]) + np.repeat(problem.ptr[mine] - ptr[:-1], count)
        now = best.copy()
        now[mine] = best_worth(ptr, problem.site[pair], problem.worth[pair], left)
        values[at] = (problem.weight * now).sum()
    return values


def gains(problem: Problem, opened: Flags) -> Floats:
    """Return what opening each site adds to `objective_of`."""
    if problem.times == 1:
        best = best_worth(problem.ptr, problem.site, problem.worth, opened)
        found: Floats = gains_by_worth(problem.ptr, problem.site, problem.worth, problem.weight, opened, best)
        return found
    amount = np.where(problem.covering(opened) == problem.times - 1, problem.weight, 0.0)[problem.point]
    sums = np.bincount(problem.site, weights=amount, minlength=len(problem.sites)).astype(np.float64)
    sums[opened] = 0.0
    return sums


def fits(problem: Problem, opened: Flags) -> bool:
    """Whether a complete set meets every condition, as if no site were ever full."""
    return allowed(problem, opened) and meets_floors(problem, opened)


def meets_floors(problem: Problem, opened: Flags) -> bool:
    """Whether every territory covers its share, as if no site were ever full."""
    return float(_missing(problem, problem.reached(opened)).sum()) <= LITTLE * float(problem.weight.sum())


def allowed(problem: Problem, opened: Flags, complete: bool = True) -> bool:
    """Whether a set meets the count, the budget, the distances and the quotas; a set still growing, the upper limits.

    Floors and capacities are not looked at.
    """
    if problem.count is not None and (opened.sum() > problem.count or (complete and opened.sum() < problem.count)):
        return False
    if problem.budget is not None and problem.cost[opened].sum() > problem.budget * (1 + LITTLE):
        return False
    if len(problem.apart) and bool(opened[problem.apart].all(axis=1).any()):
        return False
    if (problem.barred & opened).any() or (problem.fixed & ~opened).any():
        return False
    for _, counted, at_least, at_most in problem.quotas:
        there, little = float(counted[opened].sum()), little_of(counted)
        if there > at_most + little or (complete and there < at_least - little):
            return False
    return True


def grow(opening: "Opening", per_cost: bool = False, enough: float | None = None) -> Iterator[int]:
    """Open sites in place, the one that adds most first, and yield each; ties: the first by id.

    Parameters
    ----------
    opening
        The question, and the sites open at the start.
    per_cost
        Most added per cost instead.
    enough
        Stop when the objective has reached this.
    """
    problem, opened = opening.problem, opening.opened
    while True:
        if enough is not None and opening.value >= enough * (1 - LITTLE):
            return
        possible = _possible(problem, opened)
        if not possible.any():
            return
        gain = opening.pull()
        if problem.count is None and float(gain[possible].max()) <= 0:
            return
        if per_cost:
            gain = gain / np.maximum(np.nan_to_num(problem.cost), LITTLE)
        best = int(np.argmax(np.where(possible, gain, -1.0)))
        opening.open(best)
        yield best


def _missing(problem: Problem, reached: Flags) -> Floats:
    """Return how many people each territory is short of its floor."""
    if not isinstance(problem.floors, np.ndarray):
        return np.zeros(1)
    people = problem.territory_people(problem.weight)
    covered = problem.territory_people(np.where(reached, problem.weight, 0.0))
    return np.maximum(0.0, problem.floors * people - covered)


def _possible(problem: Problem, opened: Flags) -> Flags:
    """Return the sites that may be opened next and leave room for what quotas still ask for."""
    possible = ~opened & ~problem.barred
    if problem.count is not None:
        left = problem.count - int(opened.sum())
        if left <= 0:
            return np.zeros_like(possible)
        for _, counted, at_least, _ in problem.quotas:
            lacking = at_least - float(counted[opened].sum())
            if counted.dtype == bool:
                possible &= (counted > 0) | (lacking < left)
            elif lacking > 0:  # with the largest of the others, it is still enough
                others = np.sort(np.where(possible, counted, 0.0))[::-1][: left - 1].sum()
                possible &= counted >= lacking - others
    if problem.budget is not None:
        spent = float(problem.cost[opened].sum())
        possible &= np.nan_to_num(problem.cost, nan=np.inf) + spent <= problem.budget * (1 + LITTLE)
    possible &= ~beside(problem.apart, opened)
    for _, counted, _, at_most in problem.quotas:
        possible &= counted[opened].sum() + counted <= at_most + little_of(counted)
    return possible


def _full_gains(problem: Problem, capacity: Floats, opened: Flags) -> Floats:
    """Return about what opening each site adds where sites may be full: those left by the open ones, as room allows.

    The open sites take people one after the other, from all whom they reach alike.
    """
    left, point = problem.weight.copy(), problem.point
    for site in np.flatnonzero(opened):
        reached = problem.points_of(int(site))
        there = float(left[reached].sum())
        if there > 0:
            left[reached] *= 1.0 - min(1.0, capacity[site] / there)
    many = len(opened)
    dearest = np.zeros(many)
    np.maximum.at(dearest, problem.site, problem.worth)
    gain: Floats = np.bincount(problem.site, weights=left[point] * problem.worth, minlength=many).astype(np.float64)
    gain[opened] = 0.0
    most: Floats = np.minimum(gain, np.minimum(capacity, problem.weight.sum()) * dearest)
    return most


class Opening:
    """A set of sites that opens one after the other: what it gives and what each further site adds, kept up to date.

    Opening a site costs what it and the sites that share points with it reach, not a pass over all pairs.

    Attributes
    ----------
    opened (sites,)
        Which sites are open; changed in place.
    covering (points,)
        How many open sites each point reaches.
    """

    def __init__(self, problem: Problem, opened: Flags) -> None:
        self.problem, self.opened, self.covering = problem, opened, problem.covering(opened)
        self._best: Floats = best_worth(problem.ptr, problem.site, problem.worth, opened)
        self._gains: Floats = gains_by_worth(
            problem.ptr, problem.site, problem.worth, problem.weight, opened, self._best
        )

    def open(self, site: int) -> None:
        """Open a site."""
        problem = self.problem
        where = problem.ptr, problem.site, problem.weight, problem.by_site
        open_site(*where, self.opened, self._best, self.covering, self._gains, site)

    @property
    def reached(self) -> Flags:
        """Which points reach an open site."""
        return self.covering > 0

    @property
    def value(self) -> float:
        """What `objective_of` says of the open sites."""
        if self.problem.times > 1:
            return float(self.problem.weight[self.covering >= self.problem.times].sum())
        return float((self.problem.weight * self._best).sum())

    def gains(self) -> Floats:
        """Return what `gains` says of the open sites."""
        return self._gains.copy() if self.problem.times == 1 else gains(self.problem, self.opened)

    def pull(self) -> Floats:
        """Return what speaks for each site: floors not yet met before all else, then the objective."""
        problem, opened = self.problem, self.opened
        gain = self.gains() if problem.capacity is None else _full_gains(problem, problem.capacity, opened)
        if problem.times > 1:  # a first site is half a backup
            near = np.where(self.covering < problem.times - 1, problem.weight, 0.0)
            gain = gain + 1e-3 * np.bincount(problem.site, weights=near[problem.point], minlength=len(gain))
        if not isinstance(problem.floors, np.ndarray):
            return gain
        missing = _missing(problem, self.reached)
        if missing.sum() > LITTLE * float(problem.weight.sum()):
            wanted = (problem.territory >= 0) & ~self.reached & (missing[problem.territory] > 0)
            number = len(problem.sites)
            helps = np.zeros(number)
            for place in np.flatnonzero(missing > 0):
                people = np.where(wanted & (problem.territory == place), problem.weight, 0.0)[problem.point]
                helps += np.minimum(np.bincount(problem.site, weights=people, minlength=number), missing[place])
            gain = helps + gain / (1.0 + float(gain.max(initial=0.0))) * LITTLE
        return gain
