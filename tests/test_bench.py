"""The benchmark runs on a small made town, and its arithmetic is right."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import siteplan as sp
from siteplan.config import BIKE, WALK
from siteplan.errors import SiteplanWarning
from siteplan.network.graph import footing
from siteplan.network.streets import build_streets
from siteplan.study import check, read_study
from siteplan.study.load import load as read
from tests.bench import load, million, reach, scale, shapes
from tests.bench.engines import Scipy, Siteplan
from tests.bench.measure import Row, in_turns, seconds, table
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


def test_less_work_given_to_the_other_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([1.0, 2.0])
    monkeypatch.setattr("tests.bench.measure._cpu", lambda work: next(taken))
    (row,) = in_turns("task", lambda: None, {"other": lambda: None}, rounds=1, scale={"other": 50})
    assert row.ratio == "100 (100-100)"


def test_the_table_is_markdown() -> None:
    lines = table([Row("a", "1 s", "b", "2 s", "2.0"), Row("c", "80 MB", goal="1 GB")]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {7}


@pytest.mark.parametrize(("value", "text"), [(0.00234, "2.34 ms"), (0.25, "250 ms"), (12.34, "12.3 s")])
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_missing_data_is_said_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEPLAN_DATA", str(tmp_path))
    with pytest.raises(MissingError, match=r"porto_alegre/poa_osm\.pbf"):
        data("porto_alegre/poa_osm.pbf")


def test_an_unknown_task_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.bench", "nosuch"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no task nosuch" in done.stderr


def test_cities_side_by_side_are_one_network(tmp_path: Path) -> None:
    nodes, cells = scale.write_tiles(Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf", tmp_path, 2)
    with pytest.warns(SiteplanWarning, match="have no street"):  # nodes of paths on islands, among others
        parts = scale.stages(tmp_path)
    assert set(parts) == {"reading streets", "reading people", "placing people", "minutes, walk", "minutes, bike"}
    streets = sp.read_streets(tmp_path / "streets.osm.pbf")
    one = sp.read_streets(Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf")
    assert len(streets.u) > 2 * len(one.u)  # the streets that join them; a small place has fewer than a city
    component = footing(streets, WALK).component
    assert np.bincount(component[streets.u]).max() > 1.5 * np.bincount(footing(one, WALK).component[one.u]).max()
    assert nodes > 2 * one.node_count
    assert cells > 0
    assert scale.growth(12, 3.0, 48, 12.0) == pytest.approx(1.0)
