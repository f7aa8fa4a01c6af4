"""Sites judged by several criteria: by hand, against grids of weights, and against closed forms."""

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.criteria import closeness, first_shares, judge_sites, unmet_requirements, weight_ranges
from siteplan.config.criteria import Requirement
from siteplan.errors import InputError, StudyError

SITES = pd.DataFrame(
    {
        "people": [900.0, 700.0, 400.0],
        "rent": [12.0, 6.0, 9.0],
        "step_free": ["no", "yes", "yes"],
        "energy": ["F", "B", ""],
        "fibre": [1, 0, 1],
    },
    index=pd.Index(["A", "B", "C"], name="site"),
)


def test_a_weighted_sum_by_hand() -> None:
    # people: (p - 400) / 500 = 1, 0.6, 0; rent, less being better: (12 - r) / 6 = 0, 1, 0.5; weights 1/4 and 3/4.
    found = judge_sites(SITES, {"people": 1, "rent": {"weight": 3, "better": "less"}})
    assert found.sites["weighted"].tolist() == [25.0, 90.0, 37.5]
    assert found.sites["weighted_rank"].tolist() == [3, 1, 2]
    assert found.first == "B"
    assert found.weights[["worst", "best", "weight"]].to_numpy().tolist() == [[400.0, 900.0, 0.25], [12.0, 6.0, 0.75]]
    parts = found.parts.pivot_table(index="site", columns="criterion", values="part")
    np.testing.assert_allclose(parts.sum(axis=1), found.sites["weighted"])
    assert parts.loc["B"].to_dict() == {"people": pytest.approx(15.0), "rent": pytest.approx(75.0)}


def test_topsis_of_four_rows_by_hand() -> None:
    # Weights 0.6 and 0.4; the best of each column is (0.6, 0.4), the worst (0, 0). Row 1 is 0.4 from the best and 0.6
    # from the worst: 0.6. Row 2 the other way round: 0.4. Row 3 is the best itself. Row 4 lies in the middle: 0.5.
    near = closeness([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]], [0.6, 0.4])
    np.testing.assert_allclose(near, [0.6, 0.4, 1.0, 0.5], atol=1e-15)
    # It is not the weighted sum: who is middling in both is as near as the sum says, who is best in one is not.
    assert closeness([[1.0, 0.0], [0.0, 1.0], [0.45, 0.45], [0.0, 0.0]], [0.5, 0.5])[2] < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_topsis_as_pymcdm_has_it(seed: int) -> None:
    methods = pytest.importorskip("pymcdm.methods")
    random = np.random.default_rng(seed)
    values, weights = random.uniform(0, 1, (9, 4)), random.dirichlet(np.ones(4))
    scaled = (values - values.min(axis=0)) / (values.max(axis=0) - values.min(axis=0))
    theirs = methods.TOPSIS()(values, weights, np.ones(4))  # scales by the range as well
    np.testing.assert_allclose(closeness(scaled, weights), theirs)


def test_where_no_column_tells_rows_apart_all_are_best() -> None:
    assert closeness([[0.5, 1.0], [0.5, 1.0]], [0.3, 0.7]).tolist() == [1.0, 1.0]
    assert closeness(np.zeros((0, 2)), [0.3, 0.7]).tolist() == []


def test_scales_are_those_stated() -> None:
    def scaled(**keys: object) -> list[float]:
        parts = judge_sites(SITES, {"rent": keys}).parts
        return [round(value, 6) for value in parts["scaled"]]

    assert scaled() == [1.0, 0.0, 0.5]
    assert scaled(better="less") == [0.0, 1.0, 0.5]
    assert scaled(scale="largest") == [1.0, 0.5, 0.75]
    assert scaled(scale="largest", better="less") == [0.0, 0.5, 0.25]
    assert scaled(scale=[14, 10], better="less") == [0.5, 1.0, 1.0]  # beyond the best, nothing more counts


def test_words_yes_and_no_and_what_is_not_known() -> None:
    order = ["G", "F", "E", "D", "C", "B", "A"]
    found = judge_sites(SITES, {"step_free": 1, "energy": {"order": order}})
    values = found.parts.pivot_table(index="site", columns="criterion", values="scaled")
    assert values["step_free"].tolist() == [0.0, 1.0, 1.0]
    assert values["energy"].dropna().to_dict() == {"A": pytest.approx(1 / 6), "B": pytest.approx(5 / 6)}
    assert found.sites["unknown"].tolist() == ["", "", "energy"]
    assert np.isnan(found.sites.loc["C", "weighted"])
    assert found.sites["first"].sum() == pytest.approx(1.0)
    # What counts nothing need not be known.
    assert judge_sites(SITES, {"step_free": 1, "energy": {"order": order, "weight": 0}}).sites["unknown"].eq("").all()


def test_requirements_filter() -> None:
    found = judge_sites(SITES, {"people": 1}, require={"step_free": True, "rent": {"at_most": 9}, "energy": ["A", "B"]})
    assert found.sites["unmet"].tolist() == ["step_free, rent, energy", "", "energy"]
    assert found.sites["weighted_rank"].dropna().to_dict() == {"B": 1}
    assert found.first == "B"
    nobody = judge_sites(SITES, {"people": 1}, require={"rent": {"at_least": 100}})
    assert nobody.first is None
    assert nobody.sites["weighted"].isna().all()
    assert nobody.weights.loc["people", ["below", "above", "without", "doubled"]].eq("").all()


def test_requirements_compare_numbers_and_texts_of_them() -> None:
    table = pd.DataFrame({"zone": ["2", "3", None], "floor": ["12,5", "7", ""]}, index=["a", "b", "c"])
    asked = {"zone": Requirement(one_of=(2,)), "floor": Requirement(at_least=10)}
    assert unmet_requirements(table, asked).tolist() == ["", "zone, floor", "zone, floor"]


def test_how_far_a_weight_may_move_by_hand() -> None:
    # A has (1, 0), B (0, 1), at weights 0.7 and 0.3: A is first down to a half of the first weight.
    found = weight_ranges([[1.0, 0.0], [0.0, 1.0]], [0.7, 0.3], pd.Index(["A", "B"]))
    assert found.round(9).to_dict("records") == [
        {"least": 0.5, "most": 1.0, "below": "B", "above": "", "without": "B", "doubled": "A"},
        {"least": 0.0, "most": 0.5, "below": "", "above": "B", "without": "A", "doubled": "A"},
    ]


def test_what_counts_twice_may_turn_the_first() -> None:
    # Weights 0.4 and 0.6: B is first. Twice 0.4 against 0.6 is 4/7: A is.
    found = weight_ranges([[1.0, 0.0], [0.0, 1.0]], [0.4, 0.6], pd.Index(["A", "B"]))
    assert found["doubled"].tolist() == ["A", "B"]
    one = weight_ranges([[0.2], [0.9]], [1.0], pd.Index(["A", "B"]))
    assert one.loc[0, ["least", "most", "without"]].tolist() == [0.0, 1.0, ""]


@pytest.mark.parametrize("seed", range(40))
def test_ranges_agree_with_trying_every_weight(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = int(random.integers(2, 8)), int(random.integers(2, 6))
    values = random.integers(0, 5, (rows, columns)) / 4  # so that many stand level
    weights = random.dirichlet(np.ones(columns))
    names = pd.Index([f"s{row}" for row in range(rows)])
    told = weight_ranges(values, weights, names)

    def figures(column: int, t: float) -> np.ndarray:
        moved = np.where(np.arange(columns) == column, t, weights * (1 - t) / (1 - weights[column]))
        return np.round(values @ moved, 8)

    leader = int(np.round(values @ weights, 8).argmax())
    for column in range(columns):
        least, most = told.loc[column, ["least", "most"]].astype(float)
        assert -1e-12 <= least <= weights[column] <= most <= 1 + 1e-12
        for t in np.linspace(0, 1, 401):
            each = figures(column, t)
            stays = each[leader] >= each.max()
            if least + 1e-6 < t < most - 1e-6:
                assert stays, (column, t)
            elif t < least - 1e-6 or t > most + 1e-6:
                assert not stays, (column, t)
        for end, step, name in ((least, -1e-5, told.loc[column, "below"]), (most, 1e-5, told.loc[column, "above"])):
            if name:
                each = figures(column, end + step)
                assert each[names.get_loc(name)] == pytest.approx(each.max(), abs=1e-7)
        assert each_first(figures(column, 0.0), names) == told.loc[column, "without"]
        twice = 2 * weights[column] / (1 + weights[column])
        assert each_first(figures(column, twice), names) == told.loc[column, "doubled"]


def each_first(figures: np.ndarray, names: pd.Index) -> str:
    return str(names[int(figures.argmax())])


def test_shares_of_all_weightings_against_the_closed_form() -> None:
    # Of two criteria, A (1, 0) is first above one half, B (0.6, 0.8) below: w > 0.6 w + 0.8 (1 - w), so w > 2/3.
    shares = first_shares([[1.0, 0.0], [0.6, 0.8], [0.5, 0.7]], draws=100_000)
    np.testing.assert_allclose(shares, [1 / 3, 2 / 3, 0.0], atol=0.005)  # standard error: 0.0015
    # Of three criteria, each site the best of one: a third each.
    np.testing.assert_allclose(first_shares(np.eye(3), draws=100_000), [1 / 3] * 3, atol=0.005)
    assert shares.sum() == pytest.approx(1.0)


def test_shares_are_drawn_alike_again_and_level_rows_share() -> None:
    values = np.random.default_rng(3).uniform(size=(6, 4))
    assert (first_shares(values) == first_shares(values)).all()
    assert (first_shares(values) != first_shares(values, seed=2)).any()
    twins = np.vstack([values, values])
    np.testing.assert_allclose(first_shares(twins), np.tile(first_shares(values) / 2, 2))
    # Weightings are alike likely: the slow obvious way, each of them by itself.
    rng, count = np.random.default_rng(1), np.zeros(6)
    drawn = rng.exponential(size=(500, 4))
    for weights in drawn / drawn.sum(axis=1, keepdims=True):
        count[(values @ weights).argmax()] += 1
    np.testing.assert_allclose(first_shares(values, draws=500), count / 500)


def test_the_order_of_criteria_and_sites_changes_nothing_told() -> None:
    random = np.random.default_rng(5)
    table = pd.DataFrame(random.uniform(size=(7, 3)), index=[f"s{n}" for n in range(7)], columns=["a", "b", "c"])
    one = judge_sites(table, {"a": 1, "b": 2, "c": 3})
    other = judge_sites(table.iloc[::-1], {"c": 3, "b": 2, "a": 1})
    pd.testing.assert_frame_equal(
        one.sites[["weighted", "topsis"]], other.sites.loc[table.index, ["weighted", "topsis"]], atol=1e-6, rtol=0
    )
    assert one.first == other.first


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"fibres": 1}, "no column 'fibres' in the table; expected one such as fibre"),
        ({"fibre": -1}, "columns.fibre.weight: found -1, expected greater than or equal to 0"),
        ({"fibre": 0}, "no weight is above 0"),
        ({"rent": {"better": "less", "scale": [6, 12]}}, "expected the worst value first, then the best"),
        ({"energy": {"order": ["A", "a"]}}, "expected two words or more, none twice"),
        ({"rent": {"wieght": 2}}, "did you mean 'weight'"),
    ],
)
def test_what_makes_no_sense_is_refused(criteria: dict, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        judge_sites(SITES, criteria)


def test_words_without_an_order_are_refused() -> None:
    with pytest.raises(InputError, match="site 'A' has 'F' in column 'energy'; expected numbers, or yes and no"):
        judge_sites(SITES, {"energy": 1})
    with pytest.raises(InputError, match="site 'A' has 'F' in column 'energy'; expected one of its order, C, B, A"):
        judge_sites(SITES, {"energy": {"order": ["C", "B", "A"]}})
    below = SITES.assign(rent=[-1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="column 'rent' is below 0 at site 'A'"):
        judge_sites(below, {"rent": {"scale": "largest"}})
