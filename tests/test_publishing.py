"""Results are the old ones or the new ones wherever a run is stopped: every step is killed at, and fails once."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from siteplan.errors import StudyError
from siteplan.output import disk
from siteplan.output.files import NEXT, drawn_again, results_folder, settle, whole_file
from siteplan.output.lock import LOCK, one_writer

MINE = {"mine.txt": "mine"}  # of somebody else, in the same folder


def generation(number: int, *names: str) -> dict[str, str]:
    """Name the files of a run and what is in them, the manifest too."""
    files = {name: f"{number} {name}" for name in names}
    return files | {"manifest.json": json.dumps({"siteplan": "0", "run": number, "files": sorted(files)})}


OLD = generation(1, "scores.csv", "overlap.csv", "scenarios/a/scores.csv", "scenarios/a/manifest.json")
NEW = generation(2, "scores.csv", "times.parquet", "scenarios/b/scores.csv", "scenarios/b/manifest.json")


def publish(folder: Path, files: dict[str, str]) -> None:
    with results_folder(folder) as aside:
        for name, text in files.items():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).write_text(text)


def there(folder: Path) -> dict[str, str]:
    """Return all files of a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def read(folder: Path) -> dict[str, str]:
    """Read a folder as siteplan does: what was half in place is finished first."""
    settle(folder)
    return {name: text for name, text in there(folder).items() if not name.startswith(".siteplan")}


def begun(folder: Path) -> Path:
    """Make a folder with the old results and a file of somebody else."""
    publish(folder, OLD)
    (folder / "mine.txt").write_text("mine")
    return folder


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Disk:
    """A disk that stops at one of its steps: after a kill nothing is done any more, for an error that step fails."""

    stop: int
    how: str
    steps: list[str] = field(default_factory=list)
    dead: bool = False

    def step(self, name: str, real: Callable[..., None], *given: object) -> None:
        if self.dead:
            raise Killed
        self.steps.append(name)
        if len(self.steps) - 1 != self.stop:
            real(*given)
        elif self.how == "error":
            if name not in ("remove_empty", "remove_tree"):  # which take no notice of errors
                raise OSError(errno.ENOSPC, "No space left on device")
        else:
            self.half(name, real, *given)
            self.dead = True
            raise Killed

    def half(self, name: str, real: Callable[..., None], *given: object) -> None:
        """Do all of the last step, some of it, or none."""
        if self.how == "after":
            real(*given)
        elif self.how == "amid" and name == "write":
            real(given[0], str(given[1])[: len(str(given[1])) // 2])
        elif self.how == "amid" and name == "remove_tree":
            for path in [path for path in Path(str(given[0])).rglob("*") if path.is_file()][:1]:
                path.unlink()


def stopped(act: Callable[[], None], stop: int, how: str) -> tuple[Disk, BaseException | None]:
    """Do something on a disk that stops."""
    told: BaseException | None = None
    with pytest.MonkeyPatch.context() as patched:
        stopping = Disk(stop, how)
        for name in disk.__all__:
            real = getattr(disk, name)
            patched.setattr(disk, name, lambda *given, name=name, real=real: stopping.step(name, real, *given))
        try:
            act()
        except (Killed, StudyError) as error:
            told = error
    return stopping, told


def sweep(tmp_path: Path, act: Callable[[Path], None], how: str) -> Iterator[tuple[Path, BaseException | None]]:
    """Stop at every step of what is done, each time in a fresh folder; give the folder and what was told."""
    count = begun(tmp_path / "count")
    steps = len(stopped(lambda: act(count), -1, how)[0].steps)
    for stop in range(steps):
        folder = begun(tmp_path / str(stop))
        stopping, told = stopped(lambda: act(folder), stop, how)  # noqa: B023 - called at once
        assert len(stopping.steps) > stop
        yield folder, told
    print(f"publishing, {how}: {steps} injected, {steps} survived")


def test_there_are_many_steps(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    steps = stopped(lambda: publish(folder, NEW), -1, "after")[0].steps
    assert set(steps) == set(disk.__all__)
    assert len(steps) > 25


@pytest.mark.parametrize("how", ["before", "amid", "after"])
def test_killed_at_any_step_the_folder_is_old_or_new_and_the_next_run_clears_it(tmp_path: Path, how: str) -> None:
    seen = []
    for folder, told in sweep(tmp_path, lambda folder: publish(folder, NEW), how):
        assert isinstance(told, Killed)
        found = read(folder)
        assert found in (OLD | MINE, NEW | MINE)
        seen.append(found == NEW | MINE)
        third = generation(3, "scores.csv")
        publish(folder, third)
        assert there(folder) == third | MINE  # no stale table, nothing hidden
    assert seen == sorted(seen)  # from one step on it is the new one
    assert {False, True} == set(seen)


def test_an_error_at_any_step_leaves_the_folder_old_or_new(tmp_path: Path) -> None:
    seen = []
    for folder, told in sweep(tmp_path, lambda folder: publish(folder, NEW), "error"):
        if told is not None:
            assert isinstance(told, StudyError)
            assert str(told).startswith(str(folder))
            assert "No space left on device" in str(told)
            assert ".siteplan" not in str(told)
        found = read(folder)
        assert found in ((OLD | MINE, NEW | MINE) if told is not None else (NEW | MINE,))
        seen.append(found == NEW | MINE)
        publish(folder, NEW)
        assert there(folder) == NEW | MINE
    assert {False, True} == set(seen)


def test_killed_while_finishing_what_another_left_it_is_finished_by_the_next(tmp_path: Path) -> None:
    def half(folder: Path) -> Path:
        """Stop after the first file was moved: as many moves are left as there are others."""
        begun(folder)
        moves = [at for at, name in enumerate(steps) if name == "move"]
        stopped(lambda: publish(folder, NEW), moves[-len(NEW)], "after")
        return folder

    first = begun(tmp_path / "steps")
    steps = stopped(lambda: publish(first, NEW), -1, "after")[0].steps
    folder = half(tmp_path / "count")
    assert (folder / NEXT / "journal.json").exists()
    assert there(folder)["manifest.json"] == OLD["manifest.json"]  # the last to be moved
    for stop in range(len(stopped(lambda: settle(folder), -1, "after")[0].steps)):
        left = half(tmp_path / str(stop))
        stopped(lambda: settle(left), stop, "after")  # noqa: B023 - called at once
        assert read(left) == NEW | MINE


def test_a_scenario_is_finished_with_its_study(tmp_path: Path) -> None:
    folder = begun(tmp_path / "results")
    count = begun(tmp_path / "count")
    steps = stopped(lambda: publish(count, NEW), -1, "after")[0].steps
    stopped(lambda: publish(folder, NEW), max(at for at, name in enumerate(steps) if name == "move"), "before")
    settle(folder / "scenarios" / "b")
    assert there(folder) == NEW | MINE


def test_killed_while_writing_nothing_counts(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    steps = []

    def act() -> None:
        with results_folder(folder) as aside:
            (aside / "scores.csv").write_text("half")
            steps.append("written")
            raise Killed

    with pytest.MonkeyPatch.context() as patched:
        for name in ("remove", "remove_empty", "remove_tree"):  # what a living process would do at its end
            patched.setattr(disk, name, lambda *given: None)
        with pytest.raises(Killed):
            act()
    assert steps == ["written"]
    assert (folder / NEXT / "files" / "scores.csv").exists()
    assert read(folder) == OLD | MINE
    publish(folder, NEW)
    assert there(folder) == NEW | MINE


@pytest.mark.parametrize("how", ["before", "amid", "after", "error"])
def test_one_file_is_old_or_new_at_any_step(tmp_path: Path, how: str) -> None:
    def write(folder: Path) -> None:
        with whole_file(folder / "rings.gpkg") as aside:
            aside.write_text("new")

    def write_old(folder: Path) -> Path:
        folder.mkdir()
        (folder / "rings.gpkg").write_text("old")
        return folder

    steps = stopped(lambda: write(write_old(tmp_path / "whole")), -1, how)[0].steps
    for stop in range(len(steps)):
        folder = write_old(tmp_path / str(stop))
        told = stopped(lambda: write(folder), stop, how)[1]  # noqa: B023 - called at once
        assert (folder / "rings.gpkg").read_text() in ("old", "new")
        assert how != "error" or told is None or ".siteplan" not in str(told)
        write(folder)
        assert there(folder) == {"rings.gpkg": "new"}


# ---- a real kill ----

CHILD = """
import os, signal, sys
from pathlib import Path
from siteplan.output import disk
sys.path.insert(0, sys.argv[3])
from test_publishing import NEW, publish
left = [int(sys.argv[2])]
def counted(real):
    def step(*given):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        real(*given)
    return step
for name in disk.__all__:
    setattr(disk, name, counted(getattr(disk, name)))
publish(Path(sys.argv[1]), NEW)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_leaves_old_or_new_results(tmp_path: Path) -> None:
    count = begun(tmp_path / "count")
    steps = len(stopped(lambda: publish(count, NEW), -1, "after")[0].steps)
    for stop in random.Random(15).sample(range(steps), 4):
        folder = begun(tmp_path / str(stop))
        here = str(Path(__file__).parent)
        done = subprocess.run([sys.executable, "-c", CHILD, folder, str(stop), here], check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert read(folder) in (OLD | MINE, NEW | MINE)
        publish(folder, NEW)  # the lock of the dead holds nobody up
        assert there(folder) == NEW | MINE


# ---- what is in the way ----


def test_a_file_that_another_program_has_open_is_named_before_anything_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begun(tmp_path)
    move = disk.move

    def as_windows(source: Path, target: Path) -> None:
        if target == folder / "scores.csv":
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(source))
        move(source, target)

    monkeypatch.setattr(disk, "move", as_windows)
    with pytest.raises(StudyError, match=r"scores\.csv: cannot be written .*close the program that has it open"):
        publish(folder, NEW)
    assert there(folder) == OLD | MINE


def test_what_writers_say_of_a_place_aside_is_said_of_the_place_itself(tmp_path: Path) -> None:
    def fail() -> None:
        with results_folder(tmp_path) as aside:
            raise RuntimeError(f"sqlite3: {aside / 'results.gpkg'}: disk is full")

    with pytest.raises(StudyError) as told:
        fail()
    assert str(told.value) == f"sqlite3: {tmp_path / 'results.gpkg'}: disk is full"
    assert there(tmp_path) == {}


def test_a_journal_leads_nowhere_else(tmp_path: Path) -> None:
    folder = begun(tmp_path / "results")
    (tmp_path / "precious.txt").write_text("kept")
    (folder / NEXT / "files").mkdir(parents=True)
    names = ["../precious.txt", str(tmp_path / "precious.txt")]
    (folder / NEXT / "journal.json").write_text(json.dumps({"files": names, "stale": names}))
    settle(folder)
    assert (tmp_path / "precious.txt").read_text() == "kept"
    assert there(folder) == OLD | MINE


def test_results_whose_journal_is_damaged_are_no_complete_run(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / NEXT).mkdir()
    (folder / NEXT / "journal.json").write_text("{")
    assert "manifest.json" not in read(folder)
    publish(folder, NEW)
    assert read(folder)["manifest.json"] == NEW["manifest.json"]


def test_what_killed_writers_left_is_cleared(tmp_path: Path) -> None:
    for name in (".siteplan-rings.gpkg", ".siteplan-ab12"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("half")
    (tmp_path / ".siteplan-rings.gpkg.lock").write_text("")
    publish(tmp_path, NEW)
    assert there(tmp_path) == NEW


def test_a_page_drawn_for_other_results_is_not_put_beside_new_ones(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    publish(tmp_path, NEW)
    with pytest.raises(StudyError, match="was written anew by another run"), drawn_again(tmp_path, "map.html", {}):
        pass
    assert there(tmp_path) == NEW


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes of a name")
def test_no_file_of_results_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "scores.csv"
    os.mkfifo(pipe)
    with pytest.raises(StudyError, match=r"scores\.csv: is a pipe, and no file to be replaced"):
        publish(tmp_path, NEW)
    with pytest.raises(StudyError, match=r"scores\.csv: is a pipe"), whole_file(pipe):
        pytest.fail("nothing is begun")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert pipe.is_fifo()


# ---- one writer ----


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    with one_writer(tmp_path), pytest.raises(StudyError) as told:
        publish(tmp_path, NEW)
    assert f"{tmp_path}: is being written by process {os.getpid()} on '" in str(told.value)
    assert " UTC; wait until that has ended" in str(told.value)
    assert there(tmp_path) == {}
    publish(tmp_path, NEW)


def test_another_process_holds_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import sys; from siteplan.output.lock import one_writer\n"
        "with one_writer(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=-1, stdout=-1, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match=f"is being written by process {child.pid} on "):
            publish(tmp_path, NEW)
        child.kill()
    assert (tmp_path / LOCK).exists()
    publish(tmp_path, NEW)
    assert there(tmp_path) == NEW


def test_files_of_their_own_are_written_at_once(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.csv") as one, whole_file(tmp_path / "b.csv") as other:
        one.write_text("a")
        other.write_text("b")
        with pytest.raises(StudyError, match="is being written by"), whole_file(tmp_path / "a.csv"):
            pass
    assert there(tmp_path) == {"a.csv": "a", "b.csv": "b"}
