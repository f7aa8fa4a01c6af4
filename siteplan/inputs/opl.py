"""OpenStreetMap objects as flat arrays, read without a Python step a node.

osmium writes what passes its filters as OPL, one line of text an object, in compiled code; the lines are then read in
bulk.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "RENUMBERED",
    "LocatedWays",
    "PlacedNodes",
    "Tags",
    "own_id",
    "read_nodes",
    "read_relations",
    "read_ways",
    "tag_reader",
]

Tags = tuple[tuple[str, str], ...]

WAY = re.compile(rb"^w(-?\d+) (?:\S+ )*?T(\S*) N(\S+)$", re.MULTILINE)
NODE = re.compile(rb"^n(-?\d+) (?:\S+ )*?T(\S+) x(\S+) y(\S+)$", re.MULTILINE)
RELATION = re.compile(rb"^r(-?\d+) (?:\S+ )*?T(\S+) M(\S+)$", re.MULTILINE)
MEMBER = re.compile(r"w(-?\d+)@([^,]*)")
ESCAPED = re.compile(r"%([0-9a-f]+)%")
NOWHERE = 999.0  # stands for a place that is not in the file
NUMBERS = bytes.maketrans(b"nxy,", b"    ")
RENUMBERED = 2**40  # far above all ids: the new nodes of an editor, whose ids are negative, stand there while reading


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


@dataclass(frozen=True)
class PlacedNodes:
    """Nodes in the file's order: ids, texts of tags, `lon` and `lat` in degrees."""

    node_id: npt.NDArray[np.int64]
    tags: list[bytes]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]


def own_id(number: int) -> int:
    """Return the id that a node has in its file."""
    return RENUMBERED - number if number > RENUMBERED else number


def read_ways(text: bytes, *carrying: str) -> LocatedWays:
    """Read the ways of a text of OPL; only those with a tag ("route=ferry") or a key ("highway="), if any is given."""
    carries = _carrier(carrying)
    lines = [line for line in WAY.findall(text) if carries(line[1])]
    nodes = [line[2] for line in lines]
    count = np.fromiter((part.count(b"n") for part in nodes), np.int64, len(nodes))
    joined = b",".join(nodes).replace(b"xy", b"x%gy%g" % (NOWHERE, NOWHERE)).translate(NUMBERS)
    numbers = np.fromstring(joined, sep=" ").reshape(-1, 3)
    there = numbers[:, 1] != NOWHERE
    refs = numbers[:, 0].astype(np.int64)
    return LocatedWays(
        way_id=np.array([int(line[0]) for line in lines], np.int64),
        tags=[line[1] for line in lines],
        refs=np.where(refs > RENUMBERED, RENUMBERED - refs, refs),
        lon=np.where(there, numbers[:, 1], np.nan),
        lat=np.where(there, numbers[:, 2], np.nan),
        start=np.concatenate([[0], np.cumsum(count)]),
    )


def read_nodes(text: bytes, *carrying: str) -> PlacedNodes:
    """Read the nodes of a text of OPL that carry a tag or a key."""
    carries = _carrier(carrying)
    last = text.rfind(b"\nn") + 1  # ways follow, of ten times as much text
    end = text.find(b"\n", last)
    lines = [line for line in NODE.findall(text, 0, len(text) if end < 0 else end) if carries(line[1])]
    return PlacedNodes(
        node_id=np.array([own_id(int(line[0])) for line in lines], np.int64),
        tags=[line[1] for line in lines],
        lon=np.array([float(line[2]) for line in lines]),
        lat=np.array([float(line[3]) for line in lines]),
    )


def read_relations(text: bytes, *carrying: str) -> list[tuple[bytes, list[tuple[int, str]]]]:
    """Read the relations of a text of OPL that carry a tag or a key: texts of tags, member ways with their roles."""
    carries = _carrier(carrying)
    return [
        (tags, [(int(way), _plain(role)) for way, role in MEMBER.findall(members.decode())])
        for _, tags, members in RELATION.findall(text)
        if carries(tags)
    ]


def _carrier(starts: tuple[str, ...]) -> Callable[[bytes], object]:
    return re.compile(b"(?:^|,)(?:" + b"|".join(re.escape(start.encode()) for start in starts) + b")").search


def tag_reader(keys: frozenset[str]) -> Callable[[bytes], Tags]:
    """Return a function that finds the tags of some keys in a text, in which odd characters stand as %hexadecimal%."""
    found = re.compile("(?:^|,)(" + "|".join(map(re.escape, sorted(keys))) + ")=([^,]*)").findall

    def read(text: bytes) -> Tags:
        return tuple((key, _plain(value)) for key, value in found(text.decode()))

    return read


def _plain(text: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text
