"""What if a street, a footbridge or a bus line were there, or were not: new networks, the old ones untouched.

The changes are those of a study file (`config.changes`); what cannot be meant is refused before anything is computed.
"""

from siteplan.network.edits.lines import check_lines, edit_timetable
from siteplan.network.edits.streets import check_streets, edit_streets
from siteplan.network.edits.touched import touched_sites

__all__ = ["check_lines", "check_streets", "edit_streets", "edit_timetable", "touched_sites"]
