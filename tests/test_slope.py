"""Terrain changes the speed on foot and by bicycle, as published; what is unknown is flat and said."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from siteplan.config import BIKE, WALK
from siteplan.errors import InputError, SiteplanWarning
from siteplan.network.slope import bike_time_factor, read_climb, walk_time_factor
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.times import travel_times
from worlds import STREET, UTM, World, line, places, plane

HILLY_WALK, HILLY_BIKE = (profile.model_copy(update={"slope": True}) for profile in (WALK, BIKE))


def terrain(folder: Path, rise: float, *, crs: object = UTM, unknown_east_of: float = 1e9, cell: float = 10.0) -> Path:
    """Write a terrain model that rises eastwards by `rise` a metre, 1 km around the origin."""
    west, north = plane([(-1000, 1000)])[0]
    columns = int(2000 / cell)
    east = np.tile((np.arange(columns) + 0.5) * cell - 1000, (columns, 1))
    height = np.where(east > unknown_east_of, -9999, 500 + rise * east).astype(np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": columns, "height": columns, "nodata": -9999}
    where = Affine(cell, 0, west, 0, -cell, north)
    with rasterio.open(folder / "terrain.tif", "w", **profile, crs=crs, transform=where) as model:
        model.write(height, 1)
    return folder / "terrain.tif"


def hilly(folder: Path, world: World, rise: float) -> StreetNetwork:
    streets = world.streets()
    (folder / "world.osm").write_text(world.xml(), encoding="utf-8")
    streets = read_streets(folder / "world.osm", elevation=terrain(folder, rise))
    assert streets.climb is not None
    return streets


@pytest.mark.parametrize(
    ("slope", "kmh"), [(-0.05, 6.0), (0.0, 5.0367), (0.05, 4.2282), (0.10, 3.5494), (-0.10, 5.0367), (-0.20, 3.5494)]
)
def test_walking_follows_tobler(slope: float, kmh: float) -> None:
    # Tobler (1993): 6 exp(-3.5 |slope + 0.05|) km/h, which is 5.0367 on the flat.
    assert 5.0367 / walk_time_factor(np.array([slope]))[0] == pytest.approx(kmh, abs=0.001)


@pytest.mark.parametrize(
    ("slope", "speed"),
    [(0, 1), (0.03, 0.85), (0.05, 0.75), (0.10, 0.5), (-0.03, 1.4), (-0.05, 1.7), (0.04, 0.8), (0.3, 0.5), (-0.3, 1.7)],
)
def test_cycling_follows_the_published_factors(slope: float, speed: float) -> None:
    assert 1 / bike_time_factor(np.array([slope]))[0] == pytest.approx(speed)


def test_uphill_is_slow_and_downhill_fast(tmp_path: Path) -> None:
    streets = hilly(tmp_path, line(), 0.05)
    up, down = streets.costs(HILLY_WALK)
    assert up[0] == pytest.approx(3000 * np.exp(0.175), rel=0.002)
    assert down[0] == pytest.approx(3000 * np.exp(-0.175), rel=0.002)
    ride_up, ride_down = streets.costs(HILLY_BIKE)
    assert (ride_up[0], ride_down[0]) == (pytest.approx(960 / 0.75, rel=0.002), pytest.approx(960 / 1.7, rel=0.002))


def test_the_way_there_is_not_the_way_back(tmp_path: Path) -> None:
    streets, below, above = hilly(tmp_path, line(), 0.1), places([(0.0, 0.0)]), places([(400.0, 0.0)])
    up = travel_times(streets, above, below, mode=HILLY_WALK)["minutes"].iloc[0]
    down = travel_times(streets, below, above, mode=HILLY_WALK)["minutes"].iloc[0]
    assert up == pytest.approx(5 * np.exp(0.35), rel=0.002)
    assert down == pytest.approx(5, rel=0.002)  # at -10 % as fast as on the flat


def test_flat_ground_and_profiles_without_slope_change_nothing(tmp_path: Path) -> None:
    flat, steep = hilly(tmp_path, line(), 0.0), hilly(tmp_path, line(), 0.2)
    assert [side.tolist() for side in flat.costs(HILLY_WALK)] == [[3000], [3000]]
    assert [side.tolist() for side in steep.costs(WALK)] == [[3000], [3000]]


def test_scale_and_offset_are_part_of_the_heights(tmp_path: Path) -> None:
    """Decimetres above 100 m below the sea that rise by 0.5 a metre are metres that rise by 0.05."""
    with rasterio.open(terrain(tmp_path, 0.5), "r+") as model:
        model.scales, model.offsets = (0.1,), (-100.0,)
    climb = read_climb(line(STREET).streets(), tmp_path / "terrain.tif")
    assert climb.walk[0].tolist() == pytest.approx([np.exp(0.175), np.exp(-0.175)], rel=0.002)


def test_heights_of_no_street_are_refused(tmp_path: Path) -> None:
    """-9999 that is not declared as nodata would be a pit of ten kilometres."""
    with rasterio.open(terrain(tmp_path, 0.05, unknown_east_of=205), "r+") as model:
        model.nodata = None
    with pytest.raises(InputError, match=r"terrain\.tif: holds -9999 where there are streets.*declare it"):
        read_climb(line(STREET, STREET, STREET, STREET).streets(), tmp_path / "terrain.tif")


def test_a_picture_is_no_terrain_model(tmp_path: Path) -> None:
    with rasterio.open(terrain(tmp_path, 0.05)) as model:
        profile, height = model.profile, model.read(1)
    with rasterio.open(tmp_path / "picture.tif", "w", **(profile | {"count": 3})) as model:
        for band in (1, 2, 3):
            model.write(height, band)
    with pytest.raises(InputError, match=r"picture\.tif: has 3 bands; expected one, of heights in metres"):
        read_climb(line().streets(), tmp_path / "picture.tif")


@pytest.mark.parametrize("tag", ["bridge", "tunnel"])
def test_a_bridge_is_not_as_steep_as_the_valley(tmp_path: Path, tag: str) -> None:
    streets = hilly(tmp_path, line(STREET, {**STREET, tag: "yes"}, {**STREET, tag: "no"}), 0.2)
    up, down = streets.costs(HILLY_WALK)
    assert up.tolist() == pytest.approx([750 * np.exp(0.7), 750 * np.exp(0.105), 750 * np.exp(0.7)], rel=0.003)
    assert down[1] == pytest.approx(750 * np.exp(-0.105), rel=0.003)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:rasterio")  # its own use of affine
def test_a_model_in_another_crs_is_read_where_it_is(tmp_path: Path) -> None:
    streets = line().streets()
    near = terrain(tmp_path, 0.05)
    from rasterio.warp import calculate_default_transform, reproject

    with rasterio.open(near) as model:
        where, width, height = calculate_default_transform(model.crs, "EPSG:4326", *model.shape, *model.bounds)
        band = np.full((height, width), -9999, np.float32)
        reproject(rasterio.band(model, 1), band, dst_transform=where, dst_crs="EPSG:4326", resampling=1)
        profile = {**model.profile, "crs": "EPSG:4326", "transform": where, "width": width, "height": height}
    with rasterio.open(tmp_path / "degrees.tif", "w", **profile) as model:
        model.write(band, 1)
    there = read_climb(streets, tmp_path / "degrees.tif").walk
    assert there == pytest.approx(read_climb(streets, near).walk, rel=0.01)


def test_streets_without_height_are_flat_and_counted(tmp_path: Path) -> None:
    model = terrain(tmp_path, 0.05, unknown_east_of=205)
    with pytest.warns(
        SiteplanWarning, match=r"terrain\.tif: 50\.0% of the street length has no height and is taken as flat"
    ):
        climb = read_climb(line(STREET, STREET, STREET, STREET).streets(), model)
    assert climb.walk[:, 0].tolist() == pytest.approx([np.exp(0.175), np.exp(0.175), 1, 1], rel=0.002)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere.tif", r"nowhere\.tif: no such file; give a terrain model"),
        (lambda folder: terrain(folder, 0.1, crs=None), r"terrain\.tif: names no CRS"),
        (lambda folder: terrain(folder, 0.1, crs="EPSG:32633"), r"no height anywhere on the streets of a tiny world"),
        (lambda folder: terrain(folder, 0.1, unknown_east_of=-1e9), "no height anywhere on the streets"),
    ],
)
def test_what_is_no_terrain_model_is_refused(tmp_path: Path, make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_climb(line().streets(), make(tmp_path))  # type: ignore[operator]


def test_a_text_is_no_terrain_model(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("high")
    with pytest.raises(InputError, match=r"text\.tif: not a raster"):
        read_climb(line().streets(), tmp_path / "text.tif")


def test_a_truncated_terrain_model_is_refused(tmp_path: Path) -> None:
    file = terrain(tmp_path, 0.1)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match=r"terrain\.tif: not a raster"):
        read_climb(line().streets(), file)
