"""What commutes are replaced: kilometres, CO2, hours and euros a year, summed with their sign.

Saving = uptake days x (home-work km - home-telecentre km) x 2 x factor, by mode share, less the rebound, which is
taken of what is saved only: somebody whom the telecentre makes travel farther does not drive less for it.
The evidence on telecentres is mixed (Cerema 2019, COWORKWORLDS: no significant fall in car use), so a result is a
range: `tornado` shows what drives it, and `commuting_saved` stands beside it with and without rebound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf, isfinite
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.doors import door
from siteplan.errors import InputError, StudyError, listed
from siteplan.geo import require_metric
from siteplan.inputs.files import existing_file
from siteplan.reachable import Floats
from siteplan.yamls import read_yaml

__all__ = ["ALL", "Factor", "check_modes", "commuting_saved", "distance_trips", "flow_trips", "read_factors", "tornado"]

FACTORS = Path(__file__).with_name("factors.yaml")
ALL = "all"  # the sum over the modes
SHARES = ("teleworkable", "rebound")


@dataclass(frozen=True)
class Factor:
    """A number with the ends of its range, its unit, and where it comes from."""

    value: float
    low: float
    high: float
    unit: str
    source: str
    year: int


@door()
def read_factors(given: str | PathLike[str] | Mapping[str, Any] | None = None) -> dict[str, Factor]:
    """Read the table of factors, with the user's in place of some.

    Parameters
    ----------
    given
        A YAML file or a mapping in the form of `factors.yaml`, with only the factors that differ; None takes none.
        New modes are added by giving `<mode>_kg`, `<mode>_kmh` and `<mode>_euros`.

    Returns
    -------
    By name.

    Raises
    ------
    InputError
        For a file that is no such table, a factor without value, unit, source or year, numbers out of order.

    Examples
    --------
    >>> car = sp.read_factors()["car_kg"]
    >>> car.value, car.unit
    (0.177, 'kg CO2e per vehicle-km')
    """
    factors = dict(_usual())
    if given is None:
        return factors
    if isinstance(given, Mapping):
        return factors | _factors(given, "factors", factors)
    file = existing_file(given, (".yaml", ".yml"), "a table of factors")
    return factors | _factors(read_yaml(file, "a table of factors (YAML)"), str(file), factors)


@cache
def _usual() -> Mapping[str, Factor]:
    """Read the package's own table, once: a run asks for it in many places."""
    return _factors(read_yaml(FACTORS, "a table of factors (YAML)"), str(FACTORS))


@door(flows=("home", "work"))
def flow_trips(
    flows: pd.DataFrame, communes: gpd.GeoDataFrame, *, factors: Mapping[str, Factor] | None = None
) -> pd.DataFrame:
    """Give each home-work pair its kilometres.

    Parameters
    ----------
    flows
        As `read_flows` returns them.
    communes
        Index `territory`, polygons in a metric CRS.
    factors
        Gives `detour`; None takes the defaults.

    Returns
    -------
    `flows` with `km` one way: as given, else between the middles of the two communes times `detour`; within one
    commune the mean distance of two points of a circle of its area, 128 r / (45 pi), times `detour`.

    Raises
    ------
    InputError
        For communes that are not in the table, and for flows without people or below 0.

    Examples
    --------
    >>> flows = pd.DataFrame({"home": ["99003"], "work": ["99001"], "people": [320.0], "km": [np.nan]})
    >>> sp.flow_trips(flows, communes).round(1)
        home   work  people    km
    0  99003  99001   320.0  10.7
    """
    _check_people(flows, "flows")
    require_metric(communes.crs, "communes")
    detour = (factors or read_factors())["detour"].value
    names = pd.Index(communes.index.astype(str))
    middle = communes.geometry.centroid
    ends = {}
    km = flows["km"].to_numpy(dtype=np.float64) if "km" in flows.columns else np.full(len(flows), np.nan)
    ask = np.isnan(km)
    for end in ("home", "work"):
        position = names.get_indexer(pd.Index(flows[end].astype(str)))
        missing = ask & (position < 0)
        if missing.any():
            unknown = sorted(set(flows[end].astype(str)[missing]))
            raise InputError(
                f"flows: {int(missing.sum()):,} rows have a {end} that the communes do not have: "
                f"{listed(unknown, most=5)}. Give communes that cover it, or a column km"
            )
        ends[end] = position
    a, b = ends["home"], ends["work"]
    x, y = middle.x.to_numpy(), middle.y.to_numpy()
    radius = np.sqrt(communes.geometry.area.to_numpy() / np.pi)
    straight = np.where(a == b, radius[a] * 128 / (45 * np.pi), np.hypot(x[a] - x[b], y[a] - y[b])) / 1000
    return flows.assign(km=np.where(ask, straight * detour, km))


@door(distances=("km_from", "km_to", "share"))
def distance_trips(distances: pd.DataFrame, workers: float) -> pd.DataFrame:
    """Make trips of a distribution of distances.

    Parameters
    ----------
    distances
        Columns `km_from`, `km_to` (one way) and `share` of the workers, which sum to 1.
    workers
        How many workers there are.

    Returns
    -------
    Columns `home` ("all"), `people`, `km` (the middle of each class).

    Raises
    ------
    InputError
        For classes without an end, shares below 0, above 1 or that do not sum to 1.

    Examples
    --------
    >>> classes = pd.DataFrame({"km_from": [0, 5], "km_to": [5, 25], "share": [0.4, 0.6]})
    >>> sp.distance_trips(classes, workers=1000)
      home  people    km
    0  all   400.0   2.5
    1  all   600.0  15.0
    """
    lacking = [name for name in ("km_from", "km_to", "share") if name not in distances.columns]
    if lacking:
        raise InputError(f"distances: no column {', '.join(lacking)} (found: {listed(distances.columns)})")
    low, high, share = (distances[name].to_numpy(dtype=np.float64) for name in ("km_from", "km_to", "share"))
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError(f"distances: shares {share.tolist()}, expected each 0 to 1; divide percentages by 100")
    if abs(float(share.sum()) - 1) > 0.001:
        raise InputError(f"distances: the shares sum to {share.sum():g}, expected 1")
    if not ((low >= 0) & (high >= low) & (high < inf)).all():
        raise InputError("distances: a class ends before it begins or never; expected 0 <= km_from <= km_to")
    if not 0 <= workers < inf:
        raise InputError(f"distances: {workers:g} workers, expected 0 or more")
    return pd.DataFrame({"home": ALL, "people": share * workers, "km": (low + high) / 2})


@door(trips=("people",))
def commuting_saved(
    trips: pd.DataFrame,
    *,
    uptake: float,
    telecentre_km: float | Mapping[str, float] | pd.Series,
    modes: Mapping[str, float],
    telecentre_modes: Mapping[str, float] | None = None,
    factors: Mapping[str, Factor] | None = None,
    rebounds: Sequence[float] = (0.0, 0.2),
) -> pd.DataFrame:
    """Count what is saved in a year when some of the commutes end at a telecentre.

    Parameters
    ----------
    trips
        Columns `home`, `people` (workers), `km` (home to work, one way) and, if known, `mode`.
    uptake
        Share of those who can work at a distance that would come; no default.
    telecentre_km
        Home to telecentre, one way: one number, or one for each home.
    modes
        Share of each mode on the way to work, summing to 1, for trips without a mode of their own.
    telecentre_modes
        The same on the way to the telecentre; None: everybody travels as before.
    factors
        As `read_factors` returns them; None takes the defaults.
    rebounds
        Shares of what is saved that is travelled otherwise; one set of rows for each.

    Returns
    -------
    One row per rebound and mode, and for `all` modes: `rebound`, `mode`, `people_days` (days at the telecentre, of all;
    in the rows of `all` only), `passenger_km`, `vehicle_km` (of cars), `kg_co2e`, `hours`, `euros`, and of the CO2
    `kg_saved` and `kg_added`, the sums over the trips that save and that cost. All a year; negative is a loss.

    Raises
    ------
    InputError
        For trips without people or km, homes without a telecentre distance, modes without factors.
    StudyError
        For shares that are not 0 to 1, or shares of modes that do not sum to 1.

    Examples
    --------
    >>> classes = pd.DataFrame({"km_from": [0, 5], "km_to": [5, 25], "share": [0.4, 0.6]})
    >>> trips = sp.distance_trips(classes, workers=1000)
    >>> saved = sp.commuting_saved(trips, uptake=0.05, telecentre_km=1.5, modes={"car": 0.8, "bus": 0.2})
    >>> saved.groupby("rebound")["kg_co2e"].sum().round()
    rebound
    0.0    7750.0
    0.2    6200.0
    Name: kg_co2e, dtype: float64
    """
    factors = dict(factors or read_factors())
    _check_people(trips, "trips")
    km = trips["km"].to_numpy(dtype=np.float64) if "km" in trips.columns else np.full(len(trips), np.nan)
    if not (km >= 0).all():
        raise InputError(f"trips: {int((~(km >= 0)).sum()):,} rows have no km of 0 or more; see flow_trips")
    values = {name: factor.value for name, factor in factors.items()}
    for name, share in (
        ("uptake", uptake),
        *((name, values[name]) for name in SHARES),
        *(("rebound", r) for r in rebounds),
    ):
        if not 0 <= share <= 1:
            raise StudyError(f"commuting: {name} is {share:g}, expected a share of 0 to 1")
    if not 0 <= values["days"] <= 5 or not 0 <= values["weeks"] <= 53:
        raise StudyError(f"commuting: {values['days']:g} days and {values['weeks']:g} weeks, expected 0 to 5, 0 to 53")
    to_work = _mode_shares(trips, modes, factors)
    to_centre = (
        to_work
        if telecentre_modes is None
        else _mode_shares(trips.drop(columns="mode", errors="ignore"), telecentre_modes, factors)
    )
    centre_km = _centre_km(trips, telecentre_km)
    days = (
        trips["people"].to_numpy(dtype=np.float64) * uptake * values["teleworkable"] * values["days"] * values["weeks"]
    )
    records = []
    for rebound in rebounds:
        sums = np.zeros(5)
        kg_of_trip = np.zeros(len(trips))
        nothing = np.zeros(len(trips))
        of_rebound = []
        for mode in dict.fromkeys([*to_work, *to_centre]):
            gross = 2 * days * (to_work.get(mode, nothing) * km - to_centre.get(mode, nothing) * centre_km)
            saved = gross - rebound * np.maximum(gross, 0.0)
            kg = saved * _per_passenger(mode, "kg", values)
            kg_of_trip += kg
            total = float(saved.sum())
            cars = total / values["car_occupancy"] if mode == "car" else 0.0
            costs = total * _per_passenger(mode, "euros", values)
            row = np.array([total, cars, kg.sum(), total / values[f"{mode}_kmh"], costs]) + 0.0  # no negative nought
            sums += row
            of_rebound.append((rebound, mode, np.nan, *row, float(kg[kg > 0].sum()), float(kg[kg < 0].sum())))
        signs = float(kg_of_trip[kg_of_trip > 0].sum()), float(kg_of_trip[kg_of_trip < 0].sum())
        records += [*of_rebound, (rebound, ALL, float(days.sum()), *sums, *signs)]
    measures = ["people_days", "passenger_km", "vehicle_km", "kg_co2e", "hours", "euros", "kg_saved", "kg_added"]
    return pd.DataFrame(records, columns=["rebound", "mode", *measures])


@door(trips=("people",))
def tornado(
    trips: pd.DataFrame,
    *,
    uptake: float,
    uptake_range: tuple[float, float] = (0.02, 0.10),
    telecentre_km: float | Mapping[str, float] | pd.Series,
    telecentre_range: tuple[float, float] = (0.5, 2.0),
    modes: Mapping[str, float],
    telecentre_modes: Mapping[str, float] | None = None,
    factors: Mapping[str, Factor] | None = None,
    measure: str = "kg_co2e",
    remake: Callable[[Mapping[str, Factor]], tuple[pd.DataFrame, float | pd.Series]] | None = None,
) -> pd.DataFrame:
    """Tell what drives the range: one driver at a time at its low and its high end, all others as they are.

    Parameters
    ----------
    trips, uptake, telecentre_km, modes, telecentre_modes, factors
        As for `commuting_saved`; the rebound is that of the factors.
    uptake_range
        Low and high.
    telecentre_range
        Low and high of the way to the telecentre, as multiples of it.
    measure
        Which column of `commuting_saved`.
    remake
        Gives `trips` and `telecentre_km` again under other factors, where they hang on these, as on `detour`.

    Returns
    -------
    Columns `driver`, `low`, `high`, `at_low`, `at_high` (the measure, for all modes), `base`, `spread`, the greatest
    spread first; drivers that change nothing are left out. The ends of `telecentre_km` are means over the trips.

    Raises
    ------
    InputError, StudyError
        As for `commuting_saved`; for a measure that it does not have.

    Examples
    --------
    >>> classes = pd.DataFrame({"km_from": [0, 5], "km_to": [5, 25], "share": [0.4, 0.6]})
    >>> trips = sp.distance_trips(classes, workers=1000)
    >>> found = sp.tornado(trips, uptake=0.05, telecentre_km=1.5, modes={"car": 0.8, "bus": 0.2})
    >>> found[["driver", "at_low", "at_high"]].head(2).round()
       driver  at_low  at_high
    0  uptake  1550.0   7750.0
    1    days  1937.0   5812.0
    """
    factors = dict(factors or read_factors())

    def result(factors: Mapping[str, Factor], uptake: float, times: float = 1.0) -> float:
        rows, km = (trips, telecentre_km) if remake is None else remake(factors)
        table = commuting_saved(
            rows,
            uptake=uptake,
            telecentre_km=_scaled(km, times),
            modes=modes,
            telecentre_modes=telecentre_modes,
            factors=factors,
            rebounds=[factors["rebound"].value],
        )
        if measure not in table.columns[2:]:
            raise StudyError(f"tornado: no measure {measure!r}; expected one of {listed(table.columns[2:])}")
        return float(table[measure].iloc[-1])

    base = result(factors, uptake)
    centre, people = _centre_km(trips, telecentre_km), trips["people"].to_numpy(dtype=np.float64)
    mean = float((centre * people).sum() / people.sum()) if people.sum() else 0.0
    records = [
        ("uptake", *uptake_range, *(result(factors, end) for end in uptake_range)),
        (
            "telecentre_km",
            *(mean * times for times in telecentre_range),
            *(result(factors, uptake, times) for times in telecentre_range),
        ),
    ]
    for name, factor in factors.items():
        if name.startswith("building_"):  # which has no part in commuting
            continue
        ends = (
            result(factors | {name: replace(factor, value=end, low=end, high=end)}, uptake)
            for end in (factor.low, factor.high)
        )
        records.append((name, factor.low, factor.high, *ends))
    table = pd.DataFrame(records, columns=["driver", "low", "high", "at_low", "at_high"])
    table["base"] = base
    ends_of_all = table[["at_low", "at_high", "base"]]
    table["spread"] = ends_of_all.max(axis=1) - ends_of_all.min(axis=1)
    table = table[table["spread"] > 0]
    return table.sort_values(["spread", "driver"], ascending=[False, True], ignore_index=True)


def check_modes(modes: Mapping[str, float], factors: Mapping[str, Factor], what: str = "commuting") -> None:
    """Refuse modes that have no factors.

    Raises
    ------
    InputError
        Naming the factors that are missing.
    """
    for name in modes:
        lacking = [f"{name}_{part}" for part in ("kg", "kmh", "euros") if f"{name}_{part}" not in factors]
        if lacking:
            raise InputError(f"{what}: no factor {', '.join(lacking)}; add it, or give mode {name!r} another name")


def _scaled(km: float | Mapping[str, float] | pd.Series, times: float) -> float | dict[str, float]:
    if isinstance(km, int | float):
        return km * times
    return {str(home): float(value) * times for home, value in dict(km).items()}


def _factors(table: object, file: str, known: Mapping[str, Factor] | None = None) -> dict[str, Factor]:
    if not isinstance(table, Mapping) or not table:
        raise InputError(
            f"{file}: expected factors by name, such as car_kg: {{value: 0.177, unit: ..., source: ..., year: ...}}"
        )
    factors = {}
    for name, entry in table.items():
        if known is not None and name not in known and not str(name).endswith(("_kg", "_kmh", "_euros")):
            raise InputError(f"{file}: no factor {name!r}; expected one of {listed(known)}, or <mode>_kg, _kmh, _euros")
        if not isinstance(entry, Mapping):
            raise InputError(f"{file}: {name} is {entry!r}, expected value, unit, source and year")
        extra = set(entry) - {"value", "low", "high", "unit", "source", "year"}
        lacking = [key for key in ("value", "unit", "source", "year") if entry.get(key) in (None, "")]
        if extra or lacking:
            wrong = f"lacks {', '.join(lacking)}" if lacking else f"has {listed(sorted(map(str, extra)))}"
            raise InputError(f"{file}: {name} {wrong}; expected value, unit, source, year and, if known, low and high")
        ends = [entry.get(key, entry["value"]) for key in ("low", "value", "high")]
        if not all(isinstance(end, int | float) and not isinstance(end, bool) and isfinite(end) for end in ends):
            raise InputError(f"{file}: {name} has {ends} as low, value and high; expected numbers")
        low, value, high = (float(end) for end in ends)
        least = 1.0 if name == "car_occupancy" else 0.0
        if not least <= low <= value <= high or (str(name).endswith("_kmh") and low == 0):
            raise InputError(f"{file}: {name} has {ends} as low, value and high; expected them rising from {least:g}")
        if name in SHARES and high > 1:
            raise InputError(f"{file}: {name} goes up to {high:g}; expected a share of 0 to 1")
        factors[str(name)] = Factor(value, low, high, str(entry["unit"]), str(entry["source"]), int(entry["year"]))
    return factors


def _check_people(table: pd.DataFrame, what: str) -> None:
    lacking = [name for name in ("home", "people") if name not in table.columns]
    if lacking:
        raise InputError(f"{what}: no column {', '.join(lacking)} (found: {listed(table.columns)})")
    people = table["people"].to_numpy(dtype=np.float64)
    wrong = ~((people >= 0) & (people < inf))
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(f"{what}: row {first} has {people[first]:g} people, expected 0 or more")


def _per_passenger(mode: str, what: str, values: Mapping[str, float]) -> float:
    """Return a factor per passenger-km; those of cars are per vehicle."""
    return values[f"{mode}_{what}"] / (values["car_occupancy"] if mode == "car" else 1.0)


def _mode_shares(trips: pd.DataFrame, modes: Mapping[str, float], factors: Mapping[str, Factor]) -> dict[str, Floats]:
    """Return for each mode the share of every trip that is made by it."""
    told = "mode" in trips.columns
    own = trips["mode"].fillna("").astype(str).to_numpy(dtype=object) if told else np.full(len(trips), "")
    given = dict(modes)
    if not all(0 <= share <= 1 for share in given.values()):
        raise StudyError(f"commuting: modes {given}, expected shares of 0 to 1")
    if abs(sum(given.values()) - 1) > 1e-6:
        raise StudyError(f"commuting: the shares of modes sum to {sum(given.values()):g}, expected 1")
    names = list(dict.fromkeys([*given, *sorted(set(own) - {""})]))
    check_modes(dict.fromkeys(names, 0.0), factors)
    return {name: np.where(own == "", given.get(name, 0.0), (own == name).astype(float)) for name in names}


def _centre_km(trips: pd.DataFrame, telecentre_km: float | Mapping[str, float] | pd.Series) -> Floats:
    if isinstance(telecentre_km, int | float):
        km = np.full(len(trips), float(telecentre_km))
    else:
        by_home = {str(key): float(value) for key, value in dict(telecentre_km).items()}
        km = np.array([by_home.get(home, np.nan) for home in trips["home"].astype(str)], dtype=np.float64)
    wrong = ~((km >= 0) & (km < inf))
    if wrong.any():
        home = trips["home"].iloc[int(wrong.argmax())]
        raise InputError(f"commuting: home '{home}' has no distance to a telecentre of 0 km or more")
    return km
