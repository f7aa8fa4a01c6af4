"""Access that depends on the hour: judged for an ordinary working morning."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

__all__ = ["MORNING", "judged"]

MORNING = datetime(2026, 3, 10, 8, 30)  # a Tuesday outside of holidays and winter, when people are on their way to work
SUFFIX = ":conditional"
CLAUSE = re.compile(r"\s*([^@;()]+?)\s*@\s*(\([^)]*\)|[^;]*?)\s*(?:;|$)")


def judged(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags in which `foot:conditional=no @ (22:00-07:00)` and the like have become what holds in the morning.

    Of several clauses the last that holds counts, as OpenStreetMap has it. Conditions that are no hours (weather,
    weight, permits) are passed over: what holds without them stays.
    """
    plain = {key: value for key, value in tags.items() if not key.endswith(SUFFIX)}
    for key, value in tags.items():
        if key.endswith(SUFFIX):
            holding = [kind for kind, hours in CLAUSE.findall(value) if _holds(hours.strip("() "))]
            plain |= {key.removesuffix(SUFFIX): holding[-1]} if holding else {}
    return plain


@lru_cache(maxsize=10_000)
def _holds(hours: str) -> bool:
    try:
        return bool(OpeningHours(hours).is_open(MORNING))
    except ParserError:  # no hours
        return False
