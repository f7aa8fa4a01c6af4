"""A page on paper: Chromium prints it, where there is one."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from siteplan.errors import StudyError
from siteplan.output.files import whole_file

__all__ = ["find_chromium", "print_pdf"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
SECONDS = 180
# No network: every name is unknown, and nothing that a browser does on its own is done.
QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)
DATES = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}")
NODES = re.compile(rb"\(node(\d{8})\)")


def find_chromium() -> str | None:
    """Return where Chromium, or a browser made from it, is; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def print_pdf(page: str | Path, path: str | Path, *, chromium: str | None = None) -> None:
    """Print an HTML file as a PDF, whole or not at all, without using the network.

    Parameters
    ----------
    page
        The HTML file, as `write_report` or `SiteMap.save` wrote it.
    path
        The PDF to write. The date in it is a fixed one, so that the same page gives the same bytes.
    chromium
        The browser; None looks for one.

    Raises
    ------
    StudyError
        No Chromium here, or one that cannot print the page.
    """
    browser = chromium or find_chromium()
    if browser is None:
        raise StudyError(f"{path}: no Chromium here to print it; install chromium, or open {page} and print to a file")
    with tempfile.TemporaryDirectory(prefix="siteplan-") as profile, whole_file(path) as aside:
        asked = [
            browser,
            *QUIET,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={aside}",
            Path(page).resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            asked.insert(1, "--no-sandbox")  # Chromium's own sandbox refuses to run for root
        try:
            run = subprocess.run(asked, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StudyError(f"{path}: {browser} could not print {page} ({error}); print it from a browser") from None
        if not aside.is_file():
            said = run.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise StudyError(f"{path}: {browser} did not print {page} ({said[0][:200]}); print it from a browser")
        aside.write_bytes(_steady(aside.read_bytes()))


def _steady(content: bytes) -> bytes:
    """Take out of a PDF what differs from one printing to the next, byte for byte: the date, and where ids begin."""
    dated = DATES.sub(rb"/\1 (D:20000101000000", content)
    number = {old: at for at, old in enumerate(sorted(set(NODES.findall(dated))), start=1)}
    return NODES.sub(lambda found: b"(node%08d)" % number[found[1]], dated)
