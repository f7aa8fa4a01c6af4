"""The other engines, each given the same graph and asked the same question."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse.csgraph import dijkstra

from siteplan.routing import search
from tests.bench.worlds import Common, MissingError, only

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CHUNK = 100  # origins that scipy is given at once: it answers with a full matrix


def needed(name: str) -> Any:
    """Import another engine.

    Raises
    ------
    MissingError
        It is not installed here.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} is not installed here ({error}); `make bench` installs it") from error


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what compiled code prints off the screen."""
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


class Siteplan:
    """The engine itself, from rows of `common.nodes` to all of them."""

    def __init__(self, common: Common, origins: Ints, targets: Ints | None = None) -> None:
        places = common.targets if targets is None else only(common.targets, targets)
        self.work = search.prepare(common.graph, only(common.sources, origins), places)

    def table(self, limit: int) -> tuple[Ints, Ints, Ints]:
        return search.times(self.work, limit)

    def sums(self, limits: Ints, people: Floats) -> Floats:
        return search.sums(self.work, limits, people[:, None])[:, :, 0]


class Scipy:
    """`scipy.sparse.csgraph.dijkstra` with a limit, from the nodes `origins` to the nodes `targets`."""

    def __init__(self, matrix: Any, origins: Ints, targets: Ints) -> None:
        self.matrix, self.origins, self.targets = matrix, origins, targets

    def costs(self, limit: int) -> Iterator[tuple[int, Floats]]:
        for first in range(0, len(self.origins), CHUNK):
            origins = self.origins[first : first + CHUNK]
            yield first, dijkstra(self.matrix, indices=origins, limit=limit)[:, self.targets]

    def table(self, limit: int) -> tuple[Ints, Ints, Ints]:
        parts = []
        for first, costs in self.costs(limit):
            origin, target = np.nonzero(np.isfinite(costs))
            parts.append((origin + first, target, costs[origin, target].astype(np.int64)))
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]

    def sums(self, limits: Ints, people: Floats) -> Floats:
        parts = [[(costs <= limit) @ people for limit in limits] for _, costs in self.costs(int(limits[-1]))]
        return np.concatenate([np.column_stack(part) for part in parts])


class Pandana:
    """pandana's Network: contraction hierarchies, built beforehand and not counted.

    It adds in floating point, so it is asked for half a decisecond more than the limit, which between whole deciseconds
    is the same question.
    """

    def __init__(self, common: Common, people: Floats) -> None:
        pandana = needed("pandana")
        nodes = pd.DataFrame({"x": common.x, "y": common.y})
        costs = pd.DataFrame({"time": common.cost.astype(float)})
        with silence():
            self.network = pandana.Network(
                nodes["x"], nodes["y"], pd.Series(common.tail), pd.Series(common.head), costs, twoway=False
            )
        self.network.set(pd.Series(common.nodes), variable=pd.Series(people), name="people")
        self.nodes = common.nodes
        self.row = np.full(len(common.x), -1)
        self.row[common.nodes] = np.arange(len(common.nodes))

    def table(self, origins: Ints, limit: int) -> pd.DataFrame:
        return self.network.nodes_in_range(self.nodes[origins], limit + 0.5, "time")

    def as_rows(self, origins: Ints, found: pd.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Return its table as the others give it: by origin and node, in rows of `common.nodes`."""
        back = np.full(len(self.nodes), -1)
        back[origins] = np.arange(len(origins))
        origin, target = back[self.row[found["source"]]], self.row[found["destination"]]
        kept = target >= 0
        origin, target, cost = origin[kept], target[kept], np.rint(found["time"].to_numpy()[kept]).astype(np.int64)
        order = np.lexsort((target, origin))
        return origin[order], target[order], cost[order]

    def sums(self, limits: Ints) -> Floats:
        found = [
            self.network.aggregate(limit + 0.5, type="sum", decay="flat", imp_name="time", name="people")
            for limit in limits
        ]
        return np.column_stack([sums.to_numpy()[self.nodes] for sums in found])


class Networkx:
    """networkx, and with it the recipe of OSMnx's isochrone example: an ego graph for each limit."""

    def __init__(self, common: Common, people: Floats) -> None:
        self.common = common
        self.people = dict(zip(common.nodes.tolist(), people.tolist(), strict=True))

    @cached_property
    def graph(self) -> Any:
        graph = nx.DiGraph()
        graph.add_nodes_from(range(len(self.common.x)))
        arcs = zip(self.common.tail.tolist(), self.common.head.tolist(), self.common.cost.tolist(), strict=True)
        graph.add_weighted_edges_from(arcs, weight="time")
        return graph

    @cached_property
    def multigraph(self) -> Any:
        """The graph as OSMnx holds one: places on nodes, lines on edges."""
        streets = self.common.streets
        line = {}
        for e, (u, v) in enumerate(zip(streets.u.tolist(), streets.v.tolist(), strict=True)):
            line[u, v] = line[v, u] = streets.lines[e]
        graph = nx.MultiDiGraph(crs=streets.crs)
        for n, (x, y) in enumerate(zip(self.common.x.tolist(), self.common.y.tolist(), strict=True)):
            graph.add_node(n, x=x, y=y)
        for u, v, cost in zip(
            self.common.tail.tolist(), self.common.head.tolist(), self.common.cost.tolist(), strict=True
        ):
            graph.add_edge(u, v, time=cost, geometry=line[u, v])
        return graph

    def sums(self, origins: Ints, limits: Ints) -> Floats:
        """One search an origin to the largest limit."""
        found = np.zeros((len(origins), len(limits)))
        for row, origin in enumerate(self.common.nodes[origins].tolist()):
            costs = nx.single_source_dijkstra_path_length(self.graph, origin, cutoff=int(limits[-1]), weight="time")
            for node, cost in costs.items():
                found[row, np.searchsorted(limits, cost) :] += self.people.get(node, 0.0)
        return found

    def ego_sums(self, origins: Ints, limits: Ints) -> Floats:
        """An ego graph for each origin and limit; the people at its nodes."""
        found = np.zeros((len(origins), len(limits)))
        for row, origin in enumerate(self.common.nodes[origins].tolist()):
            for column, limit in enumerate(limits.tolist()):
                ego = nx.ego_graph(self.multigraph, origin, radius=limit, distance="time")
                found[row, column] = sum(self.people.get(node, 0.0) for node in ego)
        return found

    def ego_polygons(self, origins: Ints, limits: Ints) -> list[Any]:
        """The recipe's polygons: nodes buffered by 50 m, edges by 25 m, dissolved, holes filled."""
        shapes = []
        for origin in self.common.nodes[origins].tolist():
            for limit in limits.tolist():
                ego = nx.ego_graph(self.multigraph, origin, radius=limit, distance="time")
                nodes = gpd.GeoSeries([shapely.Point(at["x"], at["y"]) for _, at in ego.nodes(data=True)])
                edges = gpd.GeoSeries([at["geometry"] for _, _, at in ego.edges(data=True)])
                parts = pd.concat([nodes.buffer(50), edges.buffer(25)]) if len(edges) else nodes.buffer(50)
                union = gpd.GeoSeries(parts).union_all()
                outlines = [shapely.Polygon(part.exterior) for part in getattr(union, "geoms", [union])]
                shapes.append(shapely.union_all(outlines))
        return shapes
