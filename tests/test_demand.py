"""Desks: the chain by hand, the chances against sums of the binomial, the seating against a small town."""

from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteplan.analysis.demand import (
    UPTAKES,
    DeskNeed,
    chance_of_no_desk,
    desk_table,
    desks_for_chance,
    share_desks,
    weekdays,
)
from siteplan.errors import InputError, StudyError


def test_the_chain_by_hand() -> None:
    table = desk_table(pd.Series({"s": 10_000.0}), uptakes=UPTAKES).set_index("uptake")
    row = table.loc[0.05]
    assert row["teleworkers"] == pytest.approx(3_700)
    assert row["comers"] == pytest.approx(185)
    assert row["mean_day"] == pytest.approx(74)
    assert row["peak_day"] == pytest.approx(96.2)
    assert row["desks"] == 121  # 96.2 / 0.8 = 120.25
    assert row["rooms"] == 11
    assert row["m2"] == 1512.5
    assert table["desks"].tolist() == [49, 121, 241]
    assert table["desks_at_0.01"].ge(table["desks_at_0.05"]).all()
    assert desk_table({"s": 0.0}, uptakes=[0.1])["desks"].item() == 0


def tail(people: int, chance: float, desks: int) -> float:
    return sum(comb(people, k) * chance**k * (1 - chance) ** (people - k) for k in range(desks + 1, people + 1))


@given(st.integers(0, 60), st.floats(0, 1), st.integers(0, 70))
def test_the_chance_is_the_tail_of_the_binomial(people: int, chance: float, desks: int) -> None:
    assert chance_of_no_desk(people, chance, desks) == pytest.approx(tail(people, chance, desks), abs=1e-9)


@given(st.integers(0, 40), st.sampled_from([0.01, 0.05, 0.3, 0.9]), st.sampled_from([0.01, 0.05, 0.5]))
def test_the_least_desks_for_a_chance(people: int, chance: float, most: float) -> None:
    desks = desks_for_chance(people, chance, most)
    assert tail(people, chance, desks) <= most
    assert desks == 0 or tail(people, chance, desks - 1) > most


def test_a_week_sums_to_five_mean_days() -> None:
    flat = weekdays(74.0)
    assert flat["people"].iloc[0] == pytest.approx(96.2)
    assert flat["people"].sum() == pytest.approx(370)
    own = weekdays(10.0, profile={"Mon": 40, "Tue": 51, "Wed": 40, "Thu": 49, "Fri": 27})
    assert own["people"].sum() == pytest.approx(50)
    assert own["of_mean"].max() == pytest.approx(51 * 5 / 207)
    with pytest.raises(StudyError, match="five weekdays"):
        weekdays(10.0, profile={"Mon": 1})


PEOPLE = pd.DataFrame({"people": [1000.0, 500.0, 300.0]}, index=pd.RangeIndex(3, name="point"))
TIMES = pd.DataFrame(
    [("s", 0, 5.0), ("t", 0, 12.0), ("s", 1, 4.0), ("t", 2, 3.0), ("s", 2, 30.0)], columns=["site", "point", "minutes"]
)
ALL_COME = DeskNeed(teleworkable=1.0, days=5.0, peak=1.0)  # uptake alone makes the number


def test_the_full_send_on_to_the_next() -> None:
    # At 10 % 100, 50 and 30 come; s has 90 desks for 150, so 60 are seated of 100 and 30 of 50.
    # The 40 left at point 0 go on to t, which has 50 - 30 = 20 places.
    table = share_desks(TIMES, PEOPLE, pd.Series({"s": 90.0, "t": 50.0}), uptake=0.1, need=ALL_COME)
    np.testing.assert_allclose(table.loc["s"], [90, 150, 90, 0, 20, 40])
    np.testing.assert_allclose(table.loc["t"], [50, 30, 50, 20, 0, 0])


@given(st.lists(st.integers(0, 200), min_size=2, max_size=2))
def test_nobody_is_lost_or_seated_twice(desks: list[int]) -> None:
    table = share_desks(TIMES, PEOPLE, pd.Series(desks, index=["s", "t"], dtype=float), uptake=0.1, need=ALL_COME)
    balance = table["seated"] - table["from_others"] + table["sent_on"] + table["left_out"]
    np.testing.assert_allclose(table["wanted"], balance, atol=1e-9)
    assert table["wanted"].sum() == pytest.approx(180.0)
    assert table["from_others"].sum() == pytest.approx(table["sent_on"].sum())
    assert (table["seated"] <= table["desks"] + 1e-9).all()


def test_a_closed_site_seats_nobody() -> None:
    table = share_desks(TIMES, PEOPLE, pd.Series({"t": 500.0}), uptake=0.1, need=ALL_COME)
    assert list(table.index) == ["t"]
    assert table["wanted"].item() == pytest.approx(130.0)


def test_shares_out_of_bounds() -> None:
    with pytest.raises(StudyError, match=r"teleworkable is 1\.2"):
        DeskNeed(teleworkable=1.2)
    with pytest.raises(StudyError, match="occupancy is 0"):
        DeskNeed(occupancy=0.0)
    with pytest.raises(StudyError, match="uptake is 5"):
        desk_table({"s": 1.0}, uptakes=[5])
    with pytest.raises(StudyError, match="more people on the fullest day than there are"):
        desk_table({"s": 1.0}, uptakes=[1.0], need=DeskNeed(days=5, peak=1.3))
    with pytest.raises(StudyError, match="no uptake"):
        desk_table({"s": 1.0}, uptakes=[])
    with pytest.raises(TypeError, match="uptakes"):
        desk_table({"s": 1.0})
    with pytest.raises(InputError, match="site 's' has -1"):
        desk_table({"s": -1.0}, uptakes=[0.1])
    with pytest.raises(InputError, match="not in the times, first 'x'"):
        share_desks(TIMES, PEOPLE, pd.Series({"x": 1.0}), uptake=0.1)
    with pytest.raises(StudyError, match="more than 0 and less than 1"):
        desks_for_chance(10, 0.1, 1.5)
