"""Geofabrik in miniature: an index, the streets of the sample as the extract of a region, its MD5; communes."""

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import osmium
from shapely.geometry import box, mapping

import miniature_places

STREETS = (miniature_places.SAMPLE / "streets.osm.pbf").read_bytes()
HOST = "https://download.geofabrik.de"


def feature(name, outline, *, parent=None, countries=()):
    """One extract as the index has it; extracts of countries alone tell of which."""
    told = {"iso3166-1:alpha2": list(countries)} if countries else {}
    told |= {"id": name, "name": name.title(), "urls": {"pbf": f"{HOST}/{name}-latest.osm.pbf"}}
    return {
        "type": "Feature",
        "properties": told if parent is None else {**told, "parent": parent},
        "geometry": mapping(outline),
    }


def answers() -> Mapping[str, object]:
    valley = box(2.9, 46.1, 3.8, 46.8)
    index = {
        "type": "FeatureCollection",
        "features": [
            feature("europe", box(-30, 30, 40, 72)),
            feature("orvelle", valley, parent="france"),
            feature("france", box(-5, 42, 8, 51), parent="europe", countries=["FR"]),
            feature("alps", box(11.9, 46, 13, 47), parent="europe", countries=["FR", "CH"]),
            feature("elsewhere", box(10, 46, 11, 47), parent="europe"),
            feature("town", box(3.3, 46.4, 3.36, 46.47), parent="orvelle"),
        ],
    }
    digest = f"{hashlib.md5(STREETS).hexdigest()}  orvelle-latest.osm.pbf\n"
    geofabrik = {
        "/index-v1.json": json.dumps(index).encode(),
        "/orvelle-latest.osm.pbf": STREETS,
        "/orvelle-latest.osm.pbf.md5": digest.encode(),
    }
    every = [
        miniature_places.entry(row.code, row.name, row.geometry) for row in miniature_places.communes().itertuples()
    ]

    def communes(path, _):
        asked = parse_qs(urlsplit(path).query)
        if "lat" in asked:
            return json.dumps([{"code": "99001", "codeDepartement": "99"}]).encode()
        beyond = miniature_places.entry("99999", "Beyond", box(3.6, 46.3, 3.7, 46.4))
        return json.dumps([*every, beyond] if asked["codeDepartement"] == ["99"] else []).encode()

    return {"geofabrik": geofabrik, "geo_api_communes": communes}


def write_borders(path, *communes):
    """Write squares as borders of communes, each of four ways: level, name, code, west, south, east, north."""
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        ways, relations = [], []
        for number, (level, name, code, *sides) in enumerate(communes):
            west, south, east, north = sides
            corners = [(west, south), (east, south), (east, north), (west, north)]
            first = 10 * number + 1
            for at, place in enumerate(corners):
                writer.add_node(osmium.osm.mutable.Node(id=first + at, location=place, version=1))
            nodes = [first, first + 1, first + 2, first + 3, first]
            ways += [
                osmium.osm.mutable.Way(id=first + at, nodes=nodes[at : at + 2], version=1, tags={"boundary": "x"})
                for at in range(4)
            ]
            tags = {"type": "boundary", "boundary": "administrative", "admin_level": level, "name": name}
            members = [("w", first + at, "outer") for at in range(4)]
            relations.append(
                osmium.osm.mutable.Relation(
                    id=number + 1, version=1, members=members, tags=tags | ({"ref:INSEE": code} if code else {})
                )
            )
        for way in ways:
            writer.add_way(way)
        for relation in relations:
            writer.add_relation(relation)
