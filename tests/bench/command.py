"""The whole command: from an extract, a population table and sites to scores, isochrones and the map."""

import json
import os
import runpy
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from tests.bench.measure import Row, in_child, peak_megabytes, seconds
from tests.bench.worlds import data

__all__ = ["command", "run_here", "told"]


def command(rounds: int, *, step: int = 30) -> list[Row]:
    """Measure `siteplan run` on Porto Alegre, sites at every 30th cell: the first ever, and those after it."""
    extract, cells = data("porto_alegre/poa_osm.pbf"), data("porto_alegre/poa_hexgrid.csv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_sites(cells, folder / "sites.csv", step)
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": str(folder / "kernels"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        runs = []
        for number in range(1 + max(3, min(rounds, 5))):
            arguments = ["run", "--streets", extract, "--population", cells, "--sites", folder / "sites.csv"]
            arguments += ["--mode", "walk,bike", "--minutes", "15,20", "--out", folder / f"results{number}", "--quiet"]
            runs.append(in_child("tests.bench.command", *map(str, arguments), environment=environment))
            check(folder / f"results{number}", count)
    warm = sorted(runs[1:], key=lambda run: run["wall"])[len(runs[1:]) // 2]
    task = f"`siteplan run`, Porto Alegre, {count} sites, walk and bike, 15 and 20 min"
    return [
        Row(f"{task}: first ever", told(runs[0]), goal="10 s"),
        Row(f"{task}: again, kernels compiled", told(warm), goal="10 s"),
        Row(f"{task}: peak memory", f"{max(run['peak'] for run in runs):,.0f} MB", goal="1 GB"),
    ]


def told(run: dict[str, float]) -> str:
    return f"{seconds(run['wall'])} wall, {seconds(run['cpu'])} CPU"


def write_sites(cells: Path, file: Path, step: int) -> int:
    """Write the middle of every `step`-th hexagon as a site."""
    import h3

    table = pd.read_csv(cells)
    column = next(
        name for name in table if isinstance(table[name].iloc[0], str) and h3.is_valid_cell(table[name].iloc[0])
    )
    places = [h3.cell_to_latlng(cell) for cell in table[column].iloc[::step]]
    sites = pd.DataFrame(places, columns=["lat", "lon"])
    sites.insert(0, "site", [f"s{k:02d}" for k in range(len(sites))])
    sites.to_csv(file, index=False)
    return len(sites)


def check(results: Path, count: int) -> None:
    """Fail unless the results are there and somebody is reached."""
    scores = pd.read_csv(results / "scores.csv")
    assert len(scores) == count, f"{len(scores)} scores for {count} sites"
    assert scores["people_bike_20"].max() >= scores["people_walk_15"].max() > 0
    for name in ("results.gpkg", "map.html", "manifest.json"):
        assert (results / name).stat().st_size > 0, name


def run_here() -> dict[str, float]:
    """Run `siteplan` with the arguments of this process; return its seconds, and the most megabytes it held."""
    began = time.perf_counter()
    try:
        runpy.run_module("siteplan", run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        if stopped.code:
            raise
    return {"wall": time.perf_counter() - began, "cpu": time.process_time(), "peak": peak_megabytes()}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(run_here()) + "\n")
