"""The further questions of a study, on a town counted by head, and on the sample where streets are needed.

The town: ten homes in a row, one hundred workers at each, 1 km apart; the western five are the commune W, the others E.
A (existing) reaches the homes 0 to 3 within 10 minutes on foot, B (candidate) the homes 6 to 9; nobody reaches 4 and 5.
By bicycle A reaches 0 to 5 within 20 minutes, B 4 to 9.
"""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from shapely import box

from siteplan.config import BIKE, SLOW_WALK, Rides, Study
from siteplan.config.questions import Commuting, Demand, Fairness, Robustness
from siteplan.errors import InputError, SiteplanError, SiteplanWarning, StudyError, warn
from siteplan.inputs.columns import read_cell_columns
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.reachable import Reach
from siteplan.study import robustness
from siteplan.study.cache import Cache
from siteplan.study.commuting import commuting_tables
from siteplan.study.demand import demand_tables
from siteplan.study.fairness import desks_by_cell, fairness_tables, places_left_out
from siteplan.study.load import load
from siteplan.study.manifest import input_files
from siteplan.study.progress import Means
from siteplan.study.questions import answer_of, check_questions
from siteplan.study.reading import read_study
from siteplan.study.robustness import _moved, robustness_tables
from siteplan.study.situation import Situation
from siteplan.study.travel import times_of
from siteplan.workers import Workers
from tests.asking import quiet, section
from tests.town import BY_BUS, write_bus, write_town

X, Y = 700_000.0, 6_600_000.0  # in Lambert 93
CAR = {"car": 1.0}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("town")
    homes = gpd.GeoSeries(gpd.points_from_xy([X + 1000 * k for k in range(10)], [Y] * 10), crs=2154)
    lonlat = homes.to_crs(4326)
    table = {
        "cell": [f"c{k}" for k in range(10)],
        "lon": lonlat.x,
        "lat": lonlat.y,
        "people": 200,
        "workers": 100,
        "income": [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
        "zone": ["town"] * 4 + ["country"] * 6,
    }
    pd.DataFrame(table).to_csv(folder / "people.csv", index=False)
    places = {"site": ["A", "B"], "name": ["Hall", "Library"], "status": ["existing", "candidate"], "capacity": [8, 4]}
    at = lonlat.iloc[[0, 9]]
    pd.DataFrame(places | {"lon": at.x.to_numpy(), "lat": at.y.to_numpy()}).to_csv(folder / "sites.csv", index=False)
    rows = [("A", f"c{k}", 2.5 * k, "walk") for k in range(4)]
    rows += [("B", f"c{9 - k}", 2.5 * k, "walk") for k in range(4)]
    rows += [("A", f"c{k}", 4.0 * k, "bike") for k in range(6)]
    rows += [("B", f"c{9 - k}", 4.0 * k, "bike") for k in range(6)]
    pd.DataFrame(rows, columns=["site", "point", "minutes", "mode"]).to_csv(folder / "times.csv", index=False)
    halves = [box(X - 500, Y - 1000, X + 4500, Y + 1000), box(X + 4500, Y - 1000, X + 9500, Y + 1000)]
    communes = {"code": ["1", "2"], "name": ["W", "E"], "kind": ["dense", "thin"]}
    gpd.GeoDataFrame(communes, geometry=halves, crs=2154).to_file(folder / "communes.gpkg")
    (folder / "study.yaml").write_text(
        "area: {communes: communes.gpkg}\n"
        "inputs: {population: {file: people.csv, groups: [workers]}, sites: sites.csv, times: times.csv}\n"
        "travel: {modes: [walk, bike], minutes: [10, 20]}\n"
    )
    (folder / "flows.csv").write_text("home,work,people\n1,2,500\n2,1,300\n2,2,200\n")
    study = read_study(folder / "study.yaml")
    territory = load(study)
    return folder, study, territory, Reach.of(times_of(study, territory, Cache(None), Means()), territory.points)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory):
    """The street of tests.town, which has streets to travel on."""
    path = write_town(tmp_path_factory.mktemp("street"))
    study = read_study(path)
    with quiet():  # the street ends where the town does
        return study, load(study)


def asking(study, **questions):
    """Return the study with some questions."""
    return study.model_copy(
        update={"fairness": None, "demand": None, "commuting": None, "robustness": None} | questions
    )


def value(table, **where):
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    assert len(table) == 1, table
    return float(table["value"].iloc[0])


# ---- who is left out ----


def test_shares_and_indices_are_those_counted_by_head(town):
    _, study, territory, reach = town
    table = fairness_tables(Fairness(), Situation(study, territory, reach))["fairness"]
    share = {"what": "covered", "split": "total", "mode": "walk", "minutes": 10}
    assert value(table, open="today", group="workers", **share) == pytest.approx(0.4)
    assert value(table, open="all", group="people", **share) == pytest.approx(0.8)
    # Four of ten have one site, six have none.
    sites = {"what": "sites", "mode": "walk", "minutes": 10, "group": "people", "open": "today"}
    assert value(table, measure="mean", **sites) == pytest.approx(0.4)
    assert value(table, measure="gini", **sites) == pytest.approx(0.6)
    assert value(table, measure="theil", **sites) == pytest.approx(np.log(2.5))
    assert not (table["measure"] == "concentration").any()
    minutes = {"what": "minutes", "mode": "walk", "group": "people", "open": "today"}
    assert value(table, measure="mean", **minutes) == pytest.approx((0 + 2.5 + 5 + 7.5) / 4)
    # Shares by group stand first.
    assert (table["what"] == "covered").to_numpy().nonzero()[0].max() < (table["what"] != "covered").to_numpy().argmax()


def test_the_chosen_sites_are_a_case_of_their_own(town):
    _, study, territory, reach = town
    table = fairness_tables(Fairness(), Situation(study, territory, reach, ["B"]))["fairness"]
    share = {"what": "covered", "split": "total", "mode": "walk", "minutes": 10, "group": "people"}
    assert [value(table, open=name, **share) for name in ("today", "chosen", "all")] == pytest.approx([0.4, 0.8, 0.8])


def test_income_ranks_and_the_users_own_degree_divides(town):
    _, study, territory, reach = town
    asked = Fairness(income="income", degree="zone")
    check_questions(asking(study, fairness=asked), territory)
    table = fairness_tables(asked, Situation(study, territory, reach))["fairness"]
    sites = {"what": "sites", "mode": "walk", "minutes": 10, "group": "people", "open": "today"}
    # The four poorest have it all: ranked from 0 to 1 they stand at 0.2 on average, so 2 x 0.2 - 1.
    assert value(table, measure="concentration", **sites) == pytest.approx(-0.6)
    assert value(table, measure="palma", **sites) == 0
    own = {
        "what": "covered",
        "split": "degree_given",
        "mode": "walk",
        "minutes": 10,
        "group": "people",
        "open": "today",
    }
    assert value(table, territory="town", **own) == 1
    assert value(table, territory="country", **own) == 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_degree_may_be_a_column_of_the_communes_however_they_are_sorted(town, tmp_path, order):
    folder, *_ = town
    for file in folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    gpd.read_file(folder / "communes.gpkg").iloc[::order].to_file(tmp_path / "sorted.gpkg")
    study = read_study(tmp_path / "study.yaml", ["area.communes=sorted.gpkg"])
    territory = load(study)
    reach = Reach.of(times_of(study, territory, Cache(None), Means()), territory.points)
    table = fairness_tables(Fairness(degree="kind"), Situation(study, territory, reach))["fairness"]
    own = {
        "what": "covered",
        "split": "degree_given",
        "mode": "walk",
        "minutes": 10,
        "group": "people",
        "open": "today",
    }
    assert value(table, territory="dense", **own) == pytest.approx(0.8)
    assert value(table, territory="thin", **own) == 0


def test_desks_are_shared_among_who_reaches_them(town):
    _, study, territory, reach = town
    asked = Fairness(catchment={"steps": {10: 1}, "group": "workers"})
    tables = fairness_tables(asked, Situation(study, territory, reach, ["B"]))
    sites = tables["catchment"].set_index(["open", "mode", "site"])["desks_per_person"]
    assert sites["today", "walk", "A"] == pytest.approx(8 / 400)
    assert sites["chosen", "walk", "B"] == pytest.approx(4 / 400)
    walk = desks_by_cell(asked, Situation(study, territory, reach, ["B"]))["desks_per_person_walk"]
    assert walk.to_list() == pytest.approx([0.02] * 4 + [0, 0] + [0.01] * 4)
    # People times desks per person are the desks.
    assert float((walk * 100).sum()) == pytest.approx(12)
    mean = value(
        tables["fairness"],
        what="desks_per_person",
        measure="mean",
        group="workers",
        mode="walk",
        open="today",
    )
    assert mean == pytest.approx(8 / 1000)


def test_the_lack_is_told_and_where_the_times_end(town):
    _, study, territory, reach = town
    asked = Fairness(shortfall=True)
    assert asked.limit(20) == 40
    with pytest.warns(SiteplanWarning, match="ends at 20 minutes; for fairness.shortfall"):
        table = fairness_tables(asked, Situation(study, territory, reach))["fairness"]
    lack = {"what": "lack", "mode": "bike", "minutes": 10, "group": "people", "open": "today"}
    assert value(table, measure="fgt0", **lack) == pytest.approx(0.7)
    # Homes 3, 4 and 5 lack 2, 6 and 10 of 10 minutes, four lack all.
    assert value(table, measure="fgt1", **lack) == pytest.approx((0.2 + 0.6 + 1 + 4) / 10)
    assert value(table, measure="fgt2", **lack) == pytest.approx((0.04 + 0.36 + 1 + 4) / 10)


def test_places_are_listed_as_many_as_asked(town):
    _, study, territory, reach = town
    whole = places_left_out(study, territory, reach)
    assert len(places_left_out(study, territory, reach, Fairness(places=1))) == min(1, len(whole))


# ---- how big ----


def test_desks_follow_the_chain(town):
    _, study, territory, reach = town
    asked = Demand(uptake=[0.1, 0.05], mode="walk", minutes=10, occupancy=1, peak=1.25)
    tables = demand_tables(asked, Situation(study, territory, reach))
    desks = tables["desks"].set_index(["site", "uptake"])
    assert list(desks.loc["A", "basis"]) == ["nearest", "nearest"]
    assert list(desks.loc["B", "basis"]) == ["alone", "alone"]
    row = desks.loc[("A", 0.1)]
    assert row["workers"] == pytest.approx(400)
    assert row["teleworkers"] == pytest.approx(148)
    assert row["peak_day"] == pytest.approx(148 * 0.1 * 2 / 5 * 1.25)
    assert row["desks"] == 8
    assert row["rooms"] == 1
    assert row["m2"] == 100
    assert row["chance_at_capacity"] == pytest.approx(row["chance_of_no_desk"])  # eight desks are there
    assert row["people_p50"] <= row["peak_day"] + 1 < row["people_p95"] + 1
    assert row["people_p95"] == row["desks_at_chance"]
    assert (row["seated"], row["left_out"]) == pytest.approx((7.4, 0))
    assert np.isnan(desks.loc[("B", 0.1), "seated"])  # not open
    week = tables["weekdays"]
    assert week.groupby("uptake")["people"].sum().to_list() == pytest.approx([148 * 0.05 * 2, 148 * 0.1 * 2])


def test_who_finds_no_desk_goes_on(town):
    _, study, territory, reach = town
    asked = Demand(uptake=[0.2], mode="bike", minutes=20, teleworkable=1, days=5, peak=1)
    desks = demand_tables(asked, Situation(study, territory, reach, ["B"]))["desks"].set_index("site")
    assert list(desks["basis"]) == ["nearest", "nearest"]
    assert desks["workers"].to_list() == pytest.approx([500, 500])
    assert desks["seated"].to_list() == pytest.approx([8, 4])
    wanted = desks["seated"] - desks["from_others"] + desks["sent_on"] + desks["left_out"]
    assert wanted.to_list() == pytest.approx([100, 100])


def test_a_week_gives_the_peak(town):
    _, study, territory, reach = town
    asked = Demand(uptake=[0.05], week=[1, 1, 1, 1, 2], group="workers")
    assert asked.fullest == pytest.approx(2 / 1.2)
    week = demand_tables(asked, Situation(study, territory, reach))["weekdays"]
    assert list(week["day"]) == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    assert week["of_mean"].to_list() == pytest.approx([1 / 1.2] * 4 + [2 / 1.2])


# ---- what for ----


def test_thirteen_kilometres_each_way_are_3_7_kg_a_day(town):
    _, study, territory, reach = town
    classes = [{"km_from": 13, "km_to": 13, "share": 1}]
    asked = Commuting(uptake=[0.1], distances=classes, modes=CAR, telecentre_km=0, mode="walk", minutes=10, rebound=[0])
    table = commuting_tables(asked, Situation(study, territory, reach, ["B"]))["commuting"]
    row = table[table["mode"] == "all"].iloc[0]
    # Of 1,000 workers 800 have a site near enough.
    assert row["people_days"] == pytest.approx(800 * 0.1 * 0.37 * 2 * 45)
    assert row["kg_co2e"] / row["people_days"] == pytest.approx(3.71, abs=0.005)


def test_flows_count_who_lives_near_enough_and_a_loss_stays_a_loss(town):
    folder, study, territory, reach = town
    asked = Commuting(uptake=[0.02, 0.05, 0.1], flows=folder / "flows.csv", modes=CAR, mode="walk", minutes=10, days=1)
    check_questions(asking(study, commuting=asked), territory)
    tables = commuting_tables(asked, Situation(study, territory, reach))
    saved = tables["commuting"].set_index(["uptake", "rebound", "mode"])
    # Today only 400 of the 500 workers of W: homes 0 to 3, 1.5 km from A in a straight line on average.
    days = 500 * 0.8 * 0.1 * 0.37 * 1 * 45
    assert saved.loc[(0.1, 0.0, "all"), "people_days"] == pytest.approx(days)
    assert saved.loc[(0.1, 0.0, "car"), "passenger_km"] == pytest.approx(2 * days * (5 - 1.5) * 1.4, rel=1e-3)
    assert saved.loc[(0.1, 0.2, "car"), "kg_co2e"] == pytest.approx(0.8 * saved.loc[(0.1, 0.0, "car"), "kg_co2e"])
    drivers = tables["tornado"].set_index("driver")
    base = drivers["base"].iloc[0]
    assert drivers.loc["uptake", ["at_low", "at_high"]].to_list() == pytest.approx([base * 0.4, base * 2])
    assert drivers.loc["detour", "at_low"] == pytest.approx(base * 1.2 / 1.4)  # both ways grow with it
    assert drivers.loc["telecentre_km", ["low", "high"]].to_list() == pytest.approx([1.05, 4.2], rel=1e-3)
    far = asked.model_copy(update={"telecentre_km": 20.0})
    lost = commuting_tables(far, Situation(study, territory, reach))["commuting"]
    assert (lost["kg_co2e"] < 0).all()


def test_the_days_of_the_desks_hold_for_the_commutes_too(town):
    folder, study, territory, reach = town
    asked = Commuting(uptake=[0.1], flows=folder / "flows.csv", modes=CAR, mode="walk", minutes=10)
    demand = Demand(uptake=[0.1], days=3)
    days = [
        commuting_tables(each, Situation(asking(study, demand=demand), territory, reach))["commuting"][
            "people_days"
        ].max()
        for each in (asked, asked.model_copy(update={"days": 1.0}))
    ]
    assert days[0] == pytest.approx(3 * days[1])


def test_flows_with_modes_of_their_own_need_no_others(town, tmp_path):
    _, study, territory, reach = town
    (tmp_path / "flows.csv").write_text("home,work,people,mode\n1,2,300,car\n1,2,100,bus\n")
    asked = Commuting(uptake=[0.1], flows=tmp_path / "flows.csv", mode="walk", minutes=10)
    check_questions(asking(study, commuting=asked), territory)
    table = commuting_tables(asked, Situation(study, territory, reach))["commuting"]
    assert set(table["mode"]) == {"car", "bus", "all"}


# ---- how sure ----


WEIGHTS = {"people_walk_5.5": 1.0}


def sure(study, asked, territory, cache, progress=None, *, weights, chosen=(), executor=None):
    """How sure the ranks are."""
    reach = Reach.of(times_of(study, territory, Cache(None), Means()), territory.points)
    means = Means(progress, executor)
    return robustness_tables(
        asked, Situation(study, territory, reach, chosen, weights=weights, cache=cache, means=means)
    )


def test_variants_are_the_same_twice_and_go_on_where_they_stopped(street, tmp_path, monkeypatch):
    study, territory = street
    study = study.with_(set={"choose": {"sites": 2, "mode": "walk"}})
    asked = Robustness(count=4, first=1, walk_kmh=(4.0, 5.4))
    check_questions(asking(study, robustness=asked), territory)
    told = []
    first = sure(
        study, asked, territory, Cache(tmp_path), lambda *at: told.append(at), weights=WEIGHTS, chosen=["A", "B"]
    )
    assert told[-1] == ("robustness", 4, 4)
    assert len(list(tmp_path.iterdir())) == 4
    next(tmp_path.iterdir()).unlink()
    made = []
    variant = robustness._variant
    monkeypatch.setattr(robustness, "_variant", lambda *given, **more: made.append(1) or variant(*given, **more))
    again = sure(study, asked, territory, Cache(tmp_path), weights=WEIGHTS, chosen=["A", "B"])
    assert len(made) == 1
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
    robust = first["robustness"].set_index("site")
    assert robust["variants"].unique().tolist() == [4]
    # Both ends of the street are alike.
    assert robust["in_first"].to_list() == [1, 1]
    assert (robust["p5"] <= robust["p95"]).all()
    assert first["robust_sets"][["sites", "own", "count", "max_regret"]].to_numpy().tolist() == [["A, B", True, 4, 0]]
    other = sure(study, Robustness(count=4, first=1, seed=2), territory, Cache(None), weights=WEIGHTS)
    assert not other["robustness"].equals(first["robustness"])


def test_variants_are_the_same_bytes_whoever_computes_them(tmp_path):
    write_bus(tmp_path)
    study = read_study(write_town(tmp_path, study=BY_BUS)).with_(set={"choose": {"sites": 2, "mode": "best"}})
    with quiet():
        territory = load(study)
    asked, found = Robustness(count=5, first=1), []
    for workers in (0, 1, 2):
        with Workers(max(workers, 1)) as pool:
            cache = Cache(tmp_path / f"kept by {workers}")
            how = {"weights": {"people_transit_9.5": 1.0}, "executor": pool if workers else None}
            tables = sure(study, asked, territory, cache, **how)
        assert len(list(cache.folder.iterdir())) == 5
        written = {name: table.to_csv() for name, table in tables.items()}
        found.append(written | {path.name: path.read_bytes() for path in cache.folder.iterdir()})
    assert found[0] == found[1] == found[2]


def test_a_choice_that_the_clock_ended_is_told_whenever_it_is_used(street, tmp_path, monkeypatch):
    study, territory = street
    study = study.with_(set={"choose": {"sites": 2, "mode": "walk"}})
    monkeypatch.setattr(robustness, "_chosen", lambda *_, **__: (["A"], "clock"))
    for _ in ("computed", "kept"):
        with pytest.warns(SiteplanWarning, match="ended by the clock") as told:
            sure(study, Robustness(count=2, first=1), territory, Cache(tmp_path), weights=WEIGHTS)
        assert len(told) == 1


def test_what_is_odd_in_a_study_is_not_told_again_by_its_variants(street, tmp_path, monkeypatch):
    study, territory = street
    study = study.with_(set={"choose": {"sites": 2, "mode": "walk"}})

    def chosen(*_, **__):
        warn("odd")
        return ["A"], "proven"

    monkeypatch.setattr(robustness, "_chosen", chosen)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        sure(study, Robustness(count=2, first=1), territory, Cache(tmp_path), weights=WEIGHTS)
    assert [str(each.message) for each in told] == []


def test_a_vintage_of_the_population_is_a_variant_with_its_people(street, tmp_path):
    study, territory = street
    later = territory.cells.assign(people=3 * territory.cells["people"]).reset_index()
    later.to_file(tmp_path / "later.gpkg")
    fixed = {"walk_kmh": (4.8, 4.8), "bike_kmh": (15, 15), "snapping_m": [300], "placements": ["as is"]}
    asked = Robustness(count=2, first=1, populations=[tmp_path / "later.gpkg"], **fixed)
    check_questions(asking(study, robustness=asked), territory)
    table = sure(study, asked, territory, Cache(None), weights=WEIGHTS)["robustness"].set_index("site")
    bare = Robustness(count=2, first=1, **fixed)
    once = sure(study, bare, territory, Cache(None), weights=WEIGHTS)["robustness"].set_index("site")
    # Of two variants one counts the study's people, the other three times as many.
    assert table["p5"].to_numpy() == pytest.approx(once["p50"].to_numpy())
    assert table["p95"].to_numpy() == pytest.approx(3 * once["p50"].to_numpy())
    files = input_files(asking(study, robustness=asked))
    assert files["robustness.populations.1"] == tmp_path / "later.gpkg"


def test_a_vintage_that_lies_elsewhere_is_refused(street, tmp_path):
    study, territory = street
    territory.cells.translate(500_000).to_frame("geometry").assign(people=1.0).to_file(tmp_path / "far.gpkg")
    asked = Robustness(count=2, first=1, populations=[tmp_path / "far.gpkg"])
    with pytest.raises(InputError, match=r"far\.gpkg"):
        check_questions(asking(study, robustness=asked), territory)


def test_a_variant_is_a_run_with_its_speeds(street):
    study, territory = street
    asked = Robustness(count=2, first=1, walk_kmh=(3.6, 3.6), bike_kmh=(15, 15), snapping_m=[300], placements=["as is"])
    table = sure(study, asked, territory, Cache(None), weights=WEIGHTS)["robustness"]
    slow = study.with_(set={"travel.walk.speed_kmh": 3.6})
    times = times_of(slow, territory, Cache(None), Means())
    near = times[(times["mode"] == "walk") & (times["minutes"] <= 5.5)].groupby("site", observed=False)["point"].count()
    assert table.set_index("site")["p50"].to_dict() == {site: 10.0 * near[site] for site in ("A", "B")}


def test_shares_of_publics_are_in_doubt(street, tmp_path):
    study, territory = street
    study = study.with_(
        set={"travel.publics": {"cycling": {"share": 0.4}, "others": {"share": 0.6, "modes": ["walk"]}}}
    )
    weights = {"people_bike_5.5": 1.0}
    fixed = {"first": 1, "bike_kmh": (15, 15), "snapping_m": [300], "placements": ["as is"]}

    def reached(study, **how):
        table = sure(study, Robustness(count=12, **fixed, **how), territory, Cache(tmp_path), weights=weights)
        return table["robustness"].set_index("site").loc["A", ["p5", "p50", "p95"]].tolist()

    assert reached(study, publics=0) == [44.0] * 3  # by bicycle each end reaches all 110, of whom 0.4 cycle
    low, middle, high = reached(study)
    # Shares a fifth smaller or larger: from 0.32 of 0.32 + 0.72 to 0.48 of 0.48 + 0.48.
    assert 110 * 0.32 / 1.04 <= low < middle < high <= 110 * 0.5
    assert reached(study) == [low, middle, high]
    # What the cache holds is of the publics that it was computed for.
    more = study.with_(set={"travel.publics.cycling.share": 0.5, "travel.publics.others.share": 0.5})
    assert reached(more, publics=0) == [55.0] * 3


def test_a_variant_by_bus_is_a_run_in_its_window(tmp_path):
    write_bus(tmp_path)
    study = read_study(write_town(tmp_path, study=BY_BUS))
    with quiet():
        territory = load(study)
    same = {"walk_kmh": (4.8, 4.8), "snapping_m": [300], "placements": ["as is"]}
    asked = Robustness(count=2, first=1, shifts=[720], dates=["2026-03-10", "2026-03-11"], **same)
    check_questions(asking(study, robustness=asked), territory)
    weights = {"people_transit_9.5": 1.0}
    table = sure(study, asked, territory, Cache(None), weights=weights)["robustness"].set_index("site")
    # In the evening the last bus has gone: who does not walk does not come.
    evening = study.with_(set={"travel.transit.window": ["20:00", "21:00"]})
    times = times_of(evening, territory, Cache(None), Means())
    reached = times[(times["mode"] == "transit") & (times["minutes"] <= 9.5)].groupby("site", observed=False)["point"]
    assert table["p50"].to_dict() == (10.0 * reached.count()).to_dict()
    usual = Robustness(count=2, first=1, shifts=[0], **same)
    morning = sure(study, usual, territory, Cache(None), weights=weights)["robustness"].set_index("site")
    assert (morning["p50"] > table["p50"]).any()
    with pytest.raises(SiteplanError, match="2031"):
        check_questions(asking(study, robustness=Robustness(first=1, dates=["2031-01-01"])), territory)


def test_who_cycles_to_the_stop_cycles_as_fast_as_drawn(street):
    study, _ = street
    rides = Rides(window=("08:00", "09:00"), back=("17:00", "18:00"), home=BIKE)
    other = robustness._other(study, rides, {"walk_kmh": 3.6, "bike_kmh": 12.0, "shift_minutes": -15})
    assert (other.window, other.back) == (("07:45", "08:45"), ("16:45", "17:45"))
    assert (other.walk.speed_kmh, other.walk.access_kmh, other.home.speed_kmh) == (3.6, 3.6, 12.0)
    slow = robustness._other(study, SLOW_WALK, {"walk_kmh": 2.4, "bike_kmh": 12.0})
    assert slow.speed_kmh == pytest.approx(1.5)  # half as fast as the study's walk, as drawn


def test_what_a_set_forgoes_is_told_of_a_set_never_chosen_too(street):
    study, territory = street
    study = study.with_(set={"choose": {"sites": 2, "mode": "walk"}})
    asked = Robustness(count=2, first=1, walk_kmh=(4.8, 4.8), snapping_m=[300], placements=["as is"])
    table = sure(study, asked, territory, Cache(None), weights=WEIGHTS, chosen=["A"])["robust_sets"]
    found = table.set_index("sites")
    assert found.loc["A", ["own", "count", "max_regret", "max_regret_share"]].to_list() == [True, 0, 50.0, 0.5]
    assert not found.loc["A, B", "own"]


# ---- what cannot be answered ----


@pytest.mark.parametrize(
    ("block", "given", "said"),
    [
        (Demand, {}, "uptake"),
        (Commuting, {"distances": [{"km_from": 0, "km_to": 5, "share": 1}], "modes": CAR}, "0.02, 0.05, 0.1"),
        (Demand, {"uptake": [1.5]}, "less than or equal to 1"),
        (Demand, {"uptake": [0.1], "teleworkable": 37}, "less than or equal to 1"),
        (Demand, {"uptake": [1], "days": 5}, "more people come on the fullest day than there are"),
        (Demand, {"uptake": [0.1], "week": [1, 2]}, "five numbers"),
        (Demand, {"uptake": [0.1], "week": [1, 1, 1, 1, 1], "peak": 1.2}, "leave peak out"),
        (Commuting, {"uptake": [0.1]}, "neither flows nor distances"),
        (Commuting, {"uptake": [0.1], "flows": "nowhere.csv"}, "no such file"),
        (
            Commuting,
            {"uptake": [0.1], "distances": [{"km_from": 5, "km_to": 1, "share": 1}], "modes": CAR},
            "ends before",
        ),
        (
            Commuting,
            {"uptake": [0.1], "distances": [{"km_from": 0, "km_to": 1, "share": 0.5}], "modes": CAR},
            "sum to 0.5",
        ),
        (
            Commuting,
            {"uptake": [0.1], "distances": [{"km_from": 0, "km_to": 1, "share": 1}], "modes": {"car": 0.5}},
            "0.5",
        ),
        (Commuting, {"uptake": [0.1], "distances": [{"km_from": 0, "km_to": 1, "share": 1}]}, "modes: missing"),
        (Fairness, {"catchment": {"steps": {10: 0.5, 20: 0.8}}}, "weights that fall"),
        (Robustness, {"count": 1}, "greater than or equal to 2"),
        (Robustness, {"walk_kmh": [5, 4]}, "the lower first"),
        (Robustness, {"snapping_m": [500]}, "less than or equal to 300"),
        (Robustness, {"placements": ["sideways"]}, "as is"),
    ],
)
def test_what_a_block_refuses(block, given, said):
    with pytest.raises(ValidationError, match=said):
        block.model_validate(given)


def test_what_is_refused_when_all_is_read(town, tmp_path):
    folder, study, territory, _ = town
    flows = tmp_path / "flows.csv"
    flows.write_text("home,work,people\n1,7,500\n9,1,300\n")
    factors = tmp_path / "factors.yaml"
    factors.write_text("car_kg: {value: 0.2}\n")
    up = {"uptake": [0.1]}
    known = {"flows": folder / "flows.csv", "modes": CAR}
    asked = [
        ({"fairness": Fairness(income="wages")}, StudyError, "fairness.income: .*no column 'wages'"),
        ({"fairness": Fairness(income="zone")}, InputError, "zone"),
        ({"fairness": Fairness(degree="wages")}, StudyError, "fairness.degree: .*'wages'.* nor the communes"),
        ({"fairness": Fairness(catchment={"group": "elders"})}, StudyError, "fairness.catchment.group: no 'elders'"),
        ({"demand": Demand(**up, group="elders")}, StudyError, "demand.group: no 'elders'.*people, workers"),
        ({"demand": Demand(**up, minutes=25)}, StudyError, "demand.minutes: 25 is more than the 20 minutes"),
        ({"commuting": Commuting(**up, flows=flows, modes=CAR)}, InputError, "commuting.flows: .*7, 9"),
        ({"commuting": Commuting(**up, **known, factors=factors)}, InputError, "commuting.factors: .*car_kg lacks"),
        (
            {"commuting": Commuting(**up, **known, telecentre_modes={"boat": 1})},
            InputError,
            "telecentre_modes: no factor",
        ),
        ({"commuting": Commuting(**up, flows=folder / "flows.csv")}, StudyError, "commuting.modes: missing"),
        ({"robustness": Robustness()}, StudyError, "robustness: needs streets"),
    ]
    for question, kind, said in asked:
        with pytest.raises(kind, match=said):
            check_questions(asking(study, **question), territory)


def test_what_robustness_refuses_when_all_is_read(street):
    study, territory = street
    for asked, said in (
        (Robustness(), "robustness.first: 5 of 2 sites"),
        (Robustness(first=1, dates=["2026-03-10"]), "robustness.dates: nobody rides"),
    ):
        with pytest.raises(SiteplanError, match=said):
            check_questions(asking(study, robustness=asked), territory)


def test_every_question_is_answered_by_the_module_of_its_name() -> None:
    named = {key: get_args(Study.model_fields[key].annotation)[0].file_keys() for key in Study.questions()}
    assert {key: files for key, files in named.items() if files} == {
        "commuting": ("flows", "factors"),
        "observed": ("visits",),
        "building": ("factors",),
        "criteria": ("services",),
        "competition": ("places",),
        "robustness": ("populations",),
    }
    for key in named:
        assert {*answer_of(key).after} < {*named}, key


def test_an_unknown_mode_is_refused(town, street):
    study, territory = street
    asked = Demand(uptake=[0.1], mode="boat")
    with pytest.raises(StudyError, match="no 'boat' in this study; expected any of walk, bike, best"):
        check_questions(asking(study, demand=asked), territory)
    _, study, territory, reach = town  # whose modes only the times know
    check_questions(asking(study, demand=asked), territory)
    with pytest.raises(StudyError, match="no 'boat' in the times given"):
        demand_tables(asked, Situation(study, territory, reach))


def test_a_window_must_stay_in_its_day(street):
    study, territory = street

    class Riding:
        inputs, travel = study.inputs, study.travel
        rides = (Rides(window=("00:10", "01:00")),)

    with pytest.raises(StudyError, match="move the window 00:10-01:00 out of the day"):
        robustness.check_robustness(Riding(), Robustness(first=1), territory)


def test_sites_without_desks_are_named(town):
    _, study, territory, reach = town
    sites = territory.all_sites.assign(capacity=np.nan)
    bare = replace(territory, all_sites=sites)
    asked = Fairness(catchment={"steps": {10: 1}})
    with pytest.raises(InputError, match="1 existing or required sites have no capacity, first 'A'"):
        check_questions(asking(study, fairness=asked), bare)
    half = territory.all_sites.assign(capacity=[8.0, np.nan])
    half = replace(territory, all_sites=half)
    with pytest.warns(SiteplanWarning, match="1 chosen sites have no capacity, first 'B'"):
        fairness_tables(asked, Situation(study, half, reach, ["B"]))


def test_a_raster_has_no_columns(tmp_path: Path):
    assert read_cell_columns(tmp_path / "people.tif").empty


# ---- what the report says ----


def page_of(town, language):
    _, study, territory, reach = town
    desks = demand_tables(
        Demand(uptake=[0.05], mode="bike", week=[1, 1, 1, 1, 2]), Situation(study, territory, reach, ["B"])
    )
    classes = [{"km_from": 13, "km_to": 13, "share": 1}]
    asked = Commuting(uptake=[0.1], distances=classes, modes=CAR, telecentre_km=30, mode="walk")
    fair = fairness_tables(
        Fairness(income="income", catchment={"steps": {10: 1}}), Situation(study, territory, reach, ["B"])
    )
    robust = pd.DataFrame(
        {
            "site": ["A", "B"],
            "name": ["Hall", "<b>Library</b>"],
            "status": ["existing", "candidate"],
            "variants": 20,
            "in_first": [1.0, 0.25],
            "first": 1,
            "mean_rank": [1.0, 1.8],
            "best_rank": [1, 1],
            "worst_rank": [1, 2],
            "counted": "people_best_20",
            "p5": [1000.0, 400.0],
            "p50": [1200.0, 500.0],
            "p95": [1400.0, 1200.0],
        }
    )
    sets = {"sites": ["A, B", "A"], "own": [True, False], "count": [15, 5], "share": [0.75, 0.25]}
    sets |= {"best_in": [0.8, 0.3], "mean_regret": [1.0, 50.0], "max_regret": [12.0, 90.0]}
    changes = pd.DataFrame(
        [
            ("bridge", "a bridge", "walk", 20.0, "people", 2000.0, 1200.0, 1300.0, 150.0, 50.0, 1150.0),
            ("bridge", "a bridge", "best", 20.0, "people", 2000.0, 1500.0, 1500.0, 0.0, 0.0, 1500.0),
            ("paint", "", "walk", 20.0, "people", 2000.0, 1200.0, 1200.0, 0.0, 0.0, 1200.0),
            ("paint", "", "best", 20.0, "people", 2000.0, 1500.0, 1500.0, 0.0, 0.0, 1500.0),
        ],
        columns="scenario about mode minutes group people before after gained lost unchanged".split(),
    )
    scores = pd.DataFrame({"people_best_20": [1200.0, 1200.0], "rank": [1, 1]}, index=pd.Index(["A", "B"], name="site"))
    tables = {
        "scores": scores,
        "scenarios": changes,
        "robustness": robust,
        "robust_sets": pd.DataFrame(sets | {"max_regret_share": [0.01, 0.075]}),
        "fairness": fair["fairness"],
        **desks,
        **commuting_tables(asked, Situation(study, territory, reach, ["B"])),
    }
    return render_report(Result(territory.all_sites, tables), language=language)


def test_the_report_answers_in_plain_sentences(town):
    page = page_of(town, "en")
    fair = section(page, "fairness")[1]
    assert "workers 60% 100% 100%" in fair
    assert "1.2 sites on average, with the open and the chosen sites" in fair
    desks = section(page, "desks")[1]
    assert "If 5% of those whose work allows it come" in desks
    assert "The fullest day is Friday, 67% above the mean of the week." in desks
    assert "Hall 500 8" in desks
    commuting = section(page, "commuting")[1]
    assert "Below 0, more is travelled than before." in commuting
    assert "<svg" in page[page.index('class="commuting"') :]
    robust = section(page, "robustness")[1]
    assert "run 20 times" in robust
    assert "Hall is among the first 1 every time." in robust
    assert "<b>Library</b> 1 25% 1 – 2 400 – 1,200" in robust
    assert "covers at most 12 people (1%) fewer" in robust
    scenarios = section(page, "scenarios")[1]
    assert "bridge: a bridge" in scenarios  # what a scenario is about is said once, above its rows
    assert "bridge on foot 1,200 1,300 150 50 +100" in scenarios
    assert "paint by any mode 1,500 1,500 0 0 0" in scenarios
    assert scenarios.count("1,500 1,500") == 1  # what does not change is told once, of what does not change at all
    assert "<b>Library</b>" not in page


def test_the_report_answers_in_french_too(town):
    page = page_of(town, "fr")
    assert "Si 5\u202f% de ceux dont le travail s’y prête viennent" in page
    assert "Le jour de pointe est le vendredi" in page
    assert "Hall est chaque fois parmi les 1 premiers." in page
    for section_name in ("fairness", "desks", "commuting", "robustness", "scenarios"):
        assert "{" not in section(page, section_name)[1]


def test_a_report_without_answers_has_no_sections_of_them(town):
    _, _, territory, _ = town
    page = render_report(Result(territory.all_sites))
    for name in ("fairness", "desks", "commuting", "robustness", "scenarios"):
        assert f'class="{name}"' not in page


def test_a_window_moves_by_parts_of_minutes() -> None:
    assert _moved(("08:00:30", "09:00:30"), -7.5) == ("07:53", "08:53")
    assert _moved(("08:00", "09:00"), 15) == ("08:15", "09:15")
