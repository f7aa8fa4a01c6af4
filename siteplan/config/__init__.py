"""Parameters with their reasons: how people travel, and (in a study file) what is asked."""

from siteplan.config.profiles import BIKE, PEDELEC, PROFILES, SLOW_WALK, TRANSIT, WALK, Profile, Rides, minutes_of
from siteplan.config.study import (
    Area,
    Choose,
    Inputs,
    Output,
    Population,
    Score,
    Study,
    Table,
    Travel,
    folder_name,
    result_columns,
)

__all__ = [
    "BIKE",
    "PEDELEC",
    "PROFILES",
    "SLOW_WALK",
    "TRANSIT",
    "WALK",
    "Area",
    "Choose",
    "Inputs",
    "Output",
    "Population",
    "Profile",
    "Rides",
    "Score",
    "Study",
    "Table",
    "Travel",
    "folder_name",
    "minutes_of",
    "result_columns",
]
