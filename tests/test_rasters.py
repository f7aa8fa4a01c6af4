"""A raster of minutes says of every pixel what the table says of the cell."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from shapely import Point, box

from siteplan.errors import InputError, StudyError
from siteplan.output.rasters import write_minutes

CRS = "EPSG:32632"
WALK = [3.5, np.nan, 12.0, 20.0]
BEST = [3.0, 9.0, 12.0, 15.0]


def squares(side=200.0, places=((0, 0), (1, 0), (0, 1), (3, 2)), crs=CRS):
    shapes = [box(500_000 + x * side, y * side, 500_000 + (x + 1) * side, (y + 1) * side) for x, y in places]
    columns = {"people": [1.0, 2.0, np.nan, 0.0], "minutes_best": BEST, "minutes_walk": WALK}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def read(path):
    with rasterio.open(path) as file:
        return file.read(), file.profile, file.descriptions


def test_squares_on_a_grid_are_pixels(tmp_path):
    assert write_minutes(squares(), tmp_path / "m.tif") == {"minutes_walk": 1, "minutes_best": 2}
    bands, profile, names = read(tmp_path / "m.tif")
    nothing = np.nan
    best = [[nothing, nothing, nothing, 15], [12, nothing, nothing, nothing], [3, 9, nothing, nothing]]
    walk = [[nothing, nothing, nothing, 20], [12, nothing, nothing, nothing], [3.5, nothing, nothing, nothing]]
    assert np.array_equal(bands, np.array([walk, best]), equal_nan=True)
    assert names == ("minutes_walk", "minutes_best")
    assert tuple(profile["transform"])[:6] == (200, 0, 500_000, 0, -200, 600)
    assert profile["crs"].to_epsg() == 32632
    assert np.isnan(profile["nodata"])


def test_cells_brought_into_another_crs_find_their_grid_again(tmp_path):
    laea = squares(crs="EPSG:3035").set_geometry(
        gpd.GeoSeries([box(4_321_000 + x, 3_210_000 + y, 4_321_200 + x, 3_210_200 + y) for x, y in GRID], crs=3035)
    )
    write_minutes(laea, tmp_path / "own.tif")
    write_minutes(laea.to_crs(CRS), tmp_path / "back.tif", crs="EPSG:3035")
    own, back = read(tmp_path / "own.tif"), read(tmp_path / "back.tif")
    assert np.array_equal(own[0], back[0], equal_nan=True)
    assert own[1]["transform"] == back[1]["transform"]


GRID = ((0, 0), (200, 0), (0, 200), (600, 400))


def test_other_polygons_are_drawn_on_a_new_grid(tmp_path):
    shapes = [Point(500_037, 61).buffer(400), Point(502_013, 22).buffer(300)]
    cells = gpd.GeoDataFrame({"people": [1.0, 1.0], "minutes_walk": [5.0, 8.0]}, geometry=shapes, crs=CRS)
    write_minutes(cells, tmp_path / "m.tif")
    (band,), profile, _ = read(tmp_path / "m.tif")
    rows, columns = np.indices(band.shape)
    side, _, west, _, _, north = tuple(profile["transform"])[:6]
    x, y = west + side * (columns + 0.5), north - side * (rows + 0.5)
    # Pixel by pixel, the obvious way.
    for minutes, shape in ((5.0, shapes[0]), (8.0, shapes[1])):
        assert ((band == minutes) == shapely.contains_xy(shape, x, y)).all()
    assert side == 100


def test_points_fill_the_pixels_that_hold_them_the_nearest_to_the_middle_first(tmp_path):
    points = [Point(500_010, 10), Point(500_055, 50), Point(500_250, 50)]
    cells = gpd.GeoDataFrame({"minutes_bike": [1.0, 2.0, 3.0]}, geometry=points, crs=CRS)
    write_minutes(cells, tmp_path / "m.tif")
    (band,), _, _ = read(tmp_path / "m.tif")
    assert np.array_equal(band, [[2.0, np.nan, 3.0]], equal_nan=True)


def test_the_same_cells_give_the_same_bytes_and_an_error_leaves_the_old_file(tmp_path):
    for name in ("one.tif", "two.tif"):
        write_minutes(squares(), tmp_path / name)
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()
    with pytest.raises(InputError, match="minutes_walk"):
        write_minutes(squares()[["people", "geometry"]], tmp_path / "one.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tif", "two.tif"]


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match="degrees"):
        write_minutes(squares().to_crs(4326), tmp_path / "m.tif")
    far = squares().set_geometry([box(k * 1e6, 0, k * 1e6 + 150 + k, 150) for k in range(4)])
    far = far.assign(geometry=[shape.union(box(0, k * 5e5, 10, k * 5e5 + 10)) for k, shape in enumerate(far.geometry)])
    with pytest.raises(StudyError, match="pixel_m="):
        write_minutes(far, tmp_path / "m.tif")
