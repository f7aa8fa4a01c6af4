"""What the map says in short of further questions is what the report says; doubtful sites explain themselves on it."""

import html
import json
import re

import pandas as pd

from tests.browser import browser, needs_chromium, open_page
from tests.test_maps import map_of, small_plan, small_world


def test_the_map_says_of_further_questions_what_the_report_says(demo):
    page = (demo / "results" / "map.html").read_text(encoding="utf-8")
    found = re.search(r'id="siteplan-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    told = json.loads(found[1])["topics"]
    written = (demo / "results" / "report.html").read_text(encoding="utf-8")
    report = html.unescape(re.sub(r"<[^>]*>", " ", written))
    asked = ["frontier", "criteria", "competition", "spaces", "who_pays", "building", "observed"]
    assert [each["key"] for each in told["en"]] == asked
    assert [each["key"] for each in told["fr"]] == [each["key"] for each in told["en"]]
    for topic in told["en"]:
        picture = topic["picture"] or {"title": topic["title"]}  # of spaces, the page draws the week itself
        figures = [number for _, *both in picture.get("rows", ()) for number in both] + picture.get("ys", [])
        for text in (topic["title"], *topic["texts"], picture["title"], *(f"{round(each):,}" for each in figures)):
            assert text in report, topic["key"]
    said = [{text for each in topics for text in each["texts"]} for topics in told.values()]
    assert not set.intersection(*said)


def doubtful(**more):
    row = {"mode": "walk", "minutes": 20.0, "people": 12.0, "beside": 2, "usual": 400.0, "street": "<i>Wall</i> Lane"}
    row |= {"highway": "service", "way": 2, "off_m": 3.0, "from_site": "a", "straight_m": 120.4, "way_m": 1500.0}
    return {**row, "usual_times": 1.2, **more}


@needs_chromium
def test_a_doubtful_site_is_marked_and_its_card_says_why(tmp_path):
    rows = [{"site": "b", **doubtful()}, {"site": "c", **doubtful(street="", way_m=float("nan"))}]
    world = small_plan(doubts=pd.DataFrame(rows))
    world.page.save(tmp_path / "map.html")
    with browser() as chromium, open_page(chromium, tmp_path / "map.html") as seen:
        assert seen.page.locator(".mark.doubts").count() == 2
        assert "! doubtful" in seen.page.locator('[data-legend="sites"]').inner_text()
        names = world.sites["name"]
        seen.page.locator("#ranking tbody button", has_text=names["b"]).click()
        said = seen.page.locator("#card .doubtful").inner_text()
        assert said == (
            "Doubtful. Reaches 12 people on foot in 20 minutes; the sites within 500 m reach 400. "
            "It joins <i>Wall</i> Lane (service), 3 m off. "
            f"The way to it from {names['a']} (a), 120 m off, has 1,500 m."
        )
        seen.page.locator("#ranking tbody button", has_text=names["c"]).click()
        said = seen.page.locator("#card .doubtful").inner_text()
        assert "a street without a name (service)" in said
        assert f"No way leads to it from {names['a']}" in said
        seen.page.locator("#ranking tbody button", has_text=names["a"]).click()
        assert seen.page.locator("#card .doubtful").count() == 0
        seen.page.locator("#jump").select_option(label="Territories")  # what stands farther down, by its heading
        assert seen.page.evaluate("document.activeElement.textContent") == "Territories"
        assert seen.complaints == []


@needs_chromium
def test_what_money_buys_is_drawn_and_listed(tmp_path):
    table = {"cost": [0.0, 100.0, 250.0], "sites": [1, 2, 2], "value": [10.0, 30.0, 45.0], "opens": ["", "b", "c"]}
    world = small_world()
    map_of(**world, frontier=pd.DataFrame(table), choose={"objective": "coverage"}).save(tmp_path / "map.html")
    with browser() as chromium, open_page(chromium, tmp_path / "map.html") as seen:
        assert seen.page.locator("#topics figure circle").count() == 3
        seen.page.locator("#topics summary").click()
        rows = [row.split("\t") for row in seen.page.locator("#topics tbody tr").all_inner_texts()]
        assert [row[:3] for row in rows] == [["0", "1", "10"], ["100", "2", "30"], ["250", "2", "45"]]
        assert [row[3] for row in rows[1:]] == [world["sites"]["name"]["b"], world["sites"]["name"]["c"]]
        assert seen.complaints == []
