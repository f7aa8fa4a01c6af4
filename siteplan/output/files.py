"""Results appear whole or not at all: written aside first, then put in place by a step that cannot be left half done.

A run writes all its files into `.siteplan-next` inside the folder of results. Once they are on the disk, a journal of
what goes where gets its name there: from then on the new results are the ones that hold. Moving the files to their
plain names may be stopped anywhere; whoever next writes or reads the folder goes on with it. Without a journal
`.siteplan-next` counts for nothing, and is removed.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from siteplan.errors import StudyError, is_there, special
from siteplan.output import disk
from siteplan.output.lock import one_writer

__all__ = [
    "DASH",
    "MANIFEST",
    "clear_leftovers",
    "digest",
    "drawn_again",
    "generation",
    "is_inside",
    "is_results",
    "manifest_text",
    "refuse_name",
    "refuse_special",
    "results_folder",
    "settle",
    "unfinished",
    "whole_file",
]

MANIFEST = "manifest.json"
DASH = Path("-")  # standard output
NEXT = ".siteplan-next"  # where the next results are written
WRITTEN = "files"  # within it: the files under their later names
JOURNAL = "journal.json"  # within it: what goes where
UNCHANGED = "nothing was changed; make room, or close the program that has it open, and try again"
WAITING = "the new results are complete beside it; make room, or close the program that has it open, and try again"
WRITERS = ("pyarrow", "pyogrio", "rasterio", "sqlite3")  # libraries whose errors are of the file that they write
PATIENCE = 10.0  # seconds that a reader waits for a writer


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as JSON with sorted keys."""
    return json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def results_folder(folder: str | Path) -> Iterator[Path]:
    """Give a place to write results in, and publish it as `folder` when the block ends without an error.

    At every instant, and wherever the process is stopped, the folder as siteplan reads it holds the old results or the
    new ones. After an error `folder` is as it was. The files that the earlier manifest lists and the new one does not
    are removed; all others that the block did not write are never touched.

    Parameters
    ----------
    folder
        Where the results shall stand; made when missing.

    Yields
    ------
    Path
        An empty folder on the same filesystem.

    Raises
    ------
    StudyError
        `folder` cannot be written, is being written by another, or holds a folder where a result file must stand; a
        result file is open in a program that keeps it from being replaced.
    """
    refuse_name(folder)
    with one_writer(folder), generation(folder) as aside:
        yield aside


@contextmanager
def generation(folder: str | Path) -> Iterator[Path]:
    """Do what `results_folder` does, for whoever is the one writer of the folder already."""
    target = Path(folder)
    _settled(target)
    clear_leftovers(target)
    aside = target / NEXT / WRITTEN
    try:
        with _named_as(target, aside, target / NEXT):
            with _closed(target, UNCHANGED):
                disk.make_folder(aside)
            yield aside
            _commit(target)
    except BaseException:
        if not is_there(target / NEXT / JOURNAL):
            disk.remove_tree(target / NEXT)
        raise
    _finish(target)


def refuse_name(out: str | Path) -> None:
    """Refuse names for what is no single table: `-`, standard output, and one that libraries which write it refuse."""
    if Path(out) == DASH:
        raise StudyError(
            "out (-o): '-' is standard output, where one table goes, and this is more; name a file or folder, or leave "
            "it out and take what is printed"
        )
    try:
        str(out).encode("utf-8")
    except UnicodeEncodeError:
        raise StudyError(
            f"{out}: the name is not UTF-8, and not all that writes results can take it; nothing was written. Give "
            "another"
        ) from None


def refuse_special(path: Path) -> None:
    """Refuse to put a file in the place of a device, a pipe or a socket, or of what is printed into.

    Raises
    ------
    StudyError
        What it is, and what to do.
    """
    kind = special(path)
    with suppress(OSError):  # nothing is there, or standard output is closed
        if not kind and os.path.samestat(path.stat(), os.fstat(1)):
            kind = "where standard output goes"
    if kind:
        raise StudyError(
            f"{path}: is {kind}, and no file to be replaced; nothing was written. Name a file; a table is printed by "
            "-o -, from where it can be led on"
        )


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write one file at, and move it to `path` when the block ends without an error.

    The yielded path has the name of `path`, so that a writer that looks at the ending sees the same one.
    After an error an earlier file at `path` is as it was. Errors as in `results_folder`. What is written for `-` is a
    text, and goes to standard output.
    """
    if Path(path) == DASH:
        with tempfile.TemporaryDirectory(prefix="siteplan-", ignore_cleanup_errors=True) as place:
            yield Path(place) / "table.csv"
            sys.stdout.write((Path(place) / "table.csv").read_text(encoding="utf-8"))
            sys.stdout.flush()  # here, where a reader that has seen enough is no error
        return
    target = Path(path)
    _refuse_others(target.parent, [target.name])
    alone = f".siteplan-{target.name}"
    with one_writer(target.parent, name=f"{alone}.lock"):
        aside = target.parent / alone
        try:
            disk.remove_tree(aside)  # of one that was killed
            with _named_as(target.parent, aside):
                with _closed(target, UNCHANGED):
                    disk.make_folder(aside)
                yield aside / target.name
                with _closed(target, UNCHANGED):
                    disk.sync(aside / target.name)
                    disk.move(aside / target.name, target)
        finally:
            disk.remove_tree(aside)


@contextmanager
def drawn_again(folder: str | Path, name: str, manifest: Mapping[str, Any]) -> Iterator[Path]:
    """Give a path to write one of the files of a run at again; the manifest that it was made by learns its digest.

    Raises
    ------
    StudyError
        The folder has another manifest by now; else as in `results_folder`.
    """
    with results_folder(folder) as aside:
        if _manifest(Path(folder)) != manifest:
            raise StudyError(f"{folder}: was written anew by another run; nothing was changed. Try again")
        yield aside / name
        if name in manifest.get("sha256", {}):
            told = {**manifest["sha256"], name: digest(aside / name)}
            disk.write(aside / MANIFEST, manifest_text({**manifest, "sha256": told}))


def is_inside(name: str) -> bool:
    """Tell whether the name of a file stays within the folder that it is told of."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def is_results(folder: Path) -> bool:
    """Tell whether a folder holds results, or what a stopped run left of them."""
    return is_there(folder / MANIFEST) or unfinished(folder)


def unfinished(folder: Path) -> bool:
    """Tell whether a stopped run left files that count for nothing."""
    return is_there(folder / NEXT)


def settle(folder: str | Path) -> None:
    """Finish what a stopped run left half in place, in a folder of results or in the one whose scenario it is.

    Raises
    ------
    StudyError
        It cannot be finished now: which file is in the way, or who is at it.
    """
    for each in (Path(folder), *Path(folder).parents[:2]):
        if is_there(each / NEXT / JOURNAL):
            with one_writer(each, wait=PATIENCE):
                _settled(each)


def _settled(target: Path) -> None:
    """Go forward with what has a journal, and back from what has none."""
    if is_there(target / NEXT / JOURNAL):
        _finish(target)
    elif is_there(target / NEXT):
        disk.remove_tree(target / NEXT)


def clear_leftovers(target: Path) -> None:
    """Remove what killed writers of single files left in a folder; what another holds stays."""
    for name in sorted({path.name.removesuffix(".lock") for path in target.glob(".siteplan-*")} - {NEXT}):
        with suppress(StudyError), one_writer(target, name=f"{name}.lock"):
            disk.remove_tree(target / name)


def _commit(target: Path) -> None:
    """Bring all that was written onto the disk, and its journal: with the name of the journal it holds."""
    aside = target / NEXT / WRITTEN
    written = sorted(path.relative_to(aside).as_posix() for path in aside.rglob("*") if path.is_file())
    kept = {*written, *_told_files(_manifest(aside))}
    stale = sorted(name for name in _told_files(_manifest(target)) if name not in kept and (target / name).is_file())
    _refuse_others(target, written)
    for name in [*written, *stale]:
        if is_there(target / name):
            with _closed(target / name, UNCHANGED):
                disk.move(target / name, target / name)  # which Windows refuses for a file that is open
    # The manifest last: who looks without siteplan sees the old one as long as old files stand beside new ones.
    ordered = sorted(written, key=lambda name: (name == MANIFEST, name))
    draft = target / NEXT / f"{JOURNAL}.part"
    with _closed(target, UNCHANGED):
        for name in written:
            disk.sync(aside / name)
        disk.write(draft, json.dumps({"files": ordered, "stale": stale if MANIFEST in written else []}))
        disk.move(draft, target / NEXT / JOURNAL)


def _finish(target: Path) -> None:
    """Put all in place that a journal names; what is in place already stays."""
    journal = target / NEXT / JOURNAL
    try:
        told = json.loads(journal.read_text(encoding="utf-8"))
        written, stale = _inside(told["files"]), _inside(told["stale"])
    except (ValueError, KeyError, TypeError):
        # Something else has damaged it, and nobody knows how far the move went: no complete run stands here.
        disk.remove(target / MANIFEST)
        disk.remove_tree(target / NEXT)
        return
    with _closed(target, WAITING):
        disk.sync(target / NEXT)
    for name in written:
        source = target / NEXT / WRITTEN / name
        if is_there(source):
            with _closed(target / name, WAITING):
                disk.make_folder((target / name).parent)
                disk.move(source, target / name)
    for name in stale:
        with _closed(target / name, WAITING):
            disk.remove(target / name)
    # Innermost first; a folder that holds anything else stays.
    for folder in sorted({target / folder for old in stale for folder in Path(old).parents[:-1]}, reverse=True):
        disk.remove_empty(folder)
    with _closed(target, WAITING):
        disk.sync(target)
        disk.remove(journal)
    disk.remove_tree(target / NEXT)


@contextmanager
def _closed(path: Path, remedy: str) -> Iterator[None]:
    """Name the file that cannot be written, and what to do."""
    try:
        yield
    except OSError as error:
        raise StudyError(f"{path}: cannot be written ({error.strerror or error}); {remedy}") from error


@contextmanager
def _named_as(target: Path, *asides: Path) -> Iterator[None]:
    """Let errors of what is written aside name the place where it shall stand."""
    try:
        yield
    except Exception as error:
        text = str(error)
        if not any(str(aside) in text for aside in asides):
            # A full disk is told of by a file that is open already, or a library that writes one, without its name.
            nameless = isinstance(error, OSError) and error.filename is None and error.errno is not None
            if nameless or type(error).__module__.partition(".")[0] in WRITERS:
                why = " ".join(str(getattr(error, "strerror", None) or error).split())
                raise StudyError(f"{target}: cannot be written ({why}); {UNCHANGED}") from error
            raise
        if isinstance(error, OSError) and error.filename is not None:
            text = f"{error.filename}: cannot be written ({error.strerror}); {UNCHANGED}"
        for aside in asides:
            text = text.replace(str(aside), str(target))
        raise StudyError(text) from error


def _refuse_others(target: Path, written: Iterable[str]) -> None:
    for name in written:
        refuse_special(target / name)
        if (target / name).is_dir():
            raise StudyError(
                f"{target / name}: is a folder where a result file must stand; rename it or write elsewhere"
            )


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder as far as it is one."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _told_files(manifest: Mapping[str, Any]) -> list[str]:
    """Return the files that a manifest says stand beside it, or in folders there."""
    return _inside(manifest.get("files"))


def _inside(names: object) -> list[str]:
    """Return the names that stay within the folder."""
    texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in texts if is_inside(name)]
