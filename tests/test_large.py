"""A page of a large place: the sites that matter most, cells joined, sums kept, and never more than five megabytes."""

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

from siteplan.catalogue import Measure
from siteplan.errors import SiteplanWarning
from siteplan.output.maps import LARGEST, SiteMap, large, site_map
from siteplan.output.maps.large import coarser, fewer_columns, fewer_sites
from siteplan.output.maps.shapes import in_a_grid
from siteplan.output.result import Result
from tests.browser import browser, needs_chromium, open_page
from tests.test_maps import UTM


def squares(columns: int, rows: int, wide: float = 200.0) -> gpd.GeoDataFrame:
    """Cells side by side, each with as many people as its number."""
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    x, y = 500_000 + column.ravel() * wide, 5_000_000 + row.ravel() * wide
    index = pd.RangeIndex(columns * rows, name="cell")
    return gpd.GeoDataFrame(
        {"people": np.arange(len(index), dtype=float)},
        geometry=shapely.box(x, y, x + wide, y + wide),
        index=index,
        crs=UTM,
    )


def country(sites: int, columns: int, rows: int, pairs: int) -> Result:
    """Sites on a plain of cells, each of which a site reaches at random; every hundredth site exists."""
    random = np.random.default_rng(3)
    cells = squares(columns, rows)
    points = cells.assign(cell=cells.index).set_geometry(cells.centroid).rename_axis("point")
    names = pd.Index([f"S{number:05}" for number in range(sites)], name="site")
    facts = {
        "name": names.to_numpy(),
        "status": np.where(np.arange(sites) % 100 == 0, "existing", "candidate"),
        "cost": 1.0,
        "capacity": 10.0,
    }
    chosen = points.geometry.iloc[random.integers(len(points), size=sites)].to_numpy()
    table = gpd.GeoDataFrame(facts, geometry=chosen, index=names, crs=UTM)
    rank = pd.array(random.permutation(sites) + 1, dtype="Int64")
    scores = table.drop(columns="geometry").assign(people_walk_15=1.0, score=1.0, rank=rank)
    key = np.unique(random.integers(sites * len(cells), size=pairs))
    site, point = np.divmod(key, len(cells))
    times = pd.DataFrame(
        {
            "site": pd.Categorical.from_codes(site, names),
            "point": point,
            "mode": pd.Categorical(["walk"] * len(key)),
            "minutes": random.integers(1, 16, len(key)).astype(float),
        }
    )
    near = cells.assign(minutes_best=5.0, minutes_walk=5.0, site_best=names[0], covered_walk_15=1.0)
    rings = table[["geometry"]].iloc[::100].reset_index().assign(mode="walk", minutes=15.0, speed_kmh=4.8)
    rings = rings.set_geometry(rings.buffer(1200.0))
    layers = {"cells": near, "points": points, "isochrones": rings, "water": squares(200, 200, 50.0)[["geometry"]]}
    return Result(table, {"scores": scores, "times": times}, layers, {"parameters": {}})


def test_of_many_sites_those_open_stay_then_the_best_ranked() -> None:
    result = country(sites=500, columns=10, rows=10, pairs=5_000)
    with pytest.warns(SiteplanWarning, match="20 of 500 sites"):
        few = fewer_sites(result, most=20)
    assert list(few.sites.index) == [site for site in result.sites.index if site in set(few.sites.index)]
    status = few.sites["status"]
    assert (status == "existing").sum() == 5
    rank = result.scores["rank"][result.sites["status"] == "candidate"]
    assert set(status.index[status == "candidate"]) == set(rank.nsmallest(15).index)
    assert set(few.times["site"].unique()) <= set(few.sites.index)
    assert list(few.scores.index) == list(few.sites.index)
    assert fewer_sites(result, most=500) is result


def test_joined_cells_are_blocks_and_hold_everybody() -> None:
    cells = squares(12, 8).assign(minutes_walk=np.arange(96.0))
    few, blocks = coarser(cells, most=24)
    assert len(few) == 24
    assert few["people"].sum() == cells["people"].sum()
    assert (few.area == 400.0**2).all()
    # The cell at a corner is that of cells 0, 1, 12 and 13, whose minutes count by their people.
    assert few.loc[blocks[0], "people"] == 26
    assert few.loc[blocks[0], "minutes_walk"] == pytest.approx((1 + 144 + 169) / 26)
    assert set(blocks[blocks == blocks[0]].index) == {0, 1, 12, 13}


def fields(across: list[float], up: list[float]) -> NDArray[np.object_]:
    west, south = (each.ravel() for each in np.meshgrid(across[:-1], up[:-1]))
    east, north = (each.ravel() for each in np.meshgrid(across[1:], up[1:]))
    return np.asarray(shapely.box(west, south, east, north))


def test_fields_of_a_grid_are_united_as_any_shapes_are() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        across, up = (np.cumsum(random.choice([0.1, 100.0, 200.0], 9)).tolist() for _ in range(2))
        every = random.permutation(fields(across, up))[: random.integers(1, 64)]
        every[::3] = shapely.multipolygons(every[::3, None])
        assert in_a_grid(every)
        assert in_a_grid(shapely.reverse(every))
        assert shapely.coverage_is_valid(every)
        members = np.append(every, [None] * (-len(every) % 4)).reshape(-1, 4)
        one, other = shapely.coverage_union_all(members, axis=1), shapely.union_all(members, axis=1)
        assert shapely.equals_exact(shapely.normalize(one), shapely.normalize(other), 0.0).all()


GRID = fields([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    "odd",
    {
        "one more of the same": GRID[0],
        "over two columns": shapely.box(0, 2, 2, 3),
        "beside half a field": shapely.box(3, 0, 4, 0.5),
        "across a line": shapely.box(2.5, 2, 3.5, 3),
        "turned": shapely.Polygon([(4, 0), (5, 1), (4, 2), (3, 1)]),
        "a corner more": shapely.Polygon([(3, 0), (4, 0), (4, 1), (3.5, 1), (3, 1)]),
        "a triangle with a corner within a side": shapely.Polygon([(3, 0), (4, 0), (4, 1), (3.5, 0.5)]),
        "with a hole": shapely.box(3, 0, 4, 1) - shapely.box(3.2, 0.2, 3.8, 0.8),
        "a line": shapely.LineString([(3, 0), (4, 0), (4, 1), (3, 1), (3, 0)]),
        "nothing": shapely.Polygon(),
        "missing": None,
    }.items(),
    ids=lambda each: each[0],
)
def test_what_is_no_field_of_a_grid_is_known(odd: tuple[str, Any]) -> None:
    assert in_a_grid(GRID)
    assert not in_a_grid(np.append(GRID, odd[1]))


def test_places_without_area_are_joined_too() -> None:
    cells = squares(30, 30)
    few, blocks = coarser(cells.set_geometry(cells.centroid), most=100)
    assert len(few) <= 100
    assert few["people"].sum() == cells["people"].sum()
    assert set(blocks) == set(few.index)


def drawn(result: Result) -> tuple[SiteMap, str]:
    """Draw the page; return it and all that was warned of."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        page = site_map(result)
    return page, " ".join(str(each.message) for each in odd)


def opens(page: SiteMap, file: Path) -> None:
    """Open the page in a browser, which has nothing to say against it."""
    page.save(file)
    with browser() as chromium, open_page(chromium, file) as opened:
        opened.page.wait_for_selector("canvas")
        assert not opened.complaints


@needs_chromium
def test_a_page_of_a_country_is_at_most_five_megabytes_and_opens(tmp_path: Path) -> None:
    result = country(sites=3_000, columns=250, rows=200, pairs=6_000_000)
    page, said = drawn(result)
    assert len(page.html.encode()) <= LARGEST
    assert "2,000 of 3,000 sites" in said
    assert "does not count whom open sites reach" in said
    assert len(page.data["cells"]["names"]) <= large.MOST_CELLS
    opens(page, tmp_path / "map.html")


def test_a_page_counts_from_joined_cells_as_from_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    result = country(sites=20, columns=20, rows=20, pairs=3_000)
    small = site_map(result).data
    monkeypatch.setattr("siteplan.output.maps.MOST_CELLS", 50)
    joined = site_map(result).data
    assert len(joined["cells"]["names"]) <= 50 < len(small["cells"]["names"])
    assert sum(joined["cells"]["people"]) == sum(small["cells"]["people"])
    assert joined["plan"]["minutes"] == small["plan"]["minutes"]
    assert joined["plan"]["amounts"] == small["plan"]["amounts"]


def with_columns(result: Result, modes: list[str], limits: list[int], groups: list[str]) -> Result:
    """The same, with a count of each kind by group, mode and limit, whose number tells its column and site."""
    scores, cells = result.tables["scores"].drop(columns="people_walk_15"), result.layers["cells"]
    names = [
        f"{kind}{group}_{mode}_{limit}"
        for kind in ("", "unique_", "added_")
        for group in ("people", *groups)
        for mode in (*modes, "best")
        for limit in limits
    ]
    known = {name: 10_000.0 + 7 * at + np.arange(len(scores)) for at, name in enumerate(names)}
    near = {f"minutes_{mode}": 5.0 for mode in (*modes, "best")} | dict.fromkeys(groups, 1.0)
    near |= {f"covered_{mode}_{limit}": 0.5 for mode in (*modes, "best") for limit in limits}
    times = result.tables["times"]
    return Result(
        result.sites,
        {
            "scores": pd.concat([scores, pd.DataFrame(known, index=scores.index)], axis=1),
            "times": pd.concat([times.assign(mode=mode) for mode in modes]).astype({"mode": "category"}),
        },
        {**result.layers, "cells": cells.drop(columns="covered_walk_15").assign(**near)},
        {"parameters": {}},
    )


MODES = ["walk", "bike", "calm", "transit"]


@needs_chromium
def test_a_page_of_many_modes_limits_and_groups_is_at_most_five_megabytes(tmp_path: Path) -> None:
    made = country(sites=3_000, columns=250, rows=200, pairs=200_000)
    result = with_columns(made, MODES, [10, 15, 20, 30, 45], ["workers", "age_65", "children"])
    page, said = drawn(result)
    assert len(page.html.encode()) <= LARGEST
    assert "its cards leave out shares covered of each cell; whom of a group a site alone reaches or adds" in said
    assert "more than 5" not in said
    assert sum(page.data["cells"]["people"]) == result.layers["cells"]["people"].sum()
    for card in page.data["sites"][::100]:  # what is left is what the table says
        for measure, count in zip(page.data["measures"], card["counted"], strict=True):
            assert count == result.scores.loc[card["id"], Measure(**measure).column]
    opens(page, tmp_path / "map.html")


def test_columns_are_left_out_from_the_least_needed_on() -> None:
    counted = [
        Measure(kind, group, mode, minutes)
        for kind in ("reached", "unique", "added")
        for group in ("people", "workers")
        for mode in ("walk", "bike")
        for minutes in (10.0, 15.0)
    ]
    every = list(fewer_columns(counted))
    assert [len(kept) for _, kept in every] == [16, 12, 8, 4, 2]
    assert {each.column for each in every[-1][1]} == {"people_walk_15", "people_bike_15"}
    assert [said for said, _ in fewer_columns(every[-1][1])] == []


def test_a_page_with_no_room_joins_more_cells_and_keeps_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    result = country(sites=20, columns=60, rows=60, pairs=500)
    monkeypatch.setattr("siteplan.output.maps.LESSER", ())
    monkeypatch.setattr("siteplan.output.maps.MOST_CELLS", 3_600)
    whole = len(site_map(result).html.encode())
    monkeypatch.setattr("siteplan.output.maps.LARGEST", whole - 60_000)
    with pytest.warns(SiteplanWarning, match="cells are joined into"):
        page = site_map(result)
    assert len(page.html.encode()) <= whole - 60_000
    assert sum(page.data["cells"]["people"]) == result.layers["cells"]["people"].sum()


def test_what_some_of_the_open_sites_reach_is_not_told_as_what_all_do() -> None:
    result = country(sites=500, columns=10, rows=10, pairs=5_000)
    with (
        pytest.warns(SiteplanWarning, match="4 of 500 sites"),
        pytest.warns(SiteplanWarning, match="does not count whom open sites reach, as it does not show all of them"),
    ):
        few = fewer_sites(result, most=4)
    assert "times" not in few.tables
    assert "points" not in few.layers
    with pytest.warns(SiteplanWarning, match="5 of 500 sites"):  # all that are open
        assert "times" in fewer_sites(result, most=5).tables


def test_what_matters_least_is_left_out_of_a_page_with_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    result = country(sites=5, columns=5, rows=5, pairs=50)
    whole = len(site_map(result).html.encode())
    monkeypatch.setattr("siteplan.output.maps.LARGEST", whole - 1)
    with pytest.warns(SiteplanWarning, match="layer water is left out"):
        page = site_map(result)
    assert len(page.html.encode()) < whole
    assert "water" not in {layer["id"] for layer in page.data["layers"]}
