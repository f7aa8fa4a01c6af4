"""Who can go how: counted by splitting points, against a twin that asks of every person by which modes they can go."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siteplan as sp
from siteplan.config import Public
from siteplan.errors import InputError, StudyError
from siteplan.publics import aligned_publics, by_public
from siteplan.study import choose
from siteplan.study.reading import read_study
from subsets import ask
from tests.town import write_bus, write_town

WHO = [
    Public(name="cycling", share={"people": 0.4, "old": 0.1}),
    Public(name="others", share={"people": 0.6, "old": 0.9}, modes=("walk", "bus")),
]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw minutes by three modes, people and sites."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    many, points = draw(st.integers(2, 5)), draw(st.integers(1, 7))
    rows = [
        (f"s{site}", point, mode, float(random.integers(1, 15)))
        for site, point, mode in itertools.product(range(many), range(points), ("walk", "bike", "bus"))
        if random.random() < 0.5
    ]
    times = pd.DataFrame(rows, columns=["site", "point", "mode", "minutes"])
    # Multiples of 2,560, so that every share of them is whole in parts of a 1,024th.
    people = {"people": random.integers(0, 9, points) * 2560.0, "old": random.integers(0, 5, points) * 2560.0}
    sites = pd.DataFrame({"status": "candidate"}, index=pd.Index([f"s{site}" for site in range(many)], name="site"))
    return times, pd.DataFrame(people, index=pd.RangeIndex(points, name="point")), sites


def nearest(times: pd.DataFrame, point: int, opened: Any, public: Public) -> list[float]:
    """Return the least minutes to each of the open sites that one of a public can go to."""
    least: dict[str, float] = {}
    for site, at, mode, minutes in zip(*(times[name] for name in ("site", "point", "mode", "minutes")), strict=True):
        if at == point and site in opened and public.uses(mode):
            least[site] = min(minutes, least.get(site, minutes))
    return list(least.values())


def worth(objective: str, near: list[float], limit: float) -> float:
    """Return what one person counts."""
    inside = [each for each in near if each <= limit]
    if objective == "coverage":
        return float(bool(inside))
    if objective == "backup":
        return float(len(inside) >= 2)
    if objective == "gravity":
        return max((1 - each / 20 for each in inside), default=0.0)
    return min(inside, default=2 * limit)


@pytest.mark.parametrize("objective", ["coverage", "backup", "gravity", "median"])
@settings(max_examples=25, deadline=None)
@given(world=worlds(), count=st.integers(1, 2))
def test_choices_count_what_is_expected_of_everybody(objective, world, count):
    times, people, sites = world
    limit = 10.0
    if times.empty or not (times["minutes"] <= limit).any() or not people["people"].any():
        return
    more = {"decay": lambda minutes: 1 - minutes / 20} if objective == "gravity" else {}
    choice = ask(*by_public(times, people, WHO), sites, objective=objective, sites=count, minutes=limit, **more)

    def value(opened: Any) -> float:
        return sum(
            people.loc[point, "people"] * public.share_of("people") * worth(objective, near, limit)
            for point in people.index
            for public in WHO
            for near in [nearest(times, point, opened, public)]
        )

    best = (min if objective == "median" else max)(map(value, itertools.combinations(sites.index, count)))
    assert choice.value == pytest.approx(best, rel=1e-6, abs=0.5)
    assert value(choice.sites.index) == pytest.approx(choice.value, rel=1e-6, abs=0.5)


@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_people_are_counted_by_the_modes_they_can_use(world):
    times, people, _ = world
    if times.empty:
        return
    table = sp.coverage(*by_public(times, people, WHO), minutes=[5, 10])
    for _, row in table.iterrows():
        for group in ("people", "old"):
            expected = 0.0
            for point, public in itertools.product(people.index, WHO):
                here = times if row["mode"] == "best" else times[times["mode"] == row["mode"]]
                near = nearest(here, point, times["site"].unique(), public)
                if near and min(near) <= row["minutes"]:
                    expected += people.loc[point, group] * public.share_of(group)
            assert row[group] == pytest.approx(expected, abs=0.05)


def test_the_parts_of_a_point_are_its_people_to_the_bit():
    people = pd.DataFrame({"people": [0.0, 1.0, 1 / 3, 12345.6, 3 / 1024, np.nan]}, index=pd.Index(list("abcdef")))
    people.index.name = "point"
    who = [Public(name=name, share=share) for name, share in zip("xyz", (0.49, 0.49, 0.02), strict=True)]
    times = pd.DataFrame({"site": "A", "point": list("abcdef"), "mode": "walk", "minutes": 1.0})
    _, split = by_public(times, people, who)
    assert (split["people"].fillna(0.0) >= 0).all()
    back = split.groupby("home_point")["people"].sum(min_count=1).reindex(people.index)
    pd.testing.assert_series_equal(back, people["people"], check_names=False, rtol=0, atol=1e-12)
    assert list(split["public"][:3]) == ["x", "y", "z"]


def test_everybody_as_one_public_counts_as_before():
    times = pd.DataFrame(
        {"site": ["A", "B", "B"], "point": [0, 0, 1], "mode": ["walk", "bike", "bike"], "minutes": 5.0}
    )
    people = pd.DataFrame({"people": [10, 20], "old": [1, 2]}, index=pd.RangeIndex(2, name="point"))
    one = [Public(name="all", share=1)]
    pd.testing.assert_frame_equal(sp.reach(*by_public(times, people, one)), sp.reach(times, people))
    assert by_public(times, people, [])[0] is times


def test_floors_and_capacities_hold_for_publics():
    times = pd.DataFrame(
        {"site": ["A", "B", "B"], "point": [0, 0, 1], "mode": ["bike", "walk", "walk"], "minutes": [3.0, 9.0, 4.0]}
    )
    people = pd.DataFrame({"people": [1000.0, 100.0], "zone": ["x", "y"]}, index=pd.RangeIndex(2, name="point"))
    sites = pd.DataFrame({"status": "candidate", "capacity": [300.0, 500.0]}, index=pd.Index(["A", "B"], name="site"))
    split = by_public(times, people, WHO)
    # A reaches the 400 who cycle; B everybody. With room for 300 and 500, B serves most.
    assert ask(*split, sites, sites=1, minutes=10).value == 1100
    assert ask(*split, sites, sites=1, minutes=10, capacities=True).value == pytest.approx(500, abs=0.01)
    assert ask(*split, sites, sites=2, minutes=10, capacities=True).value == pytest.approx(800, abs=0.01)
    choice = ask(*split, sites, sites=1, minutes=10, floors={"x": 0.5}, territory="zone")
    assert list(choice.sites.index) == ["B"]
    assert choice.summary["territories"]["x"] == 1.0
    with pytest.raises(StudyError, match="no set of sites covers"):
        ask(
            *by_public(times[times["site"] == "A"], people, WHO),
            sites,
            sites=1,
            minutes=10,
            floors={"x": 0.5},
            territory="zone",
        )


@pytest.mark.parametrize(
    ("publics", "told"),
    [
        ([Public(name="a", share=0.5)], "the shares of people sum to 0.5, expected 1"),
        ([Public(name="a", share=0.5), Public(name="a", share=0.5)], "two are called 'a'"),
        ([Public(name="a", share=1, modes=("walk",))], "nobody can use the mode 'bike'"),
        ([Public(name=f"p{n}", share=1 / 20) for n in range(20)], "at most 16"),
        ([Public(name="a", share={"old": 1.0})], "a: no share of people"),
    ],
)
def test_publics_that_are_not_everybody_are_refused(publics, told):
    times = pd.DataFrame({"site": "A", "point": [0, 0], "mode": ["walk", "bike"], "minutes": 5.0})
    people = pd.DataFrame({"people": [10]}, index=pd.RangeIndex(1, name="point"))
    with pytest.raises(StudyError, match=told):
        by_public(times, people, publics)


def test_groups_of_any_name_are_counted_or_refused():
    times = pd.DataFrame({"site": ["A"], "point": [0], "mode": ["walk"], "minutes": [5.0]})
    people = pd.DataFrame({"people": [10], "home": [4]}, index=pd.RangeIndex(1, name="point"))
    for world in ((times, people), by_public(times, people, [Public(share=1)])):
        assert sp.reach(*world, minutes=15)["home_walk_15"].tolist() == [4.0]
    with pytest.raises(InputError, match="a column is called public, which a split"):
        by_public(times, people.assign(public=1), [Public(share=1)])


def test_a_point_that_nobody_knows_is_named():
    times = pd.DataFrame({"site": "A", "point": [0, 7], "mode": ["walk", "bike"], "minutes": 5.0})
    with pytest.raises(InputError, match="row 1: '7'"):
        by_public(times, pd.DataFrame({"people": [10]}, index=pd.RangeIndex(1, name="point")), [Public(share=1)])


def test_times_without_a_mode_say_nothing_of_who_can_go():
    times = pd.DataFrame({"site": "A", "point": [0], "minutes": 5.0})
    people = pd.DataFrame({"people": [10]}, index=pd.RangeIndex(1, name="point"))
    with pytest.raises(StudyError, match="do not say by which mode"):
        by_public(times, people, WHO)


def test_where_no_site_reaches_anybody_everybody_is_there_and_nobody_reached():
    none = pd.DataFrame({"site": ["A"], "point": [0], "minutes": [5.0], "mode": ["walk"]}).iloc[:0]
    people = pd.DataFrame({"people": [10]}, index=pd.RangeIndex(1, name="point"))
    times, split = by_public(none, people, WHO)
    assert times.empty
    assert split["people"].sum() == 10


def test_publics_of_two_results_stand_in_one_order():
    first, second = aligned_publics(WHO, [])
    assert [each.name for each in first] == [each.name for each in second] == ["cycling", "others", "everybody"]
    assert [each.share_of("people") for each in first] == [0.4, 0.6, 0.0]
    assert [each.share_of("people") for each in second] == [0.0, 0.0, 1.0]
    assert aligned_publics([], []) == [[], []]


STUDY = """\
name: One street
inputs: {streets: streets.osm, population: people.csv, sites: sites.csv, transit: {feeds: [bus.zip], date: 2026-03-10}}
travel:
  modes: [walk, transit]
  minutes: [8, 15]
  publics: {riding: {share: 0.25}, walking: {share: 0.75, modes: [walk]}}
choose: {sites: 1}
scenarios:
  everybody rides: {set: {travel.publics: all}, choose_again: true}
"""


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_study_counts_its_publics_in_every_table(tmp_path):
    write_bus(tmp_path)
    sp.run(write_town(tmp_path, study=STUDY))
    saved = sp.Result.load(tmp_path / "results")
    split = by_public(saved.times, saved.points, saved.publics)
    assert [each.name for each in saved.publics] == ["riding", "walking"]
    counts = sp.reach(*split, minutes=[8, 15])
    pd.testing.assert_frame_equal(saved.scores[list(counts)], counts, check_dtype=False, atol=1e-6)
    alone = sp.reach(saved.times, saved.points, minutes=[15])
    assert (counts["people_transit_15"] < alone["people_transit_15"]).any()
    assert counts["people_transit_15"].tolist() == pytest.approx((0.25 * alone["people_transit_15"]).tolist(), abs=0.1)
    again = ask(*split, saved.sites, sites=1, minutes=15)
    assert list(again.sites.index) == list(saved.choice.sites.index)
    assert again.value == pytest.approx(saved.choice.value)
    who = saved.choice.assignment.groupby("public")["people"].sum()
    assert who.sum() == pytest.approx(saved.choice.summary["covered"], abs=1e-3)
    changes = saved.tables["scenarios"].query("split == 'total' and mode == 'best' and minutes == 15").iloc[0]
    everybody = sp.coverage(saved.times, saved.points, minutes=15).set_index("mode").loc["best", "people"]
    assert changes["after"] <= everybody
    report = (tmp_path / "results" / "report.html").read_text("utf-8")
    assert "Riding" in report
    assert "by public transport (with walking) (25% can)" in report


@pytest.mark.parametrize(
    ("publics", "told"),
    [
        ("{a: {share: 0.4}}", "the shares of people sum to 0.4, expected 1"),
        ("{a: {share: 1, modes: [tram]}}", "'tram' is no mode"),
        ("{a: {share: 1, modes: [walk]}}", "nobody can use the mode 'transit'"),
        ("{a: {modes: [walk]}}", "travel.publics.a.share: missing"),
        ("some", "travel.publics"),
        ("{a: {share: 2}}", "less than or equal to 1"),
    ],
)
def test_a_study_refuses_publics_that_are_not_everybody(tmp_path, publics, told):
    write_bus(tmp_path)
    study = STUDY.replace("{riding: {share: 0.25}, walking: {share: 0.75, modes: [walk]}}", publics)
    with pytest.raises(StudyError, match=told):
        sp.read_study(write_town(tmp_path, study=study))


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_choice_from_times_alone_counts_by_who_can_go(tmp_path):
    sites = [f"{site},candidate,{index},46" for index, site in enumerate("AB")]
    (tmp_path / "sites.csv").write_text("\n".join(["site,status,lon,lat", *sites]), "utf-8")
    rows = ["A,1,walk,9", "A,2,bike,9", "A,3,bike,9", "B,1,walk,9", "B,4,walk,9"]
    (tmp_path / "times.csv").write_text("\n".join(["site,point,mode,minutes", *rows]), "utf-8")
    (tmp_path / "study.yaml").write_text(
        "inputs: {sites: sites.csv, times: times.csv}\n"
        "travel: {modes: [walk, bike], minutes: [15], publics: {a: {share: 0.25}, b: {share: 0.75, modes: [walk]}}}\n"
        "choose: {sites: 1, minutes: 15}\n",
        "utf-8",
    )
    choice = choose(read_study(tmp_path / "study.yaml", needs=["sites", "times"]))
    # A is reached by 1 + 2 * 0.25, B by two on foot; if all rode, A by three.
    assert list(choice.sites.index) == ["B"]
    assert choice.summary["covered"] == pytest.approx(2.0)
