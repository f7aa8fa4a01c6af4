"""Vehicles that go on under another trip: those who stay seated ride on, without a change."""

from bisect import bisect_left
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.inputs.gtfs import Feed

__all__ = ["followers", "joined"]

Ints = npt.NDArray[np.int64]
STAY, LEAVE = 4, 5  # transfer_type
SIDES = (("from", "one"), ("to", "other"))


def followers(feed: Feed) -> Ints:
    """Return, for each trip of a feed, the trip that its vehicle goes on as, -1 where it does not or nothing says so.

    It does where transfers.txt says that one stays seated (type 4), and otherwise, unless it says that one may not
    (type 5), where the next trip of its block on the same service day leaves from the stop or station where it ends.
    The other trip leaves no sooner than the first one ends. Each trip follows on one at most. Trips by headway have no
    times to tell that by.
    """
    trips, after = feed.trips, np.full(len(feed.trips), -1, np.int64)
    if feed.stays.empty and (trips["block"] == "").all():
        return after
    ptr = np.searchsorted(feed.calls["trip"], np.arange(len(trips) + 1))
    stop, station = feed.calls["stop"].to_numpy(), feed.stops["parent"].to_numpy()
    place = np.where(station[stop] >= 0, station[stop], stop)
    start, end = place[ptr[:-1]], place[ptr[1:] - 1]
    leaves = feed.calls["departure"].to_numpy(np.int64)[ptr[:-1]]
    ends = feed.calls["arrival"].to_numpy(np.int64)[ptr[1:] - 1]
    # By this order, and never against it, one trip follows another: trips that take no time make no circle.
    order = np.lexsort((np.arange(len(trips)), ends, leaves))
    rank = np.argsort(order)
    exact, taken = (trips["headway"] == 0).to_numpy(), np.zeros(len(trips), np.bool_)
    said = _said(feed, exact)
    for one, other in said.loc[said["type"] == STAY, ["one", "other"]].to_numpy().tolist():
        if ends[one] <= leaves[other] and rank[one] < rank[other] and after[one] < 0 and not taken[other]:
            after[one], taken[other] = other, True
    forbidden = set(said.loc[said["type"] == LEAVE, ["one", "other"]].itertuples(index=False, name=None))
    blocked = order[exact[order] & (trips["block"] != "").to_numpy()[order]]
    keys = pd.MultiIndex.from_frame(trips.loc[blocked, ["feed", "block", "day"]])
    numbers = keys.factorize()[0]
    sorted_rows = np.argsort(numbers, kind="stable")
    rows = zip(numbers[sorted_rows].tolist(), blocked[sorted_rows].tolist(), strict=True)
    for _, group in groupby(rows, key=lambda row: row[0]):
        block = [trip for _, trip in group]
        departures = leaves[block].tolist()
        for k, one in enumerate(block):
            next_one = bisect_left(departures, ends[one], lo=k + 1)
            if after[one] >= 0 or next_one == len(block):
                continue
            other = block[next_one]
            if not taken[other] and end[one] == start[other] and (one, other) not in forbidden:
                after[one], taken[other] = other, True
    return after


def _said(feed: Feed, exact: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return what transfers.txt says of staying seated: `one`, `other` (trips of one service day), `type`."""
    trips = feed.trips.loc[exact, ["id", "day"]].reset_index(names="trip")
    one, other = (trips.rename(columns={"id": f"{side}_trip", "trip": name}) for side, name in SIDES)
    return feed.stays.merge(one, on="from_trip").merge(other, on=["to_trip", "day"])[["one", "other", "type"]]


def joined(calls: pd.DataFrame, after: Ints) -> pd.DataFrame:
    """Put the calls of each trip behind those of the one that it follows, under the number of the first of them.

    Where the two meet, one gets off at the end of the former and on at the start of the latter only, so that no time
    spent there is counted twice.
    """
    if (after < 0).all():
        return calls
    head, nth = np.arange(len(after)), np.zeros(len(after), np.int64)
    followed = np.isin(head, after[after >= 0])
    for first in np.flatnonzero(~followed & (after >= 0)).tolist():
        part, place = int(after[first]), 1
        while part >= 0:
            head[part], nth[part] = first, place
            part, place = int(after[part]), place + 1
    trip = calls["trip"].to_numpy()
    last, start = np.append(trip[1:] != trip[:-1], True), np.append(True, trip[1:] != trip[:-1])
    board = calls["board"].to_numpy() & ~(last & (after[trip] >= 0))
    alight = calls["alight"].to_numpy() & ~(start & followed[trip])
    order = np.lexsort((np.arange(len(trip)), nth[trip], head[trip]))
    whole = calls.assign(trip=head[trip].astype(np.int32), board=board, alight=alight)
    return whole.iloc[order].reset_index(drop=True)
