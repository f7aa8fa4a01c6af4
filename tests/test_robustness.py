"""Variants are drawn evenly and alike everywhere; ranks, intervals and regret against tables worked out by hand."""

import json
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.robustness import PLACEMENTS, chosen_sets, rank_stability, regret, variants_of
from siteplan.errors import InputError, SiteplanError, StudyError
from siteplan.network.people import LARGE_M2

WEEK = ("2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13")


def test_variants_cover_their_ranges_evenly() -> None:
    drawn = pd.DataFrame(variants_of(1, 50, dates=WEEK))
    assert len(drawn) == 50
    for column, low, high in (("walk_kmh", 3.6, 5.1), ("bike_kmh", 12, 18)):
        part = np.floor((drawn[column] - low) / (high - low) * 50 - 1e-2).clip(0, 49)
        assert drawn[column].between(low, high).all()
        assert np.bincount(part.astype(int), minlength=50).max() <= 2  # one each, but for the rounding
    assert drawn["date"].value_counts().tolist() == [10] * 5
    assert drawn["shift_minutes"].value_counts().tolist() == [10] * 5
    assert set(drawn["placement"]) == set(PLACEMENTS)
    assert drawn["placement"].value_counts().max() == 17


def test_variants_are_the_same_for_the_same_seed() -> None:
    assert json.dumps(variants_of(7, 20)) == json.dumps(variants_of(7, 20))
    assert variants_of(7, 20) != variants_of(8, 20)
    assert "date" not in variants_of(7, 1)[0]


def test_placement_as_is_is_that_of_place_people() -> None:
    assert PLACEMENTS["as is"]["large_m2"] == LARGE_M2


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"count": 0}, "count is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"walk_kmh": (5, 4)}, "walk_kmh runs from 5 to 4"),
        ({"bike_kmh": (0, 4)}, "bike_kmh"),
        ({"placements": ("crowded",)}, "no placement 'crowded'; expected any of as is"),
        ({"placements": ()}, "placement has no value"),
        ({"shifts": ()}, "shift_minutes has no value"),
        ({"dates": ("10/03/2026",)}, "no date"),
    ],
)
def test_variants_that_cannot_be_drawn(how: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        variants_of(**{"seed": 1, "count": 5, **how})


def table(**values: float) -> pd.DataFrame:
    return pd.DataFrame({"people": values.values()}, index=pd.Index(values, name="site"), dtype=float)


FOUR = {
    1: table(a=10, b=20, c=30),
    2: table(c=30, a=40, b=20),
    3: table(a=20, b=20, c=10),
    4: table(a=np.nan, b=5, c=10),
}


def test_ranks_by_hand() -> None:
    found = rank_stability(FOUR, first=1, column="people")
    assert found.loc["a"].tolist() == [0.5, (3 + 1 + 1 + 3) / 4, 1, 3, 10, 20, 40]
    assert found.loc["b"].tolist() == [0.25, (2 + 3 + 1 + 2) / 4, 1, 3, 5, 20, 20]
    assert found.loc["c"].tolist() == [0.5, (1 + 2 + 3 + 1) / 4, 1, 3, 10, 10, 30]
    assert (rank_stability(FOUR, first=3, column="people")["in_first"] == [0.75, 1, 1]).all()


def test_ranks_against_a_slow_twin() -> None:
    draw = random.Random(5)
    sites = [f"s{k}" for k in range(9)]
    variants = {}
    for variant in range(23):
        order = draw.sample(sites, len(sites))
        variants[variant] = table(**{site: draw.randrange(6) for site in order})
    found = rank_stability(variants, first=3, column="people")
    for site in found.index:
        values = [float(v["people"][site]) for v in variants.values()]
        ranks = [1 + sum(other > v["people"][site] for other in v["people"]) for v in variants.values()]
        assert found["in_first"][site] == sum(rank <= 3 for rank in ranks) / 23
        assert found["mean_rank"][site] == pytest.approx(sum(ranks) / 23)
        assert (found["best_rank"][site], found["worst_rank"][site]) == (min(ranks), max(ranks))
        for percent in (5, 50, 95):
            least = min(v for v in values if sum(w <= v for w in values) >= percent / 100 * 23)
            assert found[f"p{percent}"][site] == least


def test_one_variant_is_certain() -> None:
    found = rank_stability({1: FOUR[1]}, first=1, column="people")
    assert found["in_first"].tolist() == [0, 0, 1]
    assert (found["p5"] == found["p95"]).all()


def test_the_set_that_survives_most_variants() -> None:
    found = chosen_sets({1: ["b", "a"], 2: ["a", "b"], 3: ["a", "c"], 4: ["c", "b"]})
    assert found["sites"].tolist() == ["a, b", "a, c", "b, c"]
    assert found["share"].tolist() == [0.5, 0.25, 0.25]


def test_regret_by_hand() -> None:
    worth = pd.DataFrame({"x": [100.0, 0, 50], "y": [80.0, 0, 60], "z": [100.0, 0, 20]})
    found = regret(worth)
    assert found.index.tolist() == ["x", "y", "z"]
    assert found.loc["x"].tolist() == [2 / 3, 10 / 3, 10, pytest.approx(1 / 6)]
    assert found.loc["y"].tolist() == [2 / 3, 20 / 3, 20, 0.2]
    assert found.loc["z"].tolist() == [2 / 3, 40 / 3, 40, pytest.approx(2 / 3)]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: rank_stability({}), "no variant"),
        (lambda: rank_stability(FOUR, column="jobs"), "variant 1 has no column jobs"),
        (lambda: rank_stability({1: FOUR[1], 2: table(a=1, b=2)}, column="people"), "variant 2 is about other sites"),
        (lambda: rank_stability(FOUR, first=0, column="people"), "expected 1 or more"),
        (lambda: chosen_sets({}), "no variant"),
        (lambda: regret(pd.DataFrame()), "no values"),
        (lambda: regret(pd.DataFrame({"x": [np.nan]})), "the value of x in variant 0 is missing"),
    ],
)
def test_what_cannot_be_told(ask: Any, said: str) -> None:
    with pytest.raises((InputError, StudyError, SiteplanError), match=said):
        ask()
