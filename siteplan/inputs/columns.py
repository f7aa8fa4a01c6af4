"""All columns of a population file, by cell: also those that count nobody, such as an income."""

from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan.formats import PACKED, PLACES
from siteplan.inputs.files import existing_file, read_places
from siteplan.inputs.packed import ending_of
from siteplan.inputs.population import CELL
from siteplan.inputs.values import find_column, keys

__all__ = ["read_cell_columns"]


def read_cell_columns(
    path: str | PathLike[str], *, cell: str | None = None, layer: str | None = None, crs: Any = None
) -> pd.DataFrame:
    """Read what a population file says of each cell.

    Parameters
    ----------
    path, cell, layer, crs
        As for `read_population`.

    Returns
    -------
    Index `cell`, named as `read_population` names the cells of the whole file; the columns as in the file, none of a
    raster.

    Raises
    ------
    InputError
        A file that cannot be read.
    """
    if Path(path).suffix.lower() not in (*PLACES, *PACKED) or ending_of(Path(path)) not in PLACES:
        return pd.DataFrame()
    file = existing_file(path, PLACES, "a population file")
    table = read_places(file, layer=layer, crs=crs, prefer="codes")
    named = find_column(table, file, "cells", cell, known=CELL)
    index = keys(table[named], file, "cell") if named else pd.RangeIndex(len(table), name="cell")
    return pd.DataFrame(table.drop(columns=table.geometry.name)).set_axis(index)
