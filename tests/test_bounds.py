"""Inputs that are small and ask for enormous work are refused by count or size, named, before the work."""

import bz2
import gzip
import struct
import time
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import siteplan as sp
from siteplan.errors import SiteplanError
from siteplan.network.squares import MOST_ENTRIES, square_chords
from tests.town import STUDY, write_town

BEGIN = b"<osm version='0.6'><node id='1' version='1' lat='47.1' lon='9.5'/>"
BLANK = b" " * 1024**2
QUICK = 10.0  # seconds, on any machine: what is refused here would take hours, or all memory


def refused(path: Path) -> str:
    """Return what a file of streets is refused for, quickly."""
    begun = time.monotonic()
    with pytest.raises(SiteplanError) as error:
        sp.read_streets(path)
    assert time.monotonic() - begun < QUICK
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.open), ("bz2", bz2.open)])
def test_a_packed_extract_that_unpacks_to_far_more_is_a_bomb(tmp_path: Path, ending: str, pack: Any) -> None:
    file = tmp_path / f"a.osm.{ending}"
    with pack(file, "wb") as text:
        text.write(BEGIN)
        for _ in range(120):
            text.write(BLANK)
    assert "would unpack from" in refused(file)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.open), ("bz2", bz2.open)])
def test_a_packed_extract_is_read_as_an_unpacked_one(tmp_path: Path, ending: str, pack: Any) -> None:
    write_town(tmp_path)
    text = (tmp_path / "streets.osm").read_text().replace('<node id="11"', '<node action="delete" id="11"')
    with pack(tmp_path / f"streets.osm.{ending}", "wt") as file:
        file.write(text.replace("\n", " "))  # one line
    streets = sp.read_streets(tmp_path / f"streets.osm.{ending}")
    whole = sp.read_streets(tmp_path / "streets.osm").length.sum()
    assert streets.length.sum() == pytest.approx(0.9 * whole, rel=1e-4)  # the last of 11 crossings is deleted


def block(kind: bytes, data: bytes) -> bytes:
    """Write a block of a PBF file as the format has it."""

    def number(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)

    packed = zlib.compress(data, 9)
    blob = b"\x10" + number(len(data)) + b"\x1a" + number(len(packed)) + packed
    header = b"\x0a" + number(len(kind)) + kind + b"\x18" + number(len(blob))
    return struct.pack(">I", len(header)) + header + blob


def test_blocks_that_unpack_to_far_more_are_a_bomb(tmp_path: Path) -> None:
    file = tmp_path / "a.osm.pbf"
    head = block(b"OSMHeader", b"\x22\x0eOsmSchema-V0.6\x22\x0aDenseNodes")
    file.write_bytes(head + block(b"OSMData", bytes(30 * 1024**2)) * 4)
    assert f"to {4 * 30 * 1024**2 + 28:,} bytes or more" in refused(file)


@pytest.mark.parametrize("data", [b"\xff" * 100, b"\0\0\0\1", b"\0\0\0\4\x18\xff\xff\xff", b""])
def test_blocks_that_are_none_are_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.osm.pbf"
    file.write_bytes(data or b"\0")
    refused(file)


# ---------------------------------------------------------------------------------------------------- scenarios


def scenarios(count: int) -> dict[str, Any]:
    """Write scenarios of which each builds on the one before."""
    change: list[dict[str, Any]] = [{"resize": "B", "cost": 1}]
    return {f"s{n}": {"sites": change} | ({"base": f"s{n - 1}"} if n else {}) for n in range(count)}


ENORMOUS = {
    "a matrix": (
        {"matrix": {f"a{n}": {f"o{k}": {"sites": [{"close": "B"}]} for k in range(10)} for n in range(8)}},
        "ask for 100,000,000 scenarios; expected at most 1,000",
    ),
    "many": ({"scenarios": scenarios(1500)}, "ask for 1,500 scenarios; expected at most 1,000"),
    "a chain": ({"scenarios": scenarios(900)}, "s100: base: builds on more than 100 others"),
    "a chain from its end": (
        {"scenarios": dict(reversed(scenarios(900).items()))},
        "base: builds on more than 100 others",
    ),
}


@pytest.mark.parametrize("name", ENORMOUS)
def test_enormous_studies_are_refused_by_count(tmp_path: Path, name: str) -> None:
    more, expected = ENORMOUS[name]
    study = write_town(tmp_path, study=STUDY + yaml.safe_dump(more, sort_keys=False))
    begun = time.monotonic()
    with pytest.raises(SiteplanError, match=expected) as error:
        sp.check(study)
    assert time.monotonic() - begun < QUICK
    assert len(str(error.value)) < 400


def test_each_link_of_a_chain_is_the_study_that_it_is_alone(tmp_path: Path) -> None:
    study = sp.read_study(write_town(tmp_path, study=STUDY + yaml.safe_dump({"scenarios": scenarios(8)})))
    made = study.studies()
    assert list(made) == [f"s{n}" for n in range(8)]
    for number, (name, found) in enumerate(made.items()):
        assert found == study.variant(name)
        assert found.name == f"{study.name}: {name}"
        assert len(found.changes.sites) == number + 1


# ---------------------------------------------------------------------------------------------------- squares


@pytest.mark.parametrize("entries", [MOST_ENTRIES, MOST_ENTRIES + 1])
def test_squares_of_hundreds_of_entries_are_walked_around(entries: int) -> None:
    turns = np.linspace(0, 2 * np.pi, entries, endpoint=False)
    ids = np.arange(entries)
    rim = [*ids.tolist(), 0]
    twice = np.concatenate([ids, ids])  # every node of the rim also stands elsewhere
    chords, _, large = square_chords([[rim]], ids, twice, 100 * np.cos(turns), y=100 * np.sin(turns))
    across = entries * (entries - 3) // 2  # the diagonals of a convex polygon
    assert (len(chords), large) == ((across, 0) if entries == MOST_ENTRIES else (0, 1))


def test_without_room_for_what_is_picked_out_an_extract_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_town(tmp_path)
    assert len(sp.read_streets(tmp_path / "streets.osm").length) > 0
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    assert "bytes are needed to read it" in refused(tmp_path / "streets.osm")
