"""A good set of sites where single swaps lead nowhere: backups, of which half of a pair is worth nothing.

Threshold accepting (Dueck & Scheuer 1990): a random swap is made unless it loses more than a random part of a
threshold, which falls to a hundredth of what it was. It counts its steps, and draws from a series that always begins
alike.
"""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.heuristic import LITTLE
from siteplan.siting.problem import Flags, Problem
from siteplan.siting.work import VISITS, Work

__all__ = ["anneal"]

RUNS = 4
MOST = 4e8  # visits to a pair in all, some four seconds
STEPS = 300  # of one run for each swap that there is, at most
HIGHEST = 0.04  # share of the objective that may be lost at the beginning


def anneal(problem: Problem, opened: Flags, value: float, work: Work) -> Flags:
    """Return the best set that several runs find from one worth `value`, or that one, where none is better.

    The number of sites and the distances hold; budgets, floors, quotas and capacities are not known here.
    """
    many = len(problem.sites)
    near = np.r_[problem.apart, problem.apart[:, ::-1]]
    near = near[np.argsort(near[:, 0], kind="stable")]
    first = np.searchsorted(near[:, 0], np.arange(many + 1))
    able = ~problem.fixed & ~problem.barred
    reached = float(np.diff(problem.by_site[0]).mean())
    visits = 2 * reached + len(near) / many + 1  # of one step
    swaps = int((able & opened).sum()) * int((able & ~opened).sum())
    steps = int(min(STEPS * swaps, min(MOST, work.visits / 10) / RUNS / visits))
    apart = first, near[:, 1].astype(np.int64)
    best: Flags = opened
    for run in range(RUNS if swaps else 0):
        where = problem.by_site, problem.weight, problem.times, able, apart
        found, worth = _anneal(*where, opened, steps, HIGHEST * value, run + 1)
        if worth > value * (1 + LITTLE):
            best, value = found, worth
    work.spend(RUNS * steps * visits / VISITS)
    return best


@inner_kernel
def _draw(state, below):  # type: ignore[no-untyped-def]
    """Return the next state of a series, and a number from 0 to `below` - 1."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return state, np.int64((state >> np.uint64(33)) % np.uint64(below))


@inner_kernel
def _turn(j, change, by_site, weight, times, number):  # type: ignore[no-untyped-def]
    """Open (1) or close (-1) a site, and return what that adds."""
    first, point, _ = by_site
    added = 0.0
    for k in range(first[j], first[j + 1]):
        i = point[k]
        number[i] += change
        if change > 0 and number[i] == times:
            added += weight[i]
        elif change < 0 and number[i] == times - 1:
            added -= weight[i]
    return added


@kernel
def _anneal(by_site, weight, times, able, apart, begin, steps, threshold, seed):  # type: ignore[no-untyped-def]
    """Return the best set of one run and what it is worth."""
    near_first, near = apart
    opened, number = begin.copy(), np.zeros(len(weight), np.int64)
    some, held = np.flatnonzero(able), np.flatnonzero(begin & able)
    worth, state = 0.0, np.uint64(seed)
    for j in np.flatnonzero(begin):
        worth += _turn(j, 1, by_site, weight, times, number)
    best, most = opened.copy(), worth
    for step in range(steps):
        state, drawn = _draw(state, len(some))
        into = some[drawn]
        if opened[into]:
            continue
        state, slot = _draw(state, len(held))
        out, free = held[slot], True
        for k in range(near_first[into], near_first[into + 1]):
            if opened[near[k]] and near[k] != out:
                free = False
                break
        if not free:
            continue
        change = _turn(out, -1, by_site, weight, times, number) + _turn(into, 1, by_site, weight, times, number)
        state, drawn = _draw(state, 1 << 20)
        if -change > threshold * 0.01 ** (step / steps) * drawn / (1 << 20):
            _turn(into, -1, by_site, weight, times, number)
            _turn(out, 1, by_site, weight, times, number)
            continue
        opened[out], opened[into], held[slot] = False, True, into
        worth += change
        if worth > most:
            best[:], most = opened, worth
    return best, most
