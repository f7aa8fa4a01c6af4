"""What a choice of sites was asked to do, and how good it is, as the manifest of a run tells it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from siteplan.objectives import Objective, objective_names

__all__ = ["Goal"]


@dataclass(frozen=True)
class Goal:
    """The question (the study's keys of `choose`), the worth of the chosen set, and how far it is from the best."""

    asked: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Goal":
        """Read it from a manifest; what is not there is not known."""
        return cls(manifest.get("parameters", {}).get("choose") or {}, manifest.get("choice") or {})

    @property
    def objective(self) -> Objective:
        """What was to be as large, or as small, as possible."""
        return objective_names()[str(self.told.get("objective") or self.asked.get("objective") or "coverage")]

    @property
    def unlimited(self) -> bool:
        """Whether there was no limit to the way."""
        return not (self.objective.limited or self.asked.get("minutes") or self.asked.get("penalty"))

    @property
    def group(self) -> str:
        """Whose way counts."""
        return str(self.asked.get("group") or "people")

    @property
    def summary(self) -> Mapping[str, Any]:
        """The plain figures."""
        found: Mapping[str, Any] = self.told.get("summary") or {}
        return found

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller value is a better one."""
        return self.objective.less_is_better

    @property
    def shared_out(self) -> bool:
        """Whether sites may be full."""
        return bool(self.asked.get("capacities"))

    @property
    def phased(self) -> bool:
        """Whether sites open in phases."""
        return bool(self.asked.get("phases") or self.asked.get("phase_budgets"))

    @property
    def conditions(self) -> list[str]:
        """Name what was asked beside the objective and the number of sites: sets that break it do not count."""
        asked = {**self.asked, "budget": self.asked.get("budget") or self.asked.get("phase_budgets")}
        return [name for name in ("budget", "capacities", "spacing_m", "floors", "quotas") if asked.get(name)]

    def figure(self, name: str) -> float:
        """Give the value, the bound, the gap or what greedy gives; NaN where it is not known."""
        known = self.told.get(name)
        return math.nan if known is None else float(known)
