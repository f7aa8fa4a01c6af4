"""What a further question of a study is asked about, and what answers it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import geopandas as gpd
import pandas as pd

from siteplan.analysis.coverage import openings_of
from siteplan.catalogue import BEST
from siteplan.config import Study
from siteplan.config.questions import Asked
from siteplan.errors import StudyError
from siteplan.reachable import Reach
from siteplan.siting.choice import Choice
from siteplan.study.cache import Cache
from siteplan.study.load import StudyData
from siteplan.study.progress import Means

__all__ = ["Answer", "Situation", "check_group", "check_minutes", "check_mode", "check_whom", "mode_of"]

Block = TypeVar("Block", bound=Asked)


@dataclass(frozen=True)
class Situation:
    """What a further question is asked about: a study, who is how far from which site, and the sites it chooses.

    Of a whole run there are also its `choice`, the `scores` of the sites and the `weights` they are ranked by, the
    tables `told` by the questions that were answered before, where what takes long is kept, and who does it.
    """

    study: Study
    data: StudyData
    reach: Reach
    chosen: Sequence[str] = ()
    choice: Choice | None = None
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    weights: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    cache: Cache = field(default_factory=lambda: Cache(None))
    means: Means = field(default_factory=Means)

    @property
    def counted(self) -> dict[str, Any]:
        """The limits and groups of the study, as the functions of analysis take them."""
        return {"minutes": self.study.travel.asked, "groups": self.study.groups}

    @property
    def sites(self) -> gpd.GeoDataFrame:
        """The sites by their names as text."""
        return self.data.sites.set_axis(self.data.sites.index.astype(str))

    @cached_property
    def openings(self) -> dict[str, list[str]]:
        """What may be open, and the sites that then are: `today` (if any are), `chosen` (if any are), `all`."""
        return openings_of(self.sites, self.reach, self.chosen)

    @property
    def planned(self) -> list[str]:
        """The existing, required and chosen sites."""
        return self.openings.get("chosen", self.openings.get("today", []))

    def way(self, key: str, asked: "Way") -> tuple[str, float]:
        """Return the mode that a question counts by, the best of all where it names none, and within which minutes."""
        mode = mode_of(self.reach, f"{key}.mode", asked.mode)
        return mode, asked.minutes or self.study.travel.longest(mode)


@dataclass(frozen=True)
class Answer(Generic[Block]):
    """How a further question is answered.

    Attributes
    ----------
    check
        Refuses, by a study, the question and all that was read, what cannot be answered, before anything is computed.
    tables
        Returns the tables that answer the question, by their names in the catalogue.
    after
        The questions, if they are asked, whose tables must be told before.
    of_scenarios
        Whether it is answered of each scenario, too: by its sites and scores, and without what the study chooses.
    """

    check: Callable[[Study, Block, StudyData], None]
    tables: Callable[[Block, Situation], dict[str, pd.DataFrame]]
    after: tuple[str, ...] = ()
    of_scenarios: bool = False


class Way(Protocol):
    """A question that counts by a mode and within some minutes."""

    @property
    def mode(self) -> str: ...

    @property
    def minutes(self) -> float | None: ...


class Whom(Way, Protocol):
    """A question that counts some people so."""

    @property
    def group(self) -> str: ...


def check_whom(study: Study, key: str, asked: Whom) -> None:
    """Refuse a question whose group or mode the study does not have, or that asks for more minutes than it counts."""
    check_group(study, f"{key}.group", asked.group)
    check_mode(study, f"{key}.mode", asked.mode)
    check_minutes(study, f"{key}.minutes", asked.minutes, asked.mode)


def check_group(study: Study, key: str, group: str) -> None:
    """Refuse a group that the study does not count."""
    known = ("people", *study.groups)
    if group not in known:
        raise StudyError(
            f"{key}: no '{group}' in this study; expected any of {', '.join(known)} (inputs.population.groups names "
            "the columns to carry along)"
        )


def check_mode(study: Study, key: str, mode: str) -> None:
    """Refuse a mode that the study does not have; those of a table of the user's own are known to itself."""
    known = (*study.travel.modes, "best")
    if mode and study.inputs.times is None and mode not in known:
        raise StudyError(f"{key}: no '{mode}' in this study; expected any of {', '.join(known)}")


def check_minutes(study: Study, key: str, minutes: float | None, mode: str) -> None:
    """Refuse more minutes than are searched for, or than its mode is counted up to."""
    longest = study.travel.longest(mode or BEST)
    if minutes is not None and study.travel.own and minutes > longest:
        raise StudyError(f"{key}: {minutes:g}, but {mode or BEST} is counted up to {longest:g} (travel.minutes)")
    if minutes is not None and minutes > study.limit:
        raise StudyError(f"{key}: {minutes:g} is more than the {study.limit:g} minutes that this study searches for")


def mode_of(reach: Reach, key: str, asked: str) -> str:
    """Return the mode that a block asks for; where it names none, the best of all."""
    mode = asked or BEST
    if mode not in (*reach.modes, BEST):
        raise StudyError(f"{key}: no '{mode}' in the times given; expected any of {', '.join(reach.modes)}, best")
    return reach.names[-1] if mode == BEST else mode  # of one mode, the best is that mode
