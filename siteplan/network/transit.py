"""A day's timetable on the streets: patterns of trips, stops linked to streets, changes between stops."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config import WALK
from siteplan.config.fields import LONG, SEARCHED
from siteplan.display import Shown
from siteplan.doors import door
from siteplan.errors import InputError, StudyError, listed, reads, warn
from siteplan.inputs.gtfs import Feed, read_gtfs
from siteplan.network.berths import berths, stops_of
from siteplan.network.kept import linked
from siteplan.network.snapping import LIMIT
from siteplan.network.streets import StreetNetwork
from siteplan.network.through import followers, joined

__all__ = [
    "Patterns",
    "Timetable",
    "build_timetable",
    "hours_for",
    "patterns_without",
    "read_transit",
    "timetable_on",
    "used_stops",
]

ENTRANCE = 2  # location_type
# No station is that long: Chatelet - Les Halles in Paris has 750 m between its furthest doors.
STATION_M = 1000.0

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Patterns:
    """Trips sorted into patterns: the same stops, with the same rules for getting on and off, and no overtaking.

    The stops of pattern `p` are `stops[ptr[p]:ptr[p + 1]]`, and `berths` alike: where one gets on and off as far as
    rules for changes go, of which `berth_stops` are the stops (see `siteplan.network.berths`). Its trips, rows of the
    feed, are `trips[trip_ptr[p]:trip_ptr[p + 1]]`, and their `arrival` and `departure` stand one trip after the other
    from `time_ptr[p]` on, in seconds since midnight of the date. A vehicle that goes on under other trips is one trip
    here, that of its first; `after` has, for each trip of the feed, the one that follows (-1: none), `calls` how many
    it has.
    """

    ptr: Ints
    stops: Ints
    berths: Ints
    board: Bools
    alight: Bools
    time_ptr: Ints
    arrival: Ints
    departure: Ints
    trip_ptr: Ints
    trips: Ints
    after: Ints
    calls: Ints
    berth_stops: Ints

    def parts(self, trip: int, on: int, off: int) -> list[int]:
        """Return the trips that one rides on the vehicle that sets out as `trip`, between two places of its pattern."""
        found, place = [], 0
        while trip >= 0 and place < off:
            end = place + int(self.calls[trip])
            if on < end:
                found.append(trip)
            place, trip = end, int(self.after[trip])
        return found


@dataclass(frozen=True, repr=False)
class Timetable(Shown):
    """What runs on one date, and where its stops meet the streets.

    `spots` are x and y of the feed's stops in the streets' CRS. `doors` are the places where people enter: for each the
    `stop`, the walk inside the station (`inside_m`), whether it is an `entrance` of the station, and `edge`,
    `offset_m`, `access_m` and `status` as `link` gives them. A stop has one an entrance of its station, but
    for those more than 1,000 m away; one on the spot where there is none, or none of them near a street.
    `origin` is the timetable that this one is a change of, on the same streets. `minutes` is the longest journey that
    can be asked for.
    """

    streets: StreetNetwork
    feed: Feed
    patterns: Patterns
    spots: npt.NDArray[np.float64]
    doors: gpd.GeoDataFrame
    counts: dict[str, int] = field(default_factory=dict)
    origin: "Timetable | None" = field(default=None, repr=False, compare=False)
    minutes: float = SEARCHED
    _memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def facts(self) -> dict[str, object]:
        """Say what runs."""
        return {
            "feeds": ", ".join(map(str, self.feed.sources)),
            "lines": f"{len(self.feed.routes):,}",
            "trips": f"{len(self.feed.trips):,}",
            "stops": f"{len(self.feed.stops):,}",
            "streets": self.streets.source,
        }

    def remember(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for `key` before from this same timetable, or make it now."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]

    def remembers(self, key: Any) -> bool:
        """Tell whether something was made for `key` before."""
        return key in self._memo


@door()
@reads("timetables")
def read_transit(
    paths: str | Path | Sequence[str | Path], streets: StreetNetwork, *, date: str, minutes: float = SEARCHED
) -> Timetable:
    """Read the service of one date from GTFS feeds and put it on the streets.

    Parameters
    ----------
    paths
        One feed or several: zip files or folders.
    date
        The day of service, such as "2026-03-10".
    minutes
        The longest journey that will be asked for, with the minutes of `plan_minutes`; at most 600.

    Returns
    -------
    Timetable
        The trips of that day, with those before and after it that a journey past midnight can use, and where their
        stops meet the streets.

    Raises
    ------
    InputError
        A feed that cannot be used, a date without service, or no stop near any street.
    StudyError
        Longer journeys than are searched.

    Examples
    --------
    >>> bus = sp.read_transit("gtfs.zip", streets, date="2026-03-10")
    >>> bus.counts
    {'stops': 31, 'stops_without_street': 2, 'stop_times': 3569, 'stop_times_without_street': 180}
    """
    if not 0 < minutes <= LONG:
        raise StudyError(f"journeys of {minutes} minutes: expected more than 0 and at most {LONG:g}")
    return build_timetable(read_gtfs(paths, date=date, hours=hours_for(minutes)), streets, minutes=minutes)


def hours_for(minutes: float) -> tuple[int, int]:
    """Return between which hours of a day's clock one rides, on journeys that end from 0:00 on or begin up to 30:00."""
    return -math.ceil(minutes / 60), 30 + math.ceil(minutes / 60)


def timetable_on(streets: StreetNetwork, transit: Timetable | None) -> Timetable:
    """Return the timetable, which must stand on these very streets."""
    if transit is None:
        raise StudyError("mode 'transit': no timetable; give transit=read_transit(feed, streets, date=...)")
    if transit.streets is not streets:
        raise StudyError("mode 'transit': the timetable stands on other streets; read it with these (read_transit)")
    return transit


def build_timetable(
    feed: Feed, streets: StreetNetwork, *, known: Timetable | None = None, minutes: float = SEARCHED
) -> Timetable:
    """Sort a feed's trips into patterns and link its stops to the streets that may be walked.

    `known` is a timetable of this very feed on other streets of the same CRS: its patterns are taken over.
    """
    if known is None:
        patterns, spots = _patterns(feed, followers(feed)), _spots(feed, streets)
    else:
        patterns, spots = known.patterns, known.spots
    doors = _doors(feed.stops, used_stops(feed, patterns), spots, streets)
    counts = _counted(patterns, doors)
    if 0 < counts["stops"] == counts["stops_without_street"]:
        raise InputError(f"{', '.join(feed.sources)}: no stop lies within 300 m of the streets of {streets.source}")
    odd = _unused_entrances(feed, doors, spots) if known is None else []
    if odd:
        warn(f"{', '.join(feed.sources)}: {'; '.join(odd)}")
    if counts["stops_without_street"]:
        text = (
            f"{', '.join(feed.sources)}: {counts['stops_without_street']:,} of {counts['stops']:,} stops, with "
            f"{counts['stop_times_without_street'] / counts['stop_times']:.1%} of the stop times, lie more than 300 m "
            "from any street of the extract; nobody gets on or off there"
        )
        warn(text)
    return Timetable(streets, feed, patterns, spots, doors, counts, minutes=minutes)


def _spots(feed: Feed, streets: StreetNetwork) -> npt.NDArray[np.float64]:
    """Return x and y of all stops in the CRS of the streets."""
    places = gpd.GeoSeries(gpd.points_from_xy(feed.stops["lon"], feed.stops["lat"]), crs=4326).to_crs(streets.crs)
    return np.column_stack([places.x, places.y])


def _counted(patterns: Patterns, doors: gpd.GeoDataFrame) -> dict[str, int]:
    """Count the stops of the trips and their calls, and those of them where nobody comes from a street."""
    lost = ~np.isin(patterns.stops, doors.loc[doors["status"] == "placed", "stop"])
    calls = np.repeat(np.diff(patterns.trip_ptr), np.diff(patterns.ptr))
    return {
        "stops": len(np.unique(patterns.stops)),
        "stops_without_street": len(np.unique(patterns.stops[lost])),
        "stop_times": int(calls.sum()),
        "stop_times_without_street": int(calls[lost].sum()),
    }


def used_stops(feed: Feed, patterns: Patterns) -> Ints:
    """Return the stops at which a vehicle calls, or to which one comes on demand."""
    return np.union1d(patterns.stops, feed.on_demand.stops["stop"].to_numpy(np.int64))


def patterns_without(timetable: Timetable, routes: Ints) -> Patterns:
    """Return the patterns of a timetable without some routes; who goes on as one of them, gets off before it."""
    feed, gone = timetable.feed, np.isin(timetable.feed.trips["route"], routes)
    after = timetable.patterns.after
    after = np.where(gone | gone[after], -1, after)
    return _patterns(replace(feed, calls=feed.calls[~gone[feed.calls["trip"]]]), after)


def _patterns(feed: Feed, after: Ints) -> Patterns:
    """Join trips of one vehicle, group those of the same calls, and split each group so that none overtakes another."""
    calls, berth_stops = joined(feed.calls.assign(stop=berths(feed)), after), stops_of(feed)
    trip = calls["trip"].to_numpy()
    first = np.flatnonzero(np.concatenate([[True], trip[1:] != trip[:-1]])[: len(trip)])
    length = np.diff(np.append(first, len(trip)))
    what = np.column_stack([calls["stop"], calls["board"], calls["alight"]]).astype(np.int64)
    arrival, departure = calls["arrival"].to_numpy(np.int64), calls["departure"].to_numpy(np.int64)
    groups: dict[bytes, list[int]] = {}
    for t, (start, count) in enumerate(zip(first, length, strict=True)):
        groups.setdefault(what[start : start + count].tobytes(), []).append(t)
    parts: list[tuple[int, list[int]]] = []
    for members in groups.values():
        width = int(length[members[0]])
        rows = first[members][:, None] + np.arange(width)
        parts += [(width, [members[k] for k in line]) for line in _lines(arrival[rows], departure[rows])]
    blocks = [first[line][:, None] + np.arange(width) for width, line in parts]
    widths = np.array([width for width, _ in parts], np.int64)
    counts = np.array([len(line) for _, line in parts], np.int64)
    none = [np.zeros(0, np.int64)]  # where all is ridden on demand
    heads = np.concatenate([*none, *(block[0] for block in blocks)])
    every = np.concatenate([*none, *(block.ravel() for block in blocks)])
    return Patterns(
        ptr=_ptr(widths),
        stops=berth_stops[what[heads, 0]],
        berths=what[heads, 0],
        board=what[heads, 1].astype(bool),
        alight=what[heads, 2].astype(bool),
        time_ptr=_ptr(widths * counts),
        arrival=arrival[every],
        departure=departure[every],
        trip_ptr=_ptr(counts),
        trips=trip[np.concatenate([*none, *(first[line] for _, line in parts)])],
        after=after,
        calls=np.bincount(feed.calls["trip"], minlength=len(feed.trips)),
        berth_stops=berth_stops,
    )


def _ptr(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _lines(arrival: Ints, departure: Ints) -> list[list[int]]:
    """Split trips (rows) into lines in which every trip is nowhere before the one ahead of it."""
    order = np.lexsort((arrival[:, -1], departure[:, 0]))
    times = np.concatenate([arrival, departure], axis=1)[order]
    if (np.diff(times, axis=0) >= 0).all():
        return [order.tolist()]
    lines: list[list[int]] = []
    for k in range(len(order)):
        line = next((line for line in lines if (times[k] >= times[line[-1]]).all()), None)
        if line is None:
            lines.append([k])
        else:
            line.append(k)
    return [order[line].tolist() for line in lines]


def _doors(stops: pd.DataFrame, used: Ints, spots: npt.NDArray[np.float64], streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Return where people enter the used stops: by the entrances of their station, or on the spot where none serves."""
    ways_in = _ways_in(stops, used)
    ways_in = ways_in[_inside_m(ways_in, spots) <= STATION_M]
    own = pd.concat([ways_in, pd.DataFrame({"stop": used, "place": used})], ignore_index=True)
    columns = {"stop": own["stop"], "inside_m": _inside_m(own, spots), "entrance": own.index < len(ways_in)}
    doors = gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*spots[own["place"]].T), crs=streets.crs)
    doors = doors.join(linked(streets, doors, WALK, LIMIT))
    serving = doors.loc[doors["entrance"] & (doors["status"] == "placed"), "stop"]
    doors = doors[doors["entrance"] == doors["stop"].isin(serving)]
    return doors.sort_values("stop", kind="stable", ignore_index=True)


def _ways_in(stops: pd.DataFrame, used: Ints) -> pd.DataFrame:
    """Return `stop`, `place`: each used stop with each entrance of its station."""
    entrances = stops.index[(stops["kind"] == ENTRANCE) & (stops["parent"] >= 0) & stops["lon"].notna()].to_numpy()
    parent = stops["parent"].to_numpy()
    by_station = pd.DataFrame({"station": parent[entrances], "place": entrances})
    table = pd.DataFrame({"stop": used, "station": parent[used]}).merge(by_station, on="station")
    return table[["stop", "place"]]


def _inside_m(ways_in: pd.DataFrame, spots: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the metres between each stop and its way in."""
    metres: npt.NDArray[np.float64] = np.hypot(*(spots[ways_in["place"]] - spots[ways_in["stop"]]).T)
    return metres


def _unused_entrances(feed: Feed, doors: gpd.GeoDataFrame, spots: npt.NDArray[np.float64]) -> list[str]:
    """Say which entrances are not where their station is, and how many stops are entered on the spot for it."""
    ways_in = _ways_in(feed.stops, doors["stop"].unique())
    far = ways_in.loc[_inside_m(ways_in, spots) > STATION_M, "place"].unique()
    on_the_spot = np.intersect1d(ways_in["stop"], doors.loc[~doors["entrance"], "stop"])
    texts = []
    if len(far):
        names = listed(feed.stops["id"].iloc[far].astype(str), 3)
        texts.append(
            f"entrances more than {STATION_M:,.0f} m from a platform of their station, which are not used for it: "
            f"{len(far):,} ({names})"
        )
    if len(on_the_spot):
        names = listed(feed.stops["id"].iloc[on_the_spot].astype(str), 3)
        texts.append(
            f"stops whose station has no entrance near them and near a street, entered where they are: "
            f"{len(on_the_spot):,} ({names})"
        )
    return texts
