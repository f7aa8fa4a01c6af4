"""The report: what a council reads on paper. One file, no script, no network; a browser makes a PDF of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.errors import InputError
from siteplan.geo import metric_crs, require_metric
from siteplan.output.files import whole_file
from siteplan.output.report.material import Material
from siteplan.output.report.page import render_page
from siteplan.output.report.pdf import find_chromium, print_pdf
from siteplan.words import load_words

__all__ = ["find_chromium", "print_pdf", "render_report", "write_report"]


def render_report(
    sites: gpd.GeoDataFrame,
    *,
    scores: pd.DataFrame | None = None,
    cells: gpd.GeoDataFrame | None = None,
    rings: gpd.GeoDataFrame | None = None,
    communes: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    water: gpd.GeoDataFrame | None = None,
    green: gpd.GeoDataFrame | None = None,
    railways: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    times: pd.DataFrame | None = None,
    points: gpd.GeoDataFrame | None = None,
    access: pd.DataFrame | None = None,
    choice: pd.DataFrame | None = None,
    phases: pd.DataFrame | None = None,
    curve: pd.DataFrame | None = None,
    rejected: pd.DataFrame | None = None,
    scenarios: pd.DataFrame | None = None,
    fairness: pd.DataFrame | None = None,
    desks: pd.DataFrame | None = None,
    weekdays: pd.DataFrame | None = None,
    commuting: pd.DataFrame | None = None,
    tornado: pd.DataFrame | None = None,
    robustness: pd.DataFrame | None = None,
    robust_sets: pd.DataFrame | None = None,
    manifest: Mapping[str, Any] | None = None,
    language: str = "",
) -> str:
    """Write the report of a study as one HTML page for A4: question, answer, tables, maps, assumptions, sources.

    Everything but the sites may be missing; what is missing is not spoken of. Every text from the data is shown as it
    is and never read as markup. The same tables give the same bytes.

    Parameters
    ----------
    sites
        Index `site`; `name`, `status`, `cost`, `capacity`; points in any CRS.
    scores
        Index `site`: counted columns, `score`, `rank` and speeds, as `score_sites` gives them.
    cells
        Index `cell`; `people`, `minutes_<mode>` and, of several modes, `minutes_best`; polygons or points.
    rings
        Isochrones: `site`, `mode`, `minutes`; polygons.
    communes
        Index `territory`; `name`; polygons.
    streets, water, green, railways, places
        What lies under the maps: lines with `highway`, areas, areas, lines, points with `name` and `place`.
    times, points
        The table of minutes (`site`, `point`, `mode`, `minutes`), and the people by `point`; from them come the people
        covered today, with the chosen sites and with all, and the coverage by commune.
    access
        Coverage by territory (`territory`, `group`, `mode`, `minutes`, `people`, `covered`, perhaps `split`, and
        `open`: today, chosen or all), as `access_shares` gives it: shown where it cannot be taken from times,
        points and communes.
    choice
        The chosen sites: `site`, `order`, `added` (people, or those of the group asked, each once); perhaps `gain` (in
        the unit of the objective), `served`, `turned_away` and `phase`.
    phases
        As `deploy` gives it; any other table is shown as it is. So are `scenarios`, `desks` and `commuting` where they
        are not the tables of a study.
    rejected
        The candidates that were not chosen, as `Choice.rejected`.
    scenarios
        Who gains and who loses a site in each scenario: `scenario`, perhaps `about`, and the columns of `gained_lost`.
    fairness, desks, weekdays, commuting, tornado, robustness, robust_sets
        The further answers of a study, as in the files of these names in its folder.
    curve
        How coverage grows: `sites` (a count) and `share` (0 to 1) or `covered` (people, or those of the group asked);
        perhaps `bound`, `gain` and `knee`.
    manifest
        Of the run, as in `manifest.json`: what was asked in `parameters`, and in `choice` the worth of the chosen set
        (`objective`, `value`, `bound`, `gap`, `greedy`, `summary`).
    language
        `en` or `fr`; "" takes the manifest's, or else English.

    Returns
    -------
    str
        The page. It asks for nothing outside itself and holds no script.

    Raises
    ------
    InputError
        A table of places without a CRS.
    StudyError
        An unknown language.
    """
    told = manifest or {}
    shapes = {
        "sites": sites,
        "cells": cells,
        "rings": rings,
        "communes": communes,
        "streets": streets,
        "water": water,
        "green": green,
        "railways": railways,
        "places": places,
        "points": points,
    }
    tables = {
        "scores": scores,
        "times": times,
        "access": access,
        "choice": choice,
        "phases": phases,
        "curve": curve,
        "rejected": rejected,
        "scenarios": scenarios,
        "fairness": fairness,
        "desks": desks,
        "weekdays": weekdays,
        "commuting": commuting,
        "tornado": tornado,
        "robustness": robustness,
        "robust_sets": robust_sets,
    }
    words = load_words(language or told.get("parameters", {}).get("language", "en"), "report")
    given: dict[str, Any] = {name: table for name, table in tables.items() if table is not None and len(table)}
    return render_page(Material(words=words, manifest=told, **_in_metres(shapes), **given))


def write_report(path: str | Path, sites: gpd.GeoDataFrame, **tables: Any) -> None:
    """Write the report that `render_report` makes of the same tables to a file, whole or not at all.

    Raises
    ------
    InputError, StudyError
        As for `render_report`, and StudyError for a folder that cannot be written.
    """
    page = render_report(sites, **tables)
    with whole_file(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")


def _in_metres(shapes: dict[str, gpd.GeoDataFrame | None]) -> dict[str, gpd.GeoDataFrame]:
    """Bring all places into one metric CRS, and leave out tables and rows without any."""
    given: dict[str, gpd.GeoDataFrame] = {}
    for name, table in shapes.items():
        if table is None:
            continue
        if table.crs is None:
            raise InputError(f"{name}: no coordinate reference system; set it with .set_crs() before the report")
        here = table[~(table.geometry.isna() | table.geometry.is_empty)]
        if len(here) or name == "sites":
            given[name] = here
    try:
        crs = require_metric(given["sites"].crs, "sites")
    except InputError:
        crs = metric_crs(given["sites"])
    return {name: table.to_crs(crs) for name, table in given.items()}
