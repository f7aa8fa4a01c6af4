"""Choose sites: the best set, how far it may be from the best possible, and why these and not others."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.config.choose import question_of
from siteplan.doors import door
from siteplan.errors import Key, StudyError, keys_named
from siteplan.reachable import Reach
from siteplan.siting.answer import Answer, answer
from siteplan.siting.check import check_choice
from siteplan.siting.choice import Choice
from siteplan.siting.explain import assigned, chosen_table, given, rejected_table
from siteplan.siting.problem import Floats, Ints, build_problem, sites_table
from siteplan.siting.value import shares

__all__ = ["choose_sites", "tell"]


@door()
def choose_sites(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question | Mapping[str, Any] | None = None,
    *,
    count: int | None = None,
    budget: float | None = None,
    minutes: float | None = None,
    mode: str | Sequence[str] | None = None,
    objective: str | None = None,
    territory: str | pd.Series | None = None,
) -> Choice:
    """Choose the sites that serve people best.

    Parameters
    ----------
    times, people
        As for `reach`. Where the times are metres, the limit is the question's `metres`: ``{"metres": 800}``.
    sites
        Index `site`; all optional: `name`, `status` (existing and required ones are open in any case, excluded ones
        never; without it all are candidates), `cost`, `capacity`. Points, where `spacing_m` is asked.
    question
        A `Question`, or its keys as a study file has them under `choose`: ``{"capacities": True, "floors": 0.3}``. Each
        is explained in the commented study file that `siteplan init` writes.
    count, budget, minutes, mode, objective
        The keys asked most (`count` is the question's `sites`); they stand above those of `question`.

        count: how many sites are open in the end, existing and required ones included. budget: what all sites cost that
        do not exist yet, at most; candidates without a cost are left out, with a warning. minutes: the limit; a person
        exactly at it is reached. mode: one, several, or None for the best of all.

        objective: coverage, most people within the limit (MCLP, Church & ReVelle 1974). share, fewest sites, or least
        cost, that cover a share of those who can be covered (LSCP, Toregas et al. 1971). median, least people-minutes
        to the nearest site (p-median, Hakimi 1964). center, least minutes for the farthest of those who can be reached,
        then least people-minutes (p-center). backup, most people with several sites within the limit (Hogan & ReVelle
        1986). gravity, most people, each counted by the decay of the minutes to the site that counts most.

        Without `minutes` the limit is 15, but for median and center there is none: every time of the table counts, and
        a table that ends sooner for some is warned of.
    territory
        For floors: a column of `people`, or a series by point. A point with NaN is in no territory and has no floor.

    Returns
    -------
    Choice
        Checked by `check_choice` against the tables. Median, coverage and gravity are first bounded by the best set
        without any condition but its number of sites. `effort` counts steps, the same on every machine; only an answer
        that `seconds` cut off, as its summary then says (`ended`), may differ from run to run.

    Raises
    ------
    InputError
        For tables that cannot be used.
    StudyError
        For options that make no sense, and where no set of sites meets the conditions: why, and what would do.

    Examples
    --------
    >>> choice = sp.choose_sites(times, people, sites, count=5, minutes=15)
    >>> list(choice.sites.index)
    ['S01', 'S02', 'S10', 'S08', 'S09']
    """
    reach = Reach.of(times, people, None)
    with keys_named(lambda key: "count" if key == "sites" and count is not None else key):
        asked = question_of(question, sites=count, budget=budget, minutes=minutes, mode=mode, objective=objective)
        if asked.phases or asked.phase_budgets:
            raise StudyError(
                Key("phases"), ": are for deploy, which opens sites in phases. Ask that, or leave them out"
            )
        found = answer(build_problem(reach, sites, asked, territory))
    choice = tell(found, sites)
    check_choice(choice, reach.tables(), reach.people.table, sites, question=asked, territory=territory)
    return choice


def tell(found: Answer, sites: gpd.GeoDataFrame | pd.DataFrame, *, phase: Ints | None = None) -> Choice:
    """Say what a set of sites is worth and why; `phase` says in which phase each site opens."""
    problem, opened = found.problem, found.opened
    parts = shares(problem, opened)
    table, assignment = sites_table(sites), assigned(problem, opened, parts)
    return Choice(
        sites=chosen_table(problem, opened, parts, table, assignment=assignment, phase=phase),
        objective=problem.objective.name,
        value=found.value,
        bound=found.bound,
        gap=abs(found.value - found.bound) / max(abs(found.value), 1e-12) if found.value != found.bound else 0.0,
        greedy=found.greedy,
        greedy_order=tuple(problem.sites[list(found.order)]),
        assignment=assignment,
        rejected=rejected_table(problem, opened, table),
        summary=_summary(found, parts, table),
    )


def _summary(found: Answer, parts: Floats | None, table: pd.DataFrame) -> dict[str, Any]:
    """Return the plain figures of a choice."""
    problem, opened = found.problem, found.opened
    covered = np.where(problem.reached(opened), problem.weight, 0.0)
    if parts is not None:
        covered = np.bincount(problem.point, weights=parts, minlength=len(problem.points)) * problem.weight
    allowed = (table["status"] != "excluded").to_numpy(dtype=bool)
    summary: dict[str, Any] = {
        "group": problem.question.group,
        "people": float(problem.weight.sum()),
        "coverable": float(problem.weight[problem.reached(allowed)].sum()),
        "covered": float(covered.sum()),
        "today": given(problem, problem.fixed)[0],
        "sites": int(opened.sum()),
        "cost": float(np.nansum(problem.cost[opened])),
        "cost_unknown": int(np.isnan(problem.cost[opened]).sum()),
        "left_out": int((problem.unknown != "").sum()),
        problem.unit: problem.limit,
        "limited": bool(np.isfinite(problem.question.limit(problem.limit))),
        "penalty": problem.penalty,
        "method": found.method,
        "set_aside": found.aside,
        "ended": found.ended,
    }
    if len(problem.territories):
        there, got = problem.territory_people(problem.weight), problem.territory_people(covered)
        shares = np.divide(got, there, out=np.full(len(there), np.nan), where=there > 0)
        summary["territories"] = {label: float(value) for label, value in zip(problem.territories, shares, strict=True)}
    if isinstance(problem.floors, np.ndarray):
        summary["floors"] = dict(zip(problem.territories, problem.floors.tolist(), strict=True))
    if found.floor is not None:
        summary["floor"], summary["floor_bound"] = found.floor
    return summary
