"""One GTFS feed on disk, zip or folder -> its tables as text; nothing is ever unpacked to disk."""

import codecs
import io
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from siteplan.errors import InputError, absence, listed

__all__ = ["ZONES", "Archive", "open_feed", "read_table"]

TABLES = (
    "agency", "areas", "booking_rules", "calendar", "calendar_dates", "frequencies", "location_group_stops",
    "location_groups", "routes", "stop_times", "stops", "transfers", "trips",
)  # fmt: skip
ZONES = "locations"  # a GeoJSON, not a table
NEEDED = ("stops", "routes", "trips", "stop_times")
LEFTOVERS = "__MACOSX"  # the folder that zips made on a Mac have beside their content

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A table of 2 GB is beyond the largest national feeds (about 1 GB of stop_times).
MOST_BYTES = 2 * 1024**3
# Timetables shrink by 5 to 30 when zipped; a small table of one value repeated may shrink by more and does no harm.
MOST_RATIO, SMALL = 200, 20 * 1024**2


@dataclass(frozen=True)
class Archive:
    """The tables of one feed as bytes, by their names without `.txt`; `counts` gathers what is odd while reading."""

    path: Path
    tables: dict[str, bytes] = field(repr=False)
    counts: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def mark(self) -> frozenset[tuple[str, int]]:
        """Checksums of the content, to notice one feed given twice under two names."""
        return frozenset((name, zlib.crc32(content)) for name, content in self.tables.items())


def open_feed(path: Path) -> Archive:
    """Read the known tables of a feed: a zip with the files at its top or in one folder of it, or a folder of files.

    A feed at the top of a zip is the one that is meant, and those in its folders are counted; without one, the only
    feed in its folders is, however deep.

    Raises
    ------
    InputError
        No such file, not a zip, several feeds, a needed table missing or empty, names that lead out of the zip, or a
        table that would unpack to more than 2 GB or, above 20 MB, to more than 200 times its size in the zip.
    """
    if not path.exists():
        raise InputError(f"{path}: {absence(path)}; expected a GTFS feed (a zip or a folder with stops.txt)")
    counts: Counter[str] = Counter()
    tables = _read_folder(path) if path.is_dir() else _read_zip(path, counts)
    absent = [f"{name}.txt" for name in NEEDED if name not in tables]
    if absent:
        found = listed(f"{name}.txt" for name in sorted(tables)) or "no table of GTFS"
        raise InputError(f"{path}: a GTFS feed needs {', '.join(absent)}; found {found}")
    if "calendar" not in tables and "calendar_dates" not in tables:
        raise InputError(f"{path}: has neither calendar.txt nor calendar_dates.txt, so no date has service; add one")
    return _without_empty(Archive(path, tables, counts))


def _without_empty(feed: Archive) -> Archive:
    """Refuse empty tables that every feed needs; leave out and count others, which many feeds have."""
    empty = [name for name, content in feed.tables.items() if not content.strip(b"\xef\xbb\xbf \r\n\t")]
    for name in empty:
        if name in NEEDED:
            raise InputError(f"{feed.path}: {name}.txt is empty; expected a line of column names and rows below it")
        del feed.tables[name]
        feed.counts["empty_tables"] += 1
    return feed


def _read_folder(path: Path) -> dict[str, bytes]:
    files = {name: path / f"{name}.txt" for name in TABLES} | {ZONES: path / f"{ZONES}.geojson"}
    return {name: file.read_bytes() for name, file in files.items() if file.is_file()}


def _read_zip(path: Path, counts: Counter[str]) -> dict[str, bytes]:
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty; expected a GTFS feed (a zip with stops.txt in it)")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive.infolist(), counts)
            return {name: archive.read(_checked(path, member)) for name, member in members.items()}
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: cannot be read as a zip ({error}); download the feed again") from None
    except (zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: a table in it cannot be unpacked ({error}); download the feed again") from None


def _members(path: Path, members: Iterable[zipfile.ZipInfo], counts: Counter[str]) -> dict[str, zipfile.ZipInfo]:
    """Find the known tables at the top of the zip, or else in the one folder that holds a feed."""
    folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
    zips = []
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in str(name.parts[:1]):
            raise InputError(
                f"{path}: holds '{member.filename}', a name that leads out of the zip; feeds have no such names: "
                "get it from its publisher"
            )
        if LEFTOVERS in name.parts:
            continue
        known = {".txt": TABLES, ".geojson": (ZONES,)}.get(name.suffix.lower(), ())
        if name.stem.lower() in known:
            folders.setdefault(str(name.parent), {})[name.stem.lower()] = member
        elif name.suffix.lower() == ".zip":
            zips.append(str(name))
    feeds = [folder for folder, tables in folders.items() if tables.keys() >= {*NEEDED}]
    feeds = feeds or [folder for folder, tables in folders.items() if "stops" in tables]
    if "." in feeds:
        counts["other_feeds"] += len(feeds) - 1
        return folders["."]
    if len(feeds) > 1:
        raise InputError(f"{path}: holds {len(feeds)} feeds ({listed(sorted(feeds), 5)}); make a zip of each")
    if zips and not feeds:
        raise InputError(
            f"{path}: holds no feed but zips ({listed(sorted(zips), 5)}); unpack it and give those you want"
        )
    return folders[feeds[0]] if feeds else folders.get(".", {})


def _checked(path: Path, member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Refuse a bomb by what the zip says of itself; `zipfile` never unpacks more than that."""
    size, packed = member.file_size, max(member.compress_size, 1)
    if size > MOST_BYTES or (size > SMALL and size > MOST_RATIO * packed):
        raise InputError(
            f"{path}: '{member.filename}' would unpack from {packed:,} to {size:,} bytes; expected at most "
            f"{MOST_BYTES:,}, and at most {MOST_RATIO} times its size: get the feed from its publisher"
        )
    return member


def read_table(feed: Archive, name: str, needed: Iterable[str] = (), other: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table of a feed as text: the named columns, '' where a value or a whole column is absent.

    Blanks around names and values are taken off, except in values of `stop_times`, which has categories: its reader
    looks at each distinct value once. Rows with too many values are left out and counted as `bad_rows`.

    Parameters
    ----------
    feed
        Where `name` is absent, the table is empty.
    needed, other
        Columns that must be there, that may be there.

    Raises
    ------
    InputError
        If the table is none, lacks a needed column, or has no rows where every feed must have some.
    """
    columns = [*needed, *other]
    if name not in feed.tables:
        return pd.DataFrame({column: pd.Series(dtype="str") for column in columns})
    where = f"{feed.path}: {name}.txt"
    table = _parsed(feed, name, where)
    table.columns = pd.Index([str(column).strip().strip('"').strip() for column in table.columns])
    table = table.loc[:, ~table.columns.duplicated()]
    if len(table.columns) == 1 and (mark := re.search(r"[;\t|]", table.columns[0])):
        called = {";": "semicolons", "\t": "tabs", "|": "bars"}[mark[0]]
        raise InputError(f"{where} has {called} between its values, where timetables have commas; save it with commas")
    absent = [column for column in needed if column not in table.columns]
    if absent:
        raise InputError(f"{where} lacks the column {', '.join(absent)}; its columns are {listed(table.columns)}")
    # Of a country, a column of nothing takes as much as one of times, unless it is told once.
    nothing = pd.Categorical.from_codes(np.zeros(len(table), np.int8), pd.Index([""], dtype="str"))
    lacking = {column: nothing for column in columns if column not in table.columns}
    table = table.assign(**lacking)[columns] if name == "stop_times" else table.reindex(columns=columns, fill_value="")
    # As numpy's flags: of no rows at all, older pandas makes objects.
    blank = (table[list(needed)] == "").all(axis=1).to_numpy(bool, copy=True)
    blank[blank] = (table[blank] == "").all(axis=1).to_numpy(bool)
    table = table[~blank].reset_index(drop=True)
    if name in NEEDED and table.empty:
        raise InputError(f"{where} has no rows; a feed without {name.replace('_', ' ')} is no timetable")
    return table if name == "stop_times" else table.apply(lambda values: values.str.strip())


def _parsed(feed: Archive, name: str, where: str) -> pd.DataFrame:
    """Parse the bytes of a table, as UTF-8 or else as Windows-1252, and count the rows that do not fit its header."""
    if b"\0" in feed.tables[name][:2] or feed.tables[name].startswith(UTF_16):
        raise InputError(f"{where} is in UTF-16, where timetables are in UTF-8; save it as CSV in UTF-8")
    try:
        table, skipped = _parse(feed.tables[name], "utf-8", name == "stop_times")
    except UnicodeDecodeError:
        feed.counts["tables_not_utf8"] += 1
        try:
            table, skipped = _parse(feed.tables[name], "cp1252", name == "stop_times")
        except pd.errors.ParserError as error:
            raise _no_table(where, error) from None
    except pd.errors.ParserError as error:
        raise _no_table(where, error) from None
    feed.counts["bad_rows"] += skipped
    return table


def _no_table(where: str, error: Exception) -> InputError:
    return InputError(f"{where} cannot be read as comma-separated values: {' '.join(str(error).split())}")


def _parse(content: bytes, encoding: str, coded: bool) -> tuple[pd.DataFrame, int]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        table = pd.read_csv(
            io.BytesIO(content),
            dtype="category" if coded else "str",
            na_filter=False,
            keep_default_na=False,
            index_col=False,
            skipinitialspace=True,
            on_bad_lines="warn",
            encoding=encoding,
            encoding_errors="strict" if encoding == "utf-8" else "replace",
        )
    skipped = sum(str(remark.message).count("Skipping line") for remark in said)
    return table, skipped
