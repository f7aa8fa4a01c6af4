"""Limits by mode: each mode is counted at its own and travelled for no longer; the same wherever it is told."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import siteplan as sp
from siteplan.cli import app
from siteplan.output.coverage import at_limit, counted
from siteplan.reachable import Reach
from siteplan.study import check, choose, compare, read_study, run
from test_publics import worlds
from tests.browser import browser, needs_chromium, open_page
from tests.town import write_bus, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")

OWN = {"walk": [4, 8], "bike": [3], "bus": [5, 12]}
EVERY = [3, 4, 5, 8, 12]
# On foot 80 m a minute, by bicycle 250 m: the street is 1 km long, 10 people live at each of 11 crossings.
TOWN = "travel={modes: [walk, bike], minutes: {walk: [5.5], bike: [2, 3]}}"


def near(times: pd.DataFrame, point: int, mode: str, sites: Any = None) -> dict[str, float]:
    """Return the minutes to each site that somebody can go to, one mode or all of them, by nothing but loops."""
    found: dict[str, float] = {}
    for row in times.itertuples(index=False):
        if row.point != point or mode not in (row.mode, "best") or (sites is not None and row.site not in sites):
            continue
        if row.minutes <= max(OWN[row.mode]):
            found[row.site] = min(row.minutes, found.get(row.site, np.inf))
    return found


@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_every_table_counts_each_mode_up_to_its_own_limits(world):
    times, people, sites = world
    if set(times["mode"]) != set(OWN):
        return
    people = people.assign(cell=[f"c{point}" for point in people.index])
    asked: dict[str, Any] = {"minutes": OWN, "groups": ["old"]}
    limits = {**OWN, "best": EVERY}
    by_site, more = sp.reach(times, people, **asked), sp.added(times, people, sites, **asked)
    shares = sp.access_shares(times, people, **asked).set_index(["group", "mode", "minutes"])
    covered = sp.coverage(times, people, **asked).set_index(["mode", "minutes"])
    choices = sp.sites_in_reach(times, people, **asked).set_index(["group", "mode", "minutes", "sites"])
    cells = sp.cell_access(times, people, minutes=OWN)
    changes = sp.gained_lost(times, times, people, **asked, opened_before=["s0"]).set_index(
        ["group", "mode", "minutes"]
    )
    pairs = [(mode, limit) for mode, own in limits.items() for limit in own]
    assert {*covered.index} == {*pairs} == {key[1:] for key in shares.index}
    told = {name for name in by_site if name.startswith("people_")}
    assert told == {f"people_{mode}_{limit}" for mode, limit in pairs}
    for mode, limit in pairs:
        inside = {
            point: {site for site, minutes in near(times, point, mode).items() if minutes <= limit}
            for point in people.index
        }
        for group, short in (("people", "people"), ("old", "old")):
            amount = people[group]
            everybody = sum(amount[point] for point in people.index if inside[point])
            assert covered.loc[(mode, limit), group] == everybody == shares.loc[(group, mode, limit), "covered"]
            alone = sum(amount[point] for point in people.index if len(inside[point]) == 1)
            assert choices.loc[(group, mode, limit, "1"), "people"] == alone
            for site in by_site.index:
                reached = sum(amount[point] for point in people.index if site in inside[point])
                assert by_site.loc[site, f"{short}_{mode}_{limit}"] == reached
            had = sum(
                amount[point]
                for point in people.index
                if any(minutes <= limit for minutes in near(times, point, mode, ["s0"]).values())
            )
            row = changes.loc[(group, mode, limit)]
            assert (row["before"], row["after"], row["gained"]) == (had, everybody, everybody - had)
        for site in more.index.intersection(by_site.index):  # none is open yet, so that each adds whom it reaches
            assert more.loc[site, f"added_{mode}_{limit}"] == by_site.loc[site, f"people_{mode}_{limit}"]
        for point in people.index:
            share = cells.loc[f"c{point}", f"covered_{mode}_{limit}"]
            whole = people.loc[point, "people"]
            assert np.isnan(share) if whole == 0 else share == bool(inside[point])


@settings(max_examples=15, deadline=None)
@given(world=worlds(), limits=st.lists(st.integers(1, 14), min_size=1, max_size=3, unique=True).map(sorted))
def test_the_same_limits_for_every_mode_are_a_list(world, limits):
    times, people, _ = world
    modes = list(times["mode"].unique())
    if len(modes) < 2:
        return
    same = dict.fromkeys(modes, limits)
    for count in (sp.reach, sp.coverage, sp.access_shares, sp.sites_in_reach):
        pd.testing.assert_frame_equal(count(times, people, minutes=same), count(times, people, minutes=limits))


@settings(max_examples=15, deadline=None)
@given(world=worlds())
def test_whoever_is_beyond_is_dropped_and_nobody_else(world):
    times, people, _ = world
    if times.empty:
        return
    reach = Reach.of(times, people)
    for longest in ({"walk": 7.0}, {"walk": 7.0, "bike": 3.0, "bus": 100.0}, {}):
        cut = reach.no_longer(longest)
        kept = times[times["minutes"] <= times["mode"].map(longest).fillna(np.inf)]
        for mode in reach.modes:
            found, rows = cut.pairs(mode), kept[kept["mode"] == mode].sort_values(["site", "point"])
            assert list(found.minutes) == list(rows["minutes"])
            assert list(reach.points[found.point]) == list(rows["point"])
        assert list(cut.column("minutes")) == list(cut.minutes)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ({"walk": [5]}, "minutes: no limits for bike; expected some for each mode of the times"),
        ({"walk": [5], "bike": [3], "bus": 9}, "minutes: no mode 'bus' in the times; expected limits for bike, walk"),
        ({"walk": [5], "bike": []}, "expected one or more limits above 0"),
        ({"walk": [5], "bike": [0]}, "expected one or more limits above 0"),
    ],
)
def test_limits_by_mode_name_every_mode(minutes: Mapping[str, Any], said: str) -> None:
    times = pd.DataFrame({"site": "A", "point": 0, "mode": ["walk", "bike"], "minutes": [4.0, 2.0]})
    with pytest.raises(sp.StudyError, match=re.escape(said)):
        sp.coverage(times, minutes=minutes)


def test_one_mode_takes_no_limits_by_mode(tmp_path: Path) -> None:
    streets = sp.read_streets(write_town(tmp_path).parent / "streets.osm")
    sites = sp.read_sites(tmp_path / "sites.csv")
    with pytest.raises(sp.StudyError, match="minutes: found a dict, expected a number"):
        sp.isochrones(streets, sites, minutes={"walk": [5]})


def test_a_run_counts_each_mode_at_its_own_limits(tmp_path: Path) -> None:
    asked = [
        TOWN,
        "choose.sites=2",
        "scenarios={slow: {set: {travel.walk.speed_kmh: 2.4}}}",
        "robustness={count: 2, first: 1}",
    ]
    result = run(read_study(write_town(tmp_path), asked), out=tmp_path / "results")
    # From one end 440 m on foot are 5 crossings; by bicycle 2 minutes are 6 (500 m) and 3 minutes 8 (750 m).
    table = result.tables["coverage"]
    told = table[(table["group"] == "people") & (table["open"] == "today")]
    counts = {(row.mode, row.minutes): row.covered for row in told.itertuples()}
    by_hand = {("walk", 5.5): 50, ("bike", 2): 60, ("bike", 3): 80, ("best", 2): 60, ("best", 3): 80, ("best", 5.5): 80}
    assert counts == by_hand  # in 5.5 minutes a bicycle would reach all 110
    assert [counted(at_limit(table, 5.5), "today", mode)[0] for mode in ("walk", "bike", "best")] == [50, 80, 80]
    assert result.scores.loc["A", ["people_walk_5.5", "people_bike_3", "people_best_5.5"]].to_list() == [50, 80, 80]
    assert not {"people_walk_3", "people_bike_5.5", "people_walk_2"} & {*result.scores}
    shares = result.tables["territories"].query("group == 'people' and split == 'total' and open == 'today'")
    assert dict(zip(zip(shares["mode"], shares["minutes"], strict=True), shares["covered"], strict=True)) == by_hand
    assert result.times.groupby("mode", observed=True)["minutes"].max().to_dict() == {
        "walk": pytest.approx(5, abs=0.02),
        "bike": pytest.approx(2.8, abs=0.02),
    }
    assert result.choice is not None
    assert (result.choice.summary["minutes"], result.choice.summary["covered"]) == (5.5, 110)
    assert sorted({(row.mode, row.minutes) for row in result.rings.itertuples()}) == [  # type: ignore[union-attr]
        ("bike", 2),
        ("bike", 3),
        ("walk", 5.5),
    ]
    # On foot at half the speed 220 m: 3 crossings; nothing changes by bicycle, and so together.
    moved = result.tables["scenarios"].query("group == 'people'").set_index(["mode", "minutes"])
    assert {*moved.index} == {*by_hand}
    assert moved.loc[("walk", 5.5), ["before", "after"]].to_list() == [100, 60]
    assert moved.loc[("best", 5.5), "lost"] == 0
    # As read from its folder: the same figures, and the page knows the limits of each mode.
    read = sp.Result.load(tmp_path / "results")
    assert read.own_limits == {"walk": [5.5], "bike": [2, 3]}
    assert (read.minutes, read.longest("bike"), read.longest("best")) == ([2, 3, 5.5], 3, 5.5)
    people = sp.coverage(read.times, read.points, minutes=read.own_limits).set_index(["mode", "minutes"])["people"]
    assert people.to_dict() == {**dict.fromkeys(by_hand, 110.0), ("walk", 5.5): 100.0}
    report = " ".join(re.sub(r"<[^>]*>", " ", (tmp_path / "results" / "report.html").read_text("utf-8")).split())
    assert "Limits: on foot 5.5; by bicycle 2 and 3 minutes." in report
    assert "On foot 5.5 min 50 (45%) 100 (91%)" in report
    assert "By bicycle 3 min 80 (73%) 110 (100%)" in report
    assert "Together 5.5 min 80 (73%) 110 (100%)" in report
    page = (tmp_path / "results" / "map.html").read_text("utf-8")
    assert "Limits: on foot 5.5; by bicycle 2 and 3 min." in page


def test_a_list_is_searched_and_kept_as_before(tmp_path: Path) -> None:
    study = read_study(write_town(tmp_path), ["choose={sites: 2, objective: median}", "travel.minutes=5"])
    assert (study.travel.own, study.limit_of("walk"), study.limit_of("bike")) == ({}, 240, 240)
    own = study.with_(set={"travel.minutes": {"walk": [4], "bike": [2, 3]}})
    assert (own.travel.limits, own.limit_of("walk"), own.limit_of("bike")) == ((2, 3, 4), 4, 3)
    assert (own.ground_minutes_of("walk"), own.ground_minutes_of("bike")) == (4, 3)


def test_choices_keep_to_the_limits_of_their_mode(tmp_path: Path) -> None:
    def covered(*asked: str) -> tuple[float, float]:
        summary = choose(read_study(write_town(tmp_path), [TOWN, "choose.sites=1", *asked])).summary
        return summary["minutes"], summary["covered"]

    assert covered() == (5.5, 80)  # 50 on foot, 80 by bicycle, which goes no farther
    assert covered("choose.minutes=2.5") == (2.5, 70)  # 625 m by bicycle
    assert covered("choose.mode=bike") == (3, 80)
    assert covered("choose.mode=walk") == (5.5, 50)


def test_a_table_of_times_is_counted_by_mode(tmp_path: Path) -> None:
    rows = [("A", 0, "walk", 4.0), ("A", 1, "walk", 9.0), ("A", 0, "bike", 2.0), ("A", 1, "bike", 5.0)]
    table = pd.DataFrame([*rows, ("B", 2, "bike", 3.0)], columns=["site", "point", "mode", "minutes"])
    table.to_csv(tmp_path / "times.csv", index=False)
    given = {"inputs.times": tmp_path / "times.csv", "inputs.sites": write_town(tmp_path).parent / "sites.csv"}

    def chosen(limits: str) -> float:
        asked = ["choose.sites=2", f"travel.minutes={limits}"]
        study = read_study(None, asked, options=given, needs=["sites"])
        with pytest.warns(sp.SiteplanWarning, match="each of its 3 points counts once"):
            return float(choose(study).summary["covered"])

    assert chosen("[9]") == 3
    assert chosen("{walk: [4], bike: [9]}") == 3
    assert chosen("{walk: [9], bike: [2]}") == 2  # point 2 is 3 minutes by bicycle from B
    with pytest.raises(sp.InputError, match=r"has limits for walk, and .*times.csv the modes walk, bike; expected"):
        choose(read_study(None, ["choose.sites=2", "travel.minutes={walk: [4]}"], options=given, needs=["sites"]))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("travel.minutes={walk: [5]}", "travel.minutes: says nothing of bike; give its limits, too, or leave it out"),
        (
            "travel.minutes={walk: 5, bike: 3, transit: 9}",
            "travel.minutes.transit: is none of the modes of this study; expected limits for walk, bike",
        ),
        ("travel.minutes={}", "travel.minutes: found nothing, expected at least one"),
        ("travel.minutes={walk: [], bike: 3}", "travel.minutes.walk: found nothing, expected at least one"),
        ("travel.minutes={walk: [x], bike: 3}", "travel.minutes.walk: found 'x', expected a valid number"),
        ("travel.minutes={walk: [300], bike: 3}", "travel.minutes.walk: found 300, expected at most 180"),
        ("choose={sites: 1, mode: bike, minutes: 4}", "choose.minutes: found 4, but bike is counted up to 3"),
        ("choose={sites: 1, minutes: 6}", "choose.minutes: found 6, but best is counted up to 5.5"),
        ("fairness.shortfall=true", "fairness.shortfall: tells how far beyond the limits people are"),
        (
            "scenarios={other: {set: {travel.minutes: {walk: [4, 5.5], bike: [3]}}}}",
            "scenarios.other: travel.minutes: walk has other limits than in the study",
        ),
        ("scenarios={other: {set: {travel.minutes: [5.5]}}}", "travel.minutes: bike has other limits"),
    ],
)
def test_limits_that_cannot_hold_are_refused(tmp_path: Path, asked: str, said: str) -> None:
    with pytest.raises(sp.StudyError, match=re.escape(said)):
        read_study(write_town(tmp_path), [TOWN, asked])


def test_demand_asks_no_longer_than_its_mode_is_counted(tmp_path: Path) -> None:
    study = read_study(write_town(tmp_path), [TOWN, "demand={mode: bike, minutes: 5, group: workers, uptake: [0.1]}"])
    with pytest.raises(sp.StudyError, match=r"demand.minutes: 5, but bike is counted up to 3"):
        run(study)
    found = run(
        read_study(write_town(tmp_path), [TOWN, "demand={mode: bike, group: workers, uptake: [0.1]}"]),
        out=tmp_path / "out",
    )
    # Workers are as many as the number of the crossing: within 750 m of the western end 0 to 7.
    assert found.tables["desks"].set_index("site")["workers"].to_dict() == {"A": 28, "B": 52}


def test_two_runs_are_compared_by_limits_they_share(tmp_path: Path) -> None:
    path = write_town(tmp_path)
    runs = {
        name: run(read_study(path, asked), out=tmp_path / name)
        for name, asked in {
            "own": [TOWN],
            "walk": ["travel={modes: [walk], minutes: [5.5]}"],
            "other": ["travel={modes: [walk, bike], minutes: [5.5]}"],
        }.items()
    }
    both = compare(runs["walk"], runs["own"]).query("group == 'people'").set_index(["mode", "minutes"])
    assert both.loc[("best", 5.5), ["before", "after"]].to_list() == [50, 80]  # the best of one mode is that mode
    assert both.loc[("walk", 5.5), ["before", "after"]].to_list() == [50, 50]
    with pytest.raises(
        sp.StudyError, match=r"travel.minutes: bike is counted at 2, 3 minutes, and at 5.5 in the other"
    ):
        compare(runs["own"], runs["other"])


def test_the_command_line_takes_limits_by_mode(tmp_path: Path) -> None:
    path = write_town(tmp_path)
    own = CliRunner().invoke(app, ["run", str(path), "--minutes", "walk:5.5,bike:2,3", "-q", "--json"])
    assert own.exit_code == 0, own.output
    told = json.loads(own.stdout)["manifest"]["parameters"]["travel"]["minutes"]
    assert told == {"walk": [5.5], "bike": [2, 3]}
    again = CliRunner().invoke(app, ["score", str(path), "--set", TOWN, "--minutes", "5", "-q"])
    assert again.exit_code == 0, again.output  # a list in place of limits by mode


def test_check_takes_the_limits_of_each_mode(tmp_path: Path) -> None:
    found = check(read_study(write_town(tmp_path), [TOWN]))
    (said,) = [each.text for each in found if "its streets cover" in each.text]
    assert "that 3 minutes by bike need" in said  # 750 m; on foot 440 m


def test_a_line_that_brings_nobody_within_its_limits_is_told(tmp_path: Path) -> None:
    study = write_town(tmp_path)
    write_bus(tmp_path)
    asked = [
        "inputs.transit={feeds: [bus.zip], date: 2026-03-10}",
        "travel={modes: [walk, transit], minutes: {walk: [5.5], transit: [8, 9.5]}}",
        "scenarios={none: {lines: [{cut: E}]}, less: {lines: [{cut: W}]}}",
    ]
    told = CliRunner().invoke(
        app, ["run", str(study), *(f"--set={each}" for each in asked), "-o", str(tmp_path / "out")]
    )
    # Each mode stands in the table of scenarios at its own longest limit.
    rows = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert "scenario 5.5 min 9.5 min 9.5 min what changes" in rows
    assert any(row.startswith("less = -30 -30") for row in rows)
    report = " ".join(re.sub(r"<[^>]*>", " ", (tmp_path / "out" / "report.html").read_text("utf-8")).split())
    assert re.findall(r"(\w+): by public transport, nobody gains or loses a site within 9.5 minutes", report) == [
        "none"
    ]
    assert "less by public transport, 9.5 min 110 80 0 30 -30" in report
    page = (tmp_path / "out" / "map.html").read_text("utf-8")
    assert "none: by public transport, nobody gains or loses a site within 9.5 minutes" in page
    assert "less: by public transport, nobody" not in page


@needs_chromium
def test_the_page_offers_each_mode_its_own_limits(tmp_path: Path) -> None:
    asked = [TOWN, "choose.sites=2", "language=en"]
    run(read_study(write_town(tmp_path), asked), out=tmp_path / "out")
    with browser() as chromium, open_page(chromium, tmp_path / "out" / "map.html") as seen:
        page = seen.page

        def limits() -> list[str]:
            return page.locator("input[name=limit]").evaluate_all("each => each.map((one) => one.value)")

        def counts() -> list[list[str]]:
            rows = page.locator("[data-total=ways] tbody tr").all_inner_texts()
            return [row.split("\t")[:2] for row in rows]

        assert limits() == ["2", "3", "5.5"]
        everybody = [["On foot, 5.5 min", "100"], ["By bicycle, 3 min", "110"], ["Together", "110"]]
        assert counts() == everybody
        page.locator("input[name=mode][value=bike]").check(force=True)
        assert limits() == ["2", "3"]
        assert page.locator("input[name=limit]:checked").get_attribute("value") == "3"
        page.locator("input[name=limit][value='2']").check(force=True)
        assert counts()[1] == ["By bicycle, 2 min", "110"]  # 6 crossings from either end
        page.get_by_role("button", name=re.compile("existing", re.IGNORECASE)).first.click()
        # On foot the least that it is counted at; together, in 2 minutes, by bicycle alone.
        assert counts() == [["On foot, 5.5 min", "50"], ["By bicycle, 2 min", "60"], ["Together", "60"]]
        page.locator("input[name=mode][value=best]").check(force=True)
        page.locator("input[name=limit][value='5.5']").check(force=True)
        assert counts() == [["On foot, 5.5 min", "50"], ["By bicycle, 3 min", "80"], ["Together", "80"]]
        assert not seen.complaints
