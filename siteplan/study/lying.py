"""What lies in a folder: the files that a study can read, told by their names, for what `init` writes."""

import json
import os
import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteplan.analysis.demand import UPTAKES
from siteplan.catalogue import PEOPLE
from siteplan.config import TRANSIT, Travel
from siteplan.errors import InputError, StudyError, absence, listed
from siteplan.formats import EXTRACTS, GRAPH, RASTERS
from siteplan.inputs.gtfs.weekday import common_weekday
from siteplan.inputs.tables import read_table

__all__ = ["Lying", "find_inputs"]

# Much else is XML, such as what GDAL keeps beside a raster.
STREETS = (*(ending for ending in EXTRACTS if ending != ".xml"), ".osm.xml", GRAPH)
TABLES = (".csv", ".xlsx", ".gpkg", ".geojson", ".parquet", ".shp", ".fgb")
# A key of the study, how its files end, and how a word of their names begins; where none does, a later row of the key.
MEANT = (
    # "area" is as `fetch` calls them.
    ("communes", TABLES, "commune|municipalit|gemeinde|comune|municipio|boundar|area(?=$)"),
    ("sites", TABLES, "site|candidate|candidat|telecent"),
    ("population", TABLES + RASTERS, "pop|worldpop|people|inhabitant|filosofi|carreau"),
    ("population", TABLES + RASTERS, "census|zensus|censo|recensement|grid|hexgrid|ppp(?![a-z])"),
    ("flows", TABLES[:2], "flow|flux|commut"),
    ("elevation", RASTERS, "terrain|elevation|dem|dsm|dtm|mnt|srtm|copernicus"),
)


@dataclass(frozen=True)
class Lying:
    """The keys of a study that files of a folder fill, and one sentence for whatever was left to its reader."""

    keys: dict[str, Any]
    unclear: tuple[str, ...] = ()

    @property
    def found(self) -> list[str]:
        """Each key that is filled, with its value, as in 'streets: town.osm.pbf'."""
        flat = {**self.keys.get("area", {}), **self.keys.get("inputs", {})}
        if "commuting" in self.keys:
            flat["flows"] = self.keys["commuting"]["flows"]
        return [f"{key}: {_plain(value)}" for key, value in flat.items()]


def find_inputs(folder: Path, streets: Path | None = None) -> Lying:
    """Tell which files of a folder a study can read, by their names; of several for one key, none is taken.

    Files in folders below are not looked at, except GTFS feeds that are folders themselves.

    Parameters
    ----------
    folder
        Where the study file will be; it may be new.
    streets
        An extract or graph, wherever it is; left out, the only one in the folder.

    Raises
    ------
    StudyError
        The streets are not there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "town.osm.pbf").touch()
    >>> find_inputs(folder).found
    ['streets: town.osm.pbf']
    """
    if streets is not None and not streets.exists():
        raise StudyError(f"{streets}: {absence(streets)}; expected an OpenStreetMap extract or GraphML")
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []
    unclear: list[str] = []
    found: dict[str, Any] = {}
    named = [path for path in files if path.is_file() and path.name.lower().endswith(STREETS)]
    if streets is not None:
        found["streets"] = Path(os.path.relpath(os.path.realpath(streets), os.path.realpath(folder))).as_posix()
    elif _one("streets", named, unclear):
        found["streets"] = named[0].name
    told, looked = set(named), set[str]()
    for key, ends, words in MEANT:
        begins = re.compile(rf"(?<![a-z])(?:{words})")
        named = [path for path in files if path.suffix.lower() in ends and begins.search(path.stem.lower())]
        if key not in looked and _one(key, named, unclear):
            found[key] = named[0].name if key in ("elevation", "flows") else {"file": named[0].name}
        if named:
            looked.add(key)
        told.update(named)
    feeds = [path for path in files if _is_feed(path)]
    others = [path.name for path in files if path not in told and path.suffix.lower() in (*TABLES, *RASTERS)]
    if others and not {"population", "sites"} <= looked:
        unclear.append(f"{listed(others)}, whose names do not tell what they are; fill them in by hand")
    if feeds:
        found |= _transit(feeds, unclear)
    communes, flows = found.pop("communes", None), found.pop("flows", None)
    keys: dict[str, Any] = {"area": {"communes": communes}} if communes else {}
    if found:
        keys["inputs"] = found
    if "transit" in found:
        keys["travel"] = {"modes": [*Travel.model_fields["modes"].default, TRANSIT.name]}
    if flows is not None and (why := _unlike_flows(folder / flows, communes is not None)):
        unclear.append(f"flows: {flows} {why}; fill in commuting by hand")
    elif flows is not None:
        keys["commuting"] = {"flows": flows, "group": PEOPLE, "uptake": list(UPTAKES)}
    if keys and (origins := _origins(folder, {*found, *(("communes",) if communes else ())})):
        keys["sources"] = origins
    return Lying(keys, tuple(unclear))


def _one(key: str, named: list[Path], unclear: list[str]) -> bool:
    if len(named) > 1:
        unclear.append(f"{key}: may be {listed(path.name for path in named)}; name one of them in the study file")
    return len(named) == 1


def _unlike_flows(path: Path, communes: bool) -> str:
    """Say why a table does not do for commuting as it is; "" where it does."""
    try:
        columns = list(read_table(path))
    except InputError as error:
        return f"cannot be read ({error})"
    lacking = [name for name in ("home", "work", "people", "mode") if name not in columns]
    if lacking:
        return f"has no column {listed(lacking)}"
    return "" if communes else "is between communes, and no file of these lies here"


def _origins(folder: Path, keys: Collection[str]) -> dict[str, Any]:
    """Return what an earlier fetch told of the files that fill some keys."""
    try:
        told = json.loads((folder / "sources.json").read_text(encoding="utf-8"))["keys"]
        return {key: told[f"sources.{key}"] for key in sorted(keys) if isinstance(told.get(f"sources.{key}"), dict)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _is_feed(path: Path) -> bool:
    """Tell a GTFS feed by the table that only timetables have."""
    if path.is_dir():
        return (path / "stop_times.txt").is_file()
    if path.suffix.lower() != ".zip":
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            return any(name.rpartition("/")[2] == "stop_times.txt" for name in packed.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _transit(feeds: list[Path], unclear: list[str]) -> dict[str, Any]:
    names = [path.name for path in feeds]
    try:
        day = common_weekday(feeds)
    except InputError as error:
        unclear.append(f"transit: left out; {error}")
        return {}
    if day is None:
        unclear.append(f"transit: left out; no weekday has trips in all of {listed(names)}; give those that have one")
        return {}
    return {"transit": {"feeds": names, "date": day.isoformat()}}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return f"{listed(value['feeds'])} on {value['date']}" if "feeds" in value else str(value["file"])
    return str(value)
