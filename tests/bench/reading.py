"""From an OpenStreetMap extract to networks for walking and cycling that can be searched."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

from siteplan.config import BIKE, WALK
from siteplan.network.graph import mode_graph
from siteplan.network.streets import StreetNetwork, read_streets
from tests.bench.engines import needed
from tests.bench.measure import Row, in_turns
from tests.bench.worlds import MissingError, data

__all__ = ["reading"]

ALIKE = 0.1  # the engines' rules differ: so much of the kilometres may


def reading(rounds: int) -> list[Row]:
    """Measure reading Porto Alegre, warm and in process."""
    file = data("porto_alegre/poa_osm.pbf")
    streets = routable(file)
    theirs: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        xml = as_xml(file, Path(folder) / "poa.osm")
        for name, work in (
            ("pyrosm, to_graph", lambda: with_pyrosm(file)),
            ("osmnx.graph_from_xml", lambda: with_osmnx(xml)),
        ):
            try:
                check(name, streets, work())
                theirs[name] = work
            except MissingError as missing:
                print(f"left out: {missing}")
        return in_turns(
            "Porto Alegre, .osm.pbf to walk and bike graphs",
            lambda: routable(file),
            theirs,
            rounds=min(rounds, 5),
            goals={"pyrosm, to_graph": "5", "osmnx.graph_from_xml": "20"},
        )


def routable(file: Path) -> StreetNetwork:
    """Read with siteplan, up to the graphs it searches."""
    streets = read_streets(file)
    for profile in (WALK, BIKE):
        mode_graph(streets, profile)
    return streets


def with_pyrosm(file: Path) -> dict[str, float]:
    """Read with pyrosm, up to networkx graphs; return kilometres by mode."""
    pyrosm = needed("pyrosm")
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        osm = pyrosm.OSM(str(file))
        for mode, kind in (("walk", "walking"), ("bike", "cycling")):
            nodes, edges = osm.get_network(kind, nodes=True)
            osm.to_graph(nodes, edges, graph_type="networkx")
            found[mode] = float(edges["length"].sum()) / 1000
    return found


def with_osmnx(xml: Path) -> dict[str, float]:
    """Read with OSMnx, one graph of all streets; return kilometres, each street once."""
    osmnx = needed("osmnx")
    graph = osmnx.graph_from_xml(xml, retain_all=True)
    streets = {(min(u, v), max(u, v), round(at["length"], 3)): at["length"] for u, v, at in graph.edges(data=True)}
    return {"all": sum(streets.values()) / 1000}


def as_xml(file: Path, xml: Path) -> Path:
    """Write the extract as XML, which is all that OSMnx reads; not measured."""
    import osmium

    with osmium.SimpleWriter(xml) as writer:
        for thing in osmium.FileProcessor(file):
            writer.add(thing)
    return xml


def check(name: str, streets: StreetNetwork, found: dict[str, float]) -> None:
    """Fail where an engine's kilometres are not much those of siteplan."""
    edges = streets.edges
    ours = {"all": streets.length.sum() / 1000}
    ours |= {mode: streets.length[edges[mode].to_numpy()].sum() / 1000 for mode in ("walk", "bike")}
    for mode, km in found.items():
        if abs(km / ours[mode] - 1) > ALIKE:
            raise AssertionError(f"{name} finds {km:,.0f} km ({mode}), siteplan {ours[mode]:,.0f}")
