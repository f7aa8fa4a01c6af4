"""What a set of sites gives and what a change of it would: compiled passes over the pairs, arrays in, arrays out.

Pairs are in CSR by point: those of point i are `ptr[i]:ptr[i + 1]`, each with its site and what a person counts there.

Kernels of siting use none of NumPy's sums and searches: for those Numba loads SciPy's linear algebra in every run.
"""

import numpy as np

from siteplan.compiled import inner_kernel, kernel

__all__ = [
    "best_worth",
    "dominators",
    "gains_by_worth",
    "most_shared",
    "numbers",
    "open_site",
    "pairs_by_point",
    "pairs_by_site",
    "swaps_by_number",
    "swaps_by_worth",
    "up_to",
]


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


@inner_kernel
def up_to(most, rising):  # type: ignore[no-untyped-def]
    """Return how many of some rising numbers are at most `most`."""
    found, end = 0, len(rising)
    while found < end:
        middle = (found + end) // 2
        if rising[middle] <= most:
            found = middle + 1
        else:
            end = middle
    return found


@inner_kernel
def _sorted_by(key, order, many):  # type: ignore[no-untyped-def]
    """Return an order sorted by a key from 0 to `many` - 1; of equals the earlier stays before the later."""
    at = np.zeros(many + 1, np.int64)
    for k in order:
        at[key[k] + 1] += 1
    for one in range(many):
        at[one + 1] += at[one]
    found = np.empty_like(order)
    for k in order:
        found[at[key[k]]] = k
        at[key[k]] += 1
    return found


@kernel
def pairs_by_point(point, site, minutes, weight, points, sites):  # type: ignore[no-untyped-def]
    """Return each pair once, by point and site: its point, site, least minutes and, of these, the largest weight."""
    order = _sorted_by(point, _sorted_by(site, np.arange(len(site)), sites), points)
    at = -1
    kept = np.empty(len(order), np.int64)
    for k in order:
        if at < 0 or point[k] != point[kept[at]] or site[k] != site[kept[at]]:
            at += 1
            kept[at] = k
        elif (minutes[k], -weight[k]) < (minutes[kept[at]], -weight[kept[at]]):
            kept[at] = k
    kept = kept[: at + 1]
    return point[kept], site[kept], minutes[kept], weight[kept]


@kernel
def pairs_by_site(ptr, site, worth, sites):  # type: ignore[no-untyped-def]
    """Return the pairs by site: those of site j are `first[j]:first[j + 1]`, each its point and worth, by point."""
    first = np.zeros(sites + 1, np.int64)
    for k in range(len(site)):
        first[site[k] + 1] += 1
    for j in range(sites):
        first[j + 1] += first[j]
    at = first.copy()
    point, there = np.empty(len(site), np.int32), np.empty(len(site))
    for i in range(len(ptr) - 1):
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            point[at[j]], there[at[j]] = i, worth[k]
            at[j] += 1
    return first, point, there


@kernel
def open_site(ptr, site, weight, by_site, opened, best, covering, gain, new):  # type: ignore[no-untyped-def]
    """Open a site in place: what its points count, how many open sites they reach, and what every other site adds.

    A gain that changes is summed anew and in the order of `gains_by_worth`, so that it has the same bits.
    """
    first, point, worth = by_site
    opened[new], gain[new] = True, 0.0
    stale = np.zeros(len(opened), np.bool_)
    for k in range(first[new], first[new + 1]):
        i = point[k]
        covering[i] += 1
        if worth[k] > best[i]:
            best[i] = worth[k]
            for other in range(ptr[i], ptr[i + 1]):
                stale[site[other]] = True
    for j in range(len(opened)):
        if stale[j] and not opened[j]:
            gain[j] = 0.0
            for k in range(first[j], first[j + 1]):
                i = point[k]
                if worth[k] > best[i]:
                    gain[j] += weight[i] * (worth[k] - best[i])


@kernel
def dominators(pairs, by_site, weight, about, cost, kind, enough):  # type: ignore[no-untyped-def]
    """Count, up to `enough`, the sites that do for everybody what each site does, and cost no more.

    Of sites that do just the same, fixed ones and then the first count. Which are `about`: barred, fixed, and able to
    stand for another. Fixed and barred sites have none. Most others fail at the first point that they do not reach.
    """
    ptr, site, worth = pairs
    first, point, there = by_site
    barred, fixed, able = about
    many = len(first) - 1
    reach, counts = np.zeros(many, np.int64), np.zeros(many, np.int64)
    for j in range(many):
        for q in range(first[j], first[j + 1]):
            reach[j] += weight[point[q]] > 0
    for j in range(many):
        if barred[j] or fixed[j]:
            continue
        rare = -1  # who does as much reaches the point of j that the fewest reach
        for q in range(first[j], first[j + 1]):
            i = point[q]
            if weight[i] > 0 and (rare < 0 or ptr[i + 1] - ptr[i] < ptr[rare + 1] - ptr[rare]):
                rare = i
        for at in range(ptr[rare] if rare >= 0 else 0, ptr[rare + 1] if rare >= 0 else many):
            k = site[at] if rare >= 0 else at
            if k == j or not able[k] or cost[k] > cost[j] or reach[k] < reach[j] or kind[k] != kind[j]:
                continue
            above, alike = True, cost[k] == cost[j] and reach[k] == reach[j]
            for q in range(first[j], first[j + 1]):
                i = point[q]
                if weight[i] > 0:
                    to = ptr[i] + up_to(k - 1, site[ptr[i] : ptr[i + 1]])
                    if to == ptr[i + 1] or site[to] != k or worth[to] < there[q]:
                        above = False
                        break
                    alike &= worth[to] == there[q]
            if above and (fixed[k] or k < j or not alike):
                counts[j] += 1
                if counts[j] >= enough:
                    break
    return counts


@kernel
def most_shared(ptr, site, weight, by_site, chosen):  # type: ignore[no-untyped-def]
    """Return, by site, the most people it shares with a chosen site, and with which: the first of equals."""
    first, point, _ = by_site
    sites = len(first) - 1
    most, by, here = np.zeros(sites), np.zeros(sites, np.int64), np.zeros(sites)
    for r in range(len(chosen)):
        here[:] = 0.0
        for k in range(first[chosen[r]], first[chosen[r] + 1]):
            i = point[k]
            for other in range(ptr[i], ptr[i + 1]):
                here[site[other]] += weight[i]
        for j in range(sites):
            if here[j] > most[j]:
                most[j], by[j] = here[j], r
    return most, by


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
