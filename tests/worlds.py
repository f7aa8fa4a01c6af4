"""Tiny worlds whose answers are known by head, and a strategy for random ones.

Places are given in metres on the ground east and north of 3.0 E 45.0 N, the central meridian of UTM zone 31, where the
plane is 0.9996 of the ground.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from hypothesis import strategies as st

from siteplan.config import Profile
from siteplan.inputs.osm import RawWays
from siteplan.network.streets import StreetNetwork, build_streets

UTM = pyproj.CRS.from_epsg(32631)
EAST, NORTH = pyproj.Transformer.from_crs(4326, UTM, always_xy=True).transform(3.0, 45.0)
TO_LONLAT = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
SCALE = 0.9996

METRE_A_SECOND = Profile(name="metre", rules="walk", speed_kmh=3.6, access_kmh=3.6)  # 1 m = 1 s = 10 deciseconds
Tags = dict[str, str]
XY = tuple[float, float]
Edge = tuple[int, int, int, float]


def plane(xy: Sequence[XY]) -> np.ndarray:
    """Return places in metres on the ground as coordinates in UTM zone 31."""
    return np.asarray(np.array(xy, float).reshape(-1, 2) * SCALE + (EAST, NORTH))


def lonlat(xy: Sequence[XY]) -> np.ndarray:
    """Return places in metres on the ground as degrees."""
    return np.column_stack(TO_LONLAT.transform(*plane(xy).T))


def places(xy: Sequence[XY], names: Sequence[Any] | None = None, **columns: Any) -> gpd.GeoDataFrame:
    """Return points at places in metres on the ground."""
    index = pd.RangeIndex(len(xy)) if names is None else pd.Index(names)
    return gpd.GeoDataFrame(columns, index=index, geometry=gpd.points_from_xy(*plane(xy).T), crs=UTM)


@dataclass(frozen=True)
class World:
    """Nodes in metres on the ground, ways through them, and multipolygon relations of ways (way row, role)."""

    nodes: dict[int, XY]
    ways: list[tuple[Tags, list[int]]]
    relations: list[tuple[Tags, list[tuple[int, str]]]] = field(default_factory=list)
    posts: dict[int, Tags] = field(default_factory=dict)
    """What stands at nodes."""

    def raw(self) -> RawWays:
        """Return the ways as a reader of files would; squares are left to the files."""
        posts = {
            node: tuple(
                sorted({"highway": "barrier", **tags, **({} if "barrier" in tags else {"node": "yes"})}.items())
            )
            for node, tags in self.posts.items()
        }
        kinds = list(dict.fromkeys([*(tuple(sorted(tags.items())) for tags, _ in self.ways), *posts.values()]))
        refs = [node for _, nodes in self.ways for node in nodes]
        degrees = lonlat([self.nodes[node] for node in refs])
        return RawWays(
            source="a tiny world",
            refs=np.array(refs),
            lon=degrees[:, 0],
            lat=degrees[:, 1],
            start=np.cumsum([0, *(len(nodes) for _, nodes in self.ways)]),
            way_id=np.arange(1, len(self.ways) + 1),
            kind=np.array([kinds.index(tuple(sorted(tags.items()))) for tags, _ in self.ways]),
            kinds=kinds,
            post_id=np.array(list(posts), np.int64),
            post_kind=np.array([kinds.index(tags) for tags in posts.values()], np.int64),
        )

    def streets(self) -> StreetNetwork:
        """Return the street network."""
        return build_streets(self.raw())

    def xml(self, *, without: Sequence[int] = (), ways_first: bool = False) -> str:
        """Return the world as an .osm file without bounding box; the nodes `without` are named by ways, but missing."""
        degrees = dict(zip(self.nodes, lonlat(list(self.nodes.values())), strict=True))
        nodes = [
            f'<node id="{n}" version="1" lon="{lon!s}" lat="{lat!s}">{_xml_tags(self.posts.get(n, {}))}</node>'
            for n, (lon, lat) in degrees.items()
            if n not in without
        ]
        ways = [
            f'<way id="{k}" version="1">{"".join(f"""<nd ref="{n}"/>""" for n in refs)}{_xml_tags(tags)}</way>'
            for k, (tags, refs) in enumerate(self.ways, 1)
        ]
        relations = [
            f'<relation id="{k}" version="1">{"".join(_xml_member(*member) for member in members)}{_xml_tags(tags)}'
            "</relation>"
            for k, (tags, members) in enumerate(self.relations, 1)
        ]
        body = [*ways, *nodes] if ways_first else [*nodes, *ways]
        return "\n".join(['<osm version="0.6">', *body, *relations, "</osm>"])


def _xml_tags(tags: Tags) -> str:
    return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())


def _xml_member(way: int, role: str) -> str:
    return f'<member type="way" ref="{way + 1}" role="{role}"/>'


STREET: Tags = {"highway": "residential"}
PRIVATE: Tags = {"highway": "service", "access": "private"}


def line(*tags: Tags) -> World:
    """Return a line of five nodes, 1 to 5, 100 m apart eastwards: one way, or one per pair of nodes."""
    nodes = {n: (100.0 * (n - 1), 0.0) for n in range(1, 6)}
    if len(tags) < 2:
        return World(nodes, [(tags[0] if tags else STREET, [1, 2, 3, 4, 5])])
    return World(nodes, [(tag, [n, n + 1]) for n, tag in enumerate(tags, 1)])


def river() -> World:
    """Return a 3 x 3 grid 200 m apart (node 3 * row + column), a river between rows 1 and 2, its bridge in the west."""
    nodes = {3 * row + column: (200.0 * column, 200.0 * row) for row in range(3) for column in range(3)}
    rows = [(STREET, [3 * row, 3 * row + 1, 3 * row + 2]) for row in range(3)]
    south = [(STREET, [column, column + 3]) for column in range(3)]
    return World(nodes, [*rows, *south, ({**STREET, "bridge": "yes"}, [3, 6])])


def islands() -> World:
    """Return two streets of 300 m in three edges and of 200 m in two, 100 m apart, without a link."""
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (200.0, 0.0), 4: (300.0, 0.0)}
    nodes |= {5: (0.0, 100.0), 6: (100.0, 100.0), 7: (200.0, 100.0)}
    return World(nodes, [(STREET, [n, n + 1]) for n in (1, 2, 3, 5, 6)])


def shortcut(tags: Tags = PRIVATE) -> World:
    """Return a square of 4 x 100 m, nodes 1 to 4 around, with a cut of 100 m between 1 and 3 by the node 5 inside.

    The cut is drawn straight from 1 to 5 to 3: 2 x 70.71 m on a way of its own kind.
    """
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (0.0, 100.0), 5: (50.0, 50.0)}
    return World(nodes, [(STREET, [1, 2, 3, 4, 1]), (tags, [1, 5, 3])])


def ring(tags: Tags) -> World:
    """Return a square ring of 4 x 100 m without a junction, one closed way, nodes 1 to 4 around."""
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (0.0, 100.0)}
    return World(nodes, [(tags, [1, 2, 3, 4, 1])])


def plaza(tags: Tags | None = None) -> World:
    """Return a pedestrian square of 100 x 100 m, nodes 1 to 4, with a street of 50 m to its corners 1 and 3."""
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (0.0, 100.0), 5: (-50.0, 0.0), 6: (150.0, 100.0)}
    area = {"highway": "pedestrian", "area": "yes"} if tags is None else tags
    return World(nodes, [(area, [1, 2, 3, 4, 1]), (STREET, [5, 1]), (STREET, [3, 6])])


def roundabout() -> World:
    """Return a roundabout of 4 x 50 m, travelled from node 1 to 4, with arms of 100 m in the west and east."""
    nodes = {1: (0.0, 0.0), 2: (50.0, 0.0), 3: (50.0, 50.0), 4: (0.0, 50.0), 5: (-100.0, 0.0), 6: (150.0, 0.0)}
    circle = {"highway": "tertiary", "junction": "roundabout"}
    return World(nodes, [(circle, [1, 2, 3, 4, 1]), (STREET, [5, 1]), (STREET, [2, 6])])


def four_sites_six_cells() -> tuple[World, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the river grid with sites at its corners and six points of people: two rows of three on the south bank."""
    corners = [(0.0, 0.0), (400.0, 0.0), (0.0, 400.0), (400.0, 400.0)]
    homes = [(200.0 * column, 200.0 * row) for row in range(2) for column in range(3)]
    sites = places(corners, ["sw", "se", "nw", "ne"])
    people = places(homes, people=[1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    return river(), sites, people


# Random networks ------------------------------------------------------------------------------------------------------

# Kinds of street by what they do to walking and cycling; the plain one is drawn more often.
KINDS: list[Tags] = [
    STREET,
    {"highway": "residential", "oneway": "yes", "oneway:foot": "yes"},
    {"highway": "residential", "oneway": "-1", "oneway:foot": "-1"},
    PRIVATE,
    {"highway": "service", "access": "destination", "oneway": "yes", "oneway:foot": "yes"},
    {"highway": "residential", "oneway": "yes"},
    {"highway": "steps"},
    {"highway": "footway"},
    {"highway": "cycleway"},
    {"highway": "footway", "bicycle": "dismount", "oneway:foot": "yes"},
    {"highway": "path", "access": "private", "foot": "yes"},
    {"highway": "residential", "vehicle": "destination", "oneway": "yes"},
]
FEW_NODES = 7

# One street: from and to node, its kind, in how many pieces, its length in decimetres, the kind of its first piece.
a_street = st.tuples(
    st.integers(0, FEW_NODES - 1),
    st.integers(0, FEW_NODES - 1),
    st.sampled_from([0, 0, 0, *range(len(KINDS))]),
    st.integers(1, 3),
    st.sampled_from([1, 3, 47]) | st.integers(1, 6000),
    st.sampled_from([-1, -1, -1, -1, *range(len(KINDS))]),
)


@st.composite
def networks(draw: Any) -> list[Edge]:
    """Draw 1-10 streets between a few nodes: parallels, loops, chains, one-ways, islands, private and short ones.

    Each is one to three edges (from, to, kind, metres) for `made`. Now and then a ring without any junction lies
    beside them. Lengths have nothing to do with the lines.
    """
    streets = draw(st.lists(a_street, min_size=1, max_size=10))
    alone = draw(st.sampled_from([0, 0, 1, 2, 3]))
    kind = draw(st.sampled_from([0, 1, 5, 6]))
    edges: list[Edge] = []
    fresh = FEW_NODES
    for u, v, main, pieces, decimetres, first in streets:
        inner = list(range(fresh, fresh + pieces - 1))
        fresh += pieces - 1
        for k, (a, b) in enumerate(zip([u, *inner], [*inner, v], strict=True)):
            edges.append((a, b, first if k == 0 and first >= 0 else main, decimetres / 10 / pieces))
    rim = list(range(fresh, fresh + alone))
    edges += [(a, b, kind, 70.1) for a, b in zip(rim, [*rim[1:], *rim[:1]], strict=True)]
    return edges


def made(edges: Sequence[Edge]) -> StreetNetwork:
    """Return a network of edges (from, to, kind, metres), each an arc of its own between nodes on a 1 km grid."""
    numbers = np.unique([edge[:2] for edge in edges], return_inverse=True)[1].reshape(-1, 2)
    u, v = numbers.T
    grid = plane([(1000.0 * (n % 4), 1000.0 * (n // 4)) for n in range(int(numbers.max()) + 1)])
    k = np.arange(len(edges))
    # Bent so that no two edges share more than their ends, and a loop is a triangle.
    one, two = (grid[u] + np.column_stack([side * 97 * (k + 1), 61 * (k + 1) + side * 40]) for side in (-1, 1))
    xy = np.stack([grid[u], one, two, grid[v]], axis=1).reshape(-1, 2)
    return StreetNetwork(
        source="a random network",
        crs=UTM,
        u=u,
        v=v,
        node_count=int(numbers.max()) + 1,
        x=xy[:, 0],
        y=xy[:, 1],
        start=4 * np.arange(len(edges) + 1),
        length=np.array([edge[3] for edge in edges], float),
        kind=np.array([edge[2] for edge in edges]),
        kinds=[tuple(tags.items()) for tags in KINDS],
        way_id=k + 1,
    )


# A place on a network: along which edge, how far, and how many metres off it. Never at an edge's end: a place at a
# junction could be said to lie on any of its edges, and it is for link() to say on which.
a_place = st.tuples(st.integers(0, 39), st.just(0.5) | st.floats(0.001, 0.999), st.sampled_from([0.0, 0.0, 40.0]))
on_edges = st.lists(a_place, min_size=1, max_size=6)


def put(streets: StreetNetwork, spots: Sequence[tuple[int, float, float]]) -> gpd.GeoDataFrame:
    """Return points at (edge, share along it, metres north of it) on a network."""
    edge = np.array([spot[0] for spot in spots]) % len(streets.u)
    on = shapely.line_interpolate_point(streets.lines[edge], [spot[1] for spot in spots], normalized=True)
    xy = shapely.get_coordinates(on) + [(0.0, spot[2]) for spot in spots]
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=streets.crs)
