"""Results that are still those of their study: what nothing has changed since is read back, not computed again."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any

from siteplan.config import Study
from siteplan.errors import InputError, StudyError, is_there
from siteplan.output.files import MANIFEST, digest, is_inside, manifest_text, unfinished, whole_file
from siteplan.output.result import Result, read_manifest
from siteplan.study.cache import content_key, file_hash

__all__ = ["mark_of", "remember", "unchanged"]

NOTE = "results_mark"  # in `.cache`: the mark of the study whose results stand there, and the digest of their manifest


def mark_of(study: Study) -> str:
    """Name all that the results of a study depend on: what it asks and the bytes of every file, with siteplan itself.

    Files that stand beside one under its name count, too: of a Shapefile one is named, and several are read. That of
    `area.each` does not: whoever asks it marks every territory by itself.
    """
    asked = study.model_dump(exclude={"output": {"folder"}})
    named = {path for each in (asked, *(one.model_dump() for one in study.studies().values())) for path in _paths(each)}
    named -= {study.output.folder, study.area.each.file if study.area.each else None}
    beside = {near for path in named for near in path.parent.glob(f"{escape(path.stem)}.*") if near.is_file()}
    hashes = {str(path): file_hash(path) for path in named | beside if is_there(path)}
    return content_key({"asked": study.model_dump(mode="json", exclude={"output": {"folder"}}), "hashes": hashes})


def _paths(value: Any) -> Iterator[Path]:
    """Go through all files and folders in the values of a study."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping | list | tuple | set | frozenset):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _paths(each)


def unchanged(folder: Path, mark: str) -> Result | None:
    """Return the results of a study of this mark, if they stand in a folder whole and as their run wrote them."""
    try:
        known, manifest = (folder / ".cache" / NOTE).read_text(encoding="ascii").split()
        if known != mark or unfinished(folder) or digest(folder / MANIFEST) != manifest:
            return None
        files = read_manifest(folder)["sha256"]
        if all(is_inside(name) and digest(folder / name) == told for name, told in files.items()):
            return Result.load(folder)
    except (OSError, ValueError, InputError, StudyError):  # whatever is not there can be computed
        pass
    return None


def remember(folder: Path, mark: str, result: Result) -> None:
    """Keep of which study a folder holds the results; not where the clock ended a choice, which may yet be bettered."""
    each = (result, *result.scenarios.values())
    if any(one.choice is not None and one.choice.summary.get("ended") == "clock" for one in each):
        return
    with suppress(StudyError), whole_file(folder / ".cache" / NOTE) as aside:
        written = manifest_text(result.manifest).encode()  # by this run, not by one after it
        aside.write_text(f"{mark} {hashlib.sha256(written).hexdigest()}", encoding="ascii")
