"""One writer at a time: whoever writes into a folder holds its lock, which ends with the process, however it ends.

`filelock` locks as well, but says neither who holds a lock nor since when, and leaves its file behind: what is added
here to either kind of lock is as long as the calls to the system themselves.
"""

import errno
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from siteplan.errors import StudyError, is_there
from siteplan.output import disk

__all__ = ["LOCK", "one_writer"]

LOCK = ".siteplan.lock"
PAUSE = 0.05  # seconds between two tries
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
BEYOND = 1 << 30  # the byte that is locked on Windows, where a locked byte cannot be read


@contextmanager
def one_writer(folder: str | Path, *, name: str = LOCK, wait: float = 0.0) -> Iterator[None]:
    """Hold a folder for writing, made when missing; what is empty again at the end is removed.

    Parameters
    ----------
    folder
        What is held.
    name
        The file in it that says who holds it; it is there only as long as somebody does, or after a process was killed.
    wait
        Seconds to wait for another who holds it.

    Raises
    ------
    StudyError
        Another process, or another part of this one, holds it: which, and since when. The folder cannot be written.
    """
    place = Path(folder)
    made = [each for each in (place, *place.parents) if not is_there(each)]
    try:
        try:
            disk.make_folder(place)
        except OSError as error:
            raise StudyError(
                f"{place}: cannot be made a folder for results ({error.strerror}); choose another place"
            ) from error
        handle = _taken(place, name, time.monotonic() + wait)
        try:
            yield
        finally:
            _given_back(place / name, handle)
    finally:
        for each in made:
            disk.remove_empty(each)


def _taken(folder: Path, name: str, until: float) -> int:
    """Lock the file, and say in it who did."""
    path = folder / name
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise StudyError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
        if _locked(handle, folder) and _same(handle, path):
            since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
            with suppress(OSError):  # on a full disk it is held all the same
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since}).encode())
            return handle
        os.close(handle)
        if time.monotonic() >= until:
            raise StudyError(
                f"{folder}: is being written by {_holder(path)}; wait until that has ended, or give another folder"
            )
        time.sleep(PAUSE)


def _locked(handle: int, folder: Path) -> bool:
    """Lock an open file, or say that another has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, BEYOND, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            return False
        os.close(handle)
        raise StudyError(
            f"{folder}: cannot be kept from being written twice at once ({error.strerror}); choose a local folder"
        ) from error
    return True


def _same(handle: int, path: Path) -> bool:
    """Tell whether a locked file still is the one of its name: who held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _holder(path: Path) -> str:
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        return f"process {int(told['pid'])} on {str(told['host'])[:60]!a} since {str(told['since'])[:30]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _given_back(path: Path, handle: int) -> None:
    """Remove the file while it is still locked, so that nobody removes another's; Windows removes none that is open."""
    try:
        if sys.platform != "win32":
            with suppress(OSError):  # who comes next takes it over
                disk.remove(path)
    finally:
        os.close(handle)
    if sys.platform == "win32":
        with suppress(OSError):  # another holds it by now
            disk.remove(path)
