"""The least time to any of several sites: one surface of all of theirs, as many blocks of it as are within reach."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["NearestSurface", "Surface"]

Surface = tuple[npt.NDArray[np.float32], float, float]  # values, and x and y of the centre in the south-west

BLOCK = 64  # cells a side
MOST = 8192  # blocks of a piece (134 MB)


class NearestSurface:
    """The least of surfaces whose cells lie in one grid; the same in whatever order they are added.

    Parameters
    ----------
    cell
        From centre to centre, metres; the centres' coordinates are whole multiples of it.
    far
        The value of cells that are not reached.
    """

    def __init__(self, cell: float, far: float) -> None:
        self.cell, self.far = cell, np.float32(far)
        self.blocks: dict[tuple[int, int], npt.NDArray[np.float32]] = {}  # by row and column

    def add(self, surface: Surface) -> None:
        """Lower what one more site has sooner."""
        grid, west, south = surface
        left, low = round(west / self.cell), round(south / self.cell)
        for row in range(low // BLOCK, (low + grid.shape[0] - 1) // BLOCK + 1):
            rows, own_rows = _common(row, low, grid.shape[0])
            for column in range(left // BLOCK, (left + grid.shape[1] - 1) // BLOCK + 1):
                columns, own_columns = _common(column, left, grid.shape[1])
                part = grid[own_rows, own_columns]
                if part.min() < self.far:
                    block = self._block(row, column)[rows, columns]
                    np.minimum(block, part, out=block)

    def join(self, other: "NearestSurface") -> None:
        """Add all that another has."""
        for (row, column), values in other.blocks.items():
            block = self._block(row, column)
            np.minimum(block, values, out=block)

    def pieces(self) -> Iterator[list[Surface]]:
        """Give what hangs together, from south to north: each as one surface with a rim that is not reached.

        One that would be too large comes as several bands, each with the last blocks of the one before it.
        """
        for blocks in self._together():
            rows, columns = zip(*blocks, strict=True)
            west, wide = min(columns), max(columns) - min(columns) + 1
            high = max(MOST // wide, 2)
            starts = range(min(rows), max(max(rows), min(rows) + 1), high - 1)
            bands = [(first, min(first + high - 1, max(rows))) for first in starts]
            yield [self._band(blocks, rows=band, columns=(west, wide)) for band in bands]

    def _block(self, row: int, column: int) -> npt.NDArray[np.float32]:
        if (row, column) not in self.blocks:
            self.blocks[row, column] = np.full((BLOCK, BLOCK), self.far, np.float32)
        return self.blocks[row, column]

    def _together(self) -> Iterator[set[tuple[int, int]]]:
        """Give the blocks that meet in a side or a corner, as sets, in the order of their first ones."""
        left = set(self.blocks)
        for first in sorted(left):
            found, ahead = set[tuple[int, int]](), [first] if first in left else []
            while ahead:
                row, column = ahead.pop()
                if (row, column) in left:
                    left.remove((row, column))
                    found.add((row, column))
                    ahead += [(row + up, column + right) for up in (-1, 0, 1) for right in (-1, 0, 1)]
            if found:
                yield found

    def _band(self, blocks: set[tuple[int, int]], *, rows: tuple[int, int], columns: tuple[int, int]) -> Surface:
        """Lay out as one surface the blocks of some rows, first to last, from a column on, and how wide all are."""
        (first, last), (west, wide) = rows, columns
        grid = np.full(((last - first + 1) * BLOCK + 2, wide * BLOCK + 2), self.far, np.float32)
        for row, column in blocks:
            if first <= row <= last:
                south, left = 1 + (row - first) * BLOCK, 1 + (column - west) * BLOCK
                grid[south : south + BLOCK, left : left + BLOCK] = self.blocks[row, column]
        return grid, (west * BLOCK - 1) * self.cell, (first * BLOCK - 1) * self.cell


def _common(block: int, first: int, count: int) -> tuple[slice, slice]:
    """Return what a block has in common with `count` cells from `first` on: within the block, and among these."""
    low, high = max(block * BLOCK, first), min((block + 1) * BLOCK, first + count)
    return slice(low - block * BLOCK, high - block * BLOCK), slice(low - first, high - first)
