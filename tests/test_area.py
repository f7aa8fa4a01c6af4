"""Territories, and the area whose streets and people can matter."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from siteplan.errors import InputError, SiteplanWarning
from siteplan.geo import box_area
from siteplan.inputs.area import read_area, shortfall, study_area

BOXES = shapely.box(np.arange(2.0), 45, np.arange(2.0) + 1, 46)


def written(folder: Path, **columns: Any) -> Path:
    table = gpd.GeoDataFrame(columns, geometry=columns.pop("geometry", BOXES), crs=4326)
    table.to_file(folder / "communes.gpkg")
    return folder / "communes.gpkg"


def test_territories_have_an_id_and_a_name(tmp_path: Path) -> None:
    area = read_area(written(tmp_path, INSEE_COM=["01004", "2A001"], NOM_COM=["Ambérieu", "Afa"]))
    assert area.index.tolist() == ["01004", "2A001"]
    assert area.index.name == "territory"
    assert area["name"].tolist() == ["Ambérieu", "Afa"]
    assert list(area.columns) == ["name", "geometry"]


def test_names_stand_in_for_ids_and_numbers_for_names(tmp_path: Path) -> None:
    assert read_area(written(tmp_path, name=["A", "B"])).index.tolist() == ["A", "B"]
    assert read_area(written(tmp_path, name=["A", "A"])).index.tolist() == ["1", "2"]
    assert read_area(written(tmp_path, label=["x", "y"]))["name"].tolist() == ["1", "2"]
    assert read_area(written(tmp_path, label=["x", "y"]), name="label")["name"].tolist() == ["x", "y"]


def test_bad_territories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_area(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="has no column 'nom' for names; its columns are name"):
        read_area(written(tmp_path, name=["A", "B"]), name="nom")
    with pytest.raises(InputError, match=r"territory id\(s\) in column 'code' stand twice: 7"):
        read_area(written(tmp_path, code=[7, 7]))
    with pytest.raises(InputError, match="feature 1 is a Point; expected polygons"):
        read_area(written(tmp_path, geometry=gpd.points_from_xy([1, 2], [3, 4])))
    with pytest.raises(InputError, match="feature 2 is a row without geometry"):
        read_area(written(tmp_path, geometry=[BOXES[0], None]))


def test_crossed_outlines_are_repaired(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.warns(SiteplanWarning, match="1 territories of 1 cross themselves"):
        assert read_area(written(tmp_path, geometry=[bow])).is_valid.all()


def test_twenty_minutes_by_bike_are_5_km_around() -> None:
    site = gpd.GeoSeries([shapely.Point(9.5, 47.1)], crs=4326)
    area = study_area(site, minutes=20, speed_kmh=15)
    assert area.crs.is_projected
    assert area.area.iloc[0] == pytest.approx(np.pi * 5000**2, rel=0.01)
    assert area.contains(site.to_crs(area.crs)).all()


def test_the_shortfall_is_the_share_the_data_miss() -> None:
    site = gpd.GeoSeries([shapely.Point(500_000, 5_000_000)], crs=32632)
    area = study_area(site, minutes=15, speed_kmh=4)
    west = box_area((490_000, 4_990_000, 500_000, 5_010_000), 32632)
    assert shortfall(area, west) == pytest.approx(0.5, abs=1e-3)
    assert shortfall(area, west.to_crs(4326)) == pytest.approx(0.5, abs=2e-3)
    assert shortfall(area, area) == pytest.approx(0)
    assert shortfall(area, box_area((0, 0, 1, 1), 4326)) == 1
    with pytest.raises(InputError, match="in degrees"):
        shortfall(area.to_crs(4326), west)


def test_sites_far_apart_need_two_areas() -> None:
    sites = gpd.GeoSeries(gpd.points_from_xy([9.5, 9.9], [47.1, 47.1]), crs=4326)
    assert study_area(sites, minutes=15, speed_kmh=4.8).geom_type.tolist() == ["MultiPolygon"]
