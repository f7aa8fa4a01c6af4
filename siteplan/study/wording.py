"""What a scenario changes, in words."""

from collections.abc import Mapping
from typing import Any

from siteplan.config.changes import KINDS, Scenario, named_files
from siteplan.config.profiles import Model
from siteplan.words import Words

__all__ = ["about"]


def about(scenario: Scenario, words: Words) -> str:
    """Say what a scenario changes: in its own words if it has some, and change by change."""
    listed = [words.text("base", name=scenario.base)] if scenario.base else []
    listed += [_told(change, words) for kind in KINDS for change in getattr(scenario, kind)]
    listed += [f"{key} = {_plain(value)}" for key, value in named_files(scenario.set).items()]
    listed += [words["again"]] if scenario.choose_again else []
    text = "; ".join(listed)
    return f"{scenario.about} ({text})" if scenario.about and text else scenario.about or text


def _told(change: Model, words: Words) -> str:
    asked = dict(change)
    values = {name: value if isinstance(value, float) else _plain(value) for name, value in asked.items()}
    if "hours" in asked:
        values["hours"] = "-".join(asked["hours"])
    if "shift" in asked:
        values["minutes"] = f"{'+' * (asked['minutes'] > 0)}{words.number(asked['minutes'])}"
    if "factor" in asked:
        percent = None if asked["factor"] is None else round(100 * (asked["factor"] - 1))
        grown = words.signed(asked["plus"] or 0.0)
        values["growth"] = grown if percent is None else f"{'+' * (percent > 0)}{words.percent(percent)}"
    values["to"] = words.get(f"closed_{asked.get('mode')}", "")
    values["named"] = f" ({asked['name']})" if asked.get("name") else ""
    sizes = {name: asked[name] for name in ("capacity", "cost") if asked.get(name) is not None}
    values["size"] = ", ".join(words.text(f"new_{name}", value=value) for name, value in sizes.items())
    return words.text(type(change).__name__, **values)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    return str(value)
