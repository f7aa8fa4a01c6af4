"""The sample territory: the same each time, whole or not at all, and with everything a real place would have."""

import csv
import io
import subprocess
import sys
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
import yaml

from siteplan.errors import InputError
from siteplan.network.tags import Access, bike_use, walk_use
from siteplan.samples import sample_files, write_sample
from tools.sample import blocks, draw_sample
from tools.sample.streets import draw_streets

COMMITTED = Path(__file__).parents[1] / "data" / "sample"
FILES = (
    "communes.gpkg", "gtfs.zip", "population_1km.gpkg", "population_200m.csv", "population_200m.gpkg",
    "population_200m.tif", "sites.csv", "streets.osm.pbf", "study.yaml", "terrain.tif", "visits.csv",
)  # fmt: skip
GROUPS = ["people", "workers", "age_65"]


@pytest.fixture(scope="module")
def osm():
    """Ways as (tags, node ids), positions in metres by node id, relations' tags, points' tags."""
    nodes, ways, relations, points = {}, [], [], []
    for item in osmium.FileProcessor(str(COMMITTED / "streets.osm.pbf")):
        tags = dict(item.tags)
        if item.is_node():
            nodes[item.id] = (item.lon, item.lat)
            points += [(tags, item.id)] if tags else []
        elif item.is_way():
            ways.append((tags, [node.ref for node in item.nodes]))
        else:
            relations.append((tags, [(m.type, m.role) for m in item.members]))
    metres = gpd.GeoSeries(gpd.points_from_xy(*np.array(list(nodes.values())).T), crs=4326).to_crs(32631)
    return ways, dict(zip(nodes, shapely.get_coordinates(metres), strict=True)), relations, points


@pytest.fixture(scope="module")
def feed():
    with zipfile.ZipFile(COMMITTED / "gtfs.zip") as archive:
        return {n[:-4]: pd.read_csv(io.BytesIO(archive.read(n)), dtype=str) for n in archive.namelist()}


@pytest.fixture(scope="module")
def cells():
    return gpd.read_file(COMMITTED / "population_200m.gpkg")


# --- drawn by the tools


def test_drawn_again_gives_the_committed_bytes(tmp_path):
    draw_sample(tmp_path)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted([*drawn, "study.yaml"]) == sorted(FILES)
    assert [name for name in drawn if drawn[name] != (COMMITTED / name).read_bytes()] == []
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None  # drawing leaves no trace in GDAL


def test_no_street_hangs_on_a_last_bit(monkeypatch):
    plain, axes = draw_streets(), blocks._axes
    monkeypatch.setattr(blocks, "_axes", lambda piece: tuple(vector + 1e-10 for vector in axes(piece)))
    nudged = draw_streets()
    assert [way.tags for way in nudged] == [way.tags for way in plain]
    assert shapely.equals_exact([w.line for w in nudged], [w.line for w in plain], tolerance=0.15).all()


def test_nothing_else_is_committed_and_little_of_it():
    assert tuple(p.name for p in sample_files()) == FILES
    assert sum(p.stat().st_size for p in sample_files()) < 1_500_000


def test_the_wheel_ships_the_sample_and_not_what_draws_it(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=COMMITTED.parents[1], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name.rpartition("/")[2] for name in names if "sample_data" in name} == set(FILES)
    assert {name.partition("/")[0] for name in names} == {"siteplan"}


# --- written whole or not at all


def test_written_into_a_new_folder_with_the_same_bytes(tmp_path):
    folder = write_sample(tmp_path / "a" / "sample")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {p.name: p.read_bytes() for p in sample_files()}
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["sample"]


def test_an_earlier_sample_is_completed_and_its_results_are_left(tmp_path):
    write_sample(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "sites.csv").unlink()
    write_sample(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {*FILES, "results"}


def test_a_changed_file_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "sites.csv").write_text("mine")
    with pytest.raises(InputError, match=r"sites\.csv: is there already"):
        write_sample(tmp_path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.doc.*new folder"):
        write_sample(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "sample").write_text("")
    with pytest.raises(InputError, match="is a file"):
        write_sample(tmp_path / "sample")


def test_nothing_is_left_when_writing_fails(monkeypatch, tmp_path):
    def full(source, target):
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr("siteplan.samples.shutil.copyfile", full)
    with pytest.raises(InputError, match="disk full"):
        write_sample(tmp_path / "sample")
    assert list(tmp_path.iterdir()) == []


def test_a_package_without_its_sample_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("siteplan.samples.DRAWN", tmp_path / "sample")
    with pytest.raises(InputError, match="Install siteplan again"):
        write_sample(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_the_study_names_files_that_are_there():
    study = yaml.safe_load((COMMITTED / "study.yaml").read_text(encoding="utf-8"))
    files = [study["inputs"][key] for key in ("streets", "sites", "elevation")]
    files += [study["inputs"]["population"]["file"], study["area"]["communes"]]
    files += study["inputs"]["transit"]["feeds"]
    assert set(files) < set(FILES)
    assert study["travel"]["modes"] == ["walk", "bike", "calm", "transit"]


# --- people


def test_the_same_people_in_all_four_files(cells):
    table = pd.read_csv(COMMITTED / "population_200m.csv")
    coarse = gpd.read_file(COMMITTED / "population_1km.gpkg")
    with rasterio.open(COMMITTED / "population_200m.tif") as raster:
        counts = raster.read(1, masked=True)
    assert counts.sum() == cells["people"].sum() == table["people"].sum() == coarse["people"].sum()
    assert table[GROUPS].sum().tolist() == cells[GROUPS].sum().tolist() == coarse[GROUPS].sum().tolist()
    assert (table["cell"] == cells["cell"]).all()


def test_withheld_cells_are_missing_everywhere_and_not_zero(cells):
    table = pd.read_csv(COMMITTED / "population_200m.csv").set_index("cell")
    withheld = cells[cells["people"].isna()].set_index("cell")
    assert 5 < len(withheld) < 20
    assert table.loc[withheld.index, GROUPS].isna().all(axis=None)
    with rasterio.open(COMMITTED / "population_200m.tif") as raster:
        at = [(point.x, point.y) for point in withheld.centroid]
        assert all(value[0] == raster.nodata for value in raster.sample(at))


def test_people_are_whole_and_in_their_cells(cells):
    known = cells.dropna(subset="people")
    assert (known[GROUPS] % 1 == 0).all(axis=None)
    assert (known["people"] >= known["workers"] + known["age_65"]).all()
    assert (cells.bounds % 200 == 0).all(axis=None)
    assert cells.crs.to_epsg() == 3035


def test_shares_of_workers_and_of_older_people_are_those_of_a_french_valley(cells):
    shares = cells[GROUPS].sum() / cells["people"].sum()
    assert 0.42 < shares["workers"] < 0.45
    assert 0.20 < shares["age_65"] < 0.25


def test_a_town_of_forty_thousand_and_villages(cells):
    communes = gpd.read_file(COMMITTED / "communes.gpkg").to_crs(3035)
    centres = cells.set_geometry(cells.centroid).sjoin(communes)
    people = centres.groupby("name")["people"].sum()
    assert 39_000 < people.pop("Saint-Aubry") < 41_000
    assert people.between(300, 2_900).all()
    assert len(people) == 7


def test_the_description_states_the_totals(cells):
    text = (COMMITTED.parent / "README.md").read_text(encoding="utf-8")
    assert f"{cells['people'].sum():,.0f} people" in text
    assert f"{len(cells):,} squares" in text


# --- territories, sites, terrain


def test_communes_leave_no_gap_and_do_not_overlap():
    communes = gpd.read_file(COMMITTED / "communes.gpkg")
    assert shapely.coverage_is_valid(communes.geometry.to_numpy())
    assert communes.union_all().geom_type == "Polygon"
    assert len(communes.union_all().interiors) == 0
    assert communes["code"].is_unique


def test_sites_lie_within_the_communes_and_some_lack_cost_or_capacity():
    table = pd.read_csv(COMMITTED / "sites.csv", dtype={"site": str})
    points = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    land = gpd.read_file(COMMITTED / "communes.gpkg").to_crs(4326).union_all()
    assert points.within(land).all()
    assert table["site"].is_unique
    assert table["status"].value_counts().to_dict() == {"candidate": 31, "existing": 2}
    assert 0 < table["cost"].isna().sum() < 10
    assert 0 < table["capacity"].isna().sum() < 10


def test_sites_stand_beside_a_street(osm):
    ways, where, _, _ = osm
    lines = [shapely.linestrings([where[n] for n in refs]) for tags, refs in ways if walk_use(tags).forward]
    table = pd.read_csv(COMMITTED / "sites.csv")
    points = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(32631)
    assert points.distance(shapely.union_all(lines)).max() < 15


def test_the_terrain_covers_the_streets_and_the_stairs_climb(osm):
    ways, where, _, _ = osm
    with rasterio.open(COMMITTED / "terrain.tif") as raster:
        assert raster.read(1, masked=True).count() == raster.width * raster.height
        inside = shapely.box(*raster.bounds).buffer(2)
        assert shapely.contains_xy(inside, *np.array(list(where.values())).T).all()
        ends = [(where[refs[0]], where[refs[-1]]) for tags, refs in ways if tags.get("highway") == "steps"]
        climbs = [top[0] - foot[0] for foot, top in (raster.sample(pair) for pair in ends)]
    assert len(climbs) == 6
    assert min(climbs) > 20


# --- streets

TRAITS = {
    "footways": ({"highway": "footway"}, 50),
    "steps that say which way is up": ({"highway": "steps", "incline": "up"}, 6),
    "cycleways without a word on walkers": ({"highway": "cycleway", "foot": None}, 1),
    "cycleways for walkers": ({"highway": "cycleway", "foot": "yes"}, 1),
    "cycleways meant for walkers": ({"highway": "cycleway", "foot": "designated"}, 1),
    "one-way streets": ({"oneway": "yes", "highway": "residential"}, 20),
    "one-way against the drawing": ({"oneway": "-1"}, 3),
    "contraflow": ({"oneway": "yes", "oneway:bicycle": "no"}, 10),
    "contraflow, old tag": ({"oneway": "yes", "cycleway": "opposite"}, 3),
    "contraflow lane": ({"oneway": "yes", "cycleway:left": "opposite_lane"}, 3),
    "roundabouts": ({"junction": "roundabout"}, 6),
    "private drives": ({"highway": "service", "access": "private"}, 30),
    "access for residents": ({"access": "destination"}, 10),
    "passages for walkers": ({"access": "no", "foot": "yes"}, 3),
    "dismount": ({"bicycle": "dismount"}, 3),
    "closed to walkers": ({"foot": "no"}, 1),
    "trunk road": ({"highway": "trunk"}, 2),
    "motorway": ({"highway": "motorway", "oneway": "yes"}, 2),
    "ramps": ({"highway": "motorway_link"}, 4),
    "bridges": ({"bridge": "yes", "layer": "1"}, 5),
    "tunnels": ({"tunnel": "yes", "layer": "-1"}, 2),
    "a square": ({"highway": "pedestrian", "area": "yes"}, 1),
    "sidewalks drawn on both sides": ({"sidewalk:both": "separate"}, 1),
    "sidewalk drawn on one side": ({"sidewalk:left": "separate", "sidewalk:right": "yes"}, 1),
    "tracks": ({"highway": "track"}, 100),
    "paths": ({"highway": "path"}, 10),
    "living streets": ({"highway": "living_street"}, 10),
    "river": ({"waterway": "river"}, 1),
    "water": ({"natural": "water"}, 2),
    "woods": ({"natural": "wood"}, 4),
    "parks": ({"leisure": "park"}, 3),
    "railway": ({"railway": "rail"}, 1),
    "buildings of note": ({"building": "yes", "amenity": "school"}, 2),
}


@pytest.mark.parametrize("trait", TRAITS)
def test_the_streets_have(osm, trait):
    wanted, least = TRAITS[trait]
    found = [tags for tags, _ in osm[0] if all(tags.get(key) == value for key, value in wanted.items())]
    assert len(found) >= least


NOTED = {
    "amenity": {"library", "townhall", "post_office", "community_centre", "school", "coworking_space"},
    "office": {"coworking", "vacant"},
    "disused:office": {"company"},
    "railway": {"station"},
    "place": {"town", "village", "hamlet"},
}


def test_places_of_note_are_points(osm):
    for key, kinds in NOTED.items():
        assert kinds == {tags[key] for tags, _ in osm[3] if key in tags}


def test_the_squares_are_entered_on_their_rims(osm):
    ways, _, relations, _ = osm
    uses = Counter(node for tags, refs in ways if "highway" in tags for node in set(refs))
    (market,) = (refs for tags, refs in ways if tags.get("area") == "yes")
    assert market[0] == market[-1]
    assert sum(uses[node] > 1 for node in set(market)) >= 4
    station = {"type": "multipolygon", "highway": "pedestrian", "name": "Place de la Gare"}
    assert relations == [(station, [("w", "outer"), ("w", "inner")])]


def test_the_extract_is_sorted_without_history_and_says_its_date_and_box():
    reader = osmium.io.Reader(str(COMMITTED / "streets.osm.pbf"))
    assert reader.header().get("osmosis_replication_timestamp") == "2026-01-01T00:00:00Z"
    assert reader.header().box().valid()
    reader.close()
    items = [
        (item.type_str(), item.id, item.version) for item in osmium.FileProcessor(str(COMMITTED / "streets.osm.pbf"))
    ]
    assert [kind for kind in "nwr" for _ in range(sum(i[0] == kind for i in items))] == [i[0] for i in items]
    assert all(b[1] == a[1] + 1 for a, b in pairwise(items) if a[0] == b[0])
    assert {version for _, _, version in items} == {0}


def walk_graph(osm):
    graph = nx.Graph()
    for tags, refs in osm[0]:
        if "highway" in tags and walk_use(tags).forward:
            graph.add_edges_from((a, b, {"m": float(np.hypot(*(osm[1][a] - osm[1][b])))}) for a, b in pairwise(refs))
    return graph


def test_on_foot_all_hangs_together_but_two_islands_one_small_and_one_large(osm):
    graph = walk_graph(osm)
    parts = sorted(nx.connected_components(graph), key=len)
    metres = [graph.subgraph(part).size("m") for part in parts]
    ends = [sum(graph.degree(n) for n in part if graph.degree(n) != 2) // 2 for part in parts]
    assert len(parts) == 3
    assert metres[-1] / sum(metres) > 0.97
    assert ends[0] < 40 <= ends[1]


def test_by_bicycle_one_can_get_back_from_nearly_everywhere(osm):
    graph = nx.DiGraph()
    for tags, refs in osm[0]:
        use = bike_use(tags) if "highway" in tags else None
        for a, b in pairwise(refs):
            graph.add_edges_from([(a, b)] if use and use.forward is not Access.NO else [])
            graph.add_edges_from([(b, a)] if use and use.backward is not Access.NO else [])
    assert len(max(nx.strongly_connected_components(graph), key=len)) / len(graph) > 0.97


def test_every_village_is_joined_to_the_town_by_road(osm):
    roads = nx.Graph()
    for tags, refs in osm[0]:
        if tags.get("highway") in {"trunk", "primary", "secondary", "tertiary", "unclassified"}:
            nx.add_path(roads, refs)
    names = list(roads)
    tree = shapely.STRtree(shapely.points([osm[1][n] for n in names]))
    places = {tags["name"]: shapely.Point(osm[1][node]) for tags, node in osm[3] if "place" in tags}
    near = {name: names[tree.nearest(point)] for name, point in places.items()}
    town = nx.node_connected_component(roads, near["Saint-Aubry"])
    assert len(near) == 9
    assert {name for name, node in near.items() if node not in town} == set()


def test_villages_lie_three_to_twelve_kilometres_out(osm):
    places = {tags["name"]: osm[1][node] for tags, node in osm[3] if tags.get("place") in {"town", "village"}}
    town = places.pop("Saint-Aubry")
    assert all(3_000 < np.hypot(*(at - town)) < 12_000 for at in places.values())


def test_streets_cross_the_river_on_its_two_bridges_only(osm):
    line = {name: shapely.linestrings([osm[1][n] for n in refs]) for name, refs in enumerate(r for _, r in osm[0])}
    (river,) = (line[i] for i, (tags, _) in enumerate(osm[0]) if tags.get("waterway") == "river")
    over = [tags for i, (tags, _) in enumerate(osm[0]) if "highway" in tags and line[i].intersects(river)]
    assert {tags["name"]: tags.get("bridge") for tags in over} == {"Pont Vieux": "yes", "Pont Neuf": "yes"}


# --- timetable


def test_the_feed_refers_to_nothing_that_is_not_there(feed):
    for table, column, other, key in (
        ("trips", "route_id", "routes", "route_id"), ("trips", "service_id", "calendar", "service_id"),
        ("routes", "agency_id", "agency", "agency_id"), ("stop_times", "trip_id", "trips", "trip_id"),
        ("stop_times", "stop_id", "stops", "stop_id"), ("frequencies", "trip_id", "trips", "trip_id"),
        ("transfers", "from_stop_id", "stops", "stop_id"), ("calendar_dates", "service_id", "calendar", "service_id"),
    ):  # fmt: skip
        assert set(feed[table][column]) <= set(feed[other][key]), (table, column)
    assert set(feed["stops"]["parent_station"].dropna()) == {"P:GAR"}


def seconds(clock):
    hours, minutes, rest = clock.str.split(":", expand=True).astype(int).to_numpy().T
    return hours * 3600 + minutes * 60 + rest


def test_stop_times_increase_along_every_trip(feed):
    times = feed["stop_times"]
    arrive, leave = seconds(times["arrival_time"]), seconds(times["departure_time"])
    same = times["trip_id"].to_numpy()[1:] == times["trip_id"].to_numpy()[:-1]
    assert (arrive <= leave).all()
    assert (arrive[1:][same] > leave[:-1][same]).all()
    assert (arrive >= 24 * 3600).any()  # a night train belongs to the day before


def test_an_ordinary_tuesday_and_a_holiday(feed):
    calendar = feed["calendar"].set_index("service_id")
    changed = feed["calendar_dates"].set_index(["date", "service_id"])["exception_type"]
    assert calendar.loc["WD", ["tuesday", "start_date", "end_date"]].tolist() == ["1", "20260101", "20261231"]
    assert "20260310" not in changed.index.get_level_values("date")
    assert changed["20260714", "WD"] == "2"
    assert changed["20260714", "WE"] == "1"


def test_the_village_bus_brings_people_before_nine_and_home_after_five(feed):
    trips = feed["trips"].query("route_id == 'B3'")
    times = feed["stop_times"].merge(trips, on="trip_id").assign(clock=lambda t: seconds(t["arrival_time"]) / 3600)
    spans = times.groupby(["direction_id", "trip_id"])["clock"].agg(["first", "last"])
    assert trips["direction_id"].value_counts().to_dict() == {"0": 2, "1": 2}
    assert spans.loc["0"]["last"].min() < 9
    assert spans.loc["1"]["first"].max() > 17


def test_a_railway_that_leaves_the_extract_a_bus_by_headways_and_a_regular_one(feed, osm):
    stops = feed["stops"].astype({"stop_lon": float})
    rail = stops[stops["stop_id"].str.startswith("R:")]
    assert feed["routes"].set_index("route_id")["route_type"].to_dict() == {"R1": "2", "B1": "3", "B2": "3", "B3": "3"}
    assert rail["stop_lon"].min() < 3.14
    assert rail["stop_lon"].max() > 3.57
    assert set(feed["frequencies"]["trip_id"].str[:2]) == {"B1"}
    assert (feed["trips"]["route_id"] == "B2").sum() > 60


def test_the_archive_has_one_date(feed):
    with zipfile.ZipFile(COMMITTED / "gtfs.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}
        rows = list(csv.reader(io.TextIOWrapper(archive.open("stops.txt"), encoding="utf-8")))
    assert "Échallon, église" in {row[1] for row in rows}
