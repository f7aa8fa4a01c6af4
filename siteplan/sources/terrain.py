"""Heights around a place, from tiles of one degree that are read by windows and put together."""

import math
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np

from siteplan.errors import FetchError
from siteplan.geo import LONLAT, boxes_around
from siteplan.sources.area import MARGIN, Area
from siteplan.sources.downloads import Downloads
from siteplan.sources.rasters import mosaic, write_raster
from siteplan.sources.source import Got, Source, Used, url
from siteplan.sources.windows import MeasuredError, Pixels, RemoteFile, moved, no_data, placed, read_windows

__all__ = ["get_terrain", "plan_terrain", "terrain_tiles"]

FILE = "terrain.tif"
BESIDE = 200.0  # metres read beyond the margin: tiles of other widths are drawn between pixels
NODATA = -9999.0
MOST_TILES = 50
# Countries of which some tiles are not published, so that a tile that is not there need not be sea.
WITHHELD = ("AM", "AZ")


def terrain_tiles(west: float, south: float, east: float, north: float) -> list[tuple[int, int]]:
    """Return the corners (latitude and longitude, south west) of the tiles of one degree that a rectangle touches.

    Examples
    --------
    >>> terrain_tiles(3.2, 46.4, 3.5, 46.6)
    [(46, 3)]
    """
    return [
        (lat, lon)
        for lat in range(math.floor(south), math.ceil(north))
        for lon in range(math.floor(west), math.ceil(east))
    ]


def get_terrain(area: Area, source: Source, downloads: Downloads, folder: Path, *, margin: float = MARGIN) -> Got:
    """Write heights in metres around an area as `terrain.tif`, in degrees as they are published, to the decimetre.

    Parameters
    ----------
    area, source, downloads
        Where, from whom, and the cache.
    folder
        Where the file is written.
    margin
        Metres beyond the area; as far as its streets go.

    Raises
    ------
    FetchError
        No tile is there, one cannot be read, or the file cannot be written.
    """
    place = gpd.GeoSeries([area.around(margin)], crs=LONLAT)
    wide, tiles = _tiles(area, source, margin)
    parts: list[Pixels] = []
    used: list[Used] = []
    notes: list[str] = []
    absent: list[tuple[int, int]] = []
    for (lat, lon), address in tiles:
        found = downloads.unless_lacking(source, address, partial(_heights, address, source, downloads, wide))
        if found is None:
            absent.append((lat, lon))
            continue
        parts += found[0]
        used.append(found[1])
        notes += found[2]
    if not parts:
        raise FetchError(
            f"{source.name}: has no tile around {area.name}, only sea; go without terrain, or give a terrain model of "
            "your own (inputs.elevation)"
        )
    around = boxes_around(place, parts[0].crs)[0]
    heights = _cropped(mosaic(parts, f"{source.name}: {area.name}", NODATA, bounds=around), around)
    if absent:
        notes.append(_fill_sea(heights, absent, area, source))
    holes = int(no_data(heights).sum())
    if holes == heights.data.size:
        raise FetchError(f"{source.name}: its tiles have no height around {area.name}; go without terrain")
    if holes:
        notes.append(
            f"{source.title}: {holes:,} of {heights.data.size:,} heights around {area.name} are missing; streets "
            "there are taken as flat"
        )
    write_raster(heights, folder / FILE)
    return Got(inputs={"elevation": FILE}, used=used, notes=notes)


def plan_terrain(
    area: Area, source: Source, downloads: Downloads, *, margin: float = MARGIN
) -> list[tuple[str, int | None]]:
    """Return what `get_terrain` would load: the tiles that exist, with the bytes of each that matter.

    Only the first bytes of each are asked for. Parameters and errors as of `get_terrain`.
    """
    wide, tiles = _tiles(area, source, margin)
    planned: list[tuple[str, int | None]] = []
    for _, address in tiles:
        try:
            ask = partial(_heights, address, source, downloads, wide, measured=True)
            downloads.unless_lacking(source, address, ask)
        except MeasuredError as found:
            planned.append((found.url, found.size))
    return planned


def _heights(
    address: str, source: Source, downloads: Downloads, wide: gpd.GeoSeries, *, measured: bool = False
) -> tuple[list[Pixels], Used, list[str]]:
    """Read what of a tile lies around a place; what was taken, and what is odd."""
    with RemoteFile(downloads, source, address, measured=measured) as file:
        return read_windows(file, f"{source.name}: {address}", wide), file.used(), file.notes


def _tiles(area: Area, source: Source, margin: float) -> tuple[gpd.GeoSeries, list[tuple[tuple[int, int], str]]]:
    """Return what is read around an area, and the tiles that it touches with their addresses."""
    wide = gpd.GeoSeries([area.around(margin + BESIDE)], crs=LONLAT)
    boxes = boxes_around(wide, LONLAT)
    tiles = [tile for box in boxes for tile in terrain_tiles(*box)]
    if len(boxes) > 1 or len(tiles) > MOST_TILES:
        raise FetchError(
            f"{source.name}: {area.name} touches {len(tiles)} tiles of one degree; expected at most {MOST_TILES}, on "
            "one side of the 180th meridian: fetch parts of it, with --bbox, or go without terrain"
        )
    return wide, [
        (tile, url(source, "tile", lat=_written(tile[0], "NS", 2), lon=_written(tile[1], "EW", 3))) for tile in tiles
    ]


def _written(degrees: int, letters: str, digits: int) -> str:
    return f"{letters[degrees < 0]}{abs(degrees):0{digits}d}"


def _cropped(pixels: Pixels, bounds: tuple[float, float, float, float]) -> Pixels:
    """Cut a raster to the pixels that touch a rectangle, and round it to decimetres."""
    west, south, east, north = bounds
    left, top = placed(~pixels.transform, west, north)
    right, bottom = placed(~pixels.transform, east, south)
    high, wide = pixels.data.shape
    first, last = max(0, math.floor(left)), min(wide, math.ceil(right))
    upper, lower = max(0, math.floor(top)), min(high, math.ceil(bottom))
    values = np.round(pixels.data[upper:lower, first:last], 1)
    return Pixels(values, moved(pixels.transform, first, upper), pixels.crs, pixels.nodata)


def _fill_sea(heights: Pixels, absent: list[tuple[int, int]], area: Area, source: Source) -> str:
    """Set the tiles that are not published to the height of the sea, and say so; returns what is said."""
    names = ", ".join(f"{_written(lat, 'NS', 2)} {_written(lon, 'EW', 3)}" for lat, lon in absent)
    if area.country in WITHHELD:
        return (
            f"{source.title}: no tile {names}: those of parts of this country are not published; heights there are "
            "missing, and streets taken as flat"
        )
    gone = no_data(heights)
    rows, columns = np.nonzero(gone)
    transform = heights.transform
    # A tile's pixels lie half a pixel beside its degree.
    lon = np.floor(transform.c + transform.a * (columns + 1.0))
    lat = np.floor(transform.f + transform.e * (rows + 1.0))
    sea = np.isin(lat * 1000 + lon, [each[0] * 1000 + each[1] for each in absent])
    heights.data[rows[sea], columns[sea]] = 0
    return f"{source.title}: no tile {names}, which is sea: height 0 is taken there, for {int(sea.sum()):,} pixels"
