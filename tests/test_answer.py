"""Answers: the second goals, the starts, the clock and the bounds, each on a place known by head or seen twice."""

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteplan.config import Question, Quota
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Reach
from siteplan.siting.answer import answer
from siteplan.siting.demands import Demands
from siteplan.siting.median import median_search
from siteplan.siting.phases import coverage_curve, deploy
from siteplan.siting.problem import build_problem
from siteplan.siting.search import Effort
from subsets import ask, ask_phases
from test_siting import grown, linear, little


def test_of_the_smallest_sets_one_that_covers_the_most() -> None:
    times, people, sites = little()
    found = ask(times, people, sites, objective="share", share=0.3)
    assert found.sites.index.tolist() == ["B"]  # A alone would do as well
    assert (found.value, found.summary["covered"]) == (1.0, 15.0)


def test_full_sites_serve_as_many_and_of_all_such_ways_the_shortest() -> None:
    times = pd.DataFrame({"site": list("ABAB"), "point": [0, 0, 1, 1], "minutes": [1.0, 9.0, 2.0, 3.0]})
    people = pd.DataFrame({"people": [5.0, 5.0]}, index=pd.RangeIndex(2, name="point"))
    sites = pd.DataFrame({"capacity": [5.0, 5.0]}, index=pd.Index(list("AB"), name="site"))
    found = ask(times, people, sites, sites=2, capacities=True)
    assert found.assignment.to_numpy().tolist() == [[0, "A", 1.0, 5.0], [1, "B", 3.0, 5.0]]
    assert found.sites["turned_away"].tolist() == [5.0, 0.0]
    assert found.sites["added"].tolist() == [5.0, 5.0]  # served more, where both reach all


def test_greedy_under_a_budget_also_tries_the_most_for_the_money() -> None:
    times = pd.DataFrame({"site": list("ABC"), "point": [0, 1, 2], "minutes": 1.0})
    people = pd.DataFrame({"people": [10.0, 8.0, 7.0]}, index=pd.RangeIndex(3, name="point"))
    sites = pd.DataFrame({"cost": [10.0, 5.0, 5.0]}, index=pd.Index(list("ABC"), name="site"))
    found = ask(times, people, sites, budget=10.0, method="greedy")
    assert (found.greedy, found.greedy_order) == (15.0, ("B", "C"))


def test_sites_that_change_nothing_stay_closed() -> None:
    times, people, sites = little(cost=[0.0, 0.0, 0.0])
    assert ask(times, people, sites, budget=5.0).sites.index.tolist() == ["B", "C"]


def test_a_gap_asked_for_ends_the_search_sooner() -> None:
    times, people, sites = grown(60, 2000)
    problem = build_problem(Reach.of(times, people), sites, Question(objective="median", sites=9, minutes=30))
    demands = Demands(problem.ptr, problem.site, problem.minutes, problem.weight, 60, problem.penalty)
    loose, tight = (median_search(demands, 9, effort=Effort(gap=gap)) for gap in (0.2, 0.0))
    assert loose.iterations < tight.iterations
    assert loose.bound <= tight.objective <= loose.objective
    assert 0 < loose.gap <= 0.2


@pytest.mark.parametrize(
    "asked",
    [
        {"objective": "median", "sites": 9},
        {"objective": "gravity", "sites": 9, "decay": linear},
        {"objective": "backup", "sites": 9},
        {"objective": "coverage", "sites": 9, "capacities": True},
        {"objective": "median", "budget": 9.0},
        {"objective": "center", "sites": 9},
        {"objective": "share", "share": 0.9},
        {"objective": "share", "share": 0.9, "least": "cost"},
    ],
)
def test_cut_off_by_the_clock_bounds_hold_and_the_set_is_no_worse_than_greedy(asked: dict[str, Any]) -> None:
    times, people, sites = grown(90, 700)
    sites["cost"] = np.arange(90) % 3 + 1.0
    proven = ask(times, people, sites, minutes=15, **asked, seconds=10.0)
    began = time.monotonic()
    hasty = ask(times, people, sites, minutes=15, **asked, seconds=0.05)
    assert time.monotonic() - began < 15
    sign = 1 if asked["objective"] in ("coverage", "gravity", "backup") else -1
    assert sign * hasty.bound >= sign * proven.value - 1e-6 * abs(proven.value)
    if not np.isnan(hasty.greedy):
        assert sign * hasty.value >= sign * hasty.greedy - 1e-6
    assert hasty.gap < 2  # of the value: no bound is a number out of nowhere


def test_a_budget_is_not_exceeded_by_the_solver_s_tolerance() -> None:
    times, people, sites = little(cost=[5e6, 5_000_005.0, 5e6])
    found = ask(times, people, sites, budget=1e7)
    assert found.summary["cost"] <= 1e7
    assert found.sites.index.tolist() == ["A", "C"]


def test_units_of_people_do_not_matter() -> None:
    times, people, sites = grown(40, 300)
    asked: dict[str, Any] = {"sites": 5, "minutes": 10, "spacing_m": 900.0}
    once = ask(times, people, sites, **asked)
    for size in (1e-9, 1e9):
        other = ask(times, people.assign(people=people["people"] * size), sites, **asked)
        assert other.value / size == pytest.approx(once.value, rel=1e-6)
    # Told in millions, where a millionth is a person.
    whole, parts = (little(capacity=np.array([4.0, 6.0, 50.0]) * size) for size in (1.0, 1e-6))
    parts[1]["people"] *= 1e-6
    once, other = (ask(*tables, sites=3, capacities=True) for tables in (whole, parts))
    assert other.value == pytest.approx(once.value * 1e-6)
    for name in ("served", "added", "turned_away"):
        assert other.sites[name].to_numpy() == pytest.approx(once.sites[name].to_numpy() * 1e-6), name


def test_a_floor_that_time_cut_off_says_how_high_it_may_be() -> None:
    times, people, sites = grown(150, 2000)
    asked: dict[str, Any] = {"sites": 6, "minutes": 15, "territory": "commune", "floors": "most"}
    for seconds in (0.6, 2.0, 6.0, 20.0):  # on a busy machine the least of them is too little for any set
        with suppress(StudyError):
            found = ask(times, people, sites, **asked, seconds=seconds)
            break
    assert found.summary["floor"] <= found.summary["floor_bound"]
    least = min(found.summary["territories"].values())
    assert least >= found.summary["floor"] - 1e-5
    assert found.summary["floors"] == {zone: pytest.approx(found.summary["floor"], abs=1e-5) for zone in "abcd"}


def test_phases_keep_the_question_where_they_choose_from_the_last() -> None:
    # Of all who can be reached at all, one site cannot reach the farthest two: the first phase is as good as its best.
    times = pd.DataFrame({"site": list("ABBC"), "point": [0, 1, 2, 3], "minutes": [9.0, 5.0, 5.0, 4.0]})
    people = pd.DataFrame({"people": [1.0, 5.0, 5.0, 1.0]}, index=pd.RangeIndex(4, name="point"))
    sites = pd.DataFrame(index=pd.Index(list("ABC"), name="site"))
    phases = ask_phases(times, people, sites, phases=(1, 2), objective="center", minutes=10, nested="last").phases
    assert phases is not None
    assert phases["value"].tolist() == [20.0, 20.0]  # some stay out of reach, at the penalty
    assert phases["loss"].tolist() == [0.0, 0.0]


def test_a_phase_that_beats_its_own_best_is_its_best() -> None:
    times, people, sites = grown(60, 400)
    for minutes in (8.0, 10.0, 12.0):
        phases = ask_phases(times, people, sites, phases=(3, 6, 9), minutes=minutes, method="greedy").phases
        assert phases is not None
        assert (phases["loss"] >= 0).all()
        assert (phases["alone"] >= phases["value"]).all()


def test_phases_say_what_a_choice_says() -> None:
    times, people, sites = little(status=["existing", "candidate", "candidate"], cost=[1000.0, 4.0, 2.0])
    problem = build_problem(Reach.of(times, people), sites, Question(objective="median", sites=3, minutes=15))
    found = answer(problem)
    assert found.value == pytest.approx(10 * 5 + 5 * 15 + 8 * 3 + 7 * 30)
    choice = ask_phases(times, people, sites, phases=(2, 3), objective="median", minutes=15)
    assert choice.sites["cost"].tolist() == [0.0, 2.0, 4.0]
    assert choice.value == pytest.approx(found.value)
    assert choice.sites["added"].tolist() == [10.0, 8.0, 5.0]
    assert choice.sites["gain"].tolist() == [10 * 25.0, 8 * 27.0, 5 * 15.0]
    assert choice.sites["gain_per_cost"].tolist()[1:] == [8 * 27.0 / 2, 5 * 15.0 / 4]
    assert np.isnan(choice.sites["gain_per_cost"].iloc[0])


def test_the_curve_by_head() -> None:
    curve, knee = coverage_curve(*little())
    assert curve["value"].tolist() == [0.0, 15.0, 23.0]
    assert curve["bound"].tolist() == [0.0, 15.0, 23.0]  # of A, B and C the two best add 15 and 8
    assert knee == 1
    # Two sites of ten people each, one of nine apart: two cover 19, and the bound knows no better than 20.
    times = pd.DataFrame({"site": list("ABABC"), "point": [0, 0, 1, 1, 2], "minutes": 1.0})
    people = pd.DataFrame({"people": [5.0, 5.0, 9.0]}, index=pd.RangeIndex(3, name="point"))
    curve, _ = coverage_curve(times, people, pd.DataFrame(index=pd.Index(list("ABC"), name="site")))
    assert curve["value"].tolist() == [0.0, 10.0, 19.0]
    assert curve["bound"].tolist() == [0.0, 10.0, 19.0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"sites": "two"}, "sites: found 'two', expected a whole number"),
        ({"budget": "x"}, "budget: found 'x', expected a valid number"),
        ({"sites": 1, "minutes": [10, 15]}, "minutes: found .*, expected a valid number"),
        ({"sites": 1, "quotas": [("zone", "a")]}, "quotas: found .* expected the keys column, value"),
        ({"sites": 1, "territory": ["a"], "floors": 0.1}, "territory: found a list, expected a text or a column"),
    ],
)
def test_what_is_no_question(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        ask(*little(), **asked)


def test_curves_and_phases_of_any_place() -> None:
    tables = little()
    assert coverage_curve(*tables, most=99)[0].index.tolist() == [0, 1, 2]
    cut, knee = coverage_curve(*tables, most=1)
    assert (cut.index.tolist(), knee) == ([0, 1], coverage_curve(*tables)[1])
    with pytest.raises(StudyError, match=r"phases: found .3, 1., expected numbers that rise"):
        deploy(*tables, counts=[3, 1])
    assert replace(build_problem(Reach.of(*tables[:2]), tables[2], Question(sites=1)), count=2).count == 2


def test_quotas_count_numbers_truths_and_their_texts_alike() -> None:
    for column, value in (([1, 1, 2], 1), (["1", "1", "2"], 1), ([1.0, 1.0, 2.0], "1"), ([True, True, False], "true")):
        times, people, sites = little(kind=column)
        found = ask(times, people, sites, sites=2, quotas=[Quota("kind", value, 0, 1)])
        assert found.sites.index.tolist() == ["B", "C"]
        with pytest.raises(StudyError, match="no site has this value in column kind; it holds"):
            ask(times, people, sites, sites=2, quotas=[Quota("kind", "town", 0, 1)])


def test_a_quota_tells_long_codes_apart() -> None:
    times, people, sites = little(kind=[75056001, 75056002, 75056002])
    for value in (75056001, "75056001", 75056001.0):
        found = ask(times, people, sites, sites=2, quotas=[Quota("kind", value, 1)])
        assert "A" in found.sites.index


def test_what_adding_up_loses_breaks_no_limit() -> None:
    """0.1 + 0.2 is more than 0.3, 0.7 + 0.1 less than 0.8 and -0.3 - 0.6 less than -0.9, as computers add."""
    times, people, sites = little(status=["required", "required", "candidate"], cost=[0.1, 0.2, 0.0], floor=0.0)
    assert ask(times, people, sites, budget=0.3).value == 23.0
    with pytest.raises(StudyError, match=r"budget is 0\.29, but the required sites alone cost 0\.3$"):
        ask(times, people, sites, budget=0.29)
    for floors, limit in (([0.1, 0.2, 0.0], 0.3), ([0.7, 0.1, 0.0], 0.8), ([-0.3, -0.6, 0.0], -0.9)):
        quota = Quota("floor", total_at_least=limit, total_at_most=limit)
        assert ask(times, people, sites.assign(floor=floors), sites=3, quotas=[quota]).value == 23.0
    sites["status"] = "candidate"
    with pytest.raises(StudyError, match=r"a budget of 0\.15; 0\.2 would do"):
        ask(times, people, sites, budget=0.15, territory="zone", floors={"a": 1.0, "b": 0.5})


def test_with_floors_the_order_to_open_is_by_what_each_adds() -> None:
    times, people, sites = little()
    floors = {"a": 0.0, "b": 0.5}
    found = ask(times, people, sites, sites=2, territory="zone", floors=floors)
    assert found.sites[["added"]].to_dict() == {"added": {"B": 15.0, "C": 8.0}}
    assert found.greedy_order == ("C", "B")  # which meets the floor first


def test_the_highest_floor_is_for_the_last_phase() -> None:
    times, people, sites = grown(60, 400)
    asked: dict[str, Any] = {"minutes": 15, "territory": "commune", "floors": "most"}
    first = ask_phases(times, people, sites, phases=(0, 6), **asked, nested="first")
    assert first.summary["floor"] == pytest.approx(min(first.summary["territories"].values()), abs=1e-5)
    found = ask_phases(times, people, sites, phases=(2, 4, 6), **asked)
    assert found.phases is not None
    assert (found.phases["loss"] >= 0).all()
    alone = ask(times, people, sites, sites=6, **asked)
    assert found.summary["floor"] == pytest.approx(alone.summary["floor"])
    assert min(found.summary["territories"].values()) >= alone.summary["floor"] - 1e-5


def test_a_budget_where_no_candidate_has_a_cost_is_refused() -> None:
    times, people, sites = little(status=["existing", "candidate", "candidate"])
    with pytest.raises(InputError, match="no candidate has a cost"):
        ask(times, people, sites, budget=9.0)


def test_quotas_of_totals_and_of_values_between_two() -> None:
    times, people, sites = little()
    sites = sites.assign(floor=[100.0, 300.0, 50.0][: len(sites)] if len(sites) <= 3 else range(len(sites)))
    for wrong in (
        {"column": "floor"},
        {"column": "floor", "value": 1, "total_at_least": 3},
        {"column": "floor", "value_at_least": 1, "total_at_least": 3},
    ):
        with pytest.raises(StudyError, match="names none, or several, of value, value_at_least"):
            Quota(**wrong)
    with pytest.raises(StudyError, match="total_at_most: is less than total_at_least"):
        Quota(column="floor", total_at_least=3, total_at_most=2)
    with pytest.raises(StudyError, match="at_least: counts sites, and total_ does not"):
        Quota(column="floor", total_at_least=3, at_least=1)
    with pytest.raises(StudyError, match="total of floor: at least 9999 asked for, but all that may be open have"):
        ask(times, people, sites, sites=1, quotas=[Quota(column="floor", total_at_least=9999)])
    with pytest.raises(StudyError, match="floor>=9000: at least 1 asked for, but only 0 such sites may be open"):
        ask(times, people, sites, sites=1, quotas=[Quota(column="floor", value_at_least=9000, at_least=1)])
    most = sites["floor"].idxmax()
    choice = ask(times, people, sites, sites=1, quotas=[Quota(column="floor", total_at_least=sites["floor"].max())])
    assert list(choice.sites.index) == [str(most)]
