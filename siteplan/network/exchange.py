"""Streets out, as a graph that networkx and OSMnx work with."""

from typing import TYPE_CHECKING, Any

from siteplan.config import Profile
from siteplan.doors import door
from siteplan.network.snapping import as_profile
from siteplan.network.streets import StreetNetwork

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_networkx"]


@door()
def to_networkx(streets: StreetNetwork, *, mode: str | Profile = "walk") -> "nx.MultiDiGraph[int]":
    """Return the streets that a mode may use as a directed multigraph, as OSMnx lays it out.

    Returns
    -------
    networkx.MultiDiGraph
        Every direction that may be travelled is an edge with `length` (metres), `minutes` by the profile, `osmid`,
        `oneway`, `reversed`, `geometry` (LineString) and its OpenStreetMap tags; nodes have `x` and `y`;
        `graph["crs"]` is the projected CRS of the streets. Restricted ways (private, destination) are in it like any
        other: a plain graph cannot say "at the ends of a trip only", nor which turns are forbidden.

    Raises
    ------
    StudyError, NetworkError
        No such mode; slopes asked for without a terrain model.

    Examples
    --------
    >>> graph = sp.to_networkx(streets, mode="bike")
    >>> graph.number_of_nodes(), graph.graph["crs"]
    (5487, 'EPSG:32631')
    """
    import networkx as nx

    both = streets.costs(as_profile(mode))
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs=streets.crs.to_string())
    tags = [dict(kind) for kind in streets.kinds]
    for edge, line in enumerate(streets.lines):
        ends = int(streets.u[edge]), int(streets.v[edge])
        costs = int(both[0][edge]), int(both[1][edge])
        for reverse, cost in enumerate(costs):
            if cost < 0:
                continue
            data: dict[str, Any] = {
                **tags[streets.kind[edge]],
                "osmid": int(streets.way_id[edge]),
                "length": float(streets.length[edge]),
                "minutes": cost / 600,
                "oneway": min(costs) < 0,
                "reversed": bool(reverse),
                "geometry": line.reverse() if reverse else line,
            }
            graph.add_edge(ends[reverse], ends[1 - reverse], **data)
            for node, (x, y) in zip(ends, (line.coords[0], line.coords[-1]), strict=True):
                graph.add_node(node, x=x, y=y)
    return graph
