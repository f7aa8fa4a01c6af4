"""Slow, obvious twins of the engines."""

import itertools
from collections.abc import Hashable
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd

from siteplan.config import Profile
from siteplan.network.streets import StreetNetwork
from siteplan.network.tags import Access

Node = Hashable
Costs = dict[Node, int]


def street_times(
    streets: StreetNetwork,
    profile: Profile,
    sites: pd.DataFrame,
    points: pd.DataFrame,
    *,
    limit: float,
    direction: Literal["to", "from"] = "to",
) -> dict[tuple[int, int], int]:
    """Return deciseconds from each point to each site (rows of their links), within `limit` minutes.

    A trip is cut in three: a leg on restricted streets only, a leg on open streets only, a leg on restricted streets
    only; any of them may be empty.
    """
    restricted, open_ = split_graphs(streets, profile, pd.concat([sites, points]))
    starts, ends = (points, sites) if direction == "to" else (sites, points)
    found = {}
    for row, start in enumerate(starts.itertuples()):
        if start.status != "placed":
            continue
        costs = {_spot(start): 0}
        for leg in (restricted, open_, restricted):
            costs = _onwards(leg, costs)
        for other, end in enumerate(ends.itertuples()):
            if end.status == "placed" and _spot(end) in costs:
                total = costs[_spot(end)] + _access(start, profile) + _access(end, profile)
                if total <= round(limit * 600):
                    found[(other, row) if direction == "to" else (row, other)] = total
    return found


def split_graphs(streets: StreetNetwork, profile: Profile, links: pd.DataFrame) -> tuple[nx.DiGraph, nx.DiGraph]:
    """Return the restricted and the open streets as graphs, every edge split at the places on it."""
    forward, backward = streets.costs(profile)
    use_forward, use_backward, _ = streets.uses(profile.rules, push=profile.push)
    graphs: tuple[nx.DiGraph, nx.DiGraph] = (nx.DiGraph(), nx.DiGraph())
    for graph in graphs:
        graph.add_nodes_from([("node", int(n)) for n in range(streets.node_count)])
        graph.add_nodes_from([_spot(link) for link in links.itertuples() if link.status == "placed"])
    offsets: dict[int, set[float]] = {}
    for link in links.itertuples():
        if link.status == "placed":
            offsets.setdefault(link.edge, set()).add(link.offset_m)
    for edge in range(len(streets.u)):
        metres = sorted(offsets.get(edge, ()))
        share = np.clip(np.array(metres) / max(streets.length[edge], 1e-9), 0, 1)
        nodes = [("node", int(streets.u[edge])), *((edge, m) for m in metres), ("node", int(streets.v[edge]))]
        along = [0, *np.round(share * forward[edge]), forward[edge]]
        against = [backward[edge], *np.round((1 - share) * backward[edge]), 0]
        for (a, b), (here, there), (far, near) in zip(
            itertools.pairwise(nodes), itertools.pairwise(along), itertools.pairwise(against), strict=True
        ):
            if use_forward[edge] != Access.NO:
                _add(graphs[int(use_forward[edge] != Access.ENDS)], a, b, int(there - here))
            if use_backward[edge] != Access.NO:
                _add(graphs[int(use_backward[edge] != Access.ENDS)], b, a, int(far - near))
    return graphs


def _spot(link: object) -> Node:
    return (link.edge, link.offset_m)  # type: ignore[attr-defined]


def _access(link: object, profile: Profile) -> int:
    return round(link.access_m * 36 / profile.access_kmh)  # type: ignore[attr-defined]


def _add(graph: nx.DiGraph, a: Node, b: Node, cost: int) -> None:
    graph.add_edge(a, b, cost=min(cost, graph.get_edge_data(a, b, {"cost": cost})["cost"]))


def _onwards(graph: nx.DiGraph, costs: Costs) -> Costs:
    """Return the least cost of every node that can be reached from nodes that already have one."""
    with_start = graph.copy()
    with_start.add_weighted_edges_from([("start", node, cost) for node, cost in costs.items()], weight="cost")
    found = nx.single_source_dijkstra_path_length(with_start, "start", weight="cost")
    return {node: int(cost) for node, cost in found.items() if node != "start"}
