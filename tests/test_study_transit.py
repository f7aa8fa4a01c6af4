"""Public transport in a study and at the command line, on a town whose answers are known by head.

To A, from the eastern end: whoever must be there at a minute past the full ten, has the bus 2 to 11 minutes ago; with a
minute at the stop and the 2 minutes of the ride, that takes 3 to 12 minutes, 7 in the median. 100 m on foot are 1.25.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.config import Rides
from siteplan.errors import StudyError
from siteplan.output.maps.notes import _riding
from siteplan.study import check, draw, read_study, run, score
from siteplan.study.load import load
from siteplan.study.scenarios import Variant, made
from siteplan.words import load_words
from tests.feeds import feed, write_zip
from tests.town import BY_BUS, NORTH, lon, write_bus, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_bus(tmp_path)
    return write_town(tmp_path, study=BY_BUS)


def call(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def reached(town: Path, *changes: str) -> list[float]:
    """Return the people who come to A by public transport within 8 and 9.5 minutes."""
    scores = score(read_study(town, changes)).scores
    return list(scores.loc["A", ["people_transit_8", "people_transit_9.5"]])


def test_who_is_near_the_stop_comes_by_bus(town: Path) -> None:
    assert reached(town) == [80, 110]  # on foot 0 to 6 and 0 to 7; by bus the last and the last three


def test_who_must_also_get_home(town: Path) -> None:
    assert reached(town, "travel.transit.back=[17:00,18:00]") == [70, 80]  # every 20 minutes: 12 in the median
    assert reached(town, "travel.transit.back=[17:00,18:00]", "travel.transit.percentile=25") == [80, 110]


def test_from_the_site(town: Path) -> None:
    assert reached(town, "travel.direction=from") == [70, 80]


def test_how_one_rides_is_asked_in_the_study(town: Path) -> None:
    assert reached(town, "travel.transit.board_slack_minutes=3") == [70, 90]  # 9 in the median
    assert reached(town, "travel.transit.percentile=100") == [70, 80]
    assert reached(town, "travel.transit.window=[05:00,05:50]") == [70, 80]  # nothing runs yet
    assert reached(town, "travel.transit.home=bike") == [110, 110]  # all the way, if that is quicker
    assert reached(town, "travel.walk.speed_kmh=2.4") == [50, 60]  # 0 to 3 and 0 to 3; 10 and 10, 9


def test_timetables_add_their_mode(town: Path) -> None:
    text = BY_BUS.replace("modes: [walk, transit], ", "")
    town.write_text(text)
    assert read_study(town).travel.modes == ("walk", "bike", "calm", "transit")


def test_a_run_has_transit_in_all_its_files(town: Path) -> None:
    result = run(town)
    assert result.folder is not None
    assert {"minutes_p25", "minutes_p75", "share"} <= set(pd.read_parquet(result.folder / "times.parquet"))
    assert result.cell_access.loc["10", "mode_best"] == "walk"  # B is there
    travel = result.manifest["parameters"]["travel"]["profiles"]["transit"]
    assert travel["window"] == ["08:00", "09:00"]
    assert result.manifest["inputs"]["inputs.transit"]["file"] == "bus.zip"
    assert result.manifest["parameters"]["inputs"]["transit"] == {"date": "2026-03-10"}
    rings = result.rings
    assert rings is not None
    east = rings.query("site == 'A' and mode == 'transit' and minutes == 8").geometry.iloc[0]
    assert len(east.geoms) == 2  # an island around the eastern stop


def test_the_same_bytes_and_nothing_searched_twice(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(town).folder
    assert first is not None
    before = {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}
    monkeypatch.setattr("siteplan.study.travel.travel_times", pytest.fail)
    run(town)
    assert before == {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}


def test_another_date_is_another_search_but_not_on_foot(town: Path) -> None:
    run(town)
    kept = {path.name for path in (town.parent / "results" / ".cache").glob("*.kept")}
    run(read_study(town, ["inputs.transit.date=2026-03-11"]))
    new = {path.name for path in (town.parent / "results" / ".cache").glob("*.kept")}
    assert set(kept & new) == {name for name in kept if "walk" in name}


def test_two_feeds(town: Path) -> None:
    stops = "stop_id,stop_name,stop_lat,stop_lon\n" + f"A,a,{NORTH},{lon(10)}\nD,d,{NORTH},{lon(0)}\n"
    write_zip(town.parent / "other.zip", feed(stops=stops, stop_times=HALF_PAST))
    result = score(read_study(town, ["inputs.transit.feeds=[bus.zip, other.zip]"]))
    assert set(result.manifest["inputs"]) >= {"inputs.transit.1", "inputs.transit.2"}


HALF_PAST = (
    "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT1,8:30:00,8:30:00,A,1\nT1,8:31:00,8:31:00,D,2\n"
)


def test_isochrones_need_no_people(town: Path) -> None:
    rings = draw(read_study(town, needs=("streets", "sites")))
    assert set(rings["mode"]) == {"walk", "transit"}


def test_check_tells_of_the_feed(town: Path) -> None:
    told = [finding for finding in check(town) if finding.place == "inputs.transit"]
    assert [finding.severity for finding in told] == ["info"] * len(told)
    text = " ".join(finding.text for finding in told)
    assert "the feeds plan 126 trips, 100% of the 126 on their busiest day" in text
    assert "2 of 2 stops have a street within 300 m; 100.0% of the stop times" in text


def test_stops_without_a_street_are_told(town: Path) -> None:
    near, far = f"A,a,{NORTH},{lon(10)}\nB,b,{NORTH},{lon(0)}\n", "C,c,47.2,9.5\nD,d,47.2,9.5\n"
    write_zip(town.parent / "bus.zip", feed(stops=f"stop_id,stop_name,stop_lat,stop_lon\n{near}{far}"))
    told = [finding for finding in check(town) if finding.severity == "warning" and finding.place == "inputs.transit"]
    assert "2 of 4 stops, with 50.0% of the stop times" in told[0].text


# ---- at the command line ----


def test_plain_options_ride_too(town: Path) -> None:
    plain = ["--streets=streets.osm", "--population=people.csv", "--sites=sites.csv", "--minutes=8"]
    by_bus = [*plain, "--transit=bus.zip", "--date=2026-03-10", "--mode=transit", "--json"]
    done = call("score", *by_bus)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["scores"][0]["people_transit_8"] == 80
    rings = call("isochrones", *plain[:1], *plain[2:], *by_bus[4:-1])
    assert rings.exit_code == 0, rings.stderr
    assert rings.stdout.splitlines()[1].startswith("A,transit,8.0,4.8,")


def test_the_window_is_said_below_the_table(town: Path) -> None:
    told = call("score", town).stderr
    assert "transit: 2026-03-10, 08:00-09:00, the median of every minute, at most 2 rides" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--date=2026-03-08"], "2026-03-09"),  # a Sunday: the nearest day with service is named
        (["--date=2027-01-01"], "2026-12-31"),
        (["--date=soon"], "inputs.transit.date (--date): found 'soon', expected a date such as 2026-03-10"),
        (["--transit=none.zip"], "no such file"),
        (["--transit=people.csv"], "people.csv"),
        (["--set=travel.transit.window=[09:00,08:00]"], "travel.transit.window: runs from 09:00 to 08:00"),
        (["--set=travel.transit.window=noon"], "travel.transit.window: found 'noon'"),
        (["--set=travel.transit.window=[08:00:30,08:00:30]"], "travel.transit.window: runs from 08:00:30 to 08:00:30"),
        (["--set=travel.transit.back=[18:00,17:00]"], "travel.transit.back: runs from 18:00 to 17:00"),
        (["--set=travel.transit.max_rides=0"], "travel.transit.max_rides: found 0"),
        (["--set=travel.transit.home=horse"], "travel.transit.home: found 'horse'"),
        (
            [
                "--set=inputs.transit={feeds: []}",
            ],
            "inputs.transit.feeds: found nothing, expected at least one",
        ),
    ],
)
def test_bad_input(town: Path, options: list[str], said: str) -> None:
    done = call("score", town, *options)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_transit_without_a_timetable(town: Path) -> None:
    town.write_text(BY_BUS.replace("  transit: {feeds: [bus.zip], date: 2026-03-10}\n", ""))
    with pytest.raises(StudyError, match=r"inputs\.transit names no timetables"):
        read_study(town)


def test_clock_times_that_yaml_takes_for_numbers(town: Path) -> None:
    asked = read_study(town, ["travel.transit.window=[17:00, 18:30]"])
    assert asked.travel.transit.window == ("17:00", "18:30")
    asked = read_study(town, ["travel.transit.window=[17:00:30, 18:30:15]"])
    assert asked.travel.transit.window == ("17:00:30", "18:30:15")


@pytest.mark.parametrize("said", ["'08:30'", "08:30", "[08:30, 08:31]", "8:30"])
def test_one_time_is_a_moment(town: Path, said: str) -> None:
    asked = read_study(town, [f"travel.transit.window={said}", "travel.transit.back=17:00:30"])
    first, last = asked.travel.transit.window
    assert (first.zfill(5), last) == ("08:30", "08:31")
    assert asked.travel.transit.back == ("17:00:30", "17:01:30")
    assert str(asked.profiles()[-1]).startswith(f"at {first}, and back at 17:00:30, at most 2 rides")


def test_limits_of_what_is_not_ridden_are_said_below_the_map(town: Path) -> None:
    """And a moment as such: there is no median of it."""
    words = [load_words(language, "notes") for language in ("en", "fr")]
    profile = Rides(window="08:30", direct_walk_minutes=20, max_home_minutes=7.5, first_wait="planned").model_dump()
    told = [_riding(profile, "2026-03-10", each) for each in words]
    assert told[0].endswith(
        "there at 08:30, at most 2 rides, walks included; at most 20 min without any ride; "
        "at most 7.5 min between home and stop; planned by the timetable: the quickest journey up to 60 min aside, "
        "the wait not counted."
    )
    assert "aller à 08:30, 2 véhicules au plus" in told[1]
    usual = _riding(Rides().model_dump(), "2026-03-10", words[0])
    assert usual.endswith("from 08:00 to 09:00; the median of every minute, at most 2 rides, walks included.")


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_streets_are_open_or_closed_as_at_the_hour_of_the_window(town: Path) -> None:
    # The eastern half is closed at noon. In 12 minutes, 960 m, A then has nobody further than 300 m from the western.
    streets = town.parent / "streets.osm"
    west, east = ("".join(f'<nd ref="{n}"/>' for n in numbers) for numbers in (range(1, 7), range(6, 12)))
    tags = '<tag k="highway" v="path"/><tag k="foot:conditional" v="no @ (12:00-13:00)"/>'
    way = f'<way id="1" version="1">{west}<tag k="highway" v="residential"/></way>'
    head = streets.read_text().split("<way")[0]
    streets.write_text(f'{head}{way}<way id="2" version="1">{east}{tags}</way></osm>')
    noon = "travel.transit.window=[12:00,13:00]"
    morning, at_noon = (read_study(town, ["travel.minutes=[12]", *more]) for more in ([], [noon]))
    assert score(morning).scores.loc["A", "people_walk_12"] == 100
    assert score(at_noon).scores.loc["A", "people_walk_12"] <= 90
    told = [finding.text for finding in check(at_noon) if "open by the hour" in finding.text]
    assert told == ["1 ways, nodes and turns are open by the hour: they are used as on 2026-03-10 at 12:30"]
    # A scenario at another hour has the streets of that hour, as if it were a study.
    base = load(morning)
    after = made(Variant("noon", at_noon, {}, False), morning, base)
    assert after.streets is not None
    assert after.streets.when == datetime(2026, 3, 10, 12, 30)
    assert made(Variant("same", morning, {}, False), morning, base).streets is base.streets


def test_limits_go_farther_where_every_mode_rides(town: Path) -> None:
    """600 minutes, those among which a journey is planned included; whoever walks or cycles as well has 180."""
    long = ["travel.modes=[transit]", "travel.minutes=[300, 540]"]
    asked = read_study(town, [*long, "travel.transit.first_wait=planned"])
    assert (asked.searched, asked.ride_minutes) == (540, 600)
    assert read_study(town, ["travel.modes=[transit]", "travel.minutes=20"]).ride_minutes == 240
    for more in (["travel.transit={first_wait: planned, plan_minutes: 61}"], ["travel.modes=[walk, transit]"]):
        with pytest.raises(StudyError, match=r"travel.minutes: found 540, expected at most (539|180), as far as"):
            read_study(town, [*long, *more])
    scores = score(read_study(town, [*long, "travel.transit.first_wait=planned"])).scores
    assert (scores["people_transit_300"] == 110).all()  # everybody
    # By mode, each as far as its own; whoever walks has 180 minutes still.
    by_mode = ["travel.modes=[walk, transit]", "travel.minutes={walk: [6], transit: [6, 300]}"]
    scores = score(read_study(town, by_mode)).scores
    assert (scores["people_transit_300"] == 110).all()
    assert "people_walk_300" not in scores
    for minutes in ("{walk: [181], transit: [300]}", "{walk: [6], transit: [601]}"):
        with pytest.raises(StudyError, match=r"travel.minutes.(walk: found 181|transit: found 601), expected at most"):
            read_study(town, [by_mode[0], f"travel.minutes={minutes}"])
