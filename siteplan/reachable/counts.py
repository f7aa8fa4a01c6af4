"""Who is how far from which site, and what is counted of it, over all tiles of sites."""

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from siteplan.catalogue import BEST
from siteplan.display import Shown
from siteplan.errors import InputError, StudyError, listed, warn
from siteplan.reachable.tables import People, checked, refuse_unit, unit_of
from siteplan.reachable.tiles import Bools, Floats, Int32s, Ints, Pairs, Rows, Tile, joined, laid_down, opened
from siteplan.units import Unit

__all__ = ["Nearest", "Reach", "check_times", "members", "ratio", "sums"]


@dataclass(frozen=True)
class Nearest:
    """By point: least minutes (infinite where nothing is in reach), the site and the mode they are of (-1: none)."""

    minutes: Floats
    site: Ints
    mode: Ints


@dataclass(frozen=True, eq=False, repr=False)
class Reach(Shown):
    """A table of minutes and its people; make it by `Reach.of`, and give it wherever a table of minutes is asked for.

    Wherever a function asks which sites are open, None takes all of them. A limit is in minutes and belongs to it. The
    mode `best` is the least minutes of any mode.

    >>> import pandas as pd
    >>> times = pd.DataFrame({"site": ["A", "A", "B"], "point": [0, 1, 1], "minutes": [5.0, 15.0, 10.0]})
    >>> reach = Reach.of(times, pd.DataFrame({"people": [100, 40]}, index=pd.RangeIndex(2, name="point")))
    >>> reach.count("given", 10, opened=["A"])
    {'people': 100.0}
    >>> reach.nearest("given").minutes.tolist()
    [5.0, 10.0]
    >>> [each.tolist() for each in reach.shared("given", 15)]
    [[0, 1], [1, 0], [40.0, 40.0]]

    `site` and `point` are positions in `sites` and `points`; rows are sorted by mode, site and point, and those of
    `modes[m]` are `starts[m]:starts[m + 1]`.

    Attributes
    ----------
    people
        Who stands where.
    tiles
        Each gives the rows of some of the sites. Most have one, of all. Of several, what is counted opens one after the
        other; who asks for `pairs`, or for the rows themselves, opens all at once.
    unit
        What `minutes` counts: minutes, or metres of a table of metres.
    """

    people: People
    sites: pd.Index
    modes: tuple[str, ...]
    tiles: Sequence[Tile]
    unit: Unit = "minutes"
    _known: dict[str, Pairs] = field(default_factory=dict, init=False, repr=False)

    def facts(self) -> dict[str, object]:
        """Say of how many it tells."""
        longest = f"at most {self.minutes.max():g} {self.unit}" if len(self.minutes) else "no times"
        return {
            "modes": listed(self.modes),
            "sites": f"{len(self.sites):,}",
            "points": f"{len(self.points):,}",
            "times": f"{len(self.minutes):,}, {longest}",
        }

    @classmethod
    def of(
        cls,
        times: "pd.DataFrame | Reach",
        people: pd.DataFrame | People | None = None,
        unit: Unit | None = "minutes",
    ) -> "Reach":
        """Check a table of minutes and a table of people, and put both in order.

        Parameters
        ----------
        times
            Columns `site`, `point`, `minutes` and, for several modes, `mode`. An absent row is out of reach. Every
            category of `site` is a site. A `Reach` is returned as it is.
        people
            Columns `people` and groups, by `point` (index or column), with every point of `times`. What is withheld
            (missing) counts as nothing. None: every point of `times` counts once; beside a `Reach`, its own.
        unit
            What whoever asks counts in, so that a table of another unit is refused: minutes, or metres of a table that
            has `metres` in place of `minutes`; None takes either.

        Raises
        ------
        InputError
            Naming the first offending row, or the unit that the values seem to have; for other people than those of a
            `Reach`.

        Warns
        -----
        SiteplanWarning
            If the longest time is above ten hours and half of all are above three, as in a table of seconds.
        """
        if isinstance(times, Reach):
            if people is not None and not times.people.table.equals(People.of(people).table):
                raise InputError("people: others than those that the Reach was made of. Leave people out")
            refuse_unit(times.unit, unit)
            return times
        found = unit_of(times)
        refuse_unit(found, unit)
        if people is None:
            people = pd.DataFrame({"people": 1.0}, index=pd.Index(times["point"].unique(), name="point"))
        people = People.of(people)
        rows, sites, names = checked(times, people, found)
        return cls(people, sites, names, (lambda: rows,), found)

    @classmethod
    def of_tiles(
        cls,
        tables: Sequence[Callable[[], pd.DataFrame]],
        people: pd.DataFrame | People,
        folder: Path,
        unit: Unit | None = "minutes",
    ) -> "Reach":
        """Make one of the tables of several tiles, of which what is counted opens one at a time, by memory map.

        Parameters
        ----------
        tables
            Each gives a table as for `of`. All have the same sites and modes as categories, and no site in common.
        people, unit
            As for `of`.
        folder
            Where the rows are laid down; it must stay for as long as they are asked for.
        """
        known, tiles = People.of(people), []
        for at, table in enumerate(tables):
            one = cls.of(table(), known, unit)
            rows = replace(one.whole, table=table, best=one.pairs(BEST) if len(one.modes) > 1 else None)
            tiles.append(functools.partial(opened, laid_down(rows, folder / str(at)), table))
        return replace(one, tiles=tiles)

    def parts(self) -> Iterator["Reach"]:
        """Yield what this one is put together from, each with all sites but the rows of its tile, in their order."""
        if len(self.tiles) == 1:
            yield self
        else:
            yield from (replace(self, tiles=(tile,)) for tile in self.tiles)

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield the table of each tile, as given."""
        return (tile().table() for tile in self.tiles)

    @functools.cached_property
    def whole(self) -> Rows:
        """All rows at once."""
        if len(self.tiles) == 1:
            return self.tiles[0]()
        return joined([tile() for tile in self.tiles])

    @property
    def times(self) -> pd.DataFrame:
        """The table of minutes as given."""
        return self.whole.table()

    @property
    def site(self) -> Int32s:
        """The site of each row."""
        return self.whole.site

    @property
    def point(self) -> Int32s:
        """The point of each row."""
        return self.whole.point

    @property
    def minutes(self) -> Floats:
        """The minutes (or metres) of each row."""
        return self.whole.minutes

    @property
    def starts(self) -> Ints:
        """Where the rows of each mode begin, and the number of all rows."""
        return self.whole.starts

    @property
    def rows(self) -> Ints | None:
        """The row of `times` of each row here; None where they are in order as given."""
        return self.whole.order

    @property
    def points(self) -> pd.Index:
        """The points, sorted."""
        return self.people.points

    @property
    def names(self) -> list[str]:
        """The modes and, where there are several, `best`, the least minutes of any of them."""
        if BEST in self.modes:
            raise InputError(f"times: a mode is called {BEST!r}, which stands for the least of all modes. Rename it")
        return [*self.modes, BEST] if len(self.modes) > 1 else list(self.modes)

    def chosen_mode(self, mode: str | None, asker: str) -> str:
        """Return the mode if there is such a one; for None the only mode, or `best` of several."""
        names = self.names
        if mode is not None and mode not in names:
            raise StudyError(f"{asker}: no mode {mode!r} in the times. Expected one of {', '.join(names)}")
        return names[-1] if mode is None else mode

    def mode_rows(self, mode: str) -> slice:
        """Return where the rows of one mode lie."""
        position = self.modes.index(mode)
        return slice(int(self.starts[position]), int(self.starts[position + 1]))

    def column(self, name: str) -> Floats:
        """Return a further column of numbers of the times, in the order of the rows here."""
        values: Floats = self.times[name].to_numpy(dtype=np.float64)
        return values if self.rows is None else values[self.rows]

    def pairs(self, mode: str) -> Pairs:
        """Return the pairs of a mode; of `best` every pair that any mode connects, with its least minutes."""
        if mode != BEST:
            part = self.mode_rows(mode)
            return Pairs(self.site[part], self.point[part], self.minutes[part])
        if BEST not in self._known:
            self._known[BEST] = self.whole.best or self._best_pairs()
        return self._known[BEST]

    def _best_pairs(self) -> Pairs:
        if len(self.modes) == 1 or len(self.site) == 0:
            return Pairs(self.site, self.point, self.minutes)
        key = self.site.astype(np.int64) * len(self.points) + self.point
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        one = order[first]
        return Pairs(self.site[one], self.point[one], np.minimum.reduceat(self.minutes[order], first))

    def within(self, mode: str, limit: float, opened: Collection[str] | Bools | None = None) -> Pairs:
        """Return the pairs of a mode within the limit, of the open sites."""
        pairs = self.pairs(mode)
        inside = pairs.minutes <= limit
        return pairs.where(inside if opened is None else inside & self.is_open(opened)[pairs.site])

    def is_open(self, opened: Collection[str] | Bools | None) -> Bools:
        """Return which sites are among those named; None: all are."""
        if opened is None:
            return np.ones(len(self.sites), dtype=bool)
        if isinstance(opened, np.ndarray):
            return opened
        if isinstance(opened, str):
            raise StudyError(f"opened: {opened!r} is a text, expected a list of sites")
        names, known = {str(site) for site in opened}, self.sites.astype(str)
        unknown = sorted(names - set(known))
        if unknown:
            raise InputError(f"opened: {len(unknown):,} sites are not in the times, first '{unknown[0]}'")
        return np.asarray(known.isin(names), dtype=bool)

    def least(self, mode: str, opened: Collection[str] | Bools | None = None) -> Floats:
        """Return the minutes from every point to the nearest open site, infinite where none is in reach."""
        return self.least_by_mode(opened, [mode])[mode]

    def least_by_mode(
        self, opened: Collection[str] | Bools | None = None, modes: Sequence[str] | None = None
    ) -> dict[str, Floats]:
        """Return what `least` does by mode, all `names` unless some are named."""
        is_open = None if opened is None else self.is_open(opened)
        found = {mode: np.full(len(self.points), np.inf) for mode in (self.names if modes is None else modes)}
        for part in self.parts():
            for mode, least in found.items():
                rows = slice(None) if mode == BEST else part.mode_rows(mode)
                point, minutes = part.point[rows], part.minutes[rows]
                if is_open is not None:
                    of_open = is_open[part.site[rows]]
                    point, minutes = point[of_open], minutes[of_open]
                np.minimum.at(least, point, minutes)
        return found

    def nearest(self, mode: str, opened: Collection[str] | Bools | None = None) -> Nearest:
        """Return the nearest open site of every point; of equals that of the first mode, then the first by name."""
        return (self.nearest_by_mode(opened) if mode == BEST else self._nearest([mode], opened))[mode]

    def nearest_by_mode(self, opened: Collection[str] | Bools | None = None) -> dict[str, Nearest]:
        """Return the nearest open site of every point by every mode and, be it of one mode, by the best of them."""
        near = self._nearest(self.modes, opened)
        minutes, site = (np.stack([getattr(each, name) for each in near.values()]) for name in ("minutes", "site"))
        first, everyone = minutes.argmin(axis=0), np.arange(len(self.points))
        least = minutes[first, everyone]
        return near | {BEST: Nearest(least, site[first, everyone], np.where(np.isfinite(least), first, -1))}

    def _nearest(self, modes: Sequence[str], opened: Collection[str] | Bools | None) -> dict[str, Nearest]:
        by_name = self.sites.argsort()
        rank = np.empty(len(by_name), dtype=np.int64)
        rank[by_name] = np.arange(len(by_name))
        is_open, count = None if opened is None else self.is_open(opened), len(self.points)
        least = {mode: np.full(count, np.inf) for mode in modes}
        first = {mode: np.full(count, len(by_name), dtype=np.int64) for mode in modes}
        for part in self.parts():
            for mode in modes:
                pairs = part.pairs(mode) if is_open is None else part.within(mode, np.inf, is_open)
                before = least[mode].copy()
                np.minimum.at(least[mode], pairs.point, pairs.minutes)
                first[mode][least[mode] < before] = len(by_name)
                closest = pairs.where(pairs.minutes == least[mode][pairs.point])
                np.minimum.at(first[mode], closest.point, rank[closest.site])
        return {
            mode: Nearest(
                least[mode],
                np.append(by_name, -1)[first[mode]],
                np.where(np.isfinite(least[mode]), self.modes.index(mode), -1),
            )
            for mode in modes
        }

    def covered(self, mode: str, limit: float, opened: Collection[str] | Bools | None = None) -> Bools:
        """Return which points have an open site within the limit."""
        covered: Bools = self.least(mode, opened) <= limit
        return covered

    def choices(self, mode: str, limit: float, opened: Collection[str] | Bools | None = None) -> Ints:
        """Return how many of the open sites every point has within the limit."""
        return self.choices_by_limit({mode: [limit]}, opened)[mode, limit]

    def choices_by_limit(
        self, limits: Mapping[str, Iterable[float]], opened: Collection[str] | Bools | None = None
    ) -> dict[tuple[str, float], Ints]:
        """Return what `choices` does by mode and limit."""
        is_open, count = None if opened is None else self.is_open(opened), len(self.points)
        found = {(mode, limit): np.zeros(count, dtype=np.int64) for mode in limits for limit in limits[mode]}
        for part in self.parts():
            for (mode, limit), number in found.items():
                number += np.bincount(part.within(mode, limit, is_open).point, minlength=count)
        return found

    def count(
        self,
        mode: str,
        limit: float,
        opened: Collection[str] | Bools | None = None,
        *,
        groups: Sequence[str] | None = None,
    ) -> dict[str, float]:
        """Count the people and groups who have an open site within the limit, each once."""
        covered = self.covered(mode, limit, opened)
        return {
            name: float(np.where(covered, amount, 0.0).sum()) for name, amount in self.people.amounts(groups).items()
        }

    def by_site(self, pairs: Pairs, amount: Floats, weights: Floats | float = 1.0) -> Floats:
        """Sum the amounts of the points of some pairs by site."""
        return sums(pairs.site, amount[pairs.point] * weights, len(self.sites))

    def shared(self, mode: str, limit: float, name: str = "people") -> tuple[Int32s, Int32s, Floats]:
        """Return every site with each other one that reaches some of the same people within the limit, and how many.

        Positions of the sites; those who share most with a site come first.
        """
        found = [part.within(mode, limit) for part in self.parts()]
        site, point = np.concatenate([each.site for each in found]), np.concatenate([each.point for each in found])
        del found
        shape = (len(self.sites), len(self.points))
        reached = scipy.sparse.csr_array((np.ones(len(site)), (site, point)), shape=shape)
        both = ((reached * self.people.amount(name)) @ reached.T).tocoo()
        rows = np.flatnonzero((both.row != both.col) & (both.data > 0))
        rows = rows[np.lexsort((both.col[rows], -both.data[rows], both.row[rows]))]
        return both.row[rows], both.col[rows], both.data[rows]

    def only(self, points: Collection[object]) -> "Reach":
        """Return the same sites and modes with some of the points alone."""
        inside = self.points.isin(list(points))
        number = (np.cumsum(inside) - 1).astype(np.int32)
        return replace(
            self._narrowed(lambda rows: rows.where(inside[rows.point], number)),
            people=People(self.people.table[inside]),
        )

    def no_longer(self, longest: Mapping[str, float]) -> "Reach":
        """Return the same sites, points and modes, no mode for longer than so; one that is not named for as long."""
        most = np.array([longest.get(mode, np.inf) for mode in self.modes])

        def shorter(rows: Rows) -> Rows:
            keep = rows.minutes <= np.repeat(most, np.diff(rows.starts))
            return rows if keep.all() else rows.where(keep)

        return self._narrowed(shorter)

    def _narrowed(self, narrow: Callable[[Rows], Rows]) -> "Reach":
        """Return the same with fewer rows, at once where they lie in memory; itself if they are the same."""
        if len(self.tiles) == 1:
            rows = narrow(self.whole)
            return self if rows is self.whole else replace(self, tiles=(lambda: rows,))

        def narrowed(tile: Tile) -> Rows:
            return narrow(tile())

        return replace(self, tiles=[functools.partial(narrowed, tile) for tile in self.tiles])

    def suspect_hours(self) -> None:
        """Warn if every time is below one minute, as in a table of hours."""
        found = [(len(part.minutes), float(part.minutes.max(initial=0.0))) for part in self.parts()]
        count, longest = sum(each for each, _ in found), max(most for _, most in found)
        if self.unit == "minutes" and 0.0 < longest < 1.0:
            text = f"times: the longest of {count:,} times is {longest:g} minutes. "
            warn(f"{text}If these are hours, multiply by 60")


def check_times(times: pd.DataFrame, people: pd.DataFrame | None = None) -> None:
    """Check a table of minutes or metres: columns, values, units, one row per site, point and mode, known points.

    Parameters
    ----------
    times, people
        As for `Reach.of`.

    Raises
    ------
    InputError
        Naming the first offending row, or the unit that the values seem to have.

    Warns
    -----
    SiteplanWarning
        If every time is below one minute, as in a table of hours, or most are as long as in one of seconds.
    """
    Reach.of(times, people, None).suspect_hours()


def sums(position: Ints | Int32s, amount: Floats, count: int) -> Floats:
    """Sum amounts by position, from 0 up to a count, each sum in the order of the amounts."""
    return np.bincount(position, weights=amount, minlength=count).astype(np.float64)


def members(group: Ints) -> list[Ints]:
    """Return the rows of each group that has any, in the order of the groups' numbers."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part over whole, missing where the whole is nothing."""
    result: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return result
