"""The minutes and the isochrones of a study, searched or taken from where they were kept."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.config import Profile, Rides, Study
from siteplan.contours import isochrones
from siteplan.errors import InputError, listed
from siteplan.inputs.times import read_times
from siteplan.inputs.values import same_codes
from siteplan.memory import give_back
from siteplan.network.graph import ModeGraph
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.reachable import GIVEN, check_times
from siteplan.study.cache import Cache, content_key, file_hash
from siteplan.study.load import StudyData
from siteplan.study.manifest import input_files
from siteplan.study.progress import Means
from siteplan.study.scenarios import updated
from siteplan.times import travel_times

__all__ = ["fingerprint", "no_longer", "rings_of", "times_after", "times_of"]

Search = Callable[[Profile | Rides], pd.DataFrame]

OF_RIDES = ("minutes_p25", "minutes_p75", "share")  # columns that other modes do not fill


def times_of(
    study: Study, data: StudyData, cache: Cache, means: Means, *, search: Search | None = None, last: bool = False
) -> pd.DataFrame:
    """Take the user's own times, or search them mode by mode; `attrs["searched"]` counts the sites searched by mode.

    Parameters
    ----------
    search
        Gives the times of one mode, in place of a search for all sites, and says in their `attrs` how many it searched:
        of what was kept by somebody else, none.
    last
        Nothing is searched on these streets afterwards: no two modes' graphs need to lie in memory at once.
    """
    if study.inputs.times is not None:
        return _own_times(study, data)
    names = [profile.name for profile in study.profiles()]
    tables, searched = [], {}
    for profile in study.profiles():
        inputs = fingerprint(study, data.streets, without=_unused(profile))
        key = content_key(
            {**inputs, "profile": profile.model_dump(exclude={"title"}), "limit": study.limit_of(profile.name)}
        )
        make = functools.partial(search or functools.partial(_searched, study, data, means), profile)
        table = cache.table(f"times_{profile.name}_{key}", make, pd.read_parquet)
        searched[profile.name] = table.attrs.pop("searched", 0 if search else len(data.sites))
        # An empty table forgets its categories on disk, and every mode has its own.
        table["site"] = pd.Categorical(table["site"], categories=data.sites.index.astype(str))
        table["mode"] = pd.Categorical(table["mode"], categories=names)
        tables.append(table)
        if last and data.streets is not None and not study.rides:
            data.streets.forget(ModeGraph)
        give_back()
    whole = pd.concat(tables, ignore_index=True)
    whole.attrs["searched"] = searched
    return whole


def _searched(study: Study, data: StudyData, means: Means, profile: Profile | Rides) -> pd.DataFrame:
    assert data.streets is not None  # noqa: S101 - the study was refused without
    limit: dict[str, Any] = {study.travel.unit: study.limit_of(profile.name)}
    return travel_times(
        data.streets,
        data.sites,
        # Whom the mode's streets do not meet is said once, in people rather than points, when loading.
        data.points[data.linked[profile.name]],
        mode=profile,
        **limit,
        direction=study.travel.direction,
        transit=data.timetable,
        **means.of(profile.name),
    )


def times_after(
    variant: Study,
    after: StudyData,
    before: tuple[Study, StudyData, pd.DataFrame],
    *,
    cache: Cache,
    means: Means,
) -> pd.DataFrame:
    """Return the times of a scenario: as `times_of`, but searching only what it changes of the times `before`."""
    study, data, times = before
    same = variant.travel.direction == study.travel.direction
    known = {
        profile.name: profile
        for profile in study.profiles()
        if same and variant.limit_of(profile.name) == study.limit_of(profile.name)
    }

    def search(profile: Profile | Rides) -> pd.DataFrame:
        if known.get(profile.name) != profile:
            table = _searched(variant, after, means, profile)
            table.attrs["searched"] = len(after.sites)
            return table
        rows = times[times["mode"] == profile.name]
        columns = [name for name in rows if isinstance(profile, Rides) or name not in OF_RIDES]
        rows = rows[columns].assign(mode=rows["mode"].cat.set_categories([profile.name]))
        limit, way, how = study.limit_of(profile.name), study.travel.direction, means.of(profile.name)
        return updated(rows, data, after, profile, minutes=limit, direction=way, means=how)

    return times_of(variant, after, cache, means, search=search)


def _own_times(study: Study, data: StudyData) -> pd.DataFrame:
    """Read the user's table, which names a point as the population file names its cell."""
    path = Path(study.inputs.times or "")
    times = read_times(path, sites=data.all_sites, minutes=study.inputs.times_minutes)
    if not pd.api.types.is_integer_dtype(data.points.index):
        times["point"] = times["point"].astype(str)
    unknown = ~times["point"].isin(data.points.index)
    if unknown.any():
        times["point"], unknown = _recoded(times["point"], data.points.index, path)
    if unknown.any():
        raise InputError(
            f"{path}: {int(unknown.sum()):,} of {len(times):,} rows name a point that is no cell of the population, "
            f"the first '{times['point'][unknown].iloc[0]}'; expected the names of its cells, such as "
            f"'{data.points.index[0]}' (inputs.population.cell says which column names them)"
        )
    check_times(times, data.points)
    return no_longer(study, times)


def no_longer(study: Study, times: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the user's own without what is beyond the longest limit of its mode, where limits are by mode.

    Raises
    ------
    InputError
        A table with modes that have no limits, or without some that have.
    """
    own, unit = study.travel.own, study.travel.unit
    if not own:
        return times
    modes = times["mode"].astype(str) if "mode" in times else pd.Series(GIVEN, index=times.index)
    known = list(dict.fromkeys(modes))
    if {*known} != {*own}:
        raise InputError(
            f"travel.{unit}: has limits for {listed(own)}, and {study.inputs.times} the modes {listed(known)}; "
            "expected limits for each mode of the table, and for no other"
        )
    return times[times[unit] <= modes.map({mode: max(limits) for mode, limits in own.items()})].reset_index(drop=True)


def _recoded(points: pd.Series, known: pd.Index, path: Path) -> tuple[pd.Series, pd.Series]:
    """Name points as the cells are named, where a program has taken codes for numbers; and tell which are unknown."""
    named = dict(zip(known.astype(str), known, strict=True))
    same = same_codes(points.astype(str).unique(), named, f"{path}: points")
    told = points.astype(str).map(lambda code: named.get(same.get(code, code), code))
    unknown = ~told.isin(known)
    return (points if unknown.any() else told.astype(known.dtype)), unknown


def fingerprint(study: Study, streets: StreetNetwork | None, without: Sequence[str] = ()) -> dict[str, Any]:
    """Name all that travel times (or, without the people, isochrones) depend on, but for the mode and the limits."""
    # No search of the study's own reads what its questions do.
    apart = ("inputs.times", *(f"{key}." for key in study.asked))
    files = {key.split(".", 1)[1]: path for key, path in input_files(study).items() if not key.startswith(apart)}
    hashes = {name: file_hash(path) for name, path in files.items() if name.split(".")[0] not in without}
    tables = {"population": study.inputs.population, "sites": study.inputs.sites}
    options = {
        name: table.model_dump(mode="json", exclude={"file"})
        for name, table in tables.items()
        if table is not None and name not in without
    }
    told: dict[str, str] = {"direction": study.travel.direction, "extent": study.area.extent}
    if study.inputs.transit is not None and "transit" not in without:
        told["date"] = study.inputs.transit.date
    if streets is not None and streets.counts.get("by_hour"):
        told["when"] = str(streets.when)
    hidden = {"transit": "lines", "population": "people"}
    changes = study.changes.model_dump(mode="json", exclude={kind for name, kind in hidden.items() if name in without})
    return {
        "files": hashes,
        "options": options,
        "changes": changes,
        **{key: text for key, text in told.items() if key not in without},
    }


def _unused(profile: Profile | Rides) -> tuple[str, ...]:
    """Name the inputs that a mode has nothing to do with."""
    return () if isinstance(profile, Rides) else ("transit",)


def rings_of(
    study: Study,
    streets: StreetNetwork,
    timetable: Timetable | None,
    sites: gpd.GeoDataFrame,
    *,
    cache: Cache,
    means: Means,
) -> gpd.GeoDataFrame:
    """Draw the isochrones of sites by all modes, or take those drawn before: by site, then mode and limit as asked."""
    tables = []
    for profile in study.profiles():
        # Who lives where shapes no isochrone.
        inputs = fingerprint(study, streets, without=("population", "communes", "extent", *_unused(profile)))
        limits: dict[str, Any] = {study.travel.unit: study.travel.limits_of(profile.name)}
        told = {"profile": profile.model_dump(exclude={"title"}), **limits, "drawn": list(map(str, sites.index))}
        key = content_key({**inputs, **told})
        make = functools.partial(
            isochrones,
            streets,
            sites,
            mode=profile,
            **limits,
            direction=study.travel.direction,
            transit=timetable,
            **means.of(f"isochrones {profile.name}"),
        )
        table = cache.table(f"rings_{profile.name}_{key}", make, gpd.read_parquet)
        tables.append(table.set_crs(streets.crs, allow_override=True))
    rings = pd.concat(tables, ignore_index=True)
    rank = {site: at for at, site in enumerate(sites.index)}
    order = np.argsort(rings["site"].astype(str).map(rank).to_numpy(), kind="stable")
    return gpd.GeoDataFrame(rings.iloc[order].reset_index(drop=True), crs=streets.crs)
