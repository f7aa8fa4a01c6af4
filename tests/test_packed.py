"""Workbooks, and files packed in a zip or by gzip: read as what is in them, or refused in one sentence."""

import gzip
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine

import siteplan as sp
from siteplan.errors import InputError, SiteplanWarning

CSV = "site,name,lon,lat,status,capacity\n001,Old post,9.5,47.1,existing,12\n002,Library,9.6,47.2,,\n"
HEADER = ["site", "name", "lon", "lat", "status", "capacity"]
ROWS = [["001", "Old post", 9.5, 47.1, "existing", 12], ["002", "Library", 9.6, 47.2, None, None]]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: list[Any], change: Callable[[Any], None] | None = None, name: str = "sites.xlsx") -> Path:
        workbook = openpyxl.Workbook()
        workbook.active.title = "Sites"
        for row in rows:
            workbook.active.append(row)
        if change is not None:
            change(workbook)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def assert_alike(sites: gpd.GeoDataFrame, expected: gpd.GeoDataFrame) -> None:
    """Compare sites; lon and lat, which stay beside the points, are texts in a CSV."""
    own = ["name", "status", "cost", "capacity", "geometry"]
    assert list(sites) == list(expected)
    pd.testing.assert_frame_equal(pd.DataFrame(sites[own]), pd.DataFrame(expected[own]))


# ---------------------------------------------------------------------------------------------------- workbooks


def test_a_workbook_says_what_its_csv_says(book: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(CSV)
    expected = sp.read_sites(tmp_path / "sites.csv")
    assert_alike(sp.read_sites(book(HEADER, *ROWS)), expected)


def test_a_number_shown_with_zeros_in_front_is_read_as_it_is_shown(book: Callable[..., Path]) -> None:
    def show(workbook: Any) -> None:
        for row in (2, 3):
            workbook.active.cell(row, 1).number_format = "00000"

    path = book(["id", "lon", "lat"], [1234, 9.5, 47.1], [75056, 9.6, 47.2], change=show)
    assert sp.read_sites(path).index.tolist() == ["01234", "75056"]


def test_dates_and_flags_are_texts_and_whole_numbers_whole(book: Callable[..., Path]) -> None:
    day, noon = date(2026, 3, 10), datetime(2026, 3, 10, 12, 30)
    path = book(["id", "lon", "lat", "since", "met", "open"], [7.0, 9.5, 47.1, day, noon, True])
    site = sp.read_sites(path).loc["7"]
    assert site[["since", "met", "open"]].tolist() == ["2026-03-10", "2026-03-10 12:30:00", "TRUE"]


def test_a_column_of_numbers_and_texts_can_be_written_again(book: Callable[..., Path], tmp_path: Path) -> None:
    sites = sp.read_sites(book(["id", "lon", "lat", "desks"], ["a", 9.5, 47.1, 12], ["b", 9.6, 47.2, "12 or so"]))
    assert sites["desks"].tolist() == ["12", "12 or so"]
    sites.to_parquet(tmp_path / "sites.parquet")


def test_the_first_sheet_is_read_and_the_others_are_told(book: Callable[..., Path]) -> None:
    def add(workbook: Any) -> None:
        workbook.create_sheet("Notes").append(["read me"])
        hidden = workbook.create_sheet("Lists", 0)
        hidden.append(["existing"])
        hidden.sheet_state = "hidden"
        for row in (["id", "lon", "lat"], ["z", 1, 2]):
            workbook.create_sheet("Other") if "Other" not in workbook.sheetnames else None
            workbook["Other"].append(row)

    path = book(HEADER, *ROWS, change=add)
    with pytest.warns(SiteplanWarning, match=r"sites.xlsx: its first sheet, 'Sites', is read, not Notes, Other; name"):
        assert sp.read_sites(path).index.tolist() == ["001", "002"]
    assert sp.read_sites(path, layer="Other").index.tolist() == ["z"]
    with pytest.raises(InputError, match="has no sheet 'Sheet9'; its sheets are Lists, Sites, Notes, Other"):
        sp.read_sites(path, layer="Sheet9")


def test_a_formula_counts_with_the_value_that_was_kept(book: Callable[..., Path], tmp_path: Path) -> None:
    """A program that only writes workbooks keeps none; a blank in its place would be a place without people."""
    path = book(["id", "lon", "lat", "capacity"], ["a", 9.5, 47.1, "=6*7"])
    with pytest.raises(InputError, match=r"sheet 'Sites', row 2, column D: is a formula without a kept value; open"):
        sp.read_sites(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    kept = re.sub(rb"<v ?/>|<v></v>", b"<v>42</v>", members[sheet])
    assert kept != members[sheet]
    assert sp.read_sites(zipped(tmp_path / "kept.xlsx", members | {sheet: kept}))["capacity"].tolist() == [42]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([[], [], HEADER, *ROWS], r"row 1 is empty; expected the names of the columns there: delete the 2 row\(s\)"),
        ([["Our sites"], HEADER, *ROWS], r"5 column\(s\) with values have no name in row 1, the first: column B"),
        ([HEADER], "has no rows"),
        ([], "sheet 'Sites' is empty"),
        ([[*HEADER, "name"], [*ROWS[0], "x"]], "2 columns are called 'name'; rename them"),
        ([HEADER, ["001", "Old post", "east", 47.1]], r"row 2, column 'lon': found 'east', expected a number"),
        ([HEADER, ["001", "Old post", 9.5, 47.1, "open"]], "site 001 has the status 'open'"),
        ([HEADER, ["001", "Old post", None, None], ROWS[1]], r"1 site\(s\) have no coordinates: 001 \(row 2\)"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(book: Callable[..., Path], rows: list[list[Any]], why: str) -> None:
    with pytest.raises(InputError, match=rf"sites.xlsx: .*{why}"):
        sp.read_sites(book(*rows))


def test_merged_cells_are_refused(book: Callable[..., Path]) -> None:
    """Only the first of them has the value: the sites below a merged status would be candidates, unsaid."""
    path = book(HEADER, *ROWS, change=lambda workbook: workbook.active.merge_cells("E2:E3"))
    with pytest.raises(InputError, match=r"sheet 'Sites' has merged cells \(E2:E3\), of which only the first"):
        sp.read_sites(path)


def test_empty_rows_are_left_out(book: Callable[..., Path]) -> None:
    assert len(sp.read_sites(book(HEADER, *ROWS, [None], [" "]))) == 2
    with pytest.warns(SiteplanWarning, match=r"1 empty row\(s\) between others are left out, the first: row 3;"):
        assert len(sp.read_sites(book(HEADER, ROWS[0], [None], ROWS[1]))) == 2


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    for name, content, why in [
        ("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"an old workbook \(.xls\) or has a password"),
        ("text.xlsx", b"site,lon,lat\n", "cannot be read as a workbook"),
        ("sites.xls", b"x", "cannot read '.xls' as a file of sites; .*save it as .xlsx"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: .*{why}"):
            sp.read_sites(tmp_path / name)
    with pytest.raises(InputError, match=r"word.xlsx: cannot be read as sites"):
        sp.read_sites(zipped(tmp_path / "word.xlsx", {"word/document.xml": b"<x/>"}))


def test_people_times_and_flows_are_read_from_workbooks(book: Callable[..., Path]) -> None:
    cells = sp.read_population(book(["cell", "lon", "lat", "people"], ["a", 9.5, 47.1, 950], ["b", 9.6, 47.2, "1,5"]))
    assert cells["people"].to_dict() == {"a": 950, "b": 1.5}
    times = sp.read_times(book(["site", "point", "minutes"], ["S1", 1, 4.5], ["S1", 2, 12]))
    assert times["point"].tolist() == [1, 2]
    assert times["minutes"].tolist() == [4.5, 12]
    sites = pd.DataFrame(index=["001", "002"])
    with pytest.warns(SiteplanWarning, match="1 of 4 rows have no time"):
        wide = sp.read_times(book(["point", "001", "002"], ["a", 1.5, 2], ["b", None, 3]), sites=sites)
    assert wide["minutes"].tolist() == [1.5, 2, 3]
    flows = sp.read_flows(book(["home", "work", "people"], ["01001", "01002", 12]))
    assert flows[["home", "work", "people"]].to_numpy().tolist() == [["01001", "01002", 12]]


# ---------------------------------------------------------------------------------------------------- zip and gzip


@pytest.mark.parametrize("name", ["sites.csv.gz", "SITES.CSV.GZ", "sites.zip", "sites.xlsx.gz", "book.zip"])
def test_a_packed_table_is_the_table(name: str, book: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(CSV)
    expected = sp.read_sites(tmp_path / "sites.csv")
    inner = book(HEADER, *ROWS).read_bytes() if name in ("sites.xlsx.gz", "book.zip") else CSV.encode()
    path = tmp_path / name
    if name.lower().endswith(".gz"):
        path.write_bytes(gzip.compress(inner))
    else:
        inside = "a folder/sites.xlsx" if name == "book.zip" else "sites.csv"
        zipped(path, {inside: inner, "README.txt": b"read me", f"__MACOSX/._{inside}": b"x"})
    assert_alike(sp.read_sites(path), expected)


@pytest.mark.parametrize("ending", ["shp", "gpkg", "geojson", "parquet"])
def test_layers_are_read_from_a_zip(ending: str, tmp_path: Path) -> None:
    shapes = [shapely.box(9, 47, 9.1, 47.1), shapely.Point(9.5, 47)][: 1 if ending == "shp" else 2]
    cells = gpd.GeoDataFrame({"people": [3, 4][: len(shapes)]}, geometry=shapes, crs=4326)
    folder = tmp_path / "made"
    folder.mkdir()
    path = folder / f"Bevölkerung 2021.{ending}"
    cells.to_parquet(path) if ending == "parquet" else cells.to_file(path)
    packed = zipped(tmp_path / "people.zip", {each.name: each.read_bytes() for each in folder.iterdir()})
    assert sp.read_population(packed)["people"].tolist() == cells["people"].tolist()


@pytest.mark.parametrize("pack", ["zip", "gz"])
def test_a_packed_raster_is_the_raster(pack: str, tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "people.tif", "w", driver="GTiff", width=2, height=1, count=1, dtype="float32", crs=3035,
        transform=Affine(100, 0, 4e6, 0, -100, 3e6),
    ) as target:  # fmt: skip
        target.write(np.array([[5, 7]], np.float32), 1)
    content = (tmp_path / "people.tif").read_bytes()
    path = tmp_path / f"people.tif.{pack}"
    path.write_bytes(gzip.compress(content)) if pack == "gz" else zipped(path, {"x/people.tif": content})
    cells = sp.read_population(path)
    assert cells["people"].to_dict() == {"r0c0": 5, "r0c1": 7}


def test_messages_name_the_packed_file_and_its_lines(tmp_path: Path) -> None:
    path = zipped(tmp_path / "sites.zip", {"sites.csv": CSV.replace("47.2", "north").encode()})
    with pytest.raises(InputError) as error:
        sp.read_sites(path)
    assert str(error.value) == f"{path}: line 3, column 'lat': found 'north', expected a number or a blank"
    bare = zipped(tmp_path / "bare.zip", {"sites.csv": CSV.replace("47.2", "").replace("9.6", "").encode()})
    with pytest.raises(InputError, match=r"bare.zip: 1 site\(s\) have no coordinates: 002 \(line 3\)"):
        sp.read_sites(bare)
    old = zipped(tmp_path / "old.zip", {"sites.csv": CSV.replace("Library", "Écoute").encode("cp1252")})
    with pytest.warns(SiteplanWarning, match=r"old.zip: is not UTF-8") as said:
        sp.read_sites(old)
    assert str(said[0].message).startswith(f"{old}: ")


def test_several_tables_are_named_and_refused(tmp_path: Path) -> None:
    several = zipped(tmp_path / "all.zip", {"sites.csv": CSV.encode(), "people.csv": CSV.encode()})
    with pytest.raises(InputError, match=r"all.zip: holds 2 tables \(sites.csv, people.csv\); unpack it and give the"):
        sp.read_sites(several)
    with pytest.raises(InputError, match=r"none.zip: holds no table \(a.pdf\)"):
        sp.read_sites(zipped(tmp_path / "none.zip", {"a.pdf": b"x"}))
    with pytest.raises(InputError, match=r"tif.zip: cannot read '.tif' as a file of sites"):
        sp.read_sites(zipped(tmp_path / "tif.zip", {"a.tif": b"x"}))


def test_what_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "sites.zip", {"sites.csv": CSV.encode() * 50}).read_bytes()
    for name, content in {
        "cut.zip": whole[: len(whole) // 2],
        "cut.csv.gz": gzip.compress(CSV.encode() * 50)[:-30],
        "not.csv.gz": CSV.encode(),
        "empty.csv.gz": gzip.compress(b""),
        "empty.zip": b"",
        "spoilt.zip": whole[:60] + b"\0" * 40 + whole[100:],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: .*(cannot be unpacked|is empty)"):
            sp.read_sites(tmp_path / name)


def test_a_name_that_leads_out_leads_nowhere(tmp_path: Path) -> None:
    path = zipped(tmp_path / "sites.zip", {"../../escaped.csv": CSV.encode()})
    assert len(sp.read_sites(path)) == 2
    assert not (tmp_path.parent.parent / "escaped.csv").exists()


# ---------------------------------------------------------------------------------------------------- bombs


def bomb(path: Path) -> Path:
    """A small file that holds 3 GB of blanks, or a billion values."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        values = pa.array(np.zeros(10_000_000))
        with pq.ParquetWriter(path, pa.schema([("minutes", pa.float64())])) as target:
            for _ in range(10):
                target.write_table(pa.table({"minutes": values}), row_group_size=10_000_000)
        return path
    blanks = b"site,lon,lat\n" + b" " * 60_000_000
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(blanks, 9) * 50)
        return path
    if path.suffix == ".xlsx":
        openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sites.csv" if path.suffix == ".zip" else "xl/sharedStrings.xml", blanks)
    return path


@pytest.mark.parametrize("name", ["sites.zip", "sites.csv.gz", "sites.xlsx", "times.parquet"])
def test_a_bomb_is_refused_before_it_goes_off(name: str, tmp_path: Path) -> None:
    path = bomb(tmp_path / name)
    with pytest.raises(InputError, match=rf"{name}: would unpack from [\d,]+ to [\d,]+ bytes or more; expected"):
        (sp.read_times if name == "times.parquet" else sp.read_sites)(path)
    start = time.perf_counter()
    with pytest.raises(InputError):
        (sp.read_times if name == "times.parquet" else sp.read_sites)(path)
    assert time.perf_counter() - start < 1


def test_a_cell_far_out_is_refused(tmp_path: Path, book: Callable[..., Path]) -> None:
    """A sheet of a few bytes may say that it has a thousand million rows."""
    path = book(HEADER, *ROWS)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    members[sheet] = members[sheet].replace(b'r="3"', b'r="1999999999"')
    with pytest.raises(InputError, match=r"reaches beyond 1,048,576 rows"):
        sp.read_sites(zipped(tmp_path / "far.xlsx", members))


def test_a_table_that_shrinks_well_is_read(tmp_path: Path) -> None:
    """Ten thousand rows alike shrink by 200; nobody is harmed by half a megabyte."""
    rows = "".join(f"{number},9.5,47.1\n" for number in range(10_000))
    path = tmp_path / "sites.csv.gz"
    path.write_bytes(gzip.compress(b"id,lon,lat,note\n" + rows.replace("\n", "," + "x" * 300 + "\n").encode()))
    assert len(sp.read_sites(path)) == 10_000


SPOILT_LISTS = """
import random, sys
import siteplan as sp
whole = open(sys.argv[1], "rb").read()
start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
for seed in (157, 250, 445, 591, 626, 673):
    drawn, spoilt = random.Random(seed), bytearray(whole)
    drawn.randrange(start, len(whole) - 8)
    for _ in range(drawn.randrange(1, 4)):
        spoilt[drawn.randrange(start, start + 700)] = drawn.randrange(256)
    open(sys.argv[1], "wb").write(spoilt)
    try:
        sp.read_population(sys.argv[1])
    except sp.InputError as error:
        print(error)
"""


def test_spoilt_parquet_with_lists_does_not_end_the_process(tmp_path: Path) -> None:
    """These seeds did: what the file says of its columns, asked for one by one, ended it."""
    path = tmp_path / "cells.parquet"
    columns = {"lon": [5.0, 6.0], "lat": [45.0, 45.0], "people": [1.0, 2.0], "tags": [["a"], ["b", "c"]]}
    pd.DataFrame(columns).to_parquet(path, compression=None)
    done = subprocess.run([sys.executable, "-c", SPOILT_LISTS, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "what it says of its columns is spoilt" in done.stdout
