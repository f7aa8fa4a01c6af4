"""What all tests share: the settings of generated tests, and the real places, which may be absent."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from typer.testing import CliRunner

from siteplan.cli import app

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))

# The same examples in every run; HYPOTHESIS_PROFILE=wild looks for new ones.
wild = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("wild", wild)
settings.register_profile("same", wild, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Leave out what matters only when the power fails, and what a run waits for twenty times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Return the path of a real place's file, or skip the test, naming what is absent."""

    def path(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"real data absent: {DATA / name}")
        return DATA / name

    return path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the demo, which costs as much as many tests: once for all workers, to be looked at and not to be changed.

    The folder holds the sample territory, its `results`, and in `stdout` what the command said.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    with FileLock(f"{folder}.lock"):
        if not (folder / "stdout").exists():
            done = CliRunner().invoke(app, ["demo", str(folder)])
            assert done.exit_code == 0, done.stderr
            (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    return folder


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many inputs were tried of each kind, where more were tried than in any test run (`make fuzz`)."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, ())]
    found = [value for each in reports for name, value in each.user_properties if name == "tried"]
    if found and "SITEPLAN_SPOILT" in os.environ:
        total = ("all", *(sum(row[column] for row in found) for column in (1, 2, 3)))
        for name, tried, read, failed in [*sorted(map(tuple, found)), total]:
            terminalreporter.write_line(f"{name}: {tried:,} tried, {read:,} read, {failed} kinds of failures")
