"""A choice of sites, for the terminal and for machines."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteplan.inputs.files import listed
from siteplan.objectives import Objective, objective_names
from siteplan.output.tables import printable, scores_json

if TYPE_CHECKING:
    from rich.console import Console

    from siteplan.siting.choose import Choice

__all__ = ["choice_json", "choice_summary", "print_choice"]

TEXT_WIDTH = 14  # characters of a name that stay in one line
WORST = 3  # communes named with their floors
COUNTED = ("people", "added", "gain", "alone", "served", "turned_away", "cost")
MEANT = {
    "people": "within the limit",
    "added": "to the sites before it",
    "alone": "in reach of no other chosen site",
    "served": "go there",
    "turned_away": "nearest to it, but it is full",
}
PHASES = {
    "phase": "phase",
    "count": "sites",
    "budget": "budget",
    "value": "value",
    "alone": "best alone",
    "loss": "loss",
    "loss_share": "loss %",
    "opens": "opens",
}


def choice_summary(choice: "Choice", *, full: bool = False) -> str:
    """Say in one sentence what was reached and how far from the best possible it is; `full` where sites may be full."""
    proof = "proven the best possible" if choice.gap == 0 else f"at most {choice.gap:.2%} from the best possible"
    greedy = "" if pd.isna(choice.greedy) else f"; opening always the best next one gives {choice.greedy:,.0f}"
    if pd.isna(choice.bound):
        proof = "without a proof"
    elif "beyond" in _goal(choice).words and choice.value > choice.summary["minutes"]:
        # Only that is proven: how many are left out was not what was to be least.
        proof, greedy = f"{'' if choice.gap == 0 else 'not '}proven that some have none whatever opens", ""
    return f"{choice.objective}: {_worth(choice, full)}, {proof}{greedy}"


def _goal(choice: "Choice") -> Objective:
    return objective_names()[choice.objective]


def _worth(choice: "Choice", full: bool) -> str:
    """Say the value in the unit of its objective."""
    told, words = choice.summary, _goal(choice).words
    group, out, beyond = told["group"], told["people"] - told["covered"], told["coverable"] - told["covered"]
    said = {name: f"{told[name]:,.0f}" for name in ("covered", "coverable")}
    return words["beyond" if beyond > 1e-6 and "beyond" in words else "told"].format(
        **said,
        value=f"{choice.value:,.0f}",
        group=group,
        everybody=f"{told['people']:,.0f} {group}",
        limit=f"{told['minutes']:g} min",
        reached="served" if full else "covered",
        sites="sites" if choice.value == told["sites"] else "of cost",
        beyond=f"{beyond:,.0f}",
        missed=f"{out:,.0f} whom none serves with {told['penalty']:g}" if out >= 0.5 else "all of them served",
    )


def choice_json(choice: "Choice") -> str:
    """Give a choice as JSON: the chosen sites, the proof, the plain figures, and the phases and curve if any."""
    told = {
        "objective": choice.objective,
        "value": choice.value,
        "bound": None if pd.isna(choice.bound) else choice.bound,
        "gap": None if pd.isna(choice.gap) else choice.gap,
        "greedy": None if pd.isna(choice.greedy) else choice.greedy,
        "sites": json.loads(scores_json(choice.sites)),
        "rejected": json.loads(scores_json(choice.rejected)),
        "summary": {name: value for name, value in choice.summary.items() if name != "seconds"},
    }
    for name, table in (("phases", choice.phases), ("curve", choice.curve)):
        told[name] = None if table is None else json.loads(scores_json(table))
    return json.dumps(told, ensure_ascii=False, indent=1, default=str)


def print_choice(choice: "Choice", console: "Console", *, full: bool = False) -> None:
    """Print the chosen sites in the order to open them, the phases if there are any, and how good they are.

    Parameters
    ----------
    choice
        What was chosen.
    console
        Where to print; text from the data is printed as it is, never as markup.
    full
        Whether sites may be full: people are served then, not merely within reach.
    """
    from rich.text import Text

    sites = choice.sites.reset_index()
    counted = [name for name in COUNTED if name in sites and _worth_showing(choice, name)]
    named = [name for name in ("order", "phase", "site", "name", "status") if name in sites]
    _print_table(sites[[*named, *counted]].rename(columns=lambda name: name.replace("_", " ")), console)
    if choice.phases is not None:
        shown = choice.phases.reset_index()
        shown["loss_share"] *= 100
        _print_table(shown[[name for name in PHASES if name in shown]].rename(columns=PHASES), console)
    for line in (choice_summary(choice, full=full), *_figures(choice, full), _meaning(choice, counted)):
        console.print(Text(line))


def _worth_showing(choice: "Choice", name: str) -> bool:
    """Leave out columns that say nothing of this choice."""
    if name == "turned_away":
        return bool((choice.sites[name] > 0).any())
    return name != "gain" or "gained" in _goal(choice).words


def _print_table(table: pd.DataFrame, console: "Console") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in table:
        if name in ("name", "opens"):
            # These alone are broken into lines where room is scarce; figures never are.
            longest = int(table[name].astype(str).str.len().max()) if len(table) else 0
            shown.add_column(str(name), overflow="fold", min_width=min(longest, TEXT_WIDTH))
        else:
            shown.add_column(str(name), justify="right" if name in numbers else "left", no_wrap=True)
    for row in table.to_dict("records"):
        shown.add_row(*(Text(_cell(str(name), value, name in numbers)) for name, value in row.items()))
    least = Measurement.get(console, console.options.update_width(10_000), shown).minimum
    shown.width = least if least > console.width else None
    console.print(shown, crop=False)


def _cell(name: str, value: Any, number: bool) -> str:
    if number:
        return "-" if pd.isna(value) else f"{value:,.1f}" if name == "loss %" else f"{value:,.0f}"
    return printable(str(value))


def _figures(choice: "Choice", full: bool) -> Iterator[str]:
    """Say whom the choice covers, what it costs, and what the communes with floors have."""
    told = choice.summary
    group = told["group"]
    covered = f"{told['covered']:,.0f} of {told['people']:,.0f} {group}{' served' if full else ''} within "
    plain = "{reached}" in _goal(choice).words["told"]  # said already
    figures = [] if plain or not told["limited"] else [f"{covered}{told['minutes']:g} min"]
    reach = (
        f"the sites open in any case alone: {told['today']:,.0f}; within reach of any site: {told['coverable']:,.0f}"
    )
    yield "; ".join([*figures, reach])
    if told["cost"] or told["cost_unknown"]:
        unknown = f", and {told['cost_unknown']:,} of unknown cost" if told["cost_unknown"] else ""
        yield f"the new sites cost {told['cost']:,.0f}{unknown}"
    floors = told.get("floors")
    if floors:
        # A commune without people has no share.
        reached = sorted((share, name) for name, share in told["territories"].items() if share >= 0)
        if "floor" in told:
            more = told["floor_bound"] > told["floor"] + 1e-6
            proof = f"; more than {told['floor_bound']:.1%} cannot be had" if more else ", the highest possible"
            yield f"every commune that can be reached has at least {told['floor']:.1%}{proof}"
            lowest = [f"{name} {share:.1%}" for share, name in reached if floors[name] > 0]
        else:
            lowest = [f"{name} {share:.0%} (asked {floors[name]:.0%})" for share, name in reached if floors[name] > 0]
        yield f"the lowest: {listed(lowest, most=WORST)}"


def _meaning(choice: "Choice", counted: Sequence[str]) -> str:
    """Explain the columns."""
    meant = {**MEANT, "gain": _goal(choice).words.get("gained", "")}
    if not choice.summary["limited"]:
        meant["people"] = "who reach it at all"
    told = [f"{name.replace('_', ' ')}: {meant[name]}" for name in counted if name in meant]
    if choice.phases is not None:
        told.append("best alone: the best of its size without the other phases")
    return "; ".join(told)
