"""One figure per site out of several, with stated weights."""

import difflib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from siteplan.doors import door
from siteplan.errors import StudyError

__all__ = ["score_sites"]


@door()
def score_sites(table: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Score sites from 0 to 100: the weighted mean of each column over its largest value, and their ranks.

    A site scores 100 if it is the best in every weighted column. The score is relative to the sites in the table: with
    other sites it changes. A weighted sum of normalised criteria is the plainest of the multi-criteria methods
    (simple additive weighting: Hwang & Yoon 1981).

    Parameters
    ----------
    table
        Index `site`; the columns named in `weights` hold numbers of 0 or more, of which more is better.
    weights
        Column to weight, each 0 or more and one at least above 0. Only their proportions matter.

    Returns
    -------
    Index as `table`; `score` (rounded to six decimals) and `rank` (1 is best, equal scores share the smallest rank).
    A site with a missing value in a column of weight above 0 has neither.

    Raises
    ------
    StudyError
        For a column that the table does not have, or weights or values below 0.

    Examples
    --------
    >>> table = sp.reach(times, people, minutes=[15])
    >>> sp.score_sites(table, {"people_walk_15": 2, "workers_walk_15": 1})["score"].nlargest(2).round(1).to_dict()
    {'S05': 100.0, 'S01': 99.4}
    """
    used = _checked_weights(table, weights)
    total = sum(used.values())
    score = np.zeros(len(table))
    for column in sorted(used):  # in one order, so that the order of the weights changes no bit
        values = _checked_values(table, column)
        largest = np.nanmax(values, initial=0.0)
        score += used[column] / total * (values / largest if largest > 0 else values)
    scores = pd.Series(np.round(100 * score, 6), index=table.index)
    return pd.DataFrame({"score": scores, "rank": scores.rank(method="min", ascending=False).astype("Int64")})


def _checked_weights(table: pd.DataFrame, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights above 0 after checking all of them."""
    for column, weight in weights.items():
        if column not in table.columns:
            raise StudyError(_unknown_column(column, list(map(str, table.columns))))
        if not 0 <= weight < np.inf:
            raise StudyError(f"score: the weight of {column} is {weight}, expected 0 or more")
    used = {column: float(weight) for column, weight in weights.items() if weight > 0}
    if not used:
        raise StudyError("score: no weight is above 0. Give one column or more a weight, such as people_walk_15: 1")
    return used


def _unknown_column(column: str, known: list[str]) -> str:
    close = difflib.get_close_matches(column, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"score: no column {column}.{hint} Columns are {', '.join(known)}"


def _checked_values(table: pd.DataFrame, column: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    try:
        values = table[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise StudyError(f"score: column {column} holds {table[column].dtype}, expected numbers") from error
    if (values < 0).any():
        where = table.index[int((values < 0).argmax())]
        raise StudyError(f"score: column {column} is below 0 at site '{where}', expected 0 or more, more being better")
    return values
