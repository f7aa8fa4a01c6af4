"""Other places to work: who goes where, when people share themselves out among all that is within their reach.

Huff's rule (Huff 1964): a person goes to a place with a chance in proportion to its attraction, raised to a power, over
the minutes to it, raised to another. What a new site gains is then partly new (people who had nothing within reach) and
partly taken from places that were there before.
"""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from siteplan.analysis.reach import check_limits
from siteplan.doors import door
from siteplan.errors import InputError, StudyError, listed
from siteplan.reachable import Floats, Int32s, Pairs, Reach, sums

__all__ = ["huff_shares", "net_gain"]

LEAST_MINUTES = 1.0  # who is nearer counts as so far away, so that no place on the spot takes everybody


@door()
def huff_shares(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    attraction: pd.Series,
    *,
    minutes: float = 15,
    mode: str | None = None,
    group: str = "people",
    power: float = 1.0,
    decay: float = 2.0,
    opened: Collection[str] | None = None,
) -> pd.Series:
    """Share people out among the places within their reach, by attraction and minutes (Huff 1964).

    Parameters
    ----------
    times, people
        As for `reach`; the sites of the times are all places that share people out.
    attraction
        By site, more than 0, in any unit: desks, or floor area.
    minutes, mode, group
        How far people go; by a mode of the table, or `best`, which None takes of several; who is counted.
    power, decay
        Of the attraction and of the minutes: a place attracts attraction^power / minutes^decay. Who is nearer than a
        minute counts as a minute away.
    opened
        The places that are open; None: all are.

    Returns
    -------
    Index `site`, all of the times: how many people each has, nothing where it is closed. They sum to the people who
    have an open place within the limit.

    Raises
    ------
    InputError
        As for `reach`; for a place whose attraction is not known, or not more than 0.
    StudyError
        For a limit of 0 or less, an unknown mode, or powers below 0.

    Examples
    --------
    >>> two = sites.loc[["S01", "S03"]]
    >>> walks = sp.travel_times(streets, two, people, mode="walk", minutes=15)
    >>> sp.huff_shares(walks, people, two["capacity"]).round(0).to_dict()
    {'S01': 5600.0, 'S03': 4270.0}
    """
    (limit,) = check_limits([minutes])
    asked = Reach.of(times, people)
    pull = _pull(asked, attraction, power, decay)
    return _shared(asked, pull, asked.chosen_mode(mode, "huff_shares"), limit, group=group, decay=decay, opened=opened)


@door()
def net_gain(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    attraction: pd.Series,
    *,
    before: Collection[str],
    new: Sequence[str],
    minutes: float = 15,
    mode: str | None = None,
    group: str = "people",
    power: float = 1.0,
    decay: float = 2.0,
) -> pd.DataFrame:
    """Tell what new places gain, how much of that they take from those open before, and what is left: the net gain.

    Parameters
    ----------
    times, people, attraction, minutes, mode, group, power, decay
        As for `huff_shares`.
    before
        The places that are open already.
    new
        Those that open, all at once.

    Returns
    -------
    Index `site`, the places of `before`, then those of `new`. Columns `before` and `after` (people that each has),
    `change`; and for the new ones `alone` (what it has if no other new one opens), `net_alone` (of these, who had no
    place within the limit before) and `taken_alone` (who had one). The changes sum to the people who had none before
    and have one now.

    Raises
    ------
    InputError, StudyError
        As `huff_shares`; for a place that is both open before and new.

    Examples
    --------
    >>> two = sites.loc[["S01", "S03"]]
    >>> walks = sp.travel_times(streets, two, people, mode="walk", minutes=15)
    >>> found = sp.net_gain(walks, people, two["capacity"], before=["S01"], new=["S03"])
    >>> found[["before", "after", "change"]].round(0)
          before   after  change
    site
    S01   9437.0  5600.0 -3837.0
    S03      0.0  4270.0  4270.0
    """
    twice = sorted({str(place) for place in before} & {str(place) for place in new})
    if twice:
        raise StudyError(f"new: {listed(twice)}: open before already; name each place once")
    (limit,) = check_limits([minutes])
    asked = Reach.of(times, people)
    chosen, pull = asked.chosen_mode(mode, "net_gain"), _pull(asked, attraction, power, decay)
    told = [*map(str, before)], [*map(str, new)]

    def shared(opened: Collection[str]) -> pd.Series:
        return _shared(asked, pull, chosen, limit, group=group, decay=decay, opened=opened)

    then, now = shared(told[0]), shared([*told[0], *told[1]])
    table = pd.DataFrame({"before": then, "after": now}).loc[[*told[0], *told[1]]].rename_axis("site")
    table["change"] = table["after"] - table["before"]
    amount = asked.people.amount(group)
    every = sums(*_drawn(pull, asked.within(chosen, limit, told[0]), decay), len(asked.points))
    pairs = asked.within(chosen, limit, told[1])
    _, drawn = _drawn(pull, pairs, decay)
    had = every[pairs.point] > 0
    alone = {
        "alone": asked.by_site(pairs, amount, drawn / (every[pairs.point] + drawn)),
        "net_alone": asked.by_site(pairs.where(~had), amount),
    }
    for name, figures in alone.items():
        table[name] = pd.Series(figures, asked.sites.astype(str)).reindex(told[1]).reindex(table.index)
    table["taken_alone"] = table["alone"] - table["net_alone"]
    return table


def _pull(asked: Reach, attraction: pd.Series, power: float, decay: float) -> Floats:
    """Return what each place of the times attracts at a minute's distance, by its position."""
    for name, value in (("power", power), ("decay", decay)):
        if not 0 <= value < np.inf:
            raise StudyError(f"{name}: is {value:g}, expected 0 or more")
    known = attraction.set_axis(attraction.index.astype(str)).astype(float)
    pull = known.reindex(asked.sites.astype(str))
    wrong = pull.index[~(pull > 0) | np.isinf(pull)]
    if len(wrong):
        raise InputError(
            f"attraction: {len(wrong):,} places have none above 0, first '{wrong[0]}'; give each a number above 0"
        )
    return np.power(pull.to_numpy(dtype=np.float64), power).astype(np.float64)


def _drawn(pull: Floats, pairs: Pairs, decay: float) -> tuple[Int32s, Floats]:
    """Return the point of each pair, and how much its place draws there."""
    return pairs.point, pull[pairs.site] / np.maximum(pairs.minutes, LEAST_MINUTES) ** decay


def _shared(
    asked: Reach,
    pull: Floats,
    mode: str,
    limit: float,
    *,
    group: str,
    decay: float,
    opened: Collection[str] | None,
) -> pd.Series:
    pairs = asked.within(mode, limit, opened)
    point, drawn = _drawn(pull, pairs, decay)
    every = sums(point, drawn, len(asked.points))
    found = asked.by_site(pairs, asked.people.amount(group), drawn / every[pairs.point])
    return pd.Series(found, index=asked.sites.astype(str)).rename_axis("site")
