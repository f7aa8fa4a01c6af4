"""The metric rule: which CRS is chosen, which is refused, and that a metre is a metre."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely import box

from siteplan.errors import InputError
from siteplan.geo import as_crs, box_area, boxes_around, cell_sizes, lonlat_bounds, metric_crs, require_metric
from siteplan.study.write import geojson_text

GEOD = Geod(ellps="WGS84")


@pytest.mark.parametrize(
    ("bounds", "epsg"),
    [
        ((2.2, 48.8, 2.5, 48.9), 32631),
        ((-51.3, -30.3, -51.0, -30.0), 32722),
        ((9.4, 47.0, 9.7, 47.3), 32632),
        ((179.5, -17.0, 179.9, -16.5), 32760),
        ((24.0, 60.0, 31.0, 61.0), 32635),  # half a zone too wide, yet true to 0.1 %: meridians meet in the north
    ],
)
def test_a_town_is_measured_in_its_utm_zone(bounds: tuple[float, ...], epsg: int) -> None:
    assert metric_crs(bounds).to_epsg() == epsg


@pytest.mark.parametrize("bounds", [(0, 40, 15, 50), (5, 85, 6, 86), (-179.9, -19, 179.9, -16), (-4, 0, 4, 1)])
def test_what_is_wider_than_a_zone_or_polar_gets_its_own_laea(bounds: tuple[float, ...]) -> None:
    assert metric_crs(bounds).coordinate_operation.method_name == "Lambert Azimuthal Equal Area"


def test_the_date_line_is_no_border() -> None:
    fiji = gpd.GeoSeries(gpd.points_from_xy([179.9, -179.9], [-17, -17]), crs=4326)
    there = fiji.to_crs(metric_crs(fiji))
    assert there.iloc[0].distance(there.iloc[1]) == pytest.approx(GEOD.inv(179.9, -17, -179.9, -17)[2], rel=1e-3)


@given(st.floats(-179, 178), st.floats(-75, 75), st.floats(0, 360))
def test_1000_m_means_1000_m_on_the_ground(lon: float, lat: float, azimuth: float) -> None:
    east, north, _ = GEOD.fwd(lon, lat, azimuth, 1000)
    ends = gpd.GeoSeries([shapely.Point(lon, lat), shapely.Point(east, north)], crs=4326)
    there = ends.to_crs(metric_crs(ends))
    assert there.iloc[0].distance(there.iloc[1]) == pytest.approx(1000, rel=1e-3)


@pytest.mark.parametrize("crs", [32631, 3035, 2154, 2056, 31370, 27700])
def test_a_crs_in_metres_for_a_place_is_accepted(crs: int) -> None:
    assert require_metric(crs, "streets").to_epsg() == crs


@pytest.mark.parametrize(
    ("crs", "why"),
    [
        (None, "has no CRS"),
        (4326, "in degrees"),
        (3857, "does not keep lengths"),
        (3395, "does not keep lengths"),
        (4087, "does not keep lengths"),
        ("ESRI:54009", "does not keep lengths"),
        (2263, "US survey foot"),
        ("EPSG:0", "no such CRS"),
    ],
)
def test_any_other_crs_is_refused_by_name(crs: object, why: str) -> None:
    with pytest.raises(InputError, match=why):
        require_metric(crs, "streets")


def test_mercator_would_have_been_wrong() -> None:
    ends = gpd.GeoSeries([shapely.Point(5, 45), shapely.Point(*GEOD.fwd(5, 45, 90, 1000)[:2])], crs=4326)
    drawn = ends.to_crs(3857)
    assert drawn.iloc[0].distance(drawn.iloc[1]) > 1400
    measured = ends.to_crs(metric_crs(ends))
    assert measured.iloc[0].distance(measured.iloc[1]) == pytest.approx(1000, rel=1e-3)


@pytest.mark.parametrize("crs", [4326, 3857, 3035, 32632, "+proj=laea +lat_0=50 +lon_0=8 +units=us-ft"])
def test_cells_have_their_true_size_in_any_crs(crs: int | str) -> None:
    square = box_area((9.5, 47.0, 9.51, 47.01), 4326)
    truth = abs(GEOD.geometry_area_perimeter(square.iloc[0])[0])
    assert cell_sizes(square.to_crs(crs)) == pytest.approx([truth], rel=1e-4)


def test_bounds_come_in_degrees() -> None:
    square = box_area((9.5, 47.0, 9.6, 47.1), 4326)
    assert lonlat_bounds(square, "x") == pytest.approx((9.5, 47.0, 9.6, 47.1))
    assert lonlat_bounds(square.to_crs(3857), "x") == pytest.approx((9.5, 47.0, 9.6, 47.1))


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (gpd.GeoSeries([shapely.Point(1, 1)]), "has no CRS"),
        (gpd.GeoSeries([], crs=4326), "no geometry at all"),
        (gpd.GeoSeries([shapely.Point(1e9, 1e9)], crs=3035), "do not fit"),
        (gpd.GeoSeries([shapely.Point(4_300_000, 2_700_000)], crs=4326), "do not fit"),
    ],
)
def test_a_place_that_is_nowhere_is_refused(place: gpd.GeoSeries, why: str) -> None:
    with pytest.raises(InputError, match=why):
        metric_crs(place)


def test_a_crs_can_be_named_in_any_usual_way() -> None:
    assert as_crs(3035) == as_crs("EPSG:3035") == as_crs(as_crs(3035))
    assert np.isfinite(cell_sizes(box_area((0, 0, 1, 1), "EPSG:32631"))).all()


DATE_LINE = "+proj=laea +lat_0={} +lon_0=180 +datum=WGS84"


@pytest.mark.parametrize("lat", [-80.0, -17.0, 0.0, 52.0, 66.0, 80.0])
@pytest.mark.parametrize("metres", [False, True])
def test_a_place_over_the_date_line_is_measured_there(lat: float, metres: bool) -> None:
    """Not from the other side of the Earth, where a projection centred on longitude 0 would measure it."""
    two = gpd.GeoSeries([shapely.box(west, lat, west + 0.02, lat + 0.01) for west in (179.98, -180)], crs=4326)
    true, around = map(abs, GEOD.geometry_area_perimeter(two.iloc[0]))
    place = two.to_crs(DATE_LINE.format(lat)) if metres else two
    assert cell_sizes(place) == pytest.approx(true, rel=1e-4)
    measured = place.to_crs(metric_crs(place))
    assert measured.area.to_numpy() == pytest.approx(true, rel=2e-3)
    assert measured.distance(measured.iloc[0]).max() < 1
    assert measured.length.to_numpy() == pytest.approx(around, rel=1e-3)


def test_the_box_of_a_place_over_the_date_line_is_two() -> None:
    place = gpd.GeoSeries(gpd.points_from_xy([179.5, -179.0], [-17, -16]), crs=4326)
    metres = place.to_crs(DATE_LINE.format(-17))
    for each in (place, metres):
        assert np.allclose(boxes_around(each, 4326), [(179.5, -17, 180, -16), (-180, -17, -179, -16)], atol=1e-6)
    assert np.allclose(boxes_around(place, metres.crs), [metres.total_bounds])
    near = gpd.GeoSeries(gpd.points_from_xy([-9.5, 9.0], [-17, -16]), crs=4326)
    assert boxes_around(near, 4326) == [(-9.5, -17, 9, -16)]
    world = gpd.GeoSeries(gpd.points_from_xy([-180, -60, 60, 180], [0, 0, 0, 0]), crs=4326)
    assert boxes_around(world, 4326) == [(-180, 0, 180, 0)]


def test_geojson_is_cut_at_the_180th_meridian_as_rfc_7946_asks() -> None:
    """Half of the square lies on either side: two parts of half its size, and no longitude beyond 180."""
    x, y = Transformer.from_crs(4326, 32760, always_xy=True).transform(180, -17)
    places = gpd.GeoDataFrame({"site": ["S"]}, geometry=[box(x - 500, y - 500, x + 500, y + 500)], crs=32760)
    (feature,) = json.loads(geojson_text(places))["features"]
    parts = shapely.get_parts(shapely.geometry.shape(feature["geometry"]))
    west, east = sorted(parts, key=lambda part: part.bounds[0])
    assert (west.bounds[0], east.bounds[2]) == (-180, 180)
    assert [gpd.GeoSeries([part], crs=4326).to_crs(32760).area[0] for part in (west, east)] == pytest.approx(
        [500_000, 500_000], rel=0.02
    )
