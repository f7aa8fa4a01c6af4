"""Tables of a report: headings that a screen reader knows the rows and columns by, numbers to the right.

None is longer than a page or two, however large the study: what is not shown is counted below it, with its file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from siteplan.catalogue import TABLES
from siteplan.output.report.markup import Markup, join, note, tag
from siteplan.words import Words

__all__ = ["MOST_ROWS", "Column", "Most", "table"]

MOST_ROWS = 30  # so that a report of everything that can be asked has thirty pages


@dataclass(frozen=True)
class Column:
    """A heading, its cells from top to bottom, the heading that it shares with its neighbours, and how it looks."""

    heading: str
    cells: Sequence[Any]
    over: str = ""
    text: bool = False
    shares: Sequence[float] | None = None
    """of each cell, the share (0 to 1) that a bar shows in it; None without bars"""
    write: Callable[[Any], str] | None = None
    """makes the text of a cell, where a table has thousands and shows few; None where they are texts"""


@dataclass(frozen=True)
class Most:
    """Which rows are kept where there are too many: those with the most of something, in the order of the table."""

    key: str
    """of the words that say so"""
    of: Sequence[float]
    """how much of it each row has"""

    def rows(self, most: int) -> list[int]:
        """Give the places of the rows that are kept, in their order; of equal ones the first."""
        order = np.argsort(-np.nan_to_num(np.asarray(self.of, dtype=float)), kind="stable")
        return sorted(order[:most].tolist())


def table(
    columns: Sequence[Column],
    words: Words,
    name: str,
    *,
    header: int = 1,
    most: int = MOST_ROWS,
    by: Most | None = None,
    total: bool = False,
) -> Markup:
    """Make a table and, where it has more rows than are shown, say how many more there are, and in which file.

    Parameters
    ----------
    columns
        All with as many cells.
    words
        The language.
    name
        Of the table of results that has all rows.
    header
        How many columns, from the left, up to the one that names the row.
    most
        How many rows are shown at most, that of the sum not counted.
    by
        Which rows those are; None shows the first.
    total
        Whether the first row is the sum of all others, those too that are not shown; `by` does not speak of it.
    """
    first, count = int(total), len(columns[0].cells)
    hidden = count - first - most
    kept = range(min(most, count - first)) if hidden <= 0 or by is None else by.rows(most)
    shown_rows = [*range(first), *(first + at for at in kept)]
    cells = [_cells(column, "th" if at == header - 1 else "td", shown_rows) for at, column in enumerate(columns)]
    rows = zip(*cells, strict=True)
    body = [tag("tr", *row, class_="total" if total and at == 0 else None) for at, row in enumerate(rows)]
    shown = tag("div", tag("table", _head(columns), tag("tbody", *body)), class_="wide")
    if hidden <= 0:
        return shown
    which = words["rows_first" if by is None else by.key]
    return join(shown, note(words.text("rows_more", count=hidden, file=TABLES[name].file, which=which)))


def _head(columns: Sequence[Column]) -> Markup:
    if not any(column.over for column in columns):
        return tag("thead", tag("tr", *(_heading(column) for column in columns)))
    upper, lower = [], []
    for over, group in groupby(columns, key=lambda column: column.over):
        members = list(group)
        if over:
            upper.append(tag("th", over, scope="colgroup", colspan=len(members)))
            lower += [_heading(column) for column in members]
        else:
            upper += [_heading(column, rowspan=2) for column in members]
    return tag("thead", tag("tr", *upper), tag("tr", *lower))


def _heading(column: Column, rowspan: int | None = None) -> Markup:
    return tag("th", column.heading, scope="col", rowspan=rowspan, class_="text" if column.text else None)


def _cells(column: Column, name: str, rows: Sequence[int]) -> list[Markup]:
    texts = [column.cells[at] if column.write is None else column.write(column.cells[at]) for at in rows]
    if name == "th":
        return [tag("th", text, scope="row", class_="text" if column.text else None) for text in texts]
    if column.shares is None:
        return [tag("td", text, class_="text" if column.text else None) for text in texts]
    parts = [100 * min(max(column.shares[at], 0.0), 1.0) for at in rows]
    return [
        tag("td", text, class_="bar", style=f"--share:{part:.1f}%") for text, part in zip(texts, parts, strict=True)
    ]
