"""Changes of meaning, where `test_spoilt` changes bytes: values of tables, keys of studies, references of tables."""

import copy
import csv
import io
import random
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["DEEP", "changed_feed", "changed_study", "changed_table", "override"]

# What stands where something else is expected.
TEXTS = (
    "", " ", "0", "-1", "1", "2", "3", "0.5", "1e9", "1e308", "1e400", "-1e-300", "nan", "inf", "-inf", "NULL",
    "None", "true", "99999999999999999999", "9" * 400, "2026-02-30", "20260310", "00010101", "99991231", "24:00:00",
    "99:99:99", "-08:00:00", "1,5", "1.234.567", "١٢", "½", "é" * 50, "\u202e", "a\x00b", "a\x1bb", "=1+1", "'",
    '"', ";", "\n", "x" * 3000, "../../etc", "/",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, 1e9, 1e308, float("nan"), float("inf"), -float("inf"), 10**30, "", " ",
    "x", "best", "walk", "people", "2026-02-30", "08:00", "25:00", "nowhere.csv", "../x", "a\x1b", "\u202e",
    "x" * 3000, [], {}, [[]], [1, 2], ["walk", "walk"], ["a", 1, None], {"a": 1}, {"set": {}}, [None],
    {"x": {"y": {"z": []}}},
)  # fmt: skip

# A feed in which every table speaks of others.
DEEP = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\nN,Nine,http://x.example,Europe/Vaduz\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,wheelchair_boarding\n"
    "west,West,47.1,9.5,0,S,1\neast,East,47.1,9.513157,0,,\nmid,Middle,47.1,9.506578,0,,0\nS,Station,47.1,9.5001,1,,\n"
    "E,Entrance,47.1,9.5002,2,S,\nG,Node,47.1,9.5001,3,S,\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nR,N,9,3\nT,N,10,1100\n",
    "trips": "route_id,service_id,trip_id,trip_headsign,block_id,direction_id,bikes_allowed\n"
    "R,WD,T1,East,B,0,1\nR,WD,T2,West,B,1,2\nT,WE,T3,East,,0,\nT,WD,T4,East,,0,\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type,"
    "start_pickup_drop_off_window,end_pickup_drop_off_window,location_group_id\n"
    "T1,8:00:00,8:00:00,west,1,0,0,,,\nT1,,,mid,2,0,0,,,\nT1,8:05:00,8:06:00,east,3,0,0,,,\n"
    "T2,8:10:00,8:10:00,east,1,0,0,,,\nT2,8:15:00,8:15:00,west,2,0,0,,,\n"
    "T3,24:10:00,24:10:00,west,1,0,1,,,\nT3,25:15:00,25:15:00,east,2,1,0,,,\n"
    "T4,,,,1,2,1,08:00:00,10:00:00,LG\nT4,,,,2,1,2,08:00:00,10:00:00,LG\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "WD,1,1,1,1,1,0,0,20260101,20261231\nWE,0,1,0,0,0,1,1,20260101,20261231\n",
    "calendar_dates": "service_id,date,exception_type\nWD,20260311,2\nWE,20260310,1\nX,20260310,1\n",
    "frequencies": "trip_id,start_time,end_time,headway_secs,exact_times\nT1,06:00:00,09:00:00,600,0\n"
    "T2,06:00:00,09:00:00,900,1\n",
    "transfers": "from_stop_id,to_stop_id,from_trip_id,to_trip_id,transfer_type,min_transfer_time\nwest,mid,,,2,120\n"
    "mid,east,,,0,\neast,east,T1,T2,4,\nS,west,,,3,\n",
    "pathways": "pathway_id,from_stop_id,to_stop_id,pathway_mode,is_bidirectional,traversal_time\nP,E,west,1,1,60\n"
    "Q,E,G,5,0,\n",
    "location_groups": "location_group_id,location_group_name\nLG,Zone\n",
    "location_group_stops": "location_group_id,stop_id\nLG,west\nLG,east\n",
    "booking_rules": "booking_rule_id,booking_type\nK,1\n",
    "feed_info": "feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date\nN,http://x.example,en,,\n",
}


def changed_table(text: str, rng: random.Random, others: Sequence[str] = ()) -> str:
    """Change a CSV: values, rows or columns; `others` are values of other tables, such as ids."""
    rows = [list(row) for row in csv.reader(io.StringIO(text))]
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        kind = rng.choice(
            ("value",) * 6 + ("other", "swap", "row", "drop", "twice", "column", "no column", "name", "long")
        )
        row, column = rng.randrange(len(rows)), rng.randrange(max(len(rows[0]), 1))
        body = rng.randrange(1, len(rows)) if len(rows) > 1 else 0
        if kind in ("value", "other"):
            known = list(others) + [value for each in rows[1:] for value in each]
            value = rng.choice(TEXTS) if kind == "value" or not known else rng.choice(known)
            rows[body][min(column, len(rows[body]) - 1)] = value
        elif kind == "swap":
            at = rng.randrange(len(rows))
            rows[row], rows[at] = rows[at], rows[row]
        elif kind == "row":
            rows.insert(row, list(rows[body]))
        elif kind == "drop" and len(rows) > 1:
            del rows[row]
        elif kind == "twice":
            rows += [list(each) for each in rows[1:]] * rng.choice((1, 20))
        elif kind == "column":
            rows = [[*each, each[min(column, len(each) - 1)]] for each in rows if each]
        elif kind == "no column" and len(rows[0]) > 1:
            rows = [[value for at, value in enumerate(each) if at != column] or [""] for each in rows]
        elif kind == "name":
            rows[0][column] = rng.choice([*rows[0], *TEXTS])
        elif kind == "long":
            rows[row].append("x")
        if not rows or not rows[0]:
            rows = [["x"]]
        rows = [each or [""] for each in rows]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def changed_feed(tables: Mapping[str, str], rng: random.Random) -> dict[str, str]:
    """Change some tables of a timetable, take one out, or exchange two."""
    found = dict(tables)
    ids = [value for text in tables.values() for row in csv.reader(io.StringIO(text)) for value in row[:3]]
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice(list(tables))
        kind = rng.choice(("change",) * 12 + ("out", "exchange", "empty"))
        if kind == "change":
            found[name] = changed_table(found.get(name) or tables[name], rng, ids)
        elif kind == "out":
            found.pop(name, None)
        elif kind == "empty":
            found[name] = ""
        else:
            found[name] = tables[rng.choice(list(tables))]
    return found


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List where values stand in a study."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [each for key, inside in value.items() for each in paths(inside, (*path, key))]
    elif isinstance(value, list):
        found += [each for at, inside in enumerate(value) for each in paths(inside, (*path, at))]
    return found


def changed_study(study: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """Put other values, keys or parts of itself into a study."""
    found: dict[str, Any] = copy.deepcopy(dict(study))
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = paths(found)
        if not places:
            break
        *inside, last = rng.choice(places)
        holder: Any = found
        for key in inside:
            holder = holder[key]
        kind = rng.choice(("value",) * 5 + ("part", "out", "key", "list", "nest"))
        if kind == "value":
            holder[last] = copy.deepcopy(rng.choice(VALUES))
        elif kind == "part":
            part: Any = found
            for key in rng.choice(places):
                part = part[key]
            holder[last] = copy.deepcopy(part)
        elif kind == "out":
            del holder[last]
        elif kind == "key" and isinstance(holder, dict):
            holder[rng.choice((*TEXTS, 1, True, None, 0.5, last))] = holder.pop(last)
        elif kind == "list":
            holder[last] = [copy.deepcopy(holder[last])] * rng.choice((1, 2, 30))
        else:
            holder[last] = {"x": copy.deepcopy(holder[last])}
    return found


def override(study: Mapping[str, Any], rng: random.Random) -> str:
    """Write what could follow --set: a key of a study, or something like one, and a value, or something like one."""
    place = [str(key) for key in rng.choice(paths(dict(study)))]
    if rng.random() < 0.3:
        place.insert(rng.randrange(len(place) + 1), rng.choice(TEXTS))
    text = rng.choice(
        (*TEXTS, *map(str, VALUES), "{a: 1", "[1, 2", "&x [*x]", "*x", "!!python/name:os.system", "? [a]\n: 1")
    )
    return f"{'.'.join(place)}{rng.choice(('=', '=', '=', '==', '', ' = ', ':'))}{text}"
