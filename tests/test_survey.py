"""The survey of a folder: every extract and feed is read, or refused in one sentence, with what was not used."""

from pathlib import Path

import pytest

from tools.survey import survey

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROW = '<node id="{n}" version="1" lat="50" lon="{lon}"/>'


@pytest.mark.parametrize(("name", "said"), [("streets.osm.pbf", "km of streets"), ("gtfs.zip", "trips, ")])
def test_what_is_whole_is_read(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_bytes((SAMPLE / name).read_bytes())
    first = next(survey(tmp_path))
    assert first.startswith(f"read     {tmp_path}/deep/{name}: ")
    assert said in first


def test_what_is_not_is_refused_and_what_is_missing_is_counted(tmp_path: Path) -> None:
    nodes = "".join(ROW.format(n=n, lon=5 + n / 1000) for n in (1, 2, 4, 5))
    street = "".join(f'<nd ref="{n}"/>' for n in range(1, 6)) + '<tag k="highway" v="path"/>'
    (tmp_path / "clipped.osm").write_text(f'<osm version="0.6">{nodes}<way id="1" version="1">{street}</way></osm>')
    (tmp_path / "cut.osm.pbf").write_bytes((SAMPLE / "streets.osm.pbf").read_bytes()[:-1000])
    (tmp_path / "notes.txt").write_text("no extract")
    read, held, counted, nothing, refused = survey(tmp_path)
    assert read.startswith(f"read     {tmp_path}/clipped.osm: 0.1 km of streets")
    assert (held.strip(), "missing nodes 1, ways cut 1" in counted) == ("nodes 4", True)
    assert "no place fits the table of tags" in nothing
    assert refused.startswith(f"refused  {tmp_path}/cut.osm.pbf: cannot be read as OpenStreetMap data")
