"""The table of minutes inside a page: who is reached from where, small enough to send and exact to the person."""

import types
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from siteplan.catalogue import mode_order
from siteplan.config import Public
from siteplan.errors import InputError
from siteplan.output.maps.shapes import encode
from siteplan.output.outcome import Outcome
from siteplan.publics import PART, aligned_publics, parts
from siteplan.reachable import Floats, Ints, People, Reach, by_point

__all__ = ["all_points", "gaps", "pack_runs", "plan_data"]

# Parts of a person that make all amounts whole: decimals, or those that `by_public` makes; with the last, the sum of a
# million points is right to half a person.
PARTS = (1, 10, 100, 1000, int(PART), 10**4, 10**5, 10**6)


def plan_data(
    times: pd.DataFrame,
    points: pd.DataFrame,
    *,
    sites: Sequence[str],
    cells: pd.Index | None,
    limits: Sequence[float],
    territories: gpd.GeoDataFrame | None = None,
    homes: pd.Series | None = None,
    scenarios: Mapping[str, Outcome] = types.MappingProxyType({}),
    publics: Sequence[Public] = (),
) -> dict[str, Any]:
    """Pack minutes and people for the page.

    Minutes are rounded up to whole units of `unit` minutes, of which every limit is a whole multiple: whether a time is
    within a limit stays exact. People are whole numbers of `1 / person`.

    Parameters
    ----------
    homes
        The position of its territory by point (-1 = none); None takes the territory that the point lies in.
    publics
        Who can go how; where there are several, each subject has the amounts of the first public, then of the next.

    Returns
    -------
    dict
        `limits`, `unit`, `person`, `modes`, `subjects`; per point `cell` and `territory` (positions, -1 = none) and
        the amount of each subject; per mode and site the packed minutes; and the same of the `scenarios`.

    Raises
    ------
    InputError
        As `reach`, and for minutes to sites that the map does not show.
    """
    tables = [points, *(each.layers["points"] for each in scenarios.values())]
    labels = all_points(tables)
    who, *others = aligned_publics(publics, *(view.publics for view in scenarios.values()))
    amounts = _amounts(points, labels, who)
    base = _by_mode(times, labels, sites, limits)
    views = zip(tables[1:], others, strict=True)
    every = [amounts, *(_amounts(each, labels, publics, list(amounts)) for each, publics in views)]
    person = _parts(np.concatenate([values for each in every for values in each.values()]))
    packed = [
        {
            "name": str(name),
            "minutes": _unlike(_by_mode(view.times, labels, sites, limits), base),
            "amounts": None if _same(other, amounts) else _pack_amounts(other, person),
            "publics": None if _modes(publics) == _modes(who) else _modes(publics),
        }
        for (name, view), other, publics in zip(scenarios.items(), every[1:], others, strict=True)
    ]
    whole = _together(tables)
    return {
        "limits": [_plain(limit) for limit in limits],
        "unit": 1 / _per_minute(limits),
        "person": person,
        "count": len(labels),
        "modes": sorted(base, key=mode_order),
        "subjects": list(amounts),
        "publics": _modes(who),
        "cell": _pack(_positions(whole, labels, cells)),
        "territory": _pack(_inside(whole, labels, territories) if homes is None else homes.reindex(labels).to_numpy()),
        "amounts": _pack_amounts(amounts, person),
        "minutes": base,
        "scenarios": packed,
    }


def all_points(tables: list[pd.DataFrame]) -> pd.Index:
    """List the points of all tables, those near each other side by side."""
    labels, seen = [], pd.Index([])
    for table in tables:
        rows = by_point(table).sort_index()
        if isinstance(table, gpd.GeoDataFrame) and len(table):
            rows = rows.iloc[np.argsort(rows.geometry.hilbert_distance().to_numpy(), kind="stable")]
        new = rows.index[~rows.index.isin(seen)]
        labels.append(new)
        seen = seen.append(new)
    return pd.Index(seen, name="point")


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put all points into one table, each as it stands in the first that has it."""
    whole = by_point(tables[0]).sort_index()
    for table in tables[1:]:
        table = by_point(table).sort_index()
        new = table[~table.index.isin(whole.index)]
        whole = pd.concat([whole, new]) if len(new) else whole
    return whole


def _unlike(minutes: dict[str, list[str]], base: dict[str, list[str]]) -> dict[str, list[str | int]]:
    """Put 0 where a scenario's minutes are those of the base."""
    return {
        mode: [0 if mode in base and text == base[mode][at] else text for at, text in enumerate(packed)]
        for mode, packed in minutes.items()
    }


def _amounts(
    points: pd.DataFrame, labels: pd.Index, publics: Sequence[Public], names: list[str] | None = None
) -> dict[str, Floats]:
    """Give people and groups in the order of the labels, public by public; nobody where a point is not there."""
    people = People.of(points)
    at = people.points.get_indexer(labels)
    amounts = {name: np.where(at >= 0, people.amount(name)[at], 0.0) for name in names or ("people", *people.groups)}
    return {name: parts(amount, publics, name).T.ravel() if publics else amount for name, amount in amounts.items()}


def _modes(publics: Sequence[Public]) -> list[list[str] | None]:
    """Give the modes of each public, null for all."""
    return [None if each.modes is None else list(each.modes) for each in publics]


def _same(a: dict[str, Floats], b: dict[str, Floats]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in b)


def _parts(values: Floats) -> int:
    """Say of how many parts a person is, so that these numbers are whole."""
    return next((each for each in PARTS[:-1] if np.array_equal(np.rint(values * each) / each, values)), PARTS[-1])


def _per_minute(limits: Sequence[float]) -> int:
    """Give the units in a minute, of which every limit is a whole number."""
    return next((each for each in (1, 2, 10, 60, 100) if all(_whole(limit * each) for limit in limits)), 1000)


def _whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def _by_mode(times: pd.DataFrame, labels: pd.Index, sites: Sequence[str], limits: Sequence[float]) -> dict[str, Any]:
    """Pack the minutes of every mode and site; a site without any is an empty string."""
    reach = Reach.of(times, pd.DataFrame({"people": 1.0}, index=labels))
    place = pd.Index(sites).get_indexer(reach.sites.astype(str))
    if (place[np.unique(reach.site)] < 0).any():
        first = reach.sites[place < 0][0]
        raise InputError(f"times: site {str(first)!r} is not on the map; give the sites that the times lead to")
    point, units = labels.get_indexer(reach.points)[reach.point], _units(reach.minutes, limits)
    packed = {}
    for mode in sorted(reach.modes):
        part = reach.mode_rows(mode)
        site = place[reach.site[part]]
        order = np.lexsort((point[part], site))
        cuts = np.searchsorted(site[order], np.arange(len(sites) + 1))
        near, took = point[part][order], units[part][order]
        packed[mode] = pack_runs(near, took, cuts)
    return packed


def _units(minutes: Floats, limits: Sequence[float]) -> Ints:
    """Round minutes up to whole units, and mend what floating point did at the limits."""
    per_minute = _per_minute(limits)
    units: Ints = np.ceil(minutes * per_minute - 1e-9).astype(np.int64)
    for limit in limits:
        ends = round(limit * per_minute)
        units = np.where(minutes <= limit, np.minimum(units, ends), np.maximum(units, ends + 1))
    return units


def pack_runs(points: Ints, minutes: Ints, cuts: Ints) -> list[str]:
    """Pack the minutes of some points (ascending): how many are skipped, how many follow, their steps in minutes.

    One text of each `points[cuts[k]:cuts[k + 1]]`.
    """
    gap, first = gaps(points, cuts)
    steps = np.diff(minutes, prepend=0)
    steps[first] = minutes[first]
    starts = np.union1d(np.flatnonzero(gap > 0), first)
    heads = np.stack([gap[starts], np.diff(np.append(starts, len(points)))], axis=1).ravel()
    return encode(np.insert(steps, np.repeat(starts, 2), heads), cuts + 2 * np.searchsorted(starts, cuts))


def gaps(points: Ints, cuts: Ints) -> tuple[Ints, Ints]:
    """Give how many points are skipped before each one of a `points[cuts[k]:cuts[k + 1]]`, and where those begin."""
    first = cuts[:-1][np.diff(cuts) > 0]
    gap = np.diff(points, prepend=-1) - 1
    gap[first] = points[first]
    return gap, first


def _pack(numbers: NDArray[np.int64]) -> str:
    return encode(np.asarray(numbers, dtype=np.int64), np.array([0, len(numbers)]))[0]


def _pack_amounts(amounts: dict[str, Floats], person: int) -> list[str]:
    return [_pack(np.rint(values * person).astype(np.int64)) for values in amounts.values()]


def _positions(points: pd.DataFrame, labels: pd.Index, cells: pd.Index | None) -> Ints:
    rows = by_point(points)
    if cells is None or "cell" not in rows:
        return np.full(len(labels), -1, dtype=np.int64)
    return cells.get_indexer(pd.Index(rows["cell"].reindex(labels))).astype(np.int64)


def _inside(points: pd.DataFrame, labels: pd.Index, territories: gpd.GeoDataFrame | None) -> Ints:
    """Give the first territory that holds each point."""
    inside = np.full(len(labels), -1, dtype=np.int64)
    if territories is None or not isinstance(points, gpd.GeoDataFrame) or not len(territories):
        return inside
    rows = gpd.GeoDataFrame(by_point(points))
    places = rows.geometry.to_crs(territories.crs).to_numpy()
    point, territory = shapely.STRtree(places).query(territories.geometry.to_numpy(), predicate="intersects")[::-1]
    first = np.full(len(places), len(territories), dtype=np.int64)
    np.minimum.at(first, point, territory)
    at = rows.index.get_indexer(labels)
    found = np.where(at >= 0, first[at], len(territories))
    return np.where(found < len(territories), found, -1)


def _plain(limit: float) -> float:
    return int(limit) if limit == int(limit) else limit
