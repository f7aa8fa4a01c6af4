"""OSMnx graphs -> the same ways as those of OpenStreetMap files."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from siteplan.errors import InputError
from siteplan.inputs.osm import KEYS, RawWays, Tags

__all__ = ["ways_from_graph"]


def ways_from_graph(graph: Any, source: str = "OSMnx graph") -> RawWays:
    """Turn an OSMnx graph (`networkx.MultiDiGraph`, simplified or not) into ways.

    Nodes need `x`, `y` (in `graph.graph["crs"]`); edges may have `geometry`, `highway`, `oneway` and other OSM tags.
    The two directions of one street are one way.

    Raises
    ------
    InputError
        No CRS, no nodes with coordinates, or no edges.
    """
    from pyproj import Transformer

    crs = graph.graph.get("crs")
    if crs is None:
        raise InputError(f"{source}: the graph names no CRS; set graph.graph['crs'] (OSMnx does)")
    if graph.number_of_edges() == 0:
        raise InputError(f"{source}: the graph has no edges")
    x: list[float] = []
    y: list[float] = []
    refs: list[int] = []
    start, way_id, kind = [0], list[int](), list[int]()
    kinds: dict[Tags, int] = {}
    fresh = -1  # inner points of a simplified edge have no id of their own: count down from -1
    numbers = {node: number for number, node in enumerate(graph.nodes)}
    for u, v, data in _streets(graph):
        line = data.get("geometry")
        try:
            ends = [(float(graph.nodes[n]["x"]), float(graph.nodes[n]["y"])) for n in (u, v)]
        except KeyError as error:
            raise InputError(f"{source}: node {u} or {v} has no {error} coordinate") from error
        points = [ends[0], *(list(line.coords)[1:-1] if line is not None else []), ends[1]]
        inner = len(points) - 2
        x.extend(p[0] for p in points)
        y.extend(p[1] for p in points)
        refs.extend([numbers[u], *range(fresh, fresh - inner, -1), numbers[v]])
        fresh -= inner
        start.append(len(refs))
        way_id.append(int(_first(data.get("osmid", 0))))
        kind.append(kinds.setdefault(_graph_tags(data), len(kinds)))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(np.array(x), np.array(y))
    return RawWays(
        source=source,
        refs=np.array(refs, np.int64),
        lon=np.asarray(lon, float),
        lat=np.asarray(lat, float),
        start=np.array(start, np.int64),
        way_id=np.array(way_id, np.int64),
        kind=np.array(kind, np.int64),
        kinds=list(kinds),
    )


def _streets(graph: Any) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Yield each street once: a two-way street stands twice in the graph, with the second marked `reversed`."""
    if not graph.is_directed():
        for u, v, data in graph.edges(data=True):
            yield u, v, {**data, "oneway": "no"}
        return
    for u, v, data in graph.edges(data=True):
        twin = _twin(graph, u, v, data)
        # Of the two, keep the one that runs as the street was drawn; where neither says so, either serves.
        if twin is not None and (bool(data.get("reversed")), f"{u}>{v}") > (bool(twin.get("reversed")), f"{v}>{u}"):
            continue
        yield u, v, {**data, "oneway": "no" if twin is not None or data.get("oneway") is False else "yes"}


def _twin(graph: Any, u: Any, v: Any, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the same street's edge in the other direction, if it is there."""
    if u == v or not graph.has_edge(v, u):
        return None
    others: Sequence[dict[str, Any]] = list(graph[v][u].values()) if graph.is_multigraph() else [graph[v][u]]
    return next((other for other in others if _same_street(data, other)), None)


def _same_street(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two edges are one street's two directions: of the same ways, with the same line turned round."""
    if _ways(one) != _ways(other) or ("reversed" in one and one["reversed"] == other.get("reversed")):
        return False
    lines: tuple[Any, Any] = one.get("geometry"), other.get("geometry")
    if None in lines:
        return lines == (None, None) and abs(one.get("length", 0) - other.get("length", 0)) < 0.5
    return list(lines[0].coords) == list(lines[1].coords)[::-1]


def _ways(data: dict[str, Any]) -> set[Any]:
    ids = data.get("osmid")
    return set(ids) if isinstance(ids, list) else {ids}


def _graph_tags(data: dict[str, Any]) -> Tags:
    tags = {key: str(_first(value)) for key, value in data.items() if key in KEYS and value is not None}
    return tuple(sorted({"highway": "road", **tags}.items()))


def _first(value: Any) -> Any:
    """Return the first of several values: OSMnx joins the tags of merged streets in lists."""
    return value[0] if isinstance(value, list) and value else value
