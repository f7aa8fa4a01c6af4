"""The files that a study reads, and what is said of them."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from siteplan.config.fields import File, Names, listed, refused
from siteplan.config.profiles import Model

__all__ = ["Area", "Each", "Inputs", "Population", "Table", "Transit"]


def _as_file(value: Any) -> Any:
    """Let a plain path stand for {file: path}."""
    return {"file": value} if isinstance(value, str | Path) else value


def _crs(value: Any) -> Any:
    """Let 3035 stand for EPSG:3035."""
    return f"EPSG:{value}" if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else value


Crs = Annotated[str, BeforeValidator(_crs)]
Marks = Annotated[tuple[Annotated[float | str, Field(union_mode="left_to_right")], ...], BeforeValidator(listed)]


class Table(Model):
    """A file with places in it; a plain path stands for `{file: path}`."""

    file: File = Field(description="the file, relative to this study file")
    layer: str | None = Field(
        default=None,
        description="which layer of a GeoPackage with several, or sheet of a workbook; empty = the only one, the first",
    )
    crs: Crs | None = Field(
        default=None, description="the CRS, where the file does not carry one; empty = the file's own"
    )


class Each(Table):
    """Territories of which each is planned for by itself; a plain path stands for `{file: path}`."""

    name: str | None = Field(
        default=None, description="the column of the territories' names; empty = found by its usual names"
    )
    by: str | None = Field(
        default=None,
        description="a column, such as department: rows with the same value are one territory, called by it; empty = "
        "every row is one",
    )


class Area(Model):
    """The territories that results are shown by, and how far people are taken in."""

    communes: Annotated[Table, BeforeValidator(_as_file)] | None = Field(
        default=None, description="polygons with a name each (.gpkg .geojson .parquet), drawn on the map; empty = none"
    )
    name: str | None = Field(
        default=None, description="the column of the communes' names; empty = found by its usual names"
    )
    each: Annotated[Each, BeforeValidator(_as_file)] | None = Field(
        default=None,
        description="polygons (.gpkg .geojson .parquet) of which `run` plans for each by itself, such as communes.gpkg "
        "or {file: communes.gpkg, by: department}: with the people who live in it and the sites that stand in it, into "
        "a folder of its own, and one table of all, each_territory.csv; other commands do not heed it; empty = the "
        "whole is one",
    )
    extent: Literal["all", "sites", "communes"] = Field(
        default="all",
        description="which people are read: all of the population file, or only those around the sites or the "
        "communes, as far as the limits carry (for the file of a whole country)",
    )


class Population(Table):
    """Where people are: a raster, polygons, points or H3 cells, with counts."""

    people: str | None = Field(default=None, description="the column with people; empty = found by its usual names")
    groups: Names = Field(
        default=(), description="columns to carry along and report beside people, such as workers, age_65"
    )
    cell: str | None = Field(default=None, description="the column that names a cell; empty = the rows are numbered")
    density: Literal["per_km2", "per_ha", "per_m2", "none"] | None = Field(
        default=None,
        description="per_km2, per_ha or per_m2 when the file holds densities; none = counts, whatever its name says",
    )
    missing: Marks | dict[str, Marks] = Field(
        default=(),
        description="values that mean withheld, such as [-1], or by column {employed: [0]}; missing is not zero",
    )


def _day(value: Any) -> Any:
    """Let a date that YAML has read, or text, be the text of a date."""
    text = str(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise refused("expected a date such as 2026-03-10") from None


class Transit(Model):
    """The timetables of one day."""

    feeds: Annotated[tuple[File, ...], BeforeValidator(listed)] = Field(
        min_length=1, description="GTFS feeds (.zip or folder), one or several", examples=[["gtfs.zip"]]
    )
    date: Annotated[str, BeforeValidator(_day)] = Field(
        description="the day of service, best an ordinary weekday", examples=["2026-03-10"]
    )


class Origin(Model):
    """Where an input is from, and what must be said of it."""

    source: str = Field(default="", description="who published it")
    licence: str = Field(default="", description="its licence, such as CC-BY-4.0")
    attribution: str = Field(default="", description="what must be said wherever it shows")
    vintage: str = Field(default="", description="of when it is")


class Inputs(Model):
    """The files that a study reads."""

    streets: File | None = Field(
        default=None,
        description="OpenStreetMap extract (.osm.pbf .osm), or GraphML from OSMnx",
        examples=["streets.osm.pbf"],
    )
    population: Annotated[Population, BeforeValidator(_as_file)] | None = Field(
        default=None,
        description="where people are; a plain path stands for {file: path}",
        examples=[{"file": "population.tif"}],
    )
    sites: Annotated[Table, BeforeValidator(_as_file)] | None = Field(
        default=None,
        description="sites (.csv .xlsx .gpkg .geojson .parquet), each within 1,600 m of a street; a plain path stands "
        "for {file: path}. Their column status: existing (there already), candidate (may be opened; also when blank), "
        "required (shall be opened), excluded (left out)",
        examples=[{"file": "sites.csv"}],
    )
    transit: Transit | None = Field(
        default=None,
        description="timetables, such as {feeds: [gtfs.zip], date: 2026-03-10}; people then ride as well",
    )
    elevation: File | None = Field(default=None, description="terrain model (.tif); given, slopes change the speed")
    times: File | None = Field(
        default=None,
        description="your own table (.parquet .csv .xlsx) of site, point (= cell), minutes, mode; replaces the search",
    )
    times_minutes: Literal["exact", "rounded", "truncated"] | None = Field(
        default=None,
        description="what the minutes of times stand for: exact; rounded; or truncated, as R5 (r5r, r5py) writes them: "
        "half a minute is added, so that a limit of 15 counts up to a written 14",
    )
