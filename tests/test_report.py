"""The report says what the tables say, in both languages, on paper, and no text in it is more than text.

The town: eleven crossings, 10 people at each, 100 m and a minute apart. A (existing) stands at the western end, B and D
(candidates) at the eastern end and in the middle, C is excluded. Within 4 minutes A reaches the crossings 0 to 4,
B 6 to 10, D 1 to 9.
"""

import json
import re
import subprocess
from copy import deepcopy
from dataclasses import replace
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point, box

from siteplan.analysis.reach import coverage
from siteplan.catalogue import Measure, measures
from siteplan.errors import InputError, StudyError
from siteplan.output.palette import minute_classes
from siteplan.output.report import pdf, print_pdf, render_report, write_report
from siteplan.output.report.account import Account
from siteplan.output.report.facts import (
    access_table,
    communes_of,
    covered_count,
    covered_people,
    headline,
    opening_counts,
    reach_columns,
)
from siteplan.output.report.figures import RADIUS, WIDTH, Frame, _apart, _path
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.tables import MOST_ROWS
from siteplan.output.result import Result
from siteplan.reachable import Reach
from siteplan.study import read_study, redraw, report, run
from tests.browser import browser, needs_chromium, open_page
from tests.hostile import HOSTILE
from tests.town import NORTH, STUDY, lon, write_town

CRS = "EPSG:32632"
X, Y = 500_000, 5_200_000
PLACE = {"A": 0, "B": 10, "C": 5, "D": 5}
NAMES = {"rings": "isochrones", "access": "territories"}  # of layers and tables
WALK_4 = Measure("reached", "people", "walk", 4.0)


def town_sites():
    columns = {
        "name": ["Hall", "Library", "Barn", "Depot"],
        "status": ["existing", "candidate", "excluded", "candidate"],
        "cost": [np.nan, 1500.0, np.nan, 2000.0],
        "capacity": [40.0, np.nan, np.nan, 12.0],
    }
    at = [Point(X + 100 * place, Y) for place in PLACE.values()]
    return gpd.GeoDataFrame(columns, geometry=at, index=pd.Index(list(PLACE), name="site"), crs=CRS)


def town_times():
    rows = [(site, k, "walk", abs(k - PLACE[site])) for site in "ABD" for k in range(11) if abs(k - PLACE[site]) <= 4]
    return pd.DataFrame(rows, columns=["site", "point", "mode", "minutes"]).astype({"minutes": float})


def town_points():
    at = [Point(X + 100 * k, Y) for k in range(11)]
    table = {"cell": range(11), "people": 10.0, "status": "placed"}
    return gpd.GeoDataFrame(table, geometry=at, index=pd.RangeIndex(11, name="point"), crs=CRS)


def town_access(communes, sites, pairs):
    where = communes_of(town_points(), communes, None)
    return access_table(Reach.of(town_times(), town_points()), where, sites=sites, pairs=pairs)


def town_cells():
    cells = [box(X + 100 * k - 50, Y - 50, X + 100 * k + 50, Y + 50) for k in range(12)]
    minutes = [0, 1, 2, 2, 1, 0, 1, 2, 2, 1, 0, np.nan]
    people = [10.0] * 11 + [np.nan]
    return gpd.GeoDataFrame(
        {"people": people, "minutes_walk": minutes, "minutes_best": minutes}, geometry=cells, crs=CRS
    )


def town_scores():
    columns = {
        "name": ["Hall", "Library", "Depot"],
        "status": ["existing", "candidate", "candidate"],
        "people_walk_2": [30.0, 30.0, 50.0],
        "people_walk_4": [50.0, 50.0, 90.0],
        "added_walk_4": [50.0, 50.0, 50.0],
        "score": [55.6, 55.6, 100.0],
        "rank": [2, 2, 1],
        "walk_kmh": 6.0,
    }
    return pd.DataFrame(columns, index=pd.Index(["A", "B", "D"], name="site"))


def town_communes(names=("West", "East")):
    shapes = [box(X - 300, Y - 300, X + 450, Y + 300), box(X + 450, Y - 300, X + 950, Y + 300)]
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, index=pd.Index([1, 2], name="territory"), crs=CRS)


def town_rings():
    shapes = [Point(X + 100 * PLACE[site], Y).buffer(400) for site in "ABD"]
    table = {"site": list("ABD"), "mode": "walk", "minutes": 4.0, "speed_kmh": 6.0}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def lines(*corners, **columns):
    return gpd.GeoDataFrame({name: [value] for name, value in columns.items()}, geometry=[LineString(corners)], crs=CRS)


MANIFEST = {
    "name": "One street",
    "siteplan": "0.1.0",
    "python": "3.11.7",
    "libraries": {"numpy": "2.0"},
    "inputs": {
        "inputs.streets": {
            "file": "streets.osm.pbf",
            "sha256": "0123456789abcdef" * 4,
            "data_date": "2026-01-01T00:00:00Z",
            "counts": {"ways_cut": 3},
        },
        "inputs.sites": {"file": "sites.csv", "sha256": "f" * 64},
    },
    "parameters": {
        "language": "en",
        "score": {"weights": {"people_walk_4": 1.0}},
        "travel": {
            "direction": "to",
            "minutes": [2.0, 4.0],
            "profiles": {
                "walk": {"name": "walk", "rules": "walk", "speed_kmh": 6.0, "stairs_factor": 3.0, "slope": True},
                "transit": {
                    "window": ["08:00", "09:00"],
                    "percentile": 50,
                    "max_rides": 2,
                    "max_walk_minutes": 10,
                },
            },
        },
    },
    "totals": {
        "people": {"in": 112.0, "placed": 110.0, "too_far": 1.0, "island": 1.0, "cells": 12, "missing_cells": 1}
    },
    "reached": [
        {"mode": "walk", "minutes": 4.0, "people": 110.0, "people_share": 1.0, "age_65": 3.0, "age_65_share": 0.6}
    ],
    "warnings": ["people.csv: something odd"],
}


def town(**more):
    given = {
        "sites": town_sites(),
        "scores": town_scores(),
        "cells": town_cells(),
        "rings": town_rings(),
        "communes": town_communes(),
        "streets": lines((X - 500, Y), (X + 1500, Y), highway="primary"),
        "water": gpd.GeoDataFrame({"name": ["Lake"]}, geometry=[box(X, Y + 60, X + 200, Y + 150)], crs=CRS),
        "green": gpd.GeoDataFrame({"kind": ["park"]}, geometry=[box(X, Y - 200, X + 200, Y - 100)], crs=CRS),
        "railways": lines((X, Y + 90), (X + 900, Y - 90), kind="rail"),
        "places": gpd.GeoDataFrame(
            {"name": ["Bourg"], "place": ["town"]}, geometry=[Point(X + 500, Y + 120)], crs=CRS
        ).to_crs(4326),
        "times": town_times(),
        "points": town_points(),
        "manifest": MANIFEST,
    }
    return given | more


def result_of(sites, *, manifest=None, **given):
    """A result of layers and tables by their names."""
    given = {NAMES.get(name, name): each for name, each in given.items() if each is not None}
    layers = {name: each for name, each in given.items() if isinstance(each, gpd.GeoDataFrame)}
    tables = {name: each for name, each in given.items() if name not in layers}
    return Result(sites, tables, layers, manifest or {})


def page_of(sites, *, language="", **given):
    return render_report(result_of(sites, **given), language=language)


CHOICE = pd.DataFrame({"site": ["B", "D"], "order": [2, 1], "added": [10.0, 50.0]})


def parsed(page):
    """Read the page as strictly as XML is read."""
    head, body = page.split("\n", 1)
    assert head == "<!DOCTYPE html>"
    return ElementTree.fromstring(body)


def text_of(page, section=None):
    root = parsed(page)
    found = root if section is None else next(each for each in root.iter("section") if each.get("class") == section)
    return " ".join(" ".join(found.itertext()).split())


# ---- what it says ----


def test_the_answer_is_in_the_numbers_of_the_tables():
    page = page_of(**town())
    assert "Which of the 2 candidate sites" in text_of(page, "question")
    answer = text_of(page, "answer")
    assert "Today the one open site covers 50 of 110 people (45%) within 4 minutes on foot." in answer
    assert "All 3 sites together would cover 110 (100%)." in answer
    assert "the best candidates are Depot (90 people) and Library (50 people)." in answer
    assert "Library adds most to what is open: 50 people" in answer or "Depot adds most" in answer
    assert "0 people (0%) remain beyond 4 minutes" in answer


def test_the_chosen_set_is_told_step_by_step():
    page = page_of(**town(choice=CHOICE))
    answer = text_of(page, "answer")
    assert "Open Depot and Library, in this order: 110 of 110 people (100%)" in answer
    assert "best candidates" not in answer
    chosen = text_of(page, "chosen_sites")
    assert "1 Depot 50 100 91% 2,000 2,000" in chosen
    assert "2 Library 10 110 100% 1,500 3,500" in chosen


def minutes_shown(page):
    figure = next(each for each in parsed(page).iter("figure") if "Minutes" in "".join(each.itertext()))
    return [" ".join("".join(each.itertext()).split()) for each in figure.iter("desc")]


def test_the_maps_of_minutes_show_what_is_open_today_and_what_is_proposed():
    # By head: a walk of 100 m takes a minute, so that within 4 minutes of the Hall (A, at the first of eleven
    # crossings) there are five, and all eleven with the Depot and the Library.
    shown = minutes_shown(page_of(**town(choice=CHOICE)))
    assert shown == [
        "Of the cells, 5 of 12 have a site within 4 minutes on foot, with the sites that are open today.",
        "Of the cells, 11 of 12 have a site within 4 minutes on foot, with the open and the chosen sites.",
    ]
    assert [each.split(", ")[-1] for each in minutes_shown(page_of(**town()))] == [
        "with the sites that are open today.",
        "if all sites were open.",
    ]
    unknown = town(times=None, points=None, choice=CHOICE)
    assert [each.split(", ")[-1] for each in minutes_shown(page_of(**unknown))] == ["if all sites were open."]


def asked(told=None, **choose):
    """The manifest of a run that asked for a choice, and what it says of the one that was made."""
    parameters = MANIFEST["parameters"] | {"choose": {"objective": "coverage", "group": "people"} | choose}
    return MANIFEST | {"parameters": parameters} | ({} if told is None else {"choice": told})


def workers(points):
    """Four of the ten at each crossing work; east of the middle, eight do."""
    return points.assign(workers=[4.0] * 6 + [8.0] * 5)


WHOLE = pd.DataFrame({"site": ["A", "D", "B"], "order": [0, 1, 2], "added": [20.0, 24.0, 24.0]})


def test_what_exists_is_not_to_be_opened_and_costs_nothing():
    page = page_of(**town(choice=WHOLE, sites=town_sites().assign(cost=[900.0, np.nan, 5.0, 2000.0])))
    answer = text_of(page, "answer")
    assert "Open Depot and Library, in this order: 110 of 110 people" in answer
    assert "Hall exists and stays open." in answer
    assert "The new sites cost 2,000 cost units together, plus 1 of unknown cost." in answer
    chosen = text_of(page, "chosen_sites")
    # Nobody but the first site is open after the first step.
    assert "– Hall existing 50 50 45% 0 0 1 Depot 50 100 91% 2,000 2,000" in chosen
    assert "2 Library 10 110 100% – 2,000 + 1 unknown" in chosen
    sites = next(each for each in parsed(page).iter("figure") if "The sites;" in "".join(each.itertext()))
    rings = [each for each in sites.iter("circle") if each.get("r") == str(RADIUS + 6)]
    assert len(rings) == 3  # two marks and one in the legend: what exists has none
    french = text_of(page_of(**town(choice=WHOLE, language="fr")), "answer").replace("\u202f", " ")
    assert "À ouvrir, dans cet ordre : Depot et Library." in french
    assert "Hall existe et reste ouvert." in french
    only = page_of(**town(choice=WHOLE[:1]))
    assert "Open no further site: 50 of 110 people" in text_of(only, "answer")


def test_the_question_is_the_one_that_was_asked():
    manifest = asked(
        objective="median", minutes=4.0, sites=3, budget=5000.0, floors={"East": 0.5}, spacing_m=200.0, capacities=True
    )
    question = text_of(page_of(**town(choice=WHOLE, manifest=manifest)), "question")
    assert "as few minutes as possible on average to the nearest one" in question
    assert "who has none within 4 minutes counts 8" in question
    for said in ("3 sites are open in the end", "cost at most 5,000", "its capacity", "200 m apart", "East 50%"):
        assert said in question
    assert "What exists stays open." in question
    quota = {"column": "zone", "value": "<b>", "at_least": 1, "at_most": 2}
    other = page_of(**town(choice=WHOLE, manifest=asked(phases=[1, 3], floors="most", quotas=[quota])))
    question = text_of(other, "question")
    assert "as many as possible of 110 people" in question
    assert "Sites open after each phase: 1 and 3" in question
    assert "In the commune that is worst served" in question
    assert "At most 2 of the open sites have zone “<b>”." in question


@pytest.mark.parametrize("objective", ["coverage", "share", "median", "center", "backup", "gravity"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_objective_has_words(objective, language):
    told = {"objective": objective, "value": 3.0, "bound": 4.0, "gap": 0.3, "greedy": 1.0, "summary": {"people": 110.0}}
    manifest = asked(told, objective=objective, backup=2, phases=[1, 2], group="workers")
    phases = pd.DataFrame(PHASES)
    page = page_of(
        **town(choice=WHOLE, manifest=manifest, language=language, points=workers(town_points()), phases=phases)
    )
    assert {"question", "chosen_sites", "phases"} <= {each.get("class") for each in parsed(page).iter("section")}


def test_a_choice_for_a_group_is_told_in_its_members():
    """Of 64 workers, 20 live within reach of A, 44 more within that of D, 8 (beyond 9) of B alone."""
    told = {"objective": "coverage", "value": 64.0, "bound": 64.0, "gap": 0.0, "greedy": 64.0, "summary": {}}
    curve = pd.DataFrame({"sites": [1, 2, 3], "covered": [20.0, 56.0, 64.0], "gain": [20.0, 36.0, 8.0], "knee": 0})
    page = page_of(
        **town(
            choice=WHOLE.assign(added=[20.0, 36.0, 8.0]),
            manifest=asked(told, group="workers", minutes=4.0, mode="walk"),
            points=workers(town_points()),
            curve=curve.assign(knee=[False, True, False], bound=[64.0] * 3),
        )
    )
    assert "as many as possible of 64 workers" in text_of(page, "question")
    answer = text_of(page, "answer")
    assert "64 of 64 workers (100%)" in answer
    assert "Of all 110 people, 110 (100%) then have one." in answer
    assert "the one open site covers 20 of 64 workers (31%)" in answer
    chosen = text_of(page, "chosen_sites")
    assert "Adds (workers)" in chosen
    assert "1 Depot 36 56 88%" in chosen
    curve_said = text_of(page, "curve")
    assert "The share grows from 31% with 1 sites to 100% with 3." in curve_said
    assert "After 2 sites, each further one adds at most 8 workers (12%)." in curve_said
    assert "one after the other, each time the one that adds most" in curve_said
    (drawn,) = [each for each in parsed(page).iter("circle") if each.get("class") == "chosen"]
    assert drawn.get("cy") == "30"  # all of them, at the top
    assert len([each for each in parsed(page).iter("path") if each.get("class") == "bound"]) == 1


def test_what_a_site_adds_is_people_whatever_the_objective_counts():
    minutes = WHOLE.assign(added=[700.0, 90.0, 80.0], gain=[700.0, 90.0, 80.0])
    page = page_of(**town(choice=minutes, manifest=asked(objective="median")))
    chosen = text_of(page, "chosen_sites")
    assert "Adds (people) Minutes saved Covered then" in chosen
    assert "1 Depot 50 90 100 91%" in chosen


def test_the_proof_is_said_in_plain_words():
    told = {"objective": "coverage", "value": 110.0, "bound": 110.0, "gap": 0.0, "greedy": 90.0, "summary": {}}
    proven = text_of(page_of(**town(choice=WHOLE, manifest=asked(told))), "chosen_sites")
    assert "The set gives 110 people. Every other set was ruled out" in proven
    assert "would come to 90 people; the chosen set is better by 20 people." in proven
    open_one = asked(told | {"bound": 110.03, "gap": 0.0003, "greedy": None})
    page = page_of(**town(choice=WHOLE, manifest=open_one))
    assert "at most 0.1% from the best possible" in text_of(page, "chosen_sites")  # never rounded down to nothing
    assert "by more than 0.1%" in text_of(page, "answer")
    assert "Opening one site" not in text_of(page, "chosen_sites")
    far = {"objective": "center", "value": 8.0, "bound": 8.0, "gap": 0.0, "greedy": 8.0, "summary": {"penalty": 8.0}}
    page = page_of(**town(choice=WHOLE, manifest=asked(far, objective="center")))
    assert "8 minutes" not in text_of(page, "chosen_sites")  # nobody travels the penalty
    assert "some whom a site could reach still have none within 4 minutes" in text_of(page, "answer")


PHASES = {
    "phase": [1, 2],
    "count": [1, 3],
    "value": [50.0, 110.0],
    "alone": [90.0, 110.0],
    "bound": [95.0, 110.0],
    "loss": [40.0, 0.0],
    "loss_share": [0.444, 0.0],
    "opens": ["A", "D, B"],
}


def test_phases_are_named_and_say_what_they_cost_and_lose():
    page = page_of(**town(choice=WHOLE.assign(phase=[1, 2, 2]), phases=pd.DataFrame(PHASES), manifest=asked()))
    told = text_of(page, "phases")
    assert "1 Hall (existing) 1 0 50 45% 90 (at most 95) 40 (44%)" in told
    assert "2 Depot, Library 3 3,500 110 100% 110 0" in told
    assert "{sites}" not in text_of(page)
    assert "alone" not in told
    assert "– Hall existing 1 50 50" in text_of(page, "chosen_sites")
    french = page_of(**town(choice=WHOLE, phases=pd.DataFrame(PHASES), language="fr"))
    assert "Ouvrent Sites ouverts Coût cumulé (unités) Couverts (habitants) Part" in text_of(french, "phases")


REJECTED = pd.DataFrame(
    {
        "site": [f"R{at:02d}" for at in range(15)],
        "people": [50.0] * 15,
        "new": [float(at) for at in range(15)],
        "redundant_by": ["D"] * 14 + [None],
        "shared": [40.0] * 14 + [0.0],
        "swap_for": ["B"] * 14 + [None],
        "change": [-float(at) for at in range(14)] + [np.nan],
    }
)


def test_why_the_others_were_not_chosen_is_told_the_nearest_first():
    more = town_sites().iloc[[1] * 15].set_axis(REJECTED["site"]).assign(name="<i>", cost=1000.0)
    sites = gpd.GeoDataFrame(pd.concat([town_sites(), more])).rename_axis("site")
    told = {"summary": {"left_out": 2}}
    page = page_of(**town(choice=WHOLE, sites=sites, rejected=REJECTED, manifest=asked(told)))
    rejected = text_of(page, "rejected")
    assert rejected.index("<i> 50 0 Depot (40) Library 0 -500") < rejected.index("<i> 50 1 Depot (40) Library -1 -500")
    assert "<i> 50 11 Depot" in rejected
    assert "<i> 50 12 Depot" not in rejected
    assert "Shown are the first rows; 3 more stand in rejected.csv." in rejected
    assert "2 candidates could not be chosen" in rejected
    minutes = page_of(
        **town(
            choice=WHOLE,
            sites=sites,
            rejected=REJECTED.assign(change=-REJECTED["change"]),
            manifest=asked(objective="median"),
        )
    )
    assert "Minutes in all" in text_of(minutes, "rejected")
    assert "<i> 50 12 Depot" not in text_of(minutes, "rejected")  # more minutes are worse
    none = page_of(
        **town(choice=WHOLE, sites=sites, rejected=REJECTED.assign(swap_for=None, change=np.nan), manifest=asked())
    )
    assert "was not computed for this question" in text_of(none, "rejected")
    assert text_of(none, "rejected").index("<i> 50 14 –") < text_of(none, "rejected").index("<i> 50 13 Depot")


def test_communes_are_told_today_then_and_with_the_floor_that_was_asked():
    told = {"summary": {"floors": {"East": 0.25}}}
    page = page_of(**town(choice=WHOLE[:2], manifest=asked(told, floors={"East": 0.25})))
    communes = text_of(page, "communes")
    assert "Commune People today with the chosen sites if all sites were open At least" in communes
    assert "All 110 45% 91% 100% –" in communes
    assert "East 60 0% 83% 100% 25%" in communes
    full = {"summary": {"territories": {"East": 0.5}, "covered": 85.0, "today": 40.0}}
    page = page_of(**town(choice=WHOLE[:2], manifest=asked(full, capacities=True)))
    assert "East 60 0% 50% 100%" in text_of(page, "communes")  # who finds room there
    answer = text_of(page, "answer")
    assert "85 of 110 people (77%) then have a telecentre" in answer
    assert "Covered are people who find room: a site that is full takes nobody more." in answer
    assert "cover 40 of 110 people" in answer or "covers 40 of 110 people" in answer


def test_shares_are_counted_from_people_and_rounded_once():
    """Of 1,601 people 1,589 are covered: 99.25 %, which is 99.3 and, kept as 0.9925 and rounded again, 99.2."""
    points = town_points().assign(people=[1589.0, *[0.0] * 9, 12.0])
    times = town_times().query("point < 10")
    fairness = pd.DataFrame(
        {
            "open": ["all"],
            "what": ["covered"],
            "measure": ["share"],
            "split": ["total"],
            "territory": ["total"],
            "group": ["people"],
            "mode": ["walk"],
            "minutes": [4.0],
            "value": [0.9925],
        }
    )
    page = page_of(**town(points=points, times=times, fairness=fairness))
    assert "1,589 (99.3%)" in text_of(page, "answer")
    assert "people 99.3%" in text_of(page, "fairness")


def test_coverage_that_is_known_already_says_what_is_open():
    known = town_access(town_communes(), ["A"], [("walk", 4.0)]).assign(open="today")
    page = page_of(**town(times=None, access=known))
    assert "with the sites that are open today" in text_of(page, "communes")


def test_coverage_by_commune_is_least_first_and_all_above():
    rows = [" ".join("".join(row.itertext()) for row in line) for line in parsed(page_of(**town())).iter("tr")]
    start = next(at for at, row in enumerate(rows) if row.startswith("All"))
    assert rows[start] == "All 110 100% 100%"
    assert {rows[start + 1].split()[0], rows[start + 2].split()[0]} == {"West", "East"}
    assert not rows[start + 3].startswith("outside")  # as in the tables, people count where their cell is
    plain = parsed(page_of(**{name: table for name, table in town().items() if name != "cells"}))
    assert any("".join(row.itertext()).startswith("outside every commune10") for row in plain.iter("tr"))


def test_who_stays_out_and_what_is_uncertain_is_said():
    page = page_of(**town(choice=CHOICE.iloc[:0], times=town_times().query("site != 'D'")))
    out = text_of(page, "left_out")
    assert "Within 4 minutes on foot, 10 of 110 people (9%) have no site" in out
    assert "East (10)" in out
    assert "1 people live more than 300 m from any street" in out
    assert "people 100% and people of 65 and over 60%" in out
    doubt = text_of(page, "uncertain")
    # A tenth slower, the fourth minute is out of reach: 80 of 110.
    assert "80 people (73%) would be covered instead of 100 (91%)" in doubt
    assert "3 ways are cut" in doubt
    assert "people.csv: something odd" in doubt


def test_a_moment_and_the_limits_of_what_is_not_ridden_are_said():
    manifest = deepcopy(MANIFEST)
    ridden = manifest["parameters"]["travel"]["profiles"]["transit"]
    ridden |= {"window": ["08:30:15", "08:31:15"], "direct_walk_minutes": 20, "max_home_minutes": 7.5}
    ridden |= {"first_wait": "planned", "plan_minutes": 45}
    assumed = text_of(page_of(**town(manifest=manifest)), "assumptions")
    assert (
        "By public transport: at 08:30:15, at most 2 rides, walks to stops of at most 10 minutes, "
        "at most 20 minutes without any ride, at most 7.5 minutes between home and stop, "
        "planned by the timetable: the quickest journey up to 45 minutes aside, the wait not counted."
    ) in assumed


def test_assumptions_data_and_the_way_back_are_said():
    page = page_of(**town())
    assumed = text_of(page, "assumptions")
    assert "On foot: 6 km/h, stairs 3 times as slow, slower uphill by the terrain." in assumed
    assert "By public transport: at each minute from 08:00 to 09:00, the median, at most 2 rides" in assumed
    assert "walks to stops of at most 10 minutes." in assumed
    assert "Limits: 2 and 4 minutes." in assumed
    data = text_of(page, "data")
    assert "streets.osm.pbf 2026-01-01 0123456789ab © OpenStreetMap contributors, ODbL 1.0" in data
    assert "siteplan run study.yaml" in text_of(page, "reproduce")


def test_french_is_french():
    page = page_of(**town(language="fr", manifest=MANIFEST | {"parameters": {"score": {"weights": {}}}}))
    assert parsed(page).get("lang") == "fr"
    answer = text_of(page, "answer")
    assert "le seul site ouvert couvre 50 des 110 habitants (45 %)" in answer.replace("\u202f", " ")
    assert "2\u202f000" in page
    assert "the " not in text_of(page, "left_out")


def test_what_stands_behind_the_answer_comes_after_it():
    chosen, ranked = page_of(**town(choice=CHOICE)), page_of(**town())
    sections = [section.get("class") for section in parsed(chosen).iter("section")]
    assert sections.index("ranking") > sections.index("data")
    assert chosen.index('class="annex"') > chosen.index('class="data"')
    sections = [section.get("class") for section in parsed(ranked).iter("section")]
    assert sections.index("ranking") < sections.index("maps")  # where nothing is chosen, that is the answer
    assert 'class="annex"' not in ranked


def test_everything_may_be_missing():
    page = page_of(town_sites())
    assert [section.get("class") for section in parsed(page).iter("section")] == [
        "question",
        "maps",
        "uncertain",
        "data",
    ]


@pytest.mark.parametrize("left_out", sorted(set(town()) - {"sites"}))
def test_any_one_table_may_be_missing(left_out):
    given = town(choice=CHOICE)
    del given[left_out]
    parsed(page_of(**given))


def test_coverage_that_is_known_already_is_shown_where_there_are_no_times():
    known = town_access(town_communes(), ["A", "B"], [("walk", 4.0)])
    known = known.assign(split="communes", territory=known["territory"].replace({"": "outside"}))
    whole = known.iloc[:1].assign(split="total", territory="total", people=110.0, covered=100.0)
    page = page_of(**town(times=None, access=pd.concat([whole, known])))
    assert "All 110 91% East 50 80% West 50 100% outside every commune 10 100%" in text_of(page, "communes")


def test_other_tables_are_shown_as_they_are():
    table = pd.DataFrame({"scenario": ["base", "no bus"], "people_gained": [0, -1234.0]})
    shares = pd.DataFrame({"sites": [1, 2, 3], "covered": [55.0, 66.0, 110.0]})
    page = page_of(**town(scenarios=table, curve=shares))
    assert "no bus -1,234" in text_of(page, "scenarios")
    assert "from 50% with 1 sites to 100% with 3" in page


def test_the_same_tables_give_the_same_bytes(tmp_path):
    for name in ("one.html", "two.html"):
        write_report(result_of(**town(choice=CHOICE)), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_an_unknown_language_and_a_place_nowhere_are_refused():
    with pytest.raises(StudyError, match="'de' is not known"):
        page_of(town_sites(), language="de")
    with pytest.raises(InputError, match="cells: no coordinate reference system"):
        page_of(town_sites(), cells=town_cells().set_crs(None, allow_override=True))


@pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")
def test_files_alone_give_the_same_report_and_map(tmp_path, monkeypatch):
    """The proof stands in the manifest, so that what is drawn later says what was drawn at once."""
    monkeypatch.chdir(tmp_path)
    sites = f"site,name,status,lon,lat,cost\nA,Hall,existing,{lon(0)},{NORTH},9\n"
    sites += f"B,Library,candidate,{lon(10)},{NORTH},5\nM,Mill,candidate,{lon(5)},{NORTH},\n"
    study = write_town(tmp_path, sites=sites, study=STUDY.replace("walk, bike", "walk"))
    result = run(read_study(study, ["choose={phases: [1, 2], group: workers}"]))
    told = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))["choice"]
    assert told["objective"] == "coverage"
    assert told["value"] == result.choice.value
    assert told["summary"]["people"] == 55
    assert "seconds" not in told["summary"]
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "Every other set was ruled out" in text_of(page, "chosen_sites")
    assert text_of(page, "rejected").count("Library") == 2  # Mill shares most with it, and would best replace it
    report(result.folder, out=tmp_path / "report.html")
    redraw(result.folder, out=tmp_path / "map.html")
    for name in ("report.html", "map.html"):
        assert (tmp_path / name).read_bytes() == (result.folder / name).read_bytes()


# ---- what it counts ----


def test_covered_people_are_those_that_the_analysis_counts():
    rng = np.random.default_rng(7)
    pairs = pd.MultiIndex.from_product([["A", "B", "C"], range(40), ["walk", "bike"]], names=["site", "point", "mode"])
    times = pairs.to_frame(index=False).assign(minutes=rng.uniform(0, 30, len(pairs))).sample(frac=0.4, random_state=7)
    points = pd.DataFrame({"people": rng.integers(0, 9, 40).astype(float)}, index=pd.RangeIndex(40, name="point"))
    points.loc[3, "people"] = np.nan
    expected, reach = coverage(times, points, minutes=[15, 20]), Reach.of(times, points)
    for row in expected.itertuples():
        measure = Measure("reached", "people", row.mode, row.minutes)
        assert covered_count(reach, measure, "ABC") == row.people
    only = coverage(times[times["site"] == "B"], points, minutes=[15])
    measure = Measure("reached", "people", "best", 15.0)
    found = covered_people(reach, measure, open_sites=["B"], all_sites=list("ABC"), chosen=["C"])
    assert found.today == only.iloc[-1]["people"]
    assert found.today <= found.chosen <= found.all_sites <= found.people
    nobody = covered_count(reach, replace(measure, mode="boat"), "ABC")
    assert nobody == 0  # a mode without times
    assert covered_count(reach, measure, ["B", "Z"]) == found.today  # Z reaches nobody
    for before, then in (["B"], "ZCA"), ([], "CBA"), (["A", "Z"], ""):
        for asked in (measure, replace(measure, mode="boat")):
            one_by_one = [covered_count(reach, asked, [*before, *then[:at]]) for at in range(len(then) + 1)]
            assert opening_counts(reach, asked, before, then) == one_by_one
    given = Reach.of(times[times["mode"] == "bike"].drop(columns="mode"), points)
    assert covered_count(given, measure, "ABC") == covered_count(reach, replace(measure, mode="bike"), "ABC")


def test_times_of_other_points_are_refused():
    with pytest.raises(InputError, match="name a point that the people table does not have"):
        page_of(**town(points=town_points().iloc[:-1]))


def test_communes_sum_to_the_whole_and_nobody_counts_twice():
    overlapping = pd.concat([town_communes(), town_communes().set_axis([3, 4])])
    table = town_access(overlapping, ["A", "B"], [("walk", 4.0), ("best", 2.0)])
    walk = table[table["mode"] == "walk"].set_index("territory")
    assert walk["people"].to_dict() == {"1": 50.0, "2": 50.0, "3": 0.0, "4": 0.0, "": 10.0}
    assert walk["covered"].to_dict() == {"1": 50.0, "2": 40.0, "3": 0.0, "4": 0.0, "": 10.0}
    assert walk["share"]["2"] == 0.8
    assert table[table["mode"] == "best"]["covered"].sum() == 60


def test_the_headline_is_what_weighs_most():
    scores = town_scores().rename(columns={"added_walk_4": "people_best_4"}).assign(bike_kmh=15.0)
    assert headline(scores, {"people_walk_2": 2, "people_walk_4": 1, "workers_walk_2": 9}).column == "people_walk_2"
    assert headline(scores, {}).column == "people_best_4"
    assert headline(scores[["score"]], {}) is None


def test_a_table_for_paper_drops_shorter_limits_first():
    names = [f"people_{mode}_{limit}" for mode in ("walk", "bike", "best") for limit in (10, 15, 20)]
    scores = pd.DataFrame([[1.0] * 9], columns=names).assign(walk_kmh=4.8, bike_kmh=15.0)
    kept = [each.column for each in reach_columns(scores, 4)]
    assert len(kept) == 4
    assert {"people_walk_20", "people_bike_20", "people_best_20"} <= set(kept)
    assert len(measures(scores)) == 9


# ---- how it is drawn ----


def test_a_frame_shows_what_it_is_made_around():
    frame = Frame.around((0, 0, 10_000, 2_000))
    west, south, east, north = frame.box
    assert west < 0 and south < 0 and east > 10_000 and north > 2_000  # noqa: PT018
    assert frame.holds(frame.units(np.array([[0.0, 0.0], [10_000.0, 2_000.0]]))).all()
    assert not frame.holds(frame.units(np.array([[0.0, 9_000.0]]))).any()
    assert frame.units(np.array([[west, north]])).tolist() == [[0, 0]]
    assert (east - west) * frame.scale == pytest.approx(WIDTH)


def drawn(path):
    """Read a path of M, l and z back into rings of corners."""
    rings = []
    for part in re.findall(r"M([^M]+)", path):
        numbers = [int(each) for each in re.findall(r"-?\d+", part)]
        rings.append(np.cumsum(np.array(numbers).reshape(-1, 2), axis=0))
    return rings


def test_a_path_is_the_shape_in_whole_units():
    frame = Frame(0.0, 1000.0, 1.0, 1000)
    square = box(100, 100, 300, 200).difference(box(150, 150, 160, 160))
    outer, inner = drawn(_path(frame, np.array([square]), closed=True, tolerance=0.0))
    assert shapely.Polygon(outer).equals(box(100, 800, 300, 900))
    assert shapely.Polygon(inner).equals(box(150, 840, 160, 850))
    assert _path(frame, np.array([box(5000, 0, 6000, 10)]), closed=True, tolerance=0.0) == ""
    (line,) = drawn(_path(frame, np.array([LineString([(0, 0), (0.2, 0.3), (50, 60)])]), closed=False, tolerance=0.0))
    assert line.tolist() == [[0, 1000], [50, 940]]


def test_marks_are_pushed_apart_until_each_is_seen():
    rng = np.random.default_rng(3)
    at = np.concatenate([np.full((6, 2), 400.0), rng.uniform(300, 900, (34, 2))])
    moved = _apart(at)
    gaps = np.hypot(*(moved[:, None] - moved[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() > 1.8 * RADIUS
    alone = np.array([[0.0, 0.0], [500.0, 500.0]])
    assert (_apart(alone) == alone).all()


def test_classes_of_minutes_reach_the_longest():
    assert minute_classes(20) == [5, 10, 15, 20]
    assert minute_classes(45) == [10, 20, 30, 40, 50]
    assert minute_classes(0.0) == [5]


# ---- safe ----


def test_markup_escapes_all_but_itself():
    made = tag("p", "a < b & c", tag("b", "x"), title='"q"')
    assert made == '<p title="&quot;q&quot;">a &lt; b &amp; c<b>x</b></p>'
    assert join("<", Markup("<br/>"), by=" ") == "&lt; <br/>"
    assert tag("p", "a\u202eb\x00\x85c\u202f!") == "<p>a\ufffdb\ufffd\ufffdc\u202f!</p>"


ALLOWED = set(
    "html head meta title style body header main section h1 h2 p ul li dl dt dd div small strong table thead tbody tr "
    "th td figure figcaption details summary pre svg defs pattern rect circle path line text g desc".split()
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_and_does_nothing(text):
    sites = town_sites().assign(name=text, note=text)
    sites.index = pd.Index([f"{site} {text}" for site in sites.index], name="site")
    renamed = dict(zip("ABCD", sites.index, strict=True))
    scores = town_scores().rename(index=renamed)
    times = town_times().assign(site=town_times()["site"].map(renamed))
    table = pd.DataFrame({text: [text], "n": [1]})
    manifest = json.loads(json.dumps(MANIFEST)) | {"name": text, "siteplan": text, "warnings": [text]}
    manifest["inputs"][text] = {"file": text, "sha256": text, "data_date": text}
    manifest["parameters"]["score"]["weights"][text] = 1
    page = page_of(
        **town(
            sites=sites,
            scores=scores.assign(name=text),
            times=times.assign(mode="walk"),
            communes=town_communes((text, text)),
            places=town()["places"].assign(name=text),
            choice=pd.DataFrame({"site": [renamed["B"]], "order": [1], "added": [1.0]}),
            scenarios=table,
            desks=table,
            phases=table,
            manifest=manifest,
        )
    )
    root = parsed(page)  # well formed, so nothing closed what it did not open
    names = {element.tag for element in root.iter()}
    assert names <= ALLOWED
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "srcset")}
    shown = " ".join("".join(root.itertext()).split())
    words = re.findall(r"[\w']{4,}", text.replace("\x07", " ").replace("\x1b", " "))
    assert all(word in shown for word in words)


def test_the_page_lets_nothing_out():
    page = page_of(**town())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "url(http" not in page


# ---- for everybody ----


def test_tables_have_headers_and_figures_have_words():
    root = parsed(page_of(**town(choice=CHOICE, curve=pd.DataFrame({"sites": [1, 2], "share": [0.4, 1.0]}))))
    assert len(list(root.iter("h1"))) == 1
    for section in root.iter("section"):
        assert section.find("h2").get("id") == section.get("aria-labelledby")
    for table in root.iter("table"):
        assert all(head.get("scope") in ("col", "colgroup", "row") for head in table.iter("th"))
        assert all(row.find("th") is not None for row in table.iter("tr") if row.find("td") is not None)
    pictures = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert len(pictures) >= 4
    assert all(len(svg.find("desc").text) > 20 and svg.find("title").text for svg in pictures)
    assert all(svg.get("aria-hidden") == "true" for svg in root.iter("svg") if svg.get("role") is None)


def test_a_large_study_stays_small():
    west, south = np.meshgrid(X + 200.0 * np.arange(160), Y + 200.0 * np.arange(125))
    squares = shapely.box(west.ravel(), south.ravel(), west.ravel() + 200, south.ravel() + 200)
    minutes = {f"minutes_{mode}": np.hypot(west.ravel() - X, south.ravel() - Y) / 1000 for mode in ("walk", "best")}
    cells = gpd.GeoDataFrame({"people": 3.0} | minutes, geometry=squares, crs=CRS)
    page = page_of(**town(cells=cells))
    assert len(cells) == 20_000
    assert len(page.encode()) < 1_000_000


def country():
    """A plan of 2,000 sites, 1,500 communes, 400 chosen, 300 scenarios; every table that grows has as many rows."""
    random = np.random.default_rng(2)
    ids = [f"S{number:04}" for number in range(2000)]
    at = gpd.points_from_xy(X + random.uniform(0, 40_000, 2000), Y + random.uniform(0, 40_000, 2000))
    columns = {"name": [f"Town hall of {each}" for each in ids], "status": "candidate", "cost": 1000.0}
    sites = gpd.GeoDataFrame(columns, geometry=at, index=pd.Index(ids, name="site"), crs=CRS)
    sites["status"] = np.where(np.arange(2000) % 100 == 0, "existing", "candidate")
    west, south = (each.ravel()[:1500] for each in np.meshgrid(X + 1000.0 * np.arange(40), Y + 1000.0 * np.arange(40)))
    squares = box(west, south, west + 1000, south + 1000)
    people = 100.0 + np.arange(1500)
    communes = gpd.GeoDataFrame({"name": [f"Commune {each}" for each in range(1500)]}, geometry=squares, crs=CRS)
    communes = communes.rename_axis("territory")
    points = gpd.GeoDataFrame({"cell": range(1500), "people": people, "status": "placed"}, geometry=squares, crs=CRS)
    points = points.set_geometry(points.centroid).rename_axis("point")
    cells = gpd.GeoDataFrame({"people": people, "minutes_walk": 2.0, "minutes_best": 2.0}, geometry=squares, crs=CRS)
    pairs = {"site": random.choice(ids, 20_000), "point": random.integers(0, 1500, 20_000), "mode": "walk"}
    times = pd.DataFrame(pairs).drop_duplicates().assign(minutes=3.0)
    reached = random.integers(10, 900, 2000).astype(float)
    scores = sites[["name", "status"]].assign(people_walk_2=0.0, people_walk_4=reached, rank=np.arange(2000) + 1)
    new = [each for each in ids if sites.loc[each, "status"] == "candidate"][:400]
    choice = pd.DataFrame({"site": new, "order": range(1, 401), "added": 50.0})
    limit = {"split": "total", "territory": "", "group": "people", "mode": "walk", "minutes": 4.0, "people": 1e6}
    moved = {"before": 10.0, "after": 10.0 + np.arange(300), "gained": np.arange(300) * 1.0, "lost": 0.0}
    names = [f"scenario {number}" for number in range(300)]
    asked_for = {"choose": {"floors": dict.fromkeys(communes["name"], 0.5)}}
    opens = ", ".join(new)
    sets = {"cost": np.arange(1.0, 101), "sites": 400, "value": np.arange(1.0, 101), "opens": opens}
    phases = {"phase": range(1, 101), "count": 400, "value": 9.0, "alone": 9.0, "loss": 0.0, "loss_share": 0.0}
    return {
        "sites": sites,
        "scores": scores,
        "cells": cells,
        "points": points,
        "times": times,
        "communes": communes,
        "choice": choice,
        "scenarios": pd.DataFrame({"scenario": names, **limit, **moved, "about": "another site"}),
        "frontier": pd.DataFrame(sets),
        "phases": pd.DataFrame(phases).assign(opens=opens),
        "curve": pd.DataFrame({"sites": np.arange(1, 401), "share": np.linspace(0.1, 0.9, 400)}),
        "rejected": REJECTED.loc[REJECTED.index.repeat(500)].reset_index(drop=True),
        "robustness": pd.DataFrame(
            {"site": ids, "name": sites["name"].to_numpy(), "variants": 100, "first": 400, "counted": "people_walk_4"}
            | {"in_first": 1.0, "best_rank": 1, "worst_rank": 9, "p5": 1.0, "p95": 9.0}
        ),
        "manifest": {
            **MANIFEST,
            "parameters": MANIFEST["parameters"] | asked_for,
            "warnings": [f"people.csv: odd thing {number}" for number in range(500)],
        },
    }


def test_no_table_or_list_of_a_large_plan_goes_on_for_pages():
    page = page_of(**country())
    root = parsed(page)
    for table in root.iter("table"):
        assert len(list(table.iter("tr"))) <= MOST_ROWS + 3  # two rows of headings, one of sums
    for listed in root.iter("ul"):
        assert len(list(listed)) <= 40
    assert text_of(page, "answer").count("Town hall of") <= 60
    chosen = text_of(page, "chosen_sites")
    assert "Shown are the first sites to open; 370 more stand in choice.csv." in chosen
    communes = text_of(page, "communes")
    assert "1,470 more stand in territories.csv." in communes
    assert "scenario 299 " in text_of(page, "scenarios")
    assert "scenario 7 " not in text_of(page, "scenarios")
    assert "470 more stand in manifest.json." in text_of(page, "uncertain")


def test_of_many_open_sites_the_new_ones_are_shown():
    found = country()
    found["sites"]["status"] = np.where(np.arange(2000) < 40, "existing", "candidate")
    new = found["sites"].index[100:105]
    order = [0] * 40 + [1, 2, 3, 4, 5]
    found["choice"] = pd.DataFrame({"site": [*opened(found), *new], "order": order, "added": 50.0})
    chosen = text_of(page_of(**found), "chosen_sites")
    assert all(f"Town hall of {site}" in chosen for site in new)
    assert "Shown are the first sites to open; 15 more stand in choice.csv." in chosen


def test_of_many_communes_those_are_shown_where_most_are_without_and_all_are_in_the_sum():
    found = country()
    page = page_of(**found)
    communes = text_of(page, "communes")
    shown = {int(number) for number in re.findall(r"Commune (\d+)", communes.split("Shown are")[0])}
    reached = set(found["times"].loc[found["times"]["site"].isin([*opened(found), *found["choice"]["site"]]), "point"])
    without = [number for number in range(1500) if number not in reached]
    assert shown == set(sorted(without, key=lambda number: (-number, number))[:MOST_ROWS])
    assert f"All {found['points']['people'].sum():,.0f} " in communes


def opened(found):
    return found["sites"].index[found["sites"]["status"] == "existing"]


@needs_chromium
def test_a_large_plan_prints_on_thirty_pages(tmp_path):
    write_report(result_of(**country()), tmp_path / "report.html")
    print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    pages = len(re.findall(rb"/Type */Page\b", (tmp_path / "report.pdf").read_bytes()))
    assert 8 <= pages <= 30


@needs_chromium
def test_a_browser_shows_it_offline_and_narrow(tmp_path):
    text = HOSTILE[0]
    given = town(sites=town_sites().assign(name=text), choice=CHOICE)
    write_report(result_of(**given), tmp_path / "report.html")
    with browser() as chromium:
        for width in (1000, 390):
            with open_page(chromium, tmp_path / "report.html", width=width) as opened:
                assert opened.complaints == []
                assert len(opened.requests) == 1
                assert text in opened.page.inner_text("body")
                assert opened.page.evaluate("document.querySelectorAll('script, img, iframe, [onerror]').length") == 0
                overflow = opened.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                assert overflow <= 0
                if width == 1000:  # nothing is cut off that a reader would have to know of
                    wide = "[...document.querySelectorAll('.wide')].map(each => each.scrollWidth - each.clientWidth)"
                    assert max(opened.page.evaluate(wide)) <= 0
                opened.picture(f"report-{width}")


@needs_chromium
def test_what_a_scenario_is_about_widens_no_table_on_paper(tmp_path):
    about = "Line 1 every five minutes and line 3 every ten" + ", and so on" * 20
    rows = [
        ("more buses", group, "walk", limit, 10.0, 20.0, 10.0, 0.0, about)
        for group in ("people", "workers")
        for limit in (2, 4)
    ]
    columns = ["scenario", "group", "mode", "minutes", "before", "after", "gained", "lost", "about"]
    write_report(result_of(**town(scenarios=pd.DataFrame(rows, columns=columns))), tmp_path / "report.html")
    with (
        browser() as chromium,
        open_page(chromium, tmp_path / "report.html", width=690) as opened,
    ):  # A4 less its margins
        opened.page.emulate_media(media="print")
        assert opened.page.inner_text("body").count(about[:40]) == 1  # once, and not in each row
        # A row a mode: before, after, who gains and who loses of all people, then the change of people and workers.
        assert "more buses on foot 10 20 10 0 +10 +10" in " ".join(opened.page.inner_text("body").split())
        assert opened.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        wide = "[...document.querySelectorAll('table')].map(each => each.scrollWidth - each.parentElement.clientWidth)"
        assert max(opened.page.evaluate(wide)) <= 0


@needs_chromium
def test_it_prints_the_same_pages_twice(tmp_path):
    write_report(result_of(**town(choice=CHOICE)), tmp_path / "report.html")
    for name in ("one.pdf", "two.pdf"):
        print_pdf(tmp_path / "report.html", tmp_path / name)
    one = (tmp_path / "one.pdf").read_bytes()
    assert one == (tmp_path / "two.pdf").read_bytes()
    assert one.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type */Page\b", one)) <= 8


def test_without_chromium_a_pdf_is_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(StudyError, match="no Chromium here"):
        print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")


def test_a_browser_that_fails_leaves_nothing(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, b"", b"cannot open display\n")
    monkeypatch.setattr(pdf.subprocess, "run", lambda *given, **more: failed)
    with pytest.raises(StudyError, match=r"did not print .* \(cannot open display\)"):
        print_pdf(tmp_path / "report.html", tmp_path / "report.pdf", chromium="chromium")
    assert list(tmp_path.iterdir()) == []


def test_near_all_and_near_none_are_not_told_as_all_and_none():
    account = Account.of(Result(town_sites()), "en")
    shares = [account.words.share(part, 812_935) for part in (0, 131, 6_000, 600_000, 812_804, 812_935)]
    assert shares == ["0%", "<\u202f0.1%", "0.7%", "74%", ">\u202f99.9%", "100%"]
