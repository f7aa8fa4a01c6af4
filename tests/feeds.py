"""Tiny GTFS feeds: one bus line through four stops on weekdays of 2026, changed table by table."""

import zipfile
from pathlib import Path

from siteplan.inputs.gtfs import Feed, read_gtfs

__all__ = ["DAY", "PLAIN", "calls", "feed", "lines", "open_times", "read", "times", "write_folder", "write_zip"]

DAY = "2026-03-10"  # a Tuesday

Table = str | bytes


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def times(*rows: str, header: str = "trip_id,arrival_time,departure_time,stop_id,stop_sequence") -> str:
    """Write stop_times from rows like 'T1 A 8:00' or 'T1 A 8:00 8:02', in order; '-' is a blank time."""
    written = [header]
    for sequence, row in enumerate(rows, 1):
        trip, stop, arrival, *departure = row.split()
        pair = ["" if time == "-" else f"{time}:00" for time in (arrival, *(departure or [arrival]))]
        written.append(",".join([trip, *pair, stop, str(sequence)]))
    return lines(*written)


# A to D lie on the equator, 1.11 km apart.
PLAIN: dict[str, Table] = {
    "agency": lines("agency_id,agency_name,agency_url,agency_timezone", "N,Nine Buses,http://x.example,Europe/Paris"),
    "stops": lines(
        "stop_id,stop_name,stop_lat,stop_lon", "A,Alder,0,1.00", "B,Birch,0,1.01", "C,Cedar,0,1.02", "D,Dogwood,0,1.03"
    ),
    "routes": lines("route_id,route_short_name,route_long_name,route_type", "R,9,Alder - Dogwood,3"),
    "trips": lines("route_id,service_id,trip_id,trip_headsign", "R,WD,T1,Dogwood"),
    "stop_times": times("T1 A 8:00", "T1 B 8:10", "T1 C 8:20 8:22", "T1 D 8:30"),
    "calendar": lines(
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
        "WD,1,1,1,1,1,0,0,20260101,20261231",
    ),
}


def feed(**changes: Table | None) -> dict[str, Table]:
    """Return the plain feed with tables put in place of its own, or taken out (None)."""
    return {name: table for name, table in {**PLAIN, **changes}.items() if table is not None}


def write_zip(path: Path, tables: dict[str, Table], inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, table in tables.items():
            archive.writestr(f"{inside}{name}.txt", table)
    return path


def write_folder(path: Path, tables: dict[str, Table]) -> Path:
    path.mkdir()
    for name, table in tables.items():
        (path / f"{name}.txt").write_bytes(table.encode() if isinstance(table, str) else table)
    return path


def read(folder: Path, date: str = DAY, **changes: Table | None) -> Feed:
    """Read the plain feed with some tables changed."""
    return read_gtfs(write_zip(folder / "feed.zip", feed(**changes)), date=date)


def calls(found: Feed) -> list[str]:
    """Write every call like '0 A 8:00' or '0 C 8:20 8:22': trip number, stop, arrival, departure where it differs."""
    table = found.calls.assign(stop=found.stops["id"].loc[found.calls["stop"]].to_numpy())
    return [
        " ".join([str(call.trip), call.stop, *dict.fromkeys((clock(call.arrival), clock(call.departure)))])
        for call in table.itertuples()
    ]


def open_times(found: Feed) -> list[str]:
    """Write when each trip leaves its first stop."""
    return [clock(time) for time in found.calls.groupby("trip")["departure"].first()]


def clock(seconds: int) -> str:
    sign, seconds = "-" if seconds < 0 else "", abs(seconds)
    rest = f":{seconds % 60:02}" if seconds % 60 else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}{rest}"
