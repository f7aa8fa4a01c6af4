"""Every name that commands and notebooks ask of a study, and where it lives: read when siteplan.study is imported."""

from .changes import compare as compare
from .choice import choose as choose
from .each import Territories as Territories, run_each as run_each
from .fetching import fetch as fetch
from .findings import Finding as Finding, check as check
from .reading import read_study as read_study
from .stages import (
    compare_scenarios as compare_scenarios,
    draw as draw,
    run as run,
    score as score,
)
from .template import init_study as init_study, study_template as study_template
from .write import redraw as redraw, report as report, write_places as write_places
