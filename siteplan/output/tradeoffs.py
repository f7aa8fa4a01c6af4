"""What else would be nearly as good as the chosen set, what it costs or saves, and what most assumptions favour."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from siteplan.objectives import objective_names
from siteplan.output.outcome import Outcome
from siteplan.words import Words, load_words

__all__ = ["Swap", "near_swaps", "robust_rival", "tradeoffs_told"]

NEAR = 0.001  # of the value: who reads the figures as rounded would take both for equal
CHEAPER = 0.01  # of the value, where it saves money
MOST = 3
NAMED = 12  # sites of a set
WHOLE = 0.5  # of a person: less is nobody


@dataclass(frozen=True)
class Swap:
    """Another set: which sites open in place of which chosen ones, what that takes from the value, and what it costs.

    Parameters
    ----------
    opens, instead
        Ids of sites.
    worse
        In the unit of the objective, above 0 where the chosen set is the better one.
    cost
        More than the chosen set; below 0 where it saves money, NaN where that is not known.
    share, regret
        Of a set that other assumptions favour: the share of variants in which it is the best, and the people whom it
        covers less than the best in its worst variant.
    """

    opens: tuple[str, ...]
    instead: tuple[str, ...]
    worse: float
    cost: float
    share: float = math.nan
    regret: float = math.nan


def near_swaps(result: Outcome) -> list[Swap]:
    """Give the candidates that could take the place of a chosen site nearly without loss: the cheaper, then the best.

    Near is a loss of a thousandth of the value, or of a hundredth where the other site is cheaper. Where none is near,
    the one that comes nearest is given alone. Nothing where swaps were not computed.
    """
    rejected, told = result.table("rejected"), result.manifest.get("choice") or {}
    if rejected is None or not {"site", "swap_for", "change"} <= set(rejected) or told.get("value") is None:
        return []
    sign = objective_names()[str(told.get("objective", "coverage"))].better
    known = rejected[rejected["change"].notna() & rejected["swap_for"].notna()]
    costs = _costs(result)
    swaps = [
        Swap((str(site),), (str(other),), -sign * float(change), _cost(costs, [str(site)], [str(other)]))
        for site, other, change in zip(known["site"], known["swap_for"], known["change"], strict=True)
    ]
    swaps.sort(key=lambda each: (not each.cost < 0, max(each.worse, 0.0), each.opens))
    value = abs(float(told["value"]))
    near = [each for each in swaps if each.worse <= max(WHOLE, (CHEAPER if each.cost < 0 else NEAR) * value)]
    return near[:MOST] or sorted(swaps, key=lambda each: each.worse)[:1]


def robust_rival(result: Outcome) -> Swap | None:
    """Give the set that is the best in most variants, as it differs from the chosen one; None where there are none.

    Of equally good ones, the chosen set is taken: the swap is then empty.
    """
    found, chosen = result.table("robust_sets"), set(result.chosen)
    if found is None or not {"sites", "own", "best_in", "max_regret", "covered"} <= set(found):
        return None
    known = found[found["best_in"].notna()]
    if known.empty or not chosen:
        return None
    order = known.assign(other=~known["own"].astype(bool)).sort_values(
        ["best_in", "other", "max_regret"], ascending=[False, True, True], kind="stable"
    )
    first, own = order.iloc[0], known[known["own"].astype(bool)]
    sites = set(str(first["sites"]).split(", "))
    opens, instead = tuple(sorted(sites - chosen)), tuple(sorted(chosen - sites))
    worse = float(own["covered"].iloc[0] - first["covered"]) if len(own) else math.nan
    cost = _cost(_costs(result), opens, instead)
    return Swap(opens, instead, worse, cost, float(first["best_in"]), float(first["max_regret"]))


def _costs(result: Outcome) -> dict[str, float]:
    """Return what each site costs, as far as that is known."""
    if "cost" not in result.sites:
        return {}
    return dict(zip(result.sites.index.astype(str), result.sites["cost"].astype(float), strict=True))


def _cost(costs: Mapping[str, float], opens: Sequence[str], instead: Sequence[str]) -> float:
    """Return what some sites cost more than others; NaN where that of one of them is not known."""
    more, less = (sum(costs.get(site, math.nan) for site in sites) for sites in (opens, instead))
    return more - less


def tradeoffs_told(result: Outcome, language: str = "") -> Iterator[str]:
    """Say in sentences what would be nearly as good, for how much less or more, and what other assumptions favour.

    Parameters
    ----------
    result
        Of a study that chose sites; nothing is said of any other.
    language
        "" takes the result's.

    Yields
    ------
    str
        One sentence each.
    """
    words = load_words(language or result.language, "report", "tradeoffs")
    swaps, rival = near_swaps(result), robust_rival(result)
    for each in swaps:
        told = {"site": _named(result, each.opens, words), "other": _named(result, each.instead, words)}
        near = each.worse <= max(WHOLE, CHEAPER * abs(float(result.manifest["choice"]["value"])))
        if each.worse < WHOLE:
            yield words.text("as_good", money=_money(result, each.cost, words), **told)
        elif near and each.cost < 0:
            spared = result.money(-each.cost, words)
            yield words.text("cheaper", cost=spared, worse=_worse(result, each.worse, words), **told)
        else:
            worse, money = _worse(result, each.worse, words), _money(result, each.cost, words)
            yield words.text("near" if near else "none_near", worse=worse, money=money, **told)
    if rival is not None and not rival.opens and not rival.instead:
        always = rival.share == 1 and rival.regret == 0
        told = {} if always else {"share": words.share(rival.share), "regret": words.count(rival.regret)}
        yield words.text("robust_always" if always else "robust_own", **told)
    elif rival is not None:
        group = str((result.study.get("choose") or {}).get("group") or "people")
        yield words.text(
            "robust_other",
            share=words.share(rival.share),
            site=_named(result, rival.opens, words),
            other=_named(result, rival.instead, words),
            people=words.count(max(rival.worse, 0.0)),
            who=words.group(group),
            money=_money(result, rival.cost, words),
            regret=words.count(rival.regret),
        )


def _named(result: Outcome, sites: Sequence[str], words: Words) -> str:
    names = result.sites["name"].set_axis(result.sites.index.astype(str))
    every = [words.set_off(str(names.get(site, site))) for site in sites]
    return words.listed(every, NAMED) if every else words["no_site"]


def _worse(result: Outcome, worse: float, words: Words) -> str:
    """Say how much is lost, in the words of the objective."""
    told = result.manifest["choice"]
    goal, asked = objective_names()[str(told.get("objective", "coverage"))], result.study.get("choose") or {}
    text = words.get(f"unit_{goal.name}", goal.words.get("unit", "{value}"))
    who = words.group(str(asked.get("group") or "people"))
    amount = words.fill(text, value=words.count(worse), who=who)
    return words.text("more" if goal.less_is_better else "fewer", amount=amount)


def _money(result: Outcome, cost: float, words: Words) -> str:
    """Say what a swap costs more or less; nothing where no costs are given at all."""
    if "cost" not in result.sites or not result.sites["cost"].notna().any():
        return ""
    if not math.isfinite(cost):
        return words["money_unknown"]
    key = "money_less" if cost < 0 else "money_more" if cost > 0 else "money_same"
    return words.text(key, cost=result.money(abs(cost), words))
