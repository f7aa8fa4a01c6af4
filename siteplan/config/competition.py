"""Which other places to work share people out with the sites."""

from pydantic import Field

from siteplan.config.fields import File
from siteplan.config.questions import Asked, HowFar, Way

__all__ = ["Competition"]


class Competition(Asked):
    """Other places to work, which share people out with the sites (Huff 1964)."""

    places: File | None = Field(
        default=None,
        description="a file of other places to work, in the form of the sites, or a table of tags (.yaml, in the form "
        "of siteplan/inputs/workplaces.yaml); empty = the coworking spaces and libraries of the extract of the streets",
    )
    attraction: str = Field(
        default="capacity", description="a column of sites and places that says how much each attracts, such as desks"
    )
    usual: float = Field(
        default=10, gt=0, description="what a place or site attracts of which that column says nothing"
    )
    power: float = Field(default=1, ge=0, le=4, description="of the attraction: twice as large, 2 to this power more")
    decay: float = Field(
        default=2, ge=0, le=6, description="of the minutes: twice as far, 2 to this power less (Huff 1964: about 2)"
    )
    group: str = Field(default="people", description="who is shared out: people or a group such as workers")
    mode: Way = ""
    minutes: HowFar = None
