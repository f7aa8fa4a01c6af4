"""The table of minutes: exact, the same from every side, in every order and on every executor."""

import warnings
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from oracles import street_times
from siteplan.config import BIKE, SLOW_WALK, WALK, Profile
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.network.snapping import HARD_LIMIT, link
from siteplan.network.streets import StreetNetwork
from siteplan.routing.streets import FAR, ascend, make_room
from siteplan.times import reach_totals, times_by_tile, travel_times
from worlds import (
    KINDS,
    METRE_A_SECOND,
    PRIVATE,
    SCALE,
    STREET,
    Edge,
    Tags,
    World,
    a_place,
    four_sites_six_cells,
    islands,
    line,
    made,
    networks,
    places,
    put,
    ring,
    river,
    roundabout,
    shortcut,
)

A_METRE = METRE_A_SECOND.model_copy(update={"name": "metre", "rules": "bike"})
Spot = tuple[int, float, float]
few = st.lists(a_place, min_size=1, max_size=3)
many = st.lists(a_place, min_size=4, max_size=7)


def minutes(times: pd.DataFrame) -> dict[tuple[str, int], float]:
    """Return minutes by site and point."""
    return {(str(site), point): m for site, point, m in times[["site", "point", "minutes"]].itertuples(index=False)}


def quietly(streets: StreetNetwork, *tables: gpd.GeoDataFrame, **how: object) -> pd.DataFrame:
    """Return the table of minutes; places that are not linked are looked at elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        return travel_times(streets, *tables, **how)  # type: ignore[arg-type]


def usable(edges: list[Edge], profile: Profile) -> bool:
    return bool(np.max(made(edges).costs(profile)) >= 0)


# Properties, on random networks ---------------------------------------------------------------------------------------


@settings(max_examples=400)
@given(networks(), few, many, st.sampled_from([WALK, BIKE]), st.sampled_from(["to", "from"]), st.sampled_from([2, 90]))
def test_minutes_equal_the_slow_twin_from_both_sides(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile, direction: str, limit: float
) -> None:
    if not usable(edges, profile):
        return
    streets = made(edges)
    for sites, points in ((put(streets, at), put(streets, of)), (put(streets, of), put(streets, at))):
        links = [link(streets, sites, mode=profile, link_m=HARD_LIMIT), link(streets, points, mode=profile)]
        slow = street_times(streets, profile, *links, limit=limit, direction=direction)  # type: ignore[arg-type]
        fast = minutes(quietly(streets, sites, points, mode=profile, limit=limit, direction=direction))
        assert fast == {(str(site), point): cost / 600 for (site, point), cost in slow.items()}


@settings(max_examples=150)
@given(networks(), many, st.randoms(use_true_random=False))
def test_the_order_of_places_changes_nothing(edges: list[Edge], spots: list[Spot], random: object) -> None:
    if not usable(edges, WALK):
        return
    streets, here = made(edges), put(made(edges), spots)
    order = list(range(len(here)))
    random.shuffle(order)  # type: ignore[attr-defined]
    sites, points = here.iloc[:2], here.iloc[2:]
    shuffled = here.iloc[order]
    again = quietly(streets, shuffled[shuffled.index < 2], shuffled[shuffled.index >= 2], limit=90)
    assert minutes(again) == minutes(quietly(streets, sites, points, limit=90))


@settings(max_examples=150)
@given(networks(), few, many, st.sampled_from([WALK, BIKE]))
def test_towards_a_site_is_away_from_it_with_every_street_turned_round(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile
) -> None:
    if not usable(edges, profile):
        return
    streets, turned = made(edges), replace(made(edges), kinds=[tuple(turn(tags).items()) for tags in KINDS])
    sites, points = put(streets, at), put(streets, of)
    there = minutes(quietly(streets, sites, points, mode=profile, limit=240, direction="to"))
    back = minutes(quietly(turned, sites, points, mode=profile, limit=240, direction="from"))
    assert there.keys() == back.keys()
    # Half a decisecond is rounded to the even one at either end.
    assert all(abs(there[pair] - back[pair]) <= 2.01 / 600 for pair in there)


def turn(tags: Tags) -> Tags:
    """Return the tags of the same street drawn the other way round."""
    other = {"yes": "-1", "-1": "yes"}
    return {key: other[value] if key.startswith("oneway") else value for key, value in tags.items()}


@settings(max_examples=150)
@given(networks(), few, many, st.sampled_from([WALK, BIKE]), st.sampled_from(["to", "from"]))
def test_totals_are_the_sums_of_the_minutes(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile, direction: str
) -> None:
    if not usable(edges, profile):
        return
    streets, sites = made(edges), put(made(edges), at)
    points = put(streets, of).assign(people=2.0 ** np.arange(len(of)), workers=np.nan)
    times = quietly(streets, sites, points, mode=profile, limit=20, direction=direction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        how = {"mode": profile, "minutes": (20, 3), "direction": direction, "columns": ("people", "workers")}
        totals = reach_totals(streets, sites, points, **how)  # type: ignore[arg-type]
    for limit in (3, 20):
        within = times[times["minutes"] <= limit]
        sums = points["people"].reindex(within["point"]).groupby(within["site"].astype(int).to_numpy()).sum()
        found = totals[f"people_{profile.name}_{limit}"]
        assert found.to_dict() == sums.reindex(sites.index, fill_value=0.0).to_dict()
    assert (totals[f"workers_{profile.name}_20"] == 0).all()


@settings(max_examples=150)
@given(networks(), st.lists(a_place, min_size=3, max_size=3), st.sampled_from([WALK, BIKE]))
def test_a_detour_is_no_shortcut(edges: list[Edge], spots: list[Spot], profile: Profile) -> None:
    open_to_all = [
        (u, v, 0 if "access" in KINDS[kind] or "vehicle" in KINDS[kind] else kind, m) for u, v, kind, m in edges
    ]
    if not usable(open_to_all, profile):
        return
    streets = made(open_to_all)
    here = put(streets, spots)
    found = minutes(quietly(streets, here, here, mode=profile, limit=240, direction="from"))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        by_c = found.get((str(a), c), np.inf) + found.get((str(c), b), np.inf)
        assert found.get((str(a), b), np.inf) <= by_c + 1e-9 or by_c > 240


# Tiny worlds, by head -------------------------------------------------------------------------------------------------


def test_along_a_line() -> None:
    sites, people = places([(50.0, 0.0)], ["hall"]), places([(0.0, 0.0), (50.0, 0.0), (220.0, 0.0), (400.0, 0.0)])
    times = travel_times(line().streets(), sites, people, mode=METRE_A_SECOND, minutes=5)
    seconds = (times["minutes"] * 60).round(6).tolist()
    assert times["point"].tolist() == [0, 1, 2]
    assert seconds == [50.0, 0.0, 170.0]
    assert times["site"].cat.categories.tolist() == ["hall"]
    assert times["mode"].unique().tolist() == ["metre"]
    assert times.columns.tolist() == ["site", "point", "mode", "minutes"]


def test_a_minute_is_a_minute() -> None:
    at_80_m_a_minute = travel_times(line().streets(), places([(0.0, 0.0)]), places([(400.0, 0.0)]), minutes=5)
    assert at_80_m_a_minute["minutes"].tolist() == [5.0]
    assert travel_times(line().streets(), places([(0.0, 0.0)]), places([(400.0, 0.0)]), minutes=4.99).empty


def test_over_the_one_bridge() -> None:
    world, sites, people = four_sites_six_cells()
    times = minutes(travel_times(world.streets(), sites, people, mode=METRE_A_SECOND, minutes=30))
    metres = {pair: round(m * 60) for pair, m in times.items()}
    assert [metres["sw", p] for p in range(6)] == [0, 200, 400, 200, 400, 600]
    assert [metres["se", p] for p in range(6)] == [400, 200, 0, 600, 400, 200]
    assert [metres["nw", p] for p in range(6)] == [400, 600, 800, 200, 400, 600]
    assert [metres["ne", p] for p in range(6)] == [800, 1000, 1200, 600, 800, 1000]


def test_totals_over_the_one_bridge() -> None:
    world, sites, people = four_sites_six_cells()
    totals = reach_totals(world.streets(), sites, people, mode=METRE_A_SECOND, minutes=(5, 10))
    assert totals["people_metre_5"].to_dict() == {"sw": 1 + 2 + 8, "se": 2 + 4 + 32, "nw": 8, "ne": 0}
    assert totals["people_metre_10"].to_dict() == {"sw": 63, "se": 63, "nw": 1 + 2 + 8 + 16 + 32, "ne": 8}


def test_an_origin_256_m_off_the_street_costs_time() -> None:
    people = places([(0.0, 256.0), (0.0, 0.0)])
    times = travel_times(line().streets(), places([(100.0, 0.0)]), people, minutes=20)
    assert times["minutes"].tolist() == pytest.approx([(256 * SCALE + 100) / 80, 100 / 80], abs=1 / 600)


def test_both_on_one_edge_and_on_one_chain() -> None:
    one_way: Tags = {**STREET, "oneway": "yes", "foot": "no"}  # nobody pushes back
    here = places([(30.0, 0.0), (170.0, 0.0)])
    for world in (line(one_way), line(one_way, one_way, one_way, one_way)):
        times = travel_times(world.streets(), here, here, mode=A_METRE, minutes=20, direction="from")
        assert minutes(times) == {("0", 0): 0, ("0", 1): pytest.approx(140 / 60), ("1", 1): 0}


def test_round_a_one_way_ring() -> None:
    streets = ring({**STREET, "oneway": "yes"}).streets()
    here = places([(10.0, 0.0), (90.0, 0.0)])
    times = minutes(travel_times(streets, here, here, mode=A_METRE, minutes=20, direction="from"))
    assert {pair: round(m * 60) for pair, m in times.items()} == {("0", 0): 0, ("0", 1): 80, ("1", 0): 320, ("1", 1): 0}


def test_a_roundabout_is_one_way_for_bicycles() -> None:
    streets = roundabout().streets()
    west, east = places([(-100.0, 0.0)]), places([(150.0, 0.0)])
    assert travel_times(streets, east, west, mode=A_METRE)["minutes"].tolist() == [250 / 60]  # west to east: 50 m on it
    assert travel_times(streets, west, east, mode=A_METRE)["minutes"].tolist() == [350 / 60]  # 150 m on it
    assert travel_times(streets, west, east, mode=METRE_A_SECOND)["minutes"].tolist() == [250 / 60]


def test_nobody_walks_through_a_private_street() -> None:
    corners = places([(0.0, 0.0), (100.0, 100.0)])
    inside = places([(50.0, 50.0)])
    through = minutes(travel_times(shortcut().streets(), corners, corners, mode=METRE_A_SECOND))
    assert through["0", 1] == 200 / 60
    assert (
        minutes(travel_times(shortcut(STREET).streets(), corners, corners, mode=METRE_A_SECOND))["0", 1] == 1414 / 600
    )
    to_its_end = minutes(travel_times(shortcut().streets(), corners, inside, mode=METRE_A_SECOND))
    assert to_its_end == {("0", 0): pytest.approx(70.7 / 60), ("1", 0): pytest.approx(70.7 / 60)}


def test_the_streets_behind_a_private_gate_are_reached_at_the_ends() -> None:
    # Nobody walks through; but who lives behind the gate comes and goes, though only the gate's way is tagged.
    streets = line(STREET, STREET, PRIVATE, STREET).streets()
    outside, home, neighbour = (0.0, 0.0), (350.0, 0.0), (400.0, 0.0)
    here = places([outside, home, neighbour])
    times = minutes(travel_times(streets, here, here, mode=METRE_A_SECOND))
    assert times["0", 1] == times["1", 0] == 350 / 60
    assert times["1", 2] == 50 / 60


def test_nobody_walks_through_what_lies_behind_a_gate() -> None:
    # A ring of 4 x 100 m, its third side open, but behind private ones; the first side is the longest open piece.
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (0.0, 100.0), 5: (100.0, 50.0), 6: (0.0, 50.0)}
    nodes |= {7: (-900.0, 0.0), 8: (-900.0, 100.0)}
    ways = [
        (PRIVATE, [1, 2]),
        (STREET, [2, 5]),
        (PRIVATE, [5, 3, 4]),
        (STREET, [1, 7]),
        (STREET, [7, 8]),
        (STREET, [8, 4]),
    ]
    here, there = places([(-10.0, 0.0)]), places([(-10.0, 100.0)])
    times = travel_times(World(nodes, ways).streets(), here, there, mode=METRE_A_SECOND, minutes=60)
    assert times["minutes"].tolist() == [1880 / 60]


def test_stairs_take_three_times_as_long() -> None:
    streets = line({"highway": "steps"}, STREET).streets()
    times = travel_times(streets, places([(0.0, 0.0)]), places([(150.0, 0.0)]), mode=METRE_A_SECOND)
    assert times["minutes"].tolist() == [350 / 60]


def test_no_way_from_an_island() -> None:
    mainland = travel_times(islands().streets(), places([(0.0, 0.0)]), places([(300.0, 0.0)]), mode=METRE_A_SECOND)
    assert mainland["minutes"].tolist() == [5.0]
    far_off = places([(100.0, 500.0)])
    with pytest.warns(SiteplanWarning, match=r"1 of 1 points have no street for walk within 300 m .* \(0\): see link"):
        assert travel_times(islands().streets(), places([(0.0, 0.0)]), far_off).empty


def test_slow_walkers_are_slow_to_the_street_as_well() -> None:
    streets, here, there = line().streets(), places([(0.0, 0.0)]), places([(300.0, 100.0)])
    times = travel_times(streets, here, there, mode=SLOW_WALK)
    assert times["minutes"].tolist() == pytest.approx([(300 + 100 * SCALE) / 50], abs=2 / 600)


# The same, however it is asked ----------------------------------------------------------------------------------------


def a_town() -> tuple[StreetNetwork, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return a grid of 15 x 15 junctions with one-ways, sites on it and people around."""
    kinds = np.random.default_rng(1).choice([0, 0, 0, 1, 3, 5, 6], 2 * 15 * 15).tolist()
    edges = [(15 * r + c, 15 * r + c + 1, kinds.pop(), 80.0) for r in range(15) for c in range(14)]
    edges += [(15 * r + c, 15 * r + c + 15, kinds.pop(), 90.0) for r in range(14) for c in range(15)]
    streets = made(edges)
    spots = [(17 * k % len(edges), 0.1 + 0.07 * (k % 12), 5.0 * (k % 4)) for k in range(100)]
    spots[45] = spots[44]  # on stairs, far from where a bicycle may go
    here = put(streets, spots)
    people = here.iloc[10:].assign(people=1.0)
    return streets, here.iloc[:10].set_axis([f"s{k}" for k in range(10)]), people


@pytest.mark.parametrize("count", [1, 2, 4, 10])
def test_times_by_tile_are_those_of_all_sites_and_each_tile_comes_once(count: int) -> None:
    streets, sites, people = a_town()
    away = sites.geometry.iloc[9:].translate(50_000)  # has no street
    sites = sites.set_geometry(pd.concat([sites.geometry.iloc[:9], away]))
    tile, found = np.arange(10) * count // 10, {}
    tile[3] = -1
    how = {"limit": ("minutes", 20), "tile": tile, "take": lambda at, rows: found.update({at: rows})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        whole = travel_times(streets, sites, people, mode="bike")
        times_by_tile(streets, sites, people, BIKE, **how)
    assert sorted(found) == sorted({*tile.tolist()} - {-1})
    for at, table in found.items():
        here = whole["site"].isin(sites.index[tile == at])
        pd.testing.assert_frame_equal(table, whole[here].reset_index(drop=True), check_exact=True)
    assert sum(map(len, found.values())) > 100


@pytest.mark.parametrize("executor", [ThreadPoolExecutor(1), ThreadPoolExecutor(4), None])
def test_any_executor_gives_the_same_bytes(executor: Executor | None) -> None:
    streets, sites, people = a_town()
    once = travel_times(streets, sites, people, mode="bike")
    again = travel_times(streets, sites, people, mode="bike", executor=executor)
    assert len(once) > 100
    pd.testing.assert_frame_equal(once, again, check_exact=True)
    totals = reach_totals(streets, sites, people, mode="bike", executor=executor)
    assert totals["people_bike_20"].tolist() == once.groupby("site", observed=False).size().tolist()


@pytest.mark.parametrize("results", [1, 100, 10_000])
def test_searches_may_be_cut_anywhere(monkeypatch: pytest.MonkeyPatch, results: int) -> None:
    streets, sites, people = a_town()
    once = travel_times(streets, sites, people, mode="bike")
    monkeypatch.setattr("siteplan.routing.search.RESULTS", results)  # of so many a kernel makes the last source's all
    pd.testing.assert_frame_equal(once, travel_times(streets, sites, people, mode="bike"), check_exact=True)


@given(st.sets(st.integers(0, 9_000)), st.integers(9_001, 9_100))
def test_targets_met_are_sorted_by_blocks(met: set[int], count: int) -> None:
    _, _, _, _, best, listed, *blocks = make_room(600, 1, 1, count)
    best[list(met)] = 1
    listed[: len(met)] = list(met)
    _ascend(best, FAR, listed, len(met), *blocks)
    assert listed[: len(met)].tolist() == sorted(met)
    assert not any(block.any() for block in blocks)


@njit
def _ascend(best, far, met, count, blocks, wide):  # type: ignore[no-untyped-def]
    """Call the kernel that only kernels can call."""
    ascend(best, far, met, count, blocks, wide)


def test_rows_stand_by_site_and_point_from_either_side() -> None:
    streets, sites, people = a_town()
    for few_people in (people, people.iloc[:5]):
        times = travel_times(streets, sites, few_people)
        rows = list(zip(times["site"].cat.codes, times["point"], strict=True))
        assert rows == sorted(rows)


def test_progress_ends_with_all_searches() -> None:
    streets, sites, people = a_town()
    calls: list[tuple[int, int]] = []
    travel_times(streets, sites, people, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1] == (10, 10)


def test_an_error_in_progress_stops_the_work() -> None:
    streets, sites, people = a_town()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        travel_times(streets, sites, people, progress=stop)


def test_points_may_have_any_names() -> None:
    named = places([(0.0, 0.0), (100.0, 0.0)], ["x", "y"])
    assert travel_times(line().streets(), places([(0.0, 0.0)]), named)["point"].tolist() == ["x", "y"]


def test_nobody_and_nowhere_are_empty_tables() -> None:
    streets, none, one = river().streets(), places([], people=[]), places([(0.0, 0.0)], people=[1.0])
    for sites, people in ((none, one), (one, none), (none, none)):
        assert travel_times(streets, sites, people).empty
        assert reach_totals(streets, sites, people)["people_walk_15"].tolist() == [0.0] * len(sites)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"limit": 0}, "limit of 0 minutes: expected more than 0 and at most 240"),
        (
            {"limit": 241},
            "limit of 241 minutes: .* at most 240, as far as is searched; a table of times .* may go farther",
        ),
        ({"limit": float("nan")}, "limit of nan minutes"),
        ({"direction": "back"}, r"direction 'back': expected 'to' \(the site\) or 'from'"),
        ({"mode": "car"}, "mode 'car': unknown"),
    ],
)
def test_questions_without_an_answer_are_refused(how: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        travel_times(line().streets(), places([(0.0, 0.0)]), places([(0.0, 0.0)]), **how)  # type: ignore[arg-type]


def test_places_without_crs_are_refused() -> None:
    here = places([(0.0, 0.0)])
    with pytest.raises(InputError, match="no CRS"):
        travel_times(line().streets(), here, here.set_crs(None, allow_override=True))
