"""Gained less lost is the change, in every row and every split."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.analysis.change import gained_lost
from siteplan.errors import InputError

PEOPLE = pd.DataFrame(
    {"cell": list("abcd"), "people": [10.0, 20.0, 30.0, 40.0], "workers": [1.0, 2.5, np.nan, 4.0]},
    index=pd.RangeIndex(4, name="point"),
)
COMMUNE = pd.Series({"a": "A", "b": "A", "c": "B", "d": "B"})


def table(rows: list[tuple[str, int, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["site", "point", "mode", "minutes"]).astype({"point": int, "minutes": float})


BEFORE = table([("s", 0, "walk", 10.0), ("s", 1, "walk", 14.0), ("s", 2, "bike", 9.0)])
AFTER = table([("s", 0, "walk", 16.0), ("s", 1, "walk", 14.0), ("s", 3, "bike", 12.0), ("s", 2, "bike", 9.0)])


def row(result: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        result = result[result[column] == value]
    assert len(result) == 1
    return result.iloc[0]


def test_who_gains_and_who_loses() -> None:
    result = gained_lost(BEFORE, AFTER, PEOPLE, {"commune": COMMUNE}, minutes=[15])
    total = row(result, split="total", group="people", mode="best")
    assert total[["before", "after", "gained", "lost", "unchanged"]].tolist() == [60.0, 90.0, 40.0, 10.0, 50.0]
    b = row(result, split="commune", territory="B", group="workers", mode="bike")
    assert b[["gained", "lost"]].tolist() == [4.0, 0.0]
    assert result["group"].iloc[0] == "workers"


def test_a_new_estate_counts_as_gained() -> None:
    result = gained_lost(BEFORE, BEFORE, PEOPLE, minutes=[15], people_after=PEOPLE.assign(people=[10, 50, 25, 40]))
    total = row(result, group="people", mode="best")
    assert total[["before", "after", "gained", "lost"]].tolist() == [60.0, 85.0, 30.0, 5.0]
    with pytest.raises(InputError, match="not those of people"):
        gained_lost(BEFORE, BEFORE, PEOPLE, people_after=PEOPLE.iloc[1:])


entries = st.dictionaries(
    st.tuples(st.sampled_from("st"), st.integers(0, 3), st.sampled_from(["walk", "bike"])),
    st.integers(1, 25),
    max_size=10,
)


@settings(max_examples=30)
@given(entries, entries)
def test_the_sums_hold_for_every_split(one: dict, two: dict) -> None:
    before, after = (table([(*key, float(value)) for key, value in each.items()]) for each in (one, two))
    result = gained_lost(before, after, PEOPLE, {"commune": COMMUNE})
    np.testing.assert_allclose(result["gained"] - result["lost"], result["after"] - result["before"], atol=1e-9)
    measures = ["people", "before", "after", "gained", "lost", "unchanged"]
    sums = result.groupby(["split", "group", "mode", "minutes"])[measures].sum()
    np.testing.assert_allclose(sums.loc["total"], sums.loc["commune"], atol=1e-9)
    again = gained_lost(after, before, PEOPLE, {"commune": COMMUNE})
    pairs = ["split", "territory", "group", "mode", "minutes"]
    swapped = again.rename(columns={"gained": "lost", "lost": "gained", "before": "after", "after": "before"})
    pd.testing.assert_frame_equal(
        swapped.sort_values(pairs, ignore_index=True)[result.columns], result.sort_values(pairs, ignore_index=True)
    )
