"""What is drawn by hand: the valley of the Orvelle, its main roads, its quarters and its villages.

All places are in kilometres east and north of the market square of Saint-Aubry. Everything is invented.
"""

from dataclasses import dataclass

from shapely.geometry import LineString, MultiPolygon, Polygon, box

from tools.sample.plane import Km, at, curve, outline

__all__ = [
    "BOX", "CROSSINGS", "EXTRA_TAGS", "HAMLET", "HILL", "HILL_RADIUS", "ISLANDS", "ISLAND_GAPS", "JUNCTION",
    "JUNCTION_SIDES", "LAKE", "LAND", "MAINS", "MOTORWAY", "PARKS", "QUARTERS",
    "RAILWAY", "RIVER", "ROUNDABOUTS", "SQUARE", "STATION_SQUARE", "TOWN", "VILLAGES", "WOODS", "Main", "Village",
    "disc",
]  # fmt: skip


@dataclass(frozen=True)
class Main:
    """A main road: drawn through places, tagged, swaying by so many metres."""

    name: str
    highway: str
    places: tuple[Km, ...]
    ref: str = ""
    wiggle: float = 0.0
    closed: bool = False

    def line(self) -> LineString:
        """Return the road in the plane."""
        return curve(self.places, wiggle=self.wiggle, closed=self.closed)


@dataclass(frozen=True)
class Village:
    """A village: its commune's code, its people, and how far its lanes go (m)."""

    name: str
    code: str
    place: Km
    people: int
    radius: float


VILLAGES = (
    Village("Vernay-sous-Bois", "99002", (0.4, 3.4), 1850, 620),
    Village("Échallon", "99003", (-5.7, 3.3), 780, 420),
    Village("Rivière-Basse", "99004", (-7.4, -3.2), 620, 380),
    Village("Marsac-sur-Orvelle", "99005", (6.9, 4.3), 1480, 560),
    Village("Chênevières", "99006", (1.9, -5.9), 2450, 700),
    Village("Saint-Méry", "99007", (-6.0, -7.2), 1020, 470),
    Village("Nérolles", "99008", (9.3, -2.75), 560, 360),
)
HAMLET = Village("Les Hautes-Fontaines", "", (-3.2, 7.7), 60, 130)

LAND = outline([
    (-10.1, -0.8), (-9.4, 3.6), (-6.9, 6.9), (-3.4, 8.8), (0.6, 8.9), (4.3, 8.6), (7.9, 6.9), (10.2, 4.1), (10.7, 0.6),
    (10.9, -3.4), (8.4, -6.6), (5.4, -9.1), (1.4, -9.7), (-3.1, -9.3), (-7.1, -8.7), (-9.2, -5.9), (-9.9, -3.3),
])  # fmt: skip  # the communes together
BOX = box(-16_000, -15_200, 16_400, 14_600)  # the extract: 5 km, 20 minutes by bicycle, beyond the communes

RIVER = curve([
    (-17, -7.9), (-14.6, -7.3), (-12.6, -6.3), (-10.6, -5.2), (-8.8, -5.9), (-6.9, -4.3), (-5.2, -3.7), (-3.6, -2.4),
    (-2.3, -1.25), (-1.0, -0.58), (0.2, -0.76), (1.3, -0.5), (2.2, 0.3), (3.6, 0.6), (5.0, 1.9), (6.4, 2.2),
    (7.9, 3.5), (9.6, 4.0), (11, 5.4), (13, 6.0), (15, 7.4), (17.2, 7.9),
], wiggle=35)  # fmt: skip
RAILWAY = curve([
    (-16.8, -8.9), (-12, -7.7), (-9, -7.0), (-6.2, -6.62), (-3.5, -4.9), (-1.6, -2.5), (-0.4, -1.95), (0.6, -1.78),
    (1.7, -1.62), (3.2, -1.35), (6, -1.7), (9.2, -2.15), (12.5, -2.5), (17, -2.9),
])  # fmt: skip
MOTORWAY = curve([
    (-16.8, -11.8), (-11, -10.4), (-6.5, -9.0), (-2.8, -6.4), (-0.8, -4.6), (0.75, -4.1), (4.5, -3.9), (8.5, -4.7),
    (12, -4.6), (17, -5.1),
])  # fmt: skip

MAINS = (
    Main("Boulevard des Remparts", "secondary", (
        (-0.1, -0.6), (0.2, -0.62), (0.48, -0.48), (0.56, -0.08), (0.42, 0.27), (0.02, 0.42), (-0.4, 0.28),
        (-0.55, -0.1), (-0.42, -0.5)), closed=True),
    Main("Route de Vernay", "primary", (
        (0.02, 0.42), (0.1, 0.95), (0.25, 1.6), (0.3, 2.35), (0.4, 3.4), (0.2, 5.2), (-0.6, 7.3), (-1.2, 10.5),
        (-1.5, 15)), "D 12", 14),
    Main("Route d'Échallon", "secondary", (
        (-0.55, -0.1), (-0.95, 0.2), (-1.45, 0.55), (-2.15, 1.0), (-3.6, 1.9), (-5.7, 3.3), (-8, 4.4), (-11.5, 6.0),
        (-16.8, 7.4)), "D 31", 18),
    Main("Route de Rivière-Basse", "secondary", (
        (-0.42, -0.5), (-1.0, -0.35), (-1.7, -0.55), (-2.35, -0.75), (-3.6, -1.6), (-5.3, -2.6), (-7.4, -3.2),
        (-9.5, -4.0), (-12, -4.4), (-16.8, -4.6)), "D 45", 14),
    Main("Avenue de la Forêt", "secondary", (
        (0.42, 0.27), (0.85, 0.75), (1.25, 1.35), (1.65, 2.2), (2.8, 3.5), (4.2, 5.6), (5.2, 8), (6, 15)), "D 18", 16),
    Main("Route de Marsac", "primary", (
        (0.56, -0.08), (1.2, 0.2), (1.75, 0.6), (2.75, 1.1), (4.2, 2.2), (5.6, 3.4), (6.9, 4.3), (9.2, 5.5),
        (11.2, 7.0), (17, 9.2)), "D 7", 14),
    Main("Boulevard du Nord", "primary", (
        (-1.7, -0.55), (-1.75, 0.1), (-1.45, 0.55), (-1.4, 1.1), (-0.9, 1.4), (-0.3, 1.5), (0.25, 1.6)), "D 7"),
    Main("Boulevard du Général-Aubier", "primary", ((0.25, 1.6), (0.8, 1.5), (1.25, 1.35), (1.65, 1.05), (1.75, 0.6)),
         "D 7"),
    Main("Pont Vieux", "tertiary", ((-0.1, -0.6), (-0.12, -0.74), (-0.1, -0.86))),
    Main("Pont Neuf", "secondary", ((0.48, -0.48), (0.63, -0.62), (0.72, -0.8))),
    Main("Quai des Tanneurs", "tertiary", (
        (-2.1, -1.4), (-1.5, -0.99), (-0.9, -0.72), (-0.1, -0.86), (0.72, -0.8), (1.4, -0.58), (2.0, -0.02),
        (2.65, 0.2), (3.05, 0.1))),
    Main("Avenue de la Gare", "secondary", ((0.72, -0.8), (0.64, -1.35), (0.6, -1.6))),
    Main("Rue du Chemin-de-Fer", "residential", ((0.03, -1.74), (0.6, -1.6), (1.1, -1.56), (1.6, -1.5))),
    Main("Rue de l'Abattoir", "tertiary", ((1.4, -0.58), (1.5, -1.08), (1.6, -1.5))),
    Main("Avenue de Chênevières", "primary", (
        (-0.1, -0.86), (0.0, -1.4), (0.03, -1.74), (0.08, -1.95), (0.2, -2.3), (0.45, -2.9), (0.68, -3.78),
        (0.75, -4.1), (0.82, -4.45), (1.1, -5.0), (1.9, -5.9)), "D 20", 8),
    Main("Route de la Forêt-Basse", "secondary", ((1.9, -5.9), (2.6, -8), (2.9, -10.5), (3.0, -15.6)), "D 20", 18),
    Main("Déviation de Chênevières", "trunk", ((0.82, -4.45), (0.3, -5.6), (-0.4, -7.8)), "N 207"),
    Main("Route des Îles", "tertiary", (
        (-2.1, -2.2), (-3.0, -3.2), (-5.0, -4.7), (-7.5, -5.6), (-9.5, -6.35), (-13, -7.05), (-16.8, -8.2)),
        "D 47", 25),
    Main("Route nationale", "trunk", ((-0.4, -7.8), (-0.9, -10.8), (-1.2, -15.6)), "N 207"),
    Main("Route de Saint-Méry", "secondary", (
        (-0.9, -0.72), (-1.2, -1.6), (-1.3, -2.15), (-1.38, -2.65), (-1.9, -3.6), (-3.4, -5.5), (-5.0, -6.9),
        (-6.0, -7.2), (-8.2, -8.0), (-11.5, -8.9), (-16.8, -10.0)), "D 45", 14),
    Main("Route de Nérolles", "secondary", (
        (0.72, -0.8), (1.5, -1.08), (2.3, -1.0), (3.0, -0.9), (5.2, -1.1), (7.2, -1.5), (8.3, -2.0), (9.3, -2.75),
        (11.2, -3.3), (13.5, -3.4), (17, -3.7)), "D 9", 12),
    Main("Route des Coteaux", "tertiary", ((0.4, 3.4), (-1.6, 3.7), (-3.8, 3.2), (-5.7, 3.3)), "D 112", 25),
    Main("Route du Plateau", "tertiary", ((0.4, 3.4), (1.6, 3.35), (2.8, 3.5), (4.8, 4.2), (6.9, 4.3)), "D 112", 25),
    Main("Route du Gué", "tertiary", ((-5.7, 3.3), (-6.6, 0.6), (-7.6, -1.4), (-7.4, -3.2)), "D 131", 25),
    Main("Route des Étangs", "tertiary", (
        (-6.0, -7.2), (-4.9, -7.35), (-3.9, -7.9), (-2.2, -8.2), (-0.4, -7.8), (0.9, -6.9), (1.9, -5.9)), "D 145", 20),
    Main("Route des Vignes", "tertiary", ((1.9, -5.9), (4.4, -5.7), (6.6, -5.3), (8.2, -4.0), (9.3, -2.75)),
         "D 109", 20),
    Main("Route des Hautes-Fontaines", "unclassified", ((-0.6, 7.3), (-2.0, 7.4), (-3.2, 7.7)), "", 30),
    Main("Chemin du Moulin-Brûlé", "track", ((-3.2, 7.7), (-5.2, 7.0), (-6.9, 5.6), (-8, 4.4)), "", 40),
)  # fmt: skip
EXTRA_TAGS = {
    "Déviation de Chênevières": {"foot": "no", "bicycle": "no", "maxspeed": "110"},
    "Boulevard du Général-Aubier": {"sidewalk:both": "separate", "cycleway:both": "lane"},
    "Boulevard du Nord": {"sidewalk:left": "separate", "sidewalk:right": "yes"},
    "Pont Vieux": {"maxspeed": "30"},
}
# the only ways over or under what else would stop them: (what, road, how)
CROSSINGS = {
    "river": {"Pont Vieux": "bridge", "Pont Neuf": "bridge"},
    "railway": {"Avenue de Chênevières": "tunnel", "Route de Saint-Méry": "bridge", "Route de Nérolles": "bridge"},
    "motorway": {"Avenue de Chênevières": "bridge", "Route des Étangs": "bridge", "Route des Vignes": "tunnel"},
}

TOWN = outline([
    (-2.35, -0.75), (-2.25, -0.2), (-2.35, 0.45), (-2.6, 1.1), (-2.25, 1.3), (-1.8, 1.25), (-1.5, 1.75), (-0.95, 1.8),
    (-0.5, 2.2), (0.0, 2.1), (0.3, 2.55), (0.65, 2.3), (1.1, 2.45), (1.6, 2.35), (1.95, 2.55), (2.1, 2.1), (2.0, 1.6),
    (2.45, 1.45), (2.95, 1.35), (3.0, 0.95), (2.75, 0.6), (3.05, 0.1), (3.3, -0.4), (3.45, -0.9), (3.0, -1.2),
    (2.55, -1.75), (2.6, -2.1), (1.9, -2.75), (1.2, -2.55), (0.45, -2.9), (-0.1, -2.75), (-0.7, -2.3), (-1.1, -2.6),
    (-1.38, -2.65), (-1.7, -2.75), (-1.75, -2.2), (-2.1, -2.2), (-2.3, -1.7), (-2.1, -1.4),
])  # fmt: skip
ESTATES = (
    outline([
        (0.5, 1.72), (0.85, 1.62), (1.15, 1.55), (1.4, 1.85), (1.45, 2.15), (1.1, 2.3), (0.75, 2.15), (0.5, 2.2),
    ]),
    outline([(-2.2, 0.1), (-1.95, 0.02), (-1.82, 0.3), (-1.6, 0.5), (-1.9, 0.72), (-2.15, 0.85), (-2.3, 0.45)]),
    outline([
        (1.7, -0.9), (2.0, -0.2), (2.3, -0.12), (2.6, 0.0), (2.95, -0.15), (3.1, -0.5), (2.8, -0.8), (2.3, -0.9),
    ]),
)  # fmt: skip
QUARTERS = {
    "old": outline(MAINS[0].places),
    "grid": outline([(-0.1, -0.86), (0.72, -0.8), (1.5, -1.08), (1.6, -1.52), (0.6, -1.7), (0.0, -1.78)]),
    "estate": MultiPolygon(ESTATES),
    "industry": outline([(0.4, -2.2), (1.4, -1.9), (2.5, -1.75), (2.35, -2.1), (1.5, -2.7), (0.5, -2.85)]),
}
PARKS = {
    "Parc de l'Orvelle": outline([(-1.6, -0.68), (-1.05, -0.45), (-0.6, -0.46), (-0.65, -0.56), (-1.1, -0.53),
                                  (-1.6, -0.8)]),
    "Jardin des Cordeliers": outline([(0.62, 0.9), (0.85, 0.82), (1.0, 1.05), (0.78, 1.2)]),
    "Parc du Château-d'Eau": outline([(-0.6, -1.5), (-0.3, -1.45), (-0.28, -1.75), (-0.6, -1.85)]),
}  # fmt: skip
WOODS = {
    "Bois de Vernay": outline([(-3.6, 4.2), (-1.2, 4.4), (-0.7, 5.6), (-1.9, 6.7), (-4.2, 6.2), (-4.6, 5.0)]),
    "Forêt de Chênevières": outline([(3.4, -7.0), (5.8, -6.6), (7.8, -7.4), (7.2, -9.6), (4.6, -10.2), (3.3, -9.0)]),
    "Bois l'Évêque": outline([(3.6, 5.9), (5.6, 5.6), (7.2, 6.6), (6.4, 8.2), (5.4, 7.8), (4.6, 7.0)]),
    "Bois des Loges": outline([(-10.2, 0.2), (-8.4, 0.6), (-8.5, 2.6), (-10.4, 3.1), (-11.2, 1.6)]),
}
LAKE = outline([(5.0, -8.0), (5.5, -7.9), (5.75, -8.25), (5.4, -8.6), (5.05, -8.4)])

JUNCTION: Km = (0.75, -4.1)  # the motorway's, between two roundabouts
JUNCTION_SIDES: tuple[Km, Km] = ((0.68, -3.78), (0.82, -4.45))  # north, south

HILL = at((-0.98, 0.78))  # La Butte: 55 m above the town, with stairs
HILL_RADIUS = 320.0
ROUNDABOUTS: tuple[Km, ...] = (
    (0.25, 1.6),
    (1.25, 1.35),
    (-1.45, 0.55),
    (1.75, 0.6),
    (0.45, -2.9),
    (1.9, -5.9),
    (0.68, -3.78),
    (0.82, -4.45),
)
SQUARE: Km = (0.0, -0.08)
STATION_SQUARE: Km = (0.6, -1.6)
# streets joined to nothing else: their south-western corner, columns, rows
ISLANDS = {"Domaine du Lac": ((6.1, -8.5), 7, 6), "Jardins de la Prairie": ((4.6, -2.6), 3, 3)}
ISLAND_GAPS = {"Domaine du Lac": 110.0, "Jardins de la Prairie": 380.0}  # metres to the next street, at least


def disc(village: Village) -> Polygon:
    """Return how far a village's lanes go: a round, slightly dented area in the plane."""
    x, y = village.place
    r = village.radius / 1000
    dents = (1.0, 0.72, 0.95, 0.8, 1.05, 0.7, 0.9, 0.78)
    spokes = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
    return outline([(x + r * d * sx, y + r * d * sy) for d, (sx, sy) in zip(dents, spokes, strict=True)])
