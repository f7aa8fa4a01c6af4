"""Memory: what is used again, and given back."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from siteplan.memory import BLOCK, blocks, reused

LARGE = 30_000_000  # bytes, of each of ten arrays


def resident() -> int:
    """Return how many bytes of this process lie in memory."""
    return os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what lies in memory")
def test_what_is_used_again_is_given_back_at_the_end() -> None:
    before = resident()
    with reused(large=True):
        arrays = [np.ones(LARGE, np.uint8) for _ in range(10)]
        del arrays
        kept = resident() - before
    assert kept > 8 * LARGE
    assert resident() - before < 2 * LARGE


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_hold_each_row_once(count: int) -> None:
    rows = np.arange(count)
    assert np.concatenate([rows[some] for some in blocks(count)] or [rows]).tolist() == rows.tolist()
    assert all(0 < len(rows[some]) <= BLOCK for some in blocks(count))
