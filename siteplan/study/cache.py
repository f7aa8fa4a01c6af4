"""Tables kept by content: of the same files and parameters, nothing is computed twice by the same code."""

import functools
import hashlib
import io
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pandas as pd

from siteplan.errors import KeptWarning, warn
from siteplan.output.files import clear_leftovers, whole_file

__all__ = ["LIBRARIES", "Cache", "content_key", "file_hash"]

ENDING = ".kept"
DIGEST = 32  # bytes of a SHA-256
LIBRARIES = (
    "geopandas",
    "h3",
    "highspy",
    "networkx",
    "numba",
    "numpy",
    "opening-hours-py",
    "osmium",
    "osmnx",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)  # on which a number hangs

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
    """Return one name for all that a table depends on, siteplan itself and the libraries included."""
    text = json.dumps({"made by": _made_by(), **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@functools.cache
def _made_by() -> str:
    """Name the code that computes: Python, the libraries on which a number hangs, and every file of this package."""
    told = hashlib.sha256(repr((platform.python_version(), [version(name) for name in LIBRARIES])).encode())
    package = Path(__file__).parents[1]
    for folder, inner, names in sorted(os.walk(package)):
        inner[:] = [name for name in inner if name not in ("__pycache__", "sample_data")]
        for path in (Path(folder, name) for name in sorted(names)):
            told.update(f"{path.relative_to(package).as_posix()}:".encode() + path.read_bytes())
    return told.hexdigest()


@dataclass(frozen=True)
class Cache:
    """A folder of tables computed before, safe to delete at any time; None keeps none.

    An entry is the SHA-256 of its name and its table, then the table as Parquet: one that is damaged, cut short or
    stands under another's name is never believed.
    """

    folder: Path | None
    used: set[str] = field(default_factory=set)

    def table(self, name: str, make: Callable[[], Kept], read: Callable[[BinaryIO], Kept]) -> Kept:
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

        Warns
        -----
        KeptWarning
            An entry is not as it was written; its table is computed again.
        """
        table = self.kept(name, read)
        if table is None:
            table = make()
            self.keep(name, table)
        return table

    def kept(self, name: str, read: Callable[[BinaryIO], Kept]) -> Kept | None:
        """Read a table computed before; None where there is none that can be believed."""
        if self.folder is None:
            return None
        path = self.folder / f"{name}{ENDING}"
        self.used.add(path.name)
        kept = _entry(path)
        if kept is not None:
            try:
                return read(io.BytesIO(kept))
            except Exception:  # noqa: BLE001, S110 - whatever a reader of Parquet raises, the table can be made again
                pass
        if path.exists() or path.is_symlink():
            text = f"{self.folder}: holds a table that is not as it was written; it was computed again"
            warn(text, KeptWarning)
        return None

    def keep(self, name: str, table: pd.DataFrame) -> None:
        """Keep a table that was computed, whole or not at all."""
        if self.folder is None:
            return
        path, file = self.folder / f"{name}{ENDING}", io.BytesIO()
        self.used.add(path.name)
        table.to_parquet(file, index=False, compression=None)  # read once at most: packing outlines takes longer
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        with whole_file(path) as aside:
            aside.write_bytes(_digest(path.name, file.getvalue()) + file.getvalue())

    def prune(self) -> None:
        """Remove the tables that were not used since, and what killed runs left.

        The cache holds what the last run needed, and no more.
        """
        if self.folder is None:
            return
        clear_leftovers(self.folder)
        for kind in ("times", "rings", "trials", "variant"):
            for path in self.folder.glob(f"{kind}_*"):
                if path.name not in self.used and path.is_file():
                    path.unlink(missing_ok=True)


def _digest(name: str, table: bytes) -> bytes:
    """Return what an entry begins with: 32 bytes that are others for another name or another table."""
    return hashlib.sha256(hashlib.sha256(name.encode()).digest() + hashlib.sha256(table).digest()).digest()


def _entry(path: Path) -> bytes | None:
    """Return the table of an entry as Parquet; None where there is none, or not the one that was written."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    table = whole[DIGEST:]
    return table if whole[:DIGEST] == _digest(path.name, table) else None
