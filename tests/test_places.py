"""Places by name: one is taken, several are listed, none is guessed; by code, by four numbers, from a file."""

from dataclasses import replace

import pytest
from shapely.geometry import box
from typer.testing import CliRunner

import miniature_extracts
import miniature_places
from replay import replayed
from siteplan.cli import app
from siteplan.errors import FetchError, InputError, StudyError
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.places import (
    area_in_bounds,
    area_of_file,
    commune_by_code,
    find_places,
    places_meant,
    with_country,
)

SAMPLE = miniature_places.SAMPLE


@pytest.fixture
def replay(monkeypatch):
    with replayed(miniature_places.answers(), monkeypatch) as replay:
        yield replay


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", offline=False, timeout=5, patience=0.02, tries=2)


def test_a_commune_of_france_is_found_by_its_name(replay, downloads):
    (area,) = find_places("saint aubry, France", downloads)
    assert (area.name, area.country, area.code, area.population) == (
        "Saint-Aubry, Orvelle, France",
        "FR",
        "99001",
        1000,
    )
    assert not replay.asked("nominatim")
    assert find_places("saint aubry, France", downloads) == [area]
    assert len(replay.requests) == 1


def test_several_communes_of_a_name_are_all_given_and_the_department_decides(replay, downloads):
    """Moulins-Engilbert is none of them: a name is the whole of a name."""
    assert [area.code for area in find_places("Moulins, France", downloads)] == ["03190", "02532"]
    assert [area.code for area in find_places("Moulins, Allier, France", downloads)] == ["03190"]
    assert [area.code for area in find_places("Moulins, 02, France", downloads)] == ["02532"]


def test_a_place_anywhere_is_found_once_though_it_is_a_city_and_a_county(replay, downloads):
    (area,) = find_places("Marburg, Germany", downloads)
    assert (area.country, area.population, area.bounds) == ("DE", 76000, (8.7, 50.7, 8.8, 50.9))
    assert [area.name for area in find_places("Springfield", downloads)] == [
        "Springfield, Illinois", "Springfield, Massachusetts",
    ]  # fmt: skip
    assert "siteplan/" in replay.requests[0].headers["User-Agent"]


def test_a_valley_of_france_is_no_commune_and_found_all_the_same(replay, downloads):
    (area,) = find_places(f"{miniature_places.VALLEY}, France", downloads)
    assert (area.country, area.population) == ("FR", 49742)
    replay.fail("geo_api", status=404, times=9)
    assert find_places(f"{miniature_places.VALLEY},  France", downloads)[0].population == 49742


def test_what_is_nowhere_or_a_point_is_told(replay, downloads):
    assert find_places("Nowhere", downloads) == []
    with pytest.raises(FetchError, match="as a point without an outline; give --bbox west,south,east,north or --area"):
        find_places("Hamlet", downloads)
    with pytest.raises(StudyError, match="place: is empty"):
        find_places(" , ", downloads)
    replay.fail("nominatim", body=b"[")
    with pytest.raises(FetchError, match=r"nominatim: the answer of .* is not what is expected"):
        find_places("Elsewhere", downloads)


def test_a_code_is_that_of_a_commune_alone(replay, downloads):
    """Departments and regions have codes of INSEE too, which are none of communes: 03 is Allier, 84 a region."""
    assert find_places("Allier", downloads)[0].code == ""
    assert find_places("Moulins", downloads)[0].code == "03190"


def test_a_commune_by_its_code(replay, downloads):
    assert commune_by_code("03190", downloads).name == "Moulins, Allier, France"
    with pytest.raises(FetchError, match="--insee 03000: no commune of France has this code; postal codes are others"):
        commune_by_code("03000", downloads)
    with pytest.raises(StudyError, match="--insee: found '3190'; expected the five characters"):
        commune_by_code("3190", downloads)


def test_an_area_by_numbers_or_from_a_file_learns_its_country(replay, downloads, monkeypatch):
    square = area_in_bounds("3.25,46.4,3.4,46.5")
    assert square == Area("3.25,46.4,3.4,46.5", box(3.25, 46.4, 3.4, 46.5))
    assert with_country(square, downloads) == replace(square, country="FR")
    area = with_country(area_of_file(SAMPLE / "communes.gpkg"), downloads)
    assert (area.name, area.country) == ("communes", "FR")
    assert area.bounds == pytest.approx(miniature_places.communes().total_bounds)
    assert with_country(square, Downloads(downloads.folder / "none", offline=True)) == square
    # where Nominatim cannot tell, the extracts of one country do: not those of several, nor of none
    replay.answers["geofabrik"] = miniature_extracts.answers()["geofabrik"]
    monkeypatch.setenv("SITEPLAN_URL_GEOFABRIK", replay.url("geofabrik"))
    replay.fail("nominatim", status=404, times=9)
    other = Downloads(downloads.folder / "other", offline=False, patience=0.02, tries=2)
    assert with_country(area_in_bounds("3.35,46.4,3.4,46.5"), other).country == "FR"
    assert with_country(area_in_bounds("12,46.4,12.4,46.5"), other).country == ""
    for wrong in ("3,46,2,47", "3,46,4", "a,b,c,d", "3,46,4,nan"):
        with pytest.raises(StudyError, match=r"--bbox: found .*; expected west,south,east,north in degrees"):
            area_in_bounds(wrong)


def test_what_an_area_may_be_where_a_file_may_stand(replay, downloads, tmp_path):
    """A file, numbers, a code, a name, and around each; only a code and a name are asked for."""
    (file,) = places_meant(str(SAMPLE / "communes.gpkg"), downloads)
    (numbers,) = places_meant("3.25,46.4,3.4,46.5", downloads)
    (wide,) = places_meant("near 3.25,46.4,3.4,46.5", downloads)
    (wider,) = places_meant("12,5 km around 3.25,46.4,3.4,46.5", downloads)
    assert replay.requests == []
    assert (file.name, numbers.bounds) == ("communes", (3.25, 46.4, 3.4, 46.5))
    # a degree of latitude is 111 km: 5 km are 0.045 of it
    assert [round(area.bounds[3] - 46.5, 3) for area in (wide, wider)] == [0.045, 0.112]
    (code,) = places_meant("03190", downloads)
    (name,) = places_meant("Moulins, Allier, France", downloads)
    assert code == name
    (near,) = places_meant("2 km around Moulins, Allier, France", downloads)
    assert near.geometry.contains(name.geometry)
    # the commune's code and people are not those of what lies around it
    assert (near.name, near.country, near.code, near.population) == (
        "2 km around Moulins, Allier, France", "FR", "", None,
    )  # fmt: skip
    assert len(places_meant("near Moulins, France", downloads)) == 2
    with pytest.raises(InputError, match=r"nowhere\.geojson"):
        places_meant("nowhere.geojson", downloads)


def test_candidates_of_a_place_by_its_name(replay, downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
    extract = str(SAMPLE / "streets.osm.pbf")

    def of(place):
        return CliRunner().invoke(app, ["candidates", extract, "--area", place, "-q"])

    own = of(str(SAMPLE / "communes.gpkg"))
    assert replay.requests == []
    assert of(f"{miniature_places.VALLEY}, France").stdout == own.stdout
    first = of("Saint-Aubry, France")
    assert first.exit_code == 0
    assert 1 < len(first.stdout.splitlines()) < len(own.stdout.splitlines())
    several = of("Moulins, France")
    assert (several.exit_code, several.stdout) == (2, "")
    assert "  Moulins, Allier, France, 19,000 people (--area 03190)" in several.stderr
    assert '  Moulins, Allier, France, 19,000 people (--area "near 03190")' in of("near Moulins, France").stderr
    monkeypatch.setenv("SITEPLAN_OFFLINE", "1")
    count = len(replay.requests)
    assert of("Saint-Aubry, France").stdout == first.stdout
    away = of("Marburg, Germany")
    assert (away.exit_code, len(replay.requests)) == (1, count)
    assert "offline nothing is asked for" in away.stderr


def test_a_margin_is_metres_on_the_ground():
    """At 46 degrees north 1,000 m are 0.0129 degrees of longitude and 0.0090 of latitude."""
    wide = Area("a square", box(3.0, 46.0, 3.1, 46.1)).around(1000)
    assert wide.bounds == pytest.approx((2.9871, 45.9910, 3.1129, 46.1090), abs=2e-4)
