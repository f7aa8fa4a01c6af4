"""Every table and layer that a run or a command writes: its file, its rows, its columns with unit and meaning.

They are declared in `tables.yaml`. Whoever adds a table writes its maker, and declares it there: writers, readers, the
list of a run's files and the documentation follow.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

import yaml

from siteplan.catalogue.measures import Measure

__all__ = ["FILES", "LAYERS", "PLACES", "TABLES", "WORKBOOK", "Column", "Table", "table_rows", "uptake_column"]

PLACES, WORKBOOK = "results.gpkg", "tables.xlsx"

Row: TypeAlias = str | Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a table, or all that are called alike.

    Parameters
    ----------
    name
        Its name; of columns called alike a pattern such as `people_<mode>_<minutes>`.
    about
        What it says.
    unit
        The unit of its numbers; "text", "yes or no" or "shape" where it holds none.
    decimals
        How many are written in a CSV file, at most; None as for the whole table.
    optional
        Whether it is left out where nobody asked for it.
    kind
        Of a pattern: the kind of `Measure` that its columns hold, or `group`, `uptake`, or `own` (what the
        user's file holds beside).
    """

    name: str
    about: str
    unit: str = "text"
    decimals: int | None = None
    optional: bool = False
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table or layer of results.

    Parameters
    ----------
    name
        What it is called in Python, and in its file if that has several layers.
    file
        The file it stands in.
    about
        What its rows are, and when it is written.
    columns
        Its columns, in their order. Patterns side by side may alternate.
    rows
        The column that names a row, if one does.
    decimals
        How many its numbers have in a CSV file, at most.
    """

    name: str
    file: str
    about: str
    columns: tuple[Column, ...] = ()
    rows: str = ""
    decimals: int = 4

    def column(self, name: str) -> Column | None:
        """Find what a column of this table is; None where it is none of its columns."""
        measure = Measure.read(name)
        kinds = (measure and measure.kind, "uptake" if is_uptake(name) else "", "group", "own")
        known = {each.name: each for each in self.columns if not each.kind}
        called_alike = {each.kind: each for each in self.columns if each.kind}
        return known.get(name) or next((called_alike[kind] for kind in kinds if kind in called_alike), None)

    def decimals_of(self, name: str) -> int:
        """Say how many decimals a column has in a CSV file, at most."""
        column = self.column(name)
        return self.decimals if column is None or column.decimals is None else column.decimals

    @property
    def texts(self) -> list[str]:
        """The columns of text, in whatever they look like a number."""
        return [each.name for each in self.columns if each.unit == "text" and not each.kind]


def uptake_column(uptake: float) -> str:
    """Name the column of desks at a share of people who come."""
    return f"desks_{100 * uptake:g}pct"


def is_uptake(name: str) -> bool:
    """Tell whether a column is called as `uptake_column` calls it."""
    return name.startswith("desks_") and name.endswith("pct")


def table_rows() -> Iterator[tuple[Table, Column | None]]:
    """Give every table with each of its columns, in their order, for a page that lists them; None where it has none."""
    for table in (*TABLES.values(), *LAYERS.values(), *OTHERS):
        for column in table.columns or (None,):
            yield table, column


def _read() -> tuple[Mapping[str, Table], Mapping[str, Table], tuple[Table, ...]]:
    """Read what is declared: tables and layers by name, and what else is written."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    said = yaml.load(files(__package__).joinpath("tables.yaml").read_text("utf-8"), loader)  # noqa: S506 (both are safe)
    known: dict[str, tuple[Column, ...]] = {column.name: (column,) for column in _columns(said["columns"], {})}
    for name, rows in said["sets"].items():
        known[name] = tuple(_columns(rows, known))

    def declared(section: str, more: Iterable[Row] = (), **given: str) -> Iterator[tuple[str, Table]]:
        for name, parts in said[section].items():
            columns = tuple(_columns([*parts.pop("columns", ()), *more], known))
            yield name, Table(name, columns=columns, **({"file": f"{name}.csv"} | given | parts))

    tables, layers = dict(declared("tables")), dict(declared("layers", ["geometry"], file=PLACES))
    return MappingProxyType(tables), MappingProxyType(layers), tuple(dict(declared("others")).values())


def _columns(rows: Iterable[Row], known: Mapping[str, tuple[Column, ...]]) -> Iterator[Column]:
    """Give the columns of some rows: said here, said once for several tables, or such a one with another meaning."""
    for row in rows:
        if isinstance(row, str):
            for name in row.split(", "):
                yield from known[name]
        elif "as" in row:
            yield replace(known[row["as"]][0], about=row["about"])
        else:
            yield Column(**row)


TABLES, LAYERS, OTHERS = _read()
FILES = tuple(table.file for table in (*TABLES.values(), *OTHERS))
