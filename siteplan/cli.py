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
from siteplan.errors import SiteplanError, SiteplanWarning, StudyError

if TYPE_CHECKING:
    from siteplan.config import Study
    from siteplan.study import Result

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
            sys.stdout = None
            raise typer.Exit(141) from None
        except OSError as error:
            _stop(f"error: {error.filename or 'a file'}: {error.strerror or error}", 1)
        finally:
            # What libraries warn of among themselves is for developers, who see it in the tests.
            texts = dict.fromkeys(str(each.message) for each in odd if issubclass(each.category, SiteplanWarning))
            for text in () if quiet else texts:
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
            from siteplan.study.guard import refuse_inputs

            options = {key: given.pop(_name(key)) for key in OPTIONS}
            path, overrides = given.pop("study"), given.pop("overrides") or ()
            if path is not None and given.get("out") is not None:
                refuse_inputs([path], [given["out"]])
            command(read_study(path, overrides, options=options, needs=needs), **given)

        own = list(inspect.signature(command).parameters.values())[1:]
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
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)


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


def _show(result: "Result", as_json: bool, quiet: bool) -> None:
    """Print the ranked table, or the whole outcome for a machine."""
    if as_json:
        from siteplan.output.tables import scores_json

        outcome = {"scores": json.loads(scores_json(result.scores)), "manifest": result.manifest}
        folder = None if result.folder is None else str(result.folder)
        typer.echo(json.dumps({"folder": folder, **outcome}, ensure_ascii=False, indent=1, sort_keys=True))
        return
    _print_table(result)
    people = result.manifest["totals"]["people"]
    _say(
        f"{people['in']:,.0f} people in; {people['placed']:,.0f} placed, {people['too_far']:,.0f} too far from any "
        f"street, {people['island']:,.0f} on street islands; {people['missing_cells']:,.0f} cells without a count",
        quiet,
    )
    if result.folder is not None:
        _say(f"results in {result.folder}; open {result.folder / 'map.html'}", quiet)


def _print_table(result: "Result", rows: int = 20) -> None:
    from rich.console import Console

    from siteplan.output.tables import print_scores

    # In a pipe there is no edge to wrap at.
    console = Console(width=None if sys.stdout.isatty() else 400)
    print_scores(result.scores, rows, console, weights=result.weights)


@app.callback(invoke_without_command=True)
def _siteplan(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
@_with_manners
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("siteplan-demo"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the sample territory and run it.

    Prints the ranked table and says where the map is.
    """
    from siteplan.samples import write_sample
    from siteplan.study import run as run_study

    with _progress(quiet) as show:
        result = run_study(write_sample(folder) / "study.yaml", progress=show)
    _show(result, as_json, quiet)


@app.command()
@_with_manners
def init(folder: Annotated[Path, typer.Argument(help="Where to write study.yaml.")], quiet: Quiet = False) -> None:
    """Write a commented study file to fill in.

    A file that is there is never overwritten.
    """
    from siteplan.study.template import init_study

    path = init_study(folder)
    typer.echo(path)
    _say(f"fill it in, then: siteplan check {path}", quiet)


@app.command()
@_with_manners
@_asks("streets", "population", "sites")
def check(study: "Study", as_json: Json = False, quiet: Quiet = False) -> None:
    """Read everything, say what is wrong or odd.

    No travel times are computed. The exit code is 1 if the study cannot run.
    """
    from siteplan.study import check as check_study

    findings = check_study(study)
    shown = [finding for finding in findings if not (quiet and finding.severity == "info")]
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in shown], ensure_ascii=False, indent=1))
    else:
        for finding in shown:
            typer.echo(f"{finding.severity:<8} {finding.place}: {finding.text}")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command()
@_with_manners
@_asks("streets", "population", "sites")
def run(
    study: "Study",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of results. [the study's own]")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do everything a study asks for.

    Scores, overlap, times, isochrones, map and manifest go into a folder of results.
    """
    from siteplan.study import run as run_study

    with _progress(quiet) as show:
        result = run_study(study, out=out, progress=show)
    _show(result, as_json, quiet)


@app.command()
@_with_manners
@_asks("streets", "population", "sites")
def score(
    study: "Study",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the scores as this CSV, too.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print whom each site reaches, ranked."""
    from siteplan.study import score as score_study

    with _progress(quiet) as show:
        result = score_study(study, out=out, progress=show)
    _show(result, as_json, quiet)


@app.command()
@_with_manners
@_asks("streets", "sites")
def isochrones(
    study: "Study",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write .gpkg or .geojson.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as GeoJSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Draw the area within each limit of each site.

    Without -o and --json, their sizes are printed as CSV.
    """
    from siteplan.study import draw, write_places
    from siteplan.study.guard import refuse_inputs
    from siteplan.study.manifest import input_files

    if out is not None:
        refuse_inputs(input_files(study).values(), [out])
    with _progress(quiet) as show:
        rings = draw(study, progress=show)
    if out is not None:
        write_places(rings, out)
        _say(f"{len(rings)} isochrones in {out}", quiet)
    if as_json:
        typer.echo(rings.to_crs(4326).to_json(drop_id=True))
    elif out is None:
        areas = rings.assign(km2=(rings.area / 1e6).round(3)).drop(columns="geometry")
        typer.echo(areas.to_csv(index=False, lineterminator="\n"), nl=False)


@app.command()
@_with_manners
def candidates(
    streets: Annotated[Path, typer.Argument(help="OpenStreetMap extract with all its tags.")],
    tags: Annotated[Path | None, typer.Option("--tags", help="Your own table of tags (YAML).")] = None,
    area: Annotated[Path | None, typer.Option("--area", help="Polygons; only places in them are proposed.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write .csv, .geojson or .gpkg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as GeoJSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Propose candidate sites from OpenStreetMap.

    Without -o and --json, they are printed as CSV.
    """
    from siteplan.inputs.area import read_area
    from siteplan.inputs.candidates import propose_sites
    from siteplan.study.guard import refuse_inputs
    from siteplan.study.write import lonlat_table, write_places

    if out is not None:
        refuse_inputs([path for path in (streets, tags, area) if path is not None], [out])
        if out.exists():
            # A list of candidates is there to be chosen from and edited by hand.
            raise StudyError(f"{out}: is there already and is not overwritten; give another name, or remove it first")
    sites = propose_sites(streets, tags=tags, area=None if area is None else read_area(area))
    if out is not None:
        write_places(sites, out)
        _say(f"{len(sites)} candidate sites in {out}", quiet)
    if as_json:
        typer.echo(sites.to_crs(4326).to_json())
    elif out is None:
        typer.echo(lonlat_table(sites).to_csv(index=False, lineterminator="\n"), nl=False)


@app.command(name="map")
@_with_manners
def draw_map(
    folder: Annotated[Path, typer.Argument(help="A folder of results, as `siteplan run` writes it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Another place for the map.")] = None,
) -> None:
    """Draw map.html again from a folder of results."""
    from siteplan.study import redraw

    path = redraw(folder, out=out)
    typer.echo(path)
