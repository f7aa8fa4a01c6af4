"""The degree of urbanisation on made grids with a known answer."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from shapely.geometry import box

from siteplan.analysis.urbanisation import _groups, degree_of_urbanisation, territory_degrees
from siteplan.errors import InputError

X, Y = 3_900_000.0, 2_600_000.0  # squares of the grid of the Union, in France


def grid(rows: list[list[float]], side: float = 1000.0) -> gpd.GeoDataFrame:
    """One cell for each number, the first row the northernmost; index (row, column)."""
    cells = {
        (row, column): (value, box(X + column * side, Y - (row + 1) * side, X + (column + 1) * side, Y - row * side))
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
    }
    table = gpd.GeoDataFrame(
        {"people": [value for value, _ in cells.values()]},
        geometry=[shape for _, shape in cells.values()],
        crs="EPSG:3035",
    )
    table.index = pd.MultiIndex.from_tuples(list(cells))
    return table


def letters(degree: pd.Series) -> list[str]:
    """Write the classes as a picture: C centre, c cluster, . rural."""
    marks = degree.map({"urban centre": "C", "urban cluster": "c", "rural": "."}).unstack()  # noqa: PD010
    return ["".join(row) for row in marks.to_numpy()]


def picture(text: str, **values: float) -> list[list[float]]:
    return [[values.get(mark, 0.0) for mark in line] for line in text.split()]


def test_a_city_with_a_gap_a_corner_and_a_town_at_its_corner() -> None:
    # The gap in the ring is filled; the cells with 299 people are rural.
    text = "........ BBBBB... B...B... B...Ba.. BBBBB... .....mm. .......B ........"
    degree = letters(degree_of_urbanisation(grid(picture(text, B=3_600.0, m=400.0, a=299.0))))
    # 14 x 3,600 = 50,400 people are a centre; its six inner squares are a gap of less than 15.
    # m, m and the lone B touch the ring at corners: one cluster with it, but the lone B is no part of the centre.
    assert degree == ["........", "CCCCC...", "CCCCC...", "CCCCC...", "CCCCC...", ".....cc.", ".......c", "........"]


def test_a_large_gap_stays_but_for_its_corners() -> None:
    text = "BBBBBB B....B B....B B....B B....B BBBBBB"
    degree = letters(degree_of_urbanisation(grid(picture(text, B=3_000.0))))
    # The gap has 16 squares; those in its corners have five of the eight around in the centre, the others four.
    assert degree == ["CCCCCC", "CC..CC", "C....C", "C....C", "CC..CC", "CCCCCC"]


def test_the_majority_fills_a_notch() -> None:
    # The notch at the top has five of its eight around in the centre.
    text = "BB.BB BBBBB BBBBB"
    assert letters(degree_of_urbanisation(grid(picture(text, B=4_000.0))))[0] == "CCCCC"
    # A step has four only (three below, one beside): it stays.
    text = "BBB.. BBBBB BBBBB"
    assert letters(degree_of_urbanisation(grid(picture(text, B=4_000.0))))[0] == "CCC.."


def test_sides_alone_join_a_centre_and_thresholds_are_reached_exactly() -> None:
    # Two blocks of 25,000 that touch at a corner are no centre, but one cluster.
    corner = picture("BB.. BB.. ..BB ..BB", B=6_250.0)
    assert set("".join(letters(degree_of_urbanisation(grid(corner))))) == {"c", "."}
    joined = picture("BB.. BB.. BB.. BB..", B=6_250.0)  # exactly 50,000
    assert letters(degree_of_urbanisation(grid(joined))) == ["CC.."] * 4
    assert letters(degree_of_urbanisation(grid(picture("BB.. BB.. BB.. BB..", B=6_249.0)))) == ["cc.."] * 4
    low = picture("m" * 17, m=300.0)  # 5,100 people at exactly 300
    assert letters(degree_of_urbanisation(grid(low))) == ["c" * 17]
    assert letters(degree_of_urbanisation(grid(picture("m" * 16, m=300.0)))) == ["." * 16]


def test_smaller_cells_points_and_other_crs_give_the_same() -> None:
    rows = picture("BB.. BB.. BB.. BBm.", B=6_250.0, m=400.0)
    whole = degree_of_urbanisation(grid(rows))
    fine = grid([[value / 25 for value in row for _ in range(5)] for row in rows for _ in range(5)], side=200.0)
    of_fine = degree_of_urbanisation(fine)
    wanted = [whole[row // 5, column // 5] for row, column in fine.index]
    assert of_fine.tolist() == wanted
    assert degree_of_urbanisation(fine.to_crs("EPSG:2154")).tolist() == wanted
    points = fine.set_geometry(fine.centroid).to_crs("EPSG:4326")
    assert degree_of_urbanisation(points).tolist() == wanted
    shuffled = fine.iloc[np.random.default_rng(1).permutation(len(fine))]
    assert degree_of_urbanisation(shuffled).reindex(fine.index).tolist() == wanted


def test_a_cell_across_squares_is_shared_out() -> None:
    half = gpd.GeoDataFrame(
        {"people": [60_000.0, 0.0]},
        geometry=[box(X + 500, Y, X + 1500, Y + 1000), box(X + 5000, Y, X + 6000, Y + 1000)],
        crs="EPSG:3035",
    )
    assert degree_of_urbanisation(half).tolist() == ["urban centre", "rural"]


def test_outside_europe_squares_of_the_world_grid_are_taken() -> None:
    # Porto Alegre lies near x = -4,900 km, y = -3,670 km of the world grid: nine squares of 6,000, and one of none.
    west, south = -4_900_000.0, -3_670_000.0
    shapes = [box(west + 1000 * n, south, west + 1000 * (n + 1), south + 1000) for n in range(10)]
    cells = gpd.GeoDataFrame({"people": [6_000.0] * 9 + [0.0]}, geometry=shapes, crs="ESRI:54009").to_crs("EPSG:4326")
    assert degree_of_urbanisation(cells).tolist() == ["urban centre"] * 9 + ["rural"]


def test_bad_cells() -> None:
    with pytest.raises(InputError, match=r"the largest has 4\.00 km2"):
        degree_of_urbanisation(grid([[1.0]], side=2000.0))
    with pytest.raises(InputError, match="has -1 people"):
        degree_of_urbanisation(grid([[-1.0]]))
    with pytest.raises(InputError, match=r"column people holds .*, expected numbers"):
        degree_of_urbanisation(grid([[1.0]]).assign(people="many"))
    with pytest.raises(InputError, match="no column people"):
        degree_of_urbanisation(grid([[1.0]]).drop(columns="people"))
    with pytest.raises(InputError, match="no CRS"):
        degree_of_urbanisation(grid([[1.0]]).set_crs(None, allow_override=True))
    assert degree_of_urbanisation(grid([[1.0]]).iloc[:0]).empty


def test_territories_by_where_their_people_live() -> None:
    cells = grid([[60.0, 40.0, 40.0, 60.0, 100.0, 50.0, 50.0]])
    degrees = pd.Series(
        ["urban centre", "rural", "urban cluster", "rural", "urban cluster", "urban centre", "rural"], index=cells.index
    )
    names = pd.Series(["A", "A", "B", "B", "C", "D", "D"], index=cells.index)
    wanted = {"A": "city", "B": "rural area", "C": "town or suburb", "D": "city"}
    assert territory_degrees(cells, degrees, names).to_dict() == wanted


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=5), st.booleans())
def test_groups_of_squares_are_those_of_image_analysis(rows: list[list[bool]], corners: bool) -> None:
    inside = np.array(rows)
    known, _ = ndimage.label(inside, structure=np.ones((3, 3)) if corners else None)
    assert _groups(inside, corners=corners).tolist() == known.tolist()
