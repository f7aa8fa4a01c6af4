"""Huff's rule: two sites by hand, every pair by itself, and what a new place takes from the others."""

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.competition import huff_shares, net_gain
from siteplan.errors import InputError, StudyError

PEOPLE = pd.DataFrame({"people": [100.0, 50.0, 30.0]}, index=pd.RangeIndex(3, name="point"))
TIMES = pd.DataFrame(
    [("s", 0, 10.0), ("t", 0, 5.0), ("s", 1, 4.0), ("t", 2, 12.0), ("t", 1, 40.0)],
    columns=["site", "point", "minutes"],
)
DESKS = pd.Series({"s": 20.0, "t": 10.0})


def test_two_sites_by_hand() -> None:
    # Point 0: s draws 20 / 10^2 = 0.2, t 10 / 5^2 = 0.4; a third of its 100 goes to s. Point 1 has s alone within 15
    # minutes, point 2 t alone.
    shares = huff_shares(TIMES, PEOPLE, DESKS)
    assert shares.to_dict() == {"s": pytest.approx(100 / 3 + 50), "t": pytest.approx(200 / 3 + 30)}
    # By size alone, two thirds go to s; by distance alone, a fifth.
    assert huff_shares(TIMES, PEOPLE, DESKS, decay=0)["s"] == pytest.approx(200 / 3 + 50)
    assert huff_shares(TIMES, PEOPLE, DESKS, power=0)["s"] == pytest.approx(20 + 50)


def test_a_new_place_is_told_net_of_what_it_takes() -> None:
    # Before, s has all of points 0 and 1. t takes 200/3 from it, and brings the 30 of point 2, who had none.
    found = net_gain(TIMES, PEOPLE, DESKS, before=["s"], new=["t"])
    assert found["change"].to_dict() == {"s": pytest.approx(-200 / 3), "t": pytest.approx(200 / 3 + 30)}
    told = found.loc["t", ["alone", "net_alone", "taken_alone"]].astype(float)
    np.testing.assert_allclose(told, [200 / 3 + 30, 30, 200 / 3])
    assert found.loc["s", ["alone", "net_alone", "taken_alone"]].isna().all()
    assert found["change"].sum() == pytest.approx(30)


def test_on_the_spot_counts_as_a_minute_away() -> None:
    times = pd.DataFrame([("s", 0, 0.0), ("t", 0, 2.0)], columns=["site", "point", "minutes"])
    people = PEOPLE.iloc[:1]
    shares = huff_shares(times, people, pd.Series({"s": 1.0, "t": 1.0}))
    assert shares.to_dict() == {"s": pytest.approx(80.0), "t": pytest.approx(20.0)}


@pytest.mark.parametrize("seed", range(10))
def test_as_each_person_by_itself(seed: int) -> None:
    random = np.random.default_rng(seed)
    sites, points = [f"s{n}" for n in range(6)], range(30)
    people = pd.DataFrame({"people": random.integers(0, 90, 30).astype(float)}, index=pd.RangeIndex(30, name="point"))
    rows = [(s, p, float(random.uniform(0, 30))) for s in sites for p in points if random.uniform() < 0.6]
    times = pd.DataFrame(rows, columns=["site", "point", "minutes"])
    desks = pd.Series(random.integers(1, 50, 6).astype(float), sites)
    opened = ["s0", "s1", "s4", "s5"]
    wanted = dict.fromkeys(sites, 0.0)
    for point in points:
        near = {s: max(m, 1.0) for s, p, m in rows if p == point and m <= 20 and s in opened}
        drawn = {s: desks[s] ** 0.8 / minutes**1.5 for s, minutes in near.items()}
        for s, each in drawn.items():
            wanted[s] += people.loc[point, "people"] * each / sum(drawn.values())
    found = huff_shares(times, people, desks, minutes=20, power=0.8, decay=1.5, opened=opened)
    assert found.to_dict() == pytest.approx(wanted)
    covered = {p for s, p, m in rows if m <= 20 and s in opened}
    assert found.sum() == pytest.approx(people.loc[sorted(covered), "people"].sum())
    gain = net_gain(times, people, desks, before=opened[:2], new=opened[2:], minutes=20, power=0.8, decay=1.5)
    had = {p for s, p, m in rows if m <= 20 and s in opened[:2]}
    assert gain["change"].sum() == pytest.approx(people.loc[sorted(covered - had), "people"].sum())
    assert (gain.loc[opened[:2], "change"] <= 1e-9).all()
    for place in opened[2:]:
        alone = net_gain(times, people, desks, before=opened[:2], new=[place], minutes=20, power=0.8, decay=1.5)
        row = gain.loc[place]
        assert row["alone"] == pytest.approx(alone.loc[place, "after"])
        assert row["net_alone"] == pytest.approx(alone["change"].sum())
        assert row["taken_alone"] == pytest.approx(-alone.loc[opened[:2], "change"].sum())


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="1 places have none above 0, first 't'"):
        huff_shares(TIMES, PEOPLE, pd.Series({"s": 20.0, "t": 0.0}))
    with pytest.raises(InputError, match="first 't'"):
        huff_shares(TIMES, PEOPLE, pd.Series({"s": 20.0}))
    with pytest.raises(StudyError, match="decay: is -1"):
        huff_shares(TIMES, PEOPLE, DESKS, decay=-1)
    with pytest.raises(StudyError, match="new: s: open before already"):
        net_gain(TIMES, PEOPLE, DESKS, before=["s"], new=["s", "t"])
