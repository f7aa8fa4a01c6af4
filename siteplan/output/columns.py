"""What the columns of a score table mean, read from their names."""

import re
from dataclasses import dataclass

import pandas as pd

__all__ = ["Measure", "measures", "mode_order", "speeds"]

MODES = ("walk", "slow_walk", "bike", "pedelec", "transit")  # as a reader expects them; others follow, then `best`

_NAME = re.compile(r"(?P<kind>unique_|added_)?(?P<rest>.+)_(?P<minutes>\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Measure:
    """One counted column: how many of whom, by which mode, within how many minutes."""

    column: str
    kind: str
    """reached, unique (by no other site) or added (to what existing sites reach)"""
    subject: str
    """people, or the name of a group"""
    mode: str
    minutes: float


def mode_order(mode: str) -> tuple[int, str]:
    """Give the key that sorts modes for a reader: the slower first, `best` last."""
    if mode in MODES:
        return MODES.index(mode), mode
    return len(MODES) + (mode == "best"), mode


def speeds(scores: pd.DataFrame) -> dict[str, float]:
    """Give the speed of each mode, in km/h, from the columns `<mode>_kmh`."""
    columns = [str(name) for name in scores if str(name).endswith("_kmh")]
    return {name.removesuffix("_kmh"): float(scores[name].iloc[0]) for name in columns if len(scores)}


def measures(scores: pd.DataFrame) -> list[Measure]:
    """List the counted columns of a score table, in its order.

    A counted column is called `people_<mode>_<minutes>`, `unique_<mode>_<minutes>` or `added_<mode>_<minutes>`;
    for a group `<group>_<mode>_<minutes>`, `unique_<group>_<mode>_<minutes>` and so on. The modes are those that
    have a speed, and `best`; where no speed is known, those of the columns of people. Both a group and a mode may
    hold underscores: the longest mode wins.
    """
    modes = sorted(_modes([str(name) for name in scores]), key=lambda mode: (-len(mode), mode))
    found = (_measure(str(name), modes) for name in scores)
    return [measure for measure in found if measure is not None]


def _modes(columns: list[str]) -> set[str]:
    known = {name.removesuffix("_kmh") for name in columns if name.endswith("_kmh")}
    of_people = {name.removeprefix("people_").rpartition("_")[0] for name in columns if name.startswith("people_")}
    return {"best", *(known or of_people)}


def _measure(column: str, modes: list[str]) -> Measure | None:
    match = _NAME.fullmatch(column)
    if match is None:
        return None
    for mode in modes:
        if match["rest"] == mode and match["kind"]:
            return Measure(column, match["kind"][:-1], "people", mode, float(match["minutes"]))
        subject = match["rest"].removesuffix(f"_{mode}")
        if subject != match["rest"] and subject:
            kind = (match["kind"] or "reached_")[:-1]
            return Measure(column, kind, subject, mode, float(match["minutes"]))
    return None
