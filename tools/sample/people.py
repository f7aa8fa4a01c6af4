"""Who lives in the sample: whole people on a 200 m grid, along the streets where homes are."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

from tools.sample import valley
from tools.sample.joined import Joined
from tools.sample.plane import ORIGIN, PLANE_CRS, Floats

__all__ = ["GRID_CRS", "MISSING", "coarser", "population", "write_people"]

GRID_CRS = "EPSG:3035"
FINE, COARSE = 200, 1000  # metres
MISSING = -99999.0
WITHHELD = 12  # cells whose figures are kept back, as statistical offices do with few people
TOWN_PEOPLE, FARM_PEOPLE, PARK_PEOPLE = 39_400, 1_450, 105
COLUMNS = ["people", "workers", "age_65"]
# homes per metre of street, only relative within the town, a village or the countryside
HOMES = {
    "old": 1.5, "grid": 1.3, "estate": 1.9, "hill": 0.6, "suburb": 0.42, "industry": 0.01, "road": 0.3,
    "village": 1.0, "lane": 0.3, "island": 1.0,
}  # fmt: skip
WORKERS = {"old": 0.455, "grid": 0.46, "estate": 0.41, "suburb": 0.435, "village": 0.44, "lane": 0.43}
AGE_65 = {"old": 0.235, "grid": 0.2, "estate": 0.17, "suburb": 0.235, "village": 0.25, "lane": 0.27}
NO_HOMES = {"motorway", "motorway_link", "trunk", "footway", "path", "cycleway", "steps", "service", ""}


def population(streets: Joined) -> gpd.GeoDataFrame:
    """Return inhabited 200 m cells in EPSG:3035, index `cell`: people, workers and age_65 in whole numbers.

    Withheld cells have missing figures.
    """
    homes = _homes(streets)
    homes["people"] = 0
    for group, target in _targets().items():
        rows = homes["group"] == group
        homes.loc[rows, "people"] = _whole(homes.loc[rows, "weight"].to_numpy(), target)
    homes["workers"] = homes["people"] * homes["zone"].map(WORKERS).fillna(0.43)
    homes["age_65"] = homes["people"] * homes["zone"].map(AGE_65).fillna(0.24)
    cells = homes.groupby(["row", "column"], sort=True)[COLUMNS].sum().query("people > 0").reset_index()
    spread = np.random.Generator(np.random.PCG64(65)).random((len(cells), 2)) - 0.5
    cells["workers"] = np.rint(cells["workers"] * (1 + 0.16 * spread[:, 0]))
    cells["age_65"] = np.minimum(
        np.rint(cells["age_65"] * (1 + 0.4 * spread[:, 1])), cells["people"] - cells["workers"]
    )
    few = cells.index[(cells["people"] <= 10)]
    cells[COLUMNS] = cells[COLUMNS].astype(float)
    cells.loc[few[:: max(1, len(few) // WITHHELD)][:WITHHELD], COLUMNS] = np.nan
    return _squares(cells, FINE)


def _homes(streets: Joined) -> pd.DataFrame:
    """Return places every 20 m along streets with homes: grid row and column, zone, group and weight."""
    ways = [
        (way, part) for way, part in streets.ways if way.tags.get("highway", "") not in NO_HOMES and way.zone in HOMES
    ]
    lines = np.array([LineString(streets.nodes[part]) for _, part in ways], dtype=object)
    count = np.maximum((shapely.length(lines) + 10) // 20, 0).astype(int)
    along = 10.0 + 20 * (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count))
    zone = np.repeat([way.zone for way, _ in ways], count)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(np.repeat(lines, count), along))
    group = _group(xy, zone)
    weight = np.array([HOMES[z] for z in zone]) * (1 + 0.5 * np.sin(xy[:, 0] / 410 + 1) * np.sin(xy[:, 1] / 370))
    weight = np.where(group == "farms", weight * (np.sin(xy[:, 0] / 97) * np.sin(xy[:, 1] / 83) > 0.8), weight)
    change = pyproj.Transformer.from_crs(PLANE_CRS, GRID_CRS, always_xy=True)
    east, north = change.transform(*(xy + ORIGIN).T)
    cell = {"row": np.floor(north / FINE).astype(int), "column": np.floor(east / FINE).astype(int)}
    homes = pd.DataFrame({**cell, "zone": zone, "group": group, "weight": weight})
    return homes[homes["group"] != ""].reset_index(drop=True)


def _group(xy: Floats, zone: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return to which count of people each place belongs: the town, a village, the hamlet, farms, the holiday park."""
    points = shapely.points(xy)

    def within(area: Polygon) -> NDArray[np.bool_]:
        shapely.prepare(area)
        return np.asarray(shapely.contains(area, points))

    group = np.where(within(valley.LAND), "farms", "").astype("<U24")
    for village in (*valley.VILLAGES, valley.HAMLET):
        group[within(valley.disc(village).buffer(60))] = village.name
    group[within(valley.TOWN.buffer(30))] = "town"
    group[zone == "island"] = "park"
    return group


def _targets() -> Mapping[str, int]:
    places = {village.name: village.people for village in (*valley.VILLAGES, valley.HAMLET)}
    return {"town": TOWN_PEOPLE, "farms": FARM_PEOPLE, "park": PARK_PEOPLE, **places}


def _whole(weight: Floats, total: int) -> NDArray[np.int64]:
    """Share out a whole number of people by weight, in whole people, carrying the remainder along the street."""
    upto = np.round(np.cumsum(weight) / weight.sum() * total, 6)
    return np.asarray(np.diff(np.floor(upto + 0.5), prepend=0.0), dtype=np.int64)


def _squares(cells: pd.DataFrame, size: int) -> gpd.GeoDataFrame:
    north, east = cells["row"].to_numpy() * size, cells["column"].to_numpy() * size
    name = [f"CRS3035RES{size}mN{n}E{e}" for n, e in zip(north, east, strict=True)]
    shapes = shapely.box(east, north, east + size, north + size)
    return gpd.GeoDataFrame(cells[COLUMNS].set_index(pd.Index(name, name="cell")), geometry=shapes, crs=GRID_CRS)


def coarser(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the same people on 1 km cells; missing where every 200 m cell inside is withheld."""
    corner = shapely.bounds(cells.geometry.to_numpy())[:, :2].astype(int)
    where = {"row": corner[:, 1] // COARSE, "column": corner[:, 0] // COARSE}
    sums = cells[COLUMNS].assign(**where).groupby(["row", "column"], sort=True)[COLUMNS].sum(min_count=1)
    return _squares(sums.reset_index(), COARSE)


def write_people(folder: Path, cells: gpd.GeoDataFrame) -> None:
    """Write the cells as GeoPackage, GeoTIFF (people only) and CSV (centres in degrees), and the 1 km cells."""
    write_gpkg(cells.reset_index(), folder / "population_200m.gpkg")
    write_gpkg(coarser(cells).reset_index(), folder / "population_1km.gpkg")
    centres = cells.geometry.centroid.to_crs("EPSG:4326")
    table = cells[COLUMNS].astype("Int64")
    table.insert(0, "lon", np.round(centres.x, 6))
    table.insert(1, "lat", np.round(centres.y, 6))
    table.to_csv(folder / "population_200m.csv", lineterminator="\n")
    _write_raster(folder / "population_200m.tif", cells)


def write_gpkg(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table as a GeoPackage whose bytes depend on nothing but the table."""
    table.to_file(path, driver="GPKG", layer=path.stem, engine="pyogrio", SPATIAL_INDEX="NO")


def _write_raster(path: Path, cells: gpd.GeoDataFrame) -> None:
    """Write people as float32 counts; zero where nobody lives, nodata where withheld or outside."""
    import rasterio
    from rasterio.features import geometry_mask

    land = gpd.GeoSeries([valley.LAND], crs=PLANE_CRS).translate(*ORIGIN).to_crs(GRID_CRS)
    west, south, east, north = np.array(land.total_bounds) // COARSE * COARSE + [0, 0, COARSE, COARSE]
    shape = int((north - south) / FINE), int((east - west) / FINE)
    grid = rasterio.Affine(FINE, 0, west, 0, -FINE, north)
    outside = geometry_mask(land, shape, grid, all_touched=True)
    counts = np.where(outside, MISSING, 0.0).astype(np.float32)
    corner = shapely.bounds(cells.geometry.to_numpy())
    row, column = ((north - corner[:, 3]) / FINE).astype(int), ((corner[:, 0] - west) / FINE).astype(int)
    counts[row, column] = cells["people"].fillna(MISSING)
    with rasterio.open(
        path, "w", driver="GTiff", width=shape[1], height=shape[0], count=1, dtype="float32", crs=GRID_CRS,
        transform=grid, nodata=MISSING, compress="deflate", zlevel=9,
    ) as out:  # fmt: skip
        out.write(counts, 1)
