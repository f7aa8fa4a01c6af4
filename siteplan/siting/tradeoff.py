"""People against criteria: the best sets for the people at each mean of what else sites are judged by."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question, Quota
from siteplan.errors import StudyError
from siteplan.reachable import Bools, Reach
from siteplan.siting.choice import Choice
from siteplan.siting.choose import choose_sites

__all__ = ["criteria_frontier"]

LEAD = "criteria figure above the mean asked for"  # a column of the sites, in no file
ROUNDING = 1e-6
STEP = 1e-4  # points by which a mean must be larger to be another one
MOST_TIES = 20


def criteria_frontier(
    reach: Reach,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question,
    choice: Choice,
    *,
    figures: pd.Series,
    steps: int,
    territory: pd.Series | None = None,
) -> pd.DataFrame:
    """Choose the set that serves most, of those whose new sites have at least some mean figure, for rising means.

    This is the method of constraints (Haimes, Lasdon & Wismer 1971): it finds what no sum of people and criteria with
    hidden weights would.

    Parameters
    ----------
    reach, sites, territory
        As for `choose_sites`.
    question
        What is asked; of phases, the last. The effort is shared out.
    choice
        What the study chose.
    figures
        What each site is worth by the criteria, 0 to 100; a site that is not among them counts 0.
    steps
        How many means are tried, in equal steps from that of the choice to the largest that any new sites can have.

    Returns
    -------
    Columns `least_mean` (asked for), `mean` (of the new sites), `value`, `bound` (of the objective), `sites`, `cost`,
    `opens` (ids of the new sites), `chosen` (whether that is the choice). Means that no set can have have no row, nor
    has a set that another is better than in both, unless it is the choice: of phases, it may be.
    """
    table = sites.set_axis(sites.index.astype(str))
    own = figures.set_axis(figures.index.astype(str)).astype(float).reindex(table.index).fillna(0.0)
    new = (table["status"] if "status" in table else pd.Series("candidate", table.index)) != "existing"
    bare = {
        "phases": (),
        "phase_budgets": (),
        "least_regret": False,
        "frontier": 0,
        "effort": question.effort / (2 * steps),
    }
    bare["sites"] = question.phases[-1] if question.phases else question.sites
    bare["budget"] = question.phase_budgets[-1] if question.phase_budgets else question.budget
    first = choice
    if question.phases or question.phase_budgets:
        first = choose_sites(reach, None, sites, question.model_copy(update=bare), territory=territory)
    rows = [{"least_mean": 0.0, **_told(each, own)} for each in ([choice] if first is choice else [choice, first])]
    free = own[new & (table["status"] != "excluded").to_numpy()] if "status" in table else own
    room = int((choice.sites["status"] != "existing").sum())
    if not room or free.empty:
        return _best(rows, falls=question.goal.remaining)
    most = float(np.sort(free.to_numpy())[::-1][:room].mean()) if bare["sites"] else float(free.max())

    def served(least: float) -> dict[str, Any] | None:
        """Give the set that serves most of those with such a mean."""
        # The mean of the new ones is at least so much where what each is above it adds up to nothing or more.
        lead = np.where(new, own - (least - ROUNDING), 0.0)
        quotas = (*question.quotas, Quota.model_validate({"column": LEAD, "total_at_least": 0.0}))
        asked = question.model_copy(update={**bare, "quotas": quotas})
        try:
            found = choose_sites(reach, None, table.assign(**{LEAD: lead}), asked, territory=territory)
        except StudyError:
            return None
        return {"least_mean": float(least), **_told(found, own)}

    starts: list[dict[str, Any] | None] = [rows[-1]]
    starts += [served(least) for least in np.linspace(float(rows[-1]["mean"]), most, steps + 1)[1:]]
    for start in starts:
        here, value = start, None if start is None else start["value"]
        for _ in range(MOST_TIES):  # of several that serve as many, the one with the largest mean
            if here is None or value is None or abs(here["value"] - value) > ROUNDING * abs(value):
                break
            rows.append(here)
            here = served(float(here["mean"]) + STEP)
    return _best(rows, falls=question.goal.remaining)


def _best(rows: list[dict[str, Any]], *, falls: bool) -> pd.DataFrame:
    """Keep the choice, which is the first row, and what no other row beats, each set once, by rising mean."""
    told = pd.DataFrame(rows).drop_duplicates("opens")
    told["chosen"] = np.arange(len(told)) == 0
    kept = told[told["chosen"].to_numpy() | ~_beaten(told, falls=falls)]
    return kept.sort_values(["mean", "value", "opens"], kind="stable").reset_index(drop=True)


def _told(found: Choice, figures: pd.Series) -> dict[str, Any]:
    new = found.sites.index[found.sites["status"] != "existing"].astype(str)
    mean = float(figures.loc[new].mean()) if len(new) else 0.0
    value = {"mean": mean, "value": found.value, "bound": found.bound, "sites": len(found.sites)}
    return {**value, "cost": found.summary["cost"], "opens": ", ".join(new)}


def _beaten(told: pd.DataFrame, *, falls: bool) -> Bools:
    """Tell which rows another one beats: as good in mean and value, and better in one of them."""
    mean, value = told["mean"].to_numpy(float), told["value"].to_numpy(float) * (-1 if falls else 1)
    little = ROUNDING * np.abs(value).max()
    as_good = (mean[:, None] <= mean + ROUNDING) & (value[:, None] <= value + little)
    better = (mean[:, None] < mean - ROUNDING) | (value[:, None] < value - little)
    beaten: Bools = np.any(as_good & better, axis=1)
    return beaten
