"""Two folders of results side by side: who gains a site within the limits, and who loses one."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from siteplan.analysis.change import gained_lost
from siteplan.errors import InputError, StudyError
from siteplan.inputs.times import made_points
from siteplan.study.folder import Kept, read_folder
from siteplan.study.load import commune_names
from siteplan.study.scenarios import OPEN, aligned

if TYPE_CHECKING:
    pass

__all__ = ["compare"]


def compare(before: str | Path, after: str | Path) -> pd.DataFrame:
    """Count who gains and who loses a site from one run to another.

    What counts are the sites that are open: the existing and the required ones and, where the study chose some, the
    chosen ones; in a run without any of these, all sites. The limits are those that both runs have.

    Parameters
    ----------
    before, after
        Folders of results, made from the same streets and the same cells.

    Returns
    -------
    DataFrame
        As `gained_lost` gives it; the split is `total` and, where the first run knows communes, `commune`.

    Raises
    ------
    InputError
        A folder without the results of a complete run, or results about other people.
    StudyError
        Runs without a common limit.

    Examples
    --------
    >>> changes = sp.compare("base", "slow")
    >>> changes.query("split == 'total' and minutes == 15")[["group", "before", "after", "lost"]]
        group   before    after    lost
    0  people  14966.0  12108.0  2858.0
    """
    first, second = read_folder(before), read_folder(after)
    people, later = aligned(first.points, second.points)
    if _mark(first) != _mark(second) and not _same_files(first, second):
        raise InputError(
            f"{second.folder}: was computed for other people or other streets than {first.folder}, so that nobody can "
            "be followed from one to the other; give runs of the same streets and population"
        )
    minutes = [limit for limit in first.minutes if limit in second.minutes]
    if not minutes:
        raise StudyError(f"{first.folder} and {second.folder}: no common limit ({first.minutes} and {second.minutes})")
    groups = [group for group in first.groups if group in second.groups]
    return gained_lost(
        first.times,
        second.times,
        people,
        _communes(first, second),
        minutes=minutes,
        groups=groups,
        opened_before=_opened(first),
        opened_after=_opened(second),
        people_after=later,
    )


def _opened(kept: Kept) -> Collection[str] | None:
    sites, choice = kept.sites, kept.tables.get("choice")
    opened = {str(site) for site in sites.index[sites["status"].isin(OPEN)]}
    if choice is not None:
        opened |= set(choice["site"].astype(str))
    return opened & set(kept.times["site"].cat.categories.astype(str)) if opened else None


def _mark(kept: Kept) -> str | None:
    return made_points(kept.folder / "times.parquet")


def _same_files(first: Kept, second: Kept) -> bool:
    """Tell whether people and streets are of the same files, and all but new homes stand at the same places."""
    few, many = sorted((first.points, second.points), key=len)
    there = few.index.isin(many.index).all() and few.geometry.geom_equals(many.geometry.reindex(few.index)).all()
    return bool(there) and all(
        key in first.manifest["inputs"]
        and first.manifest["inputs"][key]["sha256"] == second.manifest["inputs"].get(key, {}).get("sha256")
        for key in ("inputs.population", "inputs.streets")
    )


def _communes(first: Kept, second: Kept) -> pd.Series | None:
    communes = first.layers.get("communes")
    if communes is None:
        return None
    new = second.cells[~second.cells.index.isin(first.cells.index)]
    cells = gpd.GeoDataFrame(pd.concat([first.cells[["geometry"]], new[["geometry"]]]), crs=first.cells.crs)
    return commune_names(cells, communes.set_index("territory")).rename("commune")
