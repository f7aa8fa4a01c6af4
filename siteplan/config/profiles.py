"""How people travel: the profile of each mode, every default with its reason."""

import difflib
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from siteplan.config.fields import refused
from siteplan.config.problems import problems
from siteplan.errors import StudyError
from siteplan.units import Unit

__all__ = [
    "BIKE",
    "CALM",
    "PEDELEC",
    "PROFILES",
    "SLOW_WALK",
    "TRANSIT",
    "WALK",
    "ByBike",
    "ByCalmBike",
    "ByPedelec",
    "ByTransit",
    "LinkMetres",
    "ModeName",
    "Model",
    "OnFoot",
    "OnFootSlowly",
    "Profile",
    "Rides",
    "Squares",
    "Window",
]

TAKEN = ("best", "given")  # any mode in a result, and the mode of a table of times that names none
PLAIN = frozenset((int, float, str, Path, types.NoneType))
BOOLEANS = "in YAML yes, no, on and off are true and false; a text that is such a word needs quotes"
NONE: Mapping[str, str] = types.MappingProxyType({})
SLOPE = "let the terrain change the speed; empty = when there is an elevation"


class Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        defer_build=True,  # few are read by themselves; all are within a study
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number or a text is wanted: pydantic takes them for 1 and 0."""
        if _holds_boolean(value) and (wanted := _kinds(cls.model_fields[str(info.field_name)].annotation)) <= PLAIN:
            raise refused(f"expected {'a number' if wanted & {int, float} else 'a text'}; {BOOLEANS}")
        return value


def _kinds(annotation: Any) -> frozenset[Any]:
    """Name what a key holds, in lists and by names as well."""
    if get_origin(annotation) is Literal:
        return frozenset(map(type, get_args(annotation)))
    parts = [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)]
    return frozenset().union(*map(_kinds, parts)) if parts else frozenset([annotation])


def _holds_boolean(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_boolean, (*value, *value.values())))
    if isinstance(value, list | tuple):
        return any(map(_holds_boolean, value))
    return isinstance(value, bool)


class OnFoot(Model):
    """How people walk."""

    speed_kmh: float = Field(
        default=4.8,
        ge=0.5,
        le=20,
        description="km/h on the flat; as OpenTripPlanner and cityseer (R5 4.68, ORS 5.0)",
    )
    stairs_factor: float = Field(default=3.0, ge=1, le=20, description="time on stairs as a multiple (OpenTripPlanner)")
    slope: bool | None = Field(default=None, description=SLOPE)


class OnFootSlowly(OnFoot):
    """How people walk who walk slowly."""

    speed_kmh: float = Field(
        default=3.0, ge=0.5, le=20, description="km/h on the flat; older adults at mobility risk walk 2.7"
    )


class ByBike(Model):
    """How people cycle."""

    speed_kmh: float = Field(default=15.0, ge=0.5, le=60, description="km/h on the flat; as GOAT (r5r 12, Valhalla 18)")
    push: bool = Field(default=False, description="also use footways by pushing the bicycle")
    push_kmh: float = Field(default=5.1, ge=0.5, le=8, description="km/h when pushing (Valhalla)")
    access_kmh: float = Field(default=4.8, ge=0.5, le=8, description="km/h on foot between a door and the street")
    stress: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=None,
        description="highest level of traffic stress (LTS 1 to 4) that they ride in; beyond, they push; empty = any",
    )
    slope: bool | None = Field(default=None, description=SLOPE)


class ByCalmBike(ByBike):
    """How people cycle who ride where it is calm."""

    stress: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=2,
        description="highest level of traffic stress (LTS 1 to 4) that they ride in, 2 being what most adults accept "
        "(Mekuria, Furth & Nixon 2012); beyond, they push where one may walk",
    )


class ByPedelec(ByBike):
    """How people cycle with a motor's help."""

    speed_kmh: float = Field(default=23.0, ge=0.5, le=60, description="km/h on the flat; as GOAT")


def _spoken(name: str) -> str:
    """Refuse names that files and columns cannot hold, or that mean something else."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name in TAKEN:
        raise refused(
            f"'{name}' cannot name a mode; expected letters, digits, - and _, and neither of {', '.join(TAKEN)}"
        )
    return name


ModeName = Annotated[str, AfterValidator(_spoken)]


class Mode(Model):
    """What every mode has: its name, and words of its own for it."""

    name: ModeName = Field(description="the mode's label in every table")
    title: dict[str, str] = Field(
        default={}, description="how one travels, by language, such as {en: by scooter, fr: en trottinette}"
    )

    def with_(self, **changes: Any) -> Self:
        """Return the mode with some of its fields, and all that hangs on them, changed; this one stays as it is.

        Raises
        ------
        StudyError
            Naming every field that is unknown or out of range.
        """
        fields = (*type(self).model_fields, "speed_kmh")  # which all modes have, one way or another
        for key in changes:
            if key not in fields:
                close = difflib.get_close_matches(key, fields, n=1)
                meant = (
                    f"did you mean {close[0]!r}?" if close else f"expected any of {', '.join(dict.fromkeys(fields))}"
                )
                raise StudyError(f"{self.name}: no field {key!r}; {meant}")
        try:
            return type(self).model_validate({**dict(self), **changes})
        except ValidationError as error:
            raise StudyError(f"{self.name}: {'; '.join(problems(error, type(self)))}") from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """Return a copy; what is other is checked, as `with_` does."""
        return self.with_(**(update or {}))

    def __hash__(self) -> int:
        """Return the same for equal modes; words are no part of it."""
        return hash(tuple(value for name, value in self if name != "title"))


METRE_A_SECOND = 3.6  # km/h
Squares = Literal["crossed", "around"]  # how pedestrian squares are walked
LinkMetres = Annotated[float, Field(gt=0, le=1600)]  # R5 links up to 1,600 m


class Profile(Mode, ByBike, OnFoot):
    """How one mode moves: its rules, its speed and what slows it down.

    A profile of one's own is best made from one that is there: ``BIKE.with_(name="scooter", speed_kmh=18)``. Whoever
    walks goes to the street (`access_kmh`) as fast as along it, unless told otherwise.
    """

    rules: Literal["walk", "bike"] = Field(description="which ways may be used: on foot or by bicycle")
    speed_kmh: float = Field(ge=0.5, le=130, description="km/h on the flat")
    access_kmh: float = Field(default=4.8, ge=0.5, le=60, description="km/h on foot between a door and the street")
    slope: bool = Field(default=False, description="let the terrain change the speed; needs an elevation model")
    link_m: LinkMetres = Field(default=300.0, description="metres between a home and its street, at most")
    squares: Squares = Field(
        default="crossed",
        description="straight across pedestrian squares between their entries, or around, on the rims",
    )
    unit: Unit = Field(default="minutes", description="what is added up along the way; see `by_length`")

    @model_validator(mode="before")
    @classmethod
    def _walks_alike(cls, given: Any) -> Any:
        """Walk to the street as fast as along it, unless told otherwise."""
        if isinstance(given, dict) and given.get("rules") == "walk" and "speed_kmh" in given:
            return {"access_kmh": given["speed_kmh"], **given}
        return given

    @classmethod
    def of(
        cls,
        name: str,
        section: OnFoot | ByBike,
        *,
        title: Mapping[str, str] = NONE,
        slope: bool = False,
        link_m: float = 300.0,
        squares: Squares = "crossed",
    ) -> Self:
        """Make the profile of what a study says of a mode; `slope` is for where it leaves that open."""
        asked = section.model_dump(exclude={"like", "title"})
        asked["slope"] = slope if asked["slope"] is None else asked["slope"]
        asked |= {"link_m": link_m, "squares": squares}
        return cls(name=name, title=dict(title), rules="walk" if isinstance(section, OnFoot) else "bike", **asked)

    @property
    def at_home(self) -> Self:
        """How people travel on the street that they live in."""
        return self

    @property
    def at_site(self) -> Self:
        """How people travel on the street of the site."""
        return self

    @property
    def ways(self) -> tuple[Any, ...]:
        """What says which ways may be used, at whatever speed."""
        return self.rules, self.push, self.stress, self.squares

    def by_length(self) -> Self:
        """Return the profile that goes where this one goes, but counts metres: nothing takes longer than it is long.

        A metre costs what a second does otherwise, so 60 of them stand for a minute wherever one is needed.
        """
        flat = {"stairs_factor": 1, "slope": False, "push_kmh": METRE_A_SECOND, "access_kmh": METRE_A_SECOND}
        return self.with_(unit="metres", speed_kmh=METRE_A_SECOND, **flat)

    def with_(self, **changes: Any) -> Self:
        """Return the profile with some of its fields changed; a walker is as fast to the street as along it, still."""
        if self.rules == changes.get("rules", self.rules) == "walk" and self.access_kmh == self.speed_kmh:
            changes = {"access_kmh": changes.get("speed_kmh", self.speed_kmh), **changes}
        return super().with_(**changes)


WALK = Profile.of("walk", OnFoot())
SLOW_WALK = Profile.of("slow_walk", OnFootSlowly())
BIKE = Profile.of("bike", ByBike())
PEDELEC = Profile.of("pedelec", ByPedelec())
CALM = Profile.of("calm", ByCalmBike())
PROFILES = {profile.name: profile for profile in (WALK, SLOW_WALK, BIKE, CALM, PEDELEC)}


CLOCK = r"[0-2]?\d:[0-5]\d(:[0-5]\d)?"
LATEST = 30 * 60  # no time of day is as many minutes: so many are seconds


def _clock(value: Any) -> Any:
    """Read a time of day that YAML took for a number: 17:00 is 1020 to it, 17:00:30 is 61230."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    return clock_of(value if value >= LATEST else 60 * value)


Clock = Annotated[str, BeforeValidator(_clock), Field(pattern=r"^[0-2]?\d:[0-5]\d$")]


def minutes_of(window: tuple[str, str]) -> tuple[int, int]:
    """Return the ends of a window in minutes since midnight."""
    first, last = (int(hour) * 60 + int(minute) for hour, minute in (time.split(":") for time in window))
    return first, last


def _forward(window: tuple[str, str]) -> tuple[str, str]:
    first, last = seconds_of(window)
    if not first < last:
        raise PydanticCustomError(
            "window",
            "runs from {first} to {last}; expected a later time second",
            {"first": window[0], "last": window[1]},
        )
    return window


Window = Annotated[tuple[Clock, Clock], AfterValidator(_forward)]

Moment = Annotated[str, BeforeValidator(_clock), Field(pattern=f"^{CLOCK}$")]


def clock_of(seconds: int) -> str:
    """Return seconds since midnight as "08:30", or "08:30:15" where it is no whole minute."""
    minute, second = divmod(seconds, 60)
    return f"{minute // 60:02}:{minute % 60:02}" + (f":{second:02}" if second else "")


def seconds_of(window: tuple[str, str]) -> tuple[int, int]:
    """Return the ends of a window in seconds since midnight."""
    parts = ([int(part) for part in time.split(":")] for time in window)
    first, last = (3600 * hour + 60 * minute + sum(second) for hour, minute, *second in parts)
    return first, last


def at_once(window: tuple[str, str]) -> bool:
    """Tell whether a window is one moment: no longer than a minute."""
    first, last = seconds_of(window)
    return last - first <= 60


def _as_window(value: Any) -> Any:
    """Read one time as the minute that begins with it: of a window, each minute from its start on is asked about."""
    value = _clock(value)
    if not isinstance(value, str):
        return value
    return (value, clock_of(seconds_of((value, value))[0] + 60) if re.fullmatch(CLOCK, value) else value)


Moments = Annotated[tuple[Moment, Moment], BeforeValidator(_as_window), AfterValidator(_forward)]


def _hours(window: tuple[str, str]) -> str:
    return f"at {window[0]}" if at_once(window) else f"{window[0]}-{window[1]}"


class Riding(Model):
    """What a journey by public transport may be."""

    window: Moments = Field(
        default=("08:00", "09:00"),
        description="be at the site (direction from: leave it) at each minute from one time to before the other, as "
        "R5; one time, such as 08:30 or 08:30:15, is that moment alone",
    )
    back: Moments | None = Field(
        default=None,
        description="[17:00, 18:00] = they must also get home, leaving the site in this window: both ways must be "
        "within the limit, the longer counts; empty = the way there only",
    )
    percentile: float = Field(
        default=50,
        gt=0,
        le=100,
        description="the share of the window's minutes at which the journey takes no longer; 50 = the median",
    )
    first_wait: Literal["counted", "planned"] = Field(
        default="counted",
        description="counted = from when one sets out to the moment asked about (direction from: from that moment to "
        "when one is there), with the wait that this makes, as R5; planned = people look at the timetable and take "
        "the quickest journey of those that bring them there up to plan_minutes earlier (from: set out up to so much "
        "later), and that wait does not count",
    )
    plan_minutes: int = Field(
        default=60,
        ge=1,
        le=240,
        description="how much earlier (direction from: later), at most; with first_wait: planned",
    )
    max_rides: int = Field(default=2, ge=1, le=8, description="vehicles in one journey, at most")
    max_walk_minutes: float = Field(default=10, gt=0, le=60, description="longest walk to, between or from stops")
    max_home_minutes: float | None = Field(
        default=None,
        gt=0,
        le=120,
        description="longest way between home and stop, by bicycle or on foot as `home` says; empty = max_walk_minutes",
    )
    direct_walk_minutes: float | None = Field(
        default=None,
        gt=0,
        le=600,
        description="longest way without any ride, all of it on foot or as `home` says; empty = as long as the limit "
        "(R5: its longest walk)",
    )
    max_total_walk_minutes: float | None = Field(
        default=None, gt=0, le=180, description="longest walk in all, in a journey with rides; empty = no such limit"
    )
    board_slack_minutes: float = Field(default=1, ge=0, le=30, description="time at the stop before a departure (R5)")
    on_demand_wait_minutes: float | None = Field(
        default=15,
        ge=0,
        le=120,
        description="average wait for a ride on demand (GTFS-Flex), booked before: half of the 30 minutes within which "
        "dial-a-ride mostly picks up (FTA Circular 4710.1); empty = nobody rides on demand",
    )
    on_demand_kmh: float = Field(
        default=30,
        ge=5,
        le=130,
        description="km/h of the direct drive on demand, along streets open to bicycles: between the 24 km/h that "
        "dial-a-ride vehicles average with all their stops (National Transit Database) and free traffic",
    )


class ByTransit(Riding):
    """How people travel by public transport; they walk as the walk profile says."""

    home: str = Field(default=WALK.name, description="how people travel between home and stop; bike = bike-and-ride")


class Rides(Mode, Riding):
    """How people travel by public transport: on foot to a stop, by scheduled vehicles, on foot to the site.

    The defaults follow the routing engine R5 (every minute of the window, the median, a minute at the stop before a
    departure), with walks and changes as short as they are on the way to work.
    """

    name: ModeName = Field(default="transit", description="the mode's label in every table")
    walk: Profile = Field(default=WALK, description="how people walk")
    home: Profile | None = Field(default=None, description="how they travel between home and stop, if not on foot")

    def with_(self, **changes: Any) -> Self:
        """Return the mode with some of its fields changed; `speed_kmh` is that of whoever walks."""
        if "speed_kmh" in changes:
            walk = changes.get("walk", self.walk).with_(speed_kmh=changes.pop("speed_kmh"))
            changes = {**changes, "walk": walk}
        return super().with_(**changes)

    @property
    def planned_minutes(self) -> int | None:
        """The minutes beside each moment among which one chooses a journey; None where one does not."""
        return self.plan_minutes if self.first_wait == "planned" else None

    @property
    def moments(self) -> range:
        """The moments asked about: each minute of the window from its start on, in seconds since midnight."""
        return range(*seconds_of(self.window), 60)

    def __str__(self) -> str:
        """Say in words what a journey is."""
        level = "the median" if self.percentile == 50 else f"the {self.percentile:g}th percentile"
        parts = [
            _hours(self.window),
            *([f"and back {_hours(self.back)}"] if self.back else []),
            *([f"{level} of every minute"] if not (at_once(self.window) and at_once(self.back or self.window)) else []),
            *([f"planned, up to {self.plan_minutes} min aside"] if self.first_wait == "planned" else []),
            f"at most {self.max_rides} rides",
            f"walks of {self.max_walk_minutes:g} min at {self.walk.speed_kmh:g} km/h",
            *([f"{self.home.name} between home and stop"] if self.home else []),
            *([f"at most {self.max_home_minutes:g} min between home and stop"] if self.max_home_minutes else []),
            *([f"at most {self.direct_walk_minutes:g} min without a ride"] if self.direct_walk_minutes else []),
        ]
        return ", ".join(parts)

    @property
    def drive(self) -> Profile:
        """How rides on demand go along the streets."""
        alike = {"access_kmh": self.walk.access_kmh, "link_m": self.walk.link_m}
        return BIKE.with_(name="on_demand", speed_kmh=self.on_demand_kmh, **alike)

    @property
    def access(self) -> Profile:
        """How people travel between home and stop."""
        return self.home or self.walk

    @property
    def at_home(self) -> Profile:
        """How people travel on the street that they live in."""
        return self.access

    @property
    def at_site(self) -> Profile:
        """How people travel on the street of the site."""
        return self.walk

    @property
    def home_minutes(self) -> float:
        """The longest way between home and stop."""
        return self.max_walk_minutes if self.max_home_minutes is None else self.max_home_minutes

    @property
    def speed_kmh(self) -> float:
        """The speed of the part that is not ridden: on foot."""
        return self.walk.speed_kmh


TRANSIT = Rides()
