"""Work shared out over an executor: its units in order, and what all of them read sent to each worker once.

Threads read what lies in memory. Processes on this machine read it from one file, which each opens once, by memory map;
the workers of a cluster are sent it once each. An executor of an unknown kind is sent it with every unit.
"""

import itertools
import mmap
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from siteplan import __version__
from siteplan.errors import WorkerError
from siteplan.workers import TRIES, Workers

__all__ = ["PARTS", "AtOnce", "cut", "each", "lent"]

Progress = Callable[[int, int], None]
PARTS = 64  # units of work: enough to share out evenly and to show progress
ALIGNED = 64  # bytes: where an array may begin, so that compiled code takes it as it takes those in memory


def each(
    work: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    *,
    shared: tuple[Any, ...] = (),
    executor: Executor | None = None,
    progress: Progress | None = None,
    total: int | None = None,
    take: Callable[[int, Any], Any] | None = None,
) -> list[Any]:
    """Call `work` with what is shared and each of the arguments, on threads unless an executor is given.

    Parameters
    ----------
    work
        A function; of a module, if the executor is not of threads.
    calls
        The arguments of each unit, behind those that are shared.
    shared
        What every unit reads. A list in it starts empty in every worker, and is kept there from unit to unit: for
        working arrays (`lent`).
    progress
        Is told how far it is out of `total` (the number of calls).
    take
        Is given the number and the result of each call as soon as it is there, and gives what stands in its place.

    Returns
    -------
    list
        The results in the order of the calls. An interruption drops what has not begun.

    Raises
    ------
    WorkerError
        Workers that came to an end, and cannot be replaced.
    """
    whole = len(calls) if total is None else total
    with _threads() if executor is None else _borrowed(executor) as pool, _sent(shared, pool) as send:
        found: dict[int, Any] = {}
        for _ in range(TRIES):
            lacking = [k for k in range(len(calls)) if k not in found]
            if not lacking:
                break
            job = send()
            futures: dict[Future[Any], int] = {pool.submit(*job(work, calls[k])): k for k in lacking}
            try:
                for future in as_completed(futures):
                    if future.cancelled():  # a cluster lost what was shared with the last worker that had it
                        continue
                    k, result = futures.pop(future), _received(future.result())
                    found[k] = result if take is None else take(k, result)
                    if progress is not None:
                        progress(whole * len(found) // len(calls), whole)
            except BaseException as error:
                for future in futures:
                    future.cancel()
                _explain(error)
                raise
        if len(found) < len(calls):
            raise WorkerError(f"the cluster lost its workers {TRIES} times; look at their logs, and start it anew")
        return [found[k] for k in range(len(calls))]


def cut(total: int, parts: int = PARTS) -> list[tuple[int, int]]:
    """Cut so many things into even parts: the first of each, and that of the next."""
    bounds = [total * part // parts for part in range(parts + 1)]
    return [(first, stop) for first, stop in itertools.pairwise(bounds) if first < stop]


@contextmanager
def lent(rooms: list[Any], make: Callable[[], Any]) -> Iterator[Any]:
    """Lend working arrays of those that lie free, or new ones; after an error, which may leave marks, none come back.

    So there are as many as threads, and none of them travels to another process.
    """
    try:
        room = rooms.pop()
    except IndexError:
        room = make()
    yield room
    rooms.append(room)


class AtOnce(ThreadPoolExecutor):
    """Calls at once and in the same thread: of work that is one of several units itself, which fill all cores."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function, and return what it gave as a future that is done; errors are the caller's."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=cpu_count())


@contextmanager
def _borrowed(executor: Executor) -> Iterator[Executor]:
    yield executor  # the caller's own: not ours to shut down


def _explain(error: BaseException) -> None:
    """Say in a sentence what it means that a pool or a cluster broke."""
    if isinstance(error, BrokenProcessPool):
        raise WorkerError(
            "a process of the ProcessPoolExecutor died, and the pool with it; siteplan.Workers replaces one that dies"
        ) from error
    if type(error).__name__ == "KilledWorker":  # of distributed, which need not be there
        raise WorkerError(f"a unit of work was lost with every worker of the cluster that took it ({error})") from error


# What is shared, on its way ------------------------------------------------------------------------------------------

Job = Callable[[Callable[..., Any], tuple[Any, ...]], tuple[Any, ...]]  # a unit -> what is submitted


@contextmanager
def _sent(shared: tuple[Any, ...], pool: Executor) -> Iterator[Callable[[], Job]]:
    """Give what hands over the shared arguments, again where they got lost, and says what to submit for a unit."""
    if isinstance(pool, ThreadPoolExecutor):
        yield lambda: lambda work, call: (work, *shared, *call)
    elif isinstance(pool, Workers | ProcessPoolExecutor):
        # Where the file is still open in a process that does not let go of it, it goes with the temporary files.
        with tempfile.TemporaryDirectory(prefix="siteplan-", ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "shared"
            with file.open("wb") as out:
                for piece in _pieces(shared):
                    out.write(piece)
            yield lambda: lambda work, call: (_from_file, str(file), work, call)
    elif type(pool).__module__.startswith("distributed."):
        client: Any = pool._client  # type: ignore[attr-defined]  # an executor of Dask has no other way to its client

        def scattered() -> Job:
            try:
                parcel = client.scatter(_Parcel(shared), broadcast=True, hash=False)
            except (OSError, ValueError) as error:  # its TimeoutError is an OSError
                raise WorkerError(
                    f"the cluster took no work ({error}); start workers, and look at their logs"
                ) from None
            return lambda work, call: (_from_parcel, __version__, parcel, pickle.dumps((work, call), protocol=5))

        yield scattered
    else:
        yield lambda: lambda work, call: (work, *shared, *call)


@dataclass(frozen=True)
class _Answer:
    """A result as it was packed by the worker, so that its arrays lie as they would if they had been made here."""

    packed: bytes


def _received(found: Any) -> Any:
    return pickle.loads(found.packed) if isinstance(found, _Answer) else found  # noqa: S301 - of our own workers


def _from_file(path: str, work: Callable[..., Any], call: tuple[Any, ...]) -> _Answer:
    """Do a unit of work in a process of this machine."""
    return _Answer(pickle.dumps(work(*_opened(path), *call), protocol=5))


@lru_cache(maxsize=1)  # the work at hand: its arrays and its rooms
def _opened(path: str) -> tuple[Any, ...]:
    """Open what is shared once in a process. What is written to it is the process' own."""
    with Path(path).open("rb") as file:
        return _unpacked(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _from_parcel(version: str, parcel: "_Parcel", unit: bytes) -> _Answer:
    """Do a unit of work in a worker of a cluster."""
    if version != __version__:
        raise WorkerError(
            f"a worker of the cluster has siteplan {__version__}, and this is {version}; install the same"
        )
    work, call = pickle.loads(unit)  # noqa: S301 - written by who shares the work out
    return _Answer(pickle.dumps(work(*parcel.shared, *call), protocol=5))


@dataclass(frozen=True)
class _Parcel:
    """What is shared, as a cluster carries it: packed by us, so that arrays lie in memory as they do here."""

    shared: tuple[Any, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _parcel, (pickle.PickleBuffer(b"".join(_pieces(self.shared))),)


def _parcel(packed: Any) -> _Parcel:
    """Unpack a parcel into memory of its own, which starts where an array may."""
    room = np.empty(len(packed) + ALIGNED, np.uint8)
    first = -room.ctypes.data % ALIGNED
    room[first : first + len(packed)] = np.frombuffer(packed, np.uint8)
    return _Parcel(_unpacked(room[first : first + len(packed)].data))


def _pieces(shared: tuple[Any, ...]) -> Iterator[bytes | memoryview]:
    """Give the bytes that `_unpacked` reads: where all lies, the objects, and behind them their arrays as they are."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    sizes = np.array([len(arrays), len(head), *(2 * len(each) + each.readonly for each in arrays)], np.int64).tobytes()
    pieces: list[bytes | memoryview] = [sizes, head, *arrays]
    for piece in pieces:
        yield piece
        yield bytes(-len(piece) % ALIGNED)


def _unpacked(whole: Any) -> tuple[Any, ...]:
    """Read what `_pieces` gave; the arrays stay where they are."""
    view, at = memoryview(whole), 0

    def piece(size: int) -> memoryview:
        nonlocal at
        found = view[at : at + size]
        at += size + -size % ALIGNED
        return found

    count = int(np.frombuffer(view[:8], np.int64)[0])
    sizes = np.frombuffer(piece(8 * (count + 2)), np.int64)
    head = piece(int(sizes[1]))
    arrays = []
    for size in sizes[2:].tolist():
        array = piece(size // 2)
        arrays.append(array.toreadonly() if size % 2 else array)
    found: tuple[Any, ...] = pickle.loads(head, buffers=arrays)  # noqa: S301 - written by `_pieces`
    return found
