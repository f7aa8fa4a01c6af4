"""Studies at the edge of what makes sense: each ends in results, with map and report, or `check` refuses it, too."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import yaml

import siteplan as sp
from siteplan.errors import SiteplanError
from siteplan.study.write import report
from tests.asking import quiet
from tests.town import NORTH, lon, write_bus, write_town

# All that a study can ask of the town.
WHOLE: dict[str, Any] = {
    "name": "One street",
    "inputs": {
        "streets": "streets.osm",
        "population": {"file": "people.csv", "groups": ["workers"]},
        "sites": "sites.csv",
    },
    "travel": {"modes": ["walk", "bike"], "minutes": [5.5]},
    "score": {"decay": {"kind": "linear", "minutes": 5}},
    "choose": {"sites": 2},
    "fairness": {"catchment": {"steps": {5: 1}}, "shortfall": True},
    "demand": {"uptake": [0.05]},
    "commuting": {
        "uptake": [0.05],
        "modes": {"car": 1},
        "telecentre_km": 0,
        "distances": [{"km_from": 0, "km_to": 10, "share": 1}],
    },
    "robustness": {"count": 2, "first": 1},
    "scenarios": {"slow": {"set": {"travel.walk.speed_kmh": 3}}, "again": {"choose_again": True}},
}
ONE = {"robustness": None, "scenarios": None}  # what takes most of the time
TOWN = ["A existing 0", "B candidate 10", "C excluded 5"]
BETWEEN = ["A existing 0.5", "B candidate 9.5"]  # nobody lives where they stand
FREE = ["A candidate 0.5", "B candidate 9.5"]
NOBODY = {"travel.minutes": [0.01]}
BUS = {"inputs.transit": {"feeds": ["bus.zip"], "date": "2026-03-10"}}
BY_TIMES = {"inputs.streets": None, "inputs.times": "times.csv", "scenarios": None}
GRAVITY = {"kind": "linear", "minutes": 1}
SQUARE = shapely.box(lon(1), NORTH - 0.0004, lon(2), NORTH + 0.0004)


@dataclass(frozen=True)
class Case:
    """A study: keys that are other, its sites, its people (crossing, people, workers), and what it is refused for."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    sites: list[str] = field(default_factory=lambda: TOWN)
    people: list[str] = field(default_factory=lambda: [f"{at} 10 {at}" for at in range(11)])
    refused: str = ""
    times: str = ""


CASES = {
    # ---- limits ----
    "nobody reached": Case(NOBODY, BETWEEN),
    "nobody reached, in a raster": Case(NOBODY | ONE | {"output.raster": True}, BETWEEN),
    "nobody reached by the first limit": Case({"travel.minutes": [0.01, 5]} | ONE, BETWEEN),
    "nobody reached by one of the modes": Case({"travel.minutes": [0.3]} | ONE, ["A candidate 0.9", "B candidate 9.1"]),
    "nobody reached from the site": Case(NOBODY | ONE | {"travel.direction": "from"}, FREE),
    "nobody reached by bus": Case(NOBODY | ONE | BUS | {"travel.modes": ["transit"]}, BETWEEN),
    "nobody reached in a scenario": Case(
        {
            "travel.minutes": [0.5],
            "robustness": None,
            "scenarios": {"none": {"sites": [{"close": "B"}, {"move": "A", "place": [lon(5), NORTH]}]}},
        },
        people=["0 10 5", "10 10 5"],
    ),
    "steps of a moment": Case({"fairness.catchment": {"steps": {0.01: 1}}} | ONE, BETWEEN),
    "farther than is searched": Case(
        {"travel.minutes": [180]}, refused="fairness.shortfall .* found 360, expected at most 240"
    ),
    "a choice beyond": Case({"choose.minutes": 600}, refused="choose.minutes: found 600, expected at most 240"),
    "a curve beyond": Case(
        {"score.decay": {"kind": "logistic", "minutes": 180, "deviation": 60}},
        refused="score.decay: found 336, expected at most 240",
    ),
    "a penalty beyond": Case({"choose": {"objective": "median", "sites": 2, "penalty": 500}} | ONE),
    "a table of times beyond": Case(BY_TIMES | ONE, times="site,point,mode,minutes\nA,1,walk,50\nB,2,walk,60\n"),
    # ---- people ----
    "one cell": Case(ONE, people=["3 10 5"]),
    "nobody anywhere": Case(people=["0 0 0", "3 0 0"], refused="holds no people at all"),
    "no workers": Case({"choose.group": "workers"} | ONE, people=["0 10 0", "3 10 0"]),
    "all joined": Case({"output.threshold": 1e6} | ONE),
    "all beyond the link": Case({"travel.link_m": 1} | ONE, people=["0.5 10 5", "9.5 10 5"]),
    # ---- sites ----
    "one site": Case({"choose.sites": 1}, ["A existing 0"]),
    "all existing": Case(ONE, ["A existing 0", "B existing 10"]),
    "all excluded": Case(sites=["A excluded 0"], refused="all 1 sites are excluded"),
    "all in one place": Case(ONE, ["A existing 3", "B candidate 3", "C candidate 3"]),
    "none": Case(sites=[], refused=r"sites\.csv: has no rows"),
    # ---- choices ----
    "no sites asked": Case({"choose.sites": 0}, refused="choose.sites: found 0"),
    "more than there are": Case({"choose.sites": 20}, refused="choose.sites is 20, but only 2 sites may be open"),
    "fewer than exist": Case(
        {"choose.sites": 1}, ["A existing 0", "B existing 9"], refused="choose.sites is 1, but 2 sites exist"
    ),
    "more in a scenario": Case(
        {"scenarios": {"x": {"set": {"choose.sites": 20}}}}, refused=r"scenarios\.x: choose\.sites is 20, but only 2"
    ),
    "more in a phase": Case({"choose": {"phases": [2, 20]}}, refused="choose.phases is 20, but only 2"),
    "too near": Case(
        {"choose": {"sites": 2, "spacing_m": 1e5}}, FREE, refused="no set of 2 sites meets the conditions; .* most 1"
    ),
    "no such column": Case(
        {"choose": {"sites": 2, "quotas": [{"column": "zone", "value": 1}]}}, refused="sites have no column 'zone'"
    ),
    "a budget for none": Case({"choose": {"budget": 0}} | ONE, FREE),
    "weights of nothing": Case({"score": {"weights": {"people_walk_5.5": 0}}}, refused="score.weights: all are 0"),
    **{
        f"nobody reached, {asked['objective']}": Case(NOBODY | ONE | {"choose": {"minutes": 0.01, **asked}}, FREE)
        for asked in (
            {"objective": "coverage", "phases": [1, 2], "least_regret": True},
            {"objective": "median", "sites": 1},
            {"objective": "center", "sites": 1},
            {"objective": "share"},
            {"objective": "gravity", "sites": 1, "decay": GRAVITY},
        )
    },
    # ---- scenarios ----
    "a scenario of nothing": Case({"scenarios": {"x": {}}}, refused="scenarios.x: changes nothing"),
    "a scenario like its base": Case({"robustness": None, "scenarios": {"x": {"set": {"travel.walk.speed_kmh": 4.8}}}}),
    "a scenario without sites": Case(
        {"scenarios": {"x": {"sites": [{"close": "A"}, {"close": "B"}]}}}, refused=r"scenarios\.x: .* are excluded"
    ),
    "a scenario without streets": Case(
        {"scenarios": {"x": {"streets": [{"close": 1}]}}}, refused=r"scenarios\.x: .* none of its 0 ways"
    ),
}


def changed(base: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study with other values under dotted keys; None takes a key out."""
    study: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(base)))
    for key, value in keys.items():
        *inside, last = key.split(".")
        place = study
        for name in inside:
            place = place.setdefault(name, {})
        place[last] = value
        if value is None:
            del place[last]
    return study


def written(folder: Path, case: Case) -> Path:
    sites = [f"{name},{name},{status},{lon(float(at))}" for name, status, at in map(str.split, case.sites)]
    table = "\n".join(["site,name,status,lon,lat,capacity,cost", *(f"{row},{NORTH},4,1" for row in sites)])
    study = write_town(folder, sites=table + "\n", study=yaml.safe_dump(changed(WHOLE, case.keys)))
    cells = [f"{lon(float(at))},{NORTH},{people},{workers}" for at, people, workers in map(str.split, case.people)]
    rows = ["cell,lon,lat,people,workers", *(f"{number},{cell}" for number, cell in enumerate(cells))]
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    write_bus(folder)
    (folder / "times.csv").write_text(case.times)
    return study


def refusals(study: Path) -> list[str]:
    """Return what `check` refuses a study for."""
    try:
        return [each.text for each in sp.check(study) if each.severity == "error"]
    except SiteplanError as error:
        return [str(error)]


@pytest.mark.parametrize("name", CASES)
def test_a_study_at_the_edge_ends_in_results_or_is_refused_by_check(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    study = written(tmp_path, case)
    with quiet():
        told = refusals(study)
        if case.refused:
            with pytest.raises(SiteplanError, match=case.refused) as error:
                sp.run(study)
            assert any(text in str(error.value) for text in told)
            assert not (tmp_path / "results").exists()
            return
        assert told == []
        sp.run(study)
        report(tmp_path / "results")


def test_places_among_areas_are_drawn_and_written(tmp_path: Path) -> None:
    study = written(tmp_path, Case(ONE | {"inputs.population.file": "cells.gpkg", "output.threshold": 20}))
    place = shapely.Point(lon(3), NORTH)
    cells = {"people": [30.0, 15.0, 10.0], "workers": [3.0, 2.0, 1.0]}
    shapes = [SQUARE, place, shapely.affinity.translate(place, 0.003)]
    gpd.GeoDataFrame(cells, geometry=shapes, crs=4326).to_file(tmp_path / "cells.geojson")
    study.write_text(study.read_text().replace("cells.gpkg", "cells.geojson"))
    with quiet():
        sp.run(study)
    found = gpd.read_file(tmp_path / "results" / "results.gpkg", layer="cells")
    assert sorted(found.geom_type) == ["Point", "Point", "Polygon"]
    assert found["people"].sum() == 55


def test_no_site_open_has_no_desks_and_it_is_said(tmp_path: Path) -> None:
    study = written(tmp_path, CASES["a budget for none"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = sp.run(study)
    assert any("no site is open or chosen, so that nobody shares a desk" in str(each.message) for each in said)
    assert "catchment" not in result.tables
    assert result.choice is not None
    assert len(result.choice.sites) == 0
