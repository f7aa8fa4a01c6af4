"""Sets of sites found by random swaps: the slow twin tries every set."""

import itertools
from typing import Any

import numpy as np
import pytest

from siteplan.config import Question
from siteplan.reachable import Reach
from siteplan.siting.anneal import anneal, pairs
from siteplan.siting.answer import answer
from siteplan.siting.bounds import most_served
from siteplan.siting.heuristic import Opening, allowed, grow, objective_of
from siteplan.siting.problem import build_problem
from siteplan.siting.swaps import improve
from siteplan.siting.work import Work
from test_siting import grown


@pytest.mark.parametrize(
    "condition",
    [{"sites": 4}, {"sites": 4, "spacing_m": 1500.0}, {"budget": 9.0}, {"sites": 4, "budget": 9.0, "spacing_m": 900.0}],
)
@pytest.mark.parametrize("fixed", [0, 1])
def test_the_best_set_of_backups_is_found(condition: dict[str, Any], fixed: int) -> None:
    times, people, sites = grown(14, 300)
    sites["status"] = [*["required"] * fixed, *["excluded"] * fixed, *["candidate"] * (14 - 2 * fixed)]
    sites["cost"] = np.random.default_rng(3).integers(1, 5, 14).astype(float)
    problem = build_problem(Reach.of(times, people), sites, Question(objective="backup", minutes=15, **condition))
    every = (np.isin(np.arange(14), some) for size in range(8) for some in itertools.combinations(range(14), size))
    worth = {opened.tobytes(): objective_of(problem, opened) for opened in every if allowed(problem, opened)}
    begin = np.frombuffer(min(worth, key=lambda one: (-sum(one), worth[one])), dtype=bool)  # many that do little
    most = max(worth.values())
    largest = max(sum(one) for one in worth)
    usual = [np.isin(np.arange(14), some) for some in itertools.combinations(range(14), largest)]
    usual = [opened for opened in usual if (opened | ~problem.fixed).all() and not (opened & problem.barred).any()]
    able = problem.weight * (problem.covering(~problem.barred) >= 2)
    assert most_served(problem)[largest] == max(float(able @ problem.covering(opened)) / 2 for opened in usual) >= most
    work = Work(1.0, 60.0)
    found, again = (anneal(problem, begin, most / 2, work) for _ in range(2))
    assert found.tolist() == again.tolist()
    assert allowed(problem, found)
    assert worth[found.tobytes()] == most
    assert anneal(problem, found, most, work).tolist() == found.tolist()


@pytest.mark.parametrize("count", [2, 5, 6])
@pytest.mark.parametrize("fixed", [0, 1])
@pytest.mark.parametrize("minutes", [4, 9])
def test_the_best_pairs_are_found(count: int, fixed: int, minutes: int) -> None:
    times, people, sites = grown(14, 300)
    sites["status"] = [*["required"] * fixed, *["excluded"] * fixed, *["candidate"] * (14 - 2 * fixed)]
    asked = Question(objective="backup", minutes=minutes, sites=count)
    problem = build_problem(Reach.of(times, people), sites, asked)
    able = np.flatnonzero(~problem.fixed & ~problem.barred).tolist()

    def open_too(more: tuple[int, ...]) -> Any:
        return problem.fixed | np.isin(np.arange(14), more)

    def share(one: int, other: int) -> float:
        return float(problem.weight[problem.covering(np.isin(np.arange(14), [one, other])) == 2].sum())

    with_most = {one: max(share(one, other) for other in able if other != one) for one in able}
    every = [some for some in itertools.permutations(able, 2) if share(*some) == with_most[some[0]]]
    together = {frozenset(sum(some, ())) for some in itertools.combinations(every, (count - fixed) // 2)}
    best = max(objective_of(problem, open_too(tuple(some))) for some in together)
    found = pairs(problem, Work(1.0, 60.0))
    assert allowed(problem, found)
    assert objective_of(problem, found) >= best
    assert answer(problem).value >= objective_of(problem, found)
    assert allowed(problem, pairs(problem, Work(0.0, 60.0)))  # with no steps left, what grows


@pytest.mark.parametrize("count", range(4, 12))
def test_what_swaps_alone_find_is_never_given_up(count: int) -> None:
    times, people, sites = grown(60, 400)
    asked = Question(objective="backup", sites=count, minutes=9, spacing_m=600.0, method="greedy")
    problem = build_problem(Reach.of(times, people), sites, asked)
    opened = np.zeros(60, dtype=bool)
    for _ in grow(Opening(problem, opened)):
        pass
    assert answer(problem).value >= objective_of(problem, improve(problem, opened))
