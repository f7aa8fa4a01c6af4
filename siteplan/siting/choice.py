"""A choice: a set of sites, its worth, and the proof."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from siteplan.display import Shown
from siteplan.errors import listed

__all__ = ["Choice"]


@dataclass(frozen=True, repr=False)
class Choice(Shown):
    """A set of sites, its worth, and the proof.

    Attributes
    ----------
    sites
        Index `site` in the order to open them (existing, required, then what adds most); `order` of opening, 1 being
        the first that does not exist yet (0 for those that do), `name`, `status`, `people` within the limit, `added` by
        it to those before it (with capacities: served more), `gain` (what it adds to the objective, in its unit; for
        median and center people-minutes saved), `alone` (within the limit of no other chosen site), `served` (assigned
        to it), `turned_away` (whose nearest it is but who, as it is full, go elsewhere or nowhere), `cost` (0 for
        existing sites), `gain_per_cost` (NaN where free or not known); with phases `phase`. People are of the group.
    objective, value
        What was asked, and what the set gives: people covered (coverage, backup), decayed people (gravity),
        people-minutes (median), minutes of the farthest (center), sites or cost (share).
    bound, gap
        No set can be better than `bound`; how far `value` is from it, as a share of `value`. NaN if not computed.
    greedy, greedy_order
        What greedy alone gets (NaN where it meets not all conditions), and its sites in the order it opened them.
    assignment
        Columns `point`, `site`, `minutes` (or `metres`), `people`: who goes where. Who is served nowhere has no row.
    rejected
        Index `site`, candidates not chosen: `name`, `people`, `new` (whom it would add), `redundant_by` (the chosen
        site that shares most with it), `shared` people, `swap_for` and `change` (the objective's change if it replaced
        that site, the best such swap that keeps to the conditions), `left_out` (why it could not be chosen).
    summary
        Plain figures: `group` and its `people` in all, `coverable` (by all sites that are not excluded), `covered`,
        `today` (by existing and required sites alone), `sites`, `cost`, `cost_unknown`, `left_out` (candidates without
        a cost or capacity that the question needs), `minutes` or `metres` (the longest counted, where not `limited`),
        `penalty`, `territories` (share covered) and `floors` (asked), method, `ended` (what ended the search: proven,
        gap as asked, greedy, the steps that its effort allows, or the clock, on which another machine may give another
        set), and `set_aside`: how many candidates HiGHS was not shown, as others do all that they do; with floors
        "most" `floor`, the highest found, and `floor_bound`, what it is at most.
    phases, curve
        As `deploy` and `coverage_curve` tell them, where a study asks for them.
    coverage
        Who has an open site by each mode, with what is open today, with the set, and with all; where a study asks.
    """

    sites: pd.DataFrame
    objective: str
    value: float
    bound: float
    gap: float
    greedy: float
    greedy_order: tuple[str, ...]
    assignment: pd.DataFrame
    rejected: pd.DataFrame
    summary: dict[str, Any]
    phases: pd.DataFrame | None = None
    curve: pd.DataFrame | None = None
    coverage: pd.DataFrame | None = None

    def facts(self) -> dict[str, object]:
        """Say what was chosen, and how good it is."""
        return {
            "objective": self.objective,
            "value": f"{self.value:,.0f}",
            "gap": f"{self.gap:.2%}",
            "sites": listed(self.sites.index, most=10),
            "people covered": f"{self.summary['covered']:,.0f} of {self.summary['people']:,.0f}",
        }
