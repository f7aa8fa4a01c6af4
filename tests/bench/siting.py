"""Choosing sites: the best coverage and the p-median, from a table of minutes to the answer, against PySAL spopt."""

import gc
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.median import median_search
from tests.bench.measure import Row, seconds
from tests.bench.worlds import MissingError

__all__ = ["cover", "median"]

Floats = npt.NDArray[np.float64]
LIMIT, CHOSEN = 15.0, 10
PATIENCE = 60  # seconds that spopt's p-median gets


def country(sites: int, demands: int) -> tuple[Floats, Floats]:
    """Return minutes on foot along a grid of streets, demands by sites, and people: towns and scattered houses."""
    random = np.random.default_rng(1)
    towns = max(3, demands // 500)
    centre, size = random.uniform(0, 30_000, (towns, 2)), random.pareto(1.2, towns) + 0.3
    size /= size.sum()

    def put(count: int) -> Floats:
        town, apart = random.choice(towns, count, p=size), random.random(count) < 0.2
        spread = (400 + 2500 * np.sqrt(size[town]))[:, None]
        at = centre[town] + random.normal(0, 1, (count, 2)) * spread
        at[apart] = random.uniform(0, 30_000, (int(apart.sum()), 2))
        return np.round(at / 100) * 100

    people_at, sites_at = put(demands), put(sites)
    metres = np.abs(people_at[:, None] - sites_at[None]).sum(axis=2)
    return metres / 80, np.ceil(random.lognormal(3, 1, demands))


def spopt() -> tuple[Any, Any]:
    """Return spopt's models and PuLP."""
    try:
        import pulp
        from spopt import locate
    except ImportError as missing:
        raise MissingError("spopt is not installed") from missing
    return locate, pulp


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds, of child processes too (CBC is one), and the answer."""
    gc.collect()
    before = sum(os.times()[:4])
    answer = work()
    return sum(os.times()[:4]) - before, answer


def our_cover(minutes: Floats, people: Floats) -> tuple[float, float]:
    """Return the people covered, and their proven bound."""
    near = minutes <= LIMIT
    ptr, site = np.r_[0, np.cumsum(near.sum(axis=1))], np.nonzero(near)[1]
    found, total = cover_exactly(ptr, site, people, sites=minutes.shape[1], count=CHOSEN)
    return total - found.objective, total - found.bound


def cover(rounds: int) -> list[Row]:
    """Measure maximal coverage to proven optimality, of two sizes; the slow pairs three times at most."""
    locate, pulp = spopt()
    our_cover(*country(20, 100))  # compiles
    rows = []
    for sites, demands, times in ((200, 5000, min(rounds, 3)), (1000, 20000, 1)):
        minutes, people = country(sites, demands)

        def theirs(solver: Any, minutes: Floats = minutes, people: Floats = people) -> float:
            model = locate.MCLP.from_cost_matrix(minutes, people, LIMIT, p_facilities=CHOSEN)
            return float(model.solve(solver).problem.objective.value())

        for name, solver in (("CBC", pulp.PULP_CBC_CMD(msg=False)), ("HiGHS", pulp.HiGHS(msg=False))):
            pairs = []
            for _ in range(times):
                mine, (covered, bound) = spent(lambda m=minutes, p=people: our_cover(m, p))
                other, objective = spent(lambda s=solver, f=theirs: f(s))
                if not abs(covered - objective) <= 1e-6 * covered or bound > covered * (1 + 1e-9):
                    raise AssertionError(f"coverage differs: {covered} (at most {bound}), spopt {objective}")
                pairs.append((mine, other))
            ratios = sorted(b / a for a, b in pairs)
            rows.append(
                Row(
                    f"MCLP, {sites:,} sites x {demands:,}, p = {CHOSEN}, optimum proven",
                    seconds(statistics.median(a for a, _ in pairs)),
                    f"spopt with {name}",
                    seconds(statistics.median(b for _, b in pairs)),
                    f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})",
                    "20" if sites == 200 else "5",
                )
            )
    return rows


def median(rounds: int) -> list[Row]:
    """Measure the p-median of two sizes in wall seconds; spopt gets a minute for the smaller one."""
    our_median(*country(20, 100), 0.0)  # compiles
    rows = []
    for sites, demands, gap, goal in ((200, 5000, 0.001, "1 s"), (1000, 20000, 0.01, "10 s")):
        minutes, people = country(sites, demands)
        taken = []
        for _ in range(min(rounds, 3)):
            began = time.perf_counter()
            found = our_median(minutes, people, gap)
            taken.append(time.perf_counter() - began)
        if found.gap > gap:
            raise AssertionError(f"p-median: gap {found.gap} instead of {gap}")
        task = f"p-median, {sites:,} sites x {demands:,}, p = {CHOSEN}, gap {100 * found.gap:.2f} %"
        took, other, ratio = statistics.median(taken), "", ""
        if sites == 200:
            try:
                other, ratio = their_median(minutes, people, found.objective)
            except MissingError as missing:
                print(f"left out: {missing}")
        rows.append(Row(task, f"{seconds(took)} wall", "spopt with HiGHS" if other else "", other, ratio, goal))
    return rows


def our_median(minutes: Floats, people: Floats, gap: float) -> Any:
    """Choose from the full table."""
    demands, sites = minutes.shape
    ptr, site = np.arange(demands + 1) * sites, np.tile(np.arange(sites, dtype=np.int32), demands)
    return median_search(
        ptr, site, minutes.ravel(), people, sites=sites, count=CHOSEN, penalty=float(minutes.max()), gap=gap
    )


def their_median(minutes: Floats, people: Floats, objective: float) -> tuple[str, str]:
    """Return the wall seconds that spopt took, and how it ended."""
    locate, pulp = spopt()
    began = time.perf_counter()
    model = locate.PMedian.from_cost_matrix(minutes, people, p_facilities=CHOSEN)
    model.problem.solve(pulp.HiGHS(msg=False, timeLimit=PATIENCE, gapRel=0.001))
    took = time.perf_counter() - began
    if took < PATIENCE:
        theirs = float(model.problem.objective.value())
        if abs(theirs - objective) > 0.0021 * objective:
            raise AssertionError(f"p-median: {objective}, spopt {theirs}")
        return f"{seconds(took)} wall", ""
    return f"not ended after {seconds(took)} wall", ""
