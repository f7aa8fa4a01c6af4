"""What results are called: every measure and every table is read as what it was made of and declared to be."""

import string
from itertools import pairwise

import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siteplan.analysis.reach import Decay as NearnessDecay
from siteplan.analysis.reach import added, coverage, decayed_reach, reach
from siteplan.catalogue import (
    COUNTED,
    FILES,
    LAYERS,
    PLACES,
    TABLES,
    Measure,
    by_mode,
    check_groups,
    decayed_measures,
    measures,
    score_measures,
    speeds,
    table_rows,
)
from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.population import read_population
from siteplan.output.result import Result
from siteplan.study import run
from tests.asking import quiet
from tests.town import NORTH, lon, write_bus, write_town

OF_GROUPS = ("reached", "unique", "added", "decayed")
LIMITED = ("reached", "unique", "added", "covered", "before", "after")
KINDS = (*OF_GROUPS, "covered", "minutes", "site", "desks_per_person", "before", "after", "kmh")

# Words that names are made of, so that texts which could be mistaken for others come up at all.
WORDS = (
    *KINDS,
    "desks",
    "per",
    "person",
    "people",
    "walk",
    "slow_walk",
    "best",
    "15",
    "7.5",
    "1e+06",
    "",
    "%",
    "%5F",
    "a",
)
NAMES = st.one_of(st.text(max_size=6), st.lists(st.sampled_from(WORDS), max_size=4).map("_".join))
LIMITS = st.one_of(st.sampled_from([15, 15.0, 7.5, 1e6, 1 / 3]), st.floats(0, exclude_min=True, allow_infinity=False))


@st.composite
def any_measure(draw):
    kind = draw(st.sampled_from(KINDS))
    group = draw(NAMES) if kind in OF_GROUPS else "people"
    return Measure(kind, group, draw(NAMES), draw(LIMITS) if kind in LIMITED else None)


@given(any_measure(), any_measure())
@example(Measure("reached", "unique", "walk", 15), Measure("unique", "people", "walk", 15))
@example(Measure("reached", "slow", "walk", 15), Measure("unique", "people", "slow_walk", 15))
@example(Measure("reached", "a_", "b", 15), Measure("reached", "a", "_b", 15))
@example(Measure("reached", "people", "walk", 15.000001), Measure("reached", "people", "walk", 15))
def test_a_column_says_what_it_holds_and_no_other_column_says_the_same(one, other):
    assert Measure.read(one.column) == one
    assert (one.column == other.column) == (one == other)


@given(st.one_of(NAMES, any_measure().map(lambda measure: measure.column)))
def test_what_is_read_as_a_measure_is_called_just_so(name):
    found = Measure.read(name)
    assert found is None or found.column == name


@given(st.text(string.ascii_lowercase, min_size=1), st.sampled_from(["walk", "slow_walk", "best"]), st.integers(1, 99))
def test_plain_names_stay_short(group, mode, minutes):
    short = f"{group}_{mode}_{minutes}"
    taken = group in ("unique", "added", "covered") or f"{group}_{mode}" == "slow_slow_walk"
    assert (Measure("reached", group, mode, minutes).column == short) != taken
    assert Measure("unique", "people", mode, minutes).column == f"unique_{mode}_{minutes}"
    assert Measure("decayed", "people", mode).column == f"decayed_{mode}"


@pytest.mark.parametrize(
    ("kind", "group", "minutes"), [("minutes", "people", 15), ("reached", "people", None), ("covered", "workers", 15)]
)
def test_what_no_column_can_hold_is_no_measure(kind, group, minutes):
    with pytest.raises(ValueError, match=f"no measure {kind}"):
        Measure(kind, group, "walk", minutes)


def test_columns_of_scores_stand_by_mode_limit_and_group():
    found = score_measures(["walk"], [15], ["workers"])
    assert [each.column for each in found] == [
        "people_walk_15",
        "unique_walk_15",
        "added_walk_15",
        "workers_walk_15",
        "unique_workers_walk_15",
        "added_workers_walk_15",
    ]
    assert [each.column for each in decayed_measures(["walk"], ["workers"])] == ["decayed_walk", "decayed_workers_walk"]


def test_columns_are_read_by_group_mode_and_limit():
    names = [
        "people_slow_walk_15",
        "unique_best_7.5",
        "added_age_65_walk_20",
        "cost_2020",
        "area_res_200",
        "name",
        "slow_walk_kmh",
        "walk_kmh",
    ]
    table = pd.DataFrame([[1] * len(names)], columns=names)
    assert measures(table) == [
        Measure("reached", "people", "slow_walk", 15.0),
        Measure("unique", "people", "best", 7.5),
        Measure("added", "age_65", "walk", 20.0),
    ]
    assert speeds(table) == {"slow_walk": 1.0, "walk": 1.0}


def test_modes_without_a_speed_are_known_from_their_people():
    table = pd.DataFrame([[1] * 3], columns=["people_given_15", "unique_given_15", "workers_given_15"])
    assert [(each.kind, each.group) for each in measures(table)] == [
        ("reached", "people"),
        ("unique", "people"),
        ("reached", "workers"),
    ]


def test_columns_of_cells_stand_by_mode_the_slower_first():
    table = pd.DataFrame(columns=["minutes_best", "minutes_bike", "site_walk", "minutes_walk", "covered_walk_15"])
    assert by_mode(table, "minutes") == {"walk": "minutes_walk", "bike": "minutes_bike", "best": "minutes_best"}


# ---- groups and modes of any name ----

POINTS = pd.DataFrame(
    {"people": [10.0, 20.0, 30.0], "workers": [1.0, 2.0, 4.0]}, index=pd.Index([1, 2, 3], name="point")
)
SITES = pd.DataFrame({"status": ["existing", "candidate"]}, index=pd.Index(["A", "B"], name="site"))


def times(mode="walk"):
    rows = pd.DataFrame({"site": ["A", "A", "B", "B"], "point": [1, 2, 2, 3], "minutes": [5.0, 9.0, 4.0, 12.0]})
    return rows.assign(mode=pd.Categorical([mode] * 4))


@pytest.mark.parametrize(
    "group", ["unique", "added", "decayed", "covered", "site", "best", "walk", "people_walk", "a__b", "15"]
)
def test_a_group_of_any_name_counts_as_its_people_do(group):
    points = POINTS.rename(columns={"workers": group})
    given_groups = {"minutes": [10, 15], "groups": [group]}
    plain = {"minutes": [10, 15], "groups": ["workers"]}
    found = reach(times(), points, **given_groups).join(added(times(), points, SITES, **given_groups))
    expected = reach(times(), POINTS, **plain).join(added(times(), POINTS, SITES, **plain))
    assert len(set(found)) == len(found.columns) == len(expected.columns)
    for measure in score_measures(["walk"], [10, 15], ["workers"]):
        named = Measure(measure.kind, group, "walk", measure.minutes) if measure.group == "workers" else measure
        assert found[named.column].tolist() == expected[measure.column].tolist()
    near = decayed_reach(times(), points, decay=NearnessDecay("step", 10), groups=[group])
    assert near[Measure("decayed", group, "walk").column].tolist() == [3.0, 2.0]


@pytest.mark.parametrize("mode", ["WALK_TRANSIT", "a__b", "15", "slow_walk", "unique", "walk_15", "people"])
def test_a_mode_of_any_name_is_told_from_the_rest(mode):
    found = reach(times(mode), POINTS, minutes=[10], groups=["workers"])
    assert [Measure.read(name) for name in found] == [
        Measure(kind, group, mode, 10.0) for group in ("people", "workers") for kind in ("reached", "unique")
    ]
    assert found[Measure("unique", "people", mode, 10).column].tolist() == [10.0, 0.0]


@pytest.mark.parametrize(
    ("columns", "named"),
    [({"workers": "mode"}, "mode"), ({"workers": "minutes"}, "minutes"), ({"workers": "people_share"}, "people_share")],
)
def test_a_group_called_like_a_column_beside_it_is_refused(columns, named):
    with pytest.raises(InputError, match=f"people: a group cannot be called {named}: .*rename it"):
        coverage(times(), POINTS.rename(columns=columns), minutes=[10])


def test_a_share_of_another_group_is_refused_and_one_of_its_own_is_not():
    check_groups(["car_share", "workers"], "people")
    with pytest.raises(InputError, match="cannot be called workers_share"):
        check_groups(["workers_share", "workers"], "people")


def test_groups_that_differ_by_case_alone_are_refused():
    with pytest.raises(InputError, match="people: groups workers and Workers differ by case alone; rename one"):
        check_groups(["workers", "Workers"], "people")


@pytest.mark.parametrize(
    "group", ["people", "geometry", "Point", "mode_best", "minutes_walk", "site_best", "candidate"]
)
def test_a_population_cannot_have_a_group_called_like_a_column_of_results(tmp_path, group):
    (tmp_path / "people.csv").write_text(f"cell,lon,lat,inhabitants,{group}\nc,9,47,10,1\n")
    with pytest.raises(
        InputError, match=f"a group cannot be called {group}: siteplan uses that name itself; rename it"
    ):
        read_population(tmp_path / "people.csv", people="inhabitants", groups=[group])


def test_limits_that_are_all_but_equal_have_columns_of_their_own():
    found = reach(times(), POINTS, minutes=[9, np.nextafter(9, 0)], groups=())
    assert found.filter(like="people").iloc[0].tolist() == [30.0, 10.0]
    assert [each.kind for each in measures(found, COUNTED)] == ["reached", "unique"] * 2


# ---- tables ----

RICH = """\
name: One street
inputs:
  streets: streets.osm
  population: {file: people.csv, groups: [workers]}
  sites: sites.csv
  transit: {feeds: [bus.zip], date: 2026-03-10}
travel:
  modes: [walk, calm, transit]
  minutes: [8, 9.5]
  publics: {riding: {share: 0.7}, walking: {share: 0.3, modes: [walk]}}
score: {decay: {kind: linear, minutes: 8}}
choose: {phase_budgets: [10, 30], least_regret: true}
fairness: {catchment: {steps: {8: 1}}}
demand: {uptake: [0.05], sharing: true}
sharing: {uses: [telework, town_hall], weeks: 4}
scenarios: {new: {sites: [{open: B}]}}
output: {raster: true, tables: xlsx}
"""
RICH_SITES = f"""\
site,name,status,cost,capacity,lon,lat,owner
A,Hall,existing,,4,{lon(0)},{NORTH},town
B,Library,candidate,10,2,{lon(10)},{NORTH},county
D,School,candidate,20,2,{lon(7)},{NORTH},
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    write_bus(folder)
    with quiet():  # the street ends where the town does
        return run(write_town(folder, study=RICH, sites=RICH_SITES))


@pytest.fixture(scope="module")
def sample(demo):
    return Result.load(demo / "results")


def test_what_results_are_called_is_not_taken_from_the_users_sites(tmp_path):
    names = "people_walk_5.5,Score,area_res_200,people_walk_99,max_kmh,owner"
    sites = f"site,name,status,lon,lat,{names}\nA,Hall,existing,{lon(0)},{NORTH},1,2,3,4,5,town\n"
    with pytest.warns(SiteplanWarning) as said:
        result = run(write_town(tmp_path, sites=sites))
    assert [text for each in said if "called like results" in (text := str(each.message))] == [
        f"{tmp_path / 'sites.csv'}: people_walk_5.5, Score: called like results of siteplan, which take their place; "
        "rename what shall be kept beside them"
    ]
    layer = pyogrio.read_dataframe(result.folder / PLACES, layer="sites")
    assert [name for name in layer if name.lower() == "score"] == ["score"]
    assert layer["people_walk_5.5"].tolist() == [50]
    assert layer[["area_res_200", "people_walk_99", "max_kmh"]].astype(int).to_numpy().tolist() == [[3, 4, 5]]


def written(result):
    """Give the columns of every table and layer that a result and its scenarios wrote."""
    for folder in (result.folder, *(result.folder / "scenarios").iterdir()):
        for table in TABLES.values():
            if (path := folder / table.file).exists() and path.suffix == ".csv":
                yield table, pd.read_csv(path, nrows=0).columns.to_list()
            elif path.exists():
                yield table, pd.read_parquet(path).columns.to_list()
        for name, kind in pyogrio.list_layers(folder / PLACES):
            if kind is not None:
                yield LAYERS[name], [*pyogrio.read_info(folder / PLACES, layer=name)["fields"], "geometry"]


def out_of_place(table, columns, known):
    """List the columns that are not declared or not where they are declared, and the declared ones that are missing."""
    place, at = {}, -1
    for before, column in pairwise((None, *table.columns)):
        at += not (before is not None and before.kind and column.kind)  # patterns side by side may alternate
        place[column] = at
    found = [(name, table.column(name)) for name in columns]
    odd = [name for name, column in found if column is None or name not in known.get(column.kind, [name])]
    places = [place[column] for _, column in found if column is not None]
    there = {column for _, column in found}
    missing = [each.name for each in table.columns if not (each in there or each.optional or each.kind)]
    return odd + missing + ([] if places == sorted(places) else columns)


# What the sites of the sample have beside, and what its criteria measure of them.
TRAITS = ["fibre", "rent", "floor_m2", "step_free", "energy", "stop_minutes", "services_near"]


@pytest.mark.parametrize(
    ("study", "groups", "own"), [("town", ["workers"], ["owner"]), ("sample", ["workers", "age_65"], TRAITS)]
)
def test_every_table_has_the_columns_that_are_declared_in_their_order(request, study, groups, own):
    result = request.getfixturevalue(study)
    known = {"group": groups, "own": [*own, "lon", "lat"]}
    tables = list(written(result))
    assert len(tables) > 30
    assert [(table.name, odd) for table, columns in tables if (odd := out_of_place(table, columns, known))] == []


def test_every_declared_table_and_column_is_written(town, sample):
    tables = [*written(town), *written(sample)]
    found = {(table.file, table.name) for table, _ in tables}
    every = TABLES["each_territory"]  # of many territories, by whose test its columns are held
    assert found == {(table.file, table.name) for table in (*TABLES.values(), *LAYERS.values()) if table is not every}
    columns = {(table.name, table.column(name)) for table, names in tables for name in names}
    assert {(t.name, c) for t in TABLES.values() for c in t.columns if t is not every} - columns == {
        ("curve", TABLES["curve"].column("optimum")),
        ("coverage", TABLES["coverage"].column("metres")),  # which a run refuses, and a choice of its own may ask for
    }
    files = {path.name for result in (town, sample) for path in result.folder.iterdir() if path.is_file()}
    assert files == set(FILES) - {every.file}


def test_what_a_column_holds_is_told_in_words_once():
    rows = list(table_rows())
    assert {table.file for table, _ in rows} == set(FILES)
    assert all(table.about.endswith(".") for table, _ in rows)
    texts = [text for _, each in rows if each is not None for text in (each.name, each.about, each.unit)]
    assert all(isinstance(text, str) and text for text in texts)  # YAML reads `on` and `1` as something else
    for table in (*TABLES.values(), *LAYERS.values()):
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert not table.rows or table.rows in names


def test_decimals_are_those_of_the_column_or_else_of_the_table():
    scores = TABLES["scores"]
    assert scores.decimals_of(Measure("reached", "unique", "walk", 15).column) == 1
    assert [scores.decimals_of(name) for name in ("unique_walk_15", "decayed_walk", "score", "cost")] == [1, 6, 6, 6]
    assert TABLES["scenario_scores"].decimals_of("people_walk_15") == 4
    assert TABLES["fairness"].decimals_of("value") == 7
