"""What the buildings take: energy, fresh air and places, beside the commuting saved."""

import numpy as np
import pandas as pd

from siteplan.analysis.building import CLASSES, building_needs, check_building
from siteplan.analysis.commuting import ALL, Factor, read_factors
from siteplan.config import Study
from siteplan.config.building import Building
from siteplan.errors import InputError, StudyError
from siteplan.inputs.values import numbers
from siteplan.reachable import Floats
from siteplan.study.load import StudyData
from siteplan.study.situation import Answer, Situation

__all__ = ["building_tables", "check_buildings"]


def check_buildings(study: Study, asked: Building, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: no demand, an unknown column, kind or energy, factors that are none.
    """
    if study.demand is None:
        raise StudyError(
            "building: fresh air, places and, without a column of them, floor areas are for those whom demand expects; "
            "give demand (with its uptake)"
        )
    check_building(_kinds(asked, data.sites), asked.energy, _factors(asked))
    _floors(asked, data.sites)


def building_tables(asked: Building, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer what the buildings take: `building`, of the open and chosen sites, else of all.

    Returns
    -------
    dict
        `building`, one row per site and uptake and one for all sites (`all`): `site`, `name`, `uptake`, then as
        `building_needs` gives it with `m2_from` (column or demand); `places_short`, how many places the peak hour lacks
        at the highest; and in the row of all sites `saved_kg_low` and `saved_kg_high`, what commuting saves at that
        uptake, and `net_kg_low` and `net_kg_high`, that less what the buildings emit; below 0 they emit more.
    """
    assert here.study.demand is not None  # noqa: S101 - refused before
    factors, desks = _factors(asked), here.told["desks"]
    if (desks["basis"] == "nearest").any():
        desks = desks[desks["basis"] == "nearest"]
    kinds, floors = _kinds(asked, here.sites), _floors(asked, here.sites)
    parts = []
    for uptake, rows in desks.groupby("uptake", sort=False):
        day = rows.set_index("site")["peak_day"]
        own = floors.reindex(day.index)
        area = own.fillna(rows.set_index("site")["m2"])
        needs = building_needs(
            area,
            day,
            kind=kinds.reindex(day.index),
            energy=asked.energy,
            place_m2=here.study.demand.desk_m2,
            factors=factors,
        )
        needs.insert(1, "name", rows["name"].to_numpy())
        needs.insert(2, "uptake", uptake)
        at = list(needs.columns).index("m2") + 1
        needs.insert(at, "m2_from", np.where(own.isna(), "demand", "column"))
        needs["places_short"] = (np.ceil(needs["persons_high"].round(9)) - needs["places"]).clip(lower=0).astype(int)
        parts.append(
            pd.concat([needs, _in_all(needs, float(str(uptake)), here.told.get("commuting"))], ignore_index=True)
        )
    return {"building": pd.concat(parts, ignore_index=True)}


def _in_all(needs: pd.DataFrame, uptake: float, commuting: pd.DataFrame | None) -> pd.DataFrame:
    """Sum the sites, and set what they emit against what commuting saves."""
    counted = needs.select_dtypes("number").columns.drop("uptake")
    row = needs[counted].sum().to_dict() | {"site": ALL, "name": "", "uptake": uptake, "kind": "", "m2_from": ""}
    row["energy"] = needs["energy"].iloc[0] if len(needs) else ""
    saved = np.array([]) if commuting is None else _saved(commuting, uptake)
    if len(saved):
        emitted = {end: row[f"kg_co2e_{end}"] + row[f"kg_built_{end}"] for end in ("low", "high")}
        row |= {"saved_kg_low": saved.min(), "saved_kg_high": saved.max()}
        row |= {"net_kg_low": saved.min() - emitted["high"], "net_kg_high": saved.max() - emitted["low"]}
    names = [*needs.columns, "saved_kg_low", "saved_kg_high", "net_kg_low", "net_kg_high"]
    return pd.DataFrame([row]).reindex(columns=names).astype({"places": int, "places_short": int})


def _saved(commuting: pd.DataFrame, uptake: float) -> Floats:
    """Return the CO2 that commuting saves at an uptake, for each rebound."""
    rows = commuting[(commuting["mode"] == ALL) & np.isclose(commuting["uptake"], uptake)]
    saved: Floats = rows["kg_co2e"].to_numpy(dtype=np.float64)
    return saved


def _kinds(asked: Building, sites: pd.DataFrame) -> pd.Series:
    """Return the kind or class of every site."""
    told = pd.Series(asked.kind, index=sites.index.astype(str), dtype=object)
    if asked.kind_column:
        if asked.kind_column not in sites.columns:
            raise StudyError(f"building.kind_column: the sites have no column '{asked.kind_column}'")
        own = sites[asked.kind_column].set_axis(told.index)
        told = own.where(own.notna() & (own.astype(str).str.strip() != ""), told)
    text = told.astype(str).str.strip()
    return text.where(~text.str.upper().isin(CLASSES), text.str.upper()).where(text.str.len() == 1, text.str.lower())


def _floors(asked: Building, sites: pd.DataFrame) -> pd.Series:
    """Return the floor area of every site, NaN where no column says it."""
    names = sites.index.astype(str)
    if not asked.floor_column:
        return pd.Series(np.nan, index=names)
    if asked.floor_column not in sites.columns:
        raise StudyError(f"building.floor_column: the sites have no column '{asked.floor_column}'")
    try:
        found = pd.Series(numbers(sites[asked.floor_column].reset_index(drop=True), "sites"), names)
    except InputError as error:
        raise InputError(f"building.floor_column: {error}") from None
    wrong = found[~(found.isna() | ((found > 0) & (found < np.inf)))]
    if len(wrong):
        raise InputError(
            f"building.floor_column: site '{wrong.index[0]}' has {wrong.iloc[0]:g} m2, expected more than 0"
        )
    return found


def _factors(asked: Building) -> dict[str, Factor]:
    try:
        return read_factors(asked.factors)
    except InputError as error:
        raise InputError(f"building.factors: {error}") from None


ANSWER = Answer(check_buildings, building_tables, after=("demand", "commuting"))
