"""Choose sites: the best set, how far it may be from the best possible, and why these and not others."""

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
from siteplan.siting.heuristic import LITTLE, allowed, grow, meets_floors, objective_of, swap
from siteplan.siting.median import median_search
from siteplan.siting.problem import Decay, Flags, Floats, Problem, Quota, build_problem, sites_table

__all__ = ["Choice", "choose_sites"]

MAXIMISED = ("coverage", "backup", "gravity")


@dataclass(frozen=True)
class Choice:
    """A set of sites, its worth, and the proof.

    Attributes
    ----------
    sites
        Index `site` in the order to open them (existing, required, then what adds most); `order` from 1, `name`,
        `status`, `people` within the limit, `added` by it to those before it, `alone` (within the limit of no other
        chosen site), `served` (assigned to it), `turned_away` (whose nearest it is but who, as it is full, go elsewhere
        or nowhere), `cost`.
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
        that site, the best such swap that keeps to the conditions).
    summary
        Plain figures: people in all, coverable, covered, sites, cost, limits, shares by territory, method, and
        `set_aside`: how many candidates HiGHS was not shown, as others do all that they do.
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
        Whether a site serves its `capacity` at most (people of the group; a point may be shared out). Not for center
        and backup.
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
        HiGHS stops after so long, or within this share of the optimum; what is proven by then is said. Out of time,
        coverage and median are also bounded by the best set without any condition but its number of sites, for which
        there is as much time again. Only an answer cut off by `seconds` may differ from run to run.

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
    problem = build_problem(times, people, sites, **question)
    if method not in ("exact", "greedy"):
        raise StudyError(f"method is {method!r}, expected exact or greedy")
    if method == "greedy" and (capacities or floors == "most"):
        raise StudyError("method greedy cannot weigh capacities or floors 'most'. Use method exact")
    problem = _raised_floors(problem, seconds)
    order, greedy_set = _greedy(problem)
    greedy_fits = _fits(problem, greedy_set)
    swappable = greedy_fits and not problem.plain and not capacities and objective != "share"
    start = swap(problem, greedy_set) if swappable else greedy_set
    aside = np.zeros(len(problem.sites), dtype=bool)
    if method == "greedy":
        if not greedy_fits:
            raise StudyError("greedy finds no set that meets all conditions. Use method exact")
        opened = swap(problem, greedy_set) if objective not in ("share", "center") else greedy_set
        bound = np.nan
    else:
        if not _searched(problem):  # of the set to start from, nothing is set aside
            aside = dominated(problem) & ~(start & greedy_fits)
        opened, bound = _best(problem, aside, start if greedy_fits else None, seconds, gap)
    opened = _without_idle(problem, opened)
    parts = _shares(problem, opened)
    value = published(problem, opened, parts)
    if parts is not None:
        value = round(value, 6)  # the solver's tolerance, not people
    if value == bound or abs(value - bound) <= 1e-6 * max(1.0, abs(value)):
        bound = value
    greedy_parts = _shares(problem, greedy_set) if greedy_fits else None
    lost = capacities and not _serves_enough(problem, greedy_parts)
    greedy_value = published(problem, greedy_set, greedy_parts) if greedy_fits and not lost else np.nan
    assignment = assigned(problem, opened, parts)
    table = sites_table(sites)
    choice = Choice(
        sites=chosen_table(problem, opened, parts, table),
        objective=objective,
        value=value,
        bound=bound,
        gap=abs(value - bound) / max(abs(value), 1e-12) if value != bound else 0.0,
        greedy=greedy_value,
        greedy_order=tuple(problem.sites[order]),
        assignment=assignment,
        rejected=rejected_table(problem, opened, table),
        summary={**_summary(problem, opened, parts, method), "set_aside": int(aside.sum())},
    )
    check_choice(choice, times, people, sites, **question)
    return choice


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
    return covers and allowed(problem, opened) and meets_floors(problem, opened)


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


def _raised_floors(problem: Problem, seconds: float) -> Problem:
    """Turn floors "most" into the highest that can be had."""
    if not isinstance(problem.floors, str):
        return problem
    highest = solve(problem, "floor", seconds=seconds)
    if highest is None:
        raise StudyError(_why(replace(problem, floors=None), seconds))
    if not np.isfinite(highest.value):
        raise StudyError(_late(seconds))
    within = problem.territory_people(np.where(problem.reached(~problem.barred), problem.weight, 0.0))
    level = max(0.0, min(1.0, highest.value) - SLACK)
    return replace(problem, floors=np.where(within > 0, level, 0.0))


def _searched(problem: Problem) -> bool:
    """Whether a search of its own finds the best set, which settles dominated sites by its bound."""
    return problem.plain and _bounded(problem)


def _bounded(problem: Problem) -> bool:
    """Whether the question without its side conditions has a search of its own."""
    return bool(problem.count) and problem.objective in ("coverage", "median") and len(problem.site) > 0


def _best(problem: Problem, aside: Flags, start: Flags | None, seconds: float, gap: float) -> tuple[Flags, float]:
    """Return the best set and its bound, both in the unit of the objective; HiGHS does not see what is set aside."""
    everybody = float(problem.weight.sum())
    if _searched(problem):
        return _plainly(problem, seconds, gap)
    if problem.objective == "center":
        return _center(problem, start, seconds)
    enough = _wanted(problem)
    goal = "value" if enough is None else problem.least
    floor = None if enough is None else enough * (1 - SLACK)
    fewer = replace(problem, barred=problem.barred | aside)
    best = solve(fewer, goal, at_least=floor, start=start, seconds=seconds, gap=gap)
    if best is None:
        raise StudyError(_why(problem, seconds))
    if not np.isfinite(best.value):  # out of time without a set
        if start is None:
            raise StudyError(_late(seconds))
        best = replace(best, opened=start, value=objective_of(problem, start) if enough is None else -np.inf)
    if enough is None:
        median = problem.objective == "median"
        bound = problem.penalty * everybody - best.bound if median else best.bound
        if (
            not _bounded(problem)
            or problem.capacity is not None
            or best.bound - best.value <= gap * abs(best.value) + LITTLE
        ):
            return best.opened, bound
        # Out of time: no set under conditions is better than the best without any.
        free, without = _plainly(replace(problem, apart=problem.apart[:0], quotas=(), floors=None), seconds, gap)
        bound = max(bound, without) if median else min(bound, without)
        better = _fits(problem, free) and objective_of(problem, free) > objective_of(problem, best.opened)
        return free if better else best.opened, bound
    # Of all sets as small (or as cheap), one that covers the most.
    bound = float(np.ceil(-best.bound - 1e-6)) if problem.least == "sites" else -best.bound
    if problem.share < 1 and np.isfinite(best.value):
        if problem.least == "sites":
            smaller = replace(fewer, count=int(best.opened.sum()))
        else:
            spent = float(problem.cost[best.opened].sum())
            smaller = replace(fewer, budget=spent * (1 + LITTLE))
        more = solve(smaller, at_least=floor, start=best.opened, seconds=seconds, gap=gap)
        if more is not None and np.isfinite(more.value):
            best = replace(best, opened=more.opened)
    return best.opened, bound


def _plainly(problem: Problem, seconds: float, gap: float) -> tuple[Flags, float]:
    """Return the best set for plain coverage or median, by the searches that are made for it, and its bound."""
    many = len(problem.sites)
    options: dict[str, Any] = {"sites": many, "count": problem.count, "fixed": problem.fixed, "barred": problem.barred}
    if problem.objective == "coverage":
        found, total = cover_exactly(problem.ptr, problem.site, problem.weight, seconds=seconds, **options)
        bound = total - found.bound
    else:
        found = median_search(
            problem.ptr, problem.site, problem.minutes, problem.weight, penalty=problem.penalty, gap=gap, **options
        )
        bound = found.bound
    opened = np.zeros(many, dtype=bool)
    opened[found.chosen] = True
    return opened, bound


def _late(seconds: float) -> str:
    return f"no set of sites was found within {seconds:g} s. Allow more seconds"


def _center(problem: Problem, start: Flags | None, seconds: float) -> tuple[Flags, float]:
    """Halve the minutes within which all who can be reached find a site, then take the least people-minutes."""
    must = problem.reached(~problem.barred) & (problem.weight > 0)
    usable = ~problem.barred[problem.site] & must[problem.point]
    steps = np.unique(problem.minutes[usable])
    low, high, proven, all_within, held = 0, len(steps), True, None, start
    while low < high:
        middle = (low + high) // 2
        nearer = _within(problem, float(steps[middle]))
        found = solve(nearer, "nothing", must=must, seconds=seconds)
        if found is not None and np.isfinite(found.value):
            high, all_within, held = middle, nearer, found.opened
        else:
            proven = proven and found is None
            low = middle + 1
    level = problem.penalty if all_within is None else float(steps[high])
    if not must.any():  # nobody is far who cannot be reached at all
        level = 0.0
    best = solve(all_within or problem, must=must if all_within is not None else None, seconds=seconds)
    if best is None:
        raise StudyError(_why(problem, seconds))
    if np.isfinite(best.value):
        held = best.opened
    if held is None:
        raise StudyError(_late(seconds))
    return held, level if proven else float(_least_minutes(problem, ~problem.barred)[must].max(initial=0.0))


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
        if objective_of(problem, without) >= value and allowed(problem, without) and meets_floors(problem, without):
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


def _why(problem: Problem, seconds: float) -> str:
    """Say which condition no set can meet, and the nearest that one can."""
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


def _summary(problem: Problem, opened: Flags, parts: Floats | None, method: str) -> dict[str, Any]:
    """Return the plain figures of a choice."""
    covered = np.where(problem.reached(opened), problem.weight, 0.0)
    if parts is not None:
        covered = np.bincount(problem.point, weights=parts, minlength=len(problem.points)) * problem.weight
    summary: dict[str, Any] = {
        "people": float(problem.weight.sum()),
        "coverable": problem.coverable,
        "covered": float(covered.sum()),
        "sites": int(opened.sum()),
        "cost": float(np.nansum(problem.cost[opened])),
        "cost_unknown": int(np.isnan(problem.cost[opened]).sum()),
        "minutes": problem.limit,
        "penalty": problem.penalty,
        "method": method,
    }
    if len(problem.territories):
        there, got = problem.territory_people(problem.weight), problem.territory_people(covered)
        shares = np.divide(got, there, out=np.full(len(there), np.nan), where=there > 0)
        summary["territories"] = {label: float(value) for label, value in zip(problem.territories, shares, strict=True)}
    return summary
