"""Who gains and who loses between two states of the same place."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from siteplan.analysis.equity import groups_first, least_minutes, splits
from siteplan.analysis.reach import check_limits
from siteplan.errors import InputError
from siteplan.inputs.times import Floats, people_amounts, time_rows

__all__ = ["gained_lost"]


def gained_lost(
    before_times: pd.DataFrame,
    after_times: pd.DataFrame,
    people: pd.DataFrame,
    territories: pd.Series | Mapping[str, pd.Series] | None = None,
    *,
    minutes: Sequence[float] = (15, 20),
    groups: Sequence[str] | None = None,
    opened_before: Collection[str] | None = None,
    opened_after: Collection[str] | None = None,
    people_after: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count who gains and who loses a site within the limits, by territory, group and mode.

    Parameters
    ----------
    before_times, after_times
        Times tables before and after the change. A mode that one of them lacks reaches nobody there.
    people, territories, minutes, groups
        As for `access_shares`.
    opened_before, opened_after
        The sites that count before and after; None takes all of the table.
    people_after
        The same points after the change, where people came or went; None: as before.

    Returns
    -------
    Columns `split`, `territory`, `group` (groups first), `mode`, `minutes`, `people` (after), `before`, `after`
    (people with a site within the limit), `gained`, `lost`, `unchanged`. In every row before = unchanged + lost and
    after = unchanged + gained, so gained - lost = after - before, and the territories of a split sum to the total.

    Raises
    ------
    InputError
        As for `access_shares`, and for points of `people_after` that are not those of `people`.
    StudyError
        For limits that are not more than 0.
    """
    limits = check_limits(minutes)
    points, amounts = people_amounts(people, groups)
    names = [name for name in amounts if name != "people"]
    later_points, later = (points, amounts) if people_after is None else people_amounts(people_after, names)
    if not later_points.equals(points):
        raise InputError(
            f"people_after: {len(later_points):,} points, not those of people ({len(points):,}). "
            "Give both tables the same points, with 0 people where nobody lives"
        )
    before = least_minutes(time_rows(before_times, points), opened_before)
    after = least_minutes(time_rows(after_times, points), opened_after)
    nobody = np.full(len(points), np.inf)
    modes = list(dict.fromkeys([*before, *after]))
    modes.sort(key=lambda mode: mode == "best")  # the best of all stays the last
    tables = []
    for split, code, labels in splits(people, points, territories):
        for group, amount in groups_first(amounts):
            for mode in modes:
                for limit in limits:
                    had = np.where(before.get(mode, nobody) <= limit, amount, 0.0)
                    has = np.where(after.get(mode, nobody) <= limit, later[group], 0.0)

                    def sums(values: Floats, code: np.ndarray = code, size: int = len(labels)) -> Floats:
                        return np.bincount(code, weights=values, minlength=size).astype(np.float64)

                    kept, gained = sums(np.minimum(had, has)), sums(np.maximum(has - had, 0.0))
                    lost = sums(np.maximum(had - has, 0.0))
                    tables.append(
                        pd.DataFrame(
                            {
                                "split": split,
                                "territory": labels,
                                "group": group,
                                "mode": mode,
                                "minutes": limit,
                                "people": sums(later[group]),
                                "before": kept + lost,
                                "after": kept + gained,
                                "gained": gained,
                                "lost": lost,
                                "unchanged": kept,
                            }
                        )
                    )
    return pd.concat(tables, ignore_index=True)
