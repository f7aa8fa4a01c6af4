"""Answers of which one value is another than it should be: they are read, or refused in one sentence."""

import copy
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from siteplan.errors import FetchError
from siteplan.inputs.area import read_area
from siteplan.sources.area import Area
from siteplan.sources.catalogues import list_feeds
from siteplan.sources.flows import get_flows
from siteplan.sources.source import Source, Used, sources
from tests.miniature_feeds import COMMUNE, DATASET, ROW, SAMPLE, database
from tests.miniature_flows import STATE, census_answers, mobpro_parquet

SOURCES: dict[str, Source] = {source.name: source for source in sources()}
PLACE = box(3.2, 46.4, 3.4, 46.5)
OTHER = (None, "x", [], {}, 5, [5])


@dataclass
class Answers:
    """Stands in for the cache: gives bytes by a part of the address."""

    folder: Path
    bytes: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def read(self, source, url):
        self.asked.append(url)
        return next(content for part, content in self.bytes.items() if part in url)

    def get(self, source, url):
        path = self.folder / "answer.parquet"
        path.write_bytes(self.read(source, url))
        return path

    def used(self, source, url, *, vintage=""):
        return Used(source.name, url, "", "", vintage, "", 0)


def spoilt(answer):
    """Give an answer with each of its values, one after the other, in place of which something else stands."""

    def places(node, path=()):
        yield path
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in inner:
            yield from places(value, (*path, key))

    for path in places(answer):
        for other in OTHER:
            if not path:
                yield other
                continue
            changed = copy.deepcopy(answer)
            node = changed
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = other
            yield changed


def read_or_refused(problem, function, *given, **named):
    """Return what a function makes of an answer; None where it refuses it, for the reason that is named."""
    try:
        return function(*given, **named)
    except FetchError as error:
        refused = str(error)
    assert re.search(problem, refused)
    return None


def test_a_catalogue_whose_datasets_are_spoilt_is_read_or_refused(tmp_path):
    source = SOURCES["transport_data_gouv"]
    for datasets in spoilt([DATASET]):
        answers = Answers(tmp_path, {"/communes": json.dumps(COMMUNE).encode(), "/api/": json.dumps(datasets).encode()})
        listing = read_or_refused("is not what is expected", list_feeds, source, answers, PLACE, country="FR")
        for offer in listing.offers if listing else ():
            assert isinstance(offer.name, str)
            assert all(isinstance(link, str) for _, link in offer.links)


def test_a_catalogue_whose_places_are_spoilt_is_read_or_refused(tmp_path):
    source = SOURCES["transport_data_gouv"]
    listed = json.dumps([DATASET]).encode()
    for communes in spoilt(COMMUNE):
        answers = Answers(tmp_path, {"/communes": json.dumps(communes).encode(), "/api/": listed})
        read_or_refused("is not what is expected", list_feeds, source, answers, PLACE, country="FR")


def test_a_list_of_feeds_with_odd_cells_is_read(tmp_path):
    for column in ROW:
        for value in ("", "nan", "inf", "-999", '"a\nb'):
            rows = [ROW | {column: value}]
            answers = Answers(tmp_path, {"feeds_v2": database(rows, {})["/feeds_v2.csv"]})
            listing = list_feeds(SOURCES["mobility_database"], answers, PLACE, country="FR")
            assert len(listing.offers) <= 1


@pytest.fixture
def area() -> tuple[Area, gpd.GeoDataFrame]:
    communes = read_area(SAMPLE / "communes.gpkg")
    return Area("Vallée de l'Orvelle", communes.to_crs(4326).union_all(), country="FR", code="99001"), communes


@pytest.mark.parametrize("what", ["/communes", "/communes_associees_deleguees"])
def test_lists_of_communes_that_are_spoilt_are_read_or_refused(what, area, tmp_path):
    place, communes = area
    plain = census_answers("RP2022_mobpro", mobpro_parquet())
    names = {"/communes": "/communes?", "/communes_associees_deleguees": "_deleguees", "RP2022_mobpro": "RP2022_mobpro"}
    for answer in spoilt(json.loads(plain[what])[-2:]):
        given = {names[path]: json.dumps(answer).encode() if path == what else body for path, body in plain.items()}
        asked = (place, SOURCES["insee_mobpro"], Answers(tmp_path, given), tmp_path / "town")
        read_or_refused("list of communes has no|is not what is expected", get_flows, *asked, communes=communes)


def test_answers_of_which_state_that_are_spoilt_are_refused(area, tmp_path):
    place, communes = area
    for answer in spoilt(STATE):
        given = Answers(tmp_path, {"geocoder": json.dumps(answer).encode(), "xwalk": b"", "od_": b""})
        with pytest.raises(FetchError, match=r"is not what is expected|in no state|packed CSV"):
            get_flows(place, SOURCES["lodes"], given, tmp_path / "town", communes=communes)
