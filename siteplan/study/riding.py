"""Public transport in the results: which lines bring whom, and stops and lines as layers of a map."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Rides, Study
from siteplan.errors import SiteplanWarning
from siteplan.itineraries import site_lines
from siteplan.network.transit import Timetable
from siteplan.study.load import Territory

__all__ = ["line_layer", "ridden", "stop_layer"]


def ridden(study: Study, territory: Territory) -> dict[str, pd.DataFrame]:
    """Return which lines and stops bring how many people to each site within the largest limit.

    Returns
    -------
    dict
        `lines` and `stops`, as `site_lines` gives them; nothing without a timetable, or where walking is limited in
        all, which no line can be held to.
    """
    rides = next((mode for mode in study.profiles() if isinstance(mode, Rides)), None)
    if territory.timetable is None or rides is None:
        return {}
    if rides.max_total_walk_minutes is not None:
        text = "travel.transit.max_total_walk_minutes: with it, which line brings whom is not worked out"
        warnings.warn(SiteplanWarning(text), stacklevel=2)
        return {}
    people = territory.points[territory.linked[rides.name]]
    found = site_lines(
        territory.timetable,
        territory.sites,
        people,
        mode=rides,
        direction=study.travel.direction,
        limit=max(study.travel.minutes),
    )
    return {"lines": found.lines, "stops": found.stops}


def stop_layer(timetable: Timetable) -> gpd.GeoDataFrame:
    """Return the stops that are used on the date and have a street.

    Returns
    -------
    GeoDataFrame
        `stop` (the feed's id), `name`, `departures` (of the day), `lines` (their names, with commas); points in the
        streets' CRS.
    """
    calls, feed = _calls(timetable), timetable.feed
    placed = timetable.doors.loc[timetable.doors["status"] == "placed", "stop"].unique()
    calls = calls[calls["stop"].isin(placed)]
    of_stop = calls.groupby("stop")
    lines = of_stop["name"].agg(lambda names: ", ".join(sorted(set(names.astype(str)))))
    stops = feed.stops.loc[lines.index]
    return gpd.GeoDataFrame(
        {
            "stop": stops["id"].to_numpy(),
            "name": stops["name"].to_numpy(),
            "departures": of_stop["leaves"].sum().to_numpy(),
            "lines": lines.to_numpy(),
        },
        geometry=shapely.points(timetable.spots[lines.index]),
        crs=timetable.streets.crs,
    )


def line_layer(timetable: Timetable) -> gpd.GeoDataFrame:
    """Return the lines of the date, drawn straight from stop to stop.

    Returns
    -------
    GeoDataFrame
        `line` (the feed's id), `name`, `type` (GTFS route_type), `trips` (of the day); lines in the streets' CRS.
    """
    calls, feed = _calls(timetable), timetable.feed
    same = calls["trip"].to_numpy()[1:] == calls["trip"].to_numpy()[:-1]
    hops = pd.DataFrame(
        {"route": calls["route"].to_numpy()[:-1], "a": calls["stop"].to_numpy()[:-1], "b": calls["stop"].to_numpy()[1:]}
    )[same]
    # A line drawn there and back is one line.
    hops[["a", "b"]] = np.sort(hops[["a", "b"]].to_numpy(), axis=1)
    hops = hops[hops["a"] != hops["b"]].drop_duplicates().sort_values(["route", "a", "b"])
    pieces = shapely.linestrings(timetable.spots[hops[["a", "b"]].to_numpy()])
    shapes = (
        pd.Series(pieces, index=hops["route"]).groupby(level=0).agg(lambda part: shapely.multilinestrings(list(part)))
    )
    routes = feed.routes.loc[shapes.index]
    return gpd.GeoDataFrame(
        {
            "line": routes["id"].to_numpy(),
            "name": routes["name"].to_numpy(),
            "type": routes["type"].to_numpy(),
            "trips": calls.groupby("route")["trip"].nunique().loc[shapes.index].to_numpy(),
        },
        geometry=shapes.to_numpy(),
        crs=timetable.streets.crs,
    )


def _calls(timetable: Timetable) -> pd.DataFrame:
    """Return the calls of the day with their route, its name, and whether one can leave with them."""
    feed = timetable.feed
    trip = feed.calls["trip"].to_numpy()
    route = feed.trips["route"].to_numpy()[trip]
    leaves = feed.calls["board"].to_numpy(bool) & np.append(trip[1:] == trip[:-1], False)
    return feed.calls.assign(route=route, name=feed.routes["name"].to_numpy()[route], leaves=leaves)
