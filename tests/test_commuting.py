"""Commutes replaced: sums by hand, signs kept, bad tables refused."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from siteplan.analysis.commuting import commuting_saved, distance_trips, flow_trips, read_factors, tornado
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.flows import read_flows

COMMUNES = gpd.GeoDataFrame(
    {"name": ["Aix", "Bois"]},
    index=pd.Index(["01001", "01002"], name="territory"),
    geometry=[box(0, 0, 10_000, 10_000), box(10_000, 0, 20_000, 10_000)],
    crs="EPSG:2154",
)


def one(name: str, value: float, **more: float) -> dict:
    return {name: {"value": value, "unit": "-", "source": "test", "year": 2025, **more}}


# One worker, one day a year: what is saved is that of a day.
ONE_DAY = read_factors(one("teleworkable", 1.0) | one("days", 1.0) | one("weeks", 1.0))
CAR = {"car": 1.0}


def all_modes(table: pd.DataFrame, rebound: float = 0.0) -> pd.Series:
    return table[(table["mode"] == "all") & (table["rebound"] == rebound)].iloc[0]


def test_thirteen_kilometres_each_way_are_3_7_kilograms() -> None:
    trips = pd.DataFrame({"home": ["a"], "people": [1.0], "km": [13.0]})
    table = commuting_saved(trips, uptake=1.0, telecentre_km=0.0, modes=CAR, factors=ONE_DAY)
    assert all_modes(table)["kg_co2e"] == pytest.approx(26 * 0.177 / 1.24)
    assert round(all_modes(table)["kg_co2e"], 1) == 3.7
    assert all_modes(table)["vehicle_km"] == pytest.approx(26 / 1.24)
    assert all_modes(table)["hours"] == pytest.approx(26 / 35)
    assert all_modes(table)["euros"] == pytest.approx(26 * 0.636 / 1.24)
    assert all_modes(table, 0.2)["kg_co2e"] == pytest.approx(0.8 * 26 * 0.177 / 1.24)


def test_a_year_of_a_town_by_hand() -> None:
    # 1,000 x 5 % x 37 % x 2 days x 45 weeks = 1,665 days; 20 km less 4 km each way; seven of ten by car.
    trips = pd.DataFrame({"home": ["a"], "people": [1000.0], "km": [20.0]})
    table = commuting_saved(trips, uptake=0.05, telecentre_km=4.0, modes={"car": 0.7, "bus": 0.3})
    assert all_modes(table)["people_days"] == pytest.approx(1665)
    assert all_modes(table)["passenger_km"] == pytest.approx(1665 * 32)
    kg = 1665 * 32 * (0.7 * 0.177 / 1.24 + 0.3 * 0.1135)
    assert all_modes(table)["kg_co2e"] == pytest.approx(kg)
    of_modes = table[(table["mode"] != "all") & (table["rebound"] == 0)]
    assert of_modes["kg_co2e"].sum() == pytest.approx(kg)


def test_a_loss_stays_a_loss_and_rebound_does_not_shrink_it() -> None:
    trips = pd.DataFrame({"home": ["near", "far"], "people": [1.0, 1.0], "km": [2.0, 13.0]})
    distance = {"near": 6.0, "far": 12.0}
    table = commuting_saved(trips, uptake=1.0, telecentre_km=distance, modes=CAR, factors=ONE_DAY)
    each = 0.177 / 1.24
    row, rebounding = all_modes(table), all_modes(table, 0.2)
    assert row["kg_co2e"] == pytest.approx((2 - 8) * each)
    assert (row["kg_saved"], row["kg_added"]) == (pytest.approx(2 * each), pytest.approx(-8 * each))
    assert rebounding["kg_co2e"] == pytest.approx((1.6 - 8) * each)
    assert row["hours"] < 0
    assert row["euros"] < 0


def test_bus_to_work_and_car_to_the_telecentre_costs_carbon() -> None:
    trips = pd.DataFrame({"home": ["a"], "people": [1.0], "km": [13.0], "mode": ["train"]})
    table = commuting_saved(
        trips, uptake=1.0, telecentre_km=5.0, modes=CAR, telecentre_modes=CAR, factors=ONE_DAY, rebounds=[0.0]
    )
    assert all_modes(table)["kg_co2e"] == pytest.approx(26 * 0.0229 - 10 * 0.177 / 1.24)
    assert all_modes(table)["kg_co2e"] < 0
    walk = commuting_saved(
        trips, uptake=1.0, telecentre_km=1.0, modes=CAR, telecentre_modes={"walk": 1.0}, factors=ONE_DAY
    )
    assert all_modes(walk)["kg_co2e"] == pytest.approx(26 * 0.0229)


def test_a_distribution_of_distances() -> None:
    distances = pd.DataFrame({"km_from": [0, 10], "km_to": [10, 30], "share": [0.25, 0.75]})
    trips = distance_trips(distances, 400)
    assert trips["people"].tolist() == [100.0, 300.0]
    assert trips["km"].tolist() == [5.0, 20.0]
    with pytest.raises(InputError, match="divide percentages by 100"):
        distance_trips(distances.assign(share=[25, 75]), 400)
    with pytest.raises(InputError, match=r"sum to 0\.75"):
        distance_trips(distances.assign(share=[0.25, 0.5]), 400)


def test_what_drives_the_range() -> None:
    trips = pd.DataFrame({"home": ["a"], "people": [1000.0], "km": [20.0]})
    table = tornado(trips, uptake=0.05, telecentre_km=2.0, modes=CAR)
    assert table["driver"].iloc[0] == "uptake"
    assert table["spread"].is_monotonic_decreasing
    base = all_modes(commuting_saved(trips, uptake=0.05, telecentre_km=2.0, modes=CAR))["kg_co2e"]
    row = table.set_index("driver").loc["uptake"]
    assert (row["at_low"], row["at_high"]) == (pytest.approx(base * 0.4), pytest.approx(base * 2))
    rebound = table.set_index("driver").loc["rebound"]
    assert rebound["at_high"] == pytest.approx(base * 0.8)
    assert "bus_kg" not in set(table["driver"])


def test_distances_between_communes() -> None:
    flows = pd.DataFrame(
        {
            "home": ["01001", "01001", "01002"],
            "work": ["01002", "01001", "99999"],
            "people": 1.0,
            "km": [np.nan, np.nan, 40.0],
        }
    )
    km = flow_trips(flows, COMMUNES)["km"]
    assert km[0] == pytest.approx(14.0)
    assert km[1] == pytest.approx(1.4 * 128 / (45 * np.pi) * np.sqrt(100 / np.pi))
    assert km[2] == 40.0
    with pytest.raises(InputError, match="communes do not have: 99999"):
        flow_trips(flows.assign(km=np.nan), COMMUNES)


def write(folder: Path, text: str) -> Path:
    file = folder / "flows.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_reads_flows_as_insee_writes_them(tmp_path: Path) -> None:
    file = write(tmp_path, "CODGEO;DCLT;NBFLUX_C21_ACTOCC15P\n01001;01002;12,5\n01002;01002;3,25\n")
    flows = read_flows(file, communes=COMMUNES)
    assert flows["home"].tolist() == ["01001", "01002"]
    assert flows["people"].tolist() == [12.5, 3.25]
    assert flows["km"].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("home,work,people\n01001,77777,1\n", "communes that the table of communes does not have: 77777"),
        ("home,work,people\n77777,01001,1\n", "1 of 1 flows name communes"),
        ("home,work,people\n01001,01002,-1\n", "line 2 has -1 people"),
        ("home,work,people\n01001,01002,many\n", "found 'many', expected a number"),
        ("home,work,people\n01001,,1\n", "line 2 has no work"),
        ("home,work,people\n01001,01002,1\n01001,01002,2\n", "line 3 repeats the pair 01001, 01002"),
        ("home,people\n01001,1\n", "no column work"),
    ],
)
def test_bad_flows(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_flows(write(tmp_path, text), communes=COMMUNES)


def test_flows_without_people_are_counted(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match="1 of 2 flows have no number of people"):
        flows = read_flows(write(tmp_path, "home,work,people,km\n01001,88888,1,30\n01001,01002,,\n"), communes=COMMUNES)
    assert len(flows) == 1


def test_factors_can_be_replaced_with_a_source(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("car_kg: {value: 0.1, unit: kg, source: own, year: 2026}\n", encoding="utf-8")
    own = read_factors(file)
    assert (own["car_kg"].value, own["car_kg"].low, own["car_kg"].source) == (0.1, 0.1, "own")
    assert own["bus_kg"] == read_factors()["bus_kg"]
    assert all(factor.source and factor.year for factor in read_factors().values())
    with pytest.raises(InputError, match="lacks source"):
        read_factors({"car_kg": {"value": 1, "unit": "kg", "year": 2025}})
    with pytest.raises(InputError, match="no factor 'cars'"):
        read_factors(one("cars", 1.0))
    with pytest.raises(InputError, match="share of 0 to 1"):
        read_factors(one("teleworkable", 37.0))
    with pytest.raises(InputError, match="rising from 1"):
        read_factors(one("car_occupancy", 0.5))
    with pytest.raises(InputError, match="expected factors by name"):
        read_factors({})


def test_bad_questions() -> None:
    trips = pd.DataFrame({"home": ["a"], "people": [1.0], "km": [13.0]})
    with pytest.raises(StudyError, match="uptake is 5"):
        commuting_saved(trips, uptake=5, telecentre_km=1.0, modes=CAR)
    with pytest.raises(StudyError, match=r"sum to 1\.2"):
        commuting_saved(trips, uptake=0.05, telecentre_km=1.0, modes={"car": 0.7, "bus": 0.5})
    with pytest.raises(StudyError, match="shares of 0 to 1"):
        commuting_saved(trips, uptake=0.05, telecentre_km=1.0, modes={"car": 70})
    with pytest.raises(InputError, match="no factor ferry_kg"):
        commuting_saved(trips, uptake=0.05, telecentre_km=1.0, modes={"ferry": 1.0})
    with pytest.raises(InputError, match="home 'a' has no distance"):
        commuting_saved(trips, uptake=0.05, telecentre_km={"b": 1.0}, modes=CAR)
    with pytest.raises(InputError, match="no km"):
        commuting_saved(trips.drop(columns="km"), uptake=0.05, telecentre_km=1.0, modes=CAR)
    with pytest.raises(StudyError, match="no measure"):
        tornado(trips, uptake=0.05, telecentre_km=1.0, modes=CAR, measure="trees")
