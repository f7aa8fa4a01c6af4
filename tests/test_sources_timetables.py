"""Timetables of a place: which of the feeds that catalogues list are taken, and what is told of the others."""

import copy
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from siteplan.errors import FetchError
from siteplan.inputs.gtfs import read_gtfs
from siteplan.inputs.gtfs.archive import open_feed
from siteplan.sources import timetables
from siteplan.sources.area import Area
from siteplan.sources.cutting import cut_feed, trips_at, zipped
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, sources
from siteplan.sources.timetables import get_timetables, plan_timetables
from tests import feeds
from tests.miniature_feeds import DATASET, ROW, SAMPLE, access_point, changed_feed, database, sample_feed, zip_of
from tests.replay import replayed

SOURCES: dict[str, Source] = {source.name: source for source in sources("timetables")}
MDB, TDG = SOURCES["mobility_database"], SOURCES["transport_data_gouv"]
TODAY = dt.date(2026, 3, 2)
FILE = "/api/1/datasets/r/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def area() -> Area:
    outline = gpd.read_file(SAMPLE / "communes.gpkg").to_crs(4326).union_all()
    return Area("Vallée de l'Orvelle", outline, country="FR", code="99001")


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "cache", patience=0.01, tries=2)


def row(**changes: str) -> dict[str, str]:
    names = {name.rpartition(".")[2]: name for name in reversed(ROW)}
    return ROW | {names[key]: value for key, value in changes.items()}


def listed(number: int, **changes: str) -> dict[str, str]:
    """Return a row of a feed of its own."""
    own = {
        "id": f"mdb-{number}",
        "provider": f"Cars {number}",
        "latest": f"https://files.mobilitydatabase.org/mdb-{number}/latest.zip",
    }
    return row(**{**own, "direct_download": f"https://cars{number}.example/gtfs.zip", **changes})


def told(got: Got, name: str) -> str:
    """Return the one note that names a feed."""
    found = [note for note in got.notes if name in note]
    assert len(found) == 1, got.notes
    return found[0]


def another(number: int, tables: dict[str, Any] | None = None) -> bytes:
    """Return a small feed of another operator, through the middle of the area."""
    stops = feeds.lines(
        "stop_id,stop_name,stop_lat,stop_lon", *(f"{n},Stop {n},46.4{n + number % 5},3.3{n}" for n in range(1, 5))
    )
    calls = feeds.times("T1 1 8:00", "T1 2 8:10", "T1 3 8:20 8:22", "T1 4 8:30")
    routes = feeds.lines("route_id,route_short_name,route_long_name,route_type", f"R{number},9,Nine,3")
    trips = feeds.lines("route_id,service_id,trip_id,trip_headsign", f"R{number},WD,T1,Dogwood")
    plain = {**feeds.PLAIN, "stops": stops, "stop_times": calls, "routes": routes, "trips": trips, **(tables or {})}
    return zip_of(plain)


def weeks(days: str, start: str, end: str) -> dict[str, str]:
    head = feeds.PLAIN["calendar"].splitlines()[0]
    return {"calendar": feeds.lines(str(head), f"WD,{days},{start},{end}")}


def test_the_samples_feed_comes_as_published_with_a_day_that_it_serves(area, downloads, tmp_path, monkeypatch):
    answers = {"mobility_database": database([ROW], {"mdb-9900": sample_feed()})}
    with replayed(answers, monkeypatch) as replay:
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
        first = len(replay.requests)
        again = get_timetables(area, MDB, downloads, tmp_path / "twice", today=TODAY)
    assert got == again
    assert got.notes == []
    assert first == len(replay.requests) == 2  # the list and the feed; the second time, nothing
    assert got.inputs == {"transit.feeds": ["gtfs-transports-de-l-orvelle.zip"]}
    kept = tmp_path / "town" / "gtfs-transports-de-l-orvelle.zip"
    assert kept.read_bytes() == sample_feed()
    assert [path.name for path in (tmp_path / "town").iterdir()] == [kept.name]  # nothing is left aside
    date = dt.date.fromisoformat(got.settings["inputs.transit.date"])
    assert date.weekday() == 1
    assert len(read_gtfs(kept, date=date).trips) == len(read_gtfs(SAMPLE / "gtfs.zip", date="2026-03-10").trips)
    assert got.used[1].licence == "https://orvelle.example/licence"
    assert got.used[1].attribution == ROW["provider"]
    assert got.used[1].url == "https://files.mobilitydatabase.org/mdb-9900/latest.zip"
    assert got.used[1].bytes == len(sample_feed())


def test_a_feed_that_both_catalogues_list_is_taken_once(area, downloads, tmp_path, monkeypatch):
    answers = {
        "transport_data_gouv": access_point([DATASET], {FILE: sample_feed()}),
        "mobility_database": database([row(id="tdg-9900")], {}),
    }
    with replayed(answers, monkeypatch) as replay:
        got = get_timetables(area, TDG, downloads, tmp_path / "town", also=[MDB], today=TODAY)
    assert got.inputs == {"transit.feeds": ["gtfs-reseau-de-l-orvelle.zip"]}
    assert got.notes == ["1 feeds are listed more than once, and were taken once"]
    assert [used.source for used in got.used] == ["transport_data_gouv", "mobility_database", "transport_data_gouv"]
    assert got.used[2].licence == "ODbL-1.0"
    # A point in the area and one in each of its quarters: some of them are asked for once.
    assert len([each for each in replay.asked() if each.path.startswith("/communes")]) == 5


def test_where_the_publishers_host_is_down_the_other_catalogues_copy_is_taken(area, downloads, tmp_path, monkeypatch):
    answers = {
        "transport_data_gouv": access_point([DATASET], {}),
        "mobility_database": database(
            [row(id="tdg-9900", latest="https://files.mobilitydatabase.org/tdg-9900/latest.zip")],
            {"tdg-9900": sample_feed()},
        ),
    }
    with replayed(answers, monkeypatch):
        got = get_timetables(area, TDG, downloads, tmp_path / "town", also=[MDB], today=TODAY)
    assert (tmp_path / "town" / got.inputs["transit.feeds"][0]).read_bytes() == sample_feed()
    assert got.used[2].source == "mobility_database"


def test_what_would_be_fetched_is_told_without_fetching_it(area, downloads, monkeypatch):
    answers = {"mobility_database": database([ROW, listed(1, authentication_type="1")], {"mdb-9900": sample_feed()})}
    with replayed(answers, monkeypatch) as replay:
        planned = plan_timetables(area, MDB, downloads)
    assert planned == [("https://files.mobilitydatabase.org/mdb-9900/latest.zip", len(sample_feed()))]
    assert [each.method for each in replay.asked()] == ["GET", "HEAD"]


def test_datasets_of_other_places_and_kinds_are_not_asked_for(area, downloads, tmp_path, monkeypatch):
    def dataset(**changes: Any) -> dict[str, Any]:
        return copy.deepcopy(DATASET) | changes

    elsewhere = dataset(covered_area=[{"type": "epci", "nom": "Ailleurs", "insee": "200099999"}])
    scooters = dataset(type="vehicles-sharing")
    unplaced = dataset(covered_area=[], title="Cars sans lieu")
    region = dataset(covered_area=[{"type": "region", "nom": "Orvelle", "insee": "99"}], title="Cars régionaux")
    region["resources"][0] |= {"id": 9902, "url": "https://static.data.gouv.fr/resources/cars.zip"}
    copied = dataset()
    copied["resources"][0] |= {"community_resource_publisher": "somebody", "url": "https://www.data.gouv.fr/other"}
    answers = {
        "transport_data_gouv": access_point(
            [elsewhere, scooters, unplaced, region, copied], {"/resources/cars.zip": sample_feed()}
        )
    }
    with replayed(answers, monkeypatch) as replay:
        got = get_timetables(area, TDG, downloads, tmp_path / "town", today=TODAY)
    assert got.inputs == {"transit.feeds": ["gtfs-cars-regionaux.zip"]}
    assert sorted({each.path.partition("?")[0] for each in replay.asked()}) == [
        "/api/datasets", "/communes", "/resources/cars.zip",
    ]  # fmt: skip
    assert "1 datasets are listed without the area" in told(got, "Cars sans lieu")
    assert any("1 files here were made by others" in note for note in got.notes)


def test_what_cannot_be_had_is_named_with_where_to_get_it(area, downloads, tmp_path, monkeypatch):
    rows = [
        ROW,
        listed(1, authentication_type="1"),
        listed(2, latest=""),
        listed(3),
        listed(4),
        listed(5),
        listed(6),
        listed(7, minimum_longitude="8", maximum_longitude="9"),
        listed(8, status="deprecated"),
        listed(9, minimum_longitude="", maximum_longitude=""),
        listed(10, data_type="gtfs_rt"),
        listed(11, latest="https://elsewhere.example/gtfs.zip"),
    ]
    given = {
        "mdb-9900": sample_feed(),
        "mdb-3": b"<!DOCTYPE html><html><title>Please log in</title></html>",
        "mdb-4": sample_feed()[:900],
        "mdb-5": b"PK\x05\x06" + bytes(18),
    }
    answers = {"mobility_database": database(rows, given)}
    with replayed(answers, monkeypatch) as replay:
        replay.fail("mobility_database", path="mdb-6", status=403, times=9)
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    assert got.inputs["transit.feeds"] == ["gtfs-transports-de-l-orvelle.zip"]
    assert "with a key only. By hand: https://cars1.example/gtfs.zip" in told(got, "Cars 1 ")
    assert "keeps no copy of it. By hand: https://cars2.example/gtfs.zip" in told(got, "Cars 2 ")
    assert "a page of HTML ('Please log in')" in told(got, "Cars 3 ")
    assert "cannot be read as a zip" in told(got, "Cars 4 ")
    assert "a GTFS feed needs stops.txt" in told(got, "Cars 5 ")
    assert "is refused (403" in told(got, "Cars 6 ")
    assert "none of the hosts of Mobility Database; nothing was asked there" in told(got, "Cars 11 ")
    assert not any("Cars 7 " in note or "Cars 10 " in note for note in got.notes)  # elsewhere, and no timetable
    assert any("1 feeds here are listed as no longer kept up" in note for note in got.notes)
    assert "1 feeds in FR are listed without a place" in told(got, "Cars 9")
    asked = {each.path for each in replay.asked()}
    assert not {f"/mdb-{n}/latest.zip" for n in (1, 2, 7, 8, 9, 10, 11)} & asked


def test_a_box_may_meet_a_place_that_no_trip_comes_to(area, downloads, tmp_path, monkeypatch):
    far = another(1, {"stops": feeds.PLAIN["stops"].replace("A,", "1,").replace("B,", "2,")})
    answers = {"mobility_database": database([ROW, listed(1)], {"mdb-9900": sample_feed(), "mdb-1": far})}
    with replayed(answers, monkeypatch):
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    assert len(got.inputs["transit.feeds"]) == 1
    assert "none of its trips comes here; left out" in told(got, "Cars 1 ")


def test_ended_feeds_are_left_out_unless_all_have(area, downloads, tmp_path, monkeypatch):
    old = another(1, weeks("1,1,1,1,1,0,0", "20250101", "20251231"))
    rows = [ROW, listed(1)]
    answers = {"mobility_database": database(rows, {"mdb-9900": sample_feed(), "mdb-1": old})}
    with replayed(answers, monkeypatch):
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
        late = get_timetables(area, MDB, downloads, tmp_path / "late", today=dt.date(2027, 5, 1))
    assert "ended on 2025-12-31; left out" in told(got, "Cars 1 ")
    assert len(got.inputs["transit.feeds"]) == 1
    assert got.settings["inputs.transit.date"][:4] == "2026"
    # Neither serves a day of the other: the one with more trips here is kept.
    assert late.inputs["transit.feeds"] == got.inputs["transit.feeds"]
    assert "ended on 2026-12-31; a day on which it ran is taken" in told(late, "mdb-9900")
    assert [note for note in late.notes if "Cars 1 " in note and "has no weekday that Transports" in note]


def test_feeds_share_a_weekday_or_the_smaller_one_is_left_out(area, downloads, tmp_path, monkeypatch):
    thursdays = another(1, weeks("0,0,0,1,0,0,0", "20260101", "20261231"))
    sundays = another(2, weeks("0,0,0,0,0,0,1", "20260101", "20261231"))
    given = {"mdb-9900": sample_feed(), "mdb-1": thursdays, "mdb-2": sundays}
    answers = {"mobility_database": database([listed(2), ROW, listed(1)], given)}
    with replayed(answers, monkeypatch):
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    assert got.inputs["transit.feeds"] == ["gtfs-transports-de-l-orvelle.zip", "gtfs-cars-1.zip"]
    assert dt.date.fromisoformat(got.settings["inputs.transit.date"]).weekday() == 3
    assert "has no weekday that" in told(got, "Cars 2 ")


def test_copies_are_found_by_what_is_in_them(area, downloads, tmp_path, monkeypatch):
    again = changed_feed(calendar=lambda text: text.replace("20261231", "20260630"))
    with zipfile.ZipFile(SAMPLE / "gtfs.zip") as archive:
        packed_anew = zip_of({name[:-4]: archive.read(name).decode() for name in archive.namelist()})
    given = {"mdb-1": again, "mdb-2": packed_anew, "mdb-9900": sample_feed()}
    answers = {"mobility_database": database([listed(1), listed(2), ROW], given)}
    with replayed(answers, monkeypatch):
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    # The one that ends later is kept; of two that are the same, the first.
    assert got.inputs["transit.feeds"] == ["gtfs-cars-2.zip"]
    assert "holds the same lines until 2026-12-25 as timetable of Cars 2" in told(got, "timetable of Cars 1 ")
    assert "holds the same as timetable of Cars 2 (mdb-2); left out" in told(got, "mdb-9900")


def test_two_feeds_of_one_name_are_two_files(area, downloads, tmp_path, monkeypatch):
    given = {"mdb-9900": sample_feed(), "mdb-1": another(1)}
    answers = {"mobility_database": database([ROW, listed(1, provider=ROW["provider"])], given)}
    with replayed(answers, monkeypatch):
        got = get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    assert got.inputs["transit.feeds"] == [
        "gtfs-transports-de-l-orvelle.zip", "gtfs-transports-de-l-orvelle-mdb-1.zip",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,data_type\nmdb-1,gtfs\n", "lacks the columns location.country_code"),
        (b"", "is no CSV"),
    ],
)
def test_a_list_that_was_changed_is_told(content, problem, area, downloads, tmp_path, monkeypatch):
    with (
        replayed({"mobility_database": {"/feeds_v2.csv": content}}, monkeypatch),
        pytest.raises(FetchError, match=problem),
    ):
        get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)


def test_a_catalogue_that_fails_costs_what_it_lists_alone(area, downloads, tmp_path, monkeypatch):
    answers = {
        "transport_data_gouv": {"/api/datasets": b"{}", "/communes": b"[]"},
        "mobility_database": database([ROW], {"mdb-9900": sample_feed()}),
    }
    with replayed(answers, monkeypatch):
        got = get_timetables(area, TDG, downloads, tmp_path / "town", also=[MDB], today=TODAY)
    assert len(got.inputs["transit.feeds"]) == 1
    assert "is not what is expected" in told(got, "transport_data_gouv")


def test_no_feed_is_an_error_that_says_what_was_found(area, downloads, tmp_path, monkeypatch):
    answers = {"mobility_database": database([listed(1, authentication_type="2")], {})}
    with (
        replayed(answers, monkeypatch),
        pytest.raises(FetchError, match=r"no timetable for Vallée.*Cars 1 \(mdb-1\) is missing: .*key only"),
    ):
        get_timetables(area, MDB, downloads, tmp_path / "town", today=TODAY)
    assert list((tmp_path / "town").iterdir()) == []


def test_large_feeds_are_cut_and_small_ones_are_not(area, downloads, tmp_path, monkeypatch):
    # The rest of a country: 400 trips far from here.
    many = [f"FAR-{n}" for n in range(400)]
    country = changed_feed(
        stops=lambda text: text + "F:1,Far,10.0,10.0,0,\nF:2,Farther,10.1,10.1,0,\n",
        trips=lambda text: text + "".join(f"B1,WD,{name},0,Far\n" for name in many),
        stop_times=lambda text: text + "".join(far_calls(text, name) for name in many),
    )
    answers = {"mobility_database": database([ROW], {"mdb-9900": country})}
    with replayed(answers, monkeypatch):
        whole = get_timetables(area, MDB, downloads, tmp_path / "whole", today=TODAY)
        monkeypatch.setattr(timetables, "LARGE", 1000)
        cut = get_timetables(area, MDB, downloads, tmp_path / "cut", today=TODAY)
    assert whole.notes == []
    with zipfile.ZipFile(SAMPLE / "gtfs.zip") as archive:
        every = archive.read("trips.txt").decode().count("\n") - 1
    assert told(cut, "was cut").endswith(f"cut to the {every} of {every + 400} trips that come here")
    name = whole.inputs["transit.feeds"][0]
    assert (tmp_path / "whole" / name).read_bytes() == country
    assert cut.settings == whole.settings
    # What is left is the sample's own timetable, call for call.
    date = cut.settings["inputs.transit.date"]
    ours, samples = (read_gtfs(path, date=date) for path in (tmp_path / "cut" / name, SAMPLE / "gtfs.zip"))
    pd.testing.assert_frame_equal(ours.calls, samples.calls)
    pd.testing.assert_frame_equal(ours.trips.drop(columns="feed"), samples.trips.drop(columns="feed"))


def far_calls(stop_times: str, trip: str) -> str:
    """Return two calls of a trip far from here, under the header of the table."""
    columns = stop_times.splitlines()[0].split(",")
    text = ""
    for number, stop in enumerate(("F:1", "F:2"), 1):
        values = {"trip_id": trip, "stop_id": stop, "stop_sequence": str(number)}
        values |= {"arrival_time": f"0{number}:00:00", "departure_time": f"0{number}:00:00"}
        text += ",".join(values.get(column, "") for column in columns) + "\n"
    return text


def test_a_cut_feed_keeps_stations_blocks_and_what_joins_them(tmp_path):
    tables = feeds.feed(
        stops=feeds.lines(
            "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station",
            "S,Station,0,1,1,", "A,Alder,0,1,0,S", "E,Entrance,0,1,2,S", "B,Birch,0,1.01,0,", "C,Cedar,0,1.02,0,",
            "D,Dogwood,0,1.03,0,", "F,Far,9,9,0,", "G,Farther,9,9.1,0,",
        ),
        routes=feeds.lines("route_id,route_short_name,route_type", "R,9,3", "X,8,3"),
        trips=feeds.lines("route_id,service_id,trip_id,block_id", "R,WD,T1,K", "R,WD,T2,K", "R,WE,T3,K", "X,XX,T4,"),
        stop_times=feeds.times("T1 A 8:00", "T1 B 8:10", "T2 C 8:20", "T2 D 8:30", "T3 C 9:00", "T3 D 9:10",
                               "T4 F 9:00", "T4 G 9:10"),
        calendar=feeds.PLAIN["calendar"] + "WE,0,0,0,0,0,1,1,20260101,20261231\nXX,1,1,1,1,1,1,1,20260101,20261231\n",
        transfers=feeds.lines("from_stop_id,to_stop_id,transfer_type", "A,B,2", "B,F,2", "F,G,2"),
    )  # fmt: skip
    feed = open_feed(feeds.write_zip(tmp_path / "whole.zip", tables))
    trips = trips_at(feed, pd.Index(["A"]))
    assert list(trips) == ["T1"]
    cut = cut_feed(feed, trips)
    assert (cut.trips, cut.of, cut.bad_rows) == (2, 4, 0)

    def ids(name: str, column: str) -> list[str]:
        return list(pd.read_csv(io.BytesIO(cut.tables[name]), dtype=str)[column])

    assert ids("trips", "trip_id") == ["T1", "T2"]  # the vehicle goes on as T2, on the days of T1
    assert ids("stops", "stop_id") == ["S", "A", "E", "B", "C", "D"]
    assert ids("routes", "route_id") == ["R"]
    assert ids("calendar", "service_id") == ["WD"]
    assert ids("transfers", "to_stop_id") == ["B"]
    assert ids("stop_times", "stop_id") == ["A", "B", "C", "D"]
    assert zipped(cut.tables) == zipped(dict(reversed(cut.tables.items())))


def test_cutting_reads_windows_1252_and_counts_broken_rows(tmp_path):
    tables = feeds.feed(
        stops="stop_id,stop_name,stop_lat,stop_lon\nA,Gare é,0,1.00\nB,Birch,0,1.01\nX,One,2,many,values\n".encode(
            "cp1252"
        ),
        stop_times=feeds.times("T1 A 8:00", "T1 B 8:10"),
    )
    cut = cut_feed(open_feed(feeds.write_zip(tmp_path / "feed.zip", tables)), pd.Index(["T1"]))
    assert cut.bad_rows == 1
    assert cut.tables["stops"].decode("utf-8").splitlines()[1] == "A,Gare é,0,1.00"


def test_cutting_in_pieces_is_cutting_at_once(tmp_path, monkeypatch):
    from siteplan.sources import cutting

    feed = open_feed(SAMPLE / "gtfs.zip")
    stops = pd.Index(["P:GAR", "R:MER"])
    trips = trips_at(feed, stops)
    at_once = cut_feed(feed, trips).tables
    calls = pd.read_csv(io.BytesIO(feed.tables["stop_times"]), dtype=str)
    obvious = sorted({call.trip_id for call in calls.itertuples() if call.stop_id in set(stops)})
    assert list(trips) == obvious
    assert 0 < len(obvious) < calls["trip_id"].nunique()
    monkeypatch.setattr(cutting, "ROWS", 7)
    assert list(trips_at(feed, stops)) == obvious
    assert cut_feed(feed, trips).tables == at_once
    kept = pd.read_csv(io.BytesIO(at_once["stop_times"]), dtype=str)
    np.testing.assert_array_equal(kept.to_numpy(), calls[calls["trip_id"].isin(obvious)].to_numpy())


@pytest.mark.real
def test_a_real_feed_that_is_cut_serves_the_place_as_the_whole_one_does(real, tmp_path):
    whole = real("helsinki/hsl_gtfs_2022-02-22.zip")
    feed = open_feed(whole)
    stops = pd.read_csv(io.BytesIO(feed.tables["stops"]), dtype={"stop_id": str})
    here = pd.Index(
        stops["stop_id"][stops["stop_lon"].between(24.92, 24.94) & stops["stop_lat"].between(60.195, 60.205)]
    )
    cut = cut_feed(feed, trips_at(feed, here))
    (tmp_path / "cut.zip").write_bytes(zipped(cut.tables))
    assert 0 < cut.trips < cut.of / 2
    found = []
    for path in (whole, tmp_path / "cut.zip"):
        read = read_gtfs(path, date="2022-02-22")
        calls = read.calls.assign(
            trip=read.trips["id"].to_numpy()[read.calls["trip"]], stop=read.stops["id"].to_numpy()[read.calls["stop"]]
        )
        rides = set(calls["trip"][calls["stop"].isin(here)])
        found.append(calls[calls["trip"].isin(rides)].reset_index(drop=True))
    assert found[0]["trip"].nunique() == cut.trips
    pd.testing.assert_frame_equal(found[0], found[1])
