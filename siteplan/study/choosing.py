"""Which sites to open together, as a study asks it."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from siteplan.analysis.coverage import by_way, openings_of
from siteplan.analysis.criteria import unmet_requirements
from siteplan.analysis.equity import OUTSIDE
from siteplan.catalogue import BEST
from siteplan.config import Question, Study
from siteplan.errors import Key, StudyError, keys_named
from siteplan.publics import with_homes
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.siting.choose import choose_sites
from siteplan.siting.frontier import budget_steps, cost_frontier
from siteplan.siting.phases import coverage_curve, deploy, least_needed
from siteplan.siting.possible import refuse_impossible
from siteplan.study.load import StudyData
from siteplan.study.measured import known_columns

__all__ = [
    "able_sites",
    "best_set",
    "by_cell",
    "by_point",
    "check_choose",
    "chosen",
    "covered",
    "frontier",
    "limited_question",
]

MOST = 20  # sites on the curve, at least
CONDITIONS = ("budget", "phase_budgets", "capacities", "spacing_m", "floors", "quotas")  # that the curve knows not of


def chosen(
    study: Study, reach: Reach, sites: pd.DataFrame, communes: pd.Series | None = None
) -> tuple[Choice | None, dict[str, pd.DataFrame]]:
    """Choose the sites that a study asks for, and return the choice and its tables; nothing where it asks for none.

    `communes` names the commune of every point.

    Raises
    ------
    StudyError
        What cannot be met, with the nearest thing that can.
    """
    if study.choose is None:
        return None, {}
    choice = best_set(study, study.choose, reach, sites, communes=communes)
    # Who has a site is told of all sites, whether they may be chosen or not.
    ways = covered(study, reach, sites, list(choice.sites.index))
    asked, sites = limited_question(study, study.choose), able_sites(study, sites)
    tables: dict[str, pd.DataFrame] = {}
    with keys_named(lambda key: f"choose.{key}"):
        if asked.least_regret and choice.phases is not None:
            told = {name: choice.phases.attrs[name] for name in ("regret", "regret_bound")}
            choice = replace(choice, phases=choice.phases.assign(**told))
        if asked.goal.grows:
            choice = replace(choice, curve=_curve(asked, reach, sites, choice))
        if asked.goal.search == "most" and (sites["status"] == "existing").any():
            tables["least_needed"] = least_needed(reach, None, sites, asked)
    further = {"phases": choice.phases, "curve": choice.curve}
    tables |= {name: table for name, table in further.items() if table is not None}
    choice = replace(choice, assignment=with_homes(choice.assignment, reach.people), coverage=ways)
    tables |= {"choice": choice.sites, "rejected": choice.rejected, "assignment": choice.assignment}
    return choice, tables | {"coverage": ways}


def best_set(
    study: Study, question: Question, reach: Reach, sites: pd.DataFrame, *, communes: pd.Series | None
) -> Choice:
    """Search the sites that a study asks for, without what else is told of them; parameters and errors as `chosen`."""
    asked, sites = limited_question(study, question), able_sites(study, sites)
    with keys_named(lambda key: f"choose.{key}"):
        _refuse_communes(asked, communes)
        search = deploy if asked.phases or asked.phase_budgets else choose_sites
        return search(reach, None, sites, asked, territory=communes)


def covered(study: Study, reach: Reach, sites: pd.DataFrame, opened: Sequence[str] = ()) -> pd.DataFrame:
    """Count who has an open site by each mode, within the limits of the study and of its choice."""
    asked, limits = study.choose, {mode: {*study.travel.limits_of(mode)} for mode in reach.names}
    if asked is not None and asked.goal.limited:
        limit = asked.limit(study.travel.longest(asked.mode or BEST))
        for own in limits.values():
            if not study.travel.own or limit <= max(own):  # no mode is travelled for longer than it is counted
                own.add(limit)
    told = {mode: sorted(own) for mode, own in limits.items()}
    return by_way(reach, openings_of(sites, reach, opened), told, groups=study.groups)


def frontier(
    study: Study, reach: Reach, sites: pd.DataFrame, choice: Choice | None, *, communes: pd.Series | None = None
) -> dict[str, pd.DataFrame]:
    """Return what so much money buys, up to what the choice costs and a little more; nothing where that is not asked.

    Raises
    ------
    InputError
        As `choose_sites`.
    """
    if study.choose is None or choice is None:
        return {}
    budgets = budget_steps(float(choice.summary["cost"]), study.choose.frontier)
    if not budgets:
        return {}
    with keys_named(lambda key: f"choose.{key}"):
        table = cost_frontier(
            reach, able_sites(study, sites), limited_question(study, study.choose), budgets, territory=communes
        )
    return {"frontier": table}


def limited_question(study: Study, question: Question) -> Question:
    """Return the question in the words of `choose_sites`, with the limit of the study where it has none of its own."""
    asked = _asked(question)
    if not asked.goal.limited:
        return asked
    return asked.model_copy(update={study.travel.unit: asked.limit(study.travel.longest(question.mode or BEST))})


def able_sites(study: Study, sites: pd.DataFrame) -> pd.DataFrame:
    """Return the sites as a choice sees them.

    Candidates that do not meet the requirements of the study's criteria are excluded; where capacities count desks,
    they are how many people these serve.
    """
    if study.criteria is not None and study.criteria.require:
        asked = {name: each for name, each in study.criteria.require.items() if name in sites}
        unmet = unmet_requirements(pd.DataFrame(sites), asked) != ""
        barred = unmet & (sites["status"] == "candidate")
        sites = sites.assign(status=sites["status"].mask(barred, "excluded"))
    if study.choose is None or study.choose.capacities != "desks":
        return sites
    return sites.assign(capacity=sites["capacity"] / desks_per_person(study))


def check_choose(study: Study, sites: pd.DataFrame) -> None:
    """Refuse a choice that no set of these sites can be, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Why, and the nearest that there can be.
    """
    if study.choose is not None:
        with keys_named(lambda key: f"choose.{key}"):
            later = [name for name in known_columns(study) if name not in sites]  # measured when all is checked
            quotas = tuple(quota for quota in study.choose.quotas if quota.column not in later)
            refuse_impossible(able_sites(study, sites), _asked(study.choose.model_copy(update={"quotas": quotas})))


def _asked(question: Question) -> Question:
    """Return the question in the words of `choose_sites`, which knows of no desks."""
    return question.model_copy(update={"capacities": bool(question.capacities)})


def desks_per_person(study: Study) -> float:
    """Return the desks that each person of the demand's group needs, at the largest uptake that a study names."""
    asked = study.demand
    assert asked is not None  # noqa: S101 - the study was refused without
    return asked.teleworkable * max(asked.uptake) * asked.days / 5 * asked.fullest / asked.occupancy


def _curve(asked: Question, reach: Reach, sites: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Return whom so many sites cover, opened one by one, the existing and required ones first; conditions aside."""
    curve, knee = coverage_curve(reach, None, sites, asked)
    curve = curve.rename_axis("sites").rename(columns={"value": "covered", "site": "opens"})
    curve = curve.assign(knee=curve.index == knee).loc[: max(MOST, 2 * len(choice.sites), knee)]
    if choice.phases is None:
        proven = {len(choice.sites): choice.bound}
    else:
        proven = dict(zip(choice.phases["count"], choice.phases["bound"], strict=True))
    bare = not any(getattr(asked, name) for name in CONDITIONS)
    for count, bound in proven.items() if bare else ():  # no fewer sites cover more than that
        curve.loc[:count, "bound"] = curve.loc[:count, "bound"].clip(upper=bound)
    return curve


def by_point(data: StudyData, reach: Reach) -> pd.Series | None:
    """Return the name of the commune of each point of the reach, NaN in none of them; None without communes."""
    return by_cell(data.cell_communes, reach)


def by_cell(communes: pd.Series | None, reach: Reach) -> pd.Series | None:
    """Return the same of the names of communes by cell."""
    return None if communes is None else reach.people.cell.map(communes.where(communes != OUTSIDE))


def _refuse_communes(asked: Question, communes: pd.Series | None) -> None:
    """Refuse floors of communes that the study does not have."""
    if isinstance(asked.floors, dict) and communes is not None:
        names = set(communes.dropna())
        unknown = sorted(set(asked.floors) - names, key=str)
        if unknown:
            known = ", ".join(sorted(names))
            raise StudyError(Key(f"floors.{unknown[0]}"), f": no such commune; expected any of {known}")
