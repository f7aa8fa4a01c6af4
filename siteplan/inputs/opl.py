"""Ways of an OpenStreetMap file as flat arrays, read without a Python step a node.

osmium filters the ways, gives their nodes places and writes them as OPL, one line of text a way, all in compiled code;
the lines are then read in bulk.
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium

__all__ = ["LocatedWays", "Tags", "read_ways", "tag_reader"]

Tags = tuple[tuple[str, str], ...]

LINE = re.compile(rb"^w(-?\d+) (?:\S+ )*?T(\S*) N(\S+)$", re.MULTILINE)
ESCAPED = re.compile(r"%([0-9a-f]+)%")
NOWHERE = 999.0  # stands for a place that is not in the file
NUMBERS = bytes.maketrans(b"nxy,", b"    ")


@dataclass(frozen=True)
class LocatedWays:
    """Ways in the file's order.

    `refs`, `lon`, `lat` (degrees; NaN = the node is missing) of way `w` are `start[w]:start[w + 1]`, `tags[w]`
    is its text of tags.
    """

    way_id: npt.NDArray[np.int64]
    tags: list[bytes]
    refs: npt.NDArray[np.int64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]


def read_ways(file: Path, *filters: Any) -> LocatedWays:
    """Read the ways that pass osmium's filters.

    Raises
    ------
    RuntimeError
        osmium cannot read the file.
    """
    with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
        text = Path(folder) / "ways.opl"
        locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
        locations.ignore_errors()
        ways_only = osmium.filter.EntityFilter(osmium.osm.WAY)
        options = "opl,add_metadata=none,locations_on_ways=true"
        with (
            osmium.io.Reader(str(file), osmium.osm.NODE | osmium.osm.WAY) as reader,
            osmium.SimpleWriter(osmium.io.File(str(text), options)) as writer,
        ):
            osmium.apply(reader, locations, ways_only, *filters, writer)
        return _parse(text.read_bytes())


def _parse(text: bytes) -> LocatedWays:
    lines = LINE.findall(text)
    nodes = [line[2] for line in lines]
    count = np.fromiter((part.count(b"n") for part in nodes), np.int64, len(nodes))
    joined = b",".join(nodes).replace(b"xy", b"x%gy%g" % (NOWHERE, NOWHERE)).translate(NUMBERS)
    numbers = np.fromstring(joined, sep=" ").reshape(-1, 3)
    there = numbers[:, 1] != NOWHERE
    return LocatedWays(
        way_id=np.array([int(line[0]) for line in lines], np.int64),
        tags=[line[1] for line in lines],
        refs=numbers[:, 0].astype(np.int64),
        lon=np.where(there, numbers[:, 1], np.nan),
        lat=np.where(there, numbers[:, 2], np.nan),
        start=np.concatenate([[0], np.cumsum(count)]),
    )


def tag_reader(keys: frozenset[str]) -> Callable[[bytes], Tags]:
    """Return a function that finds the tags of some keys in a text, in which odd characters stand as %hexadecimal%."""
    found = re.compile("(?:^|,)(" + "|".join(map(re.escape, sorted(keys))) + ")=([^,]*)").findall

    def read(text: bytes) -> Tags:
        return tuple((key, _plain(value)) for key, value in found(text.decode()))

    return read


def _plain(text: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text
