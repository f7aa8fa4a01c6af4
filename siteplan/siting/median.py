"""Where `count` sites cost people the least on the way: p-median of any size, with a bound that proves how good.

The p-median (Hakimi 1964) opens `count` sites so that the sum of weight x cost to the nearest open one is least. Who
has no open site within reach costs `penalty`; so with cost 0 for a pair within the limit and penalty 1, the same search
covers the most people (MCLP, Church & ReVelle 1974).

Upper side: greedy, then the best swap of an open site for a closed one until no swap helps (Teitz & Bart 1968), where
one pass over the pairs values all swaps at once: the gain of each site that may open, the loss of each that may close,
and a correction for the two together (Whitaker 1983; Resende & Werneck 2007). Lower side: the Lagrangian relaxation of
"everybody goes to one site", its multipliers raised by the volume algorithm (Barahona & Anbil 2000); the sites it picks
are polished by swaps. Conditions on the sites (a budget, distances, quotas) are rows with multipliers of their own,
tolls. Sites whose reduced cost rules them in or out are settled. What gap is left is closed by branch and bound on the
same relaxation.

Rows are demands, in CSR, cheapest pair first: no pass looks beyond what a demand is willing to pay. All limits count
iterations and not seconds, so the same input gives the same answer on every machine, unless it is cut off by a clock,
which the result then says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siteplan.compiled import inner_kernel, kernel
from siteplan.errors import StudyError
from siteplan.siting.cover_swaps import LARGE, greedy_cover, swap_cover, turned
from siteplan.siting.work import VISITS, Work

__all__ = ["Conditions", "Demands", "Effort", "MedianResult", "median_search", "median_within"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = tuple[Ints, npt.NDArray[np.int32], Floats, Floats, float]  # ptr, site, cost, weight, penalty
Status = npt.NDArray[np.int8]
Side = tuple[Ints, npt.NDArray[np.int32], Floats, Floats]  # ptr, site, amount, most: rows of conditions on the sites

FREE, IN, OUT = np.int8(0), np.int8(1), np.int8(-1)
ROUNDING = 1e-9  # of the objective: sums of floats are not trusted beyond
BLOCK = 50  # iterations between two looks at what they found
SWAPS = 20  # that a set has until none helps, as its visits are counted


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


@dataclass(frozen=True, eq=False)
class Conditions:
    """What must hold of the sites beside their number, and a set for which it does.

    Attributes
    ----------
    side
        Rows in CSR, each the amounts of some sites and the most that open ones may have together.
    fewer
        Whether the count is the most and not the number.
    begin (sites,)
        Open sites that meet all conditions, also those that no row says.
    polish
        Makes of how likely each site is open such a set, or None.
    """

    side: Side
    fewer: bool
    begin: Flags
    polish: Callable[[Floats], Flags | None]


@dataclass(frozen=True)
class Effort:
    """When a search ends.

    Attributes
    ----------
    gap
        Stop as soon as the objective is proven to be within this share of the optimum; 0 goes on to the optimum.
    iterations, restarts, nodes
        The most Lagrangian iterations before branching, restarts from disturbed sets, and nodes of branch and bound.
        0 iterations: swaps alone, with bound 0; 0 nodes: no branching.
    seed
        Of the restarts.
    visits
        Nothing new is begun after about so many visits to a pair of a demand and a site.
    seconds
        Nor after so long. Only an answer that this cuts off may differ from run to run.
    """

    gap: float = 0.0
    iterations: int = 1000
    restarts: int = 20
    nodes: int = 5000
    seed: int = 0
    visits: float = np.inf
    seconds: float = np.inf


@dataclass(frozen=True)
class MedianResult:
    """A set of sites, what it costs, and what no set can undercut.

    Attributes
    ----------
    chosen
        Numbers of the open sites, ascending.
    objective
        Sum of weight x min(cost to the nearest chosen site, penalty).
    bound
        No `count` sites (with the fixed ones) have a smaller objective; at most `objective`.
    greedy, interchange
        The objective of greedy alone, and of greedy with swaps.
    iterations, nodes
        Lagrangian iterations in all, and nodes of branch and bound (0: the bound at the root was enough).
    settled
        Per site: 1 in every set better than `objective`, -1 in none of them, 0 not known. What a MILP may leave out.
    visits, late
        About how many visits to a pair it took; whether the clock cut it off.
    """

    chosen: Ints
    objective: float
    bound: float
    greedy: float
    interchange: float
    iterations: int
    nodes: int
    settled: Status
    visits: float
    late: bool

    @property
    def gap(self) -> float:
        """How far the objective may be above the optimum, as a share of it."""
        return 0.0 if self.objective <= self.bound else (self.objective - self.bound) / self.objective


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
            part = slice(new_ptr[i], new_ptr[i + 1])
            order = np.argsort(new_cost[part])
            new_site[part], new_cost[part] = new_site[part][order], new_cost[part][order]
    return new_ptr, new_site, new_cost


@kernel
def merge(ptr, site, cost, weight):  # type: ignore[no-untyped-def]
    """Return the rows with those of the same sites at the same costs as one, in the order of the first of each."""
    demands, bits = len(ptr) - 1, cost.view(np.uint64)
    mark = np.empty(demands, np.uint64)
    for i in range(demands):
        mixed = np.uint64(14695981039346656037)  # FNV-1a
        for k in range(ptr[i], ptr[i + 1]):
            mixed = (mixed ^ np.uint64(site[k])) * np.uint64(1099511628211)
            mixed = (mixed ^ bits[k]) * np.uint64(1099511628211)
        mark[i] = mixed
    first, order = np.arange(demands), np.argsort(mark, kind="mergesort")
    for at in range(1, demands):
        i, before = order[at], first[order[at - 1]]
        same = mark[i] == mark[before] and ptr[i + 1] - ptr[i] == ptr[before + 1] - ptr[before]
        for k in range(ptr[i + 1] - ptr[i] if same else 0):
            same &= site[ptr[i] + k] == site[ptr[before] + k] and cost[ptr[i] + k] == cost[ptr[before] + k]
        if same:
            first[i] = before
    place, kept, pairs = np.empty(demands, np.int64), 0, 0
    for i in range(demands):
        if first[i] == i:
            place[i] = kept
            kept += 1
            pairs += ptr[i + 1] - ptr[i]
    new_ptr, new_weight = np.zeros(kept + 1, np.int64), np.zeros(kept)
    new_site, new_cost = np.empty(pairs, site.dtype), np.empty(pairs)
    for i in range(demands):
        at = place[first[i]]
        new_weight[at] += weight[i]
        if first[i] == i:
            start, many = new_ptr[at], ptr[i + 1] - ptr[i]
            new_ptr[at + 1] = start + many
            new_site[start : start + many] = site[ptr[i] : ptr[i + 1]]
            new_cost[start : start + many] = cost[ptr[i] : ptr[i + 1]]
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


@kernel
def greedy(rows, opened, barred, count):  # type: ignore[no-untyped-def]
    """Open, in place and one after the other, the site that saves most until `count` are open; ties: the first."""
    ptr, site, cost, weight, _ = rows
    least = nearest(rows, opened)
    gain = np.empty(len(opened))
    for _ in range(count - opened.sum()):
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
    count = opened.sum()
    slot, held = np.full(len(opened), -1, np.int64), np.flatnonzero(opened)
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
    opened[:] = slot >= 0
    return total


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
    light = count / max(1e-300, weight.sum()) * max(1.0, len(member) / len(status))
    demands, sites = len(ptr) - 1, len(status)
    reduced, picked, picks = np.empty(sites), np.zeros(sites, np.bool_), np.zeros(sites, np.bool_)
    order, spare, trial = np.empty(sites, np.int64), np.empty(demands), price.copy()
    best, stale, weighing = -np.inf, 0, 0.1
    for turn in range(turns):
        need = count - (status == IN).sum()
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
            price[:] = trial
            toll[:] = try_toll
            picks[:] = picked
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


def median_search(
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None = None,
    barred: Flags | None = None,
    effort: Effort | None = None,
    under: Conditions | None = None,
) -> MedianResult:
    """Choose the `count` sites for which the weighted cost to the nearest one is least, and prove how good they are.

    Parameters
    ----------
    demands
        Who wants how much, and what each site costs.
    count
        How many to open, the fixed ones among them.
    fixed, barred (sites,)
        Sites open in any case; sites that may not open.
    effort
        When the search ends; None: as `Effort` says.
    under
        What else must hold: the bound then counts that, and nothing is searched but what `polish` makes of it.

    Returns
    -------
    The best set found; its `gap` may be larger than asked for where the limits ended the search.

    Raises
    ------
    StudyError
        `count` is less than the fixed sites or more than those not barred; weights, costs or the penalty are negative
        or missing.

    Notes
    -----
    Where all weights and costs are whole, so is the objective, and a bound above the objective less 1 proves it.
    The answer does not depend on the order of the pairs of a demand. Ties go to the site with the lower number.
    """
    effort, penalty = effort or Effort(), float(demands.penalty)
    weights, costs = (np.ascontiguousarray(each, dtype=np.float64) for each in (demands.weight, demands.cost))
    closed = np.zeros(demands.sites, dtype=bool)
    is_fixed, is_barred = (closed.copy() if flags is None else flags.copy() for flags in (fixed, barred))
    _check_figures(weights, costs, penalty)
    _check_count(count, is_fixed, is_barred)
    pairs = np.ascontiguousarray(demands.ptr, dtype=np.int64), np.ascontiguousarray(demands.site, dtype=np.int32), costs
    ptr, site, cost = tidy(*pairs, weights, penalty, ~is_barred)
    rows: Rows = (*merge(ptr, site, cost, weights), penalty)
    search = _Search(rows, count, is_fixed, is_barred, effort=effort, under=under)
    search.start()
    if effort.iterations > 0 and not search.closed():
        search.bound_root(effort.iterations)
    if under is None and not search.closed():
        search.restart(effort.restarts)
    if effort.iterations > 0 and effort.nodes > 0 and not search.closed():
        search.branch(effort.nodes)
    return search.result()


def median_within(
    work: Work,
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None,
    barred: Flags | None,
    effort: Effort,
    under: Conditions | None = None,
) -> MedianResult:
    """Return what `median_search` finds with the work that is left, and count what it took."""
    effort = replace(effort, visits=work.visits, seconds=work.left)
    found = median_search(demands, count, fixed=fixed, barred=barred, effort=effort, under=under)
    work.spend(found.visits / VISITS)
    if found.late:
        work.cut()
    return found


def _check_figures(weight: Floats, cost: Floats, penalty: float) -> None:
    """Refuse what cannot be added up."""
    for name, values in (("weights", weight), ("costs", cost), ("penalty", np.array([penalty]))):
        if not ((values >= 0) & (values < np.inf)).all():
            raise StudyError(f"siting: {name} must be numbers of 0 or more, none missing")


def _check_count(count: int, fixed: Flags, barred: Flags) -> None:
    """Refuse what has no answer."""
    if (fixed & barred).any():
        raise StudyError(f"siting: site {int(np.flatnonzero(fixed & barred)[0])} is both fixed and barred")
    if not max(1, int(fixed.sum())) <= count <= int((~barred).sum()):
        raise StudyError(
            f"siting: {count} sites cannot be chosen from {int((~barred).sum())} of which {int(fixed.sum())} are fixed"
        )


def _unit(rows: Rows) -> float:
    """Return 1 where every objective is a whole number, else 0."""
    _, _, cost, weight, penalty = rows
    whole = all(bool((values == np.floor(values)).all()) for values in (cost, weight, np.array([penalty])))
    return 1.0 if whole and float(weight.sum()) * penalty < 2**52 else 0.0


@dataclass
class _Node:
    """A part of the search: what is decided in it, where it stands (as for `ascend`), and its bound so far."""

    status: Status
    at: tuple[Floats, ...]
    bound: float
    step: float

    @property
    def share(self) -> Floats:
        """How likely each site is open."""
        return self.at[2]


class _Search:
    """The best set so far, and what is proven."""

    def __init__(
        self, rows: Rows, count: int, fixed: Flags, barred: Flags, *, effort: Effort, under: Conditions | None
    ) -> None:
        none = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0)
        self.under, self.side = under, under.side if under else none
        self.rows, self.count, self.fixed, self.barred = rows, count, fixed, barred
        self.gap, self.unit, self.seed = effort.gap, _unit(rows), effort.seed
        self.until, self.most, self.visits, self.late = time.monotonic() + effort.seconds, effort.visits, 0.0, False
        self.opened: Flags = fixed.copy()
        self.objective, self.bound = np.inf, 0.0
        self.greedy = self.swapped = np.inf
        self.iterations = self.nodes = 0
        self.root: _Node | None = None
        self.tried: set[bytes] = set()
        self.covers = rows[4] == 1.0 and not rows[2].any()
        self.turned: tuple[Rows, Any] | None = None

    def start(self) -> None:
        """Find a first set: greedy, then swaps."""
        if self.under is not None:
            self.keep(self.under.begin)
            self.greedy = self.swapped = self.objective
            return
        opened, turned_rows = self.fixed.copy(), self.by_site(self.rows)
        if turned_rows is None:
            greedy(self.rows, opened, self.barred, self.count)
        else:
            greedy_cover(self.rows, turned_rows, opened, barred=self.barred, count=self.count)
        self.greedy = float((self.rows[3] * nearest(self.rows, opened)).sum())
        self.try_set(opened, self.rows, self.barred)
        self.swapped = self.objective

    def try_set(self, opened: Flags, rows: Rows, barred: Flags) -> None:
        """Improve a set by swaps and keep it if it is the best so far. The set is changed in place.

        `rows` may lack sites that are barred.
        """
        key = np.packbits(opened).tobytes()
        if key in self.tried:
            return
        self.tried.add(key)
        turned_rows = self.by_site(rows)
        if turned_rows is None:
            interchange(rows, opened, self.fixed, barred)
        else:
            swap_cover(rows, turned_rows, opened, self.fixed, barred, ROUNDING)
        self.visits += SWAPS * (len(rows[1]) + len(opened) * self.count)
        self.tried.add(np.packbits(opened).tobytes())
        self.keep(opened)

    def keep(self, opened: Flags) -> None:
        """Keep a set if it is the best so far."""
        total = float((self.rows[3] * nearest(self.rows, opened)).sum())
        if total < self.objective:
            self.objective, self.opened = total, opened.copy()

    def by_site(self, rows: Rows) -> Any:
        """Return the pairs of rows by site, where that pays: of large questions of who is covered; else None."""
        if not self.covers or len(rows[1]) + self.count * len(self.fixed) < LARGE:
            return None
        if self.turned is None or self.turned[0] is not rows:
            self.turned = rows, turned(rows, len(self.fixed))
        return self.turned[1]

    def goal(self) -> float:
        """Return the bound that is enough for a part of the search: no set in it is worth looking for."""
        margin = ROUNDING * self.objective
        enough = self.objective * (1 - self.gap) - margin
        return min(enough, self.objective - self.unit + margin) if self.unit else enough

    def cutoff(self) -> float:
        """Return the cost that a better set has at most; a site is settled only where every set costs more."""
        margin = ROUNDING * self.objective
        return self.objective - self.unit + margin if self.unit else self.objective + margin

    def proven(self, bound: float) -> float:
        """Return what a bound on the better sets says about all sets."""
        whole = self.unit > 0 and bound > self.objective - self.unit + ROUNDING * self.objective
        return self.objective if whole else min(bound, self.objective)

    def closed(self) -> bool:
        """Whether nothing is left to prove, or nothing to do it with."""
        return self.objective <= 0 or self.bound >= self.goal() or self.spent()

    def spent(self) -> bool:
        """Whether the visits are used up, or the time."""
        if self.visits >= self.most:
            return True
        self.late |= time.monotonic() > self.until
        return self.late

    def raise_bound(self, node: _Node, turns: int, rows: Rows) -> None:
        """Raise the bound of a node and polish the sites it picks."""
        aims = self.objective, self.goal(), self.cutoff()
        fewer = self.under is not None and self.under.fewer
        bound, node.step, done, picks = ascend(
            rows, node.at, node.status, self.count, aims, node.step, turns, self.side, fewer
        )
        self.iterations += done
        self.visits += done * len(rows[1])
        node.bound = max(node.bound, bound)
        if self.under is not None:
            opened = self.under.polish(node.share)
            self.visits += SWAPS * (len(rows[1]) + len(picks) * self.count)
            if opened is not None:
                self.keep(opened)
        elif int(picks.sum()) == self.count and self.root is not None:
            # Sites that are settled as closed are in no better set, so no swap need open them.
            self.try_set(picks, rows, self.root.status == OUT)

    def bound_root(self, iterations: int) -> None:
        """Raise the bound until it is enough, the iterations are used up, or it hardly rises any more."""
        demands, sites = len(self.rows[3]), len(self.fixed)
        status = np.where(self.fixed, IN, np.where(self.barred, OUT, FREE)).astype(np.int8)
        price = nearest(self.rows, self.opened)
        tolls = len(self.side[3])
        at = price, np.zeros(demands), np.zeros(sites), np.zeros(tolls), np.zeros(tolls)
        root = self.root = _Node(status, at, 0.0, 0.5)
        rows, gained = self.rows, 0
        left = int((status != OUT).sum())
        while self.iterations < iterations and gained < 2:
            before, best = root.bound, self.objective
            self.raise_bound(root, min(BLOCK, iterations - self.iterations), rows)
            self.bound = max(self.bound, self.proven(root.bound))
            if self.closed():
                return
            slow = root.bound - before < (0.05 if self.under is None else 0.01) * (self.goal() - root.bound)
            gained = gained + 1 if slow and self.objective == best else 0
            if int((root.status != OUT).sum()) < 0.8 * left:
                left = int((root.status != OUT).sum())
                rows = self.without(root.status)

    def without(self, status: Status) -> Rows:
        """Return the pairs without the sites settled as closed."""
        ptr, site, cost, weight, penalty = self.rows
        return (*tidy(ptr, site, cost, weight, penalty, status != OUT), weight, penalty)

    def restart(self, restarts: int) -> None:
        """Replace a third of the best set at random and improve it by swaps, again and again."""
        random = np.random.default_rng(self.seed)
        spare = np.flatnonzero(~self.barred & ~self.fixed)
        for _ in range(restarts if len(spare) else 0):
            movable = np.flatnonzero(self.opened & ~self.fixed)
            if len(movable) == 0 or len(movable) == len(spare):
                return
            opened = self.opened.copy()
            many = min(max(1, len(movable) // 3), len(spare) - len(movable))
            opened[random.choice(movable, many, replace=False)] = False
            closed = np.flatnonzero(~self.opened & ~self.barred)
            opened[random.choice(closed, many, replace=False)] = True
            self.try_set(opened, self.rows, self.barred)
            if self.closed():
                return

    def branch(self, most: int) -> None:
        """Halve what is left, site by site, the likelier half first, until every part is ruled out."""
        root = self.root
        if root is None:
            return
        rows = self.without(root.status)
        stack, lowest = [root], np.inf
        while stack and self.nodes < most and not self.spent():
            node = stack.pop()
            self.nodes += 1
            self.search_node(node, rows)
            if node.bound >= self.goal():
                lowest = min(lowest, node.bound)
                continue
            free = np.flatnonzero(node.status == FREE)
            if len(free) == 0:  # one set is left, and it has been tried
                continue
            j = free[np.argmin(np.abs(node.share[free] - 0.5))]
            sides = (OUT, IN) if node.share[j] >= 0.5 else (IN, OUT)  # the last is taken up first
            for side in sides:
                status = node.status.copy()
                status[j] = side
                stack.append(_Node(status, tuple(each.copy() for each in node.at), node.bound, 0.1))
        lowest = min([lowest, *(node.bound for node in stack)])
        self.bound = max(self.bound, self.proven(lowest))

    def search_node(self, node: _Node, rows: Rows) -> None:
        """Raise the bound of a node for as long as it pays."""
        for _ in range(10):
            before = node.bound
            self.raise_bound(node, BLOCK, rows)
            missing = self.goal() - node.bound
            if missing <= 0 or node.bound - before < 0.1 * missing or self.spent():
                return

    def result(self) -> MedianResult:
        """Return what was found."""
        status = np.where(self.fixed, IN, np.where(self.barred, OUT, FREE)).astype(np.int8)
        return MedianResult(
            np.flatnonzero(self.opened).astype(np.int64),
            self.objective,
            self.proven(self.bound),
            self.greedy,
            self.swapped,
            self.iterations,
            self.nodes,
            status if self.root is None else self.root.status.copy(),
            self.visits,
            self.late,
        )
