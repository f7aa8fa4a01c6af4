"""Tables kept by content: the same files, parameters and version are never computed twice."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from siteplan import __version__
from siteplan.output.files import whole_file

__all__ = ["Cache", "content_key", "file_hash"]

Kept = TypeVar("Kept", bound=pd.DataFrame)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; of a folder, of all files in it."""
    if path.is_dir():
        parts = [f"{part.relative_to(path)}:{file_hash(part)}" for part in sorted(path.rglob("*")) if part.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    state = path.stat()
    return _hashed(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=64)
def _hashed(path: Path, _changed: int, _size: int) -> str:
    """Read a file once, for as long as it stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_key(parts: Mapping[str, Any]) -> str:
    """Return one name for all that a table depends on, this version included."""
    text = json.dumps({"siteplan": __version__, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Cache:
    """A folder of tables computed before, safe to delete at any time; None keeps none."""

    folder: Path | None
    used: set[str] = field(default_factory=set)

    def table(self, name: str, make: Callable[[], Kept], read: Callable[[Path], Kept]) -> Kept:
        """Read a table computed before, or compute it and keep it.

        Parameters
        ----------
        name
            Stands for everything that the table depends on.
        make
            Computes the table.
        read
            Reads it from Parquet.

        Raises
        ------
        StudyError
            The folder cannot be written.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.parquet"
        self.used.add(path.name)
        try:
            return read(path)
        except (OSError, ValueError):
            # Never computed, or a file that something else has damaged: compute it (again).
            pass
        table = make()
        with whole_file(path) as aside:
            table.to_parquet(aside, index=False)
        return table

    def prune(self) -> None:
        """Remove the tables that were not used since: the cache holds what the last run needed, and no more."""
        if self.folder is None:
            return
        for kind in ("times_*.parquet", "rings_*.parquet", "variant_*.parquet"):
            for path in self.folder.glob(kind):
                if path.name not in self.used:
                    path.unlink(missing_ok=True)
