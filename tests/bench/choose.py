"""Every question about sites beside one plain call of HiGHS: the same places, conditions, merged demand and clock.

The plain programme is the textbook's: a column a site, a column a set of demands that reach the same sites, or a pair
where minutes or capacities matter, one row a pair of sites too near to each other; HiGHS as it comes, asked for a
proof. Both begin with the same arrays in a process of their own, with kernels compiled.
"""

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.spatial import cKDTree

from siteplan.config import Question
from siteplan.errors import SiteplanWarning
from siteplan.geo import metric_crs
from siteplan.reachable import Reach
from siteplan.siting.answer import Answer, answer
from siteplan.siting.problem import Problem, build_problem
from siteplan.times import travel_times
from tests.bench.measure import Row, seconds
from tests.bench.siting import apart
from tests.bench.worlds import data, porto_alegre

__all__ = ["PLACES", "QUESTIONS", "choose", "plainly"]

Floats = npt.NDArray[np.float64]
Place = tuple[pd.DataFrame, pd.DataFrame, gpd.GeoDataFrame]
CLOCK = 20.0  # seconds that each gets
PROVEN = 1e-6  # a gap that is rounding


def _sites(x: Floats, y: Floats, crs: Any, seed: int) -> gpd.GeoDataFrame:
    """Return candidates with made costs and capacities."""
    random = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        {
            "cost": np.round(random.lognormal(4, 0.4, len(x))) * 1000,
            "capacity": np.round(random.lognormal(8.6, 0.5, len(x))),
        },
        index=pd.Index([f"S{k:05d}" for k in range(len(x))], name="site"),
        geometry=gpd.points_from_xy(x, y),
        crs=crs,
    )


@cache
def city() -> Place:
    """Return Porto Alegre on foot: 1,000 of its cells as candidates, all as people, in 16 territories of a grid."""
    table = pd.read_csv(data("porto_alegre/poa_hexgrid.csv"))
    cells = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    cells = cells.to_crs(metric_crs(cells))
    x, y = cells.geometry.x.to_numpy(), cells.geometry.y.to_numpy()
    quarter = [np.searchsorted(np.quantile(each, [0.25, 0.5, 0.75]), each) for each in (x, y)]
    people = pd.DataFrame(
        {"people": table["population"].astype(float), "zone": [f"{a}{b}" for a, b in zip(*quarter, strict=True)]}
    )
    people.index.name = "point"
    some = np.sort(np.random.default_rng(1).choice(len(cells), 1000, replace=False))
    sites = _sites(x[some], y[some], cells.crs, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        times = travel_times(porto_alegre(), sites, cells[["geometry"]], mode="walk", minutes=60)
    return times, people, sites


@cache
def plain_country(count: int = 1000, demands: int = 20000, metres: float = 200) -> Place:
    """Return a square where candidates and places, one in `metres` squared, lie anywhere alike, by bicycle."""
    random = np.random.default_rng(1)
    side = np.sqrt(demands) * metres
    at, there = random.random((count, 2)) * side, random.random((demands, 2)) * side
    near = cKDTree(there).query_ball_point(at, 20 * 250 / 1.3, return_sorted=True)
    site, point = np.repeat(np.arange(count), [len(one) for one in near]), np.concatenate(near).astype(np.int64)
    took = np.round(np.hypot(*(there[point] - at[site]).T) * 1.3 / 250, 1)
    sites = _sites(*at.T, "EPSG:32631", 2)
    times = pd.DataFrame({"site": pd.Categorical.from_codes(site, sites.index), "point": point, "minutes": took})
    people = pd.DataFrame({"people": random.integers(1, 40, demands).astype(float)})
    people["zone"] = [f"{a}{b}" for a, b in (there // (side / 4)).astype(int)]
    people.index.name = "point"
    return times[took <= 20], people, sites


PLACES = {"Porto Alegre": city, "1,000 x 20,000": plain_country}
TEN = {"sites": 10, "minutes": 15}
MEDIAN = {"objective": "median", "minutes": 30}
BUDGET = {"budget": 400_000, "minutes": 15}
BACKUP = {"objective": "backup", **TEN}
LINEAR = {"objective": "gravity", "sites": 10, "decay": {"kind": "linear", "minutes": 20}}
QUESTIONS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "coverage": ("Porto Alegre", TEN),
    "coverage, a budget": ("Porto Alegre", BUDGET),
    "coverage, 2.5 km apart": ("Porto Alegre", {**TEN, "spacing_m": 2500}),
    "coverage, 1 km apart, 20 sites": ("Porto Alegre", {**TEN, "sites": 20, "spacing_m": 1000}),
    "coverage, capacities": ("Porto Alegre", {**TEN, "capacities": True}),
    "coverage, floors of 30 %, 20 sites": ("Porto Alegre", {**TEN, "sites": 20, "floors": 0.3}),
    "coverage, floors: most, 20 sites": ("Porto Alegre", {**TEN, "sites": 20, "floors": "most"}),
    "share of 50 %": ("Porto Alegre", {"objective": "share", "minutes": 15, "share": 0.5}),
    "share of 50 %, least cost": ("Porto Alegre", {"objective": "share", "minutes": 15, "share": 0.5, "least": "cost"}),
    "share of all (LSCP)": ("Porto Alegre", {"objective": "share", "minutes": 15}),
    "median": ("Porto Alegre", {**MEDIAN, "sites": 10}),
    "median, a budget": ("Porto Alegre", {**MEDIAN, "budget": 400_000}),
    "median, 2.5 km apart": ("Porto Alegre", {**MEDIAN, "sites": 10, "spacing_m": 2500}),
    "median, capacities": ("Porto Alegre", {**MEDIAN, "sites": 10, "capacities": True}),
    "center, 60 sites": ("Porto Alegre", {"objective": "center", "sites": 60, "minutes": 30}),
    "backup by two": ("Porto Alegre", BACKUP),
    "backup by two, a budget": ("Porto Alegre", {"objective": "backup", **BUDGET}),
    "backup by two, 800 m apart": ("Porto Alegre", {**BACKUP, "spacing_m": 800}),
    "gravity": ("Porto Alegre", LINEAR),
    "gravity, a budget": ("Porto Alegre", {k: LINEAR[k] for k in ("objective", "decay")} | {"budget": 400_000}),
    "gravity, capacities": ("Porto Alegre", {**LINEAR, "capacities": True}),
    "coverage at size": ("1,000 x 20,000", TEN),
    "coverage at size, a budget": ("1,000 x 20,000", BUDGET),
    "coverage at size, 2.5 km apart": ("1,000 x 20,000", {**TEN, "spacing_m": 2500}),
    "share of all at size (LSCP)": ("1,000 x 20,000", {"objective": "share", "minutes": 15}),
    "backup by two at size": ("1,000 x 20,000", BACKUP),
}


def posed(name: str) -> Problem:
    """Return a question as arrays."""
    place, keys = QUESTIONS[name]
    return _problem(PLACES[place](), keys)


def small(name: str) -> Problem:
    """Return a question of its kind that is answered at once."""
    less = {"sites": 4, "spacing_m": 500, "floors": 0.01, "budget": 200_000}
    keys = QUESTIONS[name][1]
    times, people, sites = plain_country(40, 120, 900)
    place = times, people, sites.assign(capacity=sites["capacity"] / 20)
    return _problem(place, {**keys, **{key: less[key] for key in less if key in keys}})


def _problem(place: Place, keys: Mapping[str, Any]) -> Problem:
    times, people, sites = place
    question = Question.model_validate({**keys, "seconds": CLOCK})
    return build_problem(Reach.of(times, people), sites, question, "zone" if "floors" in keys else None)


class _Programme:
    """Columns and rows of a programme that is maximised, block by block."""

    def __init__(self) -> None:
        self.worth: list[Floats] = []
        self.whole: list[npt.NDArray[np.bool_]] = []
        self.rows: list[tuple[sparse.coo_array, Floats, Floats]] = []
        self.many = 0

    def columns(self, worth: Any, *, whole: bool = False) -> npt.NDArray[np.int64]:
        """Add columns from 0 to 1 and return their numbers."""
        worth = np.asarray(worth, dtype=np.float64)
        self.worth.append(worth)
        self.whole.append(np.full(len(worth), whole))
        self.many += len(worth)
        return np.arange(self.many - len(worth), self.many)

    def add(self, rows: int, row: Any, column: Any, value: Any, low: Any, high: Any) -> None:
        """Add rows."""
        column = np.asarray(column)
        entries = np.broadcast_to(value, column.shape), (np.broadcast_to(row, column.shape), column)
        block = sparse.coo_array(entries, shape=(rows, int(column.max(initial=0)) + 1))
        self.rows.append((block, np.broadcast_to(low, (rows,)), np.broadcast_to(high, (rows,))))

    def solve(self, highest: Floats, lowest: Floats, clock: float) -> tuple[float, float]:
        """Give it to HiGHS in one call; return the value found (NaN: none) and its bound."""
        import highspy

        lp = highspy.HighsLp()
        matrix = sparse.vstack(
            [sparse.coo_array((m.data, m.coords), shape=(m.shape[0], self.many)) for m, _, _ in self.rows]
        ).tocsr()
        lp.num_col_, lp.num_row_ = self.many, matrix.shape[0]
        lp.col_cost_, lp.sense_ = np.concatenate(self.worth), highspy.ObjSense.kMaximize
        lp.col_lower_, lp.col_upper_ = lowest, highest
        lp.row_lower_ = np.concatenate([low for _, low, _ in self.rows]).astype(float)
        lp.row_upper_ = np.concatenate([high for _, _, high in self.rows]).astype(float)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(one)] for one in np.concatenate(self.whole)]
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in {"output_flag": False, "mip_rel_gap": 0.0, "time_limit": clock}.items():
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        solver.run()
        info = solver.getInfo()
        found = float(info.objective_function_value) if info.primal_solution_status == 2 else np.nan
        return found, float(info.mip_dual_bound)


def plainly(problem: Problem, clock: float) -> tuple[float, float]:
    """Answer a question by one plain call of HiGHS: value and bound in the unit of the objective."""
    if isinstance(problem.floors, str):
        raise NotImplementedError("floors: most are two goals, one after the other")
    programme, many, objective = _Programme(), len(problem.sites), problem.objective
    fewest, farthest = objective.search == "fewest", objective.search == "farthest"
    cost = np.nan_to_num(problem.cost)
    site = programme.columns(-(cost if problem.question.least == "cost" else np.ones(many)) * fewest, whole=True)
    pair = np.flatnonzero((problem.weight[problem.point] > 0) & ~problem.barred[problem.site])
    if problem.capacity is None and problem.alike and not farthest:
        served, people, territory = _sets(programme, problem, pair, fewest)
    else:
        served, people, territory = _pairs(programme, problem, pair, farthest)
    programme.add(1, 0, site, 1.0, problem.count or 0, many if problem.count is None else problem.count)
    if problem.budget is not None:
        programme.add(1, 0, site, cost, 0, problem.budget)
    if len(problem.apart):
        row = np.repeat(np.arange(len(problem.apart)), 2)
        programme.add(len(problem.apart), row, site[problem.apart.ravel()], 1.0, 0, 1)
    if fewest:
        programme.add(1, 0, served, people, problem.question.share * problem.coverable, np.inf)
    if problem.floors is not None:
        there = problem.territory_people(problem.weight)
        inside = territory >= 0
        programme.add(len(there), territory[inside], served[inside], people[inside], problem.floors * there, np.inf)
    lowest, highest = np.zeros(programme.many), np.ones(programme.many)
    lowest[:many], highest[:many] = problem.fixed, ~problem.barred
    if farthest:
        highest[-1] = np.inf
    found, bound = programme.solve(highest, lowest, clock)
    if fewest or farthest:
        return -found, -bound
    return problem.told(found), problem.told(bound)


def _sets(programme: _Programme, problem: Problem, pair: Any, fewest: bool) -> tuple[Any, Floats, Any]:
    """Add a column a set of demands of a territory that reach the same sites."""
    bounds = np.searchsorted(problem.point[pair], np.arange(len(problem.points) + 1))
    merged: dict[tuple[int, bytes], float] = {}
    for i in np.flatnonzero(np.diff(bounds) >= problem.times):
        key = int(problem.territory[i]), problem.site[pair[bounds[i] : bounds[i + 1]]].tobytes()
        merged[key] = merged.get(key, 0.0) + problem.weight[i]
    people = np.array(list(merged.values()))
    served = programme.columns(people * (not fewest), whole=problem.times > 1)
    sets = [np.frombuffer(key, problem.site.dtype) for _, key in merged]
    own = np.arange(len(sets))
    row, value = np.r_[np.repeat(own, [len(some) for some in sets]), own], np.full(len(own), -float(problem.times))
    entries = np.r_[np.ones(len(row) - len(own)), value]
    programme.add(len(own), row, np.r_[np.concatenate(sets), served], entries, 0, np.inf)
    return served, people, np.array([place for place, _ in merged])


def _pairs(programme: _Programme, problem: Problem, pair: Any, farthest: bool) -> tuple[Any, Floats, Any]:
    """Add a column a pair: the share of its point's people that go to the site."""
    site, (_, point) = problem.site[pair], np.unique(problem.point[pair], return_inverse=True)
    people, own = problem.weight[problem.point[pair]], np.arange(len(pair))
    served = programme.columns(people * problem.worth[pair] * (not farthest))
    programme.add(len(pair), np.r_[own, own], np.r_[served, site], np.repeat([1.0, -1.0], len(pair)), -np.inf, 0)
    points = int(point.max()) + 1
    programme.add(points, point, served, 1.0, float(farthest), 1)
    if problem.capacity is not None:
        every = np.arange(len(problem.sites))
        entries = np.r_[people, -problem.capacity]
        programme.add(len(every), np.r_[site, every], np.r_[served, every], entries, -np.inf, 0)
    if farthest:
        worst, own = programme.columns([-1.0]), np.arange(points)
        row, value = np.r_[point, own], np.r_[problem.minutes[pair], np.full(points, -1.0)]
        programme.add(points, row, np.r_[served, np.repeat(worst, points)], value, -np.inf, 0)
    return served, people, problem.territory[problem.point[pair]]


def ours(problem: Problem) -> tuple[float, float]:
    """Answer a question as `choose_sites` does."""
    found: Answer = answer(problem)
    return found.value, found.bound


def _told(found: tuple[float, float, float, Any] | None) -> str:
    """Tell CPU and wall seconds, memory, and how near the proof came."""
    if found is None:
        return f"not ended after {3 * CLOCK:g} s"
    cpu, wall, most, (value, bound) = found
    gap = _gap(value, bound)
    proof = f"{value:,.0f} proven" if gap < PROVEN else f"{value:,.0f}, at best {bound:,.0f}: {100 * gap:.2g} %"
    return f"{proof}; {seconds(cpu)} ({seconds(wall)} wall), {most:,.0f} MB"


def _gap(value: float, bound: float) -> float:
    return abs(value - bound) / abs(value) if value else 0.0


def compared(name: str) -> Row:
    """Answer a question both ways at once; what one proves, the other's value and bound must not contradict."""
    problem = posed(name)
    asked: list[tuple[Any, ...]] = [(lambda: ours(small(name)), lambda: ours(problem))]
    if not isinstance(problem.floors, str):  # else two goals, one after the other
        asked.append((lambda: plainly(problem, CLOCK),))
    mine, *others = apart(*asked, patience=3 * CLOCK)
    if not others:
        return Row(name, _told(mine))
    (other,) = others
    if mine is None or other is None:
        return Row(name, _told(mine), "HiGHS", _told(other))
    for (value, bound), theirs in (mine[3], other[3][0]), (other[3], mine[3][0]):
        if _gap(value, bound) < PROVEN and problem.objective.better * (theirs - value) > 1e-4 * abs(value):
            raise AssertionError(f"{name}: {value} is proven best, but {theirs} was found")
    return Row(name, _told(mine), "HiGHS", _told(other), f"{other[0] / mine[0]:.1f}", "1")


def choose(_rounds: int) -> list[Row]:
    """Measure every question once, ours beside plain HiGHS."""
    return [compared(name) for name in QUESTIONS]
