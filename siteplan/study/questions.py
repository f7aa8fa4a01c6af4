"""The further questions of a study, each checked and answered by the module that is called like its key."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import pandas as pd

from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.study.choosing import check_choose
from siteplan.study.criteria import check_weights
from siteplan.study.load import StudyData
from siteplan.study.situation import Answer, Situation

__all__ = ["answer_of", "answers", "check_questions"]


def answer_of(key: str) -> Answer[Any]:
    """Return how the question of a key is answered: what its module calls `ANSWER`."""
    found = import_module(f"siteplan.study.{key}").ANSWER
    assert isinstance(found, Answer)  # noqa: S101 - the module is the program's own
    return found


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
    check_choose(study, data.sites)
    for key, asked in study.asked.items():
        answer_of(key).check(study, asked, data)


def answers(here: Situation, *, of_scenarios: bool = False) -> dict[str, pd.DataFrame]:
    """Answer all further questions of a study, by the name of the table, or those that its scenarios answer, too."""
    asked = {key: each for key, each in here.study.asked.items() if answer_of(key).of_scenarios or not of_scenarios}
    found: dict[str, Mapping[str, pd.DataFrame]] = {}

    def answer(key: str) -> None:
        how = answer_of(key)
        for other in how.after:
            if other in asked and other not in found:
                answer(other)
        told = {name: table for tables in found.values() for name, table in tables.items()}
        found[key] = how.tables(asked[key], replace(here, told=told))

    for key in asked:
        if key not in found:
            answer(key)
    return {name: table for key in asked for name, table in found[key].items()}
