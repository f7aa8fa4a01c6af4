"""Results as tables: CSV, Parquet and JSON."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.catalogue import TABLES
from siteplan.catalogue import Table as Declared
from siteplan.inputs.spreadsheet import guarded
from siteplan.inputs.times import POINTS_KEY
from siteplan.output.files import manifest_text

if TYPE_CHECKING:
    from siteplan.siting.choice import Choice

__all__ = [
    "choice_json",
    "csv_text",
    "plain_value",
    "scores_json",
    "write_manifest",
    "write_table",
    "write_times",
]


def write_table(table: pd.DataFrame, path: str | Path, declared: Declared | None = None) -> None:
    r"""Write a table as CSV (UTF-8, comma, `\n`), the same bytes for the same table.

    Whole numbers have no decimals, others as many at most as the catalogue says; what is missing is empty. A text or
    heading that a spreadsheet would run as a formula gets an apostrophe before it, which siteplan's readers take off
    again (`inputs/spreadsheet.py`); a number never does.

    Parameters
    ----------
    table
        A named index is written as the first column.
    path
        The file to write.
    declared
        Its entry in the catalogue; without one, numbers have seven decimals: a centimetre of longitude.
    """
    Path(path).write_text(csv_text(table, declared), encoding="utf-8", newline="")


def csv_text(table: pd.DataFrame, declared: Declared | None = None) -> str:
    """Give a table as the text that `write_table` writes."""
    flat = table.reset_index() if table.index.name else table
    # Columns by their place: a table may have two of one name.
    places = [7 if declared is None else declared.decimals_of(str(name)) for name in flat]
    columns = [_texts(flat.iloc[:, at], most) for at, most in enumerate(places)]
    cells = pd.DataFrame(dict(enumerate(columns)), dtype=object).set_axis([guarded(str(name)) for name in flat], axis=1)
    return str(cells.to_csv(index=False, lineterminator="\n"))


def scores_json(scores: pd.DataFrame) -> str:
    """Give the scores as JSON: a list with one object a site, numbers as in the CSV, missing as null."""
    table = scores.reset_index()
    most = {name: TABLES["scores"].decimals_of(str(name)) for name in table}
    columns = {str(name): [plain_value(value, most[name]) for value in table[name]] for name in table}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)


def write_times(times: pd.DataFrame, path: str | Path, *, points: str = "") -> None:
    """Write a travel-time table as Parquet (zstd), minutes exactly as computed.

    Parameters
    ----------
    times
        Columns `site`, `point`, `mode`, `minutes`.
    path
        The file to write.
    points
        Stands for the points that the table speaks of; kept in the file's metadata, where `made_points` finds it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(times, preserve_index=False)
    if points:
        table = table.replace_schema_metadata({**table.schema.metadata, POINTS_KEY: points})
    pq.write_table(table, path, compression="zstd")


def write_manifest(manifest: Mapping[str, Any], path: str | Path) -> None:
    """Write a manifest as JSON with sorted keys."""
    Path(path).write_text(manifest_text(manifest), encoding="utf-8", newline="\n")


def choice_json(choice: "Choice") -> str:
    """Give a choice as JSON: the chosen sites, the proof, the plain figures, phases, curve and coverage if any."""
    told = {
        "objective": choice.objective,
        "value": choice.value,
        "bound": None if pd.isna(choice.bound) else choice.bound,
        "gap": None if pd.isna(choice.gap) else choice.gap,
        "greedy": None if pd.isna(choice.greedy) else choice.greedy,
        "sites": json.loads(scores_json(choice.sites)),
        "rejected": json.loads(scores_json(choice.rejected)),
        "summary": {name: value for name, value in choice.summary.items() if name != "seconds"},
    }
    for name, table in (("phases", choice.phases), ("curve", choice.curve), ("coverage", choice.coverage)):
        told[name] = None if table is None else json.loads(scores_json(table))
    return json.dumps(told, ensure_ascii=False, indent=1, default=str)


def _texts(column: pd.Series, decimals: int) -> npt.NDArray[np.object_]:
    """Write the cells of a column; what stands in it many times is written once."""
    if column.dtype == object:  # in which 1 and True are equal
        return np.array([_cell(value, decimals) for value in column], dtype=object)
    codes, values = pd.factorize(column, use_na_sentinel=False)
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    if kind == "f":
        texts = [_number(value, decimals) for value in values.astype(float).tolist()]
    elif kind in ("i", "u"):
        texts = [str(value) for value in values.tolist()]
    else:
        texts = [_cell(value, decimals) for value in values]
    return np.array(texts, dtype=object)[codes]


def _number(value: float, decimals: int) -> str:
    """Write a number as `_cell` does, which looks first at what it is given."""
    value = round(value, decimals)
    return str(int(value) if value.is_integer() else value) if math.isfinite(value) else ""


def _cell(value: object, decimals: int) -> str:
    number = plain_value(value, decimals)
    if number is None:
        return ""
    return guarded(number) if isinstance(number, str) else str(number)


def plain_value(value: object, decimals: int) -> object:
    """Give a table's value as a plain Python one: whole numbers whole, missing as None, the rest as text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if pd.api.types.is_bool(value):
        return bool(value)
    if pd.api.types.is_integer(value):  # with all its digits, which a float has up to 2^53
        return int(value)
    if pd.api.types.is_number(value):
        number = round(float(value), decimals)  # type: ignore[arg-type]
        if not math.isfinite(number):
            return None
        return int(number) if number == int(number) else number
    return str(value)
