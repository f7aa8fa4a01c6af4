"""What the page says in short of a study's further questions, and of doubtful sites: as the report does."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from siteplan.output.outcome import Outcome
from siteplan.words import half_up

__all__ = ["doubt_data", "topic_data"]


def topic_data(result: Outcome, languages: Mapping[str, object]) -> dict[str, list[dict[str, Any]]]:
    """Give by language the questions that the report answers, each with its title, a few sentences and one picture."""
    return {language: list(_topics(result, language)) for language in languages}


def _topics(result: Outcome, language: str) -> Iterator[dict[str, Any]]:
    # The report draws maps itself, so that it stands behind the module of the page.
    from siteplan.output.report.account import Account
    from siteplan.output.report.building import building_brief
    from siteplan.output.report.criteria import competition_brief, criteria_brief
    from siteplan.output.report.observed import observed_brief
    from siteplan.output.report.pictures import frontier_brief
    from siteplan.output.report.sharing import spaces_brief
    from siteplan.output.report.together import together_brief

    makers = {
        "frontier": frontier_brief,
        "criteria": criteria_brief,
        "competition": competition_brief,
        "spaces": spaces_brief,
        "together": together_brief,
        "building": building_brief,
        "observed_sites": observed_brief,
    }
    asked = {name: make for name, make in makers.items() if result.table(name) is not None}
    if not asked:
        return
    account = Account.of(result, language)
    for make in asked.values():
        brief = make(account)
        if brief is not None:
            yield {"title": account.words[brief.key], **asdict(brief)}


def doubt_data(doubts: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Give by site what may explain that it reaches far fewer people than those beside it."""
    found = {}
    for row in [] if doubts is None else doubts.to_dict("records"):
        told: dict[str, Any] = {str(name): None if _missing(value) else value for name, value in row.items()}
        for name in ("people", "usual", "off_m", "straight_m", "way_m"):
            told[name] = None if told[name] is None else half_up(float(told[name]))
        found[str(told.pop("site"))] = told
    return found


def _missing(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))
