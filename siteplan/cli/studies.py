"""Commands on a study: write, check, run and score it, draw its isochrones."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siteplan.cli.choosing import CHOICE
from siteplan.cli.common import (
    VARIANTS,
    Json,
    Quiet,
    Verbose,
    app,
    asks,
    keeps,
    plain_console,
    progress,
    questions,
    say,
    show,
    with_manners,
)
from siteplan.cli.hiring import Cluster, Processes, hired
from siteplan.cli.piped import DASH
from siteplan.cli.values import rings_files, tables_files
from siteplan.errors import StudyError

if TYPE_CHECKING:
    from siteplan.config import Study
    from siteplan.study import Territories

__all__ = ["check", "choose", "demo", "init", "isochrones", "run", "score"]


@app.command()
@with_manners
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("siteplan-demo"),
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
) -> None:
    """Write the sample territory and run it.

    Prints the ranked table and says where the map is.
    """
    from siteplan.samples import write_sample
    from siteplan.study import run as run_study

    with progress(quiet, verbose) as tell:
        result = run_study(write_sample(folder) / "study.yaml", progress=tell)
    show(result, as_json, quiet)


@app.command()
@with_manners
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write study.yaml.")],
    streets: Annotated[Path | None, typer.Option(help="Extract or graph of the streets, wherever it is.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write a commented study file, with the files that lie in the folder filled in by their names.

    Of several files for one key none is taken: they are listed. A file that is there is never overwritten.
    """
    from siteplan.study.lying import find_inputs
    from siteplan.study.template import init_study

    lying = find_inputs(folder, streets)
    path = init_study(folder, lying.keys)
    typer.echo(path)
    for text in lying.found:
        say(f"found {text}", quiet)
    for text in lying.unclear:
        say(f"not filled in: {text}", quiet)
    say(f"fill it in, then: siteplan check {path}", quiet)


def _or_results(command: Callable[..., None]) -> Callable[..., None]:
    """Let `check` look at a folder of results where it is given one."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        from siteplan.output.files import is_results

        folder, how = given["study"], {key: given[key] for key in ("as_json", "quiet")}
        if folder is None or not is_results(folder):
            command(**given)
            return
        if any(value not in (None, [], ()) for key, value in given.items() if key not in ("study", *how)):
            raise StudyError(f"{folder}: is a folder of results, beside which no options of a study are taken")
        _print_findings(folder, **how)

    return run


@app.command()
@with_manners
@_or_results
@asks("streets", "population", "sites")
def check(study: "Study", as_json: Json = False, quiet: Quiet = False) -> None:
    """Read everything, say what is wrong or odd.

    No travel times are computed. The exit code is 1 if the study cannot run.
    Given a folder of results, says which files are missing or not as the run wrote them; then the exit code is 1, too.
    """
    _print_findings(study, as_json, quiet)


def _print_findings(asked: "Study | Path", as_json: bool, quiet: bool) -> None:
    from siteplan.study import check as check_study

    findings = check_study(asked)
    shown = [finding for finding in findings if not (quiet and finding.severity == "info")]
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in shown], ensure_ascii=False, indent=1))
    else:
        for finding in shown:
            typer.echo(f"{finding.severity:<8} {finding.place}: {finding.text}")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command()
@with_manners
@asks("streets", "population", "sites")
def run(
    study: "Study",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of results. [the study's own]")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
    workers: Processes = None,
    cluster: Cluster = None,
) -> None:
    """Do everything a study asks for.

    Scores, overlap, times, isochrones, map and manifest go into a folder of results. With area.each, every territory
    is planned for by itself, in a folder of its own, and one table tells of all.
    """
    from siteplan.study import run as run_study
    from siteplan.study import run_each

    folder = study.output.folder if out is None else out
    if study.area.each is not None:
        with progress(quiet, verbose) as tell, hired(workers, cluster) as executor:
            _show_each(run_each(study, out=folder, progress=tell, executor=executor), study, as_json, quiet)
        return
    with keeps(folder), progress(quiet, verbose) as tell, hired(workers, cluster) as executor:
        result = run_study(study, out=out, progress=tell, executor=executor)
    show(result, as_json, quiet)


def _show_each(found: "Territories", study: "Study", as_json: bool, quiet: bool) -> None:
    """Print what every territory of a study came to; exit with 1 where none has results."""
    from siteplan.output.terminal import print_each

    table = found.table
    if as_json:
        rows = json.loads(table.reset_index().to_json(orient="records"))
        typer.echo(json.dumps({"folder": str(found.folder), "territories": rows}, ensure_ascii=False, indent=1))
    else:
        print_each(table, plain_console(), language=study.language, currency=study.currency)
    done = int((table["error"] == "").sum())
    say(f"{done} of {len(table)} territories have results, in {found.folder}; each_territory.csv tells of all", quiet)
    if not done:
        raise typer.Exit(1)


@app.command()
@with_manners
@asks("streets", "population", "sites", unused=lambda: VARIANTS)
def score(
    study: "Study",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write the scores as this CSV, too; - prints it.", autocompletion=tables_files
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
    workers: Processes = None,
    cluster: Cluster = None,
) -> None:
    """Print whom each site reaches, ranked."""
    from siteplan.study import score as score_study

    with progress(quiet, verbose) as tell, hired(workers, cluster) as executor:
        result = score_study(study, out=out, progress=tell, executor=executor)
    if out != DASH:
        show(result, as_json, quiet)


@app.command()
@with_manners
@asks("sites", "streets", more=CHOICE, unused=lambda: VARIANTS)
def choose(
    study: "Study",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write the chosen sites as this CSV (- prints it), or all tables into a folder.",
            autocompletion=tables_files,
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
    workers: Processes = None,
    cluster: Cluster = None,
) -> None:
    """Choose the best set of sites, and say how far from the best possible it is.

    A table of times will do in place of streets and population: each of its points then counts once.
    """
    from siteplan.catalogue import BEST
    from siteplan.output.tables import choice_json
    from siteplan.output.terminal import print_choice, print_coverage
    from siteplan.study import choose as choose_in

    with progress(quiet, verbose) as tell, hired(workers, cluster) as executor:
        choice = choose_in(study, out=out, progress=tell, executor=executor)
    if out == DASH:
        return
    if as_json:
        typer.echo(choice_json(choice))
    else:
        full = study.choose is not None and bool(study.choose.capacities)
        print_choice(choice, plain_console(), full=full, language=study.language, currency=study.currency)
        if choice.coverage is not None and study.choose is not None:
            longest = study.travel.longest(study.choose.mode or BEST)
            print_coverage(
                choice.coverage,
                study.choose.limit(longest) if study.choose.goal.limited else longest,
                plain_console(),
                profiles={each.name: each.model_dump() for each in study.profiles()},
                publics=study.publics,
                language=study.language,
            )


@app.command()
@with_manners
@asks("streets", "sites", unused=questions)
def isochrones(
    study: "Study",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write .gpkg, .geojson, .parquet (GeoParquet) or .fgb.", autocompletion=rings_files
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as GeoJSON.")] = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
    workers: Processes = None,
    cluster: Cluster = None,
) -> None:
    """Draw the area within each limit of each site.

    Without -o and --json, their sizes are printed as CSV.
    """
    from siteplan.output.files import refuse_name
    from siteplan.output.guard import refuse_inputs
    from siteplan.study import draw, write_places
    from siteplan.study.manifest import input_files
    from siteplan.study.write import geojson_text

    if out is not None:
        refuse_name(out)
        refuse_inputs(input_files(study).values(), [out])
    with progress(quiet, verbose) as tell, hired(workers, cluster) as executor:
        rings = draw(study, progress=tell, executor=executor)
    if out is not None:
        write_places(rings, out)
        say(f"{len(rings)} isochrones in {out}", quiet)
    if as_json:
        typer.echo(geojson_text(rings))
    elif out is None:
        areas = rings.assign(km2=(rings.area / 1e6).round(3)).drop(columns="geometry")
        typer.echo(areas.to_csv(index=False, lineterminator="\n"), nl=False)
