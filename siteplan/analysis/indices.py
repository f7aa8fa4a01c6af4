"""How unequally something is shared, as one number: Gini, concentration, Theil, Palma; and how much people lack."""

import numpy as np

from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, sums

__all__ = ["concentration", "fgt", "gini", "palma", "theil"]


@door()
def gini(values: Floats, people: Floats) -> float:
    """Return Gini's coefficient: half the mean difference of two people over the mean; 0 is equal.

    Parameters
    ----------
    values, people
        What each has, 0 or more, and how many have it; arrays of one length.

    Returns
    -------
    0 to 1; missing where nobody has anything.

    Examples
    --------
    >>> round(sp.gini(np.array([1.0, 1.0, 4.0]), people=np.array([100, 100, 50])), 3)
    0.3
    """
    return concentration(values, people, np.asarray(values, dtype=np.float64))


@door()
def concentration(values: Floats, people: Floats, rank: Floats) -> float:
    """Return the concentration index of what people have along their rank (Kakwani, Wagstaff & van Doorslaer 1997).

    Parameters
    ----------
    values, people, rank
        What each has, 0 or more; how many have it; by what they are ranked, such as income. Arrays of one length.

    Returns
    -------
    -1 (all with the lowest rank) to 1 (all with the highest); those of equal rank count as one. Missing where nobody
    has anything.

    Examples
    --------
    >>> round(sp.concentration(np.array([1.0, 2.0, 4.0]), people=np.ones(3), rank=np.array([10.0, 20.0, 30.0])), 3)
    0.286
    """
    x, w = _checked(values, people)
    count, held = _by_rank(x, w, rank)
    total, have = count.sum(), held.sum()
    if total == 0 or have == 0:
        return float("nan")
    middle = (np.cumsum(count) - count / 2) / total  # the mean rank of a class, from 0 to 1
    return float(2 * (held * middle).sum() / have - 1)


@door()
def theil(values: Floats, people: Floats) -> float:
    """Return Theil's T: the mean of (x / mean) ln(x / mean); 0 is equal, ln(people) is one has all.

    Parameters
    ----------
    values, people
        As for `gini`.

    Examples
    --------
    >>> round(sp.theil(np.array([1.0, 1.0, 4.0]), people=np.array([100, 100, 50])), 3)
    0.223
    """
    x, w = _checked(values, people)
    total, have = w.sum(), (x * w).sum()
    if total == 0 or have == 0:
        return float("nan")
    relative = x / (have / total)
    logs = np.log(relative, out=np.zeros_like(relative), where=relative > 0)
    return float((w * relative * logs).sum() / total)


@door()
def palma(values: Floats, people: Floats, rank: Floats | None = None) -> float:
    """Return what the top tenth has over what the bottom four tenths have (Palma 2011).

    Parameters
    ----------
    values, people
        As for `gini`.
    rank
        By what people are ranked, such as income; None ranks by the values. Who lies across a border counts in part.

    Returns
    -------
    0.25 where all have the same; infinite where the bottom has nothing; missing where nobody has anything.

    Examples
    --------
    >>> round(sp.palma(np.array([1.0, 2.0, 3.0, 6.0]), people=np.array([40, 30, 20, 10])), 2)
    1.5
    """
    x, w = _checked(values, people)
    count, held = _by_rank(x, w, x if rank is None else rank)
    total, have = count.sum(), held.sum()
    if total == 0 or have == 0:
        return float("nan")
    ends = np.append(0.0, np.cumsum(count)) / total
    up_to = np.append(0.0, np.cumsum(held))
    bottom = float(np.interp(0.4, ends, up_to))
    top = float(up_to[-1] - np.interp(0.9, ends, up_to))
    return top / bottom if bottom > 0 else float("inf")


@door()
def fgt(values: Floats, people: Floats, line: float, alpha: float, *, more_is_worse: bool = False) -> float:
    """Return the index of Foster, Greer & Thorbecke (1984): the mean of the lack to the power of alpha.

    Parameters
    ----------
    values, people
        As for `gini`; infinite values are allowed where more is worse.
    line
        Who has less than this is poor, and lacks (line - value) / line.
    alpha
        0 counts the poor, 1 weighs them by what they lack, 2 by its square.
    more_is_worse
        For minutes: who has more than the line is poor, and lacks (value - line) / line, at most 1.

    Returns
    -------
    0 to 1; missing where there is nobody.

    Raises
    ------
    StudyError
        For a line that is not more than 0 or an alpha below 0.

    Examples
    --------
    >>> sp.fgt(np.array([10.0, 25.0, 30.0]), people=np.array([50, 30, 20]), line=20, alpha=0, more_is_worse=True)
    0.5
    """
    if not 0 < line < np.inf or not alpha >= 0:
        raise StudyError(f"fgt: line is {line}, alpha {alpha}; expected a line above 0 and an alpha of 0 or more")
    x, w = _checked(values, people, finite=not more_is_worse)
    lack = np.minimum((x - line) / line if more_is_worse else (line - x) / line, 1.0)
    poor = lack > 0
    total = w.sum()
    return float((w[poor] * lack[poor] ** alpha).sum() / total) if total else float("nan")


def _checked(values: Floats, people: Floats, finite: bool = True) -> tuple[Floats, Floats]:
    x, w = np.asarray(values, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if x.shape != w.shape or x.ndim != 1:
        raise InputError(f"values and people: {x.shape} and {w.shape}, expected two lists of one length")
    for name, array in (("values", x), ("people", w)):
        wrong = ~((array >= 0) & ((array < np.inf) | (not finite and name == "values")))
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(f"{name}: number {first} is {array[first]:g}, expected 0 or more")
    return x, w


def _by_rank(x: Floats, w: Floats, rank: Floats) -> tuple[Floats, Floats]:
    """Return how many people each rank has and what they have together; ties are one rank, so order plays no part."""
    if np.isnan(rank).any():
        raise InputError("rank: is missing for some people; leave these out")
    ranks, position = np.unique(rank, return_inverse=True)
    return sums(position, w, len(ranks)), sums(position, x * w, len(ranks))
