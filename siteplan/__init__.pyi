"""Every public name, and where it lives: the one list of them, read when siteplan is imported."""

from .analysis.access import cell_access as cell_access
from .analysis.building import building_needs as building_needs
from .analysis.catchment import (
    E2SFCA_STEPS as E2SFCA_STEPS,
    Catchment as Catchment,
    catchment_access as catchment_access,
)
from .analysis.change import gained_lost as gained_lost
from .analysis.commuting import (
    Factor as Factor,
    commuting_saved as commuting_saved,
    distance_trips as distance_trips,
    flow_trips as flow_trips,
    read_factors as read_factors,
    tornado as tornado,
)
from .analysis.competition import huff_shares as huff_shares, net_gain as net_gain
from .analysis.criteria import Judgement as Judgement, judge_sites as judge_sites
from .analysis.demand import (
    UPTAKES as UPTAKES,
    DeskNeed as DeskNeed,
    chance_of_no_desk as chance_of_no_desk,
    desk_table as desk_table,
    desks_for_chance as desks_for_chance,
    share_desks as share_desks,
    weekdays as weekdays,
)
from .analysis.equity import (
    access_shares as access_shares,
    cell_territories as cell_territories,
    inequality as inequality,
    shortfall as shortfall,
    sites_in_reach as sites_in_reach,
)
from .analysis.indices import (
    concentration as concentration,
    fgt as fgt,
    gini as gini,
    palma as palma,
    theil as theil,
)
from .analysis.observed import (
    UptakeFit as UptakeFit,
    fit_uptake as fit_uptake,
    foretell_left_out as foretell_left_out,
)
from .analysis.places import without_access as without_access
from .analysis.reach import (
    added as added,
    coverage as coverage,
    decayed_reach as decayed_reach,
    overlap as overlap,
    reach as reach,
)
from .analysis.score import score_sites as score_sites
from .analysis.sharing import (
    SharedSpaces as SharedSpaces,
    erlang_b as erlang_b,
    share_spaces as share_spaces,
    usual_uses as usual_uses,
)
from .analysis.together import (
    commune_gains as commune_gains,
    core_breach as core_breach,
    shapley_value as shapley_value,
    share_money as share_money,
)
from .analysis.urbanisation import (
    DEGREES as DEGREES,
    degree_of_urbanisation as degree_of_urbanisation,
    territory_degrees as territory_degrees,
)
from .config import (
    BIKE as BIKE,
    CALM as CALM,
    PEDELEC as PEDELEC,
    SLOW_WALK as SLOW_WALK,
    TRANSIT as TRANSIT,
    WALK as WALK,
    Decay as Decay,
    Profile as Profile,
    Public as Public,
    Question as Question,
    Quota as Quota,
    Rides as Rides,
    Study as Study,
)
from .contours import isochrones as isochrones
from .errors import (
    FetchError as FetchError,
    InputError as InputError,
    NetworkError as NetworkError,
    SiteplanError as SiteplanError,
    SiteplanWarning as SiteplanWarning,
    StudyError as StudyError,
    WorkerError as WorkerError,
)
from .inputs.area import read_area as read_area
from .inputs.candidates import propose_sites as propose_sites
from .inputs.flows import read_flows as read_flows
from .inputs.population import read_population as read_population
from .inputs.sites import read_sites as read_sites
from .inputs.times import read_times as read_times
from .itineraries import (
    Itinerary as Itinerary,
    describe as describe,
    itinerary as itinerary,
)
from .lines import SiteLines as SiteLines, site_lines as site_lines
from .network.exchange import to_networkx as to_networkx
from .network.people import place_people as place_people
from .network.snapping import link as link
from .network.streets import StreetNetwork as StreetNetwork, read_streets as read_streets
from .network.transit import Timetable as Timetable, read_transit as read_transit
from .output.maps import SiteMap as SiteMap, site_map as site_map
from .output.rasters import write_minutes as write_minutes
from .output.report import render_report as render_report, write_report as write_report
from .output.result import Result as Result
from .publics import by_public as by_public
from .reachable import Reach as Reach
from .samples import write_sample as write_sample
from .siting.alone import least_costs as least_costs
from .siting.choice import Choice as Choice
from .siting.choose import choose_sites as choose_sites
from .siting.phases import coverage_curve as coverage_curve, deploy as deploy, least_needed as least_needed
from .study import (
    Finding as Finding,
    Territories as Territories,
    check as check,
    compare as compare,
    compare_scenarios as compare_scenarios,
    fetch as fetch,
    read_study as read_study,
    run as run,
    run_each as run_each,
)
from .times import reach_totals as reach_totals, travel_times as travel_times
from .workers import Workers as Workers

__version__: str
