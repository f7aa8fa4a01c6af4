"""A new site that a reader tries on the map: the page counts what `reach` counts of a site at the very place."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import Point

import siteplan as sp
from siteplan.output import maps
from siteplan.output.maps.shapes import encode
from siteplan.output.maps.trials import pack_levels
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.study import read_study, run
from siteplan.study.cache import Cache
from siteplan.study.doubt import slowest
from siteplan.study.trials import near_homes, trial_places, trials_of
from siteplan.words import half_up
from tests.browser import browser, needs_chromium, open_page
from tests.test_maps import data_of
from tests.town import BY_BUS, NORTH, lon, write_bus, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")

PUBLICS = "  publics: {riders: {share: 0.3}, walkers: {share: 0.7, modes: [walk]}}\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    study = BY_BUS.replace(
        "travel: {modes: [walk, transit], minutes: [8, 9.5]}",
        "travel:\n  modes: [walk, bike, transit]\n  minutes: [3, 5.5]\n" + PUBLICS,
    )
    path = write_town(folder, study=study + "output: {isochrones: false}\n")
    write_bus(folder)
    return read_study(path), run(path, out=folder / "results")


def test_the_places_are_on_the_street_and_the_limits_are_the_shortest_that_hold(town):
    _, result = town
    trials = result.tables["trials"]
    places = trials.groupby("place")[["lon", "lat"]].first()
    assert len(places) >= 8  # of 11 crossings, one a square of 100 m
    assert set(places["lat"]) == {NORTH}
    assert {round((each - lon(0)) / (lon(1) - lon(0)), 2) for each in places["lon"]} <= set(range(11))
    near = trials[trials["mode"] == "walk"].merge(result.points.reset_index()[["point", "cell"]], on="point")
    apart = ((near["lon"] - lon(0)) / (lon(1) - lon(0))).round() - near["cell"].astype(int)
    # 240 m in 3 minutes, 440 m in 5.5: two crossings on, four crossings on.
    assert (near["minutes"] == apart.abs().map(lambda far: 3 if far <= 2 else 5.5)).all()
    assert apart.abs().max() == 4


@pytest.mark.parametrize("homes", [1, 3, 40])
def test_places_near_a_home_are_those_within_300_m(homes):
    drawn = np.random.default_rng(homes)
    spots, there = drawn.uniform(-2000, 2000, (500, 2)), drawn.uniform(-2000, 2000, (homes, 2))
    far = np.linalg.norm(spots[:, None] - there[None], axis=2).min(axis=1)
    assert 0 < (far <= 300).sum() < 500
    np.testing.assert_array_equal(near_homes(spots, shapely.points(there)), far <= 300)


def test_fewer_places_stand_farther_apart(town):
    study, result = town
    streets = sp.read_streets(study.inputs.streets)
    few = trial_places(streets, result.points, profile=slowest(study), most=3)
    assert 1 < len(few) <= 3
    assert np.diff(np.sort(few.geometry.x)).min() > 200
    none = study.model_copy(update={"output": study.output.model_copy(update={"trials": 0})})
    assert trials_of(none, None, Cache(None)) is None


PAINTS = """spots => {
    const canvas = document.querySelector(".leaflet-cells-pane canvas"), own = canvas.getBoundingClientRect();
    const around = siteplan_map.getContainer().getBoundingClientRect(), scale = canvas.width / own.width;
    return spots.map((spot) => {
        const { x, y } = siteplan_map.latLngToContainerPoint(spot);
        const at = [around.left + x - own.left, around.top + y - own.top].map((each) => Math.round(each * scale) - 6);
        const { data } = canvas.getContext("2d").getImageData(...at, 12, 12), sums = [0, 0, 0, 0];
        data.forEach((value, each) => (sums[each % 4] += value / 144));
        return sums;
    });
}"""  # red, green, blue and how solid it is, on the mean around each spot


def counted(seen, at):
    """The two numbers of each row of a table of the card."""
    rows = seen.page.locator("#card table").nth(at).locator("tbody tr").all_inner_texts()
    return [tuple(int(each) for each in row.split("\t")[1:]) for row in rows]


def expected(study, times, points, subject, limits):
    """What `reach` says of the new site beside A and B: whom it reaches, and who of them no other does."""
    found = sp.reach(Reach.of(*by_public(times, points, study.publics)), minutes=limits).loc["new"]
    modes = (*study.travel.modes, "best")
    unique = "unique" if subject == "people" else f"unique_{subject}"
    return [
        tuple(half_up(found[f"{kind}_{mode}_{limit:g}"]) for kind in (subject, unique))
        for mode in modes
        for limit in limits
    ]


@needs_chromium
def test_the_page_counts_as_reach_does_of_a_site_at_the_place(town):
    study, result = town
    streets = sp.read_streets(study.inputs.streets)
    timetable = sp.read_transit(study.inputs.transit.feeds, streets, date=study.inputs.transit.date)
    limits = [3, 5.5]
    with browser() as chromium, open_page(chromium, result.folder / "map.html") as seen:
        seen.page.locator("#trial button").click()
        area = seen.page.locator(".folium-map").bounding_box()
        sums = []
        places = result.tables["trials"].groupby("place")  # the last is the one amid those whom A reaches, too
        for place, rows in sorted(places, key=lambda each: -abs(each[1]["lon"].iloc[0] - lon(3))):
            spot = rows[["lon", "lat"]].iloc[0]
            if sums:  # what told of the last one may lie over this one
                seen.page.locator("#card .close").click()
            x, y = seen.page.evaluate(
                "spot => { const at = siteplan_map.latLngToContainerPoint(spot); return [at.x, at.y]; }",
                [spot["lat"], spot["lon"]],
            )
            seen.page.mouse.click(area["x"] + x + 1, area["y"] + y + 20)  # beside it
            card = seen.page.locator("#card .card")
            assert card.get_attribute("data-tried") == str(place)
            assert f"{spot['lat']:.6f}, {spot['lon']:.6f}" in card.inner_text()
            there = gpd.GeoDataFrame({"name": ["new"]}, geometry=[Point(*spot)], index=["new"], crs=4326)
            sites = pd.concat([result.sites.to_crs(4326).loc[["A", "B"], ["name", "geometry"]], there])
            times = sp.travel_times(
                streets,
                sites.rename_axis("site"),
                result.points,
                mode=list(study.profiles()),
                minutes=5.5,
                transit=timetable,
            )
            people = expected(study, times, result.points, "people", limits)
            assert counted(seen, 0) == people
            workers = expected(study, times, result.points, "workers", [5.5])
            assert counted(seen, 1) == [people[-1], workers[-1]]  # together, within the longer limit
            sums.append(people)
        assert len({tuple(each) for each in sums}) > 4  # or the comparison would say little
        # With B closed, those whom B alone reached are new.
        seen.page.locator('[data-open="B"]').uncheck()
        without = times[times["site"] != "B"]
        assert counted(seen, 0) == expected(study, without, result.points, "people", limits)
        # The cells show the same of the way that is looked at: on foot, that anybody can go.
        seen.page.evaluate("document.querySelector('#controls input[name=mode][value=walk]').click()")
        walked = without[(without["mode"] == "walk") & (without["minutes"] <= 5.5)]
        mine = set(walked.loc[walked["site"] == "new", "point"])
        theirs = set(walked["point"][walked["site"] != "new"])
        kinds, spots = [], []
        middles = result.cells.to_crs(4326).representative_point()
        for cell, here in result.points.groupby("cell").groups.items():
            kinds.append("new" if set(here) & (mine - theirs) else "known" if set(here) & mine else "out")
            spots.append([middles[cell].y, middles[cell].x])
        assert seen.page.locator('[data-layer="cells tried"]').is_checked()
        paints = seen.page.evaluate(PAINTS, spots)
        looks = {
            kind: np.mean([p for p, each in zip(paints, kinds, strict=True) if each == kind], axis=0) for kind in kinds
        }
        assert len(looks) == 3
        for paint, kind in zip(paints, kinds, strict=True):
            assert min(looks, key=lambda each: np.abs(looks[each] - paint).sum()) == kind
        # By keyboard: the middle of the map, and an end of it.
        seen.page.locator("#card .close").click()
        assert not seen.page.locator('[data-layer="cells tried"]').is_checked()
        seen.page.locator("#trial button").click()
        seen.page.locator("#trial button").press("Enter")
        seen.page.keyboard.press("Enter")
        assert seen.page.locator("#card [data-tried]").count() == 1
        assert "try=" in seen.page.evaluate("location.hash")
        seen.page.keyboard.press("Escape")
        assert seen.page.locator("#trial button").get_attribute("aria-pressed") == "false"
        assert seen.complaints == []


@pytest.mark.parametrize(
    ("points", "levels", "runs"),
    [([], [], []), ([0, 1, 2], [0, 0, 0], [0, 3, 0]), ([1, 2, 4, 5], [0, 1, 1, 1], [1, 1, 0, 0, 1, 1, 1, 2, 1])],
)
def test_packed_levels_are_runs_of_gap_length_and_level(points, levels, runs):
    twice = (np.array(each * 2, dtype=np.int64) for each in (points, levels))
    one = encode(np.array(runs, dtype=np.int64), np.array([0, len(runs)]))
    assert pack_levels(*twice, np.array([0, len(points), 2 * len(points)])) == one * 2


def test_a_page_that_cannot_hold_the_places_says_why(town, monkeypatch):
    _, result = town
    assert len(data_of(maps.site_map(result))["trials"]["places"]) >= 8
    monkeypatch.setattr(maps, "MOST_TRIALS", 100)
    assert "larger than 5 MB" in data_of(maps.site_map(result))["trials"]["why"]["en"]
    own = {**result.manifest, "parameters": {**result.study, "inputs": {"times": "times.csv"}}}
    assert "come from a table" in data_of(maps.site_map(replace(result, manifest=own)))["trials"]["why"]["en"]
