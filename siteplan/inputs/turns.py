"""Turn restrictions of OpenStreetMap, as far as they bind bicycles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from siteplan.inputs.conditions import SUFFIX, judged
from siteplan.inputs.opl import Text, read_relations, tag_reader

__all__ = ["TURN_KEYS", "Turn", "read_turns"]

TURN_KEYS = frozenset(
    ("restriction", "restriction:bicycle", "restriction" + SUFFIX, "restriction:bicycle" + SUFFIX)
)  # relations that carry one of them
# Others, as no_right_turn_on_red, hold now and then only.
KIND = re.compile(r"(no|only)_(?:left_turn|right_turn|straight_on|u_turn|entry|exit)")

_tags = tag_reader(TURN_KEYS | {"type", "except"})


@dataclass(frozen=True)
class Turn:
    """Who comes to the node `via` along one of some ways may not go on along some others, or (`only`) may only so.

    With `over`, who comes from the former over these ways; `via` is 0 then.
    """

    only: bool
    sources: tuple[int, ...]
    via: int
    targets: tuple[int, ...]
    over: tuple[int, ...] = ()


def read_turns(text: Text, when: datetime) -> tuple[list[Turn], dict[str, int]]:
    """Read the restrictions of a text of OPL that bind bicycles at some moment; count all others by cause.

    `turns_free` do not bind them, or not then; `turns_round` forbid to turn round, which a cyclist does on foot;
    `turns_unmatched` lack a member. Nothing is counted where there are
    none at all.
    """
    turns: list[Turn] = []
    counts = dict.fromkeys(("turns_free", "turns_round", "turns_unmatched", "by_hour"), 0)
    nodes = read_relations(text, "restriction", members="n")
    if not nodes:
        return [], {}
    for (_, tags, named), (*_, points) in zip(read_relations(text, "restriction"), nodes, strict=True):
        said = dict(_tags(tags))
        if said.get("type") != "restriction":
            continue
        counts["by_hour"] += any(key.endswith(SUFFIX) for key in said)
        kind = KIND.fullmatch(_binding(judged(said, when)))
        sources, over, targets = (tuple(way for way, role in named if role == part) for part in ("from", "via", "to"))
        via = [node for node, role in points if role == "via"]
        if kind is None:
            counts["turns_free"] += 1
        elif not sources or not targets or len(via) != (0 if over else 1):
            counts["turns_unmatched"] += 1
        elif over:
            turns.append(Turn(kind[1] == "only", sources, 0, targets, over))
        elif sources == targets:
            counts["turns_round"] += 1
        else:
            turns.append(Turn(kind[1] == "only", sources, via[0], targets))
    return turns, counts


def _binding(tags: Mapping[str, str]) -> str:
    """Return what binds a cyclist: what is said of bicycles, else what binds all that are not excepted."""
    excepted = {who.strip() for who in tags.get("except", "").split(";")}
    return tags.get("restriction:bicycle", "" if "bicycle" in excepted else tags.get("restriction", ""))
