"""Reach, each question against a slow twin, in parts and in any order."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.analysis.access import cell_access
from siteplan.analysis.change import gained_lost
from siteplan.analysis.coverage import by_way
from siteplan.analysis.equity import access_shares, shortfall, sites_in_reach
from siteplan.analysis.reach import added, coverage, decayed_reach, overlap, reach
from siteplan.catalogue import BEST
from siteplan.config import Decay
from siteplan.errors import InputError, StudyError
from siteplan.reachable import People, Reach, site_positions
from siteplan.siting.choose import choose_sites
from tests.oracles import square
from tests.test_reach import PEOPLE, SITES, WALK, table, worlds

World = tuple[pd.DataFrame, pd.DataFrame, list[str]]
OPENED = st.lists(st.sampled_from("ABCDE"), unique=True)
ROWS = ("sites", "modes", "site", "point", "minutes", "starts")


def rows_of(times: pd.DataFrame, mode: str, opened: list[str]) -> list[tuple[Any, ...]]:
    """Site, point, minutes and mode of all rows of a mode and of the open sites."""
    rows = times[["site", "point", "minutes", "mode"]].itertuples(index=False, name=None)
    return [row for row in rows if mode in (row[3], BEST) and row[0] in opened]


@given(world=worlds(), some=OPENED, limit=st.integers(1, 20))
@settings(max_examples=150, deadline=None)
def test_every_question_equals_the_slow_twin(world: World, some: list[str], limit: int) -> None:
    times, people, _ = world
    asked = Reach.of(times, people)
    names, modes = list(times["site"].cat.categories), list(times["mode"].cat.categories)
    opened = [site for site in names if site in some]
    assert asked.names == [*modes, BEST][: len(modes) + (len(modes) > 1)]
    for mode in asked.names:
        every, rows = rows_of(times, mode, names), rows_of(times, mode, opened)
        pairs = {(site, point): min(m for s, p, m, _ in every if (s, p) == (site, point)) for site, point, *_ in every}
        found = asked.pairs(mode)
        told = zip([names[at] for at in found.site], found.point.tolist(), found.minutes.tolist(), strict=True)
        assert [*told] == [(*pair, pairs[pair]) for pair in sorted(pairs)]
        nearest = asked.nearest(mode, opened)
        least, covered = asked.least(mode, opened), asked.covered(mode, limit, opened)
        choices = asked.choices(mode, limit, opened)
        for point in people.index:
            here = [row for row in rows if row[1] == point]
            minutes = min((row[2] for row in here), default=np.inf)
            assert least[point] == nearest.minutes[point] == minutes
            assert covered[point] == (minutes <= limit)
            assert choices[point] == len({row[0] for row in here if row[2] <= limit})
            best = min(((modes.index(row[3]), row[0]) for row in here if row[2] == minutes), default=None)
            site, way = int(nearest.site[point]), int(nearest.mode[point])
            assert (None if site < 0 else (way, names[site])) == best
        amounts = people["people"].fillna(0.0)
        counted = asked.count(mode, limit, opened, groups=())
        assert counted == {"people": pytest.approx(amounts[covered].sum())}
        reached = {site: {p for (s, p), m in pairs.items() if s == site and m <= limit} for site in names}
        by_site = asked.by_site(asked.within(mode, limit), asked.people.amount("people"))
        assert by_site == pytest.approx([amounts[sorted(reached[site])].sum() for site in names])
        both = {(one, two): amounts[sorted(reached[one] & reached[two])].sum() for one in names for two in names}
        shared = {(names[one], names[two]): people for one, two, people in zip(*asked.shared(mode, limit), strict=True)}
        assert shared == pytest.approx({pair: people for pair, people in both.items() if people and len({*pair}) == 2})
        order = [(names.index(one), -people, names.index(two)) for (one, two), people in shared.items()]
        assert order == sorted(order)


def whole_people(people: pd.DataFrame) -> pd.DataFrame:
    return people.assign(people=people["people"].round(), workers=(people["people"] / 3).round())


@given(world=worlds(), cut=st.lists(st.integers(0, 2), min_size=7, max_size=7))
@settings(max_examples=100, deadline=None)
def test_counts_of_the_parts_add_up_to_the_whole_to_the_bit(world: World, cut: list[int]) -> None:
    times, people, status = world
    people = whole_people(people)
    sites = pd.DataFrame({"status": status}, index=pd.Index(times["site"].cat.categories, name="site"))
    whole = Reach.of(times, people)
    parts = [whole.only([point for point in people.index if cut[point] == part]) for part in range(3)]
    assert sum(len(part.points) for part in parts) == len(people)
    for count in (
        lambda each: reach(each),
        lambda each: added(each, None, sites),
        lambda each: square(overlap(each), sites.index),
        lambda each: coverage(each).set_index(["mode", "minutes"])[["people", "workers"]],
        lambda each: access_shares(each).set_index(["group", "mode", "minutes"])[["people", "covered"]],
        lambda each: sites_in_reach(each).set_index(["group", "mode", "minutes", "sites"])[["people"]],
    ):
        total = sum(count(part) for part in parts)
        pd.testing.assert_frame_equal(total, count(whole), check_exact=True)


@given(world=worlds(), some=st.lists(st.integers(0, 6), unique=True))
@settings(max_examples=60, deadline=None)
def test_only_some_points_are_as_if_made_of_their_rows_alone(world: World, some: list[int]) -> None:
    times, people, _ = world
    shuffled = times.sample(frac=1, random_state=1)
    found = Reach.of(shuffled, people).only(some)
    alone = Reach.of(shuffled[shuffled["point"].isin(some)], people[people.index.isin(some)])
    for name in (*ROWS, "points"):
        assert list(getattr(found, name)) == list(getattr(alone, name)), name
    assert found.column("minutes").tolist() == found.minutes.tolist()


@given(world=worlds(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_rows_and_points_in_any_order_make_the_same(world: World, seed: int) -> None:
    times, people, _ = world
    one, other = Reach.of(times, people), Reach.of(times.sample(frac=1, random_state=seed), people.iloc[::-1])
    for name in ROWS:
        assert list(getattr(one, name)) == list(getattr(other, name)), name
    pd.testing.assert_frame_equal(one.people.table, other.people.table)


@given(world=worlds(), cut=st.lists(st.integers(0, 3), min_size=5, max_size=5), some=OPENED, seed=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_sites_cut_into_tiles_count_to_the_bit_as_all_of_them_at_once(
    world: World, cut: list[int], some: list[str], seed: int
) -> None:
    times, people, status = world
    names = times["site"].cat.categories
    sites = pd.DataFrame({"status": status}, index=pd.Index(names, name="site"))
    tile = times["site"].cat.codes.map(dict(enumerate(cut)))

    def table_of(number: int) -> Callable[[], pd.DataFrame]:
        return lambda: times[tile == number].sample(frac=1, random_state=seed)

    whole, opened = Reach.of(times, people), [site for site in names if site in some]
    with TemporaryDirectory() as folder:
        cut_up = Reach.of_tiles([table_of(number) for number in range(4)], people, Path(folder))
        assert_alike(cut_up, whole, sites, opened)


def assert_alike(cut_up: Reach, whole: Reach, sites: pd.DataFrame, opened: list[str]) -> None:
    limits = {mode: [5 + at, 12] for at, mode in enumerate(whole.modes)}
    for function in (
        lambda each: reach(each),
        lambda each: reach(each, minutes=limits),
        lambda each: added(each, None, sites, minutes=limits),
        lambda each: decayed_reach(each, decay=Decay("linear", 20)),
        lambda each: coverage(each, minutes=limits),
        lambda each: square(overlap(each), sites.index),
        lambda each: cell_access(each, opened=opened),
        lambda each: access_shares(each, opened=opened),
        lambda each: sites_in_reach(each, opened=opened),
        lambda each: shortfall(each, opened=opened),
        lambda each: by_way(each, {"some": opened}, [9, 15]),
        lambda each: reach(each.only([1, 2, 4])),
        lambda each: each.times.sort_values(["mode", "site", "point"], ignore_index=True),
    ):
        pd.testing.assert_frame_equal(function(cut_up), function(whole), check_exact=True)
    for name in ROWS:
        assert list(getattr(cut_up, name)) == list(getattr(whole, name)), name
    assert cut_up.column("minutes").tolist() == whole.column("minutes").tolist()
    for mode in whole.names:
        assert all(cut_up.nearest(mode).site == whole.nearest(mode).site)
    assert cut_up.facts() == whole.facts()


def test_tables_of_tiles_are_opened_once_and_what_is_counted_lies_in_files(tmp_path: Path) -> None:
    times = table(walk=WALK)
    names, opened = list(times["site"].cat.categories), []

    def of_site(site: str) -> pd.DataFrame:
        opened.append(site)
        return times[times["site"] == site]

    cut_up = Reach.of_tiles([lambda site=site: of_site(site) for site in names], PEOPLE, tmp_path)
    for function in (reach, coverage, access_shares):
        assert function(cut_up).equals(function(times, PEOPLE))
    assert opened == names
    assert all(isinstance(part.minutes.base, np.memmap) for part in cut_up.parts())


@given(world=worlds())
@settings(max_examples=40, deadline=None)
def test_a_reach_gives_what_its_tables_give(world: World) -> None:
    times, people, status = world
    sites = pd.DataFrame({"status": status}, index=pd.Index(times["site"].cat.categories, name="site"))
    asked = Reach.of(times, people)
    for function in (reach, coverage, overlap, cell_access, access_shares, sites_in_reach, shortfall):
        pd.testing.assert_frame_equal(function(asked), function(times, people), check_exact=True)
        pd.testing.assert_frame_equal(function(asked, people.copy()), function(times, people), check_exact=True)
    pd.testing.assert_frame_equal(added(asked, None, sites), added(times, people, sites), check_exact=True)
    both = gained_lost(asked, asked, None), gained_lost(times, times, people)
    pd.testing.assert_frame_equal(*both, check_exact=True)


def test_a_choice_of_a_reach_is_that_of_its_tables() -> None:
    times = table(walk=WALK)
    one = choose_sites(Reach.of(times, PEOPLE), None, SITES, count=3)
    other = choose_sites(times, PEOPLE, SITES, count=3)
    pd.testing.assert_frame_equal(one.sites, other.sites, check_exact=True)


def test_other_people_beside_a_reach_are_refused() -> None:
    asked = Reach.of(table(walk=WALK), PEOPLE)
    assert Reach.of(asked, PEOPLE) is asked
    with pytest.raises(InputError, match="people: others than those that the Reach was made of"):
        reach(asked, PEOPLE.assign(people=1.0))


def test_without_people_every_point_counts_once() -> None:
    assert Reach.of(table(walk=WALK)).count("walk", 15) == {"people": 4}


def test_people_know_their_groups_and_count_nobody_where_withheld() -> None:
    people = People.of(PEOPLE.assign(x=1.0, name="here", people=[np.nan, 2, 4, 8, 16, 32]).reset_index())
    assert people.groups == ["workers"]
    assert people.amount("people").tolist() == [0, 2, 4, 8, 16, 32]
    assert People.of(people) is people
    for wrong, message in (("name", "column name holds .*, expected numbers"), ("women", "no column 'women'")):
        with pytest.raises(InputError, match=message):
            people.amount(wrong)
    with pytest.raises(InputError, match=r"no column cell \(found: people\)"):
        _ = People.of(PEOPLE[["people"]]).cell


def test_unknown_sites_and_modes_are_named() -> None:
    asked = Reach.of(table(walk=WALK), PEOPLE)
    with pytest.raises(InputError, match="opened: 1 sites are not in the times, first 'X'"):
        asked.least("walk", ["A", "X"])
    with pytest.raises(StudyError, match="opened: 'A' is a text"):
        asked.least("walk", "A")
    with pytest.raises(StudyError, match="somebody: no mode 'car' in the times"):
        asked.chosen_mode("car", "somebody")
    with pytest.raises(InputError, match="1 sites are not in the sites table, first 'D'"):
        site_positions(asked.sites, SITES.index[:3])
