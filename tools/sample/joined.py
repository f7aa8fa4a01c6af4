"""Where streets meet: lines in the plane become ways that share nodes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tools.sample.plane import Floats
from tools.sample.streets import Way

__all__ = ["Joined", "join"]

NodeWay = tuple[Way, NDArray[np.int64]]
GRID = 0.1  # metres: lines nearer than this meet
ONE_WAY_SEED = 7
ONE_WAY_SHARE = {"old": 0.45, "grid": 0.4, "suburb": 0.1}
ONE_WAY_RULES: tuple[tuple[float, dict[str, str]], ...] = (
    (0.40, {"oneway": "yes"}),
    (0.70, {"oneway": "yes", "oneway:bicycle": "no"}),
    (0.80, {"oneway": "yes", "cycleway": "opposite"}),
    (0.90, {"oneway": "yes", "cycleway:left": "opposite_lane"}),
    (1.00, {"oneway": "-1"}),
)


@dataclass(frozen=True)
class Joined:
    """Ways as sequences of shared nodes: positions (n, 2) in metres of the plane, and node numbers by way."""

    nodes: Floats
    ways: tuple[NodeWay, ...]


def join(ways: list[Way]) -> Joined:
    """Give streets a common node wherever they meet, and leave out what leads nowhere."""
    level = [way for way in ways if not way.apart]
    chains = [*_noded(level), *((way, np.asarray(way.line.coords)) for way in ways if way.apart)]
    lattice = np.round(np.vstack([chain for _, chain in chains]) / GRID).astype(np.int64)
    first, number = _number(lattice)
    cuts = np.cumsum([len(chain) for _, chain in chains])[:-1]
    numbered = [(way, part) for (way, _), part in zip(chains, np.split(number, cuts), strict=True)]
    return _compact(first.astype(np.float64) * GRID, _one_way(_attached(numbered, len(first)), len(first)))


def _noded(ways: list[Way]) -> Iterator[tuple[Way, Floats]]:
    """Yield each way's stretches, with a vertex at every crossing (snap rounding, then each edge to its way)."""
    lines = np.array([way.line for way in ways], dtype=object)
    edges = shapely.get_parts(shapely.union_all(lines, grid_size=GRID))
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    _, owner = shapely.STRtree(lines).query_nearest(middle, all_matches=False)
    early, late = (
        shapely.line_locate_point(lines[owner], shapely.line_interpolate_point(edges, share, normalized=True))
        for share in (0.4, 0.6)
    )
    order = np.lexsort([(early + late) / 2, owner])
    chain: list[Floats] = []
    for position, i in enumerate(order):
        coords = np.asarray(edges[i].coords)
        coords = coords if early[i] <= late[i] else coords[::-1]
        goes_on = bool(chain) and owner[i] == owner[order[position - 1]] and bool((chain[-1][-1] == coords[0]).all())
        if chain and not goes_on:
            yield ways[owner[order[position - 1]]], np.vstack(chain)
            chain = []
        chain.append(coords[1:] if goes_on else coords)
    yield ways[owner[order[-1]]], np.vstack(chain)


def _number(lattice: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give positions numbers by first appearance, so that neighbours along a way are neighbours in the file."""
    unique, where, inverse = np.unique(lattice, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(unique), dtype=np.int64)
    rank[np.argsort(where)] = np.arange(len(unique))
    return lattice[np.sort(where)], rank[inverse.ravel()]


def _attached(ways: list[NodeWay], count: int) -> list[NodeWay]:
    """Keep what hangs together with the largest part, and the islands that are meant to be."""
    start = np.concatenate([part[:-1] for _, part in ways])
    end = np.concatenate([part[1:] for _, part in ways])
    _, label = connected_components(
        coo_array((np.ones(len(start)), (start, end)), shape=(count, count)), directed=False
    )
    main = np.bincount(label).argmax()
    return [(way, part) for way, part in ways if way.island or way.role or label[part[0]] == main]


def _one_way(ways: list[NodeWay], count: int) -> list[NodeWay]:
    """Make some through streets one-way, with or without a contraflow for bicycles."""
    meets = np.bincount(np.concatenate([part for _, part in ways]), minlength=count)
    rng = np.random.Generator(np.random.PCG64(ONE_WAY_SEED))
    changed = []
    for way, part in ways:
        plain = way.tags.get("highway") in {"residential", "living_street"} and "access" not in way.tags
        through = meets[part[0]] > 1 and meets[part[-1]] > 1
        chance, kind = rng.random(2)
        if plain and through and not way.island and chance < ONE_WAY_SHARE.get(way.zone, 0):
            rule = next(rule for upto, rule in ONE_WAY_RULES if kind < upto)
            way = replace(way, tags={**way.tags, **rule})
        changed.append((way, part))
    return changed


def _compact(nodes: Floats, ways: list[NodeWay]) -> Joined:
    used, number = np.unique(np.concatenate([part for _, part in ways]), return_inverse=True)
    parts = np.split(number, np.cumsum([len(part) for _, part in ways])[:-1])
    return Joined(np.round(nodes[used], 1), tuple((way, part) for (way, _), part in zip(ways, parts, strict=True)))
