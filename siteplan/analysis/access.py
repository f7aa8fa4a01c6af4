"""How near the people of each cell are: least minutes, nearest site, best mode, share within a limit."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.analysis.reach import within_limits
from siteplan.catalogue import BEST, PEOPLE, Measure
from siteplan.doors import door
from siteplan.reachable import Bools, Floats, Ints, Nearest, Reach, ratio, sums
from siteplan.units import Limits

__all__ = ["cell_access"]


@door()
def cell_access(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None = None,
    *,
    minutes: Limits = (15, 20),
    opened: Collection[str] | Bools | None = None,
) -> pd.DataFrame:
    """Tell for each cell how far the nearest site is, which one it is, and for how many people it is within a limit.

    Parameters
    ----------
    times, people
        As for `reach`; people need the column `cell`.
    minutes
        The limits of the shares; by mode as for `reach`.
    opened
        The sites that count, of which one can be the nearest; None takes all.

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

    Examples
    --------
    >>> nearest = sp.cell_access(times, people, minutes=[15])
    >>> nearest[["minutes_walk", "site_walk", "covered_walk_15"]].dropna().round(1).head(2)
                                    minutes_walk site_walk  covered_walk_15
    cell
    CRS3035RES200mN2608000E3811400          19.5       S27              0.0
    CRS3035RES200mN2608200E3812200          19.3       S27              0.0
    """
    asked, limits = within_limits(Reach.of(times, people), minutes)
    limits.setdefault(BEST, limits[asked.names[-1]])
    near_by_mode = asked.nearest_by_mode(opened)
    people_at = asked.people.amount("people")
    codes, of_cells = pd.factorize(asked.people.cell)  # cells in the order of their first point
    cell, labels = codes.astype(np.int64), pd.Index(of_cells, name="cell")
    by_name = asked.sites.argsort()  # of equals the first by name, so that ties do not hang on the order of sites
    rank = np.append(np.argsort(by_name), -1)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for mode, near in near_by_mode.items():
        weights = _weights(cell, people_at, near, len(labels))
        commonest = _commonest(cell, rank[near.site], weights, len(labels))
        columns[Measure("minutes", PEOPLE, mode).column] = _means(cell, near.minutes, weights, len(labels))
        columns[Measure("site", PEOPLE, mode).column] = _labels(commonest, asked.sites[by_name])
        for limit in limits[mode]:
            covered = np.where(near.minutes <= limit, people_at, 0.0)
            shares = _ratios(cell, covered, people_at, len(labels))
            columns[Measure("covered", PEOPLE, mode, limit).column] = shares
    columns["mode_best"] = _labels(_commonest(cell, near.mode, weights, len(labels)), pd.Index(asked.modes))
    return pd.DataFrame(columns, index=labels)


def _weights(cell: Ints, people: Floats, nearest: Nearest, count: int) -> Floats:
    """Return what each point counts in its cell: its people if reached, or 1 where these points have no people."""
    reached = np.isfinite(nearest.minutes)
    known = np.where(reached, people, 0.0)
    nobody = sums(cell, known, count) == 0
    return np.where(reached & nobody[cell], 1.0, known)


def _means(cell: Ints, values: Floats, weights: Floats, count: int) -> Floats:
    finite = np.where(np.isfinite(values), values, 0.0)
    return np.round(_ratios(cell, finite * weights, weights, count), 6)


def _ratios(cell: Ints, part: Floats, whole: Floats, count: int) -> Floats:
    """Return sum of `part` over sum of `whole` for each cell, missing where the latter is nothing."""
    return ratio(sums(cell, part, count), sums(cell, whole, count))


def _commonest(cell: Ints, label: Ints, weights: Floats, count: int) -> Ints:
    """Return for each cell the label with the greatest weight, of equals the first; -1 where no point has one."""
    labelled = label >= 0
    span = int(label.max(initial=0)) + 1
    pairs, inverse = np.unique(cell[labelled] * span + label[labelled], return_inverse=True)
    heaviest = -sums(inverse, weights[labelled], len(pairs))
    order = np.lexsort((pairs, heaviest, pairs // span))
    cells, first = np.unique(pairs // span, return_index=True)
    result = np.full(count, -1, dtype=np.int64)
    result[cells] = (pairs % span)[order][first]
    return result


def _labels(positions: Ints, names: pd.Index) -> npt.NDArray[np.object_]:
    """Return the names at the positions, None at -1."""
    return np.append(names.to_numpy(dtype=object), [None])[positions]
