"""Coverage by every mode, side by side, as terminal and report tell it."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import BEST, PEOPLE, mode_order
from siteplan.config import Public
from siteplan.units import Unit
from siteplan.words import Words

__all__ = [
    "HILLY",
    "at_limit",
    "counted",
    "cycles",
    "limits_of",
    "limits_told",
    "nearly_cycling",
    "planned_of",
    "public_name",
    "rows_at",
    "terrain_told",
    "up_to",
    "way_name",
]

HILLY = 0.1  # of the length of streets is steep
NEARLY = 0.95  # of those whom the best mode brings to a site, by bicycle
OTHERWISE = 0.9  # of the same, by another mode: then it is not the bicycle that decides


def at_limit(table: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Keep of a table, as `by_way` gives it, the rows of one limit a mode: the largest up to a limit, if there is one.

    The modes are as a reader expects them, the best of them last.
    """
    at = {mode: position for position, mode in enumerate(limits_of(table, limit))}
    return rows_at(table, limit).sort_values("mode", key=lambda modes: modes.astype(str).map(at), kind="stable")


def rows_at(table: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Keep the same rows as `at_limit` does, of any table with modes and limits, in their order."""
    return table[table[_unit(table)] == table["mode"].astype(str).map(limits_of(table, limit))]


def limits_of(table: pd.DataFrame, limit: float) -> dict[str, float]:
    """Give the limit of each mode that `at_limit` keeps."""
    found = {}
    for mode in sorted(dict.fromkeys(table["mode"].astype(str)), key=mode_order):
        known = table.loc[table["mode"].astype(str) == mode, _unit(table)].astype(float).unique()
        found[mode] = up_to(known, limit)
    return found


def up_to(known: Iterable[float], limit: float) -> float:
    """Give the largest of some limits up to another, or the least of them where all are larger."""
    limits = sorted(known)
    return max((each for each in limits if each <= limit), default=limits[0])


def counted(
    table: pd.DataFrame, opening: str, mode: str, *, group: str = PEOPLE, public: str = TOTAL
) -> tuple[float, float]:
    """Give who is covered, of how many, from a table of one limit a mode; missing where the table does not tell."""
    keys = {"open": opening, "mode": mode, "group": group, "public": public}
    of = [table[name].astype(str).to_numpy(dtype=object) == value for name, value in keys.items()]
    (rows,) = np.logical_and.reduce(of).nonzero()
    if not len(rows):
        return math.nan, math.nan
    covered, people = table[["covered", "people"]].to_numpy(dtype=float)[rows[0]]
    return float(covered), float(people)


def cycles(profile: Mapping[str, Any]) -> bool:
    """Tell whether a mode, as the study describes it, is for those who cycle, be it to a stop."""
    to_stops = profile.get("home") or profile.get("walk")  # of public transport
    return (to_stops if isinstance(to_stops, Mapping) else profile).get("rules") == "bike"


def terrain_told(manifest: Mapping[str, Any], words: Words) -> str:
    """Say where land is steep, or that no terrain was given to tell; nothing where no times were searched."""
    inputs = manifest.get("inputs", {})
    if "inputs.streets" not in inputs or "inputs.times" in inputs:
        return ""
    if "inputs.elevation" not in inputs:
        return words["terrain_none"]
    steep = float(inputs["inputs.elevation"].get("steep") or 0.0)
    return words.text("terrain_steep", share=words.share(steep)) if steep >= HILLY else ""


def idle_lines(rows: pd.DataFrame, study: Mapping[str, Any], rides: Collection[str], words: Words) -> Iterator[str]:
    """Say which scenarios change lines, and yet bring nobody to a site, or away from one, by public transport.

    `rows` are those of `scenarios.csv`, `study` is what the manifest says was asked.
    """
    if not {"scenario", "mode", "minutes", "gained", "lost"} <= set(rows) or rows.empty:
        return
    ridden = rows[rows["mode"].astype(str).isin(rides)]
    options = {name: each for axis in (study.get("matrix") or {}).values() for name, each in axis.items()}
    asked = {**options, **(study.get("scenarios") or {})}
    for name in dict.fromkeys(ridden["scenario"].astype(str)):
        parts = [name] if name in (study.get("scenarios") or {}) else name.split(", ")
        part = ridden[ridden["scenario"].astype(str) == name]
        idle = ((part["gained"].round() == 0) & (part["lost"].round() == 0)).all()
        if idle and any((asked.get(each) or {}).get("lines") for each in parts):
            yield words.text("idle_lines", name=name, minutes=float(part["minutes"].max()))


def limits_told(limits: Sequence[float], own: Mapping[str, Sequence[float]], words: Words) -> str:
    """List the limits; where each mode has its own, mode by mode."""
    if not own:
        return words.listed(map(words.number, limits))
    told = (f"{words.mode(mode)} {words.listed(map(words.number, own[mode]))}" for mode in sorted(own, key=mode_order))
    return words["semicolon"].join(told)


def planned_of(table: pd.DataFrame) -> str:
    """Name what is told most of: the chosen sites or, where none are chosen, all."""
    known = list(dict.fromkeys(table["open"].astype(str)))
    return "chosen" if "chosen" in known else known[-1]


def nearly_cycling(table: pd.DataFrame, wheels: Collection[str], words: Words) -> str:
    """Say where the best of all modes is nearly the bicycle alone; nothing where it is not, or publics say who cycles.

    `table` has one limit a mode, as `at_limit` gives it; `wheels` are the modes of those who cycle.
    """
    modes = [mode for mode in dict.fromkeys(table["mode"].astype(str)) if mode != BEST]
    others = [mode for mode in modes if mode not in wheels]
    if len(others) in (0, len(modes)) or (table["public"].astype(str) != TOTAL).any():
        return ""
    opening = planned_of(table)
    best, _ = counted(table, opening, BEST)
    cycling, other = (
        max(counted(table, opening, mode)[0] for mode in some)
        for some in ([mode for mode in modes if mode in wheels], others)
    )
    if not best > 0 or cycling < NEARLY * best or other >= OTHERWISE * best:
        return ""
    told = {"best": words.count(best), "cycling": words.count(cycling), "share": words.share(cycling, best)}
    return words.text("nearly_cycling", **told, other=words.count(other))


def way_name(mode: str, words: Words, rides: Collection[str], publics: Sequence[Public] = ()) -> str:
    """Say by which way: rides with their walks, the best of all as together, and how many can, if not everybody."""
    if mode == BEST:
        return words["together"]
    name = words.text("with_walking", mode=words.mode(mode)) if mode in rides else words.mode(mode)
    cannot = sum(each.share_of(PEOPLE) for each in publics if not each.uses(mode))
    return words.text("way_of", way=name, share=words.share(1 - cannot)) if cannot > 0 else name


def public_name(name: str, titles: Mapping[str, str], words: Words) -> str:
    """Say who a public is."""
    return titles.get(words.language) or words.get(f"public_{name}", name)


def _unit(table: pd.DataFrame) -> Unit:
    return "metres" if "metres" in table and "minutes" not in table else "minutes"
