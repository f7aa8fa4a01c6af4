"""stops.txt, routes.txt, agency.txt, trips.txt and transfers.txt -> checked tables, joined by row number."""

import numpy as np
import pandas as pd

from siteplan.inputs.gtfs.archive import Archive, read_table
from siteplan.inputs.gtfs.calls import Floats, Ints, whole

__all__ = ["read_agencies", "read_routes", "read_stops", "read_transfers", "read_trips"]

BUS = 3
BASIC = frozenset((0, 1, 2, 3, 4, 5, 6, 7, 11, 12))
# Extended route types, by the hundred they are in (405 is a monorail among urban railways): the basic type they are.
EXTENDED = {1: 2, 2: 3, 3: 2, 4: 1, 5: 1, 6: 1, 7: 3, 8: 11, 9: 0, 10: 4, 12: 4, 13: 6, 14: 7, 15: 3}
MONORAIL = (405, 12)

STATION, ENTRANCE, BOARDING_AREA = 1, 2, 4  # location_type
TAKES_TIME, IN_SEAT = 2, (4, 5)  # transfer_type


def read_agencies(feed: Archive) -> pd.DataFrame:
    """Read the agencies: index `agency_id`, columns `name`, `timezone`; time zones other than the first are counted."""
    table = read_table(feed, "agency", (), ("agency_id", "agency_name", "agency_timezone"))
    zones = table["agency_timezone"]
    feed.counts["agencies_in_other_zones"] += int((zones != zones.iloc[:1].sum()).sum())
    table = table.drop_duplicates("agency_id").set_index("agency_id")
    return table.rename(columns={"agency_name": "name", "agency_timezone": "timezone"})


def read_stops(feed: Archive, name: str) -> pd.DataFrame:
    """Read the stops: columns as `Feed.stops`, but with NaN for lon and lat where a stop has no place on the earth."""
    needed, other = ("stop_id", "stop_lat", "stop_lon"), ("stop_name", "location_type", "parent_station")
    table = _once(read_table(feed, "stops", needed, other), "stop_id", "duplicate_stops", feed)
    lon, lat = (
        pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64) for column in ("stop_lon", "stop_lat")
    )
    # 0, 0 is a place in the Gulf of Guinea without a street; feeds write it where they know none.
    placed = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ~((np.abs(lon) < 1e-6) & (np.abs(lat) < 1e-6))
    parent = pd.Index(table["stop_id"]).get_indexer(table["parent_station"])
    kind = whole(table["location_type"])
    kind = np.where(kind <= BOARDING_AREA, kind, 0).astype(np.int8)
    feed.counts["stops_without_place"] += int((~placed & (kind <= ENTRANCE)).sum())
    feed.counts["unknown_parents"] += int(((table["parent_station"] != "") & (parent < 0)).sum())
    return pd.DataFrame(
        {
            "id": table["stop_id"],
            "name": table["stop_name"],
            "lon": np.where(placed, lon, np.nan),
            "lat": np.where(placed, lat, np.nan),
            "kind": kind,
            "parent": parent.astype(np.int32),
            "feed": name,
        }
    )


def read_routes(feed: Archive, name: str, agencies: pd.DataFrame) -> pd.DataFrame:
    """Read the routes: columns as `Feed.routes`. A type that is none, or has no basic one, is a bus and counted."""
    needed, other = ("route_id", "route_type"), ("route_short_name", "route_long_name", "agency_id")
    table = _once(read_table(feed, "routes", needed, other), "route_id", "duplicate_routes", feed)
    short, long = table["route_short_name"], table["route_long_name"]
    types, unknown = _basic_types(whole(table["route_type"]))
    feed.counts["unknown_route_types"] += unknown
    return pd.DataFrame(
        {
            "id": table["route_id"],
            "name": short.where(short != "", long.where(long != "", table["route_id"])),
            "long_name": long,
            "type": types,
            "agency": _agency_names(agencies, table["agency_id"]),
            "feed": name,
        }
    )


def _basic_types(types: Floats) -> tuple[Ints, int]:
    distinct, codes = np.unique(np.nan_to_num(types, nan=-1), return_inverse=True)
    basic = [
        int(kind) if kind in BASIC else MONORAIL[1] if kind == MONORAIL[0] else EXTENDED.get(int(kind // 100), -1)
        for kind in distinct
    ]
    found = np.array(basic, dtype=np.int64)[codes]
    return np.where(found < 0, BUS, found), int((found < 0).sum())


def _agency_names(agencies: pd.DataFrame, ids: pd.Series) -> pd.Series:
    """Name the agency of each route; in a feed of one agency, it is that one whatever its id."""
    if len(agencies) == 1:
        return pd.Series(str(agencies["name"].iloc[0]), index=ids.index, dtype="str")
    names = agencies["name"].to_dict()
    return ids.map(lambda agency: names.get(agency, agency))


def read_trips(feed: Archive, name: str, routes: pd.DataFrame) -> pd.DataFrame:
    """Read the trips: `id`, `route` (row of `routes`), `service` (its id), `headsign`, `block`, `feed`."""
    needed, other = ("route_id", "service_id", "trip_id"), ("trip_headsign", "block_id")
    table = _once(read_table(feed, "trips", needed, other), "trip_id", "duplicate_trip_ids", feed)
    route = pd.Index(routes["id"]).get_indexer(table["route_id"])
    feed.counts["trips_of_unknown_routes"] += int((route < 0).sum())
    trips = pd.DataFrame(
        {
            "id": table["trip_id"],
            "route": route.astype(np.int32),
            "service": table["service_id"],
            "headsign": table["trip_headsign"],
            "block": table["block_id"],
            "feed": name,
        }
    )
    known: pd.DataFrame = trips[route >= 0]
    return known.reset_index(drop=True)


def _once(table: pd.DataFrame, column: str, counted: str, feed: Archive) -> pd.DataFrame:
    """Keep the first of the rows with one id, and none without."""
    nameless = table[column] == ""
    twice = table[column].duplicated() & ~nameless
    feed.counts["bad_rows"] += int(nameless.sum())
    feed.counts[counted] += int(twice.sum())
    kept: pd.DataFrame = table[~twice & ~nameless]
    return kept.reset_index(drop=True)


def read_transfers(feed: Archive, stops: pd.DataFrame, trips: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the transfers: as `Feed.transfers`, and those in the seat as `Feed.stays`.

    What is said of a station holds for its platforms, unless a row says otherwise of the very pair. Left out and
    counted: transfers in the seat that do not name two trips (`trips`: all ids), those for certain routes or trips
    only, those at unknown stops, and a second row for one pair. A type that is none, and type 2 without a time, are as
    good as no rule: left out too.
    """
    needed, other = ("from_stop_id", "to_stop_id"), ("transfer_type", "min_transfer_time")
    special = ("from_route_id", "to_route_id", "from_trip_id", "to_trip_id")
    table = read_table(feed, "transfers", needed, (*other, *special))
    ids = pd.Index(stops["id"])
    rows = pd.DataFrame({side: ids.get_indexer(table[f"{side}_id"]) for side in ("from_stop", "to_stop")})
    rows["type"] = whole(table["transfer_type"].where(table["transfer_type"] != "", "0"))
    rows["seconds"] = whole(table["min_transfer_time"])
    in_seat = rows["type"].isin(IN_SEAT)
    specific = (table[list(special)] != "").any(axis=1) & ~in_seat
    lost = ((rows["from_stop"] < 0) | (rows["to_stop"] < 0)) & ~in_seat & ~specific
    bad = (rows["type"].isna() | (rows["type"] > 5) | ((rows["type"] == TAKES_TIME) & rows["seconds"].isna())) & ~lost
    bad &= ~in_seat & ~specific
    sides = ("from_trip", "to_trip")
    told = in_seat & table["from_trip_id"].isin(trips) & table["to_trip_id"].isin(trips)
    stays = pd.DataFrame({side: table.loc[told, f"{side}_id"] for side in sides}).assign(type=rows["type"][told])
    for key, odd in (
        ("in_seat_transfers", in_seat & ~told),
        ("specific_transfers", specific),
        ("bad_transfers", bad | lost),
    ):
        feed.counts[key] += int(odd.sum())
    rows = rows[~(in_seat | specific | bad | lost)].fillna({"seconds": 0})
    return _at_platforms(rows, stops, feed), stays.reset_index(drop=True)


def _at_platforms(rows: pd.DataFrame, stops: pd.DataFrame, feed: Archive) -> pd.DataFrame:
    """Lay what is said of stations on each of their platforms; the more exact row of one pair wins, else the first."""
    station = (stops["kind"] == STATION).to_numpy()
    platforms = stops.index[(stops["kind"] == 0) & (stops["parent"] >= 0)]
    of_station = pd.DataFrame({"said": stops["parent"][platforms].to_numpy(), "meant": platforms})
    itself = stops.index[~(station & np.isin(stops.index, of_station["said"]))]
    meaning = pd.concat([of_station[station[of_station["said"]]], pd.DataFrame({"said": itself, "meant": itself})])
    rows = rows.assign(exact=2 - station[rows["from_stop"]] - station[rows["to_stop"]])
    for side in ("from_stop", "to_stop"):
        rows = rows.merge(meaning, left_on=side, right_on="said").assign(**{side: lambda at: at["meant"]})
        rows = rows.drop(columns=["said", "meant"])
    twice = rows.duplicated(["from_stop", "to_stop", "exact"])
    feed.counts["duplicate_transfers"] += int(twice.sum())
    rows = rows.sort_values("exact", ascending=False, kind="stable").drop_duplicates(["from_stop", "to_stop"])
    rows = rows.sort_values(["from_stop", "to_stop"], ignore_index=True).drop(columns="exact")
    return rows.astype({"from_stop": np.int32, "to_stop": np.int32, "type": np.int8, "seconds": np.int32})
