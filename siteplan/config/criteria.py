"""By what sites are judged beside whom they reach."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from siteplan.config.fields import File, listed, refused
from siteplan.config.problems import problems
from siteplan.config.profiles import Model, Window, seconds_of
from siteplan.config.questions import Asked
from siteplan.errors import StudyError

__all__ = ["Criteria", "Criterion", "Requirement", "Stops", "criteria_of"]

Minutes = Annotated[float, Field(gt=0, le=120)]
Value = bool | int | float | str


class Criterion(Model):
    """How one column of the sites counts: its weight, which way is better, and what is worst and best."""

    weight: float = Field(
        default=1, ge=0, le=1e6, description="of this criterion among all; only the proportions matter"
    )
    better: Literal["more", "less"] = Field(
        default="more", description="more or less of it is better: less for costs, rents and minutes"
    )
    scale: Literal["range", "largest"] | tuple[float, float] = Field(
        default="range",
        description="what counts 0 and what 1: range = the worst and the best of the judged sites; largest = 0 and the "
        "largest of them; or two values of your own, the worst first, such as [30, 5], beyond which nothing more "
        "counts",
    )
    order: Annotated[tuple[str, ...], BeforeValidator(lambda given: [str(one) for one in listed(given)])] = Field(
        default=(),
        description="where the column holds words: these, from the worst to the best in equal steps, such as "
        "[G, F, E, D, C, B, A]; yes and no need none",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> "Criterion":
        if self.order and (len(self.order) < 2 or len({word.casefold() for word in self.order}) < len(self.order)):
            raise refused("order: expected two words or more, none twice, the worst first")
        if self.order and (self.scale, self.better) != ("range", "more"):
            raise refused("order: says what is worst and best already; leave scale and better out")
        if isinstance(self.scale, tuple) and (self.scale[1] - self.scale[0]) * self.sign <= 0:
            raise refused(
                "scale: expected the worst value first, then the best, which is the "
                f"{'larger' if self.better == 'more' else 'smaller'} where {self.better} is better"
            )
        return self

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.better == "more" else -1


class Requirement(Model):
    """What a site must have in one column to be judged and chosen."""

    at_least: float | None = Field(default=None, description="no less than this")
    at_most: float | None = Field(default=None, description="no more than this")
    one_of: Annotated[tuple[Value, ...], BeforeValidator(listed)] = Field(
        default=(), description="one of these values, such as [A, B, C]"
    )

    @model_validator(mode="after")
    def _asks(self) -> "Requirement":
        if self.one_of and (self.at_least is not None or self.at_most is not None):
            raise refused("one_of: stands beside limits; expected the one or the other")
        if not self.one_of and self.at_least is None and self.at_most is None:
            raise refused("asks nothing; expected at_least, at_most or one_of")
        if self.at_least is not None and self.at_most is not None and self.at_most < self.at_least:
            raise refused("at_most: is less than at_least, which no site can be")
        return self


def _criterion(given: Any) -> Any:
    """Let a number stand for a weight."""
    return {"weight": given} if isinstance(given, int | float) and not isinstance(given, bool) else given


def _requirement(given: Any) -> Any:
    """Let a value or a list of values stand for one of these."""
    if isinstance(given, (Requirement, Mapping)):
        return given
    return {"one_of": given if isinstance(given, list | tuple) else [given]}


Columns = dict[str, Annotated[Criterion, BeforeValidator(_criterion)]]
Requirements = dict[str, Annotated[Requirement, BeforeValidator(_requirement)]]


class Stops(Model):
    """Which stops of public transport count as served well enough."""

    departures: float = Field(default=4, gt=0, description="an hour, at least, on the mean of the hours")
    hours: Window = Field(default=("07:00", "19:00"), description="between which they are counted")

    @property
    def span(self) -> float:
        """Hours in which departures are counted."""
        first, last = seconds_of(self.hours)
        return (last - first) / 3600


class Criteria(Asked):
    """Sites judged by more than reach: columns of the sites and computed ones, each with a weight."""

    columns: Columns = Field(
        min_length=1,
        description="what counts, by column: of the sites (such as rent), of scores.csv, or computed (services_near, "
        "stop_minutes, <kind>_minutes of a service, commune_<column> of area.communes); a weight, such as "
        "{people_best_20: 3, fibre: 1}, or keys, such as {rent: {weight: 2, better: less}}",
    )
    require: Requirements = Field(
        default={},
        description="what a site must have to be judged and chosen, such as {step_free: true, rent: {at_most: 12}, "
        "energy: [A, B, C]}; what is not known is not met; existing and required sites stay open in a choice",
    )
    among: Literal["all", "candidates"] = Field(
        default="all", description="which sites are judged: all that are not excluded, or candidates alone"
    )
    stops: Stops = Field(default=Stops(), description="which stops count for stop_minutes")
    services: File | None = Field(
        default=None,
        description="a table of tags (.yaml, in the form of siteplan/inputs/services.yaml) or a file of places with a "
        "column kind (.csv .gpkg .geojson), in place of the services that the extract of the streets has",
    )
    near: Minutes = Field(default=5, description="minutes on foot within which services_near counts services")
    farthest: Minutes = Field(
        default=30, description="minutes on foot: what is farther, or not there, counts as so far away"
    )
    draws: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        description="how many weightings are drawn for the share in which a site is first",
    )
    seed: int = Field(default=1, ge=0, description="of the draw; the same seed gives the same weightings")
    frontier: int = Field(
        default=5,
        ge=0,
        le=20,
        description="where the study chooses sites: how many steps between most people and best criteria are told; "
        "0 = none",
    )

    @model_validator(mode="after")
    def _weighs(self) -> "Criteria":
        if not any(each.weight for each in self.columns.values()):
            raise refused("columns: no weight is above 0; give one column or more a weight")
        return self


def criteria_of(columns: Mapping[str, Any], require: Mapping[str, Any] | None = None) -> Criteria:
    """Return what a caller asks by columns and requirements, each written as in a study file or a model already.

    Raises
    ------
    StudyError
        Naming the column and key that is unknown or out of range.
    """
    try:
        return Criteria.model_validate({"columns": dict(columns), "require": dict(require or {})})
    except ValidationError as error:
        raise StudyError(f"criteria: {'; '.join(problems(error, Criteria))}") from None
