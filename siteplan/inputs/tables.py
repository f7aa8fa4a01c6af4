"""Tables, whatever their format, as plain columns."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteplan.errors import InputError
from siteplan.formats import TEXTS
from siteplan.inputs.texts import read_text

__all__ = ["read_table"]


def read_table(path: Path) -> pd.DataFrame:
    """Read a text (all its values as text) or Parquet; GeoParquet is a GeoDataFrame.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return read_text(path) if path.suffix.lower() in TEXTS else _read_parquet(path)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        return gpd.read_parquet(path) if b"geo" in metadata else pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from None
