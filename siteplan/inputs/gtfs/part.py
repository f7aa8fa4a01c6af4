"""One feed -> its part of the timetable of a date."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from siteplan.inputs.gtfs.archive import Archive
from siteplan.inputs.gtfs.calls import DAY, Ints, Mask, interpolated, read_calls, repaired
from siteplan.inputs.gtfs.feed import OnDemand
from siteplan.inputs.gtfs.flex import count_flex, read_on_demand
from siteplan.inputs.gtfs.report import ODDITIES
from siteplan.inputs.gtfs.runs import lay_out, read_frequencies, runs_on
from siteplan.inputs.gtfs.service import read_services
from siteplan.inputs.gtfs.tables import read_routes, read_stops, read_transfers, read_trips

__all__ = ["Part", "read_part"]

CALLS = ["trip", "stop", "arrival", "departure", "board", "alight"]
TRIPS = ["id", "route", "headsign", "block", "feed", "day", "headway"]
PIECE = 1_000_000  # calls that are worked on at a time
FORBIDDEN, PHONE, DRIVER = 1, 2, 3  # pickup_type and drop_off_type


@dataclass(frozen=True)
class Part:
    """One feed, read for the date: tables as in `Feed`, numbered within the feed."""

    path: Path
    stops: pd.DataFrame
    routes: pd.DataFrame
    trips: pd.DataFrame
    calls: pd.DataFrame
    transfers: pd.DataFrame
    special: pd.DataFrame
    service: pd.Series
    counts: dict[str, int]
    stays: pd.DataFrame
    on_demand: OnDemand

    def planned(self, date: dt.date) -> int:
        """Return how many trips the feed plans on a date."""
        return int(self.service.get(pd.Timestamp(date), 0))


def read_part(
    feed: Archive,
    name: str,
    agencies: pd.DataFrame,
    date: dt.date,
    *,
    shifts: dict[int, int],
    between: tuple[int, int] = (0, DAY),
) -> Part:
    """Read one feed for the date.

    Parameters
    ----------
    name
        What to call the feed.
    agencies
        As `read_agencies` returns them.
    shifts
        The service days to look at, and the seconds that bring their times on the date's clock (`clock_shifts`).
    between
        Between which times of the date's clock trips of the days around it are wanted (`runs_on`).
    """
    every, routes = read_stops(feed, name), read_routes(feed, name, agencies)
    trips, services = read_trips(feed, name, routes), read_services(feed, date)
    often, service = read_frequencies(feed, trips), services.ids.get_indexer(pd.Index(trips["service"]))
    feed.counts["trips_without_service"] += int((service < 0).sum())
    active = {day: np.append(services.on(date + dt.timedelta(days=day)), False)[service] for day in shifts}
    raw = read_calls(feed, pd.Index(trips["id"]), np.logical_or.reduce([*active.values()]), pd.Index(every["id"]))
    stops, number = _placed(every)
    feed.counts["trips_without_times"] += int((active[0] & ~raw.flex).sum())
    laid, ridden = list[pd.DataFrame](), list[pd.DataFrame]()
    for some in _pieces(raw.table):
        runs, calls = _running(some, active, often, shifts, between=between, feed=feed)
        calls = _usable(calls, every, feed)
        runs = runs[np.isin(runs["trip"], calls["trip"])].reset_index(drop=True)
        of_runs = lay_out(calls, runs, len(trips))
        runs["calls"] = _mixed(of_runs)
        of_runs = of_runs.assign(trip=of_runs["trip"] + sum(map(len, ridden)), stop=number[of_runs["stop"]])
        laid.append(of_runs[CALLS].astype(dict.fromkeys(CALLS[:4], np.int32)))
        ridden.append(runs)
    runs = pd.concat(ridden, ignore_index=True)
    of_date = trips.iloc[runs["trip"]].reset_index(drop=True).assign(day=runs["day"], headway=runs["headway"])
    _count_runs(of_date, often, runs, feed=feed)
    count_flex(feed)
    on_demand = read_on_demand(feed, raw, trips, every, active=active, shifts=shifts, between=between)
    transfers, special, stays = read_transfers(feed, every, pd.Index(routes["id"]), pd.Index(trips["id"]))
    return Part(
        path=feed.path,
        stops=stops,
        routes=routes,
        trips=of_date[TRIPS],
        calls=pd.concat(laid, ignore_index=True),
        transfers=_between(transfers, number),
        special=_between(special, number),
        service=services.trips_by_date(_planned(service, len(services.ids), often, raw.rows)),
        counts={key: feed.counts[key] for key in ODDITIES},
        stays=stays,
        on_demand=replace(on_demand, stops=_numbered(on_demand.stops, number)),
    )


def _numbered(members: pd.DataFrame, number: Ints) -> pd.DataFrame:
    """Give the stops of places on demand their new numbers; those without a place are left out."""
    members = members.assign(stop=number[members["stop"]].astype(np.int32))
    kept: pd.DataFrame = members[members["stop"] >= 0].reset_index(drop=True)
    return kept


def _planned(service: Ints, services: int, often: pd.DataFrame, rows: Ints) -> Ints:
    """Return how many trips each service plans: all with stop times, and those by frequency as often as they run."""
    times = np.bincount(often["trip"], minlength=len(rows))
    times = np.where(times > 0, times, 1) * ((rows > 0) & (service >= 0))
    return np.bincount(np.maximum(service, 0), weights=times, minlength=services).astype(np.int64)


def _pieces(calls: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cut calls between trips, so many at a time that what is worked out of them stays small."""
    trip = calls["trip"].to_numpy()
    begins = np.unique(np.searchsorted(trip, trip[PIECE::PIECE]))
    for first, end in pairwise([0, *begins[begins > 0].tolist(), len(calls)]):
        yield calls.iloc[first:end]


def _running(
    raw: pd.DataFrame,
    active: dict[int, Mask],
    often: pd.DataFrame,
    shifts: dict[int, int],
    *,
    between: tuple[int, int],
    feed: Archive,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs of the date, and the calls of their trips with times repaired; what was odd is counted."""
    calls, wild = repaired(raw, len(active[0]))
    calls = calls[~wild[calls["trip"]]]
    timed = calls[calls["arrival"].notna()].groupby("trip")
    spans = pd.DataFrame({"first": timed["departure"].first(), "last": timed["arrival"].last()})
    runs = runs_on(spans, active, often, shifts, between=between)
    calls = calls[np.isin(calls["trip"], runs["trip"])]
    feed.counts["wild_trips"] += int((wild & active[0]).sum())
    feed.counts["trips_without_times"] -= int((active[0] & wild).sum() + active[0][spans.index].sum())
    flags = {"blank": "blank_times", "bad": "bad_times", "midnight": "past_midnight", "backward": "backward_times"}
    for flag, key in flags.items():
        feed.counts[key] += int(calls[flag].sum())
    return runs, calls


def _usable(calls: pd.DataFrame, stops: pd.DataFrame, feed: Archive) -> pd.DataFrame:
    """Fill in blank times, then keep the calls at known places where one may get on or off, of trips that serve anyone.

    Left out one reason after the other, each counted.
    """
    calls, filled = interpolated(calls, stops["lon"].to_numpy(), stops["lat"].to_numpy())
    placed = np.append(stops["lon"].notna(), True)  # the last is for stop -1, which is unknown
    calls["board"], calls["alight"] = (~calls[kind].isin([FORBIDDEN, PHONE]) for kind in ("pickup", "drop"))
    serving = (calls["board"] | calls["alight"]).to_numpy()
    phone, driver = ((calls[["pickup", "drop"]] == kind).any(axis=1).to_numpy() for kind in (PHONE, DRIVER))
    reasons = {
        "blank_ends": calls["arrival"].isna().to_numpy(),
        "calls_at_unknown_stops": calls["stop"].to_numpy() < 0,
        "calls_without_place": ~placed[calls["stop"]],
        "on_call": ~serving & phone,
        "closed_calls": ~serving,
    }
    kept = np.ones(len(calls), dtype=np.bool_)
    for key, reason in reasons.items():
        feed.counts[key] += int((reason & kept).sum())
        kept &= ~reason
    feed.counts["on_call"] += int((phone & kept).sum())
    feed.counts["to_arrange"] += int((driver & kept).sum())
    feed.counts.update(filled)
    serves = _serves(calls[kept])
    feed.counts["short_trips"] += calls["trip"].nunique() - len(serves)
    return calls[kept & np.isin(calls["trip"], serves)]


def _serves(calls: pd.DataFrame) -> Ints:
    """Return the trips on which one can get on and, at a later call, off."""
    place = pd.Series(np.arange(len(calls)), index=calls["trip"])
    on = place[calls["board"].to_numpy()].groupby(level=0).min()
    off = place[calls["alight"].to_numpy()].groupby(level=0).max().reindex(on.index)
    result: Ints = on.index[on < off].to_numpy()
    return result


def _mixed(laid: pd.DataFrame) -> pd.Series:
    """Return one number a run, alike where two call at the same stops at the same times."""
    row = pd.util.hash_pandas_object(laid[["stop", "arrival", "departure"]], index=False).to_numpy()
    place = np.arange(len(laid)) - np.searchsorted(laid["trip"], laid["trip"])
    mixed: pd.Series = pd.Series(row * (2 * place.astype(np.uint64) + 1)).groupby(laid["trip"].to_numpy()).sum()
    return mixed


def _count_runs(trips: pd.DataFrame, often: pd.DataFrame, runs: pd.DataFrame, *, feed: Archive) -> None:
    by_headway = (trips["headway"] > 0).to_numpy()
    feed.counts["headway_trips"] += int(by_headway.sum())
    feed.counts["exact_trips"] += int((np.isin(runs["trip"], often["trip"]) & ~by_headway).sum())
    feed.counts["night_trips"] += int((trips["day"] != 0).sum())
    feed.counts["duplicate_trips"] += int(runs[["calls"]].assign(route=trips["route"]).duplicated().sum())


def _placed(stops: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """Keep the stops with a place; return them and the new number of each old one, -1 where there is none."""
    here = stops["lon"].notna().to_numpy()
    number = np.append(np.where(here, np.cumsum(here) - 1, -1), -1)
    stops = stops[here].reset_index(drop=True)
    return stops.assign(parent=number[stops["parent"]].astype(np.int32)), number


def _between(transfers: pd.DataFrame, number: Ints) -> pd.DataFrame:
    """Give the stops of transfers their new numbers; those at stops without a place are of no use."""
    sides = {side: number[transfers[side]].astype(np.int32) for side in ("from_stop", "to_stop")}
    transfers = transfers.assign(**sides)
    return transfers[(transfers[["from_stop", "to_stop"]] >= 0).all(axis=1)].reset_index(drop=True)
