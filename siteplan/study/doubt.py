"""Sites that reach far fewer people than those beside them, with what may explain it.

Such a site often joins the wrong street: one behind a wall, below a bridge, or without a node in common with its
neighbours. So it is told which street it joins, and how long the way to the site beside it is.
"""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.config import Profile, Study
from siteplan.inputs.extract import way_names
from siteplan.network.kept import linked
from siteplan.network.snapping import HARD_LIMIT
from siteplan.network.streets import StreetNetwork
from siteplan.reachable import Floats
from siteplan.times import reach_totals, travel_times

__all__ = ["doubtful_sites", "slowest"]

BESIDE = 500.0  # metres between sites that ought to reach about the same people
FEW = 0.5  # of what the sites beside it reach: less is doubtful
PEOPLE = 50.0  # fewer people, at least
MINUTES = 20.0  # on foot, at most: who walks longer passes by the sites beside in any case
FAR = 10_000.0  # metres, the longest way between sites that is told
MOST = 10  # sites that are explained


def doubtful_sites(
    study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame, points: gpd.GeoDataFrame
) -> Iterator[str]:
    """Say which sites reach less than half of what those within 500 m reach, which street they join, and the way there.

    Parameters
    ----------
    study
        Whose slowest mode is asked, up to 20 minutes.
    sites, points
        The sites that are used, and people where they meet the streets.

    Yields
    ------
    str
        A sentence for each of up to ten sites, then how many more there are.
    """
    profile = slowest(study)
    spots = shapely.get_coordinates(shapely.centroid(sites.geometry.to_crs(streets.crs).to_numpy()))
    beside = _beside(spots)
    near = np.unique(beside)
    if not len(near):
        return
    minutes = min(study.travel.longest(profile.name), MINUTES) if study.travel.unit == "minutes" else MINUTES
    placed = points[points["people"] > 0]
    found = reach_totals(
        streets, sites.iloc[near], placed, mode=profile, minutes=minutes, direction=study.travel.direction
    )
    reach = np.zeros(len(sites))
    reach[near] = found.iloc[:, 0]
    usual = np.array([np.median(reach[beside[1][beside[0] == at]]) if at in near else 0.0 for at in range(len(sites))])
    doubtful = np.flatnonzero((reach < FEW * usual) & (usual - reach >= PEOPLE))
    doubtful = doubtful[np.argsort(reach[doubtful] - usual[doubtful], kind="stable")]
    told = doubtful[:MOST]
    joins = _joined(streets, sites.iloc[told], profile)
    for at, street in zip(told, joins, strict=True):
        others = beside[1][beside[0] == at]
        yield (
            f"{_title(sites, at)} reaches {reach[at]:,.0f} people in {minutes:g} minutes by {profile.name}, "
            f"{_those(len(others))} within {BESIDE:.0f} m of it {usual[at]:,.0f}: {street}; "
            f"{_way(streets, sites, profile, at=int(at), others=others[reach[others] >= usual[at]], spots=spots)}"
        )
    if len(doubtful) > MOST:
        yield f"{len(doubtful) - MOST:,} more sites reach less than half of what those within {BESIDE:.0f} m reach"


def slowest(study: Study) -> Profile:
    """Return how the slowest of the study's people travel on streets."""
    profiles = [mode.at_home for mode in study.profiles()]
    return min(profiles, key=lambda profile: profile.speed_kmh)


def _beside(spots: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the pairs of different sites that stand beside each other, both ways about."""
    places = np.asarray(shapely.points(spots), dtype=object)
    pairs = shapely.STRtree(places).query(places, predicate="dwithin", distance=BESIDE)
    return np.asarray(pairs[:, pairs[0] != pairs[1]], dtype=np.int64)


def _joined(streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile) -> list[str]:
    """Say which street each site joins, and how far off."""
    links = linked(streets, sites, profile, HARD_LIMIT)
    edges = links["edge"].to_numpy()
    ways = {int(streets.way_id[edge]) for edge in edges if edge >= 0}
    file = Path(streets.source)
    names = way_names(file, ways) if ways and file.is_file() and file.suffix != ".graphml" else {}
    said = []
    for edge, metres in zip(edges, links["access_m"], strict=True):
        if edge < 0:
            said.append("it joins no street")
            continue
        way = int(streets.way_id[edge])
        kind = dict(streets.kinds[streets.kind[edge]]).get("highway", "street")
        title = f"{names[way]} ({kind}, way {way})" if way in names else f"a {kind} (way {way})"
        said.append(f"it joins {title}, {metres:.0f} m off")
    return said


def _way(
    streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile, *, at: int, others: Floats, spots: Floats
) -> str:
    """Say how long the way is from the nearest site beside that reaches more, and how long those between such are."""
    some = sites.iloc[[at, *others]]
    far = np.linalg.norm(spots[[at, *others]][:, None] - spots[[at, *others]][None], axis=2)
    long = _metres(streets, some, profile)
    first = 1 + int(np.argmin(far[0, 1:]))
    beside, straight = some.index[first], far[0, first]
    lon, lat = shapely.get_coordinates(some.geometry.iloc[[first]].to_crs(4326).to_numpy())[0]
    show = f"siteplan itinerary --mode {profile.name} --from {lon:.5f},{lat:.5f} --site {some.index[0]} shows it"
    if not np.isfinite(long[first, 0]):
        return f"there is no way to it from {beside}, {straight:,.0f} m off, within {FAR / 1000:.0f} km"
    text = f"the way to it from {beside}, {straight:,.0f} m off, has {long[first, 0]:,.0f} m"
    between = np.triu(np.isfinite(long) & (far > 1.0), 1)[1:, 1:]
    if straight > 1.0:
        text += f", {long[first, 0] / straight:.1f} times as far"
        if between.any():
            usual = float(np.median((long[1:, 1:] / np.maximum(far[1:, 1:], 1.0))[between]))
            text += f" (between the others {usual:.1f} times)"
    return f"{text}; {show}"


def _metres(streets: StreetNetwork, sites: gpd.GeoDataFrame, profile: Profile) -> Floats:
    """Return the metres of the way from each site (row) to each other (column), infinite where there is none."""
    homes = sites[["geometry"]].reset_index(drop=True).rename_axis("point")
    ways = travel_times(streets, sites, homes, mode=profile, metres=FAR)
    found = np.full((len(sites), len(sites)), np.inf)
    column = pd.Index(sites.index.astype(str)).get_indexer(pd.Index(ways["site"].astype(str)))
    found[ways["point"].to_numpy(), column] = ways["metres"]
    return found


def _title(sites: gpd.GeoDataFrame, at: int) -> str:
    name = str(sites["name"].iloc[at]) if "name" in sites else ""
    return f"{sites.index[at]} ({name})" if name and name != str(sites.index[at]) else str(sites.index[at])


def _those(count: int) -> str:
    return "the site" if count == 1 else f"the {count} sites"
