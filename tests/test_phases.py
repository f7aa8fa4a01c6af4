"""Phases with the least regret against every chain of nested sets."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.errors import InputError, StudyError
from siteplan.siting.phases import deploy
from tests.subsets import ask_phases
from tests.test_siting_subsets import LIMIT, MORE_IS_BETTER, Twin, World, worlds

SIDES = ["status", "spacing", "quotas", "floors"]


def least_regret(twins: list[Twin]) -> float | None:
    """Try every chain: the least sum of shares lost against each phase's own best; None where no chain holds."""
    valued = [[(set(s), v) for s in twin.sets() if (v := twin.value(s)) is not None] for twin in twins]
    if not all(valued):
        return None
    best = max if twins[0].objective in MORE_IS_BETTER else min
    chains: list[tuple[set[int], float]] = [(set(), 0.0)]
    for phase in valued:
        alone = best(value for _, value in phase)
        lost = [(some, abs(value - alone) / alone if alone else 0.0) for some, value in phase]
        chains = [(some, sum_ + more) for before, sum_ in chains for some, more in lost if before <= some]
    return min((regret for _, regret in chains), default=None)


@settings(max_examples=20)
@pytest.mark.parametrize("budgeted", [False, True])
@pytest.mark.parametrize("objective", ["coverage", "median", "backup", "gravity", "capacities"])
@given(st.data())
def test_no_chain_loses_less(objective: str, budgeted: bool, data: st.DataObject) -> None:
    sides = tuple(data.draw(st.sets(st.sampled_from(SIDES), max_size=2)))
    limited = objective == "capacities"
    world = data.draw(worlds("coverage" if limited else objective, (*sides, "capacities") if limited else sides, 5))
    many = len(world.sites)
    levels = [4.0, 9.0, 15.0] if budgeted else sorted({1, min(2, many), many - 1} - {0})
    asked = {key: value for key, value in world.asked.items() if key != "sites"}
    name = "budget" if budgeted else "sites"
    twins = [Twin(World(world.minutes, world.people, world.sites, {**asked, name: level})) for level in levels]
    best = least_regret(twins)
    given_as: dict[str, Any] = {"phase_budgets": levels} if budgeted else {"phases": levels}
    question: dict[str, Any] = {**asked, **given_as, "minutes": LIMIT, "least_regret": True}
    if best is None:
        with pytest.raises((StudyError, InputError)):
            ask_phases(world.times, world.people, world.sites, **question)
        return
    choice = ask_phases(world.times, world.people, world.sites, **question)
    phases, steps = choice.phases, choice.sites
    assert phases is not None
    assert phases.attrs["regret"] == pytest.approx(best, abs=1e-5)
    assert phases.attrs["regret_bound"] == pytest.approx(best, abs=1e-5)
    assert phases["loss_share"].sum() == pytest.approx(best, abs=1e-5)
    opened: list[str] = []
    for phase, row in phases.iterrows():
        opened += [label for label in row["opens"].split(", ") if label]
        assert sorted(steps.index[steps["phase"] <= phase]) == sorted(opened)
        chosen = tuple(sorted(int(at) for at in world.sites.index.get_indexer(opened)))
        assert twins[int(str(phase)) - 1].value(chosen) == pytest.approx(row["value"], abs=1e-4)
        assert chosen in set(twins[int(str(phase)) - 1].sets())


def test_what_is_refused() -> None:
    people = pd.DataFrame({"people": [1.0]}, index=pd.RangeIndex(1, name="point"))
    sites = pd.DataFrame({"cost": [1.0]}, index=pd.Index(["a"], name="site"))
    times = pd.DataFrame({"site": ["a"], "point": [0], "minutes": [1.0]})
    with pytest.raises(StudyError, match=r"phase_budgets: found .* expected numbers that rise"):
        deploy(times, people, sites, budgets=[3, 2])
    with pytest.raises(StudyError, match="not known for objective center"):
        ask_phases(times, people, sites, phases=[1], least_regret=True, objective="center")
    with pytest.raises(StudyError, match="counts is 2, but only 1 sites may be open"):
        deploy(times, people, sites, counts=[1, 2])
    phases = deploy(times, people, sites, {"least_regret": True}, budgets=[1.0]).phases
    assert phases is not None
    assert phases[["budget", "count", "value"]].to_numpy().tolist() == [[1.0, 1.0, 1.0]]
