"""Changes of streets, lines, people and sites: each against a full run on inputs that were written changed."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

import feeds
from siteplan.changed import changed_times
from siteplan.config import BIKE, WALK, Profile, Rides, Study
from siteplan.config.changes import (
    CommuneGrown,
    HomesBuilt,
    LineAdded,
    LineCut,
    LineEvery,
    LineShifted,
    SiteClosed,
    SiteMoved,
    SiteOpened,
    SiteResized,
    StopMoved,
    StreetAdded,
    StreetClosed,
    StreetTagged,
)
from siteplan.errors import StudyError
from siteplan.inputs.edits import edit_people, edit_sites, patched_times
from siteplan.inputs.population import read_population
from siteplan.network.edits import edit_streets, edit_timetable, lines, touched_sites
from siteplan.network.kept import kept_edges, linked
from siteplan.network.people import place_people
from siteplan.network.slope import Climb
from siteplan.network.snapping import link
from siteplan.network.streets import StreetNetwork, read_streets
from siteplan.network.transit import Timetable, build_timetable, read_transit
from siteplan.times import travel_times
from tests.asking import quiet
from worlds import UTM, lonlat, places

PUSHED = BIKE.model_copy(update={"name": "pushed", "push": True})
MODES: tuple[Profile, ...] = (WALK, BIKE, PUSHED)
TO_UTM = Transformer.from_crs(4326, UTM, always_xy=True)
STREET = {"highway": "residential"}


@dataclass
class Town:
    """An OpenStreetMap file as nodes (degrees) and ways (id: tags, nodes), written as XML."""

    nodes: dict[int, tuple[float, float]] = field(default_factory=dict)
    ways: dict[int, tuple[dict[str, str], list[int]]] = field(default_factory=dict)

    def copy(self) -> "Town":
        return Town(dict(self.nodes), {way: (dict(tags), list(refs)) for way, (tags, refs) in self.ways.items()})

    def write(self, path: Path) -> StreetNetwork:
        rows = ['<osm version="0.6">']
        rows += [f'<node id="{n}" version="1" lon="{x:.7f}" lat="{y:.7f}"/>' for n, (x, y) in self.nodes.items()]
        for way, (tags, refs) in self.ways.items():
            inside = "".join(f'<nd ref="{n}"/>' for n in refs)
            inside += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
            rows.append(f'<way id="{way}" version="1">{inside}</way>')
        path.write_text("\n".join([*rows, "</osm>"]))
        return read_streets(path)

    def insert(self, way: int, at: tuple[float, float]) -> int:
        """Put a node into a way where it is nearest to a place (degrees), and return it."""
        refs = self.ways[way][1]
        xy = [TO_UTM.transform(*self.nodes[n]) for n in refs]
        point = shapely.Point(TO_UTM.transform(*at))
        k = int(np.argmin([shapely.LineString(xy[i : i + 2]).distance(point) for i in range(len(xy) - 1)]))
        segment = shapely.LineString(xy[k : k + 2])
        spot = segment.interpolate(segment.project(point))
        lon, lat = TO_UTM.transform(spot.x, spot.y, direction="INVERSE")
        new = max(self.nodes) + 1
        self.nodes[new] = (round(lon, 7), round(lat, 7))
        refs.insert(k + 1, new)
        return new


def grid(size: int = 9, step: float = 170.0) -> Town:
    """Return a crooked grid: ways 1.. are rows, 101.. columns; some are one-way, for one mode only, or private."""
    random = np.random.default_rng(7)
    xy = [(step * (k % size), step * (k // size)) for k in range(size * size)]
    xy = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(xy, random.uniform(-30, 30, (len(xy), 2)), strict=True)]
    town = Town({k + 1: (round(x, 7), round(y, 7)) for k, (x, y) in enumerate(lonlat(xy).tolist())})
    kinds = [
        STREET,
        {**STREET, "oneway": "yes"},
        {"highway": "footway"},
        {"highway": "cycleway"},
        {"highway": "service", "access": "private"},
        {"highway": "steps"},
    ]
    for row in range(size):
        town.ways[1 + row] = (dict(kinds[[0, 1, 0, 2, 0, 3, 4, 0, 0][row]]), [row * size + c + 1 for c in range(size)])
        town.ways[101 + row] = (
            dict(kinds[[0, 0, 1, 0, 5, 0, 3, 0, 2][row]]),
            [r * size + row + 1 for r in range(size)],
        )
    town.ways[201] = ({"highway": "construction"}, [1, size + 2, 2 * size + 3])
    return town


def folk(count: int = 150, seed: int = 3) -> gpd.GeoDataFrame:
    random = np.random.default_rng(seed)
    people = places([tuple(at) for at in random.uniform(-100, 1460, (count, 2)).tolist()], people=1.0)
    people.index.name = "point"
    return people


def sites(count: int = 12) -> gpd.GeoDataFrame:
    found = folk(count, 11)
    return found.set_axis(pd.Index([f"s{k}" for k in range(count)], name="site"))


def all_times(streets: StreetNetwork, limit: float = 8, **how: Any) -> pd.DataFrame:
    """Return the times of all modes, both ways."""
    with quiet():
        return pd.concat(
            [
                travel_times(streets, sites(), folk(), mode=mode, minutes=limit, direction=way, **how).assign(way=way)
                for mode in MODES
                for way in ("to", "from")
            ],
            ignore_index=True,
        )


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_categorical=False)


def near(x: float, y: float) -> tuple[float, float]:
    """Return a place in metres as degrees."""
    return tuple(lonlat([(x, y)])[0].tolist())


def add_bridge(town: Town) -> StreetAdded:
    """Put a cycle bridge between the middles of two streets, over the rows between."""
    start, end = near(260, 10), near(930, 690)
    a, b = town.insert(1, start), town.insert(5, end)
    town.ways[900] = ({"highway": "cycleway", "bridge": "yes", "foot": "yes"}, [a, b])
    return StreetAdded(add=(start, end), tags=town.ways[900][0], snap_m=60)


def add_crossing(town: Town) -> StreetAdded:
    """Put a street between two streets, across a third."""
    start, end = near(260, 515), near(250, 855)
    line = shapely.LineString([start, end])
    drawn, across = (
        shapely.LineString([TO_UTM.transform(*at) for at in ends])
        for ends in (line.coords, [town.nodes[n] for n in town.ways[5][1]])
    )
    met = drawn.intersection(across)
    middle = town.insert(5, TO_UTM.transform(met.x, met.y, direction="INVERSE"))
    town.ways[901] = (dict(STREET), [town.insert(4, start), middle, town.insert(6, end)])
    return StreetAdded(add=(start, end), tags=STREET, snap_m=60)


def close(town: Town) -> StreetClosed:
    del town.ways[3]
    return StreetClosed(close=3)


def close_on_foot(town: Town) -> StreetClosed:
    town.ways[5][0]["foot"] = "no"
    return StreetClosed(close=near(430, 680), mode="walk")


def open_site_road(town: Town) -> StreetTagged:
    town.ways[201][0]["highway"] = "residential"
    return StreetTagged(tag=201, tags={"highway": "residential"})


def both_ways(town: Town) -> StreetTagged:
    town.ways[2][0]["oneway:bicycle"] = "no"
    return StreetTagged(tag=2, tags={"oneway:bicycle": "no"})


def no_longer_private(town: Town) -> StreetTagged:
    del town.ways[7][0]["access"]
    return StreetTagged(tag=7, tags={"access": None})


CHANGES = [add_bridge, add_crossing, close, close_on_foot, open_site_road, both_ways, no_longer_private]


@pytest.mark.parametrize("make", [[one] for one in CHANGES] + [CHANGES], ids=[*(c.__name__ for c in CHANGES), "all"])
def test_changed_streets_are_those_of_the_changed_file(make: list[Any], tmp_path: Path) -> None:
    town = grid()
    before = town.write(tmp_path / "before.osm")
    base = all_times(before)
    changed = town.copy()
    edited = edit_streets(before, [one(changed) for one in make])
    full = changed.write(tmp_path / "after.osm")
    for name in ("u", "v", "x", "y", "start", "length"):
        one, other = (np.sort(getattr(net, name)) for net in (edited, full))
        assert len(one) == len(other)
        if name in ("x", "y", "length"):
            assert (one == other).all(), name
    times = all_times(edited)
    same(times, all_times(full))
    assert not times.equals(base)  # the change matters
    same(base, all_times(before))  # and has left the old streets alone


@pytest.mark.parametrize("make", [[one] for one in CHANGES] + [CHANGES], ids=[*(c.__name__ for c in CHANGES), "all"])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_only_touched_sites_need_a_new_search(mode: Profile, make: list[Any], tmp_path: Path) -> None:
    town = grid()
    before = town.write(tmp_path / "before.osm")
    edited = edit_streets(before, [one(town) for one in make])
    where, homes = sites(), folk()
    with quiet():
        for way in ("to", "from"):
            how: dict[str, Any] = {"mode": mode, "minutes": 4, "direction": way}
            touched = touched_sites(before, edited, where, homes, **how)
            base = travel_times(before, where, homes, **how)
            fresh = travel_times(edited, where.loc[touched], homes, **how)
            full = travel_times(edited, where, homes, **how)
            same(patched_times(base, fresh, touched, homes.index), full)
            if len(make) == 1 and mode is WALK:
                assert len(touched) < len(where)  # some far away are left alone


def test_nothing_is_touched_where_nothing_changed(tmp_path: Path) -> None:
    town = grid()
    before, again = town.write(tmp_path / "one.osm"), town.write(tmp_path / "two.osm")
    with quiet():
        assert not len(touched_sites(before, again, sites(), folk(), mode="walk", minutes=20))


def test_a_mode_that_does_not_mind_the_change_is_left_alone(tmp_path: Path) -> None:
    town = grid()
    before = town.write(tmp_path / "before.osm")
    edited = edit_streets(before, [both_ways(town)])
    with quiet():
        assert not len(touched_sites(before, edited, sites(), folk(), mode="walk", minutes=20))
        assert len(touched_sites(before, edited, sites(), folk(), mode="bike", minutes=20))


def test_a_street_joins_those_it_crosses_and_a_bridge_does_not(tmp_path: Path) -> None:
    town = Town(dict(enumerate(map(near, (0, 200, 0, 200, 0, 200), (0, 0, 100, 100, 200, 200)), 1)))
    town.ways = {k: (STREET, [2 * k - 1, 2 * k]) for k in (1, 2, 3)}
    streets = town.write(tmp_path / "three.osm")
    line = (near(100, 0), near(100, 200))
    joined = edit_streets(streets, [StreetAdded(add=line, tags=STREET)])
    over = edit_streets(streets, [StreetAdded(add=line, tags={**STREET, "bridge": "yes"})])
    assert (len(streets.u), len(joined.u), len(over.u)) == (3, 8, 6)
    home, site = places([(0.0, 100.0)]), places([(100.0, 200.0)])
    on_foot = WALK.model_copy(update={"speed_kmh": 3.6, "access_kmh": 3.6})
    with quiet():
        times = travel_times(joined, site, home, mode=on_foot, minutes=60)
    assert times["minutes"].tolist() == [pytest.approx(200 / 60, abs=0.01)]


def test_changes_chain(tmp_path: Path) -> None:
    town = grid()
    before = town.write(tmp_path / "before.osm")
    first, second = near(260, 10), near(300, 250)
    third = near(420, 90)
    spur = StreetAdded(add=(first, second), tags=STREET, crossings=False, snap_m=100)
    branch = StreetAdded(add=(near(280, 130), third), tags=STREET, snap_m=40)
    edited = edit_streets(before, [spur, branch])
    assert {-1, -2} <= set(edited.way_id.tolist())
    meets = {n for way in (-1, -2) for n in np.concatenate([edited.u, edited.v])[np.tile(edited.way_id == way, 2)]}
    assert len(meets) < 2 * int(np.isin(edited.way_id, [-1, -2]).sum())  # the second begins on the first


LINE = ((3.0, 45.0), (3.001, 45.001))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([StreetClosed(close=4711)], "change 1 .close a street.: .* no street with the id 4711"),
        ([StreetClosed(close=(3.5, 45.5))], "no street within 50 m of 3.50000, 45.50000"),
        (
            [StreetClosed(close=1), StreetTagged(tag=1, tags={"oneway:bicycle": "no"})],
            "changes 1 and 2: both change way 1",
        ),
        ([StreetClosed(close=1, mode="walk"), StreetTagged(tag=1, tags={"foot": "yes"})], "in its tag 'foot'"),
        ([StreetTagged(tag=1, tags={"surface": "mud"})], "'surface' changes nothing here"),
        ([StreetAdded(add=LINE, tags={"highway": "motorway"})], "make no street"),
        ([StreetAdded(add=LINE, tags={})], "make no street"),
        ([StreetAdded(add=(LINE[0], LINE[0]), tags=STREET)], "a line of some length"),
        ([StreetAdded(add=((3.5, 45), (3.6, 45)), tags=STREET)], "neither of its ends has a street"),
    ],
)
def test_a_change_of_streets_that_cannot_be_meant(changes: list[Any], said: str, tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    with pytest.raises(StudyError, match=said):
        edit_streets(streets, changes)


def test_a_line_that_meets_itself_and_nothing_else_is_put_in(tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    spurs = ((near(260, 10), near(255, 70)), (near(90, 10), near(95, 70)))
    two = [StreetAdded(add=spur, tags=STREET) for spur in spurs]
    assert {-1, -2} <= set(edit_streets(streets, two).way_id.tolist())


def test_slopes_are_read_again(tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    flat = np.ones((len(streets.u), 2))
    with pytest.raises(StudyError, match="give the terrain model again"):
        edit_streets(replace(streets, climb=Climb(flat, flat)), [StreetClosed(close=1)])


def test_streets_without_a_file_are_not_changed(tmp_path: Path) -> None:
    streets = replace(grid().write(tmp_path / "town.osm"), source="an OSMnx graph")
    with pytest.raises(StudyError, match="no OpenStreetMap file"):
        edit_streets(streets, [StreetClosed(close=1)])


# Timetables -----------------------------------------------------------------------------------------------------------

STOPS = {f"P{k}": near(170.0 * k + 20, 170.0 * (k % 3) + 15) for k in range(9)}
SLOW = Profile(name="slow", rules="walk", speed_kmh=1.5)
BY_BUS = Rides(window=("08:00", "08:40"), max_walk_minutes=10, walk=SLOW)


def clock(minutes: float) -> str:
    seconds = round(minutes * 60)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@dataclass
class Buses:
    """A GTFS feed as stops, and trips as (line, [(stop, minutes), ...]), written as text."""

    stops: dict[str, tuple[float, float]]
    trips: list[tuple[str, list[tuple[str, float]]]]

    def write(self, path: Path) -> Path:
        routes = sorted({line for line, _ in self.trips})
        calls = [
            f"T{k},{clock(at)},{clock(at)},{stop},{n}"
            for k, (_, ride) in enumerate(self.trips)
            for n, (stop, at) in enumerate(ride)
        ]
        tables: dict[str, Any] = {
            **feeds.PLAIN,
            "stops": feeds.lines("stop_id,stop_name,stop_lat,stop_lon", *self._stops()),
            "routes": feeds.lines("route_id,route_short_name,route_type", *(f"{r},{r} line,3" for r in routes)),
            "trips": feeds.lines(
                "route_id,service_id,trip_id", *(f"{line},WD,T{k}" for k, (line, _) in enumerate(self.trips))
            ),
            "stop_times": feeds.lines("trip_id,arrival_time,departure_time,stop_id,stop_sequence", *calls),
        }
        return feeds.write_zip(path, tables)

    def _stops(self) -> list[str]:
        return [f"{stop},{stop},{lat!r},{lon!r}" for stop, (lon, lat) in self.stops.items()]


def ride(stops: list[str], start: float, step: float = 2) -> list[tuple[str, float]]:
    return [(stop, start + step * k) for k, stop in enumerate(stops)]


def buses() -> Buses:
    """Return line A along P0 to P4 and back, now and then, with a short one; line B from P4 on to P8."""
    there, on = [f"P{k}" for k in range(5)], [f"P{k}" for k in range(4, 9)]
    trips = [("A", ride(there, at)) for at in (423, 447, 471, 511, 640)]
    trips += [("A", ride(there[::-1], at)) for at in (430, 466, 500)]
    trips += [("A", ride(there[:3], 485))]
    trips += [("B", ride(on, at)) for at in (440, 480, 520)] + [("B", ride(on[::-1], at, 3)) for at in (450, 490)]
    return Buses(dict(STOPS), trips)


def cut(feed: Buses) -> LineCut:
    feed.trips = [trip for trip in feed.trips if trip[0] != "A"]
    return LineCut(cut="A line")


def shift(feed: Buses) -> LineShifted:
    feed.trips = [(x, [(s, at + 7 * (x == "B")) for s, at in calls]) for x, calls in feed.trips]
    return LineShifted(shift="B", minutes=7)


def run_every(feed: Buses) -> LineEvery:
    """Line A every 10 minutes from 7:00 to 8:30: the trips that leave then give way; 10:40 stays."""
    feed.trips = [t for t in feed.trips if not (t[0] == "A" and 420 <= t[1][0][1] < 510)]
    there = [f"P{k}" for k in range(5)]
    feed.trips += [("A", ride(stops, at)) for stops in (there, there[::-1]) for at in range(420, 510, 10)]
    return LineEvery(every="A", minutes=10, hours=("07:00", "08:30"))


def new_line(feed: Buses) -> LineAdded:
    feed.stops["new"] = near(700, 900)
    stops, after = ["P0", "new", "P4"], (0, 1, 3)
    for order, times in ((stops, after), (stops[::-1], (0, 2, 3))):
        for at in range(430, 520, 5):
            feed.trips.append(("C", [(s, at + t) for s, t in zip(order, times, strict=True)]))
    return LineAdded(add="C", stops=("P0", near(700, 900), "P4"), minutes=after, every=5, hours=("07:10", "08:40"))


def move(feed: Buses) -> StopMoved:
    feed.stops["P3"] = near(900, 500)
    return StopMoved(move="P3", place=feed.stops["P3"])


LINE_CHANGES = [cut, shift, run_every, new_line, move]


def on_streets(feed: Path, streets: StreetNetwork) -> Timetable:
    with quiet():
        return read_transit(feed, streets, date=feeds.DAY)


def by_bus(transit: Timetable) -> pd.DataFrame:
    with quiet():
        return pd.concat(
            [
                travel_times(
                    transit.streets, sites(), folk(), mode=BY_BUS, minutes=25, transit=transit, direction=way
                ).assign(way=way)
                for way in ("to", "from")
            ],
            ignore_index=True,
        )


@pytest.mark.parametrize(
    "make",
    [[one] for one in LINE_CHANGES] + [[shift, run_every, new_line, move]],
    ids=[*(c.__name__ for c in LINE_CHANGES), "all"],
)
def test_a_changed_timetable_is_that_of_the_changed_feed(make: list[Any], tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    feed = buses()
    before = on_streets(feed.write(tmp_path / "before.zip"), streets)
    base = by_bus(before)
    changes = [one(feed) for one in make]
    full = on_streets(feed.write(tmp_path / "after.zip"), streets)
    edited = edit_timetable(before, changes)
    times = by_bus(edited)
    same(times, by_bus(full))
    assert edited.counts == full.counts
    assert len(times) != len(base) or not times.equals(base)
    same(base, by_bus(before))
    with quiet():
        again = edit_timetable(before, changes, streets=edit_streets(streets, [StreetClosed(close=3)]))
        same(by_bus(again), by_bus(build_timetable(full.feed, again.streets)))


def test_stops_that_stay_are_not_linked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streets = grid().write(tmp_path / "town.osm")
    before = on_streets(buses().write(tmp_path / "feed.zip"), streets)
    linked: list[int] = []
    from siteplan.network import transit as network_transit

    plain = network_transit.linked
    monkeypatch.setattr(network_transit, "linked", lambda s, p, *how: (linked.append(len(p)), plain(s, p, *how))[1])
    edit_timetable(before, [LineCut(cut="A")])
    edit_timetable(before, [StopMoved(move="P3", place=near(900, 500))])
    assert linked == [1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([LineCut(cut="Z")], "change 1 .cut line 'Z'.: no line is called 'Z'"),
        ([StopMoved(move="P33", place=(3.0, 45.0))], "no stop has the id 'P33'.*P3"),
        (
            [LineCut(cut="A"), LineShifted(shift="A line", minutes=5)],
            "changes 1 and 2: cut line 'A' and shift line 'A line' contradict",
        ),
        (
            [
                LineEvery(every="A", minutes=10, hours=("07:00", "08:00")),
                LineEvery(every="A", minutes=5, hours=("07:50", "08:20")),
            ],
            "contradict",
        ),
        ([LineShifted(shift="A", minutes=2000)], "less than a day"),
        ([StopMoved(move="P3", place=(3.0, 45.0)), StopMoved(move="P3", place=(3.0, 45.0))], "contradict"),
        ([LineAdded(add="A", stops=("P1", "P2"), minutes=(0, 1), every=10, hours=("07:00", "08:00"))], "runs already"),
        (
            [LineAdded(add="D", stops=("P1", "P99"), minutes=(0, 1), every=10, hours=("07:00", "08:00"))],
            "no stop has the id 'P99'",
        ),
        (
            [LineAdded(add="D", stops=("P1", "P2"), minutes=(0, 1, 2), every=10, hours=("07:00", "08:00"))],
            "2 stops and 3 times",
        ),
        (
            [LineAdded(add="D", stops=("P1", "P2"), minutes=(3, 1), every=10, hours=("07:00", "08:00"))],
            "0 first, and never falling",
        ),
        ([LineCut(cut="A"), LineCut(cut="B")], "no line runs any more"),
    ],
)
def test_a_change_of_lines_that_cannot_be_meant(changes: list[Any], said: str, tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    timetable = on_streets(buses().write(tmp_path / "feed.zip"), streets)
    with pytest.raises(StudyError, match=said):
        edit_timetable(timetable, changes)


def test_a_line_twice_as_often_in_one_part_of_the_day_and_less_in_another(tmp_path: Path) -> None:
    streets = grid().write(tmp_path / "town.osm")
    timetable = on_streets(buses().write(tmp_path / "feed.zip"), streets)
    both = [
        LineEvery(every="B", minutes=10, hours=("07:00", "08:00")),
        LineEvery(every="B", minutes=60, hours=("08:00", "10:00")),
    ]
    feed = edit_timetable(timetable, both).feed
    leaves = feed.calls.groupby("trip")["departure"].first() / 60
    from_p4 = (feed.calls.groupby("trip")["stop"].first() == 4) & (feed.trips["route"] == 1) & (feed.trips["day"] == 0)
    assert sorted(leaves[from_p4].tolist()) == [*range(420, 480, 10), 480, 540]


# People and sites -----------------------------------------------------------------------------------------------------


def cells() -> gpd.GeoDataFrame:
    table = places([(100.0 * k, 50.0) for k in range(6)], people=[10.0, 20, 30, 40, 50, np.nan], workers=5.0)
    table.index.name = "cell"
    return table


COMMUNES = pd.Series(["North", "North", "South", "South", None, "South"], index=range(6))


def test_people_grow_and_new_homes_are_built(tmp_path: Path) -> None:
    before = cells()
    estate = HomesBuilt(build="Quay", people=120, place=near(300, 300), groups={"workers": 60})
    after, totals = edit_people(
        before, [CommuneGrown(grow="North", factor=1.5), CommuneGrown(grow="South", plus=-7), estate], communes=COMMUNES
    )
    assert after["people"].tolist()[:5] == [15, 30, 27, 36, 50]
    assert np.isnan(after["people"][5])
    assert after.loc[6, ["people", "workers"]].tolist() == [120, 60]
    assert after["workers"].tolist()[:3] == [7.5, 7.5, 4.5]
    assert totals == {"before": 150, "grown": pytest.approx(8), "new_homes": 120, "after": pytest.approx(278)}
    pd.testing.assert_frame_equal(before, cells())
    streets = grid().write(tmp_path / "town.osm")
    points = [place_people(table, streets) for table in (before, after)]
    # The points of the cells that were there keep their numbers, so that their times can be kept.
    assert points[1].loc[points[0].index, "cell"].tolist() == points[0]["cell"].tolist()
    assert points[1].geometry.iloc[: len(points[0])].equals(points[0].geometry)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([CommuneGrown(grow="East", factor=2)], "change 1 .people of 'East'.: no cell lies in a commune of that name"),
        ([CommuneGrown(grow="North")], "give either factor"),
        ([CommuneGrown(grow="North", plus=-31)], "only 30 people live there"),
        (
            [CommuneGrown(grow="North", factor=2), CommuneGrown(grow="North", plus=3)],
            "changes 1 and 2: both are for 'North'",
        ),
        ([HomesBuilt(build="Quay", people=1, place=(3, 45), groups={"pupils": 1})], "no group 'pupils'"),
    ],
)
def test_a_change_of_people_that_cannot_be_meant(changes: list[Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        edit_people(cells(), changes, communes=COMMUNES)


def test_people_of_communes_that_nobody_knows() -> None:
    with pytest.raises(StudyError, match="no communes are known"):
        edit_people(cells(), [CommuneGrown(grow="North", factor=2)])


@pytest.mark.parametrize("place", [(3, 45), ((3, 45), (3.002, 45), (3.002, 45.001), (3, 45.001))])
def test_new_homes_are_drawn_as_the_other_cells_are(place: Any) -> None:
    estate = HomesBuilt(build="Quay", people=1, place=place)
    middle = shapely.Point(place) if isinstance(place[0], int) else shapely.Polygon(place).centroid
    for table, kind in ((cells(), "Point"), (cells().set_geometry(cells().buffer(20)), "Polygon")):
        after, _ = edit_people(table, [estate])
        assert after.geom_type.tolist() == [kind] * 7
        assert after.geometry.centroid.to_crs(4326).iloc[-1].distance(middle) < 1e-6


def offices() -> gpd.GeoDataFrame:
    names = ["a", "b", "c"]
    status = ["candidate", "existing", "excluded"]
    table = places(
        [(0.0, 0.0), (300.0, 0.0), (600.0, 0.0)], names, name=names, status=status, cost=1.0, capacity=np.nan
    )
    table.index.name = "site"
    return table


def test_sites_open_close_move_and_grow() -> None:
    before = offices()
    after = edit_sites(
        before,
        [
            SiteOpened(open="a", capacity=12),
            SiteClosed(close="b"),
            SiteMoved(move="c", place=near(10, 20)),
            SiteResized(resize="c", cost=3),
            SiteOpened(open="d", place=near(5, 5), name="Mill"),
        ],
    )
    assert after["status"].tolist() == ["existing", "excluded", "excluded", "existing"]
    assert after.loc["a", "capacity"] == 12
    assert after.loc["c", "cost"] == 3
    assert after.loc["d", "name"] == "Mill"
    moved = places([(10.0, 20.0), (5.0, 5.0)])
    assert after.geometry.iloc[2:].distance(moved.geometry, align=False).max() < 1e-6
    assert after.crs == before.crs
    pd.testing.assert_frame_equal(before, offices())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([SiteClosed(close="x")], "change 1 .close site 'x'.: no such site"),
        ([SiteClosed(close="a"), SiteMoved(move="a", place=near(1, 1))], "changes 1 and 2: close and move site 'a'"),
        ([SiteClosed(close="c")], "excluded already"),
        ([SiteOpened(open="b")], "existing already"),
        ([SiteOpened(open="b", place=near(1, 1))], "is there already"),
        ([SiteResized(resize="a")], "give a capacity"),
    ],
)
def test_a_change_of_sites_that_cannot_be_meant(changes: list[Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        edit_sites(offices(), changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"streets": [{"close": [200, 45.5]}]}, "expected less than or equal to 180"),
        ({"streets": [{"tags": {}}]}, "expected a change that says add or close or tag"),
        ({"streets": [{"add": LINE, "tags": {}, "snap_m": 0}]}, "snap_m: found 0, expected greater than 0"),
        ({"lines": [{"move": "P3", "place": [3, 450]}]}, "found 450, expected less than or equal to 90"),
        ({"lines": [{"every": "A", "minutes": 0, "hours": ["07:00", "08:00"]}]}, "found 0, expected greater than 0"),
        ({"lines": [{"every": "A", "minutes": 5, "hours": ["08:00", "07:00"]}]}, "expected a later time second"),
        ({"people": [{"grow": "North", "factor": -1}]}, "found -1, expected greater than or equal to 0"),
        ({"people": [{"build": "Quay", "people": -1, "place": [3, 45]}]}, "people: found -1, expected greater"),
        ({"sites": [{"resize": "a", "capacity": -1}]}, "capacity: found -1, expected greater than or equal to 0"),
        ({"sites": [{"move": "a", "place": [300, 1]}]}, "found 300, expected less than or equal to 180"),
    ],
)
def test_figures_and_places_that_no_change_can_have(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        Study().with_(**changes)


POA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data")) / "porto_alegre"


@pytest.mark.real
@pytest.mark.skipif(not POA.is_dir(), reason="the real places are not here")
def test_a_street_closed_in_porto_alegre(tmp_path: Path) -> None:
    import osmium

    streets = read_streets(POA / "poa_osm.pbf")
    cells_there = read_population(POA / "poa_hexgrid.csv")
    people = place_people(cells_there, streets)
    where = people.iloc[::31].set_axis([f"s{k}" for k in range(len(people.iloc[::31]))])
    way = int(streets.way_id[link(streets, where)["edge"].iloc[5]])
    with osmium.SimpleWriter(str(tmp_path / "closed.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(POA / "poa_osm.pbf")):
            if not (thing.is_way() and thing.id == way):
                writer.add(thing)
    edited, full = edit_streets(streets, [StreetClosed(close=way)]), read_streets(tmp_path / "closed.osm.pbf")
    with quiet():
        for mode in (WALK, BIKE):
            base, after, twin = (travel_times(net, where, people, mode=mode) for net in (streets, edited, full))
            same(after, twin)
            touched = touched_sites(streets, edited, where, people, mode=mode)
            fresh = travel_times(edited, where.loc[touched], people, mode=mode)
            same(patched_times(base, fresh, touched, people.index), twin)
            assert not base.equals(twin)


# Minutes and graphs made of those before ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [[one] for one in CHANGES] + [CHANGES], ids=[*(c.__name__ for c in CHANGES), "all"])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_changed_times_are_those_of_a_full_run(mode: Profile, make: list[Any], tmp_path: Path) -> None:
    town = grid()
    before = town.write(tmp_path / "before.osm")
    edited = edit_streets(before, [one(town) for one in make])
    full = town.write(tmp_path / "after.osm")
    where, homes = sites(), folk()
    with quiet():
        for way in ("to", "from"):
            how: dict[str, Any] = {"mode": mode, "minutes": 4, "direction": way}
            base = travel_times(before, where, homes, **how)
            after, searched = changed_times(before, edited, where, homes, times=base, **how)
            same(after, travel_times(full, where, homes, **how))
            assert searched.isin(touched_sites(before, replace(edited, origin=None), where, homes, **how)).all()
        for limit in (300.0, 1600.0):  # places link as if they had never met the streets before
            twin = link(replace(edited, origin=None), homes, mode=mode, link_m=limit)
            pd.testing.assert_frame_equal(linked(edited, homes, mode, limit), twin, check_exact=True)


@pytest.mark.parametrize("seed", range(24))
def test_generated_changes_one_after_the_other(seed: int, tmp_path: Path) -> None:
    """Close, shut, open and build at random, and undo it: three networks, each known from the one before."""
    random = np.random.default_rng(seed)
    size = int(random.integers(4, 8))
    town = grid(size, 170.0)
    for way in random.choice(list(town.ways), 4):
        town.ways[int(way)] = (dict(town.ways[int(way)][0], access="private"), town.ways[int(way)][1])
    first, where, homes = town.write(tmp_path / "town.osm"), sites(6), folk(60, seed)
    streets = first
    with quiet():
        for _ in range(3):
            edited = edit_streets(first, list(_drawn(random, first, size)))
            edited = replace(edited, origin=kept_edges(streets, edited))
            twin = replace(edited, origin=None)
            mode, limit = MODES[int(random.integers(len(MODES)))], float(random.choice([2, 5, 15]))
            for way in ("to", "from"):
                how: dict[str, Any] = {"mode": mode, "minutes": limit, "direction": way}
                base = travel_times(streets, where, homes, **how)
                after, _ = changed_times(streets, edited, where, homes, times=base, **how)
                whole = travel_times(twin, where, homes, **how)
                same(after, whole)
                same(travel_times(edited, where, homes, **how), whole)
            streets = edited


def _drawn(random: np.random.Generator, streets: StreetNetwork, size: int) -> Any:
    """Draw one to three changes of different ways that are there."""
    there = np.unique(streets.way_id[streets.way_id > 0])
    for way in random.choice(there, min(len(there) - 1, int(random.integers(1, 3))), replace=False).tolist():
        yield [
            StreetClosed(close=way),
            StreetClosed(close=way, mode="walk"),
            StreetClosed(close=way, mode="bike"),
            StreetTagged(tag=way, tags={"access": "private"}),
            StreetTagged(tag=way, tags={"oneway": "yes", "highway": "residential"}),
            StreetTagged(tag=way, tags={"foot": "yes", "bicycle": "yes"}),
        ][int(random.integers(6))]
    ends = random.uniform(0, 170.0 * (size - 1), (2, 2))
    tags = [STREET, {"highway": "cycleway", "bridge": "yes"}, {"highway": "footway"}][int(random.integers(3))]
    line = tuple(map(tuple, lonlat([tuple(at) for at in ends.tolist()]).tolist()))
    yield StreetAdded(add=line, tags=tags, snap_m=300)


def test_copies_of_a_ride_are_those_made_one_by_one():
    """The slow twin: each departure of each day by itself; what leaves at 23:50 the night before is under way, too."""
    ride = pd.DataFrame(
        {"trip": 7, "stop": [3, 5, 4], "arrival": [100, 400, 900], "departure": [130, 460, 900], "pickup": [0, 0, 1]}
    )
    departures, days = np.array([600, 40_000, 85_800]), [-1, 0, 1]
    trips, calls = [{"id": "before"}], []
    lines._run(trips, calls, ride, {"id": "x", "route": 2}, departures=departures, days=days)
    expected, named = [], [{"id": "before"}]
    earliest, latest = (3600 * hour for hour in lines.hours_for(lines.LONG))
    for day in days:
        for departure in departures:
            leave = departure + 86_400 * day
            if day == 0 or (leave + 770 > earliest and leave < latest):
                shift = leave - 130
                expected.append(
                    ride.assign(trip=len(named), arrival=ride["arrival"] + shift, departure=ride["departure"] + shift)
                )
                named.append({"id": f"x+{len(named)}", "route": 2, "day": day})
    assert trips == named
    assert {trip["day"] for trip in trips[1:]} > {0}, "some run the night before or the day after"
    pd.testing.assert_frame_equal(pd.concat(calls, ignore_index=True), pd.concat(expected, ignore_index=True))
