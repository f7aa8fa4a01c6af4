"""Spaces shared by the hour: Erlang's closed form, weeks by hand, demand as the case of telework alone, slow twins."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.bookings import least_spaces, seat
from siteplan.analysis.demand import DeskNeed, desk_table, desks_for_chance
from siteplan.analysis.sharing import _Around, _Bookings, _drawn, _wanted, erlang_b, share_spaces, usual_uses
from siteplan.config.questions import Demand
from siteplan.config.sharing import Sharing, Use, sharing_of
from siteplan.errors import InputError, StudyError
from siteplan.output.maps.answers import spaces_data
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.reachable import Reach
from siteplan.study.cache import Cache
from siteplan.study.load import load
from siteplan.study.progress import Means
from siteplan.study.questions import answers, check_questions
from siteplan.study.reading import read_study
from siteplan.study.sharing import sharing_tables
from siteplan.study.situation import Situation
from siteplan.study.travel import times_of
from tests.asking import section

ONE = pd.DataFrame([("s", 0, 5.0), ("t", 0, 9.0)], columns=["site", "point", "minutes"])
EVENING = {"share": 1, "times": 1, "hours": 2, "space": "meeting", "when": {"Tue 18-19": 1}}


def people(*counts: float) -> pd.DataFrame:
    return pd.DataFrame({"people": counts}, index=pd.RangeIndex(len(counts), name="point"), dtype=float)


def row(table: pd.DataFrame, **where: Any) -> pd.Series:
    kept = table[np.logical_and.reduce([table[name] == value for name, value in where.items()])]
    assert len(kept) == 1
    return kept.iloc[0]


# ---- closed forms ----


def test_erlang_by_hand_and_by_its_sum() -> None:
    assert erlang_b(0, 3.0) == 1
    assert erlang_b(1, 3.0) == pytest.approx(3 / 4)
    assert erlang_b(2, 1.0) == pytest.approx((1 / 2) / (1 + 1 + 1 / 2))
    for spaces, wanted in ((5, 4.0), (12, 20.0), (30, 2.5)):
        parts = [wanted**k / factorial(k) for k in range(spaces + 1)]
        assert erlang_b(spaces, wanted) == pytest.approx(parts[-1] / sum(parts))
    with pytest.raises(StudyError, match="0 or more"):
        erlang_b(-1, 1.0)


@pytest.mark.parametrize("stays", [(3.0,), (1.0, 9.0)])
def test_bookings_alike_at_all_hours_are_erlangs(stays: tuple[float, ...]) -> None:
    # 40,000 people who come at any hour: 4 spaces are wanted on the mean, whatever the lengths of the stays.
    wanted, spaces, each = 4.0, 6, 4.0 / len(stays)
    uses = {
        f"use {hours:g}": {
            "share": 1,
            "times": each / hours * 168 / 40_000,
            "hours": hours,
            "space": "meeting",
            "when": {"0-24": 1},
        }
        for hours in stays
    }
    there = pd.DataFrame({"meeting": [spaces]}, index=["s"])
    found = share_spaces(
        ONE[ONE["site"] == "s"], people(40_000), uses, there=there, rules={"weeks": 400, "moves": 0}
    ).spaces
    refused = row(found, site="s", space="meeting", use="all")
    exact = erlang_b(spaces, wanted)
    assert exact == pytest.approx(0.1172, abs=1e-4)
    assert refused["error"] < 0.006
    assert abs(refused["finds_none"] - exact) < 1.5 * refused["error"]  # three standard errors
    # What is not refused is held: 4 x (1 - B) of the spaces.
    assert refused["occupancy"] == pytest.approx(wanted * (1 - exact) / spaces, rel=0.02)


def test_who_takes_another_kind_of_space_is_erlangs_overflow() -> None:
    # Whoever finds no video room takes a meeting room: of 4 and 2 spaces 6 are lost to, and of 4 the others overflow.
    use = {"share": 1, "times": 4 / 3 * 168 / 40_000, "hours": 3, "space": ["video", "meeting"], "when": {"0-24": 1}}
    there = pd.DataFrame({"video": [4], "meeting": [2]}, index=["s"])
    rules = {"weeks": 400, "moves": 0}
    found = share_spaces(ONE.iloc[:1], people(40_000), {"talks": use}, there=there, rules=rules).spaces
    told, rooms = (row(found, site="s", space=kind, use="all") for kind in ("video", "meeting"))
    lost, over = erlang_b(6, 4.0), erlang_b(4, 4.0)
    assert abs(told["finds_none"] - lost) < 1.5 * told["error"]
    assert told["other_space"] == pytest.approx(over - lost, rel=0.02)
    assert told["occupancy"] == pytest.approx(4 * (1 - over) / 4, rel=0.02)
    assert rooms["occupancy"] == pytest.approx(4 * (over - lost) / 2, rel=0.02)
    # Rooms are planned for those who want them first.
    assert rooms[["bookings", "needed", "alone", "there"]].to_list() == [0, 0, 0, 2]
    alone = share_spaces(ONE.iloc[:1], people(40_000), {"talks": use | {"space": "video"}}, rules=rules).spaces
    assert told["needed"] == row(alone, site="s", space="video", use="all")["needed"]


def test_telework_alone_is_demand() -> None:
    asked = Demand(uptake=(0.05,), week=(8, 11, 10, 12, 9))
    need = DeskNeed(asked.teleworkable, asked.days, asked.fullest)
    told = Sharing.model_validate({"uses": ["telework"], "chance": 0.05}).told(asked).uses
    told = {"telework": told["telework"].model_copy(update={"group": "people"})}
    workers = 1000 / asked.teleworkable  # a thousand who can
    desks = desk_table({"s": workers}, uptakes=[0.05], need=need).iloc[0]
    found = share_spaces(ONE.iloc[:1], people(workers), told, rules={"weeks": 2000, "moves": 0})
    begun = found.week[found.week["use"] == "telework"].groupby("day", sort=False)["bookings"].sum()
    assert begun["Thursday"] == pytest.approx(desks["peak_day"])
    assert begun.mean() == pytest.approx(desks["mean_day"])
    assert row(found.spaces, site="s", use="telework")["bookings"] == pytest.approx(5 * desks["mean_day"])
    # By noon all have come and none has left: so many are there as demand says, with its chance.
    noon = row(found.week, use="telework", day="Thursday", hour=12)
    assert noon["wanted"] == pytest.approx(desks["peak_day"])
    assert noon["most"] == desks_for_chance(1000, need.chance(0.05), 0.05)
    # Without a week, one day is at the peak and the others are alike, as weekdays has it.
    flat = Sharing.model_validate({"uses": ["telework"]}).told(Demand(uptake=(0.02, 0.1))).uses["telework"]
    assert flat.times == pytest.approx(0.1 * 2)
    assert (flat.profile.reshape(7, 24).sum(axis=1) * 5).tolist() == pytest.approx([0.925, 1.3, *[0.925] * 3, 0, 0])


@pytest.mark.parametrize("hours", [0.25, 1.0, 1.5, 3.0, 7.75])
def test_what_is_wanted_by_the_hour_is_what_stays_cover(hours: float) -> None:
    use = Use(share=1, times=1, hours=hours, space="desk", when={"Mon 9-10": 1, "Sun 22-24": 3})
    wanted = np.zeros(168)
    for first, part in ((9, 1 / 7), (166, 3 / 7), (167, 3 / 7)):
        for moment in (np.arange(2000) + 0.5) / 2000:  # stays that begin anywhere within the hour
            begin, end = first + moment, first + moment + hours
            for hour in range(first, first + 10):
                wanted[hour % 168] += part / 2000 * max(min(end, hour + 1) - max(begin, hour), 0.0)
    np.testing.assert_allclose(_wanted(use), wanted, atol=1e-6)
    assert _wanted(use).sum() == pytest.approx(hours)


# ---- weeks by hand ----


def test_one_room_serves_two_uses_at_different_hours() -> None:
    # One person who comes for each, every week: a meeting on Tuesday evening, another on Wednesday.
    uses = {"choir": EVENING, "class": EVENING | {"when": {"Wed 18-19": 1}}}
    found = share_spaces(ONE.iloc[:1], people(1), uses, rules={"weeks": 4}).spaces
    shared = row(found, site="s", space="meeting", use="all")
    assert shared[["needed", "alone", "saved", "m2", "m2_saved", "there"]].to_list() == [1, 2, 1, 20, 20, 1]
    assert shared[["bookings", "finds_none", "moved"]].to_list() == [2, 0, 0]
    # Two hours each, of three hours each in which anybody may be there: 18 to 21 on two evenings.
    assert shared["occupancy"] == pytest.approx(4 / 6)
    assert row(found, site="all", space="all")["m2_saved"] == 20
    assert row(found, site="s", use="choir")["needed"] == 1


def test_both_want_the_one_room_at_the_same_hour() -> None:
    uses = {"choir": EVENING, "class": EVENING}
    there = pd.DataFrame({"meeting": [1, 1]}, index=["s", "t"])
    alone = share_spaces(ONE, people(1), uses, there=there, opened=["s"], rules={"weeks": 8})
    shared = row(alone.spaces, site="s", space="meeting", use="all")
    assert shared[["needed", "alone", "finds_none", "moved", "waited"]].to_list() == [2, 2, 0.5, 0, 0]
    assert row(alone.spaces, space="meeting", site="all", use="all")["error"] == 0  # the same every week
    (conflict,) = alone.conflicts.to_dict("records")
    told = {"site": "s", "space": "meeting", "day": "Tuesday", "begins": 18, "ends": 21, "uses": "choir, class"}
    assert conflict == told | {"most": 2, "there": 1, "refused": 1.0}
    # With the next site within reach nobody is refused; one booking a week goes there.
    both = share_spaces(ONE, people(1), uses, there=there, rules={"weeks": 8}).spaces
    assert row(both, site="s", space="meeting", use="all")[["finds_none", "moved"]].to_list() == [0, 0.5]
    assert row(both, site="t", space="meeting", use="all")["occupancy"] == pytest.approx(2 / 3)
    # Who goes nowhere else and waits two hours finds the room when the other leaves.
    waits = share_spaces(ONE, people(1), uses, there=there, opened=["s"], rules={"weeks": 8, "wait": 120})
    shared = row(waits.spaces, site="s", space="meeting", use="all")
    assert shared[["needed", "finds_none", "waited"]].to_list() == [1, 0, 0.5]


def test_who_takes_the_room_of_others_stands_in_their_conflict() -> None:
    # The second of two who talk takes the choir's room until after 19, so that whoever sings from before finds none.
    uses = {"talks": EVENING | {"space": ["video", "meeting"], "when": {"Tue 17-18": 1}}, "choir": EVENING}
    there = pd.DataFrame({"video": [1], "meeting": [1]}, index=["s"])
    found = share_spaces(ONE.iloc[:1], people(2), uses, there=there, rules={"weeks": 8, "moves": 0})
    talks, choir = (row(found.spaces, site="s", use=use) for use in uses)
    assert talks[["space", "finds_none", "other_space"]].to_list() == ["video", 0, 0.5]
    assert choir[["space", "finds_none", "other_space"]].to_list() == ["meeting", 1, 0]
    (conflict,) = found.conflicts[found.conflicts["space"] == "meeting"].to_dict("records")
    assert {name: conflict[name] for name in ("begins", "uses", "refused")} == {
        "begins": 18,
        "uses": "choir, talks",
        "refused": 2,
    }
    assert row(found.week, space="meeting", use="all", hour=18)["held"] == 1
    assert row(found.week, space="meeting", use="choir", hour=18)["held"] == 0


def test_a_part_of_a_person_comes_the_less_often() -> None:
    use = Use(share=1, times=0.5, hours=1, space="hall", when={"Sat 10-11": 1}, party=4, seasons=(0, 1, 1, 2))
    start, which = _drawn(use, np.array([0.6, 0.9]), 2000, np.random.default_rng(0))  # 3 / 16 of a booking a week
    assert len(start) / 2000 == pytest.approx(3 / 16, abs=0.03)
    by_season = np.bincount((start // 168).astype(int) % 4, minlength=4) / 500
    assert by_season == pytest.approx([0, 3 / 16, 3 / 16, 3 / 8], abs=0.06)
    assert np.unique(start % 168 // 1).tolist() == [130]
    assert which.mean() == pytest.approx(0.6, abs=0.05)


# ---- slow twins ----


def slow_seat(start: Any, hours: Any, turns: Any, there: Any, wait: float) -> tuple[list[int], list[float]]:
    """Seat bookings one by one at whichever space of the site is free first."""
    taken: list[list[float]] = [[-np.inf] * count for count in there]
    found, begin = [], []
    for at, length, sites in zip(start, hours, turns, strict=True):
        where, when = -1, at
        for site in sites:
            if site >= 0 and taken[site] and min(taken[site]) <= at + wait:
                where, when = int(site), max(at, min(taken[site]))
                taken[site][taken[site].index(min(taken[site]))] = when + length
                break
        found.append(where)
        begin.append(when)
    return found, begin


@pytest.mark.parametrize("seed", range(12))
def test_as_each_booking_by_itself(seed: int) -> None:
    random = np.random.default_rng(seed)
    count, sites = 150, 3
    start = np.sort(random.integers(0, 60, count) / 2.0)  # many at the same time
    hours = random.choice([0.5, 1.0, 2.5, 4.0], count)
    order = [random.permutation(sites)[: random.integers(1, 4)] for _ in range(count)]
    turns = np.array([[*each, -1, -1][:3] for each in order], dtype=np.int64)
    there, wait = random.integers(0, 5, sites), float(random.choice([0, 0.5, 2]))
    found, begin = seat(start, hours, turns, np.append(0, np.cumsum(there)), wait)
    wanted, when = slow_seat(start, hours, turns, there, wait)
    assert found.tolist() == wanted
    assert begin.tolist() == when

    use, chance = random.integers(0, 3, count), float(random.choice([0.02, 0.1, 0.3]))
    booked = np.bincount(use, minlength=3)

    def worst(spaces: int) -> float:
        at, _ = slow_seat(start, hours, np.zeros((count, 1), dtype=int), [spaces], wait)
        return float((np.bincount(use[np.array(at) < 0], minlength=3) / booked).max())

    needed = least_spaces(start, hours, use, 3, chance, wait)
    assert worst(needed) <= chance
    assert needed == 0 or worst(needed - 1) > chance


@pytest.mark.parametrize("seed", range(6))
def test_sites_and_kinds_are_tried_in_turn(seed: int) -> None:
    random = np.random.default_rng(seed)
    sites, kinds = ["a", "b", "c"], ["desk", "meeting", "video"]
    table = people(*random.integers(1, 40, 12))
    times = pd.DataFrame(
        [(s, p, float(random.integers(1, 30))) for s in sites for p in range(12)], columns=["site", "point", "minutes"]
    )
    uses = {
        f"use {at}": EVENING | {"share": 0.3, "space": list(random.permutation(kinds)[: 1 + at]), "hours": 1.5 + at}
        for at in range(3)
    }
    there = pd.DataFrame(random.integers(0, 6, (3, 3)), index=sites, columns=kinds)
    rules = {"weeks": 8, "moves": 1, "wait": 10.0 * (seed % 2), "seed": seed}
    found = share_spaces(times, table, uses, there=there, minutes=25, rules=rules).spaces
    asked = sharing_of(uses, None, rules)
    reach = Reach.of(times, table)
    around = _Around.of(reach, reach.chosen_mode(None, ""), 25, None, asked=asked)
    drawn, every = _Bookings.drawn(kinds, around, asked)
    free = {(s, k): [-np.inf] * there.loc[s, k] for s in sites for k in kinds}
    told = {(use, what): 0.0 for use in uses for what in ("all", "none", "moved", "other", "waited")}
    taken = dict.fromkeys(free, 0.0)
    for at, length, number, turns in zip(drawn.start, drawn.hours, drawn.use, every, strict=True):
        use = f"use {number}"
        tried = list(dict.fromkeys(sites[place % 3] for place in turns if place >= 0))
        told[use, "all"] += 1
        order = [(site, kind) for site in tried for kind in uses[use]["space"]]
        able = [spot for spot in order if free[spot] and min(free[spot]) <= at + rules["wait"] / 60]
        if not able:
            told[use, "none"] += 1
            continue
        site, kind = able[0]
        begin = max(at, min(free[able[0]]))
        free[able[0]][free[able[0]].index(min(free[able[0]]))] = begin + length
        told[use, "moved"] += site != tried[0]
        told[use, "other"] += kind != uses[use]["space"][0]
        told[use, "waited"] += begin > at
        taken[able[0]] += length
    for use in uses:
        mine = row(found, site="all", use=use)
        counts = [told[use, what] / told[use, "all"] for what in ("none", "moved", "other", "waited")]
        assert mine[["finds_none", "moved", "other_space", "waited"]].to_list() == pytest.approx(counts)
    for kind in kinds:
        hours = np.count_nonzero(sum(_wanted(use) for use in asked.uses.values() if kind in use.space) > 1e-12)
        for site in sites:
            if there.loc[site, kind]:
                used = row(found, site=site, space=kind, use="all")["occupancy"]
                assert used == pytest.approx(taken[site, kind] / (hours * 8 * there.loc[site, kind]))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_is_what_was_played(seed: int) -> None:
    random = np.random.default_rng(seed)
    sites, points = ["a", "b", "c"], 25
    table = pd.DataFrame(
        {"people": random.integers(0, 60, points), "workers": random.integers(0, 30, points)}, dtype=float
    )
    table.index = pd.RangeIndex(points, name="point")
    rows = [(s, p, float(random.integers(1, 25))) for s in sites for p in range(points) if random.uniform() < 0.7]
    times = pd.DataFrame(rows, columns=["site", "point", "minutes"])
    uses = {
        "club": {"share": 0.5, "times": 1, "party": 5, "hours": 2, "space": "meeting", "when": {"Mon-Sat 18-20": 1}},
        "firm": EVENING | {"group": "workers", "share": 0.4, "party": 3, "when": {"Tue-Thu 9-12": 1, "Tue 18-20": 3}},
    }
    there = pd.DataFrame({"meeting": [2, 1, np.nan]}, index=sites)
    found = share_spaces(times, table, uses, there=there, minutes=20, rules={"weeks": 52, "seed": seed})
    near = {p: sorted((m, s) for s, q, m in rows if q == p and m <= 20) for p in range(points)}
    for name, use in uses.items():
        for site in sites:
            mine = [p for p, tried in near.items() if tried and tried[0][1] == site]
            who = table.loc[mine, str(use.get("group", "people"))].sum() * float(use["share"])
            told = row(found.spaces, site=site, use=name)
            assert told["people"] == pytest.approx(who)
            assert told["bookings"] == pytest.approx(who / use["party"])
            hours = found.week[(found.week["site"] == site) & (found.week["use"] == name)]
            assert hours["bookings"].sum() == pytest.approx(told["bookings"])
            assert hours["wanted"].sum() == pytest.approx(told["bookings"] * 2)
    whole = found.week[found.week["use"] == "all"]
    for site in sites:
        hours, told = whole[whole["site"] == site], row(found.spaces, site=site, space="meeting", use="all")
        # In the middle of an hour so many are held as the occupancy says of all hours, but for what the draw adds.
        assert hours["held"].sum() == pytest.approx(told["occupancy"] * told["there"] * len(hours), rel=0.05)
        assert (hours["held"] <= told["there"] + 1e-9).all()
    # Those who are refused in some hour are those who find none: of the bookings drawn, about so many a week.
    for name in uses:
        refused = found.week[found.week["use"] == name]["refused"].sum()
        told = row(found.spaces, site="all", use=name)
        assert refused == pytest.approx(told["finds_none"] * told["bookings"], rel=0.05, abs=0.05)


def test_the_same_draw_whatever_else_is_asked() -> None:
    few = {"choir": EVENING | {"party": 5}}
    one = share_spaces(ONE, people(400), few)
    again = share_spaces(ONE, people(400), few)
    for name in ("spaces", "week", "conflicts"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name))
    more = share_spaces(ONE, people(400), few | {"talks": EVENING | {"space": "hall"}}).spaces
    kept = more[more["space"] == "meeting"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, one.spaces[one.spaces["space"] == "meeting"].reset_index(drop=True))
    other = share_spaces(ONE, people(400), few, rules={"seed": 2})
    assert other.week["held"].to_list() != one.week["held"].to_list()


# ---- what is asked ----


def test_a_week_is_written_as_people_say_it() -> None:
    use = Use(share=1, times=1, hours=1, space="desk", when={"Mon-Wed 9-11": 2, "fri,Sun 18:00-19:00": 1, "0-1": 1})
    week = (use.profile * (3 * 2 * 2 + 2 + 7)).reshape(7, 24).round(9)
    assert week[0, 9] == week[2, 10] == 2
    assert week[4, 18] == week[6, 18] == 1
    assert week[:, 0].tolist() == [1] * 7
    assert week.sum() == 21
    over = Use(share=1, times=1, hours=1, space="desk", when={"Sat-Mon 9-10": 1}).profile.reshape(7, 24)[:, 9]
    assert (over > 0).tolist() == [True, False, False, False, False, True, True]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"when": {"Tuu 18-20": 1}}, "names no day 'Tuu'; expected any of Mon, Tue"),
        ({"when": {"Tue 20-18": 1}}, "is no part of a week"),
        ({"when": {"Tue 18-20": 0}}, "expected one hour of the week"),
        ({"space": ["meeting", "meeting"]}, "names a space twice"),
        ({"space": "bar"}, "no 'bar' in sharing.spaces; expected any of desk, meeting, video, hall"),
        ({"times": 2}, "more than once on the fullest day"),
        ({"seasons": [1, 2]}, "expected four numbers"),
        ({"times": None}, "times: missing"),
        ({"size": 3}, "unknown key"),
    ],
)
def test_uses_that_make_no_sense_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        sharing_of({"choir": EVENING | wrong})


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(
        StudyError, match="'choir' says nothing; expected share, times, hours, space and when, or any of tel"
    ):
        share_spaces(ONE, people(1), ["choir"])
    with pytest.raises(StudyError, match=r"sharing\.uses\.telework\.times: missing; give demand"):
        share_spaces(ONE, people(1), ["telework"])
    with pytest.raises(StudyError, match="'all' stands for all uses"):
        share_spaces(ONE, people(1), {"all": EVENING})
    with pytest.raises(InputError, match="there: column 'bar' is no kind of space; expected any of desk"):
        share_spaces(ONE, people(1), {"choir": EVENING}, there=pd.DataFrame({"bar": [1]}, index=["s"]))
    with pytest.raises(InputError, match="site 't' has fewer than 0"):
        share_spaces(ONE, people(1), {"choir": EVENING}, there=pd.DataFrame({"hall": [1, -1]}, index=["s", "t"]))


def test_every_usual_use_says_where_its_figures_are_from() -> None:
    uses = usual_uses()
    assert (uses["source"].str.len() >= len("assumption")).all()
    assert uses.index[uses["times"].isna()].to_list() == ["telework"]
    assert set(uses["space"]) == {"desk", "meeting", "video", "hall"}


def test_nobody_near_needs_nothing() -> None:
    far = ONE.assign(minutes=90.0)
    found = share_spaces(far, people(10), {"choir": EVENING})
    assert found.spaces["needed"].sum() == 0
    assert found.week.empty
    assert found.conflicts.empty
    assert found.spaces["finds_none"].isna().all()


# ---- a study ----


STUDY = """\
inputs: {population: {file: people.csv, groups: [workers]}, sites: sites.csv, times: times.csv}
travel: {modes: [walk], minutes: [10, 20]}
"""
CHOIR = "{choir: {share: 0.01, times: 1, party: 30, hours: 2, space: hall, when: {Tue 19-20: 1}}}"


@pytest.fixture
def town(tmp_path: Path) -> Callable[..., Any]:
    """Return what makes a study of two sites on a street of ten cells, with 200 people and 100 workers each."""
    table = {"cell": [f"c{k}" for k in range(10)], "lon": [3 + k / 100 for k in range(10)], "lat": 44.0}
    pd.DataFrame(table | {"people": 200, "workers": 100}).to_csv(tmp_path / "people.csv", index=False)
    rows = [("A", f"c{k}", 3.5 * k) for k in range(10)] + [("B", f"c{k}", 31.5 - 3.5 * k) for k in range(10)]
    pd.DataFrame(rows, columns=["site", "point", "minutes"]).assign(mode="walk").to_csv(
        tmp_path / "times.csv", index=False
    )

    def made(asked: str, **sites: Any) -> tuple[Any, Any, Situation]:
        places = {"site": ["A", "B"], "name": ["Hall", "Library"], "status": ["existing", "required"], "lon": [3, 3.09]}
        columns = places | {"lat": 44.0, "capacity": [8, None]} | sites
        pd.DataFrame(columns).to_csv(tmp_path / "sites.csv", index=False)
        (tmp_path / "study.yaml").write_text(STUDY + asked)
        study = read_study(tmp_path / "study.yaml")
        data = load(study)
        return study, data, Situation(study, data, Reach.of(times_of(study, data, Cache(None), Means()), data.points))

    return made


def test_a_study_counts_telework_as_demand_does(town: Callable[..., Any]) -> None:
    study, data, here = town("demand: {uptake: [0.02, 0.1]}\nsharing: {uses: [telework, town_hall]}\n")
    check_questions(study, data)
    tables = answers(here)
    spaces, desks = tables["spaces"], tables["desks"]
    for site, name in (("A", "Hall"), ("B", "Library")):
        told, demand = row(spaces, site=site, use="telework"), row(desks, site=site, uptake=0.1)
        assert told[["name", "basis"]].to_list() == [name, "nearest"]
        assert told["people"] == pytest.approx(demand["teleworkers"])
        assert told["bookings"] == pytest.approx(5 * demand["mean_day"])
        assert row(spaces, site=site, use="town_hall")["people"] == pytest.approx(1000 * 0.6)
    # A has eight desks; of B nobody says, so it has as many as it needs.
    found = spaces[(spaces["space"] == "desk") & (spaces["use"] == "all")].set_index("site")
    assert found["there"].to_dict() == {"A": 8, "B": found.loc["B", "needed"], "all": 8 + found.loc["B", "needed"]}
    assert set(tables["week"]["site"]) == {"A", "B"}


def test_spaces_are_read_from_the_sites_or_are_as_many_each(town: Callable[..., Any]) -> None:
    asked = f"sharing: {{uses: {CHOIR}, spaces: {{hall: {{column: halls, each: 3}}}}}}\n"
    study, data, here = town(asked, halls=["2", ""])
    check_questions(study, data)
    spaces = answers(here)["spaces"]
    assert [row(spaces, site=site, use="choir")["there"] for site in "AB"] == [2, 3]
    for column, sentence in (
        (["-1", "2"], r"sharing\.spaces\.hall\.column: site 'A' has -1 in column halls, expected 0 or more"),
        (["two", "2"], r"sharing\.spaces\.hall\.column: the sites.*two"),
    ):
        study, data, _ = town(asked, halls=column)
        with pytest.raises(InputError, match=sentence):
            check_questions(study, data)
    study, data, _ = town(asked)
    with pytest.raises(StudyError, match=r"hall\.column: the sites have no column 'halls'"):
        check_questions(study, data)


def test_where_nothing_is_planned_each_site_is_alone(town: Callable[..., Any]) -> None:
    study, data, here = town(f"sharing: {{uses: {CHOIR}}}\n", status=["candidate", "candidate"])
    check_questions(study, data)
    spaces = answers(here)["spaces"]
    assert set(spaces["basis"]) == {"alone"}
    assert set(spaces["site"]) == {"A", "B"}
    assert row(spaces, site="A", use="choir")["people"] == pytest.approx(6 * 200 * 0.01)  # to 17.5 minutes, B or not


@pytest.mark.parametrize(
    ("status", "minutes"), [("existing", [0, 3.5, 7, 10.5, 14]), ("candidate", [0, 3.5, 7, 10.5, 14, 17.5])]
)
def test_what_was_fitted_counts_telework_by_nearness(
    town: Callable[..., Any], status: str, minutes: list[float]
) -> None:
    asked = (
        "demand: {uptake: 0.02}\nobserved: {visits: people.csv, use: sharing}\nsharing: {uses: [telework, meetings]}\n"
    )
    study, _, here = town(asked, status=[status] * 2)
    rows = [("uptake", 0.04, 0.03, 0.05), ("decay", 0.1, 0.05, 0.2)]
    fit = pd.DataFrame(rows, columns=["what", "value", "low", "high"])
    assert study.sharing is not None
    found = sharing_tables(study.sharing, replace(here, told={"observed_fit": fit}))["spaces"]
    for site in "AB":
        telework, meetings = (row(found, site=site, use=use) for use in ("telework", "meetings"))
        assert telework["people"] == pytest.approx(100 * 0.37 * np.exp(-0.1 * np.array(minutes)).sum())
        assert telework["bookings"] == pytest.approx(telework["people"] * 0.05 * 2)
        assert meetings["people"] == pytest.approx(100 * 0.05 * len(minutes))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("{uses: [telework]}", r"sharing\.uses\.telework\.times: missing; give demand with its uptake"),
        ("{uses: [meetings], minutes: 30}", r"sharing\.minutes: 30 is more than the 20 minutes"),
        ("{uses: {meetings: {group: firms}}}", r"sharing\.uses\.meetings\.group: no 'firms' in this study"),
        ("{uses: [dancing]}", r"sharing\.uses.*'dancing' says nothing; expected share"),
        ("{weeks: 50}", r"sharing\.weeks: found 50, expected a multiple of 4"),
        ("{use: [meetings]}", r"sharing\.use: unknown key"),
    ],
)
def test_what_a_study_cannot_ask_is_refused(town: Callable[..., Any], asked: str, sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        check_questions(*town(f"sharing: {asked}\n")[:2])


def test_the_report_tells_a_council_what_sharing_saves(town: Callable[..., Any]) -> None:
    # A choir and a class of one each, on the same evening, and talks on a morning; each site has one room.
    week = {"share": 0.001, "times": 1, "hours": 2, "space": "meeting", "seasons": [1, 1, 1, 1]}
    uses = {
        "choir": week | {"when": {"Tue 18-19": 1}},
        "class": week | {"when": {"Tue 18-19": 1}},
        "talks": week | {"when": {"Wed 9-10": 1}},
    }
    _, data, here = town(f"sharing: {json.dumps({'uses': uses, 'spaces': {'meeting': {'each': 1}}})}\n")
    tables = answers(here)
    said = {}
    for language in ("en", "fr"):
        page = render_report(Result(data.sites, tables), language=language)
        body, said[language] = section(page, "spaces")
        assert body.count("<svg") == 1
        # Three hours of a day each: two hours from anywhere within the first. And a frame around each of three weeks.
        assert body.count("<rect") == 3 * 3 + 3
    assert (
        "The sites need 4 spaces (80 m²) if the uses share them, and 6 if each had its own: sharing saves 2"
        in said["en"]
    )
    assert "Meeting rooms: 4 in place of 6." in said["en"]
    # On Tuesday one of two bookings of each site finds none; of which use it is, the draw says.
    assert re.search(r"All sites meeting rooms 6 4 80 2 [456]\d% ", said["en"])
    assert "Hall, Tuesday 18–21: choir and class want 2 meeting rooms of 1." in said["en"]
    assert "Hall, mardi 18–21 h : choir et class veulent 2 salles de réunion sur 1." in said["fr"].replace(
        "\u202f", " "
    )
    assert 'class="spaces"' not in render_report(Result(data.sites))


def test_the_page_has_the_same_spaces_and_weeks(town: Callable[..., Any]) -> None:
    _, _, here = town(f"sharing: {{uses: {CHOIR}}}\n")
    tables = answers(here)
    found = spaces_data(tables["spaces"], tables["week"])
    whole = row(tables["spaces"], site="all", space="hall", use="all")
    assert found["spaces"] == [["hall", whole["alone"], whole["needed"], whole["m2"]]]
    ((use, space, week),) = found["week"]
    assert (use, space, len(week)) == ("choir", "hall", 168)
    # Twenty who sing once a week, thirty to a hall, for two hours: anywhere from 19 to 20, so at half from 19 and 21.
    bookings = 2000 * 0.01 / 30
    assert {at: pytest.approx(each / bookings, abs=0.02) for at, each in enumerate(week) if each} == {
        24 + 19: 0.5,
        24 + 20: 1.0,
        24 + 21: 0.5,
    }
    # Sites that are each as if the only one do not add up.
    _, _, here = town(f"sharing: {{uses: {CHOIR}}}\n", status=["candidate", "candidate"])
    tables = answers(here)
    assert spaces_data(tables["spaces"], tables["week"]) == {"spaces": [], "week": []}
