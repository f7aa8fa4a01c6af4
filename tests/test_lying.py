"""`init` in a folder with files: which of them fill the study, which are left to the reader, and on which date."""

import datetime as dt
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.errors import StudyError
from siteplan.inputs.gtfs.weekday import common_weekday
from siteplan.study.lying import find_inputs
from siteplan.study.reading import read_study
from siteplan.study.template import init_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TABLES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\na,A,https://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\ns,S,46,3\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nr,a,1,3\n",
    "trips": "route_id,service_id,trip_id\nr,x,t1\nr,x,t2\nr,y,t3\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nt1,8:00:00,8:00:00,s,1\n",
}


def feed(path: Path, dates: str) -> Path:
    """Write a feed whose service x has two trips and y one; `dates` is the content of calendar_dates.txt."""
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in TABLES.items():
            packed.writestr(f"{name}.txt", text)
        rows = "".join(f"{row},1\n" for row in dates.split())
        packed.writestr("calendar_dates.txt", f"service_id,date,exception_type\n{rows}")
    return path


@pytest.fixture
def valley(tmp_path: Path) -> Path:
    for name in ("streets.osm.pbf", "population_200m.gpkg", "sites.csv", "gtfs.zip", "terrain.tif", "communes.gpkg"):
        shutil.copy(SAMPLE / name, tmp_path / name)
    return tmp_path


def test_a_folder_of_files_becomes_a_study_that_can_run(valley: Path) -> None:
    (valley / "notes.txt").write_text("mine")
    (valley / "photos.zip").write_bytes(b"no zip")
    done = CliRunner().invoke(app, ["init", str(valley)])
    assert done.exit_code == 0, done.output
    written = yaml.safe_load((valley / "study.yaml").read_text(encoding="utf-8"))
    inputs = written["inputs"]
    assert written["area"]["communes"]["file"] == "communes.gpkg"
    assert inputs["streets"] == "streets.osm.pbf"
    assert inputs["population"]["file"] == "population_200m.gpkg"
    assert inputs["sites"]["file"] == "sites.csv"
    assert inputs["elevation"] == "terrain.tif"
    assert written["travel"]["modes"] == ["walk", "bike", "calm", "transit"]  # a timetable is there to be used
    assert inputs["transit"] == {"feeds": ["gtfs.zip"], "date": "2026-01-06"}  # the year's first Tuesday; no exceptions
    assert "found population: population_200m.gpkg" in done.stderr
    assert "found transit: gtfs.zip on 2026-01-06" in done.stderr
    assert "not filled in" not in done.stderr
    assert read_study(valley / "study.yaml").inputs.transit is not None
    assert CliRunner().invoke(app, ["check", str(valley / "study.yaml")]).exit_code == 0


def test_what_a_fetch_left_is_found_again_with_commutes_and_credits(valley: Path) -> None:
    (valley / "flows.csv").write_text("home,work,people,km,mode\n99001,99002,40,,car\n")
    origin = {"source": "Relief", "attribution": "© the hills", "licence": "CC-BY-4.0"}
    told = {"keys": {"sources.elevation": origin, "sources.flows": origin, "name": "Valley"}}
    (valley / "sources.json").write_text(json.dumps(told))
    assert "found flows: flows.csv" in CliRunner().invoke(app, ["init", str(valley)]).stderr
    study = read_study(valley / "study.yaml")
    assert study.commuting is not None
    assert study.commuting.flows == valley / "flows.csv"
    assert study.sources["elevation"].attribution == "© the hills"
    for text, why in (("home,work,people\n1,2,3\n", "has no column mode"), ("", "cannot be read")):
        (valley / "flows.csv").write_text(text)
        (unclear,) = find_inputs(valley).unclear
        assert unclear.startswith("flows: flows.csv")
        assert why in unclear
    (valley / "communes.gpkg").rename(valley / "area.gpkg")  # as a fetch calls them
    assert find_inputs(valley).keys["area"] == {"communes": {"file": "area.gpkg"}}
    (valley / "area.gpkg").unlink()
    (valley / "flows.csv").write_text("home,work,people,mode\n99001,99002,40,car\n")
    assert find_inputs(valley).unclear == (
        "flows: flows.csv is between communes, and no file of these lies here; fill in commuting by hand",
    )


def test_of_several_files_for_one_key_none_is_taken(valley: Path) -> None:
    shutil.copy(SAMPLE / "population_200m.tif", valley / "population_200m.tif")
    lying = find_inputs(valley)
    assert "population" not in lying.keys["inputs"]
    assert lying.unclear == (
        "population: may be population_200m.gpkg, population_200m.tif; name one of them in the study file",
    )


def test_a_name_counts_by_how_its_words_begin(tmp_path: Path) -> None:
    for name in ("exposition.csv", "websites.csv", "academy.tif", "insee_pop.csv", ".sites.csv"):
        (tmp_path / name).touch()
    assert find_inputs(tmp_path).found == ["population: insee_pop.csv"]


def test_files_as_their_sources_call_them_are_found(tmp_path: Path) -> None:
    for name in ("LAQUILA.PBF", "laquila_eurostat_census2021_1km.gpkg", "telecentres.xlsx", "terrain.tif.aux.xml"):
        (tmp_path / name).touch()
    assert find_inputs(tmp_path).found == [
        "streets: LAQUILA.PBF",
        "sites: telecentres.xlsx",
        "population: laquila_eurostat_census2021_1km.gpkg",
    ]
    (tmp_path / "fra_worldpop_2020.tif").touch()  # which says more than a census
    assert find_inputs(tmp_path).found[2] == "population: fra_worldpop_2020.tif"


def test_files_whose_names_tell_nothing_are_named_where_something_lacks(tmp_path: Path) -> None:
    for name in ("aq.osm.bz2", "pop.tif", "a.gpkg", "b.csv", "notes.txt"):
        (tmp_path / name).touch()
    lying = find_inputs(tmp_path)
    assert lying.found == ["streets: aq.osm.bz2", "population: pop.tif"]
    assert lying.unclear == ("a.gpkg, b.csv, whose names do not tell what they are; fill them in by hand",)
    (tmp_path / "sites.csv").touch()
    assert find_inputs(tmp_path).unclear == ()


def test_streets_from_elsewhere_are_named_from_the_study_file(tmp_path: Path) -> None:
    extract = tmp_path / "town.osm.pbf"
    extract.touch()
    lying = find_inputs(tmp_path / "new", extract)
    assert lying.found == ["streets: ../town.osm.pbf"]
    path = init_study(tmp_path / "new", lying.keys)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"]["streets"] == "../town.osm.pbf"
    with pytest.raises(StudyError, match=r"gone\.osm\.pbf: no such file"):
        find_inputs(tmp_path, tmp_path / "gone.osm.pbf")


def test_the_date_is_the_fullest_weekday_of_all_feeds(tmp_path: Path) -> None:
    # 2026-03-09 is a Monday. The first feed has its three trips on Wednesday, two on Tuesday; Saturday does not count.
    one = feed(tmp_path / "a.zip", "x,20260310 x,20260311 y,20260311 x,20260314 y,20260314")
    assert common_weekday([one]) == dt.date(2026, 3, 11)
    # The other runs on Tuesday alone: the one common weekday.
    two = feed(tmp_path / "b.zip", "x,20260310 x,20260314 y,20260314")
    assert common_weekday([one, two]) == dt.date(2026, 3, 10)
    assert find_inputs(tmp_path).keys["inputs"]["transit"] == {"feeds": ["a.zip", "b.zip"], "date": "2026-03-10"}


def test_of_weekdays_alike_a_tuesday_or_thursday_is_taken(tmp_path: Path) -> None:
    assert common_weekday([feed(tmp_path / "a.zip", "x,20260309 x,20260311 x,20260312")]) == dt.date(2026, 3, 12)
    assert common_weekday([feed(tmp_path / "b.zip", "x,20260311 x,20260309")]) == dt.date(2026, 3, 9)


def test_feeds_without_a_common_weekday_are_left_out_and_told(tmp_path: Path) -> None:
    feed(tmp_path / "a.zip", "x,20260310 x,20260314")
    feed(tmp_path / "b.zip", "x,20260311 x,20260314")
    lying = find_inputs(tmp_path)
    assert lying.keys == {}
    assert lying.unclear[0].startswith("transit: left out; no weekday has trips in all of a.zip, b.zip")
