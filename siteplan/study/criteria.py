"""Sites judged by more than whom they reach: what a study asks, answered, and weighed against people in its choice."""

import numpy as np
import pandas as pd

from siteplan.analysis.criteria import Judgement, judge_sites, unmet_requirements
from siteplan.config import Study
from siteplan.config.criteria import Criteria
from siteplan.errors import InputError, StudyError, keys_named, suggested, warn
from siteplan.siting.tradeoff import criteria_frontier
from siteplan.study.choosing import able_sites, by_point, limited_question
from siteplan.study.load import StudyData
from siteplan.study.measured import known_columns, refuse_unknown, site_columns
from siteplan.study.situation import Answer, Situation

__all__ = ["check_criteria", "check_weights", "criteria_tables"]


def check_weights(study: Study, data: StudyData) -> None:
    """Refuse weights of columns that there are not, before anything is computed.

    Raises
    ------
    StudyError
        Naming the column.
    """
    refuse_unknown(study, "score.weights", study.score.weights, data.all_sites)
    if study.score.weights.get("cost", 0.0) > 0:
        warn("score.weights.cost: dearer sites score higher; give a weight below 0 where costs count against a site")


def check_criteria(study: Study, asked: Criteria, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the column: one that there is not, a value that is no number.
    """
    sites = data.sites
    refuse_unknown(study, "criteria.columns", asked.columns, data.all_sites)
    own = [str(name) for name in sites if name != sites.geometry.name]
    known = [*own, *known_columns(study)]
    for column in asked.require:
        if column not in known:
            likely = suggested(column, known)
            raise StudyError(f"criteria.require.{column}: no such column of the sites; expected {likely}")
    given = {name: each for name, each in asked.columns.items() if name in own and each.weight}
    require = {name: each for name, each in asked.require.items() if name in own}
    try:
        if given:
            judge_sites(site_columns(sites, given), given, draws=1)
        unmet_requirements(pd.DataFrame(sites), require)
    except (InputError, StudyError) as error:
        raise type(error)(str(error).replace("criteria:", "criteria.columns:", 1)) from None


def _judged(asked: Criteria, data: StudyData, scores: pd.DataFrame) -> Judgement:
    """Judge sites; `scores` are what each reaches, by site."""
    sites = data.sites
    table = site_columns(sites, [*asked.columns, *asked.require])
    table = table.join(scores[[name for name in asked.columns if name in scores and name not in table]])
    if asked.among == "candidates":
        table = table[(sites["status"] == "candidate").to_numpy()]
    found = judge_sites(table, asked.columns, require=asked.require, draws=asked.draws, seed=asked.seed)
    lacking = found.sites[(found.sites["unknown"] != "") & (found.sites["unmet"] == "")]
    if len(lacking):
        warn(
            f"criteria: {len(lacking):,} sites are not judged, as something is not known of them, first "
            f"'{lacking.index[0]}' ({lacking['unknown'].iloc[0]})"
        )
    return found


def criteria_tables(asked: Criteria, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer which sites are worth most: `criteria`, `criteria_parts` (by criterion), `weights` (how sure that is).

    And, where sites are chosen, `criteria_frontier`: people against criteria.
    """
    data = here.data
    found = _judged(asked, data, here.scores)
    about = data.sites.set_axis(data.sites.index.astype(str)).loc[found.sites.index.astype(str), ["name", "status"]]
    sites = found.sites.set_axis(found.sites.index.astype(str))
    table = about.join(sites).rename_axis("site").reset_index()
    order = np.lexsort((np.arange(len(table)), table["weighted_rank"].astype(float).fillna(np.inf)))
    names = about["name"].astype(str).to_dict()
    weights = found.weights.reset_index()
    for column in ("below", "above", "without", "doubled"):
        weights[column] = [str(site) for site in weights[column]]
    weights.insert(1, "first", found.first or "")
    parts = found.parts.assign(name=found.parts["site"].map(names))
    return {
        "criteria": table.iloc[order].reset_index(drop=True),
        "criteria_parts": parts[["site", "name", "criterion", "value", "scaled", "part"]],
        "weights": weights,
        **_traded(asked, here, found),
    }


def _traded(asked: Criteria, here: Situation, found: Judgement) -> dict[str, pd.DataFrame]:
    """Return people against criteria: the sets that serve most, at rising means of the criteria; nothing if not asked.

    A site that is not judged counts 0.
    """
    study, choice = here.study, here.choice
    if not asked.frontier or choice is None or study.choose is None:
        return {}
    if study.choose.goal.search != "most":
        warn(f"criteria.frontier: not told, as objective {study.choose.goal.name} does not serve most people")
        return {}
    with keys_named(lambda key: f"choose.{key}"):
        table = criteria_frontier(
            here.reach,
            able_sites(study, here.data.sites),
            limited_question(study, study.choose),
            choice,
            figures=found.sites["weighted"].dropna(),
            steps=asked.frontier,
            territory=by_point(here.data, here.reach),
        )
    return {"criteria_frontier": table}


ANSWER = Answer(check_criteria, criteria_tables, of_scenarios=True)
