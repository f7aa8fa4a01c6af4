"""Texts in columns that a file declares as numbers: GDAL reads them as 0."""

from pathlib import Path

import numpy as np

from siteplan.formats import opened_sqlite

__all__ = ["texts_among_numbers"]

NUMBERS = ("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC")  # how SQL types of numbers begin or go on


def texts_among_numbers(path: Path, layer: str) -> dict[str, dict[int, str]]:
    """Return by column the texts that stand where numbers are declared, by the number of the feature as GDAL counts it.

    SQLite (GeoPackage) lets every value have its own type, and dBASE (shapefile) holds digits as text.

    Parameters
    ----------
    path
        A vector file that GDAL has read; of other formats nothing is returned.
    layer
        The layer that was read.
    """
    if path.suffix.lower() == ".gpkg":
        return _of_sqlite(path, layer)
    return _of_dbase(path.with_suffix(".dbf")) if path.suffix.lower() == ".shp" else {}


def _of_sqlite(path: Path, layer: str) -> dict[str, dict[int, str]]:
    table = '"' + layer.replace('"', '""') + '"'
    found = {}
    with opened_sqlite(path) as file:
        for _, name, kind, *_ in file.execute(f"PRAGMA table_info({table})").fetchall():
            if any(number in kind.upper() for number in NUMBERS):
                column = '"' + name.replace('"', '""') + '"'
                rows = file.execute(f"SELECT rowid, {column} FROM {table} WHERE typeof({column}) = 'text'")  # noqa: S608
                found[name] = {int(row): str(text) for row, text in rows}
    return {name: texts for name, texts in found.items() if texts}


def _of_dbase(path: Path) -> dict[str, dict[int, str]]:
    if not path.is_file():
        return {}
    raw = path.read_bytes()
    count, first, width = (int.from_bytes(raw[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    whole = np.frombuffer(raw, np.uint8, count * width, first).reshape(count, width) if count else np.empty((0, width))
    found: dict[str, dict[int, str]] = {}
    place = 1  # a byte says whether the row is deleted
    for start in range(32, first - 1, 32):
        name, kind, size = raw[start : start + 11].split(b"\0")[0].decode("latin-1"), raw[start + 11], raw[start + 16]
        if kind in b"NF":
            values = whole[:, place : place + size]
            # Digits, signs, points, exponents and blanks make numbers; stars stand for nothing.
            odd = np.flatnonzero(~np.isin(values, np.frombuffer(b"0123456789+-.eE *\0", np.uint8)).all(axis=1))
            texts = {int(row): values[row].tobytes().decode("latin-1").strip() for row in odd}
            found |= {name: texts} if texts else {}
        place += size
    return found
