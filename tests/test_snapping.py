"""Places meet the streets at the nearest point on an edge; the way there costs; what is too far is said."""

import itertools
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import cut_off, usage
from siteplan.config import BIKE, WALK, Profile
from siteplan.errors import InputError, StudyError
from siteplan.inputs.sites import read_sites
from siteplan.network.graph import footing, mode_graph, stuck
from siteplan.network.segments import Segments, shares_along
from siteplan.network.snapping import as_profile, link, positions
from siteplan.network.streets import read_streets
from worlds import METRE_A_SECOND, SCALE, STREET, XY, Edge, World, islands, line, made, networks, places

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def test_a_place_meets_the_edge_not_its_node() -> None:
    found = link(line().streets(), places([(150.0, 30.0)], ["hall"])).loc["hall"]
    assert found["edge"] == 0
    assert found["offset_m"] == pytest.approx(150, abs=0.01)
    assert found["access_m"] == pytest.approx(30 * SCALE, abs=0.001)
    assert found["status"] == "placed"


@pytest.mark.parametrize(
    ("away", "limit", "status", "access"),
    [(299, 300, "placed", 299), (301, 300, "too far", 301), (301, 400, "placed", 301), (1700, 1600, "too far", np.inf)],
)
def test_what_is_too_far_is_said(away: float, limit: float, status: str, access: float) -> None:
    found = link(line().streets(), places([(100.0, away / SCALE)]), link_m=limit).iloc[0]
    assert found["status"] == status
    assert found["access_m"] == pytest.approx(access)
    assert (found["edge"] == -1) == (status == "too far")


@pytest.mark.parametrize("limit", [-1, 1601, float("nan")])
def test_a_limit_out_of_range_is_refused(limit: float) -> None:
    with pytest.raises(StudyError, match="between 0 and 1600 m"):
        link(line().streets(), places([(0.0, 0.0)]), link_m=limit)


def test_islands_are_not_linked_to() -> None:
    on_the_island = places([(100.0, 110.0)])
    assert link(islands().streets(), on_the_island, link_m=60).iloc[0]["status"] == "island"
    beside = link(islands().streets(), on_the_island).iloc[0]
    assert (beside["status"], beside["access_m"]) == ("placed", pytest.approx(110 * SCALE))


def with_spur(spur: dict[str, str]) -> World:
    """Return a street of two ways, 41 edges, and at its end one that leads nowhere, or comes from nowhere."""
    nodes: dict[int, XY] = {n: (10.0 * n, 0.0) for n in range(42)} | {50: (410.0, 100.0)}
    return World(nodes, [*((STREET, [n, n + 1]) for n in range(41)), (STREET | spur, [41, 50])])


@pytest.mark.parametrize(
    ("oneway", "no_out", "no_in"), [("yes", True, False), ("-1", False, True), ("no", False, False)]
)
def test_streets_that_nobody_can_leave_or_come_to(oneway: str, no_out: bool, no_in: bool) -> None:
    streets = with_spur({"oneway": oneway, "foot": "no"}).streets()
    assert stuck(streets, BIKE)[:-1].sum() == 0
    assert stuck(streets, BIKE)[-1].tolist() == [no_out, no_in]
    assert stuck(streets, WALK).sum() == 0


def test_bicycles_are_pushed_out_of_one_way_streets_that_lead_nowhere() -> None:
    streets = with_spur({"oneway": "yes"}).streets()
    assert stuck(streets, BIKE).sum() == 0
    use = footing(streets, BIKE)
    metres = streets.length[-1]
    assert use.cost[-1].tolist() == [round(metres * 36 / BIKE.speed_kmh), round(metres * 36 / BIKE.push_kmh)]
    assert use.ends_only.tolist() == [False] * 41 + [True]  # nobody pushes through it on the way to elsewhere


@settings(max_examples=200, deadline=None)
@given(networks(), st.sampled_from([BIKE, WALK]))
def test_what_one_way_streets_cut_off_equals_its_slow_twin(edges: list[Edge], profile: Profile) -> None:
    streets = made(edges)
    if np.max(streets.costs(profile)) < 0:
        return
    found = stuck(streets, profile)
    left = cut_off(streets, usage(streets, profile)[0])
    assert {edge: tuple(found[edge].tolist()) for edge in np.flatnonzero(found.any(axis=1)).tolist()} == left


def test_forty_edges_are_no_island() -> None:
    nodes: dict[int, XY] = {n: (10.0 * n, 0.0) for n in range(42)} | {100 + n: (10.0 * n, 500.0) for n in range(41)}
    ways = [(STREET, [n, n + 1]) for n in [*range(41), *range(100, 140)]]
    graph = mode_graph(World(nodes, ways).streets(), WALK)
    assert graph.usable.all()
    assert not mode_graph(World(nodes, ways[:-1]).streets(), WALK).usable.all()


def test_a_mode_is_linked_to_its_own_streets() -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (0.0, 50.0), 4: (100.0, 50.0)}
    streets = World(nodes, [({"highway": "footway"}, [1, 2]), ({"highway": "cycleway"}, [3, 4])]).streets()
    home = places([(50.0, 25.0 - 1)])
    assert link(streets, home, mode="walk").iloc[0]["access_m"] == pytest.approx(24 * SCALE)
    assert link(streets, home, mode="bike").iloc[0]["access_m"] == pytest.approx(26 * SCALE)


def test_shapes_are_linked_by_their_centroids_in_any_crs() -> None:
    streets = line().streets()
    there = places([(150.0, 30.0)], ["a"])
    block = there.set_geometry(there.buffer(10)).to_crs(3035)
    expected = link(streets, there.to_crs(4326)).loc["a"]
    found = link(streets, block).loc["a"]
    assert found["offset_m"] == pytest.approx(expected["offset_m"], abs=0.01)
    assert found["access_m"] == pytest.approx(expected["access_m"], abs=0.01)


def test_of_two_streets_as_near_the_first_is_taken() -> None:
    crossing = line(STREET, STREET, STREET, STREET).streets()
    assert link(crossing, places([(100.0, 0.0), (200.0, 20.0), (300.0, -20.0)]))["edge"].tolist() == [0, 1, 2]


def test_the_way_to_the_street_costs_walking_time() -> None:
    streets = line().streets()
    links = link(streets, places([(0.0, 256.0), (0.0, 0.0)]), mode=BIKE)
    _, found = positions(links, mode_graph(streets, BIKE), BIKE)
    assert found.access.tolist() == [round(256 * SCALE * 36 / 4.8), 0]


def test_places_without_crs_or_geometry_are_refused() -> None:
    streets = line().streets()
    nowhere = gpd.GeoDataFrame(geometry=[shapely.Point()], crs=4326)
    with pytest.raises(InputError, match="have no CRS"):
        link(streets, places([(0.0, 0.0)]).set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="1 places have no geometry"):
        link(streets, nowhere)


def test_no_places_is_an_empty_table() -> None:
    assert len(link(line().streets(), places([]))) == 0


def test_modes_by_name() -> None:
    assert as_profile("pedelec").speed_kmh == 23
    assert as_profile(METRE_A_SECOND) is METRE_A_SECOND
    with pytest.raises(StudyError, match="mode 'car': unknown; expected one of walk, slow_walk, bike, calm, pedelec"):
        as_profile("car")


def test_a_street_goes_before_the_rim_of_a_square_that_is_about_as_near() -> None:
    # The square lies 6 m beside the street it belongs to, and is joined to it by a detour only.
    nodes: dict[int, XY] = {1: (0, 0), 2: (500, 0), 3: (100, 6), 4: (200, 6), 5: (200, 80), 6: (100, 80), 7: (500, 80)}
    square = {"highway": "pedestrian", "area": "yes"}
    streets = World(nodes, [(STREET, [1, 2, 7, 5]), (square, [3, 4, 5, 6, 3])]).streets()
    found = link(streets, places([(150.0, 7.0), (150.0, 60.0)]))
    assert streets.areas[found["edge"]].tolist() == [False, True]
    assert found["access_m"].tolist() == pytest.approx([7 * SCALE, 20 * SCALE], abs=0.01)


def test_what_is_nearest_is_found_once_for_all_speeds_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow twin asks a network that knows nothing: whoever may use the same streets shares what was found."""
    streets = read_streets(SAMPLE / "streets.osm.pbf")
    sites = read_sites(SAMPLE / "sites.csv")
    asked = []
    original = Segments.nearest
    monkeypatch.setattr(Segments, "nearest", lambda *given: asked.append(0) or original(*given))
    first = link(streets, sites, mode="walk")
    times = len(asked)
    for speed in (2.0, 6.0):
        again = link(streets, sites, mode=WALK.model_copy(update={"speed_kmh": speed}))
        pd.testing.assert_frame_equal(again, first)
    assert len(asked) == times > 0
    first.loc[:, "access_m"] = -1.0  # what is given is the caller's own
    for mode in ("walk", "bike"):
        fresh = link(replace(streets), sites, mode=mode)
        pd.testing.assert_frame_equal(link(streets, sites, mode=mode), fresh)
        moved = link(streets, sites.iloc[::-1], mode=mode)
        pd.testing.assert_frame_equal(moved.iloc[::-1], fresh)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 37.3, 400.0]))
def test_what_is_nearest_equals_its_slow_twin_to_the_last_bit(seed: int, scale: float) -> None:
    """The twin measures every line; on a lattice many are as near, lines go back and forth or have no length."""
    chance = np.random.default_rng(seed)
    count = chance.integers(2, 6, 30)
    start = np.concatenate([[0], np.cumsum(count)])
    x, y = (scale * chance.integers(0, 8, start[-1]) + np.where(chance.random() < 0.5, 5e6, 0.1) for _ in range(2))
    spots = np.column_stack([x, y])[:40] + scale * chance.integers(-2, 9, (40, 2)) * chance.choice(
        [0, 0.5, 1.7], (40, 1)
    )
    within = chance.choice([scale, 3 * scale, np.inf], 40)
    edges = np.flatnonzero(chance.random(30) < 0.7)
    lines = np.array([shapely.LineString(np.column_stack([x[a:b], y[a:b]])) for a, b in itertools.pairwise(start)])
    far = shapely.distance(lines[None, :], shapely.points(spots)[:, None])
    far[:, np.setdiff1d(np.arange(30), edges)] = np.inf
    far[far > within[:, None]] = np.inf
    edge = np.where(np.isfinite(far.min(axis=1)), far.argmin(axis=1), -1)
    segment, distance = Segments.of(x, y, start, edges).nearest(spots, within)
    assert (np.searchsorted(start, segment, side="right") - 1).tolist() == edge.tolist()
    assert distance.tolist() == far.min(axis=1).tolist()
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(shapely.line_locate_point(lines[edge], shapely.points(spots), normalized=True))
    found = shares_along(x, y, start, edge, vertex=segment, places=spots)
    assert found.tolist() == np.where(edge >= 0, share, 0.0).tolist()
