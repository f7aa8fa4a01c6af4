"""A scenario's changes in plain words, for a page that is read without the study file."""

from collections.abc import Callable, Mapping
from typing import Any

from siteplan.config.changes import KINDS, Scenario, named_files
from siteplan.config.profiles import Model

__all__ = ["about"]

ENGLISH: dict[str, str] = {
    "StreetAdded": "{name} is built ({tags})",
    "StreetClosed": "the street {close} is closed{to}",
    "StreetTagged": "the street {tag} becomes {tags}",
    "LineCut": "line {cut} no longer runs",
    "LineShifted": "line {shift} runs {minutes:+g} min",
    "LineEvery": "line {every} runs every {minutes:g} min, {hours}",
    "LineAdded": "a new line {add} runs every {every:g} min, {hours}",
    "StopMoved": "the stop {move} is moved",
    "CommuneGrown": "people in {grow}: {growth}",
    "HomesBuilt": "{build}: {people:,.0f} new residents",
    "SiteOpened": "{open}{named} opens",
    "SiteClosed": "{close} closes",
    "SiteMoved": "{move} is moved",
    "SiteResized": "{resize}: {size}",
    "walk": " to people on foot",
    "bike": " to bicycles",
    "capacity": "{:g} desks",
    "cost": "cost {:g}",
    "base": "like '{}'",
    "again": "the sites are chosen anew",
}
FRENCH: dict[str, str] = {
    "StreetAdded": "{name} est construit ({tags})",
    "StreetClosed": "la rue {close} est fermée{to}",
    "StreetTagged": "la rue {tag} devient {tags}",
    "LineCut": "la ligne {cut} ne circule plus",
    "LineShifted": "la ligne {shift} circule à {minutes:+g} min",
    "LineEvery": "la ligne {every} circule toutes les {minutes:g} min, {hours}",
    "LineAdded": "une nouvelle ligne {add} circule toutes les {every:g} min, {hours}",
    "StopMoved": "l’arrêt {move} est déplacé",
    "CommuneGrown": "habitants de {grow} : {growth}",
    "HomesBuilt": "{build} : {people:,.0f} nouveaux habitants",
    "SiteOpened": "{open}{named} ouvre",
    "SiteClosed": "{close} ferme",
    "SiteMoved": "{move} est déplacé",
    "SiteResized": "{resize} : {size}",
    "walk": " aux piétons",
    "bike": " aux vélos",
    "capacity": "{:g} postes",
    "cost": "coût {:g}",
    "base": "comme « {} »",
    "again": "les sites sont choisis à nouveau",
}
WORDS = {"en": ENGLISH, "fr": FRENCH}


def about(scenario: Scenario, language: str = "en") -> str:
    """Say what a scenario changes: in its own words if it has some, and change by change."""
    words = WORDS[language]
    listed = [words["base"].format(scenario.base)] if scenario.base else []
    listed += [_told(change, words) for kind in KINDS for change in getattr(scenario, kind)]
    listed += [f"{key} = {_plain(value)}" for key, value in named_files(scenario.set).items()]
    listed += [words["again"]] if scenario.choose_again else []
    text = "; ".join(listed)
    return f"{scenario.about} ({text})" if scenario.about and text else scenario.about or text


def _told(change: Model, words: Mapping[str, str]) -> str:
    asked = {name: getattr(change, name) for name in type(change).model_fields}
    derived = {name: make(asked, words) for name, make in DERIVED.items() if name in asked or name not in RENAMED}
    return words[type(change).__name__].format(**{**asked, **derived})


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    return str(value)


def _growth(asked: Mapping[str, Any], _: Mapping[str, str]) -> str:
    factor, plus = asked.get("factor"), asked.get("plus")
    return f"{factor - 1:+.0%}" if factor is not None else f"{plus or 0:+,.0f}"


def _size(asked: Mapping[str, Any], words: Mapping[str, str]) -> str:
    return ", ".join(words[name].format(asked[name]) for name in ("capacity", "cost") if asked.get(name) is not None)


# Keys that read better otherwise than they are written, and words made of several of them.
RENAMED = ("tags", "hours", "close", "tag")
DERIVED: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], str]] = {
    "tags": lambda asked, _: _plain(asked["tags"]),
    "hours": lambda asked, _: "-".join(asked["hours"]),
    "close": lambda asked, _: _plain(asked["close"]),
    "tag": lambda asked, _: _plain(asked["tag"]),
    "to": lambda asked, words: words.get(asked.get("mode") or "", ""),
    "named": lambda asked, _: f" ({asked['name']})" if asked.get("name") else "",
    "growth": _growth,
    "size": _size,
}
