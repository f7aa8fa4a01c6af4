"""Downloads against a server here that fails as it is told: what comes is whole, what is kept is not asked again."""

import hashlib

import pytest

from replay import replayed
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source

DATA = bytes(range(256)) * 4000  # 1 MB, in eight chunks


@pytest.fixture
def source():
    return Source(
        name="towns", kind="extract", title="Towns", urls={"file": "https://towns.example.org/{name}"},
        licence="ODbL-1.0", attribution="© somebody", vintage="2025",
    )  # fmt: skip


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=3)


@pytest.fixture
def replay(monkeypatch):
    with replayed({"towns": {"/a.osm.pbf": DATA}}, monkeypatch) as replay:
        yield replay


URL = "https://towns.example.org/a.osm.pbf"


def test_a_file_is_loaded_once_and_keeps_its_ending(replay, source, downloads):
    digest = f"md5:{hashlib.md5(DATA).hexdigest()}"
    path = downloads.get(source, URL, digest=digest)
    assert (path.read_bytes(), path.name.partition(".")[2]) == (DATA, "osm.pbf")
    assert downloads.get(source, URL, digest=digest) == path
    assert len(replay.requests) == 1
    used = downloads.used(source, URL)
    assert (used.url, used.bytes, used.digest) == (URL, len(DATA), hashlib.sha256(DATA).hexdigest())
