"""Nodes at which one may not turn as one likes, taken apart in the graph of a mode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Hubs"]

Ints = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Hubs:
    """Nodes with forbidden turns, and the chains that end there.

    End 2c is where chain c begins, 2c + 1 where it ends. `ends` are those at `nodes`, node after node (`at`). Each
    stands in the graph twice: as one comes out of the chain there and as one goes into it; chains of restricted streets
    (`private`) four times, on the way in and on the way out of the open ones. `first` is the place of each end among
    the copies of its node. `forbidden` are pairs of ends, from and to.
    """

    nodes: Ints
    ends: Ints
    at: Ints
    private: npt.NDArray[np.bool_]
    first: Ints
    forbidden: Ints

    @classmethod
    def of(cls, ends: Ints, ends_only: npt.NDArray[np.bool_], forbidden: Ints, forks: Ints) -> "Hubs":
        """Find the nodes of forbidden turns, given the nodes (chains, 2) that chains run between.

        `forks` are further ends of chains at nodes to take apart.
        """
        node = ends.ravel()
        nodes = np.unique(node[np.concatenate([forbidden[:, 0], forks])])
        there = np.flatnonzero(np.isin(node, nodes)) if len(nodes) else np.zeros(0, np.int64)
        there = there[np.argsort(node[there], kind="stable")]
        private = ends_only[there >> 1]
        size = np.where(private, 4, 2)
        begins = np.cumsum(size) - size
        first = begins - begins[np.searchsorted(node[there], node[there])]
        return cls(nodes, there, node[there], private, first, forbidden)

    def sizes(self, nodes: Ints) -> Ints:
        """Return how many copies of each node there are; 0 for others."""
        size = np.where(self.private, 4, 2)
        last = max(int(nodes.max(initial=0)), int(self.at.max(initial=0))) + 1
        sums: Ints = np.bincount(self.at, size, last).astype(np.int64)[nodes]
        return sums

    def take_apart(self, base: Ints, leave: Ints, arrive: Ints) -> tuple[Ints, Ints]:
        """Give chains their own nodes at the hubs: `leave` and `arrive` are changed, `enter` and `emerge` returned."""
        enter, emerge = leave.copy(), arrive.copy()
        own = base[self.at] + self.first
        last = own + np.where(self.private, 2, 0)
        for column, node in ((leave, own), (enter, own + 1), (emerge, last), (arrive, last + 1)):
            column[self.ends >> 1, self.ends & 1] = node
        return enter, emerge

    def arcs(self, leave: Ints, arrive: Ints, *, enter: Ints, emerge: Ints) -> tuple[Ints, Ints, Ints]:
        """Return tails, heads and costs (none) of the arcs between chains that one may turn between."""
        begin = np.searchsorted(self.at, self.at)
        count = np.searchsorted(self.at, self.at, side="right") - begin
        one = np.repeat(np.arange(len(self.ends)), count)
        other = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
        most = 2 * len(leave)
        ruled_out = self.forbidden[:, 0] * most + self.forbidden[:, 1]
        may = ~np.isin(self.ends[one] * most + self.ends[other], ruled_out)
        one, other = one[may], other[may]
        source, target = self.ends[one], self.ends[other]
        out_of, into = self.private[one], self.private[other]
        tails, heads = [], []
        # Nobody comes from open streets to restricted ones but at the end of the trip.
        for start, end, some in (
            (leave, enter, ~into | out_of),
            (leave, arrive, into),
            (emerge, arrive, into & out_of),
        ):
            tails.append(start.ravel()[source[some]])
            heads.append(end.ravel()[target[some]])
        tail, head = np.concatenate(tails), np.concatenate(heads)
        return tail, head, np.zeros(len(tail), np.int32)
