"""Rows put in order: as NumPy's own sort of several keys has it, whether all fits into one number or not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteplan.network.ordering import least_rows, ordered


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2**40), st.integers(-(2**31), 2**31 - 1)), max_size=40),
    st.sampled_from([1, 2**20, 2**30]),
)
def test_the_order_is_that_of_a_sort_by_each_column(rows: list[tuple[int, int, int]], unit: int) -> None:
    first, second, third = np.array(rows, np.int64).reshape(-1, 3).T
    columns = (first * unit, second, third.astype(np.int32))
    assert ordered(*columns).tolist() == sorted(range(len(rows)), key=lambda k: tuple(int(c[k]) for c in columns))


def test_small_numbers_keep_equal_rows_as_they_are() -> None:
    random = np.random.default_rng(1)
    columns = [random.integers(-2, 3, 5000).astype(np.int32) for _ in range(3)]
    assert ordered(*columns).tolist() == np.lexsort(columns[::-1]).tolist()


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=40))
def test_of_each_pair_the_least_row_is_the_first(rows: list[tuple[int, int, int]]) -> None:
    first, second, value = np.array(rows, np.int64).reshape(-1, 3).T
    best: dict[tuple[int, int], int] = {}
    for row, (one, other, cost) in enumerate(rows):
        known = best.get((one, other))
        if known is None or cost < rows[known][2]:
            best[one, other] = row
    assert least_rows(first, second, value).tolist() == [best[pair] for pair in sorted(best)]
