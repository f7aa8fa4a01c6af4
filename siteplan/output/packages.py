"""What a folder of results holds, for machines that know no siteplan: a data package and a research object crate.

`datapackage.json` follows Frictionless' Data Package (version 1): every table with its columns, their meaning, type and
unit, as the catalogue declares them. `ro-crate-metadata.json` follows RO-Crate 1.1: which files there are, of which
inputs, under which licences, by which program. Both are dated by the inputs, so that equal runs give equal bytes.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siteplan import __version__
from siteplan.catalogue import OTHERS, TABLES, Table
from siteplan.inputs.spreadsheet import unguarded
from siteplan.output.tables import write_manifest

if TYPE_CHECKING:
    from siteplan.output.outcome import Outcome

__all__ = ["CRATE", "PACKAGE", "write_packages"]

PACKAGE, CRATE = "datapackage.json", "ro-crate-metadata.json"
MEDIA = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".gpkg": "application/geopackage+sqlite3",
    ".tif": "image/tiff",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html",
    ".json": "application/json",
}
DATA = (".csv", ".parquet", ".gpkg", ".tif", ".xlsx")
TYPES = {"text": "string", "yes or no": "boolean", "id": "any", "shape": "any"}  # of columns by unit; else numbers
DAY = re.compile(r"(?<!\d)[12]\d{3}(?:-\d{2}(?!\d)(?:-\d{2}(?!\d))?)?(?!\d)")
NAMELESS = "Sites"  # a result made by hand has no name
UNDATED = "2000-01-01"  # where no input says of when it is
PROGRAM = "https://pypi.org/project/siteplan/"


def write_packages(result: "Outcome", folder: Path, digests: Mapping[str, str]) -> None:
    """Describe the files of a folder of results in `datapackage.json` and `ro-crate-metadata.json`.

    Parameters
    ----------
    result
        Whose files they are; its manifest names them.
    folder
        Where they stand.
    digests
        SHA-256 of each file that is no page (pages may be drawn again).
    """
    manifest = result.manifest
    name = manifest.get("name", NAMELESS)
    described = {table.file: table for table in (*OTHERS, *TABLES.values())}
    files = [described[name] for name in manifest["files"] if name in described and name not in (PACKAGE, CRATE)]
    data = [table for table in files if Path(table.file).suffix in DATA]
    inputs = list(_inputs(manifest))
    package = {
        "profile": "data-package",
        "name": _slug(name),
        "title": name,
        "description": "Whom the sites of a study reach; made by siteplan.",
        "homepage": PROGRAM,
        "sources": [{"title": each.pop("title"), **each} for each in map(dict, inputs)],
        "resources": [_resource(table, folder, digests) for table in data],
    }
    write_manifest(package, folder / PACKAGE)
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": list(_graph(result, files, digests))}
    write_manifest(crate, folder / CRATE)


def _resource(table: Table, folder: Path, digests: Mapping[str, str]) -> dict[str, Any]:
    """Describe a file of data: where, how written, and of a table its columns."""
    path = folder / table.file
    told = {
        "name": _slug(path.stem),
        "path": table.file,
        "title": table.name,
        "description": table.about,
        "format": path.suffix[1:],
        "mediatype": MEDIA[path.suffix],
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digests[table.file]}",
    }
    names = _columns(path)
    if not names:
        return told | {"profile": "data-resource"}
    schema: dict[str, Any] = {"fields": [_field(table, name) for name in names], "missingValues": [""]}
    if table.rows in names:
        schema["primaryKey"] = [table.rows]
    if path.suffix == ".csv":
        told |= {"encoding": "utf-8"}
    return told | {"profile": f"{'tabular-' if path.suffix == '.csv' else ''}data-resource", "schema": schema}


def _columns(path: Path) -> list[str]:
    """Return the columns of a table as they stand in its file; none of what is no table."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return [str(name) for name in pq.read_schema(path).names]
    return []


def _field(table: Table, name: str) -> dict[str, str]:
    """Describe a column by the catalogue; one that it does not know is the user's own."""
    column = table.column(unguarded(name))
    if column is None or column.kind == "own":
        return {"name": name, "type": "any", "description": "as it stands in the file of sites"}
    told = {"name": name, "type": TYPES.get(column.unit, "number"), "description": column.about}
    return told if column.unit in TYPES else told | {"unit": column.unit}


def _inputs(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what is told of each input: its title, and what its publisher says of it."""
    for key, told in sorted(manifest.get("inputs", {}).items()):
        kept = {name: told[name] for name in ("licence", "attribution", "vintage", "sha256") if told.get(name)}
        yield {"title": f"{key}: {told.get('source') or told['file']}", "name": key, **kept}


def _graph(result: "Outcome", files: list[Table], digests: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Give the entities of the crate: itself, the folder, its files, inputs and program."""
    manifest = result.manifest
    inputs = list(_inputs(manifest))
    within = [f"{each['folder']}/" for each in manifest.get("scenarios", ())]
    yield {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": manifest.get("name", NAMELESS),
        "description": "Whom the sites of a study reach on foot, by bicycle and by public transport; made by siteplan.",
        "datePublished": _day(manifest),
        "license": {"@id": "#licences"},
        "hasPart": [{"@id": name} for name in (*(table.file for table in files), PACKAGE, *within)],
        "isBasedOn": [{"@id": f"#{each['name']}"} for each in inputs],
        "mentions": {"@id": "#run"},
    }
    yield {
        "@id": "#licences",
        "@type": "CreativeWork",
        "name": "The licences of the inputs",
        "description": "; ".join(result.credits) or "The study does not say under which licences its inputs are.",
    }
    for table in files:
        told = {"@id": table.file, "@type": "File", "name": table.name, "description": table.about}
        ending = Path(table.file).suffix
        known = ending in DATA and table.file in digests
        yield told | {"encodingFormat": MEDIA[ending]} | ({"sha256": digests[table.file]} if known else {})
    yield {"@id": PACKAGE, "@type": "File", "name": "data package", "encodingFormat": MEDIA[".json"]}
    for inner in within:
        yield {"@id": inner, "@type": "Dataset", "name": f"scenario: {inner.rstrip('/').rpartition('/')[2]}"}
    for each in inputs:
        said = {"creditText": each.get("attribution"), "license": each.get("licence"), "version": each.get("vintage")}
        said |= {"sha256": each.get("sha256")}
        named = {"@id": f"#{each['name']}", "@type": "CreativeWork", "name": each["title"]}
        yield named | {key: value for key, value in said.items() if value}
    yield {
        "@id": "#siteplan",
        "@type": "SoftwareApplication",
        "name": "siteplan",
        "softwareVersion": manifest.get("siteplan", __version__),
        "url": PROGRAM,
    }
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "siteplan run",
        "instrument": {"@id": "#siteplan"},
        "object": [{"@id": f"#{each['name']}"} for each in inputs],
        "result": {"@id": "./"},
    }


def _day(manifest: Mapping[str, Any]) -> str:
    """Return the newest day (or month, or year) that an input says it is of."""
    said = [
        str(told.get(key) or "") for told in manifest.get("inputs", {}).values() for key in ("data_date", "vintage")
    ]
    transit = (manifest.get("parameters", {}).get("inputs", {}).get("transit") or {}).get("date")
    return max((day for text in said for day in DAY.findall(text)), default=str(transit or UNDATED))


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "study"
