"""Who gains and who loses between two states of the same place."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from siteplan.analysis.equity import below_each_other, places_and_groups
from siteplan.analysis.reach import limits_by_name
from siteplan.catalogue import BEST
from siteplan.doors import door
from siteplan.errors import InputError
from siteplan.reachable import People, Reach
from siteplan.units import Limits

__all__ = ["gained_lost"]


ROW = ("site", "point", "minutes")


@door(before_times=ROW, after_times=ROW, people_after=("people",))
def gained_lost(
    before_times: pd.DataFrame | Reach,
    after_times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    territories: pd.Series | Mapping[str, pd.Series] | None = None,
    *,
    minutes: Limits = (15, 20),
    groups: Sequence[str] | None = None,
    opened_before: Collection[str] | None = None,
    opened_after: Collection[str] | None = None,
    people_after: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count who gains and who loses a site within the limits, by territory, group and mode.

    Parameters
    ----------
    before_times, after_times
        Times tables before and after the change, or a `Reach` each. A mode that one of them lacks reaches nobody there;
        the best of a single mode is that mode.
    people, territories, minutes, groups
        As for `access_shares`.
    opened_before, opened_after
        The sites that count before and after; None takes all of the table.
    people_after
        The same points after the change, where people came or went; None: as before, or those of a `Reach`.

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

    Examples
    --------
    >>> fast = sp.travel_times(streets, sites.loc[["S01"]], people, mode=sp.WALK.with_(speed_kmh=6), minutes=15)
    >>> changes = sp.gained_lost(times[times["site"] == "S01"], fast, people, minutes=[15])
    >>> changes[["group", "before", "after", "gained", "lost"]]
         group  before    after  gained  lost
    0  workers  4172.0   4917.0   745.0   0.0
    1   age_65  2253.0   2635.0   382.0   0.0
    2   people  9437.0  11090.0  1653.0   0.0
    """
    before = Reach.of(before_times, people)
    there = before.people
    after = after_times if isinstance(after_times, Reach) else Reach.of(after_times, there)
    later = after.people if people_after is None else People.of(people_after)
    if not (later.points.equals(there.points) and after.points.equals(there.points)):
        raise InputError(
            f"people_after: {len(later.points):,} points, not those of people ({len(there.points):,}). "
            "Give both tables the same points, with 0 people where nobody lives"
        )
    modes = list(dict.fromkeys([*before.names, *after.names]))
    modes.sort(key=lambda mode: mode == BEST)  # the best of all stays the last
    limits = limits_by_name(minutes, modes)
    if isinstance(minutes, Mapping):
        longest = {mode: max(limits[mode]) for mode in modes if mode != BEST}
        before, after = before.no_longer(longest), after.no_longer(longest)
    sides = ((before, before.is_open(opened_before)), (after, after.is_open(opened_after)))
    # The best of one mode is that mode.
    had_least, has_least = ({mode: each.least(mode, opened) for mode in (*each.modes, BEST)} for each, opened in sides)
    nobody = np.full(len(there.points), np.inf)
    tables = []
    for keys, amount, total in places_and_groups(there, territories, groups, limits=limits):
        mode, limit, amount_after = keys["mode"], keys["minutes"], later.amount(keys["group"])
        had = np.where(had_least.get(mode, nobody) <= limit, amount, 0.0)
        has = np.where(has_least.get(mode, nobody) <= limit, amount_after, 0.0)
        kept, gained, lost = map(total, (np.minimum(had, has), np.maximum(has - had, 0.0), np.maximum(had - has, 0.0)))
        counts = {"before": kept + lost, "after": kept + gained, "gained": gained, "lost": lost, "unchanged": kept}
        tables.append(keys | {"people": total(amount_after)} | counts)
    return below_each_other(tables)
