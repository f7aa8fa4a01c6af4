"""The page under axe-core, in every view that a reader may have before the eyes: nothing serious, nothing critical."""

from importlib.resources import files

import geopandas as gpd
import pandas as pd
import pytest
from shapely import LineString, Point

from tests.browser import browser, needs_chromium, open_page
from tests.test_maps import UTM, result_of, small_plan

GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with everything that a page may have, but online tiles."""
    world = small_plan()
    places = [Point(500_500, 5_000_500), Point(502_500, 5_001_500)]
    names = gpd.GeoDataFrame(
        {"name": ["Oberdorf", "Niederdorf"], "place": ["town", "hamlet"]}, geometry=places, crs=UTM
    )
    ways = gpd.GeoDataFrame({"name": ["12"]}, geometry=[LineString(places)], crs=UTM)
    sites = world.sites.copy()
    sites.loc["a", "status"] = "excluded"
    sites.loc["b", "geometry"] = Point(502_500, 5_001_000)
    fewer = world.times[world.times["mode"] != "bike"]
    about = {"about": "close the cycleway; move b"}
    other = result_of(sites, times=fewer, points=world.points, choice=["b"], scenario=about)
    drawn = small_plan(
        phases=[("First", ["b"])],
        scenarios={"No bikes": other},
        curve=pd.DataFrame({"sites": [1, 2], "covered": [10.0, 12.0], "bound": [11.0, 12.0]}),
        lines=pd.DataFrame({"site": ["a"], "line": ["12"], "people": [5.0], "lost": [1.0]}),
        stops=names,
        transit_lines=ways,
        places=names,
        railways=ways,
    ).page
    path = tmp_path_factory.mktemp("axe") / "map.html"
    drawn.save(path)
    return path


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


def findings(seen):
    """What axe-core finds grave: rule, element and what is wrong with it."""
    if not seen.page.evaluate("'axe' in window"):
        seen.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = seen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        (each["id"], node["html"][:120], node["failureSummary"])
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_view_of_the_page_has_a_grave_finding(chromium, page, language, width):
    with open_page(chromium, page, width=width) as seen:
        seen.page.locator("#tools button", has_text=language.upper()).click()
        assert findings(seen) == []
        seen.page.locator("#against").select_option(index=1)
        assert findings(seen) == []
        seen.page.locator('[name="shown"][value="after"]').check(force=True)
        assert findings(seen) == []
        seen.page.locator("#ranking tbody button").nth(1).click()
        assert seen.page.locator("#card").is_visible()
        assert findings(seen) == []
        seen.page.locator("#card .close").click()
        area = seen.page.locator(".folium-map").bounding_box()
        seen.page.mouse.click(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.45)
        seen.page.locator(".leaflet-popup .card").wait_for()
        seen.page.wait_for_timeout(300)  # it fades in
        assert findings(seen) == []
        assert seen.complaints == []


@needs_chromium
def test_a_grave_finding_would_be_seen(chromium, page):
    with open_page(chromium, page) as seen:
        seen.page.evaluate("document.querySelector('#ranking input').removeAttribute('aria-label')")
        assert [rule for rule, *_ in findings(seen)] == ["label"]
