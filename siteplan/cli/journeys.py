"""The command that shows a journey leg by leg."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from siteplan.cli.common import Json, app, asks, with_manners

if TYPE_CHECKING:
    from siteplan.config import Study

__all__ = ["itinerary"]


@app.command()
@with_manners
@asks("streets", "sites", "transit")
def itinerary(
    study: "Study",
    start: Annotated[str, typer.Option("--from", metavar="LON,LAT", help="Where somebody lives, in degrees.")] = "",
    site: Annotated[str, typer.Option("--site", help="Which site they come to.")] = "",
    limit: Annotated[float, typer.Option("--limit", help="The longest journey to look for, in minutes.")] = 90,
    *,
    as_json: Json = False,
) -> None:
    """Show a journey by public transport leg by leg.

    It is the one that takes as long as the percentile of the window says, the median by default.
    """
    from siteplan.study.riding import journey, journey_text

    found = journey(study, start, site, limit=limit)
    if as_json:
        legs = None if found is None else json.loads(found.legs.to_crs(4326).to_json(drop_id=True))
        typer.echo(json.dumps({"minutes": None if found is None else found.minutes, "legs": legs}, ensure_ascii=False))
    else:
        typer.echo(journey_text(study, found, limit))
