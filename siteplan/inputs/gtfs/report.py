"""What was odd in a feed, in plain sentences."""

from siteplan.inputs.gtfs.feed import Feed

__all__ = ["ODDITIES", "oddities", "summary", "trips_on"]

# Key of `Feed.counts`: what it counts, and whether something the feed says is lost by it.
ODDITIES: dict[str, tuple[str, bool]] = {
    # The files
    "other_feeds": ("feeds in folders of the zip, beside the one at its top, not read", True),
    "tables_not_utf8": ("tables that are not UTF-8, read as Windows-1252", False),
    "empty_tables": ("tables without even a line of column names, taken as absent", False),
    "bad_rows": ("rows with too many values or without a usable stop_sequence, left out", True),
    "agencies_in_other_zones": ("agencies in another time zone than their feed's first, read as in the first", True),
    "unknown_timezones": ("feeds without a known time zone, read as in the first feed's", True),
    # Services
    "duplicate_services": ("repeated rows of a service, or of its exception for one day", False),
    "bad_service_rows": ("rows of calendar.txt or calendar_dates.txt with bad dates or marks, left out", True),
    # Stops, routes, trips: the whole feed
    "duplicate_stops": ("stops whose id stands before, left out", True),
    "stops_without_place": ("stops without a place or at 0, 0, not used", True),
    "unknown_parents": ("stops whose parent station is not in the feed", False),
    "duplicate_routes": ("routes whose id stands before, left out", True),
    "unknown_route_types": ("routes of a type that is none of GTFS's, taken as buses", False),
    "duplicate_trip_ids": ("trips whose id stands before, left out", True),
    "trips_of_unknown_routes": ("trips of a route that is not in the feed, left out", True),
    "trips_without_service": ("trips of a service that is in no calendar, never run", True),
    "calls_of_unknown_trips": ("stop times of trips that are not in the feed, or left out", True),
    "bad_frequencies": ("rows of frequencies.txt with unknown trips, bad times or headways, left out", True),
    "duplicate_frequencies": ("rows of frequencies.txt that stand twice, used once", False),
    # Transfers
    "in_seat_transfers": ("transfers without leaving the seat that do not name two trips of the feed, not used", False),
    "specific_transfers": ("transfers for certain routes or trips, kept to between these alone", False),
    "bad_transfers": (
        "transfers at unknown stops, of unknown routes or trips, or of type 2 without a time, left out",
        True,
    ),
    "duplicate_transfers": ("transfers of a pair that stands before, left out", False),
    # Demand: what GTFS-Flex says beside the trips
    "flex_zones": ("zones to be picked up in on demand (GTFS-Flex, locations.geojson)", False),
    "flex_groups": ("groups of stops to be picked up at on demand (GTFS-Flex)", False),
    "bad_flex_files": ("files of zones (locations.geojson) that are no GeoJSON, not read", True),
    "bad_flex_zones": ("zones on demand without a polygon, not ridden in", True),
    "bad_flex_durations": ("stop times on demand with a factor or offset below 0, taken as the direct drive", True),
    "booking_rules": ("rules for booking a ride (booking_rules.txt): who rides has booked", False),
    "booked_ahead": ("of these, rules for booking ahead of time, on the same day or before", False),
    "former_flex_areas": ("areas of the former GTFS-Flex (areas.txt with wkt)", False),
    "former_flex_trips": ("trips with travel times on demand of the former GTFS-Flex (drt_ columns)", False),
    # Stop times of the trips looked at for the date
    "former_flex_rows": ("stop times with an area of the former GTFS-Flex around the way, used at their stops", False),
    "flex_rows": ("stop times by area or time window (GTFS-Flex)", False),
    "flex_beside": ("of these, of trips that also keep times, ridden from and to their timed stops alone", True),
    "duplicate_calls": ("stop times that stand twice, used once", False),
    # Stop times of the trips that run
    "bad_times": ("stop times whose time is none, taken as blank", True),
    "blank_times": ("stop times without a time", False),
    "times_by_distance": ("blank times filled in by the feed's own distances along the way", False),
    "times_by_line": ("blank times filled in by straight lines from stop to stop", False),
    "times_by_count": ("blank times spread evenly, for want of distances", False),
    "blank_ends": ("blank times before a trip's first known time or after its last, not used", True),
    "past_midnight": ("times after midnight written as 00:03 for 24:03, a day added", False),
    "backward_times": ("times up to 10 minutes before the one before them, raised to it", False),
    "wild_trips": ("trips whose times run backward by more than 10 minutes, left out", True),
    "calls_at_unknown_stops": ("stop times at stops that are not in the feed, left out", True),
    "calls_without_place": ("stop times at stops without a place, left out", True),
    "on_call": ("stop times where one must phone to get on or off (type 2), where one is taken not to", False),
    "to_arrange": ("stop times where one arranges with the driver to get on or off (type 3), used like others", False),
    "closed_calls": ("stop times where one may neither get on nor off, left out", False),
    "short_trips": ("trips on which one cannot get on and later off, left out", False),
    # Trips that run
    "flex_trips": (
        "trips of the date on demand alone (GTFS-Flex), ridden after an average wait (on_demand_wait_minutes)",
        False,
    ),
    "flex_unridden": (
        "trips of the date on demand without two known places, each with a time window, not ridden",
        True,
    ),
    "trips_without_times": ("trips of the date without any time, left out", True),
    "duplicate_trips": ("trips of one route with the very times and stops of another, kept", False),
    "headway_trips": ("trips laid out by a headway, where the wait averages half of it", False),
    "exact_trips": ("trips laid out by frequencies.txt with exact times", False),
    "night_trips": ("trips of the service days before and after that run on the date or near it", False),
}


def summary(feed: Feed) -> list[str]:
    """Tell what a feed holds for its date and what was odd in it: one plain sentence each."""
    days = feed.service
    today, busiest = trips_on(feed), int(days.max())
    day = feed.trips["day"]
    own, others = int((day == 0).sum()), int((day != 0).sum())
    beside = f", and {others:,} of the days beside it, near midnight" if others else ""
    return [
        f"The timetable has service from {days.index[0]:%Y-%m-%d} to {days.index[-1]:%Y-%m-%d}.",
        f"On {feed.date:%A %Y-%m-%d} the feeds plan {today:,} trips, {today / busiest:.0%} of the {busiest:,} on their "
        f"busiest day, {days.idxmax():%A %Y-%m-%d}.",
        f"{own:,} trips of that day can be ridden{beside}: {feed.trips['route'].nunique():,} routes, "
        f"{len(feed.calls):,} stop times at {feed.calls['stop'].nunique():,} of {len(feed.stops):,} stops.",
        *(f"{text[0].upper()}{text[1:]}." for text in oddities(feed.counts)),
    ]


def trips_on(feed: Feed) -> int:
    """Return how many trips the feeds plan on the date."""
    return int(feed.service.get(str(feed.date), 0))


def oddities(counts: dict[str, int], *, lost: bool = False) -> list[str]:
    """Name what was odd, each with its count; with `lost`, only what a feed says that could not be used."""
    return [f"{text}: {counts[key]:,}" for key, (text, loses) in ODDITIES.items() if counts[key] and loses >= lost]
