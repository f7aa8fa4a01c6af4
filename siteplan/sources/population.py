"""People around a place, from the grids that statistical offices and the two models of the world publish."""

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.errors import FetchError, listed
from siteplan.geo import LONLAT
from siteplan.sources.answers import as_expected, read_json
from siteplan.sources.area import Area
from siteplan.sources.blocks import block_files, read_blocks
from siteplan.sources.downloads import Downloads
from siteplan.sources.rasters import mosaic, write_raster
from siteplan.sources.source import Got, Source, Used, url
from siteplan.sources.windows import MeasuredError, Pixels, RemoteFile, no_data, read_member, read_windows
from siteplan.sources.writing import place_file, place_table

__all__ = ["country_codes", "get_population", "mollweide_tiles", "plan_population"]

NODATA = -99999.0
YEARS, EPOCHS = range(2015, 2031), range(1975, 2031, 5)
# WorldPop has the overseas departments of France as countries; they are told by their INSEE code.
OVERSEAS = {"971": "GLP", "972": "MTQ", "973": "GUF", "974": "REU", "976": "MYT"}
GRID_CRS = "EPSG:3035"  # of the European grid, whose cells are named by their lower left corner
CODE = "CRS3035RES{side}mN{north}E{east}"
MOST_CELLS = 4_000_000
BLOCK = 16 << 20  # bytes of a table looked at at once
# The global raster's upper left corner and the side of its tiles, in metres of Mollweide's projection.
MOLLWEIDE, GLOBE, SIDE = "ESRI:54009", (-18_041_000, 9_000_000), 1_000_000


@dataclass(frozen=True)
class _Grid:
    """How a table of cells of the European grid is written."""

    side: int  # metres
    code: str
    people: str
    parts: dict[str, tuple[str, ...]]  # groups, each the sum of columns
    marks: tuple[float, ...] = ()  # values that stand for "withheld" or "not delivered"
    guessed: str = ""  # a column that is 1 where a cell's people are estimated

    @property
    def columns(self) -> list[str]:
        """All columns that matter."""
        return [self.code, self.people, *dict.fromkeys(sum(self.parts.values(), ())), *filter(None, [self.guessed])]


FILOSOFI = _Grid(
    200,
    "idcar_200m",
    "ind",
    {
        "age_0_17": ("ind_0_3", "ind_4_5", "ind_6_10", "ind_11_17"),
        "age_18_64": ("ind_18_24", "ind_25_39", "ind_40_54", "ind_55_64"),
        "age_65": ("ind_65_79", "ind_80p"),
    },
    guessed="i_est_200",
)
CENSUS = _Grid(
    1000,
    "GRD_ID",
    "T",
    {"workers": ("EMP",), "age_0_14": ("Y_LT15",), "age_65": ("Y_GE65",)},
    marks=(-8888.0, -9999.0),
)


@dataclass(frozen=True)
class _Wish:
    """What `get_population` was asked for."""

    area: Area
    source: Source
    downloads: Downloads
    folder: Path
    place: gpd.GeoSeries  # the area and its margin
    year: int | None
    measured: bool = False  # nothing is written: the file that would be read is told

    def open(self, address: str) -> RemoteFile:
        """Open a file of the source to read it in part."""
        return RemoteFile(self.downloads, self.source, address, measured=self.measured)


def get_population(
    area: Area,
    source: Source,
    downloads: Downloads,
    folder: Path,
    *,
    margin: float = 0.0,
    year: int | None = None,
) -> Got:
    """Write where people live in and around an area, as cells of the European grid, census blocks or pixels.

    The file is `population.csv`, `population.parquet` or `population.tif`.

    Cells and pixels are kept whole where they touch the area.

    Parameters
    ----------
    area, source, downloads
        Where, from whom (filosofi, census_grid, us_blocks, worldpop, ghs_pop), and the cache.
    folder
        Where the file is written.
    margin
        Metres beyond the area.
    year
        Of the models of the world; None takes the source's own (its vintage).

    Raises
    ------
    FetchError
        Nothing is published for the place, what came is not what the source is known by, or nobody lives there.
    """
    return _way(source)(_Wish(area, source, downloads, folder, _place(area, margin), year))


def plan_population(
    area: Area, source: Source, downloads: Downloads, *, margin: float = 0.0, year: int | None = None
) -> list[tuple[str, int | None]]:
    """Return what `get_population` would load: addresses, with the bytes of each file or of the part that matters.

    Only what tells where in a file the rest lies is asked for. Parameters and errors as of `get_population`.
    """
    place = _place(area, margin)
    if source.name == "us_blocks":
        return [(address, downloads.size(source, address)) for address in block_files(area, source, downloads)]
    if source.name == "ghs_pop":
        tiles = _ghs_tiles(source, _epoch(source, year), place)
        return [(address, downloads.size(source, address)) for _, address in tiles]
    try:
        _way(source)(_Wish(area, source, downloads, Path(), place, year, measured=True))
    except MeasuredError as found:
        return [(found.url, found.size)]
    raise FetchError(f"{source.name}: what it would load for {area.name} cannot be told")


def _way(source: Source) -> Callable[[_Wish], Got]:
    ways = {
        "filosofi": _filosofi,
        "census_grid": _census,
        "us_blocks": _us_blocks,
        "worldpop": _worldpop,
        "ghs_pop": _ghs_pop,
    }
    if source.name not in ways:
        raise FetchError(
            f"{source.name}: is read in no known way; expected one of {', '.join(ways)}. Download the file by hand and "
            "name it (inputs.population)"
        )
    return ways[source.name]


def _place(area: Area, margin: float) -> gpd.GeoSeries:
    return gpd.GeoSeries([area.around(margin) if margin else area.geometry], crs=LONLAT)


# ---- models of the world: rasters of counts ----


def _worldpop(wish: _Wish) -> Got:
    area, source = wish.area, wish.source
    if not area.country:
        raise FetchError(
            f"{source.name}: is published by country, and that of {area.name} is not known; take another source "
            "(--source population=ghs_pop)"
        )
    overseas = OVERSEAS.get(area.code[:3], "")
    iso3 = overseas or country_codes().get(area.country, "")
    if not iso3:
        raise FetchError(f"{source.name}: {area.country} is no country code of two letters (ISO 3166-1)")
    wanted = int(source.vintage) if wish.year is None else wish.year
    taken = min(max(wanted, YEARS[0]), YEARS[-1])
    address = url(source, "file", year=taken, ISO3=iso3, iso3=iso3.lower())
    with wish.open(address) as file:
        parts = read_windows(file, f"{source.name}: {address}", wish.place)
        used, notes = file.used(), list(file.notes)
    if taken != wanted:
        notes.append(f"{source.title}: has the years {YEARS[0]} to {YEARS[-1]}; {taken} stands for {wanted}")
    return _raster(wish, parts, [_dated(used, taken)], notes)


def _ghs_pop(wish: _Wish) -> Got:
    source, taken = wish.source, _epoch(wish.source, wish.year)
    wanted = int(source.vintage) if wish.year is None else wish.year
    notes = [] if taken == wanted else [f"{source.title}: has every fifth year; {taken} stands for {wanted}"]
    parts: list[Pixels] = []
    used: list[Used] = []
    absent: list[str] = []
    for tile, address in _ghs_tiles(source, taken, wish.place):
        what = f"{source.name}: {address}"
        path = wish.downloads.unless_lacking(source, address, partial(wish.downloads.get, source, address))
        if path is None:
            absent.append(tile)
            continue
        with path.open("rb") as packed, read_member(packed, what, lambda name: name.endswith(".tif")) as member:
            parts += read_windows(io.BytesIO(member.read()), what, wish.place)
        used.append(_dated(wish.downloads.used(source, address), taken))
    if absent:
        notes.append(f"{source.title}: no tile {', '.join(absent)}, where nobody lives (sea, or no land at all)")
    return _raster(wish, parts, used, notes)


def _epoch(source: Source, year: int | None) -> int:
    wanted = int(source.vintage) if year is None else year
    return min(EPOCHS, key=lambda epoch: (abs(epoch - wanted), epoch))


def _ghs_tiles(source: Source, year: int, place: gpd.GeoSeries) -> list[tuple[str, str]]:
    """Return the names of the tiles around a place, and their addresses."""
    return [
        (f"R{row}_C{column}", url(source, "tile", year=year, row=row, column=column))
        for row, column in mollweide_tiles(place)
    ]


def mollweide_tiles(place: gpd.GeoSeries) -> list[tuple[int, int]]:
    """Return the tiles (row and column, from 1) of the global human settlement layer that a place touches.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely.geometry import box
    >>> mollweide_tiles(gpd.GeoSeries([box(3.2, 46.4, 3.5, 46.6)], crs="EPSG:4326"))
    [(4, 19)]
    """
    west, south, east, north = place.to_crs(MOLLWEIDE).total_bounds
    columns = range(math.floor((west - GLOBE[0]) / SIDE), math.ceil((east - GLOBE[0]) / SIDE))
    rows = range(math.floor((GLOBE[1] - north) / SIDE), math.ceil((GLOBE[1] - south) / SIDE))
    return [(row + 1, column + 1) for row in rows for column in columns]


@cache
def country_codes() -> dict[str, str]:
    """Return the country codes of three letters by those of two (ISO 3166-1), as CLDR has them.

    Examples
    --------
    >>> country_codes()["FR"], country_codes()["DE"]
    ('FRA', 'DEU')
    """
    from babel.core import get_global

    # Codes of states that are no more lead to those that came after them.
    gone = frozenset("ANT BUR DDR FXX NTZ SCG SUN TMP YMD YUG ZAR".split())
    told = get_global("territory_aliases").items()
    return {two[0]: three for three, two in told if len(three) == 3 and three.isalpha() and three not in gone}


def _raster(wish: _Wish, parts: list[Pixels], used: list[Used], notes: list[str]) -> Got:
    """Write people by pixel, those alone that touch the place."""
    from rasterio.features import geometry_mask

    area, source = wish.area, wish.source
    if not parts:
        raise FetchError(
            f"{source.name}: has nothing where {area.name} lies; take another source "
            "(--source population=ghs_pop, worldpop), or give a file of your own (inputs.population)"
        )
    people = mosaic(parts, f"{source.name}: {area.name}", NODATA)
    outline = wish.place.to_crs(people.crs)
    beside = geometry_mask(outline, people.data.shape, people.transform, all_touched=True)
    people.data[beside] = NODATA
    gone = no_data(people)
    below = ~gone & (people.data < 0)
    if below.any():
        raise FetchError(
            f"{source.name}: holds {people.data[below][0]:.6g} people in a pixel where {area.name} lies; it is not "
            "the file of counts that this source is known by"
        )
    total = float(people.data[~gone].sum(dtype=np.float64))
    if gone.all() or not total > 0:
        raise FetchError(
            f"{source.name}: nobody lives where {area.name} lies, in {people.data.size:,} pixels of which "
            f"{int(gone.sum()):,} are without data; take another source (--source population=...)"
        )
    write_raster(people, wish.folder / "population.tif")
    return Got(inputs={"population": "population.tif"}, used=used, notes=notes)


def _dated(used: Used, year: int) -> Used:
    return Used(**{**vars(used), "vintage": str(year)})


# ---- statistical offices: tables of cells of the European grid ----


def _filosofi(wish: _Wish) -> Got:
    """Read the squares of the whole of France as GeoParquet, which is read in part; else Insee's own zip."""
    source, notes = wish.source, list[str]()
    try:
        address, vintage = _newest_parquet(source, wish.downloads)
        with wish.open(address) as file:
            table = _read_parquet(file, f"{source.name}: {address}", wish.place)
            used = file.used()
        notes += file.notes
    except FetchError as error:
        address, vintage = url(source, "file"), source.vintage
        try:
            table, used, told = _read_zip(wish, address, FILOSOFI, r"carreaux_200m_met\.csv")
        except FetchError as second:
            raise FetchError(f"{error}; and {second}") from None
        notes += [f"{source.title}: read from insee.fr, as its copy by squares could not be ({error})", *told]
    used = Used(**{**vars(used), "vintage": vintage})
    return _written(wish, FILOSOFI, _summed(wish, FILOSOFI, table), used=used, notes=notes)


def _census(wish: _Wish) -> Got:
    table, used, notes = _read_zip(wish, url(wish.source, "file"), CENSUS, r"ESTAT_Census_2021\w*\.csv")
    return _written(wish, CENSUS, _summed(wish, CENSUS, table), used=used, notes=notes)


def _newest_parquet(source: Source, downloads: Downloads) -> tuple[str, str]:
    """Find the address and the year of the newest table of squares of metropolitan France."""
    index = url(source, "index")
    told = read_json(source, downloads, index)
    with as_expected(source, index):
        offered = [(str(each["url"]), f"{each.get('title', '')} {each['url']}") for each in told["resources"]]
    found = [
        (match[1], address)
        for address, text in offered
        if (match := re.search(r"carreaux-200m-met-3035[-_](20\d\d)\.parquet", text))
    ]
    if not found:
        raise FetchError(
            f"{source.name}: {index} lists no table of squares of 200 m (carreaux-200m-met-3035_2021.parquet)"
        )
    vintage, address = max(found)
    return address, vintage


def _read_parquet(file: RemoteFile, what: str, place: gpd.GeoSeries) -> pd.DataFrame:
    """Read the columns that matter of the groups of rows that may lie around a place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(pa.PythonFile(file, mode="r"))
        described = parquet.metadata
        names = [described.schema.column(at).path for at in range(described.num_columns)]
        lacking = [name for name in FILOSOFI.columns if name not in names]
        if lacking:
            raise FetchError(f"{what} has no column {', '.join(lacking)}; it is not the table that was expected")
        groups = [at for at in range(described.num_row_groups) if _may_meet(described.row_group(at), names, place)]
        file.hold(
            (start, start + column.total_compressed_size)
            for at in groups
            for name in FILOSOFI.columns
            for column in [described.row_group(at).column(names.index(name))]
            for start in [min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))]
        )
        codes = _codes(place, FILOSOFI, what)
        return pd.concat(
            [_chosen(parquet.read_row_group(at, columns=FILOSOFI.columns), FILOSOFI, codes) for at in groups]
            or [pd.DataFrame(columns=FILOSOFI.columns)],
            ignore_index=True,
        )
    except (pa.ArrowException, OSError) as error:
        raise FetchError(f"{what} cannot be read as Parquet ({error}); fetch it again with --update") from None


def _may_meet(group: Any, names: list[str], place: gpd.GeoSeries) -> bool:
    """Tell by the bounds of a group of rows, where they are told (GeoParquet's `bbox`), whether it may meet a place."""
    bounds = []
    for corner in ("xmin", "ymin", "xmax", "ymax"):
        if f"bbox.{corner}" not in names:
            return True
        told = group.column(names.index(f"bbox.{corner}")).statistics
        if told is None or not told.has_min_max:
            return True
        bounds.append(float(told.min if corner.endswith("min") else told.max))
    west, south, east, north = place.to_crs(GRID_CRS).total_bounds
    return bool(bounds[0] <= east and bounds[2] >= west and bounds[1] <= north and bounds[3] >= south)


def _read_zip(wish: _Wish, address: str, grid: _Grid, member: str) -> tuple[pd.DataFrame, Used, list[str]]:
    """Read the rows around a place of a table of a whole country, one member of a zip."""
    import pyarrow as pa
    from pyarrow import csv

    what = f"{wish.source.name}: {address}"
    codes = _codes(wish.place, grid, what)
    options = csv.ConvertOptions(
        include_columns=grid.columns,
        column_types={name: pa.string() if name == grid.code else pa.float64() for name in grid.columns},
    )
    pattern = re.compile(member)
    with wish.open(address) as file:
        try:
            with read_member(file, what, lambda name: pattern.search(name) is not None) as opened:
                batches = csv.open_csv(
                    pa.PythonFile(opened, mode="r"), csv.ReadOptions(block_size=BLOCK), convert_options=options
                )
                found = [_chosen(pa.Table.from_batches([batch]), grid, codes) for batch in batches]
        except (pa.ArrowException, KeyError) as error:
            raise FetchError(f"{what} does not hold the table that was expected ({error})") from None
        return pd.concat(found, ignore_index=True), file.used(), list(file.notes)


def _codes(place: gpd.GeoSeries, grid: _Grid, what: str) -> Any:
    """Name every cell of the rectangle around a place (a pyarrow array)."""
    import pyarrow as pa

    west, south, east, north = (value / grid.side for value in place.to_crs(GRID_CRS).total_bounds)
    columns = range(math.floor(west), math.ceil(east))
    rows = range(math.floor(south), math.ceil(north))
    if len(columns) * len(rows) > MOST_CELLS:
        raise FetchError(f"{what}: the place holds more than {MOST_CELLS:,} cells; fetch parts of it, with --bbox")
    side = grid.side
    names = (CODE.format(side=side, north=row * side, east=column * side) for row in rows for column in columns)
    return pa.array(names, pa.string())


def _chosen(table: Any, grid: _Grid, codes: Any) -> pd.DataFrame:
    import pyarrow.compute as pc

    chosen: pd.DataFrame = table.filter(pc.is_in(table[grid.code], value_set=codes)).to_pandas()
    return chosen


def _summed(wish: _Wish, grid: _Grid, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Keep the cells that touch the place, with people and groups; what is withheld is NaN."""
    table = table.drop_duplicates(grid.code).sort_values(grid.code)
    numbers = table[[name for name in grid.columns if name != grid.code]].astype(float)
    numbers = numbers.mask(numbers.isin(list(grid.marks)))
    cells = pd.DataFrame({"cell": table[grid.code], "people": numbers[grid.people]})
    for group, columns in grid.parts.items():
        cells[group] = numbers[list(columns)].sum(axis=1, skipna=False)
    cells["guessed"] = numbers[grid.guessed] if grid.guessed else 0.0
    corners = cells["cell"].astype(str).str.extract(r"N(-?\d+)E(-?\d+)$").astype(float).to_numpy()
    north, east = (corners[:, 0], corners[:, 1]) if len(corners) else (np.empty(0), np.empty(0))
    squares = gpd.GeoSeries(shapely.box(east, north, east + grid.side, north + grid.side), crs=GRID_CRS)
    outline = wish.place.to_crs(GRID_CRS).union_all()
    shapely.prepare(outline)
    touching = shapely.intersects(outline, squares.to_numpy())
    inhabited = cells["people"].isna().to_numpy() | (cells["people"] > 0).to_numpy()
    kept = gpd.GeoDataFrame(cells.reset_index(drop=True), geometry=squares)[touching & inhabited]
    if not kept["people"].sum() > 0:
        raise FetchError(
            f"{wish.source.name}: has nobody where {wish.area.name} lies ({len(kept):,} cells); take another source "
            "(--source population=worldpop, ghs_pop)"
        )
    return kept


def _written(wish: _Wish, grid: _Grid, cells: gpd.GeoDataFrame, *, used: Used, notes: list[str]) -> Got:
    """Write the cells as a table by their codes, and say what is withheld or estimated."""
    area, source = wish.area, wish.source
    groups = [group for group in grid.parts if cells[group].notna().any()]
    lacking = [group for group in grid.parts if group not in groups]
    if lacking:
        notes.append(f"{source.title}: {', '.join(lacking)} not delivered where {area.name} lies, and left out")
    gone = {name: int(cells[name].isna().sum()) for name in ("people", *groups)}
    if any(gone.values()):
        told = listed(f"{name} in {count:,}" for name, count in gone.items() if count)
        notes.append(f"{source.title}: of {len(cells):,} cells a value is withheld, and counts as unknown: {told}")
    guessed = cells["guessed"] == 1
    if guessed.any():
        notes.append(
            f"{source.title}: {int(guessed.sum()):,} of {len(cells):,} cells, with "
            f"{cells.loc[guessed, 'people'].sum():,.0f} of {cells['people'].sum():,.0f} people, are "
            "estimated, as few households live there"
        )
    table = pd.DataFrame(cells[["cell", "people", *groups]])
    place_table(wish.folder / "population.csv", table, float_format="%.10g")
    return _told("population.csv", groups, [used], notes)


def _told(file: str, groups: list[str], used: list[Used], notes: list[str]) -> Got:
    settings: dict[str, Any] = {"inputs.population.people": "people"}
    if groups:
        settings["inputs.population.groups"] = groups
    return Got(inputs={"population": file}, settings=settings, used=used, notes=notes)


def _us_blocks(wish: _Wish) -> Got:
    area, source = wish.area, wish.source
    blocks, used, notes = read_blocks(area, source, wish.downloads, wish.place)
    if not blocks["people"].sum() > 0:
        raise FetchError(
            f"{source.name}: nobody lives where {area.name} lies ({len(blocks):,} blocks); take another source "
            "(--source population=worldpop)"
        )
    groups = [name for name in ("workers",) if name in blocks]
    # Blocks without people are water and fields; those with workers and without people are noise of the register.
    beside = float(blocks.loc[blocks["people"] == 0, groups].sum().sum())
    if beside:
        notes.append(f"{source.title}: {beside:,.0f} workers are registered in blocks where nobody lives, and left out")
    kept = blocks[blocks["people"] > 0]
    body = io.BytesIO()
    kept[["cell", "people", *groups, "geometry"]].to_parquet(body, index=False)
    place_file(wish.folder / "population.parquet", body.getvalue())
    return _told("population.parquet", groups, used, notes)
