"""The command that fetches what a study needs: from a name to files and a study that runs."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siteplan.cli.common import Json, Quiet, Verbose, app, say, stages_told, with_manners
from siteplan.cli.values import parts_to_fetch, sources_by_kind
from siteplan.errors import StudyError, listed

if TYPE_CHECKING:
    from siteplan.sources.area import Area
    from siteplan.sources.downloads import Downloads
    from siteplan.study.fetching import Fetched, Planned, Wishes

__all__ = ["chosen_place", "fetch"]


@app.command()
@with_manners
def fetch(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PLACE] FOLDER", help="As 'Moulins, Allier, France', and where to write."),
    ] = None,
    insee: Annotated[
        str | None, typer.Option("--insee", help="A commune of France by its code, in place of a name.")
    ] = None,
    bbox: Annotated[
        str | None, typer.Option("--bbox", help="west,south,east,north in degrees, in place of a name.")
    ] = None,
    area: Annotated[
        str | None, typer.Option("--area", help="Polygons in a file, or 'near Moulins, France', '10 km around 03190'.")
    ] = None,
    only: Annotated[
        str, typer.Option("--only", help="Some parts alone, such as streets,transit.", autocompletion=parts_to_fetch)
    ] = "",
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="KIND=NAME",
            help="Another source, such as population=worldpop.",
            autocompletion=sources_by_kind,
        ),
    ] = None,
    sources: Annotated[
        list[Path] | None, typer.Option("--sources", help="A file of sources of your own (YAML).")
    ] = None,
    margin_km: Annotated[float, typer.Option("--margin-km", min=0, max=50, help="How far around the place.")] = 5,
    year: Annotated[int | None, typer.Option("--year", help="Of the data, where a source has several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what from where, how large; write nothing.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask for nothing; take what is kept.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Ask whether what is kept has changed.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    verbose: Verbose = False,
) -> None:
    """Fetch everything that a study of a place needs, and write a study that runs.

    Streets, people, timetables, terrain, communes and candidate sites, each from the best source that covers the place.
    What cannot be had is listed with what to do by hand. The exit code is 2 where several places have the name.
    """
    from siteplan.study.fetching import Wishes, fetch_study, plan

    named = [each for each in (insee, bbox, area) if each is not None]
    place, folder = _told_apart(words or [], bool(named), dry_run)
    if len(named) + bool(place) != 1:
        raise StudyError("fetch: expected one place: a name, or one of --insee, --bbox and --area")
    wishes = Wishes(
        only=[each.strip() for each in only.split(",") if each.strip()],
        source=dict(_pair(each) for each in source or []),
        files=sources or [],
        margin=margin_km * 1000,
        year=year,
    )
    with _loading(quiet, verbose) as (tell, downloads):
        found = _area(place, insee, bbox, area, downloads=downloads(offline, update, tell), wishes=wishes)
        if dry_run:
            planned = plan(found, downloads(offline, update, tell), wishes)
            fetched = None
        else:
            fetched = fetch_study(found, Path(folder), downloads(offline, update, tell), wishes)
    if fetched is None:
        _show_plan(found, planned, as_json)
    else:
        _show(fetched, as_json, quiet)


def _told_apart(words: list[str], named: bool, dry_run: bool) -> tuple[str, str]:
    """Tell the place and the folder apart among what is typed."""
    most = 1 if named else 2
    if len(words) > most or (len(words) < most and not dry_run):
        what = "FOLDER" if named else "'PLACE' FOLDER"
        raise StudyError(
            f"fetch: found {listed(map(repr, words)) or 'nothing'}, expected {what}, such as: siteplan fetch "
            "'Moulins, Allier, France' moulins (a name of several words stands in quotes)"
        )
    return ("", (words or [""])[0]) if named else ((words or [""])[0], words[1] if len(words) > 1 else "")


def _pair(text: str) -> tuple[str, str]:
    kind, equals, name = text.partition("=")
    if not equals or not name:
        raise StudyError(f"--source: found '{text}'; expected kind=name, such as population=worldpop")
    return kind.strip(), name.strip()


def _area(
    place: str, insee: str | None, bbox: str | None, area: str | None, *, downloads: "Downloads", wishes: "Wishes"
) -> "Area":
    """Return the place that is meant; several of the name are listed, and none is taken."""
    from siteplan.sources.places import area_in_bounds, commune_by_code, find_places, places_meant

    if insee is not None:
        return commune_by_code(insee, downloads, files=wishes.files)
    if bbox is not None:
        return area_in_bounds(bbox)
    if area is not None:
        return chosen_place(places_meant(area, downloads, files=wishes.files), area, "--area")
    return chosen_place(find_places(place, downloads, source=wishes.source.get("place", ""), files=wishes.files), place)


def chosen_place(found: "Sequence[Area]", text: str, option: str = "") -> "Area":
    """Return the one place that was found; several are listed, each with how it is told, and end the command."""
    from siteplan.sources.places import AROUND
    from siteplan.study.fetching import one_place, told_place

    if len(found) > 1:
        typer.echo(f"error: '{text}': {len(found)} places have this name; say which, in place of the name:", err=True)
        before = around.group()[: around.start("place")] if (around := AROUND.fullmatch(text.strip())) else ""
        for each in found:
            typer.echo(f"  {told_place(each, option, before)}", err=True)
        raise typer.Exit(2)
    return one_place(found, text)


@contextlib.contextmanager
def _loading(
    quiet: bool, verbose: bool
) -> Iterator[tuple[Callable[[str, int, int], None] | None, Callable[..., "Downloads"]]]:
    """Show what is loaded on a terminal, with its size and rate."""
    from siteplan.sources.downloads import Downloads, is_offline

    def downloads(offline: bool, update: bool, tell: Any) -> Downloads:
        return Downloads(offline=offline or is_offline(), update=update, progress=tell)

    if verbose:
        yield stages_told(), downloads
        return
    if quiet or not sys.stderr.isatty():
        yield None, downloads
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description:<40.40}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name.replace("[", "("), total=None)
            bars.update(tasks[name], completed=done, total=total or None)

        yield tell, downloads


def _show_plan(area: "Area", planned: "list[Planned]", as_json: bool) -> None:
    """Print what would be fetched."""
    if as_json:
        told = [
            {"part": each.part, "source": each.source.name, "licence": each.source.licence, "files": each.files}
            for each in planned
        ]
        typer.echo(json.dumps({"area": area.name, "parts": told}, ensure_ascii=False, indent=1))
        return
    typer.echo(f"{area.name}")
    for each in planned:
        typer.echo(f"{each.part:<12} {each.source.title}; {each.source.licence}; {each.source.vintage or 'latest'}")
        for address, size in each.files:
            typer.echo(f"{'':<12} {'size not told' if size is None else _size(size)}  {address}")


def _show(fetched: "Fetched", as_json: bool, quiet: bool) -> None:
    """Print what was fetched, what is missing and how to go on."""
    if as_json:
        told = {
            "study": str(fetched.path),
            "area": fetched.area.name,
            "parts": {name: [asdict(used) for used in got.used] for name, got in fetched.got.items()},
            "missing": dict(fetched.missing),
            "notes": list(fetched.notes),
        }
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    typer.echo(fetched.path)
    for name, got in fetched.got.items():
        files = ", ".join(each if isinstance(each, str) else ", ".join(each) for each in got.inputs.values())
        origin = ", ".join(dict.fromkeys(f"{each.source} {each.vintage}".strip() for each in got.used))
        say(f"{name:<12} {files or '-'}  ({origin or 'made here'})", quiet)
    for text in fetched.held:
        say(f"checked: {text}", quiet)
    for text in fetched.notes:
        say(f"note: {text}", quiet)
    for name, why in fetched.missing.items():
        say(f"missing: {name}: {why}", quiet)
    credits_due = list(dict.fromkeys(f"{each.attribution} ({each.licence})" for each in fetched.used))
    if credits_due:
        say(f"name where the data show: {'; '.join(credits_due)}", quiet)
    lacking = [each for each in ("streets", "population", "sites") if getattr(fetched.study.inputs, each) is None]
    if lacking:
        say(f"before it can run it needs inputs.{', inputs.'.join(lacking)}: {fetched.path}", quiet)
    else:
        say(f"now: siteplan run {fetched.path}", quiet)


def _size(count: int) -> str:
    """Write a count of bytes in the unit that fits."""
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
