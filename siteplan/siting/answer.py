"""Answer a question: the best set of sites, how far it may be from the best possible, and what greedy gets."""

from dataclasses import dataclass, replace

import numpy as np

from siteplan.errors import Key, StudyError
from siteplan.siting.anneal import anneal, pairs
from siteplan.siting.bounds import bounded, conditioned, most_served, most_sites, plainly
from siteplan.siting.covers import center, fewest
from siteplan.siting.demands import Demands
from siteplan.siting.dominance import dominated
from siteplan.siting.exact import SLACK, solve
from siteplan.siting.heuristic import LITTLE, Opening, fits, grow, objective_of
from siteplan.siting.median import median_search
from siteplan.siting.possible import or_start, why
from siteplan.siting.problem import Flags, Problem
from siteplan.siting.relaxation import ascend
from siteplan.siting.swaps import improve, swap
from siteplan.siting.value import meets, published, serves_enough, shares, without_idle
from siteplan.siting.work import Work

__all__ = ["ENDS", "Answer", "answer"]

ENDS = ("clock", "steps", "gap", "greedy", "proven")  # of a search; of several, the first is told
SMALL = 100  # candidates: of so few the best set is proven in less time than restarts take


@dataclass(frozen=True, eq=False)
class Answer:
    """A set of sites for a question.

    Attributes
    ----------
    problem
        The question; floors "most" as numbers.
    opened (sites,)
        Which sites are open.
    value, bound, greedy
        As `Choice` says them.
    order
        Numbers of the sites in the order in which greedy opened them.
    method, aside
        exact or greedy; how many candidates HiGHS was not shown.
    floor
        With floors "most", the highest least share found, and what it is at most.
    ended
        What ended the search, as `Choice.summary` says it.
    """

    problem: Problem
    opened: Flags
    value: float
    bound: float
    greedy: float
    order: tuple[int, ...]
    method: str
    aside: int
    floor: tuple[float, float] | None
    ended: str


def answer(problem: Problem) -> Answer:
    """Find the best set of sites; errors as for `choose_sites`."""
    _compile()
    method, work = problem.question.method, Work(problem.question.effort, problem.question.seconds)
    problem, floor, highest = _raised_floors(problem, work)
    order, greedy_set = _greedy(problem)
    greedy_parts = shares(problem, greedy_set)
    greedy_fits = meets(problem, greedy_set) and serves_enough(problem, greedy_parts)
    start = greedy_set if greedy_fits else highest
    if start is not None:
        start = _bettered(problem, start, work)
    aside = np.zeros(len(problem.sites), dtype=bool)
    searched = problem.plain and bounded(problem)  # the search's bound then settles dominated sites
    if method == "greedy":
        if start is None:
            raise StudyError("greedy finds no set that meets all conditions. Ask for ", Key("method"), " exact")
        opened, bound = improve(problem, start) if searched else start, np.nan
    elif int((~problem.barred).sum()) in (int(problem.fixed.sum()), problem.count):  # there is but one set
        opened, bound = _only_one(problem, work)
    else:
        if not searched:  # of the set to start from, nothing is set aside
            aside = dominated(problem) & (True if start is None else ~start)
        opened, bound = _best(problem, aside, start, work)
    (opened,) = without_idle([problem], [opened])
    parts = shares(problem, opened)
    value = published(problem, opened, parts)
    if parts is not None:
        value = round(value / problem.grain, 6) * problem.grain  # the solver's tolerance, not people
    # What sums over all people and, with shares of them, the solver cannot tell apart.
    everybody = float(problem.weight.sum()) * float(problem.worth.max(initial=0.0))
    little = (LITTLE if parts is None else 1e-6) * max(problem.grain, abs(value))
    if abs(value - bound) <= max(little, LITTLE * everybody):
        bound = value
    greedy = published(problem, greedy_set, greedy_parts) if greedy_fits else np.nan
    ended = _ended(problem, work, abs(value - bound) / max(abs(value), LITTLE), floor)
    return Answer(problem, opened, value, bound, greedy, tuple(order), method, int(aside.sum()), floor, ended)


def _ended(problem: Problem, work: Work, gap: float, floor: tuple[float, float] | None) -> str:
    """Return what ended the search; the clock is told wherever it ended any part, whatever is proven."""
    asked = problem.question
    if work.late:
        return "clock"
    if asked.method == "greedy":
        return "greedy"
    highest = floor is None or floor[1] - floor[0] <= SLACK
    if gap == 0 and highest:
        return "proven"
    return "gap" if highest and 0 < gap <= asked.gap * (1 + SLACK) else "steps"


def _compile() -> None:
    """Compile what searches, before the clock runs; once it is compiled, nothing happens."""
    if not ascend.signatures:
        ptr, site, cost = np.array([0, 2, 4, 6]), np.array([0, 1, 1, 2, 2, 0]), np.array([1.0, 2.0, 2.0, 3.0, 1.0, 2.0])
        median_search(Demands(ptr, site, cost, np.ones(3), 3, 5.0), 1)


def _bettered(problem: Problem, start: Flags, work: Work) -> Flags:
    """Better a set to start from, where nothing that comes after does so itself."""
    search = problem.objective.search
    if search == "fewest":
        return without_idle([problem], [start])[0]
    if (problem.plain and bounded(problem)) or problem.capacity is not None or search == "farthest":
        return start
    small = problem.times == 1 and problem.question.method == "exact" and int((~problem.barred).sum()) <= SMALL
    best = swap(problem, start) if small else improve(problem, start)
    if problem.times == 1 or problem.floors is not None or problem.quotas:
        return best
    if problem.times == 2 and problem.plain:
        best = max(best, swap(problem, pairs(problem, work)), key=lambda one: objective_of(problem, one))
    return swap(problem, anneal(problem, best, objective_of(problem, best), work), (0.0,))


def _only_one(problem: Problem, work: Work) -> tuple[Flags, float]:
    """Return the only set there is, if it meets the conditions; its value is its bound."""
    opened = ~problem.barred
    parts = shares(problem, opened)
    if not meets(problem, opened) or not serves_enough(problem, parts):
        raise why(problem, work)
    return opened, published(problem, opened, parts)


def _greedy(problem: Problem) -> tuple[list[int], Flags]:
    """Open sites one after the other; under a budget by gain and by gain per cost, the better of the two."""
    ways = [False, True] if problem.budget is not None or problem.question.least == "cost" else [False]
    found = []
    for per_cost in ways:
        opened = problem.fixed.copy()
        order = [*np.flatnonzero(problem.fixed).tolist(), *grow(Opening(problem, opened), per_cost, problem.wanted)]
        value = published(problem, opened, None)
        found.append((meets(problem, opened), problem.objective.better * value, not per_cost, order, opened))
    best = max(found, key=lambda one: one[:3])
    return best[3], best[4]


def _raised_floors(problem: Problem, work: Work) -> tuple[Problem, tuple[float, float] | None, Flags | None]:
    """Turn floors "most" into the highest found; say that and its bound, and give a set that meets it."""
    if not isinstance(problem.floors, str):
        return problem, None, None
    highest = or_start(replace(problem, floors=None), solve(problem, "floor", work=work.part(1 / 2)), None, work)
    within = problem.territory_people(np.where(problem.reachable, problem.weight, 0.0))
    level = max(0.0, min(1.0, highest.value) - SLACK)
    raised = replace(problem, floors=np.where(within > 0, level, 0.0))
    bound = highest.value if highest.optimal else min(1.0, highest.bound)
    return raised, (highest.value, bound), highest.opened if meets(raised, highest.opened) else None


def _best(problem: Problem, aside: Flags, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Return the best set and its bound, both in the unit of the objective; HiGHS does not see what is set aside."""
    gap = problem.question.gap
    if problem.objective.search == "farthest":
        return center(problem, start, work)
    if problem.objective.search == "fewest":
        return fewest(problem, aside, start, work)
    # No set under conditions is better than the best without any.
    bare = replace(problem, apart=problem.apart[:0], quotas=(), floors=None, budget=None, capacity=None)
    if problem.count is None:  # more sites than the cheapest ones that the budget pays for cannot open
        bare = replace(bare, count=most_sites(problem))
    upper = most_served(problem)
    most = float(upper[min(bare.count or 0, len(upper) - 1)])
    if bounded(bare) and problem.plain:
        opened, without = plainly(bare, work, gap)
        return opened, problem.told(min(most, without))
    # Where conditions bind, the bound without branching says about as much as a proof without them, for far less.
    if bounded(bare) and problem.capacity is None:
        if start is None:
            free, without = plainly(bare, work, gap, branching=False)
            most, start = min(most, without), free if fits(problem, free) else None
        if start is not None:
            opened, without = conditioned(problem, aside, start, work)
            return opened, problem.told(min(most, without))
    fewer = replace(problem, barred=problem.barred | aside)
    best = or_start(problem, solve(fewer, start=start, work=work.part(0.95), gap=gap), start, work)
    if bounded(bare) and not best.optimal:
        most = min(most, plainly(bare, work, gap, branching=False)[1])
    return best.opened, problem.told(min(most, best.bound))
