"""Where one gets along one-way arcs, against the closure of all steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteplan.network.oneways import onward, round_trips

COUNT = 9


@given(
    st.lists(st.tuples(*[st.integers(0, COUNT - 1)] * 2), max_size=30),
    st.lists(st.integers(0, COUNT - 1), max_size=3),
)
def test_what_is_reached_is_what_steps_reach(arcs: list[tuple[int, int]], origins: list[int]) -> None:
    reaches = np.eye(COUNT, dtype=bool)
    for tail, head in arcs:
        reaches[tail, head] = True
    for _ in range(COUNT):
        reaches = (reaches.astype(int) @ reaches.astype(int)) > 0
    tails, heads = np.array(arcs, np.int32).reshape(-1, 2).T.copy()
    found = onward(tails, heads, np.array(origins, np.int32), COUNT)
    assert found.tolist() == reaches[origins].any(axis=0).tolist()
    piece = round_trips(tails, heads, COUNT)
    assert ((piece[:, None] == piece) == (reaches & reaches.T)).all()
    assert sorted(set(piece.tolist())) == list(range(piece.max() + 1))
