"""One question, one object an objective: the field's names, ways without a limit, and an objective of one's own."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siteplan as sp
from siteplan import objectives
from siteplan.config import Question, Study
from siteplan.errors import SiteplanWarning, StudyError
from siteplan.objectives import Objective
from siteplan.output.terminal import choice_summary
from tests.test_report import WHOLE, asked, page_of, text_of, town

FIELD = {"mclp": "coverage", "lscp": "share", "p-median": "median", "p_median": "median", "P-Center": "center"}


def place(minutes: Any, people: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return tables of a full array of minutes, points by sites; infinite is out of reach."""
    minutes = np.asarray(minutes, dtype=float)
    point, site = np.nonzero(np.isfinite(minutes))
    names = np.array([f"s{number}" for number in range(minutes.shape[1])])
    times = pd.DataFrame({"site": names[site], "point": point, "minutes": minutes[point, site]})
    index = pd.RangeIndex(len(minutes), name="point")
    return times, pd.DataFrame({"people": people}, index=index), pd.DataFrame(index=pd.Index(names, name="site"))


@pytest.mark.parametrize(("name", "meant"), FIELD.items())
def test_the_names_of_the_field_are_names_of_objectives(name: str, meant: str) -> None:
    given = {"objective": name} | ({} if meant == "share" else {"sites": 2})
    assert Question(**given).objective == meant
    study = Study.model_validate({"choose": given})
    assert study.choose is not None
    assert study.choose.objective == meant


@settings(max_examples=60)
@given(st.data())
def test_without_a_limit_the_p_median_is_hakimi_s_and_the_p_center_is_the_longest_way(data: st.DataObject) -> None:
    many, points = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 8))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    minutes, people = random.integers(0, 300, (points, many)), random.integers(0, 40, points).astype(float)
    people[0] += 1
    count = data.draw(st.integers(1, many))
    tables = place(minutes, people)
    sets = [minutes[:, some].min(axis=1) for some in itertools.combinations(range(many), count)]
    median = sp.choose_sites(*tables, count=count, objective="p-median")
    assert median.value == pytest.approx(min(float(people @ way) for way in sets))
    assert median.gap == 0
    center = sp.choose_sites(*tables, count=count, objective="p-center")
    assert center.value == min(float(way[people > 0].max()) for way in sets)
    assert not median.summary["limited"]
    # Of all sets with the shortest longest way, one of the least people-minutes.
    near = [float(people @ way) for way in sets if way[people > 0].max() == center.value]
    assert float((people * minutes[:, np.isin(tables[2].index, center.sites.index)].min(axis=1)).sum()) == min(near)


def test_a_table_that_ends_before_the_ways_do_is_told() -> None:
    tables = place([[5, 90], [np.inf, 10], [60, 20]], [10.0, 5.0, 8.0])
    with pytest.warns(SiteplanWarning, match=r"1 of 3 points with people have no time to some .* counts 180 minutes"):
        choice = sp.choose_sites(*tables, count=1, objective="median")
    assert choice.sites.index.tolist() == ["s1"]
    assert choice.value == 10 * 90 + 5 * 10 + 8 * 20
    # A limit, or a penalty, says what the farthest count: nothing is missing then.
    assert sp.choose_sites(*tables, count=1, minutes=15, objective="median").value == 10 * 5 + 5 * 30 + 8 * 30
    capped = sp.choose_sites(*tables, {"penalty": 50}, count=1, objective="median")
    assert capped.value == 10 * 5 + (5 + 8) * 50
    assert choice_summary(capped).startswith("median: 700 minutes for 23 people together (13 whom none serves with 50)")


def test_a_study_without_a_limit_searches_far_but_needs_no_more_ground() -> None:
    def study(**asked: Any) -> Study:
        return Study.model_validate({"choose": {"sites": 2, **asked}, "travel": {"minutes": [15, 20]}})

    assert (study().limit, study().ground) == (20, 20)
    assert (study(objective="median").limit, study(objective="median").ground) == (240, 20)
    assert study(objective="median", minutes=30).limit == 30
    assert study(objective="p-center", penalty=60).limit == 60


def test_a_question_is_one_thing_however_it_is_asked() -> None:
    tables = place([[5, 9], [12, 3], [4, 14]], [10.0, 5.0, 8.0])
    asked = {"sites": 1, "objective": "median", "minutes": 10}
    one = sp.choose_sites(*tables, Question(**asked))
    for other in (
        sp.choose_sites(*tables, asked),
        sp.choose_sites(*tables, count=1, objective="p_median", minutes=10),
        sp.choose_sites(*tables, Question(sites=2), count=1, objective="median", minutes=10),
    ):
        assert other.sites.to_csv() == one.sites.to_csv()
        assert other.summary == one.summary


@pytest.mark.parametrize(
    ("question", "given", "said"),
    [
        ({"site": 2}, {}, "site: unknown key; did you mean 'sites'?"),
        ({}, {"count": 9}, "count is 9, but only 2 sites may be open. Ask for 2 or fewer"),
        ({"sites": 9}, {}, "sites is 9, but only 2 sites may be open. Ask for 2 or fewer"),
        ({}, {}, "the question names neither sites (how many) nor a budget; expected one of them (count=, budget=)"),
        (5, {}, "question: found 5, expected Question or a dictionary or None"),
        ({"sites": 1, "penalty": 40}, {}, "penalty: is for objective median; ask for that, or leave it out"),
        ({"sites": 1, "capacities": "desks"}, {}, "capacities is desks, which a study alone knows; give True"),
        ({"phases": [1, 2]}, {}, "phases: are for deploy, which opens sites in phases. Ask that, or leave them out"),
    ],
)
def test_python_is_told_in_its_own_words(question: Any, given: dict[str, Any], said: str) -> None:
    tables = place([[5, 9], [12, 3]], [10.0, 5.0])
    with pytest.raises(StudyError) as refused:
        sp.choose_sites(*tables, question, **given)
    assert str(refused.value) == said


def test_an_objective_of_ones_own_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody counts by the minutes saved, but of those no more than the first ten: one object, no other file."""
    own = Objective(
        "first_ten",
        "most minutes saved, ten a person at most",
        {
            "told": "{value} minutes saved for {everybody}",
            "aim": "{people} {who} save as many of the first ten minutes as possible",
            "worth": "That saves {value} of the first ten minutes.",
            "unit": "{value} minutes saved",
            "value": "Minutes saved",
        },
        also=("ten",),
        worth=lambda minutes, penalty, weights: np.minimum(10.0, penalty - minutes),
    )
    monkeypatch.setattr(objectives, "OBJECTIVES", (*objectives.OBJECTIVES, own))
    random = np.random.default_rng(3)
    minutes, people = random.integers(0, 20, (30, 7)), random.integers(1, 30, 30).astype(float)
    worth = np.where(minutes <= 9, np.minimum(10.0, 18.0 - minutes), 0.0)
    best = max(float(people @ worth[:, some].max(axis=1)) for some in itertools.combinations(range(7), 3))
    choice = sp.choose_sites(*place(minutes, people), count=3, minutes=9, objective="ten")
    assert choice.value == pytest.approx(best)
    assert choice.gap == 0
    assert choice_summary(choice).startswith(f"first_ten: {best:,.0f} minutes saved for {people.sum():,.0f} people")
    phases = sp.deploy(*place(minutes, people), {"objective": "ten"}, counts=[1, 3], minutes=9).phases
    assert phases is not None
    assert phases["alone"].iloc[-1] == pytest.approx(best)
    told = {"objective": "first_ten", "value": 70.0, "bound": 70.0, "gap": 0.0, "greedy": 70.0, "summary": {}}
    page = page_of(**town(choice=WHOLE, manifest=asked(told, objective="first_ten", minutes=4.0)))
    assert "save as many of the first ten minutes as possible" in text_of(page, "question")
    assert "That saves 70 of the first ten minutes." in text_of(page, "answer")
    assert "The set gives 70 minutes saved." in text_of(page, "chosen_sites")


@pytest.mark.parametrize(("language", "said"), [("en", "however far"), ("fr", "si loin soit-il")])
def test_a_report_on_ways_without_a_limit_names_none(language: str, said: str) -> None:
    told = {"objective": "median", "value": 220.0, "bound": 220.0, "gap": 0.0, "greedy": 220.0}
    summary = {"people": 110.0, "minutes": 41.0, "limited": False, "penalty": 82.0}
    free, limited = (
        render(language, asked({**told, "summary": summary}, objective="median", **more))
        for more in ({}, {"minutes": 4})
    )
    assert said in free[0]
    assert "82" in free[1]
    assert "4 minutes" not in free[0]
    assert said not in limited[0]
    assert "82" in limited[0]


def render(language: str, manifest: dict[str, Any]) -> tuple[str, str]:
    page = page_of(**town(choice=WHOLE, manifest=manifest, language=language))
    return text_of(page, "question"), text_of(page, "answer")
