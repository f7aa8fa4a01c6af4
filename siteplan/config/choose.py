"""What is asked of sites: how they are ranked, and which to open together."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from siteplan.config.fields import LONGEST, Limit, LongLimit, Metres, listed, refused
from siteplan.config.problems import said, short
from siteplan.config.profiles import Model
from siteplan.errors import Key, StudyError
from siteplan.objectives import OBJECTIVES, Objective, objective_named, objective_names

__all__ = ["Decay", "Question", "Quota", "Score", "question_of"]


class _AtTheDoor(type(BaseModel)):  # type: ignore[misc]  # of a class without a name of its own
    """Makes of what is wrong with a model that is made in Python the sentence that a study file gets."""

    def __call__(cls, *given: Any, **named: Any) -> Any:
        try:
            return super().__call__(**dict(zip(cls.model_fields, given, strict=False)), **named)
        except ValidationError as error:
            raise _refused(error, cls, f"{cls.__name__.lower()}: ") from None


def _refused(error: ValidationError, root: type[BaseModel], origin: str = "") -> StudyError:
    first, *more = said(error, root)
    return StudyError(origin, *first, *(part for parts in more for part in ("; ", *parts)))


class Decay(Model, metaclass=_AtTheDoor):
    """How much a person counts who is `t` minutes away, from 1 at the door to 0.

    step      1 up to `minutes`, then 0: the cumulative count (Kwan 1998, rectangular)
    linear    1 - t / minutes, 0 from `minutes` on (Kwan 1998, negative linear)
    logistic  (1 + exp(-m k)) / (1 + exp((t - m) k)) with m = `minutes` and k = pi / (`deviation` sqrt 3): close to
              one half at `minutes`, steeper the smaller the `deviation`, in minutes (Bauer & Groneberg 2016)
    """

    kind: Literal["step", "linear", "logistic"] = Field(
        examples=["logistic"],
        description="step = 1 up to the minutes; linear = falls to 0 there; logistic = one half there",
    )
    minutes: Limit = Field(examples=[15], description="where the step, the end or the middle of the curve is")
    deviation: float = Field(default=5.0, gt=0, le=60, description="logistic: minutes; the smaller, the steeper")

    @property
    def limit(self) -> float:
        """Minutes beyond which a person counts less than a hundredth."""
        return self.minutes + (2.6 * self.deviation if self.kind == "logistic" else 0)

    def weights(self, minutes: Any) -> Any:
        """Return the weight of each travel time, both as arrays of one shape; times in minutes."""
        import numpy as np

        if self.kind == "step":
            return np.where(minutes <= self.minutes, 1.0, 0.0)
        if self.kind == "linear":
            return np.maximum(0.0, 1.0 - minutes / self.minutes)
        steepness = np.pi / (self.deviation * np.sqrt(3.0))
        # exp stops at 700 so that a tiny deviation gives a step and not an overflow
        beyond = np.exp(np.minimum((minutes - self.minutes) * steepness, 700.0))
        return (1.0 + np.exp(-self.minutes * steepness)) / (1.0 + beyond)


class Score(Model):
    """How the results of a site become one number."""

    weights: dict[str, Annotated[float, Field(ge=-1e9, le=1e9)]] = Field(
        default={},
        description="columns of scores.csv or of the sites and their weights, such as {people_best_20: 2, fibre: 1, "
        "cost: -1}; below 0 where less is better; empty = people reached by any mode within the largest limit",
    )
    decay: Decay | None = Field(
        default=None,
        description="also count people by nearness, as columns decayed_<mode>: {kind: linear, minutes: 30}, or "
        "{kind: logistic, minutes: 15, deviation: 5}; empty = not counted",
    )


class Quota(Model, metaclass=_AtTheDoor):
    """At least and at most so many open sites of one kind, or so much of a column at all open sites together."""

    column: str = Field(description="a column of the sites, such as zone")
    value: bool | int | float | str | None = Field(default=None, description="its value, such as rural or 2")
    at_least: int = Field(default=0, ge=0, description="so many open sites of this kind, existing ones included")
    at_most: int | None = Field(default=None, ge=0, description="no more than so many; empty = no upper limit")
    value_at_least: float | None = Field(
        default=None, description="in place of one value: those of this value or more count"
    )
    value_at_most: float | None = Field(default=None, description="and of this or less, such as 5 for stop_minutes")
    total_at_least: float | None = Field(
        default=None,
        description="in place of a number of sites: of the column, all open sites together have so much, such as 2000 "
        "for floor_m2; a site without a value counts nothing",
    )
    total_at_most: float | None = Field(default=None, description="and no more than so much")

    @model_validator(mode="after")
    def _fits(self) -> "Quota":
        for part in ("", "value_", "total_"):
            least, most = getattr(self, f"{part}at_least"), getattr(self, f"{part}at_most")
            if least is not None and most is not None and most < least:
                text = f"is less than {part}at_least; expected as many or more"
                raise PydanticCustomError("asked", "{text}", {"key": f"{part}at_most", "text": text})
        if [self.value is not None, self.of_values, self.of_total].count(True) != 1:
            raise PydanticCustomError(
                "asked",
                "names none, or several, of value, value_at_least or value_at_most, and total_at_least or "
                "total_at_most; expected one of these",
                {"key": ""},
            )
        if self.of_total and (self.at_least or self.at_most is not None):
            raise PydanticCustomError("asked", "counts sites, and total_ does not; leave it out", {"key": "at_least"})
        return self

    @property
    def of_values(self) -> bool:
        """Whether sites count whose value lies between two."""
        return self.value_at_least is not None or self.value_at_most is not None

    @property
    def of_total(self) -> bool:
        """Whether what sites have is added up, in place of the sites."""
        return self.total_at_least is not None or self.total_at_most is not None

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the most, of sites or of what they have."""
        if not self.of_total:
            return self.at_least, math.inf if self.at_most is None else self.at_most
        least, most = self.total_at_least, self.total_at_most
        return -math.inf if least is None else least, math.inf if most is None else most

    @property
    def name(self) -> str:
        """What is counted."""
        if self.value is not None:
            return f"{self.column}={self.value}"
        if self.of_total:
            return f"total of {self.column}"
        least, most = (
            "" if limit is None else f"{sign}{limit:g}"
            for sign, limit in ((">=", self.value_at_least), ("<=", self.value_at_most))
        )
        return f"{self.column}{least}{most}"


def _rises(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise refused("expected numbers that rise, such as 3, 5, 10")
    return values


def _floors(value: Any) -> Any:
    """Refuse what is no floor, so that one of the kinds of floors fits."""
    shares = list(value.values()) if isinstance(value, Mapping) else [value]
    number = [not isinstance(share, bool) and isinstance(share, int | float) and 0 <= share <= 1 for share in shares]
    if value in (None, "most") or (all(number) and value != 0):
        return value
    raise refused(
        "expected a share above 0 and at most 1 (0.3 for 30 %), shares by commune such as {Vernay: 0.3}, or most"
    )


def _objective(name: Any) -> str:
    found = objective_named(name)
    if found is None:
        raise refused(f"expected any of {', '.join(objective_names())}")
    return found.name


def _kind_of_decay(value: Any) -> str:
    return "[keys]" if isinstance(value, Mapping | Decay) else "[own]"  # in brackets, so that no message names it


class Question(Model, metaclass=_AtTheDoor):
    """Which sites to open together: what a study file says under `choose`, and what `choose_sites` is asked."""

    objective: Annotated[str, BeforeValidator(_objective)] = Field(
        default="coverage",
        description="; ".join(f"{' or '.join((each.name, *each.also))} = {each.about}" for each in OBJECTIVES),
    )
    sites: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="how many are open in all, the existing and required ones included"
    )
    budget: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="what the new ones may cost together (column cost of the sites); empty = no budget"
    )
    mode: Annotated[str | tuple[str, ...], BeforeValidator(lambda mode: "" if mode is None else mode)] = Field(
        default="", description="one of the modes, or best; empty = best where there are several"
    )
    minutes: LongLimit | None = Field(
        default=None,
        description="the limit; empty = the largest of travel.minutes, but for median and center: none (the penalty, "
        "if there is one), so that a study searches for up to four hours. A table of times may go farther than "
        "a search (240)",
    )
    metres: Metres | None = Field(
        default=None,
        description="in place of minutes, the limit where the times are metres; empty = the largest of travel.metres, "
        "but for median and center none",
    )
    group: str = Field(default="people", description="whose reach counts: people or one of the groups")
    share: float = Field(
        default=1, gt=0, le=1, description="objective share: of those whom any site reaches, so many must be covered"
    )
    least: Literal["sites", "cost"] = Field(default="sites", description="objective share: of what the least is wanted")
    penalty: Annotated[float, Field(gt=0, le=2 * LONGEST)] | None = Field(
        default=None,
        description="objectives median and center: minutes (or metres) of who reaches none; empty = twice the limit "
        "or, where there is none, twice the longest time found",
    )
    backup: int = Field(default=2, ge=1, le=10, description="objective backup: within reach of so many sites")
    decay: (
        Annotated[
            Annotated[Decay, Tag("[keys]")] | Annotated[Callable[..., Any] | str, Tag("[own]")],
            Discriminator(_kind_of_decay),
        ]
        | None
    ) = Field(default=None, description="objective gravity: as score.decay")
    capacities: bool | Literal["desks"] = Field(
        default=False,
        description="true = serve no more people at a site than its column capacity says, and nobody twice; desks = "
        "the column counts desks, which serve the workers that demand says at the largest of its uptakes",
    )
    spacing_m: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="open sites stand at least so many metres apart; empty = no such rule"
    )
    floors: Annotated[float | dict[Any, float] | Literal["most"] | None, BeforeValidator(_floors)] = Field(
        default=None,
        description="the share of its people that each commune has covered at least: one for all, by name of the "
        "commune, or most = as high as possible in the worst served; who lives in none has no floor; empty = none",
    )
    quotas: tuple[Quota, ...] = Field(default=(), description="such as [{column: zone, value: rural, at_least: 2}]")
    phases: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(listed), AfterValidator(_rises)] = Field(
        default=(), description="open so many first, then so many, such as [3, 5, 10]; empty = all at once"
    )
    phase_budgets: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], BeforeValidator(listed), AfterValidator(_rises)
    ] = Field(default=(), description="in place of phases: what may have been spent after each, such as [1e6, 3e6]")
    least_regret: bool = Field(
        default=False,
        description="phases that together lose the least share of their own best, from one programme over them all: "
        "slower",
    )
    frontier: int = Field(
        default=0,
        ge=0,
        le=50,
        description="also say what so much money buys at best, however many sites: in so many equal steps up to what "
        "the chosen ones cost, and a quarter beyond; 0 = not said",
    )
    method: Literal["exact", "greedy"] = Field(
        default="exact", description="exact = with a proof; greedy = the next best one each time, and swaps: no proof"
    )
    effort: float = Field(
        default=1,
        gt=0,
        le=100,
        description="how much of a search is allowed, in counted steps, which are the same on every machine: 1 is "
        "about a minute; the gap to the best possible is told where that was not enough for a proof",
    )
    seconds: float = Field(
        default=600,
        gt=0,
        le=36000,
        description="a safety net, after which the search stops in any case: another machine may then give another "
        "set, which is said",
    )
    gap: float = Field(default=0, ge=0, lt=1, description="a set within this share of the best possible is enough")

    @property
    def goal(self) -> Objective:
        """The objective itself."""
        return objective_names()[self.objective]

    def limit(self, usual: float) -> float:
        """Return how near a site must be, in the unit of the times: as asked, else as usual; infinite without limit."""
        asked = self.minutes if self.metres is None else self.metres
        if asked is not None:
            return asked
        return usual if self.goal.limited else self.penalty or math.inf

    @model_validator(mode="after")
    def _makes_sense(self) -> "Question":
        for key, why in self._wrong():
            raise PydanticCustomError("asked", "{why}", {"key": key, "why": why})
        return self

    def _wrong(self) -> list[tuple[str, str]]:
        """Name keys that do not fit together, and why: the first is told."""
        phased, goal, wrong = self.phases or self.phase_budgets, self.goal, []
        if goal.search == "fewest":
            wrong += [
                (key, f"objective {goal.name} finds how many sites are needed; leave it out")
                for key in ("sites", "phases", "phase_budgets")
                if getattr(self, key) not in (None, ())
            ]
        elif self.sites is None and self.budget is None and not phased:
            wrong.append(("", "names neither sites (how many) nor a budget; expected one of them"))
        if self.phases and (self.budget is not None or self.sites not in (None, self.phases[-1])):
            why = "say how many sites are open after each; leave out budget and sites beside them, or the phases"
            wrong.append(("phases", f"{why} (--set choose.phases=[])"))
        if self.phase_budgets and (self.phases or self.budget is not None or self.sites is not None):
            wrong.append(("phase_budgets", "say what is spent after each; leave out phases, budget and sites"))
        if self.least_regret and not phased:
            wrong.append(("least_regret", "is for phases; give choose.phases or choose.phase_budgets, or leave it out"))
        if self.least_regret and (goal.search == "farthest" or self.floors == "most"):
            wrong.append(("least_regret", "is not known for objective center and floors: most; leave it out"))
        wrong += [
            (key, f"is for objective {each.name}; ask for that, or leave it out")
            for each in OBJECTIVES
            for key in each.keys
            if key not in goal.keys and getattr(self, key) != type(self).model_fields[key].default
        ]
        if "decay" in goal.keys and self.decay is None:
            why = f"missing; objective {goal.name} needs it, such as {{kind: linear, minutes: 20}}"
            wrong.append(("decay", why))
        if self.capacities and not goal.full:
            wrong.append(("capacities", f"have no meaning for objective {goal.name}; leave them out"))
        if self.method == "greedy" and (self.capacities or self.floors == "most"):
            wrong.append(("method", "greedy cannot weigh capacities or floors: most; ask for exact"))
        if self.frontier and goal.search != "most":
            wrong.append(("frontier", f"is not known for objective {goal.name}; leave it out"))
        if self.minutes is not None and self.metres is not None:
            wrong.append(
                ("metres", "stands beside minutes; the limit is the one or the other, so leave one of them out")
            )
        unit, asked = ("minutes", self.minutes) if self.metres is None else ("metres", self.metres)
        if self.penalty is not None and asked is not None and self.penalty < asked:
            limit = f"expected at least the limit of {asked:g}"
            wrong.append(("penalty", f"is {self.penalty:g} {unit}, {limit}"))
        return wrong


def question_of(question: Question | Mapping[str, Any] | None, **given: Any) -> Question:
    """Return the question that is meant: one, the keys of one, or none, and whatever is given beside it but None.

    Raises
    ------
    StudyError
        Naming every key that is unknown, missing or out of range.
    """
    if not isinstance(question, Question | Mapping | None):
        raise StudyError(
            Key("question"), f" is {short(question)}, expected a Question or its keys, such as {{'sites': 5}}"
        )
    # None is as if not given, as a study file takes it.
    asked = {name: value for name, value in given.items() if value is not None}
    try:
        return Question.model_validate({**dict(question or {}), **asked})
    except ValidationError as error:
        raise _refused(error, Question) from None
