"""The pages of a folder of results once more, and places as files."""

import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from siteplan.catalogue import FILES
from siteplan.errors import StudyError
from siteplan.formats import WRITTEN
from siteplan.output.files import DASH, drawn_again, refuse_name, whole_file
from siteplan.output.geopackage import storable, write_geopackage
from siteplan.output.guard import refuse_inputs
from siteplan.output.maps import site_map
from siteplan.output.outcome import Outcome
from siteplan.output.report import print_pdf, write_report
from siteplan.output.result import read_outcome

__all__ = ["geojson_text", "lonlat_table", "redraw", "report", "write_places"]


def redraw(folder: str | Path, *, out: str | Path | None = None) -> Path:
    """Draw the map of a folder of results again, and return where it is.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    """
    path = Path(folder) / "map.html" if out is None else Path(out)
    refuse_name(path)
    refuse_inputs([Path(folder) / name for name in FILES if name != "map.html"], [path])
    result = read_outcome(folder)
    told = result.manifest.get("scenarios", ())
    others = {each["name"]: read_outcome(Path(folder) / each["folder"], only=("cells", "points")) for each in told}
    page = site_map(replace(result, scenarios=others))
    _write_page(folder, path, result, page.save)
    return path


def _write_page(folder: str | Path, path: Path, result: Outcome, write: Callable[[Path], object]) -> None:
    """Write a page of a folder of results; where it is one of its files, the manifest learns its digest."""
    if os.path.realpath(path.parent) != os.path.realpath(folder):
        write(path)
        return
    with drawn_again(folder, path.name, result.manifest) as aside:
        write(aside)


def report(folder: str | Path, *, out: str | Path | None = None, pdf: bool = False) -> Path:
    """Write the report of a folder of results again, or print it as PDF, and return where it is.

    Raises
    ------
    InputError
        The folder does not hold the results of a complete run.
    StudyError
        For a PDF without a browser to print it, or a place that cannot be written.
    """
    if out is not None:
        refuse_name(out)
    result = read_outcome(folder)
    path = Path(folder) / ("report.pdf" if pdf else "report.html") if out is None else Path(out)
    refuse_inputs([Path(folder) / name for name in FILES if name != "report.html"], [path])
    if not pdf:
        _write_page(folder, path, result, lambda at: write_report(result, at))
        return path
    with tempfile.TemporaryDirectory() as aside:
        page = Path(aside) / "report.html"
        write_report(result, page)
        print_pdf(page, path)
    return path


def write_places(places: gpd.GeoDataFrame, path: str | Path) -> None:
    """Write places by the ending of the path.

    GeoPackage (`.gpkg`, with styles for QGIS), GeoParquet (`.parquet`) and FlatGeobuf (`.fgb`) keep the CRS; GeoJSON
    is as `geojson_text` gives it; CSV has lon and lat, and is for points.

    Raises
    ------
    StudyError
        Another ending, or a folder that cannot be written.
    """
    points = (places.geom_type == "Point").all()
    if not points or Path(path) != DASH:
        refuse_name(path)
    ending = ".csv" if Path(path) == DASH else Path(path).suffix.lower()
    known = WRITTEN if points else WRITTEN[1:]
    if ending not in known:
        raise StudyError(f"{path}: cannot write '{ending}' for these places; expected {' or '.join(known)}")
    name = "isochrones" if "speed_kmh" in places else "sites"
    with whole_file(path) as aside:
        if ending == ".csv":
            lonlat_table(places).to_csv(aside, index=False, lineterminator="\n")
        elif ending == ".gpkg":
            write_geopackage({name: places}, aside)
        elif ending == ".parquet":
            places.to_parquet(aside, index=places.index.name is not None, compression="zstd")
        elif ending == ".fgb":
            pyogrio.write_dataframe(storable(places), aside, driver="FlatGeobuf", layer=name)
        else:
            aside.write_text(geojson_text(places) + "\n", encoding="utf-8", newline="")


def geojson_text(places: gpd.GeoDataFrame) -> str:
    """Give places as GeoJSON by RFC 7946: degrees with six decimals (a decimetre), outer rings counterclockwise."""
    flat = storable(places).to_crs(4326)
    written = io.BytesIO()
    pyogrio.write_dataframe(
        flat, written, driver="GeoJSON", layer="places", RFC7946="YES", COORDINATE_PRECISION=6, WRITE_NAME="NO"
    )
    return written.getvalue().decode("utf-8").rstrip("\n")


def lonlat_table(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return places as a plain table, points as lon and lat in degrees (seven decimals are a centimetre)."""
    at = places.geometry.to_crs(4326)
    table = pd.DataFrame(places.drop(columns=places.geometry.name)).assign(lon=at.x.round(7), lat=at.y.round(7))
    return table.reset_index() if places.index.name else table
