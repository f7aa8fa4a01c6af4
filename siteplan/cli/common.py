"""What the commands share: the study as an argument, errors in one line, progress, printing a result."""

import contextlib
import functools
import inspect
import io
import json
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from siteplan.cli.choosing import set_aside
from siteplan.cli.piped import piped
from siteplan.cli.values import PROPOSED, proposed_keys, study_files
from siteplan.errors import SiteplanError, SiteplanWarning, StudyError, keys_named

if TYPE_CHECKING:
    from rich.console import Console

    from siteplan.config import Study
    from siteplan.output.result import Result

__all__ = [
    "VARIANTS",
    "Ended",
    "Json",
    "Quiet",
    "Stream",
    "Verbose",
    "app",
    "asks",
    "keeps",
    "plain_console",
    "progress",
    "questions",
    "say",
    "show",
    "stages_told",
    "with_manners",
]


class Program(TyperGroup):
    """The commands together, whose output, help too, need not be read to its end (by head, or less)."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments; help is printed here."""
        with _as_far_as_read():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        with _as_far_as_read():
            return super().invoke(*args, **kwargs)


@contextlib.contextmanager
def _as_far_as_read() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        sys.stdout = None  # nothing more can be written, not even at exit
        raise typer.Exit(141) from None
    except OSError as error:
        sys.stdout = None
        stop(f"error: {STDOUT}: {error.strerror or error}", 1)


class Ended(KeyboardInterrupt):
    """A signal, by its number, that ends a command as Ctrl-C does."""


class Stream(io.FileIO):
    """Standard output, which its errors name; or standard error, where what cannot be said is left unsaid."""

    def write(self, content: Any) -> Any:
        """Write bytes."""
        try:
            return super().write(content)
        except OSError as error:
            if self.fileno() == 2:
                return len(content)
            error.filename = STDOUT
            raise


app = typer.Typer(
    cls=Program,
    help="Where should the next telecentre go, and whom does it reach without a car?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every option can be given by a variable: SITEPLAN_RUN_MODE=walk stands for run --mode walk.",
)

# Plain options by the study key that they set: the same study with or without a file.
OPTIONS: dict[str, tuple[str, Any, str]] = {
    "inputs.streets": ("--streets", Path, "OpenStreetMap extract (.osm.pbf, .osm), or GraphML from OSMnx."),
    "inputs.population": ("--population", Path, "Where people are: .tif, .gpkg, .geojson, .parquet, .csv or .xlsx."),
    "inputs.population.people": ("--people", str, "The column of the population file that holds people."),
    "inputs.population.groups": ("--groups", str, "Columns to report beside people, such as workers,age_65."),
    "inputs.sites": ("--sites", Path, "Existing and candidate sites: .csv, .xlsx, .geojson or .gpkg."),
    "inputs.transit.feeds": ("--transit", list[Path], "GTFS feed (.zip or folder); once for each of several."),
    "inputs.transit.date": ("--date", str, "The day of service of the timetables, such as 2026-03-10."),
    "inputs.elevation": ("--elevation", Path, "Terrain model (.tif): slopes change the speed."),
    "inputs.times": ("--times", Path, "A travel-time table of your own, in place of a search."),
    "inputs.times_minutes": ("--times-minutes", str, "Its minutes are exact, rounded, or truncated as R5 writes them."),
    "travel.modes": (
        "--mode",
        str,
        "walk, bike, calm, slow_walk, pedelec, transit, or your own; several with commas. [walk,bike,calm]",
    ),
    "travel.minutes": ("--minutes", str, "Limits, such as 15,20, or by mode walk:15,20,transit:20,45. [15,20]"),
    "travel.metres": ("--metres", str, "Limits in metres in place of minutes, such as 400,800."),
    "travel.direction": ("--direction", str, "to or from the site. [to]"),
}
# Limits of a study file that those typed in another unit stand in the place of.
OTHER_UNIT = MappingProxyType({
    "travel.minutes": "travel.metres",
    "travel.metres": "travel.minutes",
})  # fmt: skip
# Parts of a study file that some commands leave alone: other studies, and what is asked of the people.
VARIANTS = ("scenarios", "matrix")
STDOUT = "standard output"
SITES = 20  # of a table in the terminal
Command = Callable[..., None]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings, no closing words.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Each stage with its time, all warnings, where an error arose.")
]
Json = Annotated[bool, typer.Option("--json", help="Print for a machine.")]


@contextlib.contextmanager
def manners(quiet: bool, verbose: bool) -> Iterator[None]:
    """Say what went wrong in one line and what was odd once each; leave no traceback behind unless it is asked for."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            yield
        except SiteplanError as error:
            if verbose:
                traceback.print_exc()
            stop(f"error: {error}", 1)
        except KeyboardInterrupt as error:
            number = error.args[0] if isinstance(error, Ended) else signal.SIGINT
            stop("interrupted: nothing is half written; the same command goes on from what was computed", 128 + number)
        except OSError as error:
            if error.filename == STDOUT or isinstance(error, BrokenPipeError):
                raise
            stop(f"error: {error.filename or 'a file'}: {error.strerror or error}", 1)
        finally:
            # What libraries warn of among themselves is for developers, who see it in the tests, and for who asks.
            told = [each for each in odd if verbose or issubclass(each.category, SiteplanWarning)]
            texts = dict.fromkeys(str(each.message) for each in told)
            for text in () if quiet else texts:
                typer.echo(f"warning: {text}", err=True)


def questions() -> tuple[str, ...]:
    """Name all that a study file asks beside where people travel and how, of which some commands know nothing."""
    from siteplan.config import Study

    return (*VARIANTS, "choose", "score", *Study.questions())


def stop(text: str, code: int) -> None:
    typer.echo(text, err=True)
    raise typer.Exit(code) from None


def with_manners(command: Command) -> Command:
    """Let a command end in one line, whatever goes wrong in it; `--verbose` is an option of every command."""
    signature = inspect.signature(command)
    tells = "verbose" in signature.parameters

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        verbose = bool(given.get("verbose") if tells else given.pop("verbose", False))
        with manners(bool(given.get("quiet")), verbose):
            command(*args, **given)

    if not tells:
        own = inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Verbose)
        parameters = [*signature.parameters.values(), own]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def asks(
    *needs: str,
    more: Mapping[str, tuple[str, Any, str]] = MappingProxyType({}),
    unused: Callable[[], Sequence[str]] = tuple,
) -> Callable[[Command], Command]:
    """Give a command a study as its first argument, read from a file, plain options (and `more` of them) or both.

    What the command leaves `unused` of a study file is not even read.
    """
    options_of = {**OPTIONS, **more}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            from siteplan.output.guard import refuse_inputs
            from siteplan.study import read_study

            options = {key: given.pop(_name(key)) for key in options_of}
            path, overrides = given.pop("study"), given.pop("overrides") or ()
            if path is not None and given.get("out") is not None:
                refuse_inputs([path], [given["out"]])
            with piped(options, kept=command.__name__ == "run") as told:
                typed = {key: value for key, value in told.items() if value not in (None, [])}
                flags = {key: options_of[key][0].split()[-1] for key in typed}
                with keys_named(lambda key: _typed_as(key, flags)):
                    aside = set_aside(path, typed)
                    replaced = [key for key, other in OTHER_UNIT.items() if other in typed and key not in typed]
                    left = [f"{key}=" for key in (*unused(), *aside, *replaced)]
                    study = read_study(path, [*left, *overrides], options=told, needs=needs)
                    for key in aside:
                        text = f"{path}: {key} is set aside, as what is typed stands in its place"
                        say(text, bool(given.get("quiet")))
                    _refuse_modes(study, typed)
                    with _of_study(path):
                        command(study, **given)

        own = list(inspect.signature(command).parameters.values())[1:]
        parameters = [*_study_parameters(options_of), *own]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _typed_as(key: str, flags: Mapping[str, str]) -> str:
    """Name the option as well by which a key, or what it lies in, was typed."""
    typed = next((each for each in (key, key.rpartition(".")[0]) if each in flags), None)
    return f"{key} ({flags[typed]})" if typed else key


def _refuse_modes(study: "Study", typed: Mapping[str, Any]) -> None:
    """Refuse modes to search by where nothing is searched: they would change nothing."""
    if study.inputs.times is not None and "travel.modes" in typed:
        raise StudyError(
            f"{study.inputs.times}: nothing is searched beside a table of times, and travel.modes (--mode) is for a "
            "search. Leave it out; where the table has several modes, --by (choose.mode) names the one to choose by"
        )


@contextlib.contextmanager
def _of_study(path: Path | None) -> Iterator[None]:
    """Let an error that names keys of the study name its file."""
    try:
        yield
    except StudyError as error:
        if path is None or not error.keys:
            raise
        raise StudyError(f"{path}: ", *error.args) from None


def _name(key: str) -> str:
    return key.replace(".", "_")


def _study_parameters(options: Mapping[str, tuple[str, Any, str]]) -> list[inspect.Parameter]:
    study = typer.Argument(
        metavar="[STUDY]",
        help="Study file (YAML); options given beside it replace its keys.",
        autocompletion=study_files,
    )
    overrides = typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set any study key: travel.walk.speed_kmh=3.6.",
        autocompletion=proposed_keys,
    )
    parameters = [_parameter("study", Annotated[Path | None, study])]
    for key, (flag, kind, text) in options.items():
        option = typer.Option(*flag.split(), help=text, autocompletion=PROPOSED.get(key))
        parameters.append(_parameter(_name(key), Annotated[kind | None, option]))
    return [*parameters, _parameter("overrides", Annotated[list[str] | None, overrides])]


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)


def stages_told() -> Callable[[str, int, int], None]:
    """Give what says each stage when it begins and when it is done, with the seconds since the command began."""
    start, done_last = time.perf_counter(), dict[str, bool]()

    def tell(stage: str, done: int, total: int) -> None:
        ends = total > 0 and done >= total
        if done_last.get(stage) != ends:
            done_last[stage] = ends
            told = f"done ({total:,})" if ends else "begins"
            typer.echo(f"{time.perf_counter() - start:8.2f} s  {stage}: {told}", err=True)

    return tell


@contextlib.contextmanager
def progress(quiet: bool, verbose: bool = False) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show the stages on a terminal, or line by line; in a pipe or when quiet there is nothing to show them to."""
    if verbose:
        yield stages_told()
        return
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            task = tasks.setdefault(stage, None) or bars.add_task(stage, total=total)
            tasks[stage] = task
            bars.update(task, completed=done, total=total)

        yield tell


@contextlib.contextmanager
def keeps(folder: Path) -> Iterator[None]:
    """Let an error of a run say that what was computed before it is kept for the next one."""
    kept = folder / ".cache"
    before = {path.name for path in kept.glob("*")}
    try:
        yield
    except SiteplanError as error:
        if {path.name for path in kept.glob("*")} - before:
            text = f"{str(error).rstrip('.')}. The travel times are kept in {kept}, where the next run finds them"
            raise type(error)(text) from None
        raise


def say(text: str, quiet: bool) -> None:
    """Say something beside the data."""
    if not quiet:
        typer.echo(text, err=True)


def show(result: "Result", as_json: bool, quiet: bool) -> None:
    """Print the ranked table, or the whole outcome for a machine."""
    if as_json:
        from siteplan.output.tables import scores_json

        outcome = {"scores": json.loads(scores_json(result.scores)), "manifest": result.manifest}
        folder = None if result.folder is None else str(result.folder)
        typer.echo(json.dumps({"folder": folder, **outcome}, ensure_ascii=False, indent=1, sort_keys=True))
        return
    _print_table(result)
    if result.scenarios:
        from siteplan.output.coverage import idle_lines
        from siteplan.output.terminal import print_scenarios, printable
        from siteplan.words import load_words

        told = result.manifest["scenarios"]
        rows, words = result.tables["scenarios"], load_words(result.language)
        print_scenarios(rows, told, plain_console(), language=result.language)
        for text in idle_lines(rows, result.study, result.rides, words):
            typer.echo(printable(text))
    _print_choice(result)
    _print_coverage(result)
    for line in rides_spoken(result.study):
        say(line, quiet)
    people = result.manifest["totals"]["people"]
    say(
        f"{people['in']:,.0f} people in; {people['placed']:,.0f} placed, {people['too_far']:,.0f} too far from any "
        f"street, {people['island']:,.0f} on street islands; {people['missing_cells']:,.0f} cells without a count",
        quiet,
    )
    if result.folder is not None:
        pages = [result.folder / name for name in ("map.html", "report.html")]
        say(f"results in {result.folder}; open {' and '.join(str(each) for each in pages if each.exists())}", quiet)


def _print_choice(result: "Result") -> None:
    """Print the chosen sites, their phases and what they cost, and what would be nearly as good."""
    if result.choice is None:
        return
    from siteplan.output.terminal import print_choice, print_frontier, printable
    from siteplan.output.tradeoffs import tradeoffs_told

    full = bool((result.study.get("choose") or {}).get("capacities"))
    how: dict[str, Any] = {"language": result.language, "currency": result.currency}
    print_choice(result.choice, plain_console(), full=full, **how)
    for text in tradeoffs_told(result):
        typer.echo(printable(text))
    frontier = result.table("frontier")
    if frontier is not None and len(frontier) > 1:
        names = dict(zip(result.sites.index.astype(str), result.sites["name"].astype(str), strict=True))
        print_frontier(frontier, plain_console(), names=names, asked=result.study["choose"], **how)


def rides_spoken(asked: Mapping[str, Any]) -> list[str]:
    """Say what a journey by public transport is, if there are any."""
    from siteplan.config import Rides

    day = asked["inputs"]["transit"]
    rides = [Rides(**profile) for profile in asked["travel"]["profiles"].values() if "window" in profile]
    return [f"{mode.name}: {day['date']}, {mode}" for mode in rides if day is not None]


def plain_console() -> "Console":
    """Return where tables are printed; in a pipe there is no edge to wrap at."""
    from rich.console import Console

    class Printer(Console):
        """A console that leaves it to the command to end when its reader has seen enough."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError from None

    return Printer(width=None if sys.stdout.isatty() else 400)


def _print_coverage(result: "Result") -> None:
    """Print who has an open site by each mode; `score` alone counts no openings."""
    from siteplan.catalogue import BEST
    from siteplan.output.coverage import terrain_told
    from siteplan.output.terminal import print_coverage
    from siteplan.words import load_words

    ways, choose = result.tables.get("coverage"), result.study["choose"] or {}
    if ways is not None:
        asked = choose.get("mode") or BEST
        modes = [asked] if isinstance(asked, str) else asked
        limit = choose.get("minutes") or max(map(result.longest, modes))
        print_coverage(
            ways,
            limit,
            plain_console(),
            profiles=result.profiles,
            publics=result.publics,
            language=result.language,
        )
        told = terrain_told(result.manifest, load_words(result.language))
        if told:
            typer.echo(told)


def _print_table(result: "Result") -> None:
    from siteplan.output.terminal import print_scores

    language = result.language
    print_scores(result.scores, SITES, plain_console(), weights=result.weights, rides=result.rides, language=language)
