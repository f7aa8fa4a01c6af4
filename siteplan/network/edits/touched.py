"""Which sites a change of streets can matter to: all others keep their travel times."""

from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from siteplan.config import Profile
from siteplan.errors import StudyError
from siteplan.network.graph import ModeGraph, Positions, mode_graph
from siteplan.network.snapping import HARD_LIMIT, LIMIT, as_profile, link, positions
from siteplan.network.streets import StreetNetwork

__all__ = ["touched_sites"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MINUTE = 600  # deciseconds


def touched_sites(
    streets: StreetNetwork,
    edited: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    mode: str | Profile = "walk",
    limit: float = 20,
    direction: Literal["to", "from"] = "to",
) -> pd.Index:
    """Return the sites whose times may differ between two networks; those of all others are the same to the bit.

    A site is touched if, within the limit and in either network, it is in reach of a piece of street that is only in
    one of them, or that may be used there otherwise, or of a point that meets the streets elsewhere; or if it meets
    the streets elsewhere itself. One search a network, from all of these places at once.

    Parameters
    ----------
    streets, edited
        Before and after the change.
    sites, people, mode, limit, direction
        As for `travel_times`.

    Raises
    ------
    StudyError
        As for `travel_times`.
    """
    if direction not in ("to", "from"):
        raise StudyError(f"direction {direction!r}: expected 'to' (the site) or 'from' (the site)")
    if not 0 < limit <= 240:
        raise StudyError(f"limit of {limit} minutes: expected more than 0 and at most 240")
    profile = as_profile(mode)
    if _alike(streets, edited, profile):
        none: pd.Index = sites.index[:0]
        return none
    both = (streets, edited)
    # Searched against the way the sites search: from the changed places towards the sites.
    graphs = [mode_graph(network, profile, backwards=direction == "from") for network in both]
    same = _same_edges(*both, *graphs)
    names = _numbers(same)
    site_links = [link(network, sites, mode=profile, limit=HARD_LIMIT) for network in both]
    point_links = [link(network, people, mode=profile, limit=LIMIT) for network in both]
    touched = _moved(site_links, names)
    moved = _moved(point_links, names)
    for graph, whole, at_site, at_point in zip(graphs, same, site_links, point_links, strict=True):
        alone = np.ones(len(graph.length), bool)
        alone[whole] = False
        origins = _joined([_ends(graph, np.flatnonzero(alone)), positions(at_point[moved], graph, profile)[1]])
        rows, ends = positions(at_site, graph, profile)
        cost = _least(graph, origins, ends, round(limit * MINUTE))
        touched[rows[cost <= round(limit * MINUTE)]] = True
        touched |= (at_site["edge"].to_numpy() >= 0) & alone[at_site["edge"].to_numpy()]
    found: pd.Index = sites.index[touched]
    return found


def _alike(one: StreetNetwork, other: StreetNetwork, profile: Profile) -> bool:
    """Tell whether two networks are the same to a mode, edge by edge: only tags changed, and none that it minds."""
    arrays = ("u", "v", "start", "x", "y", "length", "way_id", "areas")
    if not all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays):
        return False
    used = [(*network.costs(profile), *network.uses(profile.rules, push=profile.push)) for network in (one, other)]
    return all(np.array_equal(before, after) for before, after in zip(*used, strict=True))


def _same_edges(one: StreetNetwork, other: StreetNetwork, graph: ModeGraph, after: ModeGraph) -> tuple[Ints, Ints]:
    """Return the edges that both networks have and that may be used alike, in order, as rows of each."""
    kinds = {tags: number for number, tags in enumerate(dict.fromkeys([*one.kinds, *other.kinds]))}
    rows = [_signed(network, kinds) for network in (one, other)]
    first, second = (np.flatnonzero(np.isin(a, b)) for a, b in (rows, rows[::-1]))
    if len(first) != len(second) or (rows[0][first] != rows[1][second]).any():
        return np.empty(0, np.int64), np.empty(0, np.int64)  # in another order: nothing is taken to be the same
    alike = np.ones(len(first), bool)
    for before, now in zip(_how_used(graph), _how_used(after), strict=True):
        alike &= before[first] == now[second]
    return first[alike], second[alike]


def _signed(streets: StreetNetwork, kinds: dict[Any, int]) -> npt.NDArray[Any]:
    """Return what tells edges apart: way, tags, vertices, ends and length, as one value each."""
    begin, end = streets.start[:-1], streets.start[1:] - 1
    kind = np.array([kinds[tags] for tags in streets.kinds])[streets.kind]
    ends = (streets.x[begin], streets.y[begin], streets.x[end], streets.y[end])
    table = np.column_stack([streets.way_id, kind, end - begin, *ends, streets.length]).astype(np.float64)
    return np.ascontiguousarray(table).view(f"V{table.shape[1] * 8}").ravel()


def _how_used(graph: ModeGraph) -> tuple[npt.NDArray[Any], ...]:
    """Return per edge its costs, whether it may be linked to, is an island, and is open at the ends of trips only."""
    chain = np.maximum(graph.edge_chain, 0)
    ends_only = (graph.leave[chain, 0] != graph.arrive[chain, 0]) & (graph.edge_chain >= 0)
    return graph.edge_cost[:, 0], graph.edge_cost[:, 1], graph.usable, graph.island, ends_only


def _numbers(same: tuple[Ints, Ints]) -> tuple[dict[int, int], dict[int, int]]:
    """Return one name for each edge that both networks have, by its row in either."""
    return tuple(dict(zip(rows.tolist(), range(len(rows)), strict=True)) for rows in same)  # type: ignore[return-value]


def _moved(links: list[pd.DataFrame], names: tuple[dict[int, int], dict[int, int]]) -> Bools:
    """Tell which places meet the streets elsewhere than before; `links` and `names` of edges before and after."""
    moved = np.zeros(len(links[0]), bool)
    for column in ("offset_m", "access_m", "status"):
        moved |= links[0][column].to_numpy() != links[1][column].to_numpy()
    # -1 stays -1; an edge of one network only is none of the other's.
    before, after = (
        np.array([-1 if edge < 0 else known.get(edge, other) for edge in table["edge"].tolist()], np.int64)
        for table, known, other in zip(links, names, (-2, -3), strict=True)
    )
    moved |= before != after
    return moved


def _ends(graph: ModeGraph, edges: Ints) -> Positions:
    """Return the places at both ends of the edges that may be used."""
    open_ = edges[graph.edge_chain[edges] >= 0]
    edge = np.concatenate([open_, open_])
    metres = np.concatenate([np.zeros(len(open_)), graph.length[open_]])
    return graph.positions(edge, metres, np.zeros(len(edge), np.int64))


def _joined(parts: list[Positions]) -> Positions:
    columns = ("chain", "forward", "backward", "metres", "access")
    return Positions(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))


def _least(graph: ModeGraph, origins: Positions, ends: Positions, limit: int) -> npt.NDArray[np.float64]:
    """Return the least deciseconds from any of the origins to each end; infinite beyond the limit.

    On a chain with an origin nothing is asked about which side of it an end lies: such ends cost nothing.
    """
    if not len(origins) or not len(ends):
        return np.full(len(ends), np.inf)
    nodes = len(graph.indptr) - 1
    total = graph.total[origins.chain]
    leave = graph.leave[origins.chain]
    seeds = np.concatenate([leave[:, 0], leave[:, 1]])
    costs = np.concatenate(
        [
            np.where(origins.backward >= 0, total[:, 1] - origins.backward + origins.access, -1),
            np.where(origins.forward >= 0, total[:, 0] - origins.forward + origins.access, -1),
        ]
    )
    seeds, costs = seeds[costs >= 0], costs[costs >= 0]
    heads, weights = graph.arcs.T
    heads = np.where(heads < 0, ~heads, heads)  # dead ends are marked so
    # One more node, from which all the search begins.
    matrix = csr_array(
        (
            np.concatenate([weights, costs]).astype(float),
            np.concatenate([heads, seeds]),
            np.concatenate([graph.indptr, [graph.indptr[-1] + len(seeds)]]),
        ),
        shape=(nodes + 1, nodes + 1),
    )
    found = dijkstra(matrix, indices=nodes, limit=float(limit))
    near = np.full(len(ends), np.inf)
    for side, ways in enumerate((ends.forward, ends.backward)):
        way = np.where(ways >= 0, found[graph.arrive[ends.chain, side]] + ways, np.inf)
        near = np.minimum(near, way)
    near = near + ends.access
    near[np.isin(ends.chain, origins.chain)] = 0
    return near
