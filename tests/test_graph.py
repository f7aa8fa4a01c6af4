"""The graph of a mode: contracted, renumbered, split at places, and still the streets themselves."""

from collections.abc import Sequence
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import street_times
from siteplan.config import BIKE, WALK, Profile
from siteplan.errors import NetworkError
from siteplan.network.graph import mode_graph
from siteplan.network.snapping import positions
from siteplan.network.streets import StreetNetwork
from siteplan.routing import search
from worlds import Edge, METRE_A_SECOND, PRIVATE, STREET, World, line, made, networks, on_edges, ring, shortcut

PUSHED = BIKE.model_copy(update={"name": "pushed", "push": True})
PROFILES = [WALK, BIKE, PUSHED, METRE_A_SECOND]
Spot = tuple[int, float, float]


def links(streets: StreetNetwork, profile: Profile, spots: Sequence[Spot]) -> pd.DataFrame:
    """Link places (edge, share along it, metres off it) by hand, whatever the size of the edge's component."""
    edge = np.array([spot[0] for spot in spots]) % len(streets.u)
    usable = np.max(streets.costs(profile), axis=0)[edge] >= 0
    return pd.DataFrame(
        {
            "edge": np.where(usable, edge, -1),
            "offset_m": streets.length[edge] * [spot[1] for spot in spots],
            "access_m": [spot[2] for spot in spots],
            "status": np.where(usable, "placed", "too far"),
        }
    )


def engine(
    streets: StreetNetwork,
    profile: Profile,
    sites: pd.DataFrame,
    points: pd.DataFrame,
    limit: float,
    direction: Literal["to", "from"],
) -> dict[tuple[int, int], int]:
    """Search from the sites with the compiled kernels."""
    graph = mode_graph(streets, profile, backwards=direction == "to")
    site_rows, site_places = positions(sites, graph, profile)
    point_rows, point_places = positions(points, graph, profile)
    work = search.prepare(graph, site_places, point_places)
    source, target, cost = search.times(work, round(limit * 600))
    return dict(zip(zip(site_rows[source], point_rows[target], strict=True), cost, strict=True))


@settings(max_examples=1500)
@given(networks(), on_edges, on_edges, st.sampled_from(PROFILES), st.sampled_from([1, 7.5, 60]))
def test_the_engine_equals_its_slow_twin(
    edges: list[Edge], at: list[Spot], of: list[Spot], profile: Profile, limit: float
) -> None:
    streets = made(edges)
    if np.max(streets.costs(profile)) < 0:
        return
    sites, points = links(streets, profile, at), links(streets, profile, of)
    for direction in ("to", "from"):
        expected = street_times(streets, profile, sites, points, limit=limit, direction=direction)
        assert engine(streets, profile, sites, points, limit, direction) == expected
