"""OpenStreetMap files as people have them: checked by name, put in order where they are not, read in one pass."""

import bz2
import errno
import gzip
import itertools
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import geopandas as gpd
import numpy as np
import osmium
import shapely

from siteplan.errors import InputError, absence
from siteplan.formats import extract_form, is_graph
from siteplan.geo import LONLAT
from siteplan.inputs.opl import RENUMBERED, all_tags, blocks, read_ways
from siteplan.inputs.packed import refuse_bomb
from siteplan.memory import give_back

__all__ = [
    "DATE",
    "NODES_TOO",
    "Layer",
    "Outline",
    "Scan",
    "data_date",
    "osm_file",
    "read_layers",
    "refuse_full",
    "way_names",
]

T = TypeVar("T")

# The start of an element of XML: no "<" stands in it, but ">" and ends of lines may.
ELEMENT = re.compile(rb"<(node|way|relation)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*/?>")
ATTRIBUTE = re.compile(rb"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
NUMBER = re.compile(rb"-?\d{1,18}")
FOREIGN = ("Unknown element", "No element inside")
UNORDERED = ("out of order", "twice in input")  # as osmium says it
NEGATIVE = (b"\nn-", b"Nn-", b",n-")  # where ids of nodes below zero stand in OPL
NODES_TOO = "ask for the nodes as well, with: out body; >; out skel qt;"
FEATURES = 9  # a PBF file names two at most, as far as they are known
NO_KEY = "\x00"  # nothing carries it
DATE = "osmosis_replication_timestamp"  # of the head of a file
CHUNK = 1024**2
ROOM = 4  # times the size of a file, for what is picked out of it as text
MOST_BYTES = 100 * 1024**3  # unpacked: what a continent has
LONGEST_HEADER = 64 * 1024  # bytes, as the format has it
BLOB_LENGTH, UNPACKED = 3, 2  # numbers of fields: of a block's header, of its blob
BLOB_HEAD = 64  # bytes at the beginning of a blob, among which its size stands


@dataclass(frozen=True)
class Outline:
    """An area: n, w or r and the number of what it was made of, its tags, its shape (hexadecimal WKB, degrees)."""

    osm: str
    tags: dict[str, str]
    shape: str


@dataclass(frozen=True)
class Scan:
    """What one pass over a file finds.

    The file `text` holds the nodes, ways and relations that carry the keys asked for, as OPL, and `rims` the ways asked
    for as members of squares; both are gone once the layers are made. `areas` are the outlines that fit; `data_date`
    says how old the data are, where the file knows.
    """

    source: str
    text: Path
    rims: Path
    areas: list[Outline]
    data_date: str | None

    def outlines(self, tags: Collection[tuple[str, str]]) -> tuple[list[dict[str, str]], gpd.GeoSeries]:
        """Return the tags and the valid shapes (EPSG:4326) of the outlines that carry one of some tags."""
        found = [each for each in self.areas if any(each.tags.get(key) == value for key, value in tags)]
        shapes = shapely.make_valid(shapely.from_wkb(np.array([each.shape for each in found], dtype=object)))
        return [each.tags for each in found], gpd.GeoSeries(shapes, crs=LONLAT)


@dataclass(frozen=True)
class Layer(Generic[T]):
    """What one reader looks for in an extract, and how it makes its own of what one pass finds for all readers.

    Parameters
    ----------
    make
        Given what was found, among which are things that other layers asked for.
    nodes, others
        Keys: nodes, and ways and relations, that carry one of them are given as text.
    areas
        Tags, or keys alone: what carries one of them is given as an outline.
    squares
        Tags: the ways of multipolygons that carry one of them are given as text, whatever they carry themselves.
    ways
        Ids of the only ways that need be given, wherever they are; such a layer is read alone, and no nodes for it.
    """

    make: Callable[[Scan], T]
    nodes: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    areas: tuple[tuple[str, str] | str, ...] = ()
    squares: tuple[tuple[str, str], ...] = ()
    ways: frozenset[int] = frozenset()


def _open_osm(path: str | Path) -> Path:
    """Check that an OSM file is there and is not something else; return its path.

    Raises
    ------
    InputError
        No such file, a folder, an empty file, or an ending osmium does not read.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: {absence(file)}; give an OpenStreetMap extract (.osm.pbf or .osm)")
    if not extract_form(file):
        raise InputError(
            f"{file}: not an OpenStreetMap extract by its name; expected .osm.pbf, .osm, .osm.gz or .osm.bz2"
        )
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty; download or export the extract again")
    return file


def osm_file(file: Path) -> osmium.io.File:
    """Return what osmium reads an extract as: by itself it knows endings in small letters alone."""
    return osmium.io.File(str(file), extract_form(file))


def read_layers(path: str | Path, *layers: Layer[Any]) -> list[Any]:
    """Read an extract once for some layers; return what each makes of it.

    Extracts need not be sorted, whole or fresh: ids out of order or twice, new (negative) ids of an editor, deleted
    objects and older versions occur in files that people edit. Of several versions the newest counts, of equal ones
    that with more tags; what is deleted or invisible is not there.

    Raises
    ------
    InputError
        The file is missing, unreadable, or no OpenStreetMap data.
    """
    file = _open_osm(path)
    with tempfile.TemporaryDirectory(prefix="siteplan-") as folder:
        try:
            found = _scan_in_order(file, str(path), layers, Path(folder))
        except (RuntimeError, osmium.InvalidLocationError) as error:
            why = str(error)
            if any(text in why for text in FOREIGN):
                text = f"{file}: is not written as OpenStreetMap writes XML ({why}); in Overpass, {NODES_TOO}"
            else:
                text = (
                    f"{file}: cannot be read as OpenStreetMap data ({why}); it may be cut short or of another format: "
                    "download or export it again"
                )
            raise InputError(text) from error
        made = [layer.make(found) for layer in layers]
    give_back()
    return made


def _scan_in_order(file: Path, source: str, layers: Collection[Layer[Any]], folder: Path) -> Scan:
    """Go through a file that osmium can read as it is, else through the same put in order."""
    refuse_full(file)
    if _is_plain(file):
        try:
            found = _scan(file, source, layers, folder / "plain")
        except RuntimeError as error:
            if not any(text in str(error) for text in UNORDERED):
                raise
        else:
            if not _has_new_nodes(found):
                return found
    return _scan(_put_in_order(file, folder), source, layers, folder / "ordered")


def _has_new_nodes(found: Scan) -> bool:
    """Tell whether nodes of an editor are among those found, which osmium does not place."""
    every = itertools.chain(blocks(found.text), blocks(found.rims))
    return any(b"n-" in each and (each.startswith(b"n-") or any(sign in each for sign in NEGATIVE)) for each in every)


def _is_plain(file: Path) -> bool:
    """Tell whether a file has no deleted objects and older versions: a PBF file that holds no history."""
    if extract_form(file) != "pbf":
        return False
    refuse_bomb(file, file.stat().st_size, _told_size(file), most=MOST_BYTES)
    with osmium.io.Reader(osm_file(file), osmium.osm.NOTHING) as reader:  # else osmium reads ahead
        return not reader.header().has_multiple_object_versions


def _scan(file: Path, source: str, layers: Collection[Layer[Any]], folder: Path) -> Scan:
    """Go through a file once, writing into a new folder.

    Its relations, which stand last and say which ways make squares and outlines, are gone through before.

    Raises
    ------
    RuntimeError
        osmium cannot read the file, or its objects are out of order.
    """
    areas = list(dict.fromkeys(tag for layer in layers for tag in layer.areas))
    squares = list(dict.fromkeys(tag for layer in layers for tag in layer.squares))
    manager, outlines = osmium.area.AreaManager(), _Outlines(areas)
    fitting, members = _area_filter(areas), _Members(squares)
    if areas or squares:
        with osmium.io.Reader(osm_file(file), osmium.osm.RELATION) as reader:
            osmium.apply(reader, members, fitting, manager.first_pass_handler())
    locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    locations.ignore_errors()
    nodes, others = (
        osmium.filter.KeyFilter(*(sorted(frozenset().union(*keys)) or [NO_KEY]))
        for keys in ([layer.nodes for layer in layers], [layer.others for layer in layers])
    )
    nodes.enable_for(osmium.osm.NODE)
    others.enable_for(osmium.osm.WAY | osmium.osm.RELATION)
    # This handler also notices objects that are out of order, and so must see all.
    joined = manager.second_pass_handler(fitting, outlines)
    folder.mkdir()
    texts = [folder / name for name in ("scan.opl", "rims.opl")]
    ways = frozenset().union(*(layer.ways for layer in layers))
    read = osmium.osm.WAY if ways else osmium.osm.ALL
    # A filter takes no new (negative) ids.
    wanted = [osmium.filter.IdFilter(ways)] if ways and min(ways) >= 0 else []
    options = "opl,add_metadata=none,locations_on_ways=true"
    with (
        osmium.io.Reader(osm_file(file), read) as reader,
        osmium.SimpleWriter(osmium.io.File(str(texts[0]), options)) as writer,
        osmium.SimpleWriter(osmium.io.File(str(texts[1]), options)) as rims,
    ):
        picked = [_Picked(members.ways, rims)] if members.ways else []
        header = reader.header()
        # Some files tell where nodes are in the ways alone, which is not to be overwritten.
        features = [header.get(f"pbf_optional_feature_{number}") for number in range(FEATURES)]
        places = [] if ways or "LocationsOnWays" in features else [locations]
        osmium.apply(reader, *places, *picked, joined, *wanted, others, nodes, writer)
    return Scan(source, texts[0], texts[1], outlines.found, data_date(header))


def data_date(header: Any) -> str | None:
    """Say how old the data are, where the head of the file knows."""
    return header.get(DATE) or header.get("timestamp") or None


def refuse_full(file: Path) -> None:
    """Refuse to begin where there is little room: a writer of osmium that finds none would end the process."""
    place = tempfile.gettempdir()
    room, needed = shutil.disk_usage(place).free, ROOM * file.stat().st_size
    if room >= needed:
        room = _room_in(place, needed)
    if room < needed:
        raise InputError(
            f"{file}: {needed:,} bytes are needed to read it, but {place} has {room:,} left; make room there, or name "
            "another folder in TMPDIR"
        )


def _room_in(place: str, needed: int) -> int:
    """Say how much of what is needed may be written in a folder: quotas and limits bind before the disk is full."""
    if not hasattr(os, "posix_fallocate"):
        return needed
    with tempfile.TemporaryFile(dir=place) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, needed)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                return 0
    return needed


def _area_filter(areas: Collection[tuple[str, str] | str]) -> Any:
    """Let through what carries one of some tags; where keys alone are among them, all of their keys."""
    if not areas:
        return osmium.filter.KeyFilter(NO_KEY)
    tags = [tag for tag in areas if not isinstance(tag, str)]
    if len(tags) < len(areas):
        return osmium.filter.KeyFilter(*sorted({tag if isinstance(tag, str) else tag[0] for tag in areas}))
    return osmium.filter.TagFilter(*tags)


class _Members:
    """Finds the ways that make squares."""

    def __init__(self, squares: Collection[tuple[str, str]]) -> None:
        self.ways: set[int] = set()
        self._squares = squares

    def relation(self, relation: Any) -> None:
        """Take the ways of one relation, if it is a square."""
        tags = relation.tags
        if any(tags.get(key) == value for key, value in self._squares) and tags.get("type") == "multipolygon":
            self.ways.update(member.ref for member in relation.members if member.type == "w")


class _Picked:
    """Writes some ways, whatever they carry."""

    def __init__(self, wanted: set[int], writer: Any) -> None:
        self._wanted, self._writer = wanted, writer

    def way(self, way: Any) -> None:
        """Write one way, if it is wanted."""
        if way.id in self._wanted:
            self._writer.add_way(way)


class _Outlines:
    """Gathers outlines with their tags."""

    def __init__(self, areas: Collection[tuple[str, str] | str]) -> None:
        self.found: list[Outline] = []
        self._keys = frozenset(tag for tag in areas if isinstance(tag, str))
        self._tags = frozenset(tag for tag in areas if not isinstance(tag, str))
        self._shaped = osmium.geom.WKBFactory()

    def area(self, area: Any) -> None:
        """Take one outline, if its ways make one."""
        tags = dict(area.tags)
        if (self._keys.isdisjoint(tags) and self._tags.isdisjoint(tags.items())) or not area.num_rings()[0]:
            return
        label = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
        self.found.append(Outline(label, tags, self._shaped.create_multipolygon(area)))


def _put_in_order(file: Path, folder: Path) -> Path:
    """Write what is there, each object once, sorted, into a file of its own; new nodes get numbers above all others."""
    gone = set() if extract_form(file) == "pbf" else _deleted(file)  # first, for it knows when to stop
    best: dict[tuple[str, int], tuple[tuple[Any, ...], int]] = {}
    thing: Any  # a node, way or relation
    for number, thing in enumerate(osmium.FileProcessor(osm_file(file))):
        label = (thing.type_str(), thing.id)
        size = len(thing.nodes) if thing.is_way() else len(thing.members) if thing.is_relation() else 0
        worth = (thing.version, thing.timestamp, thing.visible, len(thing.tags), size)
        if label not in best or worth > best[label][0]:
            best[label] = worth, number
    kept = {number for label, (worth, number) in best.items() if worth[2] and label not in gone}
    once, ordered = folder / "once.osm.pbf", folder / "ordered.osm.pbf"
    placed: set[int] = set()
    with osmium.SimpleWriter(str(once)) as writer:
        for number, thing in enumerate(osmium.FileProcessor(osm_file(file))):
            if number not in kept:
                continue
            for node in thing.nodes if thing.is_way() else ():
                # Overpass (out geom) tells where nodes are in the ways alone.
                if node.location.valid() and node.ref not in placed and ("n", node.ref) not in best:
                    placed.add(node.ref)
                    place = (node.lon, node.lat)
                    writer.add_node(osmium.osm.mutable.Node(id=_above(node.ref), location=place, version=1))
            writer.add(_renumbered(thing))
    merged = osmium.MergeInputReader()
    merged.add_file(str(once))
    head = osmium.io.Header()
    with osmium.io.Reader(osm_file(file), osmium.osm.osm_entity_bits.NOTHING) as reader:
        head.set(DATE, data_date(reader.header()) or "")
    with osmium.SimpleWriter(str(ordered), header=head) as writer:
        merged.apply(writer, simplify=False)
    return ordered


def _renumbered(thing: Any) -> Any:
    """Give nodes with negative ids, which osmium cannot find again, numbers of their own."""
    if thing.is_node() and thing.id < 0:
        return thing.replace(id=_above(thing.id))
    if thing.is_way() and any(node.ref < 0 for node in thing.nodes):
        return thing.replace(nodes=[_above(node.ref) for node in thing.nodes])
    return thing


def _above(number: int) -> int:
    return RENUMBERED - number if number < 0 else number


def _deleted(file: Path) -> set[tuple[str, int]]:
    """Name the objects that an editor has marked for deletion (JOSM: action="delete") in a file of XML, bounded."""
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
    with file.open("rb") as raw, openers.get(file.suffix.lower(), nullcontext)(raw) as text:
        return set(_marked(_bounded(file, raw, text)))


def _bounded(file: Path, raw: BinaryIO, text: BinaryIO) -> Iterator[bytes]:
    """Give a text chunk by chunk, as long as it is no bomb: never more than so many times what was read of the file."""
    size = 0
    try:
        while chunk := text.read(CHUNK):
            size += len(chunk)
            refuse_bomb(file, raw.tell(), size, most=MOST_BYTES)
            yield chunk
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{file}: cannot be read as OpenStreetMap data ({error}); it may be cut short: download or export it again"
        ) from None


def _marked(text: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    rest = b""
    for chunk in text:
        part = rest + chunk
        for kind, given in ELEMENT.findall(part) if b"delete" in part else ():
            attributes = {name: one or other for name, one, other in ATTRIBUTE.findall(given)}
            if attributes.get(b"action") == b"delete" and NUMBER.fullmatch(attributes.get(b"id", b"")):
                yield kind.decode()[0], int(attributes[b"id"])
        begun = part.rfind(b"<")  # an object that ends in the next chunk; none is as long as a chunk
        rest = part[begun:] if begun >= 0 and len(part) - begun < CHUNK else b""


def _told_size(file: Path) -> int:
    """Sum what the blocks of a PBF file say that they unpack to; osmium unpacks none to more than that.

    A file is blocks of: the length of a header (4 bytes), the header, which tells the length of the blob, and the blob,
    which tells its size unpacked.
    """
    size, end = 0, file.stat().st_size
    with file.open("rb") as blocks:
        while len(begin := blocks.read(4)) == 4:
            header = blocks.read(min(int.from_bytes(begin, "big"), LONGEST_HEADER))
            length = _field(header, BLOB_LENGTH)
            after = blocks.tell() + length
            if not 0 < length <= end:  # no PBF file: osmium says so
                break
            head = blocks.read(min(length, BLOB_HEAD))
            size += _field(head, UNPACKED) or _field(head + blocks.read(after - blocks.tell()), UNPACKED)
            blocks.seek(after)
    return size


def _field(message: bytes, number: int) -> int:
    """Return a whole number of a protocol buffer, 0 where it is none of its first fields."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, after = _varint(message, at)
        if key == number << 3:
            return value
        kind = key & 7
        at = after if kind == 0 else after + value if kind == 2 else len(message)
    return 0


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    value = 0
    for shift, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    return value, len(message)


def way_names(path: str | Path, ways: Collection[int]) -> dict[int, str]:
    """Return what some ways of an extract are called, by id: their name, else their number (`ref`).

    None are called anything where the file is no extract, or no longer there.
    """
    file, wanted = Path(path), frozenset(ways)
    if not wanted or not file.is_file() or is_graph(file):
        return {}

    def names(found: Scan) -> dict[int, str]:
        named = read_ways(found.text)
        tags = {
            way: all_tags(text) for way, text in zip(named.way_id.tolist(), named.tags, strict=True) if way in wanted
        }
        return {way: each.get("name") or each["ref"] for way, each in tags.items()}

    (found,) = read_layers(file, Layer(names, others=frozenset(("name", "ref")), ways=wanted))
    return found  # type: ignore[no-any-return]
