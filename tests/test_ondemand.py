"""Rides on demand (GTFS-Flex) on a road of 10 km, known by head; the twin of the timetables knows random ones."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from feeds import feed, lines, write_folder
from siteplan.config import Rides
from siteplan.config.changes import LineCut, LineShifted
from siteplan.contours import isochrones
from siteplan.errors import SiteplanWarning, StudyError
from siteplan.inputs.gtfs import read_gtfs
from siteplan.itineraries import itinerary
from siteplan.lines import site_lines
from siteplan.network.edits.lines import edit_timetable
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, build_timetable
from siteplan.times import travel_times
from worlds import METRE_A_SECOND, STREET, World, lonlat, places

DAY = "2026-03-10"
HEAD = "trip_id,stop_id,location_group_id,location_id,stop_sequence,start_pickup_drop_off_window,"
HEAD += "end_pickup_drop_off_window,pickup_type,drop_off_type"
ALL_DAY = ("T1,,,west,1,07:00:00,19:00:00,2,1", "T1,,,east,2,07:00:00,19:00:00,1,2")
# Who is driven 5,020 m at 10 m/s takes 502 s, and waits for a quarter of an hour before.
RIDE = 15 + 502 / 60


def box(first: float, last: float) -> dict[str, Any]:
    """Return a zone along the road, from a metre to another."""
    ring = [(first, -500), (last, -500), (last, 500), (first, 500), (first, -500)]
    return {"type": "Polygon", "coordinates": [lonlat(ring).tolist()]}


ZONES = {"west": box(-100, 2000), "east": box(4000, 6000)}


def flex(folder: Path, *rows: str, head: str = HEAD, zones: Any = None, **tables: Any) -> Path:
    """Write a feed of rides on demand alone: stops A and B at 100 and 5,000 m, zones to 2 km and from 4 to 6 km."""
    degrees = lonlat([(100, 0), (5000, 0)])
    stops = [f"{name},{name},{lat:.9f},{lon:.9f}" for name, (lon, lat) in zip("AB", degrees, strict=True)]
    tables = {
        "stops": lines("stop_id,stop_name,stop_lat,stop_lon", *stops),
        "location_group_stops": lines("location_group_id,stop_id", "both,A", "both,B"),
        "stop_times": lines(head, *rows),
        **tables,
    }
    path = write_folder(folder / f"flex{len(list(folder.iterdir()))}", feed(**tables))
    shapes = [{"type": "Feature", "id": name, "geometry": shape} for name, shape in (zones or ZONES).items()]
    (path / "locations.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": shapes}))
    return path


@cache
def road() -> StreetNetwork:
    return World({n: (100.0 * n, 0.0) for n in range(101)}, [(STREET, list(range(101)))]).streets()


@cache
def on_the_road(path: Path) -> Timetable:
    return build_timetable(read_gtfs(path, date=DAY), road())


def minutes(path: Path, home: float = 40, site: float = 5060, direction: Any = "to", **how: Any) -> list[float]:
    """Return the median, the quartiles and the share between a site and a home, on foot at a metre a second."""
    transit = on_the_road(path)
    mode = Rides(walk=METRE_A_SECOND, on_demand_kmh=36, direct_walk_minutes=1).with_(**how)
    ends = (places([(site, 0.0)]), places([(home, 0.0)]))
    table = travel_times(transit.streets, *ends, mode=mode, minutes=60, transit=transit, direction=direction)
    return [] if table.empty else table.iloc[0][["minutes", "minutes_p25", "minutes_p75", "share"]].tolist()


def near(value: float) -> Any:
    """Return a value to within a decisecond of each of the roundings along the way."""
    return pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(("direction", "home", "site"), [("to", 40, 5060), ("from", 5060, 40)])
def test_a_ride_is_a_wait_and_the_drive_at_any_minute_of_its_windows(tmp_path, direction, home, site):
    path = flex(tmp_path, *ALL_DAY)
    assert minutes(path, home, site, direction) == [near(RIDE), near(RIDE), near(RIDE), 1]
    assert minutes(path, home, site, direction, on_demand_wait_minutes=2.5) == [near(RIDE - 12.5)] * 3 + [1]
    # Nobody is picked up in the east, or beyond the zones; without a wait said nobody rides on demand.
    other = "from" if direction == "to" else "to"
    assert minutes(path, home, site, other) == minutes(path, 3000, 5060) == minutes(path, 40, 3900) == []
    assert minutes(path, home, site, direction, on_demand_wait_minutes=None) == []


def test_windows_open_and_close(tmp_path):
    path = flex(tmp_path, "T1,,,west,1,08:00:00,19:00:00,2,1", "T1,,,east,2,07:00:00,08:30:00,1,2")
    # Picked up at 8:00 at the soonest, one is there at 8:08:22, and until 8:30. Who must be there later waits there.
    assert minutes(path, window="08:08:20") == []
    assert minutes(path, window="08:08:23")[0] == minutes(path, window="08:30")[0] == near(RIDE)
    assert minutes(path, window="08:40")[0] == near(RIDE + 10)
    assert minutes(path, window="08:40", first_wait="planned", plan_minutes=10)[0] == near(RIDE)
    assert minutes(path, window="08:40", first_wait="planned", plan_minutes=4)[0] == near(RIDE + 6)
    # Away from a site at 40 m one waits from 7:30 until 7:45, is picked up at 8:00, and before 8:21:38 at the latest.
    away: dict[str, Any] = {"home": 5060, "site": 40, "direction": "from"}
    assert minutes(path, **away, window="07:30")[0] == near(RIDE + 15)
    assert minutes(path, **away, window="08:06:37")[0] == near(RIDE)
    assert minutes(path, **away, window="08:06:39") == []


def test_stops_are_walked_to(tmp_path):
    # A minute to A, the wait, 4,900 m in 490 s, a minute from B. A ride to the stop itself is none.
    rows = ("T1,,both,,1,07:00:00,19:00:00,2,1", "T1,,both,,2,07:00:00,19:00:00,1,2")
    path = flex(tmp_path, *rows)
    assert minutes(path)[0] == near(1 + 15 + 490 / 60 + 1)
    assert minutes(path, max_walk_minutes=0.9) == minutes(path, max_total_walk_minutes=1.9) == []
    assert minutes(path, max_total_walk_minutes=2.1)[0] == near(17 + 490 / 60)
    # From the zone to the one stop.
    path = flex(tmp_path, ALL_DAY[0], "T1,B,,,2,07:00:00,19:00:00,1,2")
    assert minutes(path, home=1000)[0] == near(15 + 400 / 60 + 1)


def test_a_feed_says_how_long_a_ride_takes(tmp_path):
    def trips(column: str, value: str) -> str:
        return lines(f"route_id,service_id,trip_id,{column}", f"R,WD,T1,{value}")

    safe = {"trips": trips("safe_duration_factor,safe_duration_offset", "1.5,90")}
    assert minutes(flex(tmp_path, *ALL_DAY, **safe))[0] == near(15 + 1.5 * 502 / 60 + 1.5)
    # What a row says as its mean, in minutes, comes before.
    head = HEAD + ",mean_duration_factor,mean_duration_offset"
    path = flex(tmp_path, ALL_DAY[0] + ",2,3", ALL_DAY[1] + ",,", head=head, **safe)
    assert minutes(path)[0] == near(15 + 2 * 502 / 60 + 3)
    path = flex(tmp_path, *ALL_DAY, trips=trips("safe_duration_factor", "-1"))
    with pytest.warns(SiteplanWarning, match="below 0, taken as the direct drive: 2"):
        assert minutes(path)[0] == near(RIDE)


def test_the_former_form_is_ridden_within_an_area(tmp_path):
    head = "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type,"
    head += "start_service_area_id,end_service_area_id"
    rows = ("T1,8:00:00,8:00:00,A,1,2,2,7,", "T1,8:30:00,8:30:00,B,2,2,2,,7")
    ring = ", ".join(f"{lon} {lat}" for lon, lat in box(-100, 6000)["coordinates"][0])
    tables = {
        "trips": lines("route_id,service_id,trip_id,drt_avg_travel_time", "R,WD,T1,2t + 1"),
        "areas": lines("area_id,wkt", f'7,"POLYGON(({ring}))"'),
    }
    path = flex(tmp_path, *rows, head=head, **tables)
    assert minutes(path, window="08:30")[0] == near(15 + 2 * 502 / 60 + 1)
    assert minutes(path, window="08:17") == []  # 17.7 minutes after 8:00 at the soonest
    counts = {key: count for key, count in read_gtfs(path, date=DAY).counts.items() if count}
    assert counts == {"flex_zones": 2, "flex_trips": 1, "former_flex_areas": 1, "former_flex_trips": 1}


def test_what_is_not_ridden_is_counted(tmp_path):
    rows = [
        *ALL_DAY,
        "T2,,,west,1,07:00:00,19:00:00,2,1",  # nowhere to get off
        "T3,,,north,1,07:00:00,19:00:00,2,2",  # no such zone
        "T3,,,east,2,07:00:00,19:00:00,2,2",
        "T4,,,west,1,,19:00:00,2,2",  # no window
        "T4,,,east,2,07:00:00,19:00:00,2,2",
        "T5,A,,,1,,,0,0",  # on its way between two timed stops
        "T5,,,west,2,07:00:00,08:00:00,2,2",
        "T5,B,,,3,,,0,0",
    ]
    timed = {7: ",08:00:00", 9: ",08:10:00"}
    head = f"{HEAD},departure_time"
    trips = lines("route_id,service_id,trip_id", *(f"R,WD,T{k}" for k in range(1, 6)))
    zones = {**ZONES, "flat": {"type": "Point", "coordinates": [3, 45]}}
    path = flex(tmp_path, *(row + timed.get(k, ",") for k, row in enumerate(rows)), head=head, zones=zones, trips=trips)
    with pytest.warns(SiteplanWarning) as said:
        found = read_gtfs(path, date=DAY)
    assert {key: count for key, count in found.counts.items() if count} == {
        "flex_zones": 3,
        "bad_flex_zones": 1,
        "flex_rows": 8,
        "flex_beside": 1,
        "flex_trips": 1,
        "flex_unridden": 3,
    }
    assert "on demand without two known places, each with a time window, not ridden: 3" in str(said[0])
    assert found.trips["id"].tolist() == ["T5"]
    assert len(found.on_demand.rides) == 1


@pytest.mark.parametrize("direction", ["to", "from"])
def test_an_itinerary_tells_the_ride(tmp_path, direction):
    transit = on_the_road(flex(tmp_path, ALL_DAY[0], "T1,B,,,2,08:00:00,08:20:00,1,2"))
    mode = Rides(walk=METRE_A_SECOND, on_demand_kmh=36, window="08:30" if direction == "to" else "07:30")
    ends = (places([(1000, 0.0)]), places([(5060, 0.0)]))
    home, site = ends if direction == "to" else ends[::-1]
    found = itinerary(transit, home, site, mode=mode, direction=direction)
    # At 8:30 one has been there since 8:21; at 7:30 one could not be at the stop sooner than 8:00.
    assert found is not None
    drive, wait, late = 400 / 60, 15 if direction == "to" else 30 - 400 / 60, 9 if direction == "to" else 0
    told = list(zip(found.legs["leg"], found.legs["start"], found.legs["end"], found.legs["minutes"], strict=True))
    first, last = ("home", "site") if direction == "to" else ("site", "home")
    assert told == [
        ("wait", first, first, near(wait)),
        ("ride", first, "B", near(drive)),
        ("metre", "B", last, near(1)),
        *([("wait", last, last, near(late))] if late else []),
    ]
    assert found.minutes == near(wait + drive + 1 + late) == near(found.legs["minutes"].sum())
    assert found.legs["line"][1] == "9"
    assert found.legs["metres"][1] == pytest.approx(4000, abs=1)


def test_lines_are_those_of_the_timetable_and_isochrones_leave_rides_on_demand_out(tmp_path):
    transit = on_the_road(flex(tmp_path, *ALL_DAY))
    mode = Rides(walk=METRE_A_SECOND, on_demand_kmh=36)
    site, home = places([(5060, 0.0)]), places([(40, 0.0)], people=[7.0])
    assert site_lines(transit, site, home, mode=mode).lines.empty
    with pytest.warns(SiteplanWarning, match="isochrones: rides on demand"):
        rings = isochrones(transit.streets, site, mode=mode, minutes=[30], transit=transit)
    assert not rings.geometry.iloc[0].intersects(home.geometry.iloc[0].buffer(10))
    cut = edit_timetable(transit, [LineShifted(shift="9", minutes=30)]).feed.on_demand.rides
    assert (cut["on_first"] - transit.feed.on_demand.rides["on_first"]).tolist() == [1800]
    with pytest.raises(StudyError, match="no line runs any more"):
        edit_timetable(transit, [LineCut(cut="9")])


def test_two_feeds_keep_their_places_and_stops_apart(tmp_path):
    groups = ("T1,,both,,1,07:00:00,19:00:00,2,1", "T1,,both,,2,07:00:00,19:00:00,1,2")
    paths = [flex(tmp_path, *ALL_DAY), flex(tmp_path, *groups)]
    both = read_gtfs(paths, date=DAY).on_demand
    assert both.rides[["route", "on", "off"]].to_numpy().tolist() == [[0, 0, 1], [1, 5, 5]]
    assert [zone is not None for zone in both.zones] == [True, True, False, True, True, False]
    assert both.stops.to_numpy().tolist() == [[2, 0], [2, 1], [5, 2], [5, 3]]
