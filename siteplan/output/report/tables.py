"""Tables of a report: headings that a screen reader knows the rows and columns by, numbers to the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from siteplan.output.report.markup import Markup, tag

__all__ = ["Column", "table"]


@dataclass(frozen=True)
class Column:
    """A heading, its cells from top to bottom, the heading that it shares with its neighbours, and how it looks."""

    heading: str
    cells: Sequence[str]
    over: str = ""
    text: bool = False
    shares: Sequence[float] | None = None
    """of each cell, the share (0 to 1) that a bar shows in it; None without bars"""


def table(columns: Sequence[Column], *, header: int = 1, most: int | None = None, total: bool = False) -> Markup:
    """Make a table.

    Parameters
    ----------
    columns
        All with as many cells.
    header
        How many columns, from the left, up to the one that names the row.
    most
        How many rows are shown at most; None shows all.
    total
        Whether the first row is the sum of the others.
    """
    cells = [_cells(column, "th" if at == header - 1 else "td") for at, column in enumerate(columns)]
    rows = list(zip(*cells, strict=True))[:most]
    body = [tag("tr", *row, class_="total" if total and at == 0 else None) for at, row in enumerate(rows)]
    return tag("div", tag("table", _head(columns), tag("tbody", *body)), class_="wide")


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


def _cells(column: Column, name: str) -> list[Markup]:
    if name == "th":
        return [tag("th", text, scope="row", class_="text" if column.text else None) for text in column.cells]
    if column.shares is None:
        return [tag("td", text, class_="text" if column.text else None) for text in column.cells]
    parts = [100 * min(max(share, 0.0), 1.0) for share in column.shares]
    return [
        tag("td", text, class_="bar", style=f"--share:{part:.1f}%")
        for text, part in zip(column.cells, parts, strict=True)
    ]
