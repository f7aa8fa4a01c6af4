"""How big and what for: the desks that each site needs, and the commutes that they replace."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from siteplan.analysis.commuting import (
    Factor,
    check_modes,
    commuting_saved,
    distance_trips,
    flow_trips,
    read_factors,
    tornado,
)
from siteplan.analysis.demand import DeskNeed, chance_of_no_desk, desk_table, desks_for_chance, share_desks, weekdays
from siteplan.analysis.equity import cell_territories
from siteplan.catalogue import BEST
from siteplan.config import Study
from siteplan.config.questions import Commuting, Demand
from siteplan.errors import InputError, StudyError
from siteplan.inputs.flows import read_flows
from siteplan.reachable import People, Reach
from siteplan.study.fairness import Situation, check_group, check_mode
from siteplan.study.load import StudyData

__all__ = ["check_commuting", "check_demand", "check_minutes", "commuting_tables", "demand_tables", "mode_of"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def check_demand(study: Study, asked: Demand) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError
        Naming the key: an unknown group or mode, more minutes than are searched for.
    """
    check_group(study, "demand.group", asked.group)
    check_mode(study, "demand.mode", asked.mode)
    check_minutes(study, "demand.minutes", asked.minutes, asked.mode)


def demand_tables(asked: Demand, here: Situation, *, decay: float = 0.0) -> dict[str, pd.DataFrame]:
    """Answer how big: `desks` by site and uptake, and `weekdays`.

    Parameters
    ----------
    decay
        Workers `t` minutes away count exp(-decay t): as was fitted to what is seen; 0 counts all alike.

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
    reach = here.reach
    mode = mode_of(reach, "demand.mode", asked.mode)
    minutes = asked.minutes or here.study.travel.longest(mode)
    need = DeskNeed(asked.teleworkable, asked.days, asked.fullest, asked.occupancy, asked.desk_m2, asked.desks_a_room)
    where: dict[str, Any] = {"minutes": minutes, "mode": mode, "group": asked.group, "need": need}
    pairs = reach.within(mode, minutes)
    nearness = np.exp(-decay * pairs.minutes) if decay else 1.0
    reached = reach.by_site(pairs, reach.people.amount(asked.group), nearness)
    alone = pd.Series(reached, reach.sites.astype(str))
    if decay:
        here = replace(here, reach=_nearness(here, mode, asked.group, decay))
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


def _nearness(here: Situation, mode: str, group: str, decay: float) -> Reach:
    """Count the people of a group by how near the nearest of the planned sites is."""
    reach = here.reach
    amount = reach.people.amount(group) * np.exp(-decay * reach.least(mode, here.planned))
    return replace(reach, people=People(reach.people.table.assign(**{group: amount})))


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


# ---- commuting ----


def check_commuting(study: Study, asked: Commuting, data: StudyData, demand: Demand | None = None) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: an unknown group, mode or commune, factors that are none, flows without modes.
    """
    check_group(study, "commuting.group", asked.group)
    check_mode(study, "commuting.mode", asked.mode)
    check_minutes(study, "commuting.minutes", asked.minutes, asked.mode)
    factors = _factors(asked, demand)
    if asked.flows is not None and data.communes is None:
        raise StudyError("commuting.flows: are by commune, but area.communes names no file of them")
    flows = _flows(asked, data)
    for key, modes in (("modes", _modes(asked, flows)), ("telecentre_modes", asked.telecentre_modes)):
        check_modes(modes, factors, f"commuting.{key}")
    if flows is not None and "mode" in flows:
        check_modes(
            dict.fromkeys(set(flows["mode"]) - {""}, 0.0), factors, f"commuting.flows: {asked.flows}, column mode"
        )


def commuting_tables(
    asked: Commuting, here: Situation, demand: Demand | None = None, *, decay: float = 0.0
) -> dict[str, pd.DataFrame]:
    """Answer what for: `commuting`, what is saved in a year, and `tornado`, what drives the range.

    Only workers with an open site (existing, required and chosen; all where there is none) within the limit count as
    those who may come: of each flow the share of its home commune that has one.

    Parameters
    ----------
    demand
        Gives the days and the share of jobs, where this block and its factors do not.
    decay
        As for `demand_tables`.

    Returns
    -------
    dict
        `commuting`: `uptake`, then as `commuting_saved` gives it; all a year, negative is a loss. `tornado`: as the
        function of that name gives it, of kg CO2e, at the middle of the uptakes.
    """
    factors = _factors(asked, demand)
    data = here.data
    flows = _flows(asked, data)
    near = _near(asked, here, by_commune=flows is not None, decay=decay)

    def made(factors: Mapping[str, Factor]) -> tuple[pd.DataFrame, pd.Series]:
        detour = factors["detour"].value
        if flows is None:
            classes = pd.DataFrame([each.model_dump() for each in asked.distances])
            trips = distance_trips(classes, float(near["workers"].iloc[0]))
        else:
            assert data.communes is not None  # noqa: S101 - checked before
            metric = data.communes.to_crs(data.points.crs)
            trips = flow_trips(flows, metric, factors=factors)
            trips["people"] *= trips["home"].map(near["share"]).fillna(0.0)
        # Homes without a site near enough have no trips left, whatever their distance.
        km = near["km"].reindex(trips["home"].unique()).fillna(0.0) * detour
        return trips, km if asked.telecentre_km is None else pd.Series(asked.telecentre_km, km.index)

    question: dict[str, Any] = {"modes": _modes(asked, flows), "telecentre_modes": asked.telecentre_modes or None}
    trips, km = made(factors)
    parts = [
        commuting_saved(
            trips, uptake=uptake, telecentre_km=km, factors=factors, rebounds=asked.rebound, **question
        ).assign(uptake=uptake)
        for uptake in asked.uptake
    ]
    saved = pd.concat(parts, ignore_index=True)
    saved.insert(0, "uptake", saved.pop("uptake"))
    drivers = tornado(
        trips,
        uptake=asked.uptake[len(asked.uptake) // 2],
        uptake_range=(min(asked.uptake), max(asked.uptake)),
        telecentre_km=km,
        factors=factors,
        remake=made,
        **question,
    )
    return {"commuting": saved, "tornado": drivers}


def _near(asked: Commuting, here: Situation, *, by_commune: bool, decay: float) -> pd.DataFrame:
    """Return who lives near enough to come, by home: `workers`, their `share` of all, mean `km` straight to a site."""
    reach, data = here.reach, here.data
    mode = mode_of(reach, "commuting.mode", asked.mode)
    minutes = asked.minutes or here.study.travel.longest(mode)
    opened = here.planned or list(here.sites.index)
    homes = reach.people.table["geometry"].to_numpy()
    places = here.sites.loc[opened].geometry.to_crs(data.points.crs).to_numpy()
    km = shapely.STRtree(places).query_nearest(homes, all_matches=False, return_distance=True)[1] / 1000
    where = pd.Series("all", index=reach.points)
    if by_commune:
        assert data.communes is not None  # noqa: S101 - checked before
        where = reach.people.cell.map(cell_territories(data.cells, data.communes))
    workers = reach.people.amount(asked.group)
    able = np.where(reach.covered(mode, minutes, opened), workers, 0.0)
    if decay:
        able *= np.exp(-decay * reach.least(mode, opened))
    table = pd.DataFrame({"all": workers, "workers": able, "km": able * km}).groupby(where.to_numpy()).sum()
    table["km"] /= table["workers"].replace(0.0, np.nan)
    return table.assign(share=table["workers"] / table["all"].replace(0.0, np.nan))


def _flows(asked: Commuting, data: StudyData) -> pd.DataFrame | None:
    """Read the flows between the communes of the study."""
    if asked.flows is None or data.communes is None:
        return None
    try:
        return read_flows(asked.flows, communes=data.communes)
    except InputError as error:
        raise InputError(f"commuting.flows: {error}") from None


def _modes(asked: Commuting, flows: pd.DataFrame | None) -> dict[str, float]:
    """Return the modes on the way to work; without any, those of the flows, each of which then must have its own."""
    if asked.modes or flows is None:
        return dict(asked.modes)
    if "mode" not in flows or (flows["mode"] == "").any():
        raise StudyError(
            f"commuting.modes: missing, and not every flow of {asked.flows} has a mode; expected shares such as "
            "{car: 0.8, bus: 0.2}"
        )
    people = flows.groupby("mode")["people"].sum()
    total = float(people.sum()) or 1.0
    return {str(mode): float(count) / total for mode, count in people.items()}


def _factors(asked: Commuting, demand: Demand | None) -> dict[str, Factor]:
    """Read the factors; what a block of the study says stands above them."""
    try:
        factors = read_factors(asked.factors)
    except InputError as error:
        raise InputError(f"commuting.factors: {error}") from None
    usual = read_factors()
    for name in ("teleworkable", "days"):
        value = getattr(asked, name)
        if value is None and demand is not None and factors[name] == usual[name]:
            value = getattr(demand, name)
        if value is not None:
            known = factors[name]
            factors[name] = replace(known, value=value, low=min(known.low, value), high=max(known.high, value))
    return factors


# ---- both ----


def mode_of(reach: Reach, key: str, asked: str) -> str:
    """Return the mode that a block asks for; where it names none, the best of all."""
    mode = asked or BEST
    if mode not in (*reach.modes, BEST):
        raise StudyError(f"{key}: no '{mode}' in the times given; expected any of {', '.join(reach.modes)}, best")
    return reach.names[-1] if mode == BEST else mode  # of one mode, the best is that mode


def check_minutes(study: Study, key: str, minutes: float | None, mode: str) -> None:
    """Refuse more minutes than are searched for, or than its mode is counted up to."""
    longest = study.travel.longest(mode or BEST)
    if minutes is not None and study.travel.own and minutes > longest:
        raise StudyError(f"{key}: {minutes:g}, but {mode or BEST} is counted up to {longest:g} (travel.minutes)")
    if minutes is not None and minutes > study.limit:
        raise StudyError(f"{key}: {minutes:g} is more than the {study.limit:g} minutes that this study searches for")
