"""Scenarios: the same as a run of their own, gains and losses that add up, and a clear word where one cannot be."""

import json
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import osmium
import pandas as pd
import pytest
import shapely
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import siteplan as sp
from siteplan.config.changes import Scenario
from siteplan.errors import SiteplanWarning
from siteplan.inputs.basemap import BACKGROUND, WATERS, Background
from siteplan.inputs.extract import Layer
from siteplan.study import check, compare, compare_scenarios, read_study, run, score, travel
from siteplan.study.load import load
from siteplan.study.scenarios import made, variants_of
from siteplan.study.wording import about
from siteplan.words import load_words
from tests.test_study import quietly, same_bytes
from tests.town import BY_BUS, NORTH, STUDY, lon, write_bus, write_town

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "study.yaml"
ALONE = ["choose=null", "together=null", "criteria=null", "competition=null"]  # sites by themselves, none chosen
ON_STREETS = ["travel.modes=[walk, bike]", "inputs.transit=null", "scenarios=null"]  # what places hang on
WHAT_IF = f"""
scenarios:
  no hall: {{sites: [{{close: A}}]}}
  library: {{sites: [{{open: B}}]}}
  school: {{sites: [{{open: N, place: [{lon(10)}, 47.1], name: School, capacity: 12}}]}}
  moved: {{sites: [{{move: A, place: [{lon(5)}, 47.1]}}]}}
  slow: {{set: {{travel.walk.speed_kmh: 2.4}}}}
  new homes: {{people: [{{build: Vergers, people: 7, groups: {{workers: 3}}, place: [{lon(10)}, 47.1]}}]}}
  both: {{base: new homes, about: All of it., sites: [{{open: B}}]}}
"""


def town_of(folder: Path, more: str, study: str = STUDY) -> Path:
    return write_town(folder, study=study + more)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> sp.Result:
    return quietly(run, town_of(tmp_path_factory.mktemp("town"), WHAT_IF))


def walked(table: pd.DataFrame, scenario: str, group: str = "people") -> dict[str, float]:
    """Return one row of the table of scenarios: all, on foot."""
    asked = {"scenario": scenario, "split": "total", "group": group, "mode": "walk"}
    row = table[(table[list(asked)] == pd.Series(asked)).all(axis=1)]
    assert len(row) == 1
    return {name: float(row[name].iloc[0]) for name in ("people", "before", "after", "gained", "lost", "unchanged")}


def figures(people: float, before: float, after: float, gained: float, lost: float) -> dict[str, float]:
    unchanged = after - gained
    return {"people": people, "before": before, "after": after, "gained": gained, "lost": lost, "unchanged": unchanged}


# ---- known by head: A alone is open and reaches 50 of 110 ----


def test_who_gains_and_who_loses_as_counted_by_head(result: sp.Result) -> None:
    table = result.tables["scenarios"]
    assert list(result.scenarios) == ["no hall", "library", "school", "moved", "slow", "new homes", "both"]
    assert walked(table, "no hall") == figures(110, 50, 0, 0, 50)
    assert walked(table, "library") == figures(110, 50, 100, 50, 0)
    assert walked(table, "school") == figures(110, 50, 100, 50, 0)
    assert walked(table, "moved") == figures(110, 50, 90, 50, 10)  # 440 m to both sides: crossings 1 to 9
    assert walked(table, "slow") == figures(110, 50, 30, 0, 20)  # 220 m
    assert walked(table, "new homes") == figures(117, 50, 50, 0, 0)
    assert walked(table, "both") == figures(117, 50, 107, 57, 0)
    assert walked(table, "both", "workers") == figures(58, 10, 10 + 40 + 3, 43, 0)


def test_gained_less_lost_is_the_change_in_every_row(result: sp.Result) -> None:
    table = result.tables["scenarios"]
    assert (table["gained"] - table["lost"]).equals(table["after"] - table["before"])
    assert (table["unchanged"] + table["gained"]).equals(table["after"])


def test_scores_stand_below_each_other(result: sp.Result) -> None:
    table = result.tables["scenario_scores"]
    assert list(dict.fromkeys(table["scenario"])) == ["base", *result.scenarios]
    rows = table.set_index(["scenario", "site"])
    assert rows.loc[("base", "A"), "people_walk_5.5"] == 50
    assert rows.loc[("new homes", "B"), "people_walk_5.5"] == 57
    assert rows.loc[("school", "N"), "name"] == "School"
    assert bool(rows.loc[("school", "N"), "open"])
    assert not bool(rows.loc[("school", "B"), "open"])
    assert ("no hall", "A") not in rows.index


def test_it_says_what_was_searched(result: sp.Result) -> None:
    searched = {each["name"]: each["searched"] for each in result.manifest["scenarios"]}
    assert searched["no hall"] == searched["library"] == searched["new homes"] == {"walk": 0, "bike": 0}
    assert searched["school"] == searched["moved"] == {"walk": 1, "bike": 1}
    assert searched["slow"] == {"walk": 2, "bike": 0}


def test_a_scenario_has_a_folder_of_results_of_its_own(result: sp.Result) -> None:
    assert result.folder is not None
    inside = result.folder / "scenarios" / "new-homes"
    assert json.loads((inside / "manifest.json").read_text())["scenario"]["about"] == {
        "en": "Vergers: 7 new residents",
        "fr": "Vergers\u202f: 7 nouveaux habitants",
    }
    table = compare(result.folder, inside)
    row = table[(table["group"] == "people") & (table["mode"] == "walk")].iloc[0]
    assert (row["people"], row["before"], row["after"]) == (117, 50, 50)
    kept = compare(result.folder, result.folder / "scenarios" / "library")
    assert list(kept[(kept["group"] == "people") & (kept["mode"] == "walk")]["gained"]) == [50]


def test_the_ground_that_a_scenario_shares_with_its_study_is_written_once(result: sp.Result, tmp_path: Path) -> None:
    assert result.folder is not None

    def layers(file: Path) -> set[str]:
        return set(gpd.list_layers(file)["name"])

    inside = result.folder / "scenarios" / "no-hall"
    shared = json.loads((inside / "manifest.json").read_text())["layers_of_study"]
    assert shared == ["streets"]  # the town has no other ground
    whole = layers(result.folder / "results.gpkg")
    assert whole - layers(inside / "results.gpkg") == {"streets", "isochrones", "areas"}  # of which a scenario has none
    loaded = sp.Result.load(inside)
    pd.testing.assert_frame_equal(loaded.layers["streets"], sp.Result.load(result.folder).layers["streets"])
    loaded.save(tmp_path / "alone")  # as a result that is no scenario of another it has all
    assert "streets" in layers(tmp_path / "alone" / "results.gpkg")
    assert "layers_of_study" not in json.loads((tmp_path / "alone" / "manifest.json").read_text())
    shutil.copytree(inside, tmp_path / "moved")
    with pytest.warns(SiteplanWarning, match=r"moved: streets are those of its study, in .*, which is not there"):
        assert "streets" not in sp.Result.load(tmp_path / "moved").layers


def test_a_bus_line_that_is_cut(tmp_path: Path) -> None:
    """To the hall in the west 9.5 minutes carry 8 crossings on foot; the bus from the east brings those behind them."""
    study = town_of(tmp_path, "scenarios: {cut: {lines: [{cut: West}]}, east: {lines: [{cut: East}]}}\n", BY_BUS)
    write_bus(tmp_path)
    found = quietly(run, study)
    table = found.tables["scenarios"]
    rows = table[(table["mode"] == "transit") & (table["group"] == "people")].set_index(["scenario", "minutes"])
    assert rows.loc[("cut", 9.5), "lost"] == rows.loc[("cut", 9.5), "before"] - 80
    assert rows.loc[("east", 9.5), "lost"] == 0
    assert found.manifest["scenarios"][0]["searched"]["walk"] == 0
    pd.testing.assert_frame_equal(quietly(score, read_study(study).variant("cut")).times, found.scenarios["cut"].times)


# ---- the same as a run of its own ----

SITES = [f"S{number:02}" for number in range(1, 34)]
places = st.tuples(st.floats(3.33, 3.38).map(lambda x: round(x, 5)), st.floats(46.43, 46.47).map(lambda y: round(y, 5)))
street_changes = st.one_of(
    places.map(lambda place: {"close": list(place)}),
    places.map(lambda place: {"tag": list(place), "tags": {"bicycle": "no"}}),
    st.tuples(places, places).map(
        lambda ends: {"add": [list(end) for end in ends], "tags": {"highway": "cycleway"}, "snap_m": 400}
    ),
)
line_changes = st.sampled_from(
    [
        {"cut": "2"},
        {"shift": "1", "minutes": 4},
        {"every": "3", "minutes": 10, "hours": ["07:00", "09:00"]},
        {"move": "B:MAR", "place": [3.3490, 46.4470]},
        {"add": "9", "stops": ["B:ECH", "B:MAR"], "minutes": [0, 12], "every": 15, "hours": ["06:00", "10:00"]},
    ]
)
people_changes = st.one_of(
    places.map(lambda place: {"build": "Vergers", "people": 300, "groups": {"workers": 120}, "place": list(place)}),
    st.just({"grow": "Échallon", "plus": 200}),
)
site_changes = st.one_of(
    st.sampled_from(SITES[2:]).map(lambda site: {"open": site}),
    st.sampled_from(SITES).map(lambda site: {"close": site}),
    st.tuples(st.sampled_from(SITES), st.sampled_from([[3.3536, 46.4504], [3.3598, 46.4354]])).map(
        lambda each: {"move": each[0], "place": each[1]}
    ),
)


@settings(max_examples=6)
@given(
    streets=st.lists(street_changes, max_size=1),
    lines=st.lists(line_changes, max_size=1),
    people=st.lists(people_changes, max_size=1),
    sites=st.lists(site_changes, max_size=1),
)
def test_any_scenario_is_what_a_run_of_its_own_gives(
    streets: list[Any], lines: list[Any], people: list[Any], sites: list[Any]
) -> None:
    study = read_study(SAMPLE, ALONE)
    try:
        other = study.with_(streets=streets, lines=lines, people=people, sites=sites)
        full = quietly_all(score, other)
    except sp.StudyError:  # such as a square that cannot be closed
        return
    found = quietly_all(compare_scenarios, study, {"other": other}).scenarios["other"]
    pd.testing.assert_frame_equal(full.times, found.times)
    pd.testing.assert_frame_equal(full.scores, found.scores)
    pd.testing.assert_frame_equal(full.cell_access, found.cell_access)


def quietly_all(call, *args, **options):  # type: ignore[no-untyped-def]
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SiteplanWarning)
        return call(*args, **options)


def test_people_stay_where_they_are_when_a_street_comes(tmp_path: Path) -> None:
    """Large cells are spread along the streets: along those of the file, in a scenario and in a run of its own."""
    study = read_study(SAMPLE, [*ALONE, *ON_STREETS, "inputs.population.file=population_1km.gpkg"])
    other = study.with_(streets=[{"add": [[3.3700, 46.4375], [3.3705, 46.4440]], "tags": {"highway": "path"}}])
    found = quietly_all(compare_scenarios, study, {"path": other})
    assert found.scenarios["path"].points.equals(found.points)
    pd.testing.assert_frame_equal(found.scenarios["path"].times, quietly_all(score, other).times)


def test_how_far_from_a_street_is_a_change_like_another(tmp_path: Path) -> None:
    """Homes stand where they did, in cells that reach beyond the streets too; who has no street is told anew."""
    study = read_study(SAMPLE, [*ALONE, *ON_STREETS, "inputs.population.file=population_1km.gpkg"])
    other = study.with_(set={"travel.link_m": 60})
    base = quietly_all(compare_scenarios, study, {"near": other})
    found, full = base.scenarios["near"], quietly_all(score, other)
    assert found.points.geometry.equals(base.points.geometry)
    assert found.points.equals(full.points)
    too_far = [each.points["status"].eq("too far").sum() for each in (base, found)]
    assert too_far[0] < too_far[1]
    assert found.manifest["totals"] == full.manifest["totals"]
    pd.testing.assert_frame_equal(found.times, full.times)


# ---- which sites are open ----


def test_the_choice_of_the_base_stays_unless_asked_anew(tmp_path: Path) -> None:
    more = "choose: {sites: 2, mode: walk}\nscenarios:\n  slow: {set: {travel.walk.speed_kmh: 2.4}}\n"
    more += f"  anew: {{sites: [{{open: N, place: [{lon(7)}, 47.1]}}], choose_again: true}}\n"
    more += "  without: {sites: [{close: B}]}\n"
    found = quietly(run, town_of(tmp_path, more))
    table = found.tables["scenarios"]
    assert walked(table, "slow") == figures(110, 100, 60, 0, 40)  # A and B, both slower
    assert walked(table, "without") == figures(110, 100, 50, 0, 50)
    assert found.scenarios["slow"].choice is None
    anew = found.scenarios["anew"].choice
    assert anew is not None
    assert set(anew.sites.index) == {"A", "N"}  # both are existing, and two are open
    assert list(found.scenarios["slow"].tables["choice"].index) == list(found.choice.sites.index)  # type: ignore[union-attr]


# ---- in Python ----


def test_with_gives_another_study_and_leaves_this_one(tmp_path: Path) -> None:
    study = read_study(town_of(tmp_path, ""))
    other = study.with_(sites=[{"open": "B"}], set={"travel.walk.speed_kmh": 2.4}, name="Slow")
    assert (other.name, other.travel.walk.speed_kmh) == ("Slow", 2.4)
    assert not study.changes
    found = quietly(compare_scenarios, study, {"slow": other})
    assert walked(found.tables["scenarios"], "slow") == figures(110, 50, 60, 30, 20)
    alone = quietly(run, other)
    pd.testing.assert_frame_equal(alone.times, found.scenarios["slow"].times)
    assert found.folder is None


def test_a_change_may_follow_a_change(tmp_path: Path) -> None:
    study = read_study(town_of(tmp_path, ""))
    first = study.with_(people=[{"build": "Vergers", "people": 7, "place": [lon(10), NORTH]}])
    second = first.with_(sites=[{"open": "B"}])
    found = quietly(compare_scenarios, first, {"both": second})
    assert walked(found.tables["scenarios"], "both") == figures(117, 50, 107, 57, 0)


# ---- a matrix of options ----

MATRIX = """
matrix:
  sites: {today: {}, library: {sites: [{open: B}]}, none: {sites: [{close: A}]}}
  speed: {normal: {}, slow: {set: {travel.walk.speed_kmh: 2.4}}}
"""


def test_a_matrix_runs_every_combination(tmp_path: Path) -> None:
    found = quietly(run, town_of(tmp_path, MATRIX))
    table = found.tables["scenarios"]
    assert list(found.scenarios) == ["slow", "library", "library, slow", "none", "none, slow"]
    assert walked(table, "library, slow") == figures(110, 50, 60, 30, 20)
    assert walked(table, "none, slow") == figures(110, 50, 0, 0, 50)


# ---- files ----


def test_the_same_bytes_and_nothing_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = town_of(tmp_path, WHAT_IF)
    quietly(run, study, out=tmp_path / "one")
    quietly(run, study, out=tmp_path / "two")
    with monkeypatch.context() as patched:
        patched.setattr(travel, "travel_times", lambda *args, **options: pytest.fail("searched again"))
        patched.setattr(travel, "updated", lambda *args, **options: pytest.fail("searched again"))
        quietly(run, study, out=tmp_path / "two")
    for folder in (".", "scenarios/slow", "scenarios/new-homes", "scenarios/both"):
        assert same_bytes(tmp_path / "one" / folder, tmp_path / "two" / folder)


def test_a_scenario_that_is_asked_no_more_leaves_no_folder(tmp_path: Path) -> None:
    study = town_of(tmp_path, WHAT_IF)
    folder = tmp_path / "out"
    quietly(run, study, out=folder)
    (folder / "scenarios" / "slow" / "note.txt").write_text("mine")
    quietly(run, read_study(study).model_copy(update={"scenarios": {}}), out=folder)
    assert sorted(path.name for path in folder.rglob("*") if "scenarios" in path.parts) == [
        "note.txt",
        "scenarios",
        "slow",
    ]


def test_shapes_may_come_from_files(tmp_path: Path) -> None:
    study = town_of(tmp_path, "scenarios: {homes: {people: [{build: Vergers, people: 7, place: field.geojson}]}}\n")
    field = shapely.Point(lon(10), NORTH).buffer(1e-4)
    gpd.GeoSeries([field], crs=4326).to_file(tmp_path / "field.geojson")
    assert walked(quietly(run, study).tables["scenarios"], "homes")["people"] == 117


@pytest.mark.parametrize("said", ["{inputs.sites: more.csv}", "{inputs.sites: {file: more.csv}}"])
def test_files_of_a_scenario_lie_beside_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    study = town_of(tmp_path / "town", f"scenarios: {{more: {{set: {said}}}}}\n")
    sites = (study.parent / "sites.csv").read_text()
    (study.parent / "more.csv").write_text(sites.replace("Library,candidate", "Library,existing"))
    monkeypatch.chdir(tmp_path)
    found = quietly(run, study)
    assert walked(found.tables["scenarios"], "more") == figures(110, 50, 100, 50, 0)
    assert str(tmp_path) not in json.dumps(found.manifest)  # no path of a machine
    assert "more.csv" in found.manifest["scenarios"][0]["about"]


# ---- what cannot be is said before anything is computed ----


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("{sites: [{open: Z}]}", "scenarios.x.sites: change 1 (open site 'Z'): no such site"),
        ("{sites: [{close: B}, {close: B}]}", "scenarios.x.sites: changes 1 and 2"),
        ("{people: [{grow: Nowhere, factor: 2}]}", "scenarios.x.people: change 1 (people of 'Nowhere'): no communes"),
        ("{streets: [{close: 99}]}", "scenarios.x.streets: change 1 (close a street)"),
        ("{streets: [{close: [0, 0]}]}", "no street within 50 m"),
        ("{lines: [{cut: 7}]}", "scenarios.x: lines: change, but transit is none of travel.modes"),
        ("{sites: [{open: N, place: [0, 0]}]}", "'N'"),
        ("{base: y}", "scenarios.x: base: builds on 'y'"),
        ("{set: {inputs.streets: a.osm}}", "'inputs.streets' cannot be other in a scenario"),
        ("{set: {travel.walk.speed_kmh: fast}}", "scenarios.x: travel.walk.speed_kmh: found 'fast'"),
        ("{set: {travel.minutes: [7]}}", "scenarios.x: has none of the limits of the study"),
        ("{sites: [{opens: B}]}", "scenarios.x.sites 1: found {'opens': 'B'}, expected a change that says open or"),
        ("{people: [{build: V, people: 7, place: none.geojson}]}", "no such file; looked for"),
        ("{}", "scenarios.x: changes nothing"),
    ],
)
def test_a_scenario_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str, said: str) -> None:
    study = town_of(tmp_path, f"scenarios: {{x: {scenario}}}\n")
    monkeypatch.setattr(travel, "travel_times", lambda *args, **options: pytest.fail("searched"))
    with pytest.raises(sp.SiteplanError) as error:
        quietly(run, study)
    assert said in str(error.value)
    assert not (tmp_path / "results").exists()


def test_check_tells_of_scenarios(tmp_path: Path) -> None:
    study = town_of(tmp_path, "scenarios: {x: {sites: [{open: Z}]}, y: {sites: [{open: B}]}}\n")
    found = [each for each in quietly(check, study) if each.place == "scenarios"]
    assert [each.severity for each in found] == ["error", "info"]
    assert "scenarios.x.sites: change 1" in found[0].text
    assert "y: B opens" in found[1].text


def test_scenarios_of_a_table_of_times(tmp_path: Path) -> None:
    """A table of one's own knows sites and people, and nothing of streets."""
    raw = yaml.safe_load(STUDY) | {"scenarios": {"x": {"sites": [{"open": "B"}]}}}
    rows = [{"site": site, "point": cell, "minutes": 3.0, "mode": "walk"} for site, cell in (("A", 0), ("B", 10))]
    study = write_town(tmp_path)
    pd.DataFrame(rows).to_csv(tmp_path / "times.csv", index=False)
    raw["inputs"] = {**raw["inputs"], "times": "times.csv"}
    study.write_text(yaml.safe_dump(raw))
    assert walked(quietly(run, study).tables["scenarios"], "x")["gained"] == 10
    raw["scenarios"]["x"] = {"streets": [{"close": 1}]}
    study.write_text(yaml.safe_dump(raw))
    with pytest.raises(sp.StudyError, match=r"inputs\.times"):
        read_study(study)


# ---- in words ----


def test_changes_in_words() -> None:
    scenario = Scenario.model_validate(
        {
            "base": "bridge",
            "streets": [{"close": 12, "mode": "bike"}, {"tag": [9.5, 47.1], "tags": {"foot": "yes"}}],
            "lines": [{"every": "1", "minutes": 10, "hours": ["17:00", "20:00"]}, {"shift": "2", "minutes": -5}],
            "people": [{"grow": "Mery", "factor": 1.2}],
            "sites": [{"resize": "S1", "capacity": 30}],
        }
    )
    assert about(scenario, load_words("en", "scenario")) == (
        "like 'bridge'; the street 12 is closed to bicycles; the street 9.5, 47.1 becomes foot=yes; "
        "line 1 runs every 10 min, 17:00-20:00; line 2 runs -5 min; people in Mery: +20%; S1: 30 desks"
    )
    assert about(scenario, load_words("fr", "scenario")).startswith(
        "comme «\u202fbridge\u202f»; la rue 12 est fermée aux vélos"
    )


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
@pytest.mark.parametrize("around", [BACKGROUND, WATERS])
def test_an_extract_is_read_once_whatever_the_scenarios_change(
    monkeypatch: pytest.MonkeyPatch, around: Layer[Background]
) -> None:
    """Its head, then its relations, which say what else to look for, then all that is in it."""
    readings: list[object] = []

    class Counted(osmium.io.Reader):
        def __init__(self, file: str, kinds: Any = osmium.osm.ALL) -> None:
            readings.append(kinds)
            super().__init__(file, kinds)

    monkeypatch.setattr("osmium.io.Reader", Counted)
    study = read_study(SAMPLE)
    base = load(study, around=around)
    after = {each.name: made(each, study, base, set()) for each in variants_of(study)}
    bridged, streets = after["bridge and buses"].streets, base.streets
    assert bridged is not None
    assert streets is not None
    assert bridged.length.sum() > streets.length.sum()
    assert readings == [osmium.osm.NOTHING, osmium.osm.RELATION, osmium.osm.ALL]
