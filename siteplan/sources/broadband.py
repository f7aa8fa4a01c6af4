"""How many premises of a commune have fast internet by wire -> columns of the sites in it."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.errors import FetchError, listed
from siteplan.inputs.sites import read_sites
from siteplan.sources.answers import read_columns
from siteplan.sources.area import Area, communes_of
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, url
from siteplan.sources.writing import place_table

__all__ = ["SHARES", "get_broadband"]

SITES = "sites.csv"
CODE, PREMISES = "code_insee", "nbr"
# Columns of the sites, and how ARCEP calls the premises that can have so much: by wire alone, for by satellite all can.
SHARES = {"wired_30_mbits": "elig_thd30", "wired_100_mbits": "elig_thd100", "wired_1_gbits": "elig_thd1g"}
ALL = ("", "all")  # of the column type, where there is one: premises of every kind


def get_broadband(
    area: Area, source: Source, downloads: Downloads, folder: Path, *, communes: gpd.GeoDataFrame | None = None
) -> Got:
    """Add to the sites of a folder what share of their commune's premises can have fast internet by wire.

    Parameters
    ----------
    area
        Where.
    source
        Of kind broadband; `format` arcep-communes.
    downloads
        The cache.
    folder
        Where `sites.csv` stands; it gets the columns `SHARES` names, 0 to 1, blank where nothing is known.
    communes
        Index `territory` (INSEE codes), polygons; by default those of `area.gpkg` in the folder.

    Raises
    ------
    FetchError
        There are no sites or communes yet, or the file cannot be had or is not what it was.
    """
    if source.format != "arcep-communes":
        raise FetchError(f"{source.name}: its format is '{source.format}'; expected arcep-communes")
    sites = folder / SITES
    if not sites.is_file():
        raise FetchError(f"{source.name}: there is no {SITES} of {area.name} to add columns to; fetch sites as well")
    outlines = communes_of(area, folder) if communes is None else communes
    link = url(source, "file")
    raw = read_columns(source, downloads, link, (CODE, PREMISES, *SHARES.values()), what="table of communes", sep=";")
    shares, vintage = _shares(raw, source.vintage)
    places = read_sites(sites).geometry.to_crs(outlines.crs)
    where = gpd.GeoDataFrame(geometry=places.to_numpy(), crs=outlines.crs).sjoin(outlines[["geometry"]], how="left")
    # On a border between two, the first counts.
    code = where[~where.index.duplicated()]["territory"]
    found = shares.reindex(code.to_numpy())
    table = pd.read_csv(sites, dtype=str, na_filter=False)
    unknown = int(found[next(iter(SHARES))].isna().sum())
    if unknown == len(table):
        raise FetchError(
            f"{source.name}: has none of the communes that sites of {area.name} lie in ({listed(outlines.index, 3)} "
            "here); fetch communes as well"
        )
    for name in SHARES:
        table[name] = ["" if np.isnan(share) else f"{share:.3f}" for share in found[name]]
    place_table(sites, table)
    notes = [f"{source.name}: the commune of {unknown:,} of {len(table):,} sites is not in it"] if unknown else []
    return Got(inputs={"sites": SITES}, used=[downloads.used(source, link, vintage=vintage)], notes=notes)


def _shares(raw: pd.DataFrame, usual: str) -> tuple[pd.DataFrame, str]:
    """Read the shares of each commune, by its code, and of when they are."""
    rows = raw[raw["type"].isin(ALL)] if "type" in raw else raw
    rows = rows.drop_duplicates(CODE).set_index(CODE)
    premises = pd.to_numeric(rows[PREMISES], errors="coerce")
    table = pd.DataFrame(
        {
            name: pd.to_numeric(rows[column], errors="coerce") / premises.where(premises > 0)
            for name, column in SHARES.items()
        }
    )
    vintage = max(raw["date"], default="") if "date" in raw else ""
    return table, str(vintage) or usual
