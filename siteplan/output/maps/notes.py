"""The sentences that are always in sight on a map: speeds, limits, people, how old the data is, how people ride."""

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd

from siteplan.catalogue import measures, mode_order, speeds
from siteplan.config import TRANSIT, at_once
from siteplan.output.coverage import idle_lines, limits_told
from siteplan.output.outcome import Outcome
from siteplan.output.publics import publics_told
from siteplan.words import Tongues, Words, all_words, capital, half_up

__all__ = ["all_notes", "threshold_of", "travel_of"]


def all_notes(result: Outcome, cells: gpd.GeoDataFrame | None, tongues: Tongues) -> dict[str, list[str]]:
    """Give the sentences by language: of the result, of the study, and those that its manifest brings."""
    said = {}
    threshold, study, given = threshold_of(result), all_words("notes"), result.manifest.get("notes", ())
    for language, words in tongues.items():
        own = _own_notes(result, cells, words)
        if threshold > 0:
            own.append(words.text("joined", people=threshold))
        more = given.get(language, next(iter(given.values()), ())) if isinstance(given, Mapping) else given
        changes = result.tables.get("scenarios")
        idle = () if changes is None else idle_lines(changes, result.study, result.rides, words)
        said[language] = [*own, *_study_notes(result, study[language], words), *idle, *map(str, more)]
    return said


def threshold_of(result: Outcome) -> float:
    """Return of how many people no cell may tell alone."""
    return float(result.study.get("output", {}).get("threshold", 0.0))


def _own_notes(result: Outcome, cells: gpd.GeoDataFrame | None, words: Words) -> list[str]:
    notes = []
    speed, limits = travel_of(result)
    if speed:
        each = (f"{words.mode(mode)} {words.number(kmh)} {words['kmh']}" for mode, kmh in speed.items())
        notes.append(words.text("speeds", speeds=words["semicolon"].join(each)))
    if limits:
        notes.append(words.text("limits", count=len(limits), limits=limits_told(limits, result.own_limits, words)))
    people = _people_note(cells, result.manifest.get("totals", {}).get("people", {}), words)
    if people:
        notes.append(people)
    if result.rings is not None and len(result.rings):
        notes.append(words["eye"])
    return notes


def _people_note(cells: gpd.GeoDataFrame | None, totals: Mapping[str, float], words: Words) -> str:
    """Say how many people came in, what became of them, and how many cells tell nothing."""
    said, missing = [], totals.get("missing_cells", 0)
    if cells is not None:
        missing = int(cells["people"].isna().sum())
        people = words.count(float(totals.get("in", cells["people"].sum())))
        said.append(words.text("people_in_cells", people=people, count=len(cells)))
    elif "in" in totals:
        said.append(words.text("people_in", people=words.count(totals["in"])))
    fates = [name for name in ("placed", "too_far", "island") if half_up(totals.get(name, 0)) or name == "placed"]
    parts = [words.text(name, people=words.count(totals[name])) for name in fates if name in totals]
    if parts:
        said.append(", ".join(parts) + ".")
    if missing:
        said.append(words.text("people_missing", count=missing))
    return " ".join(said)


def travel_of(result: Outcome) -> tuple[dict[str, float], list[float]]:
    """Find the speed of each mode and all limits in scores and isochrones."""
    scores, rings = result.tables.get("scores"), result.rings
    speed: dict[str, float] = {}
    limits: set[float] = set()
    if scores is not None:
        speed |= speeds(scores)
        limits |= {measure.limit for measure in measures(scores)}
    if rings is not None and len(rings):
        speed |= {str(mode): float(kmh) for mode, kmh in zip(rings["mode"], rings["speed_kmh"], strict=True)}
        limits |= set(rings["minutes"].astype(float))
    ridden = {TRANSIT.name, *result.rides}  # whose speed is that of the walks
    known = sorted((mode for mode, kmh in speed.items() if math.isfinite(kmh) and mode not in ridden), key=mode_order)
    return {mode: speed[mode] for mode in known}, sorted(limits)


def _study_notes(result: Outcome, words: Words, modes: Words) -> list[str]:
    """Say how old the streets are, and when and how people ride; `modes` has the words for these."""
    date = (result.manifest.get("inputs", {}).get("inputs.streets", {}).get("data_date") or "")[:10]
    said = [words.text("streets", date=words.date(date))] if date else []
    if result.credits:
        said.append(words.text("credits", credits="; ".join(result.credits)))
    day, rides = result.study.get("inputs", {}).get("transit"), result.rides
    for mode, profile in rides.items() if day else ():
        text = _riding(profile, day["date"], words)
        said.append(words["colon"].join((capital(modes.mode(mode)), text)) if len(rides) > 1 else text)
    if result.publics:
        said.append(publics_told(result.publics, result.profiles, modes))
    return said


def _when(window: tuple[str, str], words: Words) -> str:
    """Say a window, or the one moment that it is."""
    first, last = window
    return (
        words.text("rides_at", first=first) if at_once(window) else words.text("rides_between", first=first, last=last)
    )


def _riding(profile: Mapping[str, Any], day: str, words: Words) -> str:
    """Say when and how people ride."""
    window, back, level = tuple(profile["window"]), profile["back"] and tuple(profile["back"]), profile["percentile"]
    several = not all(at_once(one) for one in (window, back) if one)
    rank = words["median"] if level == 50 else words.text("percentile", level=f"{level:g}")
    limits = {"rides_alone": profile.get("direct_walk_minutes"), "rides_most": profile.get("max_home_minutes")}
    limits["rides_planned"] = profile.get("plan_minutes") if profile.get("first_wait") == "planned" else None
    told = {
        "date": words.date(day),
        "when": _when(window, words),
        "back": words.text("rides_back", when=_when(back, words)) if back else "",
        "level": words.text("rides_level", level=rank) if several else "",
        "home": words["rides_home"] if profile["home"] else "",
        **{
            key.removeprefix("rides_"): "" if minutes is None else words.text(key, minutes=float(minutes))
            for key, minutes in limits.items()
        },
    }
    return words.text("rides", count=profile["max_rides"], **told)
