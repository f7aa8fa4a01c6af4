"""Who works where: what the census of France and the register of the United States become in a study."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest

from siteplan.analysis.commuting import flow_trips, read_factors
from siteplan.errors import FetchError
from siteplan.inputs.area import read_area
from siteplan.inputs.flows import read_flows
from siteplan.sources import flows
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.flows import get_flows, plan_flows, read_mobpro
from siteplan.sources.source import Got, Source, sources
from siteplan.study.fetching import Wishes, fetch_study, plan
from tests.miniature_feeds import DATASET, ROW, SAMPLE, access_point, database, sample_feed
from tests.miniature_flows import (
    PEOPLE,
    STATE,
    census_answers,
    crosswalk,
    flows_zip,
    mobpro_parquet,
    mobpro_zip,
    packed,
)
from tests.replay import replayed

SOURCES: dict[str, Source] = {source.name: source for source in sources("flows")}
MOBPRO, TABLE, LODES = SOURCES["insee_mobpro"], SOURCES["insee_flows"], SOURCES["lodes"]
FILE = "/fr/statistiques/fichier/8589904/RP2022_mobpro.parquet"
ZIP = "/fr/statistiques/fichier/8582949/base-flux-mobilite-domicile-lieu-travail-2022_csv.zip"
OD = "/data/lodes/LODES8/ov/od/ov_od_{}_JT00_{}.csv.gz"
DETOUR = 1.4


@pytest.fixture
def communes() -> gpd.GeoDataFrame:
    return read_area(SAMPLE / "communes.gpkg")


@pytest.fixture
def area(communes) -> Area:
    return Area("Vallée de l'Orvelle", communes.to_crs(4326).union_all(), country="FR", code="99001")


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "cache", patience=0.01, tries=2)


def told(got: Got, what: str) -> str:
    found = [note for note in got.notes if what in note]
    assert len(found) == 1, got.notes
    return found[0]


def by_pair(folder: Path, communes: gpd.GeoDataFrame) -> dict[tuple[str, ...], tuple[float, float]]:
    table = read_flows(folder / "flows.csv", communes=communes)
    keys = [column for column in ("home", "work", "mode") if column in table]
    return {tuple(row[key] for key in keys): (row["people"], row["km"]) for _, row in table.iterrows()}


def from_home(communes: gpd.GeoDataFrame, home: str, lon: float, lat: float) -> float:
    """Return kilometres by road from the middle of a commune, the obvious way."""
    point = communes.to_crs(4326).geometry[home].representative_point()
    return round(pyproj.Geod(ellps="WGS84").inv(point.x, point.y, lon, lat)[2] / 1000 * DETOUR, 1)


@pytest.mark.parametrize("make", [mobpro_parquet, mobpro_zip])
def test_the_census_becomes_flows_that_a_study_reads(make, area, communes, downloads, tmp_path, monkeypatch):
    with replayed({"insee_mobpro": census_answers(FILE, make())}, monkeypatch) as replay:
        got = get_flows(area, MOBPRO, downloads, tmp_path / "town", communes=communes, detour=DETOUR)
        first = len(replay.requests)
        get_flows(area, MOBPRO, downloads, tmp_path / "twice", communes=communes, detour=DETOUR)
    assert first == len(replay.requests) == 3
    assert (tmp_path / "town/flows.csv").read_bytes() == (tmp_path / "twice/flows.csv").read_bytes()
    found = by_pair(tmp_path / "town", communes)
    far = {
        ("99006", "03310", "car"): (40.0, from_home(communes, "99006", 3.42, 46.12)),
        ("99006", "75056", "bus"): (2.0, from_home(communes, "99006", 2.34, 48.86)),
    }
    near = {
        ("99001", "99001", "car"): 150.75,
        ("99001", "99001", "walk"): 30.0,
        ("99003", "99001", "car"): 305.0,
        ("99003", "99001", "bus"): 20.0,
        ("99006", "99003", "bike"): 8.0,
    }
    assert {pair: value for pair, value in found.items() if pair in far} == far
    assert {pair: people for pair, (people, _) in found.items() if pair not in far} == near
    assert all(np.isnan(km) for pair, (_, km) in found.items() if pair not in far)  # the study measures them
    # Nobody is lost without being told: 12 at home, 7 abroad, 60 live elsewhere.
    assert sum(people for people, _ in found.values()) + 12 + 7 + 60 == sum(person[3] for person in PEOPLE)
    assert "12 people work at home" in told(got, "at home")
    assert "7 people work abroad or where it is not told, and were left out: 99140" in told(got, "abroad")
    assert "5 people on motorcycles" in told(got, "motorcycles")
    assert "22 people in public transport are counted as by bus" in told(got, "by bus")
    assert "5 of 8 communes have no flows" in told(got, "have no flows")
    assert got.settings == {
        "commuting.flows": "flows.csv", "commuting.group": "people", "commuting.uptake": [0.02, 0.05, 0.1],
    }  # fmt: skip
    assert [used.vintage for used in got.used] == ["2022"] * 3
    trips = flow_trips(read_flows(tmp_path / "town/flows.csv", communes=communes), communes.to_crs(2154))
    assert trips["km"].notna().all()


def test_communes_that_merged_since_are_counted_in_what_they_are_now(area, communes, downloads, tmp_path, monkeypatch):
    old = [
        ("99901", "99001", 5, 10.0),
        ("99003", "99001", 5, 300.0),
        ("99001", "99901", 5, 4.0),
        ("99006", "03999", 5, 3.0),
        ("99006", "03310", 5, 2.0),
    ]
    with replayed({"insee_mobpro": census_answers(FILE, mobpro_parquet(old))}, monkeypatch):
        got = get_flows(area, MOBPRO, downloads, tmp_path, communes=communes, detour=DETOUR)
    people = {pair: value for pair, (value, _) in by_pair(tmp_path, communes).items()}
    assert people == {
        ("99003", "99001", "car"): 310.0,
        ("99001", "99003", "car"): 4.0,
        ("99006", "03310", "car"): 5.0,
    }
    assert "2 communes merged since 2022" in told(got, "merged")
    assert "with 17 people: 03999, 99901" in told(got, "merged")


def test_a_year_is_taken_if_there_is_one_and_told_if_there_is_none(area, communes, downloads, tmp_path, monkeypatch):
    answers = census_answers("/fr/statistiques/fichier/8205896/RP2021_mobpro.zip", mobpro_zip())
    answers[FILE] = mobpro_parquet()
    where = {"communes": communes, "detour": DETOUR}
    with replayed({"insee_mobpro": answers}, monkeypatch):
        older = get_flows(area, MOBPRO, downloads, tmp_path / "older", year=2021, **where)
        unknown = get_flows(area, MOBPRO, downloads, tmp_path / "unknown", year=2030, **where)
    assert older.used[0].vintage == "2021"
    assert not [note for note in older.notes if "has no file" in note]
    assert "has no file of 2030 that this version knows; that of 2022 was taken" in told(unknown, "has no file")


def test_the_table_of_flows_has_no_modes_and_is_not_put_in_the_study(area, communes, downloads, tmp_path, monkeypatch):
    with replayed({"insee_flows": census_answers(ZIP, flows_zip())}, monkeypatch):
        got = get_flows(area, TABLE, downloads, tmp_path, communes=communes, detour=DETOUR)
    found = by_pair(tmp_path, communes)
    assert found[("99001", "99001")][0] == 192.75  # those at home are not told apart there
    assert got.settings == {}
    assert "does not tell how people travel" in told(got, "travel")


def test_districts_of_paris_count_by_themselves_where_they_are_the_communes(tmp_path):
    table = pd.DataFrame(
        {"COMMUNE": ["75056", "75056", "75056"], "ARM": ["75108", "75109", "75110"], "DCLT": ["75101"] * 3,
         "IPONDI": [1.0, 2.0, 4.0], "TRANS": ["2", "3", "Z"]}
    )  # fmt: skip
    file = tmp_path / "mobpro.parquet"
    table.astype({"COMMUNE": "category"}).to_parquet(file)
    assert list(read_mobpro(file, {"75108", "75110"})["people"]) == [1.0, 4.0]
    town = read_mobpro(file, {"75056"})
    assert list(town["people"]) == [1.0, 2.0, 4.0]
    assert list(town["trans"]) == [2, 3, 0]


def test_reading_in_pieces_is_reading_at_once(tmp_path, monkeypatch):
    homes = {"99001", "99003", "99006"}
    for name, content in (("a.parquet", mobpro_parquet()), ("a.zip", mobpro_zip())):
        (tmp_path / name).write_bytes(content)
        at_once = read_mobpro(tmp_path / name, homes)
        obvious = [(home, work, weight) for home, work, _, weight in PEOPLE if home in homes]
        assert list(at_once[["home", "work", "people"]].itertuples(index=False, name=None)) == obvious
        with monkeypatch.context() as patched:
            patched.setattr(flows, "ROWS", 2)
            pd.testing.assert_frame_equal(read_mobpro(tmp_path / name, homes), at_once)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (mobpro_parquet([("03310", "99001", 5, 60.0)]), "nobody who lives in Vallée"),
        (mobpro_parquet()[:500], "cannot be read"),
        (mobpro_zip()[:-40], "cannot be read"),
        (b"<html>moved</html>", "a page of HTML"),
    ],
)
def test_a_census_that_cannot_be_read_is_one_sentence(table, problem, area, communes, downloads, tmp_path, monkeypatch):
    with (
        replayed({"insee_mobpro": census_answers(FILE, table)}, monkeypatch),
        pytest.raises(FetchError, match=problem),
    ):
        get_flows(area, MOBPRO, downloads, tmp_path / "town", communes=communes, detour=DETOUR)
    assert not (tmp_path / "town").exists()


def test_a_table_that_was_changed_names_what_it_lacks(tmp_path):
    file = tmp_path / "new.parquet"
    pd.DataFrame({"COM": ["99001"], "DCLT": ["99001"], "IPONDI": [1.0]}).to_parquet(file)
    with pytest.raises(FetchError, match=r"has no column for home \(found: COM, DCLT, IPONDI\)"):
        read_mobpro(file, {"99001"})


# ---- the register of the United States ----

# Three blocks in the communes (where their middles are told below), one beyond them in another county.
IN_TOWN, IN_VILLAGE, BEYOND = 990010001001001, 990010002001002, 990030001001003


def blocks(communes: gpd.GeoDataFrame) -> list[tuple[int, str, float, float]]:
    middles = communes.to_crs(4326).geometry.representative_point()
    town, village = middles["99001"], middles["99003"]
    return [
        (IN_TOWN, "99001", round(town.x, 6), round(town.y, 6)),
        (IN_VILLAGE, "99001", round(village.x, 6), round(village.y, 6)),
        (BEYOND, "99003", 4.0, 46.4),
    ]


def pairs(*rows: tuple[int, int, int]) -> bytes:
    head = "w_geocode,h_geocode,S000,SA01,SA02,SA03,SE01,SE02,SE03,SI01,SI02,SI03,createdate\n"
    return packed(head + "".join(f"{work},{home},{jobs},0,0,0,0,0,0,0,0,0,20251201\n" for home, work, jobs in rows))


def register(communes: gpd.GeoDataFrame, *rows: tuple[int, int, int], year: int = 2023) -> dict[str, bytes]:
    return {
        "/geocoder/geographies/coordinates": json.dumps(STATE).encode(),
        "/data/lodes/LODES8/ov/ov_xwalk.csv.gz": crosswalk(blocks(communes)),
        OD.format("main", year): pairs(*rows),
    }


def test_the_register_becomes_flows_between_communes_and_counties(area, communes, downloads, tmp_path, monkeypatch):
    rows = [
        (IN_TOWN, IN_TOWN, 10),
        (IN_VILLAGE, IN_TOWN, 7),
        (IN_TOWN, BEYOND, 3),
        (BEYOND, IN_TOWN, 50),  # lives elsewhere
        (IN_TOWN, 990090001001009, 2),  # a block that the crosswalk lacks
    ]
    with replayed({"lodes": register(communes, *rows)}, monkeypatch) as replay:
        got = get_flows(area, LODES, downloads, tmp_path, communes=communes, detour=DETOUR)
    found = by_pair(tmp_path, communes)
    places = {block: (lon, lat) for block, _, lon, lat in blocks(communes)}

    def km(home: int, work: int) -> float:
        return round(pyproj.Geod(ellps="WGS84").inv(*places[home], *places[work])[2] / 1000 * DETOUR, 1)

    assert found == {
        ("99001", "99001"): (10.0, 0.0),
        ("99003", "99001"): (7.0, km(IN_VILLAGE, IN_TOWN)),
        ("99001", "county 99003"): (3.0, km(IN_TOWN, BEYOND)),
    }
    assert got.settings == {}  # it does not tell how people travel
    assert "2 people work in blocks that are not in its crosswalk" in told(got, "crosswalk")
    assert "in another state than OV" in told(got, "another state")
    assert [used.vintage for used in got.used][-1] == "2023"
    assert not [each for each in replay.asked() if "_aux_" in each.path]


def test_a_state_without_the_newest_year_gives_an_older_one(area, communes, downloads, tmp_path, monkeypatch):
    answers = register(communes, (IN_TOWN, IN_TOWN, 10), year=2021)
    with replayed({"lodes": answers}, monkeypatch):
        got = get_flows(area, LODES, downloads, tmp_path, communes=communes, detour=DETOUR)
    assert "OV has no pairs (main) of 2023: those of 2021 stand in" in told(got, "2021")
    assert got.used[-1].vintage == "2021"


def test_what_would_be_fetched_is_told_without_fetching_it(area, communes, downloads, monkeypatch):
    answers = {
        "insee_mobpro": census_answers(FILE, mobpro_parquet()),
        "lodes": register(communes, (IN_TOWN, IN_TOWN, 10), year=2021),
    }
    with replayed(answers, monkeypatch) as replay:
        census = plan_flows(area, MOBPRO, downloads)
        jobs = plan_flows(area, LODES, downloads, year=2021)
    assert census[0] == (MOBPRO.urls["file"], len(mobpro_parquet()))
    assert [link.rpartition("/")[2] for link, size in jobs if size] == [
        "ov_xwalk.csv.gz",
        "ov_od_main_JT00_2021.csv.gz",
    ]
    assert {each.path.partition("?")[0] for each in replay.asked() if each.method == "GET"} == {
        "/geocoder/geographies/coordinates"
    }


def test_the_detour_is_the_one_of_the_factors():
    assert read_factors()["detour"].value == flows.DETOUR


def test_without_a_file_of_communes_the_area_is_the_one(area, downloads, tmp_path, monkeypatch):
    with replayed({"insee_mobpro": census_answers(FILE, mobpro_parquet())}, monkeypatch):
        get_flows(area, MOBPRO, downloads, tmp_path / "town")
        (tmp_path / "all").mkdir()
        gpd.read_file(SAMPLE / "communes.gpkg").to_file(tmp_path / "all/area.gpkg", layer="communes")
        get_flows(area, MOBPRO, downloads, tmp_path / "all")
    assert set(pd.read_csv(tmp_path / "town/flows.csv", dtype=str)["home"]) == {"99001"}
    assert set(pd.read_csv(tmp_path / "all/flows.csv", dtype=str)["home"]) == {"99001", "99003", "99006"}


def test_an_area_in_two_states_asks_for_who_crosses_between_them(area, communes, downloads, tmp_path, monkeypatch):
    answers = register(communes, (IN_TOWN, IN_TOWN, 10))
    both = {"States": [{"STUSAB": "OV"}, {"STUSAB": "OW"}]}
    answers["/geocoder/geographies/coordinates"] = json.dumps({"result": {"geographies": both}}).encode()
    answers["/data/lodes/LODES8/ow/ow_xwalk.csv.gz"] = crosswalk([])
    answers[OD.format("aux", 2023)] = pairs((IN_VILLAGE, IN_TOWN, 4))
    for part in ("main", "aux"):
        answers[OD.format(part, 2023).replace("ov", "ow")] = pairs()
    with replayed({"lodes": answers}, monkeypatch):
        get_flows(area, LODES, downloads, tmp_path, communes=communes, detour=DETOUR)
    assert {pair: people for pair, (people, _) in by_pair(tmp_path, communes).items()} == {
        ("99001", "99001"): 10.0,
        ("99003", "99001"): 4.0,
    }


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("/geocoder/geographies/coordinates", b'{"result": {}}', "is not what is expected"),
        ("/geocoder/geographies/coordinates", b'{"result": {"geographies": {"States": []}}}', "in no state"),
        ("/data/lodes/LODES8/ov/ov_xwalk.csv.gz", b"\x1f\x8b\x08 broken", "cannot be read as a packed CSV"),
        ("/data/lodes/LODES8/ov/ov_xwalk.csv.gz", packed("tabblk2020,cty\n1,2\n"), "cannot be read as a packed CSV"),
        (OD.format("main", 2023), pairs()[:-6], "cannot be read as a packed CSV"),
        (OD.format("main", 2023), pairs(), "nobody who lives"),
    ],
)
def test_a_register_that_was_changed_is_told(path, content, problem, area, communes, downloads, tmp_path, monkeypatch):
    answers = register(communes, (IN_TOWN, IN_TOWN, 10)) | {path: content}
    with replayed({"lodes": answers}, monkeypatch), pytest.raises(FetchError, match=problem):
        get_flows(area, LODES, downloads, tmp_path, communes=communes, detour=DETOUR)


# ---- in a study ----


def test_timetables_and_flows_stand_in_the_study_that_fetch_writes(area, communes, downloads, tmp_path, monkeypatch):
    answers = {
        "transport_data_gouv": access_point([DATASET], {}),
        "mobility_database": database(
            [ROW | {"id": "tdg-9900", "urls.latest": "https://files.mobilitydatabase.org/tdg-9900/latest.zip"}],
            {"tdg-9900": sample_feed()},
        ),
        "insee_mobpro": census_answers(FILE, mobpro_parquet()),
    }

    # Without a source of communes, the area is the one.
    def none(*_: object) -> None:
        raise FetchError("no communes there")

    monkeypatch.setattr("siteplan.sources.communes.get_communes", none)
    wishes = Wishes(only=("communes", "transit", "flows"), margin=3000.0)
    with replayed(answers, monkeypatch) as replay:
        fetched = fetch_study(area, tmp_path / "town", downloads, wishes)
        first = len(replay.requests)
        planned = plan(area, downloads, wishes)
        again = fetch_study(area, tmp_path / "twice", downloads, wishes)
        asked = [each.path for each in replay.requests[first:]]
    assert list(fetched.missing) == ["communes"]
    transit = fetched.study.inputs.transit
    assert transit.date == "2026-01-06"
    assert [path.name for path in transit.feeds] == ["gtfs-reseau-de-l-orvelle.zip"]
    assert transit.feeds[0].read_bytes() == sample_feed()
    assert fetched.study.commuting.flows.name == "flows.csv"
    assert [str(path.relative_to(tmp_path / "town")) for path in sorted((tmp_path / "town").iterdir())] == [
        "area.gpkg", "flows.csv", "gtfs-reseau-de-l-orvelle.zip", "sources.json", "study.yaml",
    ]  # fmt: skip
    # Whoever is down is asked again; what is here is not.
    assert set(asked) == {"/api/1/datasets/r/11111111-2222-3333-4444-555555555555"}
    assert (tmp_path / "twice/study.yaml").read_bytes() == (tmp_path / "town/study.yaml").read_bytes()
    assert [each.part for each in planned] == ["communes", "transit", "flows"]
    assert planned[2].files[0] == (MOBPRO.urls["file"], len(mobpro_parquet()))
    told = json.loads((tmp_path / "town/sources.json").read_text(encoding="utf-8"))
    assert {used["licence"] for used in told["parts"]["transit"]} >= {"ODbL-1.0"}
    assert again.got == fetched.got
