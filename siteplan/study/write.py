"""A result becomes a folder of files, whole or not at all; and a folder of files becomes a map again."""

import math
import tempfile
import types
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.catalogue import FILES, PLACES, TABLES, uptake_column
from siteplan.config import folder_name
from siteplan.errors import InputError, StudyError
from siteplan.geo import require_metric
from siteplan.inputs.times import made_points
from siteplan.objectives import objective_names
from siteplan.output.files import MANIFEST, results_folder, whole_file
from siteplan.output.geopackage import write_geopackage
from siteplan.output.maps import ScenarioView, SiteMap, site_map
from siteplan.output.rasters import write_minutes
from siteplan.output.report import print_pdf, write_report
from siteplan.output.tables import write_manifest, write_overlap, write_table, write_times
from siteplan.study.folder import Kept, read_folder
from siteplan.study.guard import SCENARIOS, refuse_inputs
from siteplan.study.load import Territory, points_mark
from siteplan.study.riding import line_layer, stop_layer
from siteplan.study.wording import notes

if TYPE_CHECKING:
    from siteplan.siting.choose import Choice
    from siteplan.study.stages import Result

__all__ = ["lonlat_table", "redraw", "report", "result_files", "write_places", "write_result"]

GROUND = ("streets", "water", "green", "railways", "places")  # beneath the subject of a map
REPORTED = (
    *("choice", "phases", "curve", "rejected", "fairness", "desks", "weekdays", "commuting", "tornado"),
    *("scenarios", "robustness", "robust_sets"),
)
ENDINGS = (".csv", ".geojson", ".gpkg")


def result_files(result: "Result") -> list[str]:
    """Name the files that `write_result` writes, those of the scenarios in folders of their own."""
    inside = [
        f"{SCENARIOS}/{folder_name(name)}/{file}" for name, other in result.scenarios.items() for file in _files(other)
    ]
    return [*_files(result), *inside]


def _files(result: "Result") -> list[str]:
    there = {*result.tables, "scores", "times"} | ({"overlap"} if result.overlap is not None else set())
    absent = {table.file for name, table in TABLES.items() if name not in there}
    if not result.study.output.raster:
        absent.add("minutes.tif")
    if _is_scenario(result):
        absent |= {"map.html", "report.html"}
    return [name for name in FILES if name not in absent]


def _is_scenario(result: "Result") -> bool:
    return "scenario" in result.manifest


def write_result(
    result: "Result", territory: Territory, folder: Path, after: Mapping[str, Territory] = types.MappingProxyType({})
) -> None:
    """Write all files of a result, the manifest last; those of its scenarios, which stand on `after`, in folders.

    Raises
    ------
    StudyError
        The folder cannot be written.
    """
    with results_folder(folder) as aside:
        for name, other in result.scenarios.items():
            inside = aside / SCENARIOS / folder_name(name)
            inside.mkdir(parents=True)
            _write_files(replace(other, manifest={**other.manifest, "files": _files(other)}), after[name], inside)
        _write_files(result, territory, aside)
        kept = read_folder(aside)
        _map_of(kept).save(aside / "map.html")
        _report_of(kept, aside / "report.html")


def _write_files(result: "Result", territory: Territory, folder: Path) -> None:
    if result.overlap is not None:
        write_overlap(result.overlap, folder / TABLES["overlap"].file)
    for name, table in {"scores": result.scores, **result.tables}.items():
        write_table(table, folder / TABLES[name].file, TABLES[name])
    given = result.study.inputs.times
    mark = points_mark(result.points) if given is None else made_points(given)
    write_times(result.times, folder / TABLES["times"].file, points=mark or "")
    write_geopackage(_layers(result, territory), folder / PLACES, crs=result.points.crs)
    if result.study.output.raster:
        _write_raster(result, folder / "minutes.tif")
    write_manifest(dict(result.manifest) | _told(result.choice), folder / MANIFEST)


def _told(choice: "Choice | None") -> dict[str, Any]:
    """Return what the manifest says of a choice: its worth, the proof and the plain figures, never the seconds."""
    if choice is None:
        return {}
    figures = {name: getattr(choice, name) for name in ("value", "bound", "gap", "greedy")}
    summary = {name: value for name, value in choice.summary.items() if name != "seconds"}
    return {"choice": _plain({"objective": choice.objective, **figures, "summary": summary})}


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows: missing is null, floats are cut where their last bits mean nothing."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | pd.Index | pd.Series | np.ndarray):
        return [_plain(each) for each in (sorted(value) if isinstance(value, set) else value)]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _write_raster(result: "Result", path: Path) -> None:
    """Write the minutes on the cells' own grid, or, where that cannot be measured in, in the CRS of the study."""
    cells = result.cells.join(result.cell_access)
    try:
        crs = require_metric(cells.crs, "cells")
    except InputError:
        crs = result.points.crs
    write_minutes(cells, path, crs=crs)


def redraw(folder: str | Path, *, out: str | Path | None = None) -> Path:
    """Draw the map of a folder of results again, and return where it is.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    """
    path = Path(folder) / "map.html" if out is None else Path(out)
    refuse_inputs([Path(folder) / name for name in FILES if name != "map.html"], [path])
    _map_of(read_folder(folder)).save(path)
    return path


def report(folder: str | Path, *, out: str | Path | None = None, pdf: bool = False) -> Path:
    """Write the report of a folder of results again, or print it as PDF, and return where it is.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    StudyError
        For a PDF without a browser to print it, or a place that cannot be written.
    """
    kept = read_folder(folder)
    path = Path(folder) / ("report.pdf" if pdf else "report.html") if out is None else Path(out)
    refuse_inputs([Path(folder) / name for name in FILES if name != "report.html"], [path])
    if not pdf:
        _report_of(kept, path)
        return path
    with tempfile.TemporaryDirectory() as aside:
        page = Path(aside) / "report.html"
        _report_of(kept, page)
        print_pdf(page, path)
    return path


def _layers(result: "Result", territory: Territory) -> dict[str, gpd.GeoDataFrame]:
    """Name the tables with a place; sites carry their scores, cells their access."""
    added = result.scores.columns.difference(result.sites.columns, sort=False)
    layers = {
        "sites": result.sites.join(result.scores[added]).join(_sizes(result.tables)),
        "choice": None if result.choice is None else _placed(result.choice.sites, result.sites),
        "isochrones": result.rings,
        "cells": result.cells.join(result.cell_access),
        "points": result.points,
        "communes": territory.communes,
        "streets": None if territory.streets is None else _by_class(territory.streets.edges),
        "water": territory.basemap.get("water"),
        "places_without_access": result.left_out,
        "transit_lines": None if territory.timetable is None else line_layer(territory.timetable),
        "stops": None if territory.timetable is None else stop_layer(territory.timetable),
        **{name: table for name, table in territory.basemap.items() if name != "water"},
    }
    return {name: table for name, table in layers.items() if table is not None and len(table)}


def _sizes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return by site the desks it needs at each share that comes, and how sure its rank is, as far as asked."""
    parts = [pd.DataFrame(index=pd.Index([], dtype=object, name="site"))]
    if "desks" in tables:
        wide = tables["desks"].pivot_table(index="site", columns="uptake", values="desks")
        parts.append(wide.rename(columns=uptake_column))
    if "robustness" in tables:
        sure = tables["robustness"].rename(columns={"p5": "people_p5", "p95": "people_p95"})
        sure = sure.set_index("site") if "site" in sure else sure
        parts.append(sure[["in_first", "people_p5", "people_p95"]])
    return pd.concat([part.set_axis(part.index.astype(str)) for part in parts], axis=1).rename_axis("site")


def _placed(chosen: pd.DataFrame, sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the chosen sites on the map, in the order to open them."""
    return gpd.GeoDataFrame(chosen, geometry=sites.geometry.loc[chosen.index], crs=sites.crs)


def _by_class(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Gather the streets of each class of `highway` into one shape, as a background of the map."""
    lines = edges.geometry.groupby(edges["highway"]).agg(lambda part: shapely.multilinestrings(part.to_numpy()))
    return gpd.GeoDataFrame({"highway": lines.index}, geometry=lines.to_numpy(), crs=edges.crs)


def _map_of(kept: Kept) -> SiteMap:
    """Draw the map from the files alone: what is drawn when a study runs and what is drawn later is the same."""
    manifest = kept.manifest
    asked = manifest["parameters"].get("choose") or {}
    more: dict[str, Any] = {name: kept.layers.get(name) for name in (*GROUND, "stops", "transit_lines")}
    others = {
        each["name"]: read_folder(kept.folder / each["folder"], only=("cells", "points", "sites"))
        for each in manifest.get("scenarios", ())
    }
    return site_map(
        kept.sites,
        choice=_chosen(kept),
        scenarios={
            name: ScenarioView(
                other.times, other.points, other.sites, _chosen(other) or (), other.manifest["scenario"]["about"]
            )
            for name, other in others.items()
        },
        phases=_phases(kept),
        curve=kept.tables.get("curve"),
        curve_group=asked.get("group", "people"),
        curve_decayed=not objective_names()[asked.get("objective", "coverage")].heads,
        scores=kept.scores,
        territories=kept.layers.get("communes"),
        rings=kept.layers.get("isochrones"),
        cells=_all_cells(kept, others.values()),
        times=kept.times,
        points=kept.points,
        lines=kept.tables.get("lines"),
        desks=kept.tables.get("desks"),
        commuting=kept.tables.get("commuting"),
        robustness=kept.tables.get("robustness"),
        left_out=kept.layers.get("places_without_access"),
        **more,
        notes=notes(manifest),
        totals=manifest["totals"]["people"],
        title=manifest["name"],
        language=manifest["parameters"]["language"],
        threshold=manifest["parameters"]["output"]["threshold"],
    )


def _chosen(kept: Kept) -> list[str] | None:
    choice = kept.tables.get("choice")
    return None if choice is None else list(choice["site"].astype(str))


def _all_cells(kept: Kept, others: Iterable[Kept]) -> gpd.GeoDataFrame:
    """Add the new homes of scenarios, where nobody lives yet."""
    cells = kept.cells
    for other in others:
        new = other.cells[~other.cells.index.isin(cells.index)]
        if len(new):
            empty = new[["geometry"]].assign(**dict.fromkeys(("people", *kept.groups), 0.0))
            cells = gpd.GeoDataFrame(pd.concat([cells, empty]), crs=cells.crs).rename_axis("cell")
    return cells


def _phases(kept: Kept) -> list[tuple[str, list[str]]]:
    """Name what opens when: the phases of a deployment, or one chosen site after the other."""
    choice = kept.tables.get("choice")
    if choice is None:
        return []
    new = choice[choice["status"] == "candidate"].astype({"site": str})
    if "phase" not in new:
        return [("", [site]) for site in new["site"]]
    phases = kept.tables["phases"]["phase"]
    return [(f"Phase {phase}", list(new.loc[new["phase"] == phase, "site"])) for phase in phases]


def _report_of(kept: Kept, path: Path) -> None:
    """Write the report from the files alone."""
    access = kept.tables.get("territories")
    write_report(
        path,
        kept.sites,
        scores=kept.scores,
        cells=kept.cells,
        rings=kept.layers.get("isochrones"),
        communes=kept.layers.get("communes"),
        times=kept.times,
        points=kept.points,
        access=None if access is None else access[access["open"] == access["open"].iloc[0]],
        **{name: kept.layers.get(name) for name in GROUND},
        **{name: kept.tables.get(name) for name in REPORTED},
        manifest=kept.manifest,
    )


def write_places(places: gpd.GeoDataFrame, path: str | Path) -> None:
    """Write places as GeoPackage, GeoJSON (in degrees) or CSV (with lon and lat), by the ending of the path.

    Raises
    ------
    StudyError
        Another ending, or a folder that cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS or (ending == ".csv" and not (places.geom_type == "Point").all()):
        # Only points fit in a CSV.
        known = ENDINGS if (places.geom_type == "Point").all() else ENDINGS[1:]
        raise StudyError(f"{path}: cannot write '{ending}' for these places; expected {' or '.join(known)}")
    with whole_file(path) as aside:
        if ending == ".csv":
            lonlat_table(places).to_csv(aside, index=False, lineterminator="\n")
        elif ending == ".gpkg":
            name = "isochrones" if "speed_kmh" in places else "sites"
            write_geopackage({name: places}, aside)
        else:
            places.to_crs(4326).to_file(aside, driver="GeoJSON", index=places.index.name is not None)


def lonlat_table(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return places as a plain table, points as lon and lat in degrees (seven decimals are a centimetre)."""
    at = places.geometry.to_crs(4326)
    table = pd.DataFrame(places.drop(columns=places.geometry.name)).assign(lon=at.x.round(7), lat=at.y.round(7))
    return table.reset_index() if places.index.name else table
