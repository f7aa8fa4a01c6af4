"""Where one may not turn: restrictions between ways as pairs of edges."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from siteplan.inputs.turns import Turn

__all__ = ["forbidden_turns"]

Ints = npt.NDArray[np.int64]


def forbidden_turns(turns: Sequence[Turn], u: Ints, v: Ints, way_id: Ints) -> tuple[Ints, int]:
    """Return the turns that nobody on a bicycle may make, and how many restrictions they come from.

    Parameters
    ----------
    turns
        Their `via` are nodes of the network, -1 for one that is none.
    u, v, way_id
        Of every edge.

    Returns
    -------
    pairs, count
        Shape (turns, 2): the half-edge that leads to the node and the one that leads on; 2e along edge e, 2e + 1
        against it. A restriction counts where each of its ways that is known ends at the node: of one that goes
        through, nobody could say which side is meant. Turning round is never among them.
    """
    leaving: dict[int, list[int]] = {turn.via: [] for turn in turns if turn.via >= 0}
    wanted = np.array(list(leaving), np.int64)
    for side, ends in enumerate((u, v)):
        for edge in np.flatnonzero(np.isin(ends, wanted)).tolist():
            leaving[int(ends[edge])].append(2 * edge + side)
    pairs: list[tuple[int, int]] = []
    count = 0
    for turn in turns:
        onward = leaving.get(turn.via, [])
        ways = [int(way_id[half >> 1]) for half in onward]
        sources, targets = (
            [half for half, way in zip(onward, ways, strict=True) if way in named]
            for named in (turn.sources, turn.targets)
        )
        known = [way for way in (*turn.sources, *turn.targets) if way in ways]
        if not sources or not targets or any(ways.count(way) > 1 for way in known):
            continue
        count += 1
        for source in sources:
            ruled_out = [half for half in onward if half not in targets] if turn.only else targets
            pairs += [(source ^ 1, half) for half in ruled_out if half != source]
    return np.unique(np.array(pairs, np.int64).reshape(-1, 2), axis=0), count
