"""A result becomes a folder of files, whole or not at all; and a folder of files becomes a map again."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from siteplan.errors import StudyError
from siteplan.inputs.times import made_points
from siteplan.output.files import MANIFEST, results_folder, whole_file
from siteplan.output.geopackage import write_geopackage
from siteplan.output.maps import SiteMap, site_map
from siteplan.output.tables import write_manifest, write_scores, write_table, write_times
from siteplan.study.folder import PLACES, Kept, read_folder
from siteplan.study.guard import RESULTS, TABLES, refuse_inputs
from siteplan.study.load import Territory, points_mark
from siteplan.study.riding import line_layer, stop_layer

if TYPE_CHECKING:
    from siteplan.study.stages import Result

__all__ = ["lonlat_table", "redraw", "result_files", "write_places", "write_result"]

ENDINGS = (".csv", ".geojson", ".gpkg")


def result_files(result: "Result") -> list[str]:
    """Name the files that `write_result` writes."""
    absent = {f"{name}.csv" for name in TABLES if name not in result.tables}
    if result.overlap is None:
        absent.add("overlap.csv")
    return [name for name in RESULTS if name not in absent]


def write_result(result: "Result", territory: Territory, folder: Path) -> None:
    """Write all files of a result, the manifest last.

    Raises
    ------
    StudyError
        The folder cannot be written.
    """
    with results_folder(folder) as aside:
        write_scores(result.scores, aside / "scores.csv")
        if result.overlap is not None:
            result.overlap.round(1).to_csv(aside / "overlap.csv", lineterminator="\n")
        for name, table in result.tables.items():
            write_table(table, aside / f"{name}.csv", decimals=4)
        given = result.study.inputs.times
        mark = points_mark(result.points) if given is None else made_points(given)
        write_times(result.times, aside / "times.parquet", points=mark or "")
        write_geopackage(_layers(result, territory), aside / PLACES, crs=result.points.crs)
        write_manifest(result.manifest, aside / MANIFEST)
        _map_of(read_folder(aside)).save(aside / "map.html")


def redraw(folder: str | Path, *, out: str | Path | None = None) -> Path:
    """Draw the map of a folder of results again, and return where it is.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    """
    path = Path(folder) / "map.html" if out is None else Path(out)
    refuse_inputs([Path(folder) / name for name in RESULTS if name != "map.html"], [path])
    _map_of(read_folder(folder)).save(path)
    return path


def _layers(result: "Result", territory: Territory) -> dict[str, gpd.GeoDataFrame]:
    """Name the tables with a place; sites carry their scores, cells their access."""
    added = result.scores.columns.difference(result.sites.columns, sort=False)
    layers = {
        "sites": result.sites.join(result.scores[added]),
        "isochrones": result.rings,
        "cells": result.cells.join(result.cell_access),
        "points": result.points,
        "communes": territory.communes,
        "streets": None if territory.streets is None else _by_class(territory.streets.edges),
        "water": territory.water,
        "lines": None if territory.timetable is None else line_layer(territory.timetable),
        "stops": None if territory.timetable is None else stop_layer(territory.timetable),
    }
    return {name: table for name, table in layers.items() if table is not None and len(table)}


def _by_class(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Gather the streets of each class of `highway` into one shape, as a background of the map."""
    lines = edges.geometry.groupby(edges["highway"]).agg(lambda part: shapely.multilinestrings(part.to_numpy()))
    return gpd.GeoDataFrame({"highway": lines.index}, geometry=lines.to_numpy(), crs=edges.crs)


def _map_of(kept: Kept) -> SiteMap:
    """Draw the map from the files alone: what is drawn when a study runs and what is drawn later is the same."""
    layers, manifest = kept.layers, kept.manifest
    return site_map(
        kept.sites,
        rings=layers.get("isochrones"),
        cells=kept.cells,
        scores=kept.scores,
        territories=layers.get("communes"),
        streets=layers.get("streets"),
        water=layers.get("water"),
        notes=_notes(manifest),
        totals=manifest["totals"]["people"],
        title=manifest["name"],
        language=manifest["parameters"]["language"],
    )


def _notes(manifest: Mapping[str, Any]) -> list[str]:
    """Say how old the streets are."""
    date = (manifest["inputs"].get("inputs.streets", {}).get("data_date") or "")[:10]
    if not date:
        return []
    french = manifest["parameters"]["language"] == "fr"
    return [f"Données OpenStreetMap du {date}." if french else f"OpenStreetMap data of {date}."]


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
