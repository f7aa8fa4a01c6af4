"""Maximal coverage (MCLP, Church & ReVelle 1974) to proven optimality: bound first, then HiGHS on what is left.

The Lagrangian bound of `siteplan.siting.median` gives a good set and settles most sites; demands that see the same
sites of those left are one; what remains is small enough for a MILP, which starts from the set found.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.errors import SiteplanError
from siteplan.siting.median import Demands, Effort, Flags, MedianResult, median_search

__all__ = ["cover_exactly"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def cover_exactly(
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None = None,
    barred: Flags | None = None,
    iterations: int = 300,
    seconds: float = 60.0,
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
    seconds
        After which the search is stopped; the bound then says how good the set is.

    Raises
    ------
    StudyError
        As for `median_search`.
    """
    began = time.monotonic()
    effort = Effort(iterations=iterations, nodes=0, seconds=seconds)
    result = median_search(demands, count, fixed=fixed, barred=barred, effort=effort)
    if result.objective <= result.bound:
        return result
    ptr, site, weight = demands.ptr, demands.site, np.asarray(demands.weight, dtype=np.float64)
    opened, bound = _solve(demands, result, count, max(0.01, began + seconds - time.monotonic()))
    covered = np.zeros(len(weight), dtype=bool)
    covered[np.repeat(np.arange(len(weight)), np.diff(ptr))[opened[site]]] = True
    missed = float(np.where(covered, 0.0, weight).sum())
    if missed < result.objective:
        result = replace(result, chosen=np.flatnonzero(opened).astype(np.int64), objective=missed)
    return replace(result, bound=min(result.objective, max(result.bound, bound)))


def _merged(ptr: Any, site: Any, weight: Floats, settled: Any) -> tuple[list[Ints], Floats, float]:
    """Return sets of unsettled sites, what the demands weigh that see just these, and what no site left can cover."""
    sets: dict[bytes, float] = {}
    lost = 0.0
    for i in np.flatnonzero(weight > 0):
        row = site[ptr[i] : ptr[i + 1]]
        state = settled[row]
        if (state == 1).any():
            continue
        left = np.sort(row[state == 0]).astype(np.int64)
        if len(left) == 0:
            lost += weight[i]
        else:
            key = left.tobytes()
            sets[key] = sets.get(key, 0.0) + weight[i]
    return [np.frombuffer(key, dtype=np.int64) for key in sets], np.array(list(sets.values())), lost


def _solve(demands: Demands, found: MedianResult, count: int, seconds: float) -> tuple[Flags, float]:
    """Return the best set better than the one found, or that one, and the bound on what is not covered."""
    import highspy

    weight = np.asarray(demands.weight, dtype=np.float64)
    sets, weights, lost = _merged(demands.ptr, demands.site, weight, found.settled)
    free = np.flatnonzero(found.settled == 0)
    if len(free) == 0:  # one set at most is better
        only = found.settled == 1
        whole = int(only.sum()) == count
        return only if whole else np.isin(np.arange(len(only)), found.chosen), found.objective if not whole else lost
    column = np.full(len(found.settled), -1)
    column[free] = np.arange(len(free))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(free) + len(sets), len(sets) + 1
    lp.col_cost_ = np.r_[np.zeros(len(free)), weights]
    lp.col_lower_, lp.col_upper_ = np.zeros(lp.num_col_), np.ones(lp.num_col_)
    need = float(count - (found.settled == 1).sum())
    lp.row_lower_ = np.r_[np.ones(len(sets)), need]
    lp.row_upper_ = np.r_[np.full(len(sets), highspy.kHighsInf), need]
    index = [np.r_[column[some], len(free) + k] for k, some in enumerate(sets)] + [np.arange(len(free))]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.r_[0, np.cumsum([len(row) for row in index])]
    lp.a_matrix_.index_ = np.concatenate(index)
    lp.a_matrix_.value_ = np.ones(int(lp.a_matrix_.start_[-1]))
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(free) + [highspy.HighsVarType.kContinuous] * len(sets)
    lp.offset_ = lost
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-6)
    solver.setOptionValue("time_limit", seconds)
    # Little is left to presolve and the start is hard to beat: both together take a third of the time and more.
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("mip_heuristic_effort", 0.0)
    solver.passModel(lp)
    start = np.isin(free, found.chosen)
    if start.sum() == need:  # sites are settled for better sets only: this one may be outside
        solution = highspy.HighsSolution()
        here = np.isin(np.arange(len(column)), found.chosen)
        solution.col_value = np.r_[start, [not here[some].any() for some in sets]].astype(float)
        solver.setSolution(solution)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    opened = np.zeros(len(column), dtype=bool)
    opened[found.chosen] = True
    if status == highspy.HighsModelStatus.kInfeasible:
        return opened, found.objective
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit):
        raise SiteplanError(f"siting: HiGHS ended with {solver.modelStatusToString(status)}")
    values = np.asarray(solver.getSolution().col_value)
    if len(values) and np.isfinite(info.objective_function_value):
        picked = free[values[: len(free)] > 0.5]
        if len(picked) == int(need):
            opened = found.settled == 1
            opened[picked] = True
    return opened, float(info.mip_dual_bound)
