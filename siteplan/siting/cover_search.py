"""Maximal coverage (MCLP, Church & ReVelle 1974) to proven optimality: bound first, then HiGHS on what is left.

The Lagrangian bound of `siteplan.siting.relaxation` gives a good set and settles most sites; demands that see the same
sites of those left are one; what remains is small enough for a MILP, which starts from the set found.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from siteplan.network.ordering import ordered
from siteplan.siting.demands import Demands, Flags, Floats, Ints
from siteplan.siting.exact import Rows, minimise
from siteplan.siting.kernels import numbers
from siteplan.siting.median import median_within
from siteplan.siting.problem import grain_of
from siteplan.siting.search import Effort, MedianResult
from siteplan.siting.work import Work

__all__ = ["cover_exactly"]

# Of more pairs, with fewer steps for each, HiGHS bettered neither set nor bound in all that was tried.
MANY, STEPS_A_PAIR = 500_000, 80
# What HiGHS does by itself suits rows of ones. Little is left to presolve and the start is hard to beat: both together
# take a third of the time and more.
OPTIONS = {
    "mip_abs_gap": 1e-6,
    "primal_feasibility_tolerance": 1e-7,
    "threads": 0,
    "presolve": "off",
    "mip_heuristic_effort": 0.0,
}


def cover_exactly(
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None = None,
    barred: Flags | None = None,
    iterations: int = 300,
    work: Work | None = None,
    gap: float = 0.0,
) -> MedianResult:
    """Choose the `count` sites that cover the most, and prove it.

    Parameters
    ----------
    demands
        As `Demands.covered` gives them: what a set costs is the weight not covered.
    count, fixed, barred
        As for `median_search`.
    iterations
        Lagrangian iterations before the MILP.
    gap
        Stop as soon as what is covered is proven to be within this share of the most.
    work
        After which the search is stopped; the bound then says how good the set is. None: one unit of effort.

    Raises
    ------
    StudyError
        As for `median_search`.
    """
    work = work or Work(1.0, np.inf)
    result = median_within(
        work, demands, count, fixed=fixed, barred=barred, effort=Effort(iterations=iterations, nodes=0)
    )
    weight = np.asarray(demands.weight, dtype=np.float64)
    enough = gap * (float(weight.sum()) - result.objective)  # what may be missed beyond the bound
    if result.objective - result.bound <= enough:
        return result
    opened, bound = _solve(demands, result, count, work=work, gap=enough / result.objective)
    missed = float(np.where(numbers(demands.ptr, demands.site, opened) > 0, 0.0, weight).sum())
    if missed < result.objective:
        result = replace(result, chosen=np.flatnonzero(opened).astype(np.int64), objective=missed)
    return replace(result, bound=min(result.objective, max(result.bound, bound)))


def _merged(demands: Demands, settled: Any) -> tuple[list[Ints], Floats, float]:
    """Return sets of unsettled sites, what the demands weigh that see just these, and what no site left can cover."""
    covered = numbers(demands.ptr, demands.site, settled == 1) > 0
    weight = np.where(covered, 0.0, np.asarray(demands.weight, np.float64))
    demand = np.repeat(np.arange(len(weight)), np.diff(demands.ptr))
    pair = np.flatnonzero((weight[demand] > 0) & (settled[demands.site] == 0))
    pair = pair[ordered(demand[pair], demands.site[pair])]
    seen, left = demands.site[pair].astype(np.int64), np.bincount(demand[pair], minlength=len(weight))
    lost = float(np.cumsum(np.append(0.0, weight[left == 0]))[-1])  # one after the other, as the sets below
    sets: dict[bytes, float] = {}
    whole, ends = seen.tobytes(), 8 * np.cumsum(left)
    some = np.flatnonzero(left)
    for one, begin, end in zip(
        weight[some].tolist(), (ends - 8 * left)[some].tolist(), ends[some].tolist(), strict=True
    ):
        key = whole[begin:end]
        sets[key] = sets.get(key, 0.0) + one
    return [np.frombuffer(key, dtype=np.int64) for key in sets], np.array(list(sets.values())), lost


def _solve(demands: Demands, found: MedianResult, count: int, *, work: Work, gap: float) -> tuple[Flags, float]:
    """Return the best set better than the one found, or that one, and the bound on what is not covered."""
    sets, weights, lost = _merged(demands, found.settled)
    unit = grain_of(weights)  # HiGHS takes what is below 1e-7 for nothing
    settled_open, here = found.settled == 1, np.isin(np.arange(len(found.settled)), found.chosen)
    free = np.flatnonzero(found.settled == 0)
    need = count - int(settled_open.sum())
    if len(free) == 0:  # one set at most is better
        return (settled_open, lost) if need == 0 else (here, found.objective)
    seen = np.concatenate([np.zeros(0, np.int64), *sets])
    if len(seen) > max(MANY, work.steps / STEPS_A_PAIR):
        return here, found.bound
    column = np.full(len(here), -1)
    column[free] = np.arange(len(free))
    rows, own = Rows(), np.arange(len(sets))
    of_set = np.repeat(own, [len(some) for some in sets])
    rows.add(len(sets), np.r_[of_set, own], np.r_[column[seen], len(free) + own], 1.0, low=1.0)
    rows.add(1, 0, np.arange(len(free)), 1.0, low=need, high=need)
    many = len(free) + len(sets)
    start = None
    if here[free].sum() == need:  # sites are settled for better sets only: this one may be outside
        start = np.arange(many), np.r_[here[free], [not here[some].any() for some in sets]].astype(bool)
    answer = minimise(
        rows,
        np.r_[np.zeros(len(free)), weights / unit],
        (np.zeros(many), np.ones(many), np.arange(many) < len(free)),
        start=start,
        work=work,
        gap=gap,
        offset=lost / unit,
        options=OPTIONS,
    )
    if answer is None:
        return here, found.objective
    values, _, bound, _ = answer
    if values is not None and int((values[: len(free)] > 0.5).sum()) == need:
        here = settled_open
        here[free[values[: len(free)] > 0.5]] = True
    return here, bound * unit
