"""What the tests of a study's questions share: a study that asks few of them, in quiet, and what its report says."""

import contextlib
import re
import warnings
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from siteplan.config import Study
from siteplan.errors import SiteplanWarning
from siteplan.study.reading import read_study


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let pass what a small place is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        yield


def asking(study: Path, *kept: str, overrides: tuple[str, ...] = ()) -> Study:
    """Read a study that asks some of its questions only."""
    left = [key for key in ("scenarios", "score", "choose", *Study.questions()) if key not in kept]
    return read_study(study, [*(f"{key}=" for key in left), *overrides])


def section(page: str, name: str) -> tuple[str, str]:
    """Return a section of a report: its markup, and its text."""
    (body,) = re.findall(rf'<section class="{name}".*?</section>', page, re.DOTALL)
    return body, " ".join(unescape(re.sub("<[^>]+>", " ", body)).split())
