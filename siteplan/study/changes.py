"""Two folders of results side by side: who gains a site within the limits, and who loses one."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from siteplan.analysis.change import gained_lost
from siteplan.errors import InputError, StudyError
from siteplan.inputs.times import made_points
from siteplan.output.tables import printable
from siteplan.study.folder import Kept, read_folder
from siteplan.study.load import commune_names
from siteplan.study.scenarios import OPEN, aligned
from siteplan.words import load_words

if TYPE_CHECKING:
    from rich.console import Console

    from siteplan.study.stages import Result

__all__ = ["compare", "print_changes", "print_scenarios"]


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


def print_scenarios(result: "Result", console: "Console") -> None:
    """Print who gains and loses a site in each scenario: all people, by mode, within the largest limit."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    words, rows = load_words(result.study.language), result.tables["scenarios"]
    limit = rows["minutes"].max()
    rows = rows[(rows["split"] == "total") & (rows["group"] == "people") & (rows["minutes"] == limit)]
    modes = list(dict.fromkeys(rows["mode"]))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("scenario")
    for mode in modes:
        table.add_column(Text(f"{'any' if mode == 'best' else mode}\n{limit:g} min"), justify="right", no_wrap=True)
    table.add_column("what changes")
    figures = {(row["scenario"], row["mode"]): _both(row["gained"], row["lost"]) for row in rows.to_dict("records")}
    for scenario in result.manifest["scenarios"]:
        name = scenario["name"]
        cells = [figures.get((name, mode), "") for mode in modes]
        table.add_row(Text(printable(name)), *cells, Text(printable(words.of(scenario["about"]))))
    console.print(table)
    console.print(Text("people who gain (+) and who lose (-) an open site within the limit"))


def _both(gained: float, lost: float) -> str:
    parts = [f"{sign}{people:,.0f}" for sign, people in (("+", gained), ("-", lost)) if round(people)]
    return " ".join(parts) or "="
