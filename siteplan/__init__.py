"""Where should the next telecentre go, and whom does it reach without a car? Every public name is here."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteplan.analysis.access import cell_access
    from siteplan.analysis.catchment import E2SFCA_STEPS, Catchment, catchment_access
    from siteplan.analysis.change import gained_lost
    from siteplan.analysis.commuting import Factor, commuting_saved, distance_trips, flow_trips, read_factors, tornado
    from siteplan.analysis.demand import (
        UPTAKES,
        DeskNeed,
        chance_of_no_desk,
        desk_table,
        desks_for_chance,
        share_desks,
        weekdays,
    )
    from siteplan.analysis.equity import (
        access_shares,
        cell_territories,
        concentration,
        fgt,
        gini,
        inequality,
        palma,
        shortfall,
        sites_in_reach,
        theil,
        without_access,
    )
    from siteplan.analysis.reach import Decay, added, coverage, decayed_reach, overlap, reach
    from siteplan.analysis.score import score_sites
    from siteplan.analysis.urbanisation import DEGREES, degree_of_urbanisation, territory_degrees
    from siteplan.config import BIKE, PEDELEC, SLOW_WALK, TRANSIT, WALK, Profile, Rides, Study
    from siteplan.contours import isochrones
    from siteplan.errors import InputError, NetworkError, SiteplanError, SiteplanWarning, StudyError
    from siteplan.inputs.area import read_area
    from siteplan.inputs.candidates import propose_sites
    from siteplan.inputs.flows import read_flows
    from siteplan.inputs.population import read_population
    from siteplan.inputs.sites import read_sites
    from siteplan.inputs.times import read_times
    from siteplan.itineraries import Itinerary, SiteLines, describe, itinerary, site_lines
    from siteplan.network.exchange import to_networkx
    from siteplan.network.people import place_people
    from siteplan.network.snapping import link
    from siteplan.network.streets import StreetNetwork, read_streets
    from siteplan.network.transit import Timetable, read_transit
    from siteplan.output.maps import ScenarioView, SiteMap, site_map
    from siteplan.output.rasters import write_minutes
    from siteplan.output.report import render_report, write_report
    from siteplan.samples import write_sample
    from siteplan.siting.choose import Choice, choose_sites
    from siteplan.siting.phases import coverage_curve, deploy, least_needed
    from siteplan.siting.problem import Quota
    from siteplan.study import Finding, Result, check, compare, compare_scenarios, read_study, run
    from siteplan.times import reach_totals, travel_times

__version__ = "0.1.0"

__all__ = [
    "BIKE",
    "DEGREES",
    "E2SFCA_STEPS",
    "PEDELEC",
    "SLOW_WALK",
    "TRANSIT",
    "UPTAKES",
    "WALK",
    "Catchment",
    "Choice",
    "Decay",
    "DeskNeed",
    "Factor",
    "Finding",
    "InputError",
    "Itinerary",
    "NetworkError",
    "Profile",
    "Quota",
    "Result",
    "Rides",
    "ScenarioView",
    "SiteLines",
    "SiteMap",
    "SiteplanError",
    "SiteplanWarning",
    "StreetNetwork",
    "Study",
    "StudyError",
    "Timetable",
    "access_shares",
    "added",
    "catchment_access",
    "cell_access",
    "cell_territories",
    "chance_of_no_desk",
    "check",
    "choose_sites",
    "commuting_saved",
    "compare",
    "compare_scenarios",
    "concentration",
    "coverage",
    "coverage_curve",
    "decayed_reach",
    "degree_of_urbanisation",
    "deploy",
    "describe",
    "desk_table",
    "desks_for_chance",
    "distance_trips",
    "fgt",
    "flow_trips",
    "gained_lost",
    "gini",
    "inequality",
    "isochrones",
    "itinerary",
    "least_needed",
    "link",
    "overlap",
    "palma",
    "place_people",
    "propose_sites",
    "reach",
    "reach_totals",
    "read_area",
    "read_factors",
    "read_flows",
    "read_population",
    "read_sites",
    "read_streets",
    "read_study",
    "read_times",
    "read_transit",
    "render_report",
    "run",
    "score_sites",
    "share_desks",
    "shortfall",
    "site_lines",
    "site_map",
    "sites_in_reach",
    "territory_degrees",
    "theil",
    "to_networkx",
    "tornado",
    "travel_times",
    "weekdays",
    "without_access",
    "write_minutes",
    "write_report",
    "write_sample",
]

# Where each name lives: a name is loaded when it is first used (PEP 562), so that `import siteplan` costs nothing.
_HOMES = {
    "analysis.access": ("cell_access",),
    "analysis.catchment": (
        "E2SFCA_STEPS",
        "Catchment",
        "catchment_access",
    ),
    "analysis.change": ("gained_lost",),
    "analysis.commuting": (
        "Factor",
        "commuting_saved",
        "distance_trips",
        "flow_trips",
        "read_factors",
        "tornado",
    ),
    "analysis.demand": (
        "UPTAKES",
        "DeskNeed",
        "chance_of_no_desk",
        "desk_table",
        "desks_for_chance",
        "share_desks",
        "weekdays",
    ),
    "analysis.equity": (
        "access_shares",
        "cell_territories",
        "concentration",
        "fgt",
        "gini",
        "inequality",
        "palma",
        "shortfall",
        "sites_in_reach",
        "theil",
        "without_access",
    ),
    "analysis.reach": (
        "Decay",
        "added",
        "coverage",
        "decayed_reach",
        "overlap",
        "reach",
    ),
    "analysis.score": ("score_sites",),
    "analysis.urbanisation": (
        "DEGREES",
        "degree_of_urbanisation",
        "territory_degrees",
    ),
    "config": (
        "BIKE",
        "PEDELEC",
        "SLOW_WALK",
        "TRANSIT",
        "WALK",
        "Profile",
        "Rides",
        "Study",
    ),
    "contours": ("isochrones",),
    "errors": (
        "InputError",
        "NetworkError",
        "SiteplanError",
        "SiteplanWarning",
        "StudyError",
    ),
    "inputs.area": ("read_area",),
    "inputs.candidates": ("propose_sites",),
    "inputs.flows": ("read_flows",),
    "inputs.population": ("read_population",),
    "inputs.sites": ("read_sites",),
    "inputs.times": ("read_times",),
    "itineraries": (
        "Itinerary",
        "SiteLines",
        "describe",
        "itinerary",
        "site_lines",
    ),
    "network.exchange": ("to_networkx",),
    "network.people": ("place_people",),
    "network.snapping": ("link",),
    "network.streets": (
        "StreetNetwork",
        "read_streets",
    ),
    "network.transit": (
        "Timetable",
        "read_transit",
    ),
    "output.maps": (
        "ScenarioView",
        "SiteMap",
        "site_map",
    ),
    "output.rasters": ("write_minutes",),
    "output.report": (
        "render_report",
        "write_report",
    ),
    "samples": ("write_sample",),
    "siting.choose": ("Choice", "choose_sites"),
    "siting.phases": ("coverage_curve", "deploy", "least_needed"),
    "siting.problem": ("Quota",),
    "study": (
        "Finding",
        "Result",
        "check",
        "compare",
        "compare_scenarios",
        "read_study",
        "run",
    ),
    "times": (
        "reach_totals",
        "travel_times",
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"siteplan.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'siteplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
