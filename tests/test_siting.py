"""Choosing sites: the slow twin in `subsets` tries every set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.config import Question, Quota
from siteplan.errors import InputError, SiteplanError, SiteplanWarning, StudyError
from siteplan.siting.check import check_choice
from siteplan.siting.phases import coverage_curve, least_needed
from subsets import ask, ask_phases, best_of_all

pytestmark = pytest.mark.filterwarnings("ignore:people. nobody is counted")


def linear(minutes: Any) -> Any:
    return np.maximum(0.0, 1.0 - minutes / 15)


@st.composite
def worlds(draw: st.DrawFn) -> Any:
    """Return times, people, sites and a dictionary of minutes of a small made place."""
    many, number = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = random.integers(1, draw(st.sampled_from([4, 25])), (many, number)).astype(float)
    there = random.random((many, number)) < draw(st.sampled_from([0.3, 0.6, 1.0]))
    site, point = np.nonzero(there)
    ids = [f"S{k}" for k in range(many)]
    times = pd.DataFrame({"site": np.array(ids)[site], "point": point, "minutes": table[site, point]})
    times["site"] = pd.Categorical(times["site"], ids)
    people = pd.DataFrame(
        {"people": random.integers(0, 40, number).astype(float), "zone": random.choice(["a", "b"], number)},
        index=pd.RangeIndex(number, name="point"),
    )
    places = gpd.points_from_xy(random.integers(0, 3000, many), random.integers(0, 3000, many))
    sites = gpd.GeoDataFrame(
        {
            "status": random.choice(["candidate", "existing", "required", "excluded"], many, p=[0.7, 0.1, 0.1, 0.1]),
            "cost": random.integers(0, 9, many).astype(float),
            "capacity": random.integers(0, 80, many).astype(float),
            "area": random.choice(["urban", "rural"], many),
            "floor": random.choice([-30.0, 0.0, 12.5, 40.0, 77.0, np.nan], many),
        },
        index=pd.Index(ids, name="site"),
        geometry=places,
        crs="EPSG:32631",
    )
    return times, people, sites, {(ids[j], int(i)): table[j, i] for j, i in zip(site, point, strict=True)}


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """Return an objective with any side conditions that go with it."""
    objective = draw(st.sampled_from(["coverage", "share", "median", "center", "backup", "gravity"]))
    asked: dict[str, Any] = {"objective": objective, "minutes": draw(st.sampled_from([3.0, 15.0]))}
    if objective == "share":
        asked["share"], asked["least"] = (
            draw(st.sampled_from([0.4, 0.8, 1.0])),
            draw(st.sampled_from(["sites", "cost"])),
        )
    elif draw(st.booleans()):
        asked["sites"] = draw(st.integers(1, 4))
    if objective == "gravity":
        asked["decay"] = linear
    if ("sites" not in asked and objective != "share") or draw(st.integers(0, 3)) == 0:
        asked["budget"] = float(draw(st.integers(4, 20)))
    if objective not in ("center", "backup") and draw(st.integers(0, 2)) == 0:
        asked["capacities"] = True
    if draw(st.integers(0, 2)) == 0:
        asked["spacing_m"] = draw(st.sampled_from([600.0, 1500.0]))
    if draw(st.integers(0, 2)) == 0:
        asked["floors"] = {"a": draw(st.sampled_from([0.2, 0.6])), "b": draw(st.sampled_from([0.0, 0.4]))}
    if draw(st.integers(0, 2)) == 0:
        asked["quotas"] = (Quota("area", "rural", draw(st.integers(0, 1)), draw(st.sampled_from([1, 2, None]))),)
    if draw(st.integers(0, 2)) == 0:
        least, most = draw(st.sampled_from([None, 0, 40, 90])), draw(st.sampled_from([None, 130]))
        total = {"total_at_least": least, "total_at_most": 130 if least is None else most}
        between = {"value_at_least": 10, "value_at_most": 50, "at_least": draw(st.integers(0, 1)), "at_most": 2}
        more = Quota(column="floor", **draw(st.sampled_from([total, between])))
        asked["quotas"] = (*asked.get("quotas", ()), more)
    return asked


def of_this_place(asked: dict[str, Any], sites: pd.DataFrame) -> dict[str, Any]:
    """Ask quotas of a kind of area that there is."""
    if "quotas" in asked:
        asked["quotas"] = tuple(
            quota.model_copy(update={"value": sites["area"].iloc[0]}) if quota.column == "area" else quota
            for quota in asked["quotas"]
        )
    return asked


@settings(max_examples=300)
@given(worlds(), questions())
def test_no_set_of_all_is_better(world: Any, asked: dict[str, Any]) -> None:
    times, people, sites, minutes = world
    q = of_this_place(asked, sites) | {"zone": people["zone"].to_dict(), "capacity": sites["capacity"].to_dict()}
    if "floors" in asked:
        asked["floors"] = {zone: part for zone, part in asked["floors"].items() if zone in set(people["zone"])}
        q["floors"] = asked["floors"]
        asked["territory"] = "zone"
    best = best_of_all(sites, minutes, people["people"].to_dict(), q)
    if best is None:
        with pytest.raises(StudyError):
            ask(times, people, sites, **asked)
        return
    choice = ask(times, people, sites, **asked)
    assert choice.value == pytest.approx(best, rel=1e-6, abs=1e-5)
    assert choice.gap <= 1e-5
    if not np.isnan(choice.greedy) and not asked.get("capacities"):
        worse = choice.value - choice.greedy
        assert (worse if asked["objective"] in ("coverage", "backup", "gravity") else -worse) >= -1e-6


@settings(max_examples=40)
@given(worlds(), st.booleans())
def test_the_highest_floor_of_all(world: Any, full: bool) -> None:
    times, people, sites, minutes = world
    q = {"objective": "coverage", "minutes": 15.0, "sites": 2, "capacities": full, "zone": people["zone"].to_dict()}
    q["capacity"] = sites["capacity"].to_dict()
    weight = people["people"].to_dict()
    if best_of_all(sites, minutes, weight, dict(q)) is None:
        return
    near = {
        i
        for i in weight
        if any((j, i) in minutes and minutes[j, i] <= 15 for j in sites.index[sites.status != "excluded"])
    }
    zones = sorted({people["zone"][i] for i in near if weight[i] > 0})
    choice = ask(times, people, sites, sites=2, territory="zone", floors="most", capacities=full)
    reached = min((choice.summary["territories"][zone] for zone in zones), default=0.0)
    higher = dict.fromkeys(zones, reached + 1e-4)
    assert not zones or best_of_all(sites, minutes, weight, q | {"floors": higher}) is None
    assert best_of_all(sites, minutes, weight, q | {"floors": dict.fromkeys(zones, reached - 1e-6)}) == pytest.approx(
        choice.value, abs=0.01
    )


def little(**columns: Any) -> Any:
    """Return a place by head: A reaches 10 people, B those and 5 more, C 8 others; nobody reaches the last 7."""
    times = pd.DataFrame(
        {"site": list("ABBC"), "point": [0, 0, 1, 2], "minutes": [5.0, 10.0, 15.0, 3.0]},
    )
    people = pd.DataFrame({"people": [10.0, 5.0, 8.0, 7.0], "zone": list("aabb")}, index=pd.RangeIndex(4, name="point"))
    sites = pd.DataFrame({"status": "candidate"} | columns, index=pd.Index(list("ABC"), name="site"))
    return times, people, sites


def test_two_overlapping_sites_cover_their_union_and_no_site_nobody() -> None:
    choice = ask(*little(status=["required", "required", "excluded"]), sites=2)
    assert (choice.value, choice.bound, choice.gap) == (15.0, 15.0, 0.0)
    assert choice.sites[["people", "added", "alone"]].to_numpy().tolist() == [[10.0, 10.0, 0.0], [15.0, 5.0, 5.0]]
    nothing = ask(*little(), sites=0)
    assert (nothing.value, len(nothing.sites), len(nothing.assignment)) == (0.0, 0, 0)


def grown(many: int = 60, number: int = 400) -> tuple[pd.DataFrame, pd.DataFrame, gpd.GeoDataFrame]:
    """Return a place too large to be answered in no time."""
    random = np.random.default_rng(7)
    at, homes = random.uniform(0, 6000, (many, 2)), random.uniform(0, 6000, (number, 2))
    minutes = np.hypot(*(homes[:, None] - at[None]).transpose(2, 0, 1)) / 80
    point, site = np.nonzero(minutes <= 30)
    ids = np.array([f"S{k:02}" for k in range(many)])
    times = pd.DataFrame({"site": pd.Categorical(ids[site], ids), "point": point, "minutes": minutes[point, site]})
    folk = {"people": random.integers(1, 40, number).astype(float), "commune": random.choice(list("abcd"), number)}
    places = gpd.points_from_xy(*at.T)
    sites = gpd.GeoDataFrame({"capacity": 500.0}, index=pd.Index(ids, name="site"), geometry=places, crs="EPSG:32631")
    return times, pd.DataFrame(folk, index=pd.RangeIndex(number, name="point")), sites


@pytest.mark.parametrize("objective", ["coverage", "median"])
@pytest.mark.parametrize("condition", [{"territory": "commune", "floors": 0.2}, {"spacing_m": 900.0}])
def test_out_of_time_the_question_without_conditions_bounds_it(objective: str, condition: dict[str, Any]) -> None:
    times, people, sites = grown()
    asked = {"objective": objective, "sites": 6, "minutes": 15}
    proven = ask(times, people, sites, **asked, **condition)
    hasty = ask(times, people, sites, **asked, **condition, seconds=1e-3)
    worse = (lambda a, b: a <= b + 1e-6) if objective == "coverage" else (lambda a, b: a >= b - 1e-6)
    assert worse(hasty.value, proven.value)
    assert worse(proven.value, hasty.bound)
    assert hasty.gap < 0.1  # greedy and its swaps do well, and so does the bound


def test_out_of_time_is_not_told_as_impossible() -> None:
    times, people, sites = grown()
    hasty = ask(times, people, sites, objective="center", sites=6, minutes=30, seconds=1e-3)
    assert hasty.value >= ask(times, people, sites, objective="center", sites=6, minutes=30).value
    times, people, sites = grown(300, 3000)
    with pytest.raises(StudyError, match=r"no set of sites was found within 0\.001 s"):
        ask(times, people, sites, sites=6, territory="commune", floors="most", seconds=1e-3)


def test_people_are_shared_out_without_the_solver_s_tolerance() -> None:
    times, people, sites = grown()
    found = ask(times, people, sites, sites=3, minutes=15, capacities=True)
    served = found.assignment.groupby("site", observed=True)["people"].sum()
    assert (served <= 500).all()
    assert found.value == pytest.approx(found.assignment["people"].sum(), abs=1e-9)
    # Whose nearest chosen site is another than where they go, or who go nowhere: counted the slow way.
    near = times[times["site"].isin(found.sites.index) & (times["minutes"] <= 15)]
    near = (
        near.sort_values(["point", "minutes", "site"]).drop_duplicates("point").set_index("point")["site"].astype(str)
    )
    there = found.assignment.assign(nearest=found.assignment["point"].map(near))
    stays = there[there["site"].astype(str) == there["nearest"]].groupby("nearest")["people"].sum()
    everybody = people["people"].reindex(near.index).groupby(near).sum()
    away = everybody.sub(stays, fill_value=0.0).reindex(found.sites.index, fill_value=0.0)
    assert found.sites["turned_away"].to_numpy() == pytest.approx(away.to_numpy(), abs=1e-3)
    assert (away > 0).any()


def test_what_a_choice_says() -> None:
    choice = ask(*little(cost=[1.0, 2.0, 4.0]), sites=2)
    assert choice.sites.index.tolist() == ["B", "C"]
    assert choice.sites["order"].tolist() == [1, 2]
    assert choice.assignment.to_numpy().tolist() == [[0, "B", 10.0, 10.0], [1, "B", 15.0, 5.0], [2, "C", 3.0, 8.0]]
    assert choice.rejected.loc["A"].tolist() == ["A", 10.0, 0.0, "B", 10.0, "B", -5.0, ""]
    assert choice.greedy_order == ("B", "C")
    figures = {"people": 30.0, "coverable": 23.0, "covered": 23.0, "sites": 2, "cost": 6.0}
    assert {name: choice.summary[name] for name in figures} == figures


def test_served_is_at_most_capacity_and_people() -> None:
    choice = ask(*little(capacity=[4.0, 6.0, 50.0]), sites=3, capacities=True)
    assert choice.value == pytest.approx(18.0)
    assert choice.sites["served"].to_dict() == pytest.approx({"A": 4.0, "B": 6.0, "C": 8.0})


@pytest.mark.parametrize("objective", ["coverage", "median", "center", "backup", "share"])
def test_order_changes_nothing_and_a_rerun_neither(objective: str) -> None:
    random = np.random.default_rng(5)
    rows = [
        (f"S{j:02d}", int(i), float(random.integers(1, 20))) for j in range(12) for i in random.choice(40, 12, False)
    ]
    times = pd.DataFrame(rows, columns=["site", "point", "minutes"])
    people = pd.DataFrame({"people": random.random(40) * 90}, index=pd.RangeIndex(40, name="point"))
    sites = pd.DataFrame({"status": "candidate"}, index=pd.Index([f"S{j:02d}" for j in range(12)], name="site"))
    asked: dict[str, Any] = {"objective": objective} | ({} if objective == "share" else {"sites": 4}) | {"minutes": 15}
    one = ask(times, people, sites, **asked)
    for other in (
        ask(times, people, sites, **asked),
        ask(times.sample(frac=1, random_state=1), people.iloc[::-1], sites.iloc[::-1], **asked),
    ):
        assert (other.value, other.bound, other.greedy) == (one.value, one.bound, one.greedy)
        assert other.sites.to_csv() == one.sites.to_csv()
        assert other.assignment.to_csv() == one.assignment.to_csv()
        assert other.rejected.to_csv() == one.rejected.to_csv()


@pytest.mark.filterwarnings("ignore:times. .* have no time to some of the sites:siteplan.errors.SiteplanWarning")
def test_several_modes_the_best_of_them_each_person_once() -> None:
    times, people, sites = little()
    both = pd.concat([times.assign(mode="walk"), times.assign(mode="bike", minutes=times["minutes"] / 3)])
    assert ask(both, people, sites, sites=1, minutes=5).sites.index.tolist() == ["B"]
    assert ask(both, people, sites, sites=1, minutes=5, mode="walk").sites.index.tolist() == ["A"]
    assert ask(both, people, sites, sites=1, minutes=5, mode=["walk", "bike"]).value == 15.0
    # Without a limit, who reaches none counts twice the longest way by the quickest mode, not by the slowest.
    quick = ask(times.assign(minutes=times["minutes"] / 3), people, sites, sites=1, objective="median")
    assert ask(both, people, sites, sites=1, objective="median").value == pytest.approx(quick.value)


def test_decay_may_be_a_column() -> None:
    times, people, sites = little()
    times["pull"] = [0.2, 1.0, 0.5, 0.9]
    for table in (times, times.iloc[::-1]):
        assert ask(table, people, sites, objective="gravity", decay="pull", sites=1).value == 12.5


@pytest.mark.parametrize(
    ("columns", "asked", "said"),
    [
        ({}, {"sites": 4}, "only 3 sites may be open"),
        ({"status": "required"}, {"sites": 2}, "3 sites exist or are required"),
        ({"status": "required", "cost": 5.0}, {"budget": 9}, "required sites alone cost 15"),
        ({}, {}, "names neither sites .how many. nor a budget"),
        ({}, {"objective": "best", "sites": 1}, "objective: found 'best', expected any of coverage, mclp, share"),
        ({}, {"sites": 1, "mode": "car"}, "mode 'car' is not in the times"),
        ({}, {"sites": 1, "territory": "zone", "floors": {"b": 0.9}}, "reach 53.3% of its people"),
        ({}, {"sites": 1, "territory": "zone", "floors": 0.5}, "the fewest that do are 2, the most 3"),
        ({"cost": 3.0}, {"budget": 4, "territory": "zone", "floors": 0.5}, "a budget of 4; 6 would do"),
        ({"capacity": 2.0}, {"objective": "share", "capacities": True}, "at most 26.1% can be"),
        (
            {},
            {"sites": 1, "capacities": True, "objective": "center"},
            "have no meaning for objective center",
        ),
        ({}, {"sites": 2, "quotas": [Quota("status", "candidate", 0, 1)]}, "the fewest that do are 0, the most 1"),
        ({}, {"sites": 2, "quotas": [Quota("status", "required", 1)]}, "column status; it holds candidate"),
        ({}, {"sites": 1, "floors": 0.5}, "Give territory="),
        ({}, {"objective": "gravity", "sites": 1}, "decay: missing; objective gravity needs it"),
        ({}, {"sites": 1, "spacing_m": 100}, "Give sites as a GeoDataFrame"),
    ],
)
def test_what_cannot_be_met_is_said(columns: dict[str, Any], asked: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        ask(*little(**columns), **asked)


def test_tables_that_cannot_be_used() -> None:
    times, people, sites = little()
    with pytest.raises(InputError, match="'A' has a cost of -1"):
        ask(times, people, sites.assign(cost=[-1.0, 2.0, 3.0]), sites=1)
    with pytest.raises(InputError, match="'A' stands in more than one row"):
        ask(times, people, pd.concat([sites, sites]), sites=1)
    with pytest.raises(InputError, match="sites are not in the sites table, first 'C'"):
        ask(times, people, sites.drop("C"), sites=1)
    with pytest.raises(InputError, match="have no valid time"):
        ask(times.assign(minutes=np.nan), people, sites, sites=1)
    with pytest.raises(InputError, match="status 'open'"):
        ask(times, people, sites.assign(status="open"), sites=1)
    with pytest.warns(SiteplanWarning, match="1 candidates have no cost and are left out, first 'B'"):
        assert ask(times, people, sites.assign(cost=[1.0, np.nan, 3.0]), budget=9).value == 18.0
    with pytest.warns(SiteplanWarning, match="nobody is counted in column people"):
        ask(times, people.assign(people=np.nan), sites, sites=1)
    dear = sites.assign(cost=[1.0, 2.0, np.nan])
    with pytest.warns(SiteplanWarning, match="left out, first 'C'"):
        assert ask(times, people, dear, budget=9, objective="center", minutes=15).value == 15.0
    with pytest.warns(SiteplanWarning, match="1 candidates have no capacity and are left out, first 'B'"):
        full = ask(times, people, sites.assign(capacity=[1.0, np.nan, 3.0]), sites=1, capacities=True)
    assert (full.value, full.summary["left_out"], full.rejected.loc["B", "left_out"]) == (3.0, 1, "no capacity")
    assert full.rejected.loc["B", "redundant_by"] is None
    assert full.summary["coverable"] == 23.0  # by all sites that may open one day
    with pytest.raises(InputError, match="no candidate has a capacity"):
        ask(times, people, sites, sites=1, capacities=True)
    open_now = sites.assign(status=["existing", "candidate", "candidate"], capacity=[np.nan, 2.0, 3.0])
    with pytest.raises(InputError, match="'A' is open in any case but has no capacity"):
        ask(times, people, open_now, sites=2, capacities=True)


def test_a_result_that_disagrees_is_refused() -> None:
    tables = little(cost=[1.0, 2.0, 4.0])
    choice = ask(*tables, sites=2)
    check_choice(choice, *tables, question=Question(sites=2))
    for change, said in (
        ({"value": 24.0}, "the value of objective coverage"),
        ({"bound": 20.0}, "the bound"),
        ({"sites": choice.sites.drop("C")}, "the number of sites"),
        ({"assignment": choice.assignment.assign(people=4.0)}, "people covered"),
        ({"assignment": choice.assignment.assign(site="A")}, "everybody goes to an open site"),
    ):
        with pytest.raises(SiteplanError, match=said):
            check_choice(replace(choice, **change), *tables, question=Question(sites=2))
    with pytest.raises(SiteplanError, match="the budget"):
        check_choice(choice, *tables, question=Question(budget=5))


@settings(max_examples=15)
@given(worlds(), st.sampled_from(["coverage", "median"]))
def test_phases_are_nested_and_lose_what_they_say(world: Any, objective: str) -> None:
    times, people, sites, _ = world
    low, high = (
        max(1, int(sites["status"].isin(["existing", "required"]).sum())),
        int((sites["status"] != "excluded").sum()),
    )
    if low >= high:
        return
    choice = ask_phases(times, people, sites, phases=[low, high], objective=objective, minutes=15)
    phases, steps = choice.phases, choice.sites
    assert phases is not None
    assert (phases["loss"] >= -1e-9).all()
    assert len(steps) == high == len(set(steps.index))
    for count, value in zip(phases["count"], phases["value"], strict=True):
        gained = steps["gain"].iloc[:count].sum()
        nobody = choice.summary["penalty"] * choice.summary["people"]
        assert (gained if objective == "coverage" else nobody - gained) == pytest.approx(value)
    assert phases["alone"].tolist() == pytest.approx(
        [ask(times, people, sites, sites=count, objective=objective, minutes=15).value for count in (low, high)]
    )


@settings(max_examples=40)
@given(worlds())
def test_the_curve_never_exceeds_its_bound(world: Any) -> None:
    times, people, sites, _ = world
    if not (sites["status"] != "excluded").any():
        return
    curve, knee = coverage_curve(times, people, sites, exact=True)
    assert knee in curve.index
    assert (curve["value"] <= curve["optimum"] + 1e-6).all()
    assert (curve["optimum"] <= curve["bound"] + 1e-6).all()
    assert curve["gain"].sum() == pytest.approx(curve["value"].iloc[-1])


def test_the_existing_site_that_matters_least() -> None:
    lost = least_needed(*little(status=["existing", "existing", "required"]))
    assert lost["loss"].to_dict() == {"A": 0.0, "B": 5.0, "C": 8.0}
    with pytest.raises(StudyError, match="none can close"):
        least_needed(*little())


@pytest.mark.real
def test_published_values_of_san_francisco(real: Callable[[str], Path]) -> None:
    rows = pd.read_csv(
        real("facility_location/spopt_sf") / "SF_network_distance_candidateStore_16_censusTract_205_new.csv"
    )
    people = rows.groupby("DestinationName")["demand"].first().to_frame("people").rename_axis("point")
    times = pd.DataFrame({"site": rows["name"], "point": rows["DestinationName"], "minutes": rows["distance"] / 100})
    sites = pd.DataFrame(index=pd.Index(rows["name"].unique(), name="site"))
    assert ask(times, people, sites, sites=4, minutes=50).value == 875247
    assert ask(times, people, sites, objective="share", minutes=50).value == 8
    median = ask(times, people, sites, objective="median", sites=4)
    assert median.value * 100 == pytest.approx(2848268129.7145, abs=1e-3)
    center = ask(times, people, sites, objective="center", sites=4)
    assert center.value * 100 == pytest.approx(7403.06, abs=0.01)
