"""What public functions say of wrong arguments, and the short ways to give right ones."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteplan as sp
from siteplan.doors import _is, _kinds
from siteplan.study.scenarios import given_variants
from worlds import four_sites_six_cells

FUNCTIONS = {name: value for name in sp.__all__ if inspect.isfunction(value := getattr(sp, name))}
ASKED: dict[str, Any] = {"choose_sites": {"count": 4}, "deploy": {"counts": [4]}}
ASKED |= {name: {"people": np.ones(3)} for name in ("gini", "theil", "fgt", "palma", "concentration")}
ASKED |= {
    "building_needs": {"floor": {"a": 1.0}, "people": {"a": 1.0}, "kind": {"a": "new"}},
    "commune_gains": {"before": ["A"], "after": ["A"]},
    "net_gain": {"before": ["A"], "new": ["B"]},
    "share_money": {"weights": {"c": 1.0}},
}
TABLES = (pd.DataFrame, pd.Series, np.ndarray, sp.StreetNetwork, sp.Timetable, sp.Reach, sp.Study, sp.Itinerary)
WRONG: dict[str, Any] = {
    "nothing": None,
    "number": 3,
    "text": "x",
    "list": ["x"],
    "empty": pd.DataFrame(),
    "others": pd.DataFrame({"other": [1.0]}),
    "placeless": gpd.GeoDataFrame({"other": [1.0]}),
}


def kinds(parameter: inspect.Parameter) -> list[Any]:
    """Give what the signature says that a parameter takes."""
    annotation = parameter.annotation
    return list(_kinds(get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation))


def table_arguments() -> Iterator[tuple[str, str, str]]:
    """Give every public function, each of its arguments that is a table or the like, and each wrong thing for it."""
    for name, function in FUNCTIONS.items():
        # Of the scores on a map any column may be absent: it shows those that are there.
        free = [pd.DataFrame, gpd.GeoDataFrame] if name == "site_map" else []
        for parameter in inspect.signature(function).parameters.values():
            classes = [get_origin(kind) or kind for kind in kinds(parameter)]
            if any(isinstance(kind, type) and issubclass(kind, TABLES) for kind in classes):
                for wrong, value in WRONG.items():
                    allowed = [type(None), float, *(free if parameter.name == "scores" else [])]
                    if not any(_is(value, kind) for kind in classes if kind in allowed):
                        yield name, parameter.name, wrong


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Arguments that functions take, by name."""
    world, sites, cells = four_sites_six_cells()
    streets = world.streets()
    people = sp.place_people(cells, streets)
    sites = sites.rename_axis("site").assign(name=sites.index, status="existing", cost=np.nan, capacity=np.nan)
    times = sp.travel_times(streets, sites, people)
    one = pd.Series(1.0, index=cells.index)
    box = [cells.union_all().envelope]
    return {
        "streets": streets,
        "sites": sites,
        "places": sites,
        "cells": cells,
        "people": people,
        "times": times,
        "before_times": times,
        "after_times": times,
        "origin": cells.iloc[[0]],
        "site": sites.iloc[[0]],
        "transit": object.__new__(sp.Timetable),
        "found": object.__new__(sp.Itinerary),
        "result": object.__new__(sp.Result),
        "before": "x",
        "after": "x",
        "study": "x",
        "osm_path": "x",
        "path": tmp_path_factory.mktemp("files") / "x",
        "paths": "x",
        "date": "2026-03-10",
        "communes": gpd.GeoDataFrame(index=pd.Index(["c"], name="territory"), geometry=box, crs=cells.crs),
        "territories": one,
        "degrees": one,
        "workers": one,
        "access": one,
        "desks": one,
        "homes": pd.DataFrame({"site": ["a"], "minutes": [1.0], "able": [1.0]}),
        "seen": pd.DataFrame({"months": [1], "seen": [1.0]}, index=["a"]),
        "attraction": pd.Series(1.0, index=sites.index),
        "territory": pd.Series("c", index=people.index),
        "plan": [sites.index[0]],
        "criteria": {"people_walk_15": 1},
        "shares": {"c": 1.0},
        "cost": {("c",): 1.0},
        "total": 1.0,
        "values": np.ones(3),
        "rank": np.ones(3),
        "table": pd.DataFrame({"people_walk_15": [1.0]}),
        "weights": {"people_walk_15": 1},
        "publics": [sp.Public(share=1)],
        "uses": ["town_hall"],
        "uptake": 0.1,
        "uptakes": [0.1],
        "flows": pd.DataFrame({"home": ["c"], "work": ["c"], "people": [1.0]}),
        "trips": pd.DataFrame({"home": ["c"], "people": [1.0], "km": [1.0]}),
        "distances": pd.DataFrame({"km_from": [0.0], "km_to": [1.0], "share": [1.0]}),
        "telecentre_km": 1.0,
        "modes": {"car": 1.0},
        "decay": sp.Decay(kind="linear", minutes=15),
        "line": 1.0,
        "alpha": 1.0,
        "minutes": 15.0,
    }


@pytest.mark.parametrize(("name", "argument", "wrong"), list(table_arguments()))
def test_a_wrong_argument_gets_a_sentence(name: str, argument: str, wrong: str, right: dict[str, Any]) -> None:
    signature = inspect.signature(FUNCTIONS[name])
    asked = {key for key, parameter in signature.parameters.items() if parameter.default is parameter.empty}
    more = ASKED.get(name, {})
    given = {key: right[key] for key in asked - more.keys()} | more
    with pytest.raises(sp.SiteplanError, match=rf"\b{argument.removesuffix('s')}s?\b|^x: |no such file|^score: "):
        FUNCTIONS[name](**{**given, argument: WRONG[wrong]})


def test_several_modes_are_one_table(right: dict[str, Any]) -> None:
    streets, sites, people = right["streets"], right["sites"], right["people"]
    modes: list[Any] = ["walk", sp.BIKE]
    times = sp.travel_times(streets, sites, people, mode=modes, minutes=[5, 15])
    rings = sp.isochrones(streets, sites, mode=modes, minutes=5)
    assert list(times["mode"].cat.categories) == list(rings["mode"].unique()) == ["walk", "bike"]
    for mode in modes:
        name = getattr(mode, "name", mode)
        alone = sp.travel_times(streets, sites, people, mode=[mode], minutes=15)
        pd.testing.assert_frame_equal(
            times[times["mode"] == name].reset_index(drop=True).astype({"mode": str}), alone.astype({"mode": str})
        )
        drawn = sp.isochrones(streets, sites, mode=mode, minutes=[5])
        assert rings[rings["mode"] == name].reset_index(drop=True).geom_equals(drawn).all()
    with pytest.raises(sp.StudyError, match="mode: found walk, walk, expected one or more, each once"):
        sp.travel_times(streets, sites, people, mode=["walk", "walk"])
    with pytest.raises(sp.StudyError, match="mode: found none"):
        sp.isochrones(streets, sites, mode=[])


def test_one_limit_is_as_a_list_of_one(right: dict[str, Any]) -> None:
    times, people = right["times"], right["people"]
    for function in (sp.reach, sp.coverage, sp.access_shares, sp.sites_in_reach, sp.shortfall):
        pd.testing.assert_frame_equal(function(times, people, minutes=15), function(times, people, minutes=[15]))


def test_places_are_given_in_degrees(right: dict[str, Any]) -> None:
    streets, people = right["streets"], right["people"]
    there = right["sites"].to_crs(4326)
    pairs = list(zip(there.geometry.x, there.geometry.y, strict=True))
    expected = sp.travel_times(streets, right["sites"], people)
    by_name = sp.travel_times(streets, dict(zip(there.index, pairs, strict=True)), people)
    pd.testing.assert_frame_equal(by_name, expected)
    numbered = sp.travel_times(streets, pairs, people)
    assert list(numbered["site"].cat.categories) == ["S1", "S2", "S3", "S4"]
    pd.testing.assert_series_equal(numbered["minutes"], expected["minutes"])
    alone = sp.isochrones(streets, pairs[0], minutes=5)
    assert list(alone["site"]) == ["S1"]
    with pytest.raises(sp.InputError, match=r"sites: S1 is at \(45.0, 100.0\); expected \(lon, lat\) in degrees"):
        sp.isochrones(streets, (45.0, 100.0))


@pytest.mark.parametrize("wrong", [0, "15", [15, "x"], True, float("nan"), [], [[15]]])
def test_a_wrong_limit_gets_a_sentence(wrong: Any, right: dict[str, Any]) -> None:
    for function in (sp.reach, sp.coverage, sp.access_shares):
        with pytest.raises(sp.StudyError, match="minutes"):
            function(right["times"], right["people"], minutes=wrong)
    with pytest.raises(sp.StudyError, match="minutes"):
        sp.travel_times(right["streets"], right["sites"], right["people"], minutes=wrong)
    with pytest.raises(sp.StudyError, match="minutes"):
        sp.isochrones(right["streets"], right["sites"], minutes=wrong)


@pytest.mark.parametrize("name", ["<b>town</b>", "long " * 500])
def test_displays_are_short_and_escaped(name: str, right: dict[str, Any]) -> None:
    streets = replace(right["streets"], source=name)
    choice = sp.choose_sites(right["times"], right["people"], right["sites"], count=4)
    reach = sp.Reach.of(right["times"], right["people"])
    many = replace(choice, sites=pd.DataFrame(index=[f"{name}{number}" for number in range(5000)]))
    feed = SimpleNamespace(sources=[name], routes=[], trips=[], stops=[])
    timetable = sp.Timetable(streets, feed, None, np.zeros((0, 2)), None)
    for thing in (streets, timetable, choice, many, reach, sp.Study(name=name)):
        page = thing._repr_html_()
        assert repr(thing).startswith(f"<{type(thing).__name__} ")
        assert len(repr(thing)) < 1000
        assert len(page) < 1500
        assert "<b>" not in page
        assert "http" not in page
    assert "&lt;b&gt;town" in replace(streets, source="<b>town</b>")._repr_html_()


def test_a_graph_may_stand_first_and_edges_are_a_table(right: dict[str, Any]) -> None:
    graph = sp.to_networkx(right["streets"])
    pd.testing.assert_frame_equal(sp.read_streets(graph).edges, sp.read_streets(graph=graph).edges)
    edges = right["streets"].to_gdf()
    pd.testing.assert_frame_equal(edges, right["streets"].edges)
    edges["length"] = 0.0
    assert (right["streets"].edges["length"] > 0).all()
    for wrong in (3, ["x"], pd.DataFrame()):
        with pytest.raises(sp.InputError, match="path: found a"):
            sp.read_streets(wrong)


def test_a_scenario_is_what_a_study_file_says() -> None:
    study = sp.Study(choose={"sites": 2})
    slower = {"set": {"travel.walk.speed_kmh": 3.6}}
    (said,) = given_variants(study, {"slower": slower}, ())
    (made,) = given_variants(study, {"slower": study.with_(**slower)}, ())
    assert said.study.travel == made.study.travel != study.travel
    assert said.about == made.about
    assert [one.again for one in given_variants(study, {"a": slower, "b": slower}, ("b",))] == [False, True]
    for wrong in ({"sett": {}}, {}, 3):
        with pytest.raises(sp.StudyError, match="slower"):
            given_variants(study, {"slower": wrong}, ())


def test_a_warning_stands_at_the_line_of_the_caller(right: dict[str, Any], tmp_path: Path) -> None:
    """However many functions lie between: one's own, those of a door, those of a reader."""
    path = tmp_path / "sites.csv"
    path.write_text("site,name,lon,lat\nA,Caf\xe9,1.0,45.0\n", encoding="cp1252")
    hours = right["times"].assign(minutes=right["times"]["minutes"] / 6000)

    def read() -> None:
        sp.read_sites(path)

    def choose() -> None:
        sp.choose_sites(hours, right["people"], right["sites"], count=4, minutes=15)

    for odd, said in ((read, "not UTF-8"), (choose, "hours")):
        with pytest.warns(sp.SiteplanWarning, match=said) as told:
            odd()
        assert {(each.filename, each.lineno) for each in told} == {(__file__, odd.__code__.co_firstlineno + 1)}
