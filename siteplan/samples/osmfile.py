"""The sample's streets, water, woods, places and addresses of note as one `.osm.pbf`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import Polygon

from siteplan.samples import valley
from siteplan.samples.joined import Joined
from siteplan.samples.places import Place, place_nodes
from siteplan.samples.plane import to_lonlat

__all__ = ["write_osm"]

Tags = Mapping[str, str]
DATE = "2026-01-01T00:00:00Z"
FACT = 0.1  # metres: what counts as the same position


def write_osm(path: Path, streets: Joined, places: Sequence[Place]) -> None:
    """Write nodes, ways and relations, each sorted by id, without editing history."""
    import osmium

    scenery = _scenery()
    positions, members = _numbered(streets, scenery, places)
    header = osmium.io.Header()
    header.set("generator", "siteplan sample")
    header.set("osmosis_replication_timestamp", DATE)
    degrees = to_lonlat(positions)
    corners = to_lonlat(np.asarray(valley.BOX.exterior.coords))
    header.add_box(osmium.osm.Box(*map(float, (*corners.min(axis=0), *corners.max(axis=0)))))
    writer = osmium.SimpleWriter(str(path), header=header)
    try:
        _write(writer, degrees, members, [*_way_tags(streets), *(tags for _, tags in scenery)], _node_tags(places, len(positions)))
        _write_square(writer, streets)
    finally:
        writer.close()
