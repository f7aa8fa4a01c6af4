"""OpenStreetMap objects as flat arrays, read without a Python step a node.

osmium writes what passes its filters as OPL, one line of text an object, in compiled code; the lines are then read in
bulk, those of ways, of which there are most, by a compiled reader, block by block.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel

__all__ = [
    "RENUMBERED",
    "LocatedWays",
    "PlacedNodes",
    "Tags",
    "Text",
    "all_tags",
    "blocks",
    "read_nodes",
    "read_relations",
    "read_ways",
    "tag_reader",
]

Tags = tuple[tuple[str, str], ...]
Text = bytes | Path  # OPL, or the file that it stands in

MEMBERS = {kind: re.compile(kind + r"(-?\d+)@([^,]*)") for kind in "nw"}
ESCAPED = re.compile(r"%([0-9a-f]+)%")
ORDER = b"nwr"  # nodes, ways, relations, each kind together
BLOCK = 16 * 2**20  # bytes that are read at a time
FEW = 8  # lines for each in which a word occurs
GLANCE = 2**16  # bytes
RENUMBERED = 2**40  # far above all ids: the new nodes of an editor, whose ids are negative, stand there while reading


@dataclass(frozen=True)
class LocatedWays:
    """Ways in the file's order.

    `refs`, `lon`, `lat` (degrees; NaN = the node is missing) of way `w` are `start[w]:start[w + 1]`, `texts[text[w]]`
    is its text of tags.
    """

    way_id: npt.NDArray[np.int64]
    text: npt.NDArray[np.int64]
    texts: list[bytes]
    refs: npt.NDArray[np.int64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]

    @property
    def tags(self) -> list[bytes]:
        """The text of tags of each way."""
        return [self.texts[text] for text in self.text.tolist()]


@dataclass(frozen=True)
class PlacedNodes:
    """Nodes in the file's order: ids, texts of tags, `lon` and `lat` in degrees."""

    node_id: npt.NDArray[np.int64]
    tags: list[bytes]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]


def _own_id(number: int) -> int:
    """Return the id that a node has in its file."""
    return RENUMBERED - number if number > RENUMBERED else number


def read_ways(text: Text, *carrying: str, keys: Set[str] | None = None) -> LocatedWays:
    """Read the ways of a text of OPL; only those with a tag ("route=ferry") or a key ("highway="), if any is given.

    Of their tags, only those of some `keys` are kept, if any are given: so many ways have the same.
    """
    asked, wanted = _table(carrying), _table(sorted(keys or (), key=len))
    known: dict[bytes, int] = {}
    parts, said = [], []
    for block in _holding(_blocks(text, b"w"), [word.encode() for word in carrying]):
        lines, nodes = block.count(b"\n") + 1, block.count(b"x")
        *found, tags, tag_stop = scan_ways(
            np.frombuffer(block, np.uint8), lines, nodes, asked, wanted, keys is not None, RENUMBERED
        )
        parts.append(found)
        every, stops = tags.tobytes(), tag_stop.tolist()
        said += [
            known.setdefault(every[first:stop], len(known)) for first, stop in zip([0, *stops], stops, strict=False)
        ]
    if not parts:
        parts = [[np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0)]]
    way_id, count, refs, lon, lat = (np.concatenate(column) for column in zip(*parts, strict=True))
    start = np.concatenate([[0], np.cumsum(count)])
    return LocatedWays(way_id, np.array(said, np.int64), list(known), refs, lon, lat, start)


def read_nodes(text: Text, *carrying: str) -> PlacedNodes:
    """Read the nodes of a text of OPL that carry a tag or a key, if any is given."""
    lines = _objects(text, b"n", carrying)
    return PlacedNodes(
        node_id=np.array([_own_id(int(line[0])) for line in lines], np.int64),
        tags=[line[1] for line in lines],
        lon=np.array([float(line[2]) for line in lines]),
        lat=np.array([float(line[3]) for line in lines]),
    )


def read_relations(
    text: Text, *carrying: str, members: Literal["n", "w"] = "w"
) -> list[tuple[int, bytes, list[tuple[int, str]]]]:
    """Read the relations of a text of OPL that carry a tag or a key: ids, texts of tags, members of a kind."""
    member = MEMBERS[members].findall
    return [
        (int(number), tags, [(int(each), _plain(role)) for each, role in member(listed.decode())])
        for number, tags, listed in _objects(text, b"r", carrying)
    ]


def _objects(text: Text, kind: bytes, carrying: tuple[str, ...]) -> list[list[bytes]]:
    """Return the fields of the objects of one kind, of which all stand together, each without its letter."""
    signs = [sign + each.encode() for each in carrying for sign in (b" T", b",")]
    found: list[list[bytes]] = []
    for block in _blocks(text, kind):
        lines = block.split(b"\n")
        if signs:
            first, second, *others = signs
            lines = [line for line in lines if first in line or second in line or any(one in line for one in others)]
        # The first letter of every field says what it is.
        found += [[field[1:] for field in line.split(b" ")] for line in lines]
    return found


def _blocks(text: Text, kind: bytes) -> Iterator[bytes]:
    """Return the lines of objects of one kind, some at a time."""
    place = ORDER.index(kind)
    for block in blocks(text):
        last = block.rfind(b"\n") + 1
        if ORDER.index(block[:1]) > place:
            return
        if ORDER.index(block[last : last + 1]) < place:
            continue
        start = 0 if block.startswith(kind) else block.find(b"\n" + kind) + 1
        if not start and not block.startswith(kind):
            continue
        stop = block.find(b"\n", max(block.rfind(b"\n" + kind) + 1, start))
        yield block[start : len(block) if stop < 0 else stop]


def _holding(every: Iterable[bytes], words: list[bytes]) -> Iterator[bytes]:
    """Return blocks with those lines alone that hold one of some words, where these are few: so it is quicker."""
    for block in every:
        # The beginning tells of most blocks that they are full of what is asked for.
        parts = (block[:GLANCE], block) if words else ()
        if not parts or any(sum(map(part.count, words)) * FEW > part.count(b"\n") for part in parts):
            yield block
            continue
        lines: dict[int, int] = {}
        for word in words:
            at = block.find(word)
            while at >= 0:
                end = block.find(b"\n", at)
                stop = len(block) if end < 0 else end
                lines[block.rfind(b"\n", 0, at) + 1] = stop
                at = block.find(word, stop)
        if lines:
            yield b"\n".join(block[first : lines[first]] for first in sorted(lines))


def blocks(text: Text) -> Iterator[bytes]:
    """Return a text some lines at a time, without the end of the last."""
    with io.BytesIO(text) if isinstance(text, bytes) else text.open("rb") as file:
        rest = b""
        while part := file.read(BLOCK):
            whole, end, part = part.rpartition(b"\n")
            if end:
                yield rest + whole
                rest = b""
            rest += part
        if rest:
            yield rest


def _table(words: Iterable[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return words as rows of bytes, and how long each is."""
    spelt = [word.encode() for word in words]
    longest = max(map(len, spelt), default=0)
    rows = np.frombuffer(b"".join(word.ljust(longest, b"\0") for word in spelt), np.uint8)
    return rows.reshape(len(spelt), longest), np.array([len(word) for word in spelt], np.int64)


@inner_kernel
def _begins(text, first, stop, words, sizes, whole):  # type: ignore[no-untyped-def]
    """Tell whether a stretch of text begins with one of some words, or is one as a whole."""
    for word in range(len(sizes)):
        size = sizes[word]
        if size == stop - first if whole else size <= stop - first:
            same = True
            for k in range(size):
                if text[first + k] != words[word, k]:
                    same = False
                    break
            if same:
                return True
    return False


@inner_kernel
def _number(text, at):  # type: ignore[no-untyped-def]
    """Return the digits of a decimal number as a whole number, how many stand behind the point, and where it ends."""
    sign, value, decimals, behind = 1, 0, 0, False
    while at < len(text):
        byte = text[at]
        if byte == 45:  # -
            sign = -1
        elif byte == 46:  # .
            behind = True
        elif 48 <= byte <= 57:
            value = 10 * value + (byte - 48)
            decimals += behind
        else:
            break
        at += 1
    return sign * value, decimals, at


@inner_kernel
def _degrees(text, at):  # type: ignore[no-untyped-def]
    """Return the number of degrees that stands in a text (NaN: none does), and where it ends."""
    value, decimals, end = _number(text, at)
    # Both are whole and below 2^53: so is their quotient the number that is nearest to what is written.
    return (value / 10.0**decimals if end > at else np.nan), end


@kernel
def scan_ways(text, lines, nodes, asked, wanted, picks, renumbered):  # type: ignore[no-untyped-def]
    """Read lines of ways: ids, numbers of nodes, the nodes, the tags that are wanted, and where each way's end.

    `lines` and `nodes` are at least as many as there are.
    """
    way_id, count, tag_stop = np.empty(lines, np.int64), np.empty(lines, np.int64), np.empty(lines, np.int64)
    refs, lon, lat = np.empty(nodes, np.int64), np.empty(nodes), np.empty(nodes)
    tags = np.empty(len(text), np.uint8)
    ways = done = written = at = 0
    while at < len(text):
        way_id[ways], _, at = _number(text, at + 1)  # behind its w
        kept, begun, many = len(asked[1]) == 0, written, 0
        while at < len(text) and text[at] != 10:  # end of line
            at += 1  # a space
            field = text[at]
            at += 1
            if field == 84:  # T
                while at < len(text) and text[at] != 32 and text[at] != 10:
                    first, key = at, -1
                    while at < len(text) and text[at] != 44 and text[at] != 32 and text[at] != 10:
                        if text[at] == 61 and key < 0:  # =
                            key = at
                        at += 1
                    kept = kept or _begins(text, first, at, asked[0], asked[1], False)
                    if not picks or _begins(text, first, key, wanted[0], wanted[1], True):
                        if written > begun:
                            tags[written] = 44
                            written += 1
                        for k in range(first, at):
                            tags[written] = text[k]
                            written += 1
                    if at < len(text) and text[at] == 44:
                        at += 1
            elif field == 78:  # N
                while at < len(text) and text[at] == 110:  # n
                    ref, _, at = _number(text, at + 1)
                    refs[done + many] = renumbered - ref if ref > renumbered else ref
                    lon[done + many], at = _degrees(text, at + 1)
                    lat[done + many], at = _degrees(text, at + 1)
                    many += 1
                    if at < len(text) and text[at] == 44:
                        at += 1
            else:
                while at < len(text) and text[at] != 32 and text[at] != 10:
                    at += 1
        at += 1
        if kept:
            count[ways], tag_stop[ways] = many, written
            done += many
            ways += 1
        else:
            written = begun
    return (
        way_id[:ways].copy(),
        count[:ways].copy(),
        refs[:done].copy(),
        lon[:done].copy(),
        lat[:done].copy(),
        tags[:written],
        tag_stop[:ways],
    )


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
