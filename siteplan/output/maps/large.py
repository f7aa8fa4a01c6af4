"""What a page shows of a large place: the sites and the columns that matter most, and cells joined into larger ones.

What is shown is exact: of joined cells the sums, of columns those that are left; whom open sites reach is counted from
all of them or not at all.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.catalogue import PEOPLE, Measure
from siteplan.errors import warn
from siteplan.inputs.sites import OPEN
from siteplan.output.maps.private import centres, joined
from siteplan.output.maps.shapes import metric
from siteplan.output.outcome import Outcome

__all__ = ["coarser", "fewer_columns", "fewer_sites", "in_blocks"]

MOST_SITES = 2_000
MOST_CELLS = 20_000


def fewer_sites(result: Outcome, most: int = MOST_SITES) -> Outcome:
    """Leave out all sites but the first `most`: those open, those chosen, by the study or a scenario, the best ranked.

    Whom open sites reach is counted as ever, as long as those open and chosen are no more than that: of some of them
    the page would tell less than they reach, and so it counts nobody. The order of sites stays.
    """
    if len(result.sites) <= most:
        return result
    ids = result.sites.index.astype(str)
    chosen = [site for each in (result, *result.scenarios.values()) for site in each.chosen]
    scores = result.tables.get("scores")
    rank = np.full(len(ids), np.inf)
    if scores is not None and "rank" in scores:
        rank = scores["rank"].reindex(result.sites.index).to_numpy(dtype=float, na_value=np.inf)
    opened = result.sites["status"].isin(OPEN).to_numpy()
    order = np.lexsort((rank, ~ids.isin(chosen), ~opened))
    warn(
        f"map: the page shows {most:,} of {len(ids):,} sites: those open, those chosen and the best ranked; scores.csv "
        "and results.gpkg have all"
    )
    few = _only(result, set(ids[order[:most]]))
    if (opened | ids.isin(chosen)).sum() > most and "times" in few.tables:
        warn("map: the page does not count whom open sites reach, as it does not show all of them; the tables tell it")
        tables = {name: table for name, table in few.tables.items() if name not in ("times", "trials")}
        few = replace(few, tables=tables, layers={name: each for name, each in few.layers.items() if name != "points"})
    return few


def fewer_columns(counted: Sequence[Measure]) -> Iterator[tuple[str, list[Measure]]]:
    """Give ever fewer of the columns that cards of sites show, with what was left out: what is needed least first.

    Whom a site reaches, of all people, within the largest limit of each mode, is never left out.
    """
    kept = list(counted)
    last = {mode: max(each.limit for each in kept if each.mode == mode) for mode in {each.mode for each in kept}}
    steps: dict[str, Callable[[Measure], bool]] = {
        "whom of a group a site alone reaches or adds": lambda each: each.kind == "reached" or each.group == PEOPLE,
        "groups": lambda each: each.group == PEOPLE,
        "whom a site alone reaches": lambda each: each.kind in ("reached", "added"),
        "limits below the largest": lambda each: each.limit == last[each.mode],
        "whom a site adds": lambda each: each.kind == "reached",
    }
    for said, keeps in steps.items():
        fewer = [each for each in kept if keeps(each)]
        if len(fewer) < len(kept):
            kept = fewer
            yield said, kept


def _only(result: Outcome, ids: Collection[str]) -> Outcome:
    """Give a result with some of its sites, wherever it speaks of them."""
    return replace(
        result,
        sites=result.sites[result.sites.index.astype(str).isin(ids)],
        tables={name: _rows(table, ids) for name, table in result.tables.items()},
        scenarios={name: _only(each, ids) for name, each in result.scenarios.items()},
    )


def _rows(table: pd.DataFrame, ids: Collection[str]) -> pd.DataFrame:
    """Give the rows of some sites, if that is what the rows are of."""
    if "site" in table:
        names = table["site"].astype("category")
        table = table[names.isin([name for name in names.cat.categories if str(name) in ids])]
        known = isinstance(table["site"].dtype, pd.CategoricalDtype)
        return table.assign(site=table["site"].cat.remove_unused_categories()) if known else table
    return table[table.index.astype(str).isin(ids)] if table.index.name == "site" else table


def coarser(cells: gpd.GeoDataFrame, most: int) -> "tuple[gpd.GeoDataFrame, pd.Series[str]]":
    """Join cells block by block, as large as it takes for no more than `most`; return them as `join_small` does.

    People are summed, so that all together are as many as before.
    """
    place, group = centres(cells), np.arange(len(cells))
    extent = np.ptp(place, axis=0).prod()
    step = float(np.sqrt(max(np.median(metric(cells.geometry).area), extent / 1e9, 1.0)))
    corner, wide = place.min(axis=0) - step / 2, 1
    while len(np.unique(group)) > most:
        wide = max(wide + 1, wide * 5 // 4)
        block = np.floor((place - corner) / (wide * step) + 1e-9).astype(np.int64)
        first, code = np.unique(block[:, 0] * 2**32 + block[:, 1], return_index=True, return_inverse=True)[1:]
        group = first[code]
    return joined(cells, group)


def in_blocks(points: pd.DataFrame, blocks: "pd.Series[str]") -> pd.DataFrame:
    """Give points the joined cells in place of their own."""
    return points.assign(cell=points["cell"].map(blocks)) if "cell" in points else points
