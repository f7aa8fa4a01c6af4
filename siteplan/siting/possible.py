"""Say what no set of sites can meet: before anybody's way is known, and after a search that found none."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.errors import Key, StudyError
from siteplan.siting.exact import SLACK, Solution, solve
from siteplan.siting.problem import LITTLE, Flags, Problem, check_numbers, side_conditions, sites_table
from siteplan.siting.value import better
from siteplan.siting.work import Work

__all__ = ["or_start", "refuse_impossible", "why"]

LOOK = 0.05, 10.0  # effort and seconds: what takes longer is left to the search, which knows more


def refuse_impossible(sites: gpd.GeoDataFrame | pd.DataFrame, question: Question) -> None:
    """Refuse a question whose conditions on the sites alone exclude each other; floors and people are not looked at.

    Raises
    ------
    InputError
        For a table of sites that cannot be used.
    StudyError
        Why no set of sites meets the conditions, and the nearest that one can.
    """
    name, steps = ("sites", question.phases) if question.phases else ("budget", question.phase_budgets)
    told = ("phases" if question.phases else "phase_budgets") if steps else name
    asked = {"phases": (), "phase_budgets": (), "least_regret": False, "objective": "coverage", "floors": None}
    for step in steps or (getattr(question, name),):
        bare = question.model_copy(update={**asked, name: step})
        try:
            _refuse_one(_without_people(sites, bare))
        except StudyError as wrong:
            parts = [Key(told) if isinstance(part, Key) and part == name else part for part in wrong.args]
            raise StudyError(*parts) from None


def _without_people(sites: gpd.GeoDataFrame | pd.DataFrame, question: Question) -> Problem:
    """Return the question of a place where nobody lives."""
    none, nobody, nowhere = np.zeros(0), pd.RangeIndex(0), np.zeros(0, np.int32)
    table = sites_table(sites)
    return Problem(
        question=question,
        sites=table.index,
        points=nobody,
        ptr=np.zeros(1, np.int64),
        site=nowhere,
        minutes=none,
        worth=none,
        weight=none,
        reachable=np.zeros(0, dtype=bool),
        limit=0.0,
        penalty=0.0,
        count=question.sites,
        budget=question.budget,
        times=1,
        territory=np.zeros(0, np.int64),
        territories=nobody,
        floors=None,
        **side_conditions(table, sites, question),
    )


def _refuse_one(problem: Problem) -> None:
    check_numbers(problem)
    new = ~problem.barred & ~problem.fixed
    if problem.budget and problem.count is None and new.any():
        cheapest = float(problem.cost[problem.fixed].sum() + problem.cost[new].min())
        if problem.budget * (1 + LITTLE) < cheapest:
            text = f" is {problem.budget:,.10g}, but with the cheapest candidate open {cheapest:,.10g} are spent"
            raise StudyError(Key("budget"), f"{text}. Allow more, or 0 for no new site")
    problem = replace(problem, capacity=None)
    if solve(problem, "nothing", work=Work(*LOOK)) is None:
        raise why(problem, Work(*LOOK))


def why(problem: Problem, work: Work) -> StudyError:
    """Say which condition no set can meet, and the nearest that one can."""
    again = Work(problem.question.effort, max(1.0, work.left)).part(1 / 4)  # of steps as many as if none were done
    enough = problem.wanted
    floor = None if enough is None else enough * (1 - SLACK)

    def found(goal: str, at_least: float | None = None, **asked: Any) -> Solution | None:
        best = solve(replace(problem, **asked), goal, at_least=at_least, work=again.part(1 / 2))
        return best if best is not None and np.isfinite(best.value) else None

    if problem.count is not None:
        fewest, most = (found(goal, count=None) for goal in ("sites", "most sites"))
        if fewest is not None and most is not None:
            few, many = int(fewest.opened.sum()), int(most.opened.sum())
            would = f"{few} sites would" if few == many else f"the fewest that do are {few}, the most {many}"
            return StudyError(f"no set of {problem.count} sites meets the conditions; {would}. Change ", Key("sites"))
    if problem.budget is not None and (cheapest := found("cost", floor, budget=None)):
        cost = float(problem.cost[cheapest.opened].sum())
        return StudyError(
            f"no set of sites meets the conditions within a budget of {problem.budget:,.10g}; {cost:,.10g} would do"
        )
    if enough is not None and (people := found("value")):
        part, wanted = people.value / problem.coverable, f"{problem.question.share:.1%} of those in reach"
        return StudyError(f"no set of sites covers {wanted}; at most {part:.1%} can be. Lower ", Key("share"))
    if problem.floors is not None and (highest := found("floor", floors="most")):
        return StudyError(
            "no set of sites meets all floors under the other conditions; the highest that all territories can "
            f"reach together is {max(0.0, highest.value):.1%}. Lower ",
            *(Key("floors"), ", or use ", Key("floors"), ": most"),
        )
    without: dict[str, Any] = {"apart": problem.apart[:0], "quotas": (), "capacity": None}
    for name, (asked, none) in zip(("spacing_m", "quotas", "capacities"), without.items(), strict=True):
        if found("sites", floor, **{asked: none}):
            named = name.removesuffix("_m")
            return StudyError(f"no set of sites meets the conditions; without {named} some would. Loosen ", Key(name))
    return StudyError("no set of sites meets the conditions, and no single one is to blame. Loosen several")


def or_start(problem: Problem, best: Solution | None, start: Flags | None, work: Work) -> Solution:
    """Return what HiGHS found or, where out of time it lost a better set that it began with, that one.

    Say why where there is neither.
    """
    if best is None:
        raise why(problem, work)
    if start is not None:
        lost = not np.isfinite(best.value) or better(problem, start, best.opened)
        return replace(best, opened=start) if lost else best
    if np.isfinite(best.value):
        return best
    if work.late:
        raise StudyError(f"no set of sites was found within {work.seconds:g} s. Allow more ", Key("seconds"))
    raise StudyError("no set of sites was found in the steps that were allowed. Allow more ", Key("effort"))
