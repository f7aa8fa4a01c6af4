"""The command that shows a journey leg by leg."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siteplan.cli.common import Json, app, asks, questions, with_manners

if TYPE_CHECKING:
    from siteplan.config import Study

__all__ = ["itinerary"]


@app.command()
@with_manners
@asks("streets", "sites", unused=questions)
def itinerary(
    study: "Study",
    start: Annotated[str, typer.Option("--from", metavar="LON,LAT", help="Where somebody lives, in degrees.")] = "",
    site: Annotated[str, typer.Option("--site", help="Which site they come to.")] = "",
    limit: Annotated[float, typer.Option("--limit", help="The longest journey to look for, in minutes.")] = 90,
    *,
    as_json: Json = False,
) -> None:
    """Show a journey leg by leg and street by street.

    By public transport, where that is among the modes, it is the one that takes as long as the percentile of the window
    says, the median by default; else it is the way by the first mode, such as --mode bike.
    """
    from siteplan.study.riding import journey, journey_text
    from siteplan.study.write import geojson_text

    found = journey(study, start, site, limit=limit)
    if as_json:
        told: dict[str, Any] = {"minutes": None, "metres": None, "legs": None, "ways": None}
        if found is not None:
            tables = {"legs": found.legs, "ways": found.ways}
            written = {name: json.loads(geojson_text(table)) for name, table in tables.items()}
            told = {"minutes": found.minutes, "metres": found.metres, **written}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo(journey_text(study, found, limit))
