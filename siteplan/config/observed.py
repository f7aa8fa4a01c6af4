"""What a study may learn from places that are open already."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from siteplan.config.fields import File, listed
from siteplan.config.questions import Asked

__all__ = ["Observed"]


class Observed(Asked):
    """Planned against seen: visits or members by month, and the uptake and decay fitted to them."""

    visits: File = Field(
        description="a table (.csv .xlsx .parquet) with site, month (2026-03) and visits or members, a row each month",
    )
    decay: bool = Field(
        default=True,
        description="fit how much fewer come from farther away, too; false = the uptake alone, as demand has it",
    )
    weeks: float = Field(default=45, gt=0, le=53, description="weeks a year of those who come; counts visits a month")
    use: Annotated[tuple[Literal["demand", "sharing", "commuting"], ...], BeforeValidator(listed)] = Field(
        default=(),
        description="blocks that count with what was fitted in place of their own uptake: its value and both ends, and "
        "its decay, such as [demand, sharing, commuting]; of sharing, telework as demand says",
    )
