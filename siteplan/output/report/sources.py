"""What a report rests on: assumptions, doubts, data and how to make it again."""

from collections.abc import Sequence
from typing import Any

import yaml

from siteplan.catalogue import mode_order, speeds
from siteplan.network.snapping import LIMIT
from siteplan.output.report.account import Account
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.tables import Column, table
from siteplan.words import NONE, capital

__all__ = ["assumptions", "data_table", "reproduced", "uncertainties"]

HASH = 12  # characters: enough to tell two files apart by eye


def assumptions(account: Account) -> Markup:
    """List what was assumed: direction, speeds, limits, linking."""
    travel = account.asked.get("travel", {})
    words = account.words
    texts = []
    if travel.get("direction") in ("to", "from"):
        texts.append(words[f"assume_direction_{travel['direction']}"])
    texts += _speeds(account, travel.get("profiles", {}))
    limits = travel.get("minutes", [])
    if limits:
        spoken = account.listed(account.spoken(limit) for limit in limits)
        texts.append(account.say("assume_limits", limits=spoken))
    if account.asked:
        texts += [account.say("assume_link", metres=LIMIT), words["assume_cells"], words["assume_status"]]
    return _list(texts)


def _speeds(account: Account, profiles: dict[str, Any]) -> list[str]:
    """Say how fast each mode is; without the parameters of the run, from the scores."""
    if not profiles:
        known = {} if account.scores is None else speeds(account.scores)
        return [
            account.say("assume_speed", mode=_named(account, mode), speed=speed, more="")
            for mode, speed in known.items()
            if speed == speed
        ]
    return [_how(account, mode, profiles[mode]) for mode in sorted(profiles, key=mode_order)]


def _how(account: Account, mode: str, profile: dict[str, Any]) -> str:
    if "window" in profile:
        return account.say(
            "assume_window",
            mode=_named(account, mode),
            first=profile["window"][0],
            last=profile["window"][1],
            percentile=_percentile(account, profile.get("percentile", 50)),
            rides=profile.get("max_rides"),
            walk=profile.get("max_walk_minutes"),
            back=_back(account, profile.get("back")),
        )
    more = ""
    if profile.get("rules") == "walk" and profile.get("stairs_factor", 1) != 1:
        more += account.say("assume_stairs", factor=profile["stairs_factor"])
    if profile.get("slope"):
        more += account.words["assume_slope"]
    if profile.get("push"):
        more += account.words["assume_push"]
    return account.say("assume_speed", mode=_named(account, mode), speed=profile.get("speed_kmh"), more=more)


def _percentile(account: Account, percentile: float) -> str:
    return account.words["median"] if percentile == 50 else account.say("percentile", value=percentile)


def _back(account: Account, window: Sequence[str] | None) -> str:
    return account.say("assume_back", first=window[0], last=window[1]) if window else ""


def _named(account: Account, mode: str) -> str:
    return capital(account.by(mode))


def uncertainties(account: Account) -> Markup:
    """List what may be otherwise, with figures where there are any."""
    words, found = account.words, account.coverage
    texts = []
    if found is not None:
        which = words["communes_chosen" if account.chosen else "communes_all"]
        told = {
            "covered": account.people(found.slower),
            "share": account.share(found.slower, found.people),
            "before": account.people(found.planned),
            "before_share": account.share(found.planned, found.people),
        }
        texts.append(account.say("uncertain_slower", sites=which, who=account.who, **told))
    texts.append(words["uncertain_speed"])
    if account.layer("streets") is not None or "inputs.streets" in account.manifest.get("inputs", {}):
        texts.append(words["uncertain_streets"])
    cut = account.manifest.get("inputs", {}).get("inputs.streets", {}).get("counts", {}).get("ways_cut", 0)
    if cut:
        texts.append(account.say("uncertain_cut", count=cut))
    texts.append(words["uncertain_people"])
    warned = [str(text) for text in account.manifest.get("warnings", [])]
    if not warned:
        return _list(texts)
    said = tag("ul", *(tag("li", text, lang="en") for text in warned), class_="warned")
    return join(_list(texts), tag("p", words["uncertain_warnings"]), said)


def data_table(account: Account) -> Markup:
    """List the files that went in, with dates, hashes and licences."""
    words = account.words
    inputs = account.manifest.get("inputs", {})
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
    totals = account.manifest.get("totals", {}).get("people", {})
    if "in" in totals and "placed" in totals:
        told = {"people": account.people(totals["in"]), "placed": account.people(totals["placed"])}
        parts.append(tag("p", account.say("data_people", **told)))
    return join(*parts, tag("p", words["data_osm_note"]))


def reproduced(account: Account) -> Markup:
    """Say by which commands and with what parameters the same comes out again."""
    told = account.manifest
    if not told:
        return Markup("")
    commands = "siteplan check study.yaml\nsiteplan run study.yaml\nsiteplan report results"
    libraries = ", ".join(f"{name} {version}" for name, version in told.get("libraries", {}).items())
    note = account.say("reproduce_note", version=told.get("siteplan"), python=told.get("python"), libraries=libraries)
    parts = [tag("pre", commands), tag("p", note)]
    if account.asked:
        asked = yaml.safe_dump(account.asked, allow_unicode=True, sort_keys=True, width=60)
        parts += [tag("p", account.words["reproduce_asked"]), tag("pre", asked, class_="asked")]
    return join(*parts)


def _list(texts: list[str]) -> Markup:
    return tag("ul", *(tag("li", text) for text in texts)) if texts else Markup("")
