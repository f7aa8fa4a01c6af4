"""What is behind the minutes: journeys leg by leg and street by street."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops

from siteplan.config import Profile, Rides, clock_of
from siteplan.doors import door
from siteplan.errors import StudyError
from siteplan.geo import ground_lengths
from siteplan.inputs.extract import way_names
from siteplan.inputs.sites import Places
from siteplan.network.kept import linked
from siteplan.network.snapping import HARD_LIMIT, LIMIT, Mode, as_modes, measured, metric_points
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.routing.journeys import Journeys, Ride, Trace, search_journeys
from siteplan.routing.query import RideQuery
from siteplan.routing.rides import ride_costs
from siteplan.routing.search import MINUTE, deciseconds, runs_backwards
from siteplan.routing.ways import Piece, Spot, find_way

__all__ = ["Direction", "Itinerary", "describe", "itinerary", "journeys_within"]

Direction = Literal["to", "from"]


@dataclass(frozen=True)
class Itinerary:
    """A journey leg by leg.

    Attributes
    ----------
    minutes, minutes_p25, minutes_p75
        As in `travel_times`; missing where the place is reached more rarely, and where nothing is ridden.
    metres
        The length in all.
    at
        The clock time asked about, the first of the window whose journey takes `minutes`: arrival ("to") or departure;
        empty for a mode that does not ride.
    possible, window
        At how many minutes of the window the place is reached within the limit, and of how many; 1 of 1 for a mode that
        does not ride.
    legs
        `leg` ("walk", the name of the way between home and stop, "wait", "ride"), `start`, `end` (places), `line`,
        `headsign`, `departure`, `arrival` (seconds since midnight of the date, or since one sets out), `minutes`,
        `metres` (along the streets; of a ride, straight between the stops that it calls at; NaN of a wait) and geometry
        likewise. The minutes of the legs add up to `minutes`. A change that no street shows, only the timetable, is
        straight, and its metres are what its time makes at the speed of the walk.
    ways
        The streets of the legs, in order: `leg` (row of `legs`), `name` (else the number; empty where it has none, and
        for streets of a graph), `highway`, `way` (the id in OpenStreetMap), `metres`, `minutes`, geometry. Between a
        place and the street, and in a station, `highway` is empty and `way` 0.
    """

    minutes: float
    minutes_p25: float
    minutes_p75: float
    metres: float
    at: str
    possible: int
    window: int
    direction: Direction
    legs: gpd.GeoDataFrame
    ways: gpd.GeoDataFrame


@door()
def itinerary(
    transit: Timetable | StreetNetwork,
    origin: Places,
    site: Places,
    *,
    mode: Mode | None = None,
    direction: Direction = "to",
    minutes: float = 90,
) -> Itinerary | None:
    """Return the journey between a place and a site that takes what the table of minutes says.

    Parameters
    ----------
    transit
        The timetable of a day; for a mode that does not ride, the streets will do.
    origin, site
        One place each, with a CRS; `origin` is where the people are, whichever the direction.
    mode
        How they travel: by public transport where there is a timetable, else on foot, unless told otherwise. Of several
        minutes of the window that take as long, the first is shown; of several journeys as quick, one with the fewest
        rides. A window for the way back is not looked at.
    direction, minutes
        As in `travel_times`.

    Returns
    -------
    Itinerary or None
        None where the site is not within the limit (at the percentile of the window).

    Raises
    ------
    StudyError
        Not one place each, a mode that rides without a timetable, or a limit of the walks in all, which is not kept to
        here.

    Examples
    --------
    >>> found = sp.itinerary(bus, people.loc[[807]], sites.loc[["S02"]])
    >>> list(found.legs["leg"])
    ['walk', 'wait', 'ride', 'walk', 'wait']
    """
    if len(origin) != 1 or len(site) != 1:
        raise StudyError(f"itinerary: expected one origin and one site, not {len(origin)} and {len(site)}")
    modes = as_modes(("transit" if isinstance(transit, Timetable) else "walk") if mode is None else mode)
    asked = measured(modes, "minutes")[0]
    if not isinstance(asked, Rides):
        streets = transit.streets if isinstance(transit, Timetable) else transit
        return _unridden(streets, origin, site, asked, direction=direction, minutes=minutes)
    if not isinstance(transit, Timetable):
        raise StudyError(f"mode {asked.name!r}: rides, and streets have no timetable; give that of read_transit")
    return _ridden(transit, origin, site, asked, direction=direction, minutes=minutes)


def _unridden(
    streets: StreetNetwork, origin: Places, site: Places, profile: Profile, *, direction: Direction, minutes: float
) -> Itinerary | None:
    """Return the way along the streets alone."""
    runs_backwards(direction)  # refuses any other
    most = int(deciseconds([minutes])[0])
    home, goal = _End.of(streets, origin, profile, profile.link_m), _End.of(streets, site, profile, HARD_LIMIT)
    walked = _walked(streets, profile, *((home, goal) if direction == "to" else (goal, home)), most=most)
    if walked is None:
        return None
    names = ("home", "site") if direction == "to" else ("site", "home")
    row = (profile.name, *names, "", "", 0, walked.cost, walked.metres, walked.line)
    legs, ways = _tables(streets, [row], {0: walked.pieces})
    return Itinerary(
        minutes=walked.cost / MINUTE,
        minutes_p25=np.nan,
        minutes_p75=np.nan,
        metres=float(legs["metres"].sum()),
        at="",
        possible=1,
        window=1,
        direction=direction,
        legs=legs,
        ways=ways,
    )


def _ridden(
    transit: Timetable, origin: Places, site: Places, mode: Rides, *, direction: Direction, minutes: float
) -> Itinerary | None:
    """Return the journey by a timetable."""
    (found,) = journeys_within(transit, site, origin, mode, direction=direction, minutes=minutes)
    if found.chosen[0] < 0:
        return None
    (trace,) = found.traces(np.zeros(1, np.int64))
    cost, low, high = found.ranked[:, 0].tolist()
    within = found.costs[:, 0] <= found.asked.cutoff
    moment = int(found.moments[found.chosen[0]])
    # Who plans is there before the moment asked about, or sets out after it; who walks all the way has no plan.
    way = -1 if found.asked.backwards else 1
    asked = way * int(found.set_out[found.chosen[0], 0]) if trace.ridden else moment * 10
    legs, ways = _legs(transit, trace, mode, direction, asked=asked, cost=cost, ends=(origin, site))
    return Itinerary(
        minutes=cost / MINUTE,
        minutes_p25=low / MINUTE if low <= found.asked.cutoff else np.nan,
        minutes_p75=high / MINUTE if high <= found.asked.cutoff else np.nan,
        metres=float(legs["metres"].sum()),
        at=clock_of(moment),
        possible=int(within.sum()),
        window=len(within),
        direction=direction,
        legs=legs,
        ways=ways,
    )


def journeys_within(
    transit: Timetable,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    mode: Rides,
    *,
    direction: Direction,
    minutes: float,
) -> list[Journeys]:
    """Search the journeys of all people to each site, or from it, within a limit; parameters as in `travel_times`."""
    if mode.max_total_walk_minutes is not None:
        raise StudyError(
            "max_total_walk_minutes: journeys are not shown leg by leg under a limit of the walks in all; leave it out"
        )
    backwards = runs_backwards(direction)
    cutoff = int(ride_costs([minutes], mode, transit)[0])
    return search_journeys(RideQuery(transit, sites, people, mode, cutoff, backwards))


@dataclass(frozen=True)
class _End:
    """Where a walk begins or ends: the point, and for each door where it meets a street, and the metres to that."""

    point: Any
    spots: list[Spot]
    off_m: list[float]

    @classmethod
    def of(
        cls, streets: StreetNetwork, places: gpd.GeoDataFrame, profile: Profile, link_m: float, *, inside: Any = 0.0
    ) -> "_End":
        """Link the doors of one place; `inside` are the metres from each to the place itself."""
        links = linked(streets, places, profile, link_m)
        rows = np.flatnonzero((links["status"] == "placed").to_numpy())
        pace = 36 / profile.access_kmh
        spots, off = [], []
        for edge, offset, access, within in zip(
            *links.iloc[rows][["edge", "offset_m", "access_m"]].to_numpy().T,
            np.broadcast_to(inside, len(links))[rows],
            strict=True,
        ):
            share = float(np.clip(offset / max(streets.length[int(edge)], 1e-9), 0, 1))
            spots.append(Spot(int(edge), share, int(np.round(access * pace)) + int(np.round(within * pace))))
            off.append(float(access + within))
        return cls(metric_points(places, streets)[0], spots, off)

    @classmethod
    def at_stop(cls, transit: Timetable, stop: int, profile: Profile) -> "_End":
        """Link the doors of a stop."""
        doors = transit.doors[transit.doors["stop"] == stop]
        found = cls.of(transit.streets, doors, profile, LIMIT, inside=doors["inside_m"].to_numpy(float))
        return cls(shapely.Point(*transit.spots[stop]), found.spots, found.off_m)


@dataclass(frozen=True)
class _Walked:
    """A way along the streets: deciseconds, metres, line, and rows of `ways` (edge, metres, deciseconds, line)."""

    cost: int
    metres: float
    line: Any
    pieces: list[tuple[int, float, int, Any]]


def _walked(streets: StreetNetwork, profile: Profile, start: _End, end: _End, *, most: int) -> _Walked | None:
    way = find_way(streets, profile, start.spots, end.spots, most=most)
    if way is None:
        return None
    lines = [_drawn(streets, piece) for piece in way.pieces]
    rows = [
        (piece.edge, abs(piece.last - piece.first) * float(streets.length[piece.edge]), piece.cost, line)
        for piece, line in zip(way.pieces, lines, strict=True)
    ]
    first, last = shapely.Point(lines[0].coords[0]), shapely.Point(lines[-1].coords[-1])
    out = (-1, start.off_m[way.start], start.spots[way.start].cost, _line([start.point, first]))
    in_ = (-1, end.off_m[way.end], end.spots[way.end].cost, _line([last, end.point]))
    pieces = [out, *rows, in_]
    whole = shapely.LineString(np.concatenate([shapely.get_coordinates(line) for *_, line in pieces]))
    return _Walked(way.cost, sum(metres for _, metres, _, _ in pieces), whole, pieces)


def _drawn(streets: StreetNetwork, piece: Piece) -> Any:
    """Return the line of a piece of an edge, the way one goes."""
    low, high = sorted((piece.first, piece.last))
    line = shapely.ops.substring(streets.lines[piece.edge], low, high, normalized=True)
    line = line if line.geom_type == "LineString" else _line([line, line])
    return line if piece.first <= piece.last else shapely.reverse(line)


def _tables(
    streets: StreetNetwork, rows: list[tuple[Any, ...]], walked: dict[int, list[tuple[int, float, int, Any]]]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Lay out the tables of an itinerary; `walked` are the pieces of the legs (rows) that go along streets."""
    columns = ["leg", "start", "end", "line", "headsign", "departure", "arrival", "metres", "geometry"]
    legs = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=streets.crs)
    legs.insert(7, "minutes", (legs["arrival"] - legs["departure"]) / MINUTE)
    legs[["departure", "arrival"]] = legs[["departure", "arrival"]] / 10
    edges = {edge for pieces in walked.values() for edge, *_ in pieces if edge >= 0}
    names = way_names(streets.source, {int(streets.way_id[edge]) for edge in edges})
    parts: list[list[Any]] = []
    for leg, pieces in walked.items():
        for edge, metres, cost, line in pieces:
            way = int(streets.way_id[edge]) if edge >= 0 else 0
            highway = dict(streets.kinds[streets.kind[edge]])["highway"] if edge >= 0 else ""
            what = [leg, names.get(way, ""), highway, way]
            if parts and parts[-1][:4] == what and edge >= 0:  # one street, cut where others meet it
                parts[-1][4:6] = parts[-1][4] + metres, parts[-1][5] + cost / MINUTE
                joined = np.concatenate([shapely.get_coordinates(part) for part in (parts[-1][6], line)])
                parts[-1][6] = shapely.LineString(joined)
            elif metres > 0.001 or cost:
                parts.append([*what, metres, cost / MINUTE, line])
    columns = ["leg", "name", "highway", "way", "metres", "minutes", "geometry"]
    return legs, gpd.GeoDataFrame(parts, columns=columns, geometry="geometry", crs=streets.crs)


def _legs(
    transit: Timetable,
    trace: Trace,
    mode: Rides,
    direction: Direction,
    *,
    asked: int,
    cost: int,
    ends: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Lay a journey out in the order of travel; who comes too early waits where the next leg begins."""
    now = asked - cost if direction == "to" else asked
    names = ["home", "site"] if direction == "to" else ["site", "home"]
    at_home = 0 if direction == "to" else len(trace.walks) - 1
    rows: list[tuple[Any, ...]] = []
    walked: dict[int, list[tuple[int, float, int, Any]]] = {}

    def at(where: str | int, profile: Profile) -> _End:
        if isinstance(where, int):
            return _End.at_stop(transit, where, profile)
        home = where == "home"
        return _End.of(transit.streets, ends[0 if home else 1], profile, profile.link_m if home else HARD_LIMIT)

    def walk(k: int, end: str, here: str | int, there: str | int) -> None:
        profile = mode.access if k == at_home or not trace.ridden else mode.walk
        if trace.walks[k] or not trace.ridden:
            start, stop = at(here, profile), at(there, profile)
            found = _walked(transit.streets, profile, start, stop, most=trace.walks[k])
            if found is not None and found.cost == trace.walks[k]:
                metres, line = found.metres, found.line
                walked[len(rows)] = found.pieces
            else:  # a change that the timetable knows, and the streets do not
                metres, line = trace.walks[k] / 36 * profile.access_kmh, _line([start.point, stop.point])
            rows.append((profile.name, place, end, "", "", now, now + trace.walks[k], metres, line))

    def wait(until: int, spot: Any) -> None:
        if until > now:
            rows.append(("wait", place, place, "", "", now, until, np.nan, _line([spot, spot])))

    place: str = names[0]
    here: str | int = names[0]
    for k, ride in enumerate(trace.rides):
        stops, called, shape = _called(transit, ride)
        walk(k, called[0], here, int(stops[0]))
        place, now = called[0], now + trace.walks[k]
        wait(ride.departure, shape[0])
        line, headsign = _line_of(transit, ride)
        ridden = _line(shape)
        lon, lat = transit.feed.stops[["lon", "lat"]].to_numpy(float)[stops].T
        metres = float(ground_lengths(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum())
        rows.append(("ride", called[0], called[-1], line, headsign, ride.departure, ride.arrival, metres, ridden))
        place, here, now = called[-1], int(stops[-1]), ride.arrival
    if trace.called is not None:
        call, doors = trace.called, dict(zip(names, ends if direction == "to" else ends[::-1], strict=True))
        on, off = (name if stop < 0 else stop for stop, name in zip((call.on, call.off), names, strict=True))
        (start, first), (end, last_spot) = (_called_at(transit, where, doors) for where in (on, off))
        walk(0, start, here, on)
        place, now = start, now + trace.walks[0]
        # Away from a site one waits for the first pick-up as well; at one, until the time to be there.
        wait(now + call.wait if direction == "to" else asked + cost - trace.walks[1] - call.drive, first)
        now = rows[-1][6] if rows and rows[-1][0] == "wait" else now
        route = int(transit.feed.on_demand.rides["route"].iloc[call.ride])
        line = str(transit.feed.routes["name"].iloc[route])
        metres = _ground_m(transit.streets, first, last_spot)
        rows.append(("ride", start, end, line, "", now, now + call.drive, metres, _line([first, last_spot])))
        place, here, now = end, off, now + call.drive
    walk(len(trace.walks) - 1, names[1], here, names[1])
    place, now = names[1], now + trace.walks[-1]
    last = ends[1 if names[1] == "site" else 0]
    wait(asked if direction == "to" else now, metric_points(last, transit.streets)[0])
    return _tables(transit.streets, rows, walked)


def _called_at(transit: Timetable, where: str | int, doors: dict[str, gpd.GeoDataFrame]) -> tuple[str, Any]:
    """Return name and point of where one gets on or off on demand: a stop, or a door."""
    if isinstance(where, str):
        return where, metric_points(doors[where], transit.streets)[0]
    return str(transit.feed.stops["name"].iloc[where]), shapely.Point(*transit.spots[where])


def _ground_m(streets: StreetNetwork, start: Any, end: Any) -> float:
    """Return the metres on the ground straight between two points."""
    degrees = gpd.GeoSeries([start, end], crs=streets.crs).to_crs(4326)
    lon, lat = degrees.x.to_numpy(), degrees.y.to_numpy()
    return float(ground_lengths(lon[:1], lat[:1], lon[1:], lat[1:])[0])


def _line(spots: Sequence[Any]) -> Any:
    return shapely.LineString(shapely.get_coordinates(np.array(spots, dtype=object)))


def _called(transit: Timetable, ride: Ride) -> tuple[npt.NDArray[np.int64], list[str], list[Any]]:
    """Return the stops that a ride calls at: numbers, names and places."""
    p = transit.patterns
    stops = p.stops[p.ptr[ride.pattern] + ride.on : p.ptr[ride.pattern] + ride.off + 1]
    names = transit.feed.stops["name"].to_numpy()[stops].astype(str).tolist()
    return stops, names, [shapely.Point(*spot) for spot in transit.spots[stops]]


def _line_of(transit: Timetable, ride: Ride) -> tuple[str, str]:
    """Return the line of a ride, those of all its parts where the vehicle goes on as another, and its last headsign."""
    trips = transit.feed.trips.loc[list(ride.trips)]
    names = transit.feed.routes.loc[trips["route"], "name"].astype(str)
    return " + ".join(dict.fromkeys(names)), str(trips["headsign"].iloc[-1])


def clock(seconds: float) -> str:
    """Return seconds since midnight as "08:05", by the minute begun; "25:10" and "-00:10" are other days."""
    minutes = int(seconds // 60)
    return f"{'-' if minutes < 0 else ''}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@door()
def describe(found: Itinerary) -> str:
    """Return a journey as lines of text.

    Examples
    --------
    >>> found = sp.itinerary(bus, people.loc[[807]], sites.loc[["S02"]])
    >>> print(sp.describe(found))
    25.2 min, 3,491 m, arrival by 08:04 (25 % of the minutes: 23, 75 %: 28; within the limit at 60 of 60 minutes)
    07:38-07:44  walk    5.9 min  471 m: home - Porte d'Échallon
                         0.0 min  4 m  (off the streets)
                         0.3 min  24 m  (tertiary)
                         0.5 min  43 m  Rue du Chêne
                         2.1 min  166 m  Rue du Stade
                         1.5 min  119 m  Rue des Bleuets
                         1.4 min  116 m  Route d'Échallon
                         0.0 min  0 m  (off the streets)
    07:44-07:45  wait    1.0 min  Porte d'Échallon
    07:45-07:57  ride   11.3 min  2,747 m, line 1 towards Rond-point de l'Est: Porte d'Échallon - Gare
    07:57-08:00  walk    3.4 min  273 m: Gare - site
                         0.1 min  5 m  (off the streets)
                         1.0 min  80 m  Rue Auguste-Vallon
                         0.8 min  62 m  Rue du Four-à-Chaux
                         1.6 min  124 m  Rue des Tilleuls
                         0.0 min  2 m  (off the streets)
    08:00-08:04  wait    3.6 min  site, there early: counted
    """
    head = f"{found.minutes:.1f} min, {found.metres:,.0f} m"
    if found.at:
        what = "arrival by" if found.direction == "to" else "departure at"
        spread = [f"{value:.0f}" if np.isfinite(value) else "-" for value in (found.minutes_p25, found.minutes_p75)]
        head += (
            f", {what} {found.at} (25 % of the minutes: {spread[0]}, 75 %: {spread[1]}; "
            f"within the limit at {found.possible} of {found.window} minutes)"
        )
    lines = [head]
    for row, leg in enumerate(found.legs.itertuples()):
        start = f"{clock(leg.departure)}-{clock(leg.arrival)}  {leg.leg:<5} {leg.minutes:5.1f} min"
        if leg.leg == "ride":
            towards = f" towards {leg.headsign}" if leg.headsign else ""
            lines.append(f"{start}  {leg.metres:,.0f} m, line {leg.line}{towards}: {leg.start} - {leg.end}")
        elif leg.leg == "wait":
            early = ", there early: counted" if leg.start == "site" and found.direction == "to" else ""
            lines.append(f"{start}  {leg.start}{early}")
        else:
            lines.append(f"{start}  {leg.metres:,.0f} m: {leg.start} - {leg.end}")
            lines += [f"{' ' * 19}{text}" for text in _streets_of(found.ways[found.ways["leg"] == row])]
    return "\n".join(lines)


def _streets_of(ways: gpd.GeoDataFrame) -> list[str]:
    """Return the streets of a leg, one a line: those without a name by their kind, in brackets."""
    names = np.where(ways["name"] != "", ways["name"], "(" + ways["highway"].replace("", "off the streets") + ")")
    changed = np.cumsum(np.concatenate([[True], names[1:] != names[:-1]])[: len(names)])
    same = ways.assign(name=names).groupby(changed)[["name", "minutes", "metres"]]
    return [
        f"{part['minutes'].sum():5.1f} min  {part['metres'].sum():,.0f} m  {part['name'].iloc[0]}" for _, part in same
    ]
