"""What one waits for before anything is read: the command's help, imports, and compiling the kernels."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import ROOT, Row, seconds

__all__ = ["start"]

KERNELS = """
import json, time
import numpy as np
from siteplan.config import WALK
from siteplan.network.graph import mode_graph
from siteplan.network.streets import build_streets
from siteplan.routing import search
from siteplan.contours import isochrones
import geopandas as gpd
from tests.bench.worlds import common, grid
place = common(build_streets(grid(12)), WALK)
began = time.perf_counter()
work = search.prepare(place.graph, place.sources, place.targets)
limits = search.deciseconds([15, 20])
search.times(work, int(limits[1]))
search.sums(work, limits, np.ones((len(place.nodes), 1)))
sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy(place.x[:1], place.y[:1]), crs=place.streets.crs)
isochrones(place.streets, sites)
print(json.dumps(time.perf_counter() - began))
"""
STUDY = """
name: small
inputs: {{streets: {0}/streets.osm.pbf, population: {0}/population_200m.csv, sites: {0}/sites.csv}}
travel: {{modes: [walk, bike], minutes: [15, 20]}}
"""
IMPORT = """
import json, sys, time
began = time.perf_counter()
import siteplan
siteplan.{name}
took = time.perf_counter() - began
print(json.dumps([took, "osmnx" in sys.modules]))
"""


def start(rounds: int) -> list[Row]:
    """Measure processes of their own, wall seconds, medians; the first run of each is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        cold = run(["-c", KERNELS], NUMBA_CACHE_DIR=folder)[1]
        warm = [float(run(["-c", KERNELS], NUMBA_CACHE_DIR=folder)[1]) for _ in range(3)]
        study = Path(folder) / "study.yaml"
        study.write_text(STUDY.format((Path(ROOT) / "data" / "sample").as_posix()))
        commands = [
            Row(f"`siteplan {name}`, the sample's streets, 200 m table and sites, {told}", seconds(took), goal=goal)
            for name, goal in (("check", "0.8 s"), ("score", "1.2 s"))
            for told, took in cpu(["-m", "siteplan", name, str(study), "--quiet"], rounds)
        ]
    return [
        *commands,
        Row("`siteplan --help`", seconds(wall(["-m", "siteplan", "--help"], rounds)) + " wall", goal="0.15 s"),
        Row("`import siteplan`", seconds(imported("__version__", rounds)) + " wall"),
        Row("`siteplan.travel_times` imported", seconds(imported("travel_times", rounds)) + " wall"),
        Row("kernels, first use ever (compiled)", seconds(float(cold)) + " wall", goal="once"),
        Row("kernels, first use in a process (from cache)", seconds(statistics.median(warm)) + " wall"),
    ]


def wall(arguments: list[str], rounds: int) -> float:
    """Return the median seconds of a process."""
    run(arguments)
    return statistics.median(run(arguments)[0] for _ in range(max(rounds, 5)))


def cpu(arguments: list[str], rounds: int) -> Iterator[tuple[str, float]]:
    """Return the median CPU seconds of a process, with the package's own byte-code kept and without."""
    with tempfile.TemporaryDirectory() as folder:
        for told, given in (
            ("byte-code kept", {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}),
            ("without byte-code of its own", {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": f"{folder}/none"}),
        ):
            run(arguments, **given)
            yield told, statistics.median(spent(arguments, given) for _ in range(max(rounds, 3)))


def spent(arguments: list[str], given: dict[str, str]) -> float:
    """Run Python; return the CPU seconds that it and what it started took."""
    before = os.times()
    run(arguments, **given)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def imported(name: str, rounds: int) -> float:
    """Return the median seconds of an import, and fail if OSMnx came along."""
    found = [json.loads(run(["-c", IMPORT.format(name=name)])[1]) for _ in range(max(rounds, 5))]
    if any(osmnx for _, osmnx in found):
        raise AssertionError(f"siteplan.{name} imports osmnx")
    return statistics.median(took for took, _ in found)


def run(arguments: list[str], **environment: str) -> tuple[float, str]:
    """Run Python; return wall seconds and the last line it prints."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(Path(ROOT)), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, done.stdout.splitlines()[-1]
