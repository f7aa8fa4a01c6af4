"""Bounded shortest paths on a CSR graph, from many sources to many targets: compiled kernels and nothing else.

One search is Dijkstra's algorithm with a queue of buckets (Dial 1969; Denardo and Fox 1979): costs are whole
deciseconds, a bucket holds the nodes whose costs agree but for their last `SHIFT` bits, and a node that gets a better
cost while its bucket is being emptied goes back into it. What a node costs never depends on the order in a bucket.

Sources and targets lie along chains (see `siteplan.network.graph`). A source enters the graph at the two ends of its
chain; a target hangs on the two ends of its own; and both may lie on the same chain.

Arrays, all int32 unless said otherwise
---------------------------------------
indptr (nodes + 1), arcs (arcs, 2)     CSR: head and cost of the arcs that leave a node
hang_ptr (nodes + 1), hang (k, 2)      targets that hang on a node: target and cost from there, cheapest first
mates_ptr (chains + 1), mates (k)      targets on each chain
source_*, target_*                     chain; forward, backward and access cost; place along the chain (float64)
seed_node, seed_cost (sources, 2)      where a source enters the graph; cost -1 = not that way
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["FAR", "search_sums", "search_times"]

SHIFT = 6  # buckets of 6.4 s: about what one street costs
FAR = np.int32(2**31 - 1)
IDLE = np.int32(-2)  # in no bucket
END = np.int32(-1)  # last in its bucket

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def _enqueue(state, heads, node, cost):  # type: ignore[no-untyped-def]
    """Give a node a better cost and move it to the bucket of that cost."""
    bucket = cost >> SHIFT
    if state[node, 1] != IDLE:
        old = state[node, 0] >> SHIFT
        if old == bucket:
            state[node, 0] = cost
            return
        after, ahead = state[node, 1], state[node, 2]
        if ahead == END:
            heads[old] = after
        else:
            state[ahead, 1] = after
        if after != END:
            state[after, 2] = ahead
    first = heads[bucket]
    state[node, 0] = cost
    state[node, 1] = first
    state[node, 2] = END
    if first != END:
        state[first, 2] = node
    heads[bucket] = node


@njit(cache=True, nogil=True)
def _search(s, limit, graph, hanging, mates, sources, targets, scratch):  # type: ignore[no-untyped-def]
    """Search from source `s`; return how many targets were met. Their numbers are in `met`, their costs in `best`."""
    indptr, arcs = graph
    hang_ptr, hang = hanging
    mates_ptr, mate = mates
    seed_node, seed_cost, source_chain, source_forward, source_backward, source_metres, source_access = sources
    target_forward, target_backward, target_metres, target_access = targets
    state, heads, seen, best, met = scratch
    count_seen, count_met = 0, 0
    for side in range(2):
        node, cost = seed_node[s, side], seed_cost[s, side]
        if cost >= 0 and cost <= limit and cost < state[node, 0]:
            if state[node, 0] == FAR:
                seen[count_seen] = node
                count_seen += 1
            _enqueue(state, heads, node, cost)
    chain = source_chain[s]
    for k in range(mates_ptr[chain], mates_ptr[chain + 1]):
        target = mate[k]
        total = FAR
        if source_forward[s] >= 0 and target_metres[target] >= source_metres[s]:
            total = target_forward[target] - source_forward[s]
        if source_backward[s] >= 0 and target_metres[target] <= source_metres[s]:
            total = min(total, target_backward[target] - source_backward[s])
        if total != FAR:
            total += source_access[s] + target_access[target]
            if total <= limit:
                met[count_met] = target
                count_met += 1
                best[target] = total
    for bucket in range((limit >> SHIFT) + 1):
        while heads[bucket] != END:
            node = heads[bucket]
            after = state[node, 1]
            heads[bucket] = after
            if after != END:
                state[after, 2] = END
            state[node, 1] = IDLE
            cost = state[node, 0]
            for k in range(hang_ptr[node], hang_ptr[node + 1]):
                total = cost + hang[k, 1]
                if total > limit:
                    break
                target = hang[k, 0]
                if total < best[target]:
                    if best[target] == FAR:
                        met[count_met] = target
                        count_met += 1
                    best[target] = total
            for k in range(indptr[node], indptr[node + 1]):
                total = cost + arcs[k, 1]
                head = arcs[k, 0]
                if total <= limit and total < state[head, 0]:
                    if state[head, 0] == FAR:
                        seen[count_seen] = head
                        count_seen += 1
                    _enqueue(state, heads, head, total)
    for k in range(count_seen):
        state[seen[k], 0] = FAR
    return count_met


@njit(cache=True, nogil=True)
def _scratch(limit, nodes, targets):  # type: ignore[no-untyped-def]
    """Return the working arrays of one thread."""
    state = np.empty((nodes, 4), np.int32)  # cost, next and previous in the bucket; the fourth keeps rows aligned
    state[:, 0] = FAR
    state[:, 1] = IDLE
    heads = np.full((limit >> SHIFT) + 1, END, np.int32)
    best = np.full(targets, FAR, np.int32)
    return state, heads, np.empty(nodes, np.int32), best, np.empty(targets, np.int32)


@njit(cache=True, nogil=True)
def search_times(first, stop, limit, room, graph, hanging, mates, sources, targets):  # type: ignore[no-untyped-def]
    """Search from the sources `first` to `stop`, as many as fit into `room` results.

    Returns
    -------
    counts
        Targets within `limit` of each source that was searched; there may be fewer sources than asked for.
    target, cost
        The targets met, ascending for each source, and what they cost (deciseconds).
    """
    scratch = _scratch(limit, len(graph[0]) - 1, len(targets[0]))
    best, met = scratch[3], scratch[4]
    room = max(room, len(best))
    counts = np.zeros(stop - first, np.int32)
    target, cost = np.empty(room, np.int32), np.empty(room, np.int32)
    filled, done = 0, 0
    while first + done < stop and filled + len(best) <= room:
        count = _search(first + done, limit, graph, hanging, mates, sources, targets, scratch)
        found = np.sort(met[:count])
        for k in range(count):
            target[filled + k] = found[k]
            cost[filled + k] = best[found[k]]
            best[found[k]] = FAR
        filled += count
        counts[done] = count
        done += 1
    return counts[:done], target[:filled].copy(), cost[:filled].copy()


@njit(cache=True, nogil=True)
def search_sums(first, stop, limits, weights, graph, hanging, mates, sources, targets):  # type: ignore[no-untyped-def]
    """Search from the sources `first` to `stop` and add up what the targets weigh within each limit.

    `limits` ascend; `weights` is (targets, columns), float64. Returns (sources, limits, columns), float64.
    """
    scratch = _scratch(limits[-1], len(graph[0]) - 1, len(targets[0]))
    best, met = scratch[3], scratch[4]
    sums = np.zeros((stop - first, len(limits), weights.shape[1]))
    for s in range(first, stop):
        count = _search(s, limits[-1], graph, hanging, mates, sources, targets, scratch)
        for k in range(count):
            target = met[k]
            within = 0
            while best[target] > limits[within]:
                within += 1
            for column in range(weights.shape[1]):
                sums[s - first, within, column] += weights[target, column]
            best[target] = FAR
        for within in range(1, len(limits)):
            for column in range(weights.shape[1]):
                sums[s - first, within, column] += sums[s - first, within - 1, column]
    return sums
