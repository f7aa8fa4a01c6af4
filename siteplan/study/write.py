"""A result becomes a folder of files, whole or not at all; and single tables become single files."""

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.output.files import MANIFEST, results_folder, whole_file
from siteplan.output.maps import SiteMap, site_map
from siteplan.output.tables import write_manifest, write_scores, write_times
from siteplan.study.load import Territory

if TYPE_CHECKING:
    from siteplan.study.run import Result

__all__ = ["write_places", "write_result"]

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}


def write_result(result: "Result", territory: Territory, folder: Path) -> None:
    """Write all files of a result, the manifest last.

    Raises
    ------
    StudyError
        The folder cannot be written.
    """
    with results_folder(folder) as aside:
        write_scores(result.scores, aside / "scores.csv")
        result.overlap.round(1).to_csv(aside / "overlap.csv", lineterminator="\n")
        write_times(result.times, aside / "times.parquet")
        _map(result, territory).save(aside / "map.html")
        write_manifest(result.manifest, aside / MANIFEST)


def _map(result: "Result", territory: Territory) -> SiteMap:
    streets = territory.streets
    return site_map(
        result.sites,
        rings=result.rings,
        cells=result.cells.join(result.cell_access),
        scores=result.scores,
        territories=territory.communes,
        streets=None if streets is None else streets.edges,
        notes=_notes(result.study, territory),
        title=result.study.name,
        language=result.study.language,
    )


def _notes(study: Study, territory: Territory) -> list[str]:
    """Say how old the streets are."""
    date = None if territory.streets is None else territory.streets.data_date
    if not date:
        return []
    return [f"Données OpenStreetMap du {date}." if study.language == "fr" else f"OpenStreetMap data of {date}."]


def write_places(places: gpd.GeoDataFrame, path: str | Path) -> None:
    """Write places as GeoPackage, GeoJSON (in degrees) or CSV (with lon and lat), by the ending of the path.

    Raises
    ------
    StudyError
        Another ending, or a folder that cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in (*DRIVERS, ".csv"):
        raise StudyError(f"{path}: cannot write '{ending}'; expected one of {' '.join((*DRIVERS, '.csv'))}")
    with whole_file(path) as aside:
        if ending == ".csv":
            lonlat_table(places).to_csv(aside, index=False, lineterminator="\n")
        else:
            shown = places if ending == ".gpkg" else places.to_crs(4326)
            shown.to_file(aside, driver=DRIVERS[ending], index=places.index.name is not None)


def lonlat_table(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return places as a plain table, points as lon and lat in degrees (seven decimals are a centimetre)."""
    at = places.geometry.to_crs(4326)
    table = pd.DataFrame(places.drop(columns=places.geometry.name)).assign(lon=at.x.round(7), lat=at.y.round(7))
    return table.reset_index() if places.index.name else table
