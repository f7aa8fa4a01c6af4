"""A feed of a whole country -> the trips that come to one place, as a feed of its own."""

import codecs
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.inputs.gtfs.archive import ZONES, Archive, read_table

__all__ = ["Cut", "cut_feed", "trips_at", "zipped"]

Mask = npt.NDArray[np.bool_]

ROWS = 1_000_000  # of stop_times, looked at at once
BLOCK = 1 << 20  # bytes, of which the encoding is looked at at once
OLDEST = (1980, 1, 1, 0, 0, 0)  # the date of every file in a zip, so that one content gives one zip


@dataclass(frozen=True)
class Cut:
    """The tables of a feed that was cut, what is left of how many trips, and how many rows could not be read."""

    tables: dict[str, bytes]
    trips: int
    of: int
    bad_rows: int


def trips_at(feed: Archive, stops: pd.Index) -> pd.Index:
    """Return the ids of the trips that call at any of some stops.

    Parameters
    ----------
    stops
        Values of `stop_id`.
    """
    found: set[str] = set()

    def look(calls: pd.DataFrame) -> Mask:
        here = _plain(calls, "stop_id").isin(stops).to_numpy()
        found.update(_plain(calls, "trip_id")[here])
        return np.zeros(len(calls), dtype=np.bool_)

    _filtered(feed.tables["stop_times"], look)
    return pd.Index(sorted(found), dtype="str")


def cut_feed(feed: Archive, trips: pd.Index) -> Cut:
    """Keep the named trips, whole, and all that they need; and those that go on as one of them with all aboard.

    Parameters
    ----------
    trips
        Values of `trip_id`, as `trips_at` gives them.

    Returns
    -------
    The tables that siteplan reads, with all their columns; fares and the shapes of lines on a map are left out. Texts
    stand as they are, in UTF-8.
    """
    every = read_table(feed, "trips", ("route_id", "service_id", "trip_id"), ("block_id",))
    kept = every["trip_id"].isin(trips)
    blocks = pd.MultiIndex.from_frame(every[["service_id", "block_id"]])
    kept |= (every["block_id"] != "") & blocks.isin(blocks[kept.to_numpy()])
    trips = pd.Index(every["trip_id"][kept])
    of_trips = every[kept]
    at: set[str] = set()

    def calls_of(table: pd.DataFrame) -> Mask:
        here: Mask = _plain(table, "trip_id").isin(trips).to_numpy()
        at.update(_plain(table, "stop_id")[here])
        return here

    bad = 0
    tables = {}
    tables["stop_times"], bad = _filtered(feed.tables["stop_times"], calls_of)
    stops = _with_parents(feed, at)
    keep: dict[str, Callable[[pd.DataFrame], Mask]] = {
        "trips": _among("trip_id", trips),
        "frequencies": _among("trip_id", trips),
        "stops": _among("stop_id", stops),
        "routes": _among("route_id", pd.Index(of_trips["route_id"])),
        "calendar": _among("service_id", pd.Index(of_trips["service_id"])),
        "calendar_dates": _among("service_id", pd.Index(of_trips["service_id"])),
        "transfers": _joining(stops, pd.Index(of_trips["route_id"]), trips),
    }
    for name, content in feed.tables.items():
        if name in keep:
            tables[name], spoilt = _filtered(content, keep[name])
            bad += spoilt
        elif name != "stop_times":
            tables[name] = content
    return Cut(tables, int(kept.sum()), len(every), bad)


def zipped(tables: Mapping[str, bytes]) -> bytes:
    """Return a zip of tables; the same tables give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(tables):
            ending = "geojson" if name == ZONES else "txt"
            entry = zipfile.ZipInfo(f"{name}.{ending}", OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, tables[name])
    return out.getvalue()


def _with_parents(feed: Archive, at: set[str]) -> pd.Index:
    """Return some stops with the stations that they are in, and what else belongs to these: entrances, platforms."""
    stops = read_table(feed, "stops", ("stop_id",), ("parent_station",))
    kept = stops["stop_id"].isin(at)
    for _ in range(3):  # a boarding area is in a platform, which is in a station
        above = stops["parent_station"][kept]
        more = kept | stops["stop_id"].isin(above[above != ""])
        if (more == kept).all():
            break
        kept = more
    stations = stops["stop_id"][kept & (stops["parent_station"] == "")]
    kept |= stops["parent_station"].isin(stations)
    found: pd.Index = pd.Index(list(stops["stop_id"][kept]), dtype="str")
    return found


def _among(column: str, wanted: pd.Index) -> Callable[[pd.DataFrame], Mask]:
    return lambda table: _plain(table, column).isin(wanted).to_numpy()


def _joining(stops: pd.Index, routes: pd.Index, trips: pd.Index) -> Callable[[pd.DataFrame], Mask]:
    """Tell of transfers whether both their ends are kept; a blank end stands for all."""

    def both(table: pd.DataFrame) -> Mask:
        kept = np.ones(len(table), dtype=np.bool_)
        for side in ("from", "to"):
            for what, wanted in (("stop", stops), ("route", routes), ("trip", trips)):
                values = _plain(table, f"{side}_{what}_id")
                kept &= (values.isin(wanted) | (values == "")).to_numpy()
        return kept

    return both


def _plain(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column without blanks around its values; of blanks where the table has none of that name."""
    names = {re.sub(r'^[\s"]+|[\s"]+$', "", str(name)): name for name in reversed(table.columns)}
    if column not in names:
        return pd.Series("", index=table.index, dtype="str")
    return table[names[column]].str.strip()


def _filtered(content: bytes, keep: Callable[[pd.DataFrame], Mask]) -> tuple[bytes, int]:
    """Return the rows of a table that are to be kept, and how many rows do not fit its header and were left out."""
    out = io.StringIO(newline="")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        parts = pd.read_csv(
            io.BytesIO(content),
            dtype=str,
            na_filter=False,
            index_col=False,
            skipinitialspace=True,
            on_bad_lines="warn",
            encoding=_encoding(content),
            encoding_errors="replace",
            chunksize=ROWS,
        )
        for number, part in enumerate(parts):
            part[keep(part)].to_csv(out, index=False, header=number == 0, lineterminator="\n")
    bad = sum(str(remark.message).count("Skipping line") for remark in said)
    return out.getvalue().encode("utf-8"), bad


def _encoding(content: bytes) -> str:
    """Tell UTF-8 (with or without a mark in front) from Windows-1252, as the reader of feeds does."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), BLOCK):
            decoder.decode(content[start : start + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
