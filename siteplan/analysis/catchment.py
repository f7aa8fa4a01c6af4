"""Desks per person: floating catchments, in which those who share a telecentre also share its desks."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.reach import check_limits
from siteplan.catalogue import PEOPLE, Measure
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, Reach, ratio, site_positions, sums

__all__ = ["E2SFCA_STEPS", "Catchment", "catchment_access"]

# Weights of the zones that end at these minutes (Luo & Qi 2009; also the defaults of PySAL access).
E2SFCA_STEPS: Mapping[float, float] = {10.0: 1.0, 20.0: 0.68, 30.0: 0.22}


@dataclass(frozen=True)
class Catchment:
    """What `catchment_access` returns.

    points  index `point`; a column `desks_per_person_<mode>` each
    sites   columns `mode`, `site`, `desks`, `demand` (weighted people in the catchment), `desks_per_person` (missing
            where nobody is in the catchment)
    """

    points: pd.DataFrame
    sites: pd.DataFrame


@door()
def catchment_access(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    steps: Mapping[float, float] | float = 15.0,
    group: str = "people",
) -> Catchment:
    """Count the desks that each person can reach, shared with all others who can reach them.

    First each site's desks are divided by the people in its catchment, then each point sums this over the sites in its
    own (2SFCA, Luo & Wang 2003); with several steps, people count by the weight of the zone they are in, both times
    (E2SFCA, Luo & Qi 2009). People times desks per person, summed, is the number of desks that anybody reaches.

    Parameters
    ----------
    times, people
        As for `reach`, computed as far as the last step.
    sites
        Index `site`, columns `status` and `capacity` (desks). Existing and required sites count.
    steps
        One limit in minutes, or weights by the minutes at which their zones end, such as `E2SFCA_STEPS`.
    group
        Who shares the desks: `people` or one of the groups.

    Returns
    -------
    Catchment

    Raises
    ------
    InputError
        As for `reach`; if no existing or required site is given, or one has no capacity.
    StudyError
        For limits that are not more than 0 and weights that are not 0 to 1 or that rise.

    Examples
    --------
    >>> two = sites.loc[["S01", "S02"]]
    >>> walks = sp.travel_times(streets, two, people, mode="walk", minutes=20)
    >>> sp.catchment_access(walks, people, two, steps={10: 1, 20: 0.68}).sites.round(4)
       mode site  desks    demand  desks_per_person
    0  walk  S01   40.0  10143.52            0.0039
    1  walk  S02   24.0   6520.68            0.0037
    """
    weights = _checked_steps(steps)
    asked = Reach.of(times, people)
    amount, desks = asked.people.amount(group), _desks(asked.sites, sites)
    columns: dict[str, Floats] = {}
    tables = []
    for mode in asked.names:
        pairs = asked.pairs(mode)
        weight = np.where(np.isnan(desks[pairs.site]), 0.0, _weights(pairs.minutes, weights))
        demand = asked.by_site(pairs, amount, weight)
        each = ratio(desks, demand)
        share = np.nan_to_num(each)[pairs.site] * weight
        columns[Measure("desks_per_person", PEOPLE, mode).column] = sums(pairs.point, share, len(asked.points))
        of_mode = pd.DataFrame(
            {"mode": mode, "site": asked.sites.astype(str), "desks": desks, "demand": demand, "desks_per_person": each}
        )
        tables.append(of_mode[~np.isnan(desks)])
    return Catchment(pd.DataFrame(columns, index=asked.points), pd.concat(tables, ignore_index=True))


def _checked_steps(steps: Mapping[float, float] | float) -> dict[float, float]:
    given = dict(steps) if isinstance(steps, Mapping) else {float(steps): 1.0}
    check_limits(list(given))
    ordered = {float(limit): float(given[limit]) for limit in sorted(given)}
    weights = list(ordered.values())
    if not all(0 <= weight <= 1 for weight in weights) or weights != sorted(weights, reverse=True) or not weights[0]:
        raise StudyError(f"steps: weights {weights} by rising minutes, expected 1 to 0, none more than the one before")
    return ordered


def _weights(minutes: Floats, steps: Mapping[float, float]) -> Floats:
    """Return the weight of the first zone that ends at these minutes or later; beyond the last, nothing."""
    zone = np.searchsorted(np.array(list(steps)), minutes, side="left")
    return np.append(np.array(list(steps.values())), 0.0)[zone]


def _desks(labels: pd.Index, sites: pd.DataFrame) -> Floats:
    """Return the desks of each site of the times; missing is a site that does not count."""
    positions = site_positions(labels, sites.index)
    missing = [name for name in ("status", "capacity") if name not in sites.columns]
    if missing:
        raise InputError(f"sites: no column {', '.join(missing)}; capacity is the number of desks")
    known = sites.iloc[positions]
    counts = known["status"].isin(["existing", "required"])
    if not counts.any():
        raise InputError("sites: none is existing or required, so there are no desks; set the status of those that are")
    capacity = known["capacity"].astype(float)
    bare = known.index[counts & ~(capacity >= 0)]
    if len(bare):
        raise InputError(
            f"sites: {len(bare):,} existing or required sites have no capacity, first '{bare[0]}'. "
            "Give each its number of desks"
        )
    return np.where(counts.to_numpy(), capacity.to_numpy(), np.nan)
