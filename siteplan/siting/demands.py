"""Who wants how much, and what each of the sites within reach costs them: the rows that every search walks.

Rows are demands, in CSR, cheapest pair first: no pass looks beyond what a demand is willing to pay. Demands of the same
sites at the same costs are one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import kernel
from siteplan.errors import StudyError

__all__ = ["ROUNDING", "Demands", "Flags", "Floats", "Ints", "Rows", "merge", "nearest", "rows_of", "tidy"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = tuple[Ints, npt.NDArray[np.int32], Floats, Floats, float]  # ptr, site, cost, weight, penalty

ROUNDING = 1e-9  # of the objective: sums of floats are not trusted beyond


@dataclass(frozen=True, eq=False)
class Demands:
    """Who wants how much, and what each of the sites within reach costs.

    Attributes
    ----------
    ptr, site, cost
        Pairs of demands and sites within reach in CSR: the pairs of demand i are `ptr[i]:ptr[i + 1]`, each with the
        number of its site and its cost (minutes, metres, any unit; 0 or more), in any order, a site once a demand.
    weight (demands,)
        Of each demand, 0 or more: people.
    sites
        How many sites there are.
    penalty
        What a demand costs that has no open site within reach, and the most that any demand costs.
    """

    ptr: npt.NDArray[Any]
    site: npt.NDArray[Any]
    cost: npt.NDArray[Any]
    weight: npt.NDArray[Any]
    sites: int
    penalty: float

    @classmethod
    def covered(cls, ptr: npt.NDArray[Any], site: npt.NDArray[Any], weight: npt.NDArray[Any], sites: int) -> "Demands":
        """Return demands that cost nothing if covered and 1 if not: what a set costs is the weight not covered."""
        return cls(ptr, site, np.zeros(len(site)), weight, sites, 1.0)


def rows_of(demands: Demands, barred: Flags) -> Rows:
    """Return the rows without the barred sites and with equal demands as one.

    Raises
    ------
    StudyError
        Weights, costs or the penalty are negative or missing.
    """
    weights, costs = (np.ascontiguousarray(each, dtype=np.float64) for each in (demands.weight, demands.cost))
    penalty = float(demands.penalty)
    for name, values in (("weights", weights), ("costs", costs), ("penalty", np.array([penalty]))):
        if not ((values >= 0) & (values < np.inf)).all():
            raise StudyError(f"siting: {name} must be numbers of 0 or more, none missing")
    pairs = np.ascontiguousarray(demands.ptr, dtype=np.int64), np.ascontiguousarray(demands.site, dtype=np.int32), costs
    return (*merge(*tidy(*pairs, weights, penalty, ~barred), weights), penalty)


@kernel
def tidy(ptr, site, cost, weight, penalty, kept):  # type: ignore[no-untyped-def]
    """Return the pairs of kept sites that cost less than the penalty, each row from its cheapest on."""
    new_ptr = np.zeros(len(ptr), np.int64)
    for i in range(len(ptr) - 1):
        count = 0
        if weight[i] > 0:
            for k in range(ptr[i], ptr[i + 1]):
                if cost[k] < penalty and kept[site[k]]:
                    count += 1
        new_ptr[i + 1] = new_ptr[i] + count
    new_site = np.empty(new_ptr[-1], np.int32)
    new_cost = np.empty(new_ptr[-1], np.float64)
    for i in range(len(ptr) - 1):
        at = new_ptr[i]
        if at == new_ptr[i + 1]:
            continue
        rising = True
        for k in range(ptr[i], ptr[i + 1]):
            if cost[k] < penalty and kept[site[k]]:
                new_site[at], new_cost[at] = site[k], cost[k]
                if at > new_ptr[i] and new_cost[at] < new_cost[at - 1]:
                    rising = False
                at += 1
        if not rising:
            order = new_ptr[i] + np.argsort(new_cost[new_ptr[i] : at])
            sites, costs = new_site[order], new_cost[order]
            for k in range(len(order)):
                new_site[new_ptr[i] + k], new_cost[new_ptr[i] + k] = sites[k], costs[k]
    return new_ptr, new_site, new_cost


@kernel
def merge(ptr, site, cost, weight):  # type: ignore[no-untyped-def]
    """Return the rows with those of the same sites at the same costs as one, in the order of the first of each."""
    demands, cost_bits, width = len(ptr) - 1, cost.view(np.uint64), 1
    while 1 << width < 2 * demands:
        width += 1
    first, listed = np.arange(demands), np.zeros(1 << width, np.int64)  # the first of each, from 1 on, by its hash
    for i in range(demands):
        mixed = np.uint64(14695981039346656037)  # FNV-1a
        for k in range(ptr[i], ptr[i + 1]):
            mixed = (mixed ^ np.uint64(site[k])) * np.uint64(1099511628211)
            mixed = (mixed ^ cost_bits[k]) * np.uint64(1099511628211)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(11400714819323198485)  # its highest bits hang on all
        at = np.int64(mixed >> np.uint64(64 - width))
        while listed[at] > 0:
            before, k = listed[at] - 1, ptr[i]
            ahead = k - ptr[before]
            while k < ptr[i + 1] and site[k] == site[k - ahead] and cost[k] == cost[k - ahead]:
                k += 1
            if k == ptr[i + 1] and k - ahead == ptr[before + 1]:
                first[i] = before
                break
            at = (at + 1) % len(listed)
        else:
            listed[at] = i + 1
    place, kept, pairs = np.empty(demands, np.int64), 0, 0
    for i in range(demands):
        if first[i] == i:
            place[i] = kept
            kept += 1
            pairs += ptr[i + 1] - ptr[i]
    new_ptr, new_weight = np.zeros(kept + 1, np.int64), np.zeros(kept)
    new_site, new_cost = np.empty(pairs, np.int32), np.empty(pairs)
    for i in range(demands):
        at = place[first[i]]
        new_weight[at] += weight[i]
        if first[i] == i:
            start, many = new_ptr[at], ptr[i + 1] - ptr[i]
            new_ptr[at + 1] = start + many
            for k in range(many):
                new_site[start + k], new_cost[start + k] = site[ptr[i] + k], cost[ptr[i] + k]
    return new_ptr, new_site, new_cost, new_weight


@kernel
def nearest(rows, opened):  # type: ignore[no-untyped-def]
    """Return the cost of each demand to its nearest open site, the penalty where none is within reach."""
    ptr, site, cost, _, penalty = rows
    least = np.full(len(ptr) - 1, penalty)
    for i in range(len(ptr) - 1):
        for k in range(ptr[i], ptr[i + 1]):
            if opened[site[k]]:
                least[i] = cost[k]
                break
    return least
