"""Spaces that several uses share by the hour: how many of each, who finds none, and what sharing saves.

Each use brings bookings: those who may come (a share of a group, to whom a site is the nearest) come each by himself,
on each day with the chance that follows from how often a week and from the day, as in `demand`; they begin anywhere
within an hour that the profile of the week draws, and stay so long. A booking that finds all spaces of its kind taken
waits as long as people do, takes another kind if its use has one, goes to the next site, or is refused. Weeks are
drawn by a seed and played through in the order of time; with bookings alike at all hours this is the loss system of
Erlang (1917), whose closed form, which holds for stays of any length, is `erlang_b`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from siteplan.analysis.bookings import least_spaces, seat
from siteplan.analysis.equity import below_each_other
from siteplan.analysis.reach import check_limits
from siteplan.config.sharing import DAYS, HOURS, Sharing, Use, sharing_of, shipped_uses
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Bools, Floats, Ints, Reach, sums

__all__ = ["SharedSpaces", "erlang_b", "share_spaces", "usual_uses"]

ALL = "all"
COUNTS = ("bookings", "wanted", "most", "held", "refused")  # columns of a week
LEAST = 1e-12  # of a space: what rounding leaves where nobody wants any
PART = 0.1  # of what is wanted in an hour: a use that wants less has no part in its conflict
SURE = 1.96  # standard errors to either side of a share: 95 of 100


@dataclass(frozen=True)
class SharedSpaces:
    """What `share_spaces` returns.

    spaces     one row per site, kind of space and use, "all" for all of them together
    week       one row per site, space, use and hour of the week in which anybody wants one
    conflicts  one row per site, space and run of hours in which more are wanted than there are
    """

    spaces: pd.DataFrame
    week: pd.DataFrame
    conflicts: pd.DataFrame


@door()
def erlang_b(spaces: int, load: float) -> float:
    """Return the chance that a booking finds all spaces taken, where bookings come alike at all hours (Erlang 1917).

    Parameters
    ----------
    spaces
        How many there are.
    load
        How many would be taken on the mean if there were enough: bookings an hour x hours that they last.

    Raises
    ------
    StudyError
        For numbers below 0.

    Examples
    --------
    >>> round(sp.erlang_b(spaces=2, load=1.0), 3)
    0.2
    """
    if spaces < 0 or not 0 <= load < np.inf:
        raise StudyError(f"erlang_b: {spaces} spaces, load {load:g}; expected numbers of 0 or more")
    chance = 1.0
    for count in range(1, spaces + 1):
        chance = load * chance / (count + load * chance)
    return chance


@door()
def usual_uses() -> pd.DataFrame:
    """Return the uses that need no more than their name, with where their figures are from.

    Returns
    -------
    Index `use`; columns `group`, `share`, `times` (a week; missing where it must be given), `party`, `hours`, `space`
    and `source`. They stand in `siteplan/config/uses.yaml`.

    Examples
    --------
    >>> sp.usual_uses().loc[["meetings", "associations"], ["share", "times", "party", "space"]]
                  share  times  party    space
    use
    meetings       0.05   0.50    4.0  meeting
    associations   0.05   0.25   12.0  meeting
    """
    uses = {name: Use.model_validate(each) for name, each in shipped_uses().items()}
    columns = ("group", "share", "times", "party", "hours", "space", "source")
    rows = [{"use": name, **{column: getattr(use, column) for column in columns}} for name, use in uses.items()]
    table = pd.DataFrame(rows).set_index("use").astype({"times": float})
    return table.assign(space=table["space"].str.join(", "))


@door()
def share_spaces(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    uses: Mapping[str, Any] | Sequence[str],
    *,
    spaces: Mapping[str, Any] | None = None,
    there: pd.DataFrame | None = None,
    opened: Collection[str] | None = None,
    minutes: float = 15,
    mode: str | None = None,
    rules: Mapping[str, Any] | None = None,
) -> SharedSpaces:
    """Play weeks of bookings through: how many spaces each site needs, who finds none, what sharing them saves.

    Parameters
    ----------
    times, people
        As for `reach`.
    uses
        What the sites are for: names of `usual_uses`, or by name the keys of `sharing.uses` in a study.
    spaces
        Kinds of spaces beside the usual ones: their floor area, or the keys of `sharing.spaces`.
    there
        How many spaces there are: index site, a column for each kind; what is missing is as many as are needed.
    opened
        The open sites; None takes all of the times. Everybody goes to the nearest of them.
    minutes, mode
        How far people go; by a mode of the table, or `best`, which None takes of several.
    rules
        `chance`, `moves`, `wait`, `weeks` and `seed`, as in a study.

    Returns
    -------
    SharedSpaces
        `spaces`: `site`, `space`, `use`; `people` (who may come), `bookings` (in a mean week), `needed` (spaces: of all
        uses together, or of one as if it had them to itself), `alone` (if each had its own), `saved`, `m2` (of those
        needed) and `m2_saved`; then, with the spaces that there are (`there`): `finds_none` (the share of the bookings
        that find no space at any site they try) and `error` (half the width of its 95 % interval), `moved` (to another
        site), `other_space` (than the first of their use) and `waited` (shares of the bookings), `occupancy` (of the
        hours in which anybody may come; all uses are those, too, that have come from other kinds).
        `week`: `site`, `space`, `use`, `day`, `hour`; `bookings` that begin then and spaces `wanted` at once, both in a
        mean week, `most` (wanted at once, exceeded in a share `chance` of the weeks), `held` (those in use), `refused`.
        `conflicts`: `site`, `space`, `day`, `begins`, `ends` (hours), `uses`, `most`, `there`, `refused` (a week).

    Raises
    ------
    InputError
        As for `reach`; for spaces of unknown sites or kinds, or below 0.
    StudyError
        For uses, spaces and rules that make no sense, naming the key.

    Examples
    --------
    >>> walks = sp.travel_times(streets, sites.loc[["S01"]], people, mode="walk", minutes=15)
    >>> shared = sp.share_spaces(walks, people, ["meetings", "associations"]).spaces
    >>> shared.loc[shared["space"] == "meeting", ["site", "use", "needed", "alone"]].head(3)
      site           use  needed  alone
    0  S01      meetings       4      4
    1  S01  associations       4      4
    2  S01           all       4      8
    """
    asked = sharing_of(uses, spaces, rules)
    (limit,) = check_limits([minutes])
    reach = Reach.of(times, people)
    around = _Around.of(reach, reach.chosen_mode(mode, "share_spaces"), limit, opened, asked=asked)
    have = _there(there, around.sites, asked)
    parts = _played(around, have, asked)
    table = pd.concat([part.spaces() for part in parts], ignore_index=True)
    week = pd.concat([part.week() for part in parts], ignore_index=True)
    conflicts = pd.concat([part.conflicts() for part in parts], ignore_index=True)
    return SharedSpaces(_in_all(table, around.sites), week, conflicts)


def _there(there: pd.DataFrame | None, sites: list[str], asked: Sharing) -> pd.DataFrame:
    """Return how many spaces of each kind each site has, missing where that is not known."""
    if there is None:
        return pd.DataFrame(np.nan, index=sites, columns=list(asked.spaces))
    given = there.set_axis(there.index.astype(str))
    unknown = [str(name) for name in given.columns if name not in asked.spaces]
    if unknown or not len(given.columns):
        found = f"column '{unknown[0]}' is no kind of space" if unknown else "names no kind of space"
        raise InputError(f"there: {found}; expected any of {', '.join(asked.spaces)}")
    table = given.reindex(sites).reindex(columns=list(asked.spaces)).astype(float)
    wrong = table[(table < 0).any(axis=1)]
    if len(wrong):
        raise InputError(f"there: site '{wrong.index[0]}' has fewer than 0 spaces; expected 0 or more")
    return table


@dataclass(frozen=True)
class _Around:
    """Who comes to which sites: by group, the people of each list of sites that they try, nearest first."""

    sites: list[str]
    turns: Mapping[str, Ints]
    amounts: Mapping[str, Floats]

    @classmethod
    def of(cls, reach: Reach, mode: str, limit: float, opened: Collection[str] | None, *, asked: Sharing) -> "_Around":
        is_open = reach.is_open(opened)
        number = np.cumsum(is_open) - 1
        pairs, turn = reach.within(mode, limit, is_open).in_turn()
        tried = np.full((len(reach.points), asked.moves + 1), -1, dtype=np.int64)
        near = turn <= asked.moves
        tried[pairs.point[near], turn[near]] = number[pairs.site[near]]
        turns, amounts = {}, {}
        for group in dict.fromkeys(use.group for use in asked.uses.values()):
            amount = reach.people.amount(group)
            some = (tried[:, 0] >= 0) & (amount > 0)
            lists, where = np.unique(tried[some], axis=0, return_inverse=True)
            turns[group] = lists
            amounts[group] = sums(where.reshape(-1), amount[some], len(lists))
        return cls(list(reach.sites.astype(str)[is_open]), turns, amounts)

    def people(self, use: Use) -> Floats:
        """Return who may come, by the site that is nearest to them."""
        return sums(self.turns[use.group][:, 0], self.amounts[use.group], len(self.sites)) * use.share


@dataclass(frozen=True)
class _Bookings:
    """Bookings in the order in which they begin; `site` is the one that each goes to first."""

    start: Floats
    hours: Floats
    use: Ints
    site: Ints

    @classmethod
    def drawn(cls, kinds: Sequence[str], around: _Around, asked: Sharing) -> tuple["_Bookings", Ints]:
        """Return them, and the places that each tries (-1 after the last): k x sites + s has the kind k at site s."""
        width = (asked.moves + 1) * max(len(use.space) for use in asked.uses.values())
        none = np.zeros(0, np.int64)
        parts = [(np.zeros(0), np.zeros(0), none, none, np.zeros((0, width), np.int64))]
        for at, (name, use) in enumerate(asked.uses.items()):
            tried, amounts = around.turns[use.group], around.amounts[use.group]
            first = len(around.sites) * np.array([kinds.index(space) for space in use.space])
            # At each site one kind after the other, before the next site.
            places = np.where(tried[:, :, np.newaxis] < 0, -1, tried[:, :, np.newaxis] + first)
            turns = np.full((len(tried), width), -1)
            turns[:, : tried.shape[1] * len(first)] = places.reshape(len(tried), tried.shape[1] * len(first))
            for number, site in enumerate(around.sites):
                rows = np.flatnonzero(tried[:, 0] == number)
                # A site's and a use's bookings stay the same, whatever others there are.
                random = np.random.default_rng([asked.seed, crc32(name.encode()), crc32(site.encode())])
                start, which = _drawn(use, amounts[rows], asked.weeks, random)
                which_use, where = (np.full(len(start), value, dtype=np.int64) for value in (at, number))
                parts.append((start, np.full(len(start), use.hours), which_use, where, turns[rows[which]]))
        order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
        start, hours, uses, sites, tries = (np.concatenate(each)[order] for each in zip(*parts, strict=True))
        return cls(start, hours, uses, sites), tries

    def only(self, some: Any, uses: list[int] | None = None) -> "_Bookings":
        """Return some of them, by a mask or their positions; with `uses`, these are counted anew in their order."""
        found = _Bookings(*(each[some] for each in vars(self).values()))
        return found if uses is None else replace(found, use=np.searchsorted(uses, found.use))


def _drawn(use: Use, amounts: Floats, weeks: int, random: np.random.Generator) -> tuple[Floats, Ints]:
    """Draw when the bookings of a site begin (hours since the first Monday), and from which of its parts each is."""
    who = float(amounts.sum()) * use.share / use.party
    many = ceil(round(who, 9))
    if not many:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    profile = use.profile
    days = profile.reshape(7, 24).sum(axis=1)
    seasons = use.of_mean[np.arange(weeks) % 4]
    # Whole people come a little less often, so that the mean is that of the part of one.
    chance = np.minimum(1.0, (use.times or 0.0) * (who / many) * np.outer(seasons, days))
    counts = random.binomial(many, chance).ravel()
    day = np.repeat(np.arange(7 * weeks), counts)
    weekday = day % 7
    below = np.cumsum(profile)
    before = np.append(0.0, below)[24 * np.arange(7)]
    at = before[weekday] + random.random(len(day)) * days[weekday]
    last = np.array(
        [24 * number + np.max(np.flatnonzero(profile[24 * number :][:24]), initial=0) for number in range(7)]
    )
    hour = np.minimum(np.searchsorted(below, at, side="right"), last[weekday])
    start = day // 7 * HOURS + hour + random.random(len(day))
    part = np.searchsorted(np.cumsum(amounts), random.random(len(day)) * amounts.sum(), side="right")
    return start, np.minimum(part, len(amounts) - 1).astype(np.int64)


def _wanted(use: Use) -> Floats:
    """Return how many hours of each hour of the week a booking takes on the mean: sums to the hours it lasts."""
    # From the hour in which it begins, anywhere within it, a booking has taken P(x) - P(x - hours) by its x-th hour.
    edges = np.arange(ceil(use.hours) + 2, dtype=np.float64)
    taken = (_begun(edges) - _begun(edges - use.hours))[1:] - (_begun(edges) - _begun(edges - use.hours))[:-1]
    wanted = np.zeros(HOURS)
    for later, part in enumerate(taken):
        wanted += np.roll(use.profile, later) * part
    return wanted


def _begun(edges: Floats) -> Floats:
    """Return how long, by each moment, something has lasted that begins anywhere in the first hour."""
    begun: Floats = (np.maximum(edges, 0.0) ** 2 - np.maximum(edges - 1.0, 0.0) ** 2) / 2
    return begun


def _played(around: _Around, have: pd.DataFrame, asked: Sharing) -> list["_Played"]:
    """Play the weeks through, of all kinds of space together, as a use may take one kind for another."""
    uses, count = asked.uses, len(around.sites)
    kinds = [kind for kind in asked.spaces if any(kind in use.space for use in uses.values())]
    drawn, turns = _Bookings.drawn(kinds, around, asked)
    firsts = [[at for at, use in enumerate(uses.values()) if use.space[0] == kind] for kind in kinds]
    others = [[at for at, use in enumerate(uses.values()) if kind in use.space[1:]] for kind in kinds]
    mine = [np.isin(drawn.use, first) for first in firsts]
    own = [drawn.only(some, first) for some, first in zip(mine, firsts, strict=True)]
    needed = [_needed(each, len(first), count, asked) for each, first in zip(own, firsts, strict=True)]
    known = have[kinds].to_numpy(dtype=np.float64).T
    there = np.where(np.isnan(known), [each[:, -1] for each in needed], np.nan_to_num(known)).astype(np.int64)
    place, begin = seat(drawn.start, drawn.hours, turns, np.append(0, np.cumsum(there)), asked.wait / 60)
    seated, found = np.where(place < 0, -1, place // count), np.where(place < 0, -1, place % count)
    parts = []
    for at, kind in enumerate(kinds):
        come = (seated == at) & ~mine[at]
        guests = replace(drawn.only(come, others[at]), start=begin[come], site=found[come])
        parts.append(
            _Played(
                space=kind,
                around=around,
                asked=asked,
                uses=_numbered(uses, firsts[at]),
                others=_numbered(uses, others[at]),
                bookings=own[at],
                guests=guests,
                needed=needed[at],
                there=there[at],
                found=found[mine[at]],
                here=seated[mine[at]] == at,
                begin=begin[mine[at]],
            )
        )
    return parts


def _numbered(uses: Mapping[str, Use], numbers: list[int]) -> dict[str, Use]:
    return {name: use for at, (name, use) in enumerate(uses.items()) if at in numbers}


def _needed(drawn: _Bookings, uses: int, sites: int, asked: Sharing) -> Ints:
    """Return how many spaces of a kind each use needs by itself, and all together (sites x uses + 1)."""
    needed = np.zeros((sites, uses + 1), dtype=np.int64)
    for site, every in enumerate(_split(drawn.site, sites)):
        for at in range(uses + 1):
            if uses == 1 and at == 1:  # one use has all to itself
                needed[site, at] = needed[site, 0]
                continue
            some = every if at == uses else every[drawn.use[every] == at]
            bookings = drawn.start[some], drawn.hours[some], drawn.use[some]
            needed[site, at] = least_spaces(*bookings, uses, asked.chance, asked.wait / 60)
    return needed


@dataclass(frozen=True)
class _Played:
    """The weeks of one kind of space, played through."""

    space: str
    around: _Around
    asked: Sharing
    uses: Mapping[str, Use]
    """Those that want it first."""
    others: Mapping[str, Use]
    """Those that take it when theirs are full."""
    bookings: _Bookings
    """Of the uses that want it first."""
    guests: _Bookings
    """Of the others, those that are seated in one: `site` and `start` are where, and from when."""
    needed: Ints
    there: Ints
    found: Ints
    """At which site each of the bookings is seated, in whichever kind of space."""
    here: Bools
    """Whether that is in one of this kind."""
    begin: Floats

    # ---- spaces ----

    def spaces(self) -> pd.DataFrame:
        """Return the rows of this kind: of each use and of all, site by site, then of all sites."""
        count, uses = len(self.around.sites), list(self.uses)
        people, often = np.ascontiguousarray(self._people.T), self._often
        rates, m2 = self._rates(), self.asked.spaces[self.space].m2
        rows = []
        for site in range(count + 1):
            at = slice(None) if site == count else slice(site, site + 1)
            for number, use in enumerate([*uses, ALL]):
                of = slice(None) if use == ALL else slice(number, number + 1)
                needed = int(self.needed[at, number].sum())
                alone = int(self.needed[at, :-1][:, of].sum())
                rows.append({
                    "site": ALL if site == count else self.around.sites[site],
                    "space": self.space,
                    "use": use,
                    "people": np.nan if use == ALL else float(people[at, of].sum()),  # who comes for two is one
                    "bookings": float((people[at, of] * often[of]).sum()),
                    "needed": needed,
                    "alone": alone,
                    "saved": alone - needed,
                    "m2": needed * m2,
                    "m2_saved": (alone - needed) * m2,
                    "there": int(self.there[at].sum()),
                    **rates(at, of),
                })  # fmt: skip
        return pd.DataFrame(rows)

    @cached_property
    def _people(self) -> Floats:
        """Who may come for each use, by site."""
        return _rows([self.around.people(use) for use in self.uses.values()], len(self.around.sites))

    @cached_property
    def _often(self) -> Floats:
        """The bookings that each of these makes in a mean week, by use."""
        return np.array([(use.times or 0.0) / use.party for use in self.uses.values()])

    def _rates(self) -> Any:
        """Return what tells of some sites and uses how many of their bookings find none, move and wait."""
        drawn, count, uses, weeks = self.bookings, len(self.around.sites), len(self.uses), self.asked.weeks
        shape = (count, uses, weeks)
        key = (drawn.site * uses + drawn.use) * weeks + (drawn.start // HOURS).astype(np.int64)

        def tally(some: Any = None) -> Floats:
            kept = key if some is None else key[some]
            return np.bincount(kept, minlength=count * uses * weeks).reshape(shape).astype(np.float64)

        booked, refused = tally(), tally(self.found < 0)
        moved = tally((self.found >= 0) & (self.found != drawn.site)).sum(axis=2)
        other = tally((self.found >= 0) & ~self.here).sum(axis=2)
        waited = tally(self.begin > drawn.start).sum(axis=2)
        here = self.here
        held = sums((self.found * uses + drawn.use)[here], drawn.hours[here], count * uses).reshape(count, uses)
        guests = sums(self.guests.site, self.guests.hours, count)
        may = sum(_wanted(use) for use in [*self.uses.values(), *self.others.values()])
        hours = float(np.count_nonzero(may > LEAST)) * weeks

        def rates(sites: slice, of: slice) -> dict[str, float]:
            come, gone = booked[sites, of].sum(axis=(0, 1)), refused[sites, of].sum(axis=(0, 1))
            total = come.sum() or np.nan
            share = gone.sum() / total
            spread = float(((gone - share * come) ** 2).sum()) * weeks / (weeks - 1)
            open_hours = float(self.there[sites].sum()) * hours or np.nan
            taken = held[sites, of].sum() + (guests[sites].sum() if of == slice(None) else 0.0)
            return {
                "finds_none": float(share),
                "error": float(SURE * np.sqrt(spread) / total),
                "moved": float(moved[sites, of].sum() / total),
                "other_space": float(other[sites, of].sum() / total),
                "waited": float(waited[sites, of].sum() / total),
                "occupancy": float(taken / open_hours),
            }

        return rates

    # ---- the week ----

    def week(self) -> pd.DataFrame:
        """Return the hours of the week in which anybody wants or holds one, by site and use."""
        rows = []
        for site, each in zip(self.around.sites, self.hours, strict=True):
            for number, use in enumerate([*self.uses, ALL]):
                hour = np.flatnonzero(np.maximum(each.wanted, each.held)[number] > LEAST)
                about = {"site": site, "space": self.space, "use": use}
                when = {"day": np.array(DAYS, dtype=object)[hour // 24], "hour": hour % 24}
                counts = {name: getattr(each, name)[number][hour] for name in COUNTS}
                rows.append(about | when | counts)
        return below_each_other(rows)

    def conflicts(self) -> pd.DataFrame:
        """Return the runs of hours in which more are wanted than there are, with the uses that want them."""
        columns = ["site", "space", "day", "begins", "ends", "uses", "most", "there", "refused"]
        rows = [
            {"site": site, "space": self.space, "there": int(there), **row}
            for site, there, hours in zip(self.around.sites, self.there, self.hours, strict=True)
            for row in _runs(hours, int(there), [*self.uses, *self.others])
        ]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def hours(self) -> list["_Hours"]:
        """What each site is wanted for, hour by hour."""
        drawn, weeks, uses = self.bookings, self.asked.weeks, len(self.uses)
        begun = _rows([use.profile for use in self.uses.values()], HOURS)
        taken = _rows([_wanted(use) for use in self.uses.values()], HOURS)
        most = max(ceil(round((1 - self.asked.chance) * weeks, 9)) - 1, 0)  # of the weeks, from the least
        found = []
        where = drawn.site, np.where(self.here, self.found, -1), self.guests.site
        split = zip(*(_split(each, len(self.around.sites)) for each in where), strict=True)
        for site, (mine, here, come) in enumerate(split):
            wanted = _present(drawn.start[mine], drawn.hours[mine], drawn.use[mine], uses=uses, weeks=weeks)
            held = _present(self.begin[here], drawn.hours[here], drawn.use[here], uses=uses, weeks=weeks).mean(axis=1)
            guests = self.guests.only(come)
            added = _present(guests.start, guests.hours, guests.use, uses=len(self.others), weeks=weeks)
            gone = mine[self.found[mine] < 0]
            slot = drawn.use[gone] * HOURS + (drawn.start[gone] % HOURS).astype(np.int64)
            refused = np.bincount(slot, minlength=uses * HOURS).reshape(uses, HOURS) / weeks
            each = (self._people[:, site] * self._often)[:, np.newaxis]
            every = [*wanted, wanted.sum(axis=0) + added.sum(axis=0)]
            found.append(
                _Hours(
                    bookings=_and_all(each * begun),
                    wanted=_and_all(each * taken),
                    most=np.stack([np.partition(part, most, axis=0)[most] for part in every]),
                    held=np.vstack([held, held.sum(axis=0) + added.mean(axis=1).sum(axis=0)]),
                    refused=_and_all(refused),
                    guests=added.mean(axis=1),
                )
            )
        return found


@dataclass(frozen=True)
class _Hours:
    """What a site is wanted for in each hour of the week: of each use, and of all together in the last row."""

    bookings: Floats
    wanted: Floats
    most: Ints
    held: Floats
    refused: Floats
    guests: Floats
    """What each of the uses that want another kind first holds."""


def _rows(rows: list[Floats], width: int) -> Floats:
    """Put rows below each other, of which there may be none."""
    return np.array(rows).reshape(-1, width)


def _and_all(of_uses: Floats) -> Floats:
    """Add the sum of all uses as a last row."""
    table: Floats = np.vstack([of_uses, of_uses.sum(axis=0)])
    return table


def _split(site: Ints, count: int) -> list[Ints]:
    """Return the positions of the bookings of each site, in their order; those of none (-1) are left out."""
    small = site.astype(np.int16) if count < 2**15 else site  # numbers of 16 bits are sorted several times as fast
    order = np.argsort(small, kind="stable")
    bounds = np.searchsorted(small[order], np.arange(count + 1))
    return [order[first:last] for first, last in pairwise(bounds)]


def _present(begin: Floats, hours: Floats, use: Ints, *, uses: int, weeks: int) -> Ints:
    """Count the bookings that are there in the middle of each hour (uses x weeks x hours of the week)."""
    end = weeks * HOURS
    first = np.minimum(np.ceil(begin - 0.5), end).astype(np.int64)
    last = np.minimum(np.ceil(begin + hours - 0.5), end).astype(np.int64)
    size = uses * (end + 1)
    change = np.bincount(use * (end + 1) + first, minlength=size) - np.bincount(use * (end + 1) + last, minlength=size)
    there: Ints = np.cumsum(change.reshape(uses, end + 1), axis=1)[:, :-1].reshape(uses, weeks, HOURS)
    return there


def _runs(hours: _Hours, there: int, uses: list[str]) -> Iterator[dict[str, Any]]:
    """Tell the runs of hours of one site, day by day, in which more are wanted at once than there are."""
    short = (hours.most[-1] > there).reshape(7, 24)
    for number, day in enumerate(DAYS):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], short[number], [False]]).astype(np.int8)))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            run = slice(24 * number + first, 24 * number + last)
            wanted = np.vstack([hours.wanted[:-1, run], hours.guests[:, run]]).sum(axis=1)
            many = [at for at in np.argsort(-wanted, kind="stable") if wanted[at] >= PART * wanted.sum()]
            yield {
                "day": day,
                "begins": int(first),
                "ends": int(last),
                "uses": ", ".join(uses[at] for at in many),
                "most": int(hours.most[-1, run].max()),
                "refused": float(hours.refused[-1, run].sum()),
            }


def _in_all(table: pd.DataFrame, sites: list[str]) -> pd.DataFrame:
    """Put the kinds of spaces of each site below each other, then all of them together."""
    parts = []
    for site in [*sites, ALL]:
        here = table[table["site"] == site]
        whole = here[here["use"] == ALL]
        booked = whole["bookings"].sum()
        row: dict[str, Any] = {"site": site, "space": ALL, "use": ALL}
        row |= {name: whole[name].sum() for name in ("bookings", "needed", "alone", "saved", "m2", "m2_saved", "there")}
        row |= {
            name: float((whole[name] * whole["bookings"]).sum() / booked) if booked else np.nan
            for name in ("finds_none", "moved", "other_space", "waited")
        }
        parts += [here, pd.DataFrame([row])]
    return pd.concat(parts, ignore_index=True)[table.columns]
