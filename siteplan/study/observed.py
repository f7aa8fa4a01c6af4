"""Planned against seen: visits or members beside what the study expected, and what is fitted to them."""

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from siteplan.analysis.observed import UptakeFit, fit_uptake, foretell_left_out
from siteplan.config import Study
from siteplan.config.observed import Observed
from siteplan.config.questions import Commuting, Demand
from siteplan.errors import InputError, StudyError, warn
from siteplan.inputs.visits import read_visits
from siteplan.reachable import Floats, People, Reach
from siteplan.study.load import StudyData
from siteplan.study.situation import Answer, Situation

__all__ = ["by_nearness", "check_observed", "learned", "observed_tables"]

Block = TypeVar("Block", Demand, Demand | None, Commuting)


def learned(name: str, given: Block, here: Situation) -> tuple[Block, float]:
    """Return a block as it counts, with the uptakes fitted if it uses them, and the decay a minute; 0 is none."""
    asked, demand = here.study.observed, here.study.demand
    if asked is None or demand is None or given is None or name not in asked.use:
        return given, 0.0
    fit = here.told["observed_fit"].set_index("what")[["low", "value", "high"]].astype(float).to_dict("index")
    used = dict.fromkeys(min(uptake, _most(demand)) for uptake in fit["uptake"].values())
    return given.model_copy(update={"uptake": tuple(used)}), fit["decay"]["value"]


def by_nearness(reach: Reach, group: str, decay: float, *, mode: str, opened: Collection[str], called: str) -> Reach:
    """Count as `called` the people of a group by how near the nearest open site is: `t` minutes away, exp(-decay t)."""
    amount = reach.people.amount(group) * np.exp(-decay * reach.least(mode, opened))
    return replace(reach, people=People(reach.people.table.assign(**{called: amount})))


def check_observed(study: Study, asked: Observed, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: no demand, a table that cannot be used, a block to use it that the study does not ask.
    """
    if study.demand is None:
        raise StudyError("observed: is held against what demand expects; give demand (with its uptake)")
    for name in asked.use:
        if getattr(study, name) is None:
            raise StudyError(f"observed.use: names {name}, which the study does not ask; give {name}, or leave it out")
    if "sharing" in asked.use and study.sharing is not None and not study.sharing.by_demand:
        raise StudyError(
            "observed.use: names sharing, none of whose uses is telework as demand says; give sharing.uses telework "
            "without times, or leave sharing out"
        )
    _seen(asked, data)


def observed_tables(asked: Observed, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer how what was seen compares: `observed`, `observed_sites`, `observed_fit`.

    People go to the nearest of the existing sites and of those seen, by the mode and within the minutes of `demand`.

    Returns
    -------
    dict
        `observed`, one row per site and month: `site`, `name`, `month`, `counted` (visits or members), `seen`,
        `expected_low` and `expected_high` (at the lowest and highest uptake of `demand`), `fitted`. `observed_sites`:
        the same as a mean month by site, with `months`, and `foretold` by the other sites alone, with its `error`.
        `observed_fit`: `what`, `value`, `low`, `high`, `unit`.
    """
    demand = here.study.demand
    assert demand is not None  # noqa: S101 - refused before
    table, counted = _seen(asked, here.data)
    homes = _homes(here, demand, table["site"].unique().tolist())
    each = demand.days * asked.weeks / 12 if counted == "visits" else 1.0
    seen = table.groupby("site")["seen"].agg(["size", "sum"]).set_axis(["months", "seen"], axis=1)
    try:
        fit = fit_uptake(homes, seen, each=each, decay=asked.decay)
    except InputError as error:
        raise InputError(f"observed.visits: {error}") from None
    able = homes.groupby("site")["able"].sum().reindex(seen.index)
    near = (homes["able"] * np.exp(-fit.decay * homes["minutes"])).groupby(homes["site"]).sum().reindex(seen.index)
    month = pd.DataFrame(
        {
            "expected_low": able * min(demand.uptake) * each,
            "expected_high": able * max(demand.uptake) * each,
            "fitted": near * fit.uptake * each,
        }
    )
    names = here.sites["name"].reindex(seen.index)
    by_month = table.join(month, on="site")
    by_month.insert(1, "name", names.reindex(by_month["site"]).to_numpy())
    by_month.insert(3, "counted", counted)
    sites = pd.DataFrame({"name": names, "months": seen["months"], "counted": counted})
    sites = sites.assign(seen=seen["seen"] / seen["months"]).join(month)
    sites["foretold"] = sites["error"] = np.nan
    if len(seen) > 1:
        told = foretell_left_out(homes, seen, each=each, decay=asked.decay)
        sites["foretold"], sites["error"] = told["foretold"] / seen["months"], told["error"]
    fitted = _fit_table(fit, sites["error"].to_numpy(dtype=np.float64))
    most = _most(demand)
    if fit.uptake > 1:
        warn(
            f"observed: an uptake of {fit.uptake:.2f} was fitted, which is more than all who could come: people come "
            "by other modes or from farther away than demand counts, or so few sites tell no decay; give demand the "
            "mode and minutes by which they come, or observed.decay: false"
        )
    if asked.use and max(fit.uptake_low, fit.uptake, fit.uptake_high) > most:
        found = max(fit.uptake_low, fit.uptake, fit.uptake_high)
        warn(f"observed: uptakes up to {found:.2f} were fitted; {most:.2f} is used, as more cannot come on a day")
    return {"observed": by_month, "observed_sites": sites.rename_axis("site").reset_index(), "observed_fit": fitted}


def _seen(asked: Observed, data: StudyData) -> tuple[pd.DataFrame, str]:
    try:
        return read_visits(asked.visits, sites=data.sites.index.astype(str))
    except InputError as error:
        raise InputError(f"observed.visits: {error}") from None


def _homes(here: Situation, demand: Demand, seen: list[str]) -> pd.DataFrame:
    """Return who could come from where: the points, with the nearest of the sites that are open or were seen."""
    reach, sites = here.reach, here.sites
    mode, minutes = here.way("demand", demand)
    existing = sites.index[sites["status"] == "existing"]
    known = set(reach.sites.astype(str))
    near = reach.nearest(mode, [site for site in dict.fromkeys([*existing, *seen]) if site in known])
    within = near.minutes <= minutes
    able: Floats = reach.people.amount(demand.group) * demand.teleworkable
    names = reach.sites.astype(str).to_numpy()[near.site[within]]
    return pd.DataFrame({"site": names, "minutes": near.minutes[within], "able": able[within]})


def _fit_table(fit: UptakeFit, errors: Floats) -> pd.DataFrame:
    """Put what was fitted below each other, with how far sites left out were missed."""
    half = [np.log(2) / each if each else np.nan for each in (fit.decay, fit.decay_high, fit.decay_low)]
    rows: list[tuple[str, float, float, float, str]] = [
        ("uptake", fit.uptake, fit.uptake_low, fit.uptake_high, "share"),
        ("decay", fit.decay, fit.decay_low, fit.decay_high, "a minute"),
        ("half_minutes", half[0], half[1], half[2], "minutes"),
        ("dispersion", fit.dispersion, np.nan, np.nan, "of Poisson"),
    ]
    told = np.abs(errors[~np.isnan(errors)])
    if len(told):
        rows.append(("left_out_error", float(told.mean()), float(told.min()), float(told.max()), "share"))
    return pd.DataFrame(rows, columns=["what", "value", "low", "high", "unit"])


def _most(demand: Demand) -> float:
    """Return the largest uptake to count with: with more, not all would come on the fullest day."""
    return min(1.0, 5 / (demand.days * demand.fullest))


ANSWER = Answer(check_observed, observed_tables)
