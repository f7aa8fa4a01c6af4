"""What stands in the sample: candidate sites, addresses of note, place names and communes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import MultiPoint, Point, Polygon

from tools.sample import valley
from tools.sample.joined import Joined
from tools.sample.plane import Km, at, lonlat, moved

__all__ = ["PLACES", "Place", "communes", "site_table", "stand"]

COMMUNES_CRS = "EPSG:2154"
FRONTAGE = 12.0  # metres between a door and the middle of its street
STREETS_WITH_DOORS = {"pedestrian", "living_street", "residential", "unclassified", "tertiary", "secondary", "service"}


@dataclass(frozen=True)
class Place:
    """Something with an address: drawn where (km), tagged how, and what it would be as a site (no status: none)."""

    name: str
    where: Km
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    cost: int | None = None
    capacity: int | None = None
    footprint: bool = False  # drawn in OSM as a building, not as a node


def _amenity(kind: str) -> dict[str, str]:
    return {"amenity": kind}


COWORKING = {"office": "coworking"}
VACANT = {"office": "vacant"}
BARN = {"building": "barn", "disused": "yes"}

PLACES = (
    Place("Télécentre de la Halle", (0.12, 0.05), COWORKING, "existing", None, 40),
    Place("Espace Orvelle, quartier de la gare", (0.75, -1.42), COWORKING, "existing", None, 24),
    Place("Ancienne poste centrale", (-0.2, 0.12), {"disused:amenity": "post_office"}, "candidate", 180_000, 30, True),
    Place("Médiathèque Jeanne-Aubrière", (0.3, 0.2), _amenity("library"), "candidate", 60_000, 16, True),
    Place("Mairie de Saint-Aubry", (0.06, -0.17), _amenity("townhall"), "candidate", None, 12, True),
    Place("Halle de la gare", (0.5, -1.66), {"railway": "station"}, "candidate", 240_000, 60),
    Place("Lycée Octave-Meunier, aile nord", (0.5, 0.75), _amenity("school"), "candidate", 95_000, 28, True),
    Place("École des Tilleuls, aile fermée", (1.0, 1.95), _amenity("school"), "candidate", 70_000, 20),
    Place("Maison de quartier de Bellevue", (-2.0, 0.45), _amenity("community_centre"), "candidate", 40_000, 14),
    Place("Centre social de la Prairie", (2.5, -0.45), _amenity("community_centre"), "candidate", 45_000, 16),
    Place("Ancienne caserne", (-1.3, -1.3), {"disused:office": "government"}, "candidate", 310_000, 70, True),
    Place("Ancien siège de la Caisse", (1.35, 0.38), VACANT, "candidate", 210_000, 45),
    Place("Maison Saint-Roch, sur la butte", (-0.98, 0.7), _amenity("community_centre"), "candidate", None, 10),
    Place("Bibliothèque du faubourg", (-0.45, -1.25), _amenity("library"), "candidate", 55_000, 12),
    Place("Tannerie du quai", (0.95, -0.9), VACANT, "candidate", 260_000, 55),
    Place("Pépinière du Pré-Rond", (1.5, -2.3), COWORKING, "candidate", 80_000, 32),
    Place("Poste du boulevard", (0.8, 1.42), _amenity("post_office"), "candidate", None, 10),
    Place("Ancien cinéma Rex", (0.28, -0.3), {"disused:amenity": "cinema"}, "candidate", 190_000, 36),
    Place("Maison des associations", (-1.0, 1.6), _amenity("community_centre"), "candidate", 38_000, None),
    Place("Foyer des Acacias", (2.3, 1.2), _amenity("community_centre"), "candidate", 52_000, 14),
    Place("Pavillon du Château-d'Eau", (-0.62, -1.62), VACANT, "candidate", 45_000, 10),
    Place("Mairie de Vernay-sous-Bois", (0.45, 3.45), _amenity("townhall"), "candidate", 60_000, 16),
    Place("Salle des fêtes de Vernay", (0.22, 3.2), _amenity("community_centre"), "candidate", None, 20),
    Place("Ancien presbytère d'Échallon", (-5.65, 3.36), VACANT, "candidate", 75_000, 10),
    Place("Médiathèque de Marsac", (6.95, 4.36), _amenity("library"), "candidate", 50_000, 12),
    Place("Ancienne laiterie de Marsac", (6.6, 4.1), {"disused:industrial": "dairy"}, "candidate", 140_000, 26),
    Place("Maison du bourg de Chênevières", (1.95, -5.98), _amenity("community_centre"), "candidate", 65_000, 18),
    Place("Collège de Chênevières, aile B", (2.15, -5.65), _amenity("school"), "candidate", 110_000, 30, True),
    Place("Gare de Saint-Méry", (-6.15, -6.75), {"railway": "station"}, "candidate", 90_000, 12),
    Place("Mairie de Saint-Méry", (-5.95, -7.15), _amenity("townhall"), "candidate", None, 8),
    Place("Salle communale de Rivière-Basse", (-7.33, -3.12), _amenity("community_centre"), "candidate", 35_000, 10),
    Place("Auberge de Nérolles", (9.28, -2.7), {"disused:tourism": "hotel"}, "candidate", 85_000, 12),
    Place("Grange des Îles", (-3.7, -3.72), BARN, "candidate", 70_000, 14, True),
    # addresses of note that nobody has proposed
    Place("Mairie d'Échallon", (-5.75, 3.25), _amenity("townhall")),
    Place("Mairie de Rivière-Basse", (-7.45, -3.2), _amenity("townhall")),
    Place("Mairie de Marsac-sur-Orvelle", (6.88, 4.28), _amenity("townhall")),
    Place("Mairie de Chênevières", (1.86, -5.84), _amenity("townhall"), footprint=True),
    Place("Mairie de Nérolles", (9.35, -2.8), _amenity("townhall")),
    Place("La Poste, Saint-Aubry", (0.35, -0.05), _amenity("post_office")),
    Place("La Poste, Chênevières", (1.8, -5.75), _amenity("post_office")),
    Place("La Poste, Marsac", (6.8, 4.25), _amenity("post_office")),
    Place("Gare de Saint-Aubry", (0.66, -1.66), {"railway": "station", "train": "yes"}),
    Place("Gare de Nérolles", (9.25, -2.25), {"railway": "station", "train": "yes"}),
    Place("École Émile-Tardy", (-1.5, 0.85), _amenity("school"), footprint=True),
    Place("École du Faubourg", (-0.7, -1.15), _amenity("school")),
    Place("École de Vernay", (0.5, 3.2), _amenity("school")),
    Place("École de Saint-Méry", (-6.1, -7.3), _amenity("school")),
    Place("Le Comptoir partagé", (0.85, -1.15), _amenity("coworking_space")),
    Place("Bureaux du Pré-Rond", (1.8, -2.4), {"disused:office": "company"}),
    Place("Ancienne perception", (-0.3, -0.25), {"office": "vacant"}),
)

# Of each site, in their order: fibre, rent (euros a m2 and month), floor_m2, step_free, energy (class).
TRAITS = (
    ("yes", 11, 540, "yes", "C"),  # Télécentre de la Halle
    ("yes", 9, 320, "yes", "B"),  # Espace Orvelle, quartier de la gare
    ("yes", 10, 400, "no", "E"),  # Ancienne poste centrale
    ("yes", 6, 220, "yes", "B"),  # Médiathèque Jeanne-Aubrière
    ("yes", 5, 160, "yes", "D"),  # Mairie de Saint-Aubry
    ("yes", 9, 810, "yes", "C"),  # Halle de la gare
    ("yes", 4, 380, "yes", "D"),  # Lycée Octave-Meunier, aile nord
    ("no", 3, 270, "yes", "E"),  # École des Tilleuls, aile fermée
    ("yes", 5, 190, "yes", "C"),  # Maison de quartier de Bellevue
    ("yes", 5, 220, "yes", "D"),  # Centre social de la Prairie
    ("no", 8, 940, "no", "F"),  # Ancienne caserne
    ("yes", 13, 610, "yes", "B"),  # Ancien siège de la Caisse
    ("no", 6, 140, "no", "E"),  # Maison Saint-Roch, sur la butte
    ("yes", 6, 160, "yes", "C"),  # Bibliothèque du faubourg
    ("yes", 10, 740, "no", "F"),  # Tannerie du quai
    ("yes", 8, 430, "yes", "A"),  # Pépinière du Pré-Rond
    ("yes", 6, 140, "yes", "D"),  # Poste du boulevard
    ("yes", 11, 490, "no", "F"),  # Ancien cinéma Rex
    ("yes", 5, 190, "yes", "C"),  # Maison des associations
    ("no", 4, 190, "yes", "D"),  # Foyer des Acacias
    ("yes", 5, 140, "yes", "D"),  # Pavillon du Château-d'Eau
    ("yes", 4, 220, "no", "D"),  # Mairie de Vernay-sous-Bois
    ("yes", 4, 270, "yes", "E"),  # Salle des fêtes de Vernay
    ("no", 3, 140, "no", "F"),  # Ancien presbytère d'Échallon
    ("yes", 4, 160, "yes", "B"),  # Médiathèque de Marsac
    ("no", 5, 350, "yes", "D"),  # Ancienne laiterie de Marsac
    ("yes", 4, 240, "yes", "C"),  # Maison du bourg de Chênevières
    ("yes", 4, 400, "yes", "D"),  # Collège de Chênevières, aile B
    ("no", 5, 160, "no", "E"),  # Gare de Saint-Méry
    ("no", 3, 110, "no", "E"),  # Mairie de Saint-Méry
    ("no", 3, 140, "yes", "D"),  # Salle communale de Rivière-Basse
    ("yes", 6, 160, "no", "E"),  # Auberge de Nérolles
    ("no", 4, 190, "no", "G"),  # Grange des Îles
)


def stand(streets: Joined) -> list[Point]:
    """Return where each of PLACES stands: beside the nearest street with doors, on the side it was drawn."""
    doors = [(way, part) for way, part in streets.ways if way.tags.get("highway") in STREETS_WITH_DOORS]
    doors = [(way, part) for way, part in doors if not way.island and "access" not in way.tags]
    lines = np.array([shapely.linestrings(streets.nodes[part]) for _, part in doors], dtype=object)
    drawn = [at(place.where) for place in PLACES]
    near = lines[shapely.STRtree(lines).nearest(drawn)]
    return [_frontage(line, point) for line, point in zip(near, drawn, strict=True)]


def _frontage(line: shapely.LineString, point: Point) -> Point:
    foot = line.interpolate(line.project(point))
    away = np.array([point.x - foot.x, point.y - foot.y])
    far = float(np.hypot(*away))
    step = away * (FRONTAGE / far) if far > FRONTAGE else away
    return Point(np.round([foot.x + step[0], foot.y + step[1]], 1))


def site_table(where: list[Point]) -> pd.DataFrame:
    """Return the sites as written: site, name, lon, lat, status, cost (euros), capacity (desks), and their traits."""
    rows = []
    for place, point in zip(PLACES, where, strict=True):
        if place.status:
            lon, lat = lonlat(point)
            rows.append((place.name, round(lon, 6), round(lat, 6), place.status, place.cost, place.capacity))
    table = pd.DataFrame(rows, columns=["name", "lon", "lat", "status", "cost", "capacity"])
    table = table.astype({"cost": "Int64", "capacity": "Int64"})
    table.insert(0, "site", [f"S{i + 1:02d}" for i in range(len(table))])
    return table.join(pd.DataFrame(TRAITS, columns=["fibre", "rent", "floor_m2", "step_free", "energy"]))


def communes() -> gpd.GeoDataFrame:
    """Return the eight communes: code, name, polygons in EPSG:2154 that leave no gap and do not overlap."""
    seeds: dict[str, list[Km]] = {
        "99001": [(0, 0), (0.3, 2.2), (-1.7, 1.1), (2.2, 1.7), (2.9, -0.6), (1.9, -2.2), (0, -2.3), (-1.8, -2.2),
                  (-2.4, 0.4), (1.3, 2.2), (-0.9, 1.9), (3.4, 0.6)],
        **{village.code: [village.place] for village in valley.VILLAGES},
    }  # fmt: skip
    seeds["99003"].append(valley.HAMLET.place)
    names = {"99001": "Saint-Aubry", **{village.code: village.name for village in valley.VILLAGES}}
    faces = _faces([Point(np.array(p) * 1000) for places in seeds.values() for p in places],
                   [code for code, places in seeds.items() for _ in places])  # fmt: skip
    codes = list(seeds)
    shapes = [next(face for face in faces if face.contains(at(seeds[code][0]))) for code in codes]
    shapes = [moved(shape, COMMUNES_CRS) for shape in shapes]
    table = {"code": codes, "name": [names[code] for code in codes]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=COMMUNES_CRS)


def _faces(seeds: list[Point], codes: list[str]) -> list[Polygon]:
    """Divide the land among seeds, whoever is nearest; then let every border meander, the same on both its sides."""
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(seeds), extend_to=valley.BOX))
    owner = [codes[next(i for i, seed in enumerate(seeds) if cell.contains(seed))] for cell in cells]
    merged = [
        shapely.union_all([c for c, o in zip(cells, owner, strict=True) if o == code]) for code in dict.fromkeys(owner)
    ]
    borders = shapely.segmentize(shapely.union_all([shape.boundary for shape in merged]), 150.0)

    def meander(p: np.ndarray) -> np.ndarray:
        x, y = p[:, 0] / 1000, p[:, 1] / 1000
        return p + 160 * np.column_stack(
            [np.sin(2.9 * y + x) + 0.4 * np.sin(8 * y), np.sin(2.6 * x - y) + 0.4 * np.sin(9 * x)]
        )

    lines = shapely.union_all(
        [shapely.transform(borders, meander).intersection(valley.LAND), valley.LAND.boundary], grid_size=1.0
    )
    return list(shapely.get_parts(shapely.polygonize([lines])))
