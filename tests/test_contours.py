"""Isochrones: nested, the same alone or in a list, valid, around their origin, and where one can really be in time."""

import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from contourpy import FillType, contour_generator
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracles import reached_area
from siteplan.config import BIKE, WALK, Profile, Rides
from siteplan.contours import REACH, Drawing, _contour, _surfaces, isochrones
from siteplan.errors import InputError, StudyError
from siteplan.network.graph import mode_graph
from siteplan.network.slope import Climb
from siteplan.network.snapping import link, positions
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, build_timetable
from siteplan.routing import nearest
from siteplan.routing.nearest import NearestSurface
from siteplan.routing.search import costs, prepare, times
from siteplan.routing.surfaces import spread_places
from test_graph import detoured, some_turns, turned
from test_transit import HALF_HOURLY, Case, along, cases, laid, road
from worlds import (
    METRE_A_SECOND,
    SCALE,
    STREET,
    Edge,
    World,
    a_place,
    islands,
    line,
    made,
    networks,
    places,
    plane,
    put,
    ring,
    river,
    shortcut,
)

GRID = 25.0
Floats = npt.NDArray[np.float64]


def rings(streets: StreetNetwork, sites: gpd.GeoDataFrame, **how: object) -> list[shapely.MultiPolygon]:
    shapes: list[shapely.MultiPolygon] = isochrones(streets, sites, **how).geometry.tolist()  # type: ignore[arg-type]
    return shapes


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(plane([(x, y)])[0])


def to_scale(streets: StreetNetwork, share: float) -> StreetNetwork:
    """Return a network drawn smaller, whose streets are as long as they are drawn."""
    x, y = plane([(0, 0)])[0]
    smaller = replace(streets, x=x + share * (streets.x - x), y=y + share * (streets.y - y))
    return replace(smaller, length=shapely.length(smaller.lines) / SCALE)


# Properties -----------------------------------------------------------------------------------------------------------

budgets = st.lists(st.sampled_from([1, 2, 2.5, 5, 8, 15, 20, 60]), min_size=2, max_size=4, unique=True)
profiles = st.builds(
    lambda base, speed, access: base.model_copy(update={"speed_kmh": speed, "access_kmh": access}),
    st.sampled_from([WALK, BIKE]),
    st.sampled_from([3.0, 4.8, 15.0, 60.0]),
    st.sampled_from([0.5, 3.0, 4.8, 8.0]),
)


@settings(max_examples=100)
@example(
    # The surface goes on beyond a limit by the time to walk one cell: along the street that is far.
    [
        (u, v, 0, 1.0)
        for u, v in zip([0, 7, 8, 0, 0, 9, 10, 0, 11, 0, 12, 1], [7, 8, 0, 2, 9, 10, 3, 11, 4, 12, 0, 0], strict=True)
    ],
    [(22, 0.5, 0.0)],
    [8, 15],
    WALK.model_copy(update={"access_kmh": 0.5}),
    "to",
)
@given(networks(), st.lists(a_place, min_size=1, max_size=2), budgets, profiles, st.sampled_from(["to", "from"]))
def test_any_budgets_are_nested_and_the_same_alone(
    edges: list[Edge], spots: list[tuple[int, float, float]], minutes: list[float], profile: Profile, direction: str
) -> None:
    streets = to_scale(made(edges), 0.2)
    if np.max(streets.costs(profile)) < 0:
        return
    sites = put(streets, spots)
    together = np.array(rings(streets, sites, mode=profile, minutes=minutes, direction=direction)).reshape(
        len(sites), -1
    )
    for limit, column in zip(sorted(minutes), together.T, strict=True):
        alone = rings(streets, sites, mode=profile, minutes=[limit], direction=direction)
        assert shapely.to_wkb(column).tolist() == shapely.to_wkb(alone).tolist()
    assert shapely.is_valid(together).all()
    assert (shapely.area(together[:, :-1]) <= shapely.area(together[:, 1:])).all()
    outside = shapely.area(shapely.difference(together[:, :-1], together[:, 1:]))
    assert (outside < 1e-3).all()


def block(step: float) -> World:
    """Return a grid of 5 x 5 junctions."""
    nodes = {5 * row + column: (step * column, step * row) for row in range(5) for column in range(5)}
    rows = [(STREET, [5 * row + k for k in range(5)]) for row in range(5)]
    return World(nodes, [*rows, *((STREET, [column + 5 * k for k in range(5)]) for column in range(5))])


@pytest.mark.parametrize("profile", [WALK, BIKE])
@pytest.mark.parametrize(
    ("world", "spot", "minutes"),
    [
        (line(), (130, 20), 3),
        (river(), (210, 30), 3),
        (shortcut(), (20, -30), 2),
        (line(), (200, 250), 5),
        (block(60), (100, 100), 1),
        (block(150), (310, 290), 3),
        (line({**STREET, "oneway": "yes"}, STREET, {**STREET, "oneway": "-1"}), (150, 0), 1),
        (line(STREET, {"highway": "steps"}, STREET), (90, 5), 2),
    ],
)
def test_it_is_the_union_of_discs_but_for_a_cell(
    world: World, spot: tuple[float, float], minutes: float, profile: Profile
) -> None:
    streets, site = world.streets(), places([spot])
    links = link(streets, site, mode=profile, link_m=1600)
    twin = reached_area(streets, profile, links, site.geometry.iloc[0], minutes=minutes, width=50.0)
    (drawn,) = rings(streets, site, mode=profile, minutes=[minutes], direction="from")
    assert shapely.area(shapely.difference(drawn, shapely.buffer(twin, 1.05 * GRID))) == 0
    assert shapely.area(shapely.difference(shapely.buffer(twin, -1.05 * GRID), drawn)) < 1
    assert drawn.area == pytest.approx(shapely.area(twin), rel=0.2)


asked = st.tuples(st.sampled_from([1, 8, 20]), st.booleans())


@settings(max_examples=200)
@given(networks(), st.tuples(some_turns, some_turns), st.lists(a_place, min_size=1, max_size=2), profiles, asked)
def test_a_surface_spreads_the_times_that_people_are_counted_by(
    edges: list[Edge],
    forbidden: tuple[list[int], list[int]],
    spots: list[tuple[int, float, float]],
    profile: Profile,
    asked: tuple[int, bool],
) -> None:
    streets = detoured(turned(to_scale(made(edges), 0.2), forbidden[0]), forbidden[1])
    minutes, backwards = asked
    if np.max(streets.costs(profile)) < 0:
        return
    sites = put(streets, [(edge, share, 0.0) for edge, share, _ in spots])
    found = _surfaces(streets, sites, profile, costs([minutes], "minutes"), backwards=backwards)
    graph = mode_graph(streets, profile, backwards=backwards)
    rows, sources = positions(link(streets, sites, mode=profile, link_m=1600), graph, profile)
    open_to_all = np.flatnonzero((graph.edge_chain >= 0) & ~streets.passages)
    edge, share = streets.spaced(min(GRID, 10 / 3.6 * profile.speed_kmh), open_to_all)
    targets = graph.positions(edge, share * streets.length[edge], np.zeros(len(edge), np.int64))
    table = times(prepare(graph, sources, targets), found.beyond)
    for k, row in enumerate(rows):
        if sources.access[k]:
            continue  # on an island: it has a way of its own to the street
        grid, west, south = found.of(row)
        _, met, cost = (column[table[0] == k] for column in table)
        own = found.ends[found.rank[row], 2:]
        xy, cost = np.vstack([streets.at(edge, share)[met], own]), np.append(cost, 0)
        twin = spread_places(xy, cost, GRID, found.pace, found.beyond)
        assert (west, south) == twin[1:]
        assert np.array_equal(grid, twin[0])
        assert np.array_equal(grid, np.round(grid))
        exact = np.minimum(spread_slowly(xy, cost, found.pace, grid.shape, (west, south)), found.beyond)
        assert np.abs(grid - exact).max() < 0.5 + 1e-6  # deciseconds


def spread_slowly(
    xy: Floats, cost: npt.NDArray[np.int64], pace: float, shape: tuple[int, int], first: tuple[float, float]
) -> Floats:
    """Return the least cost of a place and the walk from it, of less than 50 m, to each cell centre of a grid."""
    row, column = np.indices(shape).reshape(2, -1)
    x, y = first[0] + GRID * column, first[1] + GRID * row
    cell, place = shapely.STRtree(shapely.points(xy)).query(shapely.points(x, y), predicate="dwithin", distance=60)
    square = (x[cell] - xy[place, 0]) ** 2 + (y[cell] - xy[place, 1]) ** 2
    found = np.full(len(x), np.inf)
    within = square < REACH**2
    np.minimum.at(found, cell[within], (cost[place] + pace * np.sqrt(square))[within])
    return found.reshape(shape)


@settings(max_examples=300)
@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 9)))
def test_its_outlines_are_those_of_contourpy(values: npt.NDArray[np.float32]) -> None:
    surface, most = np.pad(values, 1, constant_values=9), 7.0
    ours = _contour((surface, 1000.0, 2000.0), 4.5, most)
    generator = contour_generator(
        1000 + GRID * np.arange(surface.shape[1]),
        2000 + GRID * np.arange(surface.shape[0]),
        np.minimum(surface, most),
        fill_type=FillType.OuterOffset,
    )
    theirs = [
        shapely.Polygon(rings[0], rings[1:])
        for coords, offsets in zip(*generator.filled(-1.0, 4.5), strict=True)
        for rings in [[coords[a:b] for a, b in itertools.pairwise(offsets)]]
    ]
    assert ours.is_valid
    assert shapely.equals_exact(ours.normalize(), shapely.MultiPolygon(theirs).normalize(), 1e-6)


a_grid = arrays(np.float32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 9))


@settings(max_examples=300)
@given(st.lists(st.tuples(a_grid, st.integers(-9, 30), st.integers(-9, 30)), min_size=1, max_size=5), st.integers(1, 4))
def test_the_area_of_any_site_is_the_contour_of_the_least_of_their_surfaces(
    laid: list[tuple[npt.NDArray[np.float32], int, int]], most: int
) -> None:
    surfaces = [(np.pad(grid, 1, constant_values=9), column * GRID, row * GRID) for grid, column, row in laid]
    whole = np.full((60, 60), np.float32(9))
    for grid, west, south in surfaces:
        row, column = round(south / GRID) + 10, round(west / GRID) + 10
        part = whole[row : row + grid.shape[0], column : column + grid.shape[1]]
        np.minimum(part, grid, out=part)
    twin = _contour((whole, -10 * GRID, -10 * GRID), 4.5, 7.0)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(nearest, "BLOCK", 4)
        small.setattr(nearest, "MOST", most)
        some, rest = NearestSurface(GRID, 9), NearestSurface(GRID, 9)
        for at, surface in enumerate(surfaces):
            (some if at % 2 else rest).add(surface)
        some.join(rest)
        pieces = [shapely.union_all([_contour(band, 4.5, 7.0) for band in bands]) for bands in some.pieces()]
    drawn = shapely.MultiPolygon([part for piece in pieces for part in shapely.get_parts(piece)])
    assert drawn.is_valid
    assert shapely.equals(drawn, twin)
    for surface in surfaces:
        assert shapely.difference(_contour(surface, 4.5, 7.0), twin).area < 1e-6


# Tiny worlds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spot", [(0.0, 0.0), (123.4, 5.6), (200.0, 250.0), (430.0, -30.0), (200.0, 1500.0)])
@pytest.mark.parametrize("minutes", [1, 5, 20])
def test_it_contains_its_origin(spot: tuple[float, float], minutes: float) -> None:
    (drawn,) = rings(line().streets(), places([spot]), minutes=[minutes])
    assert drawn.contains(at(*spot))


def test_one_dead_end_street_gives_an_area() -> None:
    short = World({1: (0.0, 0.0), 2: (40.0, 0.0)}, [(STREET, [1, 2])])
    (drawn,) = rings(short.streets(), places([(0.0, 0.0)]), minutes=[15])
    assert drawn.is_valid
    assert drawn.contains(at(40, 0))
    assert np.pi * 50**2 * 0.8 < drawn.area < (140 * 100) * 1.4


def test_the_far_bank_is_not_reached_where_the_bridge_is_too_far() -> None:
    # From the east of the south bank to the bridge 400 m, over it 200 m: 12 minutes at 3.6 km/h reach 120 m beyond it.
    streets, site = river().streets(), places([(400.0, 200.0)])
    slow = WALK.model_copy(update={"speed_kmh": 3.6, "access_kmh": 3.6})
    near, far = rings(streets, site, mode=slow, minutes=[8, 14])
    assert near.bounds[3] < at(0, 200).y + 200 - 50  # 480 m: 80 m onto the bridge
    assert not near.intersects(at(400, 300).buffer(20))
    assert far.contains(at(200, 400))
    assert not far.contains(at(350, 400))
    assert not far.intersects(at(300, 300).buffer(20))


def test_what_is_not_reached_is_a_hole() -> None:
    (drawn,) = rings(block(300).streets(), places([(600.0, 600.0)]), minutes=[12])
    (body,) = drawn.geoms
    assert len(body.interiors) >= 4
    assert not drawn.contains(at(750, 750))


def test_nobody_is_drawn_through_a_private_street() -> None:
    wide = {"highway": "service", "access": "private"}
    nodes = {1: (0.0, 0.0), 2: (0.0, 900.0), 3: (300.0, 900.0), 4: (300.0, 0.0)}
    world = World(nodes, [(STREET, [1, 2, 3, 4]), (wide, [1, 4])])
    (drawn,) = rings(world.streets(), places([(0.0, 0.0)]), minutes=[5])
    assert drawn.contains(at(290, 0))  # to the end of the private street: someone may live there
    assert not drawn.contains(at(300, 100))


def test_towards_and_from_a_site_differ_on_one_way_streets() -> None:
    streets = line({**STREET, "oneway": "yes", "foot": "no"}).streets()
    to, away = (
        rings(streets, places([(200.0, 0.0)]), mode="bike", minutes=[10], direction=d)[0] for d in ("to", "from")
    )
    assert to.contains(at(10, 0))
    assert not to.contains(at(290, 0))
    assert away.contains(at(390, 0))
    assert not away.contains(at(110, 0))


def test_downhill_reaches_farther_than_on_the_flat() -> None:
    # All of a straight street of 4 km in pieces of 200 m, at 1.7 times the speed.
    nodes = {k: (200.0 * k, 0.0) for k in range(21)}
    streets = World(nodes, [(STREET, [k, k + 1]) for k in range(20)]).streets()
    downhill = replace(streets, climb=Climb(np.full((20, 2), 0.8), np.full((20, 2), 1 / 1.7)))
    site, slope = places([(0.0, 0.0)]), BIKE.model_copy(update={"slope": True})
    flat, fast = (rings(s, site, mode=m, minutes=[8])[0] for s, m in ((streets, BIKE), (downhill, slope)))
    assert flat.bounds[2] - at(0, 0).x == pytest.approx(2000, abs=30)
    assert fast.bounds[2] - at(0, 0).x == pytest.approx(3400, abs=30)


def test_a_site_without_a_street_has_an_empty_shape() -> None:
    sites = places([(0.0, 0.0), (0.0, 5000.0)], ["near", "far"])
    table = isochrones(line().streets(), sites)
    assert table["site"].tolist() == ["near", "near", "far", "far"]
    assert table.geometry.is_empty.tolist() == [False, False, True, True]
    assert table.geom_type.unique().tolist() == ["MultiPolygon"]


def test_the_speed_stands_beside_every_shape() -> None:
    table = isochrones(line().streets(), places([(0.0, 0.0)], ["hall"]), mode="bike", minutes=[20, 10])
    assert table.drop(columns="geometry").to_dict("list") == {
        "site": ["hall", "hall"],
        "mode": ["bike", "bike"],
        "minutes": [10.0, 20.0],
        "speed_kmh": [15.0, 15.0],
    }
    assert table.crs == line().streets().crs


def test_the_order_of_sites_changes_nothing() -> None:
    streets, sites = river().streets(), places([(0.0, 0.0), (400.0, 400.0), (200.0, 190.0)])
    there = shapely.to_wkb(rings(streets, sites, minutes=[5]))
    back = shapely.to_wkb(rings(streets, sites.iloc[::-1], minutes=[5]))
    assert there.tolist() == back.tolist()[::-1]


def test_the_other_sites_change_nothing() -> None:
    streets, one, more = river().streets(), places([(0.0, 0.0)]), places([(0.0, 0.0), (400.0, 390.0), (200.0, 190.0)])
    assert rings(streets, one)[0].equals_exact(rings(streets, more)[0], 0)


def test_islands_are_drawn_for_nobody() -> None:
    (drawn,) = rings(islands().streets(), places([(100.0, 0.0)]), minutes=[20])
    assert not drawn.contains(at(100, 100))


def test_no_sites_are_no_shapes() -> None:
    assert rings(line().streets(), places([])) == []


def test_bad_questions_are_refused() -> None:
    streets, site = ring(STREET).streets(), places([(0.0, 0.0)])
    with pytest.raises(StudyError, match="minutes: expected at least one limit"):
        isochrones(streets, site, minutes=[])
    with pytest.raises(StudyError, match="limit of -5 minutes"):
        isochrones(streets, site, minutes=[-5])
    with pytest.raises(InputError, match="no CRS"):
        isochrones(streets, site.set_crs(None, allow_override=True))


def test_progress_is_told() -> None:
    calls: list[tuple[int, int]] = []
    sites = places([(0.0, 0.0), (10.0, 0.0)])
    isochrones(line().streets(), sites, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


# By public transport --------------------------------------------------------------------------------------------------

BY_BUS = Rides(walk=METRE_A_SECOND, window=("08:11", "08:12"))  # 13 minutes from where one has a minute to walk


def by_bus(site: float, rides: Rides = BY_BUS, **how: object) -> list[shapely.MultiPolygon]:
    streets = road()
    transit = build_timetable(HALF_HOURLY, streets)
    return rings(streets, along(site), mode=rides, transit=transit, **how)


def test_it_has_an_island_around_the_stop_where_one_gets_on() -> None:
    # The bus from 100 m to 5,000 m leaves its stop at 8:00 and is left at 8:10 with a minute to walk: 12 minutes from
    # the stop, and so 180 m around it with three minutes more.
    (drawn,) = by_bus(5060, minutes=[15])
    body, island = sorted(drawn.geoms, key=lambda part: -part.area)
    assert body.contains(at(5060, 0))
    west, _, east, _ = island.bounds
    x = at(0, 0).x
    assert (west - x, east - x) == (pytest.approx(-50, abs=GRID), pytest.approx(280, abs=GRID))


def test_it_contains_what_is_reached_on_foot() -> None:
    walked = rings(road(), along(5060), mode=METRE_A_SECOND, minutes=[15, 20])
    for own, ridden in zip(walked, by_bus(5060, minutes=[15, 20]), strict=True):
        assert shapely.difference(own, ridden).area < 1e-3
        assert ridden.area > own.area


def test_walks_all_the_way_end_at_their_own_limit() -> None:
    rides = BY_BUS.model_copy(update={"direct_walk_minutes": 5})
    (drawn,) = by_bus(5060, rides, minutes=[15])
    body, island = sorted(drawn.geoms, key=lambda part: abs(part.centroid.x - at(5060, 0).x))
    west, _, east, _ = body.bounds
    x = at(5060, 0).x
    assert (west - x, east - x) == (pytest.approx(-300, abs=GRID), pytest.approx(300, abs=GRID))
    assert island.contains(at(100, 0))


def test_from_the_site_the_island_is_where_one_gets_off() -> None:
    (drawn,) = by_bus(160, BY_BUS.model_copy(update={"window": ("07:28", "07:29")}), minutes=[15], direction="from")
    assert drawn.contains(at(5000, 0))
    assert not drawn.contains(at(2500, 0))


def test_both_ways_count_where_there_is_a_way_back() -> None:
    # The bus runs one way only: the day ends where one can go on foot.
    (both,) = by_bus(5060, BY_BUS.model_copy(update={"back": ("17:00", "17:30")}), minutes=[15])
    (walked,) = rings(road(), along(5060), mode=METRE_A_SECOND, minutes=[15])
    assert shapely.to_wkb(both) == shapely.to_wkb(walked)


def test_a_site_without_a_street_has_an_empty_shape_by_bus_too() -> None:
    streets = road()
    sites = places([(0.0, 0.0), (0.0, 5000.0)])
    table = isochrones(streets, sites, mode=BY_BUS, transit=build_timetable(HALF_HOURLY, streets), minutes=[10])
    assert table.geometry.is_empty.tolist() == [False, True]
    assert table["speed_kmh"].tolist() == [3.6, 3.6]


def test_without_a_timetable_there_are_no_rides() -> None:
    with pytest.raises(StudyError, match="no timetable"):
        isochrones(road(), along(0), mode="transit")


def quiet(transit: Timetable, sites: gpd.GeoDataFrame, **how: object) -> npt.NDArray[np.object_]:
    return np.array(rings(transit.streets, sites, transit=transit, **how)).reshape(len(sites), -1)


@settings(max_examples=25)
@given(cases(), budgets, st.sampled_from(["to", "from"]))
def test_rides_too_are_nested_and_the_same_alone(case: Case, minutes: list[float], direction: str) -> None:
    transit = laid(case.transit.feed, to_scale(case.transit.streets, 1))
    together = quiet(transit, case.sites, mode=case.rides, minutes=minutes, direction=direction)
    for limit, column in zip(sorted(minutes), together.T, strict=True):
        alone = quiet(transit, case.sites, mode=case.rides, minutes=[limit], direction=direction)
        assert shapely.to_wkb(column).tolist() == shapely.to_wkb(alone[:, 0]).tolist()
    assert shapely.is_valid(together).all()
    assert (shapely.area(shapely.difference(together[:, :-1], together[:, 1:])) < 1e-3).all()
    if case.rides.direct_walk_minutes is not None:
        return
    walked = isochrones(transit.streets, case.sites, mode=case.rides.walk, minutes=minutes, direction=direction)
    own = walked.geometry.to_numpy().reshape(together.shape)
    assert (shapely.area(shapely.difference(own, together)) < 1e-3).all()


def test_an_area_of_any_site_holds_the_area_of_each() -> None:
    streets, sites = block(300).streets(), places([(0.0, 0.0), (600.0, 600.0), (1200.0, 300.0)])
    drawing = Drawing(WALK, "minutes", [8, 4], dissolving=True)
    own = [drawing.of(streets, sites.iloc[:1]), drawing.of(streets, sites.iloc[1:])]
    assert shapely.to_wkb(np.concatenate([each.geometry for each in own])).tolist() == [
        each.wkb for each in rings(streets, sites, minutes=[4, 8])
    ]
    areas = drawing.dissolved(streets.crs)
    assert areas["minutes"].tolist() == [4, 8]
    assert areas["site"].isna().all()
    for limit, area in zip(areas["minutes"], areas.geometry, strict=True):
        union = shapely.union_all([each for table in own for each in table.geometry[table["minutes"] == limit]])
        assert area.is_valid
        assert shapely.difference(union, area).area < 1e-6
        assert union.area <= area.area < union.area * 1.01


def test_an_area_of_sites_without_a_street_is_empty() -> None:
    drawing = Drawing(WALK, "minutes", [4], dissolving=True)
    drawing.of(line().streets(), places([(0.0, 90_000.0)]))
    assert drawing.dissolved("EPSG:3857").geometry.is_empty.all()
