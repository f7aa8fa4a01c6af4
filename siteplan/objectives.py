"""What a set of sites can be chosen for: one object an objective, with its names, its worth and its words.

An objective of one's own is one more entry of `OBJECTIVES`. Where a language has no words for it, its own are used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["OBJECTIVES", "Objective", "objective_named", "objective_names"]

Worth = Callable[[Any, float, Any], Any]


def _as_weighed(_minutes: Any, _penalty: float, weights: Any) -> Any:
    return weights


def _saved(minutes: Any, penalty: float, _weights: Any) -> Any:
    return penalty - minutes


@dataclass(frozen=True)
class Objective:
    """One thing that a set of sites can do best.

    Attributes
    ----------
    name, also
        What it is called in a study, in Python and at the command line, and the field's other names of it.
    about
        What it does, for the documentation of the study's keys.
    words
        Of an objective of one's own, which the languages have no words for: for the terminal `told`, what a set gives,
        and `gained`, what a site adds where that is not people; for the report `aim`, `worth`, `unit`, `value`, `gain`.
    search
        What is looked for. most: the largest sum, over all people, of what each counts at the open site where that is
        most. fewest: the smallest set for which that sum is large enough. farthest: the set for which the longest way
        is least.
    worth
        What a person counts who is served: an array made of the minutes, the penalty (minutes of who is not served)
        and the weights of the decay (1 without one), all by pair of point and site.
    remaining
        Told as what is missing to the penalty for all: minutes on the way in place of minutes saved.
    limited
        Whether only sites within a limit count, so that there is one even if none is given.
    keys
        Keys of the question that this objective alone knows.
    full
        Whether it has a meaning where sites may be full.
    heads
        Whether a set is worth the people who are served, each the same.
    """

    name: str
    about: str
    words: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    search: Literal["most", "fewest", "farthest"] = "most"
    worth: Worth = _as_weighed
    remaining: bool = False
    limited: bool = True
    keys: tuple[str, ...] = field(default=())
    full: bool = True
    heads: bool = False

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller value is a better one."""
        return self.remaining or self.search != "most"

    @property
    def better(self) -> float:
        """The sign of a change for the better."""
        return -1.0 if self.less_is_better else 1.0

    @property
    def grows(self) -> bool:
        """Whether its value grows, each site adding less than the one before: greedy then has a bound and a curve."""
        return self.search == "most" and not self.less_is_better and self.full

    def told(self, worth: float, penalty: float, people: float) -> float:
        """Turn what people count, served, into the unit of the value; or back."""
        return penalty * people - worth if self.remaining else worth


OBJECTIVES: tuple[Objective, ...] = (
    Objective(
        "coverage",
        "most people within the limit",
        also=("mclp",),
        heads=True,
    ),
    Objective(
        "share",
        "fewest sites for a share of them",
        also=("lscp",),
        search="fewest",
        keys=("share", "least"),
        heads=True,
    ),
    Objective(
        "median",
        "least people-minutes",
        also=("p-median",),
        worth=_saved,
        remaining=True,
        limited=False,
        keys=("penalty",),
    ),
    Objective(
        "center",
        "least longest way",
        also=("p-center",),
        search="farthest",
        worth=_saved,
        limited=False,
        keys=("penalty",),
        full=False,
    ),
    Objective(
        "backup",
        "most people within reach of several sites",
        keys=("backup",),
        full=False,
    ),
    Objective(
        "gravity",
        "most people, the nearer the more they count",
        keys=("decay",),
    ),
)


def objective_names() -> dict[str, Objective]:
    """Give every objective by each of its names."""
    return {name: each for each in OBJECTIVES for name in (each.name, *each.also)}


def objective_named(name: object) -> Objective | None:
    """Return the objective of a name, however it is spelt (`p-median`, `p_median`); None if there is none."""
    return objective_names().get(str(name).strip().lower().replace("_", "-"))
