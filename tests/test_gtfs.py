"""Timetables: every trait of real feeds, each in a tiny feed of its own."""

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.gtfs import read_gtfs, summary
from siteplan.inputs.gtfs.archive import Archive, open_feed, read_table
from siteplan.inputs.gtfs.calls import interpolated, read_calls, repaired
from siteplan.inputs.gtfs.report import ODDITIES
from siteplan.inputs.gtfs.service import WEEKDAYS, read_services
from siteplan.network.through import followers, joined
from tests.feeds import DAY, PLAIN, calls, feed, lines, open_times, read, times, write_folder, write_zip

WHOLE = ["0 A 8:00", "0 B 8:10", "0 C 8:20 8:22", "0 D 8:30"]
DATES = "service_id,date,exception_type"
OFTEN = "trip_id,start_time,end_time,headway_secs,exact_times"
PAIRS = "from_stop_id,to_stop_id,transfer_type,min_transfer_time"


def odd(found):
    return {key: count for key, count in found.counts.items() if count}


# What a feed becomes


def test_a_plain_feed_becomes_plain_tables(tmp_path):
    found = read(tmp_path)
    assert calls(found) == WHOLE
    assert found.stops[["id", "name", "lon", "kind", "parent"]].iloc[1].to_list() == ["B", "Birch", 1.01, 0, -1]
    assert found.routes.iloc[0].to_list() == ["R", "9", "Alder - Dogwood", 3, "Nine Buses", "feed"]
    assert found.trips.iloc[0].to_list() == ["T1", 0, "Dogwood", "", "feed", 0, 0]
    assert found.calls[["board", "alight"]].all(axis=None)
    assert found.timezone == "Europe/Paris"
    assert set(found.counts) == set(ODDITIES)
    assert odd(found) == {}


def test_the_tables_have_numbers_and_types_as_stated(tmp_path):
    found = read(tmp_path)
    assert [table.index.name for table in (found.stops, found.routes, found.trips)] == ["stop", "route", "trip"]
    assert [str(kind) for kind in found.calls.dtypes] == ["int32"] * 4 + ["bool"] * 2
    assert list(found.transfers.columns) == ["from_stop", "to_stop", "type", "seconds"]


def test_a_folder_and_a_folder_in_a_zip_read_alike(tmp_path):
    assert calls(read_gtfs(write_folder(tmp_path / "f", feed()), date=DAY)) == WHOLE
    assert calls(read_gtfs(write_zip(tmp_path / "deep.zip", feed(), inside="gtfs/"), date=DAY)) == WHOLE
    assert calls(read_gtfs(write_zip(tmp_path / "windows.zip", feed(), inside="gtfs\\"), date=DAY)) == WHOLE


@pytest.mark.parametrize("inside", ["a/b/", "export/2026/03/gtfs/", "a\\\\b\\\\"])
def test_a_feed_deep_in_a_zip_is_read_and_what_a_mac_leaves_is_not(tmp_path, inside):
    path = write_zip(tmp_path / "deep.zip", feed(), inside=inside)
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("__MACOSX/stops.txt", "__MACOSX/a/._stops.txt", "__MACOSX/a/b/routes.txt"):
            archive.writestr(name, "Mac OS X")
        archive.writestr("notes/stops.txt", "The stops of our town, in words")
    found = read_gtfs(path, date=DAY)
    assert calls(found) == WHOLE
    assert odd(found) == {}


def test_beside_a_feed_at_the_top_of_a_zip_others_are_counted(tmp_path):
    path = write_zip(tmp_path / "feed.zip", feed())
    with zipfile.ZipFile(path, "a") as archive:
        for name, table in feed(stop_times=times("T1 A 9:00", "T1 B 9:10")).items():
            archive.writestr(f"old/{name}.txt", table)
    with pytest.warns(SiteplanWarning, match="feeds in folders of the zip, beside the one at its top, not read: 1"):
        found = read_gtfs(path, date=DAY)
    assert calls(found) == WHOLE
    assert odd(found) == {"other_feeds": 1}


def test_a_date_may_be_a_date(tmp_path):
    for date in (dt.date(2026, 3, 10), dt.datetime(2026, 3, 10, 9), "20260310"):
        assert read(tmp_path, date).date == dt.date(2026, 3, 10)


# How the text may be written

WRITTEN = {
    "a BOM": {name: b"\xef\xbb\xbf" + table.encode() for name, table in PLAIN.items()},
    "blanks in headers": {
        name: table.replace(",", " , ", table.split("\n")[0].count(",")) for name, table in PLAIN.items()
    },
    "Windows line ends": {name: table.replace("\n", "\r\n").encode() for name, table in PLAIN.items()},
    "blank lines at the end": {name: table + "\n\n,,,\n" for name, table in PLAIN.items()},
    "every value quoted": {
        name: lines(*(",".join(f'"{value}"' for value in row.split(",")) for row in table.split()))
        if name == "stop_times"
        else table
        for name, table in PLAIN.items()
    },
    "blanks around values": {"stop_times": PLAIN["stop_times"].replace(",", " , ")},
    "hours of one digit and blanks": {"stop_times": PLAIN["stop_times"].replace(",8:", ", 8:")},
    "hours and minutes only": {"stop_times": PLAIN["stop_times"].replace(":00,", ",").replace(":00\n", "\n")},
    "columns of its own": {"stops": PLAIN["stops"].replace("\n", ",x\n")},
    "rows out of order": {"stop_times": lines(*sorted(PLAIN["stop_times"].split(), reverse=True))},
    "sequences with gaps": {"stop_times": PLAIN["stop_times"].replace(",4\n", ",40\n")},
    "short rows": {"stops": PLAIN["stops"].replace("stop_lon", "stop_lon,zone_id")},
}


@pytest.mark.parametrize("manner", WRITTEN)
def test_the_manner_of_writing_changes_nothing(tmp_path, manner):
    found = read(tmp_path, **WRITTEN[manner])
    assert calls(found) == WHOLE
    assert found.stops["name"].to_list() == ["Alder", "Birch", "Cedar", "Dogwood"]
    assert odd(found) == {}


def test_latin_1_is_read_and_counted(tmp_path):
    found = read(tmp_path, stops=PLAIN["stops"].replace("Alder", "Allée").encode("latin-1"))
    assert found.stops["name"][0] == "Allée"
    assert odd(found) == {"tables_not_utf8": 1}


def test_commas_within_quotes_stay_in_the_name(tmp_path):
    assert read(tmp_path, stops=PLAIN["stops"].replace("Alder", '"Alder, west"')).stops["name"][0] == "Alder, west"


# Which day


def test_calendar_dates_alone_give_service(tmp_path):
    found = read(tmp_path, calendar=None, calendar_dates=lines(DATES, "WD,20260310,1", "WD,20260312,1"))
    assert calls(found) == WHOLE
    assert found.service.to_dict() == {
        pd.Timestamp(2026, 3, 10): 1,
        pd.Timestamp(2026, 3, 11): 0,
        pd.Timestamp(2026, 3, 12): 1,
    }


def test_exceptions_add_and_remove(tmp_path):
    dates = lines(DATES, "WD,20260310,2", "WD,20260314,1")
    with pytest.raises(InputError, match="no trip runs on Tuesday 2026-03-10"):
        read(tmp_path, calendar_dates=dates)
    assert calls(read(tmp_path, "2026-03-14", calendar_dates=dates)) == WHOLE


def test_duplicated_service_rows_run_once_and_are_counted(tmp_path):
    calendar = PLAIN["calendar"] + "WD,1,1,1,1,1,0,0,20260101,20261231\n"
    found = read(tmp_path, calendar=calendar, calendar_dates=lines(DATES, "WD,20260314,1", "WD,20260314,1"))
    assert calls(found) == WHOLE
    assert found.service[DAY] == found.service["2026-03-14"] == 1
    assert odd(found) == {"duplicate_services": 2}


def test_a_service_in_two_periods_runs_in_both(tmp_path):
    calendar = PLAIN["calendar"].replace("20261231", "20260228") + "WD,0,1,0,0,0,0,0,20260301,20260331\n"
    found = read(tmp_path, calendar=calendar)
    assert calls(found) == WHOLE
    assert found.service["2026-03"].sum() == 5  # Tuesdays


def test_a_calendar_for_ever_is_read(tmp_path):
    assert calls(read(tmp_path, calendar=PLAIN["calendar"].replace("20261231", "99991231"))) == WHOLE


def test_the_service_counts_trips_by_date(tmp_path):
    days = read(tmp_path).service
    assert (days.index[0], days.index[-1]) == (pd.Timestamp(2026, 1, 1), pd.Timestamp(2026, 12, 31))
    assert days.sum() == sum(dt.date.fromordinal(day).weekday() < 5 for day in range(*year(2026)))


def year(number):
    return dt.date(number, 1, 1).toordinal(), dt.date(number + 1, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("date", "said"),
    [
        (
            "2025-12-31",
            "outside the feed.*from 2026-01-01 to 2026-12-31.*: Thu 2026-01-01, Fri 2026-01-02, Mon 2026-01-05",
        ),
        ("2027-02-01", "outside the feed.*weekdays with service: Tue 2026-12-29, Wed 2026-12-30, Thu 2026-12-31"),
        ("2026-03-14", "no trip runs on Saturday 2026-03-14.*: Thu 2026-03-12, Fri 2026-03-13, Mon 2026-03-16"),
        ("today", "'today' is not a date; expected one like 2026-03-10"),
        ("2026-02-30", "'2026-02-30' is not a date"),
    ],
)
def test_a_date_without_service_is_an_error_that_names_those_with(tmp_path, date, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, date)


def test_dates_of_a_weekend_feed_are_named_too(tmp_path):
    with pytest.raises(InputError, match="nearest dates with service: Sat 2026-03-07, Sun 2026-03-08, Sat 2026-03-14"):
        read(tmp_path, calendar=PLAIN["calendar"].replace("1,1,1,1,1,0,0", "0,0,0,0,0,1,1"))


def test_a_thin_day_is_warned_of_once(tmp_path):
    many = {f"X{n}": f"{5 + n}:00" for n in range(9)}
    trips = PLAIN["trips"] + "".join(f"R,DAILY,{trip},\n" for trip in many)
    calendar = PLAIN["calendar"] + "DAILY,1,0,1,1,1,1,1,20260101,20261231\n"
    rides = times(*(f"{trip} {stop} {at}" for trip, at in {**many, "T1": "8:00"}.items() for stop in "AB"))
    with pytest.warns(SiteplanWarning, match="only 1 trips run on Tuesday 2026-03-10, 10% of the 10") as said:
        read(tmp_path, trips=trips, calendar=calendar, stop_times=rides)
    assert len(said) == 1


# Nights


def test_yesterdays_night_trip_runs_today(tmp_path):
    found = read(tmp_path, "2026-03-14", **NIGHT)  # a Saturday after Friday
    assert calls(found) == ["0 A -0:10", "0 B 1:05", "1 A 9:00", "1 B 9:10"]
    assert found.trips["day"].to_list() == [-1, 0]
    assert odd(found) == {"night_trips": 1}


NIGHT = {
    "trips": PLAIN["trips"] + "R,SA,T2,\n",
    "calendar": PLAIN["calendar"] + "SA,0,0,0,0,0,1,0,20260101,20261231\n",
    "stop_times": times("T1 A 23:50", "T1 B 25:05", "T2 A 9:00", "T2 B 9:10"),
}


def test_a_night_trip_runs_tonight_and_last_night(tmp_path):
    found = read(tmp_path, stop_times=times("T1 A 23:50", "T1 B 25:05"))
    assert calls(found) == ["0 A -0:10", "0 B 1:05", "1 A 23:50", "1 B 25:05"]


def test_a_trip_of_three_days_is_met_on_each(tmp_path):
    found = read(tmp_path, "2026-03-12", stop_times=times("T1 A 20:00", "T1 B 68:00"))
    assert found.trips["day"].to_list() == [-2, -1, 0]


def test_yesterdays_trip_that_ends_at_midnight_is_over(tmp_path):
    assert len(read(tmp_path, stop_times=times("T1 A 23:50", "T1 B 24:00")).trips) == 1


# Frequencies


def test_exact_frequencies_are_trips(tmp_path):
    found = read(tmp_path, frequencies=lines(OFTEN, "T1,6:00:00,7:00:00,1800,1", "T1,7:00:00,7:10:00,600,1"))
    assert open_times(found) == ["6:00", "6:30", "7:00"]  # neither at 8:00, where it was drawn, nor at an end_time
    assert calls(found)[:4] == ["0 A 6:00", "0 B 6:10", "0 C 6:20 6:22", "0 D 6:30"]
    assert found.trips["headway"].to_list() == [0, 0, 0]
    assert odd(found) == {"exact_trips": 3}
    assert found.service[DAY] == 3


def test_headways_are_a_regular_timetable_that_says_so(tmp_path):
    found = read(tmp_path, frequencies=lines(OFTEN, "T1,6:00:00,7:00:00,1200,0", "T1,22:00:00,22:30:00,1800,"))
    assert open_times(found) == ["6:00", "6:20", "6:40", "22:00"]
    assert found.trips["headway"].to_list() == [1200, 1200, 1200, 1800]
    assert odd(found) == {"headway_trips": 4}


def test_frequencies_run_past_midnight(tmp_path):
    found = read(tmp_path, frequencies=lines(OFTEN, "T1,23:40:00,24:20:00,1200,1"))
    assert open_times(found) == ["-0:20", "0:00", "23:40", "24:00"]


def test_bad_and_repeated_frequencies_are_counted(tmp_path):
    rows = ["T1,6:00:00,7:00:00,1800,1"] * 2 + [
        "T1,7:00:00,6:00:00,600,1",
        "T1,6:00:00,7:00:00,0,1",
        "T9,6:00:00,7:00:00,60,1",
    ]
    with pytest.warns(SiteplanWarning, match="rows of frequencies.txt"):
        found = read(tmp_path, frequencies=lines(OFTEN, *rows))
    assert open_times(found) == ["6:00", "6:30"]
    assert odd(found) == {"bad_frequencies": 3, "duplicate_frequencies": 1, "exact_trips": 2}


def test_frequencies_of_milliseconds_are_refused(tmp_path):
    rows = [f"T1,0:00:0{n},99:59:59,1,1" for n in range(2)]
    with pytest.raises(InputError, match=r"frequencies.txt lays out 719,997 trips"):
        read(tmp_path, frequencies=lines(OFTEN, *rows))


# Times


def test_blank_times_are_spread_by_straight_lines(tmp_path):
    stops = PLAIN["stops"].replace("1.02", "1.025")
    found = read(tmp_path, stops=stops, stop_times=times("T1 A 8:00 8:01", "T1 B -", "T1 C -", "T1 D 8:31 8:33"))
    assert calls(found) == ["0 A 8:00 8:01", "0 B 8:11", "0 C 8:26", "0 D 8:31 8:33"]
    assert odd(found) == {"blank_times": 2, "times_by_line": 2}


def with_distances(*distances):
    blank = times("T1 A 8:00", "T1 B -", "T1 C -", "T1 D 8:30").split()
    return lines(*(f"{row},{value}" for row, value in zip(blank, ("shape_dist_traveled", *distances), strict=True)))


def test_blank_times_are_spread_by_the_feeds_own_distances(tmp_path):
    found = read(tmp_path, stop_times=with_distances(5, 6, 8, 11))
    assert calls(found) == ["0 A 8:00", "0 B 8:05", "0 C 8:15", "0 D 8:30"]
    assert odd(found) == {"blank_times": 2, "times_by_distance": 2}


@pytest.mark.parametrize("distances", [(5, "", 8, 11), (5, 8, 6, 11), (5, 5, 5, 5), ("", "", "", "")])
def test_distances_that_do_not_rise_are_not_trusted(tmp_path, distances):
    found = read(tmp_path, stop_times=with_distances(*distances))
    assert calls(found) == ["0 A 8:00", "0 B 8:10", "0 C 8:20", "0 D 8:30"]
    assert found.counts["times_by_line"] == 2


def test_blank_times_at_a_place_unknown_are_spread_evenly(tmp_path):
    stops = PLAIN["stops"].replace("B,Birch,0,1.01", "B,Birch,,")
    with pytest.warns(SiteplanWarning, match="stops without a place"):
        found = read(tmp_path, stops=stops, stop_times=times("T1 A 8:00", "T1 B -", "T1 C -", "T1 D 8:30"))
    assert calls(found) == ["0 A 8:00", "0 C 8:20", "0 D 8:30"]
    assert odd(found) == {"stops_without_place": 1, "calls_without_place": 1, "blank_times": 2, "times_by_count": 2}


def test_a_known_time_at_a_place_unknown_still_counts(tmp_path):
    stops = PLAIN["stops"].replace("C,Cedar,0,1.02", "C,Cedar,0,0")
    with pytest.warns(SiteplanWarning, match="stops without a place or at 0, 0, not used: 1"):
        found = read(tmp_path, stops=stops, stop_times=times("T1 A 8:00", "T1 B -", "T1 C 8:06", "T1 D 8:30"))
    assert calls(found) == ["0 A 8:00", "0 B 8:03", "0 D 8:30"]


def test_blank_times_at_the_ends_are_left_out(tmp_path):
    with pytest.warns(SiteplanWarning, match="before a trip's first known time or after its last, not used: 2"):
        found = read(tmp_path, stop_times=times("T1 A -", "T1 B 8:10", "T1 C 8:20", "T1 D -"))
    assert calls(found) == ["0 B 8:10", "0 C 8:20"]


def test_one_of_two_times_stands_for_both(tmp_path):
    rows = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT1,,8:00:00,A,1\nT1,8:10:00,,B,2\n"
    found = read(tmp_path, stop_times=rows)
    assert calls(found) == ["0 A 8:00", "0 B 8:10"]
    assert odd(found) == {}


def test_small_steps_backward_are_raised(tmp_path):
    found = read(tmp_path, stop_times=times("T1 A 8:00", "T1 B 8:10 8:09", "T1 C 8:05", "T1 D 8:30"))
    assert calls(found) == ["0 A 8:00", "0 B 8:10", "0 C 8:10", "0 D 8:30"]
    assert odd(found) == {"backward_times": 2}


def test_hours_that_begin_anew_after_midnight_go_on(tmp_path):
    found = read(tmp_path, "2026-01-01", stop_times=times("T1 A 23:50", "T1 B 23:58 0:01", "T1 C -", "T1 D 0:11"))
    assert calls(found) == ["0 A 23:50", "0 B 23:58 24:01", "0 C 24:06", "0 D 24:11"]
    assert odd(found) == {"blank_times": 1, "times_by_line": 1, "past_midnight": 1}


def test_a_trip_far_backward_is_left_out(tmp_path):
    trips = PLAIN["trips"] + "R,WD,T2,\n"
    rows = times("T1 A 8:00", "T1 B 8:10", "T2 A 9:00", "T2 B 8:40", "T2 C 9:10")
    with pytest.warns(SiteplanWarning, match="run backward by more than 10 minutes, left out: 1"):
        found = read(tmp_path, trips=trips, stop_times=rows)
    assert found.trips["id"].to_list() == ["T1"]


def test_bad_times_are_blank_and_counted(tmp_path):
    with pytest.warns(SiteplanWarning, match="whose time is none, taken as blank: 1"):
        found = read(tmp_path, stop_times=times("T1 A 8:00", "T1 B 8:61", "T1 C 8:20"))
    assert calls(found) == ["0 A 8:00", "0 B 8:10", "0 C 8:20"]
    assert odd(found) == {"bad_times": 1, "times_by_line": 1}


def test_hops_of_no_time_and_loops_are_kept(tmp_path):
    found = read(tmp_path, stop_times=times("T1 A 8:00", "T1 B 8:00", "T1 C 8:05", "T1 A 8:10"))
    assert calls(found) == ["0 A 8:00", "0 B 8:00", "0 C 8:05", "0 A 8:10"]
    assert odd(found) == {}


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 90_000)), min_size=1, max_size=8), min_size=1, max_size=6))
def test_times_equal_those_of_a_plain_loop(trips):
    rows = pd.DataFrame([(trip, time) for trip, line in enumerate(trips) for time in line], columns=["trip", "arrival"])
    table = rows.assign(arrival=rows["arrival"].astype(float), stop=-1, distance=np.nan)
    fixed, wild = repaired(table.assign(departure=table["arrival"]), len(trips))
    found, _ = interpolated(fixed, np.empty(0), np.empty(0))
    for trip, line in enumerate(trips):
        expected = by_hand(line)
        assert wild[trip] == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(found.loc[found["trip"] == trip, "arrival"], expected)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
@pytest.mark.parametrize("piece", [1, 3, 5])
def test_a_feed_worked_on_piece_by_piece_is_the_same(tmp_path, monkeypatch, piece):
    trips = PLAIN["trips"] + "".join(f"R,WD,T{number},\n" for number in range(2, 8))
    rows = times(
        *("T1 A 8:00", "T1 B -", "T1 C 8:20", "T2 A 9:00", "T2 B 8:40", "T3 A 23:50", "T3 B 0:10", "T3 D 0:20"),
        *("T4 A 9:00", "T4 B 9:10", "T5 A 9:00", "T5 B 9:10", "T6 A 9:00", "T7 B 9:00", "T7 C 8:59", "T7 D 9:30"),
    )
    tables = {"trips": trips, "stop_times": rows, "frequencies": lines(OFTEN, "T1,10:00:00,11:00:00,1200,1")}
    whole = read(tmp_path, **tables)
    assert len(whole.trips) > 6
    met = {"wild_trips", "duplicate_trips", "exact_trips", "night_trips", "short_trips", "past_midnight"}
    assert met <= odd(whole).keys()
    monkeypatch.setattr("siteplan.inputs.gtfs.part.PIECE", piece)
    found = read(tmp_path, **tables)
    assert found.counts == whole.counts
    for name in ("calls", "trips"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(whole, name))


def by_hand(line):
    """Repair and fill in one trip; None if it is wild."""
    known, previous, highest, added = {}, None, -np.inf, 0
    for place, time in enumerate(line):
        if time is None:
            continue
        added += 86_400 if previous is not None and time - previous < -43_200 else 0
        previous, highest = time, max(highest, time + added)
        if highest - (time + added) > 600:
            return None
        known[place] = highest
    filled = [known.get(place, np.nan) for place in range(len(line))]
    for one, other in pairwise(sorted(known)):
        for place in range(one + 1, other):
            filled[place] = np.rint(known[one] + (known[other] - known[one]) * (place - one) / (other - one))
    return filled


# Getting on and off


def with_kinds(*kinds):
    plain = PLAIN["stop_times"].split()
    return lines(*(f"{row},{kind}" for row, kind in zip(plain, ("pickup_type,drop_off_type", *kinds), strict=True)))


def test_stops_to_get_on_or_off_only(tmp_path):
    found = read(tmp_path, stop_times=with_kinds("0,1", "1,0", ",", "1,0"))
    assert found.calls["board"].to_list() == [True, False, True, False]
    assert found.calls["alight"].to_list() == [False, True, True, True]
    assert odd(found) == {}


def test_one_is_taken_not_to_phone_but_to_wave(tmp_path):
    found = read(tmp_path, stop_times=with_kinds("0,0", "2,0", "3,3", "2,2"))
    assert found.calls["board"].to_list() == [True, False, True]
    assert found.calls["alight"].to_list() == [True, True, True]
    assert odd(found) == {"on_call": 2, "to_arrange": 1}


def test_calls_closed_to_passengers_and_trips_that_serve_nobody_are_left_out(tmp_path):
    assert calls(read(tmp_path, stop_times=with_kinds("0,1", "1,1", "0,0", "1,0"))) == [WHOLE[0], *WHOLE[2:]]
    with pytest.raises(InputError, match=r"none of the trips on 2026-03-10 can be used: .*get on and later off.*: 1"):
        read(tmp_path, stop_times=with_kinds("1,0", "1,0", "0,1", "0,1"))


def test_a_trip_of_one_call_is_left_out(tmp_path):
    trips = PLAIN["trips"] + "R,WD,T2,\n"
    found = read(tmp_path, trips=trips, stop_times=times("T1 A 8:00", "T1 B 8:10", "T2 A 9:00"))
    assert found.trips["id"].to_list() == ["T1"]
    assert odd(found) == {"short_trips": 1}


def test_rows_of_flex_are_counted(tmp_path):
    extra = ",location_id,start_pickup_drop_off_window,end_pickup_drop_off_window"
    rows = [row + ",,," for row in PLAIN["stop_times"].split()[1:]]
    flex = ["T2,,,,1,zone,9:00:00,17:00:00", "T2,,,,2,zone,9:00:00,17:00:00"]
    trips = PLAIN["trips"] + "R,WD,T2,\n"
    # Not as a trip whose times are missing: it has none to have.
    with pytest.warns(
        SiteplanWarning, match=r"trips of the date on demand without two known places, .*, not ridden: 1$"
    ):
        found = read(tmp_path, trips=trips, stop_times=lines(PLAIN["stop_times"].split()[0] + extra, *rows, *flex))
    assert calls(found) == WHOLE
    assert odd(found) == {"flex_rows": 2, "flex_unridden": 1}


def test_zones_groups_and_rules_for_booking_are_counted(tmp_path):
    ring = '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'
    zones = f'{{"features": [{", ".join(f"""{{"id": "{name}", "geometry": {ring}}}""" for name in "abc")}]}}'
    folder = write_folder(
        tmp_path / "f",
        feed(
            location_groups=lines("location_group_id,location_group_name", "g,Dales", "h,Hills"),
            booking_rules=lines("booking_rule_id,booking_type", "now,0", "today,1", "before,2", "none,"),
            areas=lines("area_id,area_name", "f,Fare zone 1"),  # of fares: no zone
        ),
    )
    (folder / "locations.geojson").write_text(zones)
    counted = {"flex_zones": 3, "flex_groups": 2, "booking_rules": 4, "booked_ahead": 2}
    assert odd(read_gtfs(folder, date=DAY)) == counted
    path = write_zip(tmp_path / "f.zip", feed(), inside="deep/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("deep/locations.geojson", zones)
    assert odd(read_gtfs(path, date=DAY)) == {"flex_zones": 3}


@pytest.mark.parametrize("zones", ["{", "[1]", '{"features": "abc"}', "[" * 100_000])
def test_zones_that_are_no_geojson_are_said(tmp_path, zones):
    folder = write_folder(tmp_path / "f", feed())
    (folder / "locations.geojson").write_text(zones)
    with pytest.warns(SiteplanWarning, match=r"locations.geojson\) that are no GeoJSON, not read: 1$"):
        assert odd(read_gtfs(folder, date=DAY)) == {"bad_flex_files": 1}


def test_the_former_form_of_flex_is_counted(tmp_path):
    rows = [
        f"{row},{area},{radius}"
        for row, area, radius in zip(
            PLAIN["stop_times"].split()[1:], ("25", "", "", ""), ("", "", "500", ""), strict=True
        )
    ]
    header = PLAIN["stop_times"].split()[0] + ",start_service_area_id,end_service_area_radius"
    found = read(
        tmp_path,
        stop_times=lines(header, *rows),
        trips=lines("route_id,service_id,trip_id,drt_avg_travel_time", "R,WD,T1,2"),
        areas=lines("area_id,wkt", '25,"POLYGON((0 0,1 0,1 1,0 0))"'),
    )
    assert calls(found) == WHOLE
    assert odd(found) == {"former_flex_areas": 1, "former_flex_trips": 1, "former_flex_rows": 2}


# Stops, routes, transfers

STATION = lines(
    "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station",
    "A,Alder,0,1.00,,",
    "B,Birch 1,0,1.01,0,S",
    "C,Birch 2,0,1.02,0, S",
    "D,Dogwood,0,1.03,0,lost",
    "S,Birch,0,1.015,1,",
    "E,Birch west,0,1.014,2,S",
)


def test_stations_entrances_and_platforms_hang_together(tmp_path):
    found = read(tmp_path, stops=STATION)
    # in the order of their ids, so that the file's own is not seen: A, B, C, D, E, S
    assert found.stops["kind"].to_list() == [0, 0, 0, 0, 2, 1]
    assert found.stops["parent"].to_list() == [-1, 5, 5, -1, 5, -1]
    assert odd(found) == {"unknown_parents": 1}


def test_parents_keep_their_platforms_when_stops_fall_out(tmp_path):
    with pytest.warns(SiteplanWarning, match="without a place"):
        found = read(tmp_path, stops=STATION.replace("0,1.00,", "0,0,"))
    assert found.stops["id"].to_list() == ["B", "C", "D", "E", "S"]
    assert found.stops["parent"].to_list() == [4, 4, -1, 4, -1]
    assert calls(found) == WHOLE[1:]


@pytest.mark.parametrize("place", ["0,0", ",", "91,1", "x,1", "0.0,0.0"])
def test_stops_without_a_place_are_not_used(tmp_path, place):
    with pytest.warns(SiteplanWarning, match="stops without a place or at 0, 0, not used: 1"):
        found = read(tmp_path, stops=PLAIN["stops"].replace("0,1.03", place))
    assert found.stops["id"].to_list() == ["A", "B", "C"]
    assert calls(found) == WHOLE[:3]
    assert odd(found) == {"stops_without_place": 1, "calls_without_place": 1}


@pytest.mark.parametrize(
    ("given", "basic"),
    [
        *((0, 0), (7, 7), (11, 11), (12, 12), (100, 2), (109, 2), (200, 3), (401, 1), (405, 12), (700, 3), (704, 3)),
        *((800, 11), (900, 0), (1000, 4), (1200, 4), (1300, 6), (1400, 7), (1501, 3)),
    ],
)  # fmt: skip
def test_route_types_become_basic_ones(tmp_path, given, basic):
    found = read(tmp_path, routes=PLAIN["routes"].replace(",3\n", f",{given}\n"))
    assert found.routes["type"].to_list() == [basic]
    assert odd(found) == {}


@pytest.mark.parametrize("given", ["", "99", "1100", "1702", "-3", "bus"])
def test_unknown_route_types_are_buses_and_counted(tmp_path, given):
    found = read(tmp_path, routes=PLAIN["routes"].replace(",3\n", f",{given}\n"))
    assert found.routes["type"].to_list() == [3]
    assert odd(found) == {"unknown_route_types": 1}


def test_routes_have_a_name_and_an_agency(tmp_path):
    routes = lines(
        "route_id,route_short_name,route_long_name,route_type,agency_id", "R,9,x,3,N", "Q,,Long,3,M", "P,,,3,?"
    )
    agency = PLAIN["agency"] + "M,More Buses,,Europe/Paris\n"
    found = read(tmp_path, routes=routes, agency=agency).routes
    assert found["name"].to_list() == ["P", "Long", "9"]  # by id: P, Q, R
    assert found["agency"].to_list() == ["?", "More Buses", "Nine Buses"]


def transfers(found):
    return [tuple(row) for row in found.transfers.to_numpy().tolist()]


def test_transfers_are_kept_by_number(tmp_path):
    rows = ["A,B,2,180", "B,A,3,", "C,C,1,", "A,D,,", "D,A,0,"]
    found = read(tmp_path, transfers=lines(PAIRS, *rows))
    assert transfers(found) == [(0, 1, 2, 180), (0, 3, 0, 0), (1, 0, 3, 0), (2, 2, 1, 0), (3, 0, 0, 0)]
    assert odd(found) == {}


def test_transfers_of_a_station_hold_for_its_platforms_unless_they_say_otherwise(tmp_path):
    rows = ["S,S,2,300", "B,C,2,60", "A,S,3,"]
    found = read(tmp_path, stops=STATION, transfers=lines(PAIRS, *rows))
    assert transfers(found) == [
        (0, 1, 3, 0),
        (0, 2, 3, 0),
        (1, 1, 2, 300),
        (1, 2, 2, 60),
        (2, 1, 2, 300),
        (2, 2, 2, 300),
    ]
    assert found.counts["duplicate_transfers"] == 0


def test_transfers_that_cannot_be_used_are_counted(tmp_path):
    rows = ["A,B,2,60,", "A,B,2,90,", "T,B,0,,", "A,C,2,,", "A,D,7,,", ",,4,,T1", "B,C,2,60,T1"]
    with pytest.warns(SiteplanWarning, match="transfers at unknown stops"):
        found = read(tmp_path, transfers=lines(f"{PAIRS},from_trip_id", *rows))
    assert transfers(found) == [(0, 1, 2, 60)]
    assert odd(found) == {"in_seat_transfers": 1, "specific_transfers": 1, "bad_transfers": 3, "duplicate_transfers": 1}


TWO_LINES = {
    "routes": lines("route_id,route_short_name,route_type", "R,9,3", "Q,8,3"),
    "trips": lines("route_id,service_id,trip_id", "R,WD,T1", "Q,WD,T2"),
    "stop_times": times("T1 A 8:00", "T1 B 8:10", "T2 B 8:20", "T2 C 8:30"),
}


def test_transfers_of_certain_routes_and_trips_stand_in_the_order_of_their_specificity(tmp_path):
    """That of the reference of GTFS: two trips, trip and route, one trip, two routes, one route; then the stops."""
    rows = [
        *("B,B,2,1,,,,", "B,B,2,2,R,,,", "B,B,2,3,R,Q,,", "B,B,2,4,,,,T2", "B,B,2,5,R,,,T2", "B,B,2,6,,,T1,T2"),
        *("B,B,2,7,R,Q,T1,T2", "B,C,3,,,Q,,", "B,B,2,9,R,,,"),
    ]
    table = lines(f"{PAIRS},from_route_id,to_route_id,from_trip_id,to_trip_id", *rows)
    found = read(tmp_path, transfers=table, **TWO_LINES)
    assert transfers(found) == [(1, 1, 2, 1)]
    assert [tuple(row) for row in found.special.to_numpy().tolist()] == [
        (1, 1, 2, 6, -1, -1, "T1", "T2"),
        (1, 1, 2, 7, 1, 0, "T1", "T2"),  # routes are sorted: Q, R
        (1, 1, 2, 5, 1, -1, "", "T2"),
        (1, 1, 2, 4, -1, -1, "", "T2"),
        (1, 1, 2, 3, 1, 0, "", ""),
        (1, 1, 2, 2, 1, -1, "", ""),
        (1, 2, 3, 0, -1, 0, "", ""),
    ]
    assert odd(found) == {"specific_transfers": 8, "duplicate_transfers": 1}


def test_transfers_of_certain_routes_hold_for_the_platforms_of_a_station(tmp_path):
    rows = ["S,S,3,,R", "B,C,0,,R", "B,B,0,,Z"]
    with pytest.warns(SiteplanWarning, match="of unknown routes or trips"):
        found = read(tmp_path, stops=STATION, transfers=lines(f"{PAIRS},from_route_id", *rows))
    of_pairs = {(a, b): kind for a, b, kind, *_ in found.special.to_numpy().tolist()}
    assert of_pairs == {(1, 2): 0, (1, 1): 3, (2, 1): 3, (2, 2): 3}
    assert found.counts["specific_transfers"] == 2
    assert found.counts["bad_transfers"] == 1


def test_transfers_of_certain_routes_and_trips_in_the_second_of_two_feeds(tmp_path):
    rows = ["B,B,2,60,R,,,T2", "B,B,2,90,,Q,,"]
    table = lines(f"{PAIRS},from_route_id,to_route_id,from_trip_id,to_trip_id", *rows)
    found = two(tmp_path, feed(transfers=table, **TWO_LINES))
    assert [tuple(row) for row in found.special.to_numpy().tolist()] == [
        (5, 5, 2, 60, 2, -1, "", "south:T2"),
        (5, 5, 2, 90, -1, 1, "", ""),
    ]


@pytest.mark.parametrize(
    ("said", "block", "after"),
    [
        (("4",), ",", [1, -1]),
        (("5",), ",", [-1, -1]),
        ((), "v,v", [1, -1]),
        (("4",), "v,v", [1, -1]),
        (("5",), "v,v", [-1, -1]),
        ((), "v,w", [-1, -1]),
        ((), ",", [-1, -1]),
    ],
)
def test_a_vehicle_goes_on_as_its_block_or_a_transfer_in_the_seat_says(tmp_path, said, block, after):
    one, other = block.split(",")
    trips = lines("route_id,service_id,trip_id,block_id", f"R,WD,T1,{one}", f"R,WD,T2,{other}")
    stop_times = times("T1 A 8:00", "T1 B 8:10", "T2 B 8:10", "T2 C 8:20")
    rows = [f"B,B,{kind},T1,T2" for kind in said]
    transfers = lines("from_stop_id,to_stop_id,transfer_type,from_trip_id,to_trip_id", *rows)
    found = read(tmp_path, trips=trips, stop_times=stop_times, transfers=transfers)
    assert followers(found).tolist() == after
    assert odd(found) == {}


def test_trips_that_take_no_time_follow_each_other_once(tmp_path):
    trips = lines("route_id,service_id,trip_id,block_id", "R,WD,T1,v", "R,WD,T2,v", "R,WD,T3,v")
    stop_times = times("T1 A 8:00", "T1 A 8:00", "T2 A 8:00", "T2 A 8:00", "T3 A 8:00", "T3 B 8:10")
    found = read(tmp_path, trips=trips, stop_times=stop_times)
    after = followers(found)
    assert after.tolist() == [1, 2, -1]
    assert joined(found.calls, after)["trip"].tolist() == [0] * 6


# What does not fit together

BROKEN = {
    "duplicate_stops": {"stops": PLAIN["stops"] + "A,Again,0,1.5\n"},
    "duplicate_routes": {"routes": PLAIN["routes"] + "R,10,,3\n"},
    "duplicate_trip_ids": {"trips": PLAIN["trips"] + "R,WD,T1,\n"},
    "trips_of_unknown_routes": {"trips": PLAIN["trips"] + "Q,WD,T2,\n"},
    "trips_without_service": {"trips": PLAIN["trips"] + "R,XX,T2,\n"},
    "trips_without_times": {"trips": PLAIN["trips"] + "R,WD,T2,\n"},
    "calls_of_unknown_trips": {"stop_times": PLAIN["stop_times"] + "T7,9:00:00,9:00:00,A,1\n"},
    "calls_at_unknown_stops": {"stop_times": PLAIN["stop_times"] + "T1,9:00:00,9:00:00,X,5\n"},
    "bad_rows": {"stop_times": PLAIN["stop_times"] + "T1,9:00:00,9:00:00,A,first\n"},
    "bad_service_rows": {"calendar": PLAIN["calendar"] + "XX,1,1,1,1,1,1,1,20260101,soon\n"},
    "agencies_in_other_zones": {"agency": PLAIN["agency"] + "M,More,,Asia/Tokyo\n"},
    "unknown_timezones": {"agency": PLAIN["agency"].replace("Europe/Paris", "Mars/Olympus")},
}  # fmt: skip


@pytest.mark.parametrize("key", BROKEN)
def test_what_does_not_fit_is_left_out_counted_and_warned_of(tmp_path, key):
    with pytest.warns(SiteplanWarning) as said:
        found = read(tmp_path, **BROKEN[key])
    assert [ODDITIES[key][0] in str(remark.message) for remark in said] == [True]
    assert calls(found) == WHOLE
    assert odd(found) == {key: 1}


def test_a_date_has_eight_digits(tmp_path):
    with pytest.warns(SiteplanWarning):
        found = read(tmp_path, calendar=PLAIN["calendar"] + "XX,1,1,1,1,1,1,1,202611,20261231\n")
    assert odd(found) == {"bad_service_rows": 1}


def test_a_row_with_too_many_values_is_left_out(tmp_path):
    with pytest.warns(SiteplanWarning, match="too many values"):
        found = read(tmp_path, stops=PLAIN["stops"] + "F,Fir, north,0,1.04\n")
    assert found.stops["id"].to_list() == ["A", "B", "C", "D"]


def test_empty_tables_that_a_feed_may_lack_are_counted(tmp_path):
    found = read(tmp_path, transfers="", frequencies="\n", calendar_dates=b"\xef\xbb\xbf")
    assert calls(found) == WHOLE
    assert odd(found) == {"empty_tables": 3}


def test_a_feed_without_agencies_is_read(tmp_path):
    with pytest.warns(SiteplanWarning, match="without a known time zone"):
        found = read(tmp_path, agency=None)
    assert calls(found) == WHOLE
    assert found.routes["agency"].to_list() == [""]


def test_rows_and_trips_that_stand_twice(tmp_path):
    found = read(tmp_path, stop_times=PLAIN["stop_times"] + "T1,8:30:00,8:30:00,D,4\n")
    assert calls(found) == WHOLE
    assert odd(found) == {"duplicate_calls": 1}
    twin = PLAIN["stop_times"] + PLAIN["stop_times"].split("\n", 1)[1].replace("T1", "T2")
    found = read(tmp_path, trips=PLAIN["trips"] + "R,WD,T2,\n", stop_times=twin)
    assert found.trips["id"].to_list() == ["T1", "T2"]
    assert odd(found) == {"duplicate_trips": 1}


# Several feeds


def two(folder, other, names=("north", "south"), date=DAY):
    paths = [write_zip(folder / f"{name}.zip", tables) for name, tables in zip(names, (feed(), other), strict=True)]
    return read_gtfs(paths, date=date)


def test_feeds_with_the_same_ids_are_kept_apart(tmp_path):
    other = feed(stop_times=times("T1 D 9:00", "T1 A 9:30"), transfers=lines(PAIRS, "A,D,3,"), stops=STATION)
    found = two(tmp_path, other)
    assert calls(found) == [
        *("0 north:A 8:00", "0 north:B 8:10", "0 north:C 8:20 8:22", "0 north:D 8:30"),
        *("1 south:D 9:00", "1 south:A 9:30"),
    ]
    assert found.trips["route"].to_list() == [0, 1]
    assert found.routes["feed"].to_list() == ["north", "south"]
    assert found.stops["parent"].to_list()[4:] == [-1, 9, 9, -1, 9, -1]
    assert transfers(found) == [(4, 7, 3, 0)]
    assert found.service[DAY] == 2
    assert found.sources == (str(tmp_path / "north.zip"), str(tmp_path / "south.zip"))


def test_feeds_of_one_name_are_numbered(tmp_path):
    (tmp_path / "b").mkdir()
    paths = [write_zip(tmp_path / "gtfs.zip", feed()), write_zip(tmp_path / "b" / "gtfs.zip", feed(frequencies=OFTEN))]
    assert read_gtfs(paths, date=DAY).stops["feed"].unique().tolist() == ["gtfs", "gtfs-2"]


def test_one_feed_given_twice_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"south.zip: is the same feed as .*north.zip; give it once"):
        two(tmp_path, feed())


def test_a_feed_that_does_not_reach_the_date_is_an_error(tmp_path):
    with pytest.raises(
        InputError, match=r"south.zip: 2026-03-10 is outside the feed; there is service from 2026-01-01 to 2026-01-30"
    ):
        two(tmp_path, feed(calendar=PLAIN["calendar"].replace("20261231", "20260131")))


def test_a_feed_that_rests_that_day_is_warned_of(tmp_path):
    resting = feed(calendar_dates=lines(DATES, "WD,20260310,2"))
    with pytest.warns(SiteplanWarning, match=r"south.zip: only 0 trips run on Tuesday 2026-03-10, 0% of the 1"):
        assert two(tmp_path, resting).trips["feed"].to_list() == ["north"]
    with pytest.raises(InputError, match=r"north.zip, .*south.zip: no trip runs on Saturday 2026-03-14"):
        two(tmp_path, resting, date="2026-03-14")


def test_times_of_another_zone_are_brought_to_the_first(tmp_path):
    lisbon = PLAIN["agency"].replace("Paris", "Lisbon")
    found = two(tmp_path, feed(agency=lisbon, stop_times=times("T1 A 8:00", "T1 B 23:30")))
    assert found.timezone == "Europe/Paris"
    assert calls(found)[4:6] == ["1 south:A -15:00", "1 south:B 0:30"]  # Monday's is under way at midnight
    assert calls(found)[6:] == ["2 south:A 9:00", "2 south:B 24:30"]


def test_tomorrows_early_trips_of_a_zone_further_east_run_today(tmp_path):
    athens = PLAIN["agency"].replace("Paris", "Athens")
    found = two(tmp_path, feed(agency=athens, stop_times=times("T1 A 0:30", "T1 B 0:50")))
    assert calls(found)[4:] == ["1 south:A -0:30", "1 south:B -0:10", "2 south:A 23:30", "2 south:B 23:50"]


def test_a_night_trip_loses_an_hour_when_summer_time_begins(tmp_path):
    nights = {"calendar": PLAIN["calendar"].replace("1,1,1,1,1,0,0", "1,1,1,1,1,1,1")}
    found = read(tmp_path, "2026-03-29", **nights, stop_times=times("T1 A 26:30", "T1 B 27:30"))
    # 27:30 by Saturday's noon is 4:30 on a clock that counts from Sunday's noon less 12 hours.
    assert calls(found)[:2] == ["0 A 3:30", "0 B 4:30"]


# Bad input


def bomb(path):
    return write_zip(path, feed(stop_times=b"0" * 25_000_000))


def forged(path):
    """Cut a zip so that a table does not match its checksum."""
    content = bytearray(write_zip(path, feed()).read_bytes())
    content[content.index(b"stops.txt") + 30] ^= 0xFF
    path.write_bytes(content)
    return path


BAD_FILES = {
    "no such file": (lambda path: path, "no such file; expected a GTFS feed"),
    "not a zip": (lambda path: path.write_text("stops"), "cannot be read as a zip"),
    "empty": (lambda path: path.write_bytes(b""), "is empty; expected a GTFS feed"),
    "damaged": (forged, "cannot be (read as a zip|unpacked)"),
    "a bomb": (bomb, "'stop_times.txt' would unpack from .* to 25,000,000 bytes; expected"),
    "leads out": (lambda path: write_zip(path, feed(), "../"), r"holds '../agency.txt', a name that leads out"),
    "leads out upwards": (lambda path: write_zip(path, feed(), "a\\..\\..\\"), "a name that leads out"),
    "absolute": (lambda path: write_zip(path, feed(), "/etc/"), "a name that leads out"),
    "a drive": (lambda path: write_zip(path, feed(), "C:/"), "a name that leads out"),
    "nothing in it": (
        lambda path: write_zip(path, {}),
        "needs stops.txt, routes.txt, trips.txt, stop_times.txt; found no",
    ),
    "an empty folder": (lambda path: path.mkdir(), "needs stops.txt"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_gives_one_clear_error(tmp_path, case):
    make, said = BAD_FILES[case]
    make(tmp_path / "bad.zip")
    with pytest.raises(InputError, match=f"bad.zip: .*{said}|bad.zip: {said}"):
        read_gtfs(tmp_path / "bad.zip", date=DAY)


BAD_TABLES = {
    "no stops": ({"stops": None}, "needs stops.txt; found agency.txt, calendar.txt, routes.txt"),
    "no trips": ({"trips": None}, "needs trips.txt"),
    "no calendars": ({"calendar": None}, "neither calendar.txt nor calendar_dates.txt"),
    "an empty table": ({"stop_times": b"\xef\xbb\xbf\n"}, "stop_times.txt is empty"),
    "a header only": ({"trips": "route_id,service_id,trip_id\n"}, "trips.txt has no rows"),
    "a column missing": ({"stops": "stop_id,stop_name,stop_lat\nA,x,0\n"}, "stops.txt lacks the column stop_lon; its"),
    "semicolons": (
        {"stops": PLAIN["stops"].replace(",", ";")},
        "stops.txt has semicolons between its values, where timetables have commas; save it with commas",
    ),
    "tabs where no column is needed": ({"agency": PLAIN["agency"].replace(",", "\t")}, "agency.txt has tabs between"),
    "UTF-16": ({"stops": PLAIN["stops"].encode("utf-16")}, "stops.txt is in UTF-16, .* save it as CSV in UTF-8"),
    "UTF-16 without a mark": ({"trips": PLAIN["trips"].encode("utf-16-le")}, "trips.txt is in UTF-16"),
    "an open quote": ({"stops": PLAIN["stops"] + '"F,x,0,1\n'}, "stops.txt cannot be read as comma-separated values"),
    "services of nothing": ({"trips": PLAIN["trips"].replace("WD", "XX")}, "no date has service"),
    "stops at 0, 0": (
        {"stops": lines("stop_id,stop_lat,stop_lon", "A,0,0", "B,0,0", "C,0,0", "D,0.0,0.0")},
        "can be used: stops without a place or at 0, 0, not used: 4",
    ),
    "flex only": ({"stop_times": times("T1 A -", "T1 B -")}, "none of the trips on 2026-03-10 can be used"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_bad_table_gives_one_clear_error(tmp_path, case):
    changes, said = BAD_TABLES[case]
    with pytest.raises(InputError, match=said):
        read(tmp_path, **changes)


def test_two_feeds_in_one_zip_and_no_feed_at_all_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("a/stops.txt", "b/stops.txt"):
            archive.writestr(name, PLAIN["stops"])
    with pytest.raises(InputError, match=r"holds 2 feeds \(a, b\); make a zip of each"):
        read_gtfs(tmp_path / "two.zip", date=DAY)
    with zipfile.ZipFile(tmp_path / "deep.zip", "w") as archive:
        for name in ("x/a/stops.txt", "x/b/c/stops.txt"):
            archive.writestr(name, PLAIN["stops"])
    with pytest.raises(InputError, match=r"holds 2 feeds \(x/a, x/b/c\); make a zip of each"):
        read_gtfs(tmp_path / "deep.zip", date=DAY)
    with zipfile.ZipFile(tmp_path / "zips.zip", "w") as archive:
        archive.writestr("town/bus.zip", b"PK")
    with pytest.raises(InputError, match=r"holds no feed but zips \(town/bus.zip\); unpack it"):
        read_gtfs(tmp_path / "zips.zip", date=DAY)
    with pytest.raises(InputError, match="no GTFS feed given"):
        read_gtfs([], date=DAY)


def test_nothing_is_unpacked_to_disk(tmp_path):
    read(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["feed.zip"]


# What `check` says


def test_the_summary_tells_dates_trips_and_what_was_odd(tmp_path):
    dates = lines(DATES, "SP,20260312,1")
    trips, rows = PLAIN["trips"] + "R,SP,T2,\n", times("T1 A 8:00", "T1 B -", "T1 C 8:20", "T2 A 9:00", "T2 B 9:10")
    assert summary(read(tmp_path, calendar_dates=dates, trips=trips, stop_times=rows)) == [
        "The timetable has service from 2026-01-01 to 2026-12-31.",
        "On Tuesday 2026-03-10 the feeds plan 1 trips, 50% of the 2 on their busiest day, Thursday 2026-03-12.",
        "1 trips of that day can be ridden: 1 routes, 3 stop times at 3 of 4 stops.",
        "Stop times without a time: 1.",
        "Blank times filled in by straight lines from stop to stop: 1.",
    ]


# Services against a plain loop over days

DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 2, 28))
PERIODS = st.tuples(st.sampled_from("XYZ"), st.tuples(*[st.booleans()] * 7), DAYS, DAYS)
EXCEPTIONS = st.tuples(st.sampled_from("XYZ"), DAYS, st.sampled_from("12"))


@given(st.lists(PERIODS, max_size=4), st.lists(EXCEPTIONS, max_size=8))
def test_services_equal_those_of_a_plain_loop(periods, exceptions):
    weekly = [f"{s},{','.join(str(int(on)) for on in week)},{a:%Y%m%d},{b:%Y%m%d}" for s, week, a, b in periods]
    single = [f"{service},{day:%Y%m%d},{kind}" for service, day, kind in exceptions]
    tables = {"calendar": PLAIN["calendar"].split()[0] + "\n" + lines(*weekly), "calendar_dates": lines(DATES, *single)}
    archive = Archive(Path("made"), {name: table.encode() for name, table in tables.items()})
    services = read_services(archive, dt.date(2026, 1, 15))
    for offset in range(59):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=offset)
        running = {s for s, week, a, b in periods if a <= day <= b and week[day.weekday()]}
        for service, when, kind in exceptions:
            if when == day:
                running = running | {service} if kind == "1" else running - {service}
        assert set(services.ids[services.on(day)]) == running


# Real feeds against counting row by row


def rows_of(path, table):
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{table}.txt").decode("utf-8-sig") if f"{table}.txt" in archive.namelist() else ""
    return list(csv.DictReader(io.StringIO(text), skipinitialspace=True))


def services_on(path, date):
    running = {
        row["service_id"]
        for row in rows_of(path, "calendar")
        if row["start_date"] <= f"{date:%Y%m%d}" <= row["end_date"] and row[WEEKDAYS[date.weekday()]] == "1"
    }
    for row in rows_of(path, "calendar_dates"):
        if row["date"] == f"{date:%Y%m%d}":
            (running.add if row["exception_type"] == "1" else running.discard)(row["service_id"])
    return running


def trips_on(path, date):
    running = services_on(path, date)
    return {row["trip_id"]: row for row in rows_of(path, "trips") if row["service_id"] in running}


def as_seconds(text):
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


REAL = {
    "porto_alegre/poa_eptc.zip": ("2019-05-13", 2374, 130_019, {"blank_times": 125_271, "times_by_line": 125_271}),
    "porto_alegre/poa_trensurb.zip": ("2019-05-13", 529, 6347, {}),
    "laquila/ama_gtfs_2022-02.zip": (
        "2022-02-08",
        621,
        19_527,
        {"on_call": 4, "closed_calls": 1, "duplicate_trips": 1},
    ),
    "monaco/cam_gtfs_2025-12.zip": (
        "2026-01-13",
        1401,
        16_158,
        {"short_trips": 72, "closed_calls": 263, "night_trips": 8},
    ),
    "gtfs_edge_cases/cairns_gtfs.zip": ("2014-07-01", 622, 17_168, {"blank_times": 26, "closed_calls": 68}),
    "gtfs_edge_cases/ruralcommunity-flex-vt-us.zip": (
        "2017-11-14",
        37,
        509,
        {"blank_times": 71, "times_by_distance": 71, "former_flex_trips": 517, "former_flex_areas": 2},
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_feeds_have_the_trips_and_blanks_that_plain_counting_finds(real, name):
    date, planned, calls_kept, expected = REAL[name]
    found = read_gtfs(real(name), date=date)
    trips = trips_on(real(name), found.date)
    rows = [row for row in rows_of(real(name), "stop_times") if row["trip_id"] in trips]
    assert len(trips) == planned == found.service[date]
    assert found.trips.loc[found.trips["day"] == 0, "id"].isin(trips).all()
    assert found.counts["blank_times"] == sum(not row["arrival_time"] for row in rows)
    assert len(found.calls) == calls_kept
    assert {key: found.counts[key] for key in expected} == expected


@pytest.mark.real
def test_real_times_that_the_feed_gives_are_kept(real):
    path = real("laquila/ama_gtfs_2022-02.zip")
    found = read_gtfs(path, date="2022-02-08")
    trips = trips_on(path, found.date)
    table = found.calls.assign(id=found.trips["id"].loc[found.calls["trip"]].to_numpy())
    given = Counter(
        (row["trip_id"], as_seconds(row["arrival_time"]), as_seconds(row["departure_time"]))
        for row in rows_of(path, "stop_times")
        if row["trip_id"] in trips and row["pickup_type"] + row["drop_off_type"] == "00"
    )
    assert Counter(zip(table["id"], table["arrival"], table["departure"], strict=True)) == given


def test_a_column_that_stop_times_lack_takes_a_byte_a_row() -> None:
    rows = b"".join(b"T,S,%d\n" % number for number in range(1000))
    archive = Archive(Path("feed.zip"), {"stop_times": b"trip_id,stop_id,stop_sequence\n" + rows})
    table = read_table(archive, "stop_times", ("trip_id", "stop_id", "stop_sequence"), ("location_id",))
    assert (table["location_id"] == "").all()
    assert list(table["location_id"].str.strip().unique()) == [""]
    assert table["location_id"].memory_usage(index=False, deep=True) < 1_500


@pytest.mark.real
def test_fortaleza_has_8386_blank_times_and_7_past_midnight(real):
    archive = open_feed(real("gtfs_edge_cases/fortaleza.zip"))
    ids = {
        name: pd.Index([row[f"{name}_id"] for row in rows_of(archive.path, f"{name}s")]) for name in ("trip", "stop")
    }
    raw = read_calls(archive, ids["trip"], np.ones(len(ids["trip"]), dtype=bool), ids["stop"])
    fixed, wild = repaired(raw.table, len(ids["trip"]))
    assert (raw.table["blank"].sum(), fixed["midnight"].sum(), fixed["backward"].sum(), wild.sum()) == (8386, 7, 0, 0)


@pytest.mark.real
def test_helsinki_runs_as_often_as_its_frequencies_say(real):
    path = real("helsinki/hsl_gtfs_2022-02-22.zip")
    found = read_gtfs(path, date="2022-02-22")
    often = rows_of(path, "frequencies")
    runs = sum(
        ceil((as_seconds(row["end_time"]) - as_seconds(row["start_time"])) / int(row["headway_secs"])) for row in often
    )
    single = {row["trip_id"] for row in rows_of(path, "trips")} - {row["trip_id"] for row in often}
    assert found.service["2022-02-22"] == runs + len(single) == 12_878
    assert len(found.trips) == 12_878 - 90  # 90 runs of 8 trips on which nobody can get off
    assert found.counts["headway_trips"] == 0
    assert (found.stops["kind"] == 1).sum() == 27
    assert (found.stops["parent"] >= 0).sum() == 106


@pytest.mark.real
def test_a_broken_feed_is_read_and_its_breaks_are_counted(real):
    path = real("gtfs_edge_cases/r5py_test_broken_gtfs.zip")
    with pytest.warns(SiteplanWarning, match="stop times at stops that are not in the feed, left out: 1,409"):
        found = read_gtfs(path, date="2022-03-02")
    stops, routes, trips = (
        {row[f"{name}_id"] for row in rows_of(path, f"{name}s")} for name in ("stop", "route", "trip")
    )
    kept = {id_ for id_, row in trips_on(path, found.date).items() if row["route_id"] in routes}
    rows = rows_of(path, "stop_times")
    assert found.counts["calls_at_unknown_stops"] == sum(
        r["trip_id"] in kept and r["stop_id"] not in stops for r in rows
    )
    assert found.counts["trips_without_times"] == len(kept - {row["trip_id"] for row in rows}) == 117
    assert found.counts["trips_of_unknown_routes"] == 1
    assert found.counts["unknown_parents"] == 51
    assert len(trips) == 401


@pytest.mark.real
def test_two_real_feeds_are_one_timetable(real):
    paths = [real(f"porto_alegre/poa_{name}.zip") for name in ("eptc", "trensurb")]
    found = read_gtfs(paths, date="2019-05-13")
    assert found.trips["feed"].value_counts().to_dict() == {"poa_eptc": 2374, "poa_trensurb": 529}
    assert found.routes["agency"].str[:8].unique().tolist() == ["Empresa ", "TRENSURB"]
    gaps = found.calls["arrival"].to_numpy()[1:] - found.calls["departure"].to_numpy()[:-1]
    assert (gaps[np.diff(found.calls["trip"]) == 0] >= 0).all()


@pytest.mark.real
def test_a_day_of_rest_of_a_real_feed_is_told(real):
    with pytest.raises(
        InputError, match=r"no trip runs on Saturday 2019-05-18.*: Thu 2019-05-16, Fri 2019-05-17, Mon 2019-05-20"
    ):
        read_gtfs(real("porto_alegre/poa_eptc.zip"), date="2019-05-18")
