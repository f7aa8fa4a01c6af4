"""What is asked when sites are chosen, as arrays: who can reach which site, what counts, and what must hold.

Points and sites are sorted by their labels, so the order of the rows of any table changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.catalogue import BEST
from siteplan.config import Decay, Question, Quota
from siteplan.errors import InputError, Key, StudyError, warn
from siteplan.geo import metric_crs, require_metric
from siteplan.objectives import Objective
from siteplan.reachable import Bools, Floats, Int32s, Ints, People, Reach, number_column, site_positions
from siteplan.siting.kernels import numbers, pairs_by_point, pairs_by_site
from siteplan.units import Unit

__all__ = [
    "LITTLE",
    "USUAL",
    "Flags",
    "Floats",
    "Ints",
    "Problem",
    "beside",
    "build_problem",
    "check_numbers",
    "counted_by",
    "grain_of",
    "has_value",
    "little_of",
    "pair_weights",
    "side_conditions",
    "site_metres",
    "sites_table",
]

Flags = Bools
STATUSES = ("existing", "candidate", "required", "excluded")
USUAL = 15.0  # minutes, the limit where one is needed and none is given
LITTLE = 1e-9  # below this share of all, a difference is rounding


@dataclass(frozen=True, eq=False)
class Problem:
    """One question in arrays; pairs are in CSR by point, the pairs of point i are `ptr[i]:ptr[i + 1]`.

    Attributes
    ----------
    sites, points
        Labels, sorted; sites as text.
    ptr, site, minutes
        The pairs within the limit: number of the site and minutes, ascending by site.
    worth
        Per pair, what a person counts who is served there, as the objective says.
    weight (points,)
        People, or members of the group.
    fixed, barred (sites,)
        Open in any case (existing, required); never (excluded, or too near to a fixed one).
    reachable (points,)
        Whom a site reaches that may open: who can be asked for, also where a phase bars further sites.
    cost (sites,)
        Counted against a budget; 0 for existing sites, NaN where not known.
    capacity (sites,) or None
        The most people served; inf where not known.
    limit, penalty
        Minutes within which a site counts (the longest in the table where there is no limit), and of who is not served.
    count, budget
        As the question's `sites` and `budget`; a part of the search may ask others.
    times
        Open sites within reach that it takes to be served.
    territory (points,), territories
        Number of each point's territory, -1 for none; labels.
    floors
        Territories' least share covered, 0 for none; None without floors; "most" for as high as possible.
    apart
        Pairs of sites nearer to each other than allowed, at least one of them not fixed.
    quotas
        Each with the sites it counts, or what it adds up of each, the least and the most (inf for none).
    unknown (sites,)
        Why a candidate is barred: "no cost" or "no capacity", or nothing.
    unit
        What `minutes`, `limit` and `penalty` count: minutes or metres.
    """

    question: Question
    sites: pd.Index
    points: pd.Index
    ptr: Ints
    site: Int32s
    minutes: Floats
    worth: Floats
    weight: Floats
    fixed: Flags
    barred: Flags
    reachable: Flags
    cost: Floats
    capacity: Floats | None
    limit: float
    penalty: float
    count: int | None
    budget: float | None
    times: int
    territory: Ints
    territories: pd.Index
    floors: Floats | Literal["most"] | None
    apart: Ints
    quotas: tuple[tuple[str, Flags | Floats, float, float], ...]
    unknown: npt.NDArray[np.object_]
    unit: Unit = "minutes"

    @cached_property
    def point(self) -> Int32s:
        """The number of the point of every pair."""
        return np.repeat(np.arange(len(self.points), dtype=np.int32), np.diff(self.ptr))

    @cached_property
    def by_site(self) -> tuple[Ints, Int32s, Floats]:
        """The pairs by site: those of site j are `first[j]:first[j + 1]`, each with its point, ascending, and worth."""
        found: tuple[Ints, Int32s, Floats] = pairs_by_site(self.ptr, self.site, self.worth, len(self.sites))
        return found

    def points_of(self, site: int) -> Int32s:
        """Return the points that reach a site, ascending."""
        first, point, _ = self.by_site
        return point[first[site] : first[site + 1]]

    def barring(self, barred: Flags) -> "Problem":
        """Return the same question with other sites barred; what is known of its pairs is kept."""
        other = replace(self, barred=barred)
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name in ("by_site", "point")})
        return other

    @property
    def objective(self) -> Objective:
        """What the set is chosen for."""
        return self.question.goal

    @cached_property
    def alike(self) -> bool:
        """Whether everybody within the limit counts the same, wherever served."""
        return bool((self.worth == 1.0).all())

    @cached_property
    def grain(self) -> float:
        """To what people are told, as `grain_of` says."""
        return grain_of(self.weight)

    def told(self, worth: float) -> float:
        """Turn what people count, served, into the unit of the objective; or back."""
        return self.objective.told(worth, self.penalty, float(self.weight.sum()))

    @property
    def coverable(self) -> float:
        """How many people any site that may open reaches."""
        return float(self.weight[self.reachable].sum())

    @property
    def wanted(self) -> float | None:
        """How many people must be covered, where the fewest sites are asked that do."""
        return self.question.share * self.coverable if self.objective.search == "fewest" else None

    @property
    def plain(self) -> bool:
        """Whether nothing is asked but a number of sites."""
        return (
            self.count is not None
            and self.budget is None
            and self.capacity is None
            and self.floors is None
            and len(self.apart) == 0
            and not self.quotas
        )

    def covering(self, opened: Flags) -> Ints:
        """Return how many open sites each point reaches."""
        found: Ints = numbers(self.ptr, self.site, opened)
        return found

    def reached(self, opened: Flags) -> Flags:
        """Return which points reach an open site."""
        return self.covering(opened) > 0

    def territory_people(self, served: Floats) -> Floats:
        """Sum an amount by point over each territory."""
        inside = self.territory >= 0
        sums = np.bincount(self.territory[inside], weights=served[inside], minlength=len(self.territories))
        return sums.astype(np.float64)


def _check_unit(unit: Unit, question: Question) -> None:
    """Refuse a limit in another unit than the times."""
    if unit == "minutes" and question.metres is not None:
        raise StudyError(Key("metres"), ": the times are minutes; give ", Key("minutes"))
    if unit == "metres" and question.minutes is not None:
        raise StudyError(Key("minutes"), ": the times are metres; give ", Key("metres"))
    if unit == "metres" and question.decay is not None:
        raise StudyError(Key("decay"), ": weighs minutes, and the times are metres; ask another objective")
    if unit == "metres" and question.metres is None and question.goal.limited:
        raise StudyError(Key("metres"), ": missing; the times are metres, so expected a limit such as 800")


def build_problem(
    reach: Reach,
    sites: gpd.GeoDataFrame | pd.DataFrame,
    question: Question,
    territory: str | pd.Series | None = None,
) -> Problem:
    """Check the sites and turn the question into arrays; `territory` as for `choose_sites`.

    Raises
    ------
    InputError
        For tables that cannot be used.
    StudyError
        For what the tables cannot answer.
    """
    goal = question.goal
    if question.capacities == "desks":
        raise StudyError(Key("capacities"), " is desks, which a study alone knows; give True")
    reach.suspect_hours()
    _check_unit(reach.unit, question)
    table = sites_table(sites)
    points, weight = reach.points, reach.people.amount(question.group)
    point, site, took, weights = _pairs(reach, table.index, question)
    limit = float(question.limit(USUAL))
    limit = limit if np.isfinite(limit) else float(took.max(initial=0.0))
    penalty = 2 * limit if question.penalty is None else float(question.penalty)
    if penalty < limit:  # of the usual limit; one that is given was checked before
        raise StudyError(Key("penalty"), f" is {penalty:g} {reach.unit}, expected at least the limit of {limit:g}")
    side = side_conditions(table, sites, question)
    barred = side["barred"]
    if not weight.any():
        text = f"people: nobody is counted in column {question.group}; every set is as good"
        warn(text)
    belongs, territories = _territories(reach.people, territory)
    problem = Problem(
        question=question,
        sites=table.index,
        points=points,
        ptr=np.r_[0, np.cumsum(np.bincount(point, minlength=len(points)))].astype(np.int64),
        site=site,
        minutes=took,
        worth=goal.worth(took, penalty, weights),
        weight=weight,
        reachable=np.bincount(point[~barred[site]], minlength=len(points)) > 0,
        limit=limit,
        penalty=penalty,
        count=question.sites,
        budget=question.budget,
        times=question.backup if "backup" in goal.keys else 1,
        territory=belongs,
        territories=territories,
        floors=_floors(question.floors, territories, territory is not None),
        unit=reach.unit,
        **side,
    )
    check_numbers(problem)
    if question.limit(USUAL) == np.inf:
        _say_beyond(problem)
    return problem


def side_conditions(table: pd.DataFrame, sites: gpd.GeoDataFrame | pd.DataFrame, question: Question) -> dict[str, Any]:
    """Return the fields of `Problem` that are of the sites alone; `table` is what `sites_table` makes of the sites."""
    status = table["status"].to_numpy(dtype=object)
    fixed, barred = np.isin(status, ["existing", "required"]), status == "excluded"
    cost: Floats = np.where(status == "existing", 0.0, table["cost"].to_numpy(dtype=np.float64))
    unknown = np.full(len(table), "", dtype=object)
    if question.budget is not None or question.least == "cost":
        unknown[_without(table, "cost", fixed, barred)] = "no cost"
    if question.capacities:
        unknown[_without(table, "capacity", fixed, barred)] = "no capacity"
    barred = barred | (unknown != "")
    apart = np.zeros((0, 2), np.int64)
    if question.spacing_m is not None:
        apart = _too_near(table, sites, question.spacing_m, fixed)
        barred = barred | beside(apart, fixed)
        apart = apart[~barred[apart].any(axis=1)]
    return {
        "fixed": fixed,
        "barred": barred,
        "cost": cost,
        "capacity": table["capacity"].fillna(0.0).to_numpy(dtype=np.float64) if question.capacities else None,
        "apart": apart,
        "quotas": tuple(_quota(quota, table) for quota in question.quotas),
        "unknown": unknown,
    }


def _say_beyond(problem: Problem) -> None:
    """Say where the times end before the ways do: without a limit, every site is near enough to count."""
    known = np.bincount(problem.point[~problem.barred[problem.site]], minlength=len(problem.points))
    missing = (known < int((~problem.barred).sum())) & (problem.weight > 0)
    if missing.any():
        text = (
            f"times: {int(missing.sum()):,} of {int((problem.weight > 0).sum()):,} points with people have no time to "
            f"some of the sites; objective {problem.objective.name} has no limit here, so who has none to any open "
            f"site counts {problem.penalty:g} minutes (penalty). Compute the times farther, or give a limit (minutes)"
        )
        warn(text)


def sites_table(sites: gpd.GeoDataFrame | pd.DataFrame) -> pd.DataFrame:
    """Return the sites sorted by their id as text, with name, status, cost and capacity."""
    table = pd.DataFrame(sites).copy()
    if "site" in table.columns:
        table = table.set_index("site")
    table.index = pd.Index(table.index.astype(str), name="site")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise InputError(f"sites: site '{twice}' stands in more than one row. Give every site one row")
    if len(table) == 0:
        raise InputError("sites: the table is empty. Expected at least one site")
    table = table.sort_index()
    if "status" not in table.columns:
        table["status"] = "candidate"
    unknown = ~table["status"].isin(STATUSES)
    if unknown.any():
        first = table.index[unknown][0]
        raise InputError(
            f"sites: site '{first}' has the status {table.loc[first, 'status']!r}. Expected {', '.join(STATUSES)}"
        )
    for name in ("cost", "capacity"):
        table[name] = _number_column(table, name)
    if "name" not in table.columns:
        table["name"] = table.index
    return table


def _number_column(table: pd.DataFrame, name: str) -> Floats:
    """Return costs or capacities, NaN where there are none."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    values = number_column(table, name, "sites")
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(f"sites: site '{table.index[first]}' has a {name} of {values[first]:g}, expected 0 or more")
    return values


def _pairs(reach: Reach, sites: pd.Index, question: Question) -> tuple[Int32s, Int32s, Floats, Floats]:
    """Return each pair of point and site within the limit once, by point and site: its least minutes and its weight."""
    number = site_positions(reach.sites.astype(str), sites).astype(np.int32)
    found = [_pairs_of(part, number, question) for part in reach.parts()]
    columns = found[0] if len(found) == 1 else tuple(np.concatenate(each) for each in zip(*found, strict=True))
    del found
    pairs: tuple[Int32s, Int32s, Floats, Floats] = pairs_by_point(*columns, len(reach.points), len(sites))
    return pairs


def _pairs_of(part: Reach, number: Int32s, question: Question) -> tuple[Int32s, Int32s, Floats, Floats]:
    """Return point, site, minutes and weight of the rows of a tile that are within the limit."""
    kept = part.minutes <= question.limit(USUAL)
    if question.mode and question.mode != BEST:
        wanted = np.zeros(len(kept), dtype=bool)
        for name in (question.mode,) if isinstance(question.mode, str) else question.mode:
            if name not in part.modes:
                raise StudyError(Key("mode"), f" {name!r} is not in the times. They hold {', '.join(part.modes)}")
            wanted[part.mode_rows(name)] = True
        kept &= wanted
    took = part.minutes[kept]
    if isinstance(question.decay, str):
        weights = pair_weights(part.times, question)
        weights = (weights if part.rows is None else weights[part.rows])[kept]
    else:
        weights = pair_weights(pd.DataFrame({"minutes": took}, copy=False), question)
    if not ((weights >= 0) & (weights <= 1)).all():
        raise StudyError(Key("decay"), ": weights must lie between 0 and 1 up to the limit, none missing")
    return part.point[kept], number[part.site[kept]], took, weights


def pair_weights(times: pd.DataFrame, question: Question) -> Floats:
    """Return what each row of the times counts by its decay; 1 without one."""
    decay = question.decay
    if decay is None:
        return np.ones(len(times))
    if isinstance(decay, str):
        if decay not in times.columns:
            raise StudyError(Key("decay"), f": times have no column {decay!r}. Name a column with a weight from 0 to 1")
        return times[decay].to_numpy(dtype=np.float64)
    minutes = times["minutes"].to_numpy(dtype=np.float64)
    weigh = decay.weights if isinstance(decay, Decay) else decay
    weights = np.asarray(weigh(minutes), dtype=np.float64)
    if weights.shape != minutes.shape:
        raise StudyError(Key("decay"), f" gives {weights.shape} weights for {minutes.shape} minutes, expected as many")
    return weights


def _without(table: pd.DataFrame, column: str, fixed: Flags, barred: Flags) -> Flags:
    """Return the candidates that lack a figure which the question needs; refuse where a site open anyway lacks it."""
    paid = (table["status"] == "existing").to_numpy(dtype=bool) & (column == "cost")
    missing: Flags = table[column].isna().to_numpy() & ~barred & ~paid
    able = ~barred & ~fixed
    if missing.any() and missing[able].all():
        raise InputError(f"sites: no candidate has a {column}, which the question needs. Fill in the column {column}")
    if (missing & fixed).any():
        first = table.index[missing & fixed][0]
        raise InputError(
            f"sites: site '{first}' is open in any case but has no {column}, which the question needs. Give it one"
        )
    if missing.any():
        text = (
            f"sites: {int(missing.sum()):,} candidates have no {column} and are left out, first "
            f"'{table.index[missing][0]}'"
        )
        warn(text)
    return missing


def _too_near(table: pd.DataFrame, sites: gpd.GeoDataFrame | pd.DataFrame, spacing: float, fixed: Flags) -> Ints:
    """Return the pairs of sites less than `spacing` metres apart, but for two fixed ones."""
    from scipy.spatial import cKDTree

    if not isinstance(sites, gpd.GeoDataFrame):
        raise StudyError(Key("spacing_m"), " needs to know where the sites are. Give sites as a GeoDataFrame of points")
    xy = site_metres(sites).loc[table.index].to_numpy()
    pairs = cKDTree(xy).query_pairs(spacing, output_type="ndarray").astype(np.int64)
    near = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) < spacing
    pairs = np.sort(pairs[near & ~fixed[pairs].all(axis=1)], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def site_metres(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return x and y of each site in metres, in its own CRS where that keeps lengths."""
    try:
        metric = gpd.GeoSeries(sites.geometry, crs=require_metric(sites.crs, "sites"))
    except InputError:
        metric = sites.geometry.to_crs(metric_crs(sites))
    labels = sites["site"] if "site" in sites.columns else sites.index
    return pd.DataFrame({"x": metric.x.to_numpy(), "y": metric.y.to_numpy()}, index=pd.Index(labels).astype(str))


def beside(apart: Ints, some: Flags) -> Flags:
    """Return the sites too near to one of some."""
    near = np.zeros(len(some), dtype=bool)
    near[apart[some[apart[:, 0]], 1]] = True
    near[apart[some[apart[:, 1]], 0]] = True
    return near


def _territories(people: People, territory: str | pd.Series | None) -> tuple[Ints, pd.Index]:
    """Return the number of each point's territory, and their labels sorted."""
    if territory is None:
        return np.full(len(people.points), -1, np.int64), pd.Index([], name="territory")
    if isinstance(territory, str):
        if territory not in people.table.columns:
            raise StudyError(
                f"territory: people have no column {territory!r}. Name the column with each point's territory"
            )
        territory = people.table[territory]
    if not isinstance(territory, pd.Series):
        raise StudyError(f"territory is {type(territory).__name__}, expected a column of people or a series by point")
    unknown = people.points.difference(territory.index)
    if len(unknown) or not territory.index.is_unique:
        raise StudyError("territory: expected one value for every point of people, none twice")
    labels = territory.reindex(people.points).astype("category")
    return labels.cat.codes.to_numpy().astype(np.int64), pd.Index(labels.cat.categories, name="territory")


def _floors(
    floors: float | Mapping[Any, float] | Literal["most"] | None, territories: pd.Index, known: bool
) -> Floats | Literal["most"] | None:
    """Return each territory's least share covered."""
    if floors is None:
        return None
    if not known:
        raise StudyError(
            Key("floors"), " need to know where people live. Give territory=, a column of people or a series"
        )
    if isinstance(floors, str):
        return "most"
    if isinstance(floors, Mapping):
        strange = [name for name in floors if name not in territories]
        if strange:
            there = ", ".join(map(str, territories[:8]))
            raise StudyError(Key("floors"), f": no territory {strange[0]!r}. There are {there}")
        return np.array([float(floors.get(name, 0.0)) for name in territories])
    return np.full(len(territories), float(floors))


def has_value(column: pd.Series, value: Any) -> Flags:
    """Return where a column holds a value, whether as a number, a truth or a text of it: files do not always tell."""

    def text(one: Any) -> str:
        said = str(one).strip()
        said = {"True": "1", "true": "1", "False": "0", "false": "0"}.get(said, said)
        try:
            return str(Decimal(said).normalize())  # in all digits: codes have many
        except InvalidOperation:
            return said

    return np.array([text(one) == text(value) for one in column], dtype=bool)


def counted_by(quota: Quota, column: pd.Series) -> Flags | Floats:
    """Return which sites a quota counts or, of a total, what it adds up of each."""
    if quota.value is not None:
        return has_value(column, quota.value)
    if column.dtype == bool:
        column = column.astype(float)
    amounts = number_column(column.to_frame(), str(column.name), "sites")
    if quota.of_total:
        return np.nan_to_num(amounts)
    least = -np.inf if quota.value_at_least is None else quota.value_at_least
    most = np.inf if quota.value_at_most is None else quota.value_at_most
    inside: Flags = (least <= amounts) & (amounts <= most)
    return inside


def _quota(quota: Quota, table: pd.DataFrame) -> tuple[str, Flags | Floats, float, float]:
    """Return a quota's name, the sites it counts or what it adds up, and its limits."""
    if quota.column not in table.columns:
        raise StudyError(Key("quotas"), f": sites have no column {quota.column!r}. Name one that they have")
    counted = counted_by(quota, table[quota.column])
    if quota.value is not None and not counted.any():
        known = ", ".join(map(str, table[quota.column].dropna().unique()[:8]))
        raise StudyError(
            Key("quotas"),
            f" {quota.column}={quota.value}: no site has this value in column {quota.column}; it holds {known}",
        )
    return quota.name, counted, *quota.limits


def little_of(counted: Flags | Floats) -> float:
    """Return by how much the sum of what a quota counts may miss a limit: what adding up numbers loses."""
    return LITTLE * float(np.abs(counted).max(initial=0.0))


def grain_of(people: npt.ArrayLike) -> float:
    """Return one person or, where they are told in thousands or millions and no point has 1, the most of any point."""
    return min(1.0, float(np.asarray(people).max(initial=0.0))) or 1.0


def check_numbers(problem: Problem) -> None:
    """Say at once what no set of sites can meet."""
    fixed, free, count = int(problem.fixed.sum()), int((~problem.barred).sum()), problem.count
    if count is not None and count > free:
        raise StudyError(Key("sites"), f" is {count}, but only {free} sites may be open. Ask for {free} or fewer")
    if count is not None and count < fixed:
        text = f" is {count}, but {fixed} sites exist or are required and count too. Ask for {fixed} or more"
        raise StudyError(Key("sites"), text)
    spent = float(problem.cost[problem.fixed].sum()) if problem.budget is not None else 0.0
    if problem.budget is not None and problem.budget * (1 + LITTLE) < spent:
        text = f" is {problem.budget:,.10g}, but the required sites alone cost {spent:,.10g}"
        raise StudyError(Key("budget"), text)
    for name, counted, at_least, at_most in problem.quotas:
        able = ~problem.barred & ~problem.fixed
        open_now = float(counted[problem.fixed].sum())
        possible = open_now + float(np.maximum(counted[able], 0).sum())
        sure = open_now + float(np.minimum(counted[able], 0).sum())
        total, asked, little = counted.dtype != bool, "", little_of(counted)
        if possible < at_least - little:
            which = f"all that may be open have {possible:g}" if total else f"only {possible:g} such sites may be open"
            asked = f"at least {at_least:g} asked for, but {which}"
        elif sure > at_most + little:
            what = f"those that exist or are required have {sure:g}" if total else f"{sure:g} exist or are required"
            asked = f"at most {at_most:g} asked for, but {what}"
        if asked:
            raise StudyError(Key("quotas"), f" {name}: {asked}")
    if isinstance(problem.floors, np.ndarray):
        people = problem.territory_people(problem.weight)
        within = problem.territory_people(np.where(problem.reachable, problem.weight, 0.0))
        missed = within < problem.floors * people * (1 - LITTLE)
        if missed.any():
            first = int(missed.argmax())
            raise StudyError(
                Key("floors"),
                f": no set of sites covers {problem.floors[first]:.1%} of {problem.territories[first]}: all of "
                f"them reach {within[first] / people[first]:.1%} of its people. Lower its floor, raise the limit of "
                f"{problem.limit:g} {problem.unit} or add a candidate there ({int(missed.sum())} territories in all)",
            )
