"""stop_times.txt -> calls in the order of the ride, with times that never fall and none that is blank."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.inputs.gtfs.archive import Archive, read_table

__all__ = ["DAY", "Ints", "Mask", "RawCalls", "interpolated", "read_calls", "repaired", "seconds", "whole"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DAY = 86_400
# A time that falls by more than half a day is one after midnight written as 00:03 in place of 24:03. One that falls by
# up to ten minutes is a slip; more than that leaves no telling which of the times of the trip are right.
MIDNIGHT, SLIP = DAY // 2, 600

COLUMNS = ("arrival_time", "departure_time", "pickup_type", "drop_off_type", "shape_dist_traveled")
# Rows of GTFS-Flex have one of these: an area or a time window in place of a stop or a time.
FLEX = ("location_id", "location_group_id", "start_pickup_drop_off_window", "end_pickup_drop_off_window")

# What the rows of a draft say of a ride: minutes = factor x direct drive + offset.
DRAFT = ("mean_duration_factor", "mean_duration_offset")

# Of the form that Flex had before GTFS took it over: from such a stop on a vehicle calls in an area around its way.
FORMER = ("start_service_area_id", "end_service_area_id", "start_service_area_radius", "end_service_area_radius")

ON_CALL = 2  # pickup_type and drop_off_type: one must phone
FILLED = ("times_by_distance", "times_by_line", "times_by_count")


@dataclass(frozen=True)
class RawCalls:
    """Calls sorted by trip and sequence, how many rows each trip of the feed has, and which have GTFS-Flex alone.

    `windows` are the rows of trips that have no others, in the order of each trip: `trip`, `stop` (-1: none), `zone`,
    `group` (ids, or ''), `first`, `last` (seconds, NaN where they are none), `pickup`, `drop`, `factor`, `more`
    (seconds; both NaN where nothing is said). Rows with an area of the former form stand there likewise, where a trip
    has no others and all of them are on call.

    `table` has the columns `trip`, `stop` (row numbers; stop -1 when unknown), `arrival`, `departure` (seconds, NaN
    when blank), `pickup`, `drop` (0 to 3), `distance` (shape_dist_traveled, NaN when blank), `blank` and `bad` (whether
    the feed gives no time, or one that is none).
    """

    table: pd.DataFrame
    rows: Ints
    flex: Mask
    windows: pd.DataFrame


def read_calls(feed: Archive, trips: pd.Index, wanted: Mask, stops: pd.Index) -> RawCalls:
    """Read the calls of the wanted trips.

    Parameters
    ----------
    trips, stops
        The feed's ids; calls refer to their positions.
    wanted
        One a trip. What is odd about a row's trip or sequence is counted in all rows of the feed, and such rows left
        out; the same for exact duplicates and for rows of GTFS-Flex without a time, which no timetable can use.
    """
    former = FORMER if b"service_area" in feed.tables["stop_times"].partition(b"\n")[0] else ()
    draft = DRAFT if b"_duration_" in feed.tables["stop_times"].partition(b"\n")[0] else ()
    other = (*COLUMNS, *FLEX, *former, *draft)
    table = read_table(feed, "stop_times", ("trip_id", "stop_id", "stop_sequence"), other)
    del feed.tables["stop_times"]  # of a country as much as all that is made of it
    trip, sequence = _positions(table["trip_id"], trips), whole(table["stop_sequence"])
    feed.counts["calls_of_unknown_trips"] += int((trip < 0).sum())
    rows = np.bincount(trip[trip >= 0], minlength=len(trips))
    kept = (trip >= 0) & np.append(wanted, False)[trip]
    feed.counts["bad_rows"] += int((kept & np.isnan(sequence)).sum())
    kept &= ~np.isnan(sequence)
    order = _in_order(trip, sequence, np.flatnonzero(kept))
    table, trip, sequence = table.iloc[order], trip[order], sequence[order]
    del kept, order
    arrival, departure = (seconds(table[column]) for column in ("arrival_time", "departure_time"))
    blank_arrival, blank_departure = _blank(table["arrival_time"]), _blank(table["departure_time"])
    bad = (np.isnan(arrival) & ~blank_arrival) | (np.isnan(departure) & ~blank_departure)
    arrival = np.where(np.isnan(arrival), departure, arrival)
    departure = np.where(np.isnan(departure), arrival, departure)
    calls = pd.DataFrame(
        {
            "trip": trip,
            "stop": _positions(table["stop_id"], stops),
            "sequence": sequence,
            "arrival": arrival,
            "departure": departure,
            "pickup": _kinds(table["pickup_type"]),
            "drop": _kinds(table["drop_off_type"]),
            "distance": _numbers(table["shape_dist_traveled"]),
            "blank": blank_arrival & blank_departure,
            "bad": bad,
            "flex": np.logical_or.reduce([~_blank(table[column]) for column in FLEX]),
        },
        copy=False,
    )
    of_areas = _of_areas(table, calls) if former else None
    if of_areas is not None:
        driven = calls["trip"].isin(of_areas["trip"]).to_numpy()
        table, calls = table[~driven], calls[~driven]
        feed.counts["former_flex_rows"] += int(np.logical_or.reduce([~_blank(table[name]) for name in former]).sum())
    found = _distinct(calls, feed)
    count = len(trips)
    flex = (np.bincount(calls["trip"], calls["flex"], count) > 0) & (np.bincount(found["trip"], minlength=count) == 0)
    feed.counts["flex_beside"] += int((calls["flex"] & calls["arrival"].isna() & ~flex[calls["trip"]]).sum())
    windows = _windows(table, calls, flex[calls["trip"].to_numpy()])
    if of_areas is not None:
        flex[of_areas["trip"].to_numpy()] = True
        windows = pd.concat([windows, of_areas], ignore_index=True)
    return RawCalls(found, rows, flex, windows)


def _in_order(trip: npt.NDArray[np.int32], sequence: Floats, rows: Ints) -> Ints:
    """Return rows sorted by trip and sequence, as most feeds have them."""
    trip, sequence = trip[rows], sequence[rows]
    ahead = (trip[1:] > trip[:-1]) | ((trip[1:] == trip[:-1]) & (sequence[1:] >= sequence[:-1]))
    return rows if ahead.all() else rows[np.lexsort((sequence, trip))]


def _windows(table: pd.DataFrame, calls: pd.DataFrame, some: Mask) -> pd.DataFrame:
    """Return the rows of trips by window alone, as `RawCalls.windows`; `table` has their text."""
    table, calls = table[some], calls[some]
    said = {name: _numbers(table[name]) if name in table else np.full(len(table), np.nan) for name in DRAFT}
    ids = {name: table[f"location_{name}"].str.strip().to_numpy() for name in ("id", "group_id")}
    return pd.DataFrame(
        {
            "trip": calls["trip"].to_numpy(),
            "stop": calls["stop"].to_numpy(),
            "zone": ids["id"],
            "group": ids["group_id"],
            "first": seconds(table["start_pickup_drop_off_window"]),
            "last": seconds(table["end_pickup_drop_off_window"]),
            "pickup": calls["pickup"].to_numpy(),
            "drop": calls["drop"].to_numpy(),
            "factor": said["mean_duration_factor"],
            "more": said["mean_duration_offset"] * 60,
        }
    )


def _of_areas(table: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Return trips of the former form that are rides within one area, as `RawCalls.windows`.

    They have two rows, both on call: the area begins with the first of them and ends with the other, and so does the
    time at which one is driven in it.
    """
    pair = np.flatnonzero(np.bincount(calls["trip"]) == 2) if len(calls) else np.zeros(0, np.int64)
    first = np.searchsorted(calls["trip"], pair)
    starts, ends = (table[f"{side}_service_area_id"].str.strip().to_numpy() for side in ("start", "end"))
    on_call = (calls["pickup"] == ON_CALL).to_numpy()[first] & (calls["drop"] == ON_CALL).to_numpy()[first + 1]
    first = first[on_call & (starts[first] != "") & (starts[first] == ends[first + 1])]
    rows = np.stack([first, first + 1], axis=1).ravel()
    return pd.DataFrame(
        {
            "trip": calls["trip"].to_numpy()[rows],
            "stop": -1,
            "zone": np.repeat(starts[first], 2),
            "group": "",
            "first": np.repeat(calls["departure"].to_numpy()[first], 2),
            "last": np.repeat(calls["arrival"].to_numpy()[first + 1], 2),
            "pickup": calls["pickup"].to_numpy()[rows],
            "drop": calls["drop"].to_numpy()[rows],
            "factor": np.nan,
            "more": np.nan,
        }
    )


def _distinct(calls: pd.DataFrame, feed: Archive) -> pd.DataFrame:
    """Leave out rows of GTFS-Flex without a time, and rows that stand twice."""
    flex = (calls["flex"] & calls["arrival"].isna()).to_numpy()
    feed.counts["flex_rows"] += int(flex.sum())
    calls = calls[~flex] if flex.any() else calls
    # Where it stands twice, it stands beside rows of the same place in the same trip.
    trip, sequence = calls["trip"].to_numpy(), calls["sequence"].to_numpy()
    same = (trip[1:] == trip[:-1]) & (sequence[1:] == sequence[:-1])
    near = np.flatnonzero(np.append(same, False) | np.append(False, same))
    twice = calls.iloc[near].duplicated(["trip", "sequence", "stop", "arrival", "departure"]).to_numpy()
    feed.counts["duplicate_calls"] += int(twice.sum())
    found: pd.DataFrame = calls.drop(columns=["sequence", "flex"]).drop(index=calls.index[near[twice]])
    return found.reset_index(drop=True)


def _coded(values: pd.Series) -> tuple[Ints, pd.Series]:
    """Return for each value its place among the distinct ones, and these, without blanks around them."""
    as_read = isinstance(values.dtype, pd.CategoricalDtype)
    codes, distinct = (values.cat.codes.to_numpy(), values.cat.categories) if as_read else pd.factorize(values)
    return np.asarray(codes), pd.Series(distinct, dtype="str").str.strip()


def _positions(values: pd.Series, ids: pd.Index) -> npt.NDArray[np.int32]:
    """Look up ids, each distinct one once; -1 when unknown."""
    codes, distinct = _coded(values)
    return np.asarray(ids.get_indexer(pd.Index(distinct)), np.int32)[codes]


def _blank(values: pd.Series) -> Mask:
    codes, distinct = _coded(values)
    return np.asarray(distinct == "", dtype=np.bool_)[codes]


def _numbers(values: pd.Series) -> Floats:
    codes, distinct = _coded(values)
    numbers = pd.to_numeric(distinct, errors="coerce").to_numpy(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)[codes]


def whole(values: pd.Series) -> Floats:
    """Read whole numbers of 0 or more; NaN where it is none."""
    numbers = _numbers(values)
    return np.where((numbers >= 0) & (numbers % 1 == 0), numbers, np.nan)


def _kinds(values: pd.Series) -> npt.NDArray[np.int8]:
    """Read pickup_type or drop_off_type; blank, or none of 0 to 3, is 0: as regular as any other call."""
    kinds = whole(values)
    return np.where(kinds <= 3, kinds, 0).astype(np.int8)


def seconds(times: pd.Series) -> Floats:
    """Read H:MM:SS or HH:MM, which may pass 24:00, as seconds; NaN where it is neither."""
    codes, distinct = _coded(times)
    parts = distinct.str.extract(r"^(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?$")
    hours, minutes, rest = (pd.to_numeric(parts[part]).to_numpy(np.float64) for part in range(3))
    total: Floats = hours * 3600 + minutes * 60 + np.nan_to_num(rest)
    return total[codes]


def repaired(calls: pd.DataFrame, trips: int) -> tuple[pd.DataFrame, Mask]:
    """Make the times of every trip rise, and say which trips cannot be repaired.

    A fall of more than 12 hours is midnight passed with hours that began anew: a day is added to it and to all that
    follows (column `midnight`). A fall of up to 10 minutes is raised to the time before it (column `backward`). A trip
    with any other fall is wild, as is one with a stop that is departed from before it is reached, by as much.

    Parameters
    ----------
    calls
        As `RawCalls.table`.
    trips
        How many trips the feed has.

    Returns
    -------
    The calls with the two columns, and for every trip whether it is wild.
    """
    known = np.flatnonzero(calls["arrival"].notna())
    trip = np.repeat(calls["trip"].to_numpy()[known], 2)
    time = calls[["arrival", "departure"]].to_numpy()[known].ravel()
    same = np.append(False, trip[1:] == trip[:-1])
    past = same & (np.diff(time, prepend=0) < -MIDNIGHT)
    time = time + DAY * _running(past.astype(np.int64), same)
    highest = _highest(time, same)
    fall = highest - time
    wild = np.zeros(trips, dtype=np.bool_)
    wild[trip[fall > SLIP]] = True
    columns = {
        "arrival": (np.nan, highest[::2]),
        "departure": (np.nan, highest[1::2]),
        "midnight": (False, past[::2] | past[1::2]),
        "backward": (False, (fall > 0)[::2] | (fall > 0)[1::2]),
    }
    every = {name: np.full(len(calls), nothing) for name, (nothing, _) in columns.items()}
    for name, (_, found) in columns.items():
        every[name][known] = found
    return calls.assign(**every), wild


def _running(values: Ints, same: Mask) -> Ints:
    """Sum up along each trip; `same` is false where one begins."""
    total = np.cumsum(values)
    start = np.maximum.accumulate(np.where(same, 0, np.arange(len(same))))
    result: Ints = total - total[start] + values[start] if len(total) else total
    return result


def _highest(time: Floats, same: Mask) -> Floats:
    """Return the highest time so far along each trip."""
    step = float(np.ptp(time)) + 1 if len(time) else 1.0
    base = np.cumsum(~same) * step  # lifts each trip above all before it
    result: Floats = np.maximum.accumulate(time + base) - base
    return result


def interpolated(calls: pd.DataFrame, lon: Floats, lat: Floats) -> tuple[pd.DataFrame, dict[str, int]]:
    """Fill in blank times between known ones, as if driving at an even speed from the departure to the next arrival.

    The way is measured by `shape_dist_traveled` when the feed gives it, rising, for all calls from one known time to
    the next; else by straight lines from stop to stop; else, when a stop's place is unknown or all are one place, the
    calls are spread evenly. Calls before a trip's first known time or after its last stay blank.

    Parameters
    ----------
    calls
        As `repaired` returns them.
    lon, lat
        Of every stop, degrees; NaN where unknown.

    Returns
    -------
    The calls in whole seconds, and how many were filled in by each of the three, by the keys `FILLED`.
    """
    trip, stop = calls["trip"].to_numpy(), calls["stop"].to_numpy()
    arrival, departure = calls["arrival"].to_numpy(np.float64, copy=True), calls["departure"].to_numpy(np.float64)
    blank = np.isnan(arrival)
    before, after = _neighbours(blank)
    inside = blank & (before >= 0) & (after < len(trip))
    gaps = np.flatnonzero(inside)
    gaps = gaps[trip[before[gaps]] == trip[after[gaps]]]
    before, after = before[gaps], after[gaps]
    legs = (
        np.diff(calls["distance"].to_numpy(), prepend=np.nan),
        _lines(np.append(lon, np.nan)[stop], np.append(lat, np.nan)[stop]),
        np.ones(len(trip)),
    )
    part, chosen = np.full(len(gaps), np.nan), np.full(len(gaps), -1)
    for kind, leg in enumerate(legs):
        share = _share(leg, before, gaps, after)
        better = np.isnan(part) & ~np.isnan(share)
        part[better], chosen[better] = share[better], kind
    departure = departure.copy()
    filled = np.rint(departure[before] + part * (arrival[after] - departure[before]))
    arrival[gaps] = departure[gaps] = filled
    counts = np.bincount(chosen, minlength=len(legs)).tolist()
    return calls.assign(arrival=arrival, departure=departure), dict(zip(FILLED, counts, strict=True))


def _neighbours(blank: Mask) -> tuple[Ints, Ints]:
    """Return the last row with a time before each row and the first after it; -1 and the number of rows if none."""
    rows = np.arange(len(blank))
    before = np.maximum.accumulate(np.where(blank, -1, rows))
    after = np.minimum.accumulate(np.where(blank, len(blank), rows)[::-1])[::-1]
    return before, after


def _lines(lon: Floats, lat: Floats) -> Floats:
    """Return the metres from each call's stop to the one before, on a sphere; right to a few per mil over a leg."""
    x = np.radians(np.diff(lon, prepend=np.nan)) * np.cos(np.radians(lat))
    y = np.radians(np.diff(lat, prepend=np.nan))
    result: Floats = 6_371_000 * np.hypot(x, y)
    return result


def _share(leg: Floats, before: Ints, here: Ints, after: Ints) -> Any:
    """Return which part of the way from `before` to `after` lies behind `here`; NaN where its length is not known."""
    unknown = np.isnan(leg) | (leg < 0)
    way, holes = np.cumsum(np.where(unknown, 0, leg)), np.cumsum(unknown)
    total = way[after] - way[before]
    good = (holes[after] == holes[before]) & (total > 0)
    return np.divide(way[here] - way[before], total, out=np.full(len(here), np.nan), where=good)
