"""Places where a reader may try a new site, and whom one there would reach: packed for the page."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siteplan.output.maps.plan import gaps
from siteplan.output.maps.shapes import encode
from siteplan.words import Tongues, word

__all__ = ["MOST_TRIALS", "pack_levels", "trial_data", "why_none"]

MOST_TRIALS = 900_000  # characters; half of what the areas of sites may take


def trial_data(trials: pd.DataFrame, labels: pd.Index) -> dict[str, Any]:
    """Pack the places, and for each by mode the points that it reaches.

    Parameters
    ----------
    trials
        `place`, `lon`, `lat`, `mode`, `point` and `minutes`, the shortest limit within which it is reached.
    labels
        All points of the page, in its order.

    Returns
    -------
    dict
        `places`: latitude and longitude of each; `limits`, rising; `ways`: by mode and place the packed points, each
        with the position of its limit.
    """
    place, first = np.unique(trials["place"].to_numpy(), return_index=True)
    limits = np.unique(trials["minutes"].to_numpy(dtype=float))
    point, level = labels.get_indexer(pd.Index(trials["point"])), np.searchsorted(limits, trials["minutes"])
    at = np.searchsorted(place, trials["place"])
    mode = trials["mode"].astype(str).to_numpy()
    ways = {}
    for name in dict.fromkeys(mode):
        rows = np.flatnonzero((mode == name) & (point >= 0))
        rows = rows[np.lexsort((point[rows], at[rows]))]
        cuts = np.searchsorted(at[rows], np.arange(len(place) + 1))
        ways[str(name)] = pack_levels(point[rows], level[rows], cuts)
    spots = trials[["lat", "lon"]].to_numpy()[first]
    return {"places": spots.tolist(), "limits": limits.tolist(), "ways": ways}


def pack_levels(points: NDArray[np.int64], levels: NDArray[np.int64], cuts: NDArray[np.int64]) -> list[str]:
    """Pack the levels of some points (ascending): how many are skipped, how many of one level follow, and the level.

    One text of each `points[cuts[k]:cuts[k + 1]]`.
    """
    gap, first = gaps(points, cuts)
    starts = np.union1d(np.flatnonzero((gap > 0) | (np.diff(levels, prepend=-1) != 0)), first)
    lengths = np.diff(np.append(starts, len(points)))
    runs = np.stack([gap[starts], lengths, levels[starts]], axis=1).ravel()
    return encode(runs, 3 * np.searchsorted(starts, cuts))


def why_none(reason: str, tongues: Tongues) -> dict[str, Any]:
    """Say in the words of that key why no site can be tried on a page."""
    return {"why": word(tongues, reason)}
