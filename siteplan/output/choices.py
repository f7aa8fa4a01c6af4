"""A choice of sites, for the terminal and for machines."""

import json
from typing import TYPE_CHECKING

import pandas as pd

from siteplan.output.tables import printable, scores_json

if TYPE_CHECKING:
    from rich.console import Console

    from siteplan.siting.choose import Choice

__all__ = ["choice_json", "choice_summary", "print_choice"]

UNITS = {
    "coverage": "people covered",
    "backup": "people covered more than once",
    "gravity": "people, each by nearness",
    "median": "people-minutes",
    "center": "minutes of the farthest",
    "share": "sites, or their cost",
}


def choice_summary(choice: "Choice") -> str:
    """Say in one sentence what was reached and how far from the best possible it is."""
    proof = "proven the best possible" if choice.gap == 0 else f"at most {choice.gap:.2%} from the best possible"
    if pd.isna(choice.bound):
        proof = "without a proof"
    greedy = "" if pd.isna(choice.greedy) else f"; opening always the best next one gives {choice.greedy:,.0f}"
    return f"{choice.objective}: {choice.value:,.0f} {UNITS[choice.objective]}, {proof}{greedy}"


def choice_json(choice: "Choice") -> str:
    """Give a choice as JSON: the chosen sites, the proof, and the plain figures."""
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
    return json.dumps(told, ensure_ascii=False, indent=1, default=str)


def print_choice(choice: "Choice", console: "Console") -> None:
    """Print the chosen sites in the order to open them, and how good they are."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    counted = ("people", "added", "alone", "served", "cost")
    for name in ("order", "site", "name", "status", *counted):
        table.add_column(name, justify="right" if name in ("order", *counted) else "left", no_wrap=name != "name")
    for row in choice.sites.reset_index().to_dict("records"):
        figures = ["-" if pd.isna(row[name]) else f"{row[name]:,.0f}" for name in counted]
        texts = [Text(printable(str(row[name]))) for name in ("site", "name", "status")]
        table.add_row(str(row["order"]), *texts, *figures)
    console.print(table)
    summary = choice.summary
    console.print(Text(choice_summary(choice)))
    console.print(
        Text(
            f"{summary['covered']:,.0f} of {summary['people']:,.0f} people within {summary['minutes']:g} min; "
            f"{summary['coverable']:,.0f} with all sites open"
        )
    )
    console.print(Text("added: to the sites before it; alone: in reach of no other chosen site; served: go there"))
