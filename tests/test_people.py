"""Cells become points: everybody is kept, the people of a large cell stand along its streets."""

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.errors import InputError
from siteplan.geo import as_crs
from siteplan.inputs.population import read_population
from siteplan.network.people import _positions, place_people, totals
from siteplan.network.streets import StreetNetwork, read_streets

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))
METRES = as_crs(32632)
X, Y = 500_000.0, 5_200_000.0
# Far from everything and closed to all: it only says how far the extract reaches.
AROUND = ("motorway", [(-700.0, -700.0), (1700.0, -700.0), (1700.0, 1700.0), (-700.0, 1700.0), (-700.0, -700.0)])


def town(*streets: tuple[str, list[tuple[float, float]]]) -> StreetNetwork:
    """Lay streets (kind, corners in metres from the lower left of the town), each one edge, and a motorway around."""
    streets = (*streets, AROUND)
    corners = [[(X + x, Y + y) for x, y in line] for _, line in streets]
    ends, node = np.unique([end for line in corners for end in (line[0], line[-1])], axis=0, return_inverse=True)
    xy = np.concatenate([np.array(line) for line in corners])
    kinds = sorted({kind for kind, _ in streets})
    return StreetNetwork(
        source="a made town",
        crs=METRES,
        u=node.ravel()[0::2],
        v=node.ravel()[1::2],
        node_count=len(ends),
        x=xy[:, 0],
        y=xy[:, 1],
        start=np.cumsum([0, *map(len, corners)]),
        length=shapely.length(np.array([shapely.LineString(line) for line in corners])),
        kind=np.array([kinds.index(kind) for kind, _ in streets]),
        kinds=[(("highway", kind),) for kind in kinds],
        way_id=np.arange(len(streets)),
    )


def cells(*boxes: tuple[float, float, float], people: list[float], **groups: list[float]) -> gpd.GeoDataFrame:
    """Make square cells from (left, bottom, side) in metres from the lower left of the town."""
    shapes = [shapely.box(X + x, Y + y, X + x + side, Y + y + side) for x, y, side in boxes]
    index = pd.Index(list("abcdefgh")[: len(boxes)], name="cell")
    return gpd.GeoDataFrame({"people": people, **groups}, index=index, geometry=shapes, crs=METRES)


def spots(points: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    return [(round(point.x - X, 3), round(point.y - Y, 3)) for point in points.geometry]


MAIN = ("residential", [(0.0, 500.0), (1000.0, 500.0)])


def test_a_small_cell_has_one_point_in_its_middle() -> None:
    points = place_people(cells((0, 450, 250), people=[12.0], workers=[5.0]), town(MAIN))
    assert spots(points) == [(125, 575)]
    assert points.drop(columns="geometry").to_dict("list") == {
        "cell": ["a"],
        "people": [12.0],
        "workers": [5.0],
        "status": ["placed"],
    }
    assert points.crs == METRES


def test_a_large_cell_spreads_along_the_streets_inside_it() -> None:
    points = place_people(cells((100, 0, 600), people=[60.0], workers=[6.0]), town(MAIN))
    assert spots(points) == [(150, 500), (250, 500), (350, 500), (450, 500), (550, 500), (650, 500)]
    assert points["people"].tolist() == [10.0] * 6
    assert points["workers"].tolist() == [1.0] * 6
    assert points.index.tolist() == list(range(6))


def test_people_are_shared_by_length_whatever_the_pieces() -> None:
    # 600 m in two edges of 200 m and 400 m, and 300 m across: a third of the people live across.
    across = ("residential", [(200.0, 500.0), (200.0, 800.0)])
    west, east = (("residential", [(a, 500.0), (b, 500.0)]) for a, b in ((0.0, 200.0), (200.0, 600.0)))
    points = place_people(cells((0, 200, 600), people=[90.0]), town(west, east, across))
    assert len(points) == 9
    assert points.loc[points.geometry.y > Y + 500, "people"].sum() == 30


def test_a_sliver_of_street_beside_much_street_keeps_its_own_point() -> None:
    # In a running sum of lengths a sliver vanishes beside 10 million kilometres.
    pieces = np.array([shapely.LineString([(0, y), (x, y)]) for y, x in enumerate((1e10, 1e-9, 100.0))])
    row, found = _positions(np.arange(3), pieces, 1e10)
    assert row.tolist() == [0, 1, 2]
    assert shapely.get_y(found).tolist() == [0, 1, 2]


def test_homes_come_before_paths_and_paths_before_nothing() -> None:
    path = ("footway", [(0.0, 200.0), (1000.0, 200.0)])
    large = cells((0, 0, 1000), people=[10.0])
    assert set(place_people(large, town(MAIN, path)).geometry.y) == {Y + 500}
    assert set(place_people(large, town(path)).geometry.y) == {Y + 200}
    motorway = ("motorway", [(0.0, 800.0), (1000.0, 800.0)])
    assert spots(place_people(large, town(motorway, path)))[0] == (50, 200)
    aside = ("residential", [(0.0, 1100.0), (1000.0, 1100.0)])
    alone = place_people(large, town(aside))
    assert spots(alone) == [(500, 500)]
    assert alone["status"].tolist() == ["too far"]


def test_people_beyond_the_streets_are_not_crowded_onto_them() -> None:
    street = ("residential", [(0.0, 500.0), (1700.0, 500.0)])
    points = place_people(cells((1500, 0, 1000), people=[100.0]), town(street))
    inside = points["people"][points["status"] == "placed"].sum()
    assert inside == pytest.approx(50, abs=2)  # the motorway at 1,700 m, and 300 m beyond: half of the cell
    assert points["people"].sum() == pytest.approx(100)
    assert points["status"].iloc[-1] == "too far"


def test_where_no_cell_is_large_no_outline_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    streets = town(("residential", [(0, 0), (100, 0)]))
    small = cells((0, 0, 100), people=[10.0])
    expected = place_people(small, streets)
    monkeypatch.delattr("shapely.concave_hull")  # on a country's streets it takes longer than all else
    pd.testing.assert_frame_equal(expected, place_people(small, streets))
    with pytest.raises(AttributeError, match="concave_hull"):
        place_people(small, streets, large_m2=1.0)


def test_a_crescent_keeps_its_point_inside() -> None:
    crescent = shapely.Polygon([(X, Y), (X + 300, Y), (X + 300, Y + 300), (X, Y + 300), (X + 280, Y + 150)])
    table = gpd.GeoDataFrame({"people": [1.0]}, index=pd.Index(["a"]), geometry=[crescent], crs=METRES)
    assert crescent.contains(place_people(table, town(MAIN)).geometry[0])


def test_every_cell_is_there_with_its_status() -> None:
    table = cells((0, 400, 200), (0, 3000, 200), (400, 400, 200), people=[5.0, 7.0, np.nan], jobs=[1.0, 2.0, 3.0])
    points = place_people(table, town(MAIN))
    assert points["status"].tolist() == ["placed", "too far", "missing"]
    assert points["cell"].tolist() == ["a", "b", "c"]
    assert points["jobs"].tolist() == [1, 2, 3]
    assert totals(points) == {"in": 12.0, "placed": 5.0, "too_far": 7.0, "island": 0.0, "missing_cells": 1}


def test_people_on_an_island_are_said() -> None:
    hamlet = ("residential", [(0.0, 5000.0), (100.0, 5000.0)])
    grid = [("residential", [(x * 100.0, 0.0), (x * 100.0 + 100, 0.0)]) for x in range(50)]
    points = place_people(cells((0, 4900, 200), (0, 0, 200), people=[3.0, 4.0]), town(hamlet, *grid))
    assert points["status"].tolist() == ["island", "placed"]
    assert totals(points)["island"] == 3


def test_the_limit_decides_who_is_too_far() -> None:
    table = cells((0, 900, 200), people=[1.0])
    assert place_people(table, town(MAIN), link_m=499)["status"].tolist() == ["too far"]
    assert place_people(table, town(MAIN), link_m=501)["status"].tolist() == ["placed"]


def test_nobody_is_not_spread_but_jobs_are() -> None:
    table = cells((0, 0, 1000), (0, 0, 1000), people=[0.0, 0.0], jobs=[0.0, 50.0])
    points = place_people(table, town(MAIN))
    assert points.groupby("cell").size().to_dict() == {"a": 1, "b": 10}
    assert points.groupby("cell")["jobs"].sum().to_dict() == {"a": 0, "b": 50}


def test_cells_come_in_any_crs_and_as_points() -> None:
    table = cells((0, 400, 200), people=[5.0])
    here = place_people(table.to_crs(4326), town(MAIN))
    assert here.geometry.distance(place_people(table, town(MAIN)).geometry).max() < 0.01
    dots = table.set_geometry(table.centroid)
    assert spots(place_people(dots, town(MAIN))) == [(100, 500)]


def test_the_order_of_cells_changes_nothing_but_the_numbers() -> None:
    table = cells((0, 0, 1000), (0, 400, 200), (0, 200, 900), people=[10.0, 5.0, 3.0])
    one, other = place_people(table, town(MAIN)), place_people(table.iloc[::-1], town(MAIN))
    for cell in "abc":
        assert spots(one[one["cell"] == cell]) == spots(other[other["cell"] == cell])
        assert one.loc[one["cell"] == cell, "people"].tolist() == other.loc[other["cell"] == cell, "people"].tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(50, 900)), min_size=1, max_size=8),
    st.lists(st.floats(0, 1e5), min_size=8, max_size=8),
    st.floats(20, 500),
)
def test_totals_are_conserved_in_every_cell(
    boxes: list[tuple[float, float, float]], people: list[float], spacing: float
) -> None:
    streets = town(MAIN, ("residential", [(300.0, 0.0), (300.0, 900.0)]), ("footway", [(900.0, 10.0), (990.0, 80.0)]))
    table = cells(*boxes, people=people[: len(boxes)], workers=people[::-1][: len(boxes)])
    points = place_people(table, streets, spacing=spacing)
    summed = points.groupby("cell")[["people", "workers"]].sum()
    assert np.allclose(summed.loc[table.index], table[["people", "workers"]], rtol=1e-12, atol=1e-9)
    inside = table.geometry[points["cell"]].reset_index(drop=True).distance(points.geometry)
    assert inside.max() < 1e-6


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"spacing": 0}, "spacing=0: expected"),
        ({"large_m2": -1}, "large_m2=-1"),
        ({"link_m": float("nan")}, "link_m=nan"),
    ],
)
def test_lengths_must_be_lengths(options: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        place_people(cells((0, 0, 100), people=[1.0]), town(MAIN), **options)


def test_tables_that_are_no_cells_are_refused() -> None:
    table = cells((0, 0, 100), people=[1.0])
    with pytest.raises(InputError, match="no column 'people'"):
        place_people(table.rename(columns={"people": "pop"}), town(MAIN))
    with pytest.raises(InputError, match="an id stands twice"):
        place_people(pd.concat([table, table]), town(MAIN))
    with pytest.raises(InputError, match="has no CRS"):
        place_people(table.set_crs(None, allow_override=True), town(MAIN))


@pytest.mark.real
@pytest.mark.parametrize(
    ("population", "extract", "people", "placed"),
    [
        ("porto_alegre/poa_hexgrid.csv", "porto_alegre/poa_osm.pbf", 812_935, (0.999, 1)),
        ("helsinki/population_grid_2020.gpkg", "helsinki/helsinki_center_2019.osm.pbf", 71_724, (0.6, 0.8)),
        ("laquila/laquila_eurostat_census2021_1km.gpkg", "laquila/aq.pbf", 93_469, (0.55, 0.7)),
        ("liechtenstein/liechtenstein_eurostat_census2021_1km.gpkg", "liechtenstein/liechtenstein-2021-10.osm.pbf",
         140_583, (0.3, 0.4)),
    ],
)  # fmt: skip
def test_real_places_keep_everybody(population: str, extract: str, people: int, placed: tuple[float, float]) -> None:
    for name in (population, extract):
        if not (DATA / name).exists():
            pytest.skip(f"{DATA / name} is absent")
    found = totals(place_people(read_population(DATA / population), read_streets(DATA / extract)))
    assert found["in"] == pytest.approx(people, rel=1e-9)
    assert found["placed"] + found["too_far"] + found["island"] == pytest.approx(people, rel=1e-9)
    assert placed[0] <= found["placed"] / people <= placed[1]
