"""What sources answer, JSON and CSV: read, or refused in one sentence where it is not what it was."""

import io
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.errors import FetchError, listed
from siteplan.sources.area import spread_points
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source, url

__all__ = ["as_expected", "read_columns", "read_json", "read_records", "read_there", "records"]


@contextmanager
def as_expected(source: Source, asked: str) -> Iterator[None]:
    """Refuse an answer in which something else stands than what is looked for in it.

    Raises
    ------
    FetchError
        In place of whatever looking for it raised.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, shapely.errors.GEOSException) as error:
        raise FetchError(
            f"{source.name}: the answer of {asked} is not what is expected ({error!r}); try --update: if it "
            "stays so, it was changed since this version of siteplan; name another source, or give the file by hand"
        ) from error


def read_json(source: Source, downloads: Downloads, asked: str) -> Any:
    """Return what an address of a source answers. Errors as of `as_expected` and `Downloads.read`."""
    body = downloads.read(source, asked)
    with as_expected(source, asked):
        return json.loads(body)


def read_records(source: Source, downloads: Downloads, asked: str, keys: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return a list of records that an address of a source answers, each with some keys. Errors as of `read_json`."""
    return records(source, asked, read_json(source, downloads, asked), keys)


def records(source: Source, asked: str, answer: Any, keys: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return an answer that is a list of records, each with some keys. Errors as of `as_expected`."""
    with as_expected(source, asked):
        if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
            raise TypeError("no list of records")
        if lacking := sorted({key for each in answer for key in set(keys) - set(each)}):
            raise LookupError(f"records without {', '.join(lacking)}")
    return answer


def read_there(place: BaseGeometry, source: Source, downloads: Downloads, what: str) -> Iterator[tuple[str, Any]]:
    """Ask a source what some points of a place lie in (its address `what`): each address, and its answer."""
    for lon, lat in spread_points(place):
        asked = url(source, what, lon=f"{lon:.5f}", lat=f"{lat:.5f}")
        yield asked, read_json(source, downloads, asked)


def read_columns(
    source: Source, downloads: Downloads, asked: str, columns: Collection[str], *, what: str, sep: str = ","
) -> pd.DataFrame:
    """Return the CSV that an address of a source answers, as text, blanks as "".

    Parameters
    ----------
    source, downloads, asked
        From whom, the cache, and the address.
    columns
        Those that it must have.
    what
        What to call it in an error, such as "list of feeds".
    sep
        What stands between two values.

    Raises
    ------
    FetchError
        It cannot be had, is no CSV or lacks a column.
    """
    body = io.BytesIO(downloads.read(source, asked))
    try:
        table = pd.read_csv(body, sep=sep, dtype=str, na_filter=False, encoding="utf-8-sig", encoding_errors="replace")
    except ValueError as error:
        raise FetchError(f"{source.name}: its {what} is no CSV ({error}); try again with --update") from error
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise FetchError(
            f"{source.name}: its {what} lacks the columns {listed(lacking, 4)} (found: {listed(table.columns, 8)}); it "
            "was changed since this version of siteplan: give the same by hand, or take a newer version"
        )
    return table
