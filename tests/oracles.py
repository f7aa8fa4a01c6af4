"""Slow, obvious twins of the engines."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import networkx as nx
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Profile
from siteplan.network.streets import StreetNetwork
from siteplan.network.tags import Access

Node = Hashable
Costs = dict[Node, int]
Spot = tuple[int, float, int]


def square(pairs: pd.DataFrame, sites: Sequence[str]) -> pd.DataFrame:
    """Lay the people whom a site shares with another out by rows and columns; on the diagonal stands 0."""
    wide = pd.DataFrame(0.0, index=sites, columns=sites)
    for site, other, people in pairs.itertuples(index=False):
        assert wide.loc[site, other] == 0
        wide.loc[site, other] = people
    return wide


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
    site_spots, point_spots = _spots(sites, profile), _spots(points, profile)
    restricted, open_ = split_graphs(streets, profile, [*site_spots.values(), *point_spots.values()])
    starts, ends = (point_spots, site_spots) if direction == "to" else (site_spots, point_spots)
    found = {}
    for row, start in starts.items():
        costs: Costs = {start[:2]: 0}
        for leg in (restricted, open_, restricted):
            costs = _onwards(leg, costs)
        for other, end in ends.items():
            total = costs.get(end[:2], 10**9) + start[2] + end[2]
            if total <= round(limit * 600):
                found[(other, row) if direction == "to" else (row, other)] = total
    return found


def _spots(links: pd.DataFrame, profile: Profile) -> dict[int, Spot]:
    """Return edge, metres along it and deciseconds to it of the linked places, by row."""
    access = np.round(links["access_m"] * 36 / profile.access_kmh)
    columns = zip(links["edge"].tolist(), links["offset_m"].tolist(), access.tolist(), links["status"], strict=True)
    return {row: (edge, m, int(cost)) for row, (edge, m, cost, status) in enumerate(columns) if status == "placed"}


def split_graphs(streets: StreetNetwork, profile: Profile, spots: list[Spot]) -> tuple[nx.DiGraph, nx.DiGraph]:
    """Return the restricted and the open streets as graphs, every edge split at the places on it."""
    cost, ends_only = usage(streets, profile)
    graphs: tuple[nx.DiGraph, nx.DiGraph] = (nx.DiGraph(), nx.DiGraph())
    for graph in graphs:
        graph.add_nodes_from([("node", int(n)) for n in range(streets.node_count)])
        graph.add_nodes_from(spot[:2] for spot in spots)
    offsets: dict[int, set[float]] = {}
    for edge, metres, _ in spots:
        offsets.setdefault(edge, set()).add(metres)
    for edge in range(len(streets.u)):
        cuts = sorted(offsets.get(edge, ()))
        share = np.clip(np.array(cuts) / max(streets.length[edge], 1e-9), 0, 1)
        nodes = [("node", int(streets.u[edge])), *((edge, m) for m in cuts), ("node", int(streets.v[edge]))]
        forward, backward = cost[edge].tolist()
        along = [0, *np.round(share * forward), forward]
        against = [backward, *np.round((1 - share) * backward), 0]
        for (a, b), (here, there), (far, near) in zip(
            itertools.pairwise(nodes), itertools.pairwise(along), itertools.pairwise(against), strict=True
        ):
            if forward >= 0:
                _add(graphs[int(not ends_only[edge])], a, b, int(there - here))
            if backward >= 0:
                _add(graphs[int(not ends_only[edge])], b, a, int(far - near))
    return graphs


def turning_times(streets: StreetNetwork, profile: Profile, spots: list[Spot]) -> dict[tuple[int, int], int]:
    """Return deciseconds between places (edge, metres, any) on streets where some turns are forbidden.

    A graph whose nodes are the parts of a trip (0 on restricted streets, 1 on open ones, 2 on restricted ones) and the
    half-edges just ridden, as many as a rule looks at; its links are the turns. Places lie on their edge, not at its
    ends.
    """
    cost, ends_only = usage(streets, profile)
    ruled_out = {(int(one), int(other)) for one, other in streets.turns} | set(streets.detours)
    longest = max(map(len, ruled_out), default=2) - 1
    halves = [h for h in range(2 * len(cost)) if cost[h >> 1, h & 1] >= 0]
    ends = np.column_stack([streets.u, streets.v])
    onward = {one: [h for h in halves if ends[one >> 1, 1 - (one & 1)] == ends[h >> 1, h & 1]] for one in halves}
    # Nobody turns round in the middle of a street, only where streets meet, end or change.
    ruled = {int(ends[half >> 1, 1 - (half & 1)]) for rule in ruled_out for half in rule[:-1]}
    for node in set(ends.ravel().tolist()) - ruled:
        here = [h for h in range(2 * len(cost)) if ends[h >> 1, h & 1] == node and cost[h >> 1].max() >= 0]
        if len(here) == 2 and here[0] >> 1 != here[1] >> 1 and not any(ends_only[h >> 1] for h in here):
            one, other = here  # both lead away
            if (cost[one >> 1] >= 0)[[one & 1, 1 - (one & 1)]].tolist() == (cost[other >> 1] >= 0)[
                [1 - (other & 1), other & 1]
            ].tolist():
                for half in here:
                    if half ^ 1 in onward:
                        onward[half ^ 1] = [h for h in onward[half ^ 1] if h != half]
    graph = nx.DiGraph()
    waiting = [((h,), part) for h in halves for part in range(3) if ends_only[h >> 1] == (part != 1)]
    while waiting:
        ridden, part = waiting.pop()
        for other in onward[ridden[-1]]:
            whole = (*ridden, other)
            if any(whole[-len(rule) :] == rule for rule in ruled_out):
                continue
            for after in range(part, 3):
                if ends_only[other >> 1] == (after != 1):
                    node = (whole[-longest:], after)
                    if node not in graph:
                        waiting.append(node)
                    graph.add_edge((ridden, part), node, cost=int(cost[other >> 1, other & 1]))
    by_last: dict[tuple[int, int], list[Any]] = {}
    for node in graph:
        by_last.setdefault((node[0][-1], node[1]), []).append(node)
    found: dict[tuple[int, int], int] = {}
    shares = [(edge, offset / streets.length[edge]) for edge, offset, _ in spots]
    ways = [
        {
            h: int(np.round((1 - share if h & 1 else share) * at))
            for h in (2 * edge, 2 * edge + 1)
            if (at := cost[edge, h & 1]) >= 0
        }
        for edge, share in shares
    ]
    for (a, start), (b, end) in itertools.product(enumerate(ways), enumerate(ways)):
        onward = spots[b][1] - spots[a][1]
        same = set(start) & set(end)
        totals = [end[h] - start[h] for h in same if (onward <= 0 if h & 1 else onward >= 0)]
        for h, k in itertools.product(start, end):
            starts = [((h,), part) for part in ((0, 2) if ends_only[h >> 1] else (1,))]
            goals = [node for part in ((0, 2) if ends_only[k >> 1] else (1,)) for node in by_last.get((k, part), [])]
            for one, other in itertools.product(starts, goals):
                if one in graph:
                    totals += _ridden(graph, one, other, int(cost[h >> 1, h & 1]) - start[h], end[k])
        if totals:
            found[a, b] = min(totals)
    return found


def _ridden(graph: nx.DiGraph, one: Any, other: Any, before: int, last: int) -> list[int]:
    """Return what it costs to go on from the end of one half-edge up to a place on another, if that can be done."""
    least = nx.single_source_dijkstra_path_length(graph, one, weight="cost")
    onward = [least[node] for node in graph.predecessors(other) if node in least]
    return [before + min(onward) + last] if onward else []


def usage(streets: StreetNetwork, profile: Profile) -> tuple[np.ndarray, list[bool]]:
    """Return what each edge costs along and against it, and whether it serves the ends of trips only.

    Where one-way rules let nobody leave an edge, or come to it, bicycles are pushed the closed way, if one may walk.
    """
    cost = np.column_stack(streets.costs(profile))
    use = np.maximum(*streets.uses(profile.rules, push=profile.push, calm=profile.stress)[:2])
    behind = edges_behind(streets, use)
    ends_only = [bool(use[e] == Access.ENDS) or e in behind for e in range(len(use))]
    if profile.rules == "bike" and not profile.push:
        pushed = np.column_stack(streets.costs(profile.with_(push=True)))
        for edge in cut_off(streets, cost):
            ends_only[edge] = True
            cost[edge] = np.where(cost[edge] < 0, pushed[edge], cost[edge])
    return cost, ends_only


def cut_off(streets: StreetNetwork, cost: np.ndarray) -> dict[int, tuple[bool, bool]]:
    """Return the edges that one-way rules let nobody leave, or let nobody come to, and which of these.

    Leave towards, or come from, a piece in which one gets from everywhere to everywhere, of 40 edges or the most there
    are.
    """
    graph, ways = nx.MultiDiGraph(), defaultdict(list)
    for edge, (u, v) in enumerate(zip(streets.u.tolist(), streets.v.tolist(), strict=True)):
        for side, (a, b) in enumerate(((u, v), (v, u))):
            if cost[edge, side] >= 0:
                graph.add_edge(a, b, edge=edge)
                ways[edge].append((a, b))
    if all((cost[:, 0] >= 0) == (cost[:, 1] >= 0)):
        return {}
    pieces = [
        ({e for *_, e in graph.subgraph(piece).edges(data="edge") if streets.length[e] > 0}, piece)
        for piece in nx.strongly_connected_components(graph)
    ]
    enough = max(1, min(40, max(len(edges) for edges, _ in pieces)))
    large = [next(iter(piece)) for edges, piece in pieces if len(edges) >= enough]
    before = set(large).union(*(nx.ancestors(graph, node) for node in large))
    after = set(large).union(*(nx.descendants(graph, node) for node in large))
    told = {
        edge: (all(b not in before for _, b in of), all(a not in after for a, _ in of)) for edge, of in ways.items()
    }
    return {edge: told[edge] for edge in sorted(told) if any(told[edge])}


def edges_behind(streets: StreetNetwork, use: np.ndarray) -> set[int]:
    """Return the open edges that only restricted ones link to the rest, such as the streets behind a private gate.

    Of the open pieces that hang together by restricted streets, the one with most edges is the rest.
    """
    everything, open_ = nx.MultiGraph(), nx.MultiGraph()
    for edge, (u, v) in enumerate(zip(streets.u.tolist(), streets.v.tolist(), strict=True)):
        if use[edge] != Access.NO:
            everything.add_edge(u, v, edge)
        if use[edge] > Access.ENDS:
            open_.add_edge(u, v, edge)
    behind: set[int] = set()
    for whole in nx.connected_components(everything):
        pieces = [open_.subgraph(nodes) for nodes in nx.connected_components(open_.subgraph(whole))]
        pieces.sort(key=lambda piece: (-piece.number_of_edges(), min(piece)))
        behind.update(edge for piece in pieces[1:] for _, _, edge in piece.edges(keys=True))
    return behind


def _add(graph: nx.DiGraph, a: Node, b: Node, cost: int) -> None:
    graph.add_edge(a, b, cost=min(cost, graph.get_edge_data(a, b, {"cost": cost})["cost"]))


def _onwards(graph: nx.DiGraph, costs: Costs) -> Costs:
    """Return the least cost of every node that can be reached from nodes that already have one."""
    graph.add_weighted_edges_from([("start", node, cost) for node, cost in costs.items()], weight="cost")
    found = nx.single_source_dijkstra_path_length(graph, "start", weight="cost")
    graph.remove_node("start")
    return {node: cost for node, cost in found.items() if node != "start"}


def reached_area(
    streets: StreetNetwork, profile: Profile, sites: pd.DataFrame, site: shapely.Point, *, minutes: float, width: float
) -> shapely.Geometry:
    """Return the union of discs around the places within `minutes` from the first site, at most `width` metres wide.

    A disc is as wide as one can still walk. There is one every two metres of street and of the way to the site.
    """
    share = [np.linspace(0, 1, int(length / 2) + 2) for length in streets.length]
    edge = np.repeat(np.arange(len(share)), list(map(len, share)))
    offset = np.concatenate(share) * streets.length[edge]
    usable = np.max(streets.costs(profile), axis=0)[edge] >= 0
    places = pd.DataFrame({"edge": edge, "offset_m": offset, "access_m": 0.0, "status": np.where(usable, "placed", "")})
    limit = round(minutes * 600)
    xy = shapely.line_interpolate_point(streets.lines[edge], np.concatenate(share), normalized=True)
    found = street_times(streets, profile, sites.iloc[:1], places, limit=minutes, direction="from")
    left = [(xy[row], limit - cost) for (_, row), cost in found.items()]
    first = sites.iloc[0]
    door = shapely.line_interpolate_point(
        streets.lines[first.edge], first.offset_m / streets.length[first.edge], normalized=True
    )
    way = shapely.LineString([site, door])
    pace = 36 / profile.access_kmh
    left += [(way.interpolate(metres), limit - pace * metres) for metres in np.linspace(0, way.length, 500)]
    discs = [shapely.buffer(place, min(width, max(0.0, rest) / pace)) for place, rest in left]
    return shapely.union_all(discs)
