"""Commands on files: propose candidate sites; draw the map, write the report, compare folders of results."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siteplan.cli.common import Json, Quiet, app, plain_console, say, with_manners
from siteplan.cli.piped import DASH
from siteplan.cli.values import places_files, tables_files
from siteplan.errors import StudyError

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["candidates", "compare", "draw_map", "report"]


@app.command()
@with_manners
def candidates(
    streets: Annotated[Path, typer.Argument(help="OpenStreetMap extract with all its tags.")],
    tags: Annotated[Path | None, typer.Option("--tags", help="Your own table of tags (YAML).")] = None,
    area: Annotated[
        str | None,
        typer.Option(
            "--area",
            help="Only places in it are proposed: polygons in a file, west,south,east,north, or a place by its name or "
            "code, such as 'Moulins, Allier, France', 03190, 'near 03190' or '10 km around 03190'.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write .csv, .gpkg, .geojson, .parquet (GeoParquet) or .fgb.",
            autocompletion=places_files,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as GeoJSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Propose candidate sites from OpenStreetMap.

    Without -o and --json, they are printed as CSV.
    """
    from siteplan.inputs.candidates import propose_sites
    from siteplan.output.guard import refuse_inputs
    from siteplan.study.write import geojson_text, lonlat_table, write_places

    out = None if out == DASH else out  # they are printed as CSV then
    if out is not None:
        read = (streets, tags, None if area is None else Path(area))
        refuse_inputs([path for path in read if path is not None], [out])
        if out.exists():
            # A list of candidates is there to be chosen from and edited by hand.
            raise StudyError(f"{out}: is there already and is not overwritten; give another name, or remove it first")
    sites = propose_sites(streets, tags=tags, area=None if area is None else _polygons(area))
    if out is not None:
        write_places(sites, out)
        say(f"{len(sites)} candidate sites in {out}", quiet)
    if as_json:
        typer.echo(geojson_text(sites))
    elif out is None:
        typer.echo(lonlat_table(sites).to_csv(index=False, lineterminator="\n"), nl=False)


def _polygons(text: str) -> "gpd.GeoDataFrame":
    """Read the polygons of a file, or find the one place that is meant; a name alone is asked for."""
    import geopandas as gpd

    from siteplan.cli.fetch import chosen_place
    from siteplan.geo import LONLAT
    from siteplan.inputs.area import read_area
    from siteplan.sources.downloads import Downloads
    from siteplan.sources.places import names_file, places_meant

    if names_file(text):
        return read_area(Path(text))
    found = chosen_place(places_meant(text, Downloads()), text, "--area")
    return gpd.GeoDataFrame(geometry=[found.geometry], crs=LONLAT)


@app.command(name="map")
@with_manners
def draw_map(
    folder: Annotated[Path, typer.Argument(help="A folder of results, as `siteplan run` writes it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Another place for the map.")] = None,
) -> None:
    """Draw map.html again from a folder of results."""
    from siteplan.study import redraw

    path = redraw(folder, out=out)
    typer.echo(path)


@app.command()
@with_manners
def report(
    folder: Annotated[Path, typer.Argument(help="A folder of results, as `siteplan run` writes it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Another place for the report.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it as PDF (needs Chromium).")] = False,
) -> None:
    """Write report.html again from a folder of results, or print it.

    With --pdf, report.pdf is printed by a Chromium that is there.
    """
    from siteplan.study import report as write_again

    typer.echo(write_again(folder, out=out, pdf=pdf or (out is not None and out.suffix.lower() == ".pdf")))


@app.command()
@with_manners
def compare(
    before: Annotated[Path, typer.Argument(help="A folder of results.")],
    after: Annotated[Path, typer.Argument(help="Another one, of the same people.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write the whole table as this CSV; - prints it.", autocompletion=tables_files
        ),
    ] = None,
    as_json: Json = False,
    *,
    quiet: Quiet = False,
) -> None:
    """Print who gains and who loses a site from one run to another.

    By any mode within the largest limit, by commune; with -o the table of all modes, limits and groups is written.
    """
    from siteplan.catalogue import TABLES
    from siteplan.output.files import MANIFEST, whole_file
    from siteplan.output.tables import write_table
    from siteplan.output.terminal import print_changes
    from siteplan.study import compare as compare_folders

    changes = compare_folders(before, after)
    if out is not None:
        with whole_file(out) as aside:
            write_table(changes, aside, TABLES["scenarios"])
        if out == DASH:
            return
        say(f"{len(changes)} rows in {out}", quiet)
    if as_json:
        typer.echo(changes.to_json(orient="records", force_ascii=False, indent=1))
    else:
        manifest = json.loads((before / MANIFEST).read_text(encoding="utf-8"))
        print_changes(changes, plain_console(), language=manifest["parameters"]["language"])
