"""What siteplan makes of all extracts and feeds below a folder: `python -m tools.survey FOLDER`.

One line a file, read or refused and with what sentence; below it what was not used, counted by cause.
"""

import re
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from siteplan.errors import InputError
from siteplan.inputs.basemap import read_basemap
from siteplan.inputs.candidates import propose_sites
from siteplan.inputs.gtfs import read_gtfs
from siteplan.inputs.gtfs.report import oddities
from siteplan.network.streets import read_streets

EXTRACTS = (".osm", ".osm.pbf", ".pbf", ".osm.gz", ".osm.bz2")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def survey(folder: Path) -> Iterator[str]:
    """Read whatever lies below a folder; yield what is said of each file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.endswith(EXTRACTS):
            yield from _told(path, _extract)
        elif _is_feed(path):
            yield from _told(path, _feed)


def _is_feed(path: Path) -> bool:
    """Tell whether a folder or a zip holds the stops of a timetable."""
    if path.is_dir():
        return (path / "stops.txt").is_file()
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return any(name.rpartition("/")[2] == "stops.txt" for name in packed.namelist())


def _told(path: Path, read: Callable[[Path], list[str]]) -> Iterator[str]:
    start = time.process_time()
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            found = read(path)
        except InputError as error:
            yield f"refused  {error}"
            return
    yield f"read     {path}: {found[0]} ({time.process_time() - start:.1f} s)"
    yield from (f"         {text}" for text in [*found[1:], *(str(each.message) for each in odd)])


def _extract(path: Path) -> list[str]:
    """Read all layers of an extract."""
    streets, around = read_streets(path), read_basemap(path)
    held = {"nodes": streets.node_count, "candidates": len(propose_sites(path))}
    held |= {name: len(table) for name, table in around.items()}
    counts = {name.replace("_", " "): count for name, count in streets.counts.items()}
    return [f"{streets.length.sum() / 1000:,.1f} km of streets", _listed(held), _listed(counts)]


def _feed(path: Path) -> list[str]:
    """Read a feed for a weekday with service that it names, when asked for a day that it does not have."""
    try:
        feed = read_gtfs(path, date="1970-01-01")
    except InputError as error:
        days = DAY.findall(str(error).replace(str(path), ""))
        if len(days) < 2:  # refused for something else
            raise
        feed = read_gtfs(path, date=days[-1])
    return [f"{len(feed.trips):,} trips, {len(feed.stops):,} stops on {feed.date}", *oddities(feed.counts)]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "nothing else"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in survey(Path(sys.argv[1])))
