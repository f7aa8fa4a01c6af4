"""OpenStreetMap files: what is in them, clipped or not; what is not one is refused in one sentence."""

import bz2
import gzip
import pickle
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siteplan.config import BIKE, WALK
from siteplan.config.changes import StreetClosed
from siteplan.errors import InputError
from siteplan.inputs.basemap import BACKGROUND, WATERS, read_basemap
from siteplan.inputs.candidates import CANDIDATE_TAGS, candidates_layer, propose_sites, read_tags
from siteplan.inputs.extract import Layer, read_layers, way_names
from siteplan.inputs.opl import all_tags, read_nodes, read_ways
from siteplan.inputs.osm import read_osm, streets_layer
from siteplan.network.edits.streets import edit_streets, source_ways
from siteplan.network.snapping import link
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.times import travel_times
from worlds import STREET, Tags, World, line, places, plaza, river

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "streets.osm.pbf"


def written(folder: Path, world: World, name: str = "world.osm", **how: object) -> Path:
    """Write a world as XML, or as PBF by osmium."""
    xml = folder / "world.xml.osm"
    xml.write_text(world.xml(**how), encoding="utf-8")  # type: ignore[arg-type]
    if not name.endswith(".pbf"):
        return xml.rename(folder / name)
    with osmium.SimpleWriter(str(folder / name)) as writer:
        for thing in osmium.FileProcessor(str(xml)):
            writer.add(thing)
    return folder / name


@pytest.mark.parametrize("name", ["world.osm", "world.osm.pbf", "world.xml"])
def test_a_file_gives_the_ways_drawn(tmp_path: Path, name: str) -> None:
    raw, expected = read_osm(written(tmp_path, river(), name)), river().raw()
    assert raw.refs.tolist() == expected.refs.tolist()
    assert raw.start.tolist() == expected.start.tolist()
    np.testing.assert_allclose(raw.lon, expected.lon, atol=1e-7)
    assert [dict(raw.kinds[k]) for k in raw.kind] == [dict(expected.kinds[k]) for k in expected.kind]
    assert raw.way_id.tolist() == expected.way_id.tolist()


@pytest.mark.parametrize(
    ("name", "packed"),
    [("w.osm.gz", gzip.compress), ("w.osm.bz2", bz2.compress), ("W.OSM.GZ", gzip.compress), ("W.XML", bytes)],
)
@pytest.mark.parametrize("way", [line(), line(STREET, STREET, STREET)])
def test_extracts_are_read_in_every_form(tmp_path: Path, name: str, packed: object, way: World) -> None:
    (tmp_path / name).write_bytes(packed(way.xml().encode()))  # type: ignore[operator]
    assert read_osm(tmp_path / name).refs.tolist() == read_osm(written(tmp_path, way)).refs.tolist()


def test_only_streets_and_their_tags_are_kept(tmp_path: Path) -> None:
    world = line({**STREET, "name": "Rue", "surface": "asphalt", "oneway": "yes"}, {"building": "yes"}, STREET)
    raw = read_osm(written(tmp_path, world))
    assert raw.way_id.tolist() == [1, 3]
    assert dict(raw.kinds[raw.kind[0]]) == {"highway": "residential", "oneway": "yes"}


def test_ways_are_cut_where_nodes_are_missing(tmp_path: Path) -> None:
    raw = read_osm(written(tmp_path, line(), without=[3]))
    assert raw.refs.tolist() == [1, 2, 4, 5]
    assert raw.start.tolist() == [0, 2, 4]
    assert raw.way_id.tolist() == [1, 1]
    assert raw.counts == {"missing_nodes": 1, "ways_cut": 1, "by_hour": 0}


def test_a_way_of_one_node_left_is_gone_but_counted(tmp_path: Path) -> None:
    raw = read_osm(written(tmp_path, line(STREET, STREET, STREET, STREET), without=[1, 5]))
    assert raw.way_id.tolist() == [2, 3]
    assert raw.counts == {"missing_nodes": 2, "ways_cut": 2, "by_hour": 0}


@pytest.mark.parametrize("block", [300, 2**24])
def test_ways_that_few_lines_hold_are_those_of_all_lines(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    tags = [b"highway=path", b"railway=rail", b"name=%61%,railway=tram", b"old_railway=rail", b"name=railway=", b""]
    lines = [
        b"w%d T%s Nn%dx%d.5y-7,n3xy" % (way, tags[tag], way, way % 90)
        for way, tag in enumerate(random.choice(len(tags), 400, p=[0.9, 0.02, 0.02, 0.02, 0.02, 0.02]))
    ]
    text = b"\n".join([b"n1 Tplace=town x1y1", *lines, b"r1 Tx=1 Mw1@"]) + b"\n"
    monkeypatch.setattr("siteplan.inputs.opl.BLOCK", block)
    asked = [("railway=",), ("name=", "railway="), ("highway=",), ("nowhere=",), ()]
    found = [read_ways(text, *words) for words in asked]
    monkeypatch.setattr("siteplan.inputs.opl.FEW", 10**9)  # none are few
    for words, few in zip(asked, found, strict=True):
        every = read_ways(text, *words)
        assert few.tags == every.tags
        for name in ("way_id", "refs", "lon", "lat", "start"):
            np.testing.assert_array_equal(getattr(few, name), getattr(every, name))
    assert 10 < len(found[0].way_id) < len(found[1].way_id) < len(lines) == len(found[-1].way_id)


def test_ways_may_stand_before_nodes(tmp_path: Path) -> None:
    # Overpass writes them so when asked for `out; >; out;`.
    raw = read_osm(written(tmp_path, line(), ways_first=True))
    assert raw.refs.tolist() == [1, 2, 3, 4, 5]


def test_nodes_may_be_new_in_an_editor(tmp_path: Path) -> None:
    # JOSM gives what is not yet uploaded negative numbers.
    world = line()
    new = World({-n: xy for n, xy in world.nodes.items()}, [(tags, [-n for n in refs]) for tags, refs in world.ways])
    assert sorted(read_osm(written(tmp_path, new)).refs.tolist()) == [-5, -4, -3, -2, -1]


def test_an_area_is_a_square(tmp_path: Path) -> None:
    assert read_osm(written(tmp_path, plaza())).squares == [[[1, 2, 3, 4, 1]]]
    assert read_osm(written(tmp_path, plaza({"highway": "residential", "area": "yes"}))).squares == []
    assert read_osm(written(tmp_path, plaza({"highway": "pedestrian"}))).squares == []


def test_a_multipolygon_is_a_square_with_its_holes(tmp_path: Path) -> None:
    nodes = plaza().nodes | {11: (40.0, 40.0), 12: (60.0, 40.0), 13: (60.0, 60.0), 14: (40.0, 60.0)}
    ways = [({}, [1, 2, 3]), ({}, [1, 4, 3]), ({}, [11, 12, 13, 14, 11]), (STREET, [5, 1]), (STREET, [3, 6])]
    tags = {"type": "multipolygon", "highway": "pedestrian"}
    world = World(nodes, ways, [(tags, [(0, "outer"), (1, "outer"), (2, "inner")])])
    raw = read_osm(written(tmp_path, world))
    assert raw.squares == [[[1, 2, 3, 4, 1], [11, 12, 13, 14, 11]]]
    assert sorted(raw.way_id.tolist()) == [1, 2, 3, 4, 5]  # one walks along its rims


def test_the_date_of_the_data_is_in_the_header(tmp_path: Path) -> None:
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2021-10-01T20:21:26Z")
    with osmium.SimpleWriter(str(tmp_path / "dated.osm.pbf"), header=header) as writer:
        for thing in osmium.FileProcessor(str(written(tmp_path, line()))):
            writer.add(thing)
    assert read_osm(tmp_path / "dated.osm.pbf").data_date == "2021-10-01T20:21:26Z"
    assert read_osm(written(tmp_path, line())).data_date is None


# Files as people have them --------------------------------------------------------------------------------------------

TOWN = [
    *(f'<node id="{n}" version="1" lat="{50 + n % 2 / 1000}" lon="{5 + n / 1000}"/>' for n in range(1, 9)),
    '<node id="9" version="1" lat="50" lon="5"><tag k="place" v="town"/><tag k="name" v="Bourg"/></node>',
    '<way id="1" version="2"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>',
    '<way id="2" version="1"><nd ref="3"/><nd ref="4"/><tag k="highway" v="footway"/></way>',
    '<way id="3" version="1"><nd ref="4"/><nd ref="5"/><nd ref="6"/><nd ref="4"/></way>',
    '<way id="4" version="1"><nd ref="6"/><nd ref="7"/><nd ref="8"/><nd ref="6"/><tag k="natural" v="water"/></way>',
    '<way id="5" version="1"><nd ref="1"/><nd ref="5"/><tag k="railway" v="tram"/><tag k="name" v="Linie"/></way>',
    '<way id="6" version="1"><nd ref="2"/><nd ref="7"/><nd ref="5"/><nd ref="2"/></way>',
    '<relation id="5" version="1"><member type="way" ref="3" role="outer"/><tag k="type" v="multipolygon"/>'
    '<tag k="leisure" v="park"/><tag k="amenity" v="library"/></relation>',
    '<relation id="6" version="2"><member type="way" ref="6" role="outer"/><tag k="type" v="multipolygon"/>'
    '<tag k="highway" v="pedestrian"/></relation>',
]
NOISE = [
    '<way id="1" version="1"><nd ref="1"/><nd ref="8"/><tag k="highway" v="residential"/></way>',  # as it was before
    '<way id="2" version="1"><nd ref="3"/><nd ref="4"/></way>',  # again, as a skeleton
    '<node id="2" version="0" lat="51" lon="6"/>',  # where it was before
    '<way id="5" version="0"><nd ref="1"/><nd ref="5"/><tag k="railway" v="tram"/><tag k="name" v="Old"/></way>',
    '<way id="6" version="0"><nd ref="2"/><nd ref="7"/><nd ref="8"/><nd ref="2"/></way>',
    '<relation id="6" version="1"><member type="way" ref="4" role="outer"/><tag k="type" v="multipolygon"/>'
    '<tag k="highway" v="pedestrian"/></relation>',
    '<relation id="7" version="1" action="delete"><member type="way" ref="4" role="outer"/>'
    '<tag k="type" v="multipolygon"/><tag k="highway" v="pedestrian"/></relation>',
    '<way id="7" version="1" visible="false"><nd ref="1"/><nd ref="5"/><tag k="highway" v="path"/></way>',
    '<way id="8" version="1" action="delete"><nd ref="1"/><nd ref="6"/><tag k="highway" v="path"/></way>',
    "<node visible='true' action='delete' id='10' version='1' lat='50' lon='5'><tag k='place' v='city'/>"
    "<tag k='name' v='Gone'/></node>",
]


def all_of(path: Path) -> list[object]:
    """Everything that is read from an extract."""
    raw, around = read_osm(path), read_basemap(path)
    ways = [raw.refs.tolist(), raw.lon.tolist(), raw.start.tolist(), raw.way_id.tolist(), raw.kind.tolist(), raw.kinds]
    named = way_names(path, range(-9, 9))
    tables = [*around.values(), propose_sites(path)]
    return [*ways, raw.squares, raw.square_kind, raw.counts, named, *(table.to_csv() for table in tables)]


def test_what_the_files_below_are_compared_with_is_all_there(tmp_path: Path) -> None:
    (tmp_path / "town.osm").write_text(f'<osm version="0.6">{"".join(TOWN)}</osm>')
    raw, around = read_osm(tmp_path / "town.osm"), read_basemap(tmp_path / "town.osm")
    assert raw.way_id.tolist() == [1, 2, 6]  # the rim of the square, which says nothing of itself, is walked along
    assert (raw.squares, way_names(tmp_path / "town.osm", [1, 5])) == ([[[2, 7, 5, 2]]], {5: "Linie"})
    assert {name: len(table) for name, table in around.items()} == dict.fromkeys(around, 1)
    assert propose_sites(tmp_path / "town.osm").index.tolist() == ["r5"]


def same(one: object, other: object) -> bool:
    """Tell whether two layers, as they were read, are the same."""
    return pickle.dumps(one) == pickle.dumps(other)


def test_layers_read_together_are_those_read_apart(tmp_path: Path) -> None:
    (tmp_path / "town.osm").write_text(f'<osm version="0.6">{"".join(TOWN)}</osm>')
    layers = [streets_layer(), BACKGROUND, WATERS, candidates_layer(read_tags(CANDIDATE_TAGS))]
    together = read_layers(tmp_path / "town.osm", *layers)
    apart = [read_layers(tmp_path / "town.osm", layer)[0] for layer in layers]
    assert [same(one, other) for one, other in zip(together, apart, strict=True)] == [True] * 4


LETTERS = st.characters(min_codepoint=1, max_codepoint=0x2FFFF, exclude_categories=["Cs"])  # osmium spoils later ones
TAGGED = st.dictionaries(st.text(LETTERS | st.sampled_from(",=% @:Tnwr\n"), max_size=4), st.text(LETTERS), max_size=3)


@given(
    nodes=st.lists(TAGGED, min_size=1, max_size=4),
    ways=st.lists(st.tuples(TAGGED, st.lists(st.integers(1, 6), max_size=5)), max_size=4),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_in_bulk_is_what_osmium_gives_one_by_one(
    tmp_path: Path, nodes: list[dict[str, str]], ways: list[tuple[dict[str, str], list[int]]]
) -> None:
    file = tmp_path / "any.osm.pbf"
    file.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(file)) as writer:
        for number, tags in enumerate(nodes, 1):
            place = (number / 7, -number / 3)
            writer.add_node(osmium.osm.mutable.Node(id=number, location=place, tags={**tags, "key": "x"}))
        for number, (tags, refs) in enumerate(ways, 1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=refs, tags={**tags, "key": "x"}))
    keys = frozenset(("key",))
    read_both = Layer(lambda found: (read_nodes(found.text), read_ways(found.text)), nodes=keys, others=keys)
    ((points, lines),) = read_layers(file, read_both)
    read: list[object] = [
        (number, all_tags(tags), at)
        for number, tags, *at in zip(
            points.node_id.tolist(), points.tags, points.lon.tolist(), points.lat.tolist(), strict=True
        )
    ]
    corners = [*zip(lines.refs.tolist(), lines.lon.tolist(), lines.lat.tolist(), strict=True)]
    for way, (number, tags) in enumerate(zip(lines.way_id.tolist(), lines.tags, strict=True)):
        part = corners[lines.start[way] : lines.start[way + 1]]
        read.append((number, all_tags(tags), [(ref, None if np.isnan(lon) else (lon, lat)) for ref, lon, lat in part]))
    expected: list[object] = []
    for thing in osmium.FileProcessor(str(file)).with_locations():
        if thing.is_node():
            expected.append((thing.id, dict(thing.tags), [thing.lon, thing.lat]))
        else:
            places = [(n.ref, (n.lon, n.lat) if n.location.valid() else None) for n in thing.nodes]
            expected.append((thing.id, dict(thing.tags), places))
    assert read == expected


@given(order=st.permutations(TOWN + NOISE), packed=st.sampled_from(["town.osm", "town.osm.gz", "town.osm.bz2"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_versions_and_deleted_things_change_nothing(tmp_path: Path, order: list[str], packed: str) -> None:
    packers = {"gz": gzip.compress, "bz2": bz2.compress}
    for name, things in ((packed, order), ("plain.osm", TOWN)):
        text = f'<osm version="0.6">{chr(10).join(things)}</osm>'.encode()
        (tmp_path / name).write_bytes(packers.get(name.rpartition(".")[2], bytes)(text))
    assert all_of(tmp_path / packed) == all_of(tmp_path / "plain.osm")


@pytest.mark.parametrize("flagged", [False, True])
def test_a_pbf_file_may_be_unsorted_or_hold_history(tmp_path: Path, flagged: bool) -> None:
    (tmp_path / "town.osm").write_text(f'<osm version="0.6">{"".join(TOWN)}</osm>')
    mixed = tmp_path / "mixed.osm"
    mixed.write_text(f'<osm version="0.6">{"".join([*NOISE[:2], *reversed(TOWN)])}</osm>')
    header = osmium.io.Header()
    header.has_multiple_object_versions = flagged
    with osmium.SimpleWriter(str(tmp_path / "mixed.osm.pbf"), header=header) as writer:
        for thing in osmium.FileProcessor(str(mixed)):
            writer.add(thing)
    assert all_of(tmp_path / "mixed.osm.pbf") == all_of(tmp_path / "town.osm")


def test_what_an_editor_drew_is_read_with_its_own_ids(tmp_path: Path) -> None:
    drawn = [thing.replace('id="', 'id="-').replace('ref="', 'ref="-') for thing in TOWN]
    (tmp_path / "drawn.osm").write_text(f'<osm version="0.6">{"".join(drawn)}</osm>')
    raw = read_osm(tmp_path / "drawn.osm")
    assert (sorted(raw.way_id.tolist()), sorted(set(raw.refs.tolist()))) == ([-6, -2, -1], [-7, -5, -4, -3, -2, -1])
    assert raw.squares == [[[-2, -7, -5, -2]]]
    assert way_names(tmp_path / "drawn.osm", [-5]) == {-5: "Linie"}
    assert propose_sites(tmp_path / "drawn.osm").index.tolist() == ["r-5"]
    assert [len(table) for table in read_basemap(tmp_path / "drawn.osm").values()] == [1, 1, 1, 1]


def pbf_of(folder: Path, *things: object) -> Path:
    """Write nodes 1 to 5 in a row and some things as a PBF file, in this order."""
    path = folder / "things.osm.pbf"
    row = [osmium.osm.mutable.Node(id=n, location=(5 + n / 1000, 50), version=1) for n in range(1, 6)]
    with osmium.SimpleWriter(str(path)) as writer:
        for thing in [*row, *things]:
            writer.add(thing)
    return path


def path_of(number: int, *nodes: int, version: int = 1, **tags: str) -> object:
    return osmium.osm.mutable.Way(id=number, nodes=nodes, version=version, tags=tags)


def test_a_way_may_stand_twice_in_a_row(tmp_path: Path) -> None:
    older, newer = path_of(1, 1, 2, highway="path"), path_of(1, 4, 5, version=2, highway="path")
    assert read_osm(pbf_of(tmp_path, older, newer)).refs.tolist() == [4, 5]


def test_a_way_that_is_no_street_any_more_is_none(tmp_path: Path) -> None:
    was, became, other = path_of(1, 1, 2, highway="path"), path_of(1, 1, 2, version=2), path_of(2, 4, 5, highway="path")
    assert read_osm(pbf_of(tmp_path, was, became, other)).way_id.tolist() == [2]


def test_new_nodes_of_an_editor_may_stand_in_a_pbf_file(tmp_path: Path) -> None:
    new = osmium.osm.mutable.Node(id=-1, location=(5, 51), version=1)
    raw = read_osm(pbf_of(tmp_path, new, path_of(1, -1, 1, 2, highway="path")))
    assert (raw.refs.tolist(), raw.lat.tolist()) == ([-1, 1, 2], [51, 50, 50])
    assert raw.counts["missing_nodes"] == 0


def test_places_of_nodes_may_stand_in_the_ways_of_a_pbf_file(tmp_path: Path) -> None:
    # So writes osmium add-locations-to-ways, which leaves nodes without tags away.
    known = read_osm(SAMPLE)
    places = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    tagged = osmium.filter.EmptyTagFilter().enable_for(osmium.osm.NODE)
    file = tmp_path / "located.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(file), "pbf,locations_on_ways=true")) as writer:
        osmium.apply(str(SAMPLE), places, tagged, writer)
    raw = read_osm(file)
    assert all(np.array_equal(getattr(raw, each), getattr(known, each)) for each in ("refs", "lon", "lat", "way_id"))
    assert raw.counts == known.counts


def test_places_of_nodes_may_stand_in_the_ways_of_overpass(tmp_path: Path) -> None:
    # out geom: two streets that meet at node 2, of which one node is written as a node, too.
    nodes = ['<nd ref="1" lat="50" lon="5"/>', '<nd ref="2" lat="50" lon="5.1"/>', '<nd ref="3" lat="50" lon="5.2"/>']
    box = '<bounds minlat="50" minlon="5" maxlat="50" maxlon="5.2"/>'
    street = '<tag k="highway" v="path"/></way>'
    ways = f'<way id="1">{box}{nodes[0]}{nodes[1]}{street}<way id="2">{box}{nodes[1]}{nodes[2]}{street}'
    (tmp_path / "geom.osm").write_text(f'<osm version="0.6">{ways}<node id="1" lat="50.5" lon="5"/></osm>')
    raw = read_osm(tmp_path / "geom.osm")
    assert (raw.refs.tolist(), raw.lat.tolist(), raw.lon.tolist()) == (
        [1, 2, 2, 3],
        [50.5, 50, 50, 50],
        [5, 5.1, 5.1, 5.2],
    )


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ('<center lat="50" lon="5"/><nd ref="1"/><nd ref="2"/>', "Unknown element in <way>: center"),
        ('<nd ref="1"/><nd ref="2"/>', "of none of its 1 streets there are two nodes"),
    ],
)
def test_streets_without_places_are_refused_with_the_remedy(tmp_path: Path, way: str, said: str) -> None:
    street = f'<way id="1">{way}<tag k="highway" v="path"/></way>'
    (tmp_path / "bare.osm").write_text(f'<osm version="0.6">{street}</osm>')
    with pytest.raises(InputError, match=said) as refused:
        read_osm(tmp_path / "bare.osm")
    assert "out body; >; out skel qt;" in str(refused.value)
    assert "cut short" not in str(refused.value)  # the file is whole


@pytest.mark.parametrize(
    "start", ["id='2'\n action = 'delete'", 'user="a>b" id="2" action="delete"', "action='delete' id='2'"]
)
def test_what_is_marked_for_deletion_is_gone_however_it_is_written(tmp_path: Path, start: str) -> None:
    path = '<nd ref="1"/><nd ref="8"/><tag k="highway" v="path"/>'
    gone = f'<way {start} version="1">{path}</way>'
    kept = f'<way id="9" version="1">{path}<tag k="action" v="delete"/></way>'
    town = [thing for thing in TOWN if not thing.startswith('<way id="2"')]
    (tmp_path / "town.osm").write_text(f'<osm version="0.6">{"".join([*town, gone, kept])}</osm>')
    assert read_osm(tmp_path / "town.osm").way_id.tolist() == [1, 9, 6]


def test_an_outline_without_breadth_is_none(tmp_path: Path) -> None:
    flat = (
        '<way id="6" version="1"><nd ref="1"/><nd ref="3"/><nd ref="5"/><nd ref="1"/><tag k="natural" v="water"/></way>'
    )
    (tmp_path / "flat.osm").write_text(f'<osm version="0.6">{"".join([*TOWN, flat])}</osm>')
    assert len(read_basemap(tmp_path / "flat.osm")["water"]) == 1


# Ways that are no streets ---------------------------------------------------------------------------------------------

HUNDREDS = World({n: (200.0 * n, 0.0) for n in range(5)}, [])


def tags_read(folder: Path, **tags: str) -> dict[str, str]:
    """What is read of a way of 800 m in four steps, with a street beside it."""
    world = World(
        HUNDREDS.nodes,
        [({key.replace("__", ":"): value for key, value in tags.items()}, [0, 1, 2, 3, 4]), (STREET, [0, 1])],
    )
    raw = read_osm(written(folder, world))
    return {way: dict(raw.kinds[kind]) for way, kind in zip(raw.way_id.tolist(), raw.kind.tolist(), strict=True)}.get(
        1, {}
    )


@pytest.mark.parametrize(
    ("tags", "kmh"),
    [
        ({"duration": "00:05"}, 9.6),
        ({"duration": "5"}, 9.6),
        ({"duration": "0:05:00"}, 9.6),
        ({"duration": "PT5M"}, 9.6),
        ({"duration": "00:05", "maxspeed": "20"}, 9.6),
        ({"maxspeed": "20"}, 20.0),
        ({"maxspeed": "10 knots"}, 18.52),
        ({"duration": "soon"}, None),
        ({"duration": "00:00"}, None),
        ({}, None),
    ],
)
def test_a_ferry_takes_as_long_as_it_says(tmp_path: Path, tags: dict[str, str], kmh: float | None) -> None:
    found = tags_read(tmp_path, route="ferry", foot="yes", **tags)
    assert (found["highway"], found["foot"]) == ("ferry", "yes")
    assert float(found["kmh"]) == pytest.approx(kmh, rel=1e-3) if kmh else "kmh" not in found


def test_platforms_are_ways_and_other_routes_and_rails_are_not(tmp_path: Path) -> None:
    assert tags_read(tmp_path, railway="platform")["highway"] == "platform"
    assert tags_read(tmp_path, public_transport="platform", foot="no") == {
        "highway": "platform",
        "public_transport": "platform",
        "foot": "no",
    }
    assert tags_read(tmp_path, highway="footway", railway="platform") == {"highway": "footway"}
    assert tags_read(tmp_path, railway="rail") == tags_read(tmp_path, route="bus") == {}


def test_hours_are_judged_in_the_morning(tmp_path: Path) -> None:
    def foot(condition: str, **more: str) -> str | None:
        return tags_read(tmp_path, highway="path", foot__conditional=condition, **more).get("foot")

    assert foot("no @ (22:00-07:00)") is None
    assert foot("yes @ (07:00-22:00)", foot="no") == "yes"
    assert foot("no @ (Mo-Fr 08:00-09:00)") == "no"
    assert foot("no @ (06:00-20:00); yes @ (08:00-10:00)") == "yes"  # the last that holds
    assert foot("no @ wet", foot="yes") == "yes"
    assert foot("no @ (Sa,Su 08:00-12:00)") is None
    assert foot("nonsense") is None


def test_hours_are_judged_for_the_moment_asked_for(tmp_path: Path) -> None:
    path: Tags = {"highway": "path", "foot:conditional": "no @ (22:00-07:00); no @ (Sa 00:00-24:00)"}
    file = written(tmp_path, World(HUNDREDS.nodes, [(STREET, [0, 1]), (path, [1, 2]), (path, [2, 3])]))
    for when, closed in (("2026-03-10 08:30", 0), ("2026-03-10 06:30", 2), ("2026-03-14 08:30", 2)):
        moment = datetime.fromisoformat(when)
        streets = read_streets(file, when=moment)
        assert streets.when == moment
        assert streets.counts["by_hour"] == 2
        assert (streets.uses("walk")[0] == 0).sum() == closed
        # A change reads the ways again, at the same moment.
        assert source_ways(streets).when == moment


def test_nobody_boards_a_ferry_midway() -> None:
    nodes = {n: (40.0 * n, 0.0) for n in range(60)} | {100: (3000.0, 0.0)}
    street = [(STREET, [n, n + 1]) for n in range(59)]
    streets = World(nodes, [*street, ({"highway": "ferry"}, [59, 100])]).streets()
    found = link(streets, places([(2680.0, 0.0), (2440.0, 0.0)]))
    assert found["access_m"].round().tolist() == [320.0, 80.0]  # to the last street, not to the line on the water


def test_barriers_and_lifts_at_nodes_are_read(tmp_path: Path) -> None:
    posts = {
        2: {"barrier": "gate", "foot:conditional": "no @ (06:00-20:00)", "name": "North"},
        3: {"highway": "elevator", "bicycle": "yes"},
        4: {"highway": "crossing"},
        5: {"barrier": "bollard", "highway": "crossing"},
    }
    raw = read_osm(written(tmp_path, replace(line(), posts=posts)))
    found = {
        node: dict(raw.kinds[kind]) for node, kind in zip(raw.post_id.tolist(), raw.post_kind.tolist(), strict=True)
    }
    assert found == {
        2: {"highway": "barrier", "barrier": "gate", "foot": "no"},
        3: {"highway": "elevator", "node": "yes", "bicycle": "yes"},
        5: {"highway": "barrier", "barrier": "bollard"},
    }
    counts = read_streets(tmp_path / "world.osm").counts
    names = ("barriers_closed_to_walk", "barriers_closed_to_bike", "barriers_at_ends_of_trips", "lifts_at_nodes")
    assert [counts[name] for name in names] == [1, 0, 0, 1]


# Turn restrictions ----------------------------------------------------------------------------------------------------

# Four streets that meet in node 0: 1 from the west, 2 to the east, 3 to the north, 4 to the south.
CROSSING = World(
    {0: (0, 0), 1: (-100, 0), 2: (100, 0), 3: (0, 100), 4: (0, -100)},
    [(STREET, [1, 0]), (STREET, [0, 2]), (STREET, [0, 3]), (STREET, [0, 4])],
)
WEST, EAST, UP, DOWN = range(1, 5)  # the ways


def relation(tags: Tags, *members: tuple[str, int, str]) -> str:
    """Return a relation of members (type, id, role)."""
    listed = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
    said = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
    return f'<relation id="7" version="1">{listed}{said}</relation>'


def with_turns(folder: Path, relations: str, world: World = CROSSING) -> Path:
    """Write a file of a world with relations in it."""
    file = folder / "turns.osm"
    file.write_text(world.xml().replace("</osm>", relations + "</osm>"))
    return file


def closed_to_the(folder: Path, tags: Tags, **how: object) -> tuple[set[int], StreetNetwork]:
    """Return the ways that one from the west may not turn into, and the streets."""
    members = (("way", WEST, "from"), ("node", 0, "via"), ("way", UP, "to"))
    streets = read_streets(with_turns(folder, relation({"type": "restriction", **tags}, *members)), **how)
    assert all(int(streets.way_id[half >> 1]) == WEST for half in streets.turns[:, 0])
    return {int(streets.way_id[half >> 1]) for half in streets.turns[:, 1]}, streets


@pytest.mark.parametrize(
    ("tags", "closed"),
    [
        ({"restriction": "no_left_turn"}, {UP}),
        ({"restriction": "only_left_turn"}, {EAST, DOWN}),
        ({"restriction": "no_left_turn", "except": "bus; bicycle"}, set()),
        ({"restriction": "no_left_turn", "except": "bus"}, {UP}),
        ({"restriction": "no_left_turn", "restriction:bicycle": "none"}, set()),
        ({"restriction:bicycle": "no_left_turn"}, {UP}),
        ({"restriction:hgv": "no_left_turn"}, set()),
        ({"restriction": "no_right_turn_on_red"}, set()),
        ({"restriction:conditional": "no_left_turn @ (Mo-Fr 07:00-09:00)"}, {UP}),
        ({"restriction:conditional": "no_left_turn @ (Mo-Fr 17:00-19:00)"}, set()),
        ({"restriction": "no_left_turn", "restriction:conditional": "none @ (07:00-09:00)"}, set()),
    ],
)
def test_turn_restrictions_bind_bicycles(tmp_path: Path, tags: Tags, closed: set[int]) -> None:
    found, streets = closed_to_the(tmp_path, tags)
    assert found == closed
    assert streets.counts.get("turns", 0) == bool(closed)


def test_turns_are_judged_for_the_moment_asked_for(tmp_path: Path) -> None:
    tags = {"restriction:conditional": "no_left_turn @ (Mo-Fr 17:00-19:00)"}
    found, streets = closed_to_the(tmp_path, tags, when=datetime.fromisoformat("2026-03-10 18:00"))
    assert found == {UP}
    assert streets.counts["by_hour"] == 1


def test_turns_that_cannot_be_told_are_counted(tmp_path: Path) -> None:
    tags, turn = {"type": "restriction", "restriction": "no_left_turn"}, {"from": WEST, "to": UP}
    ways = [("way", way, role) for role, way in turn.items()]
    via = ("node", 0, "via")
    through = World(CROSSING.nodes, [(STREET, [1, 0, 2]), (STREET, [0, 3])])
    for members, world, cause in (
        ([*ways, ("way", EAST, "via")], CROSSING, "turns_unmatched"),  # one does not come over it from one to the other
        ([*ways, ("node", 4, "via")], CROSSING, "turns_unmatched"),  # no end of theirs
        ([*ways], CROSSING, "turns_unmatched"),
        ([("way", WEST, "from"), via, ("way", 99, "to")], CROSSING, "turns_unmatched"),
        ([("way", 1, "from"), via, ("way", 2, "to")], through, "turns_unmatched"),  # from the west or the east?
        ([("way", WEST, "from"), via, ("way", WEST, "to")], CROSSING, "turns_round"),
    ):
        streets = read_streets(with_turns(tmp_path, relation(tags, *members), world))
        assert not len(streets.turns)
        assert {key: streets.counts.get(key, 0) for key in ("turns", cause)} == {"turns": 0, cause: 1}


# The street to the east goes on in 5, and 6 leads north from where it does; 7 meets it halfway.
FARTHER = World(
    CROSSING.nodes | {5: (200, 0), 6: (100, 100), 7: (50, -100), 8: (50, 0)},
    [
        (STREET, [1, 0]),
        (STREET, [0, 8, 2]),
        (STREET, [0, 3]),
        (STREET, [0, 4]),
        (STREET, [2, 5]),
        (STREET, [2, 6]),
        (STREET, [8, 7]),
    ],
)


@pytest.mark.parametrize(
    ("kind", "roles", "metres"),
    [
        # From the middle in the west, 50 m, to that in the north, 50 m, over 100 m; else 50 m further, and round.
        ("no_left_turn", (WEST, (EAST,), 6), (300.0, 200.0)),
        ("no_u_turn", (WEST, (EAST,), 6), (300.0, 200.0)),
        ("no_left_turn", (6, (EAST,), WEST), (200.0, 300.0)),
        ("no_left_turn", (WEST, (EAST, 5), 6), (200.0, 200.0)),  # 6 leads off in the middle
        ("only_straight_on", (WEST, (EAST,), 6), (200.0, 200.0)),  # who may go on so, and who comes the other way
    ],
)
def test_turn_restrictions_over_ways_bind_bicycles(tmp_path: Path, kind: str, roles: Any, metres: Any) -> None:
    """And nobody else: nor who begins or ends on the street between, nor who comes onto it from elsewhere."""
    begin, over, end = roles
    members = [("way", begin, "from"), *(("way", way, "via") for way in over), ("way", end, "to")]
    restriction = relation({"type": "restriction", "restriction": kind}, *members)
    streets = read_streets(with_turns(tmp_path, restriction, FARTHER))
    bound = metres != (200.0, 200.0) or kind.startswith("only")
    assert streets.counts["turns" if bound else "turns_unmatched"] == 1
    spots = {"west": (-50.0, 0.0), "up": (100.0, 50.0), "between": (75.0, 0.0), "below": (0.0, -50.0)}
    there = places(list(spots.values()))
    for profile, found in ((BIKE, metres), (WALK, (200.0, 200.0))):
        times = travel_times(streets, there, there, mode=profile, minutes=60).set_index(["site", "point"])["minutes"]
        told = [times[site, point] for site, point in (("1", 0), ("0", 1), ("2", 0), ("1", 2))]
        expected = [*found, 125.0, 75.0]
        assert told == pytest.approx([each * 0.06 / profile.speed_kmh for each in expected], abs=0.01)
        assert times["1", 3] == pytest.approx(200 * 0.06 / profile.speed_kmh, abs=0.01)


def test_over_ways_that_allow_but_one_way_on_one_neither_leaves_them_out_nor_goes_on_elsewhere(tmp_path: Path) -> None:
    members = [("way", WEST, "from"), ("way", EAST, "via"), ("way", 6, "to")]
    restriction = relation({"type": "restriction", "restriction": "only_left_turn"}, *members)
    streets = read_streets(with_turns(tmp_path, restriction, FARTHER))
    assert (streets.counts["turns"], streets.counts["turns_via_ways"]) == (1, 0)
    west, others = places([(-50.0, 0.0)]), places([(150.0, 0.0), (0.0, 50.0), (0.0, -50.0), (50.0, -50.0)])
    # From the west to the east, 200 m, and to the north and the south of the first crossing, 100 m, one turns round at
    # the corner of 7, 50 m further, and there one may leave the way. Towards the west, and on foot, nothing changes.
    for profile, found in ((BIKE, [300.0, 200.0, 200.0, 150.0]), (WALK, [200.0, 100.0, 100.0, 150.0])):
        away = travel_times(streets, others, west, mode=profile, minutes=60).set_index("site")["minutes"]
        back = travel_times(streets, west, others, mode=profile, minutes=60).set_index("point")["minutes"]
        for times, expected in ((away, found), (back, [200.0, 100.0, 100.0, 150.0])):
            assert times.tolist() == pytest.approx([each * 0.06 / profile.speed_kmh for each in expected], abs=0.01)


def test_a_cyclist_rides_round_what_a_walker_turns_into(tmp_path: Path) -> None:
    # From the west to the north, 150 m; who may not turn left rides on, turns round in the east, and turns right.
    tags, members = {"restriction": "no_left_turn"}, (("way", WEST, "from"), ("node", 0, "via"), ("way", UP, "to"))
    streets = read_streets(with_turns(tmp_path, relation({"type": "restriction", **tags}, *members)))
    start, end = places([(-100.0, 0.0)]), places([(0.0, 50.0)])
    for profile, metres in ((BIKE, 350.0), (BIKE.with_(name="pushed", push=True), 150.0), (WALK, 150.0)):
        times = travel_times(streets, end, start, mode=profile, minutes=60)
        assert times["minutes"].tolist() == pytest.approx([metres * 0.06 / profile.speed_kmh], abs=0.01)
        back = travel_times(streets, start, end, mode=profile, minutes=60)
        assert back["minutes"].tolist() == pytest.approx([150 * 0.06 / profile.speed_kmh], abs=0.01)


def test_a_changed_network_keeps_its_turns(tmp_path: Path) -> None:
    _, streets = closed_to_the(tmp_path, {"restriction": "no_left_turn"})
    edited = edit_streets(streets, [StreetClosed(close=DOWN)])
    assert [int(edited.way_id[half >> 1]) for half in edited.turns[0]] == [WEST, UP]
    times = travel_times(edited, places([(0.0, 50.0)]), places([(-100.0, 0.0)]), mode="bike", minutes=60)
    assert times["minutes"].tolist() == pytest.approx([350 * 0.06 / 15], abs=0.01)


# What is not a file of streets ----------------------------------------------------------------------------------------


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.osm\.pbf: no such file; give an OpenStreetMap extract"):
        read_osm(tmp_path / "nowhere.osm.pbf")
    with pytest.raises(InputError, match="no such file"):
        read_osm(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.osm.pbf", b"", "the file is empty"),
        ("empty.osm", b"", "the file is empty"),
        ("town.shp", b"streets", "not an OpenStreetMap extract by its name"),
        ("garbage.osm.pbf", b"this is not a protocol buffer" * 100, "cannot be read as OpenStreetMap data"),
        ("zeros.osm.pbf", bytes(1000), "cannot be read as OpenStreetMap data"),
        ("page.osm", b"<html><body>404 Not Found</body></html>", "cannot be read as OpenStreetMap data"),
        ("garbage.osm", b"nothing like XML", "cannot be read as OpenStreetMap data"),
        ("cut.osm", line().xml()[:-30].encode(), "cannot be read as OpenStreetMap data"),
        ("packed.osm.gz", b"not gzip", "cannot be read as OpenStreetMap data"),
        ("none.osm", b'<osm version="0.6"></osm>', "holds no way with a highway tag"),
        ("houses.osm", line({"building": "yes"}).xml().encode(), "holds no way with a highway tag"),
    ],
)
def test_what_is_no_street_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_osm(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_pbf_is_refused(tmp_path: Path, share: float) -> None:
    whole = SAMPLE.read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"cut\.osm\.pbf: cannot be read as OpenStreetMap data .*download"):
        read_osm(tmp_path / "cut.osm.pbf")


def test_a_motorway_alone_is_no_network(tmp_path: Path) -> None:
    file = written(tmp_path, line({"highway": "motorway"}))
    with pytest.raises(InputError, match="none of its 1 ways may be used on foot or by bicycle"):
        read_streets(file)


def test_a_street_without_length_is_no_network(tmp_path: Path) -> None:
    file = written(tmp_path, World({1: (0.0, 0.0)}, [(STREET, [1, 1])]))
    with pytest.raises(InputError, match=r"world\.osm"):
        read_streets(file)


def test_reading_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = read_streets(SAMPLE), read_streets(SAMPLE)
    for name in ("u", "v", "x", "y", "start", "length", "kind", "way_id"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert one.kinds == two.kinds
