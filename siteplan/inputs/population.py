"""Where people are: rasters, polygons, points and cell codes, as one table of cells."""

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.catalogue import LAYERS, check_groups
from siteplan.doors import door
from siteplan.errors import InputError, listed, reads, warn
from siteplan.formats import PLACES, RASTERS
from siteplan.geo import cell_sizes
from siteplan.inputs.files import Within, existing_file, read_places
from siteplan.inputs.packed import ending_of, plain_file
from siteplan.inputs.raster import read_pixels
from siteplan.inputs.values import find_column, keys, numbers, refuse_negative, repaired, row_name

__all__ = ["read_population"]

Marks = Sequence[float | str] | Mapping[str, Sequence[float | str]]

# How published files name the column of people, in small letters, with or without a year behind (TOT_P_2021, POP2000):
# Eurostat and GEOSTAT (T, TOT_P, OBS_VALUE_T), INSEE (Ind), Statistics Finland and HSY (vaesto, asukkaita),
# Zensus (einwohner), the Spanish and Italian offices (poblacion, popolazione).
PEOPLE = (
    "people", "population", "pop", "persons", "inhabitants", "residents", "total_population", "pop_total", "poptot",
    "tot_pop", "tot_p", "t", "total", "obs_value_t", "ind", "habitants", "einwohner", "asukkaita", "vaesto",
    "poblacion", "populacao", "popolazione",
)  # fmt: skip
PEOPLE_NAME = re.compile(rf"({'|'.join(PEOPLE)})(_?(19|20)\d\d)?")
CELL = ("cell", "cell_id", "grd_id", "id", "gid", "idcar_200m", "idcar_1km", "idinspire", "h3", "h3_index", "geoid")
# What else is a column where each group is one: in layers, in shares by mode and minutes, and the place in the file.
RESERVED = frozenset(
    {column.name for name in ("cells", "points", "places_without_access") for column in LAYERS[name].columns}
    | {"mode", "minutes", "geom"}
)

# "none" is for files whose name or tags speak of density although they hold counts (as Meta's population maps do).
PER_M2 = {"per_km2": 1e-6, "per_ha": 1e-4, "per_m2": 1.0}
DENSITY = re.compile(r"dens|dichte|_pd_|per[ _]?(sq|km|ha\b)|/ ?(sq|km|ha\b)|km\^?-2")

# People per hectare beyond any quarter of towers, on at least a hectare (a tower alone may stand on less), and people
# of a cell beyond any city.
CROWD, CROWD_HA, MOST = 20_000, 1.0, 5e7  # Kowloon Walled City had about 13,000 to 19,000 on a hectare

# A part of the people that is 0 where 200 or more live: Eurostat writes 0 for "not delivered by this country".
POPULOUS = 200


@door()
@reads("where people are")
def read_population(
    path: str | PathLike[str],
    *,
    people: str | None = None,
    groups: Sequence[str] = (),
    cell: str | None = None,
    layer: str | None = None,
    crs: Any = None,
    density: str | None = None,
    missing: Marks = (),
    within: Within = None,
) -> gpd.GeoDataFrame:
    """Read where people are, from GeoTIFF, GeoPackage, GeoJSON, Shapefile, FlatGeobuf, Parquet, .xlsx or CSV.

    Parameters
    ----------
    path
        A raster of counts (every pixel with people becomes a cell), polygons or points, or a table (CSV, Parquet,
        .xlsx) with coordinates or with cell codes (H3, INSPIRE grid); codes are preferred, they give polygons. Any of
        these may be the one file in a .zip, or packed as .gz.
    people
        The column, or the description of the band, that holds people; by default the one with a usual name.
    groups
        Columns or bands to carry along, such as workers.
    cell
        The column that names a cell; by default the one with a usual name, else rows are numbered from 0.
    layer
        Which layer or sheet, where a file has several.
    crs
        The CRS of the coordinates, where the file does not say it.
    density
        'per_km2', 'per_ha' or 'per_m2' if the values are densities: they are multiplied by each cell's true area.
        'none' if they are counts although the file's name, column or tags speak of density.
    missing
        Values that mean "withheld" or "not delivered" besides the file's own nodata, for all columns or by column:
        ``[-9999]`` or ``{"employed": [0]}``. Missing is not zero: it becomes NaN.
    within
        Only what touches the rectangle around this table is read; any CRS.

    Returns
    -------
    GeoDataFrame
        Index `cell`; columns `people` and the groups (float, NaN = missing), geometry in the CRS of the file.

    Raises
    ------
    InputError
        If the file cannot be read or its values cannot be counts; naming the first offending cell, row or pixel.

    Warns
    -----
    SiteplanWarning
        Of missing values, rows without geometry, groups larger than their people, cells on top of each other.

    Examples
    --------
    >>> cells = sp.read_population("population_200m.gpkg", groups=["workers"])
    >>> int(cells["people"].sum()), int(cells["people"].isna().sum())
    (49742, 12)
    """
    file = existing_file(path, (*RASTERS, *PLACES), "a population file")
    groups = _checked_groups(groups, file)
    if density is not None and density != "none" and density not in PER_M2:
        raise InputError(f"density={density!r}: expected one of {', '.join(PER_M2)}, none")
    if ending_of(file) in RASTERS:
        marks = [_numeric(_marks(missing, name)) for name in ("people", *groups)]
        with plain_file(file) as plain:
            cells, told = read_pixels(plain, people, groups, crs=crs, missing=marks, within=within)
    else:
        table = read_places(file, layer=layer, crs=crs, prefer="codes", within=within)
        cells, told = _from_features(table, file, people, groups, cell=cell, missing=missing)
    cells = _counted(cells, file, density, told)
    if not cells["people"].sum() > 0:
        raise InputError(f"{file}: holds no people at all; expected counts above 0 in the column or band of people")
    _refuse_crowds(cells, file)
    _say_odd_values(cells, file, groups)
    return cells


def _refuse_crowds(cells: gpd.GeoDataFrame, file: Path) -> None:
    """Refuse more people than any place has: a mark for "no value", a wrong column, or metres taken for degrees."""
    hectares = np.maximum(cell_sizes(cells) / 10_000, CROWD_HA)
    crowded = np.flatnonzero((cells["people"] > CROWD * hectares) | (cells["people"] > MOST))
    if crowded.size:
        cell, people = cells.index[crowded[0]], cells["people"].iloc[crowded[0]]
        value = f"{people:.15g}"
        raise InputError(
            f"{file}: cell {cell} has {people:,.6g} people on {hectares[crowded[0]]:,.3g} ha, more than any city "
            f"({crowded.size:,} of {len(cells):,} cells have); if that means 'no value', say missing=[{value}] "
            f"(in a study: inputs.population.missing: [{value}]); else, is it the right column?"
        )


def _checked_groups(groups: Sequence[str], file: Path) -> tuple[str, ...]:
    names = (groups,) if isinstance(groups, str) else tuple(groups)
    check_groups(names, str(file), RESERVED)
    return tuple(dict.fromkeys(names))


def _marks(missing: Marks, column: str) -> tuple[float | str, ...]:
    return tuple(missing.get(column, ())) if isinstance(missing, Mapping) else tuple(missing)


def _numeric(marks: Sequence[float | str]) -> tuple[float, ...]:
    return tuple(float(mark) for mark in marks if not isinstance(mark, str))


def _from_features(
    table: gpd.GeoDataFrame, file: Path, people: str | None, groups: Sequence[str], *, cell: str | None, missing: Marks
) -> tuple[gpd.GeoDataFrame, str]:
    if isinstance(missing, Mapping):
        for column in missing:
            find_column(table, file, "missing values", column, known=())
    people_column = _people_column(table, file, people)
    columns = {"people": people_column} | {
        group: str(find_column(table, file, "a group", group, known=())) for group in groups
    }
    cell_column = find_column(table, file, "cells", cell, known=CELL)
    index = keys(table[cell_column], file, "cell") if cell_column else pd.Index(table.index, name="cell")
    data = {}
    for name, column in columns.items():
        values = numbers(table[column], str(file), _marks(missing, column))
        below = np.flatnonzero(values < 0)
        if below.size:
            first = f"cell {index[below[0]]}, {row_name(table.index[below[0]], file)}"
            refuse_negative(values[below], str(file), column, first)
        data[name] = values
    cells = gpd.GeoDataFrame(data, index=index, geometry=table.geometry.to_numpy(), crs=table.crs)
    return _with_places(cells, file), people_column.lower()


_IN_STUDY = "(--people NAME; in a study: inputs.population.people)"


def _people_column(table: gpd.GeoDataFrame, file: Path, given: str | None) -> str:
    if given is not None:
        return str(find_column(table, file, "people", given, known=()))
    columns = [str(column) for column in table.columns if column != table.geometry.name]
    found = [column for column in columns if PEOPLE_NAME.fullmatch(column.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{file}: several columns could be people: {listed(found)}; name one with people= {_IN_STUDY}")
    numeric = [column for column in columns if _is_numeric(table[column])]
    raise InputError(
        f"{file}: no column has a usual name of people (people, population, pop, ...); "
        f"name one with people=: {listed(numeric or columns)} {_IN_STUDY}"
    )


def _is_numeric(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values):
        return not pd.api.types.is_bool_dtype(values)
    return bool(pd.to_numeric(values.head(100), errors="coerce").notna().any())


def _with_places(cells: gpd.GeoDataFrame, file: Path) -> gpd.GeoDataFrame:
    """Keep the rows with a place; polygons are repaired, multipoints become their centroid, lines are refused."""
    gone = cells.geometry.isna() | cells.geometry.is_empty
    if gone.any():
        _warn(
            f"{file}: {gone.sum():,} of {len(cells):,} rows have no place and are left out, "
            f"with {cells.loc[gone, 'people'].sum():,.0f} people"
        )
        cells = cells[~gone]
    cells = repaired(cells, file, "cells")
    lines = ~cells.geom_type.isin(["Point", "MultiPoint", "Polygon", "MultiPolygon"])
    if lines.any():
        raise InputError(
            f"{file}: cell {cells.index[lines][0]} is a {cells.geom_type[lines].iloc[0]}; expected polygons or points"
        )
    many = (cells.geom_type == "MultiPoint").to_numpy()
    if many.any():
        shapes = cells.geometry.to_numpy().copy()
        shapes[many] = shapely.centroid(shapes[many])
        cells = cells.set_geometry(gpd.GeoSeries(shapes, index=cells.index, crs=cells.crs))
    return cells


def _counted(cells: gpd.GeoDataFrame, file: Path, density: str | None, told: str) -> gpd.GeoDataFrame:
    """Turn densities into counts when told to; refuse to guess."""
    if density is None:
        hint = DENSITY.search(told) or DENSITY.search(file.stem.lower())
        if hint:
            raise InputError(
                f"{file}: '{hint[0]}' in its name, column or tags suggests densities, not counts; "
                "say density='per_km2' to convert them by area, or density='none' if they are counts "
                "(in a study: inputs.population.density)"
            )
        return cells
    if density == "none" or cells.empty:
        return cells
    sizes = cell_sizes(cells)
    if not (sizes > 0).all():
        raise InputError(f"{file}: cell {cells.index[sizes <= 0][0]} has no area; a density needs polygons or pixels")
    values = cells.drop(columns="geometry").mul(sizes * PER_M2[density], axis=0)
    return gpd.GeoDataFrame(values, geometry=cells.geometry, crs=cells.crs)


def _say_odd_values(cells: gpd.GeoDataFrame, file: Path, groups: Sequence[str]) -> None:
    gone = {name: int(cells[name].isna().sum()) for name in ("people", *groups)}
    if any(gone.values()):
        counts = listed(f"{name} in {count:,}" for name, count in gone.items() if count)
        _warn(f"{file}: of {len(cells):,} cells a value is missing or withheld: {counts}; missing is not counted as 0")
    polygons = cells.geometry[shapely.area(cells.geometry.to_numpy()) > 0]
    alike = pd.DataFrame(shapely.bounds(polygons.to_numpy())).duplicated(keep=False)  # hardly any, and soon seen
    twice = polygons[alike.to_numpy()].duplicated()
    if twice.any():
        _warn(
            f"{file}: {twice.sum():,} cells have the very outline of another; if they are the same people, remove one"
        )
    for group in groups:
        _say_odd_group(cells["people"], cells[group], file)


def _say_odd_group(people: pd.Series, group: pd.Series, file: Path) -> None:
    larger = int((group > people).sum())
    if larger:
        counted = f"in {larger:,} of {len(people):,} cells"
        _warn(f"{file}: '{group.name}' is larger than people {counted}; is it really a group of the people?")
    unlikely = (group == 0) & (people >= POPULOUS)
    # What often exceeds people (jobs), or is next to nothing beside them (schools), is not a part of them: 0 means 0.
    part = larger <= len(people) / 20 and group.sum() >= people.sum() / 20
    if part and unlikely.any():
        _warn(
            f"{file}: '{group.name}' is 0 in {unlikely.sum():,} cells of {POPULOUS} people or more "
            f"({people[unlikely].sum():,.0f} people); if 0 means 'not delivered', say missing={{'{group.name}': [0]}} "
            f"(in a study: inputs.population.missing: {{{group.name}: [0]}})"
        )


def _warn(text: str) -> None:
    # The level of whoever called read_population, or near it: the text names the file, which matters more.
    warn(text)
