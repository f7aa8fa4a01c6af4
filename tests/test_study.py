"""The whole of a study on a town whose answers are known by head."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from siteplan.errors import InputError, KeptWarning, SiteplanWarning, StudyError
from siteplan.inputs.candidates import propose_sites
from siteplan.output import result as outputs
from siteplan.output.files import results_folder
from siteplan.output.lock import one_writer
from siteplan.output.maps import site_map
from siteplan.output.result import Result
from siteplan.study import (
    check,
    choose,
    draw,
    load,
    read_study,
    redraw,
    report,
    run,
    score,
    stages,
    travel,
    write_places,
)
from tests.town import NORTH, STUDY, lon, write_town


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quietly(run, write_town(tmp_path_factory.mktemp("town")))


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path / "town")


def quietly(call, *args, **options):  # type: ignore[no-untyped-def]
    """Call without the warning that every town of one street deserves: its streets end where it ends."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*its streets cover", category=SiteplanWarning)
        return call(*args, **options)


def same_bytes(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.iterdir() if path.is_file())
    assert names == sorted(path.name for path in other.iterdir() if path.is_file())
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


# ---- what comes out ----


def test_scores_are_those_counted_by_head(result: Result) -> None:
    scores = result.scores
    assert list(scores.index) == ["A", "B"]  # C is excluded
    assert list(scores["people_walk_5.5"]) == [50, 50]
    assert list(scores["unique_walk_5.5"]) == [50, 50]
    assert list(scores["workers_walk_5.5"]) == [0 + 1 + 2 + 3 + 4, 6 + 7 + 8 + 9 + 10]
    assert list(scores["people_bike_5.5"]) == [110, 110]
    assert list(scores["unique_best_5.5"]) == [0, 0]
    assert list(scores["added_best_5.5"]) == [110, 0]  # closing A loses all; B adds nobody to A
    assert list(scores["rank"]) == [1, 1]


def test_the_speed_stands_beside_every_result(result: Result) -> None:
    assert list(result.scores["walk_kmh"]) == [4.8, 4.8]
    assert list(result.scores["bike_kmh"]) == [15, 15]
    assert result.rings is not None
    assert set(result.rings["speed_kmh"]) == {4.8, 15}


def test_tables_of_a_result(result: Result) -> None:
    assert result.overlap.to_numpy().tolist() == [["A", "B", 110], ["B", "A", 110]]
    assert len(result.times) == 5 + 5 + 11 + 11
    assert result.cell_access.loc["5", "mode_best"] == "bike"
    assert result.rings is not None
    assert list(zip(result.rings["site"], result.rings["mode"], strict=True)) == [
        ("A", "walk"),
        ("A", "bike"),
        ("B", "walk"),
        ("B", "bike"),
    ]


def test_the_manifest_accounts_for_everybody(result: Result) -> None:
    manifest = result.manifest
    assert manifest["totals"]["people"] == {
        "in": 110,
        "placed": 110,
        "too_far": 0,
        "island": 0,
        "missing_cells": 0,
        "cells": 11,
    }
    assert manifest["totals"]["workers"]["in"] == 55
    assert manifest["sites"] == {"candidate": 1, "excluded": 1, "existing": 1}
    assert [row["people"] for row in manifest["reached"] if row["mode"] == "walk"] == [100]
    assert manifest["inputs"]["inputs.streets"]["file"] == "streets.osm"
    assert manifest["schema"] == 1
    # What proves a choice, and what reads rasters, squares and Parquet, moves a number as well as NumPy does.
    assert {"GEOS", "PROJ", "h3", "highspy", "numpy", "pyarrow", "rasterio", "scipy"} <= set(manifest["libraries"])
    assert [text.split(":")[0] for text in manifest["warnings"]] == ["streets.osm"]


def test_the_folder_holds_what_was_computed(result: Result) -> None:
    folder = result.folder
    assert folder is not None
    assert {path.name for path in folder.iterdir()} == {
        ".cache",
        "coverage.csv",
        "datapackage.json",
        "doubts.csv",
        "manifest.json",
        "map.html",
        "overlap.csv",
        "places_without_access.csv",
        "report.html",
        "results.gpkg",
        "ro-crate-metadata.json",
        "scores.csv",
        "sites_in_reach.csv",
        "territories.csv",
        "times.parquet",
        "trials.parquet",
    }
    assert list(pd.read_csv(folder / "scores.csv")["people_walk_5.5"]) == [50, 50]
    assert len(pd.read_parquet(folder / "times.parquet")) == len(result.times)
    sites = gpd.read_file(folder / "results.gpkg", layer="sites").set_index("site")
    assert sites.loc["A", "people_bike_5.5"] == 110
    assert sites["status"].to_dict() == {"A": "existing", "B": "candidate", "C": "excluded"}
    assert json.loads((folder / "manifest.json").read_text()) == json.loads(json.dumps(result.manifest))


def test_no_path_of_this_machine_is_written(result: Result) -> None:
    assert result.folder is not None
    for name in ("manifest.json", "map.html", "scores.csv"):
        assert str(result.folder.parent) not in (result.folder / name).read_text(encoding="utf-8")


def test_the_manifest_has_the_digest_of_every_other_file_also_when_a_page_is_drawn_again(town: Path) -> None:
    def told(folder: Path) -> dict[str, str]:
        return json.loads((folder / "manifest.json").read_text())["sha256"]

    folder = quietly(run, town).folder
    assert folder is not None
    files = [path.name for path in folder.iterdir() if path.is_file() and path.name != "manifest.json"]
    assert told(folder) == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    (folder / "map.html").write_text("spoilt")
    redraw(folder)
    report(folder)
    assert told(folder) == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def test_two_runs_do_not_write_one_folder_at_once(town: Path) -> None:
    folder = town.parent / "results"
    with one_writer(folder), pytest.raises(StudyError, match=r"results: is being written by process \d+ on "):
        quietly(run, town)
    assert not folder.exists()


def test_what_a_stopped_run_left_half_in_place_is_finished_by_who_reads(town: Path) -> None:
    first = quietly(run, town).folder
    assert first is not None
    names = sorted(path.name for path in first.iterdir() if path.is_file())
    (first / ".siteplan-next" / "files").mkdir(parents=True)
    for name in names[2:]:
        (first / name).rename(first / ".siteplan-next" / "files" / name)
    (first / ".siteplan-next" / "journal.json").write_text(json.dumps({"files": names, "stale": []}))
    assert list(Result.load(first).scores["people_walk_5.5"]) == [50, 50]
    assert sorted(path.name for path in first.iterdir()) == [".cache", *names]


@pytest.fixture
def results(result: Result, tmp_path: Path) -> Path:
    """Results of a run, to be spoilt."""
    assert result.folder is not None
    return shutil.copytree(result.folder, tmp_path / "results")


def test_results_as_the_run_wrote_them_are_told_so(results: Path) -> None:
    (results / "mine.txt").write_text("of somebody else")
    (found,) = check(results)
    assert (found.severity, found.text) == ("info", "14 of 14 files are as the run wrote them")  # all but the manifest


def test_every_file_that_is_changed_or_missing_is_told(results: Path) -> None:
    names = sorted(json.loads((results / "manifest.json").read_text())["sha256"])
    assert len(names) == 14
    for name in names:
        whole = (results / name).read_bytes()
        for spoil in (lambda path: path.write_bytes(path.read_bytes()[:-1]), lambda path: path.unlink()):
            spoil(results / name)
            bad = [(found.severity, found.place) for found in check(results) if found.severity != "info"]
            assert bad == [("error", name)]
            (results / name).write_bytes(whole)
    assert len(check(results)) == 1


def test_a_manifest_that_cannot_be_compared_with_is_told(results: Path) -> None:
    path = results / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"schema": 99}))
    assert [found.severity for found in check(results)] == ["warning", "info"]
    path.write_text(json.dumps(manifest | {"sha256": {"../secret.txt": "0"}}))
    assert "leads out of the folder" in check(results)[0].text
    path.write_text(json.dumps({name: each for name, each in manifest.items() if name != "sha256"}))
    assert [found.severity for found in check(results)] == ["error"]
    path.write_text("{")
    with pytest.raises(InputError, match=r"holds no manifest.json of a complete run"):
        check(results)


def test_what_a_stopped_run_left_is_told_until_the_next_run(results: Path) -> None:
    (results / ".siteplan-next" / "files").mkdir(parents=True)
    assert "a run was stopped while it wrote" in check(results)[0].text
    assert (results / ".siteplan-next").exists()


def test_results_that_a_run_replaces_while_they_are_read_are_read_again(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, manifest = outputs._layers, json.loads((results / "manifest.json").read_text())
    rows = (results / "territories.csv").read_text().splitlines(keepends=True)

    def meanwhile(*given: Any) -> Any:  # the tables are read by now, the layers are not
        monkeypatch.setattr(outputs, "_layers", layers)
        with results_folder(results) as aside:
            (aside / "territories.csv").write_text("".join(rows[:-1]))
            (aside / "manifest.json").write_text(json.dumps(manifest | {"name": "Another"}))
        return layers(*given)

    monkeypatch.setattr(outputs, "_layers", meanwhile)
    found = Result.load(results)
    assert found.title == "Another"
    assert len(found.tables["territories"]) == len(rows) - 2  # without the heading and the last


# ---- the same again ----


def test_a_rerun_is_byte_identical_wherever_it_lies(result: Result, tmp_path: Path) -> None:
    again = quietly(run, write_town(tmp_path / "elsewhere"), out=tmp_path / "out")
    assert result.folder is not None
    assert same_bytes(result.folder, again.folder)


def test_the_order_of_sites_changes_no_number(result: Result, tmp_path: Path) -> None:
    rows = [f"B,Library,candidate,{lon(10)},{NORTH}", f"A,Hall,existing,{lon(0)},{NORTH}"]
    other = quietly(score, write_town(tmp_path, sites="\n".join(["site,name,status,lon,lat", *rows])))
    pd.testing.assert_frame_equal(other.scores.loc[["A", "B"]], result.scores)


def test_times_are_not_searched_again(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = quietly(run, town)
    monkeypatch.setattr(travel, "travel_times", lambda *args, **options: pytest.fail("searched again"))
    again = quietly(run, read_study(town, ["name=Another"]))
    pd.testing.assert_frame_equal(again.times, first.times)


@pytest.mark.parametrize(
    ("override", "searched"),
    [
        ("name=Another", []),
        ("score.weights={people_walk_5.5: 1}", []),
        ("travel.walk.speed_kmh=4", ["walk"]),
        ("travel.minutes=6", ["walk", "bike"]),
        ("travel.direction=from", ["walk", "bike"]),
        ("travel.modes=bike,pedelec", ["pedelec"]),
    ],
)
def test_only_what_changed_is_searched(
    town: Path, monkeypatch: pytest.MonkeyPatch, override: str, searched: list[str]
) -> None:
    quietly(run, town)
    modes: list[str] = []
    search = travel.travel_times
    monkeypatch.setattr(travel, "travel_times", lambda *a, **o: modes.append(o["mode"].name) or search(*a, **o))
    quietly(run, read_study(town, [override]))
    assert modes == searched


def test_other_people_are_searched_anew(town: Path) -> None:
    quietly(run, town)
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace(",10,", ",20,"))
    assert list(quietly(run, town).scores["people_walk_5.5"]) == [100, 100]


def test_an_interrupted_run_goes_on(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search: Callable[..., pd.DataFrame] = travel.travel_times

    def stop_at_bike(*args: object, **options: object) -> pd.DataFrame:
        if options["mode"].name == "bike":  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return search(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(travel, "travel_times", stop_at_bike)
        with pytest.raises(KeyboardInterrupt):
            quietly(run, town)
    results = town.parent / "results"
    assert [path.name for path in results.iterdir()] == [".cache"]
    assert [path.name[:10] for path in (results / ".cache").iterdir()] == ["times_walk"]
    assert list(quietly(run, town).scores["people_bike_5.5"]) == [110, 110]


def test_a_damaged_cache_is_computed_again_and_changes_nothing(town: Path) -> None:
    first = quietly(run, town).folder
    assert first is not None
    before = {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}
    for path in (first / ".cache").iterdir():
        path.write_bytes(b"PAR1 half a table")
    with pytest.warns(KeptWarning, match="cache: holds a table that is not as it was written") as said:
        quietly(run, town)
    assert [each.category for each in said].count(KeptWarning) == 1  # of two tables of times and two of rings
    assert before == {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}


def test_isochrones_are_not_drawn_again(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = quietly(run, town)
    monkeypatch.setattr(travel.Drawing, "of", lambda *args, **options: pytest.fail("drawn again"))
    before = (first.folder / "results.gpkg").read_bytes()
    assert (quietly(run, town).folder / "results.gpkg").read_bytes() == before


def test_the_cache_holds_what_the_last_run_needed(town: Path) -> None:
    quietly(run, town)
    quietly(run, read_study(town, ["travel.modes=walk", "travel.minutes=6"]))
    kept = [path.name.split("_") for path in sorted((town.parent / "results" / ".cache").iterdir())]
    assert [parts[:-1] for parts in kept] == [["results"], ["rings", "walk"], ["times", "walk"], ["trials"]]


def test_what_an_earlier_run_wrote_and_this_one_does_not_is_removed(town: Path) -> None:
    quietly(run, read_study(town, ["output.tables=xlsx"]))
    results = town.parent / "results"
    assert (results / "tables.xlsx").exists()
    (results / "mine.csv").write_text("mine")
    quietly(run, read_study(town, ["name=Another"]))
    assert not (results / "tables.xlsx").exists()
    assert (results / "mine.csv").read_text() == "mine"
    assert "tables.xlsx" not in json.loads((results / "manifest.json").read_text())["files"]


def test_points_can_be_found_on_the_ground(result: Result) -> None:
    points = gpd.read_file(result.folder / "results.gpkg", layer="points").set_index("point")
    assert list(points.columns) == ["cell", "people", "workers", "status", "geometry"]
    times = pd.read_parquet(result.folder / "times.parquet")
    near = times[(times["site"] == "A") & (times["mode"] == "walk")].sort_values("minutes")
    assert list(points.loc[near["point"], "cell"].astype(int)) == [0, 1, 2, 3, 4]


# ---- nothing of anybody else's is overwritten ----


@pytest.mark.parametrize("name", ["people.csv", "sites.csv", "streets.osm"])
def test_scores_do_not_replace_an_input(town: Path, name: str) -> None:
    before = (town.parent / name).read_bytes()
    with pytest.raises(StudyError, match=f"{name}: is an input; nothing was written"):
        score(town, out=town.parent / "." / name)
    assert (town.parent / name).read_bytes() == before


def test_results_do_not_replace_an_input(town: Path) -> None:
    quietly(run, town)
    results = town.parent / "results"
    before = (results / "times.parquet").read_bytes()
    study = read_study(town, ["inputs.times=results/times.parquet"])
    with pytest.raises(StudyError, match=r"times\.parquet: is an input"):
        run(study)
    with pytest.raises(StudyError, match=r"results\.gpkg: is an input"):
        redraw(results, out=results / "results.gpkg")
    assert (results / "times.parquet").read_bytes() == before


def test_results_do_not_replace_files_of_somebody_else(town: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("mine")
    (tmp_path / "manifest.json").write_text('{"name": "another program"}')
    with pytest.raises(StudyError, match=r"scores.csv: is there already, and the folder holds no manifest.json"):
        run(town, out=tmp_path)
    assert (tmp_path / "scores.csv").read_text() == "mine"


# ---- questions with less ----


def test_score_writes_nothing_but_what_is_asked(town: Path, result: Result) -> None:
    before = set(town.parent.iterdir())
    scored = quietly(score, town, out=town.parent / "ranked.csv")
    pd.testing.assert_frame_equal(scored.scores, result.scores)
    assert set(town.parent.iterdir()) - before == {town.parent / "ranked.csv"}
    assert (scored.rings, scored.folder) == (None, None)


def test_isochrones_need_no_people(town: Path, tmp_path: Path) -> None:
    study = read_study(town, ["inputs.population=", "travel.minutes=5,10"], needs=("streets", "sites"))
    rings = quietly(draw, study)
    assert list(rings["minutes"]) == [5, 10] * 4
    assert rings.is_valid.all()
    write_places(rings, tmp_path / "rings.geojson")
    assert gpd.read_file(tmp_path / "rings.geojson").crs == "EPSG:4326"


def test_isochrones_of_results_are_those_drawn_simplified_to_two_metres(town: Path, result: Result) -> None:
    drawn, kept = quietly(draw, read_study(town)), result.rings
    assert kept is not None
    drawn = drawn.to_crs(kept.crs)
    assert kept.drop(columns="geometry").equals(drawn.drop(columns="geometry"))
    assert kept.is_valid.all()
    assert kept.hausdorff_distance(drawn).max() <= 2
    assert ((kept.area / drawn.area - 1).abs() < 0.02).all()
    assert kept.count_coordinates().sum() < 0.7 * drawn.count_coordinates().sum()


def test_areas_are_the_isochrones_of_a_mode_and_limit_as_one(town: Path) -> None:
    result = quietly(run, read_study(town, ["travel.minutes=3,5.5"]))
    rings, areas = result.rings, result.layers["areas"]
    assert rings is not None
    assert list(zip(areas["mode"], areas["minutes"], areas["sites"], strict=True)) == [
        (mode, minutes, 2) for mode in ("walk", "bike") for minutes in (3.0, 5.5)
    ]
    for row in areas.itertuples():
        one = rings[(rings["mode"] == row.mode) & (rings["minutes"] == row.minutes)].union_all()
        assert shapely.difference(one, row.geometry.buffer(7)).area < 1e-6  # simplified to 5 m, and these to 2
        without_holes = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(one)])
        assert row.geometry.area < 1.02 * without_holes.area
    assert result.folder is not None
    loaded = Result.load(result.folder).layers["areas"]
    assert loaded.geom_equals_exact(areas.geometry, 0).all()
    assert loaded.drop(columns="geometry").equals(areas.drop(columns="geometry"))


def test_a_map_draws_the_areas_as_it_would_unite_them(result: Result) -> None:
    assert result.folder is not None
    page = (result.folder / "map.html").read_text("utf-8")
    layers = {name: table for name, table in result.layers.items() if name != "areas"}
    united = site_map(replace(result, layers=layers)).html
    assert len(united) == pytest.approx(len(page), rel=0.01)
    moved = result.layers["areas"].assign(geometry=result.layers["areas"].translate(100))
    assert site_map(replace(result, layers={**layers, "areas": moved})).html != page  # it is they that are drawn


def test_of_many_sites_those_that_exist_or_are_chosen_are_drawn(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"S{number},Site,candidate,{lon(number)},{NORTH}" for number in range(1, 6)]
    rows += [f"E,Hall,existing,{lon(0)},{NORTH}", f"R,Room,required,{lon(10)},{NORTH}"]
    (town.parent / "sites.csv").write_text("\n".join(["site,name,status,lon,lat", *rows]) + "\n")
    study = read_study(town, ["choose.sites=3"])
    every = quietly(run, study).rings
    assert every is not None
    assert every["site"].nunique() == 7
    monkeypatch.setattr(stages, "MOST_DRAWN", 6)
    with pytest.warns(SiteplanWarning, match="of 7 sites, more than 6, those of the 3"):
        result = quietly(run, read_study(town, ["choose.sites=3", "name=Another"]))
    assert result.rings is not None
    assert {*result.rings["site"]} == {"E", "R", *result.choice.sites.index}
    assert len({*result.rings["site"]}) == 3
    assert set(result.layers["areas"]["sites"]) == {3}
    few = every[every["site"].isin(result.rings["site"])].reset_index(drop=True)
    assert result.rings.equals(few)


def test_without_isochrones_none_are_drawn(town: Path) -> None:
    result = quietly(run, read_study(town, ["output.isochrones=false"]))
    assert result.rings is None
    assert "isochrones" not in set(gpd.list_layers(result.folder / "results.gpkg")["name"])


def test_a_map_drawn_again_is_the_same(result: Result, tmp_path: Path) -> None:
    assert result.folder is not None
    path = redraw(result.folder, out=tmp_path / "again.html")
    assert path.read_bytes() == (result.folder / "map.html").read_bytes()


def test_no_map_of_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no manifest.json of a complete run"):
        redraw(tmp_path)


@pytest.mark.parametrize("name", ["rings.shp", "rings.csv", "rings"])
def test_places_are_written_in_known_formats(result: Result, tmp_path: Path, name: str) -> None:
    assert result.rings is not None
    with pytest.raises(StudyError, match="cannot write"):
        write_places(result.rings, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_times_of_ones_own_replace_the_search(town: Path) -> None:
    (town.parent / "times.csv").write_text("site,point,minutes,mode\nA,0,3,tram\nA,1,9,tram\nB,1,4,tram\n")
    town.write_text("inputs: {times: times.csv, population: people.csv, sites: sites.csv}\ntravel: {minutes: 5}\n")
    result = run(town)
    assert list(result.scores["people_tram_5"]) == [10, 10]
    assert result.scores["tram_kmh"].isna().all()
    assert result.rings is None


def test_times_that_a_run_wrote_are_taken_back(town: Path, result: Result) -> None:
    quietly(run, town)
    mine = ["inputs.times=results/times.parquet"]
    again = quietly(run, read_study(town, mine), out=town.parent / "again")
    assert list(again.scores["people_walk_5.5"]) == list(result.scores["people_walk_5.5"])
    kept = read_study(town, ["inputs.times=again/times.parquet"])
    assert list(quietly(score, kept).scores["people_bike_5.5"]) == [110, 110]
    with pytest.raises(
        InputError, match=r"times\.parquet: was written by siteplan, for points .* give the same streets"
    ):
        score(read_study(town, [*mine, "inputs.streets="]))
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace("\n3,", "\n33,"))
    with pytest.raises(InputError, match=r"times\.parquet: was written by siteplan for other streets or people"):
        quietly(score, read_study(town, mine))


def test_a_point_that_is_no_cell_is_named_with_its_file(town: Path) -> None:
    (town.parent / "times.csv").write_text("site,point,minutes\nA,0,3\nA,99,9\n")
    with pytest.raises(InputError, match=r"times\.csv: 1 of 2 rows name a point that is no cell .* '99'"):
        quietly(score, read_study(town, ["inputs.times=times.csv"]))


def test_nearness_is_counted_when_asked_for(town: Path) -> None:
    decay = "score.decay={kind: linear, minutes: 5}"
    scores = quietly(score, read_study(town, [decay, "travel.modes=walk", "score.weights={decayed_walk: 1}"])).scores
    # 100 m are 1.25 minutes: weights 1, .75, .5, .25, 0 for 10 people each
    assert scores["decayed_walk"].tolist() == pytest.approx([25, 25], abs=0.1)


def test_only_people_around_the_sites_are_read_when_asked(town: Path) -> None:
    sites = town.parent / "sites.csv"
    sites.write_text(f"site,lon,lat\nA,{lon(0)},{NORTH}\n")
    study = read_study(town, ["area.extent=sites", "travel.modes=walk", "travel.minutes=2"])
    assert len(quietly(score, study).cells) == 2  # 160 m: the crossing and its neighbour


# ---- looking before running ----


def findings(study: Path, severity: str) -> list[str]:
    return [f"{each.place}: {each.text}" for each in check(study) if each.severity == severity]


def test_a_study_without_errors_has_none(town: Path) -> None:
    assert findings(town, "error") == []
    assert not (town.parent / "results").exists()
    assert "inputs.population: 110 people in 11 cells (0 missing) in WGS 84" in findings(town, "info")
    assert any("streets cover" in text for text in findings(town, "warning"))


@pytest.mark.parametrize(
    ("oneway", "people", "site"), [("yes", True, False), ("-1", False, True), ("no", False, False)]
)
def test_check_tells_of_streets_that_nobody_can_leave_or_come_to(
    town: Path, oneway: str, people: bool, site: bool
) -> None:
    # The last stretch, with site B and ten people at its end, leads there alone, or from there alone.
    streets = town.parent / "streets.osm"
    # Nobody may walk it either, pushing a bicycle.
    tags = '<tag k="highway" v="residential"/><tag k="foot" v="no"/>'
    last = f'<way id="2" version="1"><nd ref="10"/><nd ref="11"/>{tags}'
    text = streets.read_text().replace('<nd ref="11"/>', "").replace("</osm>", f"{last}{{}}</way></osm>")
    streets.write_text(text.format(f'<tag k="oneway" v="{oneway}"/>'))
    found = [*findings(town, "info"), *findings(town, "warning")]
    told = [text for text in found if "one-way rules" in text]
    assert told == [
        *(
            ["inputs.population: 10 people live on streets that one-way rules let nobody leave by bike"]
            if people
            else []
        ),
        *(["inputs.sites: sites on streets that one-way rules let nobody come to by bike: B"] if site else []),
    ]


def test_check_finds_every_error_not_only_the_first(town: Path) -> None:
    (town.parent / "sites.csv").write_text("site,lon,lat\nA,9.5,47.1\nA,9.6,47.1\n")
    (town.parent / "people.csv").write_text("lon,lat,people\n9.5,47.1,-5\n")
    errors = findings(town, "error")
    assert [text.split(":")[0] for text in errors] == ["inputs.sites", "inputs.population"]


def test_check_refuses_what_no_set_of_sites_can_meet(town: Path) -> None:
    many = 2  # of three, one is excluded
    asked = read_study(town, [f"choose.sites={many + 1}"])
    assert [each.text for each in check(asked) if each.severity == "error"] == [
        f"choose.sites is {many + 1}, but only {many} sites may be open. Ask for {many} or fewer"
    ]
    with pytest.raises(StudyError, match=f"choose.sites is {many + 1}, but only {many} sites may be open"):
        quietly(choose, asked, progress=lambda stage, *_: pytest.fail(stage) if stage != "reading" else None)


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([f"A,{lon(0)},{NORTH}", f"B,{lon(0.05)},{NORTH}"], "'A' and 'B'; neither reaches anybody alone"),
        ([f"A,{lon(0)},{NORTH + 0.005}", f"B,{lon(9)},{NORTH}"], "1 site lies more than 300 m from any street"),
    ],
)
def test_check_warns_of_odd_sites(town: Path, sites: list[str], expected: str) -> None:
    (town.parent / "sites.csv").write_text("\n".join(["site,lon,lat", *sites]) + "\n")
    assert any(expected in text for text in findings(town, "warning"))


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (f"1,{lon(0)},{NORTH},10,99", "'workers' is larger than people in 1 of 2 cells"),
        (f"1,{lon(0)},{NORTH},,", "missing or withheld"),
        (f"1,{lon(-30)},{NORTH},10,1", "50.0% of the people live outside the extent of the streets"),
        (f"1,{lon(0)},{NORTH + 0.009},10,1", "10 of 20 people (50.00%) live more than 300 m from any street"),
    ],
)
def test_check_warns_of_odd_people(town: Path, people: str, expected: str) -> None:
    rows = ["cell,lon,lat,people,workers", f"0,{lon(1)},{NORTH},10,1", people]
    (town.parent / "people.csv").write_text("\n".join(rows) + "\n")
    assert any(expected in text for text in findings(town, "warning")), findings(town, "warning")


def test_check_warns_of_people_that_look_like_a_density(town: Path) -> None:
    square = gpd.GeoDataFrame(
        {"people": [5000.0], "workers": [1.0]}, geometry=gpd.points_from_xy([lon(1)], [NORTH]).buffer(0.001), crs=4326
    )
    square.to_file(town.parent / "cells.gpkg")
    town.write_text(STUDY.replace("people.csv", "cells.gpkg"))
    assert any("people per km2" in text for text in findings(town, "warning"))


def test_check_warns_of_old_streets(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any("years old" in text for text in findings(town, "warning"))
    read = load.build_streets
    monkeypatch.setattr(load, "build_streets", lambda *a, **o: replace(read(*a, **o), data_date="2012-05-01T00:00:00Z"))
    assert any("years old (2012-05-01" in text for text in findings(town, "warning"))


# ---- sites off the street, and real places ----


def test_a_site_off_the_street_pays_for_the_way_to_it(town: Path) -> None:
    (town.parent / "sites.csv").write_text(f"site,lon,lat\nA,{lon(5)},{NORTH + 0.0036}\n")  # 400 m: five minutes
    with pytest.warns(
        SiteplanWarning, match=r"for walk or bike: 'A' \(400 m\); the way to the street is counted"
    ) as told:
        scores = quietly(score, town).scores
    assert sum("from any street" in str(each.message) for each in told) == 1  # and not once by each mode
    assert scores.loc["A", "people_walk_5.5"] == 10
    assert scores.loc["A", "people_bike_5.5"] == 30  # half a minute is left: 125 m to each side


@pytest.mark.real
def test_nobody_is_lost_in_porto_alegre(real: Callable[[str], Path], tmp_path: Path) -> None:
    options = {
        "inputs.streets": real("porto_alegre/poa_osm.pbf"),
        "inputs.population": real("porto_alegre/poa_hexgrid.csv"),
        "inputs.sites": real("porto_alegre/poa_points_of_interest.csv"),
        "travel.modes": "walk,bike",
    }
    study = read_study(None, options=options)
    with pytest.warns(SiteplanWarning):
        first, _ = (run(study, out=tmp_path / name) for name in ("one", "two"))
    people = first.manifest["totals"]["people"]
    assert people["in"] == 812_935
    assert people["placed"] + people["too_far"] + people["island"] == pytest.approx(812_935)
    assert people["placed"] > 0.999 * 812_935
    assert (first.scores["people_bike_20"] >= first.scores["people_walk_20"]).all()
    assert (tmp_path / "one" / "map.html").stat().st_size < 5e6
    assert same_bytes(tmp_path / "one", tmp_path / "two")


@pytest.mark.real
def test_liechtenstein_from_its_own_tags(real: Callable[[str], Path], tmp_path: Path) -> None:
    streets = real("liechtenstein/liechtenstein-2021-10.osm.pbf")
    with pytest.warns(SiteplanWarning, match="mapped twice"):
        write_places(propose_sites(streets), tmp_path / "sites.csv")
    options = {
        "inputs.streets": streets,
        "inputs.population": real("liechtenstein/liechtenstein_eurostat_census2021_1km.gpkg"),
        "inputs.sites": tmp_path / "sites.csv",
        "travel.modes": "walk",
    }
    with pytest.warns(SiteplanWarning, match="live more than 300 m from any street"):
        scored = score(read_study(None, options=options))
    assert len(scored.scores) > 40
    best = scored.scores.sort_values("rank").iloc[0]
    assert 5_000 < best["people_walk_20"] < 8_000  # Schaan, the largest place, has 6,000 people
