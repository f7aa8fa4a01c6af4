"""The whole of it: a study file, its stages in order, a folder of results."""

from siteplan.study.changes import compare
from siteplan.study.findings import Finding, check
from siteplan.study.reading import read_study
from siteplan.study.stages import choose, compare_scenarios, draw, run, score
from siteplan.study.template import init_study, study_template
from siteplan.study.write import redraw, report, write_places

__all__ = [
    "Finding",
    "check",
    "choose",
    "compare",
    "compare_scenarios",
    "draw",
    "init_study",
    "read_study",
    "redraw",
    "report",
    "run",
    "score",
    "study_template",
    "write_places",
]
