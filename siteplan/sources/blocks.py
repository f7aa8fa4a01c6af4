"""Census blocks of the United States: outlines and people of a state's file, and how many of them work."""

import zipfile
import zlib
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from siteplan.errors import FetchError
from siteplan.geo import LONLAT
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads, NotThereError
from siteplan.sources.source import Source, Used, url
from siteplan.sources.states import OLDER, find_states, newest_file

__all__ = ["block_files", "read_blocks"]


def block_files(area: Area, source: Source, downloads: Downloads) -> list[str]:
    """Return the addresses of what `read_blocks` loads, as of the newest year."""
    return [
        address
        for letters, digits in sorted(find_states(area, source, downloads, []).items())
        for address in (
            url(source, "file", fips=digits),
            url(source, "workers", state=letters, year=source.vintage),
        )
    ]


def read_blocks(
    area: Area, source: Source, downloads: Downloads, place: gpd.GeoSeries
) -> tuple[gpd.GeoDataFrame, list[Used], list[str]]:
    """Read the census blocks that touch a place.

    Parameters
    ----------
    area, source, downloads
        The area whose states are read, from whom, and the cache.
    place
        The area and its margin.

    Returns
    -------
    GeoDataFrame
        Columns `cell` (the block's code of 15 digits), `people` and, where they are published, `workers`; polygons in
        degrees.
    list of Used, list of str
        What was taken, and what is missing.

    Raises
    ------
    FetchError
        A file of blocks is not there or not what it should be.
    """
    used: list[Used] = []
    states = find_states(area, source, downloads, used)
    notes: list[str] = []
    parts: list[gpd.GeoDataFrame] = []
    for letters, digits in sorted(states.items()):
        address = url(source, "file", fips=digits)
        blocks = _outlines(downloads.get(source, address), f"{source.name}: {address}", place)
        used.append(downloads.used(source, address, vintage="2020"))
        workers = _workers(source, downloads, letters, used=used, notes=notes)
        if workers is not None:
            blocks["workers"] = blocks["cell"].map(workers).fillna(0.0)
        parts.append(blocks)
    if any("workers" in part for part in parts) and not all("workers" in part for part in parts):
        parts = [part.drop(columns="workers", errors="ignore") for part in parts]
    return pd.concat(parts, ignore_index=True).sort_values("cell"), used, notes


def _outlines(path: Path, what: str, place: gpd.GeoSeries) -> gpd.GeoDataFrame:
    from pyogrio.errors import DataLayerError, DataSourceError, FieldError

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".shp")]
        if len(names) != 1:
            raise FetchError(f"{what} is a zip with {len(names)} shapefiles where one was expected")
        bounds = tuple(float(value) for value in place.to_crs(LONLAT).total_bounds)
        table = gpd.read_file(
            f"/vsizip/{{{path}}}/{names[0]}", bbox=bounds, columns=["GEOID20", "POP20"], on_invalid="ignore"
        )
        people = table["POP20"].astype(float)
    except (zipfile.BadZipFile, DataLayerError, DataSourceError, FieldError, KeyError, ValueError) as error:
        raise FetchError(
            f"{what} cannot be read as a zip with a shapefile of blocks ({error}); fetch it again with --update"
        ) from None
    blocks = gpd.GeoDataFrame(
        {"cell": table["GEOID20"].astype(str), "people": people}, geometry=table.geometry, crs=table.crs
    ).to_crs(LONLAT)
    outline = place.to_crs(LONLAT).union_all()
    shapely.prepare(outline)
    return blocks[shapely.intersects(outline, blocks.geometry.to_numpy())].reset_index(drop=True)


def _workers(
    source: Source, downloads: Downloads, state: str, *, used: list[Used], notes: list[str]
) -> "pd.Series[float] | None":
    """Read how many workers live in each block, of the newest year that a state has."""
    newest = int(source.vintage)
    try:
        path, told, note = newest_file(source, downloads, "workers", newest, state=state)
        table = pd.read_csv(path, usecols=["h_geocode", "C000"], dtype={"h_geocode": str}, compression="gzip")
    except NotThereError:
        notes.append(
            f"{source.title}: {state.upper()} has no workers of {newest - OLDER} to {newest}; the group is missing"
        )
        return None
    except (FetchError, OSError, EOFError, ValueError, zlib.error) as error:
        notes.append(f"{source.title}: workers are missing: {error}")
        return None
    used.append(told)
    notes += filter(None, [note])
    found: pd.Series[float] = table.set_index(table["h_geocode"].str.zfill(15))["C000"].astype(float)
    return found
