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

    Count, budget and distances hold; floors, quotas and capacities are not known here.
    """
    many = len(problem.sites)
    near = np.r_[problem.apart, problem.apart[:, ::-1]]
    near = near[np.argsort(near[:, 0], kind="stable")]
    first = np.searchsorted(near[:, 0], np.arange(many + 1))
    cost = np.zeros(many) if problem.budget is None else np.nan_to_num(problem.cost, nan=np.inf)
    budget = np.inf if problem.budget is None else problem.budget * (1 + LITTLE)
    able = ~problem.fixed & ~problem.barred
    reached = float(np.diff(problem.by_site[0]).mean())
    visits = 2 * reached + len(near) / many + 1  # of one step
    swaps = int((able & opened).sum()) * int((able & ~opened).sum())
    steps = int(min(STEPS * swaps, min(MOST, work.visits / 10) / RUNS / visits))
    rate = 2 * value / budget  # of what is spent beyond the budget, as is allowed on the way
    rules = first, near[:, 1].astype(np.int64), cost, budget, rate, problem.count is None
    best: Flags = opened
    for run in range(RUNS if swaps else 0):
        where = problem.by_site, problem.weight, problem.times, able, rules
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
def _anneal(by_site, weight, times, able, rules, begin, steps, threshold, seed):  # type: ignore[no-untyped-def]
    """Return the best set of one run and what it is worth."""
    near_first, near, cost, budget, rate, free = rules
    opened, number = begin.copy(), np.zeros(len(weight), np.int64)
    some = np.flatnonzero(able)
    held, slot = np.full(len(some), -1, np.int64), np.full(len(opened), -1, np.int64)
    many, worth, spent, state = 0, 0.0, 0.0, np.uint64(seed)
    for j in np.flatnonzero(begin):
        worth += _turn(j, 1, by_site, weight, times, number)
        spent += cost[j]
        if able[j]:
            held[many], slot[j] = j, many
            many += 1
    best, most = opened.copy(), worth
    for step in range(steps):
        state, drawn = _draw(state, len(some))
        into, out = some[drawn], -1
        if opened[into]:
            continue
        state, way = _draw(state, 8)  # where the number is free, one in eight closes alone and one opens alone
        if many > 0 and not (free and way == 1):
            state, drawn = _draw(state, many)
            out = held[drawn]
        into = -1 if free and way == 0 else into
        money = spent + (cost[into] if into >= 0 else 0.0) - (cost[out] if out >= 0 else 0.0)
        if money == np.inf or (into < 0 and out < 0):
            continue
        apart = True
        if into >= 0:
            for k in range(near_first[into], near_first[into + 1]):
                if opened[near[k]] and near[k] != out:
                    apart = False
                    break
        if not apart:
            continue
        change = 0.0
        if out >= 0:
            change += _turn(out, -1, by_site, weight, times, number)
        if into >= 0:
            change += _turn(into, 1, by_site, weight, times, number)
        state, drawn = _draw(state, 1 << 20)
        loss = rate * (max(0.0, money - budget) - max(0.0, spent - budget)) - change
        if loss > threshold * 0.01 ** (step / steps) * drawn / (1 << 20):
            if into >= 0:
                _turn(into, -1, by_site, weight, times, number)
            if out >= 0:
                _turn(out, 1, by_site, weight, times, number)
            continue
        worth, spent = worth + change, money
        if out >= 0:
            opened[out] = False
            at = slot[out]
            if into >= 0:
                held[at], slot[into] = into, at
            else:
                many -= 1
                held[at], slot[held[many]] = held[many], at
            slot[out] = -1
        else:
            held[many], slot[into] = into, many
            many += 1
        if into >= 0:
            opened[into] = True
        if worth > most and spent <= budget:
            best[:], most = opened, worth
    return best, most
