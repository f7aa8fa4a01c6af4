"""Swaps: every change is the difference of the objectives, every condition is heeded, and sets get better."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.config import Question
from siteplan.errors import StudyError
from siteplan.reachable import Reach
from siteplan.siting.exact import _cliques
from siteplan.siting.heuristic import Opening, fits, gains, grow, objective_of, values_without
from siteplan.siting.problem import Problem, build_problem
from siteplan.siting.swaps import improve, swap, swap_changes
from test_siting import grown, of_this_place, questions, worlds

pytestmark = pytest.mark.filterwarnings("ignore:people. nobody is counted")


def asked_of(world: Any, asked: dict[str, Any]) -> Problem | None:
    """Build the problem of a world; None where the question has no answer."""
    times, people, sites, _ = world
    asked = of_this_place(asked, sites)
    if "floors" in asked:
        asked["floors"] = {zone: part for zone, part in asked["floors"].items() if zone in set(people["zone"])}
    try:
        return build_problem(Reach.of(times, people), sites, Question(**asked), "zone" if "floors" in asked else None)
    except StudyError:
        return None


@given(worlds(), questions(), st.integers(0, 2**32))
def test_what_is_left_without_a_site_is_worth_what_the_others_are(world: Any, asked: dict[str, Any], seed: int) -> None:
    problem = asked_of(world, asked)
    if problem is None:
        return
    opened = np.random.default_rng(seed).random(len(problem.sites)) < 0.6
    expected = [objective_of(problem, opened & (np.arange(len(opened)) != one)) for one in np.flatnonzero(opened)]
    assert values_without(problem, opened).tolist() == expected  # bit by bit


@settings(max_examples=300)
@given(worlds(), questions())
def test_every_swap_changes_what_it_says_and_breaks_no_condition(world: Any, asked: dict[str, Any]) -> None:
    problem = asked_of(world, asked)
    if problem is None:
        return
    opened = problem.fixed.copy()
    opening = Opening(problem, opened)
    for _ in grow(opening):  # what is kept up to date is what all pairs say, to the bit
        assert opening.value == objective_of(problem, opened)
        assert opening.gains().tolist() == gains(problem, opened).tolist()
        assert opening.covering.tolist() == problem.covering(opened).tolist()
    if not fits(problem, opened):  # swaps are for sets that meet the conditions
        return
    held, changes = swap_changes(problem, opened)
    assert held.tolist() == np.flatnonzero(opened).tolist()
    here = objective_of(problem, opened)
    for into in range(len(opened)):
        for column, out in enumerate([*held, None]):
            after = opened.copy()
            after[into] = True
            if out is not None:
                after[out] = False
            possible = not opened[into] and out != into and fits(problem, after)
            if possible or np.isfinite(changes[into, column]):
                assert possible
                assert changes[into, column] == pytest.approx(objective_of(problem, after) - here, abs=1e-6)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("half", [0.0, 0.4])
def test_part_of_a_backup_counts_in_proportion(number: int, half: float) -> None:
    times, people, sites = grown()
    problem = build_problem(
        Reach.of(times, people), sites, Question(objective="backup", backup=number, sites=5, minutes=15)
    )
    opened = np.arange(60) < 5

    def worth(flags: Any) -> float:
        share = problem.covering(flags) / (number - 1) * half
        return float(problem.weight @ np.where(problem.covering(flags) >= number, 1.0, share))

    held, changes = swap_changes(problem, opened, half)
    for into in range(5, 60):
        for column, out in enumerate(held):
            after = opened.copy()
            after[[into, out]] = [True, False]
            assert changes[into, column] == pytest.approx(worth(after) - worth(opened), abs=1e-6)


@pytest.mark.parametrize(
    "asked",
    [
        {"objective": "backup", "sites": 6, "minutes": 15},
        {"objective": "coverage", "sites": 8, "minutes": 10, "spacing_m": 1200.0},
        {"objective": "median", "sites": 6, "minutes": 30, "territory": "commune", "floors": 0.5},
        {"objective": "gravity", "budget": 12.0, "minutes": 20, "decay": lambda minutes: 1 - minutes / 20},
    ],
)
def test_restarts_better_a_set_and_come_to_the_same(asked: dict[str, Any]) -> None:
    times, people, sites = grown()
    sites["cost"] = np.arange(60) % 4 + 1.0
    territory = asked.pop("territory", None)
    problem = build_problem(Reach.of(times, people), sites, Question(**asked), territory)
    opened = problem.fixed.copy()
    for _ in grow(Opening(problem, opened)):
        pass
    once, often = swap(problem, opened), improve(problem, opened)
    values = [objective_of(problem, flags) for flags in (opened, once, often)]
    assert values == sorted(values)
    assert fits(problem, often)
    assert values[2] > values[0]
    assert (improve(problem, opened) == often).all()


def test_a_set_of_sites_too_near_to_each_other_is_one_row() -> None:
    times, people, sites = grown()
    problem = build_problem(Reach.of(times, people), sites, Question(sites=3, spacing_m=1500.0))
    near = {tuple(pair) for pair in problem.apart.tolist()}
    cliques = [sorted(some.tolist()) for some in _cliques(problem.apart)]
    held = {(a, b) for some in cliques for a in some for b in some if a < b}
    assert held == near
    assert len(cliques) < len(near) / 2
    assert _cliques(replace(problem, apart=problem.apart[:0]).apart) == []
