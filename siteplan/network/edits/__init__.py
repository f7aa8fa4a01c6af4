"""What if a street, a footbridge or a bus line were there, or were not: new networks, the old ones untouched.

Every change is a small frozen record; `check_changes` refuses what cannot be meant before anything is computed.
"""

from siteplan.network.edits.check import check_changes
from siteplan.network.edits.lines import (
    AddLine,
    CutLine,
    LineChange,
    MoveStop,
    RunEvery,
    ShiftLine,
    check_lines,
    edit_timetable,
)
from siteplan.network.edits.streets import (
    AddStreet,
    CloseStreet,
    StreetChange,
    TagStreet,
    check_streets,
    edit_streets,
)
from siteplan.network.edits.touched import touched_sites

__all__ = [
    "AddLine",
    "AddStreet",
    "CloseStreet",
    "CutLine",
    "LineChange",
    "MoveStop",
    "RunEvery",
    "ShiftLine",
    "StreetChange",
    "TagStreet",
    "check_changes",
    "check_lines",
    "check_streets",
    "edit_streets",
    "edit_timetable",
    "touched_sites",
]
