"""Places on streets at which a reader of the map may try a new site, and whom one there would reach."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import Profile, Study
from siteplan.network.along import distinct
from siteplan.network.graph import footing
from siteplan.network.snapping import metric_points
from siteplan.network.streets import StreetNetwork
from siteplan.study.cache import Cache, content_key
from siteplan.study.doubt import slowest
from siteplan.study.load import StudyData
from siteplan.study.travel import fingerprint
from siteplan.times import travel_times

__all__ = ["near_homes", "trial_places", "trials_of"]

Floats = npt.NDArray[np.float64]

NEAR = 300.0  # metres between a place and the nearest home, at most
FINEST = 100.0  # metres: the sides of the squares that have one place each
STEP = 10.0
WIDE = 2**32  # columns of squares: more than there are
DEGREES = 6  # decimals: a decimetre, which is what a page and a file of sites say


def trials_of(study: Study, data: StudyData, cache: Cache) -> pd.DataFrame | None:
    """Return whom a new site would reach, at each of as many places as the study asks for at most.

    Returns
    -------
    DataFrame
        `place` (from 0), `lon`, `lat` (degrees), `mode`, `point` and `minutes`: the shortest of all limits of the study
        within which a site at the very place would be reached from the point. Ordered by place, mode and point. None
        where the study asks for no places, or its minutes come from a table, which knows of no other places.
    """
    if not study.output.trials or study.inputs.times is not None or data.streets is None:
        return None
    profiles = study.profiles()
    how = [profile.model_dump(exclude={"title"}) for profile in profiles]
    limits = {profile.name: study.travel.limits_of(profile.name) for profile in profiles}
    key = content_key(
        {**fingerprint(study, data.streets), "profiles": how, "limits": limits, "trials": study.output.trials}
    )
    streets = data.streets
    return cache.table(f"trials_{key}", lambda: _searched(study, data, streets), pd.read_parquet)


def _searched(study: Study, data: StudyData, streets: StreetNetwork) -> pd.DataFrame:
    homes = data.points[data.points["people"] > 0]
    places = trial_places(streets, homes, profile=slowest(study), most=study.output.trials)
    limits = np.array(study.travel.limits)
    parts = []
    for profile in study.profiles():
        times = travel_times(
            streets,
            places,
            data.points[data.linked[profile.name]],
            mode=profile,
            minutes=max(study.travel.limits_of(profile.name)),
            direction=study.travel.direction,
            transit=data.timetable,
        )
        here = places.iloc[times["site"].cat.codes.to_numpy()]
        columns = {
            "place": here.index.to_numpy(),
            "lon": here["lon"].to_numpy(),
            "lat": here["lat"].to_numpy(),
            "mode": profile.name,
            "point": times["point"].to_numpy(),
            "minutes": limits[np.searchsorted(limits, times["minutes"].to_numpy())],
        }
        parts.append(pd.DataFrame(columns))
    whole = pd.concat(parts, ignore_index=True)
    whole["mode"] = pd.Categorical(whole["mode"], categories=[profile.name for profile in study.profiles()])
    return whole.sort_values(["place", "mode", "point"], kind="stable", ignore_index=True)


def trial_places(streets: StreetNetwork, homes: gpd.GeoDataFrame, *, profile: Profile, most: int) -> gpd.GeoDataFrame:
    """Return corners of the streets that people live along, within 300 m of a home: one in each square of a grid.

    The squares are as small as `most` places allow, and of 100 m at least; each has the place nearest to its middle.

    Returns
    -------
    GeoDataFrame
        Index `place` from 0, west to east and then northwards; `lon`, `lat` in degrees with six decimals, and the
        Points that these very numbers name, in the streets' CRS.
    """
    _, corners = streets.corners(np.flatnonzero(streets.homes & footing(streets, profile).trusted))
    spots = _one_a_square(distinct(corners), FINEST)
    if len(homes):
        spots = spots[near_homes(spots, metric_points(homes, streets))]
    side = FINEST
    kept = _one_a_square(spots, side)
    while len(kept) > most:
        side = max(side + STEP, STEP * np.floor(side * np.sqrt(len(kept) / most) / STEP))
        kept = _one_a_square(spots, side)
    degrees = gpd.GeoSeries(shapely.points(kept), crs=streets.crs).to_crs(4326)
    lon, lat = (np.round(each.to_numpy(), DEGREES) for each in (degrees.x, degrees.y))
    index = pd.RangeIndex(len(kept), name="place")
    named = gpd.GeoDataFrame({"lon": lon, "lat": lat}, geometry=shapely.points(lon, lat), index=index, crs=4326)
    return named.to_crs(streets.crs)


def near_homes(spots: Floats, homes: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Tell which places have a home within 300 m: the squares of nearly all, or those beside, have one."""
    own = np.unique(_squares(shapely.get_coordinates(homes), NEAR / 3) @ (1, WIDE))
    beside = np.add.outer(own, np.add.outer([-1, 0, 1], [-WIDE, 0, WIDE]))
    near = np.isin(_squares(spots, NEAR / 3) @ (1, WIDE), beside)
    rest = np.flatnonzero(~near)
    found = shapely.STRtree(homes).query(shapely.points(spots[rest]), predicate="dwithin", distance=NEAR)[0]
    near[rest[found]] = True
    return near


def _squares(spots: Floats, side: float) -> npt.NDArray[np.int64]:
    """Return column and row of the square with sides of so many metres that each place stands in."""
    return np.floor(spots / side).astype(np.int64)


def _one_a_square(spots: Floats, side: float) -> Floats:
    """Return of each square with sides of so many metres the spot nearest to its middle, by row and column."""
    column, row = _squares(spots, side).T
    away = np.hypot(*(spots - side * (np.column_stack([column, row]) + 0.5)).T)
    order = np.lexsort((away, column, row))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(column[order]) != 0) | (np.diff(row[order]) != 0)
    return spots[order[first]]
