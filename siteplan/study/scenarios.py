"""Scenarios beside their base: only what a change touches is searched again, and who gains and who loses is counted."""

import functools
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.analysis.change import gained_lost
from siteplan.catalogue import BEST
from siteplan.changed import changed_times
from siteplan.config import Profile, Rides, Study
from siteplan.config.changes import KINDS, Scenario
from siteplan.config.profiles import Model
from siteplan.errors import SiteplanError, SiteplanWarning, StudyError, listed, warn
from siteplan.output.outcome import Outcome
from siteplan.output.result import Result
from siteplan.publics import aligned_publics, by_public
from siteplan.reachable import Reach
from siteplan.study.choosing import check_choose
from siteplan.study.criteria import check_criteria
from siteplan.study.editing import edited_cells, edited_timetable
from siteplan.study.load import (
    StudyData,
    check_streets,
    linked_by_mode,
    load_cells,
    load_sites,
    load_streets,
    load_timetable,
    moment,
    points_of,
    read_original,
    refuse_in_water,
    used_sites,
)
from siteplan.study.wording import about
from siteplan.times import travel_times
from siteplan.words import Said, Tongues, all_words, say

__all__ = [
    "Variant",
    "changes_table",
    "given_variants",
    "made",
    "plan_of",
    "scores_table",
    "updated",
    "variants_of",
]

BASE = "base"  # what the tables call the study itself


@dataclass(frozen=True)
class Variant:
    """A scenario as a study: what changes in words, and whether sites are chosen anew."""

    name: str
    study: Study
    about: Said
    again: bool


def variants_of(study: Study) -> list[Variant]:
    """List the scenarios of a study, in its order."""
    tongues, studies = all_words("scenario"), study.studies()
    return [
        Variant(name, studies[name], _about(scenario, tongues), _asks_again(scenario))
        for name, scenario in study.variants().items()
    ]


def given_variants(
    study: Study, others: Mapping[str, Study | Mapping[str, Any]], again: Collection[str]
) -> list[Variant]:
    """Make scenarios of studies that were made of another by `Study.with_`, or of what a study file says of them.

    Raises
    ------
    StudyError
        A study that reads other streets, people or territories, or an unknown name in `again`.
    """
    for name in again:
        if name not in others:
            raise StudyError(f"choose_again: no scenario '{name}'; expected any of {', '.join(others)}")
    variants, tongues = [], all_words("scenario")
    plain = {name: other for name, other in others.items() if not isinstance(other, Study)}
    said = {each.name: each for each in variants_of(study.with_scenarios(plain))} if plain else {}
    for name, other in others.items():
        if not isinstance(other, Study):
            variants.append(replace(said[name], again=said[name].again or name in again))
            continue
        for key in ("area", "inputs.streets", "inputs.population", "inputs.elevation", "inputs.times"):
            if _value(other, key) != _value(study, key):
                raise StudyError(f"{name}: has other {key} than the study; make it by study.with_(...)")
        anew = name in again or other.choose != study.choose
        made = Scenario(**_added(study, other), set=_other_values(study, other), choose_again=anew)
        variants.append(Variant(name, other, _about(made, tongues), anew))
    return variants


def _about(scenario: Scenario, tongues: Tongues) -> Said:
    return say(tongues, lambda words: about(scenario, words))


def _value(study: Study, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), study)


def _added(study: Study, other: Study) -> dict[str, Any]:
    """Return the changes that one study makes and the other does not."""
    sides = {kind: (getattr(study.changes, kind), getattr(other.changes, kind)) for kind in KINDS}
    return {kind: [change for change in after if change not in before] for kind, (before, after) in sides.items()}


def _other_values(before: Model, after: Model, prefix: str = "") -> dict[str, Any]:
    """Return the keys of the study that are other, for the eye."""
    found: dict[str, Any] = {}
    for name in type(before).model_fields:
        one, two = getattr(before, name), getattr(after, name)
        if one == two or prefix + name in ("name", "changes", "scenarios", "matrix"):
            continue
        if isinstance(one, Model) and isinstance(two, Model):
            found |= _other_values(one, two, f"{prefix}{name}.")
        else:
            found[prefix + name] = two
    return found


def _asks_again(scenario: Scenario) -> bool:
    return scenario.choose_again or any(key.split(".")[0] == "choose" for key in scenario.set)


def made(variant: Variant, study: Study, base: StudyData, said: Collection[str] = ()) -> StudyData:
    """Make the changes of a scenario to what its base has read; what does not change is the same object.

    What is odd is said with the scenario's name, unless it was `said` of the base.

    Raises
    ------
    SiteplanError
        Naming the scenario and the change that cannot be made.
    """
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            data = _changed_data(variant.study, study, base)
            if variant.again:
                check_choose(variant.study, data.sites)
            if variant.study.criteria is not None:
                check_criteria(variant.study, variant.study.criteria, data)
        except SiteplanError as error:
            text = f"scenarios.{variant.name}: {error}".replace(": changes.", ".", 1)
            raise type(error)(text) from None
    for warning in odd:
        known = str(warning.message) in said or not issubclass(warning.category, SiteplanWarning)
        text = str(warning.message) if known else f"scenarios.{variant.name}: {warning.message}"
        warn(text, warning.category)
    return data


def _changed_data(variant: Study, study: Study, base: StudyData) -> StudyData:
    changes, before = variant.changes, study.changes
    same_sites = changes.sites == before.sites and variant.inputs.sites == study.inputs.sites
    sites = base.all_sites if same_sites else load_sites(variant)
    original = base.original
    # On another day or at another hour, other streets may be open.
    if original is not None and original.counts.get("by_hour") and moment(variant) != moment(study):
        original = read_original(variant)
    anew = original is not base.original
    cells, points = base.cells, base.points
    if changes.people != before.people:
        cells = _cells(variant, study, base)
    # On other streets, and within another distance of them, people stand as they did but for who has no street.
    apart = anew or variant.travel.link_m != study.travel.link_m
    if changes.people != before.people or (apart and len(base.linked)):
        points = points_of(cells, original, variant.travel.link_m)
    streets = base.streets
    if streets is not None and original is not None and (changes.streets != before.streets or anew):
        streets = load_streets(variant, sites, original)
    elif streets is not None and not same_sites:
        check_streets(variant, streets, sites)
    if streets is not None and not same_sites:
        refuse_in_water(variant, streets, sites, base.basemap)
    linked = {} if streets is None or not base.linked else linked_by_mode(variant, streets, points)
    timetable = None if streets is None else _timetable(variant, study, base, streets)
    return StudyData(original, streets, timetable, cells, points, linked, sites, base.communes, base.basemap)


def _cells(variant: Study, study: Study, base: StudyData) -> gpd.GeoDataFrame:
    """Change the people of the base; those of a base that is changed itself are read again."""
    if study.changes.people:
        return load_cells(variant, used_sites(base.all_sites), base.communes)
    return edited_cells(variant, base.cells, base.cell_communes)


def _timetable(variant: Study, study: Study, base: StudyData, streets: Any) -> Any:
    if not variant.rides:
        return None
    there = base.timetable if variant.inputs.transit == study.inputs.transit else None
    if there is not None and streets is base.streets and variant.changes.lines == study.changes.lines:
        return there
    if there is not None and not study.changes.lines:
        return edited_timetable(variant, there, streets)
    return load_timetable(variant, streets)


def updated(
    times: pd.DataFrame,
    before: StudyData,
    after: StudyData,
    profile: Profile | Rides,
    *,
    minutes: float,
    direction: Any,
    means: Mapping[str, Any] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return the times of one mode after a change; only those are searched that it can matter to.

    Parameters
    ----------
    times
        Of the mode before the change, by the same profile, minutes and direction.
    before, after
        What was travelled on.
    means
        What a search is told of how to do it: `progress`, `executor`.

    Returns
    -------
    DataFrame
        As `travel_times` gives it for `after`; `attrs["searched"]` is the number of sites that were searched.
    """
    assert before.streets is not None and after.streets is not None  # noqa: S101, PT018 - minutes were searched on them
    new = after.points[after.linked[profile.name]]
    sites, stayed = after.sites, _unmoved(before.points, after.points)
    kept = _unmoved(before.sites, after.sites)
    asked = {"mode": profile, "minutes": minutes, "direction": direction}
    rows = times[times["site"].isin(sites.index[kept].astype(str)) & times["point"].isin(after.points.index[stayed])]
    searched = sites.index[~kept]
    if isinstance(profile, Rides):
        if after.streets is not before.streets or after.timetable is not before.timetable:
            kept, rows, searched = np.zeros(len(sites), bool), times.iloc[:0], sites.index
    elif after.streets is not before.streets and kept.any():
        rows, touched = changed_times(
            before.streets, after.streets, sites[kept], after.points[stayed], times=rows, **asked
        )
        searched = searched.append(touched)
    parts = [rows]
    everything = {**asked, "transit": after.timetable}
    if not kept.all():
        parts.append(travel_times(after.streets, sites[~kept], new, **everything, **means))
    fresh = new[~new.index.isin(after.points.index[stayed])]
    if kept.any() and len(fresh):
        parts.append(travel_times(after.streets, sites[kept], fresh, **everything, **means))
    table = _joined(parts, sites.index.astype(str), new.index)
    table.attrs["searched"] = len(searched)
    return table


def _unmoved(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> np.ndarray:
    """Tell which rows stood at the same place before."""
    if after is before:
        return np.ones(len(after), bool)
    there = before.geometry.to_crs(after.crs).reindex(after.index)
    return np.asarray(there.geom_equals(after.geometry, align=False))


def _joined(parts: Sequence[pd.DataFrame], sites: pd.Index, points: pd.Index) -> pd.DataFrame:
    """Put rows of the same mode together, sorted by site and point."""
    whole = pd.concat([part.astype({"site": str, "mode": str}) for part in parts], ignore_index=True)
    modes = parts[0]["mode"].cat.categories
    place = sites.get_indexer(pd.Index(whole["site"]))
    order = np.lexsort((points.get_indexer(pd.Index(whole["point"])), place))
    whole = whole.iloc[order].reset_index(drop=True)
    whole["site"] = pd.Categorical.from_codes(place[order], sites)
    whole["mode"] = pd.Categorical(whole["mode"], categories=modes)
    return whole[list(parts[0].columns)]


def plan_of(base: Result, sites: gpd.GeoDataFrame) -> pd.DataFrame | None:
    """Return what the base chose and the scenario does not close, as a table of the sites alone."""
    if base.choice is None:
        return None
    there = sites.index[sites["status"] != "excluded"]
    kept = base.choice.sites[base.choice.sites.index.isin(there)]
    return kept[["order", "name", "status"]]


def changes_table(base: Result, others: Mapping[str, Result], communes: Mapping[str, pd.Series | None]) -> pd.DataFrame:
    """Count who gains and who loses a site in each scenario; `communes` name the commune of each of its cells.

    Returns
    -------
    DataFrame
        `scenario`, and the columns of `gained_lost` with the splits `total` and, where there are communes, `commune`.

    Raises
    ------
    StudyError
        A scenario without any of the limits of the study.
    """
    return pd.concat([_changes(base, name, other, communes[name]) for name, other in others.items()], ignore_index=True)


def _changes(base: Result, name: str, other: Result, communes: pd.Series | None) -> pd.DataFrame:
    minutes = common_limits(base, other)
    if not minutes:
        raise StudyError(f"scenarios.{name}: has none of the limits of the study ({tuple(base.minutes)})")
    before, after = reaches(base, other)
    table = gained_lost(
        before,
        after,
        None,
        None if communes is None else communes.rename("commune"),
        minutes=minutes,
        groups=base.groups,
        opened_before=base.open_sites,
        opened_after=None if base.open_sites is None else other.open_sites or (),
    )
    table.insert(0, "scenario", name)
    return table


def common_limits(first: Outcome, second: Outcome) -> list[float] | dict[str, list[float]]:
    """Return the limits that two results have in common, by mode where either has them so; nothing where none are.

    Raises
    ------
    StudyError
        A mode with other limits in one than in the other, where they are by mode.
    """
    if not (first.own_limits or second.own_limits):
        return [limit for limit in first.minutes if limit in second.minutes]
    sides = [each.own_limits or {mode: each.minutes for mode in each.modes if mode != BEST} for each in (first, second)]
    differ = [mode for mode in sides[0] if sides[0][mode] != sides[1].get(mode, sides[0][mode])]
    if differ:
        here, there = (listed(f"{limit:g}" for limit in side[differ[0]]) for side in sides)
        raise StudyError(
            f"travel.minutes: {differ[0]} is counted at {here} minutes, and at {there} in the other; expected the same "
            "limits, where they are by mode"
        )
    return {**sides[1], **sides[0]}


def reaches(first: Outcome, second: Outcome) -> tuple[Reach, Reach]:
    """Return who is how far from which site in two results, for the same points."""
    people, later = _aligned(first.points, second.points)
    who = aligned_publics(first.publics, second.publics)
    return Reach.of(*by_public(first.times, people, who[0])), Reach.of(*by_public(second.times, later, who[1]))


def _aligned(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Give two tables of points the same rows: nobody lives where only the other has a point."""
    if before.index.equals(after.index):
        return before, after
    index = before.index.append(after.index[~after.index.isin(before.index)])
    numbers = [name for name in after.select_dtypes("number").columns if name in before and name != "cell"]
    sides = []
    for table, other in ((before, after), (after, before)):
        whole = pd.concat([table, other.loc[index[~index.isin(table.index)]].assign(**dict.fromkeys(numbers, 0.0))])
        sides.append(gpd.GeoDataFrame(whole.loc[index], crs=table.crs).rename_axis("point"))
    return sides[0], sides[1]


def scores_table(base: Result, others: Mapping[str, Result]) -> pd.DataFrame:
    """Put the scores of the base and of every scenario below each other.

    Returns
    -------
    DataFrame
        `scenario` (`base` for the study itself), `site`, `open`, and the columns of `scores`.
    """
    tables = []
    for name, result in {BASE: base, **others}.items():
        table = result.scores.reset_index()
        now = result.open_sites
        table.insert(0, "scenario", name)
        table.insert(2, "open", True if now is None else table["site"].astype(str).isin(now))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
