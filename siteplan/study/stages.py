"""The whole of a study, stage by stage: load, travel, draw, analyse, write."""

import functools
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.access import cell_access
from siteplan.analysis.criteria import as_numbers
from siteplan.analysis.reach import added, coverage, decayed_reach, overlap
from siteplan.analysis.reach import reach as site_reach
from siteplan.analysis.score import score_sites
from siteplan.catalogue import FILES, PEOPLE, TABLES, Measure, score_measures
from siteplan.config import Study, folder_name
from siteplan.doors import door
from siteplan.errors import StudyError, warn
from siteplan.inputs.basemap import WATERS
from siteplan.inputs.times import made_points
from siteplan.memory import give_back
from siteplan.output.files import refuse_name, whole_file
from siteplan.output.guard import SCENARIOS, refuse_foreign, refuse_inputs
from siteplan.output.later import Later
from siteplan.output.lock import one_writer
from siteplan.output.outcome import ranked_by
from siteplan.output.result import Result
from siteplan.output.tables import write_table
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.study.cache import Cache
from siteplan.study.choosing import by_point, chosen, covered, frontier
from siteplan.study.criteria import check_weights
from siteplan.study.doubt import doubts
from siteplan.study.fairness import access_tables, desks_by_cell, places_left_out
from siteplan.study.layers import layers_of
from siteplan.study.load import (
    StudyData,
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
from siteplan.study.riding import ridden
from siteplan.study.scenarios import Variant, changes_table, given_variants, made, plan_of, scores_table, variants_of
from siteplan.study.searched import Searched, loaded, reach_of, search, told_once, warned_of
from siteplan.study.situation import Situation
from siteplan.study.travel import TiledTimes, rings_of, times_after
from siteplan.study.trials import trials_of
from siteplan.study.unchanged import mark_of, remember, unchanged

__all__ = ["Progress", "compare_scenarios", "draw", "run", "run_into", "score"]

MOST_DRAWN = 300  # sites whose isochrones a run draws whatever they are: an isochrone takes a hundred times its search


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
    refuse_name(folder)
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
    with one_writer(folder), told_once() as odd:
        found, after = _begun(asked, variants_of(asked), odd, cache, means=means, read=read)
        draw = functools.partial(_rings, found) if asked.output.isochrones else None
        result = _with_scenarios(_answered(found, draw), found, after)
        result = replace(result, tables=Later(result.tables, _for_map(found)))
        if found.data.streets is not None:
            found.data.streets.forget()  # nothing is searched any more
        give_back()
        warned = warnings_of(asked, warned_of(odd))  # those that the answers brought, too
        means.tell("writing", 0)
        result = replace(result, manifest={**result.manifest, "warnings": warned})
        if told is not None:
            result = replace(result, manifest={**result.manifest, **told(result)})
        result = result.put(folder)
        cache.prune()
        means.tell("writing", 1)
    return result


def _rings(found: Searched, opened: Collection[str]) -> gpd.GeoDataFrame | None:
    """Draw the isochrones of all sites, and what is within reach of any of them.

    Of more than `MOST_DRAWN`, of those that exist, are required or chosen.
    """
    data, sites = found.data, found.data.sites
    if len(sites) > MOST_DRAWN:
        sites = sites[sites["status"].isin(("existing", "required")) | sites.index.astype(str).isin(opened)]
        warn(
            f"output.isochrones: of {len(data.sites):,} sites, more than {MOST_DRAWN}, those of the {len(sites):,} "
            "that exist, are required or chosen are drawn; siteplan isochrones draws all"
        )
    if data.streets is None or sites.empty:
        return None
    give_back()  # pairs of sites and points that a choice was made of
    how: dict[str, Any] = {"cache": found.cache, "means": found.means, "dissolving": True}
    return rings_of(found.study, data.streets, data.timetable, sites, **how)


def _for_map(found: Searched) -> dict[str, pd.DataFrame]:
    """Search what the map shows of sites that are doubtful, and of new ones that a reader may try."""
    study, data = found.study, found.data
    trials, doubtful = trials_of(study, data, found.cache), None
    if study.inputs.times is None and data.streets is not None:
        doubtful = doubts(study, data.streets, data.sites, data.points)
    return {name: table for name, table in (("doubts", doubtful), ("trials", trials)) if table is not None}


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
    with told_once() as odd:
        found, after = _begun(asked, variants, odd, Cache(None), means=means)
        return _with_scenarios(_answered(found), found, after)


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
    with told_once() as odd:
        data = loaded(asked, means, around=WATERS)
        check_weights(asked, data)
        data = measured(asked, data)
        result = _analysed(search(asked, data, odd, means, last=True))
        if out is not None:
            with whole_file(out) as aside:
                write_table(result.scores, aside, TABLES["scores"])
    return result


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
    with told_once():
        sites = load_sites(asked)
        original, around = load_ground(asked, WATERS)
        streets = load_streets(asked, sites, original)
        refuse_in_water(asked, streets, sites, around)
        timetable = load_timetable(asked, streets)
        means = Means(progress, executor)
        return rings_of(asked, streets, timetable, used_sites(sites), cache=Cache(None), means=means)


def _begun(
    study: Study,
    variants: Sequence[Variant],
    odd: list[warnings.WarningMessage],
    cache: Cache,
    *,
    means: Means,
    read: Callable[[], StudyData] | None = None,
) -> tuple[Searched, list[tuple[Variant, StudyData]]]:
    """Read a study and make the changes of every scenario, so that what cannot be made is told; compute the times."""
    data = loaded(study, means) if read is None else read()
    check_questions(study, data)
    said = {str(each.message) for each in odd}
    changed = [(variant, made(variant, study, data, said)) for variant in variants]
    after = [(variant, measured(variant.study, place)) for variant, place in changed]
    data = measured(study, data)
    return search(study, data, odd, means, cache=cache), after


def _with_scenarios(base: Result, found: Searched, after: Sequence[tuple[Variant, StudyData]]) -> Result:
    """Compute the scenarios beside their base, and compare them with it."""
    if not after:
        return base
    others, told = {}, []
    before = found.study, found.data, found.times.whole() if isinstance(found.times, TiledTimes) else found.times
    for variant, place in after:
        rows = times_after(variant.study, place, before, cache=found.cache, means=found.means.within(variant.name))
        anew = rows.attrs.pop("searched", {})
        here = reach_of(variant.study, rows, place)
        changed = replace(found, study=variant.study, data=place, times=rows, reach=here)
        if variant.again:
            choice, tables = chosen(variant.study, here, place.sites, by_point(place, here))
            result = _choosing(_analysed(changed, opened=_names(choice)), choice, tables)
        else:
            plan = plan_of(base, place.all_sites)
            opened = [] if plan is None else list(map(str, plan.index))
            result = _analysed(changed, opened=opened)
            kept = {} if plan is None else {"choice": plan}
            ways = covered(variant.study, here, place.sites, opened)
            result = replace(result, tables=Later(result.tables, kept, {"coverage": ways}))
        told_too = answers(Situation(variant.study, place, here, scores=result.scores), of_scenarios=True)
        result = replace(result, tables=Later(result.tables, told_too))
        sites = len(place.sites)
        described = {"name": variant.name, "about": variant.about, "sites": sites, "searched": anew}
        told.append({**described, "folder": f"{SCENARIOS}/{folder_name(variant.name)}"})
        others[variant.name] = replace(result, manifest={**result.manifest, "scenario": described})
    tables = {
        "scenarios": changes_table(base, others, {variant.name: place.cell_communes for variant, place in after}),
        "scenario_scores": scores_table(base, others),
    }
    manifest = {**base.manifest, "scenarios": told}
    return replace(base, scenarios=others, tables=Later(base.tables, tables), manifest=manifest)


def _answered(found: Searched, draw: Callable[[Collection[str]], gpd.GeoDataFrame | None] | None = None) -> Result:
    """Analyse, and answer what the study asks beside the scores: which sites, who is left out, how big, how sure."""
    study, data, reach = found.study, found.data, found.reach
    communes = by_point(data, reach)
    choice, tables = chosen(study, reach, data.sites, communes)
    tables |= frontier(study, reach, data.sites, choice, communes=communes)
    opened = _names(choice)
    result = _analysed(found, None if draw is None else draw(opened), opened=opened)
    tables |= {"coverage": covered(study, reach, data.sites)} if choice is None else {}
    tables |= ridden(study, data)
    here = Situation(study, data, reach, opened, choice, result.scores, result.weights)
    tables |= answers(replace(here, cache=found.cache, means=found.means))
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
    return replace(result, choice=choice, tables=Later(result.tables, tables), manifest=manifest)


def _analysed(found: Searched, rings: gpd.GeoDataFrame | None = None, *, opened: Sequence[str] = ()) -> Result:
    """Compute what every study tells, with the sites that are `opened` where some are chosen."""
    study, data, reach = found.study, found.data, found.reach
    times: pd.DataFrame | Callable[[], pd.DataFrame]
    if isinstance(found.times, TiledTimes):
        times, rows = found.times.whole, found.times.rows
    else:
        found.times.attrs.pop("searched", None)
        counts = found.times["mode"].value_counts()
        times, rows = found.times, {str(mode): int(counts[mode]) for mode in found.times["mode"].cat.categories}
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
    tables["overlap"] = lambda: overlap(found.reach, **longest)  # of all pairs at once
    if left_out is not None:
        tables["places_without_access"] = pd.DataFrame(left_out.drop(columns=left_out.geometry.name))
    given = study.inputs.times
    return Result(
        sites=data.all_sites.to_crs(points.crs),
        tables=Later(tables),
        layers=layers_of(study, data, access, rings=rings, left_out=left_out),
        manifest=manifest_of(study, data, rows, covered=covered, warned=warned_of(found.odd)),
        mark=points_mark(points) if given is None else made_points(given) or "",
    )


def _limits(study: Study) -> dict[str, Any]:
    """Return the limits of a study as a function is given them."""
    return {study.travel.unit: study.travel.asked}


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
