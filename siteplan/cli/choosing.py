"""Choosing sites at the command line: its options, what they replace of a study file, and errors in their words."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["CHOICE", "in_words_of_study", "set_aside"]

# The options of `choose` by the study key that they set.
CHOICE: dict[str, tuple[str, Any, str]] = {
    "choose.sites": ("--count -p", int, "How many sites are open in all, existing ones included."),
    "choose.budget": ("--budget", float, "What the new sites may cost together."),
    "choose.objective": ("--objective", str, "coverage, share, median, center, backup or gravity. [coverage]"),
    "choose.share": ("--share", float, "Objective share: cover so many of those who can be covered. [1]"),
    "choose.minutes": ("--within", float, "The limit. [the largest of --minutes]"),
    "choose.mode": ("--by", str, "One of the modes, or best. [best]"),
    "choose.phases": ("--phases", str, "Open so many first, then so many, such as 3,5,10."),
}
# Keys that say how many sites, of which those typed replace those of the file.
AMOUNTS = ("choose.sites", "choose.budget", "choose.phases", "choose.phase_budgets")
# Keys that one objective alone knows: another one that is typed leaves them behind.
OF_ONE = {"choose.share": "share", "choose.decay": "gravity"}
# What the functions that choose call their arguments, by the study's word; phases are counts or budgets.
ARGUMENTS = {
    **dict.fromkeys(("budget", "capacities", "decay", "floors", "group", "minutes", "mode", "objective"), ""),
    **dict.fromkeys(("penalty", "quotas", "share"), ""),
    "count": "sites",
    "quota": "quotas",
    "spacing": "spacing_m",
}
PHASED = {"count": "phases", "budget": "phase_budgets"}
WORDS = f"(?P<word>{'|'.join(ARGUMENTS)})"


def set_aside(path: Path | None, typed: Mapping[str, Any]) -> list[str]:
    """Name the keys of a study file that what is typed replaces: how many sites, and what fits no other objective."""
    asks = any(key in CHOICE for key in typed)
    there = _choose_of(path) if asks and path is not None else {}
    found = [key for key in (*AMOUNTS, "choose.least_regret", *OF_ONE) if there.get(key.split(".")[1])]
    return [key for key in found if key not in typed and _replaced(key, typed)]


def _replaced(key: str, typed: Mapping[str, Any]) -> bool:
    objective = typed.get("choose.objective")
    if key in OF_ONE:
        return objective not in (None, OF_ONE[key])
    if key == "choose.least_regret" and typed.get("choose.phases"):
        return False
    return objective == "share" or any(typed.get(amount) not in (None, "") for amount in AMOUNTS)


def _choose_of(path: Path) -> Mapping[str, Any]:
    """Return what stands under `choose` in a study file; what is wrong with the file is said when it is read."""
    import yaml

    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    found = raw.get("choose") if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}


def in_words_of_study(text: str, phased: bool) -> str:
    """Say in keys of the study file what the functions that choose say of their arguments."""
    known = {**ARGUMENTS, **(PHASED if phased else {})}

    def key(found: "re.Match[str]") -> str:
        return f"choose.{known[found['word']] or found['word']}"

    text = re.sub(rf"^(phases: )?{WORDS}(?=[ :])", key, text)
    text = re.sub(rf"\b{WORDS}='(\w+)'", lambda found: f"{key(found)}: {found[2]}", text)
    text = re.sub(rf"\b{WORDS}=(?=[\s.,;)]|$)", key, text)
    return re.sub(r"^phases: ", "choose.phases: ", text).replace("more seconds", "more time (choose.seconds)")
