"""The graph of a mode: contracted, renumbered, split at places, and still the streets themselves."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracles import street_times, turning_times, usage
from siteplan.config import BIKE, CALM, WALK, Profile
from siteplan.errors import NetworkError
from siteplan.network.detours import apart
from siteplan.network.graph import ModeGraph, footing, mode_graph
from siteplan.network.kept import linked
from siteplan.network.snapping import link, positions
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.routing import search
from siteplan.routing.ways import Spot as Place
from siteplan.routing.ways import find_way
from siteplan.times import travel_times
from worlds import (
    METRE_A_SECOND,
    STREET,
    Edge,
    Tags,
    World,
    line,
    made,
    networks,
    on_edges,
    places,
    plane,
    put,
    ring,
    river,
    shortcut,
)

PUSHED = BIKE.model_copy(update={"name": "pushed", "push": True})
PROFILES = [WALK, BIKE, PUSHED, METRE_A_SECOND]
Spot = tuple[int, float, float]


def links(streets: StreetNetwork, profile: Profile, spots: Sequence[Spot]) -> pd.DataFrame:
    """Link places (edge, share along it, metres off it) by hand, whatever the size of the edge's component."""
    edge = np.array([spot[0] for spot in spots]) % len(streets.u)
    usable = np.max(streets.costs(profile), axis=0)[edge] >= 0
    return pd.DataFrame(
        {
            "edge": np.where(usable, edge, -1),
            "offset_m": streets.length[edge] * [spot[1] for spot in spots],
            "access_m": [spot[2] for spot in spots],
            "status": np.where(usable, "placed", "too far"),
        }
    )


def engine(
    streets: StreetNetwork,
    profile: Profile,
    sites: pd.DataFrame,
    points: pd.DataFrame,
    limit: float,
    direction: Literal["to", "from"],
) -> dict[tuple[int, int], int]:
    """Search from the sites with the compiled kernels."""
    graph = mode_graph(streets, profile, backwards=direction == "to")
    site_rows, site_places = positions(sites, graph, profile)
    point_rows, point_places = positions(points, graph, profile)
    work = search.prepare(graph, site_places, point_places)
    source, target, cost = search.times(work, round(limit * 600))
    return dict(zip(zip(site_rows[source], point_rows[target], strict=True), cost, strict=True))


@settings(max_examples=1200)
@given(networks(), on_edges, on_edges, st.sampled_from(PROFILES), st.sampled_from([1, 7.5, 60]))
def test_the_engine_equals_its_slow_twin(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile, limit: float
) -> None:
    streets = made(edges)
    if np.max(streets.costs(profile)) < 0:
        return
    sites, points = links(streets, profile, at), links(streets, profile, of)
    for direction in ("to", "from"):
        expected = street_times(streets, profile, sites, points, limit=limit, direction=direction)
        assert engine(streets, profile, sites, points, limit, direction) == expected


# Turns ----------------------------------------------------------------------------------------------------------------


def turned(streets: StreetNetwork, seeds: Sequence[int]) -> StreetNetwork:
    """Forbid some turns at nodes, never turning round."""
    ends = np.column_stack([streets.u, streets.v])
    halves = range(2 * len(streets.u))
    turns = [
        (one, other)
        for one, other in itertools.product(halves, halves)
        if ends[one >> 1, 1 - (one & 1)] == ends[other >> 1, other & 1] and other != one ^ 1
    ]
    chosen = sorted({turns[seed % len(turns)] for seed in seeds}) if turns else []
    return replace(streets, turns=np.array(chosen, np.int64).reshape(-1, 2))


def detoured(streets: StreetNetwork, seeds: Sequence[int]) -> StreetNetwork:
    """Forbid some ways of three or four half-edges, never turning round on them."""
    ends = np.column_stack([streets.u, streets.v])
    halves = range(2 * len(streets.u))
    onward = {
        one: [h for h in halves if ends[one >> 1, 1 - (one & 1)] == ends[h >> 1, h & 1] and h != one ^ 1]
        for one in halves
    }
    ways = [(a, b, c) for a in halves for b in onward[a] for c in onward[b]]
    ways += [(*way, d) for way in ways[::3] for d in onward[way[-1]]]
    return replace(streets, detours=tuple(apart(ways[seed % len(ways)] for seed in seeds)) if ways else ())


some_turns = st.lists(st.integers(0, 10_000), max_size=12)


def test_nobody_turns_round_in_the_middle_of_a_street_to_take_a_forbidden_turn() -> None:
    """From the spur one may not turn into the first way; the end of the second one is where one may turn round."""
    edges: list[Edge] = [(3, 7, 0, 0.25), (7, 1, 0, 0.25), (1, 8, 0, 0.25), (8, 3, 0, 0.25), (11, 1, 0, 0.05)]
    streets = replace(made(edges), turns=np.array([[2 * 4, 2 * 1 + 1]]))
    placed = links(streets, BIKE, [(1, 0.5, 0.0), (4, 0.5, 0.0)])
    rows = np.flatnonzero(placed["status"] == "placed").tolist()
    spots = [(int(placed["edge"][row]), float(placed["offset_m"][row]), 0) for row in rows]
    assert engine(streets, BIKE, placed, placed, 60, "from") == {
        (rows[a], rows[b]): cost for (a, b), cost in turning_times(streets, BIKE, spots).items()
    }
    assert turning_times(streets, BIKE, spots)[1, 0] == 3
    spur, first = (Place(edge, offset / streets.length[edge], 0) for edge, offset, _ in reversed(spots))
    way = find_way(streets, BIKE, [spur], [first], most=36_000)
    assert way is not None
    assert way.cost == 3


@settings(max_examples=400, deadline=None)
@given(networks(), some_turns, some_turns, on_edges, st.sampled_from([BIKE, BIKE, PUSHED, WALK]))
# A place from which half a decisecond is left to the one end, and to the other.
@example([(0, 0, 0, 0.1), (0, 7, 0, 2.35), (7, 0, 0, 2.35)], [], [], [(1, 0.75, 0.0), (0, 0.5, 0.0)], BIKE)
def test_forbidden_turns_equal_their_slow_twin(
    edges: list[Edge], seeds: list[int], over: list[int], at: list[Spot], profile: Profile
) -> None:
    """At nodes, and on the way over one street or two."""
    streets = detoured(turned(made(edges), seeds), over)
    if np.max(streets.costs(profile)) < 0:
        return
    placed = links(streets, profile, [(edge, share, 0.0) for edge, share, _ in at])
    rows = np.flatnonzero(placed["status"] == "placed").tolist()
    spots = [(int(placed["edge"][row]), float(placed["offset_m"][row]), 0) for row in rows]
    free = replace(streets, turns=streets.turns[:0], detours=())
    closed = np.array(usage(streets, profile)[1])
    bound = replace(streets, detours=tuple(way for way in streets.detours if not closed[np.array(way) >> 1].any()))
    bound = bound if profile is BIKE else free
    twin = {(rows[a], rows[b]): cost for (a, b), cost in turning_times(bound, profile, spots).items() if cost <= 36_000}
    assert engine(streets, profile, placed, placed, 60, "from") == twin
    assert engine(streets, profile, placed, placed, 60, "to") == {(b, a): cost for (a, b), cost in twin.items()}
    # And so does the one that tells the way.
    shares = [Place(edge, offset / streets.length[edge], 0) for edge, offset, _ in spots]
    for a, b in itertools.product(range(len(rows)), repeat=2):
        way = find_way(streets, profile, [shares[a]], [shares[b]], most=36_000)
        assert (None if way is None else way.cost) == twin.get((rows[a], rows[b]))


# What stands at nodes -------------------------------------------------------------------------------------------------

POSTS: list[Tags] = [{"barrier": "gate"}, {"barrier": "wall"}, {"highway": "elevator"}]


def all_ways(posts: dict[int, Tags]) -> dict[tuple[int, int], int]:
    """Return the least deciseconds between the middles of the streets of `river`, tried way by way without edges."""
    world, graph = river(), nx.Graph()
    middles, way_of = {}, {}
    for way, (_, nodes) in enumerate(world.ways):
        for one, two in itertools.pairwise(nodes):
            (x, y), (other_x, other_y) = world.nodes[one], world.nodes[two]
            middle = ((x + other_x) / 2, (y + other_y) / 2)
            middles[middle] = len(middles)
            way_of["middle", middles[middle]] = way
            for node in (one, two):
                graph.add_edge(("middle", middles[middle]), node, seconds=100)
    found = {}
    for start, end in itertools.permutations(range(len(middles)), 2):
        for way in nx.all_simple_paths(graph, ("middle", start), ("middle", end)):
            nodes = range(1, len(way), 2)
            if {"barrier": "wall"} not in [posts.get(way[k]) for k in nodes]:
                cost = 1000 * (len(way) - 1)
                for k in nodes:  # going on along one way past another, nobody takes the lift
                    there = {way_of[middle] for middle in graph[way[k]]}
                    past = way_of[way[k - 1]] == way_of[way[k + 1]] and len(there) > 1
                    cost += 600 * (posts.get(way[k]) == {"highway": "elevator"} and not past)
                found[start, end] = min(cost, found.get((start, end), cost))
    return found


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(0, 8), st.sampled_from(POSTS), max_size=9))
def test_barriers_and_lifts_at_nodes_equal_their_slow_twin(posts: dict[int, Tags]) -> None:
    world = replace(river(), posts=posts)
    streets = world.streets()
    spots = []
    for _, nodes in world.ways:
        for one, two in itertools.pairwise(nodes):
            (x, y), (other_x, other_y) = world.nodes[one], world.nodes[two]
            place = shapely.Point(plane([((x + other_x) / 2, (y + other_y) / 2)])[0])
            edge = int(np.argmin(shapely.distance(streets.lines, place)))
            spots.append((edge, float(shapely.line_locate_point(streets.lines[edge], place, normalized=True)), 0.0))
    placed = links(streets, METRE_A_SECOND, spots)
    for direction in ("to", "from"):
        found = engine(streets, METRE_A_SECOND, placed, placed, 60, direction)
        assert {pair: cost for pair, cost in found.items() if pair[0] != pair[1]} == pytest.approx(
            all_ways(posts), abs=3
        )  # each edge is rounded to a decisecond


def test_nobody_goes_through_a_private_gate_on_the_way() -> None:
    # From the middle of one side of a ring of 4 x 100 m to that of the next: 100 m by the gate, 300 m round.
    world = ring(STREET)
    first, second, third = world.nodes[1], world.nodes[2], world.nodes[4]
    middles = [((first[0] + other[0]) / 2, (first[1] + other[1]) / 2) for other in (second, third)]
    for access, minutes in (("yes", 100 / 60), ("private", 300 / 60)):
        streets = replace(world, posts={1: {"barrier": "gate", "access": access}}).streets()
        times = travel_times(streets, places(middles[:1]), places(middles[1:]), mode=METRE_A_SECOND, minutes=60)
        assert times["minutes"].tolist() == pytest.approx([minutes], abs=0.01)
        assert streets.counts["barriers_at_ends_of_trips"] == (access == "private")


def test_barriers_without_length_are_not_linked_to() -> None:
    streets = replace(line(), posts={3: {"highway": "elevator"}}).streets()
    assert streets.passages.sum() == 2
    assert not streets.passages[link(streets, places([(200.0, 5.0)]))["edge"]].any()
    # Taking the lift costs a minute, half of it on either side; where nothing lies beyond, nobody takes it.
    assert streets.costs(METRE_A_SECOND)[0][streets.passages].tolist() == [300, 300]
    assert not replace(line(), posts={5: {"highway": "elevator"}}).streets().passages.any()


@pytest.mark.parametrize("direction", ["to", "from"])
def test_between_either_side_of_a_lift_one_takes_it(direction: Literal["to", "from"]) -> None:
    streets = replace(line(), posts={3: {"highway": "elevator"}}).streets()
    lift = {*streets.u[streets.passages].tolist(), *streets.v[streets.passages].tolist()}
    spots = [(edge, float(int(streets.v[edge]) in lift), 0.0) for edge in np.flatnonzero(~streets.passages).tolist()]
    sides = links(streets, METRE_A_SECOND, spots)
    found = engine(streets, METRE_A_SECOND, sides, sides, 60, direction)
    assert found == {(0, 0): 0, (0, 1): 600, (1, 0): 600, (1, 1): 0}


def test_nobody_takes_a_lift_between_ways_on_one_level(tmp_path: Path) -> None:
    """Corridors of 100 m meet at a lift, which takes a minute, but between the two of level 0, however written.

    And between the two that name layer 1 and no level, which is another place than level 1. Who names two levels, or
    nothing, may be on any: there the lift is taken, but for going on along one and the same way.
    """
    named: list[Tags] = [{"level": level} for level in ("0", "0.0", "1", "0;1")]
    named += [{"layer": "1"}, {"layer": "1.0"}, {"layer": "1", "level": "0;1"}, {"layer": "one"}, {}, {}]
    ends = [(100 * np.cos(turn), 100 * np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
    ways = [({"highway": "corridor", **tags}, [0, n + 1]) for n, tags in enumerate(named)]
    ways.append(({"highway": "corridor"}, [11, 0, 12]))
    nodes = {0: (0.0, 0.0), **{n + 1: end for n, end in enumerate(ends)}}
    world, file = World(nodes, ways, posts={0: {"highway": "elevator"}}), tmp_path / "world.osm"
    file.write_text(world.xml(), encoding="utf-8")
    there = places(ends)
    for streets in (read_streets(file), world.streets()):
        times = travel_times(streets, there, there, mode=METRE_A_SECOND, minutes=10)
        for site, point, minutes in times[["site", "point", "minutes"]].itertuples(index=False):
            same = int(site) == point
            lift = 0 if same or {int(site), point} in ({0, 1}, {4, 5}, {10, 11}) else 60
            assert 60 * minutes == pytest.approx(0 if same else 200 + lift, abs=0.5)
        assert len(times) == 144


def test_a_lift_drawn_as_a_way_is_no_lift_again_at_its_ends() -> None:
    lift: Tags = {"highway": "elevator"}
    world = replace(line(STREET, lift, STREET), posts={2: lift, 3: lift})
    assert world.streets().counts["lifts_at_nodes"] == 0


ONE_WAY: Tags = {"highway": "residential", "oneway": "yes"}
CYCLEWAY: Tags = {"highway": "cycleway"}


RIDDEN = {**ONE_WAY, "foot": "no"}  # nobody pushes a bicycle the other way


@pytest.mark.parametrize(
    ("world", "profile", "chains"),
    [
        (line(STREET, STREET, STREET, STREET), METRE_A_SECOND, [(4000, 4000)]),
        (line(STREET, ONE_WAY, ONE_WAY, STREET), METRE_A_SECOND, [(4000, 4000)]),  # one way for bicycles only
        (
            line(RIDDEN, RIDDEN),
            METRE_A_SECOND.model_copy(update={"rules": "bike"}),
            [(1000, -1), (1000, -1)],
        ),  # cut off
        (ring(ONE_WAY), METRE_A_SECOND.model_copy(update={"rules": "bike"}), [(4000, -1)]),
        (line(RIDDEN, STREET), METRE_A_SECOND.model_copy(update={"rules": "bike"}), [(1000, -1), (1000, 1000)]),
        (line(STREET, CYCLEWAY, STREET), METRE_A_SECOND, [(1000, 1000), (1000, 1000)]),
        (ring(STREET), METRE_A_SECOND, [(4000, 4000)]),
        (shortcut(STREET), METRE_A_SECOND, [(1414, 1414), (2000, 2000), (2000, 2000)]),
    ],
)
def test_chains_hold_what_lies_between_choices(world: World, profile: Profile, chains: list[tuple[int, int]]) -> None:
    total = mode_graph(world.streets(), profile).total
    either_way = [tuple(sorted(pair, reverse=True)) for pair in total.tolist()]
    assert sorted(either_way) == chains


def test_a_ring_without_a_junction_is_one_chain_from_a_node_to_itself() -> None:
    streets = made([(0, 1, 0, 10.0), (1, 2, 0, 20.0), (2, 0, 0, 30.0)])
    graph = mode_graph(streets, METRE_A_SECOND)
    assert graph.total.tolist() == [[600, 600]]
    assert graph.leave[0, 0] == graph.leave[0, 1]


def test_private_streets_stand_before_and_after_the_others() -> None:
    graph = mode_graph(shortcut().streets(), METRE_A_SECOND)
    # Two chains of streets, there and back, two private ones twice; two junctions three times, with two steps each.
    assert len(graph.indptr) - 1 == 2 * 3
    assert len(graph.arcs) == 2 * 2 + 2 * 2 + 2 * 2


def test_hundreds_of_parallel_streets_are_one_component() -> None:
    # 256 is where a count of parallel edges in one byte comes round to nothing.
    graph = mode_graph(made([(0, 1, 0, 10.0)] * 256), METRE_A_SECOND)
    assert graph.usable.all()


def test_a_graph_is_made_once() -> None:
    streets = line().streets()
    assert mode_graph(streets, WALK) is mode_graph(streets, WALK)
    assert mode_graph(streets, WALK) is not mode_graph(streets, WALK, backwards=True)


CALMER = CALM.with_(stress=3)
a_speed = st.builds(
    lambda profile, kmh, pushing: profile.with_(speed_kmh=kmh, push_kmh=pushing, access_kmh=pushing),
    st.sampled_from([WALK, WALK.with_(squares="around"), BIKE, PUSHED, CALM, CALMER]),
    st.floats(1, 20),
    st.floats(1, 8),
)


@settings(max_examples=300, deadline=None)
@given(networks(), some_turns, some_turns, on_edges, st.lists(a_speed, min_size=2, max_size=5))
def test_streets_at_other_speeds_are_those_laid_anew(
    edges: list[Edge], seeds: list[int], over: list[int], at: list[Spot], profiles: list[Profile]
) -> None:
    """One after the other, on streets that share what no speed changes: graphs, and where places meet the streets."""
    streets = detoured(turned(made(edges), seeds), over)
    spots = put(streets, at)
    for profile in profiles:
        anew, varied = replace(streets), streets.varied()
        if np.max(anew.costs(profile)) < 0:
            continue
        pd.testing.assert_frame_equal(linked(varied, spots, profile, 300.0), link(anew, spots, mode=profile))
        for made_of in (footing, mode_graph):
            one, other = dict(vars(made_of(varied, profile))), dict(vars(made_of(anew, profile)))
            long = one.pop("detours", ()), other.pop("detours", ())  # of several lengths: no array
            assert long[0] == long[1]
            assert all(np.array_equal(one[name], other[name]) for name in other)
        assert not any(isinstance(kept, ModeGraph) for kept in streets._memo.values())


def test_no_street_for_a_mode_is_an_error() -> None:
    with pytest.raises(NetworkError, match=r"a tiny world: no street may be used by profile 'walk' \(walk\)"):
        mode_graph(line(CYCLEWAY).streets(), WALK)
