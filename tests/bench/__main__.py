"""Measure siteplan against other engines, side by side in one run, and print a table."""

import argparse
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path

from tests.bench import choose, command, load, million, reach, reading, routers, scale, shapes, siting, start, transit
from tests.bench.measure import Row, table
from tests.bench.worlds import MissingError

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
    "scale": scale.scale,
    "cover": siting.cover,
    "median": siting.median,
    "choose": choose.choose,
    "transit": transit.transit,
    "engines": routers.engines,
}


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


def main() -> int:
    """Run the tasks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="task", help=f"any of {', '.join(TASKS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of each comparison (3)")
    parser.add_argument("--markdown", type=Path, help="write the table here, too")
    options = parser.parse_args()
    unknown = set(options.names) - set(TASKS)
    if unknown:
        parser.error(f"no task {', '.join(sorted(unknown))}; expected any of {', '.join(TASKS)}")
    rows: list[Row] = []
    failed = False
    for name in options.names or TASKS:
        began = time.perf_counter()
        try:
            found = TASKS[name](options.rounds)
        except MissingError as missing:
            print(f"{name}: left out: {missing}", flush=True)
            continue
        except (AssertionError, RuntimeError) as wrong:  # what one task says must not cost all others
            print(f"{name}: failed: {wrong}", flush=True)
            failed = True
            continue
        rows += found
        print(f"{table(found)}\n{name}: {time.perf_counter() - began:.0f} s", flush=True)
    text = f"{table(rows)}\n\n{ran_on()}\n"
    print(f"\n{text}")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
