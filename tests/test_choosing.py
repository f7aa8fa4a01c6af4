"""Choosing sites in a study and at the command line, on a town whose answers are known by head.

On foot within 5.5 minutes A reaches crossings 0 to 4, B 6 to 10, and M in the middle 1 to 9.
"""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.errors import Key, SiteplanWarning, StudyError, suggested
from siteplan.output.terminal import print_choice
from siteplan.study import choose, read_study, run
from tests.town import NORTH, STUDY, lon, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")

SITES = f"""site,name,status,lon,lat,cost,capacity,zone
A,Hall,candidate,{lon(0)},{NORTH},10,30,west
B,Library,candidate,{lon(10)},{NORTH},10,30,east
M,Mill,candidate,{lon(5)},{NORTH},50,30,middle
"""


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_town(tmp_path, sites=SITES, study=STUDY.replace("walk, bike", "walk"))


def call(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def asked(town: Path, *changes: str) -> tuple[list[str], float]:
    """Return the chosen sites in the order to open them, and the value."""
    choice = choose(read_study(town, changes))
    assert choice.gap == 0
    return list(choice.sites.index), choice.value


def test_the_best_one_and_the_best_two(town: Path) -> None:
    assert asked(town, "choose.sites=1") == (["M"], 90)
    assert asked(town, "choose.sites=2")[1] == 100
    assert asked(town, "choose={sites: 2, group: workers}")[1] == 55


def test_which_existing_site_is_needed_least(town: Path) -> None:
    kept = SITES.replace("A,Hall,candidate", "A,Hall,existing").replace("M,Mill,candidate", "M,Mill,existing")
    (town.parent / "sites.csv").write_text(kept)
    table = run(read_study(town, ["choose.sites=3"])).tables["least_needed"]
    assert table["loss"].to_dict() == {"A": 10, "M": 50}  # A alone reaches the westernmost crossing
    assert "least_needed.csv" in {path.name for path in (town.parent / "results").iterdir()}


def test_a_budget(town: Path) -> None:
    assert asked(town, "choose.budget=20") == (["A", "B"], 100)
    assert asked(town, "choose.budget=19")[1] == 50


def test_fewest_sites_for_a_share(town: Path) -> None:
    assert asked(town, "choose={objective: share, share: 0.8}") == (["M"], 1)
    assert asked(town, "choose={objective: share, share: 1}")[1] == 3


def test_sites_may_be_full(town: Path) -> None:
    assert asked(town, "choose={sites: 2, capacities: true}")[1] == pytest.approx(60)


def test_sites_apart_and_quotas(town: Path) -> None:
    assert asked(town, "choose={sites: 2, spacing_m: 600}") == (["A", "B"], 100)
    sites, value = asked(town, "choose={sites: 1, quotas: [{column: zone, value: west, at_least: 1}]}")
    assert (sites, value) == (["A"], 50)


def test_nearer_counts_more(town: Path) -> None:
    assert asked(town, "choose={sites: 1, objective: gravity, decay: {kind: linear, minutes: 5.5}}")[0] == ["M"]


def test_floors_by_commune(town: Path) -> None:
    boxes = gpd.GeoDataFrame(
        {"name": ["West", "East"]},
        geometry=gpd.GeoSeries.from_wkt(
            [
                f"POLYGON(({a} 47, {b} 47, {b} 47.2, {a} 47.2, {a} 47))"
                for a, b in ((lon(-1), lon(5.5)), (lon(5.5), lon(11)))
            ]
        ),
        crs=4326,
    )
    boxes.to_file(town.parent / "communes.gpkg")
    by_commune = ["area.communes=communes.gpkg"]
    assert asked(town, *by_commune, "choose={sites: 1, floors: {East: 0.9}}") == (["B"], 50)
    with pytest.raises(StudyError, match=r"choose\.floors\.South: no such commune; expected any of East, West"):
        asked(town, *by_commune, "choose={sites: 1, floors: {South: 0.9}}")
    with pytest.raises(StudyError, match="no set of 1 sites meets the conditions"):
        asked(town, *by_commune, "choose={sites: 1, floors: 1}")
    with pytest.raises(StudyError, match=r"phases: no set of 1 sites .*; 3 sites would.*ask without phases"):
        asked(town, *by_commune, "choose={phases: [1, 3], floors: 1}")
    boxes[1:].to_file(town.parent / "communes.gpkg")  # who lives in no commune has no floor
    assert asked(town, *by_commune, "choose={sites: 1, floors: 1}")[0] == ["B"]
    assert asked(town, *by_commune, "choose={sites: 1, floors: most}")[0] == ["B"]
    told = call("choose", town, "--set=area.communes=communes.gpkg", "--set=choose={sites: 1, floors: 0.3}").stdout
    assert "the lowest: East 80% (asked 30%)" in told


def test_what_cannot_be_asked(town: Path) -> None:
    for change, said in {
        "choose={}": "names neither sites",
        "choose={sites: 0}": "choose.sites: found 0",
        "choose={sites: 9}": "Ask for 3 or fewer",
        "choose={sites: 1, mode: bike}": r"choose\.mode: no 'bike'",
        "choose={sites: 1, group: cats}": r"choose\.group: no 'cats'",
        "choose={sites: 1, floors: 0.5}": r"choose\.floors: are by commune",
        "choose={sites: 1, objective: best}": r"choose\.objective: found 'best'",
        "travel.minutes=5.5": "choose: missing",
    }.items():
        with pytest.raises(StudyError, match=said):
            choose(read_study(town, [change]))


def test_a_run_writes_the_choice(town: Path) -> None:
    result = run(read_study(town, ["choose.sites=2"]))
    assert result.folder is not None
    assert result.choice is not None
    table = pd.read_csv(result.folder / "choice.csv")
    assert list(table["order"]) == [1, 2]
    assert table["added"].sum() == 100
    assert pd.read_csv(result.folder / "assignment.csv")["people"].sum() == 100
    assert len(pd.read_csv(result.folder / "rejected.csv")) == 1
    layer = gpd.read_file(result.folder / "results.gpkg", layer="choice")
    assert list(layer["site"]) == list(table["site"])
    assert "seconds" not in json.dumps(result.manifest.get("choice", {}))
    again = run(read_study(town, ["choose.sites=2"]), out=town.parent / "again")
    assert again.folder is not None
    for name in ("choice.csv", "rejected.csv", "assignment.csv", "map.html", "report.html"):
        assert (again.folder / name).read_bytes() == (result.folder / name).read_bytes()


def test_a_run_ends_with_the_choice_its_cost_and_the_pages(town: Path) -> None:
    done = call("run", town, "--set", "choose.sites=2", "--set", "currency=CHF")
    assert done.exit_code == 0, done.stderr
    assert "coverage: 100 of 110 people covered within 5.5 min, proven the best possible" in done.stdout
    assert "the new sites cost 60\N{NO-BREAK SPACE}CHF" in done.stdout
    assert " instead of " in done.stdout  # what would be nearly as good
    last = [line for line in done.stderr.splitlines() if line.startswith("results in")]
    assert len(last) == 1
    assert last[0].endswith("report.html")


def test_a_suggestion_is_near_or_not_made() -> None:
    assert suggested("Vernoy", ["Vernay", "Marsac"]) == "one such as Vernay"
    assert suggested("x", ["Vernay", "Marsac"]) == "any of Vernay, Marsac"


def test_at_the_command_line(town: Path) -> None:
    done = call("choose", town, "-p", 2, "--out", "chosen.csv")
    assert done.exit_code == 0, done.stderr
    assert "coverage: 100 of 110 people covered within 5.5 min, proven the best possible" in done.stdout
    assert "the sites open in any case alone: 0; within reach of any site: 110" in done.stdout
    assert "the new sites cost 60" in done.stdout
    assert len(pd.read_csv("chosen.csv")) == 2
    told = json.loads(call("choose", town, "--budget", 20, "--json").stdout)
    assert ([row["site"] for row in told["sites"]], told["gap"]) == (["A", "B"], 0)
    done = call("choose", town, "-p", 9)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {town}: choose.sites (-p) is 9, but only 3 sites may be open.")


def test_what_is_typed_replaces_what_the_file_asks(town: Path) -> None:
    town.write_text(town.read_text() + "choose: {phases: [1, 2], least_regret: true}\n")
    for typed, sites in {"-p=1": 1, "--budget=20": 2, "--objective=share": 3}.items():
        done = call("choose", town, *typed.split("="), "--json")
        assert done.exit_code == 0, done.stderr
        assert len(json.loads(done.stdout)["sites"]) == sites
        for key in ("phases", "least_regret"):
            assert f"{town}: choose.{key} is set aside, as what is typed stands in its place" in done.stderr
    assert "set aside" not in call("choose", town, "-q", "-p", 1).stderr
    assert "set aside" not in call("choose", town, "--phases", "1,3").stderr
    assert "choose.phases" in call("choose", town, "-p", 1, "--phases", "2,3").stderr
    town.write_text(STUDY.replace("walk, bike", "walk") + "choose: {objective: share, share: 0.5}\n")
    assert "choose.share is set aside" in call("choose", town, "--objective", "coverage", "-p", 1).stderr
    town.write_text(STUDY.replace("walk, bike", "walk") + "choose: {sites: 2, frontier: 2, capacities: true}\n")
    done = call("choose", town, "--objective", "center")
    assert done.exit_code == 0, done.stderr
    assert "choose.frontier is set aside" in done.stderr
    assert "choose.capacities is set aside" in done.stderr


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--phases 3,1", "choose.phases (--phases): found '3,1', expected numbers that rise"),
        ("--phases 1,9", "choose.phases (--phases) is 9, but only 3 sites may be open"),
        ("-p 1 --share 0.5", "choose.share (--share): is for objective share"),
        ("-p 1 --objective best", "choose.objective (--objective): found 'best'"),
        ("-p 1 --objective gravity", "choose.decay: missing; objective gravity needs it"),
        ("-p 1 --by bike", "choose.mode (--by): no 'bike' in this study"),
        ("-p 2 --set choose.quotas=[{column:_zone,value:_west,at_least:_2}]", "choose.quotas zone=west: at least 2"),
        ("-p 2 --set choose.quotas=[{column:_area,value:_west}]", "choose.quotas: sites have no column 'area'"),
    ],
)
def test_errors_name_what_was_typed(town: Path, typed: str, expected: str) -> None:
    done = call("choose", town, *(word.replace(":_", ": ") for word in typed.split()))
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {town}: ")
    assert expected in done.stderr


def test_what_stands_in_the_data_is_never_taken_for_a_key(town: Path) -> None:
    error = StudyError(Key("quotas"), " sites=budget: at least 3 asked for. Change ", Key("sites"))
    assert str(error.named(lambda key: f"choose.{key}")) == (
        "choose.quotas sites=budget: at least 3 asked for. Change choose.sites"
    )
    assert error.keys == ("quotas", "sites")
    assert str(pickle.loads(pickle.dumps(error)).named(str.upper)).startswith("QUOTAS sites=budget")
    called = SITES.replace("zone", "choose.sites").replace("west", "count=")
    (town.parent / "sites.csv").write_text(called)
    quotas = "choose.quotas=[{column: choose.sites, value: 'count=', at_least: 2}]"
    done = call("choose", town, "-p", 2, "--set", quotas)
    assert f"error: {town}: choose.quotas choose.sites=count=: at least 2 asked for" in done.stderr


def test_phases_and_all_tables_at_the_command_line(town: Path) -> None:
    done = call("choose", town, "--phases", "1,3", "-o", "tables")
    assert done.exit_code == 0, done.stderr
    words = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "order phase site name status people added alone served cost (units)" in words
    assert "phase sites value best alone loss loss % opens" in words
    assert "1 1 90 90 0 0.0 M" in words
    told = json.loads(call("choose", town, "--phases", "1,3", "--json").stdout)
    assert [row["value"] for row in told["phases"]] == [90, 110]
    assert [row["covered"] for row in told["curve"]] == [0, 90, 100, 110]
    there = {path.name for path in Path("tables").iterdir()}
    assert there == {f"{name}.csv" for name in ("choice", "coverage", "rejected", "assignment", "phases", "curve")}
    assert list(pd.read_csv("tables/choice.csv")["phase"]) == [1, 2, 2]
    done = call("choose", town, "-p", 2, "-o", "tables")
    assert "tables: holds phases.csv of something else; nothing was written" in done.stderr
    call("run", town, "--set", "output.isochrones=false")
    done = call("choose", town, "-p", 2, "-o", "results")
    assert "results: holds the results of a run; nothing was computed or written. Give another folder" in done.stderr


def test_a_narrow_terminal_cuts_no_figure(town: Path) -> None:
    names = SITES.replace("Hall", "The great old hall of the western end")
    (town.parent / "sites.csv").write_text(names.replace(",50,30,", ",50000000,30,"))
    with io.StringIO() as text:
        print_choice(choose(read_study(town, ["choose.sites=3"])), Console(file=text, width=60))
        told = text.getvalue()
    assert "50,000,000" in told
    assert "…" not in told


def test_whom_the_terminal_speaks_of(town: Path) -> None:
    def said(asked: str, *more: str) -> str:
        return str(call("choose", town, "--set", f"choose={asked}", *more).stdout)

    assert "coverage: 55 of 55 workers covered" in said("{sites: 3, group: workers}")
    full = said("{sites: 2, capacities: true}")
    assert "coverage: 60 of 110 people served within 5.5 min" in full
    assert "turned away" in full
    assert "turned away" not in said("{sites: 2}")
    assert "share: 1 sites for 90 of 110 people in reach of any site" in said("{objective: share, share: 0.8}")
    assert "together (10 whom none serves with 11)" in said("{sites: 2, objective: median, minutes: 5.5}")
    assert "minutes of the farthest; nobody beyond reach is counted" in said("{sites: 3, objective: p-center}")
    assert "20 people in reach of a site find none open (11 minutes" in said(
        "{sites: 1, objective: center, minutes: 5.5}"
    )


def alone(*typed: object, sites: str = "site,status,cost\nA,,1\nB,,2\nM,excluded,3\n") -> Any:
    """Choose from tables that know no places."""
    Path("sites.csv").write_text(sites)
    return call("choose", "--times=times.csv", "--sites=sites.csv", "--minutes=15", *typed)


def test_sites_need_no_place_where_times_are_given(town: Path) -> None:
    Path("times.csv").write_text("site,point,minutes\nA,1,5\nB,1,5\nB,2,5\nM,3,5\n")
    done = alone("-p", 1, "--json")
    assert done.exit_code == 0, done.stderr
    assert [row["site"] for row in json.loads(done.stdout)["sites"]] == ["B"]
    assert "no coordinates found" in alone("-p", 1, "--set", "choose.spacing_m=100").stderr
    done = alone("-p", 1, "--json", "--population=people.csv", "--set=area.extent=sites")
    assert "no coordinates found" in done.stderr
    Path("times.csv").write_text("site,point,minutes\nA,1,5\nB,2,5\nB,3,5\n")
    assert json.loads(alone("-p", 1, "--json", "--population=people.csv").stdout)["value"] == 20


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (
            "--within 4",
            "times.csv: nothing lies within the limit of 4 minutes, the shortest time is 5. If the table is in",
        ),
        ("--mode walk", "times.csv: nothing is searched beside a table of times"),
        ("--by walk", "choose.mode (--by) 'walk' is not in the times"),
    ],
)
def test_what_a_table_of_times_cannot_answer(town: Path, typed: str, expected: str) -> None:
    Path("times.csv").write_text("site,point,minutes\nA,1,5\nB,1,5\nB,2,5\n")
    done = alone("-p", 1, *typed.split())
    assert done.exit_code == 1
    assert expected in done.stderr


def test_times_to_an_excluded_site_are_left_out(town: Path) -> None:
    Path("times.csv").write_text("site,point,minutes\nA,1,5\nB,1,5\nB,2,5\nM,3,5\n")
    done = alone("-p", 1, "--json", "--population=people.csv")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["value"] == 20


def test_limits_as_long_as_those_of_a_table(town: Path) -> None:
    Path("times.csv").write_text("site,point,minutes\nA,1,500\nB,1,590\nB,2,600\n")
    done = alone("-p", 1, "--within", 600, "--objective", "median", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["value"] == 1190


def test_scenarios_are_none_of_choosing(town: Path) -> None:
    Path("times.csv").write_text("site,point,minutes\n" + "".join(f"{site},{n},5\n" for n in (1, 2) for site in "ABM"))
    town.write_text(town.read_text() + "scenarios: {closed: {streets: [{close: 1}]}}\n")
    done = call("choose", town, "--times", "times.csv", "-p", 1)
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("wide", [False, True])
def test_a_table_of_times_alone_will_do(town: Path, wide: bool) -> None:
    times = pd.DataFrame({"point": [1, 2, 3], "A": [5.0, 30, 40], "B": [5, 10, 12], "M": [25, 5, None]})
    long = times.melt(id_vars="point", var_name="site", value_name="minutes").dropna()
    (times if wide else long).to_csv("times.csv", index=False)
    done = call("choose", "--times=times.csv", "--sites=sites.csv", "--minutes=15", "-p", 1, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert ([row["site"] for row in told["sites"]], told["value"]) == (["B"], 3)
    assert "each of its 3 points counts once" in done.stderr


def test_phases(town: Path) -> None:
    result = run(read_study(town, ["choose={phases: [1, 3]}", "output.isochrones=false"]))
    assert result.folder is not None
    phases = pd.read_csv(result.folder / "phases.csv")
    assert phases["value"].tolist() == [90, 110]
    assert phases["opens"].tolist() == ["M", "A, B"]
    choice = pd.read_csv(result.folder / "choice.csv")
    assert choice[["site", "status", "phase"]].to_numpy().tolist() == [
        ["M", "candidate", 1],
        ["A", "candidate", 2],
        ["B", "candidate", 2],
    ]
    curve = pd.read_csv(result.folder / "curve.csv").set_index("sites")
    assert curve["covered"].to_dict() == {0: 0, 1: 90, 2: 100, 3: 110}
    for change in ("choose={phases: [1, 3], sites: 2}", "choose={phases: [1], objective: share}"):
        with pytest.raises(StudyError, match=r"choose\.phases"):
            read_study(town, [change])


def test_phases_that_lose_the_least(town: Path) -> None:
    result = run(read_study(town, ["choose={phases: [1, 2], least_regret: true}", "output.isochrones=false"]))
    phases = result.tables["phases"]
    assert phases["value"].tolist() == [90, 100]
    assert phases["opens"].tolist() == ["M", "A"]
    assert (phases[["regret", "regret_bound"]] == 0).all(axis=None)
    for wrong in (
        "choose={sites: 2, least_regret: true}",
        "choose={phases: [1, 2], objective: center, least_regret: true}",
        "choose={phases: [1, 2], phase_budgets: [1, 2]}",
    ):
        with pytest.raises(StudyError, match=r"choose\.(phase_budgets|least_regret)"):
            read_study(town, [wrong])


def test_phases_by_what_they_cost(town: Path) -> None:
    result = run(read_study(town, ["choose={phase_budgets: [20, 70]}", "output.isochrones=false"]))
    phases, choice = result.tables["phases"], result.choice
    assert choice is not None
    assert phases[["budget", "count", "value"]].to_numpy().tolist() == [[20, 2, 100], [70, 3, 110]]
    assert phases["opens"].tolist() == ["A, B", "M"]
    assert choice.sites["phase"].to_dict() == {"A": 1, "B": 1, "M": 2}


def test_capacities_in_desks_are_those_of_the_demand(town: Path) -> None:
    pd.read_csv("sites.csv").assign(capacity=2).to_csv("sites.csv", index=False)
    asked = ["demand={uptake: [0.05, 0.1], group: people}", "output.isochrones=false"]
    desks = run(read_study(town, [*asked, "choose={sites: 1, capacities: desks}"]), out="desks")
    # Per person 0.37 x 0.1 x 2 / 5 x 1.3 / 0.8 desks, so that two desks serve 83 people.
    assert desks.choice is not None
    assert desks.choice.value == pytest.approx(2 / (0.37 * 0.1 * 2 / 5 * 1.3 / 0.8))
    assert desks.folder is not None
    placed = gpd.read_file(desks.folder / "results.gpkg", layer="sites").set_index("site")
    needed = desks.tables["desks"].set_index(["site", "uptake"])["desks"]
    assert placed["desks_5pct"].to_dict() == needed.xs(0.05, level="uptake").to_dict()
    people = run(read_study(town, [*asked, "choose={sites: 1, capacities: true}"]), out="people")
    assert people.choice is not None
    assert people.choice.value == pytest.approx(2)
    with pytest.raises(StudyError, match=r"choose\.capacities"):
        read_study(town, ["choose={sites: 1, capacities: desks}"])


def test_what_the_answers_warn_of_stands_in_the_manifest(town: Path) -> None:
    pd.read_csv("sites.csv").drop(columns="capacity").to_csv("sites.csv", index=False)
    asked = ["choose.sites=1", "fairness={catchment: {steps: {5: 1}, group: people}}", "output.isochrones=false"]
    with pytest.warns(SiteplanWarning, match="have no capacity"):
        result = run(read_study(town, asked))
    assert any("have no capacity" in text for text in result.manifest["warnings"])
