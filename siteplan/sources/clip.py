"""An area cut out of a large extract: its ways whole, with all their nodes, in the same bytes each time."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium
import shapely
from shapely.geometry import MultiPolygon, Polygon

from siteplan.errors import InputError
from siteplan.inputs.extract import DATE, data_date, refuse_full

__all__ = ["Clip", "cut_area"]

DEGREE = 10_000_000  # as osmium keeps degrees: whole numbers of 1e-7
PLACED = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # as osmium keeps where a node is, in a file
AT_ONCE = 1 << 22  # nodes looked at at once: 64 MB
COMMUNE_LEVELS = frozenset({"7", "8", "9", "10"})  # of administrative boundaries that are communes, by country


@dataclass(frozen=True)
class Clip:
    """What was cut out: how many nodes lie in the area, and how old the data are, where the file knows."""

    nodes: int
    data_date: str | None


def cut_area(file: Path, target: Path, area: Polygon | MultiPolygon) -> Clip:
    """Cut an area out of an extract.

    Kept are the nodes in the area; whole, with all their nodes, the ways that have one of these; the relations that
    have one of either, of which multipolygons and the boundaries of communes get all their ways too, so that their
    outlines close. Versions, dates and users are left out. A way that crosses the area between two
    nodes outside is not seen: cut with room to spare.

    Parameters
    ----------
    file
        Any file that osmium reads, in its usual order.
    target
        The PBF file to write.
    area
        In degrees (EPSG:4326).

    Raises
    ------
    InputError
        The file cannot be read, or there is no room to.
    """
    refuse_full(file)
    try:
        with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
            inside = _nodes_in(file, Path(folder) / "places", area)
            kept = osmium.IdTracker()
            for number in inside.tolist():
                kept.add_node(number)
            kept.complete_forward_references(str(file), relation_depth=0)
            with osmium.io.Reader(str(file), osmium.osm.RELATION) as reader:
                osmium.apply(reader, kept.id_filter(), _Outlines(kept))
            with osmium.io.Reader(str(file), osmium.osm.WAY) as reader:
                osmium.apply(reader, kept.id_filter(), _Nodes(kept))
            date = _write(file, target, kept, area)
    except RuntimeError as error:
        raise InputError(
            f"{file}: cannot be read as OpenStreetMap data ({error}); it may be cut short: download it again"
        ) from error
    return Clip(len(inside), date)


class _Outlines:
    """Adds the ways of relations whose outline shall close to those that are kept."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def relation(self, relation: Any) -> None:
        """Look at one relation that is kept."""
        tags = relation.tags
        commune = tags.get("boundary") == "administrative" and tags.get("admin_level") in COMMUNE_LEVELS
        if tags.get("type") == "multipolygon" or commune:
            for member in relation.members:
                if member.type == "w":
                    self._kept.add_way(member.ref)


class _Nodes:
    """Adds the nodes of ways that are kept."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def way(self, way: Any) -> None:
        """Look at one way that is kept."""
        self._kept.add_references(way)


def _nodes_in(file: Path, places: Path, area: Polygon | MultiPolygon) -> npt.NDArray[np.uint64]:
    """Return the ids of the nodes in an area.

    osmium writes where all nodes are into a file, at millions a second, which is then looked through as one array:
    asking osmium node by node takes ten times as long.
    """
    index = osmium.index.create_map(f"sparse_file_array,{places}")
    locations = osmium.NodeLocationsForWays(index)
    locations.ignore_errors()
    with osmium.io.Reader(str(file), osmium.osm.NODE) as reader:
        osmium.apply(reader, locations)
    west, south, east, north = (round(bound * DEGREE) for bound in area.bounds)
    shapely.prepare(area)
    found = []
    # More room than nodes: what is left has id 0, and lies nowhere.
    every = np.memmap(places, dtype=PLACED, mode="r")
    for start in range(0, len(every), AT_ONCE):
        part = every[start : start + AT_ONCE]
        x, y = part["x"], part["y"]
        near = part[(x >= west) & (x <= east) & (y >= south) & (y <= north)]
        inside = shapely.intersects_xy(area, near["x"] / DEGREE, near["y"] / DEGREE)
        found.append(near["id"][inside])
    return np.concatenate(found).astype(np.uint64)


def _write(file: Path, target: Path, kept: Any, area: Polygon | MultiPolygon) -> str | None:
    """Write what is kept, in the order of the file."""
    with osmium.io.Reader(str(file)) as reader:
        date = data_date(reader.header())
        head = osmium.io.Header()
        if date:
            head.set(DATE, date)
        west, south, east, north = area.bounds
        box = osmium.osm.Box(osmium.osm.Location(west, south), osmium.osm.Location(east, north))
        head.add_box(box)
        out = osmium.io.File(str(target), "pbf,add_metadata=none")
        with osmium.SimpleWriter(out, header=head, overwrite=True) as writer:
            osmium.apply(reader, kept.id_filter(), writer)
    return date
