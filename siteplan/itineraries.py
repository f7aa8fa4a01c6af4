"""What is behind the minutes by public transport: journeys leg by leg, and what each line and stop brings a site."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import TRANSIT, Rides
from siteplan.doors import door
from siteplan.errors import StudyError
from siteplan.inputs.sites import Places
from siteplan.network.snapping import metric_points
from siteplan.network.transit import Timetable
from siteplan.routing.journeys import Journeys, Ride, Trace, search_journeys, without
from siteplan.routing.search import MINUTE, deciseconds, each, runs_backwards

__all__ = ["Itinerary", "SiteLines", "describe", "itinerary", "round_trips", "site_lines"]

Direction = Literal["to", "from"]
KINDS = {
    0: "tram", 1: "metro", 2: "rail", 3: "bus", 4: "ferry", 5: "cable tram", 6: "aerial lift", 7: "funicular",
    11: "trolleybus", 12: "monorail",
}  # fmt: skip


@dataclass(frozen=True)
class Itinerary:
    """A journey leg by leg.

    Attributes
    ----------
    minutes, minutes_p25, minutes_p75
        As in `travel_times`; missing where the place is reached more rarely.
    at
        The clock time asked about, the first of the window whose journey takes `minutes`: arrival ("to") or departure.
    possible, window
        At how many minutes of the window the place is reached within the limit, and of how many.
    legs
        `leg` ("walk", the name of the way between home and stop, "wait", "ride"), `start`, `end` (places), `line`,
        `headsign`, `departure`, `arrival` (seconds since midnight of the date), `minutes`, `metres` (NaN unless
        walked: what that time makes at the speed of the walk) and geometry: straight between places, and between the
        stops that a ride calls at. The minutes of the legs add up to `minutes`.
    """

    minutes: float
    minutes_p25: float
    minutes_p75: float
    at: str
    possible: int
    window: int
    direction: Direction
    legs: gpd.GeoDataFrame


@door()
def itinerary(
    transit: Timetable,
    origin: Places,
    site: Places,
    *,
    mode: Rides = TRANSIT,
    direction: Direction = "to",
    minutes: float = 90,
) -> Itinerary | None:
    """Return the journey between a place and a site that takes what the table of minutes says.

    Parameters
    ----------
    origin, site
        One place each, with a CRS; `origin` is where the people are, whichever the direction.
    mode
        How they travel. Of several minutes of the window that take as long, the first is shown; of several journeys as
        quick, one with the fewest rides. A window for the way back is not looked at.
    direction, minutes
        As in `travel_times`.

    Returns
    -------
    Itinerary or None
        None where the site is not within the limit at the percentile of the window.

    Raises
    ------
    StudyError
        Not one place each, or a limit of the walks in all, which is not kept to here.

    Examples
    --------
    >>> found = sp.itinerary(bus, people.loc[[807]], sites.loc[["S02"]])
    >>> list(found.legs["leg"])
    ['walk', 'wait', 'ride', 'walk', 'wait']
    """
    if len(origin) != 1 or len(site) != 1:
        raise StudyError(f"itinerary: expected one origin and one site, not {len(origin)} and {len(site)}")
    (found,) = _searched(transit, site, origin, mode, direction=direction, minutes=minutes)
    if found.chosen[0] < 0:
        return None
    (trace,) = found.traces(np.zeros(1, np.int64))
    cost, low, high = found.ranked[:, 0].tolist()
    within = found.costs[:, 0] <= found.cutoff
    asked = int(found.minutes[found.chosen[0]])
    ends = [metric_points(places, transit.streets)[0] for places in (origin, site)]
    return Itinerary(
        minutes=cost / MINUTE,
        minutes_p25=low / MINUTE if low <= found.cutoff else np.nan,
        minutes_p75=high / MINUTE if high <= found.cutoff else np.nan,
        at=clock(asked * 60),
        possible=int(within.sum()),
        window=len(within),
        direction=direction,
        legs=_legs(transit, trace, mode, direction, asked=asked * MINUTE, cost=cost, ends=ends),
    )


def _searched(
    transit: Timetable,
    sites: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    mode: Rides,
    *,
    direction: Direction,
    minutes: float,
) -> list[Journeys]:
    if mode.max_total_walk_minutes is not None:
        raise StudyError(
            "max_total_walk_minutes: journeys are not shown leg by leg under a limit of the walks in all; leave it out"
        )
    backwards = runs_backwards(direction)
    return search_journeys(
        transit, sites, people, mode=mode, cutoff=int(deciseconds([minutes])[0]), backwards=backwards
    )


def _legs(
    transit: Timetable, trace: Trace, mode: Rides, direction: Direction, *, asked: int, cost: int, ends: Sequence[Any]
) -> gpd.GeoDataFrame:
    """Lay a journey out in the order of travel; who comes too early waits where the next leg begins."""
    now = asked - cost if direction == "to" else asked
    here = ["home", "site"] if direction == "to" else ["site", "home"]
    spots = list(ends) if direction == "to" else list(ends)[::-1]
    at_home = 0 if direction == "to" else len(trace.walks) - 1
    rows: list[tuple[Any, ...]] = []

    def walk(k: int, end: str, spot: Any) -> None:
        profile = mode.access if k == at_home or not trace.rides else mode.walk
        metres = trace.walks[k] / 36 * profile.speed_kmh
        if trace.walks[k] or not trace.rides:
            rows.append((profile.name, place, end, "", "", now, now + trace.walks[k], metres, _line([at, spot])))

    def wait(until: int) -> None:
        if until > now:
            rows.append(("wait", place, place, "", "", now, until, np.nan, _line([at, at])))

    place, at = here[0], spots[0]
    for k, ride in enumerate(trace.rides):
        _, names, shape = _called(transit, ride)
        walk(k, names[0], shape[0])
        place, at, now = names[0], shape[0], now + trace.walks[k]
        wait(ride.departure)
        line, headsign = _line_of(transit, ride)
        rows.append(("ride", names[0], names[-1], line, headsign, ride.departure, ride.arrival, np.nan, _line(shape)))
        place, at, now = names[-1], shape[-1], ride.arrival
    walk(len(trace.rides), here[1], spots[1])
    place, at, now = here[1], spots[1], now + trace.walks[-1]
    wait(asked if direction == "to" else now)
    columns = ["leg", "start", "end", "line", "headsign", "departure", "arrival", "metres", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=transit.streets.crs)
    table.insert(7, "minutes", (table["arrival"] - table["departure"]) / MINUTE)
    table[["departure", "arrival"]] = table[["departure", "arrival"]] / 10
    return table


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
    25.2 min, arrival by 08:04 (25 % of the minutes: 23, 75 %: 28; within the limit at 60 of 60 minutes)
    07:38-07:44  walk    5.9 min  471 m: home - Porte d'Échallon
    07:44-07:45  wait    1.0 min  Porte d'Échallon
    07:45-07:57  ride   11.3 min  line 1 towards Rond-point de l'Est: Porte d'Échallon - Gare
    07:57-08:00  walk    3.4 min  273 m: Gare - site
    08:00-08:04  wait    3.6 min  site, there early: counted
    """
    what = "arrival by" if found.direction == "to" else "departure at"
    spread = [f"{value:.0f}" if np.isfinite(value) else "-" for value in (found.minutes_p25, found.minutes_p75)]
    lines = [
        f"{found.minutes:.1f} min, {what} {found.at} (25 % of the minutes: {spread[0]}, 75 %: {spread[1]}; "
        f"within the limit at {found.possible} of {found.window} minutes)"
    ]
    for leg in found.legs.itertuples():
        head = f"{clock(leg.departure)}-{clock(leg.arrival)}  {leg.leg:<5} {leg.minutes:5.1f} min"
        if leg.leg == "ride":
            towards = f" towards {leg.headsign}" if leg.headsign else ""
            lines.append(f"{head}  line {leg.line}{towards}: {leg.start} - {leg.end}")
        elif leg.leg == "wait":
            early = ", there early: counted" if leg.start == "site" and found.direction == "to" else ""
            lines.append(f"{head}  {leg.start}{early}")
        else:
            lines.append(f"{head}  {leg.metres:.0f} m: {leg.start} - {leg.end}")
    return "\n".join(lines)


# Lines and stops ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SiteLines:
    """What lines and stops bring each site.

    `lines`: `site`, `line`, `route` (id in the feed), `type`, `people` whose journey rides it, `lost`, those no longer
    within the limit when it does not run. `stops`: `site`, `stop`, `name`, `on`, `off`: people who first get on there,
    who last get off there. People whose journey has two lines count with both.
    """

    lines: pd.DataFrame
    stops: pd.DataFrame


@door()
def site_lines(
    transit: Timetable,
    sites: Places,
    people: gpd.GeoDataFrame,
    *,
    mode: Rides = TRANSIT,
    direction: Direction = "to",
    minutes: float = 30,
) -> SiteLines:
    """Tell which lines and stops bring how many people to each site within a limit, and how many hang on each line.

    Counted on the journeys that `itinerary` shows; what is lost is searched again, for each line that one of these
    rides, without its trips. More may be lost than ride it: a journey shown is that of one minute, and being
    within the limit is of many. Parameters as in `travel_times`.

    Returns
    -------
    SiteLines
        The two tables, in the order of the sites.

    Examples
    --------
    >>> sp.site_lines(bus, sites.loc[["S02"]], people, minutes=20).lines
      site line route type  people    lost
    0  S02    1    B1  bus  1708.0  2022.0
    1  S02    2    B2  bus    17.0   250.0
    2  S02    3    B3  bus   545.0   549.0
    """
    amounts = np.nan_to_num(people["people"].to_numpy(float))
    searched = _searched(transit, sites, people, mode, direction=direction, minutes=minutes)
    counted = each(_counted, [(transit, found, amounts) for found in searched])
    lost = _lost(searched, [riders for riders, _, _ in counted], amounts)
    lines: list[tuple[Any, ...]] = []
    stops: list[tuple[Any, ...]] = []
    feed = transit.feed
    for row, (riders, on, off) in enumerate(counted):
        name = str(sites.index[row])
        for route in sorted(riders):
            line = feed.routes.loc[route]
            kind = KINDS.get(int(feed.routes["type"].to_numpy()[route]), "other")
            lines.append((name, line["name"], line["id"], kind, riders[route], lost[row, route]))
        for stop in sorted({*on, *off}):
            called = feed.stops.loc[stop]
            stops.append((name, called["id"], called["name"], float(on[stop]), float(off[stop])))
    brought = pd.DataFrame(lines, columns=["site", "line", "route", "type", "people", "lost"])
    called_at = pd.DataFrame(stops, columns=["site", "stop", "name", "on", "off"])
    return SiteLines(brought.astype({"people": float, "lost": float}), called_at.astype({"on": float, "off": float}))


def _counted(
    transit: Timetable, found: Journeys, amounts: npt.NDArray[np.float64]
) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """Count the people of one site by the routes that they ride, and the stops where they first get on and last off."""
    route_of = transit.feed.trips["route"].to_numpy()
    within = np.flatnonzero(found.chosen >= 0)
    riders: Counter[int] = Counter()
    on: Counter[int] = Counter()
    off: Counter[int] = Counter()
    p = transit.patterns
    for point, trace in zip(within.tolist(), found.traces(within), strict=True):
        for route in sorted({int(route_of[trip]) for ride in trace.rides for trip in ride.trips}):
            riders[route] += amounts[point]
        if trace.rides:
            first, last = trace.rides[0], trace.rides[-1]
            on[int(p.stops[p.ptr[first.pattern] + first.on])] += amounts[point]
            off[int(p.stops[p.ptr[last.pattern] + last.off])] += amounts[point]
    return riders, on, off


def _lost(
    searched: list[Journeys], riders: list[Counter[int]], amounts: npt.NDArray[np.float64]
) -> dict[tuple[int, int], float]:
    """Return the people that each site (row) loses without each of the routes that serve it."""
    served: dict[int, list[int]] = {}
    for row, some in enumerate(riders):
        for route in some:
            served.setdefault(route, []).append(row)

    def lose(route: int) -> list[tuple[tuple[int, int], float]]:
        rows = served[route]
        kernel = without(searched[rows[0]], np.array([route]))
        found = []
        for row in rows:
            within = np.flatnonzero(searched[row].chosen >= 0)
            gone = ~searched[row].within(kernel)[within]
            found.append(((row, route), amounts[within][gone].sum()))
        return found

    return dict(itertools.chain.from_iterable(each(lose, [(route,) for route in sorted(served)])))


# There and back -------------------------------------------------------------------------------------------------------


def round_trips(there: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """Keep the pairs of site and point that are within the limit on both ways.

    Parameters
    ----------
    there, back
        Tables of `travel_times` by public transport, one for each way.

    Returns
    -------
    DataFrame
        As `there`: each figure that of the worse of the two ways, and `minutes_there`, `minutes_back` beside them.
    """
    figures = ["minutes", "minutes_p25", "minutes_p75", "share"]
    other = back[["site", "point", *figures]].astype({"site": there["site"].dtype})
    both = there.merge(other, on=["site", "point"], suffixes=("", "_back"))
    worse = {name: np.maximum(both[name], both[f"{name}_back"]) for name in figures[:3]}
    share = np.minimum(both["share"], both["share_back"])
    table = both.assign(minutes_there=both["minutes"], **worse, share=share)
    return table[[*there.columns, "minutes_there", "minutes_back"]]
