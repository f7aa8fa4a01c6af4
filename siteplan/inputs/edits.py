"""What if more people lived here, or a site opened, closed or moved: new tables, the old ones untouched."""

import difflib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.errors import StudyError
from siteplan.geo import as_crs

__all__ = [
    "CloseSite",
    "GrowPeople",
    "MoveSite",
    "NewHomes",
    "OpenSite",
    "PeopleChange",
    "ResizeSite",
    "SiteChange",
    "check_people",
    "check_sites",
    "edit_people",
    "edit_sites",
    "patched_times",
]


@dataclass(frozen=True)
class GrowPeople:
    """People and groups of a commune, each times `factor`, or by `plus` people in all (fewer where negative)."""

    commune: str
    factor: float | None = None
    plus: float | None = None


@dataclass(frozen=True)
class NewHomes:
    """A housing estate: people and groups at a point or in a polygon, in `crs` (degrees by default)."""

    name: str
    people: float
    place: Any
    groups: Mapping[str, float] = field(default_factory=dict)
    crs: Any = 4326


PeopleChange = GrowPeople | NewHomes


@dataclass(frozen=True)
class OpenSite:
    """A candidate that opens, or a new site at `place` (x, y in `crs`)."""

    site: str
    place: tuple[float, float] | None = None
    crs: Any = 4326
    name: str | None = None
    capacity: float | None = None
    cost: float | None = None


@dataclass(frozen=True)
class CloseSite:
    """A site that is no longer there: it is excluded."""

    site: str


@dataclass(frozen=True)
class MoveSite:
    """A site that stands elsewhere (x, y in `crs`)."""

    site: str
    place: tuple[float, float]
    crs: Any = 4326


@dataclass(frozen=True)
class ResizeSite:
    """A site of another capacity, cost, or both."""

    site: str
    capacity: float | None = None
    cost: float | None = None


SiteChange = OpenSite | CloseSite | MoveSite | ResizeSite


def edit_people(
    cells: gpd.GeoDataFrame, changes: Sequence[PeopleChange], *, communes: pd.Series | None = None
) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Return the cells after some changes, made one after the other, and the people before, added and after.

    Parameters
    ----------
    cells
        As `read_population` gives them; left as they are. Withheld (missing) people stay withheld.
    changes
        `GrowPeople`, `NewHomes`. Groups grow by the same factor as people; of new homes, groups that are not given are
        0. New homes are new cells at the end, so that the points of all other cells keep their numbers.
    communes
        The commune of each cell, by cell; asked for by `GrowPeople`.

    Returns
    -------
    cells, totals
        Index `cell`; where cells are numbered, new homes have the next numbers, else their names. `totals` are people:
        ``before``, ``grown`` (may be negative), ``new_homes``, ``after``; before + grown + new_homes = after.

    Raises
    ------
    StudyError
        A change that `check_people` refuses.
    """
    check_people(cells, changes, communes=communes)
    table = cells.copy()
    groups = [column for column in table.select_dtypes("number").columns if column != "people"]
    table[["people", *groups]] = table[["people", *groups]].astype(float)
    totals = {"before": _total(table), "grown": 0.0, "new_homes": 0.0}
    for change in changes:
        if isinstance(change, GrowPeople):
            assert communes is not None  # noqa: S101 - checked above
            inside = (communes.reindex(table.index) == change.commune).to_numpy()
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


def _housed(cells: gpd.GeoDataFrame, change: NewHomes, groups: Sequence[str]) -> gpd.GeoDataFrame:
    """Add a cell at the end."""
    numbered = pd.api.types.is_integer_dtype(cells.index)
    key: Hashable = int(cells.index.max()) + 1 if numbered and len(cells) else change.name
    place = gpd.GeoSeries([change.place], crs=as_crs(change.crs)).to_crs(cells.crs)
    figures = {"people": float(change.people), **{group: float(change.groups.get(group, 0.0)) for group in groups}}
    return _lengthened(cells, key, figures, place.iloc[0])


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


def check_people(
    cells: gpd.GeoDataFrame, changes: Sequence[PeopleChange], *, communes: pd.Series | None = None
) -> None:
    """Refuse changes of people that cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown commune, group or CRS, nobody to grow from, fewer people than none, a place
        that is no point or polygon, a commune grown twice, two estates of one name.
    """
    said: dict[tuple[str, str], int] = {}
    for number, change in enumerate(changes, 1):
        if isinstance(change, GrowPeople):
            what, key = f"change {number} (people of {change.commune!r})", ("commune", change.commune)
            _check_growth(cells, change, communes, what)
        else:
            what, key = f"change {number} (new homes {change.name!r})", ("homes", change.name)
            _check_homes(cells, change, what)
        if key in said:
            raise StudyError(f"changes {said[key]} and {number}: both are for {key[1]!r}; join them into one")
        said[key] = number


def _check_growth(cells: gpd.GeoDataFrame, change: GrowPeople, communes: pd.Series | None, what: str) -> None:
    if (change.factor is None) == (change.plus is None):
        raise StudyError(f"{what}: give either factor, such as 1.1, or plus, a number of people")
    if communes is None:
        raise StudyError(f"{what}: no communes are known; name their file in area.communes")
    known = sorted(set(communes.dropna().astype(str)))
    if change.commune not in known:
        close = difflib.get_close_matches(change.commune, known, n=3) or known[:3]
        raise StudyError(f"{what}: no cell lies in a commune of that name; expected one such as {', '.join(close)}")
    people = _total(cells[(communes.reindex(cells.index) == change.commune).to_numpy()])
    if change.factor is not None and not 0 <= change.factor < np.inf:
        raise StudyError(f"{what}: the factor is {change.factor}; expected 0 or more")
    if change.plus is not None and not people > 0:
        raise StudyError(f"{what}: nobody lives there to share the newcomers out by; place them as new homes")
    if change.plus is not None and not -people <= change.plus < np.inf:
        raise StudyError(f"{what}: plus is {change.plus:g}, but only {people:,.0f} people live there")


def _check_homes(cells: gpd.GeoDataFrame, change: NewHomes, what: str) -> None:
    for name, value in {"people": change.people, **change.groups}.items():
        if not 0 <= value < np.inf:
            raise StudyError(f"{what}: {name} is {value}; expected 0 or more")
    unknown = sorted(set(change.groups) - set(map(str, cells.columns)))
    if unknown:
        raise StudyError(f"{what}: no group {unknown[0]!r} in the population; name it in inputs.population.groups")
    kinds = (shapely.GeometryType.POINT, shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    if shapely.get_type_id(change.place) not in kinds or shapely.is_empty(change.place):
        raise StudyError(f"{what}: its place is no point and no polygon; give one of them")
    as_crs(change.crs)


def edit_sites(sites: gpd.GeoDataFrame, changes: Sequence[SiteChange]) -> gpd.GeoDataFrame:
    """Return the sites after some changes; the old table is left as it is.

    What opens is `existing`, what closes `excluded`. New sites stand at the end.

    Parameters
    ----------
    sites
        As `read_sites` gives them.
    changes
        `OpenSite`, `CloseSite`, `MoveSite`, `ResizeSite`.

    Raises
    ------
    StudyError
        A change that `check_sites` refuses.
    """
    check_sites(sites, changes)
    table = sites.copy()
    for change in changes:
        if isinstance(change, OpenSite) and change.place is not None:
            figures = {"name": change.name or change.site, "status": "existing"}
            table = _lengthened(table, change.site, figures, _placed(table, change.place, change.crs))
        elif isinstance(change, OpenSite):
            table.loc[change.site, "status"] = "existing"
        elif isinstance(change, CloseSite):
            table.loc[change.site, "status"] = "excluded"
        elif isinstance(change, MoveSite):
            table.loc[change.site, table.geometry.name] = _placed(table, change.place, change.crs)
        if isinstance(change, OpenSite | ResizeSite):
            for column in ("capacity", "cost"):
                if getattr(change, column) is not None:
                    table[column] = table[column].astype(float)
                    table.loc[change.site, column] = float(getattr(change, column))
    return table


def _placed(sites: gpd.GeoDataFrame, place: tuple[float, float], crs: Any) -> Any:
    return gpd.GeoSeries([shapely.Point(place)], crs=as_crs(crs)).to_crs(sites.crs).iloc[0]


def check_sites(sites: gpd.GeoDataFrame, changes: Sequence[SiteChange]) -> None:
    """Refuse changes of sites that cannot be meant.

    Raises
    ------
    StudyError
        Naming the change: an unknown site, one that is new but there already, or open already, or closed already; a
        figure below 0; a place that is none; the same site changed twice, other than moved and resized.
    """
    said: dict[str, list[tuple[int, str]]] = {}
    for number, change in enumerate(changes, 1):
        verb = type(change).__name__.removesuffix("Site").lower()
        what = f"change {number} ({verb} site {change.site!r})"
        _check_site(sites, change, what)
        for earlier, other in said.get(change.site, []):
            if {verb, other} not in ({"move", "resize"}, {"open", "move"}, {"open", "resize"}):
                raise StudyError(f"changes {earlier} and {number}: {other} and {verb} site {change.site!r}; keep one")
        said.setdefault(change.site, []).append((number, verb))


def _check_site(sites: gpd.GeoDataFrame, change: SiteChange, what: str) -> None:
    known = change.site in sites.index
    new = isinstance(change, OpenSite) and change.place is not None
    if new and known:
        raise StudyError(
            f"{what}: a site of that id is there already; give the new one another, or leave out its place"
        )
    if not new and not known:
        close = difflib.get_close_matches(change.site, list(map(str, sites.index)), n=3) or list(sites.index[:3])
        raise StudyError(f"{what}: no such site; expected one such as {', '.join(map(str, close))}")
    if isinstance(change, OpenSite | CloseSite) and known:
        status = sites["status"].loc[change.site]
        if status == ("existing" if isinstance(change, OpenSite) else "excluded"):
            raise StudyError(f"{what}: it is {status} already; leave the change out")
    if isinstance(change, OpenSite | ResizeSite):
        given = {name: getattr(change, name) for name in ("capacity", "cost") if getattr(change, name) is not None}
        if isinstance(change, ResizeSite) and not given:
            raise StudyError(f"{what}: give a capacity or a cost")
        for name, value in given.items():
            if not 0 <= value < np.inf:
                raise StudyError(f"{what}: {name} is {value}; expected 0 or more")
    place = getattr(change, "place", None)
    if place is not None:
        crs = as_crs(change.crs)  # type: ignore[union-attr]
        if not np.isfinite(place).all() or (crs.is_geographic and not (abs(place[0]) <= 180 and abs(place[1]) <= 90)):
            raise StudyError(
                f"{what}: stands at {tuple(place)}; expected longitude and latitude, or x and y with a crs"
            )


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
