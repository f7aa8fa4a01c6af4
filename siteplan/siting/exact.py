"""Every question as one mixed-integer programme, solved by HiGHS.

One column per site says whether it is open. Beside them stands how people are served: for coverage one column per set
of sites that somebody reaches (identical demand is one), for backup the same as a yes or no, where minutes or decay
matter one also per set of somebody's nearest sites (Garcia, Labbe & Marin 2011), and where sites may be full one per
pair, the share of the point's people that go there. All side conditions are rows on these columns, and any of these may
be the goal: the objective, the number of sites, their cost, the lowest share that a territory covers, or the minutes on
the way.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.errors import SiteplanError
from siteplan.siting.problem import Flags, Floats, Ints, Problem
from siteplan.siting.work import Work

__all__ = [
    "CUTTING",
    "LINKING",
    "RELAXING",
    "SLACK",
    "Rows",
    "Solution",
    "at_most",
    "count_steps",
    "minimise",
    "must_sets",
    "serve",
    "solve",
    "solve_nested",
]

EXACT = 1e-9  # a second goal may give away this share of the first
# A condition on people is met within this share. HiGHS takes rows as equal within 1e-6: with tighter tolerances, or a
# condition tighter than that, its presolve now and then calls infeasible what is not.
SLACK = 1e-6
INFINITE = np.inf
# To this the largest coefficient of a goal is brought. HiGHS trusts differences down to about 1e-6 of what it adds up,
# and its simplex method takes many times as long where all are 1 at most.
LARGEST = 1000.0
# Before HiGHS branches, it cuts. From so many rows on that link columns, a look then takes longer, as about the square
# of the rows: a second of 7,400, two of 11,000. Each pair of those beyond counts as a part of a step. Of the first
# relaxation, during which HiGHS does not look, each counts as so many steps at each of the two looks before.
LINKING, CUTTING = 3000, 1 / 30
RELAXING, RELAXING_FULL = 300.0, 2000.0  # as a rule, and where sites may be full
# Parts of the programme that HiGHS solves to find a set: of more entries they take minutes, in which it does not look.
LARGE = 50_000
PARTS = {f"mip_heuristic_run_{name}": False for name in ("rens", "rins", "root_reduced_cost")}
RELIABLE = 2  # trial branchings a column (else 8), as with floors they are most of what HiGHS does
MANY = 2000  # columns from which the first relaxation of backups takes the simplex method too long


@dataclass(frozen=True)
class Solution:
    """What HiGHS found: which sites are open, each pair's share of its point, the goal's value and bound."""

    opened: Flags
    share: Floats | None
    value: float
    bound: float
    optimal: bool


@dataclass
class Rows:
    """The rows of a programme, collected in blocks."""

    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    row: list[Ints] = field(default_factory=list)
    column: list[Ints] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    many: int = 0
    relaxing: float = RELAXING

    def add(self, rows: int, row: Any, column: Any, value: Any, *, low: Any = -INFINITE, high: Any = INFINITE) -> None:
        """Add `rows` rows; `row` counts from 0 in this block."""
        column = np.asarray(column, dtype=np.int64)
        self.row.append(np.broadcast_to(np.asarray(row, dtype=np.int64), column.shape) + self.many)
        self.column.append(column)
        self.value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), column.shape))
        self.low.append(np.broadcast_to(np.asarray(low, dtype=np.float64), (rows,)))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=np.float64), (rows,)))
        self.many += rows

    def append(self, other: "Rows", shift: int) -> None:
        """Add the rows of another programme, whose columns stand `shift` columns farther here."""
        self.row += [row + self.many for row in other.row]
        self.column += [column + shift for column in other.column]
        self.value += other.value
        self.low += other.low
        self.high += other.high
        self.many += other.many

    @property
    def entries(self) -> int:
        """How large the programme is: its entries and rows."""
        return self.many + sum(map(len, self.value))

    @property
    def linking(self) -> int:
        """How many rows have more than two entries: the others bound one column by another."""
        row = np.concatenate(self.row) if self.row else np.zeros(0, np.int64)
        return int((np.bincount(row, minlength=self.many) > 2).sum())

    def matrix(self) -> tuple[Ints, Ints, Floats]:
        """Return the entries row-wise: starts, columns, values."""
        row, column, value = np.concatenate(self.row), np.concatenate(self.column), np.concatenate(self.value)
        order = np.lexsort((column, row))
        starts = np.r_[0, np.cumsum(np.bincount(row, minlength=self.many))].astype(np.int64)
        return starts, column[order], value[order]


@dataclass(frozen=True)
class _Service:
    """The columns that say who is served: where they start, their people, territory, and worth per person."""

    first: int
    people: Floats
    worth: Floats
    minutes: Floats
    territory: Ints
    pair: Ints | None

    @property
    def columns(self) -> slice:
        """Where they stand in the programme."""
        return slice(self.first, self.first + len(self.people))


def solve(
    problem: Problem,
    goal: str = "value",
    *,
    must: Flags | None = None,
    at_least: float | None = None,
    start: Flags | None = None,
    work: Work | None = None,
    gap: float = 0.0,
    enough: float = INFINITE,
) -> Solution | None:
    """Solve one question; None if no set of sites meets the conditions.

    Parameters
    ----------
    problem
        The question. A condition that is None is not asked.
    goal
        value (most of the objective), sites (fewest), most sites, cost (least), floor (highest least share covered by a
        territory), minutes (least people-minutes of those served), nothing (any set will do).
    must
        Points that need an open site.
    at_least
        The objective must be at least this; for `share` that is the people to cover.
    start
        A set of sites to start from; not used for backups, nor where sites may be full.
    work, gap
        When to stop: after so much (None: only when done), or when proven to be within this share of the optimum.
    enough
        With `work`: stop, too, when fewer sites (or less cost) than this are proven impossible.
    """
    import highspy

    unserved = must is not None and goal in ("sites", "cost") and problem.capacity is None
    rows, main, (lower, upper, whole) = _programme(problem, "nothing" if unserved else goal)
    many = len(problem.sites)
    for some in () if must is None else must_sets(problem, must):
        rows.add(1, 0, sorted(some), 1.0, low=1.0)
    if at_least is not None:
        entries, size = np.arange(len(main.people)) + main.first, at_least or 1.0
        rows.add(1, 0, entries, main.people * main.worth / size, low=at_least / size)
    cost = np.zeros(len(whole))
    if goal == "value":
        cost[main.columns] = main.people * main.worth
    elif goal == "minutes":
        cost[main.columns] = -main.people * main.minutes
    elif goal == "sites":
        cost[:many] = -1.0
    elif goal == "most sites":
        cost[:many] = 1.0
    elif goal == "cost":
        cost[:many] = -np.nan_to_num(problem.cost)
    elif goal == "floor":
        cost[-1] = 1.0
    scale = (float(np.abs(cost).max(initial=0.0)) or 1.0) / LARGEST
    if bool((lower[:many] == upper[:many]).all()) and problem.times == 1:
        whole[:] = False
    # With capacities a set is completed by a programme of its own, which costs more than it spares; of backups HiGHS
    # proves more where it begins with none, above all within a budget.
    begin = (np.arange(many), start) if start is not None and problem.capacity is None and problem.times == 1 else None
    # The gap is meant of people-minutes, which are what is missing to the penalty for all.
    nobody = abs(problem.told(0.0)) / scale if goal == "value" and gap else 0.0
    bounds = lower, upper, whole
    options: dict[str, Any] = {}
    if len(problem.apart) or (problem.times > 1 and len(cost) > MANY):
        options["mip_lp_solver"] = "ipm"
    if problem.capacity is not None:  # a row a pair, of which none can go, and no two alike
        options |= {"presolve": "off", "mip_detect_symmetry": False}
    begun = start is not None and problem.capacity is None
    # By swaps: parts find none better, but within a budget they do.
    bettered = begun and goal == "value" and problem.times == 1 and problem.budget is None
    if bettered or (begun and rows.entries > LARGE):
        options |= PARTS
    if bettered and isinstance(problem.floors, np.ndarray):
        options["mip_pscost_minreliable"] = RELIABLE
    more: dict[str, Any] = {"offset": nobody, "options": options, "enough": enough / scale, "known": start is not None}
    answer = minimise(rows, -cost / scale, bounds, start=begin, work=work, gap=gap, **more)
    if answer is None:
        return None
    values, objective, bound, status = answer
    objective, bound = objective - nobody, bound - nobody
    if values is None:
        opened = problem.fixed.copy()
        return Solution(opened, None, -INFINITE, -bound * scale, False)
    share = None
    if main.pair is not None:
        share = np.zeros(len(problem.site))
        share[main.pair] = np.clip(values[main.columns], 0.0, 1.0)
    optimal = status == highspy.HighsModelStatus.kOptimal
    return Solution(values[:many] > 0.5, share, -objective * scale, -bound * scale, optimal)


def solve_nested(
    phases: Sequence[Problem], weights: Sequence[float], *, start: Sequence[Flags] | None, work: Work, gap: float
) -> tuple[list[Flags] | None, float] | None:
    """Choose a set for every phase, each a part of the next, with the largest sum of weight times objective.

    One programme: each phase has its columns and rows as in `solve`, and a site open in one is open in the next.

    Parameters
    ----------
    phases
        One question for each phase, of the same sites.
    weights
        What the objective of each phase counts.
    start
        A nested set for every phase to start from.
    work, gap
        As for `solve`.

    Returns
    -------
    The sets (None if none was found in time) and the bound on the sum; None if no sets meet the conditions.
    """
    rows, every = Rows(), np.arange(len(phases[0].sites))
    parts: list[tuple[Floats, Floats, Floats, Flags]] = []
    firsts: list[int] = []
    columns = 0
    for problem, weight in zip(phases, weights, strict=True):
        own, main, bounds = _programme(problem, "value")
        rows.append(own, columns)
        worth = np.zeros(len(bounds[0]))
        worth[main.columns] = weight * main.people * main.worth
        parts.append((worth, *bounds))
        if firsts:
            pairs = np.r_[firsts[-1] + every, columns + every]
            rows.add(len(every), np.r_[every, every], pairs, np.repeat([1.0, -1.0], len(every)), high=0.0)
        firsts.append(columns)
        columns += len(worth)
    goal, lower, upper, whole = (np.concatenate(each) for each in zip(*parts, strict=True))
    scale = (float(goal.max(initial=0.0)) or 1.0) / LARGEST
    begin = None if start is None else (np.concatenate([first + every for first in firsts]), np.concatenate(start))
    answer = minimise(
        rows, -goal / scale, (lower, upper, whole), start=begin, work=work, gap=gap, known=start is not None
    )
    if answer is None:
        return None
    values, _, bound, _ = answer
    sets = None if values is None else [values[first : first + len(every)] > 0.5 for first in firsts]
    return sets, -bound * scale


def serve(problem: Problem, opened: Flags) -> Solution | None:
    """Share people out among open sites with capacities: most of the objective first, then the least minutes."""
    fixed = replace(problem, fixed=opened, barred=~opened, count=None, budget=None, quotas=())
    best = solve(fixed)
    if best is None:
        return None
    near = solve(fixed, "minutes", at_least=best.value - EXACT * max(problem.grain, abs(best.value)))
    return best if near is None or near.share is None else replace(near, value=best.value)


def _programme(problem: Problem, goal: str) -> tuple[Rows, _Service, tuple[Floats, Floats, Flags]]:
    """Return the rows of all conditions, who is served, and of each column the least, the most and if it is whole.

    The column of the lowest share, where that is the goal, is the last.
    """
    rows, many = Rows(), len(problem.sites)
    services = _services(problem, rows, goal)
    columns = many + sum(len(service.people) for service in services)
    _side_rows(problem, rows)
    _floor_rows(problem, rows, services[-1], columns if goal == "floor" else None)
    columns += goal == "floor"
    lower, upper, whole = np.zeros(columns), np.ones(columns), np.arange(columns) < many
    lower[:many][problem.fixed], upper[:many][problem.barred] = 1.0, 0.0
    if problem.times > 1:
        whole[services[0].columns] = True
    return rows, services[0], (lower, upper, whole)


def _services(problem: Problem, rows: Rows, goal: str) -> list[_Service]:
    """Add the columns and rows of who is served; the first is the objective's, the last counts who is covered."""
    many = len(problem.sites)
    if goal == "nothing" and problem.floors is None:
        none = np.zeros(0)
        return [_Service(many, none, none, none, np.zeros(0, np.int64), None)]
    if problem.capacity is not None:
        return [_assigned(problem, rows, many)]
    main = _levels(problem, rows, many, times=problem.times, worth=None if problem.alike else problem.worth)
    # A floor counts who has one site.
    more = problem.floors is not None and (problem.times > 1 or not problem.alike)
    return [main, _levels(problem, rows, many + len(main.people), times=1)] if more else [main]


def _levels(problem: Problem, rows: Rows, first: int, *, times: int, worth: Floats | None = None) -> _Service:
    """One column per set of sites that some points of a territory reach: whether `times` of them are open.

    Without `worth` of the pairs these are all sites that a point reaches. With it, also the best one alone, the best
    two and so on, each worth what the next one is worth less: the same nearest sites of many points are one column.
    """
    by_floor = problem.floors is not None and worth is None
    pair = np.flatnonzero(~problem.barred[problem.site] & (problem.weight > 0)[problem.point])
    pair = pair[np.bincount(problem.point[pair])[problem.point[pair]] >= times]
    point = problem.point[pair]
    last = np.diff(point, append=-1) != 0
    gains = last.astype(np.float64)
    if worth is not None:
        pair = pair[np.lexsort((-worth[pair], point))]
        gains = worth[pair] - np.where(last, 0.0, np.append(worth[pair][1:], 0.0))
    ends = np.flatnonzero(gains)
    sites, starts = problem.site[pair].tolist(), np.searchsorted(point, point[ends]).tolist()
    merged: dict[tuple[int, ...], int] = {}
    people: list[float] = []
    entries: list[tuple[int, int, float]] = []
    columns = (starts, (ends + 1).tolist(), point[ends].tolist(), gains[ends].tolist())
    begun, done, before, place = -1, 0, -1, -1
    reached: list[int] = []
    for start, end, i, gain in zip(*columns, strict=True):
        if start != begun:  # another point
            begun, done, before, reached = start, start, -1, []
            place = int(problem.territory[i]) if by_floor else -1
        new, done = sites[done:end], end
        reached = sorted([*reached, *new])
        at = merged.setdefault((place, *reached), len(people))
        if at == len(people):
            people.append(0.0)
            entries += [(at, first + at, float(times)), *((at, one, -1.0) for one in new)]
            if before >= 0:  # who has one of the nearer ones has one of these
                entries.append((at, first + before, -1.0))
        people[at] += problem.weight[i] * gain
        before = at
    row, column, value = np.array(entries, dtype=np.float64).reshape(-1, 3).T
    rows.add(len(people), row, column, value, high=0.0)
    weight, territory = np.array(people, dtype=np.float64), np.array([key[0] for key in merged], dtype=np.int64)
    return _Service(first, weight, np.ones(len(weight)), np.zeros(len(weight)), territory, None)


def _assigned(problem: Problem, rows: Rows, first: int) -> _Service:
    """One column per pair: the share of the point's people that go to the site."""
    point = problem.point
    pair = np.flatnonzero((problem.weight[point] > 0) & ~problem.barred[problem.site])
    own, point, site = np.arange(len(pair)), point[pair], problem.site[pair]
    people = problem.weight[point]
    rows.add(len(pair), np.r_[own, own], np.r_[first + own, site], np.repeat([1.0, -1.0], len(pair)), high=0.0)
    _, row = np.unique(point, return_inverse=True)
    rows.add(int(row.max(initial=-1)) + 1, row, first + own, 1.0, high=1.0)
    if problem.capacity is not None:
        rows.relaxing = RELAXING_FULL
        # in units of the capacity, so that all rows are of one size
        some, every = problem.capacity > 0, np.arange(len(problem.sites))
        size = np.where(some, problem.capacity, float(people.max(initial=1.0)))[site]
        entries = np.r_[people / size, np.where(some, -1.0, 0.0)]
        rows.add(len(every), np.r_[site, every], np.r_[first + own, every], entries, high=0.0)
    return _Service(first, people, problem.worth[pair], problem.minutes[pair], problem.territory[point], pair)


def _side_rows(problem: Problem, rows: Rows) -> None:
    """Count, budget, distances and quotas."""
    every = np.arange(len(problem.sites))
    if problem.count is not None:
        rows.add(1, 0, every, 1.0, low=problem.count, high=problem.count)
    if problem.budget is not None:
        # HiGHS lets a row be over by 1e-6: of costs in thousandths of the largest, that is nothing.
        cost = np.nan_to_num(problem.cost)
        size = (float(cost.max(initial=0.0)) or 1.0) / 1000
        rows.add(1, 0, every, cost / size, high=problem.budget / size)
    for together in _cliques(problem.apart):
        rows.add(1, 0, together, 1.0, high=1.0)
    for _, counted, at_least, at_most in problem.quotas:
        some = np.flatnonzero(counted)
        amounts = counted[some].astype(np.float64)
        size = 1.0 if counted.dtype == bool else float(np.abs(amounts).max(initial=0.0) or 1.0) / 1000
        rows.add(1, 0, some, amounts / size, low=at_least / size, high=at_most / size)


def at_most(problem: Problem) -> tuple[Ints, npt.NDArray[np.int32], Floats, Floats]:
    """Return what must hold of the sites beside their number, as `Conditions` has it: rows with at most so much."""
    rows = Rows()
    _side_rows(replace(problem, count=None), rows)
    starts, column, value = rows.matrix() if rows.many else (np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    ptr, sites, amounts, most = [0], [], [], []
    for sign, limit in ((1.0, rows.high), (-1.0, rows.low)):
        for r, much in enumerate(np.concatenate([np.zeros(0), *limit]).tolist()):
            some = slice(starts[r], starts[r + 1])
            size = np.abs(value[some]).max(initial=0.0)  # of each row the largest is 1
            if size > 0 and np.isfinite(much):
                ptr.append(ptr[-1] + starts[r + 1] - starts[r])
                sites.append(column[some])
                amounts.append(sign * value[some] / size)
                most.append(sign * much / size)
    none = np.zeros(0)
    members, parts = np.concatenate([none, *sites]).astype(np.int32), np.concatenate([none, *amounts])
    return np.array(ptr, np.int64), members, parts, np.array(most, np.float64)


def _cliques(apart: Ints) -> list[Ints]:
    """Return sets of sites of which one at most may open, which together hold every pair too near to each other.

    One row a set bounds far better than one row a pair: of a hundred sites within the distance of each other, pairs
    would let fifty halves open.
    """
    pairs: list[tuple[int, int]] = list(map(tuple, np.sort(apart, axis=1).tolist()))
    near: dict[int, set[int]] = {}
    for i, j in pairs:
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    held: dict[int, set[int]] = {i: set() for i in near}
    cliques = []
    for i, j in pairs:
        if j not in held[i]:
            members, common = [i, j], near[i] & near[j]
            while common:
                members.append(min(common))
                common &= near[members[-1]]
            for member in members:
                held[member].update(members)
            cliques.append(np.array(members, dtype=np.int64))
    return cliques


def _floor_rows(problem: Problem, rows: Rows, covered: _Service, lowest: int | None) -> None:
    """Each territory covers a share of its people: a given one, or at least the column `lowest`."""
    if problem.floors is None or (lowest is None and isinstance(problem.floors, str)):
        return
    people = problem.territory_people(problem.weight)
    for number in np.flatnonzero(people > 0):
        entries = np.flatnonzero(covered.territory == number)
        column, value = covered.first + entries, covered.people[entries] / people[number]
        if lowest is not None:
            if len(entries):  # a territory that nobody reaches would hold all others down
                rows.add(1, 0, np.r_[column, lowest], np.r_[value, -1.0], low=0.0)
        elif not isinstance(problem.floors, str) and problem.floors[number] > 0:
            rows.add(1, 0, column, value, low=problem.floors[number] - SLACK)


def must_sets(problem: Problem, must: Flags) -> list[frozenset[int]]:
    """Return sets of sites such that who has one of each has all of `must` served.

    Who reaches all that another does has one where that one has.
    """
    reached = (problem.site[problem.ptr[i] : problem.ptr[i + 1]] for i in np.flatnonzero(must))
    sets = {frozenset(row[~problem.barred[row]].tolist()) for row in reached}
    kept: dict[int, list[frozenset[int]]] = {}  # by their first site
    for some in sorted(sets, key=lambda one: (len(one), sorted(one))):
        if not any(less <= some for site in some for less in kept.get(site, ())):
            kept.setdefault(min(some, default=-1), []).append(some)
    return list(itertools.chain.from_iterable(kept.values()))


def minimise(
    rows: Rows,
    cost: Floats,
    bounds: tuple[Floats, Floats, Flags],
    *,
    start: tuple[Ints, Flags] | None,
    work: Work | None,
    gap: float = 0.0,
    offset: float = 0.0,
    options: Mapping[str, Any] | None = None,
    enough: float = INFINITE,
    known: bool = True,
) -> tuple[Floats | None, float, float, Any] | None:
    """Let HiGHS minimise; None where nothing is feasible. Returns values, objective, bound and status.

    `bounds` are the least and the most of each column, and whether it is whole; `options` stand above those for all.
    A bound of `enough` ends it. Without whole columns it always goes on to the end, but for the clock. `known` says
    whether who asks has a set, so that none need be found.
    """
    import highspy

    lower, upper, whole = bounds
    lp = highspy.HighsLp()
    lp.offset_ = offset
    lp.num_col_, lp.num_row_ = len(cost), rows.many
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_ = np.concatenate(rows.low) if rows.low else np.zeros(0)
    lp.row_upper_ = np.concatenate(rows.high) if rows.high else np.zeros(0)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    if rows.many:
        starts, column, value = rows.matrix()
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, column, value
    if whole.any():
        kinds: Any = np.array([highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger])
        lp.integrality_ = kinds[whole.astype(np.int64)].tolist()
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    usual = {
        "output_flag": False,
        "mip_rel_gap": gap,
        "mip_abs_gap": 1e-7,
        "primal_feasibility_tolerance": 1e-8,
        "time_limit": np.inf if work is None else work.left,
        "threads": 1,
    }
    for name, option in (usual | dict(options or {})).items():
        solver.setOptionValue(name, option)
    solver.passModel(lp)
    if start is not None:
        solver.setSolution(len(start[0]), start[0].astype(np.int32), start[1].astype(np.float64))
    if work is not None:
        count_steps(solver, work, rows, enough, known=known)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    ends = highspy.HighsModelStatus
    if status in (ends.kInfeasible, ends.kUnboundedOrInfeasible):
        return None
    if status == ends.kTimeLimit and work is not None:
        work.cut()
    if status not in (ends.kOptimal, ends.kTimeLimit, ends.kInterrupt):
        raise SiteplanError(f"siting: HiGHS ended with {solver.modelStatusToString(status)}")
    found = info.primal_solution_status == 2  # a feasible point
    values = np.asarray(solver.getSolution().col_value) if found else None
    objective = float(info.objective_function_value) if found else np.inf
    bound = float(info.mip_dual_bound) if whole.any() else objective if status == ends.kOptimal else -np.inf
    return values, objective, bound, status


def count_steps(solver: Any, work: Work, rows: Rows, enough: float, *, known: bool) -> None:
    """Let HiGHS count its looks around as steps, and stop when there are none left or the bound is enough.

    It looks around between two parts of its work, never by the clock, and not while it solves the first relaxation.
    Until a set is known, to it or to who asks, looks before it branches are not counted for more than others.
    """
    size, beyond = rows.entries, max(0, rows.linking - LINKING)

    def look(event: Any) -> None:
        told = event.data_out
        spent = float(size)
        if told.mip_node_count == 0 and (known or told.mip_primal_bound < INFINITE):
            spent += rows.relaxing * beyond if told.mip_dual_bound == -INFINITE else CUTTING * beyond**2
        work.spend(spent)
        if work.steps <= 0 or told.mip_dual_bound >= enough:
            event.interrupt()

    solver.cbMipInterrupt += look
