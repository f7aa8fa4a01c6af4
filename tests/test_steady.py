"""The same question has the same bytes, wherever and in whichever order it is asked; `make steady` tries more."""

import os
import shutil
import signal
import warnings
from pathlib import Path

import geopandas as gpd
import osmium
import pandas as pd
import pytest

from siteplan.errors import SiteplanWarning
from siteplan.network.streets import read_streets
from siteplan.samples import write_sample
from siteplan.study import run
from test_workers import cluster
from tests.steady import CIRCUMSTANCES, different, digests, missing, mix, mix_feed, mix_layer, mix_streets, run_in
from tests.town import BY_BUS, write_bus, write_town

STUDY = BY_BUS + "choose: {objective: median, sites: 2, minutes: 8}\nfairness: {}\nrobustness: {count: 3, first: 1}\n"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("first")
    write_town(folder, study=STUDY)
    write_bus(folder)
    return folder, run_here(folder)


def run_here(folder: Path) -> dict[str, str]:
    """Run the study of a folder in this process, whose circumstances are those of the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        run(folder / "study.yaml")
    return digests(folder / "results")


@pytest.mark.parametrize("place", ["in French", "in Turkish"])
def test_a_run_elsewhere_has_the_same_bytes(tmp_path: Path, first: tuple[Path, dict[str, str]], place: str) -> None:
    # All other circumstances at once, in French the order of rows, too: which one it is, `make steady` tells.
    elsewhere = {
        **CIRCUMSTANCES["one thread"],
        **CIRCUMSTANCES["two processes"],
        **CIRCUMSTANCES["a third seed of hashes"],
        **CIRCUMSTANCES["in Kathmandu"],
    }
    if not missing(CIRCUMSTANCES[place]):
        elsewhere |= CIRCUMSTANCES[place]
    elif place == "in Turkish":
        pytest.skip("this machine has no Turkish locale")
    folder = copied(first[0], tmp_path / "elsewhere, l'été")
    if place == "in French":
        mix_all(folder)
    assert different(first[1], run_in(folder, elsewhere)) == []


def mix_all(folder: Path) -> None:
    """Put the rows of all inputs in another order, and see that none was forgotten."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    mix(folder)
    assert {path.name for path in folder.iterdir() if path.read_bytes() == before[path.name]} == {"study.yaml"}


@pytest.mark.filterwarnings("ignore")  # of a library that starts processes and sockets
def test_a_run_on_a_cluster_has_the_same_bytes_though_one_dies(
    tmp_path: Path, first: tuple[Path, dict[str, str]]
) -> None:
    folder = copied(first[0], tmp_path / "town")
    with cluster(2) as client:
        killed: list[int] = []

        def progress(stage: str, done: int, total: int) -> None:
            if (stage, done) == ("robustness", 1):
                killed.append(client.cluster.workers[0].process.pid)
                os.kill(killed[0], signal.SIGKILL)

        run(folder / "study.yaml", executor=client.get_executor(), progress=progress)
    assert len(killed) == 1
    assert different(first[1], digests(folder / "results")) == []


def test_what_differs_is_found(tmp_path: Path, first: tuple[Path, dict[str, str]]) -> None:
    # Another person at the western end: scores differ, the streets' own files do not.
    folder = copied(first[0], tmp_path / "town")
    people = (folder / "people.csv").read_text().replace(",10,0\n", ",11,0\n")
    (folder / "people.csv").write_text(people)
    found = different(first[1], run_here(folder))
    assert {"manifest.json", "scores.csv", "report.html"} <= set(found)
    assert "times.parquet" not in found
    assert different({"a": "1"}, {"b": "1"}) == ["a", "b"]
    assert set(digests(folder / "results")) == set(first[1])


def test_mixing_keeps_all_that_it_mixes(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "sample")
    cells, communes = (gpd.read_file(folder / f"{name}.gpkg") for name in ("population_200m", "communes"))
    ways = kept(folder / "streets.osm.pbf")
    for mixer, name in ((mix_layer, "population_200m.gpkg"), (mix_feed, "gtfs.zip"), (mix_streets, "streets.osm.pbf")):
        mixer(folder / name)
    mixed = gpd.read_file(folder / "population_200m.gpkg")
    by = [name for name in cells.columns if name != "geometry"]
    assert not mixed.equals(cells)
    pd.testing.assert_frame_equal(
        mixed.sort_values(by, ignore_index=True)[by], cells.sort_values(by, ignore_index=True)[by]
    )
    assert len(communes)
    again = kept(folder / "streets.osm.pbf")
    assert again != ways
    assert sorted(again) == sorted(ways)
    assert read_streets(folder / "streets.osm.pbf").data_date == "2026-01-01T00:00:00Z"


def kept(file: Path) -> list[str]:
    return [f"{thing} {sorted(dict(thing.tags).items())}" for thing in osmium.FileProcessor(str(file))]


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("results")))
