"""In which order to open sites, how much each number of them covers, and which existing one matters least."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Question
from siteplan.config.choose import question_of
from siteplan.doors import door
from siteplan.errors import Key, StudyError, keys_named
from siteplan.reachable import Reach
from siteplan.siting.answer import ENDS, Answer, answer
from siteplan.siting.check import check_choice
from siteplan.siting.choice import Choice
from siteplan.siting.choose import choose_sites, tell
from siteplan.siting.exact import solve_nested
from siteplan.siting.heuristic import Opening, grow, objective_of, values_without
from siteplan.siting.problem import Floats, Problem, build_problem, sites_table
from siteplan.siting.value import without_idle
from siteplan.siting.work import Work

__all__ = ["coverage_curve", "deploy", "least_needed"]


@door()
def deploy(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question | Mapping[str, Any] | None = None,
    *,
    counts: Sequence[int] | None = None,
    budgets: Sequence[float] | None = None,
    nested: Literal["first", "last", "best"] = "best",
    minutes: float | None = None,
    mode: str | Sequence[str] | None = None,
    territory: str | pd.Series | None = None,
) -> Choice:
    """Open sites in phases, each a part of the next, and say what each phase loses against its own best set.

    Parameters
    ----------
    times, people, sites, question, minutes, mode, territory
        As for `choose_sites`. Every phase must meet the conditions, but for floors "most", which are for the last.
        `least_regret` asks for the least sum, over the phases, of the shares of their own best that they lose, from one
        programme over all phases that starts from the better of the ways of `nested`.
    counts
        The question's `phases`: sites open in all (existing and required ones included) at the end of each phase.
    budgets
        The question's `phase_budgets`: what may have been spent in all by the end of each phase, instead of counts.
    nested
        first: the best set of the first phase is kept, then the best added to it. last: the best set of the last
        phase is taken, and earlier phases choose from it. best: the one of the two that loses less over all phases,
        as the sum of the phases' shares of their own best.

    Returns
    -------
    What is open after the last phase, its `sites` in the order to open them with the `phase` of each. Its bound is that
    of the last phase alone, which might do better had no other come before it. Its `phases`: index `phase` from 1;
    `count`, `value`, `alone` (the best of as many sites without the other phases), `bound` of that, `loss` (0 or more,
    in the unit of the objective), `loss_share`, `opens` (text of site ids); with budgets `budget`, too. Their `attrs`
    say the `way` that the sets come from (first, last, or programme where that found better ones), the `regret` (sum of
    `loss_share`) and `regret_bound`, below which no nested sets can get (0 where only the two ways were tried).

    Raises
    ------
    InputError, StudyError
        As `choose_sites`; and if the counts do not rise.

    Examples
    --------
    >>> plan = sp.deploy(times, people, sites, counts=[3, 5], minutes=15)
    >>> plan.sites["phase"].to_dict()
    {'S01': 1, 'S02': 1, 'S10': 1, 'S08': 2, 'S09': 2}
    """
    if nested not in ("first", "last", "best"):
        raise StudyError(Key("nested"), f" is {nested!r}, expected first, last or best")
    asked = question_of(question, phases=counts, phase_budgets=budgets, minutes=minutes, mode=mode)
    steps: Sequence[float] = asked.phases or asked.phase_budgets
    if not steps:
        raise StudyError(Key("phases"), ": missing; expected numbers that rise, such as 3, 5, 10")
    name, key = ("sites", "phases") if asked.phases else ("budget", "phase_budgets")
    key = "counts" if counts is not None else "budgets" if budgets is not None else key
    whole = {"phases": (), "phase_budgets": (), "least_regret": False}
    questions = [asked.model_copy(update={**whole, name: step}) for step in steps]
    if asked.floors == "most":  # as high as the last phase can have it: before, too few sites are open
        questions[:-1] = [one.model_copy(update={"floors": None}) for one in questions[:-1]]
    reach = Reach.of(times, people, None)
    with keys_named(lambda each: key if each == name else each):
        problems = [build_problem(reach, sites, one, territory) for one in questions]
        choice = _phased(asked, problems, nested, sites)
    check_choice(choice, reach.tables(), reach.people.table, sites, question=questions[-1], territory=territory)
    return choice


def _phased(asked: Question, problems: list[Problem], nested: str, sites: gpd.GeoDataFrame | pd.DataFrame) -> Choice:
    """Find the nested sets, and tell them."""
    alone = _alone(problems)
    ways: dict[str, list[Answer]] = {}
    refused = None
    for label, follow in (("first", _from_the_first), ("last", _from_the_last)):
        if nested in (label, "best"):
            try:
                ways[label] = follow(alone)
            except StudyError as error:  # another way may still meet the conditions
                refused = error
    if not ways and not asked.least_regret and refused is not None:
        raise refused
    bound, work = 0.0, Work(asked.effort, asked.seconds)
    if asked.least_regret:
        found, bound = _programme(alone, list(ways.values()), work)
        if found is not None:
            ways["programme"] = found
        elif not ways:
            key = Key("seconds" if work.late else "effort")
            raise refused or StudyError("no nested sets were found in time. Allow more ", key)
    every = [one.ended for one in itertools.chain(alone, *ways.values())]
    every += ["clock"] * work.late + ["steps"] * (work.steps <= 0)
    ended = next(end for end in ENDS if end in every)
    floor = alone[-1].floor
    # Greedy, or short of time, the best set alone may be beaten by one that a way found.
    alone = [_better(one, [way[k] for way in ways.values()]) for k, one in enumerate(alone)]
    label = min(ways, key=lambda label: sum(_shares(_losses(ways[label], alone), alone)))
    way, loss = ways[label], _losses(ways[label], alone)
    labels = problems[0].sites
    opens = [way[0].opened, *(now.opened & ~before.opened for before, now in itertools.pairwise(way))]
    phases = pd.DataFrame(
        {
            "count": [int(one.opened.sum()) for one in way],
            "value": [one.value for one in way],
            "alone": [one.value for one in alone],
            "bound": [one.bound for one in alone],
            "loss": loss,
            "loss_share": _shares(loss, alone),
            "opens": [", ".join(labels[new]) for new in opens],
        },
        index=pd.RangeIndex(1, len(way) + 1, name="phase"),
    )
    if asked.phase_budgets:
        phases.insert(0, "budget", list(asked.phase_budgets))
    regret = sum(_shares(loss, alone))
    phases.attrs = {"way": label, "regret": regret, "regret_bound": min(bound, regret)}
    phase = np.zeros(len(labels), np.int64)
    for number, new in enumerate(opens, 1):
        phase[new] = number
    last = replace(way[-1], bound=alone[-1].bound, greedy=alone[-1].greedy, order=alone[-1].order)
    last = replace(last, problem=replace(problems[-1], floors=last.problem.floors), aside=alone[-1].aside, floor=floor)
    last = replace(last, ended=ended)
    return replace(tell(last, sites, phase=phase), phases=phases)


def _better(alone: Answer, others: list[Answer]) -> Answer:
    """Return the best set of a phase, with its bound."""
    sign = alone.problem.objective.better
    best = max([alone, *others], key=lambda one: sign * one.value)
    if not sign * best.value > sign * alone.value:
        return alone
    bound = max if sign > 0 else min
    return replace(best, bound=alone.bound if np.isnan(alone.bound) else bound(alone.bound, best.value))


def _alone(problems: list[Problem]) -> list[Answer]:
    """Return the best set of each phase, whatever the others; the last one first, where a wrong question shows."""
    alone = [answer(problems[-1])]
    for problem in problems[-2::-1]:
        try:
            alone.insert(0, answer(problem))
        except StudyError as wrong:
            *parts, end = wrong.args
            every = (
                "Every phase must meet the conditions: begin with more, or ask without phases, which tells the order"
            )
            end = end if isinstance(end, Key) else end.rstrip(".")
            raise StudyError(Key("phases"), ": ", *parts, end, f". {every} to open as well") from wrong
    return alone


def _from_the_first(alone: list[Answer]) -> list[Answer]:
    way = [alone[0]]
    for one in alone[1:]:
        way.append(answer(replace(one.problem, fixed=one.problem.fixed | way[-1].opened)))
    return way


def _from_the_last(alone: list[Answer]) -> list[Answer]:
    way = [alone[-1]]
    for one in alone[-2::-1]:
        way.insert(0, answer(replace(one.problem, barred=one.problem.barred | ~way[0].opened)))
    return way


@door()
def coverage_curve(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question | Mapping[str, Any] | None = None,
    *,
    minutes: float | None = None,
    mode: str | Sequence[str] | None = None,
    most: int | None = None,
    exact: bool = False,
) -> tuple[pd.DataFrame, int]:
    """Say how much each number of sites covers, opened one by one, and what no such number can exceed.

    Parameters
    ----------
    times, people, sites, question, minutes, mode
        As for `choose_sites`; objective coverage or gravity. How many sites, what they cost, the conditions that they
        meet and the phases are not heeded.
    most
        The largest number of sites told; None: until nothing is added.
    exact
        Whether to compute the optimum of each number, too.

    Returns
    -------
    curve, knee
        `curve`: index `count`; `site` opened (empty for the existing and required ones), `value`, `gain`, `bound`,
        with `exact` also `optimum`. `bound` is the least, over all steps, of what the step has and the largest gains
        possible then add up to (Nemhauser, Wolsey & Fisher 1978). `knee`: the count farthest above the straight line
        between the ends of the whole curve, wherever `most` cuts what is told of it.

    Raises
    ------
    InputError, StudyError
        As `choose_sites`.

    Examples
    --------
    >>> curve, knee = sp.coverage_curve(times, people, sites, most=5, minutes=15)
    >>> curve[["site", "value"]]
          site    value
    count
    2           14966.0
    3      S10  19951.0
    4      S08  24270.0
    5      S09  28178.0
    """
    table = sites_table(sites)
    able = int((table["status"] != "excluded").sum())
    asked = _bare(question, sites=able, minutes=minutes, mode=mode)
    if not asked.goal.grows:
        raise StudyError(Key("objective"), f" {asked.objective} has no curve: the value must grow from site to site")
    reach = Reach.of(times, people, None)
    problem = build_problem(reach, sites, asked)
    opening = Opening(problem, problem.fixed.copy())
    base = int(problem.fixed.sum())
    labels, values, bounds = [""], [opening.value], opening.value + _largest_gains(problem, opening.gains())
    for site in grow(opening):
        if opening.value <= values[-1]:
            break
        labels.append(str(problem.sites[site]))
        values.append(opening.value)
        bounds = np.minimum(bounds, opening.value + _largest_gains(problem, opening.gains()))
    counts = np.arange(base, base + len(values))
    curve = pd.DataFrame(
        {"site": labels, "value": values, "gain": np.diff(values, prepend=0.0), "bound": bounds[: len(values)]},
        index=pd.Index(counts, name="count"),
    )
    curve["bound"] = np.maximum(curve["bound"], curve["value"])
    curve = curve if most is None else curve.loc[: max(most, base)].copy()
    if exact:
        curve["optimum"] = [
            choose_sites(reach, None, sites, asked, count=int(count)).value if count else 0.0 for count in curve.index
        ]
    return curve, _knee(counts, np.array(values))


@door()
def least_needed(
    times: pd.DataFrame | Reach,
    people: pd.DataFrame | None,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question | Mapping[str, Any] | None = None,
    *,
    minutes: float | None = None,
    mode: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Say what would be lost if an existing or required site closed, the least needed first.

    Parameters
    ----------
    times, people, sites, question, minutes, mode
        As for `choose_sites`; objective coverage, median, backup or gravity. How many sites, what they cost, the
        conditions that they meet and the phases are not heeded.

    Returns
    -------
    Index `site`; `name`, `status`, `value` without it, `loss` (0 or more, in the unit of the objective).

    Raises
    ------
    InputError, StudyError
        As `choose_sites`; and if no site exists or is required.

    Examples
    --------
    >>> sp.least_needed(times, people, sites, minutes=15)["loss"].to_dict()
    {'S02': 5529.0, 'S01': 9423.0}
    """
    table = sites_table(sites)
    kept = table.index[table["status"].isin(["existing", "required"])]
    if len(kept) == 0:
        raise StudyError("no site exists or is required, so none can close. Give some the status existing")
    asked = _bare(question, sites=len(kept), minutes=minutes, mode=mode)
    if asked.goal.search != "most":
        raise StudyError(
            Key("objective"), f" {asked.objective} does not tell what a closed site loses. Ask for another"
        )
    problem = build_problem(Reach.of(times, people, None), sites, asked)
    everything = objective_of(problem, problem.fixed)
    rows = []
    for site, value in zip(np.flatnonzero(problem.fixed), values_without(problem, problem.fixed).tolist(), strict=True):
        label = problem.sites[int(site)]
        rows.append(
            (label, table.loc[label, "name"], table.loc[label, "status"], problem.told(value), everything - value)
        )
    lost = pd.DataFrame(rows, columns=["site", "name", "status", "value", "loss"]).set_index("site")
    return lost.sort_values("loss", kind="stable")


def _bare(question: Question | Mapping[str, Any] | None, *, sites: int, **given: Any) -> Question:
    """Return a question without what it asks of the number of sites, of each and of all together."""
    bare = ("sites", "budget", "phases", "phase_budgets", "least_regret", "capacities", "spacing_m", "floors", "quotas")
    kept = {name: value for name, value in dict(question or {}).items() if name not in bare}
    return question_of(kept, **given, sites=None if kept.get("objective") == "share" else sites)


def _programme(alone: list[Answer], ways: list[list[Answer]], work: Work) -> tuple[list[Answer] | None, float]:
    """Return the nested sets with the least regret, and the bound on it; None where the ways' are as good."""
    problems = [one.problem for one in alone]
    weights = [1.0 / one.value if one.value else 0.0 for one in alone]
    regrets = [sum(_shares(_losses(way, alone), alone)) for way in ways]
    if regrets and min(regrets) <= 0:
        return None, 0.0
    start = [one.opened for one in ways[int(np.argmin(regrets))]] if ways else None
    asked = problems[0].question
    found = solve_nested(problems, weights, start=start, work=work, gap=asked.gap)
    if found is None:
        raise StudyError("no sets of which each is a part of the next meet the conditions. Loosen them or the phases")
    sets, most = found
    # Each phase loses alone - value, both counted as what people are worth, as a share of alone.
    none = sum(problems[0].told(one.value) * weight for one, weight in zip(alone, weights, strict=True))
    bound = max(0.0, none - most - 1e-6)
    if sets is None:
        return None, bound
    return [
        answer(replace(problem, fixed=opened, barred=~opened, count=int(opened.sum())))
        for opened, problem in zip(without_idle(problems, sets), problems, strict=True)
    ], bound


def _losses(way: list[Answer], alone: list[Answer]) -> list[float]:
    sign = alone[0].problem.objective.better
    return [sign * (best.value - one.value) + 0.0 for one, best in zip(way, alone, strict=True)]  # 0.0, never -0.0


def _shares(losses: list[float], alone: list[Answer]) -> list[float]:
    return [loss / best.value if best.value else 0.0 for loss, best in zip(losses, alone, strict=True)]


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
