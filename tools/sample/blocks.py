"""Streets inside a block: a block is cut across, then its halves, until the pieces are as large as is usual there.

Whatever is drawn is rounded before it cuts anything: a last bit that differs from one machine to the next would
otherwise tip a choice between two equally good cuts, and with it every street after that one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from tools.sample.plane import Floats

__all__ = ["Cut", "Style", "blocks", "comb", "divide", "lattice", "lines_of"]


@dataclass(frozen=True)
class Style:
    """How a quarter is built: its block size (m2), how bent its streets are, how far from square its corners (rad)."""

    area: float
    bend: float = 0.06
    jitter: float = 0.15
    width: float = 45.0  # a block narrower than this (m) is left alone
    sway: float = 0.0  # how far a lane sways on its way (m)


@dataclass(frozen=True)
class Cut:
    """A street made by cutting a block, and the size of that block (m2): the larger, the more important."""

    line: LineString
    area: float


def lines_of(geometry: BaseGeometry, shortest: float = 0.0) -> list[LineString]:
    """Return the lines in a geometry that are longer than so many metres."""
    joined = geometry if isinstance(geometry, LineString) else shapely.line_merge(geometry)
    parts = shapely.get_parts(joined)
    return [part for part in parts if isinstance(part, LineString) and part.length > shortest]


def blocks(area: BaseGeometry, streets: list[LineString], keep_out: BaseGeometry) -> Iterator[Polygon]:
    """Yield what streets leave of an area, less what nothing is built on, in a stable order."""
    inside = [line.intersection(area) for line in streets]
    network = shapely.union_all([area.boundary, *inside])
    for face in shapely.get_parts(shapely.polygonize([network])):
        if area.contains(face.representative_point()):
            yield from (p for p in shapely.get_parts(face.difference(keep_out)) if isinstance(p, Polygon))


def divide(block: Polygon, style: Style, rng: np.random.Generator) -> Iterator[Cut]:
    """Cut a block until its pieces are as large as the style says."""
    todo = [block]
    while todo:
        piece = todo.pop()
        limit = style.area * (0.9 + 0.8 * rng.random())
        middle, along, across = _axes(piece)
        if piece.area < limit or np.hypot(*across) < style.width:
            continue
        line = _chord(middle, along, across, style, rng)
        halves = [p for p in split(piece, line).geoms if isinstance(p, Polygon)]
        if len(halves) < 2:
            continue
        yield from (Cut(part, piece.area) for part in lines_of(line.intersection(piece), 20.0))
        todo.extend(halves)


def comb(block: Polygon, spacing: float, rng: np.random.Generator) -> Iterator[LineString]:
    """Yield parallel streets across a block, running by turns from one side and from the other."""
    centre, along, across = _axes(block)
    length = float(np.hypot(*along))
    count = int(length // spacing)
    for i in range(count):
        shift = (i + 0.5 + 0.3 * (rng.random() - 0.5)) / count - 0.5
        middle = centre + shift * along
        reach = across * (0.75 if i % 2 else -0.75)
        yield from lines_of(LineString(np.round([middle - reach, middle + reach], 1)).intersection(block), 60.0)


def lattice(block: Polygon, turn: float) -> Iterator[Cut]:
    """Yield straight streets that run through, as planned quarters have: nearly square, nearly evenly spaced.

    The lines stand on one lattice of the plane turned by so many radians, so neighbouring blocks' streets line up.
    """
    east, north = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    for ahead, aside, spacing in ((north, east, 118.0), (east, north, 96.0)):
        place = shapely.get_coordinates(block) @ aside
        for k in range(int(place.min() // spacing), int(place.max() // spacing) + 2):
            foot = (k * spacing + 13 * np.sin(2.1 * k)) * aside
            line = LineString(np.round([foot - 1e4 * ahead, foot + 1e4 * ahead], 1))
            for part in lines_of(line.intersection(block), 30.0):
                # not where a street of the block's own runs beside it
                if part.interpolate(0.5, normalized=True).distance(block.boundary) > 27:
                    yield Cut(part, block.area)


def _axes(piece: Polygon) -> tuple[Floats, Floats, Floats]:
    """Return the middle, the long and the short side (as vectors) of the smallest rectangle around a piece."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(piece))
    one, two = corners[1] - corners[0], corners[2] - corners[1]
    middle = (corners[0] + corners[2]) / 2
    return (middle, one, two) if np.hypot(*one) >= np.hypot(*two) else (middle, two, one)


def _chord(centre: Floats, along: Floats, across: Floats, style: Style, rng: np.random.Generator) -> LineString:
    a, b, c = rng.random(3) - 0.5
    middle = centre + 0.3 * a * along
    turn = 2 * b * style.jitter
    cos, sin = np.cos(turn), np.sin(turn)
    reach = 0.9 * np.array([across[0] * cos - across[1] * sin, across[0] * sin + across[1] * cos])
    sag = 4 * c * style.bend * np.hypot(*across) * along / np.hypot(*along)
    length = 2 * float(np.hypot(*reach))
    u = np.linspace(-1, 1, max(7, int(length / 60)) if style.sway else 7)[:, None]
    sway = style.sway * np.sin(u * length / 340 + 9 * a) * np.sin(u * length / 790 + 9 * b) * along / np.hypot(*along)
    line = LineString(np.round(middle + u * reach + (1 - u**2) * sag + sway, 1))
    return LineString(line.simplify(1.0 + 0.1 * style.sway).coords)
