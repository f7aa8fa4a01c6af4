"""The minutes and the isochrones of a study, searched or taken from where they were kept."""

import functools
import shutil
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import Profile, Rides, Study
from siteplan.contours import Drawing
from siteplan.errors import InputError, StudyError, listed
from siteplan.inputs.times import read_times
from siteplan.inputs.values import same_codes
from siteplan.memory import give_back
from siteplan.network.graph import LARGE, ModeGraph
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.reachable import GIVEN, check_times
from siteplan.study.cache import Cache, content_key, file_hash
from siteplan.study.load import StudyData
from siteplan.study.manifest import input_files
from siteplan.study.progress import Means
from siteplan.study.scenarios import updated
from siteplan.times import times_by_tile, travel_times

__all__ = [
    "PassingFolder",
    "TiledTimes",
    "fingerprint",
    "is_tiled",
    "no_longer",
    "rings_of",
    "tiled_times",
    "times_after",
    "times_of",
]

Search = Callable[[Profile | Rides], pd.DataFrame]

ALONE = 50_000_000  # sites times points: up to so many are searched and counted all at once
TILE = 512  # sites of a tile, where there are more
DRAWN = 64  # sites whose isochrones are drawn at a time where streets are those of a region
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
    tables, searched = [], {}
    for profile in study.profiles():
        make = functools.partial(search or functools.partial(_searched, study, data, means), profile)
        table = cache.table(_entry_of(study, data, profile), make, pd.read_parquet)
        searched[profile.name] = table.attrs.pop("searched", 0 if search else len(data.sites))
        tables.append(_of_study(table, study, data))
        _mode_done(study, data, last=last)
    whole = pd.concat(tables, ignore_index=True)
    whole.attrs["searched"] = searched
    return whole


def _entry_of(study: Study, data: StudyData, profile: Profile | Rides) -> str:
    """Name what is kept of a mode's times by all that they depend on."""
    inputs = fingerprint(study, data.streets, without=_unused(profile))
    asked = {"profile": profile.model_dump(exclude={"title"}), "limit": study.limit_of(profile.name)}
    return f"times_{profile.name}_{content_key({**inputs, **asked})}"


def _of_study(table: pd.DataFrame, study: Study, data: StudyData) -> pd.DataFrame:
    """Give a mode's table the sites and modes of the study: an empty one forgets them, and every mode has its own."""
    table["site"] = pd.Categorical(table["site"], categories=data.sites.index.astype(str))
    table["mode"] = pd.Categorical(table["mode"], categories=[profile.name for profile in study.profiles()])
    return table


def _mode_done(study: Study, data: StudyData, *, last: bool) -> None:
    """Let go of what one mode was searched on, where nothing is searched on it afterwards."""
    if last and data.streets is not None and not study.rides:
        data.streets.forget(ModeGraph)
    give_back()


def _searched(study: Study, data: StudyData, means: Means, profile: Profile | Rides) -> pd.DataFrame:
    limit: dict[str, Any] = {study.travel.unit: study.limit_of(profile.name)}
    how = {"direction": study.travel.direction, "transit": data.timetable, **means.of(profile.name)}
    streets, sites, points = _ends(data, profile)
    return travel_times(streets, sites, points, mode=profile, **limit, **how)


def _ends(data: StudyData, profile: Profile | Rides) -> tuple[StreetNetwork, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return on what and between what a mode is searched: streets, sites, points."""
    assert data.streets is not None  # noqa: S101 - the study was refused without
    # Whom the mode's streets do not meet is said once, in people rather than points, when loading.
    return data.streets, data.sites, data.points[data.linked[profile.name]]


# ---- tile by tile ----


@dataclass(frozen=True)
class TiledTimes:
    """The times of a study's many sites as they are kept, a table for each mode and tile.

    Attributes
    ----------
    kept
        By mode, what gives the table of each tile.
    rows
        How many rows each mode has.
    folder
        Where they are kept, if it goes when nobody holds it any longer.
    """

    kept: Mapping[str, Sequence[Callable[[], pd.DataFrame]]]
    rows: Mapping[str, int]
    folder: "PassingFolder | None" = None

    def tables(self) -> list[Callable[[], pd.DataFrame]]:
        """Return what gives the times of each tile by all modes."""
        return [functools.partial(_below, each) for each in zip(*self.kept.values(), strict=True)]

    def whole(self) -> pd.DataFrame:
        """Return all times, by mode, site and point."""
        return pd.concat([_by_site(_below(tiles)) for tiles in self.kept.values()], ignore_index=True)


class PassingFolder:
    """A folder that is removed when nobody holds this any longer, and at the latest when the program ends."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="siteplan-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _below(tables: Iterable[Callable[[], pd.DataFrame]]) -> pd.DataFrame:
    return pd.concat([table() for table in tables], ignore_index=True)


def _by_site(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[np.argsort(table["site"].cat.codes.to_numpy(), kind="stable")]


def is_tiled(study: Study, data: StudyData) -> bool:
    """Tell whether so many points may be in reach of so many sites that they are searched tile by tile."""
    return study.inputs.times is None and len(data.sites) * len(data.points) > ALONE


def tiled_times(study: Study, data: StudyData, cache: Cache, means: Means, *, last: bool = False) -> TiledTimes:
    """Search tile by tile, but for the tiles that are kept already: each is kept as soon as it was searched.

    Parameters
    ----------
    cache
        With a folder.
    last
        As for `times_of`.
    """
    tile = tiles_of(data.sites, TILE)
    kept: dict[str, list[Callable[[], pd.DataFrame]]] = {}
    rows: dict[str, int] = {}
    for profile in study.profiles():
        entry, count = _entry_of(study, data, profile), int(tile.max()) + 1
        names = [f"{entry}_{at + 1}of{count}" for at in range(count)]
        tables = (cache.kept(name, pd.read_parquet) for name in names)
        found = {at: len(table) for at, table in enumerate(tables) if table is not None}

        def take(at: int, table: pd.DataFrame, names: Sequence[str] = names, found: dict[int, int] = found) -> None:
            cache.keep(names[at], table.assign(site=table["site"].cat.remove_unused_categories()))
            found[at] = len(table)

        lacking = np.isin(tile, list(found), invert=True)
        if lacking.any():
            times_by_tile(
                *_ends(data, profile),
                profile,
                limit=(study.travel.unit, study.limit_of(profile.name)),
                tile=np.where(lacking, tile, -1),
                take=take,
                direction=study.travel.direction,
                transit=data.timetable,
                means=means.of(profile.name),
            )
        kept[profile.name] = [functools.partial(_kept_tile, study, data, cache, name) for name in names]
        rows[profile.name] = sum(found.values())
        _mode_done(study, data, last=last)
    return TiledTimes(kept, rows)


def tiles_of(sites: gpd.GeoDataFrame, most: int) -> npt.NDArray[np.int64]:
    """Return the tile of each site: up to so many of them that follow each other along a Hilbert curve."""
    along = np.argsort(sites.geometry.hilbert_distance().to_numpy(), kind="stable")
    tile = np.empty(len(sites), np.int64)
    tile[along] = np.arange(len(sites)) * -(-len(sites) // most) // len(sites)
    return tile


def _kept_tile(study: Study, data: StudyData, cache: Cache, name: str) -> pd.DataFrame:
    table = cache.kept(name, pd.read_parquet)
    if table is None:
        raise StudyError(f"{cache.folder}: times that were kept here were changed while they were in use; begin again")
    return _of_study(table, study, data)


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
    dissolving: bool = False,
) -> gpd.GeoDataFrame:
    """Draw the isochrones of sites by all modes, or take those drawn before: by site, then mode and limit as asked.

    Where they are `dissolving`, what is within reach of any of these sites follows, whose `site` is missing.
    """
    tables, unit = [], study.travel.unit
    for profile in study.profiles():
        # Who lives where shapes no isochrone.
        inputs = fingerprint(study, streets, without=("population", "communes", "extent", *_unused(profile)))
        limits, way = study.travel.limits_of(profile.name), study.travel.direction
        told = {"profile": profile.model_dump(exclude={"title"}), unit: limits, "drawn": list(map(str, sites.index))}
        key = content_key({**inputs, **told, "dissolving": dissolving})
        drawing = Drawing(profile, unit, limits, direction=way, transit=timetable, dissolving=dissolving)
        tiled = len(streets.u) > LARGE and len(sites) > DRAWN
        tile = tiles_of(sites, DRAWN) if tiled else np.zeros(len(sites), np.int64)
        make = functools.partial(_drawn, drawing, streets, sites, tile, means=means)
        table = cache.table(f"rings_{profile.name}_{key}", make, gpd.read_parquet)
        tables.append(table.set_crs(streets.crs, allow_override=True))
    rings = pd.concat(tables, ignore_index=True)
    rank = {site: at for at, site in enumerate(sites.index.astype(str))}
    order = np.argsort(rings["site"].map(rank).fillna(len(rank)).to_numpy(), kind="stable")
    return gpd.GeoDataFrame(rings.iloc[order].reset_index(drop=True), crs=streets.crs)


def _drawn(
    drawing: Drawing, streets: StreetNetwork, sites: gpd.GeoDataFrame, tile: npt.NDArray[np.int64], *, means: Means
) -> gpd.GeoDataFrame:
    """Draw tile by tile, as what is known of all places along the streets around many sites takes much memory."""
    tables = []

    def tell(before: int, done: int, _: int) -> None:
        means.tell(f"isochrones {drawing.profile.name}", before + done, len(sites))

    for at in range(int(tile.max(initial=0)) + 1):
        progress = functools.partial(tell, int((tile < at).sum()))
        tables.append(drawing.of(streets, sites[tile == at], progress=progress, executor=means.executor))
    if drawing.dissolving:
        tables.append(drawing.dissolved(streets.crs))
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=tables[0].crs)
