"""Communes: from registers and from borders, those that an area lies in, whole."""

import hashlib
import json

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

import miniature_places
from miniature_extracts import feature, write_borders
from replay import replayed
from siteplan.errors import FetchError
from siteplan.inputs.area import read_area
from siteplan.sources.area import Area
from siteplan.sources.communes import get_communes
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import sources

SAMPLE = miniature_places.SAMPLE
BY_NAME = {source.name: source for source in sources("communes")}
COMMUNES = gpd.read_file(SAMPLE / "communes.gpkg").to_crs(4326)


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=2)


def town(*codes, by=0.0):
    """Return the area of some of the sample's communes, a little larger or smaller."""
    outline = COMMUNES[COMMUNES["code"].isin(codes)].union_all().buffer(by)
    return Area("the town", outline, country="FR")


def test_units_of_europe_are_read_where_they_meet_the_area(tmp_path, monkeypatch, downloads):
    file = tmp_path / "lau.gpkg"
    table = COMMUNES.assign(GISCO_ID="FR_" + COMMUNES["code"], CNTR_CODE="FR", POP_2023=[800] * 7 + [-9999])
    table = table.rename(columns={"code": "LAU_ID", "name": "LAU_NAME"})
    table.to_file(file, driver="GPKG")
    with replayed({"gisco_lau": lambda *_: file.read_bytes()}, monkeypatch):
        got = get_communes(town("99005", "99008"), BY_NAME["gisco_lau"], downloads, tmp_path)
        assert not got.notes
    written = gpd.read_file(tmp_path / "area.gpkg", layer="communes")
    assert written["code"].tolist() == ["99005", "99008"]
    assert written["population"].tolist() == [800, 0]
    COMMUNES.to_file(file, driver="GPKG")
    with (
        replayed({"gisco_lau": lambda *_: file.read_bytes()}, monkeypatch),
        pytest.raises(FetchError, match="has no columns lau_id and lau_name"),
    ):
        get_communes(town("99005"), BY_NAME["gisco_lau"], Downloads(tmp_path / "other", offline=False), tmp_path)


def test_borders_of_openstreetmap_are_put_together(tmp_path, monkeypatch, downloads):
    file = tmp_path / "borders.osm.pbf"
    write_borders(
        file,
        ("6", "The department", "", 3.0, 46.3, 3.6, 46.6),
        ("8", "West", "99001", 3.1, 46.4, 3.3, 46.5),
        ("8", "East", "", 3.3, 46.4, 3.5, 46.5),
        ("8", "North", "", 3.1, 46.5, 3.5, 46.6),
        ("9", "A quarter", "", 3.2, 46.42, 3.25, 46.45),
    )
    index = {"features": [feature("valley", box(2.9, 46.1, 3.8, 46.8), parent="land")]}
    host = {
        "/index-v1.json": json.dumps(index).encode(),
        "/valley-latest.osm.pbf": file.read_bytes(),
        "/valley-latest.osm.pbf.md5": hashlib.md5(file.read_bytes()).hexdigest().encode(),
    }
    with replayed({"geofabrik": host}, monkeypatch):
        area = Area("the valley", box(3.1, 46.4, 3.5, 46.5))
        got = get_communes(area, BY_NAME["osm_borders"], downloads, tmp_path)
        table = read_area(tmp_path / "area.gpkg", layer="communes")
        assert dict(table["name"]) == {"99001": "West", "r3": "East"}
        assert table.loc["r3"].geometry.equals(box(3.3, 46.4, 3.5, 46.5))
        assert got.used[0].attribution == "© OpenStreetMap contributors"
        far = Area("a hamlet", Point(3.07, 46.42).buffer(0.05))
        with pytest.raises(FetchError, match="no level of borders"):
            get_communes(far, BY_NAME["osm_borders"], downloads, tmp_path)
