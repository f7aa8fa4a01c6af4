"""Site files: what a planner writes down is kept to the letter, what cannot be a site is refused by its name."""

import os
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.sites import read_sites

DATA = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data"))
FULL = """site,name,lon,lat,status,cost,capacity,phone,note
001,Library & Co <b>,9.5,47.1,existing,120000,24,05 55,keep me
002,,9.6,47.2,,,,,
A-3,Old post,9.7,47.3,Required,0,12.5,,
"""


@pytest.fixture
def text(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str, name: str = "sites.csv") -> Path:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


def test_sites_keep_what_the_file_says(text: Callable[..., Path]) -> None:
    sites = read_sites(text(FULL))
    assert sites.index.tolist() == ["001", "002", "A-3"]
    assert sites.index.name == "site"
    assert sites["name"].tolist() == ["Library & Co <b>", "002", "Old post"]
    assert sites["status"].tolist() == ["existing", "candidate", "required"]
    assert sites["cost"].fillna(-1).tolist() == [120_000, -1, 0]
    assert sites["capacity"].fillna(-1).tolist() == [24, -1, 12.5]
    assert sites.loc["001", ["phone", "note"]].tolist() == ["05 55", "keep me"]
    assert sites.crs.to_epsg() == 4326
    assert list(sites.columns[:4]) == ["name", "status", "cost", "capacity"]


def test_words_that_look_like_nothing_are_names(text: Callable[..., Path]) -> None:
    sites = read_sites(text("site,name,lon,lat,cost\nNA,None,9.5,47.1,NA\nnull,nan,9.6,47.2,-\n"))
    assert sites["name"].to_dict() == {"NA": "None", "null": "nan"}
    assert sites["cost"].isna().all()


def test_two_columns_are_enough(text: Callable[..., Path]) -> None:
    sites = read_sites(text("Longitude,Latitude\n9.5,47.1\n9.6,47.2\n"))
    assert sites.index.tolist() == ["1", "2"]
    assert sites["name"].tolist() == ["1", "2"]
    assert sites["status"].tolist() == ["candidate", "candidate"]
    assert sites["cost"].isna().all()


@pytest.mark.parametrize("name", ["sites.gpkg", "sites.geojson", "sites.parquet", "sites.shp"])
def test_every_format_gives_the_same_sites(tmp_path: Path, name: str) -> None:
    table = gpd.GeoDataFrame(
        {"id": [7, 8], "name": ["Une gare", "Zoë"], "cost": [1.5, np.nan]},
        geometry=gpd.points_from_xy([9.5, 9.6], [47.1, 47.2]),
        crs=4326,
    )
    table.to_parquet(tmp_path / name) if name.endswith("parquet") else table.to_file(tmp_path / name)
    sites = read_sites(tmp_path / name)
    assert sites.index.tolist() == ["7", "8"]
    assert sites["name"].tolist() == ["Une gare", "Zoë"]
    assert sites["cost"].fillna(-1).tolist() == [1.5, -1]
    assert sites.geometry.to_wkt().tolist() == table.geometry.to_wkt().tolist()


def test_plain_parquet_and_plane_coordinates(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a"], "x": [700_000.0], "y": [6_600_000.0]})
    table.to_parquet(tmp_path / "sites.parquet")
    sites = read_sites(tmp_path / "sites.parquet", crs="EPSG:2154")
    assert sites.geometry["a"].wkt == "POINT (700000 6600000)"


def test_coordinates_come_before_h3_codes(text: Callable[..., Path]) -> None:
    sites = read_sites(text("id,lon,lat\n89a901291abffff,-51.15,-30.05\n"))
    assert sites.geometry["89a901291abffff"].wkt == "POINT (-51.15 -30.05)"
    with pytest.warns(SiteplanWarning, match="1 of 1 sites are not points"):
        lone = read_sites(text("id,name\n89a901291abffff,hexagon\n"))
    assert lone.geometry.iloc[0].distance(shapely.Point(-51.15825, -30.05385)) < 0.001


def test_places_may_be_left_out(text: Callable[..., Path]) -> None:
    for content in ("site,cost\nA,3\n", "site,cost,lon,lat\nA,3,,\n"):
        assert read_sites(text(content), places=False)["cost"].to_dict() == {"A": 3}
    some = read_sites(text("site,lon,lat\nA,9.5,47.1\nB,,\n"), places=False)
    assert some.geometry.notna().tolist() == [True, False]
    with pytest.raises(InputError, match="no coordinates found"):
        read_sites(text("site,cost\nA,3\n"))


def test_text_as_excel_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("sep=;\nsite; lon ;lat;cost\nÉ1;9,5;47,1;3,5\n", encoding="utf-16")
    sites = read_sites(path)
    assert sites["cost"].to_dict() == {"É1": 3.5}
    assert sites.geometry["É1"].wkt == "POINT (9.5 47.1)"
    assert sites[["lon", "lat"]].to_numpy().tolist() == [[9.5, 47.1]]  # numbers, as other programs read them


def test_a_building_gives_a_point_inside_it(tmp_path: Path) -> None:
    crescent = shapely.Polygon([(0, 0), (3, 0), (3, 3), (0, 3), (0, 2), (2, 2), (2, 1), (0, 1)])
    gpd.GeoDataFrame({"id": ["u"]}, geometry=[crescent], crs=4326).to_file(tmp_path / "u.gpkg")
    with pytest.warns(SiteplanWarning, match="a point inside each is taken"):
        sites = read_sites(tmp_path / "u.gpkg")
    assert sites.geom_type.tolist() == ["Point"]
    assert crescent.contains(sites.geometry["u"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("site,lon,lat\na,9,47\nb,9,47\na,9,47\n", r"1 site id\(s\) in column 'site' stand twice: a;"),
        ("site,lon,lat\na,9,47\n,9,47\n", "line 3 has no site in column 'site'"),
        (
            'site,lon,lat\na,9,47\n"b\nc",9,47\n',
            r"line 3 has the site 'b\\nc' in column 'site'; expected an id without",
        ),
        ("site,lon,lat\na\u202eb,9,47\n", r"line 2 has the site 'a\\u202eb' in column 'site'; expected an id without"),
        ("site,lon,lat,status\na,9,47,open\n", "site a has the status 'open'; expected one of existing, candidate"),
        ("site,lon,lat,cost\na,9,47,cheap\n", "line 2, column 'cost': found 'cheap'"),
        ("site,lon,lat,cost\na,9,47,-5\n", "site a has a cost of -5; expected 0 or more"),
        ("site,lon,lat,capacity\na,9,47,-1\n", "site a has a capacity of -1"),
        ("site,lon,lat\na,9,47\nb,,47\n", r"1 site\(s\) have no coordinates: b \(line 3\)"),
        ("site,lon,lat\na,30.5,-151.2\nb,30.4,-151.1\n", "line 2 lies at lon 30.5, lat -151.2.*look swapped"),
        ("site,lon,lat\na,4280000,2660000\n", "name it with crs="),
        ("site,lon,lat\na,9°30',47\n", "column 'lon': found"),
        (
            "site,x,y\na,4280000,2660000\n",
            "have no CRS; name it, e.g. crs='EPSG:2154' .*--set inputs.sites.crs=EPSG:2154 for sites, inputs.pop",
        ),
        ("site,lon,lat\n", "has no rows"),
        ("site,name\na,Library\n", "no coordinates found among the columns site, name"),
        ("", "is empty"),
    ],
)
def test_bad_sites_are_refused_by_name(text: Callable[..., Path], content: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_sites(text(content))


def test_long_ids_beside_blanks_keep_their_digits_or_are_said_to_lose_them(tmp_path: Path) -> None:
    long = pd.array([2**53 + 1, None, 2**60 + 1], dtype="Int64")
    places = gpd.GeoDataFrame({"id": ["a", "b", "c"], "ref": long}, geometry=[shapely.Point(9, 47)] * 3, crs=4326)
    places.to_parquet(tmp_path / "a.parquet")
    read = read_sites(tmp_path / "a.parquet")["ref"]
    assert read.tolist()[::2] == ["9007199254740993", "1152921504606846977"]
    assert pd.isna(read["b"])
    places.to_file(tmp_path / "a.gpkg")
    with pytest.warns(SiteplanWarning, match=r"a.gpkg: ref: numbers above 9,007,199,254,740,992 were read as floats"):
        read_sites(tmp_path / "a.gpkg")
    places["ref"] = pd.array([2**53 - 1, None, 7], dtype="Int64")
    places.to_file(tmp_path / "b.gpkg")
    assert read_sites(tmp_path / "b.gpkg")["ref"].tolist()[::2] == [2**53 - 1, 7]


def test_bad_files_are_refused(tmp_path: Path, text: Callable[..., Path]) -> None:
    for path, why in [
        (tmp_path / "none.csv", "no such file; expected a file of sites"),
        (tmp_path, "is a folder"),
        (text("x", "sites.ods"), r"cannot read '.ods' as a file of sites; expected one of .gpkg.*; save it as .xlsx"),
    ]:
        with pytest.raises(InputError, match=why):
            read_sites(path)


def test_sites_without_crs_need_one(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(1, 2)]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no CRS"):
        read_sites(tmp_path / "a.parquet")
    assert read_sites(tmp_path / "a.parquet", crs=32632).crs.to_epsg() == 32632


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("porto_alegre/poa_points_of_interest.csv", 15, "public_market"),
        ("facility_location/spopt_sf/SF_store_site_16_longlat.csv", 16, "1"),
        ("helsinki/r5py_reference/test_multiple_origins.geojson", 2, "Arabian liikuntapuisto"),
    ],
)
def test_real_sites_are_read(name: str, count: int, first: str) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is absent")
    sites = read_sites(DATA / name)
    assert (len(sites), sites.index[0]) == (count, first)


def test_columns_of_the_user_are_numbers_where_they_hold_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    file.write_text(
        "site;lon;lat;fibre;rent;zone;post;phone;mixed;empty\n"
        "a;3.1;46.1;1;12,5;2;03000;+33470000001;7;\n"
        "b;3.2;46.2;0;9;;75001;+33470000002;seven;\n"
        "c;3.3;46.3;1;NA;3;69001;+33470000003;;\n"
    )
    sites = read_sites(file)
    assert sites["fibre"].dtype == "int64"
    assert sites["fibre"].tolist() == [1, 0, 1]
    np.testing.assert_array_equal(sites["rent"], [12.5, 9.0, np.nan])
    np.testing.assert_array_equal(sites["zone"], [2.0, np.nan, 3.0])
    # A code with a zero in front is none, nor is the plus of a telephone, nor what is a word once.
    assert sites["post"].tolist() == ["03000", "75001", "69001"]
    assert sites["phone"].str.startswith("+").all()
    assert sites["mixed"].tolist()[:2] == ["7", "seven"]
    assert sites["empty"].eq("").all()
