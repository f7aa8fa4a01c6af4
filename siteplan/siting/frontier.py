"""What so much money buys at best: the frontier of cost against what a set is worth."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.errors import StudyError
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.siting.choose import choose_sites

__all__ = ["budget_steps", "cost_frontier"]

SAME = 1e-9  # of a value: less is no difference
BEYOND = 1.25  # times what the chosen set costs: what a little more money would buy


def budget_steps(cost: float, steps: int) -> list[float]:
    """Give budgets from nothing to a cost in equal steps, and one a quarter above it."""
    return [*np.linspace(0.0, cost, steps + 1).tolist(), BEYOND * cost] if cost > 0 and steps else []


def cost_frontier(
    reach: Reach,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question,
    budgets: Sequence[float],
    *,
    territory: pd.Series | None = None,
) -> pd.DataFrame:
    """Choose the best set within each budget, however many sites that are, under the question's other conditions.

    Parameters
    ----------
    reach, sites, territory
        As for `choose_sites`.
    question
        What is asked; how many sites and which phases are not heeded. The effort is shared out.
    budgets
        In rising order.

    Returns
    -------
    Columns `budget`, `cost`, `sites` (open in all), `value` and `bound` (of the objective), `opens` (ids of the new
    sites), by rising cost. Each row is worth more than those before it: a budget that buys nothing better than a
    smaller one has none, nor has one too small to meet the conditions.

    Raises
    ------
    InputError
        As `choose_sites`.
    """
    bare = {"sites": None, "phases": (), "phase_budgets": (), "least_regret": False, "frontier": 0}
    effort = question.effort / max(1, len(budgets))
    rows: dict[str, dict[str, object]] = {}
    for budget in budgets:
        asked = question.model_copy(update={**bare, "budget": float(budget), "effort": effort})
        try:
            found = choose_sites(reach, None, sites, asked, territory=territory)
        except StudyError:
            continue
        told = _told(found)
        rows.setdefault(str(told["opens"]), {"budget": float(budget), **told})
    table = pd.DataFrame(list(rows.values()), columns=["budget", "cost", "sites", "value", "bound", "opens"])
    # Of equals at one cost the better stays; who costs more must be worth more.
    worth = question.goal.better * table["value"].astype(float)
    order = np.lexsort((-worth, table["cost"].astype(float)))
    rising = worth.iloc[order]
    before = rising.cummax().shift(fill_value=-np.inf)
    better = rising > before + SAME * rising.abs()
    return table.iloc[order[better.to_numpy()]].reset_index(drop=True)


def _told(found: Choice) -> dict[str, object]:
    new = found.sites.index[found.sites["status"] != "existing"]
    figures = {"cost": found.summary["cost"], "sites": found.summary["sites"]}
    return {**figures, "value": found.value, "bound": found.bound, "opens": ", ".join(map(str, new))}
