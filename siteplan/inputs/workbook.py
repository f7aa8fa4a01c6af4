"""Sheets of a workbook (.xlsx): what a spreadsheet program shows in the cells, one row of names above."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan.errors import InputError, listed, warn
from siteplan.inputs.numerals import known_mark
from siteplan.inputs.packed import refuse_bomb
from siteplan.inputs.texts import refuse_twins

__all__ = ["read_sheet"]

MOST_BYTES = 100 * 1024**2  # unpacked: about a million rows of a few columns
MOST_ROWS, MOST_CELLS = 1_048_576, 10_000_000  # the rows are Excel's own limit
MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Z0-9:]+)")
FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
ZEROS = re.compile("0{2,}")  # a number format that shows 1234 as 01234


def read_sheet(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a sheet whose first row holds the names of its columns.

    Numbers stay numbers, and are texts where their format shows zeros in front; dates become texts (2026-03-10); of a
    formula the value is taken that the spreadsheet program kept. Empty cells are None, empty rows are left out.

    Parameters
    ----------
    path
        An existing `.xlsx`.
    sheet
        Its name; by default the first that is not hidden.

    Raises
    ------
    InputError
        If it is no workbook, has no such sheet, no names in its first row, merged cells, formulas without a kept
        value, or more than 100 MB when unpacked.

    Warns
    -----
    SiteplanWarning
        Of other sheets where none is named; of empty rows between others.
    """
    _refuse_foreign(path)
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        found = _chosen(book, path, sheet)
        where = f"{path}: sheet '{found.title}'"
        with zipfile.ZipFile(path) as archive:
            raw = archive.read(found._worksheet_path)
        merged = MERGED.findall(raw)
        if merged:
            raise InputError(
                f"{where} has merged cells ({listed((ref.decode() for ref in merged), most=3)}), of which only the "
                "first holds a value; unmerge them, with the names of the columns in row 1 and a value in every row"
            )
        rows = list(_rows(found, where))
    finally:
        book.close()
    if FORMULA.search(raw):
        _refuse_unkept(path, found.title, rows, where)
    return _as_table(rows, path, where)


def _refuse_foreign(path: Path) -> None:
    """Refuse what is no workbook, or a bomb of one, by its head and by what it says of its sizes."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(f"{path}: is an old workbook (.xls) or has a password; save it as .xlsx, without a password")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path}: cannot be read as a workbook ({error}); is it whole? Save it again") from None
    packed, size = (sum(getattr(each, what) for each in members) for what in ("compress_size", "file_size"))
    refuse_bomb(path, packed, size, most=MOST_BYTES)


def _chosen(book: Any, path: Path, sheet: str | None) -> Any:
    names = [each.title for each in book.worksheets]
    if sheet is not None:
        if sheet not in names:
            raise InputError(f"{path}: has no sheet '{sheet}'; its sheets are {listed(names)}")
        return book[sheet]
    shown = [each for each in book.worksheets if each.sheet_state == "visible"]
    if not shown:
        raise InputError(f"{path}: has no sheet with cells that is not hidden; name one with layer=: {listed(names)}")
    if len(shown) > 1:
        others = listed([each.title for each in shown[1:]], most=5)
        warn(f"{path}: its first sheet, '{shown[0].title}', is read, not {others}; name another with layer=")
    return shown[0]


def _rows(sheet: Any, where: str) -> Iterator[list[Any]]:
    """Give the values of each row, as many as it has."""
    sheet.reset_dimensions()  # what a file says of them is often wrong
    cells = 0
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells += len(row)
        if number > MOST_ROWS or cells > MOST_CELLS:
            raise InputError(
                f"{where} reaches beyond {MOST_ROWS:,} rows or {MOST_CELLS:,} cells; delete what stands far out, or "
                "save it as CSV"
            )
        yield [_value(cell) for cell in row]


def _value(cell: Any) -> Any:
    value = cell.value
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, int):
        form = cell.number_format
        return str(value).zfill(len(form)) if form and ZEROS.fullmatch(form) else value
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return str(value) if isinstance(value, date | time | timedelta) else value


def _refuse_unkept(path: Path, sheet: str, rows: Sequence[Sequence[Any]], where: str) -> None:
    """Refuse formulas whose value nobody has computed: programs that only write workbooks keep none."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
    try:
        told = book[sheet]
        told.reset_dimensions()
        for number, (row, values) in enumerate(zip(told.iter_rows(), rows, strict=False), 1):
            for cell, value in zip(row, values, strict=False):
                if value is None and cell.data_type == "f":
                    raise InputError(
                        f"{where}, row {number}, column {cell.column_letter}: is a formula without a kept value; open "
                        "the file in a spreadsheet program and save it there"
                    )
    finally:
        book.close()


def _as_table(rows: list[list[Any]], path: Path, where: str) -> pd.DataFrame:
    filled = [any(value is not None for value in row) for row in rows]
    if not any(filled):
        raise InputError(f"{where} is empty; expected the names of the columns in row 1")
    if not filled[0]:
        raise InputError(
            f"{where}: row 1 is empty; expected the names of the columns there: delete the {filled.index(True)} "
            "row(s) above them"
        )
    gaps = [number for number, full in enumerate(filled, 1) if not full and any(filled[number:])]
    if gaps:
        text = f"{where}: {len(gaps):,} empty row(s) between others are left out, the first: row {gaps[0]}; messages "
        warn(text + "count rows without them")
    kept = [row for row, full in zip(rows, filled, strict=True) if full]
    columns = [list(column) for column in zip_longest(*kept)]
    used = {at: column for at, column in enumerate(columns) if any(value is not None for value in column)}
    nameless = [at for at, column in used.items() if column[0] is None]
    if nameless:
        raise InputError(
            f"{where}: {len(nameless)} column(s) with values have no name in row 1, the first: column "
            f"{_letters(nameless[0])}; expected the names of the columns there, without a title above"
        )
    names = [str(column[0]).strip() for column in used.values()]
    refuse_twins(names, path)
    table = pd.DataFrame({name: _typed(column[1:]) for name, column in zip(names, used.values(), strict=True)})
    texts = ([value for value in table[name].head(1000) if isinstance(value, str)] for name in table)
    table.attrs["decimal"] = known_mark(texts)
    return table


def _typed(values: list[Any]) -> pd.Series:
    """Make numbers of a column of numbers without gaps; all else stays as it is."""
    plain = all(isinstance(value, int | float) for value in values) and values
    return pd.Series(values, dtype=None if plain else object)


def _letters(at: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(at + 1))
