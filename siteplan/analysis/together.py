"""Communes together: who gains by a joint plan, and who pays for it so that no group of them is better off alone.

Shapley, L. S. (1953): A value for n-person games, in Contributions to the Theory of Games II. The core: Gillies (1959).
A cost game says what each group of players would pay at the least if it stood alone; shares lie in its core where no
group pays more than that.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from siteplan.analysis.equity import OUTSIDE
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, Reach

__all__ = ["EXACT", "commune_gains", "core_breach", "shapley_value", "share_money"]

EXACT = 12  # players up to whom all groups are asked: 4,096 of them
CENT = 0.01
CERTAIN = 1.96  # standard errors on either side: 95 %

Game = Callable[[tuple[str, ...]], float] | Mapping[tuple[str, ...], float]


@door()
def shapley_value(cost: Game, players: Sequence[str], *, orders: int = 500, seed: int = 1) -> pd.DataFrame:
    """Share the cost of all players by what each adds to those before it, on the mean of all orders (Shapley 1953).

    Parameters
    ----------
    cost
        What each group of players pays if it stands alone: a function of a tuple of players, or a dictionary by such
        tuples, in the order of `players`. Nobody pays nothing.
    players
        Their names. To 12 of them all groups are asked, and the shares are exact; beyond, `orders` are drawn.
    orders, seed
        How many orders are drawn, and the seed of the draw.

    Returns
    -------
    Index `player`. Columns `share`, and `error`: half of the interval that holds the exact share in 95 of 100 draws; 0
    where it is exact. The shares sum to the cost of all, drawn or not.

    Raises
    ------
    StudyError
        For players named twice, or fewer than 2 orders.

    Examples
    --------
    >>> alone = {("A",): 60, ("B",): 60, ("C",): 90, ("A", "B"): 80, ("A", "C"): 150, ("B", "C"): 150}
    >>> sp.shapley_value(alone | {("A", "B", "C"): 170}, ["A", "B", "C"])["share"].round(2).to_dict()
    {'A': 40.0, 'B': 40.0, 'C': 90.0}
    """
    names = list(players)
    if len(set(names)) < len(names):
        raise StudyError("players: one is named twice; expected each once")
    if orders < 2:
        raise StudyError(f"orders: {orders}, expected 2 or more")
    asked = _asked(cost, names)
    share, error = _of_all(asked, len(names)) if len(names) <= EXACT else _drawn(asked, len(names), orders, seed)
    return pd.DataFrame({"share": share, "error": error}, index=pd.Index(names, name="player", dtype=object))


def _asked(cost: Game, names: Sequence[str]) -> Callable[[tuple[int, ...]], float]:
    """Return the game by the positions of the players, in their order."""

    def told(group: tuple[int, ...]) -> float:
        if not group:
            return 0.0
        named = tuple(names[at] for at in group)
        if callable(cost):
            return float(cost(named))
        if named not in cost:
            raise StudyError(f"cost: says nothing of the group {', '.join(map(str, named))}; expected every group")
        return float(cost[named])

    return told


def _of_all(cost: Callable[[tuple[int, ...]], float], count: int) -> tuple[Floats, Floats]:
    """Weigh what each player adds to each group of the others, by the share of orders in which just they come first."""
    worth = np.zeros(1 << count)
    groups = np.arange(1 << count)
    size = np.array([group.bit_count() for group in range(1 << count)], dtype=np.int64)
    for group in np.argsort(size, kind="stable"):  # small groups first: they bound the larger ones
        worth[group] = cost(tuple(at for at in range(count) if group >> at & 1))
    ways = [factorial(before) * factorial(count - before - 1) / factorial(count) for before in range(count)]
    share = np.zeros(count)
    for at in range(count):
        without = groups[groups >> at & 1 == 0]
        share[at] = np.dot(np.array(ways)[size[without]], worth[without | 1 << at] - worth[without])
    return share, np.zeros(count)


def _drawn(cost: Callable[[tuple[int, ...]], float], count: int, orders: int, seed: int) -> tuple[Floats, Floats]:
    """Let the players come in so many orders, and take the mean of what each adds."""
    random = np.random.default_rng(seed)
    adds = np.zeros((orders, count))
    for row in range(orders):
        here: list[int] = []
        before = 0.0
        for at in random.permutation(count):
            here.append(int(at))
            now = cost(tuple(sorted(here)))
            adds[row, at], before = now - before, now
    return adds.mean(axis=0), CERTAIN * adds.std(axis=0, ddof=1) / np.sqrt(orders)


@door()
def core_breach(shares: Mapping[str, float] | pd.Series, cost: Game) -> tuple[tuple[str, ...], float]:
    """Return the group of players that pays most beyond what it would pay alone, and how much; nobody and 0 if none.

    Shares are in the core (Gillies 1959) where there is no such group. Sums that differ by less than a cent a member
    are equal; of groups that pay as much too much, the smallest is told, then the first in the order of the players.

    Parameters
    ----------
    shares
        What each player pays, 12 players at most.
    cost
        As for `shapley_value`.

    Raises
    ------
    StudyError
        For more than 12 players.

    Examples
    --------
    >>> alone = {("A",): 60, ("B",): 60, ("C",): 90, ("A", "B"): 80, ("A", "C"): 150, ("B", "C"): 150}
    >>> sp.core_breach({"A": 55, "B": 45, "C": 70}, alone | {("A", "B", "C"): 170})
    (('A', 'B'), 20.0)
    """
    names = [str(name) for name in dict(shares)]
    if len(names) > EXACT:
        raise StudyError(f"shares: {len(names)} players, expected {EXACT} at most, as every group of them is asked")
    pays, asked = np.array([float(share) for share in dict(shares).values()]), _asked(cost, names)
    worst: tuple[tuple[str, ...], float] = ((), 0.0)
    for size in range(1, len(names) + 1):
        for group in combinations(range(len(names)), size):
            more = float(pays[list(group)].sum()) - asked(group)
            if more >= CENT * size and more > worst[1] + CENT / 2:
                worst = tuple(names[at] for at in group), round(more, 2)
    return worst


@door()
def share_money(total: float, weights: Mapping[str, float] | pd.Series) -> pd.Series:
    """Share an amount in proportion to some weights, to the cent, so that the shares sum to it (largest remainder).

    Parameters
    ----------
    total
        The amount, told to the cent.
    weights
        What each counts, 0 or more, not all of them 0. Of equal remainders, the first gets the cent.

    Returns
    -------
    The shares, by the names of the weights.

    Raises
    ------
    InputError
        For weights that are none, or below 0.

    Examples
    --------
    >>> sp.share_money(100, {"A": 1, "B": 1, "C": 1}).tolist()
    [33.34, 33.33, 33.33]
    """
    given = pd.Series(weights, dtype=np.float64)
    if not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise InputError("weights: expected numbers of 0 or more, one at least above 0")
    cents = round(total / CENT)
    exact = given.to_numpy() / float(given.sum()) * cents
    whole = np.floor(exact + 1e-9)
    missing = int(cents - whole.sum())
    # Remainders that a rounding alone tells apart are equal.
    first = np.argsort(-np.round(exact - whole, 6), kind="stable")[:missing]
    whole[first] += 1
    return pd.Series(whole / 100, given.index, name="share")


@door(people=("people",))
def commune_gains(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    before: Collection[str],
    after: Collection[str],
    *,
    territory: pd.Series,
    minutes: float,
    mode: str | None = None,
    group: str = "people",
) -> pd.DataFrame:
    """Tell by which site and mode the people of each commune are served, and who of them had no site before.

    Everybody counts once, at the nearest of the sites that are open after.

    Parameters
    ----------
    times, people
        As for `reach`.
    before, after
        The sites that are open before and after.
    territory
        The commune of every point; NaN beyond them all.
    minutes, mode
        Within so many minutes, by a mode or `best`, which None takes of several.
    group
        Who is counted: `people` or a group.

    Returns
    -------
    One row for each commune, site and mode that anybody uses: `territory` (`outside` beyond them all), `site`, `mode`,
    `people` (of whom it is the nearest), `gained` (of them, who had none before).

    Raises
    ------
    InputError
        As for `reach`; for sites that are not in the times.

    Examples
    --------
    >>> place = people["cell"].map(lambda cell: "valley")
    >>> gains = sp.commune_gains(times, people, ["S01"], ["S01", "S08"], territory=place, minutes=15)
    >>> gains[["site", "people", "gained"]].to_dict("records")
    [{'site': 'S01', 'people': 9437.0, 'gained': 0.0}, {'site': 'S08', 'people': 4319.0, 'gained': 4319.0}]
    """
    reach = Reach.of(times, people)
    chosen = reach.chosen_mode(mode, "commune_gains")
    near, had = reach.nearest(chosen, list(after)), reach.covered(chosen, minutes, list(before))
    amount = reach.people.amount(group)
    within = (near.minutes <= minutes) & (amount > 0)
    place = territory.reindex(reach.points)
    table = pd.DataFrame(
        {
            "territory": place.astype(object).where(place.notna(), OUTSIDE).astype(str).to_numpy()[within],
            "site": reach.sites.astype(str).to_numpy()[near.site[within]],
            "mode": np.array([*reach.modes, ""], dtype=object)[near.mode[within]],
            "people": amount[within],
            "gained": np.where(had[within], 0.0, amount[within]),
        }
    )
    return table.groupby(["territory", "site", "mode"], as_index=False, sort=True)[["people", "gained"]].sum()
