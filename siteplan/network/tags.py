"""Which way may be used by whom: tables of OpenStreetMap tags, read by one function per mode.

The rules follow OpenStreetMap's access tagging: the mode's own tag beats `vehicle`, which beats `access`, which beats
what the kind of street implies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from siteplan.inputs.osm import LIMITS, speed_limit

__all__ = ["HOMES", "Access", "Use", "bike_use", "storey", "stress", "walk_use"]


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
    kmh: float = 0.0
    """What carries the traveller goes so fast, whoever it is; 0 = the mode's own speed."""
    pause: float = 0.0
    """Seconds of waiting, beside the way itself."""


NOT_AT_ALL = Use(Access.NO, Access.NO)
FERRY_KMH = 5.0  # of a ferry that says neither how long it takes nor how fast it is, as OSRM
ESCALATOR_KMH = 1.6  # 0.45 m/s along the ground, as OpenTripPlanner; the slope of 30 degrees is in it
LIFT_SECONDS = (
    60.0  # half a minute to wait and half a minute to go (Valhalla 30 s, OpenTripPlanner 90 s and 20 s a floor)
)

ROADS = frozenset(
    "trunk trunk_link primary primary_link secondary secondary_link tertiary tertiary_link unclassified residential"
    " living_street service road track busway".split()
)
# On foot by the kind of street alone; everything not named here (motorways, construction, raceways, ...) is closed.
FOOT = {
    **dict.fromkeys(ROADS | {"pedestrian", "footway", "path", "steps", "corridor", "platform", "crossing"}, Access.YES),
    **dict.fromkeys(("elevator", "ferry"), Access.YES),
    **dict.fromkeys(("cycleway", "bridleway"), Access.NO),  # open when `foot` says so
}
# By bicycle by the kind of street alone.
BICYCLE = {
    **dict.fromkeys(ROADS | {"cycleway", "path", "ferry"}, Access.YES),
    **dict.fromkeys(("pedestrian", "footway", "corridor", "platform", "crossing", "elevator"), Access.PUSH),
    "bridleway": Access.NO,
}
# Through a barrier by its kind alone; what is not named here (gates, bollards, cycle barriers, ...) lets through.
WALLS = dict.fromkeys(("wall", "city_wall", "retaining_wall", "fence", "hedge"), Access.NO)
LIFTED = frozenset(("stile", "horse_stile", "turnstile", "full-height_turnstile"))  # no bicycle is pushed through
BIKE_BARRIERS = {**WALLS, **dict.fromkeys(LIFTED, Access.NO), "kissing_gate": Access.PUSH}
# Kinds of street along which people live: where a large cell's people are spread.
HOMES = frozenset("primary secondary tertiary unclassified residential living_street pedestrian road".split())

# Traffic stress of streets with motor traffic: where no speed is tagged, without a cycle lane and with one; and whether
# they are quiet, without a line in the middle.
STRESS = {
    "residential": (1, 1, True),
    "unclassified": (2, 2, True),
    "road": (2, 2, True),
    **dict.fromkeys(("tertiary", "tertiary_link"), (3, 2, False)),
    **dict.fromkeys(("secondary", "secondary_link", "primary", "primary_link"), (4, 3, False)),
    **dict.fromkeys(("trunk", "trunk_link", "busway"), (4, 4, False)),
}

VALUES = {
    **dict.fromkeys(("yes", "designated", "permissive", "official", "public", "discouraged", "unknown"), Access.YES),
    **dict.fromkeys(
        ("private", "destination", "customers", "delivery", "residents", "permit", "resident"), Access.ENDS
    ),
    **dict.fromkeys(("no", "use_sidepath", "military", "agricultural", "forestry", "restricted"), Access.NO),
    "dismount": Access.PUSH,
}
ONE_STOREY = re.compile(r"-?\d+(\.\d+)?")
ONE_WAY = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1, "no": 0, "false": 0, "0": 0}


CONVEYING = {"forward": 1, "backward": -1}  # other values say that it moves, not which way


def walk_use(tags: Mapping[str, str]) -> Use:
    """Return how a pedestrian may use a way: `oneway` does not bind, `oneway:foot` does, and so does an escalator."""
    highway = tags.get("highway", "")
    if highway == "barrier":
        way = _through(tags, ("foot", "access"), WALLS)
        way = Access.YES if way is Access.PUSH else way
        return Use(way, way)
    apart = _sidewalks_apart(tags) and "foot" not in tags
    allowed = Access.NO if apart else _implied(FOOT, highway, tags, "foot")
    ways = _both_ways(tags, () if apart else ("foot", "access"), allowed)
    ways = [Access.YES if way is Access.PUSH else way for way in ways]
    moving = CONVEYING.get(tags.get("conveying", ""), 0)
    forward, backward = _one_way(ways, moving or ONE_WAY.get(tags.get("oneway:foot", "no"), 0))
    escalator = highway == "steps" and tags.get("conveying", "no") != "no"
    carried = Use(forward, backward, kmh=ESCALATOR_KMH) if escalator else _carried(tags, forward, backward)
    return carried or Use(forward, backward, stairs=highway == "steps")


def bike_use(tags: Mapping[str, str], *, push: bool = False, calm: int | None = None) -> Use:
    """Return how a cyclist may use a way; with `push`, dismounting opens footways and one-way streets the wrong way.

    A way tagged `bicycle=dismount` is always pushed along, with or without `push`; stairs are closed. Where traffic
    stress is above the level `calm`, bicycles are pushed if people on foot may go there.
    """
    if tags.get("highway") == "steps":
        return NOT_AT_ALL
    keys = ("bicycle", "vehicle", "access")
    if tags.get("highway") == "barrier":
        way = _through(tags, keys, BIKE_BARRIERS)
        if way is Access.PUSH and not push and tags.get("bicycle") != "dismount":
            way = Access.NO
        if push and tags["barrier"] not in LIFTED:
            way = _or_push(way, walk_use(tags).forward)
        return Use(way, way)
    ways = _both_ways(tags, keys, _implied(BICYCLE, tags.get("highway", ""), tags, "bicycle"))
    if tags.get("bicycle") != "dismount":
        # A footway: pushing, where asked for, follows the rules on foot.
        ways = [Access.NO if way is Access.PUSH else way for way in ways]
    forward, backward = _one_way(ways, _cycle_direction(tags))
    if VALUES.get(tags.get("bicycle:backward", "")) is Access.YES:
        backward = ways[1]
    if VALUES.get(tags.get("bicycle:forward", "")) is Access.YES:
        forward = ways[0]
    if push and Access.ENDS not in ways:  # a way that may not be ridden through is not pushed through either
        foot = walk_use(tags)
        forward, backward = _or_push(forward, foot.forward), _or_push(backward, foot.backward)
    if calm is not None:
        foot = walk_use(tags)
        forward, backward = (
            way if way is not Access.YES or level <= calm else Access.PUSH if on_foot is Access.YES else Access.NO
            for way, level, on_foot in zip(
                (forward, backward), stress(tags), (foot.forward, foot.backward), strict=True
            )
        )
    return _carried(tags, forward, backward) or Use(forward, backward)


def storey(tags: Mapping[str, str]) -> tuple[int, float]:
    """Return what names the storey of a way, 2 = `level`, 1 = `layer`, 0 = nothing, and which it is.

    Stairs and ramps are on several levels, and so on none.
    """
    key = "level" if "level" in tags else "layer"
    said = tags.get(key, "")
    return (0, 0.0) if ONE_STOREY.fullmatch(said) is None else (1 + (key == "level"), float(said))


def stress(tags: Mapping[str, str]) -> tuple[int, int]:
    """Return the level of traffic stress (LTS, 1 to 4) of cycling along a way and against it.

    Where the speed is tagged, as Mekuria, Furth & Nixon (2012) have it for mixed traffic and for cycle lanes; where it
    is not, by the kind of street as Conveyal's R5 does. Apart from motor traffic, and on tracks beside it, the level
    is 1. Traffic is taken to keep to the right. Crossings are not judged.
    """
    street = STRESS.get(tags.get("highway", ""))
    if street is None:
        return 1, 1
    untagged, with_lane, quiet = street
    kmh, lanes = speed_limit(tags.get("maxspeed", "")), tags.get("lanes", "")
    wide = lanes.isdigit() and int(lanes) > 3
    levels = []
    for side in ("right", "left"):
        ways = {tags.get(f"cycleway:{side}"), tags.get("cycleway:both"), tags.get("cycleway")}
        ways |= {str(way).removeprefix("opposite_") for way in ways} if side == "left" else set()
        if "track" in ways:
            level = 1
        elif "lane" in ways:
            level = with_lane if not kmh else 2 + wide if kmh <= LIMITS[1] else 3 + wide
        elif not kmh:
            level = untagged
        else:
            level = (1 if kmh <= LIMITS[0] else 2 if kmh <= LIMITS[1] else 3) + (not quiet) + wide
        levels.append(min(level, 4))
    return levels[0], levels[1]


def _carried(tags: Mapping[str, str], forward: Access, backward: Access) -> Use | None:
    """Return how a ferry or a lift is used, which carries everybody alike; None for what is no such thing."""
    if tags.get("highway") == "ferry":
        return Use(forward, backward, kmh=float(tags.get("kmh", FERRY_KMH)))
    if tags.get("highway") != "elevator":
        return None
    # Who takes a lift mapped as a node comes to it and leaves it: half of its time each.
    return Use(forward, backward, pause=LIFT_SECONDS / 2 if "node" in tags else LIFT_SECONDS)


def _through(tags: Mapping[str, str], keys: tuple[str, ...], table: Mapping[str, Access]) -> Access:
    """Return whether the tags let one through a barrier; only the mode's own tag opens what is locked."""
    implied = Access.NO if tags.get("locked") == "yes" else table.get(tags["barrier"], Access.YES)
    return _both_ways(tags, keys, implied)[0]


def _both_ways(tags: Mapping[str, str], keys: tuple[str, ...], implied: Access) -> list[Access]:
    """Return what the tags permit along and against a way: a key of one direction beats the same key of both."""
    return [
        _permission(tags, tuple(name for key in keys for name in (f"{key}:{side}", key)), implied)
        for side in ("forward", "backward")
    ]


def _one_way(ways: list[Access], direction: int) -> tuple[Access, Access]:
    return Access.NO if direction < 0 else ways[0], Access.NO if direction > 0 else ways[1]


def _or_push(ride: Access, foot: Access) -> Access:
    return Access.PUSH if ride is Access.NO and foot is Access.YES else ride


def _implied(table: Mapping[str, Access], highway: str, tags: Mapping[str, str], own: str) -> Access:
    """Return what the kind of street implies; a motorroad is closed unless the mode's own tag opens it."""
    if tags.get("motorroad") == "yes" and own not in tags:
        return Access.NO
    return table.get(highway, Access.NO)


def _permission(tags: Mapping[str, str], keys: tuple[str, ...], implied: Access) -> Access:
    """Return the first explicit permission among `keys`, most specific first.

    Only the mode's own tags (the first key and its directions) open what the kind of street closes; a general
    `access=yes` on a motorway or a cycleway says nothing about walking on it.
    """
    highway = tags.get("highway", "")
    if highway.startswith("motorway") or highway in ("construction", "proposed", "raceway", "abandoned", "razed", "no"):
        return Access.NO
    for key in keys:
        value = VALUES.get(tags.get(key, ""))
        if value is None:
            continue
        if key in keys[:2] or implied is Access.YES:
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
    return 0 if direction and _contraflow(tags, direction) else direction


def _contraflow(tags: Mapping[str, str], direction: int) -> bool:
    """Tell whether cyclists may ride against a one-way street: on a lane or track that runs both ways, or that way."""
    sides = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
    return any(
        tags.get(side, "").startswith("opposite")
        or ONE_WAY.get(tags.get(f"{side}:oneway", ""), direction) in (0, -direction)
        for side in sides
    )
