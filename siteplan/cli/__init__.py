"""The command line: parse, call one function, print. Data goes to stdout, all else to stderr.

Heavy modules are imported inside the commands, so that `siteplan --help` answers at once.
"""

from typing import Annotated

import typer

from siteplan import __version__
from siteplan.cli import places, studies
from siteplan.cli.common import app

__all__ = ["app", "main", "places", "studies"]


def main() -> None:
    """Run the command line."""
    app(prog_name="siteplan")


@app.callback(invoke_without_command=True)
def _siteplan(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
