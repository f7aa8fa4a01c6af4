"""Results appear whole or not at all: written aside first, then moved into place."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siteplan.errors import StudyError

__all__ = ["MANIFEST", "results_folder", "whole_file"]

MANIFEST = "manifest.json"


@contextmanager
def results_folder(folder: str | Path) -> Iterator[Path]:
    """Give a place to write results in, and publish it as `folder` when the block ends without an error.

    What is written into the yielded path is moved into `folder` file by file, `manifest.json` last and the
    manifest of an earlier run removed first: a folder with a manifest is a complete run. After an error or an
    interruption `folder` is as it was. The files that the earlier manifest lists and the new one does not are removed;
    all others that the block did not write are never touched.

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
        `folder` cannot be written, or holds a folder where a result file must stand.
    """
    target = Path(folder)
    made = _make(target)
    aside = _aside(target)
    try:
        yield aside
        _publish(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        _remove_empty(made)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write one file at, and move it to `path` when the block ends without an error.

    The yielded path has the name of `path`, so that a writer that looks at the ending sees the same one.
    After an error an earlier file at `path` is as it was. Errors as in `results_folder`.
    """
    target = Path(path)
    with results_folder(target.parent) as aside:
        yield aside / target.name


def _make(folder: Path) -> list[Path]:
    """Make `folder`, and say which folders were missing, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"{folder}: cannot be made a folder for results ({error.strerror}); choose another place"
        ) from error
    return missing


def _aside(target: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=".siteplan-", dir=target))
    except OSError as error:
        raise StudyError(f"{target}: cannot be written ({error.strerror}); choose another folder") from error


def _publish(aside: Path, target: Path) -> None:
    written = sorted(path.relative_to(aside) for path in aside.rglob("*") if path.is_file())
    for name in written:
        if (target / name).is_dir():
            raise StudyError(
                f"{target / name}: is a folder where a result file must stand; rename it or write elsewhere"
            )
    if Path(MANIFEST) in written:
        stale = _listed_in(target / MANIFEST) - {str(name) for name in written}
        (target / MANIFEST).unlink(missing_ok=True)
        for old in stale:
            (target / old).unlink(missing_ok=True)
        # Innermost first; a folder that holds anything else stays.
        _remove_empty(sorted({target / folder for old in stale for folder in Path(old).parents[:-1]}, reverse=True))
    for name in sorted(written, key=lambda name: (name == Path(MANIFEST), name)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (aside / name).replace(target / name)


def _listed_in(manifest: Path) -> set[str]:
    """Return the files that an earlier run says it wrote beside its manifest, or in folders there."""
    try:
        names = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        inside = [Path(name) for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts]
        files = {str(name) for name in inside if (manifest.parent / name).is_file()}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return files


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # holds results, or is in use: it stays
            folder.rmdir()
