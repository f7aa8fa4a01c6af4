"""Extracts and communes of a place: the smallest that covers it, verified, cut; and the whole of it in miniature."""

import hashlib
import json

import geopandas as gpd
import osmium
import pandas as pd
import pytest
from shapely.geometry import box
from typer.testing import CliRunner

import grids
import miniature_extracts
import miniature_feeds
import miniature_places
import siteplan as sp
from replay import replayed
from siteplan.cli import app
from siteplan.errors import FetchError
from siteplan.sources.area import Area
from siteplan.sources.communes import get_communes
from siteplan.sources.downloads import Downloads
from siteplan.sources.extracts import clip_extract, get_candidates, get_extract, plan_extract
from siteplan.sources.source import sources
from siteplan.study import score

FEED = "/api/1/datasets/r/11111111-2222-3333-4444-555555555555"
SAMPLE = miniature_places.SAMPLE


def source(name):
    return next(each for each in sources() if each.name == name)


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=2)


@pytest.fixture
def replay(monkeypatch):
    feeds = miniature_feeds.access_point([miniature_feeds.DATASET], {FEED: miniature_feeds.sample_feed()})
    every = {
        **miniature_places.answers(),
        **miniature_extracts.answers(),
        **grids.answers(),
        "transport_data_gouv": feeds,
        "mobility_database": miniature_feeds.database([], {}),
    }
    others = {each.name: {} for each in sources() if each.name not in every}
    with replayed({**every, **others}, monkeypatch) as replay:
        yield replay


@pytest.fixture
def valley():
    return Area("Orvelle", miniature_places.communes().union_all(), country="FR", population=49742)


def counted(path):
    return pd.Series([thing.type_str() for thing in osmium.FileProcessor(str(path))]).value_counts().to_dict()


def test_the_smallest_extract_that_covers_area_and_margin_is_taken(replay, downloads, valley, tmp_path):
    got = get_extract(valley, source("geofabrik"), downloads, tmp_path)
    assert [each.path for each in replay.asked("geofabrik")] == [
        "/index-v1.json", "/orvelle-latest.osm.pbf.md5", "/orvelle-latest.osm.pbf",
    ]  # fmt: skip
    assert (got.inputs, got.notes) == ({"streets": "streets.osm.pbf"}, [])
    assert counted(tmp_path / "streets.osm.pbf") == counted(SAMPLE / "streets.osm.pbf")  # all of it lies there
    own, cut = sp.read_streets(SAMPLE / "streets.osm.pbf"), sp.read_streets(tmp_path / "streets.osm.pbf")
    assert (own.counts, own.data_date) == (cut.counts, cut.data_date)
    first = (tmp_path / "streets.osm.pbf").read_bytes()
    get_extract(valley, source("geofabrik"), downloads, tmp_path)
    assert (len(replay.requests), (tmp_path / "streets.osm.pbf").read_bytes()) == (3, first)


def test_what_is_cut_keeps_ways_whole(tmp_path):
    """Every way has a node in the box, and all its nodes; nothing without one is kept."""
    bounds = (3.33, 46.43, 3.35, 46.45)
    clip_extract(SAMPLE / "streets.osm.pbf", tmp_path / "cut.osm.pbf", bounds)
    places, ways = {}, {}
    for thing in osmium.FileProcessor(str(SAMPLE / "streets.osm.pbf")):
        if thing.is_node():
            places[thing.id] = thing.location.lon, thing.location.lat
        elif thing.is_way():
            ways[thing.id] = [node.ref for node in thing.nodes]
    west, south, east, north = bounds
    inside = {number for number, (lon, lat) in places.items() if west <= lon <= east and south <= lat <= north}
    kept = {number for number, nodes in ways.items() if inside & set(nodes)}
    cut = list(
        osmium.FileProcessor(str(tmp_path / "cut.osm.pbf")).with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    )
    assert len(cut) == len(kept) > 10
    with osmium.io.Reader(str(tmp_path / "cut.osm.pbf")) as reader:
        assert reader.header().box().bottom_left.lon == pytest.approx(3.33)
    nodes = {thing.id for thing in osmium.FileProcessor(str(tmp_path / "cut.osm.pbf"), osmium.osm.NODE)}
    assert nodes >= inside | {node for number in kept for node in ways[number]}
    with pytest.raises(FetchError, match="holds nothing there; is it the extract of another place"):
        clip_extract(SAMPLE / "streets.osm.pbf", tmp_path / "none.osm.pbf", (10, 10, 11, 11))


def test_an_extract_that_ends_in_the_margin_is_told_and_none_is_an_error(replay, downloads, valley, tmp_path):
    near = Area("At the border", box(3.0, 46.3, 3.6, 46.79), country="FR")
    replay.answers["geofabrik"]["/france-latest.osm.pbf"] = miniature_extracts.STREETS
    assert plan_extract(near, source("geofabrik"), downloads)[0][0].endswith("/france-latest.osm.pbf")
    far = Area("Between two", box(8.5, 46, 10.5, 47))
    with pytest.raises(FetchError, match="no extract below a continent covers Between two; give one of your own"):
        get_extract(far, source("geofabrik"), downloads, tmp_path)
    edge = Area("Edge", box(10.0, 46.0, 10.1, 46.1))
    replay.answers["geofabrik"]["/elsewhere-latest.osm.pbf"] = miniature_extracts.STREETS
    with pytest.raises(FetchError, match="holds nothing there"):
        get_extract(edge, source("geofabrik"), downloads, tmp_path)
    replay.answers["geofabrik"]["/orvelle-latest.osm.pbf.md5"] = b"0" * 32 + b"  a\n"
    other = Downloads(tmp_path / "other", offline=False, patience=0.02)
    with pytest.raises(FetchError, match="is not the file that its publisher tells of"):
        get_extract(valley, source("geofabrik"), other, tmp_path)


def half(replay, tmp_path, name, outline):
    """Let the replay have a part of the sample as an extract of its own; return its entry of the index."""
    file = tmp_path / f"{name}.osm.pbf"
    clip_extract(SAMPLE / "streets.osm.pbf", file, outline.buffer(0.01).bounds)
    replay.answers["geofabrik"][f"/{name}-latest.osm.pbf"] = file.read_bytes()
    replay.answers["geofabrik"][f"/{name}-latest.osm.pbf.md5"] = hashlib.md5(file.read_bytes()).hexdigest().encode()
    return miniature_extracts.feature(name, outline, parent="france")


def test_at_a_border_small_extracts_are_joined(replay, downloads, tmp_path):
    halves = box(2.9, 46.1, 3.35, 46.8), box(3.35, 46.1, 3.8, 46.8)
    entries = [half(replay, tmp_path, name, each) for name, each in zip(("west", "east"), halves, strict=True)]
    land = miniature_extracts.feature("france", box(-5, 42, 8, 51), parent="europe")
    replay.answers["geofabrik"]["/index-v1.json"] = json.dumps({"features": [land, *entries]}).encode()
    town = Area("Marsac", box(3.33, 46.43, 3.37, 46.46), country="FR")
    planned = plan_extract(town, source("geofabrik"), downloads, margin=1_000)
    assert sorted(link.rpartition("/")[2] for link, _ in planned) == ["east-latest.osm.pbf", "west-latest.osm.pbf"]
    got = get_extract(town, source("geofabrik"), downloads, tmp_path, margin=1_000)
    assert len(got.used) == 2
    assert not got.notes
    whole = tmp_path / "whole.osm.pbf"
    clip_extract(SAMPLE / "streets.osm.pbf", whole, town.around(2_000).bounds)
    assert counted(tmp_path / "streets.osm.pbf") == counted(whole)
    assert sp.read_streets(tmp_path / "streets.osm.pbf").way_id.tolist() == sp.read_streets(whole).way_id.tolist()
    first = (tmp_path / "streets.osm.pbf").read_bytes()
    get_extract(town, source("geofabrik"), downloads, tmp_path, margin=1_000)
    assert (tmp_path / "streets.osm.pbf").read_bytes() == first


def test_what_lies_in_no_extract_is_told(replay, downloads, tmp_path):
    entry = half(replay, tmp_path, "west", box(2.9, 46.1, 3.36, 46.8))
    replay.answers["geofabrik"]["/index-v1.json"] = json.dumps({"features": [entry]}).encode()
    town = Area("Marsac", box(3.33, 46.43, 3.37, 46.46), country="FR")
    (note,) = get_extract(town, source("geofabrik"), downloads, tmp_path, margin=1_000).notes
    place = town.around(1_000)
    assert f"{place.difference(box(2.9, 46.1, 3.36, 46.8)).area / place.area:.1%} of the area and its margin" in note


def test_a_small_place_comes_from_overpass_which_is_spared(replay, downloads, tmp_path):
    town = Area("Marsac", box(3.33, 46.43, 3.37, 46.46), country="FR")
    xml, asked = tmp_path / "answer.osm", []
    with osmium.SimpleWriter(str(xml)) as writer:
        for each in osmium.FileProcessor(str(SAMPLE / "streets.osm.pbf")):
            writer.add(each)

    def answer(_, posted):
        asked.append(posted.decode())
        return xml.read_bytes()

    replay.answers["overpass"] = answer
    assert not plan_extract(town, source("overpass"), downloads, margin=1_000)[0][1]
    for _ in range(2):
        got = get_extract(town, source("overpass"), downloads, tmp_path, margin=1_000)
    (question,) = asked
    assert question.startswith("data=%5Bout%3Axml%5D")
    assert got.used[0].source == "overpass"
    whole = tmp_path / "whole.osm.pbf"
    clip_extract(SAMPLE / "streets.osm.pbf", whole, town.around(2_000).bounds)
    assert counted(tmp_path / "streets.osm.pbf") == counted(whole)
    with pytest.raises(FetchError, match="square degrees; to spare its server"):
        get_extract(Area("a region", box(3, 46, 3.5, 46.5)), source("overpass"), downloads, tmp_path)
    assert len(asked) == 1
    replay.answers["overpass"] = lambda *_: b"<osm><remark> runtime error: timed out </remark></osm>"
    with pytest.raises(FetchError, match="gave up before all was told"):
        get_extract(town, source("overpass"), downloads, tmp_path, margin=1_100)


def test_candidates_are_those_of_the_extract(replay, downloads, valley, tmp_path):
    with pytest.raises(FetchError, match="there are no streets to propose sites from"):
        get_candidates(valley, source("geofabrik"), downloads, tmp_path)
    get_extract(valley, source("geofabrik"), downloads, tmp_path)
    got = get_candidates(valley, source("geofabrik"), downloads, tmp_path, streets=tmp_path / "streets.osm.pbf")
    assert got.used[0].attribution == "© OpenStreetMap contributors"
    sites = sp.read_sites(tmp_path / "sites.csv")
    assert set(sites.index) == set(
        sp.propose_sites(SAMPLE / "streets.osm.pbf", area=sp.read_area(SAMPLE / "communes.gpkg")).index
    )


def test_communes_are_those_that_the_area_is_made_of(replay, downloads, valley, tmp_path):
    get_communes(valley, source("geo_api_communes"), downloads, tmp_path)
    found, own = sp.read_area(tmp_path / "area.gpkg"), sp.read_area(SAMPLE / "communes.gpkg")
    assert found["name"].to_dict() == own["name"].to_dict()
    first = (tmp_path / "area.gpkg").read_bytes()
    one = Area(
        "Saint-Aubry", gpd.read_file(SAMPLE / "communes.gpkg").to_crs(4326).geometry[0], country="FR", code="99001"
    )
    get_communes(one, source("geo_api_communes"), downloads, tmp_path)
    assert list(sp.read_area(tmp_path / "area.gpkg")["name"]) == ["Saint-Aubry"]
    get_communes(valley, source("geo_api_communes"), downloads, tmp_path)
    assert (tmp_path / "area.gpkg").read_bytes() == first
    replay.fail("geo_api_communes", body=b"{}", times=9)
    other = Downloads(tmp_path / "other", offline=False, patience=0.02)
    with pytest.raises(FetchError, match=r"is not what is expected .*no list of records"):
        get_communes(valley, source("geo_api_communes"), other, tmp_path)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_from_a_name_to_a_study_that_runs_by_the_sources_themselves(replay, tmp_path, monkeypatch):
    """Every source as it is published, in miniature; the people, the timetable and the sites are the sample's own."""
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
    words = ["fetch", f"{miniature_places.VALLEY}, France", str(tmp_path / "valley"), "--only"]
    words += ["communes,streets,sites,population,transit,terrain"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "missing:" not in done.output, done.output
    count = len(replay.requests)
    before = {path.name: path.read_bytes() for path in (tmp_path / "valley").iterdir()}
    again = CliRunner().invoke(app, words)
    assert (again.exit_code, len(replay.requests)) == (0, count), again.output
    assert {path.name: path.read_bytes() for path in (tmp_path / "valley").iterdir()} == before
    told = json.loads(before["sources.json"])
    assert set(told["parts"]) == {"communes", "streets", "sites", "population", "transit", "terrain"}
    study = sp.read_study(tmp_path / "valley" / "study.yaml")
    assert study.travel.modes == ("walk", "bike", "calm", "transit")
    result = score(study)
    assert result.manifest["totals"]["people"]["in"] == pytest.approx(49742, rel=0.001)
    assert set(result.scores.index) == set(sp.propose_sites(tmp_path / "valley" / "streets.osm.pbf").index)
