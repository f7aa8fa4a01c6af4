"""Exchange an open site for a closed one: what every such swap changes, which ones the conditions allow, and the best.

One pass over the pairs values all swaps at once (Teitz & Bart 1968; Whitaker 1983): what opening a site adds, what
closing one takes, and a correction for the two together.
"""

import numpy as np
import numpy.typing as npt

from siteplan.siting.heuristic import LITTLE, Opening, fits, grow, objective_of
from siteplan.siting.kernels import swaps_by_number, swaps_by_worth
from siteplan.siting.problem import Flags, Floats, Ints, Problem, little_of

__all__ = ["improve", "swap", "swap_changes"]

# Until a set of sites has its backups, half of one counts for something: less and less, as the search goes on.
HALVES = (0.4, 0.2, 0.0)
STEPS = 1000
WORK = 3e7  # pairs times open sites that restarts may look at, a few seconds
TRIES = (4, 100)


def swap_changes(problem: Problem, opened: Flags, half: float = 0.0) -> tuple[Ints, Floats]:
    """Return what each swap changes, as if no site were ever full.

    Parameters
    ----------
    problem, opened
        The question, and the open sites (p of them).
    half
        For objective backup: what one site less than asked counts, and fewer in proportion.

    Returns
    -------
    held (p,), changes (sites, p + 1)
        Numbers of the open sites; the change of `objective_of` where a closed site opens for each of them, and in the
        last column for none. -inf where that breaks a condition (capacities aside).
    """
    many, held = len(opened), np.flatnonzero(opened)
    slot = np.full(many, -1, np.int64)
    slot[held] = np.arange(len(held))
    gain, loss, extra = np.zeros(many), np.zeros(len(held) + 1), np.zeros((many, len(held) + 1))
    if problem.times > 1:
        counts = np.ones(len(held) + 2)
        below = min(problem.times, len(counts))
        counts[:below] = half * np.arange(below) / max(1, problem.times - 1)
        where = problem.ptr, problem.site, counts, problem.weight, slot
        swaps_by_number(*where, gain, loss, extra, np.empty(len(held), np.int64))
    else:
        swaps_by_worth(problem.ptr, problem.site, problem.worth, problem.weight, slot, gain, loss, extra)
    changes: Floats = extra
    changes += gain[:, None]
    changes -= loss[None]
    changes[~_possible(problem, opened, held)] = -np.inf
    return held, changes


def _possible(problem: Problem, opened: Flags, held: Ints) -> npt.NDArray[np.bool_]:
    """Return which swaps of `swap_changes` keep to all conditions but capacities."""
    many, none = len(opened), len(held)
    possible = np.ones((many, none + 1), dtype=bool)
    possible[opened | problem.barred] = False
    possible[:, :none][:, problem.fixed[held]] = False
    if problem.count is not None and opened.sum() >= problem.count:
        possible[:, none] = False
    if problem.budget is not None:
        cost = np.nan_to_num(problem.cost, nan=np.inf)
        spent = float(problem.cost[opened].sum()) - np.r_[problem.cost[held], 0.0]
        possible &= cost[:, None] + spent <= problem.budget * (1 + LITTLE)
    if len(problem.apart):
        near = np.zeros((many, none + 1), dtype=bool)
        for one, other in (problem.apart.T, problem.apart.T[::-1]):
            inside = opened[other]
            near[one[inside], np.searchsorted(held, other[inside])] = True
        possible &= near.sum(axis=1)[:, None] - near == 0
    for _, counted, at_least, at_most in problem.quotas:
        amounts = counted.astype(np.float64)
        there = float(amounts[opened].sum()) - np.r_[amounts[held], 0.0] + amounts[:, None]
        little = little_of(counted)
        possible &= (at_least - little <= there) & (there <= at_most + little)
    if isinstance(problem.floors, np.ndarray):
        possible &= _floored(problem, problem.floors, opened, held)
    return possible


def _floored(problem: Problem, floors: Floats, opened: Flags, held: Ints) -> npt.NDArray[np.bool_]:
    """Return which swaps leave every territory its share of people covered."""
    many, point = len(opened), problem.point
    needed = floors * problem.territory_people(problem.weight) - LITTLE * float(problem.weight.sum())
    covering, meets = problem.covering(opened), np.ones((many, len(held) + 1), dtype=bool)
    inside: dict[int, Ints] = {}  # the pairs of a territory's points, of the few that a site leaves with too little
    for column, out in enumerate([*held, -1]):
        left = covering.copy()
        if out >= 0:
            left[problem.points_of(out)] -= 1
        had = problem.territory_people(np.where(left > 0, problem.weight, 0.0))
        for place in np.flatnonzero(had < needed).tolist():
            if place not in inside:
                inside[place] = np.flatnonzero(problem.territory[point] == place)
            pair = inside[place]
            new = np.where(left[point[pair]] == 0, problem.weight[point[pair]], 0.0)
            meets[:, column] &= had[place] + np.bincount(problem.site[pair], new, many) >= needed[place]
    return meets


def swap(problem: Problem, opened: Flags, halves: tuple[float, ...] = HALVES) -> Flags:
    """Make the best swap, again and again, until none helps that the conditions allow; ties: the first by id."""
    here = opened.copy()
    margin = LITTLE * float(problem.weight.sum())
    for half in halves if problem.times > 1 else (0.0,):
        for _ in range(STEPS):
            held, changes = swap_changes(problem, here, half)
            into, column = np.unravel_index(int(changes.argmax()), changes.shape) if changes.size else (0, 0)
            if not changes.size or changes[into, column] <= margin:
                break
            here[into] = True
            if column < len(held):
                here[held[column]] = False
    return here


def improve(problem: Problem, opened: Flags) -> Flags:
    """Better a set by swaps; then close a third of it at random, grow and swap anew, and keep the best of all.

    How often depends on the size of the question and not on the clock, so the same question has the same answer.
    """
    best = swap(problem, opened)
    value = objective_of(problem, best)
    random = np.random.default_rng(0)
    work = max(1, len(problem.site) * max(1, int(opened.sum())))
    for _ in range(int(np.clip(WORK / work, *TRIES))):
        movable = np.flatnonzero(best & ~problem.fixed)
        closed = random.choice(movable, (len(movable) + 2) // 3, replace=False)
        if len(closed) == 0:
            break
        other, barred = best.copy(), problem.barred.copy()
        other[closed] = False
        barred[closed] = True
        per_cost = problem.budget is not None and bool(random.random() < 0.75)
        for _ in grow(Opening(problem.barring(barred), other), per_cost):
            pass
        first = float(random.uniform(0.1, 0.6))
        if fits(problem, other):
            other = swap(problem, other, (first, first / 2, first / 4, 0.0))
            if objective_of(problem, other) > value:
                best, value = other, objective_of(problem, other)
    return best
