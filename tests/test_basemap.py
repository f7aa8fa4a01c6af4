"""Parks, railways and names of places read from OpenStreetMap files written by hand."""

import time
from pathlib import Path

import pytest
import shapely

from siteplan.errors import InputError
from siteplan.inputs.basemap import read_basemap
from tests.test_water import INNER, NODES, OUTER
from tests.town import write_town


def written(path: Path, *things: str) -> Path:
    path.write_text(f'<osm version="0.6">{NODES}{"".join(things)}</osm>')
    return path


def tags(**given: str) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in given.items())


def node(number: int, lon: float, lat: float, **given: str) -> str:
    return f'<node id="{number}" version="1" lat="{lat}" lon="{lon}">{tags(**given)}</node>'


def way(number: int, *refs: int, **given: str) -> str:
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{number}" version="1">{nodes}{tags(**given)}</way>'


def test_a_park_with_a_hole_keeps_its_name_and_hole(tmp_path):
    ways = f'<way id="1" version="1">{OUTER}</way><way id="2" version="1">{INNER}</way>'
    members = '<member type="way" ref="1" role="outer"/><member type="way" ref="2" role="inner"/>'
    park = tags(type="multipolygon", leisure="park", name="Jardin")
    green = read_basemap(written(tmp_path / "a.osm", ways, f'<relation id="3" version="1">{members}{park}</relation>'))
    (row,) = green["green"].itertuples()
    assert (row.name, row.kind, row.geometry.area) == ("Jardin", "park", 15)
    assert green["green"].crs == "EPSG:4326"


def test_woods_and_cemeteries_are_green_and_houses_are_not(tmp_path):
    things = [
        way(kind, 1, 2, 3, 4, 1, **{key: value})
        for kind, (key, value) in enumerate(
            [("natural", "wood"), ("landuse", "forest"), ("landuse", "cemetery"), ("landuse", "residential")], 1
        )
    ]
    assert sorted(read_basemap(written(tmp_path / "a.osm", *things))["green"]["kind"]) == ["cemetery", "wood", "wood"]


def test_railways_are_lines_without_sidings_and_tunnels(tmp_path):
    ways = [
        way(1, 1, 2, 3, railway="rail"),
        way(2, 1, 4, railway="rail", service="yard"),
        way(3, 1, 4, railway="subway", tunnel="yes"),
        way(4, 2, 4, railway="tram", tunnel="no"),
        way(5, 2, 4, railway="abandoned"),
    ]
    rails = read_basemap(written(tmp_path / "a.osm", *ways))["railways"]
    assert list(rails["kind"]) == ["rail", "tram"]
    assert rails.geometry[0].equals(shapely.LineString([(0, 0), (4, 0), (4, 4)]))


@pytest.mark.parametrize(
    ("refs", "lines"),
    [((1, 2, 99, 3, 4), 2), ((99, 1, 2), 1), ((1, 99, 2), 0), ((1, 2, 99, 98), 1), ((99, 98), 0)],
)
def test_a_railway_is_cut_where_nodes_are_missing(tmp_path, refs, lines):
    rails = read_basemap(written(tmp_path / "a.osm", way(1, *refs, railway="rail"), way(2, 5, 6, railway="rail")))
    assert len(rails["railways"]) == lines + 1
    assert (rails["railways"].geometry.count_coordinates() == 2).all()


def test_places_come_greatest_first_and_need_a_name(tmp_path):
    nodes = [
        node(11, 1, 1, place="hamlet", name="Les Îles"),
        node(12, 2, 2, place="town", name="Small", population="900"),
        node(13, 3, 3, place="town", name="Large", population="1000"),
        node(14, 3, 3, place="town", name="Unknown", population="many"),
        node(15, 3, 3, place="village"),
        node(16, 3, 3, place="farm", name="Farm"),
    ]
    places = read_basemap(written(tmp_path / "a.osm", *nodes))["places"]
    assert list(places["name"]) == ["Large", "Small", "Unknown", "Les Îles"]
    assert list(places["population"])[:2] == [1000, 900]
    assert places["population"].isna().tolist() == [False, False, True, True]
    assert (places.geometry.x[0], places.geometry.y[0]) == (3, 3)


def test_an_extract_of_streets_alone_has_none(tmp_path):
    write_town(tmp_path)
    found = read_basemap(tmp_path / "streets.osm")
    assert {name: (len(table), table.crs.to_epsg()) for name, table in found.items()} == {
        "water": (0, 4326),
        "green": (0, 4326),
        "railways": (0, 4326),
        "places": (0, 4326),
    }


@pytest.mark.parametrize("content", [b"", b"<osm version='0.6'><node"])
def test_a_broken_file_is_refused(tmp_path, content):
    (tmp_path / "a.osm").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.osm"):
        read_basemap(tmp_path / "a.osm")


@pytest.mark.real
def test_a_country_is_read_within_a_second_or_two(real):
    path = real("liechtenstein/liechtenstein-2021-10.osm.pbf")
    start = time.process_time()
    found = read_basemap(path)
    assert time.process_time() - start < 5
    assert "Vaduz" in set(found["places"]["name"])
    assert found["green"].geometry.is_valid.all()
    assert len(found["railways"]) > 10
