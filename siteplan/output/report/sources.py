"""What a report rests on: assumptions, doubts, data and how to make it again."""

from collections.abc import Sequence
from typing import Any

import yaml

from siteplan.catalogue import mode_order, speeds
from siteplan.network.snapping import LIMIT
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.material import Material
from siteplan.output.report.tables import Column, table
from siteplan.words import NONE, capital

__all__ = ["assumptions", "data_table", "reproduced", "uncertainties"]

HASH = 12  # characters: enough to tell two files apart by eye


def assumptions(material: Material) -> Markup:
    """List what was assumed: direction, speeds, limits, linking."""
    travel = material.asked.get("travel", {})
    words = material.words
    texts = []
    if travel.get("direction") in ("to", "from"):
        texts.append(words[f"assume_direction_{travel['direction']}"])
    texts += _speeds(material, travel.get("profiles", {}))
    limits = travel.get("minutes", [])
    if limits:
        spoken = material.listed(material.spoken(limit) for limit in limits)
        texts.append(material.say("assume_limits", limits=spoken))
    if material.asked:
        texts += [material.say("assume_link", metres=LIMIT), words["assume_cells"], words["assume_status"]]
    return _list(texts)


def _speeds(material: Material, profiles: dict[str, Any]) -> list[str]:
    """Say how fast each mode is; without the parameters of the run, from the scores."""
    if not profiles:
        known = {} if material.scores is None else speeds(material.scores)
        return [
            material.say("assume_speed", mode=_named(material, mode), speed=speed, more="")
            for mode, speed in known.items()
            if speed == speed
        ]
    return [_how(material, mode, profiles[mode]) for mode in sorted(profiles, key=mode_order)]


def _how(material: Material, mode: str, profile: dict[str, Any]) -> str:
    if "window" in profile:
        return material.say(
            "assume_window",
            mode=_named(material, mode),
            first=profile["window"][0],
            last=profile["window"][1],
            percentile=_percentile(material, profile.get("percentile", 50)),
            rides=profile.get("max_rides"),
            walk=profile.get("max_walk_minutes"),
            back=_back(material, profile.get("back")),
        )
    more = ""
    if profile.get("rules") == "walk" and profile.get("stairs_factor", 1) != 1:
        more += material.say("assume_stairs", factor=profile["stairs_factor"])
    if profile.get("slope"):
        more += material.words["assume_slope"]
    if profile.get("push"):
        more += material.words["assume_push"]
    return material.say("assume_speed", mode=_named(material, mode), speed=profile.get("speed_kmh"), more=more)


def _percentile(material: Material, percentile: float) -> str:
    return material.words["median"] if percentile == 50 else material.say("percentile", value=percentile)


def _back(material: Material, window: Sequence[str] | None) -> str:
    return material.say("assume_back", first=window[0], last=window[1]) if window else ""


def _named(material: Material, mode: str) -> str:
    return capital(material.by(mode))


def uncertainties(material: Material) -> Markup:
    """List what may be otherwise, with figures where there are any."""
    words, found = material.words, material.coverage
    texts = []
    if found is not None:
        which = words["communes_chosen" if material.chosen else "communes_all"]
        told = {
            "covered": material.people(found.slower),
            "share": material.share(found.slower, found.people),
            "before": material.people(found.planned),
            "before_share": material.share(found.planned, found.people),
        }
        texts.append(material.say("uncertain_slower", sites=which, who=material.who, **told))
    texts.append(words["uncertain_speed"])
    if material.streets is not None or "inputs.streets" in material.manifest.get("inputs", {}):
        texts.append(words["uncertain_streets"])
    cut = material.manifest.get("inputs", {}).get("inputs.streets", {}).get("counts", {}).get("ways_cut", 0)
    if cut:
        texts.append(material.say("uncertain_cut", count=cut))
    texts.append(words["uncertain_people"])
    warned = [str(text) for text in material.manifest.get("warnings", [])]
    if not warned:
        return _list(texts)
    said = tag("ul", *(tag("li", text, lang="en") for text in warned), class_="warned")
    return join(_list(texts), tag("p", words["uncertain_warnings"]), said)


def data_table(material: Material) -> Markup:
    """List the files that went in, with dates, hashes and licences."""
    words = material.words
    inputs = material.manifest.get("inputs", {})
    columns = [Column(words[f"data_{name}"], text=True) for name in ("what", "file", "date", "hash", "licence")]
    rows = [
        [
            words.get(key.rstrip(".0123456789"), key),
            str(about.get("file", "")),
            (about.get("data_date") or NONE)[:10],
            str(about.get("sha256") or NONE)[:HASH],
            words["data_osm" if key == "inputs.streets" else "data_other"],
        ]
        for key, about in inputs.items()
    ]
    parts = [table(columns, rows, header=1)] if rows else []
    totals = material.manifest.get("totals", {}).get("people", {})
    if "in" in totals and "placed" in totals:
        told = {"people": material.people(totals["in"]), "placed": material.people(totals["placed"])}
        parts.append(tag("p", material.say("data_people", **told)))
    return join(*parts, tag("p", words["data_osm_note"]))


def reproduced(material: Material) -> Markup:
    """Say by which commands and with what parameters the same comes out again."""
    told = material.manifest
    if not told:
        return Markup("")
    commands = "siteplan check study.yaml\nsiteplan run study.yaml\nsiteplan report results"
    libraries = ", ".join(f"{name} {version}" for name, version in told.get("libraries", {}).items())
    note = material.say("reproduce_note", version=told.get("siteplan"), python=told.get("python"), libraries=libraries)
    parts = [tag("pre", commands), tag("p", note)]
    if material.asked:
        asked = yaml.safe_dump(material.asked, allow_unicode=True, sort_keys=True, width=60)
        parts += [tag("p", material.words["reproduce_asked"]), tag("pre", asked, class_="asked")]
    return join(*parts)


def _list(texts: list[str]) -> Markup:
    return tag("ul", *(tag("li", text) for text in texts)) if texts else Markup("")
