"""What was fetched is looked over before it is said to be done: whether it covers the place, whether all are there."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import shapely
from shapely.geometry.base import BaseGeometry

from siteplan.config import Study
from siteplan.errors import InputError, SiteplanWarning
from siteplan.formats import extract_form
from siteplan.geo import LONLAT
from siteplan.inputs.extract import osm_file
from siteplan.sources.area import Area
from siteplan.sources.windows import no_data, placed, read_windows
from siteplan.study.load import load_cells

__all__ = ["look_over", "people_within"]

PATIENCE = 0.1  # share by which a grid and a published figure may differ, being of different years
EDGE = 0.002  # degrees (some 200 m) that an extract may end before the margin does


def look_over(study: Study, area: Area, margin: float) -> tuple[list[str], list[str]]:
    """Look over the files of a study that was fetched.

    Parameters
    ----------
    study
        What was fetched.
    area
        For where.
    margin
        Metres around it that the streets shall cover.

    Returns
    -------
    What holds, and what is odd; a sentence each.
    """
    held: list[str] = []
    odd: list[str] = []
    inputs = study.inputs
    if inputs.streets is not None:
        for text in _streets(inputs.streets, area.around(margin)):
            odd.append(text)
        if not odd:
            held.append(f"the streets cover the area and {margin / 1000:g} km around it")
    if inputs.population is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SiteplanWarning)  # whoever runs the study is told again
                cells = load_cells(study, None, None)
        except InputError as error:
            odd.append(str(error))
        else:
            _compare(people_within(cells, area.geometry), area.population, held, odd)
    if inputs.elevation is not None:
        share = _holes(inputs.elevation, area.geometry)
        (odd if share else held).append(
            f"the terrain has no height for {share:.1%} of the area; slopes are left out there"
            if share
            else "the terrain has no holes in the area"
        )
    return held, odd


def _streets(path: Path, wanted: BaseGeometry) -> Iterator[str]:
    """Say where an extract ends before the margin does; a side without streets beyond it may be the sea."""
    import osmium

    if not extract_form(path):
        return
    with osmium.io.Reader(osm_file(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        told = reader.header().box()
    if not told.valid():
        return
    low, high = told.bottom_left, told.top_right
    have, want = (low.lon, low.lat, high.lon, high.lat), wanted.bounds
    short = [
        side
        for side, a, b, sign in zip(("west", "south", "east", "north"), have, want, (1, 1, -1, -1), strict=True)
        if sign * (a - b) > EDGE
    ]
    if short:
        yield (
            f"the streets end before the margin around the area does (in the {', '.join(short)}): whoever comes from "
            "there is not counted"
        )


def people_within(cells: gpd.GeoDataFrame, outline: BaseGeometry) -> float:
    """Count the people in an area, those of cells across its border by the share of the cell that lies in it."""
    there = gpd.GeoSeries([outline], crs=LONLAT).to_crs(cells.crs).iloc[0]
    shapely.prepare(there)
    shapes = cells.geometry.to_numpy()
    share = shapely.contains_properly(there, shapes).astype(float)
    across = (share == 0) & shapely.intersects(there, shapes) & (shapely.area(shapes) > 0)
    share[across] = shapely.area(shapely.intersection(shapes[across], there)) / shapely.area(shapes[across])
    return float((share * cells["people"].fillna(0)).sum())


def _compare(count: float, published: int | None, held: list[str], odd: list[str]) -> None:
    """Set the people of a grid beside the published figure."""
    if not published:
        held.append(f"{count:,.0f} people live in the area by the grid; no figure is published to compare with")
        return
    text = f"{count:,.0f} people live in the area by the grid, {published:,} by the published figure"
    if abs(count - published) <= PATIENCE * published:
        held.append(text)
    else:
        odd.append(f"{text}: look at the years and outlines of both before you trust either")


def _holes(path: Path, outline: BaseGeometry) -> float:
    """Return the share of an area (0 to 1) for which a terrain model has no height, on its own pixels."""
    from rasterio.features import geometry_mask

    with path.open("rb") as file:
        windows = read_windows(file, str(path), gpd.GeoSeries([outline], crs=LONLAT))
    if not windows:
        return 1.0
    here = gpd.GeoSeries([outline], crs=LONLAT).to_crs(windows[0].crs).iloc[0]
    covered = inside = lacking = 0.0
    for window in windows:
        high, wide = window.data.shape
        (west, north), (east, south) = placed(window.transform, 0, 0), placed(window.transform, wide, high)
        ours = here.intersection(shapely.box(west, south, east, north))
        covered += ours.area
        within = ~geometry_mask([ours], window.data.shape, window.transform) if not ours.is_empty else None
        if within is not None:
            inside += within.sum()
            lacking += (no_data(window) & within).sum()
    beyond = max(1 - covered / here.area, 0)
    return float(round(beyond + (1 - beyond) * (lacking / inside if inside else 0), 6))
