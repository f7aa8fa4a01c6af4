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
        Index `site`; the columns named in `weights` hold numbers of 0 or more.
    weights
        Column to weight, one at least other than 0. Only their proportions matter. Of a column more is better; with a
        weight below 0, such as that of costs, less is: it counts 1 - value / largest.

    Returns
    -------
    Index as `table`; `score` (rounded to six decimals) and `rank` (1 is best, equal scores share the smallest rank).
    A site with a missing value in a column of weight has neither.

    Raises
    ------
    StudyError
        For a column that the table does not have, weights of 0 alone, or values below 0.

    Examples
    --------
    >>> table = sp.reach(times, people, minutes=[15])
    >>> sp.score_sites(table, {"people_walk_15": 2, "workers_walk_15": 1})["score"].nlargest(2).round(1).to_dict()
    {'S05': 100.0, 'S01': 99.4}
    """
    used = _checked_weights(table, weights)
    total = sum(map(abs, used.values()))
    score = np.zeros(len(table))
    for column in sorted(used):  # in one order, so that the order of the weights changes no bit
        values = _checked_values(table, column)
        largest = np.nanmax(values, initial=0.0)
        part = values / largest if largest > 0 else values
        score += abs(used[column]) / total * (part if used[column] > 0 else 1 - part)
    scores = pd.Series(np.round(100 * score, 6), index=table.index)
    return pd.DataFrame({"score": scores, "rank": scores.rank(method="min", ascending=False).astype("Int64")})


def _checked_weights(table: pd.DataFrame, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights other than 0 after checking all of them."""
    for column, weight in weights.items():
        if column not in table.columns:
            raise StudyError(_unknown_column(column, list(map(str, table.columns))))
        if not np.isfinite(weight):
            raise StudyError(f"score: the weight of {column} is {weight}, expected a number")
    used = {column: float(weight) for column, weight in weights.items() if weight}
    if not used:
        raise StudyError("score: all weights are 0. Give one column or more a weight, such as people_walk_15: 1")
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
        raise StudyError(f"score: column {column} is below 0 at site '{where}', expected 0 or more")
    return values
