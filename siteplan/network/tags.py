"""Which way may be used by whom: tables of OpenStreetMap tags, read by one function per mode.

The rules follow OpenStreetMap's access tagging: the mode's own tag beats `vehicle`, which beats `access`, which beats
what the kind of street implies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["HOMES", "Access", "Use", "bike_use", "walk_use"]


class Access(IntEnum):
    """How far a way may be used."""

    NO = 0
    ENDS = 1  # at the ends of a trip only, never through
    PUSH = 2  # by bicycle: dismounted
    YES = 3


@dataclass(frozen=True)
class Use:
    """How one mode may use a way along (`forward`) and against (`backward`) its direction."""

    forward: Access
    backward: Access
    stairs: bool = False


NOT_AT_ALL = Use(Access.NO, Access.NO)

ROADS = frozenset(
    "trunk trunk_link primary primary_link secondary secondary_link tertiary tertiary_link unclassified residential"
    " living_street service road track busway".split()
)
# On foot by the kind of street alone; everything not named here (motorways, construction, raceways, ...) is closed.
FOOT = {
    **dict.fromkeys(ROADS | {"pedestrian", "footway", "path", "steps", "corridor", "platform", "crossing"}, Access.YES),
    **dict.fromkeys(("cycleway", "bridleway"), Access.NO),  # open when `foot` says so
}
# By bicycle by the kind of street alone.
BICYCLE = {
    **dict.fromkeys(ROADS | {"cycleway", "path"}, Access.YES),
    **dict.fromkeys(("pedestrian", "footway", "corridor", "platform", "crossing"), Access.PUSH),
    "bridleway": Access.NO,
}
# Kinds of street along which people live: where a large cell's people are spread.
HOMES = frozenset("primary secondary tertiary unclassified residential living_street pedestrian road".split())

VALUES = {
    **dict.fromkeys(("yes", "designated", "permissive", "official", "public", "discouraged", "unknown"), Access.YES),
    **dict.fromkeys(
        ("private", "destination", "customers", "delivery", "residents", "permit", "resident"), Access.ENDS
    ),
    **dict.fromkeys(("no", "use_sidepath", "military", "agricultural", "forestry", "restricted"), Access.NO),
    "dismount": Access.PUSH,
}
ONE_WAY = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1, "no": 0, "false": 0, "0": 0}


def walk_use(tags: Mapping[str, str]) -> Use:
    """Return how a pedestrian may use a way: `oneway` does not bind, `oneway:foot` does."""
    highway = tags.get("highway", "")
    access = _permission(tags, ("foot", "access"), _implied(FOOT, highway, tags, "foot"))
    if access is Access.PUSH:
        access = Access.YES
    if _sidewalks_apart(tags) and "foot" not in tags:
        access = Access.NO
    direction = ONE_WAY.get(tags.get("oneway:foot", "no"), 0)
    forward = Access.NO if direction < 0 or tags.get("foot:forward") == "no" else access
    backward = Access.NO if direction > 0 or tags.get("foot:backward") == "no" else access
    return Use(forward, backward, stairs=highway == "steps")


def bike_use(tags: Mapping[str, str], *, push: bool = False) -> Use:
    """Return how a cyclist may use a way; with `push`, dismounting opens footways and one-way streets the wrong way.

    A way tagged `bicycle=dismount` is always pushed along, with or without `push`; stairs are closed.
    """
    if tags.get("highway") == "steps":
        return NOT_AT_ALL
    ride = _permission(
        tags, ("bicycle", "vehicle", "access"), _implied(BICYCLE, tags.get("highway", ""), tags, "bicycle")
    )
    if ride is Access.PUSH and tags.get("bicycle") != "dismount":
        ride = Access.NO  # a footway: pushing, where asked for, follows the rules on foot
    direction = _cycle_direction(tags)
    forward = Access.NO if direction < 0 else ride
    backward = Access.NO if direction > 0 else ride
    if not push or ride is Access.ENDS:  # a way that may not be ridden through is not pushed through either
        return Use(forward, backward)
    foot = walk_use(tags)
    return Use(_or_push(forward, foot.forward), _or_push(backward, foot.backward))


def _or_push(ride: Access, foot: Access) -> Access:
    return Access.PUSH if ride is Access.NO and foot is Access.YES else ride


def _implied(table: Mapping[str, Access], highway: str, tags: Mapping[str, str], own: str) -> Access:
    """Return what the kind of street implies; a motorroad is closed unless the mode's own tag opens it."""
    if tags.get("motorroad") == "yes" and own not in tags:
        return Access.NO
    return table.get(highway, Access.NO)


def _permission(tags: Mapping[str, str], keys: tuple[str, ...], implied: Access) -> Access:
    """Return the first explicit permission among `keys`, most specific first.

    Only the mode's own tag (the first key) opens what the kind of street closes; a general `access=yes` on a motorway
    or a cycleway says nothing about walking on it.
    """
    highway = tags.get("highway", "")
    if highway.startswith("motorway") or highway in ("construction", "proposed", "raceway", "abandoned", "razed", "no"):
        return Access.NO
    for key in keys:
        value = VALUES.get(tags.get(key, ""))
        if value is None:
            continue
        if key == keys[0] or implied is Access.YES:
            return value
        return implied if value is Access.YES else Access.NO  # a limited footway is not ridden, nor pushed along
    return implied


def _sidewalks_apart(tags: Mapping[str, str]) -> bool:
    """Tell whether both sidewalks are mapped as ways of their own."""
    sides = (tags.get("sidewalk:left"), tags.get("sidewalk:right"))
    return tags.get("sidewalk:both") == "separate" or sides == ("separate", "separate")


def _cycle_direction(tags: Mapping[str, str]) -> int:
    """Return 1 for one-way along the way, -1 against it, 0 for both, as it binds cyclists."""
    if "oneway:bicycle" in tags:
        return ONE_WAY.get(tags["oneway:bicycle"], 0)
    round_about = tags.get("junction") in ("roundabout", "circular")
    direction = ONE_WAY.get(tags.get("oneway", "yes" if round_about else "no").lower(), 0)
    if direction and _contraflow(tags):
        return 0
    return direction


def _contraflow(tags: Mapping[str, str]) -> bool:
    sides = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
    return any(tags.get(side, "").startswith("opposite") for side in sides) or any(
        tags.get(f"{side}:oneway") in ("no", "-1") for side in sides[1:3]
    )
