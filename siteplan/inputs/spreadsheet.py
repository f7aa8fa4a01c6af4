"""Text that a spreadsheet would run as a formula: made harmless where it is written, made whole where it is read.

A spreadsheet that opens a CSV runs what begins with `=`, `+`, `-`, `@`, a tab or a line break, or with the wide forms
of these signs (OWASP, CSV injection). Where the list separator is the semicolon, as in France, a semicolon or a line
break inside a text begins a new cell, too. An apostrophe before such a beginning makes text of it.
"""

import re
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

__all__ = ["guarded", "unguarded", "unguarded_table"]

# At the beginning of a cell, perhaps after quotes and apostrophes. Those count, so that taking one apostrophe off
# gives back every text that was written with one more.
BEGINNING = r"""(?:^|(?<=[;\r\n]))"""
FORMULA = r"""["']*[=+\-@\t\r\n＝＋－＠]"""
WRITTEN = re.compile(f"{BEGINNING}(?={FORMULA})")
READ = re.compile(f"{BEGINNING}'(?={FORMULA})")


def guarded(text: str) -> str:
    """Put an apostrophe before whatever in a text a spreadsheet would run as a formula."""
    return WRITTEN.sub("'", text)


def unguarded(text: str) -> str:
    """Give back the text that `guarded` wrote."""
    return READ.sub("", text)


def unguarded_table(table: pd.DataFrame) -> pd.DataFrame:
    """Give back the headings and texts of a table that was read from a CSV as text."""
    plain: pd.DataFrame = table.apply(lambda column: column if is_numeric_dtype(column) else column.map(_plain))
    return plain.set_axis([unguarded(str(column)) for column in table.columns], axis=1)


def _plain(value: Any) -> Any:
    return unguarded(value) if isinstance(value, str) and "'" in value else value
