"""What is nearly as good as a chosen set, and what it costs, against figures known by head."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point

from siteplan.output.outcome import Outcome
from siteplan.output.tradeoffs import near_swaps, robust_rival, tradeoffs_told
from siteplan.words import load_words

NAMES = {"E": "Hall", "A": "Dairy", "B": "Library, east wing", "C": "Barn", "D": "Mill", "F": "Inn"}
COSTS = [np.nan, 140_000.0, 50_000.0, 200_000.0, 60_000.0, np.nan]
ROBUST = pd.DataFrame(
    {
        "sites": ["B, D, E", "A, D, E"],
        "own": [False, True],
        "best_in": [0.8, 0.6],
        "max_regret": [9.0, 5.0],
        "covered": [4994.0, 5000.0],
    }
)


def outcome(
    rejected: dict[str, list[Any]], *, value: float = 5000, objective: str = "coverage", **more: Any
) -> Outcome:
    """E exists, A and D are chosen; the value is 5,000 people."""
    table = {"name": list(NAMES.values()), "status": ["existing", *["candidate"] * 5], "cost": COSTS}
    index = pd.Index(list(NAMES), name="site")
    sites = gpd.GeoDataFrame(table, geometry=[Point(0, at) for at in range(6)], index=index, crs=32631)
    told = {"parameters": {"currency": more.pop("currency", "€"), "choose": {"objective": objective}}}
    choice = pd.DataFrame({"site": ["E", "A", "D"]})
    tables = {"choice": choice, "rejected": pd.DataFrame(rejected)} | more
    return Outcome(sites, tables, {}, told | {"choice": {"objective": objective, "value": value}})


def said(result: Outcome, language: str = "en") -> list[str]:
    return [text.replace("\u202f", " ").replace("\u00a0", " ") for text in tradeoffs_told(result, language)]


def test_a_cheaper_site_is_told_with_what_it_saves_and_what_is_lost() -> None:
    # 140,000 - 50,000 less; 6 of 5,000 are more than a thousandth and less than a hundredth, which is near where it
    # is cheaper, and only there: C, dearer, is not told.
    swaps = {"site": ["B", "C"], "swap_for": ["A", "A"], "change": [-6.0, -6.0]}
    assert said(outcome(swaps)) == ["For €90,000 less, 6 people fewer: “Library, east wing” instead of Dairy."]
    assert said(outcome(swaps), "fr") == [
        "Pour 90 000 € de moins, 6 habitants de moins : « Library, east wing » au lieu de Dairy."
    ]


def test_ties_and_near_ties_are_named_with_their_costs() -> None:
    swaps = {"site": ["C", "F", "B"], "swap_for": ["A", "D", "D"], "change": [0.0, -4.0, -0.2]}
    assert said(outcome(swaps)) == [
        "As good: “Library, east wing” instead of Mill, for €10,000 less.",
        "As good: Barn instead of Dairy, for €60,000 more.",
        "Nearly as good: Inn instead of Mill, 4 people fewer, at a cost that is not known.",
    ]


def test_where_nothing_is_near_the_nearest_is_told() -> None:
    swaps = {"site": ["B", "C"], "swap_for": ["A", "D"], "change": [-700.0, -300.0]}
    (text,) = said(outcome(swaps, currency="EUR"))
    assert text == (
        "Nothing else comes near: the best swap, Barn instead of Mill, gives 300 people fewer, for 140,000 EUR more."
    )


def test_more_minutes_are_worse() -> None:
    swaps = {"site": ["C", "F"], "swap_for": ["A", "D"], "change": [3.0, 900.0]}
    result = outcome(swaps, objective="median", currency="")
    assert [(each.opens, each.worse) for each in near_swaps(result)] == [(("C",), 3.0)]
    assert said(result) == [
        "Nearly as good: Barn instead of Dairy, 3 minutes for all people together more, for 60,000 cost units more."
    ]


def test_the_set_that_wins_most_variants_is_told_with_what_it_forgoes() -> None:
    none: dict[str, list[Any]] = {"site": ["C"], "swap_for": [None], "change": [np.nan]}
    result = outcome(none, robust_sets=ROBUST)
    rival = robust_rival(result)
    assert rival is not None
    assert (rival.opens, rival.instead, rival.worse, rival.cost) == (("B",), ("A",), 6.0, -90_000.0)
    assert said(result) == [
        "Under other assumptions another set is the best more often (in 80% of the runs): “Library, east wing” instead "
        "of Dairy, for €90,000 less. Under those of this study it forgoes 6 people, and in its worst run 9 against the "
        "best."
    ]
    own = outcome(none, robust_sets=ROBUST.assign(best_in=[0.6, 0.6]))  # as often: the chosen set stands
    assert "no set is the best more often (in 60% of the runs)" in said(own)[0]
    best = ROBUST.assign(best_in=[0.0, 1.0], max_regret=0.0)
    assert said(outcome(none, robust_sets=best))[0].endswith("in none of the runs does another cover more people.")
    assert robust_rival(outcome(none)) is None


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("en", "€", "€1,500"),
        ("en", "CHF", "1,500 CHF"),
        ("en", "", "1,500 cost units"),
        ("fr", "€", "1 500 €"),
        ("fr", "", "1 500 unités de coût"),
    ],
)
def test_a_cost_never_stands_bare(language: str, currency: str, written: str) -> None:
    words = load_words(language)
    assert words.money(1500, currency).replace("\u202f", " ").replace("\u00a0", " ") == written
    assert words.priced("Cost", currency).endswith(f"({currency or words['money_unit']})")
