"""Tables of a report: headings that a screen reader knows the rows and columns by, numbers to the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from siteplan.output.report.markup import Markup, tag

__all__ = ["Column", "table"]


@dataclass(frozen=True)
class Column:
    """A heading, the heading that it shares with its neighbours, and how its cells look."""

    heading: str
    over: str = ""
    text: bool = False
    bar: bool = False
    """whether a bar shows the share that stands in the cell"""


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    header: int,
    bars: Sequence[Sequence[float]] = (),
    total: bool = False,
) -> Markup:
    """Make a table.

    Parameters
    ----------
    columns
        One for each cell of a row.
    rows
        Texts.
    header
        How many columns, from the left, up to the one that names the row.
    bars
        Of each row, the shares (0 to 1) of the columns that have bars.
    total
        Whether the first row is the sum of the others.
    """
    head = _head(columns)
    body = [
        _row(columns, row, header, shares=list(bars[at]) if bars else [], total=total and at == 0)
        for at, row in enumerate(rows)
    ]
    return tag("div", tag("table", head, tag("tbody", *body)), class_="wide")


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


def _row(columns: Sequence[Column], row: Sequence[str], header: int, *, shares: list[float], total: bool) -> Markup:
    cells = []
    for at, (column, text) in enumerate(zip(columns, row, strict=True)):
        look = "text" if column.text else "bar" if column.bar else None
        style = f"--share:{100 * min(max(shares.pop(0), 0.0), 1.0):.1f}%" if column.bar and shares else None
        if at == header - 1:
            cells.append(tag("th", text, scope="row", class_=look))
        else:
            cells.append(tag("td", text, class_=look, style=style))
    return tag("tr", *cells, class_="total" if total else None)
