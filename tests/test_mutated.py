"""Whole files of nonsense: each ends in a result or one sentence, in time, and nobody is lost unsaid."""

import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import yaml

import siteplan as sp
from siteplan.errors import InputError
from siteplan.network.people import totals
from siteplan.network.slope import read_climb
from tests.mutations import DEEP, changed_feed, changed_study, changed_table, override
from tests.test_degenerate import WHOLE, Case, written
from tests.test_spoilt import spoilt
from tests.town import NORTH, lon, write_town
from tests.tries import FailedError, Record, fuzzed, tried


def test_what_takes_too_long_or_too_much_is_found() -> None:
    # 40 MB stand for 2 GB, and no time for 20 seconds; want of memory is found in whatever words it is told. More is
    # asked for than earlier tests may have left free in the process.
    def greedy() -> None:
        try:
            bytearray(5 * 10**8)
        except MemoryError as error:
            raise InputError("a.csv: cannot be read") from error

    assert tried(greedy, "enough")
    with pytest.raises(FailedError, match="enough: took"):
        tried(greedy, "enough", latest=0)
    if sys.platform == "linux":
        with pytest.raises(FailedError, match="much: asked for more than 40,000,000 bytes"):
            tried(greedy, "much", most=4 * 10**7)

    def refused() -> None:  # as libtiff speaks of a count that cannot be, whatever room there is
        raise InputError("a.tif: not a raster (Out of memory reading of 'SampleFormat')")

    assert not tried(refused, "tag", most=4 * 10**7)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    written(folder, Case({"area.communes": "communes.gpkg"}))
    half = shapely.box(lon(-1), NORTH - 0.01, lon(5), NORTH + 0.01)
    communes = [half, shapely.affinity.translate(half, lon(6) - lon(0))]
    gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=communes, crs=4326).to_file(folder / "communes.gpkg")
    return folder


def zipped(path: Path, tables: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as feed:
        for name, text in tables.items():
            feed.writestr(f"{name}.txt", text.encode("utf-8", "surrogatepass"))
    return path


def test_timetables_whose_tables_speak_of_others(town: Path, tmp_path: Path, record_property: Record) -> None:
    streets = sp.read_streets(town / "streets.osm")
    sites = sp.read_sites(town / "sites.csv")
    people = sp.place_people(sp.read_population(town / "people.csv"), streets)

    def use(tables: dict[str, str]) -> None:
        ridden = sp.read_transit(zipped(tmp_path / "feed.zip", tables), streets, date="2026-03-10")
        sp.travel_times(streets, sites, people, mode="transit", minutes=20, transit=ridden)

    assert tried(lambda: use(DEEP), "whole")
    fuzzed("timetables", lambda rng: tried(lambda: use(changed_feed(DEEP, rng)), "timetable"), record_property)


def _flows(file: Path, town: Path) -> object:
    return sp.read_flows(file, communes=pd.DataFrame(index=pd.Index(["99001", "99002"], name="territory")))


def _people(file: Path, town: Path) -> object:
    cells = sp.read_population(file, groups=["workers"])
    points = sp.place_people(cells, sp.read_streets(town / "streets.osm"))
    count = totals(points)
    there = count["placed"] + count["too_far"] + count["island"]
    if not np.isclose(there, cells["people"].sum(), rtol=1e-9) or not np.isclose(count["in"], there, rtol=1e-9):
        raise AssertionError(f"people lost: {cells['people'].sum()} in, {count}")
    return points


TABLES: dict[str, tuple[str, Callable[[Path, Path], object]]] = {
    "people.csv": ("", _people),
    "sites.csv": ("", lambda file, _: sp.read_sites(file)),
    "times.csv": (
        "site,point,mode,minutes\nA,1,walk,5\nB,2,walk,7.5\nB,3,bike,1\n",
        lambda file, _: sp.read_times(file),
    ),
    "wide.csv": (
        "point,A,B\n1,5,6\n2,,7\n3,1,9\n",
        lambda file, town: sp.read_times(file, sites=sp.read_sites(town / "sites.csv")),
    ),
    "flows.csv": ("home,work,people,km,mode\n99001,99002,3,4,car\n99002,99001,5,,bus\n", _flows),
    "h3.csv": (
        "h3,people,workers\n891f8d7a493ffff,5,1\n891f8d7a497ffff,7,2\n881f8d7a49fffff,9,3\n",
        lambda file, _: sp.read_population(file),
    ),
    "inspire.csv": (
        "grid,people\nCRS3035RES1000mN2650000E4265000,5\n1kmN2651E4265,6\n",
        lambda file, _: sp.read_population(file),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_nonsense(town: Path, tmp_path: Path, name: str, record_property: Record) -> None:
    text, read = TABLES[name]
    text = text or (town / name).read_text()
    file = tmp_path / name

    def one(rng: random.Random) -> bool:
        file.write_bytes(changed_table(text, rng).encode("utf-8", "surrogatepass"))
        return tried(lambda: read(file, town), name)

    fuzzed(name, one, record_property)


@pytest.mark.parametrize("name", ["people.csv", "times.csv", "flows.csv"])
def test_tables_of_nonsense_as_parquet(town: Path, tmp_path: Path, name: str, record_property: Record) -> None:
    text, read = TABLES[name]
    (tmp_path / name).write_text(text or (town / name).read_text())
    table = pd.read_csv(tmp_path / name)
    file = tmp_path / f"{Path(name).stem}.parquet"
    odd: list[Any] = [
        None,
        -1,
        1e308,
        np.nan,
        np.inf,
        "x",
        b"\xff",
        True,
        [1],
        {"a": 1},
        pd.Timestamp("2026-01-01"),
        10**18,
    ]

    def one(rng: random.Random) -> bool:
        changed = table.copy()
        for _ in range(rng.choice((1, 2))):
            column = rng.choice(list(changed.columns))
            value = rng.choice(odd)
            rows = [value if rng.random() < rng.choice((0.2, 1.0)) else old for old in changed[column]]
            changed[column] = pd.Series(rows, dtype=object)
            if rng.random() < 0.2:
                changed = changed.rename(columns={column: rng.choice(["x", "geometry", "people", ""])})
        try:
            changed.to_parquet(file)
        except Exception:  # noqa: BLE001 - a table that no program writes
            return False
        return tried(lambda: read(file, town), file.name)

    fuzzed(file.name, one, record_property)


def test_graphs_as_graphml(tmp_path: Path, record_property: Record) -> None:
    write_town(tmp_path)
    streets = sp.read_streets(tmp_path / "streets.osm")
    import osmnx

    osmnx.save_graphml(sp.to_networkx(streets), tmp_path / "streets.graphml")
    data = (tmp_path / "streets.graphml").read_bytes()
    assert tried(lambda: sp.read_streets(tmp_path / "streets.graphml"), "whole")

    def one(rng: random.Random) -> bool:
        file = tmp_path / "spoilt.graphml"
        file.write_bytes(spoilt(data, rng))
        return tried(lambda: sp.read_streets(file), "graph")

    fuzzed("graphml", one, record_property)


def test_terrain(tmp_path: Path, record_property: Record) -> None:
    write_town(tmp_path)
    streets = sp.read_streets(tmp_path / "streets.osm")
    profile = {"driver": "GTiff", "width": 30, "height": 8, "count": 1, "dtype": "float32", "crs": 4326}
    place = rasterio.Affine(0.001, 0, lon(-2), 0, -0.001, NORTH + 0.004)
    with rasterio.open(tmp_path / "whole.tif", "w", **profile, transform=place) as raster:
        raster.write(np.arange(240, dtype=np.float32).reshape(1, 8, 30))
    data = (tmp_path / "whole.tif").read_bytes()
    assert tried(lambda: read_climb(streets, tmp_path / "whole.tif"), "whole")

    def one(rng: random.Random) -> bool:
        (tmp_path / "terrain.tif").write_bytes(spoilt(data, rng))
        return tried(lambda: read_climb(streets, tmp_path / "terrain.tif"), "terrain")

    fuzzed("terrain", one, record_property)


STUDY = {
    **WHOLE,
    "area": {"communes": "communes.gpkg", "name": "name"},
    "changes": {"sites": [{"open": "N", "place": [lon(2), NORTH]}], "streets": [{"close": 1, "mode": "bike"}]},
    "matrix": {"a": {"x": {"sites": [{"close": "B"}]}, "y": {}}, "b": {"z": {"people": [{"grow": "A", "factor": 2}]}}},
    "output": {"folder": "results", "threshold": 3},
}


def test_studies_of_nonsense(town: Path, record_property: Record) -> None:
    def one(rng: random.Random) -> bool:
        text = yaml.safe_dump(changed_study(STUDY, rng), allow_unicode=True)
        study = town / "study.yaml"
        study.write_bytes(text.encode("utf-8", "surrogatepass"))
        return tried(lambda: sp.read_study(study) if rng.random() < 0.8 else sp.check(study), "study")

    fuzzed("studies", one, record_property)


def test_overrides_of_nonsense(town: Path, record_property: Record) -> None:
    study = town / "study.yaml"
    study.write_text(yaml.safe_dump(STUDY))

    def one(rng: random.Random) -> bool:
        asked = [override(STUDY, rng) for _ in range(rng.choice((1, 1, 2)))]
        return tried(lambda: sp.read_study(study, asked), f"--set {asked[0][:40]!r}" if len(asked) == 1 else "--set")

    fuzzed("--set", one, record_property)
