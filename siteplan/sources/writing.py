"""Files that are made of what sources give, written whole or not at all."""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan.errors import FetchError

__all__ = ["place_file", "place_table"]


def place_file(path: Path, body: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    FetchError
        The folder cannot be written.
    """
    aside = path.with_name(f".siteplan-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FetchError(
            f"{path}: cannot be written ({error.strerror or error}); make room or name another folder"
        ) from error


def place_table(path: Path, table: pd.DataFrame, **how: Any) -> None:
    """Write a CSV without its index (and as pandas' `to_csv` is told), the same bytes everywhere. Errors as above."""
    place_file(path, table.to_csv(index=False, lineterminator="\n", **how).encode())
