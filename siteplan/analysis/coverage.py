"""Who has an open site, by which way: every mode and all of them together, side by side."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import PEOPLE
from siteplan.inputs.sites import OPEN
from siteplan.publics import HOME, PUBLIC
from siteplan.reachable import Bools, Reach

__all__ = ["by_way", "openings_of"]


def openings_of(sites: pd.DataFrame, reach: Reach, chosen: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return what may be open, and the sites that then are: `today` (if any are), `chosen` (if any are), `all`."""
    known = set(reach.sites.astype(str))  # a table of the user's own may leave out who reaches nobody
    status = sites["status"].set_axis(sites.index.astype(str))
    today = list(status.index[status.isin(OPEN)])
    named = {"today": today, "chosen": [*dict.fromkeys([*today, *map(str, chosen)])] if len(chosen) else []}
    named = {name: opened for name, opened in named.items() if opened}
    named |= {"all": list(status.index[status != "excluded"])}
    return {name: [site for site in opened if site in known] for name, opened in named.items()}


def by_way(
    reach: Reach,
    openings: Mapping[str, Collection[str]],
    limits: Sequence[float] | Mapping[str, Sequence[float]],
    *,
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count the people and groups who have an open site within each limit, by each mode and by the best of them.

    Terminal, tables and pages all tell what is counted here. Where sites may be full, those who find no room are
    counted, too: they have a site within reach.

    Parameters
    ----------
    reach
        Who is how far from which site; its people may be split into publics, as `by_public` does.
    openings
        What may be open, such as `openings_of` gives it.
    limits
        In the unit of the reach: of all modes, or by mode, and then of `best` as well.
    groups
        Columns to count beside people; None takes all.

    Returns
    -------
    One row each: `open`, `public` (`total`, then each where there are some), `group` (people first), `mode` (each, then
    `best` where there are several), `minutes` (or `metres`), `people` in all, `covered` of them, `share` (missing where
    there is nobody).
    """
    of = limits if isinstance(limits, Mapping) else dict.fromkeys(reach.names, limits)
    parts = {TOTAL: np.ones(len(reach.points), dtype=bool)} | _publics(reach)
    amounts = reach.people.amounts(groups)
    rows = []
    for name, opened in openings.items():
        least = reach.least_by_mode(opened)
        for public, here in parts.items():
            for group in (PEOPLE, *(each for each in amounts if each != PEOPLE)):
                amount = np.where(here, amounts[group], 0.0)
                whole = float(amount.sum())
                for mode, minutes in least.items():
                    for limit in of[mode]:
                        covered = float(np.where(minutes <= limit, amount, 0.0).sum())
                        share = covered / whole if whole else np.nan
                        rows.append((name, public, group, mode, limit, whole, covered, share))
    columns = ["open", "public", "group", "mode", reach.unit, "people", "covered", "share"]
    return pd.DataFrame(rows, columns=columns)


def _publics(reach: Reach) -> dict[str, Bools]:
    """Return which points are of each public, in their order; nothing where there are not several."""
    table = reach.people.table
    if HOME not in table:
        return {}
    of = table[PUBLIC].astype("category")
    return {str(name): (of == name).to_numpy() for name in of.cat.categories} if len(of.cat.categories) > 1 else {}
