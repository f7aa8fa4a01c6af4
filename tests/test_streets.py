"""Ways become edges between junctions; squares are crossed; OSMnx graphs give the same streets as files."""

import itertools
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from siteplan.config import BIKE, WALK
from siteplan.errors import InputError, NetworkError
from siteplan.network.graph import mode_graph
from siteplan.network.snapping import link
from siteplan.network.streets import StreetNetwork, build_streets, read_streets
from siteplan.times import travel_times
from worlds import (
    METRE_A_SECOND,
    PRIVATE,
    SCALE,
    STREET,
    Tags,
    World,
    islands,
    line,
    lonlat,
    places,
    plane,
    plaza,
    ring,
    river,
    roundabout,
    shortcut,
)

SAMPLE = Path(__file__).parent.parent / "data" / "sample" / "streets.osm.pbf"
SQUARE: Tags = {"type": "multipolygon", "highway": "pedestrian"}


def from_file(folder: Path, world: World, **how: Any) -> StreetNetwork:
    (folder / "world.osm").write_text(world.xml(**how), encoding="utf-8")
    return read_streets(folder / "world.osm")


def seconds(streets: StreetNetwork, start: tuple[float, float], end: tuple[float, float], **how: Any) -> float:
    """Return the seconds of a walk at a metre a second."""
    walk = METRE_A_SECOND.with_(**how)
    times = travel_times(streets, places([end]), places([start]), mode=walk, minutes=60)
    return round(60 * float(times["minutes"].iloc[0]), 1)


# Edges ----------------------------------------------------------------------------------------------------------------


def test_ways_are_cut_where_they_meet() -> None:
    streets = river().streets()
    assert sorted(streets.length.round(3)) == [200] * 8 + [400]  # nothing meets the north bank's street in its middle
    assert streets.node_count == 8
    assert streets.bounds == pytest.approx((*plane([(0, 0)])[0], *plane([(400, 400)])[0]), abs=0.01)


def test_a_way_alone_is_one_edge_and_a_ring_one_loop() -> None:
    assert line().streets().length.tolist() == pytest.approx([400], abs=0.001)
    loop = ring(STREET).streets()
    assert (loop.u[0], loop.length[0]) == (loop.v[0], pytest.approx(400, abs=0.001))


def test_a_way_that_crosses_itself_is_cut_there() -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (50.0, 0.0), 5: (50.0, -50.0)}
    streets = World(nodes, [(STREET, [1, 4, 2, 3, 4, 5])]).streets()
    assert sorted(streets.length.round().tolist()) == [50, 50, round(150 + np.hypot(50, 100))]


def test_a_node_named_twice_in_a_row_is_one() -> None:
    assert World(line().nodes, [(STREET, [1, 1, 2, 3, 3, 3])]).streets().length.tolist() == pytest.approx([200])


def test_ways_closed_to_all_are_left_out_and_counted() -> None:
    streets = line({"highway": "motorway"}, STREET, {"highway": "motorway"}).streets()
    assert streets.way_id.tolist() == [2]
    assert (streets.counts["ways"], streets.counts["ways_closed_to_walk_and_bike"]) == (1, 2)


@pytest.mark.parametrize(("lon", "lat"), [(3.0, 0.0), (25.0, 60.2), (-51.2, -30.0), (13.4, 78.2), (179.5, -17.0)])
def test_a_thousand_metres_are_a_thousand_metres_on_the_ground(lon: float, lat: float) -> None:
    geod = pyproj.Geod(ellps="WGS84")
    for azimuth in (0, 45, 90, 200):
        far_lon, far_lat, _ = geod.fwd(lon, lat, azimuth, 1000)
        raw = replace(line().raw(), refs=np.array([1, 2]), start=np.array([0, 2]))
        streets = build_streets(replace(raw, lon=np.array([lon, far_lon]), lat=np.array([lat, far_lat])))
        assert streets.length[0] == pytest.approx(1000, abs=0.001)
        assert shapely.length(streets.lines[0]) == pytest.approx(1000, rel=0.001)


def test_a_street_over_the_date_line_is_short() -> None:
    raw = line().raw()
    shift = 180.0 - float(raw.lon.mean())
    across = replace(raw, lon=(raw.lon + shift + 180.0) % 360.0 - 180.0)
    assert across.lon.min() < -179.9
    assert across.lon.max() > 179.9
    np.testing.assert_allclose(build_streets(across).length, build_streets(raw).length, rtol=1e-9)
    assert np.ptp(build_streets(across).x) < 1000


def test_the_edges_as_a_table() -> None:
    tags = [STREET, {"highway": "cycleway"}, {"highway": "steps"}, PRIVATE]
    table = line(*tags).streets().edges
    assert table.index.name == "edge"
    assert table["highway"].tolist() == ["residential", "cycleway", "steps", "service"]
    assert table["walk"].tolist() == [True, False, True, True]
    assert table["bike"].tolist() == [True, True, False, True]
    assert table["homes"].tolist() == [True, False, False, False]
    assert table.geometry.length.to_numpy() == pytest.approx(100 * SCALE, abs=0.001)


def test_places_along_edges() -> None:
    bent = World({1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 300.0)}, [(STREET, [1, 2, 3]), (STREET, [3, 1])]).streets()
    edge = np.array([0, 0, 0, 0, 1])
    found = bent.at(edge, np.array([0.0, 0.25, 0.5, 1.0, 1.0]))
    np.testing.assert_allclose(found, plane([(0, 0), (100, 0), (100, 100), (100, 300), (0, 0)]), atol=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_edges_within_some_metres_of_any_place(seed: int) -> None:
    """None of those is missed, and none comes with them that is twice as far."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(0, 5000, (60, 1, 2)) + rng.uniform(-400, 400, (60, 2, 2))
    nodes = {n: (float(x), float(y)) for n, (x, y) in enumerate(ends.reshape(-1, 2))}
    streets = World(nodes, [(STREET, [2 * k, 2 * k + 1]) for k in range(60)]).streets()
    places, around = rng.uniform(-1000, 6000, (rng.integers(1, 4), 2)) + plane([(0, 0)]), rng.uniform(50, 1500)
    far = []
    for edge in range(60):
        corners = streets.corners(np.array([edge]))[1]
        beside = np.maximum(corners.min(axis=0) - places, places - corners.max(axis=0)).clip(0)
        far.append(beside.max(axis=1).min())
    for finer in (1, 2, 5):
        found = streets.reaching(places, around, finer)
        assert found[np.array(far) <= around].all()
        assert not found[np.array(far) >= (1 + 1 / finer) * around].any()


def test_costs_in_deciseconds() -> None:
    tags = [STREET, {"highway": "steps"}, {"highway": "cycleway", "oneway": "yes"}, {**STREET, "bicycle": "dismount"}]
    streets = line(*tags).streets()
    walk, bike = streets.costs(WALK), streets.costs(BIKE)
    assert [side.tolist() for side in walk] == [[750, 2250, -1, 750]] * 2
    assert bike[0].tolist() == [240, -1, 240, 706]
    assert bike[1].tolist() == [240, -1, -1, 706]


def test_slopes_without_a_terrain_model_are_refused() -> None:
    with pytest.raises(NetworkError, match="asks for slopes but no elevation was read; give elevation="):
        line().streets().costs(WALK.model_copy(update={"slope": True}))


def test_a_changed_network_does_not_remember_the_old_one() -> None:
    streets = line().streets()
    assert mode_graph(streets, METRE_A_SECOND).total.max() == 4000
    assert mode_graph(replace(streets, length=2 * streets.length), METRE_A_SECOND).total.max() == 8000


# Squares --------------------------------------------------------------------------------------------------------------

ACROSS = 50 + 141.4 + 50
AROUND = 50 + 200 + 50
WEST, EAST = (-50.0, 0.0), (150.0, 100.0)
HOLE = {11: (40.0, 40.0), 12: (60.0, 40.0), 13: (60.0, 60.0), 14: (40.0, 60.0)}


def test_a_square_is_crossed_straight(tmp_path: Path) -> None:
    assert seconds(from_file(tmp_path, plaza()), WEST, EAST) == pytest.approx(ACROSS, abs=0.11)


def test_what_is_no_square_is_walked_round(tmp_path: Path) -> None:
    assert seconds(from_file(tmp_path, plaza({"highway": "pedestrian"})), WEST, EAST) == pytest.approx(AROUND, abs=0.11)


def multipolygon(
    tags: Tags, *members: tuple[list[int], str], more: dict[int, tuple[float, float]] | None = None
) -> World:
    """Return the plaza as a relation of untagged ways."""
    ways: list[tuple[Tags, list[int]]] = [({}, refs) for refs, _ in members]
    relation = (tags, [(row, role) for row, (_, role) in enumerate(members)])
    return World(plaza().nodes | HOLE | (more or {}), [*ways, (STREET, [5, 1]), (STREET, [3, 6])], [relation])


RIM = ([1, 2, 3, 4, 1], "outer")
FOUNTAIN = ([11, 12, 13, 14, 11], "inner")


def test_a_square_of_several_ways_is_crossed_straight(tmp_path: Path) -> None:
    world = multipolygon(SQUARE, ([1, 2, 3], "outer"), ([1, 4, 3], "outer"))
    assert seconds(from_file(tmp_path, world), WEST, EAST) == pytest.approx(ACROSS, abs=0.11)


def test_squares_are_walked_around_where_that_is_asked(tmp_path: Path) -> None:
    """Along the rims, be they ways of their own or members of a relation; what is no square stays as it is."""
    worlds = [
        plaza(),
        multipolygon(SQUARE, ([1, 2, 3], "outer"), ([1, 4, 3], "outer")),
        multipolygon(SQUARE, RIM, FOUNTAIN),
    ]
    for number, world in enumerate(worlds):
        streets = from_file(tmp_path, world)
        assert seconds(streets, WEST, EAST, squares="around") == pytest.approx(AROUND, abs=0.11)
        far = travel_times(streets, places([EAST]), places([WEST]), metres=AROUND - 1)
        around = travel_times(
            streets, places([EAST]), places([WEST]), mode=WALK.with_(squares="around"), metres=AROUND - 1
        )
        assert (len(far), len(around)) == ((number < 2), 0)
    crossed = from_file(tmp_path, plaza())
    assert crossed.counts["squares_crossed"] == 1
    assert [street for street in crossed.across.nonzero()[0] if crossed.way_id[street]] == []


def test_nobody_walks_through_a_hole(tmp_path: Path) -> None:
    world = multipolygon(SQUARE, RIM, FOUNTAIN)
    assert seconds(from_file(tmp_path, world), WEST, EAST) == pytest.approx(AROUND, abs=0.11)


def test_a_hole_in_one_outer_ring_leaves_the_other_whole(tmp_path: Path) -> None:
    # The second ring touches nothing of the first; the fountain stands in the second.
    second = {21: (200.0, 0.0), 22: (300.0, 0.0), 23: (300.0, 100.0), 24: (200.0, 100.0)}
    fountain = {11: (240.0, 40.0), 12: (260.0, 40.0), 13: (260.0, 60.0), 14: (240.0, 60.0)}
    world = multipolygon(SQUARE, RIM, ([21, 22, 23, 24, 21], "outer"), FOUNTAIN, more=second | fountain)
    assert seconds(from_file(tmp_path, world), WEST, EAST) == pytest.approx(ACROSS, abs=0.11)


def test_a_clipped_square_is_walked_along_its_rim(tmp_path: Path) -> None:
    streets = from_file(tmp_path, plaza(), without=[2])
    assert streets.counts["square_chords"] == 0
    assert seconds(streets, WEST, EAST) == pytest.approx(AROUND, abs=0.11)


@pytest.mark.parametrize("closed", [{"access": "private"}, {"foot": "private"}, {"access": "no"}])
def test_nobody_crosses_a_square_that_is_not_open(tmp_path: Path, closed: Tags) -> None:
    # A public way leads along the rim, 1 - 2 - 3.
    world = plaza({"highway": "pedestrian", "area": "yes", **closed})
    around = World(world.nodes, [*world.ways, (STREET, [1, 2, 3])])
    assert seconds(from_file(tmp_path, around), WEST, EAST) == pytest.approx(AROUND, abs=0.11)
    shut = World(world.nodes, [*world.ways, (STREET, [1, 2, 3, 4])])
    assert seconds(from_file(tmp_path, shut), WEST, EAST) == pytest.approx(AROUND, abs=0.11)


def test_bicycles_do_not_ride_across_a_square(tmp_path: Path) -> None:
    world = plaza()
    streets = from_file(tmp_path, World(world.nodes, [*world.ways, (STREET, [1, 2, 3])]))
    times = travel_times(streets, places([EAST]), places([WEST]), mode=BIKE)
    assert times["minutes"].tolist() == pytest.approx([AROUND / 250], abs=2 / 600)


# OSMnx graphs ---------------------------------------------------------------------------------------------------------


def as_osmnx_does(world: World) -> nx.MultiDiGraph:
    """Lay a world out as OSMnx does before it simplifies: an edge a step, two of them on a two-way street."""
    graph = nx.MultiDiGraph(crs="epsg:4326")
    degrees = lonlat(list(world.nodes.values()))
    graph.add_nodes_from((n, {"x": lon, "y": lat}) for n, (lon, lat) in zip(world.nodes, degrees, strict=True))
    for way, (tags, refs) in enumerate(world.ways, 1):
        one_way = tags.get("oneway") == "yes" or "junction" in tags
        for u, v in itertools.pairwise(refs):
            metres = float(np.hypot(*np.subtract(world.nodes[u], world.nodes[v])))
            data = {**tags, "osmid": way, "length": metres, "oneway": one_way}
            graph.add_edge(u, v, **data, reversed=False)
            if not one_way:
                graph.add_edge(v, u, **data, reversed=True)
    return graph


BOTH_WAYS = [(mode, start, end) for mode in (WALK, BIKE) for start, end in ((0, 1), (1, 0))]
ONE_WAY_RIVER = World(
    river().nodes, [(({**tags, "oneway": "yes"} if k == 2 else tags), r) for k, (tags, r) in enumerate(river().ways)]
)
WORLDS = [
    line(),
    river(),
    ONE_WAY_RIVER,
    islands(),
    shortcut(),
    ring(STREET),
    roundabout(),
    ring({**STREET, "oneway": "yes"}),
]


def spots(world: World) -> Any:
    """Return three places near nodes of a world, a little off the streets."""
    first, *_, last = list(world.nodes.values())
    return places([(first[0] + 13, first[1] + 3), (last[0] - 7, last[1] - 4), (30.0, 1.0)])


def table(streets: StreetNetwork, world: World) -> list[tuple[str, int, float]]:
    return [
        (f"{profile.name} to {site}", point, minutes)
        for profile in (WALK, BIKE)
        for site, point, minutes in travel_times(streets, spots(world), spots(world), mode=profile)[
            ["site", "point", "minutes"]
        ].itertuples(index=False)
    ]


def assert_same_streets(one: StreetNetwork, two: StreetNetwork, world: World) -> None:
    """Compare minutes: edges may be cut in other places, where each piece is rounded for itself."""
    ours, theirs = table(one, world), table(two, world)
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    np.testing.assert_allclose([row[2] for row in ours], [row[2] for row in theirs], atol=8 / 600)


@pytest.mark.parametrize("world", WORLDS)
def test_an_osmnx_graph_gives_the_same_streets(world: World) -> None:
    assert_same_streets(world.streets(), read_streets(graph=as_osmnx_does(world)), world)


@pytest.mark.parametrize("world", [world for world in WORLDS if len(world.ways) > 1 or len(world.nodes) > 4])
def test_what_osmnx_reads_and_saves_gives_the_same_streets(tmp_path: Path, world: World) -> None:
    import osmnx  # it leaves rings without a junction out

    (tmp_path / "world.osm").write_text(world.xml(), encoding="utf-8")
    graph = osmnx.graph_from_xml(tmp_path / "world.osm", retain_all=True)
    osmnx.save_graphml(graph, tmp_path / "world.graphml")
    assert_same_streets(world.streets(), read_streets(graph=graph), world)
    assert_same_streets(world.streets(), read_streets(tmp_path / "world.graphml"), world)
    projected = osmnx.project_graph(graph)
    assert_same_streets(world.streets(), read_streets(graph=projected), world)


def test_a_symmetric_ring_keeps_both_its_sides() -> None:
    # Both sides are of one way and as long: the reverse of one must not be taken for that of the other.
    west, north, east, south = (tuple(row) for row in lonlat([(0.0, 0.0), (50.0, 50.0), (100.0, 0.0), (50.0, -50.0)]))
    sides = [(1, 3, north, False), (3, 1, north, True), (3, 1, south, False), (1, 3, south, True)]
    for order in itertools.permutations(sides):
        graph = nx.MultiDiGraph(crs="epsg:4326")
        graph.add_nodes_from((n, {"x": lon, "y": lat}) for n, (lon, lat) in ((1, west), (3, east)))
        for u, v, middle, turned in order:
            ends = (west, east) if u == 1 else (east, west)
            line = shapely.LineString([ends[0], middle, ends[1]])
            graph.add_edge(
                u, v, osmid=1, highway="residential", oneway=False, reversed=turned, length=141.42, geometry=line
            )
        streets = read_streets(graph=graph)
        norths = shapely.get_coordinates(shapely.line_interpolate_point(streets.lines, 0.5, normalized=True))[:, 1]
        assert sorted((norths - plane([(0, 0)])[0, 1]).round()) == [-50, 50]


def test_merged_streets_carry_lists(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326")
    ends, (middle,) = lonlat([(0.0, 0.0), (100.0, 0.0)]), lonlat([(50.0, 50.0)])
    graph.add_nodes_from((n, {"x": lon, "y": lat}) for n, (lon, lat) in enumerate(ends))
    there = shapely.LineString([ends[0], middle, ends[1]])
    both = {"highway": ["residential", "service"], "length": 141.42, "oneway": False}
    graph.add_edge(0, 1, osmid=[7, 8], reversed=[False, True], geometry=there, **both)
    graph.add_edge(1, 0, osmid=[8, 7], reversed=[True, False], geometry=there.reverse(), **both)
    streets = read_streets(graph=graph)
    assert streets.length.tolist() == pytest.approx([141.42], abs=0.01)
    assert [side.tolist() for side in streets.costs(METRE_A_SECOND)] == [[1414], [1414]]


def test_an_undirected_graph_is_two_way() -> None:
    streets = read_streets(graph=as_osmnx_does(ring({**STREET, "oneway": "yes"})).to_undirected())
    assert min(side.min() for side in streets.costs(BIKE)) > 0


def test_a_place_is_fetched_through_osmnx(monkeypatch: pytest.MonkeyPatch) -> None:
    import osmnx

    asked: list[tuple[str, dict[str, Any]]] = []

    def fetch(place: str, **how: Any) -> nx.MultiDiGraph:
        asked.append((place, how))
        return as_osmnx_does(river())

    monkeypatch.setattr(osmnx, "graph_from_place", fetch)
    streets = read_streets(place="Riverton")
    assert asked == [("Riverton", {"network_type": "all", "retain_all": True})]
    assert streets.source == "Riverton"
    assert_same_streets(river().streets(), streets, river())


def test_a_place_that_cannot_be_fetched_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import osmnx

    def fail(place: str, **how: Any) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(osmnx, "graph_from_place", fail)
    with pytest.raises(InputError, match=r"place 'Riverton': .* \(no network\); give a file instead"):
        read_streets(place="Riverton")


@pytest.mark.parametrize("given", [{}, {"path": "a.osm.pbf", "place": "b"}, {"place": "b", "graph": nx.Graph()}])
def test_exactly_one_source_is_asked_for(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="give exactly one of a file, place= or graph="):
        read_streets(**given)


def test_graphs_that_are_no_streets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no CRS"):
        read_streets(graph=nx.MultiDiGraph([(1, 2)]))
    with pytest.raises(InputError, match="has no edges"):
        read_streets(graph=nx.MultiDiGraph(crs="epsg:4326"))
    with pytest.raises(InputError, match="has no 'x' coordinate"):
        read_streets(graph=nx.MultiDiGraph([(1, 2)], crs="epsg:4326"))
    with pytest.raises(InputError, match=r"nowhere\.graphml: no such file"):
        read_streets(tmp_path / "nowhere.graphml")
    (tmp_path / "bad.graphml").write_text("<graph>")
    with pytest.raises(InputError, match=r"bad\.graphml: not a GraphML file as OSMnx saves it"):
        read_streets(tmp_path / "bad.graphml")


def test_what_was_worked_out_is_not_sent_along() -> None:
    streets = read_streets(SAMPLE)
    bare = len(pickle.dumps(streets))
    sites = places([(0.0, 0.0)]).set_geometry(streets.edges.geometry.iloc[[0]].centroid.set_axis([0]))
    found = link(streets, sites)
    mode_graph(streets, WALK)
    sent = pickle.dumps(streets)
    assert len(sent) == bare
    assert len(sent) < 1.2 * sum(np.asarray(each).nbytes for each in vars(streets).values() if hasattr(each, "nbytes"))
    pd.testing.assert_frame_equal(link(pickle.loads(sent), sites), found)
    streets.forget()
    pd.testing.assert_frame_equal(link(streets, sites), found)
