"""What a study measures of its sites beside whom they reach: how near stops and services are, and their commune."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.catalogue import Measure
from siteplan.config import Profile, Study, seconds_of
from siteplan.config.criteria import Criteria
from siteplan.errors import InputError, StudyError, listed, suggested, warn
from siteplan.formats import PLACES, is_graph
from siteplan.inputs.candidates import CANDIDATE_TAGS, TagTable, propose_sites, read_tags
from siteplan.inputs.files import read_places
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable, read_transit
from siteplan.study.editing import edited_timetable
from siteplan.study.load import StudyData
from siteplan.times import travel_times

__all__ = ["TAG_TABLES", "known_columns", "measured", "refuse_unknown", "site_columns"]

SERVICES = CANDIDATE_TAGS.with_name("services.yaml")
TAG_TABLES = (".yaml", ".yml")
STOP, NEAR, AFTER, COMMUNE = "stop_minutes", "services_near", "_minutes", "commune_"


def measured(study: Study, data: StudyData) -> StudyData:
    """Return the data of a study with what it measures of its sites as further columns of these.

    Only what the study names is measured, where it has criteria: `stop_minutes`, `services_near`, `<kind>_minutes`,
    `commune_<column>`. A column of the sites that is called so already is taken as it is.

    Raises
    ------
    StudyError, InputError
        Without the streets, timetables, services or communes that a column needs.
    """
    asked = study.criteria
    if asked is None:
        return data
    columns = [name for name in known_columns(study) if name in _named(study) and name not in data.all_sites]
    if not columns:
        return data
    found = _nearby(study, asked, data, columns) | _of_communes(study, data, columns)
    sites = data.all_sites.assign(**{name: found[name] for name in columns})
    return replace(data, all_sites=sites)


def known_columns(study: Study) -> list[str]:
    """Name the columns that a study can measure of its sites.

    Raises
    ------
    StudyError, InputError
        A table of tags or a file of services that cannot be used.
    """
    asked = study.criteria
    if asked is None:
        return []
    kinds = [f"{kind}{AFTER}" for kind in _kinds(asked)]
    communes = [name for name in _named(study) if name.startswith(COMMUNE)]
    return [STOP, NEAR, *kinds, *communes]


def site_columns(sites: gpd.GeoDataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return some columns of the sites; what an existing site costs is nothing more where its cost is blank."""
    table = pd.DataFrame({name: sites[name] for name in names if name in sites})
    if "cost" in table:
        paid = (sites["status"] == "existing") & table["cost"].isna()
        table["cost"] = table["cost"].mask(paid, 0.0)
    return table


def refuse_unknown(study: Study, key: str, columns: Iterable[str], sites: gpd.GeoDataFrame) -> None:
    """Refuse columns that are none of the sites, of the scores or of what is measured."""
    own = [str(name) for name in sites if name not in (sites.geometry.name, "name", "status")]
    known = [*study.columns(), *own, *known_columns(study)]
    for column in columns:
        # The modes of a table of times are known when it is read.
        if column not in known and (study.inputs.times is None or Measure.read(column) is None):
            likely = suggested(column, known)
            raise StudyError(f"{key}.{column}: no such result or column of the sites; expected {likely}")


def _named(study: Study) -> list[str]:
    """Name the columns that a study speaks of."""
    asked = study.criteria
    quotas = () if study.choose is None else (quota.column for quota in study.choose.quotas)
    criteria = () if asked is None else (*asked.columns, *asked.require)
    return list(dict.fromkeys([*criteria, *study.score.weights, *quotas]))


# ---- services and stops ----


def _nearby(study: Study, asked: Criteria, data: StudyData, columns: list[str]) -> dict[str, pd.Series]:
    """Measure on foot from every site that is not excluded; what is farther than is asked, or not there, is so far."""
    wanted = [name for name in columns if not name.startswith(COMMUNE)]
    if not wanted:
        return {}
    if data.streets is None:
        raise StudyError(f"criteria.columns.{wanted[0]}: is measured along streets; give some (inputs.streets)")
    streets, sites = data.streets, data.sites
    walk = study.travel.profile("walk", slope=study.inputs.elevation is not None)
    assert isinstance(walk, Profile)  # noqa: S101 - nobody rides on foot
    found: dict[str, pd.Series] = {}
    if STOP in wanted:
        stops = _stops(study, asked, data)
        near = _minutes(streets, sites, stops, walk, limit=asked.farthest)
        found[STOP] = _least(near, sites.index, asked.farthest)
    if wanted != [STOP]:
        services = _services(study, asked, data)
        near = _minutes(streets, sites, services, walk, limit=max(asked.farthest, asked.near))
        kind = near["point"].map(services["kind"])
        for name in wanted:
            if name.endswith(AFTER) and name != STOP:
                some = near[(kind == name.removesuffix(AFTER)).to_numpy()]
                found[name] = _least(some, sites.index, asked.farthest)
        if NEAR in wanted:
            counts = near[near["minutes"] <= asked.near].groupby("site", observed=True).size()
            found[NEAR] = counts.reindex(sites.index.astype(str)).fillna(0).astype(int).set_axis(sites.index)
    return found


def _minutes(
    streets: StreetNetwork, sites: gpd.GeoDataFrame, places: gpd.GeoDataFrame, walk: Profile, *, limit: float
) -> pd.DataFrame:
    """Return the minutes on foot from each site to each place within the limit."""
    if places.empty:
        return pd.DataFrame({"site": [], "point": [], "minutes": []})
    return travel_times(streets, sites, places, mode=walk, minutes=limit, direction="from")


def _least(near: pd.DataFrame, sites: pd.Index, farthest: float) -> pd.Series:
    least = near.groupby(near["site"].astype(str))["minutes"].min().reindex(sites.astype(str))
    return least.fillna(farthest).clip(upper=farthest).round(2).set_axis(sites)


def _stops(study: Study, asked: Criteria, data: StudyData) -> gpd.GeoDataFrame:
    """Return where one enters the stops that are served often enough, in the hours asked."""
    timetable = data.timetable if data.timetable is not None else _timetable(study, data)
    first, last = seconds_of(asked.stops.hours)
    calls = timetable.feed.calls
    trip = calls["trip"].to_numpy()
    # Nobody leaves with the last call of a trip.
    leaves = calls["board"].to_numpy(bool) & np.append(trip[1:] == trip[:-1], False)
    leaves &= ((calls["departure"] >= first) & (calls["departure"] < last)).to_numpy()
    often = calls.loc[leaves, "stop"].value_counts()
    served = often.index[often >= asked.stops.departures * asked.stops.span - 1e-9]
    doors = timetable.doors
    doors = doors[doors["stop"].isin(served) & (doors["status"] == "placed")]
    if doors.empty:
        warn(
            f"criteria.stops: no stop has {asked.stops.departures:g} departures an hour between "
            f"{' and '.join(asked.stops.hours)}; every site counts as {asked.farthest:g} minutes away"
        )
    return doors[["geometry"]].reset_index(drop=True).rename_axis("point")


def _timetable(study: Study, data: StudyData) -> Timetable:
    given = study.inputs.transit
    if given is None or data.streets is None:
        raise StudyError(f"criteria.columns.{STOP}: needs timetables; give some (inputs.transit)")
    return edited_timetable(study, read_transit(given.feeds, data.streets, date=given.date))


def _kinds(asked: Criteria) -> list[str]:
    """Name the kinds of services that are told apart."""
    file = asked.services
    if file is None or file.suffix.lower() in TAG_TABLES:
        return [*(_shipped() if file is None else read_tags(file))]
    return sorted(_read_kinds(file)["kind"].unique())


@cache
def _shipped() -> TagTable:
    return read_tags(SERVICES)


def _services(study: Study, asked: Criteria, data: StudyData) -> gpd.GeoDataFrame:
    """Return the services there are, with their `kind`."""
    file, streets = asked.services, study.inputs.streets
    if file is not None and file.suffix.lower() not in TAG_TABLES:
        return _read_kinds(file)
    if streets is None or is_graph(streets):
        raise StudyError(
            "criteria.services: missing; the streets are no extract of OpenStreetMap, which would have services; "
            "expected a file of places with a column kind"
        )
    assert data.original is not None  # noqa: S101 - read of these streets
    tags = SERVICES if file is None else file
    # Scenarios stand on the same streets, as they were read: their extract is not searched again.
    found: gpd.GeoDataFrame = data.original.remember(("services", tags), lambda: propose_sites(streets, tags=tags))
    lacking = [kind for kind in _kinds(asked) if kind not in set(found["kind"])]
    wanted = [kind for kind in lacking if f"{kind}{AFTER}" in _named(study)]
    if wanted:
        warn(
            f"{streets}: has no {listed(wanted)}; every site counts as {asked.farthest:g} minutes away from one "
            "(criteria.services names another table of tags, or a file of places)"
        )
    return found[["kind", "geometry"]].rename_axis("point")


def _read_kinds(file: Path) -> gpd.GeoDataFrame:
    """Read services with their kind.

    Raises
    ------
    InputError
        A file that cannot be used, or has no column kind.
    """
    where = f"criteria.services: {file}"
    if file.suffix.lower() not in (*PLACES, ".zip", ".gz"):
        raise InputError(f"{where}: expected a table of tags (.yaml) or places (.csv .gpkg .geojson)")
    table = read_places(file)
    if "kind" not in table:
        raise InputError(f"{where}: has no column kind (found: {listed(table.columns)})")
    kind = table["kind"].fillna("").astype(str).str.strip()
    blank = (kind == "") | table.geometry.isna() | table.geometry.is_empty
    if blank.any():
        warn(f"{where}: {int(blank.sum()):,} of {len(table):,} places have no kind or no place, and do not count")
    points = (
        table.geometry.to_crs(4326).representative_point() if (table.geom_type != "Point").any() else table.geometry
    )
    return gpd.GeoDataFrame({"kind": kind}, geometry=points, crs=points.crs)[~blank.to_numpy()].rename_axis("point")


# ---- the commune ----


def _of_communes(study: Study, data: StudyData, columns: list[str]) -> dict[str, pd.Series]:
    """Return what the file of communes says of the one in which each site stands."""
    wanted = [name for name in columns if name.startswith(COMMUNE)]
    if not wanted:
        return {}
    given = study.area.communes
    if given is None:
        raise StudyError(f"criteria.columns.{wanted[0]}: is of the communes, but area.communes names no file of them")
    table = read_places(given.file, layer=given.layer, crs=given.crs)
    for name in wanted:
        column = name.removeprefix(COMMUNE)
        if column not in table:
            raise StudyError(
                f"criteria.columns.{name}: {given.file} has no column '{column}' ({listed(table.columns)})"
            )
    places = data.all_sites[["geometry"]].to_crs(table.crs)
    inside = places.reset_index(names="site").sjoin(table, how="left").drop_duplicates("site").set_index("site")
    return {name: inside[name.removeprefix(COMMUNE)].reindex(data.all_sites.index) for name in wanted}
