"""Who is left out, on tables small enough to count by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from siteplan.analysis.equity import (
    access_shares,
    cell_territories,
    inequality,
    shortfall,
    sites_in_reach,
)
from siteplan.analysis.indices import concentration, fgt, gini, palma, theil
from siteplan.analysis.places import without_access
from siteplan.errors import InputError, StudyError

CRS = "EPSG:2154"
E, N = 700_000.0, 6_600_000.0


def square(column: float, row: float, side: float = 100.0) -> object:
    return box(E + column * side, N + row * side, E + (column + 1) * side, N + (row + 1) * side)


PEOPLE = pd.DataFrame(
    {"cell": ["a", "b", "c", "d"], "people": [10.0, 20.0, 30.0, np.nan], "workers": [5.0, 0.0, 15.0, 2.0]},
    index=pd.Index([0, 1, 2, 3], name="point"),
)
TIMES = pd.DataFrame(
    [("s", 0, "walk", 10.0), ("s", 1, "walk", 18.0), ("t", 1, "walk", 14.0), ("s", 2, "bike", 15.0)],
    columns=["site", "point", "mode", "minutes"],
)
COMMUNE = pd.Series({"a": "A", "b": "A", "c": "B", "d": None}, name="commune")
SITES = pd.DataFrame({"status": ["existing", "candidate"]}, index=pd.Index(["s", "t"], name="site"))


def pick(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_shares_by_territory_group_and_mode() -> None:
    table = access_shares(TIMES, PEOPLE, COMMUNE)
    assert list(table["split"].unique()) == ["total", "commune"]
    assert list(table["group"].unique()) == ["workers", "people"]
    assert list(table["territory"].unique()) == ["total", "A", "B", "outside"]
    total = pick(table, split="total", group="people", mode="best", minutes=15.0).iloc[0]
    assert (total["people"], total["covered"], total["share"]) == (60.0, 60.0, 1.0)
    walk = pick(table, territory="A", group="people", mode="walk", minutes=15.0).iloc[0]
    assert walk["covered"] == 30.0
    workers = pick(table, territory="B", group="workers", mode="walk", minutes=20.0).iloc[0]
    assert (workers["people"], workers["covered"], workers["share"]) == (15.0, 0.0, 0.0)
    nobody = pick(table, territory="outside", group="people", mode="best", minutes=20.0).iloc[0]
    assert np.isnan(nobody["share"])
    keys = ["group", "mode", "minutes"]
    sums = table.groupby(["split", *keys])[["people", "covered"]].sum()
    pd.testing.assert_frame_equal(sums.loc["total"], sums.loc["commune"])


def test_only_open_sites_count() -> None:
    table = access_shares(TIMES, PEOPLE, minutes=[15], opened=["s"])
    assert pick(table, group="people", mode="walk")["covered"].item() == 10.0
    none = access_shares(TIMES, PEOPLE, minutes=[15], opened=[])
    assert none["covered"].sum() == 0
    with pytest.raises(InputError, match="not in the times, first 'x'"):
        access_shares(TIMES, PEOPLE, opened=["x"])
    with pytest.raises(InputError, match="lacks 1 cells of the people, first 'd'"):
        access_shares(TIMES, PEOPLE, COMMUNE.drop("d"))
    with pytest.raises(StudyError, match="limits above 0"):
        access_shares(TIMES, PEOPLE, minutes=[0])


def test_order_of_rows_changes_nothing() -> None:
    again = access_shares(TIMES.iloc[::-1], PEOPLE.iloc[::-1], COMMUNE.iloc[::-1])
    pd.testing.assert_frame_equal(access_shares(TIMES, PEOPLE, COMMUNE), again)


def test_sites_in_reach() -> None:
    table = sites_in_reach(TIMES, PEOPLE, minutes=[20], most=2)
    walk = pick(table, group="people", mode="walk").set_index("sites")["people"]
    assert walk.to_dict() == {"0": 30.0, "1": 10.0, "2+": 20.0}
    best = pick(table, group="people", mode="best").set_index("sites")["people"]
    assert best.to_dict() == {"0": 0.0, "1": 40.0, "2+": 20.0}
    assert pick(table, group="workers", mode="walk")["people"].sum() == 22.0


def test_a_cell_is_where_most_of_it_lies() -> None:
    communes = gpd.GeoDataFrame(
        {"name": ["Left", "Right"]},
        index=["L", "R"],
        geometry=[box(E, N, E + 140, N + 100), box(E + 140, N, E + 400, N + 100)],
        crs=CRS,
    )
    cells = gpd.GeoDataFrame(index=["a", "b", "c"], geometry=[square(0, 0), square(1, 0), square(9, 9)], crs=CRS)
    assert cell_territories(cells, communes).to_dict() == {"a": "L", "b": "R", "c": "outside"}
    points = gpd.GeoDataFrame(index=["a"], geometry=[Point(E + 139, N + 5)], crs=CRS).to_crs("EPSG:4326")
    assert cell_territories(points, communes).to_dict() == {"a": "L"}
    with pytest.raises(InputError, match="cells: no CRS"):
        cell_territories(cells.set_crs(None, allow_override=True), communes)


def test_places_without_access() -> None:
    """Five cells: one served, two neighbours at a corner, two alone; the candidate helps the pair and one alone."""
    where = {"a": (0, 0), "b": (3, 3), "c": (4, 4), "d": (8, 0), "e": (8, 8)}
    cells = gpd.GeoDataFrame(
        index=pd.Index(where, name="cell"), geometry=[square(*at) for at in where.values()], crs=CRS
    )
    people = pd.DataFrame(
        {"cell": list(where), "people": [9.0, 3.0, 4.0, 6.0, 2.0]}, index=pd.RangeIndex(5, name="point")
    )
    times = pd.DataFrame(
        [("s", 0, 5.0), ("s", 1, 19.0), ("t", 1, 12.0), ("t", 2, 11.0), ("t", 3, 18.0), ("u", 2, 11.0)],
        columns=["site", "point", "minutes"],
    )
    sites = pd.DataFrame({"status": ["existing", "candidate", "candidate"]}, index=["s", "t", "u"])
    commune = pd.Series({"a": "A", "b": "A", "c": "B", "d": "B", "e": None})
    table = without_access(cells, times, people, sites, territories=commune, names={"B": "Bourg"})
    assert table["name"].tolist() == ["Bourg", "Bourg", "outside"]
    assert table["people"].tolist() == [7.0, 6.0, 2.0]
    assert table["cells"].tolist() == [2, 1, 1]
    assert table["candidate"].iloc[0] == "t"  # t and u are equally near; t brings more people
    assert table["candidate"].isna().tolist() == [False, True, True]
    assert table["candidate_minutes"].iloc[0] == 11.0
    assert table["candidate_people"].tolist() == [7.0, 0.0, 0.0]
    assert table.geometry.area.round().tolist() == [20_000.0, 10_000.0, 10_000.0]


def test_everybody_served_is_an_empty_table() -> None:
    cells = gpd.GeoDataFrame(index=["a"], geometry=[square(0, 0)], crs=CRS)
    people = pd.DataFrame({"cell": ["a"], "people": [1.0]}, index=pd.RangeIndex(1, name="point"))
    times = pd.DataFrame({"site": ["s"], "point": [0], "minutes": [1.0]})
    assert without_access(cells, times, people, SITES).empty


def test_points_are_joined_by_their_spacing() -> None:
    cells = gpd.GeoDataFrame(
        index=list("abcd"), geometry=[Point(E + x, N + y) for x, y in ((0, 0), (100, 0), (200, 100), (900, 0))], crs=CRS
    )
    people = pd.DataFrame({"cell": list("abcd"), "people": [1.0] * 4}, index=pd.RangeIndex(4, name="point"))
    times = pd.DataFrame(
        {"site": pd.Categorical([], ["s"]), "point": np.array([], int), "minutes": np.array([], float)}
    )
    assert without_access(cells, times, people, SITES)["cells"].tolist() == [3, 1]
    # Two that are far apart stay two, however few they are.
    served = pd.DataFrame({"site": "s", "point": [0, 1], "minutes": [1.0, 1.0]})
    assert without_access(cells, served, people, SITES)["cells"].tolist() == [1, 1]


def test_indices_on_tables_of_a_few_rows() -> None:
    one = np.ones
    assert gini(one(4), one(4)) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0, 0, 1]), one(4)) == pytest.approx(0.75)  # (n - 1) / n
    assert gini(np.array([1.0, 2, 3, 4]), one(4)) == pytest.approx(0.25)
    assert theil(np.array([0.0, 0, 0, 1]), one(4)) == pytest.approx(np.log(4))
    assert theil(np.array([1.0, 3]), one(2)) == pytest.approx((0.5 * np.log(0.5) + 1.5 * np.log(1.5)) / 2)
    assert palma(np.arange(1.0, 11), one(10)) == pytest.approx(10 / (1 + 2 + 3 + 4))
    assert palma(one(5), one(5)) == pytest.approx(0.25)
    assert palma(np.array([0.0, 1]), one(2)) == np.inf
    # Ranked by income: the richest tenth has 1, the poorest four tenths 40.
    assert palma(np.arange(10.0, 0, -1), one(10), np.arange(10.0)) == pytest.approx(1 / (10 + 9 + 8 + 7))
    assert concentration(np.array([1.0, 2, 3, 4]), one(4), np.array([4.0, 3, 2, 1])) == pytest.approx(-0.25)
    assert concentration(np.array([1.0, 3]), one(2), one(2)) == pytest.approx(0.0)  # all of one rank
    assert np.isnan(gini(np.zeros(3), one(3)))
    # Incomes 5, 10, 15, 20 with a line of 12: two poor, lacking 7/12 and 2/12.
    incomes = np.array([5.0, 10, 15, 20])
    assert fgt(incomes, one(4), 12, 0) == pytest.approx(2 / 4)
    assert fgt(incomes, one(4), 12, 1) == pytest.approx((7 + 2) / 12 / 4)
    assert fgt(incomes, one(4), 12, 2) == pytest.approx((49 + 4) / 144 / 4)
    assert fgt(np.array([10.0, 15, 18, 40, np.inf]), one(5), 15, 1, more_is_worse=True) == pytest.approx(
        (0.2 + 1 + 1) / 5
    )
    with pytest.raises(InputError, match="number 1 is -1"):
        gini(np.array([1.0, -1]), one(2))
    with pytest.raises(StudyError, match="line above 0"):
        fgt(incomes, one(4), 0, 1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1, max_size=8))
def test_weights_are_people_and_gini_is_the_mean_difference(rows: list[tuple[int, int]]) -> None:
    x, w = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows], float)
    each = np.repeat(x, w.astype(int))
    if each.sum() == 0:
        assert np.isnan(gini(x, w))
        return
    slow = np.abs(each[:, None] - each[None, :]).mean() / 2 / each.mean()
    assert gini(x, w) == pytest.approx(slow, abs=1e-12)
    same = np.ones(len(each))
    assert theil(x, w) == pytest.approx(theil(each, same), abs=1e-12)
    if np.isfinite(palma(each, same)):
        assert palma(x, w) == pytest.approx(palma(each, same))
    assert -1e-12 <= concentration(x, w, x) <= 1


def test_inequality_puts_groups_first_and_ranks_by_income() -> None:
    access = pd.Series([1.0, 2.0, 3.0], index=[0, 1, 2])
    people = PEOPLE.assign(people=1.0, workers=[1.0, 0.0, 1.0, 0.0])
    table = inequality(access, people, income=pd.Series([3.0, 2.0, 1.0], index=[0, 1, 2]))
    assert list(table.index) == ["workers", "people"]
    assert table.loc["workers", "mean"] == 2.0
    assert table.loc["workers", "gini"] == pytest.approx(0.25)
    assert table.loc["workers", "concentration"] == pytest.approx(-0.25)
    assert np.isnan(inequality(access, people).loc["people", "concentration"])
    with pytest.raises(InputError, match="not in the people table"):
        inequality(pd.Series([1.0], index=[99]), people)


def test_shortfall_by_group() -> None:
    table = shortfall(TIMES, PEOPLE, minutes=[15], opened=["s"])
    people = pick(table, group="people", mode="walk").iloc[0]
    assert people["fgt0"] == pytest.approx(50 / 60)
    assert people["fgt1"] == pytest.approx((20 * 0.2 + 30) / 60)
    assert people["fgt2"] == pytest.approx((20 * 0.04 + 30) / 60)
    assert table["group"].iloc[0] == "workers"
