"""A town whose answers are known by head: one street of 1 km, 100 m between its 11 crossings, 10 people at each.

Sites: A at the western end (existing), B at the eastern end (candidate), C in the middle (excluded). On foot (80 m a
minute) 5.5 minutes carry 440 m: each end reaches 5 crossings. By bicycle (250 m a minute) both reach all 11.

A bus takes 2 minutes from the eastern end to the western, every 10 minutes all day, and back every 20 minutes.
"""

from pathlib import Path

from tests.feeds import feed, lines, write_zip

WEST, NORTH = 9.5, 47.1
STEP = 100 / 76_005  # degrees of longitude in 100 m at 47.1 degrees north

OSM = """<?xml version='1.0'?>
<osm version="0.6" generator="by hand">
{nodes}
<way id="1" version="1">{refs}<tag k="highway" v="residential"/></way>
</osm>
"""
STUDY = """\
name: One street
inputs:
  streets: streets.osm
  population: {file: people.csv, groups: [workers]}
  sites: sites.csv
travel: {modes: [walk, bike], minutes: [5.5]}
"""
BY_BUS = """\
name: One street
inputs:
  streets: streets.osm
  population: {file: people.csv, groups: [workers]}
  sites: sites.csv
  transit: {feeds: [bus.zip], date: 2026-03-10}
travel: {modes: [walk, transit], minutes: [8, 9.5]}
"""


def lon(crossing: float) -> float:
    """Return the longitude of a crossing, counted from the west."""
    return round(WEST + crossing * STEP, 7)


def write_town(folder: Path, *, sites: str | None = None, study: str = STUDY) -> Path:
    """Write the town's files and return its study file."""
    folder.mkdir(parents=True, exist_ok=True)
    node = '<node id="{}" version="1" lat="{}" lon="{}"/>'
    nodes = "\n".join(node.format(number + 1, NORTH, lon(number)) for number in range(11))
    refs = "".join(f'<nd ref="{number + 1}"/>' for number in range(11))
    (folder / "streets.osm").write_text(OSM.format(nodes=nodes, refs=refs))
    people = [f"{number},{lon(number)},{NORTH},10,{number}" for number in range(11)]
    (folder / "people.csv").write_text("\n".join(["cell,lon,lat,people,workers", *people]) + "\n")
    rows = [f"A,Hall,existing,{lon(0)}", f"B,Library,candidate,{lon(10)}", f"C,Barn,excluded,{lon(5)}"]
    table = "\n".join(["site,name,status,lon,lat", *(f"{row},{NORTH}" for row in rows)])
    (folder / "sites.csv").write_text(sites or table + "\n")
    (folder / "study.yaml").write_text(study)
    return folder / "study.yaml"


def write_bus(folder: Path, *, routes: str = "W,West,3\nE,East,3") -> Path:
    """Write the town's bus as a GTFS feed."""
    trips, calls = [], []
    for route, first, last, step in (("W", "east", "west", 10), ("E", "west", "east", 20)):
        for leaves in range(6 * 60, 20 * 60, step):
            trip = f"{route}{leaves}"
            trips.append(f"{route},WD,{trip},{last}")
            for number, (stop, minute) in enumerate(((first, leaves), (last, leaves + 2)), 1):
                time = f"{minute // 60:02}:{minute % 60:02}:00"
                calls.append(f"{trip},{time},{time},{stop},{number}")
    return write_zip(
        folder / "bus.zip",
        feed(
            stops=lines(
                "stop_id,stop_name,stop_lat,stop_lon", f"west,West,{NORTH},{lon(0)}", f"east,East,{NORTH},{lon(10)}"
            ),
            routes=lines("route_id,route_short_name,route_type", routes),
            trips=lines("route_id,service_id,trip_id,trip_headsign", *trips),
            stop_times=lines("trip_id,arrival_time,departure_time,stop_id,stop_sequence", *calls),
        ),
    )
