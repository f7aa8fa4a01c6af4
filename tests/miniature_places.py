"""Place search in miniature: the communes of the sample as geo.api.gouv.fr gives them, its valley as Nominatim does."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
from shapely.geometry import box, mapping

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
VALLEY = "Vallée de l'Orvelle"


def communes() -> gpd.GeoDataFrame:
    return gpd.read_file(SAMPLE / "communes.gpkg").to_crs(4326)


def entry(code, name, outline, *, department=("99", "Orvelle"), population=1000):
    """One commune as geo.api.gouv.fr writes it."""
    where = {"code": department[0], "nom": department[1]}
    return {"nom": name, "code": code, "population": population, "contour": mapping(outline), "departement": where}


def place(name, outline, *, shown, country="fr", osm=1, **tags):
    """One place as Nominatim writes it (format=jsonv2)."""
    return {
        "place_id": osm, "osm_type": "relation", "osm_id": osm, "category": "boundary", "type": "administrative",
        "name": name, "display_name": shown, "address": {"country_code": country}, "extratags": tags,
        "geojson": mapping(outline),
    }  # fmt: skip


def answers():
    """Return what geo.api.gouv.fr and Nominatim answer, by the names of their entries."""
    every = [entry(row.code, row.name, row.geometry) for row in communes().itertuples(index=False)]
    moulins = [
        entry("02532", "Moulins", box(3.6, 49.3, 3.7, 49.4), department=("02", "Aisne"), population=120),
        entry("03190", "Moulins", box(3.3, 46.5, 3.4, 46.6), department=("03", "Allier"), population=19000),
        entry("03191", "Moulins-Engilbert", box(3.8, 46.9, 3.9, 47.0), department=("58", "Nièvre"), population=1400),
    ]
    outline = communes().union_all()
    town = box(8.7, 50.7, 8.8, 50.9)
    places = [
        place(VALLEY, outline, shown=f"{VALLEY}, France", population="49742"),
        place("Marburg", town, shown="Marburg, Hessen, Deutschland", country="de", osm=2, population="76 000"),
        place("Marburg", town.buffer(1e-4), shown="Marburg, Marburg-Biedenkopf, Deutschland", country="de", osm=3),
        place("Allier", box(2.3, 45.9, 4.0, 46.8), shown="Allier, France", osm=6, **{"ref:INSEE": "03"}),
        place("Moulins", box(3.3, 46.5, 3.4, 46.6), shown="Moulins", osm=7, **{"ref:INSEE": "03190"}),
        place("Springfield", box(-89.7, 39.7, -89.6, 39.8), shown="Springfield, Illinois", country="us", osm=4),
        place("Springfield", box(-72.6, 42.1, -72.5, 42.2), shown="Springfield, Massachusetts", country="us", osm=5),
    ]
    point = {"name": "Hamlet", "display_name": "Hamlet", "geojson": {"type": "Point", "coordinates": [3.3, 46.4]}}

    def geo_api(path, _):
        parts = urlsplit(path)
        if parts.path == "/communes":
            text = parse_qs(parts.query)["nom"][0].casefold().replace(" ", "-")
            return json.dumps([each for each in [*every, *moulins] if text in each["nom"].casefold()]).encode()
        found = [each for each in [*every, *moulins] if parts.path == f"/communes/{each['code']}"]
        return json.dumps(found[0]).encode() if found else None

    def nominatim(path, _):
        parts = urlsplit(path)
        if parts.path == "/reverse":
            return json.dumps({"address": {"country_code": "fr"}}).encode()
        text = parse_qs(parts.query)["q"][0].partition(",")[0]
        return json.dumps([each for each in [*places, point] if each["name"] == text]).encode()

    return {"geo_api": geo_api, "nominatim": nominatim}
