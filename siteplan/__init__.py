"""Where should the next telecentre go, and whom does it reach without a car? Every public name is here."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteplan.analysis.access import cell_access
    from siteplan.analysis.reach import Decay, added, coverage, decayed_reach, overlap, reach
    from siteplan.analysis.score import score_sites
    from siteplan.config import BIKE, PEDELEC, SLOW_WALK, TRANSIT, WALK, Profile, Rides, Study
    from siteplan.contours import isochrones
    from siteplan.errors import InputError, NetworkError, SiteplanError, SiteplanWarning, StudyError
    from siteplan.inputs.area import read_area
    from siteplan.inputs.candidates import propose_sites
    from siteplan.inputs.population import read_population
    from siteplan.inputs.sites import read_sites
    from siteplan.inputs.times import read_times
    from siteplan.network.exchange import to_networkx
    from siteplan.network.people import place_people
    from siteplan.network.snapping import link
    from siteplan.network.streets import StreetNetwork, read_streets
    from siteplan.network.transit import Timetable, read_transit
    from siteplan.output.maps import SiteMap, site_map
    from siteplan.samples import write_sample
    from siteplan.study import Finding, Result, check, read_study, run
    from siteplan.times import reach_totals, travel_times

__version__ = "0.1.0"

__all__ = [
    "BIKE",
    "PEDELEC",
    "SLOW_WALK",
    "TRANSIT",
    "WALK",
    "Decay",
    "Finding",
    "InputError",
    "NetworkError",
    "Profile",
    "Result",
    "Rides",
    "SiteMap",
    "SiteplanError",
    "SiteplanWarning",
    "StreetNetwork",
    "Study",
    "StudyError",
    "Timetable",
    "added",
    "cell_access",
    "check",
    "coverage",
    "decayed_reach",
    "isochrones",
    "link",
    "overlap",
    "place_people",
    "propose_sites",
    "reach",
    "reach_totals",
    "read_area",
    "read_population",
    "read_sites",
    "read_streets",
    "read_study",
    "read_times",
    "read_transit",
    "run",
    "score_sites",
    "site_map",
    "to_networkx",
    "travel_times",
    "write_sample",
]

# Where each name lives: a name is loaded when it is first used (PEP 562), so that `import siteplan` costs nothing.
_HOMES = {
    "analysis.access": ("cell_access",),
    "analysis.reach": ("Decay", "added", "coverage", "decayed_reach", "overlap", "reach"),
    "analysis.score": ("score_sites",),
    "config": ("BIKE", "PEDELEC", "SLOW_WALK", "TRANSIT", "WALK", "Profile", "Rides", "Study"),
    "contours": ("isochrones",),
    "errors": ("InputError", "NetworkError", "SiteplanError", "SiteplanWarning", "StudyError"),
    "inputs.area": ("read_area",),
    "inputs.candidates": ("propose_sites",),
    "inputs.population": ("read_population",),
    "inputs.sites": ("read_sites",),
    "inputs.times": ("read_times",),
    "network.exchange": ("to_networkx",),
    "network.people": ("place_people",),
    "network.snapping": ("link",),
    "network.streets": ("StreetNetwork", "read_streets"),
    "network.transit": ("Timetable", "read_transit"),
    "output.maps": ("SiteMap", "site_map"),
    "samples": ("write_sample",),
    "study": ("Finding", "Result", "check", "read_study", "run"),
    "times": ("reach_totals", "travel_times"),
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
