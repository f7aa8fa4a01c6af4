"""Commands load what they use and nothing more: what a library costs to import is waited for at every start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
STUDY = """
name: small
inputs: {{streets: {0}/streets.osm.pbf, population: {0}/population_200m.csv, sites: {0}/sites.csv}}
travel: {{modes: [walk, bike], minutes: [15, 20]}}
"""
LOADED = """
import gc, json, sys
from siteplan.cli import main
sys.argv[0] = "siteplan"
before = gc.get_stats()
try:
    main()
except SystemExit as stopped:
    assert not stopped.code, stopped.code
looked = sum(now["collections"] - then["collections"] for now, then in zip(gc.get_stats(), before))
print("\\n" + json.dumps([sorted(sys.modules), looked, len(gc.get_objects())]))
"""
# What draws pages, opens rasters and workbooks, fetches and solves; and OSMnx with all that it brings.
LATER = {"folium", "jinja2", "branca", "osmnx", "networkx", "matplotlib", "openpyxl", "requests", "tenacity", "highspy",
         "h3", "js_lib_leaflet"}  # fmt: skip
READERS = {"pandas", "geopandas", "shapely", "pyproj", "osmium"}


def ended(*arguments):
    """Run a command; return the modules it loaded, how often objects in circles were looked for, and what is left."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def loaded(*arguments):
    return {name.partition(".")[0] for name in ended(*arguments)[0]}


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(SAMPLE.as_posix()))
    return str(path)


@pytest.mark.parametrize("command", [(), ("check",), ("score",), ("run",), ("fetch",)])
def test_help_loads_no_library_but_that_of_the_command_line(command):
    """Goal 0.15 s; pandas alone takes twice as long."""
    assert not loaded(*command, "--help") & {
        *LATER,
        *READERS,
        "numpy",
        "numba",
        "scipy",
        "yaml",
        "rasterio",
    }


def test_check_reads_and_draws_nothing(study):
    """It searches, to find sites that reach far less than those beside them; so Numba is loaded."""
    found = set(ended("check", study, "--quiet")[0])
    assert found >= READERS, "it does read"
    assert not found & {*LATER, "rasterio", "pyogrio", "babel", "rich"}
    assert not found & {"siteplan.siting.choose", "siteplan.study.scenarios", "siteplan.output.result"}


def test_score_searches_and_draws_nothing(study):
    found = loaded("score", study, "--quiet")
    assert found >= {*READERS, "numba"}, "it does search"
    assert not found & LATER


def test_nothing_is_looked_through_for_circles(study):
    """Not while it checks, nor as Python ends, which looks through all that is not frozen."""
    _, looked, left = ended("check", study, "--quiet")
    assert looked == 0
    assert left < 100
