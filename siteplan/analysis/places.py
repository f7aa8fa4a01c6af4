"""The places whose people no telecentre serves: cells without access that touch, as one, and who would help them."""

from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.analysis.equity import OUTSIDE
from siteplan.analysis.reach import check_limits
from siteplan.doors import door
from siteplan.errors import InputError
from siteplan.geo import require_metric
from siteplan.network.laying import components
from siteplan.reachable import Floats, Ints, Pairs, Reach, members, site_positions, sums

__all__ = ["without_access"]


@door(sites=("status",))
def without_access(
    cells: gpd.GeoDataFrame,
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    territories: pd.Series | None = None,
    names: Mapping[str, str] | pd.Series | None = None,
    minutes: float = 15,
    mode: str | None = None,
    groups: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Find the places whose people no existing or required site serves, and the nearest candidate that would.

    Parameters
    ----------
    cells
        Index `cell`; polygons, or points in a metric CRS. Neighbours are joined to one place: polygons that touch, be
        it at a corner; points not farther apart than 1.5 times the usual distance to the nearest other.
    times, people, groups
        As for `reach`; people need the column `cell`.
    sites
        Index `site`, column `status`.
    territories
        The territory of each cell, which names the places: the one where most of the people without access live.
    names
        The name of each territory; None takes the key.
    minutes, mode
        The limit; a mode of the table, or `best`, which None takes of several.

    Returns
    -------
    Index `place` (1 is the largest). Columns `name`, `cells`, `people` and groups without access, `candidate` (nearest
    of those that bring somebody here within the limit; of equals the one with more people here, then the first by
    name; missing where none does), `candidate_minutes` (to the nearest point here), `candidate_people` (of this place,
    within the limit of it); geometry, the cells as one.

    Raises
    ------
    InputError
        As for `reach`, for people without `cell`, and for cells or sites that do not exist.
    StudyError
        For a limit of 0 or less or a mode that the table does not have.

    Examples
    --------
    >>> found = sp.without_access(cells, times, people, sites, minutes=15)
    >>> found[["people", "candidate", "candidate_people"]].head(2)
            people candidate  candidate_people
    place
    1      26326.0       S08            4319.0
    2       2463.0       S27            2450.0
    """
    (limit,) = check_limits([minutes])
    asked = Reach.of(times, people)
    chosen = asked.chosen_mode(mode, "without_access")
    amounts = asked.people.amounts(groups)
    status = sites["status"].to_numpy(dtype=object)[site_positions(asked.sites, sites.index)]
    is_open, is_candidate = np.isin(status, ["existing", "required"]), status == "candidate"
    left = ~asked.covered(chosen, limit, is_open) & (amounts["people"] > 0)
    cell = _cell_positions(asked.people.cell, cells)
    lacking = np.unique(cell[left])
    place_of_cell = np.full(len(cells), -1, dtype=np.int64)
    place_of_cell[lacking] = _joined(cells, lacking)
    place = np.where(left, place_of_cell[cell], -1)
    count = int(place_of_cell.max(initial=-1)) + 1
    inside_of = {name: sums(place[left], amount[left], count) for name, amount in amounts.items()}
    candidates = (part.within(chosen, limit, is_candidate) for part in asked.parts())
    helper = _nearest_helper(asked, candidates, place, count)
    inside = [lacking[part] for part in members(place_of_cell[lacking])]
    labels = _place_names(cells, inside, cell, amounts["people"], place=place, territories=territories, names=names)
    shapes = cells.geometry.to_numpy()
    table = gpd.GeoDataFrame(
        {"name": labels, "cells": [len(part) for part in inside], **inside_of, **helper},
        geometry=[shapely.union_all(shapes[part]) for part in inside],
        crs=cells.crs,
    )
    # Equals keep the order of their first cell.
    order = np.argsort(-np.round(inside_of["people"], 9), kind="stable")
    table = table.iloc[order]
    table.index = pd.RangeIndex(1, count + 1, name="place")
    return table


def _cell_positions(cell: pd.Series, cells: pd.DataFrame) -> Ints:
    positions: Ints = cells.index.get_indexer(pd.Index(cell)).astype(np.int64)
    if (positions < 0).any():
        first = cell.iloc[int((positions < 0).argmax())]
        raise InputError(f"people: cell '{first}' is not in the table of cells. Use the cells the people stand in")
    return positions


def _joined(cells: gpd.GeoDataFrame, chosen: Ints) -> Ints:
    """Return for each chosen cell the number of the place it is part of, numbered by first cell."""
    if len(chosen) == 0:
        return np.empty(0, dtype=np.int64)
    every = cells.geometry.to_numpy()
    shapes = every[chosen]
    tree = shapely.STRtree(shapes)
    if (shapely.area(shapes) > 0).all():
        # Outlines that went through another CRS meet within the hundredth of a millimetre: a thousandth of a side does.
        apart = float(np.median(np.sqrt(shapely.area(shapes)))) / 1000
    else:
        require_metric(cells.crs, "cells")
        # The spacing of all cells: the few without access may lie far from each other.
        nearest = shapely.STRtree(every).query_nearest(every, exclusive=True, all_matches=False, return_distance=True)[
            1
        ]
        apart = 1.5 * float(np.median(nearest)) if len(nearest) else 0.0
    left, right = tree.query(shapes, predicate="dwithin", distance=apart)
    joined: Ints = components(left.astype(np.int32), right.astype(np.int32), len(shapes)).astype(np.int64)
    return joined


def _nearest_helper(
    asked: Reach, parts: Iterable[Pairs], place: Ints, count: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Return for each place the nearest candidate that brings somebody of it within the limit."""
    people = asked.people.amount("people")
    helped = []
    for pairs in parts:
        frame = pd.DataFrame(vars(pairs.where(place[pairs.point] >= 0)))
        frame["place"], frame["people"] = place[frame["point"]], people[frame["point"]]
        by = frame.groupby(["place", "site"], as_index=False)
        helped.append(by.agg(minutes=("minutes", "min"), people=("people", "sum")))
    best = pd.concat(helped, ignore_index=True)
    best["name"] = asked.sites.astype(str).to_numpy(dtype=object)[best["site"]]
    best = best.sort_values(["place", "minutes", "people", "name"], ascending=[True, True, False, True])
    best = best.drop_duplicates("place").set_index("place").reindex(range(count))
    names = np.array([None if pd.isna(name) else name for name in best["name"]], dtype=object)
    return {
        "candidate": names,
        "candidate_minutes": best["minutes"].to_numpy(dtype=np.float64),
        "candidate_people": best["people"].fillna(0.0).to_numpy(dtype=np.float64),
    }


def _place_names(
    cells: gpd.GeoDataFrame,
    inside: list[Ints],
    cell: Ints,
    people: Floats,
    *,
    place: Ints,
    territories: pd.Series | None,
    names: Mapping[str, str] | pd.Series | None,
) -> list[str]:
    """Return the name of the territory where most people of each place live, or of its first cell without any."""
    if territories is None:
        return [str(cells.index[part[0]]) for part in inside]
    label = territories.reindex(cells.index).fillna(OUTSIDE).astype(str).to_numpy(dtype=object)
    left = place >= 0
    table = pd.DataFrame({"place": place[left], "label": label[cell[left]], "people": people[left]})
    sums = table.groupby(["place", "label"]).sum().reset_index()
    first = sums.sort_values(["place", "people", "label"], ascending=[True, False, True]).drop_duplicates("place")
    known = {} if names is None else {str(key): str(value) for key, value in dict(names).items()}
    return [known.get(text, text) for text in first["label"]]
