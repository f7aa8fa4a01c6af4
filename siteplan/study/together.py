"""Communes together: who gains by the chosen sites, what each would reach alone, and who pays."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siteplan.analysis.equity import OUTSIDE
from siteplan.analysis.together import EXACT, commune_gains, core_breach, shapley_value, share_money
from siteplan.config import Study
from siteplan.config.together import Together
from siteplan.errors import StudyError, warn
from siteplan.reachable import Floats, sums
from siteplan.siting.alone import Groups, least_costs
from siteplan.study.choosing import by_point
from siteplan.study.load import StudyData, commune_names
from siteplan.study.situation import Answer, Situation, check_whom, mode_of

__all__ = ["check_together", "together_tables"]

CENT = 0.01


def check_together(study: Study, asked: Together, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError
        Naming the key: an unknown group or mode, more minutes than are searched for, no communes, nothing to pay.
    """
    check_whom(study, "together", asked)
    if data.communes is None:
        raise StudyError("together: shares out among communes, but area.communes names no file of them")
    if study.choose is None and not (data.sites["status"] == "required").any():
        raise StudyError(
            "together: no site is required and none is chosen, so there is nothing to build; say how many in choose"
        )


def together_tables(asked: Together, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer who gains and who pays: `together`, `together_sites` and `cost_shares`.

    Returns
    -------
    dict
        `together`, one row per commune and one for people `outside`: `territory`, `people`, `before` (with an existing
        site within the limit), `together` (with an open one), `gained`, of them `at_home` and `beyond` (by a site in
        their own commune or not), `money` (the share of the cost by the rule asked for), `alone` (who would have a site
        if the commune spent that money on itself), `alone_sites`, `alone_cost`, `price` (`together` less `alone`).
        `together_sites`: `territory`, `site`, `name`, `site_territory`, `mode`, `people`, `gained`, as `commune_gains`.
        `cost_shares`, one row per rule and commune: `rule`, `territory`, `share`, `error` (of drawn Shapley values),
        `alone` (the least for which it would have as much), `saved`, `least` (that of all communes together), `stable`
        (no group pays more than alone), and else `group`, the one that pays most too much, and `overpaid`.
    """
    plan = _planned(asked, here)
    shares, told = _shares(asked, plan)
    return {
        "together": _gained(plan, shares.get(asked.money)),
        "together_sites": plan.gains,
        "cost_shares": told,
    }


@dataclass(frozen=True)
class _Plan:
    """What is planned: the communes' game, its cost, and who lives where and is served by which site."""

    game: Groups
    cost: float
    inhabitants: Floats
    people: Floats
    gains: pd.DataFrame
    outside: float

    @property
    def communes(self) -> pd.Index:
        """The communes, in the order of the game."""
        return pd.Index(self.game.offer.communes, name="territory")

    def summed(self, rows: pd.DataFrame, column: str) -> Floats:
        """Sum some of the gains by commune."""
        found: Floats = rows.groupby("territory")[column].sum().reindex(self.communes).fillna(0.0).to_numpy()
        return found


def _planned(asked: Together, here: Situation) -> _Plan:
    """Put together what the communes plan: the existing, required and chosen sites."""
    study, data, reach, sites = here.study, here.data, here.reach, here.sites
    choose = study.choose
    usual = "" if choose is None or not isinstance(choose.mode, str) else choose.mode
    mode = mode_of(reach, "together.mode", asked.mode or usual)
    minutes = asked.minutes or study.travel.longest(mode)
    if asked.minutes is None and choose is not None and choose.goal.limited:
        minutes = choose.limit(minutes)
    place = by_point(data, reach)
    assert place is not None  # noqa: S101 - refused before
    assert data.communes is not None  # noqa: S101
    opened = here.planned
    existing = [site for site in opened if sites["status"][site] == "existing"]
    new = sites.loc[[site for site in opened if site not in existing]]
    unknown = new.index[new["cost"].isna()]
    if len(unknown):
        text = f"together: {len(unknown):,} sites of the plan have no cost, first '{unknown[0]}': counted as costing "
        warn(f"{text}nothing; give it in the column cost of the sites")
    where: dict[str, Any] = {"territory": place, "minutes": minutes, "mode": mode, "group": asked.group}
    gains = commune_gains(reach, None, existing, opened, **where)
    homes = commune_names(sites.to_crs(data.points.crs), data.communes.to_crs(data.points.crs))
    gains.insert(2, "name", sites["name"].reindex(gains["site"]).to_numpy())
    gains.insert(3, "site_territory", homes.reindex(gains["site"]).to_numpy())
    gains["new"] = gains["site"].isin(new.index)
    game = least_costs(reach, None, sites, opened, **where)
    names = pd.Index(game.offer.communes)
    at = names.get_indexer(pd.Index(place.reindex(reach.points))) % (len(names) + 1)  # the last is nowhere: outside
    counts = [sums(at, reach.people.amount(name), len(names) + 1) for name in ("people", asked.group)]
    cost = round(float(new["cost"].fillna(0.0).sum()), 2)
    return _Plan(game, cost, counts[0][:-1], counts[1][:-1], gains, float(counts[1][-1]))


def _gained(plan: _Plan, money: Floats | None) -> pd.DataFrame:
    """Tell what each commune gains together, and what it would have alone, with its share of the cost."""
    offer, gains = plan.game.offer, plan.gains
    home = gains[gains["territory"] == gains["site_territory"]]
    table = pd.DataFrame({"territory": plan.communes, "people": plan.people})
    total, gained, at_home = plan.summed(gains, "people"), plan.summed(gains, "gained"), plan.summed(home, "gained")
    table["before"], table["together"], table["gained"] = total - gained, total, gained
    table["at_home"], table["beyond"] = at_home, gained - at_home
    if money is None:
        money = np.full(len(table), np.nan)
    sets = [offer.best(at, float(each)) if each == each else None for at, each in enumerate(money)]  # NaN is no money
    paid = [None if each is None else each & (offer.cost > 0) for each in sets]
    table["money"] = money
    table["alone"] = [np.nan if each is None else offer.covered(each)[at] for at, each in enumerate(sets)]
    table["alone_sites"] = ["" if each is None else ", ".join(offer.sites[each]) for each in paid]
    table["alone_cost"] = [np.nan if each is None else float(offer.cost[each].sum()) for each in paid]
    table["price"] = table["together"] - table["alone"]
    beyond = gains[gains["territory"] == OUTSIDE][["people", "gained"]].sum()
    row = {"territory": OUTSIDE, "people": plan.outside, "alone_sites": ""}
    row |= {"before": beyond["people"] - beyond["gained"], "together": beyond["people"], "gained": beyond["gained"]}
    row |= {"at_home": 0.0, "beyond": beyond["gained"]}
    return pd.concat([table, pd.DataFrame([row])], ignore_index=True)[table.columns]


def _shares(asked: Together, plan: _Plan) -> tuple[dict[str, Floats], pd.DataFrame]:
    """Share the cost by every rule, and look for a group that pays more than it would alone."""
    game, names = plan.game, plan.communes
    game.least(game.players)  # what serves all bounds every group
    value = _values(asked, game)
    least = float(value["share"].sum())
    weights = {
        "inhabitants": plan.inhabitants,
        "served": plan.summed(plan.gains[plan.gains["new"]], "people"),
        "shapley": value["share"].to_numpy().clip(min=0.0),
    }
    alone = np.array([game.least([at]) for at in range(len(names))])
    found: dict[str, Floats] = {}
    parts = []
    for rule, each in weights.items():
        if not each.sum() > 0:
            warn(f"together: nobody counts by the rule {rule}, so that the cost is not shared by it")
            continue
        pays = share_money(plan.cost, pd.Series(each, names)).to_numpy()
        scale = plan.cost / least if rule == "shapley" else 0.0
        group, more = _breach(game, pays)
        found[rule] = pays
        parts.append(
            pd.DataFrame(
                {
                    "rule": rule,
                    "territory": names,
                    "share": pays,
                    "error": value["error"].to_numpy() * scale,
                    "alone": alone,
                    "saved": alone - pays,
                    "least": least,
                    "stable": not group,
                    "group": ", ".join(names[at] for at in group),
                    "overpaid": more,
                }
            )
        )
    columns = ["rule", "territory", "share", "error", "alone", "saved", "least", "stable", "group", "overpaid"]
    return found, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _values(asked: Together, game: Groups) -> pd.DataFrame:
    """Return the Shapley value of every commune, 0 of those that need nothing; communes that share no site add up."""
    value = pd.DataFrame(0.0, index=range(len(game.offer.communes)), columns=["share", "error"])
    for part in game.parts:
        names = [str(at) for at in part]

        def cost(group: Collection[str]) -> float:
            return game.least([int(at) for at in group])

        value.loc[list(part)] = shapley_value(cost, names, orders=asked.orders, seed=asked.seed).to_numpy()
    return value


def _breach(game: Groups, pays: Floats) -> tuple[list[int], float]:
    """Return the communes that together pay most beyond what they would alone, and how much; nobody and 0 if none.

    Who needs nothing would pay nothing alone, and so belongs to the group if it pays anything.
    """
    if len(game.players) <= EXACT:
        shares = {str(at): float(pays[at]) for at in game.players}
        named, _ = core_breach(shares, lambda group: game.least([int(at) for at in group]))
        group = [int(at) for at in named]
    else:
        group = list(game.worst(pays))
    idle = [at for at in range(len(pays)) if at not in game.players and pays[at] >= CENT / 2]
    more = float(pays[group].sum()) - game.least(group)
    if more < CENT * len(group):
        group, more = [], 0.0
    return sorted([*group, *idle]), round(more + float(pays[idle].sum()), 2)


ANSWER = Answer(check_together, together_tables)
