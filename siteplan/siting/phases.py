"""In which order to open sites, how much each number of them covers, and which existing one matters least."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.errors import StudyError
from siteplan.siting.choose import Choice, choose_sites, tell
from siteplan.siting.exact import solve_nested
from siteplan.siting.heuristic import fits, gains, grow, objective_of
from siteplan.siting.problem import Flags, Floats, Ints, Problem, build_problem, sites_table

__all__ = ["choose_in_phases", "coverage_curve", "deploy", "least_needed"]

MORE_IS_BETTER = ("coverage", "backup", "gravity")


def deploy(
    times: pd.DataFrame,
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    counts: Sequence[int] = (3, 5, 10),
    *,
    budgets: Sequence[float] | None = None,
    nested: Literal["first", "last", "best", "least"] = "best",
    **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Open sites in phases, each a part of the next, and say what each phase loses against its own best set.

    Parameters
    ----------
    times, people, sites
        As for `choose_sites`.
    counts
        Sites open in all (existing and required ones included) at the end of each phase.
    budgets
        What may have been spent in all by the end of each phase, instead of counts.
    nested
        first: the best set of the first phase is kept, then the best added to it. last: the best set of the last
        phase is taken, and earlier phases choose from it. best: the one of the two that loses less over all phases,
        as the sum of the phases' shares of their own best. least: the least such sum there is, from one programme over
        all phases that starts from the better of the two; not for center and floors "most".
    options
        Of `choose_sites`, but no count and no budget; every phase must meet the conditions.

    Returns
    -------
    phases, steps
        `phases`: index `phase` from 1; `count`, `value`, `alone` (the best of as many sites without the other phases),
        `bound` of that, `loss` (0 or more, in the unit of the objective), `loss_share`, `opens` (text of site ids);
        with budgets `budget`, too. Its `attrs` say the `way` that the sets come from (first, last, or programme where
        that found better ones), the `regret` (sum of `loss_share`) and `regret_bound`, below which no nested sets can
        get (0 where only the two ways were tried).
        `steps`: index `site` in the order to open them; `phase`, `name`, `status`, `cost`, `value` with it and all
        before (floors aside), `gain`, `gain_per_cost` (NaN without a cost).

    Raises
    ------
    InputError, StudyError
        As `choose_sites`; and if the counts do not rise.
    """
    choice, steps = choose_in_phases(times, people, sites, counts, budgets=budgets, nested=nested, **options)
    assert choice.phases is not None  # noqa: S101 - that is what was asked
    return choice.phases, steps


def choose_in_phases(
    times: pd.DataFrame,
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    counts: Sequence[int] = (3, 5, 10),
    *,
    budgets: Sequence[float] | None = None,
    nested: Literal["first", "last", "best", "least"] = "best",
    **options: Any,
) -> tuple[Choice, pd.DataFrame]:
    """Return what is open after the last phase, with its `phases`, and the steps; as `deploy`.

    Its bound is that of the last phase alone, which might do better had no other come before it.
    """
    asked: Sequence[float] = counts if budgets is None else budgets
    name = "count" if budgets is None else "budget"
    if len(asked) == 0 or list(asked) != sorted(set(asked)):
        raise StudyError(f"{name}s are {list(asked)}, expected numbers that rise, such as 3, 5, 10")
    if nested not in ("first", "last", "best", "least"):
        raise StudyError(f"nested is {nested!r}, expected first, last, best or least")
    if {"count", "budget"} & options.keys() or options.get("objective", "coverage") == "share":
        raise StudyError("phases are given by counts. Leave out count= and budget=, and do not ask for objective share")
    if nested == "least" and (options.get("objective") == "center" or options.get("floors") == "most"):
        raise StudyError("nested least is not known for objective center and floors 'most'. Use nested best")
    levels: list[dict[str, Any]] = [{name: value} for value in asked]
    alone = _alone(times, people, sites, levels, options)
    tables = times, people, sites
    ways, names, refused = [], [], None
    for label, follow in (("first", _from_the_first), ("last", _from_the_last)):
        if nested not in (label, "best", "least"):
            continue
        try:
            ways.append(follow(*tables, alone, levels, options))
            names.append(label)
        except StudyError as error:  # another way may still meet the conditions
            refused = error
    if not ways and nested != "least" and refused is not None:
        raise refused
    bound = 0.0
    if nested == "least":
        found, bound = _programme(*tables, alone, levels, options, ways)
        if found is not None:
            ways.append(found)
            names.append("programme")
        elif not ways:
            raise refused or StudyError("no nested sets were found in time. Allow more seconds")
    losses = [_losses(way, alone) for way in ways]
    best = int(np.argmin([sum(_shares(loss, alone)) for loss in losses]))
    way, loss = ways[best], losses[best]
    sets = [list(choice.sites.index) for choice in way]
    opens = [[j for j in now if j not in before] for before, now in zip([[], *sets], sets, strict=False)]
    phases = pd.DataFrame(
        {
            "count": [len(chosen) for chosen in sets],
            "value": [choice.value for choice in way],
            "alone": [choice.value for choice in alone],
            "bound": [choice.bound for choice in alone],
            "loss": loss,
            "loss_share": _shares(loss, alone),
            "opens": [", ".join(new) for new in opens],
        },
        index=pd.RangeIndex(1, len(way) + 1, name="phase"),
    )
    if budgets is not None:
        phases.insert(0, "budget", list(budgets))
    regret = sum(_shares(loss, alone))
    phases.attrs = {"way": names[best], "regret": regret, "regret_bound": min(bound, regret)}
    choice = _last(way[-1], alone[-1], opens, tables, {**levels[-1], **options})
    return replace(choice, phases=phases), _steps(choice, options)


def _last(last: Choice, alone: Choice, opens: list[list[str]], tables: Any, options: dict[str, Any]) -> Choice:
    """Return the sites open after the last phase in the order of the phases, beside the best without any before."""
    asked = {name: value for name, value in options.items() if name not in ("method", "seconds", "gap")}
    if asked.get("floors") == "most":  # as high as was found
        asked["floors"] = last.summary["floors"]
    problem = build_problem(*tables, **asked)
    phase = pd.Series({site: number for number, new in enumerate(opens, 1) for site in new}, dtype=np.int64)
    phase = phase.reindex(problem.sites)
    found = alone.bound, alone.greedy, alone.greedy_order
    opened = phase.notna().to_numpy()
    when: Ints = phase.fillna(0).to_numpy().astype(np.int64)
    how = {"method": alone.summary["method"], "aside": alone.summary["set_aside"]}
    return tell(problem, opened, found, tables[2], phase=when, **how)


def _alone(times: Any, people: Any, sites: Any, levels: list[dict[str, Any]], options: dict[str, Any]) -> list[Choice]:
    """Return the best set of each phase, whatever the others; the last one first, where a wrong question shows."""
    alone = [choose_sites(times, people, sites, **levels[-1], **options)]
    for level in levels[-2::-1]:
        try:
            alone.insert(0, choose_sites(times, people, sites, **level, **options))
        except StudyError as wrong:
            raise StudyError(
                f"phases: {str(wrong).rstrip('.')}. Every phase must meet the conditions: begin with more, or ask "
                "without phases, which tells the order to open as well"
            ) from wrong
    return alone


def coverage_curve(
    times: pd.DataFrame,
    people: pd.DataFrame,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    *,
    most: int | None = None,
    exact: bool = False,
    **options: Any,
) -> tuple[pd.DataFrame, int]:
    """Say how much each number of sites covers, opened one by one, and what no such number can exceed.

    Parameters
    ----------
    times, people, sites
        As for `choose_sites`.
    most
        The largest number of sites; None: until nothing is added.
    exact
        Whether to compute the optimum of each number, too.
    options
        Of `choose_sites`: minutes, mode, group; objective coverage or gravity.

    Returns
    -------
    curve, knee
        `curve`: index `count`; `site` opened (empty for the existing and required ones), `value`, `gain`, `bound`,
        with `exact` also `optimum`. `bound` is the least, over all steps, of what the step has and the largest gains
        possible then add up to (Nemhauser, Wolsey & Fisher 1978). `knee`: the count farthest above the straight line
        between the ends of the curve.

    Raises
    ------
    InputError, StudyError
        As `choose_sites`.
    """
    if options.get("objective", "coverage") not in ("coverage", "gravity"):
        raise StudyError("the curve is drawn for objectives coverage and gravity")
    refused = options.keys() & {"count", "budget", "capacities", "floors", "spacing", "quotas"}
    if refused:
        raise StudyError(f"the curve opens sites one by one. Leave out {', '.join(sorted(refused))}")
    table = sites_table(sites)
    most = int((table["status"] != "excluded").sum()) if most is None else most
    problem = build_problem(times, people, sites, count=most, **options)
    opened = problem.fixed.copy()
    base = int(opened.sum())
    labels, values, left = [""], [objective_of(problem, opened)], [_largest_gains(problem, gains(problem, opened))]
    for site in grow(problem, opened):
        value = objective_of(problem, opened)
        if value <= values[-1]:
            break
        labels.append(str(problem.sites[site]))
        values.append(value)
        left.append(_largest_gains(problem, gains(problem, opened)))
    counts = np.arange(base, base + len(values))
    bounds = [
        min(values[k] + left[k][min(n, len(left[k]) - 1)] for k in range(len(values))) for n in range(len(values))
    ]
    curve = pd.DataFrame(
        {"site": labels, "value": values, "gain": np.diff(values, prepend=0.0), "bound": bounds},
        index=pd.Index(counts, name="count"),
    )
    curve["bound"] = np.maximum(curve["bound"], curve["value"])
    if exact:
        curve["optimum"] = [
            choose_sites(times, people, sites, count=int(count), **options).value if count else 0.0 for count in counts
        ]
    return curve, _knee(counts, np.array(values))


def least_needed(
    times: pd.DataFrame, people: pd.DataFrame, sites: gpd.GeoDataFrame | pd.DataFrame, **options: Any
) -> pd.DataFrame:
    """Say what would be lost if an existing or required site closed, the least needed first.

    Parameters
    ----------
    times, people, sites
        As for `choose_sites`.
    options
        Of `choose_sites`: minutes, mode, group, objective (coverage, median, backup or gravity), penalty, decay.

    Returns
    -------
    Index `site`; `name`, `status`, `value` without it, `loss` (0 or more, in the unit of the objective).

    Raises
    ------
    InputError, StudyError
        As `choose_sites`; and if no site exists or is required.
    """
    if options.get("objective", "coverage") not in ("coverage", "median", "backup", "gravity"):
        raise StudyError("what a closed site loses is known for objectives coverage, median, backup and gravity")
    table = sites_table(sites)
    kept = table.index[table["status"].isin(["existing", "required"])]
    if len(kept) == 0:
        raise StudyError("no site exists or is required, so none can close. Give some the status existing")
    problem = build_problem(times, people, sites, count=len(kept), **options)
    everything = objective_of(problem, problem.fixed)
    everybody = problem.penalty * float(problem.weight.sum())
    rows = []
    for site in np.flatnonzero(problem.fixed):
        without = problem.fixed.copy()
        without[site] = False
        value = objective_of(problem, without)
        shown = everybody - value if problem.objective == "median" else value
        label = problem.sites[int(site)]
        rows.append((label, table.loc[label, "name"], table.loc[label, "status"], shown, everything - value))
    lost = pd.DataFrame(rows, columns=["site", "name", "status", "value", "loss"]).set_index("site")
    return lost.sort_values("loss", kind="stable")


def _with_status(sites: gpd.GeoDataFrame | pd.DataFrame, labels: Sequence[str], status: str) -> pd.DataFrame:
    """Return the sites with another status for some candidates."""
    table = sites.set_index("site") if "site" in sites.columns else sites.copy()
    table.index = pd.Index(table.index.astype(str), name="site")
    old = table["status"] if "status" in table.columns else pd.Series("candidate", index=table.index)
    table["status"] = old.where(~(table.index.isin(labels) & (old == "candidate")), status)
    return table


def _from_the_first(
    times: Any, people: Any, sites: Any, alone: list[Choice], levels: list[dict[str, Any]], options: dict[str, Any]
) -> list[Choice]:
    way = [alone[0]]
    for level in levels[1:]:
        kept = _with_status(sites, list(way[-1].sites.index), "required")
        way.append(choose_sites(times, people, kept, **level, **options))
    return way


def _from_the_last(
    times: Any, people: Any, sites: Any, alone: list[Choice], levels: list[dict[str, Any]], options: dict[str, Any]
) -> list[Choice]:
    way = [alone[-1]]
    for level in levels[-2::-1]:
        others = [str(j) for j in sites_table(sites).index if j not in way[0].sites.index]
        way.insert(0, choose_sites(times, people, _with_status(sites, others, "excluded"), **level, **options))
    return way


def _programme(
    times: Any,
    people: Any,
    sites: Any,
    alone: list[Choice],
    levels: list[dict[str, Any]],
    options: dict[str, Any],
    ways: list[list[Choice]],
) -> tuple[list[Choice] | None, float]:
    """Return the nested sets with the least regret, and the bound on it; None where the ways' are as good."""
    asked = {name: value for name, value in options.items() if name not in ("method", "seconds", "gap")}
    problems = [build_problem(times, people, sites, **level, **asked) for level in levels]
    weights = [1.0 / choice.value if choice.value else 0.0 for choice in alone]
    regrets = [sum(_shares(_losses(way, alone), alone)) for way in ways]
    if regrets and min(regrets) <= 0:
        return None, 0.0
    labels = problems[0].sites
    start = [labels.isin(choice.sites.index) for choice in ways[int(np.argmin(regrets))]] if ways else None
    seconds, gap = options.get("seconds", 60.0), options.get("gap", 0.0)
    found = solve_nested(problems, weights, start=start, seconds=seconds, gap=gap)
    if found is None:
        raise StudyError("no sets of which each is a part of the next meet the conditions. Loosen them or the phases")
    sets, most = found
    everybody = problems[0].penalty * float(problems[0].weight.sum()) if problems[0].objective == "median" else 0.0
    # Each phase loses alone - value, or for people-minutes everybody - value - alone, as a share of alone.
    none = sum(abs(everybody - choice.value) * weight for choice, weight in zip(alone, weights, strict=True))
    bound = max(0.0, none - most - 1e-6)
    if sets is None:
        return None, bound
    way = []
    for opened, level in zip(_without_idle(problems, sets), levels, strict=True):
        others = _with_status(sites, list(labels[~opened]), "excluded")
        way.append(choose_sites(times, people, others, **{**level, "count": int(opened.sum())}, **options))
    return way, bound


def _without_idle(problems: list[Problem], sets: list[Flags]) -> list[Flags]:
    """Close sites that change nothing in any phase, where their number is free."""
    if problems[0].count is not None or problems[0].capacity is not None:
        return sets
    for site in np.flatnonzero(sets[-1] & ~problems[0].fixed)[::-1]:
        without = [opened & (np.arange(len(opened)) != site) for opened in sets]
        if all(
            objective_of(problem, less) >= objective_of(problem, opened) and fits(problem, less)
            for problem, less, opened in zip(problems, without, sets, strict=True)
        ):
            sets = without
    return sets


def _losses(way: list[Choice], alone: list[Choice]) -> list[float]:
    return [abs(one.value - best.value) for one, best in zip(way, alone, strict=True)]


def _shares(losses: list[float], alone: list[Choice]) -> list[float]:
    return [loss / best.value if best.value else 0.0 for loss, best in zip(losses, alone, strict=True)]


def _steps(choice: Choice, options: dict[str, Any]) -> pd.DataFrame:
    """Return what each site of a choice in phases adds, and the value with it and all before."""
    steps = choice.sites[["phase", "name", "status", "cost"]].copy()
    gain = choice.sites["gain"]
    nobody = choice.summary["penalty"] * choice.summary["people"]  # people-minutes where no site is open
    minutes = options.get("objective") in ("median", "center")
    steps["value"] = nobody - gain.cumsum() if minutes else gain.cumsum()
    steps["gain"] = gain
    steps["gain_per_cost"] = (gain / steps["cost"]).where(steps["cost"] > 0)
    return steps


def _largest_gains(problem: Problem, gain: Floats) -> Floats:
    """Return the sums of the 0, 1, 2, ... largest gains of sites that may open."""
    possible = np.sort(np.where(problem.barred, 0.0, gain))[::-1]
    sums: Floats = np.r_[0.0, np.cumsum(possible)]
    return sums


def _knee(counts: Any, values: Floats) -> int:
    """Return the count whose value is farthest above the line between the first and the last."""
    if len(counts) < 3:
        return int(counts[-1])
    line = values[0] + (values[-1] - values[0]) * (counts - counts[0]) / (counts[-1] - counts[0])
    return int(counts[int(np.argmax(values - line))])
