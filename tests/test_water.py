"""Lakes and rivers read from OpenStreetMap files written by hand."""

from pathlib import Path

import pytest
import shapely

from siteplan.errors import InputError
from siteplan.inputs.basemap import read_basemap
from tests.town import write_town

NODES = "".join(
    f'<node id="{number}" version="1" lat="{lat}" lon="{lon}"/>'
    for number, (lon, lat) in enumerate([(0, 0), (4, 0), (4, 4), (0, 4), (1, 1), (2, 1), (2, 2), (1, 2)], 1)
)
OUTER = "".join(f'<nd ref="{number}"/>' for number in (1, 2, 3, 4, 1))
INNER = "".join(f'<nd ref="{number}"/>' for number in (5, 6, 7, 8, 5))
LAKE = '<tag k="natural" v="water"/><tag k="name" v="Lake"/>'


def written(path: Path, *things: str) -> Path:
    path.write_text(f'<osm version="0.6">{NODES}{"".join(things)}</osm>')
    return path


def test_a_lake_is_read_with_its_name(tmp_path: Path) -> None:
    way = f'<way id="1" version="1">{OUTER}{LAKE}</way>'
    park = f'<way id="2" version="1">{INNER}<tag k="leisure" v="park"/></way>'
    water = read_basemap(written(tmp_path / "a.osm", way, park))["water"]
    assert water["name"].tolist() == ["Lake"]
    assert water.geometry[0].equals(shapely.box(0, 0, 4, 4))
    assert water.crs == "EPSG:4326"


def test_an_island_is_no_water(tmp_path: Path) -> None:
    ways = f'<way id="1" version="1">{OUTER}</way><way id="2" version="1">{INNER}</way>'
    members = '<member type="way" ref="1" role="outer"/><member type="way" ref="2" role="inner"/>'
    relation = f'<relation id="3" version="1">{members}<tag k="type" v="multipolygon"/>{LAKE}</relation>'
    (shape,) = read_basemap(written(tmp_path / "a.osm", ways, relation))["water"].geometry
    assert shape.area == 15
    assert not shape.contains(shapely.Point(1.5, 1.5))


def test_an_extract_without_water_has_none(tmp_path: Path) -> None:
    write_town(tmp_path)
    assert read_basemap(tmp_path / "streets.osm")["water"].empty


@pytest.mark.parametrize("content", [b"", b"<osm version='0.6'><node"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.osm").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.osm"):
        read_basemap(tmp_path / "a.osm")["water"]
