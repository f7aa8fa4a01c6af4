"""The command line: parse, call one function, print. Data goes to stdout, all else to stderr.

Heavy modules are imported inside the commands, so that `siteplan --help` answers at once.
"""

import contextlib
import functools
import inspect
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siteplan import __version__
from siteplan.errors import SiteplanError

if TYPE_CHECKING:
    from siteplan.config import Study

__all__ = ["app", "main"]

app = typer.Typer(
    help="Where should the next telecentre go, and whom does it reach without a car?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Plain options by the study key that they set: the same study with or without a file.
OPTIONS: dict[str, tuple[str, Any, str]] = {
    "inputs.streets": ("--streets", Path, "OpenStreetMap extract (.osm.pbf, .osm), or GraphML from OSMnx."),
    "inputs.population": ("--population", Path, "Where people are: .tif, .gpkg, .geojson, .parquet or .csv."),
    "inputs.population.people": ("--people", str, "The column of the population file that holds people."),
    "inputs.population.groups": ("--groups", str, "Columns to report beside people, such as workers,age_65."),
    "inputs.sites": ("--sites", Path, "Existing and candidate sites: .csv, .geojson or .gpkg."),
    "inputs.elevation": ("--elevation", Path, "Terrain model (.tif): slopes change the speed."),
    "inputs.times": ("--times", Path, "A travel-time table of your own, in place of a search."),
    "travel.modes": ("--mode", str, "walk, bike, slow_walk, pedelec; several with commas. [walk,bike]"),
    "travel.minutes": ("--minutes", str, "Limits, such as 15,20. [15,20]"),
    "travel.direction": ("--direction", str, "to or from the site. [to]"),
}
Command = Callable[..., None]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings, no closing words.")]
Json = Annotated[bool, typer.Option("--json", help="Print for a machine.")]


def main() -> None:
    """Run the command line."""
    app(prog_name="siteplan")


@contextlib.contextmanager
def _manners(quiet: bool) -> Iterator[None]:
    """Say what went wrong in one line and what was odd once each; leave no traceback behind."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            yield
        except SiteplanError as error:
            _stop(f"error: {error}", 1)
        except KeyboardInterrupt:
            _stop("interrupted: what was computed is kept, the same command goes on from there", 130)
        except BrokenPipeError:
            # The reader (head, less) has seen enough; nothing more can be written, not even at exit.
            sys.stdout = None  # type: ignore[assignment]
            raise typer.Exit(141) from None
        except OSError as error:
            _stop(f"error: {error.filename or 'file'}: {error.strerror or error}", 1)
        finally:
            for text in dict.fromkeys(str(warning.message) for warning in odd):
                if not quiet:
                    typer.echo(f"warning: {text}", err=True)


def _stop(text: str, code: int) -> None:
    typer.echo(text, err=True)
    raise typer.Exit(code) from None


def _with_manners(command: Command) -> Command:
    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        with _manners(bool(given.get("quiet"))):
            command(*args, **given)

    return run


def _asks(*needs: str) -> Callable[[Command], Command]:
    """Give a command a study as its first argument, read from a file, plain options or both."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            from siteplan.study import read_study

            options = {key: given.pop(_name(key)) for key in OPTIONS}
            path, overrides = given.pop("study"), given.pop("overrides") or ()
            command(read_study(path, overrides, options=options, needs=needs), **given)

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        run.__signature__ = inspect.Signature([*_study_parameters(), *own])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*_study_parameters(), *own]}
        return run

    return decorate


def _name(key: str) -> str:
    return key.replace(".", "_")


def _study_parameters() -> list[inspect.Parameter]:
    study = typer.Argument(metavar="[STUDY]", help="Study file (YAML); options given beside it replace its keys.")
    overrides = typer.Option("--set", metavar="KEY=VALUE", help="Set any study key: travel.walk.speed_kmh=3.6.")
    parameters = [_parameter("study", Annotated[Path | None, study])]
    for key, (flag, kind, text) in OPTIONS.items():
        parameters.append(_parameter(_name(key), Annotated[kind | None, typer.Option(flag, help=text)]))
    return [*parameters, _parameter("overrides", Annotated[list[str] | None, overrides])]


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show the stages on a terminal; in a pipe or when quiet there is nothing to show them to."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            task = tasks.setdefault(stage, None) or bars.add_task(stage, total=total)
            tasks[stage] = task
            bars.update(task, completed=done, total=total)

        yield show


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(text, err=True)
