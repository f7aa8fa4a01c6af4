"""What a study gave: its tables, its layers with a place, and what its manifest says of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd

from siteplan.catalogue import BEST, PEOPLE, TABLES, Measure, measures
from siteplan.config import Public
from siteplan.display import Shown
from siteplan.errors import InputError, StudyError, listed
from siteplan.inputs.sites import OPEN
from siteplan.siting.choice import Choice
from siteplan.units import Unit
from siteplan.words import Words

__all__ = ["Outcome", "ranked_by"]

_Table = TypeVar("_Table", bound=pd.DataFrame)

ACCESS = ("minutes", "site", "covered", "desks_per_person")  # kinds of measures of a cell
FIRST = 10  # names in a short display


def ranked_by(
    weights: Mapping[str, float], modes: Sequence[str], limits: Sequence[float], unit: Unit = "minutes"
) -> Mapping[str, float]:
    """Return what sites are ranked by: what a study says, else people reached by any mode within the last limit."""
    return weights or {Measure("reached", PEOPLE, modes[-1], max(limits), unit).column: 1.0}


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Shown):
    """What a study gave, as maps and reports read it; nothing but the sites need be there.

    Parameters
    ----------
    sites
        All sites, the excluded too: index `site`; `name`, `status`, `cost`, `capacity`.
    tables
        What has no place, by the name of its file without the ending: `scores`, `times`, `overlap`, `choice`, ...
    layers
        What has a place, by the name of its layer in `results.gpkg`: `cells` with their access, `points`,
        `isochrones`, `areas`, `communes`, `places_without_access`, and what lies under a map: `streets`, `stress`,
        `water`, `green`, `railways`, `places`, `transit_lines`, `stops`. Those of a study lie in one CRS, in metres.
    manifest
        What went in and what came out, as in `manifest.json`; `name` is the title of map and report,
        `parameters` is what the study asked, `notes` are sentences to show on the map (a list, or lists by language).
    choice
        The set of sites that was asked for.
    scenarios
        The outcomes of the study's scenarios, by name.
    mark
        Stands for the points that the times speak of: the same for the same points only.
    folder
        Where the files are, if there are any.
    """

    sites: gpd.GeoDataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    layers: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    choice: Choice | None = None
    scenarios: "Mapping[str, Outcome]" = field(default_factory=dict)
    mark: str = ""
    folder: Path | None = None

    @property
    def scores(self) -> pd.DataFrame:
        """What each site reaches, alone reaches and adds, its score, its rank, and the speeds that hold."""
        return _known(self.tables, "scores")

    @property
    def times(self) -> pd.DataFrame:
        """The minutes by `site`, `point` and `mode`."""
        return _known(self.tables, "times")

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """The cells with their access, by `cell`."""
        return _known(self.layers, "cells")

    @property
    def points(self) -> gpd.GeoDataFrame:
        """The points that the times name, by `point`."""
        return _known(self.layers, "points")

    @property
    def cell_access(self) -> pd.DataFrame:
        """How near the people of each cell are to a site, as `cell_access` gives it."""
        known = {each.column for each in measures(self.cells, ACCESS)} | {"mode_best"}
        return pd.DataFrame(self.cells[[name for name in self.cells if name in known]])

    @property
    def rings(self) -> gpd.GeoDataFrame | None:
        """The isochrones; None where none were asked for."""
        return self.layers.get("isochrones")

    @property
    def overlap(self) -> pd.DataFrame | None:
        """The people whom two sites share, by any mode within the largest limit."""
        return self.tables.get("overlap")

    @property
    def left_out(self) -> gpd.GeoDataFrame | None:
        """The places that no open site serves; None where none is open."""
        return self.layers.get("places_without_access")

    @property
    def study(self) -> Mapping[str, Any]:
        """What the study asked, as its manifest says it."""
        found: Mapping[str, Any] = self.manifest.get("parameters") or {}
        return found

    @property
    def title(self) -> str:
        """The name of the study."""
        return str(self.manifest.get("name") or "")

    @property
    def language(self) -> str:
        """The language of map and report where no other is asked for."""
        return str(self.study.get("language") or "en")

    @property
    def mode_titles(self) -> dict[str, Mapping[str, str]]:
        """What modes of the study's own are called, by language."""
        return {mode: profile["title"] for mode, profile in self.profiles.items() if profile.get("title")}

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """How the modes of the study travel, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.study.get("travel", {}).get("profiles", {})
        return found

    @property
    def publics(self) -> list[Public]:
        """Who can go how; nobody is named where everybody can use every mode."""
        return [Public.model_validate(each) for each in self.study.get("travel", {}).get("publics", [])]

    @property
    def rides(self) -> dict[str, Mapping[str, Any]]:
        """Those of the profiles that are of public transport."""
        return {mode: profile for mode, profile in self.profiles.items() if "window" in profile}

    @property
    def credits(self) -> list[str]:
        """What must be said of the inputs wherever they show, with the licence of each; each once."""
        inputs = self.manifest.get("inputs", {})
        said = [
            ", ".join(filter(None, (str(each["attribution"]), str(each.get("licence", "")))))
            for each in inputs.values()
            if isinstance(each, Mapping) and each.get("attribution")
        ]
        return list(dict.fromkeys(said))

    @property
    def groups(self) -> list[str]:
        """The groups of people that were counted beside all."""
        return list((self.study.get("inputs", {}).get("population") or {}).get("groups", []))

    @property
    def modes(self) -> list[str]:
        """The modes in the order asked, and `best` where there are several."""
        modes = list(self.manifest.get("travel", {}))
        asked = list(self.study.get("travel", {}).get("modes", []))
        if modes and sorted(asked) == sorted(modes):  # a manifest that was read back has them in another order
            modes = asked
        elif (times := self.tables.get("times")) is not None and "mode" in times:
            modes = list(times["mode"].astype("category").cat.categories)
        return [*modes, BEST] if len(modes) > 1 else modes

    @property
    def minutes(self) -> list[float]:
        """The limits; where each mode has its own, all of them."""
        return _every(self.study.get("travel", {}).get("minutes"))

    @property
    def metres(self) -> list[float]:
        """The limits of a study that counts metres."""
        return _every(self.study.get("travel", {}).get("metres"))

    @property
    def own_limits(self) -> dict[str, list[float]]:
        """The limits of each mode, where each has its own."""
        travel = self.study.get("travel", {})
        found = travel.get("metres") or travel.get("minutes")
        return {mode: list(limits) for mode, limits in found.items()} if isinstance(found, Mapping) else {}

    def longest(self, mode: str) -> float:
        """Give the longest limit of a mode; of `best`, the longest of all."""
        return max(self.own_limits.get(mode) or self.metres or self.minutes)

    def refuse_metres(self) -> None:
        """Refuse what counts metres where pages and folders count minutes alone.

        Raises
        ------
        StudyError
            Limits, times or rings in metres.
        """
        tables = [self.tables.get("times"), self.layers.get("isochrones")]
        if self.metres or any(each is not None and "metres" in each and "minutes" not in each for each in tables):
            raise StudyError(
                "metres: maps, reports and folders of results count in minutes alone; write tables and isochrones in "
                "metres as files of their own (siteplan score --out, siteplan isochrones --out)"
            )

    @property
    def weights(self) -> Mapping[str, float]:
        """What the score is made of: weights by counted column."""
        asked = self.study["score"]["weights"]
        if self.metres:
            return ranked_by(asked, self.modes, self.metres, "metres")
        return ranked_by(asked, self.modes, self.minutes)

    @property
    def chosen(self) -> list[str]:
        """The chosen sites, in the order of opening."""
        choice = self.table("choice")
        if choice is None:
            return []
        ordered = choice.sort_values("order", kind="stable") if "order" in choice else choice
        return [str(site) for site in ordered["site"]]

    @property
    def currency(self) -> str:
        """What costs are counted in; "" where the study does not say it."""
        return str(self.study.get("currency") or "")

    def money(self, value: float, words: Words) -> str:
        """Write what something costs."""
        return words.money(value, self.currency)

    @property
    def opening(self) -> dict[str, int]:
        """The place in the order of opening, from 1, of each chosen site that does not exist yet."""
        existing = set(self.sites.index[self.sites["status"] == "existing"].astype(str))
        return {site: at for at, site in enumerate((each for each in self.chosen if each not in existing), start=1)}

    @property
    def open_sites(self) -> list[str] | None:
        """The sites that are open: existing, required and chosen ones; None where there are none of these."""
        found = {*self.sites.index[self.sites["status"].isin(OPEN)].astype(str), *self.chosen}
        return [site for site in self.times["site"].cat.categories.astype(str) if site in found] or None

    def table(self, name: str) -> pd.DataFrame | None:
        """Give a table as its file says it, flat and with the file's decimals; None where it is absent or empty."""
        found = self.tables.get(name)
        if found is None or found.empty:
            return None
        flat = found.reset_index() if found.index.name else found
        return flat.round({column: TABLES[name].decimals_of(str(column)) for column in flat} if name in TABLES else 7)

    def facts(self) -> dict[str, object]:
        """Say what was asked, how much is there, and where it is."""
        told: dict[str, object] = {"name": self.title} if self.title else {}
        told |= {"sites": len(self.sites)} | ({"chosen": listed(self.chosen, most=FIRST)} if self.chosen else {})
        told |= {"modes": ", ".join(self.modes)} if self.modes else {}
        limits = {"metres": self.metres} if self.metres else {"minutes": self.minutes}
        told |= {unit: ", ".join(f"{limit:g}" for limit in found) for unit, found in limits.items() if found}
        told |= {"tables": ", ".join(self.tables)} | {"layers": ", ".join(self.layers)}
        told |= {"scenarios": listed(self.scenarios, most=FIRST)} if self.scenarios else {}
        return told | ({"folder": self.folder} if self.folder else {})


def _every(limits: Mapping[str, Sequence[float]] | Sequence[float] | None) -> list[float]:
    """List all limits, be they given by mode."""
    if isinstance(limits, Mapping):
        return sorted({limit for each in limits.values() for limit in each})
    return list(limits or [])


def _known(tables: Mapping[str, _Table], name: str) -> _Table:
    """Give what must be there."""
    if name not in tables:
        raise InputError(f"{name}: not in this result, which has {', '.join(tables) or 'sites alone'}")
    return tables[name]
