"""Parameters with their reasons: how people travel, and (in a study file) what is asked."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BIKE", "PEDELEC", "PROFILES", "SLOW_WALK", "WALK", "Profile"]


class _Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Profile(_Model):
    """How one mode moves: its rules, its speed and what slows it down.

    Sources of the defaults: walking 4.8 km/h stands between R5 (4.68) and ORS (5.0) and equals OpenTripPlanner
    and cityseer; cycling 15 km/h equals GOAT; stairs take three times as long (OpenTripPlanner, stairsTimeFactor);
    a bicycle is pushed at 5.1 km/h (Valhalla).
    """

    name: str = Field(min_length=1, description="the mode's label in every table")
    rules: Literal["walk", "bike"] = Field(description="which ways may be used: on foot or by bicycle")
    speed_kmh: float = Field(ge=0.5, le=60, description="speed on the flat")
    stairs_factor: float = Field(3.0, ge=1, le=20, description="time on stairs, as a multiple, on foot")
    push: bool = Field(False, description="by bicycle: use footways and stairs-free paths by pushing")
    push_kmh: float = Field(5.1, ge=0.5, le=8, description="speed of pushing a bicycle")
    access_kmh: float = Field(4.8, ge=0.5, le=8, description="walking speed between a position and the street")
    slope: bool = Field(False, description="let the terrain change the speed; needs an elevation model")


WALK = Profile(name="walk", rules="walk", speed_kmh=4.8)
SLOW_WALK = Profile(name="slow_walk", rules="walk", speed_kmh=3.0, access_kmh=3.0)
BIKE = Profile(name="bike", rules="bike", speed_kmh=15.0)
PEDELEC = Profile(name="pedelec", rules="bike", speed_kmh=23.0)
PROFILES = {profile.name: profile for profile in (WALK, SLOW_WALK, BIKE, PEDELEC)}
