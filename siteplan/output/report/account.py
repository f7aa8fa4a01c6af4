"""What a report tells of a result: its tables in a reader's words, and the figures that several sections speak of."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.analysis.coverage import by_way, openings_of
from siteplan.catalogue import Measure, measures
from siteplan.errors import InputError
from siteplan.geo import metric_crs, require_metric
from siteplan.output.coverage import at_limit, cycles, limits_told, up_to
from siteplan.output.maps.layers import mark_labels
from siteplan.output.outcome import Outcome
from siteplan.output.report.facts import (
    BEST,
    OPEN,
    Coverage,
    access_table,
    communes_of,
    covered_people,
    headline,
    one_split,
    opening_counts,
    reach_columns,
)
from siteplan.output.report.goal import Goal
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.words import NONE, Words, capital, load_words

__all__ = ["MOST_NAMED", "MOST_TOGETHER", "Account"]

MOST_NAMED, MOST_TOGETHER = 30, 8  # sites that a sentence names, and a row
MOST_COLUMNS = 6  # of people, in a table as wide as an A4 page


@dataclass(frozen=True)
class Account:
    """A result as a report tells it in one language: its words, its tables, and what several sections say of them.

    The places of `result` lie in one metric CRS; what has no rows is as good as absent.
    """

    words: Words
    result: Outcome

    @classmethod
    def of(cls, result: Outcome, language: str) -> "Account":
        """Give the account of any result.

        Raises
        ------
        InputError
            A layer without a CRS.
        StudyError
            An unknown language.
        """
        words = load_words(language or result.language, "report").with_modes(result.mode_titles)
        layers = _in_metres({"sites": result.sites, **result.layers})
        return cls(words, replace(result, sites=layers.pop("sites"), layers=layers))

    # ---- tables ----

    def table(self, name: str) -> pd.DataFrame | None:
        """Give a table as its file says it; None where it is absent or empty."""
        return self.result.table(name)

    def layer(self, name: str) -> gpd.GeoDataFrame | None:
        """Give a layer; None where it is absent or empty."""
        return self.result.layers.get(name)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What went in and what came out."""
        return self.result.manifest

    @property
    def sites(self) -> gpd.GeoDataFrame:
        """All sites, the excluded too."""
        return self.result.sites

    @property
    def scores(self) -> pd.DataFrame | None:
        """What each site reaches."""
        return self._rows("scores")

    @property
    def times(self) -> pd.DataFrame | None:
        """The minutes from which people are counted."""
        return self._rows("times")

    @property
    def cells(self) -> gpd.GeoDataFrame | None:
        """Where people live."""
        return self.layer("cells")

    @property
    def points(self) -> gpd.GeoDataFrame | None:
        """Whom the times speak of."""
        return self.layer("points")

    @property
    def communes(self) -> gpd.GeoDataFrame | None:
        """The territories to report by."""
        return self.layer("communes")

    @cached_property
    def choice(self) -> pd.DataFrame | None:
        """The chosen sites."""
        return self.table("choice")

    def _rows(self, name: str) -> pd.DataFrame | None:
        found = self.result.tables.get(name)
        return None if found is None or found.empty else found

    # ---- words ----

    def word_of_goal(self, kind: str, **values: object) -> str:
        """Give a text on the objective: the language's for it, else its own, else that for any; nothing if none.

        Where there is no limit to the way, other words may hold.
        """
        goal = self.goal
        key = f"{kind}_{goal.objective.name}"
        texts = self.words.texts
        free = texts.get(f"{key}_free") if goal.unlimited else None
        return self.words.fill(
            free or texts.get(key) or goal.objective.words.get(kind) or texts.get(kind, ""), **values
        )

    def column(self, name: str) -> str:
        """Say what a counted column holds; any other is called by its name."""
        found = [] if self.scores is None else [each for each in measures(self.scores) if each.column == name]
        if not found:
            return name
        (each,) = found
        minutes = self.words.text("minutes_short", minutes=each.minutes)
        kind = "" if each.kind == "reached" else f" ({self.words[each.kind]})"
        return f"{self.words.group(each.group)}{kind} {self.words.mode(each.mode)} {minutes}"

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each site is called on maps, here and on the page."""
        ids = list(map(str, self.sites.index))
        return dict(zip(ids, mark_labels(ids, self.result.opening), strict=True))

    def name(self, site: str) -> str:
        """Give the name of a site, or its id."""
        names = self.sites["name"] if "name" in self.sites else pd.Series(dtype=object)
        return str(names.get(site, site))

    def names(self, sites: Iterable[str]) -> str:
        """List sites by their names, of very many the first."""
        return self._named(sites, MOST_NAMED)

    def _named(self, sites: Iterable[str], most: int) -> str:
        return self.words.listed((self.words.set_off(self.name(site)) for site in sites), most)

    def sets(self, found: pd.Series) -> list[str]:
        """List the first sites of each set by their names; a table writes a set with commas."""
        return [self._named(str(sites).split(", "), MOST_TOGETHER) if sites else NONE for sites in found.fillna("")]

    def commune(self, territory: object) -> str:
        """Give the name of a commune, or its id; "" is what lies outside them all."""
        if str(territory) == "":
            return self.words["outside"]
        names = None if self.communes is None else self.communes.get("name")
        if names is None:
            return str(territory)
        return str(names.set_axis(names.index.astype(str)).get(str(territory), territory))

    # ---- facts ----

    @cached_property
    def measure(self) -> Measure | None:
        """The one figure that the report speaks of."""
        weights = self.asked.get("score", {}).get("weights", {})
        return None if self.scores is None else headline(self.scores, weights)

    @property
    def asked(self) -> Mapping[str, Any]:
        """What the study asked for."""
        return self.result.study

    @cached_property
    def used(self) -> list[str]:
        """All sites but the excluded."""
        return [str(site) for site in self.sites.index[self.sites["status"] != "excluded"]]

    @cached_property
    def opened(self) -> list[str]:
        """The sites that are open in any case."""
        return [str(site) for site in self.sites.index[self.sites["status"].isin(OPEN)]]

    @cached_property
    def candidates(self) -> list[str]:
        """The sites that could be opened."""
        return [str(site) for site in self.sites.index[self.sites["status"] == "candidate"]]

    @cached_property
    def chosen(self) -> list[str]:
        """The chosen sites, in the order of opening."""
        return self.result.chosen

    @cached_property
    def new(self) -> list[str]:
        """The chosen sites that are not open in any case, in the order of opening."""
        opened = set(self.opened)
        return [site for site in self.chosen if site not in opened]

    @cached_property
    def goal(self) -> Goal:
        """What the choice was asked to do, and how good it is."""
        return Goal.of(self.manifest)

    @cached_property
    def aim(self) -> Measure | None:
        """What covered means: what the choice was asked for or, where nothing was chosen, the headline's measure."""
        asked, measure = self.goal.asked, self.measure
        if not self.chosen or not asked:
            return measure
        modes = (
            sorted(self.times["mode"].unique().astype(str)) if self.times is not None and "mode" in self.times else []
        )
        mode = str(asked.get("mode") or (modes[0] if len(modes) == 1 else BEST))
        limits = self.result.own_limits.get(mode) or self.result.minutes
        limits = limits or ([] if measure is None else [measure.limit])
        if not (asked.get("minutes") or limits):
            return measure
        minutes = float(asked.get("minutes") or max(limits))
        group = self.goal.group
        return Measure("reached", group, mode, minutes)

    @property
    def who(self) -> str:
        """Whom the report counts."""
        return self.words.group("people" if self.aim is None else self.aim.group)

    @property
    def within(self) -> dict[str, Any]:
        """What the sentences on coverage say of it: whom, in how many minutes, by what mode."""
        if self.aim is None:
            return {"who": self.who}
        return {"who": self.who, "minutes": self.aim.minutes, "mode": self.words.mode(self.aim.mode)}

    @cached_property
    def costs(self) -> dict[str, float]:
        """What each chosen site still costs: nothing where it exists, NaN where nobody knows; empty without costs."""
        if self.choice is None or "cost" not in self.sites or not self.sites["cost"].notna().any():
            return {}
        status = self.sites["status"].astype(str)
        return {
            site: 0.0 if status.get(site) == "existing" else float(self.sites["cost"].get(site, math.nan))
            for site in self.chosen
        }

    def money(self, sites: Iterable[str], key: str = "cost") -> str:
        """Say what some of the chosen sites cost together and, where it is not known of all, of how many it is not."""
        each = [self.costs[site] for site in sites]
        unknown = sum(map(math.isnan, each))
        known = sum(cost for cost in each if not math.isnan(cost))
        told = known if key == "cost" else self.result.money(known, self.words)  # a column says the unit in its heading
        return self.words.text(f"{key}_plus" if unknown else f"{key}_sum", cost=told, count=unknown)

    def priced(self, key: str) -> str:
        """Give the heading of a column of costs."""
        return self.words.priced(capital(self.words[key]), self.result.currency)

    @cached_property
    def ranked(self) -> pd.DataFrame | None:
        """The scores, the first by rank first."""
        if self.scores is None:
            return None
        table = self.scores.set_axis(self.scores.index.astype(str))
        return table.sort_values("rank", kind="stable") if "rank" in table else table

    @cached_property
    def coverage(self) -> Coverage | None:
        """Who is covered by what is open, chosen, considered: of the people, or of the group that the choice is for."""
        found = None if self.aim is None else self._covered(self.aim)
        told = self.goal.summary
        if found is None or not self.goal.shared_out or not {"covered", "today"} <= set(told):
            return found
        return replace(found, today=float(told["today"]), chosen=float(told["covered"]))  # those who find room

    @cached_property
    def limit(self) -> float:
        """The limit that the report speaks of."""
        return math.inf if self.aim is None else self.aim.limit

    @cached_property
    def ways(self) -> pd.DataFrame | None:
        """Who has an open site by each mode within that limit, as `by_way` counts it; None where it is not known."""
        if self.aim is None:
            return None
        if self.reach is None:
            found = self.table("coverage")
            return None if found is None else at_limit(found, self.limit)
        groups = [name for name in self.result.groups if name in self.reach.people.table]
        openings = openings_of(self.sites, self.reach, self.chosen)
        limits = {name: [self.limit] for name in self.reach.names}
        for name, own in self.result.own_limits.items():  # as the table of coverage has them
            asked = [self.limit] if self.limit == self.goal.asked.get("minutes") and self.limit <= max(own) else []
            limits[name] = [up_to([*own, *asked], self.limit)]
        return at_limit(by_way(self.reach, openings, limits, groups=groups), self.limit)

    @property
    def limits_told(self) -> str:
        """The limits that the study asked for; where each mode has its own, mode by mode."""
        return limits_told(self.result.minutes, self.result.own_limits, self.words)

    @cached_property
    def wheels(self) -> list[str]:
        """The modes of those who cycle, be it to a stop."""
        return [mode for mode, profile in self.result.profiles.items() if cycles(profile)]

    @cached_property
    def of_people(self) -> Coverage | None:
        """The same of all people, where the choice is for a group; else nothing."""
        if self.aim is None or self.aim.group == "people" or self.goal.shared_out:
            return None
        return self._covered(replace(self.aim, group="people"))

    def _covered(self, measure: Measure) -> Coverage | None:
        if self.reach is None or measure.group not in self.reach.people.table:
            return None
        sites = {"open_sites": self.opened, "all_sites": self.used, "chosen": self.chosen}
        return covered_people(self.reach, measure, **sites)

    @cached_property
    def reach(self) -> Reach | None:
        """Who is how far from which site; None where either is not known."""
        if self.times is None or self.points is None:
            return None
        return Reach.of(*by_public(self.times, self.points, self.result.publics))

    @cached_property
    def placed(self) -> pd.Series | None:
        """The commune of each point of `reach`; None where it is not known."""
        if self.reach is None or self.communes is None:
            return None
        return communes_of(gpd.GeoDataFrame(self.reach.people.table), self.communes, self.cells)

    @cached_property
    def everybody(self) -> float:
        """How many people there are, or members of the group: those of the points, the manifest or the cells."""
        if self.coverage is not None:
            return self.coverage.people
        group = "people" if self.aim is None else self.aim.group
        counted = self.manifest.get("totals", {}).get(group, {}).get("in")
        if counted is not None:
            return float(counted)
        return math.nan if self.cells is None or group not in self.cells else float(self.cells[group].sum())

    @cached_property
    def steps(self) -> list[float]:
        """Who is covered after each of the chosen sites has opened, in their order."""
        return self._openings[1:]

    @cached_property
    def added(self) -> list[float]:
        """Whom each of the chosen sites adds to those before it: counted, so that it fits to who is covered then."""
        if self._served is not None and self.steps:
            return self._served
        return [after - so_far for so_far, after in pairwise(self._openings)]

    @cached_property
    def _openings(self) -> list[float]:
        """Who is covered (where sites may be full: finds room) before any chosen site opens, then after each."""
        if self.coverage is None or self.aim is None or self.reach is None:
            return []
        if self._served is not None:
            return list(accumulate(self._served, initial=0.0))
        before = [site for site in self.opened if site not in set(self.chosen)]
        return opening_counts(self.reach, self.aim, before, self.chosen)

    @cached_property
    def _served(self) -> list[float] | None:
        """Who finds room at each of the chosen sites, where sites may be full."""
        if not self.goal.shared_out or self.choice is None or "added" not in self.choice:
            return None
        return [float(served) for served in self.choice["added"]]

    @cached_property
    def reached(self) -> list[Measure]:
        """The columns of people that fit in a table."""
        return [] if self.scores is None else reach_columns(self.scores, MOST_COLUMNS)

    @cached_property
    def territories(self) -> pd.DataFrame | None:
        """Coverage by commune, from the travel times or, where there are none, as it was given."""
        if self.reach is None or self.placed is None or not self.reached:
            access = self.table("territories")
            return None if access is None else one_split(access)
        sites = [*self.opened, *self.chosen] if self.chosen else self.used
        pairs = [(each.mode, each.limit) for each in self.reached]
        return access_table(self.reach, self.placed, sites=sites, pairs=pairs)

    def by_commune(self, sites: Sequence[str]) -> pd.DataFrame | None:
        """Count by commune whom some sites cover, of those and within the limit that the choice was asked for."""
        aim = self.aim
        if self.reach is None or self.placed is None or aim is None or aim.group not in self.reach.people.table:
            return None
        return access_table(self.reach, self.placed, sites=sites, pairs=[(aim.mode, aim.limit)], group=aim.group)


def _in_metres(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Bring all places into one metric CRS, and leave out tables and rows without any."""
    given: dict[str, gpd.GeoDataFrame] = {}
    for name, table in layers.items():
        if table.crs is None:
            raise InputError(f"{name}: no coordinate reference system; set it with .set_crs() before the report")
        here = table[~(table.geometry.isna() | table.geometry.is_empty)]
        if len(here) or name == "sites":
            given[name] = here
    try:
        crs = require_metric(given["sites"].crs, "sites")
    except InputError:
        crs = metric_crs(given["sites"])
    return {name: table.to_crs(crs) for name, table in given.items()}
