"""stops.txt, routes.txt, agency.txt, trips.txt and transfers.txt -> checked tables, joined by row number."""

import numpy as np
import pandas as pd

from siteplan.inputs.gtfs.archive import Archive, read_table
from siteplan.inputs.gtfs.calls import Floats, Ints, whole
from siteplan.inputs.gtfs.feed import SPECIAL

__all__ = ["read_agencies", "read_routes", "read_stops", "read_transfers", "read_trips"]

BUS = 3
BASIC = frozenset((0, 1, 2, 3, 4, 5, 6, 7, 11, 12))
# Extended route types, by the hundred they are in (405 is a monorail among urban railways): the basic type they are.
EXTENDED = {1: 2, 2: 3, 3: 2, 4: 1, 5: 1, 6: 1, 7: 3, 8: 11, 9: 0, 10: 4, 12: 4, 13: 6, 14: 7, 15: 3}
MONORAIL = (405, 12)

STATION, ENTRANCE, BOARDING_AREA = 1, 2, 4  # location_type
TAKES_TIME, IN_SEAT = 2, (4, 5)  # transfer_type
SIDES, NARROW = ("from", "to"), ("route", "trip")  # of a transfer; what it may be limited to


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
    """Keep the first of the rows with one id, and none without, in the order of the ids: a file's own is not seen."""
    nameless = table[column] == ""
    twice = table[column].duplicated() & ~nameless
    feed.counts["bad_rows"] += int(nameless.sum())
    feed.counts[counted] += int(twice.sum())
    kept: pd.DataFrame = table[~twice & ~nameless].sort_values(column, kind="stable")
    return kept.reset_index(drop=True)


def read_transfers(
    feed: Archive, stops: pd.DataFrame, routes: pd.Index, trips: pd.Index
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the transfers: as `Feed.transfers`, `Feed.special`, and those in the seat as `Feed.stays`.

    What is said of a station holds for its platforms, unless a row says otherwise of the very pair. Left out and
    counted: transfers in the seat that do not name two trips (`routes`, `trips`: all ids), those at unknown stops or of
    unknown routes or trips, and a second row for one pair. A type that is none, and type 2 without a time, are as good
    as no rule: left out too.
    """
    needed, other = ("from_stop_id", "to_stop_id"), ("transfer_type", "min_transfer_time")
    table = read_table(feed, "transfers", needed, (*other, *(f"{side}_{of}_id" for of in NARROW for side in SIDES)))
    ids = {"stop": pd.Index(stops["id"]), "route": routes}
    rows = pd.DataFrame(
        {f"{side}_{of}": of_kind.get_indexer(table[f"{side}_{of}_id"]) for of, of_kind in ids.items() for side in SIDES}
    )
    for side in SIDES:
        rows[f"{side}_trip"] = table[f"{side}_trip_id"]
    rows["type"] = whole(table["transfer_type"].where(table["transfer_type"] != "", "0"))
    rows["seconds"] = whole(table["min_transfer_time"])
    in_seat = rows["type"].isin(IN_SEAT)
    known = table["from_trip_id"].isin(trips), table["to_trip_id"].isin(trips)
    told = in_seat & known[0] & known[1]
    stays = rows.loc[told, ["from_trip", "to_trip", "type"]].reset_index(drop=True)
    bad = rows["type"].isna() | (rows["type"] > 5) | ((rows["type"] == TAKES_TIME) & rows["seconds"].isna())
    for side, trip in zip(SIDES, known, strict=True):
        bad |= (rows[f"{side}_stop"] < 0) | (~trip & (rows[f"{side}_trip"] != ""))
        bad |= (rows[f"{side}_route"] < 0) & (table[f"{side}_route_id"] != "")
    special = _specificity(rows) > 0
    for key, odd in (
        ("in_seat_transfers", in_seat & ~told),
        ("specific_transfers", special & ~bad & ~in_seat),
        ("bad_transfers", bad & ~in_seat),
    ):
        feed.counts[key] += int(odd.sum())
    rows = _at_platforms(rows[~(in_seat | bad)].fillna({"seconds": 0}), stops, feed)[list(SPECIAL)].astype(SPECIAL)
    by_stop = _specificity(rows) == 0
    rules = rows[by_stop].drop(columns=[f"{side}_{of}" for of in NARROW for side in SIDES])
    return rules.sort_values(["from_stop", "to_stop"], ignore_index=True), rows[~by_stop].reset_index(drop=True), stays


def _specificity(rows: pd.DataFrame) -> pd.Series:
    """Rank the rules as GTFS does: 5 between two trips, ..., 1 of one route only, 0 between stops alone.

    What names a trip is of that trip, whatever it says of its route.
    """
    trips = (rows[["from_trip", "to_trip"]] != "").to_numpy()
    routes = (rows[["from_route", "to_route"]] >= 0).to_numpy() & ~trips
    of_trips, of_routes = trips.sum(axis=1), routes.sum(axis=1)
    # Two trips; a trip and a route; a trip; two routes; a route.
    rank = np.select([of_trips == 2, of_trips == 1], [5, 3 + of_routes], of_routes)
    return pd.Series(rank, rows.index)


def _at_platforms(rows: pd.DataFrame, stops: pd.DataFrame, feed: Archive) -> pd.DataFrame:
    """Lay what is said of stations on each of their platforms; the more exact row of one pair wins, else the first.

    Sorted by specificity, then so that the first of the rows that hold for a pair wins.
    """
    station = (stops["kind"] == STATION).to_numpy()
    platforms = stops.index[(stops["kind"] == 0) & (stops["parent"] >= 0)]
    of_station = pd.DataFrame({"said": stops["parent"][platforms].to_numpy(), "meant": platforms})
    itself = stops.index[~(station & np.isin(stops.index, of_station["said"]))]
    meaning = pd.concat([of_station[station[of_station["said"]]], pd.DataFrame({"said": itself, "meant": itself})])
    rows = rows.assign(exact=2 - station[rows["from_stop"]] - station[rows["to_stop"]], row=range(len(rows)))
    for side in ("from_stop", "to_stop"):
        rows = rows.merge(meaning, left_on=side, right_on="said").assign(**{side: lambda at: at["meant"]})
        rows = rows.drop(columns=["said", "meant"])
    pair = ["from_stop", "to_stop", *(f"{side}_{of}" for of in NARROW for side in SIDES)]
    twice = rows.duplicated([*pair, "exact"])
    feed.counts["duplicate_transfers"] += int(twice.sum())
    rows = rows.assign(rank=_specificity(rows)).sort_values(["rank", "exact", "row"], ascending=[False, False, True])
    rows = rows.drop_duplicates(pair)
    return rows.drop(columns=["exact", "row", "rank"]).reset_index(drop=True)
