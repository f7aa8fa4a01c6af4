"""The streets of the sample: main roads as drawn, quarters filled in, tagged, and joined where they meet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import shapely
import shapely.affinity
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from tools.sample import valley
from tools.sample.blocks import Cut, Style, blocks, comb, divide, lattice, lines_of
from tools.sample.plane import Floats, Km, around, at, curve, offset, stretch
from tools.sample.valley import disc

__all__ = ["Way", "draw_streets"]

SEED = 20260310
STYLES = {
    "old": Style(7_000, bend=0.10, jitter=0.35, width=40),
    "estate": Style(70_000, bend=0.12, jitter=0.1, width=150),
    "industry": Style(60_000, bend=0.0, jitter=0.1, width=120),
    "suburb": Style(23_000, bend=0.09, jitter=0.22, width=70),
    "park": Style(12_000, bend=0.25, jitter=0.6, width=50),
    "village": Style(26_000, bend=0.16, jitter=0.5, width=90),
    "fields": Style(650_000, bend=0.14, jitter=0.5, width=350, sway=28),
    "beyond": Style(5_000_000, bend=0.12, jitter=0.5, width=900, sway=45),
}
NAMES = (
    "du Moulin",
    "des Tilleuls",
    "de l'Église",
    "du Lavoir",
    "des Acacias",
    "Hélène-Marçais",
    "du Puits",
    "des Frênes",
    "Auguste-Vallon",
    "de la Fontaine",
    "des Écoles",
    "du Four-à-Chaux",
    "des Mésanges",
    "Jeanne-Aubrière",
    "du Clos",
    "des Peupliers",
    "de la Croix-Rouge",
    "du 8-Mai",
    "des Jardins",
    "Émile-Tardy",
    "du Verger",
    "de la Prairie",
    "des Noyers",
    "du Chêne",
    "Marthe-Giraudet",
    "de la Grange",
    "des Bleuets",
    "du Stade",
    "des Potiers",
    "Louis-Bréhaut",
    "de la Source",
    "des Vergers",
    "du Coteau",
    "des Cerisiers",
    "Octave-Meunier",
    "de la Liberté",
    "du Pressoir",
)
GRID_TURN = 0.07  # radians by which the quarter of the station is turned
RIVER_BANK, RAIL_SIDE, MOTORWAY_SIDE = 36.0, 14.0, 48.0  # metres kept free on either side


@dataclass(frozen=True)
class Way:
    """A line in the plane, its OSM tags and the quarter it lies in."""

    line: LineString
    tags: Mapping[str, str]
    zone: str = ""
    apart: bool = False  # passes over or under: meets others at its ends only
    island: bool = False  # joined to nothing else, on purpose
    role: str = ""  # of a ring in the multipolygon that is the station square

    def tagged(self, **tags: str) -> "Way":
        """Return the same way with more tags (``_`` stands for ``:``)."""
        return replace(self, tags={**self.tags, **{key.replace("_", ":"): value for key, value in tags.items()}})


def draw_streets() -> list[Way]:
    """Draw every street, path and road of the sample, in metres of the plane; the same on every call."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    mains = list(_mains())
    hill = list(_hill())
    ways = [*mains, *_frames(), *_gates()]
    keep_out = _keep_out()
    ways += _fill_town(ways, keep_out, rng)
    ways += _fill_villages(mains, keep_out, rng)
    ways += _fill_country(mains, keep_out, rng)
    ways += [*hill, *_motorway(), *_cycleways(), *_sidewalks(mains)]
    ways += _driveways(ways, rng)
    ways = _punched(ways)
    ways += _islands()
    return _named(ways)


def _mains() -> Iterator[Way]:
    barriers = {"river": valley.RIVER, "railway": valley.RAILWAY, "motorway": valley.MOTORWAY}
    sides = {"river": RIVER_BANK, "railway": RAIL_SIDE, "motorway": MOTORWAY_SIDE}
    for main in valley.MAINS:
        tags = {"highway": main.highway, "name": main.name, **({"ref": main.ref} if main.ref else {})}
        tags |= valley.EXTRA_TAGS.get(main.name, {})
        over = {b: around(barriers[b], sides[b]) for b in valley.CROSSINGS if main.name in valley.CROSSINGS[b]}
        line = main.line().intersection(valley.BOX)
        for barrier, band in over.items():
            how = {"bridge": "1", "tunnel": "-1"}
            kind = valley.CROSSINGS[barrier][main.name]
            for part in lines_of(line.intersection(band)):
                yield Way(part, {**tags, kind: "yes", "layer": how[kind]}, "road", apart=True)
        rest = line.difference(shapely.union_all(list(over.values()))) if over else line
        yield from (Way(part, tags, "road") for part in lines_of(rest))


def _keep_out() -> BaseGeometry:
    return shapely.union_all([
        around(valley.RIVER, RIVER_BANK),
        around(valley.RAILWAY, RAIL_SIDE),
        around(valley.MOTORWAY, MOTORWAY_SIDE),
        around(at(valley.JUNCTION), 480),
        Polygon(_contour(valley.HILL_RADIUS)),
        valley.LAKE,
        *(around(Polygon(_island_rim(*shape)), valley.ISLAND_GAPS[name]) for name, shape in valley.ISLANDS.items()),
        _square(valley.SQUARE, 78, 54, 12),
        _square(valley.STATION_SQUARE, 96, 56, 3),
    ])  # fmt: skip


def _frames() -> Iterator[Way]:
    """Yield the streets around quarters: the town's belt road, the estates, the parks."""
    barriers = shapely.union_all([around(valley.RIVER, RIVER_BANK), around(valley.RAILWAY, RAIL_SIDE)])
    belt = {"highway": "unclassified", "name": "Chemin de Ceinture"}
    rings = [(valley.TOWN, belt, "suburb"), (valley.QUARTERS["estate"], {"highway": "residential"}, "suburb")]
    rings += [(park, {"highway": "residential"}, "suburb") for park in valley.PARKS.values()]
    rings += [(valley.QUARTERS["industry"], {"highway": "unclassified"}, "industry")]
    for area, tags, zone in rings:
        yield from (Way(part, tags, zone) for part in lines_of(area.boundary.difference(barriers), 40))


def _gates() -> Iterator[Way]:
    """Yield the streets from the old gates to the market square."""
    gates: tuple[tuple[Km, Km], ...] = (
        ((-0.1, -0.6), (-0.06, -0.33)), ((0.56, -0.08), (0.27, -0.12)), ((0.02, 0.42), (0.05, 0.15)),
        ((-0.55, -0.1), (-0.25, -0.05)), ((0.48, -0.48), (0.2, -0.3)), ((-0.4, 0.28), (-0.18, 0.14)),
    )  # fmt: skip
    for gate, bend in gates:
        yield Way(curve([gate, bend, valley.SQUARE]), {"highway": "residential"}, "old")


def _zone(point: Point) -> str:
    if any(park.contains(point) for park in valley.PARKS.values()):
        return "park"
    return next((name for name, area in valley.QUARTERS.items() if area.contains(point)), "suburb")


def _fill_town(streets: list[Way], keep_out: BaseGeometry, rng: np.random.Generator) -> list[Way]:
    fill = {"old": _old, "grid": _plain, "estate": _plain, "industry": _plain, "suburb": _suburb, "park": _park}
    ways: list[Way] = []
    for block in blocks(valley.TOWN, [way.line for way in streets], keep_out):
        zone = _zone(block.representative_point())
        cuts = list(lattice(block, GRID_TURN) if zone == "grid" else divide(block, STYLES[zone], rng))
        ways += [way for cut in cuts for way in fill[zone](cut, zone, rng)]
        if zone == "estate":
            ways += _dead_ends(block, [cut.line for cut in cuts], rng)
    return ways


def _old(cut: Cut, zone: str, rng: np.random.Generator) -> Iterator[Way]:
    chance = rng.random()
    if cut.line.distance(at(valley.SQUARE)) < 150:
        tags = {"highway": "pedestrian", "bicycle": "dismount" if chance < 0.4 else "yes"}
    elif cut.line.length < 90 and chance < 0.25:
        tags = {"highway": "footway", "access": "no", "foot": "yes"} if chance < 0.15 else {"highway": "footway"}
    else:
        tags = {"highway": "living_street" if chance < 0.3 else "residential"}
    yield Way(cut.line, tags, zone)


def _plain(cut: Cut, zone: str, rng: np.random.Generator) -> Iterator[Way]:
    yield Way(cut.line, {"highway": "service" if zone == "industry" and rng.random() < 0.4 else "residential"}, zone)


def _park(cut: Cut, zone: str, rng: np.random.Generator) -> Iterator[Way]:
    chance = rng.random()
    tags = (
        {"highway": "footway", "bicycle": "yes"} if chance < 0.4 else {"highway": "path" if chance < 0.7 else "footway"}
    )
    yield Way(cut.line, tags, zone)


def _suburb(cut: Cut, zone: str, rng: np.random.Generator) -> Iterator[Way]:
    chance, where = rng.random(), 0.55 + 0.2 * rng.random()
    street = Way(cut.line, {"highway": "tertiary" if cut.area > 500_000 else "residential"}, zone)
    if cut.area > 110_000 or chance > 0.42:
        yield street
    elif chance < 0.26:
        yield from _dead_end(street, where, footway=chance < 0.16)
    elif chance < 0.31:
        yield street.tagged(access="destination")
    else:
        yield street.tagged(highway="living_street") if chance < 0.34 else street


def _dead_ends(block: Polygon, streets: list[LineString], rng: np.random.Generator) -> Iterator[Way]:
    """Yield the dead ends of an estate's superblocks; a footway leads on where cars cannot."""
    for piece in blocks(block, streets, Polygon()):
        for line in comb(piece, 85.0, rng):
            yield from _dead_end(Way(line, {"highway": "residential"}, "estate"), 0.66, footway=True)


def _dead_end(street: Way, share: float, *, footway: bool) -> Iterator[Way]:
    """Yield the part of a street that remains when it is closed half way, and perhaps the path beyond."""
    line, end = street.line, share * street.line.length
    yield replace(street, line=stretch(line, 0, end))
    if footway:
        yield replace(street, line=stretch(line, end, line.length), tags={"highway": "footway"})


def _fill_villages(mains: list[Way], keep_out: BaseGeometry, rng: np.random.Generator) -> Iterator[Way]:
    roads = [way.line for way in mains]
    for village in (*valley.VILLAGES, valley.HAMLET):
        for block in blocks(disc(village), roads, keep_out):
            for cut in divide(block, STYLES["village"], rng):
                street = Way(cut.line, {"highway": "residential"}, "village")
                yield from _dead_end(street, 0.7, footway=rng.random() < 0.5) if rng.random() < 0.25 else [street]


def _fill_country(mains: list[Way], keep_out: BaseGeometry, rng: np.random.Generator) -> Iterator[Way]:
    """Yield lanes everywhere, and between them, inside the communes, farm tracks and forest paths."""
    woods = shapely.union_all(list(valley.WOODS.values()))
    country = valley.BOX.difference(valley.TOWN)
    roads = [way.line for way in mains]
    lanes = [c.line for b in blocks(country, roads, keep_out) for c in divide(b, STYLES["beyond"], rng)]
    yield from (Way(line, {"highway": "unclassified"}, "lane") for line in lanes)
    for block in blocks(country, [*roads, *lanes], keep_out):
        if valley.LAND.intersection(block).area < 0.3 * block.area:
            continue
        for cut in divide(block, STYLES["fields"], rng):
            chance = rng.random()
            if woods.contains(cut.line.interpolate(0.5, normalized=True)):
                yield Way(cut.line, {"highway": "path" if chance < 0.5 else "track"}, "wood")
            elif cut.area > 1_800_000 or chance < 0.35:
                yield Way(cut.line, {"highway": "unclassified"}, "lane")
            else:
                yield Way(cut.line, {"highway": "track", "tracktype": "grade2" if chance < 0.7 else "grade4"}, "track")


def _ring(centre: Point, radius: float, corners: int = 36) -> LineString:
    """Return a closed ring, counterclockwise (the way a French roundabout turns)."""
    turn = np.linspace(0, 2 * np.pi, corners + 1)
    ring = np.round(np.column_stack([centre.x + radius * np.cos(turn), centre.y + radius * np.sin(turn)]), 1)
    ring[-1] = ring[0]
    return LineString(ring)


def _around_hill(radius: Floats, angle: Floats) -> Floats:
    """Return places around the hill, which is longer than wide and dented on one side."""
    r = radius * (1 + 0.13 * np.sin(2 * angle + 0.5) + 0.06 * np.sin(3 * angle))
    xy = np.column_stack([valley.HILL.x + r * np.cos(angle), valley.HILL.y + r * np.sin(angle)])
    return np.asarray(np.round(xy, 1), dtype=np.float64)


def _contour(radius: float) -> LineString:
    ring = _around_hill(np.full(49, radius), np.linspace(0, 2 * np.pi, 49))
    ring[-1] = ring[0]
    return LineString(ring)


def _hill() -> Iterator[Way]:
    """Yield the hill's streets: one round its foot, one winding up, one on top, and six flights of stairs."""
    foot, top = _contour(valley.HILL_RADIUS), _contour(95.0)
    slope = Polygon(foot).difference(Polygon(top))

    def climb(radius: Floats, angle: Floats) -> LineString:
        line = LineString(_around_hill(radius, angle)).simplify(1.0)
        return max(lines_of(line.intersection(slope)), key=lambda part: part.length)

    yield Way(foot, {"highway": "residential", "name": "Rue du Pied-de-la-Butte"}, "hill")
    yield Way(top, {"highway": "pedestrian", "name": "Place Saint-Roch", "bicycle": "yes"}, "hill")
    spiral = climb(np.linspace(1.02 * valley.HILL_RADIUS, 90, 60), np.linspace(-0.7, -0.7 + 2.9 * np.pi, 60))
    yield Way(spiral, {"highway": "residential", "name": "Montée Saint-Roch"}, "hill")
    for i, angle in enumerate((0.2, 1.25, 2.3, 3.4, 4.35, 5.3)):
        stairs = climb(np.array([1.05 * valley.HILL_RADIUS, 210, 85]), np.array([angle, angle + 0.06, angle]))
        yield Way(stairs, {"highway": "steps", "incline": "up", "name": f"Escalier {i + 1} de la Butte"}, "hill")


def _motorway() -> Iterator[Way]:
    """Yield both carriageways and a junction with two roundabouts, each joined by a ramp off and a ramp on."""
    axis = lines_of(valley.MOTORWAY.intersection(valley.BOX))[0]
    here = axis.project(at(valley.JUNCTION))
    for side, place in zip((1, -1), valley.JUNCTION_SIDES, strict=True):
        carriageway = lines_of(offset(axis, side * 11.0).intersection(valley.BOX))[0]
        if side == 1:  # traffic keeps to the right
            carriageway = LineString(carriageway.coords[::-1])
        yield Way(carriageway, {"highway": "motorway", "oneway": "yes", "ref": "A 207"})
        for end in (-1, 1):
            ramp = _ramp(axis, carriageway, here + end * 520, side, at(place))
            off = end == side  # traffic comes from the east on the northern side, from the west on the southern
            line = ramp if off else LineString(ramp.coords[::-1])
            yield Way(line, {"highway": "motorway_link", "oneway": "yes"})


def _ramp(axis: LineString, carriageway: LineString, far: float, side: int, roundabout: Point) -> LineString:
    """Draw a ramp from the carriageway at `far` metres along the axis to a roundabout (a quadratic Bézier curve)."""
    ahead = far + (100 if far < axis.project(roundabout) else -120)
    start = min(map(Point, carriageway.coords), key=axis.interpolate(far).distance)
    lane = offset(axis, side * 42.0)
    middle = lane.interpolate(lane.project(axis.interpolate(2 * ahead - far)))
    u = np.linspace(0, 1, 9)[:, None]
    p0, p1, p2 = (np.array([p.x, p.y]) for p in (start, middle, roundabout))
    return LineString(np.round((1 - u) ** 2 * p0 + 2 * u * (1 - u) * p1 + u**2 * p2, 1))


def _cycleways() -> Iterator[Way]:
    """Yield the greenway along the river, open to walkers, and a cycle track along the main road, which is not."""
    bank = LineString(offset(valley.RIVER, 78.0).simplify(3.0).coords)
    west, east = bank.project(at((-1.7, -0.62))), bank.project(at((2.4, 0.55)))
    ends = bank.project(at((-7.6, -4.5))), bank.project(at((7.6, 3.5)))
    tags = {"highway": "cycleway", "name": "Voie verte de l'Orvelle"}
    yield Way(stretch(bank, ends[0], west), {**tags, "foot": "designated"}, "path")
    yield Way(stretch(bank, east, ends[1]), {**tags, "foot": "yes"}, "path")
    for place, along in (((-7.4, -3.2), ends[0]), ((-1.7, -0.55), west), ((1.75, 0.6), east), ((6.9, 4.3), ends[1])):
        line = LineString([bank.interpolate(along), at(place)])
        yield Way(line, {"highway": "path", "bicycle": "yes"}, "path")
    road = next(main for main in valley.MAINS if main.name == "Route d'Échallon").line()
    track = stretch(road, road.project(at((-2.15, 1.0))), road.project(at((-5.0, 2.8))))
    beside = offset(track, -14.0)
    yield Way(LineString([track.coords[0], *beside.coords, track.coords[-1]]), {"highway": "cycleway"}, "path")


def _sidewalks(mains: Iterable[Way]) -> Iterator[Way]:
    tags = {"highway": "footway", "footway": "sidewalk"}
    for way in mains:
        sides = {"Boulevard du Général-Aubier": (9.0, -9.0), "Boulevard du Nord": (9.0,)}.get(way.tags["name"], ())
        yield from (Way(offset(way.line, s), tags, "path") for s in sides)


def _driveways(streets: list[Way], rng: np.random.Generator) -> Iterator[Way]:
    """Yield private drives to lonely houses."""
    lanes = [way.line for way in streets if way.zone == "lane" and valley.LAND.contains(way.line)]
    for i in rng.permutation(len(lanes))[:45]:
        start, ahead = (lanes[i].interpolate(share, normalized=True) for share in (0.4, 0.405))
        side = np.array([start.y - ahead.y, ahead.x - start.x]) / start.distance(ahead)
        end = np.array([start.x, start.y]) + side * (60 + 80 * rng.random())
        yield Way(
            LineString([(start.x, start.y), end]), {"highway": "service", "service": "driveway", "access": "private"}
        )


def _square(place: Km, width: float, height: float, turn: float) -> Polygon:
    centre = at(place)
    x, y = width / 2, height / 2
    shape = Polygon([(centre.x + dx, centre.y + dy) for dx, dy in ((-x, -y), (x, -y), (x, y), (-x, y))])
    return Polygon(np.round(shapely.get_coordinates(shapely.affinity.rotate(shape, turn)), 1))


def _punched(streets: list[Way]) -> list[Way]:
    """Cut squares and roundabouts out of the streets and put their rims in."""
    rims: list[Way] = []
    for place in valley.ROUNDABOUTS:
        tags = {"highway": "primary", "junction": "roundabout"}
        rims.append(Way(_ring(at(place), 24.0, 16), tags, "road"))
    market = _square(valley.SQUARE, 78, 54, 12)
    rims.append(Way(market.exterior, {"highway": "pedestrian", "area": "yes", "name": "Place du Marché"}, "old"))
    rims.append(Way(_square(valley.STATION_SQUARE, 96, 56, 3).exterior, {}, role="outer"))
    holes = shapely.union_all([Polygon(rim.line) for rim in rims])
    shapely.prepare(holes)
    kept: list[Way] = []
    for way in streets:
        if way.apart or not holes.intersects(way.line):
            kept.append(way)
        else:
            kept += [replace(way, line=part) for part in lines_of(way.line.difference(holes), 1.0)]
    return [*kept, *rims, Way(_square(valley.STATION_SQUARE, 18, 12, 3).exterior, {}, role="inner")]


def _islands() -> Iterator[Way]:
    """Yield streets that no other street leads to: a holiday park, and a lane or two among allotments."""
    for name, (place, columns, rows) in valley.ISLANDS.items():
        southwest, southeast, northeast, northwest = np.array(_island_rim(place, columns, rows))
        rails = [
            (southwest, southeast, northwest, northeast, columns),
            (southwest, northwest, southeast, northeast, rows),
        ]
        for a, b, c, d, count in rails:
            for u in np.linspace(0, 1, count):
                line = LineString(np.round([a + u * (b - a), c + u * (d - c)], 1))
                yield Way(line, {"highway": "residential", "name": name}, "island", island=True)


def _island_rim(place: Km, columns: int, rows: int) -> list[tuple[float, float]]:
    """Return the corners of an island of streets, anticlockwise: a slanted grid with meshes of 70 m."""
    x, y = at(place).x, at(place).y
    width, height = 70.0 * (columns - 1), 70.0 * (rows - 1)
    return [(x, y), (x + width + 9, y - 6), (x + width + 20, y + height - 4), (x + 12, y + height)]


def _named(ways: list[Way]) -> list[Way]:
    """Give the streets of town and villages names, in turn."""
    kinds, turn, named = ("Rue", "Rue", "Rue", "Rue", "Allée"), 0, []
    for way in ways:
        if way.tags.get("highway") in {"residential", "living_street", "pedestrian"} and "name" not in way.tags:
            kind = kinds[turn % len(kinds)]
            way = way.tagged(name=f"{kind} {NAMES[turn % len(NAMES)]}")
            turn += 1
        named.append(way)
    return named
