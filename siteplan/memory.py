"""Memory: less of it taken at a time, and what lies free given back to the system."""

import ctypes
import sys

__all__ = ["BLOCK", "blocks", "give_back"]

BLOCK = 2**18  # rows of what is reckoned in many steps, each with an array as large as the result


def blocks(count: int) -> list[slice]:
    """Cut so many rows into blocks."""
    return [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]


def give_back() -> None:
    """Give back what was freed: the allocator of Linux keeps it where something that lies behind it is still held.

    After the streets of a large place were read, that is as much as the streets themselves take. Elsewhere, nothing is
    done.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # of the GNU library
        library.malloc_trim(0)
