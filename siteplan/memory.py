"""Memory: less of it taken at a time, and what lies free given back to the system."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["BLOCK", "blocks", "give_back", "one_arena", "reused"]

BLOCK = 2**18  # rows of what is reckoned in many steps, each with an array as large as the result
# Of mallopt(3): how large an array is made of memory that was used before, how much of that is kept, and how many
# arenas there are, from which threads take it.
FROM_SYSTEM, KEPT, ARENAS = -3, -1, -8


def blocks(count: int) -> list[slice]:
    """Cut so many rows into blocks."""
    return [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]


def give_back() -> None:
    """Give back what was freed: the allocator of Linux keeps it where something that lies behind it is still held.

    After the streets of a large place were read, that is as much as the streets themselves take. Elsewhere, nothing is
    done.
    """
    library = _allocator()
    if library is not None:
        library.malloc_trim(0)


def one_arena() -> None:
    """Have all threads to come take memory from one arena; for a process that is the program's own.

    Else the allocator of Linux gives each thread one, and no other uses what it freed there: some 30 MB of the peak of
    a large place. Arrays are large and few, so that threads hardly ever wait for each other there. Elsewhere, nothing
    is done.
    """
    library = _allocator()
    if library is not None:
        library.mallopt(ARENAS, 1)


@contextmanager
def reused(large: bool) -> Iterator[None]:
    """Use what is freed inside again, and give it back at the end, where what is `large` is worked on.

    Else the allocator of Linux gives every large array back as it is freed, and the system clears the next one's memory
    as it is first written to: half of the time that laying the graph of a country takes.
    """
    library = _allocator() if large else None
    if library is None:
        yield
        return
    library.mallopt(FROM_SYSTEM, 2**31 - 1)
    library.mallopt(KEPT, -1)
    try:
        yield
    finally:
        library.mallopt(FROM_SYSTEM, 2**25)  # what it gets to by itself as large arrays are freed
        library.mallopt(KEPT, 2**26)
        library.malloc_trim(0)


def _allocator() -> Any:
    """Return the GNU library, None where there is another."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
