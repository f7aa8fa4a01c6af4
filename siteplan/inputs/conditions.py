"""Access that depends on the hour: judged for one moment, by default an ordinary working morning."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

__all__ = ["MORNING", "SUFFIX", "judged"]

MORNING = datetime(2026, 3, 10, 8, 30)  # a Tuesday outside of holidays and winter, when people are on their way to work
SUFFIX = ":conditional"
CLAUSE = re.compile(r"\s*([^@;()]+?)\s*@\s*(\([^)]*\)|[^;]*?)\s*(?:;|$)")


def judged(tags: Mapping[str, str], when: datetime = MORNING) -> dict[str, str]:
    """Return tags in which `foot:conditional=no @ (22:00-07:00)` and the like have become what holds then.

    Of several clauses the last that holds counts, as OpenStreetMap has it. Conditions that are no hours (weather,
    weight, permits) are passed over: what holds without them stays.
    """
    plain = {key: value for key, value in tags.items() if not key.endswith(SUFFIX)}
    for key, value in tags.items():
        if key.endswith(SUFFIX):
            holding = [kind for kind, hours in CLAUSE.findall(value) if _holds(hours.strip("() "), when)]
            plain |= {key.removesuffix(SUFFIX): holding[-1]} if holding else {}
    return plain


@lru_cache(maxsize=10_000)
def _holds(hours: str, when: datetime) -> bool:
    try:
        return bool(OpeningHours(hours).is_open(when))
    except ParserError:  # no hours
        return False
