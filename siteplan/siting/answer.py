"""Answer a question: the best set of sites, how far it may be from the best possible, and what greedy gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from siteplan.errors import Key, StudyError
from siteplan.siting.anneal import anneal
from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.demands import Demands
from siteplan.siting.dominance import dominated
from siteplan.siting.exact import SLACK, Solution, at_most, serve, solve
from siteplan.siting.fewest import few_sites
from siteplan.siting.heuristic import LITTLE, Opening, allowed, fits, grow, objective_of
from siteplan.siting.median import median_search, median_within
from siteplan.siting.problem import Flags, Floats, Problem
from siteplan.siting.relaxation import ascend
from siteplan.siting.search import Conditions, Effort, MedianResult
from siteplan.siting.swaps import improve, swap
from siteplan.siting.work import Work

__all__ = ["ENDS", "Answer", "answer", "most_backed", "published", "shares", "why", "without_idle"]

ITERATIONS = 300  # of bounding without branching
ENDS = ("clock", "steps", "gap", "greedy", "proven")  # of a search; of several, the first is told


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
    greedy_fits = _fits(problem, greedy_set)
    start = greedy_set if greedy_fits else highest
    if start is not None:
        start = _bettered(problem, start, work)
    aside = np.zeros(len(problem.sites), dtype=bool)
    if method == "greedy":
        if start is None:
            raise StudyError("greedy finds no set that meets all conditions. Ask for ", Key("method"), " exact")
        opened, bound = improve(problem, start) if _searched(problem) else start, np.nan
    elif int((~problem.barred).sum()) in (int(problem.fixed.sum()), problem.count):  # there is but one set
        opened, bound = _only_one(problem, work)
    else:
        if not _searched(problem):  # of the set to start from, nothing is set aside
            aside = dominated(problem) & (True if start is None else ~start)
        opened, bound = _best(problem, aside, start, work)
    (opened,) = without_idle([problem], [opened])
    parts = shares(problem, opened)
    value = published(problem, opened, parts)
    if parts is not None:
        value = round(value, 6)  # the solver's tolerance, not people
    if np.isnan(bound) and method == "exact":
        bound = value
    # What sums over all people and, with shares of them, the solver cannot tell apart.
    everybody = float(problem.weight.sum()) * float(problem.worth.max(initial=0.0))
    little = (LITTLE if parts is None else 1e-6) * max(1.0, abs(value))
    if abs(value - bound) <= max(little, LITTLE * everybody):
        bound = value
    greedy_parts = shares(problem, greedy_set) if greedy_fits else None
    lost = problem.capacity is not None and not _serves_enough(problem, greedy_parts)
    greedy = published(problem, greedy_set, greedy_parts) if greedy_fits and not lost else np.nan
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
    if _searched(problem) or problem.capacity is not None or search == "farthest":
        return start
    best = improve(problem, start)
    if problem.times == 1 or problem.budget is not None or problem.floors is not None or problem.quotas:
        return best
    return swap(problem, anneal(problem, best, objective_of(problem, best), work), (0.0,))


def _only_one(problem: Problem, work: Work) -> tuple[Flags, float]:
    """Return the only set there is, if it meets the conditions; its value is its bound."""
    opened = ~problem.barred
    full = problem.capacity is not None and not _serves_enough(problem, shares(problem, opened))
    if full or not _fits(problem, opened):
        raise why(problem, work)
    return opened, np.nan


def _serves_enough(problem: Problem, parts: Floats | None) -> bool:
    """Whether a set still serves as many as objective share wants once its sites are full."""
    if parts is None:
        return False
    wanted = _wanted(problem)
    return wanted is None or float((problem.weight[problem.point] * parts).sum()) >= wanted * (1 - 1e-6)


def published(problem: Problem, opened: Flags, parts: Floats | None) -> float:
    """Return what a set gives in the unit of its objective; `parts` as `shares` gives them."""
    search = problem.objective.search
    if search == "fewest":
        return float(problem.cost[opened].sum()) if problem.question.least == "cost" else float(opened.sum())
    if search == "farthest":
        worst = _least_minutes(problem, opened)[problem.reachable & (problem.weight > 0)]
        return float(worst.max(initial=0.0))
    if parts is not None:
        worth = float((problem.weight[problem.point] * problem.worth * parts).sum())
    else:
        worth = objective_of(problem, opened)
    return problem.told(worth)


def _least_minutes(problem: Problem, opened: Flags) -> Floats:
    least = np.full(len(problem.points), problem.penalty)
    inside = opened[problem.site]
    np.minimum.at(least, problem.point[inside], problem.minutes[inside])
    return least


def _wanted(problem: Problem) -> float | None:
    """Return how many people objective share must cover."""
    return problem.question.share * problem.coverable if problem.objective.search == "fewest" else None


def _fits(problem: Problem, opened: Flags) -> bool:
    """Whether a set meets every condition, capacities aside."""
    enough = _wanted(problem)
    covers = enough is None or objective_of(problem, opened) >= enough * (1 - LITTLE)
    return covers and fits(problem, opened)


def _greedy(problem: Problem) -> tuple[list[int], Flags]:
    """Open sites one after the other; under a budget by gain and by gain per cost, the better of the two."""
    ways = [False, True] if problem.budget is not None or problem.question.least == "cost" else [False]
    found = []
    for per_cost in ways:
        opened = problem.fixed.copy()
        order = [*np.flatnonzero(problem.fixed).tolist(), *grow(Opening(problem, opened), per_cost, _wanted(problem))]
        value = published(problem, opened, None)
        found.append((_fits(problem, opened), problem.objective.better * value, not per_cost, order, opened))
    best = max(found, key=lambda one: one[:3])
    return best[3], best[4]


def _raised_floors(problem: Problem, work: Work) -> tuple[Problem, tuple[float, float] | None, Flags | None]:
    """Turn floors "most" into the highest found; say that and its bound, and give a set that meets it."""
    if not isinstance(problem.floors, str):
        return problem, None, None
    highest = solve(problem, "floor", work=work.part(1 / 2))
    if highest is None:
        raise why(replace(problem, floors=None), work)
    if not np.isfinite(highest.value):
        raise _late(work)
    within = problem.territory_people(np.where(problem.reachable, problem.weight, 0.0))
    level = max(0.0, min(1.0, highest.value) - SLACK)
    raised = replace(problem, floors=np.where(within > 0, level, 0.0))
    bound = highest.value if highest.optimal else min(1.0, highest.bound)
    return raised, (highest.value, bound), highest.opened if _fits(raised, highest.opened) else None


def _searched(problem: Problem) -> bool:
    """Whether a search of its own finds the best set, which settles dominated sites by its bound."""
    return problem.plain and _bounded(problem)


def _bounded(problem: Problem) -> bool:
    """Whether the question without its side conditions has a search of its own."""
    return bool(problem.count) and problem.objective.search == "most" and problem.times == 1 and len(problem.site) > 0


def _best(problem: Problem, aside: Flags, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Return the best set and its bound, both in the unit of the objective; HiGHS does not see what is set aside."""
    gap = problem.question.gap
    if problem.objective.search == "farthest":
        return _center(problem, start, work)
    if problem.objective.search == "fewest":
        return _fewest(problem, aside, start, work)
    # No set under conditions is better than the best without any, nor than all sites together.
    most = objective_of(problem, ~problem.barred)
    bare = replace(problem, apart=problem.apart[:0], quotas=(), floors=None, budget=None, capacity=None)
    if problem.count is None:  # more sites than the cheapest ones that the budget pays for cannot open
        bare = replace(bare, count=_most_sites(problem))
    if problem.capacity is not None:
        most = min(most, _room(problem, problem.capacity, bare.count or 0))
    if problem.times > 1:
        most = min(most, most_backed(problem, bare.count or 0))
    if _bounded(bare) and problem.plain:
        opened, without = _plainly(bare, work, gap)
        return opened, problem.told(min(most, without))
    if _bounded(bare) and (start is None or problem.capacity is not None):
        # Where conditions bind, the bound without branching says about as much as a proof without them, for far less.
        free, without = _plainly(bare, work, gap, branching=False)
        most = min(most, without)
        if problem.capacity is None and fits(problem, free):
            start = free
    if _bounded(bare) and start is not None and problem.capacity is None:
        opened, without = _conditioned(problem, aside, start, work)
        return opened, problem.told(min(most, without))
    fewer = replace(problem, barred=problem.barred | aside)
    best = solve(fewer, "value", start=start, work=work, gap=gap)
    best = _or_start(problem, best, start, work)
    return best.opened, problem.told(min(most, best.bound))


def _conditioned(problem: Problem, aside: Flags, start: Flags, work: Work) -> tuple[Flags, float]:
    """Return the best set under conditions, and the most worth: bounded first, then by HiGHS of what is left.

    The conditions are rows of the relaxation. Floors are none of them: they bind HiGHS alone.
    """
    gap, every = problem.question.gap, np.arange(len(problem.sites))
    penalty, demands = _demands(problem)
    tried: set[bytes] = set()

    def polish(likely: Floats) -> Flags | None:
        opened = problem.fixed.copy()
        for site in sorted(every[(likely > 0.05) & ~opened], key=lambda one: -likely[one]):
            opened[site] = True
            opened[site] = allowed(problem, opened, complete=False)
        for _ in grow(Opening(problem, opened), problem.budget is not None):
            pass
        new = opened.tobytes() not in tried
        tried.add(opened.tobytes())
        return swap(problem, opened) if new and fits(problem, opened) else None

    barred = problem.barred | aside
    count = min(problem.count or _most_sites(problem), int((~barred).sum()))
    under = Conditions(at_most(problem), problem.count is None, start, polish)
    effort = Effort(gap=gap, nodes=0)
    found = median_within(work, demands, count, fixed=problem.fixed, barred=barred, effort=effort, under=under)
    opened = np.isin(every, found.chosen)
    most = penalty * float(problem.weight.sum()) - found.bound
    value = objective_of(problem, opened)
    if value >= most * (1 - max(gap, LITTLE)):
        return opened, most
    left = _settled(problem, found)  # sites are settled for better sets: the one found stays possible, to start from
    left = replace(left, barred=left.barred & ~opened, fixed=left.fixed & opened)
    best = _or_start(problem, solve(left, start=opened, work=work, gap=gap), opened, work)
    return best.opened, min(most, best.bound)


def _or_start(problem: Problem, best: Solution | None, start: Flags | None, work: Work) -> Solution:
    """Return what HiGHS found or, where out of time it lost a better set that it began with, that one.

    Say why where there is neither.
    """
    if best is None:
        raise why(problem, work)
    if np.isfinite(best.value):
        if start is None or problem.capacity is not None or _rank(problem, best.opened) >= _rank(problem, start):
            return best
        return replace(best, opened=start)
    if start is None:
        raise _late(work)
    return replace(best, opened=start)


def _rank(problem: Problem, opened: Flags) -> tuple[float, float]:
    """Return what tells the better of two sets."""
    return problem.objective.better * published(problem, opened, None), objective_of(problem, opened)


def _most_sites(problem: Problem) -> int:
    """Return how many sites the budget pays for at most."""
    cost = np.where(problem.fixed, problem.cost, np.where(problem.barred, np.inf, problem.cost))
    cheapest = np.r_[cost[problem.fixed], np.sort(cost[~problem.fixed & ~problem.barred])]
    return int((np.cumsum(cheapest) <= (problem.budget or 0.0) * (1 + LITTLE)).sum())


def _room(problem: Problem, capacity: Floats, count: int) -> float:
    """Return what so many sites are worth at most if each is full of people who count most there."""
    dearest = np.zeros(len(problem.sites))
    np.maximum.at(dearest, problem.site, problem.worth)
    worth = np.minimum(capacity, float(problem.weight.sum())) * dearest
    free = np.sort(worth[~problem.fixed & ~problem.barred])[::-1]
    return float(worth[problem.fixed].sum() + free[: max(0, count - int(problem.fixed.sum()))].sum())


def most_backed(problem: Problem, count: int) -> float:
    """Return what so many sites are worth at most as backups: a person takes a place at each of several sites."""
    able = np.where(problem.covering(~problem.barred) >= problem.times, problem.weight, 0.0)[problem.point]
    return _room(problem, np.bincount(problem.site, weights=able, minlength=len(problem.sites)) / problem.times, count)


def _fewest(problem: Problem, aside: Flags, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Return the smallest or cheapest set that covers enough, of all such sets one that covers the most."""
    wanted, least, gap = _wanted(problem), problem.question.least, problem.question.gap
    floor = None if wanted is None else wanted * (1 - SLACK)
    fewer = replace(problem, barred=problem.barred | aside)
    everybody = problem.question.share == 1 and problem.capacity is None  # a cover of sets, and no column a person
    must = problem.reachable & (problem.weight > 0)
    asked: dict[str, Any] = {"must": must} if everybody else {"at_least": floor}
    small = few_sites(fewer, must, work) if everybody and least == "sites" else None
    if small is not None and fits(problem, small) and (start is None or small.sum() < start.sum()):
        start = small
    bound = _least_needed(problem, floor or 0.0)
    proven = False
    if least == "sites" and start is not None and not everybody and replace(problem, count=1).plain:
        start, few = _fewer(fewer, start, work)
        bound, proven = max(bound, float(few)), few == int(start.sum())
    best = start if proven else None
    if best is None:
        found = _or_start(problem, solve(fewer, least, **asked, start=start, work=work, gap=gap), start, work)
        best, bound = found.opened, max(bound, -found.bound)
    bound = float(np.ceil(bound - 1e-6)) if least == "sites" else bound
    if problem.question.share == 1 or not best.any():
        return best, bound
    if least == "sites":
        smaller = replace(fewer, count=int(best.sum()))
    else:
        smaller = replace(fewer, budget=float(problem.cost[best].sum()) * (1 + LITTLE))
    if problem.capacity is None:
        return _conditioned(smaller, aside, best, work)[0], bound
    more = solve(smaller, at_least=floor, start=best, work=work, gap=gap)
    return best if more is None or not np.isfinite(more.value) else more.opened, bound


def _fewer(problem: Problem, start: Flags, work: Work) -> tuple[Flags, int]:
    """Return a set that covers enough with one site less, as often as that can be, and how many it takes at least.

    Each number is a question of who covers most: bounded first, then solved where that does not tell.
    """
    enough = (_wanted(problem) or 0.0) * (1 - LITTLE)
    while True:
        count = int(start.sum()) - 1
        if count < max(1, int(problem.fixed.sum())):
            return start, count + 1
        for branching in (False, True):
            opened, most = _plainly(replace(problem, count=count), work, 0.0, branching=branching)
            if objective_of(problem, opened) >= enough:
                start = opened
                break
            if most < enough * (1 - LITTLE):
                return start, count + 1
        else:
            return start, 0


def _least_needed(problem: Problem, wanted: float) -> float:
    """Return how many sites it takes if none shared anybody with another, or what those cost that are open anyway."""
    if problem.question.least == "cost":
        return float(problem.cost[problem.fixed].sum())
    many = len(problem.sites)
    reach = np.bincount(problem.site, weights=problem.weight[problem.point], minlength=many)
    reach = np.r_[reach[problem.fixed], np.sort(reach[~problem.fixed & ~problem.barred])[::-1]]
    enough = np.cumsum(np.r_[0.0, reach]) >= wanted
    return float(max(int(problem.fixed.sum()), int(enough.argmax())))


def _plainly(problem: Problem, work: Work, gap: float, *, branching: bool = True) -> tuple[Flags, float]:
    """Return the best set for a number of sites alone, by the searches that are made for it, and the most worth.

    Without branching, what bounding finds on its way.
    """
    count = problem.count or 0
    flags: dict[str, Any] = {"fixed": problem.fixed, "barred": problem.barred}
    penalty, demands = _demands(problem)
    if problem.alike and branching:
        found = cover_exactly(demands, count, **flags, work=work, gap=gap)
    else:
        effort = Effort(gap=gap) if branching else Effort(gap=gap, iterations=ITERATIONS, nodes=0)
        found = median_within(work, demands, count, **flags, effort=effort)
    most = penalty * float(problem.weight.sum()) - found.bound
    return np.isin(np.arange(len(problem.sites)), found.chosen), most


def _demands(problem: Problem) -> tuple[float, Demands]:
    """Return the question as a median of what is lost of each person, and the most that is lost of one."""
    many = len(problem.sites)
    if problem.alike:
        return 1.0, Demands.covered(problem.ptr, problem.site, problem.weight, many)
    penalty = problem.penalty if problem.objective.remaining else float(problem.worth.max(initial=1.0))
    return penalty, Demands(problem.ptr, problem.site, penalty - problem.worth, problem.weight, many, penalty)


def _late(work: Work) -> StudyError:
    if work.late:
        return StudyError(f"no set of sites was found within {work.seconds:g} s. Allow more ", Key("seconds"))
    return StudyError("no set of sites was found in the steps that were allowed. Allow more ", Key("effort"))


def _center(problem: Problem, start: Flags | None, work: Work) -> tuple[Flags, float]:
    """Halve the minutes within which all who can be reached find a site, then take the least people-minutes."""
    must = problem.reachable & (problem.weight > 0)
    usable = ~problem.barred[problem.site] & must[problem.point]
    steps = np.unique(problem.minutes[usable])
    high, all_within, held = len(steps), None, start
    impossible = 0  # it is proven that fewer minutes than the step of this number do not do
    for solved in (False, True):  # what bounding tells alone narrows what HiGHS is asked
        low, top = impossible, high
        while low < top:
            middle = (low + top) // 2
            nearer = _within(problem, float(steps[middle]))
            opened, proven = _all_reached(nearer, must, work, solved=solved)
            if opened is not None:
                high, top, all_within, held = middle, middle, nearer, opened
            elif proven or solved:
                low = middle + 1
                impossible = low if proven else impossible
            else:  # not known: what is impossible is looked for below
                top = middle
    bound = float(np.r_[steps, problem.penalty][impossible]) if must.any() else 0.0
    if all_within is not None and held is not None and problem.plain:
        return _all_nearest(all_within, must, held, work), bound
    best = solve(all_within or problem, must=must if all_within is not None else None, start=held, work=work)
    return _or_start(problem, best, held, work).opened, bound


def _all_nearest(problem: Problem, must: Flags, start: Flags, work: Work) -> Flags:
    """Return the set of least people-minutes of those that reach all of `must`, as `start` does.

    A p-median in which who is not reached costs more than all together do now: no set that is worth it leaves one out.
    """
    weight = np.where(must, problem.weight, 0.0)
    all_now = float((weight * _least_minutes(problem, start))[must].sum())
    cost, penalty = problem.minutes * weight[problem.point], np.ceil(all_now) + 1
    demands = Demands(problem.ptr, problem.site, cost, must.astype(np.float64), len(start), penalty)
    effort = Effort(iterations=ITERATIONS, nodes=500)
    found = median_within(work, demands, int(start.sum()), fixed=problem.fixed, barred=problem.barred, effort=effort)
    return np.isin(np.arange(len(start)), found.chosen) if found.objective <= all_now else start


def _settled(problem: Problem, found: MedianResult) -> Problem:
    """Return what is left of a question for sets better than the one found."""
    return replace(problem, fixed=problem.fixed | (found.settled == 1), barred=problem.barred | (found.settled == -1))


def _all_reached(problem: Problem, must: Flags, work: Work, *, solved: bool) -> tuple[Flags | None, bool]:
    """Return a set that reaches all of `must`, or None and whether it is proven that there is none.

    Unless it is `solved`, too, by what bounding tells.
    """
    if problem.count:  # without conditions, the bound on whom so many sites cover often tells
        flags: dict[str, Any] = {"fixed": problem.fixed, "barred": problem.barred}
        demands = Demands.covered(problem.ptr, problem.site, must.astype(np.float64), len(problem.sites))
        effort = Effort(iterations=ITERATIONS, nodes=0)
        found = median_within(work, demands, problem.count, **flags, effort=effort)
        opened = np.zeros(len(problem.sites), dtype=bool)
        opened[found.chosen] = True
        if found.bound > 0:
            return None, True
        if found.objective == 0 and fits(problem, opened):
            return opened, True
        if problem.plain:
            return _covered(problem, must, work, solved=solved)
        problem = _settled(problem, found) if found.objective > 0 else problem
    if not solved:
        return None, False
    best = solve(problem, "nothing", must=must, work=work.part(1 / 3))
    if best is None or not np.isfinite(best.value):
        return None, best is None
    return best.opened, True


def _covered(problem: Problem, must: Flags, work: Work, *, solved: bool) -> tuple[Flags | None, bool]:
    """Do as `_all_reached` where nothing but a number of sites is asked: look for the fewest."""
    count = problem.count or 0
    few = few_sites(problem, must, work, enough=count)
    if few is None:
        return None, True
    many = int(few.sum())
    if many > count and solved:
        free, part = replace(problem, count=None), work.part(1 / 3)
        best = solve(free, "sites", must=must, start=few, work=part, enough=count + 0.5)
        if best is None or -best.bound > count + 0.4:
            return None, True
        few, many = best.opened, int(best.opened.sum())
    if many > count:
        return None, False
    for _ in grow(Opening(problem, few)):
        pass
    return few, True


def _within(problem: Problem, minutes: float) -> Problem:
    """Return the problem with the pairs within fewer minutes alone; floors count who is within the limit."""
    kept = problem.minutes <= minutes
    ptr = np.r_[0, np.cumsum(np.bincount(problem.point[kept], minlength=len(problem.points)))].astype(np.int64)
    return replace(problem, ptr=ptr, site=problem.site[kept], minutes=problem.minutes[kept], worth=problem.worth[kept])


def without_idle(phases: Sequence[Problem], sets: list[Flags]) -> list[Flags]:
    """Close, last id first, sites that change nothing in any phase, where the number of sites is free.

    Each set is a part of the next; one question alone is one phase.
    """
    first = phases[0]
    if first.count is not None or first.capacity is not None or first.objective.search == "farthest":
        return sets
    fewest = first.objective.search == "fewest"
    least = [-np.inf if fewest else objective_of(one, opened) for one, opened in zip(phases, sets, strict=True)]
    for site in np.flatnonzero(sets[-1] & ~first.fixed)[::-1]:
        without = [opened & (np.arange(len(opened)) != site) for opened in sets]
        cases = zip(phases, without, least, strict=True)
        if all(objective_of(one, less) >= worth and _fits(one, less) for one, less, worth in cases):
            sets = without
    return sets


def shares(problem: Problem, opened: Flags) -> Floats | None:
    """Return the share of its point's people on each pair, where sites may be full."""
    if problem.capacity is None:
        return None
    found = serve(problem, opened)
    if found is None or found.share is None:
        return None
    # What the solver leaves beyond a millionth of a person is its tolerance.
    weight = problem.weight[problem.point]
    people = np.round(found.share * weight, 6)
    rounded: Floats = np.divide(people, weight, out=found.share.copy(), where=weight > 0)
    return rounded


def why(problem: Problem, work: Work) -> StudyError:
    """Say which condition no set can meet, and the nearest that one can."""
    again = Work(problem.question.effort, max(1.0, work.left)).part(1 / 4)  # of steps as many as if none were done
    enough = _wanted(problem)
    floor = None if enough is None else enough * (1 - SLACK)
    if problem.count is not None:
        free = replace(problem, count=None)
        fewest, most = solve(free, "sites", work=again.part(1 / 2)), solve(free, "most sites", work=again.part(1 / 2))
        if fewest is not None and most is not None and np.isfinite(fewest.value) and np.isfinite(most.value):
            few, many = int(fewest.opened.sum()), int(most.opened.sum())
            found = f"{few} sites would" if few == many else f"the fewest that do are {few}, the most {many}"
            return StudyError(f"no set of {problem.count} sites meets the conditions; {found}. Change ", Key("sites"))
    if problem.budget is not None:
        cheapest = solve(replace(problem, budget=None), "cost", at_least=floor, work=again.part(1 / 2))
        if cheapest is not None and np.isfinite(cheapest.value):
            cost = float(np.ceil(problem.cost[cheapest.opened].sum()))
            return StudyError(
                f"no set of sites meets the conditions within a budget of {problem.budget:,.0f}; {cost:,.0f} would do"
            )
    if enough is not None:
        most_people = solve(problem, work=again.part(1 / 2))
        if most_people is not None and np.isfinite(most_people.value):
            part = most_people.value / problem.coverable
            wanted = f"{problem.question.share:.1%} of those in reach"
            return StudyError(f"no set of sites covers {wanted}; at most {part:.1%} can be. Lower ", Key("share"))
    if problem.floors is not None:
        highest = solve(replace(problem, floors="most"), "floor", work=again.part(1 / 2))
        if highest is not None and np.isfinite(highest.value):
            return StudyError(
                "no set of sites meets all floors under the other conditions; the highest that all territories can "
                f"reach together is {max(0.0, highest.value):.1%}. Lower ",
                *(Key("floors"), ", or use ", Key("floors"), ": most"),
            )
    for name, without in (
        ("spacing_m", replace(problem, apart=problem.apart[:0])),
        ("quotas", replace(problem, quotas=())),
        ("capacities", replace(problem, capacity=None)),
    ):
        found_without = solve(without, "sites", at_least=floor, work=again.part(1 / 2))
        if found_without is not None and np.isfinite(found_without.value):
            named = name.removesuffix("_m")
            return StudyError(f"no set of sites meets the conditions; without {named} some would. Loosen ", Key(name))
    return StudyError("no set of sites meets the conditions, and no single one is to blame. Loosen several")
