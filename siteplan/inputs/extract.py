"""OpenStreetMap files as people have them: checked by name, put in order where they are not, read in one pass."""

import bz2
import gzip
import re
import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import osmium
import shapely

from siteplan.errors import InputError, absence
from siteplan.geo import LONLAT
from siteplan.inputs.opl import RENUMBERED

__all__ = ["Scan", "open_osm", "read_extract", "scan", "way_names"]

T = TypeVar("T")

DELETED = re.compile(rb"<(node|way|relation)\s[^>]*\baction\s*=\s*[\"']delete[\"'][^>]*>")
NUMBER = re.compile(rb"\bid\s*=\s*[\"'](-?\d+)[\"']")


@dataclass(frozen=True)
class Scan:
    """What one pass over a file finds.

    `text` holds the nodes, ways and relations that carry the keys asked for, as OPL; `areas` the tags of each outline
    that fits and its shape (hexadecimal WKB, degrees); `data_date` says how old the data are, where the file knows.
    """

    text: bytes
    areas: list[tuple[dict[str, str], str]]
    data_date: str | None

    def outlines(self, tags: Collection[tuple[str, str]]) -> tuple[list[dict[str, str]], gpd.GeoSeries]:
        """Return the tags and the valid shapes (EPSG:4326) of the outlines that carry one of some tags."""
        found = [(has, shape) for has, shape in self.areas if any(has.get(key) == value for key, value in tags)]
        shapes = shapely.make_valid(shapely.from_wkb(np.array([shape for _, shape in found], dtype=object)))
        return [has for has, _ in found], gpd.GeoSeries(shapes, crs=LONLAT)


def open_osm(path: str | Path) -> Path:
    """Check that an OSM file is there and is not something else; return its path.

    Raises
    ------
    InputError
        No such file, a folder, an empty file, or an ending osmium does not read.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: {absence(file)}; give an OpenStreetMap extract (.osm.pbf or .osm)")
    if not file.name.endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2", ".xml")):
        raise InputError(
            f"{file}: not an OpenStreetMap extract by its name; expected .osm.pbf, .osm, .osm.gz or .osm.bz2"
        )
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty; download or export the extract again")
    return file


def read_extract(path: str | Path, read: Callable[[Path], T]) -> T:
    """Read an extract by `read`, which is given a file that osmium can read: `path`, or that put in order.

    Extracts need not be sorted, whole or fresh: ids out of order or twice, new (negative) ids of an editor, deleted
    objects and older versions occur in files that people edit. Of several versions the newest counts, of equal ones
    that with more tags; what is deleted or invisible is not there.

    Raises
    ------
    InputError
        The file is missing, unreadable, or no OpenStreetMap data.
    """
    file = open_osm(path)
    try:
        if _is_plain(file):
            try:
                return read(file)
            except RuntimeError as error:
                if "out of order" not in str(error):
                    raise
        with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
            return read(_put_in_order(file, Path(folder)))
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise InputError(
            f"{file}: cannot be read as OpenStreetMap data ({error}); it may be cut short or of another format: "
            "download or export it again"
        ) from error


def _is_plain(file: Path) -> bool:
    """Tell whether a file has no deleted objects, older versions and new ids: a PBF file that holds no history."""
    with osmium.io.Reader(str(file)) as reader:
        return file.name.endswith(".pbf") and not reader.header().has_multiple_object_versions


def scan(
    file: Path,
    *filters: Any,
    areas: Collection[tuple[str, str]] = (),
    kinds: osmium.osm.osm_entity_bits = osmium.osm.ALL,
) -> Scan:
    """Go through a file once, and once more through its relations where outlines are asked for.

    Parameters
    ----------
    filters
        osmium's: what passes them all is given as text.
    areas
        Tags: what carries one of them is given as an outline.
    kinds
        Which kinds of objects to read.

    Raises
    ------
    RuntimeError
        osmium cannot read the file, or its objects are out of order.
    """
    fitting = osmium.filter.TagFilter(*(areas or [("no", "area")]))
    manager, outlines = osmium.area.AreaManager(), _Outlines()
    if areas:
        with osmium.io.Reader(str(file), osmium.osm.RELATION) as reader:
            osmium.apply(reader, fitting, manager.first_pass_handler())
    locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    locations.ignore_errors()
    with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
        text = Path(folder) / "scan.opl"
        options = "opl,add_metadata=none,locations_on_ways=true"
        with (
            osmium.io.Reader(str(file), kinds) as reader,
            osmium.SimpleWriter(osmium.io.File(str(text), options)) as writer,
        ):
            # The second pass for outlines also notices objects that are out of order.
            osmium.apply(reader, locations, manager.second_pass_handler(fitting, outlines), *filters, writer)
            header = reader.header()
        date = header.get("osmosis_replication_timestamp") or header.get("timestamp") or None
        return Scan(text.read_bytes(), outlines.found, date)


class _Outlines(osmium.SimpleHandler):
    """Gathers outlines with their tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str], str]] = []
        self._shaped = osmium.geom.WKBFactory()

    def area(self, area: Any) -> None:
        """Take one outline, if its ways make one."""
        if area.num_rings()[0]:
            self.found.append((dict(area.tags), self._shaped.create_multipolygon(area)))


def _put_in_order(file: Path, folder: Path) -> Path:
    """Write what is there, each object once, sorted, into a file of its own; new nodes get numbers above all others."""
    best: dict[tuple[str, int], tuple[tuple[Any, ...], int]] = {}
    thing: Any  # a node, way or relation
    for number, thing in enumerate(osmium.FileProcessor(str(file))):
        label = (thing.type_str(), thing.id)
        size = len(thing.nodes) if thing.is_way() else len(thing.members) if thing.is_relation() else 0
        worth = (thing.version, thing.timestamp, thing.visible, len(thing.tags), size)
        if label not in best or worth > best[label][0]:
            best[label] = worth, number
    gone = set() if file.name.endswith(".pbf") else _deleted(file)
    kept = {number for label, (worth, number) in best.items() if worth[2] and label not in gone}
    once, ordered = folder / "once.osm.pbf", folder / "ordered.osm.pbf"
    with osmium.SimpleWriter(str(once)) as writer:
        for number, thing in enumerate(osmium.FileProcessor(str(file))):
            if number in kept:
                writer.add(_renumbered(thing))
    merged = osmium.MergeInputReader()
    merged.add_file(str(once))
    with osmium.SimpleWriter(str(ordered)) as writer:
        merged.apply(writer, simplify=False)
    return ordered


def _renumbered(thing: Any) -> Any:
    """Give nodes with negative ids, which osmium cannot find again, numbers of their own."""
    if thing.is_node() and thing.id < 0:
        return thing.replace(id=RENUMBERED - thing.id)
    if thing.is_way() and any(node.ref < 0 for node in thing.nodes):
        return thing.replace(nodes=[RENUMBERED - node.ref if node.ref < 0 else node.ref for node in thing.nodes])
    return thing


def _deleted(file: Path) -> set[tuple[str, int]]:
    """Name the objects that an editor has marked for deletion (JOSM: action="delete") in a file of XML."""
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
    with openers.get(file.suffix, open)(file, "rb") as text:
        return set(_marked(text))


def _marked(text: Iterable[bytes]) -> Iterable[tuple[str, int]]:
    for line in text:
        for found in DELETED.finditer(line) if b"delete" in line else ():
            number = NUMBER.search(found[0])
            if number is not None:
                yield found[1].decode()[0], int(number[1])


def way_names(path: str | Path, ways: Collection[int]) -> dict[int, str]:
    """Return what some ways of an extract are called, by id: their name, else their number (`ref`)."""
    wanted, names = set(ways), {}
    named = osmium.FileProcessor(str(open_osm(path)), osmium.osm.WAY).with_filter(
        osmium.filter.KeyFilter("name", "ref")
    )
    for way in named:
        if way.id in wanted:
            names[way.id] = way.tags.get("name") or way.tags["ref"]
    return names
