"""What a set of sites gives and what a change of it would: compiled passes over the pairs, arrays in, arrays out.

Pairs are in CSR by point: those of point i are `ptr[i]:ptr[i + 1]`, each with its site and what a person counts there.
"""

import numpy as np

from siteplan.compiled import kernel

__all__ = ["best_worth", "gains_by_worth", "numbers", "swaps_by_number", "swaps_by_worth"]


@kernel
def numbers(ptr, site, opened):  # type: ignore[no-untyped-def]
    """Return how many open sites each point reaches."""
    found = np.zeros(len(ptr) - 1, np.int64)
    for i in range(len(found)):
        for k in range(ptr[i], ptr[i + 1]):
            found[i] += opened[site[k]]
    return found


@kernel
def best_worth(ptr, site, worth, opened):  # type: ignore[no-untyped-def]
    """Return what a person of each point counts, served by the open site where that is most."""
    best = np.zeros(len(ptr) - 1)
    for i in range(len(best)):
        for k in range(ptr[i], ptr[i + 1]):
            if opened[site[k]] and worth[k] > best[i]:
                best[i] = worth[k]
    return best


@kernel
def gains_by_worth(ptr, site, worth, weight, opened, best):  # type: ignore[no-untyped-def]
    """Return what opening each site adds where persons count `best` so far."""
    gain = np.zeros(len(opened))
    for i in range(len(best)):
        for k in range(ptr[i], ptr[i + 1]):
            if worth[k] > best[i] and not opened[site[k]]:
                gain[site[k]] += weight[i] * (worth[k] - best[i])
    return gain


@kernel
def swaps_by_worth(ptr, site, worth, weight, slot, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Value swaps where each point counts by the open site that is worth most to it."""
    for i in range(len(ptr) - 1):
        own, first, second = -1, 0.0, 0.0
        for k in range(ptr[i], ptr[i + 1]):
            r = slot[site[k]]
            if r >= 0:
                if worth[k] > first or own < 0:
                    own, first, second = r, worth[k], first
                elif worth[k] > second:
                    second = worth[k]
        if own >= 0:
            loss[own] += weight[i] * (first - second)
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            if slot[j] < 0 and worth[k] > second:
                if worth[k] > first:
                    gain[j] += weight[i] * (worth[k] - first)
                if own >= 0:  # who loses the own site goes to j instead of to the second
                    extra[j, own] += weight[i] * (min(worth[k], first) - second)


@kernel
def swaps_by_number(ptr, site, counts, weight, slot, gain, loss, extra, held):  # type: ignore[no-untyped-def]
    """Value swaps where each point counts by how many open sites it reaches: `counts[number]`."""
    for i in range(len(ptr) - 1):
        number = 0
        for k in range(ptr[i], ptr[i + 1]):
            if slot[site[k]] >= 0:
                held[number] = slot[site[k]]
                number += 1
        more = weight[i] * (counts[number + 1] - counts[number])
        less = weight[i] * (counts[number] - counts[number - 1]) if number > 0 else 0.0
        if more == 0.0 and less == 0.0:
            continue
        for r in held[:number]:
            loss[r] += less
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            if slot[j] < 0:
                gain[j] += more
                for r in held[:number]:  # one site for another leaves the number as it is
                    extra[j, r] += less - more
