"""The sentences that are always in sight on a map: speeds, limits, people, how old the data is, how people ride."""

import math
from collections.abc import Mapping

import geopandas as gpd

from siteplan.catalogue import measures, mode_order, speeds
from siteplan.output.outcome import Outcome
from siteplan.words import Tongues, Words, all_words, half_up

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
        said[language] = [*own, *_study_notes(result, study[language]), *map(str, more)]
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
        notes.append(words.text("limits", count=len(limits), limits=words.listed(map(words.number, limits))))
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
    known = sorted((mode for mode, kmh in speed.items() if math.isfinite(kmh) and mode != "transit"), key=mode_order)
    return {mode: speed[mode] for mode in known}, sorted(limits)


def _study_notes(result: Outcome, words: Words) -> list[str]:
    """Say how old the streets are, and when and how people ride."""
    date = (result.manifest.get("inputs", {}).get("inputs.streets", {}).get("data_date") or "")[:10]
    said = [words.text("streets", date=words.date(date))] if date else []
    rides = result.study.get("travel", {}).get("profiles", {}).get("transit")
    day = result.study.get("inputs", {}).get("transit")
    if not (rides and day):
        return said
    (first, last), back, level = rides["window"], rides["back"], rides["percentile"]
    told = {
        "date": words.date(day["date"]),
        "first": first,
        "last": last,
        "back": words.text("rides_back", first=back[0], last=back[1]) if back else "",
        "level": words["median"] if level == 50 else words.text("percentile", level=f"{level:g}"),
        "home": words["rides_home"] if rides["home"] else "",
    }
    return [*said, words.text("rides", count=rides["max_rides"], **told)]
