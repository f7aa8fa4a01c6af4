"""What a feed says of rides on demand beside its trips (GTFS-Flex): counted, so that nobody takes it as ridden."""

import json

from siteplan.inputs.gtfs.archive import ZONES, Archive, read_table

__all__ = ["count_flex"]

AHEAD = ("1", "2")  # booking_type: on the same day, or on a day before; 0 is in real time
# Of trips, in the form that Flex had before GTFS took it over.
TRAVEL_TIMES = ("drt_max_travel_time", "drt_avg_travel_time", "drt_advance_book_min")


def count_flex(feed: Archive) -> None:
    """Count zones, groups of stops and rules for booking, in the form of GTFS and in that of before."""
    feed.counts["flex_zones"] += _zones(feed)
    groups = read_table(feed, "location_groups", (), ("location_group_id",))
    feed.counts["flex_groups"] += int(groups["location_group_id"].nunique())
    booking = read_table(feed, "booking_rules", (), ("booking_rule_id", "booking_type"))
    feed.counts["booking_rules"] += len(booking)
    feed.counts["booked_ahead"] += int(booking["booking_type"].isin(AHEAD).sum())
    # Areas of fares have the same table, without places.
    feed.counts["former_flex_areas"] += int((read_table(feed, "areas", (), ("wkt",))["wkt"] != "").sum())
    if b"drt_" in feed.tables["trips"].partition(b"\n")[0]:
        trips = read_table(feed, "trips", (), TRAVEL_TIMES)
        feed.counts["former_flex_trips"] += int((trips != "").any(axis=1).sum())


def _zones(feed: Archive) -> int:
    """Return how many zones there are; a file that is none is counted."""
    if ZONES not in feed.tables:
        return 0
    try:
        found = json.loads(feed.tables[ZONES])
    except (ValueError, RecursionError):
        found = None
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        feed.counts["bad_flex_zones"] += 1
        return 0
    return len(features)
