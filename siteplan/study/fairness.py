"""Who is left out: coverage by commune and degree of urbanisation, sites within reach, places without access."""

import warnings

import geopandas as gpd
import pandas as pd

from siteplan.analysis.equity import access_shares, cell_territories, sites_in_reach, without_access
from siteplan.analysis.urbanisation import degree_of_urbanisation
from siteplan.config import Study
from siteplan.errors import InputError, SiteplanWarning
from siteplan.study.load import Territory

__all__ = ["access_tables", "commune_names", "places_left_out"]

OPEN = ("existing", "required")


def access_tables(study: Study, territory: Territory, times: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return `territories` and `sites_in_reach`: with the sites that are open today, and with all.

    Returns
    -------
    dict
        As `access_shares` and `sites_in_reach` give them, each with a first column `open`: `today` (existing and
        required sites, if there are any) or `all` (candidates as well).
    """
    points, minutes, groups = territory.points, study.travel.minutes, _groups(study)
    divided = _splits(territory)
    shares, counts = [], []
    known = set(times["site"].cat.categories.astype(str))  # a table of the user's own may leave out who reaches nobody
    for name, opened in _openings(territory.sites, known).items():
        some = access_shares(times, points, divided, minutes=minutes, groups=groups, opened=opened)
        some.insert(0, "open", name)
        shares.append(some)
        more = sites_in_reach(times, points, minutes=minutes, groups=groups, opened=opened)
        more.insert(0, "open", name)
        counts.append(more)
    return {
        "territories": pd.concat(shares, ignore_index=True),
        "sites_in_reach": pd.concat(counts, ignore_index=True),
    }


def places_left_out(study: Study, territory: Territory, times: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Return the places that no open site serves within the largest limit, or None where no site is open."""
    if not territory.sites["status"].isin(OPEN).any():
        return None
    communes, metric = territory.communes, territory.cells.to_crs(territory.points.crs)
    return without_access(
        metric,
        times,
        territory.points,
        territory.sites,
        territories=None if communes is None else cell_territories(territory.cells, communes),
        names=None if communes is None else communes["name"],
        minutes=max(study.travel.minutes),
        groups=_groups(study),
    )


def commune_names(territory: Territory) -> pd.Series | None:
    """Return the name of the commune of each cell, `outside` beyond them all; None without communes."""
    communes = territory.communes
    if communes is None:
        return None
    names = communes["name"].astype(str)
    twice = names.duplicated(keep=False)
    named = names.where(~twice, names + " (" + names.index.astype(str) + ")").to_dict()
    return cell_territories(territory.cells, communes).map(lambda key: named.get(key, key)).astype(str)


def _groups(study: Study) -> tuple[str, ...]:
    return study.inputs.population.groups if study.inputs.population else ()


def _openings(sites: gpd.GeoDataFrame, known: set[str]) -> dict[str, list[str]]:
    today = [str(site) for site in sites.index[sites["status"].isin(OPEN)]]
    openings = {**({"today": today} if today else {}), "all": [str(site) for site in sites.index]}
    return {name: [site for site in opened if site in known] for name, opened in openings.items()}


def _splits(territory: Territory) -> dict[str, pd.Series]:
    """Divide the cells by commune, where there are some, and by degree of urbanisation, where cells are small."""
    communes = commune_names(territory)
    divided = {} if communes is None else {"commune": communes}
    try:
        divided["degree"] = degree_of_urbanisation(territory.cells)
    except InputError as error:
        warnings.warn(SiteplanWarning(f"no degree of urbanisation: {error}"), stacklevel=2)
    return divided
