"""Covers: the fewest or cheapest sites that reach enough (LSCP, Toregas et al. 1971), and p-centers.

A p-center (Hakimi 1964) has the least minutes within which so many sites still reach all: covers within ever fewer.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from siteplan.siting.bounds import ITERATIONS, conditioned, median_of, most_served, plainly, settled
from siteplan.siting.demands import Demands
from siteplan.siting.exact import SLACK, solve
from siteplan.siting.fewest import few_sites
from siteplan.siting.heuristic import LITTLE, Opening, fits, grow, objective_of
from siteplan.siting.possible import or_start
from siteplan.siting.problem import Flags, Problem
from siteplan.siting.search import Effort
from siteplan.siting.value import least_minutes
from siteplan.siting.work import Work

__all__ = ["center", "fewest"]

LITTLE_TIME, SOME_TIME, MOST_TIME = 1 / 10, 1 / 3, 9 / 10  # of what is left, for one question about a center


def center(problem: Problem, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Halve the minutes within which all who can be reached find a site, then take the least people-minutes."""
    must = problem.reachable & (problem.weight > 0)
    usable = ~problem.barred[problem.site] & must[problem.point]
    steps = np.unique(problem.minutes[usable])
    high, all_within, held = len(steps), None, start
    impossible = 0  # it is proven that fewer minutes than the step of this number do not do
    # What search and bounds tell narrows what HiGHS is asked: what little of the clock proves, then, with most of it,
    # whether one step less than the best known does. Where nothing is known, sets are looked for above, proofs below.
    for way, upwards in ("bound", False), ("search", True), ("solve", not problem.plain):
        low, top = impossible, high
        share = LITTLE_TIME if way == "solve" and problem.plain and all_within is not None else SOME_TIME
        while low < top:
            middle = top - 1 if share == MOST_TIME else (low + top) // 2
            nearer = _within(problem, float(steps[middle]))
            opened, proven = _all_reached(nearer, must, work.part(share) if way == "solve" else work, way)
            if opened is not None:
                if problem.plain:  # swaps that better the sum of minutes often better the longest way, too
                    opened = _all_nearest(nearer, must, opened, work, effort=Effort(iterations=0, nodes=0, restarts=0))
                high = top = int(np.searchsorted(steps, least_minutes(problem, opened)[must].max()))
                all_within, held = _within(problem, float(steps[high])), opened
            elif proven:
                low = impossible = middle + 1
            elif upwards:
                low = middle + 1
            elif share == LITTLE_TIME:
                share = MOST_TIME
            else:
                top, share = middle, SOME_TIME
    bound = float(np.r_[steps, problem.penalty][impossible]) if must.any() else 0.0
    if all_within is not None and held is not None and problem.plain:
        return _all_nearest(all_within, must, held, work, effort=Effort(iterations=ITERATIONS, nodes=500)), bound
    best = solve(all_within or problem, must=must if all_within is not None else None, start=held, work=work)
    return or_start(problem, best, held, work).opened, bound


def _all_nearest(problem: Problem, must: Flags, start: Flags, work: Work, *, effort: Effort) -> Flags:
    """Return the set of least people-minutes of those that reach all of `must`, as `start` does.

    A p-median in which who is not reached costs more than all together do now: no set that is worth it leaves one out.
    """
    weight = np.where(must, problem.weight, 0.0)
    all_now = float((weight * least_minutes(problem, start))[must].sum())
    cost, penalty = problem.minutes * weight[problem.point], np.ceil(all_now) + 1
    demands = Demands(problem.ptr, problem.site, cost, must.astype(np.float64), len(start), penalty)
    found, opened = median_of(problem, demands, work, effort)
    return opened if found.objective <= all_now else start


def _all_reached(problem: Problem, must: Flags, work: Work, way: str) -> tuple[Flags | None, bool]:
    """Return a set that reaches all of `must`, or None and whether it is proven that there is none.

    Ways are to bound whom so many sites cover without conditions, to search, and to let HiGHS solve what that leaves.
    """
    most, plain, left = problem.count or len(problem.sites), problem.plain, problem
    opened, proven = None, False
    if way == "search":
        opened = few_sites(problem, must, work, enough=most) if plain else None
        proven = plain and opened is None
    elif problem.count:
        demands = Demands.covered(problem.ptr, problem.site, must.astype(np.float64), len(problem.sites))
        found, covering = median_of(problem, demands, work, Effort(iterations=ITERATIONS, nodes=0))
        proven = found.bound > 0
        left = settled(problem, found) if found.objective > 0 else problem
        opened = covering if found.objective == 0 and fits(problem, covering) else None
    if way == "solve" and opened is None and not proven:
        asked, goal = (replace(left, count=None), "sites") if plain else (left, "nothing")
        best = solve(asked, goal, must=must, work=work, enough=most + 0.5)
        proven = best is None or (plain and -best.bound > most + 0.4)
        opened = best.opened if best is not None and np.isfinite(best.value) else None
    if opened is None or opened.sum() > most:
        return None, proven
    for _ in grow(Opening(problem, opened)) if plain else ():
        pass
    return opened, True


def _within(problem: Problem, minutes: float) -> Problem:
    """Return the problem with the pairs within fewer minutes alone; floors count who is within the limit."""
    kept = problem.minutes <= minutes
    ptr = np.r_[0, np.cumsum(np.bincount(problem.point[kept], minlength=len(problem.points)))].astype(np.int64)
    return replace(problem, ptr=ptr, site=problem.site[kept], minutes=problem.minutes[kept], worth=problem.worth[kept])


def fewest(problem: Problem, aside: Flags, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Return the smallest or cheapest set that covers enough, of all such sets one that covers the most."""
    wanted, least, gap = problem.wanted, problem.question.least, problem.question.gap
    floor = None if wanted is None else wanted * (1 - SLACK)
    fewer = replace(problem, barred=problem.barred | aside)
    everybody = problem.question.share == 1 and problem.capacity is None  # a cover of sets, and no column a person
    must = problem.reachable & (problem.weight > 0)
    asked: dict[str, Any] = {"must": must} if everybody else {"at_least": floor}
    small = few_sites(fewer, must, work) if everybody and least == "sites" else None
    if small is not None and fits(problem, small) and (start is None or small.sum() < start.sum()):
        start = small
    bound, proven = float(problem.cost[problem.fixed].sum()), False
    if least == "sites":
        bound = float(max(int(problem.fixed.sum()), int((most_served(problem) >= (floor or 0.0)).argmax())))
    if least == "sites" and start is not None and not everybody and replace(problem, count=1).plain:
        start, few = _fewer(fewer, start, work)
        bound, proven = max(bound, float(few)), few == int(start.sum())
    best = start
    if best is None or not proven:
        found = or_start(problem, solve(fewer, least, **asked, start=start, work=work, gap=gap), start, work)
        best, bound = found.opened, max(bound, -found.bound)
    bound = float(np.ceil(bound - 1e-6)) if least == "sites" else bound
    if problem.question.share == 1 or not best.any():
        return best, bound
    if least == "sites":
        smaller = replace(fewer, count=int(best.sum()))
    else:
        smaller = replace(fewer, budget=float(problem.cost[best].sum()) * (1 + LITTLE))
    if problem.capacity is None:
        return conditioned(smaller, aside, best, work)[0], bound
    more = solve(smaller, at_least=floor, start=best, work=work, gap=gap)
    return best if more is None or not np.isfinite(more.value) else more.opened, bound


def _fewer(problem: Problem, start: Flags, work: Work) -> tuple[Flags, int]:
    """Return a set that covers enough with one site less, as often as that can be, and how many it takes at least.

    Each number is a question of who covers most: bounded first, then solved where that does not tell.
    """
    enough = (problem.wanted or 0.0) * (1 - LITTLE)
    while True:
        count = int(start.sum()) - 1
        if count < max(1, int(problem.fixed.sum())):
            return start, count + 1
        for branching in (False, True):
            opened, most = plainly(replace(problem, count=count), work, 0.0, branching=branching)
            if objective_of(problem, opened) >= enough:
                start = opened
                break
            if most < enough * (1 - LITTLE):
                return start, count + 1
        else:
            return start, 0
