"""Choose sites: the best set, how far it may be from the best possible, and why these and not others."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.errors import StudyError
from siteplan.siting.check import check_choice
from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.dominance import dominated
from siteplan.siting.exact import SLACK, serve, solve
from siteplan.siting.explain import assigned, chosen_table, rejected_table
from siteplan.siting.heuristic import LITTLE, fits, grow, objective_of
from siteplan.siting.median import cover_search, median_search
from siteplan.siting.problem import Decay, Flags, Floats, Ints, Problem, Quota, build_problem, sites_table
from siteplan.siting.swaps import improve

__all__ = ["Choice", "choose_sites", "tell"]

MAXIMISED = ("coverage", "backup", "gravity")


@dataclass(frozen=True)
class Choice:
    """A set of sites, its worth, and the proof.

    Attributes
    ----------
    sites
        Index `site` in the order to open them (existing, required, then what adds most); `order` from 1, `name`,
        `status`, `people` within the limit, `added` by it to those before it (with capacities: served more), `gain`
        (what it adds to the objective, in its unit; for median and center people-minutes saved), `alone` (within the
        limit of no other chosen site), `served` (assigned to it), `turned_away` (whose nearest it is but who, as it is
        full, go elsewhere or nowhere), `cost` (0 for existing sites); with phases `phase`. People are of the group.
    objective, value
        What was asked, and what the set gives: people covered (coverage, backup), decayed people (gravity),
        people-minutes (median), minutes of the farthest (center), sites or cost (share).
    bound, gap
        No set can be better than `bound`; how far `value` is from it, as a share of `value`. NaN if not computed.
    greedy, greedy_order
        What greedy alone gets (NaN where it meets not all conditions), and its sites in the order it opened them.
    assignment
        Columns `point`, `site`, `minutes`, `people`: who goes where. Who is served nowhere has no row.
    rejected
        Index `site`, candidates not chosen: `name`, `people`, `new` (whom it would add), `redundant_by` (the chosen
        site that shares most with it), `shared` people, `swap_for` and `change` (the objective's change if it replaced
        that site, the best such swap that keeps to the conditions), `left_out` (why it could not be chosen).
    summary
        Plain figures: `group` and its `people` in all, `coverable` (by all sites that are not excluded), `covered`,
        `today` (by existing and required sites alone), `sites`, `cost`, `cost_unknown`, `left_out` (candidates without
        a cost or capacity that the question needs), limits, `territories` (share covered) and `floors` (asked), method,
        and `set_aside`: how many candidates HiGHS was not shown, as others do all that they do.
    phases, curve
        As `deploy` and `coverage_curve` tell them, where a study asks for them.
    """

    sites: pd.DataFrame
    objective: str
    value: float
    bound: float
    gap: float
    greedy: float
    greedy_order: tuple[str, ...]
    assignment: pd.DataFrame
    rejected: pd.DataFrame
    summary: dict[str, Any]
    phases: pd.DataFrame | None = None
    curve: pd.DataFrame | None = None


class _Clock:
    """How many seconds of so many are left, a moment at least."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._end = seconds, time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.01, self._end - time.monotonic())


def choose_sites(
    times: pd.DataFrame,
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    objective: str = "coverage",
    count: int | None = None,
    budget: float | None = None,
    minutes: float | None = 15,
    mode: str | Sequence[str] | None = None,
    group: str = "people",
    share: float = 1.0,
    least: Literal["sites", "cost"] = "sites",
    penalty: float | None = None,
    backup: int = 2,
    decay: Decay | None = None,
    capacities: bool = False,
    spacing: float | None = None,
    territory: str | pd.Series | None = None,
    floors: float | Mapping[Any, float] | Literal["most"] | None = None,
    quotas: Sequence[Quota] = (),
    method: Literal["exact", "greedy"] = "exact",
    seconds: float = 60.0,
    gap: float = 0.0,
) -> Choice:
    """Choose the sites that serve people best.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` and, for several modes, `mode`. An absent row is out of reach.
    people
        Columns `people` and groups, by `point` (index or column).
    sites
        Index `site`; all optional: `name`, `status` (existing and required ones are open in any case, excluded ones
        never; without it all are candidates), `cost`, `capacity`. Points, where `spacing` is asked.
    objective
        coverage: most people within the limit (MCLP, Church & ReVelle 1974). share: fewest sites, or least cost, that
        cover a share of those who can be covered (LSCP, Toregas et al. 1971). median: least people-minutes to the
        nearest site (Hakimi 1964). center: least minutes for the farthest of those who can be reached, then least
        people-minutes. backup: most people with `backup` sites within the limit (Hogan & ReVelle 1986). gravity: most
        people, each counted by the decay of the minutes to the site that counts most.
    count
        How many sites are open in the end, existing and required ones included.
    budget
        What all sites cost that do not exist yet, at most. Candidates without a cost are left out, with a warning.
    minutes
        The limit; a person exactly at it is reached. None: everything in the table.
    mode
        One mode, several, or None for the best of all.
    group
        The column of people to serve.
    share, least
        For objective share: of those who can be covered, at least so many, with the least `sites` or `cost`.
    penalty
        For median and center: minutes of who reaches no open site; None: twice the limit.
    decay
        For gravity: a function of an array of minutes, such as `Decay("linear", 20).weights`, or a column of `times`;
        weights from 0 to 1.
    capacities
        Whether a site serves its `capacity` at most (people of the group; a point may be shared out). Candidates
        without one are left out, with a warning. Not for center and backup.
    spacing
        The least metres between two open sites, unless both exist or are required.
    territory, floors
        A column of `people`, or a series by point; and the least share of its people that each territory covers: one
        number, a number by territory, or "most" for as high as possible in the territory that is worst off (those
        that no site reaches aside). A point with NaN is in no territory and has no floor.
    quotas
        Least and most open sites with a value in a column, such as rural ones.
    method
        exact: proven by HiGHS, for plain coverage and median by a Lagrangian bound before that. greedy: greedy and
        swaps alone, no bound; not with capacities or floors "most".
    seconds, gap
        The search for the proof stops after so long, or within this share of the optimum; what is proven by then is
        said. Coverage and median are first bounded by the best set without any condition but its number of sites. Only
        an answer cut off by `seconds` may differ from run to run.

    Returns
    -------
    Choice
        Checked by `check_choice` against the tables.

    Raises
    ------
    InputError
        For tables that cannot be used.
    StudyError
        For options that make no sense, and where no set of sites meets the conditions: why, and what would do.
    """
    question: dict[str, Any] = {
        "objective": objective,
        "count": count,
        "budget": budget,
        "minutes": minutes,
        "mode": mode,
        "group": group,
        "share": share,
        "least": least,
        "penalty": penalty,
        "backup": backup,
        "decay": decay,
        "capacities": capacities,
        "spacing": spacing,
        "territory": territory,
        "floors": floors,
        "quotas": quotas,
    }
    if method not in ("exact", "greedy"):
        raise StudyError(f"method is {method!r}, expected exact or greedy")
    if method == "greedy" and (capacities or floors == "most"):
        raise StudyError("method greedy cannot weigh capacities or floors 'most'. Use method exact")
    clock = _Clock(seconds)
    problem = _raised_floors(build_problem(times, people, sites, **question), clock)
    order, greedy_set = _greedy(problem)
    greedy_fits = _fits(problem, greedy_set)
    start = greedy_set if greedy_fits else None
    if start is not None and not _searched(problem) and not capacities and objective not in ("share", "center"):
        start = improve(problem, start)
    aside = np.zeros(len(problem.sites), dtype=bool)
    if method == "greedy":
        if start is None:
            raise StudyError("greedy finds no set that meets all conditions. Use method exact")
        searched = _searched(problem)
        opened, bound = improve(problem, start) if searched else start, np.nan
    else:
        if not _searched(problem):  # of the set to start from, nothing is set aside
            aside = dominated(problem) & (True if start is None else ~start)
        opened, bound = _best(problem, aside, start, clock, gap)
    opened = _without_idle(problem, opened)
    greedy_parts = _shares(problem, greedy_set) if greedy_fits else None
    lost = capacities and not _serves_enough(problem, greedy_parts)
    greedy = published(problem, greedy_set, greedy_parts) if greedy_fits and not lost else np.nan
    found = bound, greedy, tuple(problem.sites[order])
    choice = tell(problem, opened, found, sites, method=method, aside=int(aside.sum()))
    check_choice(choice, times, people, sites, **question)
    return choice


def tell(
    problem: Problem,
    opened: Flags,
    found: tuple[float, float, tuple[str, ...]],
    sites: pd.DataFrame,
    *,
    method: str,
    aside: int,
    phase: Ints | None = None,
) -> Choice:
    """Say what a set of sites is worth: `found` are the bound, what greedy gets and its order; `phase` orders sites."""
    parts = _shares(problem, opened)
    value = published(problem, opened, parts)
    if parts is not None:
        value = round(value, 6)  # the solver's tolerance, not people
    bound, greedy, greedy_order = found
    if value == bound or abs(value - bound) <= 1e-6 * max(1.0, abs(value)):
        bound = value
    table = sites_table(sites)
    return Choice(
        sites=chosen_table(problem, opened, parts, table, phase),
        objective=problem.objective,
        value=value,
        bound=bound,
        gap=abs(value - bound) / max(abs(value), 1e-12) if value != bound else 0.0,
        greedy=greedy,
        greedy_order=greedy_order,
        assignment=assigned(problem, opened, parts),
        rejected=rejected_table(problem, opened, table),
        summary={**_summary(problem, opened, parts, table, method), "set_aside": aside},
    )


def _serves_enough(problem: Problem, parts: Floats | None) -> bool:
    """Whether a set still serves as many as objective share wants once its sites are full."""
    if parts is None:
        return False
    wanted = _wanted(problem)
    return wanted is None or float((problem.weight[problem.point] * parts).sum()) >= wanted * (1 - 1e-6)


def published(problem: Problem, opened: Flags, parts: Floats | None) -> float:
    """Return what a set gives in the unit of its objective."""
    if problem.objective == "share":
        return float(problem.cost[opened].sum()) if problem.least == "cost" else float(opened.sum())
    if problem.objective == "center":
        worst = _least_minutes(problem, opened)[problem.reached(~problem.barred) & (problem.weight > 0)]
        return float(worst.max(initial=0.0))
    if parts is not None:
        worth = float((problem.weight[problem.point] * problem.worth * parts).sum())
    else:
        worth = objective_of(problem, opened)
    return problem.penalty * float(problem.weight.sum()) - worth if problem.objective == "median" else worth


def _least_minutes(problem: Problem, opened: Flags) -> Floats:
    least = np.full(len(problem.points), problem.penalty)
    inside = opened[problem.site]
    np.minimum.at(least, problem.point[inside], problem.minutes[inside])
    return least


def _wanted(problem: Problem) -> float | None:
    """Return how many people objective share must cover."""
    return problem.share * problem.coverable if problem.objective == "share" else None


def _fits(problem: Problem, opened: Flags) -> bool:
    """Whether a set meets every condition, capacities aside."""
    enough = _wanted(problem)
    covers = enough is None or objective_of(problem, opened) >= enough * (1 - LITTLE)
    return covers and fits(problem, opened)


def _greedy(problem: Problem) -> tuple[list[int], Flags]:
    """Open sites one after the other; under a budget by gain and by gain per cost, the better of the two."""
    ways = [False, True] if problem.budget is not None or problem.least == "cost" else [False]
    found = []
    for per_cost in ways:
        opened = problem.fixed.copy()
        order = [*np.flatnonzero(problem.fixed).tolist(), *grow(problem, opened, per_cost, _wanted(problem))]
        value = published(problem, opened, None)
        better = value if problem.objective in MAXIMISED else -value
        found.append((_fits(problem, opened), better, not per_cost, order, opened))
    best = max(found, key=lambda one: one[:3])
    return best[3], best[4]


def _raised_floors(problem: Problem, clock: _Clock) -> Problem:
    """Turn floors "most" into the highest that can be had."""
    if not isinstance(problem.floors, str):
        return problem
    highest = solve(problem, "floor", seconds=clock.left / 2)
    if highest is None:
        raise StudyError(_why(replace(problem, floors=None), clock))
    if not np.isfinite(highest.value):
        raise StudyError(_late(clock))
    within = problem.territory_people(np.where(problem.reached(~problem.barred), problem.weight, 0.0))
    level = max(0.0, min(1.0, highest.value) - SLACK)
    return replace(problem, floors=np.where(within > 0, level, 0.0))


def _searched(problem: Problem) -> bool:
    """Whether a search of its own finds the best set, which settles dominated sites by its bound."""
    return problem.plain and _bounded(problem)


def _bounded(problem: Problem) -> bool:
    """Whether the question without its side conditions has a search of its own."""
    return bool(problem.count) and problem.objective in ("coverage", "median") and len(problem.site) > 0


def _best(problem: Problem, aside: Flags, start: Flags | None, clock: _Clock, gap: float) -> tuple[Flags, float]:
    """Return the best set and its bound, both in the unit of the objective; HiGHS does not see what is set aside."""
    if problem.objective == "center":
        return _center(problem, start, clock)
    if problem.objective == "share":
        return _fewest(problem, aside, start, clock, gap)
    # No set under conditions is better than the best without any, nor than all sites together.
    most = objective_of(problem, ~problem.barred)
    if _bounded(problem):
        bare = replace(problem, apart=problem.apart[:0], quotas=(), floors=None, budget=None, capacity=None)
        free, without = _plainly(bare, clock.left, gap)
        most = min(most, without)
        if problem.capacity is None and fits(problem, free):
            return free, _unit(problem, most)
        if start is not None and problem.capacity is None and objective_of(problem, start) >= most * (1 - LITTLE):
            return start, _unit(problem, most)
    best = solve(replace(problem, barred=problem.barred | aside), "value", start=start, seconds=clock.left, gap=gap)
    if best is None:
        raise StudyError(_why(problem, clock))
    if not np.isfinite(best.value):  # out of time without a set
        if start is None:
            raise StudyError(_late(clock))
        best = replace(best, opened=start)
    return best.opened, _unit(problem, min(most, best.bound))


def _unit(problem: Problem, worth: float) -> float:
    """Turn what people count, served, into the unit of the objective."""
    return problem.penalty * float(problem.weight.sum()) - worth if problem.objective == "median" else worth


def _fewest(problem: Problem, aside: Flags, start: Flags | None, clock: _Clock, gap: float) -> tuple[Flags, float]:
    """Return the smallest or cheapest set that covers enough, of all such sets one that covers the most."""
    wanted = _wanted(problem)
    floor = None if wanted is None else wanted * (1 - SLACK)
    fewer = replace(problem, barred=problem.barred | aside)
    best = solve(fewer, problem.least, at_least=floor, start=start, seconds=clock.left, gap=gap)
    if best is None:
        raise StudyError(_why(problem, clock))
    if not np.isfinite(best.value):  # out of time without a set
        if start is None:
            raise StudyError(_late(clock))
        best = replace(best, opened=start)
    bound = float(np.ceil(-best.bound - 1e-6)) if problem.least == "sites" else -best.bound
    if problem.share == 1:
        return best.opened, bound
    if problem.least == "sites":
        smaller = replace(fewer, count=int(best.opened.sum()))
    else:
        smaller = replace(fewer, budget=float(problem.cost[best.opened].sum()) * (1 + LITTLE))
    more = solve(smaller, at_least=floor, start=best.opened, seconds=clock.left, gap=gap)
    return best.opened if more is None or not np.isfinite(more.value) else more.opened, bound


def _plainly(problem: Problem, seconds: float, gap: float) -> tuple[Flags, float]:
    """Return the best set for plain coverage or median, by the searches that are made for it, and the most worth."""
    everybody, many = float(problem.weight.sum()), len(problem.sites)
    options: dict[str, Any] = {"sites": many, "count": problem.count, "fixed": problem.fixed, "barred": problem.barred}
    if problem.objective == "coverage":
        found, _ = cover_exactly(problem.ptr, problem.site, problem.weight, seconds=seconds, **options)
        most = everybody - found.bound
    else:
        found = median_search(
            problem.ptr, problem.site, problem.minutes, problem.weight, penalty=problem.penalty, gap=gap, **options
        )
        most = problem.penalty * everybody - found.bound
    opened = np.zeros(many, dtype=bool)
    opened[found.chosen] = True
    return opened, most


def _late(clock: _Clock) -> str:
    return f"no set of sites was found within {clock.seconds:g} s. Allow more seconds"


def _center(problem: Problem, start: Flags | None, clock: _Clock) -> tuple[Flags, float]:
    """Halve the minutes within which all who can be reached find a site, then take the least people-minutes."""
    must = problem.reached(~problem.barred) & (problem.weight > 0)
    usable = ~problem.barred[problem.site] & must[problem.point]
    steps = np.unique(problem.minutes[usable])
    low, high, all_within, held = 0, len(steps), None, start
    impossible = 0  # it is proven that fewer minutes than the step of this number do not do
    while low < high:
        middle = (low + high) // 2
        nearer = _within(problem, float(steps[middle]))
        opened, proven = _all_reached(nearer, must, clock)
        if opened is not None:
            high, all_within, held = middle, nearer, opened
        else:
            low = middle + 1
            impossible = low if proven else impossible
    bound = float(np.r_[steps, problem.penalty][impossible]) if must.any() else 0.0
    best = solve(all_within or problem, must=must if all_within is not None else None, start=held, seconds=clock.left)
    if best is None:
        raise StudyError(_why(problem, clock))
    if np.isfinite(best.value):
        held = best.opened
    if held is None:
        raise StudyError(_late(clock))
    return held, bound


def _all_reached(problem: Problem, must: Flags, clock: _Clock) -> tuple[Flags | None, bool]:
    """Return a set that reaches all of `must`, or None and whether it is proven that there is none."""
    if problem.count:  # without conditions, the bound on whom so many sites cover often tells
        flags = {"fixed": problem.fixed, "barred": problem.barred}
        options: dict[str, Any] = {"sites": len(problem.sites), "count": problem.count, "iterations": 300, **flags}
        found, _ = cover_search(problem.ptr, problem.site, must.astype(np.float64), **options)
        opened = np.zeros(len(problem.sites), dtype=bool)
        opened[found.chosen] = True
        if found.bound > 0:
            return None, True
        if found.objective == 0 and fits(problem, opened):
            return opened, True
    best = solve(problem, "nothing", must=must, seconds=clock.left / 3)
    if best is None or not np.isfinite(best.value):
        return None, best is None
    return best.opened, True


def _within(problem: Problem, minutes: float) -> Problem:
    """Return the problem with the pairs within fewer minutes alone; floors count who is within the limit."""
    kept = problem.minutes <= minutes
    ptr = np.r_[0, np.cumsum(np.bincount(problem.point[kept], minlength=len(problem.points)))].astype(np.int64)
    return replace(problem, ptr=ptr, site=problem.site[kept], minutes=problem.minutes[kept], worth=problem.worth[kept])


def _without_idle(problem: Problem, opened: Flags) -> Flags:
    """Close, last id first, sites that change nothing, where the number of sites is free."""
    if problem.count is not None or problem.capacity is not None or problem.objective == "center":
        return opened
    value = objective_of(problem, opened)
    for site in np.flatnonzero(opened & ~problem.fixed)[::-1]:
        without = opened.copy()
        without[site] = False
        if objective_of(problem, without) >= value and fits(problem, without):
            opened = without
    return opened


def _shares(problem: Problem, opened: Flags) -> Floats | None:
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


def _why(problem: Problem, clock: _Clock) -> str:
    """Say which condition no set can meet, and the nearest that one can."""
    seconds = max(1.0, clock.left / 4)
    enough = _wanted(problem)
    floor = None if enough is None else enough * (1 - SLACK)
    if problem.count is not None:
        free = replace(problem, count=None)
        fewest, most = solve(free, "sites", seconds=seconds), solve(free, "most sites", seconds=seconds)
        if fewest is not None and most is not None and np.isfinite(fewest.value) and np.isfinite(most.value):
            few, many = int(fewest.opened.sum()), int(most.opened.sum())
            found = str(few) if few == many else f"between {few} and {many}"
            return f"no set of {problem.count} sites meets the conditions; {found} sites would. Change count="
    if problem.budget is not None:
        cheapest = solve(replace(problem, budget=None), "cost", at_least=floor, seconds=seconds)
        if cheapest is not None and np.isfinite(cheapest.value):
            cost = float(np.ceil(problem.cost[cheapest.opened].sum()))
            return (
                f"no set of sites meets the conditions within a budget of {problem.budget:,.0f}; {cost:,.0f} would do"
            )
    if enough is not None:
        most_people = solve(problem, seconds=seconds)
        if most_people is not None and np.isfinite(most_people.value):
            part = most_people.value / problem.coverable
            return (
                f"no set of sites covers {problem.share:.1%} of those in reach; at most {part:.1%} can be. Lower share="
            )
    if problem.floors is not None:
        highest = solve(replace(problem, floors="most"), "floor", seconds=seconds)
        if highest is not None and np.isfinite(highest.value):
            return (
                "no set of sites meets all floors under the other conditions; the highest that all territories can "
                f"reach together is {max(0.0, highest.value):.1%}. Lower floors=, or use floors='most'"
            )
    for name, without in (
        ("spacing", replace(problem, apart=problem.apart[:0])),
        ("quotas", replace(problem, quotas=())),
        ("capacities", replace(problem, capacity=None)),
    ):
        found_without = solve(without, "sites", at_least=floor, seconds=seconds)
        if found_without is not None and np.isfinite(found_without.value):
            return f"no set of sites meets the conditions; without {name} some would. Loosen {name}="
    return "no set of sites meets the conditions, and no single one is to blame. Loosen several"


def _summary(problem: Problem, opened: Flags, parts: Floats | None, table: pd.DataFrame, method: str) -> dict[str, Any]:
    """Return the plain figures of a choice."""
    covered = np.where(problem.reached(opened), problem.weight, 0.0)
    if parts is not None:
        covered = np.bincount(problem.point, weights=parts, minlength=len(problem.points)) * problem.weight
    allowed = (table["status"] != "excluded").to_numpy(dtype=bool)
    summary: dict[str, Any] = {
        "group": problem.group,
        "people": float(problem.weight.sum()),
        "coverable": float(problem.weight[problem.reached(allowed)].sum()),
        "covered": float(covered.sum()),
        "today": float(problem.weight[problem.reached(problem.fixed)].sum()),
        "sites": int(opened.sum()),
        "cost": float(np.nansum(problem.cost[opened])),
        "cost_unknown": int(np.isnan(problem.cost[opened]).sum()),
        "left_out": int((problem.unknown != "").sum()),
        "minutes": problem.limit,
        "penalty": problem.penalty,
        "method": method,
    }
    if len(problem.territories):
        there, got = problem.territory_people(problem.weight), problem.territory_people(covered)
        shares = np.divide(got, there, out=np.full(len(there), np.nan), where=there > 0)
        summary["territories"] = {label: float(value) for label, value in zip(problem.territories, shares, strict=True)}
    if isinstance(problem.floors, np.ndarray):
        summary["floors"] = {
            label: float(value) for label, value in zip(problem.territories, problem.floors, strict=True)
        }
    return summary
