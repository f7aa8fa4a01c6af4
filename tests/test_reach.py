"""Reach, unique reach, added, overlap, coverage, decay, access and score, on worlds whose answer is known by head."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.analysis.access import cell_access
from siteplan.analysis.reach import added, coverage, decayed_reach, overlap, reach
from siteplan.analysis.score import score_sites
from siteplan.config import Decay
from siteplan.errors import InputError, StudyError
from tests.oracles import square

# Four sites and six points of one cell each, 1, 2, 4, 8, 16 and 32 people: every sum tells who is in it.
PEOPLE = pd.DataFrame(
    {"cell": list("abcdef"), "people": [1.0, 2, 4, 8, 16, 32], "workers": [0.5, 1, 2, 4, 8, 16]},
    index=pd.RangeIndex(6, name="point"),
)
SITES = pd.DataFrame(
    {"status": ["existing", "required", "candidate", "excluded"]}, index=pd.Index(["A", "B", "C", "D"], name="site")
)
WALK = {("A", 0): 5, ("A", 1): 15, ("B", 1): 10, ("B", 2): 16, ("C", 2): 15, ("C", 3): 20, ("D", 3): 1}
BIKE = {("A", 0): 2, ("A", 1): 6, ("A", 4): 18, ("B", 2): 7, ("C", 3): 9}


def table(**minutes: dict[tuple[str, int], float]) -> pd.DataFrame:
    rows = [(site, point, mode, time) for mode, times in minutes.items() for (site, point), time in times.items()]
    times = pd.DataFrame(rows, columns=["site", "point", "mode", "minutes"]).astype({"point": int, "minutes": float})
    times["site"] = pd.Categorical(times["site"], categories=["A", "B", "C", "D"])
    return times.assign(mode=pd.Categorical(times["mode"], categories=list(minutes)))


def test_reach_counts_people_within_each_limit_and_those_nobody_else_reaches() -> None:
    found = reach(table(walk=WALK), PEOPLE, minutes=[15, 20])
    assert found["people_walk_15"].tolist() == [3, 2, 4, 8]
    assert found["unique_walk_15"].tolist() == [1, 0, 4, 8]
    assert found["people_walk_20"].tolist() == [3, 6, 12, 8]
    assert found["unique_walk_20"].tolist() == [1, 0, 0, 0]
    assert found["unique_workers_walk_15"].tolist() == [0.5, 0, 2, 4]
    assert found.index.name == "site"


def test_best_counts_each_person_once() -> None:
    found = reach(table(walk=WALK, bike=BIKE), PEOPLE, minutes=[6, 20], groups=())
    assert found["people_best_6"].tolist() == [3, 0, 0, 8]  # point 1 is 15 minutes from A on foot and 6 by bike
    assert found["people_bike_20"].tolist() == [19, 4, 8, 0]
    assert found["people_best_20"].tolist() == [19, 6, 12, 8]
    assert found["unique_best_20"].tolist() == [17, 0, 0, 0]


def test_one_mode_has_no_best_and_no_mode_is_called_given() -> None:
    times = table(walk=WALK).drop(columns="mode")
    assert list(reach(times, PEOPLE, minutes=[7.5], groups=[])) == ["people_given_7.5", "unique_given_7.5"]


def test_a_site_that_reaches_nobody_has_zeros() -> None:
    found = reach(table(walk={("A", 0): 5}), PEOPLE, minutes=[15])
    assert found.loc["D"].tolist() == [0, 0, 0, 0]


def test_withheld_people_count_as_nothing() -> None:
    withheld = PEOPLE.assign(people=PEOPLE["people"].where(PEOPLE.index != 1))
    assert reach(table(walk=WALK), withheld, minutes=[15])["people_walk_15"].tolist() == [1, 0, 4, 8]


def test_a_limit_counts_the_same_alone_or_in_a_list() -> None:
    people = PEOPLE.assign(people=[0.1, 0.2, 0.3, 0.4, 0.7, 0.9])
    alone = reach(table(bike=BIKE), people, minutes=[18])
    pd.testing.assert_series_equal(
        alone["people_bike_18"], reach(table(bike=BIKE), people, minutes=[6, 18])["people_bike_18"], check_exact=True
    )


def test_points_may_be_a_column_of_any_labels() -> None:
    people = pd.DataFrame({"point": ["p", "o"], "people": [3, 4]})
    times = pd.DataFrame({"site": ["A", "B"], "point": ["o", "p"], "minutes": [1, 2]})
    assert reach(times, people)["people_given_15"].to_dict() == {"A": 4, "B": 3}


def test_added_is_what_no_other_existing_or_required_site_reaches() -> None:
    found = added(table(walk=WALK), PEOPLE, SITES, minutes=[15, 20], groups=["workers"])
    assert found.index.tolist() == ["A", "B", "C"]  # D is excluded
    assert found["added_walk_15"].tolist() == [1, 0, 4]
    assert found["added_walk_20"].tolist() == [1, 4, 8]
    assert found["added_workers_walk_20"].tolist() == [0.5, 2, 4]


def test_added_refuses_times_of_other_sites() -> None:
    with pytest.raises(InputError, match="2 sites are not in the sites table, first 'C'"):
        added(table(walk=WALK), PEOPLE, SITES.iloc[:2])


def test_overlap_counts_people_reached_by_both() -> None:
    found = overlap(table(walk=WALK), PEOPLE, minutes=20)
    assert found[found["site"] == "A"].to_numpy().tolist() == [["A", "B", 2]]
    assert found[found["site"] == "C"].to_numpy().tolist() == [["C", "D", 8], ["C", "B", 4]]


def test_overlap_takes_best_of_several_modes_and_refuses_unknown_ones() -> None:
    times = table(walk=WALK, bike=BIKE)
    assert overlap(times, PEOPLE, minutes=9).to_numpy().tolist() == [["C", "D", 8], ["D", "C", 8]]
    assert overlap(times, PEOPLE, minutes=9, mode="walk").empty
    with pytest.raises(StudyError, match=r"no mode 'car'.*walk, bike, best"):
        overlap(times, PEOPLE, mode="car")


def test_covered_is_the_union_of_the_sites() -> None:
    found = coverage(table(walk=WALK, bike=BIKE), PEOPLE, minutes=[20]).set_index("mode")
    assert found["people"].to_dict() == {"walk": 15, "bike": 31, "best": 31}
    assert found.loc["walk", "workers_share"] == 15 / 63


@pytest.mark.parametrize("times", [table(walk={}), table(walk={}).drop(columns="mode")])
def test_no_site_covers_nobody(times: pd.DataFrame) -> None:
    found = coverage(times, PEOPLE, minutes=[15])
    assert found["people"].tolist() == [0]
    assert found["people_share"].tolist() == [0]


def test_a_share_of_nobody_is_missing() -> None:
    found = coverage(table(walk=WALK), PEOPLE.assign(people=0.0), minutes=[15])
    assert found["people_share"].isna().all()


def test_step_decay_is_reach() -> None:
    times = table(walk=WALK, bike=BIKE)
    found = decayed_reach(times, PEOPLE, decay=Decay("step", 15))
    counted = reach(times, PEOPLE, minutes=[15])
    assert found["decayed_best"].tolist() == counted["people_best_15"].tolist()
    assert found["decayed_workers_walk"].tolist() == counted["workers_walk_15"].tolist()


def test_linear_decay_weighs_half_at_half_the_limit() -> None:
    found = decayed_reach(table(walk={("A", 3): 10, ("A", 2): 0, ("A", 5): 25}), PEOPLE, decay=Decay("linear", 20))
    assert found.loc["A", "decayed_walk"] == 4 + 8 / 2


def test_logistic_decay_is_one_at_the_door_about_half_at_the_middle_and_a_step_when_steep() -> None:
    minutes = np.array([0.0, 15, 14.9, 15.1, 60])
    assert Decay("logistic", 15, deviation=5).weights(minutes)[:2] == pytest.approx([1, 0.5], abs=3e-3)
    steep = Decay("logistic", 15, deviation=1e-6).weights(minutes)
    assert steep[[0, 2, 3, 4]] == pytest.approx([1, 1, 0, 0])


@pytest.mark.parametrize(("kind", "minutes", "deviation"), [("cubic", 15, 5), ("step", 0, 5), ("logistic", 15, np.nan)])
def test_impossible_decays_are_refused(kind: str, minutes: float, deviation: float) -> None:
    with pytest.raises(StudyError, match="decay: "):
        Decay(kind, minutes, deviation)


@pytest.mark.parametrize("minutes", [[], [0], [15, -1], [np.nan], [np.inf]])
def test_limits_must_be_above_zero(minutes: list[float]) -> None:
    with pytest.raises(StudyError, match="expected one or more limits above 0"):
        reach(table(walk=WALK), PEOPLE, minutes=minutes)


def test_a_mode_may_not_be_called_best() -> None:
    with pytest.raises(InputError, match="a mode is called 'best'"):
        reach(table(best=WALK), PEOPLE)


# --- cells -----------------------------------------------------------------------------------------------------------

TWO_CELLS = pd.DataFrame({"cell": ["x", "x", "x", "y"], "people": [1.0, 3, 4, np.nan]}).rename_axis("point")


def test_cell_access_weighs_minutes_by_people_and_says_which_site() -> None:
    times = table(walk={("A", 0): 2, ("B", 1): 10, ("C", 1): 18, ("B", 3): 5})
    found = cell_access(times, TWO_CELLS, minutes=[5, 10])
    assert found.loc["x", ["minutes_walk", "site_walk"]].tolist() == [(2 * 1 + 10 * 3) / 4, "B"]
    assert found.loc["x", ["covered_walk_5", "covered_walk_10"]].tolist() == [1 / 8, 4 / 8]
    assert found.loc["y", ["minutes_walk", "site_walk"]].tolist() == [5, "B"]
    assert np.isnan(found.loc["y", "covered_walk_10"])  # the people of y are withheld


def test_cell_access_names_the_best_mode() -> None:
    times = table(walk={("A", 0): 2, ("A", 1): 9}, bike={("B", 0): 3, ("B", 1): 4})
    found = cell_access(times, TWO_CELLS).loc["x"]
    assert found[["mode_best", "site_best", "minutes_best"]].tolist() == ["bike", "B", (2 * 1 + 4 * 3) / 4]


def test_cell_access_counts_the_open_sites_alone() -> None:
    times = table(walk={("A", 0): 2, ("B", 1): 10, ("C", 1): 18, ("B", 3): 5})
    found = cell_access(times, TWO_CELLS, opened=["A", "C"])
    assert found.loc["x", ["minutes_walk", "site_walk"]].tolist() == [(2 * 1 + 18 * 3) / 4, "C"]
    assert found.loc["y", ["minutes_walk", "site_walk"]].isna().all()  # B alone reaches it


def test_a_cell_out_of_reach_has_no_minutes() -> None:
    found = cell_access(table(walk={("A", 0): 2}), TWO_CELLS)
    assert found.loc["y", ["minutes_walk", "site_walk", "mode_best"]].isna().all()
    assert found.loc["x", "covered_walk_15"] == 1 / 8


def test_equally_near_sites_are_named_in_order() -> None:
    assert cell_access(table(walk={("C", 0): 2, ("B", 0): 2}), TWO_CELLS).loc["x", "site_walk"] == "B"


def test_cell_access_without_any_time() -> None:
    found = cell_access(table(walk={}), TWO_CELLS)
    assert found["minutes_best"].isna().all()
    assert found.loc["x", "covered_best_15"] == 0


# --- score -----------------------------------------------------------------------------------------------------------

MEASURES = pd.DataFrame({"near": [10.0, 5, 10, 0], "far": [0.0, 20, 0, 10], "none": 0.0}, index=list("ABCD"))


def test_score_is_the_weighted_mean_of_shares_of_the_best_and_ties_share_a_rank() -> None:
    found = score_sites(MEASURES, {"near": 3, "far": 1})
    assert found["score"].tolist() == [75, 62.5, 75, 12.5]
    assert found["rank"].tolist() == [1, 3, 1, 4]


def test_only_the_proportions_of_weights_matter_and_nobody_scores_by_an_empty_column() -> None:
    pd.testing.assert_frame_equal(
        score_sites(MEASURES, {"far": 0.5, "near": 1.5}), score_sites(MEASURES, {"near": 3, "far": 1})
    )
    assert score_sites(MEASURES, {"none": 1})["score"].tolist() == [0, 0, 0, 0]


def test_a_weight_below_zero_counts_against() -> None:
    # near 10, 5, 10, 0 over 10; far 0, 20, 0, 10 over 20, and what is missing of it counts: 3/4 and 1/4.
    found = score_sites(MEASURES, {"near": 3, "far": -1})
    assert found["score"].tolist() == [100, 37.5, 100, 12.5]


def test_a_missing_value_has_no_score() -> None:
    found = score_sites(MEASURES.assign(near=[10, np.nan, 5, 5]), {"near": 1})
    assert found["rank"].isna().tolist() == [False, True, False, False]
    assert found["rank"].dropna().tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"neer": 1}, "no column neer. Did you mean near.* Columns are near, far, none"),
        ({"near": float("nan")}, "weight of near is nan"),
        ({"near": 0}, "all weights are 0"),
        ({}, "all weights are 0"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        score_sites(MEASURES, weights)


def test_values_below_zero_cannot_be_scored() -> None:
    with pytest.raises(StudyError, match="near is below 0 at site 'B'"):
        score_sites(MEASURES.assign(near=[1, -1, 2, 3]), {"near": 1})


# --- the slow twin ---------------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    names, points, modes = list("ABCDE")[: draw(st.integers(1, 5))], draw(st.integers(1, 7)), ["walk", "bike"]
    every = list(itertools.product(names, range(points), modes[: draw(st.integers(1, 2))]))
    rows = draw(st.lists(st.sampled_from(every), unique=True))
    minutes = draw(st.lists(st.integers(0, 12_000), min_size=len(rows), max_size=len(rows)))
    times = pd.DataFrame(rows, columns=["site", "point", "mode"]).astype({"point": int})
    times["minutes"] = np.array(minutes) / 600
    times["site"], times["mode"] = pd.Categorical(times["site"], names), pd.Categorical(times["mode"], modes)
    amounts = draw(st.lists(st.floats(0, 1000) | st.just(np.nan), min_size=points, max_size=points))
    cells = draw(st.lists(st.sampled_from("xyz"), min_size=points, max_size=points))
    people = pd.DataFrame({"cell": cells, "people": amounts}).rename_axis("point")
    status = ["existing", "required", "candidate", "excluded"]
    return times, people, draw(st.lists(st.sampled_from(status), min_size=len(names), max_size=len(names)))


def reached_sets(times: pd.DataFrame, limit: float) -> dict[str, dict[str, set[int]]]:
    """By mode and site, the set of points reached."""
    found = {mode: {site: set() for site in times["site"].cat.categories} for mode in ["walk", "bike", "best"]}
    for site, point, mode, minutes in times.itertuples(index=False):
        if minutes <= limit:
            found[mode][site].add(point)
            found["best"][site].add(point)
    return found


def everyone(people: pd.DataFrame, points: set[int]) -> float:
    return sum(people.loc[sorted(points), "people"].fillna(0.0))


def union(sets: list[set[int]]) -> set[int]:
    return set().union(*sets)


@given(world=worlds(), limit=st.integers(1, 20))
@settings(max_examples=150, deadline=None)
def test_everything_equals_the_slow_twin(world: tuple[pd.DataFrame, pd.DataFrame, list[str]], limit: int) -> None:
    times, people, status = world
    sites = pd.DataFrame({"status": status}, index=list(times["site"].cat.categories))
    found, gain = reach(times, people, minutes=[limit]), added(times, people, sites, minutes=[limit])
    covered = coverage(times, people, minutes=[limit]).set_index("mode")
    for mode, sets in reached_sets(times, limit).items():
        assert covered.loc[mode, "people"] == pytest.approx(everyone(people, union(list(sets.values()))))
        both = square(overlap(times, people, minutes=limit, mode=mode), list(sets))
        fixed = {site for site in sets if sites.loc[site, "status"] in ("existing", "required")}
        for site, own in sets.items():
            others = union([points for other, points in sets.items() if other != site])
            assert found.loc[site, f"people_{mode}_{limit}"] == everyone(people, own)
            assert found.loc[site, f"unique_{mode}_{limit}"] == everyone(people, own - others)
            shared = {other: everyone(people, own & points) for other, points in sets.items() if other != site}
            assert both.loc[site].to_dict() == shared | {site: 0}
            if sites.loc[site, "status"] != "excluded":
                kept = union([sets[other] for other in fixed - {site}])
                assert gain.loc[site, f"added_{mode}_{limit}"] == everyone(people, own - kept)


@given(world=worlds(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_sites_and_points_changes_no_bit(
    world: tuple[pd.DataFrame, pd.DataFrame, list[str]], seed: int
) -> None:
    times, people, status = world
    names = list(times["site"].cat.categories)
    shuffled = times.sample(frac=1, random_state=seed)
    shuffled["site"] = shuffled["site"].cat.reorder_categories(names[::-1])
    mixed = people.sample(frac=1, random_state=seed)
    sites = pd.DataFrame({"status": status}, index=pd.Index(names, name="site"))
    for one, other in [
        (reach(times, people), reach(shuffled, mixed).loc[names]),
        (added(times, people, sites), added(shuffled, mixed, sites)),
        (square(overlap(times, people), names), square(overlap(shuffled, mixed), names)),
        (coverage(times, people), coverage(shuffled, mixed)),
        (
            decayed_reach(times, people, decay=Decay("logistic", 15)),
            decayed_reach(shuffled, mixed, decay=Decay("logistic", 15)).loc[names],
        ),
        (cell_access(times, people), cell_access(shuffled, mixed)),
    ]:
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_categorical=False, check_column_type=False)


@given(world=worlds())
@settings(max_examples=60, deadline=None)
def test_cell_access_equals_the_slow_twin(world: tuple[pd.DataFrame, pd.DataFrame, list[str]]) -> None:
    times, people, _ = world
    found = cell_access(times, people, minutes=[10])
    least = times.groupby("point")["minutes"].min().reindex(people.index)
    for cell, members in people.assign(least=least).groupby("cell"):
        near, total = members[members["least"] <= 10], members["people"].sum()
        share = near["people"].sum() / total if total > 0 else np.nan
        assert found.loc[cell, "covered_best_10"] == pytest.approx(share, nan_ok=True)
        reached = members[members["least"].notna()]
        weights = reached["people"].fillna(0) if reached["people"].sum() > 0 else reached["least"] * 0 + 1
        mean = (reached["least"] * weights).sum() / weights.sum() if len(reached) else np.nan
        assert found.loc[cell, "minutes_best"] == pytest.approx(mean, abs=1e-5, nan_ok=True)
