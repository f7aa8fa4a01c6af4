"""The benchmark runs on a small made town, and its arithmetic is right."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteplan as sp
from siteplan.config import BIKE, WALK
from siteplan.errors import SiteplanWarning
from siteplan.network.graph import footing
from siteplan.network.streets import build_streets
from siteplan.study import check, read_study
from siteplan.study.load import load as read
from tests.bench import __main__ as bench
from tests.bench import choose, load, million, programs, reach, routers, scale, shapes, sharing, stages, tiles
from tests.bench.engines import Scipy, Siteplan
from tests.bench.measure import Row, Told, Took, in_child, in_turns, seconds, table
from tests.bench.worlds import Common, MissingError, common, data, grid, people_at


@pytest.fixture(scope="module")
def town() -> Common:
    return common(build_streets(grid(25)), BIKE)


def test_the_made_town_has_one_ways_bends_and_gaps(town: Common) -> None:
    arcs = set(zip(town.tail.tolist(), town.head.tolist(), strict=True))
    assert 0 < sum((head, tail) not in arcs for tail, head in arcs) < len(arcs) / 2
    assert len(town.graph.indptr) - 1 < len(town.x)
    assert (town.cost > 0).all()


def test_places_stand_for_nodes(town: Common) -> None:
    every = np.arange(len(town.nodes))
    ours, scipy = Siteplan(town, every), Scipy(town.csr, town.nodes, town.nodes)
    reach.same(ours.table(3000), scipy.table(3000))


def test_places_stand_for_nodes_backwards(town: Common) -> None:
    homes, people = reach.sample(town, 40), np.zeros(len(town.nodes))
    people[homes] = people_at(town)[homes]
    forwards = Siteplan(town, np.arange(len(town.nodes))).sums(reach.LIMITS, people)
    assert np.array_equal(forwards, reach.FromPeople(town, homes, BIKE).sums(people))


def test_different_answers_are_not_measured() -> None:
    with pytest.raises(AssertionError, match="answers differ"):
        reach.same((np.array([1, 2]),), (np.array([1, 3]),))


def test_origins_are_measured_against_every_engine(town: Common) -> None:
    rows = reach.from_origins(town, BIKE, rounds=1, count=20)
    assert {"scipy dijkstra(limit)", "networkx dijkstra(cutoff)", "OSMnx recipe (ego_graph)"} <= {r.other for r in rows}


def test_polygons_are_measured() -> None:
    streets = build_streets(grid(25))
    (row,) = shapes.polygons_of(common(streets, WALK), WALK, rounds=1, count=4, goal="")
    assert "in common" in row.other


def test_a_large_town_is_measured_in_a_process_of_its_own() -> None:
    rows = million.million(1, side=30, count=20)
    assert [row.goal for row in rows].count("1 GB") == 1
    assert rows[-1].other == "scipy dijkstra(limit)"


def test_a_made_country_can_be_run(tmp_path: Path) -> None:
    load.write_country(tmp_path, 20, 200, 6)
    load.write_study(tmp_path, 3, 20)
    study = read_study(tmp_path / "study.yaml", ["choose.sites=4"])
    found = {finding.severity: finding.text for finding in check(study)}
    assert "error" not in found
    with pytest.warns(SiteplanWarning, match="its streets cover"):  # so small a country is all border
        whole = read(study)
    assert (len(whole.sites), len(whole.cells), len(whole.communes), len(study.scenarios)) == (20, 200, 6, 3)
    assert len(whole.streets.length) >= 2 * 15 * 14  # 15 streets either way, of 14 meshes each


def test_ratios_are_those_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([1.0, 2.0, 2.0, 8.0, 1.0, 3.0])  # ours and theirs in turns: 2, 4 and 3 times
    monkeypatch.setattr("tests.bench.measure._cpu", lambda work: next(taken))
    (row,) = in_turns("task", lambda: None, {"other": lambda: None}, rounds=3)
    assert (row.ratio, row.ours, row.theirs) == ("3.0 (2.0-4.0)", "1.0 s", "3.0 s")


def test_two_pairs_are_enough_where_they_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([1.0, 2.0, 1.0, 2.05, 1.0, 9.0])
    monkeypatch.setattr("tests.bench.measure._cpu", lambda work: next(taken))
    (row,) = in_turns("task", lambda: None, {"other": lambda: None}, rounds=3)
    assert row.theirs == "2.0 s"
    assert list(taken) == [1.0, 9.0]


def test_less_work_given_to_the_other_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([1.0, 2.0])
    monkeypatch.setattr("tests.bench.measure._cpu", lambda work: next(taken))
    (row,) = in_turns("task", lambda: None, {"other": lambda: None}, rounds=1, scale={"other": 50})
    assert row.ratio == "100 (100-100)"


def test_what_another_process_took_counts_in_place_of_this_one() -> None:
    (row,) = in_turns("task", lambda: Took(2.0), {"other": lambda: Took(6.0)}, rounds=1)
    assert (row.ours, row.theirs, row.ratio) == ("2.0 s", "6.0 s", "3.0 (3.0-3.0)")


def test_an_engine_is_told_line_by_line_and_ends_with_the_one_who_tells() -> None:
    busy = (
        "import sys\nprint('a log', 'ready', sep='\\n', flush=True)\n"
        "for n in sys.stdin: sum(range(int(n))); print('done', flush=True)"
    )
    with Told([sys.executable, "-c", busy]) as engine:
        assert engine.start > 0
        assert engine.tell(f"{10**7}") > 10 * engine.tell("1")
        assert engine.peak > 1
    assert engine.process.returncode is not None


def test_an_engine_that_fails_or_takes_too_long_says_why() -> None:
    with pytest.raises(RuntimeError, match="no such graph"):
        Told([sys.executable, "-c", "raise SystemExit('no such graph')"])
    with pytest.raises(RuntimeError, match=r"took more than 0\.1 s"):
        Told([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.1)


def test_siteplan_is_told_as_other_engines_are(tmp_path: Path) -> None:
    """Beside itself it is all alike: the joints of the comparison, without the others."""
    extract = Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf"
    streets = sp.read_streets(extract)
    line = streets.lines[int(np.argmax(streets.length))]
    place = gpd.GeoSeries([line.interpolate(metres) for metres in (10, 60)], crs=streets.crs).to_crs(4326)
    for mode in routers.PROFILES:
        pd.DataFrame({"lat": place.y, "lon": place.x}).to_csv(
            tmp_path / f"places_{mode}.csv", header=False, index=False
        )
    with routers.siteplan(extract, tmp_path) as engine:
        engine.tell(f"matrix walk 2 20 {tmp_path / 'minutes'}")
        engine.tell(f"polygons bike 1 15,20 {tmp_path / 'areas'}")
    minutes = routers.minutes_of(tmp_path / "minutes", 2)
    assert minutes == pytest.approx(np.array([[0, 50], [50, 0]]) / 80, abs=0.02)  # metres a minute
    near, large = routers.areas_of(tmp_path / "areas", routers.parts_of)
    assert 0 < near.area < large.area
    assert routers.area_in_common([near, large], [near, large]) == 1.0


def test_differences_in_minutes_are_told() -> None:
    ours, theirs = np.array([[1.0, 2.0, 3.0, np.nan, 5.0]]), np.array([[1.05, 2.5, 4.5, 4.0, np.nan]])
    near, told = routers.differences(ours, theirs)
    assert near == pytest.approx(2 / 3)
    assert told == (
        "3 pairs, within 0.1 / 1 / 2 min 33.3% / 66.7% / 100.0%, largest 1.5 min; "
        "only by siteplan 1, only by the other 1"
    )
    with pytest.raises(AssertionError, match="nothing is measured"):
        routers.differences(ours, theirs + 3)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (programs.graphhopper, "needs java"),
        (programs.r5, "needs mvn"),
        (programs.valhalla, r"3\.12 or newer"),
        (programs.opentripplanner, r"OTP_JAR \(not named\) is no file"),
    ],
)
def test_an_engine_that_is_not_here_is_named_with_the_reason(
    engine: Callable[[], object], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "KEPT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv("OTP_JAR", raising=False)
    monkeypatch.setattr(programs, "runs", lambda python: python != sys.executable)
    with pytest.raises(MissingError, match=reason):
        engine()


def test_what_cannot_be_installed_is_left_out_with_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="Valhalla could not be installed: no network"):
        programs.bring("Valhalla", sys.executable, "-c", "raise SystemExit('no network')")


def test_the_table_is_markdown() -> None:
    lines = table([Row("a", "1 s", "b", "2 s", "2.0"), Row("c", "80 MB", goal="1 GB")]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {7}


@pytest.mark.parametrize(("value", "text"), [(0.00234, "2.34 ms"), (0.25, "250 ms"), (12.34, "12.3 s")])
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize("name", choose.QUESTIONS)
def test_plain_programmes_give_the_answers_that_are_measured_beside_them(name: str) -> None:
    problem = choose.small(name)
    value, bound = choose.ours(problem)
    assert bound == pytest.approx(value, rel=1e-6)
    if not isinstance(problem.floors, str):
        assert choose.plainly(problem, 60.0) == pytest.approx((value, value), rel=1e-6)


def test_missing_data_is_said_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEPLAN_DATA", str(tmp_path))
    with pytest.raises(MissingError, match=r"porto_alegre/poa_osm\.pbf"):
        data("porto_alegre/poa_osm.pbf")


def test_a_task_that_fails_or_is_left_out_does_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(_rounds: int) -> list[Row]:
        raise AssertionError("answers differ")

    def absent(_rounds: int) -> list[Row]:
        raise MissingError("no file")

    tasks = {"wrong": differ, "absent": absent, "right": lambda _rounds: [Row("a task", "1 s")]}
    monkeypatch.setattr(bench, "TASKS", tasks)
    monkeypatch.setattr(sys, "argv", ["bench"])
    assert bench.main() == 1
    told = capsys.readouterr().out
    assert "wrong: failed: answers differ\nabsent: left out: no file\n" in told
    assert "| a task |" in told
    monkeypatch.setattr(sys, "argv", ["bench", "absent", "right"])
    assert bench.main() == 0


def test_tasks_that_are_measured_by_cpu_run_in_processes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SITEPLAN_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bench", "polygons", "reading"])
    assert bench.main() == 0
    told = capsys.readouterr().out
    assert "polygons: left out: no porto_alegre" in told
    assert "reading: left out: no porto_alegre" in told
    monkeypatch.setattr(bench, "run_apart", lambda name, rounds: ([Row(name, "1 s")], name == "reading"))
    assert bench.main() == 1
    assert "| polygons | 1 s" in capsys.readouterr().out


def test_an_unknown_task_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.bench", "nosuch"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no task nosuch" in done.stderr


def test_cities_side_by_side_are_one_network(tmp_path: Path) -> None:
    nodes, cells = tiles.write_tiles(Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf", tmp_path, 2)
    asked = ["--streets", tmp_path / "streets.osm.pbf", "--population", tmp_path / "people.tif"]
    asked += ["--sites", tmp_path / "sites.csv", "--mode", "walk,bike", "--minutes", "15,20", "--quiet"]
    for name in ("stages", "command"):
        told = in_child(f"tests.bench.{name}", "score", *map(str, asked), "-o", str(tmp_path / f"{name}.csv"))
        if name == "stages":
            took = told
    assert (tmp_path / "stages.csv").read_bytes() == (tmp_path / "command.csv").read_bytes()
    assert list(took["stages"]) == [*stages.STAGES, stages.REST]
    assert all(user + system > 0 for user, system in took["stages"].values())
    assert sum(scale.total(took["stages"])) == pytest.approx(took["cpu"], rel=0.02)
    streets = sp.read_streets(tmp_path / "streets.osm.pbf")
    one = sp.read_streets(Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf")
    assert len(streets.u) > 2 * len(one.u)  # the streets that join them; a small place has fewer than a city
    component = footing(streets, WALK).component
    assert np.bincount(component[streets.u]).max() > 1.5 * np.bincount(footing(one, WALK).component[one.u]).max()
    assert nodes > 2 * one.node_count
    assert cells > 0
    assert scale.growth(12, 3.0, 48, 12.0) == pytest.approx(1.0)
    assert np.isnan(scale.growth(12, 0.0, 48, 12.0))


def test_a_stage_within_another_counts_to_itself_alone() -> None:
    now = [(0.0, 0.0)]

    def work(user: float, system: float) -> None:
        now[0] = (now[0][0] + user, now[0][1] + system)

    watch = stages.Watch(lambda: now[0])
    inner = watch.wrap(lambda: work(5, 1), "inner")

    def both() -> None:
        work(1, 0)
        inner()
        work(2, 0)

    work(10, 0)
    watch.wrap(both, "outer")()
    watch.turn(stages.REST)
    assert watch.spent == {stages.REST: (10, 0), "outer": (3, 0), "inner": (5, 1)}


def test_a_stage_that_is_none_any_more_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STAGES", {"scores": ["siteplan.study.stages._scores"]})
    monkeypatch.setattr("siteplan.study.stages._scores", len)
    with pytest.raises(RuntimeError, match="never entered: scores"):
        stages.watched(lambda: None)


def test_growth_is_told_of_every_stage_and_of_medians() -> None:
    runs = [{"stages": {"a": [user, 1.0]}} for user in (3.0, 9.0, 1.0)]
    assert scale.middle(runs) == {"a": (3.0, 1.0)}
    (row,) = scale.grown([(12, scale.middle(runs)), (48, {"a": (12.0, 4.0)})])
    assert (row.ours, row.ratio) == ("12: 3.00 + 1.00 s, 48: 12.00 + 4.00 s", "grows by 1.00 (user's alone 1.00)")


def test_a_run_has_the_same_bytes_though_a_worker_is_killed(tmp_path: Path) -> None:
    extract = Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf"
    tiles.write_tiles(extract, tmp_path, 1)
    study = sharing.STUDY.format(chosen=10).replace("[walk, bike]", "[walk]").replace("[15, 20]", "[5]")
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    one = in_child("tests.bench.sharing", str(tmp_path), "one", "1", "")
    two = in_child("tests.bench.sharing", str(tmp_path), "processes", "2", "killed")
    assert sharing.different(one["files"], two["files"]) == []
    assert {"scores.csv", "results.gpkg", "map.html"} <= {*one["files"]}
    with pytest.raises(RuntimeError, match="no worker was killed"):
        in_child("tests.bench.sharing", str(tmp_path), "one", "1", "killed")


def test_files_with_other_bytes_are_named() -> None:
    assert sharing.different({"a": "1", "b": "1"}, {"a": "2", "b": "1", "c": "1"}) == ["a", "c"]
