"""Coverage by every mode side by side: against a count of every person, and the same wherever it is told."""

import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from rich.console import Console

import siteplan as sp
from siteplan.analysis.coverage import by_way, openings_of
from siteplan.network.slope import Climb, bike_time_factor
from siteplan.output.coverage import at_limit, counted, cycles, idle_lines, nearly_cycling, terrain_told
from siteplan.output.terminal import print_coverage
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.study import check, choose, read_study, run
from siteplan.study.template import study_template
from siteplan.words import load_words
from test_publics import WHO, nearest, worlds
from tests.town import NORTH, lon, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")


@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_every_person_is_counted_by_every_way_they_can_go(world):
    times, people, sites = world
    if times.empty:
        return
    sites = sites.assign(status=["existing", *["candidate"] * (len(sites) - 1)])
    reach = Reach.of(*by_public(times, people, WHO))
    opened = openings_of(sites, reach, list(sites.index[-1:]))
    named = {"today": {"s0"}, "chosen": {"s0", sites.index[-1]}, "all": set(sites.index)}
    known = set(times["site"])
    assert {name: set(found) for name, found in opened.items()} == {
        name: found & known for name, found in named.items()
    }
    table = by_way(reach, opened, [5, 10])
    assert list(table["public"].unique()) == ["total", *(public.name for public in WHO)]
    for row in table.to_dict("records"):
        here = times if row["mode"] == "best" else times[times["mode"] == row["mode"]]
        who = [public for public in WHO if row["public"] in ("total", public.name)]
        expected, everybody = 0.0, 0.0
        for point, public in itertools.product(people.index, who):
            part = people.loc[point, row["group"]] * public.share_of(row["group"])
            near = nearest(here, point, named[row["open"]], public)
            expected += part if near and min(near) <= row["minutes"] else 0.0
            everybody += part
        assert row["covered"] == pytest.approx(expected, abs=0.05)
        assert row["people"] == pytest.approx(everybody, abs=0.05)
        assert row["share"] == pytest.approx(expected / everybody if everybody else np.nan, abs=1e-4, nan_ok=True)


def test_the_best_of_all_is_no_sum_and_stands_last():
    times = pd.DataFrame(
        {"site": ["A", "A", "B"], "point": [0, 0, 1], "mode": ["walk", "bike", "bike"], "minutes": [9.0, 3.0, 9.0]}
    )
    people = pd.DataFrame({"people": [100.0, 40.0]}, index=pd.RangeIndex(2, name="point"))
    table = by_way(Reach.of(times, people), {"all": ["A", "B"]}, [5, 10])
    assert table.groupby(["mode", "minutes"])["covered"].sum().to_dict() == {
        ("bike", 5): 100.0,
        ("bike", 10): 140.0,
        ("walk", 5): 0.0,
        ("walk", 10): 100.0,
        ("best", 5): 100.0,
        ("best", 10): 140.0,
    }
    kept = at_limit(table, 7)  # the largest that is no longer
    assert kept[["mode", "minutes", "covered"]].to_numpy().tolist() == [
        ["walk", 5, 0.0],
        ["bike", 5, 100.0],
        ["best", 5, 100.0],
    ]
    assert at_limit(table, 1)["minutes"].unique().tolist() == [5]
    assert np.isnan(counted(kept, "today", "walk")).all()


def test_nobody_is_split_where_all_are_one_public():
    times = pd.DataFrame({"site": "A", "point": [0], "mode": "walk", "minutes": 9.0})
    people = pd.DataFrame({"people": [100.0]}, index=pd.RangeIndex(1, name="point"))
    table = by_way(Reach.of(*by_public(times, people, [sp.Public(name="x", share=1)])), {"all": ["A"]}, [10])
    assert table["public"].tolist() == ["total"]


def test_a_run_its_choice_its_folder_and_the_terminal_tell_the_same(tmp_path: Path) -> None:
    town = write_town(tmp_path)
    asked = ["choose.sites=2", "choose.minutes=5", "scenarios.slow.set={travel.walk.speed_kmh: 2.4}"]
    result = run(read_study(town, asked), out=tmp_path / "results")
    choice = choose(read_study(town, asked))
    ways = result.tables["coverage"]
    assert choice.coverage is not None
    pd.testing.assert_frame_equal(choice.coverage, ways)
    assert sorted(ways["minutes"].unique()) == [5, 5.5]  # that of the choice is told, too
    # 400 m on foot in 5 minutes: 5 crossings of 10 people from either end; by bicycle all 11 from one.
    told = {
        name: [counted(at_limit(ways, 5), name, mode)[0] for mode in ("walk", "bike", "best")]
        for name in ("today", "chosen", "all")
    }
    assert told == {"today": [50, 110, 110], "chosen": [100, 110, 110], "all": [100, 110, 110]}
    assert counted(at_limit(ways, 5), "chosen", "best")[0] == choice.summary["covered"]
    # By territory the chosen sites are told, too, with those of today: in all the same people.
    for found in (result, result.scenarios["slow"]):
        whole, by_place = found.tables["coverage"], found.tables["territories"]
        assert list(by_place["open"].unique()) == list(whole["open"].unique()) == ["today", "chosen", "all"]
        keys = ["open", "group", "mode", "minutes"]
        whole = whole[whole["minutes"].isin(by_place["minutes"])].set_index(keys)["covered"]
        split = by_place[by_place["split"] == "degree"].groupby(keys)["covered"].sum()
        pd.testing.assert_series_equal(split.loc[whole.index], whole)
        assert {*found.tables["sites_in_reach"]["open"]} == {"today", "chosen", "all"}
    read = sp.Result.load(tmp_path / "results")
    pd.testing.assert_frame_equal(read.tables["coverage"], ways, check_dtype=False, atol=1e-4)
    assert read.choice is not None
    assert read.choice.coverage is read.tables["coverage"]
    text = io.StringIO()
    print_coverage(ways, 5, Console(file=text, width=200), language="fr")
    lines = [" ".join(line.split()) for line in text.getvalue().splitlines() if line.strip().startswith("à pied")]
    # The report counts from the minutes, and of the group and limit that the choice was asked for.
    page = re.sub(r"<[^>]*>", " ", (tmp_path / "results" / "report.html").read_text(encoding="utf-8"))
    page = " ".join(page.split())
    said = (
        "By mode, with the open and the chosen sites: 100 (91%) on foot, 110 (100%) by bicycle and 110 (100%) together."
    )
    assert said in page
    assert "On foot 5 min 50 (45%) 100 (91%) 100 (91%) By bicycle 5 min 110 (100%)" in page
    assert lines == ["à pied 5 min 50 (45 %) 100 (91 %) 100 (91 %)"]
    slow = result.scenarios["slow"].tables["coverage"]  # 200 m: 3 crossings from either end
    assert counted(at_limit(slow, 5), "chosen", "walk") == (60, 110)
    assert (tmp_path / "results" / "scenarios" / "slow" / "coverage.csv").exists()


def test_it_is_said_where_the_best_is_nearly_the_bicycle():
    words = load_words("en", "terminal")

    def said(walk: float, bike: float, public: str = "total") -> str:
        rows = [("all", public, "people", mode, 10, 100.0, n, n / 100) for mode, n in (("walk", walk), ("bike", bike))]
        rows.append(("all", public, "people", "best", 10, 100.0, 80.0, 0.8))
        columns = ["open", "public", "group", "mode", "minutes", "people", "covered", "share"]
        return nearly_cycling(pd.DataFrame(rows, columns=columns), ["bike"], words)

    assert said(40, 78).startswith(
        "By any mode is nearly by bicycle: of 80 people, 78 (98%) are there by bicycle and 40 by"
    )
    assert said(40, 75) == ""  # 94 % of them: the others count, too
    assert said(72, 78) == ""  # 90 % walk there
    assert said(40, 78, "cycling") == ""  # it is said who cycles
    assert said(0, 0) == ""


def test_who_rides_to_a_stop_cycles():
    assert cycles({"rules": "bike"})
    assert not cycles({"rules": "walk"})
    assert cycles({"window": [], "walk": {"rules": "walk"}, "home": {"rules": "bike"}})
    assert not cycles({"window": [], "walk": {"rules": "walk"}, "home": None})


def test_json_of_a_choice_tells_it(tmp_path: Path) -> None:
    from siteplan.output.tables import choice_json

    told = json.loads(choice_json(choose(read_study(write_town(tmp_path), ["choose.sites=1"]))))
    assert {row["mode"] for row in told["coverage"]} >= {"walk"}


def test_a_public_cannot_be_called_as_everybody_is(tmp_path: Path) -> None:
    with pytest.raises(sp.StudyError, match="cannot be called total"):
        read_study(write_town(tmp_path), ["travel.publics={total: {share: 1}}"])


@pytest.mark.parametrize(
    ("asked", "severity", "remedy"),
    [
        (["choose.sites=1"], "warning", "add calm to travel.modes"),  # the choice goes by the best of all modes
        ([], "info", "add calm to travel.modes"),
        (["choose.sites=1", "choose.mode=walk"], "info", "add calm to travel.modes"),
        (["travel.modes=[walk, calm]"], "info", "add bike to travel.modes"),
        (["travel.modes=[walk, bike, calm]", "travel.publics=all"], "info", "leave travel.publics out"),
        (["travel.modes=walk"], None, ""),
        (["travel.modes=bike"], None, ""),  # then that is what was asked
        (["travel.modes=[walk, bike, calm]"], None, ""),
    ],
)
def test_check_says_where_everybody_is_taken_to_cycle(
    tmp_path: Path, asked: list[str], severity: str | None, remedy: str
) -> None:
    found = check(read_study(write_town(tmp_path), asked))
    told = [each for each in found if each.place == "travel.publics"]
    assert [each.severity for each in told] == ([severity] if severity else [])
    assert all(f"; {remedy} to count by who cycles" in each.text for each in told)
    assert [each.text.split(":")[0] for each in found if each.place == "inputs.elevation"] == ["no terrain is given"]


def test_how_steep_streets_are_goes_by_their_length():
    # Of 4 km, the first km climbs by 6 % along the edge, the second by 4 % against it, the others not at all.
    flat = np.ones((4, 2))
    bike = flat.copy()
    bike[0, 0], bike[1, 1] = bike_time_factor(np.array([0.06, 0.04]))
    assert Climb(flat, bike).steep(np.array([1000.0, 1000.0, 500.0, 1500.0])) == 0.25
    assert Climb(flat, bike).steep(np.zeros(4)) == 0.0


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"inputs.streets": {}}, "No terrain was given"),
        ({"inputs.streets": {}, "inputs.elevation": {"steep": 0.125}}, "12% of the length of streets climbs"),
        ({"inputs.streets": {}, "inputs.elevation": {"steep": 0.05}}, ""),
        ({"inputs.streets": {}, "inputs.times": {}}, ""),
        ({}, ""),
    ],
)
def test_terrain_is_told_where_it_matters(inputs: dict[str, Any], said: str) -> None:
    told = terrain_told({"inputs": inputs}, load_words("en"))
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_a_new_study_says_how_publics_are_had() -> None:
    text = study_template()
    assert "  publics:\n" in text  # left empty, they are by the modes
    assert re.search("  # publics: all +# ", text)
    with_all = yaml.safe_load(text.replace("  publics:\n", "").replace("# publics: all", "publics: all"))
    assert with_all["travel"]["publics"] == "all"


def test_a_line_that_brings_nobody_is_told():
    columns = ["scenario", "group", "mode", "minutes", "gained", "lost"]
    rows = pd.DataFrame(
        [
            ("buses", "people", "transit", 20, 0.4, 0.0),  # less than half a person
            ("buses", "people", "walk", 20, 9.0, 0.0),  # which is not by bus
            ("more", "people", "transit", 20, 0.0, 0.0),
            ("more", "workers", "transit", 20, 1.0, 0.0),  # one worker
            ("cut", "people", "transit", 15, 0.0, 0.0),
            ("cut", "people", "transit", 20, 0.0, 3.0),
            ("bridge", "people", "transit", 20, 0.0, 0.0),  # changes no line
            ("now, often", "people", "transit", 20, 0.0, 0.0),
        ],
        columns=columns,
    )
    line = {"lines": [{"cut": "2"}]}
    study = {
        "scenarios": {"buses": line, "more": line, "cut": line, "bridge": {"lines": []}},
        "matrix": {"sites": {"now": {}}, "buses": {"often": line}},
    }
    told = list(idle_lines(rows, study, ["transit"], load_words("en")))
    assert [text.split(":")[0] for text in told] == ["buses", "now, often"]
    assert "within 20 minutes" in told[0]
    assert list(idle_lines(rows, study, [], load_words("en"))) == []


def test_sites_that_may_not_be_chosen_are_among_all(tmp_path: Path) -> None:
    rows = ["A,Hall,existing,5,0", "B,Library,candidate,5,5", "D,Depot,candidate,1,10"]
    sites = "\n".join(f"{row.rsplit(',', 1)[0]},{lon(int(row.rsplit(',', 1)[1]))},{NORTH}" for row in rows)
    path = write_town(tmp_path, sites=f"site,name,status,fibre,lon,lat\n{sites}\n")
    asked = ["choose={sites: 2}", "criteria={columns: {fibre: 1}, require: {fibre: {at_least: 2}}}", "output.trials=0"]
    found = run(read_study(path, asked), out=tmp_path / "results").tables
    assert sorted(found["choice"].index) == ["A", "B"]
    keys = ["open", "group", "mode", "minutes"]
    total = found["territories"].query("split == 'total'").set_index(keys)["covered"]
    ways = found["coverage"].query("public == 'total'").set_index(keys)["covered"]
    assert ways.to_dict() == total.to_dict()
    assert ways["all", "people", "walk", 5.5] == 110  # those at the eastern end have the depot
