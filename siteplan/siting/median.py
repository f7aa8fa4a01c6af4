"""Where `count` sites cost people the least on the way: p-median of any size, with a bound that proves how good.

The p-median (Hakimi 1964) opens `count` sites so that the sum of weight x cost to the nearest open one is least. Who
has no open site within reach costs `penalty`; so with cost 0 for a pair within the limit and penalty 1, the same search
covers the most people (MCLP, Church & ReVelle 1974).
"""

from dataclasses import replace

import numpy as np

from siteplan.errors import StudyError
from siteplan.siting.demands import Demands, Flags, rows_of
from siteplan.siting.search import Conditions, Effort, MedianResult, Search
from siteplan.siting.work import VISITS, Work

__all__ = ["median_search", "median_within"]


def median_search(
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None = None,
    barred: Flags | None = None,
    effort: Effort | None = None,
    under: Conditions | None = None,
) -> MedianResult:
    """Choose the `count` sites for which the weighted cost to the nearest one is least, and prove how good they are.

    Parameters
    ----------
    demands
        Who wants how much, and what each site costs.
    count
        How many to open, the fixed ones among them.
    fixed, barred (sites,)
        Sites open in any case; sites that may not open.
    effort
        When the search ends; None: as `Effort` says.
    under
        What else must hold: the bound then counts that, and nothing is searched but what `polish` makes of it.

    Returns
    -------
    The best set found; its `gap` may be larger than asked for where the limits ended the search.

    Raises
    ------
    StudyError
        `count` is less than the fixed sites or more than those not barred; weights, costs or the penalty are negative
        or missing.

    Notes
    -----
    Where all weights and costs are whole, so is the objective, and a bound above the objective less 1 proves it.
    The answer does not depend on the order of the pairs of a demand. Ties go to the site with the lower number.
    """
    effort, closed = effort or Effort(), np.zeros(demands.sites, dtype=bool)
    is_fixed, is_barred = (closed.copy() if flags is None else flags.copy() for flags in (fixed, barred))
    _check_count(count, is_fixed, is_barred)
    search = Search(rows_of(demands, is_barred), count, is_fixed, is_barred, effort=effort, under=under)
    search.start()
    if effort.iterations > 0 and not search.closed():
        search.bound_root(effort.iterations)
    if under is None and not search.closed():
        search.restart(effort.restarts)
    if effort.iterations > 0 and effort.nodes > 0 and not search.closed():
        search.branch(effort.nodes)
    return search.result()


def median_within(
    work: Work,
    demands: Demands,
    count: int,
    *,
    fixed: Flags | None,
    barred: Flags | None,
    effort: Effort,
    under: Conditions | None = None,
) -> MedianResult:
    """Return what `median_search` finds with the work that is left, and count what it took."""
    effort = replace(effort, visits=work.visits, seconds=work.left)
    found = median_search(demands, count, fixed=fixed, barred=barred, effort=effort, under=under)
    work.spend(found.visits / VISITS)
    if found.late:
        work.cut()
    return found


def _check_count(count: int, fixed: Flags, barred: Flags) -> None:
    """Refuse what has no answer."""
    if (fixed & barred).any():
        raise StudyError(f"siting: site {int(np.flatnonzero(fixed & barred)[0])} is both fixed and barred")
    if not max(1, int(fixed.sum())) <= count <= int((~barred).sum()):
        raise StudyError(
            f"siting: {count} sites cannot be chosen from {int((~barred).sum())} of which {int(fixed.sum())} are fixed"
        )
