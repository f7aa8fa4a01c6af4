"""What a run says beyond scores, read back from its folder: who is left out, lines, comparisons, the report."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from siteplan.catalogue import TABLES
from siteplan.cli import app
from siteplan.errors import InputError, StudyError
from siteplan.output.maps import site_map
from siteplan.output.outcome import Outcome
from siteplan.output.report import find_chromium, render_report
from siteplan.output.result import Result, _table
from siteplan.output.tables import write_table
from siteplan.study import compare, read_study, run
from tests.asking import quiet
from tests.town import BY_BUS, NORTH, lon, write_bus, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    write_bus(folder)
    study = write_town(folder, study=BY_BUS)
    run(study)
    return study


@pytest.fixture(scope="module")
def results(town: Path) -> Path:
    return town.parent / "results"


def call(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


# ---- who is left out ----


def test_coverage_with_the_open_sites_and_with_all(results: Path) -> None:
    table = pd.read_csv(results / "territories.csv")
    rows = table.query("split == 'total' and group == 'people' and mode == 'walk' and minutes == 8").set_index("open")
    assert rows["covered"].to_dict() == {"today": 70, "all": 110}  # A is open, B is not
    assert rows["share"].to_dict() == {"today": pytest.approx(70 / 110, abs=1e-4), "all": 1}
    workers = table.query("split == 'total' and group == 'workers' and mode == 'walk' and minutes == 8")
    assert workers["covered"].iloc[0] == 0 + 1 + 2 + 3 + 4 + 5 + 6
    degrees = table.query(
        "split == 'degree' and open == 'all' and group == 'people' and mode == 'walk' and minutes == 8"
    )
    assert degrees["people"].sum() == 110
    assert set(degrees["territory"]) == {"rural"}


def test_people_by_the_number_of_sites(results: Path) -> None:
    table = pd.read_csv(results / "sites_in_reach.csv", dtype={"sites": str})
    rows = table.query("open == 'all' and group == 'people' and mode == 'walk' and minutes == 8").set_index("sites")
    assert rows["people"].to_dict() == {"0": 0, "1": 80, "2": 30, "3+": 0}


def test_places_without_access(tmp_path: Path) -> None:
    study = write_town(tmp_path)
    run(read_study(study, ["travel.modes=walk"]))
    places = pd.read_csv(tmp_path / "results" / "places_without_access.csv")
    assert places["people"].sum() == 60  # 5 to 10
    assert places["candidate"].iloc[0] == "B"
    assert "places_without_access" in Result.load(tmp_path / "results").layers


def test_without_an_open_site_nobody_is_left_out_of_anything(tmp_path: Path) -> None:
    sites = f"site,name,status,lon,lat\nB,Library,candidate,{lon(10)},{NORTH}\n"
    run(write_town(tmp_path, sites=sites))
    assert not (tmp_path / "results" / "places_without_access.csv").exists()
    assert set(pd.read_csv(tmp_path / "results" / "territories.csv")["open"]) == {"all"}


def test_minutes_as_a_raster(town: Path, tmp_path: Path) -> None:
    run(read_study(town, ["output.raster=true", "output.isochrones=false"]), out=tmp_path / "raster")
    with rasterio.open(tmp_path / "raster" / "minutes.tif") as file:
        assert file.descriptions == ("minutes_walk", "minutes_transit", "minutes_best")
        assert np.nanmin(file.read(3)) == pytest.approx(0, abs=0.1)
    assert "minutes.tif" in Result.load(tmp_path / "raster").manifest["files"]


# ---- lines ----


def test_lines_and_stops_that_bring_people(results: Path) -> None:
    lines = pd.read_csv(results / "lines.csv").set_index(["site", "line"])
    assert lines.loc[("A", "West"), ["people", "lost"]].tolist() == [30, 30]  # the three eastern crossings
    assert ("A", "East") not in lines.index
    stops = pd.read_csv(results / "stops.csv").query("site == 'A'").set_index("stop")
    assert stops.loc["east", "on"] == 30
    assert stops.loc["west", "off"] == 30


def test_the_journey_leg_by_leg(town: Path) -> None:
    done = call("itinerary", town, "--from", f"{lon(10)},{NORTH}", "--site", "A")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("7.0 min, ")
    assert ", arrival by 08:06 (" in done.stdout.splitlines()[0]
    assert "line West towards west: East - West" in done.stdout
    legs = json.loads(call("itinerary", town, "--from", f"{lon(10)},{NORTH}", "--site", "A", "--json").stdout)
    assert legs["minutes"] == pytest.approx(7)
    assert sum(leg["properties"]["minutes"] for leg in legs["legs"]["features"]) == pytest.approx(7)
    metres = [leg["properties"]["metres"] for leg in legs["legs"]["features"]]
    assert sum(value or 0 for value in metres) == pytest.approx(legs["metres"])


def test_the_way_on_foot_street_by_street(town: Path) -> None:
    asked = ["itinerary", town, "--from", f"{lon(3)},{NORTH}", "--site", "A", "--mode=walk"]
    told = json.loads(call(*asked, "--json").stdout)
    assert told["metres"] == pytest.approx(told["minutes"] * 80, rel=0.01)  # 4.8 km/h
    assert {way["properties"]["highway"] for way in told["ways"]["features"]} <= {"residential", ""}
    assert "home - site" in call(*asked).stdout


def test_how_far_a_home_may_be_from_its_street_is_a_key_of_the_study(tmp_path: Path) -> None:
    study = write_town(tmp_path)
    people = f"cell,lon,lat,people,workers\n0,{lon(0)},{NORTH},10,1\n1,{lon(0)},{NORTH + 400 / 111_195:.7f},7,1\n"
    (tmp_path / "people.csv").write_text(people)
    start = ["itinerary", study, f"--from={lon(0)},{NORTH + 400 / 111_195:.7f}", "--site=A", "--mode=walk"]
    for metres, within in ((300, 10), (450, 17)):  # who lives 400 m off the only street walks 5 minutes to it
        options = ["travel.modes=walk", "travel.minutes=8", f"travel.link_m={metres}"]
        with quiet():
            result = run(read_study(study, options))
        assert result.scores.loc["A", "people_walk_8"] == within
        done = call(*start, "--set", f"travel.link_m={metres}")
        assert (done.exit_code == 0) == (metres > 400)
    assert done.stdout.startswith("5.0 min, 400 m")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from=9.5", "--site=A"], "--from 9.5: expected LON,LAT in degrees"),
        (["--from=47.1,95", "--site=A"], "--from 47.1,95: expected LON,LAT in degrees"),
        (["--from=47.1,9.5", "--site=A"], "--from: the place"),
        ([f"--from={lon(0)},{NORTH + 0.005}", "--site=A"], "no street for walk within 300 m"),
        ([f"--from={lon(0)},{NORTH}", "--site=Z"], "--site Z: no such site"),
        ([f"--from={lon(0)},{NORTH}", "--site=A", "--date=2026-03-08"], "2026-03-09"),
    ],
)
def test_a_journey_that_cannot_be_asked_for(town: Path, options: list[str], said: str) -> None:
    done = call("itinerary", town, *options)
    assert done.exit_code == 1
    assert said in done.stderr


# ---- one result ----

# Ids that look like numbers or like nothing, on purpose.
SITES = (
    f"site,name,status,lon,lat,cost,capacity\n007,Hall,existing,{lon(0)},{NORTH},,9\n08,NA,candidate,{lon(10)},{NORTH},9.5,3\n"
    f"1e3,=Library,candidate,{lon(6)},{NORTH},8,7\nnan,Barn,excluded,{lon(5)},{NORTH},,\n"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The result of a study that asks for all kinds of things."""
    folder = tmp_path_factory.mktemp("whole")
    write_bus(folder)
    study = write_town(folder, study=BY_BUS, sites=SITES)
    more = ["choose={phases: [2, 3], mode: walk, minutes: 8}", "output.raster=true", "demand={uptake: [0.05]}"]
    more += [
        "inputs.population.groups=[workers]",
        "robustness={count: 2, first: 1}",
        "fairness={catchment: {group: workers}}",
    ]
    more += ["scenarios={slow: {set: {travel.walk.speed_kmh: 3}}, none: {sites: [{close: '08'}]}}"]
    return run(read_study(study, more))


def test_a_result_read_back_is_the_same(whole: Result, tmp_path: Path) -> None:
    assert whole.folder is not None
    loaded = Result.load(whole.folder)
    for result in (whole, loaded):
        assert site_map(result).html == (whole.folder / "map.html").read_text(encoding="utf-8")
        assert render_report(result) == (whole.folder / "report.html").read_text(encoding="utf-8")
    again = loaded.save(tmp_path / "again")
    assert again.folder == tmp_path / "again"
    files = [path.relative_to(whole.folder) for path in whole.folder.rglob("*") if path.is_file()]
    kept = [path for path in files if ".cache" not in path.parts]
    assert sorted(map(str, kept)) == sorted(whole.manifest["files"])
    assert {
        str(path) for path in kept if (again.folder / path).read_bytes() != (whole.folder / path).read_bytes()
    } == set()


def test_a_result_read_back_has_the_same_parts(whole: Result) -> None:
    assert whole.folder is not None
    assert whole.choice is not None
    loaded = Result.load(whole.folder)
    assert loaded.choice is not None
    assert loaded.chosen == whole.chosen == ["007", "08", "1e3"]
    assert loaded.choice.value == whole.choice.value
    pd.testing.assert_frame_equal(loaded.choice.sites, whole.choice.sites, check_dtype=False, check_index_type=False)
    pd.testing.assert_frame_equal(loaded.scores, whole.scores, check_dtype=False, check_index_type=False)
    pd.testing.assert_frame_equal(loaded.cell_access, whole.cell_access, check_dtype=False, check_index_type=False)
    pd.testing.assert_frame_equal(loaded.times.astype({"site": str}), whole.times.astype({"site": str}))
    names = ("modes", "minutes", "groups", "weights", "open_sites", "mark", "title", "files")
    assert {name: getattr(loaded, name) for name in names} == {name: getattr(whole, name) for name in names}
    assert list(loaded.sites) == list(whole.sites)
    assert loaded.sites.loc["08", "name"] == "NA"
    assert list(loaded.scenarios) == ["slow", "none"]
    assert loaded.scenarios["none"].minutes == whole.minutes
    pd.testing.assert_frame_equal(compare(loaded, whole.scenarios["slow"]), compare(whole, loaded.scenarios["slow"]))


def test_a_result_shows_itself_in_a_few_lines(whole: Result) -> None:
    assert len(repr(whole)) < 1000
    assert "sites: 4; chosen: 007, 08, 1e3; modes: walk, transit, best; minutes: 8, 9.5" in repr(whole)
    assert "<td>slow, none</td>" in whole._repr_html_()


def test_a_result_made_by_hand(whole: Result, tmp_path: Path) -> None:
    made = Result(whole.sites, {"scores": whole.scores}, {"cells": whole.cells})
    assert "sites: 4" in repr(made)
    assert "Hall" in site_map(made).html
    assert "Hall" in render_report(made, language="fr")
    with pytest.raises(InputError, match="times: not in this result, which has scores"):
        _ = made.times
    with pytest.raises(InputError, match="points: not in this result, which has cells"):
        made.save(tmp_path / "made")
    assert not (tmp_path / "made").exists()


@given(
    rows=st.dictionaries(
        st.text(st.characters(exclude_categories=("C", "Z")), min_size=1),
        st.floats(-1e6, 1e6) | st.just(np.nan),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=50, deadline=None)
def test_a_table_is_what_its_file_says(rows: dict[str, float]) -> None:
    table = pd.DataFrame({"name": list(rows), "people": list(rows.values())}, index=pd.Index(list(rows), name="site"))
    made = Outcome(gpd.GeoDataFrame(), {"choice": table}).table("choice")
    with tempfile.TemporaryDirectory() as folder:
        write_table(table, Path(folder) / "choice.csv", TABLES["choice"])
        read = Outcome(gpd.GeoDataFrame(), {"choice": _table(Path(folder), TABLES["choice"])}).table("choice")
    assert made is not None
    assert read is not None
    pd.testing.assert_frame_equal(made, read, check_dtype=False, check_exact=True)


# ---- two runs ----


def test_who_gains_and_who_loses(town: Path, results: Path, tmp_path: Path) -> None:
    run(read_study(town, ["travel.transit.back=[17:00,18:00]"]), out=tmp_path / "back")
    table = compare(results, tmp_path / "back").query("group == 'people' and mode == 'transit'").set_index("minutes")
    assert table["before"].to_dict() == {8: 80, 9.5: 110}
    assert table["after"].to_dict() == {8: 70, 9.5: 80}
    assert (table["lost"].to_dict(), table["gained"].to_dict()) == ({8: 10, 9.5: 30}, {8: 0, 9.5: 0})
    out = tmp_path / "changes.csv"
    done = call("compare", results, tmp_path / "back", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "people with an open site within 9.5 min by any mode" in done.stdout
    assert pd.read_csv(out)["lost"].sum() > 0
    printed = call("compare", results, tmp_path / "back", "--out", "-")
    assert printed.stdout == out.read_text(encoding="utf-8")


def test_a_site_that_opens_is_a_gain(town: Path, results: Path, tmp_path: Path) -> None:
    text = (town.parent / "sites.csv").read_text()
    (town.parent / "more.csv").write_text(text.replace("B,Library,candidate", "B,Library,required"))
    run(read_study(town, ["inputs.sites=more.csv"]), out=tmp_path / "more")
    table = compare(results, tmp_path / "more").query("group == 'people' and mode == 'walk' and minutes == 8")
    assert table[["before", "after", "gained", "lost", "unchanged"]].iloc[0].tolist() == [70, 110, 40, 0, 70]


def test_other_people_cannot_be_compared(results: Path, tmp_path: Path) -> None:
    study = write_town(tmp_path)
    (tmp_path / "people.csv").write_text(f"cell,lon,lat,people,workers\n0,{lon(0)},{NORTH},10,1\n")
    run(study)
    with pytest.raises(InputError, match="other people or other streets"):
        compare(results, tmp_path / "results")


def test_runs_without_a_common_limit(town: Path, results: Path, tmp_path: Path) -> None:
    run(read_study(town, ["travel.minutes=12", "output.isochrones=false"]), out=tmp_path / "twelve")
    with pytest.raises(StudyError, match="no common limit"):
        compare(results, tmp_path / "twelve")


# ---- the report ----


def test_map_and_report_can_be_drawn_again_in_their_place(results: Path) -> None:
    before = {name: (results / name).read_bytes() for name in ("map.html", "report.html")}
    for command in ("map", "report"):
        assert call(command, results).exit_code == 0
    assert before == {name: (results / name).read_bytes() for name in before}


def test_the_report_can_be_written_again(results: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    assert call("report", results, "--out", again).exit_code == 0
    assert again.read_bytes() == (results / "report.html").read_bytes()
    assert "08:00" in again.read_text()


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium to print with")
def test_the_report_as_pdf(results: Path, tmp_path: Path) -> None:
    done = call("report", results, "--out", tmp_path / "report.pdf")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_no_report_over_a_result(results: Path) -> None:
    before = (results / "scores.csv").read_bytes()
    done = call("report", results, "--out", results / "scores.csv")
    assert done.exit_code == 1
    assert "is an input" in done.stderr
    assert (results / "scores.csv").read_bytes() == before


def test_a_folder_of_an_older_run_says_so(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(results, broken)
    (broken / "lines.csv").unlink()
    done = call("report", broken)
    assert done.exit_code == 1
    assert "lines.csv" in done.stderr
    assert "run the study again" in done.stderr
