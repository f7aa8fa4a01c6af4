"""What must not be overwritten: the inputs of a study, and files that siteplan did not write."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from siteplan.catalogue import FILES
from siteplan.errors import StudyError, is_there
from siteplan.output.files import MANIFEST, refuse_special

__all__ = ["SCENARIOS", "refuse_foreign", "refuse_inputs"]

SCENARIOS = "scenarios"  # the folder of their results


def refuse_inputs(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Refuse to write over what is read, and in the place of what is no file.

    Raises
    ------
    StudyError
        Naming the first output that is also an input, or a device, a pipe, or where standard output goes.
    """
    read = {os.path.realpath(path) for path in inputs if is_there(path)}
    for output in outputs:
        refuse_special(output)
        if os.path.realpath(output) in read or (is_there(output) and any(output.samefile(path) for path in read)):
            raise StudyError(f"{output}: is an input; nothing was written. Give another name to write to")


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder of results in which files of somebody else bear the names of results.

    Raises
    ------
    StudyError
        Naming the first such file. A folder that siteplan wrote has its manifest, or what it kept of a search.
    """
    there = [name for name in FILES if is_there(folder / name)]
    if there and not (_is_ours(folder / MANIFEST) or is_there(folder / ".cache")):
        raise StudyError(
            f"{folder / there[0]}: is there already, and the folder holds no {MANIFEST} of siteplan; "
            "nothing was written. Give another folder, or move the file away"
        )


def _is_ours(manifest: Path) -> bool:
    try:
        return "siteplan" in json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False
