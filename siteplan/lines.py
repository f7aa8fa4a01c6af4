"""What each line and stop brings a site."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import TRANSIT, Rides
from siteplan.doors import door
from siteplan.inputs.sites import Places
from siteplan.itineraries import Direction, journeys_within
from siteplan.network.transit import Timetable
from siteplan.parallel import each
from siteplan.routing.journeys import Journeys, without

__all__ = ["SiteLines", "site_lines"]

KINDS = {
    0: "tram", 1: "metro", 2: "rail", 3: "bus", 4: "ferry", 5: "cable tram", 6: "aerial lift", 7: "funicular",
    11: "trolleybus", 12: "monorail",
}  # fmt: skip


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
    searched = journeys_within(transit, sites, people, mode, direction=direction, minutes=minutes)
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
