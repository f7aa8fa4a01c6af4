"""Pairs of sites and points as arrays, and the tiles of sites that they are cut into, opened by memory map."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Bools", "Floats", "Int32s", "Ints", "Pairs", "Rows", "Tile", "joined", "laid_down", "opened"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Int32s: TypeAlias = npt.NDArray[np.int32]  # positions of sites and points, one of each for every pair
Bools: TypeAlias = npt.NDArray[np.bool_]

PAIRED = ("site", "point", "minutes")


@dataclass(frozen=True)
class Pairs:
    """Sites and points within reach of each other, each pair once, sorted by site and point: positions and minutes."""

    site: Int32s
    point: Int32s
    minutes: Floats

    def where(self, keep: Bools) -> "Pairs":
        """Return those that are kept."""
        return Pairs(self.site[keep], self.point[keep], self.minutes[keep])

    def in_turn(self) -> tuple["Pairs", Ints]:
        """Return them point by point, nearest first, and the turn of each: 0 is the nearest site of its point."""
        order = np.lexsort((self.site, self.minutes, self.point))
        point = self.point[order]
        turn = (np.arange(len(point)) - np.searchsorted(point, point)).astype(np.int64)
        return Pairs(self.site[order], point, self.minutes[order]), turn


@dataclass(frozen=True, eq=False)
class Rows:
    """The times from some sites, checked: sorted by mode, site and point, those of mode m `starts[m]:starts[m + 1]`.

    Attributes
    ----------
    table
        Gives the table of minutes as it was given.
    site, point
        Positions among all sites and points.
    order
        The row of the table of each row here; None where they are in order as given.
    best
        The pairs of the least minutes of any mode, where they are known.
    """

    table: Callable[[], pd.DataFrame]
    site: Int32s
    point: Int32s
    minutes: Floats
    starts: Ints
    order: Ints | None = None
    best: Pairs | None = None

    def where(self, keep: Bools, point: Int32s | None = None) -> "Rows":
        """Return those that are kept; `point` numbers the points anew."""
        kept = self.point[keep]
        return Rows(
            self.table,
            self.site[keep],
            kept if point is None else point[kept],
            self.minutes[keep],
            np.append(0, np.cumsum(keep))[self.starts],
            np.flatnonzero(keep) if self.order is None else self.order[keep],
        )


Tile: TypeAlias = Callable[[], Rows]


def joined(tiles: Sequence[Rows]) -> Rows:
    """Return the rows of tiles that have no site in common, all at once."""
    modes = len(tiles[0].starts) - 1
    mode = np.concatenate([np.repeat(np.arange(modes), np.diff(rows.starts)) for rows in tiles])
    site, point, minutes = (np.concatenate([getattr(rows, name) for rows in tiles]) for name in PAIRED)
    tables = [rows.table() for rows in tiles]
    first = np.cumsum([0, *map(len, tables)])
    own = [np.arange(len(rows.site)) if rows.order is None else rows.order for rows in tiles]
    order = np.concatenate([at + one for at, one in zip(first, own, strict=False)])
    by = np.lexsort((point, site, mode))
    starts = np.searchsorted(mode[by], np.arange(modes + 1))
    times = pd.concat(tables, ignore_index=True)
    return Rows(lambda: times, site[by], point[by], minutes[by], starts, order[by])


def laid_down(rows: Rows, folder: Path) -> Path:
    """Write the arrays of a tile into a folder."""
    folder.mkdir()
    arrays = {name: getattr(rows, name) for name in (*PAIRED, "starts", "order")}
    arrays |= {} if rows.best is None else {f"best_{name}": getattr(rows.best, name) for name in PAIRED}
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / name, array)
    return folder


def opened(folder: Path, table: Callable[[], pd.DataFrame]) -> Rows:
    """Open a tile by memory map."""
    found = {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in folder.iterdir()}
    best = Pairs(*(found[f"best_{name}"] for name in PAIRED)) if "best_site" in found else None
    site, point, minutes = (found[name] for name in PAIRED)
    return Rows(table, site, point, minutes, found["starts"], found.get("order"), best)
