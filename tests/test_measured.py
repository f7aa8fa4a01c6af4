"""What a study measures of its sites and judges them by, in a town of one street where all is known by head.

The street is 1 km long with a crossing each 100 m; on foot 80 m a minute. A is at its western end, B at the eastern.
"""

import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from siteplan.config import Question
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.reachable import Reach
from siteplan.siting.choose import choose_sites
from siteplan.siting.tradeoff import criteria_frontier
from siteplan.study import choose, compare_scenarios, run, score
from siteplan.study import measured as found_in
from siteplan.study.load import load
from siteplan.study.measured import measured
from siteplan.study.questions import check_questions
from siteplan.study.reading import read_study
from tests.asking import quiet, section
from tests.subsets import every_set
from tests.town import BY_BUS, NORTH, STUDY, lon, write_bus, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover")  # the street is no area

SITES = (
    "site,name,status,lon,lat,cost,fibre,rent,energy,step_free\n"
    f'A,Hall,existing,{lon(0)},{NORTH},,1,"12,5",C,yes\n'
    f"B,Library,candidate,{lon(10)},{NORTH},100,0,8,A,no\n"
    f"D,Barn,candidate,{lon(5)},{NORTH},50,1,,B,yes\n"
    f"E,Mill,excluded,{lon(7)},{NORTH},10,1,,B,yes\n"
)


JUDGED = (
    "criteria={columns: {people_walk_8: 2, fibre: 1, energy: {order: [C, B, A]}, cost: {better: less}}, "
    "require: {step_free: true}}"
)


def write(folder: Path) -> Path:
    """Write the town, with a school at crossing 2 and shops at 4 and 9, and what a study may say of them."""
    study = write_town(folder, sites=SITES, study=BY_BUS)
    write_bus(folder)
    rows = [("school", 2), ("shop", 4), ("shop", 9)]
    table = pd.DataFrame([(kind, lon(at), NORTH) for kind, at in rows], columns=["kind", "lon", "lat"])
    table.to_csv(folder / "services.csv", index=False)
    halves = [box(lon(0) - 0.01, 47, lon(4.5), 47.2), box(lon(4.5), 47, lon(10) + 0.01, 47.2)]
    communes = {"code": ["2", "1"], "name": ["West", "East"], "fibre": [0.4, 0.9]}
    gpd.GeoDataFrame(communes, geometry=halves, crs=4326).to_file(folder / "communes.gpkg")
    return study


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Write the town, and judge its sites by four criteria."""
    town = write(tmp_path_factory.mktemp("judged"))
    with quiet():
        return town, run(read(town, JUDGED), out=town.parent / "results")


def read(town: Path, *overrides: str):
    return read_study(town, list(overrides))


def test_minutes_to_services_and_how_many_are_near(town: Path) -> None:
    study = read(
        town,
        "criteria={columns: {school_minutes: 1, shop_minutes: 1, services_near: 1}, services: services.csv, "
        "farthest: 8}",
    )
    sites = measured(study, load(study)).all_sites
    # A: the school is 200 m away, 2.5 minutes, the nearest shop 400 m. B: the school is 800 m away, 10 minutes, which
    # is beyond the farthest; the shop 100 m. D, in the middle: school 300 m, shop 100 m. E is excluded.
    assert sites["school_minutes"].to_dict() == pytest.approx(
        {"A": 2.5, "B": 8, "D": 3.75, "E": np.nan}, abs=0.02, nan_ok=True
    )
    assert sites["shop_minutes"].to_dict() == pytest.approx(
        {"A": 5, "B": 1.25, "D": 1.25, "E": np.nan}, abs=0.02, nan_ok=True
    )
    assert sites["services_near"].to_dict() == pytest.approx({"A": 2, "B": 1, "D": 3, "E": np.nan}, nan_ok=True)


def test_services_of_an_extract_are_looked_for_once(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, asked = read(town, "criteria={columns: {services_near: 1}}"), []
    find = found_in.propose_sites
    monkeypatch.setattr(found_in, "propose_sites", lambda *given, **more: asked.append(given) or find(*given, **more))
    with quiet():
        data = load(study)
        tables = [measured(study, data).sites, measured(study, replace(data, streets=replace(data.streets))).sites]
    assert len(asked) == 1
    pd.testing.assert_frame_equal(*tables)


def test_minutes_to_a_stop_with_enough_departures(town: Path) -> None:
    # From the eastern end a bus leaves every 10 minutes, from the western every 20.
    for departures, west in ((4, 12.5), (3, 0.0), (6, 12.5)):
        study = read(town, f"criteria={{columns: {{stop_minutes: 1}}, stops: {{departures: {departures}}}}}")
        sites = measured(study, load(study)).sites
        assert sites.loc["A", "stop_minutes"] == pytest.approx(west, abs=0.1)
        assert sites.loc["B", "stop_minutes"] == pytest.approx(0.0, abs=0.1)
    study = read(town, "criteria={columns: {stop_minutes: 1}, stops: {departures: 7}}")
    with pytest.warns(SiteplanWarning, match="no stop has 7 departures an hour between 07:00 and 19:00"):
        sites = measured(study, load(study)).sites
    assert sites["stop_minutes"].eq(30).all()
    # Where nobody rides, the timetable is read for this alone.
    walks = read(town, "criteria={columns: {stop_minutes: 1}}", "travel.modes=[walk]")
    assert measured(walks, load(walks)).sites.loc["A", "stop_minutes"] == pytest.approx(12.5, abs=0.1)


def test_what_the_commune_has(town: Path) -> None:
    study = read(town, "criteria={columns: {commune_fibre: 1}}", "area={communes: communes.gpkg}")
    sites = measured(study, load(study)).all_sites
    assert sites["commune_fibre"].to_dict() == {"A": 0.4, "B": 0.9, "D": 0.9, "E": 0.9}


def test_only_what_is_asked_is_measured_and_own_columns_stand(town: Path) -> None:
    study = read(town, "criteria={columns: {rent: 1}}")
    data = load(study)
    assert measured(study, data) is data
    text = (town.parent / "sites.csv").read_text().splitlines()
    own = [text[0] + ",school_minutes", *(f"{line},{at}" for at, line in enumerate(text[1:]))]
    (town.parent / "sites.csv").write_text("\n".join(own))
    study = read(town, "criteria={columns: {school_minutes: 1}}")
    assert measured(study, load(study)).all_sites["school_minutes"].tolist() == [0, 1, 2, 3]


def test_a_study_judges_its_sites(judged: tuple[Path, Result]) -> None:
    town, result = judged
    table = result.tables["criteria"].set_index("site")
    assert table["unmet"].to_dict() == {"A": "", "B": "step_free", "D": ""}
    # A (existing: it costs nothing more) and D remain. On foot within 8 minutes A reaches 7 crossings, D all 11:
    # 0 and 1; fibre 1 and 1; energy 0 and 1/2; cost 0 and 50: 1 and 0. A: (1 + 1) / 5, D: (2 + 1 + 0.5) / 5.
    assert table["weighted"].dropna().to_dict() == {"D": pytest.approx(70.0), "A": pytest.approx(40.0)}
    weights = result.tables["weights"].set_index("criterion")
    assert weights.loc["people_walk_8", ["first", "without"]].tolist() == ["D", "A"]
    again = run(read(town, JUDGED), out=town.parent / "again")
    for name in ("criteria", "criteria_parts", "weights"):
        pd.testing.assert_frame_equal(result.tables[name], again.tables[name])
        one, other = (town.parent / folder / f"{name}.csv" for folder in ("results", "again"))
        assert one.read_bytes() == other.read_bytes()


def test_the_report_tells_it_to_a_council(judged: tuple[Path, Result]) -> None:
    _, result = judged
    _, said = section(render_report(result, language="en"), "criteria")
    assert "By the criteria of this study Barn comes first, with 70.0 of 100 points. So it does by the second" in said
    # A leads in cost alone, by 1; D in people by 1 and energy by 1/2: at a weight c of cost, A is first from where
    # c = (1 - c) / 4 x (2 + 1/2), so 5/13.
    assert "the weight of “cost”: above 38% (it is 20%), Hall comes first" in said
    assert "Whichever criterion counts twice, Barn stays first" in said
    assert "One site does not have what is required: Library." in said
    assert "energy class C → A 20%" in said
    french = render_report(result, language="fr")
    assert "Selon les critères de cette étude, Barn arrive en tête" in french
    assert 'class="criteria"' not in render_report(Result(result.sites))


def test_each_scenario_judges_its_own_sites(judged: tuple[Path, Result]) -> None:
    town, base = judged
    with quiet():
        opens = compare_scenarios(read(town, JUDGED, "scenarios={open: {sites: [{open: E}]}}"))
        closes = compare_scenarios(read(town, JUDGED, "scenarios={closed: {sites: [{close: B}]}}"))
    # E is required then and costs 10, of 50 at most; on foot it reaches 10 crossings: (2 x 3/4 + 1 + 1/2 + 4/5) / 5.
    figures = opens.scenarios["open"].tables["criteria"].set_index("site")["weighted"]
    assert figures.dropna().to_dict() == {site: pytest.approx(each) for site, each in (("E", 76), ("D", 70), ("A", 40))}
    assert opens.scenarios["open"].tables["weights"]["first"].unique().tolist() == ["E"]
    pd.testing.assert_frame_equal(opens.tables["criteria"], base.tables["criteria"])
    assert "In the scenario open, Mill is first." in section(render_report(opens, language="en"), "criteria")[1]
    assert "In every scenario, too, Barn is first." in section(render_report(closes, language="en"), "criteria")[1]
    pd.read_csv(town.parent / "sites.csv").drop(columns="fibre").to_csv(town.parent / "bare.csv", index=False)
    with pytest.raises(StudyError, match=r"scenarios\.odd: criteria\.columns\.fibre: no such"), quiet():
        compare_scenarios(read(town, JUDGED, "scenarios={odd: {set: {inputs.sites: bare.csv}}}"))


def test_scores_take_any_column_of_the_sites(town: Path) -> None:
    with quiet():
        scores = score(read(town, "score.weights={people_walk_8: 2, fibre: 1, cost: -1}")).scores
    # A: 7/11 of the largest, fibre, no cost; B: 7/11, none, the dearest; D: 1, fibre, half the dearest.
    wanted = {"A": 100 * (2 * 7 / 11 + 1 + 1) / 4, "B": 100 * (2 * 7 / 11) / 4, "D": 100 * (2 + 1 + 0.5) / 4}
    assert scores["score"].to_dict() == pytest.approx(wanted, abs=1e-5)
    assert list(scores.columns[:4]) == ["name", "status", "cost", "capacity"]
    assert "fibre" not in scores


def test_a_dear_site_that_scores_higher_is_told(town: Path) -> None:
    with pytest.warns(SiteplanWarning, match="score.weights.cost: dearer sites score higher"):
        score(read(town, "score.weights={cost: 1}"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "score.weights={fiber: 1}",
            "score.weights.fiber: no such result or column of the sites; expected one such as f",
        ),
        (
            "criteria={columns: {fiber: 1}}",
            "criteria.columns.fiber: no such result or column of the sites; expected one",
        ),
        ("criteria={columns: {energy: 1}}", "criteria.columns: site 'A' has 'C' in column 'energy'; expected numbers"),
        ("criteria={columns: {fibre: 1}, require: {lift: true}}", "criteria.require.lift: no such column of the sites"),
        ("criteria={columns: {fibre: 1}, require: {fibre: {}}}", "criteria.require.fibre: .*asks nothing"),
        ("criteria={columns: {fibre: 0}}", "criteria.*no weight is above 0"),
        ("criteria={columns: {}}", "criteria.columns: .*at least"),
        ("criteria={columns: {fibre: 1}, services: people.csv}", "criteria.services: .*people.csv: has no column kind"),
        ("criteria={columns: {fibre: 1}, services: bus.zip}", "bus.zip"),
        (
            "criteria={columns: {commune_x: 1}}",
            "criteria.columns.commune_x: is of the communes, but area.communes names",
        ),
        ("criteria={columns: {fibre: 1}, stops: {hours: ['9:00', '8:00']}}", "expected a later time second"),
    ],
)
def test_what_cannot_be_answered_is_refused(town: Path, override: str, message: str) -> None:
    with pytest.raises((StudyError, InputError), match=message):
        asked(town, override)


def asked(town: Path, override: str) -> None:
    study = read(town, override)
    data = load(study)
    check_questions(study, data)
    measured(study, data)


def test_requirements_and_quotas_of_measured_columns_hold_in_the_choice(town: Path) -> None:
    def chosen(*overrides: str) -> list[str]:
        with quiet():
            return list(choose(read(town, *overrides)).sites.index)

    plain = "choose={sites: 2, mode: walk, minutes: 4}"
    assert chosen(plain) == ["A", "D"]
    school = "criteria={columns: {school_minutes: 1}, services: services.csv, require: {shop_minutes: {at_most: 1.3}}}"
    assert chosen(plain, school) == ["A", "D"]
    bare = school.replace("{shop_minutes: {at_most: 1.3}}", "{school_minutes: {at_least: 5}}")
    assert chosen(plain, bare) == ["A", "B"]
    quota = (
        "choose={sites: 2, mode: walk, minutes: 8, quotas: [{column: school_minutes, value_at_least: 5, at_least: 1}]}"
    )
    assert chosen(quota, "criteria={columns: {school_minutes: 1}, services: services.csv}") == ["A", "B"]
    with pytest.raises(StudyError, match=re.escape("choose.quotas school_minutes>=50: at least 1 asked for")):
        chosen(
            quota.replace("least: 5", "least: 50"), "criteria={columns: {school_minutes: 1}, services: services.csv}"
        )


@pytest.mark.parametrize("seed", range(6))
def test_people_against_criteria_as_every_set_has_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    sites = pd.DataFrame(
        {"status": ["existing", *["candidate"] * 7], "cost": random.integers(1, 9, 8).astype(float)},
        index=pd.Index([f"s{n}" for n in range(8)], name="site"),
    )
    people = pd.DataFrame({"people": random.integers(1, 90, 25).astype(float)}, index=pd.RangeIndex(25, name="point"))
    rows = [(s, p, 5.0) for s in sites.index for p in people.index if random.uniform() < 0.2]
    times = pd.DataFrame(rows, columns=["site", "point", "minutes"])
    figures = pd.Series(random.uniform(0, 100, 7).round(1), index=sites.index[1:])
    asked = Question.model_validate({"sites": 4, "minutes": 10})
    reach = Reach.of(times, people)
    choice = choose_sites(reach, None, sites, asked)
    found = criteria_frontier(reach, sites, asked, choice, figures=figures, steps=6)
    near = {s: {p for site, p, _ in rows if site == s} for s in sites.index}
    every = []
    for opened in every_set(list(sites.index), sites["status"].to_dict()):
        if len(opened) == 4:
            covered = set().union(*(near[s] for s in opened))
            mean = figures.reindex([s for s in opened if s != "s0"]).mean()
            every.append((mean, people.loc[sorted(covered), "people"].sum()))
    assert found["chosen"].tolist().count(True) == 1
    for row in found.itertuples():
        best = max(value for mean, value in every if mean >= row.least_mean - 1e-6)
        assert row.value == pytest.approx(best)
        # No set is better in both.
        assert not any(mean > row.mean + 1e-6 and value >= row.value for mean, value in every if mean >= row.least_mean)
    assert found["mean"].is_monotonic_increasing
    assert found["value"].is_monotonic_decreasing
    assert found["mean"].iloc[-1] == pytest.approx(max(mean for mean, _ in every))


def test_the_study_file_of_the_town_stays_as_it_was(tmp_path: Path) -> None:
    plain = read_study(write_town(tmp_path, study=STUDY))
    assert plain.criteria is None
    assert plain.competition is None
