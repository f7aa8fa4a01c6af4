"""Choosing sites at the command line: its options, and what they replace of a study file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from siteplan.errors import InputError
from siteplan.objectives import OBJECTIVES, Objective, objective_named, objective_names

__all__ = ["CHOICE", "set_aside", "typed_study"]

# The options of `choose` by the study key that they set.
CHOICE: dict[str, tuple[str, Any, str]] = {
    "choose.sites": ("--count -p", int, "How many sites are open in all, existing ones included."),
    "choose.budget": ("--budget", float, "What the new sites may cost together."),
    "choose.objective": ("--objective", str, f"{', '.join(objective_names())}. [coverage]"),
    "choose.share": ("--share", float, "Objective share: cover so many of those who can be covered. [1]"),
    "choose.minutes": ("--within", float, "The limit. [the largest of --minutes; p-median and p-center have none]"),
    "choose.metres": ("--within-metres", float, "The limit in metres. [the largest of --metres]"),
    "choose.mode": ("--by", str, "One of the modes, or best. [best]"),
    "choose.phases": ("--phases", str, "Open so many first, then so many, such as 3,5,10."),
}
# Keys that weigh minutes, which limits typed in metres leave behind.
IN_MINUTES = ("score.weights", "score.decay", "choose.minutes", "choose.penalty")
# Keys that say how many sites, of which those typed replace those of the file.
AMOUNTS = ("choose.sites", "choose.budget", "choose.phases", "choose.phase_budgets")
# Keys that some objectives alone know: another one that is typed leaves them behind.
OF_SOME = {f"choose.{key}": key for objective in OBJECTIVES for key in objective.keys}
UNKNOWN_TO: dict[str, Callable[[Objective], bool]] = {
    "choose.frontier": lambda objective: objective.search != "most",
    "choose.capacities": lambda objective: not objective.full,
}


def set_aside(path: Path | None, typed: Mapping[str, Any]) -> list[str]:
    """Name the keys of a study file that what is typed replaces: how many sites, and what fits not."""
    asks = any(key in CHOICE for key in typed)
    in_metres = "travel.metres" in typed or "choose.metres" in typed
    raw = typed_study(path) if asks or in_metres else {}
    if in_metres:
        timed = [
            key for key in IN_MINUTES if key not in typed and _section(raw, key.split(".")[0]).get(key.split(".")[1])
        ]
        return [*timed, *_of_choice(_section(raw, "choose"), typed)]
    return _of_choice(_section(raw, "choose"), typed)


def _of_choice(there: Mapping[str, Any], typed: Mapping[str, Any]) -> list[str]:
    if not any(key in CHOICE for key in typed):
        return []
    found = [key for key in (*AMOUNTS, "choose.least_regret", *UNKNOWN_TO, *OF_SOME) if there.get(key.split(".")[1])]
    return [key for key in found if key not in typed and _replaced(key, typed)]


def _replaced(key: str, typed: Mapping[str, Any]) -> bool:
    objective = objective_named(typed.get("choose.objective"))
    if key in OF_SOME:
        return objective is not None and OF_SOME[key] not in objective.keys
    if key in UNKNOWN_TO:
        return objective is not None and UNKNOWN_TO[key](objective)
    if key == "choose.least_regret" and typed.get("choose.phases"):
        return False
    finds = objective is not None and objective.search == "fewest"
    return finds or any(typed.get(amount) not in (None, "") for amount in AMOUNTS)


def typed_study(path: Path | None) -> Mapping[str, Any]:
    """Return what stands in a study file, if one is named; what is wrong with the file is said when it is read."""
    from siteplan.yamls import read_yaml

    if path is None:
        return {}
    try:
        raw = read_yaml(path, "a study file (YAML)")
    except InputError:
        return {}
    return raw if isinstance(raw, dict) else {}


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}
