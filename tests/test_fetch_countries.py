"""From a name to a study that runs in other countries: the United States by their registers, Germany by the world's."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import grids
import miniature_extracts
import miniature_feeds
import miniature_flows
import miniature_places
import siteplan as sp
from replay import replayed
from siteplan.cli import app
from siteplan.inputs.area import read_area
from siteplan.sources.source import sources
from siteplan.study import score
from tests.test_sources_flows import pairs

COMMUNES = miniature_places.communes()
OUTLINE = COMMUNES.union_all()
PARTS = ["communes", "streets", "sites", "population", "transit", "terrain"]


def answers(country, shown, extra):
    """Return what the sources of the world answer in a country, and those of its own."""
    place = miniature_places.place("Orvelle", OUTLINE, shown=shown, country=country, population="49742")
    feed = miniature_feeds.ROW | {"location.country_code": country.upper()}
    feeds = miniature_feeds.database([feed], {"mdb-9900": miniature_feeds.sample_feed()})
    every = {
        "nominatim": lambda path, _: json.dumps([place] if "/search" in path else {}).encode(),
        "geofabrik": miniature_extracts.answers()["geofabrik"],
        "mobility_database": feeds,
        "glo30": {grids.GLO30: grids.glo30()},
        **extra,
    }
    return {each.name: {} for each in sources()} | every


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Fetch a place twice, the second time without a request; return its folder and what was said."""

    def fetch(country, shown, extra):
        monkeypatch.setenv("SITEPLAN_CACHE", str(tmp_path / "cache"))
        words = ["fetch", f"Orvelle, {shown}"]
        with replayed(answers(country, f"Orvelle, {shown}", extra), monkeypatch) as replay:
            done = CliRunner().invoke(app, [*words, str(tmp_path / "town")])
            assert done.exit_code == 0, done.output
            asked = {each.source for each in replay.requests if each.sent and each.source != "nominatim"}
            count = len(replay.requests)
            again = CliRunner().invoke(app, [*words, str(tmp_path / "again"), "--offline"])
            assert (again.exit_code, len(replay.requests)) == (0, count), again.output
        for path in (tmp_path / "town").iterdir():
            if path.name != "sources.json":  # what is missing is so for another reason offline
                assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name
        return tmp_path / "town", done.output, asked

    return fetch


def by_the_sample_s_cells(folder: Path) -> pd.DataFrame:
    """Score the same study with the sample's own file of people in place of what was fetched."""
    file = grids.SAMPLE / "population_200m.gpkg"
    own = {"file": str(file), "people": "people", "groups": ["workers"]}
    study = sp.read_study(folder / "study.yaml", [f"inputs.population={json.dumps(own)}"])
    return score(study).scores


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_place_of_the_united_states_has_blocks_workers_and_flows(fetched):
    blocks = grids.coded()
    middles = blocks.set_crs(3035).geometry.centroid.to_crs(4326)
    rows = [(int(code), 0, at.x, at.y) for code, at in zip(blocks["GEOID20"], middles, strict=True)]
    work = rows[0][0]
    inside = middles.within(OUTLINE).to_numpy() & (blocks["workers"] > 0).to_numpy()
    jobs = [
        (int(code), work, int(count))
        for code, count in zip(blocks["GEOID20"], blocks["workers"].fillna(0), strict=True)
    ]
    geocoder = {"/geocoder/geographies/coordinates": json.dumps(grids.STATE).encode()}
    register = geocoder | {
        "/data/lodes/LODES8/mn/mn_xwalk.csv.gz": miniature_flows.crosswalk(rows),
        "/data/lodes/LODES8/mn/od/mn_od_main_JT00_2023.csv.gz": pairs(*(each for each in jobs if each[2])),
    }
    own = {"us_blocks": grids.answers()["us_blocks"], "lodes": register}
    folder, said, asked = fetched("us", "Minnesota, United States", own)
    assert {"us_blocks", "lodes", "mobility_database", "glo30", "geofabrik"} <= asked
    assert not asked & {"filosofi", "insee_mobpro", "arcep", "geo_api", "transport_data_gouv", "gisco_lau"}
    told = json.loads((folder / "sources.json").read_text())
    assert told["area"]["country"] == "US"
    # no borders of communes are in the extract: the place itself is the territory; no list of offices, no broadband
    assert set(told["missing"]) == {"communes", "workplaces", "broadband"}
    assert "no source of it covers US" in told["missing"]["workplaces"]
    flows = pd.read_csv(folder / "flows.csv")
    assert flows["people"].sum() == blocks.loc[inside, "workers"].sum()
    assert "does not tell how people travel" in said
    study = sp.read_study(folder / "study.yaml")
    assert study.travel.modes == ("walk", "bike", "calm", "transit")
    assert study.inputs.population.groups == ("workers",)
    result = score(study)
    assert result.manifest["totals"]["people"]["in"] == grids.PEOPLE
    assert result.manifest["totals"]["workers"]["in"] == grids.WORKERS
    theirs = by_the_sample_s_cells(folder)
    counted = [name for name in theirs if name.startswith(("people_", "workers_"))]
    assert any("transit" in name for name in counted)
    pd.testing.assert_frame_equal(result.scores[counted], theirs[counted], atol=0.05)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_place_of_germany_has_the_grids_and_boundaries_of_the_world_and_europe(fetched, tmp_path):
    table = COMMUNES.assign(GISCO_ID="DE_" + COMMUNES["code"], CNTR_CODE="DE", POP_2023=800)
    table.rename(columns={"code": "LAU_ID", "name": "LAU_NAME"}).to_file(tmp_path / "lau.gpkg", driver="GPKG")
    german = grids.WORLDPOP.replace("FRA", "DEU").replace("fra_", "deu_")
    own = {
        "gisco_lau": lambda *_: (tmp_path / "lau.gpkg").read_bytes(),
        "worldpop": {german: grids.worldpop()},
    }
    folder, said, asked = fetched("de", "Deutschland", own)
    assert {"gisco_lau", "worldpop", "mobility_database", "glo30", "geofabrik"} <= asked
    told = json.loads((folder / "sources.json").read_text())
    assert set(told["missing"]) == {"flows", "workplaces", "broadband"}
    assert "missing: flows: no source of it covers DE. By hand: a table of commuters as commuting.flows." in said
    assert list(read_area(folder / "area.gpkg").index) == list(COMMUNES["code"].sort_values())
    study = sp.read_study(folder / "study.yaml")
    assert study.sources["communes"].attribution == "© EuroGeographics for the administrative boundaries"
    assert study.sources["population"].licence == "CC-BY-4.0"
    result = score(study)
    # the sample's people stand in the pixels of its cells' middles; others live farther around, as in any country
    inside = re.search(r"checked: ([0-9,]+) people live in the area by the grid, 49,742 by the published", said)
    assert int(inside[1].replace(",", "")) == pytest.approx(grids.PEOPLE, rel=0.02)
    on_foot, theirs = result.scores["people_walk_15"], by_the_sample_s_cells(folder)["people_walk_15"]
    assert theirs.max() > 5_000
    assert on_foot.to_numpy() == pytest.approx(theirs.to_numpy(), abs=0.01 * grids.PEOPLE)
