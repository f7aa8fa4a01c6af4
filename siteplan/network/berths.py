"""Stops apart by who calls there, where transfers.txt has rules for certain routes or trips only.

Such a rule holds between two vehicles, a search knows two stops. So the trips that a rule names at a stop call at a
berth of their own there, and a rule for them is one between berths. Berths of a stop stand at one place.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.inputs.gtfs import Feed

__all__ = ["berths", "rules_between", "stops_of"]

Ints = npt.NDArray[np.int64]
WHO = ["stop", "route", "trip"]  # a berth is for one trip (its id), or for one route where no trip is named ('')
SIDES = ("from", "to")


def stops_of(feed: Feed) -> Ints:
    """Return the stop of each berth; the first berths, those of everyone else, are the stops themselves."""
    found: Ints = np.concatenate([np.arange(len(feed.stops)), _berths(feed)["stop"].to_numpy(np.int64)])
    return found


def berths(feed: Feed) -> Ints:
    """Return the berth of each call: that of its trip, else that of its route, else the stop itself."""
    stop = feed.calls["stop"].to_numpy(np.int64)
    apart = _berths(feed).reset_index(names="berth")
    if apart.empty:
        return stop
    trips = feed.trips.loc[feed.calls["trip"], ["route", "id"]].set_axis(["route", "trip"], axis=1)
    calls = trips.reset_index(drop=True).assign(stop=stop)
    for who in (calls.assign(trip=""), calls):
        own = who.merge(apart, on=WHO, how="left")["berth"].to_numpy(float)
        stop = np.where(np.isnan(own), stop, own).astype(np.int64)
    return stop


def rules_between(feed: Feed) -> pd.DataFrame:
    """Return the rules for changes between berths, one a pair: `from_stop`, `to_stop` (berths), `type`, `seconds`.

    Of several that hold for a pair it is the first of `Feed.special`, and what is said of the stops where none is.
    """
    special = _running(feed)
    if special.empty:
        return feed.transfers
    anyone = pd.DataFrame({"stop": range(len(feed.stops)), "route": -1, "trip": ""})
    every = pd.concat([anyone, _berths(feed)]).reset_index(names="berth")
    stops = feed.transfers.assign(from_route=-1, to_route=-1, from_trip="", to_trip="")
    rules = pd.concat([special, stops], ignore_index=True)
    rules["rule"] = rules.index
    for side in SIDES:
        rules = _meant(rules, side, every)
    rules = rules.sort_values("rule", kind="stable").drop_duplicates(["from_stop", "to_stop"])
    return rules[list(feed.transfers.columns)].sort_values(["from_stop", "to_stop"], ignore_index=True)


def _meant(rules: pd.DataFrame, side: str, every: pd.DataFrame) -> pd.DataFrame:
    """Put, for each rule and one of its sides, the berths in place of the stop: a row each."""
    stop, route, trip = f"{side}_stop", f"{side}_route", f"{side}_trip"
    one, line = rules[trip] != "", (rules[trip] == "") & (rules[route] >= 0)
    found = []
    for some, keys in ((one, {stop: "stop", trip: "trip"}), (line, {stop: "stop", route: "route"})):
        found.append(rules[some].merge(every.rename(columns={name: key for key, name in keys.items()}), on=[*keys]))
    found.append(rules[~(one | line)].merge(every.rename(columns={"stop": stop}), on=stop))
    return pd.concat([table.assign(**{stop: table["berth"]})[list(rules.columns)] for table in found])


def _berths(feed: Feed) -> pd.DataFrame:
    """Return `stop`, `route`, `trip` of the berths beside the stops themselves, numbered after these."""
    special = _running(feed)
    sides = [special[[f"{side}_{name}" for name in WHO]].set_axis(WHO, axis=1) for side in SIDES]
    named = pd.concat(sides).drop_duplicates()
    named = named[(named["route"] >= 0) | (named["trip"] != "")].sort_values(WHO, ignore_index=True)
    named.index += len(feed.stops)
    return named


def _running(feed: Feed) -> pd.DataFrame:
    """Return the rules for certain routes or trips whose trips run, the route of a trip being its own."""
    special = feed.special
    if special.empty:
        return special
    route = feed.trips.drop_duplicates("id").set_index("id")["route"]
    for side in SIDES:
        trip = special[f"{side}_trip"]
        special = special[(trip == "") | trip.isin(route.index)]
        own = special[f"{side}_trip"].map(route)
        special = special.assign(**{f"{side}_route": own.fillna(special[f"{side}_route"]).astype(np.int64)})
    return special
