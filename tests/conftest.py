"""What all tests share: the settings of generated tests, and the real places, which may be absent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))

# The same examples in every run; HYPOTHESIS_PROFILE=wild looks for new ones.
wild = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("wild", wild)
settings.register_profile("same", wild, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Return the path of a real place's file, or skip the test, naming what is absent."""

    def path(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"real data absent: {DATA / name}")
        return DATA / name

    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many inputs were tried of each kind, where more were tried than in any test run (`make fuzz`)."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, ())]
    found = [value for each in reports for name, value in each.user_properties if name == "tried"]
    if found and "SITEPLAN_SPOILT" in os.environ:
        total = ("all", *(sum(row[column] for row in found) for column in (1, 2, 3)))
        for name, tried, read, failed in [*sorted(map(tuple, found)), total]:
            terminalreporter.write_line(f"{name}: {tried:,} tried, {read:,} read, {failed} kinds of failures")
