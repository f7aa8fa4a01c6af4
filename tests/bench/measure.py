"""How things are measured: CPU seconds over all threads, taken in turns; memory in processes of their own."""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["ROOT", "Row", "Told", "Took", "in_child", "in_turns", "megabytes", "peak_megabytes", "seconds", "table"]

ROOT = Path(__file__).parents[2]
ENOUGH = 0.05


@dataclass(frozen=True)
class Row:
    """One line of the table; without `other`, something siteplan does alone, against a `goal`."""

    task: str
    ours: str
    other: str = ""
    theirs: str = ""
    ratio: str = ""
    goal: str = ""


def seconds(value: float) -> str:
    """Write seconds so that three figures show."""
    if value < 0.01:
        return f"{value * 1000:.2f} ms"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def megabytes(file: Path) -> str:
    """Write the size of a file."""
    return f"{file.stat().st_size / 1e6:.1f}"


def in_turns(
    task: str,
    ours: Callable[[], Any],
    theirs: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    scale: Mapping[str, float] | None = None,
    per: tuple[float, str] = (1, ""),
    goals: Mapping[str, str] | None = None,
) -> list[Row]:
    """Run ours and each of theirs in turns and compare each pair.

    `scale` says how much more work ours does than an other, where the other is so slow that it is given less, and three
    rounds at most; `per` divides the times shown. All has run once before, in the test that the answers are equal. Two
    pairs are enough where their ratios are within `ENOUGH` of each other.
    """
    rows = []
    for name, their in theirs.items():
        more = (scale or {}).get(name, 1.0)
        slow = name in (scale or {})
        pairs: list[tuple[float, float]] = []
        ratios: list[float] = []
        while len(pairs) < (min(rounds, 3) if slow else rounds):
            if len(pairs) == 2 and ratios[1] < ratios[0] * (1 + ENOUGH):
                break
            pairs.append((_cpu(ours), _cpu(their) * more))
            ratios = sorted(b / a for a, b in pairs)
        mine, others = (statistics.median(side) / per[0] for side in zip(*pairs, strict=True))
        median = statistics.median(ratios)
        places = 0 if median >= 20 else 1
        rows.append(
            Row(
                task,
                seconds(mine) + per[1],
                name,
                seconds(others) + per[1],
                f"{median:.{places}f} ({ratios[0]:.{places}f}-{ratios[-1]:.{places}f})",
                (goals or {}).get(name, ""),
            )
        )
    return rows


def _cpu(work: Callable[[], Any]) -> float:
    gc.collect()
    start = time.process_time()
    done = work()
    return done if isinstance(done, Took) else time.process_time() - start


def peak_megabytes(process: int | str = "self") -> float:
    """Return the most memory a process ever held. `ru_maxrss` would count what its parent held before it began."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{process}/status has no VmHWM")


class Took(float):
    """CPU seconds that were spent in another process."""


class Told:
    """An engine in a process of its own, told line by line what to do: it says "ready", and "done" after each line.

    It ends when nobody can tell it anything more, however this process ended, and is ended after `limit` seconds with
    one line.
    """

    def __init__(self, command: Sequence[str | Path], *, limit: float = 300) -> None:
        self.limit = limit
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        try:
            self.start = self._until("ready")
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    @property
    def peak(self) -> float:
        return peak_megabytes(self.process.pid)

    def tell(self, line: str) -> Took:
        """Have one thing done; return the CPU seconds of all its threads, and of the programs that it ran."""
        before = self._cpu()
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return Took(self._until("done") - before)

    def _cpu(self) -> float:
        number = self.process.pid
        ran = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[13:15]
        # The clock of another process's CPU, as clock_getcpuclockid has it.
        return time.clock_gettime(~number << 3 | 2) + sum(map(int, ran)) / os.sysconf("SC_CLK_TCK")

    def _until(self, word: str) -> float:
        late = threading.Timer(self.limit, self.process.kill)
        late.start()
        try:
            assert self.process.stdout
            for line in self.process.stdout:
                if line.strip() == word:
                    return self._cpu()
        finally:
            late.cancel()
        self.errors.seek(0)
        said = self.errors.read()[-2000:]
        raise RuntimeError(f"{self.process.args} ended, or took more than {self.limit:g} s, before {word!r}:\n{said}")


def in_child(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run a module of this package in a process of its own; return the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=None if environment is None else dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ["task", "siteplan", "other", "its time", "ratio (min-max)", "goal"]
    lines = [[row.task, row.ours, row.other, row.theirs, row.ratio, row.goal] for row in rows]
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]
    text = [head, ["-" * width for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in text
    )
