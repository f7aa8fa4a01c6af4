"""Tables as text: comma, semicolon or tab between values, in whatever bytes a spreadsheet or a database wrote them."""

import codecs
import csv
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan.errors import InputError, warn
from siteplan.inputs.numerals import known_mark

__all__ = ["read_rows", "read_text", "refuse_twins", "text_layout"]


def read_text(path: Path) -> pd.DataFrame:
    """Read a CSV as text, so that '001' stays '001'."""
    layout = text_layout(path)
    table = read_rows(path, layout, dtype=str, keep_default_na=False)
    header = read_rows(path, layout, dtype=str, keep_default_na=False, header=None, nrows=1).iloc[0]
    refuse_twins(header, path)
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    table = table.fillna("")  # what a short row lacks at its end
    table.attrs["decimal"] = known_mark(table[column].head(1000) for column in table)
    return table


def refuse_twins(header: Iterable[str], path: Path) -> None:
    """Refuse a header that names two columns alike: nobody could tell which is meant."""
    counts = Counter(name.strip() for name in header)
    twice = next((name for name, count in counts.items() if name and count > 1), None)
    if twice is not None:
        raise InputError(f"{path}: {counts[twice]} columns are called '{twice}'; rename them")


def text_layout(path: Path) -> dict[str, Any]:
    """Say how a text is laid out, as options of `pandas.read_csv`: its encoding, and what stands between its values.

    That is what `sep=` in a line of its own says, as Excel writes it, else what the first line has most of.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding) as file:
        first = file.readline()
    told = re.fullmatch(r'"?sep=(.)"?\s*', first)
    return {
        "encoding": encoding,
        "sep": told[1] if told else max(",;\t", key=first.count),
        "skiprows": 1 if told else 0,
    }


def read_rows(path: Path, layout: Mapping[str, Any], **options: Any) -> pd.DataFrame:
    """Read a text of a known layout; a row that is longer than the header is named, not cut.

    Raises
    ------
    InputError
        If it is no table.
    """
    try:
        with warnings.catch_warnings():
            # A row longer than the header would lose its last values with no more than this warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(path, **layout, **options, index_col=False)
            return table
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError, OSError) as error:
        said = " ".join(str(error).split())
    if "Expected" in said or "Length of header" in said:
        said = _longer(path, layout) or said
    raise InputError(f"{path}: cannot be read as a table: {said}")


def _longer(path: Path, layout: Mapping[str, Any]) -> str:
    """Name the first row that is longer than the header; nothing where none is."""
    header = line = 0
    with path.open(encoding=layout["encoding"], newline="") as file, suppress(csv.Error):
        rows = csv.reader(file, delimiter=layout["sep"])
        for row in rows:
            if line >= layout["skiprows"] and row:
                header = header or len(row)
                if len(row) > header:
                    return (
                        f"line {line + 1} has {len(row)} values, the header {header}; put texts that hold "
                        f"'{layout['sep']}' in double quotes, and give every column a name"
                    )
            line = rows.line_num
    return ""


def _encoding(path: Path) -> str:
    """UTF-8, or what spreadsheets write when it is not: UTF-16, or what Western Europe used before."""
    with path.open("rb") as raw:
        if raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        with path.open(encoding="utf-8-sig") as file:
            for _ in file:
                pass
    except UnicodeDecodeError:
        encoding, known_as = _old_encoding(path)
        warn(f"{path}: is not UTF-8; read as {known_as}")
        return encoding
    return "utf-8-sig"


def _old_encoding(path: Path) -> tuple[str, str]:
    """Tell the code page of Windows from that of DOS, whose letters with accents are where Windows has quotes."""
    high = [byte for byte in path.read_bytes() if byte > 127]
    if sum(byte < 0xA0 for byte in high) > len(high) / 2:
        return "cp850", "DOS code page 850"
    return "cp1252", "Windows-1252"
