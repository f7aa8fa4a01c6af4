"""The whole of a study, stage by stage: load, travel, draw, analyse, write."""

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.access import cell_access
from siteplan.analysis.reach import Decay, added, coverage, decayed_reach, overlap, reach
from siteplan.analysis.score import score_sites
from siteplan.config import Profile, Rides, Study, result_columns
from siteplan.contours import isochrones
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.times import check_times, read_times
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.output.files import whole_file
from siteplan.output.tables import write_scores, write_table
from siteplan.siting.choose import Choice
from siteplan.study.cache import Cache, content_key, file_hash
from siteplan.study.choosing import by_point, chosen
from siteplan.study.fairness import access_tables, places_left_out
from siteplan.study.guard import RESULTS, refuse_foreign, refuse_inputs
from siteplan.study.load import Territory, load, load_sites, load_streets, load_timetable, load_water, used_sites
from siteplan.study.manifest import input_files, manifest_of
from siteplan.study.reading import read_study
from siteplan.study.riding import ridden
from siteplan.study.write import result_files, write_result
from siteplan.times import travel_times

__all__ = ["Progress", "Result", "choose", "draw", "run", "score"]

Progress = Callable[[str, int, int], None]

MOST_OVERLAPS = 2000  # sites: the table of pairs grows with their square


@dataclass(frozen=True)
class Result:
    """What a study gave.

    `sites` (all, the excluded too), `cells`, `points`, `times`, `scores` and `cell_access` are tables as their makers
    describe them; `overlap` are the people whom two sites share, by any mode within the largest limit (None for more
    than 2,000 sites: the table is sites x sites); `weights` are the columns that the score is made of; `rings` is
    None where no isochrones were asked for; `manifest` says what went in and what came out; `tables` are the further
    answers that the study asked for, by the name of their file (without `.csv`); `left_out` are the places
    that no open site serves (None where none is open); `choice` is the set of sites that was asked for;
    `folder` holds the files, or is None where none were written.
    """

    study: Study
    sites: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    times: pd.DataFrame
    rings: gpd.GeoDataFrame | None
    scores: pd.DataFrame
    cell_access: pd.DataFrame
    overlap: pd.DataFrame | None
    manifest: Mapping[str, Any]
    weights: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    left_out: gpd.GeoDataFrame | None = None
    choice: Choice | None = None
    folder: Path | None = None


def run(study: Study | str | Path, *, out: str | Path | None = None, progress: Progress | None = None) -> Result:
    """Do everything that a study asks for, and write it into a folder of results.

    Travel times and isochrones are kept by content in `<out>/.cache`: an interrupted run goes on where it stopped, and
    the same input gives the same bytes. Files of an earlier run that this one does not write are removed.

    Parameters
    ----------
    study
        A study, or the path of a study file.
    out
        The folder of results; by default the one the study names.
    progress
        Called with (stage, done, total).

    Returns
    -------
    Result
        Every table, and the folder with `scores.csv`, `overlap.csv`, `times.parquet`, `results.gpkg`, `map.html` and
        `manifest.json`.

    Raises
    ------
    SiteplanError
        A study or an input that cannot be used. Nothing is written then.

    Warns
    -----
    SiteplanWarning
        Whatever was odd, each once; also listed in the manifest.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    folder = Path(out) if out is not None else asked.output.folder
    refuse_inputs(input_files(asked).values(), [folder / name for name in RESULTS])
    refuse_foreign(folder)
    cache = Cache(folder / ".cache")
    with _told_once() as odd:
        territory = _load(asked, progress)
        times = _times(asked, territory, cache, progress)
        rings = None
        if asked.output.isochrones and territory.streets is not None:
            rings = _rings(asked, territory.streets, territory.timetable, territory.sites, cache, progress)
        result = _analysed(asked, territory, times, rings, odd, folder)
        result = replace(result, manifest={**result.manifest, "files": result_files(result)})
        _tell(progress, "writing", 0)
        write_result(result, territory, folder)
        cache.prune()
        _tell(progress, "writing", 1)
    return result


def score(study: Study | str | Path, *, out: str | Path | None = None, progress: Progress | None = None) -> Result:
    """Analyse a study as `run` does, but draw nothing, and write nothing but the scores, as CSV, if `out` is given."""
    asked = study if isinstance(study, Study) else read_study(study)
    if out is not None:
        refuse_inputs(input_files(asked).values(), [Path(out)])
    with _told_once() as odd:
        territory = _load(asked, progress)
        times = _times(asked, territory, Cache(None), progress)
        result = _analysed(asked, territory, times, None, odd, None)
        if out is not None:
            with whole_file(out) as aside:
                write_scores(result.scores, aside)
    return result


def choose(study: Study | str | Path, *, out: str | Path | None = None, progress: Progress | None = None) -> Choice:
    """Choose the set of sites that a study asks for, and write it as CSV if `out` is given.

    Raises
    ------
    StudyError
        A study that asks for no choice, or one that cannot be met: why, and the nearest that can.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    if asked.choose is None:
        raise StudyError("choose: missing; expected how many sites, such as {sites: 5} (or -p 5), or a budget")
    if out is not None:
        refuse_inputs(input_files(asked).values(), [Path(out)])
    with _told_once():
        if asked.inputs.population is None:
            sites, people, times = _alone(asked)
            choice, _ = chosen(asked, times, people, sites)
        else:
            territory = _load(asked, progress)
            times = _times(asked, territory, Cache(None), progress)
            choice, _ = chosen(asked, times, territory.points, territory.sites, by_point(territory))
        assert choice is not None  # noqa: S101 - the study asks for one
        if out is not None:
            with whole_file(out) as aside:
                write_table(choice.sites, aside, decimals=4)
    return choice


def _alone(study: Study) -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    """Read sites and a table of times that stand for themselves: every point counts once."""
    if study.inputs.times is None:
        raise StudyError("inputs.population: missing; expected where people are, or a table of times (inputs.times)")
    sites = used_sites(load_sites(study))
    times = read_times(study.inputs.times, sites=sites)
    points = pd.Index(times["point"].unique(), name="point").sort_values()
    text = f"{study.inputs.times}: no population given, so each of its {len(points):,} points counts once"
    warnings.warn(SiteplanWarning(text), stacklevel=2)
    return sites, pd.DataFrame({"people": 1.0}, index=points), times


def draw(study: Study | str | Path, *, progress: Progress | None = None) -> gpd.GeoDataFrame:
    """Draw the isochrones of a study's sites, for which nobody's home needs to be known.

    Returns
    -------
    GeoDataFrame
        As `isochrones` gives it, for all modes.
    """
    asked = study if isinstance(study, Study) else read_study(study, needs=("streets", "sites"))
    with _told_once():
        sites = load_sites(asked)
        streets = load_streets(asked, sites)
        load_water(asked, streets, sites)
        timetable = load_timetable(asked, streets)
        return _rings(asked, streets, timetable, used_sites(sites), Cache(None), progress)


@contextmanager
def _told_once() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what is odd while working, and say each thing once at the end."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        yield odd
    for warning in {str(each.message): each for each in odd}.values():
        warnings.warn(warning.message, category=warning.category, stacklevel=4)


def _tell(progress: Progress | None, stage: str, done: int, total: int = 1) -> None:
    if progress is not None:
        progress(stage, done, total)


def _within(progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    """Give one stage's progress to a function that knows nothing of stages."""
    return None if progress is None else lambda done, total: progress(stage, done, total)


def _load(study: Study, progress: Progress | None) -> Territory:
    _tell(progress, "reading", 0)
    territory = load(study)
    _tell(progress, "reading", 1)
    return territory


def _times(study: Study, territory: Territory, cache: Cache, progress: Progress | None) -> pd.DataFrame:
    """Take the user's own times, or search them mode by mode."""
    if study.inputs.times is not None:
        return _own_times(study.inputs.times, territory)
    assert territory.streets is not None  # noqa: S101 - the study was refused without
    names = [profile.name for profile in study.profiles()]
    tables = []
    for profile in study.profiles():
        inputs = _fingerprint(study, without=_unused(profile))
        key = content_key({**inputs, "profile": profile.model_dump(), "limit": study.limit})
        make = functools.partial(
            travel_times,
            territory.streets,
            territory.sites,
            # Whom the mode's streets do not meet is said once, in people rather than points, when loading.
            territory.points[territory.linked[profile.name]],
            mode=profile,
            limit=study.limit,
            direction=study.travel.direction,
            transit=territory.timetable,
            progress=_within(progress, profile.name),
        )
        table = cache.table(f"times_{profile.name}_{key}", make, pd.read_parquet)
        # An empty table forgets its categories on disk, and every mode has its own.
        table["site"] = pd.Categorical(table["site"], categories=territory.sites.index.astype(str))
        table["mode"] = pd.Categorical(table["mode"], categories=names)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _own_times(path: Path, territory: Territory) -> pd.DataFrame:
    """Read the user's table, which names a point as the population file names its cell."""
    times = read_times(path, sites=territory.sites)
    if not pd.api.types.is_integer_dtype(territory.points.index):
        times["point"] = times["point"].astype(str)
    unknown = ~times["point"].isin(territory.points.index)
    if unknown.any():
        raise InputError(
            f"{path}: {int(unknown.sum()):,} of {len(times):,} rows name a point that is no cell of the population, "
            f"the first '{times['point'][unknown].iloc[0]}'; expected the names of its cells, such as "
            f"'{territory.points.index[0]}' (inputs.population.cell says which column names them)"
        )
    check_times(times, territory.points)
    return times


def _fingerprint(study: Study, without: Sequence[str] = ()) -> dict[str, Any]:
    """Name all that travel times (or, without the people, isochrones) depend on, but for the mode and the limits."""
    files = {key.split(".", 1)[1]: path for key, path in input_files(study).items() if key != "inputs.times"}
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
    return {"files": hashes, "options": options, **{key: text for key, text in told.items() if key not in without}}


def _unused(profile: Profile | Rides) -> tuple[str, ...]:
    """Name the inputs that a mode has nothing to do with."""
    return () if isinstance(profile, Rides) else ("transit",)


def _rings(
    study: Study,
    streets: StreetNetwork,
    timetable: Timetable | None,
    sites: gpd.GeoDataFrame,
    cache: Cache,
    progress: Progress | None,
) -> gpd.GeoDataFrame:
    tables = []
    for profile in study.profiles():
        # Who lives where shapes no isochrone.
        inputs = _fingerprint(study, without=("population", "communes", "extent", *_unused(profile)))
        key = content_key({**inputs, "profile": profile.model_dump(), "minutes": study.travel.minutes})
        make = functools.partial(
            isochrones,
            streets,
            sites,
            mode=profile,
            minutes=study.travel.minutes,
            direction=study.travel.direction,
            transit=timetable,
            progress=_within(progress, f"isochrones {profile.name}"),
        )
        table = cache.table(f"rings_{profile.name}_{key}", make, gpd.read_parquet)
        tables.append(table.set_crs(streets.crs, allow_override=True))
    rings = pd.concat(tables, ignore_index=True)
    rank = {site: at for at, site in enumerate(sites.index)}
    # By site, then mode and limit as asked for.
    order = np.argsort(rings["site"].astype(str).map(rank).to_numpy(), kind="stable")
    return gpd.GeoDataFrame(rings.iloc[order].reset_index(drop=True), crs=streets.crs)


def _analysed(
    study: Study,
    territory: Territory,
    times: pd.DataFrame,
    rings: gpd.GeoDataFrame | None,
    odd: list[warnings.WarningMessage],
    folder: Path | None,
) -> Result:
    points, minutes = territory.points, study.travel.minutes
    covered = coverage(times, points, minutes=minutes)
    weights = _weights(study, times)
    scores = _scores(study, territory, times, weights)
    access = cell_access(times, points, minutes=minutes)
    left_out = places_left_out(study, territory, times)
    tables = access_tables(study, territory, times)
    if left_out is not None:
        tables["places_without_access"] = pd.DataFrame(left_out.drop(columns=left_out.geometry.name))
    choice = None
    if folder is not None:
        tables |= ridden(study, territory)
        choice, chosen_tables = chosen(study, times, points, territory.sites, by_point(territory))
        tables |= chosen_tables
    warned = list(dict.fromkeys(str(each.message) for each in odd if issubclass(each.category, SiteplanWarning)))
    return Result(
        study=study,
        sites=territory.all_sites,
        cells=territory.cells,
        points=points,
        times=times,
        rings=rings,
        scores=scores,
        cell_access=access,
        overlap=overlap(times, points, minutes=max(minutes)) if len(territory.sites) <= MOST_OVERLAPS else None,
        manifest=manifest_of(study, territory, times, covered, warned),
        weights=weights,
        tables=tables,
        left_out=left_out,
        choice=choice,
        folder=folder,
    )


def _weights(study: Study, times: pd.DataFrame) -> Mapping[str, float]:
    """Return what sites are ranked by: what the study says, else people reached by any mode within the last limit."""
    modes = [*times["mode"].cat.categories]
    mode = "best" if len(modes) > 1 else modes[0]
    return study.score.weights or {f"people_{mode}_{max(study.travel.minutes):g}": 1.0}


def _scores(study: Study, territory: Territory, times: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Join what each site reaches, alone reaches and adds, with its score, its rank and the speeds that hold."""
    minutes, sites = study.travel.minutes, territory.sites
    groups = study.inputs.population.groups if study.inputs.population else ()
    counts = reach(times, territory.points, minutes=minutes, groups=groups)
    more = added(times, territory.points, sites, minutes=minutes, groups=groups)
    modes = list(times["mode"].cat.categories)
    named = [*modes, "best"] if len(modes) > 1 else modes
    table = counts.join(more)[result_columns(named, minutes, groups)]
    if study.score.decay is not None:
        decay = Decay(**study.score.decay.model_dump())
        table = table.join(decayed_reach(times, territory.points, decay=decay, groups=groups))
    table = sites[["name", "status", "cost", "capacity"]].join(table.reindex(sites.index))
    table = table.join(score_sites(table, weights))
    speeds = {} if study.inputs.times else {profile.name: profile.speed_kmh for profile in study.profiles()}
    return pd.DataFrame(table.assign(**{f"{mode}_kmh": speeds.get(mode, np.nan) for mode in modes}))
