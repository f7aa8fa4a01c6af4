"""The whole of it: a study file, its stages in order, a folder of results."""

from siteplan.study.check import Finding, check
from siteplan.study.reading import read_study
from siteplan.study.run import Result, draw, run, score
from siteplan.study.template import init_study, study_template

__all__ = ["Finding", "Result", "check", "draw", "init_study", "read_study", "run", "score", "study_template"]
