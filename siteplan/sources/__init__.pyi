"""The names for those who want one kind of input from Python; `siteplan.fetch` wants them all."""

from .area import Area as Area
from .broadband import get_broadband as get_broadband
from .communes import get_communes as get_communes
from .downloads import Downloads as Downloads
from .extracts import get_candidates as get_candidates, get_extract as get_extract
from .flows import get_flows as get_flows
from .places import find_places as find_places, places_meant as places_meant
from .population import get_population as get_population
from .source import Got as Got, Source as Source, best_sources as best_sources
from .terrain import get_terrain as get_terrain
from .timetables import get_timetables as get_timetables
from .workplaces import get_workplaces as get_workplaces
