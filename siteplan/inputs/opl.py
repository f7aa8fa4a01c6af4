"""OpenStreetMap objects as flat arrays, read without a Python step a node.

osmium writes what passes its filters as OPL, one line of text an object, in compiled code; the lines are then read in
bulk.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "RENUMBERED",
    "LocatedWays",
    "PlacedNodes",
    "Tags",
    "all_tags",
    "own_id",
    "read_nodes",
    "read_relations",
    "read_ways",
    "tag_reader",
]

Tags = tuple[tuple[str, str], ...]

MEMBERS = {kind: re.compile(kind + r"(-?\d+)@([^,]*)") for kind in "nw"}
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
    lines = _objects(text, b"w", carrying)
    nodes = [line[2] for line in lines]
    count = np.fromiter((part.count(b"n") for part in nodes), np.int64, len(nodes))
    joined = b",".join(nodes).replace(b"xy", b"x%gy%g" % (NOWHERE, NOWHERE)).translate(NUMBERS)
    numbers = np.fromstring(joined, sep=" ").reshape(-1, 3) if count.any() else np.empty((0, 3))
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
    """Read the nodes of a text of OPL that carry a tag or a key, if any is given."""
    lines = _objects(text, b"n", carrying)
    return PlacedNodes(
        node_id=np.array([own_id(int(line[0])) for line in lines], np.int64),
        tags=[line[1] for line in lines],
        lon=np.array([float(line[2]) for line in lines]),
        lat=np.array([float(line[3]) for line in lines]),
    )


def read_relations(
    text: bytes, *carrying: str, members: Literal["n", "w"] = "w"
) -> list[tuple[int, bytes, list[tuple[int, str]]]]:
    """Read the relations of a text of OPL that carry a tag or a key: ids, texts of tags, members of a kind."""
    member = MEMBERS[members].findall
    return [
        (int(number), tags, [(int(each), _plain(role)) for each, role in member(listed.decode())])
        for number, tags, listed in _objects(text, b"r", carrying)
    ]


def _objects(text: bytes, kind: bytes, carrying: tuple[str, ...]) -> list[list[bytes]]:
    """Return the fields of the objects of one kind, of which all stand together, each without its letter."""
    start = 0 if text.startswith(kind) else text.find(b"\n" + kind) + 1
    if not start and not text.startswith(kind):
        return []
    stop = text.find(b"\n", max(text.rfind(b"\n" + kind) + 1, start))
    lines = text[start:stop].split(b"\n")
    if carrying:
        anywhere = [sign + each.encode() for each in carrying for sign in (b" T", b",")]
        first, second, *others = anywhere
        lines = [line for line in lines if first in line or second in line or any(other in line for other in others)]
    # The first letter of every field says what it is.
    return [[field[1:] for field in line.split(b" ")] for line in lines]


def tag_reader(keys: frozenset[str]) -> Callable[[bytes], Tags]:
    """Return a function that finds the tags of some keys in a text, in which odd characters stand as %hexadecimal%."""

    def read(text: bytes) -> Tags:
        pairs = [tag.split("=", 1) for tag in text.decode().split(",")]
        return tuple([(pair[0], _plain(pair[1])) for pair in pairs if pair[0] in keys])

    return read


def all_tags(text: bytes) -> dict[str, str]:
    """Return all tags in a text."""
    tags = (tag.split("=", 1) for tag in text.decode().split(",")) if text else ()
    return {_plain(key): _plain(value) for key, value in tags}


def _plain(text: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text
