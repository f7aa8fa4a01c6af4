"""Modes are data: those of one's own in a study, in Python and on the command line; what hangs on a changed speed."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.cli.common import show
from siteplan.config import BIKE, PEDELEC, PROFILES, SLOW_WALK, TRANSIT, WALK, Profile, Rides, Study
from siteplan.errors import StudyError
from siteplan.output.maps.notes import all_notes, travel_of
from siteplan.study import read_study, run
from siteplan.times import travel_times
from siteplan.words import all_words
from tests.town import BY_BUS, STUDY, write_bus, write_town
from worlds import line, places

SCOOTER = "{like: bike, speed_kmh: 6, title: {en: by scooter, fr: en trottinette}}"  # 550 m, five crossings, in 5.5 min
OWN = f"""
travel:
  modes: [walk, scooter]
  minutes: [5.5]
  profiles: {{scooter: {SCOOTER}}}
choose: {{sites: 2, mode: scooter}}
robustness: {{count: 3, first: 1}}
scenarios:
  faster: {{set: {{travel.profiles.scooter.speed_kmh: 12}}}}
"""

quiet = pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")  # the town ends where its people do


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path, study=STUDY[: STUDY.index("travel:")] + OWN)


def study_with(**travel: Any) -> Study:
    return Study.model_validate({"travel": travel})


@quiet
def test_a_scooter_needs_a_study_and_no_code(town: Path) -> None:
    run(read_study(town), out=town.parent / "out")
    out = town.parent / "out"
    scores = pd.read_csv(out / "scores.csv", index_col="site")
    assert scores["people_walk_5.5"].to_dict() == {"A": 50, "B": 50}
    assert scores["people_scooter_5.5"].to_dict() == {"A": 60, "B": 60}
    assert set(pd.read_parquet(out / "times.parquet")["mode"]) == {"walk", "scooter"}
    assert set(pd.read_csv(out / "scenarios.csv")["mode"]) == {"walk", "scooter", "best"}
    faster = pd.read_csv(out / "scenarios" / "faster" / "scores.csv", index_col="site")
    assert faster["people_scooter_5.5"].to_dict() == {"A": 110, "B": 110}
    assert (out / "robustness.csv").is_file()
    profile = json.loads((out / "manifest.json").read_text())["parameters"]["travel"]["profiles"]["scooter"]
    assert (profile["rules"], profile["speed_kmh"]) == ("bike", 6)
    for page in ("map.html", "report.html"):
        assert "by scooter" in (out / page).read_text(encoding="utf-8").lower(), page
    assert "en trottinette" in (out / "map.html").read_text(encoding="utf-8")


def test_a_scooter_on_the_command_line(tmp_path: Path) -> None:
    town = write_town(tmp_path)
    told = ["score", str(town), "--set", f"travel.profiles.scooter={SCOOTER}", "--mode", "scooter", "--json", "-q"]
    done = CliRunner().invoke(app, told)
    assert done.exit_code == 0, done.output
    assert [row["people_scooter_5.5"] for row in json.loads(done.stdout)["scores"]] == [60, 60]


def test_a_scooter_in_python() -> None:
    streets = line().streets()
    found = [
        travel_times(streets, places([(0.0, 0.0)]), places([(200.0, 0.0)]), mode=mode)
        for mode in (BIKE, BIKE.with_(name="scooter", speed_kmh=18))
    ]
    assert [times["mode"].tolist() for times in found] == [["bike"], ["scooter"]]
    assert [times["minutes"].tolist() for times in found] == [
        [pytest.approx(0.8)],
        [pytest.approx(200 / 300, abs=0.01)],
    ]


@quiet
def test_another_way_to_ride(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town = write_town(tmp_path, study=BY_BUS)
    write_bus(tmp_path)
    own = (
        "travel.profiles={early: {like: transit, window: ['05:00', '05:50'], home: roller}, roller: {like: slow_walk}}"
    )
    study = read_study(town, [own, "travel.modes=[walk, transit, early]"])
    profiles = {profile.name: profile for profile in study.profiles()}
    early = profiles["early"]
    assert isinstance(early, Rides)
    assert (early.window, early.home) == (("05:00", "05:50"), SLOW_WALK.with_(name="roller"))
    result = run(study, out=tmp_path / "out")
    found = result.scores
    # Its speed is that of the walks, which is said as such; when one rides is said of each.
    show(result, as_json=False, quiet=True)
    assert "early 4.8 km/h on foot" in " ".join(capsys.readouterr().out.split())
    notes = [note for note in all_notes(result, None, all_words("map"))["en"] if "08:00" in note or "05:00" in note]
    assert [note.split(":")[0] for note in notes] == ["By public transport", "Early"]
    assert "early" not in travel_of(result)[0]
    assert (found["people_transit_9.5"] > found["people_early_9.5"]).all()  # nothing runs yet


def test_an_own_mode_is_as_the_one_it_is_like_here() -> None:
    study = study_with(bike={"push": True}, profiles={"scooter": {"like": "bike", "speed_kmh": 18}}, modes=["scooter"])
    assert study.profiles() == (BIKE.with_(name="scooter", speed_kmh=18, push=True),)
    other = study.with_(set={"travel.bike.push": False, "travel.profiles.scooter.access_kmh": 3})
    assert other.profiles() == (BIKE.with_(name="scooter", speed_kmh=18, access_kmh=3),)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("best: {like: bike}", "travel.profiles.best: found 'best', 'best' cannot name a mode; expected letters"),
        ("given: {like: bike}", "neither of best, given"),
        ("a b: {like: bike}", "'a b' cannot name a mode"),
        ("bike: {like: walk}", "'bike' is a mode already; set its keys as travel.bike"),
        ("x: {speed_kmh: 5}", "expected the mode that it is like, such as {like: bike, speed_kmh: 18}; any of walk,"),
        ("x: {like: horse}", "travel.profiles.x: found {'like': 'horse'}, expected the mode"),
        ("x: {like: bike, sped_kmh: 5}", "travel.profiles.x.sped_kmh: unknown key; did you mean 'speed_kmh'?"),
        ("x: {like: walk, speed_kmh: 30}", "travel.profiles.x.speed_kmh: found 30, expected less than or equal to 20"),
        ("x: {like: transit, home: x}", "travel.profiles.x.home: found 'x', 'x' is no mode; expected any of walk,"),
        ("x: {like: bike, slope: true}", "travel.profiles.x.slope: is true, but inputs.elevation names no terrain"),
        ("x: {like: transit}", "travel.modes: asks for x, but inputs.transit names no timetables"),
    ],
)
def test_own_modes_that_cannot_be_meant(town: Path, own: str, said: str) -> None:
    with pytest.raises(StudyError) as caught:
        read_study(town, [f"travel.profiles={{{own}}}", "travel.modes=[x]", "scenarios=", "choose="])
    assert said in str(caught.value)


@given(st.floats(0.5, 60), st.sampled_from([WALK, SLOW_WALK]))
def test_a_walker_is_as_fast_to_the_street_as_along_it(speed: float, walker: Profile) -> None:
    for other in (walker.with_(speed_kmh=speed), walker.model_copy(update={"speed_kmh": speed})):
        assert (other.speed_kmh, other.access_kmh) == (speed, speed)
    assert Rides(walk=walker).with_(speed_kmh=speed).walk == walker.with_(speed_kmh=speed)


def test_what_was_said_of_the_way_to_the_street_stays() -> None:
    assert WALK.with_(access_kmh=2).with_(speed_kmh=6).access_kmh == 2
    assert BIKE.with_(speed_kmh=20).access_kmh == BIKE.access_kmh
    assert WALK.with_(speed_kmh=6).with_(rules="bike").access_kmh == 6


@pytest.mark.parametrize("mode", [WALK, TRANSIT])
def test_a_change_of_a_mode_is_checked(mode: Profile | Rides) -> None:
    with pytest.raises(StudyError, match=rf"{mode.name}: no field 'speed_kmph'; did you mean 'speed_kmh'\?"):
        mode.with_(speed_kmph=3)
    with pytest.raises(StudyError, match="speed_kmh: found 900, expected less than"):
        mode.model_copy(update={"speed_kmh": 900})
    with pytest.raises(StudyError, match="'best' cannot name a mode"):
        mode.with_(name="best")


def test_modes_are_keys_and_words_are_no_part_of_them() -> None:
    assert len({WALK, WALK.with_(), PEDELEC, *PROFILES.values()}) == 5
    assert hash(WALK.with_(title={"en": "walking"})) == hash(WALK)
