"""Try many inputs of a kind: each ends in a result or in one sentence, within 20 seconds and 2 GB."""

import math
import os
import random
import re
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from siteplan.errors import SiteplanError

TRIES = int(os.environ.get("SITEPLAN_SPOILT", "25"))
SEED = os.environ.get("SITEPLAN_SEED", "")
# What once failed: a terrain model whose CRS nobody can transform to, a column of Parquet that ended the process.
ONCE_FAILED = {"terrain": (41,), "times.parquet": (87,)}
LATEST = 20.0  # seconds
MOST = 2 * 10**9  # bytes
OUT_OF_MEMORY = re.compile(r"out of memory|bad_alloc|cannot allocate", re.IGNORECASE)


Record = Callable[[str, object], None]  # what pytest's `record_property` is


class FailedError(AssertionError):
    """What was neither read nor refused as it should be."""


@contextmanager
def room_for(most: int | None) -> Iterator[None]:
    """Let this process take so many bytes more than it has, or any; what asks for more has a MemoryError (on Linux)."""
    if sys.platform != "linux":
        yield
        return
    import resource

    has = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert has is not None
    before = resource.getrlimit(resource.RLIMIT_DATA)
    soft = before[1] if most is None else int(has[1]) * 1024 + most
    resource.setrlimit(resource.RLIMIT_DATA, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def tried(act: Callable[[], object], what: str, *, named: str = "", most: int = MOST, latest: float = LATEST) -> bool:
    """Do something; tell whether it gave a result. Else it gave one sentence with a name, which moves no terminal."""
    begun = time.monotonic()
    with warnings.catch_warnings(), room_for(most):
        warnings.simplefilter("ignore")
        try:
            act()
        except SiteplanError as error:
            text = str(error)
            if "\x1b" in text or len(text) > 6000 or named not in text:
                raise FailedError(f"{what}: {text[:300]!r}") from None
            wants = any(isinstance(each, MemoryError) for each in causes(error))
            if wants or (OUT_OF_MEMORY.search(text) and not says_so_anyway(act, text)):
                raise FailedError(f"{what}: asked for more than {most:,} bytes: {text[:300]!r}") from error
            done = False
        except Exception as error:
            own = [
                f"{f.filename}:{f.lineno}"
                for f in traceback.extract_tb(error.__traceback__)
                if "siteplan/" in f.filename
            ]
            raise FailedError(f"{what}: {type(error).__name__}: {str(error)[:200]} at {own[-1:]}") from error
        else:
            done = True
    if time.monotonic() - begun > latest:
        raise FailedError(f"{what}: took {time.monotonic() - begun:.0f} s")
    return done


def says_so_anyway(act: Callable[[], object], text: str) -> bool:
    """Tell whether it is refused in the same words with room for all: libtiff speaks so of a count that cannot be."""
    try:
        with room_for(None):
            act()
    except SiteplanError as error:
        return str(error) == text
    return False


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Name an error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def fuzzed(name: str, one: Callable[[random.Random], bool], record: Record, *, share: int = 1) -> None:
    """Try so many inputs of a kind; say all that failed at once, each with the number that makes it again.

    Kinds that are parts of one thing, such as the tables of a timetable, each take a share of the number.
    """
    failed: dict[str, str] = {}
    read = 0
    numbers = dict.fromkeys((*ONCE_FAILED.get(name, ()), *range(math.ceil(TRIES / share))))
    for number in numbers:
        try:
            read += one(random.Random(f"{name} {SEED} {number}"))
        except FailedError as error:
            failed.setdefault(str(error), f"{number}")
    record("tried", (name, len(numbers), read, len(failed)))
    assert not failed, "\n".join(f"{number}: {text}" for text, number in failed.items())
