"""Places -> the nearest point on a street that the mode may use; what is too far is said, never dropped."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.config import PROFILES, TRANSIT, Profile, Rides
from siteplan.doors import door
from siteplan.errors import InputError, Key, StudyError, listed
from siteplan.inputs.sites import Places
from siteplan.network.graph import ModeGraph, Positions, footing
from siteplan.network.segments import Segments, shares_along
from siteplan.network.streets import StreetNetwork
from siteplan.units import Unit

__all__ = [
    "HARD_LIMIT",
    "LIMIT",
    "Mode",
    "Modes",
    "as_modes",
    "as_profile",
    "distances",
    "link",
    "measured",
    "metric_points",
    "positions",
]

LIMIT = 300.0  # metres between a place and its street by default
RIM = 25.0  # metres by which the rim of a square must be nearer than any street
HARD_LIMIT = 1600.0  # no limit may be larger: R5 links up to 1,600 m


Mode: TypeAlias = str | Profile | Rides
Modes: TypeAlias = Mode | Sequence[Mode]


def as_modes(mode: Modes) -> list[Profile | Rides]:
    """Return the mode or modes of these names, or themselves, as a list.

    Raises
    ------
    StudyError
        No mode at all, an unknown one, or one that is there twice.
    """
    asked = [mode] if isinstance(mode, str | Profile | Rides) else list(mode)
    modes = [one if isinstance(one, Rides) else TRANSIT if one == "transit" else as_profile(one) for one in asked]
    names = [one.name for one in modes]
    if not names or len({*names}) < len(names):
        raise StudyError(Key("mode"), f": found {listed(names) or 'none'}, expected one or more, each once")
    return modes


def measured(modes: Sequence[Profile | Rides], unit: Unit) -> list[Profile | Rides]:
    """Return modes that count in a unit.

    Raises
    ------
    StudyError
        A journey by timetable, of which there are no metres; minutes of a profile by length.
    """
    found: list[Profile | Rides] = []
    for mode in modes:
        if unit == "metres" and isinstance(mode, Rides):
            raise StudyError(f"metres: mode {mode.name} goes by timetable, which has minutes alone; leave it out")
        if unit == "minutes" and isinstance(mode, Profile) and mode.unit == "metres":
            raise StudyError(f"minutes: mode {mode.name} counts metres; give the limit as metres")
        found.append(mode.by_length() if unit == "metres" and isinstance(mode, Profile) else mode)
    return found


def as_profile(mode: str | Profile) -> Profile:
    """Return the profile of that name, or the profile itself.

    Raises
    ------
    StudyError
        No profile has that name.
    """
    if isinstance(mode, Profile):
        return mode
    if not isinstance(mode, str) or mode not in PROFILES:
        raise StudyError(f"mode {mode!r}: unknown; expected one of {', '.join(PROFILES)}, or a Profile")
    return PROFILES[mode]


@door()
def link(
    streets: StreetNetwork, places: Places, *, mode: str | Profile = "walk", link_m: float = LIMIT
) -> pd.DataFrame:
    """Link places to the nearest point on an edge that the mode may use.

    Street islands (components under 40 edges, never the largest) are not linked to: they are slips of mapping more
    often than places cut off (R5 does the same). Nor are places linked to the rim of a square while a street is about
    as near: rims are often drawn beside streets without a node in common.

    Parameters
    ----------
    places
        Points (or shapes: their centroids) in any CRS, with any index.
    link_m
        Largest distance to the street, in metres; at most 1,600.

    Returns
    -------
    DataFrame
        Index as `places`; `edge` (-1: none), `offset_m` along the edge, `access_m` to the street (also given where it
        is beyond the limit; inf beyond 1,600 m), `status`: "placed", "too far", or "island" (only an island is near).

    Examples
    --------
    >>> sp.link(streets, sites.loc[["S01", "S02"]], mode="bike")[["access_m", "status"]].round(1)
          access_m  status
    site
    S01       12.0  placed
    S02        2.1  placed
    """
    profile = as_profile(mode)
    if not 0 <= link_m <= HARD_LIMIT:
        raise StudyError(f"link limit of {link_m} m: expected between 0 and {HARD_LIMIT:.0f} m")
    use = footing(streets, profile)  # the same whichever way is searched: no graph is built for it
    spots = shapely.get_coordinates(metric_points(places, streets))
    segment, access = _nearest(streets, use.trusted & ~streets.areas, spots, HARD_LIMIT)
    if streets.areas.any():
        # A drawn rim may share no node with the street it runs along: it counts where no street is about as near.
        rim, to_rim = _nearest(streets, use.trusted & streets.areas, spots, np.minimum(access, HARD_LIMIT))
        closer = to_rim + RIM < access
        segment, access = np.where(closer, rim, segment), np.where(closer, to_rim, access)
    alone = np.full(len(spots), np.inf)
    lost = np.flatnonzero(access > link_m)
    island = use.usable & ~use.trusted & ~streets.passages
    if len(lost) and island.any():
        alone[lost] = _nearest(streets, island, spots[lost], link_m)[1]
    status = np.where(access <= link_m, "placed", np.where(alone <= link_m, "island", "too far"))
    edge = np.where(access <= link_m, np.searchsorted(streets.start, segment, side="right") - 1, -1)
    share = shares_along(streets.x, streets.y, streets.start, edge, vertex=segment, places=spots)
    offset = np.where(edge >= 0, share * streets.length[edge], 0.0)
    columns = {"edge": edge, "offset_m": offset, "access_m": access, "status": status}
    return pd.DataFrame(columns, index=places.index)


def positions(links: pd.DataFrame, graph: ModeGraph, profile: Profile) -> tuple[npt.NDArray[np.int64], Positions]:
    """Return the rows of `links` that are placed, and their positions on the graph of the profile."""
    rows = np.flatnonzero((links["status"] == "placed").to_numpy())
    access = np.round(links["access_m"].to_numpy()[rows] * 36 / profile.access_kmh).astype(np.int64)
    edge, metres = links["edge"].to_numpy()[rows], links["offset_m"].to_numpy()[rows]
    return rows, graph.positions(edge, metres, access)


def distances(streets: StreetNetwork, places: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """Return the metres from each place to the nearest street of any kind, however far."""
    spots = shapely.get_coordinates(metric_points(places, streets))
    return _nearest(streets, np.ones(len(streets.u), bool), spots, np.inf)[1]


def metric_points(places: gpd.GeoDataFrame, streets: StreetNetwork) -> npt.NDArray[np.object_]:
    """Return places as shapely Points in the streets' CRS; shapes by their centroids.

    Raises
    ------
    InputError
        No CRS, or places without geometry.
    """
    if places.crs is None:
        raise InputError("link: the places have no CRS; set it with .set_crs(...)")
    there = places.geometry if places.crs == streets.crs else places.geometry.to_crs(streets.crs)
    shapes = there.to_numpy()
    kinds = shapely.get_type_id(shapes)
    if (kinds < 0).any() or shapely.is_empty(shapes).any():
        raise InputError(f"link: {int((kinds < 0).sum() + shapely.is_empty(shapes).sum())} places have no geometry")
    points: npt.NDArray[np.object_] = shapely.centroid(shapes) if (kinds != 0).any() else shapes
    return points


def _nearest(
    streets: StreetNetwork, wanted: npt.NDArray[np.bool_], spots: npt.NDArray[np.float64], within: Any
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the nearest segment of wanted edges to each spot, and the distance; of several as near, the first.

    Modes that may use the same streets share what is found, as do networks of the same lines.
    """
    far = np.broadcast_to(np.asarray(within, float), len(spots)).copy()  # read-only, it would be compiled for anew
    edges, *asked = (hashlib.sha256(part.tobytes()).digest() for part in (np.packbits(wanted), spots, far))
    known, key = streets.lasting, (edges, *asked)
    if key not in known:
        if edges not in known:
            known[edges] = Segments.of(streets.x, streets.y, streets.start, np.flatnonzero(wanted))
        known[key] = known[edges].nearest(spots, far)
    segment, distance = known[key]
    return segment.copy(), distance.copy()
