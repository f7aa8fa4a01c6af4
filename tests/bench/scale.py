"""Scale: `score` and its stages, and `run` with pages, of one place in several sizes: how each grows."""

import itertools
import math
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.command import told
from tests.bench.measure import Row, in_child, megabytes
from tests.bench.tiles import CHOSEN, SITES, asked_tiles, write_tiles
from tests.bench.worlds import data

__all__ = ["grown", "growth", "middle", "scale", "total"]

WRITTEN = ("map.html", "report.html", "results.gpkg", "times.parquet")
GOAL = 1.1  # the exponent by which no stage may grow
GOALS = {48: ("60 s CPU", "1 GB"), 240: ("300 s CPU", "4 GB")}  # of a score, by tiles

Parts = Mapping[str, tuple[float, float]]  # the user's and the system's seconds of each stage


def scale(rounds: int) -> list[Row]:
    """Measure `siteplan score`, its stages and `run` on as many tiles as TILES says (3 and 12), and how each grows."""
    found: list[tuple[int, Parts]] = []
    rows = []
    for count in asked_tiles():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            nodes, cells = write_tiles(data("porto_alegre/poa_osm.pbf"), folder, count)
            asked = ["--streets", folder / "streets.osm.pbf", "--population", folder / "people.tif"]
            asked += ["--sites", folder / "sites.csv", "--mode", "walk,bike", "--minutes", "15,20", "--quiet"]
            chosen = [*asked, "--set", f"choose.sites={CHOSEN * count}", "-o", folder / "results"]
            asked += ["-o", folder / "scores.csv"]
            scores = [in_child("tests.bench.stages", "score", *map(str, asked)) for _ in range(rounds)]
            run = in_child("tests.bench.command", "run", *map(str, chosen))
            written = ", ".join(f"{name} {megabytes(folder / 'results' / name)} MB" for name in WRITTEN)
        score = sorted(scores, key=lambda each: each["cpu"])[rounds // 2]
        size = f"{count} tiles ({nodes:,} nodes, {cells:,} cells, {SITES * count:,} sites)"
        times = f"{run['cpu'] / score['cpu']:.1f} times the CPU of score"
        for task, took, ratio, goals in (
            (f"`siteplan score`, {size}", score, "", GOALS.get(count, ("", ""))),
            (f"`siteplan run`, {size}, {CHOSEN * count:,} of them chosen", run, times, ("3 times", "")),
        ):
            rows.append(Row(f"{task}: time", told(took), ratio=ratio, goal=goals[0]))
            rows.append(Row(f"{task}: peak memory", f"{took['peak']:,.0f} MB", goal=goals[1]))
        rows.append(Row(f"{task}: files", written, goal="map 5 MB, GeoPackage 50 MB"))
        found.append((count, {"the whole score": total(score["stages"]), **middle(scores)}))
    return rows + grown(found)


def total(parts: Parts) -> tuple[float, float]:
    """Add up the stages."""
    user, system = (sum(side) for side in zip(*parts.values(), strict=True))
    return user, system


def middle(scores: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return what each stage took in the median of several runs, the user's seconds and the system's each."""
    sides = {stage: zip(*(each["stages"][stage] for each in scores), strict=True) for stage in scores[0]["stages"]}
    return {stage: (statistics.median(next(side)), statistics.median(next(side))) for stage, side in sides.items()}


def grown(found: Sequence[tuple[int, Parts]]) -> list[Row]:
    """Tell of each stage what it takes at each size, and the exponent by which it grows from size to size."""
    rows = []
    for stage in found[0][1]:
        taken = ", ".join(f"{count}: {parts[stage][0]:.2f} + {parts[stage][1]:.2f} s" for count, parts in found)
        powers = []
        for (small, less), (large, more) in itertools.pairwise((count, parts[stage]) for count, parts in found):
            own = growth(small, less[0], large, more[0])
            powers.append(f"{growth(small, sum(less), large, sum(more)):.2f} (user's alone {own:.2f})")
        task = f"{stage}, CPU by tiles, user + system"
        rows.append(Row(task, taken, ratio=f"grows by {', '.join(powers)}" if powers else "", goal=f"{GOAL}"))
    return rows


def growth(small: float, less: float, large: float, more: float) -> float:
    """Return the exponent by which a time grows with a size: 1 = in proportion to it; NaN where nothing was taken."""
    if min(less, more) <= 0:
        return math.nan
    return math.log(more / less) / math.log(large / small)
