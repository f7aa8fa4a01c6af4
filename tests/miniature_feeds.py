"""The catalogues of feeds in miniature, in their real formats, with the sample territory's feed in them."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["DATASET", "ROW", "SAMPLE", "access_point", "changed_feed", "database", "sample_feed", "zip_of"]

SAMPLE = Path(__file__).parents[1] / "data" / "sample"

HERE = "https://files.mobilitydatabase.org"
# The header of feeds_v2.csv, in its order, with a row that is listed where the sample lies.
ROW: dict[str, str] = {
    "id": "mdb-9900", "data_type": "gtfs", "entity_type": "", "location.country_code": "FR",
    "location.subdivision_name": "Orvelle", "location.municipality": "Saint-Aubry",
    "provider": "Transports de l'Orvelle", "is_official": "True", "name": "", "note": "", "feed_contact_email": "",
    "static_reference": "", "urls.direct_download": "https://orvelle.example/gtfs.zip",
    "urls.authentication_type": "0", "urls.authentication_info": "", "urls.api_key_parameter_name": "",
    "urls.latest": f"{HERE}/mdb-9900/latest.zip", "urls.license": "https://orvelle.example/licence",
    "location.bounding_box.minimum_latitude": "46.32", "location.bounding_box.maximum_latitude": "46.52",
    "location.bounding_box.minimum_longitude": "3.03", "location.bounding_box.maximum_longitude": "3.60",
    "location.bounding_box.extracted_on": "2026-02-01T00:00:00+00:00", "status": "active", "features": "Headsigns",
    "redirect.id": "", "redirect.comment": "",
}  # fmt: skip

DATASET: dict[str, Any] = {
    "aom": {"name": None, "siren": None},
    "community_resources": [],
    "covered_area": [{"type": "epci", "nom": "CC de l'Orvelle", "insee": "200099001"}],
    "created_at": "2021-12-23",
    "datagouv_id": "5b0000000000000000009900",
    "id": "5b0000000000000000009900",
    "licence": "odc-odbl",
    "page_url": "https://transport.data.gouv.fr/datasets/orvelle",
    "publisher": {"name": "CC de l'Orvelle", "type": "organization", "id": "orvelle"},
    "resources": [
        {
            "id": 9900,
            "datagouv_id": "11111111-2222-3333-4444-555555555555",
            "format": "GTFS",
            "title": "orvelle.gtfs.zip",
            "type": "main",
            "url": "https://www.data.gouv.fr/api/1/datasets/r/11111111-2222-3333-4444-555555555555",
            "original_url": "https://orvelle.example/gtfs.zip",
            "page_url": "https://transport.data.gouv.fr/resources/9900",
            "is_available": True,
            "community_resource_publisher": None,
            "metadata": {"start_date": "2026-01-01", "end_date": "2026-12-31", "stops_count": 25},
            "updated": "2026-02-01T00:00:00Z",
        },
        {"id": 9901, "format": "gtfs-rt", "title": "orvelle.pb", "type": "main", "is_available": True,
         "url": "https://proxy.transport.data.gouv.fr/resource/orvelle"},
    ],
    "slug": "orvelle",
    "title": "Réseau de l'Orvelle",
    "type": "public-transit",
    "updated": "2026-02-01T00:00:00Z",
}  # fmt: skip
COMMUNE = [{"code": "99001", "codeEpci": "200099001", "codeDepartement": "99", "codeRegion": "99"}]


def sample_feed() -> bytes:
    return (SAMPLE / "gtfs.zip").read_bytes()


def zip_of(tables: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(f"{name}.txt", text)
    return out.getvalue()


def changed_feed(**changes: Callable[[str], str]) -> bytes:
    """Return the sample's feed with texts of tables changed."""
    with zipfile.ZipFile(SAMPLE / "gtfs.zip") as archive:
        tables = {name.removesuffix(".txt"): archive.read(name).decode() for name in archive.namelist()}
    return zip_of({name: changes.get(name, str)(text) for name, text in tables.items()})


def database(rows: Iterable[Mapping[str, str]], feeds: Mapping[str, bytes]) -> dict[str, bytes]:
    """Answer as the Mobility Database: the list, and the copies of feeds by their ids."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(ROW), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"/feeds_v2.csv": out.getvalue().encode()} | {f"/{name}/latest.zip": feed for name, feed in feeds.items()}


def access_point(datasets: Iterable[Mapping[str, Any]], feeds: Mapping[str, bytes]) -> dict[str, bytes]:
    """Answer as transport.data.gouv.fr and those that it leads to: the list, communes at places, feeds by path."""
    listed = json.dumps(list(datasets), ensure_ascii=False).encode()
    return {"/api/datasets": listed, "/communes": json.dumps(COMMUNE).encode(), **feeds}
