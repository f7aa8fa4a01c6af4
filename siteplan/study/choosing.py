"""Which sites to open together, as a study asks it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siteplan.analysis.reach import Decay
from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.siting.choose import Choice, choose_sites
from siteplan.siting.problem import Quota
from siteplan.study.fairness import commune_names
from siteplan.study.load import Territory

__all__ = ["chosen"]


def chosen(study: Study, territory: Territory, times: pd.DataFrame) -> tuple[Choice | None, dict[str, pd.DataFrame]]:
    """Choose the sites that a study asks for, and return the choice and its tables; nothing where it asks for none.

    Raises
    ------
    StudyError
        What cannot be met, with the nearest thing that can.
    """
    asked = study.choose
    if asked is None:
        return None, {}
    question = _question(study, territory)
    people, sites = territory.points, territory.sites
    choice = choose_sites(times, people, sites, count=asked.sites, budget=asked.budget, **question)
    return choice, {"choice": choice.sites, "rejected": choice.rejected, "assignment": choice.assignment}


def _question(study: Study, territory: Territory) -> Mapping[str, Any]:
    """Turn the keys of the study into the arguments of `choose_sites`."""
    asked = study.choose
    assert asked is not None  # noqa: S101 - looked at by the caller
    communes = commune_names(territory)
    by_point = None if communes is None else territory.points["cell"].map(communes)
    if isinstance(asked.floors, dict) and by_point is not None:
        unknown = sorted(set(asked.floors) - set(by_point))
        if unknown:
            raise StudyError(
                f"choose.floors.{unknown[0]}: no such commune; expected any of {', '.join(sorted(set(by_point)))}"
            )
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
        "territory": by_point if asked.floors is not None else None,
        "floors": asked.floors,
        "seconds": asked.seconds,
        "quotas": [Quota(**quota.model_dump()) for quota in asked.quotas],
    }
