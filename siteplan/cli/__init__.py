"""The command line: parse, call one function, print. Data goes to stdout, all else to stderr.

Heavy modules are imported inside the commands, so that `siteplan --help` answers at once.
"""

import contextlib
import gc
import io
import locale
import os
import sys
from typing import Annotated

import typer

from siteplan import __version__
from siteplan.cli import fetch, journeys, places, studies
from siteplan.cli.common import Printed, app
from siteplan.cli.variables import Command
from siteplan.memory import one_arena

__all__ = ["app", "fetch", "journeys", "main", "places", "studies"]

# As a planner meets them.
ORDER = "demo fetch init check run score choose isochrones itinerary candidates compare map report".split()
app.registered_commands.sort(key=lambda each: ORDER.index(str(each.name or getattr(each.callback, "__name__", ""))))
for each in app.registered_commands:
    each.cls = Command


UNSEEN = 1_000_000  # objects that may come into being before those in a circle are looked for


def main() -> None:
    """Run the command line."""
    # NumPy's linear algebra starts a thread for each core as it is imported; nothing here is large enough for more
    # than one, and each spins while it waits: a twelfth of `siteplan check`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    one_arena()
    _speak_unicode()
    # Hardly anything here lies in a circle; looking for it at every 700th object takes a tenth of a run.
    gc.set_threshold(UNSEEN)
    try:
        app(prog_name="siteplan")
    finally:
        gc.freeze()  # else Python looks through all once more as it ends, which takes as long as importing pandas


def _speak_unicode() -> None:
    """Let any text be printed: as UTF-8 in a pipe or a file, with ? where a terminal has no sign for it."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        raw = io.BufferedWriter(Printed(sys.stdout.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(raw, sys.stdout.encoding, sys.stdout.errors)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            asked = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if asked else "utf-8", errors="replace" if asked else None)
    # In the letters of Turkish, GDAL takes its own list of options to be out of order, and says so 60 times.
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


@app.callback(invoke_without_command=True)
def _siteplan(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
