"""Rides on demand beside the trips of a feed (GTFS-Flex): those that can be ridden, and what else is said, counted."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.errors import ShapelyError

from siteplan.inputs.gtfs.archive import ZONES, Archive, read_table
from siteplan.inputs.gtfs.calls import Floats, Ints, Mask, RawCalls
from siteplan.inputs.gtfs.feed import RIDES, OnDemand

__all__ = ["count_flex", "read_on_demand"]

AHEAD = ("1", "2")  # booking_type: on the same day, or on a day before; 0 is in real time
# Of trips, in the form that Flex had before GTFS took it over.
TRAVEL_TIMES = ("drt_max_travel_time", "drt_avg_travel_time", "drt_advance_book_min")
FORMULA = r"^\s*(\d*\.?\d*)\s*t\s*(?:\+\s*(\d+\.?\d*))?\s*$"  # 2.5t + 10: minutes, t those of the direct drive
SAFE = ("safe_duration_factor", "safe_duration_offset")  # of trips.txt; seconds = factor x direct drive + offset
NOT_HERE = 1  # pickup_type and drop_off_type


def count_flex(feed: Archive) -> None:
    """Count groups of stops and rules for booking, areas and times of the form that Flex had before."""
    groups = read_table(feed, "location_groups", (), ("location_group_id",))
    feed.counts["flex_groups"] += int(groups["location_group_id"].nunique())
    booking = read_table(feed, "booking_rules", (), ("booking_rule_id", "booking_type"))
    feed.counts["booking_rules"] += len(booking)
    feed.counts["booked_ahead"] += int(booking["booking_type"].isin(AHEAD).sum())
    # Areas of fares have the same table, without places.
    feed.counts["former_flex_areas"] += int((read_table(feed, "areas", (), ("wkt",))["wkt"] != "").sum())
    if b"drt_" in feed.tables["trips"].partition(b"\n")[0]:
        trips = read_table(feed, "trips", (), TRAVEL_TIMES)
        feed.counts["former_flex_trips"] += int((trips != "").any(axis=1).sum())


def read_on_demand(
    feed: Archive,
    raw: RawCalls,
    trips: pd.DataFrame,
    stops: pd.DataFrame,
    *,
    active: dict[int, Mask],
    shifts: dict[int, int],
    between: tuple[int, int],
) -> OnDemand:
    """Return the rides on demand of a date: from each place of a trip to each later one of it.

    `trips` and `stops` are as `read_trips` and `read_stops` give them, the others are of `read_part`.
    Counted are the trips of the date that can be ridden, and those that cannot: with fewer than two places that are
    known, have a window of time, and let people on and then off.
    """
    zones, windows = _zones(feed), raw.windows
    if windows.empty:
        return OnDemand()
    places, members = _places(feed, windows, list(zones), pd.Index(stops["id"]))
    windows = windows.assign(place=places)
    windows[["factor", "more"]] = _durations(feed, windows, trips)
    pairs = _pairs(windows[(places >= 0) & (windows["first"] <= windows["last"]).to_numpy()])
    route = trips["route"].to_numpy(np.int64)
    rides = [_on_day(pairs[running[pairs["trip"]]], route, shifts[day]) for day, running in active.items()]
    every = pd.concat(rides).drop_duplicates()
    near = (every["on_first"] <= between[1]) & (every["off_last"] >= between[0])
    of_date = np.intersect1d(np.flatnonzero(active[0]), windows["trip"])
    ridden = np.intersect1d(of_date, pairs["trip"])
    feed.counts["flex_trips"] += len(ridden)
    feed.counts["flex_unridden"] += len(of_date) - len(ridden)
    others = max(int(places.max(initial=-1)), int(members["place"].max()) if len(members) else -1) + 1 - len(zones)
    polygons = (*zones.values(), *[None] * max(others, 0))
    return OnDemand(every[near].reset_index(drop=True), polygons, members)


def _places(feed: Archive, windows: pd.DataFrame, zones: list[str], stops: pd.Index) -> tuple[Ints, pd.DataFrame]:
    """Return the place of each row (-1: unknown), and the stops of those places that are stops.

    Places are the zones in their order, then the groups of stops, then stops alone.
    """
    groups = read_table(feed, "location_group_stops", (), ("location_group_id", "stop_id"))
    group, names = pd.factorize(groups["location_group_id"])
    by_zone = pd.Index(zones, dtype="str").get_indexer(pd.Index(windows["zone"]))
    by_group = pd.Index(names, dtype="str").get_indexer(pd.Index(windows["group"]))
    at_stop = ((windows["zone"] == "") & (windows["group"] == "") & (windows["stop"] >= 0)).to_numpy()
    alone, by_stop = np.unique(windows["stop"].to_numpy()[at_stop], return_inverse=True)
    place = np.where(by_zone >= 0, by_zone, np.where(by_group >= 0, len(zones) + by_group, -1))
    place[at_stop] = len(zones) + len(names) + by_stop
    of_groups = {"place": len(zones) + group, "stop": stops.get_indexer(pd.Index(groups["stop_id"]))}
    by_itself = {"place": len(zones) + len(names) + np.arange(len(alone)), "stop": alone}
    members: pd.DataFrame = pd.concat([pd.DataFrame(of_groups), pd.DataFrame(by_itself)])
    return place.astype(np.int64), members[members["stop"] >= 0].astype(np.int32).drop_duplicates(ignore_index=True)


def _pairs(windows: pd.DataFrame) -> pd.DataFrame:
    """Return the ways of each trip from a place where one may get on to a later one where one may get off."""
    rows = windows.assign(row=np.arange(len(windows)))
    on, off = rows[rows["pickup"] != NOT_HERE], rows[rows["drop"] != NOT_HERE]
    pairs = on.merge(off, on="trip", suffixes=("", "_off"))
    later: pd.DataFrame = pairs[pairs["row"] < pairs["row_off"]].reset_index(drop=True)
    return later


def _on_day(pairs: pd.DataFrame, route: Ints, shift: int) -> pd.DataFrame:
    """Return the rides of a service day on the clock of the date."""
    ends = {"on": pairs["place"], "off": pairs["place_off"]}
    times = {"on_first": "first", "on_last": "last", "off_first": "first_off", "off_last": "last_off"}
    clock = {name: pairs[column] + shift for name, column in times.items()}
    said = {"factor": pairs["factor"], "more": pairs["more"]}
    return pd.DataFrame({"route": route[pairs["trip"]], **ends, **clock, **said})[list(RIDES)].astype(RIDES)


def _durations(feed: Archive, windows: pd.DataFrame, trips: pd.DataFrame) -> Floats:
    """Return factor and seconds of each row: its own, else those of its trip, else the direct drive as it is."""
    header = feed.tables["trips"].partition(b"\n")[0]
    found = np.column_stack([windows["factor"], windows["more"]])
    if b"_duration_" in header or b"drt_" in header:
        table = read_table(feed, "trips", ("trip_id",), (*SAFE, "drt_avg_travel_time"))
        table = table.drop_duplicates("trip_id").set_index("trip_id").reindex(trips["id"]).fillna("")
        formula = table["drt_avg_travel_time"].str.extract(FORMULA)
        safe = table[list(SAFE)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
        former = formula.replace("", "1").apply(pd.to_numeric, errors="coerce").to_numpy(float) * [1, 60]
        own = np.where(np.isnan(safe).all(axis=1, keepdims=True), former, safe)[windows["trip"]]
        found = np.where(np.isnan(found).all(axis=1, keepdims=True), own, found)
    bad = np.asarray((found < 0).any(axis=1), np.bool_)
    feed.counts["bad_flex_durations"] += int(bad.sum())
    return np.where(np.isnan(found) | bad[:, None], [1.0, 0.0], found)


def _zones(feed: Archive) -> dict[str, Any]:
    """Return the polygons of the feed by id; what is none is counted."""
    found: dict[str, Any] = {}
    for name, shape in (*_features(feed), *_areas(feed)):
        if shape is None:
            feed.counts["bad_flex_zones"] += 1
        else:
            found.setdefault(name, shape)
    return found


def _features(feed: Archive) -> Iterator[tuple[str, Any]]:
    """Return id and polygon of each feature of locations.geojson, None where it has none."""
    if ZONES not in feed.tables:
        return
    try:
        told = json.loads(feed.tables[ZONES])
    except (ValueError, RecursionError):
        told = None
    features = told.get("features") if isinstance(told, dict) else None
    if not isinstance(features, list):
        feed.counts["bad_flex_files"] += 1
        return
    feed.counts["flex_zones"] += len(features)
    for feature in features:
        said = feature if isinstance(feature, dict) else {}
        try:
            shape = shapely.from_geojson(json.dumps(said.get("geometry")))
        except (ShapelyError, RecursionError):
            shape = None
        yield str(said.get("id", "")), _polygon(shape)


def _areas(feed: Archive) -> Iterator[tuple[str, Any]]:
    """Return id and polygon of each area of the form that Flex had before."""
    areas = read_table(feed, "areas", (), ("area_id", "wkt"))
    for row in areas[areas["wkt"] != ""].itertuples():
        yield str(row.area_id), _polygon(shapely.from_wkt(str(row.wkt), on_invalid="ignore"))


def _polygon(shape: Any) -> Any:
    """Return the polygons of a shape, made valid; None where there is none."""
    if shape is None or shapely.is_empty(shape):
        return None
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    flat = [part for part in parts if shapely.get_dimensions(part) == 2]
    return shapely.union_all(flat) if flat else None
