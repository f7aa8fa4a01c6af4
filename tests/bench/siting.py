"""Choosing sites: the best coverage and the p-median, from a table of minutes to the answer, against PySAL spopt."""

import contextlib
import gc
import multiprocessing
import os
import resource
import signal
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.demands import Demands
from siteplan.siting.median import median_search
from siteplan.siting.search import Effort
from tests.bench.measure import Row, seconds
from tests.bench.worlds import MissingError

__all__ = ["cover", "median"]

Floats = npt.NDArray[np.float64]
LIMIT, CHOSEN = 15.0, 10
PATIENCE = 60  # seconds that one run gets, whoever runs


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


def apart(*works: tuple[Callable[[], Any], ...], patience: float) -> list[tuple[float, float, float, Any] | None]:
    """Run works in processes of their own, all at once: of each CPU and wall seconds, megabytes at most, the answer.

    None stands for who was out of patience. Child processes of a work (CBC is one) count, and end with it. Of several
    functions only the last is counted: those before it load kernels. No solver may have run in this process, as its
    threads do not follow.
    """
    begun = [_begun(*steps) for steps in works]
    until = time.perf_counter() + patience
    return [_ended(*one, until) for one in begun]


def _begun(*steps: Callable[[], Any]) -> tuple[Any, Any]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def run() -> None:
        os.setsid()
        for step in steps[:-1]:
            step()
        gc.collect()
        began, before = time.perf_counter(), sum(os.times()[:4])
        answer = steps[-1]()
        took = sum(os.times()[:4]) - before
        most = max(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        there.send((took, time.perf_counter() - began, most / 1024, answer))

    process = context.Process(target=run)
    process.start()
    there.close()  # else nobody notices that the process ended without an answer
    return process, here


def _ended(process: Any, here: Any, until: float) -> tuple[float, float, float, Any] | None:
    try:
        if not here.poll(max(0.0, until - time.perf_counter())):
            return None
        found: tuple[float, float, float, Any] = here.recv()
    except EOFError:
        return None
    finally:
        if process.is_alive() and process.pid is not None:
            process.join(1)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.join()
    return found


def our_cover(minutes: Floats, people: Floats) -> tuple[float, float]:
    """Return the people covered, and their proven bound."""
    near = minutes <= LIMIT
    ptr, site = np.r_[0, np.cumsum(near.sum(axis=1))], np.nonzero(near)[1]
    found, total = cover_exactly(Demands.covered(ptr, site, people, minutes.shape[1]), CHOSEN), float(people.sum())
    return total - found.objective, total - found.bound


def cover(rounds: int) -> list[Row]:
    """Measure maximal coverage to proven optimality, of two sizes; the slow pairs three times at most."""
    locate, pulp = spopt()
    rows = []

    def warm() -> None:
        our_cover(*country(20, 100))

    for sites, demands, times in ((200, 5000, min(rounds, 3)), (1000, 20000, 1)):
        minutes, people = country(sites, demands)

        def theirs(solver: Any, minutes: Floats = minutes, people: Floats = people) -> float:
            model = locate.MCLP.from_cost_matrix(minutes, people, LIMIT, p_facilities=CHOSEN)
            return float(model.solve(solver).problem.objective.value())

        steps = warm, lambda m=minutes, p=people: our_cover(m, p)
        mine = [apart(steps, patience=PATIENCE)[0] for _ in range(times)]
        solvers = {"CBC": pulp.PULP_CBC_CMD(msg=False), "HiGHS": pulp.HiGHS(msg=False)}
        asked = [(lambda s=solver, f=theirs: f(s),) for solver in solvers.values()]  # type: ignore[misc]
        runs = [apart(*asked, patience=PATIENCE) for _ in range(times)]
        for name, others in zip(solvers, zip(*runs, strict=True), strict=True):
            rows.append(_covered(sites, demands, name, mine, list(others)))
    return rows


def _covered(sites: int, demands: int, name: str, mine: list[Any], others: list[Any]) -> Row:
    """Compare the CPU seconds of coverage, found and proven, where both ended."""
    task = f"MCLP, {sites:,} sites x {demands:,}, p = {CHOSEN}, optimum proven"
    goal = "20" if sites == 200 else "5"
    if None in mine:
        return Row(task, f"not ended after {PATIENCE} s", f"spopt with {name}", "", "", goal)
    covered, bound = mine[0][3]
    ours = f"{seconds(statistics.median(each[0] for each in mine))}, {mine[0][2]:.0f} MB"
    if bound > covered * (1 + 1e-9):
        raise AssertionError(f"coverage is not proven: {covered}, at most {bound}")
    if None in others:
        least = PATIENCE / statistics.median(each[1] for each in mine)
        return Row(task, ours, f"spopt with {name}", f"not ended after {PATIENCE} s", f"over {least:.1f} (wall)", goal)
    for other in others:
        if not abs(covered - other[3]) <= 1e-6 * covered:
            raise AssertionError(f"coverage differs: {covered}, spopt {other[3]}")
    ratios = sorted(b[0] / a[0] for a, b in zip(mine, others, strict=True))
    theirs = f"{seconds(statistics.median(each[0] for each in others))}, {others[0][2]:.0f} MB"
    spread = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})"
    return Row(task, ours, f"spopt with {name}", theirs, spread, goal)


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
        took, other = statistics.median(taken), ""
        if sites == 200:
            try:
                other = their_median(minutes, people, found.objective)
            except MissingError as missing:
                print(f"left out: {missing}")
        rows.append(Row(task, f"{seconds(took)} wall", "spopt with HiGHS" if other else "", other, "", goal))
    return rows


def our_median(minutes: Floats, people: Floats, gap: float) -> Any:
    """Choose from the full table."""
    many, sites = minutes.shape
    ptr, site = np.arange(many + 1) * sites, np.tile(np.arange(sites, dtype=np.int32), many)
    demands = Demands(ptr, site, minutes.ravel(), people, sites, float(minutes.max()))
    return median_search(demands, CHOSEN, effort=Effort(gap=gap))


def their_median(minutes: Floats, people: Floats, objective: float) -> str:
    """Return the wall seconds that spopt took, or how it ended; a child process may be stopped, a solver not always."""
    locate, pulp = spopt()

    def work() -> float:
        model = locate.PMedian.from_cost_matrix(minutes, people, p_facilities=CHOSEN)
        model.problem.solve(pulp.HiGHS(msg=False, gapRel=0.001))
        return float(model.problem.objective.value())

    (found,) = apart((work,), patience=PATIENCE)
    if found is None:
        return f"not ended after {PATIENCE} s wall"
    if abs(found[3] - objective) > 0.0021 * objective:
        raise AssertionError(f"p-median: {objective}, spopt {found[3]}")
    return f"{seconds(found[1])} wall"
