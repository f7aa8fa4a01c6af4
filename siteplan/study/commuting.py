"""What for: the commutes that are replaced, and what that saves."""

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
from siteplan.analysis.equity import cell_territories
from siteplan.config import Study
from siteplan.config.questions import Commuting, Demand
from siteplan.errors import InputError, StudyError
from siteplan.inputs.flows import read_flows
from siteplan.study.load import StudyData
from siteplan.study.observed import learned
from siteplan.study.situation import Answer, Situation, check_whom

__all__ = ["check_commuting", "commuting_tables"]


def check_commuting(study: Study, asked: Commuting, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: an unknown group, mode or commune, factors that are none, flows without modes.
    """
    check_whom(study, "commuting", asked)
    factors = _factors(asked, study.demand)
    if asked.flows is not None and data.communes is None:
        raise StudyError("commuting.flows: are by commune, but area.communes names no file of them")
    flows = _flows(asked, data)
    for key, modes in (("modes", _modes(asked, flows)), ("telecentre_modes", asked.telecentre_modes)):
        check_modes(modes, factors, f"commuting.{key}")
    if flows is not None and "mode" in flows:
        check_modes(
            dict.fromkeys(set(flows["mode"]) - {""}, 0.0), factors, f"commuting.flows: {asked.flows}, column mode"
        )


def commuting_tables(asked: Commuting, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer what for: `commuting`, what is saved in a year, and `tornado`, what drives the range.

    Only workers with an open site (existing, required and chosen; all where there is none) within the limit count as
    those who may come: of each flow the share of its home commune that has one. The block `demand` gives the days and
    the share of jobs, where this block and its factors do not. A decay counts as for `demand_tables`.

    Returns
    -------
    dict
        `commuting`: `uptake`, then as `commuting_saved` gives it; all a year, negative is a loss. `tornado`: as the
        function of that name gives it, of kg CO2e, at the middle of the uptakes.
    """
    asked, decay = learned("commuting", asked, here)
    factors = _factors(asked, here.study.demand)
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
    mode, minutes = here.way("commuting", asked)
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


ANSWER = Answer(check_commuting, commuting_tables, after=("observed",))
