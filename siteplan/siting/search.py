"""The best set of sites so far and what is proven: swaps from above, the relaxation from below, then branch and bound.

The sites that the relaxation picks are polished by swaps. What gap is left is closed by branch and bound on the same
relaxation. All limits count iterations and not seconds, so the same input gives the same answer on every machine,
unless it is cut off by a clock, which the result then says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from siteplan.siting.cover_swaps import LARGE, greedy_cover, swap_cover, turned
from siteplan.siting.demands import ROUNDING, Flags, Floats, Ints, Rows, nearest, tidy
from siteplan.siting.interchange import greedy, interchange
from siteplan.siting.relaxation import FREE, IN, OUT, Side, Status, ascend

__all__ = ["Conditions", "Effort", "MedianResult", "Search"]

BLOCK = 50  # iterations between two looks at what they found
SWAPS = 20  # that a set has until none helps, as its visits are counted


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


class Search:
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
