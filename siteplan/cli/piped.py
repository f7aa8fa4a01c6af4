"""Standard input in place of a file: `--sites -`."""

import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from siteplan.errors import StudyError, called

__all__ = ["DASH", "piped"]

DASH = Path("-")
NAME = "standard input (-)"
MOST_BYTES = 1024**3
# What a file begins with, by the ending that its name would have; all else is a CSV.
BEGINNINGS = {
    b"PAR1": ".parquet",
    b"SQLite format 3\0": ".gpkg",
    b"fgb": ".fgb",
    b"{": ".geojson",
    b"\x1f\x8b": ".csv.gz",
}
TABLES = ("inputs.sites", "inputs.population", "inputs.times")


@contextmanager
def piped(options: Mapping[str, Any], *, kept: bool) -> Iterator[dict[str, Any]]:
    """Give the options of a command, `-` replaced by a file of what comes through standard input while the block lasts.

    Parameters
    ----------
    options
        Values by study key.
    kept
        Whether the command keeps results with their inputs, which must then be files.

    Raises
    ------
    StudyError
        For several `-`, for one in place of what is no table, for nothing that comes or more than 1 GB.
    """
    dashes = [key for key, value in options.items() if value == DASH]
    if not dashes:
        yield dict(options)
        return
    flag = f"--{dashes[0].split('.')[1]} -"
    if dashes[0] not in TABLES:
        raise StudyError(f"{flag}: expected a file; standard input stands for a table of sites, population or times")
    if len(dashes) > 1:
        raise StudyError(f"{flag}: is read once, and stands for {len(dashes)} files here; save the others to files")
    if kept:
        raise StudyError(f"{flag}: a run is kept with the names of its inputs; save it to a file and give that")
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if not content.strip():
        raise StudyError(f"{flag}: nothing comes through standard input; pipe a table into it")
    if len(content) > MOST_BYTES:
        raise StudyError(f"{flag}: more than 1 GB comes through standard input; save it to a file and give that")
    with tempfile.TemporaryDirectory(prefix="siteplan-", ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve() / "table"
        place.write_bytes(content)
        place = place.replace(place.with_name(f"table{_ending(place, content)}"))
        with called(place, NAME):
            yield {**options, dashes[0]: place}


def _ending(place: Path, content: bytes) -> str:
    """Tell the format by what is there."""
    if zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            return ".xlsx" if "[Content_Types].xml" in archive.namelist() else ".zip"
    head = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((ending for begin, ending in BEGINNINGS.items() if head.startswith(begin)), ".csv")
