"""A search is bounded by counted steps; what the clock ended is said; what no set can meet is refused at once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteplan as sp
from siteplan.config.choose import question_of
from siteplan.errors import StudyError
from siteplan.output.terminal import choice_summary
from siteplan.siting import exact
from siteplan.siting.demands import Demands
from siteplan.siting.exact import CUTTING, LINKING, RELAXING, Rows, count_steps
from siteplan.siting.median import median_search, median_within
from siteplan.siting.possible import refuse_impossible
from siteplan.siting.search import Effort
from siteplan.siting.work import STEPS, VISITS, Work
from subsets import ask, ask_phases
from test_siting import grown


def test_a_part_of_the_work_counts_for_the_whole() -> None:
    work = Work(1.0, 100.0)
    part = work.part(1 / 4)
    assert part.steps == STEPS / 4
    assert 24 < part.left <= 25
    part.spend(STEPS / 4)
    assert (part.steps, part.visits, work.steps) == (0, 0, STEPS * 3 / 4)
    assert not work.late
    part.part(1 / 2).cut()
    assert work.late


@pytest.mark.parametrize(
    "asked", [{"objective": "backup"}, {"objective": "median", "capacities": True}, {"spacing_m": 700.0}]
)
def test_steps_and_not_seconds_end_a_hard_search(asked: dict[str, Any]) -> None:
    times, people, sites = grown(120, 1200)
    found = [ask(times, people, sites, sites=6, minutes=15, **asked, effort=1e-6, seconds=s) for s in (300.0, 3000.0)]
    assert found[0].summary["ended"] == "steps"
    assert found[0].gap > 0
    pd.testing.assert_frame_equal(found[0].sites, found[1].sites)
    assert (found[0].value, found[0].bound) == (found[1].value, found[1].bound)
    assert "clock" not in choice_summary(found[0])


def test_more_effort_bounds_no_worse() -> None:
    times, people, sites = grown(90, 900)
    low, high = (ask(times, people, sites, objective="backup", sites=6, effort=effort) for effort in (1e-6, 0.003))
    assert low.bound >= high.bound >= high.value >= low.value
    assert high.bound < low.bound


class Looks:
    """Stands for HiGHS: calls back as often as it is let go on."""

    def __init__(self) -> None:
        self.cbMipInterrupt, self.called = self, list[Any]()  # as HiGHS names it

    def __iadd__(self, called: Any) -> "Looks":
        self.called.append(called)
        return self

    def many(self, nodes: int, primal: float, dual: float) -> int:
        """Return after how many looks it is stopped."""
        stopped: list[int] = []
        told = SimpleNamespace(mip_node_count=nodes, mip_primal_bound=primal, mip_dual_bound=dual)
        event = SimpleNamespace(data_out=told, interrupt=lambda: stopped.append(1))
        for look in range(1, 10_000):
            self.called[0](event)
            if stopped:
                return look
        raise AssertionError("never stopped")


def looks(
    rows: int, entries: int, *, nodes: int = 0, primal: float = 0.0, dual: float = -1.0, known: bool = True
) -> int:
    """Return how many looks one unit of effort allows HiGHS at a programme of rows alike."""
    solver, programme = Looks(), Rows()
    programme.add(rows, np.repeat(np.arange(rows), entries), np.tile(np.arange(entries), rows), 1.0)
    count_steps(solver, Work(1.0, np.inf), programme, np.inf, known=known)
    return solver.many(nodes, primal, dual)


def test_a_look_at_many_rows_counts_more_before_branching() -> None:
    """Of 10,000 rows that link columns it takes two seconds: a thousand such looks were half an hour."""
    assert 15 < looks(10_000, 3) < 60
    assert looks(10_000, 3) == np.ceil(STEPS / (40_000 + CUTTING * (10_000 - LINKING) ** 2))
    before = [looks(rows, 3, dual=-np.inf) for rows in (10_000, 60_000, 100_000)]
    assert before[0] == np.ceil(STEPS / (40_000 + RELAXING * (10_000 - LINKING)))
    assert before[1] > 2 >= before[2]  # it looks twice before the first relaxation, which is then not begun
    assert looks(10_000, 3, nodes=1) == STEPS / 40_000
    assert looks(10_000, 3, primal=np.inf) < 60
    assert looks(10_000, 3, primal=np.inf, known=False) == STEPS / 40_000  # a set must be found first
    assert looks(10_000, 2) == np.ceil(STEPS / 30_000)  # rows that bound one column by another
    assert looks(LINKING, 3) == np.ceil(STEPS / (4 * LINKING))


def test_a_large_programme_ends_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    times, people, sites = grown(60, 600)
    asked: dict[str, Any] = {"objective": "backup", "sites": 6, "minutes": 15, "effort": 0.01}
    small = ask(times, people, sites, **asked)
    monkeypatch.setattr(exact, "LINKING", 10)
    monkeypatch.setattr(exact, "CUTTING", 100.0)
    large = [ask(times, people, sites, **asked, seconds=seconds) for seconds in (300.0, 3000.0)]
    assert {one.summary["ended"] for one in large} == {"steps"}
    assert large[0].bound == large[1].bound > small.bound >= small.value >= large[0].value > 0


@pytest.mark.parametrize("asked", [{"objective": "backup"}, {"objective": "median"}])
def test_what_the_clock_ended_is_said(asked: dict[str, Any]) -> None:
    times, people, sites = grown(90, 900)
    hasty = ask(times, people, sites, sites=6, minutes=15, **asked, seconds=1e-3)
    assert hasty.summary["ended"] == "clock"
    assert "ended by the clock: another machine may give another set" in choice_summary(hasty)
    assert "arrêté par l’horloge" in choice_summary(hasty, language="fr")


def test_a_proof_a_gap_and_greedy_are_said() -> None:
    times, people, sites = grown()
    assert ask(times, people, sites, sites=6).summary["ended"] == "proven"
    assert ask(times, people, sites, objective="backup", sites=6, gap=0.9).summary["ended"] in ("gap", "proven")
    assert ask(times, people, sites, sites=6, method="greedy").summary["ended"] == "greedy"
    phased = ask_phases(times, people, sites, phases=(2, 4))
    assert phased.summary["ended"] == "proven"
    phased = ask_phases(times, people, sites, phases=(2, 4), objective="backup", seconds=1e-3)
    assert phased.summary["ended"] == "clock"


def test_a_search_by_swaps_and_bounds_counts_its_visits() -> None:
    random = np.random.default_rng(7)
    table = random.uniform(0, 100, (100, 30))
    ptr, site = np.arange(0, 100 * 30 + 1, 30), np.tile(np.arange(30), 100)
    demands = Demands(ptr, site, table.ravel(), random.integers(1, 9, 100).astype(float), 30, 100.0)
    whole = median_search(demands, 5)
    assert whole.visits >= whole.iterations * 100  # every iteration looks at each demand's pairs at least
    little = median_search(demands, 5, effort=Effort(visits=whole.visits / 10))
    assert whole.visits / 10 <= little.visits < whole.visits / 2
    assert little.bound <= whole.bound <= whole.objective <= little.objective
    assert not whole.late
    work = Work(1.0, 100.0)
    again = median_within(work, demands, 5, fixed=None, barred=None, effort=Effort())
    assert replace(again, settled=None, chosen=None) == replace(whole, settled=None, chosen=None)  # type: ignore[arg-type]
    assert work.steps == pytest.approx(STEPS - whole.visits / VISITS)


def corners(**columns: Any) -> gpd.GeoDataFrame:
    ids = list("ABCDE")
    places = gpd.points_from_xy(np.arange(5) * 1000.0, np.zeros(5))
    return gpd.GeoDataFrame(columns, index=pd.Index(ids, name="site"), geometry=places, crs="EPSG:32631")


TWO = ["existing", "existing", "candidate", "candidate", "candidate"]


@pytest.mark.parametrize(
    ("columns", "asked", "text"),
    [
        ({"status": TWO}, {"sites": 1}, "sites is 1, but 2 sites exist or are required and count too"),
        ({"status": TWO}, {"sites": 6}, "sites is 6, but only 5 sites may be open"),
        ({"status": TWO}, {"phases": (1, 3)}, "phases is 1, but 2 sites exist"),
        ({"cost": 900.0}, {"budget": 500.0}, "budget is 500, but with the cheapest candidate open 900 are spent"),
        ({"cost": 900.0}, {"phase_budgets": (500.0, 1000.0)}, "phase_budgets is 500, but with the cheapest"),
        ({"cost": 900.0}, {"budget": 1500.0, "sites": 2}, "no set of 2 sites meets the conditions"),
        ({}, {"budget": 500.0}, "no candidate has a cost"),
        ({}, {"sites": 4, "spacing_m": 1500.0}, "no set of 4 sites meets the conditions; .*the most 3"),
        (
            {"zone": list("rrruu")},
            {"sites": 2, "quotas": ({"column": "zone", "value": "r", "at_least": 2},
                                    {"column": "zone", "value": "u", "at_least": 1})},
            "no set of 2 sites meets the conditions; .*the fewest that do are 3",
        ),
    ],
)  # fmt: skip
def test_what_no_set_can_meet_is_refused_before_any_way_is_known(
    columns: dict[str, Any], asked: dict[str, Any], text: str
) -> None:
    with pytest.raises(sp.SiteplanError, match=text):
        refuse_impossible(corners(**columns), question_of(asked))


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({"status": TWO}, {"sites": 2}),
        ({"cost": 900.0}, {"budget": 0.0}),  # nothing new
        ({"cost": 900.0}, {"budget": 900.0}),
        ({}, {"sites": 3, "spacing_m": 1500.0}),
        ({}, {"objective": "share", "share": 0.5}),
        ({"capacity": 1.0}, {"sites": 1, "capacities": True}),
    ],
)
def test_what_a_set_can_meet_is_not(columns: dict[str, Any], asked: dict[str, Any]) -> None:
    refuse_impossible(corners(**columns), question_of(asked))


def test_out_of_steps_without_any_set_is_said() -> None:
    times, people, sites = grown(60, 600)
    with pytest.raises(
        StudyError, match=r"no set of sites was found in the steps that were allowed\. Allow more effort"
    ):
        ask(times, people, sites, sites=6, territory="commune", floors="most", effort=1e-9)
