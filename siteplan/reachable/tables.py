"""The tables that a `Reach` is made of, people by point and times, checked at the door."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siteplan.catalogue import PEOPLE, check_groups
from siteplan.config.fields import LONG, LONGEST
from siteplan.errors import InputError, listed, warn
from siteplan.reachable.tiles import Floats, Ints, Rows
from siteplan.units import Unit

__all__ = [
    "GIVEN",
    "SUSPECT",
    "People",
    "by_point",
    "checked",
    "number_column",
    "refuse_unit",
    "site_positions",
    "unit_of",
]

SUSPECT = 180.0  # minutes; where half of all times are longer, they may be seconds
METRES = 60.0  # in what is a minute of a way by length
GIVEN = "given"  # the mode of a table that does not say how people travel

# Numbers of a points table that are not numbers of people.
_PLACE = set("people home_point cell edge offset_m access_m x y lon lat longitude latitude share".split())


@dataclass(frozen=True, eq=False)
class People:
    """A table of people by point, checked and in sorted order; make it by `People.of`.

    Attributes
    ----------
    table
        Index `point`, sorted; `people`, groups and whatever else it was given with.
    """

    table: pd.DataFrame
    _known: dict[str, Floats] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, people: "pd.DataFrame | People") -> "People":
        """Sort people by point (index or column); what is `People` already is returned as it is.

        Raises
        ------
        InputError
            Without a column people, or with a point in more than one row.
        """
        if isinstance(people, People):
            return people
        if "people" not in people.columns:
            raise InputError(
                f"people: no column people (found: {listed(people.columns)}). Expected a table with people by point"
            )
        table = by_point(people)
        if not table.index.is_unique:
            first = table.index[table.index.duplicated()][0]
            raise InputError(f"people: point '{first}' stands in more than one row. Give every point one row")
        if not table.index.is_monotonic_increasing:
            table = table.iloc[table.index.argsort()]
        return cls(table if table.index.name == "point" else table.rename_axis("point"))

    @property
    def points(self) -> pd.Index:
        """The points, sorted."""
        return self.table.index

    @property
    def cell(self) -> pd.Series:
        """The cell of every point."""
        if "cell" not in self.table.columns:
            raise InputError(
                f"people: no column cell (found: {listed(self.table.columns)}). Give every point the cell it stands in"
            )
        return self.table["cell"]

    @property
    def groups(self) -> list[str]:
        """The columns of numbers that do not say where the point is, but for people."""
        numbers = self.table.drop(columns="geometry", errors="ignore").select_dtypes("number").columns
        return [str(name) for name in numbers if name not in _PLACE]

    def amount(self, name: str) -> Floats:
        """Return the people, or the members of a group, of every point; what is withheld (missing) is nothing.

        Raises
        ------
        InputError
            For a column that is not there or does not hold numbers of 0 or more.
        """
        if name not in self._known:
            self._known[name] = _amounts(self.table, name)
        return self._known[name]

    def amounts(self, groups: Sequence[str] | None = None) -> dict[str, Floats]:
        """Return people and groups by name; None takes all groups.

        Raises
        ------
        InputError
            As `amount`, and for a group whose name stands for something else.
        """
        counted = self.groups if groups is None else groups
        check_groups([name for name in counted if name != PEOPLE], "people")
        return {name: self.amount(name) for name in (PEOPLE, *counted)}


def by_point(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of points with `point` as its index, where it is a column."""
    return table.set_index("point") if "point" in table.columns else table


def site_positions(labels: pd.Index, sites: pd.Index) -> Ints:
    """Return where the sites of the times stand among all.

    Raises
    ------
    InputError
        For sites that are not there.
    """
    positions: Ints = sites.get_indexer(labels).astype(np.int64)
    unknown = labels[positions < 0].sort_values()
    if len(unknown):
        raise InputError(
            f"times: {len(unknown):,} sites are not in the sites table, first '{unknown[0]}'. "
            "Use the sites for which the times were computed"
        )
    return positions


def number_column(table: pd.DataFrame, name: str, what: str) -> Floats:
    """Return a column as numbers, NaN where they are missing; `what` names the table where it holds no numbers."""
    try:
        values: Floats = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: column {name} holds {table[name].dtype}, expected numbers") from error
    return values


def checked(times: pd.DataFrame, people: People, unit: Unit) -> tuple[Rows, pd.Index, tuple[str, ...]]:
    """Return the rows of a table of minutes or metres in order, its sites and its modes; errors as for `Reach.of`."""
    points = people.points
    minutes = _checked_minutes(times, unit)
    site, sites = _codes(times["site"], "site")
    mode, modes = _codes(times["mode"], "mode") if "mode" in times.columns else (np.zeros(len(times), int), None)
    names = (GIVEN,) if modes is None or len(modes) == 0 else tuple(str(name) for name in modes)
    point = _point_positions(times["point"], points)
    key = (mode * max(len(sites), 1) + site) * max(len(points), 1) + point
    order = None
    if not bool((key[1:] > key[:-1]).all()):
        order = np.argsort(key, kind="stable").astype(np.int64)
        _refuse_duplicates(times, key, order)
        mode, site, point, minutes = mode[order], site[order], point[order], minutes[order]
    starts = np.searchsorted(mode, np.arange(len(names) + 1))
    rows = Rows(lambda: times, site.astype(np.int32), point.astype(np.int32), minutes, starts, order)
    return rows, sites, names


def _amounts(people: pd.DataFrame, name: str) -> Floats:
    """Return one column of a people table, nothing where it is withheld."""
    if name not in people.columns:
        raise InputError(f"people: no column {name!r} (found: {listed(people.columns)})")
    amounts = number_column(people, name, "people")
    wrong = (amounts < 0) | np.isinf(amounts)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(f"people: point '{people.index[first]}' has {amounts[first]:g} {name}, expected 0 or more")
    return np.where(np.isnan(amounts), 0.0, amounts)


def unit_of(times: pd.DataFrame) -> Unit:
    """Return what a table counts, after looking for its columns."""
    unit: Unit = "metres" if "metres" in times.columns and "minutes" not in times.columns else "minutes"
    missing = [column for column in ("site", "point", unit) if column not in times.columns]
    if missing:
        raise InputError(
            f"times: no column {', '.join(missing)} (found: {listed(times.columns)}). "
            "Expected site, point, minutes and, for several modes, mode"
        )
    return unit


def refuse_unit(found: Unit, asked: Unit | None) -> None:
    """Refuse a table of minutes where metres are asked for, or the other way round."""
    if asked == "minutes" and found == "metres":
        raise InputError(
            "times: are metres, where minutes are asked for. Give the limits as metres where there is such a "
            "parameter, else times in minutes"
        )
    if asked == "metres" and found == "minutes":
        raise InputError(
            "times: are minutes, where metres are asked for. Compute them with metres (travel_times), or give limits "
            "in minutes"
        )


def _checked_minutes(times: pd.DataFrame, unit: Unit) -> Floats:
    """Return the minutes (or metres) as an array after checking that they are numbers, not negative, and look so."""
    minutes = number_column(times, unit, "times")
    wrong = ~((minutes >= 0) & (minutes < np.inf))
    if wrong.any():
        first = int(wrong.argmax())
        where = f"site '{times['site'].iloc[first]}', point '{times['point'].iloc[first]}'"
        raise InputError(
            f"times: {int(wrong.sum()):,} rows have no valid time; the first is row {first} ({where}): "
            f"{minutes[first]:g} {unit}. Expected 0 or more; leave out what is out of reach"
        )
    longest = float(minutes.max(initial=0.0))
    if unit == "metres":
        if longest > LONGEST * METRES:
            raise InputError(
                f"times: the longest way is {longest:g} metres, more than the {LONGEST * METRES:.0f} that whole "
                "decimetres of 32 bits hold. Leave out what is out of reach"
            )
        return minutes
    if longest > LONGEST:
        raise InputError(
            f"times: the longest time is {longest:g} minutes, more than the {LONGEST:.0f} that whole deciseconds of 32 "
            "bits hold. If the table is in seconds, divide by 60; if not, leave out what is out of reach"
        )
    if longest > LONG and (middle := float(np.median(minutes))) > SUSPECT:
        text = f"times: half of the {len(minutes):,} times are longer than {middle:g} minutes. "
        warn(f"{text}If these are seconds, divide by 60, or name their column seconds in a file")
    return minutes


def _codes(column: pd.Series, what: str) -> tuple[Ints, pd.Index]:
    """Return each value's position among the labels: a categorical's own (unused ones too), else the sorted values."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")  # sorted, so the order of the rows plays no part
    codes = column.cat.codes.to_numpy().astype(np.int64)
    if (codes < 0).any():
        raise InputError(f"times: row {int((codes < 0).argmax())} has no {what}. Every row needs one")
    return codes, pd.Index(column.cat.categories.rename(what))


def _point_positions(column: pd.Series, points: pd.Index) -> Ints:
    """Return each row's position in `points`."""
    values = column.to_numpy()
    if values.dtype.kind in "iu" and isinstance(points, pd.RangeIndex) and points.start == 0 and points.step == 1:
        positions: Ints = np.where((values >= 0) & (values < len(points)), values, -1).astype(np.int64)
    else:
        labels, uniques = pd.factorize(column)
        known: Ints = np.append(points.get_indexer(pd.Index(uniques)), -1).astype(np.int64)  # label -1 is missing
        positions = known[labels]
    unknown = positions < 0
    if unknown.any():
        first = int(unknown.argmax())
        raise InputError(
            f"times: {int(unknown.sum()):,} rows name a point that the people table does not have; the first is "
            f"row {first}: '{column.iloc[first]}' ({column.dtype}; points of the people are {points.dtype}). "
            "Use the people table for which the times were computed"
        )
    return positions


def _refuse_duplicates(times: pd.DataFrame, key: Ints, order: Ints) -> None:
    ordered = key[order]
    twice = order[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        row = times.iloc[twice[0]]
        raise InputError(
            f"times: {len(twice):,} rows repeat a site, point and mode; the first is row {twice[0]} "
            f"(site '{row['site']}', point '{row['point']}'). Keep one row each"
        )
