"""People as publics: who can use which mode, at the waist where minutes and people meet.

Where not everybody can use every mode, each point is as many as there are publics, with the people of each; a mode
leads only to those who can use it. Whatever then counts, chooses or compares needs to know nothing of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siteplan.catalogue import BEST
from siteplan.config import Public
from siteplan.config.publics import check_shares, unused
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, People, check_times

__all__ = [
    "HOME",
    "PART",
    "PUBLIC",
    "aligned_publics",
    "by_public",
    "check_modes",
    "other_shares",
    "parts",
    "split_people",
    "times_by_public",
    "with_homes",
]

PART = 1024.0  # of a person: sums of such parts are exact, in whatever order
MOST = 16  # publics
HOME, PUBLIC = "home_point", "public"  # columns of people who were split


@door(times=("site", "point"), people=("people",))
def by_public(
    times: pd.DataFrame, people: pd.DataFrame, publics: Sequence[Public]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split people into publics, and give each the minutes of the modes that it can use.

    Both tables can be given wherever times and people are asked for: `reach`, `coverage`, `choose_sites` and the rest
    then count everybody by the modes that they can use, and `best` is the best of these.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` (or `metres`) and `mode`.
    people
        Columns `people` and groups, by `point` (index or column).
    publics
        Shares of the people that sum to 1, and the modes that each can use. None at all: everybody uses every mode.

    Returns
    -------
    times, people
        `times` with a row for each public that can use its mode. `people` with a row by point and public: `public`,
        its name; `home_point`, the point as it was; people and groups in parts of 1/1024 of a person, which sum to
        those given; all else as given. `point` is then `16 * n + k`, of the point `n` (in sorted order) and the public
        `k`.

    Raises
    ------
    InputError
        For a table that `check_times` refuses, and for people with a column `public` or `home_point`.
    StudyError
        For shares that do not sum to 1, a mode that nobody can use, or more than 16 publics.

    Examples
    --------
    >>> who = [sp.Public(name="cycling", share=0.4), sp.Public(name="others", share=0.6, modes=["walk"])]
    >>> times = pd.DataFrame({"site": "A", "point": [0, 0], "minutes": [18.0, 7.0], "mode": ["walk", "bike"]})
    >>> people = pd.DataFrame({"people": [100]}, index=pd.Index([0], name="point"))
    >>> sp.coverage(*sp.by_public(times, people, who), minutes=15)[["mode", "people"]].round(1)
       mode  people
    0  bike    40.0
    1  walk     0.0
    2  best    40.0
    """
    if not publics:
        return times, people
    split = split_people(people, publics)
    check_modes(publics, list(times["mode"].unique()) if "mode" in times.columns else [BEST])
    return times_by_public(times, people, publics), split


def check_modes(publics: Sequence[Public], modes: Sequence[Any]) -> None:
    """Refuse modes of times that nobody can use, or that are not told; where nobody is reached there are none."""
    if BEST in modes:
        raise StudyError("publics: the times do not say by which mode (column mode), so nobody knows who can go so")
    if (why := unused(publics, map(str, modes))) is not None:
        raise StudyError(f"publics: {why.message()}")


def times_by_public(times: pd.DataFrame, people: pd.DataFrame, publics: Sequence[Public]) -> pd.DataFrame:
    """Give each public the times of the modes that it can use, as `by_public` does."""
    home = People.of(people).points.get_indexer(pd.Index(times["point"]))
    if (home < 0).any():
        check_times(times, people)  # says which
    parts, modes = [], times["mode"].unique()
    for at, public in enumerate(publics):
        keep = times["mode"].isin([mode for mode in modes if public.uses(str(mode))]).to_numpy()
        parts.append(times[keep].assign(point=MOST * home[keep] + at))
    return pd.concat(parts, ignore_index=True)


def aligned_publics(*sides: Sequence[Public]) -> list[list[Public]]:
    """Give several lists the same publics in the same order, with nobody in those that only others have."""
    if not any(sides):
        return [[] for _ in sides]
    named = [{each.name: each for each in side or (Public(name="everybody", share={"people": 1.0}),)} for side in sides]
    nobody = {each.name: each.model_copy(update={"share": {"people": 0.0}}) for side in named for each in side.values()}
    return [[side.get(name, nobody[name]) for name in nobody] for side in named]


def other_shares(publics: Sequence[Public], factors: Sequence[float]) -> list[Public]:
    """Make the share of each public so many times as large, then all smaller or larger alike, so that they sum to 1."""
    groups = dict.fromkeys(group for public in publics for group in public.share)
    times = list(zip(publics, factors, strict=True))
    whole = {group: sum(each.share_of(group) * factor for each, factor in times) for group in groups}
    shares = [{group: each.share_of(group) * factor / whole[group] for group in groups} for each, factor in times]
    return [each.model_copy(update={"share": share}) for each, share in zip(publics, shares, strict=True)]


def with_homes(assignment: pd.DataFrame, people: People) -> pd.DataFrame:
    """Name, in a table by point and public, the point as it was before the split, and the public."""
    if HOME not in people.table.columns:
        return assignment
    at = people.points.get_indexer(pd.Index(assignment["point"]))
    table = people.table
    homes, publics = table[HOME].to_numpy()[at], table[PUBLIC].astype(str).to_numpy()[at]
    told = assignment.assign(point=homes, public=publics)
    return told[["point", "site", "public", *assignment.columns.drop(["point", "site"])]]


def split_people(people: pd.DataFrame, publics: Sequence[Public]) -> pd.DataFrame:
    """Split a table of people by point into publics, as `by_public` does."""
    _check(publics)
    known = People.of(people)
    table = known.table
    for name in (HOME, PUBLIC):
        if name in table.columns:
            raise InputError(f"people: a column is called {name}, which a split into publics makes; rename yours")
    count = len(publics)
    rows, which = np.repeat(np.arange(len(table)), count), np.tile(np.arange(count), len(table))
    split = table.iloc[rows].copy()
    split[HOME] = table.index[rows]
    split[PUBLIC] = pd.Categorical.from_codes(which, pd.Index([each.name for each in publics]))
    for name in ("people", *known.groups):
        split[name] = parts(table[name].to_numpy(dtype=np.float64, na_value=np.nan), publics, name).ravel()
    split.index = pd.Index(MOST * rows + which, name="point")
    return split


def parts(amount: Floats, publics: Sequence[Public], group: str) -> Floats:
    """Share out amounts (points x publics): what the first ones have together is rounded, the last have the rest."""
    shares = np.array([public.share_of(group) for public in publics])
    sofar = np.minimum(np.round(amount[:, None] * np.cumsum(shares) * PART) / PART, amount[:, None])
    sofar[:, int(np.flatnonzero(shares)[-1]) :] = amount[:, None]
    each: Floats = np.diff(sofar, axis=1, prepend=0.0)
    return each


def _check(publics: Sequence[Public]) -> None:
    if len(publics) > MOST:
        raise StudyError(f"publics: {len(publics)} are given, at most {MOST} are told apart")
    names = [public.name for public in publics]
    if len(set(names)) < len(names):
        raise StudyError(f"publics: two are called {max(names, key=names.count)!r}; name each otherwise")
    try:
        check_shares(tuple(publics))
    except ValueError as error:
        raise StudyError(f"publics: {error}") from None
