"""What a report says of the buildings: what they take in a year, beside the commuting saved, and their peak hour."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from siteplan.output.report.account import Account
from siteplan.output.report.briefs import Brief, Pairs
from siteplan.output.report.markup import Markup, bullets, join, note
from siteplan.output.report.plots import pairs_figure
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import Words, capital

__all__ = ["building_brief", "building_section"]

ALL = "all"
ENDS = ("low", "high")


def building_section(account: Account) -> Markup:
    """Say what the buildings take at each uptake; then, at the middle one, site by site."""
    found, words = account.table("building"), account.words
    if found is None or found.empty:
        return Markup("")
    uptakes = sorted(found["uptake"].unique())
    middle = uptakes[len(uptakes) // 2]
    rows = found[(found["uptake"] == middle) & (found["site"] != ALL)].to_dict("records")
    over = words.text("if_uptake", share=words.share(middle))
    columns = [
        Column(capital(words["site"]), rows, text=True, write=lambda row: str(row["name"])),
        Column(words["col_area"], rows, over=over, write=lambda row: words.count(row["m2"])),
    ]
    for heading, name in (("kwh", "kwh"), ("kg", "kg_co2e"), ("built", "kg_built"), ("air", "air_m3h")):
        columns.append(Column(words[f"col_{heading}"], rows, over=over, write=partial(_range, words, name)))
    columns.append(Column(words["col_places"], rows, over=over, write=lambda row: words.count(row["places"])))
    total = found[found["site"] == ALL]
    return join(
        bullets(_texts(words, total)),
        table(columns, words, "building", by=Most("rows_area", [row["m2"] for row in rows])),
        note(words["building_note"]),
        pairs_figure(_pairs(words, total), words, words["building_note"]),
    )


def _range(words: Words, name: str, row: dict[Any, Any]) -> str:
    return words.text("range", low=words.count(row[f"{name}_low"]), high=words.count(row[f"{name}_high"]))


def building_brief(account: Account) -> Brief | None:
    """Say in short what the buildings take at the middle uptake, and what is left of the commuting saved."""
    found, words = account.table("building"), account.words
    if found is None or found.empty:
        return None
    total = found[found["site"] == ALL].sort_values("uptake", kind="stable")
    texts = list(_texts(words, total.iloc[[len(total) // 2]]))
    return Brief("building", tuple(texts), _pairs(words, total))


def _texts(words: Words, total: pd.DataFrame) -> Iterator[str]:
    for row in total.to_dict("records"):
        told = {"low": words.count(row["kwh_low"]), "high": words.count(row["kwh_high"])}
        told |= {f"cost_{end}": words.count(row[f"euros_{end}"]) for end in ("low", "high")}
        told |= {f"kg_{end}": words.count(row[f"kg_co2e_{end}"] + row[f"kg_built_{end}"]) for end in ("low", "high")}
        texts = [words.text("building_text", share=words.share(row["uptake"]), area=words.count(row["m2"]), **told)]
        if row["net_kg_low"] == row["net_kg_low"]:  # NaN where no commuting was asked for at this uptake
            said = {f"{name}_{end}": words.count(row[f"{name}_kg_{end}"]) for name in ("saved", "net") for end in ENDS}
            texts.append(words.text("building_net", **said))
        persons, air = words.count(row["persons_high"]), words.count(row["air_m3h_high"])
        texts.append(words.text("building_air", persons=persons, air=air))
        if row["places_short"] > 0:
            texts.append(words.text("building_short", places=words.count(row["places_short"])))
        yield " ".join(texts)


def _pairs(words: Words, total: pd.DataFrame) -> Pairs | None:
    """Put what the buildings emit at the most beside what commuting saves at the most, by uptake."""
    rows = total[total["net_kg_low"].notna()]
    if rows.empty:
        return None
    bars = tuple(
        (
            words.text("if_uptake", share=words.share(row["uptake"])),
            row["kg_co2e_high"] + row["kg_built_high"],
            row["saved_kg_high"],
        )
        for row in rows.to_dict("records")
    )
    return Pairs(words["building_caption"], (words["building_emits"], words["building_saves"]), bars)
