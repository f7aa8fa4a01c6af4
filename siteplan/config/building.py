"""What a study may ask of its buildings."""

from pydantic import Field

from siteplan.config.fields import File
from siteplan.config.questions import Asked

__all__ = ["Building"]


class Building(Asked):
    """The buildings: energy, its cost and CO2, fresh air and places for the peak hour."""

    kind: str = Field(
        default="reused",
        description="new, renovated or reused, or an energy class A to G: of every site, or of those without one "
        "in the column that kind_column names",
    )
    kind_column: str = Field(default="", description="the sites' column with the kind or class of each; empty = none")
    floor_column: str = Field(
        default="",
        description="the sites' column with the floor area (m2) of each; empty, or no number = as demand says",
    )
    energy: str = Field(
        default="electricity", description="electricity, gas, wood, district, or one of your own factors"
    )
    factors: File | None = Field(
        default=None,
        description="your own factors (.yaml, in the form of siteplan/analysis/factors.yaml) in place of some; of "
        "these, those whose names begin with building_ are meant here",
    )
