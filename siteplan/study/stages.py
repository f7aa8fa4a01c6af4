"""The whole of a study, stage by stage: load, travel, draw, analyse, write."""

import functools
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.analysis.access import cell_access
from siteplan.analysis.criteria import as_numbers
from siteplan.analysis.reach import added, coverage, decayed_reach, overlap
from siteplan.analysis.reach import reach as site_reach
from siteplan.analysis.score import score_sites
from siteplan.catalogue import BEST, FILES, PEOPLE, TABLES, WORKBOOK, Measure, score_measures
from siteplan.config import Study, folder_name
from siteplan.doors import door
from siteplan.errors import InputError, KeptWarning, SiteplanWarning, StudyError, is_there, warn
from siteplan.inputs.basemap import BACKGROUND, WATERS, Background
from siteplan.inputs.extract import Layer
from siteplan.inputs.times import made_points, read_times
from siteplan.memory import give_back
from siteplan.network.segments import Segments
from siteplan.network.streets import StreetNetwork
from siteplan.output.files import DASH, MANIFEST, refuse_dash, results_folder, whole_file
from siteplan.output.guard import SCENARIOS, refuse_foreign, refuse_inputs
from siteplan.output.later import Later
from siteplan.output.lock import one_writer
from siteplan.output.outcome import ranked_by
from siteplan.output.result import Result
from siteplan.output.tables import write_table
from siteplan.output.workbook import write_workbook
from siteplan.publics import by_public, check_modes, split_people, times_by_public
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.study.cache import Cache
from siteplan.study.choosing import by_point, check_choose, chosen, covered, frontier
from siteplan.study.criteria import check_weights
from siteplan.study.doubt import doubts
from siteplan.study.fairness import access_tables, desks_by_cell, places_left_out
from siteplan.study.load import (
    StudyData,
    load,
    load_ground,
    load_sites,
    load_streets,
    load_timetable,
    points_mark,
    refuse_in_water,
    used_sites,
)
from siteplan.study.manifest import choice_told, input_files, manifest_of, warnings_of
from siteplan.study.measured import measured, site_columns
from siteplan.study.progress import Means, Progress
from siteplan.study.questions import answers, check_questions
from siteplan.study.reading import read_study
from siteplan.study.riding import line_layer, ridden, stop_layer
from siteplan.study.scenarios import (
    Variant,
    changes_table,
    given_variants,
    made,
    plan_of,
    scores_table,
    variants_of,
)
from siteplan.study.situation import Situation
from siteplan.study.stress import asks_for_calm, stress_lines
from siteplan.study.travel import (
    PassingFolder,
    TiledTimes,
    is_tiled,
    no_longer,
    rings_of,
    tiled_times,
    times_after,
    times_of,
)
from siteplan.study.trials import trials_of
from siteplan.study.unchanged import mark_of, remember, unchanged

__all__ = ["Progress", "choose", "compare_scenarios", "draw", "run", "run_into", "score"]

PLAIN = 2.0  # metres: less than a tenth of the grid that isochrones are drawn on
APART = ("scores", "times")  # which other commands may have written beside a choice
MOST_DRAWN = 300  # sites whose isochrones a run draws whatever they are: an isochrone takes a hundred times its search


@dataclass(frozen=True)
class _Work:
    """What a study is computed from, where it is kept, and what was odd so far."""

    study: Study
    data: StudyData
    times: pd.DataFrame | TiledTimes
    reach: Reach
    odd: list[warnings.WarningMessage]
    cache: Cache = field(default_factory=lambda: Cache(None))
    means: Means = field(default_factory=Means)


@door()
def run(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Result:
    """Do everything that a study asks for, and write it into a folder of results.

    Travel times and isochrones are kept by content in `<out>/.cache`: an interrupted run goes on where it stopped, and
    the same input gives the same bytes. Files of an earlier run that this one does not write are removed. Where the
    folder holds what this very study gave, and nothing of it was touched, it is read back as it is.

    Parameters
    ----------
    study
        A study, or the path of a study file.
    out
        The folder of results; by default the one the study names.
    progress
        Called with (stage, done, total).
    executor
        Who searches and draws: any `concurrent.futures.Executor`, such as `Workers` or that of a Dask client; threads
        on all cores by default. The results are the same bytes.

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

    Examples
    --------
    >>> result = sp.run("short.yaml", out="results")
    >>> result.scores["people_walk_15"].nlargest(2).to_dict()
    {'S05': 9483.0, 'S01': 9437.0}
    """
    asked = study if isinstance(study, Study) else read_study(study)
    if asked.area.each is not None:
        raise StudyError("area.each: asks for many territories; use run_each, or leave it out")
    asked.refuse_metres("run")
    folder = Path(out) if out is not None else asked.output.folder
    refuse_dash(folder)
    refuse_inputs(input_files(asked).values(), [folder / name for name in FILES])
    means, mark = Means(progress, executor), mark_of(asked)
    result = unchanged(folder, mark)
    if result is not None:
        means.tell("nothing has changed", 1)
        for text in result.manifest["warnings"]:
            warn(text)
        return result
    result = run_into(asked, folder, means=means)
    remember(folder, mark, result)
    return result


def run_into(
    asked: Study,
    folder: Path,
    *,
    read: Callable[[], StudyData] | None = None,
    told: Callable[[Result], Mapping[str, Any]] | None = None,
    means: Means,
) -> Result:
    """Do what `run` does, of inputs that are `read` otherwise than by `load`; the manifest says what is `told`, too."""
    refuse_foreign(folder)
    cache = Cache(folder / ".cache")
    with one_writer(folder), _told_once() as odd:
        work, after = _begun(asked, variants_of(asked), odd, cache, means=means, read=read)
        draw = functools.partial(_rings, work) if asked.output.isochrones else None
        result = _with_scenarios(_answered(work, draw), work, after)
        result = replace(result, tables={**result.tables, **_for_map(work)})
        if work.data.streets is not None:
            work.data.streets.forget()  # nothing is searched any more
        give_back()
        warned = warnings_of(asked, _warned(odd))  # those that the answers brought, too
        means.tell("writing", 0)
        result = replace(result, manifest={**result.manifest, "warnings": warned})
        if told is not None:
            result = replace(result, manifest={**result.manifest, **told(result)})
        result = result.put(folder)
        cache.prune()
        means.tell("writing", 1)
    return result


def _rings(work: _Work, opened: Collection[str]) -> gpd.GeoDataFrame | None:
    """Draw the isochrones of all sites; of more than `MOST_DRAWN`, of those that exist, are required or chosen."""
    data, sites = work.data, work.data.sites
    if len(sites) > MOST_DRAWN:
        sites = sites[sites["status"].isin(("existing", "required")) | sites.index.astype(str).isin(opened)]
        warn(
            f"output.isochrones: of {len(data.sites):,} sites, more than {MOST_DRAWN}, those of the {len(sites):,} "
            "that exist, are required or chosen are drawn; siteplan isochrones draws all"
        )
    if data.streets is None or sites.empty:
        return None
    return rings_of(work.study, data.streets, data.timetable, sites, cache=work.cache, means=work.means)


def _for_map(work: _Work) -> dict[str, pd.DataFrame]:
    """Search what the map shows of sites that are doubtful, and of new ones that a reader may try."""
    study, data = work.study, work.data
    trials, found = trials_of(study, data, work.cache), None
    if study.inputs.times is None and data.streets is not None:
        found = doubts(study, data.streets, data.sites, data.points)
    return {name: table for name, table in (("doubts", found), ("trials", trials)) if table is not None}


@door()
def compare_scenarios(
    study: Study | str | Path,
    others: Mapping[str, Study | Mapping[str, Any]] | None = None,
    *,
    choose_again: Collection[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Result:
    """Compute a study and its scenarios, as `run` does, and write nothing.

    Only what a scenario changes is searched again: on foot and by bicycle, sites that it cannot matter to keep their
    times; by public transport, a change of lines or streets has all sites searched.

    Parameters
    ----------
    study
        A study, or the path of a study file.
    others
        Scenarios by name, made of this very study by `Study.with_`, or dictionaries as
        under `scenarios` in a study file; None takes those of the study file.
    choose_again
        The names of those in which the sites are chosen anew; where the study chooses some, the others keep its
        choice. Those of the study file say it themselves, and who asks another choice gets it.
    progress, executor
        As for `run`.

    Returns
    -------
    Result
        Of the study. Its tables `scenarios` (who gains and who loses a site, as `gained_lost`, by `scenario`) and
        `scenario_scores` (the scores of all, below each other) compare the results in `scenarios`.

    Raises
    ------
    StudyError
        Scenarios that do not come from this study; a change that cannot be made.

    Examples
    --------
    >>> study = sp.read_study("short.yaml")
    >>> found = sp.compare_scenarios(study, {"two more": study.with_(sites=[{"open": "S08"}, {"open": "S10"}])})
    >>> found.tables["scenarios"].query("split == 'total'")[["scenario", "before", "after"]]
       scenario   before    after
    0  two more  14966.0  24270.0
    """
    asked = study if isinstance(study, Study) else read_study(study)
    asked.refuse_metres("compare_scenarios")
    variants = variants_of(asked) if others is None else given_variants(asked, others, choose_again)
    means = Means(progress, executor)
    with _told_once() as odd:
        work, after = _begun(asked, variants, odd, Cache(None), means=means)
        return _with_scenarios(_answered(work), work, after)


def score(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Result:
    """Analyse a study as `run` does, but draw nothing, and write nothing but the scores, as CSV, if `out` is given.

    `-` is standard output.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    means = Means(progress, executor)
    if out is not None:
        refuse_inputs(input_files(asked).values(), [Path(out)])
    with _told_once() as odd:
        data = _load(asked, means, around=WATERS)
        check_weights(asked, data)
        data = measured(asked, data)
        result = _analysed(_searched(asked, data, odd, means, last=True))
        if out is not None:
            with whole_file(out) as aside:
                write_table(result.scores, aside, TABLES["scores"])
    return result


def _searched(
    study: Study,
    data: StudyData,
    odd: list[warnings.WarningMessage],
    means: Means,
    *,
    cache: Cache | None = None,
    last: bool = False,
) -> _Work:
    """Search, and put minutes and people together: of many sites tile by tile, in files that go with the result.

    `last` as for `times_of`; all that was worked out from the streets is forgotten then.
    """
    folder = PassingFolder() if is_tiled(study, data) else None
    cache = cache or Cache(None)
    if last and data.streets is not None:
        data.streets.forget(Segments)  # to which everybody is linked
    if folder is None:
        table = times_of(study, data, cache, means, last=last)
    else:
        kept = Cache(folder.path) if cache.folder is None else cache
        times = replace(tiled_times(study, data, kept, means, last=last), folder=folder)
    if last and data.streets is not None:
        data.streets.forget()
    give_back()
    if folder is None:
        return _Work(study, data, table, _reach(study, table, data), odd, cache, means)
    return _Work(study, data, times, _reach_of_tiles(study, times, data, folder.path), odd, cache, means)


def choose(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Choice:
    """Choose the set of sites that a study asks for, and write it as CSV if `out` is given (`-`: standard output).

    Where `out` has no ending, it is a folder for all tables: the choice, who was rejected, who goes where, and the
    phases and the curve if there are any.

    Raises
    ------
    StudyError
        A study that asks for no choice, or one that cannot be met: why, and the nearest that can.
    InputError
        A table of times of which nothing lies within the limit.
    """
    asked = study if isinstance(study, Study) else read_study(study)
    if asked.choose is None:
        raise StudyError("choose: missing; expected how many sites, such as {sites: 5} (or -p 5), or a budget")
    if out is not None:
        refuse_inputs(input_files(asked).values(), [Path(out), *(Path(out) / name for name in FILES)])
        if is_there(Path(out) / MANIFEST):
            raise StudyError(f"{out}: holds the results of a run; nothing was computed or written. Give another folder")
    # A table of times knows how far all is from each site; where the sites are then matters to few questions.
    given = asked.inputs.times is not None and asked.inputs.streets is None
    means = Means(progress, executor)
    places = not given or asked.choose.spacing_m is not None or asked.area.extent == "sites"
    with _told_once() as odd:
        if asked.inputs.population is None:
            sites, reach = _alone(asked, places)
            communes = None
        else:
            data = _load(asked, means, places=places, around=WATERS)
            check_choose(asked, data.sites)
            data = measured(asked, data)
            work = _searched(asked, data, odd, means, last=True)  # held, as the files of its times go with it
            reach = work.reach
            sites, communes = data.sites, by_point(data, reach)
        _refuse_beyond(asked, reach)
        choice, tables = chosen(asked, reach, sites, communes)
        if out is not None and not _one_file(out):
            tables |= frontier(asked, reach, sites, choice, communes=communes)
        assert choice is not None  # noqa: S101 - the study asks for one
        if out is not None:
            _write_choice(tables, Path(out), asked)
    return choice


def _refuse_beyond(study: Study, reach: Reach) -> None:
    """Refuse a table of times of which nothing is within the limit: its unit is probably another."""
    assert study.choose is not None  # noqa: S101 - the study asks for a choice
    unit = study.travel.unit
    limit = study.choose.minutes or study.choose.metres or study.travel.longest(study.choose.mode or BEST)
    if study.inputs.times is not None and not (reach.minutes <= limit).any():
        raise InputError(
            f"{study.inputs.times}: nothing lies within the limit of {limit:g} {unit}, the shortest time is "
            f"{reach.minutes.min():g}. If the table is in seconds, name its column seconds; if not, raise "
            f"choose.{unit} ({'--within' if unit == 'minutes' else '--within-metres'})"
        )


def _one_file(out: str | Path) -> bool:
    """Tell whether a choice is written into one file, or to standard output, in place of a folder of tables."""
    return bool(Path(out).suffix) or Path(out) == DASH


def _write_choice(tables: Mapping[str, pd.DataFrame], out: Path, study: Study) -> None:
    """Write the chosen sites into a file, or all tables of the choice into a folder: whole, or nothing."""
    if _one_file(out):
        with whole_file(out) as aside:
            write_table(tables["choice"], aside, TABLES["choice"])
        return
    others = [
        table.file for name, table in TABLES.items() if name not in (*tables, *APART) and is_there(out / table.file)
    ]
    as_sheets = study.output.tables == "xlsx"
    others += [WORKBOOK] if (out / WORKBOOK).exists() and not as_sheets else []
    if others:
        raise StudyError(f"{out}: holds {others[0]} of something else; nothing was written. Give another folder")
    with results_folder(out) as aside:
        for name, table in tables.items():
            write_table(table, aside / TABLES[name].file, TABLES[name])
        if as_sheets:
            write_workbook(tables, aside / WORKBOOK, currency=study.currency)


def _alone(study: Study, places: bool) -> tuple[gpd.GeoDataFrame, Reach]:
    """Read sites and a table of times that stand for themselves: every point counts once."""
    if study.inputs.times is None:
        raise StudyError("inputs.population: missing; expected where people are, or a table of times (inputs.times)")
    sites = load_sites(study, places=places)
    times = read_times(study.inputs.times, sites=sites, minutes=study.inputs.times_minutes)
    unit = study.travel.unit
    reach = Reach.of(times, unit=unit)
    text = f"{study.inputs.times}: no population given, so each of its {len(reach.points):,} points counts once"
    warn(text)
    return used_sites(sites), Reach.of(*by_public(no_longer(study, times), reach.people.table, study.publics), unit)


def draw(
    study: Study | str | Path, *, progress: Progress | None = None, executor: Executor | None = None
) -> gpd.GeoDataFrame:
    """Draw the isochrones of a study's sites, for which nobody's home needs to be known.

    Returns
    -------
    GeoDataFrame
        As `isochrones` gives it, for all modes.
    """
    asked = study if isinstance(study, Study) else read_study(study, needs=("streets", "sites"))
    with _told_once():
        sites = load_sites(asked)
        original, around = load_ground(asked, WATERS)
        streets = load_streets(asked, sites, original)
        refuse_in_water(asked, streets, sites, around)
        timetable = load_timetable(asked, streets)
        return rings_of(
            asked, streets, timetable, used_sites(sites), cache=Cache(None), means=Means(progress, executor)
        )


@contextmanager
def _told_once() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what is odd while working, and say each thing once at the end."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        yield odd
    for warning in {str(each.message): each for each in odd}.values():
        warn(warning.message, warning.category)


def _load(study: Study, means: Means, *, places: bool = True, around: Layer[Background] = BACKGROUND) -> StudyData:
    means.tell("reading", 0)
    data = load(study, places=places, around=around)
    means.tell("reading", 1)
    return data


def _begun(
    study: Study,
    variants: Sequence[Variant],
    odd: list[warnings.WarningMessage],
    cache: Cache,
    *,
    means: Means,
    read: Callable[[], StudyData] | None = None,
) -> tuple[_Work, list[tuple[Variant, StudyData]]]:
    """Read a study and make the changes of every scenario, so that what cannot be made is told; compute the times."""
    data = _load(study, means) if read is None else read()
    check_questions(study, data)
    said = {str(each.message) for each in odd}
    changed = [(variant, made(variant, study, data, said)) for variant in variants]
    after = [(variant, measured(variant.study, place)) for variant, place in changed]
    data = measured(study, data)
    return _searched(study, data, odd, means, cache=cache), after


def _with_scenarios(base: Result, work: _Work, after: Sequence[tuple[Variant, StudyData]]) -> Result:
    """Compute the scenarios beside their base, and compare them with it."""
    if not after:
        return base
    others, told = {}, []
    before = work.study, work.data, work.times.whole() if isinstance(work.times, TiledTimes) else work.times
    for variant, place in after:
        rows = times_after(variant.study, place, before, cache=work.cache, means=work.means.within(variant.name))
        searched = rows.attrs.pop("searched", {})
        here = _reach(variant.study, rows, place)
        changed = replace(work, study=variant.study, data=place, times=rows, reach=here)
        if variant.again:
            choice, tables = chosen(variant.study, here, place.sites, by_point(place, here))
            result = _choosing(_analysed(changed, opened=_names(choice)), choice, tables)
        else:
            plan = plan_of(base, place.all_sites)
            opened = [] if plan is None else list(map(str, plan.index))
            result = _analysed(changed, opened=opened)
            kept = {} if plan is None else {"choice": plan}
            ways = covered(variant.study, here, place.sites, opened)
            result = replace(result, tables={**result.tables, **kept, "coverage": ways})
        told_too = answers(Situation(variant.study, place, here, scores=result.scores), of_scenarios=True)
        result = replace(result, tables={**result.tables, **told_too})
        sites = len(place.sites)
        described = {"name": variant.name, "about": variant.about, "sites": sites, "searched": searched}
        told.append({**described, "folder": f"{SCENARIOS}/{folder_name(variant.name)}"})
        others[variant.name] = replace(result, manifest={**result.manifest, "scenario": described})
    tables = {
        "scenarios": changes_table(base, others, {variant.name: place.cell_communes for variant, place in after}),
        "scenario_scores": scores_table(base, others),
    }
    manifest = {**base.manifest, "scenarios": told}
    return replace(base, scenarios=others, tables={**base.tables, **tables}, manifest=manifest)


def _answered(work: _Work, draw: Callable[[Collection[str]], gpd.GeoDataFrame | None] | None = None) -> Result:
    """Analyse, and answer what the study asks beside the scores: which sites, who is left out, how big, how sure."""
    study, data, reach = work.study, work.data, work.reach
    communes = by_point(data, reach)
    choice, tables = chosen(study, reach, data.sites, communes)
    tables |= frontier(study, reach, data.sites, choice, communes=communes)
    opened = _names(choice)
    result = _analysed(work, None if draw is None else draw(opened), opened=opened)
    tables |= {"coverage": covered(study, reach, data.sites)} if choice is None else {}
    tables |= ridden(study, data)
    here = Situation(study, data, reach, opened, choice, result.scores, result.weights)
    tables |= answers(replace(here, cache=work.cache, means=work.means))
    if study.fairness is not None:
        cells = result.cells.join(desks_by_cell(study.fairness, here))
        result = replace(result, layers={**result.layers, "cells": cells})
    return _choosing(result, choice, tables)


def _names(choice: Choice | None) -> list[str]:
    """Name the sites of a choice; none where nothing is chosen."""
    return [] if choice is None else [str(site) for site in choice.sites.index]


def _choosing(result: Result, choice: Choice | None, tables: Mapping[str, pd.DataFrame]) -> Result:
    """Add a choice, what the manifest says of it, and further tables."""
    manifest = {**result.manifest, **choice_told(choice)}
    return replace(result, choice=choice, tables={**result.tables, **tables}, manifest=manifest)


def _reach(study: Study, times: pd.DataFrame, data: StudyData) -> Reach:
    """Put minutes and people together, everybody with the modes that they can use."""
    return Reach.of(*by_public(times, data.points, study.publics), study.travel.unit)


def _reach_of_tiles(study: Study, times: TiledTimes, data: StudyData, folder: Path) -> Reach:
    """Do what `_reach` does tile by tile."""
    people, publics = data.points, study.publics
    if not publics:
        return Reach.of_tiles(times.tables(), people, folder, study.travel.unit)
    check_modes(publics, [mode for mode, count in times.rows.items() if count])
    tables = [lambda table=table: times_by_public(table(), people, publics) for table in times.tables()]
    return Reach.of_tiles(tables, split_people(people, publics), folder, study.travel.unit)


def _analysed(work: _Work, rings: gpd.GeoDataFrame | None = None, *, opened: Sequence[str] = ()) -> Result:
    """Compute what every study tells, with the sites that are `opened` where some are chosen."""
    study, data, reach = work.study, work.data, work.reach
    times: pd.DataFrame | Callable[[], pd.DataFrame]
    if isinstance(work.times, TiledTimes):
        times, rows = work.times.whole, work.times.rows
    else:
        work.times.attrs.pop("searched", None)
        counts = work.times["mode"].value_counts()
        times, rows = work.times, {str(mode): int(counts[mode]) for mode in work.times["mode"].cat.categories}
    points, limits = data.points, _limits(study)
    scores, covered = _scores(study, data, reach), coverage(reach, **limits)
    tables: dict[str, Any] = {"scores": scores, "times": times}
    left_out, access = None, pd.DataFrame(index=data.cells.index)
    give_back()  # pairs of sites and points, of each mode and limit
    if study.travel.unit == "minutes":  # in which alone it is told how near people are
        left_out = places_left_out(study, data, reach, study.fairness)
        tables |= access_tables(Situation(study, data, reach, opened))
        access = cell_access(reach, **limits)
    longest: dict[str, Any] = {study.travel.unit: max(study.travel.limits)}
    tables["overlap"] = lambda: overlap(work.reach, **longest)  # of all pairs at once
    if left_out is not None:
        tables["places_without_access"] = pd.DataFrame(left_out.drop(columns=left_out.geometry.name))
    given = study.inputs.times
    return Result(
        sites=data.all_sites.to_crs(points.crs),
        tables=Later(tables),
        layers=_layers(data, access, rings, left_out, calm=asks_for_calm(study)),
        manifest=manifest_of(study, data, rows, covered=covered, warned=_warned(work.odd)),
        mark=points_mark(points) if given is None else made_points(given) or "",
    )


def _limits(study: Study) -> dict[str, Any]:
    """Return the limits of a study as a function is given them."""
    return {study.travel.unit: study.travel.asked}


def _layers(
    data: StudyData,
    access: pd.DataFrame,
    rings: gpd.GeoDataFrame | None,
    left_out: gpd.GeoDataFrame | None,
    *,
    calm: bool,
) -> Later[gpd.GeoDataFrame]:
    """Name what has a place, all in the CRS that is measured in; streets are drawn when they are asked for."""
    streets, crs = data.streets, data.points.crs
    layers: dict[str, Any] = {
        "isochrones": None if rings is None else _plain(rings.to_crs(data.points.crs)),
        "cells": data.cells.join(access),
        "points": data.points,
        "communes": data.communes,
        "streets": None if streets is None else functools.partial(_by_class, streets, crs),
        "stress": None if streets is None or not calm else stress_lines(streets),
        "water": data.basemap.get("water"),
        "places_without_access": left_out,
        "transit_lines": None if data.timetable is None else line_layer(data.timetable),
        "stops": None if data.timetable is None else stop_layer(data.timetable),
        **data.basemap,
    }
    there = {name: table for name, table in layers.items() if table is not None}
    return Later({name: table if callable(table) else table.to_crs(crs) for name, table in there.items()})


def _plain(rings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Simplify isochrones once for whatever shows them, by less than they are exact: to `PLAIN` metres.

    Method: Douglas and Peucker (1973). Of what crosses itself then, GEOS keeps one side. An area that loses more so
    than that many metres along its outline, or vanishes, is simplified by GEOS' slower kind, which keeps rings apart.
    """
    shapes = rings.geometry.to_numpy()
    plain = shapely.simplify(shapes, PLAIN, preserve_topology=False)
    lost = np.abs(shapely.area(plain) - shapely.area(shapes)) > PLAIN * shapely.length(shapes)
    spoilt = lost | (shapely.is_empty(plain) & ~shapely.is_empty(shapes))
    plain[spoilt] = shapely.simplify(shapes[spoilt], PLAIN, preserve_topology=True)
    return rings.set_geometry(gpd.GeoSeries(plain, index=rings.index, crs=rings.crs))


def _by_class(streets: StreetNetwork, crs: Any) -> gpd.GeoDataFrame:
    """Gather the streets of each class of `highway` into one shape, as a background of the map."""
    highway, known = pd.factorize(streets.highway, sort=True)
    lines = [shapely.multilinestrings(streets.drawn(np.flatnonzero(highway == at))) for at in range(len(known))]
    return gpd.GeoDataFrame({"highway": known}, geometry=lines, crs=streets.crs).to_crs(crs)


def _warned(odd: list[warnings.WarningMessage]) -> list[str]:
    told = [each for each in odd if issubclass(each.category, SiteplanWarning)]
    return list(dict.fromkeys(str(each.message) for each in told if not issubclass(each.category, KeptWarning)))


def _scores(study: Study, data: StudyData, reach: Reach) -> pd.DataFrame:
    """Join what each site reaches, alone reaches and adds, with its score, its rank and the speeds that hold."""
    unit, sites = study.travel.unit, data.sites
    limits = {mode: study.travel.limits_of(mode) for mode in reach.names}
    counts = site_reach(reach, **_limits(study), groups=study.groups)
    more = added(reach, None, sites, **_limits(study), groups=study.groups)
    table = counts.join(more)[[each.column for each in score_measures(reach.names, limits, study.groups, unit)]]
    if study.score.decay is not None:
        table = table.join(decayed_reach(reach, decay=study.score.decay, groups=study.groups))
    table = sites[["name", "status", "cost", "capacity"]].join(table.reindex(sites.index))
    weights = ranked_by(study.score.weights, reach.names, study.travel.limits, unit)
    own = site_columns(sites, [name for name in weights if name not in table or name == "cost"])
    table = table.join(score_sites(table.assign(**as_numbers(own)), weights))
    told = not study.inputs.times and unit == "minutes"
    known = {profile.name: profile.speed_kmh for profile in study.profiles()} if told else {}
    speeds = {Measure("kmh", PEOPLE, mode).column: known.get(mode, np.nan) for mode in reach.modes}
    return pd.DataFrame(table.assign(**speeds))
