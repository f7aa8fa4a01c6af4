"""What two networks have in common, and where places meet the second, known where they met the first."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import Profile
from siteplan.network.graph import Footing, footing
from siteplan.network.snapping import HARD_LIMIT, RIM, link, metric_points
from siteplan.network.streets import Origin, StreetNetwork

__all__ = ["kept_edges", "linked", "placed", "same_use"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RECENT = 12  # tables of links that a network keeps: sites, all people and those with a street, by three modes
NEAR = 300.0  # metres around places in which their street most often is

MIX = np.uint64(0x9E3779B97F4A7C15)  # an odd number whose bits look random: sums of products tell rows apart


def kept_edges(before: StreetNetwork, after: StreetNetwork) -> Origin:
    """Return the edges that are in both networks: the same way, vertices, ends and length, whatever their tags.

    Where they stand in another order in the one than in the other, none is taken to be the same.
    """
    if after.origin is not None and after.origin.base is before:
        return after.origin
    found: Origin = after.remember(("kept", id(before)), lambda: _matched(before, after))
    return found


def _matched(before: StreetNetwork, after: StreetNetwork) -> Origin:
    columns, mark = before.remember("signed", lambda: _signed(before))
    columns_after, mark_after = _signed(after)
    # Most stand in the same order from the first on, or from the last on.
    shorter = min(len(mark), len(mark_after))
    head = _run(mark[:shorter], mark_after[:shorter])
    tail = _run(mark[::-1][: shorter - head], mark_after[::-1][: shorter - head])
    # By sorting: older NumPy overflows where it makes a table of numbers this large.
    middle = [part[head : len(part) - tail] for part in (mark, mark_after)]
    first, second = (
        np.concatenate(
            [
                np.arange(head),
                head + np.flatnonzero(np.isin(a, b, kind="sort")),
                np.arange(len(a), len(a) + tail) + head,
            ]
        )
        for a, b in (middle, middle[::-1])
    )
    same = len(first) == len(second)
    same = same and all((a[first] == b[second]).all() for a, b in zip(columns, columns_after, strict=True))
    return Origin(before, first, second) if same else Origin(before, first[:0], second[:0])


def _run(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> int:
    """Return how many values are the same from the first on."""
    differ = one != other
    return int(differ.argmax()) if differ.any() else len(one)


def _signed(streets: StreetNetwork) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.uint64]]:
    """Return what tells edges apart, column by column, and as one mark an edge."""
    begin, end = streets.start[:-1], streets.start[1:] - 1
    ends = (streets.x[begin], streets.y[begin], streets.x[end], streets.y[end])
    columns = [streets.way_id, streets.areas.astype(np.int64), end - begin, *ends, streets.length]
    return columns, _mark(columns)


def _mark(columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.uint64]:
    """Return one number a row that is the same for the same rows, and hardly ever for others."""
    mark = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mark = (mark ^ (mark >> np.uint64(29)) ^ np.ascontiguousarray(column).view(np.uint64)) * MIX
    return mark


def same_use(streets: StreetNetwork, origin: Origin, profile: Profile) -> Bools:
    """Tell which kept edges may be used, and linked to, as before."""

    def make() -> Bools:
        before, after = footing(origin.base, profile), footing(streets, profile)
        same = after.alike(before, origin.after, origin.before)
        return np.asarray(same & (after.trusted[origin.after] == before.trusted[origin.before]))

    found: Bools = streets.remember(("same use", profile, id(origin)), make)
    return found


def linked(streets: StreetNetwork, places: gpd.GeoDataFrame, profile: Profile, link_m: float) -> pd.DataFrame:
    """Link places as `link` does, remembering it; on edited streets only those that the change can matter to.

    Parameters and result as for `link`.
    """
    points = metric_points(places, streets)
    recent, key = _recent(streets), _key(points, profile, link_m)
    found = recent.get(key)
    if found is None:
        for old in list(recent)[: max(0, len(recent) - RECENT + 1)]:
            recent.pop(old, None)  # another thread may have been here
        if streets.origin is None:
            found = link(streets, places, mode=profile, link_m=link_m)
        else:
            found = _relinked(streets, streets.origin, places, points, profile=profile, link_m=link_m)
        recent[key] = found
    return found.set_axis(places.index)


def placed(streets: StreetNetwork, places: gpd.GeoDataFrame, profile: Profile, link_m: float) -> "pd.Series[bool]":
    """Tell which places are linked, and remember the links of these alone, among which is searched afterwards."""
    links = linked(streets, places, profile, link_m)
    found = links["status"] == "placed"
    _recent(streets)[_key(metric_points(places[found], streets), profile, link_m)] = links[found]
    return found


def _recent(streets: StreetNetwork) -> dict[Any, pd.DataFrame]:
    found: dict[Any, pd.DataFrame] = streets.lasting.setdefault("linked", {})
    return found


def _key(points: npt.NDArray[np.object_], profile: Profile, link_m: float) -> tuple[Any, ...]:
    return profile.ways, link_m, len(points), shapely.get_coordinates(points).tobytes()


def _relinked(
    streets: StreetNetwork,
    origin: Origin,
    places: gpd.GeoDataFrame,
    points: npt.NDArray[np.object_],
    *,
    profile: Profile,
    link_m: float,
) -> pd.DataFrame:
    """Link places to edited streets, knowing where they met the streets before.

    A place meets another street only where an edge that came, went or changed is as near as the one it met, or, if it
    is the rim of a square or a street beside one, about as near.
    """
    old = linked(origin.base, places, profile, link_m)
    same = same_use(streets, origin, profile)
    rows = np.full(len(origin.base.u) + 1, -1, np.int64)  # the last is that of places without an edge
    rows[origin.before[same]] = origin.after[same]
    fresh = old.assign(edge=rows[old["edge"].to_numpy()])
    reach = np.where(old["status"] == "placed", old["access_m"], np.maximum(old["access_m"], link_m))
    reach = np.minimum(reach, HARD_LIMIT) + RIM + 1.0
    tree = streets.remember(("changed", profile), lambda: _changed(streets, origin, profile))
    asked = np.unique(tree.query(points, predicate="dwithin", distance=reach)[0])
    for around in (NEAR, HARD_LIMIT + RIM):
        if len(asked):
            part = _linked_nearby(
                streets,
                footing(streets, profile),
                places.iloc[asked],
                points=points[asked],
                profile=profile,
                link_m=link_m,
                around=around,
            )
            for name in part:
                column = fresh[name].to_numpy().copy()
                column[asked] = part[name].to_numpy()
                fresh[name] = column
            sure = (part["status"] == "placed") & (part["access_m"] + RIM < around)
            asked = asked[~sure.to_numpy()]
    return fresh


def _changed(streets: StreetNetwork, origin: Origin, profile: Profile) -> shapely.STRtree:
    """Return the edges of either network that came, went or changed to a mode."""
    same, lines = same_use(streets, origin, profile), []
    for network, kept in ((origin.base, origin.before), (streets, origin.after)):
        other = footing(network, profile).usable.copy()
        other[kept[same]] = False
        lines.append(network.drawn(np.flatnonzero(other)))
    return shapely.STRtree(np.concatenate(lines))


def _linked_nearby(
    streets: StreetNetwork,
    use: Footing,
    places: gpd.GeoDataFrame,
    *,
    points: npt.NDArray[np.object_],
    profile: Profile,
    link_m: float,
    around: float,
) -> pd.DataFrame:
    """Link places to the edges within so many metres of any of them, and few others."""
    spots = shapely.get_coordinates(points)
    rows = np.flatnonzero(streets.reaching(spots, around) & use.usable)
    rows = rows if len(rows) else np.flatnonzero(use.usable)[:1]  # too far away, but something to link to
    part = _part(streets, rows)
    # All that linking asks is which edges may be linked to.
    part.remember(("footing", profile), lambda: replace(use, usable=use.usable[rows], trusted=use.trusted[rows]))
    links = link(part, places, mode=profile, link_m=link_m)
    edge = links["edge"].to_numpy()
    return links.assign(edge=np.where(edge >= 0, np.append(rows, -1)[edge], -1))


def _part(streets: StreetNetwork, rows: Ints) -> StreetNetwork:
    """Return some of the edges as streets of their own."""
    start, corners = streets.corners(rows)
    columns = {name: getattr(streets, name)[rows] for name in ("u", "v", "length", "kind", "way_id")}
    alone = replace(streets, climb=None, origin=None, turns=streets.turns[:0], detours=())
    return replace(alone, x=corners[:, 0].copy(), y=corners[:, 1].copy(), start=start, **columns)
