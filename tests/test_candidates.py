"""Candidate sites from OpenStreetMap: a village written by hand, broken files, and a real country."""

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import osmium
import pytest
import shapely

from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.candidates import CANDIDATE_TAGS, kind_of, propose_sites, read_tags

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))

# A village around 9.5 E, 47.1 N; 0.001 degrees are 111 m northwards and 76 m eastwards.
CORNERS = {1: (0, 0), 2: (2, 0), 3: (2, 2), 4: (0, 2), 5: (0.5, 0.5), 6: (1.5, 0.5), 7: (1.5, 1.5), 8: (0.5, 1.5)}


def node(number: int, east: float, north: float, **tags: str) -> str:
    return _element("node", number, "", tags, f' lat="{47.1 + north / 1000:.7f}" lon="{9.5 + east / 1000:.7f}"')


def way(number: int, nodes: list[int], **tags: str) -> str:
    return _element("way", number, "".join(f'<nd ref="{one}"/>' for one in nodes), tags)


def relation(number: int, outer: int, inner: int, **tags: str) -> str:
    members = f'<member type="way" ref="{outer}" role="outer"/><member type="way" ref="{inner}" role="inner"/>'
    return _element("relation", number, members, tags | {"type": "multipolygon"})


def _element(kind: str, number: int, inside: str, tags: dict[str, str], more: str = "") -> str:
    tagged = "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())
    return f'<{kind} id="{number}" version="1"{more}>{inside}{tagged}</{kind}>\n'


def village(folder: Path, *things: str, corners: dict[int, tuple[float, float]] = CORNERS) -> Path:
    path = folder / "village.osm"
    nodes = "".join(node(number, *where) for number, where in corners.items())
    path.write_text(f'<?xml version="1.0"?>\n<osm version="0.6">\n{nodes}{"".join(things)}</osm>\n')
    return path


def test_nodes_ways_and_multipolygons_stand_at_a_point_inside(tmp_path: Path) -> None:
    path = village(
        tmp_path,
        node(20, 5, 5, amenity="library", name="Books"),
        way(30, [1, 2, 3, 4, 1]),
        way(31, [5, 6, 7, 8, 5], amenity="townhall", name="Rathaus"),
        relation(40, 30, 31, amenity="school", name="Ring school"),
    )
    sites = propose_sites(path)
    assert list(sites.index) == ["n20", "w31", "r40"]
    assert sites["kind"].tolist() == ["library", "town hall", "school"]
    assert sites["osm"].tolist() == ["node/20", "way/31", "relation/40"]
    assert sites.geometry["n20"] == shapely.Point(9.505, 47.105)
    hole = shapely.box(9.5005, 47.1005, 9.5015, 47.1015)
    assert hole.contains(sites.geometry["w31"])
    assert not hole.intersects(sites.geometry["r40"])


def test_the_table_is_one_of_sites(tmp_path: Path) -> None:
    sites = propose_sites(village(tmp_path, node(20, 5, 5, amenity="library", name="Books")))
    assert list(sites.columns) == ["name", "status", "cost", "capacity", "kind", "place", "osm", "geometry"]
    assert (sites.index.name, sites.crs.to_epsg()) == ("site", 4326)
    assert sites["status"].tolist() == ["candidate"]
    assert sites[["cost", "capacity"]].isna().all(axis=None)


def test_sorted_by_kind_as_in_the_table_then_by_number(tmp_path: Path) -> None:
    libraries = [node(number, number, 0, amenity="library", name=str(number)) for number in (100, 9, 20)]
    sites = propose_sites(village(tmp_path, node(1000, 0, 0, amenity="coworking_space"), *libraries))
    assert list(sites.index) == ["n1000", "n9", "n20", "n100"]


def test_a_place_mapped_as_point_and_outline_is_kept_once_and_borrows_the_name(tmp_path: Path) -> None:
    inside = node(20, 1, 1, amenity="post_office", name="Post")
    path = village(tmp_path, inside, way(30, [1, 2, 3, 4, 1], amenity="post_office"))
    with pytest.warns(SiteplanWarning, match="1 of 2 places are mapped twice and kept once"):
        sites = propose_sites(path)
    assert sites["name"].to_dict() == {"w30": "Post"}


def test_the_outline_keeps_the_name_it_has(tmp_path: Path) -> None:
    inside = node(20, 1, 1, amenity="school", name="Class 1")
    path = village(tmp_path, inside, way(30, [1, 2, 3, 4, 1], amenity="school", name="School centre"))
    with pytest.warns(SiteplanWarning, match="1 of 2 places"):
        assert propose_sites(path)["name"].to_dict() == {"w30": "School centre"}


def test_another_kind_inside_the_outline_is_another_site(tmp_path: Path) -> None:
    inside = node(20, 1, 1, amenity="library", name="Books")
    assert len(propose_sites(village(tmp_path, inside, way(30, [1, 2, 3, 4, 1], amenity="townhall")))) == 2


@pytest.mark.filterwarnings("default::siteplan.errors.SiteplanWarning")
def test_places_of_one_building_are_one_site_across_kinds(tmp_path: Path) -> None:
    at_one, at_two = ({"addr__street": "Rue Haute", "addr__housenumber": each} for each in ("1", "2"))
    path = village(
        tmp_path,
        way(30, [1, 2, 3, 4, 1], amenity="townhall", name="Mairie", building="yes"),
        node(20, 1, 1, amenity="library", name="Books"),  # inside that building: the library stands before it
        node(21, 1.5, 1, amenity="post_office"),  # inside it, too
        node(22, 2.2, 1, amenity="post_office", name="Post"),  # beside it
        node(23, 5, 5, amenity="library", name="Upstairs", **at_one),
        node(24, 5.1, 5, amenity="community_centre", **at_one),  # 8 m off, at the same address
        node(25, 5.2, 5, amenity="community_centre", **at_two),
        node(26, 9, 9, amenity="post_office", **at_one),  # of that address, but 500 m off: another town's
    )
    with pytest.warns(SiteplanWarning) as said:
        sites = propose_sites(path)
    assert list(sites.index) == ["n20", "n23", "n25", "n22", "n26"]
    assert str(said[0].message) == (
        f"{path}: 3 of 8 places stand in one building with another, which is proposed for both: n24 (community "
        "centre), w30 (town hall), n21 (post office)"
    )


@pytest.mark.parametrize(
    ("metres_north", "name", "kept"), [(90, "Halt", 1), (110, "Halt", 2), (90, "Stop", 2), (90, "", 2)]
)
@pytest.mark.filterwarnings("ignore:.*mapped twice")
def test_one_name_and_kind_within_100_m_is_one_place(tmp_path: Path, metres_north: float, name: str, kept: int) -> None:
    other = node(21, 5, 5 + metres_north / 111.2, railway="halt", name=name)
    assert len(propose_sites(village(tmp_path, node(20, 5, 5, railway="station", name="Halt"), other))) == kept


def test_what_has_no_name_is_called_by_kind_and_where_it_is(tmp_path: Path) -> None:
    path = village(
        tmp_path,
        node(10, 0, 0, place="village", name="Dorf"),
        node(20, 5, 5, amenity="library", addr__street="Gasse", addr__housenumber="3"),
        node(21, 6, 5, amenity="school", addr__city="Stadt"),
        node(22, 90, 0, amenity="school"),
    )
    names = propose_sites(path)["name"].to_dict()
    assert names == {"n20": "Library, Gasse 3, Dorf", "n21": "School, Stadt", "n22": "School, n22"}


def test_a_name_that_several_places_share_is_told_apart_by_the_town(tmp_path: Path) -> None:
    towns = [node(10, 0, 0, place="village", name="Dorf"), node(11, 30, 0, place="town", name="Stadt")]
    halls = [node(20, 1, 1, amenity="townhall", name="Rathaus"), node(21, 29, 1, amenity="townhall", name="Rathaus")]
    posts = [node(number, number, 2, amenity="post_office", name="Post Dorf") for number in (3, 6)]
    names = propose_sites(village(tmp_path, *towns, *halls, *posts, corners={}))["name"].tolist()
    assert names == ["Rathaus, Dorf", "Rathaus, Stadt", "Post Dorf", "Post Dorf"]


def test_only_places_in_the_area(tmp_path: Path) -> None:
    path = village(tmp_path, node(20, 5, 5, amenity="library"), node(21, 50, 5, amenity="library"))
    area = gpd.GeoDataFrame(geometry=[shapely.box(9.5, 47.1, 9.51, 47.11)], crs=4326).to_crs(2056)
    assert list(propose_sites(path, area=area).index) == ["n20"]
    with pytest.raises(InputError, match="area: has no CRS"):
        propose_sites(path, area=area.set_crs(None, allow_override=True))
    with pytest.warns(SiteplanWarning, match="none of the 2 places that fit is in the area"):
        assert propose_sites(path, area=area.translate(50_000).to_frame("geometry")).empty


def test_a_clipped_outline_stands_amid_the_nodes_that_are_left(tmp_path: Path) -> None:
    path = village(tmp_path, way(30, [1, 2, 900, 901, 1], amenity="school"), way(31, [1, 2], amenity="library"))
    points = propose_sites(path).geometry
    assert points["w31"].equals_exact(shapely.Point(9.501, 47.1), 1e-9)
    assert points["w30"].distance(shapely.Point(9.501, 47.1)) < 0.001


def test_an_outline_without_any_node_is_counted(tmp_path: Path) -> None:
    lost = [way(30, [901, 902, 903, 901], amenity="school"), relation(40, 930, 931, amenity="school")]
    with pytest.warns(SiteplanWarning, match="2 places are left out"):
        assert len(propose_sites(village(tmp_path, *lost, node(20, 1, 1, amenity="library")))) == 1


def test_nothing_that_fits_is_an_empty_table_and_a_warning(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match="no place fits the table of tags"):
        sites = propose_sites(village(tmp_path, node(20, 1, 1, amenity="bench")))
    assert sites.empty
    assert list(sites.columns[:2]) == ["name", "status"]


def test_a_rerun_gives_the_same_bytes(tmp_path: Path) -> None:
    path = village(tmp_path, *[node(20 + step, step, step, amenity="school") for step in range(9)])
    assert propose_sites(path).to_json() == propose_sites(path).to_json()


# --- the table of tags -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "library"}, "library"),
        ({"amenity": "school", "office": "coworking"}, "coworking"),
        ({"disused:shop": "clothes"}, "vacant shop"),
        ({"disused:shop": "no"}, None),
        ({"office": "government"}, None),
        ({"office": "government", "government": "municipality"}, "town hall"),
        ({"amenity": "bench"}, None),
        ({}, None),
    ],
)
def test_the_first_kind_that_fits(tags: dict[str, str], kind: str | None) -> None:
    assert kind_of(tags, read_tags(CANDIDATE_TAGS)) == kind


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("farm:\n  - {building: farm, disused: yes}\nmill: {man_made: [watermill, windmill]}\n")
    path = village(
        tmp_path,
        node(20, 1, 1, building="farm", disused="yes"),
        node(21, 2, 2, building="farm"),
        node(22, 3, 3, man_made="windmill"),
    )
    assert propose_sites(path, tags=own)["kind"].to_dict() == {"n20": "farm", "n22": "mill"}
    assert propose_sites(path, tags={"any": [{"building": "*"}]}).index.tolist() == ["n20", "n21"]


@pytest.mark.parametrize(
    "tags", [{}, [], {"a": "b"}, {"a": []}, {"a": [{}]}, {"a": [{"k": []}]}, {"a": [{"k": {"v": 1}}]}]
)
def test_what_is_no_table_of_tags_is_refused(tmp_path: Path, tags: Any) -> None:
    file = tmp_path / "tags.yaml"
    file.write_text(repr(tags))
    with pytest.raises(StudyError, match=r"tags\.yaml: .*expected"):
        read_tags(file)


def test_a_table_of_tags_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml: no such file"):
        read_tags(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"bad\.yaml: line 1, column 5"):
        read_tags(tmp_path / "bad.yaml")


# --- files that are not what they should be --------------------------------------------------------------------------


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        propose_sites(tmp_path / "absent.osm.pbf")


def test_not_a_pbf(tmp_path: Path) -> None:
    (tmp_path / "text.osm.pbf").write_text("these are no streets\n" * 100)
    with pytest.raises(InputError, match=r"text\.osm\.pbf: cannot be read as OpenStreetMap data"):
        propose_sites(tmp_path / "text.osm.pbf")


def test_a_truncated_pbf(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.osm.pbf", tmp_path / "cut.osm.pbf"
    with osmium.SimpleWriter(whole) as writer:
        for thing in osmium.FileProcessor(village(tmp_path, node(20, 1, 1, amenity="library"))):
            writer.add(thing)
    assert len(propose_sites(whole)) == 1
    cut.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cut\.osm\.pbf: cannot be read as OpenStreetMap data"):
        propose_sites(cut)


# --- a real country --------------------------------------------------------------------------------------------------

LIECHTENSTEIN = DATA / "liechtenstein" / "liechtenstein-2021-10.osm.pbf"
HELSINKI = DATA / "helsinki" / "helsinki_center_2019.osm.pbf"


@pytest.mark.real
@pytest.mark.skipif(not LIECHTENSTEIN.exists(), reason="no Liechtenstein extract")
def test_liechtenstein() -> None:
    with pytest.warns(SiteplanWarning, match="mapped twice"):
        sites = propose_sites(LIECHTENSTEIN)
    names = set(sites["name"])
    assert {"Landesbibliothek", "Rathaus Vaduz", "Rathaus, Schaan", "Post Balzers", "Schaan-Vaduz"} <= names
    assert sites["kind"].value_counts()[["library", "town hall", "post office", "station"]].tolist() == [3, 5, 11, 3]
    assert sites.index.is_unique
    assert sites.within(shapely.box(9.47, 47.04, 9.64, 47.28)).all()


@pytest.mark.real
@pytest.mark.skipif(not HELSINKI.exists(), reason="no Helsinki extract")
@pytest.mark.filterwarnings("ignore:.*mapped twice")
def test_a_clipped_extract() -> None:
    sites = propose_sites(HELSINKI)
    assert "Helsingin keskustakirjasto Oodi" in set(sites["name"])
    assert sites.geometry.is_valid.all()
    assert not sites.geometry.is_empty.any()
