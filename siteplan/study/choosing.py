"""Which sites to open together, as a study asks it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siteplan.analysis.reach import Decay
from siteplan.config import Choose, Study
from siteplan.errors import StudyError
from siteplan.siting.choose import Choice, choose_sites
from siteplan.siting.problem import Quota
from siteplan.study.fairness import commune_names
from siteplan.study.load import Territory

__all__ = ["by_point", "chosen"]


def chosen(
    study: Study, times: pd.DataFrame, people: pd.DataFrame, sites: pd.DataFrame, communes: pd.Series | None = None
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
    choice = choose_sites(times, people, sites, count=asked.sites, budget=asked.budget, **question)
    return choice, {"choice": choice.sites, "rejected": choice.rejected, "assignment": choice.assignment}


def by_point(territory: Territory) -> pd.Series | None:
    """Return the name of the commune of each point; None without communes."""
    communes = commune_names(territory)
    return None if communes is None else territory.points["cell"].map(communes)


def _question(study: Study, asked: Choose, communes: pd.Series | None) -> Mapping[str, Any]:
    """Turn the keys of the study into the arguments of `choose_sites`."""
    if isinstance(asked.floors, dict) and communes is not None:
        unknown = sorted(set(asked.floors) - set(communes))
        if unknown:
            known = ", ".join(sorted(set(communes)))
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
        "capacities": asked.capacities,
        "spacing": asked.spacing_m,
        "territory": communes if asked.floors is not None else None,
        "floors": asked.floors,
        "seconds": asked.seconds,
        "quotas": [Quota(**quota.model_dump()) for quota in asked.quotas],
    }
