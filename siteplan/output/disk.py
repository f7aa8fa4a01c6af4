"""Every step by which results change on the disk, one function each: what a test stops at, one after the other."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["make_folder", "move", "remove", "remove_empty", "remove_tree", "sync", "write"]


def make_folder(folder: Path) -> None:
    """Make a folder, those above it too, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)


def write(path: Path, text: str) -> None:
    """Write a text as a file, and bring it onto the disk."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Bring a file onto the disk, or the names in a folder where the system can do that."""
    if path.is_dir():
        if os.name == "nt":
            return
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: Path, target: Path) -> None:
    """Let a file stand under another name, in one step, in place of what stood there."""
    source.replace(target)


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def remove_empty(folder: Path) -> None:
    """Remove a folder if it is empty."""
    with suppress(OSError):  # holds something, or is in use: it stays
        folder.rmdir()


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it; what cannot be removed now is removed by the next who writes there."""
    shutil.rmtree(folder, ignore_errors=True)
