"""What a report says of places that are open already: planned against seen, and what can be foretold from it."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pandas as pd

from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief, Pairs
from siteplan.output.report.markup import Markup, join, note, paragraph
from siteplan.output.report.plots import pairs_figure
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import capital

__all__ = ["observed_brief", "observed_section"]

MOST_BARS = 20
HEADINGS = {"demand": "desks", "sharing": "spaces"}  # of blocks whose sections are called otherwise


def observed_section(account: Account) -> Markup:
    """Say what was seen, what was expected, what was fitted and how well it foretells."""
    sites, fit, words = account.table("observed_sites"), account.table("observed_fit"), account.words
    if sites is None or fit is None:
        return Markup("")
    rows = sites.to_dict("records")

    def expected(row: dict[Any, Any]) -> str:
        return words.text("range", low=words.count(row["expected_low"]), high=words.count(row["expected_high"]))

    columns = [
        Column(capital(words["site"]), rows, text=True, write=lambda row: str(row["name"])),
        Column(words["col_seen"], rows, write=lambda row: words.count(row["seen"])),
        Column(words["col_expected"], rows, write=expected),
        Column(words["col_fitted"], rows, write=lambda row: words.count(row["fitted"])),
    ]
    told = sites["foretold"].notna().any()
    if told:
        columns.append(Column(words["col_foretold"], rows, write=lambda row: words.count(row["foretold"])))
    said = paragraph(*_texts(account, sites, fit.set_index("what")))
    return join(
        said,
        table(columns, words, "observed_sites", by=Most("rows_seen", [row["seen"] for row in rows])),
        note(words["observed_note"]),
        pairs_figure(_pairs(account, sites), words, words["observed_note"]) if told else Markup(""),
    )


def _texts(account: Account, sites: pd.DataFrame, fit: pd.DataFrame) -> Iterator[str]:
    words = account.words
    months = sites["months"].astype(float)

    def in_all(name: str) -> str:
        return words.count(float((sites[name] * months).sum()))

    ends = ("value", "low", "high")
    uptake, half = ({end: float(fit[end][what]) for end in ends} for what in ("uptake", "half_minutes"))
    said: dict[str, Any] = {"sites": len(sites), "months": int(months.max()), "seen": in_all("seen")}
    said |= {"counted": words[f"counted_{sites['counted'].iloc[0]}"]}
    said |= {"low": in_all("expected_low"), "high": in_all("expected_high")}
    said |= {f"fit_{end}": words.percent(100 * each, 1) for end, each in uptake.items()}
    yield words.text("observed_text", **said)
    if half["value"] == half["value"]:  # NaN where no decay was found
        low, high = (words.digits(half[end]) if half[end] == half[end] else "∞" for end in ("low", "high"))
        yield words.text("observed_half", half=words.digits(half["value"]), half_low=low, half_high=high)
    else:
        yield words["observed_no_decay"]
    if "left_out_error" in fit.index:
        yield words.text("observed_left_out", error=words.share(float(fit["value"]["left_out_error"])))
    used = (account.asked.get("observed") or {}).get("use") or []
    if used:
        yield words.text("observed_used", blocks=words.listed(words[HEADINGS.get(each, each)] for each in used))


def observed_brief(account: Account) -> Brief | None:
    """Say in short what was seen, and what the other sites foretell."""
    sites, fit = account.table("observed_sites"), account.table("observed_fit")
    if sites is None or fit is None:
        return None
    texts = islice(_texts(account, sites, fit.set_index("what")), 2)
    return Brief("observed", tuple(texts), _pairs(account, sites) if sites["foretold"].notna().any() else None)


def _pairs(account: Account, sites: pd.DataFrame) -> Pairs:
    """Put what was seen beside what the other sites foretell."""
    words = account.words
    rows = sites[sites["foretold"].notna()].head(MOST_BARS).to_dict("records")
    bars = tuple((str(row["name"]), float(row["seen"]), float(row["foretold"])) for row in rows)
    return Pairs(words["observed_caption"], (words["col_seen"], words["col_foretold"]), bars)
