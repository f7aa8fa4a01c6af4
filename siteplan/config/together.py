"""What a study may ask of the communes that build together."""

from typing import Literal

from pydantic import Field

from siteplan.config.questions import Asked, Minutes

__all__ = ["Rule", "Together"]

Rule = Literal["inhabitants", "served", "shapley"]


class Together(Asked):
    """Communes together: who gains, what each would reach alone, and who pays."""

    group: str = Field(default="people", description="who is counted: people or a group such as workers")
    mode: str = Field(
        default="", description="one of the modes, or best; empty = that of the choice, or best where there are several"
    )
    minutes: Minutes | None = Field(
        default=None, description="who has a site; empty = as the choice says, or the largest travel.minutes"
    )
    money: Rule = Field(
        default="inhabitants",
        description="the money of a commune that goes alone: its share of the cost by inhabitants, by the people "
        "served (those to whom a site that is paid for is the nearest), or by the Shapley value",
    )
    orders: int = Field(
        default=200,
        ge=2,
        le=100_000,
        description="Shapley value: how many orders of the communes are drawn where more than 12 share their sites; to "
        "12 it is exact",
    )
    seed: int = Field(default=1, ge=0, description="of the draw; the same seed gives the same shares")
