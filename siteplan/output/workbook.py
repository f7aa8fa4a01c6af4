"""All tables of a result as the sheets of one workbook, the same bytes for the same tables."""

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from siteplan.catalogue import TABLES, Table
from siteplan.errors import listed, warn
from siteplan.inputs.spreadsheet import guarded
from siteplan.output.tables import plain_value

__all__ = ["write_workbook"]

MOST_ROWS, MOST_COLUMNS, MOST_LETTERS = 1_048_576, 16_384, 32_767  # what a sheet and a cell hold
EXACT = 10**15  # whole numbers from which on a spreadsheet takes the last digits for zeros
FIRST = 2  # rows above the values: names and units
WIDEST, LOOKED_AT = 40, 100  # letters, and rows by which the width of a column is told
STAMP = datetime(2000, 1, 1)
DATES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")
UNSAID = ("text", "any")  # no units


def write_workbook(tables: Mapping[str, pd.DataFrame], path: str | Path, *, currency: str = "") -> None:
    """Write tables as the sheets of a workbook (.xlsx), one a table, with units in the second row.

    Numbers are numbers, with as many decimals as in the CSV files, but of more than fifteen digits texts, as such are
    ids; what is missing is empty. A text is a text, whatever it begins with: no spreadsheet runs it as a formula.

    Parameters
    ----------
    tables
        By their names in the catalogue.
    path
        The file to write.
    currency
        What costs are counted in, told as their unit.

    Warns
    -----
    SiteplanWarning
        Of tables that are larger than a sheet, and left out; of texts that a cell cannot hold as they are.
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    book.properties.creator, book.properties.created = "siteplan", STAMP
    large, changed = [], 0
    for name, table in tables.items():
        declared = TABLES[name]
        flat = table.reset_index() if table.index.name else table
        if len(flat) + FIRST > MOST_ROWS or flat.shape[1] > MOST_COLUMNS:
            large.append(declared.file)
        else:
            changed += _write_sheet(book.create_sheet(name), flat, declared, currency)
    if large:
        warn(f"{Path(path).name}: {listed(large)}: more rows or columns than a sheet holds, left out; the CSV has them")
    if changed:
        warn(f"{Path(path).name}: {changed:,} texts that no cell holds as they are: too long, or with signs of control")
    if not book.worksheets:
        book.create_sheet("none")  # a workbook without a sheet is none
    written = io.BytesIO()
    book.save(written)
    Path(path).write_bytes(_steady(written))


def _write_sheet(sheet: Any, table: pd.DataFrame, declared: Table, currency: str) -> int:
    """Write a table, and tell how many of its texts are not as they were."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    changed = 0
    fonts = {"name": Font(bold=True), "unit": Font(italic=True, color="00666666")}

    def cell(value: object, font: Font | None = None) -> Any:
        nonlocal changed
        if isinstance(value, int) and abs(value) >= EXACT:
            value = str(value)
        if not isinstance(value, str):
            return value
        if not value:  # no text is what is missing, as a CSV file has it
            return None
        text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
        text = text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
        changed += text != value
        made = WriteOnlyCell(sheet, value=text)
        made.data_type = "s"  # also of what begins with =
        made.quotePrefix = guarded(text) != text  # and stays so when somebody edits it
        if font is not None:
            made.font = font
        return made

    names = [str(name) for name in table]
    columns = [
        [plain_value(value, declared.decimals_of(name)) for value in table.iloc[:, at]] for at, name in enumerate(names)
    ]
    units = [_unit(declared, name, currency) for name in names]
    for at, (name, unit, values) in enumerate(zip(names, units, columns, strict=True), start=1):
        shown = ["" if value is None else str(value) for value in values[:LOOKED_AT]]
        width = max(map(len, (name, unit, *shown)))
        sheet.column_dimensions[get_column_letter(at)].width = min(width, WIDEST) + 2
    sheet.freeze_panes = "B3" if declared.rows else "A3"
    sheet.append([cell(name, fonts["name"]) for name in names])
    sheet.append([cell(unit, fonts["unit"]) for unit in units])
    for row in zip(*columns, strict=True):
        sheet.append([cell(value) for value in row])
    return changed


def _unit(declared: Table, name: str, currency: str) -> str:
    """Say the unit of a column; of money, the study's own word."""
    column = declared.column(name)
    if column is None:
        return ""
    money = column.name == "cost" or column.unit == "that of cost"
    return currency if money and currency else "" if column.unit in UNSAID else column.unit


def _steady(written: io.BytesIO) -> bytes:
    """Give a workbook one fixed time, in place of the clock's."""
    steady = io.BytesIO()
    stamp = STAMP.isoformat().encode() + b"Z"
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "docProps/core.xml":
                content = DATES.sub(rb"\g<1>" + stamp, content)
            after.writestr(zipfile.ZipInfo(name, STAMP.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return steady.getvalue()
