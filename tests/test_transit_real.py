"""Public transport of real places against what other engines found there."""

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from conftest import DATA
from siteplan.config import Profile, Rides
from siteplan.errors import SiteplanWarning
from siteplan.network.streets import read_streets
from siteplan.network.transit import Timetable, read_transit
from siteplan.times import travel_times

pytestmark = pytest.mark.real
Real = Callable[[str], Path]

FEEDS = {
    "laquila": ("aq.pbf", ("ama_gtfs_2022-02.zip",), "2022-02-08"),
    "helsinki": ("helsinki_center_2019.osm.pbf", ("hsl_gtfs_2022-02-22.zip",), "2022-02-22"),
    "porto_alegre": ("poa_osm.pbf", ("poa_eptc.zip", "poa_trensurb.zip"), "2019-05-13"),
}
GRIDS = {
    "laquila": ("laquila_eurostat_census2021_1km.gpkg", "grd_id", 3035),
    "helsinki": ("population_grid_2020.gpkg", "id", 3067),
}


@cache
def timetable(place: str, elevation: bool = False) -> Timetable:
    """Return a place's timetable of its day; what is odd in the files is looked at elsewhere."""
    streets, feeds, date = FEEDS[place]
    model = DATA / place / "poa_elevation.tif" if elevation else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        network = read_streets(DATA / place / streets, elevation=model)
        return read_transit([DATA / place / feed for feed in feeds], network, date=date)


def cells(place: str) -> gpd.GeoDataFrame:
    """Return the middles of a place's cells; index: the cell's id as text."""
    if place == "porto_alegre":
        table = pd.read_csv(DATA / place / "poa_hexgrid.csv", index_col="id")
        return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table.lon, table.lat), crs=4326)
    file, name, crs = GRIDS[place]
    grid = gpd.read_file(DATA / place / file)
    return gpd.GeoDataFrame(index=grid[name].astype(str), geometry=grid.to_crs(crs).centroid.to_numpy(), crs=crs)


def leaving(transit: Timetable, origins: Any, everywhere: gpd.GeoDataFrame, **how: Any) -> pd.Series:
    """Return minutes by origin and cell, leaving the origin at every minute of the window."""
    sites = everywhere.loc[list(origins)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        times = travel_times(transit.streets, sites, everywhere, direction="from", transit=transit, **how)
    return times.set_index([times["site"].astype(str), "point"])["minutes"].rename_axis(["from_id", "to_id"])


# r5r, as published in its guide to accessibility ----------------------------------------------------------------------

R5R = {"window": ("14:00", "15:00"), "max_walk_minutes": 30, "max_rides": 3}
# R5 gives whole minutes, rounded down; its own count is of less than 20 minutes, that of the matrix of 20 at most.
# (schools, healthcare) by the first, then schools by the second: as an earlier edition gives them and as the latest.
FEWER = {"89a901291abffff": (4, 6), "89a9012a3cfffff": (0, 0), "89a901295b7ffff": (8, 4)}
FEWER_LATEST = {"89a901291abffff": (3, 5), "89a9012a3cfffff": (0, 0), "89a901295b7ffff": (6, 4)}
AT_MOST = {
    "89a9012124fffff": 2,
    "89a9012126bffff": 4,
    "89a9012127bffff": 2,
    "89a90128003ffff": 9,
    "89a90128007ffff": 7,
    "89a9012800bffff": 9,
}
AT_MOST_LATEST = dict(zip(AT_MOST, (1, 4, 2, 8, 5, 8), strict=True))
MEDIANS = {
    "89a901295b7ffff": 45,
    "89a901284a3ffff": 60,
    "89a9012809bffff": 47,
    "89a901285cfffff": 38,
    "89a9012a3cfffff": 78,
}


@cache
def as_r5r(slope: bool) -> pd.DataFrame:
    """Return `minutes`, rounded down, with what there is at the destination; walking at 3.6 km/h, on steps too."""
    grid = cells("porto_alegre")
    walk = Profile(name="r5r", rules="walk", speed_kmh=3.6, stairs_factor=1, slope=slope)
    minutes = leaving(
        timetable("porto_alegre", slope), [*FEWER, *AT_MOST], grid, mode=Rides(**R5R, walk=walk), limit=100
    )
    return np.floor(minutes + 1e-9).to_frame().join(grid[["schools", "healthcare"]], on="to_id")


def within(slope: bool, origin: str, most: int) -> list[float]:
    """Return the schools and healthcare within so many whole minutes."""
    found = as_r5r(slope).loc[origin]
    return found.loc[found["minutes"] <= most, ["schools", "healthcare"]].sum().tolist()


@pytest.mark.parametrize("slope", [False, True])
def test_medians_are_those_of_r5r(real: Real, slope: bool) -> None:
    real("porto_alegre/poa_trensurb.zip")
    minutes = as_r5r(slope).loc["89a901291abffff", "minutes"]
    off = [minutes[to] - expected for to, expected in MEDIANS.items()]
    assert max(map(abs, off)) <= (2 if slope else 0), off


# On the flat the engine finds the counts of the earlier edition; with slopes, which R5 takes by default, the latest.
@pytest.mark.parametrize(("slope", "fewer", "at_most"), [(False, FEWER, AT_MOST), (True, FEWER_LATEST, AT_MOST_LATEST)])
def test_counts_are_those_of_r5r(real: Real, slope: bool, fewer: Any, at_most: Any) -> None:
    real("porto_alegre/poa_trensurb.zip")
    off = [abs(a - b) for origin, both in fewer.items() for a, b in zip(within(slope, origin, 19), both, strict=True)]
    off += [abs(within(slope, origin, 20)[0] - schools) for origin, schools in at_most.items()]
    assert max(off) <= (1 if slope else 0), off


# cafein: departures 08:00-09:00, walks of at most 20 minutes, no time at the stop -------------------------------------


def against_cafein(place: str) -> pd.Series:
    """Return minutes here less there, of pairs within reach of both; its median is the 31st of 60 minutes."""
    there = pd.read_csv(DATA / f"reference/cafein/{place}_matrix.csv.gz", dtype={"from_id": str, "to_id": str})
    there = there[there["mode"] == "transit_p50_w60"].set_index(["from_id", "to_id"])["seconds"] / 60
    rides = Rides(percentile=51, max_walk_minutes=20, max_rides=4, board_slack_minutes=0)
    origins = there.index.get_level_values(0).unique()
    here = leaving(timetable(place), origins, cells(place), mode=rides, limit=60)
    return (here.reindex(there.index) - there).dropna()


@pytest.mark.parametrize(
    ("place", "pairs", "within_one", "within_three"),
    [("laquila", 300, 0.75, 0.85), ("helsinki", 700, 0.78, 0.96), ("porto_alegre", 1900, 0.90, 0.96)],
)
def test_minutes_are_near_those_of_cafein(
    real: Real, place: str, pairs: int, within_one: float, within_three: float
) -> None:
    real(f"reference/cafein/{place}_matrix.csv.gz")
    off = against_cafein(place)
    assert len(off) >= pairs
    assert abs(off.median()) < 0.1
    assert (off.abs() <= 1).mean() >= within_one
    assert (off.abs() <= 3).mean() >= within_three
