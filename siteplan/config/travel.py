"""How the people of a study travel, and for how long."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from siteplan.config.fields import Limit, Names, listed, rising
from siteplan.config.profiles import BIKE, PEDELEC, PROFILES, SLOW_WALK, TRANSIT, WALK, Model, Window

__all__ = ["OnFoot", "Travel"]

MODES = (*PROFILES, TRANSIT.name)


def _known_modes(modes: tuple[str, ...]) -> tuple[str, ...]:
    for mode in modes:
        if mode not in MODES:
            raise PydanticCustomError(
                "mode", "'{mode}' is no mode; expected any of {known}", {"mode": mode, "known": ", ".join(MODES)}
            )
    return tuple(dict.fromkeys(modes))


class OnFoot(Model):
    """How people walk."""

    speed_kmh: float = Field(
        default=WALK.speed_kmh,
        ge=0.5,
        le=20,
        description="km/h on the flat; as OpenTripPlanner and cityseer (R5 4.68, ORS 5.0)",
    )
    stairs_factor: float = Field(
        default=WALK.stairs_factor, ge=1, le=20, description="time on stairs as a multiple (OpenTripPlanner)"
    )
    slope: bool | None = Field(
        default=None, description="let the terrain change the speed; empty = when there is an elevation"
    )


class OnFootSlowly(OnFoot):
    """How people walk who walk slowly."""

    speed_kmh: float = Field(
        default=SLOW_WALK.speed_kmh,
        ge=0.5,
        le=20,
        description="km/h on the flat; older adults at mobility risk walk 2.7",
    )


class ByBike(Model):
    """How people cycle."""

    speed_kmh: float = Field(
        default=BIKE.speed_kmh, ge=0.5, le=60, description="km/h on the flat; as GOAT (r5r 12, Valhalla 18)"
    )
    push: bool = Field(default=BIKE.push, description="also use footways by pushing the bicycle")
    push_kmh: float = Field(default=BIKE.push_kmh, ge=0.5, le=8, description="km/h when pushing (Valhalla)")
    access_kmh: float = Field(
        default=BIKE.access_kmh, ge=0.5, le=8, description="km/h on foot between a door and the street"
    )
    slope: bool | None = Field(
        default=None, description="let the terrain change the speed; empty = when there is an elevation"
    )


class ByPedelec(ByBike):
    """How people cycle with a motor's help."""

    speed_kmh: float = Field(default=PEDELEC.speed_kmh, ge=0.5, le=60, description="km/h on the flat; as GOAT")


class ByTransit(Model):
    """How people travel by public transport; they walk as the walk profile says."""

    window: Window = Field(
        default=TRANSIT.window,
        description="be at the site (direction from: leave it) at each minute from one time to before the other, as R5",
    )
    back: Window | None = Field(
        default=None,
        description="[17:00, 18:00] = they must also get home, leaving the site in this window: both ways must be "
        "within the limit, the longer counts; empty = the way there only",
    )
    percentile: float = Field(
        default=TRANSIT.percentile,
        gt=0,
        le=100,
        description="the share of the window's minutes at which the journey takes no longer; 50 = the median",
    )
    max_rides: int = Field(default=TRANSIT.max_rides, ge=1, le=8, description="vehicles in one journey, at most")
    max_walk_minutes: float = Field(
        default=TRANSIT.max_walk_minutes, gt=0, le=60, description="longest walk to, between or from stops"
    )
    max_total_walk_minutes: float | None = Field(
        default=None, gt=0, le=180, description="longest walk in all, in a journey with rides; empty = no such limit"
    )
    board_slack_minutes: float = Field(
        default=TRANSIT.board_slack_minutes, ge=0, le=30, description="time at the stop before a departure (R5)"
    )
    home: Literal["walk", "slow_walk", "bike", "pedelec"] = Field(
        default="walk", description="how people travel between home and stop; bike = bike-and-ride"
    )


class Travel(Model):
    """How people travel, and for how long."""

    direction: Literal["to", "from"] = Field(default="to", description="to the site in the morning, or from it")
    modes: Annotated[Names, AfterValidator(_known_modes)] = Field(
        default=("walk", "bike"),
        min_length=1,
        description=f"any of {', '.join(MODES)}; 'best' in a result = any of them. Left out: walk and bike, and "
        "transit where there are timetables",
    )
    minutes: Annotated[tuple[Limit, ...], BeforeValidator(listed), AfterValidator(rising)] = Field(
        default=(15, 20),
        min_length=1,
        description="the limits: a shared workplace works within 15 to 20 minutes of home",
    )
    walk: OnFoot = Field(default=OnFoot(), description="on foot")
    slow_walk: OnFootSlowly = Field(default=OnFootSlowly(), description="on foot, slowly")
    bike: ByBike = Field(default=ByBike(), description="by bicycle")
    pedelec: ByPedelec = Field(default=ByPedelec(), description="by electrically assisted bicycle")
    transit: ByTransit = Field(default=ByTransit(), description="by public transport")
