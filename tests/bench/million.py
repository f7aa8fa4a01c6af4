"""A made town of a million crossings: loaded and searched in a process of its own, which prints what it took."""

import json
import sys
import time
from typing import Any

import numpy as np

from siteplan.config import BIKE
from siteplan.network.graph import ModeGraph, mode_graph
from siteplan.network.streets import StreetNetwork, build_streets
from siteplan.routing import search
from tests.bench.engines import Scipy, Siteplan
from tests.bench.measure import Row, in_child, in_turns, peak_megabytes, seconds
from tests.bench.reach import same, sample, sample_of
from tests.bench.worlds import Common, common, grid, only, people_at

__all__ = ["million"]

LIMIT = search.deciseconds([15])


def million(rounds: int, *, side: int = 1000, count: int = 1000) -> list[Row]:
    """Measure loading, searching and memory on side x side crossings."""
    told = in_child("tests.bench.million", str(rounds), str(side), str(count))
    where = f"made town of {told['size'].split(';')[0]}"
    task = f"{count:,} origins, bike, 15 min"
    return [
        Row(f"{where}: junctions and edges from ways", seconds(told["build"]) + " wall"),
        Row(f"{where}: the graph of the mode", seconds(told["graph"]) + " wall"),
        Row(f"{where}: peak memory, built and searched", f"{told['peak']:,.0f} MB", goal="1 GB"),
        Row(f"{where}: {task}: people within", seconds(told["sums"]) + " wall"),
        Row(
            f"{where}: {task}: table of {told['found']:,} rows",
            seconds(told["table"]) + " wall",
            goal="0.2 s on two threads",
        ),
        *(Row(**row) for row in told["rows"]),
    ]


def measured(rounds: int, side: int, count: int) -> dict[str, Any]:
    """Build and search; the memory is read before another engine joins."""
    start = time.perf_counter()
    streets = build_streets(grid(side))
    build = time.perf_counter() - start
    start = time.perf_counter()
    graph = mode_graph(streets, BIKE)
    seconds_of_graph = time.perf_counter() - start
    peak = peak_after(streets, graph, count)
    del graph
    place = common(streets, BIKE)
    told = searched(place, count)
    few = sample(place, count)[:: max(1, count // 50)]
    rows = against_scipy(place, few, rounds)
    return {
        "size": place.size,
        "build": build,
        "graph": seconds_of_graph,
        "peak": peak,
        **told,
        "rows": [vars(row) for row in rows],
    }


def peak_after(streets: StreetNetwork, graph: ModeGraph, count: int) -> float:
    """Search once from some edges to the start of every tenth; return the peak of memory so far."""
    edge = np.arange(0, len(streets.u), 10)
    start = np.zeros(len(edge))
    targets = graph.positions(edge, start, start.astype(np.int64))
    search.times(search.prepare(graph, only(targets, sample_of(len(edge), count)), targets), int(LIMIT[0]))
    return peak_megabytes()


def searched(place: Common, count: int) -> dict[str, Any]:
    """Search from some nodes to all; return the seconds of each answer."""
    ours, people = Siteplan(place, sample(place, count)), people_at(place)
    found = len(ours.table(int(LIMIT[0]))[0])
    ours.sums(LIMIT, people)
    walls: dict[str, float] = {}
    for name, work in (("sums", lambda: ours.sums(LIMIT, people)), ("table", lambda: ours.table(int(LIMIT[0])))):
        tries = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            tries.append(time.perf_counter() - start)
        walls[name] = float(np.median(tries))
    return {**walls, "found": found}


def against_scipy(place: Common, few: Any, rounds: int) -> list[Row]:
    """Give scipy fewer origins: it answers each with a row of a million."""
    people = people_at(place)
    ours, scipy = Siteplan(place, few), Scipy(place.csr, place.nodes[few], place.nodes)
    same(ours.sums(LIMIT, people), scipy.sums(LIMIT, people))
    return in_turns(
        f"the same town, {len(few)} origins, bike: people in 15 min",
        lambda: ours.sums(LIMIT, people),
        {"scipy dijkstra(limit)": lambda: scipy.sums(LIMIT, people)},
        rounds=min(rounds, 3),
    )


if __name__ == "__main__":
    print(json.dumps(measured(*map(int, sys.argv[1:]))))
