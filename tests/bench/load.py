"""Load: a made country of many sites, cells, communes and scenarios, from files to the pages; time, memory, pages."""

import os
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from tests.bench.measure import Row, in_child, megabytes, seconds

__all__ = ["load"]

WEST, SOUTH = 600_000.0, 4_800_000.0  # in EPSG:32631
STEP = 200.0  # metres between two streets, and across a cell
SITES, CELLS, COMMUNES, SCENARIOS = 5000, 50_000, 200, 50
PAGES = ("map.html", "report.html")
STUDY = """\
name: A made country
inputs: {streets: streets.osm.pbf, population: {file: cells.csv, crs: "EPSG:32631"}, sites: sites.csv}
area: {communes: communes.gpkg}
travel: {modes: [walk], minutes: [10, 15]}
choose: {objective: coverage, sites: 50, minutes: 15}
"""


def load(rounds: int) -> list[Row]:
    """Measure `siteplan run` once without the scenarios and once with them; SHARE=1 is the full size, minutes each."""
    del rounds
    share = float(os.environ.get("SHARE", "0.4"))
    size = [max(2, round(many * share)) for many in (SITES, CELLS, COMMUNES, SCENARIOS)]
    told = "{:,} sites, {:,} cells, {:,} communes".format(*size)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_country(folder, *size[:3])
        for scenarios in (0, size[3]):
            task = f"`siteplan run`, {told}" + (f", {scenarios} scenarios" if scenarios else "")
            write_study(folder, scenarios, size[0])
            results = folder / f"results{scenarios}"
            run = in_child("tests.bench.command", "run", str(folder / "study.yaml"), "-o", str(results), "--quiet")
            rows += [
                Row(f"{task}: time", f"{seconds(run['wall'])} wall, {seconds(run['cpu'])} CPU"),
                Row(f"{task}: peak memory", f"{run['peak']:,.0f} MB"),
                Row(f"{task}: map, report", ", ".join(f"{megabytes(results / page)} MB" for page in PAGES)),
            ]
    return rows


def write_country(folder: Path, sites: int, cells: int, communes: int) -> None:
    """Write streets along a square grid, a cell in every mesh, sites at random, and communes as rectangles."""
    random = np.random.default_rng(0)
    across = int(np.ceil(np.sqrt(cells)))
    _write_streets(folder / "streets.osm.pbf", across)
    column, row = np.arange(cells) % across, np.arange(cells) // across
    people = random.integers(0, 60, cells)
    centres = WEST + (column + 0.5) * STEP, SOUTH + (row + 0.5) * STEP
    pd.DataFrame({"cell": np.arange(cells), "x": centres[0], "y": centres[1], "people": people}).to_csv(
        folder / "cells.csv", index=False
    )
    extent = across * STEP
    places = gpd.GeoSeries(
        gpd.points_from_xy(WEST + random.uniform(0, extent, sites), SOUTH + random.uniform(0, extent, sites)),
        crs="EPSG:32631",
    ).to_crs(4326)
    names = [f"S{number:05}" for number in range(sites)]
    status = np.where(np.arange(sites) % 250 == 0, "existing", "candidate")
    pd.DataFrame({"site": names, "name": names, "status": status, "lon": places.x, "lat": places.y}).to_csv(
        folder / "sites.csv", index=False
    )
    wide = int(np.ceil(np.sqrt(communes / 2)))
    high = int(np.ceil(communes / wide))
    boxes = [
        shapely.box(
            WEST + k % wide * extent / wide,
            SOUTH + k // wide * extent / high,
            WEST + (k % wide + 1) * extent / wide,
            SOUTH + (k // wide + 1) * extent / high,
        )
        for k in range(communes)
    ]
    table = {"code": [f"{k:05}" for k in range(communes)], "name": [f"Commune {k}" for k in range(communes)]}
    gpd.GeoDataFrame(table, geometry=boxes, crs="EPSG:32631").to_file(folder / "communes.gpkg")


def _write_streets(file: Path, across: int) -> None:
    lines = across + 1
    column, row = np.arange(lines**2) % lines, np.arange(lines**2) // lines
    nodes = gpd.GeoSeries(gpd.points_from_xy(WEST + column * STEP, SOUTH + row * STEP), crs="EPSG:32631").to_crs(4326)
    number = np.arange(1, lines**2 + 1).reshape(lines, lines)
    writer = osmium.SimpleWriter(str(file))
    for place, (lon, lat) in enumerate(zip(nodes.x, nodes.y, strict=True), 1):
        writer.add_node(osmium.osm.mutable.Node(id=place, version=1, location=(lon, lat)))
    for way, refs in enumerate([*number, *number.T], 1):
        tags = {"highway": "residential", "name": f"Street {way}"}
        writer.add_way(osmium.osm.mutable.Way(id=way, version=1, nodes=refs.tolist(), tags=tags))
    writer.close()


def write_study(folder: Path, scenarios: int, sites: int) -> None:
    """Write the study: each scenario opens another candidate, one at a time."""
    lines = [f"  open {k}: {{sites: [{{open: S{1 + 7 * k % (sites - 1):05}}}]}}" for k in range(scenarios)]
    told = "\n".join(["scenarios:", *lines]) + "\n" if scenarios else ""
    (folder / "study.yaml").write_text(STUDY + told, encoding="utf-8")
