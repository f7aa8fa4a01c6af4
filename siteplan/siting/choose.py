"""Choose sites: the best set, how far it may be from the best possible, and why these and not others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.reachable import Reach
from siteplan.siting.answer import Answer, answer, shares
from siteplan.siting.check import check_choice
from siteplan.siting.explain import assigned, chosen_table, given, rejected_table
from siteplan.siting.problem import Decay, Floats, Ints, Question, Quota, build_problem, sites_table

__all__ = ["Choice", "choose_sites", "tell"]


@dataclass(frozen=True)
class Choice:
    """A set of sites, its worth, and the proof.

    Attributes
    ----------
    sites
        Index `site` in the order to open them (existing, required, then what adds most); `order` from 1, `name`,
        `status`, `people` within the limit, `added` by it to those before it (with capacities: served more), `gain`
        (what it adds to the objective, in its unit; for median and center people-minutes saved), `alone` (within the
        limit of no other chosen site), `served` (assigned to it), `turned_away` (whose nearest it is but who, as it is
        full, go elsewhere or nowhere), `cost` (0 for existing sites), `gain_per_cost` (NaN where free or not known);
        with phases `phase`. People are of the group.
    objective, value
        What was asked, and what the set gives: people covered (coverage, backup), decayed people (gravity),
        people-minutes (median), minutes of the farthest (center), sites or cost (share).
    bound, gap
        No set can be better than `bound`; how far `value` is from it, as a share of `value`. NaN if not computed.
    greedy, greedy_order
        What greedy alone gets (NaN where it meets not all conditions), and its sites in the order it opened them.
    assignment
        Columns `point`, `site`, `minutes`, `people`: who goes where. Who is served nowhere has no row.
    rejected
        Index `site`, candidates not chosen: `name`, `people`, `new` (whom it would add), `redundant_by` (the chosen
        site that shares most with it), `shared` people, `swap_for` and `change` (the objective's change if it replaced
        that site, the best such swap that keeps to the conditions), `left_out` (why it could not be chosen).
    summary
        Plain figures: `group` and its `people` in all, `coverable` (by all sites that are not excluded), `covered`,
        `today` (by existing and required sites alone), `sites`, `cost`, `cost_unknown`, `left_out` (candidates without
        a cost or capacity that the question needs), limits, `territories` (share covered) and `floors` (asked), method,
        and `set_aside`: how many candidates HiGHS was not shown, as others do all that they do; with floors "most"
        `floor`, the highest found, and `floor_bound`, what it is at most.
    phases, curve
        As `deploy` and `coverage_curve` tell them, where a study asks for them.
    """

    sites: pd.DataFrame
    objective: str
    value: float
    bound: float
    gap: float
    greedy: float
    greedy_order: tuple[str, ...]
    assignment: pd.DataFrame
    rejected: pd.DataFrame
    summary: dict[str, Any]
    phases: pd.DataFrame | None = None
    curve: pd.DataFrame | None = None


def choose_sites(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    objective: str = "coverage",
    count: int | None = None,
    budget: float | None = None,
    minutes: float | None = 15,
    mode: str | Sequence[str] | None = None,
    group: str = "people",
    share: float = 1.0,
    least: Literal["sites", "cost"] = "sites",
    penalty: float | None = None,
    backup: int = 2,
    decay: Decay | None = None,
    capacities: bool = False,
    spacing: float | None = None,
    territory: str | pd.Series | None = None,
    floors: float | Mapping[Any, float] | Literal["most"] | None = None,
    quotas: Sequence[Quota] = (),
    method: Literal["exact", "greedy"] = "exact",
    seconds: float = 60.0,
    gap: float = 0.0,
) -> Choice:
    """Choose the sites that serve people best.

    Parameters
    ----------
    times, people
        As for `reach`.
    sites
        Index `site`; all optional: `name`, `status` (existing and required ones are open in any case, excluded ones
        never; without it all are candidates), `cost`, `capacity`. Points, where `spacing` is asked.
    objective
        coverage: most people within the limit (MCLP, Church & ReVelle 1974). share: fewest sites, or least cost, that
        cover a share of those who can be covered (LSCP, Toregas et al. 1971). median: least people-minutes to the
        nearest site (Hakimi 1964). center: least minutes for the farthest of those who can be reached, then least
        people-minutes. backup: most people with `backup` sites within the limit (Hogan & ReVelle 1986). gravity: most
        people, each counted by the decay of the minutes to the site that counts most.
    count
        How many sites are open in the end, existing and required ones included.
    budget
        What all sites cost that do not exist yet, at most. Candidates without a cost are left out, with a warning.
    minutes
        The limit; a person exactly at it is reached. None: everything in the table.
    mode
        One mode, several, or None for the best of all.
    group
        The column of people to serve.
    share, least
        For objective share: of those who can be covered, at least so many, with the least `sites` or `cost`.
    penalty
        For median and center: minutes of who reaches no open site; None: twice the limit.
    decay
        For gravity: a function of an array of minutes, such as `Decay("linear", 20).weights`, or a column of `times`;
        weights from 0 to 1.
    capacities
        Whether a site serves its `capacity` at most (people of the group; a point may be shared out). Candidates
        without one are left out, with a warning. Not for center and backup.
    spacing
        The least metres between two open sites, unless both exist or are required.
    territory, floors
        A column of `people`, or a series by point; and the least share of its people that each territory covers: one
        number, a number by territory, or "most" for as high as possible in the territory that is worst off (those
        that no site reaches aside). A point with NaN is in no territory and has no floor.
    quotas
        Least and most open sites with a value in a column, such as rural ones.
    method
        exact: proven by HiGHS, for plain coverage and median by a Lagrangian bound before that. greedy: greedy and
        swaps alone, no bound; not with capacities or floors "most".
    seconds, gap
        The search for the proof stops after so long, or within this share of the optimum; what is proven by then is
        said. Coverage and median are first bounded by the best set without any condition but its number of sites. Only
        an answer cut off by `seconds` may differ from run to run.

    Returns
    -------
    Choice
        Checked by `check_choice` against the tables.

    Raises
    ------
    InputError
        For tables that cannot be used.
    StudyError
        For options that make no sense, and where no set of sites meets the conditions: why, and what would do.
    """
    question = Question(
        objective=objective,
        count=count,
        budget=budget,
        minutes=minutes,
        mode=mode,
        group=group,
        share=share,
        least=least,
        penalty=penalty,
        backup=backup,
        decay=decay,
        capacities=capacities,
        spacing=spacing,
        territory=territory,
        floors=floors,
        quotas=quotas,
    )
    reach = Reach.of(times, people)
    problem = build_problem(reach, None, sites, question)
    found = answer(problem, method=method, seconds=seconds, gap=gap)
    choice = tell(found, sites)
    check_choice(choice, reach.times, reach.people.table, sites, question)
    return choice


def tell(found: Answer, sites: gpd.GeoDataFrame | pd.DataFrame, *, phase: Ints | None = None) -> Choice:
    """Say what a set of sites is worth and why; `phase` says in which phase each site opens."""
    problem, opened = found.problem, found.opened
    parts = shares(problem, opened)
    table = sites_table(sites)
    return Choice(
        sites=chosen_table(problem, opened, parts, table, phase),
        objective=problem.objective,
        value=found.value,
        bound=found.bound,
        gap=abs(found.value - found.bound) / max(abs(found.value), 1e-12) if found.value != found.bound else 0.0,
        greedy=found.greedy,
        greedy_order=tuple(problem.sites[list(found.order)]),
        assignment=assigned(problem, opened, parts),
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
        "group": problem.group,
        "people": float(problem.weight.sum()),
        "coverable": float(problem.weight[problem.reached(allowed)].sum()),
        "covered": float(covered.sum()),
        "today": given(problem, problem.fixed)[0],
        "sites": int(opened.sum()),
        "cost": float(np.nansum(problem.cost[opened])),
        "cost_unknown": int(np.isnan(problem.cost[opened]).sum()),
        "left_out": int((problem.unknown != "").sum()),
        "minutes": problem.limit,
        "penalty": problem.penalty,
        "method": found.method,
        "set_aside": found.aside,
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
