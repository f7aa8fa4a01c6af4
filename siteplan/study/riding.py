"""Public transport in the results: which lines bring whom, and stops and lines as layers of a map."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Rides, Study
from siteplan.errors import StudyError, suggested, warn
from siteplan.itineraries import Itinerary, describe, itinerary
from siteplan.lines import site_lines
from siteplan.network.snapping import link
from siteplan.network.transit import Timetable
from siteplan.study.load import StudyData, asked_file, load_sites, load_streets, load_timetable, same_place

__all__ = ["journey", "journey_text", "line_layer", "ridden", "stop_layer"]


def ridden(study: Study, data: StudyData) -> dict[str, pd.DataFrame]:
    """Return which lines and stops bring how many people to each site within the largest limit.

    Returns
    -------
    dict
        `lines` and `stops`, as `site_lines` gives them; nothing without a timetable, or where walking is limited in
        all, which no line can be held to.
    """
    rides = next(iter(study.rides), None)
    if data.timetable is None or rides is None:
        return {}
    if rides.max_total_walk_minutes is not None:
        text = "travel.transit.max_total_walk_minutes: with it, which line brings whom is not worked out"
        warn(text)
        return {}
    people = data.points[data.linked[rides.name]]
    found = site_lines(
        data.timetable,
        data.sites,
        people,
        mode=rides,
        direction=study.travel.direction,
        minutes=study.travel.longest(rides.name),
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
    leaving = calls.groupby("stop")["leaves"].sum()
    named = calls[["stop", "route", "name"]].drop_duplicates(["stop", "route"])
    lines: dict[int, set[str]] = {}
    for stop, name in zip(named["stop"].to_numpy(), named["name"].astype(str), strict=True):
        lines.setdefault(stop, set()).add(name)
    stops = feed.stops.loc[leaving.index]
    return gpd.GeoDataFrame(
        {
            "stop": stops["id"].to_numpy(),
            "name": stops["name"].to_numpy(),
            "departures": leaving.to_numpy(),
            "lines": [", ".join(sorted(lines[stop])) for stop in leaving.index],
        },
        geometry=shapely.points(timetable.spots[leaving.index]),
        crs=timetable.streets.crs,
    )


def journey(study: Study, start: str, site: str, *, limit: float) -> Itinerary | None:
    """Return the journey between a place, as text of degrees `lon,lat`, and a site; None where there is none in time.

    It is that by public transport where the study has it among its modes, else by the first of them.

    Raises
    ------
    StudyError, InputError
        A place that is none, or far from any street; an unknown site; a mode that rides without a timetable.
    """
    study.refuse_metres("itinerary")
    try:
        lon, lat = (float(part) for part in start.split(","))
        if not (abs(lon) <= 180 and abs(lat) <= 90):
            raise ValueError
    except ValueError:
        raise StudyError(f"--from {start or '(nothing)'}: expected LON,LAT in degrees, such as 13.40,42.35") from None
    sites = load_sites(study)
    if site not in sites.index:
        near = suggested(site, sites.index)
        raise StudyError(f"--site {site or '(nothing)'}: no such site in {asked_file(study, 'sites')}; expected {near}")
    mode = next(iter((*study.rides, *study.profiles())))
    streets = load_streets(study, sites.loc[[site]])
    origin = gpd.GeoDataFrame({"site": ["--from"]}, geometry=gpd.points_from_xy([lon], [lat]), crs=4326)
    same_place(streets, origin, "--from: the place")
    profile = mode.at_home
    if (link(streets, origin, mode=profile, link_m=profile.link_m)["status"] != "placed").any():
        raise StudyError(
            f"--from {start}: no street for {profile.name} within {profile.link_m:.0f} m; give a place nearer one"
        )
    transit = load_timetable(study, streets) if isinstance(mode, Rides) else streets
    if transit is None:
        raise StudyError("inputs.transit: no timetable, and the mode rides; give one (--transit), or --mode walk")
    return itinerary(transit, origin, sites.loc[[site]], mode=mode, direction=study.travel.direction, minutes=limit)


def journey_text(study: Study, found: Itinerary | None, limit: float) -> str:
    """Return a journey as lines of text."""
    if found is None:
        return f"out of reach: no journey within {limit:g} min"
    more = ""
    if found.at and any(mode.back for mode in study.rides):
        more = "\nthe way there only; in the study the longer of both ways counts (travel.transit.back)"
    return describe(found) + more


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
    route, first = np.unique(hops["route"].to_numpy(), return_inverse=True)
    routes = feed.routes.loc[route]
    return gpd.GeoDataFrame(
        {
            "line": routes["id"].to_numpy(),
            "name": routes["name"].to_numpy(),
            "type": routes["type"].to_numpy(),
            "trips": calls.groupby("route")["trip"].nunique().loc[route].to_numpy(),
        },
        geometry=shapely.multilinestrings(pieces, indices=first),
        crs=timetable.streets.crs,
    )


def _calls(timetable: Timetable) -> pd.DataFrame:
    """Return the calls of the day with their route, its name, and whether one can leave with them."""
    feed = timetable.feed
    trip = feed.calls["trip"].to_numpy()
    route = feed.trips["route"].to_numpy()[trip]
    leaves = feed.calls["board"].to_numpy(bool) & np.append(trip[1:] == trip[:-1], False)
    return feed.calls.assign(route=route, name=feed.routes["name"].to_numpy()[route], leaves=leaves)
