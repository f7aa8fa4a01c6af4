"""The sample territory: a made valley with a town, villages, a railway, buses, people and candidate sites.

Everything is invented and drawn by arithmetic, so the same bytes come out each time. Only the study is written by hand.

valley      what is drawn by hand: river, main roads, quarters, villages
plane       the drawing plane
blocks      how a block is divided by streets
streets     every street and path, tagged
joined      where they meet
places      candidate sites, addresses, communes
people      who lives where
timetable   railway and buses
terrain     the ground
osmfile     the `.osm.pbf`
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyogrio

from tools.sample.joined import join
from tools.sample.osmfile import write_osm
from tools.sample.people import population, write_gpkg, write_people
from tools.sample.places import communes, site_table, stand
from tools.sample.streets import draw_streets
from tools.sample.terrain import write_terrain
from tools.sample.timetable import write_timetable

__all__ = ["draw_sample"]

# Who came to the two telecentres that are there, as an operator counts it.
VISITS = """\
site,month,visits
S01,2025-09,1120
S01,2025-10,1310
S01,2025-11,1260
S01,2025-12,980
S01,2026-01,1190
S01,2026-02,1240
S02,2025-09,640
S02,2025-10,720
S02,2025-11,701
S02,2025-12,530
S02,2026-01,660
S02,2026-02,690
"""
DATE = "2026-01-01T00:00:00.000Z"


def draw_sample(folder: Path) -> None:
    """Draw the valley into a folder that is there: all files of the sample but its `study.yaml`."""
    streets = join(draw_streets())
    where = stand(streets)
    write_osm(folder / "streets.osm.pbf", streets, where)
    (folder / "visits.csv").write_text(VISITS, encoding="utf-8", newline="\n")
    site_table(where).to_csv(folder / "sites.csv", index=False, lineterminator="\n")
    with _dated():
        write_people(folder, population(streets))
        write_gpkg(communes(), folder / "communes.gpkg")
        write_terrain(folder / "terrain.tif")
    write_timetable(folder / "gtfs.zip")


@contextmanager
def _dated() -> Iterator[None]:
    """Let GeoPackages bear a fixed date instead of now."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
