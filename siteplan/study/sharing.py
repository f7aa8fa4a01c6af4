"""Spaces that several uses share by the hour, at the sites that a study plans."""

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.sharing import ALL, SharedSpaces, share_spaces
from siteplan.config import Study
from siteplan.config.sharing import TELEWORK, Sharing
from siteplan.errors import InputError, StudyError, listed
from siteplan.inputs.values import numbers
from siteplan.study.load import StudyData
from siteplan.study.observed import by_nearness, learned
from siteplan.study.situation import Answer, Situation, check_group, check_minutes, check_mode

__all__ = ["check_sharing", "sharing_tables"]

NEAR = f"{TELEWORK} by nearness"  # a group of its own, as others of the same come for other uses


def check_sharing(study: Study, asked: Sharing, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: telework of which nobody says how often, an unknown group, mode or column of the sites, more
        minutes than are searched for, spaces that are no numbers.
    """
    for name, use in asked.told(study.demand).uses.items():
        check_group(study, f"sharing.uses.{name}.group", use.group)
    check_mode(study, "sharing.mode", asked.mode)
    check_minutes(study, "sharing.minutes", asked.minutes, asked.mode)
    _there(asked, data.sites)


def sharing_tables(asked: Sharing, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer what the sites are for: `spaces`, `week` and `conflicts`, as `share_spaces` gives them.

    `basis` of `spaces` is "nearest" for the existing, required and chosen sites, each of which has those who live
    nearest to it of all these; where there are none, "alone" for every site, as if it were the only one. Telework is
    as the block `demand` says; where a decay is fitted to what is seen, and used, fewer come from farther away.

    Returns
    -------
    dict
        `spaces` with the name, status and basis of each site after its id, `week`, `conflicts`.
    """
    demand, decay = learned("sharing", here.study.demand, here)
    asked, reach = asked.told(demand), here.reach
    uses, group = asked.uses, asked.uses[TELEWORK].group if decay else ""
    if decay:
        uses = {**uses, TELEWORK: uses[TELEWORK].model_copy(update={"group": NEAR})}
    mode, minutes = here.way("sharing", asked)
    known = set(reach.sites.astype(str))
    question: dict[str, Any] = {
        "spaces": asked.spaces,
        "there": _there(asked, here.sites),
        "minutes": minutes,
        "mode": mode,
        "rules": {key: getattr(asked, key) for key in ("chance", "moves", "wait", "weeks", "seed")},
    }

    def shared(opened: list[str]) -> SharedSpaces:
        near = by_nearness(reach, group, decay, mode=mode, opened=opened, called=NEAR) if decay else reach
        return share_spaces(near, None, uses, opened=opened, **question)

    planned = [site for site in here.planned if site in known]  # a table of the user's own may leave some out
    found = shared(planned) if planned else _each_alone([shared([site]) for site in sorted(known)])
    spaces = found.spaces.copy()
    about = here.sites.reindex(spaces["site"])
    spaces.insert(1, "name", about["name"].fillna("").to_numpy())
    spaces.insert(2, "status", about["status"].fillna("").to_numpy())
    spaces.insert(3, "basis", "nearest" if planned else "alone")
    return {"spaces": spaces, "week": found.week, "conflicts": found.conflicts}


def _each_alone(found: list[SharedSpaces]) -> SharedSpaces:
    """Put sites below each other that are each as if the only one: they do not add up."""
    spaces = pd.concat([each.spaces[each.spaces["site"] != ALL] for each in found], ignore_index=True)
    week = pd.concat([each.week for each in found], ignore_index=True)
    conflicts = pd.concat([each.conflicts for each in found], ignore_index=True)
    return SharedSpaces(spaces, week, conflicts)


def _there(asked: Sharing, sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Read how many spaces of each kind the sites have, missing where no column says so.

    Raises
    ------
    StudyError, InputError
        For a column that the sites do not have, or that holds no numbers of 0 or more.
    """
    return pd.DataFrame(dict(_columns(asked, sites)), index=sites.index.astype(str))


def _columns(asked: Sharing, sites: gpd.GeoDataFrame) -> Iterator[tuple[str, Any]]:
    for name, space in asked.spaces.items():
        key = f"sharing.spaces.{name}.column"
        usual = np.nan if space.each is None else float(space.each)
        if not space.column:
            yield name, usual
            continue
        if space.column not in sites.columns:
            raise StudyError(
                f"{key}: the sites have no column '{space.column}' (their columns: {listed(sites.columns)})"
            )
        try:
            values = numbers(sites[space.column].reset_index(drop=True), "the sites")
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
        wrong = values < 0
        if wrong.any():
            raise InputError(
                f"{key}: site '{sites.index[int(wrong.argmax())]}' has {np.nanmin(values):g} in column "
                f"{space.column}, expected 0 or more"
            )
        yield name, np.where(np.isnan(values), usual, values)


ANSWER = Answer(check_sharing, sharing_tables, after=("observed",))
