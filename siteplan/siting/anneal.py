"""A good set of sites where single swaps lead nowhere: backups, of which half of a pair is worth nothing.

Pairs of sites are chosen as if each were one site. Threshold accepting (Dueck & Scheuer 1990) goes on from there: a
random swap that can be paid for is made unless it loses more than a random part of a threshold, which falls to a
hundredth of what it was. It counts its steps, and draws from a series that always begins alike.
"""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.demands import Demands
from siteplan.siting.heuristic import LITTLE, Opening, grow
from siteplan.siting.kernels import up_to
from siteplan.siting.median import median_within
from siteplan.siting.problem import Flags, Problem
from siteplan.siting.search import Effort
from siteplan.siting.work import VISITS, Work

__all__ = ["anneal", "draw", "pairs"]

RUNS = 8
MOST = 8e8  # visits to a pair in all, some four seconds
STEPS = 300  # of one run for each swap that there is, at most
HIGHEST = 0.15  # of what an open site is worth on average: times the number of the run, it may be lost at the beginning


def pairs(problem: Problem, work: Work) -> Flags:
    """Return a set of backups by two made of pairs, each a site and the one that shares most with it, then grown.

    The number of sites holds, no other condition. Those pairs are sought that cover most (MCLP).
    """
    from scipy import sparse

    opened: Flags = problem.fixed.copy()
    able, many = np.flatnonzero(~opened & ~problem.barred), ((problem.count or 0) - int(opened.sum())) // 2
    visits = float((np.diff(problem.ptr) ** 2.0).sum())
    if many > 0 and visits <= min(MOST, work.visits / 10):
        work.spend(visits / VISITS)
        weight = np.where(problem.covering(opened) < problem.times, problem.weight, 0.0)
        whole = np.ones(len(problem.site)), problem.site, problem.ptr
        reached = sparse.csr_array(whole, shape=(len(weight), len(opened)))[:, able].tocsc()
        shared = ((reached.T * weight) @ reached).tocsr()
        shared.setdiag(0.0)
        own, other = np.arange(len(able)), shared.argmax(axis=1)
        other = np.where(other == own, (own + 1) % len(own), other)  # of one that shares nobody
        pair = np.unique(np.sort(np.c_[own, other], axis=1), axis=0)
        both = (reached[:, pair[:, 0]] * reached[:, pair[:, 1]]).tocsr()
        both.sort_indices()
        demands, effort = Demands.covered(both.indptr, both.indices, weight, len(pair)), Effort(iterations=0)
        found = median_within(work, demands, min(many, len(pair)), fixed=None, barred=None, effort=effort)
        opened[able[pair[found.chosen]]] = True
    for _ in grow(Opening(problem, opened)):
        pass
    return opened


def anneal(problem: Problem, opened: Flags, value: float, work: Work) -> Flags:
    """Return the best set that several runs find from one worth `value`, or that one, where none is better.

    The number of sites, the budget and the distances hold; floors, quotas and capacities are not known here. Where the
    number is free, sites also open or close alone.
    """
    many = len(problem.sites)
    near = np.r_[problem.apart, problem.apart[:, ::-1]]
    near = near[np.argsort(near[:, 0], kind="stable")]
    first = np.searchsorted(near[:, 0], np.arange(many + 1))
    able = ~problem.fixed & ~problem.barred
    reached = float(np.diff(problem.by_site[0]).mean())
    visits = 2 * reached + len(near) / many + 1  # of one step
    loose = problem.count is None
    swaps = (int((able & opened).sum()) + loose) * int((able & ~opened).sum())
    steps = int(min(STEPS * swaps, min(MOST, work.visits / 10) / RUNS / visits))
    cost = np.append(np.zeros(many) if problem.budget is None else np.nan_to_num(problem.cost), 0.0)
    spare = (problem.budget or 0.0) * (1 + LITTLE / 2) - float(cost[:-1][opened].sum())
    bound = first, near[:, 1].astype(np.int64), cost, spare, loose
    best: Flags = opened
    for run in range(RUNS if swaps else 0):
        where = problem.by_site, problem.weight, problem.times, able, bound
        found, worth = _anneal(*where, opened, steps, HIGHEST * (run + 1) * value / max(1, opened.sum()), run + 1)
        if worth > value * (1 + LITTLE):
            best, value = found, worth
    work.spend(RUNS * steps * visits / VISITS)
    return best


@inner_kernel
def draw(state, below):  # type: ignore[no-untyped-def]
    """Return the next state of a series, and a number from 0 to `below` - 1."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return state, np.int64((state >> np.uint64(33)) % np.uint64(below))


@inner_kernel
def _turn(j, change, by_site, weight, times, number):  # type: ignore[no-untyped-def]
    """Open (1) or close (-1) a site, and return what that adds; of site -1 (`first[-1]` to `first[0]`) nothing."""
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
def _anneal(by_site, weight, times, able, bound, begin, steps, threshold, seed):  # type: ignore[no-untyped-def]
    """Return the best set of one run and what it is worth.

    Site -1 is none: it is near to nobody and costs nothing.
    """
    near_first, near, cost, spare, loose = bound
    opened, number = np.zeros(len(begin) + 1, np.bool_), np.zeros(len(weight), np.int64)
    some, held = able.nonzero()[0], np.zeros(len(begin) + 1, np.int64)
    some = some[np.argsort(cost[some], kind="mergesort")]  # money pays for the first of these
    rising = cost[some]
    many, worth, state = 0, 0.0, np.uint64(seed)
    for j in begin.nonzero()[0]:
        opened[j] = True
        worth += _turn(j, 1, by_site, weight, times, number)
        if able[j]:
            held[many] = j
            many += 1
    best, most = opened.copy(), worth
    for step in range(steps):
        state, slot = draw(state, many + loose)
        out = held[slot] if slot < many else -1
        left = spare + cost[out]
        state, drawn = draw(state, max(1, up_to(left, rising)))
        into = some[drawn]
        if opened[into]:
            if not loose:
                continue
            into = -1
        free = cost[into] <= left
        for k in range(near_first[into], near_first[into + 1]):
            free &= not opened[near[k]] or near[k] == out
        if not free:
            continue
        change = _turn(out, -1, by_site, weight, times, number) + _turn(into, 1, by_site, weight, times, number)
        state, drawn = draw(state, 1 << 20)
        if -change > threshold * 0.01 ** (step / steps) * drawn / (1 << 20):
            _turn(into, -1, by_site, weight, times, number)
            _turn(out, 1, by_site, weight, times, number)
            continue
        opened[out], opened[into] = False, True
        many += (into >= 0) - (out >= 0)
        held[slot] = into if into >= 0 else held[many]
        worth, spare = worth + change, left - cost[into]
        if worth > most:
            best, most = opened.copy(), worth
    return best[:-1], most
