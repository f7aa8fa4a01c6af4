"""What if more people lived here, or a site opened, closed or moved: new tables, the old ones untouched."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config.changes import (
    CommuneGrown,
    HomesBuilt,
    PeopleChange,
    SiteChange,
    SiteClosed,
    SiteMoved,
    SiteOpened,
    SiteResized,
    target_of,
    verb_of,
)
from siteplan.errors import StudyError, suggested
from siteplan.geo import metric_crs

__all__ = ["edit_people", "edit_sites", "patched_times"]

HOMES = 50.0  # metres from the middle of new homes to the sides of their square, where no outline is given


def edit_people(
    cells: gpd.GeoDataFrame, changes: Sequence[PeopleChange], *, communes: pd.Series | None = None
) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Return the cells after some changes, made one after the other, and the people before, added and after.

    Parameters
    ----------
    cells
        As `read_population` gives them; left as they are. Withheld (missing) people stay withheld.
    changes
        `CommuneGrown`, `HomesBuilt`. Groups grow by the same factor as people; of new homes, groups that are not given
        are 0. New homes are new cells at the end, so that the points of all other cells keep their numbers; they are
        drawn as the other cells are, as points or as areas.
    communes
        The commune of each cell, by cell; asked for by `CommuneGrown`.

    Returns
    -------
    cells, totals
        Index `cell`; where cells are numbered, new homes have the next numbers, else their names. `totals` are people:
        ``before``, ``grown`` (may be negative), ``new_homes``, ``after``; before + grown + new_homes = after.

    Raises
    ------
    StudyError
        A change that `_check_people` refuses.
    """
    _check_people(cells, changes, communes=communes)
    table = cells.copy()
    groups = [column for column in table.select_dtypes("number").columns if column != "people"]
    table[["people", *groups]] = table[["people", *groups]].astype(float)
    totals = {"before": _total(table), "grown": 0.0, "new_homes": 0.0}
    for change in changes:
        if isinstance(change, CommuneGrown):
            assert communes is not None  # noqa: S101 - checked above
            inside = (communes.reindex(table.index) == change.grow).to_numpy()
            people = _total(table[inside])
            factor = change.factor if change.factor is not None else 1.0 + (change.plus or 0.0) / people
            table.loc[inside, ["people", *groups]] *= factor
            totals["grown"] += people * (factor - 1.0)
        else:
            table = _housed(table, change, groups)
            totals["new_homes"] += float(change.people)
    return table, {**totals, "after": _total(table)}


def _total(cells: pd.DataFrame) -> float:
    return float(cells["people"].sum())


def _housed(cells: gpd.GeoDataFrame, change: HomesBuilt, groups: Sequence[str]) -> gpd.GeoDataFrame:
    """Add a cell at the end."""
    numbered = pd.api.types.is_integer_dtype(cells.index)
    key: Hashable = int(cells.index.max()) + 1 if numbered and len(cells) else change.build
    figures = {"people": float(change.people), **{group: float(change.groups.get(group, 0.0)) for group in groups}}
    drawn = isinstance(change.place[0], tuple)
    place = gpd.GeoSeries([shapely.Polygon(change.place) if drawn else shapely.Point(change.place)], crs=4326)
    if drawn == bool((cells.geom_type == "Point").all()):
        metric = place.to_crs(metric_crs(place))
        place = metric.centroid if drawn else metric.buffer(HOMES, cap_style="square")
    return _lengthened(cells, key, figures, place.to_crs(cells.crs).iloc[0])


def _lengthened(table: gpd.GeoDataFrame, key: Hashable, values: Mapping[str, Any], shape: Any) -> gpd.GeoDataFrame:
    """Add a row at the end; what `values` does not say is missing."""
    index = table.index.append(pd.Index([key], dtype=table.index.dtype)).rename(table.index.name)
    rows = table.drop(columns=table.geometry.name).reindex(index)
    for column, value in values.items():
        rows.loc[key, column] = value
    known = {name: table[name].dtype for name in rows.columns if rows[name].notna().all()}
    shapes = gpd.GeoSeries(np.append(table.geometry.to_numpy(), shape), index=index, crs=table.crs)
    whole = gpd.GeoDataFrame(rows.astype(known).assign(**{table.geometry.name: shapes}))
    return whole.set_geometry(table.geometry.name)[table.columns]


def _check_people(
    cells: gpd.GeoDataFrame, changes: Sequence[PeopleChange], *, communes: pd.Series | None = None
) -> None:
    """Refuse changes of people that cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown commune or group, nobody to grow from, fewer people than none, a commune grown
        twice, two estates of one name.
    """
    said: dict[tuple[str, str], int] = {}
    for number, change in enumerate(changes, 1):
        key = (verb_of(change), target_of(change))
        if isinstance(change, CommuneGrown):
            _check_growth(cells, change, communes, f"change {number} (people of {change.grow!r})")
        else:
            _check_homes(cells, change, f"change {number} (new homes {change.build!r})")
        if key in said:
            raise StudyError(f"changes {said[key]} and {number}: both are for {key[1]!r}; join them into one")
        said[key] = number


def _check_growth(cells: gpd.GeoDataFrame, change: CommuneGrown, communes: pd.Series | None, what: str) -> None:
    if (change.factor is None) == (change.plus is None):
        raise StudyError(f"{what}: give either factor, such as 1.1, or plus, a number of people")
    if communes is None:
        raise StudyError(f"{what}: no communes are known; name their file in area.communes")
    known = sorted(set(communes.dropna().astype(str)))
    if change.grow not in known:
        raise StudyError(f"{what}: no cell lies in a commune of that name; expected {suggested(change.grow, known)}")
    people = _total(cells[(communes.reindex(cells.index) == change.grow).to_numpy()])
    if change.plus is not None and not people > 0:
        raise StudyError(f"{what}: nobody lives there to share the newcomers out by; place them as new homes")
    if change.plus is not None and not -people <= change.plus:
        raise StudyError(f"{what}: plus is {change.plus:g}, but only {people:,.0f} people live there")


def _check_homes(cells: gpd.GeoDataFrame, change: HomesBuilt, what: str) -> None:
    unknown = sorted(set(change.groups) - set(map(str, cells.columns)))
    if unknown:
        raise StudyError(f"{what}: no group {unknown[0]!r} in the population; name it in inputs.population.groups")


def edit_sites(sites: gpd.GeoDataFrame, changes: Sequence[SiteChange]) -> gpd.GeoDataFrame:
    """Return the sites after some changes; the old table is left as it is.

    What opens is `existing`, what closes `excluded`. New sites stand at the end.

    Parameters
    ----------
    sites
        As `read_sites` gives them.
    changes
        `SiteOpened`, `SiteClosed`, `SiteMoved`, `SiteResized`.

    Raises
    ------
    StudyError
        A change that `_check_sites` refuses.
    """
    _check_sites(sites, changes)
    table = sites.copy()
    for change in changes:
        site = target_of(change)
        if isinstance(change, SiteOpened) and change.place is not None:
            figures = {"name": change.name or site, "status": "existing"}
            table = _lengthened(table, site, figures, _placed(table, change.place))
        elif isinstance(change, SiteOpened | SiteClosed):
            table.loc[site, "status"] = "existing" if isinstance(change, SiteOpened) else "excluded"
        elif isinstance(change, SiteMoved):
            table.loc[site, table.geometry.name] = _placed(table, change.place)
        for column, value in _figures(change).items():
            table[column] = table[column].astype(float)
            table.loc[site, column] = value
    return table


def _figures(change: SiteChange) -> dict[str, float]:
    """Return the figures that a change says of a site."""
    said = {name: getattr(change, name, None) for name in ("capacity", "cost")}
    return {name: float(value) for name, value in said.items() if value is not None}


def _placed(sites: gpd.GeoDataFrame, place: tuple[float, float]) -> Any:
    return gpd.GeoSeries([shapely.Point(place)], crs=4326).to_crs(sites.crs).iloc[0]


def _check_sites(sites: gpd.GeoDataFrame, changes: Sequence[SiteChange]) -> None:
    """Refuse changes of sites that cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown site, one that is new but there already, or open already, or closed already; a
        site resized to nothing; the same site changed twice, other than moved and resized.
    """
    said: dict[str, list[tuple[int, str]]] = {}
    for number, change in enumerate(changes, 1):
        verb, site = verb_of(change), target_of(change)
        _check_site(sites, change, f"change {number} ({verb} site {site!r})")
        for earlier, other in said.get(site, []):
            if {verb, other} not in ({"move", "resize"}, {"open", "move"}, {"open", "resize"}):
                raise StudyError(f"changes {earlier} and {number}: {other} and {verb} site {site!r}; keep one")
        said.setdefault(site, []).append((number, verb))


def _check_site(sites: gpd.GeoDataFrame, change: SiteChange, what: str) -> None:
    site = target_of(change)
    known = site in sites.index
    new = isinstance(change, SiteOpened) and change.place is not None
    if new and known:
        raise StudyError(
            f"{what}: a site of that id is there already; give the new one another, or leave out its place"
        )
    if not new and not known:
        raise StudyError(f"{what}: no such site; expected {suggested(site, sites.index)}")
    if isinstance(change, SiteOpened | SiteClosed) and known:
        status = sites["status"].loc[site]
        if status == ("existing" if isinstance(change, SiteOpened) else "excluded"):
            raise StudyError(f"{what}: it is {status} already; leave the change out")
    if isinstance(change, SiteResized) and not _figures(change):
        raise StudyError(f"{what}: give a capacity or a cost")


def patched_times(base: pd.DataFrame, fresh: pd.DataFrame, searched: pd.Index, points: pd.Index) -> pd.DataFrame:
    """Put the rows of the sites that were searched again in place of the old ones.

    Parameters
    ----------
    base, fresh
        Times tables of one mode: of all sites before the change, and of the searched sites after it.
    searched
        The sites of `fresh`, those that reach nobody included.
    points
        The points in their order, by which the rows of a site are sorted.

    Returns
    -------
    DataFrame
        As `travel_times` gives it for all sites.
    """
    categories = base["site"].cat.categories
    kept = base[~base["site"].isin(searched.astype(str))]
    names = {
        "site": pd.concat([kept["site"].astype(object), fresh["site"].astype(object)]),
        "mode": pd.concat([kept["mode"].astype(object), fresh["mode"].astype(object)]),
    }
    columns = {
        name: pd.Categorical(names[name], categories if name == "site" else base["mode"].cat.categories)
        if name in names
        else np.concatenate([kept[name].to_numpy(), fresh[name].to_numpy()])
        for name in base.columns
    }
    whole = pd.DataFrame(columns)
    order = np.lexsort((points.get_indexer(pd.Index(whole["point"])), whole["site"].cat.codes))
    return whole.iloc[order].reset_index(drop=True)
