"""Memory: what is used again, and given back."""

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from siteplan.cli import main
from siteplan.memory import BLOCK, blocks, reused
from siteplan.workers import Workers

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


def arenas(path: Path) -> int:
    """Return from how many arenas four threads of this process take memory, which the allocator writes to a file."""
    library, at_once = ctypes.CDLL(None), threading.Barrier(4)
    library.malloc.restype = library.fopen.restype = ctypes.c_void_p

    def take() -> None:
        at_once.wait()
        library.malloc(1000)
        at_once.wait()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = ctypes.c_void_p(library.fopen(os.fsencode(path), b"w"))
    library.malloc_info(0, told)
    library.fclose(told)
    return path.read_text().count("<heap nr=")


def in_worker(path: Path) -> int:
    with Workers(1) as workers:
        return workers.submit(arenas, path).result()


def in_command(path: Path) -> int:
    with mock.patch("sys.argv", ["siteplan", "--version"]), pytest.raises(SystemExit):
        main()
    return arenas(path)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the allocator of Linux for its arenas")
@pytest.mark.parametrize("process", ["arenas", "in_worker", "in_command"])
def test_threads_of_the_program_share_one_arena(process: str, tmp_path: Path) -> None:
    asked = "import sys, pathlib; from tests import test_memory as each; "
    asked += "print(getattr(each, sys.argv[1])(pathlib.Path(sys.argv[2])))"
    ended = subprocess.run(
        [sys.executable, "-c", asked, process, tmp_path / "told"], capture_output=True, text=True, check=True
    )
    found = int(ended.stdout.splitlines()[-1])
    assert found > 1 if process == "arenas" else found == 1


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_hold_each_row_once(count: int) -> None:
    rows = np.arange(count)
    assert np.concatenate([rows[some] for some in blocks(count)] or [rows]).tolist() == rows.tolist()
    assert all(0 < len(rows[some]) <= BLOCK for some in blocks(count))
