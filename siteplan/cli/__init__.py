"""The command line: parse, call one function, print. Data goes to stdout, all else to stderr.

Heavy modules are imported inside the commands, so that `siteplan --help` answers at once.
"""

import contextlib
import gc
import io
import locale
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from siteplan import __version__
from siteplan.cli import fetch, journeys, places, studies
from siteplan.cli.common import Ended, Stream, app
from siteplan.cli.variables import Command
from siteplan.memory import one_arena

__all__ = ["app", "fetch", "journeys", "main", "places", "studies"]

# As a planner meets them.
ORDER = "demo fetch init check run score choose isochrones itinerary candidates compare map report".split()
app.registered_commands.sort(key=lambda each: ORDER.index(str(each.name or getattr(each.callback, "__name__", ""))))
for each in app.registered_commands:
    each.cls = Command


ENDINGS = ("SIGTERM", "SIGHUP")
# The name of a file that is not UTF-8 is printed as the bytes that it is, and written out in messages.
ODD = ("strict", "surrogateescape", "backslashreplace")
UNSEEN = 1_000_000  # objects that may come into being before those in a circle are looked for


def main() -> None:
    """Run the command line."""
    # NumPy's linear algebra starts a thread for each core as it is imported; nothing here is large enough for more
    # than one, and each spins while it waits: a twelfth of `siteplan check`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    one_arena()
    _end_whole()
    _open_streams()
    # Hardly anything here lies in a circle; looking for it at every 700th object takes a tenth of a run.
    gc.set_threshold(UNSEEN)
    try:
        app(prog_name="siteplan")
    finally:
        gc.freeze()  # else Python looks through all once more as it ends, which takes as long as importing pandas


def _end_whole() -> None:
    """Let what tells a command to end, or a terminal that closes, end it as Ctrl-C does; nohup's ignoring stays."""
    for name in ENDINGS:
        number = getattr(signal, name, None)  # Windows has one of them
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _ended)


def _ended(number: int, _frame: FrameType | None) -> None:
    for name in ENDINGS:  # a second one, as of a terminal and its shell, is not to stop what the first has tidied up
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise Ended(number)


def _open_streams() -> None:
    """Let standard streams lead somewhere, and any text be printed.

    A closed one leads nowhere, as the next file to be opened would get its number, and all that is printed by
    libraries. Text is UTF-8 in a pipe or a file; a terminal shows ? where it has no sign.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: the stream's own
            os.set_inheritable(nowhere, True)
            setattr(sys, name, open(nowhere, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
        stream = getattr(sys, name)
        if number and isinstance(stream, io.TextIOWrapper):
            if isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):  # no console of Windows
                raw = io.BufferedWriter(Stream(stream.fileno(), "w", closefd=False))
                stream = io.TextIOWrapper(raw, stream.encoding, stream.errors, line_buffering=stream.line_buffering)
                setattr(sys, name, stream)
            asked = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if asked else "utf-8", errors="replace" if asked else ODD[number])
    # In the letters of Turkish, GDAL takes its own list of options to be out of order, and says so 60 times.
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


@app.callback(invoke_without_command=True)
def _siteplan(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
