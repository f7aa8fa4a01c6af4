"""What is asked of a timetable."""

from dataclasses import dataclass

import geopandas as gpd

from siteplan.config import Rides
from siteplan.network.transit import Timetable

__all__ = ["RideQuery"]


@dataclass(frozen=True)
class RideQuery:
    """The journeys of a mode between every site and every point, at most `cutoff` deciseconds.

    `backwards` means towards the sites. Going all the way by oneself competes with riding.
    """

    timetable: Timetable
    sites: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    mode: Rides
    cutoff: int
    backwards: bool
