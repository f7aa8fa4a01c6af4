"""Territories to report by, and how far around the sites the data must reach."""

from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from siteplan.doors import door
from siteplan.errors import InputError, reads
from siteplan.formats import PARQUETS, VECTORS
from siteplan.geo import metric_crs, require_metric
from siteplan.inputs.files import existing_file, read_places
from siteplan.inputs.values import find_column, keys, repaired, row_name

__all__ = ["read_area", "shortfall", "study_area"]

TERRITORY = ("territory", "insee_com", "code_insee", "insee", "code", "lau_id", "nuts_id", "id")
NAME = ("name", "nom", "nom_com", "nom_officiel", "libelle", "lau_name", "name_latn", "nome", "nombre", "gen")


@door()
@reads("areas")
def read_area(
    path: str | PathLike[str], *, name: str | None = None, layer: str | None = None, crs: Any = None
) -> gpd.GeoDataFrame:
    """Read the polygons of territories, such as communes.

    Parameters
    ----------
    path
        A file of polygons.
    name
        The column of their names; by default the one with a usual name, else the territory's id.
    layer
        Which layer, where a file has several.
    crs
        The CRS of the coordinates, where the file does not say it.

    Returns
    -------
    GeoDataFrame
        Index `territory` (text), column `name`, valid polygons in the CRS of the file.

    Raises
    ------
    InputError
        If a row has no polygon, or an id stands twice.

    Examples
    --------
    >>> list(sp.read_area("communes.gpkg")["name"].head(3))
    ['Saint-Aubry', 'Vernay-sous-Bois', 'Échallon']
    """
    file = existing_file(path, (*VECTORS, *PARQUETS), "a file of territories")
    table = read_places(file, layer=layer, crs=crs)
    name_column = find_column(table, file, "names", name, known=NAME)
    index = _territory_keys(table, file, find_column(table, file, "territories", None, known=TERRITORY), name_column)
    names = index if name_column is None else table[name_column].astype(object).where(table[name_column].notna(), index)
    table = repaired(table, file, "territories")
    wrong = ~table.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy() | table.geometry.is_empty.to_numpy()
    if wrong.any():
        first = int(wrong.argmax())
        shape = table.geometry.iloc[first]
        kind = "row without geometry" if shape is None or shape.is_empty else shape.geom_type
        raise InputError(f"{file}: {row_name(first, file)} is a {kind}; expected polygons of territories")
    data = {"name": [str(text) for text in names]}
    return gpd.GeoDataFrame(data, index=index, geometry=table.geometry.to_numpy(), crs=table.crs)


def _territory_keys(table: gpd.GeoDataFrame, file: Path, column: str | None, name: str | None) -> pd.Index:
    """Name territories by their id, else by names that differ, else by number."""
    if column is None and name is not None and table[name].notna().all() and table[name].is_unique:
        column = name
    if column is None:
        return pd.Index([str(row + 1) for row in range(len(table))], name="territory", dtype=object)
    return keys(table[column], file, "territory").astype(str).astype(object)


def study_area(places: gpd.GeoDataFrame | gpd.GeoSeries, *, minutes: float, speed_kmh: float) -> gpd.GeoSeries:
    """Draw the area whose streets and people can matter: all within the budget at full speed, as the crow flies.

    Parameters
    ----------
    places
        Sites (points) or territories (polygons), in any CRS.
    minutes
        The largest limit asked for.
    speed_kmh
        The fastest mode's speed.

    Returns
    -------
    GeoSeries
        One polygon or multipolygon, in the metric CRS of the places. Sites at the border of the data are understated
        where the data do not cover it: see `shortfall`.
    """
    around = places.geometry.to_crs(metric_crs(places)).buffer(minutes * speed_kmh * 1000 / 60)
    return gpd.GeoSeries([around.union_all()], crs=around.crs)


def shortfall(area: gpd.GeoSeries, data: gpd.GeoSeries) -> float:
    """Return the share (0 to 1) of an area that the extent of some data does not cover.

    Parameters
    ----------
    area
        As `study_area` draws it, in a metric CRS.
    data
        The extent of the data: polygons in any CRS, such as `siteplan.geo.box_area(streets.bounds, streets.crs)`.

    Raises
    ------
    InputError
        If the area is not in a metric CRS.
    """
    require_metric(area.crs, "the study area")
    needed = area.union_all()
    covered = shapely.intersection(needed, data.to_crs(area.crs).union_all())
    return float(1 - covered.area / needed.area) if needed.area else 0.0
