"""Results as a GeoPackage that opens styled in QGIS, the same bytes for the same tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from siteplan.output.captions import abstract, title
from siteplan.output.qgis import layer_style
from siteplan.words import load_words

__all__ = ["storable", "write_geopackage"]

STAMP = "2000-01-01T00:00:00.000Z"  # GeoPackage wants a time of change; a real one would differ in every run
# What is half written counts for nothing: it is brought to the disk once, when it is whole, not after every layer.
SETTINGS = MappingProxyType({"OGR_CURRENT_DATE": STAMP, "OGR_SQLITE_SYNCHRONOUS": "OFF"})
MANY = 1000  # rows from which on Arrow is the faster way


def write_geopackage(
    layers: Mapping[str, gpd.GeoDataFrame],
    path: str | Path,
    *,
    crs: Any = None,
    language: str = "en",
    modes: Mapping[str, Mapping[str, str]] | None = None,
    credits: Sequence[str] = (),  # noqa: A002 - the word for it
) -> None:
    """Write tables as the layers of one new GeoPackage (1.3), with the styles that QGIS reads from it.

    The layers of the catalogue have styles, titles, abstracts and names of their columns in words: sites by status,
    isochrones by mode and limit, cells by `minutes_best` or else by people, streets of `stress` by level. The styles
    lie in the table `layer_styles`, as QGIS saves them.

    Parameters
    ----------
    layers
        Tables by the name of their layer; a named index becomes a column. A table without rows gives an empty layer.
    path
        The file to write; it must not exist.
    crs
        One CRS for all layers, in metres; None leaves each as it is.
    language
        Of the layers' titles and legends.
    modes
        What modes of one's own are called, by mode and language.
    credits
        What must be said of the data; written into the metadata of the file (ATTRIBUTION) and the layers' abstracts.
    """
    about = {"dataset_metadata": {"ATTRIBUTION": "; ".join(credits)}} if credits else {}
    styles, words = {}, load_words(language, "map", "layers").with_modes(modes or {})
    how: dict[str, Any] = {"driver": "GPKG", "dataset_options": {"VERSION": "1.3"}}
    with _set(SETTINGS):
        for name, table in layers.items():
            written = storable(table if crs is None else table.to_crs(crs))
            styles[name] = layer_style(name, written, words, beside=layers)
            told = {"IDENTIFIER": title(name, words), "DESCRIPTION": abstract(name, words, credits)}
            options = _layer_options(written) | {"layer_options": told}
            arrow = len(written) >= MANY
            pyogrio.write_dataframe(written, path, layer=name, use_arrow=arrow, **how, **options, **about)
        if any(styles.values()):
            pyogrio.write_dataframe(_style_table(styles), path, layer="layer_styles", driver="GPKG", FID="id")


@contextmanager
def _set(settings: Mapping[str, str]) -> Iterator[None]:
    """Let GDAL work by some settings for a while."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in settings}
    pyogrio.set_gdal_config_options(dict(settings))
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def storable(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give a table as files of layers hold it: index as a column, categories as text, no names alike but for case."""
    flat = table.reset_index() if table.index.name else table.reset_index(drop=True)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column in map(str, flat.columns):
        name, count = column, 1
        while name.lower() in taken:
            count += 1
            name = f"{column}_{count}"
        taken.add(name.lower())
        names[column] = name
    flat = flat.rename(columns=names)
    if flat.geometry.name != "geom":
        flat = flat.rename(columns={"geom": "geom_column"}).rename_geometry("geom")
    text = [name for name in flat if isinstance(flat[name].dtype, pd.CategoricalDtype)]
    return flat.astype(dict.fromkeys(text, object))


def _layer_options(table: gpd.GeoDataFrame) -> dict[str, Any]:
    kinds = {*shapely.get_type_id(table.geometry.to_numpy())} - {-1}  # none
    areas = {shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON}
    options: dict[str, Any] = {"GEOMETRY_NAME": "geom"}
    if "fid" in map(str.lower, table.columns):  # the file's own row number must not take the user's column
        options["FID"] = "siteplan_row"
    if kinds & areas and kinds - areas:  # places among areas
        options["geometry_type"] = "Unknown"
    elif not kinds or kinds & areas:
        options |= {"geometry_type": "MultiPolygon", "promote_to_multi": True}
    return options


def _style_table(styles: Mapping[str, str]) -> pd.DataFrame:
    rows = [
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": name,
            "f_geometry_column": "geom",
            "styleName": name,
            "styleQML": style,
            "styleSLD": "",
            "useAsDefault": True,
            "description": "",
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp(STAMP),
        }
        for name, style in styles.items()
        if style
    ]
    return pd.DataFrame(rows)
