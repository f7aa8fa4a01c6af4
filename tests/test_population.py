"""Population files of every kind: totals kept, missing is not zero, what cannot be counts is refused."""

import contextlib
import os
import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning

from siteplan.errors import InputError, SiteplanWarning
from siteplan.geo import box_area, cell_sizes
from siteplan.inputs.population import read_population

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))
COUNTS = np.array([[5.0, 0.0, 2.5], [-1.0, 7.0, 0.0]])


def real(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is absent")
    return DATA / name


@pytest.fixture
def tif(tmp_path: Path) -> Callable[..., Path]:
    """Write a GeoTIFF; one band or a dict of bands by description; 100 m pixels near Liechtenstein by default."""

    def write(bands: Any, *, name: str = "grid.tif", nodata: float | None = None, **options: Any) -> Path:
        layers = bands if isinstance(bands, dict) else {None: bands}
        first = next(iter(layers.values()))
        tags = options.pop("tags", {})
        given = {"crs": "EPSG:3035", "transform": Affine(100, 0, 4_280_000, 0, -100, 2_660_000), "dtype": first.dtype}
        size = {"height": first.shape[0], "width": first.shape[1], "count": len(layers)}
        with rasterio.open(tmp_path / name, "w", driver="GTiff", nodata=nodata, **(given | size | options)) as file:
            for band, (description, values) in enumerate(layers.items(), 1):
                file.write(values, band)
                if description:
                    file.set_band_description(band, description)
            file.update_tags(**tags)
        return tmp_path / name

    return write


@pytest.fixture
def squares(tmp_path: Path) -> Callable[..., Path]:
    """Write three 1 km squares side by side, with the columns given."""

    def write(*, name: str = "grid.gpkg", crs: int | None = 3035, **columns: Any) -> Path:
        shapes = shapely.box(np.arange(3) * 1000 + 4_280_000, 2_660_000, np.arange(3) * 1000 + 4_281_000, 2_661_000)
        table = gpd.GeoDataFrame(columns, geometry=columns.pop("geometry", shapes), crs=crs)
        table.to_parquet(tmp_path / name) if name.endswith("parquet") else table.to_file(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def text(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str, *, name: str = "cells.csv", encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_bytes(content.encode(encoding))
        return tmp_path / name

    return write


# Rasters --------------------------------------------------------------------------------------------------------------


def test_a_count_raster_keeps_its_total(tif: Callable[..., Path]) -> None:
    cells = read_population(tif(COUNTS, nodata=-1))
    assert cells["people"].to_dict() == {"r0c0": 5.0, "r0c2": 2.5, "r1c1": 7.0}
    assert cells.crs.to_epsg() == 3035
    assert cells.loc["r0c2", "geometry"].bounds == (4_280_200, 2_659_900, 4_280_300, 2_660_000)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 20_000), min_size=6, max_size=6).filter(any), st.sampled_from(["float32", "uint16"]))
def test_every_count_raster_keeps_its_total(tif: Callable[..., Path], values: list[int], dtype: str) -> None:
    cells = read_population(tif(np.array(values, dtype=dtype).reshape(2, 3)))
    assert cells["people"].sum() == sum(values)
    assert (cells["people"] > 0).all()


def test_pixels_in_degrees_and_in_mercator_are_located_too(tif: Callable[..., Path]) -> None:
    degrees = tif(COUNTS, nodata=-1, crs="EPSG:4326", transform=Affine(1 / 1200, 0, 9.5, 0, -1 / 1200, 47.2))
    assert read_population(degrees)["people"].sum() == 14.5
    mercator = tif(COUNTS, nodata=-1, crs="EPSG:3857", transform=Affine(100, 0, 1e6, 0, -100, 6e6))
    assert read_population(mercator)["people"].sum() == 14.5


def test_nan_is_nodata_and_so_is_what_the_user_declares(tif: Callable[..., Path]) -> None:
    assert read_population(tif(np.where(COUNTS < 0, np.nan, COUNTS)))["people"].sum() == 14.5
    assert read_population(tif(COUNTS), missing=[-1])["people"].sum() == 14.5
    lowest = float(np.finfo("float32").min)
    marked = np.where(COUNTS < 0, lowest, COUNTS).astype("float32")
    assert read_population(tif(marked), missing=[-3.4028235e38])["people"].sum() == 14.5


@pytest.mark.parametrize("mark", [-99999.0, -200.0])
def test_an_undeclared_nodata_is_refused_with_its_remedy(tif: Callable[..., Path], mark: float) -> None:
    with pytest.raises(InputError, match=rf"1 value.*{mark:.0f} \(pixel at row 1, column 0\).*missing=\[{mark:.0f}\]"):
        read_population(tif(np.where(COUNTS < 0, mark, COUNTS)))


def test_a_raster_of_nothing_is_refused(tif: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="all of its 6 pixels are nodata"):
        read_population(tif(np.full((2, 3), -1.0), nodata=-1))
    with pytest.raises(InputError, match="no people at all"):
        read_population(tif(np.zeros((2, 3))))


def test_a_raster_without_crs_needs_one(tif: Callable[..., Path]) -> None:
    path = tif(COUNTS, nodata=-1, crs=None)
    with pytest.raises(InputError, match="has no CRS"):
        read_population(path)
    assert read_population(path, crs="EPSG:3035").crs.to_epsg() == 3035
    with pytest.raises(InputError, match="its CRS is"):
        read_population(tif(COUNTS, nodata=-1), crs=4326)


def test_bands_are_groups(tif: Callable[..., Path]) -> None:
    jobs = np.array([[2.0, 9.0, -1.0], [3.0, 1.0, 0.0]])
    path = tif({"people": COUNTS, "jobs": jobs}, nodata=-1)
    with pytest.warns(SiteplanWarning) as said:
        cells = read_population(path, people="people", groups=["jobs"])
    # A pixel with jobs and nobody living there stays; nodata of a group is missing, not 0.
    assert cells["jobs"].fillna(-9).to_dict() == {"r0c0": 2.0, "r0c1": 9.0, "r0c2": -9.0, "r1c1": 1.0}
    assert [str(warning.message).split(": ")[1][:30] for warning in said] == [
        "of 4 cells a value is missing ",
        "'jobs' is larger than people i",
    ]
    with pytest.raises(InputError, match=r"which band holds people\? its bands are people, jobs"):
        read_population(path)
    with pytest.raises(InputError, match="no band is described as 'workers'; its bands are people, jobs"):
        read_population(path, people="people", groups=["workers"])


def test_only_the_study_area_is_read(tif: Callable[..., Path]) -> None:
    left = box_area((4_280_010, 2_659_810, 4_280_090, 2_659_990), 3035)
    cells = read_population(tif(COUNTS, nodata=-1), within=left.to_crs(4326))
    assert cells["people"].to_dict() == {"r0c0": 5.0}
    lower = box_area((4_280_110, 2_659_810, 4_280_190, 2_659_890), 3035)
    assert read_population(tif(COUNTS, nodata=-1), within=lower)["people"].to_dict() == {"r1c1": 7.0}
    with pytest.raises(InputError, match="no pixel within the study area"):
        read_population(tif(COUNTS, nodata=-1), within=box_area((0, 0, 1, 1), 4326))


@pytest.mark.parametrize(
    "options",
    [{"name": "fra_pd_2020.tif"}, {"name": "density.tif"}, {"tags": {"units": "people per km2"}}],
)
def test_a_density_is_told_or_refused(tif: Callable[..., Path], options: dict[str, Any]) -> None:
    path = tif(np.full((2, 3), 300.0), **options)
    with pytest.raises(InputError, match="suggests densities"):
        read_population(path)
    assert read_population(path, density="none")["people"].sum() == 1800
    # Six pixels of 100 m are 0.06 km2 of 300 people each.
    assert read_population(path, density="per_km2")["people"].sum() == pytest.approx(18, rel=1e-6)


def test_densities_use_the_true_area_not_mercators(tif: Callable[..., Path]) -> None:
    mercator = {"crs": "EPSG:3857", "transform": Affine(1000, 0, 0, 0, -1000, 5_621_521)}  # 45 degrees north
    path = tif(np.array([[100.0]]), **mercator)
    assert read_population(path, density="per_km2")["people"].sum() == pytest.approx(50, rel=0.01)
    with pytest.raises(InputError, match="expected one of per_km2"):
        read_population(path, density="per_mile")


def test_scale_and_offset_are_part_of_the_values(tif: Callable[..., Path]) -> None:
    path = tif(COUNTS, nodata=-1)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.1,), (2.0,)
    # A pixel of 0 holds two people, too; nodata stays nodata.
    assert read_population(path)["people"].sum() == pytest.approx(0.1 * 14.5 + 2 * (COUNTS != -1).sum())


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_the_largest_value_of_the_type_is_no_count(tif: Callable[..., Path], dtype: str) -> None:
    largest = np.iinfo(dtype).max if dtype[0] in "ui" else np.finfo(dtype).max
    path = tif(np.array([[5, largest], [3, largest]], dtype=dtype))
    with pytest.raises(
        InputError, match=r"2 of its 4 pixels hold .*, the largest value of .*row 0, column 1.*missing=\["
    ):
        read_population(path)
    assert read_population(path, missing=[float(largest)])["people"].sum() == 8


def test_a_byte_may_well_hold_its_largest_value(tif: Callable[..., Path]) -> None:
    rising = np.arange(246, 256, dtype="uint8")[None]
    assert read_population(tif(rising))["people"].sum() == rising.sum()
    with pytest.raises(InputError, match="3 of its 4 pixels hold 255, the largest value of uint8"):
        read_population(tif(np.array([[255, 255, 255, 9]], dtype="uint8")))


def test_more_people_than_any_place_has_are_refused(tif: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cell r0c0 has 65,534 people on 1 ha, more than any city \(1 of 2 cells"):
        read_population(tif(np.array([[65534, 3]], dtype="uint16")))
    (tmp_path / "p.csv").write_text("cell,lon,lat,people\na,5,45,9e18\nb,5,45.1,3\n")
    with pytest.raises(InputError, match=r"p\.csv: cell a has 9e\+18 people"):
        read_population(tmp_path / "p.csv")


# Columns that hold something else than they declare -------------------------------------------------------------------

ROW = gpd.GeoDataFrame(
    {"people": [10.0, 20.0, 30.0]}, geometry=[shapely.box(n, 45, n + 0.1, 45.1) for n in range(3)], crs=4326
)


def with_text(folder: Path, text: str) -> list[Path]:
    """The same three cells as GeoPackage and shapefile, in which a text stands for the second count."""
    ROW.to_file(folder / "p.gpkg", layer='the "p"')
    with contextlib.closing(sqlite3.connect(folder / "p.gpkg")) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute('DROP TRIGGER "' + name.replace('"', '""') + '"')
        file.execute('UPDATE "the ""p""" SET people = ? WHERE fid = 2', [text])
        file.commit()
    ROW.to_file(folder / "p.shp")
    raw = (folder / "p.dbf").read_bytes()
    at = raw.index(b"20.0000")
    size = len(raw[at:].split(b" ")[0])
    (folder / "p.dbf").write_bytes(raw[:at] + text.encode().ljust(size) + raw[at + size :])
    return [folder / "p.gpkg", folder / "p.shp"]


@pytest.mark.filterwarnings("ignore:.*parsed incompletely")
def test_text_among_numbers_is_missing_and_not_nought(tmp_path: Path) -> None:
    for path in with_text(tmp_path, "n/a"):
        with pytest.warns(SiteplanWarning, match="people in 1; missing is not counted as 0"):
            assert read_population(path)["people"].isna().tolist() == [False, True, False]


@pytest.mark.filterwarnings("ignore:.*parsed incompletely")
def test_other_text_among_numbers_is_named(tmp_path: Path) -> None:
    for path in with_text(tmp_path, "2o"):
        with pytest.raises(InputError, match=r"feature 2, column 'people': found '2o', expected a number"):
            read_population(path)


@pytest.mark.filterwarnings("ignore:.*parsed incompletely")
def test_numbers_written_as_text_are_numbers(tmp_path: Path) -> None:
    for path in with_text(tmp_path, "1,5"):
        assert read_population(path)["people"].tolist() == [10, 1.5, 30]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("lon,lat,people,people\n5,45,1,2\n")
    with pytest.raises(InputError, match=r"p\.csv: 2 columns are called 'people'; rename them"):
        read_population(tmp_path / "p.csv")


@pytest.mark.parametrize(("encoding", "said"), [("cp850", "DOS code page 850"), ("cp1252", "Windows-1252")])
def test_old_code_pages_are_told_apart(tmp_path: Path, encoding: str, said: str) -> None:
    text = "cell,lon,lat,people\nChénévières,5,45,1\nSaint-Méry à l'Île,5,46,2\n"
    (tmp_path / "p.csv").write_bytes(text.encode(encoding))
    with pytest.warns(SiteplanWarning, match=f"is not UTF-8; read as {said}"):
        assert read_population(tmp_path / "p.csv").index.tolist() == ["Chénévières", "Saint-Méry à l'Île"]


# Polygons and points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grid.gpkg", "grid.shp", "grid.fgb", "grid.parquet"])
def test_every_vector_format_gives_the_same_cells(squares: Callable[..., Path], name: str) -> None:
    cells = read_population(squares(name=name, id=["a", "b", "c"], T=[1, 0, 5], workers=[0, 0, 3]), groups=["workers"])
    assert list(cells.columns) == ["people", "workers", "geometry"]
    assert sorted(zip(cells.index, cells["people"], cells["workers"], strict=True)) == [
        ("a", 1.0, 0.0),
        ("b", 0.0, 0.0),
        ("c", 5.0, 3.0),
    ]
    assert cells.index.name == "cell"
    assert cells.crs.to_epsg() == 3035


def test_geojson_is_in_degrees_unless_told(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"people": [3]}, geometry=[shapely.Point(9.5, 47.1)], crs=4326)
    table.to_file(tmp_path / "a.geojson")
    assert read_population(tmp_path / "a.geojson").crs.to_epsg() == 4326
    metric = (tmp_path / "a.geojson").read_text().replace("9.5", "4280000").replace("47.1", "2660000")
    (tmp_path / "b.geojson").write_text(metric)
    with pytest.raises(InputError, match=r"feature 1 lies at lon 4.28e\+06.*crs="):
        read_population(tmp_path / "b.geojson")


def test_polygons_without_crs_need_one(squares: Callable[..., Path]) -> None:
    path = squares(name="grid.parquet", crs=None, people=[1, 2, 3])
    with pytest.raises(InputError, match="has no CRS; name the one"):
        read_population(path)
    assert read_population(path, crs=3035).crs.to_epsg() == 3035
    with pytest.raises(InputError, match="no such CRS"):
        read_population(path, crs="EPSG:99999")
    with pytest.raises(InputError, match="its CRS is ETRS89"):
        read_population(squares(people=[1, 2, 3]), crs=4326)


def test_missing_is_not_zero(squares: Callable[..., Path]) -> None:
    path = squares(people=[4.0, np.nan, -9999.0], employed=[0.0, 1.0, 2.0])
    with pytest.warns(SiteplanWarning, match="3 cells .*: people in 2, employed in 1;") as said:
        cells = read_population(path, groups=["employed"], missing={"people": [-9999], "employed": [0]})
    assert len(said) == 1
    assert cells["people"].isna().tolist() == [False, True, True]
    assert cells["employed"].isna().tolist() == [True, False, False]
    with pytest.raises(InputError, match=r"1 value.* of people are negative, the first -9999 .*missing=\[-9999\]"):
        read_population(path)


def test_many_different_negatives_are_another_column(squares: Callable[..., Path]) -> None:
    four = gpd.points_from_xy(range(4), range(4))
    with pytest.raises(InputError, match=r"4 value.*is it the right column"):
        read_population(squares(people=[-1, -2, -3, -4], geometry=four, crs=4326))


def test_zero_where_many_live_is_said(squares: Callable[..., Path]) -> None:
    path = squares(people=[500, 300, 100], employed=[200, 0, 0])
    with pytest.warns(
        SiteplanWarning, match=r"'employed' is 0 in 1 cells .*inputs\.population\.missing: \{employed: \[0\]\}"
    ):
        read_population(path, groups=["employed"])


def test_the_people_column_is_named_recognised_or_refused(squares: Callable[..., Path]) -> None:
    assert read_population(squares(TOT_P_2021=[1, 2, 3]))["people"].sum() == 6
    assert read_population(squares(x=[1, 2, 3], pop=[9, 9, 9]), people="x")["people"].sum() == 6
    with pytest.raises(InputError, match="several columns could be people: pop_2015, pop_2020"):
        read_population(squares(pop_2015=[1, 2, 3], pop_2020=[1, 2, 3]))
    with pytest.raises(InputError, match=r"no column has a usual name.*: age_65, households .*--people NAME"):
        read_population(squares(age_65=[1, 2, 3], households=[1, 2, 3], label=["a", "b", "c"]))
    with pytest.raises(InputError, match="has no column 'inhab' for people; its columns are pop"):
        read_population(squares(pop=[1, 2, 3]), people="inhab")
    with pytest.raises(InputError, match="has no column 'jobs' for a group; its columns are pop"):
        read_population(squares(pop=[1, 2, 3]), groups=["jobs"])
    with pytest.raises(InputError, match="cannot be called status"):
        read_population(squares(pop=[1, 2, 3]), groups=["status"])


def test_a_density_column_needs_a_word(squares: Callable[..., Path]) -> None:
    path = squares(pop_density=[10.0, 20.0, 30.0])
    with pytest.raises(InputError, match="suggests densities"):
        read_population(path, people="pop_density")
    assert read_population(path, people="pop_density", density="per_km2")["people"].tolist() == pytest.approx(
        [10, 20, 30], rel=1e-6
    )
    points = squares(pop=[1, 2, 3], geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326)
    with pytest.raises(InputError, match="cell 0 has no area"):
        read_population(points, density="per_km2")


def test_ids_stand_once(squares: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"1 cell id\(s\) in column 'grd_id' stand twice: a;"):
        read_population(squares(grd_id=["a", "b", "a"], pop=[1, 2, 3]))
    with pytest.raises(InputError, match="feature 2 has no cell in column 'grd_id'"):
        read_population(squares(grd_id=["a", None, "c"], pop=[1, 2, 3]))
    assert read_population(squares(id=[7, 8, 9], pop=[1, 2, 3])).index.tolist() == [7, 8, 9]
    assert read_population(squares(code=["x", "y", "z"], pop=[1, 2, 3]), cell="code").index.tolist() == ["x", "y", "z"]
    assert read_population(squares(pop=[1, 2, 3])).index.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("kind", "ids", "read"),
    [
        ("uint64", [1, 2**63 - 1, 5], [1, 2**63 - 1, 5]),
        ("uint64", [2**63 + 5, 2**63 + 7, 5], ["9223372036854775813", "9223372036854775815", "5"]),
        ("float64", [7, 8, 9], [7, 8, 9]),
        ("float64", [2.0**62, 3e19, 4e19], ["4.611686018427388e+18", "3e+19", "4e+19"]),
    ],
)
def test_ids_of_more_than_a_whole_number_of_64_bits_are_texts(
    tmp_path: Path, kind: str, ids: list[float], read: list[object]
) -> None:
    boxes = shapely.box([0, 1, 2], 0, [1, 2, 3], 1)
    table = gpd.GeoDataFrame({"id": np.array(ids, kind), "pop": [1, 2, 3]}, geometry=boxes, crs=3035)
    table.to_parquet(tmp_path / "cells.parquet")
    assert sorted(map(str, read_population(tmp_path / "cells.parquet").index)) == sorted(map(str, read))


def test_rows_without_a_place_are_counted(squares: Callable[..., Path]) -> None:
    path = squares(pop=[1, 2, 4], geometry=[shapely.box(0, 0, 1, 1), None, shapely.Polygon()], crs=4326)
    with pytest.warns(SiteplanWarning, match="2 of 3 rows have no place and are left out, with 6 people"):
        assert read_population(path)["people"].sum() == 1


def test_the_same_outline_twice_is_said(squares: Callable[..., Path]) -> None:
    path = squares(pop=[1, 2, 4], geometry=[shapely.box(0, 0, 1, 1)] * 3, crs=4326)
    with pytest.warns(SiteplanWarning, match="2 cells have the very outline of another"):
        assert read_population(path)["people"].sum() == 7


def test_crossed_outlines_are_repaired_and_lines_refused(squares: Callable[..., Path]) -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.warns(SiteplanWarning, match="1 cells of 3 cross themselves"):
        cells = read_population(squares(pop=[1, 2, 4], geometry=[bow, shapely.box(2, 2, 3, 3), bow.envelope], crs=4326))
    assert cells.is_valid.all()
    line = shapely.LineString([(0, 0), (1, 1)])
    with pytest.raises(InputError, match="cell 0 is a LineString; expected polygons or points"):
        read_population(squares(pop=[1, 2, 4], geometry=[line] * 3, crs=4326))


def test_several_layers_need_a_name(squares: Callable[..., Path]) -> None:
    path = squares(pop=[1, 2, 3])
    gpd.read_file(path).to_file(path, layer="other")
    with pytest.raises(InputError, match="several layers; name one with layer=: grid, other"):
        read_population(path)
    with pytest.raises(InputError, match="has no layer 'x'"):
        read_population(path, layer="x")
    assert read_population(path, layer="other")["people"].sum() == 6


def test_only_cells_in_the_study_area_are_read(squares: Callable[..., Path]) -> None:
    middle = box_area((4_281_100, 2_660_100, 4_281_900, 2_660_900), 3035).to_crs(4326)
    for name in ("grid.gpkg", "grid.parquet"):
        cells = read_population(squares(name=name, id=["a", "b", "c"], pop=[1, 2, 3]), within=middle)
        assert cells["people"].to_dict() == {"b": 2.0}
    with pytest.raises(InputError, match="no rows within the study area"):
        read_population(squares(pop=[1, 2, 3]), within=box_area((0, 0, 1, 1), 4326))


# Plain tables ---------------------------------------------------------------------------------------------------------


def test_a_csv_with_coordinates_gives_points(text: Callable[..., Path]) -> None:
    cells = read_population(text("id,lon,lat,people\n001,9.5,47.1,3\n002,9.6,47.2,4\n"))
    assert cells["people"].to_dict() == {"001": 3.0, "002": 4.0}
    assert cells.geometry.iloc[0].wkt == "POINT (9.5 47.1)"


def test_a_french_spreadsheet_is_read(text: Callable[..., Path]) -> None:
    content = "id;libellé;x;y;population\n1;Été;700000,5;6600000;12,5\n2;Hiver;700100;6600000;NA\n3;1,5;7;8\n"
    with pytest.warns(SiteplanWarning) as said:
        cells = read_population(text(content, encoding="cp1252"), crs="EPSG:2154")
    assert cells["people"].fillna(-1).tolist() == [12.5, -1, -1]
    assert cells.geometry.iloc[0].x == 700000.5
    assert ["Windows-1252" in str(said[0].message), "people in 2;" in str(said[1].message)] == [True, True]


def test_plane_coordinates_need_a_crs(text: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="columns x, y have no CRS"):
        read_population(text("x,y,people\n700000,6600000,3\n"))


def test_h3_cells_are_hexagons_even_beside_coordinates(text: Callable[..., Path]) -> None:
    with pytest.warns(SiteplanWarning, match="people in 1;"):
        cells = read_population(text("id,lon,lat,population\n89a901291abffff,0,0,5\n89a9012a3cfffff,0,0,NA\n"))
    assert cells.index.tolist() == ["89a901291abffff", "89a9012a3cfffff"]
    assert [len(shape.exterior.coords) for shape in cells.geometry] == [7, 7]
    assert cells.geometry.iloc[0].contains(shapely.Point(-51.1582459466033, -30.0538460280879))
    with pytest.raises(InputError, match="'89a9012a3cfffgg' is not an H3 index"):
        read_population(text("h3,people\n89a901291abffff,5\n89a9012a3cfffgg,6\n"))


def test_h3_numbers_in_parquet_are_hexagons_too(tmp_path: Path) -> None:
    table = pd.DataFrame({"h3_index": np.array([0x89A901291ABFFFF], dtype="uint64"), "people": [5.0]})
    table.to_parquet(tmp_path / "hex.parquet")
    cells = read_population(tmp_path / "hex.parquet")
    assert cells.geometry.iloc[0].contains(shapely.Point(-51.1582459466033, -30.0538460280879))


def test_grid_codes_are_squares(text: Callable[..., Path]) -> None:
    path = text("idcar_200m;ind\nCRS3035RES200mN2660000E4280000;12,5\nCRS3035RES200mN2660200E4280000;3\n")
    cells = read_population(path)
    assert cells.crs.to_epsg() == 3035
    assert cells.geometry.iloc[1].bounds == (4_280_000, 2_660_200, 4_280_200, 2_660_400)
    assert cells["people"].tolist() == [12.5, 3]
    with pytest.raises(InputError, match="'CRS3035RES1km' is not a code of the same grid"):
        read_population(text("id,pop\nCRS3035RES200mN2660000E4280000,1\nCRS3035RES1km,2\n"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        ("id,lon,lat,people\n", "has no rows"),
        ("lon,lat,people\n9.5,47.1,many\n", "line 2, column 'people': found 'many', expected a number"),
        ("lon,lat,people\n9.5,47.1,inf\n", "line 2, column 'people': found 'inf'"),
        ("lon,lat,people\n9.5,47.1,3\neast,47,3\n", "line 3, column 'lon': found 'east'"),
        ("lon,lat,people\n9.5,47.1,-3\n", r"the first -3 \(cell 0, line 2\)"),
        ("lon,lat,people\n9.5,47.1,3,4\n", "cannot be read as a table: line 2 has 4 values, the header 3"),
        ("lon;lat;people\n9,5;47,1;3\n9;47;4,5\n8;47\n9;46;x\n", "line 5, column 'people': found 'x'"),
        ("lon,lat,people\n200,47.1,3\n", "line 2 lies at lon 200"),
        ("lon,lat,people\n47.1,109.5,3\n", "look swapped"),
        ("name,people\na,3\n", "no coordinates found among the columns name, people"),
        ("lon,lat,people\n,,3\n", "holds no geometry at all"),
        ("lon,lat,people\n9,47,0\n", "no people at all"),
        ("lon,lat,people\n9,47,NA\n", "no people at all"),
    ],
)
def test_bad_tables_are_refused_by_line(text: Callable[..., Path], content: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_population(text(content))


def test_bad_files_are_refused(tmp_path: Path, text: Callable[..., Path]) -> None:
    for path, why in [
        (tmp_path / "no.tif", "no such file"),
        (tmp_path, "is a folder"),
        (text("x", name="people.docx"), r"cannot read '.docx'.*\.gpkg"),
        (text("not a raster", name="a.tif"), "cannot be read as GeoTIFF"),
        (text("not a database", name="a.gpkg"), r"is not what its name says \(\.gpkg\)"),
        (text("not json", name="a.geojson"), r"is not what its name says \(\.geojson\)"),
        (text("not parquet", name="a.parquet"), "cannot be read as Parquet"),
    ]:
        with pytest.raises(InputError, match=why):
            read_population(path)


# Real places ----------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "cells", "people"),
    [
        ("porto_alegre/poa_hexgrid.csv", 1227, 812_935),
        ("helsinki/population_grid_2020.gpkg", 92, 71_724),
        ("helsinki/helsinki_eurostat_census2021_1km.gpkg", 137, 467_806),
        ("laquila/laquila_eurostat_census2021_1km.gpkg", 345, 93_469),
        ("liechtenstein/liechtenstein_eurostat_census2021_1km.gpkg", 258, 140_583),
        ("monaco/monaco_geostat2011_1km.gpkg", 80, 100_111),
    ],
)
def test_real_places_keep_their_totals(name: str, cells: int, people: int) -> None:
    table = read_population(real(name))
    assert (len(table), table["people"].sum()) == (cells, people)


@pytest.mark.real
def test_employed_not_delivered_is_said_and_can_be_declared() -> None:
    path = real("liechtenstein/liechtenstein_eurostat_census2021_1km.gpkg")
    with pytest.warns(SiteplanWarning, match="'employed' is 0 in 41 cells"):
        assert read_population(path, groups=["employed"])["employed"].sum() == 52_045
    with pytest.warns(SiteplanWarning, match="employed in 108;"):
        table = read_population(path, groups=["employed"], missing={"employed": [0]})
    assert table["people"].notna().all()
    # L'Aquila's were delivered: nothing to say.
    delivered = read_population(real("laquila/laquila_eurostat_census2021_1km.gpkg"), groups=["employed"])
    assert delivered["employed"].sum() == 39_307


@pytest.mark.real
def test_blank_jobs_of_porto_alegre_are_missing() -> None:
    with pytest.warns(SiteplanWarning) as said:
        cells = read_population(real("porto_alegre/poa_hexgrid.csv"), groups=["jobs"])
    assert "jobs in 5;" in str(said[0].message)
    assert "larger than people in 188 of 1,227 cells" in str(said[1].message)
    assert cells["jobs"].isna().sum() == 5
    assert (cells["people"] == 0).any()


# ---------------------------------------------------------------------------------------------------- everywhere


def test_a_rotated_raster_lies_as_it_is_turned(tif: Callable[..., Path]) -> None:
    """Columns go north and rows go east here: the pixel of row 1, column 2 lies 200 m north and 100 m east."""
    path = tif(np.array([[1.0, 2, 3], [4, 5, 6]]), transform=Affine(0, 100, 4_280_000, 100, 0, 2_660_000))
    cells = read_population(path)
    assert cells.loc["r1c2", "people"] == 6
    assert cells.loc["r1c2"].geometry.bounds == (4_280_100, 2_660_200, 4_280_200, 2_660_300)
    area = box_area((4_280_110, 2_660_210, 4_280_190, 2_660_290), 3035)
    assert read_population(path, within=area)["people"].to_dict() == {"r1c2": 6}


def test_a_raster_that_is_nowhere_is_refused(tif: Callable[..., Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        path = tif(np.array([[1.0, 2]]), transform=Affine.identity())
        with pytest.raises(InputError, match="does not say where its pixels are"):
            read_population(path)


def test_bands_are_named_or_asked_for(tif: Callable[..., Path]) -> None:
    one, two = np.array([[1.0, 2]]), np.array([[10.0, 20]])
    path = tif({"": one, " ": two})
    with pytest.raises(
        InputError, match=r"which band holds people\? its bands are band 1, .*\(--people NAME; in a study"
    ):
        read_population(path)
    assert read_population(path, people="band 1")["people"].sum() == 3
    with rasterio.open(path, "r+") as file:
        file.set_band_description(1, "pop")
        file.set_band_description(2, "pop")
    with pytest.raises(InputError, match="2 bands are described as 'pop'; describe them differently"):
        read_population(path, people="pop")


def test_marks_are_as_a_map_shows_them_and_the_message_says_such(tif: Callable[..., Path]) -> None:
    """Stored 65535 with a scale of 0.1 is 6553.5 on a map, and a negative value is only one after the offset."""
    path = tif(np.array([[30, 65535, 0]], dtype="uint16"))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.1,), (-1.0,)
    with pytest.raises(InputError, match=r"hold 6552.5, the largest value of uint16.*say missing=\[6552.5\]"):
        read_population(path)
    with pytest.raises(InputError, match=r"1 value\(s\) of people are negative, the first -1 .*missing=\[-1\]"):
        read_population(path, missing=[6552.5])
    assert read_population(path, missing=[6552.5, -1])["people"].to_dict() == {"r0c0": 2}


@pytest.mark.parametrize("lat", [-17.0, 0.0, 66.0, 80.0])
@pytest.mark.parametrize("first", [-180.0, 0.0])
def test_a_raster_of_the_world_is_read_on_both_sides_of_the_date_line(
    tif: Callable[..., Path], lat: float, first: float
) -> None:
    """Not around the world between; whether its longitudes begin at -180 or at 0."""
    people = np.arange(1.0, 361.0)[None]
    path = tif(people, crs="EPSG:4326", transform=Affine(1, 0, first, 0, -1, lat + 1))
    area = gpd.GeoSeries(gpd.points_from_xy([179.5, -179.5], [lat + 0.5] * 2), crs=4326)
    for within in (area, area.to_crs(f"+proj=laea +lat_0={lat} +lon_0=180 +datum=WGS84")):
        cells = read_population(path, within=within)
        expected = [1, 360] if first == -180 else [180, 181]
        assert sorted(cells["people"]) == expected
        assert cells.index.is_unique
        assert cell_sizes(cells).std() / cell_sizes(cells).mean() < 1e-6


def test_tables_are_read_on_both_sides_of_the_date_line(tmp_path: Path) -> None:
    rows = "".join(f"{lon},-17,{people}\n" for lon, people in ((179.9, 5), (-179.9, 7), (0.0, 100), (90, 100)))
    (tmp_path / "people.csv").write_text("lon,lat,people\n" + rows)
    area = gpd.GeoSeries(gpd.points_from_xy([179.8, -179.8], [-17.1, -16.9]), crs=4326)
    assert read_population(tmp_path / "people.csv", within=area)["people"].tolist() == [5, 7]


def test_a_hexagon_over_the_date_line_lies_there(tmp_path: Path) -> None:
    """Its corners are at 179.99 and -179.99: the polygon between them the other way would go around the world."""
    cells = [h3.latlng_to_cell(-17, lon, 8) for lon in (179.9999, 179.9)]
    (tmp_path / "people.csv").write_text("h3,people\n" + "".join(f"{cell},4\n" for cell in cells))
    found = read_population(tmp_path / "people.csv")
    assert found.geom_type.tolist() == ["MultiPolygon", "Polygon"]
    assert cell_sizes(found) == pytest.approx([h3.cell_area(cell, "m^2") for cell in cells], rel=0.01)
    middle = found.to_crs("+proj=laea +lat_0=-17 +lon_0=180 +datum=WGS84").centroid
    assert middle.distance(middle.iloc[0]).iloc[1] == pytest.approx(10_650, rel=0.05)
