"""The sample territory: a made valley with a town, villages, a railway, buses, people and candidate sites.

Everything is invented and drawn by arithmetic, so the same bytes come out each time.

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

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siteplan.errors import InputError

__all__ = ["SAMPLE_FILES", "write_sample"]

SAMPLE_FILES = (
    "communes.gpkg", "gtfs.zip", "population_1km.gpkg", "population_200m.csv", "population_200m.gpkg",
    "population_200m.tif", "sites.csv", "streets.osm.pbf", "study.yaml", "terrain.tif",
)  # fmt: skip
LEFT_ALONE = {"results"}  # what a run of the sample's study leaves beside it
DATE = "2026-01-01T00:00:00.000Z"
STUDY = """\
# The valley of the Orvelle: a made place to try siteplan on. Paths are relative to this file.
name: Vallée de l'Orvelle (an invented place)
language: en
area: {communes: communes.gpkg}
inputs:
  streets: streets.osm.pbf
  population: {file: population_200m.gpkg, people: people, groups: [workers, age_65]}
  sites: sites.csv
  transit: {feeds: [gtfs.zip], date: 2026-03-10}
  elevation: terrain.tif
travel:
  direction: to
  modes: [walk, bike, transit]
  minutes: [15, 20]
  walk: {speed_kmh: 4.8}
  bike: {speed_kmh: 15}
  transit: {window: ["08:00", "09:00"], max_rides: 2, max_walk_minutes: 10}
score: {weights: {people_best_20: 2, workers_walk_15: 1}}
choose: {objective: coverage, phases: [3, 5, 8], mode: best, minutes: 20}
fairness: {catchment: {steps: {10: 1, 20: 0.68}, group: workers}}
demand: {uptake: [0.02, 0.05, 0.1]}
commuting:
  uptake: [0.02, 0.05, 0.1]
  distances:
    - {km_from: 0, km_to: 5, share: 0.3}
    - {km_from: 5, km_to: 15, share: 0.4}
    - {km_from: 15, km_to: 40, share: 0.3}
  modes: {car: 0.8, bus: 0.1, bike: 0.1}
robustness: {count: 10}
scenarios:
  line 2 is cut: {lines: [{cut: "2"}]}
  more buses:
    about: Line 1 every five minutes and line 3 every ten
    lines:
      - {every: "1", minutes: 5, hours: ["06:30", "20:00"]}
      - {every: "3", minutes: 10, hours: ["06:30", "20:00"]}
  bridge and buses:
    base: more buses
    about: More buses, and a footbridge for cycles between the Remparts and the south bank
    streets:
      - name: Passerelle des Remparts
        add: [[3.339996, 46.443567], [3.339923, 46.446376]]
        tags: {highway: cycleway, foot: "yes", bridge: "yes"}
  town hall of Vernay: {sites: [{open: S22}]}
output: {folder: results}
"""


def write_sample(folder: str | Path) -> Path:
    """Write the sample territory into a folder, whole or not at all, and return the folder.

    Streets (`.osm.pbf`), timetable (GTFS), people on 200 m (GeoPackage, GeoTIFF, CSV) and 1 km cells, terrain,
    communes, sites and a study file; the same bytes each time. An earlier sample may stand there if nobody changed it.

    Raises
    ------
    InputError
        If the folder holds anything else, or a file of the sample that was changed, or cannot be written.
    """
    folder = Path(folder)
    _refuse_others(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".siteplan-", dir=folder.parent) as made:
            whole = Path(made) / "sample"
            whole.mkdir()
            _write_all(whole)
            _refuse_changed(whole, folder)
            _put(whole, folder)
    except OSError as error:
        raise InputError(
            f"{folder}: the sample cannot be written ({error}). Choose a folder you may write to."
        ) from error
    return folder


def _refuse_others(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; the sample needs a folder of its own. Give another name.")
    others = (
        sorted(p.name for p in folder.iterdir() if p.name not in {*SAMPLE_FILES, *LEFT_ALONE})
        if folder.exists()
        else []
    )
    if others:
        raise InputError(
            f"{folder}: holds {len(others)} thing(s) that are not the sample's, such as {others[0]!r}; "
            "nothing was written. Give an empty or a new folder."
        )


def _refuse_changed(whole: Path, folder: Path) -> None:
    there = [name for name in SAMPLE_FILES if (folder / name).exists()]
    changed = [name for name in there if (folder / name).read_bytes() != (whole / name).read_bytes()]
    if changed:
        raise InputError(
            f"{folder / changed[0]}: is there already and is not the sample's own; nothing was written. "
            "Give another folder, or move the file away."
        )


def _put(whole: Path, folder: Path) -> None:
    """Move a finished sample to its place: in one step, or file by file where an earlier one stands."""
    if not folder.exists():
        whole.rename(folder)
        return
    for name in SAMPLE_FILES:
        (whole / name).replace(folder / name)


def _write_all(folder: Path) -> None:
    from siteplan.samples.joined import join
    from siteplan.samples.osmfile import write_osm
    from siteplan.samples.people import population, write_gpkg, write_people
    from siteplan.samples.places import communes, site_table, stand
    from siteplan.samples.streets import draw_streets
    from siteplan.samples.terrain import write_terrain
    from siteplan.samples.timetable import write_timetable

    streets = join(draw_streets())
    where = stand(streets)
    write_osm(folder / "streets.osm.pbf", streets, where)
    site_table(where).to_csv(folder / "sites.csv", index=False, lineterminator="\n")
    with _dated():
        write_people(folder, population(streets))
        write_gpkg(communes(), folder / "communes.gpkg")
        write_terrain(folder / "terrain.tif")
    write_timetable(folder / "gtfs.zip")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8", newline="\n")


@contextmanager
def _dated() -> Iterator[None]:
    """Let GeoPackages bear a fixed date instead of now."""
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
