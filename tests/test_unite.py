"""The outline of many areas, traced: against GEOS, which unites two at a time."""

from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from siteplan import unite
from siteplan.routing.surfaces import outlines
from siteplan.unite import GRAIN, unite_areas

Areas = NDArray[np.object_]


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace however few corners there are."""
    monkeypatch.setattr(unite, "MANY", 1)


def united(polygons: Areas, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Unite, and be sure that GEOS did not."""
    with monkeypatch.context() as patched:
        patched.setattr(shapely, "union_all", None)
        return unite_areas(polygons)


def stars(random: np.random.Generator, count: int) -> Areas:
    """Ragged areas, most of them with ragged holes, all over each other."""
    found = []
    for _ in range(count):
        middle = np.add(random.uniform(0, 3_000, 2), (500_000, 6_700_000))
        corners = random.integers(5, 200)
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        ray = np.column_stack([np.cos(angle), np.sin(angle)])
        outer = middle + ray * random.uniform(300, 1_000, corners)[:, None]
        inner = middle + ray * random.uniform(100, 250, corners)[:, None]
        found.append(shapely.Polygon(outer, [inner] if random.random() < 0.8 else []))
    return np.array([each for each in found if each.is_valid], dtype=object)


def isochrones(random: np.random.Generator, count: int) -> Areas:
    """Contours of surfaces of whole numbers on one grid, many of whose corners and sides fall together."""
    found: list[Any] = []
    row, column = np.indices((80, 80))
    rough = random.integers(0, 40, (80, 80))
    for _ in range(count):
        y, x = random.integers(20, 60, 2)
        surface = np.rint(10 * np.hypot(row - y, column - x) + rough).astype(np.float32)
        xy, rings, polygons = outlines(surface, 500_000.0, 6_700_000.0, 25.0, 150.5, 160.0)
        parts = np.array([0, len(polygons) - 1])
        found += shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy, (rings, polygons, parts))[0].geoms
    return np.array(found, dtype=object)


@pytest.mark.parametrize("make", [stars, isochrones])
@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_union_to_a_millimetre(make: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    polygons = make(random, 2 + 5 * seed)
    polygons[::2] = shapely.reverse(polygons[::2])
    ours, theirs = united(polygons, monkeypatch), shapely.union_all(polygons)
    assert shapely.is_valid(ours)
    apart = shapely.area(shapely.symmetric_difference(ours, theirs))
    assert apart <= shapely.length(theirs) / GRAIN
    assert shapely.hausdorff_distance(ours, theirs) < 0.1  # where outlines meet at the sharpest angle
    assert shapely.get_num_geometries(ours) == len(shapely.get_parts(theirs))


@pytest.mark.parametrize("seed", range(20))
def test_corners_and_sides_that_fall_together_are_no_trouble(seed: int) -> None:
    random = np.random.default_rng(seed)
    west, south = random.integers(0, 12, (2, 30)).astype(float)
    wide, high = random.integers(1, 6, (2, 30)).astype(float)
    squares = np.asarray(shapely.box(west, south, west + wide, south + high))
    slanted = np.array(
        [shapely.Polygon([(0, 0), (a, b), (a - b, a + b), (-b, a)]) for a, b in [(6, 1), (5, 5), (6, 1)]]
    )
    polygons = np.concatenate([squares, slanted])
    ours, theirs = unite_areas(polygons), shapely.union_all(polygons)
    assert shapely.area(ours) == pytest.approx(shapely.area(theirs), rel=1e-12)
    x, y = np.meshgrid(np.arange(-7.45, 20), np.arange(-1.35, 20))
    assert (shapely.contains_xy(ours, x, y) == shapely.contains_xy(theirs, x, y)).all()


def test_what_lies_in_a_hole_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = shapely.box(0, 0, 100, 100) - shapely.box(10, 10, 90, 90)
    inner = shapely.box(20, 20, 80, 80) - shapely.box(30, 30, 70, 70)
    polygons = np.array([frame, inner, shapely.box(40, 40, 60, 60)])
    ours = united(polygons, monkeypatch)
    assert shapely.is_valid(ours)
    assert shapely.normalize(ours) == shapely.normalize(shapely.union_all(polygons))


def test_more_crossings_than_corners_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    across = shapely.box(0, np.arange(20) * 10, 1_000, np.arange(20) * 10 + 5)
    along = shapely.box(np.arange(20) * 10, 0, np.arange(20) * 10 + 5, 1_000)
    polygons = np.concatenate([across, along])
    assert len(polygons) * 5 < 20 * 20 * 4
    ours = united(polygons, monkeypatch)
    assert shapely.area(ours) == shapely.area(shapely.union_all(polygons))
    assert shapely.get_num_interior_rings(shapely.get_geometry(ours, 0)) == 19 * 19


def test_nothing_is_nothing() -> None:
    assert shapely.is_empty(unite_areas(np.array([], dtype=object)))
    assert shapely.is_empty(unite_areas(np.array([shapely.Polygon()])))


@pytest.mark.parametrize("spoilt", ["follow", "_put_together"])
def test_what_leads_nowhere_is_left_to_geos(spoilt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    polygons = stars(np.random.default_rng(1), 10)
    nowhere = (np.empty((0, 2)), np.empty(0, np.int64)) if spoilt == "follow" else None
    monkeypatch.setattr(unite, spoilt, lambda *_: nowhere)
    assert unite_areas(polygons) == shapely.union_all(polygons)
