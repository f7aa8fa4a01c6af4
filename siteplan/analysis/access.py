"""How near the people of each cell are: least minutes, nearest site, best mode, share within a limit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.analysis.reach import check_limits
from siteplan.catalogue import BEST, PEOPLE, Measure
from siteplan.errors import InputError
from siteplan.inputs.times import Floats, Ints, TimeRows, people_amounts, time_rows

__all__ = ["cell_access"]


@dataclass(frozen=True)
class _Nearest:
    """Per point: the least minutes (infinite where nothing is in reach) and the site it leads to (-1 where none)."""

    minutes: Floats
    site: Ints


def cell_access(times: pd.DataFrame, people: pd.DataFrame, *, minutes: Sequence[float] = (15, 20)) -> pd.DataFrame:
    """Tell for each cell how far the nearest site is, which one it is, and for how many people it is within a limit.

    Parameters
    ----------
    times
        Columns `site`, `point`, `minutes` and, for several modes, `mode`.
    people
        Columns `cell` and `people`, by `point` (index or column).
    minutes
        The limits of the shares.

    Returns
    -------
    Index `cell` (every cell of `people`, in the order of its points). For each mode and for `best`, the least of all
    modes: `minutes_<mode>`, the mean over the people of the points that are reached (over these points where no people
    are known), missing where none is; `site_<mode>`, the nearest site of most of these people, of equals the first
    by name; `covered_<mode>_<limit>`, the share of the cell's people with a site within the limit, missing where
    the cell has none. `mode_best` is the mode that is best for most of them.

    Raises
    ------
    InputError
        As for `reach`, and for people without the column `cell`.
    StudyError
        For limits that are not more than 0.
    """
    limits = check_limits(minutes)
    points, amounts = people_amounts(people, ())
    cell, labels = _cells(people, points)
    rows = time_rows(times, points)
    names = rows.sites.sort_values()  # positions in sorted names, so that ties do not hang on the order of sites
    near = {mode: _nearest(rows, mode, names) for mode in rows.modes}
    mode, near[BEST] = _best(list(near.values()))
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for name, nearest in near.items():
        weights = _weights(cell, amounts["people"], nearest, len(labels))
        columns[Measure("minutes", PEOPLE, name).column] = _means(cell, nearest.minutes, weights, len(labels))
        commonest = _commonest(cell, nearest.site, weights, len(labels))
        columns[Measure("site", PEOPLE, name).column] = _labels(commonest, names)
        for limit in limits:
            covered = np.where(nearest.minutes <= limit, amounts[PEOPLE], 0.0)
            shares = _ratios(cell, covered, amounts[PEOPLE], len(labels))
            columns[Measure("covered", PEOPLE, name, limit).column] = shares
    weights = _weights(cell, amounts["people"], near[BEST], len(labels))
    columns["mode_best"] = _labels(_commonest(cell, mode, weights, len(labels)), pd.Index(rows.modes))
    return pd.DataFrame(columns, index=labels)


def _cells(people: pd.DataFrame, points: pd.Index) -> tuple[Ints, pd.Index]:
    """Return each point's position among the cells, and the cells in the order of their first point."""
    if "cell" not in people.columns:
        raise InputError(f"people: no column cell (found: {', '.join(map(str, people.columns))})")
    by_point = people.set_index("point") if "point" in people.columns else people
    codes, labels = pd.factorize(by_point["cell"].reindex(points))
    return codes.astype(np.int64), pd.Index(labels, name="cell")


def _nearest(rows: TimeRows, mode: str, names: pd.Index) -> _Nearest:
    part = rows.mode_rows(mode)
    site = names.get_indexer(rows.sites)[rows.site[part]]
    point, minutes = rows.point[part], rows.minutes[part]
    least = np.full(len(rows.points), np.inf)
    np.minimum.at(least, point, minutes)
    first = np.full(len(rows.points), len(names), dtype=np.int64)
    closest = minutes == least[point]
    np.minimum.at(first, point[closest], site[closest])
    return _Nearest(least, np.where(np.isfinite(least), first, -1))


def _best(near: list[_Nearest]) -> tuple[Ints, _Nearest]:
    """Return per point the mode with the least minutes (of equals the first; -1 where none) and what it leads to."""
    minutes = np.stack([nearest.minutes for nearest in near])
    mode = minutes.argmin(axis=0)
    everyone = np.arange(minutes.shape[1])
    best = _Nearest(minutes[mode, everyone], np.stack([nearest.site for nearest in near])[mode, everyone])
    return np.where(np.isfinite(best.minutes), mode, -1), best


def _weights(cell: Ints, people: Floats, nearest: _Nearest, count: int) -> Floats:
    """Return what each point counts in its cell: its people if reached, or 1 where these points have no people."""
    reached = np.isfinite(nearest.minutes)
    known = np.where(reached, people, 0.0)
    nobody = np.bincount(cell, weights=known, minlength=count) == 0
    return np.where(reached & nobody[cell], 1.0, known)


def _means(cell: Ints, values: Floats, weights: Floats, count: int) -> Floats:
    finite = np.where(np.isfinite(values), values, 0.0)
    return np.round(_ratios(cell, finite * weights, weights, count), 6)


def _ratios(cell: Ints, part: Floats, whole: Floats, count: int) -> Floats:
    """Return sum of `part` over sum of `whole` for each cell, missing where the latter is nothing."""
    above = np.bincount(cell, weights=part, minlength=count)
    below = np.bincount(cell, weights=whole, minlength=count)
    ratios: Floats = np.divide(above, below, out=np.full(count, np.nan), where=below > 0)
    return ratios


def _commonest(cell: Ints, label: Ints, weights: Floats, count: int) -> Ints:
    """Return for each cell the label with the greatest weight, of equals the first; -1 where no point has one."""
    labelled = label >= 0
    pairs, inverse = np.unique(np.stack([cell[labelled], label[labelled]]), axis=1, return_inverse=True)
    sums = np.bincount(inverse.reshape(-1), weights=weights[labelled], minlength=pairs.shape[1])
    order = np.lexsort((pairs[1], -sums, pairs[0]))
    cells, first = np.unique(pairs[0][order], return_index=True)
    result = np.full(count, -1, dtype=np.int64)
    result[cells] = pairs[1][order][first]
    return result


def _labels(positions: Ints, names: pd.Index) -> npt.NDArray[np.object_]:
    """Return the names at the positions, None at -1."""
    return np.append(names.to_numpy(dtype=object), [None])[positions]
