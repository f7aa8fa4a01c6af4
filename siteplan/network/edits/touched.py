"""Which sites a change of streets can matter to: all others keep their travel times."""

from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from siteplan.config import Profile
from siteplan.config.fields import SEARCHED
from siteplan.errors import StudyError
from siteplan.network.graph import ModeGraph, Positions, footing, mode_graph
from siteplan.network.kept import kept_edges, linked, same_use
from siteplan.network.snapping import HARD_LIMIT, as_profile, positions
from siteplan.network.streets import StreetNetwork

__all__ = ["Touched", "touch", "touched_sites"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MINUTE = 600  # deciseconds


@dataclass(frozen=True)
class Touched:
    """Which sites (rows) a change can matter to, and where sites and people meet the streets before and after it."""

    sites: Bools
    site_links: tuple[pd.DataFrame, pd.DataFrame]
    point_links: tuple[pd.DataFrame, pd.DataFrame]


def touched_sites(
    streets: StreetNetwork,
    edited: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    mode: str | Profile = "walk",
    minutes: float = 20,
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
    sites, people, mode, minutes, direction
        As for `travel_times`.

    Raises
    ------
    StudyError
        As for `travel_times`.
    """
    if direction not in ("to", "from"):
        raise StudyError(f"direction {direction!r}: expected 'to' (the site) or 'from' (the site)")
    if not 0 < minutes <= SEARCHED:
        raise StudyError(f"limit of {minutes} minutes: expected more than 0 and at most {SEARCHED:g}")
    found = touch(
        streets,
        edited,
        sites,
        people,
        profile=as_profile(mode),
        cutoff=round(minutes * MINUTE),
        backwards=direction == "to",
    )
    touched: pd.Index = sites.index[found.sites]
    return touched


def touch(
    streets: StreetNetwork,
    edited: StreetNetwork,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    *,
    profile: Profile,
    cutoff: int,
    backwards: bool,
) -> Touched:
    """Tell which sites a change can matter to; as `touched_sites`, in deciseconds, `backwards` towards the sites."""
    origin = kept_edges(streets, edited)
    if edited.origin is not origin:
        edited = replace(edited, origin=origin)
    both = (streets, edited)
    site_links = tuple(linked(network, sites, profile, HARD_LIMIT) for network in both)
    point_links = tuple(linked(network, people, profile, profile.link_m) for network in both)
    uses = [footing(network, profile) for network in both]
    same = same_use(edited, origin, profile)
    names = []
    for network, rows, other in ((streets, origin.before, -2), (edited, origin.after, -3)):
        name = np.full(len(network.u) + 1, other, np.int64)  # an edge of one network only is none of the other's
        name[rows[same]] = np.arange(int(same.sum()))
        name[-1] = -1
        names.append(name)
    touched = _moved(site_links, names)
    moved = _moved(point_links, names)
    for network, use, name, at_site, at_point in zip(both, uses, names, site_links, point_links, strict=True):
        changed = np.flatnonzero((name[:-1] < 0) & use.usable)
        if not len(changed) and not moved.any():
            continue
        graph = mode_graph(network, profile, backwards=backwards)
        origins = _joined([_ends(graph, changed), positions(at_point[moved], graph, profile)[1]])
        rows, ends = positions(at_site, graph, profile)
        touched[rows[_least(graph, ends, origins, cutoff) <= cutoff]] = True
    return Touched(touched, (site_links[0], site_links[1]), (point_links[0], point_links[1]))


def _moved(links: tuple[pd.DataFrame, ...], names: list[Ints]) -> Bools:
    """Tell which places meet the streets elsewhere than before; `names` are those of the edges before and after."""
    before, after = links
    moved = names[0][before["edge"].to_numpy()] != names[1][after["edge"].to_numpy()]
    for column in ("offset_m", "access_m", "status"):
        moved |= before[column].to_numpy() != after[column].to_numpy()
    found: Bools = moved
    return found


def _ends(graph: ModeGraph, edges: Ints) -> Positions:
    """Return the places at both ends of the edges that may be used."""
    open_ = edges[graph.edge_chain[edges] >= 0]
    edge = np.concatenate([open_, open_])
    metres = np.concatenate([np.zeros(len(open_)), graph.length[open_]])
    return graph.positions(edge, metres, np.zeros(len(edge), np.int64))


def _joined(parts: list[Positions]) -> Positions:
    columns = ("chain", "forward", "backward", "metres", "access")
    return Positions(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))


def _least(graph: ModeGraph, places: Positions, ends: Positions, cutoff: int) -> npt.NDArray[np.float64]:
    """Return the least deciseconds from each place to any of the ends; infinite beyond the limit.

    One search against the arcs, from all the ends at once. On a chain with an end nothing is asked about which side of
    it a place lies: such places cost nothing.
    """
    if not len(places) or not len(ends):
        return np.full(len(places), np.inf)
    nodes = len(graph.indptr) - 1
    seeds = graph.arrive[ends.chain].T.ravel()
    costs = np.concatenate([np.where(way >= 0, way + ends.access, -1) for way in (ends.forward, ends.backward)])
    seeds, costs = seeds[costs >= 0], costs[costs >= 0]
    heads, weights = graph.arcs.T
    heads = np.where(heads < 0, ~heads, heads)  # dead ends are marked so
    tails = np.repeat(np.arange(nodes), np.diff(graph.indptr))
    # One more node, from which all the search begins.
    rows, columns = np.append(heads, np.full(len(seeds), nodes)), np.append(tails, seeds)
    order = np.argsort(rows, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=nodes + 1))])
    values = np.append(weights, costs).astype(float)
    indices = columns[order].astype(np.int32), indptr.astype(np.int32)  # older scipy searches no wider ones
    matrix = scipy.sparse.csr_array((values[order], *indices), shape=(nodes + 1, nodes + 1))
    found = scipy.sparse.csgraph.dijkstra(matrix, indices=nodes, limit=float(cutoff))
    leave, total = graph.leave[places.chain], graph.total[places.chain]
    near = np.full(len(places), np.inf)
    for side, ways in ((0, total[:, 1] - places.backward), (1, total[:, 0] - places.forward)):
        open_ = (places.backward if side == 0 else places.forward) >= 0
        near = np.minimum(near, np.where(open_, found[leave[:, side]] + ways, np.inf))
    near = near + places.access
    near[np.isin(places.chain, ends.chain)] = 0
    return near
