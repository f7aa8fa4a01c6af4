"""Limits in metres: ways as long as they are, exact against a slow twin, counted as minutes are, and refused elsewhere.

The town by head: one street of 1 km, 10 people at each of its 11 crossings of 100 m, A (existing) in the west, B in the
east. Within 450 m each reaches 5 crossings; within 1,000 m both reach all 110 people.
"""

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import siteplan as sp
from oracles import street_times
from siteplan.catalogue import Measure
from siteplan.cli import app
from siteplan.config import BIKE, TRANSIT, WALK, Profile
from siteplan.errors import InputError, SiteplanError, SiteplanWarning, StudyError
from siteplan.network.snapping import HARD_LIMIT, link
from siteplan.network.tags import Access
from siteplan.study import score
from test_times import few, many, quietly, usable
from tests.town import NORTH, lon, write_town
from worlds import METRE_A_SECOND, STREET, Edge, line, made, networks, places, put, river

Spot = tuple[int, float, float]
PEOPLE = pd.DataFrame({"people": [10.0, 20.0, 40.0]}, index=pd.RangeIndex(3, name="point"))
WAYS = pd.DataFrame({"site": ["A", "A", "B", "B"], "point": [0, 1, 1, 2], "metres": [100.0, 800.0, 300.0, 800.1]})


def call(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def metres(ways: pd.DataFrame) -> dict[tuple[str, int], float]:
    return {(str(site), point): m for site, point, m in ways[["site", "point", "metres"]].itertuples(index=False)}


# ---- along the streets ----


@settings(max_examples=150)
@given(
    networks(), few, many, st.sampled_from([WALK, BIKE]), st.sampled_from(["to", "from"]), st.sampled_from([90, 900])
)
def test_metres_equal_the_slow_twin(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile, direction: Any, limit: float
) -> None:
    """Dijkstra of networkx on whole decimetres; every usable edge costs its length, whatever it is."""
    if not usable(edges, profile):
        return
    streets, long = made(edges), profile.by_length()
    for cost, use in zip(streets.costs(long), streets.uses(profile.rules, push=profile.push)[:2], strict=True):
        assert cost.tolist() == np.where(use == Access.NO, -1, np.round(10 * streets.length)).tolist()
    sites, points = put(streets, at), put(streets, of)
    links = [link(streets, sites, mode=long, link_m=HARD_LIMIT), link(streets, points, mode=long)]
    slow = street_times(streets, long, *links, limit=limit / 60, direction=direction)
    fast = quietly(streets, sites, points, mode=profile, metres=limit, direction=direction)
    assert metres(fast) == {(str(site), point): cost / 10 for (site, point), cost in slow.items()}


def test_the_shortest_way_is_that_of_networkx_by_length() -> None:
    """The same grid laid out by hand: 200 m from node to node, the only bridge in the west."""
    world = river()
    graph = nx.Graph([(row, row + 1) for row in (0, 1, 3, 4, 6, 7)] + [(0, 3), (1, 4), (2, 5), (3, 6)])
    here = places([world.nodes[node] for node in range(9)])
    found = metres(sp.travel_times(world.streets(), here, here, metres=2000))
    steps = dict(nx.all_pairs_shortest_path_length(graph))
    assert len(found) == 81
    for (site, point), long in found.items():
        assert long == pytest.approx(200 * steps[point][int(site)], abs=0.5)


@pytest.mark.parametrize(
    ("tags", "minutes_take"),
    [
        ({"highway": "steps"}, 15.0),  # three times as long as 400 m at 4.8 km/h
        ({"highway": "ferry", "duration": "00:30"}, 30.0),
        ({"highway": "footway", "conveying": "yes"}, None),
        (STREET, 5.0),
    ],
)
def test_stairs_and_ferries_are_as_long_as_they_are(tags: dict[str, str], minutes_take: float | None) -> None:
    streets = line(tags).streets()
    long = streets.costs(WALK.by_length())
    assert long[0].sum() == pytest.approx(4000, abs=2)
    if minutes_take is not None and tags["highway"] != "ferry":
        assert streets.costs(WALK)[0].sum() == pytest.approx(minutes_take * 600, abs=4)


def test_isochrones_by_distance_are_those_at_a_metre_a_second() -> None:
    streets, site = river().streets(), places([(400.0, 200.0)])
    drawn = sp.isochrones(streets, site, mode="walk", metres=[840, 480])
    assert drawn.columns.tolist() == ["site", "mode", "metres", "geometry"]
    assert drawn["metres"].tolist() == [480, 840]
    timed = sp.isochrones(streets, site, mode=METRE_A_SECOND, minutes=[8, 14])
    assert drawn.geometry.geom_equals(timed.geometry).all()
    several = sp.isochrones(streets, site, mode=["walk", "bike"], metres=480)
    assert several["mode"].tolist() == ["walk", "bike"]


def test_totals_of_very_many_sites() -> None:
    streets, at = line().streets(), places([(0.0, 0.0), (100.0, 0.0), (400.0, 0.0)])
    found = sp.reach_totals(streets, at, at.assign(people=[1.0, 2.0, 4.0]), metres=[150, 450])
    assert found.columns.tolist() == ["people_walk_150m", "people_walk_450m"]
    assert found.to_numpy().tolist() == [[3, 7], [3, 7], [4, 7]]


# ---- counted ----


def test_who_is_within_metres() -> None:
    found = sp.reach(WAYS, PEOPLE, metres=[300, 800])
    assert found.loc["A"].to_dict() == {
        "people_given_300m": 10, "unique_given_300m": 10, "people_given_800m": 30, "unique_given_800m": 10
    }  # fmt: skip
    assert found["people_given_800m"].tolist() == [30, 20]  # 800.1 m are beyond
    covered = sp.coverage(WAYS, PEOPLE, metres=800)
    assert covered[["metres", "people"]].to_numpy().tolist() == [[800, 30]]
    assert ("A", "B", 20) in sp.overlap(WAYS, PEOPLE, metres=800).itertuples(index=False, name=None)
    sites = pd.DataFrame({"status": ["existing", "candidate"]}, index=pd.Index(["A", "B"], name="site"))
    assert sp.added(WAYS, PEOPLE, sites, metres=800)["added_given_800m"].to_dict() == {"A": 30, "B": 0}


def test_sites_are_chosen_by_metres() -> None:
    sites = pd.DataFrame(index=pd.Index(["A", "B"], name="site"))
    assert sp.choose_sites(WAYS, PEOPLE, sites, {"metres": 800}, count=1).sites.index.tolist() == ["A"]
    choice = sp.choose_sites(WAYS, PEOPLE, sites, {"metres": 801}, count=1)
    assert choice.sites.index.tolist() == ["B"]
    assert (choice.value, choice.summary["metres"], "minutes" in choice.summary) == (60, 801, False)
    assert choice.assignment.columns.tolist() == ["point", "site", "metres", "people"]
    median = sp.choose_sites(WAYS, PEOPLE, sites, {"penalty": 1000}, count=2, objective="median")
    assert median.value == 10 * 100 + 20 * 300 + 40 * 800.1  # people-metres


@settings(max_examples=100)
@given(
    st.sampled_from(["reached", "unique", "added"]), st.sampled_from(["people", "workers", "a_800m"]), st.floats(1, 5e4)
)
def test_a_column_of_metres_is_read_as_it_was_named(kind: str, group: str, limit: float) -> None:
    for mode in ("walk", "slow_walk", "my_own"):
        measure = Measure(kind, group, mode, limit, "metres")
        assert Measure.read(measure.column) == measure
        assert measure.column != Measure(kind, group, mode, limit).column


def test_names() -> None:
    assert Measure("reached", "people", "walk", 800, "metres").column == "people_walk_800m"
    assert Measure.read("unique_workers_bike_2500m") == Measure("unique", "workers", "bike", 2500, "metres")


def test_a_table_of_metres_is_read(tmp_path: Path) -> None:
    (tmp_path / "ways.csv").write_text("site,point,metres\nA,0,400\nA,1,70000\n")
    found = sp.read_times(tmp_path / "ways.csv")
    assert found[["point", "metres"]].to_numpy().tolist() == [[0, 400], [1, 70000]]
    with pytest.raises(InputError, match=r"holds metres .* is for minutes"):
        sp.read_times(tmp_path / "ways.csv", minutes="truncated")


# ---- as a planner types it ----


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path)


def test_scores_by_metres(town: Path) -> None:
    out = town.parent / "scores.csv"
    done = call("score", town, "--metres", "450,1000", "--out", out)
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(out, index_col="site")
    for mode in ("walk", "bike", "best"):
        assert table[[f"people_{mode}_450m", f"people_{mode}_1000m", f"unique_{mode}_450m"]].to_numpy().tolist() == [
            [50, 110, 50],
            [50, 110, 50],
        ]
    assert not [name for name in table if "_450" in name and not name.endswith("m")]
    assert "450 m" in done.stdout
    assert "within 1,000 m" in done.stdout or "within 1000 m" in done.stdout


def test_isochrones_by_metres(town: Path) -> None:
    done = call("isochrones", town, "--mode", "walk", "--metres", "200,450")
    rows = [row.split(",") for row in done.stdout.splitlines()]
    assert rows[0] == ["site", "mode", "metres", "km2"]
    assert [row[2] for row in rows[1:]] == ["200.0", "450.0"] * 2
    # 450 m of a street are drawn up to 50 m beside it: 0.045 km2, and the round ends.
    assert 0.03 < float(rows[2][3]) < 0.09


def test_a_choice_by_metres(town: Path) -> None:
    done = call("choose", town, "--metres", 450, "-p", 2, "--json")
    told = json.loads(done.stdout)
    assert (told["value"], told["summary"]["metres"]) == (100, 450)
    assert "within 450 m" in call("choose", town, "--metres", 450, "-p", 2).stdout
    nearer = call("choose", town, "--metres", 450, "--within-metres", 150, "-p", 2, "--json")
    assert json.loads(nearer.stdout)["value"] == 40
    median = call("choose", town, "--mode=walk", "--metres=450", "-p", 2, "--objective=median")
    # 0, 100, ... 400 m from either end, and the middle 500 m: 10 x 2,500, where a step is 99.88 m.
    assert "median: 24,970 metres for 110 people together" in median.stdout


def test_what_a_file_says_in_minutes_is_set_aside_and_said(town: Path) -> None:
    town.write_text(town.read_text() + "score: {weights: {people_walk_5.5: 1}}\nchoose: {sites: 2, minutes: 5}\n")
    done = call("choose", town, "--metres", 450)
    assert done.exit_code == 0
    assert "choose.minutes is set aside" in done.stderr
    assert "within 450 m" in done.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["run"], "run counts in minutes alone; metres are for score, isochrones and choose"),
        (["itinerary", "--site=A", f"--from={lon(3)},{NORTH}"], "itinerary counts in minutes alone"),
        (["score", "--minutes=5"], "travel.metres (--metres): stand beside minutes"),
        (["score", "--mode=transit"], "travel.metres (--metres): are not known of a journey by timetable"),
        (["score", "--set", "score.decay={kind: linear, minutes: 5}"], "score.decay: weighs minutes"),
        (["choose", "-p2", "--within=5"], "(--within): the limits of the study are metres; give choose.metres"),
        (["score", "--metres=60000"], "expected less than or equal to 50000"),
    ],
)
def test_what_knows_no_metres_says_so(town: Path, asked: list[str], said: str) -> None:
    command, *options = asked
    done = call(command, town, *([] if "--metres=60000" in options else ["--metres=450"]), *options)
    assert done.exit_code == 1
    assert said in done.stderr
    assert not (town.parent / "results").exists()


def test_check_tells_that_metres_do_not_run(town: Path) -> None:
    done = call("check", town, "--metres", 450)
    assert done.exit_code == 1
    assert "run counts in minutes alone" in done.stdout


def test_functions_of_minutes_refuse_metres() -> None:
    sites = pd.DataFrame(index=pd.Index(["A", "B"], name="site"))
    streets, here = line().streets(), places([(0.0, 0.0), (100.0, 0.0)])
    refused: list[tuple[Any, str]] = [
        (lambda: sp.reach(WAYS, PEOPLE, minutes=15), "times: are metres, where minutes are asked for"),
        (lambda: sp.reach(WAYS.rename(columns={"metres": "minutes"}), PEOPLE, metres=15), "times: are minutes, where"),
        (lambda: sp.reach(WAYS, PEOPLE, minutes=15, metres=15), "found both"),
        (lambda: sp.decayed_reach(WAYS, PEOPLE, decay=sp.Decay("linear", 20)), "times: are metres"),
        (lambda: sp.gained_lost(WAYS, WAYS, PEOPLE, minutes=[15]), "no column minutes .found: site, point, metres"),
        (lambda: sp.choose_sites(WAYS, PEOPLE, sites, count=1), "metres: missing; the times are metres"),
        (
            lambda: sp.choose_sites(WAYS, PEOPLE, sites, count=1, minutes=15),
            "minutes: the times are metres; give metres",
        ),
        (lambda: sp.travel_times(streets, here, here, mode=TRANSIT, metres=400), "mode transit goes by timetable"),
        (lambda: sp.travel_times(streets, here, here, mode=WALK.by_length(), minutes=4), "mode walk counts metres"),
        (lambda: sp.travel_times(streets, here, here, metres=60_000), "at most 50000"),
    ]
    for asked, said in refused:
        with pytest.raises((InputError, StudyError), match=said):
            asked()


def test_maps_and_folders_refuse_metres(town: Path) -> None:
    with pytest.warns(SiteplanWarning, match="that 450 metres by walk need"):
        result = score(sp.read_study(town, ["travel.metres=450", "travel.minutes="]))
    streets, here = line().streets(), places([(0.0, 0.0), (100.0, 0.0)])
    rings = sp.isochrones(streets, here, metres=200)
    sites = here.assign(name=["a", "b"], status="candidate", cost=np.nan, capacity=np.nan)
    with pytest.raises(SiteplanError, match="count in minutes alone"):
        sp.site_map(sites.rename_axis("site"), rings=rings)
    with pytest.raises(StudyError, match="count in minutes alone"):
        result.save(town.parent / "kept")
    assert not (town.parent / "kept").exists()


def test_the_older_name_of_a_limit_is_still_taken() -> None:
    streets, here = line().streets(), places([(0.0, 0.0), (100.0, 0.0)])
    pd.testing.assert_frame_equal(
        sp.travel_times(streets, here, here, limit=2), sp.travel_times(streets, here, here, minutes=2)
    )
