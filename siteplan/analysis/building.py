"""What a building takes: energy, its cost and its CO2 a year, and fresh air and places for the peak hour.

Each figure is a range around its value, from the lowest ends of all factors that it hangs on to the highest: as wide as
can be, not as likely as can be. Fresh air follows EN 16798-1 (annex B, method 1): so much for each person
and so much for each m2. Factors, with their sources, stand in `factors.yaml`; their names begin with `building_`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from siteplan.analysis.commuting import Factor, read_factors
from siteplan.doors import door
from siteplan.errors import InputError, listed
from siteplan.reachable import Floats

__all__ = ["CLASSES", "KINDS", "building_needs", "check_building", "energies"]

KINDS = ("new", "renovated", "reused")
CLASSES = ("A", "B", "C", "D", "E", "F", "G")
ENDS = {"": "value", "_low": "low", "_high": "high"}
FULL = 1.0  # of those who come on a day, all at once


def energies(factors: Mapping[str, Factor]) -> list[str]:
    """Name the kinds of energy that the factors have the CO2 and the price of."""
    names = [name.removeprefix("building_").removesuffix("_euros") for name in factors if name.startswith("building_")]
    return [name for name in names if f"building_{name}_euros" in factors and f"building_{name}_kg" in factors]


def check_building(kinds: pd.Series, energy: str, factors: Mapping[str, Factor]) -> None:
    """Refuse a kind or an energy that there are no factors for.

    Raises
    ------
    InputError
        Naming the first site, and what there is.
    """
    known = energies(factors)
    if energy not in known:
        raise InputError(
            f"building: no energy '{energy}'; expected any of {', '.join(known)}, or factors building_{energy}_kg and "
            f"building_{energy}_euros of your own"
        )
    wrong = kinds[~kinds.isin([*KINDS, *CLASSES])]
    if len(wrong):
        raise InputError(
            f"building: site '{wrong.index[0]}' is '{wrong.iloc[0]}'; expected any of {listed(KINDS)}, or an energy "
            "class A to G"
        )
    if factors["building_peak_hour"].high > FULL:
        raise InputError("building: building_peak_hour goes up to more than 1; expected a share of 0 to 1")


@door()
def building_needs(
    floor: pd.Series | Mapping[str, float],
    people: pd.Series | Mapping[str, float],
    *,
    kind: pd.Series | Mapping[str, str],
    energy: str = "electricity",
    place_m2: float = 12.5,
    factors: Mapping[str, Factor] | None = None,
) -> pd.DataFrame:
    """Tell what each building takes in a year, and what it must offer in its peak hour.

    Parameters
    ----------
    floor
        Its m2, by site.
    people
        Who comes on the fullest day, by site; missing is not known.
    kind
        By site: `new`, `renovated` or `reused`, or an energy class `A` to `G` as a label has it.
    energy
        electricity, gas, wood, district, or one of your own factors.
    place_m2
        Floor area to a place, all included.
    factors
        As `read_factors` gives them; None takes the defaults.

    Returns
    -------
    One row per site: `site`, `kind`, `energy`, `m2`; then, each with columns `_low` and `_high` beside it: `kwh` (final
    energy), `euros`, `kg_co2e` (of the energy), `kg_built` (of building, a year of fifty; of a class, as if reused),
    all a year; `persons` (in the peak hour) and `air_m3h` (fresh air then). Last `places`, as many as the floor holds.

    Raises
    ------
    InputError
        For a kind or energy that is not known, areas or people that are no numbers of 0 or more.

    Examples
    --------
    >>> needs = sp.building_needs({"S01": 500}, {"S01": 40}, kind={"S01": "renovated"}).iloc[0]
    >>> needs[["kwh_low", "kwh", "kwh_high", "air_m3h", "places"]].to_dict()
    {'kwh_low': 35000.0, 'kwh': 50000.0, 'kwh_high': 64000.0, 'air_m3h': 2116.8, 'places': 40}
    """
    factors = read_factors() if factors is None else factors
    area = pd.Series(floor, dtype=np.float64)
    day, which = pd.Series(people, dtype=np.float64).reindex(area.index), pd.Series(kind).reindex(area.index)
    for name, each in (("floor", area), ("people", day.dropna())):
        wrong = each[~((each >= 0) & (each < np.inf))]
        if len(wrong):
            raise InputError(f"{name}: site '{wrong.index[0]}' has {wrong.iloc[0]:g}, expected 0 or more")
    check_building(which, energy, factors)
    if not place_m2 > 0:
        raise InputError(f"place_m2: {place_m2:g}, expected more than 0")
    table = pd.DataFrame({"site": area.index, "kind": which.to_numpy(), "energy": energy, "m2": area.to_numpy()})
    parts = {end: _needs(area.to_numpy(), day.to_numpy(), which, factors, energy=energy, end=end) for end in ENDS}
    for name in parts[""]:
        for end in ENDS:
            table[f"{name}{end}"] = parts[end][name]
    table["places"] = np.floor(np.round(area.to_numpy() / place_m2, 9)).astype(int)
    return table


def _needs(
    area: Floats, day: Floats, kinds: pd.Series, factors: Mapping[str, Factor], *, energy: str, end: str
) -> dict[str, Floats]:
    """Return what is needed with all factors at one end; more primary energy to one of final is less of final."""
    name = ENDS[end]
    other = {"value": "value", "low": "high", "high": "low"}[name]

    def at(factor: str, which: str = name) -> float:
        return float(getattr(factors[f"building_{factor}"], which))

    known = f"building_{energy}_primary" in factors
    primary = at(f"{energy}_primary", other) if known else 1.0
    each = [at(f"{kind}_kwh") if kind in KINDS else at(f"class_{kind.lower()}_kwh") / primary for kind in kinds]
    built = [at(f"{kind if kind in KINDS else 'reused'}_built_kg") for kind in kinds]
    kwh, persons = area * np.array(each), day * at("peak_hour")
    return {
        "kwh": kwh,
        "euros": kwh * at(f"{energy}_euros"),
        "kg_co2e": kwh * at(f"{energy}_kg"),
        "kg_built": area * np.array(built),
        "persons": persons,
        "air_m3h": persons * at("air_person") + area * at("air_floor"),
    }
