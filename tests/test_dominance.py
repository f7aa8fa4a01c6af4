"""Sites that others make needless are set aside, and the best set stays as good: by all sets, and by definition."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.config import Question
from siteplan.errors import StudyError
from siteplan.reachable import Reach
from siteplan.siting.dominance import dominated
from siteplan.siting.problem import Problem, build_problem
from tests.test_siting_subsets import LIMIT, SIDES, Twin, World, agree, worlds

OBJECTIVES = ["coverage", "share", "median", "backup", "gravity"]


def much_alike(world: World, seed: int) -> World:
    """Let some sites reach a part of what another reaches, and cost as much or more, in the same zone or not."""
    random, minutes, sites = np.random.default_rng(seed), world.minutes.copy(), world.sites.copy()
    for j in range(1, minutes.shape[1]):
        if random.random() < 0.7:
            like = int(random.integers(0, j))
            minutes[:, j] = np.where(random.random(len(minutes)) < 0.7, minutes[:, like], np.inf)
            for name in ("cost", "zone"):
                sites.iloc[j, sites.columns.get_loc(name)] = sites[name].iloc[like]
    return World(minutes, world.people, sites, world.asked)


def problem_of(world: World) -> Problem:
    asked = {key: value for key, value in world.asked.items() if key != "territory"}
    question = Question(minutes=LIMIT, **asked)
    return build_problem(Reach.of(world.times, world.people), world.sites, question, world.asks("territory"))


@settings(max_examples=80)
@pytest.mark.parametrize("objective", OBJECTIVES)
@given(st.data())
def test_without_them_the_best_set_is_as_good(objective: str, data: st.DataObject) -> None:
    sides = tuple(side for side in SIDES[:-1] if data.draw(st.integers(0, 4)) == 0)
    if objective == "share":
        sides = tuple(side for side in sides if side != "most")
    world = much_alike(data.draw(worlds(objective, sides)), data.draw(st.integers(0, 2**32)))
    try:
        aside = dominated(problem_of(world))
    except StudyError:
        return
    twin = Twin(world)
    labels = problem_of(world).sites
    gone = set(np.flatnonzero(np.isin(world.sites.index, labels[aside])))
    valued = [(some, value) for some in twin.sets() if (value := twin.value(some)) is not None]
    pick: Any = max if objective in ("coverage", "backup", "gravity") else min
    best = pick((value for _, value in valued), default=None)
    kept = pick((value for some, value in valued if not gone & set(some)), default=None)
    assert kept == (None if best is None else pytest.approx(best, abs=1e-9))


@settings(max_examples=25)
@pytest.mark.parametrize("objective", OBJECTIVES)
@given(st.data())
def test_choosing_among_sites_much_alike(objective: str, data: st.DataObject) -> None:
    sides = tuple(data.draw(st.sets(st.sampled_from(["status", "budget", "quotas"]))))
    agree(much_alike(data.draw(worlds(objective, sides)), data.draw(st.integers(0, 2**32))))


def slow_dominators(problem: Problem, j: int) -> int:
    """Count by definition who does all that a site does, for coverage with a number of sites."""
    reach = [set(problem.point[problem.site == k]) & set(np.flatnonzero(problem.weight > 0)) for k in range(99)]
    return sum(
        reach[k] >= reach[j] and (reach[k] > reach[j] or bool(problem.fixed[k]) or k < j)
        for k in range(len(problem.sites))
        if k != j and not problem.barred[k]
    )


@settings(max_examples=60)
@given(st.data())
def test_who_is_set_aside_by_definition(data: st.DataObject) -> None:
    world = much_alike(data.draw(worlds("coverage", ("status",))), data.draw(st.integers(0, 2**32)))
    if (~world.sites["status"].eq("excluded")).sum() < 2 or world.sites["status"].isin(
        ["existing", "required"]
    ).sum() > 1:
        return
    problem = problem_of(replace(world, asked={"sites": 2}))
    slow = np.array([slow_dominators(problem, j) for j in range(len(problem.sites))])
    free = ~problem.fixed & ~problem.barred
    once = free & (slow >= 1)
    enough = int((~once & ~problem.barred).sum()) >= 2
    assert dominated(problem).tolist() == (once if enough else free & (slow >= 2)).tolist()


def test_they_are_counted_and_explained() -> None:
    minutes = np.array([[5.0, 5.0, np.inf], [5.0, np.inf, np.inf], [np.inf, np.inf, 5.0]])
    people, sites = tables(3)
    sites["cost"] = 1.0
    choice = World(minutes, people, sites, {"objective": "gravity", "decay": np.ones_like, "budget": 1.0}).choose()
    assert choice.summary["set_aside"] == 2 - 1
    assert list(choice.sites.index) == ["s0"]
    assert choice.rejected.loc["s1", "redundant_by"] == "s0"
    assert choice.rejected.loc["s1", "change"] == pytest.approx(-10.0)


def tables(many: int) -> tuple[Any, Any]:
    """Return three points of ten people and sites without a place."""
    import pandas as pd

    people = pd.DataFrame({"people": [10.0] * 3, "commune": "a"}, index=pd.RangeIndex(3, name="point"))
    sites = pd.DataFrame({"status": "candidate"}, index=pd.Index([f"s{j}" for j in range(many)], name="site"))
    return people, sites
