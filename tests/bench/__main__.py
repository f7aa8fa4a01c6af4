"""Measure siteplan against other engines, side by side in one run, and print a table.

Tasks that are measured by CPU alone, on one thread for the most part, are run two at a time.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path

from tests.bench import (
    choose,
    command,
    load,
    million,
    planners,
    reach,
    reading,
    routers,
    scale,
    shapes,
    sharing,
    siting,
    start,
    transit,
)
from tests.bench.measure import Row, table
from tests.bench.worlds import MissingError


def engines(rounds: int) -> list[Row]:
    """Measure the engines that professionals pick; they say which are left out."""
    return routers.engines(rounds) + planners.planners(rounds)


def size(rounds: int) -> list[Row]:
    """Measure how work grows with a place, and how it is shared out."""
    return scale.scale(rounds) + sharing.sharing(rounds)


TASKS: dict[str, Callable[[int], list[Row]]] = {
    "origins": reach.origins,
    "every-node": reach.every_node,
    "few-points": reach.few_points,
    "million": million.million,
    "polygons": shapes.polygons,
    "reading": reading.reading,
    "start": start.start,
    "command": command.command,
    "load": load.load,
    "scale": size,
    "cover": siting.cover,
    "median": siting.median,
    "choose": choose.choose,
    "transit": transit.transit,
    "engines": engines,
}
BY_CPU = ("transit", "engines", "origins", "every-node", "few-points", "polygons", "reading")  # the longest first


def ran_on() -> str:
    """Say what ran on what."""
    others = []
    for name in (
        "numpy",
        "numba",
        "scipy",
        "pandana",
        "networkx",
        "osmnx",
        "pyrosm",
        "osmium",
        "cafein",
        "ferrobus",
        "highspy",
        "spopt",
    ):
        try:
            others.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            others.append(f"{name} absent")
    return (
        f"Python {platform.python_version()} on {cpu_count()} cores ({platform.machine()}), {platform.system()}; "
        + ", ".join(others)
        + "."
    )


def both_kinds(names: Sequence[str], rounds: int) -> Iterator[tuple[list[Row], bool]]:
    """Run tasks; return the rows of each, and whether it failed."""
    paired = [name for name in BY_CPU if name in names]
    if len(paired) > 1:
        with ThreadPoolExecutor(2) as pool:
            yield from pool.map(lambda name: run_apart(name, rounds), paired)
    else:
        paired = []
    for name in names:
        if name not in paired:
            yield run(name, rounds)


def run_apart(name: str, rounds: int) -> tuple[list[Row], bool]:
    """Run a task in a process of its own."""
    asked = [sys.executable, "-m", "tests.bench", name, "--rounds", str(rounds), "--json"]
    *said, last = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines() or [""]
    print("\n".join(said), flush=True)
    if not last.startswith("{"):
        print(f"{name}: failed: its process ended", flush=True)
        return [], True
    told = json.loads(last)
    return [Row(**row) for row in told["rows"]], told["failed"]


def run(name: str, rounds: int) -> tuple[list[Row], bool]:
    """Run a task here."""
    began = time.perf_counter()
    try:
        found = TASKS[name](rounds)
    except MissingError as missing:
        print(f"{name}: left out: {missing}", flush=True)
        return [], False
    except (AssertionError, RuntimeError) as wrong:  # what one task says must not cost all others
        print(f"{name}: failed: {wrong}", flush=True)
        return [], True
    print(f"{table(found)}\n{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return found, False


def main() -> int:
    """Run the tasks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="task", help=f"any of {', '.join(TASKS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of each comparison (3)")
    parser.add_argument("--json", action="store_true", help="print all rows as JSON last")
    parser.add_argument("--markdown", type=Path, help="write the table here, too")
    options = parser.parse_args()
    unknown = set(options.names) - set(TASKS)
    if unknown:
        parser.error(f"no task {', '.join(sorted(unknown))}; expected any of {', '.join(TASKS)}")
    began, failed = time.perf_counter(), False
    rows: list[Row] = []
    for found, said in both_kinds(options.names or list(TASKS), options.rounds):
        rows += found
        failed |= said
    text = f"{table(rows)}\n\n{ran_on()}\n"
    if options.json:
        print(json.dumps({"rows": [vars(row) for row in rows], "failed": failed}))
    else:
        print(f"\n{text}\nIn all {time.perf_counter() - began:.0f} s.")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
