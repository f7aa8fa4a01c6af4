"""How people travel: the profile of each mode, every default with its reason."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["BIKE", "PEDELEC", "PROFILES", "SLOW_WALK", "TRANSIT", "WALK", "Model", "Profile", "Rides", "Window"]


class Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class Profile(Model):
    """How one mode moves: its rules, its speed and what slows it down.

    Sources of the defaults: walking 4.8 km/h stands between R5 (4.68) and ORS (5.0) and equals OpenTripPlanner
    and cityseer; cycling 15 km/h equals GOAT; stairs take three times as long (OpenTripPlanner, stairsTimeFactor);
    a bicycle is pushed at 5.1 km/h (Valhalla).
    """

    name: str = Field(min_length=1, description="the mode's label in every table")
    rules: Literal["walk", "bike"] = Field(description="which ways may be used: on foot or by bicycle")
    speed_kmh: float = Field(ge=0.5, le=60, description="speed on the flat")
    stairs_factor: float = Field(default=3.0, ge=1, le=20, description="time on stairs, as a multiple, on foot")
    push: bool = Field(default=False, description="by bicycle: use footways and stairs-free paths by pushing")
    push_kmh: float = Field(default=5.1, ge=0.5, le=8, description="speed of pushing a bicycle")
    access_kmh: float = Field(default=4.8, ge=0.5, le=60, description="walking speed between a position and the street")
    slope: bool = Field(default=False, description="let the terrain change the speed; needs an elevation model")

    @model_validator(mode="before")
    @classmethod
    def _walks_alike(cls, given: Any) -> Any:
        """Walk to the street as fast as along it, unless told otherwise."""
        if isinstance(given, dict) and given.get("rules") == "walk" and "speed_kmh" in given:
            return {"access_kmh": given["speed_kmh"], **given}
        return given


WALK = Profile(name="walk", rules="walk", speed_kmh=4.8)
SLOW_WALK = Profile(name="slow_walk", rules="walk", speed_kmh=3.0)
BIKE = Profile(name="bike", rules="bike", speed_kmh=15.0)
PEDELEC = Profile(name="pedelec", rules="bike", speed_kmh=23.0)
PROFILES = {profile.name: profile for profile in (WALK, SLOW_WALK, BIKE, PEDELEC)}


def _clock(value: Any) -> Any:
    """Read a time of day that YAML took for a number: 17:00 is 1020 to it."""
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value


Clock = Annotated[str, BeforeValidator(_clock), Field(pattern=r"^[0-2]?\d:[0-5]\d$")]


def minutes_of(window: tuple[str, str]) -> tuple[int, int]:
    """Return the ends of a window in minutes since midnight."""
    first, last = (int(hour) * 60 + int(minute) for hour, minute in (time.split(":") for time in window))
    return first, last


def _forward(window: tuple[str, str]) -> tuple[str, str]:
    first, last = minutes_of(window)
    if not first < last:
        raise PydanticCustomError(
            "window",
            "runs from {first} to {last}; expected a later time second",
            {"first": window[0], "last": window[1]},
        )
    return window


Window = Annotated[tuple[Clock, Clock], AfterValidator(_forward)]


class Rides(Model):
    """How people travel by public transport: on foot to a stop, by scheduled vehicles, on foot to the site.

    The defaults follow the routing engine R5 (every minute of the window, the median, a minute at the stop before a
    departure), with walks and changes as short as they are on the way to work.
    """

    name: str = Field(default="transit", min_length=1, description="the mode's label in every table")
    window: Window = Field(
        default=("08:00", "09:00"),
        description="be at the site (direction from: leave it) at each minute from one time to before the other",
    )
    back: Window | None = Field(
        default=None,
        description="also travel the other way, leaving the site (direction from: being there) at each minute of this "
        "window: both ways must be within the limit, and the longer of the two counts",
    )
    percentile: float = Field(
        default=50, gt=0, le=100, description="the share of the window's minutes at which the journey takes no longer"
    )
    max_rides: int = Field(default=2, ge=1, le=8, description="vehicles in one journey, at most")
    max_walk_minutes: float = Field(default=10, gt=0, le=60, description="longest walk to, between or from stops")
    max_total_walk_minutes: float | None = Field(
        default=None, gt=0, le=180, description="longest walk in all, of a journey with rides; empty = no limit in all"
    )
    board_slack_minutes: float = Field(default=1, ge=0, le=30, description="time at the stop before a departure")
    walk: Profile = Field(default=WALK, description="how people walk")
    home: Profile | None = Field(default=None, description="how they travel between home and stop, if not on foot")

    @property
    def window_minutes(self) -> tuple[int, int]:
        """The window in minutes since midnight."""
        return minutes_of(self.window)

    def __str__(self) -> str:
        """Say in words what a journey is."""
        level = "the median" if self.percentile == 50 else f"the {self.percentile:g}th percentile"
        parts = [
            f"{self.window[0]}-{self.window[1]}",
            *([f"and back {self.back[0]}-{self.back[1]}"] if self.back else []),
            f"{level} of every minute",
            f"at most {self.max_rides} rides",
            f"walks of {self.max_walk_minutes:g} min at {self.walk.speed_kmh:g} km/h",
            *([f"{self.home.name} between home and stop"] if self.home else []),
        ]
        return ", ".join(parts)

    @property
    def access(self) -> Profile:
        """How people travel between home and stop."""
        return self.home or self.walk

    @property
    def speed_kmh(self) -> float:
        """The speed of the part that is not ridden: on foot."""
        return self.walk.speed_kmh


TRANSIT = Rides()
