"""What a place is used for, by the hour: spaces that several uses share."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from siteplan.config.fields import listed, refused
from siteplan.config.problems import problems
from siteplan.config.profiles import Model
from siteplan.config.questions import Asked, Demand, HowFar, Way
from siteplan.errors import Key, StudyError
from siteplan.yamls import read_yaml

__all__ = ["DAYS", "HOURS", "TELEWORK", "Sharing", "Space", "Use", "sharing_of", "shipped_uses"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SEASONS = ("winter", "spring", "summer", "autumn")
HOURS = 168  # of a week, from Monday 0:00
TELEWORK = "telework"
USES = Path(__file__).with_name("uses.yaml")
_SHORT = tuple(day[:3] for day in DAYS)
_WINDOW = re.compile(r"(?:(?P<days>[A-Za-z, -]+?) +)?(?P<first>\d{1,2})(?::00)? *- *(?P<last>\d{1,2})(?::00)?")

Floats = npt.NDArray[np.float64]


def _day(name: str, window: str) -> int:
    short = name.strip()[:3].capitalize()
    if short not in _SHORT:
        raise refused(f"'{window}' names no day '{name.strip()}'; expected any of {', '.join(_SHORT)}")
    return _SHORT.index(short)


def _days(text: str | None, window: str) -> list[int]:
    """Return the days that a window names: all of them where it names none."""
    if text is None:
        return list(range(7))
    days = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin = _day(first, window)
        end = _day(last, window) if last else begin
        days += [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
    return sorted(set(days))


def _hours(windows: Mapping[str, float]) -> Floats:
    """Return how the windows weigh each hour of the week."""
    weight = np.zeros(HOURS)
    for window, each in windows.items():
        found = _WINDOW.fullmatch(window.strip())
        if found is None or not int(found["first"]) < int(found["last"]) <= 24:
            raise refused(
                f"'{window}' is no part of a week; expected days and whole hours, such as 'Mon-Fri 9-12', 'Tue,Thu "
                "18-20' or '8-10' (every day)"
            )
        for day in _days(found["days"], window):
            weight[24 * day + int(found["first"]) : 24 * day + int(found["last"])] += each
    return weight


def _some_time(windows: dict[str, float]) -> dict[str, float]:
    if not _hours(windows).sum() > 0:
        raise refused("expected one hour of the week at least that weighs more than 0")
    return windows


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise refused("names a space twice; expected each once")
    return names


def _four(seasons: tuple[float, ...]) -> tuple[float, ...]:
    if len(seasons) != len(SEASONS) or not sum(seasons) > 0:
        raise refused("expected four numbers (winter, spring, summer, autumn), one at least above 0")
    return seasons


Weight = Annotated[float, Field(ge=0, le=1e6)]


class Use(Model):
    """One use: who comes, how often, how long, when, and what of."""

    group: str = Field(default="people", description="who may come: people or a group such as workers")
    share: float = Field(gt=0, le=1, description="of the group within reach: those who come at all")
    times: float | None = Field(
        default=None,
        gt=0,
        le=7,
        description="how often a week each of these comes, on the mean; empty = of telework, as demand says",
    )
    party: float = Field(default=1, ge=1, le=10_000, description="people who share a space at once: 12 to a meeting")
    hours: float = Field(gt=0, le=24, description="how long they stay")
    space: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_once)] = Field(
        min_length=1,
        description="what they need one of, a name in sharing.spaces; several, such as [video, meeting], are tried in "
        "this order at each site, and the first is what is planned for",
    )
    when: Annotated[dict[str, Weight], AfterValidator(_some_time)] = Field(
        min_length=1,
        description="when they begin, as weights of hours of the week that only have to fit to each other, such as "
        "{Mon-Fri 9-12: 2, Sat 9-12: 1}; days may be left out (every day), windows that overlap add up",
    )
    seasons: Annotated[tuple[Weight, ...], BeforeValidator(listed), AfterValidator(_four)] = Field(
        default=(1, 1, 1, 1),
        description="what winter, spring, summer and autumn have to each other, such as [1.1, 1.1, 0.5, 1.3]",
    )
    source: str = Field(default="", description="where these figures are from")

    @model_validator(mode="after")
    def _one_at_a_time(self) -> "Use":
        if self.times is not None and self.most(self.times) > 1:
            raise refused(
                f"times: with {self.times:g} times a week, everybody comes more than once on the fullest day of the "
                "fullest season; lower times, or raise share"
            )
        return self

    @property
    def profile(self) -> Floats:
        """Which part of a week's bookings begins in each of its 168 hours, from Monday 0:00; sums to 1."""
        weight = _hours(self.when)
        profile: Floats = weight / weight.sum()
        return profile

    @property
    def of_mean(self) -> Floats:
        """What each season has of a mean week."""
        seasons = np.array(self.seasons, dtype=np.float64)
        of_mean: Floats = seasons / seasons.mean()
        return of_mean

    def most(self, times: float) -> float:
        """Return the chance that one of them comes on the fullest day of the fullest season."""
        return round(times * float(self.profile.reshape(7, 24).sum(axis=1).max() * self.of_mean.max()), 9)


class Space(Model):
    """One kind of space."""

    m2: float = Field(gt=0, le=1e5, description="floor area of one")
    column: str = Field(default="", description="the column of the sites that says how many there are; empty = none")
    each: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None,
        description="how many each site has of which the column does not say; empty = as many as are needed",
    )


SPACES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "desk": {"m2": 12.5, "column": "capacity"},
    "meeting": {"m2": 20},
    "video": {"m2": 5},
    "hall": {"m2": 100},
})  # fmt: skip


@cache
def _shipped() -> Mapping[str, Mapping[str, Any]]:
    return MappingProxyType(dict(read_yaml(USES, "a table of uses (YAML)")))


def shipped_uses() -> dict[str, dict[str, Any]]:
    """Return the uses that a study may name without saying more, as they stand in `uses.yaml`."""
    return {name: dict(each) for name, each in _shipped().items()}


def _named(given: Any) -> Any:
    """Let a list of names stand for uses, and a name take over what its use does not say."""
    if isinstance(given, str | list | tuple):
        given = {str(name): {} for name in listed(given)}
    if not isinstance(given, Mapping):
        return given
    known, uses = _shipped(), {}
    for name, each in given.items():
        own = {} if each is None else each
        uses[str(name)] = {**known.get(str(name), {}), **own} if isinstance(own, Mapping) else own
        if not own and str(name) not in known:
            raise refused(
                f"'{name}' says nothing; expected share, times, hours, space and when, or any of {', '.join(known)}"
            )
    return uses


def _with_usual(given: Any) -> Any:
    """Add the usual spaces, and let a number stand for the floor area."""
    if not isinstance(given, Mapping):
        return given
    spaces: dict[str, Any] = {name: dict(each) for name, each in SPACES.items()}
    for name, each in given.items():
        own = {"m2": each} if isinstance(each, int | float) and not isinstance(each, bool) else each
        spaces[str(name)] = {**spaces.get(str(name), {}), **own} if isinstance(own, Mapping) else own
    return spaces


class Sharing(Asked):
    """Spaces that several uses share by the hour: how many of each, and what sharing saves."""

    uses: Annotated[dict[str, Use], BeforeValidator(_named)] = Field(
        default={},
        description="what the place is for, such as [telework, meetings, associations] or, in keys, {choir: {share: "
        "0.01, times: 1, party: 30, hours: 2, space: hall, when: {Tue 19-21: 1}}}; those of siteplan/config/uses.yaml "
        "need no more than their name; empty = all of these, telework only beside demand",
    )
    spaces: Annotated[dict[str, Space], BeforeValidator(_with_usual)] = Field(
        default={},
        validate_default=True,
        description="kinds of spaces, beside and in place of desk (12.5 m2; there are as many as the column capacity "
        "says), meeting (20), video (5) and hall (100), such as {meeting: {m2: 25, column: meeting_rooms, each: 2}}",
    )
    mode: Way = ""
    minutes: HowFar = None
    chance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="so many spaces are needed that no use finds none more often than this share of its bookings",
    )
    moves: int = Field(
        default=1, ge=0, le=5, description="to how many further sites within reach goes who finds no space; 0 = to none"
    )
    wait: float = Field(
        default=0, ge=0, le=600, description="minutes that people wait for a space before they go elsewhere"
    )
    weeks: int = Field(
        default=104,
        ge=4,
        le=2000,
        multiple_of=4,
        description="weeks that are drawn, as many of each of the four seasons; more are surer and slower",
    )
    seed: int = Field(default=1, ge=0, description="of the draw; the same seed gives the same weeks")

    @model_validator(mode="after")
    def _fits(self) -> "Sharing":
        for name, use in self.uses.items():
            for space in use.space:
                if space not in self.spaces:
                    raise refused(
                        f"uses.{name}.space: no '{space}' in sharing.spaces; expected any of {', '.join(self.spaces)}"
                    )
            if use.times is None and name != TELEWORK:
                raise refused(f"uses.{name}.times: missing; expected how often a week each of them comes")
        if "all" in self.uses or "all" in self.spaces:
            raise refused("'all' stands for all uses and spaces together; choose another name")
        return self

    @property
    def by_demand(self) -> bool:
        """Whether one of the uses is telework, of which `demand` says how often."""
        return not self.uses or (TELEWORK in self.uses and self.uses[TELEWORK].times is None)

    def told(self, demand: Demand | None = None) -> "Sharing":
        """Return the same with every use said in full: telework as `demand` says, at the largest of its uptakes.

        Raises
        ------
        StudyError
            For telework that neither says how often, nor stands beside `demand`.
        """
        uses = self.uses or {
            name: Use.model_validate(each)
            for name, each in _shipped().items()
            if each.get("times") or demand is not None
        }
        found = {}
        for name, use in uses.items():
            if use.times is not None:
                found[name] = use
            elif demand is None:
                raise StudyError(
                    Key("sharing.uses.telework.times"),
                    ": missing; give demand with its uptake, or how often a week each of them comes (uptake x days)",
                )
            else:
                found[name] = use.model_copy(update=_telework(demand, use))
        return self.model_copy(update={"uses": found})


def _telework(demand: Demand, use: Use) -> dict[str, Any]:
    """Return what `demand` says of telework; what the use itself says otherwise than the shipped one stands."""
    usual = _shipped()[TELEWORK]
    fullest = demand.fullest
    week = demand.week or (1.0, fullest, 1.0, 1.0, 1.0)
    if not demand.week:  # one day at the peak, the others alike
        week = tuple((5 - fullest) / 4 if at != 1 else fullest for at in range(5))
    mornings = {f"{day[:3]} 8-10": share for day, share in zip(DAYS, week, strict=False)}
    from_demand = {"group": demand.group, "share": demand.teleworkable, "when": mornings}
    found = {key: value for key, value in from_demand.items() if getattr(use, key) == usual[key]}
    return found | {"times": max(demand.uptake) * demand.days}


def sharing_of(
    uses: Mapping[str, Any] | Sequence[str],
    spaces: Mapping[str, Any] | None = None,
    rules: Mapping[str, Any] | None = None,
) -> Sharing:
    """Return what a caller asks by uses, spaces and rules, each written as in a study file or a model already.

    Raises
    ------
    StudyError
        Naming the key that is unknown or out of range, and a use that does not say how often people come.
    """
    given = {
        "uses": _plain(uses) if isinstance(uses, Mapping) else list(uses),
        "spaces": _plain(spaces or {}),
        **(rules or {}),
    }
    try:
        return Sharing.model_validate(given).told()
    except ValidationError as error:
        raise StudyError(f"sharing: {'; '.join(problems(error, Sharing))}") from None


def _plain(models: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): each.model_dump() if isinstance(each, Model) else each for name, each in models.items()}
