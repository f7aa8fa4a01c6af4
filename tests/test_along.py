"""Places along streets in compiled code, against shapely and what one edge after the other gives."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from siteplan.network.along import costs_along, distinct, evenly, points_along

whole = st.integers(-20, 20).map(float)
lines = st.lists(st.lists(st.tuples(whole, whole), min_size=2, max_size=6), min_size=1, max_size=5)
shares = st.floats(0, 1)


@given(st.lists(st.tuples(whole, whole)))
def test_places_are_told_once_each_by_x_and_y(places: list[tuple[float, float]]) -> None:
    assert distinct(np.array(places).reshape(-1, 2)).tolist() == [[x, y] for x, y in sorted({*places})]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.floats(0.5, 60))
def test_places_stand_evenly_from_end_to_end(length: list[float], step: float) -> None:
    edges = np.arange(len(length))[::-1]
    edge, share = evenly(edges, np.array(length), step)
    assert [*dict.fromkeys(edge.tolist())] == edges.tolist()
    for each in edges:
        mine = share[edge == each]
        assert mine.tolist() == [k / (len(mine) - 1) for k in range(len(mine))]
        assert len(mine) == max(2, 1 + np.ceil(length[each] / step))  # no farther apart than asked, no more than needed


@given(lines, shares)
def test_a_place_is_where_shapely_puts_it(corners: list[list[tuple[float, float]]], share: float) -> None:
    x, y = np.array([corner for line in corners for corner in line]).T
    start = np.cumsum([0, *map(len, corners)])
    steps = np.hypot(np.diff(x), np.diff(y))
    steps[start[1:-1] - 1] = 0  # from one edge to the next
    edge = np.arange(len(corners))
    found = points_along(edge, np.full(len(edge), share), start, (x, y, np.append(0, np.cumsum(steps))))
    for line, spot in zip(corners, found, strict=True):
        drawn = shapely.LineString(line)
        expected = drawn.interpolate(share, normalized=True) if drawn.length else shapely.Point(line[0])
        assert spot == pytest.approx(shapely.get_coordinates(expected)[0], abs=1e-9)


@given(st.integers(-1, 90), st.integers(-1, 90), shares, st.booleans(), st.booleans())
def test_a_place_costs_its_share_of_the_edge(
    along: int, against: int, share: float, turned: bool, backwards: bool
) -> None:
    before = np.array([[10, 200]])
    laid = np.array([7]), np.array([turned]), np.array([[along, against]]), before, np.array([50.0]), np.array([40.0])
    (chain,), (forward,), (backward,), (metres,) = costs_along(np.array([0]), np.array([40.0 * share]), laid, backwards)
    share = 40.0 * share / 40.0
    to = along - round((1 - share) * along) if backwards else round(share * along)
    back = against - round(share * against) if backwards else round((1 - share) * against)
    ways = [(along, to), (against, back)]
    (ahead, on), (behind, off) = ways[::-1] if turned else ways
    assert (chain, forward, backward) == (7, 10 + on if ahead >= 0 else -1, 200 + off if behind >= 0 else -1)
    assert metres == pytest.approx(50 + 40 * (1 - share if turned else share))
