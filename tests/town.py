"""A town whose answers are known by head: one street of 1 km, 100 m between its 11 crossings, 10 people at each.

Sites: A at the western end (existing), B at the eastern end (candidate), C in the middle (excluded). On foot (80 m a
minute) 5.5 minutes carry 440 m: each end reaches 5 crossings. By bicycle (250 m a minute) both reach all 11.
"""

from pathlib import Path

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
