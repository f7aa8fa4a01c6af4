"""A file is what its name says: looked at before a library that knows a hundred formats opens it.

GDAL goes by what a file holds. A list of other sources (a VRT) under the name of a table would have it open other files
of the machine and ask servers for data, and so would an address where a GeoJSON names its coordinate system.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from siteplan.errors import InputError

__all__ = [
    "DRIVERS",
    "EXTRACTS",
    "GRAPH",
    "PACKED",
    "PARQUETS",
    "PLACES",
    "RASTERS",
    "SHEETS",
    "TABLES",
    "TEXTS",
    "VECTORS",
    "WRITTEN",
    "extract_form",
    "is_graph",
    "opened_sqlite",
    "refuse_disguised",
]

# What places can be written as; the first is for points alone.
WRITTEN = (".csv", ".gpkg", ".geojson", ".parquet", ".fgb")
# Tables of places by the endings of their names.
VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".gml", ".kml")
PARQUETS = (".parquet", ".geoparquet")
TEXTS = (".csv", ".tsv")
SHEETS = (".xlsx",)
TABLES = (*TEXTS, *SHEETS, *PARQUETS)
PLACES = (*VECTORS, *TABLES)
RASTERS = (".tif", ".tiff")
PACKED = (".zip", ".gz")  # around one of them

# Extracts of OpenStreetMap by the endings of their names, and the form of each; streets as OSMnx saves them.
EXTRACTS = {".pbf": "pbf", ".osm": "osm", ".xml": "osm", ".osm.gz": "osm.gz", ".osm.bz2": "osm.bz2"}
GRAPH = ".graphml"

# The driver that reads a raster, by the ending of its name.
DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".asc": "AAIGrid", ".hgt": "SRTMHGT", ".img": "HFA"}
BEGINS = {
    ".gpkg": b"SQLite format 3\0",
    ".fgb": b"fgb",
    ".shp": b"\0\0\x27\x0a",
    ".gml": b"<",
    ".kml": b"<",
    ".geojson": b"{",
    ".json": b"{",
}
# Lists of other sources, which GDAL recognises by their names wherever they stand at the beginning of a file.
SOURCES = re.compile(rb"<(?:OGR\w+DataSource|VRTDataset|GDAL_\w+|WMS_\w+|WFS_\w+)")


def extract_form(path: str | Path) -> str:
    """Return the form in which osmium reads an extract, by its name in letters of either case; "" if it is none."""
    name = Path(path).name.lower()
    return next((form for ending, form in EXTRACTS.items() if name.endswith(ending)), "")


def is_graph(path: str | Path) -> bool:
    """Tell a graph as OSMnx saves it, by its name."""
    return Path(path).suffix.lower() == GRAPH


def _key(name: str) -> bytes:
    """Return a pattern of a key of JSON, each letter as it is or escaped."""
    return b'"' + b"".join(rb"(?:%c|\\u00%02x)" % (letter, letter) for letter in name.encode()) + rb'"\s*:\s*'


LINKED = re.compile(_key("crs") + rb"\{[^}]{0,2000}?" + _key("type") + rb'"(?!(?:name|epsg|ogc)")', re.IGNORECASE)


def refuse_disguised(path: Path) -> None:
    """Refuse a vector file that is not of the format of its name, or that names other places to read from.

    Raises
    ------
    InputError
        Naming the file, and what was found in it.
    """
    ending = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(65_536).removeprefix(b"\xef\xbb\xbf")
    begins = BEGINS.get(ending, b"")
    if not (head if b"\0" in begins else head.lstrip()).startswith(begins) or SOURCES.search(head):
        shown = head[:24].decode("latin-1")
        raise InputError(f"{path}: is not what its name says ({ending}): it begins with {shown!r}; export it again")
    if ending in (".geojson", ".json") and LINKED.search(path.read_bytes()):
        raise InputError(
            f"{path}: names its coordinate system by a link, which is not followed; write its coordinates as "
            "lon and lat, without crs (as RFC 7946 has it)"
        )
    if ending == ".gpkg":
        _refuse_virtual(path)


def _refuse_virtual(path: Path) -> None:
    """Refuse a database whose tables are programs that read elsewhere; those of its spatial index are its own."""
    try:
        with opened_sqlite(path) as file:
            found = file.execute("SELECT name, sql FROM sqlite_master WHERE sql LIKE 'create virtual%'").fetchall()
    except sqlite3.Error:  # the reader says what is wrong with it
        return
    odd = [str(name) for name, sql in found if not re.search(r"using\s+[\"'`\[]?(rtree|fts\d)", sql, re.IGNORECASE)]
    if odd:
        raise InputError(f"{path}: its table '{odd[0]}' is read from elsewhere (a virtual table); export it as a table")


def opened_sqlite(path: Path) -> closing[sqlite3.Connection]:
    """Open a database to look at it alone: nothing is written, not even beside it."""
    return closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True))
