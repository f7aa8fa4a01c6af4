"""How the people of a study travel, and for how long."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from siteplan.config.fields import LongLimit, Metres, Names, by_mode, listed, refused, rising
from siteplan.config.profiles import (
    PROFILES,
    TRANSIT,
    ByBike,
    ByCalmBike,
    ByPedelec,
    ByTransit,
    LinkMetres,
    Model,
    ModeName,
    OnFoot,
    OnFootSlowly,
    Profile,
    Rides,
    Squares,
)
from siteplan.config.publics import Publics, check_shares, unused
from siteplan.units import Unit

__all__ = ["Travel"]

MODES = (*PROFILES, TRANSIT.name)


class Own(Model):
    """A mode of the study's own: what it does not say is as of the mode that it is like."""

    like: str = Field(description=f"the mode it is like: {', '.join(MODES)}")
    title: dict[str, str] = Field(default={}, description="how one travels, by language, such as {en: by scooter}")

    @model_serializer(mode="wrap")
    def _said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write only what was said, so that the rest stays as of the other mode."""
        return {key: value for key, value in write(self).items() if key in self.model_fields_set}


class LikeOnFoot(OnFoot, Own):
    """A mode that goes where one walks."""

    like: Literal["walk", "slow_walk"] = Field(description="the mode it is like")


class LikeByBike(ByBike, Own):
    """A mode that goes where one cycles."""

    like: Literal["bike", "calm", "pedelec"] = Field(description="the mode it is like")


class LikeByTransit(ByTransit, Own):
    """Another way to ride."""

    like: Literal["transit"] = Field(description="the mode it is like")


KINDS = {
    "walk": LikeOnFoot,
    "slow_walk": LikeOnFoot,
    "bike": LikeByBike,
    "calm": LikeByBike,
    "pedelec": LikeByBike,
    "transit": LikeByTransit,
}


def _kind(given: Any) -> str | None:
    like = given.get("like") if isinstance(given, Mapping) else getattr(given, "like", None)
    return f"[{KINDS[like].__name__}]" if isinstance(like, str) and like in KINDS else None


OwnMode = Annotated[
    # In brackets, as what pydantic calls alternatives: errors do not tell them.
    Annotated[LikeOnFoot, Tag("[LikeOnFoot]")]
    | Annotated[LikeByBike, Tag("[LikeByBike]")]
    | Annotated[LikeByTransit, Tag("[LikeByTransit]")],
    Discriminator(
        _kind,
        custom_error_type="like",
        custom_error_message="expected the mode that it is like, such as {like: bike, speed_kmh: 18}; any of {known}",
        custom_error_context={"known": ", ".join(MODES)},
    ),
]


def _how(given: Any) -> str:
    return "[by mode]" if isinstance(given, Mapping) else "[list]"


Minutes = Annotated[tuple[LongLimit, ...], Field(min_length=1), AfterValidator(rising)]
Lengths = Annotated[tuple[Metres, ...], Field(min_length=1), AfterValidator(rising)]
LimitsInMinutes = Annotated[
    Annotated[Minutes, Tag("[list]")]
    | Annotated[dict[str, Annotated[Minutes, BeforeValidator(listed)]], Field(min_length=1), Tag("[by mode]")],
    Discriminator(_how),
    BeforeValidator(by_mode),
]
LimitsInMetres = Annotated[
    Annotated[Lengths, Tag("[list]")]
    | Annotated[dict[str, Annotated[Lengths, BeforeValidator(listed)]], Field(min_length=1), Tag("[by mode]")],
    Discriminator(_how),
    BeforeValidator(by_mode),
]


def _unknown(mode: str, known: Iterable[str]) -> PydanticCustomError | None:
    """Say that a mode is not among those known; nothing of one that is."""
    told = tuple(known)
    return None if mode in told else refused(f"'{mode}' is no mode; expected any of {', '.join(told)}")


def _check_homes(rides: Mapping[tuple[str, ...], ByTransit], own: Mapping[str, Own]) -> None:
    """Refuse a way between home and stop that is no mode, or one that rides itself."""
    known = (*PROFILES, *(name for name, each in own.items() if not isinstance(each, ByTransit)))
    wrong = {(*key, "home"): (each.home, _unknown(each.home, known)) for key, each in rides.items()}
    lines = [InitErrorDetails(type=why, loc=loc, input=home) for loc, (home, why) in wrong.items() if why is not None]
    if lines:
        raise ValidationError.from_exception_data("travel", lines)


def _publics(given: Any) -> Any:
    """Give each public its name."""
    if not isinstance(given, Mapping):
        return given
    return {name: {**each, "name": name} if isinstance(each, Mapping) else each for name, each in given.items()}


class Travel(Model):
    """How people travel, and for how long."""

    direction: Literal["to", "from"] = Field(default="to", description="to the site in the morning, or from it")
    profiles: dict[ModeName, OwnMode] = Field(
        default={},
        description="modes of your own, such as {scooter: {like: bike, speed_kmh: 18, title: {en: by scooter}}}: like "
        "one below, but for the keys given, which are those of that mode",
    )
    modes: Names = Field(
        default=("walk", "bike", "calm"),
        min_length=1,
        description=f"any of {', '.join(MODES)}; 'best' in a result = any of them. Left out: walk, bike and calm, and "
        "transit where there are timetables",
    )
    minutes: LimitsInMinutes = Field(
        default=(15, 20),
        description="the limits: a shared workplace works within 15 to 20 minutes of home; at most 180 (600 "
        "where every mode rides, or by mode for those that do), but for a table of times. By mode, such as "
        "{walk: [15, 20], transit: [20, 30, 45]}, each is counted at its own, and travelled for no longer than its "
        "longest",
    )
    metres: LimitsInMetres | None = Field(
        default=None,
        description="limits to the length of the way in place of minutes, such as [400, 800], for score, isochrones "
        "and choose: every way counts as long as it is, be it stairs, a slope or a ferry; empty = minutes",
    )
    link_m: LinkMetres = Field(
        default=300.0,
        description="metres between a home and the nearest street of the mode, at most; who lives farther is out of "
        "reach. Sites, put where they are on purpose, may be 1,600 m from theirs, stops 300 m",
    )
    squares: Squares = Field(
        default="crossed",
        description="crossed = people walk straight across pedestrian squares, from entry to entry, as they do; around "
        "= along the rims alone, as most other engines have it",
    )
    publics: Annotated[Publics | None, BeforeValidator(_publics)] = Field(
        default=None,
        description="who can go how, each with a share of the people and modes, such as {cycling: {share: 0.4}, "
        "others: {share: 0.6, modes: [walk, transit]}}; cyclists = 12 % ride anywhere, 51 % where it is calm (mode "
        "calm), 37 % do not (Dill & McNeil 2016); all = everybody uses every mode; empty = cyclists where a bicycle "
        "that goes anywhere (bike) and one that keeps to where it is calm (calm) are among modes, else all",
        json_schema_extra={
            "instead": "all",
            "why": "take everybody to use every mode, so that 'best' may be nearly the bicycle",
        },
    )
    walk: OnFoot = Field(default=OnFoot(), description="on foot")
    slow_walk: OnFootSlowly = Field(default=OnFootSlowly(), description="on foot, slowly")
    bike: ByBike = Field(default=ByBike(), description="by bicycle")
    calm: ByCalmBike = Field(default=ByCalmBike(), description="by bicycle, where it is calm")
    pedelec: ByPedelec = Field(default=ByPedelec(), description="by electrically assisted bicycle")
    transit: ByTransit = Field(default=ByTransit(), description="by public transport")

    @field_validator("profiles")
    @classmethod
    def _own_names(cls, own: dict[str, Own]) -> dict[str, Own]:
        for name in own:
            if name in MODES:
                raise refused(f"'{name}' is a mode already; set its keys as travel.{name}, or name yours otherwise")
        _check_homes({(name,): each for name, each in own.items() if isinstance(each, ByTransit)}, own)
        return own

    @field_validator("modes")
    @classmethod
    def _known_modes(cls, modes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        # Of modes of the study's own that are wrong themselves nothing more is said.
        for mode in modes if "profiles" in info.data else ():
            if (why := _unknown(mode, (*MODES, *info.data["profiles"]))) is not None:
                raise why
        return tuple(dict.fromkeys(modes))

    @field_validator("publics")
    @classmethod
    def _known_publics(cls, publics: Publics | None, info: ValidationInfo) -> Publics | None:
        if publics is None or isinstance(publics, str):
            return publics
        check_shares(tuple(publics.values()))
        if not {"profiles", "modes"} <= set(info.data):
            return publics
        for public in publics.values():
            for mode in public.modes or ():
                if (why := _unknown(mode, (*MODES, *info.data["profiles"]))) is not None:
                    raise why
        if (why := unused(publics.values(), info.data["modes"])) is not None:
            raise why
        return publics

    @field_validator("transit")
    @classmethod
    def _known_home(cls, transit: ByTransit, info: ValidationInfo) -> ByTransit:
        _check_homes({(): transit}, info.data.get("profiles", {}))
        return transit

    @model_validator(mode="after")
    def _one_unit(self) -> "Travel":
        if self.metres is None:
            return self
        if self.minutes != type(self).model_fields["minutes"].default:
            raise PydanticCustomError(
                "asked",
                "{why}",
                {"key": "metres", "why": "stand beside minutes; limits are the one or the other, so leave one out"},
            )
        if self.rides:
            why = f"are not known of a journey by timetable; leave {self.rides[0]} out of modes (--mode walk,bike)"
            raise PydanticCustomError("asked", "{why}", {"key": "metres", "why": why})
        return self

    @property
    def unit(self) -> Unit:
        """What the limits count."""
        return "minutes" if self.metres is None else "metres"

    @property
    def asked(self) -> tuple[float, ...] | dict[str, tuple[float, ...]]:
        """The limits in their unit, as they are given: of all modes, or by mode."""
        return self.minutes if self.metres is None else self.metres

    @property
    def own(self) -> dict[str, tuple[float, ...]]:
        """The limits of each mode, where they are given by mode."""
        return self.asked if isinstance(self.asked, dict) else {}

    @property
    def limits(self) -> tuple[float, ...]:
        """All limits in their unit, rising."""
        return rising(sum(self.own.values(), ())) if isinstance(self.asked, dict) else self.asked

    def limits_told(self) -> str:
        """Write the limits in short."""
        told = {mode: ", ".join(f"{limit:g}" for limit in limits) for mode, limits in self.own.items()}
        if told:
            return "; ".join(f"{mode} {limits}" for mode, limits in told.items())
        return ", ".join(f"{limit:g}" for limit in self.limits)

    def limits_of(self, mode: str) -> tuple[float, ...]:
        """Give the limits of a mode; of `best` all."""
        return self.own.get(mode, self.limits)

    def longest(self, modes: str | Sequence[str]) -> float:
        """Give the longest limit of a mode, or of any of several; of `best`, or of none named, the longest of all."""
        named = [modes] if isinstance(modes, str) else modes
        return max((max(self.limits_of(mode)) for mode in named), default=max(self.limits))

    def section(self, mode: str) -> OnFoot | ByBike | ByTransit:
        """Give what the study says of a mode; of one of its own, with what the mode it is like says of the rest."""
        own = self.profiles.get(mode)
        found: OnFoot | ByBike | ByTransit = getattr(self, own.like if own else mode)
        if own:
            given = own.model_dump(exclude={"like", "title"})
            found = type(found).model_validate({**found.model_dump(), **given})
        return found

    @property
    def rides(self) -> tuple[str, ...]:
        """The modes asked for that need a timetable."""
        return tuple(mode for mode in self.modes if isinstance(self.section(mode), ByTransit))

    def profile(self, mode: str, *, slope: bool) -> Profile | Rides:
        """Give the profile of a mode; `slope` tells whether there is a terrain to climb, unless the study says."""
        section = self.section(mode)
        title = self.profiles[mode].title if mode in self.profiles else {}
        if not isinstance(section, ByTransit):
            profile = Profile.of(mode, section, title=title, slope=slope, link_m=self.link_m, squares=self.squares)
            return profile if self.metres is None else profile.by_length()
        walk, home = (self.profile(name, slope=slope) for name in ("walk", section.home))
        asked = section.model_dump() | {"walk": walk, "home": None if section.home == "walk" else home}
        return Rides.model_validate({**asked, "name": mode, "title": title})
