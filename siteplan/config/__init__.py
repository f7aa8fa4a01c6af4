"""Parameters with their reasons: how people travel, and (in a study file) what is asked."""

from siteplan.config.choose import Decay, Question, Quota, Score
from siteplan.config.inputs import Area, Inputs, Population, Table
from siteplan.config.profiles import (
    BIKE,
    CALM,
    PEDELEC,
    PROFILES,
    SLOW_WALK,
    TRANSIT,
    WALK,
    Profile,
    Rides,
    at_once,
    clock_of,
    minutes_of,
    seconds_of,
)
from siteplan.config.publics import Public
from siteplan.config.study import Output, Study, folder_name
from siteplan.config.travel import MODES, Travel

__all__ = [
    "BIKE",
    "CALM",
    "MODES",
    "PEDELEC",
    "PROFILES",
    "SLOW_WALK",
    "TRANSIT",
    "WALK",
    "Area",
    "Decay",
    "Inputs",
    "Output",
    "Population",
    "Profile",
    "Public",
    "Question",
    "Quota",
    "Rides",
    "Score",
    "Study",
    "Table",
    "Travel",
    "at_once",
    "clock_of",
    "folder_name",
    "minutes_of",
    "seconds_of",
]
