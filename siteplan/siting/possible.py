"""Refuse what no set of sites can meet, before anybody's way is known: numbers, money, distances and quotas."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.errors import Key, StudyError
from siteplan.siting.answer import why
from siteplan.siting.exact import solve
from siteplan.siting.problem import Problem, check_numbers, side_conditions, sites_table
from siteplan.siting.work import Work

__all__ = ["refuse_impossible"]

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
    none, nobody, nowhere = np.zeros(0), pd.RangeIndex(0), np.zeros(0, np.int64)
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
        territory=nowhere,
        territories=nobody,
        floors=None,
        **side_conditions(table, sites, question),
    )


def _refuse_one(problem: Problem) -> None:
    check_numbers(problem)
    new = ~problem.barred & ~problem.fixed
    if problem.budget and problem.count is None and new.any():
        cheapest = float(problem.cost[problem.fixed].sum() + problem.cost[new].min())
        if problem.budget < cheapest:
            text = f" is {problem.budget:,.0f}, but with the cheapest candidate open {cheapest:,.0f} are spent"
            raise StudyError(Key("budget"), f"{text}. Allow more, or 0 for no new site")
    problem = replace(problem, capacity=None)
    if solve(problem, "nothing", work=Work(*LOOK)) is None:
        raise why(problem, Work(*LOOK))
