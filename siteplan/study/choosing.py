"""Which sites to open together, as a study asks it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from siteplan.analysis.equity import OUTSIDE
from siteplan.analysis.reach import Decay
from siteplan.config import Choose, Study
from siteplan.errors import StudyError
from siteplan.reachable import Reach
from siteplan.siting.choose import Choice, choose_sites
from siteplan.siting.phases import coverage_curve, deploy, least_needed
from siteplan.siting.problem import Quota
from siteplan.study.fairness import commune_names
from siteplan.study.load import Territory

__all__ = ["by_point", "chosen"]

NEEDED = ("coverage", "median", "backup", "gravity")  # objectives that tell what closing a site loses
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
    asked = study.choose
    if asked is None:
        return None, {}
    question = _question(study, asked, communes)
    if asked.capacities == "desks":
        sites = sites.assign(capacity=sites["capacity"] / desks_per_person(study))
    tables: dict[str, pd.DataFrame] = {}
    if asked.phases or asked.phase_budgets:
        choice = _in_phases(asked, reach, sites, question)
    else:
        choice = choose_sites(reach, None, sites, count=asked.sites, budget=asked.budget, **question)
    if asked.objective in ("coverage", "gravity"):
        choice = replace(choice, curve=_curve(asked, reach, sites, question, choice))
    if asked.objective in NEEDED and (sites["status"] == "existing").any():
        about = {
            name: question[name] for name in ("objective", "minutes", "mode", "group", "decay", "penalty", "backup")
        }
        tables["least_needed"] = least_needed(reach, None, sites, **about)
    told = {"phases": choice.phases, "curve": choice.curve}
    tables |= {name: table for name, table in told.items() if table is not None}
    return choice, tables | {"choice": choice.sites, "rejected": choice.rejected, "assignment": choice.assignment}


def _in_phases(asked: Choose, reach: Reach, sites: pd.DataFrame, question: Mapping[str, Any]) -> Choice:
    """Choose the sites of each phase; the choice is what is open after the last."""
    free = {name: value for name, value in question.items() if name != "share"}
    nested: Literal["best", "least"] = "least" if asked.least_regret else "best"
    choice = deploy(reach, None, sites, counts=asked.phases, budgets=asked.phase_budgets or None, nested=nested, **free)
    phases = choice.phases
    if asked.least_regret and phases is not None:
        phases = phases.assign(**{name: phases.attrs[name] for name in ("regret", "regret_bound")})
    return replace(choice, phases=phases)


def desks_per_person(study: Study) -> float:
    """Return the desks that each person of the demand's group needs, at the largest uptake that a study names."""
    asked = study.demand
    assert asked is not None  # noqa: S101 - the study was refused without
    return asked.teleworkable * max(asked.uptake) * asked.days / 5 * asked.fullest / asked.occupancy


def _curve(
    asked: Choose,
    reach: Reach,
    sites: pd.DataFrame,
    question: Mapping[str, Any],
    choice: Choice,
) -> pd.DataFrame:
    """Return whom so many sites cover, opened one by one, the existing and required ones first; conditions aside."""
    plain = {name: question[name] for name in ("objective", "minutes", "mode", "group", "decay")}
    curve, knee = coverage_curve(reach, None, sites, **plain)
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


def by_point(territory: Territory) -> pd.Series | None:
    """Return the name of the commune of each point, NaN in none of them; None without communes."""
    communes = commune_names(territory)
    return None if communes is None else territory.points["cell"].map(communes.where(communes != OUTSIDE))


def _question(study: Study, asked: Choose, communes: pd.Series | None) -> Mapping[str, Any]:
    """Turn the keys of the study into the arguments of `choose_sites`."""
    if isinstance(asked.floors, dict) and communes is not None:
        names = set(communes.dropna())
        unknown = sorted(set(asked.floors) - names)
        if unknown:
            known = ", ".join(sorted(names))
            raise StudyError(f"choose.floors.{unknown[0]}: no such commune; expected any of {known}")
    return {
        "objective": asked.objective,
        "minutes": asked.minutes or max(study.travel.minutes),
        "mode": asked.mode or None,
        "group": asked.group,
        "share": asked.share,
        "penalty": asked.penalty,
        "backup": asked.backup,
        "decay": None if asked.decay is None else Decay(**asked.decay.model_dump()).weights,
        "capacities": bool(asked.capacities),
        "spacing": asked.spacing_m,
        "territory": communes,
        "floors": asked.floors,
        "seconds": asked.seconds,
        "quotas": [Quota(**quota.model_dump()) for quota in asked.quotas],
    }
