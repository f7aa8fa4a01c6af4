"""Cycling where it is calm: traffic stress by tags, and a bicycle that is pushed beyond it."""

import re

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

import siteplan as sp
from siteplan.config import BIKE, CALM
from siteplan.config.publics import cyclists
from siteplan.network.tags import Access, bike_use, stress
from siteplan.output.maps import layers
from siteplan.output.publics import publics_told
from siteplan.study import run
from siteplan.study.layers import stress_lines
from siteplan.study.reading import read_study
from siteplan.words import all_words, load_words
from tests.town import write_town
from worlds import World, places


@pytest.mark.parametrize(
    ("tags", "levels"),
    [
        # Apart from motor traffic.
        ({"highway": "cycleway"}, (1, 1)),
        ({"highway": "path"}, (1, 1)),
        ({"highway": "living_street"}, (1, 1)),
        ({"highway": "service"}, (1, 1)),
        # No speed is tagged: by the kind of street, as Conveyal's R5.
        ({"highway": "residential"}, (1, 1)),
        ({"highway": "unclassified"}, (2, 2)),
        ({"highway": "tertiary"}, (3, 3)),
        ({"highway": "tertiary", "cycleway": "lane"}, (2, 2)),
        ({"highway": "secondary"}, (4, 4)),
        ({"highway": "primary", "cycleway:right": "lane"}, (3, 4)),
        ({"highway": "primary", "cycleway:left": "track"}, (4, 1)),
        ({"highway": "secondary", "cycleway": "opposite_lane"}, (4, 3)),
        ({"highway": "trunk"}, (4, 4)),
        # A speed is tagged: Mekuria, Furth & Nixon (2012), 25 mph, 30 mph, more; four lanes are one level worse.
        ({"highway": "residential", "maxspeed": "30"}, (1, 1)),
        ({"highway": "residential", "maxspeed": "50"}, (2, 2)),
        ({"highway": "tertiary", "maxspeed": "40"}, (2, 2)),
        ({"highway": "tertiary", "maxspeed": "50"}, (3, 3)),
        ({"highway": "secondary", "maxspeed": "90"}, (4, 4)),
        ({"highway": "secondary", "maxspeed": "40", "lanes": "4"}, (3, 3)),
        ({"highway": "secondary", "maxspeed": "50", "cycleway:both": "lane"}, (2, 2)),
        ({"highway": "secondary", "maxspeed": "50", "cycleway:both": "lane", "lanes": "4"}, (3, 3)),
        ({"highway": "secondary", "maxspeed": "90", "cycleway:both": "lane"}, (3, 3)),
        ({"highway": "residential", "maxspeed": "walk"}, (1, 1)),
    ],
)
def test_stress_hangs_on_speed_lanes_and_what_cyclists_have(tags, levels):
    assert stress(tags) == levels


def test_beyond_the_limit_bicycles_are_pushed_where_one_may_walk():
    primary = {"highway": "primary"}
    assert bike_use(primary).forward is Access.YES
    assert bike_use(primary, calm=2).forward is Access.PUSH
    assert bike_use({**primary, "foot": "no"}, calm=2).forward is Access.NO
    assert bike_use({**primary, "oneway": "yes"}, calm=2).backward is Access.NO
    assert bike_use(primary, calm=4).forward is Access.YES
    assert bike_use({"highway": "tertiary", "access": "private"}, calm=2).forward is Access.ENDS


# A primary road straight from 0 to 2, and a residential way round by 3.
WAYS = [({"highway": "primary"}, [0, 1, 2]), ({"highway": "residential"}, [0, 3, 2])]
TOWN = World({0: (0.0, 0.0), 1: (400.0, 0.0), 2: (800.0, 0.0), 3: (400.0, 600.0)}, WAYS)


@pytest.mark.parametrize(
    ("speed", "names"),
    [
        ("maxspeed=30 mph", 3),
        ("maxspeed=25 mph", 2),
        ("maxspeed=FR:zone30", 2),
        ("maxspeed=FR:urban", 3),
        ("maxspeed=50 km/h", 3),
        ("", 4),
    ],
)
def test_speeds_are_read_as_people_write_them(tmp_path, speed, names):
    key, _, value = speed.partition("=")
    tags = {"highway": "primary", **({key: value} if key else {})}
    streets = World(TOWN.nodes, [(tags, [0, 1, 2]), WAYS[1]]).streets()
    path = tmp_path / "town.osm"
    path.write_text(World(TOWN.nodes, [(tags, [0, 1, 2]), WAYS[1]]).xml(), encoding="utf-8")
    for each in (streets, sp.read_streets(path)):  # as made, and as read, which rounds speeds
        assert set(each.stress[0][each.way_id == 1].tolist()) == {names}


def test_calm_times_equal_the_slow_twin():
    streets = TOWN.streets()
    ends = places([(0.0, 0.0), (800.0, 0.0)])
    graph = nx.DiGraph()
    for edge, (u, v) in enumerate(zip(streets.u.tolist(), streets.v.tolist(), strict=True)):
        levels = streets.stress[0][edge], streets.stress[1][edge]
        for a, b, level in ((u, v, levels[0]), (v, u, levels[1])):
            kmh = CALM.speed_kmh if level <= 2 else CALM.push_kmh
            graph.add_edge(a, b, weight=round(10 * float(streets.length[edge]) * 3.6 / kmh))
    links = sp.link(streets, ends, mode=CALM)
    edge = links["edge"].to_numpy()
    near = [int(streets.u[e]) if m < 1 else int(streets.v[e]) for e, m in zip(edge, links["offset_m"], strict=True)]
    slow = nx.shortest_path_length(graph, near[0], near[1], weight="weight") / 600
    times = sp.travel_times(streets, ends.iloc[1:], ends.iloc[:1], mode=CALM, minutes=60)
    assert times["minutes"].iloc[0] == pytest.approx(slow, abs=0.02)
    bold = sp.travel_times(streets, ends.iloc[1:], ends.iloc[:1], mode=BIKE, minutes=60)
    assert bold["minutes"].iloc[0] < times["minutes"].iloc[0]
    assert np.isclose(bold["minutes"].iloc[0], 800 / 15000 * 60, rtol=0.02)


def test_types_of_cyclists_have_the_modes_that_they_dare():
    who = cyclists([sp.WALK, sp.BIKE, sp.CALM, sp.TRANSIT])
    assert [(each.name, each.share_of("people"), each.modes) for each in who] == [
        ("anywhere", 0.12, ("walk", "bike", "calm", "transit")),
        ("calm", 0.51, ("walk", "calm", "transit")),
        ("not_cycling", 0.37, ("walk", "transit")),
    ]
    ride = sp.Rides(name="ride", home=sp.BIKE)
    assert [each.modes for each in cyclists([sp.WALK, ride])] == [("walk", "ride"), ("walk",), ("walk",)]


@pytest.mark.parametrize(
    ("travel", "apart"),
    [
        ({}, True),  # walk, bike and calm
        ({"modes": ["walk", "calm", "pedelec"]}, True),  # with a motor one goes anywhere, too
        ({"modes": ["walk", "bike"]}, False),  # nobody knows what is calm
        ({"modes": ["walk", "calm"]}, False),
        ({"calm": {"stress": 3}}, False),  # more than most adults accept
        ({"publics": "all"}, False),
        ({"modes": ["walk", "bike"], "publics": "cyclists"}, True),
    ],
)
def test_the_published_types_of_cyclists_are_told_apart_where_the_modes_do(travel, apart):
    study = sp.Study.model_validate({"travel": travel})
    assert [each.name for each in study.publics] == (["anywhere", "calm", "not_cycling"] if apart else [])
    assert not apart or sum(each.share_of("people") for each in study.publics) == pytest.approx(1)


def test_of_a_table_of_times_everybody_uses_every_mode(tmp_path):
    (tmp_path / "times.csv").write_text("")  # its modes are not known before it is read
    options = {f"inputs.{name}": tmp_path / "times.csv" for name in ("times", "sites", "population")}
    assert read_study(None, options=options).publics == ()


def test_who_can_ride_to_the_stop_where_it_is_calm_has_the_bus():
    rides = [sp.Rides(name="ride", home=sp.CALM), sp.Rides(name="fast", home=sp.BIKE)]
    assert [each.modes for each in cyclists(rides)] == [("ride", "fast"), ("ride",), ()]


@pytest.mark.parametrize(
    ("language", "said"), [("en", "who do not cycle (37%): "), ("fr", "qui ne font pas de vélo (37")]
)
def test_the_published_types_have_words(language, said):
    who = cyclists([sp.WALK, sp.BIKE, sp.CALM])
    assert said in publics_told(who, ["walk", "bike", "calm"], load_words(language, "report"))


# Each 100 m long; the last may not be cycled, the one before it only towards its end.
LEVELS = [
    ({"highway": "residential"}, 1),
    ({"highway": "unclassified"}, 2),
    ({"highway": "tertiary", "cycleway:right": "lane"}, 3),  # 2 along it, 3 against it
    ({"highway": "primary", "cycleway:left": "track"}, 4),  # 4 along it, 1 against it
    ({"highway": "primary", "cycleway:right": "lane", "oneway": "yes"}, 3),  # 4 against it, where nobody rides
    ({"highway": "tertiary", "access": "private"}, 3),
    ({"highway": "footway"}, 0),
    ({"highway": "primary", "bicycle": "no"}, 0),
]


def levelled() -> sp.StreetNetwork:
    spots = {at: (100.0 * at, 0.0) for at in range(len(LEVELS) + 1)}
    return World(spots, [(tags, [at, at + 1]) for at, (tags, _) in enumerate(LEVELS)]).streets()


def test_streets_are_gathered_by_the_stress_of_cycling_them():
    streets = levelled()
    found = stress_lines(streets)
    expected = {level: 100 * sum(each == level for _, each in LEVELS) for level in (1, 2, 3, 4)}
    assert dict(zip(found["level"], found.length, strict=True)) == pytest.approx(expected, rel=1e-3)
    # One edge after the other, by the tags of its way.
    usable = dict.fromkeys((1, 2, 3, 4), 0.0)
    for kind, metres in zip(streets.kind, streets.length, strict=True):
        tags = dict(streets.kinds[kind])
        use = bike_use(tags)
        levels = [
            level
            for way, level in zip((use.forward, use.backward), stress(tags), strict=True)
            if way in (Access.ENDS, Access.YES)
        ]
        if levels:
            usable[max(levels)] += metres
    assert usable == pytest.approx(expected, rel=1e-3)


def test_the_map_says_which_levels_it_leaves_out(monkeypatch):
    found = stress_lines(levelled())
    tongues = all_words("map")
    whole = layers.stress_layer(found, tongues)
    assert len(whole["lines"]) == 4
    assert [each["text"]["en"] for each in whole["legend"]] == [
        "1: for everybody, children too",
        "2: for most adults",
        "3: for the confident",
        "4: for few",
    ]
    assert not whole["on"]
    room = sum(len(text) for text, *_ in whole["lines"][:2])  # of the levels 4 and 3
    monkeypatch.setattr(layers, "STRESS_BUDGET", room)
    with pytest.warns(sp.SiteplanWarning, match="traffic stress (1|2) are left out"):
        part = layers.stress_layer(found, tongues)
    assert [text for text, *_ in part["lines"]] == [text for text, *_ in whole["lines"][:2]]
    assert [each["text"]["fr"].split("\u202f:")[1][:15] for each in part["legend"][:2]] == [" laissé de côté"] * 2
    assert [each["stroke"] for each in part["legend"]][:2] == ["none", "none"]


@pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")
@pytest.mark.parametrize(("modes", "there"), [("walk,bike", False), ("bike,calm", True)])
def test_a_run_shows_traffic_stress_where_calm_is_asked(tmp_path, modes, there):
    result = run(read_study(write_town(tmp_path), [f"travel.modes={modes}"]), out=tmp_path / "out")
    assert ("stress" in result.layers) is there
    page = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    assert (re.search(r'"label":\{"en":"Traffic stress by bicycle', page) is not None) is there
    if there:
        stored = gpd.read_file(tmp_path / "out" / "results.gpkg", layer="stress")
        assert list(stored["level"]) == [1]  # one residential street of 1 km
        assert shapely.length(stored.geometry.to_numpy())[0] == pytest.approx(1000, rel=2e-3)
