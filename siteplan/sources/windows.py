"""Parts of large remote files: what lies around a place of a GeoTIFF, one member of a zip, some columns of Parquet.

A file is asked for its first bytes, which tell where the rest lies; then for the stretches that matter, those near each
other at once. Where a host gives whole files only, the whole file is taken, and that is said.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from siteplan.errors import FetchError, InputError, SiteplanError
from siteplan.geo import as_crs
from siteplan.inputs.raster import windows_around
from siteplan.sources.downloads import Downloads, WholeOnlyError
from siteplan.sources.source import Source, Used

__all__ = [
    "MeasuredError",
    "Pixels",
    "RemoteFile",
    "joined_ranges",
    "moved",
    "no_data",
    "placed",
    "read_member",
    "read_windows",
]

STEP = 1 << 16  # bytes asked for where nothing tells how many are needed: the header of any GeoTIFF but the largest
MOST = 8 << 20  # bytes asked for at once: what is cut goes on from the last piece that came
NAME = "window.tif"  # what GDAL takes any raster for
Range = tuple[int, int]


def joined_ranges(ranges: Iterable[Range]) -> list[Range]:
    """Join stretches of a file that lie near each other, so that few requests bring them.

    What lies between is asked for too, the narrowest gaps first, up to half as many bytes as are wanted.

    Parameters
    ----------
    ranges
        Where each starts and where it stops (exclusive), in bytes; in any order, they may overlap.

    Examples
    --------
    >>> joined_ranges([(0, 100), (110, 200), (10_000, 10_100)])
    [(0, 200), (10000, 10100)]
    """
    apart: list[Range] = []
    for start, stop in sorted(ranges):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(stop, apart[-1][1])
        elif start < stop:
            apart.append((start, stop))
    spare = sum(stop - start for start, stop in apart) // 2
    gaps = sorted((after[0] - before[1], after[0]) for before, after in pairwise(apart))
    closed = set()
    for gap, start in gaps:
        spare -= gap
        if spare < 0:
            break
        closed.add(start)
    joined: list[Range] = []
    for start, stop in apart:
        if joined and start in closed:
            joined[-1] = joined[-1][0], stop
        else:
            joined.append((start, stop))
    return joined


class MeasuredError(Exception):
    """What would have been read of a file that is only measured; no fault, but the end of its reading.

    Attributes
    ----------
    url
        The source's own address.
    size
        In bytes; None where its host does not say.
    """

    def __init__(self, url: str, size: int | None) -> None:
        super().__init__(url)
        self.url, self.size = url, size


class RemoteFile(io.RawIOBase):
    """A file of a source to read from anywhere in it; what is read comes in pieces, and stays in the cache.

    One that is only measured is read up to where it is known what will be read: there `MeasuredError` says how much.

    Attributes
    ----------
    url
        The source's own address.
    size
        In bytes.
    notes
        What its user should know of how it was had.
    """

    def __init__(self, downloads: Downloads, source: Source, url: str, *, measured: bool = False) -> None:
        super().__init__()
        self._measured = measured
        self.source, self.url, self.notes = source, url, list[str]()
        self._downloads, self._at = downloads, 0
        self._held: list[tuple[int, bytes]] = []
        self._whole: Path | None = downloads.get(source, url) if downloads.has(source, url) else None
        if self._whole is None:
            try:
                self._held.append((0, downloads.piece(source, url, 0, STEP)))
            except WholeOnlyError:
                if measured:
                    raise MeasuredError(url, downloads.size(source, url)) from None
                self._whole = downloads.get(source, url)
        if self._whole is None:
            self.size = downloads.extent(source, url) or len(self._held[0][1])
            return
        self.size = self._whole.stat().st_size
        self._file = self._whole.open("rb")
        self.notes.append(f"{source.title}: its host gives whole files only, so all {self.size:,} bytes of {url} came")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to where it is read next."""
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of what is held, or of the file."""
        wanted = min(len(buffer), self.size - self._at)
        if wanted <= 0:
            return 0
        if self._whole is not None:
            self._file.seek(self._at)
            found = self._file.read(wanted)
        else:
            found = self._found(wanted)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        """Let go of the file."""
        if self._whole is not None and not self.closed:
            self._file.close()
        super().close()

    def hold(self, ranges: Iterable[Range]) -> None:
        """Ask for stretches that will be read (start, stop in bytes), in few requests."""
        if self._whole is not None:
            if self._measured:
                raise MeasuredError(self.url, self.size)
            return
        missing = [(start, min(stop, self.size)) for start, stop in ranges if not self._holds(start, stop)]
        if self._measured:
            held = sum(len(piece) for _, piece in self._held)
            raise MeasuredError(self.url, held + sum(stop - start for start, stop in joined_ranges(missing)))
        for first, last in joined_ranges(missing):
            for start in range(first, last, MOST):
                self._take(start, min(start + MOST, last))

    def used(self) -> Used:
        """Tell what was taken, for `sources.json`: of parts the digest is of their bytes, in the order of the file."""
        if self._whole is not None:
            return self._downloads.used(self.source, self.url)
        digest = hashlib.sha256()
        for start, piece in sorted(self._held):
            digest.update(f"{start}:".encode() + piece)
        source, taken = self.source, sum(len(piece) for _, piece in self._held)
        told = source.licence, source.attribution, source.vintage, digest.hexdigest(), taken
        return Used(source.name, self.url, *told)

    def _holds(self, start: int, stop: int) -> bool:
        stop = min(stop, self.size)
        return any(first <= start and stop <= first + len(piece) for first, piece in self._held)

    def _take(self, start: int, stop: int) -> None:
        piece = self._downloads.piece(self.source, self.url, start, stop)
        if len(piece) != stop - start:
            raise FetchError(
                f"{self.source.name}: {self.url} gave {len(piece):,} bytes where {stop - start:,} were asked for; "
                "try again later"
            )
        self._held.append((start, piece))

    def _found(self, wanted: int) -> bytes:
        for first, piece in self._held:
            if first <= self._at < first + len(piece):
                return piece[self._at - first : self._at - first + wanted]
        start = self._at - self._at % STEP
        stop = min(self.size, self._at + wanted + -(self._at + wanted) % STEP)
        for first in range(start, stop, MOST):
            self._take(first, min(first + MOST, stop))
        return self._found(wanted)


@dataclass(frozen=True)
class Pixels:
    """A rectangle of a raster of one band.

    Attributes
    ----------
    data
        Rows from the north, columns from the west; in the type of the file.
    transform
        From columns and rows to the CRS (an affine.Affine).
    crs
        As WKT.
    nodata
        The value that stands for none; None where the file declares none.
    """

    data: npt.NDArray[Any]
    transform: Any
    crs: str
    nodata: float | None


class _View:
    """A file as GDAL opens it, each time anew; what its reads raise GDAL loses, and is kept for whoever called GDAL."""

    def __init__(self, file: IO[bytes] | RemoteFile, raised: list[SiteplanError]) -> None:
        self._file, self._raised, self._at = file, raised, 0

    def __enter__(self) -> "_View":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the file open, for GDAL opens it more than once."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(self._at)
        self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        self._file.seek(self._at)
        try:
            while size > 0 and (part := self._file.read(size)):
                parts.append(part)
                size -= len(part)
        except SiteplanError as error:
            self._raised.append(error)
            return b""
        self._at = self._file.tell()
        return b"".join(parts)


def read_windows(file: IO[bytes] | RemoteFile, what: str, within: gpd.GeoSeries) -> list[Pixels]:
    """Read what lies around a place of a GeoTIFF of one band.

    Parameters
    ----------
    file
        The GeoTIFF; of a remote one, only the blocks that matter are asked for.
    what
        What to call it in messages.
    within
        The place, in any CRS.

    Returns
    -------
    list of Pixels
        One; two where the place lies on both sides of the 180th meridian. None where it lies outside the raster.

    Raises
    ------
    FetchError
        It is no such GeoTIFF, or a part of it cannot be had.
    """
    import rasterio
    from rasterio.errors import RasterioError

    raised: list[SiteplanError] = []

    def opened(name: str, *_: Any, **__: Any) -> _View:
        if name != NAME:
            raise FileNotFoundError(name)  # GDAL looks for files beside it
        return _View(file, raised)

    try:
        with rasterio.open(NAME, driver="GTiff", opener=opened) as raster:
            located = raster.crs is not None and not raster.transform.is_identity
            if raster.count != 1 or not located:
                lacks = f"{raster.count} bands where one was expected" if located else "no place for its pixels"
                raise FetchError(f"{what} has {lacks}; it is not the file that this source is known by")
            crs = raster.crs.to_wkt()
            try:
                windows = windows_around(raster, Path(what), as_crs(crs), within)
            except InputError:
                return []
            if isinstance(file, RemoteFile):
                file.hold(_stretches(raster, windows))
            read = [
                Pixels(raster.read(1, window=w), moved(raster.transform, w.col_off, w.row_off), crs, raster.nodata)
                for w in windows
            ]
    except RasterioError as error:
        if raised:
            raise raised[0] from None
        raise FetchError(
            f"{what} cannot be read as GeoTIFF ({' '.join(str(error).split())}); fetch it again with --update"
        ) from None
    if raised:
        raise raised[0]
    return read


def _stretches(raster: Any, windows: Sequence[Any]) -> Iterator[Range]:
    """Tell where in a GeoTIFF the blocks lie that windows touch; blocks without data lie nowhere."""
    high, wide = raster.block_shapes[0]
    for window in windows:
        rows = range(window.row_off // high, -(-(window.row_off + window.height) // high))
        columns = range(window.col_off // wide, -(-(window.col_off + window.width) // wide))
        for row in rows:
            for column in columns:
                # GDAL's own way of telling; the block's column comes first.
                at = raster.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1)
                size = raster.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1)
                if at is not None and size is not None:
                    yield int(at), int(at) + int(size)


@contextmanager
def read_member(file: IO[bytes] | RemoteFile, what: str, wanted: Callable[[str], bool]) -> Iterator[IO[bytes]]:
    """Open one member of a zip; of a remote zip, its list and the member alone are asked for.

    Parameters
    ----------
    file, what
        The zip, and what to call it in messages.
    wanted
        Tells by its name whether a member is the one.

    Raises
    ------
    FetchError
        It is no zip, is damaged, or has no such member.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = [info for info in archive.infolist() if wanted(info.filename)]
            if len(found) != 1:
                names = ", ".join(info.filename for info in archive.infolist()[:10])
                inner = any(info.filename.endswith(".7z") for info in archive.infolist())
                by_hand = "; unpack the 7z by hand and name what is in it (inputs.population)" if inner else ""
                raise FetchError(
                    f"{what} is a zip without the file that this source is known by; it holds {names}{by_hand}"
                )
            if isinstance(file, RemoteFile):
                # Before its data a member has its name once more, and remarks of a length that the list does not tell.
                start = found[0].header_offset
                file.hold([(start, start + found[0].compress_size + 4096)])
            with archive.open(found[0]) as member:
                yield member
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise FetchError(f"{what} cannot be read as a zip ({error}); fetch it again with --update") from None


def no_data(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Tell which pixels have no value: the file's own mark for that, and what is no number."""
    values = pixels.data
    gone = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    return gone if pixels.nodata is None else gone | (values == pixels.nodata)


def placed(transform: Any, column: Any, row: Any) -> tuple[Any, Any]:
    """Return where columns and rows (numbers or arrays) lie; with the inverse, the columns and rows of places."""
    t = transform
    return t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f


def moved(transform: Any, columns: int, rows: int) -> Any:
    """Return the transform of a raster that begins some columns and rows further on."""
    west, north = placed(transform, columns, rows)
    t = transform
    return type(t)(t.a, t.b, west, t.d, t.e, north)
