"""The commands as a planner types them: what is printed where, and what bad input costs."""

import gzip
import hashlib
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import rasterio
import shapely
import typer
from affine import Affine
from typer.testing import CliRunner

import siteplan as sp
from siteplan.cli import app
from siteplan.cli.common import questions
from siteplan.cli.variables import variable
from siteplan.config import Study
from siteplan.errors import SiteplanWarning, StudyError
from siteplan.study import score
from tests.town import BY_BUS, NORTH, STUDY, lon, write_bus, write_town

SITEPLAN = [sys.executable, "-m", "siteplan"]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_town(tmp_path / "town")


def call(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def plain(town: Path) -> list[str]:
    folder = town.parent
    return [
        f"--streets={folder / 'streets.osm'}",
        f"--population={folder / 'people.csv'}",
        f"--sites={folder / 'sites.csv'}",
        "--groups=workers",
        "--mode=walk,bike",
        "--minutes=5.5",
    ]


# ---- commands ----


def test_run_prints_the_table_and_says_where_the_map_is(town: Path) -> None:
    done = call("run", town)
    assert done.exit_code == 0, done.stderr
    assert "Hall" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr  # no colours and no progress where nobody sees them
    assert "walk 4.8 km/h, bike 15 km/h" in done.stdout
    assert "110 people in; 110 placed" in done.stderr
    pages = [town.parent / "results" / name for name in ("map.html", "report.html")]
    assert f"open {pages[0]} and {pages[1]}" in done.stderr
    assert done.stderr.count("warning: ") == 1  # the streets end where the town does
    assert (town.parent / "results" / "map.html").stat().st_size > 100_000


def test_quiet_is_quiet(town: Path) -> None:
    assert call("run", town, "--quiet").stderr == ""


def test_run_as_json(town: Path) -> None:
    done = call("run", town, "--json", "--out", "eight")
    outcome = json.loads(done.stdout)
    assert outcome["folder"] == "eight"
    assert [row["people_walk_5.5"] for row in outcome["scores"]] == [50, 50]
    assert outcome["manifest"]["totals"]["people"]["in"] == 110


def test_plain_options_give_the_same_scores_as_the_file(town: Path) -> None:
    from_file, from_options = call("score", town, "--json"), call("score", *plain(town), "--json")
    assert json.loads(from_options.stdout)["scores"] == json.loads(from_file.stdout)["scores"]


@pytest.mark.parametrize("command", ["run", "score", "isochrones", "check"])
def test_set_overrides_on_every_command(town: Path, command: str) -> None:
    done = call(command, town, "--set", "travel.walk.speed_kmh=480")
    assert done.exit_code == 1
    assert "travel.walk.speed_kmh: found 480" in done.stderr


BY_LINE = """\
scenarios: {cut: {lines: [{cut: West}]}}
matrix: {buses: {fewer: {lines: [{cut: East}]}}}
"""
BY_RIDE = """\
score: {weights: {people_transit_8: 1}}
choose: {sites: 1, mode: transit}
"""


def test_what_a_command_does_not_use_of_a_file_does_not_stop_it(tmp_path: Path) -> None:
    write_bus(tmp_path)
    town = write_town(tmp_path, study=BY_BUS)
    plainly = {command: call(command, town, "--mode=walk") for command in ("score", "isochrones")}
    town = write_town(tmp_path, study=BY_BUS + BY_LINE)
    for command, done in plainly.items():
        assert call(command, town, "--mode=walk").stdout == done.stdout != ""
    # Whoever uses them is told, as before.
    refused = call("run", town, "--mode=walk")
    assert refused.exit_code == 1
    assert "scenarios.cut: lines: change, but transit is none of travel.modes" in refused.stderr
    town = write_town(tmp_path, study=BY_BUS + BY_LINE + BY_RIDE)
    assert call("isochrones", town, "--mode=walk").stdout == plainly["isochrones"].stdout
    walked = call("itinerary", town, "--mode=walk", "--site=A", f"--from={lon(1)},{NORTH}")
    assert walked.exit_code == 0, walked.stderr
    asked = call("score", town, "--mode=walk")
    assert asked.exit_code == 1
    assert "choose.mode: no 'transit' in this study" in asked.stderr


def test_options_and_set_change_the_answer(town: Path) -> None:
    done = call("score", town, "--mode=walk", "--minutes=3", "--set=travel.walk.speed_kmh=2.4", "--json")
    assert [row["people_walk_3"] for row in json.loads(done.stdout)["scores"]] == [20, 20]  # 120 m


def test_scores_as_csv(town: Path) -> None:
    assert call("score", town, "-o", "scores.csv").exit_code == 0
    assert list(pd.read_csv("scores.csv")["people_bike_5.5"]) == [110, 110]
    assert not (town.parent / "results").exists()


def test_isochrones_as_table_geojson_and_file(town: Path) -> None:
    table = call("isochrones", town).stdout.splitlines()
    assert table[0] == "site,mode,minutes,speed_kmh,km2"
    assert table[1].startswith("A,walk,5.5,4.8,0.0")
    drawn = json.loads(call("isochrones", town, "--json").stdout)
    assert [feature["properties"]["site"] for feature in drawn["features"]] == ["A", "A", "B", "B"]
    assert call("isochrones", town, "-o", "rings.gpkg").stdout == ""
    assert len(gpd.read_file("rings.gpkg", layer="isochrones")) == 4


@pytest.mark.parametrize(("name", "read"), [("r.parquet", gpd.read_parquet), ("r.fgb", gpd.read_file)])
def test_isochrones_in_other_formats_are_those_of_the_geopackage(
    town: Path, name: str, read: Callable[[Path], gpd.GeoDataFrame]
) -> None:
    for out in ("rings.gpkg", name):
        assert call("isochrones", town, "-o", out).exit_code == 0
    first, second = (
        table.astype({"site": str, "mode": str}).set_index(["site", "mode", "minutes"]).sort_index()
        for table in (gpd.read_file("rings.gpkg", layer="isochrones"), read(Path(name)))
    )
    assert second.crs == first.crs
    assert list(second.index) == list(first.index)
    assert list(second["speed_kmh"]) == list(first["speed_kmh"])
    assert second.normalize().geom_equals(first.explode().normalize()).all()


def test_geojson_keeps_rfc_7946(town: Path) -> None:
    text = call("isochrones", town, "--json").stdout
    call("isochrones", town, "-o", "rings.geojson")
    assert Path("rings.geojson").read_text() == text
    drawn = json.loads(text)
    assert "crs" not in drawn
    metric = gpd.read_file(write_rings(town), layer="isochrones").to_crs(4326)
    for feature, shape in zip(drawn["features"], metric.geometry, strict=True):
        for ring in rings_of(feature["geometry"]):
            assert all(len(f"{number!r}".partition(".")[2]) <= 6 for point in ring for number in point)
        outer, *holes = [shapely.LinearRing(ring) for ring in rings_of(feature["geometry"])]
        assert outer.is_ccw  # the right-hand rule of section 3.1.6
        assert not any(hole.is_ccw for hole in holes)
        # six decimals of a degree are at most 6 cm to either side
        assert shapely.hausdorff_distance(shapely.geometry.shape(feature["geometry"]), shape) < 1e-6


def rings_of(geometry: dict[str, Any]) -> list[list[list[float]]]:
    if geometry["type"] == "Polygon":
        return geometry["coordinates"]
    assert len(geometry["coordinates"]) == 1
    return geometry["coordinates"][0]


def write_rings(town: Path) -> Path:
    assert call("isochrones", town, "-o", "same.gpkg").exit_code == 0
    return Path("same.gpkg")


def test_check_prints_findings_and_passes(town: Path) -> None:
    done = call("check", town)
    assert done.exit_code == 0
    assert "info     inputs.population: 110 people in 11 cells" in done.stdout
    severities = {finding["severity"] for finding in json.loads(call("check", town, "--json").stdout)}
    assert severities == {"info", "warning"}


def test_check_fails_on_an_error(town: Path) -> None:
    (town.parent / "sites.csv").write_text("site,lon,lat,status\nA,9.5,47.1,excluded\n")
    done = call("check", town)
    assert done.exit_code == 1
    assert "error    inputs.sites:" in done.stdout
    assert "all 1 sites are excluded" in done.stdout


def test_map_again(town: Path) -> None:
    call("run", town)
    page = town.parent / "results" / "map.html"
    before = page.read_bytes()
    page.unlink()
    assert call("map", town.parent / "results").stdout.strip() == str(page)
    assert page.read_bytes() == before


def test_init_then_check_names_the_files_to_fill_in(town: Path) -> None:
    done = call("init", "new")
    assert done.stdout.strip() == str(Path("new") / "study.yaml")
    assert "3 problems" in call("check", "new/study.yaml").stderr
    assert call("init", "new").exit_code == 1


def test_init_refuses_a_file(town: Path) -> None:
    assert "people.csv: is a file; expected a folder" in call("init", town.parent / "people.csv").stderr


def test_candidates_say_in_which_formats_they_can_be_written(town: Path) -> None:
    assert (
        "expected .csv or .gpkg or .geojson or .parquet or .fgb"
        in call("candidates", library(town), "-o", "c.xlsx").stderr
    )


def library(town: Path) -> Path:
    node = f'<node id="99" version="1" lat="{NORTH}" lon="{lon(3)}"><tag k="amenity" v="library"/></node>'
    path = town.parent / "all.osm"
    path.write_text((town.parent / "streets.osm").read_text().replace("<way ", f"{node}\n<way ", 1))
    return path


def test_candidates_from_all_tags_to_scores(town: Path) -> None:
    assert call("candidates", library(town), "-o", "sites.csv").exit_code == 0
    assert call("candidates", library(town)).stdout == Path("sites.csv").read_text()
    assert call("candidates", library(town), "-o", "-").stdout == Path("sites.csv").read_text()
    done = call("score", town, "--sites=sites.csv", "--json")
    assert [row["people_walk_5.5"] for row in json.loads(done.stdout)["scores"]] == [80]  # crossings 0 to 7


def test_candidates_by_tags_of_ones_own(town: Path) -> None:
    Path("tags.yaml").write_text("pub: [{amenity: pub}]\n")
    done = call("candidates", library(town), "--tags=tags.yaml", "--json")
    assert json.loads(done.stdout)["features"] == []
    assert "warning: " in done.stderr


def test_demo_is_made_run_and_shown(demo: Path) -> None:
    assert "Télécentre" in (demo / "stdout").read_text(encoding="utf-8")
    assert (demo / "results" / "map.html").exists()
    assert (demo / "results" / "manifest.json").exists()


# ---- nothing of anybody else's is overwritten ----


@pytest.mark.parametrize(
    ("command", "name"), [("score", "sites.csv"), ("score", "study.yaml"), ("isochrones", "streets.osm")]
)
def test_no_command_writes_over_an_input(town: Path, command: str, name: str) -> None:
    path = town.parent / name
    before = path.read_bytes()
    done = call(command, town, "-o", path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"{name}: is an input; nothing was written" in done.stderr
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.parametrize(
    "typed", ["score {} -o there.csv", "isochrones {} -o there.gpkg", "choose {} -p 1 -o there.csv"]
)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link", "circle"])
def test_no_command_puts_a_file_in_the_place_of_what_is_none(town: Path, typed: str, kind: str) -> None:
    out = Path(typed.split()[-1])
    if kind == "pipe":
        os.mkfifo(out)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(out))
    elif kind == "device":
        try:
            os.mknod(out, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("devices are made by root")
    elif kind == "link":
        os.mkfifo("pipe")
        out.symlink_to("pipe")
    else:
        out.symlink_to(out)
    before = out.lstat()
    told = call(*typed.format(town).split())
    assert (told.exit_code, told.stdout) == (1, "")
    expected = {"link": "a pipe", "circle": "a circle of symbolic links"}.get(kind, f"a {kind}")
    assert f"error: {out}: is {expected}, and no file to be replaced; nothing was written. Name a file" in told.stderr
    assert (out.lstat().st_ino, out.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev")
def test_where_standard_output_goes_is_not_replaced(town: Path) -> None:
    with Path("printed.txt").open("wb") as printed:
        command = [*SITEPLAN, "score", str(town), "-q", "-o", "link.csv"]
        Path("link.csv").symlink_to("printed.txt")  # as /dev/stdout leads there, but ours to lose
        done = subprocess.run(command, stdout=printed, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: link.csv: is where standard output goes, and no file to be replaced; ")
    assert Path("printed.txt").read_bytes() == b""
    assert Path("link.csv").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_what_is_no_file_is_not_read_nor_taken_for_a_folder(town: Path) -> None:
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    for typed, expected in (
        (f"score {town} --sites loop", "is a circle of symbolic links, expected a file"),
        (f"score {town} --sites pipe", "is a pipe, expected a file; what a program writes can be piped into"),
        ("candidates loop", "loop: is a circle of symbolic links, expected a file"),
        (f"run {town} -o loop", "loop: is a circle of symbolic links, and no file to be replaced"),
        ("map loop", "loop/map.html: is a circle of symbolic links"),
        ("report loop", "loop: no such folder"),
        ("init loop", "loop: is a circle of symbolic links; expected a folder"),
        ("demo loop", "loop: is a circle of symbolic links; the sample needs a folder"),
    ):
        told = call(*typed.split())
        assert (told.exit_code, told.stdout) == (1, "")
        assert told.stderr.count("error: ") == 1
        assert expected in told.stderr
    assert Path("loop").is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8_is_refused_before_anything_is_computed(town: Path) -> None:
    odd = os.fsdecode(b"r\xe9s")
    for typed in (
        ("run", town, "-o", odd),
        ("choose", town, "-p", "1", "-o", odd),
        ("isochrones", town, "-o", f"{odd}.gpkg"),
        ("candidates", library(town), "-o", f"{odd}.gpkg"),
    ):
        told = call(*typed)
        assert (told.exit_code, told.stdout) == (1, "")
        assert "the name is not UTF-8, and not all that writes results can take it; nothing was written" in told.stderr
        assert odd not in {path.name for path in Path().iterdir()}
    done = subprocess.run([*SITEPLAN, "init", odd], capture_output=True, check=True)
    assert done.stdout == b"r\xe9s/study.yaml\n"  # the name for the next program, written out for who reads
    assert b"siteplan check r\\udce9s/study.yaml" in done.stderr


def test_a_list_of_candidates_is_not_replaced(town: Path) -> None:
    Path("chosen.csv").write_text("mine")
    assert "chosen.csv: is there already" in call("candidates", library(town), "-o", "chosen.csv").stderr
    assert "is an input" in call("candidates", library(town), "-o", library(town)).stderr
    assert Path("chosen.csv").read_text() == "mine"


def test_demo_does_not_replace_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("keep,me")
    done = call("demo", tmp_path)
    assert done.exit_code == 1
    assert "sites.csv: is there already and is not the sample's own; nothing was written" in done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["keep,me"]


# ---- bad input: one clear error, exit code 1, nothing half written ----


def streets(town: Path, text: str | bytes, name: str = "streets.osm") -> None:
    (town.parent / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    town.write_text(STUDY.replace("streets.osm", name))


def truncated_pbf(town: Path) -> None:
    whole = town.parent / "whole.osm.pbf"
    with osmium.SimpleWriter(str(whole)) as writer:
        for thing in osmium.FileProcessor(str(town.parent / "streets.osm")):
            writer.add(thing)
    streets(town, whole.read_bytes()[:-20], "cut.osm.pbf")


def streets_elsewhere(town: Path) -> None:
    there = (town.parent / "streets.osm").read_text().replace(f'lat="{NORTH}"', 'lat="48.9"')
    streets(town, there)


def people(town: Path, rows: str, keys: str = "") -> None:
    (town.parent / "people.csv").write_text(rows)
    town.write_text(STUDY.replace("{file: people.csv, groups: [workers]}", f"{{file: people.csv{keys}}}"))


def raster(town: Path, values: float, **options: Any) -> None:
    layout = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "float32", "nodata": -1}
    place = Affine(0.001, 0, lon(0), 0, -0.001, NORTH + 0.001)
    with rasterio.open(town.parent / "people.tif", "w", transform=place, **layout, **options) as file:
        file.write(np.full((1, 2, 2), values, "float32"))
    town.write_text(STUDY.replace("{file: people.csv, groups: [workers]}", "people.tif"))


def sites(town: Path, *rows: str) -> None:
    (town.parent / "sites.csv").write_text("\n".join(["site,lon,lat", *rows]) + "\n")


def half_a_geopackage(town: Path) -> None:
    points = gpd.GeoDataFrame(
        {"people": [1.0] * 999}, geometry=gpd.points_from_xy([9.5] * 999, [NORTH] * 999), crs=4326
    )
    points.to_file(town.parent / "people.gpkg")
    whole = (town.parent / "people.gpkg").read_bytes()
    (town.parent / "people.gpkg").write_bytes(whole[: len(whole) // 2])
    town.write_text(STUDY.replace("{file: people.csv, groups: [workers]}", "people.gpkg"))


def river(town: Path) -> None:
    """Put a river of 100 m and 200 m width north of the street, and a site in its middle."""
    corners = [(5, 0.0005), (7, 0.0005), (7, 0.0025), (5, 0.0025)]
    nodes = [
        f'<node id="{100 + n}" version="1" lat="{NORTH + dy}" lon="{lon(x)}"/>' for n, (x, dy) in enumerate(corners)
    ]
    refs = "".join(f'<nd ref="{100 + n % 4}"/>' for n in range(5))
    tags = '<tag k="natural" v="water"/><tag k="name" v="Long Water"/>'
    way = f'<way id="2" version="1">{refs}{tags}</way>'
    text = (town.parent / "streets.osm").read_text().replace("<way ", "\n".join(nodes) + "\n<way ", 1)
    streets(town, text.replace("</osm>", f"{way}\n</osm>"))
    sites(town, f"A,{lon(0)},{NORTH}", f"Boat,{lon(6)},{NORTH + 0.0015}")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such file": (
        lambda town: (town.parent / "streets.osm").unlink(),
        "inputs.streets: found 'streets.osm', no such file",
    ),
    "not a PBF": (lambda town: streets(town, "<html>no</html>", "page.osm.pbf"), "page.osm.pbf"),
    "truncated PBF": (truncated_pbf, "cut.osm.pbf"),
    "no streets": (lambda town: streets(town, '<osm version="0.6"></osm>'), "streets.osm"),
    "streets elsewhere": (streets_elsewhere, "lat 48.900 to 48.900, but"),
    "people without CRS": (lambda town: raster(town, 5), "has no CRS"),
    "people in degrees": (
        lambda town: people(town, "x,y,people\n9.5,47.1,10\n", ", crs: 32632"),
        "its streets lie in lon",
    ),
    "people not where EPSG:3857 says": (
        lambda town: people(town, "x,y,people\n537000,5216000,10\n", ", crs: 3857"),
        "its streets lie in lon",
    ),
    "negative people": (lambda town: people(town, f"lon,lat,people\n{lon(0)},{NORTH},-3\n"), "people.csv"),
    "all nodata": (lambda town: raster(town, -1, crs="EPSG:4326"), "people.tif"),
    "no such column": (
        lambda town: people(town, f"lon,lat,people\n9.5,{NORTH},3\n", ", people: pop"),
        "has no column 'pop'",
    ),
    "duplicate sites": (lambda town: sites(town, f"A,{lon(0)},{NORTH}", f"A,{lon(1)},{NORTH}"), "stand twice: A"),
    "half a GeoPackage": (half_a_geopackage, "is it whole? Copy or export it again"),
    "lon and lat swapped": (
        lambda town: sites(town, f"A,{lon(0)},{NORTH}", f"B,{NORTH},{lon(3)}"),
        "m) (lon and lat look swapped); correct the place",
    ),
    "lon and lat of all swapped": (
        lambda town: sites(town, f"A,{NORTH},{lon(0)}"),
        "(lon and lat look swapped); expected an extract of the same place",
    ),
    "two problems of sites": (
        lambda town: (town.parent / "sites.csv").write_text(
            f"site,lon,lat,status,cost\nA,{lon(0)},{NORTH},open,1\nA,{lon(1)},{NORTH},,-5\n"
        ),
        "; also: site A has the status 'open'; expected one of existing, candidate, required, excluded; also: site A "
        "has a cost of -5",
    ),
    "site in the river": (river, "1 site lies in water, more than 15 m from any street: 'Boat' (Long Water)"),
    "site far from any street": (
        lambda town: sites(town, f"A,{lon(0)},{NORTH}", f"Far,{lon(0)},{NORTH + 0.027}"),
        "1 site lies more than 1,600 m from any street for walk or bike: 'Far' (3,00",
    ),
    "unknown key": (lambda town: town.write_text(STUDY + "scor: {}\n"), "scor: unknown key; did you mean 'score'?"),
    "a speed of 480": (
        lambda town: town.write_text(STUDY.replace("travel: {", "travel: {walk: {speed_kmh: 480}, ")),
        "travel.walk.speed_kmh: found 480, expected less than or equal to 20",
    ),
    "transit": (
        lambda town: town.write_text(STUDY.replace("walk, bike", "transit")),
        "travel.modes: asks for transit, but inputs.transit names no timetables",
    ),
    "no study": (lambda town: town.unlink(), "no such study file"),
}


@pytest.mark.parametrize(("spoil", "expected"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_error(town: Path, spoil: Callable[[Path], object], expected: str) -> None:
    spoil(town)
    before = sorted(town.parent.rglob("*"))
    done = call("run", town)
    assert done.exit_code == 1, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert expected in done.stderr
    assert sorted(town.parent.rglob("*")) == before


def test_an_error_after_the_search_says_what_is_kept(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise StudyError("choose: no set will do")

    monkeypatch.setattr("siteplan.study.stages.chosen", lost)
    done = call("run", town, "-o", "new")
    assert done.exit_code == 1
    assert "The travel times are kept in new/.cache, where the next run finds them" in done.stderr
    assert {path.name for path in Path("new").iterdir()} == {".cache"}
    assert "are kept" not in call("run", town, "-o", "new").stderr  # said once is enough


def test_bad_input_leaves_earlier_results_alone(town: Path) -> None:
    call("run", town)
    results = town.parent / "results"
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    sites(town, f"A,{lon(0)},{NORTH}", f"A,{lon(1)},{NORTH}")
    assert call("run", town).exit_code == 1
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before


def test_people_in_epsg_3857_are_counted_as_in_degrees(town: Path) -> None:
    points = gpd.GeoDataFrame(
        {"people": [10.0] * 11}, geometry=gpd.points_from_xy([lon(n) for n in range(11)], [NORTH] * 11), crs=4326
    )
    points.to_crs(3857).to_file(town.parent / "people.gpkg")
    town.write_text(STUDY.replace("{file: people.csv, groups: [workers]}", "people.gpkg"))
    assert [row["people_walk_5.5"] for row in json.loads(call("score", town, "--json").stdout)["scores"]] == [50, 50]
    assert "Pseudo-Mercator is not a CRS to measure in" in call("check", town).stdout


@pytest.mark.parametrize("out", ["sites.csv", "sites.csv/results"])
def test_results_that_cannot_be_written(town: Path, out: str) -> None:
    done = call("run", town, "--out", town.parent / out)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")


# ---- manners ----


def test_help_comes_at_once_and_imports_little() -> None:
    heavy = "{'osmnx', 'geopandas', 'pandas', 'numpy', 'pydantic', 'numba', 'rich', 'folium'}"
    code = f"import sys, siteplan.cli; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    seconds = []  # of the processor: other tests may run at the same time
    for _ in range(5):
        start = os.times()
        shown = subprocess.run([*SITEPLAN, "--help"], capture_output=True, text=True, check=True).stdout
        seconds.append(sum(os.times()[2:4]) - sum(start[2:4]))
    assert 0 < min(seconds) < 0.25
    for command in ("demo", "init", "check", "run", "score", "isochrones", "candidates", "map"):
        assert f"\n  {command} " in shown


def test_version() -> None:
    assert call("--version").stdout == "0.1.0\n"


# Two workers at something long, and a run that is about to write its tables.
WAITING = """
import sys, time
from siteplan.output.files import results_folder
from siteplan.output.result import Result
from siteplan.workers import Workers

def put(self, folder):
    with Workers(2) as workers, results_folder(folder.with_name("later")) as aside:
        (aside / "scores.csv").write_text("half")
        first, second = workers.submit(time.sleep, 0), workers.submit(time.sleep, 0)
        first.result(), second.result()
        workers.submit(time.sleep, 60)
        print(*(each.process.pid for each in workers._all if each.process), flush=True)
        time.sleep(60)

Result.put = put
from siteplan.cli import main
if __name__ == "__main__":
    main()
"""


def begun(town: Path, number: int, ignored: bool = False) -> subprocess.Popen[str]:
    """Start a run that waits amid its writing, with a signal as usual or ignored."""
    (town.parent / "waiting.py").write_text(WAITING)
    command = [sys.executable, town.parent / "waiting.py", "run", str(town)]
    # Where the tests run in the background of a shell, Control-C is switched off for them and their children.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, signal.SIG_IGN if ignored else usual)
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ends_a_command_ends_it_as_control_c_does(town: Path, name: str) -> None:
    number = getattr(signal, name)
    with begun(town, number) as running:
        assert running.stdout is not None
        workers = [int(each) for each in running.stdout.readline().split()]
        running.send_signal(number)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 128 + number
    assert said.startswith("interrupted: nothing is half written; the same command goes on from what was computed\n")
    assert "Traceback" not in said
    assert [path.name for path in (town.parent / "results").iterdir()] == [".cache"]  # no lock either
    assert not (town.parent / "later").exists()
    assert workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
def test_a_command_that_nohup_started_outlives_its_terminal_and_may_have_nobody_to_tell(town: Path) -> None:
    with begun(town, signal.SIGHUP, ignored=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.5)
        running.stderr.close()
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 128 + signal.SIGTERM
    assert not (town.parent / "later").exists()


def test_signals_are_left_alone_by_who_imports_the_command_line() -> None:
    code = "import signal, siteplan.cli; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


@pytest.mark.skipif(os.name == "nt", reason="closed as shells of Unix close them")
def test_closed_streams_lead_nowhere(town: Path) -> None:
    """Not into a file that happens to get their number."""

    def typed(command: str) -> tuple[int, str, str]:
        script = f"{sys.executable} -m siteplan {command}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    code, usual, _ = typed(f"score {town} -q -o -")
    assert code == 0
    assert typed(f"score {town} -q -o all.csv <&- >&- 2>&-") == (0, "", "")
    assert Path("all.csv").read_text(encoding="utf-8") == usual
    assert typed(f"score {town} -q >&-") == (0, "", "")
    code, nothing, told = typed(f"score {town} -q --sites - <&-")
    assert (code, nothing, told) == (
        1,
        "",
        "error: --sites -: nothing comes through standard input; pipe a table into it\n",
    )
    if Path("/dev/full").exists():
        assert typed(f"score {town} -o - 2>/dev/full") == (0, usual, "")


def test_a_reader_that_leaves_early_is_no_error(town: Path) -> None:
    script = f"{sys.executable} -m siteplan isochrones {town} --json --quiet | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == '{\n"type": '
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "asked", ["--help", "run --help", "score {} -q", "score {} -q -o -", "score {} -q --json"], ids=str
)
def test_what_is_printed_to_a_reader_that_has_gone_is_no_error(town: Path, asked: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        command = [*SITEPLAN, *asked.format(town).split()]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (141, b"")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (1, b"error: standard output: No space left on device\n")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--minutes=abc", "travel.minutes (--minutes): found 'abc'"),
        ("--minutes=300", "travel.minutes (--minutes): found 300, expected at most 180"),
        ("--minutes=transit:5", "travel.minutes.transit (--minutes): is none of the modes"),
        ("--elevation=no.tif", "inputs.elevation (--elevation): found '"),
        ("--set=travel.minutes=abc", "travel.minutes: found 'abc'"),
    ],
)
def test_a_wrong_option_is_called_by_its_name_as_well(town: Path, typed: str, expected: str) -> None:
    assert expected in call("score", town, typed).stderr


def test_tables_are_printed_whatever_the_letters_of_the_place(town: Path) -> None:
    def printed(**place: str) -> tuple[bytes, bytes]:
        environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **place}
        done = subprocess.run([*SITEPLAN, "score", str(town), "-q"], capture_output=True, check=True, env=environment)
        return done.stdout, done.stderr

    usual = printed(LC_ALL="C.UTF-8")
    assert "─" in usual[0].decode("utf-8")
    assert printed(LC_ALL="C") == usual
    assert printed(LC_ALL="tr_TR.UTF-8") == usual  # plain C where it is not installed
    drawn, _ = printed(LC_ALL="C", PYTHONIOENCODING="ascii")
    assert drawn.isascii()


def test_verbose_tells_stages_and_where_an_error_arose(town: Path) -> None:
    done, told = call("score", town, "--mode=walk"), call("score", town, "--mode=walk", "-v")
    assert told.stdout == done.stdout
    stages = re.findall(r"^ +\d+\.\d\d s  (.*)$", told.stderr, re.MULTILINE)
    assert stages[:2] == ["reading: begins", "reading: done (1)"]
    assert set(done.stderr.splitlines()) < set(told.stderr.splitlines())
    lost = call("init", town.parent / "people.csv", "--verbose").stderr.splitlines()
    assert lost[0] == "Traceback (most recent call last):"
    assert lost[-1] == call("init", town.parent / "people.csv").stderr.strip()


def test_every_option_has_a_variable_of_its_own() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = [
        (each.envvar, variable(name, max(each.opts, key=len)))
        for name, command in commands.items()
        for each in command.params
        if isinstance(each, typer.core.TyperOption)
    ]
    assert all(found == expected for found, expected in options)
    assert len(dict(options)) == len(options) > 100
    others = {"SITEPLAN_CACHE", "SITEPLAN_OFFLINE", "SITEPLAN_WORDS", "SITEPLAN_VERSION", "SITEPLAN_DATA"}
    assert not others & set(dict(options))
    assert not any(str(found).startswith("SITEPLAN_URL_") for found, _ in options)


def test_variables_stand_for_options_and_what_is_typed_wins(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = call("score", town, "--json", "--mode=walk", "--set=travel.walk.speed_kmh=3").stdout
    monkeypatch.setenv("SITEPLAN_SCORE_MODE", "walk")
    monkeypatch.setenv("SITEPLAN_SCORE_SET", "travel.walk.speed_kmh=3")
    monkeypatch.setenv("SITEPLAN_SCORE_JSON", "1")
    monkeypatch.setenv("SITEPLAN_RUN_MINUTES", "4")  # of another command
    monkeypatch.setenv("SITEPLAN_VERSION", "1")  # no option's
    assert call("score", town).stdout == typed
    assert "bike_kmh" in json.loads(call("score", town, "--mode=bike").stdout)["scores"][0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("score --mode walk,b", ["walk,bike"]),
        ("choose study.yaml --by s", ["slow_walk", "scooter"]),
        ("choose --objective p", ["p-median", "p-center"]),
        ("score --direction ", ["to", "from"]),
        ("score --times-minutes r", ["rounded"]),
        ("run ", ["study.yaml", "town/study.yaml"]),
        ("run t", ["town/study.yaml"]),
        ("isochrones -o rings.", ["rings.gpkg", "rings.geojson", "rings.parquet", "rings.fgb"]),
        ("candidates x.pbf -o c.c", ["c.csv"]),
        ("score --set travel.walk.speed", ["travel.walk.speed_kmh="]),
        ("fetch --only streets,te", ["streets,terrain"]),
        ("fetch --source population=w", ["population=worldpop"]),
    ],
)
def test_values_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, expected: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "study.yaml").write_text("name: Town\n")
    (tmp_path / "study.yaml").write_text("travel: {profiles: {scooter: {like: bike, speed_kmh: 18}}}\n")
    given = {"_SITEPLAN_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(["siteplan", *words.split(" ")])}
    given["COMP_CWORD"] = str(len(words.split(" ")))
    done = CliRunner().invoke(app, [], env=given, prog_name="siteplan")
    assert done.stdout.split() == expected


@pytest.mark.parametrize(
    ("command", "parts"), [("check", ("linalg", "ndimage", "sparse", "special")), ("choose -p 1", ("linalg",))]
)
def test_no_part_of_scipy_is_loaded_for_kernels(town: Path, command: str, parts: tuple[str, ...]) -> None:
    """With kernels kept; compiling one loads SciPy's linear algebra, as do NumPy's sums and bounds in a kernel."""
    code = (
        "import sys; from siteplan.cli import app; app(sys.argv[1:], standalone_mode=False); "
        f"print([name for name in ('numba', *{[f'scipy.{part}' for part in parts]}) if name in sys.modules])"
    )
    asked = [sys.executable, "-c", code, *command.split(), str(town)]
    for _ in range(2):
        done = subprocess.run(asked, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "['numba']"


def test_progress_is_for_terminals_and_nothing_needs_osmnx(town: Path) -> None:
    pty = pytest.importorskip("pty")
    code = (
        "import sys; from siteplan.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "assert 'osmnx' not in sys.modules"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code, "run", str(town)], stdout=subprocess.PIPE, stderr=theirs) as run:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert run.stdout is not None
        table = run.stdout.read()
    os.close(ours)
    assert b"writing" in shown
    assert (run.returncode, b"Hall" in table, b"\x1b" in table) == (0, True, False)  # no colours in a pipe


# ---- results that are checked ----


def test_check_compares_a_folder_of_results_with_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("site\n")
    digest = hashlib.sha256(b"site\n").hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "sha256": {"scores.csv": digest}}))
    done = call("check", tmp_path)
    assert done.exit_code == 0
    assert done.stdout == f"info     {tmp_path}: 1 of 1 files are as the run wrote them\n"
    (tmp_path / "scores.csv").write_text("site\nA\n")
    done = call("check", tmp_path, "--json", "--quiet")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)
    assert (found["severity"], found["place"]) == ("error", "scores.csv")
    done = call("check", tmp_path, "--minutes", "15")
    assert done.exit_code != 0
    assert "is a folder of results, beside which no options of a study are taken" in done.stderr


@pytest.mark.parametrize("command", ["run", "isochrones"])
def test_what_is_no_single_table_is_not_printed(town: Path, command: str) -> None:
    told = call(command, town, "-o", "-")
    assert (told.exit_code, told.stdout, Path("-").exists()) == (1, "", False)
    assert told.stderr.startswith("error: out (-o): '-' is standard output, where one table goes, and this is more;")
    with pytest.raises(StudyError, match="'-' is standard output"):
        sp.run(town, out="-")


def test_tables_go_to_standard_output(town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The very bytes that the file would have, and nothing else; in Python, too."""
    for command, options in (("score", ()), ("choose", ("-p", "1"))):
        assert call(command, town, *options, "-o", tmp_path / "table.csv").exit_code == 0
        told = call(command, town, *options, "-o", "-")
        assert (told.exit_code, told.stdout) == (0, (tmp_path / "table.csv").read_text(encoding="utf-8"))
    assert not Path("-").exists()
    call("score", town, "-o", tmp_path / "table.csv")
    capsys.readouterr()
    with pytest.warns(SiteplanWarning, match="its streets cover"):
        score(town, out="-")
    assert capsys.readouterr().out == (tmp_path / "table.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["csv", "gz", "xlsx", "parquet", "zip"])
def test_sites_come_through_standard_input(town: Path, kind: str) -> None:
    path = town.parent / "sites.csv"
    content = path.read_bytes()
    table = pd.read_csv(path)
    held = io.BytesIO()
    if kind == "gz":
        held.write(gzip.compress(content))
    elif kind == "xlsx":
        table.to_excel(held, index=False)
    elif kind == "parquet":
        table.to_parquet(held)
    elif kind == "zip":
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("sites.csv", content)
    else:
        held.write(content)
    expected = call("score", town, "-o", "-")
    path.unlink()
    done = CliRunner().invoke(app, ["score", str(town), "--sites", "-", "-o", "-"], input=held.getvalue())
    assert (done.exit_code, done.stdout) == (0, expected.stdout), done.stderr


def test_what_comes_through_standard_input_is_named(town: Path) -> None:
    for command, options, content, message in [
        (
            "score",
            ["--sites", "-"],
            b"site,lon,lat\nA,east,47\n",
            "standard input (-): line 2, column 'lon': found 'east'",
        ),
        ("score", ["--sites", "-"], b"", "--sites -: nothing comes through standard input"),
        ("score", ["--sites", "-", "--population", "-"], b"x", "is read once, and stands for 2 files here"),
        ("score", ["--streets", "-"], b"x", "--streets -: expected a file; standard input stands for a table of sites"),
        ("run", ["--sites", "-"], b"x", "--sites -: a run is kept with the names of its inputs; save it to a file"),
    ]:
        done = CliRunner().invoke(app, [command, str(town), *options], input=content)
        assert (done.exit_code, message in done.stderr) == (1, True), (options, done.stderr)


def test_addresses_are_no_files(town: Path) -> None:
    for option in ("--streets", "--sites", "--population", "--times"):
        told = call("score", town, option, "https://example.org/streets.osm.pbf")
        assert (told.exit_code, "is an address; siteplan fetches no input" in told.stderr) == (1, True), option
    told = call("score", town, "--set", "inputs.sites='-'")
    assert "standard input is read for an option of the command line only (--sites -)" in told.stderr


def test_exactness_without_a_table_of_times_is_refused(town: Path) -> None:
    told = call("score", town, "--times-minutes", "truncated")
    assert told.exit_code == 1
    assert (
        "inputs.times_minutes (--times-minutes): says how exact a table of times is, but inputs.times names none"
        in told.stderr
    )


def test_what_is_asked_of_a_study_is_known_to_the_commands_that_leave_it_alone() -> None:
    """Isochrones and itineraries read of a study where people travel; all other blocks are none of their business."""
    ground = {"name", "language", "currency", "area", "inputs", "sources", "travel", "changes", "output"}
    assert {*questions()} | ground == {*Study.model_fields}
