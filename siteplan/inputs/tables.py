"""Tables, whatever their format, as plain columns."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.errors import InputError
from siteplan.formats import SHEETS, TEXTS
from siteplan.inputs.packed import refuse_bomb
from siteplan.inputs.texts import read_text
from siteplan.inputs.values import row_name
from siteplan.inputs.workbook import read_sheet

__all__ = ["read_parquet", "read_table"]


def read_table(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a text (all its values as text), a sheet of a workbook, or Parquet; GeoParquet is a GeoDataFrame.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if path.suffix.lower() in TEXTS:
        return read_text(path)
    return read_sheet(path, sheet) if path.suffix.lower() in SHEETS else read_parquet(path)


def _broken_shapes(path: Path) -> str:
    """Say how many geometries of a GeoParquet are none, and which is the first."""
    import pyarrow.parquet

    column = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"geo"])["primary_column"]
    held = pyarrow.parquet.read_table(path, columns=[column])[column].to_pylist()
    there = np.array([each is not None for each in held])
    broken = there & shapely.is_missing(shapely.from_wkb(held, on_invalid="ignore"))
    if not broken.any():
        return ""
    first = row_name(int(broken.argmax()), path)
    return f"{broken.sum():,} of {len(held):,} geometries in column '{column}' are broken, the first: {first}"


# What a file says of its columns, asked for one by one.
TOLD = """
import sys, pyarrow.parquet
told = pyarrow.parquet.read_metadata(sys.argv[1])
for number in range(told.num_row_groups):
    group = told.row_group(number)
    for at in range(group.num_columns):
        group.column(at).num_values
"""


def _begin(path: Path, told: Any) -> None:
    """Refuse a file with spoilt metadata of a column: asked for by themselves, they end the process.

    Reading a row of each group tells; where one row may hold any number of values, as in lists, another process asks.
    """
    import pyarrow.parquet

    if any(told.schema.column(at).max_repetition_level for at in range(len(told.schema))):
        asked = [sys.executable, "-I", "-c", TOLD, str(path)]
        done = subprocess.run(asked, check=False, capture_output=True)  # noqa: S603
        if done.returncode:
            raise ValueError("what it says of its columns is spoilt")
        return
    with pyarrow.parquet.ParquetFile(path) as file:
        for number in range(told.num_row_groups):
            next(file.iter_batches(batch_size=1, row_groups=[number], use_threads=False), None)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read Parquet, unless it holds far more than its size: one value may stand for a billion there.

    Raises
    ------
    InputError
        If it cannot be read, or is a bomb.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        told = pyarrow.parquet.read_metadata(path)
        _begin(path, told)
        groups = [told.row_group(number) for number in range(told.num_row_groups)]
        # Eight bytes a value at least, once they are numbers in memory.
        values = sum(group.column(at).num_values for group in groups for at in range(group.num_columns))
        refuse_bomb(path, path.stat().st_size, max(8 * values, sum(group.total_byte_size for group in groups)))
        return gpd.read_parquet(path) if b"geo" in (told.metadata or {}) else pd.read_parquet(path)
    except InputError:
        raise
    except shapely.errors.GEOSException as error:
        raise InputError(f"{path}: {_broken_shapes(path) or error}; export it again") from None
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from None
