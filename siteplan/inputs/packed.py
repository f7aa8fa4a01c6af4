"""One file packed in a zip or by gzip: unpacked aside, bounded before the work, named as the user named it."""

import gzip
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from siteplan.errors import InputError, called, listed
from siteplan.formats import PACKED, PLACES, RASTERS

__all__ = ["ending_of", "plain_file", "refuse_bomb"]

MOST_BYTES = 4 * 1024**3  # unpacked; the people of a country on a grid, and a table of all their times, have less
# Tables shrink by 3 to 30; a small one of one value repeated may shrink by more, and does no harm.
MOST_RATIO, SMALL = 100, 20 * 1024**2
CHUNK = 1024**2
LEFTOVERS = "__MACOSX"  # the folder that zips made on a Mac have beside their content
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


def ending_of(path: Path) -> str:
    """Return the ending, in small letters, that says what a file is: of a packed one, that of the table in it.

    Raises
    ------
    InputError
        For a zip that cannot be read or holds no table, or several.
    """
    ending = path.suffix.lower()
    if ending == ".gz":
        return Path(path.stem).suffix.lower() or ".csv"
    if ending == ".zip":
        with _opened(path) as archive:
            return PurePosixPath(_table(path, archive).filename).suffix.lower()
    return ending


def refuse_bomb(path: Path, packed: int, size: int, *, most: int = MOST_BYTES) -> None:
    """Refuse to unpack what would be larger than `most` bytes or, above 20 MB, 100 times as large as it is.

    Raises
    ------
    InputError
        Naming the file and both sizes.
    """
    if size > most or (size > SMALL and size > MOST_RATIO * packed):
        raise InputError(
            f"{path}: would unpack from {packed:,} to {size:,} bytes or more; expected at most {most:,}, and at most "
            f"{MOST_RATIO} times its size. If it is what it should be, unpack it and give the parts that matter"
        )


@contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """Give a file as it is or, where it is packed, its content as a file of its own while the block lasts.

    Errors and warnings from within the block name the packed file.

    Parameters
    ----------
    path
        An existing file.

    Raises
    ------
    InputError
        If it cannot be unpacked, or would be too large (`refuse_bomb`).
    """
    if path.suffix.lower() not in PACKED:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="siteplan-", ignore_cleanup_errors=True) as folder:
        plain = _unpacked_gzip(path, Path(folder)) if path.suffix.lower() == ".gz" else _unpacked(path, Path(folder))
        with called(plain, str(path)):
            yield plain


def _plain_name(name: str) -> str:
    """Return a name that is one on every system and leads nowhere; a layer may be called by it."""
    return re.sub(r"[^\w-]", "_", name)[:80] or "table"


def _unpacked_gzip(path: Path, folder: Path) -> Path:
    plain = folder / f"{_plain_name(Path(path.stem).stem)}{ending_of(path)}"
    size = 0
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as content, plain.open("wb") as target:
            while chunk := content.read(CHUNK):
                # The size that gzip writes at the end may lie; how much was read so far does not.
                size += len(chunk)
                refuse_bomb(path, raw.tell(), size)
                target.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); is it whole? Copy or pack it again") from None
    if size == 0:
        raise InputError(f"{path}: what is packed in it is empty")
    return plain


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); is it whole? Copy or pack it again") from None


def _table(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Find the one table, layer or raster in a zip."""
    named = [member for member in archive.infolist() if LEFTOVERS not in PurePosixPath(member.filename).parts]
    tables = [member for member in named if PurePosixPath(member.filename).suffix.lower() in (*PLACES, *RASTERS)]
    if len(tables) == 1:
        return tables[0]
    names = listed((member.filename for member in tables or named), most=5) or "nothing"
    found = f"holds {len(tables)} tables ({names})" if tables else f"holds no table ({names})"
    raise InputError(f"{path}: {found}; unpack it and give the one that is meant")


def _unpacked(path: Path, folder: Path) -> Path:
    with _opened(path) as archive:
        table = _table(path, archive)
        whole = PurePosixPath(table.filename)
        # A shapefile is several files.
        beside = [
            member
            for member in archive.infolist()
            if whole.suffix.lower() == ".shp"
            and PurePosixPath(member.filename).parent == whole.parent
            and PurePosixPath(member.filename).stem.lower() == whole.stem.lower()
        ]
        for member in beside or [table]:
            refuse_bomb(path, member.compress_size, member.file_size)  # `zipfile` never unpacks more than that
            target = folder / f"{_plain_name(whole.stem)}{_plain_ending(member)}"
            with archive.open(member) as content, target.open("wb") as file:
                while chunk := content.read(CHUNK):
                    file.write(chunk)
    if table.file_size == 0:
        raise InputError(f"{path}: '{table.filename}' in it is empty")
    return folder / f"{_plain_name(whole.stem)}{_plain_ending(table)}"


def _plain_ending(member: zipfile.ZipInfo) -> str:
    return "." + re.sub(r"\W", "_", PurePosixPath(member.filename).suffix.lower()[1:11])
