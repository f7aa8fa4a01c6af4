"""The territories of a study that are planned for by themselves, and what is in each."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import geopandas as gpd

from siteplan.analysis.equity import cell_territories
from siteplan.config import Study, folder_name
from siteplan.errors import StudyError, warn
from siteplan.inputs.area import read_area
from siteplan.study.load import Inputs, in_order

__all__ = ["FOLDER", "Territory", "split", "territories_of"]

FOLDER = "territories"  # of the folders of all


@dataclass(frozen=True)
class Territory:
    """One territory: its row among the polygons, and what is in it."""

    key: str
    about: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame | None

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.about["name"].iloc[0])

    @property
    def folder(self) -> str:
        """Where its results stand within the folder of all."""
        return f"{FOLDER}/{self.about['folder'].iloc[0]}"


def territories_of(study: Study) -> gpd.GeoDataFrame:
    """Read the territories of `area.each`, with `name` and `folder`; rows that are grouped become one.

    Raises
    ------
    StudyError
        The study names none.
    InputError
        As `read_area`.
    """
    asked = study.area.each
    if asked is None:
        raise StudyError("area.each: missing; expected polygons of territories, such as communes.gpkg")
    areas = read_area(asked.file, name=asked.by or asked.name, layer=asked.layer, crs=asked.crs)
    if asked.by is not None:
        areas = areas.dissolve(by="name", as_index=False).set_index("name", drop=False).rename_axis("territory")
    areas = in_order(areas)
    if not areas["name"].is_unique:
        twice = areas["name"].duplicated(keep=False)
        areas["name"] = areas["name"].where(~twice, areas["name"] + " (" + areas.index.astype(str) + ")")
    folders = [folder_name(name) for name in areas["name"]]
    many = Counter(folders)
    ids = map(str, areas.index)
    digests = [hashlib.sha256(each.encode()).hexdigest()[:8] for each in ids]
    return areas.assign(
        folder=[one if many[one] == 1 else f"{one}-{digest}" for one, digest in zip(folders, digests, strict=True)]
    )


def split(inputs: Inputs, areas: gpd.GeoDataFrame) -> list[Territory]:
    """Give each territory its sites, cells and communes; say what is in none."""
    sites, cells = cell_territories(inputs.sites, areas), cell_territories(inputs.cells, areas)
    known = set(map(str, areas.index))
    lost = int((~sites.isin(known)).sum()), float(inputs.cells["people"][~cells.isin(known)].sum())
    if any(lost):
        text = f"area.each: {lost[0]:,} sites and {lost[1]:,.0f} people are in none of the territories, and left out"
        warn(text)
    communes = None if inputs.communes is None else cell_territories(inputs.communes, areas)
    found = []
    for at, key in enumerate(map(str, areas.index)):
        inside = None if communes is None or inputs.communes is None else inputs.communes[(communes == key).to_numpy()]
        parts = inputs.sites[(sites == key).to_numpy()], inputs.cells[(cells == key).to_numpy()]
        found.append(Territory(key, areas.iloc[[at]], *parts, inside if inside is not None and len(inside) else None))
    return found
