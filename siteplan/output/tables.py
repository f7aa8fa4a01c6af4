"""Results as tables: CSV, Parquet and JSON files, and a table for the terminal."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteplan.catalogue import BEST, PEOPLE, TABLES, Measure, measures, speeds
from siteplan.catalogue import Table as Declared
from siteplan.inputs.spreadsheet import guarded
from siteplan.inputs.times import POINTS_KEY

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "csv_text",
    "print_scores",
    "printable",
    "scores_json",
    "write_manifest",
    "write_overlap",
    "write_table",
    "write_times",
]

NAME_WIDTH = 14  # characters of a name that stay in one line


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
    columns = [[_cell(value, most) for value in flat.iloc[:, at]] for at, most in enumerate(places)]
    cells = pd.DataFrame(dict(enumerate(columns)), dtype=object).set_axis([guarded(str(name)) for name in flat], axis=1)
    return str(cells.to_csv(index=False, lineterminator="\n"))


def write_overlap(overlap: pd.DataFrame, path: str | Path) -> None:
    """Write the square table of people whom two sites share as CSV; sites are found by their place, not their name."""
    named = overlap.round(1).set_axis([guarded(str(site)) for site in overlap.columns], axis=1)
    named.index = pd.Index(named.columns, name="site")
    named.to_csv(path, lineterminator="\n")


def scores_json(scores: pd.DataFrame) -> str:
    """Give the scores as JSON: a list with one object a site, numbers as in the CSV, missing as null."""
    table = scores.reset_index()
    most = {name: TABLES["scores"].decimals_of(str(name)) for name in table}
    columns = {str(name): [_number(value, most[name]) for value in table[name]] for name in table}
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
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def print_scores(
    scores: pd.DataFrame, n: int, console: "Console", *, weights: Mapping[str, float] = MappingProxyType({})
) -> None:
    """Print the first `n` sites by rank: whom they reach and add, their scores, and what all that means.

    Where the console is too narrow, columns are left out (and named), never figures cut.

    Parameters
    ----------
    scores
        Index `site`, columns as `score_sites` gives them.
    n
        How many rows at most.
    console
        Where to print; text from the data is printed as it is, never as markup.
    weights
        The columns that the score is made of.
    """
    from rich.text import Text

    ranked = (scores.sort_values("rank", kind="stable") if "rank" in scores else scores).head(n).reset_index()
    columns = _columns(ranked)
    left_out: list[str] = []
    for name in _expendable(columns):
        if _least(_terminal_table(ranked, columns), console) <= console.width:
            break
        left_out.append(" ".join(columns.pop(name).split()))
    table = _terminal_table(ranked, columns)
    console.print(table, width=max(console.width, _least(table, console)), crop=False)
    for line in _explained(scores, columns, weights, left_out, f"{len(ranked)} of {len(scores)} sites"):
        console.print(Text(line))


def _columns(ranked: pd.DataFrame) -> dict[str, str]:
    """Name the columns worth printing, with their headings."""
    found = [measure for measure in measures(ranked) if measure.group == PEOPLE]
    reached = {each.column: f"{each.mode}\n{each.limit:g} min" for each in found if each.kind == "reached"}
    adds = [each.column for each in found if each.kind == "added"][-1:]
    named = "name" in ranked and not (ranked["name"].astype(str) == ranked["site"].astype(str)).all()
    first = ["rank", "site", *(["name"] if named else []), "status"]
    wanted = {name: name for name in first} | reached | dict.fromkeys(adds, "adds") | {"score": "score"}
    return {name: heading for name, heading in wanted.items() if name in ranked}


def _expendable(columns: Mapping[str, str]) -> list[str]:
    """Name what a narrow terminal can do without, the first to go first: any mode, ids beside names, the rest."""
    found = {name: measure for name in columns if (measure := Measure.read(name)) is not None}
    reached = [name for name, measure in found.items() if measure.kind == "reached"][::-1]
    best = [name for name in reached if found[name].mode == BEST]
    others = [name for name in reached if name not in best]
    ids = ["site"] if "name" in columns else []
    tail = [name for name in columns if name == "status" or (name in found and name not in reached)]
    return [*best[1:], *ids, *best[:1], *others[:-1], *tail, *others[-1:]]


def _least(table: "Table", console: "Console") -> int:
    """Return the width below which the table would lose something."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update_width(10_000), table).minimum


def _terminal_table(ranked: pd.DataFrame, columns: Mapping[str, str]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name, heading in columns.items():
        if name == "name":
            # Names alone are broken into lines where room is scarce.
            longest = int(ranked[name].astype(str).str.len().max()) if len(ranked) else 0
            table.add_column(heading, overflow="fold", min_width=min(longest, NAME_WIDTH))
        else:
            table.add_column(Text(heading), justify="left" if name in ("site", "status") else "right", no_wrap=True)
    for row in ranked[list(columns)].to_dict("records"):
        table.add_row(*(Text(_figure(name, value)) for name, value in row.items()))
    return table


def _figure(name: object, value: Any) -> str:
    return f"{value:.1f}" if name == "score" and pd.notna(value) else _spoken(value)


def _explained(
    scores: pd.DataFrame, columns: Mapping[str, str], weights: Mapping[str, float], left_out: list[str], shown: str
) -> Iterator[str]:
    """Say what stands in the table, and what does not."""
    spoken = ", ".join(
        f"{mode} {speed:g} km/h{' on foot' if mode == 'transit' else ''}"
        for mode, speed in speeds(scores).items()
        if math.isfinite(speed)
    )
    yield f"{shown}; speeds: {spoken}" if spoken else shown
    for measure in measures(scores):
        if measure.column in columns and measure.kind == "added":
            mode = "any mode" if measure.mode == BEST else measure.mode
            yield (
                f"adds: people within {measure.limit:g} min by {mode} whom no other existing site reaches "
                f"({measure.column})"
            )
    used = {name: weight for name, weight in weights.items() if weight > 0}
    if len(used) == 1:
        yield f"score: 0-100, {next(iter(used))} over its largest"
    elif used:
        parts = ", ".join(f"{name} x{weight:g}" for name, weight in used.items())
        yield f"score: 0-100, weighted mean of {parts}, each over its largest"
    if left_out:
        yield f"left out of this narrow table: {', '.join(left_out)}"


def _spoken(value: object) -> str:
    """Give a value as a person reads it; control characters could drive the terminal and are shown as such."""
    number = _number(value, 1)
    if number is None:
        return "-"
    if isinstance(number, int | float):
        return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:,.1f}"
    return printable(str(number))


def printable(text: str) -> str:
    """Show control characters, which could drive a terminal, as what they are not."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _cell(value: object, decimals: int) -> str:
    number = _number(value, decimals)
    if number is None:
        return ""
    return guarded(number) if isinstance(number, str) else str(number)


def _number(value: object, decimals: int) -> object:
    """Give a table's value as a plain Python one: whole numbers whole, missing as None, the rest as text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool) or pd.api.types.is_bool(value):
        return bool(value)
    if pd.api.types.is_number(value):
        number = round(float(value), decimals)  # type: ignore[arg-type]
        if not math.isfinite(number):
            return None
        return int(number) if number == int(number) else number
    return str(value)
