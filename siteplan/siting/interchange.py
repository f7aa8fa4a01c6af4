"""A good set of sites: greedy, then the best swap of an open site for a closed one until no swap helps.

One pass over the pairs values all swaps at once (Teitz & Bart 1968): the gain of each site that may open, the loss of
each that may close, and a correction for the two together (Whitaker 1983; Resende & Werneck 2007).
"""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.demands import ROUNDING, nearest

__all__ = ["greedy", "interchange"]


@kernel
def greedy(rows, opened, barred, count):  # type: ignore[no-untyped-def]
    """Open, in place and one after the other, the site that saves most until `count` are open; ties: the first."""
    ptr, site, cost, weight, _ = rows
    least = nearest(rows, opened)
    gain = np.empty(len(opened))
    for _ in range(count - len(opened.nonzero()[0])):
        gain[:] = 0.0
        for i in range(len(ptr) - 1):
            for k in range(ptr[i], ptr[i + 1]):
                if cost[k] >= least[i]:
                    break
                gain[site[k]] += weight[i] * (least[i] - cost[k])
        best = -1
        for j in range(len(opened)):
            if not opened[j] and not barred[j] and (best < 0 or gain[j] > gain[best]):
                best = j
        opened[best] = True
        for i in range(len(ptr) - 1):
            for k in range(ptr[i], ptr[i + 1]):
                if cost[k] >= least[i]:
                    break
                if site[k] == best:
                    least[i] = cost[k]
                    break


@inner_kernel
def _value_swaps(rows, slot, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Value every swap: opening j and closing the site in slot r saves gain[j] - loss[r] + extra[j, r]."""
    ptr, site, cost, weight, penalty = rows
    gain[:], loss[:], extra[:] = 0.0, 0.0, 0.0
    total = 0.0
    for i in range(len(ptr) - 1):
        own, first, second = -1, penalty, penalty
        for k in range(ptr[i], ptr[i + 1]):
            r = slot[site[k]]
            if r >= 0:
                if own >= 0:
                    second = cost[k]
                    break
                own, first = r, cost[k]
        total += weight[i] * first
        if own >= 0:
            loss[own] += weight[i] * (second - first)
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            if cost[k] >= second:
                break
            if cost[k] < first:
                gain[j] += weight[i] * (first - cost[k])
            if own >= 0:  # who loses the own site goes to j instead of to the second
                extra[j, own] += weight[i] * (second - max(cost[k], first))
    return total


@kernel
def interchange(rows, opened, fixed, barred):  # type: ignore[no-untyped-def]
    """Make the best swap, in place, until none helps; return the objective."""
    slot, held = np.full(len(opened), -1, np.int64), opened.nonzero()[0]
    count = len(held)
    for r in range(count):
        slot[held[r]] = r
    gain, loss = np.empty(len(opened)), np.empty(count)
    extra = np.empty((len(opened), count))
    total, before, came, left = 0.0, np.inf, -1, -1
    while True:
        total = _value_swaps(rows, slot, gain, loss, extra)
        if total >= before:  # it helped only by rounding: take it back
            slot[left], held[slot[came]] = slot[came], left
            slot[came] = -1
            total = before
            break
        best, came, at = total * ROUNDING, -1, -1
        for j in range(len(opened)):
            if slot[j] < 0 and not barred[j]:
                for r in range(count):
                    if not fixed[held[r]] and gain[j] - loss[r] + extra[j, r] > best:
                        best, came, at = gain[j] - loss[r] + extra[j, r], j, r
        if came < 0:
            break
        before, left = total, held[at]
        slot[left], slot[came], held[at] = -1, at, came
    for j in range(len(opened)):
        opened[j] = slot[j] >= 0
    return total
