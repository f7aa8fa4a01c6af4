"""What the folder of results says of itself to other programs: true of every file, column and value in it."""

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siteplan as sp
from siteplan.output.files import digest
from siteplan.output.result import Result
from siteplan.study import read_study, run
from tests.asking import quiet
from tests.town import write_town

VINTAGE = "2011-2015; 2024-05; 2019"  # of three files
ORIGIN = f"sources.population={{source: The town, licence: CC-BY-4.0, attribution: © the town, vintage: '{VINTAGE}'}}"
CHANGES = [ORIGIN, "choose={sites: 1}", "output.raster=true", "output.tables=xlsx"]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    study = read_study(write_town(tmp_path_factory.mktemp("town")), CHANGES)
    with quiet():
        return run(study)


def read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def fits(value: str, kind: str) -> bool:
    """Tell whether a value of a CSV file can be read as a type of Frictionless' Table Schema."""
    if value == "" or kind in ("any", "string"):
        return True
    if kind == "boolean":
        return value in ("true", "True", "TRUE", "1", "false", "False", "FALSE", "0")
    return re.fullmatch(r"-?(\d+(\.\d+)?([eE][+-]?\d+)?|INF|NaN)", value) is not None


def test_a_data_package_holds_what_its_specification_asks(result: Result) -> None:
    """By specs.frictionlessdata.io: names, paths, digests; of tables the columns in order, with values that fit."""
    assert result.folder is not None
    package = read(result.folder, "datapackage.json")
    assert re.fullmatch(r"[-a-z0-9._/]+", package["name"])
    names = [each["name"] for each in package["resources"]]
    assert len(set(names)) == len(names)
    paths = {each["path"] for each in package["resources"]}
    there = {
        path.name for path in result.folder.iterdir() if path.suffix in (".csv", ".parquet", ".gpkg", ".tif", ".xlsx")
    }
    assert paths == there
    assert {"scores.csv", "times.parquet", "minutes.tif", "tables.xlsx", "choice.csv"} <= paths
    for each in package["resources"]:
        body = (result.folder / each["path"]).read_bytes()
        assert re.fullmatch(r"[-a-z0-9._/]+", each["name"])
        assert each["bytes"] == len(body)
        assert each["hash"] == f"sha256:{hashlib.sha256(body).hexdigest()}"
        if each["format"] != "csv":
            continue
        assert each["profile"] == "tabular-data-resource"
        fields = each["schema"]["fields"]
        head, *rows = csv.reader(body.decode("utf-8").splitlines())
        assert [field["name"] for field in fields] == head
        assert set(each["schema"].get("primaryKey", [])) <= set(head)
        for row in rows:
            for field, value in zip(fields, row, strict=True):
                assert fits(value, field["type"]), (each["path"], field, value)
    assert [each["title"] for each in package["sources"] if "population" in each["title"]] == [
        "inputs.population: The town"
    ]


def test_columns_have_the_units_of_the_catalogue(result: Result) -> None:
    assert result.folder is not None
    tables = {each["path"]: each for each in read(result.folder, "datapackage.json")["resources"]}
    fields = {field["name"]: field for field in tables["scores.csv"]["schema"]["fields"]}
    reached = fields["people_walk_5.5"]
    assert (reached["type"], reached["unit"]) == ("number", "people")
    assert reached["description"] == "people, or of a group, with the site within the limit"
    assert (fields["status"]["type"], fields["walk_kmh"]["unit"]) == ("string", "km/h")
    assert tables["scores.csv"]["schema"]["primaryKey"] == ["site"]
    assert [field["name"] for field in tables["times.parquet"]["schema"]["fields"]] == list(
        pd.read_parquet(result.folder / "times.parquet")
    )


def test_a_crate_names_every_file_and_input_once(result: Result) -> None:
    """https://www.researchobject.org/ro-crate/1.1: a flat graph whose ids are met, a root with a date and a licence."""
    assert result.folder is not None
    crate = read(result.folder, "ro-crate-metadata.json")
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {each["@id"]: each for each in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = entities["./"]
    # May 2024 of the people is newer than nothing: the town's streets say no date
    assert (root["@type"], root["datePublished"], root["license"]) == ("Dataset", "2024-05", {"@id": "#licences"})
    assert entities["#licences"]["description"] == "© the town, CC-BY-4.0"
    named = [reference["@id"] for each in crate["@graph"] for reference in references(each)]
    assert set(named) <= {*entities, "https://w3id.org/ro/crate/1.1"}
    files = {path.name for path in result.folder.iterdir() if path.is_file() and path.name[0] != "."}
    assert {part["@id"] for part in root["hasPart"]} == files - {"ro-crate-metadata.json"}
    assert entities["scores.csv"]["sha256"] == digest(result.folder / "scores.csv")
    assert "sha256" not in entities["map.html"]  # it may be drawn again
    assert entities["#inputs.population"]["creditText"] == "© the town"


def references(entity: dict[str, Any]) -> list[dict[str, str]]:
    """List what an entity refers to."""
    values = [each for value in entity.values() for each in (value if isinstance(value, list) else [value])]
    return [each for each in values if isinstance(each, dict)]


def test_both_are_among_the_files_that_the_manifest_vouches_for(result: Result) -> None:
    assert result.folder is not None
    told = read(result.folder, "manifest.json")
    for name in ("datapackage.json", "ro-crate-metadata.json"):
        assert name in told["files"]
        assert told["sha256"][name] == digest(result.folder / name)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_the_same_result_says_the_same_of_itself(result: Result, tmp_path: Path) -> None:
    """Read back and written elsewhere, by hand without a study too."""
    assert result.folder is not None
    again = Result.load(result.folder).save(tmp_path / "again")
    for name in ("datapackage.json", "ro-crate-metadata.json"):
        both = [(folder / name).read_text(encoding="utf-8") for folder in (tmp_path / "again", result.folder)]
        # a workbook holds numbers as they were computed, and tables that were read have those of their files
        books = [digest(folder / "tables.xlsx") for folder in (tmp_path / "again", result.folder)]
        sizes = [
            f'"bytes": {(folder / "tables.xlsx").stat().st_size}' for folder in (tmp_path / "again", result.folder)
        ]
        assert both[0].replace(books[0], books[1]).replace(sizes[0], sizes[1]) == both[1]
    assert again.folder is not None
    assert sp.__version__ in (again.folder / "ro-crate-metadata.json").read_text(encoding="utf-8")
