"""What is cut out of an extract: ways whole, outlines that close, the same bytes, and the same times."""

from pathlib import Path

import geopandas as gpd
import osmium
import pytest
import shapely
from shapely.geometry import box

import siteplan as sp
from siteplan.errors import InputError
from siteplan.sources.area import Area
from siteplan.sources.clip import cut_area

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
WHOLE = SAMPLE / "streets.osm.pbf"
TOWN = Area("the town", box(3.335, 46.440, 3.355, 46.455), country="FR")


def things(path):
    """Read all that a file holds: nodes with places, ways with nodes, relations with members, all with tags."""
    found = {"n": {}, "w": {}, "r": {}}
    for one in osmium.FileProcessor(str(path)):
        tags = dict(one.tags)
        if one.is_node():
            found["n"][one.id] = ((one.location.x, one.location.y), tags)
        elif one.is_way():
            found["w"][one.id] = ([node.ref for node in one.nodes], tags)
        else:
            found["r"][one.id] = ([(member.type, member.ref, member.role) for member in one.members], tags)
    return found


def slowly_clipped(path, area):
    """Cut an area out object by object: what `cut_area` does by files and arrays."""
    every = things(path)
    inside = {key for key, ((x, y), _) in every["n"].items() if area.intersects(shapely.Point(x / 1e7, y / 1e7))}
    ways = {key for key, (refs, _) in every["w"].items() if inside & set(refs)}
    relations = {
        key for key, (members, _) in every["r"].items()
        if any((kind == "n" and ref in inside) or (kind == "w" and ref in ways) for kind, ref, _ in members)
    }  # fmt: skip
    for key in relations:
        members, tags = every["r"][key]
        commune = tags.get("boundary") == "administrative" and tags.get("admin_level") in ("7", "8", "9", "10")
        if tags.get("type") == "multipolygon" or commune:
            ways |= {ref for kind, ref, _ in members if kind == "w" and ref in every["w"]}
    nodes = inside | {ref for key in ways for ref in every["w"][key][0] if ref in every["n"]}
    return {
        "n": {key: every["n"][key] for key in nodes},
        "w": {key: every["w"][key] for key in ways},
        "r": {key: every["r"][key] for key in relations},
    }


@pytest.mark.parametrize("area", [box(3.335, 46.440, 3.355, 46.455), shapely.Point(3.35, 46.45).buffer(0.01)])
def test_a_clip_is_what_one_cuts_out_object_by_object(tmp_path, area):
    clip = cut_area(WHOLE, tmp_path / "cut.osm.pbf", area)
    expected = slowly_clipped(WHOLE, area)
    assert things(tmp_path / "cut.osm.pbf") == expected
    assert 0 < clip.nodes < len(expected["n"])  # ways are whole, beyond the area too


def relation(number, ways, **tags):
    members = "".join(f'<member type="way" ref="{way}" role="outer"/>' for way in ways)
    return f'<relation id="{number}" version="1">{members}{"".join(map(tag, tags.items()))}</relation>'


def tag(pair):
    return f'<tag k="{pair[0]}" v="{pair[1]}"/>'


def test_outlines_close_and_long_relations_stay_as_they_are(tmp_path):
    """Way 10 has a node in the area, way 11 none: it comes along where it closes an outline that is of use."""
    places = {1: (0, 0), 2: (0, 2), 3: (2, 2), 4: (2, 0)}
    nodes = "".join(f'<node id="{n}" version="1" lon="{3 + x}" lat="{46 + y}"/>' for n, (x, y) in places.items())
    ways = {10: (1, 2, 3), 11: (3, 4, 1), 12: (3, 4)}
    lines = "".join(
        f'<way id="{n}" version="1">{"".join(f"<nd ref={chr(34)}{ref}{chr(34)}/>" for ref in refs)}</way>'
        for n, refs in ways.items()
    ).replace('<way id="11" version="1"><nd ref="3"/><nd ref="4"/><nd ref="1"/>',
              '<way id="11" version="1"><nd ref="3"/><nd ref="4"/>')  # fmt: skip
    for number, (tags, comes) in enumerate(
        [
            ({"type": "multipolygon"}, True),
            ({"type": "boundary", "boundary": "administrative", "admin_level": "8"}, True),
            ({"type": "boundary", "boundary": "administrative", "admin_level": "4"}, False),
            ({"type": "route"}, False),
        ]
    ):
        path = tmp_path / f"{number}.osm"
        path.write_text(f'<osm version="0.6">{nodes}{lines}{relation(20, [10, 11], **tags)}</osm>')
        cut_area(path, tmp_path / f"{number}.osm.pbf", box(2.9, 45.9, 3.1, 46.1))
        found = things(tmp_path / f"{number}.osm.pbf")
        assert set(found["w"]) == ({10, 11} if comes else {10})
        assert set(found["r"]) == {20}
        assert found["r"][20][0] == [("w", 10, "outer"), ("w", 11, "outer")]
        assert set(found["n"]) == ({1, 2, 3, 4} if comes else {1, 2, 3})


def test_a_clip_has_the_same_bytes_and_no_users(tmp_path):
    for name in "ab":
        cut_area(WHOLE, tmp_path / f"{name}.osm.pbf", TOWN.geometry)
    assert (tmp_path / "a.osm.pbf").read_bytes() == (tmp_path / "b.osm.pbf").read_bytes()


def test_what_is_cut_short_is_told(tmp_path):
    short = tmp_path / "short.osm.pbf"
    short.write_bytes(WHOLE.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"short\.osm\.pbf: cannot be read as OpenStreetMap data"):
        cut_area(short, tmp_path / "cut.osm.pbf", TOWN.geometry)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")  # withheld cells, cut ways
def test_times_on_the_clip_are_those_on_the_whole(tmp_path):
    """Six minutes on foot are 480 m: with 500 m around the town and 1 km to spare nothing is missing."""
    cut_area(WHOLE, tmp_path / "streets.osm.pbf", TOWN.around(1500))
    sites = sp.read_sites(SAMPLE / "sites.csv")
    sites = sites[sites.intersects(TOWN.geometry)]
    cells = sp.read_population(SAMPLE / "population_200m.gpkg")
    inside = gpd.GeoSeries([TOWN.around(480)], crs=4326).to_crs(cells.crs).iloc[0]
    cells = cells[cells.within(inside)]
    tables = []
    for path in (WHOLE, tmp_path / "streets.osm.pbf"):
        streets = sp.read_streets(path)
        people = sp.place_people(cells, streets)
        times = sp.travel_times(streets, sites, people, mode="walk", limit=6)
        home = people.loc[times["point"], "cell"].to_numpy()
        tables.append(times.assign(cell=home).groupby(["site", "cell"])["minutes"].min())
    assert len(sites) >= 3
    assert len(tables[0]) > 20
    assert tables[0].equals(tables[1])
