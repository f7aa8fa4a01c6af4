"""Large places: a real city laid side by side many times, its streets joined, with people and sites."""

import itertools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import osmium
import pandas as pd
import pyproj
import rasterio
import scipy

from siteplan.geo import metric_crs

__all__ = ["CHOSEN", "SITES", "asked_tiles", "write_tiles"]

CELL = 200.0  # metres across
SITES = 85  # a tile; every tenth exists
CHOSEN = 10  # of the sites of a tile
LINKS = 20  # streets from a tile to the next

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def asked_tiles() -> list[int]:
    """Return how many tiles are measured: what TILES says, or 3 and 12."""
    return [int(part) for part in os.environ.get("TILES", "3,12").split(",")]


def write_tiles(source: Path, folder: Path, count: int) -> tuple[int, int]:
    """Write the streets of `count` cities side by side, people and sites; return the numbers of nodes and cells."""
    columns = next(each for each in range(math.isqrt(count - 1) + 1, count + 1) if count % each == 0)
    corners = [(k % columns, k // columns) for k in range(count)]
    place, size, streets = _write_streets(source, folder / "streets.osm.pbf", corners)
    every = np.concatenate([place + np.array(corner) * size for corner in corners])
    cells = _write_people(every, folder / "people.tif")
    random = np.random.default_rng(1)
    # An islet may be more than 1.6 km from any other street, where no site may be.
    tile, node = np.divmod(random.choice(len(streets) * count, SITES * count, replace=False), len(streets))
    chosen = every[tile * len(place) + streets[node]].round(6)
    names = [f"S{number:06}" for number in range(len(chosen))]
    status = np.where(np.arange(len(chosen)) % 10 == 0, "existing", "candidate")
    table = {"site": names, "name": names, "lon": chosen[:, 0], "lat": chosen[:, 1], "status": status}
    pd.DataFrame(table).to_csv(folder / "sites.csv", index=False)
    return len(every), cells


def _write_streets(source: Path, file: Path, corners: list[tuple[int, int]]) -> tuple[Floats, Floats, Ints]:
    """Write the tiles; return where the nodes of one are (degrees), how large one is, and the nodes of its streets."""
    number: dict[int, int] = {}
    points, named, ways = [], {}, []
    for thing in osmium.FileProcessor(str(source)):
        if thing.is_node():
            if len(thing.tags):
                named[len(points)] = dict(thing.tags)
            number[thing.id] = len(points)
            points.append((thing.lon, thing.lat))
        elif thing.is_way():
            refs = [number[node.ref] for node in thing.nodes if node.ref in number]
            ways.append((refs, dict(thing.tags)))
    place = np.array(points)
    streets = np.unique(np.concatenate([refs for refs, tags in ways if tags.get("highway") == "residential"]))
    low, high = np.quantile(place[streets], [0.002, 0.998], axis=0)
    size = high - low
    # Who stands at one side of a tile is joined to who stands at the opposite side of the next.
    sides = {}
    for axis in (0, 1):
        order = streets[np.argsort(place[streets, axis], kind="stable")]
        for side, some in ((0, order[: 20 * LINKS]), (1, order[-20 * LINKS :])):
            sides[axis, side] = some[np.argsort(place[some, 1 - axis], kind="stable")][::20]
    first = {corner: 1 + k * len(points) for k, corner in enumerate(corners)}
    with osmium.SimpleWriter(str(file)) as writer:
        for corner in corners:
            for k, (lon, lat) in enumerate((place + np.array(corner) * size).tolist()):
                tags = named.get(k, {})
                writer.add_node(osmium.osm.mutable.Node(id=first[corner] + k, location=(lon, lat), tags=tags))
        drawn = 0
        for corner in corners:
            lines = [([first[corner] + ref for ref in refs], tags) for refs, tags in ways]
            for axis, beside in ((0, (corner[0] + 1, corner[1])), (1, (corner[0], corner[1] + 1))):
                for one, other in zip(sides[axis, 1], sides[axis, 0], strict=True) if beside in first else ():
                    ends = [first[corner] + int(one), first[beside] + int(other)]
                    lines.append((ends, {"highway": "residential"}))
            for refs, tags in lines:
                drawn += 1
                writer.add_way(osmium.osm.mutable.Way(id=drawn, nodes=refs, tags=tags))
    return place, size, streets[_together(ways, len(points))[streets]]


def _together(ways: list[Any], count: int) -> npt.NDArray[np.bool_]:
    """Tell which nodes are in the largest part of the ways that hangs together."""
    pairs = np.array([pair for refs, tags in ways if "highway" in tags for pair in itertools.pairwise(refs)])
    links = scipy.sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    part = scipy.sparse.csgraph.connected_components(links, directed=False)[1]
    return np.asarray(part == np.bincount(part).argmax())


def _write_people(every: Floats, file: Path) -> int:
    """Write people where the nodes of streets are; return how many cells have some."""
    crs = metric_crs((*every.min(axis=0), *every.max(axis=0)))
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*every.T)
    west, north = np.floor(x.min() / CELL) * CELL, np.ceil(y.max() / CELL) * CELL
    column, row = ((x - west) / CELL).astype(int), ((north - y) / CELL).astype(int)
    wide, high = int(column.max()) + 1, int(row.max()) + 1
    nodes = np.bincount(row * wide + column, minlength=wide * high)
    people = np.round(nodes * np.random.default_rng(2).gamma(2, 3, len(nodes))).astype(np.float32)
    profile = {"driver": "GTiff", "width": wide, "height": high, "count": 1, "dtype": "float32", "nodata": -1}
    transform = rasterio.Affine(CELL, 0, west, 0, -CELL, north)
    with rasterio.open(file, "w", crs=crs, transform=transform, compress="deflate", **profile) as raster:
        raster.write(people.reshape(high, wide), 1)
    return int((people > 0).sum())
