"""Coworking and third places of a list: added to the sites, each once, and told."""

import pandas as pd
import pytest
from shapely.geometry import box

from siteplan.errors import FetchError
from siteplan.inputs.sites import read_sites
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import sources
from siteplan.sources.workplaces import get_workplaces
from tests.miniature_feeds import SAMPLE
from tests.miniature_workplaces import FILE, third_places
from tests.replay import replayed

(LIST,) = sources("workplaces")
TOWN = Area("Saint-Aubry", box(3.3, 46.4, 3.4, 46.5), country="FR")
# The halle of the sample is at 3.353632, 46.450465: a hundredth of a second of it is 70 m to the north.
ROWS = [
    ("1", "Telecentre de la  HALLE", "Tiers lieux à dominante coworking", 46.45109, 3.353632),
    ("2", "L'Atelier", "Tiers lieux à dominante fablab", 46.44, 3.35),
    ("3", "La Ruche", "Tiers lieux à dominante coworking", 46.46, 3.36),
    ("4", "Beyond", "Tiers lieux à dominante coworking", 48.0, 2.0),
    ("5", "Nowhere", "Tiers lieux à dominante coworking", "", ""),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sites.csv").write_bytes((SAMPLE / "sites.csv").read_bytes())
    return tmp_path


def get(rows, folder, monkeypatch, content=None):
    with replayed({"cget_tiers_lieux": {FILE: content or third_places(rows)}}, monkeypatch):
        return get_workplaces(TOWN, LIST, Downloads(folder / "cache", offline=False), folder)


def test_places_of_the_list_stand_beside_those_of_the_sites(folder, monkeypatch):
    before = pd.read_csv(folder / "sites.csv", dtype=str, na_filter=False)
    got = get(ROWS, folder, monkeypatch)
    after = read_sites(folder / "sites.csv")
    # the first is a site already, whatever capitals and accents say; the fourth is elsewhere, the fifth nowhere
    assert list(after.index) == [*before["site"], "tl-2", "tl-3"]
    assert list(after.loc[["S01", "tl-2", "tl-3"], "status"]) == ["existing", "candidate", "existing"]
    assert (after.geometry["tl-3"].x, after.geometry["tl-3"].y) == (3.36, 46.46)
    assert got.notes == [
        f"{LIST.title}: 3 places in Saint-Aubry, of which 1 are in OpenStreetMap as well; what was open in 2019 may "
        "have closed: look at each, and change its status in sites.csv",
        f"{LIST.title}: 1 places of the list are without coordinates, and were left out",
    ]
    assert (got.used[0].vintage, got.used[0].licence) == ("2019", "Licence Ouverte 2.0")
    assert got.inputs == {"sites": "sites.csv"}
    first = (folder / "sites.csv").read_bytes()
    get(ROWS, folder, monkeypatch)  # the places of the list are now sites of their own name: nothing comes twice
    assert (folder / "sites.csv").read_bytes() == first


def test_the_nearest_of_several_twins_is_the_one(folder, monkeypatch):
    """Two coworking places of OpenStreetMap lie 60 and 100 m from one of the list: the nearer one is the same."""
    kinds = "site,name,lon,lat,status,kind\na,Far,3.36,46.4609,candidate,coworking\nb,Near,3.36,46.46054,,coworking\n"
    (folder / "sites.csv").write_text(kinds + "c,Hall,3.36,46.46,candidate,town hall\n")
    get(ROWS[2:3], folder, monkeypatch)
    assert list(read_sites(folder / "sites.csv")["status"]) == ["candidate", "existing", "candidate"]


def test_where_there_are_no_sites_the_list_makes_them(tmp_path, monkeypatch):
    got = get(ROWS, tmp_path, monkeypatch)
    assert got.inputs == {"sites": "sites.csv"}
    assert list(read_sites(tmp_path / "sites.csv").index) == ["tl-1", "tl-2", "tl-3"]


def test_a_place_without_any_is_told_and_changes_nothing(folder, monkeypatch):
    got = get(ROWS[3:4], folder, monkeypatch)
    assert got.notes == [f"{LIST.title}: no place in Saint-Aubry; coworking places are those of OpenStreetMap alone"]
    assert (folder / "sites.csv").read_bytes() == (SAMPLE / "sites.csv").read_bytes()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(third_places(ROWS).replace(b"LAT", b"Y"), "lacks the columns LAT"), (b"<html></html>", "a page of HTML")],
)
def test_a_list_that_was_changed_is_refused(content, problem, folder, monkeypatch):
    with pytest.raises(FetchError, match=problem):
        get([], folder, monkeypatch, content)
    assert (folder / "sites.csv").read_bytes() == (SAMPLE / "sites.csv").read_bytes()
