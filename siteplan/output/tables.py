"""Results as tables: CSV, Parquet and JSON files, and a table for the terminal."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteplan.output.columns import measures, speeds

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_scores", "scores_json", "write_manifest", "write_scores", "write_times"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_scores(scores: pd.DataFrame, path: str | Path) -> None:
    r"""Write one row a site as CSV (UTF-8, comma, `\n`), the same bytes for the same scores.

    Whole numbers have no decimals, people one at most, other numbers six at most; what is missing is empty.
    A text or heading that a spreadsheet would run as a formula (it starts with `= + - @`, a tab or a line
    break) gets an apostrophe before it (OWASP, CSV injection).

    Parameters
    ----------
    scores
        Index `site`, columns as `score_sites` gives them.
    path
        The file to write.
    """
    table = scores.reset_index()
    counts = {measure.column for measure in measures(scores)}
    cells = {_safe(str(name)): [_cell(value, name in counts) for value in table[name]] for name in table}
    pd.DataFrame(cells, dtype=object).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def scores_json(scores: pd.DataFrame) -> str:
    """Give the scores as JSON: a list with one object a site, numbers as in the CSV, missing as null."""
    table = scores.reset_index()
    counts = {measure.column for measure in measures(scores)}
    columns = {str(name): [_number(value, name in counts) for value in table[name]] for name in table}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)


def write_times(times: pd.DataFrame, path: str | Path) -> None:
    """Write a travel-time table as Parquet (zstd), minutes exactly as computed.

    Parameters
    ----------
    times
        Columns `site`, `point`, `mode`, `minutes`.
    path
        The file to write.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(times, preserve_index=False), path, compression="zstd")


def write_manifest(manifest: Mapping[str, Any], path: str | Path) -> None:
    """Write a manifest as JSON with sorted keys."""
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def print_scores(scores: pd.DataFrame, n: int, console: "Console") -> None:
    """Print the first `n` sites by rank with the people they reach, and the speeds that hold for them.

    Parameters
    ----------
    scores
        Index `site`, columns as `score_sites` gives them.
    n
        How many rows at most.
    console
        Where to print; text from the data is printed as it is, never as markup.
    """
    from rich.text import Text

    ranked = scores.sort_values("rank", kind="stable") if "rank" in scores else scores
    console.print(_terminal_table(ranked.head(n)))
    shown = f"{min(n, len(scores))} of {len(scores)} sites"
    spoken = ", ".join(f"{mode} {speed:g} km/h" for mode, speed in speeds(scores).items())
    console.print(Text(f"{shown}; speeds: {spoken}" if spoken else shown))


def _terminal_table(scores: pd.DataFrame) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    people = [measure for measure in measures(scores) if measure.subject == "people" and measure.kind == "reached"]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("rank", "site", "name", "status"):
        table.add_column(heading, justify="right" if heading == "rank" else "left", overflow="fold")
    for heading in [f"{measure.mode} {measure.minutes:g} min" for measure in people] + ["score"]:
        table.add_column(Text(heading), justify="right")
    columns = ["rank", "site", "name", "status", *(measure.column for measure in people), "score"]
    for *row, score in scores.reset_index().reindex(columns=columns).itertuples(index=False):
        figure = "-" if pd.isna(score) else f"{score:.1f}"
        table.add_row(*(Text(_spoken(value)) for value in row), Text(figure))
    return table


def _spoken(value: object) -> str:
    """Give a value as a person reads it; control characters could drive the terminal and are shown as such."""
    number = _number(value, count=True)
    if number is None:
        return "-"
    if isinstance(number, int | float):
        return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:,.1f}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(number))


def _cell(value: object, count: bool) -> str:
    number = _number(value, count)
    if number is None:
        return ""
    return _safe(number) if isinstance(number, str) else str(number)


def _number(value: object, count: bool) -> object:
    """Give a table's value as a plain Python one: whole numbers whole, missing as None, the rest as text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool) or pd.api.types.is_bool(value):
        return bool(value)
    if pd.api.types.is_number(value):
        number = round(float(value), 1 if count else 6)  # type: ignore[arg-type]
        if not math.isfinite(number):
            return None
        return int(number) if number == int(number) else number
    return str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
