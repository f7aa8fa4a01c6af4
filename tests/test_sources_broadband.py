"""Broadband by commune as columns of the sites: shares of the premises, by wire."""

import dataclasses
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from siteplan.errors import FetchError
from siteplan.inputs.area import read_area
from siteplan.inputs.sites import read_sites
from siteplan.sources.area import Area
from siteplan.sources.broadband import SHARES, get_broadband
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import sources
from tests.miniature_feeds import SAMPLE
from tests.replay import replayed

ARCEP = sources("broadband")[0]
FILE = "/fixe/maconnexioninternet/statistiques/last/commune/commune_debit_filaire.csv"
HEAD = "code_insee;nom_com;code_dep;code_reg;type;date;nbr;inel_hd;elig_hd3;elig_bhd8;elig_thd30;elig_thd100;elig_thd1g"
TABLE = "\n".join(
    [
        HEAD,
        "99001;Saint-Aubry;99;99;all;2026-03-31;20000;10;19990;19900;19000;18500;18000",
        "99002;Vernay;99;99;all;2026-03-31;1000;0;1000;1000;500;333;0",
        "99003;Vide;99;99;all;2026-03-31;0;0;0;0;0;0;0",
        "99001;Saint-Aubry;99;99;pro;2026-03-31;5;5;0;0;0;0;0",
    ]
)


@pytest.fixture
def communes() -> gpd.GeoDataFrame:
    return read_area(SAMPLE / "communes.gpkg")


@pytest.fixture
def area(communes) -> Area:
    return Area("Vallée de l'Orvelle", communes.to_crs(4326).union_all(), country="FR", code="99001")


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "town").mkdir()
    (tmp_path / "town/sites.csv").write_bytes((SAMPLE / "sites.csv").read_bytes())
    return tmp_path / "town"


def test_sites_get_the_shares_of_their_commune(area, communes, folder, tmp_path, monkeypatch):
    with replayed({"arcep": {FILE: TABLE.encode()}}, monkeypatch):
        got = get_broadband(area, ARCEP, Downloads(tmp_path / "cache"), folder, communes=communes)
    before, after = (
        pd.read_csv(path, dtype=str, na_filter=False) for path in (SAMPLE / "sites.csv", folder / "sites.csv")
    )
    pd.testing.assert_frame_equal(after[before.columns], before)  # all else stays as it stands
    assert list(after.columns) == [*before.columns, *SHARES]
    sites = read_sites(folder / "sites.csv")
    points = sites.geometry.to_crs(communes.crs)
    expected = {"99001": (0.95, 0.925, 0.9), "99002": (0.5, 0.333, 0.0)}
    for site, point in points.items():  # the obvious way
        inside = [code for code, outline in communes.geometry.items() if outline.intersects(point)]
        shares = expected.get(inside[0] if inside else "", (None, None, None))
        written = [float(value) if value else None for value in after.set_index("site").loc[site, list(SHARES)]]
        assert written == list(shares), site
    known = after["wired_100_mbits"] != ""
    assert 0 < known.sum() < len(sites)
    assert got.notes == [f"arcep: the commune of {(~known).sum()} of {len(sites)} sites is not in it"]
    assert got.used[0].vintage == "2026-03-31"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (TABLE.replace("elig_thd1g", "elig_10g"), "lacks the columns elig_thd1g"),
        ("", "is no CSV"),
        ("<html><title>Maintenance</title></html>", "a page of HTML"),
    ],
)
def test_a_table_that_was_changed_leaves_the_sites_alone(
    content, problem, area, communes, folder, tmp_path, monkeypatch
):
    with replayed({"arcep": {FILE: content.encode()}}, monkeypatch), pytest.raises(FetchError, match=problem):
        get_broadband(area, ARCEP, Downloads(tmp_path / "cache"), folder, communes=communes)
    assert (folder / "sites.csv").read_bytes() == (SAMPLE / "sites.csv").read_bytes()


def test_without_sites_there_is_nothing_to_add_to(area, communes, tmp_path):
    with pytest.raises(FetchError, match=r"there is no sites\.csv"):
        get_broadband(area, ARCEP, Downloads(tmp_path / "cache"), tmp_path, communes=communes)


def test_sites_of_which_no_commune_is_known_stay_as_they_are(area, folder, tmp_path, monkeypatch):
    """Without communes the area is the one, and its name is no code of any."""
    why = r"has none of the communes .* lie in \(1 here\); fetch communes as well"
    with replayed({"arcep": {FILE: TABLE.encode()}}, monkeypatch), pytest.raises(FetchError, match=why):
        get_broadband(dataclasses.replace(area, code=""), ARCEP, Downloads(tmp_path / "cache"), folder)
    assert (folder / "sites.csv").read_bytes() == (SAMPLE / "sites.csv").read_bytes()
