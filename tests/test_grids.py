"""People and heights from the sources' own formats: the sample's numbers, few requests, no byte too many."""

import errno
import os
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

import grids
import siteplan as sp
from grids import GHS, GLO30, PEOPLE, WORKERS, WORLDPOP, sample_area
from replay import replayed
from siteplan.errors import FetchError, SiteplanWarning
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.population import country_codes, get_population, mollweide_tiles, plan_population
from siteplan.sources.source import sources
from siteplan.sources.terrain import get_terrain, plan_terrain, terrain_tiles
from siteplan.sources.windows import joined_ranges, placed
from siteplan.sources.writing import place_file
from siteplan.study.arrival import people_within
from siteplan.study.fetching import Wishes, fetch_study


def source(name):
    return next(each for each in sources() if each.name == name)


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=3)


@pytest.fixture
def replay(monkeypatch):
    with replayed(grids.answers(), monkeypatch) as replay:
        yield replay


def asked_bytes(replay, whole):
    """Count the bytes of a file that were asked for."""
    ranges = [each.headers["Range"].removeprefix("bytes=").split("-") for each in replay.requests]
    return sum(min(int(last) + 1, len(whole)) - int(first) for first, last in ranges)


# ---- stretches of files ----


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=12))
def test_joined_ranges_hold_all_that_is_wanted_and_half_as_much_more_at_most(given_ranges):
    ranges = [(start, start + size) for start, size in given_ranges]
    wanted = set().union(*(range(*each) for each in ranges))
    joined = joined_ranges(ranges)
    asked = [at for each in joined for at in range(*each)]
    assert wanted <= set(asked)
    assert len(asked) == len(set(asked)) <= 1.5 * len(wanted)
    assert joined == sorted(joined)
    assert all(before[1] < after[0] for before, after in pairwise(joined))


def test_the_nearest_stretches_are_joined_first():
    # Of 30 bytes wanted, 15 more may be asked for: the gap of 5 and that of 10, not that of 11.
    assert joined_ranges([(0, 10), (15, 25), (36, 46)]) == [(0, 25), (36, 46)]
    assert joined_ranges([(0, 10), (15, 25), (35, 45)]) == [(0, 45)]


# ---- windows of a large raster ----


def test_people_of_a_window_are_those_of_the_sample(replay, downloads, tmp_path):
    got = get_population(sample_area(), source("worldpop"), downloads, tmp_path / "town")
    assert got.inputs == {"population": "population.tif"}
    cells = sp.read_population(tmp_path / "town" / "population.tif")
    assert cells["people"].sum() == PEOPLE
    with rasterio.open(tmp_path / "town" / "population.tif") as raster:
        assert (raster.crs.to_epsg(), raster.nodata) == (4326, -99999)
        assert raster.shape < (400, 400)
    assert got.notes == []


def test_a_window_costs_few_requests_and_less_than_twice_its_bytes(replay, downloads, tmp_path):
    got = get_population(sample_area(), source("worldpop"), downloads, tmp_path)
    with rasterio.MemoryFile(grids.worldpop()) as memory, memory.open() as raster:
        west, south, east, north = sample_area().bounds
        first, last = raster.index(west, north), raster.index(east, south)
        blocks = [
            int(raster.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1))
            for row in range(first[0] // 128, last[0] // 128 + 1)
            for column in range(first[1] // 128, last[1] // 128 + 1)
        ]
    head = 1 << 16
    assert len(grids.worldpop()) > 30 * (sum(blocks) + head)  # nearly all of the country is left where it is
    asked = asked_bytes(replay, grids.worldpop())
    assert sum(blocks) <= asked - head <= 2 * sum(blocks)
    assert len(replay.requests) <= 4
    assert got.used[0].bytes == asked


def test_a_second_run_asks_for_nothing_and_writes_the_same_bytes(replay, downloads, tmp_path):
    for name in ("worldpop", "ghs_pop", "census_grid", "filosofi"):
        first = get_population(sample_area(), source(name), downloads, tmp_path / name)
        asked = len(replay.requests)
        offline = Downloads(downloads.folder, offline=True)
        again = get_population(sample_area(), source(name), offline, tmp_path / f"{name} again")
        assert len(replay.requests) == asked
        assert first == again
        file = str(first.inputs["population"])
        assert (tmp_path / name / file).read_bytes() == (tmp_path / f"{name} again" / file).read_bytes()
        assert [each.name for each in (tmp_path / name).iterdir()] == [file]


def test_a_host_without_ranges_gives_the_whole_file_and_that_is_said(replay, downloads, tmp_path):
    replay.fail("worldpop", no_ranges=True, times=9)
    got = get_population(sample_area(), source("worldpop"), downloads, tmp_path)
    assert sp.read_population(tmp_path / "population.tif")["people"].sum() == PEOPLE
    assert "gives whole files only" in got.notes[0]
    assert got.used[0].bytes == len(grids.worldpop())


def test_the_years_that_are_not_published_are_told(replay, downloads, tmp_path):
    replay.answers["worldpop"] = {
        WORLDPOP.replace("2025/FRA", "2030/FRA").replace("pop_2025", "pop_2030"): grids.worldpop()
    }
    got = get_population(sample_area(), source("worldpop"), downloads, tmp_path, year=2040)
    assert "2030 stands for 2040" in got.notes[0]
    assert got.used[0].vintage == "2030"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 404}, "is not there (404)"),
        ({"body": b"<!DOCTYPE html><html><title>Sign in</title></html>"}, "cannot be read as GeoTIFF"),
        ({"body": b"<!DOCTYPE html><html><title>Sign in</title></html>", "no_ranges": True}, "page of HTML"),
        ({"cut": 1000}, "cut the connection"),
        ({"status": 503}, "cannot answer now (503)"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_no_file(replay, downloads, tmp_path, fault, words):
    replay.fail("worldpop", times=99, **fault)
    with pytest.raises(FetchError) as told:
        get_population(sample_area(), source("worldpop"), downloads, tmp_path / "town")
    assert words in str(told.value)
    assert str(told.value).startswith("worldpop: ")
    assert not (tmp_path / "town").exists()


def test_a_connection_that_is_cut_once_is_asked_again(replay, downloads, tmp_path):
    replay.fail("worldpop", cut=1000)
    get_population(sample_area(), source("worldpop"), downloads, tmp_path)
    assert sp.read_population(tmp_path / "population.tif")["people"].sum() == PEOPLE


def test_a_file_that_changes_between_two_pieces_is_refused(replay, downloads, tmp_path):
    one, two = np.random.default_rng(1).random((2, 1000, 1000))
    transform = grids.from_origin(3.0, 47.0, 0.001, 0.001)
    before, after = (grids.tiff(each, transform, "EPSG:4326") for each in (one, two))
    replay.answers["worldpop"] = lambda *_: before if len(replay.requests) == 1 else after
    with pytest.raises(FetchError, match="changed while it was read"):
        get_population(sample_area(), source("worldpop"), downloads, tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((1200, 1200), -99999, np.float32), "nobody lives where"),
        (np.zeros((1200, 1200), np.float32), "nobody lives where"),
        (np.ones((2, 1200, 1200), np.float32), "2 bands where one was expected"),
        (np.full((1200, 1200), -3, np.float32), "holds -3 people in a pixel"),
    ],
)
def test_a_raster_that_is_not_the_one_is_refused(replay, downloads, tmp_path, values, words):
    transform = grids.from_origin(3.0, 47.0, 1 / 1200, 1 / 1200)
    replay.answers["worldpop"] = {WORLDPOP: grids.tiff(values, transform, "EPSG:4326", nodata=-99999)}
    with pytest.raises(FetchError) as told:
        get_population(sample_area(), source("worldpop"), downloads, tmp_path)
    assert words in str(told.value)
    assert not (tmp_path / "population.tif").exists()


def test_a_place_of_another_country_is_told_what_to_do(replay, downloads, tmp_path):
    lyon = Area("Elsewhere", box(5.0, 45.0, 5.1, 45.1), "FR")
    with pytest.raises(FetchError, match="has nothing where Elsewhere lies; take another source"):
        get_population(lyon, source("worldpop"), downloads, tmp_path)
    with pytest.raises(FetchError, match="by country, and that of nowhere is not known"):
        get_population(Area("nowhere", lyon.geometry), source("worldpop"), downloads, tmp_path)


def test_codes_of_countries_are_those_of_iso_3166():
    codes = country_codes()
    expected = {"US": "USA", "GB": "GBR", "CD": "COD", "MM": "MMR", "TL": "TLS", "YE": "YEM", "RS": "SRB", "CH": "CHE"}
    assert {two: codes[two] for two in expected} == expected
    assert sum(len(two) == 2 for two in codes) >= 249


# ---- tiles of the human settlement layer ----


def test_people_of_a_zipped_tile_are_those_of_the_sample(replay, downloads, tmp_path):
    got = get_population(sample_area(), source("ghs_pop"), downloads, tmp_path)
    assert [each.path for each in replay.requests] == [GHS]
    assert sp.read_population(tmp_path / "population.tif")["people"].sum() == PEOPLE
    assert got.used[0].vintage == "2025"


def test_a_tile_that_is_not_there_is_sea(replay, downloads, tmp_path):
    # The sample moved to where four tiles meet; three of them are not published.
    corner = gpd.GeoSeries.from_xy([-41_000], [5_000_000], crs="ESRI:54009").to_crs(4326).iloc[0]
    area = Area("Corner", corner.buffer(0.05), "FR")
    tiles = mollweide_tiles(gpd.GeoSeries([area.geometry], crs=4326))
    assert tiles == [(4, 18), (4, 19), (5, 18), (5, 19)]
    transform = grids.from_origin(-41_000, 5_100_000, 100, 100)
    tile = grids.zipped({"tile.tif": grids.tiff(np.ones((1000, 1000)), transform, "ESRI:54009", nodata=-200)})
    replay.answers["ghs_pop"] = {GHS: tile}
    got = get_population(area, source("ghs_pop"), downloads, tmp_path)
    assert "no tile R4_C18, R5_C18, R5_C19" in got.notes[0]
    replay.answers["ghs_pop"] = {}
    with pytest.raises(FetchError, match="has nothing where Corner lies"):
        get_population(area, source("ghs_pop"), Downloads(tmp_path / "empty", offline=False), tmp_path)


def test_a_damaged_zip_is_told(replay, downloads, tmp_path):
    for body, words in (
        (grids.ghs()[:5000], "cannot be read as a zip"),
        (grids.zipped({"a.pdf": b""}), "it holds a.pdf"),
    ):
        replay.answers["ghs_pop"] = {GHS: body}
        cache = Downloads(tmp_path / words.split()[-1], offline=False)
        with pytest.raises(FetchError, match=words):
            get_population(sample_area(), source("ghs_pop"), cache, tmp_path)


# ---- tables of cells ----


def test_the_census_grid_gives_workers_and_reads_one_member_of_its_zip(replay, downloads, tmp_path):
    got = get_population(sample_area(), source("census_grid"), downloads, tmp_path)
    assert got.settings == {
        "inputs.population.people": "people",
        "inputs.population.groups": ["workers", "age_65"],
    }
    with pytest.warns(SiteplanWarning, match="people in 3, workers in 3, age_65 in 3; missing is not counted as 0"):
        cells = sp.read_population(tmp_path / "population.csv", groups=["workers", "age_65"])
    assert (cells["people"].sum(), cells["workers"].sum()) == (PEOPLE, WORKERS)
    assert cells.crs.to_epsg() == 3035
    assert asked_bytes(replay, grids.census()) < len(grids.census()) / 3
    assert any("age_0_14 not delivered" in note for note in got.notes)
    withheld = "people in 3, workers in 3, age_65 in 3"
    assert got.notes[-1].endswith(f"of 291 cells a value is withheld, and counts as unknown: {withheld}")


def test_filosofi_is_read_by_groups_of_rows_and_columns(replay, downloads, tmp_path):
    got = get_population(sample_area(), source("filosofi"), downloads, tmp_path)
    cells = sp.read_population(tmp_path / "population.csv", groups=["age_0_17", "age_18_64", "age_65"])
    expected = grids.squares()
    assert cells["people"].sum() == expected["ind"].sum() == PEOPLE
    assert cells["age_65"].sum() == expected["ind_65_79"].sum()
    assert cells["age_18_64"].sum() == PEOPLE - cells["age_65"].sum()
    guessed = expected["ind"] < 11
    assert any(f"{guessed.sum():,} of {len(cells):,} cells" in note and "are estimated" in note for note in got.notes)
    assert [each.path.rpartition("/")[2] for each in replay.requests][1:][:1] == ["carreaux-200m-met-3035-2021.parquet"]
    assert got.used[0].vintage == "2021"


def test_filosofi_falls_back_on_the_office_itself(replay, downloads, tmp_path):
    replay.fail("filosofi", path="/api/", status=404)
    got = get_population(sample_area(), source("filosofi"), downloads, tmp_path)
    assert sp.read_population(tmp_path / "population.csv")["people"].sum() == PEOPLE
    assert "read from insee.fr" in got.notes[0]
    replay.fail("filosofi", status=403, times=9)
    with pytest.raises(FetchError, match=r"refused .403.*; and filosofi: .*refused"):
        get_population(sample_area(), source("filosofi"), Downloads(tmp_path / "empty", offline=False), tmp_path)


def test_a_7z_in_a_zip_is_told_with_what_to_do(replay, downloads, tmp_path):
    replay.answers["filosofi"] = {grids.FILOSOFI: grids.zipped({"Filosofi2019_carreaux_200m_csv.7z": b"7z"})}
    with pytest.raises(FetchError, match=r"is not there .404.*it holds Filosofi2019_carreaux_200m_csv.7z; unpack"):
        get_population(sample_area(), source("filosofi"), downloads, tmp_path)


def test_cells_are_kept_whole_where_they_touch_the_area(replay, downloads, tmp_path):
    # A square of 1 km on the grid, shrunk by a metre: the cells within, none of the neighbours.
    square = gpd.GeoSeries([box(3_810_001, 2_614_001, 3_811_999, 2_615_999)], crs=3035).to_crs(4326).iloc[0]
    get_population(Area("Square", square, "FR"), source("filosofi"), downloads, tmp_path)
    cells = sp.read_population(tmp_path / "population.csv")
    inside = (
        grids.cells()[grids.cells()["people"] > 0].set_geometry("geometry").cx[3_810_100:3_811_900, 2_614_100:2_615_900]
    )
    assert set(cells.index) == set(inside["cell"])
    wide = get_population(Area("Square", square, "FR"), source("filosofi"), downloads, tmp_path / "wide", margin=1000)
    assert wide.inputs
    assert set(cells.index) < set(sp.read_population(tmp_path / "wide" / "population.csv").index)


# ---- census blocks ----


def test_census_blocks_have_people_and_those_who_work(replay, downloads, tmp_path):
    american = Area("Orvelle, Minnesota", sample_area().geometry, "US", "", PEOPLE)
    got = get_population(american, source("us_blocks"), downloads, tmp_path)
    assert got.settings == {"inputs.population.people": "people", "inputs.population.groups": ["workers"]}
    cells = sp.read_population(tmp_path / "population.parquet", groups=["workers"])
    assert (cells["people"].sum(), cells["workers"].sum()) == (PEOPLE, WORKERS)
    assert (cells.index[0][:5], len(cells.index[0])) == ("27053", 15)
    assert "270530099999999" not in cells.index  # in the state, far from the place
    assert len([each for each in replay.requests if "geocoder" not in each.path]) == 2
    assert got.notes == []
    planned = plan_population(american, source("us_blocks"), downloads)
    assert [size for _, size in planned] == [len(grids.blocks()), len(grids.rac())]
    again = get_population(american, source("us_blocks"), Downloads(downloads.folder, offline=True), tmp_path / "again")
    assert again == got
    written = [folder / "population.parquet" for folder in (tmp_path, tmp_path / "again")]
    assert written[0].read_bytes() == written[1].read_bytes()


def test_workers_of_an_earlier_year_stand_in_or_are_missing(replay, downloads, tmp_path):
    american = Area("Orvelle", sample_area().geometry, "US")
    answers = dict(replay.answers["us_blocks"])
    answers[grids.RAC.replace("2023", "2021")] = answers.pop(grids.RAC)
    replay.answers["us_blocks"] = answers
    got = get_population(american, source("us_blocks"), downloads, tmp_path)
    assert got.notes == [f"{source('us_blocks').title}: MN has no workers of 2023: those of 2021 stand in"]
    answers.pop(grids.RAC.replace("2023", "2021"))
    got = get_population(american, source("us_blocks"), Downloads(tmp_path / "empty", offline=False), tmp_path)
    assert "the group is missing" in got.notes[0]
    assert "inputs.population.groups" not in got.settings
    assert sp.read_population(tmp_path / "population.parquet")["people"].sum() == PEOPLE


def test_blocks_that_are_none_are_told(replay, downloads, tmp_path):
    american = Area("Orvelle", sample_area().geometry, "US")
    for body, words in (
        (b"PK nothing", "cannot be read as a zip"),
        (grids.zipped({"a.txt": b""}), "a zip with 0 shapefiles"),
        (grids.zipped({"a.shp": b"no shapes"}), "cannot be read as a zip with a shapefile of blocks"),
    ):
        replay.answers["us_blocks"] = {**grids.answers()["us_blocks"], grids.BLOCKS: body}
        cache = Downloads(tmp_path / str(len(body)), offline=False)
        with pytest.raises(FetchError, match=words):
            get_population(american, source("us_blocks"), cache, tmp_path / "town")
    replay.answers["us_blocks"] = {"/geocoder/geographies/coordinates": b"{}"}
    with pytest.raises(FetchError, match="is not what is expected"):
        get_population(american, source("us_blocks"), downloads, tmp_path / "town")
    assert not (tmp_path / "town").exists()


# ---- terrain ----


def test_heights_around_the_area_are_those_of_the_sample(replay, downloads, tmp_path):
    got = get_terrain(sample_area(), source("glo30"), downloads, tmp_path, margin=500)
    assert got.inputs == {"elevation": "terrain.tif"}
    assert (got.notes, [each.path for each in replay.requests if each.method == "HEAD"]) == ([], [])
    with rasterio.open(tmp_path / "terrain.tif") as raster, rasterio.open(grids.SAMPLE / "terrain.tif") as sample:
        heights = raster.read(1)
        assert (raster.crs.to_epsg(), raster.nodata, heights.dtype) == (4326, -9999, np.float32)
        assert not (heights == -9999).any()
        x, y = rasterio.warp.transform(sample.crs, raster.crs, [527_000, 530_000], [5_144_000, 5_146_000])
        here = [value[0] for value in raster.sample(zip(x, y, strict=True))]
        there = [value[0] for value in sample.sample([(527_000, 5_144_000), (530_000, 5_146_000)])]
        west, south, east, north = gpd.GeoSeries([sample_area().around(500)], crs=4326).total_bounds
        assert raster.bounds.left <= west
        assert raster.bounds.right >= east
        assert raster.bounds.bottom <= south
        assert raster.bounds.top >= north
    assert np.allclose(here, there, atol=6)  # between pixels of 90 m and of 50 m


def test_tiles_are_joined_without_a_seam_and_what_is_not_there_is_sea(replay, downloads, tmp_path):
    # Where four tiles meet: two of one width, one of wider pixels (as beyond 50 degrees), one of sea.
    def tile(west, north, wide):
        transform = grids.from_origin(west - wide / 2, north + 1 / 2400, wide, 1 / 1200)
        high, across = 1200, round(1 / wide)
        row, column = np.mgrid[:high, :across]
        plane = 1000 + 100 * (transform.c + wide * (column + 0.5)) + 10 * (transform.f - (row + 0.5) / 1200)
        return grids.tiff(plane.astype(np.float32), transform, "EPSG:4326", block=256)

    def path(lat, lon):
        return GLO30.replace("N46", lat).replace("E003", lon)

    replay.answers["glo30"] = {
        path("N49", "E000"): tile(0, 50, 1 / 1200),
        path("N49", "W001"): tile(-1, 50, 1 / 1200),
        path("N50", "E000"): tile(0, 51, 1 / 800),
    }
    area = Area("Corner", box(-0.05, 49.95, 0.05, 50.05), "FR")
    got = get_terrain(area, source("glo30"), downloads, tmp_path, margin=0)
    with rasterio.open(tmp_path / "terrain.tif") as raster:
        heights = raster.read(1)
        row, column = np.mgrid[: raster.height, : raster.width]
        lon, lat = placed(raster.transform, column + 0.5, row + 0.5)
    sea = heights == 0
    assert not (heights == -9999).any()
    assert np.abs(heights - (1000 + 100 * lon + 10 * lat))[~sea].max() < 0.11  # rounded, and the plane is even
    assert (lon[sea].max() < 0, lat[sea].min() > 50 - 1 / 1200) == (True, True)
    assert 0.24 < sea.mean() < 0.26
    assert got.notes == [
        "Copernicus DEM GLO-30 Public: no tile N50 W001, which is sea: height 0 is taken there, for "
        f"{sea.sum():,} pixels"
    ]


def test_tiles_that_are_withheld_are_not_taken_for_sea(replay, downloads, tmp_path):
    area = Area("Border", box(3.9, 46.4, 4.1, 46.6), "AM")
    got = get_terrain(area, source("glo30"), downloads, tmp_path, margin=0)
    with rasterio.open(tmp_path / "terrain.tif") as raster:
        assert 0.4 < (raster.read(1) == -9999).mean() < 0.6
    assert "not published" in got.notes[0]
    assert "are missing; streets there are taken as flat" in got.notes[1]


def test_no_tile_at_all_is_told(replay, downloads, tmp_path):
    with pytest.raises(FetchError, match="only sea"):
        get_terrain(Area("Atlantic", box(-30, 40, -29.9, 40.1)), source("glo30"), downloads, tmp_path)
    with pytest.raises(FetchError, match="touches 10404 tiles"):
        get_terrain(Area("All", box(-50, -50, 50, 50)), source("glo30"), downloads, tmp_path, margin=0)


def test_a_second_run_of_the_terrain_asks_for_nothing_not_even_the_sea(replay, downloads, tmp_path):
    coast = Area("Coast", box(3.95, 46.4, 4.05, 46.6), "FR")
    first = get_terrain(coast, source("glo30"), downloads, tmp_path, margin=0)
    written, asked = (tmp_path / "terrain.tif").read_bytes(), len(replay.requests)
    assert asked <= 5
    again = get_terrain(coast, source("glo30"), Downloads(downloads.folder, offline=True), tmp_path, margin=0)
    assert ((tmp_path / "terrain.tif").read_bytes(), len(replay.requests)) == (written, asked)
    assert first == again
    get_terrain(coast, source("glo30"), Downloads(downloads.folder, offline=False, update=True), tmp_path, margin=0)
    assert any("E004" in each.path for each in replay.requests[asked:])


def test_tiles_are_named_by_their_south_western_corner():
    assert terrain_tiles(-0.5, -0.5, 0.5, 0.5) == [(-1, -1), (-1, 0), (0, -1), (0, 0)]
    assert terrain_tiles(3.0, 46.0, 4.0, 47.0) == [(46, 3)]


# ---- what would be loaded ----


@pytest.mark.parametrize("name", ["worldpop", "census_grid", "filosofi", "glo30"])
@pytest.mark.parametrize("no_ranges", [False, True])
def test_what_would_be_loaded_is_what_is_loaded(replay, downloads, tmp_path, name, no_ranges):
    replay.fail(name, path="/carr" if name == "filosofi" else "", no_ranges=no_ranges, times=99)
    plan, get = (plan_terrain, get_terrain) if name == "glo30" else (plan_population, get_population)
    planned = plan(sample_area(), source(name), downloads)
    got = get(sample_area(), source(name), downloads, tmp_path / "town")
    assert planned == [(each.url, each.bytes) for each in got.used]
    if not no_ranges:  # what tells where the rest lies is not asked for twice
        stretches = [(each.path, each.headers.get("Range")) for each in replay.requests]
        assert len(stretches) == len(set(stretches))


def test_tiles_that_would_be_loaded_are_told_without_the_sea(replay, downloads):
    coast = Area("Coast", box(3.95, 46.4, 4.05, 46.6), "FR")
    assert [address.rpartition("/")[2] for address, _ in plan_terrain(coast, source("glo30"), downloads, margin=0)] == [
        "Copernicus_DSM_COG_10_N46_00_E003_00_DEM.tif"
    ]
    assert plan_population(sample_area(), source("ghs_pop"), downloads) == [
        (f"https://jeodpp.jrc.ec.europa.eu{GHS}", len(grids.ghs()))
    ]


# ---- in a study ----


def test_a_study_takes_people_and_heights_as_they_are_written(replay, downloads, tmp_path):
    wishes = Wishes(only=["population", "terrain"], source={"population": "census_grid"}, margin=0)
    done = fetch_study(sample_area(), tmp_path / "town", downloads, wishes)
    assert done.missing == {}
    assert done.study.inputs.population.groups == ("workers", "age_65")
    # Squares of 1 km reach beyond the area, a few people with them.
    told = f"49,707 people live in the area by the grid, {PEOPLE:,} by the published figure"
    assert done.held[0] == told
    assert "the terrain has no holes in the area" in done.held
    assert {each.source for each in done.used} == {"census_grid", "glo30"}


def test_the_next_source_of_people_stands_in_for_one_that_fails(replay, downloads, tmp_path):
    replay.fail("filosofi", status=403, times=9)
    wishes = Wishes(only=["population"], margin=0)
    done = fetch_study(sample_area(), tmp_path / "town", downloads, wishes)
    assert {each.source for each in done.used} == {"worldpop"}
    assert any("WorldPop R2025A, squares of 100 m, as better sources failed: filosofi: " in note for note in done.notes)
    assert done.study.inputs.population.file.name == "population.tif"


def test_people_across_the_border_of_an_area_count_by_the_share_that_lies_in_it():
    # Of a square of 1 km a quarter lies within, of its neighbour nothing; a person at a point is in or out.
    squares = [
        box(0, 0, 1000, 1000),
        box(1000, 0, 2000, 1000),
        Point(200, 200),
        Point(900, 900),
        box(100, 100, 200, 200),
    ]
    cells = gpd.GeoDataFrame({"people": [400, 800, 7, 30, np.nan]}, geometry=squares, crs=3035)
    outline = gpd.GeoSeries([box(-500, -500, 500, 500)], crs=3035).to_crs(4326).iloc[0]
    assert people_within(cells, outline) == pytest.approx(107, rel=1e-3)


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    place_file(tmp_path / "a.csv", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FetchError, match=r"a\.csv: cannot be written \(No space left.*\); make room or name another"):
        place_file(tmp_path / "a.csv", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.csv": b"old"}


def full(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
