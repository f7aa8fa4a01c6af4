"""From a name to a study that runs: composed, told, kept; one source that fails costs its part alone."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import grids
import miniature_places
import siteplan as sp
from replay import replayed
from siteplan.cli import app
from siteplan.errors import FetchError, SiteplanWarning, StudyError
from siteplan.samples import write_sample
from siteplan.sources.downloads import Downloads
from siteplan.sources.places import area_of_file, with_country
from siteplan.sources.source import Got, url
from siteplan.study import fetching, score
from siteplan.study.fetching import Part, Wishes, fetch_study

SAMPLE = miniature_places.SAMPLE
VALLEY = f"{miniature_places.VALLEY}, France"
# The files of the sample by the part that they stand for, with what each getter would say of them.
FILES = {
    "communes": ("communes.gpkg", {"communes": "area.gpkg"}, {}),
    "streets": ("streets.osm.pbf", {"streets": "streets.osm.pbf"}, {}),
    "sites": ("sites.csv", {"sites": "sites.csv"}, {}),
    "population": (
        "population_200m.gpkg",
        {"population": "population_200m.gpkg"},
        {"inputs.population.people": "people", "inputs.population.groups": ["workers", "age_65"]},
    ),
    "transit": ("gtfs.zip", {"transit.feeds": ["gtfs.zip"]}, {"inputs.transit.date": "2026-03-10"}),
    "terrain": ("terrain.tif", {"elevation": "terrain.tif"}, {}),
}
ENTRY = {"licence": "CC-BY-4.0", "attribution": "© the valley", "vintage": "2025", "covers": ["FR"], "rank": 0}


def getter(part):
    """Return a getter that gives the sample's own file, as its source has it."""

    def get(area, source, downloads, folder):
        name, inputs, settings = FILES[part.name]
        if "example.org" not in source.urls.get("file", ""):
            raise FetchError(f"{source.name}: is not asked here")
        asked = url(source, "file", name=name)
        shutil.copyfile(downloads.get(source, asked), folder / inputs.get("communes", name))
        return Got(inputs=inputs, settings=settings, used=[downloads.used(source, asked)])

    return get


@pytest.fixture
def valley(tmp_path, monkeypatch):
    """Sources of every kind that give the sample; the replay, the file of entries and the cache."""
    mine = tmp_path / "mine.yaml"
    kinds = {part.kind for part in fetching.PARTS if part.name in FILES}
    entries = {
        f"valley_{kind}": {"kind": kind, "title": f"The valley's {kind}", **ENTRY, "urls": {"file": "https://valley.example.org/{name}"}}
        for kind in sorted(kinds)
    }  # fmt: skip
    mine.write_text(yaml.safe_dump(entries))
    monkeypatch.setattr(Part, "getter", getter)
    monkeypatch.setattr(fetching, "PARTS", tuple(part for part in fetching.PARTS if part.name in FILES))
    files = {f"/{name}": (SAMPLE / name).read_bytes() for name, _, _ in FILES.values()}
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SITEPLAN_OFFLINE", raising=False)
    with replayed(miniature_places.answers() | dict.fromkeys(entries, files), monkeypatch) as replay:
        replay.mine = mine
        yield replay


def run(*words, **how):
    return CliRunner().invoke(app, ["fetch", *map(str, words)], **how)


@pytest.fixture
def downloads(valley, tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=2)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_two_commands_from_a_name_to_the_sample_s_own_numbers(valley, tmp_path):
    done = run(VALLEY, tmp_path / "valley", "--sources", valley.mine)
    assert done.exit_code == 0, done.output
    assert "now: siteplan run" in done.output
    # of the 49,742 people, those in cells whose middle lies beyond the border are not in the area
    inside = re.search(r"checked: ([0-9,]+) people live in the area by the grid, 49,742 by the published", done.output)
    assert 49_742 * 0.98 < int(inside[1].replace(",", "")) <= 49_742
    assert "checked: the terrain has no holes in the area" in done.output
    assert "name where the data show: © the valley (CC-BY-4.0)" in done.output
    assert sorted(path.name for path in (tmp_path / "valley").iterdir()) == sorted(
        ["area.gpkg", *(name for name, _, _ in FILES.values() if name != "communes.gpkg"), "sources.json", "study.yaml"]
    )
    told = sp.read_study(tmp_path / "valley" / "study.yaml")
    asked = ["choose=", "fairness=", "demand=", "commuting=", "robustness=", "scenarios=", "score=", "travel="]
    own = sp.read_study(write_sample(tmp_path / "sample") / "study.yaml", asked)
    assert told.inputs.transit.date == "2026-03-10"
    pd.testing.assert_frame_equal(score(told).scores, score(own).scores)
    origin = told.sources["population"]
    assert (origin.source, origin.licence, origin.vintage) == ("The valley's population", "CC-BY-4.0", "2025")

    # A second time nothing is asked for, nothing changes, and the study file is the user's.
    before = {path.name: path.read_bytes() for path in (tmp_path / "valley").iterdir() if path.is_file()}
    count = len(valley.requests)
    again = run(VALLEY, tmp_path / "valley", "--sources", valley.mine)
    assert (again.exit_code, len(valley.requests)) == (0, count), again.output
    assert {path.name: path.read_bytes() for path in (tmp_path / "valley").iterdir() if path.is_file()} == before
    away = run(VALLEY, tmp_path / "away", "--sources", valley.mine, "--offline")
    assert (away.exit_code, len(valley.requests)) == (0, count), away.output
    assert (tmp_path / "away" / "sources.json").read_bytes() == before["sources.json"]
    assert (tmp_path / "away" / "study.yaml").read_bytes() == before["study.yaml"]


def test_sources_json_says_of_every_file_where_it_is_from(valley, downloads, tmp_path):
    study = sp.fetch(VALLEY, tmp_path / "valley", sources=[valley.mine], downloads=downloads)
    assert study.name == VALLEY
    told = json.loads((tmp_path / "valley" / "sources.json").read_text())
    assert told["area"] == {"name": VALLEY, "country": "FR", "code": "", "population": 49742}
    (used,) = told["parts"]["terrain"]
    assert used["url"] == "https://valley.example.org/terrain.tif"  # the source's own, whatever mirror gave it
    assert (used["licence"], used["attribution"], used["vintage"]) == ("CC-BY-4.0", "© the valley", "2025")
    assert used["digest"] == told["files"]["terrain.tif"]
    assert told["missing"] == {}


def test_a_name_of_several_places_is_not_guessed(valley, tmp_path):
    done = run("Moulins, France", tmp_path / "m")
    assert done.exit_code == 2
    assert "2 places have this name" in done.output
    assert "  Moulins, Allier, France, 19,000 people (--insee 03190)" in done.output
    assert not (tmp_path / "m").exists()
    with pytest.raises(StudyError, match=r"2 places have this name: Moulins, Allier, France, 19,000 people"):
        sp.fetch("Moulins, France", tmp_path / "m")
    with pytest.raises(FetchError, match="'Nowhere': no place of this name was found; write it as it is written"):
        sp.fetch("Nowhere", tmp_path / "m")


def test_a_source_that_fails_costs_its_part_alone(valley, downloads, tmp_path):
    """The terrain is missing and told, with what to do by hand; the study runs without."""
    valley.fail("valley_terrain", status=404, times=9)
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    done = fetch_study(area, tmp_path / "valley", downloads, Wishes(files=[valley.mine]))
    assert list(done.missing) == ["terrain"]
    assert done.missing["terrain"].startswith(
        "valley_terrain: https://valley.example.org/terrain.tif is not there (404)"
    )
    assert done.missing["terrain"].endswith("By hand: a terrain model (.tif) as inputs.elevation.")
    assert done.study.inputs.elevation is None
    assert str(tmp_path) not in (tmp_path / "valley" / "sources.json").read_text()
    assert not (tmp_path / "valley" / "terrain.tif").exists()
    with pytest.warns(SiteplanWarning, match="^terrain is missing: valley_terrain"):
        sp.fetch(area, tmp_path / "other", sources=[valley.mine], downloads=downloads)
    # once it is there again, the same command fetches what was missing
    valley.faults.clear()
    fetch_study(area, tmp_path / "valley", downloads, Wishes(files=[valley.mine], only=["terrain"]))
    assert (tmp_path / "valley" / "terrain.tif").read_bytes() == (SAMPLE / "terrain.tif").read_bytes()
    told = json.loads((tmp_path / "valley" / "sources.json").read_text())
    assert (set(told["parts"]), told["missing"]) == (set(FILES), {})
    assert sp.read_study(tmp_path / "valley" / "study.yaml").inputs.elevation.name == "terrain.tif"


def test_a_study_that_cannot_run_yet_is_told_so(valley, tmp_path):
    valley.fail("valley_population", status=404, times=9)
    done = run(VALLEY, tmp_path / "valley", "--sources", valley.mine)
    assert "before it can run it needs inputs.population" in done.output
    assert "now: siteplan run" not in done.output
    assert f"name: {VALLEY}" in (tmp_path / "valley" / "study.yaml").read_text("utf-8")
    done = run(VALLEY, tmp_path / "off", "--sources", valley.mine, "--offline")
    assert "is not in the cache, and offline nothing is asked for" in (tmp_path / "off" / "sources.json").read_text()


def test_where_nothing_can_be_had_nothing_is_written(valley, downloads, tmp_path):
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    away = Downloads(tmp_path / "empty", offline=True)
    with pytest.raises(FetchError, match=r"nothing could be fetched\. .*not in the cache"):
        fetch_study(area, tmp_path / "valley", away, Wishes(files=[valley.mine]))
    assert not (tmp_path / "valley").exists()


def test_parts_and_sources_are_asked_for_by_name(valley, downloads, tmp_path):
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    fetch_study(area, tmp_path / "some", downloads, Wishes(only=["streets", "timetables"], files=[valley.mine]))
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == [
        "gtfs.zip", "sources.json", "streets.osm.pbf", "study.yaml",
    ]  # fmt: skip
    with pytest.raises(StudyError, match="--only: found roads; expected any of communes, streets, sites"):
        fetch_study(area, tmp_path / "none", downloads, Wishes(only=["roads"], files=[valley.mine]))
    with pytest.raises(StudyError, match="--source terrain=mine: no such source; expected any of valley_terrain"):
        Wishes(source={"terrain": "mine"}, files=[valley.mine])


def test_the_next_best_source_stands_in_and_is_told(valley, downloads, tmp_path):
    other = tmp_path / "other.yaml"
    entry = {
        "kind": "terrain",
        "title": "Hills",
        **ENTRY,
        "rank": -1,
        "urls": {"file": "https://hills.example.org/{name}"},
    }
    other.write_text(yaml.safe_dump({"hills": entry}))
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    valley.answers["hills"] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITEPLAN_URL_HILLS", valley.url("hills"))
        done = fetch_study(area, tmp_path / "v", downloads, Wishes(only=["terrain"], files=[valley.mine, other]))
    assert done.notes[0].startswith(
        "terrain: from The valley's terrain, as better sources failed: hills: https://hills"
    )


def test_what_a_user_changed_is_kept(valley, downloads, tmp_path):
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    folder = tmp_path / "valley"
    fetch_study(area, folder, downloads, Wishes(files=[valley.mine]))
    mine = (folder / "sites.csv").read_text() + "S99,Mine,3.33,46.44,candidate,,,\n"
    (folder / "sites.csv").write_text(mine)
    done = fetch_study(area, folder, downloads, Wishes(files=[valley.mine]))
    assert any("sites.csv was changed since it was fetched, and is kept; move it away" in note for note in done.notes)
    assert (folder / "sites.csv").read_text() == mine
    (folder / "study.yaml").write_text("name: Mine\ninputs: {streets: streets.osm.pbf}\n")
    done = fetch_study(area, folder, downloads, Wishes(files=[valley.mine]))
    assert any("study.yaml was changed since it was fetched, and is kept" in note for note in done.notes)
    assert done.study.name == "Mine"


def test_a_dry_run_tells_and_writes_nothing(valley, tmp_path):
    done = run(VALLEY, "--dry-run", "--sources", valley.mine)
    assert done.exit_code == 0, done.output
    assert "terrain      The valley's terrain; CC-BY-4.0; 2025" in done.output
    assert not [each for each in valley.requests if each.source.startswith("valley")]
    assert not list(tmp_path.glob("valley*"))


def test_what_changed_at_its_source_comes_with_update_alone(valley, tmp_path):
    words = [VALLEY, tmp_path / "valley", "--sources", valley.mine, "--only", "sites"]
    assert run(*words).exit_code == 0
    changed = (SAMPLE / "sites.csv").read_bytes() + b"S98,New,3.33,46.44,candidate,,\n"
    valley.answers["valley_extract"] = valley.answers["valley_extract"] | {"/sites.csv": changed}
    count = len(valley.requests)
    assert run(*words).exit_code == 0
    assert (len(valley.requests), (tmp_path / "valley/sites.csv").read_bytes()) == (
        count,
        (SAMPLE / "sites.csv").read_bytes(),
    )
    assert run(*words, "--update").exit_code == 0
    assert (tmp_path / "valley/sites.csv").read_bytes() == changed
    asked = [each for each in valley.requests[count:] if each.source == "valley_extract"]
    assert [each.headers["If-None-Match"][0] for each in asked] == ['"']  # asked once, whether it changed
    told = json.loads((tmp_path / "valley/sources.json").read_text())
    assert told["files"]["sites.csv"] == hashlib.sha256(changed).hexdigest()


def test_a_year_reaches_the_sources_that_have_several(tmp_path, monkeypatch):
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
    with replayed(miniature_places.answers() | grids.answers(), monkeypatch) as replay:
        words = [VALLEY, "--dry-run", "--only", "population", "--source", "population=ghs_pop", "--year", "2019"]
        done = run(*words)
    assert done.exit_code == 0, done.output
    assert "GHS_POP_E2020_GLOBE_R2023A_54009_100_V1_0_R4_C19.zip" in done.output
    assert any("E2020" in each.path and each.method == "HEAD" for each in replay.requests)


def test_a_fetch_that_is_killed_leaves_nothing_and_the_next_goes_on(tmp_path, monkeypatch):
    """SIGKILL between two pieces of a raster: no folder of results; what was loaded is not asked for again."""
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
    words = ["fetch", VALLEY, str(tmp_path / "valley"), "--only", "population,terrain"]
    words += ["--source", "population=worldpop"]
    with replayed(miniature_places.answers() | grids.answers(), monkeypatch) as replay:
        replay.fail("glo30", slow=0.2, times=99)
        child = subprocess.Popen([sys.executable, "-m", "siteplan", *words], stderr=subprocess.DEVNULL)
        while not replay.asked("glo30"):
            assert child.poll() is None
            time.sleep(0.02)
        child.kill()
        child.wait()
        assert not [path for path in (tmp_path / "valley").glob("*") if path.name[0] != "."]
        loaded = len(replay.asked("worldpop"))
        replay.faults.clear()
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert len(replay.asked("worldpop")) == loaded > 1
        monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "clean"))
        words[2] = str(tmp_path / "clean-valley")
        assert CliRunner().invoke(app, words).exit_code == 0
    for name in ("population.tif", "terrain.tif", "study.yaml", "sources.json"):
        assert (tmp_path / "valley" / name).read_bytes() == (tmp_path / "clean-valley" / name).read_bytes()


def test_words_that_are_too_many_or_too_few_are_told(valley, tmp_path):
    for words in (["Moulins"], ["Moulins", "Allier", "m"], ["--insee", "03190"], ["x", "y", "--insee", "03190"]):
        done = run(*words)
        assert (done.exit_code, ", expected" in done.output) == (1, True), done.output
    done = run("--insee", "03190", "--bbox", "1,2,3,4", "m")
    assert "expected one place: a name, or one of --insee, --bbox and --area" in done.output
    assert "--source: found 'x'; expected kind=name" in run("a", "b", "--source", "x").output
    for wrong, why in (
        (("--source", "roads=osm"), "--source: found 'roads=osm'; expected any of broadband, communes, "),
        (("--source", "terrain=mine"), "--source terrain=mine: no such source; expected any of glo30"),
        (("--only", "roads"), "--only: found roads; expected any of communes"),
    ):
        assert why in run("a", "b", *wrong).output
    assert not valley.requests  # all of it is told before anything is asked for


def test_people_that_are_not_all_there_and_streets_that_end_are_told(valley, downloads, tmp_path):
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    twice = fetching.dataclasses.replace(area, population=99484)
    done = fetch_study(twice, tmp_path / "valley", downloads, Wishes(files=[valley.mine]))
    assert any("by the grid, 99,484 by the published figure: look at" in note for note in done.notes)
    wide = fetching.dataclasses.replace(area, geometry=area.around(40_000))
    done = fetch_study(wide, tmp_path / "wide", downloads, Wishes(files=[valley.mine]))
    assert any(note.startswith("the terrain has no height for ") for note in done.notes)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_licences_travel_with_the_results(tmp_path):
    """Manifest, map, report and GeoPackage name whom the data are from; without `sources` none of them says a word."""
    origin = "sources.population={source: The valley, licence: CC-BY-4.0, attribution: © the valley, vintage: '2025'}"
    study = write_sample(tmp_path / "sample") / "study.yaml"
    kept = ("name", "language", "currency", "area", "inputs", "travel")
    less = [f"{key}=" for key in yaml.safe_load(study.read_text("utf-8")) if key not in kept]
    less += ["inputs.transit=", "travel.modes=[walk]"]
    result = sp.run(sp.read_study(study, [*less, origin]), out=tmp_path / "results")
    told = result.manifest["inputs"]["inputs.population"]
    assert (told["attribution"], told["licence"], told["vintage"]) == ("© the valley", "CC-BY-4.0", "2025")
    assert result.credits == ["© the valley, CC-BY-4.0"]
    for page in ("map.html", "report.html"):
        assert "© the valley, CC-BY-4.0" in (tmp_path / "results" / page).read_text("utf-8")
    with sqlite3.connect(tmp_path / "results" / "results.gpkg") as places:
        ((metadata,),) = places.execute("SELECT metadata FROM gpkg_metadata").fetchall()
    places.close()
    assert "© the valley, CC-BY-4.0" in metadata
    plain = sp.run(sp.read_study(study, less), out=tmp_path / "plain")
    assert (plain.credits, set(plain.manifest["inputs"]["inputs.population"])) == ([], {"file", "sha256", "bytes"})


@pytest.mark.real
@pytest.mark.skipif(os.environ.get("SITEPLAN_NETWORK") != "1", reason="asks real hosts: SITEPLAN_NETWORK=1")
@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_real_place(tmp_path):
    """The one test that asks the network; some hundred MB, minutes."""
    study = sp.fetch("Moulins, Allier, France", tmp_path / "moulins")
    assert score(study).manifest["totals"]["people"]["in"] > 15_000


def test_each_source_is_a_function(tmp_path, monkeypatch):
    """One part by hand, as the documentation does it: the file is that of `fetch`."""
    from siteplan import sources

    assert sources.__all__ == dir(sources) == sorted(sources.__all__)
    assert {part.function for part in fetching.PARTS} <= set(sources.__all__)
    downloads = sources.Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=2)
    with replayed(miniature_places.answers() | grids.answers(), monkeypatch):
        (valley,) = sources.find_places(VALLEY, downloads)
        (source,) = sources.best_sources("population", valley.country, "worldpop")
        got = sources.get_population(valley, source, downloads, tmp_path / "town", margin=5_000)
    assert got.inputs == {"population": "population.tif"}
    assert (tmp_path / "town" / "population.tif").is_file()
    assert got.used[0].attribution == "WorldPop (University of Southampton), R2025A"
