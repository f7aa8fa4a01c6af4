"""Spoilt and hostile files: each is read, or refused in one sentence that names it; none makes a request."""

import bz2
import functools
import gzip
import io
import json
import random
import re
import sqlite3
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

import siteplan as sp
from siteplan.errors import InputError, SiteplanError, SiteplanWarning, StudyError, printable, reads
from siteplan.yamls import DEEPEST, MOST, parse_yaml
from tests.town import BY_BUS, NORTH, WEST, write_bus, write_town
from tests.tries import Record, fuzzed, tried

SQUARE = shapely.box(9.5, 47.1, 9.51, 47.11)


# ---------------------------------------------------------------------------------------------------- YAML


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("? [a, b]\n: 1\n", "line 1, column 3: a list or a mapping stands where a key is expected"),
        ("a: &x [1, *x]\n", "'*x' stands within what it stands for"),
        ("a: " + "[" * 500 + "]" * 500, f"nests more than {DEEPEST} levels deep"),
        ("a: " + "9" * 5000, "a value that cannot be read"),
        ('a: "\\ud800"', "half a character"),
        ("a: 1\na: 2\n", "line 2, column 1: key 'a' is given twice"),
        ("a: !!timestamp 2026-02-30", "a value that cannot be read"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: \x1b]0;x", "special characters are not allowed"),
    ],
)
def test_yaml_that_nobody_means_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        parse_yaml(text)
    assert len(str(error.value)) < 400


def test_aliases_that_multiply_are_refused_by_count() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ValueError, match=f"more than {MOST:,} values"):
        parse_yaml("\n".join(rows))


def test_an_alias_that_is_used_with_measure_is_read() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_a_date_that_is_none_is_said_with_its_key(tmp_path: Path) -> None:
    study = write_town(tmp_path, study=BY_BUS.replace("2026-03-10", "2026-02-30"))
    with pytest.raises(StudyError, match=r"inputs\.transit\.date: found '2026-02-30'"):
        sp.read_study(study)


def test_a_date_without_quotes_is_a_date(tmp_path: Path) -> None:
    path = write_town(tmp_path, study=BY_BUS)
    write_bus(tmp_path)
    study = sp.read_study(path)
    assert study.inputs.transit is not None
    assert str(study.inputs.transit.date) == "2026-03-10"


# ---------------------------------------------------------------------------------------------------- messages


def test_no_message_moves_a_terminal() -> None:
    error = InputError("status \x1b]0;title\x07 and \u202eturned")
    assert str(error) == "status \\x1b]0;title\\x07 and \\u202eturned"
    assert str(SiteplanWarning("bell \x07")) == "bell \\x07"
    assert str(StudyError("a\n  b")) == "a\n  b"
    assert len(printable("x" * 10_000)) < 1000


def test_a_status_with_escapes_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    row = f"A,Hall,\x1b]0;owned\x07,{WEST},{NORTH}"
    study = write_town(tmp_path, sites=f"site,name,status,lon,lat\n{row}\n")
    done = subprocess.run(
        [sys.executable, "-m", "siteplan", "check", str(study)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "\\x1b]0;owned" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_what_a_library_raises_becomes_one_sentence() -> None:
    @reads("sites")
    def reader(path: str) -> None:
        raise ZeroDivisionError(f"in {path}")

    with pytest.raises(InputError, match=r"a\.csv: cannot be read as sites \(ZeroDivisionError: in a\.csv\)"):
        reader("a.csv")


# ---------------------------------------------------------------------------------------------------- disguises


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine that notes what it is asked for."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            seen.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_GET = do_HEAD = _note  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def geojson(crs: str) -> str:
    shape = json.dumps(shapely.geometry.mapping(SQUARE))
    feature = f'{{"type": "Feature", "properties": {{"name": "x", "people": 5}}, "geometry": {shape}}}'
    return f'{{"type": "FeatureCollection", {crs} "features": [{feature}]}}'


def vrt(address: str) -> str:
    source = f"<SrcDataSource>/vsicurl/{address}/x.geojson</SrcDataSource>"
    return f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>'


def raster_vrt(address: str) -> str:
    source = f"<SimpleSource><SourceFilename>/vsicurl/{address}/x.tif</SourceFilename><SourceBand>1</SourceBand>"
    band = f'<VRTRasterBand dataType="Float32" band="1">{source}</SimpleSource></VRTRasterBand>'
    grid = "<SRS>EPSG:4326</SRS><GeoTransform>9.5,0.001,0,47.11,0,-0.001</GeoTransform>"
    return f'<VRTDataset rasterXSize="9" rasterYSize="9">{grid}{band}</VRTDataset>'


def schema_gml(address: str) -> str:
    where = f'xsi:schemaLocation="http://x.example {address}/x.xsd"'
    spaces = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:gml="http://www.opengis.net/gml"'
    point = "<gml:Point srsName='EPSG:4326'><gml:pos>47.1 9.5</gml:pos></gml:Point>"
    return (
        f"<?xml version='1.0'?><gml:FeatureCollection {spaces} {where}><gml:featureMember>"
        f"<x><people>5</people><geom>{point}</geom></x></gml:featureMember></gml:FeatureCollection>"
    )


DISGUISES: dict[str, Callable[[str], str]] = {
    "vrt.geojson": vrt,
    "vrt.gpkg": vrt,
    "vrt.gml": vrt,
    "vrt.kml": vrt,
    "vrt.shp": vrt,
    "vrt.fgb": vrt,
    "vrt.json": vrt,
    "commented.kml": lambda address: f"<!-- <kml> -->{vrt(address)}",
    "wfs.gml": lambda address: f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>",
    "within.geojson": lambda address: geojson("").replace('"x"', json.dumps(vrt(address))),
    "vrt.tif": raster_vrt,
    "schema.gml": schema_gml,
    "address.geojson": lambda address: f"{address}/x.geojson",
    "link.geojson": lambda address: geojson(
        f'"crs": {{"type": "link", "properties": {{"href": "{address}/crs", "type": "proj4"}}}},'
    ),
    "url.geojson": lambda address: geojson(f'"crs": {{"type": "URL", "properties": {{"url": "{address}/crs"}}}},'),
    "escaped.geojson": lambda address: geojson(
        f'"\\u0063rs": {{"type": "link", "properties": {{"href": "{address}/crs", "type": "proj4"}}}},'
    ),
    "name.geojson": lambda address: geojson(f'"crs": {{"type": "name", "properties": {{"name": "{address}/crs"}}}},'),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_no_file_makes_a_request(tmp_path: Path, asked: tuple[str, list[str]], name: str) -> None:
    address, seen = asked
    file = tmp_path / name
    file.write_text(DISGUISES[name](address))
    refused = []
    for read in (sp.read_population, sp.read_area, sp.read_sites):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(file)
            except SiteplanError as error:
                refused.append(str(error))
    assert all(str(file) in text for text in refused)
    assert seen == []


def test_a_linked_system_is_refused_and_a_named_one_read(tmp_path: Path) -> None:
    linked, named = tmp_path / "linked.geojson", tmp_path / "named.geojson"
    linked.write_text(geojson('"crs": {"type": "link", "properties": {"href": "crs.txt"}},'))
    named.write_text(geojson('"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},'))
    with pytest.raises(InputError, match="by a link, which is not followed"):
        sp.read_area(linked)
    assert len(sp.read_area(named)) == 1


def test_a_terrain_model_is_opened_by_its_name(
    town_streets: sp.StreetNetwork, tmp_path: Path, asked: tuple[str, list[str]]
) -> None:
    from siteplan.network.slope import read_climb

    file = tmp_path / "terrain.tif"
    file.write_text(raster_vrt(asked[0]))
    with pytest.raises(InputError, match=r"terrain\.tif"):
        read_climb(town_streets, file)
    other = file.rename(tmp_path / "terrain.vrt")
    with pytest.raises(InputError, match=r"cannot read '\.vrt' as a terrain model"):
        read_climb(town_streets, other)
    assert asked[1] == []


@pytest.fixture
def town_streets(tmp_path: Path) -> sp.StreetNetwork:
    write_town(tmp_path / "town")
    return sp.read_streets(tmp_path / "town" / "streets.osm")


def test_a_virtual_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"people": [1.0]}, geometry=[SQUARE], crs=4326).to_file(file)
    assert len(sp.read_population(file)) == 1
    with sqlite3.connect(file) as database:
        database.execute("CREATE VIRTUAL TABLE odd USING fts4(a)")
        database.execute("PRAGMA writable_schema=ON")
        database.execute("UPDATE sqlite_master SET sql='CREATE VIRTUAL TABLE odd USING VirtualOGR(x)' WHERE name='odd'")
    database.close()
    with pytest.raises(InputError, match="its table 'odd' is read from elsewhere"):
        sp.read_population(file)


# ---------------------------------------------------------------------------------------------------- spoilt bytes


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """Cut, flip, repeat, remove or overwrite: what disks, mail and editors do to a file."""
    kind = rng.choice(("cut", "flip", "repeat", "remove", "fill", "flips"))
    start = rng.randrange(len(data))
    stop = min(len(data), start + rng.choice((1, 4, 40, 400)))
    if kind == "cut":
        return data[:start]
    if kind in ("flip", "flips"):
        changed = bytearray(data)
        for place in [start] if kind == "flip" else [rng.randrange(len(data)) for _ in range(20)]:
            changed[place] ^= 1 << rng.randrange(8)
        return bytes(changed)
    middle = {"repeat": data[start:stop] * 3, "remove": b"", "fill": bytes([rng.choice((0, 0x81, 0xFF, 0x39))]) * 8}
    return data[:start] + middle[kind] + data[stop:]


def spoilt_within(name: str, data: bytes, rng: random.Random) -> bytes:
    """Spoil what a packed file holds, and pack it again: the wrapping is whole, one part of the inside is not."""
    if name.endswith(".gz"):
        return gzip.compress(spoilt(gzip.decompress(data), rng), mtime=0)
    if name.endswith(".bz2"):
        return bz2.compress(spoilt(bz2.decompress(data), rng))
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        changed = rng.choice(old.namelist())
        for part in old.namelist():
            new.writestr(part, spoilt(old.read(part), rng) if part == changed else old.read(part))
    return packed.getvalue()


def originals(folder: Path) -> dict[str, Callable[[Path], object]]:
    """Write a whole file of each format; by its name, what reads it."""
    write_town(folder, study=BY_BUS)
    write_bus(folder)
    cells = gpd.GeoDataFrame(
        {"cell": ["a", "b"], "people": [3.0, 4.0]},
        geometry=[SQUARE, shapely.affinity.translate(SQUARE, 0.01)],
        crs=4326,
    )
    cells.to_file(folder / "cells.gpkg")
    cells.to_file(folder / "cells.geojson")
    cells.to_file(folder / "cells.fgb")
    cells.to_file(folder / "cells.shp")
    cells.to_parquet(folder / "cells.parquet")
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "crs": "EPSG:3035"}
    place = rasterio.Affine(100, 0, 4e6, 0, -100, 3e6)
    with rasterio.open(folder / "cells.tif", "w", **profile, transform=place) as raster:
        raster.write(np.arange(64, dtype=np.float32).reshape(1, 8, 8))
    (folder / "times.csv").write_text("site,point,mode,minutes\nA,1,walk,5\nB,2,walk,7.5\n")
    pd.read_csv(folder / "times.csv").to_parquet(folder / "times.parquet")
    import osmium

    with osmium.SimpleWriter(str(folder / "streets.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(folder / "streets.osm")):
            writer.add(thing)
    text = (folder / "streets.osm").read_bytes()
    (folder / "streets.osm.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "streets.osm.bz2").write_bytes(bz2.compress(text))
    (folder / "people.csv.gz").write_bytes(gzip.compress((folder / "people.csv").read_bytes(), mtime=0))
    with zipfile.ZipFile(folder / "people.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(folder / "people.csv", "people.csv")
    pd.read_csv(folder / "sites.csv").to_excel(folder / "sites.xlsx", index=False)
    population = ("gpkg", "geojson", "fgb", "shp", "parquet", "tif")
    return {
        **{f"cells.{ending}": sp.read_population for ending in population},
        "people.csv": sp.read_population,
        "people.csv.gz": sp.read_population,
        "people.zip": sp.read_population,
        "sites.csv": sp.read_sites,
        "sites.xlsx": sp.read_sites,
        "times.csv": sp.read_times,
        "times.parquet": sp.read_times,
        "streets.osm": sp.read_streets,
        "streets.osm.bz2": sp.read_streets,
        "streets.osm.gz": sp.read_streets,
        "streets.osm.pbf": sp.read_streets,
        "study.yaml": sp.read_study,
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Callable[[Path], object]]]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, originals(folder)


FORMATS = (
    "cells.gpkg cells.geojson cells.fgb cells.shp cells.parquet cells.tif people.csv people.csv.gz people.zip "
    "sites.csv sites.xlsx times.csv times.parquet streets.osm streets.osm.bz2 streets.osm.gz streets.osm.pbf study.yaml"
).split()

PACKED = (".bz2", ".gz", ".xlsx", ".zip")

TABLES = "agency calendar routes stop_times stops trips".split()


@pytest.mark.parametrize("table", TABLES)
def test_a_spoilt_timetable_is_read_or_refused_by_name(
    whole: tuple[Path, dict[str, Callable[[Path], object]]], tmp_path: Path, table: str, record_property: Record
) -> None:
    folder, _ = whole
    streets = sp.read_streets(folder / "streets.osm")
    with zipfile.ZipFile(folder / "bus.zip") as feed:
        tables = {name: feed.read(name) for name in feed.namelist()}
    name = f"{table}.txt"

    def one(rng: random.Random) -> bool:
        with zipfile.ZipFile(tmp_path / "bus.zip", "w") as feed:
            for other, text in tables.items():
                feed.writestr(other, spoilt(text, rng) if other == name else text)
        read = functools.partial(sp.read_transit, tmp_path / "bus.zip", streets, date="2026-03-10")
        return tried(read, name, named="bus.zip")

    fuzzed(name, one, record_property, share=3)


@pytest.mark.parametrize("name", FORMATS)
def test_a_spoilt_file_is_read_or_refused_by_name(
    whole: tuple[Path, dict[str, Callable[[Path], object]]], tmp_path: Path, name: str, record_property: Record
) -> None:
    folder, readers = whole
    data = (folder / name).read_bytes()
    for beside in folder.iterdir():  # what lies beside a shapefile, and what a study names
        if beside.suffix in (".dbf", ".shx", ".prj", ".cpg") or name == "study.yaml":
            (tmp_path / beside.name).write_bytes(beside.read_bytes())
    file = tmp_path / name
    assert tried(lambda: readers[name](folder / name), "whole")

    def one(rng: random.Random) -> bool:
        within = name.endswith(PACKED) and rng.random() < 0.5
        file.write_bytes(spoilt_within(name, data, rng) if within else spoilt(data, rng))
        return tried(lambda: readers[name](file), name, named=name.split(".")[0])

    fuzzed(name, one, record_property)


SAID = ("no such", "name too long", "folder of results")


@pytest.mark.parametrize("name", ["x" * 300, "y/" * 3000 + "z"])
def test_a_name_too_long_for_any_disk_is_refused(tmp_path: Path, name: str) -> None:
    study = write_town(tmp_path)
    doors: list[Callable[[], object]] = [
        lambda: sp.read_streets(f"{name}.osm.pbf"),
        lambda: sp.read_population(f"{name}.csv"),
        lambda: sp.read_sites(f"{name}.xlsx"),
        lambda: sp.read_times(f"{name}.parquet"),
        lambda: sp.read_study(f"{name}.yaml"),
        lambda: sp.read_study(study, [f"inputs.sites={name}"]),
        lambda: sp.check(name),
        lambda: sp.Result.load(name),
        lambda: sp.run(study, out=tmp_path / name),
    ]
    for door in doors:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SiteplanWarning)
            with pytest.raises(SiteplanError) as error:
                door()
            said = str(error.value).lower()
            assert "/y/" in said or any(why in said for why in SAID), said[-300:]


def test_a_list_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "lists.parquet"
    gpd.GeoDataFrame({"cell": [[1], [2]], "people": [1.0, 2.0]}, geometry=[SQUARE, SQUARE], crs=4326).to_parquet(file)
    with pytest.raises(InputError, match="feature 1 has a list as cell in column 'cell'"):
        sp.read_population(file)


# ---------------------------------------------------------------------------------------------------- cells of tables


@pytest.mark.parametrize("column", ["id", "name", "status", "capacity", "lon"])
def test_a_list_in_a_cell_of_sites_is_refused(column: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "name": ["x", "y"], "status": ["existing"] * 2, "capacity": [1.0, 2.0]})
    table = table.assign(lon=[9.5, 9.6], lat=[47.1, 47.2]).astype(object)
    table[column] = [[1.0], [2.0, 3.0]]
    table.to_parquet(tmp_path / "sites.parquet")
    with pytest.raises(InputError, match=rf"feature 1(,| has a list as \w+ in) column '{column}'.*expected"):
        sp.read_sites(tmp_path / "sites.parquet")


@pytest.mark.parametrize("column", ["site", "point", "mode"])
def test_a_list_in_a_cell_of_times_is_refused(column: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"site": ["a", "b"], "point": ["p", "q"], "mode": ["walk"] * 2, "minutes": [1.5, 2.5]})
    table[column] = [["a"], ["b", "c"]]
    table.to_parquet(tmp_path / "times.parquet")
    with pytest.raises(InputError, match=f"has a list as {column} in column '{column}'"):
        sp.read_times(tmp_path / "times.parquet")


@pytest.mark.parametrize("column", ["home", "work", "mode"])
def test_a_list_in_a_cell_of_flows_is_refused(column: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"home": ["a", "b"], "work": ["p", "q"], "mode": ["car"] * 2, "people": [1.0, 2.0]})
    table[column] = [["a"], ["b", "c"]]
    table.to_parquet(tmp_path / "flows.parquet")
    with pytest.raises(InputError, match=f"has a list as {column} in column '{column}'"):
        sp.read_flows(tmp_path / "flows.parquet")


@pytest.mark.parametrize("broken", ["cut", "garbage", "empty"])
def test_broken_geometries_of_parquet_are_counted(broken: str, tmp_path: Path) -> None:
    shapes = [shapely.to_wkb(shapely.Point(lon, 47.1)) for lon in (9.5, 9.6, 9.7)]
    shapes[1] = {"cut": shapes[1][:12], "garbage": b"\xff" * 21, "empty": b""}[broken]
    path = tmp_path / "cells.parquet"
    gpd.GeoDataFrame({"people": [3, 4, 5]}, geometry=[SQUARE] * 3, crs=4326).to_parquet(path)
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, table.schema.field("geometry"), pa.array(shapes, pa.binary())), path)
    with pytest.raises(InputError, match="1 of 3 geometries in column 'geometry' are broken, the first: feature 2"):
        sp.read_population(path)


def test_broken_geometries_of_a_geopackage_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    shapes = gpd.points_from_xy([9.5, 9.6, 9.7], [47.1] * 3)
    gpd.GeoDataFrame({"people": [3, 4, 5]}, geometry=shapes, crs=4326).to_file(path, layer="cells")
    with closing(sqlite3.connect(path)) as file:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            file.create_function(name, 1, lambda _: 0)
        file.execute("UPDATE cells SET geom = substr(geom, 1, 20) WHERE fid = 2")
        file.commit()
    with pytest.warns(SiteplanWarning, match="1 of 3 rows have no place and are left out, with 4 people"):
        cells = sp.read_population(path)
    assert cells["people"].tolist() == [3, 5]


def test_geometries_as_text_are_read_or_counted(tmp_path: Path) -> None:
    """QGIS writes a CSV with a column WKT; it does not say its CRS."""
    path = tmp_path / "cells.csv"
    path.write_text(f'WKT,people\nPOINT (9.5 47.1),3\n"{SQUARE.wkt}",4\n,5\n')
    with pytest.warns(SiteplanWarning, match="1 of 3 rows have no place and are left out, with 5 people"):
        cells = sp.read_population(path, crs=4326)
    assert cells.geometry.tolist() == [shapely.Point(9.5, 47.1), SQUARE]
    with pytest.raises(InputError, match="has no CRS; name the one its coordinates are in"):
        sp.read_population(path)
    path.write_text('WKT,people\nPOINT (9.5 47.1),3\n"POINT (9.5",4\n')
    with pytest.raises(InputError, match=r"1 of 2 geometries in column 'WKT' are no WKT.*: line 3: 'POINT \(9.5'"):
        sp.read_population(path, crs=4326)
