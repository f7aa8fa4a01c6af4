"""Downloads against a server here that fails as it is told: what comes is whole, what is kept is not asked again."""

import errno
import hashlib
import itertools
import os
import shutil
from pathlib import Path

import pytest

from replay import replayed
from siteplan.errors import FetchError, StudyError
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source, best_sources, sources

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


def test_a_connection_that_is_cut_goes_on_from_there(replay, source, downloads):
    """Each byte is sent once: 300,000 of them first, the rest by a range of the same state of the file."""
    replay.fail("towns", cut=300_000)
    assert downloads.get(source, URL).read_bytes() == DATA
    first, second = replay.requests
    have = int(second.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < have <= 300_000
    assert second.headers["If-Range"] == f'"{hashlib.md5(DATA).hexdigest()}"'
    assert second.sent == len(DATA) - have
    assert "Range" not in first.headers


def test_a_line_that_is_cut_again_and_again_arrives_as_long_as_bytes_come(replay, source, downloads):
    replay.fail("towns", cut=150_000, times=6)  # more often than the tries without a byte
    assert downloads.get(source, URL).read_bytes() == DATA


def test_a_process_that_was_killed_goes_on_at_its_byte(replay, source, downloads, monkeypatch):
    """A process that is killed leaves its part: the next one asks for the rest alone."""
    written = []

    def stop(name, done, total):
        written.append((done, total))
        if done > 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Downloads(downloads.folder, offline=False, progress=stop).get(source, URL)
    assert not list((downloads.folder / "objects").glob("*"))
    assert downloads.get(source, URL).read_bytes() == DATA
    assert replay.requests[1].headers["Range"] == f"bytes={written[-1][0]}-"
    assert {total for _, total in written} == {len(DATA)}


@pytest.mark.parametrize("there", [0, 1, 131_071, 131_072, 131_073, 500_000, -1, None])
def test_whatever_byte_a_process_was_killed_at_the_file_becomes_whole(there, replay, source, downloads):
    """Up to `there` bytes are on the disk (-1: all but one; None: all), with what is known of their state."""
    size = len(DATA) if there is None else there % len(DATA)
    with pytest.raises(KeyboardInterrupt):
        Downloads(downloads.folder, offline=False, progress=stopping).get(source, URL)
    (part,) = downloads.folder.glob("parts/*.part")
    part.write_bytes(DATA[:size])
    assert downloads.get(source, URL).read_bytes() == DATA
    again = replay.requests[1:]
    if 0 < size < len(DATA):
        assert [each.sent for each in again] == [len(DATA) - size]
    # all that may be left is what the cache itself keeps
    assert not list(downloads.folder.glob("parts/*.part"))
    # one that was killed before anything of the state was written begins anew
    other = Downloads(downloads.folder.with_name("other"), offline=False, patience=0.02, tries=2)
    (other.folder / "parts").mkdir(parents=True)
    (other.folder / "parts" / part.name).write_bytes(b"x" * 1000)
    assert other.get(source, URL).read_bytes() == DATA


def stopping(name, done, total):
    raise KeyboardInterrupt


def test_a_part_of_an_older_state_is_not_gone_on_with(replay, source, downloads):
    replay.fail("towns", cut=300_000, headers={"ETag": '"older"'})
    assert downloads.get(source, URL).read_bytes() == DATA
    assert replay.requests[1].headers["If-Range"] == '"older"'
    assert replay.requests[1].sent == len(DATA)  # a host that has another state gives all of it


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_to_wait_a_little_is_asked_again_then(status, replay, source, downloads):
    replay.fail("towns", status=status, headers={"Retry-After": "0"})
    assert downloads.get(source, URL).read_bytes() == DATA
    assert len(replay.requests) == 2


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (429, r"towns: towns.example.org is asked too much \(429\) and asks to wait 3600 s; try again then"),
        (503, r"towns: towns.example.org cannot answer now \(503\) and asks to wait 3600 s; try again then"),
    ],
)
def test_a_host_that_asks_to_wait_long_is_left(status, why, replay, source, downloads):
    replay.fail("towns", status=status, headers={"Retry-After": "3600"}, times=9)
    with pytest.raises(FetchError, match=why):
        downloads.get(source, URL)
    assert len(replay.requests) == 1


def test_a_host_that_stays_down_is_asked_as_often_as_told(replay, source, downloads):
    replay.fail("towns", status=503, times=9)
    with pytest.raises(FetchError, match=r"cannot answer now \(503\); try again then"):
        downloads.get(source, URL)
    assert len(replay.requests) == downloads.tries


def test_what_is_not_there_is_told_at_once(replay, source, downloads):
    with pytest.raises(FetchError, match=r"b.zip is not there \(404\); it may have moved"):
        downloads.get(source, "https://towns.example.org/b.zip")
    assert len(replay.requests) == 1


def test_a_file_of_another_digest_is_loaded_once_more_and_refused(replay, source, downloads):
    with pytest.raises(
        FetchError, match=r"is not the file that its publisher tells of \(md5:00 expected, md5:[0-9a-f]"
    ):
        downloads.get(source, URL, digest="md5:00")
    assert len(replay.requests) == 2
    assert not [path for path in downloads.folder.rglob("*") if path.suffix not in ("", ".lock")]


def test_a_page_in_place_of_data_is_told_with_its_title(replay, source, downloads):
    page = b"<!DOCTYPE html><html><head><title>Log\n in</title></head></html>"
    replay.fail("towns", body=page)
    with pytest.raises(FetchError, match=r"gave a page of HTML \('Log in'\) in place of data; look at it in a browser"):
        downloads.get(source, URL)
    assert downloads.get(source, URL).read_bytes() == DATA


def test_a_slow_host_is_a_cut(replay, source, downloads):
    replay.fail("towns", slow=0.6)
    hasty = Downloads(downloads.folder, offline=False, timeout=0.2, patience=0.02)
    assert hasty.get(source, URL).read_bytes() == DATA
    replay.fail("towns", slow=0.6, times=9)
    with pytest.raises(FetchError, match=r"towns.example.org cannot be reached \(.*tim.*\); try again then"):
        Downloads(downloads.folder.with_name("other"), offline=False, timeout=0.05, patience=0.02, tries=1).get(
            source, URL
        )


def test_a_full_disk_keeps_what_came(replay, source, downloads, monkeypatch):
    """Told with the cache and the remedy; with room again, only the rest is asked for."""
    free = shutil.disk_usage(downloads.folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free._replace(free=100))
    with pytest.raises(
        FetchError, match=r"cache: cannot be written \(No space left.*make room, or name another folder"
    ):
        downloads.get(source, URL)
    monkeypatch.undo()
    monkeypatch.setenv("SITEPLAN_URL_TOWNS", replay.url("towns"))
    opened = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, chunk):
            if self.file.tell() + len(chunk) > 400_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(chunk)

    def full(path, *args, **how):
        return (
            Full(opened(path, *args, **how))
            if path.suffix == ".part" and args == ("ab",)
            else opened(path, *args, **how)
        )

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FetchError, match="No space left"):
        downloads.get(source, URL)
    monkeypatch.setattr(Path, "open", opened)
    assert downloads.get(source, URL).read_bytes() == DATA
    assert replay.requests[-1].headers["Range"] == "bytes=393216-"  # three chunks of 131,072


def test_offline_gives_what_is_kept_and_says_what_is_not(replay, source, downloads):
    away = Downloads(downloads.folder, offline=True)
    with pytest.raises(
        FetchError, match=r"is not in the cache .*cache, and offline nothing is asked for; fetch it once"
    ):
        away.get(source, URL)
    assert not replay.requests
    path = downloads.get(source, URL)
    assert away.get(source, URL) == path
    assert (away.size(source, URL), len(replay.requests)) == (len(DATA), 1)
    both = Downloads(downloads.folder, offline=True, update=True)
    assert (both.get(source, URL), len(replay.requests)) == (path, 1)


def test_an_update_asks_whether_it_changed_and_loads_what_did(replay, source, downloads):
    path = downloads.get(source, URL)
    newer = Downloads(downloads.folder, offline=False, update=True)
    assert newer.get(source, URL) == path
    assert replay.requests[-1].headers["If-None-Match"]
    assert (newer.get(source, URL), len(replay.requests), replay.requests[-1].sent) == (path, 2, 0)
    replay.answers["towns"] = {"/a.osm.pbf": DATA[:1000]}
    assert Downloads(downloads.folder, offline=False, update=True).get(source, URL).read_bytes() == DATA[:1000]
    assert path.exists()  # kept by content: what a study was made of stays


def test_a_redirect_leads_to_the_hosts_of_the_source_alone(replay, source, downloads):
    replay.fail("towns", status=302, headers={"Location": "https://elsewhere.example.com/a.osm.pbf"})
    with pytest.raises(FetchError, match=r"towns: leads to https://elsewhere.example.com, which is none of the hosts"):
        downloads.get(source, URL)
    replay.fail("towns", status=302, headers={"Location": "https://towns.example.org/b.osm.pbf"})
    replay.answers["towns"] = {"/b.osm.pbf": DATA}
    assert downloads.get(source, URL).read_bytes() == DATA  # at the mirror, where the source's own host leads to
    replay.fail("towns", status=302, headers={"Location": "/towns/a.zip"}, times=9)
    with pytest.raises(FetchError, match="from one address to the next without end"):
        downloads.get(source, "https://towns.example.org/a.zip")
    with pytest.raises(FetchError, match="leads to file://None, which is none of the hosts"):
        downloads.get(source, "file:///etc/passwd")


def test_pieces_of_a_large_file_are_read_and_kept(replay, source, downloads):
    assert downloads.piece(source, URL, 1000, 1004) == DATA[1000:1004]
    assert downloads.piece(source, URL, 1000, 1004) == DATA[1000:1004]
    assert downloads.piece(source, URL, len(DATA) - 2, len(DATA) + 8) == DATA[-2:]
    assert (len(replay.requests), replay.sent) == (2, 6)
    replay.answers["towns"] = {"/a.osm.pbf": DATA[1:]}
    with pytest.raises(FetchError, match="changed while it was read; fetch again with --update"):
        downloads.piece(source, URL, 0, 4)
    assert Downloads(downloads.folder, offline=False, update=True).piece(source, URL, 0, 4) == DATA[1:5]
    replay.fail("towns", no_ranges=True)
    with pytest.raises(FetchError, match="cannot be read in part"):
        downloads.piece(source, URL, 8, 12)


def test_a_host_is_asked_no_faster_than_it_wants(replay, source, downloads):
    slow = source.model_copy(update={"pause": 0.3})
    replay.answers["towns"] = lambda path, _: path.encode()
    for name in "abc":
        downloads.get(slow, f"https://towns.example.org/{name}")
    times = [each.at for each in replay.requests]
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.25


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("SITEPLAN_OFFLINE", "1")
    assert (Downloads().folder, Downloads().offline) == (tmp_path / "mine", True)
    monkeypatch.delenv("SITEPLAN_CACHE")
    monkeypatch.setenv("SITEPLAN_OFFLINE", "0")
    assert (Downloads().folder.parent.name, Downloads().offline) == ("siteplan", False)


def test_entries_of_a_user_stand_beside_the_project_s_own(tmp_path):
    mine = tmp_path / "mine.yaml"
    entry = "{kind: place, title: Mine, urls: {search: 'https://example.org/{text}'}, licence: CC0, attribution: me}"
    mine.write_text(f"mine: {entry}\n")
    assert [each.name for each in sources("place", mine)][-1] in ("mine", "nominatim")
    assert {each.name for each in sources(None, mine)} - {each.name for each in sources()} == {"mine"}
    mine.write_text(f"mine: {entry.replace('https://example', 'ftp://example')}\n")
    with pytest.raises(StudyError, match=r"mine.yaml: mine: urls: found .*is no address; expected https://host/path"):
        sources(None, mine)
    with pytest.raises(StudyError, match="no such source; expected any of geo_api, nominatim"):
        best_sources("place", "FR", "nowhere")
