"""The map in a real browser with its network off: what it shows, what it asks for, what it weighs."""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import folium.plugins
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import LineString, MultiPolygon, Point, Polygon, box

from siteplan.analysis.change import gained_lost
from siteplan.analysis.coverage import by_way
from siteplan.analysis.equity import cell_territories
from siteplan.analysis.reach import added, coverage, reach
from siteplan.config import Public
from siteplan.contours import isochrones
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.network.streets import read_streets
from siteplan.output.areas import as_one, plainer
from siteplan.output.maps import SiteMap, layers, site_map
from siteplan.output.maps.cells import cell_layers
from siteplan.output.maps.layers import mark_labels
from siteplan.output.maps.plan import pack_runs
from siteplan.output.maps.private import join_small, spread_people
from siteplan.output.maps.shapes import fewest_merged, pack, pack_within
from siteplan.output.report.markup import UNSEEN
from siteplan.output.result import Result
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.words import all_words, half_up, load_words
from tests.browser import browser, needs_chromium, open_page, watched

UTM = "EPSG:32632"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- &amp; \u2028",
]
REAL = Path(os.environ.get("SITEPLAN_DATA", Path(__file__).parents[2] / "shared" / "data")) / "porto_alegre"


def small_world(names=("Library", "Town hall", "Station", "Barn")):
    """Four sites on a 4 x 3 km plain of 500 m cells, with made rings and figures."""
    east, north = 500_000, 5_000_000
    index = pd.Index(["a", "b", "c", "d"], name="site")
    places = [Point(east + 800, north + 800), Point(east + 3_000, north + 900), Point(east + 2_000, north + 2_200)]
    places.append(Point(east + 3_700, north + 2_700))
    status = ["existing", "candidate", "required", "excluded"]
    facts = {
        "name": list(names),
        "status": status,
        "cost": [np.nan, 120_000.0, 1e6, 5.0],
        "capacity": [12.0, np.nan, 30.0, np.nan],
    }
    sites = gpd.GeoDataFrame(facts, geometry=places, index=index, crs=UTM)
    rows = [
        (site, mode, minutes, speed, place.buffer(minutes * speed * 10))
        for site, place in sites.geometry.items()
        for mode, speed in (("walk", 4.8), ("bike", 15.0))
        for minutes in (15, 20)
    ]
    rings = gpd.GeoDataFrame(rows, columns=["site", "mode", "minutes", "speed_kmh", "geometry"], crs=UTM)
    squares = [
        box(east + x, north + y, east + x + 500, north + y + 500)
        for y in range(0, 3000, 500)
        for x in range(0, 4000, 500)
    ]
    people = np.arange(48.0) * 40
    people[5] = np.nan
    cells = gpd.GeoDataFrame({"people": people}, geometry=squares, index=pd.RangeIndex(48, name="cell"), crs=UTM)
    figures = {
        "people_walk_15": [12_345.0, 9_000.0, 800.0, 3.0],
        "unique_walk_15": [10_000.4, 1.0, 0.0, 3.0],
        "people_bike_20": [23_456.0, 20_000.0, 19_000.0, 300.0],
        "workers_walk_15": [5_000.0, 4_000.0, 300.0, 1.0],
        "score": [100.0, 72.9, 6.5, np.nan],
        "rank": pd.array([1, 2, 3, None], dtype="Int64"),
        "walk_kmh": 4.8,
        "bike_kmh": 15.0,
    }
    scores = sites.drop(columns="geometry").join(pd.DataFrame(figures, index=index))
    halves = [box(east + x, north, east + x + 2000, north + 3000) for x in (0, 2000)]
    outline = gpd.GeoDataFrame({"name": ["West <b>", "East"]}, geometry=halves, crs=UTM)
    return {"sites": sites, "rings": rings, "cells": cells, "scores": scores, "communes": outline}


def with_minutes(cells):
    minutes = np.linspace(1, 24, len(cells))
    minutes[-3:] = np.nan
    more = {
        "minutes_walk": minutes + 1,
        "minutes_bike": minutes,
        "minutes_best": minutes,
        "site_best": "b",
        "covered_walk_15": 0.25,
    }
    return cells.assign(**more)


def result_of(sites, **given):
    """A result of layers and tables by their names, and of what a manifest says."""
    given = {name: each for name, each in given.items() if each is not None}
    asked = {"language": given.pop("language", "en"), "output": {"threshold": given.pop("threshold", 0)}}
    who = [each.model_dump(mode="json") for each in given.pop("publics", ())]
    asked |= {"choose": given.pop("choose", None)} | ({"travel": {"publics": who}} if who else {})
    told = {"parameters": asked, "totals": {"people": given.pop("totals", {})}}
    told |= {name: given.pop(name) for name in ("name", "notes", "scenario") if name in given}
    choice, phases = given.pop("choice", None), given.pop("phases", None)
    if phases is not None:
        opens = {site: name for name, opened in phases for site in opened}
        given["phases"] = pd.DataFrame({"phase": [name for name, _ in phases]})
        status = sites["status"].reindex(choice or list(opens))
        choice = pd.DataFrame({"site": status.index, "status": status.to_numpy(), "phase": status.index.map(opens)})
    elif isinstance(choice, list):
        choice = pd.DataFrame({"site": choice})
    given |= {} if choice is None else {"choice": choice}
    scenarios = given.pop("scenarios", {})
    for name, layer in (("rings", "isochrones"), ("left_out", "places_without_access")):
        given |= {layer: given.pop(name)} if name in given else {}
    layers = {name for name, each in given.items() if isinstance(each, gpd.GeoDataFrame)}
    tables = {name: each for name, each in given.items() if name not in layers}
    return Result(sites, tables, {name: given[name] for name in layers}, told, scenarios=scenarios)


def map_of(*sites, **given):
    return site_map(result_of(*sites, **given))


def data_of(page: SiteMap):
    return json.loads(re.search(r'id="siteplan-data" type="application/json">(.*?)</script>', page.html, re.DOTALL)[1])


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages():
    """Blank pages, each with the network off: a new one takes as long as a map takes to open in it."""
    return []


@pytest.fixture
def opened(chromium, pages, tmp_path):
    """A function that opens a map and fails the test when the page complained or asked for anything but itself."""
    contexts = []

    def open_map(page: SiteMap, *, width=1400, height=900):
        page.save(tmp_path / "map.html")
        blank = pages.pop() if pages else chromium.new_context(offline=True).new_page()
        blank.set_viewport_size({"width": width, "height": height})
        context = watched(blank, tmp_path / "map.html")
        contexts.append((context, context.__enter__()))
        return contexts[-1][1]

    yield open_map
    for context, seen in contexts:
        context.__exit__(None, None, None)
        assert seen.requests == [(tmp_path / "map.html").as_uri()]
        assert seen.complaints == []
        pages.append(seen.page)


# ---- what the page is made of ----


def test_the_same_bytes_twice(tmp_path):
    pages = [site_map(**small_world(), title="Valley") for _ in range(2)]
    assert pages[0].html == pages[1].html
    pages[0].save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_bytes() == pages[0].html.encode()


def test_no_element_of_the_page_points_elsewhere():
    html = re.sub(r"<script\b.*?</script>", "", site_map(**small_world()).html, flags=re.DOTALL)
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", html)
    assert not re.search(r"url\((?!data:|#)", html)
    assert "cdn" not in html


def test_a_page_without_additions_is_written_without_folium(monkeypatch):
    """Which takes long to load."""
    monkeypatch.setitem(sys.modules, "folium", None)
    assert "siteplan(siteplan_map)" in site_map(**small_world()).html


def test_text_cannot_end_the_element_it_stands_in():
    page = site_map(**small_world(HOSTILE))
    inside = re.search(r'type="application/json">(.*?)</script>', page.html, re.DOTALL)[1]
    assert not set(inside) & set("<>&")
    assert [site["name"] for site in data_of(page)["sites"]] == HOSTILE


def test_nothing_unseen_drives_a_terminal_or_turns_what_is_shown():
    page = site_map(
        **small_world(("bell \x07\x1b[31m", "\u202eturned", "next \x85", "Barn")), title="a \x1b[31m\u202e b"
    )
    assert not UNSEEN.search(page.html)
    assert "<title>a \ufffd[31m\ufffd b</title>" in page.html
    assert [site["name"] for site in data_of(page)["sites"]][1:] == ["\ufffdturned", "next \ufffd", "Barn"]


def test_a_notebook_shows_the_page_in_a_frame():
    shown = site_map(**small_world())._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<script" not in shown


@pytest.mark.parametrize("without", ["rings", "cells", "scores", "communes", "all of them"])
def test_anything_but_the_sites_may_be_absent(without):
    world = {
        name: table for name, table in small_world().items() if name == "sites" or without not in (name, "all of them")
    }
    kinds = {layer["kind"] for layer in data_of(site_map(**world))["layers"]}
    assert {"sites", "tiles"} <= kinds
    assert without not in kinds


def test_empty_tables_are_as_good_as_none():
    world = small_world()
    empty = {name: world[name].iloc[:0] for name in ("rings", "cells", "communes")}
    assert [layer["kind"] for layer in data_of(site_map(world["sites"], **empty))["layers"]] == ["sites", "tiles"]
    assert [layer["kind"] for layer in data_of(site_map(world["sites"].iloc[:0]))["layers"]] == ["tiles"]


def test_an_empty_ring_is_an_empty_shape():
    world = small_world()
    world["rings"].loc[0, "geometry"] = Polygon()
    layer = next(layer for layer in data_of(site_map(**world))["layers"] if layer["id"] == "rings walk 15")
    assert layer["own"][0] == ""
    assert all(layer["own"][1:])


def test_the_area_of_any_site_leaves_the_excluded_out():
    world = small_world()
    fewer = world | {"rings": world["rings"][world["rings"]["site"] != "d"]}
    with_all, without = (data_of(site_map(**each))["layers"][1] for each in (world, fewer))
    assert with_all["union"] == without["union"]
    assert (bool(with_all["own"][3]), bool(without["own"][3])) == (True, False)


def test_a_table_without_crs_is_refused():
    with pytest.raises(InputError, match="cells: no coordinate reference system"):
        site_map(small_world()["sites"], cells=small_world()["cells"].set_crs(None, allow_override=True))


def test_an_unknown_language_is_refused():
    with pytest.raises(StudyError, match="'de' is not known; expected one of en, fr"):
        site_map(small_world()["sites"], language="de")


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (1234567.4, "1,234,567", "1\u202f234\u202f567"),
        (4.8, "4.8", "4,8"),
        (15.0, "15", "15"),
        (float("nan"), "–", "–"),
    ],
)
def test_numbers_are_written_as_a_reader_expects(value, english, french):
    assert load_words("en").number(value) == english
    assert load_words("fr").number(value) == french


def test_speeds_limits_and_people_are_noted_without_asking():
    notes = data_of(map_of(**small_world(), notes=["Data of 2020."]))["notes"]["en"]
    assert notes[0] == "Speeds: on foot 4.8 km/h; by bicycle 15 km/h."
    assert data_of(site_map(**small_world()))["notes"]["fr"][0].endswith("4,8 km/h\u202f; à vélo 15 km/h.")
    assert notes[1] == "Limits: 15 and 20 min."
    assert notes[2] == "44,920 people in 48 cells. Withheld or missing in 1 of them."
    assert notes[-1] == "Data of 2020."


def test_what_became_of_the_people_is_said_when_known():
    totals = {"in": 44_920.0, "placed": 40_000.5, "too_far": 4_919.0, "island": 0.0, "missing_cells": 1}
    world = small_world()
    said = "40,001 placed on streets, 4,919 too far from any street. Withheld or missing in 1 of them."
    assert data_of(map_of(**world, totals=totals))["notes"]["en"][2] == f"44,920 people in 48 cells. {said}"
    assert data_of(map_of(world["sites"], totals={"in": 7.0}))["notes"]["en"] == ["7 people."]


def test_a_speed_that_nobody_knows_is_not_spoken_of():
    world = small_world()
    world["scores"] = world["scores"].assign(walk_kmh=np.nan, bike_kmh=np.nan)
    world["rings"] = world["rings"].assign(speed_kmh=np.nan)
    data = data_of(site_map(**world))
    assert data["notes"]["en"][0] == "Limits: 15 and 20 min."
    texts = [entry["text"] for layer in data["layers"] if layer["kind"] == "rings" for entry in layer["legend"]]
    assert texts == [""] * 4


@pytest.mark.parametrize(("count", "whole"), [(71.45, 71), (71.5, 72), (72.5, 73), (0.0, 0)])
def test_a_half_is_rounded_up(count, whole):
    world = small_world()
    world["cells"].loc[0, "people"] = count
    world["scores"].loc["a", "people_walk_15"] = count
    data = data_of(site_map(**world))
    assert half_up(count) == data["cells"]["people"][0] == data["sites"][0]["counted"][0] == whole


def test_water_without_shapes_is_no_layer():
    world = small_world()
    for shapes in ([], [Polygon()], [box(500_000, 5_000_000, 500_000.1, 5_000_000.1)]):
        page = map_of(world["sites"], water=gpd.GeoDataFrame(geometry=shapes, crs=UTM))
        assert "water" not in {layer["kind"] for layer in data_of(page)["layers"]}


def test_the_first_view_holds_what_is_reached_and_no_excluded_site():
    world = small_world()
    cells = with_minutes(world["cells"])
    far = world["sites"].copy()
    far.loc["d", "geometry"] = Point(600_000, 5_100_000)
    apart = cells.copy()
    apart.loc[47, "geometry"] = box(650_000, 5_000_000, 650_500, 5_000_500)  # out of reach
    first = data_of(site_map(world["sites"], cells=cells))["bounds"]
    assert data_of(site_map(far, cells=apart))["bounds"] == first
    reached = cells.copy()
    reached.loc[0, "geometry"] = box(480_000, 5_000_000, 480_500, 5_000_500)
    assert data_of(site_map(world["sites"], cells=reached))["bounds"][1] < first[1] - 0.2


@pytest.mark.parametrize("of", ["as measured", "in degrees", "from the other side"])
def test_what_lies_on_both_sides_of_the_180th_meridian_is_drawn_together(of):
    """In longitudes that go on beyond 180, whichever CRS the tables have; the page would go around the world else."""
    middle = Transformer.from_crs(4326, 32660, always_xy=True).transform(180, 45)[0]
    world = small_world()
    for name in ("sites", "rings", "cells", "communes"):
        table = world[name].set_crs(32660, allow_override=True)
        world[name] = table.set_geometry(table.translate(middle - 502_000))
    where = world["sites"].to_crs(4326).geometry.x
    assert where.min() < -179.9 < 179.9 < where.max()
    if of == "in degrees":
        world |= {name: world[name].to_crs(4326) for name in ("sites", "communes")}
    elif of == "from the other side":
        world |= {name: world[name].to_crs(32601) for name in ("cells", "rings")}
    data = data_of(map_of(world["sites"], rings=world["rings"], cells=world["cells"], communes=world["communes"]))
    assert [site["at"][1] % 360 for site in data["sites"]] == pytest.approx((where % 360).tolist(), abs=1e-6)
    south, west, north, east = data["bounds"]
    assert 0 < east - west < 0.2
    assert 0 < north - south < 0.2
    drawn = [text for layer in data["layers"] for text in (layer.get("union"), layer.get("borders")) if text]
    assert len(drawn) == 5  # two modes, two limits, and the communes
    packed = [*data["cells"]["shapes"], *drawn]
    corners = np.array([at for text in packed for part in unpacked(text) for ring in part for at in ring])
    assert np.ptp(corners[:, 0]) < 0.2
    assert abs(np.median(corners[:, 0]) - data["sites"][0]["at"][1]) < 0.2


# ---- cells and shapes ----


def legend(cells, layer=0):
    layer = cell_layers(cells, all_words("map"))[layer]
    return spoken(layer["label"]), [spoken(entry["text"]) for entry in layer["legend"]], layer["classes"]


def spoken(said):
    return said if isinstance(said, str) else said["en"]


def test_people_are_cut_into_classes_with_round_ends():
    label, texts, classes = legend(small_world()["cells"])
    assert label == "People per cell"
    assert texts == [
        "up to 440",
        "440 – 800",
        "800 – 1,200",
        "1,200 – 1,500",
        "over 1,500",
        "nobody",
        "withheld or missing",
    ]
    assert classes[:13] == "-0000?0000001"  # 440 is in the first class, 480 in the next
    assert classes[-1] == "4"


@pytest.mark.parametrize(
    ("people", "texts"),
    [([7.0, 7.0], ["up to 7"]), ([0.0, 0.0], ["nobody"]), ([np.nan, np.nan], ["withheld or missing"])],
)
def test_cells_that_are_all_alike_have_a_legend_too(people, texts):
    assert legend(small_world()["cells"].iloc[:2].assign(people=people))[1] == texts


def test_cells_of_unequal_size_are_shaded_by_density():
    world = small_world()["cells"].iloc[:2].copy()
    world["people"] = [100.0, 100.0]
    world.loc[1, "geometry"] = box(600_000, 5_000_000, 610_000, 5_010_000)
    label, _, classes = legend(world)
    assert label == "People per km²"
    assert classes[0] > classes[1]


def test_minutes_are_cut_by_five_and_say_what_is_out_of_reach():
    label, texts, classes = legend(with_minutes(small_world()["cells"]), layer=-1)
    assert label == "Minutes by any mode"
    assert texts == ["0 – 5 min", "5 – 10 min", "10 – 15 min", "15 – 20 min", "20 – 25 min", "out of reach"]
    assert (classes[0], classes[-1]) == ("0", "?")


def unpacked(text):
    """Decode a packed polygon, slowly and obviously: a list of parts, each a list of rings of (lon, lat)."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def ring(characters):
        numbers, value, shift = [], 0, 0
        for digit in map(alphabet.index, characters):
            value |= (digit & 31) << shift
            shift += 5
            if digit < 32:
                numbers.append(value >> 1 ^ -(value & 1))
                value, shift = 0, 0
        steps = np.array(numbers).reshape(-1, 2)
        return (steps.cumsum(axis=0) / 1e5).tolist()

    return [[ring(each) for each in part.split(".")] for part in text.split("!")]


def test_packed_shapes_are_the_shapes():
    holed = Polygon(
        [(-51.2, -30), (-51.1, -30), (-51.1, -29.9)], [[(-51.15, -29.99), (-51.12, -29.99), (-51.12, -29.98)]]
    )
    shapes = [MultiPolygon([holed, box(179, 80, 179.5, 80.5)]), Polygon(), box(0, 0, 1e-5, 1e-5)]
    packed = pack(gpd.GeoSeries(shapes, crs=4326))
    assert packed[1] == ""
    (first, second), (third,) = unpacked(packed[0]), unpacked(packed[2])
    assert len(first) == 2
    assert np.allclose(first[0] + first[0][:1], holed.exterior.coords, atol=1e-9)
    assert np.allclose(first[1] + first[1][:1], holed.interiors[0].coords, atol=1e-9)
    assert np.allclose(second[0] + second[0][:1], box(179, 80, 179.5, 80.5).exterior.coords, atol=1e-9)
    assert len(third[0]) == 4


@pytest.mark.parametrize("budget", [4000, 1000, 300, 1])
def test_areas_that_need_too_much_room_lose_corners_ring_by_ring_and_none_vanishes(budget):
    turn = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    wavy = np.column_stack([np.cos(turn), np.sin(turn)]) * (1000 + 3 * np.sin(40 * turn))[:, None] + 500_000
    areas = [Polygon(wavy, [box(500_000, 500_000, 500_009, 500_009).exterior.coords]), box(0, 0, 8, 8), Polygon()]
    shapes = gpd.GeoSeries([MultiPolygon([areas[0], areas[1]]), *areas[1:]], crs=32631)
    whole, packed = pack(shapes.to_crs(4326)), pack_within(shapes, 5.0, budget)
    (drawn, *more), kept = unpacked(packed[0]), packed[1]
    assert [kept, packed[2]] == [whole[1], ""]  # of one small square, and of nothing, all stays
    assert len(packed[0]) < len(whole[0])
    twin = shapes.simplify(80.0, preserve_topology=True)  # valid, and slower
    room = max(budget, len(pack(twin.to_crs(4326))[0]) + len(kept))
    assert sum(map(len, packed)) <= room
    assert (len(drawn), more) == (1, [])  # a hole and a part that are narrower than the eye sees
    outline = gpd.GeoSeries([Polygon(drawn[0])], crs=4326).to_crs(32631)[0].exterior
    assert areas[0].exterior.hausdorff_distance(outline) < 5 * (2 + 4 + 8 + 16)


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4).filter(lambda ends: ends[:2] != ends[2:]), min_size=1, max_size=12))
def test_no_fewer_lines_are_left_than_ends_say(ends):
    lines = np.array([LineString([one[:2], (7 + at, 7), one[2:]]) for at, one in enumerate(ends)])
    left = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    rings = sum(each.is_closed for each in left)  # of which two ends may meet, and which are not counted then
    assert len(left) - rings <= fewest_merged(lines) <= len(left)


# ---- in the browser ----


def shown(seen):
    """The layers whose boxes are ticked, and those whose legend is to be seen."""
    ticked = seen.page.eval_on_selector_all("input[data-layer]:checked", "all => all.map(each => each.dataset.layer)")
    legends = seen.page.eval_on_selector_all(
        "[data-legend]", "all => all.filter(each => each.offsetParent).map(each => each.dataset.legend)"
    )
    return ticked, [each for each in legends if each != "tiles"]


@needs_chromium
def test_layers_come_and_go_with_their_legend(opened):
    seen = opened(site_map(**small_world()))
    assert shown(seen)[0] == ["sites", "rings walk 15", "rings walk 20", "cells people", "territories"]
    for layer in ("rings walk 15", "rings bike 20", "sites", "cells people", "territories"):
        seen.page.locator(f'input[data-layer="{layer}"]').click()
        ticked, legends = shown(seen)
        assert ticked == legends
    assert shown(seen)[0] == ["rings walk 20", "rings bike 20"]
    assert seen.page.locator(".mark").count() == 0


@needs_chromium
def test_one_kind_of_cells_is_shown_at_a_time(opened):
    world = small_world()
    seen = opened(site_map(**world | {"cells": with_minutes(world["cells"])}))
    assert shown(seen)[0] == ["sites", "cells minutes best", "territories"]
    seen.page.locator('input[data-layer="cells people"]').click()
    assert shown(seen)[0] == ["sites", "cells people", "territories"]


def painted(seen):
    """Count the pixels that the rings cover."""
    seen.page.wait_for_timeout(100)  # a canvas is drawn in the next frame
    return seen.page.evaluate("""() => {
        const canvas = document.querySelector(".leaflet-rings-pane canvas");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return data.filter((value, at) => at % 4 === 3 && value).length;
    }""")


@needs_chromium
def test_a_layer_is_really_drawn(opened):
    seen = opened(site_map(**small_world()))
    both = painted(seen)
    seen.page.locator('input[data-layer="rings walk 20"]').click()
    one = painted(seen)
    seen.page.locator('input[data-layer="rings walk 15"]').click()
    assert both > one > painted(seen) == 0


@needs_chromium
def test_a_card_says_what_the_scores_say(opened):
    world = small_world()
    seen = opened(site_map(**world))
    seen.page.locator("#ranking tbody button", has_text="Library").click()
    card = seen.page.locator("#card")
    assert card.locator("h2").inner_text() == "Library"
    assert card.locator("p").all_inner_texts()[:2] == ["Existing · a", "rank 1 · score 100.0 · capacity 12"]
    rows = [row.split("\t") for row in card.locator("details[open] tbody tr").all_inner_texts()]
    assert rows == [["On foot, 15 min", "12,345", "10,000"], ["By bicycle, 20 min", "23,456", "–"]]
    card.locator("summary", has_text="Workers").click()
    assert card.locator("details", has_text="Workers").locator("tbody tr").all_inner_texts() == [
        "On foot, 15 min\t5,000"
    ]


@needs_chromium
def test_picking_a_site_shows_its_own_rings_until_all_are_asked_for(opened):
    seen = opened(site_map(**small_world()))
    everything = painted(seen)
    seen.page.locator(".mark").nth(0).click()
    assert seen.page.locator("#card h2").inner_text() == "Library"
    assert "Library" in seen.page.locator(".picked").inner_text()
    assert 0 < painted(seen) < everything / 2
    seen.page.locator(".picked button").click()
    assert not seen.page.locator("#card").is_visible()
    assert painted(seen) == everything


@needs_chromium
def test_picking_a_site_turns_rings_on_when_none_is(opened):
    world = small_world()
    seen = opened(site_map(**world | {"cells": with_minutes(world["cells"])}))
    assert "rings walk 15" not in shown(seen)[0]
    seen.page.locator(".mark").nth(1).press("Enter")
    assert {"rings walk 15", "rings walk 20"} <= set(shown(seen)[0])


@needs_chromium
def test_a_cell_says_how_far_the_nearest_site_is(opened):
    world = small_world()
    seen = opened(site_map(world["sites"], cells=with_minutes(world["cells"]), scores=world["scores"]))
    box_of_map = seen.page.locator(".folium-map").bounding_box()
    seen.page.mouse.click(box_of_map["x"] + box_of_map["width"] / 2, box_of_map["y"] + box_of_map["height"] / 2)
    text = seen.page.locator(".leaflet-popup .card").inner_text()
    assert re.search(r"[\d,]+ people\n", text)
    assert "Nearest site: Town hall" in text
    assert re.search(r"By bicycle\t\d+(\.\d)? min", text)
    assert "On foot, 15 min\t25%" in text


@needs_chromium
def test_hostile_names_are_only_text(opened):
    title = "</title><b>Title</b> {{ title }}"
    seen = opened(map_of(**small_world(HOSTILE), name=title, notes=["<i>note</i>"]))
    assert seen.page.locator("#ranking tbody button").all_text_contents() == HOSTILE
    for at, name in enumerate(HOSTILE):
        seen.page.locator("#ranking tbody button").nth(at).click()
        assert seen.page.locator("#card h2").text_content() == name
    assert seen.page.title() == title
    assert seen.page.locator("h1").inner_text() == title
    assert "<i>note</i>" in seen.page.locator("#notes").text_content()
    assert seen.page.locator("b, #notes i, img").count() == 0


@needs_chromium
def test_a_french_page_speaks_french(opened):
    seen = opened(site_map(**small_world(), language="fr"))
    assert seen.page.evaluate("document.documentElement.lang") == "fr"
    assert "Vitesses\u202f: à pied 4,8 km/h" in seen.page.locator("#notes").text_content()
    seen.page.locator("#ranking tbody button").first.click()
    assert "12\u202f345" in seen.page.locator("#card").inner_text()
    seen.picture("french")


@needs_chromium
def test_the_sources_the_scale_and_the_notes_are_always_in_sight(opened):
    seen = opened(site_map(**small_world()), width=390, height=844)
    assert "© OpenStreetMap contributors" in seen.page.locator(".leaflet-control-attribution").inner_text()
    assert seen.page.locator(".leaflet-control-scale").inner_text().strip().endswith("m")
    assert seen.page.locator("#notes").is_visible()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#panel", "#notes"):  # one page to scroll, not a window in a window
        assert seen.page.locator(part).evaluate("each => each.scrollHeight - each.clientHeight") <= 0, part
    seen.picture("phone")
    seen.page.locator("#ranking tbody button").first.click()
    card, close = (seen.page.locator(what).bounding_box() for what in ("#card", "#card .close"))
    assert card["y"] < close["y"] < card["y"] + 20


@needs_chromium
def test_tiles_are_asked_for_only_when_switched_on(chromium, tmp_path):
    site_map(**small_world()).save(tmp_path / "map.html")
    with open_page(chromium, tmp_path / "map.html") as seen:
        assert len(seen.requests) == 1
        seen.page.locator('input[data-layer="tiles"]').click()
        seen.page.wait_for_function("document.querySelector('.leaflet-tile')")
        seen.page.wait_for_timeout(200)
        assert {re.match(r"https://[^/]+/", url)[0] for url in seen.requests[1:]} == {"https://tile.openstreetmap.org/"}


@needs_chromium
def test_many_sites_are_dots_and_a_cut_list(opened):
    sites = pd.concat([small_world()["sites"]] * 200, ignore_index=True)
    sites.index = pd.Index([f"s{number}" for number in range(800)], name="site")
    seen = opened(site_map(sites))
    assert seen.page.locator(".mark").count() == 0
    assert seen.page.locator("#ranking tbody tr").count() == 500
    assert "500 of 800 sites listed" in seen.page.locator("#ranking").inner_text()


@needs_chromium
def test_a_choice_points_streets_and_water_are_drawn(opened):
    world = small_world()
    lines = [LineString([(500_000, 5_000_000 + y), (504_000, 5_001_000 + y)]) for y in (0, 500, 900)]
    roads = gpd.GeoDataFrame({"highway": ["primary", "primary_link", "footway"]}, geometry=lines, crs=UTM)
    water = gpd.GeoDataFrame(geometry=[box(500_000, 5_001_000, 504_000, 5_001_100)], crs=UTM)
    dots = world["cells"].set_geometry(world["cells"].centroid)
    seen = opened(map_of(world["sites"], cells=dots, choice=["b"], streets=roads, water=water))
    assert shown(seen) == ([*["sites", "cells people", "streets", "water"]],) * 2
    assert "chosen" in seen.page.locator('[data-legend="sites"]').inner_text()
    assert len(data_of(map_of(world["sites"], streets=roads))["layers"][1]["lines"]) == 1


@needs_chromium
def test_one_site_alone_is_a_map(opened):
    seen = opened(site_map(small_world()["sites"].iloc[:1]))
    assert seen.page.locator(".mark").is_visible()
    assert seen.page.locator("#ranking th").all_inner_texts() == ["No.", "Site"]


def boxes(seen, what):
    return seen.page.eval_on_selector_all(
        what,
        """all => all.filter(each => getComputedStyle(each).visibility === "visible").map(each => {
            const { x, y, width, height } = each.getBoundingClientRect();
            return [x, y, x + width, y + height];
        })""",
    )


def overlaps(boxes, depth=4):
    """Count the pairs of boxes that share more than `depth` pixels both ways (a disc does not fill its corners)."""
    pairs = [(a, b) for at, a in enumerate(boxes) for b in boxes[:at]]
    return sum(min(a[2], b[2]) - max(a[0], b[0]) > depth < min(a[3], b[3]) - max(a[1], b[1]) for a, b in pairs)


@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
def test_every_number_and_every_name_can_be_read_at_first_sight(opened, width):
    world = small_world()
    sites = pd.concat([world["sites"]] * 3, ignore_index=True)
    sites = sites.set_axis(pd.Index([f"s{at}" for at in range(12)], name="site")).assign(status="candidate")
    scores = sites.drop(columns="geometry").assign(rank=range(1, 13), score=50.0)
    areas = world["communes"].set_geometry(sites.geometry.iloc[:2].buffer(100).to_numpy())  # names upon the marks
    seen = opened(site_map(sites, scores=scores, communes=areas), width=width)
    marks, names = boxes(seen, ".mark svg"), boxes(seen, ".territory")
    assert (len(marks), len(names)) == (12, 2)
    assert overlaps(marks, 8) == 0
    assert overlaps(marks + names, 8) == 0
    assert seen.page.locator(".mark.small").count() == 0


@needs_chromium
def test_where_there_is_no_room_the_lower_ranks_are_small_and_below(opened):
    sites = pd.concat([small_world()["sites"].iloc[:1]] * 120, ignore_index=True)
    sites = sites.set_axis(pd.Index([f"s{at:03d}" for at in range(120)], name="site"))
    ranks = dict(zip(sites.index, range(120, 0, -1), strict=True))
    seen = opened(site_map(sites, scores=pd.DataFrame({"rank": ranks})))
    small = seen.page.locator(".mark.small text").all_text_contents()
    large = seen.page.locator(".mark:not(.small) text").all_text_contents()
    assert 0 < len(large) < 120
    assert max(map(ranks.get, large)) < min(map(ranks.get, small))


@pytest.mark.parametrize(
    ("ids", "labels"),
    [
        (["S1", "S07", "7a"], ["S1", "S07", "7a"]),
        (["site-a1", "site-b2"], ["a1", "b2"]),
        (["S1", "S07", "7"], ["A", "B", "C"]),  # 7 is not the seventh to open
        (["site-001", "site-012"], ["A", "B"]),
        (["way/123456", "way/12"], ["A", "B"]),  # one without its beginning would have no name left, one too long a one
        (["telecentre", "library"], ["A", "B"]),
        (["telecentre"], ["A"]),
        ([], []),
    ],
)
def test_a_mark_says_the_id_or_what_tells_it_apart(ids, labels):
    assert mark_labels(ids, {}) == labels


def test_cells_with_new_homes_alone_are_not_counted():
    world = small_plan()
    fresh = world.cells.iloc[:1].set_axis(pd.Index([10_000], name="cell")).translate(9_000)
    grown = pd.concat([world.cells, gpd.GeoDataFrame({"people": 7.0}, geometry=fresh, index=fresh.index)])
    homes = result_of(world.sites, times=world.times, points=world.points, cells=grown)
    page = small_plan(scenarios={"homes": homes}).page
    assert f"people in {len(world.cells)} cells." in data_of(page)["notes"]["en"][2]  # as the report says it
    assert len(data_of(page)["cells"]["names"]) == len(world.cells) + 1  # drawn, as the scenario has them


def test_a_number_in_a_mark_is_the_order_of_opening():
    ids = [str(at) for at in range(30)]
    labels = mark_labels(ids, {"7": 1, "3": 2})
    assert [labels[7], labels[3]] == ["1", "2"]
    assert labels[:2] + labels[25:28] == ["A", "B", "Z", "AA", "AB"]
    assert sum(label.isdecimal() for label in labels) == 2


def test_what_exists_has_no_place_in_the_order_of_opening():
    cards = data_of(map_of(small_world()["sites"], choice=["a", "c", "b"]))["sites"]
    assert [card["order"] for card in cards] == [None, 2, 1, None]  # existing, candidate, required, excluded
    assert [card["label"] for card in cards] == ["a", "2", "1", "d"]


ANSWERS = {
    "desks": pd.DataFrame(
        {
            "site": ["a", "b"] * 2,
            "basis": ["nearest", "alone"] * 2,
            "uptake": [0.02, 0.02, 0.1, 0.1],
            "peak_day": [9.6, 4.0, 48.2, 20.0],
            "desks": [12, 5, 1261, 25],
            "rooms": [1, 1, 6, 3],
            "m2": [150.0, 62.5, 762.5, 312.5],
        }
    ),
    "commuting": pd.DataFrame(
        {
            "uptake": [0.02] * 3,
            "rebound": [0.0, 0.2, 0.0],
            "mode": ["all", "all", "car"],
            "vehicle_km": [1000.4, 800.0, 900.0],
            "kg_co2e": [-177.6, -142.0, -1.0],
            "hours": [25.0, 20.0, 1.0],
            "euros": [300.0, 240.0, 1.0],
        }
    ),
    "robustness": pd.DataFrame(
        {"site": ["a"], "variants": [50], "in_first": [0.94], "first": [5], "p5": [11999.6], "p95": [13000.0]}
    ),
    "competition": pd.DataFrame(
        {
            "site": ["a", "b"],
            "kind": ["site", "library"],
            "status": ["candidate", "other"],
            "alone": [1200.4, np.nan],
            "net_alone": [200.0, np.nan],
            "taken_alone": [1000.4, np.nan],
        }
    ),
}


@needs_chromium
def test_the_page_says_how_big_what_for_and_how_sure_as_the_tables_do(opened):
    seen = opened(map_of(**small_world(), **ANSWERS))
    rows = [row.split("\t") for row in seen.page.locator("#answers tbody tr").all_inner_texts()]
    assert rows == [
        ["2%", "10", "12", "150"],
        ["10%", "48", "1,261", "763"],
        ["2%", "0", "1,000", "−178", "25", "300"],
        ["2%", "20%", "800", "−142", "20", "240"],
    ]
    seen.page.locator("#ranking tbody button", has_text="Library").click()
    card = seen.page.locator("#card")
    assert "2%\t12\t1\t150" in card.inner_text()
    assert "everybody goes to the nearest" in card.inner_text()
    assert card.locator(".sure").inner_text() == (
        "Among the first 5 in 47 of 50 variants of speeds, places and dates; reaches 12,000 to 13,000 people in nine "
        "of ten."
    )
    assert card.locator(".gains").inner_text() == (
        "Opened alone among other places to work, it draws 1,200 people: 200 who have none within reach today, "
        "and 1,000 from others."
    )


@needs_chromium
def test_places_left_out_are_listed_and_shown(opened):
    world = small_world()
    spot = world["sites"].to_crs(4326).geometry.iloc[0]
    places = gpd.GeoDataFrame(
        {
            "name": ["<b>Dorf</b>", "Weiler", *(f"Hof {k}" for k in range(12))],
            "people": [1234.4, *range(13, 0, -1)],
            "candidate": ["b", None, *["b"] * 12],
            "candidate_minutes": [7.26, np.nan, *[3.0] * 12],
        },
        geometry=[spot] * 14,
        crs=4326,
    )
    seen = opened(map_of(**world, left_out=places))
    rows = [row.split("\t") for row in seen.page.locator("#answers tbody tr").all_inner_texts()]
    assert rows[:2] == [["<b>Dorf</b>", "1,234", "b, 7.3 min"], ["Weiler", "13", "none of the candidates"]]
    assert len(rows) == 12
    assert seen.page.locator("#answers .hint").inner_text().startswith("And 2 more.")
    seen.page.locator("#answers button").first.click()
    seen.page.wait_for_timeout(300)
    middle = [
        float(part) for part in seen.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('at')").split(",")
    ]
    assert middle[:2] == pytest.approx([spot.y, spot.x], abs=1e-4)
    assert middle[2] >= 14


@needs_chromium
def test_a_page_that_was_asked_nothing_more_says_nothing_more(opened):
    seen = opened(site_map(**small_world()))
    assert seen.page.locator("#answers").count() == 0
    seen.page.locator("#ranking tbody button", has_text="Library").click()
    assert seen.page.locator("#card .sure").count() == 0


@needs_chromium
def test_a_site_is_called_the_same_on_the_map_in_the_list_on_its_card_and_on_paper(opened):
    world = small_world()
    index = pd.Index(["S07", "S12", "S03", "S01"], name="site")
    sites, scores = (world[name].set_axis(index) for name in ("sites", "scores"))
    seen = opened(site_map(sites, scores=scores, cells=world["cells"]))
    assert seen.page.locator(".mark text").all_text_contents() == ["S07", "S12", "S03"]
    assert seen.page.locator('.mark[title="Library (S07)"]').count() == 1
    first = seen.page.locator("#ranking tbody tr").first.inner_text().split("\t")
    assert (first[:2], first[-1]) == (["S07", "Library"], "1")
    seen.page.locator("#find").fill("s12")
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("#card p").first.inner_text() == "Candidate · S12"
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator(".mark text").all_text_contents() == ["S07", "S12", "S03"]


@needs_chromium
def test_the_page_is_as_wide_as_the_window(opened):
    seen = opened(site_map(**small_world()))
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 1400
    assert seen.page.evaluate("document.documentElement.scrollHeight") == 900


@needs_chromium
def test_rings_leave_the_colours_below_as_the_legend_says(opened):
    seen = opened(site_map(**small_world()))
    covered = painted(seen)
    filled = seen.page.evaluate("""() => {
        const canvas = document.querySelector(".leaflet-rings-pane canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let inside = 0, clear = 0;
        for (let y = 0; y < canvas.height; y++) {
            const row = Array.from({ length: canvas.width }, (_, x) => data[4 * (y * canvas.width + x) + 3] > 0);
            const first = row.indexOf(true), last = row.lastIndexOf(true);
            if (first < 0) continue;
            inside += last - first;
            clear += row.slice(first, last).filter((drawn) => !drawn).length;
        }
        return clear / inside;
    }""")
    assert covered > 0
    assert filled > 0.6
    assert seen.page.locator('[data-legend="rings walk 15"] svg svg line').count() > 2


@needs_chromium
def test_what_a_site_adds_and_groups_are_named_for_a_reader(opened):
    world = small_world()
    world["scores"] = world["scores"].assign(added_bike_20=[9.5, 120.0, 7.0, 0.0], age_65_walk_15=4.0)
    seen = opened(site_map(**world))
    assert seen.page.locator("#ranking th").all_inner_texts() == ["No.", "Site", "People", "Adds", "Score", "Rank"]
    assert seen.page.locator("#ranking tbody tr").first.inner_text().split("\t") == [
        "a",
        "Library",
        "23,456",
        "10",
        "100.0",
        "1",
    ]
    assert "People by bicycle, 20 min" in seen.page.locator("#ranking").inner_text()
    seen.page.locator("#ranking tbody button").first.click()
    assert seen.page.locator("#card summary").all_inner_texts() == ["People", "Workers", "Aged 65 and over"]
    assert "adds: whom no other existing site reaches" in seen.page.locator("#card").inner_text()


@needs_chromium
def test_the_legend_says_what_the_minutes_of_a_cell_are(opened):
    world = small_world()
    seen = opened(site_map(**world | {"cells": with_minutes(world["cells"])}))
    assert (
        "the mean, over its people within reach" in seen.page.locator('[data-legend="cells minutes best"]').inner_text()
    )


@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
def test_printing_without_the_button_gives_the_same_paper(opened, tmp_path, width):
    seen = opened(small_plan().page, width=width)
    before = seen.page.locator(".folium-map").bounding_box()
    seen.page.evaluate("""() => addEventListener("beforeprint", () => {
        const box = (what) => {
            const { width, height } = document.querySelector(what).getBoundingClientRect();
            return [Math.round(width), Math.round(height)];
        };
        const open = () => document.querySelector("#layers").open && document.querySelector("#notes details").open;
        window.unfolded = open();
        const later = () => document.body.classList.contains("printing") && (window.unfolded &&= open());
        matchMedia("(max-width: 1150px)").addEventListener("change", later); // paper is a narrow sheet
        const all = [...document.querySelectorAll(".folium-map canvas")];
        const pixels = (each) => each.getContext("2d").getImageData(0, 0, each.width, each.height).data;
        const drawn = all.filter((each) => each.style.display !== "none" && each.width && pixels(each).some(Boolean));
        window.paper = [box("body"), box(".folium-map"), drawn.length];
    })""")
    file = tmp_path / "map.pdf"
    seen.page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    assert seen.page.evaluate("window.unfolded")
    assert len(re.findall(rb"/Type\s*/Page\b", file.read_bytes())) == 1
    sheet, area, full = seen.page.evaluate("window.paper")
    assert sheet == [1047, 718]
    assert area == [785, 496]
    assert full >= 2  # cells and rings are drawn in the size of the paper before the browser takes its picture
    assert seen.page.locator(".folium-map").bounding_box() == before
    assert seen.page.locator("body.printing, .folium-map canvas[style*='display: none']").count() == 0


@needs_chromium
@pytest.mark.parametrize(("paper", "wide", "high"), [("A4", 1047, 718), ("A3", 1512, 1047)])
def test_on_paper_everything_fits_one_landscape_page_and_comes_back(opened, tmp_path, paper, wide, high):
    seen = opened(small_plan().page)
    before = seen.page.locator(".folium-map").bounding_box()
    seen.page.evaluate("window.print = () => {}")
    seen.page.locator("#tools button", has_text=paper).click()
    seen.page.wait_for_function("document.body.classList.contains('printing')")
    sheet = seen.page.locator("body").bounding_box()
    assert (round(sheet["width"]), round(sheet["height"])) == (wide, high)
    for part in (
        "h1",
        ".folium-map",
        "#layers",
        ".north",
        ".leaflet-control-scale",
        "#notes",
        "#totals",
        "#ranking",
        "#communes",
    ):
        place = seen.page.locator(part).first.bounding_box()
        assert place["x"] >= 0, part
        assert place["x"] + place["width"] <= wide + 1, part
        assert place["y"] + place["height"] <= high + 1, part
    file = tmp_path / "map.pdf"
    seen.page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator(".folium-map").bounding_box() == before
    assert len(re.findall(rb"/Type\s*/Page\b", file.read_bytes())) == 1


@needs_chromium
def test_what_has_no_room_on_paper_is_counted_and_not_cut_through(opened):
    seen = opened(map_of(**small_world(), notes=[f"Note {number}, of so many words." for number in range(40)]))
    seen.page.evaluate("window.print = () => {}")
    seen.page.locator("#tools button", has_text="A4").click()
    notes, room = seen.page.locator("#notes details p"), seen.page.locator("#notes").bounding_box()
    shown = [place for each in notes.all() if (place := each.bounding_box())]
    assert 0 < len(shown) < notes.count()
    assert seen.page.locator("#notes .no-room").inner_text() == f"and {notes.count() - len(shown)} more"
    for place in [*shown, seen.page.locator("#notes .no-room").bounding_box()]:
        assert place["y"] + place["height"] <= room["y"] + room["height"] + 1
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator(".left-out, .no-room").count() == 0


@needs_chromium
def test_groups_that_have_no_room_on_paper_are_counted(opened):
    seen = opened(small_plan().page)
    seen.page.evaluate("""() => {
        window.print = () => {};
        const groups = Array.from({ length: 30 }, (_, at) => `<p>Group ${at}: 10 of 20 (50 %)</p>`);
        document.querySelector("#totals").insertAdjacentHTML("beforeend", groups.join(""));
    }""")
    seen.page.locator("#tools button", has_text="A4").click()
    left, told = seen.page.locator("#totals p.left-out").count(), seen.page.locator("#controls .no-room")
    assert 0 < left < 30
    assert told.inner_text() == f"and {left} more"
    assert (place := told.bounding_box())["y"] + place["height"] <= 718 + 1


# ---- what the page counts by itself ----


@dataclass(frozen=True)
class Counted:
    page: SiteMap
    times: pd.DataFrame
    points: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame


def small_plan(**more):
    """The small world with made minutes: several points to a cell, three modes, times at the limits and just beyond."""
    world = small_world()
    chance = np.random.default_rng(5)
    middles = world["cells"].centroid
    at = np.repeat(np.arange(len(middles)), 3)
    places = [
        Point(middles.iloc[k].x + dx, middles.iloc[k].y + dy)
        for k, (dx, dy) in zip(at, chance.uniform(-240, 240, (len(at), 2)), strict=True)
    ]
    people = chance.uniform(0, 30, len(at)).round(4)
    people[7] = np.nan
    points = gpd.GeoDataFrame(
        {"cell": at, "people": people, "workers": people * 0.43},
        geometry=places,
        index=pd.RangeIndex(len(at), name="point"),
        crs=UTM,
    )
    rows = [
        (site, point, mode, float(minutes))
        for site in "abc"
        for mode in ("walk", "bike", "transit")
        for point, minutes in enumerate(chance.choice([3.2, 15.0, 15.0000001, 19.99, 20.0, 20.3, 24.0, 99.0], len(at)))
        if minutes < 90
    ]
    times = pd.DataFrame(rows, columns=["site", "point", "mode", "minutes"])
    page = map_of(**world, times=times, points=points, **more)
    return Counted(page, times, points, world["sites"], world["communes"], world["cells"])


def whole(text):
    return int(re.sub(r"\D", "", text))


def listed(seen):
    """The two counts of each site by its name."""
    rows = [row.split("\t") for row in seen.page.locator("#ranking tbody tr").all_inner_texts()]
    return {row[-4]: (whole(row[-3]), whole(row[-2])) for row in rows}


def choose(seen, name, value):
    seen.page.locator(f'input[name="{name}"][value="{value}"]').check(force=True)


@needs_chromium
def test_every_mode_and_limit_counts_as_the_tables_do(opened):
    world = small_plan()
    seen = opened(world.page)
    reached = reach(world.times, world.points, minutes=[15, 20])
    covered = coverage(world.times, world.points, minutes=[15, 20]).set_index(["mode", "minutes"])
    names = world.sites["name"]
    for subject, column in (("people", "people"), ("workers", "workers")):
        seen.page.locator("#who").select_option(label=subject.capitalize())
        for mode in ("walk", "bike", "transit", "best"):
            for limit in (15, 20):
                choose(seen, "mode", mode)
                choose(seen, "limit", limit)
                total = seen.page.locator('[data-total="covered"]').inner_text()
                assert whole(total) == half_up(covered.loc[(mode, limit), column])
                alone = "unique" if subject == "people" else f"unique_{subject}"
                expected = {
                    names[site]: (
                        half_up(reached.loc[site, f"{column}_{mode}_{limit}"]),
                        half_up(reached.loc[site, f"{alone}_{mode}_{limit}"]),
                    )
                    for site in "abc"
                }
                assert {name: listed(seen)[name] for name in expected} == expected


@needs_chromium
def test_publics_count_as_the_tables_do(opened):
    who = [Public(name="wheels", share={"people": 0.37, "workers": 0.6})]
    who += [Public(name="others", share={"people": 0.63, "workers": 0.4}, modes=("walk", "transit"))]
    world = small_plan(publics=who)
    fewer = world.times[world.times["mode"] != "walk"]
    nobody = [
        who[0].model_copy(update={"share": {"people": 0.0}}),
        who[1].model_copy(update={"share": {"people": 1.0}}),
    ]
    other = result_of(world.sites, times=fewer, points=world.points, publics=nobody)
    seen = opened(small_plan(publics=who, scenarios={"No walks, no bikes": other}).page)
    times, people = by_public(world.times, world.points, who)
    reached, covered = reach(times, people, minutes=[15]), coverage(times, people, minutes=[15])
    choose(seen, "limit", 15)
    for subject, column, can in (("people", "people", "37%"), ("workers", "workers", "60%")):
        seen.page.locator("#who").select_option(label=subject.capitalize())
        for mode in ("walk", "bike", "best"):
            choose(seen, "mode", mode)
            total = covered.set_index("mode").loc[mode, column]
            ways = [row.split("\t") for row in seen.page.locator("[data-total=ways] tbody tr").all_inner_texts()]
            each = covered.set_index("mode")[column]
            names = {"On foot": "walk", f"By bicycle ({can} can)": "bike", "Together": "best"}
            names |= {"By public transport (with walking)": "transit"}
            assert {row[0]: whole(row[1]) for row in ways if row[0] in names} == {
                name: half_up(each[way]) for name, way in names.items()
            }
            split = by_way(Reach.of(times, people), {"all": ["a", "b", "c"]}, [15]).set_index(
                ["public", "group", "mode"]
            )
            assert {row[0].lower(): whole(row[1]) for row in ways if row[0] not in names} == {
                public: half_up(split.loc[(public, column, mode), "covered"]) for public in ("wheels", "others")
            }
            assert whole(seen.page.locator('[data-total="covered"]').inner_text()) == half_up(total)
            shown = {name: counts[0] for name, counts in listed(seen).items()}
            expected = {world.sites["name"][site]: half_up(reached.loc[site, f"{column}_{mode}_15"]) for site in "abc"}
            assert {name: shown[name] for name in expected} == expected
    seen.page.locator("#against").select_option(index=1)
    after = coverage(*by_public(fewer, world.points, nobody), minutes=[15]).set_index("mode").loc["best", "workers"]
    row = seen.page.locator("#compare tbody tr").first.inner_text().split("\t")
    assert [whole(each) for each in row[1:3]] == [
        half_up(covered.set_index("mode").loc["best", "workers"]),
        half_up(after),
    ]
    assert not seen.complaints


@needs_chromium
def test_sites_switched_off_count_as_what_they_would_add(opened):
    world = small_plan()
    seen = opened(world.page)
    seen.page.locator(".sets button", has_text="Existing only").click()
    adds = added(world.times, world.points, world.sites, minutes=[20])["added_best_20"]
    shown = listed(seen)
    assert {site: shown[world.sites["name"][site]][1] for site in "abc"} == {
        site: half_up(adds[site]) for site in "abc"
    }
    assert seen.page.locator("[data-open]:checked").count() == 2
    open_only = world.times[world.times["site"].isin(["a"])]
    seen.page.locator('[data-open="c"]').uncheck()
    best = coverage(open_only, world.points, minutes=[20]).set_index("mode").loc["best", "people"]
    assert whole(seen.page.locator('[data-total="covered"]').inner_text()) == half_up(best)
    inside = world.points["cell"].map(cell_territories(world.cells, world.communes)).astype(str)
    near = world.points.index.isin(open_only.loc[open_only["minutes"] <= 20, "point"])
    rows = [row.split("\t") for row in seen.page.locator("#communes > table tbody tr").all_inner_texts()]
    for at, row in enumerate(rows):
        here = world.points["people"].where(near)[inside[inside == str(at)].index].sum()
        assert whole(row[1]) == half_up(here)
    seen.page.locator("#communes summary").click()  # the shares by each mode, the best of them last
    shares = [row.split("\t") for row in seen.page.locator("#communes details tbody tr").all_inner_texts()]
    assert [each[-1] for each in shares] == [row[3] for row in rows]
    walked = open_only.loc[(open_only["minutes"] <= 20) & (open_only["mode"] == "walk"), "point"]
    for at, row in enumerate(shares):
        there = world.points["people"][inside[inside == str(at)].index]
        here = there[there.index.isin(walked)].sum()
        assert float(row[1].rstrip("%")) == pytest.approx(100 * half_up(here) / half_up(there.sum()), abs=0.051)


@needs_chromium
def test_a_scenario_is_a_difference_and_phases_are_steps(opened):
    world = small_plan()
    fewer = world.times[world.times["mode"] != "bike"]
    page = small_plan(
        scenarios={"No <b>bikes</b>": result_of(world.sites, times=fewer, points=world.points, choice=["b", "c"])},
        phases=[("A", ["b"]), ("B", [])],
        choice=["b", "c"],
        curve=pd.DataFrame({"sites": [1, 2], "covered": [10.0, 12.0], "bound": [11.0, 12.0]}),
    ).page
    seen = opened(page)
    seen.page.locator("#against").select_option(index=1)
    before = coverage(world.times, world.points, minutes=[20]).set_index("mode").loc["best", "people"]
    after = coverage(fewer, world.points, minutes=[20]).set_index("mode").loc["best", "people"]
    row = seen.page.locator("#compare tbody tr").first.inner_text().split("\t")
    assert [whole(each) for each in row[1:4]] == [half_up(before), half_up(after), 0]
    assert "cells change" in shown(seen)[0]
    seen.page.locator("#phases button", has_text="Next").click()
    assert seen.page.locator('[data-open="b"]').is_checked()
    assert seen.page.locator("#phases [aria-current]").inner_text().startswith("Phase A")
    assert seen.page.locator("#curve svg path").count() == 2


@needs_chromium
def test_each_step_says_how_many_are_open_whom_they_cover_and_what_is_spent(opened):
    world = small_plan()
    seen = opened(small_plan(choice=world.sites.loc[["a", "c", "b"], ["status"]]).page)
    said = seen.page.locator("#phases").inner_text()
    assert "ORDER OF OPENING" in said  # no phases were asked for
    near = world.times[world.times["minutes"] <= 20]
    covered = half_up(world.points["people"].reindex(near["point"].unique()).sum())
    # c is required and costs a million, a exists and costs nothing, b the rest
    assert f"3 sites open · {covered:,} people" in said
    assert "cost so far 1,120,000" in said
    dear = world.sites.assign(cost=[7.0, np.nan, 1e6, np.nan])
    dear.loc["b", "name"] = "École, aile fermée"
    given = {name: getattr(world, name) for name in ("cells", "times", "points", "communes")}
    seen = opened(map_of(dear, **given, choice=["a", "c", "b"], phases=[(1, []), (2, ["b"])], language="fr"))
    said = seen.page.locator("#phases").inner_text()
    assert "Phase 1 aucun nouveau site" in said
    assert "« École, aile fermée » (" in said.replace("\xa0", " ").replace("\u202f", " ")
    assert "2 sites ouverts" in said
    assert "coût cumulé 1 000 000 unités de coût, plus 1 inconnu" in said.replace("\u202f", " ")


@needs_chromium
def test_the_list_is_in_the_order_of_opening(opened):
    seen = opened(small_plan(choice=["c", "b"]).page)
    rows = [row.split("\t") for row in seen.page.locator("#ranking tbody tr").all_inner_texts()]
    assert [(row[1], row[2]) for row in rows[:3]] == [("1", "Station"), ("2", "Town hall"), ("a", "Library")]


@needs_chromium
@pytest.mark.parametrize(
    ("decayed", "said"),
    [
        (False, "Covered (workers) when sites open one"),
        (True, "Covered (workers, counted by nearness) when sites open one"),
    ],
)
def test_the_curve_says_what_it_is_and_where_the_choice_stands(opened, decayed, said):
    curve = pd.DataFrame({"sites": [1, 2, 3], "covered": [10.0, 12.0, 13.0], "bound": [11.0, 12.0, 13.0]})
    asked = {"group": "workers", "objective": "gravity" if decayed else "coverage"}
    seen = opened(small_plan(curve=curve, choice=["a", "c", "b"], choose=asked).page)
    assert said in seen.page.locator("#curve").inner_text()
    assert "the best choice" not in seen.page.locator("#curve").inner_text()
    line, last = (seen.page.locator(f"#curve svg {what}").last for what in (".chosen", "circle"))
    assert line.get_attribute("x1") == last.get_attribute("cx")  # three are open then


@needs_chromium
def test_what_exists_and_what_opens_look_different(opened):
    seen = opened(site_map(small_world()["sites"], choice=["a", "c", "b"]))
    rings = seen.page.locator(".mark", has=seen.page.locator('circle[stroke="#009e73"]'))
    assert rings.locator("text").all_text_contents() == ["2"]  # c, which is required, is the first
    assert "chosen to open" in seen.page.locator('[data-legend="sites"]').inner_text()
    only = opened(site_map(small_world()["sites"], choice=["a"]))
    assert "chosen" not in only.page.locator('[data-legend="sites"]').inner_text()


@needs_chromium
def test_seen_from_afar_the_chosen_have_room_and_the_others_are_small(opened):
    corner = small_world()["sites"].iloc[:1].assign(status="candidate")
    east, north = np.meshgrid(np.arange(20) * 60.0, np.arange(20) * 60.0)
    places = [Point(500_000 + x, 5_000_000 + y) for x, y in zip(east.ravel(), north.ravel(), strict=True)]
    sites = gpd.GeoDataFrame(
        pd.concat([corner] * 400, ignore_index=True).drop(columns="geometry"), geometry=places, crs=UTM
    )
    sites.index = pd.Index([f"s{at:03d}" for at in range(400)], name="site")
    chosen = ["s105", "s106", "s310"]  # two of them side by side
    seen = opened(site_map(sites, choice=chosen))
    large = seen.page.locator(".mark:not(.small) text").all_text_contents()
    assert {"1", "2", "3"} <= set(large)
    assert len(large) < 20
    assert overlaps(boxes(seen, ".mark:not(.small) svg"), 8) == 0
    crowded = opened(site_map(sites))
    assert crowded.page.locator(".mark.small").count() < seen.page.locator(".mark.small").count()


@needs_chromium
def test_a_scenario_has_sites_people_and_words_of_its_own(opened):
    """b closes, n opens, c moves, homes are built: counted as `gained_lost` counts, shown where they are."""
    world = small_plan()
    elsewhere = Point(world.sites.geometry["c"].x + 900, world.sites.geometry["c"].y)
    new = world.sites.loc[["c"]].rename(index={"c": "n"}).assign(name="<i>New</i>", status="existing")
    sites = pd.concat(
        [world.sites.assign(status=world.sites["status"].where(world.sites.index != "b", "excluded")), new]
    )
    sites.loc["c", "geometry"] = elsewhere
    homes = world.points.iloc[[0]].assign(people=55.0, workers=20.0).rename(index={0: 9999})
    grown = world.points.assign(people=world.points["people"] * np.linspace(0.5, 1.4, len(world.points)).round(2))
    points = gpd.GeoDataFrame(pd.concat([grown, homes]), crs=UTM).rename_axis("point")
    kept = world.times[world.times["site"].isin(["a", "c"])]
    fresh = world.times[world.times["site"] == "c"].assign(site="n", minutes=lambda rows: rows["minutes"] / 2)
    near = pd.DataFrame({"site": ["n"], "point": [9999], "mode": ["walk"], "minutes": [4.0]})
    times = pd.concat([kept, fresh, near], ignore_index=True)
    other = result_of(sites, times=times, points=points, scenario={"about": "Homes <b>built</b>"})
    seen = opened(small_plan(scenarios={"New homes": other}).page)
    assert seen.page.locator("#ranking", has_text="New").count() == 0
    visible = "[...document.querySelectorAll('.mark')].filter((each) => !each.hidden).length"
    before = seen.page.evaluate(visible)
    seen.page.locator("#against").select_option(index=1)
    assert seen.page.evaluate(visible) == before + 1
    signs = {name: seen.page.locator(f".mark.{name}") for name in ("opens", "closes", "moves")}
    titles = {name: marks.evaluate_all("all => all.map((each) => each.title)") for name, marks in signs.items()}
    assert signs["opens"].locator("text").text_content() == "n"
    assert titles == {"opens": ["<i>New</i> (n)"], "closes": ["Town hall (b)"], "moves": ["Station (c)"]}
    assert "+ opens in it · − closes in it · ↔ moves in it" in seen.page.locator('[data-legend="sites"]').inner_text()
    people = gpd.GeoDataFrame(pd.concat([world.points, homes.assign(people=0.0, workers=0.0)])).rename_axis("point")
    by_cell = cell_territories(world.cells, world.communes).rename("commune")
    asked = {"minutes": [20], "opened_before": ["a", "b", "c"], "opened_after": ["a", "c", "n"]}
    counted = gained_lost(world.times, times, people, by_cell, people_after=points, **asked)
    for group, at in (("people", 0), ("workers", 1)):
        seen.page.locator("#who").select_option(index=at)
        rows = [row.split("\t") for row in seen.page.locator("#compare tbody tr").all_inner_texts()]
        part = counted[(counted["group"] == group) & (counted["mode"] == "best")].set_index("territory")
        for row, label in zip(rows, ["total", "0", "1"], strict=True):
            figures = part.loc[label, ["before", "after", "gained", "lost", "unchanged"]]
            assert [whole(each) for each in row[1:]] == [half_up(each) for each in figures]
    said = seen.page.locator("#compare").inner_text()
    assert "Homes <b>built</b>" in said
    assert f"Closes: {world.sites['name']['b']}" in said
    assert "Opens: <i>New</i>" in said
    seen.page.locator("#compare [value=after]").check()
    assert seen.page.evaluate(visible) == before + 1
    covered = counted[(counted["group"] == "workers") & (counted["mode"] == "best") & (counted["split"] == "total")]
    assert whole(seen.page.locator('[data-total="covered"]').inner_text()) == half_up(covered["after"].iloc[0])
    assert seen.page.locator('[data-open="n"]').is_checked()
    assert seen.page.locator('[data-open="n"]').is_disabled()
    assert not seen.page.locator('[data-open="b"]').is_checked()
    assert not seen.complaints


@needs_chromium
def test_the_view_is_in_the_address_and_the_language_switches(opened, chromium, tmp_path):
    seen = opened(small_plan().page)
    choose(seen, "mode", "walk")
    seen.page.locator('[data-open="b"]').uncheck()
    seen.page.locator("#tools button", has_text="FR").click()
    total = seen.page.locator('[data-total="covered"]').inner_text()
    assert seen.page.evaluate("document.documentElement.lang") == "fr"
    assert "Vitesses" in seen.page.locator("#notes").text_content()
    link = seen.page.locator("#link").get_attribute("href")
    context = chromium.new_context(offline=True)
    again = context.new_page()
    again.goto(seen.page.url.split("#")[0] + link)
    assert again.locator('[data-total="covered"]').inner_text() == total
    assert not again.locator('[data-open="b"]').is_checked()
    assert again.evaluate("document.documentElement.lang") == "fr"
    context.close()


@needs_chromium
def test_a_cell_lists_the_sites_that_reach_it(opened):
    seen = opened(small_plan().page)
    area = seen.page.locator(".folium-map").bounding_box()
    seen.page.mouse.click(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.45)
    text = seen.page.locator(".leaflet-popup .card").inner_text()
    assert "Nearest site:" in text
    assert re.search(r"(on foot|by bicycle|by public transport)\t\d+", text)


@needs_chromium
def test_a_cell_is_named_by_its_territory_or_the_nearest_place(opened):
    world = small_world()
    sides = [Point(500_600, 5_001_400), Point(503_000, 5_001_500), Point(503_000, 5_001_500)]
    names = gpd.GeoDataFrame({"name": ["Oberdorf", "Niederdorf", ""], "place": "hamlet"}, geometry=sides, crs=UTM)
    seen = opened(map_of(world["sites"], cells=with_minutes(world["cells"]), places=names))
    area = seen.page.locator(".folium-map").bounding_box()
    seen.page.mouse.click(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.5)
    assert seen.page.locator(".leaflet-popup .card p").first.inner_text().endswith(", near Oberdorf")
    seen = opened(small_plan(places=names).page)
    seen.page.mouse.click(area["x"] + area["width"] * 0.55, area["y"] + area["height"] * 0.45)
    assert seen.page.locator(".leaflet-popup .card p").first.inner_text().endswith(", East")


@needs_chromium
@pytest.mark.parametrize(
    ("language", "one", "none"),
    [
        ("en", " by the one open site", "No site is open."),
        ("fr", " par le seul site ouvert", "Aucun site n’est ouvert."),
    ],
)
def test_one_site_is_spoken_of_as_one(opened, language, one, none):
    world = small_plan()
    cells = world.cells.iloc[:1].assign(people=1.0)
    page = site_map(world.sites.iloc[:1], cells=cells, times=world.times.query("site == 'a'"), points=world.points)
    assert "people in one cell" in data_of(page)["notes"]["en"][0]
    seen = opened(page)
    seen.page.locator("#tools button", has_text=language.upper()).click()
    covered = seen.page.locator('[data-total="covered"]').inner_text()
    assert seen.page.locator("#totals p").nth(1).inner_text() == covered + one
    seen.page.locator('[data-open="a"]').uncheck()
    assert seen.page.locator("#totals p").nth(1).inner_text() == none


@needs_chromium
def test_the_keyboard_alone_is_enough(opened):
    seen = opened(small_plan().page)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.id") == "skip"
    seen.page.locator('input[name="mode"]:checked').focus()
    seen.page.keyboard.press("ArrowLeft")
    assert seen.page.locator('input[name="mode"]:checked').get_attribute("value") == "transit"
    assert seen.page.evaluate("document.activeElement.name") == "mode"
    seen.page.locator('[data-open="b"]').focus()
    seen.page.keyboard.press("Space")
    assert not seen.page.locator('[data-open="b"]').is_checked()
    assert seen.page.evaluate("document.activeElement.dataset.open") == "b"


def test_small_cells_are_not_told_apart():
    world = small_plan()
    page = small_plan(threshold=60).page
    told = data_of(page)
    assert all(each is None or each == 0 or each >= 60 for each in told["cells"]["people"])
    known = small_world()["cells"]["people"].sum()
    assert abs(sum(filter(None, told["cells"]["people"])) - known) <= len(told["cells"]["people"])
    assert len(told["cells"]["names"]) < len(small_world()["cells"])
    assert len(data_of(world.page)["cells"]["names"]) == len(small_world()["cells"])


@pytest.mark.parametrize("threshold", [5, 12, 60, 400, 1e6])
def test_no_cell_tells_of_few_members_of_a_group(threshold):
    world = small_plan()
    cells, names = join_small(world.cells, threshold)
    chance = np.random.default_rng(3)
    points = world.points.assign(age_65=chance.choice([0.0, 0.0, 0.0, 1.0, 6.0, 40.0], 144))
    later = points.assign(people=points["people"] * 0.9)
    told, after = spread_people([points, later], cells, names, threshold)
    assert list(told.index) == list(points.index)
    withheld = told["cell"].isin(cells.index[cells["people"].isna()])
    assert (told.loc[withheld, ["people", "workers", "age_65"]] == 0).all(axis=None)
    for group in ("workers", "age_65"):
        known = points[group].where(~withheld).fillna(0.0).groupby(told["cell"]).sum()
        shown = told.groupby("cell")[["people", group]].sum()
        rate = shown[group] / shown["people"].where(shown["people"] > 0)
        for cell in known.index[known.between(0, threshold, inclusive="neither") & (shown[group] > 0)]:
            assert known[np.isclose(rate, rate[cell])].sum() >= threshold  # of all that share its rate
        if threshold <= 60:
            assert shown[group].sum() == pytest.approx(known.sum())
        if known.sum() < threshold:
            assert (shown[group] == 0).all()
    assert after["people"].sum() == pytest.approx(0.9 * told["people"].sum())


@pytest.mark.parametrize("runs", [[], [0], [3, 4, 5, 9], [0, 1, 2], [7, 9, 11]])
def test_packed_runs_are_the_minutes(runs):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    minutes = [(each * 37) % 23 + 1 for each in runs]
    code, value, shift = [], 0, 0
    some = np.array([5, 6, 8], dtype=np.int64)  # of another site, which changes nothing
    points, units = (np.concatenate([some, np.array(each, dtype=np.int64), some]) for each in (runs, minutes))
    before, text, after = pack_runs(points, units, np.array([0, 3, 3 + len(runs), 6 + len(runs)]))
    assert before == after == pack_runs(some, some, np.array([0, 3]))[0]
    for digit in map(alphabet.index, text):
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            code.append(value >> 1 ^ -(value & 1))
            value, shift = 0, 0
    found, point, unit = [], 0, 0
    while code:
        point += code.pop(0)
        for _ in range(code.pop(0)):
            unit += code.pop(0)
            found.append((point, unit))
            point += 1
    assert found == list(zip(runs, minutes, strict=True))


@needs_chromium
def test_all_layers_and_hostile_names_in_every_table(opened):
    world = small_world(HOSTILE)
    places = [Point(500_500, 5_000_500), Point(502_500, 5_001_500)]
    names = gpd.GeoDataFrame({"name": HOSTILE[:2], "place": ["town", "hamlet"]}, geometry=places, crs=UTM)
    ways = gpd.GeoDataFrame({"name": HOSTILE[:1]}, geometry=[LineString(places)], crs=UTM)
    woods = gpd.GeoDataFrame(geometry=[box(501_000, 5_000_000, 502_000, 5_001_000)], crs=UTM)
    lines = pd.DataFrame({"site": "a", "line": HOSTILE, "people": 5.0, "lost": np.nan})
    layers = {"stops": names, "transit_lines": ways, "places": names, "railways": ways, "green": woods, "lines": lines}
    world["communes"] = world["communes"].assign(name=HOSTILE[:2])
    times = pd.DataFrame({"site": ["a"], "point": [1], "mode": [HOSTILE[0]], "minutes": [4.0]})
    points = gpd.GeoDataFrame(
        {"cell": [0], "people": [9.0], HOSTILE[1]: [2.0]}, geometry=places[:1], index=[1], crs=UTM
    )
    phases, others = [(HOSTILE[1], ["b"])], {HOSTILE[0]: result_of(world["sites"], times=times, points=points)}
    page = map_of(**world, **layers, times=times, points=points, phases=phases, scenarios=others)
    seen = opened(page)
    ticked, legends = shown(seen)
    assert {"stops", "lines", "places", "railways", "green", "cells minutes"} <= set(ticked)
    assert sorted(ticked) == sorted(legends)
    seen.page.locator("#ranking tbody button").first.click()
    assert HOSTILE[1] in seen.page.locator("#card").text_content()
    seen.page.locator("#find").fill("onerror")
    assert seen.page.locator("#search li").count() > 1
    seen.page.locator("#against").select_option(index=1)
    assert seen.page.locator("#panel b, #panel i, img, #card img").count() == 0


def test_times_and_points_belong_together():
    world = small_plan()
    with pytest.raises(InputError, match="times and points belong together"):
        site_map(world.sites, times=world.times)
    with pytest.raises(InputError, match="site 'c' is not on the map"):
        site_map(world.sites.drop("c"), times=world.times, points=world.points)
    with pytest.raises(StudyError, match="choice: site 'z' is not on the map"):
        site_map(world.sites, choice=["a", "z"])
    with pytest.raises(StudyError, match="a result and tables beside it"):
        site_map(Result(world.sites), times=world.times, points=world.points)


# ---- what is added to it ----


def policy_of(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page.html)
    return {name: set(sources) for name, *sources in (part.split() for part in policy.split("; "))}


@needs_chromium
def test_layers_of_folium_are_shown_with_the_pages_own(opened):
    page = site_map(**small_world())
    town = small_world()["communes"].to_crs(4326)
    spot = town.geometry.iloc[0].centroid
    folium.Marker((spot.y, spot.x), tooltip="Ours").add_to(page.map)
    folium.GeoJson(town[["name", "geometry"]], name="parishes").add_to(page.map)
    assert not any(source.startswith("http") for source in policy_of(page)["script-src"])
    seen = opened(page)
    assert seen.page.locator("#ranking tbody tr").count() == 4  # the page's own parts work as before
    icon = seen.page.locator("img.leaflet-marker-icon")
    assert icon.count() == 1
    assert icon.evaluate("each => each.complete && each.naturalWidth > 0")
    drawn = "Object.values(siteplan_map._layers).filter((each) => each instanceof L.GeoJSON).length"
    assert seen.page.evaluate(drawn) == 1


def test_a_page_asks_only_the_hosts_that_additions_name():
    page = site_map(**small_world())
    plain, asked = page.html, policy_of(page)
    folium.plugins.HeatMap([(45.1, 9.0)]).add_to(page.map)
    folium.TileLayer("https://{s}.example.org/{z}/{x}/{y}.png", attr="x").add_to(page.map)
    heat = policy_of(page)
    (host,) = heat["script-src"] - asked["script-src"] - {each for each in heat["script-src"] if each[0] == "'"}
    assert host in folium.plugins.HeatMap([]).default_js[0][1]
    assert heat["img-src"] - asked["img-src"] == {"https://*.example.org"}
    assert page.html.count('id="siteplan-data"') == 1  # what is put around the map is taken off again
    folium.Marker((45.1, 9.0), popup="<b>Hall</b>", icon=folium.Icon()).add_to(page.map)
    more = policy_of(page)
    assert {"https://code.jquery.com", "https://cdnjs.cloudflare.com"} <= more["script-src"]
    assert "bootstrap@5" not in page.html
    assert site_map(**small_world()).html == plain
    assert "leaflet.js" in page.map.get_root().render()  # Folium's own way to show it works still


# ---- a real size ----


def porto_alegre():
    """Real cells, people and streets; 40 sites where most people live, with their real isochrones."""
    import h3

    table = pd.read_csv(REAL / "poa_hexgrid.csv")
    hexagons = [Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in table["id"]]
    people = table["population"].to_numpy(dtype=float)
    cells = gpd.GeoDataFrame({"people": people}, geometry=hexagons, index=pd.Index(table["id"], name="cell"), crs=4326)
    places = cells.to_crs(32722).centroid.iloc[np.argsort(-people)[:400:10]].to_list()
    index = pd.Index([f"s{at:02d}" for at in range(40)], name="site")
    facts = {"name": [f"Site {at}" for at in range(40)], "status": "candidate", "cost": np.nan, "capacity": np.nan}
    sites = gpd.GeoDataFrame(facts, geometry=places, index=index, crs=32722)
    streets = read_streets(REAL / "poa_osm.pbf")
    rings = [isochrones(streets, sites, mode=mode, minutes=(15, 20)) for mode in ("walk", "bike")]
    return {
        "rings": pd.concat(rings, ignore_index=True),
        "cells": with_minutes(cells),
        "streets": streets.edges,
        "sites": sites,
    }


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is absent")
@needs_chromium
def test_porto_alegre_weighs_five_megabytes_at_most(opened):
    world = porto_alegre()
    assert len(world["rings"]) == 160
    page = map_of(**world, name="Porto Alegre")
    assert len(page.html.encode()) <= 5_000_000
    assert data_of(page)["notes"]["en"][2] == "812,935 people in 1,227 cells."
    seen = opened(page)
    assert seen.page.locator(".mark").count() == 40
    seen.picture("porto_alegre")


@needs_chromium
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1024, 700), (390, 844)])
def test_the_answer_stands_on_the_first_sheet_and_no_legend_over_the_map(opened, width, height):
    seen = opened(small_plan().page, width=width, height=height)
    answer = seen.page.locator("#totals .big").bounding_box()
    assert answer["y"] + answer["height"] < height
    around, side = (seen.page.locator(what).bounding_box() for what in (".folium-map", "#side"))
    if width == 1366:
        assert side["x"] >= around["x"] + around["width"]
        seen.page.locator("#layers summary").click()  # folded, the map has its place
        assert seen.page.locator(".folium-map").bounding_box()["width"] > around["width"] + 150
    else:
        assert not seen.page.locator("#layers").evaluate("each => each.open")
    seen.page.locator("#notes summary").click()
    assert seen.page.locator("#notes details p").first.is_visible()


@needs_chromium
def test_of_many_sites_the_areas_of_the_lesser_are_left_out_and_told(opened, monkeypatch):
    """Those open and chosen are drawn first, then the best ranked; the area of all together stays."""
    monkeypatch.setattr(layers, "MOST_OWN", 2)
    world = small_world()
    with pytest.warns(SiteplanWarning, match=r"map: the areas of \d of \d sites are left out of the page"):
        page = map_of(**world)
    drawn = page.data["layers"]
    own = [layer["own"] for layer in drawn if layer["kind"] == "rings"]
    cards = page.data["sites"]
    ids = [card["id"] for card in cards]
    assert all(rings.count(None) == len(ids) - 2 for rings in own)
    there = {card["id"] for card in cards if own[0][ids.index(card["id"])] is not None}
    assert "a" in there  # which exists
    assert all(layer["union"] for layer in drawn if layer["kind"] == "rings")
    bare = next(at for at in range(len(ids)) if any(rings[at] is None for rings in own))
    seen = opened(page)
    seen.page.locator(f"#ranking tr[data-at='{bare}'] .link").click()
    assert "left out" in seen.page.locator("#card").inner_text()
    assert seen.complaints == []


def test_an_area_is_made_plain_as_it_would_be_united():
    def hole(west, wide):  # with an island of 20 m in it
        left, right, middle = west, west + wide, west + wide / 2
        return [(left, 500), (right, 500), (right, 500 + wide), (left, 500 + wide)], box(
            middle - 10, 500 + wide / 2 - 10, middle + 10, 500 + wide / 2 + 10
        )

    (small, first), (large, second) = hole(300, 90), hole(600, 120)
    corners = [(0, 0), (2000, 0), (2000, 1000), (1000, 1001), (0, 1000)]
    area = shapely.MultiPolygon([Polygon(corners, [small, large]), first, second])
    assert area.is_valid
    plain = plainer(area)
    assert len(plain.geoms) == 2
    assert shapely.equals(plain, as_one(np.array([area])))
    assert plain.area == pytest.approx(2000 * 1000 - 120**2 + 20**2)
    assert plainer(shapely.MultiPolygon()).is_empty
