"""What a study asks of its sites: how they are ranked, and which to open together."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from siteplan.config.fields import LONGEST, Limit, LongLimit, listed
from siteplan.config.profiles import Model

__all__ = ["Choose", "Score", "check_amounts", "check_objective"]


class Fading(Model):
    """How much a person counts who is so many minutes away."""

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


class Score(Model):
    """How the results of a site become one number."""

    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={},
        description="columns of scores.csv and their weights, such as {people_best_20: 2, workers_walk_15: 1}; "
        "empty = people reached by any mode within the largest limit",
    )
    decay: Fading | None = Field(
        default=None,
        description="also count people by nearness, as columns decayed_<mode>: {kind: linear, minutes: 30}, or "
        "{kind: logistic, minutes: 15, deviation: 5}; empty = not counted",
    )


class AskedQuota(Model):
    """At least and at most so many open sites of one kind."""

    column: str = Field(description="a column of the sites, such as zone")
    value: bool | int | float | str = Field(description="its value, such as rural or 2")
    at_least: int = Field(default=0, ge=0, description="so many open sites of this kind, existing ones included")
    at_most: int | None = Field(default=None, ge=0, description="no more than so many; empty = no upper limit")


def _rises(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise PydanticCustomError("rises", "expected numbers that rise, such as 3, 5, 10")
    return values


def _floors(value: Any) -> Any:
    """Refuse what is no floor, so that one of the kinds of floors fits."""
    shares = list(value.values()) if isinstance(value, Mapping) else [value]
    number = [not isinstance(share, bool) and isinstance(share, int | float) and 0 <= share <= 1 for share in shares]
    if value in (None, "most") or (all(number) and value != 0):
        return value
    raise PydanticCustomError(
        "floors",
        "expected a share above 0 and at most 1 (0.3 for 30 %), shares by commune such as {Vernay: 0.3}, or most",
    )


class Choose(Model):
    """Which sites to open together."""

    objective: Literal["coverage", "share", "median", "center", "backup", "gravity"] = Field(
        default="coverage",
        description="coverage = most people within the limit; share = fewest sites for a share of them; median = least "
        "people-minutes; center = least longest way; backup = most people within reach of several sites; "
        "gravity = most people, the nearer the more they count",
    )
    sites: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="how many are open in all, the existing and required ones included"
    )
    budget: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="what the new ones may cost together (column cost of the sites); empty = no budget"
    )
    mode: str = Field(default="", description="one of the modes, or best; empty = best where there are several")
    minutes: LongLimit | None = Field(default=None, description="the limit; empty = the largest of travel.minutes")
    group: str = Field(default="people", description="whose reach counts: people or one of the groups")
    share: float = Field(
        default=1, gt=0, le=1, description="objective share: of those whom any site reaches, so many must be covered"
    )
    penalty: Annotated[float, Field(gt=0, le=2 * LONGEST)] | None = Field(
        default=None, description="objectives median and center: minutes of who reaches none; empty = twice the limit"
    )
    backup: int = Field(default=2, ge=2, le=10, description="objective backup: within reach of so many sites")
    decay: Fading | None = Field(default=None, description="objective gravity: as score.decay")
    capacities: bool | Literal["desks"] = Field(
        default=False,
        description="true = serve no more people at a site than its column capacity says, and nobody twice; desks = "
        "the column counts desks, which serve the workers that demand says at the largest of its uptakes",
    )
    spacing_m: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="open sites stand at least so many metres apart; empty = no such rule"
    )
    floors: Annotated[float | dict[str, float] | Literal["most"] | None, BeforeValidator(_floors)] = Field(
        default=None,
        description="the share of its people that each commune has covered at least: one for all, by name of the "
        "commune, or most = as high as possible in the worst served; who lives in none has no floor; empty = none",
    )
    quotas: tuple[AskedQuota, ...] = Field(
        default=(), description="such as [{column: zone, value: rural, at_least: 2}]"
    )
    phases: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(listed), AfterValidator(_rises)] = Field(
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
    seconds: float = Field(
        default=60, gt=0, le=3600, description="after which the search stops; the gap to the best possible is then told"
    )


def check_amounts(asked: Choose) -> None:
    """Refuse questions that say in two ways how many sites, or in none."""
    phases = asked.phases or asked.phase_budgets
    if asked.objective != "share" and asked.sites is None and asked.budget is None and not phases:
        raise PydanticCustomError(
            "choice", "choose: names neither sites (how many) nor a budget; expected one of them (-p, --budget)"
        )
    if asked.phases and (asked.budget is not None or asked.sites not in (None, asked.phases[-1])):
        raise PydanticCustomError(
            "phases",
            "choose.phases: say how many sites are open after each; leave out budget and sites beside them, or the "
            "phases (--set choose.phases=[])",
        )
    if asked.phase_budgets and (asked.phases or asked.budget is not None or asked.sites is not None):
        raise PydanticCustomError(
            "phases", "choose.phase_budgets: say what is spent after each; leave out phases, budget and sites"
        )
    if asked.objective == "share" and (phases or asked.sites is not None):
        key = "sites" if asked.sites is not None else "phases" if asked.phases else "phase_budgets"
        raise PydanticCustomError(
            "phases", "choose.{key}: objective share finds how many sites are needed; leave it out", {"key": key}
        )
    if asked.least_regret and not phases:
        raise PydanticCustomError(
            "phases", "choose.least_regret: is for phases; give choose.phases or choose.phase_budgets, or leave it out"
        )
    if asked.least_regret and (asked.objective == "center" or asked.floors == "most"):
        raise PydanticCustomError(
            "phases", "choose.least_regret: is not known for objective center and floors: most; leave it out"
        )


def check_objective(asked: Choose, minutes: float) -> None:
    """Refuse what the objective needs and lacks, and what it would pass over."""
    if asked.share != 1 and asked.objective != "share":
        raise PydanticCustomError("choice", "choose.share: is for objective share; ask for that, or leave it out")
    if asked.objective == "gravity" and asked.decay is None:
        raise PydanticCustomError(
            "choice", "choose.decay: missing; objective gravity needs it, such as {kind: linear, minutes: 20}"
        )
    if asked.decay is not None and asked.objective != "gravity":
        raise PydanticCustomError("choice", "choose.decay: is for objective gravity; ask for that, or leave it out")
    if asked.capacities and asked.objective in ("center", "backup"):
        raise PydanticCustomError(
            "choice",
            "choose.capacities: have no meaning for objective {objective}; leave them out",
            {"objective": asked.objective},
        )
    if asked.penalty is not None and asked.penalty < minutes:
        raise PydanticCustomError(
            "choice",
            "choose.penalty: is {penalty} minutes, expected at least the limit of {minutes}",
            {"penalty": f"{asked.penalty:g}", "minutes": f"{minutes:g}"},
        )
