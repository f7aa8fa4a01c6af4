"""A command with a watch at each of its stages: the CPU seconds that each takes, user and system.

`python -m tests.bench.stages score ...` is `siteplan score ...` as it stands, but that the functions at which a stage
begins are wrapped. What a stage does within another counts to itself alone.
"""

import functools
import importlib
import json
import resource
import sys
from collections.abc import Callable
from typing import Any

from tests.bench.command import run_here

__all__ = ["REST", "STAGES", "Watch", "watched"]

STAGES = {
    "reading people": ["siteplan.study.load.load_cells"],
    "reading and building the streets": ["siteplan.study.load.load_ground"],
    "who may use them, joining sites to them": ["siteplan.study.load.load_streets"],
    "joining people to them": ["siteplan.study.load.points_of", "siteplan.study.load.linked_by_mode"],
    "laying the graphs": ["siteplan.times.mode_graph"],
    "searching, and keeping what is found": [
        "siteplan.study.searched.times_of",
        "siteplan.study.searched.tiled_times",  # of many sites, in its place
    ],
    "minutes and people together": [
        "siteplan.study.searched.reach_of",
        "siteplan.study.searched._reach_of_tiles",  # of many sites, in its place
    ],
    "scores": ["siteplan.study.stages._scores"],
    "places without access": ["siteplan.study.stages.places_left_out"],
    "degree of urbanisation, who has access": ["siteplan.study.stages.access_tables"],
    "the nearest site of each cell": ["siteplan.study.stages.cell_access"],
}
REST = "all else, imports first"


class Watch:
    """A clock of CPU that runs for one stage at a time; `spent` has the user's and the system's seconds of each."""

    def __init__(self, cpu: Callable[[], tuple[float, float]]) -> None:
        self.spent: dict[str, tuple[float, float]] = {}
        self._cpu, self._stage, self._last = cpu, REST, (0.0, 0.0)

    def turn(self, stage: str) -> str:
        """Let the clock run for another stage; return for which it ran."""
        now, (user, system) = self._cpu(), self.spent.get(self._stage, (0.0, 0.0))
        self.spent[self._stage] = (user + now[0] - self._last[0], system + now[1] - self._last[1])
        before, self._stage, self._last = self._stage, stage, now
        return before

    def wrap(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """Return a function that does the same, on the clock of a stage."""

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            before = self.turn(stage)
            try:
                return function(*args, **options)
            finally:
                self.turn(before)

        return timed


def watched(work: Callable[[], Any]) -> tuple[Any, dict[str, tuple[float, float]]]:
    """Do some work in this process with a watch at every stage; return what it gave, and what each took.

    Raises
    ------
    RuntimeError
        A stage was never entered, so that its function is none of the pipeline any more.
    """
    watch = Watch(_cpu)
    for stage, functions in STAGES.items():
        for path in functions:
            name, _, attribute = path.rpartition(".")
            module = importlib.import_module(name)
            setattr(module, attribute, watch.wrap(getattr(module, attribute), stage))
    found = work()
    watch.turn(REST)
    missing = [stage for stage in STAGES if stage not in watch.spent]
    if missing:
        raise RuntimeError(f"never entered: {', '.join(missing)}; name their functions of now in STAGES")
    return found, {stage: watch.spent[stage] for stage in (*STAGES, REST)}


def _cpu() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)  # of all threads
    return used.ru_utime, used.ru_stime


if __name__ == "__main__":
    took, parts = watched(run_here)
    sys.stdout.write("\n" + json.dumps({**took, "stages": parts}) + "\n")
