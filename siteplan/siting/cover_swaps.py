"""Greedy and swaps for covers of any size: after each step only what it changes is valued anew.

They come to what `siteplan.siting.interchange` do, which walk all pairs for each step: every
sum that changes is made again in the same order. What is kept beside the pairs is, of each site, the few open sites
with which it shares people whom nobody else covers, in place of a table of all sites by all open ones.
"""

from typing import Any

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.kernels import open_site, pairs_by_site

__all__ = ["LARGE", "greedy_cover", "swap_cover", "turned"]

LARGE = 2_000_000  # pairs and cells of a table of swaps from which these are the faster ones


def turned(rows: Any, sites: int) -> Any:
    """Return the pairs of rows by site: where each begins, and the demands."""
    ptr, site, cost, _, _ = rows
    return pairs_by_site(ptr, site, 1.0 - cost, sites)


def greedy_cover(rows: Any, by_site: Any, opened: Any, *, barred: Any, count: int) -> None:
    """Open, in place and one after the other, the site that covers most of what is not covered; ties: the first."""
    ptr, site, _, weight, _ = rows
    covering = np.zeros(len(weight), np.int64)
    best, gain = np.zeros(len(weight)), np.zeros(len(opened))
    for one in np.flatnonzero(opened):
        open_site(ptr, site, weight, by_site, opened, best, covering, gain, one)
    _all_gains(by_site, weight, best, opened, gain)
    for _ in range(count - int(opened.sum())):
        new = int(np.argmax(np.where(opened | barred, -1.0, gain)))
        open_site(ptr, site, weight, by_site, opened, best, covering, gain, new)


@kernel
def _all_gains(by_site, weight, best, opened, gain):  # type: ignore[no-untyped-def]
    first, point, worth = by_site
    for j in range(len(gain)):
        gain[j] = 0.0
        for k in range(first[j], first[j + 1]):
            if not opened[j] and worth[k] > best[point[k]]:
                gain[j] += weight[point[k]] * (worth[k] - best[point[k]])


@inner_kernel
def _value(j, by_site, weight, number, alone, kept):  # type: ignore[no-untyped-def]
    """Sum what a closed site would gain, and what it shares with each open one that is alone in covering it."""
    first, point, _ = by_site
    gain, begin, many, partner, shared, at = kept
    gain[j], size = 0.0, 0
    for k in range(first[j], first[j + 1]):
        i = point[k]
        if number[i] == 0:
            gain[j] += weight[i]
        elif number[i] == 1:
            own = alone[i]
            if at[own] < 0:
                at[own] = size
                partner[begin[j] + size], shared[begin[j] + size] = own, 0.0
                size += 1
            shared[begin[j] + at[own]] += weight[i]
    for one in range(begin[j], begin[j] + size):
        at[partner[one]] = -1
    many[j] = size


@inner_kernel
def _lost(j, by_site, weight, number):  # type: ignore[no-untyped-def]
    """Sum what an open site covers alone."""
    first, point, _ = by_site
    total = 0.0
    for k in range(first[j], first[j + 1]):
        if number[point[k]] == 1:
            total += weight[point[k]]
    return total


@inner_kernel
def _best_swap(least, slot, held, fixed, barred, loss, kept):  # type: ignore[no-untyped-def]
    """Return the best swap that saves more than `least`: the site to open, and the slot of the one to close."""
    gain, begin, many, partner, shared, _ = kept
    lowest = -1
    for r in range(len(held)):
        if not fixed[held[r]] and (lowest < 0 or loss[held[r]] < loss[held[lowest]]):
            lowest = r
    came, out = -1, -1
    if lowest < 0:
        return came, out
    for j in range(len(slot)):
        if slot[j] >= 0 or barred[j]:
            continue
        value, r = gain[j] - loss[held[lowest]], lowest
        for one in range(begin[j], begin[j] + many[j]):
            other = slot[partner[one]]
            if not fixed[held[other]]:
                saved = gain[j] - loss[held[other]] + shared[one]
                if saved > value or (saved == value and other < r):
                    value, r = saved, other
        if value > least:
            least, came, out = value, j, r
    return came, out


@kernel
def swap_cover(rows, by_site, opened, fixed, barred, rounding):  # type: ignore[no-untyped-def]
    """Make the best swap, in place, until none helps; return what is not covered."""
    ptr, site, _, weight, _ = rows
    first, point, _ = by_site
    sites, demands = len(opened), len(weight)
    held: Any = opened.nonzero()[0]
    slot: Any = np.full(sites, -1, np.int64)
    for r in range(len(held)):
        slot[held[r]] = r
    number, alone = np.zeros(demands, np.int64), np.zeros(demands, np.int64)  # `alone`: the sum of those that cover
    for j in held:
        for k in range(first[j], first[j + 1]):
            number[point[k]] += 1
            alone[point[k]] += j
    begin = np.zeros(sites + 1, np.int64)
    for j in range(sites):
        begin[j + 1] = begin[j] + min(first[j + 1] - first[j], len(held))
    gain, loss, many = np.zeros(sites), np.zeros(sites), np.zeros(sites, np.int64)
    partner, shared = np.empty(begin[-1], np.int32), np.empty(begin[-1])
    kept = gain, begin, many, partner, shared, np.full(sites, -1, np.int64)
    stale = np.ones(sites, np.bool_)
    before, came, left = np.inf, -1, -1
    while True:
        total = 0.0
        for i in range(demands):
            if number[i] == 0:
                total += weight[i]
        if total >= before:  # it helped only by rounding: take it back
            slot[left], held[slot[came]] = slot[came], left
            slot[came] = -1
            total = before
            break
        for j in range(sites):
            if stale[j] and slot[j] >= 0:
                loss[j] = _lost(j, by_site, weight, number)
            elif stale[j] and not barred[j]:
                _value(j, by_site, weight, number, alone, kept)
        stale[:] = False
        came, out = _best_swap(total * rounding, slot, held, fixed, barred, loss, kept)
        if came < 0:
            break
        before, left = total, held[out]
        slot[left], slot[came], held[out] = -1, out, came
        stale[left], stale[came] = True, True
        for j, step in ((left, -1), (came, 1)):
            for k in range(first[j], first[j + 1]):
                i = point[k]
                number[i] += step
                alone[i] += step * j
                for other in range(ptr[i], ptr[i + 1]):
                    stale[site[other]] = True
    for j in range(sites):
        opened[j] = slot[j] >= 0
    return total
