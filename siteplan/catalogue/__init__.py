"""What results are called: every table with its columns, and the names of counted columns, each said once."""

from siteplan.catalogue.measures import (
    BEST,
    COUNTED,
    PEOPLE,
    Measure,
    by_mode,
    check_groups,
    decayed_measures,
    measures,
    mode_order,
    score_measures,
    speeds,
)
from siteplan.catalogue.tables import (
    FILES,
    LAYERS,
    PLACES,
    TABLES,
    WORKBOOK,
    Column,
    Table,
    table_rows,
    uptake_column,
)

__all__ = [
    "BEST",
    "COUNTED",
    "FILES",
    "LAYERS",
    "PEOPLE",
    "PLACES",
    "TABLES",
    "WORKBOOK",
    "Column",
    "Measure",
    "Table",
    "by_mode",
    "check_groups",
    "decayed_measures",
    "measures",
    "mode_order",
    "score_measures",
    "speeds",
    "table_rows",
    "uptake_column",
]
