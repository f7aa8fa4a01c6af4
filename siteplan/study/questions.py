"""The further questions of a study: who is left out, how big, what for, and how sure."""

from collections.abc import Mapping

import pandas as pd

from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.study.building import building_tables, check_buildings
from siteplan.study.cache import Cache
from siteplan.study.certainty import check_robustness, robustness_tables
from siteplan.study.choosing import check_choose
from siteplan.study.competition import check_competition, competition_tables
from siteplan.study.criteria import check_criteria, check_weights
from siteplan.study.fairness import Situation, check_fairness, fairness_tables
from siteplan.study.load import StudyData
from siteplan.study.observed import Learned, check_observed, observed_tables
from siteplan.study.sharing import check_sharing, sharing_tables
from siteplan.study.sizing import check_commuting, check_demand, commuting_tables, demand_tables
from siteplan.study.together import check_together, together_tables
from siteplan.study.travel import Progress

__all__ = ["answers", "check_questions"]


def check_questions(study: Study, data: StudyData) -> None:
    """Refuse questions that cannot be answered, after everything is read and before anything is computed.

    Raises
    ------
    StudyError, InputError
        One sentence: the key, what is wrong with it, and what was expected.
    """
    farthest = max(study.travel.limits)
    if study.output.isochrones and data.streets is not None and farthest > study.searched:
        raise StudyError(
            f"travel.minutes: found {farthest:g}, but isochrones are searched for {study.searched:g} minutes at most; "
            "leave them out (output.isochrones: false), or lower the limit"
        )
    check_weights(study, data)
    if study.criteria is not None:
        check_criteria(study, study.criteria, data)
    check_choose(study, data.sites)
    if study.fairness is not None:
        check_fairness(study, study.fairness, data)
    if study.demand is not None:
        check_demand(study, study.demand)
    if study.commuting is not None:
        check_commuting(study, study.commuting, data, study.demand)
    if study.sharing is not None:
        check_sharing(study, study.sharing, data)
    if study.observed is not None:
        check_observed(study, study.observed, data)
    if study.building is not None:
        check_buildings(study, study.building, data)
    if study.together is not None:
        check_together(study, study.together, data)
    if study.competition is not None:
        check_competition(study, study.competition, data)
    if study.robustness is not None:
        check_robustness(study, study.robustness, data)


def answers(
    here: Situation, cache: Cache, progress: Progress | None = None, *, weights: Mapping[str, float]
) -> dict[str, pd.DataFrame]:
    """Answer all further questions of a study, by the name of the table; nothing where it asks none.

    `weights` are what sites are ranked by.
    """
    study = here.study
    tables: dict[str, pd.DataFrame] = {}
    if study.fairness is not None:
        tables |= fairness_tables(study.fairness, here)
    told, learned = ({}, Learned()) if study.observed is None else observed_tables(study.observed, here)
    if study.demand is not None:
        asked = learned.block("demand", study.demand)
        tables |= demand_tables(asked, here, decay=learned.decay_of("demand"))
    if study.commuting is not None:
        trips, decay = learned.block("commuting", study.commuting), learned.decay_of("commuting")
        tables |= commuting_tables(trips, here, study.demand, decay=decay)
    if study.sharing is not None:
        tables |= sharing_tables(study.sharing, here, study.demand)
    tables |= told
    if study.building is not None:
        tables |= building_tables(study.building, here, tables)
    if study.together is not None:
        tables |= together_tables(study.together, here)
    if study.competition is not None:
        tables |= competition_tables(study.competition, here, progress)
    if study.robustness is not None:
        tables |= robustness_tables(study.robustness, here, cache, progress, weights=weights)
    return tables
