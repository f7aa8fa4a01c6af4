"""Coworking and third places that a list tells of -> rows of the sites, beside those of OpenStreetMap."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.errors import FetchError
from siteplan.geo import LONLAT, metric_crs
from siteplan.sources.answers import read_columns
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.places import plain_name
from siteplan.sources.source import Got, Source, url
from siteplan.sources.writing import place_table

__all__ = ["get_workplaces"]

SITES = "sites.csv"
# Columns of the list: its number, name, kind of place and where it is.
ID, NAME, KIND, LAT, LON = "ID", "NOM_TL", "TYPO", "LAT", "LONG"
WORK, MAKE = "coworking", "fablab"  # words of the kind, and what sites are called by it
# Addresses are found to a house or two: nearer than that a coworking place, or one of the same name, is the same one.
SAME = 150.0  # metres


def get_workplaces(area: Area, source: Source, downloads: Downloads, folder: Path) -> Got:
    """Add the coworking and third places of a list to the sites of a folder.

    Places to work at are open already (`existing`), workshops a `candidate`. One that `sites.csv` has already, as a
    coworking place or by its name within 150 m, stays as it stands there, and is open.

    Parameters
    ----------
    area
        Only places in it.
    source
        Of kind workplaces; `format` cget-tiers-lieux.
    downloads
        The cache.
    folder
        Where `sites.csv` stands; it is made where there is none and the list has a place.

    Raises
    ------
    FetchError
        The list cannot be had or is not what it was.
    """
    if source.format != "cget-tiers-lieux":
        raise FetchError(f"{source.name}: its format is '{source.format}'; expected cget-tiers-lieux")
    link = url(source, "file")
    raw = read_columns(source, downloads, link, (ID, NAME, KIND, LAT, LON), what="list of places")
    here, nowhere = _listed(raw, area)
    path = folder / SITES
    sites = pd.read_csv(path, dtype=str, na_filter=False) if path.is_file() else pd.DataFrame(columns=list(here))
    twin = _twins(here, sites)
    known = twin >= 0
    sites.loc[sites.index[twin[known & (here["kind"] == WORK)]], "status"] = "existing"
    notes = [
        f"{source.title}: {len(here):,} places in {area.name}, of which {known.sum():,} are in OpenStreetMap as well; "
        f"what was open in {source.vintage} may have closed: look at each, and change its status in {SITES}"
        if len(here)
        else f"{source.title}: no place in {area.name}; coworking places are those of OpenStreetMap alone"
    ]
    if nowhere:
        notes.append(f"{source.title}: {nowhere:,} places of the list are without coordinates, and were left out")
    if len(here):
        place_table(path, pd.concat([sites, here[~known]], ignore_index=True).fillna(""))
    return Got(inputs={"sites": SITES} if path.is_file() else {}, used=[downloads.used(source, link)], notes=notes)


def _listed(raw: pd.DataFrame, area: Area) -> tuple[pd.DataFrame, int]:
    """Read the places of the list in an area as rows of sites; and how many are nowhere."""
    lon, lat = (pd.to_numeric(raw[name], errors="coerce").to_numpy(np.float64) for name in (LON, LAT))
    inside = shapely.intersects_xy(area.geometry, lon, lat)
    found = raw[inside]
    work = found[KIND].str.contains(WORK, case=False).to_numpy()
    table = pd.DataFrame(
        {
            "site": "tl-" + found[ID],
            "name": found[NAME].str.strip(),
            "kind": np.where(work, WORK, MAKE),
            "status": np.where(work, "existing", "candidate"),
            "lon": lon[inside].astype(str),
            "lat": lat[inside].astype(str),
        }
    )
    return table.drop_duplicates("site", ignore_index=True), int((np.isnan(lon) | np.isnan(lat)).sum())


def _twins(here: pd.DataFrame, sites: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return, for each place, the row of the site that is the same; -1 where there is none."""
    twin = np.full(len(here), -1, np.intp)
    if here.empty or sites.empty:
        return twin
    crs = metric_crs(_points(here))
    ours, theirs = _points(here).to_crs(crs), _points(sites).to_crs(crs)
    kinds = sites["kind"] if "kind" in sites else pd.Series("", index=sites.index)
    alike = np.array([[plain_name(one) == plain_name(other) for other in sites["name"]] for one in here["name"]])
    alike |= (here["kind"] == WORK).to_numpy()[:, None] & (kinds == WORK).to_numpy()
    far = np.array([theirs.distance(point).to_numpy() for point in ours])
    far[~alike | ~(far <= SAME)] = np.inf
    twin[np.isfinite(far.min(axis=1))] = far.argmin(axis=1)[np.isfinite(far.min(axis=1))]
    return twin


def _points(table: pd.DataFrame) -> gpd.GeoSeries:
    lon, lat = (pd.to_numeric(table[name], errors="coerce") for name in ("lon", "lat"))
    return gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=LONLAT)
