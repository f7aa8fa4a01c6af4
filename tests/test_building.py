"""The buildings: each figure by hand, the ends of the ranges against all factors at either end, what is refused."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.analysis.building import CLASSES, KINDS, building_needs, energies
from siteplan.analysis.commuting import read_factors
from siteplan.config.building import Building
from siteplan.errors import InputError, StudyError
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.samples import write_sample
from siteplan.study import run
from siteplan.study.building import check_buildings
from siteplan.study.load import load
from tests.asking import asking, quiet, section

FACTORS = read_factors()
SMALL = ("inputs.transit=", "travel={modes: [walk, bike], minutes: [20]}", "output.isochrones=false")


def test_a_renovated_building_by_hand() -> None:
    row = building_needs({"S": 500}, {"S": 40}, kind={"S": "renovated"}).iloc[0]
    assert row[["kwh_low", "kwh", "kwh_high"]].tolist() == [35_000, 50_000, 64_000]  # 70, 100, 128 a m2
    assert row[["euros_low", "euros", "euros_high"]].tolist() == pytest.approx([4_200, 10_000, 19_200])
    assert row[["kg_co2e_low", "kg_co2e", "kg_co2e_high"]].tolist() == pytest.approx([1_400, 4_100, 9_408])
    assert row[["kg_built_low", "kg_built", "kg_built_high"]].tolist() == [1_000, 2_500, 5_000]
    assert row[["persons_low", "persons", "persons_high"]].tolist() == [28, 34, 40]
    # 7 l/s a person and 0.7 l/s a m2 are 25.2 and 2.52 m3/h: 34 x 25.2 + 500 x 2.52
    assert row["air_m3h"] == pytest.approx(856.8 + 1260)
    assert row[["air_m3h_low", "air_m3h_high"]].tolist() == pytest.approx([28 * 14.4 + 720, 40 * 36 + 1800])
    assert row["places"] == 40


def test_a_class_counts_primary_energy() -> None:
    row = building_needs({"S": 100}, {"S": 0}, kind={"S": "C"}).iloc[0]
    # 111 to 210 kWh of primary energy a m2; of electricity 1.9 to 2.58 go into one kWh
    assert row["kwh"] == pytest.approx(16_000 / 2.3)
    assert row["kwh_low"] == pytest.approx(11_100 / 2.58)
    assert row["kwh_high"] == pytest.approx(21_000 / 1.9)
    gas = building_needs({"S": 100}, {"S": 0}, kind={"S": "C"}, energy="gas").iloc[0]
    assert gas["kwh"] == 16_000
    assert gas["kg_co2e"] == pytest.approx(16_000 * 0.227)


@settings(deadline=None, max_examples=30)
@given(
    st.floats(0, 5_000),
    st.floats(0, 500),
    st.sampled_from([*KINDS, *CLASSES]),
    st.sampled_from(["electricity", "gas", "wood", "district"]),
)
def test_the_range_holds_every_choice_of_factors(floor: float, day: float, kind: str, energy: str) -> None:
    whole = building_needs({"S": floor}, {"S": day}, kind={"S": kind}, energy=energy).iloc[0]
    used = [f"building_{kind}_kwh" if kind in KINDS else f"building_class_{kind.lower()}_kwh"]
    used += [f"building_{energy}_{each}" for each in ("primary", "kg", "euros")]
    used += [f"building_{kind if kind in KINDS else 'reused'}_built_kg"]
    used += [f"building_{each}" for each in ("air_person", "air_floor", "peak_hour")]
    found = []
    for at, (usual, other) in itertools.product(range(len(used)), (("low", "high"), ("high", "low"))):
        ends = [other if each == at else usual for each in range(len(used))]
        values = {name: getattr(FACTORS[name], end) for name, end in zip(used, ends, strict=True)}
        fixed = {name: replace(FACTORS[name], value=each, low=each, high=each) for name, each in values.items()}
        made = building_needs({"S": floor}, {"S": day}, kind={"S": kind}, energy=energy, factors=FACTORS | fixed)
        found.append(made.iloc[0])
    for name in ("kwh", "euros", "kg_co2e", "kg_built", "persons", "air_m3h"):
        each = [row[name] for row in found]
        assert whole[f"{name}_low"] - 1e-6 <= min(each)
        assert max(each) <= whole[f"{name}_high"] + 1e-6
        assert whole[f"{name}_low"] <= whole[name] <= whole[f"{name}_high"]


def test_every_factor_has_its_source_and_none_is_a_mode() -> None:
    own = {name: factor for name, factor in FACTORS.items() if name.startswith("building_")}
    assert energies(FACTORS) == ["electricity", "gas", "wood", "district"]
    assert all(factor.source and factor.unit and factor.low <= factor.value <= factor.high for factor in own.values())
    bounds = [
        (own[f"building_class_{name.lower()}_kwh"].low, own[f"building_class_{name.lower()}_kwh"].high)
        for name in CLASSES
    ]
    assert all(low == high + 1 for (_, high), (low, _) in itertools.pairwise(bounds))  # classes leave no gap


def test_an_energy_of_ones_own() -> None:
    one = {"unit": "a kWh", "source": "own", "year": 2025}
    own = read_factors({"building_oil_kg": {"value": 0.324, **one}, "building_oil_euros": {"value": 0.12, **one}})
    row = building_needs({"S": 10}, {"S": 1}, kind={"S": "reused"}, energy="oil", factors=own).iloc[0]
    assert row["kg_co2e"] == pytest.approx(1460 * 0.324)


def test_what_is_refused() -> None:
    for given_, said in (
        ({"floor": {"S": -1}}, "floor: site 'S' has -1"),
        ({"people": {"S": -1}}, "people: site 'S' has -1"),
        (
            {"kind": {"S": "old"}},
            "site 'S' is 'old'; expected any of new, renovated, reused, or an energy class A to G",
        ),
        ({"energy": "oil"}, "no energy 'oil'; expected any of electricity, gas, wood, district"),
        ({"place_m2": 0.0}, "place_m2: 0, expected more than 0"),
    ):
        usual = {"floor": {"S": 1}, "people": {"S": 1}, "kind": {"S": "new"}} | given_
        with pytest.raises(InputError, match=re.escape(said)):
            building_needs(usual.pop("floor"), usual.pop("people"), **usual)


# ---- a study ----


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = write_sample(tmp_path_factory.mktemp("valley"))
    sites = pd.read_csv(folder / "sites.csv")
    sites["label"] = np.where(sites["site"] == "S01", "d", "")
    sites["floor"] = np.where(sites["site"] == "S01", 800.0, np.nan)
    sites.to_csv(folder / "sites.csv", index=False)
    own = "building={kind: new, kind_column: label, floor_column: floor}"
    with quiet():
        study = asking(folder / "study.yaml", "demand", "commuting", "building", "choose", overrides=(*SMALL, own))
        return folder, run(study, out=folder / "out")


def test_a_study_tells_it_beside_the_commuting_saved(sample: tuple[Path, Result]) -> None:
    tables = sample[1].tables
    found, desks, saved = tables["building"], tables["desks"], tables["commuting"]
    assert found["uptake"].drop_duplicates().tolist() == [0.02, 0.05, 0.1]
    rows = found[found["uptake"] == 0.05].set_index("site")
    open_ = desks[(desks["uptake"] == 0.05) & (desks["basis"] == "nearest")].set_index("site")
    assert rows.index.tolist() == [*open_.index, "all"]
    hall, other = rows.loc["S01"], rows.loc["S02"]
    assert hall[["kind", "m2", "m2_from"]].tolist() == ["D", 800.0, "column"]
    assert other[["kind", "m2", "m2_from"]].tolist() == ["new", open_.loc["S02", "m2"], "demand"]
    assert hall["persons_high"] == pytest.approx(open_.loc["S01", "peak_day"])
    assert hall["places"] == 64
    assert hall["places_short"] == max(0, np.ceil(open_.loc["S01", "peak_day"]) - 64)
    every, sites = rows.loc["all"], rows.drop(index="all")
    for name in ("m2", "kwh_low", "kg_co2e_high", "air_m3h", "places_short"):
        assert every[name] == pytest.approx(sites[name].sum())
    kg = saved[(saved["mode"] == "all") & (saved["uptake"] == 0.05)]["kg_co2e"]
    assert every[["saved_kg_low", "saved_kg_high"]].tolist() == pytest.approx([kg.min(), kg.max()])
    emitted = every["kg_co2e_high"] + every["kg_built_high"]
    assert every["net_kg_low"] == pytest.approx(kg.min() - emitted)
    assert sites["net_kg_low"].isna().all()


def test_the_report_tells_it(sample: tuple[Path, Result]) -> None:
    for language, said in (("en", "In the peak hour"), ("fr", "À l’heure de pointe")):
        page = render_report(sample[1], language=language)
        body, text = section(page, "building")
        assert said in text
        assert "<svg" in body
        assert "nan" not in text.lower().replace("finance", "")


def test_what_a_study_is_refused_for(sample: tuple[Path, Result], tmp_path: Path) -> None:
    study = asking(sample[0] / "study.yaml", "demand", "commuting", overrides=SMALL)
    with quiet():
        data = load(study)
    own = tmp_path / "own.yaml"
    own.write_text("building_new_kwh: {value: 5}\n")
    for asked, error, said in (
        (Building(kind="old"), InputError, "is 'old'; expected any of new, renovated, reused"),
        (Building(kind_column="kinds"), StudyError, "building.kind_column: the sites have no column 'kinds'"),
        (Building(floor_column="m2"), StudyError, "building.floor_column: the sites have no column 'm2'"),
        (Building(floor_column="label"), InputError, "building.floor_column: sites"),
        (Building(energy="oil"), InputError, "no energy 'oil'"),
        (Building(factors=own), InputError, "building.factors: .*building_new_kwh lacks unit"),
    ):
        with pytest.raises(error, match=said):
            check_buildings(study, asked, data)
    with pytest.raises(StudyError, match=r"building: .*give demand"):
        check_buildings(study.model_copy(update={"demand": None}), Building(), data)
