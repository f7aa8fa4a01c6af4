"""Memory: what is used again, and given back."""

import os
import subprocess
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


STORES = """
import ctypes, sys, threading
import siteplan.memory
if sys.argv[1] == "one":
    siteplan.memory.one_arena()
library, at_once = ctypes.CDLL(None), threading.Barrier(4)
library.malloc.restype = ctypes.c_void_p
def take():
    at_once.wait()
    library.malloc(1000)
    at_once.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
[each.start() for each in threads], [each.join() for each in threads]
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the allocator of Linux for its stores")
def test_threads_share_one_store_where_told() -> None:
    def stores(told: str) -> int:
        ended = subprocess.run([sys.executable, "-c", STORES, told], capture_output=True, text=True, check=True)
        return ended.stdout.count("<heap nr=")

    assert stores("as ever") > 1
    assert stores("one") == 1


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_hold_each_row_once(count: int) -> None:
    rows = np.arange(count)
    assert np.concatenate([rows[some] for some in blocks(count)] or [rows]).tolist() == rows.tolist()
    assert all(0 < len(rows[some]) <= BLOCK for some in blocks(count))
