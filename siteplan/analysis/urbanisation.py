"""City, town or countryside: Eurostat's degree of urbanisation, worked out from the grid of people.

The thresholds and contiguity are those of Eurostat's glossary (urban centre, urban cluster), the filling of gaps and
the majority rule as the package flexurba documents them of Eurostat's method. Two things differ: people are counted
per km2 of the whole square, as the grid does not say how much of it is land, and what lies beyond the cells given
counts as empty, so a town that is cut by the edge may lose its class. Give cells of the surroundings too.
"""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteplan.doors import door
from siteplan.errors import InputError
from siteplan.network.laying import components
from siteplan.reachable import Floats, Ints, members, number_column

__all__ = ["DEGREES", "degree_of_urbanisation", "territory_degrees"]

DEGREES = ("urban centre", "urban cluster", "rural")
SIDE = 1000.0  # metres of a square
CENTRE_DENSITY, CENTRE_PEOPLE = 1500.0, 50_000.0  # per km2; in all
CLUSTER_DENSITY, CLUSTER_PEOPLE = 300.0, 5_000.0
LARGEST_GAP = 15  # squares; a gap in an urban centre that is smaller is filled
MAJORITY = 5  # of the eight squares around

EUROPE = (-32.0, 26.0, 50.0, 73.0)  # degrees: where the grid of the Union (EPSG:3035) is in use
Bools = npt.NDArray[np.bool_]


@door(cells=("people",))
def degree_of_urbanisation(cells: gpd.GeoDataFrame) -> pd.Series:
    """Tell whether each cell lies in an urban centre, in an urban cluster or in the countryside.

    The people are summed in squares of 1 km: those of the grid of the Union (EPSG:3035) in Europe, elsewhere those of
    the Global Human Settlement Layer (Mollweide). A cell that lies across squares is shared out by area.
    An urban centre is a group of squares of at least 1,500 people per km2 that touch along a side, with at least
    50,000 people together; its gaps of less than 15 km2 are filled, and squares of which at least five of the eight
    around belong to it are added until there are none. An urban cluster is a group of squares of at least 300 people
    per km2 that touch along a side or at a corner, with at least 5,000 people together. All else is rural.

    Parameters
    ----------
    cells
        Column `people` (missing counts as nothing), geometry polygons of up to 1 km2 or points, with a CRS.

    Returns
    -------
    Series `degree`, index as `cells`: "urban centre", "urban cluster" or "rural", that of the square the cell's middle
    lies in.

    Raises
    ------
    InputError
        Without `people` or CRS, for people below 0, and for cells too large to tell.

    Examples
    --------
    >>> cells["people"].groupby(sp.degree_of_urbanisation(cells)).sum().to_dict()
    {'rural': 9289.0, 'urban cluster': 40453.0}
    """
    people = _people(cells)
    if len(cells) == 0:
        return pd.Series([], index=cells.index, name="degree", dtype=object)
    shapes = cells.geometry.to_crs(_grid_crs(cells)).to_numpy()
    largest = float(shapely.area(shapes).max()) / 1e6
    if largest > 1.5:
        raise InputError(
            f"cells: the largest has {largest:.2f} km2; the degree of urbanisation is defined on squares of 1 km2. "
            "Give a grid of 1 km or less, or a column with the degree"
        )
    middle = shapely.centroid(shapes)
    column, row = _square(shapely.get_x(middle)), _square(shapely.get_y(middle))
    at_column, at_row, count = _shared_out(shapes, people, column, row)
    # One square of nothing all round, so that no rule has to know of edges.
    left, low = int(min(column.min(), at_column.min())) - 1, int(min(row.min(), at_row.min())) - 1
    size = (
        int(max(row.max(), at_row.max())) - low + 2,
        int(max(column.max(), at_column.max())) - left + 2,
    )
    squares = np.zeros(size)
    np.add.at(squares, (at_row - low, at_column - left), count)
    # What went through another CRS and back must not fall short of a threshold by a rounding.
    degree = _classes(np.round(squares, 6))
    labels = np.array(DEGREES, dtype=object)[degree[row - low, column - left] - 1]
    return pd.Series(labels, index=cells.index, name="degree")


@door(cells=("people",))
def territory_degrees(cells: gpd.GeoDataFrame, degrees: pd.Series, territories: pd.Series) -> pd.Series:
    """Tell the degree of urbanisation of whole territories from that of their cells.

    Parameters
    ----------
    cells
        Index `cell`, column `people`.
    degrees, territories
        The degree and the territory of each cell.

    Returns
    -------
    Series `degree`, index `territory`: "city" with at least half of the people in urban centres, else "rural area"
    with at least half in rural cells, else "town or suburb"; "rural area" where nobody lives.

    Examples
    --------
    >>> degrees = sp.degree_of_urbanisation(cells)
    >>> sp.territory_degrees(cells, degrees, sp.cell_territories(cells, communes)).value_counts().to_dict()
    {'rural area': 7, 'town or suburb': 2}
    """
    people = pd.Series(_people(cells), index=cells.index)
    of_cell = pd.DataFrame({"people": people, "territory": territories, "degree": degrees}).reindex(cells.index)
    table = of_cell.pivot_table(index="territory", columns="degree", values="people", aggfunc="sum")
    table = table.reindex(columns=list(DEGREES)).fillna(0.0)
    total = table.sum(axis=1)
    city, rural = table[DEGREES[0]] * 2 >= total, table[DEGREES[2]] * 2 >= total
    names = np.where(city & (total > 0), "city", np.where(rural, "rural area", "town or suburb"))
    return pd.Series(names, index=table.index.rename("territory"), name="degree", dtype=object)


def _people(cells: gpd.GeoDataFrame) -> Floats:
    if "people" not in cells.columns:
        raise InputError("cells: no column people")
    if isinstance(cells, gpd.GeoDataFrame) and cells.crs is None:
        raise InputError("cells: no CRS; set the one the coordinates are in")
    people = number_column(cells, "people", "cells")
    wrong = (people < 0) | np.isinf(people)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(f"cells: cell '{cells.index[first]}' has {people[first]:g} people, expected 0 or more")
    return np.where(np.isnan(people), 0.0, people)


def _grid_crs(cells: gpd.GeoDataFrame) -> str:
    west, south, east, north = cells.geometry.to_crs("EPSG:4326").total_bounds
    inside = west >= EUROPE[0] and south >= EUROPE[1] and east <= EUROPE[2] and north <= EUROPE[3]
    return "EPSG:3035" if inside else "ESRI:54009"


def _square(metres: Floats) -> Ints:
    """Return the number of the square; a millimetre below a border is the border."""
    return np.floor((metres + 1e-3) / SIDE).astype(np.int64)


def _shared_out(shapes: np.ndarray, people: Floats, column: Ints, row: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the people of each square as (column, row, people): whole cells, and parts of those that lie across."""
    bounds = shapely.bounds(shapes)
    first_column, first_row = _square(bounds[:, 0]), _square(bounds[:, 1])
    last_column = np.floor((bounds[:, 2] - 1e-3) / SIDE).astype(np.int64)
    last_row = np.floor((bounds[:, 3] - 1e-3) / SIDE).astype(np.int64)
    across = ((last_column > first_column) | (last_row > first_row)) & (people > 0)
    columns, rows, counts = [column[~across]], [row[~across]], [people[~across]]
    cut = np.flatnonzero(across)
    if cut.size:
        wide = int((last_column - first_column)[cut].max()) + 1
        tall = int((last_row - first_row)[cut].max()) + 1
        area = shapely.area(shapes[cut])
        for right in range(wide):
            for up in range(tall):
                x, y = first_column[cut] + right, first_row[cut] + up
                met = (bounds[cut, 2] > x * SIDE) & (bounds[cut, 3] > y * SIDE)  # no part of others lies there
                boxes = shapely.box(x[met] * SIDE, y[met] * SIDE, (x[met] + 1) * SIDE, (y[met] + 1) * SIDE)
                share = shapely.area(shapely.intersection(shapes[cut][met], boxes)) / area[met]
                hit = share > 0
                columns.append(x[met][hit])
                rows.append(y[met][hit])
                counts.append((people[cut][met] * share)[hit])
    return np.concatenate(columns), np.concatenate(rows), np.concatenate(counts)


def _classes(squares: Floats) -> npt.NDArray[np.int64]:
    """Return 1, 2 or 3 for each square of a grid with an empty rim."""
    centres = _smoothed(_filled(_large(_groups(squares >= CENTRE_DENSITY), squares, CENTRE_PEOPLE)))
    clusters = _large(_groups(squares >= CLUSTER_DENSITY, corners=True), squares, CLUSTER_PEOPLE)
    return np.where(centres > 0, 1, np.where(clusters > 0, 2, 3)).astype(np.int64)


def _groups(inside: Bools, *, corners: bool = False) -> Ints:
    """Return the groups of squares that sides (or corners, too) link, numbered from 1 on row by row; 0 is outside."""
    square = np.arange(inside.size, dtype=np.int32).reshape(inside.shape)
    steps = [(square[:, :-1], square[:, 1:]), (square[:-1], square[1:])]
    if corners:
        steps += [(square[:-1, :-1], square[1:, 1:]), (square[:-1, 1:], square[1:, :-1])]
    one, other = (np.concatenate([each.ravel() for each in side]) for side in zip(*steps, strict=True))
    linked = inside.flat[one] & inside.flat[other]
    piece = components(one[linked], other[linked], inside.size)[inside.ravel()]
    groups = np.zeros(inside.shape, np.int64)
    groups[inside] = np.unique(piece, return_inverse=True)[1] + 1
    return groups


def _large(groups: Ints, squares: Floats, least: float) -> Ints:
    """Keep the groups that have enough people."""
    people = np.bincount(groups.ravel(), weights=squares.ravel())
    keep = np.round(people, 3) >= least
    keep[0] = False
    return np.where(keep[groups], groups, 0).astype(np.int64)


def _filled(centres: Ints) -> Ints:
    """Fill the small gaps of each centre: squares that sides alone do not link to what lies around it."""
    result = centres.copy()
    row, column = np.nonzero(centres)
    for inside in members(centres[row, column]):
        # With one square all round it, which all that lies around is linked to.
        box = np.s_[row[inside].min() - 1 : row[inside].max() + 2, column[inside].min() - 1 : column[inside].max() + 2]
        centre = centres[row[inside[0]], column[inside[0]]]
        gaps = _groups(centres[box] != centre)
        small = np.bincount(gaps.ravel()) < LARGEST_GAP
        small[[0, gaps[0, 0]]] = False
        result[box][small[gaps] & (centres[box] == 0)] = centre
    return result


def _smoothed(centres: Ints) -> Ints:
    """Add squares of which most of those around belong to one centre, until there are none."""
    rows, columns = centres.shape
    while True:
        # The rim may be added to, so look from one square farther out.
        wide = np.pad(centres, 1)
        around = np.stack(
            [wide[1 + y : 1 + y + rows, 1 + x : 1 + x + columns] for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y]
        )
        likely = np.sort(around, axis=0)[-MAJORITY]  # no other can be most of them
        added = np.where((centres == 0) & ((around == likely).sum(axis=0) >= MAJORITY), likely, 0)
        if not added.any():
            return centres
        centres = centres + added
