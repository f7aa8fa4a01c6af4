"""What is done edge by edge in compiled code, against what numpy and scipy say of the same arrays."""

import numpy as np
import numpy.typing as npt
import scipy
from hypothesis import given
from hypothesis import strategies as st

from siteplan.network.laying import components, hilbert, mark_dead_ends, rows, walked

Pairs = list[tuple[int, int]]
NODES = 9
some_pairs = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=14)
some_costs = st.lists(st.integers(0, 3), min_size=14, max_size=14)


def as_columns(pairs: Pairs) -> npt.NDArray[np.int64]:
    return np.array(pairs, np.int64).reshape(-1, 2).T


@given(some_pairs)
def test_components_are_those_of_scipy(pairs: Pairs) -> None:
    u, v = as_columns(pairs)
    links = scipy.sparse.coo_array((np.ones(len(u), np.int8), (u, v)), shape=(NODES, NODES))
    found = components(u, v, NODES)
    np.testing.assert_array_equal(found, scipy.sparse.csgraph.connected_components(links, directed=False)[1])


@given(some_pairs, some_costs)
def test_arcs_are_sorted_by_tail_cost_and_head(pairs: Pairs, costs: list[int]) -> None:
    (tail, head), weight = as_columns(pairs), np.array(costs[: len(pairs)], np.int64)
    indptr, arcs = rows(tail, head, weight, NODES)
    order = np.lexsort((head, weight, tail))
    np.testing.assert_array_equal(np.repeat(np.arange(NODES), np.diff(indptr)), tail[order])
    np.testing.assert_array_equal(arcs, np.column_stack([head, weight])[order])


@given(some_pairs)
def test_from_a_dead_end_one_can_only_return(pairs: Pairs) -> None:
    tail, head = as_columns(pairs)
    indptr, arcs = rows(tail, head, np.zeros(len(tail), np.int64), NODES)
    mark_dead_ends(indptr, arcs)
    for (start, _), end in zip(sorted(pairs), arcs[:, 0].tolist(), strict=True):
        node = end if end >= 0 else ~end
        leave, come = [b for a, b in pairs if a == node], [a for a, b in pairs if b == node]
        assert start in come
        assert (end < 0) == (len(leave) == 1 and {*come} == {*leave})


@given(st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), min_size=1), max_size=5))
def test_chains_are_walked_from_end_to_end(chains: list[list[tuple[bool, int, int]]]) -> None:
    edges = [edge for chain in chains for edge in chain]
    along = np.array([costs for _, *costs in edges], np.int32).reshape(-1)
    length, follow = np.arange(len(edges)) + 0.5, np.full(2 * len(edges), -1, np.int32)
    expected, first = {}, 0
    for chain in chains:
        halves = [2 * (first + place) + turned for place, (turned, *_) in enumerate(chain)]
        first += len(chain)
        for line in (halves, [half ^ 1 for half in reversed(halves)]):
            for place, half in enumerate(line):
                rest = np.array(line[place + 1 :], np.int64)
                follow[half] = rest[0] if len(rest) else -1
                sums = (along[rest].sum(), along[rest ^ 1].sum(), length[rest >> 1].sum())
                expected[half] = (line[-1], *map(float, sums))
    found = walked(follow, along, length)
    assert {half: tuple(map(float, told)) for half, told in enumerate(zip(*found, strict=True))} == expected


def test_along_the_curve_from_every_place_of_a_grid_to_one_beside_it() -> None:
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(16), np.arange(16)))
    order = np.argsort(hilbert(x, y))
    np.testing.assert_array_equal(np.abs(np.diff(x[order])) + np.abs(np.diff(y[order])), 1)
