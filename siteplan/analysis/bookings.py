"""Bookings one after the other: who finds a space, where, and after how long; compiled, arrays in, arrays out.

Bookings stand in the order in which they begin. Each takes one space of a site until it ends; the spaces of a site are
the ends of their bookings in a heap, soonest first: those of site s are `ends[first[s]:first[s + 1]]`.
"""

import numpy as np

from siteplan.compiled import kernel

__all__ = ["least_spaces", "seat"]


@kernel
def _replace_first(ends, low, high, until):  # type: ignore[no-untyped-def]
    """Let the space that is free soonest be taken until then."""
    count, at = high - low, 0
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and ends[low + child + 1] < ends[low + child]:
            child += 1
        if ends[low + child] >= until:
            break
        ends[low + at] = ends[low + child]
        at = child
    ends[low + at] = until


@kernel
def seat(start, hours, turns, first, wait):  # type: ignore[no-untyped-def]
    """Return at which site each booking finds a space (-1: at none), and when it then begins.

    `turns[i]` are the sites that booking i tries, in their order, -1 after the last; at each it waits so many hours.
    """
    ends = np.full(first[-1], -np.inf)
    found, begin = np.full(len(start), -1, np.int64), start.copy()
    for i in range(len(start)):
        for turn in range(turns.shape[1]):
            site = turns[i, turn]
            if site < 0:
                break
            low, high = first[site], first[site + 1]
            if low < high and ends[low] <= start[i] + wait:
                found[i], begin[i] = site, max(start[i], ends[low])
                _replace_first(ends, low, high, begin[i] + hours[i])
                break
    return found, begin


@kernel
def _enough(start, hours, use, booked, spaces, chance, wait):  # type: ignore[no-untyped-def]
    """Return whether with so many spaces no use finds none more often than that."""
    ends, refused = np.full(spaces, -np.inf), np.zeros(len(booked), np.int64)
    for i in range(len(start)):
        if spaces > 0 and ends[0] <= start[i] + wait:
            _replace_first(ends, 0, spaces, max(start[i], ends[0]) + hours[i])
        else:
            refused[use[i]] += 1
            if refused[use[i]] > chance * booked[use[i]]:
                return False
    return True


@kernel
def least_spaces(start, hours, use, uses, chance, wait):  # type: ignore[no-untyped-def]
    """Return with how many spaces of one site no use finds none more often than that; with one fewer, one does."""
    if len(start) == 0:
        return 0
    booked = np.zeros(uses, np.int64)
    for i in range(len(use)):
        booked[use[i]] += 1
    few, many = 0, 1
    if _enough(start, hours, use, booked, few, chance, wait):
        return few
    while not _enough(start, hours, use, booked, many, chance, wait):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        if _enough(start, hours, use, booked, middle, chance, wait):
            many = middle
        else:
            few = middle
    return many
