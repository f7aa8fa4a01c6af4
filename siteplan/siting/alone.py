"""What groups of communes would pay and reach without the others: the cost game of a plan, solved exactly.

A plan gives each commune so many people with a site within the limit. A group of communes may open whichever of the
sites it likes; what it needs at the least for the same in each of its own communes is the cost of the group. The sites
of the plan would do, so that there is always an answer; groups that share no site add up, and each is solved once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from siteplan.doors import door
from siteplan.errors import InputError
from siteplan.reachable import Bools, Floats, Ints, Reach, sums
from siteplan.siting.exact import SLACK, Rows, minimise

__all__ = ["Groups", "Offer", "least_costs"]

SOMEBODY = 0.5  # people, as a count is rounded: where fewer gain, nobody does


@dataclass(frozen=True, eq=False)
class Offer:
    """What can be opened, and whom it would serve: people of one commune who reach the same sites are one class.

    Attributes
    ----------
    sites
        The sites that may open.
    cost (sites,)
        What each costs, 0 for those that are there already.
    reached (classes, sites)
        Who has which site within the limit.
    people (classes,), commune (classes,)
        How many they are, and the position of their commune in `communes`.
    """

    sites: pd.Index
    cost: Floats
    communes: tuple[str, ...]
    reached: Bools
    people: Floats
    commune: Ints

    def covered(self, opened: Bools) -> Floats:
        """Return the people of every commune who have one of the open sites within the limit."""
        has = self.reached[:, opened].any(axis=1)
        return sums(self.commune, np.where(has, self.people, 0.0), len(self.communes))

    def best(self, commune: int, money: float) -> Bools:
        """Return the sites with which a commune reaches most of its own people for so much money, if it is alone.

        Sites that cost nothing are open in any case.
        """
        free: Bools = self.cost == 0
        mine = (self.commune == commune) & ~self.reached[:, free].any(axis=1)
        able = np.flatnonzero(~free & (self.cost <= money) & self.reached[mine].any(axis=0))
        opened: Bools = free.copy()
        if not len(able):
            return opened
        reached, people = self.reached[np.ix_(mine, able)], self.people[mine]
        rows, worth = Rows(), people / (people.max(initial=0.0) or 1.0)
        rows.add(1, 0, np.arange(len(able)), self.cost[able] / money, high=1.0)
        _class_rows(rows, reached, len(able))
        goal = np.r_[np.zeros(len(able)), -worth]
        found = minimise(rows, goal, _bounds(len(able), len(goal)), start=None, work=None)
        values = None if found is None else found[0]
        assert values is not None  # noqa: S101 - to open none is always possible
        chosen = values[: len(able)] > 0.5
        # Of what is opened, only what somebody gains by; the row of money is met within a millionth of it.
        for at in np.flatnonzero(chosen)[::-1]:
            chosen[at] = False
            chosen[at] = bool((reached[:, at] & ~reached[:, chosen].any(axis=1) & (people > 0)).any())
        opened[able[chosen]] = True
        return opened


@dataclass(eq=False)
class Groups:
    """The least that groups of communes pay for what the plan gives them.

    >>> reached = np.array([[True, False], [True, True], [False, True]])
    >>> offer = Offer(pd.Index(["A", "B"]), np.array([60.0, 50.0]), ("x", "y"), reached, np.array([5.0, 7.0, 2.0]),
    ...     np.array([0, 1, 1]))
    >>> groups = Groups(offer, np.array([True, False]))
    >>> [groups.least(each) for each in ([0], [1], [0, 1])]
    [60.0, 50.0, 60.0]

    Attributes
    ----------
    plan (sites,)
        Which sites are open in the plan.
    need (communes,)
        Whom the plan serves in each commune; where that is less than half a person more than what costs nothing serves,
        as many as that, so that no commune pays for nobody.
    solved
        How many programmes were solved.
    """

    offer: Offer
    plan: Bools
    need: Floats = field(init=False)
    players: tuple[int, ...] = field(init=False)
    solved: int = field(default=0, init=False)
    _known: dict[frozenset[int], tuple[float, Bools]] = field(default_factory=dict, init=False, repr=False)
    _pool: dict[int, tuple[float, Bools]] = field(default_factory=dict, init=False, repr=False)
    """By whom a set serves as the plan does, a bit each: the cheapest set that is known to."""

    def __post_init__(self) -> None:
        """Find who needs anything that is not there already."""
        free = self.offer.cost == 0
        there, planned = self.offer.covered(free), self.offer.covered(self.plan)
        self.need = np.where(planned - there < SOMEBODY, np.minimum(planned, there), planned)
        self.players = tuple(np.flatnonzero(~self._met(there)).tolist())
        self._keep(free | self.plan)

    @cached_property
    def parts(self) -> list[tuple[int, ...]]:
        """The communes that need anything, in parts that share no site: their costs add up."""
        free = self.offer.cost == 0
        left = ~self.offer.reached[:, free].any(axis=1)
        usual = self.offer.cost <= self._cost(free | self.plan)  # nobody needs a site that costs more than all of it
        homes = {each: self.offer.reached[(self.offer.commune == each) & left] for each in self.players}
        uses = {each: reached.any(axis=0) & usual for each, reached in homes.items()}
        found: list[tuple[list[int], Bools]] = []
        for each in self.players:
            touching = [part for part in found if (part[1] & uses[each]).any()]
            found = [part for part in found if not any(part is other for other in touching)]
            members = sorted([each, *(member for part in touching for member in part[0])])
            sites = uses[each].copy()
            for part in touching:
                sites |= part[1]
            found.append((members, sites))
        return sorted(tuple(members) for members, _ in found)

    def least(self, group: Collection[int]) -> float:
        """Return the least cost for which a group of communes, by position, has what the plan gives it."""
        return self._solve(group)[0]

    def sites(self, group: Collection[int]) -> Bools:
        """Return a set of sites of that cost, with what is free."""
        return self._solve(group)[1]

    def worst(self, pays: Floats) -> tuple[int, ...]:
        """Return the communes that together pay most beyond what they would alone: one programme, for any number.

        Parameters
        ----------
        pays (communes,)
            What each pays.
        """
        offer, players = self.offer, np.array(self.players, dtype=np.int64)
        if not len(players):
            return ()
        free: Bools = offer.cost == 0
        mine = np.isin(offer.commune, players) & ~offer.reached[:, free].any(axis=1)
        able, size = np.flatnonzero(~free), float(pays.sum()) or 1.0
        reached, people, commune = offer.reached[np.ix_(mine, able)], offer.people[mine], offer.commune[mine]
        lack, rows, first = self.need - offer.covered(free), Rows(), len(able) + len(reached)
        _class_rows(rows, reached, len(able))
        for at, each in enumerate(players):
            own = np.flatnonzero(commune == each)
            rows.add(1, 0, np.r_[len(able) + own, first + at], np.r_[people[own] / lack[each], SLACK - 1.0], low=0.0)
        goal = np.r_[offer.cost[able], np.zeros(len(reached)), -pays[players]] / size
        whole = np.r_[np.ones(len(able)), np.zeros(len(reached)), np.ones(len(players))].astype(bool)
        found = minimise(rows, goal, (np.zeros(len(goal)), np.ones(len(goal)), whole), start=None, work=None)
        values = None if found is None else found[0]
        assert values is not None  # noqa: S101 - no commune and no site are an answer
        return tuple(players[values[first:] > 0.5].tolist())

    def _solve(self, group: Collection[int]) -> tuple[float, Bools]:
        asked = frozenset(group) & frozenset(self.players)
        if asked not in self._known:
            self._known[asked] = self._found(asked)
        return self._known[asked]

    def _found(self, asked: frozenset[int]) -> tuple[float, Bools]:
        """Take a set that is known to be as cheap as any can be; else solve the programme."""
        free = self.offer.cost == 0
        if not asked:
            return 0.0, free
        apart = [asked & frozenset(part) for part in self.parts]
        if asked not in apart:
            found = [self._solve(each) for each in apart if each]
            return sum(cost for cost, _ in found), np.logical_or.reduce([opened for _, opened in found])
        members = sorted(asked)
        smaller = [self._known[asked - {each}] for each in members if asked - {each} in self._known]
        least = max((cost for cost, _ in smaller), default=0.0)  # more communes never cost less
        for each in members:  # two sets together serve both groups
            if asked - {each} in self._known and frozenset({each}) in self._known:
                self._keep(self._known[asked - {each}][1] | self._known[frozenset({each})][1])
        bits = sum(1 << each for each in members)
        most, best = min((cost, met) for met, (cost, _) in self._pool.items() if bits & ~met == 0)
        if most <= least:
            return self._pool[best]
        opened = self._programme(members, least, most)
        if opened is None:
            return self._pool[best]
        self._keep(opened)
        return self._cost(opened), opened

    def _programme(self, members: Sequence[int], least: float, most: float) -> Bools | None:
        """Solve one group; None where nothing is cheaper than `most`."""
        offer = self.offer
        free = offer.cost == 0
        have = offer.reached[:, free].any(axis=1)
        mine = np.isin(offer.commune, members) & ~have
        able = np.flatnonzero(~free & (offer.cost <= most) & offer.reached[mine].any(axis=0))
        reached, size = offer.reached[np.ix_(mine, able)], max(most, 1e-12)
        some = reached.any(axis=1)
        reached, people, commune = reached[some], offer.people[mine][some], offer.commune[mine][some]
        there = offer.covered(free)
        rows = Rows()
        _class_rows(rows, reached, len(able))
        for each in members:
            own = np.flatnonzero(commune == each)
            lack = self.need[each] - there[each]
            rows.add(1, 0, len(able) + own, people[own] / lack, low=1.0 - SLACK)
        cheaper = (most - self._step * 0.999) / size
        rows.add(1, 0, np.arange(len(able)), offer.cost[able] / size, low=least / size - SLACK, high=cheaper + SLACK)
        goal = np.r_[offer.cost[able] / size, np.zeros(len(reached))]
        self.solved += 1
        # Costs that differ at all differ by a step: a bound that is nearer than that proves the least.
        near = {"mip_abs_gap": max(1e-7, 0.99 * self._step / size)}
        found = minimise(rows, goal, _bounds(len(able), len(goal)), start=None, work=None, options=near)
        if found is None or found[0] is None:
            return None
        opened = free.copy()
        opened[able[found[0][: len(able)] > 0.5]] = True
        better = self._cost(opened) < most and self._met(offer.covered(opened))[members].all()
        return opened if better else None

    @cached_property
    def _step(self) -> float:
        """Return by how much costs differ at the least, where all are whole multiples of something; else 0."""
        cents = np.round(self.offer.cost * 100)
        return float(np.gcd.reduce(cents.astype(np.int64))) / 100 if np.allclose(cents, self.offer.cost * 100) else 0.0

    def _cost(self, opened: Bools) -> float:
        return float(self.offer.cost[opened].sum())

    def _met(self, covered: Floats) -> Bools:
        """Tell which communes have what the plan gives them, but for a ten-thousandth of a person."""
        met: Bools = covered >= self.need * (1 - 2 * SLACK) - 1e-4
        return met

    def _keep(self, opened: Bools) -> None:
        """Remember what a set serves, unless one that is no dearer serves the same."""
        met = sum(1 << at for at in np.flatnonzero(self._met(self.offer.covered(opened))).tolist())
        cost = self._cost(opened)
        if met not in self._pool or cost < self._pool[met][0]:
            self._pool[met] = cost, opened


def _class_rows(rows: Rows, reached: Bools, sites: int) -> None:
    """Let a class have a site only if one that it reaches is open; its column stands behind those of the sites."""
    own, site = np.nonzero(reached)
    every = np.arange(len(reached))
    entries = np.r_[np.ones(len(every)), np.full(len(own), -1.0)]
    rows.add(len(every), np.r_[every, own], np.r_[sites + every, site], entries, high=0.0)


def _bounds(sites: int, columns: int) -> tuple[Floats, Floats, Bools]:
    """Every column from 0 to 1, those of the sites whole."""
    return np.zeros(columns), np.ones(columns), np.arange(columns) < sites


@door(people=("people",))
def least_costs(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: pd.DataFrame,
    plan: Collection[str],
    *,
    territory: pd.Series,
    minutes: float,
    mode: str | None = None,
    group: str = "people",
) -> Groups:
    """Return the cost game of a plan: what each group of communes pays at the least for what the plan gives it.

    What the plan gives a commune is how many of its people have an open site within the limit, capacities aside.
    Everybody may open any site but the excluded ones; the existing ones are open and cost nothing, the required ones
    cost what the others do. Sites without a cost cost nothing where the plan opens them, else nobody opens them. As the
    plan would do for any group, there is always an answer.

    Parameters
    ----------
    times, people
        As for `reach`.
    sites
        Index `site`; `status` and `cost`.
    plan
        The sites that are open in the plan.
    territory
        The commune of every point; NaN beyond them all, which no commune pays for.
    minutes, mode
        Who has a site: within so many minutes, by a mode or `best`, which None takes of several.
    group
        Who is counted: `people` or a group.

    Returns
    -------
    Groups
        `groups.offer.communes` names the communes by position; `groups.least([0, 2])` is the least cost of two of them.

    Raises
    ------
    InputError
        For a site of the plan that is not there.

    Examples
    --------
    >>> game = sp.least_costs(
    ...     times, people, sites, ["S01", "S02", "S08"], territory=people["cell"].map(lambda cell: "all"), minutes=15
    ... )
    >>> game.offer.communes, game.least([0])
    (('all',), 45000.0)
    """
    reach = Reach.of(times, people)
    chosen = reach.chosen_mode(mode, "least_costs")
    table = sites.set_axis(sites.index.astype(str))
    unknown = sorted(set(map(str, plan)) - set(table.index))
    if unknown:
        raise InputError(f"plan: {len(unknown):,} sites are not among the sites, first '{unknown[0]}'")
    table = table[table["status"] != "excluded"] if "status" in table else table
    opened = table.index.isin([str(site) for site in plan])
    cost = table["cost"].to_numpy(dtype=np.float64) if "cost" in table else np.full(len(table), np.nan)
    if "status" in table:
        there = (table["status"] == "existing").to_numpy(dtype=bool)
        cost, opened = np.where(there, 0.0, cost), opened | there
    cost = np.where(np.isnan(cost) & opened, 0.0, cost)
    usable = ~np.isnan(cost)
    offer = _offer(reach, (chosen, minutes, group), table.index[usable], cost[usable], territory=territory)
    return Groups(offer, opened[usable])


def _offer(
    reach: Reach, asked: tuple[str, float, str], sites: pd.Index, cost: Floats, *, territory: pd.Series
) -> Offer:
    """Gather the people who live in one commune and reach the same sites, by mode, limit and group."""
    mode, minutes, group = asked
    amount, place = reach.people.amount(group), territory.reindex(reach.points)
    names = tuple(sorted(place.dropna().astype(str).unique()))
    commune = pd.Index(names).get_indexer(place.astype(str).where(place.notna(), None))
    pairs = reach.within(mode, minutes)
    at = np.append(sites.get_indexer(reach.sites.astype(str)), -1)[pairs.site]
    counted = (at >= 0) & (commune[pairs.point] >= 0) & (amount[pairs.point] > 0)
    reached = np.zeros((len(reach.points), len(sites)), dtype=bool)
    reached[pairs.point[counted], at[counted]] = True
    some = np.flatnonzero(reached.any(axis=1))
    key = np.column_stack([commune[some].astype(np.int64).view(np.uint8).reshape(-1, 8), np.packbits(reached[some], 1)])
    _, first, which = np.unique(key, axis=0, return_index=True, return_inverse=True)
    members = sums(which.reshape(-1), amount[some], len(first))
    return Offer(sites, cost, names, reached[some[first]], members, commune[some[first]].astype(np.int64))
