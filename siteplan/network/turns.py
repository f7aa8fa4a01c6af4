"""Where one may not turn: restrictions between ways as pairs of edges."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from siteplan.inputs.turns import Turn

__all__ = ["forbidden_turns", "forbidden_ways"]

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
    turns = [turn for turn in turns if not turn.over]
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


def forbidden_ways(turns: Sequence[Turn], u: Ints, v: Ints, way_id: Ints) -> tuple[list[tuple[int, ...]], int]:
    """Return the ways over certain streets that nobody on a bicycle may ride, and of how many restrictions they are.

    Each is the half-edges from the street one comes from to that one may not go on along. A restriction counts where
    the streets between make one line, from one end of which each street to come from leads off, and from the other
    each street to go on to. Where it allows but one way on, ways of two half-edges are those that leave the line out,
    and longer ones those that go on from its end along any other street; turning round is never among them.
    """
    turns = [turn for turn in turns if turn.over]
    named = {way for turn in turns for way in (*turn.sources, *turn.over, *turn.targets)}
    rows = np.flatnonzero(np.isin(way_id, np.array(sorted(named), np.int64)))  # of an extract only few
    if any(turn.only for turn in turns):  # and whatever else leads off from these
        at = np.unique(np.concatenate([u[rows], v[rows]]))
        rows = np.flatnonzero(np.isin(u, at) | np.isin(v, at))
    ends, way_id = np.column_stack([u[rows], v[rows]]), way_id[rows]
    found: list[tuple[int, ...]] = []
    count = 0
    for turn in turns:
        line = _line(np.flatnonzero(np.isin(way_id, turn.over)), ends)
        if not line:
            continue
        for way in (line, [half ^ 1 for half in reversed(line)]):
            begin, end = int(ends[way[0] >> 1, way[0] & 1]), int(ends[way[-1] >> 1, 1 - (way[-1] & 1)])
            known = {half >> 1 for half in way}
            sources = _leading_off(turn.sources, begin, known, ends, way_id=way_id)
            targets = _leading_off(turn.targets, end, known, ends, way_id=way_id)
            if begin != end and sources and targets:
                count += 1
                if turn.only:
                    others = [half for half in _leaving(end, ends) if half not in (*targets, way[-1] ^ 1)]
                    found += [(source ^ 1, *way, other) for source in sources for other in others]
                    begins = [half for half in _leaving(begin, ends) if half != way[0]]
                    found += [(source ^ 1, half) for source in sources for half in begins if half != source]
                else:
                    found += [(source ^ 1, *way, target) for source in sources for target in targets]
                break
    return [tuple(2 * int(rows[half >> 1]) + (half & 1) for half in way) for way in found], count


def _leaving(node: int, ends: Ints) -> list[int]:
    """Return all half-edges that leave a node."""
    return [2 * int(edge) + side for side in (0, 1) for edge in np.flatnonzero(ends[:, side] == node)]


def _line(edges: Ints, ends: Ints) -> list[int]:
    """Return edges as half-edges one after the other, from one end of their line; none if they make none."""
    at: dict[int, list[int]] = {}
    for edge in edges.tolist():
        for side in (0, 1):
            at.setdefault(int(ends[edge, side]), []).append(2 * edge + side)
    tips = [halves[0] for halves in at.values() if len(halves) == 1]
    if len(tips) != 2 or any(len(halves) > 2 for halves in at.values()):
        return []
    way = [tips[0]]
    while len(way) < len(edges):
        onward = [half for half in at[int(ends[way[-1] >> 1, 1 - (way[-1] & 1)])] if half >> 1 != way[-1] >> 1]
        if not onward:
            return []
        way.append(onward[0])
    return way


def _leading_off(named: tuple[int, ...], node: int, but: set[int], ends: Ints, *, way_id: Ints) -> list[int]:
    """Return the half-edges of some ways that leave a node; none where one goes through it, or is not there."""
    edges = np.flatnonzero(np.isin(way_id, named) & (ends == node).any(axis=1))
    edges = np.array([edge for edge in edges.tolist() if edge not in but], np.int64)
    if len(np.unique(way_id[edges])) < len(edges) or (ends[edges] == node).all(axis=1).any():
        return []
    return [2 * edge + int(ends[edge, 1] == node) for edge in edges.tolist()]
