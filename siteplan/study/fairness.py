"""Who is left out: coverage by commune and degree of urbanisation, places without access, and how unequal it is."""

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.catchment import Catchment, catchment_access
from siteplan.analysis.equity import (
    access_shares,
    cell_territories,
    inequality,
    shortfall,
    sites_in_reach,
)
from siteplan.analysis.places import without_access
from siteplan.analysis.urbanisation import degree_of_urbanisation
from siteplan.catalogue import by_mode
from siteplan.config import Study
from siteplan.config.questions import Fairness
from siteplan.errors import InputError, StudyError, listed, warn
from siteplan.inputs.area import read_area
from siteplan.inputs.columns import read_cell_columns
from siteplan.inputs.files import read_places
from siteplan.inputs.sites import OPEN
from siteplan.inputs.values import numbers
from siteplan.reachable import Reach
from siteplan.study.load import StudyData
from siteplan.study.situation import Answer, Situation, check_group

__all__ = [
    "OPEN",
    "access_tables",
    "check_fairness",
    "desks_by_cell",
    "fairness_tables",
    "places_left_out",
]

DEGREE = "degree_given"  # the split by the user's own column


def access_tables(here: Situation) -> dict[str, pd.DataFrame]:
    """Return `territories` and `sites_in_reach`: with the sites that are open today, with the chosen ones, with all.

    Returns
    -------
    dict
        As `access_shares` and `sites_in_reach` give them, each with a first column `open`: `today` (existing and
        required sites, if there are any), `chosen` (these and the chosen ones, if any are) or `all` (candidates, too).
    """
    reach, divided, opened = here.reach, _splits(here.data), here.openings.items()
    return {
        "territories": _below(
            {name: access_shares(reach, None, divided, **here.counted, opened=sites) for name, sites in opened}
        ),
        "sites_in_reach": _below({name: sites_in_reach(reach, **here.counted, opened=sites) for name, sites in opened}),
    }


def _below(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put tables below each other, after a first column that says what is open."""
    table: pd.DataFrame = pd.concat(tables, names=["open"]).reset_index("open").reset_index(drop=True)
    return table


def places_left_out(
    study: Study, data: StudyData, reach: Reach, asked: Fairness | None = None
) -> gpd.GeoDataFrame | None:
    """Return the places that no open site serves within the largest limit, or None where no site is open."""
    if not data.sites["status"].isin(OPEN).any():
        return None
    communes, metric = data.communes, data.cells.to_crs(data.points.crs)
    places = without_access(
        metric,
        reach,
        None,
        data.sites,
        territories=None if communes is None else cell_territories(data.cells, communes),
        names=None if communes is None else communes["name"],
        minutes=max(study.travel.limits),
        groups=study.groups,
    )
    return places if asked is None or asked.places is None else places.head(asked.places)


# ---- the block `fairness` ----


def check_fairness(study: Study, asked: Fairness, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: an unknown column or group, an open site without desks.
    """
    if asked.income is not None:
        _incomes(study, data, asked.income)
    if asked.degree is not None:
        _own_degrees(study, data, asked.degree)
    if asked.catchment is None:
        return
    check_group(study, "fairness.catchment.group", asked.catchment.group)
    sites = data.sites
    fixed = sites[sites["status"].isin(OPEN)]
    if study.choose is None and fixed.empty:
        raise StudyError(
            "fairness.catchment: no site is existing or required, and none is chosen (choose), so there are no desks"
        )
    bare = fixed.index[fixed["capacity"].isna()]
    if len(bare):
        raise InputError(
            f"fairness.catchment: {len(bare):,} existing or required sites have no capacity, first '{bare[0]}'; "
            "expected the number of desks of each in the column capacity of the sites"
        )


def fairness_tables(asked: Fairness, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer who is left out: `fairness` and, where desks are shared, `catchment`.

    Returns
    -------
    dict
        `fairness`: columns `open` (today, chosen, all: which sites count), `what`, `measure`, `split`, `territory`,
        `group`, `mode`, `minutes`, `value`. First the share of each group with a site within the limits (what
        "covered"; in all and by the user's own degree of urbanisation), then `mean`, `gini`, `theil`, `palma` and
        `concentration` of the sites in reach, of the minutes to the nearest (of those whom the search found within
        reach: `minutes` is its end) and of desks per person, and the lack of time beyond the limit (`fgt0`, `fgt1`,
        `fgt2`). `catchment`: `open` and the columns of `Catchment.sites`.
    """
    income = None
    if asked.income is not None:
        income = here.reach.people.cell.map(_incomes(here.study, here.data, asked.income)).astype(float)
    shares = [_covered(asked, here, sites).assign(open=name) for name, sites in here.openings.items()]
    indices = []
    for name, sites in here.openings.items():
        indices.append(_unequal(here, sites, income).assign(open=name))
        if asked.shortfall:
            indices.append(_lacking(here, sites).assign(open=name))
    tables = {}
    if asked.catchment is not None:
        found = _catchments(asked, here)
        indices += [_shared(here, each, income).assign(open=name) for name, each in found.items()]
        if found:
            tables["catchment"] = _below({name: each.sites for name, each in found.items()})
        else:
            warn("fairness.catchment: no site is open or chosen, so that nobody shares a desk: not told")
    columns = ["open", "what", "measure", "split", "territory", "group", "mode", "minutes", "value"]
    table = pd.concat([*shares, *indices], ignore_index=True)
    return {"fairness": table.fillna({"split": "total", "territory": "total"})[columns], **tables}


def desks_by_cell(asked: Fairness, here: Situation) -> pd.DataFrame:
    """Return the desks per person of each cell, with the chosen sites where there are some.

    Returns
    -------
    Index `cell`, columns `desks_per_person_<mode>`: the mean over the people of the cell. No column where the study
    does not ask for it, or no site is open or chosen.
    """
    found = [] if asked.catchment is None else [*_catchments(asked, here).values()]
    if not found:
        return pd.DataFrame(index=here.data.cells.index)
    last, points = found[-1].points, here.data.points
    people = points["people"].fillna(0.0)
    sums = last.mul(people, axis=0).groupby(points["cell"]).sum()
    means = sums.div(people.groupby(points["cell"]).sum().replace(0.0, np.nan), axis=0)
    return means.reindex(here.data.cells.index)


def _covered(asked: Fairness, here: Situation, sites: Sequence[str]) -> pd.DataFrame:
    divided = {} if asked.degree is None else {DEGREE: _own_degrees(here.study, here.data, asked.degree)}
    table = access_shares(here.reach, None, divided, **here.counted, opened=sites)
    table = table.rename(columns={"share": "value"}).drop(columns=["people", "covered"])
    return table.assign(what="covered", measure="share")


def _unequal(here: Situation, sites: Sequence[str], income: pd.Series | None) -> pd.DataFrame:
    """Tell how unequally sites in reach and minutes are shared."""
    reach, groups, opened = here.reach, here.study.groups, here.reach.is_open(sites)
    found = {}
    for mode in reach.names:
        nearest = reach.least(mode, opened)
        shared = [("sites", limit, reach.choices(mode, limit, opened)) for limit in here.study.travel.limits_of(mode)]
        for what, limit, each in (*shared, ("minutes", np.nan, np.where(np.isfinite(nearest), nearest, np.nan))):
            access = pd.Series(each, reach.points, dtype=float)
            found[what, mode, limit] = inequality(access, reach, groups=groups, income=income)
    return _long(found)


def _lacking(here: Situation, sites: Sequence[str]) -> pd.DataFrame:
    own, longest = here.study.inputs.times, here.reach.minutes.max(initial=0.0)
    if own is not None and longest < 2 * max(here.study.travel.limits):
        text = f"{own}: ends at {longest:g} minutes; for fairness.shortfall, whoever is beyond counts as lacking all"
        warn(text)
    found = shortfall(here.reach, **here.counted, opened=sites)
    return found.melt(["group", "mode", "minutes"], var_name="measure", value_name="value").assign(what="lack")


def _catchments(asked: Fairness, here: Situation) -> Mapping[str, Catchment]:
    """Share out the desks of what is open today, and of what is open with the chosen sites."""
    assert asked.catchment is not None  # noqa: S101 - only called then
    steps, found = dict(asked.catchment.steps), {}
    sites = here.data.sites
    for name, opened in here.openings.items():
        if name == "all":
            continue  # nobody opens them all
        taken = sites.index.astype(str).isin(opened)
        bare = sites.index[taken & sites["capacity"].isna()]
        if len(bare):
            text = (
                f"fairness.catchment: {len(bare):,} chosen sites have no capacity, first '{bare[0]}': counted as "
                "having no desk"
            )
            warn(text)
        shared = sites.assign(
            status=np.where(taken, "required", "candidate"), capacity=sites["capacity"].astype(float).fillna(0.0)
        )
        found[name] = catchment_access(here.reach, None, shared, steps=steps, group=asked.catchment.group)
    return found


def _shared(here: Situation, found: Catchment, income: pd.Series | None) -> pd.DataFrame:
    columns, groups = by_mode(found.points, "desks_per_person"), here.study.groups
    indices = {
        ("desks_per_person", mode, np.nan): inequality(found.points[column], here.reach, groups=groups, income=income)
        for mode, column in columns.items()
    }
    return _long(indices)


def _long(found: Mapping[tuple[str, str, float], pd.DataFrame]) -> pd.DataFrame:
    """Put the indices of what is shared, by mode and limit, below each other; those without a value are left out."""
    records = [
        (*key, measure, group, value)
        for key, table in found.items()
        for measure in table.columns.drop("people")
        for group, value in table[measure].items()
    ]
    table = pd.DataFrame(records, columns=["what", "mode", "minutes", "measure", "group", "value"])
    return table.dropna(subset="value")


def _incomes(study: Study, data: StudyData, column: str) -> pd.Series:
    """Read the income of a person of each cell."""
    found = _of_cells(study, data, column, numeric=True)
    if found is None:
        raise StudyError(f"fairness.income: {_no_column(study, column)}")
    return found


def _own_degrees(study: Study, data: StudyData, column: str) -> pd.Series:
    """Read the degree of urbanisation of each cell, from its own file or from that of the communes."""
    found = _of_cells(study, data, column)
    if found is not None:
        return found
    asked = study.area.communes
    if asked is not None and data.communes is not None:
        table = read_places(asked.file, layer=asked.layer, crs=asked.crs)
        if column in table.columns:
            read = read_area(asked.file, name=study.area.name, layer=asked.layer, crs=asked.crs)  # as the file has them
            of_commune = table[column].set_axis(read.index.astype(str))
            return cell_territories(data.cells, data.communes).map(of_commune)
    raise StudyError(f"fairness.degree: {_no_column(study, column)}{' nor the communes' if asked else ''}")


def _of_cells(study: Study, data: StudyData, column: str, *, numeric: bool = False) -> pd.Series | None:
    """Return a column of the population file by cell, if the file has it."""
    asked = study.inputs.population
    assert asked is not None  # noqa: S101 - the cells were read
    table = read_cell_columns(asked.file, cell=asked.cell, layer=asked.layer, crs=asked.crs)
    if column not in table.columns:
        return None
    if isinstance(table.index, pd.RangeIndex) and study.area.extent != "all":
        raise InputError(
            f"{asked.file}: no column names its cells, so column {column} cannot be told apart where only a part is "
            "read (area.extent); name the column of the cells (inputs.population.cell)"
        )
    values = table[column]
    if numeric:
        try:
            values = pd.Series(numbers(values.reset_index(drop=True), str(asked.file)), table.index)
        except InputError as error:
            raise InputError(f"fairness.income: {error}") from None
    return values.reindex(data.cells.index)


def _no_column(study: Study, column: str) -> str:
    asked = study.inputs.population
    assert asked is not None  # noqa: S101 - the cells were read
    table = read_cell_columns(asked.file, cell=asked.cell, layer=asked.layer, crs=asked.crs)
    return f"{asked.file} has no column '{column}' (its columns: {listed(table.columns) or 'none, a raster'})"


def _splits(data: StudyData) -> dict[str, pd.Series]:
    """Divide the cells by commune, where there are some, and by degree of urbanisation, where cells are small."""
    communes = data.cell_communes
    divided = {} if communes is None else {"commune": communes}
    try:
        divided["degree"] = degree_of_urbanisation(data.cells)
    except InputError as error:
        warn(f"no degree of urbanisation: {error}")
    return divided


ANSWER = Answer(check_fairness, fairness_tables)
