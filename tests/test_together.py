"""Communes together: three of them by hand, and every number against all orders, groups and sets of generated ones."""

import shutil
from dataclasses import replace
from itertools import chain, combinations, permutations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

import siteplan.analysis.together as together_methods
import siteplan.study.together as together_stage
from siteplan.analysis.together import commune_gains, core_breach, shapley_value, share_money
from siteplan.config.together import Together
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.reachable import Reach
from siteplan.siting.alone import Groups, least_costs
from siteplan.study.cache import Cache
from siteplan.study.load import load
from siteplan.study.progress import Means
from siteplan.study.reading import read_study
from siteplan.study.situation import Situation
from siteplan.study.together import check_together, together_tables
from siteplan.study.travel import times_of
from tests.asking import section


def groups_of(names):
    return chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1))


def three_communes():
    """Return people of 100, 60 and 40 in three communes, and four sites.

    `ab` is near all of A and B, `c` near all of C, `a` near A alone, `wide` near everybody.
    """
    people = pd.DataFrame({"people": [100.0, 60.0, 40.0]}, index=pd.Index([0, 1, 2], name="point"))
    near = {"ab": [0, 1], "c": [2], "a": [0], "wide": [0, 1, 2]}
    times = pd.DataFrame(
        [(site, point, 5.0 + point, "walk") for site, points in near.items() for point in points],
        columns=["site", "point", "minutes", "mode"],
    )
    sites = pd.DataFrame(
        {"status": "candidate", "cost": [90.0, 60.0, 60.0, 400.0]}, index=pd.Index([*near], name="site")
    )
    return times, people, sites, pd.Series(["A", "B", "C"], index=people.index)


@pytest.mark.parametrize(("people_of_b", "cost"), [(60.0, 150), (0.6, 150), (0.4, 120)])
def test_a_commune_in_which_nobody_gains_needs_nothing(people_of_b: float, cost: float) -> None:
    times, people, sites, place = three_communes()
    people.loc[1, "people"] = people_of_b
    game = least_costs(times, people, sites, ["ab", "c"], territory=place, minutes=15)
    assert game.least([1]) == (90 if people_of_b > 0.5 else 0)
    assert game.least([0, 1, 2]) == cost  # with B by ab and c, without B by a and c


def test_three_communes_by_hand() -> None:
    times, people, sites, place = three_communes()
    game = least_costs(times, people, sites, ["ab", "c"], territory=place, minutes=15)
    cost = {group: game.least([("A", "B", "C").index(each) for each in group]) for group in groups_of("ABC")}
    # A needs a (60), B needs ab (90), which serves A as well; C needs c (60) and shares nothing with them.
    assert cost == {
        ("A",): 60, ("B",): 90, ("C",): 60, ("A", "B"): 90, ("A", "C"): 120, ("B", "C"): 150, ("A", "B", "C"): 150,
    }  # fmt: skip
    assert game.parts == [(0, 1), (2,)]
    # A first adds 60 and then B 30; B first adds 90 and then A nothing: A (60 + 0) / 2, B (30 + 90) / 2.
    share = shapley_value(cost, ["A", "B", "C"])
    assert share["share"].to_dict() == pytest.approx({"A": 30, "B": 60, "C": 60})
    assert (share["error"] == 0).all()
    assert core_breach(share["share"], cost) == ((), 0.0)
    # By inhabitants A pays half of 150, and would pay 60 alone; with C it pays 75 + 30 and would pay 120.
    inhabitants = share_money(150, {"A": 100, "B": 60, "C": 40})
    assert inhabitants.to_dict() == {"A": 75.0, "B": 45.0, "C": 30.0}
    assert core_breach(inhabitants, cost) == (("A", "B"), 30.0)  # 120, and 90 without C
    # With 75 of its own A opens a and keeps all its people; B has 45, and opens nothing.
    assert game.offer.sites[game.offer.best(0, 75.0)].tolist() == ["a"]
    assert not game.offer.best(1, 45.0).any()
    gains = commune_gains(times, people, [], ["ab", "c"], territory=place.replace("C", np.nan), minutes=15)
    assert gains.to_dict("list") == {
        "territory": ["A", "B", "outside"],
        "site": ["ab", "ab", "c"],
        "mode": ["walk"] * 3,
        "people": [100.0, 60.0, 40.0],
        "gained": [100.0, 60.0, 40.0],
    }
    had = commune_gains(times, people, ["a"], ["a", "ab"], territory=place, minutes=15)
    assert had[["site", "people", "gained"]].to_numpy().tolist() == [["a", 100.0, 0.0], ["ab", 60.0, 60.0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_value_is_the_mean_of_all_orders(count: int, random) -> None:
    names = [f"p{at}" for at in range(count)]
    cost = {group: float(random.randint(0, 500)) for group in groups_of(names)}
    adds = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        before = 0.0
        for at, name in enumerate(order):
            now = cost[tuple(sorted(order[: at + 1]))]
            adds[name], before = adds[name] + now - before, now
    found = shapley_value(cost, names)["share"]
    assert found.to_dict() == pytest.approx({name: total / len(orders) for name, total in adds.items()})
    assert found.sum() == pytest.approx(cost[tuple(names)])
    group, more = core_breach(found, cost)
    worst = max(sum(found[list(each)]) - cost[each] for each in cost)
    assert more == pytest.approx(worst if worst >= 0.01 * len(group or names) else 0.0, abs=0.02 * count)


def test_beyond_twelve_communes_orders_are_drawn_and_the_error_is_told() -> None:
    # Each pays 10 alone and the first of them 30 for a road that all use: 10 each, and 30 / 14 of the road.
    names = [f"p{at:02}" for at in range(14)]
    drawn = shapley_value(lambda group: 30.0 + 10.0 * len(group), names, orders=400)
    exact = 10 + 30 / 14
    assert drawn["share"].sum() == pytest.approx(170)
    assert (drawn["error"] > 0).all()
    assert ((drawn["share"] - exact).abs() <= drawn["error"]).mean() >= 0.8  # 95 of 100 in the long run
    assert drawn.equals(shapley_value(lambda group: 30.0 + 10.0 * len(group), names, orders=400))
    assert not drawn.equals(shapley_value(lambda group: 30.0 + 10.0 * len(group), names, orders=400, seed=2))


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
def test_shares_sum_to_the_cent_and_are_at_most_a_cent_off(cents: int, weights: list[int]) -> None:
    if not sum(weights):
        with pytest.raises(InputError, match="weights: expected"):
            share_money(cents / 100, dict(enumerate(weights)))
        return
    shares = share_money(cents / 100, {str(at): weight for at, weight in enumerate(weights)})
    assert sum(round(share * 100) for share in shares) == cents
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * 100 - cents * weight / sum(weights)) < 1 + 1e-6


def generated(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Series, list[str]]:
    random = np.random.default_rng(seed)
    count, points = int(random.integers(2, 8)), int(random.integers(3, 16))
    names = [f"S{at}" for at in range(count)]
    people = pd.DataFrame(
        {"people": random.integers(0, 40, points).astype(float)}, index=pd.RangeIndex(points, name="point")
    )
    near = random.random((count, points)) < random.choice([0.2, 0.5])
    site, point = np.nonzero(near)
    times = pd.DataFrame(
        {"site": pd.Categorical.from_codes(site, names), "point": point, "minutes": 5.0, "mode": "walk"}
    )
    sites = pd.DataFrame(
        {
            "status": random.choice(["existing", "candidate", "candidate", "required", "excluded"], count),
            "cost": np.where(random.random(count) < 0.15, np.nan, random.integers(1, 30, count).astype(float)),
        },
        index=pd.Index(names, name="site"),
    )
    place = pd.Series(random.choice(["A", "B", "C", "D", None], points), index=people.index)
    plan = [name for name in names if sites["status"][name] != "excluded" and random.random() < 0.5]
    return times, people, sites, place, plan


@pytest.mark.parametrize("seed", range(60))
def test_the_least_cost_of_every_group_is_that_of_all_sets(seed: int) -> None:
    times, people, sites, place, plan = generated(seed)
    game = least_costs(times, people, sites, plan, territory=place, minutes=15)
    near = {name: set(times["point"][times["site"] == name]) for name in sites.index}
    cost = {
        name: 0.0 if row["status"] == "existing" or (np.isnan(row["cost"]) and name in plan) else row["cost"]
        for name, row in sites.iterrows()
        if row["status"] != "excluded"
    }
    cost = {name: each for name, each in cost.items() if not np.isnan(each)}

    def served(opened, commune):
        reached = set().union(*(near[name] for name in opened)) if opened else set()
        return sum(people["people"][point] for point in reached if place[point] == commune)

    free = [name for name, each in cost.items() if each == 0]
    sets = [[*free, *more] for more in [(), *groups_of([name for name in cost if name not in free])]]
    names = game.offer.communes
    assert list(names) == sorted(set(place.dropna()))
    need = {name: served([*free, *plan], name) for name in names}
    for group in groups_of(range(len(names))):
        enough = (each for each in sets if all(served(each, names[at]) >= need[names[at]] for at in group))
        assert game.least(group) == pytest.approx(min(sum(cost[name] for name in each) for each in enough)), group
        found = list(game.offer.sites[game.sites(group)])
        assert all(served(found, names[at]) >= need[names[at]] for at in group)
    assert sum(game.least(part) for part in game.parts) == pytest.approx(game.least(range(len(names))))
    for at, name in enumerate(names):
        for money in (0.0, 7.0, 20.0, 60.0):
            able = [each for each in sets if sum(cost[site] for site in each) <= money]
            found = list(game.offer.sites[game.offer.best(at, money)])
            assert sum(cost[site] for site in found) <= money
            assert served(found, name) == max(served(each, name) for each in able)


@pytest.mark.parametrize("seed", range(30))
def test_the_group_that_pays_most_too_much_is_that_of_all_groups(seed: int) -> None:
    times, people, sites, place, plan = generated(seed)
    game = least_costs(times, people, sites, plan, territory=place, minutes=15)
    pays = np.random.default_rng(seed).integers(0, 40, len(game.offer.communes)).astype(float)
    pays[[at for at in range(len(pays)) if at not in game.players]] = 0.0
    group = game.worst(pays)
    names = [str(at) for at in game.players]
    shares = {name: pays[int(name)] for name in names}
    _, most = core_breach(shares, lambda named: game.least([int(name) for name in named]))
    assert pays[list(group)].sum() - game.least(group) == pytest.approx(most)


def test_few_groups_are_solved_where_smaller_ones_tell_the_answer() -> None:
    times, people, sites, place = three_communes()
    game = least_costs(times, people, sites, ["ab", "c"], territory=place, minutes=15)
    for group in groups_of(range(3)):
        game.least(group)
    assert isinstance(game, Groups)
    assert game.solved < 7  # AB costs what B does, for its set serves A


def test_what_is_refused() -> None:
    times, people, sites, place = three_communes()
    with pytest.raises(InputError, match="plan: 1 sites are not among the sites, first 'x'"):
        least_costs(times, people, sites, ["x"], territory=place, minutes=15)
    with pytest.raises(StudyError, match="players: one is named twice"):
        shapley_value({("A",): 1.0}, ["A", "A"])
    with pytest.raises(StudyError, match="orders: 1, expected 2 or more"):
        shapley_value({("A",): 1.0}, ["A"], orders=1)
    with pytest.raises(StudyError, match="cost: says nothing of the group A, B"):
        shapley_value({("A",): 1.0, ("B",): 1.0}, ["A", "B"])
    with pytest.raises(StudyError, match="shares: 13 players, expected 12 at most"):
        core_breach({str(at): 1.0 for at in range(13)}, lambda group: 1.0)


# ---- a study ----

X, Y = 700_000.0, 6_600_000.0  # in Lambert 93


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the three communes as a study: two sites are required, a fourth home lies beyond all communes."""
    folder = tmp_path_factory.mktemp("valley")
    times, _, sites, _ = three_communes()
    homes = gpd.GeoSeries(gpd.points_from_xy([X, X + 1000, X + 2000, X + 3000], [Y] * 4), crs=2154).to_crs(4326)
    cells = {"cell": ["p0", "p1", "p2", "p3"], "lon": homes.x, "lat": homes.y, "people": [100, 60, 40, 7]}
    pd.DataFrame(cells).to_csv(folder / "people.csv", index=False)
    places = homes.iloc[[1, 2, 0, 1]]
    table = sites.reset_index().assign(name=["Mill", "Barn", "Hall", "Works"], lon=[*places.x], lat=[*places.y])
    table["status"] = ["required", "required", "candidate", "candidate"]
    table.to_csv(folder / "sites.csv", index=False)
    times = times.assign(point="p" + times["point"].astype(str))
    more = pd.DataFrame([("c", "p3", 9.0, "walk"), ("c", "p3", 5.0, "bike")], columns=times.columns)
    pd.concat([times, more]).to_csv(folder / "times.csv", index=False)
    boxes = [box(X + 1000 * at - 500, Y - 500, X + 1000 * at + 500, Y + 500) for at in range(3)]
    communes = gpd.GeoDataFrame({"code": ["1", "2", "3"], "name": ["A", "B", "C"]}, geometry=boxes, crs=2154)
    communes.to_file(folder / "communes.gpkg")
    (folder / "study.yaml").write_text(
        "area: {communes: communes.gpkg}\n"
        "inputs: {population: {file: people.csv}, sites: sites.csv, times: times.csv}\n"
        "travel: {modes: [walk, bike], minutes: [15]}\n"
        "together: {}\n"
    )
    return folder / "study.yaml"


def tables_of(path: Path, **asked) -> dict[str, pd.DataFrame]:
    study = read_study(path)
    data = load(study)
    reach = Reach.of(times_of(study, data, Cache(None), Means()), data.points)
    check_together(study, Together(**asked), data)
    return together_tables(Together(**asked), Situation(study, data, reach))


def test_a_study_tells_who_gains_and_who_pays(valley: Path) -> None:
    tables = tables_of(valley)
    gained = tables["together"].set_index("territory")
    assert gained["people"].to_dict() == {"A": 100, "B": 60, "C": 40, "outside": 7}
    assert gained["gained"].to_dict() == {"A": 100, "B": 60, "C": 40, "outside": 7}
    assert gained["at_home"].to_dict() == {"A": 0, "B": 60, "C": 40, "outside": 0}  # the Mill stands in B
    assert gained["money"].dropna().to_dict() == {"A": 75, "B": 45, "C": 30}
    assert gained["alone"].dropna().to_dict() == {"A": 100, "B": 0, "C": 0}
    assert gained["price"].dropna().to_dict() == {"A": 0, "B": 60, "C": 40}
    assert gained.loc["A", ["alone_sites", "alone_cost"]].tolist() == ["a", 60]
    sites = tables["together_sites"].set_index(["territory", "site", "mode"])
    assert sites["gained"].to_dict() == {
        ("A", "ab", "walk"): 100, ("B", "ab", "walk"): 60, ("C", "c", "walk"): 40, ("outside", "c", "bike"): 7,
    }  # fmt: skip
    assert sites["name"].tolist() == ["Mill", "Mill", "Barn", "Barn"]
    shares = tables["cost_shares"].set_index(["rule", "territory"])
    assert shares["share"].groupby("rule").sum().to_dict() == {"inhabitants": 150, "served": 150, "shapley": 150}
    assert shares.loc["shapley", "share"].to_dict() == {"A": 30, "B": 60, "C": 60}
    assert shares.loc["shapley", "stable"].all()
    assert shares.loc[("inhabitants", "A"), ["stable", "group", "overpaid"]].tolist() == [False, "A, B", 30]
    assert shares.loc[("inhabitants", "A"), ["alone", "saved", "least"]].tolist() == [60, -15, 150]


def test_the_money_of_a_commune_is_by_the_rule_asked_for(valley: Path) -> None:
    gained = tables_of(valley, money="shapley")["together"].set_index("territory")
    assert gained["money"].dropna().to_dict() == {"A": 30, "B": 60, "C": 60}
    assert gained["alone"].dropna().to_dict() == {"A": 0, "B": 0, "C": 40}  # c costs 60; A and B lack 30 each


def test_beyond_twelve_communes_that_share_sites(valley: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = tables_of(valley)["cost_shares"]
    for module in (together_stage, together_methods):
        monkeypatch.setattr(module, "EXACT", 1)
    drawn = tables_of(valley, orders=400)["cost_shares"]
    by_rule = drawn.set_index(["rule", "territory"])
    assert by_rule.loc["shapley", "share"].sum() == 150
    assert by_rule.loc[("shapley", "C"), "share"] == 60
    assert by_rule.loc[("shapley", "A"), "share"] == pytest.approx(30, abs=by_rule.loc[("shapley", "A"), "error"])
    assert 0 < by_rule.loc[("shapley", "A"), "error"] < 5
    same = ["rule", "territory", "stable", "group", "overpaid"]  # the group is found by one programme then
    assert drawn[same].equals(exact[same])


def test_sites_without_a_cost_cost_nothing_and_that_is_said(valley: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(valley.parent, tmp_path / "valley")
    table = pd.read_csv(folder / "sites.csv").assign(cost=[np.nan, 60, 60, 400])
    table.to_csv(folder / "sites.csv", index=False)
    with pytest.warns(SiteplanWarning, match="together: 1 sites of the plan have no cost, first 'ab'"):
        shares = tables_of(folder / "study.yaml")["cost_shares"].set_index(["rule", "territory"])
    assert shares.loc["shapley", "share"].to_dict() == {"A": 0, "B": 0, "C": 60}
    # A and B pay by inhabitants, though alone they would have all they get for nothing.
    assert shares.loc[("inhabitants", "A"), ["group", "overpaid"]].tolist() == ["A, B", 48]


def test_what_a_study_is_refused_for(valley: Path) -> None:
    study = read_study(valley)
    data = load(study)
    for asked, changed, said in (
        (Together(group="elders"), data, "together.group: no 'elders'"),
        (Together(minutes=40), data, "together.minutes: 40 is more than the 15 minutes"),
        (Together(), replace(data, communes=None), "together: .* area.communes names no file"),
        (Together(), replace(data, all_sites=data.sites.assign(status="candidate")), "together: no site is required"),
    ):
        with pytest.raises(StudyError, match=said):
            check_together(study, asked, changed)


def test_the_report_tells_it_to_a_council(valley: Path) -> None:
    study = read_study(valley)
    data, tables = load(study), tables_of(valley)
    page = render_report(Result(data.all_sites, tables), language="en")
    body, said = section(page, "who_pays")
    assert "The plan costs 150" in said
    assert "to 207 people who had none, 107 of them by a site beyond the border" in said
    assert "100 people would have a site; together it is 200. The price of going alone is 100 people." in said
    assert "By inhabitants: A, B pay 30 cost units more than they would alone." in said
    assert "By what each adds to the cost (Shapley): no group of communes pays more than it would alone." in said
    # By inhabitants, by people served (100 of 200 at home), Shapley, that for each of 100 who gain, alone.
    assert "A 75 75 30 0.3 60" in said
    assert body.count("<rect") == 2 + 2 * 3
    french = render_report(Result(data.all_sites, tables), language="fr")
    assert "aucun groupe de communes ne paie plus" in french
    assert 'class="who_pays"' not in render_report(Result(data.all_sites))
