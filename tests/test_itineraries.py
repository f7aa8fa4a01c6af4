"""Journeys leg by leg add up to the minutes of the table, and are journeys; lines are lost as if they did not run."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import street_times
from siteplan.config import BIKE, Profile, Rides
from siteplan.errors import SiteplanWarning, StudyError
from siteplan.inputs.population import read_population
from siteplan.inputs.sites import read_sites
from siteplan.itineraries import Itinerary, describe, itinerary
from siteplan.lines import site_lines
from siteplan.network.people import place_people
from siteplan.network.snapping import HARD_LIMIT, LIMIT, link
from siteplan.network.streets import read_streets
from siteplan.network.through import joined
from siteplan.network.transit import Timetable, build_timetable, read_transit
from siteplan.samples import write_sample
from test_transit import BY_BUS, HALF_HOURLY, Case, along, bus, cases, ridden, road
from timetables import Direction, every, timetable
from worlds import METRE_A_SECOND, SCALE, STREET, Edge, a_place, line, made, networks, places, put


def shown(found: Itinerary | None) -> list[str]:
    assert found is not None
    return [line for line in describe(found).splitlines() if not line.startswith(" ")]  # the streets are told apart


def test_a_bus_every_half_hour() -> None:
    found = itinerary(build_timetable(HALF_HOURLY, road()), along(40), along(5060), mode=BY_BUS, minutes=60)
    assert shown(found) == [
        "27.0 min, 5,020 m, arrival by 08:25 (25 % of the minutes: 20, 75 %: 35; within the limit at 60 of 60 minutes)",
        "07:58-07:59  metre   1.0 min  60 m: home - Stop 0",
        "07:59-08:00  wait    1.0 min  Stop 0",
        "08:00-08:10  ride   10.0 min  4,900 m, line 1: Stop 0 - Stop 1",
        "08:10-08:11  metre   1.0 min  60 m: Stop 1 - site",
        "08:11-08:25  wait   14.0 min  site, there early: counted",
    ]


def test_from_the_site_one_waits_at_the_first_stop() -> None:
    transit = build_timetable(HALF_HOURLY, road())
    found = itinerary(transit, along(5060), along(40), mode=BY_BUS, minutes=60, direction="from")
    assert shown(found)[1:] == [
        "08:14-08:15  metre   1.0 min  60 m: site - Stop 0",
        "08:15-08:30  wait   15.0 min  Stop 0",
        "08:30-08:40  ride   10.0 min  4,900 m, line 1: Stop 0 - Stop 1",
        "08:40-08:41  metre   1.0 min  60 m: Stop 1 - home",
    ]


def test_walking_all_the_way_is_the_journey_where_it_is_as_quick() -> None:
    found = itinerary(build_timetable(HALF_HOURLY, road()), along(40), along(640), mode=BY_BUS)
    assert shown(found)[1:] == ["07:50-08:00  metre  10.0 min  600 m: home - site"]


def test_a_change_and_a_bicycle_to_the_stop() -> None:
    trips = [*bus("8:00", 1), *every("8:12", 60, 1, [(1, 0), (2, 5)])]
    transit = build_timetable(timetable(along(1350, 5000, 9000), trips), road())
    mode = BY_BUS.model_copy(update={"home": BIKE, "window": ("08:19", "08:20")})
    found = itinerary(transit, along(100), along(9060), mode=mode)
    assert found is not None
    assert found.legs["leg"].tolist() == ["bike", "wait", "ride", "wait", "ride", "metre", "wait"]
    assert found.legs["metres"][0] == pytest.approx(1250, abs=1)
    assert found.legs["minutes"].sum() == pytest.approx(found.minutes)


def test_a_site_that_nobody_rides_to_has_no_lines() -> None:
    people = along(40, 100).assign(people=[1.0, 2.0])
    found = site_lines(build_timetable(HALF_HOURLY, road()), along(200), people, mode=BY_BUS)
    assert (len(found.lines), len(found.stops)) == (0, 0)


def test_a_line_brings_those_whose_journey_rides_it() -> None:
    # Those beside the stop ride; those who walk do not hang on the bus.
    people = along(40, 100, 5000).assign(people=[3.0, np.nan, 5.0])
    found = site_lines(build_timetable(HALF_HOURLY, road()), along(5060), people, mode=BY_BUS)
    assert found.lines.to_dict("list") == {
        "site": ["0"], "line": ["1"], "route": ["r"], "type": ["bus"], "people": [3.0], "lost": [3.0],
    }  # fmt: skip
    assert found.stops[["name", "on", "off"]].to_numpy().tolist() == [["Stop 0", 3.0, 0.0], ["Stop 1", 0.0, 3.0]]


def test_out_of_reach_is_none() -> None:
    assert itinerary(build_timetable(HALF_HOURLY, road()), along(5060), along(40), mode=BY_BUS, minutes=30) is None


def test_bad_questions_are_refused() -> None:
    transit = build_timetable(HALF_HOURLY, road())
    with pytest.raises(StudyError, match="one origin and one site, not 2 and 1"):
        itinerary(transit, along(1, 2), along(3))
    with pytest.raises(StudyError, match="max_total_walk_minutes"):
        itinerary(transit, along(1), along(3), mode=BY_BUS.model_copy(update={"max_total_walk_minutes": 5}))


def check(transit: Timetable, found: Itinerary, mode: Rides) -> None:
    """Check that a journey is one: no gaps, in vehicles that run and at which one may get on and off, in time."""
    legs = found.legs
    assert round(legs["minutes"].sum() * 600) == round(found.minutes * 600)
    assert (legs["departure"].to_numpy()[1:] == legs["arrival"].to_numpy()[:-1]).all()
    assert (legs["minutes"] >= 0).all()
    assert found.metres == pytest.approx(legs["metres"].sum())
    for leg, ways in found.ways.groupby("leg"):  # changes that only the timetable knows have none
        assert ways["minutes"].sum() == pytest.approx(legs["minutes"][leg])
        assert ways["metres"].sum() == pytest.approx(legs["metres"][leg], abs=0.01)
    assert (legs["leg"] == "ride").sum() <= mode.max_rides
    # A vehicle that goes on under another trip is ridden from a call of the one to a call of the other.
    calls, names = joined(transit.feed.calls, transit.patterns.after), transit.feed.stops["name"]
    names = calls["stop"].map(names)
    ready = -np.inf
    for leg in legs.itertuples():
        if leg.leg == "ride":
            on = calls[(calls["departure"] == leg.departure) & calls["board"] & (names == leg.start)]
            off = calls[(calls["arrival"] == leg.arrival) & calls["alight"] & (names == leg.end)]
            if not transit.feed.on_demand.rides.empty and (on.empty or off.empty):
                assert (legs["leg"] == "ride").sum() == 1  # on demand
                continue
            both = on.reset_index().merge(off.reset_index(), on="trip")
            assert (both["index_x"] < both["index_y"]).any()
            assert leg.departure - ready >= mode.board_slack_minutes * 60 - 1e-6
        if leg.leg != "wait":
            ready = leg.arrival


@given(case=cases(called=True), limit=st.sampled_from([90, 45.5, 20]), way=st.sampled_from(["to", "from"]))
@settings(max_examples=60)
def test_the_legs_add_up_to_the_minutes_of_the_table(case: Case, limit: float, way: Direction) -> None:
    mode = case.rides.model_copy(update={"max_total_walk_minutes": None})
    times = ridden(case.transit, case.sites, case.people, mode=mode, limit=limit, direction=way)
    times = times.assign(site=times["site"].astype(str)).set_index(["site", "point"])
    for site in range(len(case.sites)):
        for point in range(len(case.people)):
            at = case.people.iloc[point : point + 1], case.sites.iloc[site : site + 1]
            found = itinerary(case.transit, *at, mode=mode, direction=way, minutes=limit)
            key = (str(case.sites.index[site]), case.people.index[point])
            if key not in times.index:
                assert found is None
                continue
            assert found is not None
            row = times.loc[key]
            told = [found.minutes, found.minutes_p25, found.minutes_p75, found.possible / found.window]
            assert told == pytest.approx(row[["minutes", "minutes_p25", "minutes_p75", "share"]].tolist(), nan_ok=True)
            check(case.transit, found, mode)


# Without rides: street by street -----------------------------------------------------------------------------------


@given(
    edges=networks(),
    spots=st.tuples(a_place, a_place),
    way=st.sampled_from(["to", "from"]),
    profile=st.sampled_from([METRE_A_SECOND, BIKE]),
)
@settings(max_examples=150)
def test_the_way_on_foot_and_by_bicycle_takes_what_the_slow_search_says(
    edges: list[Edge], spots: tuple[Any, Any], way: Direction, profile: Profile
) -> None:
    streets = made(edges)
    if np.max(streets.costs(profile)) < 0:
        return
    home, site = put(streets, spots[:1]), put(streets, spots[1:])
    limits = {"site": HARD_LIMIT, "home": LIMIT}
    links = [link(streets, at, mode=profile, link_m=limits[k]) for k, at in (("site", site), ("home", home))]
    expected = street_times(streets, profile, *links, limit=90, direction=way).get((0, 0))
    found = itinerary(streets, home, site, mode=profile, direction=way)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert round(found.minutes * 600) == expected
    assert found.ways["minutes"].sum() == pytest.approx(found.minutes)
    assert found.ways["metres"].sum() == pytest.approx(found.metres, abs=0.01)
    along = found.ways[found.ways["highway"] != ""]
    ends = shapely.get_coordinates(shapely.get_point(along.geometry.to_numpy(), -1))[:-1]
    starts = shapely.get_coordinates(shapely.get_point(along.geometry.to_numpy(), 0))[1:]
    assert np.abs(ends - starts).max(initial=0) < 1e-6  # no gap from street to street


def test_streets_are_told_by_name_else_number_else_kind(tmp_path: Path) -> None:
    tags = [{**STREET, "name": "Rue du Lac"}, {**STREET, "name": "Rue du Lac"}, {**STREET, "ref": "D 7"}, STREET]
    (tmp_path / "world.osm").write_text(line(*tags).xml(), encoding="utf-8")
    streets = read_streets(tmp_path / "world.osm")
    found = itinerary(streets, places([(0, 30)]), places([(350, 20)]), mode=METRE_A_SECOND)
    assert found is not None
    assert found.ways[["name", "highway"]].to_numpy().tolist() == [
        ["", ""], ["Rue du Lac", "residential"], ["Rue du Lac", "residential"], ["D 7", "residential"],
        ["", "residential"], ["", ""],
    ]  # fmt: skip
    assert found.ways["metres"].to_numpy() == pytest.approx([30, 100, 100, 100, 50, 20], abs=0.1)
    assert describe(found).splitlines() == [
        "6.7 min, 400 m",
        "00:00-00:06  metre   6.7 min  400 m: home - site",
        "                     0.5 min  30 m  (off the streets)",
        "                     3.3 min  200 m  Rue du Lac",
        "                     1.7 min  100 m  D 7",
        "                     0.8 min  50 m  (residential)",
        "                     0.3 min  20 m  (off the streets)",
    ]
    assert found.legs.length[0] == pytest.approx(400 * SCALE, abs=0.5)
    assert itinerary(streets, places([(0, 30)]), places([(350, 20)]), mode=METRE_A_SECOND, minutes=6) is None


def test_streets_alone_have_nothing_to_ride() -> None:
    with pytest.raises(StudyError, match="rides, and streets have no timetable"):
        itinerary(line().streets(), places([(0, 0)]), places([(50, 0)]), mode="transit")


# The sample territory -------------------------------------------------------------------------------------------------

Sample = tuple[Path, Timetable, gpd.GeoDataFrame, gpd.GeoDataFrame]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Return the sample territory's folder, its timetable, two of its sites and 150 places of people."""
    folder = write_sample(tmp_path_factory.mktemp("sample"))
    with warnings.catch_warnings():  # it has a few oddities on purpose
        warnings.simplefilter("ignore", SiteplanWarning)
        streets = read_streets(folder / "streets.osm.pbf")
        transit = read_transit(folder / "gtfs.zip", streets, date="2026-03-10")
        people = place_people(read_population(folder / "population_200m.gpkg"), streets)
        sites = read_sites(folder / "sites.csv").iloc[:2]
    people = people[people["status"] == "placed"].sample(150, random_state=1)
    return folder, transit, sites, people.reset_index(drop=True)


@pytest.mark.parametrize("way", ["to", "from"])
def test_on_the_sample_territory_too(sample: Sample, way: Direction) -> None:
    _, transit, sites, people = sample
    times = ridden(transit, sites, people, mode=Rides(), limit=60, direction=way)
    rode = 0
    for row in times.sample(30, random_state=2).itertuples():
        site = sites[sites.index.astype(str) == str(row.site)]
        found = itinerary(transit, people.loc[[row.point]], site, direction=way, minutes=60)
        assert found is not None
        assert found.minutes == row.minutes
        check(transit, found, Rides())
        rode += "ride" in set(found.legs["leg"])
    assert rode > 3


def without(file: Path, route: str, to: Path) -> Path:
    """Write a feed again without the trips of a route."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        trips = pd.read_csv(old.open("trips.txt"), dtype=str)
        gone = set(trips.loc[trips["route_id"] == route, "trip_id"])
        for name in old.namelist():
            text = old.read(name)
            if name in ("trips.txt", "stop_times.txt", "frequencies.txt"):
                table = pd.read_csv(io.BytesIO(text), dtype=str)
                text = table[~table["trip_id"].isin(gone)].to_csv(index=False).encode()
            new.writestr(name, text)
    return to


def test_what_is_lost_without_a_line_is_what_a_feed_without_it_loses(sample: Sample, tmp_path: Path) -> None:
    folder, transit, sites, people = sample
    found = site_lines(transit, sites, people, minutes=40)
    amounts = people["people"]

    def reached(timetable: Timetable) -> pd.Series:
        times = ridden(timetable, sites, people, mode="transit", limit=40)
        return amounts.loc[times["point"]].groupby(times["site"].astype(str).to_numpy()).sum()

    assert len(found.lines) > 3
    assert found.lines["lost"].sum() > 0
    whole = reached(transit)
    for route, rows in found.lines.groupby("route"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SiteplanWarning)
            file = without(folder / "gtfs.zip", str(route), tmp_path / f"{route}.zip")
            rest = reached(read_transit(file, transit.streets, date="2026-03-10"))
        for row in rows.itertuples():
            assert row.lost == pytest.approx(whole[row.site] - rest.get(row.site, 0.0))
    boarded = found.stops.groupby("site")[["on", "off"]].sum()
    assert boarded["on"].to_numpy() == pytest.approx(boarded["off"].to_numpy())


def round_trips(there: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """Keep the pairs of site and point that are within the limit on both ways.

    Each figure is that of the worse of the two ways, `minutes_there` and `minutes_back` stand beside them.
    """
    figures = ["minutes", "minutes_p25", "minutes_p75", "share"]
    other = back[["site", "point", *figures]].astype({"site": there["site"].dtype})
    both = there.merge(other, on=["site", "point"], suffixes=("", "_back"))
    worse = {name: np.maximum(both[name], both[f"{name}_back"]) for name in figures[:3]}
    share = np.minimum(both["share"], both["share_back"])
    table = both.assign(minutes_there=both["minutes"], **worse, share=share)
    return table[[*there.columns, "minutes_there", "minutes_back"]]


def test_there_and_back_is_the_worse_of_both(sample: Sample) -> None:
    _, transit, sites, people = sample
    there = ridden(transit, sites, people, mode="transit", limit=45)
    evening = Rides(window=("17:00", "18:00"))
    back = ridden(transit, sites, people, mode=evening, limit=45, direction="from")
    both = round_trips(there, back)
    twice: Any = ridden(transit, sites, people, mode=Rides(back=("17:00", "18:00")), limit=45)
    pd.testing.assert_frame_equal(both[there.columns], twice)
    assert (both["minutes"] == both[["minutes_there", "minutes_back"]].max(axis=1)).all()
    assert 0 < len(both) <= len(there)
    assert (both["minutes"] > both["minutes_there"]).any()
