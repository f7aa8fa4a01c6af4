"""How big: the desks that each site needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siteplan.analysis.demand import DeskNeed, chance_of_no_desk, desk_table, desks_for_chance, share_desks, weekdays
from siteplan.config import Study
from siteplan.config.questions import Demand
from siteplan.study.load import StudyData
from siteplan.study.observed import by_nearness, learned
from siteplan.study.situation import Answer, Situation, check_whom

__all__ = ["check_demand", "demand_tables"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def check_demand(study: Study, asked: Demand, _: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError
        Naming the key: an unknown group or mode, more minutes than are searched for.
    """
    check_whom(study, "demand", asked)


def demand_tables(asked: Demand, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer how big: `desks` by site and uptake, and `weekdays`.

    Where a decay is fitted to what is seen, and used, workers `t` minutes away count exp(-decay t).

    Returns
    -------
    dict
        `desks`, one row per site and uptake: `site`, `name`, `status`, `basis`, `uptake`, `workers`, `teleworkers`,
        `comers`, `mean_day`, `peak_day`, `desks`, `rooms`, `m2`, `chance_of_no_desk` (with so many desks), `people_p50`
        and `people_p95` (who come on the fullest day: exceeded with a chance of 50 and of 5 %), `desks_at_chance`,
        `capacity`, `chance_at_capacity` (that somebody finds no desk with the desks there are), and, where people go on
        to the next site when one is full, `seated`, `from_others`, `sent_on`, `left_out` of the fullest day. `basis` is
        "nearest" for the existing, required and chosen sites, each of which has those who live nearest to it of all
        these, and "alone" for every other site, as if it were the only one. `weekdays`: `uptake`, `day`, `of_mean`,
        `people` at all sites of the first kind together.
    """
    asked, decay = learned("demand", asked, here)
    reach = here.reach
    mode, minutes = here.way("demand", asked)
    need = DeskNeed(asked.teleworkable, asked.days, asked.fullest, asked.occupancy, asked.desk_m2, asked.desks_a_room)
    where: dict[str, Any] = {"minutes": minutes, "mode": mode, "group": asked.group, "need": need}
    pairs = reach.within(mode, minutes)
    nearness = np.exp(-decay * pairs.minutes) if decay else 1.0
    reached = reach.by_site(pairs, reach.people.amount(asked.group), nearness)
    alone = pd.Series(reached, reach.sites.astype(str))
    if decay:
        near = by_nearness(reach, asked.group, decay, mode=mode, opened=here.planned, called=asked.group)
        here = replace(here, reach=near)
    nearest = _nearest(here, asked.uptake[0], need, where)
    every = pd.concat([nearest, alone.drop(nearest.index)])
    # A table of the user's own may leave out who reaches nobody.
    workers = every.reindex(here.sites.index).fillna(0.0)
    table = desk_table(workers, uptakes=asked.uptake, need=need, chances=[asked.chance])
    table = table.rename(columns={f"desks_at_{asked.chance:g}": "desks_at_chance"})
    about = here.sites.loc[table["site"]]
    table.insert(1, "name", about["name"].to_numpy())
    table.insert(2, "status", about["status"].to_numpy())
    table.insert(3, "basis", np.where(table["site"].isin(nearest.index), "nearest", "alone"))
    table["capacity"] = about["capacity"].to_numpy(dtype=float)
    rows = list(zip(table["teleworkers"], table["uptake"], table["capacity"], strict=True))
    for name, chance in (("people_p50", 0.5), ("people_p95", 0.05)):
        table[name] = [desks_for_chance(able, need.chance(uptake), chance) for able, uptake, _ in rows]
    table["chance_at_capacity"] = [
        np.nan if np.isnan(desks) else chance_of_no_desk(able, need.chance(uptake), int(desks))
        for able, uptake, desks in rows
    ]
    if asked.sharing:
        table = table.merge(_shared(asked, here, where), on=["site", "uptake"], how="left")
    means = table[table["basis"] == "nearest"].groupby("uptake")["mean_day"].sum()
    return {"desks": table, "weekdays": _week(asked, means)}


def _nearest(here: Situation, uptake: float, need: DeskNeed, where: Mapping[str, Any]) -> pd.Series:
    """Return the workers of whom each open site is the nearest."""
    if not here.planned:
        return pd.Series(dtype=float)
    asked = share_desks(here.reach, None, pd.Series(0.0, index=here.planned), uptake=uptake, **where)
    return pd.Series(asked["wanted"] / (need.teleworkable * need.chance(uptake))).rename(index=str)


def _shared(asked: Demand, here: Situation, where: Mapping[str, Any]) -> pd.DataFrame:
    """Seat the people of the fullest day at the desks there are, site by site and uptake by uptake."""
    desks = here.sites["capacity"].astype(float).reindex(here.planned).dropna()
    columns = ["seated", "from_others", "sent_on", "left_out"]
    if len(desks) < len(here.planned) or not len(desks):
        return pd.DataFrame(columns=["site", "uptake", *columns]).astype({"site": object, "uptake": float})
    parts = []
    for uptake in asked.uptake:
        seats = share_desks(here.reach, None, desks, uptake=uptake, **where)
        parts.append(seats[columns].rename_axis("site").reset_index().assign(uptake=uptake))
    return pd.concat(parts, ignore_index=True).astype({"site": str})


def _week(asked: Demand, means: pd.Series) -> pd.DataFrame:
    profile = dict(zip(DAYS, asked.week, strict=True)) if asked.week else None
    parts = [
        weekdays(float(means[uptake]), peak=asked.fullest, profile=profile).assign(uptake=uptake)
        for uptake in asked.uptake
        if uptake in means.index
    ]
    columns = ["uptake", "day", "of_mean", "people"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


ANSWER = Answer(check_demand, demand_tables, after=("observed",))
