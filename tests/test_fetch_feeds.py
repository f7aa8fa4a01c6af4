"""From a name to results with catalogues of feeds, the census and broadband by commune in their own formats."""

import json

import pandas as pd
import pytest
import yaml

import siteplan as sp
from siteplan.samples import write_sample
from siteplan.sources.broadband import SHARES
from siteplan.study import fetching, run, score
from siteplan.study.fetching import Part
from tests import miniature_feeds, miniature_flows, miniature_places, test_fetch
from tests.replay import replayed
from tests.test_sources_broadband import FILE as BROADBAND
from tests.test_sources_broadband import TABLE
from tests.test_sources_flows import FILE as CENSUS

OWN = ("transit", "flows", "broadband")


@pytest.fixture
def town(tmp_path, monkeypatch):
    """Fetch the valley: the parts of this page from their sources, all others as the sample's own files."""
    original = Part.getter
    ours = tuple(part for part in fetching.PARTS if part.name in {*OWN, *test_fetch.FILES})
    monkeypatch.setattr(fetching, "PARTS", ours)
    monkeypatch.setattr(Part, "getter", lambda part: original(part) if part.name in OWN else test_fetch.getter(part))
    others = {part.kind for part in fetching.PARTS if part.name in test_fetch.FILES and part.name not in OWN}
    entries = {
        f"valley_{kind}": {"kind": kind, "title": kind, **test_fetch.ENTRY, "urls": {"file": "https://valley.example.org/{name}"}}
        for kind in sorted(others)
    }  # fmt: skip
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump(entries))
    files = {f"/{name}": (miniature_feeds.SAMPLE / name).read_bytes() for name, _, _ in test_fetch.FILES.values()}
    link = "/api/1/datasets/r/11111111-2222-3333-4444-555555555555"
    answers = {
        "transport_data_gouv": miniature_feeds.access_point(
            [miniature_feeds.DATASET], {link: miniature_feeds.sample_feed()}
        ),
        "mobility_database": miniature_feeds.database([miniature_feeds.ROW | {"id": "tdg-9900"}], {}),
        "insee_mobpro": miniature_flows.census_answers(CENSUS, miniature_flows.mobpro_parquet()),
        "arcep": {BROADBAND: TABLE.encode()},
    }
    downloads = fetching.Downloads(tmp_path / "cache", offline=False, patience=0.02, tries=2)
    with replayed(miniature_places.answers() | dict.fromkeys(entries, files) | answers, monkeypatch) as replay:
        study = sp.fetch(test_fetch.VALLEY, tmp_path / "town", sources=[mine], downloads=downloads)
        count = len(replay.requests)
        sp.fetch(test_fetch.VALLEY, tmp_path / "again", sources=[mine], downloads=downloads)
        assert len(replay.requests) == count
        early, late = [part.name for part in ours if part.name not in OWN], OWN
        for parts in (early, late):
            sp.fetch(test_fetch.VALLEY, tmp_path / "parts", only=parts, sources=[mine], downloads=downloads)
        assert len(replay.requests) == count
    return study


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_parts_that_are_fetched_later_stand_on_those_of_before(town, tmp_path):
    """Flows are between the communes of the first fetch, broadband is added to its sites; all ends up the same."""
    whole, parts = tmp_path / "town", tmp_path / "parts"
    assert {path.name for path in whole.iterdir()} == {path.name for path in parts.iterdir()}
    for path in whole.iterdir():
        if path.is_file() and path.name != "sources.json":  # its notes are those of the last fetch
            assert (parts / path.name).read_bytes() == path.read_bytes(), path.name
    assert set(town.sources["sites"].attribution.split("; ")) == {"© the valley", "ARCEP, Ma connexion internet"}
    assert town.sources["flows"].attribution == "INSEE, census, complementary survey"


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_from_a_name_to_the_samples_own_minutes_and_to_what_commuting_saves(town, tmp_path):
    own = sp.read_study(
        write_sample(tmp_path / "sample") / "study.yaml",
        ["choose=", "fairness=", "demand=", "commuting=", "robustness=", "scenarios=", "score=", "travel="],
    )
    assert town.inputs.transit.feeds[0].read_bytes() == own.inputs.transit.feeds[0].read_bytes()
    assert town.inputs.transit.date == "2026-01-06"
    mine, theirs = score(town).scores, score(own).scores
    pd.testing.assert_frame_equal(mine, theirs)  # the weekdays of the sample's feed are alike
    assert {*SHARES} <= set(pd.read_csv(town.inputs.sites.file).columns)
    told = json.loads((tmp_path / "town/sources.json").read_text(encoding="utf-8"))
    assert {used["source"] for part in OWN for used in told["parts"][part]} == {
        "transport_data_gouv", "mobility_database", "insee_mobpro", "arcep",
    }  # fmt: skip
    saved = run(town).tables["commuting"]
    assert sorted(saved["uptake"].unique()) == [0.02, 0.05, 0.1]
    assert set(saved["mode"]) >= {"car", "bus", "bike", "walk", "all"}
