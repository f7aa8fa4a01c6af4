"""Pedestrian squares: people walk along the rim and straight across between the entries."""

import itertools

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["MOST_ENTRIES", "square_chords"]

MOST_ENTRIES = 300  # of a square that is crossed; those of cities have up to fifty, and lines grow with their square

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def square_chords(
    squares: list[list[list[int]]], ids: Ints, node: Ints, x: Floats, *, y: Floats
) -> tuple[Ints, Ints, int]:
    """Return the straight lines across squares as pairs of nodes, shape (chords, 2), and the square of each.

    The third is how many squares have more than 300 entries: people walk along their rims alone.

    Parameters
    ----------
    squares
        Rings of OpenStreetMap node ids per square: outer ring first, then holes.
    ids, x, y
        Sorted node ids and their coordinates (metres).
    node
        Row in `ids` of every node of every way, repeats included: a rim node that also stands elsewhere is an entry.
    """
    uses = np.bincount(node, minlength=len(ids))
    chords: dict[tuple[int, int], int] = {}
    large = 0
    for square, rings in enumerate(squares):
        rows = [np.searchsorted(ids, ring) for ring in rings]
        known = all((row < len(ids)).all() and (ids[row] == ring).all() for row, ring in zip(rows, rings, strict=True))
        if known:  # a rim clipped at the edge of the extract has no inside to cross
            entries = sorted({int(n) for ring in rows for n in ring if uses[n] > 1})
            if len(entries) > MOST_ENTRIES:
                large += 1
                continue
            chords |= dict.fromkeys(_across(rows, entries, x, y), square)
    pairs = sorted(chords)
    return np.array(pairs, np.int64).reshape(-1, 2), np.array([chords[pair] for pair in pairs], np.int64), large


def _across(rings: list[Ints], entries: list[int], x: Floats, y: Floats) -> list[tuple[int, int]]:
    """Return the pairs of entries of one square that see each other across its inside."""
    corners = [np.column_stack([x[ring], y[ring]]) for ring in rings]
    outline = shapely.Polygon(corners[0])
    holes = [ring for ring in corners[1:] if shapely.intersects_xy(outline, *ring.mean(axis=0))]
    shape = shapely.Polygon(corners[0], holes)
    if not shape.is_valid or shape.area < 1:
        return []
    rim = {tuple(sorted(pair)) for ring in rings for pair in itertools.pairwise(ring.tolist())}
    pairs = [pair for pair in itertools.combinations(entries, 2) if pair not in rim]
    if not pairs:
        return []
    first, second = np.array(pairs).T
    lines = shapely.linestrings(np.stack([np.column_stack([x[n], y[n]]) for n in (first, second)], axis=1))
    inside = shape.buffer(0.05)  # a chord along a straight rim must not fail by a rounding error
    shapely.prepare(inside)
    seen = np.flatnonzero(shapely.covers(inside, lines))
    return [pairs[k] for k in seen]
