"""Bounded shortest paths on a CSR graph, from many sources to many targets: compiled kernels and nothing else.

One search is Dijkstra's algorithm with a queue of buckets (Dial 1969; Denardo and Fox 1979): costs are whole
deciseconds, a bucket holds the nodes whose costs agree but for their last `SHIFT` bits, and a node that gets a better
cost while its bucket is being emptied goes back into it. What a node costs never depends on the order in a bucket.

Sources and targets lie along chains (see `siteplan.network.graph`). A source enters the graph at the two ends of its
chain; a target hangs on the two ends of its own; and both may lie on the same chain.

Arrays, all int32 unless said otherwise
---------------------------------------
indptr (nodes + 1), arcs (arcs, 2)     CSR: head and cost of the arcs that leave a node, cheapest first; the head of a
                                       dead end, from which one can only return, stands as ~head: it is never queued
hang_ptr (nodes + 1), hang (k, 4)      targets that hang on a node: target and cost from there, cheapest first; the
                                       other node it hangs on (-1: none) and the cost from there
mates_ptr (chains + 1), mates (k)      targets on each chain
arrive (chains, 2)                     the nodes its targets hang on
source_*, target_*                     chain; forward, backward and access cost; place along the chain (float64)
seed_node, seed_cost (sources, 2)      where a source enters the graph; cost -1 = not that way

Indices are turned into `uintp`: numba then leaves out its test for negative ones (a fifth of the time).
"""

from typing import Any

import numpy as np

from siteplan.compiled import inner_kernel, kernel

__all__ = [
    "FAR",
    "UNSEEN",
    "U",
    "add_up",
    "ascend",
    "explore",
    "lay_out",
    "make_room",
    "meet",
    "own_chain",
    "search_times",
]

SHIFT = 6  # buckets of 6.4 s: about what one street costs
BLOCK = 6  # results are put in order by blocks of 64 targets
FAR = np.int32(2**30 - 1)
UNSEEN = np.int32(2 * FAR)  # twice the cost, plus one while in the queue
END = np.int32(-1)  # last in its bucket
U = np.uintp


def make_room(cutoff: int, nodes: int, arcs: int, targets: int) -> tuple[Any, ...]:
    """Return the working arrays of a thread; they are the same after a search as before."""
    state = np.full(nodes, UNSEEN, np.int32)
    heads = np.full((cutoff >> SHIFT) + 1, END, np.int32)
    pool = np.empty((2 * arcs + 4, 2), np.int32)  # queue entries: node, next; an arc has at most two at a time
    best = np.full(targets, FAR, np.int32)
    blocks = np.zeros((targets >> BLOCK) + 1, np.bool_), np.zeros((targets >> 2 * BLOCK) + 1, np.bool_)
    return state, heads, pool, np.empty(nodes, np.int32), best, np.empty(targets, np.int32), *blocks


@inner_kernel
def ascend(best, far, met, count, blocks, wide):  # type: ignore[no-untyped-def]
    """Put the `count` targets met, those whose `best` is not `far`, into ascending order.

    `blocks` and `wide` mark blocks of targets and blocks of these; no mark is left.
    """
    for k in range(count):
        target = met[U(k)]
        blocks[U(target >> BLOCK)] = True
        wide[U(target >> 2 * BLOCK)] = True
    filled = U(0)
    for block in range(len(wide)):
        if wide[U(block)]:
            wide[U(block)] = False
            for part in range(block << BLOCK, min((block + 1) << BLOCK, len(blocks))):
                if blocks[U(part)]:
                    blocks[U(part)] = False
                    for target in range(part << BLOCK, min((part + 1) << BLOCK, len(best))):
                        if best[U(target)] != far:
                            met[filled] = target
                            filled += U(1)


@inner_kernel
def _push(heads, pool, bucket, node, free, used):  # type: ignore[no-untyped-def]
    """Put a node into a bucket; return the first free entry of the pool and how many were ever used."""
    entry = free
    if entry == END:
        entry = used
        used += 1
    else:
        free = np.int64(pool[U(entry), 1])
    pool[U(entry), 0], pool[U(entry), 1] = node, heads[U(bucket)]
    heads[U(bucket)] = entry
    return free, used


@inner_kernel
def explore(s, cutoff, graph, sources, state, heads, pool, seen):  # type: ignore[no-untyped-def]
    """Search from source `s`: leave twice the cost in the `state` of each node met, list them, return how many."""
    indptr, arcs = graph
    seed_node, seed_cost = sources[0], sources[1]
    count, free, used = U(0), np.int64(END), np.int64(0)
    for side in range(2):
        node, cost = U(seed_node[s, side]), seed_cost[s, side]
        if 0 <= cost <= cutoff and cost < state[node] >> 1:
            if state[node] == UNSEEN:
                seen[count] = node
                count += U(1)
            state[node] = 2 * cost + 1
            free, used = _push(heads, pool, cost >> SHIFT, node, free, used)
    for bucket in range((cutoff >> SHIFT) + 1):
        while heads[U(bucket)] != END:
            entry = U(heads[U(bucket)])
            node = U(pool[entry, 0])
            heads[U(bucket)], pool[entry, 1], free = pool[entry, 1], free, np.int64(entry)
            cost = state[node] >> 1
            if state[node] & 1 == 0 or cost >> SHIFT != bucket:
                continue  # it got a better cost since, and was taken from the bucket of that
            state[node] = 2 * cost
            for k in range(U(indptr[node]), U(indptr[node + U(1)])):
                total = cost + arcs[k, 1]
                if total > cutoff:
                    break
                named = arcs[k, 0]
                head = U(named if named >= 0 else ~named)
                old = state[head]
                if total < old >> 1:
                    if old == UNSEEN:
                        seen[count] = head
                        count += U(1)
                    if named < 0:
                        state[head] = 2 * total
                        continue
                    state[head] = 2 * total + 1
                    if old & 1 == 0 or (old >> 1) >> SHIFT != total >> SHIFT:
                        free, used = _push(heads, pool, total >> SHIFT, head, free, used)
    return count


@inner_kernel
def own_chain(s, target, sources, targets):  # type: ignore[no-untyped-def]
    """Return the cost from a source to a target on its own chain without leaving it; FAR if one must.

    What has no length takes time: either side of a lift is the same metre of a chain, but not the same cost.
    """
    _, _, _, source_forward, source_backward, source_metres, source_access = sources
    _, forward, backward, metres, access = targets
    total = np.int64(FAR)
    if source_forward[s] >= 0 and metres[target] >= source_metres[s] and forward[target] >= source_forward[s]:
        total = np.int64(forward[target]) - source_forward[s]
    if source_backward[s] >= 0 and metres[target] <= source_metres[s] and backward[target] >= source_backward[s]:
        total = min(total, np.int64(backward[target]) - source_backward[s])
    return min(total + source_access[s] + access[target], np.int64(FAR))


@inner_kernel
def meet(s, cutoff, graph, hanging, mates, sources, targets, room):  # type: ignore[no-untyped-def]
    """Search from source `s`; return how many targets were met. Their numbers are in `met`, their costs in `best`."""
    hang_ptr, hang = hanging
    mates_ptr, mate, arrive = mates
    target_chain, forward, backward, _, access = targets
    state, heads, pool, seen, best, met = room[:6]
    count = explore(s, cutoff, graph, sources, state, heads, pool, seen)
    found = U(0)
    chain = sources[2][s]
    a, b = arrive[chain, 0], arrive[chain, 1]
    for k in range(mates_ptr[chain], mates_ptr[chain + 1]):
        target = U(mate[k])
        total = own_chain(s, target, sources, targets)
        if forward[target] >= 0:
            total = min(total, np.int64(state[a] >> 1) + forward[target] + access[target])
        if backward[target] >= 0:
            total = min(total, np.int64(state[b] >> 1) + backward[target] + access[target])
        if total <= cutoff:
            met[found] = target
            found += U(1)
            best[target] = total
    for i in range(count):
        node = U(seen[i])
        cost = state[node] >> 1
        at_home = node == U(a) or node == U(b)
        for k in range(U(hang_ptr[node]), U(hang_ptr[node + U(1)])):
            total = cost + hang[k, 1]
            if total > cutoff:
                break
            target, other = hang[k, 0], hang[k, 2]
            if at_home and target_chain[target] == chain:
                continue
            if other >= 0:  # the nearer of the two nodes it hangs on speaks for it
                around = (state[U(other)] >> 1) + hang[k, 3]
                if around < total or (around == total and U(other) < node):
                    continue
            met[found] = target
            found += U(1)
            best[U(target)] = total
    for i in range(count):
        state[U(seen[i])] = UNSEEN
    return found


@kernel
def search_times(part, cutoff, most, graph, hanging, mates, sources, targets, room):  # type: ignore[no-untyped-def]
    """Search from the sources of a `part` (first, stop), until there are `most` results or more.

    `room` is as `make_room` makes it.

    Returns
    -------
    counts
        Targets within `cutoff` of each source that was searched; there may be fewer sources than asked for.
    target, cost
        The targets met, ascending for each source, and what they cost (deciseconds).
    """
    first, stop = part
    best, met, blocks, wide = room[4:]
    counts = np.zeros(stop - first, np.int32)
    target, cost = np.empty(most, np.int32), np.empty(most, np.int32)
    filled, done = 0, 0
    while first + done < stop and filled < most:
        count = np.int64(meet(first + done, cutoff, graph, hanging, mates, sources, targets, room))
        ascend(best, FAR, met, count, blocks, wide)
        if filled + count > len(target):  # by the last of these sources
            longer, dearer = np.empty(filled + count, np.int32), np.empty(filled + count, np.int32)
            for k in range(filled):
                longer[k], dearer[k] = target[k], cost[k]
            target, cost = longer, dearer
        for k in range(count):
            one = U(met[U(k)])
            target[U(filled)], cost[U(filled)] = one, best[one]
            best[one] = FAR
            filled += 1
        counts[done] = count
        done += 1
    return counts[:done], target[:filled].copy(), cost[:filled].copy()


@kernel
def lay_out(order, counts, start, target, cost, rows):  # type: ignore[no-untyped-def]
    """Copy the results of the sources `order` to their place among all: into `rows` (3, results) from `start` on."""
    done = U(0)
    for k in range(len(order)):
        at = U(start[k])
        for _ in range(counts[k]):
            rows[0, at], rows[1, at], rows[2, at] = order[k], target[done], cost[done]
            at += U(1)
            done += U(1)


@kernel
def add_up(rows, others, cost, cutoffs, weights, found):  # type: ignore[no-untyped-def]
    """Add to each row in `found` (rows, limits, columns) what the others that are within each limit of it weigh."""
    for i in range(len(cost)):
        for within in range(len(cutoffs)):
            if cost[i] <= cutoffs[within]:
                for column in range(weights.shape[1]):
                    found[U(rows[i]), within, column] += weights[U(others[i]), column]
