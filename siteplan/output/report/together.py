"""What a report says of communes that build together: who gains, the price of going alone, who pays."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief, Pairs
from siteplan.output.report.markup import Markup, bullets, join, note, paragraph
from siteplan.output.report.plots import pairs_figure
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import NONE, capital

__all__ = ["together_brief", "together_section"]

RULES = ("inhabitants", "served", "shapley")
OUTSIDE = "outside"
MOST_BARS = 20


def together_section(account: Account) -> Markup:
    """Show who gains in each commune and what it would have alone; then who pays by which rule, and who objects."""
    found, shares, words = account.table("together"), account.table("cost_shares"), account.words
    if found is None or shares is None:
        return Markup("")
    names = [words["outside"] if name == OUTSIDE else str(name) for name in found["territory"]]
    columns = [Column(capital(words["commune"]), names, text=True)]
    for key in ("before", "together", "gained", "beyond", "alone", "price"):
        cells = ["" if value != value else words.count(float(value)) for value in found[key]]  # NaN: nobody decides
        columns.append(Column(words[f"col_together_{key}"], cells))
    return join(
        paragraph(*_gain_texts(account, found, shares)),
        table(columns, words, "together", by=Most("rows_gained", found["gained"].to_list())),
        note(words["together_note"]),
        bullets(_rule_texts(account, shares)),
        _by_rule(account, shares, found.set_index("territory")["gained"]),
        pairs_figure(_pairs(account, shares), words, words["together_note"]),
    )


def _gain_texts(account: Account, found: pd.DataFrame, shares: pd.DataFrame) -> Iterator[str]:
    words, own = account.words, found[found["territory"] != OUTSIDE]
    first = shares[shares["rule"] == shares["rule"].iloc[0]]
    cost, least = float(first["share"].sum()), float(first["least"].iloc[0])
    told = {"gained": words.count(float(found["gained"].sum())), "beyond": words.count(float(found["beyond"].sum()))}
    yield words.text("together_gain", cost=account.result.money(cost, words), **told)
    if cost - least >= 1:
        yield words.text("together_least", least=account.result.money(least, words))
    if own["alone"].notna().all():
        alone, all_of_them = float(own["alone"].sum()), float(own["together"].sum())
        said = {"alone": words.count(alone), "together": words.count(all_of_them)}
        key = "together_price" if all_of_them > alone else "together_no_price"
        yield words.text(key, price=words.count(abs(all_of_them - alone)), **said)


def _rule_texts(account: Account, shares: pd.DataFrame) -> Iterator[str]:
    """Say of each rule whether any group of communes would pay less alone."""
    words = account.words
    for rule in RULES:
        rows = shares[shares["rule"] == rule]
        if rows.empty:
            continue
        named, row = words[f"by_rule_{rule}"], rows.iloc[0]
        if bool(row["stable"]):
            yield words.text("together_stable", rule=named)
        else:
            over = account.result.money(float(row["overpaid"]), words)
            yield words.text("together_unstable", rule=named, names=str(row["group"]), over=over)
        if float(rows["error"].max()) > 0:
            yield words.text("together_drawn", error=account.result.money(float(rows["error"].max()), words))


def _by_rule(account: Account, shares: pd.DataFrame, gained: pd.Series) -> Markup:
    """Show what each commune pays by each rule, by Shapley for each person who gains, and what it would pay alone."""
    words = account.words
    first = shares.drop_duplicates("territory").set_index("territory")
    columns = [Column(capital(words["commune"]), [str(name) for name in first.index], text=True)]
    over = words.priced(words["together_shares"], account.result.currency)
    for rule in RULES:
        part = shares[shares["rule"] == rule].set_index("territory")["share"].reindex(first.index)
        if part.notna().any():
            columns.append(Column(words[f"col_{rule}"], [words.count(value) for value in part], over=over))
    shapley = shares[shares["rule"] == "shapley"].set_index("territory")["share"].reindex(first.index)
    each = shapley / gained.reindex(first.index).where(lambda people: people > 0)
    told = [NONE if np.isnan(value) else words.digits(value) for value in each]
    columns.append(Column(words["col_a_person"], told, over=over))
    columns.append(Column(words["col_least_alone"], [words.count(value) for value in first["alone"]], over=over))
    return table(columns, words, "cost_shares", by=Most("rows_paid", shapley.to_list()))


def together_brief(account: Account) -> Brief | None:
    """Say in short who gains, the price of going alone, and what each commune pays."""
    found, shares = account.table("together"), account.table("cost_shares")
    if found is None or shares is None:
        return None
    first, *more = _gain_texts(account, found, shares)
    return Brief("who_pays", (first, *more[-1:]), _pairs(account, shares))


def _pairs(account: Account, shares: pd.DataFrame) -> Pairs | None:
    """Put what each pays by the Shapley value beside what it would pay alone."""
    words, rows = account.words, shares[shares["rule"] == "shapley"].head(MOST_BARS)
    if rows.empty:
        return None
    bars = tuple(
        (str(name), float(alone), float(share))
        for name, alone, share in zip(rows["territory"], rows["alone"], rows["share"], strict=True)
    )
    return Pairs(words["together_caption"], (words["col_least_alone"], words["col_shapley"]), bars)
