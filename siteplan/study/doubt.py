"""Sites that reach far fewer people than those beside them, with what may explain it.

Such a site often joins the wrong street: one behind a wall, below a bridge, or without a node in common with its
neighbours. So it is told which street it joins, and how long the way to the site beside it is.
"""

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Profile, Study
from siteplan.inputs.extract import way_names
from siteplan.network.graph import ModeGraph
from siteplan.network.kept import linked
from siteplan.network.snapping import HARD_LIMIT
from siteplan.network.streets import StreetNetwork
from siteplan.reachable import Floats
from siteplan.times import reach_totals, travel_times

__all__ = ["doubtful_sites", "doubts", "slowest"]

BESIDE = 500.0  # metres between sites that ought to reach about the same people
FEW = 0.5  # of what the sites beside it reach: less is doubtful
PEOPLE = 50.0  # fewer people, at least
MINUTES = 20.0  # on foot, at most: who walks longer passes by the sites beside in any case
FAR = 10_000.0  # metres, the longest way between sites that is told
MOST = 10  # sites that are explained
COLUMNS = (
    *("site", "mode", "minutes", "people", "beside", "usual", "street", "highway", "way", "off_m"),
    *("from_site", "straight_m", "way_m", "usual_times"),
)


def doubtful_sites(
    study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame, points: gpd.GeoDataFrame
) -> Iterator[str]:
    """Say which sites reach less than half of what those within 500 m reach, which street they join, and the way there.

    Yields
    ------
    str
        A sentence for each of up to ten of the `doubts`, then how many more there are.
    """
    found = doubts(study, streets, sites, points)
    for row in found.head(MOST).to_dict("records"):
        site = sites.index.astype(str).get_loc(row["site"])
        yield (
            f"{_title(sites, site)} reaches {row['people']:,.0f} people in {row['minutes']:g} minutes by "
            f"{row['mode']}, {_those(row['beside'])} within {BESIDE:.0f} m of it {row['usual']:,.0f}: {_joins(row)}; "
            f"{_way(sites, row)}"
        )
    if len(found) > MOST:
        yield f"{len(found) - MOST:,} more sites reach less than half of what those within {BESIDE:.0f} m reach"


def doubts(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the sites that reach less than half of what those within 500 m reach, with what may explain it.

    Parameters
    ----------
    study
        Whose slowest mode is asked, up to 20 minutes.
    sites, points
        The sites that are used, and people where they meet the streets.

    Returns
    -------
    DataFrame
        A row for each, those that lack most people first: `site`, `mode`, `minutes`, `people` reached, how many sites
        stand `beside` and their `usual` people (the median); the `street` that it joins ("": nameless), its `highway`
        and `way` ("" and -1: none) and how far off it is (`off_m`); `from_site`, the nearest beside it that reaches as
        many as usual, `straight_m` from there as the crow flies and `way_m` on the way (missing: none within 10 km),
        and how many times as far such ways are between the others (`usual_times`, missing where there are none). After
        the first ten these four are empty.
    """
    profile = slowest(study)
    spots = shapely.get_coordinates(shapely.centroid(sites.geometry.to_crs(streets.crs).to_numpy()))
    beside = _beside(spots)
    near = np.unique(beside)
    if not len(near):
        return pd.DataFrame(columns=list(COLUMNS))
    minutes = min(study.travel.longest(profile.name), MINUTES) if study.travel.unit == "minutes" else MINUTES
    some = points[points["people"] > 0]
    placed = some[(linked(streets, some, profile, study.travel.link_m)["status"] == "placed").to_numpy()]
    found = reach_totals(
        streets, sites.iloc[near], placed, mode=profile, minutes=minutes, direction=study.travel.direction
    )
    streets.forget(ModeGraph)  # ways in metres are searched on another, as large
    reach = np.zeros(len(sites))
    reach[near] = found.iloc[:, 0]
    usual = np.array([np.median(reach[beside[1][beside[0] == at]]) if at in near else 0.0 for at in range(len(sites))])
    lacking = np.flatnonzero((reach < FEW * usual) & (usual - reach >= PEOPLE))
    lacking = lacking[np.argsort(reach[lacking] - usual[lacking], kind="stable")]
    joins = _joined(streets, sites.iloc[lacking], profile)
    rows: list[dict[str, Any]] = []
    for at, street in zip(map(int, lacking), joins, strict=True):
        others = beside[1][beside[0] == at]
        told = {"site": str(sites.index[at]), "mode": profile.name, "minutes": minutes, "people": reach[at]}
        told |= {"beside": len(others), "usual": usual[at]}
        able = others[reach[others] >= usual[at]]
        explained = len(rows) < MOST
        way = _from(streets, sites, profile, at=at, others=able, spots=spots) if explained else {"from_site": ""}
        rows.append(told | street | way)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def slowest(study: Study) -> Profile:
    """Return how the slowest of the study's people travel on streets."""
    profiles = [mode.at_home for mode in study.profiles()]
    return min(profiles, key=lambda profile: profile.speed_kmh)


def _beside(spots: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the pairs of different sites that stand beside each other, both ways about."""
    places = np.asarray(shapely.points(spots), dtype=object)
    pairs = shapely.STRtree(places).query(places, predicate="dwithin", distance=BESIDE)
    return np.asarray(pairs[:, pairs[0] != pairs[1]], dtype=np.int64)


def _joined(streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile) -> list[dict[str, Any]]:
    """Return which street each site joins, and how far off."""
    links = linked(streets, sites, profile, HARD_LIMIT)
    edges = links["edge"].to_numpy()
    names = way_names(streets.source, {int(streets.way_id[edge]) for edge in edges if edge >= 0})
    found: list[dict[str, Any]] = []
    for edge, metres in zip(edges, links["access_m"], strict=True):
        if edge < 0:
            found.append({"street": "", "highway": "", "way": -1, "off_m": np.nan})
            continue
        way = int(streets.way_id[edge])
        kind = dict(streets.kinds[streets.kind[edge]]).get("highway", "street")
        found.append({"street": names.get(way, ""), "highway": kind, "way": way, "off_m": float(metres)})
    return found


def _joins(row: dict[Any, Any]) -> str:
    """Say which street a doubtful site joins."""
    if row["way"] < 0:
        return "it joins no street"
    kind, way = row["highway"], row["way"]
    title = f"{row['street']} ({kind}, way {way})" if row["street"] else f"a {kind} (way {way})"
    return f"it joins {title}, {row['off_m']:.0f} m off"


def _from(
    streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile, *, at: int, others: Floats, spots: Floats
) -> dict[str, Any]:
    """Return how long the way is from the nearest site beside that reaches more, and those between such are."""
    some = sites.iloc[[at, *others]]
    far = np.linalg.norm(spots[[at, *others]][:, None] - spots[[at, *others]][None], axis=2)
    long = _metres(streets, some, profile)
    first = 1 + int(np.argmin(far[0, 1:]))
    between = np.triu(np.isfinite(long) & (far > 1.0), 1)[1:, 1:]
    times = (long[1:, 1:] / np.maximum(far[1:, 1:], 1.0))[between]
    return {
        "from_site": str(some.index[first]),
        "straight_m": float(far[0, first]),
        "way_m": float(long[first, 0]) if np.isfinite(long[first, 0]) else np.nan,
        "usual_times": float(np.median(times)) if len(times) else np.nan,
    }


def _way(sites: gpd.GeoDataFrame, row: dict[Any, Any]) -> str:
    """Say how long the way to a doubtful site is, and how to see it."""
    beside, straight, way = row["from_site"], row["straight_m"], row["way_m"]
    place = sites.geometry.set_axis(sites.index.astype(str)).loc[[beside]].to_crs(4326)
    lon, lat = shapely.get_coordinates(place.to_numpy())[0]
    show = f"siteplan itinerary --mode {row['mode']} --from {lon:.5f},{lat:.5f} --site {row['site']} shows it"
    if not np.isfinite(way):
        return f"there is no way to it from {beside}, {straight:,.0f} m off, within {FAR / 1000:.0f} km"
    text = f"the way to it from {beside}, {straight:,.0f} m off, has {way:,.0f} m"
    if straight > 1.0:
        text += f", {way / straight:.1f} times as far"
        if np.isfinite(row["usual_times"]):
            text += f" (between the others {row['usual_times']:.1f} times)"
    return f"{text}; {show}"


def _metres(streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile) -> Floats:
    """Return the metres of the way from each site (row) to each other (column), infinite where there is none."""
    homes = sites[["geometry"]].reset_index(drop=True).rename_axis("point")
    # Both ends are sites, which may stand farther from their street than homes: where one does, a graph is laid anew.
    off = (linked(streets, sites, profile, HARD_LIMIT)["access_m"] > profile.link_m).any()
    ways = travel_times(streets, sites, homes, mode=profile.with_(link_m=HARD_LIMIT) if off else profile, metres=FAR)
    found = np.full((len(sites), len(sites)), np.inf)
    column = pd.Index(sites.index.astype(str)).get_indexer(pd.Index(ways["site"].astype(str)))
    found[ways["point"].to_numpy(), column] = ways["metres"]
    return found


def _title(sites: gpd.GeoDataFrame, at: int) -> str:
    name = str(sites["name"].iloc[at]) if "name" in sites else ""
    return f"{sites.index[at]} ({name})" if name and name != str(sites.index[at]) else str(sites.index[at])


def _those(count: int) -> str:
    return "the site" if count == 1 else f"the {count} sites"
