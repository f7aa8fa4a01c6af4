"""The study file: what it accepts, what it says of mistakes, and the template that explains it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from siteplan.config import BIKE, CALM, PROFILES, SLOW_WALK, WALK, Study
from siteplan.config.problems import submodel
from siteplan.errors import StudyError
from siteplan.study.reading import read_study
from siteplan.study.template import init_study, study_template
from tests.town import STUDY, write_town

CONFIGS = Path(__file__).parent.parent / "configs"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path)


def said(path: Path | None, *overrides: str, **options: Any) -> str:
    with pytest.raises(StudyError) as caught:
        read_study(path, overrides, **options)
    return str(caught.value)


def test_paths_are_relative_to_the_file(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    study = read_study(town)
    assert study.inputs.streets == town.parent / "streets.osm"
    assert study.inputs.population is not None
    assert study.inputs.population.file == town.parent / "people.csv"
    assert study.output.folder == town.parent / "results"


def test_a_file_and_options_build_the_same_study(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(town.parent)
    options = {
        "inputs.streets": Path("streets.osm"),
        "inputs.population": Path("people.csv"),
        "inputs.population.groups": "workers",
        "inputs.sites": Path("sites.csv"),
        "inputs.elevation": None,
        "travel.modes": "walk,bike",
        "travel.minutes": "5.5",
    }
    assert read_study(None, ["name=One street"], options=options) == read_study(town)


def test_options_beside_a_file_are_relative_to_the_working_folder(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = town.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.csv").write_text("lon,lat\n9.5,47.1\n")
    monkeypatch.chdir(elsewhere)
    study = read_study(town, options={"inputs.sites": Path("other.csv")})
    assert study.inputs.sites is not None
    assert study.inputs.sites.file == elsewhere / "other.csv"


def test_another_population_file_keeps_the_keys_beside_it(town: Path) -> None:
    (town.parent / "more.csv").write_text("")
    population = read_study(town, options={"inputs.population": town.parent / "more.csv"}).inputs.population
    assert population is not None
    assert (population.file.name, population.groups) == ("more.csv", ("workers",))


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("travel.minutes=10,7.5,10", (7.5, 10)),
        ("travel.minutes=[20, 5]", (5, 20)),
        ("travel.minutes=12", (12,)),
    ],
)
def test_minutes_are_sorted_and_whole_where_they_are(town: Path, override: str, found: tuple[float, ...]) -> None:
    minutes = read_study(town, [override]).travel.minutes
    assert [str(minute) for minute in minutes] == [str(minute) for minute in found]


def test_all_errors_are_told_at_once_with_what_was_meant(town: Path) -> None:
    town.write_text(STUDY + "langage: fr\nscore: {wieghts: {}}\nminutes: [5]\nchoice: {sites: 5}\n")
    text = said(town, "travel.walk.speed_kmh=480", "travel.modes=walk,tram", "inputs.streets=town.pbf")
    assert text.splitlines() == [
        f"{town}: 7 problems",
        f"  inputs.streets: found 'town.pbf', no such file; looked for {town.parent / 'town.pbf'}",
        "  travel.modes: found 'walk,tram', 'tram' is no mode; expected any of walk, slow_walk, bike, calm, pedelec, "
        "transit",
        "  travel.walk.speed_kmh: found 480, expected less than or equal to 20",
        "  score.wieghts: unknown key; did you mean 'weights'?",
        "  langage: unknown key; did you mean 'language'?",
        "  minutes: unknown key; did you mean 'travel.minutes'?",
        "  choice: unknown key; did you mean 'choose'?",
    ]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("travel.walk.speed=3", "travel.walk.speed: unknown key; did you mean 'speed_kmh'?"),
        ("travel.bike.speed_kmh=fast", "travel.bike.speed_kmh: found 'fast', expected a valid number"),
        ("travel.modes=[]", "travel.modes: found nothing, expected at least one"),
        ("travel.minutes=0", "travel.minutes: found 0, expected greater than 0"),
        ("travel.minutes=15,soon", "travel.minutes: found 'soon', expected a valid number"),
        ("travel.direction=home", "travel.direction: found 'home', expected 'to' or 'from'"),
        ("travel.walk.slope=true", "travel.walk.slope: is true, but inputs.elevation names no terrain model"),
        (
            "score.weights.people_walk_15=1",
            "score.weights.people_walk_15: no such result; did you mean 'people_walk_5.5'?",
        ),
        ("score.decay={kind: linear}", "score.decay.minutes: missing"),
        ("area.extent=communes", "area.extent: is communes, but area.communes names no file"),
        ("inputs.population.density=km2", "inputs.population.density: found 'km2', expected 'per_km2'"),
        ("inputs.streets.layer=x", "inputs.streets: found {'file': 'streets.osm', 'layer': 'x'}"),
        ("output=5", "output: found 5, expected the keys folder, isochrones"),
        ("choose.sites=many", "choose.sites: found 'many', expected a whole number"),
        ("choose.phases=3;5", "choose.phases: found '3;5', expected whole numbers, with commas between them"),
        ("choose.phases=[5, 3]", "choose.phases: found [5, 3], expected numbers that rise, such as 3, 5, 10"),
        ("choose.phase_budgets=[2, 1]", "choose.phase_budgets: found [2, 1], expected numbers that rise"),
        ("choose.floors=30%", "choose.floors: found '30%', expected a share above 0 and at most 1 (0.3 for 30 %)"),
        ("choose.floors=0", "choose.floors: found 0, expected a share above 0"),
        ("choose.floors={West: 2}", "choose.floors: found {'West': 2}, expected a share above 0"),
        ("choose={sites: 1, share: 0.5}", "choose.share: is for objective share"),
        ("choose={sites: 1, objective: share}", "choose.sites: objective share finds how many sites are needed"),
        ("choose={sites: 1, objective: gravity}", "choose.decay: missing; objective gravity needs it"),
        ("choose={sites: 1, decay: {kind: step, minutes: 5}}", "choose.decay: is for objective gravity"),
        (
            "choose={sites: 1, objective: median, minutes: 10, penalty: 5}",
            "choose.penalty: is 5 minutes, expected at least the limit",
        ),
        ("choose={sites: 1, objective: backup, capacities: true}", "choose.capacities: have no meaning for objective"),
        ("choose={sites: 1, least_regret: true}", "choose.least_regret: is for phases; give choose.phases"),
        ("choose={sites: 1, minutes: 241}", "choose.minutes: found 241, expected at most 240, as far as is searched"),
        (
            "choose={sites: 1, minutes: 4000000}",
            "choose.minutes: found 4000000, expected less than or equal to 3579139",
        ),
        ("travel.minutes=[20, 181]", "travel.minutes: found 181, expected at most 180, as far as is searched"),
        ("choose.quotas=[{column: zone, value: []}]", "choose.quotas.value: found []"),
        (
            "travel.walk.speed_kmh=yes",
            "travel.walk.speed_kmh: found True, expected a number; in YAML yes, no, on and off",
        ),
        ("travel.minutes=[on, 20]", "travel.minutes: found [True, 20], expected a number"),
        ("travel.minutes={walk: [5, no]}", "travel.minutes: found {'walk': [5, False]}, expected a number"),
        ("choose={sites: yes}", "choose.sites: found True, expected a number"),
        ("score.weights={no: 1}", "score.weights: found {False: 1}, expected a number"),
        ("name=no", "name: found False, expected a text; in YAML"),
        ("travel.modes=[walk, on]", "travel.modes: found ['walk', True], expected a text"),
        ("score.weights={people_best_20:2}", "'people_best_20:2' has no value; put a blank behind ':'"),
        ("speed", "--set speed: expected key.path=value"),
        ("name=[", "--set name: the value '[' is not YAML"),
    ],
)
def test_each_mistake_names_its_key(town: Path, override: str, expected: str) -> None:
    assert expected in said(town, override)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nname: y\n", "line 2, column 1: key 'name' is given twice"),
        ("travel: [unclosed\n", "expected a study file (YAML)"),
        ("- a list\n", "expected a study file of `key: value` lines"),
        ("", "3 problems"),
    ],
)
def test_files_that_are_no_study(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    assert expected in said(path)


def test_no_such_file_a_folder_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert "no such study file" in said(tmp_path / "nowhere.yaml")
    assert "is a folder" in said(tmp_path)
    assert "not a text file" in said(tmp_path / "bytes")


def test_what_is_lacking_depends_on_the_question(town: Path) -> None:
    town.write_text("inputs: {streets: streets.osm, sites: sites.csv}\n")
    assert said(town).startswith(f"{town}: inputs.population: missing; expected where people are")
    assert read_study(town, needs=("streets", "sites")).inputs.population is None


def test_a_table_of_times_stands_for_the_streets(town: Path) -> None:
    (town.parent / "times.csv").write_text("")
    town.write_text("inputs: {times: times.csv, population: people.csv, sites: sites.csv}\n")
    assert read_study(town).inputs.streets is None


def test_empty_keys_take_their_defaults(town: Path) -> None:
    town.write_text(STUDY.replace("travel: {modes: [walk, bike], minutes: [5.5]}", "travel:\n  walk:\nscore:\n"))
    study = read_study(town)
    assert (study.travel.minutes, study.travel.walk.speed_kmh) == ((15, 20), 4.8)


def test_profiles_of_a_plain_study_are_the_known_ones() -> None:
    assert Study().profiles() == (WALK, BIKE, CALM)
    every = Study.model_validate({"travel": {"modes": list(PROFILES)}})
    assert {profile.name: profile for profile in every.profiles()} == PROFILES


def test_a_slow_walker_is_slow_to_the_street_too() -> None:
    study = Study.model_validate({"travel": {"modes": ["walk", "slow_walk"], "walk": {"speed_kmh": 3.6}}})
    assert [profile.access_kmh for profile in study.profiles()] == [3.6, SLOW_WALK.access_kmh]


def test_an_elevation_turns_slopes_on_unless_told_otherwise(town: Path) -> None:
    (town.parent / "terrain.tif").write_text("")
    study = read_study(town, ["inputs.elevation=terrain.tif", "travel.bike.slope=false"])
    assert [profile.slope for profile in study.profiles()] == [True, False]


def test_the_search_goes_as_far_as_the_decay() -> None:
    assert Study().limit == 20
    decay = {"kind": "logistic", "minutes": 20, "deviation": 5}
    assert Study.model_validate({"score": {"decay": decay}}).limit == 33


def test_values_of_quotas_stay_what_they_are() -> None:
    quotas = [{"column": "zone", "value": value} for value in ("1", 1, 1.5, True)]
    study = Study.model_validate({"choose": {"sites": 1, "quotas": quotas}})
    assert study.choose is not None
    assert [repr(quota.value) for quota in study.choose.quotas] == ["'1'", "1", "1.5", "True"]


# ---- the template ----


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        inner = submodel(model, name)
        if inner is None:
            yield prefix + name, field.default
        elif field.default is None and not field.examples:
            yield prefix + name, None
        else:
            yield from keys_of(inner, f"{prefix}{name}.")


def leaves(raw: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def test_the_template_has_every_key_with_its_default() -> None:
    model, written = dict(keys_of(Study)), dict(leaves(yaml.safe_load(study_template())))
    assert list(written) == list(model)
    to_fill_in = {"inputs.streets", "inputs.population.file", "inputs.sites.file"}
    for key in set(model) - to_fill_in:
        default = model[key]
        plain = list(default) if isinstance(default, tuple) else str(default) if isinstance(default, Path) else default
        assert written[key] == (plain if plain != {} else None), key


def test_the_template_in_configs_is_the_one_that_init_writes(tmp_path: Path) -> None:
    path = init_study(tmp_path / "new" / "town")
    assert path.read_text(encoding="utf-8") == (CONFIGS / "template.yaml").read_text(encoding="utf-8")


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("mine")
    with pytest.raises(StudyError, match="is not overwritten"):
        init_study(tmp_path)
    assert (tmp_path / "study.yaml").read_text() == "mine"


def test_the_filled_in_template_is_a_study(town: Path) -> None:
    folder = town.parent
    (folder / "streets.osm.pbf").touch()
    (folder / "population.tif").touch()
    (folder / "template.yaml").write_text(study_template())
    study = read_study(folder / "template.yaml")
    assert study.travel == Study().travel
    assert study.score == Study().score


def test_every_other_config_is_a_study() -> None:
    paths = sorted(set(CONFIGS.glob("*.yaml")) - {CONFIGS / "template.yaml"})
    assert paths
    for path in paths:
        assert read_study(path).inputs.streets, path


def test_squares_are_crossed_or_walked_around_by_every_mode(town: Path) -> None:
    asked = read_study(town, ["travel.squares=around", "travel.modes=[walk, bike]"])
    assert [profile.squares for profile in asked.profiles()] == ["around", "around"]
    assert [profile.squares for profile in read_study(town).profiles()] == ["crossed", "crossed"]
    assert "travel.squares: found 'across', expected 'crossed' or 'around'" in said(town, "travel.squares=across")
