"""Stopped, full or shared: at every step of keeping a table, on disks of any size, with two writers at once."""

import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

import siteplan as sp
from siteplan.errors import SiteplanError, SiteplanWarning, StudyError
from siteplan.output import disk
from siteplan.output.files import settle, whole_file
from siteplan.study.cache import Cache
from tests.test_publishing import MINE, NEW, OLD, begun, generation, publish, read, stopped, there
from tests.town import STUDY, write_town

TABLE = pd.DataFrame({"site": ["A", "B"], "minutes": [1.5, 2.5]})


def keep(folder: Path) -> pd.DataFrame:
    return Cache(folder).table("times_walk_1", TABLE.copy, pd.read_parquet)


@pytest.mark.parametrize("how", ["before", "amid", "after", "error"])
def test_a_table_is_kept_or_made_again_wherever_its_writing_stops(tmp_path: Path, how: str) -> None:
    steps = stopped(lambda: keep(tmp_path / "count"), -1, how)[0].steps
    assert len(steps) > 4
    for stop in range(len(steps)):
        folder = tmp_path / str(stop)
        stopped(lambda: keep(folder), stop, how)  # noqa: B023 - called at once
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what is half written is not even taken for damaged
            pd.testing.assert_frame_equal(keep(folder), TABLE)
        Cache(folder, {"times_walk_1.kept"}).prune()  # as the run does at its end
        assert [path.name for path in folder.iterdir()] == ["times_walk_1.kept"]
    print(f"keeping a table, {how}: {len(steps)} injected, {len(steps)} survived")


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:2]
from tests.test_publishing import generation, publish
from siteplan.errors import StudyError
done = 0
while done < 12:
    try:
        publish(Path(sys.argv[2]), generation(int(sys.argv[3]), "scores.csv", f"only{sys.argv[3]}.csv"))
        done += 1
    except StudyError as error:
        assert "is being written by" in str(error), error
"""


def test_two_writers_at_once_leave_the_results_of_one(tmp_path: Path) -> None:
    whole = [generation(number, "scores.csv", f"only{number}.csv") for number in (1, 2)]
    folder = tmp_path / "results"
    publish(folder, whole[0])
    here = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", WRITER, here, str(folder)]
    with subprocess.Popen([*command, "1"]) as one, subprocess.Popen([*command, "2"]) as other:
        assert (one.wait(120), other.wait(120)) == (0, 0)
    settle(folder)
    assert there(folder) in whole


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_on_a_disk_of_any_size_the_results_are_old_or_new(tmp_path: Path) -> None:
    import resource

    study = write_town(tmp_path)
    folder = tmp_path / "results"

    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def run(size: int = most, since: str = "writing") -> None:
        """Run on a disk that has room for so many bytes a file from a stage on."""

        def fill(stage: str, _: int, __: int) -> None:
            if stage == since:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SiteplanWarning)
            try:
                sp.run(study, out=folder, progress=fill)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    def results() -> dict[str, bytes]:
        settle(folder)
        files = [path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    run()
    old = results()
    study.write_text(STUDY.replace("One street", "Another street"))
    sizes = [("reading", 0), ("reading", 3_000), ("reading", 20_000)]
    for since, size in [*sizes, *(("writing", size) for size in (0, 300, 3_000, 30_000, 120_000))]:
        with pytest.raises(SiteplanError) as error:
            run(size, since)
        assert ".siteplan-" not in str(error.value)
        assert results() == old
    run()
    assert results().keys() == old.keys()
    assert results()["manifest.json"] != old["manifest.json"]
    assert [finding.severity for finding in sp.check(folder)] == ["info"]


@pytest.mark.parametrize("name", sorted({*OLD, *NEW}))
def test_any_file_that_windows_keeps_open_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Windows neither replaces nor removes a file that another program has open."""
    folder = begun(tmp_path)
    real = {step: getattr(disk, step) for step in ("move", "remove")}

    def refuse(path: Path) -> None:
        if path == folder / name and path.exists():
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))

    def move(source: Path, target: Path) -> None:
        refuse(target)
        real["move"](source, target)

    def remove(path: Path) -> None:
        refuse(path)
        real["remove"](path)

    with monkeypatch.context() as windows:
        windows.setattr(disk, "move", move)
        windows.setattr(disk, "remove", remove)
        if name in OLD:
            with pytest.raises(StudyError, match="close the program that has it open") as error:
                publish(folder, NEW)
            assert str(error.value).startswith(f"{folder / name}: cannot be written")
            assert there(folder) == OLD | MINE  # nothing has moved
    publish(folder, NEW)
    assert read(folder) == NEW | MINE


def test_one_file_that_windows_keeps_open_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rings = tmp_path / "rings.gpkg"
    rings.write_text("old")

    def move(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(source))

    monkeypatch.setattr(disk, "move", move)
    with pytest.raises(StudyError) as error, whole_file(rings) as aside:
        aside.write_text("new")
    assert str(error.value).startswith(f"{rings}: cannot be written")
    assert "close the program that has it open" in str(error.value)
    assert there(tmp_path) == {"rings.gpkg": "old"}
