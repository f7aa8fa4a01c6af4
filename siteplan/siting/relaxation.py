"""The Lagrangian relaxation of "everybody goes to one site": what no set can undercut.

Its multipliers, a price a demand, are raised by the volume algorithm (Barahona & Anbil 2000). Conditions on the sites
(a budget, distances, quotas) are rows with multipliers of their own, tolls. Sites whose reduced cost rules them in or
out are settled.
"""

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.demands import ROUNDING, Floats, Ints

__all__ = ["FREE", "IN", "OUT", "Side", "Status", "ascend"]

Status = npt.NDArray[np.int8]
Side = tuple[Ints, npt.NDArray[np.int32], Floats, Floats]  # ptr, site, amount, most: rows of conditions on the sites

FREE, IN, OUT = np.int8(0), np.int8(1), np.int8(-1)


@inner_kernel
def _relax(rows, price, status, need, reduced, picked, order, spare, side, toll, fewer):  # type: ignore[no-untyped-def]
    """Solve the relaxation at these prices of demands and tolls of conditions.

    Leaves the reduced cost of each site and who is picked; `spare` is one less the picked sites that a demand would
    go to. Returns the bound, and the reduced costs of the last free site picked and of the first one not.
    """
    ptr, site, cost, weight, _ = rows
    first, member, amount, most = side
    reduced[:] = 0.0
    value = 0.0
    for r in range(len(most)):
        value -= toll[r] * most[r]
        for k in range(first[r], first[r + 1]):
            reduced[member[k]] += toll[r] * amount[k]
    for i in range(len(ptr) - 1):
        value += weight[i] * price[i]
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] >= price[i]:
                break
            reduced[site[k]] += weight[i] * (cost[k] - price[i])
    free = 0
    for j in range(len(status)):
        picked[j] = status[j] == IN
        if status[j] == IN:
            value += reduced[j]
        elif status[j] == FREE:
            order[free] = j
            free += 1
    if need < 0 or (need > free and not fewer):
        return np.inf, 0.0, 0.0
    ranked = order[:free][np.argsort(reduced[order[:free]])]
    room = need
    if fewer:  # open what pays
        need = 0
        while need < min(room, free) and reduced[ranked[need]] < 0.0:
            need += 1
    for k in range(need):
        picked[ranked[k]] = True
        value += reduced[ranked[k]]
    for i in range(len(ptr) - 1):
        spare[i] = 1.0
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] >= price[i]:
                break
            if picked[site[k]]:
                spare[i] -= 1.0
    last = reduced[ranked[need - 1]] if need > 0 else -np.inf
    following = reduced[ranked[need]] if need < free else np.inf
    if fewer:  # nothing need take a site's place, and one may open beside all others
        following = min(following, 0.0)
        last = last if need == room else 0.0
    return value, last, following


@inner_kernel
def _settle(value, last, following, cutoff, reduced, picked, status):  # type: ignore[no-untyped-def]
    """Settle the free sites without, or with, which no set can cost less than the cutoff."""
    for j in range(len(status)):
        if status[j] == FREE:
            if picked[j] and value - reduced[j] + following > cutoff:
                status[j] = IN
            elif not picked[j] and value + reduced[j] - last > cutoff:
                status[j] = OUT


@kernel
def ascend(rows, at, status, count, aims, step, turns, side, fewer):  # type: ignore[no-untyped-def]
    """Raise the bound by up to `turns` steps of the volume algorithm.

    Changes in place where it stands, `at`: the prices and the tolls of the conditions `side` (the best so far), the
    mean directions of both, and the mean of the picked sites `share`; and the `status` of sites settled. `aims` are the
    objective known, the bound that is enough, and the cutoff; `fewer` says whether `count` is the most.

    Returns
    -------
    best, step, done, picks
        The bound (infinite: no set is left that costs less than the cutoff), the step factor to go on with, steps
        made, and the sites that the best prices picked.
    """
    ptr, _, _, weight, penalty = rows
    price, drift, share, toll, pull = at
    first, member, amount, most = side
    known, goal, cutoff = aims
    # A toll is of a site, a price of a person: a condition weighs as much less as a site has people.
    over, try_toll = np.empty(len(most)), toll.copy()
    whole = 0.0
    for each in weight:
        whole += each
    light = count / max(1e-300, whole) * max(1.0, len(member) / len(status))
    demands, sites = len(ptr) - 1, len(status)
    reduced, picked, picks = np.empty(sites), np.zeros(sites, np.bool_), np.zeros(sites, np.bool_)
    order, spare, trial = np.empty(sites, np.int64), np.empty(demands), price.copy()
    best, stale, weighing = -np.inf, 0, 0.1
    for turn in range(turns):
        need = count - len((status == IN).nonzero()[0])
        value, last, following = _relax(rows, trial, status, need, reduced, picked, order, spare, side, try_toll, fewer)
        if value == np.inf:
            return value, step, turn + 1, picks
        better = value > best
        _settle(value, last, following, cutoff, reduced, picked, status)
        along, norm, new_norm = 0.0, 0.0, 0.0
        for i in range(demands):
            along += weight[i] * spare[i] * drift[i]
            norm += weight[i] * drift[i] * drift[i]
            new_norm += weight[i] * spare[i] * spare[i]
        for r in range(len(most)):
            over[r] = -most[r]
            for k in range(first[r], first[r + 1]):
                if picked[member[k]]:
                    over[r] += amount[k]
            over[r] /= light
            if try_toll[r] == 0.0 and over[r] < 0.0:
                over[r] = 0.0  # a condition that is met costs nothing
            along += light * over[r] * pull[r]
            norm += light * pull[r] * pull[r]
            new_norm += light * over[r] * over[r]
        if better:
            stale = 0
            best = value
            for i in range(demands):
                price[i] = trial[i]
            for r in range(len(most)):
                toll[r] = try_toll[r]
            picks = picked.copy()
            if along >= 0:
                step = min(2.0, step * 1.1)
        else:
            stale += 1
            if stale >= 10:
                step, stale = max(1e-4, step * 0.66), 0
        if best >= goal or new_norm == 0.0:
            return best, step, turn + 1, picks
        apart = norm + new_norm - 2 * along
        part = 1.0 if norm == 0.0 else weighing
        if norm > 0.0 and apart > 0.0:  # the mean that is shortest, within bounds
            part = min(weighing, max(weighing / 10, (norm - along) / apart))
        norm = 0.0
        for i in range(demands):
            drift[i] += part * (spare[i] - drift[i])
            norm += weight[i] * drift[i] * drift[i]
        for r in range(len(most)):
            pull[r] += part * (over[r] - pull[r])
            norm += light * pull[r] * pull[r]
        for j in range(sites):
            share[j] += part * ((1.0 if picked[j] else 0.0) - share[j])
        if norm == 0.0:
            return best, step, turn + 1, picks
        length = step * max(known - best, ROUNDING * known) / norm
        for i in range(demands):
            trial[i] = min(penalty, max(0.0, price[i] + length * drift[i]))
        for r in range(len(most)):
            try_toll[r] = max(0.0, toll[r] + length * pull[r])
    return best, step, turns, picks
