"""Positions -> what the kernels need; sources shared out over any executor."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.config.fields import FARTHEST, SEARCHED
from siteplan.errors import StudyError
from siteplan.network.graph import ModeGraph, Positions
from siteplan.network.ordering import ordered
from siteplan.parallel import PARTS, each, lent
from siteplan.routing.batches import LANES, search_sums
from siteplan.routing.streets import add_up, lay_out, make_room, search_times
from siteplan.units import Unit

__all__ = [
    "COST",
    "MINUTE",
    "Search",
    "costs",
    "deciseconds",
    "prepare",
    "prepare_along",
    "room_for",
    "runs_backwards",
    "sums",
    "sums_around",
    "times",
    "times_by_tile",
]

Ints = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]

MINUTE = 600  # deciseconds
COST: Mapping[Unit, int] = MappingProxyType({"minutes": MINUTE, "metres": 10})
RESULTS = 4_000_000  # that a kernel returns at once: 32 MB
SPARSE = 64  # with fewer than one source in so many nodes, a batch of them has no nodes in common


@dataclass(frozen=True)
class Search:
    """Kernel arguments, and the order in which to take the sources: along the Hilbert curve, so that memory is near."""

    graph: tuple[Any, ...]
    hanging: tuple[Any, ...]
    mates: tuple[Any, ...]
    sources: tuple[Any, ...]
    targets: tuple[Any, ...]
    order: Ints


def deciseconds(minutes: Sequence[float], *, longest: float | None = None) -> Ints:
    """Return limits in deciseconds.

    Raises
    ------
    StudyError
        No limit, or one that is not between 0 and `longest`: 240 minutes, unless it is said.
    """
    return costs(minutes, "minutes", longest=longest)


def costs(limits: Sequence[float], unit: Unit, *, longest: float | None = None) -> Ints:
    """Return limits as costs of the search: deciseconds, or decimetres where the unit is metres.

    Raises
    ------
    StudyError
        No limit, or one that is not between 0 and `longest`: 240 minutes, or 50,000 metres, unless it is said.
    """
    most = (SEARCHED if unit == "minutes" else FARTHEST) if longest is None else longest
    for limit in limits:
        if not 0 < limit <= most:
            raise StudyError(
                f"limit of {limit} {unit}: expected more than 0 and at most {most:g}, as far as is searched; a table "
                "of times (read_times) may go farther"
            )
    if not len(limits):
        raise StudyError(f"{unit}: expected at least one limit")
    return np.round(np.array(limits, float) * COST[unit]).astype(np.int64)


def runs_backwards(direction: str) -> bool:
    """Return whether a search from the sites runs against the travel; `direction` is "to" or "from" the site."""
    if direction not in ("to", "from"):
        raise StudyError(f"direction {direction!r}: expected 'to' (the site) or 'from' (the site)")
    return direction == "to"


def prepare(graph: ModeGraph, sources: Positions, targets: Positions) -> Search:
    """Lay out sources and targets on a graph for the kernels."""
    mates = _grouped(targets.chain, np.arange(len(targets)), len(graph.total))
    hung = _hanging(graph, targets), (*mates, _int32(graph.arrive))
    return _laid_out(graph, sources, targets, hung, chain=sources.chain)


def prepare_along(graph: ModeGraph, sources: Positions, targets: Positions) -> Search:
    """Lay out targets that stand all along the streets, those of a chain together: chains hang on nodes, not targets.

    Chains without targets are left out, and the others numbered anew; -1 is the chain of a source on one that is.
    """
    first = np.flatnonzero(np.diff(targets.chain, prepend=-1))
    chain = targets.chain[first]
    number = np.full(len(graph.total), -1)
    number[chain] = np.arange(len(chain))
    arrive = graph.arrive[chain]
    other = np.flatnonzero(arrive[:, 0] != arrive[:, 1])
    node, hangs = np.concatenate([arrive[:, 0], arrive[other, 1]]), np.concatenate([np.arange(len(chain)), other])
    hanging = _grouped(node, hangs, len(graph.indptr) - 1)
    mates = _int32(np.append(first, len(targets))), _int32(arrive)
    return _laid_out(graph, sources, targets, (hanging, mates), chain=number[sources.chain])


def _laid_out(
    graph: ModeGraph, sources: Positions, targets: Positions, hung: tuple[Any, Any], *, chain: Ints
) -> Search:
    order = ordered(graph.leave[sources.chain, 0])
    columns = (*_seeds(graph, sources), chain, sources.forward, sources.backward, sources.metres, sources.access)
    return Search(
        graph=(_int32(graph.indptr), graph.arcs),
        hanging=hung[0],
        mates=hung[1],
        sources=tuple(_int32(column[order]) for column in columns),
        targets=tuple(
            _int32(column)
            for column in (targets.chain, targets.forward, targets.backward, targets.metres, targets.access)
        ),
        order=order,
    )


def room_for(search: Search, cutoff: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread for searches up to a cost."""
    return make_room(cutoff, len(search.graph[0]) - 1, len(search.graph[1]), len(search.targets[0]))


def _int32(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(column if column.dtype == np.float64 else column.astype(np.int32, copy=False))


def _seeds(graph: ModeGraph, sources: Positions) -> tuple[Ints, Ints]:
    """Return the nodes where each source enters the graph, shape (sources, 2), and the cost; -1 = not that way."""
    total, access = graph.total[sources.chain], sources.access
    back = np.where(sources.backward >= 0, total[:, 1] - sources.backward + access, -1)
    ahead = np.where(sources.forward >= 0, total[:, 0] - sources.forward + access, -1)
    return graph.leave[sources.chain], np.column_stack([back, ahead])


def _hanging(graph: ModeGraph, targets: Positions) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the targets that hang on each node, cheapest first, in CSR form, with the other node each hangs on."""
    node, cost = graph.arrive[targets.chain], np.column_stack([targets.forward, targets.backward])
    way = cost >= 0
    # Where the way from one end is no better by the chain than past the other end, the other end will do.
    around = graph.total[targets.chain]
    for side, other in ((0, 1), (1, 0)):
        past = around[:, side]
        way[:, side] &= ~(way[:, other] & (past >= 0) & (cost[:, side] >= past + cost[:, other]))
    loop = (node[:, 0] == node[:, 1]) & way.all(axis=1)
    way[loop, np.argmax(cost[loop], axis=1)] = False
    cost += targets.access[:, None]
    parts = []
    for side, other in ((0, 1), (1, 0)):
        row = np.flatnonzero(way[:, side])
        both = way[row, other]
        beyond = np.where(both, node[row, other], -1), np.where(both, cost[row, other], 0)
        parts.append(np.column_stack([node[row, side], row, cost[row, side], *beyond]))
    hang = np.concatenate(parts)
    hang = hang[ordered(hang[:, 0], hang[:, 2], hang[:, 1])]
    count = np.bincount(hang[:, 0], minlength=len(graph.indptr) - 1)
    return _int32(np.concatenate([[0], np.cumsum(count)])), _int32(hang[:, 1:])


def _grouped(group: Ints, value: Ints, groups: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    count = np.bincount(group, minlength=groups)
    return _int32(np.concatenate([[0], np.cumsum(count)])), _int32(value[ordered(group)])


def times(
    search: Search, cutoff: int, *, executor: Executor | None = None, progress: Progress | None = None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return source, target and cost (deciseconds) of every pair within `cutoff`, by source and then by target."""
    found = [np.empty((3, 0), np.int32)]
    one = np.zeros(len(search.order), np.int64)
    times_by_tile(search, cutoff, one, lambda _, rows: found.append(rows), executor=executor, progress=progress)
    return found[-1][0], found[-1][1], found[-1][2]


def times_by_tile(
    search: Search,
    cutoff: int,
    tile: Ints,
    take: Callable[[int, npt.NDArray[Any]], object],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> None:
    """Give what `times` returns (3 x pairs) tile by tile, each as soon as all of its sources were searched.

    `tile` is the tile of each source, -1 of those that are not searched.
    """
    by_tile = ordered(tile[search.order])
    by_tile = by_tile[np.searchsorted(tile[search.order][by_tile], 0) :]
    order = search.order[by_tile]
    some = replace(search, sources=tuple(column[by_tile] for column in search.sources), order=order)
    firsts = np.flatnonzero(np.diff(tile[order], prepend=-1)).tolist()
    cuts = [
        _bounds(first, stop, len(order), len(search.graph[0]))
        for first, stop in itertools.pairwise([*firsts, len(order)])
    ]
    units = [(at, part) for at, bounds in enumerate(cuts) for part in itertools.pairwise(bounds)]
    begun: dict[int, dict[int, Any]] = {at: {} for at in range(len(cuts))}

    def received(k: int, blocks: list[tuple[Any, Any, Any]]) -> None:
        at, (first, _) = units[k]
        begun[at][first] = blocks
        if len(begun[at]) == len(cuts[at]) - 1:
            parts = begun.pop(at)
            sources = order[cuts[at][0] : cuts[at][-1]]
            take(int(tile[sources[0]]), _in_rows(sources, [block for part in sorted(parts) for block in parts[part]]))

    _shared_out(
        some, _times_part, (cutoff, []), executor, progress=progress, parts=[u[1] for u in units], take=received
    )


def _in_rows(order: Ints, blocks: Sequence[tuple[Any, Any, Any]]) -> npt.NDArray[Any]:
    """Return source, target and cost of what was found from the sources `order`, by source and then by target."""
    by_source = np.argsort(order)
    place = np.empty(len(order), np.int64)
    place[by_source] = np.arange(len(order))
    length = np.concatenate([counts for counts, _, _ in blocks])
    start = np.cumsum(length[by_source]) - length[by_source]
    rows = np.empty((3, int(length.sum())), np.int32)
    first = 0
    for counts, target, cost in blocks:
        some = slice(first, first + len(counts))
        lay_out(order[some], counts, start[place[some]], target, cost, rows)
        first += len(counts)
    return rows


def sums(
    search: Search,
    cutoffs: Ints,
    weights: npt.NDArray[np.float64],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> npt.NDArray[np.float64]:
    """Return what the targets within each limit weigh, shape (sources, limits, columns)."""
    asked = (cutoffs.astype(np.int32), np.ascontiguousarray(weights))
    parts = _shared_out(search, _sums_part, (asked, []), executor, progress=progress)
    found = np.empty((len(search.order), len(cutoffs), weights.shape[1]))
    found[search.order] = np.concatenate(parts) if parts else 0
    return found


def sums_around(
    search: Search,
    cutoffs: Ints,
    weights: npt.NDArray[np.float64],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> npt.NDArray[np.float64]:
    """Return what the sources within each limit of each target weigh, shape (targets, limits, columns).

    The same question as `sums` with the sides changed: for few points and very many sites.
    """
    asked = (cutoffs, np.ascontiguousarray(weights[search.order]))
    parts = _shared_out(search, _around_part, (asked, []), executor, progress=progress)
    return np.sum(parts, axis=0) if parts else np.zeros((len(search.targets[0]), len(cutoffs), weights.shape[1]))


def _around_part(search: Search, asked: tuple[Any, Any], rooms: list[Any], part: tuple[int, int]) -> Any:
    cutoffs, weights = asked
    found = np.zeros((len(search.targets[0]), len(cutoffs), weights.shape[1]))
    for source, target, cost in _found(search, int(cutoffs[-1]), rooms, part):
        add_up(target, source, cost, cutoffs, weights[slice(*part)], found)
    return found


def _found(search: Search, cutoff: int, rooms: list[Any], part: tuple[int, int]) -> Iterator[tuple[Any, Any, Any]]:
    """Give source (from the first of the part), target and cost of what is found."""
    first = 0
    for counts, target, cost in _times_part(search, cutoff, rooms, part):
        stop = first + len(counts)
        yield np.repeat(np.arange(first, stop, dtype=np.int32), counts), target, cost
        first = stop


def _times_part(search: Search, cutoff: int, rooms: list[Any], part: tuple[int, int]) -> list[tuple[Any, Any, Any]]:
    first, stop = part
    blocks = []
    kernel = (search.graph, search.hanging, search.mates, search.sources, search.targets)
    with lent(rooms, lambda: room_for(search, cutoff)) as room:
        while first < stop:
            block = search_times((first, stop), cutoff, RESULTS, *kernel, room)
            blocks.append(block)
            first += len(block[0])
    return blocks


def _sums_part(search: Search, asked: tuple[Any, Any], rooms: list[Any], part: tuple[int, int]) -> Any:
    cutoffs, weights = asked
    if len(search.order) * SPARSE >= len(search.graph[0]):
        kernel = (search.graph, search.hanging, search.mates, search.sources, search.targets)
        return search_sums(*part, cutoffs, weights, *kernel)
    found = np.zeros((part[1] - part[0], len(cutoffs), weights.shape[1]))
    for source, target, cost in _found(search, int(cutoffs[-1]), rooms, part):
        add_up(source, target, cost, cutoffs, weights, found)
    return found


def _shared_out(
    search: Search,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    executor: Executor | None,
    *,
    progress: Progress | None,
    parts: Sequence[tuple[int, int]] | None = None,
    take: Callable[[int, Any], object] | None = None,
) -> list[Any]:
    """Run the parts of the work on the executor and return their results in order."""
    total = len(search.order)
    if parts is None:
        parts = list(itertools.pairwise(_bounds(0, total, total, len(search.graph[0]))))
    calls, shared = [(part,) for part in parts], (search, *arguments)
    return each(work, calls, shared=shared, executor=executor, progress=progress, total=total, take=take)


def _bounds(first: int, stop: int, total: int, nodes: int) -> list[int]:
    """Cut some of all sources into parts: whole batches, and large ones on a large graph, whose arrays cost time."""
    parts = min(max(8, total // max(LANES, nodes // 4096)), PARTS)
    size = -(-total // parts)
    if size > LANES:
        size = round(size / LANES) * LANES
    return [*range(first, stop, max(size, 1)), stop]
