"""Two folders of results side by side: who gains a site within the limits, and who loses one."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from siteplan.analysis.change import gained_lost
from siteplan.analysis.equity import cell_territories
from siteplan.errors import InputError, StudyError
from siteplan.inputs.times import made_points
from siteplan.output.tables import printable
from siteplan.study.folder import Kept, read_folder

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["compare", "print_changes"]

OPEN = ("existing", "required")


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
    """
    first, second = read_folder(before), read_folder(after)
    if made_points(first.folder / "times.parquet") != made_points(second.folder / "times.parquet"):
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
        first.points,
        _communes(first),
        minutes=minutes,
        groups=groups,
        opened_before=_opened(first),
        opened_after=_opened(second),
    )


def _opened(kept: Kept) -> Collection[str] | None:
    sites, choice = kept.sites, kept.tables.get("choice")
    opened = {str(site) for site in sites.index[sites["status"].isin(OPEN)]}
    if choice is not None:
        opened |= set(choice["site"].astype(str))
    return opened & set(kept.times["site"].cat.categories.astype(str)) if opened else None


def _communes(kept: Kept) -> pd.Series | None:
    communes = kept.layers.get("communes")
    if communes is None:
        return None
    communes = communes.set_index("territory")
    names = communes["name"].astype(str)
    found = cell_territories(kept.cells, communes)
    return found.map(lambda key: names.get(key, key)).rename("commune")


def print_changes(changes: pd.DataFrame, console: "Console") -> None:
    """Print who gains and loses by commune: all people, by any mode, within the largest limit."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    mode, limit = changes["mode"].iloc[-1], changes["minutes"].max()
    rows = changes[(changes["group"] == "people") & (changes["mode"] == mode) & (changes["minutes"] == limit)]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    figures = ["people", "before", "after", "gained", "lost", "unchanged"]
    table.add_column("commune")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    # The total stands below what it is the sum of.
    for row in [
        *rows[rows["split"] == "commune"].to_dict("records"),
        *rows[rows["split"] == "total"].to_dict("records"),
    ]:
        name = "all" if row["split"] == "total" else row["territory"]
        table.add_row(Text(printable(name)), *(f"{row[figure]:,.0f}" for figure in figures))
    console.print(table)
    way = "any mode" if mode == "best" else mode
    console.print(Text(f"people with an open site within {limit:g} min by {way}"))
