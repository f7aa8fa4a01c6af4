"""Tables kept by content: the same files, parameters and version are never computed twice."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan import __version__
from siteplan.output.files import whole_file

__all__ = ["cached_table", "content_key", "file_hash"]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; of a folder, of all files in it."""
    if path.is_dir():
        parts = [f"{part.relative_to(path)}:{file_hash(part)}" for part in sorted(path.rglob("*")) if part.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_key(parts: Mapping[str, Any]) -> str:
    """Return one name for all that a table depends on, this version included."""
    text = json.dumps({"siteplan": __version__, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached_table(folder: Path | None, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Read a table computed before, or compute it and keep it.

    Parameters
    ----------
    folder
        Where tables are kept; None keeps none. Safe to delete at any time.
    name
        Stands for everything that the table depends on.
    make
        Computes the table.

    Raises
    ------
    StudyError
        The folder cannot be written.
    """
    if folder is None:
        return make()
    path = folder / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        # Never computed, or a file that something else has damaged: compute it (again).
        pass
    table = make()
    with whole_file(path) as aside:
        table.to_parquet(aside, index=False)
    return table
