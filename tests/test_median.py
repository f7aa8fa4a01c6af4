"""The p-median search: its slow twin tries every set of sites."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import floyd_warshall

import siteplan as sp
from siteplan.errors import StudyError
from siteplan.siting import cover_search
from siteplan.siting.cover_search import cover_exactly
from siteplan.siting.cover_swaps import greedy_cover, swap_cover, turned
from siteplan.siting.demands import ROUNDING, Demands, merge, nearest, tidy
from siteplan.siting.interchange import greedy, interchange
from siteplan.siting.median import median_search
from siteplan.siting.search import Conditions, Effort, MedianResult
from siteplan.siting.work import Work

Floats = npt.NDArray[np.float64]
OPTIMA = {
    1: 5819,
    2: 4093,
    3: 4250,
    4: 3034,
    5: 1355,
    6: 7824,
    7: 5631,
    8: 4445,
    9: 2734,
    10: 1255,
    11: 7696,
    12: 6634,
    13: 4374,
    14: 2968,
    15: 1729,
    16: 8162,
    17: 6999,
    18: 4809,
    19: 2845,
    20: 1789,
}


def pairs_of(table: Floats) -> tuple[npt.NDArray[Any], ...]:
    """Return the finite pairs of a table (demands, sites) in CSR."""
    there = np.isfinite(table)
    return np.r_[0, np.cumsum(there.sum(axis=1))], np.nonzero(there)[1], table[there]


def search(table: Floats, weight: Floats, count: int, **options: Any) -> MedianResult:
    penalty = options.pop("penalty", float(table[np.isfinite(table)].max(initial=0.0)))
    flags = {name: options.pop(name, None) for name in ("fixed", "barred")}
    demands = Demands(*pairs_of(table), weight, table.shape[1], penalty)
    return median_search(demands, count, **flags, effort=Effort(**options))


def nearby(near: Floats, weight: Floats) -> Demands:
    """Return the demands of a table in which a finite cost is covered."""
    ptr, site, _ = pairs_of(near)
    return Demands.covered(ptr, site, weight, near.shape[1])


def paid(table: Floats, weight: Floats, penalty: float, chosen: Any) -> float:
    """Say what a set of sites costs."""
    return float(weight @ np.minimum(table[:, list(chosen)].min(axis=1), penalty))


def least(table: Floats, weight: Floats, count: int, penalty: float, fixed: Any, barred: Any) -> float:
    """Try every set of sites: the slow twin."""
    sets = itertools.combinations(np.flatnonzero(~barred), count)
    return min(paid(table, weight, penalty, some) for some in sets if fixed[list(some)].sum() == fixed.sum())


def made(demands: int, sites: int, seed: int) -> tuple[Floats, Floats]:
    """Return minutes on foot in a made country with towns, and people."""
    random = np.random.default_rng(seed)
    towns = random.uniform(0, 30_000, (8, 2))
    at = [towns[random.integers(8, size=n)] + random.normal(0, 1500, (n, 2)) for n in (demands, sites)]
    metres = np.hypot(*(at[0][:, None] - at[1]).transpose(2, 0, 1))
    return metres / 80, np.ceil(random.lognormal(3, 1, demands))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Floats, Floats, int, float, Any, Any]:
    demands, sites = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = random.integers(0, draw(st.sampled_from([2, 6, 100])), (demands, sites)).astype(float)
    weight = random.integers(0, 9, demands).astype(float)
    if draw(st.booleans()):
        table, weight = table + random.random((demands, sites)), weight * 0.37
    table[random.random((demands, sites)) < draw(st.sampled_from([0.0, 0.3, 0.8]))] = np.inf
    role = random.choice(3, sites, p=[0.7, 0.15, 0.15])
    fixed, barred = role == 1, role == 2
    if barred.all():
        barred[0] = False
    count = draw(st.integers(max(1, int(fixed.sum())), int((~barred).sum())))
    return table, weight, count, draw(st.sampled_from([1.0, 7.5, 120.0])), fixed, barred


@settings(max_examples=400)
@given(problems(), st.sampled_from([0.0, 0.05]))
def test_no_set_is_better(problem: Any, gap: float) -> None:
    table, weight, count, penalty, fixed, barred = problem
    best = least(*problem)
    found = search(table, weight, count, penalty=penalty, fixed=fixed, barred=barred, gap=gap)
    assert len(found.chosen) == count
    assert fixed[found.chosen].sum() == fixed.sum()
    assert not barred[found.chosen].any()
    assert found.objective == pytest.approx(paid(table, weight, penalty, found.chosen), rel=1e-12)
    assert found.bound <= best * (1 + 1e-9)
    assert best * (1 - 1e-9) <= found.objective <= best * (1 + gap + 1e-9) / (1 - gap)
    assert found.gap <= gap + 2e-9
    assert found.objective <= found.interchange <= found.greedy


@settings(max_examples=200)
@given(problems())
def test_settled_sites_hold_in_every_better_set(problem: Any) -> None:
    table, weight, count, penalty, fixed, barred = problem
    found = search(
        table, weight, count, penalty=penalty, fixed=fixed, barred=barred, iterations=40, nodes=0, restarts=0
    )
    for some in itertools.combinations(np.flatnonzero(~barred), count):
        opened = np.isin(np.arange(table.shape[1]), some)
        if (fixed & ~opened).any() or paid(table, weight, penalty, some) >= found.objective * (1 - 1e-8):
            continue
        assert opened[found.settled == 1].all()
        assert not opened[found.settled == -1].any()


@settings(max_examples=200)
@given(problems(), st.booleans(), st.integers(0, 2**32 - 1))
def test_conditions_are_bounded_and_settle_sites(problem: Any, fewer: bool, seed: int) -> None:
    table, weight, count, penalty, fixed, barred = problem
    random, many = np.random.default_rng(seed), table.shape[1]
    amounts = random.choice([0.0, 0.5, 1.0, -0.7], (random.integers(0, 4), many), p=[0.4, 0.2, 0.3, 0.1])
    most = np.abs(amounts).sum(axis=1) * random.choice([0.15, 0.3, 0.6], len(amounts))
    sizes = range(int(fixed.sum()), count + 1) if fewer else [count]
    sets = [some for size in sizes for some in itertools.combinations(np.flatnonzero(~barred).tolist(), size)]
    sets = [some for some in sets if fixed[list(some)].sum() == fixed.sum()]
    costs = {some: paid(table, weight, penalty, some) if some else penalty * float(weight.sum()) for some in sets}
    costs = {some: cost for some, cost in costs.items() if (amounts[:, list(some)].sum(axis=1) <= most + 1e-12).all()}
    if not costs:
        return
    row, site = np.nonzero(amounts)
    side = np.searchsorted(row, np.arange(len(amounts) + 1)), site.astype(np.int32), amounts[row, site], most
    begin = np.isin(np.arange(many), list(costs)[random.integers(len(costs))])
    found = median_search(
        Demands(*pairs_of(table), weight, many, penalty),
        count,
        fixed=fixed,
        barred=barred,
        effort=Effort(nodes=0),
        under=Conditions(side, fewer, begin, lambda likely: None),
    )
    assert found.bound <= min(costs.values()) * (1 + 1e-9)
    assert found.objective == pytest.approx(costs[tuple(np.flatnonzero(begin).tolist())], rel=1e-12)
    for some, cost in costs.items():
        if cost < found.objective * (1 - 1e-8):
            opened = np.isin(np.arange(many), some)
            assert opened[found.settled == 1].all()
            assert not opened[found.settled == -1].any()


@settings(max_examples=200)
@given(problems())
def test_swaps_end_where_no_swap_helps(problem: Any) -> None:
    table, weight, count, penalty, fixed, barred = problem
    found = search(table, weight, count, penalty=penalty, fixed=fixed, barred=barred, iterations=0, restarts=0)
    here = set(found.chosen.tolist())
    for gone in here - set(np.flatnonzero(fixed).tolist()):
        for come in set(np.flatnonzero(~barred).tolist()) - here:
            assert paid(table, weight, penalty, here - {gone} | {come}) >= found.objective * (1 - 2e-9)


@settings(max_examples=200)
@given(problems())
def test_greedy_takes_the_site_that_saves_most(problem: Any) -> None:
    table, weight, count, penalty, fixed, barred = problem
    chosen = np.flatnonzero(fixed).tolist()
    table = np.where(np.isfinite(table), np.floor(table), np.inf)  # whole, so that ties are ties for both
    weight = np.ceil(weight)
    while len(chosen) < count:
        others = [j for j in np.flatnonzero(~barred).tolist() if j not in chosen]
        chosen.append(min(others, key=lambda j: (paid(table, weight, penalty, [*chosen, j]), j)))
    found = search(table, weight, count, penalty=penalty, fixed=fixed, barred=barred, iterations=0, restarts=0)
    assert found.greedy == paid(table, weight, penalty, chosen)


@settings(max_examples=100)
@given(problems())
def test_most_people_covered(problem: Any) -> None:
    table, weight, count, _, fixed, barred = problem
    near = np.where(table <= 4, 0.0, np.inf)
    effort, total = Effort(iterations=500, nodes=500), float(weight.sum())
    found = median_search(nearby(near, weight), count, fixed=fixed, barred=barred, effort=effort)
    best = least(near, weight, count, 1.0, fixed, barred)
    assert total - found.objective == pytest.approx(total - best)
    assert found.bound <= best * (1 + 1e-9)


@settings(max_examples=150)
@given(problems(), st.sampled_from([0, 3, 100]))
def test_most_people_covered_by_milp(problem: Any, iterations: int) -> None:
    table, weight, count, _, fixed, barred = problem
    near = np.where(table <= 4, 0.0, np.inf)
    found = cover_exactly(nearby(near, weight), count, fixed=fixed, barred=barred, iterations=iterations)
    total = float(weight.sum())
    best = least(near, weight, count, 1.0, fixed, barred)
    assert len(found.chosen) == count
    assert fixed[found.chosen].sum() == fixed.sum()
    assert not barred[found.chosen].any()
    assert found.objective == pytest.approx(paid(near, weight, 1.0, found.chosen))
    assert total - found.objective == pytest.approx(total - best)
    assert best - 1e-6 * (1 + best) <= found.bound <= best * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("seed", range(8, 15))
def test_people_told_in_tiny_units_are_covered_as_well(seed: int) -> None:
    random = np.random.default_rng(seed)
    sites, places = random.random((22, 2)), random.random((300, 2))
    near = np.where(np.hypot(*(sites[None] - places[:, None]).transpose(2, 0, 1)) < 0.2, 0.0, np.inf)
    weight = random.integers(1, 40, 300).astype(float)
    usual, tiny = (cover_exactly(nearby(near, weight * unit), 5, iterations=0) for unit in (1.0, 1e-10))
    assert usual.bound == usual.objective == pytest.approx(1e10 * tiny.objective) == pytest.approx(1e10 * tiny.bound)


def test_what_is_too_large_for_the_steps_left_is_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    near, weight = np.where(random.random((60, 20)) < 0.2, 0.0, np.inf), random.integers(1, 9, 60).astype(float)
    best = least(near, weight, 5, 1.0, np.zeros(20, bool), np.zeros(20, bool))
    solved: list[bool] = []
    minimise = cover_search.minimise
    monkeypatch.setattr(cover_search, "minimise", lambda *given, **how: solved.append(True) or minimise(*given, **how))
    for many, effort in ((0, 1e-6), (0, 1.0), (10**9, 1e-6)):
        monkeypatch.setattr(cover_search, "MANY", many)
        found = cover_exactly(nearby(near, weight), 5, iterations=3, work=Work(effort, np.inf))
        assert found.bound <= best <= found.objective == paid(near, weight, 1.0, found.chosen)
        assert len(found.chosen) == 5
        assert bool(solved) == (many > 0 or effort == 1.0)
        solved.clear()


@pytest.mark.parametrize("seed", range(12))
def test_large_covers_are_searched_as_small_ones_to_the_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    near = random.random((80, 30)) < 0.12
    weight = random.integers(0, 9, 80) * (0.1 if seed % 2 else 1.0)  # equals, and sums that are rounded
    ptr, site, cost = pairs_of(np.where(near, 0.0, np.inf))
    rows = (ptr.astype(np.int64), site.astype(np.int32), cost, weight, 1.0)
    fixed, barred = np.zeros((2, 30), dtype=bool)
    fixed[: seed % 3], barred[10 : 10 + seed % 4] = True, True
    one, other, by_site = fixed.copy(), fixed.copy(), turned(rows, 30)
    greedy(rows, one, barred, 8)
    greedy_cover(rows, by_site, other, barred=barred, count=8)
    assert one.tolist() == other.tolist()
    one = fixed | (random.permutation(30) < 8) & ~barred
    other = one.copy()
    missed = interchange(rows, one, fixed, barred)
    assert swap_cover(rows, by_site, other, fixed, barred, ROUNDING) == missed
    assert one.tolist() == other.tolist()


def test_rows_unsorted_absent_and_dear() -> None:
    ptr, site, cost = np.array([0, 3, 3]), np.array([2, 0, 1]), np.array([9.0, 3.0, 5.0])
    kept = np.array([True, False, True])
    new = tidy(ptr, site.astype(np.int32), cost, np.ones(2), 9.5, kept)
    assert [part.tolist() for part in new] == [[0, 2, 2], [0, 2], [3.0, 9.0]]
    assert nearest((*new, np.ones(2), 9.5), np.array([False, False, True])).tolist() == [9.0, 9.5]


def test_the_same_input_gives_the_same_answer_and_order_of_pairs_means_nothing() -> None:
    table, weight = made(400, 60, 3)
    ptr, site, cost = pairs_of(table)
    one, two = (search(table, weight, 7) for _ in range(2))
    turned = (part.reshape(table.shape)[:, ::-1].ravel() for part in (site, cost))
    other = median_search(Demands(ptr, *turned, weight, 60, float(table.max())), 7)
    for again in (two, other):
        assert again.chosen.tolist() == one.chosen.tolist()
        assert (again.objective, again.bound, again.iterations) == (one.objective, one.bound, one.iterations)


def test_nobody_and_nothing_in_reach() -> None:
    assert search(np.ones((3, 2)), np.zeros(3), 1).objective == 0
    found = search(np.full((2, 3), np.inf), np.array([2.0, 3.0]), 2, penalty=10)
    assert (found.objective, found.bound, found.chosen.tolist()) == (50.0, 50.0, [0, 1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 4}, "4 sites cannot be chosen from 3"),
        ({"count": 0}, "0 sites cannot be chosen"),
        ({"count": 1, "fixed": np.array([True, True, False])}, "of which 2 are fixed"),
        ({"fixed": np.array([True, False, False]), "barred": np.array([True, False, False])}, "both fixed and barred"),
        ({"penalty": -1.0}, "penalty must be numbers of 0 or more"),
        ({"weight": np.array([1.0, np.nan])}, "weights must be numbers"),
    ],
)
def test_what_cannot_be_asked_for(change: dict[str, Any], said: str) -> None:
    options: dict[str, Any] = {"count": 2, "weight": np.ones(2)} | change
    with pytest.raises(StudyError, match=said):
        search(np.ones((2, 3)), options.pop("weight"), options.pop("count"), **options)


def test_large_problem_within_the_gap_asked_for() -> None:
    table, weight = made(5000, 200, 1)
    found = search(table, weight, 10, gap=0.001)
    assert found.gap <= 0.001
    assert found.objective == pytest.approx(paid(table, weight, float(table.max()), found.chosen))


def published(file: Path) -> tuple[Floats, int]:
    """Read a problem of the OR-Library (Beasley 1985): of an edge that stands twice, the last one counts."""
    figures = np.array(file.read_text().split(), dtype=int)
    size, _, count = figures[:3].tolist()
    edges = np.full((size, size), np.inf)
    for a, b, length in figures[3:].reshape(-1, 3).tolist():
        edges[a - 1, b - 1] = edges[b - 1, a - 1] = length
    np.fill_diagonal(edges, 0)
    return floyd_warshall(edges), count


@pytest.mark.real
def test_published_optima_of_the_or_library(real: Callable[[str], Path]) -> None:
    folder = real("facility_location/orlib_pmed")
    for number, optimum in OPTIMA.items():
        table, count = published(folder / f"pmed{number}.txt")
        began = time.perf_counter()
        found = search(table, np.ones(len(table)), count)
        assert (number, found.objective, found.bound) == (number, optimum, optimum)
        assert time.perf_counter() - began < 60


# Daskin 1995 and others since: the longest way to the nearest of the sites.
LONGEST_WAYS = dict(
    enumerate([127, 98, 93, 74, 48, 84, 64, 55, 37, 20, 59, 51, 36, 26, 18, 47, 39, 28, 18, 13], start=1)
)


@pytest.mark.real
def test_published_centers_of_the_or_library(real: Callable[[str], Path]) -> None:
    folder = real("facility_location/orlib_pmed")
    for number, longest in LONGEST_WAYS.items():
        table, count = published(folder / f"pmed{number}.txt")
        many = len(table)
        names = [f"S{k:03}" for k in range(many)]
        times = pd.DataFrame(
            {"site": np.repeat(names, many), "point": np.tile(np.arange(many), many), "minutes": table.ravel()}
        )
        people = pd.DataFrame({"people": 1.0}, index=pd.RangeIndex(many, name="point"))
        sites = pd.DataFrame(index=pd.Index(names, name="site"))
        began = time.process_time()
        found = sp.choose_sites(times.assign(mode="walk"), people, sites, count=count, objective="p-center")
        assert time.process_time() - began < 10
        assert (number, found.value, found.bound) == (number, longest, longest)


@pytest.mark.real
def test_published_values_of_san_francisco(real: Callable[[str], Path]) -> None:
    rows = pd.read_csv(
        real("facility_location/spopt_sf") / "SF_network_distance_candidateStore_16_censusTract_205_new.csv"
    )
    wide = rows.pivot_table(index="DestinationName", columns="name", values="distance")
    people = rows.drop_duplicates("DestinationName").set_index("DestinationName")["demand"].loc[wide.index]
    table, weight = wide.to_numpy(), people.to_numpy(dtype=float)
    found = search(table, weight, 4)
    assert found.objective == pytest.approx(2848268129.7145, abs=1e-3)
    assert found.gap <= 1e-9
    near, total = np.where(table <= 5000, 0.0, np.inf), float(weight.sum())
    covered = median_search(nearby(near, weight), 4, effort=Effort(iterations=500, nodes=500))
    assert total - covered.objective == total - covered.bound == 875247


def test_the_same_demands_are_one() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        rows = [np.sort(random.choice(4, random.integers(0, 4), replace=False)) for _ in range(30)]
        ptr, site = np.r_[0, np.cumsum([len(row) for row in rows])], np.concatenate(rows).astype(np.int32)
        cost, weight = random.integers(0, 2, len(site)).astype(float), random.integers(0, 9, 30).astype(float)
        slow: dict[tuple[Any, ...], float] = {}
        for i in range(30):
            part = slice(ptr[i], ptr[i + 1])
            key = (*site[part].tolist(), *cost[part].tolist())
            slow[key] = slow.get(key, 0.0) + weight[i]
        new_ptr, new_site, new_cost, new_weight = merge(ptr, site, cost, weight)
        found = {
            (*new_site[a:b].tolist(), *new_cost[a:b].tolist()): people
            for a, b, people in zip(new_ptr, new_ptr[1:], new_weight.tolist(), strict=False)
        }
        assert list(found) == list(slow)
        assert found == slow
        assert len(new_ptr) == len(slow) + 1
