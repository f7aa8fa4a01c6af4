"""Work shared out: a `run` by threads, by processes and on a cluster, with a worker killed midway: the same bytes."""

import contextlib
import hashlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.measure import Row, in_child, seconds
from tests.bench.tiles import CHOSEN, asked_tiles, write_tiles
from tests.bench.worlds import data

__all__ = ["different", "sharing"]

STUDY = """\
name: Cities side by side
inputs: {{streets: streets.osm.pbf, population: people.tif, sites: sites.csv}}
travel: {{modes: [walk, bike], minutes: [15, 20]}}
choose: {{sites: {chosen}}}
"""
WAYS = (  # who does it, how many, whether one of them is killed midway
    ("one", 1, ""),
    ("threads", os.cpu_count() or 1, ""),
    ("processes", 2, ""),
    ("processes", 2, "killed"),
    ("cluster", 2, ""),
    ("cluster", 4, ""),
    ("cluster", 2, "killed"),
)
CALLED = {
    "one": "one thread",
    "threads": "{} threads",
    "processes": "{} processes",
    "cluster": "a Dask cluster of {} workers here",
}
Hands = tuple[Executor | None, Callable[[], list[int]]]


def sharing(rounds: int) -> list[Row]:
    """Measure a `run` of the fewest tiles that TILES says, by each way to share it out; fail where any byte differs."""
    del rounds  # seven ways
    count = min(asked_tiles())
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tiles(data("porto_alegre/poa_osm.pbf"), folder, count)
        (folder / "study.yaml").write_text(STUDY.format(chosen=CHOSEN * count), encoding="utf-8")
        first: dict[str, Any] = {}
        for who, hands, end in WAYS:
            if who == "cluster" and not _has_dask():
                print("left out: a cluster: distributed is not installed")
                continue
            took = in_child("tests.bench.sharing", name, who, str(hands), end)
            first = first or took
            called = CALLED[who].format(hands) + (", one killed midway" if end else "")
            wrong = different(first["files"], took["files"])
            if wrong:
                raise AssertionError(f"{called}: {', '.join(wrong)}: other bytes than by {CALLED[WAYS[0][0]]}")
            task = f"`siteplan run`, {count} tiles, by {called}"
            ratio = f"{first['wall'] / took['wall']:.2f} times as soon as by one thread"
            clocks = f"{seconds(took['wall'])} wall, {seconds(took['cpu'])} CPU"
            rows.append(Row(task, clocks, ratio=ratio, goal=f"{len(took['files'])} files, the same bytes"))
    return rows


def different(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Name the files that are not the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _has_dask() -> bool:
    try:
        import distributed  # noqa: F401
    except ImportError:
        return False
    return True


def shared(folder: Path, who: str, count: int, *, killed: bool) -> dict[str, Any]:
    """Run the study of a folder; return wall, CPU of all processes, and the digest of every file of the results.

    Raises
    ------
    RuntimeError
        A worker was to be killed, and none was.
    """
    import siteplan as sp

    ended: list[int] = []
    with tempfile.TemporaryDirectory() as results:
        with _hired(who, count) as (executor, processes):

            def kill(stage: str, done: int, total: int) -> None:
                if killed and not ended and stage.startswith("isochrones") and done < total <= 2 * done:
                    ended.extend(processes()[:1])
                    for process in ended:
                        os.kill(process, signal.SIGKILL)

            began = time.perf_counter()
            sp.run(folder / "study.yaml", out=results, progress=kill, executor=executor)
            wall = time.perf_counter() - began
        files = {
            path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(Path(results).rglob("*"))
            if path.is_file() and ".cache" not in path.parts
        }
    if killed and not ended:
        raise RuntimeError("no worker was killed: no isochrones were shared out over processes")
    used = (resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"wall": wall, "cpu": sum(each.ru_utime + each.ru_stime for each in used), "files": files}


@contextlib.contextmanager
def _hired(who: str, count: int) -> Iterator[Hands]:
    """Give the executor, and what tells the ids of its processes."""
    from siteplan.workers import Workers

    if who == "threads":
        yield None, list
    elif who == "one":
        with ThreadPoolExecutor(1) as pool:
            yield pool, list
    elif who == "processes":
        with Workers(count) as workers:
            yield workers, lambda: [each.process.pid for each in workers._all if each.process]
    else:
        import distributed

        how = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
        with distributed.LocalCluster(**how) as here, distributed.Client(here, set_as_default=False) as client:
            yield client.get_executor(), lambda: list(client.run(os.getpid).values())


if __name__ == "__main__":
    place, by, number, end = sys.argv[1:]
    told = shared(Path(place), by, int(number), killed=bool(end))
    sys.stdout.write("\n" + json.dumps(told) + "\n")
