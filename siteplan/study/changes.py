"""Two folders of results side by side: who gains a site within the limits, and who loses one."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteplan.analysis.change import gained_lost
from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.output.outcome import Outcome
from siteplan.output.result import Result, read_outcome
from siteplan.study.load import commune_names
from siteplan.study.scenarios import common_limits, reaches

__all__ = ["compare"]


@door()
def compare(before: str | Path | Result, after: str | Path | Result) -> pd.DataFrame:
    """Count who gains and who loses a site from one run to another.

    What counts are the sites that are open: the existing and the required ones and, where the study chose some, the
    chosen ones; in a run without any of these, all sites. The limits are those that both runs have.

    Parameters
    ----------
    before, after
        Results or folders of results, made from the same streets and the same cells.

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
    first, second = _result(before), _result(after)
    if first.mark != second.mark and not _same_files(first, second):
        raise InputError(
            f"{_named(second)}: was computed for other people or other streets than {_named(first)}, so that nobody "
            "can be followed from one to the other; give runs of the same streets and population"
        )
    minutes = common_limits(first, second)
    if not minutes:
        raise StudyError(
            f"{_named(first)} and {_named(second)}: no common limit ({first.minutes} and {second.minutes})"
        )
    groups = [group for group in first.groups if group in second.groups]
    earlier, later = reaches(first, second)
    return gained_lost(
        earlier,
        later,
        None,
        _communes(first, second),
        minutes=minutes,
        groups=groups,
        opened_before=first.open_sites,
        opened_after=second.open_sites,
    )


def _result(given: str | Path | Result) -> Outcome:
    if isinstance(given, Outcome):
        return given
    return read_outcome(given, only=("cells", "points", "communes"))


def _named(result: Outcome) -> str:
    return str(result.folder or result.title)


def _same_files(first: Outcome, second: Outcome) -> bool:
    """Tell whether people and streets are of the same files, and all but new homes stand at the same places."""
    few, many = sorted((first.points, second.points), key=len)
    there = few.index.isin(many.index).all() and few.geometry.geom_equals(many.geometry.reindex(few.index)).all()
    return bool(there) and all(
        key in first.manifest["inputs"]
        and first.manifest["inputs"][key]["sha256"] == second.manifest["inputs"].get(key, {}).get("sha256")
        for key in ("inputs.population", "inputs.streets")
    )


def _communes(first: Outcome, second: Outcome) -> pd.Series | None:
    communes = first.layers.get("communes")
    if communes is None:
        return None
    new = second.cells[~second.cells.index.isin(first.cells.index)]
    cells = gpd.GeoDataFrame(pd.concat([first.cells[["geometry"]], new[["geometry"]]]), crs=first.cells.crs)
    return commune_names(cells, communes).rename("commune")
