"""Processes on this machine that share out work: one that dies is replaced, and costs the unit that it was at."""

import multiprocessing
import pickle
import signal
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from siteplan.errors import StudyError, WorkerError
from siteplan.memory import one_arena

__all__ = ["TRIES", "Workers"]

P = ParamSpec("P")
R = TypeVar("R")
TRIES = 3  # of a unit of work: two workers may die at it


class Workers(Executor):
    """Processes on this machine, for whatever takes an `executor`; the results are those of threads, byte by byte.

    One thread of this process waits for each of them. A process that dies is replaced and its unit done again, three
    times in all. Used with `with`, they end with its block: at once where that ends in an error or by Ctrl-C.

    Parameters
    ----------
    count
        How many processes; each works on one core.

    Raises
    ------
    StudyError
        Less than one.
    WorkerError
        Of a unit at which a process has died three times.

    Examples
    --------
    >>> with sp.Workers(2) as workers:
    ...     rings = sp.isochrones(streets, sites.loc[["S01"]], mode="walk", minutes=15, executor=workers)
    >>> round(rings.area.item() / 1e6, 1)
    2.9
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise StudyError(f"workers: found {count}, expected 1 or more")
        self._threads = ThreadPoolExecutor(count)
        self._all = [_Worker() for _ in range(count)]
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._all:
            self._free.put(worker)

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a function called in one of the processes."""
        return self._threads.submit(self._done, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work and, unless told not to wait, end the processes once all is done."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            self.kill()

    def kill(self) -> None:
        """End the processes at once, whatever they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes: once all is done or, after an error, at once."""
        if kind is not None:
            self.kill()
        self.shutdown()

    def _done(self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
        """Have a call done by whichever process is free: there are as many as threads."""
        call = pickle.dumps((function, args, kwargs), protocol=5)
        worker = self._free.get()
        try:
            reply = None
            for _ in range(TRIES):
                reply = worker.ask(call)
                if reply is not None:
                    break
        finally:
            self._free.put(worker)
        if reply is not None:
            done, answer = pickle.loads(reply)  # noqa: S301 - written by our own process
            if not done:
                raise answer
            return answer  # type: ignore[no-any-return]
        raise WorkerError(
            f"a worker process ended {TRIES} times at the same unit of work ({worker.ending}). If memory ran out, take "
            "fewer workers; in a script of your own, start them below if __name__ == '__main__'"
        )


class _Worker:
    """One process, started when it is first asked for something, and again after it died."""

    def __init__(self) -> None:
        self.process: Any = None
        self.pipe: Any = None
        self.closed = False
        self.turn = threading.Lock()
        self.ending = ""

    def ask(self, call: bytes) -> bytes | None:
        """Have a call done and return what comes of it; None where the process died."""
        try:
            self._start()
            self.pipe.send_bytes(call)
            return bytes(self.pipe.recv_bytes())
        except (EOFError, OSError):
            self._end()
            if self.closed:
                raise CancelledError from None
            return None

    def close(self) -> None:
        """End the process for good: whoever waits for it reads the end of the pipe."""
        with self.turn:
            self.closed = True
            if self.process is not None:
                self.process.kill()
                self.process.join()

    def _start(self) -> None:
        with self.turn:
            if self.closed:
                raise EOFError
            if self.process is None:
                spawn = multiprocessing.get_context("spawn")  # a process with threads is not to be copied
                self.pipe, far = spawn.Pipe()
                self.process = spawn.Process(target=_serve, args=(far,), daemon=True)
                self.process.start()
                far.close()

    def _end(self) -> None:
        with self.turn:
            if self.process is not None:
                self.process.kill()
                self.process.join()
                code = self.process.exitcode
                self.ending = f"by signal {-code}" if code < 0 else f"with exit code {code}"
                self.process = None
                self.pipe.close()


def _serve(pipe: Connection) -> None:
    """Do what is asked through a pipe until whoever asks has ended, to whom Ctrl-C is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # what is odd is told by whoever asks, who prepared or receives it
    one_arena()
    while True:
        try:
            call = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            function, args, kwargs = pickle.loads(call)  # noqa: S301 - written by the process that started this one
            answer = pickle.dumps((True, function(*args, **kwargs)), protocol=5)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asked
            answer = pickle.dumps((False, _portable(error)))
        try:
            pipe.send_bytes(answer)
        except OSError:
            return


def _portable(error: BaseException) -> BaseException:
    """Return an error that can be sent: itself or, where it cannot be read again, what it says."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just written
    except Exception:  # noqa: BLE001 - whatever the error's own class raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
